/* SPDX-License-Identifier: Apache-2.0 */
/* Sums with a compensation for rounding (Kahan's, Neumaier's form), as Prometheus adds. Private to promql/. */
#ifndef BUSBAR_PROMQL_SUM_H
#define BUSBAR_PROMQL_SUM_H

#include <math.h>

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

#endif
