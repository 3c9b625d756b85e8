/* SPDX-License-Identifier: Apache-2.0 */
/* A question as a whole: types, limits, time, cancel, notes, every failing allocation, and random
 * expressions that must not crash. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/hash.h"
#include "unit/promql/fake_source.h"

static void fill(struct fake *fake, int series, int samples)
{
    fake_init(fake);
    char line[96];
    for (int i = 0; i < series; i++) {
        (void)snprintf(line, sizeof(line), "x{i=\"%d\",g=\"%d\"} %d+1x%d", i, i % 3, i,
                       samples - 1);
        fake_load(fake, 10, line);
    }
}

static void types(void **state)
{
    (void)state;
    struct fake fake;
    fill(&fake, 1, 10);
    static const struct {
        const char *text;
        enum promql_type instant, range; /* PROMQL_NONE: refused */
    } rows[] = {
        { "1", PROMQL_SCALAR, PROMQL_MATRIX },    { "x", PROMQL_VECTOR, PROMQL_MATRIX },
        { "\"a\"", PROMQL_STRING, PROMQL_NONE },  { "x[1m]", PROMQL_MATRIX, PROMQL_NONE },
        { "x[1m:]", PROMQL_MATRIX, PROMQL_NONE }, { "(x[1m])", PROMQL_MATRIX, PROMQL_NONE },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct promql_result result;
        struct err err = { 0 };
        struct promql_question question = { .text = rows[i].text, .start_us = 50000000 };
        assert_int_equal(promql_ask(&fake.source, &question, &result, &err), 0);
        assert_int_equal(result.type, rows[i].instant);
        promql_result_free(&result);
        question.step_us = 10000000;
        question.end_us = 60000000;
        int error = promql_ask(&fake.source, &question, &result, &err);
        if (rows[i].range == PROMQL_NONE) {
            assert_int_equal(error, BUSBAR_ESYNTAX);
            assert_non_null(
                strstr(err.message, "for range query, must be Scalar or instant Vector"));
        } else {
            assert_int_equal(error, 0);
            assert_int_equal(result.type, rows[i].range);
        }
        promql_result_free(&result);
    }
    assert_string_equal(promql_type_word(PROMQL_MATRIX), "matrix");
    fake_fini(&fake);
}

static void wrong_questions(void **state)
{
    (void)state;
    struct fake fake;
    fill(&fake, 1, 10);
    struct promql_result result;
    struct err err = { 0 };
    struct promql_question question = { .text = "x +", .start_us = 0 };
    assert_int_equal(promql_ask(&fake.source, &question, &result, &err), BUSBAR_ESYNTAX);
    question = (struct promql_question){ .text = "x", .start_us = 10, .end_us = 5, .step_us = 1 };
    assert_int_equal(promql_ask(&fake.source, &question, &result, &err), BUSBAR_EINVAL);
    assert_string_equal(err.message, "the end of a query is before its start");
    question.step_us = -1;
    assert_int_equal(promql_ask(&fake.source, &question, &result, &err), BUSBAR_EINVAL);
    assert_string_equal(err.message, "the step of a query must be above zero");
    assert_int_equal(promql_ask(&fake.source, &question, &result, NULL), BUSBAR_EINVAL);
    question = (struct promql_question){
        .text = "x", .start_us = INT64_MIN / 2 - 9, .end_us = INT64_MAX, .step_us = INT64_MAX
    };
    assert_int_equal(promql_ask(&fake.source, &question, &result, &err), BUSBAR_EINVAL);
    assert_string_equal(err.message, "the end of a query is too far from its start");
    fake_fini(&fake);
}

/* --- limits --- */

static int ask_limited(struct fake *fake, const char *text, const struct promql_limits *limits,
                       struct err *err)
{
    struct promql_question question = {
        .text = text, .end_us = 1000000000, .step_us = 10000000, .limits = *limits
    };
    struct promql_result result;
    int error = promql_ask(&fake->source, &question, &result, err);
    promql_result_free(&result);
    return error;
}

static void limits(void **state)
{
    (void)state;
    struct fake fake;
    fill(&fake, 100, 200);
    static const struct {
        const char *text;
        struct promql_limits limits;
        const char *message; /* NULL: works */
    } rows[] = {
        { "x", { .series_max = 100 }, NULL },
        { "x", { .series_max = 99 }, "a selector of the query matches more than 99 series" },
        { "rate(x[1m])",
          { .series_max = 9 },
          "a selector of the query matches more than 9 series" },
        { "x", { .points_max = 101 }, NULL },
        { "x", { .points_max = 100 }, "the query has more than 100 points per series" },
        { "sum(x)", { .samples_max = 10500 }, NULL },
        { "sum(x)",
          { .samples_max = 10000 },
          "the query would hold more than 10000 samples in "
          "memory" },
        { "rate(x[5m])",
          { .samples_max = 50 },
          "the query would hold more than 50 samples in "
          "memory" },
        { "sum_over_time(vector(1)[1y:1s])",
          { .samples_max = 5000 },
          "the query would hold more than 5000 samples in memory" },
        { "1", { .samples_max = 50 }, "the query would hold more than 50 samples in memory" },
        { "sum(x)", { .bytes_max = 1 << 20 }, NULL },
        { "x + on(i, g) (x * 2)",
          { .bytes_max = 128 << 10 },
          "the query would take more than 0 MiB" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct err err = { 0 };
        int error = ask_limited(&fake, rows[i].text, &rows[i].limits, &err);
        if (rows[i].message == NULL) {
            assert_int_equal(error, 0);
            continue;
        }
        assert_int_equal(error, BUSBAR_ELIMIT);
        assert_string_equal(err.message, rows[i].message);
        assert_non_null(strstr(err.hint, "raise the limit on"));
    }
    fake_fini(&fake);
}

static void a_question_ends_in_time(void **state)
{
    (void)state;
    struct fake fake;
    fill(&fake, 10, 100);
    clock_fake_set(1000, 1000);
    struct promql_question question = { .text = "x",
                                        .start_us = 50000000,
                                        .limits = { .timeout_us = 2500000 } };
    struct promql_result result;
    struct err err = { 0 };
    assert_int_equal(promql_ask(&fake.source, &question, &result, &err), 0);
    promql_result_free(&result);
    clock_fake_off();
    question.limits.timeout_us = 1;
    question.text = "sum(sum_over_time(x[1m:1s])) + sum(sum_over_time(x[1m:1s]))";
    assert_int_equal(promql_ask(&fake.source, &question, &result, &err), BUSBAR_ETIMEOUT);
    assert_string_equal(err.message, "the query took longer than 1e-06 s");
    fake_fini(&fake);
}

static void a_question_is_dropped_when_its_asker_is_gone(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "sum(x)", "rate(x[1m])", "x[1m]", "topk(3, x)", "max_over_time(x[1m:10s])", "x + x"
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct fake fake;
        fill(&fake, 200, 20);
        fake.cancel_after = 20;
        struct promql_question question = { .text = texts[i],
                                            .start_us = 100000000,
                                            .cancel = &fake.cancel };
        struct promql_result result;
        struct err err = { 0 };
        assert_int_equal(promql_ask(&fake.source, &question, &result, &err), BUSBAR_ECANCELED);
        assert_string_equal(err.message, "the query was canceled");
        assert_true(fake.reads < 100); /* soon after */
        fake_fini(&fake);
    }
}

/* Long work over one series, with nothing read on the way. */
static void long_work_on_one_series_ends_in_time(void **state)
{
    (void)state;
    struct fake fake;
    fill(&fake, 1, 4000);
    struct promql_question question = {
        .text = "quantile_over_time(0.5, x[10h])",
        .end_us = 40000000000,
        .step_us = 4000000,
        .limits = { .timeout_us = 100000 },
    };
    struct promql_result result;
    int64_t begin = clock_mono_us();
    assert_int_equal(promql_ask(&fake.source, &question, &result, NULL), BUSBAR_ETIMEOUT);
    assert_true(clock_mono_us() - begin < 5000000);
    fake_fini(&fake);
}

static void damage_is_a_warning(void **state)
{
    (void)state;
    struct fake fake;
    fill(&fake, 1, 2);
    fake.source.damaged = fake_damaged;
    fake_check(&fake, "x", 0, "x{g=\"0\", i=\"0\"} 0@0");
    fake.damaged = 3;
    fake_check(&fake, "x", 0,
               "x{g=\"0\", i=\"0\"} 0@0\nwarning: 3 pieces of the history are damaged and missing "
               "here: see `busbar history verify`");
    fake_fini(&fake);
}

static int broken_numbers(void *ctx, uint64_t series, int64_t from_us, int64_t to_us, size_t max,
                          const int64_t **times_us, const double **values, size_t *count)
{
    (void)ctx, (void)series, (void)from_us, (void)to_us, (void)max;
    *times_us = NULL;
    *values = NULL;
    *count = 0;
    return BUSBAR_EIO;
}

static void a_source_that_fails_ends_it(void **state)
{
    (void)state;
    struct fake fake;
    fill(&fake, 3, 2);
    fake.source.numbers = broken_numbers;
    static const char *const texts[] = { "x", "sum(rate(x[1m]))", "x[1m]" };
    for (size_t i = 0; i < 3; i++) {
        fake_check(&fake, texts[i], 0, "error: cannot read samples: input/output error");
    }
    fake_fini(&fake);
}

/* --- memory --- */

static void every_allocation_may_fail(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "x",
        "-x",
        "sum by (g) (rate(x[30s]))",
        "x[1m]",
        "x[1m:20s]",
        "topk by (g) (1, x)",
        "limit_ratio(0.5, x)",
        "count_values(\"v\", x)",
        "quantile(0.5, x)",
        "x / on(i) group_left(g) x",
        "x and on(g) x{i=\"1\"} or x",
        "sum_over_time(x[1m:10s])",
        "quantile_over_time(0.5, x[1m])",
        "x @ start() + 1",
        "abs(x) > bool 2",
        "avg_over_time(x[1m])",
    };
    struct fake fake;
    fill(&fake, 7, 40);
    fake.source.windows = fake_windows;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        for (long n = 1;; n++) {
            struct promql_question question = { .text = texts[i], .start_us = 200000000 };
            question.step_us = strchr(texts[i], '[') == texts[i] + 1 ? 0 : 20000000;
            question.end_us = 300000000;
            struct promql_result result;
            struct err err = { 0 };
            alloc_fail_nth(n);
            int error = promql_ask(&fake.source, &question, &result, &err);
            bool reached = alloc_try_count() >= n;
            alloc_fail_nth(0);
            promql_result_free(&result);
            if (error != 0 && error != BUSBAR_ENOMEM) {
                fail_msg("%s, allocation %ld: %s", texts[i], n, err.message);
            }
            if (!reached) {
                assert_int_equal(error, 0);
                break;
            }
        }
    }
    fake_fini(&fake);
}

/* --- random --- */

static const char *const pieces[] = {
    "x",
    "y",
    "x{g=\"1\"}",
    "{i=~\"[0-3]\"}",
    "1",
    "0.5",
    "NaN",
    "-",
    "(",
    ")",
    " + ",
    " / ",
    " ^ ",
    " % ",
    " and ",
    " or ",
    " unless ",
    " > ",
    " == bool ",
    "[1m]",
    "[5m]",
    "[2m:30s]",
    "[1m:]",
    " offset 1m",
    " offset -1m",
    " @ 100",
    " @ end()",
    " on(g) ",
    " ignoring(i) ",
    " group_left() ",
    " group_right(i) ",
    "sum",
    "avg",
    "count",
    "topk(2, ",
    "bottomk(1, ",
    "quantile(0.3, ",
    "count_values(\"v\", ",
    "limitk(1, ",
    "limit_ratio(0.5, ",
    "stddev(",
    " by (g) ",
    " without (i) ",
    "rate(",
    "avg_over_time(",
    "max_over_time(",
    "abs(",
    "absent(",
    "scalar(",
    "vector(",
    "time()",
    "timestamp(",
    "histogram_quantile(0.9, ",
    "label_replace(",
    ", \"a\", \"$1\", \"g\", \"(.*)\")",
    "sort(",
    "clamp(",
    ", 1, 2)",
    "predict_linear(",
    ", 60)",
    "hour()",
    "increase(",
};

static void random_expressions_do_not_crash(void **state)
{
    (void)state;
    struct fake fake;
    fill(&fake, 9, 60);
    fake_load(&fake, 10, "y{g=\"1\"} 1 NaN stale inf 2 _ _ 4 -1x40");
    fake.source.last = fake_last;
    uint64_t seed = 5;
    size_t worked = 0;
    for (int run = 0; run < 60000; run++) {
        char text[512] = "";
        size_t size = 0;
        size_t count = 1 + hash_random(&seed) % 9;
        int open = 0;
        for (size_t i = 0; i < count; i++) {
            const char *piece = pieces[hash_random(&seed) % (sizeof(pieces) / sizeof(pieces[0]))];
            size += str_format(text + size, sizeof(text) - size, "%s", piece);
            for (const char *at = piece; *at != '\0'; at++) {
                open += (*at == '(') - (*at == ')');
            }
        }
        for (; open > 0 && size + 1 < sizeof(text); open--) {
            text[size++] = ')';
        }
        struct promql_question question = { .text = text, .start_us = 300000000 };
        question.step_us = run % 2 ? 0 : 30000000;
        question.end_us = 500000000;
        question.limits = (struct promql_limits){ .samples_max = 100000, .bytes_max = 4 << 20 };
        struct promql_result result;
        struct err err = { 0 };
        int error = promql_ask(&fake.source, &question, &result, &err);
        if (error == BUSBAR_EINTERNAL) {
            fail_msg("%s: %s", text, err.message);
        }
        worked += error == 0;
        assert_true(error == 0 || err.message[0] != '\0');
        promql_result_free(&result);
    }
    assert_true(worked > 1000);
    fake_fini(&fake);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(types),
    cmocka_unit_test(wrong_questions),
    cmocka_unit_test(limits),
    cmocka_unit_test(a_question_ends_in_time),
    cmocka_unit_test(a_question_is_dropped_when_its_asker_is_gone),
    cmocka_unit_test(long_work_on_one_series_ends_in_time),
    cmocka_unit_test(damage_is_a_warning),
    cmocka_unit_test(a_source_that_fails_ends_it),
    cmocka_unit_test(every_allocation_may_fail),
    cmocka_unit_test(random_expressions_do_not_crash),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
