/* SPDX-License-Identifier: Apache-2.0 */
/* How fast: rate and its kin, straight lines, and smoothing.
 *
 * The samples of a range seldom lie on its ends, so rate, increase and delta go on from the first and last sample:
 * to the end of the range when it is at most 1.1 of the mean distance between samples away, else half of
 * that distance; a counter never further back than to where it was 0. */
#include <math.h>

#include "promql/functions_private.h"
#include "promql/sum.h"

static double seconds_between(int64_t from_us, int64_t to_us)
{
    return (double)(to_us - from_us) / 1e6;
}

/* --- rate, increase, delta --- */

/* What a counter gained: each fall is a restart from 0. */
static double gain(const struct promql_window *window, bool counter)
{
    double sum = window->values[window->count - 1] - window->values[0];
    for (size_t i = 1; counter && i < window->count; i++) {
        if (window->values[i] < window->values[i - 1]) {
            sum += window->values[i - 1];
        }
    }
    return sum;
}

/* By how much the gain grows when it is taken for the whole range. */
static double extrapolation(const struct promql_window *window, double gained, bool counter)
{
    size_t last = window->count - 1;
    double sampled = seconds_between(window->times_us[0], window->times_us[last]);
    double to_start = seconds_between(window->start_us, window->times_us[0]);
    double to_end = seconds_between(window->times_us[last], window->end_us);
    double mean = sampled / (double)last;
    double most = mean * 1.1;
    if (to_start >= most) {
        to_start = mean / 2;
    }
    if (counter && gained > 0 && window->values[0] >= 0) {
        double to_zero = sampled * (window->values[0] / gained);
        to_start = to_zero < to_start ? to_zero : to_start;
    }
    if (to_end >= most) {
        to_end = mean / 2;
    }
    return (sampled + to_start + to_end) / sampled;
}

static bool extrapolated(const struct promql_window *window, bool counter, bool per_second,
                         double *out)
{
    if (window->count < 2) {
        return false;
    }
    double gained = gain(window, counter);
    double factor = extrapolation(window, gained, counter);
    if (per_second) {
        factor /= seconds_between(window->start_us, window->end_us);
    }
    *out = gained * factor;
    return true;
}

bool promql_window_rate(const struct promql_window *window, double *out)
{
    return extrapolated(window, true, true, out);
}

bool promql_window_increase(const struct promql_window *window, double *out)
{
    return extrapolated(window, true, false, out);
}

bool promql_window_delta(const struct promql_window *window, double *out)
{
    return extrapolated(window, false, false, out);
}

/* --- the last two samples --- */

bool promql_window_idelta(const struct promql_window *window, double *out)
{
    size_t last = window->count - 1;
    if (last < 1) {
        return false;
    }
    *out = window->values[last] - window->values[last - 1];
    return true;
}

bool promql_window_irate(const struct promql_window *window, double *out)
{
    size_t last = window->count - 1;
    if (last < 1) {
        return false;
    }
    double now = window->values[last];
    double before = window->values[last - 1];
    double gained = now < before ? now : now - before;
    *out = gained / seconds_between(window->times_us[last - 1], window->times_us[last]);
    return true;
}

/* --- straight lines --- */

struct line {
    double slope, value; /* value: at zero_us */
};

/* Least squares. */
static struct line line_through(const struct promql_window *window, int64_t zero_us)
{
    double n = (double)window->count;
    struct promql_sum x = { 0 }, y = { 0 }, xy = { 0 }, xx = { 0 };
    bool constant = true;
    for (size_t i = 0; i < window->count; i++) {
        double at = seconds_between(zero_us, window->times_us[i]);
        double value = window->values[i];
        constant = constant && value == window->values[0];
        promql_sum_add(&x, at);
        promql_sum_add(&y, value);
        promql_sum_add(&xy, at * value);
        promql_sum_add(&xx, at * at);
    }
    if (constant) {
        double value = window->values[0];
        return isinf(value) ? (struct line){ NAN, NAN } : (struct line){ 0, value };
    }
    double sum_x = x.sum + x.rest;
    double sum_y = y.sum + y.rest;
    double slope = ((xy.sum + xy.rest) - sum_x * sum_y / n) /
                   ((xx.sum + xx.rest) - sum_x * sum_x / n);
    return (struct line){ slope, sum_y / n - slope * sum_x / n };
}

bool promql_window_deriv(const struct promql_window *window, double *out)
{
    if (window->count < 2) {
        return false;
    }
    *out = line_through(window, window->times_us[0]).slope;
    return true;
}

bool promql_window_predict_linear(const struct promql_window *window, double *out)
{
    if (window->count < 2) {
        return false;
    }
    struct line line = line_through(window, window->time_us);
    *out = line.slope * window->scalars[0] + line.value;
    return true;
}

/* --- smoothing --- */

static bool is_factor(const struct promql_window *window, const char *name, double factor)
{
    if (factor <= 0 || factor >= 1) {
        *window->error = promql_eval_fail(window->eval, BUSBAR_EINVAL,
                                          "invalid %s factor. Expected: 0 < %cf < 1, got: %f", name,
                                          name[0], factor);
        return false;
    }
    return true;
}

/* Holt's: a smoothed value and a smoothed trend. */
bool promql_window_double_exponential_smoothing(const struct promql_window *window, double *out)
{
    double share = window->scalars[0];
    double trend_share = window->scalars[1];
    if (!is_factor(window, "smoothing", share) || !is_factor(window, "trend", trend_share) ||
        window->count < 2) {
        return false;
    }
    double before = 0;
    double smooth = window->values[0];
    double trend = window->values[1] - window->values[0];
    for (size_t i = 1; i < window->count; i++) {
        if (i > 1) {
            trend = trend_share * (smooth - before) + (1 - trend_share) * trend;
        }
        before = smooth;
        smooth = share * window->values[i] + (1 - share) * (smooth + trend);
    }
    *out = smooth;
    return true;
}
