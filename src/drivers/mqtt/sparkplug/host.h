/* SPDX-License-Identifier: Apache-2.0 */
/* The host application of Sparkplug B 3.0 (section 5): which edge nodes and devices are up, whether their messages are
 * complete and in order, and what their aliases mean. Pure: no sockets, no clock; times are given.
 *
 *            NBIRTH                     seq as expected: metrics
 *   unknown --------> up   NDATA DDATA  seq from later: held until the missing ones come, or the
 *      ^               |   DBIRTH       re-order timeout ends: then a rebirth is asked for, the held are taken
 *      '---- NDEATH ---'   DDEATH       alias or device unknown, no birth yet: a rebirth is asked for
 *        (bdSeq of the birth)
 *
 * Feed it every message of the nodes with sparkplug_host_take(). It calls back at once, or, for a message that is held,
 * from a later take() or tick(). A rebirth is asked for at most once every 10 s, 20 s ... 10 min until a birth comes, and
 * 20 times a second over all nodes. One thread. Callbacks must not call the host, but sparkplug_host_find(). */
#ifndef BUSBAR_DRIVERS_MQTT_SPARKPLUG_HOST_H
#define BUSBAR_DRIVERS_MQTT_SPARKPLUG_HOST_H

#include "drivers/mqtt/sparkplug/payload.h"
#include "drivers/mqtt/sparkplug/topic.h"

enum {
    SPARKPLUG_NODES_MAX = 10000,
    SPARKPLUG_DEVICES_MAX = 10000,      /* of one node */
    SPARKPLUG_KNOWN_MAX = 1000000,      /* metrics of all nodes */
    SPARKPLUG_HELD_MAX = 64,            /* messages of one node that wait for earlier ones */
    SPARKPLUG_HELD_BYTES_MAX = 4 << 20, /* of one node */
};

struct sparkplug_host;

/* A node (device "") or a device of it. Lives as long as the host, or until sparkplug_host_forget(). */
struct sparkplug_place {
    const char *group, *node, *device;
    bool up;
    void *user; /* the driver's own; kept over births */
};

/* What a birth said of a metric. Lives until the next birth of its place. */
struct sparkplug_known {
    const char *name;
    const char *units, *about; /* NULL: not told */
    uint64_t alias;
    uint32_t datatype;
    bool has_alias;
    void *user; /* the driver's own, e.g. its point */
};

struct sparkplug_host_calls {
    /* Went up (before its first metrics) or down; why: for people, "NDEATH", "the node's birth" ... */
    void (*link)(void *ctx, struct sparkplug_place *place, bool up, const char *why);
    /* All metrics of one message; names are always there, types settled, `user` points to the known metric's. token: of
     * the message. birth: it is all that the place has, in the order of the birth. */
    void (*metrics)(void *ctx, void *token, struct sparkplug_place *place,
                    const struct sparkplug_metric *metrics, size_t count, bool birth);
    /* A message that take() said was held has been dealt with; `lost`: it was not used. Acknowledge it when what
     * metrics() gave is on disk. Exactly once each. */
    void (*released)(void *ctx, void *token, bool lost);
    /* Publish sparkplug_put_rebirth() to the NCMD topic of this node now, QoS 0, not retained. */
    void (*rebirth)(void *ctx, const struct sparkplug_place *node, const char *why);
};

struct sparkplug_host_options {
    int64_t reorder_us; /* how long missing messages are waited for; 0: 5 s */
};

/* calls: borrowed for life, all slots set. */
struct sparkplug_host *sparkplug_host_new(const struct sparkplug_host_calls *calls, void *ctx,
                                          const struct sparkplug_host_options *options);
void sparkplug_host_free(
    struct sparkplug_host *host); /* releases what is held as lost; NULL is fine */

enum sparkplug_taken {
    SPARKPLUG_TAKEN, /* dealt with: what it had was given to metrics() */
    SPARKPLUG_HELD,  /* copied; released() comes later */
    SPARKPLUG_UNUSED /* of no use: err says why (before birth, an old death ...); its sender is not to blame */
};

/* now_us: monotonic. Commands and STATE are UNUSED. Returns an enum sparkplug_taken, or BUSBAR_EPROTO (the payload is wrong:
 * err), BUSBAR_ELIMIT, BUSBAR_ENOMEM. */
int sparkplug_host_take(struct sparkplug_host *host, const struct sparkplug_topic *topic,
                        struct bytes payload, int64_t now_us, void *token, struct err *err);

/* When tick() has something to do; INT64_MAX: never. Look again after each take(). */
int64_t sparkplug_host_due(const struct sparkplug_host *host);
void sparkplug_host_tick(struct sparkplug_host *host, int64_t now_us);

/* The connection to the broker is gone: everything is down, what is held is released as lost, births are awaited. */
void sparkplug_host_disconnected(struct sparkplug_host *host);

/* Asks for the birth of a node nothing is known of (a device of it is configured), and again, less and less often, until
 * it comes or the connection is gone. */
void sparkplug_host_want(struct sparkplug_host *host, const char *group, const char *node,
                         int64_t now_us);
/* Nothing of it is configured any more. */
void sparkplug_host_forget(struct sparkplug_host *host, const char *group, const char *node);

/* NULL: not heard of. device NULL or "": the node. */
struct sparkplug_place *sparkplug_host_place(struct sparkplug_host *host, const char *group,
                                             const char *node, const char *device);
const struct sparkplug_known *sparkplug_host_find(const struct sparkplug_host *host,
                                                  const struct sparkplug_place *place,
                                                  const char *metric);

/* For people. */
struct sparkplug_counts {
    uint64_t births, deaths, data;
    uint64_t gaps; /* times that messages were missing to the end of the timeout */
    uint64_t reordered, late, unused, rebirths;
    size_t nodes, nodes_up, places, known, held;
};
void sparkplug_host_counts(const struct sparkplug_host *host, struct sparkplug_counts *counts);
/* All places, nodes before their devices. */
void sparkplug_host_places(struct sparkplug_host *host,
                           void (*cb)(void *ctx, struct sparkplug_place *place), void *ctx);
/* What a place's last birth said, in its order; until it returns false. */
void sparkplug_host_known(const struct sparkplug_host *host, const struct sparkplug_place *place,
                          bool (*cb)(void *ctx, const struct sparkplug_known *known), void *ctx);

#endif
