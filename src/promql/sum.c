/* SPDX-License-Identifier: Apache-2.0 */
/* Columns of numbers two lanes at a time. Rounding is caught by Knuth's exact sum of two, which
 * needs no branch; it knows no infinity, so what does not come out finite is the caller's to do
 * again one by one. */
#include "promql/sum.h"

#include <string.h>

typedef double pair __attribute__((vector_size(16)));

static inline pair load(const double *values)
{
    pair out;
    memcpy(&out, values, sizeof(out));
    return out;
}

/* What `total` = sum + value lost. */
static inline pair lost(pair total, pair sum, pair value)
{
    pair part = total - sum;
    return (sum - (total - part)) + (value - part);
}

bool promql_sum_all(const double *values, size_t count, struct promql_sum *sum)
{
    pair sum_a = { 0 }, sum_b = { 0 }, rest_a = { 0 }, rest_b = { 0 };
    size_t i = 0;
    for (; i + 4 <= count; i += 4) {
        pair a = load(values + i), b = load(values + i + 2);
        pair total_a = sum_a + a, total_b = sum_b + b;
        rest_a += lost(total_a, sum_a, a);
        rest_b += lost(total_b, sum_b, b);
        sum_a = total_a;
        sum_b = total_b;
    }
    pair rest = rest_a + rest_b;
    *sum = (struct promql_sum){ .sum = sum_a[0] };
    promql_sum_add(sum, sum_a[1]);
    promql_sum_add(sum, sum_b[0]);
    promql_sum_add(sum, sum_b[1]);
    for (; i < count; i++) {
        promql_sum_add(sum, values[i]);
    }
    sum->rest += rest[0] + rest[1];
    return isfinite(sum->sum) && isfinite(sum->rest);
}

bool promql_holds_odd(const double *values, size_t count)
{
    pair odd_a = { 0 }, odd_b = { 0 }; /* NaN once an infinity or NaN came by */
    size_t i = 0;
    for (; i + 4 <= count; i += 4) {
        pair a = load(values + i), b = load(values + i + 2);
        odd_a += a - a;
        odd_b += b - b;
    }
    double odd = odd_a[0] + odd_a[1] + odd_b[0] + odd_b[1];
    for (; i < count; i++) {
        odd += values[i] - values[i];
    }
    return odd != 0;
}

double promql_min_all(const double *values, size_t count)
{
    double a = (double)INFINITY, b = a, c = a, d = a;
    size_t i = 0;
    for (; i + 4 <= count; i += 4) {
        a = values[i] < a ? values[i] : a;
        b = values[i + 1] < b ? values[i + 1] : b;
        c = values[i + 2] < c ? values[i + 2] : c;
        d = values[i + 3] < d ? values[i + 3] : d;
    }
    for (; i < count; i++) {
        a = values[i] < a ? values[i] : a;
    }
    a = b < a ? b : a;
    c = d < c ? d : c;
    return c < a ? c : a;
}

double promql_max_all(const double *values, size_t count)
{
    double a = (double)-INFINITY, b = a, c = a, d = a;
    size_t i = 0;
    for (; i + 4 <= count; i += 4) {
        a = values[i] > a ? values[i] : a;
        b = values[i + 1] > b ? values[i + 1] : b;
        c = values[i + 2] > c ? values[i + 2] : c;
        d = values[i + 3] > d ? values[i + 3] : d;
    }
    for (; i < count; i++) {
        a = values[i] > a ? values[i] : a;
    }
    a = b > a ? b : a;
    c = d > c ? d : c;
    return c > a ? c : a;
}
