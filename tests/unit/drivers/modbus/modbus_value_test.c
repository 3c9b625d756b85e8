/* SPDX-License-Identifier: Apache-2.0 */
/* Registers <-> values: known bytes for all types and orders, a naive twin, what cannot be a value. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/err.h"
#include "base/hash.h"
#include "drivers/modbus/modbus_value.h"
#include "model/quality.h"

static struct modbus_address shape(uint8_t type, uint8_t order)
{
    static const uint8_t counts[] = {
#define X(name, word, registers, value) registers,
        MODBUS_TYPES(X)
#undef X
    };
    return (struct modbus_address){ .table = MODBUS_HOLDING,
                                    .type = type,
                                    .order = order,
                                    .count = counts[type],
                                    .bit = MODBUS_BIT_ALL };
}

static struct sample get(const struct modbus_address *address, const uint8_t *data)
{
    struct sample sample = { .detail = 99, .quality = 99, .type = 99, .time_us = 5 };
    modbus_value_run(address, data, 1, &sample);
    assert_int_equal(sample.time_us, 0);
    return sample;
}

static void is_int(uint8_t type, uint8_t order, const char *bytes, int64_t value)
{
    struct modbus_address address = shape(type, order);
    struct sample sample = get(&address, (const uint8_t *)bytes);
    assert_int_equal(sample.quality, QUALITY_GOOD);
    assert_int_equal(sample.type, VALUE_INT);
    assert_true(sample.value.i == value);
    assert_int_equal(sample.detail, 0);
    uint8_t back[8] = { 0 };
    assert_int_equal(modbus_value_put(&address, sample.type, sample.value, back), 0);
    assert_memory_equal(back, bytes, address.count * 2);
}

static void is_double(uint8_t type, uint8_t order, const char *bytes, double value)
{
    struct modbus_address address = shape(type, order);
    struct sample sample = get(&address, (const uint8_t *)bytes);
    assert_int_equal(sample.type, VALUE_DOUBLE);
    assert_true(sample.value.d == value);
    uint8_t back[8] = { 0 };
    assert_int_equal(modbus_value_put(&address, sample.type, sample.value, back), 0);
    assert_memory_equal(back, bytes, address.count * 2);
}

static void is_bad(uint8_t type, const char *bytes, uint8_t quality, uint16_t detail)
{
    struct modbus_address address = shape(type, MODBUS_ABCD);
    struct sample sample = get(&address, (const uint8_t *)bytes);
    assert_int_equal(sample.type, VALUE_NONE);
    assert_int_equal(sample.quality, quality);
    assert_int_equal(sample.detail, detail);
    assert_non_null(modbus_explain(sample.detail));
}

static void whole_numbers_in_all_orders(void **state)
{
    (void)state;
    is_int(MODBUS_INT16, MODBUS_ABCD, "\xff\xfe", -2);
    is_int(MODBUS_UINT16, MODBUS_ABCD, "\xff\xfe", 65534);
    is_int(MODBUS_UINT16, MODBUS_BADC, "\xff\xfe", 0xfeff);
    is_int(MODBUS_UINT16, MODBUS_CDAB, "\x12\x34", 0x1234);
    is_int(MODBUS_INT32, MODBUS_ABCD, "\x12\x34\x56\x78", 0x12345678);
    is_int(MODBUS_INT32, MODBUS_CDAB, "\x56\x78\x12\x34", 0x12345678);
    is_int(MODBUS_INT32, MODBUS_BADC, "\x34\x12\x78\x56", 0x12345678);
    is_int(MODBUS_INT32, MODBUS_DCBA, "\x78\x56\x34\x12", 0x12345678);
    is_int(MODBUS_INT32, MODBUS_ABCD, "\xff\xff\xff\xff", -1);
    is_int(MODBUS_UINT32, MODBUS_ABCD, "\xff\xff\xff\xff", 4294967295);
    is_int(MODBUS_INT64, MODBUS_ABCD, "\x01\x23\x45\x67\x89\xab\xcd\xef", 0x0123456789abcdef);
    is_int(MODBUS_INT64, MODBUS_CDAB, "\xcd\xef\x89\xab\x45\x67\x01\x23", 0x0123456789abcdef);
    is_int(MODBUS_INT64, MODBUS_BADC, "\x23\x01\x67\x45\xab\x89\xef\xcd", 0x0123456789abcdef);
    is_int(MODBUS_INT64, MODBUS_DCBA, "\xef\xcd\xab\x89\x67\x45\x23\x01", 0x0123456789abcdef);
    is_int(MODBUS_INT64, MODBUS_ABCD, "\x80\0\0\0\0\0\0\0", INT64_MIN);
    is_int(MODBUS_UINT64, MODBUS_ABCD, "\x7f\xff\xff\xff\xff\xff\xff\xff", INT64_MAX);
    is_int(MODBUS_BCD16, MODBUS_ABCD, "\x12\x34", 1234);
    is_int(MODBUS_BCD32, MODBUS_CDAB, "\x56\x78\x12\x34", 12345678);
    is_int(MODBUS_BCD64, MODBUS_ABCD, "\x12\x34\x56\x78\x90\x12\x34\x56", 1234567890123456);
}

static void floats(void **state)
{
    (void)state;
    /* IEEE 754: 1.0, -2.5, the largest half, the smallest half, 1/3 */
    is_double(MODBUS_FLOAT16, MODBUS_ABCD, "\x3c\x00", 1.0);
    is_double(MODBUS_FLOAT16, MODBUS_ABCD, "\xc1\x00", -2.5);
    is_double(MODBUS_FLOAT16, MODBUS_BADC, "\xff\x7b", 65504.0);
    is_double(MODBUS_FLOAT16, MODBUS_ABCD, "\x00\x01", ldexp(1, -24));
    is_double(MODBUS_FLOAT16, MODBUS_ABCD, "\x80\x00", 0.0);
    is_double(MODBUS_FLOAT32, MODBUS_ABCD, "\x43\x66\x33\x33", (double)230.2f);
    is_double(MODBUS_FLOAT32, MODBUS_CDAB, "\x33\x33\x43\x66", (double)230.2f);
    is_double(MODBUS_FLOAT32, MODBUS_BADC, "\x66\x43\x33\x33", (double)230.2f);
    is_double(MODBUS_FLOAT32, MODBUS_DCBA, "\x33\x33\x66\x43", (double)230.2f);
    is_double(MODBUS_FLOAT64, MODBUS_ABCD, "\x40\x09\x21\xfb\x54\x44\x2d\x18", 3.141592653589793);
    is_double(MODBUS_FLOAT64, MODBUS_CDAB, "\x2d\x18\x54\x44\x21\xfb\x40\x09", 3.141592653589793);
    is_double(MODBUS_FLOAT64, MODBUS_DCBA, "\x18\x2d\x44\x54\xfb\x21\x09\x40", 3.141592653589793);
}

static void every_half_comes_back(void **state)
{
    (void)state;
    struct modbus_address address = shape(MODBUS_FLOAT16, MODBUS_ABCD);
    for (unsigned half = 0; half < 65536; half++) {
        uint8_t data[2] = { (uint8_t)(half >> 8), (uint8_t)half };
        uint8_t back[2];
        struct sample sample = get(&address, data);
        if ((half & 0x7c00) == 0x7c00) {
            assert_int_equal(sample.quality, QUALITY_OUT_OF_RANGE);
            continue;
        }
        assert_int_equal(modbus_value_put(&address, sample.type, sample.value, back), 0);
        assert_memory_equal(back, data, 2);
    }
}

static void what_cannot_be_a_value(void **state)
{
    (void)state;
    is_bad(MODBUS_UINT64, "\x80\0\0\0\0\0\0\0", QUALITY_OUT_OF_RANGE, MODBUS_DETAIL_UINT64);
    is_bad(MODBUS_BCD16, "\x12\x3a", QUALITY_DECODE, MODBUS_DETAIL_BCD);
    is_bad(MODBUS_BCD64, "\xf0\0\0\0\0\0\0\0", QUALITY_DECODE, MODBUS_DETAIL_BCD);
    is_bad(MODBUS_FLOAT32, "\x7f\xc0\x00\x00", QUALITY_OUT_OF_RANGE, MODBUS_DETAIL_NOT_A_NUMBER);
    is_bad(MODBUS_FLOAT32, "\xff\x80\x00\x00", QUALITY_OUT_OF_RANGE, MODBUS_DETAIL_NOT_A_NUMBER);
    is_bad(MODBUS_FLOAT64, "\x7f\xf8\0\0\0\0\0\0", QUALITY_OUT_OF_RANGE,
           MODBUS_DETAIL_NOT_A_NUMBER);
    is_bad(MODBUS_FLOAT16, "\x7e\x00", QUALITY_OUT_OF_RANGE, MODBUS_DETAIL_NOT_A_NUMBER);
    for (unsigned exception = 1; exception <= 11; exception++) {
        assert_true((modbus_explain((uint16_t)exception) != NULL) == (exception != 9));
    }
    assert_null(modbus_explain(0));
}

static void parts_of_a_register(void **state)
{
    (void)state;
    uint8_t data[2] = { 0xa5, 0x3c };
    struct modbus_address bit = shape(MODBUS_BOOL, MODBUS_ABCD);
    for (uint8_t i = 0; i < 16; i++) {
        bit.bit = i;
        bit.bits = 1;
        struct sample sample = get(&bit, data);
        assert_int_equal(sample.type, VALUE_BOOL);
        assert_int_equal(sample.value.b, 0xa53c >> i & 1);
        assert_int_equal(modbus_value_mask(&bit), 1 << i);
    }
    struct modbus_address range = shape(MODBUS_UINT16, MODBUS_ABCD);
    range.bit = 4;
    range.bits = 6;
    assert_int_equal(get(&range, data).value.i, 0xa53c >> 4 & 0x3f);
    struct modbus_address byte = shape(MODBUS_INT8, MODBUS_ABCD);
    assert_int_equal(get(&byte, data).value.i, 0x3c);
    byte.high = 1;
    assert_int_equal(get(&byte, data).value.i, (int8_t)0xa5);
    byte.type = MODBUS_UINT8;
    assert_int_equal(get(&byte, data).value.i, 0xa5);
    byte.order = MODBUS_BADC;
    assert_int_equal(get(&byte, data).value.i, 0x3c);
    assert_int_equal(modbus_value_mask(&byte), 0x00ff);
}

static void writing_a_part_leaves_the_rest(void **state)
{
    (void)state;
    uint64_t random = 7;
    for (int round = 0; round < 5000; round++) {
        struct modbus_address address = shape(MODBUS_UINT16, (uint8_t)(hash_random(&random) % 4));
        address.bit = (uint8_t)(hash_random(&random) % 16);
        address.bits = (uint8_t)(1 + hash_random(&random) % (16u - address.bit));
        uint8_t before[2] = { (uint8_t)hash_random(&random), (uint8_t)hash_random(&random) };
        uint8_t data[2] = { before[0], before[1] };
        union value value = { .i = (int64_t)(hash_random(&random) % (1u << address.bits)) };
        assert_int_equal(modbus_value_put(&address, VALUE_INT, value, data), 0);
        assert_true(get(&address, data).value.i == value.i);
        unsigned mask = modbus_value_mask(&address);
        unsigned was = (unsigned)before[0] << 8 | before[1];
        unsigned is = (unsigned)data[0] << 8 | data[1];
        assert_int_equal(was & ~mask, is & ~mask);
        value.i = 1 << address.bits;
        assert_int_equal(modbus_value_put(&address, VALUE_INT, value, data), BUSBAR_ERANGE);
    }
}

static void values_that_do_not_fit_are_not_written(void **state)
{
    (void)state;
    static const struct {
        uint8_t type;
        int64_t low, high;
    } rows[] = { { MODBUS_INT8, -128, 127 },
                 { MODBUS_UINT8, 0, 255 },
                 { MODBUS_INT16, -32768, 32767 },
                 { MODBUS_UINT16, 0, 65535 },
                 { MODBUS_INT32, INT32_MIN, INT32_MAX },
                 { MODBUS_UINT32, 0, UINT32_MAX },
                 { MODBUS_BCD16, 0, 9999 },
                 { MODBUS_BCD32, 0, 99999999 },
                 { MODBUS_BCD64, 0, 9999999999999999 },
                 { MODBUS_BOOL, 0, 1 } };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct modbus_address address = shape(rows[i].type, MODBUS_ABCD);
        uint8_t data[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
        uint8_t same[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
        union value low = { .i = rows[i].low - 1 };
        union value high = { .i = rows[i].high + 1 };
        assert_int_equal(modbus_value_put(&address, VALUE_INT, low, data), BUSBAR_ERANGE);
        assert_int_equal(modbus_value_put(&address, VALUE_INT, high, data), BUSBAR_ERANGE);
        assert_memory_equal(data, same, 8);
        low.i++;
        high.i--;
        assert_int_equal(modbus_value_put(&address, VALUE_INT, low, data), 0);
        assert_int_equal(modbus_value_put(&address, VALUE_INT, high, data), 0);
    }
    uint8_t data[8];
    struct modbus_address narrow = shape(MODBUS_FLOAT32, MODBUS_ABCD);
    assert_int_equal(modbus_value_put(&narrow, VALUE_DOUBLE, (union value){ .d = 1e39 }, data),
                     BUSBAR_ERANGE);
    assert_int_equal(
        modbus_value_put(&narrow, VALUE_DOUBLE, (union value){ .d = (double)NAN }, data),
        BUSBAR_ERANGE);
    struct modbus_address word = shape(MODBUS_UINT16, MODBUS_ABCD);
    assert_int_equal(modbus_value_put(&word, VALUE_TEXT, (union value){ 0 }, data),
                     BUSBAR_EWRONGTYPE);
    assert_int_equal(modbus_value_put(&word, VALUE_DOUBLE, (union value){ .d = 21.6 }, data), 0);
    assert_int_equal(data[1], 22); /* unscaled values are rounded */
}

static void texts(void **state)
{
    (void)state;
    struct modbus_address address = shape(MODBUS_STRING, MODBUS_ABCD);
    address.count = 4;
    uint64_t memory[16];
    assert_true(modbus_value_text_bytes(&address) <= sizeof(memory));
    struct sample sample;
    modbus_value_text(&address, (const uint8_t *)"Pump 7  ", memory, &sample);
    assert_string_equal(sample.value.text->bytes, "Pump 7");
    assert_int_equal(sample.value.text->size, 6);
    modbus_value_text(&address, (const uint8_t *)"AB\0DEFGH", memory, &sample);
    assert_string_equal(sample.value.text->bytes, "AB");
    address.order = MODBUS_BADC;
    modbus_value_text(&address, (const uint8_t *)"uPpm7 \0\0", memory, &sample);
    assert_string_equal(sample.value.text->bytes, "Pump 7");
    address.order = MODBUS_ABCD;
    modbus_value_text(&address,
                      (const uint8_t *)"21\xb0"
                                       "C\0\0\0\0",
                      memory, &sample); /* ISO 8859-1 */
    assert_string_equal(sample.value.text->bytes, "21\xc2\xb0"
                                                  "C");
    modbus_value_text(&address, (const uint8_t *)"\xff\xff\xff\xff\xff\xff\xff\xff", memory,
                      &sample);
    assert_int_equal(sample.value.text->size, 16);
    struct text *text = text_new("abcdefgh", 8);
    uint8_t data[8] = { 0 };
    union value value = { .text = text };
    assert_int_equal(modbus_value_put(&address, VALUE_TEXT, value, data), 0);
    assert_memory_equal(data, "abcdefgh", 8);
    address.count = 3;
    assert_int_equal(modbus_value_put(&address, VALUE_TEXT, value, data), BUSBAR_ERANGE);
    busbar_free(text);
}

/* A twin that takes the bytes apart one by one. */
static uint64_t naive(const uint8_t *data, unsigned words, uint8_t order)
{
    uint8_t sorted[8];
    unsigned bytes = words * 2;
    for (unsigned i = 0; i < bytes; i++) {
        unsigned word = i / 2;
        unsigned byte = i % 2;
        unsigned from_word = order == MODBUS_CDAB || order == MODBUS_DCBA ? words - 1 - word : word;
        unsigned from_byte = order == MODBUS_BADC || order == MODBUS_DCBA ? 1 - byte : byte;
        sorted[i] = data[from_word * 2 + from_byte];
    }
    uint64_t number = 0;
    for (unsigned i = 0; i < bytes; i++) {
        number = number * 256 + sorted[i];
    }
    return number;
}

static void runs_agree_with_a_naive_twin(void **state)
{
    (void)state;
    static const uint8_t types[] = { MODBUS_INT16, MODBUS_UINT16, MODBUS_INT32, MODBUS_UINT32,
                                     MODBUS_INT64 };
    uint64_t random = 3;
    for (int round = 0; round < 2000; round++) {
        struct modbus_address address = shape(types[hash_random(&random) % sizeof(types)],
                                              (uint8_t)(hash_random(&random) % 4));
        size_t count = 1 + hash_random(&random) % (125u / address.count);
        uint8_t *data = malloc(count * address.count * 2); /* exact: ASan sees one byte too many */
        struct sample samples[125];
        for (size_t i = 0; i < count * address.count * 2; i++) {
            data[i] = (uint8_t)hash_random(&random);
        }
        modbus_value_run(&address, data, count, samples);
        for (size_t i = 0; i < count; i++) {
            uint64_t number = naive(data + i * address.count * 2, address.count, address.order);
            int64_t expected = (int64_t)number;
            expected = address.type == MODBUS_INT16   ? (int16_t)number
                       : address.type == MODBUS_INT32 ? (int32_t)number
                                                      : expected;
            assert_true(samples[i].value.i == expected);
        }
        free(data);
    }
}

static void bits_of_a_table(void **state)
{
    (void)state;
    static const uint8_t data[] = { 0xcd, 0x6b, 0x05 }; /* the standard's example, 19 coils */
    static const char states[] = "1011001111010110101";
    struct sample samples[19];
    modbus_value_bits(data, 0, 19, samples);
    for (size_t i = 0; i < 19; i++) {
        assert_int_equal(samples[i].type, VALUE_BOOL);
        assert_int_equal(samples[i].value.b, states[i] == '1');
    }
    modbus_value_bits(data, 5, 3, samples);
    assert_int_equal(samples[0].value.b, 0);
    assert_int_equal(samples[1].value.b, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_numbers_in_all_orders),
        cmocka_unit_test(floats),
        cmocka_unit_test(every_half_comes_back),
        cmocka_unit_test(what_cannot_be_a_value),
        cmocka_unit_test(parts_of_a_register),
        cmocka_unit_test(writing_a_part_leaves_the_rest),
        cmocka_unit_test(values_that_do_not_fit_are_not_written),
        cmocka_unit_test(texts),
        cmocka_unit_test(runs_agree_with_a_naive_twin),
        cmocka_unit_test(bits_of_a_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
