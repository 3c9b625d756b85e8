/* SPDX-License-Identifier: Apache-2.0 */
/* What the samples of a range come to: with NaN and infinities, across stale markers, of nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/promql/fake_source.h"

static int set_up(void **state)
{
    struct fake *fake = busbar_alloc(sizeof(*fake));
    fake_init(fake);
    fake_load(fake, 60, "g{i=\"1\"} 1 2 3 4 5");
    fake_load(fake, 60, "g{i=\"2\"} 5 NaN 3 Inf 1");
    fake_load(fake, 60, "g{i=\"3\"} _ 7 stale 8 _");
    fake_load(fake, 60, "n NaN NaN NaN");
    fake_load(fake, 60, "big 1e308 1e308 -1e308");
    fake_load(fake, 60, "one 4");
    fake_load(fake, 60, "same 3 3 3 3");
    fake_load(fake, 60, "k 5 1e100 5 -1e100");
    fake_load(fake, 60, "sw 0 0 1 1 0 NaN NaN 0");
    fake_load(fake, 60, "far -3 -1 -2");
    fake_load(fake, 60, "long 0+1x400");
    *state = fake;
    return 0;
}

static int tear_down(void **state)
{
    fake_fini(*state);
    busbar_free(*state);
    return 0;
}

static void sums_extremes_and_counts(void **state)
{
    struct fake *fake = *state;
    fake_check(fake, "count_over_time(g[5m])", 240,
               "{i=\"1\"} 5@240\n{i=\"2\"} 5@240\n{i=\"3\"} 2@240");
    fake_check(fake, "sum_over_time(g[5m])", 240,
               "{i=\"1\"} 15@240\n{i=\"2\"} nan@240\n{i=\"3\"} 15@240");
    fake_check(fake, "avg_over_time(g[5m])", 240,
               "{i=\"1\"} 3@240\n{i=\"2\"} nan@240\n{i=\"3\"} 7.5@240");
    fake_check(fake, "min_over_time(g[5m])", 240,
               "{i=\"1\"} 1@240\n{i=\"2\"} 1@240\n{i=\"3\"} 7@240");
    fake_check(fake, "max_over_time(g[5m])", 240,
               "{i=\"1\"} 5@240\n{i=\"2\"} inf@240\n{i=\"3\"} 8@240");
    fake_check(fake, "last_over_time(g[5m])", 240,
               "g{i=\"1\"} 5@240\ng{i=\"2\"} 1@240\ng{i=\"3\"} 8@240");
    fake_check(fake, "present_over_time(g[5m])", 240,
               "{i=\"1\"} 1@240\n{i=\"2\"} 1@240\n{i=\"3\"} 1@240");
    fake_check(fake, "sum_over_time(missing[5m])", 240, "");
    fake_check(fake, "sum_over_time(g[5m])", 2000, "");
    fake_check(fake, "count_over_time(g{i=\"3\"}[1m])", 120, "");
    fake_check(fake, "sum_over_time(g{i=\"1\"}[2m])", 240, "{i=\"1\"} 9@240");
}

static void sums_lose_nothing_and_do_not_overflow(void **state)
{
    struct fake *fake = *state;
    fake_check(fake, "avg_over_time(big[5m])", 120, "{} 3.333333333333333e+307@120");
    fake_check(fake, "sum_over_time(big[5m])", 120, "{} inf@120");
    fake_check(fake, "sum_over_time(k[5m])", 180, "{} 10@180");
    fake_check(fake, "avg_over_time(k[5m])", 180, "{} 2.5@180");
    fake_check(fake, "avg_over_time(n[5m])", 120, "{} nan@120");
    fake_check(fake, "min_over_time(n[5m])", 120, "{} nan@120");
    fake_check(fake, "max_over_time(far[5m])", 120, "{} -1@120");
    fake_check(fake, "min_over_time(far[5m])", 120, "{} -3@120");
}

static void spread(void **state)
{
    struct fake *fake = *state;
    fake_check(fake, "stdvar_over_time(g{i=\"1\"}[5m])", 240, "{i=\"1\"} 2@240");
    fake_check(fake, "stddev_over_time(same[5m])", 180, "{} 0@180");
    fake_check(fake, "stddev_over_time(one[5m])", 0, "{} 0@0");
    fake_check(fake, "stdvar_over_time(g{i=\"2\"}[5m])", 240, "{i=\"2\"} nan@240");
    fake_check(fake, "mad_over_time(g{i=\"1\"}[5m])", 240, "{i=\"1\"} 1@240");
    fake_check(fake, "mad_over_time(far[5m])", 120, "{} 1@120");
}

static void quantiles(void **state)
{
    struct fake *fake = *state;
    fake_check(fake, "quantile_over_time(0.5, g{i=\"1\"}[5m])", 240, "{i=\"1\"} 3@240");
    fake_check(fake, "quantile_over_time(0.25, g{i=\"3\"}[5m])", 240, "{i=\"3\"} 7.25@240");
    fake_check(fake, "quantile_over_time(0, g{i=\"2\"}[5m])", 240, "{i=\"2\"} nan@240");
    fake_check(fake, "quantile_over_time(0.6, g{i=\"2\"}[5m])", 240, "{i=\"2\"} 3.8@240");
    fake_check(fake, "quantile_over_time(2, g{i=\"1\"}[5m])", 240,
               "{i=\"1\"} inf@240\nwarning: PromQL warning: quantile value should be between 0 and "
               "1, got 2 (1:20)");
    fake_check(fake, "quantile_over_time(-1, g{i=\"1\"}[5m])", 240,
               "{i=\"1\"} -inf@240\nwarning: PromQL warning: quantile value should be between 0 "
               "and 1, got -1 (1:20)");
    fake_check(fake, "quantile_over_time(scalar(missing), g{i=\"1\"}[5m])", 240,
               "{i=\"1\"} nan@240\nwarning: PromQL warning: quantile value should be between 0 and "
               "1, got NaN (1:20)");
    fake_check(fake, "quantile_over_time(0.5, long[600m])", 24000, "{} 200@24000");
    fake_check(fake, "mad_over_time(long[600m])", 24000, "{} 100@24000");
}

static void changes_and_resets(void **state)
{
    struct fake *fake = *state;
    fake_check(fake, "changes(sw[10m])", 420, "{} 4@420");
    fake_check(fake, "changes(one[5m])", 0, "{} 0@0");
    fake_check(fake, "resets(sw[10m])", 420, "{} 1@420");
    fake_check(fake, "resets(g{i=\"1\"}[5m])", 240, "{i=\"1\"} 0@240");
    fake_check(fake, "resets(far[5m])", 120, "{} 1@120");
}

static void times_of_samples(void **state)
{
    struct fake *fake = *state;
    fake_check(fake, "ts_of_max_over_time(same[5m])", 180, "{} 180@180");
    fake_check(fake, "ts_of_min_over_time(far[5m])", 120, "{} 0@120");
    fake_check(fake, "ts_of_max_over_time(far[5m])", 120, "{} 60@120");
    fake_check(fake, "ts_of_last_over_time(g{i=\"3\"}[5m])", 240, "{i=\"3\"} 180@240");
    fake_check(fake, "ts_of_max_over_time(g{i=\"2\"}[5m])", 240, "{i=\"2\"} 180@240");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(sums_extremes_and_counts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sums_lose_nothing_and_do_not_overflow, set_up, tear_down),
        cmocka_unit_test_setup_teardown(spread, set_up, tear_down),
        cmocka_unit_test_setup_teardown(quantiles, set_up, tear_down),
        cmocka_unit_test_setup_teardown(changes_and_resets, set_up, tear_down),
        cmocka_unit_test_setup_teardown(times_of_samples, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
