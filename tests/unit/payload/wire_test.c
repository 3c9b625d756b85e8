/* SPDX-License-Identifier: Apache-2.0 */
/* The wire format of Protobuf: each kind, groups, what is no field; what is put is read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/str.h"
#include "payload/wire.h"

static struct bytes from_hex(const char *hex)
{
    uint8_t data[400];
    size_t size = strlen(hex) / 2;
    for (size_t i = 0; i < size; i++) {
        data[i] = (uint8_t)(str_hex_digit(hex[2 * i]) << 4 | str_hex_digit(hex[2 * i + 1]));
    }
    return bytes_dup(data, size);
}

static void each_kind_is_read(void **state)
{
    (void)state;
    struct bytes in = from_hex("089601"             /* 1: 150 */
                               "110000000000004540" /* 2: 42.0 */
                               "1a03616263"         /* 3: "abc" */
                               "23280124"           /* 4: a group */
                               "2d0000c03f"         /* 5: 1.5 as float */
                               "f8ffffff0f01");     /* the greatest number */
    struct payload_wire field;
    assert_int_equal(payload_wire_next(&in, &field), 1);
    assert_true(field.number == 1 && field.kind == WIRE_VARINT && field.value == 150);
    assert_int_equal(payload_wire_next(&in, &field), 1);
    assert_true(field.number == 2 && payload_wire_double(field.value) == 42.0);
    assert_int_equal(payload_wire_next(&in, &field), 1);
    assert_true(field.number == 3 && bytes_left(&field.data) == 3 &&
                memcmp(field.data.at, "abc", 3) == 0);
    assert_int_equal(payload_wire_next(&in, &field), 1);
    assert_true(field.number == 4 && field.kind == WIRE_GROUP);
    assert_int_equal(payload_wire_next(&in, &field), 1);
    assert_true(field.number == 5 && payload_wire_float(field.value) == 1.5);
    assert_int_equal(payload_wire_next(&in, &field), 1);
    assert_true(field.number == (1 << 29) - 1 && field.value == 1);
    assert_int_equal(payload_wire_next(&in, &field), 0);
    bytes_fini(&in);
}

static void what_is_no_field_is_told(void **state)
{
    static const char *const hexes[] = {
        "00",                       /* number 0 */
        "08",                       /* no value */
        "0880",                     /* half a value */
        "08ffffffffffffffffffff01", /* more than 64 bits */
        "0900000000000000",         /* seven bytes of eight */
        "0d000000",                 /* three of four */
        "0a02ff",                   /* one of two */
        "0affffffffffffffffff01",   /* bytes without end */
        "0b",                       /* a group without end */
        "0b14",                     /* with the end of another */
        "0c",                       /* an end alone */
        "0e",                       /* kind 6 */
        "0f",                       /* kind 7 */
        "80808080100a",             /* a number that is too great */
        "80808080808080808080",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(hexes) / sizeof(hexes[0]); i++) {
        struct bytes in = from_hex(hexes[i]);
        struct payload_wire field;
        if (payload_wire_next(&in, &field) != BUSBAR_EPROTO) {
            fail_msg("%s is a field", hexes[i]);
        }
        assert_int_equal(bytes_offset(&in), 0); /* it says where */
        bytes_fini(&in);
    }
}

static void groups_are_nested_so_deep_only(void **state)
{
    (void)state;
    for (int depth = 1; depth <= WIRE_GROUPS_MAX + 1; depth++) {
        uint8_t data[2 * (WIRE_GROUPS_MAX + 1)];
        struct payload_wire field;
        memset(data, 0x0b, (size_t)depth);
        memset(data + depth, 0x0c, (size_t)depth);
        struct bytes in = bytes_dup(data, 2 * (size_t)depth);
        assert_int_equal(payload_wire_next(&in, &field),
                         depth <= WIRE_GROUPS_MAX ? 1 : BUSBAR_EPROTO);
        bytes_fini(&in);
    }
}

static void what_is_put_is_read(void **state)
{
    (void)state;
    struct buf out;
    struct payload_wire field;
    buf_init(&out, 1000);
    payload_wire_put_varint(&out, 1, UINT64_MAX);
    payload_wire_put_double(&out, 2, -2.5);
    payload_wire_put_bytes(&out, 300, "xyz", 3);
    payload_wire_put_float(&out, 5, 0.5F);
    payload_wire_put_bytes(&out, 6, "", 0);
    struct bytes in = bytes_dup(out.data, out.size);
    assert_int_equal(payload_wire_next(&in, &field), 1);
    assert_true(field.value == UINT64_MAX && payload_wire_zigzag(field.value) == INT64_MIN);
    assert_int_equal(payload_wire_next(&in, &field), 1);
    assert_true(payload_wire_double(field.value) == -2.5);
    assert_int_equal(payload_wire_next(&in, &field), 1);
    assert_true(field.number == 300 && bytes_left(&field.data) == 3);
    assert_int_equal(payload_wire_next(&in, &field), 1);
    assert_true(payload_wire_float(field.value) == 0.5);
    assert_int_equal(payload_wire_next(&in, &field), 1);
    assert_true(field.number == 6 && bytes_left(&field.data) == 0);
    assert_int_equal(payload_wire_next(&in, &field), 0);
    bytes_fini(&in);
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_is_read),
        cmocka_unit_test(what_is_no_field_is_told),
        cmocka_unit_test(groups_are_nested_so_deep_only),
        cmocka_unit_test(what_is_put_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
