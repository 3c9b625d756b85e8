/* SPDX-License-Identifier: Apache-2.0 */
/* The table of functions: what the parser checks, what the evaluator calls. A function has exactly one of
 * four shapes; see eval.h for what it works on.
 *
 *   map      one number of each series and step, on its own: abs, round, year ...
 *   window   the samples of one range of one series: rate, avg_over_time ...
 *   special  everything else: sees the arguments evaluated: label_replace, histogram_quantile, sort ... */
#ifndef BUSBAR_PROMQL_FUNCTIONS_H
#define BUSBAR_PROMQL_FUNCTIONS_H

#include "promql/ast.h"

enum { PROMQL_ARGS_MAX = 5 };

struct promql_eval;
struct promql_matrix;

/* One range of one series: stale markers are gone. */
struct promql_window {
    const int64_t *times_us;
    const double *values;
    size_t count;             /* 1 at least */
    int64_t start_us, end_us; /* of the range: (start, end] */
    int64_t time_us;          /* of the step; not end_us when there is an offset or @ */
    const double *scalars;    /* the scalar arguments at this step, in order */
    struct promql_eval *eval; /* for promql_eval_info() */
    const struct promql_node *call;
    int *error; /* set it to end the evaluation; the error text is in eval->err */
};
/* False: no result at this step. */
typedef bool (*promql_window_fn)(const struct promql_window *window, double *out);

/* args: the scalar arguments at this step, in order; NULL when none were written. Never called for
 * absent values; the stale marker as result: none at this step. */
typedef double (*promql_map_fn)(double value, const double *args);

/* Makes `out` from the call's arguments; evaluates them itself. */
typedef int (*promql_special_fn)(struct promql_eval *eval, const struct promql_node *call,
                                 struct promql_matrix *out);

struct promql_function {
    const char *name;
    enum promql_type args[PROMQL_ARGS_MAX];
    uint8_t arg_count; /* in args */
    int8_t
        variadic; /* 0: exactly arg_count; n > 0: the last n may be missing; -1: the last may come again, or not at all */
    enum promql_type returns;
    bool experimental;
    bool keeps_name;  /* the result keeps __name__: last_over_time, sort ... */
    bool wants_first; /* map over dates: without an argument the time of the step itself */
    promql_map_fn map;
    promql_window_fn window;
    promql_special_fn special;
};

/* NULL: no such function. */
const struct promql_function *promql_function(const char *name, size_t size);
/* The whole table, sorted by name, ends with name NULL (for docs, completion and tests). */
extern const struct promql_function promql_functions[];

#endif
