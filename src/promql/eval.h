/* SPDX-License-Identifier: Apache-2.0 */
/* What evaluator and functions work on: a matrix of series x steps. Every expression of type vector
 * or scalar is evaluated for all steps at once: a row a series, a column a step, absent values
 * marked by PROMQL_ABSENT (the stale marker's bits, which no result can have). A scalar is a matrix of
 * one row without labels and without holes. An instant query has one step. Private to promql/. */
#ifndef BUSBAR_PROMQL_EVAL_H
#define BUSBAR_PROMQL_EVAL_H

#include "history/reader.h"
#include "promql/ast.h"
#include "promql/functions.h"

#define PROMQL_ABSENT HISTORY_STALE_BITS

static inline bool promql_is_absent(double value)
{
    return history_is_stale(value);
}

struct promql_row {
    struct label *labels; /* sorted; in the eval's arena */
    size_t label_count;
    double *values; /* steps of them */
    bool drop_name; /* the metric's name goes at the end (delayed, as in Prometheus 3) */
};

struct promql_matrix {
    struct promql_row *rows;
    size_t count, capacity;
    bool ordered; /* instant: keep this order in the answer (sort, topk) */
};

/* One evaluation: a subquery has its own. */
struct promql_eval {
    const struct promql_source *source;
    const struct promql_question *question; /* the outermost: limits, cancel, start and end of @ */
    int64_t start_us, step_us;              /* step 1 when there is one step */
    size_t steps;
    struct arena *arena;
    struct promql_result *result; /* notes and stats */
    int64_t deadline_us;          /* monotonic */
    size_t samples_now;
    unsigned depth;
    struct err *err;
};

static inline int64_t promql_step_time(const struct promql_eval *eval, size_t step)
{
    return eval->start_us + (int64_t)step * eval->step_us;
}

/* Any expression of type vector or scalar. Errors as promql_ask(). */
int promql_evaluate(struct promql_eval *eval, const struct promql_node *node,
                    struct promql_matrix *out);

/* A row with room for all steps, absent everywhere; labels are not copied. NULL: no memory, or the
 * limit (eval->err is set, *error is the code). */
struct promql_row *promql_matrix_add(struct promql_eval *eval, struct promql_matrix *matrix,
                                     const struct label *labels, size_t label_count, int *error);

/* For loops: BUSBAR_ECANCELED, BUSBAR_ETIMEOUT; cheap, look every few thousand steps of work. */
int promql_eval_check(struct promql_eval *eval);

/* An error while evaluating; returns code. */
int promql_eval_fail(struct promql_eval *eval, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A note of the answer, once each; the text is copied. */
void promql_eval_warn(struct promql_eval *eval, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void promql_eval_info(struct promql_eval *eval, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* --- label sets in the eval's arena (rows.c) --- */

/* Without __name__. */
int promql_labels_drop_name(struct promql_eval *eval, struct promql_row *row);
/* A copy with one label set, or removed (value_size 0). */
int promql_labels_with(struct promql_eval *eval, struct promql_row *row, const char *name,
                       const char *value, size_t value_size);
/* Two rows of the same labels with values at the same step: BUSBAR_EINVAL, "vector cannot contain
 * metrics with the same labelset"; at different steps they are merged into one row. */
int promql_matrix_check(struct promql_eval *eval, struct promql_matrix *matrix);

#endif
