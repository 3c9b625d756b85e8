/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers, words and bytes of texts. */
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash.h"
#include "base/str.h"
#include "payload/text.h"

static void numbers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool comma;
        enum text_number number;
        int64_t whole;
        double real;
        size_t used;
    } rows[] = {
        { "21", false, TEXT_INT, 21, 0, 2 },
        { "-0021x", false, TEXT_INT, -21, 0, 5 },
        { "+7 C", false, TEXT_INT, 7, 0, 2 },
        { "9223372036854775807", false, TEXT_INT, INT64_MAX, 0, 19 },
        { "-9223372036854775808", false, TEXT_INT, INT64_MIN, 0, 20 },
        { "9223372036854775808", false, TEXT_DOUBLE, 0, 9223372036854775808.0, 19 },
        { "123456789012345678901", false, TEXT_DOUBLE, 0, 123456789012345678901.0, 21 },
        { "21.5", false, TEXT_DOUBLE, 0, 21.5, 4 },
        { "+.5", false, TEXT_DOUBLE, 0, 0.5, 3 },
        { "21,5", true, TEXT_DOUBLE, 0, 21.5, 4 },
        { "21,5", false, TEXT_INT, 21, 0, 2 },
        { "21.5", true, TEXT_INT, 21, 0, 2 },
        { "1e3", false, TEXT_DOUBLE, 0, 1000, 3 },
        { "-1.5E-2 V", false, TEXT_DOUBLE, 0, -0.015, 7 },
        { "1,5e2", true, TEXT_DOUBLE, 0, 150, 5 },
        { "1e", false, TEXT_INT, 1, 0, 1 },
        { "7.", false, TEXT_INT, 7, 0, 1 },
        { "", false, TEXT_NO_NUMBER, 0, 0, 0 },
        { "-", false, TEXT_NO_NUMBER, 0, 0, 0 },
        { "NaN", false, TEXT_NO_NUMBER, 0, 0, 0 },
        { "e5", false, TEXT_NO_NUMBER, 0, 0, 0 },
        { "1e999", false, TEXT_DOUBLE, 0, INFINITY, 5 }, /* no point holds it */
        { "-1e999", false, TEXT_DOUBLE, 0, -INFINITY, 6 },
        { "1e-999", false, TEXT_DOUBLE, 0, 0, 6 },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t whole = 0;
        double real = 0;
        size_t used = 0;
        enum text_number number = text_number(rows[i].text, strlen(rows[i].text), rows[i].comma,
                                              &whole, &real, &used);
        if (number != rows[i].number || used != rows[i].used ||
            (number == TEXT_INT && whole != rows[i].whole) ||
            (number == TEXT_DOUBLE && real != rows[i].real)) {
            fail_msg("'%s': %d %" PRId64 " %.17g %zu", rows[i].text, (int)number, whole, real,
                     used);
        }
    }
}

/* The nearest double, as the C library finds it. */
static void nearest(void **state)
{
    (void)state;
    uint64_t seed = 7;
    for (int i = 0; i < 200000; i++) {
        char text[64];
        int64_t whole;
        double real = 0;
        size_t used = 0;
        uint64_t random = hash_random(&seed);
        str_format(text, sizeof(text), "%s%" PRIu64 ".%0*" PRIu64, (random & 1) != 0 ? "-" : "",
                   (random >> 8) % 1000000, 1 + (int)(random % 12), hash_random(&seed) % 1000000);
        assert_int_equal(text_number(text, strlen(text), false, &whole, &real, &used), TEXT_DOUBLE);
        assert_int_equal(used, strlen(text));
        double expected = strtod(text, NULL);
        assert_memory_equal(&real, &expected, sizeof(real));
    }
}

static void words(void **state)
{
    (void)state;
    bool yes = false;
    assert_true(text_bool("On", 2, &yes) && yes);
    assert_true(text_bool("FALSE", 5, &yes) && !yes);
    assert_false(text_bool("open", 4, &yes));
    assert_false(text_bool("o", 1, &yes));
    const char *text = " \t21\r\n";
    size_t size = 6;
    text_trim(&text, &size);
    assert_int_equal(size, 2);
    assert_memory_equal(text, "21", 2);
    text = "  ";
    size = 2;
    text_trim(&text, &size);
    assert_int_equal(size, 0);
}

static void latin1(void **state)
{
    (void)state;
    uint8_t all[256];
    char to[512];
    for (int i = 0; i < 256; i++) {
        all[i] = (uint8_t)i;
    }
    size_t size = text_from_latin1(all, sizeof(all), to);
    assert_int_equal(size, 384);
    assert_true(str_is_utf8(to, size));
    assert_memory_equal(to + 128 + 2 * (0xb0 - 0x80), "\xc2\xb0", 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers),
        cmocka_unit_test(nearest),
        cmocka_unit_test(words),
        cmocka_unit_test(latin1),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
