/* SPDX-License-Identifier: Apache-2.0 */
/* Vector selectors: look-back, staleness, offset, @, and what the source is asked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "unit/promql/fake_source.h"

static void a_sample_lasts_for_the_look_back(void **state)
{
    (void)state;
    struct fake fake;
    fake_init(&fake);
    fake_load(&fake, 100, "x _ 7");
    for (int with_last = 0; with_last < 2; with_last++) {
        fake.source.last = with_last ? fake_last : NULL;
        fake_check(&fake, "x", 99.999999, "");
        fake_check(&fake, "x", 100, "x 7@100");
        fake_check(&fake, "x", 399.999999, "x 7@400");
        fake_check(&fake, "x", 400, ""); /* (t - 5m, t]: a sample of t - 5m is out */
        fake_check_range(&fake, "x", 0, 500, 50, "x 7@100 7@150 7@200 7@250 7@300 7@350");
    }
    struct promql_question question = { .text = "x",
                                        .start_us = 159999999,
                                        .lookback_us = 60000000 };
    fake_compare_answer(&fake, &question, true, "x 7@160");
    question.start_us = 160000000;
    fake_compare_answer(&fake, &question, true, "");
    fake_fini(&fake);
}

static void a_stale_marker_ends_a_series(void **state)
{
    (void)state;
    struct fake fake;
    fake_init(&fake);
    fake_load(&fake, 10, "x 1 2 stale _ 5 NaN");
    for (int with_last = 0; with_last < 2; with_last++) {
        fake.source.last = with_last ? fake_last : NULL;
        fake_check(&fake, "x", 19, "x 2@19");
        fake_check(&fake, "x", 20, "");
        fake_check(&fake, "x", 39, "");
        fake_check(&fake, "x", 40, "x 5@40");
        fake_check(&fake, "x", 50, "x nan@50"); /* NaN is a value */
        fake_check_range(&fake, "x", 0, 50, 10, "x 1@0 2@10 5@40 nan@50");
    }
    fake_fini(&fake);
}

static void moments(void **state)
{
    (void)state;
    struct fake fake;
    fake_init(&fake);
    fake_load(&fake, 60, "x 0+1x20");
    fake_check(&fake, "x offset 2m", 300, "x 3@300");
    fake_check(&fake, "x offset -2m", 300, "x 7@300");
    fake_check(&fake, "x @ 60", 600, "x 1@600");
    fake_check(&fake, "x @ 120 offset 1m", 600, "x 1@600");
    fake_check(&fake, "x offset 1m @ 120", 600, "x 1@600");
    fake_check_range(&fake, "x @ start()", 120, 240, 60, "x 2@120 2@180 2@240");
    fake_check_range(&fake, "x @ end()", 120, 240, 60, "x 4@120 4@180 4@240");
    fake_check_range(&fake, "x @ end() offset 1m", 120, 240, 60, "x 3@120 3@180 3@240");
    fake_check_range(&fake, "x - x @ start()", 120, 240, 60, "{} 0@120 1@180 2@240");
    /* inside of a subquery start() and end() are those of the query */
    fake_check_range(&fake, "sum_over_time((x @ end())[2m:1m])", 120, 240, 60,
                     "{} 8@120 8@180 8@240");
    fake_fini(&fake);
}

static void times_at_the_ends_of_time(void **state)
{
    (void)state;
    struct fake fake;
    fake_init(&fake);
    fake_load(&fake, 60, "x 1");
    static const int64_t ends[] = { INT64_MIN + 1, INT64_MIN + 2, INT64_MAX };
    for (size_t i = 0; i < 3; i++) {
        struct promql_question question = {
            .text = "x or x offset 100y or rate(x[100y]) or max_over_time(x[1h:30m])",
            .start_us = ends[i],
        };
        fake_compare_answer(&fake, &question, true, "");
    }
    fake_fini(&fake);
}

static void parts_that_do_not_change_are_read_once(void **state)
{
    (void)state;
    struct fake fake;
    fake_init(&fake);
    fake.source.last = fake_last;
    fake_load(&fake, 60, "x 0+1x100");
    fake_check_range(&fake, "sum(x @ 60 + x @ 120)", 0, 180, 60, "{} 3@0 3@60 3@120 3@180");
    assert_int_equal(fake.reads, 2);
    fake.reads = 0;
    fake_check_range(&fake, "x", 120, 180, 60, "x 2@120 3@180");
    assert_int_equal(fake.reads, 1); /* all steps at once */
    fake.reads = 0;
    fake_check_range(&fake, "x", 0, 6000, 3000, "x 0@0 50@3000 100@6000");
    assert_int_equal(fake.reads, 1);
    fake.reads = 0; /* so far apart that each step is looked up by itself */
    fake_check_range(&fake, "x", 0, 7200, 3600, "x 0@0 60@3600");
    assert_int_equal(fake.reads, 3);
    fake_fini(&fake);
}

static void matchers_choose_series(void **state)
{
    (void)state;
    struct fake fake;
    fake_init(&fake);
    fake_load(&fake, 60, "x{a=\"1\"} 1");
    fake_load(&fake, 60, "x{a=\"2\",b=\"y\"} 2");
    fake_load(&fake, 60, "z{a=\"1\"} 3");
    fake_check(&fake, "x", 0, "x{a=\"1\"} 1@0\nx{a=\"2\", b=\"y\"} 2@0");
    fake_check(&fake, "{a=\"1\"}", 0, "x{a=\"1\"} 1@0\nz{a=\"1\"} 3@0");
    fake_check(&fake, "x{b=\"\"}", 0, "x{a=\"1\"} 1@0");
    fake_check(&fake, "{__name__=~\"x|z\",b!=\"y\"}", 0, "x{a=\"1\"} 1@0\nz{a=\"1\"} 3@0");
    fake_check(&fake, "nothing", 0, "");
    fake_fini(&fake);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_sample_lasts_for_the_look_back),
    cmocka_unit_test(a_stale_marker_ends_a_series),
    cmocka_unit_test(moments),
    cmocka_unit_test(times_at_the_ends_of_time),
    cmocka_unit_test(parts_that_do_not_change_are_read_once),
    cmocka_unit_test(matchers_choose_series),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
