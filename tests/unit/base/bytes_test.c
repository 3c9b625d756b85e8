/* SPDX-License-Identifier: Apache-2.0 */
/* Every getter against its twin, every prefix of a good message, varints at their edges. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <float.h>
#include <string.h>

#include "base/bytes.h"

static void put_all(struct bytes_out *out)
{
    bytes_put_u8(out, 0x12);
    bytes_put_u16(out, 0x1234);
    bytes_put_u16le(out, 0x1234);
    bytes_put_u24(out, 0x123456);
    bytes_put_u32(out, 0x12345678);
    bytes_put_u32le(out, 0x12345678);
    bytes_put_u64(out, 0x123456789abcdef0);
    bytes_put_u64le(out, 0x123456789abcdef0);
    bytes_put_i64(out, INT64_MIN);
    bytes_put_i64le(out, -2);
    bytes_put_f32(out, 1.5f);
    bytes_put_f64(out, -DBL_MAX);
    bytes_put_f64le(out, 0.1);
    bytes_put_varint(out, 300);
    bytes_put_varint_signed(out, -65);
    bytes_put_block(out, "abc", 3);
}

static void get_all(struct bytes *in)
{
    assert_int_equal(bytes_get_u8(in), 0x12);
    assert_int_equal(bytes_get_u16(in), 0x1234);
    assert_int_equal(bytes_get_u16le(in), 0x1234);
    assert_int_equal(bytes_get_u24(in), 0x123456);
    assert_int_equal(bytes_get_u32(in), 0x12345678);
    assert_int_equal(bytes_get_u32le(in), 0x12345678);
    assert_true(bytes_get_u64(in) == 0x123456789abcdef0);
    assert_true(bytes_get_u64le(in) == 0x123456789abcdef0);
    assert_true(bytes_get_i64(in) == INT64_MIN);
    assert_true(bytes_get_i64le(in) == -2);
    assert_true(bytes_get_f32(in) == 1.5f);
    assert_true(bytes_get_f64(in) == -DBL_MAX);
    assert_true(bytes_get_f64le(in) == 0.1);
    assert_int_equal(bytes_get_varint(in), 300);
    assert_int_equal(bytes_get_varint_signed(in), -65);
    assert_memory_equal(bytes_get_block(in, 3), "abc", 3);
}

static void what_is_put_is_got(void **state)
{
    (void)state;
    uint8_t data[200];
    struct bytes_out out = bytes_out_of(data, sizeof(data));
    put_all(&out);
    assert_int_equal(data[1], 0x12);
    assert_int_equal(data[3], 0x34);
    size_t size = bytes_out_size(&out);
    assert_int_equal(bytes_out_left(&out), sizeof(data) - size);
    struct bytes in = bytes_dup(data, size);
    get_all(&in);
    assert_false(bytes_short(&in));
    assert_int_equal(bytes_left(&in), 0);
    assert_int_equal(bytes_offset(&in), size);
    bytes_fini(&in);
}

/* The same walk as get_all(), without looking at the values. */
static void walk(struct bytes *in)
{
    (void)bytes_get_u8(in);
    (void)bytes_get_i16(in);
    (void)bytes_get_u16le(in);
    (void)bytes_get_u24(in);
    (void)bytes_get_i32(in);
    (void)bytes_get_u32le(in);
    (void)bytes_get_u64(in);
    (void)bytes_get_u64le(in);
    (void)bytes_get_i64(in);
    (void)bytes_get_i64le(in);
    (void)bytes_get_f32(in);
    (void)bytes_get_f64(in);
    (void)bytes_get_f64le(in);
    (void)bytes_get_varint(in);
    (void)bytes_get_varint_signed(in);
    char text[3];
    bytes_get_copy(in, text, sizeof(text));
}

static void every_prefix_is_short(void **state)
{
    (void)state;
    uint8_t data[200];
    struct bytes_out out = bytes_out_of(data, sizeof(data));
    put_all(&out);
    for (size_t size = 0; size < bytes_out_size(&out); size++) {
        struct bytes in = bytes_dup(data, size);
        walk(&in);
        assert_true(bytes_short(&in));
        assert_int_equal(bytes_get_u8(&in), 0); /* sticky, though a byte may be left */
        bytes_fini(&in);
    }
}

static void a_part_is_bounded(void **state)
{
    (void)state;
    struct bytes in = bytes_of("abcdef", 6);
    struct bytes part = bytes_get_bytes(&in, 4);
    bytes_skip(&part, 4);
    assert_int_equal(bytes_get_u8(&part), 0);
    assert_true(bytes_short(&part));
    assert_false(bytes_short(&in));
    assert_int_equal(bytes_get_u8(&in), 'e');
    part = bytes_get_bytes(&in, 2);
    assert_true(bytes_short(&part));
    assert_true(bytes_short(&in));
    struct bytes empty = bytes_of(NULL, 0);
    assert_int_equal(bytes_left(&empty), 0);
    assert_null(bytes_get_block(&empty, 1));
    struct bytes failed = bytes_of("a", 1);
    bytes_fail(&failed);
    assert_null(bytes_get_block(&failed, 0));
}

static void varints_round_trip(void **state)
{
    (void)state;
    for (unsigned bit = 0; bit < 64; bit++) {
        for (int off = -1; off <= 1; off++) {
            uint64_t value = (UINT64_C(1) << bit) + (uint64_t)(int64_t)off;
            uint8_t data[BYTES_VARINT_MAX];
            struct bytes_out out = bytes_out_of(data, sizeof(data));
            bytes_put_varint(&out, value);
            assert_int_equal(bytes_out_size(&out), bytes_varint_size(value));
            struct bytes in = bytes_dup(data, bytes_out_size(&out));
            assert_true(bytes_get_varint(&in) == value);
            assert_false(bytes_short(&in));
            bytes_fini(&in);
            assert_true(bytes_unzigzag(bytes_zigzag((int64_t)value)) == (int64_t)value);
        }
    }
    assert_int_equal(bytes_zigzag(0), 0);
    assert_int_equal(bytes_zigzag(-1), 1);
    assert_int_equal(bytes_zigzag(1), 2);
    assert_true(bytes_zigzag(INT64_MIN) == UINT64_MAX);
}

static void a_varint_over_64_bits_fails(void **state)
{
    (void)state;
    static const uint8_t eleven[] = {
        0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0
    };
    static const uint8_t wide[] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02 };
    static const uint8_t full[] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01 };
    struct bytes in = bytes_of(eleven, sizeof(eleven));
    assert_int_equal(bytes_get_varint(&in), 0);
    assert_true(bytes_short(&in));
    in = bytes_of(wide, sizeof(wide));
    (void)bytes_get_varint(&in);
    assert_true(bytes_short(&in));
    in = bytes_of(full, sizeof(full));
    assert_true(bytes_get_varint(&in) == UINT64_MAX);
    assert_false(bytes_short(&in));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_put_is_got),          cmocka_unit_test(every_prefix_is_short),
        cmocka_unit_test(a_part_is_bounded),           cmocka_unit_test(varints_round_trip),
        cmocka_unit_test(a_varint_over_64_bits_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
