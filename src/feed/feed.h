/* SPDX-License-Identifier: Apache-2.0 */
/* From messages to devices: what drivers of devices that speak first (MQTT, HTTP, TCP, UDP) share.
 *
 *   message -> its routes -> elements -> devices -> readings, events -> driver_publish, driver_event
 *                                                                    -> on disk -> done: acknowledge now
 *
 * A route is a set of devices that read the same messages the same way (one payload_shape): of one device alone, or of
 * thousands that the message's id tells apart. Which routes a message belongs to is the driver's to know (topic, URL,
 * connection). A message is taken whole or refused whole: nothing is published before all of it has been read.
 *
 * Readings are gathered until the loop's turn ends, then published once a device, so that 64 KiB of lines from one
 * device are one batch. Readings without a time of their own get the time of receipt, made different for each one of the
 * same point. Loop thread only. Allocates nothing per reading. */
#ifndef BUSBAR_FEED_FEED_H
#define BUSBAR_FEED_FEED_H

#include "base/json.h"
#include "driver/driver.h"
#include "payload/program.h"

enum {
    FEED_SOURCE_MAX = 160,     /* bytes of a source's name kept */
    FEED_SOURCES_MAX = 10000,  /* of which messages are counted apart; more are counted together */
    FEED_REFUSALS_MAX = 200,   /* last refused messages kept, of all sources */
    FEED_EXCERPT_MAX = 512,    /* bytes kept of a refused message */
    FEED_STRANGERS_MAX = 1000, /* ids that no device has: kept to be proposed */
    FEED_WAITING_MAX = 65536,  /* messages not yet on disk: then BUSBAR_EBUSY */
    FEED_KEY_MAX = 128,
};

struct feed;
struct feed_route;

/* Keys of messages are kept in driver_folder(), in a file named as the driver: "mqtt-keys". schemas may be NULL; they must
 * outlive the feed. */
struct feed *feed_new(struct driver *drv, const struct payload_schemas *schemas);
/* All routes must be gone; what waits for the disk is told BUSBAR_ECANCELED, inside this call. NULL is fine. */
void feed_free(struct feed *feed);
struct payload_programs *feed_programs(struct feed *feed);

/* Holds the shape. `name`: for people ("broker plant zigbee/+"). */
struct feed_route *feed_route_new(struct feed *feed, struct payload_shape *shape, const char *name);
void feed_route_free(struct feed_route *route); /* with its members; NULL is fine */
/* A device that reads what comes by this route: id NULL = every element, else those whose id it is. The program's rule
 * sources carry indexes of dev->points, its event sources of dev->events. Held. BUSBAR_EEXIST: another device of the
 * route has that id (err names it). A device may be in several routes, and more than once in one with other ids. */
int feed_join(struct feed_route *route, struct device *dev, const char *id,
              struct payload_program *program, struct err *err);
/* Out of all routes; what it has gathered is published first. Call it in stop(), before driver_stopped(). */
void feed_leave(struct feed *feed, struct device *dev);
bool feed_route_empty(const struct feed_route *route);
/* How a device with an id that came by this route would be configured: the protocol part of its settings, with {id} where
 * its id stands: "{ connector: meters, id: \"{id}\" }" (the id is escaped for double quotes). Then strangers of the route
 * are told as finds (driver_found), so that Discover proposes them; feed_find_key() knows them again. NULL: they are not. */
void feed_route_propose(struct feed_route *route, const char *settings);
/* The same by the settings of a device of the route, but for its id; id_option: the place of that row. */
void feed_route_propose_like(struct feed_route *route, const struct device *dev, size_t id_option);
/* For the driver's find_key: the key of the find that this device is; nothing when it is told by no id. */
void feed_find_key(const struct feed *feed, const struct device *dev, struct buf *out);

struct feed_message {
    struct payload_message payload;
    const char
        *source; /* who sent it, for counts and refusals: "10.0.3.7", "meters/pv-1", "topic a/b" */
    /* What tells a repetition: the same key again within the keeping time is the same message; size 0: nothing does. Any
     * bytes. Its times are those of the first time, so that it is stored once, also after a crash in between. */
    const char *key;
    size_t key_size;
    /* The sender's connection belongs to this device: ids are not asked for. NULL: by routes. */
    struct device *device;
    /* A device may be about to come that the message is of: it is BUSBAR_EBUSY when an id in it is that of none. */
    bool whole;
    /* What each of its devices keeps in its ring of last frames (driver_frame is called here, not by the driver); NULL: the
     * body. */
    const void *frame;
    size_t frame_size;
    /* enum quality of good readings without a time of their own: a retained message is of unknown age (UNCERTAIN). */
    uint8_t quality;
};

/* What became of it. err: why it was refused, in plain words with the rule and the place. */
struct feed_verdict {
    unsigned devices, readings, events;
    unsigned
        strangers; /* elements whose id no device has: counted, kept to be proposed; not refused */
    bool repeated; /* its key was known */
    struct device *dev; /* the one it was of; NULL: of none, or of several */
    struct err err;
    const char *device; /* whose rule refused it; NULL */
    const char *point;
};

/* error 0: all of it is on disk: acknowledge. BUSBAR_ECANCELED: a device of it was paused meanwhile and took nothing; the rest
 * is on disk. BUSBAR_ENOSPC ...: nothing is sure; the sender must keep it. In the order of
 * taking (of those without a key). Never before feed_take() returned. */
typedef void (*feed_done_cb)(void *ctx, int error);

/* Returns 0, and done (may be NULL) runs once; or it is refused, `done` never runs: BUSBAR_EPROTO (the message is wrong:
 * verdict->err), BUSBAR_ENOENT (no element is of a device that is there), BUSBAR_EBUSY (too much waits for the disk: not
 * counted as refused, ask again later), BUSBAR_ELIMIT. Not refused, but of no use, is what `only` leaves out and where no
 * rule finds anything: 0 with no readings and no events. verdict must not be NULL. */
int feed_take(struct feed *feed, struct feed_route *const *routes, size_t route_count,
              const struct feed_message *message, feed_done_cb done, void *ctx,
              struct feed_verdict *verdict);

/* Readings that were taken elsewhere (Sparkplug): gathered, published and acknowledged like those of a message. The device
 * must have joined some route, or have been told by feed_add(). A time that cannot be becomes that of now, and the reading
 * uncertain. BUSBAR_EBUSY as above; source as in feed_message. */
int feed_give(struct feed *feed, struct device *dev, const char *source,
              struct payload_reading *readings, size_t count, feed_done_cb done, void *ctx);
/* A device of no route, for feed_give(); feed_leave() ends it. */
void feed_add(struct feed *feed, struct device *dev);

/* The sender will never repeat the message with this key (MQTT: PUBREL came), so the key may be used for another one.
 * forgotten (may be NULL) runs once, later: error 0 = that is on disk; only then may the sender be told to use the key
 * again (PUBCOMP): else, after a crash, a new message could be taken for the old one. */
void feed_forget(struct feed *feed, const char *key, size_t key_size, feed_done_cb forgotten,
                 void *ctx);

/* Publishes what is gathered now; else it is done at the end of the turn. */
void feed_flush(struct feed *feed);

/* A message that was refused before it could be read (no such URL, wrong key, broken frame): counted and kept. */
void feed_refuse(struct feed *feed, const char *source, const char *where, const void *data,
                 size_t size, const char *why);

/* ---- for people ---- */
void feed_counts(const struct feed *feed, struct driver_message_counts *counts);
/* For the driver's slot `status`: "last without use" with why, "2026-11-22T10:44:08Z from 10.0.7.4: no rule of device scale-1
 * finds anything in 'READY'"; nothing where there was none. */
void feed_status(const struct feed *feed, driver_status_cb cb, void *ctx);
/* For the driver's slot `messages`; valid until the feed changes. */
void feed_messages(const struct feed *feed, struct driver_messages *out);

#endif
