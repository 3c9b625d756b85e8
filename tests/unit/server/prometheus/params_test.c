/* SPDX-License-Identifier: Apache-2.0 */
#include "server/prometheus/params.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "server/prometheus/prometheus.h"

static void times_are_exact(void **state)
{
    static const struct {
        const char *text;
        int64_t us;
    } cases[] = {
        { "0", 0 },
        { "1700000000", 1700000000000000 },
        { "1700000000.123", 1700000000123000 },
        { "1700000000.1234567", 1700000000123456 },
        { "-1.5", -1500000 },
        { "1.7e9", 1700000000000000 },
        { "1700000000.", 1700000000000000 },
        { "2023-11-14T22:13:20Z", 1700000000000000 },
        { "2023-11-14T23:13:20.5+01:00", 1700000000500000 },
        { "-292273086-05-16T16:47:06Z", INT64_C(-1000000000000000000) },
        { "292277025-08-18T07:12:54.999999999Z", INT64_C(1000000000000000000) },
    };
    static const char *const wrong[] = {
        "",   "x",    "1x",   "--1", "NaN", "Inf", "1e300", "now", "-1h",
        "1 ", "0x10", "1..2", "-",   ".",   "1,5", "1e",    "+-1", "1700000000000000000000"
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t us = 1;
        assert_int_equal(prometheus_parse_time(cases[i].text, &us), 0);
        assert_int_equal(us, cases[i].us);
    }
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        int64_t us = 7;
        if (prometheus_parse_time(wrong[i], &us) != BUSBAR_EINVAL || us != 7) {
            fail_msg("'%s' was taken", wrong[i]);
        }
    }
}

static void durations_are_seconds_or_units(void **state)
{
    static const struct {
        const char *text;
        int64_t us;
    } cases[] = {
        { "15", 15000000 },  { "0.5", 500000 },   { "1h30m", INT64_C(5400000000) },
        { "5m", 300000000 }, { "100ms", 100000 }, { "0", 0 },
    };
    static const char *const wrong[] = { "", "x", "-1", "-5m", "5 m", "m5", "1e99" };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t us = 1;
        assert_int_equal(prometheus_parse_duration(cases[i].text, &us), 0);
        assert_int_equal(us, cases[i].us);
    }
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        int64_t us = 7;
        if (prometheus_parse_duration(wrong[i], &us) != BUSBAR_EINVAL || us != 7) {
            fail_msg("'%s' was taken", wrong[i]);
        }
    }
}

static void escaped_names_come_back(void **state)
{
    static const char *const cases[][2] = {
        { "job", "job" },
        { "U__a_2e_b", "a.b" },
        { "U__a__b", "a_b" },
        { "U__room_20_1", "room 1" },
        { "U___e9_t_e9_", "\xc3\xa9t\xc3\xa9" },
        { "U___1f600_", "\xf0\x9f\x98\x80" },
        { "U__a_2z_b", "U__a_2z_b" },
        { "U__a_2e", "U__a_2e" },
        { "U__a_", "U__a_" },
        { "U___110000_", "U___110000_" },
        { "U___0_", "U___0_" },
        { "U__", "" },
    };
    char name[64];
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        prometheus_unescape_name(cases[i][0], name, sizeof(name));
        assert_string_equal(name, cases[i][1]);
    }
    char small[8]; /* never over its end */
    prometheus_unescape_name("U__abcdefghijklmnop", small, sizeof(small));
    assert_true(strlen(small) < sizeof(small));
}

static void syntax_is_worded_as_prometheus_does(void **state)
{
    struct err err = { .code = BUSBAR_ESYNTAX, .line = 1, .column = 5, .message = "unclosed" };
    (void)state;
    prometheus_word_syntax(&err, "query");
    assert_string_equal(err.message, "invalid parameter \"query\": 1:5: parse error: unclosed");
    err = (struct err){ .code = BUSBAR_ESYNTAX, .message = "nothing" };
    prometheus_word_syntax(&err, NULL);
    assert_string_equal(err.message, "unknown position: parse error: nothing");
    err = (struct err){ .code = BUSBAR_EINVAL, .message = "other" };
    prometheus_word_syntax(&err, "query");
    assert_string_equal(err.message, "other");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_exact),
        cmocka_unit_test(durations_are_seconds_or_units),
        cmocka_unit_test(escaped_names_come_back),
        cmocka_unit_test(syntax_is_worded_as_prometheus_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
