/* SPDX-License-Identifier: Apache-2.0 */
/* DISPLAY-HINT both ways: the examples of RFC 2579, 3.1, those of common conventions, and hints that are none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "drivers/snmp/mib/hint.h"

enum { TEXT_MAX = 4096 };

struct int_case {
    const char *hint;
    int64_t value;
    const char *text;
};

static const struct int_case ints[] = {
    { "d", 1234, "1234" },
    { "d", -7, "-7" },
    { "d-2", 1234, "12.34" },
    { "d-2", 5, "0.05" },
    { "d-2", -5, "-0.05" },
    { "d-1", 0, "0.0" },
    { "d-18", INT64_MAX, "9.223372036854775807" },
    { "d", INT64_MIN, "-9223372036854775808" },
    { "x", 255, "ff" },
    { "o", 8, "10" },
    { "b", 5, "101" },
};

static void integers_both_ways(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(ints) / sizeof(ints[0]); i++) {
        struct buf text;
        int64_t back = 0;
        buf_init(&text, TEXT_MAX);
        assert_true(mib_hint_int(ints[i].hint, ints[i].value, &text));
        assert_string_equal(buf_text(&text), ints[i].text);
        assert_int_equal(mib_hint_parse_int(ints[i].hint, ints[i].text, &back), 0);
        assert_true(back == ints[i].value);
        buf_fini(&text);
    }
}

static void integers_as_people_write_them(void **state)
{
    (void)state;
    int64_t value = 0;
    assert_int_equal(mib_hint_parse_int("d-2", "12", &value), 0);
    assert_int_equal(value, 1200);
    assert_int_equal(mib_hint_parse_int("d-2", "12.3", &value), 0);
    assert_int_equal(value, 1230);
    assert_int_equal(mib_hint_parse_int("d-2", "12.300", &value), 0);
    assert_int_equal(value, 1230);
    assert_int_equal(mib_hint_parse_int("d-2", "12.345", &value), BUSBAR_ERANGE);
    assert_int_equal(mib_hint_parse_int("d", "9223372036854775808", &value), BUSBAR_ERANGE);
    assert_int_equal(mib_hint_parse_int("d", "99999999999999999999999", &value), BUSBAR_ERANGE);
    static const char *const bad[] = { "", "-", ".", "1.", "x", "1x", " 1", "1 ", "--1", "1.2.3" };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(mib_hint_parse_int("d-2", bad[i], &value), BUSBAR_EINVAL);
    }
}

static void divisors(void **state)
{
    (void)state;
    assert_true(mib_hint_divisor("d-2") == 100);
    assert_true(mib_hint_divisor("d-1") == 10);
    assert_true(mib_hint_divisor("d") == 1);
    assert_true(mib_hint_divisor("x") == 1);
    assert_true(mib_hint_divisor("") == 1);
    assert_true(mib_hint_divisor("255a") == 1);
}

static void what_is_no_hint_of_integers(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "", "255a", "d-", "d-x", "d2", "d-19", "xx", "d-0x2", "1x:"
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct buf text;
        int64_t value;
        buf_init(&text, TEXT_MAX);
        assert_false(mib_hint_int(bad[i], 1, &text));
        assert_int_equal(text.size, 0);
        assert_int_equal(mib_hint_parse_int(bad[i], "1", &value), BUSBAR_EINVAL);
        buf_fini(&text);
    }
}

struct octet_case {
    const char *hint;
    const char *octets;
    size_t size;
    const char *text;
};

static const struct octet_case octets[] = {
    { "255a", "Hello", 5, "Hello" },
    { "255t", "Z\xc3\xbcrich", 7, "Z\xc3\xbcrich" },
    { "1x:", "\x00\x1a\x2b\x3c\x4d\x5e", 6, "00:1a:2b:3c:4d:5e" },
    { "1d.1d.1d.1d", "\x0a\x00\x00\x01", 4, "10.0.0.1" },
    { "1d.1d.1d.1d/2d", "\x0a\x00\x00\x01\x00\xa1", 6, "10.0.0.1/161" },
    { "1d.1d.1d.1d%4d", "\x0a\x00\x00\x01\x00\x00\x00\x02", 8, "10.0.0.1%2" },
    { "2x:2x:2x:2x:2x:2x:2x:2x", "\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\x01", 16,
      "fe80:0:0:0:0:0:0:1" },
    /* RFC 2579, DateAndTime: Tuesday May 26, 1992 at 1:30:15 PM EDT */
    { "2d-1d-1d,1d:1d:1d.1d,1a1d:1d", "\x07\xc8\x05\x1a\x0d\x1e\x0f\x00-\x04\x00", 11,
      "1992-5-26,13:30:15.0,-4:0" },
    { "2d-1d-1d,1d:1d:1d.1d,1a1d:1d", "\x07\xc8\x05\x1a\x0d\x1e\x0f\x00", 8,
      "1992-5-26,13:30:15.0" },
    { "*1x:/1x:", "\x02\xaa\xbb\xcc", 4, "aa:bb/cc" },
    { "2x", "\x00\x01\x00\x02", 4, "00010002" },
    { "4x ", "\x00\x00\x00\x01\xff\xff\xff\xff", 8, "1 ffffffff" },
    { "1o ", "\x08\x09", 2, "10 11" },
    { "20x", "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14", 20,
      "0102030405060708090a0b0c0d0e0f1011121314" },
    { "255a", "", 0, "" },
};

static void octets_both_ways(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(octets) / sizeof(octets[0]); i++) {
        struct buf text;
        struct buf back;
        buf_init(&text, TEXT_MAX);
        buf_init(&back, TEXT_MAX);
        assert_true(mib_hint_octets(octets[i].hint, (const uint8_t *)octets[i].octets,
                                    octets[i].size, &text));
        assert_string_equal(buf_text(&text), octets[i].text);
        assert_int_equal(mib_hint_parse_octets(octets[i].hint, octets[i].text, &back), 0);
        assert_int_equal(back.size, octets[i].size);
        if (back.size > 0) {
            assert_memory_equal(back.data, octets[i].octets, back.size);
        }
        buf_fini(&text);
        buf_fini(&back);
    }
}

static void what_cannot_be_shown(void **state)
{
    (void)state;
    static const struct octet_case bad[] = {
        { "255a", "\x01\x02", 2, NULL },  /* control characters */
        { "255a", "\xff\xfe", 2, NULL },  /* no UTF-8 */
        { "9d", "123456789", 9, NULL },   /* a number over 64 bits */
        { "", "a", 1, NULL },             /* no hint */
        { "0a", "a", 1, NULL },           /* it would never end */
        { "a", "a", 1, NULL },            /* no length */
        { "1", "a", 1, NULL },            /* no format */
        { "1q", "a", 1, NULL },           /* unknown format */
        { "99999999999a", "a", 1, NULL }, /* a length that is too big */
        { "d-2", "a", 1, NULL },          /* of integers */
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct buf text;
        buf_init(&text, TEXT_MAX);
        assert_false(
            mib_hint_octets(bad[i].hint, (const uint8_t *)bad[i].octets, bad[i].size, &text));
        assert_int_equal(text.size, 0);
        buf_fini(&text);
    }
}

static void texts_that_do_not_fit(void **state)
{
    (void)state;
    static const struct {
        const char *hint, *text;
        int error;
    } bad[] = {
        { "1x:", "00:1g", BUSBAR_EINVAL },
        { "1x:", "00:", BUSBAR_EINVAL },
        { "1x:", "123:00", BUSBAR_ERANGE },
        { "1d.1d.1d.1d", "10.0.0.256", BUSBAR_ERANGE },
        { "1d.1d.1d.1d", "10,0", BUSBAR_EINVAL },
        { "*1x:/1x:", "aa:/bb", BUSBAR_EINVAL },
        { "", "a", BUSBAR_EINVAL },
        { "0a", "a", BUSBAR_EINVAL },
        { "2d", "65536", BUSBAR_ERANGE },
        { "8d", "18446744073709551616", BUSBAR_ERANGE },
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct buf out;
        buf_init(&out, TEXT_MAX);
        assert_int_equal(mib_hint_parse_octets(bad[i].hint, bad[i].text, &out), bad[i].error);
        assert_int_equal(out.size, 0);
        buf_fini(&out);
    }
}

static void a_small_buffer_is_an_error(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 3);
    assert_false(mib_hint_octets("255a", (const uint8_t *)"Hello", 5, &out));
    buf_fini(&out);
    buf_init(&out, 3);
    assert_int_equal(mib_hint_parse_octets("255a", "Hello", &out), BUSBAR_ELIMIT);
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_both_ways),
        cmocka_unit_test(integers_as_people_write_them),
        cmocka_unit_test(divisors),
        cmocka_unit_test(what_is_no_hint_of_integers),
        cmocka_unit_test(octets_both_ways),
        cmocka_unit_test(what_cannot_be_shown),
        cmocka_unit_test(texts_that_do_not_fit),
        cmocka_unit_test(a_small_buffer_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
