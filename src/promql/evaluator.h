/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the evaluator share among themselves; functions see eval.h. */
#ifndef BUSBAR_PROMQL_EVALUATOR_H
#define BUSBAR_PROMQL_EVALUATOR_H

#include "promql/eval.h"

/* Prometheus' default interval of evaluation, the step of a subquery that names none. */
#define PROMQL_SUBQUERY_STEP_US (INT64_C(60) * 1000000)

/* Times at the ends of int64 stay there. */
static inline int64_t promql_time_sub(int64_t a, int64_t b)
{
    int64_t out;
    return !__builtin_sub_overflow(a, b, &out) ? out : b > 0 ? INT64_MIN : INT64_MAX;
}

static inline int64_t promql_time_add(int64_t a, int64_t b)
{
    int64_t out;
    return !__builtin_add_overflow(a, b, &out) ? out : b > 0 ? INT64_MAX : INT64_MIN;
}

/* The time a selector or subquery looks from at an evaluation time: @ and offset. */
int64_t promql_moment_time(const struct promql_eval *eval, const struct promql_moment *moment,
                           int64_t time_us);

/* That time at each step: first, then `stride` further each (0 with @). */
struct promql_walk {
    int64_t first_us, stride_us;
};

static inline struct promql_walk promql_walk_of(const struct promql_eval *eval,
                                                const struct promql_moment *moment, size_t step)
{
    return (struct promql_walk){
        .first_us = promql_moment_time(eval, moment, promql_step_time(eval, step)),
        .stride_us = moment->at == PROMQL_AT_NONE ? eval->step_us : 0,
    };
}

/* --- rows.c --- */

void promql_fill_absent(double *values, size_t count);
/* More values are in memory from now on. BUSBAR_ELIMIT: samples_max. */
int promql_count_samples(struct promql_eval *eval, size_t more);
/* Room for a value a step, not filled. NULL: *error. */
double *promql_new_values(struct promql_eval *eval, int *error);
bool promql_any_present(const double *values, size_t count);
/* Rows without any value go. */
void promql_matrix_prune(struct promql_eval *eval, struct promql_matrix *matrix);
/* Adds a row as it is. */
int promql_matrix_put(struct promql_eval *eval, struct promql_matrix *matrix,
                      const struct promql_row *row);
/* promql_matrix_check() with an error text of one's own. */
int promql_matrix_merge(struct promql_eval *eval, struct promql_matrix *matrix, const char *clash);

/* --- selector.c --- */

/* The series of a selector. The array is the caller's to free. */
int promql_select(struct promql_eval *eval, const struct promql_node *selector, uint64_t **series,
                  size_t *count);
/* Labels of a series, copied into the arena. */
int promql_series_labels(struct promql_eval *eval, uint64_t series, struct promql_row *row);
/* Numbers of a series, counted in samples_now until promql_numbers_done(). */
struct promql_numbers {
    const int64_t *times_us;
    const double *values;
    size_t count;
};
int promql_numbers_read(struct promql_eval *eval, uint64_t series, int64_t from_us, int64_t to_us,
                        struct promql_numbers *numbers);
void promql_numbers_done(struct promql_eval *eval, const struct promql_numbers *numbers);
/* Its series all have the same __name__. */
bool promql_selector_has_one_name(const struct promql_node *selector);
int promql_evaluate_selector(struct promql_eval *eval, const struct promql_node *selector,
                             struct promql_matrix *out);

/* --- subquery.c --- */

/* Evaluates what is inside for its own steps. *inner has what it was evaluated with. */
int promql_evaluate_subquery(struct promql_eval *eval, const struct promql_node *subquery,
                             struct promql_eval *inner, struct promql_matrix *out);

/* --- binary.c, match.c --- */

int promql_evaluate_binary(struct promql_eval *eval, const struct promql_node *node,
                           struct promql_matrix *out);
/* out[i] = left[i] op right[i], absent where one is absent. Comparisons: left where it holds, else
 * absent; returns_bool: 1 or 0. out may be left or right. */
void promql_operate(enum promql_op op, bool returns_bool, const double *left, const double *right,
                    double *out, size_t count);
static inline bool promql_op_compares(enum promql_op op)
{
    return op >= PROMQL_OP_EQ && op <= PROMQL_OP_GE;
}
int promql_match_vectors(struct promql_eval *eval, const struct promql_node *node,
                         struct promql_matrix *left, struct promql_matrix *right,
                         struct promql_matrix *out);
int promql_match_sets(struct promql_eval *eval, const struct promql_node *node,
                      struct promql_matrix *left, struct promql_matrix *right,
                      struct promql_matrix *out);

/* --- aggregate.c, pick.c, count_values.c --- */

/* The rows of each group, group by group, and the parameter of each step. */
struct promql_groups {
    const struct promql_node *node;
    const struct promql_matrix *input;
    size_t count;
    const struct promql_key *keys; /* labels of each group */
    size_t *starts;      /* group g has members[starts[g]] ... members[starts[g + 1] - 1] */
    uint32_t *members;   /* row numbers */
    const double *param; /* NULL: none */
};
int promql_evaluate_aggregate(struct promql_eval *eval, const struct promql_node *node,
                              struct promql_matrix *out);
/* topk, bottomk, limitk, limit_ratio */
int promql_pick_rows(struct promql_eval *eval, const struct promql_groups *groups,
                     struct promql_matrix *out);
int promql_count_values(struct promql_eval *eval, const struct promql_node *node,
                        const struct promql_matrix *input, struct promql_matrix *out);
/* Of numbers, which it sorts. */
double promql_quantile(double q, double *values, size_t count);
/* A warning when q is not between 0 and 1. */
void promql_warn_quantile(struct promql_eval *eval, const struct promql_node *node, double q);

/* --- ask.c --- */

/* As Go's %g and %v write it: 0.5, 1e+21, NaN, +Inf. */
enum { PROMQL_NUMBER_MAX = 32 };
const char *promql_number_text(double value, char text[PROMQL_NUMBER_MAX]);

#endif
