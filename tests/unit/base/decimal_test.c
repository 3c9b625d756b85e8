/* SPDX-License-Identifier: Apache-2.0 */
#include "base/decimal.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/random.h"

static const char *text_of(double value)
{
    static char text[DECIMAL_TEXT_MAX + 1];
    size_t size = decimal_text(text, value);
    assert_in_range(size, 1, DECIMAL_TEXT_MAX);
    text[size] = '\0';
    return text;
}

/* Go's strconv.FormatFloat(f, 'f', -1, 64), and 'e' outside of 1e-6..1e21, for the same numbers. */
static void known_numbers(void **state)
{
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        { 0, "0" },
        { -0.0, "-0" },
        { 1, "1" },
        { -1, "-1" },
        { 21.5, "21.5" },
        { 0.1, "0.1" },
        { 0.1 + 0.2, "0.30000000000000004" },
        { 1.0 / 3, "0.3333333333333333" },
        { 2.0 / 3, "0.6666666666666666" },
        { 100, "100" },
        { 123456789012345680, "123456789012345680" },
        { 1e20, "100000000000000000000" },
        { 1e21, "1e+21" },
        { 1.5e300, "1.5e+300" },
        { 1e-6, "0.000001" },
        { 1e-7, "1e-07" },
        { 1.25e-10, "1.25e-10" },
        { 5e-324, "5e-324" },
        { 1.7976931348623157e308, "1.7976931348623157e+308" },
        { 2.2250738585072014e-308, "2.2250738585072014e-308" },
        { 9007199254740992, "9007199254740992" },
        { 9007199254740991, "9007199254740991" },
        { 2251799813685248.5, "2251799813685248.5" },
        { 0.0078125, "0.0078125" },
        { 1795356968.957, "1795356968.957" },
        { 5e15, "5000000000000000" },
        { 9.5e-7, "9.5e-07" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_string_equal(text_of(cases[i].value), cases[i].text);
    }
    assert_string_equal(text_of(NAN), "NaN");
    assert_string_equal(text_of(INFINITY), "+Inf");
    assert_string_equal(text_of(-INFINITY), "-Inf");
}

/* Reads back the same, and no shorter text does. */
static void check(double value)
{
    char shorter[40];
    const char *text = text_of(value);
    if (strtod(text, NULL) != value) {
        fail_msg("%.17g became %s", value, text);
    }
    struct decimal decimal = decimal_of(value);
    char digits[DECIMAL_TEXT_MAX + 1];
    size_t size = decimal_u64(digits, decimal.digits);
    while (size > 1 && digits[size - 1] == '0') {
        size--;
    }
    if (size > 1) {
        snprintf(shorter, sizeof(shorter), "%.*e", (int)size - 2, value);
        if (strtod(shorter, NULL) == value) {
            fail_msg("%s is shorter than %s", shorter, text);
        }
    }
}

static void random_doubles_read_back(void **state)
{
    struct random seed = { .state = 7 };
    (void)state;
    for (int i = 0; i < 100000; i++) {
        uint64_t bits = random_u64(&seed);
        double value;
        memcpy(&value, &bits, sizeof(value));
        if (isfinite(value)) {
            check(value);
        }
        check((double)(random_u64(&seed) >> 11) / (double)((random_u64(&seed) >> 40) + 1));
        check((double)(int64_t)(random_u64(&seed) >> (random_u64(&seed) % 64)) /
              pow(10, (double)(random_u64(&seed) % 20)));
        check(ldexp(1, (int)(random_u64(&seed) % 200) - 100));
        check(nextafter(ldexp(1, (int)(random_u64(&seed) % 200) - 100), 0));
    }
}

static void check_whole(uint64_t value)
{
    char text[DECIMAL_TEXT_MAX + 1], expected[40];
    size_t size = decimal_u64(text, value);
    text[size] = '\0';
    snprintf(expected, sizeof(expected), "%llu", (unsigned long long)value);
    assert_string_equal(text, expected);
}

/* Each number of digits, and each number of bits, from both sides. */
static void whole_numbers(void **state)
{
    char text[DECIMAL_TEXT_MAX + 1];
    (void)state;
    uint64_t power = 1;
    for (int digits = 1; digits <= 20; digits++) {
        check_whole(power - 1);
        check_whole(power);
        check_whole(power + 1);
        power *= digits < 20 ? 10 : 1;
    }
    for (unsigned bit = 0; bit < 64; bit++) {
        check_whole((UINT64_C(1) << bit) - 1);
        check_whole(UINT64_C(1) << bit);
    }
    check_whole(1234567890123456789U);
    check_whole(UINT64_MAX);
    text[decimal_i64(text, INT64_MIN)] = '\0';
    assert_string_equal(text, "-9223372036854775808");
    text[decimal_i64(text, 42)] = '\0';
    assert_string_equal(text, "42");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_numbers),
        cmocka_unit_test(random_doubles_read_back),
        cmocka_unit_test(whole_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
