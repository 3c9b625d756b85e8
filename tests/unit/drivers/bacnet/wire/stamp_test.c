/* SPDX-License-Identifier: Apache-2.0 */
/* Dates and times against the C library's calendar, patterns, the three forms of a time stamp. */
#include "wire_rig.h"

#include <time.h>

#include "drivers/bacnet/wire/stamp.h"
#include "support/random.h"

#define US_PER_S INT64_C(1000000)

static void dates_agree_with_the_c_library(void **state)
{
    (void)state;
    struct random random = { 21 };
    for (int i = 0; i < 20000; i++) {
        /* 1900-01-01 to 2154-12-31 */
        int64_t second = -2208988800 + (int64_t)random_below(&random, 8046604800);
        int offset = (int)random_below(&random, 1560) - 780;
        int64_t hundredths = (int64_t)random_below(&random, 100);
        int64_t time_us = second * US_PER_S + hundredths * 10000;
        struct bacnet_datetime at;
        time_t local = (time_t)(second + offset * 60);
        struct tm tm;
        assert_non_null(gmtime_r(&local, &tm));
        int error = bacnet_datetime_of(time_us, offset, &at);
        if (tm.tm_year < 0 || tm.tm_year > 254) {
            assert_int_equal(error, BUSBAR_ERANGE);
            continue;
        }
        assert_int_equal(error, 0);
        assert_int_equal(at.date.year, tm.tm_year);
        assert_int_equal(at.date.month, tm.tm_mon + 1);
        assert_int_equal(at.date.day, tm.tm_mday);
        assert_int_equal(at.date.weekday, tm.tm_wday == 0 ? 7 : tm.tm_wday);
        assert_int_equal(at.time.hour, tm.tm_hour);
        assert_int_equal(at.time.minute, tm.tm_min);
        assert_int_equal(at.time.second, tm.tm_sec);
        assert_int_equal(at.time.hundredth, hundredths);
        int64_t back;
        assert_int_equal(bacnet_datetime_us(&at, offset, &back), 0);
        assert_true(back == time_us);
    }
}

static void only_full_dates_are_times(void **state)
{
    (void)state;
    struct bacnet_datetime at = { { 126, 11, 22, 7 }, { 10, 44, 8, 25 } };
    int64_t time_us;
    assert_int_equal(bacnet_datetime_us(&at, 60, &time_us), 0);
    assert_true(time_us == INT64_C(1795340648250000)); /* 2026-11-22T09:44:08.25Z */
    at.date.weekday = 255;                             /* not needed */
    at.time.hundredth = 255;
    assert_int_equal(bacnet_datetime_us(&at, 60, &time_us), 0);
    assert_true(time_us == INT64_C(1795340648000000));
    static const struct bacnet_datetime bad[] = {
        { { 255, 11, 22, 7 }, { 10, 44, 8, 0 } },  { { 126, 255, 22, 7 }, { 10, 44, 8, 0 } },
        { { 126, 13, 22, 7 }, { 10, 44, 8, 0 } },  { { 126, 11, 31, 7 }, { 10, 44, 8, 0 } },
        { { 126, 2, 29, 7 }, { 10, 44, 8, 0 } },   { { 126, 11, 0, 7 }, { 10, 44, 8, 0 } },
        { { 126, 11, 22, 7 }, { 24, 44, 8, 0 } },  { { 126, 11, 22, 7 }, { 10, 60, 8, 0 } },
        { { 126, 11, 22, 7 }, { 10, 44, 60, 0 } }, { { 126, 11, 22, 7 }, { 10, 44, 8, 100 } },
        { { 126, 11, 32, 7 }, { 10, 44, 8, 0 } },  { { 126, 11, 22, 7 }, { 10, 255, 8, 0 } },
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        time_us = 7;
        assert_int_equal(bacnet_datetime_us(&bad[i], 0, &time_us), BUSBAR_ERANGE);
        assert_true(time_us == 7);
        assert_false(bacnet_datetime_is_unset(&bad[i]));
    }
    at = (struct bacnet_datetime){ { 128, 2, 29, 2 }, { 0, 0, 0, 0 } }; /* a leap year */
    assert_int_equal(bacnet_datetime_us(&at, 0, &time_us), 0);
    memset(&at, 255, sizeof(at));
    assert_true(bacnet_datetime_is_unset(&at));
    assert_int_equal(bacnet_datetime_of(INT64_MAX, 0, &at), BUSBAR_ERANGE);
    assert_int_equal(bacnet_datetime_of(INT64_MIN, 0, &at), BUSBAR_ERANGE);
}

static int again(struct bytes *in, struct bytes_out *out)
{
    struct bacnet_stamp stamp = bacnet_get_stamp(in);
    if (bytes_short(in) || bytes_left(in) > 0) {
        return BUSBAR_EPROTO;
    }
    bacnet_put_stamp(out, &stamp);
    assert_true(bytes_out_size(out) <= BACNET_STAMP_MAX);
    return 0;
}

static void stamps_have_three_forms(void **state)
{
    (void)state;
    static const struct codec_vector stamps[] = {
        { "21 a time", "0C 0D032909", again, CODEC_WHOLE },
        { "21 a sequence number", "19 10", again, CODEC_WHOLE },
        { "21 a date and time", "2E A4 5C0B11FF B4 162D1E46 2F", again, CODEC_WHOLE },
    };
    for (size_t i = 0; i < 3; i++) {
        codec_vector_holds(&stamps[i]);
        codec_flips(&stamps[i]);
    }
    assert_int_equal(wire_error(again, "1B 010000"), BUSBAR_EPROTO); /* over 65535 */
    assert_int_equal(wire_error(again, "39 05"), BUSBAR_EPROTO);
}

static void stamps_compare_what_they_say(void **state)
{
    (void)state;
    struct bacnet_stamp a = { .kind = BACNET_STAMP_SEQUENCE, .sequence = 5 };
    struct bacnet_stamp b = { .kind = BACNET_STAMP_TIME };
    assert_false(bacnet_stamp_equal(&a, &b));
    b = a;
    assert_true(bacnet_stamp_equal(&a, &b));
    b.sequence = 6;
    assert_false(bacnet_stamp_equal(&a, &b));
    a = (struct bacnet_stamp){ .kind = BACNET_STAMP_DATETIME };
    b = a;
    b.at.date.day = 3;
    assert_false(bacnet_stamp_equal(&a, &b));
    a.kind = b.kind = BACNET_STAMP_TIME; /* the date is not looked at */
    assert_true(bacnet_stamp_equal(&a, &b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dates_agree_with_the_c_library),
        cmocka_unit_test(only_full_dates_are_times),
        cmocka_unit_test(stamps_have_three_forms),
        cmocka_unit_test(stamps_compare_what_they_say),
    };
    return cmocka_run_group_tests_name("stamp", tests, NULL, NULL);
}
