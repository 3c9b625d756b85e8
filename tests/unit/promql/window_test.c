/* SPDX-License-Identifier: Apache-2.0 */
/* Range windows: their edges, stale markers inside, what the source sums up, subqueries; and
 * random windows against a naive twin. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/hash.h"
#include "unit/promql/fake_source.h"

static void windows_are_open_on_the_left(void **state)
{
    (void)state;
    struct fake fake;
    fake_init(&fake);
    fake_load(&fake, 10, "x 0+1x20");
    for (int sums = 0; sums < 2; sums++) {
        fake.source.windows = sums ? fake_windows : NULL;
        fake_check(&fake, "count_over_time(x[30s])", 100, "{} 3@100"); /* 80 90 100, not 70 */
        fake_check(&fake, "sum_over_time(x[30s])", 100, "{} 27@100");
        fake_check(&fake, "sum_over_time(x[30s] offset 10s)", 100, "{} 24@100");
        fake_check(&fake, "sum_over_time(x[30s] @ 50)", 100, "{} 12@100");
        fake_check(&fake, "last_over_time(x[30s])", 109, "x 10@109");
        fake_check(&fake, "present_over_time(x[30s])", 109, "{} 1@109");
        fake_check_range(&fake, "max_over_time(x[20s])", 0, 240, 60, "{} 0@0 6@60 12@120 18@180");
        fake_check_range(&fake, "avg_over_time(x[1m])", 60, 120, 30, "{} 3.5@60 6.5@90 9.5@120");
    }
    fake_fini(&fake);
}

static void stale_markers_are_left_out(void **state)
{
    (void)state;
    struct fake fake;
    fake_init(&fake);
    fake_load(&fake, 10, "x 1 stale 3 NaN 5 stale stale 8");
    fake_load(&fake, 10, "y stale stale");
    for (int sums = 0; sums < 2; sums++) {
        fake.source.windows = sums ? fake_windows : NULL;
        fake_check(&fake, "count_over_time({__name__=~\"x|y\"}[80s])", 70, "{} 5@70");
        fake_check(&fake, "max_over_time(x[80s])", 70, "{} 8@70");
        fake_check(&fake, "min_over_time(x[80s])", 70, "{} 1@70");
        fake_check(&fake, "sum_over_time(x[80s])", 70, "{} nan@70");
        fake_check(&fake, "sum_over_time(x[30s])", 70, "{} 8@70");
        fake_check(&fake, "sum_over_time(x[20s])", 60, "");
    }
    fake_check(&fake, "x[80s]", 70, "x 1@0 3@20 nan@30 5@40 8@70");
    fake_check(&fake, "y[80s]", 70, "");
    fake_fini(&fake);
}

static void sums_that_overflow_are_looked_at_again(void **state)
{
    (void)state;
    struct fake fake;
    fake_init(&fake);
    fake.source.windows = fake_windows;
    fake_load(&fake, 10, "x 1e308 1e308 1e308 1e308");
    fake_check(&fake, "avg_over_time(x[1m])", 30, "{} 1e+308@30");
    fake_check(&fake, "sum_over_time(x[1m])", 30, "{} inf@30");
    fake_load(&fake, 10, "y 1 1e100 1 -1e100");
    fake.source.windows = NULL;
    fake_check(&fake, "sum_over_time(y[1m])", 30, "{} 2@30");
    fake_fini(&fake);
}

static int refuse_windows(void *ctx, uint64_t series, int64_t first_end_us, int64_t step_us,
                          int64_t width_us, size_t count, struct history_window *windows)
{
    struct fake *fake = ctx;
    (void)series, (void)first_end_us, (void)step_us, (void)width_us, (void)count, (void)windows;
    fake->damaged++; /* counts the calls */
    return BUSBAR_EUNSUPPORTED;
}

static void a_source_that_refuses_is_not_asked_for_ever(void **state)
{
    (void)state;
    struct fake fake;
    fake_init(&fake);
    fake.source.windows = refuse_windows;
    char line[32];
    for (int i = 0; i < 20; i++) {
        (void)snprintf(line, sizeof(line), "x{i=\"%d\"} 1 2 3", i);
        fake_load(&fake, 10, line);
    }
    fake_check(&fake, "count(sum_over_time(x[1m]) == 6)", 20, "{} 20@20");
    assert_int_equal(fake.damaged, 3);
    fake_fini(&fake);
}

static void subqueries_have_steps_of_their_own(void **state)
{
    (void)state;
    struct fake fake;
    fake_init(&fake);
    fake_load(&fake, 10, "x 0+1x100");
    fake_check(&fake, "x[50s:20s]", 105, "x 6@60 8@80 10@100"); /* multiples of 20 s after 55 */
    fake_check(&fake, "x[50s:20s]", 110, "x 8@80 10@100");      /* 60 is out */
    fake_check(&fake, "x[3m:]", 205, "x 6@60 12@120 18@180");   /* a minute when none is said */
    fake_check(&fake, "x[50s:20s] offset 30s", 135, "x 6@60 8@80 10@100");
    fake_check(&fake, "x[50s:20s] @ 105", 500, "x 6@60 8@80 10@100");
    fake_check(&fake, "x[10s:1m]", 50, "");
    fake_check(&fake, "sum_over_time(x[50s:20s])", 105, "{} 24@105");
    fake_check(&fake, "sum_over_time((x > 6)[50s:20s])", 105, "{} 18@105");
    fake_check(&fake, "max_over_time(sum_over_time(x[20s])[1m:30s])", 120, "{} 23@120");
    fake_check_range(&fake, "sum_over_time(x[40s:20s])", 100, 140, 20, "{} 18@100 22@120 26@140");
    fake_check(&fake, "sum_over_time(vector(2)[1m:10s])", 0, "{} 12@0");
    fake_check(&fake, "time()[1m:30s]", 15,
               "error: subquery is only allowed on instant vector, "
               "got scalar instead");
    fake_fini(&fake);
}

static void rate_of_what_is_no_counter_is_noted(void **state)
{
    (void)state;
    struct fake fake;
    fake_init(&fake);
    fake_load(&fake, 10, "x{a=\"1\"} 0+1x10");
    fake_load(&fake, 10, "x{a=\"2\"} 0+1x10");
    fake_load(&fake, 10, "x_total 0+10x10");
    fake_check(&fake, "sum(rate(x[1m]))", 100,
               "{} 0.2@100\ninfo: PromQL info: metric might not be a counter, name does not end in "
               "_total/_sum/_count/_bucket: \"x\" (1:10)");
    fake_check(&fake, "rate(x_total[1m])", 100, "{} 1@100");
    fake_fini(&fake);
}

/* --- random --- */

static void count_and_sum(const struct fake_series *series, int64_t start_us, int64_t end_us,
                          double *count, double *sum)
{
    *count = 0;
    *sum = 0;
    for (size_t i = 0; i < series->count; i++) {
        if (series->times_us[i] > start_us && series->times_us[i] <= end_us &&
            !history_is_stale(series->values[i])) {
            (*count)++;
            *sum += series->values[i];
        }
    }
}

static void check_random(struct fake *fake, const char *text, const struct promql_question *asked,
                         int64_t width_us, bool sums)
{
    struct promql_question question = *asked;
    question.text = text;
    struct promql_result result;
    assert_int_equal(promql_ask(&fake->source, &question, &result, NULL), 0);
    const struct promql_series *series = result.count > 0 ? result.series : NULL;
    size_t at = 0;
    for (int64_t t = question.start_us; t <= question.end_us; t += question.step_us) {
        double count, sum;
        count_and_sum(&fake->series[0], t - width_us, t, &count, &sum);
        if (count > 0) {
            assert_true(series != NULL && at < series->count);
            assert_int_equal(series->points[at].time_us, t);
            assert_true(series->points[at].value == (sums ? sum : count));
            at++;
        }
    }
    assert_int_equal(at, series != NULL ? series->count : 0);
    promql_result_free(&result);
}

static void random_windows_are_those_of_a_naive_twin(void **state)
{
    (void)state;
    uint64_t seed = 11;
    for (int run = 0; run < 400; run++) {
        struct fake fake;
        fake_init(&fake);
        struct fake_series *series = fake_add(&fake, "x", 1);
        int64_t t = 0;
        size_t count = hash_random(&seed) % 200;
        for (size_t i = 0; i < count; i++) {
            t += 1 + (int64_t)(hash_random(&seed) % (run % 3 == 0 ? 100000000 : 11000000));
            bool stale = hash_random(&seed) % 16 == 0;
            fake_append(series, t, stale ? history_stale() : (double)(hash_random(&seed) % 1000));
        }
        int64_t width_s = 1 + (int64_t)(hash_random(&seed) % 300);
        struct promql_question question = {
            .start_us = (int64_t)(hash_random(&seed) % 300000000),
            .step_us = 1 + (int64_t)(hash_random(&seed) % 200000000),
        };
        question.end_us = question.start_us + question.step_us * (int64_t)(hash_random(&seed) % 60);
        fake.source.windows = run % 2 ? fake_windows : NULL;
        char text[64];
        (void)snprintf(text, sizeof(text), "count_over_time(x[%llds])", (long long)width_s);
        check_random(&fake, text, &question, width_s * 1000000, false);
        (void)snprintf(text, sizeof(text), "sum_over_time(x[%llds])", (long long)width_s);
        check_random(&fake, text, &question, width_s * 1000000, true);
        fake_fini(&fake);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(windows_are_open_on_the_left),
    cmocka_unit_test(stale_markers_are_left_out),
    cmocka_unit_test(sums_that_overflow_are_looked_at_again),
    cmocka_unit_test(a_source_that_refuses_is_not_asked_for_ever),
    cmocka_unit_test(subqueries_have_steps_of_their_own),
    cmocka_unit_test(rate_of_what_is_no_counter_is_noted),
    cmocka_unit_test(random_windows_are_those_of_a_naive_twin),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
