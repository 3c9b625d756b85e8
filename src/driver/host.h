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
struct keyring;

/* ---- holds: who holds what ----
 * What was written to a point that can be released stays in the device at its priority until somebody
 * gives it up. The host remembers each such write as a hold, releases those that were given an end when
 * it comes, and tries again, less and less often, while the device does not take it. A hold with an end
 * is on disk before its write is sent, so that no crash can leave it behind. */
enum {
    HOST_HOLDS_MAX = 100000,
    HOST_HOLD_TEXT_MAX = 256, /* kept of each of its texts */
    HOST_HOLD_PRIORITIES = 16,
};
#define HOST_HOLD_FOR_MAX_US (INT64_C(366) * 24 * 3600 * 1000000)

struct host_hold {
    const char *path;  /* of the point */
    uint8_t priority;  /* 1 to 16; 0: the one the point is configured with, whatever that is */
    const char *value; /* as a person writes it: "22.5" */
    const char *who, *from;
    int64_t since_us, until_us; /* wall; until 0 = until somebody releases it */
    /* What became of the attempts to release it; not kept over a restart. */
    uint32_t failures;
    int64_t next_try_us; /* wall; 0 = none is planned */
    const char *trouble; /* why the last one failed; "" = none did */
};

/* Where holds live over a restart. All on the loop, none may block; texts are borrowed for the call.
 * `saved` runs once, on the loop, later, error 0 = it is on disk (saved may be NULL). A hold of the same
 * path and priority takes the place of the one before. All may be NULL: then holds are kept in memory. */
struct host_hold_store {
    void (*save)(void *ctx, const struct host_hold *hold, void (*saved)(void *ctx, int error),
                 void *saved_ctx);
    void (*remove)(void *ctx, const char *path, uint8_t priority);
    /* The point of a path, NULL: there is none (any more). */
    struct point *(*point)(void *ctx, const char *path);
    /* The host itself released one, or gave up a try: for the journal. */
    void (*released)(void *ctx, const struct host_hold *hold, int error, const char *result);
};

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
    /* A device of this protocol with these settings ("{ device: 2001 }") and no points, for a look at
     * what is not configured; NULL: only configured devices can be browsed. */
    int (*make_device)(void *ctx, const char *protocol, const char *settings, struct device **out,
                       struct err *err);
    struct host_hold_store holds; /* where holds are kept (see below) */
    struct trust
        *trust; /* certificates; the caller's, until host_free() returned. NULL only where no
                            driver of the catalog asks for them */
    struct keyring *keyring; /* keys of connectors; the caller's; NULL: drivers know none */
    const char
        *folder; /* where drivers keep what is their own (driver_folder); NULL: nothing is kept */
    void *ctx;
    uint64_t seed; /* of phases and jitter */
};

struct host *host_new(const struct host_config *config);
/* After host_stop() has told `stopped`. */
void host_free(struct host *host);
/* Stops all devices; `stopped` runs when the last one is. */
void host_stop(struct host *host, void (*stopped)(void *ctx), void *ctx);

const struct driver_ops *host_protocol(const struct driver_ops *const *catalog, const char *name);

/* ---- setups of drivers ---- */

/* Makes `setup` (NULL: an empty one) what the driver works with, and takes it over. The configured
 * devices of the driver must be gone before (host_remove); what else it is doing, discoveries and looks
 * at devices that are not configured, is ended here. True: it is in force. False: that takes a moment,
 * `done` is called once when it is. A driver that cannot be opened says so in the log and to each of its
 * devices. Without a section and without devices the driver is closed. */
bool host_setup(struct host *host, const char *protocol, struct setup *setup,
                void (*done)(void *ctx), void *ctx);
/* The setup in force; NULL: no such protocol. Valid until the next host_setup(). */
const struct setup *host_setup_of(const struct host *host, const char *protocol);
/* How the driver is doing; nothing while it is not open. BUSBAR_ENOENT: no such protocol. */
int host_driver_status(const struct host *host, const char *protocol, driver_status_cb cb,
                       void *ctx);
/* False: it is not open, or its devices send no messages by themselves. Valid until the loop goes on. */
bool host_driver_messages(const struct host *host, const char *protocol,
                          struct driver_messages *out);

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

enum {
    HOST_DETAIL_MAX = 320 /* with its NUL: a sentence of what happened and one of what to do */
};
struct device_stats {
    enum link_state link;
    int error;                    /* why the link is down, 0 when up */
    char detail[HOST_DETAIL_MAX]; /* in words */
    int64_t since_us;             /* wall; since when in this state */
    int64_t last_answer_us;       /* wall; 0 = never */
    int64_t next_try_us;          /* wall; when the breaker probes again, 0 when closed */
    uint64_t polls, answers, timeouts, refusals, bad_frames, retries, lag_polls;
    uint64_t reads_failed_hour; /* errors of the last hour */
    int64_t poll_us;            /* how long the last poll took */
    int64_t lag_us;             /* planned against real start of the last poll */
    uint64_t sent_bytes, received_bytes;
    size_t points_good, points_bad;
    bool speaks_first; /* nothing of it is polled: last_answer_us is when it was heard */
};
void host_stats(const struct device *dev, struct device_stats *stats);

struct host_totals {
    uint64_t polls, answers, timeouts, refusals, bad_frames, retries, lag_polls, samples;
    size_t devices_up, devices_down, devices_paused, points_good, points_bad;
};
void host_totals(const struct host *host, struct host_totals *totals);

/* How often a point that the device sends by itself is read all the same, as a check; 0: it is polled. */
int64_t host_watched(const struct point *pt);

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
    int error;                   /* 0: written and read back equal, or released */
    uint16_t detail;             /* the protocol's code */
    char message[240];           /* what happened and what to do */
    struct sample before, after; /* engineering values; text values are not kept (type NONE) */
    bool taken;                  /* the device took it, whatever it reads back */
    bool read_back;              /* after is what the device said */
    uint8_t priority;            /* that it was written at; 0: the point has none */
    int64_t until_us;            /* wall; when it is released by itself; 0 = never */
    int64_t took_us;
};
typedef void (*host_written_cb)(void *ctx, const struct host_write_result *result);

/* How to write; all zero: a value, as the point is configured. Texts are copied. */
struct host_write_how {
    uint8_t priority; /* 1 (first) to 16; 0: the point's own */
    bool release;     /* give up what was written at this priority; type and value do not matter */
    int64_t for_us; /* released by itself after this; 0: as the point is configured (max_time), else
                     * not; at most HOST_HOLD_FOR_MAX_US and the point's max_time */
    const char *who, *from; /* NULL = "" */
};

/* Writes an engineering value (number, bool, text, or an enum's name as text). Checked before
 * anything is sent: writable, range, type, enum; then sent, then read back. Never sent twice.
 *   how         NULL: a value, as the point is configured
 *   timeout_us  deadline of the whole; 0 = 5 s
 * Returns 0 and calls `written` once, or an error with err filled and nothing sent: BUSBAR_EPERM,
 * BUSBAR_ERANGE, BUSBAR_EWRONGTYPE, BUSBAR_ENOENT (no such enum name), BUSBAR_EBUSY (paused),
 * BUSBAR_EUNSUPPORTED (the point has no priorities: what is written there stays), BUSBAR_ELIMIT (too
 * many holds). In the result: BUSBAR_ETIMEOUT (not known whether it was taken), BUSBAR_EREFUSED (also
 * when it reads back differently) ... */
int host_write(struct host *host, struct point *pt, uint8_t type, union value value,
               const struct host_write_how *how, int64_t timeout_us, host_written_cb written,
               void *ctx, struct err *err);

/* Holds in the order of path, then priority; from `after` on (the path and priority of the last one
 * seen; NULL: from the first), at most limit. Borrowed for the call. */
typedef void (*host_hold_cb)(void *ctx, const struct host_hold *hold);
void host_holds(const struct host *host, const char *after_path, uint8_t after_priority,
                size_t limit, host_hold_cb cb, void *ctx);
/* Those of one point, first priority first; what a person sees beside it. */
void host_holds_of(const struct host *host, const char *path, host_hold_cb cb, void *ctx);
size_t host_hold_count(const struct host *host);
/* Another end for one that is there: for_us from now on, 0 = none. `saved` (may be NULL) as in struct
 * host_hold_store. BUSBAR_ENOENT: nobody holds it; BUSBAR_ERANGE. */
int host_hold_extend(struct host *host, const char *path, uint8_t priority, int64_t for_us,
                     void (*saved)(void *ctx, int error), void *saved_ctx, struct err *err);
/* Takes it off the list without a word to the device (which is gone for good). BUSBAR_ENOENT. */
int host_hold_forget(struct host *host, const char *path, uint8_t priority);
/* At the start, from where they were kept: before the loop runs. BUSBAR_ELIMIT. */
int host_hold_restore(struct host *host, const struct host_hold *hold);

/* Somebody trusts more certificates than before: who was refused for one is asked again at once. */
void host_trusted(struct host *host);
/* Devices whose link is down because their certificate is not trusted; `first`, when not NULL, is the name of one. */
size_t host_untrusted(const struct host *host, const char **first);
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

/* ---- discovery ---- */
enum {
    HOST_DISCOVERIES_MAX = 4,   /* at once, of one driver */
    HOST_FIND_TEXT_MAX = 512,   /* bytes kept of each text of a find */
    HOST_FIND_BYTES_MAX = 4096, /* and of all of them: 10,000 finds take 40 MB at most */
};
#define HOST_DISCOVERY_MAX_US (INT64_C(600) * 1000000)
#define HOST_DISCOVERY_US     (INT64_C(60) * 1000000)

/* A device on the network, as it is known by now. Borrowed for the call. */
struct host_find {
    uint32_t number;           /* of its driver, from 1, in the order of first hearing */
    struct driver_find find;   /* all texts not NULL */
    int64_t first_us, last_us; /* wall; heard */
    uint64_t times;            /* heard */
    const char *device;        /* name of the configured device that it is; "" = it is new */
};
typedef void (*host_find_cb)(void *ctx, const struct host_find *find);

struct host_discovery_events {
    void (*found)(void *ctx, const struct host_find *find); /* may come again when more is known */
    void (*progress)(void *ctx, uint64_t done,
                     uint64_t total); /* total 0: not known; may be NULL */
    /* Once, at the end; then the handle is gone. message: "" or why it failed, or what to know. */
    void (*ended)(void *ctx, int error, const char *message);
};

/* Looks for devices. options: NULL-terminated texts "name" or "name=value", copied; may be NULL.
 *   timeout_us  0 = HOST_DISCOVERY_US; at most HOST_DISCOVERY_MAX_US; what was found until then counts
 * Returns 0 (events follow, never from inside this call but `found`), or with err filled:
 * BUSBAR_ENOENT (no such protocol), BUSBAR_EUNSUPPORTED (it cannot look for devices), BUSBAR_EBUSY, or
 * why the driver cannot be opened. */
int host_discover(struct host *host, const char *protocol, const char *const *options,
                  int64_t timeout_us, const struct host_discovery_events *events, void *ctx,
                  struct driver_discovery **out, struct err *err);
/* Ends soon with BUSBAR_ECANCELED; what was found stays. */
void host_discover_stop(struct driver_discovery *discovery);

/* All that was ever heard of, in the order of first hearing; also without a discovery. */
void host_finds(struct host *host, const char *protocol, host_find_cb cb, void *ctx);
/* One. BUSBAR_ENOENT. */
int host_find(struct host *host, const char *protocol, const char *key, host_find_cb cb, void *ctx);
/* How many there are, and how many more were heard of than could be kept. */
void host_find_counts(const struct host *host, const char *protocol, size_t *kept,
                      uint64_t *dropped);
void host_finds_forget(struct host *host, const char *protocol);

/* ---- browsing ---- */
enum { HOST_BROWSES_MAX = 4 /* at once, of one device */, HOST_STRANGERS_MAX = 8 };
#define HOST_BROWSE_MAX_US (INT64_C(3600) * 1000000)
#define HOST_BROWSE_US     (INT64_C(300) * 1000000)

struct host_browse_events {
    void (*node)(void *ctx, const struct driver_node *node);    /* borrowed for the call */
    void (*progress)(void *ctx, uint64_t done, uint64_t total); /* may be NULL */
    /* Once, at the end; then the handle is gone. dropped: nodes over DRIVER_NODES_MAX. */
    void (*ended)(void *ctx, int error, const char *message, uint64_t dropped);
};

/* What a device has, as it tells itself.
 *   at          a node's id; "" = all
 *   timeout_us  0 = HOST_BROWSE_US; at most HOST_BROWSE_MAX_US
 * Returns 0 (events follow, never from inside this call but `node`), or with err filled: BUSBAR_EBUSY
 * (paused, being removed, or too many at once), BUSBAR_EUNSUPPORTED. */
int host_browse(struct host *host, struct device *dev, const char *at, int64_t timeout_us,
                const struct host_browse_events *events, void *ctx, struct driver_browse **out,
                struct err *err);
/* The same of a device that is not configured, by the settings of a find ("{ device: 2001 }"); it is
 * made for this look and gone after it. Also BUSBAR_ECONFIG: the settings are wrong. */
int host_browse_settings(struct host *host, const char *protocol, const char *settings,
                         const char *at, int64_t timeout_us,
                         const struct host_browse_events *events, void *ctx,
                         struct driver_browse **out, struct err *err);
/* Ends soon with BUSBAR_ECANCELED. */
void host_browse_stop(struct driver_browse *browse);

/* ---- events ---- */

struct host_acknowledge_result {
    int error;         /* 0: the device took it */
    uint16_t detail;   /* the protocol's code */
    char message[200]; /* what happened and what to do */
};
typedef void (*host_acknowledged_cb)(void *ctx, const struct host_acknowledge_result *result);

/* Acknowledges an event in the device that sent it. event, who and note are copied.
 *   timeout_us  0 = 10 s
 * Returns 0 and calls `acknowledged` once, or with err filled: BUSBAR_EUNSUPPORTED (events of this
 * protocol need none, or it has no key), BUSBAR_EBUSY (paused). */
int host_acknowledge(struct host *host, struct device *dev, const struct event *event,
                     const char *who, const char *note, int64_t timeout_us,
                     host_acknowledged_cb acknowledged, void *ctx, struct err *err);

/* ---- commands ---- */

struct host_call_how {
    const char *const *arguments; /* of a command of the protocol, copied; presets take none */
    size_t argument_count;
    const char *who, *from; /* NULL = "" */
    int64_t timeout_us;     /* of the whole; 0 = 10 s */
};
struct host_call_result {
    int error;         /* 0: it ran */
    uint16_t detail;   /* the protocol's code */
    char message[320]; /* what happened and what to do */
    const char
        *results; /* a JSON object of what it gave back; "" = nothing. Borrowed for the call */
    int64_t took_us;
};
typedef void (*host_called_cb)(void *ctx, const struct host_call_result *result);

/* Runs a command of the device, once: the protocol's own through its driver; presets as writes, one after
 * another, ended by the first that fails.
 * Returns 0 and calls `called` once, or with err filled and nothing sent: BUSBAR_EBUSY (paused),
 * BUSBAR_EINVAL (too many arguments, or too few), BUSBAR_EUNSUPPORTED, BUSBAR_EPERM. */
int host_call(struct host *host, struct device *dev, const struct device_command *command,
              const struct host_call_how *how, host_called_cb called, void *ctx, struct err *err);

/* What the device told of it; NULL: nothing (yet). Borrowed until the loop runs again. */
const struct driver_signature *host_signature(const struct device *dev,
                                              const struct device_command *command);

#endif
