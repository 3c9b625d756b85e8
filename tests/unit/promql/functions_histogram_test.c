/* SPDX-License-Identifier: Apache-2.0 */
/* Classic histograms: quantiles and fractions, broken counts, missing buckets. */
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
    fake_load(fake, 60, "h_bucket{le=\"1\"} 10");
    fake_load(fake, 60, "h_bucket{le=\"2\"} 20");
    fake_load(fake, 60, "h_bucket{le=\"+Inf\"} 20");
    fake_load(fake, 60, "m_bucket{le=\"1\",j=\"x\"} 10");
    fake_load(fake, 60, "m_bucket{le=\"2\",j=\"x\"} 8");
    fake_load(fake, 60, "m_bucket{le=\"3\",j=\"x\"} 12");
    fake_load(fake, 60, "m_bucket{le=\"+Inf\",j=\"x\"} 12");
    fake_load(fake, 60, "neg_bucket{le=\"-1\"} 4");
    fake_load(fake, 60, "neg_bucket{le=\"0\"} 8");
    fake_load(fake, 60, "neg_bucket{le=\"+Inf\"} 8");
    fake_load(fake, 60, "open_bucket{le=\"1\"} 4");
    fake_load(fake, 60, "open_bucket{le=\"2\"} 8");
    fake_load(fake, 60, "zero_bucket{le=\"1\"} 0");
    fake_load(fake, 60, "zero_bucket{le=\"+Inf\"} 0");
    fake_load(fake, 60, "only_bucket{le=\"+Inf\"} 3");
    fake_load(fake, 60, "bad_bucket{le=\"x\"} 3");
    fake_load(fake, 60, "none 3");
    fake_load(fake, 60, "twice_bucket{le=\"1\"} 3");
    fake_load(fake, 60, "twice_bucket{le=\"1.0\"} 4");
    fake_load(fake, 60, "twice_bucket{le=\"+Inf\"} 7");
    fake_load(fake, 60, "late_bucket{le=\"1\"} 1 _ _ 4");
    fake_load(fake, 60, "late_bucket{le=\"+Inf\"} 2 _ _ 8");
    *state = fake;
    return 0;
}

static int tear_down(void **state)
{
    fake_fini(*state);
    busbar_free(*state);
    return 0;
}

static void quantiles_lie_on_lines_within_buckets(void **state)
{
    struct fake *fake = *state;
    fake_check(fake, "histogram_quantile(0.5, h_bucket)", 0, "{} 1@0");
    fake_check(fake, "histogram_quantile(0.75, h_bucket)", 0, "{} 1.5@0");
    fake_check(fake, "histogram_quantile(0, h_bucket)", 0, "{} 0@0");
    fake_check(fake, "histogram_quantile(1, h_bucket)", 0, "{} 2@0");
    fake_check(fake, "histogram_quantile(0.25, h_bucket)", 0, "{} 0.5@0");
    fake_check(fake, "histogram_quantile(0.5, neg_bucket)", 0, "{} -1@0");
    fake_check(fake, "histogram_quantile(0.75, neg_bucket)", 0, "{} -0.5@0");
    fake_check(fake, "histogram_quantile(0.9, open_bucket)", 0, "{} nan@0");
    fake_check(fake, "histogram_quantile(0.5, zero_bucket)", 0, "{} nan@0");
    fake_check(fake, "histogram_quantile(0.5, only_bucket)", 0, "{} nan@0");
    fake_check(fake, "histogram_quantile(0.5, twice_bucket)", 0, "{} 0.5@0");
    fake_check(fake, "histogram_quantile(0.5, missing)", 0, "");
    fake_check(fake, "histogram_quantile(NaN, h_bucket)", 0,
               "{} nan@0\nwarning: PromQL warning: quantile value should be between 0 and 1, got "
               "NaN (1:20)");
    fake_check(fake, "histogram_quantile(-1, h_bucket)", 0,
               "{} -inf@0\nwarning: PromQL warning: quantile value should be between 0 and 1, got "
               "-1 (1:20)");
    fake_check(fake, "histogram_quantile(1.5, h_bucket)", 0,
               "{} inf@0\nwarning: PromQL warning: quantile value should be between 0 and 1, got "
               "1.5 (1:20)");
    fake_check_range(fake, "histogram_quantile(0.25, late_bucket)", 0, 360, 180,
                     "{} 0.5@0 0.5@180 0.5@360");
    fake_check(fake, "histogram_quantile(0.5, h_bucket * 0 + 1e-20)", 0, "{} 0.5@0");
}

static void broken_buckets_are_noted(void **state)
{
    struct fake *fake = *state;
    fake_check(
        fake, "histogram_quantile(0.9, m_bucket)", 0,
        "{j=\"x\"} 2.4000000000000004@0\ninfo: PromQL info: input to histogram_quantile needed to "
        "be fixed for monotonicity: a bucket counts less than the one below it (1:25)");
    fake_check(fake, "histogram_quantile(0.5, bad_bucket)", 0,
               "\nwarning: PromQL warning: bucket label \"le\" is missing or has a malformed value "
               "of \"x\" for metric name \"bad_bucket\" (1:25)");
    fake_check(fake, "histogram_quantile(0.5, none)", 0,
               "\nwarning: PromQL warning: bucket label \"le\" is missing or has a malformed value "
               "of \"\" for metric name \"none\" (1:25)");
    fake_check(fake, "histogram_quantile(0.5, {__name__=~\"h_bucket|neg_bucket\"})", 0,
               "error: vector cannot contain metrics with the same labelset");
}

static void fractions(void **state)
{
    struct fake *fake = *state;
    fake_check(fake, "histogram_fraction(1, 2, h_bucket)", 0, "{} 0.5@0");
    fake_check(fake, "histogram_fraction(-Inf, 1, h_bucket)", 0, "{} 0.5@0");
    fake_check(fake, "histogram_fraction(1.5, Inf, h_bucket)", 0, "{} 0.25@0");
    fake_check(fake, "histogram_fraction(2, 1, h_bucket)", 0, "{} 0@0");
    fake_check(fake, "histogram_fraction(NaN, 1, h_bucket)", 0, "{} nan@0");
    fake_check(fake, "histogram_fraction(3, 4, h_bucket)", 0, "{} 0@0");
    fake_check(fake, "histogram_fraction(-0.5, 0, neg_bucket)", 0, "{} 0.25@0");
    fake_check(fake, "histogram_fraction(1, 2, open_bucket)", 0, "{} nan@0");
    fake_check(fake, "histogram_fraction(0, 1, zero_bucket)", 0, "{} nan@0");
    fake_check(fake, "histogram_fraction(0.5, 2, h_bucket)", 0, "{} nan@0");
    fake_check(fake, "histogram_fraction(1, 2, missing)", 0, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(quantiles_lie_on_lines_within_buckets, set_up, tear_down),
        cmocka_unit_test_setup_teardown(broken_buckets_are_noted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(fractions, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
