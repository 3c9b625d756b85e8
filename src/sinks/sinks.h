/* SPDX-License-Identifier: Apache-2.0 */
/* The sinks of a gateway: made from the configuration, run, looked at. Loop thread only, but sinks_from().
 *
 * A sink's place is in state.db (state/state.h, sinks) and, with targets that keep it, at the target, which wins. The log
 * has an id; where state was restored from a backup or begun anew the log gets another, and a target that knows the
 * old one begins again at the first record: what it has already counts as repeated. */
#ifndef BUSBAR_SINKS_SINKS_H
#define BUSBAR_SINKS_SINKS_H

#include "sinks/sink.h"

struct config;
struct config_sink;
struct registry;
struct sinks;

enum {
    SINKS_MAX = 16,
    SINK_PATTERNS_MAX = 64,   /* of one filter */
    SINK_ASIDE_MAX = 1000000, /* rows set aside of one sink; more are counted as released */
};

struct sinks_config {
    struct loop *loop;
    struct history *history;
    struct state *state;
    struct registry *registry;
    const struct sink_ops *const *catalog; /* ends with NULL */
    const char *site,
        *site_title; /* borrowed as long as the sinks, texts may change at sinks_apply() */
    const char *folder, *files;
    const char *(*secret)(void *ctx, const char *name);
    /* Something a person should hear of: goes to the journal (quota reached, set aside, works again). May be NULL. */
    void (*event)(void *ctx, const char *sink, const char *kind, uint8_t severity,
                  const char *text);
    void *ctx;
};

/* The first record that a configured sink still needs, for history_config.sinks_from; 0: none. Any thread, before the
 * history is open. Also gives the log its id. */
int sinks_from(struct state *state, const struct config *config, uint64_t *from, struct err *err);

/* A header of what sinks send: the id of the log it is from. A gateway that gets its own has a sink that leads back to it. */
#define SINKS_LOG_HEADER "X-Busbar-Log"
bool sinks_is_own_log(const struct sinks *sinks, const char *log_id); /* sinks may be NULL */

/* What the rows of config_sink_options cannot say: whether patterns and matchers are right. Pure. */
int sinks_check(const struct settings *common, struct err *err);
/* For history_config.cursor_bytes: more than the quota of each sink, so that these are cut by their own. */
uint64_t sinks_log_bytes(const struct config *config);

struct sinks *sinks_new(const struct sinks_config *config);
/* Takes what the configuration says: those that did not change go on, others begin or end. config is not kept. */
int sinks_apply(struct sinks *sinks, const struct config *config, struct err *err);
/* From now on they connect: the labels of all points are there. */
void sinks_start(struct sinks *sinks);
/* Points were added, removed or changed: facts of series are told anew. */
void sinks_changed(struct sinks *sinks);
/* Something new is on disk. Cheap: asked after every commit. */
void sinks_committed(struct sinks *sinks);
/* Lets batches that are being sent end (5 s at most), then stops all and calls. */
void sinks_stop(struct sinks *sinks, void (*stopped)(void *ctx), void *ctx);
void sinks_free(struct sinks *sinks); /* NULL is fine */

/* ---- looking ---- */

enum sink_phase {
    SINK_STARTING,
    SINK_CONNECTING,
    SINK_LIVE,        /* all that is on disk is published, or about to be */
    SINK_CATCHING_UP, /* connected, more than a few batches are waiting */
    SINK_WAITING,     /* for the back-off */
    SINK_STUCK,       /* SINK_WRONG: waits for a person */
    SINK_PAUSED,
};
const char *sink_phase_word(enum sink_phase phase); /* "live", "catching up" ... */

struct sink_status {
    char name[SINK_NAME_MAX + 1];
    const struct sink_ops *ops;
    char where[160];
    char points[160]; /* the filter in words */
    enum sink_phase phase;
    int64_t since_us; /* wall clock: in this phase */
    struct sink_place place;
    struct sink_counts counts;
    uint64_t waiting;       /* samples in the log behind the place, before the filter */
    uint64_t waiting_bytes; /* of log */
    int64_t lag_us;         /* age of the oldest that waits; 0: nothing does */
    uint64_t keep_bytes;    /* the quota */
    int64_t keep_us;
    bool over_quota;            /* the quota lets go of the oldest */
    uint64_t lost;              /* records that were damaged or gone before they were published */
    uint64_t aside;             /* rows that are set aside now */
    double samples_per_second;  /* published, over the last 10 s */
    uint64_t batches, failures; /* since the start */
    int64_t published_us;       /* wall clock: last acknowledgement; 0: none since the start */
    struct err error;           /* the last; code 0: none */
    int64_t error_us;
    int64_t next_try_us; /* wall clock; 0: none is planned */
    struct sink_detail details[SINK_DETAILS_MAX];
    size_t detail_count;
};

size_t sinks_count(const struct sinks *sinks);
/* In the order of names. False: no such. */
bool sinks_status_at(struct sinks *sinks, size_t index, struct sink_status *status);
bool sinks_status(struct sinks *sinks, const char *name, struct sink_status *status);
/* Whether the sink of this name publishes a point. */
bool sinks_takes_path(const struct sinks *sinks, const char *name, const char *path);

/* ---- doing; BUSBAR_ENOENT: no such sink, err names those there are ---- */

/* Paused stays paused over a restart. */
int sinks_pause(struct sinks *sinks, const char *name, struct err *err);
int sinks_resume(struct sinks *sinks, const char *name, struct err *err);
/* Tries now in place of waiting for the back-off. */
int sinks_retry_now(struct sinks *sinks, const char *name, struct err *err);
int sinks_test(struct sinks *sinks, const char *name, sink_tested_cb tested, void *ctx,
               struct err *err);
/* For history_set_archive(). NULL: there is no such sink, or it keeps no archive. */
struct history_archive *sinks_archive(struct sinks *sinks, const char *name);
int sinks_sql(struct sinks *sinks, const char *name, struct buf *out, struct err *err);

/* The test of a sink that need not be running (check, doctor): env and settings are the caller's. */
const struct sink_ops *sink_kind(const struct sink_ops *const *catalog, const char *name);

#endif
