/* SPDX-License-Identifier: Apache-2.0 */
/* Subqueries: what is inside is evaluated at steps of its own, multiples of the step since 1970,
 * over all that the outer steps look back on, at once. */
#include "promql/evaluator.h"

/* The first multiple of the step after a time. */
static int64_t next_step(int64_t time_us, int64_t step_us)
{
    int64_t rest = time_us % step_us;
    rest = rest < 0 ? rest + step_us : rest;
    return promql_time_add(promql_time_sub(time_us, rest), step_us);
}

int promql_evaluate_subquery(struct promql_eval *eval, const struct promql_node *subquery,
                             struct promql_eval *inner, struct promql_matrix *out)
{
    *out = (struct promql_matrix){ 0 };
    int64_t first = promql_moment_time(eval, &subquery->moment, eval->start_us);
    int64_t last = promql_moment_time(eval, &subquery->moment,
                                      promql_step_time(eval, eval->steps - 1));
    *inner = *eval;
    inner->step_us = subquery->step_us > 0 ? subquery->step_us : PROMQL_SUBQUERY_STEP_US;
    inner->start_us = next_step(promql_time_sub(first, subquery->range_us), inner->step_us);
    inner->steps = 0;
    if (last < inner->start_us) {
        return 0;
    }
    uint64_t span = (uint64_t)last - (uint64_t)inner->start_us;
    uint64_t steps = span / (uint64_t)inner->step_us;
    if (span > INT64_MAX || steps >= eval->question->limits.samples_max) {
        return promql_count_samples(eval, SIZE_MAX);
    }
    inner->steps = (size_t)steps + 1;
    int error = promql_evaluate(inner, subquery->left, out);
    eval->samples_now = inner->samples_now;
    return error;
}
