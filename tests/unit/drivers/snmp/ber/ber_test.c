/* SPDX-License-Identifier: Apache-2.0 */
/* BER: lengths, tags and integers as agents send them, and as we do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/snmp/ber/ber.h"

static struct bytes of(const char *octets, size_t size)
{
    return bytes_of(octets, size);
}
#define OF(octets) of((octets), sizeof(octets) - 1)

static void lengths(void **state)
{
    (void)state;
    struct bytes content;
    struct bytes in = OF("\x04\x02xy");
    assert_int_equal(ber_get(&in, &content), BER_OCTETS);
    assert_int_equal(bytes_left(&content), 2);
    assert_int_equal(bytes_left(&in), 0);
    in = OF("\x04\x81\x02xy"); /* longer than needed */
    assert_int_equal(ber_get(&in, &content), BER_OCTETS);
    assert_int_equal(bytes_left(&content), 2);
    in = OF("\x04\x84\x00\x00\x00\x02xy");
    assert_int_equal(ber_get(&in, &content), BER_OCTETS);
    assert_memory_equal(content.at, "xy", 2);
}

static void what_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *octets;
        size_t size;
    } rows[] = {
        { "", 0 },
        { "\x04", 1 },
        { "\x04\x02x", 3 },
        { "\x30\x80\x00\x00", 4 },             /* indefinite */
        { "\x04\x85\x00\x00\x00\x00\x00", 7 }, /* five octets of length */
        { "\x04\x82\x01", 3 },                 /* a length that is cut */
        { "\x1f\x01\x00", 3 },                 /* a tag of two octets */
        { "\x04\x84\xff\xff\xff\xff", 6 },     /* more than there is */
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct bytes content, in = bytes_dup(rows[i].octets, rows[i].size);
        struct bytes start = in;
        assert_int_equal(ber_get(&in, &content), 0);
        assert_true(bytes_short(&in));
        assert_int_equal(bytes_left(&content), 0);
        assert_int_equal(ber_get(&in, &content), 0); /* it stays failed */
        bytes_fini(&start);
    }
    struct bytes in = OF("\x04\x01x");
    (void)ber_get_of(&in, BER_INTEGER);
    assert_true(bytes_short(&in));
}

static void integers_that_came(void **state)
{
    (void)state;
    static const struct {
        const char *content;
        size_t size;
        bool good;
        int64_t value;
        bool unsigned_good;
        uint64_t unsigned_value;
    } rows[] = {
        { "", 0, false, 0, false, 0 },
        { "\x00", 1, true, 0, true, 0 },
        { "\x7f", 1, true, 127, true, 127 },
        { "\x00\x80", 2, true, 128, true, 128 },
        { "\x00\x00\x00\x01", 4, true, 1, true, 1 }, /* longer than needed */
        { "\x80", 1, true, -128, true, 4294967168U },
        { "\xff\xff\xff\xff", 4, true, -1, true, UINT32_MAX }, /* the 0 before it is missing */
        { "\x00\xff\xff\xff\xff", 5, true, UINT32_MAX, true, UINT32_MAX },
        { "\x80\x00\x00\x00\x00\x00\x00\x00", 8, true, INT64_MIN, true, 0x8000000000000000U },
        { "\x00\xff\xff\xff\xff\xff\xff\xff\xff", 9, false, 0, true, UINT64_MAX },
        { "\x01\xff\xff\xff\xff\xff\xff\xff\xff", 9, false, 0, false, 0 },
        { "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01", 10, false, 0, false, 0 },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t number;
        uint64_t natural;
        struct bytes content = of(rows[i].content, rows[i].size);
        assert_int_equal(ber_int(content, &number), rows[i].good);
        assert_int_equal(number, rows[i].value);
        assert_int_equal(ber_uint(content, &natural), rows[i].unsigned_good);
        assert_true(natural == rows[i].unsigned_value);
    }
}

static void only_32_bits_where_32_are_meant(void **state)
{
    (void)state;
    struct bytes in = OF("\x02\x04\x7f\xff\xff\xff");
    assert_int_equal(ber_get_i32(&in), INT32_MAX);
    in = OF("\x02\x05\x00\x80\x00\x00\x00");
    assert_int_equal(ber_get_i32(&in), 0);
    assert_true(bytes_short(&in));
}

static void every_integer_comes_back(void **state)
{
    (void)state;
    uint8_t room[16];
    for (int shift = 0; shift < 64; shift++) {
        for (int near = -2; near <= 2; near++) {
            uint64_t natural = ((uint64_t)1 << shift) + (uint64_t)near, natural_back;
            int64_t number = (int64_t)natural, number_back;
            struct bytes content;
            struct ber_out out = ber_out_of(room, sizeof(room));
            ber_put_i64(&out, BER_INTEGER, number);
            struct bytes in = bytes_of(out.at, ber_out_size(&out));
            assert_int_equal(ber_get(&in, &content), BER_INTEGER);
            assert_true(ber_int(content, &number_back) && number_back == number);
            bool padded = bytes_left(&content) > 1 &&
                          ((content.at[0] == 0 && content.at[1] < 0x80) ||
                           (content.at[0] == 0xff && content.at[1] >= 0x80));
            assert_false(padded); /* minimal */

            out = ber_out_of(room, sizeof(room));
            ber_put_u64(&out, BER_COUNTER64, natural);
            in = bytes_of(out.at, ber_out_size(&out));
            assert_int_equal(ber_get(&in, &content), BER_COUNTER64);
            assert_true(ber_uint(content, &natural_back) && natural_back == natural);
            assert_true(content.at[0] < 0x80);
        }
    }
}

static void lengths_of_what_is_written(void **state)
{
    (void)state;
    static const size_t sizes[] = { 0, 1, 127, 128, 255, 256, 65535 };
    static uint8_t data[65535], room[65535 + 4];
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        size_t head = sizes[i] < 128 ? 2 : sizes[i] < 256 ? 3 : 4;
        struct ber_out out = ber_out_of(room, sizes[i] + head);
        ber_put_octets(&out, BER_OCTETS, data, sizes[i]);
        assert_false(out.failed);
        assert_int_equal(ber_out_size(&out), sizes[i] + head);
        struct bytes in = bytes_of(out.at, ber_out_size(&out));
        struct bytes content = ber_get_octets(&in);
        assert_false(bytes_short(&in));
        assert_int_equal(bytes_left(&content), sizes[i]);
    }
}

static void too_little_room_is_told_and_stays(void **state)
{
    (void)state;
    static const uint8_t name[] = { 0x2b, 6, 1 };
    for (size_t room = 0; room < 12; room++) {
        uint8_t *data = malloc(room + 1);
        assert_non_null(data);
        struct ber_out out = ber_out_of(data, room);
        const uint8_t *mark = ber_mark(&out);
        ber_put_empty(&out, BER_NULL);
        ber_put_oid(&out, (struct snmp_oid){ name, sizeof(name) });
        ber_put_head(&out, BER_SEQUENCE, mark);
        assert_int_equal(out.failed, room < 9);
        ber_put_i64(&out, BER_INTEGER, 1); /* 3 octets more */
        assert_int_equal(out.failed, room < 12);
        assert_true(ber_out_size(&out) <= room);
        free(data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lengths),
        cmocka_unit_test(what_is_refused),
        cmocka_unit_test(integers_that_came),
        cmocka_unit_test(only_32_bits_where_32_are_meant),
        cmocka_unit_test(every_integer_comes_back),
        cmocka_unit_test(lengths_of_what_is_written),
        cmocka_unit_test(too_little_room_is_told_and_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
