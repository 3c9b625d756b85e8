/* SPDX-License-Identifier: Apache-2.0 */
/* The loop that all sinks share, private to the folder. One struct sink is one configured sink while it runs:
 *
 *   sinks.c    all of them: apply, start, stop         begin.c   the place, from state.db and the target
 *   sink.c     connecting, back-off, what targets tell  pump.c    which batch is made, encoded, sent next
 *   load.c     a batch in its life; dividing            read.c    log -> batch (job)
 *   facts.c    what is known of series (loop, job)      aside.c   what is refused for good
 *   quota.c    what waits, and letting go of it         status.c  how it stands
 *   work.c     jobs of a sink, one after the other
 *
 * A sink has one job at a time, so what a job touches is safe when none runs. What waits to be sent is a queue of loads in
 * the order of the log; the first may be on its way, the one behind it is made meanwhile. When a batch fails, all of the
 * queue that is of the log is forgotten and read again from the place: there is one way back only.
 *
 * Places: `durable` (survives a crash: of state.db, or the target's own) <= `place` (acknowledged) <= where the reader is.
 * `saved` is what state.db has, never farther than `place`. The log is held from the older of `durable` and `saved` on: until
 * the target answers, a gateway that starts knows of `saved` only, and counts and tells what waits from there. */
#ifndef BUSBAR_SINKS_MACHINE_H
#define BUSBAR_SINKS_MACHINE_H

#include "base/list.h"
#include "config/config.h"
#include "history/history.h"
#include "net/backoff.h"
#include "net/loop.h"
#include "net/timer.h"
#include "sinks/filter.h"
#include "sinks/sinks.h"
#include "state/state.h"

enum {
    SINK_LOADS_MAX = 2,     /* read ahead: one is sent, one is made */
    SINK_EVENTS_MAX = 4096, /* of one batch */
    SINK_LOOK_MS = 2000,    /* what waits is counted, the quota looked at */
    SINK_WRONG_MS = 60000,  /* SINK_WRONG: the next try */
    SINK_DOWN_MS = 5000,    /* for what is being sent, when a sink ends */
    SINK_SAVE_MS = 1000,    /* places of targets that keep none */
    SINK_MARK_US =
        30000000, /* a target that keeps the place hears of what was left out after this */
    SINK_RATE_SECONDS = 10,
    SINK_TEXT_BYTES_MAX =
        16 << 20, /* of events and texts of one batch; it ends behind the record */
};
#define SINK_ASIDE_TELL_US (INT64_C(600) * 1000000) /* a person hears of refusals this often */
#define SINK_FREE_BYTES \
    (UINT64_C(384) << 20) /* less is free on the disk: as if the quota was reached */

/* ---- jobs of a sink (work.c) ---- */

struct sink_work {
    struct list link;
    void (*work)(struct sink_work *work); /* job thread */
    /* Loop; error: 0, or BUSBAR_ECANCELED when work() never ran. */
    void (*done)(struct sink_work *work, int error);
    struct sink *sink;
    bool asked; /* it waits or runs */
};
/* Puts it behind what waits. Not while it is asked. */
void sink_do(struct sink *sink, struct sink_work *work);

/* ---- batches that are not of the log ---- */

/* Samples or events that a person wants to be sent (again.c). All of it stays the caller's, unchanged, until done().
 * Goes behind what is being made, before what is next in the log. */
struct sink_push {
    struct list link;
    enum sink_batch_origin
        origin; /* ASIDE: counts change when it is acknowledged; AGAIN: they do not */
    const struct sample *samples; /* at most SINK_BATCH_SAMPLES_MAX */
    size_t sample_count;
    const struct bytes *events;
    size_t event_count;
    /* The target refuses one for good; from sample_count on: an event. */
    void (*refused)(struct sink_push *push, size_t index, const struct err *err);
    /* Once: 0: all of it was acknowledged or refused; BUSBAR_ECANCELED: the sink ended, was paused, or the push was
     * canceled. */
    void (*done)(struct sink_push *push, int error);
    size_t acknowledged;   /* in their order, with those that were refused */
    bool loaded, canceled; /* private: a load of it is in the queue; it ends soon */
};
void sink_push(struct sink *sink, struct sink_push *push);
/* done() runs with BUSBAR_ECANCELED, at the latest when what is being sent was answered. */
void sink_push_cancel(struct sink *sink, struct sink_push *push);

/* ---- loads ---- */

enum load_stage {
    LOAD_READING,  /* by a job; of a push: its series are noted */
    LOAD_FACTS,    /* on the loop, in slices */
    LOAD_ENCODING, /* waits for a job, or a job is at it */
    LOAD_READY,
    LOAD_SENDING,
    LOAD_REFUSED, /* one thing, for good: set aside when it is the first */
};

/* What parts of a divided batch share. */
struct load_memory {
    unsigned users;
    struct sample *samples;
    struct sink_place *places; /* behind each sample */
    struct bytes *events;
    struct sink_place *event_places; /* behind each event */
    struct arena texts;
    size_t capacity;
    uint32_t *fresh; /* series that the target has not heard of */
    size_t fresh_count, fresh_capacity;
    struct arena facts;
    struct sink_series *series;
    bool told; /* a part with the series was acknowledged */
};

struct load {
    struct list link;
    enum load_stage stage;
    struct sink_batch batch;
    struct buf bytes;
    struct load_memory *memory;
    struct sink_push *push; /* NULL: of the log */
    /* Behind each sample, each event; NULL: of a push. Both go up, so that it can be cut at a place. */
    const struct sink_place *places, *event_places;
    size_t first, first_event; /* index of its first in the whole */
    bool part;                 /* of a divided one */
    bool dead;                 /* forgotten while a job had it */
    bool mark;                 /* empty: only tells the target where we are */
    uint64_t passed;           /* samples of the log that it covers, filtered ones too */
    uint64_t lost;             /* records that were gone or damaged */
    int error;                 /* of reading or encoding */
    struct err err;
};

struct load *sink_load_new(struct sink *sink);
void sink_load_discard(struct load *load);
/* Back to the sink for the next batch, or freed. */
void sink_load_free(struct sink *sink, struct load *load);
/* Cuts `load` before the thing that is at `rank` in the order of places; what is behind it is a load that comes after
 * it in the queue. 0 < rank < count. BUSBAR_ENOMEM. */
int sink_load_cut(struct sink *sink, struct load *load, size_t rank);
/* The rank of a sample, or from sample_count on an event. */
size_t sink_load_rank(const struct load *load, size_t index);
static inline size_t sink_load_count(const struct load *load)
{
    return load->batch.sample_count + load->batch.event_count;
}

/* ---- reading (read.c); job thread ---- */

struct sink_told { /* a bit a series */
    uint64_t **pages;
    uint32_t count;
};
bool sink_told_add(struct sink_told *told, uint32_t series, bool *fresh); /* false: no memory */
void sink_told_fini(struct sink_told *told);

struct sink_reader {
    struct history_cursor *cursor;
    struct sink_filter *filter; /* borrowed */
    struct history_record record;
    bool holding;         /* `record` has more than was taken */
    size_t events_taken;  /* of it */
    struct sink_place at; /* where it stands */
    uint64_t counted;     /* records up to it are in sink.left */
    struct sink_told told;
};
struct sink_read {
    size_t samples_max;
    bool seek, tell_anew;
    struct sink_place seek_to;
    bool end;     /* there was nothing more */
    bool encoded; /* in the same job */
    /* of records above reader.counted */
    uint64_t uncounted;
};
void sink_reader_seek(struct sink_reader *reader, struct sink_place place);
void sink_reader_fini(struct sink_reader *reader);
/* Fills a load whose batch.from is where the reader stands. load->error: BUSBAR_ENOMEM, BUSBAR_EIO; what was read before is in it then. */
void sink_read(struct sink_reader *reader, struct load *load, struct sink_read *read);
/* Notes the series of a load's samples that are fresh. */
int sink_note_fresh(struct sink_reader *reader, struct load *load);
/* Passes what is there until `enough` says so: counts what the filter takes. */
struct sink_pass {
    uint64_t samples, events; /* wanted */
    uint64_t passed;          /* samples, all */
    uint64_t lost;
    bool end;
    bool (*enough)(void *ctx, struct sink_place at, int64_t receive_us);
    void *ctx;
};
int sink_pass(struct sink_reader *reader, struct sink_pass *pass);

/* ---- one sink ---- */

enum sink_stand {
    STAND_NEW,        /* its row of state.db is being read */
    STAND_OFF,        /* not connected */
    STAND_CONNECTING, /* the target was asked to */
    STAND_SETTLING,   /* it is connected, the place is being settled */
    STAND_ON,
    STAND_GONE, /* closed, only to be freed */
};

/* What the target has as far as we know, and our own counts of then. */
struct sink_kept {
    bool known;
    struct sink_place place;
    uint64_t published, released, events, events_released;
};

struct sink_state_work { /* saving; settled; set aside */
    struct sink_work work;
    struct state_sink_place place;
    struct state_sink_counts counts;
    struct sink_kept kept;
    int error;
};

struct again;

struct sink {
    struct list link; /* in sinks->leaving */
    struct sinks *sinks;
    struct again
        *asked; /* what a person asked for and is under way (again_private.h); NULL: nothing yet */
    char name[SINK_NAME_MAX + 1];
    const struct sink_ops *ops;
    struct setup *own, *common;
    uint64_t hash;
    struct sink_env env;
    char log_id[STATE_LOG_ID_SIZE];
    struct sink_target *target; /* NULL: not open */
    struct sink_filter *filter;

    enum sink_stand stand;
    bool paused, leaving, enabled;
    bool pausing_to; /* what is being written into state.db */
    bool removed;    /* leaving, and nobody takes its place */
    bool save_failed;
    bool settled; /* the rows set aside were compared with the counts, since the start */
    enum sink_phase phase;
    int64_t since_us;

    /* settings */
    size_t batch;
    int64_t batch_us, keep_us;
    uint64_t keep_bytes;

    /* where it stands */
    struct sink_place place, durable, saved;
    struct sink_counts counts;
    uint64_t lost;
    struct sink_kept kept;
    int64_t kept_since_us;         /* monotonic */
    struct sink_position position; /* as the target said when it connected */
    bool has_position;
    bool dirty; /* place or counts are not in state.db */

    /* jobs */
    struct list works;
    struct sink_work *working;
    struct sink_work begin, read, encode, look, quota, pausing;
    struct sink_state_work save, settle, aside;
    struct state_sink row; /* begin */
    struct state_aside_count settled_left;
    uint64_t
        beyond; /* its row was at this record, which the log does not have yet; 0: it was not */
    char renewed_id[STATE_LOG_ID_SIZE];
    bool row_known;
    int begin_error;

    /* batches */
    struct sink_reader reader;
    struct sink_read reading;
    struct list queue, spare; /* of struct load */
    size_t queued, spares;
    struct load *making;  /* a job or the loop is at it */
    struct load *sending; /* first of the queue */
    struct list pushes;
    size_t facts_done;
    bool seek; /* the reader goes to seek_to before it reads */
    struct sink_place seek_to;
    bool tell_anew; /* all facts are told again */
    bool more;      /* there may be something to be read */
    bool news;      /* something came while it was read */
    struct timer company, facts, again, saving, looking, ending;

    /* refused */
    struct state_aside refused;
    char refused_path[STATE_PATH_MAX + 1];
    struct err refused_err;
    bool setting_aside;
    int64_t aside_told_us; /* monotonic */

    /* failures */
    struct backoff backoff;
    struct err error;
    int64_t error_us, next_try_us;
    int64_t failing_since_us; /* monotonic */
    bool failing, failure_told, stuck;
    uint64_t batches, failures;
    int64_t published_us;
    struct {
        int64_t second;
        uint64_t samples;
    } rate[SINK_RATE_SECONDS];

    /* what waits */
    struct history_cursor *counter;
    int64_t left;    /* samples behind the place, as far as they were counted */
    uint64_t looked; /* samples that the look counted */
    struct sink_place look_place;
    uint64_t passed, look_passed; /* samples that the place passed, since the start */
    bool recount, look_recount, look_oldest;
    int64_t oldest_us, looked_oldest_us; /* INT64_MAX: not known */
    uint64_t free_bytes;

    /* the quota */
    struct sink_pass pass;
    struct sink_place quota_to;
    uint64_t quota_low;   /* bytes that may stay */
    int64_t quota_end_us; /* monotonic: of this job */
    bool quota_unfinished;
    int quota_error;
    bool letting_go;                /* it is at work: nothing is read for the target */
    bool over;                      /* an episode: it was told */
    struct sink_counts over_counts; /* when it began */
};

struct sinks {
    struct sinks_config config;
    struct sink *all[SINKS_MAX]; /* in the order of names */
    size_t count;
    struct list leaving;
    bool started, stopping;
    struct loop_deferred sweep; /* frees those that left */
    void (*stopped)(void *ctx);
    void *stopped_ctx;
};

/* What a kind may use, of these settings; log_id is still "". */
void sinks_env(const struct sinks *sinks, const char *name, const struct settings *common,
               struct sink_env *env);
struct sink *sinks_find(const struct sinks *sinks, const char *name, struct err *err);

/* begin.c */
void sink_begin(struct sink *sink);
/* The target's position and ours: which counts. Pure. */
void sink_settle_place(const struct sink_position *target, const struct sink_kept *kept,
                       struct sink_place *place, struct sink_counts *counts);
/* The target is connected and said sink->position: goes on with sink_ready(). */
void sink_settle(struct sink *sink);
static inline struct state_sink_counts sink_state_counts(const struct sink_counts *counts,
                                                         uint64_t lost)
{
    return (struct state_sink_counts){ .published = counts->published,
                                       .repeated = counts->repeated,
                                       .aside = counts->aside,
                                       .released = counts->released,
                                       .events = counts->events,
                                       .events_aside = counts->events_aside,
                                       .events_released = counts->events_released,
                                       .lost = lost };
}
/* What is known of the target, as text in state.db. */
int sink_kept_save(struct state *state, const char *name, const struct sink_kept *kept);

/* sink.c */
struct sink *sink_new(struct sinks *sinks, const struct config_sink *config, struct err *err);
void sink_free(struct sink *sink);
void sink_phase(struct sink *sink);
void sink_try(struct sink *sink); /* connects if it may */
/* The machine itself cannot go on: disconnects, and tries again. */
void sink_break(struct sink *sink, int code, const char *what);
void sink_news(struct sink *sink);  /* something may have come into the log */
void sink_ready(struct sink *sink); /* the place is settled: batches may go */
void sink_leave(struct sink *sink, bool removed);
void sink_tell(struct sink *sink, const char *kind, uint8_t severity, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
bool sink_wanted(const struct sink *sink); /* it should be connected */
void sink_end_step(struct sink *sink);     /* paused, leaving: goes on with it */
void sinks_ended(struct sinks *sinks);     /* one is STAND_GONE */

/* pump.c */
void sink_pump(struct sink *sink);
/* Forgets what was read and not acknowledged. */
void sink_forget(struct sink *sink);
void sink_acknowledge(struct sink *sink, struct load *load, uint64_t repeated);
void sink_passed(struct sink *sink, uint64_t samples); /* the place passed so many of the log */
bool sink_has_parts(struct sink *sink);
void sink_remove_load(struct sink *sink, struct load *load);
/* Loads of the log behind this one are forgotten and read again. */
void sink_forget_behind(struct sink *sink, struct load *load);
void sink_cancel_pushes(struct sink *sink);
void sink_divide(struct sink *sink, struct load *load, size_t index, const struct err *err);
/* An empty batch, so that a target that keeps the place hears of it. */
void sink_mark(struct sink *sink);
/* As they are when the batch is acknowledged. */
void sink_add_counts(struct sink_counts *counts, const struct sink_batch *batch);

/* facts.c */
void sink_facts_begin(struct sink *sink, struct load *load);
int sink_facts_labels(struct sink *sink, struct load *load); /* job */

/* aside.c */
void sink_set_aside(struct sink *sink, struct load *load, const struct err *err);

/* quota.c */
void sink_look_start(struct sink *sink); /* from now on, each SINK_LOOK_MS */
void sink_quota_step(struct sink *sink);
bool sink_all_is_sent(const struct sink *sink); /* it is connected, and has read all there is */
void sink_count_again(struct sink *sink);

/* status.c */
void sink_rate_add(struct sink *sink, uint64_t samples);

/* Saves place and counts soon (dirty), or now. */
void sink_save_soon(struct sink *sink);
void sink_save_now(struct sink *sink);
void sink_hold_log(struct sink *sink); /* tells the cursor from where the log is needed */
/* state.db has the place from now on. */
void sink_is_saved(struct sink *sink, struct state_sink_place place);

/* For again.c: acknowledged place and counts, and what a drop changes of them. */
void sink_snapshot(const struct sink *sink, struct sink_place *place, struct sink_counts *counts,
                   uint64_t *lost);
void sink_count_set(struct sink *sink, const struct sink_counts *counts);

#endif
