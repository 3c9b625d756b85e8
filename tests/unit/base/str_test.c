/* SPDX-License-Identifier: Apache-2.0 */
/* Copies, numbers, durations and sizes: good, bad and at the edge. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <float.h>
#include <math.h>
#include <string.h>

#include "base/err.h"
#include "base/hash.h"
#include "base/str.h"

static void copies_are_cut_between_characters(void **state)
{
    (void)state;
    char to[6];
    assert_true(str_copy(to, sizeof(to), "abcde"));
    assert_string_equal(to, "abcde");
    assert_false(str_copy(to, sizeof(to), "abcdef"));
    assert_string_equal(to, "abcde");
    assert_false(str_copy(to, sizeof(to), "abcd\xc3\xa9"));
    assert_string_equal(to, "abcd");
    assert_false(str_copy(to, 0, "abc"));
    assert_int_equal(str_format(to, sizeof(to), "%s", "abcdefgh"), 5);
    assert_int_equal(str_format(to, sizeof(to), "%s", "ab"), 2);
}

static void text_is_trimmed_and_compared(void **state)
{
    (void)state;
    char text[] = " \t a b \n";
    assert_string_equal(str_trim(text), "a b");
    char blank[] = "  ";
    assert_string_equal(str_trim(blank), "");
    assert_true(str_equal(NULL, NULL));
    assert_false(str_equal("a", NULL));
    assert_true(str_starts("ahu-1", "ahu"));
    assert_false(str_starts("ah", "ahu"));
    assert_true(str_ends("a.yaml", ".yaml"));
    assert_false(str_ends("yaml", ".yaml"));
}

static void integers_are_strict(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int error;
        int64_t value;
    } rows[] = {
        { "0", 0, 0 },
        { "-1", 0, -1 },
        { "+7", 0, 7 },
        { "0x1F", 0, 31 },
        { "-0x10", 0, -16 },
        { "007", 0, 7 },
        { "9223372036854775807", 0, INT64_MAX },
        { "-9223372036854775808", 0, INT64_MIN },
        { "9223372036854775808", BUSBAR_ERANGE, 0 },
        { "-9223372036854775809", BUSBAR_ERANGE, 0 },
        { "99999999999999999999999", BUSBAR_ERANGE, 0 },
        { "", BUSBAR_EINVAL, 0 },
        { "-", BUSBAR_EINVAL, 0 },
        { "--1", BUSBAR_EINVAL, 0 },
        { " 1", BUSBAR_EINVAL, 0 },
        { "1 ", BUSBAR_EINVAL, 0 },
        { "1a", BUSBAR_EINVAL, 0 },
        { "0x", BUSBAR_EINVAL, 0 },
        { "0xg", BUSBAR_EINVAL, 0 },
        { "1.0", BUSBAR_EINVAL, 0 },
        { "99999999999999999999999x", BUSBAR_EINVAL, 0 },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t value = 0;
        assert_int_equal(str_parse_i64(rows[i].text, &value), rows[i].error);
        assert_true(value == rows[i].value);
    }
    uint64_t big = 0;
    assert_int_equal(str_parse_u64("18446744073709551615", &big), 0);
    assert_true(big == UINT64_MAX);
    assert_int_equal(str_parse_u64("18446744073709551616", &big), BUSBAR_ERANGE);
    assert_int_equal(str_parse_u64("-1", &big), BUSBAR_EINVAL);
}

static void doubles_are_strict(void **state)
{
    (void)state;
    static const char *const bad[] = { "",    "-",   ".",    "e5",  "1e",   "1e+",   "nan",
                                       "inf", "0x1", " 1.5", "1,5", "1.5 ", "1.5.5", "1_0" };
    double value = 42;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(str_parse_double(bad[i], &value), BUSBAR_EINVAL);
        assert_true(value == 42);
    }
    assert_int_equal(str_parse_double("1e999", &value), BUSBAR_ERANGE);
    assert_int_equal(str_parse_double("-1.5e-3", &value), 0);
    assert_true(value == -0.0015);
    assert_int_equal(str_parse_double(".5", &value), 0);
    assert_true(value == 0.5);
    assert_int_equal(str_parse_double("5.", &value), 0);
    assert_true(value == 5);
}

static void doubles_are_written_short_and_exact(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } rows[] = {
        { 0.1, "0.1" },       { 21.5, "21.5" },       { 5, "5" },
        { -0.0, "-0" },       { 1e300, "1e+300" },    { 1.0 / 3, "0.3333333333333333" },
        { 100000, "100000" }, { -273.15, "-273.15" }, { NAN, "nan" },
        { INFINITY, "inf" },  { -INFINITY, "-inf" },
    };
    char text[40];
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        str_format_double(text, sizeof(text), rows[i].value);
        assert_string_equal(text, rows[i].text);
    }
    uint64_t seed = 5;
    for (int i = 0; i < 5000; i++) {
        uint64_t bits = hash_random(&seed);
        double value;
        double back = 0;
        memcpy(&value, &bits, sizeof(value));
        if (isfinite(value)) {
            str_format_double(text, sizeof(text), value);
            assert_int_equal(str_parse_double(text, &back), 0);
            assert_memory_equal(&back, &value, sizeof(back));
        }
    }
}

static void floats_are_written_as_floats(void **state)
{
    (void)state;
    char text[40];
    str_format_float(text, sizeof(text), 21.7F);
    assert_string_equal(text, "21.7");
    str_format_float(text, sizeof(text), 118.4F);
    assert_string_equal(text, "118.4");
    str_format_float(text, sizeof(text), 16777216.0F);
    assert_string_equal(text, "16777216");
    uint64_t seed = 6;
    for (int i = 0; i < 5000; i++) {
        uint32_t bits = (uint32_t)hash_random(&seed);
        float value;
        double back = 0;
        memcpy(&value, &bits, sizeof(value));
        if (isfinite(value)) {
            str_format_float(text, sizeof(text), value);
            assert_int_equal(str_parse_double(text, &back), 0);
            assert_true((float)back == value);
        }
    }
}

static void bools_are_words(void **state)
{
    (void)state;
    bool value = false;
    assert_int_equal(str_parse_bool("yes", &value), 0);
    assert_true(value);
    assert_int_equal(str_parse_bool("off", &value), 0);
    assert_false(value);
    assert_int_equal(str_parse_bool("1", &value), BUSBAR_EINVAL);
    assert_int_equal(str_parse_bool("True", &value), BUSBAR_EINVAL);
}

static void durations_round_trip(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t us;
        const char *back;
    } rows[] = {
        { "30s", 30000000, "30s" },
        { "10h", 36000000000, "10h" },
        { "2y", 2 * 365 * 86400000000, "2y" },
        { "1h30m", 5400000000, "1h30m" },
        { "90s", 90000000, "1m30s" },
        { "1.5s", 1500000, "1500ms" },
        { "250ms", 250000, "250ms" },
        { "7us", 7, "7us" },
        { "1500us", 1500, "1500us" },
        { "2w", 14 * 86400000000, "14d" },
        { "5min", 300000000, "5m" },
        { "0", 0, "0s" },
        { "0s", 0, "0s" },
        { "1d1s", 86401000000, "1d1s" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t us = -1;
        char text[40];
        assert_int_equal(str_parse_duration_us(rows[i].text, &us), 0);
        assert_true(us == rows[i].us);
        str_format_duration(text, sizeof(text), us);
        assert_string_equal(text, rows[i].back);
        int64_t again = -1;
        assert_int_equal(str_parse_duration_us(text, &again), 0);
        assert_true(again == us);
    }
    static const char *const bad[] = { "",    "5",   "s",   "-5s", "5 s",  "30m1h", "1s1s",
                                       "1.5", "1sx", ".5s", "5S",  "1..s", "1e3s",  "00" };
    int64_t us;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(str_parse_duration_us(bad[i], &us), BUSBAR_EINVAL);
    }
    assert_int_equal(str_parse_duration_us("999999999y", &us), BUSBAR_ERANGE);
    assert_int_equal(str_parse_duration_us("292000y1000000d", &us), BUSBAR_ERANGE);
}

static void random_durations_round_trip(void **state)
{
    (void)state;
    uint64_t seed = 17;
    for (int i = 0; i < 3000; i++) {
        int64_t us = (int64_t)(hash_random(&seed) >> (hash_random(&seed) % 50 + 2));
        int64_t back = -1;
        char text[60];
        str_format_duration(text, sizeof(text), us);
        assert_int_equal(str_parse_duration_us(text, &back), 0);
        assert_true(back == us);
    }
}

static void sizes_are_read_and_shown(void **state)
{
    (void)state;
    uint64_t bytes = 0;
    assert_int_equal(str_parse_bytes("10GB", &bytes), 0);
    assert_true(bytes == 10000000000);
    assert_int_equal(str_parse_bytes("1.5 MiB", &bytes), 0);
    assert_true(bytes == 1572864);
    assert_int_equal(str_parse_bytes("512", &bytes), 0);
    assert_true(bytes == 512);
    assert_int_equal(str_parse_bytes("10gb", &bytes), BUSBAR_EINVAL);
    assert_int_equal(str_parse_bytes("GB", &bytes), BUSBAR_EINVAL);
    assert_int_equal(str_parse_bytes("-1B", &bytes), BUSBAR_EINVAL);
    assert_int_equal(str_parse_bytes("99999999TB", &bytes), BUSBAR_ERANGE);
    char text[20];
    str_format_bytes(text, sizeof(text), 980);
    assert_string_equal(text, "980 B");
    str_format_bytes(text, sizeof(text), 10500000);
    assert_string_equal(text, "10.5 MB");
    str_format_bytes(text, sizeof(text), 999999);
    assert_string_equal(text, "1.00 MB");
    str_format_bytes(text, sizeof(text), 123456);
    assert_string_equal(text, "123 kB");
}

static void hex_is_cut_to_whole_bytes(void **state)
{
    (void)state;
    char text[8];
    assert_int_equal(str_hex(text, sizeof(text), "\x01\xab\xff", 3, ' '), 5);
    assert_string_equal(text, "01 ab");
    assert_int_equal(str_hex(text, sizeof(text), "\x01\xab\xff", 3, '\0'), 6);
    assert_string_equal(text, "01abff");
}

static void digits_and_characters(void **state)
{
    (void)state;
    static const char digits[] = "0123456789abcdefABCDEF";
    for (int i = 0; i < 22; i++) {
        assert_int_equal(str_hex_digit(digits[i]), i < 16 ? i : i - 6);
    }
    assert_int_equal(str_hex_digit('g'), -1);
    assert_int_equal(str_hex_digit('\0'), -1);
    static const struct {
        uint32_t character;
        const char *text;
    } cases[] = { { 0x7f, "\x7f" },
                  { 0x80, "\xc2\x80" },
                  { 0x7ff, "\xdf\xbf" },
                  { 0x800, "\xe0\xa0\x80" },
                  { 0xffff, "\xef\xbf\xbf" },
                  { 0x10000, "\xf0\x90\x80\x80" },
                  { 0x10ffff, "\xf4\x8f\xbf\xbf" } };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[4];
        size_t size = str_put_utf8(text, cases[i].character);
        assert_int_equal(size, strlen(cases[i].text));
        assert_memory_equal(text, cases[i].text, size);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies_are_cut_between_characters),
        cmocka_unit_test(text_is_trimmed_and_compared),
        cmocka_unit_test(integers_are_strict),
        cmocka_unit_test(doubles_are_strict),
        cmocka_unit_test(doubles_are_written_short_and_exact),
        cmocka_unit_test(floats_are_written_as_floats),
        cmocka_unit_test(bools_are_words),
        cmocka_unit_test(durations_round_trip),
        cmocka_unit_test(random_durations_round_trip),
        cmocka_unit_test(sizes_are_read_and_shown),
        cmocka_unit_test(hex_is_cut_to_whole_bytes),
        cmocka_unit_test(digits_and_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
