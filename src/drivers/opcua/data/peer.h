/* SPDX-License-Identifier: Apache-2.0 */
/* A device on the OPC UA thread: its seat in a session, its points as nodes of the server, what it subscribed
 * to. The driver's own half of it (opcua_device.h) lives on the gateway's loop.
 *
 * Features hang on it as *parts*, each in its file with a small private state: subscriptions (subscribe.h), reads and
 * writes (access.h), alarms (alarm.h), history (history.h), methods (method.h). A part is begun by a function of its
 * own, listed in opcua_peer_config.parts, which adds a struct opcua_part that it embeds; from then on it hears of the
 * link by that. Browsing takes a seat of its own and needs no peer.
 *
 * Home and back: the driver's half posts work with opcua_thread_do() and gives the peer as (part of) its context; it does so
 * between opcua_peer_open() and opcua_peer_close() only. What a part has to say at home it says by struct opcua_home,
 * whose calls run on the OPC UA thread: they post. What they hand over belongs to home from then on. */
#ifndef BUSBAR_DRIVERS_OPCUA_DATA_PEER_H
#define BUSBAR_DRIVERS_OPCUA_DATA_PEER_H

#include "base/list.h"
#include "drivers/opcua/data/value.h"
#include "drivers/opcua/link/session.h"
#include "drivers/opcua/text/node.h"
#include "model/event.h"

enum {
    OPCUA_ATTRIBUTE_VALUE = 13, /* Part 6, A.1 */
    OPCUA_CALLS_OPEN = 4,       /* service calls of one kind that a part has under way */
};

/* The resolved address of a point; immutable, there is one a point (72 bytes). */
struct opcua_address {
    struct opcua_id node;
    const char *range;      /* of an array; NULL: none */
    struct opcua_want want; /* member of a structure */
    int64_t sampling_us;    /* 0: the publishing interval, -1: as the server likes */
    uint32_t queue;         /* values kept by the server between two publishes */
    float deadband;         /* 0: none */
    bool deadband_percent;  /* of the node's EURange, else absolute */
    bool discard_newest;
    bool poll;         /* never subscribed */
    bool backfill;     /* holes are filled by HistoryRead */
    uint8_t attribute; /* OPCUA_ATTRIBUTE_VALUE, or another */
    uint8_t type;      /* enum value_type it was configured with; VALUE_NONE: as the server says */
};

struct opcua_peer;
struct
    opcua_delivery; /* publish.h: a message of the server to be acknowledged when all of it is on disk */

/* Samples that came together, raw. Made by opcua_batch_new(), handed home, given back by opcua_batch_back() when
 * they are on disk: from then on they are acknowledged and the batch is used again. */
struct opcua_batch {
    struct list link, home_link;
    struct opcua_peer *peer; /* NULL: the device is gone */
    uint32_t *points;        /* indexes of the device, in any order */
    struct sample *samples;
    size_t count, capacity;
    struct arena texts;
    struct opcua_delivery *delivery; /* NULL: nothing to acknowledge */
    bool history;                    /* backfilled: older than what is known */
    /* On the OPC UA thread when it is back, with `error`; from inside of opcua_batch_send() where it is empty, never
     * when the peer is gone. NULL: nobody asks. */
    void (*done)(struct opcua_batch *batch);
    void *owner;  /* of `done` */
    size_t place; /* likewise */
    int error;    /* home: what became of it on the disk */
    void *home;   /* home's own while it has it */
};

/* An event for the journal. Handed home, given back by opcua_news_back(). */
struct opcua_news {
    struct list link, home_link;
    struct event event;
    struct arena texts; /* all that event points to */
    struct opcua_delivery *delivery;
    struct opcua_peer *peer;
    void (*done)(
        struct opcua_news *news); /* on the OPC UA thread, before it is freed; may be NULL */
    int error;
    void *home;
};

/* Facts of a link that is up, for people; home frees them with opcua_peer_facts_free(). */
struct opcua_peer_facts {
    char *url, *application_uri, *product_uri, *name;
    enum opcua_mode mode;
    enum opcua_policy policy;
    struct opcua_server_limits limits;
    bool resumed;
    struct opcua_trouble trouble; /* down: why */
};

/* What the thread tells at home; all on the OPC UA thread. ctx: the driver's half. */
struct opcua_home {
    void (*up)(void *ctx, struct opcua_peer_facts *facts);
    void (*down)(void *ctx, struct opcua_peer_facts *why);
    void (*batch)(void *ctx, struct opcua_batch *batch);
    void (*news)(void *ctx, struct opcua_news *news);
    /* These points are watched now (every_us > 0), or not any more (driver_watched). Home frees the array. */
    void (*watched)(void *ctx, uint32_t *points, size_t count, int64_t every_us);
    /* A service message in words, for the ring of last frames; borrowed. sent: a request. */
    void (*said)(void *ctx, bool sent, const char *words, size_t size);
    /* Something was learned: driver_limit_set. name: static text. */
    void (*learned)(void *ctx, const char *name, int64_t value);
    /* The peer is closed; nothing is told after this. */
    void (*closed)(void *ctx);
};

struct opcua_peer_config {
    const char *name; /* of the device */
    struct opcua_link_config link;
    const struct opcua_address *addresses;
    size_t point_count;
    int64_t publishing_us;
    int64_t check_us; /* watched points are read this often */
    uint32_t
        keep_alive; /* empty publishing intervals after which the server speaks all the same; 0: by itself */
    uint32_t items_max;      /* monitored items in one call, learned before; 0: not known */
    uint32_t reads_max;      /* nodes in one Read, likewise */
    int64_t filled_until_us; /* wall; no value is missing up to then; 0: not known (history.h) */
    bool force_polling;      /* nothing is subscribed */
    const char *broken;      /* why it cannot even be tried to connect; NULL: nothing */
    void (*const *parts)(struct opcua_peer *peer); /* begin functions, ends with NULL */
    void *driver; /* for the parts: what the driver's half gives them */
};

/* A feature of the peer; embedded in its state. All may be NULL but free. */
struct opcua_part {
    struct list link;
    const char *name; /* found by it: "history" */
    void (*up)(struct opcua_part *part, const struct opcua_server_facts *facts, bool resumed);
    void (*down)(struct opcua_part *part); /* calls under way were answered before */
    void (*changed)(struct opcua_part *part, const struct opcua_server_facts *facts);
    /* How structures are built that were met before is known now: what was pending can be decoded. */
    void (*typed)(struct opcua_part *part);
    /* Values of all points may be missing between these two times (0: from the start): history fills them. Told after an
     * outage when samples come again, and when messages of a subscription were lost. */
    void (*hole)(struct opcua_part *part, int64_t from_us, int64_t until_us);
    /* The device stops: nothing new is asked; calls under way are canceled after this. */
    void (*stop)(struct opcua_part *part);
    void (*free)(struct opcua_part *part); /* last; frees itself */
};

/* Makes one; any thread. Texts and addresses of the config are borrowed until `closed`. */
struct opcua_peer *opcua_peer_new(struct opcua_thread *thread, struct trust *trust,
                                  const struct opcua_peer_config *config,
                                  const struct opcua_home *home, void *ctx);
/* Takes a seat, begins the parts, connects. */
void opcua_peer_open(void *peer);
/* Stops all parts, leaves the session; home->closed follows, never from inside; then the peer is gone. */
void opcua_peer_close(void *peer);
/* Connects where the link is down and nobody tries. */
void opcua_peer_connect(struct opcua_peer *peer);

/* ---- for the parts ---- */

void opcua_peer_add(struct opcua_peer *peer, struct opcua_part *part);
struct opcua_part *opcua_peer_part(const struct opcua_peer *peer,
                                   const char *name); /* NULL: none */

const struct opcua_peer_config *opcua_peer_config(const struct opcua_peer *peer);
struct opcua_seat *opcua_peer_seat(const struct opcua_peer *peer);
struct loop *opcua_peer_loop(const struct opcua_peer *peer); /* of the OPC UA thread, for timers */
/* Why the link is down, or was last: an error that the host takes for silence. */
const struct opcua_trouble *opcua_peer_trouble(const struct opcua_peer *peer);
/* NULL while the link is down. */
const struct opcua_server_facts *opcua_peer_facts(const struct opcua_peer *peer);
const struct opcua_home *opcua_peer_home(const struct opcua_peer *peer, void **ctx);
/* Structures and enumerations of the server (data/types.h). */
struct opcua_types *opcua_peer_types(const struct opcua_peer *peer);

/* The node id of the server as it is now; borrows the bytes of `id`. BUSBAR_ENOENT: the server does not have its namespace. */
int opcua_peer_node(const struct opcua_peer *peer, const struct opcua_id *id, UA_NodeId *out);

/* Tells all parts of a hole. */
void opcua_peer_hole(struct opcua_peer *peer, int64_t from_us, int64_t until_us);

/* opcua_call() with the peer's seat and timeout. Say what goes and what came by opcua_peer_say(). */
struct opcua_call *opcua_peer_call(struct opcua_peer *peer, void *request,
                                   const UA_DataType *request_type,
                                   const UA_DataType *response_type, opcua_called_cb called,
                                   void *ctx);
/* A line for the ring of last frames. */
void opcua_peer_say(struct opcua_peer *peer, bool sent, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same: values that came, the first of them in words. */
void opcua_peer_say_values(struct opcua_peer *peer, const char *service, const uint32_t *points,
                           const struct sample *samples, size_t count);

/* ---- batches and news ---- */

/* An empty batch with room for `count` samples. Add by opcua_batch_next(), hand it over by opcua_batch_send(). */
struct opcua_batch *opcua_batch_new(struct opcua_peer *peer, size_t count,
                                    struct opcua_delivery *delivery);
/* The next sample of a batch, zeroed, for a point. */
struct sample *opcua_batch_next(struct opcua_batch *batch, uint32_t point);
/* Home, or back among the spare ones when it is empty. */
void opcua_batch_send(struct opcua_batch *batch);
/* From home, on the OPC UA thread: error 0 = it is on disk. */
void opcua_batch_back(void *batch);

struct opcua_news *opcua_news_new(struct opcua_peer *peer, struct opcua_delivery *delivery);
void opcua_news_send(struct opcua_news *news);
void opcua_news_back(void *news);
/* Home, where the thread is gone already. */
void opcua_batch_free(struct opcua_batch *batch);
void opcua_news_free(struct opcua_news *news);

void opcua_peer_facts_free(struct opcua_peer_facts *facts);

#endif
