/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers, durations and strings: read, written, and read again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "promql/literal.h"

static void numbers_have_many_forms(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double value;
    } rows[] = {
        { "0", 0 },
        { "12", 12 },
        { "1_000", 1000 },
        { "1_0.5", 10.5 },
        { "0x1F", 31 },
        { "0X_ff", 255 },
        { "0755", 493 },
        { "09", 9 },
        { ".5", 0.5 },
        { "5.", 5 },
        { "1e3", 1000 },
        { "1E-2", 0.01 },
        { "1e+2", 100 },
        { "inf", INFINITY },
        { "INF", INFINITY },
        { "1e-400", 0 },
        { "9223372036854775808", 9223372036854775808.0 },
        { "123456789012345678901234567890", 1.2345678901234568e29 },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        double value = -1;
        assert_int_equal(promql_parse_number(rows[i].text, strlen(rows[i].text), &value), 0);
        assert_true(value == rows[i].value);
    }
    double value = 0;
    assert_int_equal(promql_parse_number("NaN", 3, &value), 0);
    assert_true(isnan(value));
}

static void what_is_no_number_is_refused(void **state)
{
    (void)state;
    static const char *const words[] = { "",   "_1",    "1_",   "1__0", "0x",  "0xg",  "1e",
                                         "e1", "1.2.3", "nano", "1 ",   "--1", "1_.5", "." };
    double value = 7;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        assert_int_equal(promql_parse_number(words[i], strlen(words[i]), &value), BUSBAR_EINVAL);
    }
    assert_int_equal(promql_parse_number("1e999", 5, &value), BUSBAR_ERANGE);
    assert_int_equal(promql_parse_number("0xffffffffffffffffff", 20, &value), BUSBAR_ERANGE);
    char digits[1200];
    memset(digits, '1', sizeof(digits));
    assert_int_equal(promql_parse_number(digits, sizeof(digits), &value), BUSBAR_ERANGE);
    assert_true(value == 7);
}

static void numbers_are_printed_without_exponent(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } rows[] = {
        { 0, "0" },
        { -0.0, "-0" },
        { 1, "1" },
        { -1.5, "-1.5" },
        { 0.1, "0.1" },
        { 1e-7, "0.0000001" },
        { 1e21, "1000000000000000000000" },
        { 123.456, "123.456" },
        { 100, "100" },
        { INFINITY, "+Inf" },
        { -INFINITY, "-Inf" },
        { NAN, "NaN" },
        { 1.0 / 3, "0.3333333333333333" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct buf out;
        buf_init(&out, 2000);
        promql_print_number(rows[i].value, &out);
        assert_string_equal(buf_text(&out), rows[i].text);
        buf_fini(&out);
    }
    static const double all[] = { 5e-324, 1.7976931348623157e308, 2.2250738585072014e-308, 0.3 };
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        struct buf out;
        double again = 0;
        buf_init(&out, 2000);
        promql_print_number(all[i], &out);
        assert_int_equal(promql_parse_number(buf_text(&out), out.size, &again), 0);
        assert_true(again == all[i]);
        buf_fini(&out);
    }
}

static void durations_are_read_and_written(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t us;
        const char *printed;
    } rows[] = {
        { "1ms", 1000, "1ms" },
        { "5s", 5000000, "5s" },
        { "90m", 5400000000, "1h30m" },
        { "1h30m", 5400000000, "1h30m" },
        { "7d", INT64_C(604800000000), "1w" },
        { "90d", INT64_C(7776000000000), "90d" },
        { "1y2w3d4h5m6s7ms", INT64_C(33019506007000), "382d4h5m6s7ms" },
        { "365d", INT64_C(31536000000000), "1y" },
        { "0s", 0, "0s" },
        { "292y", INT64_C(9208512000000000), "292y" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t us = -1;
        struct buf out;
        buf_init(&out, 100);
        assert_int_equal(promql_parse_duration(rows[i].text, strlen(rows[i].text), &us), 0);
        assert_int_equal(us, rows[i].us);
        promql_print_duration(us, &out);
        assert_string_equal(buf_text(&out), rows[i].printed);
        buf_fini(&out);
    }
    static const char *const wrong[] = { "", "5", "s", "5m5m", "5m1h", "1.5m", "5x", "5 m", "m5" };
    int64_t us;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(promql_parse_duration(wrong[i], strlen(wrong[i]), &us), BUSBAR_EINVAL);
    }
    assert_int_equal(promql_parse_duration("300y", 4, &us), BUSBAR_ERANGE);
    assert_int_equal(promql_parse_duration("99999999999999999999s", 21, &us), BUSBAR_ERANGE);
}

static void seconds_become_microseconds(void **state)
{
    (void)state;
    int64_t us = 0;
    assert_int_equal(promql_seconds_to_us(1609746000.000123, &us), 0);
    assert_int_equal(us, INT64_C(1609746000000123));
    assert_int_equal(promql_seconds_to_us(-0.0000004, &us), 0);
    assert_int_equal(us, 0);
    assert_int_equal(promql_seconds_to_us(9e9 + 0.0004, &us), 0);
    assert_int_equal(us, INT64_C(9000000000000000));
    assert_int_equal(promql_seconds_to_us(NAN, &us), BUSBAR_ERANGE);
    assert_int_equal(promql_seconds_to_us(1e10, &us), BUSBAR_ERANGE);
    struct buf out;
    buf_init(&out, 100);
    promql_print_duration(1500001, &out);
    assert_string_equal(buf_text(&out), "1.500001");
    buf_fini(&out);
}

static void check_string(const char *token, const char *text, size_t size, const char *printed)
{
    struct arena arena;
    struct buf out;
    const char *got = NULL;
    const char *problem = NULL;
    size_t got_size = 0;
    size_t at = 0;
    arena_init(&arena, 0);
    buf_init(&out, 1000);
    assert_int_equal(promql_unquote(token, strlen(token), &arena, &got, &got_size, &at, &problem),
                     0);
    assert_int_equal(got_size, size);
    assert_memory_equal(got, text, size);
    assert_int_equal(got[size], 0);
    promql_print_string(got, got_size, &out);
    assert_string_equal(buf_text(&out), printed);
    assert_int_equal(
        promql_unquote(buf_text(&out), out.size, &arena, &got, &got_size, &at, &problem), 0);
    assert_int_equal(got_size, size);
    assert_memory_equal(got, text, size);
    buf_fini(&out);
    arena_fini(&arena);
}

static void strings_lose_and_get_their_escapes(void **state)
{
    (void)state;
    check_string("\"\"", "", 0, "\"\"");
    check_string("'a\"b'", "a\"b", 3, "\"a\\\"b\"");
    check_string("'it\\'s'", "it's", 4, "\"it's\"");
    check_string("`a\\nb`", "a\\nb", 4, "\"a\\\\nb\"");
    check_string("\"\\a\\b\\f\\n\\r\\t\\v\\\\\"", "\a\b\f\n\r\t\v\\", 8,
                 "\"\\a\\b\\f\\n\\r\\t\\v\\\\\"");
    check_string("\"\\x41\\101\\u00e9\\U0001F600\"", "AA\xc3\xa9\xf0\x9f\x98\x80", 8,
                 "\"AA\xc3\xa9\xf0\x9f\x98\x80\"");
    check_string("\"\\xff\\x00\\x7f\"", "\xff\0\x7f", 3, "\"\\xff\\x00\\x7f\"");
    check_string("\"\\u200b\\u00a0\\U000e0001\"", "\xe2\x80\x8b\xc2\xa0\xf3\xa0\x80\x81", 9,
                 "\"\\u200b\\u00a0\\U000e0001\"");
}

static void wrong_escapes_have_a_place(void **state)
{
    (void)state;
    static const struct {
        const char *token;
        size_t at;
        const char *problem;
    } rows[] = {
        { "\"a\\z\"", 2, "unknown escape sequence" },
        { "\"\\'\"", 1, "unknown escape sequence" },
        { "'\\\"'", 1, "unknown escape sequence" },
        { "\"\\x4\"", 1, "illegal character in escape sequence" },
        { "\"\\08\"", 1, "illegal character in escape sequence" },
        { "\"\\777\"", 1, "escape sequence is over 255" },
        { "\"\\ud800\"", 1, "escape sequence is no Unicode character" },
        { "\"\\UFFFFFFFF\"", 1, "escape sequence is no Unicode character" },
        { "\"ab\xff\"", 3, "invalid UTF-8" },
    };
    struct arena arena;
    arena_init(&arena, 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *text;
        const char *problem = NULL;
        size_t size;
        size_t at = 0;
        assert_int_equal(promql_unquote(rows[i].token, strlen(rows[i].token), &arena, &text, &size,
                                        &at, &problem),
                         BUSBAR_EINVAL);
        assert_int_equal(at, rows[i].at);
        assert_string_equal(problem, rows[i].problem);
    }
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_have_many_forms),
        cmocka_unit_test(what_is_no_number_is_refused),
        cmocka_unit_test(numbers_are_printed_without_exponent),
        cmocka_unit_test(durations_are_read_and_written),
        cmocka_unit_test(seconds_become_microseconds),
        cmocka_unit_test(strings_lose_and_get_their_escapes),
        cmocka_unit_test(wrong_escapes_have_a_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
