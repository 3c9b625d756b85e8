/* SPDX-License-Identifier: Apache-2.0 */
/* Binary and unary operators: arithmetic, comparisons, matching in every form and its errors,
 * sets, names, duplicates. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "unit/promql/fake_source.h"

struct row {
    const char *text, *expected; /* at 0 s */
};

static void check_rows(const char *const *lines, const struct row *rows, size_t count)
{
    struct fake fake;
    fake_init(&fake);
    for (; *lines != NULL; lines++) {
        fake_load(&fake, 60, *lines);
    }
    for (size_t i = 0; i < count; i++) {
        fake_check(&fake, rows[i].text, 0, rows[i].expected);
    }
    fake_fini(&fake);
}

#define CHECK(lines, rows) check_rows(lines, rows, sizeof(rows) / sizeof((rows)[0]))

static void scalars(void **state)
{
    (void)state;
    static const char *const lines[] = { NULL };
    static const struct row rows[] = {
        { "1 + 2 * 3", "scalar 7@0" },
        { "7 % 4 - -7 % 4", "scalar 6@0" },
        { "2 ^ 3 ^ 2", "scalar 512@0" },
        { "-2 ^ 2", "scalar -4@0" },
        { "1 / 0", "scalar inf@0" },
        { "0 / 0", "scalar nan@0" },
        { "0 atan2 -1", "scalar 3.141592653589793@0" },
        { "2 > bool 1", "scalar 1@0" },
        { "2 == bool 1", "scalar 0@0" },
        { "NaN == bool NaN", "scalar 0@0" },
        { "NaN != bool NaN", "scalar 1@0" },
        { "1 >= bool 1", "scalar 1@0" },
        { "1 <= bool 0", "scalar 0@0" },
        { "-(1)", "scalar -1@0" },
        { "\"a\"", "string a" },
    };
    CHECK(lines, rows);
}

static void vector_and_scalar(void **state)
{
    (void)state;
    static const char *const lines[] = { "x{a=\"1\"} 1", "x{a=\"2\"} 2", "x{a=\"n\"} NaN", NULL };
    static const struct row rows[] = {
        { "x + 1", "{a=\"1\"} 2@0\n{a=\"2\"} 3@0\n{a=\"n\"} nan@0" },
        { "10 - x{a!=\"n\"}", "{a=\"1\"} 9@0\n{a=\"2\"} 8@0" },
        { "x > 1", "x{a=\"2\"} 2@0" },
        { "1 < x", "x{a=\"2\"} 2@0" }, /* the vector's value on either side */
        { "2 >= x", "x{a=\"1\"} 1@0\nx{a=\"2\"} 2@0" },
        { "2 <= x", "x{a=\"2\"} 2@0" },
        { "2 == x", "x{a=\"2\"} 2@0" },
        { "x != 2", "x{a=\"1\"} 1@0\nx{a=\"n\"} nan@0" },
        { "x > bool 1", "{a=\"1\"} 0@0\n{a=\"2\"} 1@0\n{a=\"n\"} 0@0" },
        { "1 > bool x", "{a=\"1\"} 0@0\n{a=\"2\"} 0@0\n{a=\"n\"} 0@0" },
        { "-x{a=\"1\"}", "{a=\"1\"} -1@0" },
        { "+x{a=\"1\"}", "x{a=\"1\"} 1@0" },
    };
    CHECK(lines, rows);
}

static const char *const machines[] = {
    "temp{m=\"1\",p=\"a\"} 20", "temp{m=\"1\",p=\"b\"} 30", "temp{m=\"2\",p=\"a\"} 40",
    "limit{m=\"1\"} 25",        "limit{m=\"3\"} 1",         "model{m=\"1\",type=\"T\"} 1",
    "other{m=\"1\",p=\"a\"} 2", "other{m=\"2\",p=\"a\"} 4", NULL,
};

static void one_to_one(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "temp / other", "{m=\"1\", p=\"a\"} 10@0\n{m=\"2\", p=\"a\"} 10@0" },
        { "temp / ignoring(m) other{m=\"1\"}",
          "error: multiple matches for labels: many-to-one matching must be explicit "
          "(group_left/group_right)" },
        { "temp{p=\"b\"} / on(m) limit", "{m=\"1\"} 1.2@0" },
        { "temp{p=\"b\"} > on(m) limit", "{m=\"1\"} 30@0" },
        { "temp{p=\"b\"} > on(m, __name__) (temp{p=\"a\"})", "temp{m=\"1\"} 30@0" },
        { "temp{p=\"b\"} > ignoring(p) limit", "temp{m=\"1\"} 30@0" },
        { "temp{p=\"b\"} > bool ignoring(p) limit", "{m=\"1\"} 1@0" },
        { "temp{p=\"b\"} < ignoring(p) limit", "" },
        { "temp * on() nothing", "" },
        { "temp{p=\"b\"} * on() group_left() limit{m=\"1\"}", "{m=\"1\", p=\"b\"} 750@0" },
        { "limit{m=\"1\"} - on(m) temp",
          "error: found duplicate series for the match group {m=\"1\"} on the right hand-side of "
          "the operation: [{__name__=\"temp\", m=\"1\", p=\"b\"}, {__name__=\"temp\", m=\"1\", "
          "p=\"a\"}];many-to-many matching not allowed: matching labels must be unique on one "
          "side" },
        { "limit{m=\"3\"} - on(m) temp", /* also where nothing matches */
          "error: found duplicate series for the match group {m=\"1\"} on the right hand-side of "
          "the operation: [{__name__=\"temp\", m=\"1\", p=\"b\"}, {__name__=\"temp\", m=\"1\", "
          "p=\"a\"}];many-to-many matching not allowed: matching labels must be unique on one "
          "side" },
        { "temp > on(m) limit * 100", "" }, /* what is not kept does not count */
        { "temp > bool on(m) limit", "error: multiple matches for labels: many-to-one matching "
                                     "must be explicit (group_left/group_right)" },
    };
    CHECK(machines, rows);
}

static void many_to_one(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "temp - on(m) group_left() limit", "{m=\"1\", p=\"a\"} -5@0\n{m=\"1\", p=\"b\"} 5@0" },
        { "limit - on(m) group_right() temp", "{m=\"1\", p=\"a\"} 5@0\n{m=\"1\", p=\"b\"} -5@0" },
        { "temp > on(m) group_left() limit", "temp{m=\"1\", p=\"b\"} 30@0" },
        { "limit < on(m) group_right() temp", "temp{m=\"1\", p=\"b\"} 25@0" },
        { "temp * on(m) group_left(type) model",
          "{m=\"1\", p=\"a\", type=\"T\"} 20@0\n{m=\"1\", p=\"b\", type=\"T\"} 30@0" },
        { "temp * on(m) group_left(p) model",
          "error: multiple matches for labels: grouping labels must ensure unique matches" },
        { "temp{p=\"a\"} * on(m) group_left(p, nope) model", "{m=\"1\"} 20@0" },
        { "temp * on(m) group_right() limit",
          "error: found duplicate series for the match group {m=\"1\"} on the left hand-side of "
          "the operation: [{__name__=\"temp\", m=\"1\", p=\"b\"}, {__name__=\"temp\", m=\"1\", "
          "p=\"a\"}];many-to-many matching not allowed: matching labels must be unique on one "
          "side" },
    };
    CHECK(machines, rows);
}

static void sets(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "temp and other", "temp{m=\"1\", p=\"a\"} 20@0\ntemp{m=\"2\", p=\"a\"} 40@0" },
        { "temp and on(m) limit", "temp{m=\"1\", p=\"a\"} 20@0\ntemp{m=\"1\", p=\"b\"} 30@0" },
        { "temp unless other", "temp{m=\"1\", p=\"b\"} 30@0" },
        { "temp unless ignoring(p) limit", "temp{m=\"2\", p=\"a\"} 40@0" },
        { "temp unless nothing",
          "temp{m=\"1\", p=\"a\"} 20@0\ntemp{m=\"1\", p=\"b\"} 30@0\ntemp{m=\"2\", p=\"a\"} 40@0" },
        { "nothing or limit", "limit{m=\"1\"} 25@0\nlimit{m=\"3\"} 1@0" },
        { "model or on(m) limit", "limit{m=\"3\"} 1@0\nmodel{m=\"1\", type=\"T\"} 1@0" },
        { "model or on() limit", "model{m=\"1\", type=\"T\"} 1@0" },
        { "limit and nothing", "" },
    };
    CHECK(machines, rows);
}

static void what_is_there_is_decided_at_each_step(void **state)
{
    (void)state;
    struct fake fake;
    fake_init(&fake);
    fake_load(&fake, 60, "a{x=\"1\"} 1 stale 1 stale");
    fake_load(&fake, 60, "b{x=\"1\"} 2 2 stale stale");
    fake_load(&fake, 60, "c{x=\"1\"} stale 5 stale 5");
    fake_check_range(&fake, "a + b", 0, 180, 60, "{x=\"1\"} 3@0");
    fake_check_range(&fake, "a and b", 0, 180, 60, "a{x=\"1\"} 1@0");
    fake_check_range(&fake, "a unless b", 0, 180, 60, "a{x=\"1\"} 1@120");
    fake_check_range(&fake, "a or b", 0, 180, 60, "a{x=\"1\"} 1@0 1@120\nb{x=\"1\"} 2@60");
    /* series that take turns are one without their names, and no duplicates */
    fake_check_range(&fake, "{__name__=~\"a|c\"} * 2", 0, 180, 60,
                     "{x=\"1\"} 2@0 10@60 2@120 10@180");
    fake_check_range(&fake, "{__name__=~\"a|c\"} + on(x) b", 0, 180, 60, "{x=\"1\"} 3@0 7@60");
    fake_check_range(&fake, "b + on(x) {__name__=~\"a|c\"}", 0, 180, 60, "{x=\"1\"} 3@0 7@60");
    fake_check_range(&fake, "{__name__=~\"a|b\"} * 2", 0, 180, 60,
                     "error: vector cannot contain metrics with the same labelset");
    fake_check_range(&fake, "-{__name__=~\"a|b\"}", 60, 180, 60, "{x=\"1\"} -2@60 -1@120");
    fake_check_range(&fake, "abs({__name__=~\"a|b\"})", 60, 180, 60, "{x=\"1\"} 2@60 1@120");
    fake_check_range(&fake, "sum_over_time({__name__=~\"a|c\"}[30s])", 0, 180, 60,
                     "{x=\"1\"} 1@0 5@60 1@120 5@180");
    fake_check_range(&fake, "c * on(x) {__name__=~\"a|b\"}", 0, 180, 60, "{x=\"1\"} 10@60");
    fake_fini(&fake);
}

static void labels_have_a_limit(void **state)
{
    (void)state;
    struct fake fake;
    fake_init(&fake);
    char line[1024] = "x{";
    size_t size = strlen(line);
    for (int i = 0; i < LABELS_MAX - 1; i++) {
        size += str_format(line + size, sizeof(line) - size, "l%02d=\"v\",", i);
    }
    (void)str_format(line + size, sizeof(line) - size, "} 1");
    fake_load(&fake, 60, line);
    fake_load(&fake, 60, "y{new=\"1\"} 2");
    fake_check(&fake, "x > on() group_left(new) (y - 2)", 0,
               "error: a series of the query would have more than 64 labels");
    fake_check(&fake, "count(x * on() group_left(new) y)", 0, "{} 1@0");
    fake_fini(&fake);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(scalars),
    cmocka_unit_test(vector_and_scalar),
    cmocka_unit_test(one_to_one),
    cmocka_unit_test(many_to_one),
    cmocka_unit_test(sets),
    cmocka_unit_test(what_is_there_is_decided_at_each_step),
    cmocka_unit_test(labels_have_a_limit),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
