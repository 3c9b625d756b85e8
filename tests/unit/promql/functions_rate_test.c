/* SPDX-License-Identifier: Apache-2.0 */
/* How fast: extrapolation to the ends of a range, counters that restart, lines, smoothing. */
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
    fake_load(fake, 60, "c_total 0 60 120 180 240 300");
    fake_load(fake, 60, "r_total 100 160 20 80");
    fake_load(fake, 60, "zero_total 1 61 121 181");
    fake_load(fake, 60, "g 5 3 4 NaN");
    fake_load(fake, 60, "one_total 5");
    fake_load(fake, 60, "inf_total 0 Inf Inf");
    fake_load(fake, 60, "gap_total 10 20 _ _ _ 60 70");
    fake_load(fake, 60, "st_total 0 60 stale stale 120 180");
    fake_load(fake, 60, "line 1 3 5 7");
    fake_load(fake, 60, "infs Inf Inf");
    fake_load(fake, 60, "flat 3 3 3");
    fake_load(fake, 60, "hill 1 2 1");
    *state = fake;
    return 0;
}

static int tear_down(void **state)
{
    fake_fini(*state);
    busbar_free(*state);
    return 0;
}

static void rates_reach_to_the_ends_of_the_range(void **state)
{
    struct fake *fake = *state;
    fake_check(fake, "rate(c_total[5m])", 300, "{} 1@300");
    fake_check(fake, "increase(c_total[5m])", 300, "{} 300@300");
    fake_check(fake, "increase(c_total[2m])", 120, "{} 120@120");
    fake_check(fake, "increase(c_total[3m])", 90, "{} 90@90");
    fake_check(fake, "rate(one_total[5m])", 60, "");
    fake_check(fake, "rate(missing[5m])", 60, "");
    fake_check(fake, "increase(r_total[4m])", 180, "{} 186.66666666666666@180");
    fake_check(fake, "delta(r_total[4m])", 180, "{} -26.666666666666664@180");
    fake_check(fake, "increase(zero_total[10m])", 180, "{} 181@180");
    fake_check(fake, "rate(inf_total[5m])", 120, "{} inf@120");
    fake_check(fake, "increase(st_total[6m])", 300, "{} 180@300");
    fake_check(fake, "rate(g[5m])", 180,
               "{} nan@180\ninfo: PromQL info: metric might not be a counter, name does not end in "
               "_total/_sum/_count/_bucket: \"g\" (1:6)");
    fake_check_range(fake, "rate(c_total[2m])", 0, 300, 60, "{} 0.5@60 1@120 1@180 1@240 1@300");
}

static void the_last_two_samples(void **state)
{
    struct fake *fake = *state;
    fake_check(fake, "irate(c_total[5m])", 300, "{} 1@300");
    fake_check(fake, "irate(r_total[5m])", 120, "{} 0.3333333333333333@120");
    fake_check(fake, "idelta(r_total[5m])", 120, "{} -140@120");
    fake_check(fake, "idelta(g[5m])", 180, "{} nan@180");
    fake_check(fake, "irate(one_total[5m])", 60, "");
    fake_check(fake, "idelta(one_total[5m])", 60, "");
    fake_check(fake, "irate(gap_total[10m])", 360, "{} 0.16666666666666666@360");
}

static void straight_lines(void **state)
{
    struct fake *fake = *state;
    fake_check(fake, "deriv(line[5m])", 180, "{} 0.03333333333333333@180");
    fake_check(fake, "predict_linear(line[5m], 60)", 180, "{} 9@180");
    fake_check(fake, "predict_linear(line[5m] offset 1m, 0)", 240, "{} 9@240");
    fake_check(fake, "deriv(flat[5m])", 120, "{} 0@120");
    fake_check(fake, "predict_linear(flat[5m], 3600)", 120, "{} 3@120");
    fake_check(fake, "deriv(infs[5m])", 60, "{} nan@60");
    fake_check(fake, "deriv(one_total[5m])", 60, "");
    fake_check(fake, "predict_linear(one_total[5m], 1)", 60, "");
    fake_check(fake, "deriv(g[5m])", 180, "{} nan@180");
    fake_check(fake, "deriv(hill[5m])", 120, "{} 0@120");
}

static void smoothing(void **state)
{
    struct fake *fake = *state;
    fake_check(fake, "double_exponential_smoothing(line[5m], 0.5, 0.5)", 180, "{} 7@180");
    fake_check(fake, "double_exponential_smoothing(hill[5m], 0.5, 0.1)", 120, "{} 2@120");
    fake_check(fake, "double_exponential_smoothing(line[5m], 1, 0.5)", 180,
               "error: invalid smoothing factor. Expected: 0 < sf < 1, got: 1.000000");
    fake_check(fake, "double_exponential_smoothing(line[5m], 0.5, 0)", 180,
               "error: invalid trend factor. Expected: 0 < tf < 1, got: 0.000000");
    fake_check(fake, "double_exponential_smoothing(line[5m], NaN, 0.5)", 180, "{} nan@180");
    fake_check(fake, "double_exponential_smoothing(one_total[5m], 0.5, 0.5)", 60, "");
    fake_check(fake, "double_exponential_smoothing(missing[5m], 7, 7)", 60, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rates_reach_to_the_ends_of_the_range, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_last_two_samples, set_up, tear_down),
        cmocka_unit_test_setup_teardown(straight_lines, set_up, tear_down),
        cmocka_unit_test_setup_teardown(smoothing, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
