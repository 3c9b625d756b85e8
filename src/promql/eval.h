/* SPDX-License-Identifier: Apache-2.0 */
/* What evaluator and functions work on: a matrix of series x steps. Every expression of type
 * vector or scalar is evaluated for all steps at once: a row a series, a column a step, absent
 * values marked by PROMQL_ABSENT (the stale marker's bits, which no result can have). A scalar is
 * a matrix of one row without labels and without holes. An instant query has one step. Private to
 * promql/. */
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

/* Labels are never changed in place (rows may share them): see promql_labels_with(). Values may be:
 * a matrix belongs to who asked for it. The metric's name goes at once where it goes at all (as in
 * Prometheus 3.5 without its feature flag for a delay). */
struct promql_row {
    const struct label *labels; /* sorted; in the eval's arena */
    size_t label_count;
    double *values; /* steps of them */
};

struct promql_matrix {
    struct promql_row *rows; /* labels differ from row to row */
    size_t count, capacity;
    bool ordered;  /* instant: keep this order in the answer (sort, topk) */
    bool one_name; /* all rows have the same __name__ or none: without it they differ still */
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
    size_t samples_now;           /* values in matrices, and what is read just now */
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

/* The scalar arguments of a call, args[from] to args[to - 1], evaluated: numbers[i][step]. */
int promql_evaluate_scalars(struct promql_eval *eval, const struct promql_node *call, size_t from,
                            size_t to, const double *numbers[PROMQL_ARGS_MAX]);

/* The samples of a range (a RANGE or SUBQUERY node, maybe in parentheses) of each series, through
 * a window function; a row a series that has at least one result. call (for the function's eyes)
 * may be NULL, then there are no scalars. keeps_name false: without __name__, and checked as
 * promql_matrix_check() does. */
int promql_evaluate_windows(struct promql_eval *eval, const struct promql_node *range,
                            const struct promql_node *call, promql_window_fn function,
                            bool keeps_name, struct promql_matrix *out);

/* As evaluating a SELECTOR node, but the values are the times of the samples found, in seconds:
 * timestamp(). */
int promql_evaluate_times(struct promql_eval *eval, const struct promql_node *selector,
                          struct promql_matrix *out);

/* The node inside of parentheses. */
const struct promql_node *promql_unwrap(const struct promql_node *node);

/* A row with room for all steps, absent everywhere; labels are not copied. NULL: no memory, or the
 * limit (eval->err is set, *error is the code). */
struct promql_row *promql_matrix_add(struct promql_eval *eval, struct promql_matrix *matrix,
                                     const struct label *labels, size_t label_count, int *error);

/* For loops: BUSBAR_ECANCELED, BUSBAR_ETIMEOUT; cheap, look every few thousand steps of work. */
int promql_eval_check(struct promql_eval *eval);

/* An error while evaluating; returns code. */
int promql_eval_fail(struct promql_eval *eval, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* BUSBAR_ENOMEM, or BUSBAR_ELIMIT when the arena is at its ceiling, bytes_max. */
int promql_eval_no_memory(struct promql_eval *eval);

/* A note of the answer, once each; the text is copied. With a node it ends with its place, "
 * (1:7)", as Prometheus' do; the node may be NULL. */
void promql_eval_warn(struct promql_eval *eval, const struct promql_node *node, const char *format,
                      ...) __attribute__((format(printf, 3, 4)));
void promql_eval_info(struct promql_eval *eval, const struct promql_node *node, const char *format,
                      ...) __attribute__((format(printf, 3, 4)));

/* --- label sets in the eval's arena (rows.c) --- */

/* Without __name__: no memory is needed when it comes first, so this cannot fail then. */
int promql_labels_drop_name(struct promql_eval *eval, struct promql_row *row);
/* All rows without __name__; then promql_matrix_check() unless one_name says that it is not
 * needed. */
int promql_matrix_drop_names(struct promql_eval *eval, struct promql_matrix *matrix);
/* A copy with one label set, or removed (value_size 0); the texts are not copied. */
int promql_labels_with(struct promql_eval *eval, struct promql_row *row, const char *name,
                       const char *value, size_t value_size);
/* Rows of the same labels: with values at the same step BUSBAR_EINVAL, "vector cannot contain
 * metrics with the same labelset"; at different steps they are merged into one row. */
int promql_matrix_check(struct promql_eval *eval, struct promql_matrix *matrix);

#endif
