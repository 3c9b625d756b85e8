/* SPDX-License-Identifier: Apache-2.0 */
/* A sink: where samples are published. Each is a cursor on the log, with a batch in hand:
 *
 *   log -> read (job) -> facts of new series (loop) -> encode (job) -> send (loop, asynchronous) -> the next
 *            \ filter         \ registry, index                          \ acknowledged: the place moves
 *
 * This header is the seam between the loop that all sinks share (sinks.h, machine.h) and the kinds of sink (postgres,
 * remote_write). The loop owns the cursor, batches, the order, back-off, quotas, what is set aside, counts; the kind
 * owns address, bytes and session.
 *
 * What the log has is published in its order, each batch once it is the first that is not published, so the order per
 * point is the log's. A batch is one acknowledgement of the target: all of it or nothing. A target that keeps the
 * place with the samples, in one transaction (PostgreSQL), has each sample exactly once; others at least once.
 *
 * Loop thread only, but for encode(). */
#ifndef BUSBAR_SINKS_SINK_H
#define BUSBAR_SINKS_SINK_H

#include "base/buf.h"
#include "base/err.h"
#include "config/option.h"
#include "sinks/batch.h"

struct history;
struct history_archive;
struct loop;
struct state;

struct sink;        /* one that is configured, on the side of the shared loop */
struct sink_target; /* the kind's own of it */

enum {
    SINK_NAME_MAX = 63,
    SINK_KINDS_MAX = 8,
    SINK_FINDINGS_MAX = 24, /* of one test */
    SINK_DETAILS_MAX = 16,  /* lines of one status */
};

/* What a kind may use. Texts and modules outlive the target. */
struct sink_env {
    struct loop *loop;
    struct history *history;
    struct state *state;
    const char *name; /* of the sink */
    const char *
        site; /* site.id, or "busbar" where none is configured: names this gateway in a common target */
    const char *site_title;
    /* 32 hexadecimal digits: this log; another one begins at record 1 again (sinks.h). All 0: it
     * is only tested, without its gateway. */
    const char *log_id;
    const char *folder; /* of the data */
    const char *files;  /* where relative file names of the settings begin */
    int64_t timeout_us; /* of one answer of the target; 0: 30 s */
    const char *(*secret)(void *ctx,
                          const char *name); /* NULL: not set; borrowed until the next call */
    void *secret_ctx;
};

/* Samples and events, since the sink began on this log. */
struct sink_counts {
    uint64_t published; /* samples that the target acknowledged, repeated ones too */
    uint64_t repeated;  /* of them: same point and time as one before; told by targets that know */
    uint64_t
        aside; /* samples ever set aside; what a retry brought home is in published and no more in here */
    uint64_t released; /* samples that the quota let go */
    uint64_t events;   /* events that the target acknowledged */
    uint64_t events_aside, events_released;
};

/* What a target that keeps the place says of itself. */
struct sink_position {
    struct sink_place place;
    struct sink_counts counts;
};

enum sink_failure {
    SINK_AGAIN, /* passes by itself: it is tried again after the back-off */
    SINK_WRONG, /* a person has to do something; it is tried again once a minute, and when a person says so */
};

/* ---- a test, a check: what was looked at and what was found ---- */
enum sink_verdict { SINK_GOOD, SINK_WARNING, SINK_BAD };
struct sink_finding {
    const char
        *what; /* "address", "TLS", "login", "version", "schema", "rights", "clock", "space" ... */
    enum sink_verdict verdict;
    char text[256], hint[256]; /* hint "": nothing needs to be done */
};
/* Borrowed until it returns. Once. */
typedef void (*sink_tested_cb)(void *ctx, const struct sink_finding *findings, size_t count);

/* A line of what the kind knows of itself, for status, page and command line. */
struct sink_detail {
    const char *name; /* "server", "schema", "partitions" ... static */
    char text[160];
};

/* sink_ops.flags */
enum {
    SINK_KEEPS_PLACE = 1, /* the target keeps the place with the samples: exactly once */
    SINK_TAKES_EVENTS = 2,
    SINK_ARCHIVES = 4, /* can be asked for old values: history.archive */
};

struct sink_ops {
    const char *name;  /* the key of its address in the configuration: "postgres" */
    const char *title; /* "PostgreSQL" */
    unsigned flags;
    const struct option *options; /* the first row is `name`, its address; ends with key NULL */
    /* Pure. What the options' rows cannot say. err.at: the place. May be NULL. */
    int (*check)(const struct settings *settings, struct err *err);

    /* Settings live as long as the target. No input or output yet. Never NULL: what is wrong is said by connect. */
    struct sink_target *(*open)(struct sink *sink, const struct sink_env *env,
                                const struct settings *settings);
    /* Ends everything, at once; no call of sink_...() afterwards. No job is in encode(). */
    void (*close)(struct sink_target *target);

    /* Connects and makes ready for batches: answers by sink_connected() or sink_failed(). Never inside the call; not
     * while it is connected. */
    void (*connect)(struct sink_target *target);
    /* Lets go of all it has at the target: connection, locks (pause; any failure). What is being sent is not
     * acknowledged any more. Also inside sink_failed(), sink_refused(). */
    void (*disconnect)(struct sink_target *target);

    /* Job thread: the batch as bytes of the target. Reads of the target only what does not change while it is connected.
     * It may run for the next batch while one is being sent. BUSBAR_ENOMEM; BUSBAR_ELIMIT: too big, the batch is
     * divided. */
    int (*encode)(const struct sink_target *target, struct sink_batch *batch, struct buf *out,
                  struct err *err);
    /* Sends one: answers by sink_sent(), sink_refused() or sink_failed(), never inside the call. One at a time.
     * batch and bytes stay until then. With SINK_KEEPS_PLACE it may be empty: then only the place moves, behind what the
     * filter left out or the quota let go. */
    void (*send)(struct sink_target *target, const struct sink_batch *batch,
                 const struct buf *bytes);

    /* Looks at everything a person may have got wrong, with connections of its own, running or not; changes nothing.
     * target NULL: only the settings count. Ends by itself within 15 s. */
    void (*test)(const struct sink_env *env, const struct settings *settings, sink_tested_cb tested,
                 void *ctx);
    /* SQL (or other text) that a person runs at the target, with its comments. NULL: there is nothing. */
    int (*sql)(const struct sink_env *env, const struct settings *settings, struct buf *out,
               struct err *err);
    /* At most SINK_DETAILS_MAX. Returns how many. May be NULL. */
    size_t (*details)(const struct sink_target *target, struct sink_detail *details);
    /* Where it goes, without a password: "db.example.org:5432/plant". */
    void (*where)(const struct settings *settings, char *text, size_t size);
    /* With SINK_ARCHIVES: what queries ask for old samples, with connections of its own; counted (history/archive.h). Loop
     * thread; env and settings are not kept. */
    struct history_archive *(*archive)(const struct sink_env *env, const struct settings *settings);
    /* The configuration was applied, the site's name may be another. May be NULL. */
    void (*changed)(struct sink_target *target);
};

/* ---- what a target tells the loop ---- */

/* position NULL: the target keeps none, or knows nothing of this log yet. */
void sink_connected(struct sink *sink, const struct sink_position *position);
/* At any time: the connection is lost, cannot be made, or a batch failed and may be sent again. disconnect() is called
 * inside, connect() again later. */
void sink_failed(struct sink *sink, enum sink_failure failure, const struct err *err);
/* The batch is acknowledged. repeated: samples of it that the target had already. The next may be sent inside this
 * call. */
void sink_sent(struct sink *sink, uint64_t repeated);
/* The target refuses something in the batch for good; it stays connected. index: of the sample (or, from
 * batch->sample_count on, the event) where known, else SIZE_MAX: the batch is divided until one is left, which is set
 * aside with the reason. */
void sink_refused(struct sink *sink, size_t index, const struct err *err);
/* The counts as they will be when this batch is acknowledged, and the place behind it: to be kept with the samples. */
void sink_position_after(const struct sink *sink, const struct sink_batch *batch,
                         struct sink_position *position);

/* Something waits that came more than SINK_BEHIND_S ago, or it is not known. What a target makes from the history beside
 * publishing waits meanwhile. Loop thread. */
enum { SINK_BEHIND_S = 300 };
bool sink_is_behind(const struct sink *sink);

struct sink_filter;
/* What it publishes (filter.h): counted by who keeps it longer than a turn of the loop. */
struct sink_filter *sink_filter_now(const struct sink *sink);

#endif
