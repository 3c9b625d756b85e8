/* SPDX-License-Identifier: Apache-2.0 */
/* The driver host: runs the protocols of the catalog over the devices it is given.
 *
 * For each device the points are put into poll groups by period. Every group has a grid of times,
 * its phase made from the device's name, so that 1,000 devices of one period do not poll in the
 * same millisecond; the first poll comes within 1 s, the others keep the grid (no drift). A time
 * that passes while the poll before is still open is counted as lag and skipped; the next poll then
 * begins at once, so a period shorter than the device's answers polls as fast as it goes.
 *
 *   answer     -> conversion -> bus
 *   no answer  -> retries (setting of the device) -> quality of all its points turns bad with the
 *                 reason, once -> back-off with jitter, one probe at a time (the breaker is open)
 *                 -> first answer closes the breaker and all groups go on at once
 *
 * A group that gets no answer while others do turns bad alone. A value older than stale_after turns
 * "stale" (default: three periods, but at least two deadlines of a poll). A sample without a value
 * that repeats its point's bad quality is not published again. Pausing is kept in memory only:
 * after a restart the configuration decides.
 *
 * Loop thread only. */
#ifndef BUSBAR_DRIVER_HOST_H
#define BUSBAR_DRIVER_HOST_H

#include "driver/driver.h"
#include "model/bus.h"

struct host;

#define HOST_POLL_POINTS_MAX 4096 /* points in one request */

/* Settings every device has, beside its protocol's own. */
struct host_device_settings {
    int64_t
        timeout_us;  /* of a whole poll of one group with its retries; 0 = 10 s. The driver has its
                         * own for each request */
    int32_t retries; /* before a poll counts as failed */
    int32_t in_flight; /* polls open at once; 0 = 1 */
};

struct host_config {
    struct loop *loop;
    struct bus *bus;
    const struct driver_ops *const *catalog; /* NULL-terminated */
    const char *(*secret)(void *ctx, const char *name);
    /* Learned limits are loaded at add and saved when they change; may be NULL. */
    void (*limits_load)(void *ctx, const char *device, struct host *host);
    void (*limits_save)(void *ctx, const char *device, const char *name, int64_t value);
    void *ctx;
    uint64_t seed; /* of phases and jitter */
};

struct host *host_new(const struct host_config *config);
/* After host_stop() has told `stopped`. */
void host_free(struct host *host);
/* Stops all devices; `stopped` runs when the last one is. */
void host_stop(struct host *host, void (*stopped)(void *ctx), void *ctx);

const struct driver_ops *host_protocol(const struct driver_ops *const *catalog, const char *name);

/* The device is the caller's, its points resolved. Begins polling at once. */
int host_add(struct host *host, struct device *dev, const struct host_device_settings *settings,
             struct err *err);
/* Stops the device, calls `removed` when nothing refers to it any more (then free it); never from
 * inside this call. removed may be NULL. */
void host_remove(struct host *host, struct device *dev, void (*removed)(void *ctx, struct device *),
                 void *ctx);
void host_pause(struct host *host, struct device *dev);
void host_resume(struct host *host, struct device *dev);
void host_limit_restore(struct host *host, struct device *dev, const char *name, int64_t value);

/* ---- looking at it ---- */
enum link_state { LINK_CONNECTING, LINK_UP, LINK_DOWN, LINK_PAUSED };
const char *link_state_word(enum link_state state); /* "connecting", "up", "down", "paused" */

struct device_stats {
    enum link_state link;
    int error;              /* why the link is down, 0 when up */
    char detail[160];       /* in words */
    int64_t since_us;       /* wall; since when in this state */
    int64_t last_answer_us; /* wall; 0 = never */
    int64_t next_try_us;    /* wall; when the breaker probes again, 0 when closed */
    uint64_t polls, answers, timeouts, refusals, bad_frames, retries, lag_polls;
    uint64_t reads_failed_hour; /* errors of the last hour */
    int64_t poll_us;            /* how long the last poll took */
    int64_t lag_us;             /* planned against real start of the last poll */
    uint64_t sent_bytes, received_bytes;
    size_t points_good, points_bad;
};
void host_stats(const struct device *dev, struct device_stats *stats);

struct host_totals {
    uint64_t polls, answers, timeouts, refusals, bad_frames, retries, lag_polls, samples;
    size_t devices_up, devices_down, devices_paused, points_good, points_bad;
};
void host_totals(const struct host *host, struct host_totals *totals);

/* Learned limits, in the order they were learned. "points-per-poll" is the host's own. */
void host_limits(const struct device *dev, void (*cb)(void *ctx, const char *name, int64_t value),
                 void *ctx);

struct host_frame {
    int64_t time_us; /* wall */
    bool sent;
    const char *bad; /* reason when it broke the protocol, else NULL */
    const uint8_t *data;
    size_t size; /* kept bytes */
    size_t full_size;
};
/* The last frames of a device, oldest first. */
void host_frames(const struct device *dev, void (*cb)(void *ctx, const struct host_frame *frame),
                 void *ctx);

/* ---- doing something with it ---- */
struct host_write_result {
    int error;                   /* 0: written and read back equal */
    uint16_t detail;             /* the protocol's code */
    char message[200];           /* what happened and what to do */
    struct sample before, after; /* engineering values; text values are not kept (type NONE) */
    bool read_back;              /* after is what the device said */
    int64_t took_us;
};
typedef void (*host_written_cb)(void *ctx, const struct host_write_result *result);

/* Writes an engineering value (number, bool, text, or an enum's name as text). Checked before
 * anything is sent: writable, range, type, enum; then sent, then read back. Never sent twice.
 *   timeout_us  deadline of the whole; 0 = 5 s
 * Returns 0 and calls `written` once, or an error with err filled and nothing sent: BUSBAR_EPERM,
 * BUSBAR_ERANGE, BUSBAR_EWRONGTYPE, BUSBAR_ENOENT (no such enum name), BUSBAR_EBUSY (paused). In
 * the result: BUSBAR_ETIMEOUT (not known whether it was taken), BUSBAR_EREFUSED (also when it reads
 * back differently) ... */
int host_write(struct host *host, struct point *pt, uint8_t type, union value value,
               int64_t timeout_us, host_written_cb written, void *ctx, struct err *err);

/* Reads all points of a device now, outside their period; asks a silent one again at once.
 * BUSBAR_EBUSY: the device is paused. */
int host_poll_now(struct host *host, struct device *dev);

struct host_finding {
    const char *step, *seen, *hint;
    bool fine;
    int code;
};
/* Tests a device's link; `finding` for each step, `done` once with the first code that was not fine
 * (0 = all fine). options: NULL-terminated texts "name" or "name=value", copied; may be NULL.
 * BUSBAR_EBUSY: the device is paused; nothing is called then. */
int host_test(struct host *host, struct device *dev, const char *const *options,
              void (*finding)(void *ctx, const struct host_finding *finding),
              void (*done)(void *ctx, int code), void *ctx);

#endif
