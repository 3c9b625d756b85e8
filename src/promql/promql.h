/* SPDX-License-Identifier: Apache-2.0 */
/* PromQL, the language of Prometheus 3.5, over any source of series: text -> tree -> result. Knows
 * no HTTP and no history (source_history.c alone does). No threads of its own; a question runs on
 * the thread that asks and may take long: never the loop.
 *
 * Times are microseconds; a window is left-open: (t - width, t]. Look-back is left-open too. */
#ifndef BUSBAR_PROMQL_PROMQL_H
#define BUSBAR_PROMQL_PROMQL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "history/index.h"
#include "model/labels.h"

enum {
    PROMQL_TEXT_BYTES_MAX = 64 * 1024,
    PROMQL_DEPTH_MAX = 128, /* nesting of an expression */
    PROMQL_NOTES_MAX = 32,  /* warnings and infos of one answer, each */
};
#define PROMQL_LOOKBACK_US (INT64_C(300) * 1000000)

/* --- a source of series --- */

struct history_window;

/* What the evaluator asks of the world; all calls on its thread. */
struct promql_source {
    /* Series that match, any order; ids are the source's own. Caller frees *series
     * (busbar_free). */
    int (*select)(void *ctx, const struct label_matcher *matchers, size_t matcher_count,
                  size_t limit, const atomic_bool *cancel, uint64_t **series, size_t *count,
                  struct err *err);
    /* Labels of one; texts live until close. */
    size_t (*labels)(void *ctx, uint64_t series, struct label labels[LABELS_MAX]);
    /* Numbers with from <= time < to, in time order, stale markers among them (history/reader.h).
     * Valid until the next call. BUSBAR_ELIMIT: more than max. */
    int (*numbers)(void *ctx, uint64_t series, int64_t from_us, int64_t to_us, size_t max,
                   const int64_t **times_us, const double **values, size_t *count);
    /* May be NULL: the newest number (or stale marker) with from <= time < to. */
    int (*last)(void *ctx, uint64_t series, int64_t from_us, int64_t to_us, bool *found,
                int64_t *time_us, double *value);
    /* May be NULL, or answer BUSBAR_EUNSUPPORTED: see history_reader_windows(). */
    int (*windows)(void *ctx, uint64_t series, int64_t first_end_us, int64_t step_us,
                   int64_t width_us, size_t count, struct history_window *windows);
    /* May be NULL: pieces of data that are damaged and missing in what was answered so far. They
     * become a warning of the answer. */
    uint64_t (*damaged)(void *ctx);
    /* May be NULL: what is missing in what was answered so far, in words, NULL: nothing. It becomes a warning, too. */
    const char *(*missing)(void *ctx);
    void *ctx;
};

struct history;
/* A source on the history, for one question on one thread. BUSBAR_EAGAIN: the labels of all series
 * are not loaded yet, right after a start. BUSBAR_ENOMEM. What is no longer here comes from the history's archive,
 * where it has one; cancel (may be NULL) ends waiting for it. */
int promql_source_history_open(struct history *history, const atomic_bool *cancel,
                               struct promql_source *source);
void promql_source_history_close(struct promql_source *source);

/* --- a question --- */

enum {
    PROMQL_SERIES_DEFAULT = 100 * 1000,
    PROMQL_SAMPLES_DEFAULT = 50 * 1000 * 1000,
    PROMQL_POINTS_DEFAULT = 11 * 1000,
    PROMQL_BYTES_DEFAULT = 512 << 20,
};
#define PROMQL_TIMEOUT_DEFAULT_US (INT64_C(120) * 1000000)

struct promql_limits {  /* 0: the default */
    size_t series_max;  /* one selector may match */
    size_t samples_max; /* in memory at a time, as Prometheus' query.max-samples */
    size_t points_max;  /* steps of a range query */
    size_t bytes_max;   /* of memory */
    int64_t timeout_us;
};

struct promql_question {
    const char *text;
    int64_t start_us, end_us;
    int64_t step_us;     /* 0: instant, at start_us; then end_us is ignored */
    int64_t lookback_us; /* 0: PROMQL_LOOKBACK_US */
    struct promql_limits limits;
    const atomic_bool *cancel; /* may be NULL; the client went away */
};

enum promql_type {
    PROMQL_NONE,
    PROMQL_SCALAR,
    PROMQL_STRING,
    PROMQL_VECTOR,
    PROMQL_MATRIX,
};
const char *promql_type_word(enum promql_type type); /* "scalar" "string" "vector" "matrix" */

struct promql_point {
    int64_t time_us;
    double value;
};

struct promql_series {
    const struct label *labels; /* sorted */
    size_t label_count;
    struct promql_point *points; /* in time order; VECTOR: exactly one */
    size_t count;
};

/* All of it lives until promql_result_free(), the texts of labels as long as the source. */
struct promql_result {
    enum promql_type type; /* of a range query: MATRIX */
    struct promql_series *series;
    size_t count;
    struct promql_point scalar; /* SCALAR */
    const char *string;         /* STRING; may hold any UTF-8 */
    const char *warnings[PROMQL_NOTES_MAX], *infos[PROMQL_NOTES_MAX];
    size_t warning_count, info_count;
    struct { /* what it took */
        uint64_t samples, series;
        size_t peak_samples;
        int64_t parse_us, evaluate_us;
    } stats;
    struct arena arena;
};

/* Vectors are in no order but that of the functions that sort; matrices sorted by labels.
 * BUSBAR_ESYNTAX (err: line, column; message as short as Prometheus'), BUSBAR_EINVAL (found while
 * evaluating: many-to-many matching ...), BUSBAR_ELIMIT (err names the limit, its value and what
 * to do), BUSBAR_ETIMEOUT, BUSBAR_ECANCELED, BUSBAR_ENOMEM, BUSBAR_EIO. */
int promql_ask(const struct promql_source *source, const struct promql_question *question,
               struct promql_result *result, struct err *err);
void promql_result_free(struct promql_result *result);

/* --- a text alone --- */

/* Checks and prints it the way `promtool promql format` does. BUSBAR_ESYNTAX. */
int promql_format(const char *text, struct buf *out, struct err *err);

/* The matchers of one series selector such as match[]: `sat{device=~"ahu-.*"}`. Texts live in
 * arena. */
int promql_matchers(const char *text, struct arena *arena, struct label_matcher *matchers,
                    size_t *count, struct err *err);

#endif
