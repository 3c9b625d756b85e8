/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP driver: what its files share. Loop thread only.
 *
 *   http_driver.c      the slots of the driver interface
 *   http_listen.c      the sockets that devices post to, and their certificate
 *   http_connectors.c  who may post: keys, addresses, rates; and which device an id is
 *   http_left.c        devices that are taken out and put in again by a change
 *   http_post.c        a posted message: from its head to the feed and to the answer
 *   http_target.c      paths and queries; pure
 *   http_answer.c      answers
 *   http_device.c      life of a device
 *   http_poll.c        devices that are asked: reading
 *   http_write.c       writing
 *   http_browse.c, http_status.c, http_test.c   for people */
#ifndef BUSBAR_DRIVERS_HTTP_HTTP_DRIVER_H
#define BUSBAR_DRIVERS_HTTP_HTTP_DRIVER_H

#include "base/list.h"
#include "base/map.h"
#include "driver/driver.h"
#include "driver/keyring.h"
#include "drivers/http/http_config.h"
#include "drivers/http/http_left.h"
#include "drivers/http/http_target.h"
#include "feed/feed.h"
#include "http/fetch.h"
#include "http/http.h"

enum {
    HTTP_HEAD_BYTES_MAX = 8 * 1024,
    HTTP_IDEMPOTENCY_MAX = 64, /* bytes of an Idempotency-Key */
    HTTP_SMALL_BODY = 64 *
                      1024,     /* a refused one is read to its end, so that the sender reads why */
    HTTP_SETTLE_MS = 200,       /* after a change nobody is told that a device is unknown */
    HTTP_BUCKETS_MAX = 65536,   /* addresses whose rate is counted, of one connector */
    HTTP_BODIES_MAX = 64 << 20, /* bytes of bodies being received or waiting */
};

/* Why posts were refused. */
enum http_refusal {
    HTTP_REFUSED_KEY,
    HTTP_REFUSED_ADDRESS,
    HTTP_REFUSED_RATE,
    HTTP_REFUSED_UNKNOWN,
    HTTP_REFUSED_FORM,
    HTTP_REFUSED_CONTENT,
    HTTP_REFUSED_BUSY,
    HTTP_REFUSALS
};

/* One address that is listened on. */
struct http_bound {
    char where[ADDRESS_TEXT_MAX];
    uint16_t port;
    struct http_listener *listener; /* NULL: broken says why, or the certificate is being made */
    bool tls;
    struct err broken;
};

/* Devices that read what is posted in the same way. */
struct http_route {
    struct list link; /* connector->routes */
    struct payload_shape *shape;
    struct feed_route *feed;
    size_t uses;
    bool by_id; /* the message says which device it is of */
};

struct http_connector {
    char *name;
    struct http_state *state;
    struct http_connector_config config;
    uint8_t key_hash[KEYRING_HASH_BYTES]; /* of the fixed key */
    bool has_key;
    struct map devices; /* id -> struct http_device: those that are told by the path */
    struct list routes;
    struct feed_route **by_id; /* those of messages that say whose they are */
    size_t by_id_count;
    size_t device_count;
    struct map64 buckets; /* hash of an address -> struct bucket */
    uint64_t messages, refused;
    int64_t last_us; /* wall */
};

struct http_state {
    struct driver *drv;
    struct loop *loop;
    struct feed *feed;
    struct http http;
    struct http_fetcher *fetcher;
    struct payload_reader *reader; /* of answers */
    struct http_setup own;
    struct http_bound bound[HTTP_LISTEN_MAX];
    size_t bound_count;
    struct err broken;   /* why nothing is listened on */
    char *certificate;   /* PEM, that is used now; NULL */
    uint64_t generation; /* of the certificates, when it was made */
    struct certificate_job *making;
    struct http_connector *connectors;
    size_t connector_count;
    struct MHD_Response *done; /* 204, the same for all */
    struct list devices;       /* struct http_device that are started */
    struct http_left left;
    struct timer settle, upkeep;
    bool unsettled;
    unsigned upkeeps;
    uint64_t refused[HTTP_REFUSALS];
};

struct http_device {
    struct list link;
    struct device *dev;
    struct driver *drv;
    struct http_state *state;
    struct http_device_config config; /* texts are the device's */
    const char *id;
    struct payload_shape *shape;
    bool started;
    /* one that posts */
    struct http_connector *connector;
    struct http_route *route;
    bool named; /* in connector->devices */
    struct err broken;
    /* one that is asked */
    struct list reads, writes, tests, browses;
    struct http_page *pages; /* what is asked, by URL */
    size_t page_count;
    bool up;
};

static inline struct http_device *http_device_of(const struct device *dev)
{
    return dev->driver;
}

/* ---- http_listen.c ---- */
/* Listens as the setup says; what is broken is told to the devices. */
void http_listen_open(struct http_state *state);
void http_listen_close(struct http_state *state);
/* Whether both say the same about listening. */
bool http_listen_equal(const struct http_setup *a, const struct http_setup *b);
/* Now and then: ports that were taken are tried again, a certificate that was renewed is used. */
void http_listen_upkeep(struct http_state *state);
/* Why devices cannot post; NULL: they can, at one address at least. */
const struct err *http_listen_trouble(const struct http_state *state);
void http_listen_print(const struct http_state *state, struct buf *out);
/* Each device is told whether it can post. */
void http_listen_tell(struct http_state *state);

/* ---- http_connectors.c ---- */
void http_connectors_open(struct http_state *state, const struct setup *setup);
void http_connectors_close(struct http_state *state);
struct http_connector *http_connector_named(const struct http_state *state, const char *name);
/* Who is it? key NULL: none was shown; certificate: its names. NULL with err: 401 or 403. */
struct http_connector *http_connector_find(struct http_state *state, const char *key, bool in_query,
                                           const struct http_certificate *certificate,
                                           const char *from, const char *id, struct err *err);
/* False: too many messages from this address; *wait_s: how long to wait. */
bool http_connector_admits(struct http_connector *connector, const char *from, int64_t now_us,
                           unsigned *wait_s);
int http_connector_join(struct http_connector *connector, struct http_device *device,
                        struct err *err);
void http_connector_leave(struct http_connector *connector, struct http_device *device);
void http_connectors_sweep(struct http_state *state);

/* ---- http_post.c ---- */
struct http_post {
    struct http_request http; /* the first */
    struct http_state *state;
    struct http_connector *connector; /* NULL: not known */
    struct http_target target;
    unsigned refused; /* status: what is said when the body is there; 0: nothing is */
    enum http_refusal why;
    unsigned wait_s;
    bool nobody; /* it was read, and is of no device */
    struct err err;
    char device_text[DEVICE_NAME_MAX + 1], point_text[POINT_NAME_MAX + 1]; /* that refused it */
    char from[64];
};
extern const struct http_ops http_post_ops;
/* Connectors are made anew: bodies that are still coming are refused when they are there. */
void http_posts_forget(struct http_state *state);

/* ---- http_answer.c ---- */
struct MHD_Response *http_answer_done_new(void);
void http_answer_done(struct http_post *post);
/* {"error":{"code","message","hint"}}; counts it. */
void http_answer_error(struct http_post *post, unsigned status, enum http_refusal why,
                       const struct err *err);
unsigned http_answer_stopping(struct MHD_Response **response);

/* ---- http_device.c ---- */
/* Somebody with a key posted for an id that no device has. */
void http_found(struct http_state *state, const struct http_connector *connector, const char *id,
                const char *from);
void http_find_key(const struct http_device *device, struct buf *out);
int http_device_add(struct http_device *device, struct err *err);
void http_device_start(struct http_device *device);
void http_device_stop(struct http_device *device);
void http_device_remove(struct http_device *device);
void http_device_tell(struct http_device *device);

/* ---- http_poll.c ---- */
struct http_page; /* a URL of a device and what is read there */
int http_pages_make(struct http_device *device, struct err *err);
void http_pages_free(struct http_device *device);
void http_read(struct http_device *device, struct request *req);
void http_read_cancel(struct http_device *device, struct request *req);
void http_reads_stop(struct http_device *device);
/* How a device is asked; url NULL: its own. Texts are borrowed. */
void http_ask_of(const struct http_device *device, const char *url, struct http_ask *ask,
                 const char *headers[3]);

/* ---- http_write.c ---- */
void http_write(struct http_device *device, struct request *req);
/* False: it is no write. */
bool http_write_cancel(struct http_device *device, struct request *req);
void http_writes_stop(struct http_device *device);

/* ---- http_browse.c ---- */
void http_browse(struct http_device *device, struct driver_browse *asked);
void http_browse_stop(struct http_device *device, struct driver_browse *asked);
void http_browses_stop(struct http_device *device);

/* ---- http_status.c ---- */
void http_status(struct driver *drv, driver_status_cb cb, void *ctx);
void http_ports(const struct setup *setup, bool used, driver_port_cb cb, void *ctx);

/* ---- http_test.c ---- */
void http_test(struct http_device *device, struct driver_test *asked);
void http_tests_stop(struct http_device *device);

#endif
