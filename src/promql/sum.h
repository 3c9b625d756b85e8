/* SPDX-License-Identifier: Apache-2.0 */
/* Sums with a compensation for rounding (Kahan's, Neumaier's form), as Prometheus adds. Private to
 * promql/. */
#ifndef BUSBAR_PROMQL_SUM_H
#define BUSBAR_PROMQL_SUM_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>

struct promql_sum {
    double sum, rest; /* the sum is sum + rest */
};

static inline void promql_sum_add(struct promql_sum *sum, double value)
{
    double next = sum->sum + value;
    if (isinf(next)) {
        sum->rest = 0;
    } else if (fabs(sum->sum) >= fabs(value)) {
        sum->rest += (sum->sum - next) + value;
    } else {
        sum->rest += (value - next) + sum->sum;
    }
    sum->sum = next;
}

/* All of a column at once. False: it does not come out finite, add one by one. */
bool promql_sum_all(const double *values, size_t count, struct promql_sum *sum);

/* A NaN (a stale marker too) or an infinity is among them. */
bool promql_holds_odd(const double *values, size_t count);

/* The least and the greatest of those that are numbers; an infinity when there is none. */
double promql_min_all(const double *values, size_t count);
double promql_max_all(const double *values, size_t count);

#endif
