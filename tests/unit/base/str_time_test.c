/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 3339 both ways, against gmtime over the whole range of years. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/err.h"
#include "base/hash.h"
#include "base/str.h"

static void times_are_written(void **state)
{
    (void)state;
    char text[STR_TIME_MAX];
    assert_int_equal(str_format_time(text, sizeof(text), 0, 0, true), 20);
    assert_string_equal(text, "1970-01-01T00:00:00Z");
    str_format_time(text, sizeof(text), 1700000000000123, 0, false);
    assert_string_equal(text, "2023-11-14T22:13:20.000123Z");
    str_format_time(text, sizeof(text), 1700000000000000, 60, true);
    assert_string_equal(text, "2023-11-14T23:13:20+01:00");
    str_format_time(text, sizeof(text), 1700000000000000, -570, false);
    assert_string_equal(text, "2023-11-14T12:43:20.000000-09:30");
    str_format_time(text, sizeof(text), -1, 0, true);
    assert_string_equal(text, "1969-12-31T23:59:59.999999Z");
    str_format_time(text, sizeof(text), INT64_MAX, 60, false);
    assert_string_equal(text, "9999-12-31T23:59:59.999999+01:00");
    str_format_time(text, sizeof(text), INT64_MIN, -60, false);
    assert_string_equal(text, "0000-01-01T00:00:00.000000-01:00");
}

static void the_calendar_is_that_of_gmtime(void **state)
{
    (void)state;
    for (int64_t day = -719528; day < 2932896; day += 101) { /* years 0 to 9999 */
        time_t seconds = (time_t)(day * 86400 + day % 86400 * (day > 0));
        struct tm tm;
        assert_non_null(gmtime_r(&seconds, &tm));
        char expected[80];
        snprintf(expected, sizeof(expected), "%04d-%02d-%02dT%02d:%02d:%02dZ", tm.tm_year + 1900,
                 tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
        char text[STR_TIME_MAX];
        str_format_time(text, sizeof(text), (int64_t)seconds * 1000000, 0, true);
        assert_string_equal(text, expected);
        int64_t back = 0;
        assert_int_equal(str_parse_time(text, &back), 0);
        assert_true(back == (int64_t)seconds * 1000000);
    }
}

static void offsets_and_fractions_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t us;
    } rows[] = {
        { "2023-11-14T22:13:20Z", 1700000000000000 },
        { "2023-11-14t22:13:20.5z", 1700000000500000 },
        { "2023-11-14 23:13:20.1234567+01:00", 1700000000123456 },
        { "2023-11-14T12:43:20-09:30", 1700000000000000 },
        { "2016-12-31T23:59:60Z", 1483228799999999 },
        { "2024-02-29T00:00:00Z", 1709164800000000 },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t us = 0;
        assert_int_equal(str_parse_time(rows[i].text, &us), 0);
        assert_true(us == rows[i].us);
    }
}

static void other_texts_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "2023-11-14",
        "2023-11-14T22:13:20",
        "2023-11-14T22:13Z",
        "2023-13-14T22:13:20Z",
        "2023-00-14T22:13:20Z",
        "2023-02-29T22:13:20Z",
        "1900-02-29T22:13:20Z",
        "2023-11-31T22:13:20Z",
        "2023-11-14T24:13:20Z",
        "2023-11-14T22:60:20Z",
        "2023-11-14T22:13:61Z",
        "2023-11-14T22:13:20.Z",
        "2023-11-14T22:13:20+1:00",
        "2023-11-14T22:13:20+24:00",
        "2023-11-14T22:13:20Zx",
        "2023-11-14x22:13:20Z",
        "23-11-14T22:13:20Z",
        "-023-11-14T22:13:20Z",
    };
    int64_t us = 77;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(str_parse_time(bad[i], &us), BUSBAR_EINVAL);
    }
    char text[] = "2023-11-14T22:13:20.123456+01:00";
    for (size_t length = strlen(text) - 1; length > 0; length--) {
        text[length] = '\0';
        assert_int_equal(str_parse_time(text, &us), BUSBAR_EINVAL);
    }
    assert_int_equal(us, 77);
}

static void random_times_round_trip(void **state)
{
    (void)state;
    uint64_t seed = 23;
    for (int i = 0; i < 5000; i++) {
        int64_t us = (int64_t)(hash_random(&seed) % 253402300800000000);
        int offset = (int)(hash_random(&seed) % 1439) - 719;
        char text[STR_TIME_MAX];
        int64_t back = 0;
        if (us < 86400000000 || us > 253402200000000000) {
            continue;
        }
        str_format_time(text, sizeof(text), us, offset, false);
        assert_int_equal(str_parse_time(text, &back), 0);
        assert_true(back == us);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_written),
        cmocka_unit_test(the_calendar_is_that_of_gmtime),
        cmocka_unit_test(offsets_and_fractions_are_read),
        cmocka_unit_test(other_texts_are_refused),
        cmocka_unit_test(random_times_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
