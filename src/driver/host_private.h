/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the host share. One file a concern:
 *
 *   host.c        life of host and devices
 *   drivers.c     life of drivers, their setups
 *   poll.c        groups, grid, start and end of a poll
 *   watch.c       points that are sent by the device: regrouping of polls
 *   pushed.c      points that only the device sends
 *   breaker.c     silence, probes, recovery, link
 *   publish.c     samples to the bus, bad quality, stale
 *   convert.c     raw <-> engineering values
 *   write.c       writes and their read-back; write_words.c: what is said about them
 *   holds.c       who holds what, releases
 *   discover.c    discoveries
 *   finds.c       what was found
 *   browse.c      what devices have
 *   event.c       events and their acknowledgement
 *   call.c        commands
 *   signature.c   what commands take and give back
 *   pool.c        sample arrays
 *   limits.c      what was learned about a device
 *   frames.c      the last frames
 *   stats.c       counters
 *   test.c        tests of devices
 *   options.c     what a person gave to a test or a discovery
 *
 * Memory: a point costs 4 bytes here (its place in a poll's list), and one more in a device that has
 * watched points; sample arrays (32 bytes a point) exist only while a poll is open. Loop thread only. */
#ifndef BUSBAR_DRIVER_HOST_PRIVATE_H
#define BUSBAR_DRIVER_HOST_PRIVATE_H

#include "base/clock.h"
#include "base/list.h"
#include "base/ring.h"
#include "driver/holds.h"
#include "driver/host.h"
#include "driver/pool.h"
#include "model/quality.h"
#include "net/backoff.h"
#include "net/timer.h"

enum {
    HOST_FRAMES_MAX = 50,             /* frames shown of one device */
    HOST_FRAMES_BYTES = 16 * 1024,    /* ring of one device, taken with its first frame */
    HOST_FRAMES_BYTES_MIN = 4 * 1024, /* and where a protocol has many devices */
    HOST_FRAMES_BYTES_ALL = 32 << 20, /* which share about this much */
    HOST_FRAME_BYTES_MAX =
        3072, /* kept of one frame: one over UDP on Ethernet, and its clear text */
    HOST_FRAME_REASON_MAX = 96,     /* kept of the reason of a bad one */
    HOST_HOUR_PARTS = 12,           /* failures are counted in parts of 5 minutes */
    HOST_POOL_FREE_BYTES = 4 << 20, /* unused sample arrays kept for the next polls */
    HOST_BAD_BATCH = 256,           /* samples in one batch when all points turn bad */
    HOST_PUBLISH_SLICE = 256, /* samples of an answer that go through conversion and bus together */
    HOST_STALE_SWEEP_MS = 1000,       /* how often stale points are looked for */
    HOST_READ_BACK_RETRY_MS = 200,    /* a device may need a moment to take a write */
    HOST_WRITE_TIMEOUT_MS = 5000,     /* default deadline of a write */
    HOST_FIRST_POLL_MS = 1000,        /* first polls are spread over at most this */
    HOST_POLL_NOW_MS = 1000,          /* between reads out of turn (driver_poll_now) */
    HOST_ACKNOWLEDGE_MS = 10000,      /* default deadline of an acknowledgement */
    HOST_ACKNOWLEDGE_GRACE_MS = 2000, /* and how long a driver may be late with it */
    HOST_CALL_MS = 10000,             /* default deadline of a command */
    HOST_CALL_GRACE_MS = 2000,        /* and how long a driver may be late with it */
    HOST_CALLS_MAX = 64,              /* under way in one device */
};

struct host_device;
struct watch;
struct finds;

/* A request of the host's. It is the first member of what it is for. */
enum ask_kind { ASK_POLL, ASK_WRITE };
struct ask {
    struct request req;
    enum ask_kind kind;
    bool open;    /* given to the driver, not answered yet */
    bool calling; /* inside the driver's read() or write() */
    bool late;    /* its deadline passed, the driver was told */
};

enum poll_state { POLL_IDLE, POLL_WAITING, POLL_READY, POLL_OPEN };

/* Points of one device and one period, read with one request. */
struct poll {
    struct ask ask;
    struct host_device *hd;
    struct list link;   /* hd->polls */
    uint32_t *points;   /* what req.points is, ours */
    bool watched;       /* of watched points: a check, see watch.c */
    bool once_more;     /* asked for by driver_poll_now() while it was open */
    struct list ready;  /* hd->ready, while POLL_READY */
    struct timer timer; /* when it is due; while POLL_OPEN its deadline */
    enum poll_state state;
    uint32_t tries;    /* of the poll that is open */
    uint16_t detail;   /* the protocol's code behind its failure, 0 = none */
    uint32_t failures; /* polls in a row that failed */
    int64_t period_us, phase_us;
    int64_t due_us; /* on the grid: when the open or next poll was planned */
    int64_t began_us, failed_us;
    int64_t soon_us;          /* when it was last read out of its turn, or will be; 0: never */
    int64_t fresh_us;         /* last answer, monotonic */
    int64_t stale_us;         /* smallest stale_after of its points */
    int64_t stale_default_us; /* of points without a stale_after of their own */
};

enum run_state { RUN_STOPPED, RUN_STARTED, RUN_STOPPING };
enum breaker_state { BREAKER_CLOSED, BREAKER_OPEN, BREAKER_PROBING };

struct limit {
    char *name;
    int64_t value;
};

struct host_device {
    struct list link; /* host->devices */
    struct host *host;
    struct device *dev;
    struct driver *driver;
    struct host_device_settings settings;
    enum run_state run;
    bool removing;
    void (*removed)(void *ctx, struct device *dev);
    void *removed_ctx;
    struct loop_deferred stop, gone; /* begin and end of a stop, never inside a driver's call */
    struct loop_deferred pump;       /* polls that a push made ready, nor these */

    struct list polls, ready;
    struct watch *watch; /* NULL: no point was ever watched */
    size_t poll_open;    /* polls the driver has */
    int64_t points_max;  /* learned: points in one poll; 0 = not known */
    struct list writes, tests, browses, acks, calls;
    size_t call_count;
    struct signature *signatures; /* one for each command; NULL: the device told of none */
    bool stranger;                /* not configured: made for one look (browse.c) */

    enum breaker_state breaker;
    struct backoff backoff;
    struct timer probe;
    bool link_up, link_told; /* what the driver said last */
    bool has_pushed;         /* points that only the device sends (pushed.c) */
    bool heard;              /* it sent something since its link came up */
    int64_t stale_due_us;    /* monotonic; when these are looked at again */
    int link_error;

    struct device_stats
        stats;           /* counters and link; what is made on demand is filled by host_stats() */
    int64_t answered_us; /* monotonic; last answer */
    int64_t silent_us;   /* monotonic; when the breaker opened */
    int64_t heard_us;    /* monotonic; driver_poll_now() tries a silent one again from then on */
    bool count_dirty;    /* points_good and points_bad must be counted again */
    uint32_t failed_parts[HOST_HOUR_PARTS];
    int64_t failed_part; /* the part that is counted now */

    struct limit *limits;
    size_t limit_count;
    struct ring frames;
};

/* One for each protocol of the catalog, open or not. */
struct driver {
    struct list link; /* host->drivers, in the order of the catalog */
    struct host *host;
    const struct driver_ops *ops;
    void *state; /* NULL: not open */
    struct setup *setup;
    size_t devices;     /* strangers too */
    struct setup *next; /* waits until what the old one is used for has ended */
    void (*next_done)(void *ctx);
    void *next_ctx;
    struct loop_deferred apply; /* tells next_done */
    struct list discoveries;
    size_t discovery_count;
    struct finds *finds; /* NULL: nothing was ever found */
};

struct host {
    struct host_config config;
    struct list drivers, devices;
    struct holds *holds;
    size_t strangers;
    struct pool pool;
    struct timer stale;
    struct host_totals gone; /* counters of devices that were removed */
    uint64_t samples;
    bool stopping;
    void (*stopped)(void *ctx);
    void *stopped_ctx;
    struct loop_deferred all_stopped;
};

/* The ring of a device where its protocol has so many. */
size_t host_frames_bytes(size_t devices);

static inline struct host_device *host_of(const struct device *dev)
{
    return dev->host;
}

static inline int64_t host_now(const struct host_device *hd)
{
    return loop_now_us(hd->host->config.loop);
}

/* Whether the device may be asked at all. */
static inline bool host_running(const struct host_device *hd)
{
    return hd->run == RUN_STARTED && !hd->dev->paused && !hd->removing;
}

/* ---- drivers.c ---- */
void drivers_make(struct host *host);
void drivers_free(struct host *host);
/* The driver of a protocol, open. */
int driver_open(struct host *host, const char *protocol, struct driver **out, struct err *err);
struct driver *driver_find(const struct host *host, const char *protocol); /* NULL: none */
/* A device or a discovery of it ended: a setup may wait for that. */
void driver_ended(struct driver *drv);

/* ---- host.c ---- */
void host_check_stopped(struct host *host);
/* A device that is not configured; the rest as host_add(). */
int host_add_stranger(struct host *host, struct device *dev, struct err *err);

/* ---- poll.c ---- */
void poll_make_all(struct host_device *hd);
void poll_free_all(struct host_device *hd);
void poll_begin_all(struct host_device *hd);  /* first polls, spread */
void poll_resume_all(struct host_device *hd); /* all now, then on the grid */
void poll_halt_all(struct host_device *hd);   /* nothing new is asked; open ones run on */
void poll_make_ready(struct poll *poll);
void poll_pump(struct host_device *hd);
void poll_done(struct poll *poll, int error);
/* Takes those points out of a poll that is not open for which leaves() is true, into `out` (room for
 * all); a poll that is empty then is freed. Returns how many. */
size_t poll_take_out(struct poll *poll, bool (*leaves)(const struct poll *poll, uint32_t point),
                     uint32_t *out);
/* Puts points (ascending) into polls of this period, such as are not open, or new ones. */
void poll_put_in(struct host_device *hd, const uint32_t *points, size_t count, int64_t period_us,
                 bool watched);
int64_t poll_own_period(const struct point *pt);
/* The grid: the first time after now_us that is phase_us off a multiple of period_us. */
int64_t poll_grid_after(int64_t now_us, int64_t period_us, int64_t phase_us);

/* ---- watch.c ---- */
/* Every so often a watched point is checked; 0: it is not watched. */
int64_t watch_every(const struct host_device *hd, uint32_t point);
void watch_clear(struct host_device *hd); /* nothing is watched; no poll is open */
void watch_poll_ended(struct host_device *hd);
void watch_free(struct host_device *hd);

/* ---- breaker.c ---- */
void breaker_answered(struct host_device *hd);
void breaker_failed(struct poll *poll, int error);
void breaker_reset(struct host_device *hd); /* closed, as at the start */
void breaker_probe_now(struct host_device *hd);
/* Whether an error of a whole request says something about its points, and what. */
bool breaker_quality(int error, uint8_t *quality);
/* Whether it means that the device did not answer (no answer in time, no link, a broken frame). */
bool breaker_is_silence(int error);

/* ---- pushed.c ---- */
void pushed_make(struct host_device *hd);
void pushed_begin(struct host_device *hd);
void pushed_link_down(struct host_device *hd);
/* True: it has told the link, which is not up before the device was heard. */
bool pushed_link_up(struct host_device *hd);
void pushed_sweep(struct host_device *hd, int64_t now_us);

/* ---- publish.c ---- */
/* Converts and publishes the answer of a poll. */
void publish_answer(struct host_device *hd, const uint32_t *points, struct sample *samples,
                    size_t count);
/* One bad sample for each of the points that does not have this quality and detail already. */
void publish_bad(struct host_device *hd, const uint32_t *points, size_t count, uint8_t quality,
                 uint16_t detail);
void publish_bad_all(struct host_device *hd, uint8_t quality, uint16_t detail);
void publish_stale_sweep(struct timer *timer, void *ctx);

/* ---- write.c ---- */
void write_done(struct ask *ask, int error);
void write_stop_all(struct host_device *hd); /* ends those that wait for no driver */
/* A value came that the device sent by itself; a write may wait for it. */
void write_heard(struct host_device *hd, uint32_t point, const struct sample *sample);

/* ---- options.c ---- */
/* Copies of texts "name" or "name=value", NULL-terminated; options may be NULL. */
char **options_copy(const char *const *options);
void options_free(char **options);
/* What stands behind "name=", "" when it is the name alone; NULL: it is not there. */
const char *options_get(char *const *options, const char *name);

/* ---- discover.c ---- */
void discover_stop_all(struct driver *drv);
bool discover_running(const struct host *host);

/* ---- finds.c ---- */
/* Keeps what is new in it. NULL: the driver has too many. Borrowed until the next call. */
const struct host_find *finds_take(struct driver *drv, const struct driver_find *find);
void finds_free(struct finds *finds);
/* A device came or went: which finds are configured must be looked up again. */
void finds_changed(struct driver *drv);

/* ---- browse.c ---- */
void browse_stop_strangers(struct driver *drv);
void browse_remove_stranger(struct host_device *hd);
void browse_end_all(struct host_device *hd); /* those that the driver has told the end of */

/* ---- event.c ---- */
void acknowledge_end_all(struct host_device *hd); /* those that the driver has answered */

/* ---- call.c ---- */
void call_end_all(struct host_device *hd); /* those that the driver has answered */

/* ---- signature.c ---- */
void signatures_free(struct host_device *hd);

/* ---- stats.c ---- */
void stats_link(struct host_device *hd, enum link_state link, int error, const char *detail);
void stats_failure(struct host_device *hd, int error);
void stats_fold(struct host *host, const struct host_device *hd);

/* ---- limits.c ---- */
#define LIMIT_POINTS_PER_POLL "points-per-poll"
void limits_free(struct host_device *hd);

#endif
