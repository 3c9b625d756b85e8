/* SPDX-License-Identifier: Apache-2.0 */
/* What live.c (opening, the tick), live_set.c (which points changed) and live_events.c (what is
 * written) share. */
#ifndef BUSBAR_SERVER_LIVE_PRIVATE_H
#define BUSBAR_SERVER_LIVE_PRIVATE_H

#include "base/map.h"
#include "server/filter.h"
#include "server/live.h"
#include "server/walk.h"

enum {
    LIVE_TICK_MS = 200,           /* a point is told at most this often */
    LIVE_DEVICES_TICKS = 5,       /* devices are looked at this often */
    LIVE_HEALTH_TICKS = 25,       /* health is told at least this often */
    LIVE_QUIET_TICKS = 75,        /* then a comment, to notice a dead peer */
    LIVE_EVENT_BYTES = 32768,     /* an event is ended when it is that long */
    LIVE_OUT_MAX = 256 * 1024,    /* ceiling of a stream's buffer */
    LIVE_POINTS_MAX = 50000,      /* of one stream */
    LIVE_ALL_POINTS_MAX = 500000, /* of all streams */
    LIVE_JOURNAL_BYTES = 1 << 20, /* events kept for slow readers */
    LIVE_JOURNAL_EVENTS = 1000,
};

/* ---- live_set.c: a set of points and which of them changed ---- */

struct live_slot {
    uint32_t id; /* series id */
    bool changed;
};

/* `queue` is a ring of the indexes of changed slots in the order of their change; each slot is in it
 * at most once, so it never overflows. */
struct live_set {
    struct live_slot *slots;
    uint32_t *queue;
    struct map64 by_id; /* id -> index + 1 */
    size_t count, capacity;
    size_t head, queued; /* of the ring */
};

void live_set_fini(struct live_set *set);
/* Adds a point, changed. False: it is there already. */
bool live_set_add(struct live_set *set, uint32_t id);
void live_set_touch(struct live_set *set, uint32_t id); /* unknown ids: nothing */
void live_set_touch_all(struct live_set *set);
/* The oldest change, taken out; false: none. */
bool live_set_next(struct live_set *set, uint32_t *id);

/* ---- streams ---- */

/* The last state of a device that was told, in the order of changes (live->devices). */
struct live_device {
    struct list link;
    uint64_t mark, sequence;
    bool seen; /* by the walk under way */
    char name[DEVICE_NAME_MAX + 1];
};

/* An event of the journal, as JSON. */
struct live_told {
    struct list link;
    uint64_t sequence;
    size_t size;
    char json[];
};

struct live {
    struct server *server;
    struct bus_listener *listener;
    struct timer tick;
    unsigned ticks;
    struct list streams; /* struct live_stream */
    size_t stream_count, point_count;
    struct list devices;
    struct map device_by_name;
    uint64_t device_sequence; /* of the last change */
    struct list journal;      /* struct live_told, oldest first */
    size_t journal_count, journal_bytes;
    uint64_t journal_sequence; /* of the last one */
    struct walk walk;          /* over the devices */
    struct shape shape;        /* of the walk */
    bool walking;
    uint64_t health; /* health_mark() of the last tick */
    bool stopped;
};

struct live_stream {
    struct list link;
    struct live *live;
    struct server_request *req; /* NULL: the connection is gone */
    bool response_gone;         /* libmicrohttpd let go of the answer */
    bool open;                  /* answered; before, the points are being found */
    struct filter filter;
    char *paths; /* of ?points=, NULL: by filter */
    bool wants_health, wants_devices, wants_points, wants_events;
    struct walk walk; /* finds the points */
    struct shape shape;
    bool walking, too_many;
    struct live_set set;
    size_t allowed; /* changes that may be told in this tick */
    bool health_due;
    uint64_t device_sequence;  /* told up to here */
    uint64_t journal_sequence; /* the same of events */
    unsigned quiet_ticks;
    struct buf out;
    size_t out_sent;
};

/* ---- live_events.c ---- */

/* Fills stream->out with the next event, if there is one to tell now. */
bool live_next_event(struct live_stream *stream);
/* Something is waiting to be told. */
bool live_has_news(const struct live_stream *stream);
/* Looks which devices changed, in slices. */
void live_look_at_devices(struct live *live);
void live_forget_devices(struct live *live);
void live_forget_journal(struct live *live);

#endif
