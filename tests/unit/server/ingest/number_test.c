/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers of senders: the same double as strtod, bit by bit, from texts without an end mark. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "server/ingest/number.h"
#include "support/random.h"

static uint64_t bits_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    return bits;
}

/* From an exact-size copy, so that ASan sees one byte too many. */
static bool read_number(const char *text, double *value, size_t *used)
{
    struct bytes copy = bytes_dup(text, strlen(text));
    const char *at = (const char *)copy.start;
    const char *behind = ingest_number(at, (const char *)copy.end, value);
    *used = behind != NULL ? (size_t)(behind - at) : 0;
    bytes_fini(&copy);
    return behind != NULL;
}

static void same_as_strtod(const char *text)
{
    double value = 0;
    size_t used = 0;
    if (!read_number(text, &value, &used) || used != strlen(text) ||
        bits_of(value) != bits_of(strtod(text, NULL))) {
        fail_msg("%s: %a (%zu bytes), strtod %a", text, value, used, strtod(text, NULL));
    }
}

static void vectors_are_as_strtod(void **state)
{
    static const char *const texts[] = {
        "0",
        "-0",
        "1",
        "21.5",
        "-21.50",
        ".5",
        "5.",
        "+3",
        "1e3",
        "1E-3",
        "1.5e+3",
        "123456789",
        "12345678901234567",
        "9007199254740993",
        "9007199254740992",
        "9007199254740995",
        "9007199254740993.0",
        "0.1",
        "0.3",
        "123.456",
        "1e22",
        "1e23",
        "1e27",
        "1e28",
        "1e-22",
        "1e-27",
        "1e-28",
        "1e308",
        "1.7976931348623157e308",
        "2.2250738585072014e-308",
        "5e-324",
        "1e-400",
        "0.000000000000000000000000000001",
        "18446744073709551615",
        "18446744073709551616",
        "9999999999999999999",
        "99999999999999999999",
        "1e-5",
        "3.141592653589793",
        "3.14159265358979323846264338327950288",
        "00000000000000000000001.5",
        "0e400",
        "1.00000000000000011102230246251565",
        "0.500000000000000166533453693773481063",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        same_as_strtod(texts[i]);
    }
}

static void random_doubles_come_back(void **state)
{
    struct random random = { 7 };
    char text[64];
    (void)state;
    for (int i = 0; i < 100000; i++) {
        uint64_t bits = random_u64(&random);
        double value;
        memcpy(&value, &bits, sizeof(value));
        if (value != value || value - value != 0) {
            continue;
        }
        snprintf(text, sizeof(text), "%.*g", 1 + i % 19, value);
        if (strtod(text, NULL) - strtod(text, NULL) == 0) {
            same_as_strtod(text);
        }
    }
}

static void random_decimals_round_right(void **state)
{
    struct random random = { 8 };
    char text[64];
    (void)state;
    for (int i = 0; i < 200000; i++) {
        uint64_t mantissa = random_u64(&random) >> random_below(&random, 60);
        int exponent = (int)random_below(&random, 70) - 35;
        snprintf(text, sizeof(text), "%s%llue%d", i % 2 ? "-" : "", (unsigned long long)mantissa,
                 exponent);
        same_as_strtod(text);
        snprintf(text, sizeof(text), "%llu.%03llu", (unsigned long long)(mantissa % 1000000),
                 (unsigned long long)(mantissa >> 40) % 1000);
        same_as_strtod(text);
    }
}

/* Just at, below and above the middle between two doubles. */
static void halves_go_to_even(void **state)
{
    struct random random = { 9 };
    char text[64];
    (void)state;
    for (int i = 0; i < 20000; i++) {
        uint64_t odd = (UINT64_C(1) << 53) + (random_u64(&random) >> 12) * 2 + 1;
        for (int64_t near = -1; near <= 1; near++) {
            snprintf(text, sizeof(text), "%llu", (unsigned long long)(odd + (uint64_t)near));
            same_as_strtod(text);
            snprintf(text, sizeof(text), "%llue-1", (unsigned long long)(odd + (uint64_t)near) * 5);
            if (strlen(text) <= 22) {
                same_as_strtod(text);
            }
        }
    }
}

static void words_and_refusals(void **state)
{
    static const char *const bad[] = {
        "",   "-",  "+", ".", "e5", "1e", "1e+", "x", "-.", "in", "-na", "1e400", "1e99999999999",
        " 1", "--1"
    };
    double value = 0;
    size_t used = 0;
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (read_number(bad[i], &value, &used)) {
            fail_msg("'%s' was read as %g", bad[i], value);
        }
    }
    assert_true(read_number("NaN", &value, &used) && value != value && used == 3);
    assert_true(read_number("-Inf,", &value, &used) && value == -1 / 0.0 && used == 4);
    assert_true(read_number("+infinity", &value, &used) && value == 1 / 0.0 && used == 9);
    assert_true(read_number("21.5i", &value, &used) && value == 21.5 && used == 4);
    char *text = malloc(1001);
    memset(text, '1', 1000);
    text[1000] = '\0';
    assert_false(read_number(text, &value, &used)); /* over the limit of bytes */
    free(text);
}

static void integers_have_bounds(void **state)
{
    static const struct {
        const char *text;
        bool good;
        int64_t value;
    } rows[] = {
        { "0", true, 0 },
        { "-0", true, 0 },
        { "+7", true, 7 },
        { "1700000000000000000 ", true, INT64_C(1700000000000000000) },
        { "9223372036854775807", true, INT64_MAX },
        { "-9223372036854775808", true, INT64_MIN },
        { "9223372036854775808", false, 0 },
        { "-9223372036854775809", false, 0 },
        { "99999999999999999999", false, 0 },
        { "000000000000000000000000000000012", true, 12 },
        { "", false, 0 },
        { "-", false, 0 },
        { "x", false, 0 },
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t value = -1;
        struct bytes copy = bytes_dup(rows[i].text, strlen(rows[i].text));
        const char *behind = ingest_integer((const char *)copy.start, (const char *)copy.end,
                                            &value);
        assert_int_equal(behind != NULL, rows[i].good);
        assert_true(!rows[i].good || value == rows[i].value);
        bytes_fini(&copy);
    }
    uint64_t most = 0;
    const char *text = "18446744073709551615";
    assert_non_null(ingest_unsigned(text, text + 20, &most));
    assert_true(most == UINT64_MAX);
    text = "18446744073709551616";
    assert_null(ingest_unsigned(text, text + 20, &most));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_are_as_strtod),       cmocka_unit_test(random_doubles_come_back),
        cmocka_unit_test(random_decimals_round_right), cmocka_unit_test(halves_go_to_even),
        cmocka_unit_test(words_and_refusals),          cmocka_unit_test(integers_have_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
