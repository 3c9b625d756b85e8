/* SPDX-License-Identifier: Apache-2.0 */
/* MessagePack: one of each form of the specification, times, and messages of another encoder. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "unit/payload/msgpack_vectors.h"
#include "unit/payload/tree_print.h"

struct row {
    const char *hex, *meant;
};

static const struct row forms[] = {
    { "00", "0" },
    { "7f", "127" },
    { "e0", "-32" },
    { "ff", "-1" },
    { "c0", "null" },
    { "c2", "false" },
    { "c3", "true" },
    { "ccff", "255" },
    { "cdffff", "65535" },
    { "ceffffffff", "4294967295" },
    { "cf7fffffffffffffff", "9223372036854775807" },
    { "cfffffffffffffffff", "1.8446744073709552e+19" },
    { "d080", "-128" },
    { "d18000", "-32768" },
    { "d280000000", "-2147483648" },
    { "d38000000000000000", "-9223372036854775808" },
    { "ca3fc00000", "1.5" },
    { "cb3ff199999999999a", "1.1" },
    { "a0", "\"\"" },
    { "a3616263", "\"abc\"" },
    { "a2c328", "h'c328'" }, /* bytes of an old encoder */
    { "d903616263", "\"abc\"" },
    { "da0003616263", "\"abc\"" },
    { "db00000003616263", "\"abc\"" },
    { "c4020102", "h'0102'" },
    { "c500020102", "h'0102'" },
    { "c6000000020102", "h'0102'" },
    { "90", "[]" },
    { "93010203", "[1,2,3]" },
    { "dc00020102", "[1,2]" },
    { "dd000000020102", "[1,2]" },
    { "80", "{}" },
    { "82a16101a1629102", "{\"a\":1,\"b\":[2]}" },
    { "de0001a16101", "{\"a\":1}" },
    { "df00000001a16101", "{\"a\":1}" },
    { "830501fbc0cccdc2", "{\"5\":1,\"-5\":null,\"205\":false}" },
    { "82c301cb3ff800000000000002", "{\"true\":1,\"1.5\":2}" },
    { "d40501", "h'01'" },
    { "d5050102", "h'0102'" },
    { "d60501020304", "h'01020304'" },
    { "d7050102030405060708", "h'0102030405060708'" },
    { "d80501020304050607080102030405060708", "h'01020304050607080102030405060708'" },
    /* times */
    { "d6ff00000000", "\"1970-01-01T00:00:00Z\"" },
    { "d6ff674126ce", "\"2024-11-23T00:50:22Z\"" },
    { "c70305010203", "h'010203'" },
    { "c8000305010203", "h'010203'" },
    { "c90000000305010203", "h'010203'" },
    { "d7ff77359400674126ce", "\"2024-11-23T00:50:22.500000Z\"" },
    { "c70cff1dcd650000000000674126ce", "\"2024-11-23T00:50:22.500000Z\"" },
    { "c70cff00000000ffffffffffffffff", "\"1969-12-31T23:59:59Z\"" },
};

static const struct {
    const char *hex, *says;
} wrongs[] = {
    { "", "byte 0: the MessagePack ends" },
    { "c1", "c1" },
    { "91c1", "byte 1" },
    { "0000", "1 bytes follow" },
    { "81a1ff01", "a key that is not UTF-8" },
    { "81c001", "a key that is no text" },
    { "818001", "a key that is no text" },
    { "ddffffffff", "ends in the middle" },
    { "dfffffffff", "ends in the middle" },
    { "dbffffffff", "ends in the middle" },
    { "d4ff00", "4, 8 or 12" },
    { "d7ffffffffff00000000", "that is none" },
    { "c70cff000000007fffffffffffffff", "that is none" },
};

static void one_of_each_form(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        assert_decodes(payload_tree_msgpack, forms[i].hex, forms[i].meant);
    }
}

static void what_is_wrong_is_said(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++) {
        assert_refuses(payload_tree_msgpack, wrongs[i].hex, BUSBAR_EPROTO, wrongs[i].says);
    }
}

static void messages_of_another_encoder(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(msgpack_vectors) / sizeof(msgpack_vectors[0]); i++) {
        assert_decodes(payload_tree_msgpack, msgpack_vectors[i].hex, msgpack_vectors[i].meant);
    }
}

static void every_prefix_and_every_bit(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        assert_robust(payload_tree_msgpack, forms[i].hex);
    }
    for (size_t i = 0; i < sizeof(msgpack_vectors) / sizeof(msgpack_vectors[0]); i++) {
        assert_robust(payload_tree_msgpack, msgpack_vectors[i].hex);
    }
}

static void depth_is_limited(void **state)
{
    (void)state;
    assert_decodes(payload_tree_msgpack, "9191919191919191919191919191919101",
                   "[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]");
    assert_refuses(payload_tree_msgpack, "919191919191919191919191919191919101", BUSBAR_ELIMIT,
                   "nested more than 16");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_of_each_form),
        cmocka_unit_test(what_is_wrong_is_said),
        cmocka_unit_test(messages_of_another_encoder),
        cmocka_unit_test(every_prefix_and_every_bit),
        cmocka_unit_test(depth_is_limited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
