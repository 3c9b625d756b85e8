/* SPDX-License-Identifier: Apache-2.0 */
/* Columns of numbers against one number at a time, for every length around the lanes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/hash.h"
#include "history/reader.h"
#include "promql/sum.h"

enum { LENGTH_MAX = 21 };

static void sums_lose_nothing(void **state)
{
    (void)state;
    uint64_t seed = 3;
    for (size_t count = 0; count < LENGTH_MAX; count++) {
        for (int run = 0; run < 200; run++) {
            double values[LENGTH_MAX];
            long double expected = 0;
            for (size_t i = 0; i < count; i++) {
                int64_t whole = (int64_t)(hash_random(&seed) >> 20) - (INT64_C(1) << 43);
                values[i] = ldexp((double)whole, (int)(hash_random(&seed) % 8) * 2 - 8);
                expected += (long double)values[i];
            }
            struct promql_sum sum;
            assert_true(promql_sum_all(values, count, &sum));
            assert_true((long double)sum.sum + (long double)sum.rest == expected);
            assert_false(promql_holds_odd(values, count));
        }
    }
    struct promql_sum sum;
    assert_true(promql_sum_all((double[]){ 1, 1e100, 1, -1e100, 5 }, 5, &sum));
    assert_true(sum.sum + sum.rest == 7);
}

static void what_is_not_finite_is_said(void **state)
{
    (void)state;
    const double odd[] = { (double)NAN, (double)INFINITY, (double)-INFINITY, history_stale() };
    for (size_t kind = 0; kind < 4; kind++) {
        for (size_t count = 1; count < LENGTH_MAX; count++) {
            for (size_t at = 0; at < count; at++) {
                double values[LENGTH_MAX] = { 0 };
                values[at] = odd[kind];
                struct promql_sum sum;
                assert_false(promql_sum_all(values, count, &sum));
                assert_true(promql_holds_odd(values, count));
            }
        }
    }
    struct promql_sum sum;
    assert_false(promql_sum_all((double[]){ 1e308, 1e308, 1e308, 1e308, 1e308 }, 5, &sum));
}

static void extremes_pass_over_nan(void **state)
{
    (void)state;
    uint64_t seed = 9;
    for (size_t count = 0; count < LENGTH_MAX; count++) {
        for (int run = 0; run < 200; run++) {
            double values[LENGTH_MAX];
            double least = (double)INFINITY, most = (double)-INFINITY;
            for (size_t i = 0; i < count; i++) {
                values[i] = hash_random(&seed) % 5 == 0 ? (double)NAN
                                                        : (double)(hash_random(&seed) % 100) - 50;
                least = fmin(least, values[i]);
                most = fmax(most, values[i]);
            }
            assert_true(promql_min_all(values, count) == least);
            assert_true(promql_max_all(values, count) == most);
        }
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(sums_lose_nothing),
    cmocka_unit_test(what_is_not_finite_is_said),
    cmocka_unit_test(extremes_pass_over_nan),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
