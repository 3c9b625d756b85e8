/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the feed share:
 *
 *   feed.c     life; when what is gathered goes out
 *   take.c     a message, taken whole or refused
 *   route.c    routes, members, devices
 *   gather.c   what waits to be published, and who waits to hear of it
 *   keys.c     keys of messages on disk
 *   people.c   counts, sources, refusals, strangers
 *
 * A gather is what is published together: messages, their samples by device in chunks, their events; all in one arena
 * that is used again. There are three: NOW is published at the end of the loop's turn; messages with a key go to OPEN,
 * which becomes KEEPING while their keys are written and is published when these are on disk. */
#ifndef BUSBAR_FEED_FEED_PRIVATE_H
#define BUSBAR_FEED_FEED_PRIVATE_H

#include "base/list.h"
#include "base/map.h"
#include "feed/feed.h"
#include "feed/keys.h"
#include "net/timer.h"

enum {
    FEED_CHUNK_MIN = 16, /* samples of the first chunk of a device */
    FEED_CHUNK_MAX = 256,
    FEED_BLOCK_BYTES = 256 * 1024,
    FEED_BLOCKS_KEPT = 16,       /* of a gather, for the next turns */
    FEED_GATHER_BYTES = 1 << 20, /* published in the middle of a turn */
    FEED_GATHER_MAX = 32 << 20,  /* then BUSBAR_EBUSY: the log takes nothing */
    FEED_RETRY_MS = 2,
    FEED_STEP_BACK_US = 5000000, /* a clock set back by more begins anew */
    FEED_FIND_US = 10000000,     /* a stranger is told again after this */
    FEED_WHERE_MAX = 160,
    FEED_UNUSED_MAX = 80, /* bytes kept of a message of no use */
    FEED_KEY_TEXT_MAX = FEED_WHERE_MAX + DEVICE_NAME_MAX + 2, /* of a stranger, with its NUL */
};

enum { GATHER_A, GATHER_B, GATHER_C, GATHERS };

struct feed_device;

/* ---- gather.c ---- */

struct chunk {
    struct chunk *next;
    uint32_t count, capacity;
    uint32_t *points;
    struct sample *samples;
};

/* What one device has in one gather. */
struct part {
    struct list link; /* gather->parts; alone when it has nothing there */
    struct feed_device *fd;
    struct chunk *first, *last;
    int error; /* of publishing */
};

struct waiting_message {
    feed_done_cb done;
    void *ctx;
    struct part *only; /* the one part it is in; NULL: several or none */
    int error;
    bool several;
};

struct waiting_event {
    struct waiting_event *next;
    struct feed_device *fd; /* NULL: published */
    struct event event;
};

struct block {
    struct block *next;
    size_t size, used;
    uint64_t data[];
};

struct gather {
    struct feed *feed;
    unsigned number; /* place in feed->gathers and in a device's parts */
    struct list parts;
    struct waiting_event *first_event, **next_event;
    struct waiting_message *messages;
    size_t message_count, message_capacity;
    struct block *blocks, *spare;
    size_t spare_count;
    size_t bytes;   /* taken from the arena */
    unsigned given; /* chunks, since the log was last asked for room */
    int error;      /* the first of any part */
};

void gather_init(struct gather *gather, struct feed *feed, unsigned number);
void gather_fini(struct gather *gather); /* messages are told BUSBAR_ECANCELED */
static inline bool gather_empty(const struct gather *gather)
{
    return gather->message_count == 0 && list_empty(&gather->parts) && gather->first_event == NULL;
}
void *gather_room(struct gather *gather, size_t size); /* 8 bytes aligned; not zeroed */
/* Room for `count` samples at the end of the part's last chunk. */
struct chunk *gather_chunk(struct gather *gather, struct part *part, size_t count);
void gather_event(struct gather *gather, struct feed_device *fd, const struct event *event);
void gather_message(struct gather *gather, feed_done_cb done, void *ctx, struct part *only,
                    bool several);
/* False: the log is full for the moment; call again. */
bool gather_publish(struct gather *gather);
/* Nothing of it is published; its messages are told now. */
void gather_fail(struct gather *gather, int error);
void gather_leave(struct gather *gather, struct feed_device *fd);

/* Messages that were published and wait for the disk. */
struct receipt {
    struct list link;  /* feed->receipts or feed->spare_receipts */
    struct feed *feed; /* NULL: it is gone */
    struct waiting_message *messages;
    size_t count, capacity;
    int error; /* the log took no receipt: `fail` tells them */
    struct loop_deferred fail;
};

/* ---- route.c ---- */

struct member {
    struct list by_route; /* route->named, or route->all of those without an id */
    struct list by_device;
    struct feed_route *route;
    struct feed_device *fd;
    struct payload_program *program;
    bool has_id;
    char id[];
};

struct feed_route {
    struct list link; /* feed->routes */
    struct feed *feed;
    struct payload_shape *shape;
    struct map by_id;
    struct list named, all; /* members with an id; those that take every element */
    size_t members;
    char *name, *settings;
};

struct feed_device {
    struct device *dev;
    struct list members;
    int64_t last_us;            /* the last stamp given */
    uint64_t serial;            /* of the message that is taken now */
    int64_t base_us, offset_us; /* of its readings */
    struct part parts[GATHERS];
};

struct feed_device *feed_device_of(const struct feed *feed, const struct device *dev);

/* ---- people.c ---- */

struct refusal {
    int64_t time_us;
    uint64_t number;
    char *texts; /* source, where, why, excerpt, each with its NUL; NULL: none yet */
};

struct source {
    struct list link;
    struct driver_source view;
    char name[];
};

/* The last message of no use; its words are made when somebody asks. */
struct unused {
    int64_t time_us;                  /* 0: there was none */
    const struct source *source;      /* stays as long as the people */
    bool left_out;                    /* by `only` */
    char device[DEVICE_NAME_MAX + 1]; /* whose rules found nothing; "": of several */
    uint8_t excerpt[FEED_UNUSED_MAX];
    size_t excerpt_size;
};

struct people {
    struct driver_message_counts counts;
    struct unused unused;
    struct map sources, strangers;
    struct list source_list, stranger_list;
    struct source *last;      /* that spoke last */
    struct source *rest;      /* of those over the limit */
    struct refusal *refusals; /* a ring; NULL: none yet */
};

void people_init(struct people *people);
void people_fini(struct people *people);
struct source *people_source(struct people *people, const char *name);
void people_refuse(struct people *people, struct source *source, const char *where,
                   const void *data, size_t size, const char *why);
/* dev: the one device it was of; NULL. */
void people_unused(struct people *people, const struct source *source, const struct device *dev,
                   bool left_out, const struct payload_message *message);
/* The key of the find that an id of a route is. */
void people_key(char *to, size_t size, const struct feed_route *route, const char *id,
                size_t id_size);
void people_known(struct people *people, const struct feed_route *route, const char *id);
void people_stranger(struct feed *feed, struct feed_route *route, const char *id, size_t id_size,
                     const struct feed_message *message);

/* ---- feed.c, take.c ---- */

struct staged {
    struct feed_device *fd;
    struct payload_taken taken;
};

struct feed {
    struct driver *drv;
    struct loop *loop;
    struct payload_programs *programs;
    struct payload_reader *reader;
    struct feed_keys *keys;
    struct map64 devices; /* by struct device * */
    struct list routes;
    struct gather gathers[GATHERS];
    struct gather *now, *open, *keeping;
    bool keys_written; /* those of `keeping` are on disk */
    bool keys_asked;   /* they are being written */
    struct loop_deferred flush;
    struct timer retry;
    struct staged *staged;
    size_t staged_count, staged_capacity;
    uint64_t serial;
    struct list receipts, spare_receipts;
    size_t waiting;
    struct people people;
};

#endif
