/* SPDX-License-Identifier: Apache-2.0 */
/* Aggregations: groups, NaN and infinities, what is picked at each step, counts of values,
 * parameters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "promql/xxhash.h"
#include "unit/promql/fake_source.h"

static void fill(struct fake *fake)
{
    fake_init(fake);
    fake_load(fake, 60, "x{g=\"a\",i=\"1\"} 1 5");
    fake_load(fake, 60, "x{g=\"a\",i=\"2\"} 2 4");
    fake_load(fake, 60, "x{g=\"b\",i=\"3\"} 3 stale");
    fake_load(fake, 60, "x{i=\"4\"} 6 2");
}

struct row {
    const char *text, *expected; /* at 0 s */
};

static void groups(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "sum(x)", "{} 12@0" },
        { "sum by (g) (x)", "{g=\"a\"} 3@0\n{g=\"b\"} 3@0\n{} 6@0" },
        { "sum without (i) (x)", "{g=\"a\"} 3@0\n{g=\"b\"} 3@0\n{} 6@0" },
        { "sum by (g, __name__) (x)", "x 6@0\nx{g=\"a\"} 3@0\nx{g=\"b\"} 3@0" },
        { "count by (nope) (x)", "{} 4@0" },
        { "avg(x)", "{} 3@0" },
        { "count(x)", "{} 4@0" },
        { "min by (g) (x)", "{g=\"a\"} 1@0\n{g=\"b\"} 3@0\n{} 6@0" },
        { "max(x)", "{} 6@0" },
        { "group by (g) (x)", "{g=\"a\"} 1@0\n{g=\"b\"} 1@0\n{} 1@0" },
        { "stdvar(x)", "{} 3.5@0" },
        { "stddev(x{g=\"a\"})", "{} 0.5@0" },
        { "quantile(0.5, x)", "{} 2.5@0" },
        { "quantile(1, x)", "{} 6@0" },
        { "quantile(NaN, x)", "{} nan@0\nwarning: PromQL warning: quantile value should be between "
                              "0 and 1, got NaN (1:10)" },
        { "quantile(1.5, x)", "{} inf@0\nwarning: PromQL warning: quantile value should be between "
                              "0 and 1, got 1.5 (1:10)" },
        { "quantile(-1, x)", "{} -inf@0\nwarning: PromQL warning: quantile value should be "
                             "between 0 and 1, got -1 (1:10)" },
        { "sum(nothing)", "" },
        { "quantile(0.5, nothing)", "" },
    };
    struct fake fake;
    fill(&fake);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        fake_check(&fake, rows[i].text, 0, rows[i].expected);
    }
    fake_check_range(&fake, "sum by (g) (x)", 0, 60, 60,
                     "{} 6@0 2@60\n{g=\"a\"} 3@0 9@60\n{g=\"b\"} 3@0");
    fake_fini(&fake);
}

static void odd_numbers(void **state)
{
    (void)state;
    struct fake fake;
    fake_init(&fake);
    fake_load(&fake, 60, "n{i=\"1\"} NaN");
    fake_load(&fake, 60, "n{i=\"2\"} 2");
    fake_load(&fake, 60, "n{i=\"3\"} 1");
    fake_check(&fake, "max(n)", 0, "{} 2@0");
    fake_check(&fake, "min(n)", 0, "{} 1@0");
    fake_check(&fake, "sum(n)", 0, "{} nan@0");
    fake_check(&fake, "stddev(n)", 0, "{} nan@0");
    fake_check(&fake, "quantile(0, n)", 0, "{} nan@0"); /* NaN is the least */
    fake_check(&fake, "quantile(1, n)", 0, "{} 2@0");
    fake_check(&fake, "max(n{i=\"1\"})", 0, "{} nan@0");
    fake_check_order(&fake, "topk(3, n)", 0, "n{i=\"2\"} 2@0\nn{i=\"3\"} 1@0\nn{i=\"1\"} nan@0");
    fake_check_order(&fake, "bottomk(2, n)", 0, "n{i=\"3\"} 1@0\nn{i=\"2\"} 2@0");
    fake_load(&fake, 60, "big{i=\"1\"} 1.7e308");
    fake_load(&fake, 60, "big{i=\"2\"} 1.7e308");
    fake_load(&fake, 60, "big{i=\"3\"} 1.7e308");
    fake_check(&fake, "avg(big)", 0, "{} 1.7e+308@0");
    fake_check(&fake, "sum(big)", 0, "{} inf@0");
    fake_load(&fake, 60, "huge{i=\"1\"} inf");
    fake_load(&fake, 60, "huge{i=\"2\"} 1");
    fake_load(&fake, 60, "huge{i=\"3\"} inf");
    fake_check(&fake, "avg(huge)", 0, "{} inf@0");
    fake_load(&fake, 60, "huge{i=\"4\"} -inf");
    fake_check(&fake, "avg(huge)", 0, "{} nan@0");
    fake_load(&fake, 60, "k{i=\"1\"} 1");
    fake_load(&fake, 60, "k{i=\"2\"} 1e100");
    fake_load(&fake, 60, "k{i=\"3\"} 1");
    fake_load(&fake, 60, "k{i=\"4\"} -1e100");
    fake_check(&fake, "sum(k)", 0, "{} 2@0");
    fake_check(&fake, "avg(k)", 0, "{} 0.5@0");
    fake_fini(&fake);
}

static void picks(void **state)
{
    (void)state;
    struct fake fake;
    fill(&fake);
    fake_check_order(&fake, "topk(2, x)", 0, "x{i=\"4\"} 6@0\nx{g=\"b\", i=\"3\"} 3@0");
    fake_check_order(&fake, "bottomk(2, x)", 0, "x{g=\"a\", i=\"1\"} 1@0\nx{g=\"a\", i=\"2\"} 2@0");
    fake_check_order(&fake, "topk by (g) (1, x)", 0,
                     "x{g=\"a\", i=\"2\"} 2@0\nx{g=\"b\", i=\"3\"} 3@0\nx{i=\"4\"} 6@0");
    fake_check_order(&fake, "limitk(2, x)", 0, "x{g=\"a\", i=\"1\"} 1@0\nx{g=\"a\", i=\"2\"} 2@0");
    fake_check_order(&fake, "topk(9, x{g=\"a\"})", 0,
                     "x{g=\"a\", i=\"2\"} 2@0\nx{g=\"a\", i=\"1\"} 1@0");
    fake_check(&fake, "topk(0, x)", 0, "");
    fake_check(&fake, "topk(-5, x)", 0, "");
    fake_check(&fake, "topk(1e30, x)", 0, "error: Scalar value 1e+30 overflows int64");
    fake_check(&fake, "topk(NaN, x)", 0, "error: Scalar value NaN overflows int64");
    fake_check(&fake, "topk(NaN, nothing)", 0, "");
    fake_check_range(&fake, "topk(1, x)", 0, 60, 60, "x{g=\"a\", i=\"1\"} 5@60\nx{i=\"4\"} 6@0");
    /* the parameter of each step */
    fake_check_range(&fake, "topk(scalar(x{i=\"1\"}) - 3, x)", 0, 60, 60,
                     "x{g=\"a\", i=\"1\"} 5@60\nx{g=\"a\", i=\"2\"} 4@60");
    fake_check_range(&fake, "quantile(scalar(x{i=\"1\"}) / 5 - 0.2, x)", 0, 60, 60,
                     "{} 1@0 4.6@60");
    fake_fini(&fake);
}

static void ratios(void **state)
{
    (void)state;
    /* the vectors of XXH64 itself */
    assert_true(xxhash64("", 0) == UINT64_C(0xef46db3751d8e999));
    assert_true(xxhash64("abc", 3) == UINT64_C(0x44bc2cf5ad770999));
    assert_true(xxhash64("Nobody inspects the spammish repetition", 39) ==
                UINT64_C(0xfbcea83c8a378bf1));
    struct fake fake;
    fill(&fake);
    fake_check(&fake, "count(limit_ratio(1, x))", 0, "{} 4@0");
    fake_check(&fake, "limit_ratio(0, x)", 0, "");
    fake_check(&fake, "limit_ratio(0.5, x) and limit_ratio(-0.5, x)", 0, "");
    fake_check(&fake, "count(limit_ratio(0.5, x) or limit_ratio(-0.5, x))", 0, "{} 4@0");
    fake_check(&fake, "count(limit_ratio(7, x))", 0,
               "{} 4@0\nwarning: PromQL warning: ratio value should be between -1 and 1, got 7, "
               "capping to 1 (1:19)");
    fake_check(&fake, "limit_ratio(NaN, x)", 0, "error: Ratio value NaN is NaN");
    fake_fini(&fake);
}

static void values_are_counted(void **state)
{
    (void)state;
    struct fake fake;
    fake_init(&fake);
    fake_load(&fake, 60, "v{g=\"a\",i=\"1\"} 1e21 2");
    fake_load(&fake, 60, "v{g=\"a\",i=\"2\"} 1e21 2");
    fake_load(&fake, 60, "v{g=\"b\",i=\"3\"} 0.00001 -inf");
    fake_load(&fake, 60, "v{g=\"b\",i=\"4\"} NaN stale");
    fake_check(&fake, "count_values(\"v\", v)", 0,
               "{v=\"0.00001\"} 1@0\n{v=\"1000000000000000000000\"} 2@0\n{v=\"NaN\"} 1@0");
    fake_check(&fake, "count_values by (g) (\"v\", v{g=\"b\"})", 0,
               "{g=\"b\", v=\"0.00001\"} 1@0\n{g=\"b\", v=\"NaN\"} 1@0");
    fake_check(&fake, "count_values without (i) (\"v\", v{g=\"a\"})", 0,
               "{g=\"a\", v=\"1000000000000000000000\"} 2@0");
    fake_check(&fake, "count_values by (g) (\"g\", v{g=\"a\"})", 60, "{g=\"2\"} 2@60");
    fake_check(&fake, "count_values(\"\", v)", 0, "error: invalid label name \"\"");
    fake_check_range(&fake, "count_values(\"v\", v)", 0, 60, 60,
                     "{v=\"-Inf\"} 1@60\n{v=\"0.00001\"} 1@0\n{v=\"1000000000000000000000\"} 2@0\n"
                     "{v=\"2\"} 2@60\n{v=\"NaN\"} 1@0");
    fake_fini(&fake);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(groups), cmocka_unit_test(odd_numbers),        cmocka_unit_test(picks),
    cmocka_unit_test(ratios), cmocka_unit_test(values_are_counted),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
