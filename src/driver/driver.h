/* SPDX-License-Identifier: Apache-2.0 */
/* The driver interface: what a protocol gives to the host, and what the host gives to a protocol.
 *
 * The host owns polling, timeouts of whole requests, retries, back-off, the breaker, statistics,
 * conversion (scale, enum, clamp, deadband) and quality. The driver owns addresses, bytes, session.
 *
 * All calls are on the loop thread and none may block. A request is answered exactly once by
 * driver_done(), never before the read() or write() that began it has returned; stop() answers all
 * that are open with BUSBAR_ECANCELED. A device's fault never delays another device.
 *
 * read(), write() and cancel() may be called from inside driver_done(). start(), stop() and
 * remove() are not; they may come in turns (pause is stop(), resume is start() again), remove()
 * always after driver_stopped(). While the link is down read() and write() try to connect: the
 * host's back-off paces them, so a driver needs none of its own for that. */
#ifndef BUSBAR_DRIVER_DRIVER_H
#define BUSBAR_DRIVER_DRIVER_H

#include "base/buf.h"
#include "base/bytes.h"
#include "config/option.h"
#include "model/device.h"
#include "net/loop.h"

struct driver;
struct driver_test;

/* Owned by the host; valid until driver_done(). The host reuses one request for each poll of the
 * same group of points, so a driver may keep what it planned in `plan` (freed by ops->unplan). */
struct request {
    const uint32_t *points; /* indexes into dev->points, ascending by configuration order */
    /* read: the driver sets type, value, quality, detail and time_us (0 = the host's) of each
     * before it answers 0: raw, before conversion; text is borrowed until driver_done() returned;
     * bad = type NONE. The array comes unset.
     * write: the raw values to send, as wide as the point; of a scaled point always VALUE_DOUBLE,
     * to be rounded where the device has integers; what does not fit is answered BUSBAR_ERANGE,
     * unsent. */
    struct sample *samples;
    size_t count;
    int64_t deadline_us; /* monotonic; the host gives up then and cancels */
    void *plan;          /* the driver's */
};

struct driver_ops {
    const char *name;                    /* "modbus": the word in config, REST, log and docs */
    const struct option *device_options; /* ends with key NULL */
    const struct option *point_options;
    size_t driver_bytes, device_bytes, address_bytes; /* zeroed state the host gives */

    /* Pure: no sockets, no state; also used by `config check`. */
    int (*check)(const struct settings *device, struct err *err);
    int (*resolve)(const struct settings *device, const struct settings *point, void *address,
                   struct point_facts *facts, struct err *err);

    int (*open)(struct driver *drv, struct err *err); /* shared sockets; may be NULL */
    void (*close)(struct driver *drv);                /* may be NULL */
    int (*add)(struct driver *drv, struct device *dev, struct err *err); /* remove() undoes it */
    int (*start)(struct device *dev); /* begin connecting; told by driver_link() */
    void (*read)(struct device *dev, struct request *req);
    /* NULL: never written. A write is sent once; a lost answer is an error, not a reason to repeat
     * it. */
    void (*write)(struct device *dev, struct request *req);
    /* The deadline passed: answer it soon, with 0 and quality NO_ANSWER where nothing came, or with
     * BUSBAR_ETIMEOUT when nothing came at all. */
    void (*cancel)(struct device *dev, struct request *req);
    void (*unplan)(struct device *dev, struct request *req); /* free req->plan; may be NULL */
    void (*stop)(struct device *dev); /* cancels all, tests too; ends in driver_stopped() */
    void (*remove)(struct device *dev);

    /* Finds out step by step why a device does not answer; ends in driver_tested(). */
    void (*test)(struct device *dev, struct driver_test *test);

    /* For people. describe: one frame of the last-frames ring in words, one line. */
    void (*describe)(const struct device *dev, bool sent, const void *data, size_t size,
                     struct buf *out);
    /* The address of a point as a person would write it: "holding 100 uint16 ABCD". */
    void (*address)(const struct device *dev, const struct point *pt, struct buf *out);
    /* A sample's detail in plain words with the next step; NULL when unknown. */
    const char *(*explain)(uint16_t detail);
    /* Whether `received` answers `sent` (frames of the ring) and holds the point: its bytes and
     * what was read around it as one line ("0841 in holding 0..31, unit 1"), and the raw value
     * (type NONE for texts). NULL: no. */
    bool (*trace)(const struct device *dev, const struct point *pt, struct bytes sent,
                  struct bytes received, struct buf *out, struct sample *raw);
    /* "tcp 10.0.2.15:502": where the device is reached, for lists and the port table. */
    void (*link)(const struct device *dev, struct buf *out);
};

/* ---- what a driver calls ---- */

/* The driver's own state (driver_bytes, device_bytes) and resolved address of a point. */
void *driver_state(struct driver *drv);
struct loop *driver_loop(struct driver *drv);
void *driver_address(const struct device *dev, uint32_t point_index); /* address_bytes bytes */
/* The driver's table again from a device. */
struct driver *driver_of(const struct device *dev);
/* The value of a secret by its name (from !secret); NULL when it is not set. Borrowed. */
const char *driver_secret(struct driver *drv, const char *name);

/* error 0: look at each sample's quality (all of them NO_ANSWER or LINK_DOWN: the device is
 * silent). Other errors hold for the whole request: BUSBAR_ETIMEOUT (no answer),
 * BUSBAR_ECONNREFUSED ... (no link), BUSBAR_ETOOBIG (the host splits the request in halves and
 * remembers the limit), BUSBAR_EREFUSED with detail in samples[0].detail. */
void driver_done(struct device *dev, struct request *req, int error);

/* Pushed samples (not asked for), raw; points as in a request. If 0 is returned `on_disk` runs once
 * on the loop later: error 0 = it is on disk, acknowledge now. */
typedef void (*driver_cb)(void *ctx, int error);
int driver_publish(struct device *dev, const uint32_t *points, struct sample *samples, size_t count,
                   driver_cb on_disk, void *ctx);

/* The link's state as a person would say it; error as in base/err.h, detail may be NULL. Down with
 * error 0 is a link closed on purpose (after each poll): the device stays "up" for people. */
void driver_link(struct device *dev, bool up, int error, const char *detail);

/* Each frame sent and received, for the ring that explains values. Cheap; call it for all. */
void driver_frame(struct device *dev, bool sent, const void *data, size_t size);
/* A frame that broke the protocol: counted, kept in the ring with the reason, changes nothing. */
void driver_bad_frame(struct device *dev, const void *data, size_t size, const char *reason);

/* What was learned about a device (largest read, requests in flight, an address that refuses):
 * kept by name, shown to people, remembered over restarts. */
#define DRIVER_LIMITS_MAX 64 /* names kept for one device */
void driver_limit_set(struct device *dev, const char *name, int64_t value);
bool driver_limit_get(const struct device *dev, const char *name, int64_t *value);

/* A retry inside the driver (a split read, a lost answer asked again), for the statistics. */
void driver_retried(struct device *dev);
void driver_stopped(struct device *dev);

/* One finding of a test: a step's name ("name", "tcp 502", "unit 3"), whether it is fine, what was
 * seen, and what to do ("" = nothing). code: BUSBAR_ETIMEOUT ... for exit codes; 0 when fine. */
void driver_finding(struct driver_test *test, const char *step, bool fine, int code,
                    const char *seen, const char *hint);
/* Options the person gave ("scan-units"); NULL when not given. */
const char *driver_test_option(const struct driver_test *test, const char *name);
void driver_tested(struct driver_test *test);

#endif
