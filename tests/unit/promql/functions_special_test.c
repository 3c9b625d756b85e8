/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers, times, what is not there, and order. */
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
    fake_load(fake, 60, "a{i=\"1\"} 1 2 3");
    fake_load(fake, 60, "a{i=\"2\"} 3 NaN 1");
    fake_load(fake, 60, "a{i=\"3\"} 2 1 _ 7");
    fake_load(fake, 60, "b 5");
    fake_load(fake, 60, "late 1 _ stale");
    *state = fake;
    return 0;
}

static int tear_down(void **state)
{
    fake_fini(*state);
    busbar_free(*state);
    return 0;
}

static void numbers_and_vectors(void **state)
{
    struct fake *fake = *state;
    fake_check(fake, "time()", 61.5, "scalar 61.5@61.5");
    fake_check_range(fake, "time()", 0, 120, 60, "{} 0@0 60@60 120@120");
    fake_check(fake, "vector(time())", 60, "{} 60@60");
    fake_check(fake, "scalar(b)", 60, "scalar 5@60");
    fake_check(fake, "scalar(a)", 60, "scalar nan@60");
    fake_check(fake, "scalar(missing)", 60, "scalar nan@60");
    fake_check_range(fake, "scalar(a{i=\"3\"})", 0, 420, 210, "{} 2@0 7@210 7@420");
    fake_check(fake, "scalar(a{i=\"2\"})", 60, "scalar nan@60");
}

static void times_of_samples_and_of_steps(void **state)
{
    struct fake *fake = *state;
    fake_check(fake, "timestamp(a)", 170, "{i=\"1\"} 120@170\n{i=\"2\"} 120@170\n{i=\"3\"} 60@170");
    fake_check(fake, "timestamp((b))", 100, "{} 0@100");
    fake_check(fake, "timestamp(b offset 1m)", 100, "{} 0@100");
    fake_check(fake, "timestamp(b @ 30)", 100, "{} 0@100");
    fake_check(fake, "timestamp(b + 0)", 100, "{} 100@100");
    fake_check(fake, "timestamp(late)", 130, "");
    fake_check(fake, "timestamp(missing)", 100, "");
    fake_check_range(fake, "timestamp(b)", 0, 600, 150, "{} 0@0 0@150");
}

static void what_is_not_there_has_the_labels_asked_for(void **state)
{
    struct fake *fake = *state;
    fake_check(fake, "absent(missing)", 60, "{} 1@60");
    fake_check(fake, "absent(a)", 60, "");
    fake_check(fake, "absent(missing{x=\"1\",y!=\"2\",z=~\"3\",__name__=\"missing\"})", 60,
               "error: metric name must not be set twice: \"missing\" or \"missing\"");
    fake_check(fake, "absent(missing{x=\"1\",y!=\"2\",z=~\"3\"})", 60, "{x=\"1\"} 1@60");
    fake_check(fake, "absent(missing{x=\"1\",x=\"2\",w=\"3\"})", 60, "{w=\"3\"} 1@60");
    fake_check(fake, "absent((missing{x=\"1\"}))", 60, "{} 1@60");
    fake_check(fake, "absent(sum(missing{x=\"1\"}))", 60, "{} 1@60");
    fake_check_range(fake, "absent(late{})", 0, 240, 60, "{} 1@120 1@180 1@240");
    fake_check(fake, "absent_over_time(missing{x=\"1\"}[5m])", 60, "{x=\"1\"} 1@60");
    fake_check(fake, "absent_over_time((missing{x=\"1\"}[5m]))", 60, "{x=\"1\"} 1@60");
    fake_check(fake, "absent_over_time(missing{x=\"1\"}[5m:1m])", 60, "{} 1@60");
    fake_check(fake, "absent_over_time(a[5m])", 60, "");
    fake_check_range(fake, "absent_over_time(b[1m])", 0, 120, 30, "{} 1@60 1@90 1@120");
}

static void sorted_answers_keep_their_order(void **state)
{
    struct fake *fake = *state;
    fake_check_order(fake, "sort(a)", 60, "a{i=\"3\"} 1@60\na{i=\"1\"} 2@60\na{i=\"2\"} nan@60");
    fake_check_order(fake, "sort_desc(a)", 60,
                     "a{i=\"1\"} 2@60\na{i=\"3\"} 1@60\na{i=\"2\"} nan@60");
    fake_check_order(fake, "sort_desc(a)", 0, "a{i=\"2\"} 3@0\na{i=\"3\"} 2@0\na{i=\"1\"} 1@0");
    fake_check_order(fake, "sort(missing)", 0, "");
    fake_check_range(fake, "sort_desc(a{i!=\"2\"})", 0, 60, 60,
                     "a{i=\"1\"} 1@0 2@60\na{i=\"3\"} 2@0 1@60");
}

static void there_are_no_native_histograms(void **state)
{
    struct fake *fake = *state;
    fake_check(fake, "histogram_count(a)", 60, "");
    fake_check(fake, "histogram_sum(a)", 60, "");
    fake_check(fake, "histogram_avg(a)", 60, "");
    fake_check(fake, "histogram_stddev(a)", 60, "");
    fake_check(fake, "histogram_stdvar(a)", 60, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(numbers_and_vectors, set_up, tear_down),
        cmocka_unit_test_setup_teardown(times_of_samples_and_of_steps, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_not_there_has_the_labels_asked_for, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(sorted_answers_keep_their_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(there_are_no_native_histograms, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
