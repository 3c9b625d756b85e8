/* SPDX-License-Identifier: Apache-2.0 */
/* Trend logs of a device into the history, at their records' own times, so that holes fill themselves: what the
 * device recorded while it could not be reached, or while busbar was not there.
 *
 *   when     the link came up, and every `trend_every`
 *   what     the records behind the last one that is on disk: by sequence number (remembered over
 *            restarts), by time where a device has none, else all of the buffer
 *   where    points with `trend_log: trend-log:3`, `trend-log-multiple:2[1]`, or `auto`: the log that logs them
 *
 * A record of a value becomes a sample; a failure, a log that was switched off or interrupted becomes a
 * quality. Said as events: records that were overwritten before they were read, a device's clock that is
 * wrong, a log that is switched off or cannot be read. */
#ifndef BUSBAR_DRIVERS_BACNET_TREND_H
#define BUSBAR_DRIVERS_BACNET_TREND_H

#include "drivers/bacnet/bacnet_device.h"
#include "drivers/bacnet/bacnet_fetch.h"
#include "drivers/bacnet/service/log_record.h"
#include "drivers/bacnet/service/read_range.h"

enum {
    BACNET_TREND_LOGS_MAX = 1000, /* of one device */
    BACNET_TREND_REMEMBERED = 20, /* of them, whose place is kept over restarts */
    BACNET_TREND_RECORDS = 200,   /* asked for at a time; fewer when the device wants that */
    BACNET_TREND_CYCLE_MAX =
        200000, /* records of one log read in a row; the rest with the next turn */
    BACNET_TREND_CLOCK_OFF_S = 120,   /* a device's clock that is wrong by more is said */
    BACNET_TREND_OBJECTS_MAX = 20000, /* looked through for `auto` */
};

struct bacnet_trends;

/* The link is up, and what the device says of itself is read. Makes device->trends when a point wants it. */
void bacnet_trend_start(struct bacnet_device *device);
void bacnet_trend_down(struct bacnet_device *device);
/* Frees it; device->trends is NULL afterwards. */
void bacnet_trend_stop(struct bacnet_device *device);

/* ---- for the parts of it: bacnet_trend.c (turns), bacnet_trend_find.c (whose log is whose),
 * bacnet_trend_range.c (asking and storing), bacnet_trend_record.c (records into samples),
 * bacnet_trend_say.c (events, what is remembered) ---- */

/* A point that takes its past from a log. */
struct bacnet_trend_link {
    uint32_t point;
    uint8_t member; /* of a Trend Log Multiple, from 1; 0 = of a Trend Log */
};

enum bacnet_trend_by { BACNET_TREND_BY_SEQUENCE, BACNET_TREND_BY_TIME, BACNET_TREND_BY_POSITION };

struct bacnet_trend_log {
    struct bacnet_object object;
    struct bacnet_trend_link *links;
    size_t link_count;
    /* as the device said it in this turn */
    bool enabled, has_count, has_total;
    uint32_t count, total; /* records in the buffer; ever */
    uint8_t by;            /* enum bacnet_trend_by */
    bool knows_next, knows_time;
    uint32_t next;   /* sequence number or position of the next record to be read */
    int64_t time_us; /* of the last one read */
    bool told_off, told_refused;
};

enum bacnet_trend_state {
    BACNET_TREND_IDLE,
    BACNET_TREND_FINDING, /* of `auto` */
    BACNET_TREND_CLOCK,   /* of the device */
    BACNET_TREND_HEAD,    /* of a log: how many records */
    BACNET_TREND_RANGE,
    BACNET_TREND_STORING, /* on the way to the disk */
};

struct bacnet_trends {
    struct bacnet_device *device;
    enum bacnet_trend_state state;
    struct timer timer;
    struct bacnet_trend_log *logs;
    size_t log_count, at;
    bool found; /* the logs of `auto` */
    struct bacnet_fetch fetch;
    struct bacnet_fetch_item items[BACNET_FETCH_AT_ONCE];
    /* the device's clock */
    bool has_date, has_time, has_offset, summer;
    struct bacnet_datetime clock;
    int64_t clock_asked_us;
    int offset_minutes; /* east of UTC */
    bool zone_is_ours;  /* it keeps our own time zone: its rules hold for old records too */
    bool told_clock;
    /* the range under way */
    struct bacnet_ask ask;
    uint8_t data[BACNET_READ_RANGE_MAX];
    struct bacnet_read_range range;
    uint32_t most; /* records asked for at a time */
    uint32_t read; /* of this log in this turn */
    bool over;     /* of this log, once these are stored */
    struct bacnet_trend_pending *pending;
    /* `auto` */
    uint32_t *objects; /* trend logs of the device */
    size_t object_count, object_at;
    uint32_t index, listed;
};

/* Samples on their way to the disk; outlives the trends when the device is stopped meanwhile. */
struct bacnet_trend_pending {
    struct bacnet_trends *trends; /* NULL: stopped */
};

static inline struct bacnet_trend_log *bacnet_trend_log_of(struct bacnet_trends *trends)
{
    return &trends->logs[trends->at];
}

/* The log at `at`, or the end of the turn. */
void bacnet_trend_next(struct bacnet_trends *trends);
/* The device does not answer: the link says so; when it is up again all begins anew. */
void bacnet_trend_give_up(struct bacnet_trends *trends);

void bacnet_trend_range_init(struct bacnet_trends *trends);
/* The next records of the log at `at`, until there are no more; then bacnet_trend_next(). */
void bacnet_trend_ask_range(struct bacnet_trends *trends);

/* Events of the device. */
void bacnet_trend_say(struct bacnet_trends *trends, const char *kind, const char *text);
void bacnet_trend_say_of(struct bacnet_trends *trends, const struct bacnet_trend_log *log,
                         const char *text);
/* How far a log was read, kept over restarts. */
void bacnet_trend_recall(const struct bacnet_trends *trends, struct bacnet_trend_log *log);
void bacnet_trend_remember(const struct bacnet_trends *trends, const struct bacnet_trend_log *log);

/* Finds the logs of points with `auto`, then calls found. */
void bacnet_trend_find(struct bacnet_trends *trends);
void bacnet_trend_found(struct bacnet_trends *trends, const struct bacnet_answer *silent);
/* Adds a point to a log, which is made if it is not there. */
void bacnet_trend_link_point(struct bacnet_trends *trends, uint32_t log, uint8_t member,
                             uint32_t point);

/* Samples of one answer. Records that cannot be read end it: BUSBAR_EPROTO, those before count. */
struct bacnet_trend_samples {
    uint32_t *points;
    struct sample *samples;
    struct text **texts; /* of strings; freed by bacnet_trend_samples_fini() */
    size_t count, capacity;
    uint32_t records;
    int64_t last_us;                    /* time of the last record */
    unsigned future;                    /* records from beyond now, left out */
    bool purged, interrupted, disabled; /* what the log said of itself, last */
    float clock_set_s;                  /* its clock was set by so much; 0 = was not */
};
int bacnet_trend_records(const struct bacnet_trends *trends, const struct bacnet_trend_log *log,
                         struct bytes items, struct bacnet_trend_samples *out);
void bacnet_trend_samples_fini(struct bacnet_trend_samples *samples);

/* A record's local time by the device's clock. BUSBAR_ERANGE. */
int bacnet_trend_time(const struct bacnet_trends *trends, const struct bacnet_datetime *at,
                      int64_t *time_us);

#endif
