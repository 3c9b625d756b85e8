/* SPDX-License-Identifier: Apache-2.0 */
/* What the samples of a range come to: sums, extremes, spread, quantiles, counts, times. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "promql/evaluator.h"
#include "promql/functions_private.h"
#include "promql/sum.h"

enum { SCRATCH = 256 }; /* samples that are sorted without taking memory */

/* --- sums --- */

bool promql_window_count_over_time(const struct promql_window *window, double *out)
{
    *out = (double)window->count;
    return true;
}

bool promql_window_sum_over_time(const struct promql_window *window, double *out)
{
    struct promql_sum sum;
    if (!promql_sum_all(window->values, window->count, &sum)) {
        sum = (struct promql_sum){ 0 };
        for (size_t i = 0; i < window->count; i++) {
            promql_sum_add(&sum, window->values[i]);
        }
    }
    *out = isinf(sum.sum) ? sum.sum : sum.sum + sum.rest;
    return true;
}

/* The mean of the first sum.count values goes on without their sum, which would be too big. */
static double mean_from(const struct promql_window *window, struct promql_sum sum, size_t first)
{
    struct promql_sum mean = { .sum = sum.sum / (double)first, .rest = sum.rest / (double)first };
    for (size_t i = first; i < window->count; i++) {
        double count = (double)i + 1;
        double share = (count - 1) / count;
        mean.sum *= share;
        mean.rest *= share;
        promql_sum_add(&mean, window->values[i] / count);
    }
    return mean.sum + mean.rest;
}

bool promql_window_avg_over_time(const struct promql_window *window, double *out)
{
    struct promql_sum sum;
    double count = (double)window->count;
    if (promql_sum_all(window->values, window->count, &sum)) {
        *out = sum.sum / count + sum.rest / count;
        return true;
    }
    sum = (struct promql_sum){ .sum = window->values[0] };
    for (size_t i = 1; i < window->count; i++) {
        struct promql_sum next = sum;
        promql_sum_add(&next, window->values[i]);
        if (isinf(next.sum)) {
            *out = mean_from(window, sum, i);
            return true;
        }
        sum = next;
    }
    *out = sum.sum / count + sum.rest / count;
    return true;
}

static double variance(const struct promql_window *window)
{
    struct promql_sum mean = { 0 };
    struct promql_sum squares = { 0 };
    for (size_t i = 0; i < window->count; i++) {
        double delta = window->values[i] - (mean.sum + mean.rest);
        promql_sum_add(&mean, delta / ((double)i + 1));
        promql_sum_add(&squares, delta * (window->values[i] - (mean.sum + mean.rest)));
    }
    return (squares.sum + squares.rest) / (double)window->count;
}

bool promql_window_stdvar_over_time(const struct promql_window *window, double *out)
{
    *out = variance(window);
    return true;
}

bool promql_window_stddev_over_time(const struct promql_window *window, double *out)
{
    *out = sqrt(variance(window));
    return true;
}

/* --- extremes --- */

/* NaN gives way to any number. Of equal ones the first, or the last. */
static size_t place_of_max(const struct promql_window *window, double sign, bool last)
{
    size_t place = 0;
    for (size_t i = 1; i < window->count; i++) {
        double value = sign * window->values[i];
        double most = sign * window->values[place];
        if (value > most || isnan(most) || (last && value == most)) {
            place = i;
        }
    }
    return place;
}

bool promql_window_max_over_time(const struct promql_window *window, double *out)
{
    *out = promql_max_all(window->values, window->count);
    if (isinf(*out)) { /* or nothing but NaN */
        *out = window->values[place_of_max(window, 1, false)];
    }
    return true;
}

bool promql_window_min_over_time(const struct promql_window *window, double *out)
{
    *out = promql_min_all(window->values, window->count);
    if (isinf(*out)) { /* or nothing but NaN */
        *out = window->values[place_of_max(window, -1, false)];
    }
    return true;
}

static double seconds_at(const struct promql_window *window, size_t place)
{
    return (double)window->times_us[place] / 1e6;
}

bool promql_window_ts_of_max_over_time(const struct promql_window *window, double *out)
{
    *out = seconds_at(window, place_of_max(window, 1, true));
    return true;
}

bool promql_window_ts_of_min_over_time(const struct promql_window *window, double *out)
{
    *out = seconds_at(window, place_of_max(window, -1, true));
    return true;
}

bool promql_window_ts_of_last_over_time(const struct promql_window *window, double *out)
{
    *out = seconds_at(window, window->count - 1);
    return true;
}

bool promql_window_last_over_time(const struct promql_window *window, double *out)
{
    *out = window->values[window->count - 1];
    return true;
}

bool promql_window_present_over_time(const struct promql_window *window, double *out)
{
    (void)window;
    *out = 1;
    return true;
}

/* --- quantiles --- */

/* A copy to sort; `scratch` when it fits there. NULL: *window->error is set. */
static double *copy_values(const struct promql_window *window, double scratch[SCRATCH])
{
    double *copy = window->count <= SCRATCH
                       ? scratch
                       : busbar_try_alloc(window->count * sizeof(*window->values));
    if (copy == NULL) {
        *window->error = promql_eval_no_memory(window->eval);
        return NULL;
    }
    memcpy(copy, window->values, window->count * sizeof(*copy));
    return copy;
}

bool promql_window_quantile_over_time(const struct promql_window *window, double *out)
{
    double scratch[SCRATCH];
    double q = window->scalars[0];
    promql_warn_quantile(window->eval, window->call->args[0], q);
    double *values = copy_values(window, scratch);
    if (values == NULL) {
        return false;
    }
    *out = promql_quantile(q, values, window->count);
    if (values != scratch) {
        busbar_free(values);
    }
    return true;
}

/* The median of how far each is from the median. */
bool promql_window_mad_over_time(const struct promql_window *window, double *out)
{
    double scratch[SCRATCH];
    double *values = copy_values(window, scratch);
    if (values == NULL) {
        return false;
    }
    double median = promql_quantile(0.5, values, window->count);
    for (size_t i = 0; i < window->count; i++) {
        values[i] = fabs(window->values[i] - median);
    }
    *out = promql_quantile(0.5, values, window->count);
    if (values != scratch) {
        busbar_free(values);
    }
    return true;
}

/* --- counts --- */

bool promql_window_changes(const struct promql_window *window, double *out)
{
    size_t changes = 0;
    for (size_t i = 1; i < window->count; i++) {
        double before = window->values[i - 1];
        double now = window->values[i];
        changes += now != before && !(isnan(now) && isnan(before));
    }
    *out = (double)changes;
    return true;
}

bool promql_window_resets(const struct promql_window *window, double *out)
{
    size_t resets = 0;
    for (size_t i = 1; i < window->count; i++) {
        resets += window->values[i] < window->values[i - 1];
    }
    *out = (double)resets;
    return true;
}
