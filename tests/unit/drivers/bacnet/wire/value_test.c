/* SPDX-License-Identifier: Apache-2.0 */
/* Primitive values: the examples of clauses 20.2.2 to 20.2.14, numbers up to 8 bytes, random ones both ways,
 * contents that cannot be, rows of elements. */
#include "wire_rig.h"

#include <math.h>

#include "drivers/bacnet/wire/tag.h"
#include "drivers/bacnet/wire/text.h"
#include "support/random.h"

struct vector {
    const char *hex;
    uint8_t type;
    const char *text; /* as bacnet_print_value() says it */
};

static const struct vector vectors[] = {
    { "00", BACNET_NULL, "null" },
    { "10", BACNET_BOOLEAN, "false" },
    { "11", BACNET_BOOLEAN, "true" },
    { "21 48", BACNET_UNSIGNED, "72" },
    { "22 0100", BACNET_UNSIGNED, "256" },
    { "25 08 FFFFFFFFFFFFFFFF", BACNET_UNSIGNED, "18446744073709551615" },
    { "31 48", BACNET_SIGNED, "72" },
    { "31 B8", BACNET_SIGNED, "-72" },
    { "32 0080", BACNET_SIGNED, "128" },
    { "32 FF7F", BACNET_SIGNED, "-129" },
    { "35 08 8000000000000000", BACNET_SIGNED, "-9223372036854775808" },
    { "44 42900000", BACNET_REAL, "72" },
    { "44 4290999A", BACNET_REAL, "72.3" },
    { "55 08 4052000000000000", BACNET_DOUBLE, "72" },
    { "63 1234FF", BACNET_OCTETS, "1234ff" },
    { "75 19 00 546869732069732061204241436E657420737472696E6721", BACNET_CHARACTERS,
      "This is a BACnet string!" },
    { "75 0A 00 4672616EC3A7616973", BACNET_CHARACTERS,
      "Fran\xc3\xa7"
      "ais" },
    { "82 03 A8", BACNET_BITS, "10101" },
    { "81 00", BACNET_BITS, "" },
    { "91 00", BACNET_ENUMERATED, "0" },
    { "A4 5B 01 18 04", BACNET_DATE, "1991-01-24" },
    { "B4 11 23 2D 11", BACNET_TIME, "17:35:45.17" },
    { "C4 00C0000F", BACNET_OBJECT, "binary-input:15" },
};

static void examples_hold(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        uint8_t data[CODEC_MAX];
        uint8_t again[CODEC_MAX];
        size_t size = codec_hex(vectors[i].hex, data);
        struct bytes in = bytes_of(data, size);
        struct bacnet_value value;
        assert_int_equal(bacnet_get_value(&in, &value), 0);
        assert_int_equal(value.type, vectors[i].type);
        assert_int_equal(bytes_left(&in), 0);
        struct buf text;
        buf_init(&text, 1000);
        bacnet_print_value(&value, BACNET_LIST_NONE, &text);
        assert_string_equal(buf_text(&text), vectors[i].text);
        buf_fini(&text);
        struct bytes_out out = bytes_out_of(again, sizeof(again));
        bacnet_put_value(&out, BACNET_APPLICATION, &value);
        assert_int_equal(bytes_out_size(&out), size);
        assert_memory_equal(again, data, size);
        assert_true(bytes_out_size(&out) <= bacnet_value_size(&value));
        for (size_t cut = 0; cut < size; cut++) {
            struct bytes copy = bytes_dup(data, cut);
            in = copy;
            assert_int_equal(bacnet_get_value(&in, &value), BUSBAR_EPROTO);
            assert_true(bytes_short(&in));
            bytes_fini(&copy);
        }
    }
}

static void same_value(const uint8_t *data, size_t size)
{
    struct bytes copy = bytes_dup(data, size);
    struct bytes in = copy;
    struct bacnet_value value;
    if (bacnet_get_value(&in, &value) == 0) {
        uint8_t once[2 * CODEC_MAX];
        struct bytes_out out = bytes_out_of(once, sizeof(once));
        bacnet_put_value(&out, BACNET_APPLICATION, &value);
        struct bacnet_value back;
        struct bytes again = bytes_of(once, bytes_out_size(&out));
        assert_int_equal(bacnet_get_value(&again, &back), 0);
        assert_true(bacnet_value_equal(&value, &back));
    }
    bytes_fini(&copy);
}

static void flipped_bits_are_read_or_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        uint8_t data[CODEC_MAX];
        size_t size = codec_hex(vectors[i].hex, data);
        for (size_t bit = 0; bit < 8 * size; bit++) {
            data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
            same_value(data, size);
            data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        }
    }
}

static void context_tags_mean_the_same(void **state)
{
    (void)state;
    static const struct vector contexts[] = {
        { "29 00", BACNET_BOOLEAN, "false" },
        { "29 01", BACNET_BOOLEAN, "true" },
        { "29 48", BACNET_UNSIGNED, "72" },
        { "29 B8", BACNET_SIGNED, "-72" },
        { "2C 42900000", BACNET_REAL, "72" },
        { "2A 03A8", BACNET_BITS, "10101" },
        { "2C 00C0000F", BACNET_OBJECT, "binary-input:15" },
        { "28", BACNET_NULL, "null" },
        { "2D 08 4052000000000000", BACNET_DOUBLE, "72" },
        { "2C 5B011804", BACNET_DATE, "1991-01-24" },
    };
    for (size_t i = 0; i < sizeof(contexts) / sizeof(contexts[0]); i++) {
        uint8_t data[CODEC_MAX];
        uint8_t again[CODEC_MAX];
        size_t size = codec_hex(contexts[i].hex, data);
        struct bytes in = bytes_of(data, size);
        struct bacnet_value value;
        assert_int_equal(bacnet_get_content(bacnet_get_context(&in, 2), contexts[i].type, &value),
                         0);
        struct buf text;
        buf_init(&text, 1000);
        bacnet_print_value(&value, BACNET_LIST_NONE, &text);
        assert_string_equal(buf_text(&text), contexts[i].text);
        buf_fini(&text);
        struct bytes_out out = bytes_out_of(again, sizeof(again));
        bacnet_put_value(&out, 2, &value);
        assert_int_equal(bytes_out_size(&out), size);
        assert_memory_equal(again, data, size);
    }
}

static void contents_that_cannot_be_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "01 00",                    /* null with content */
        "20",                       /* unsigned without */
        "25 09 010203040506070809", /* over 8 bytes */
        "30",                       /* signed without */
        "43 429000",                /* real of 3 */
        "54 40520000",              /* double of 4 */
        "70",                       /* characters without a set */
        "72 01 03",                 /* a torn code page */
        "80",                       /* bits without the count */
        "81 03",                    /* unused bits of nothing */
        "82 08 FF",                 /* 8 unused */
        "90",                       /* enumerated without */
        "A3 5B0118",                /* date of 3 */
        "B5 05 0102030405",         /* time of 5 */
        "C3 00C000",                /* object of 3 */
        "D1 00",                    /* reserved type */
        "19 05",                    /* a context tag */
        "0E 0F",                    /* constructed */
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        uint8_t data[CODEC_MAX];
        struct bytes in = bytes_of(data, codec_hex(bad[i], data));
        struct bacnet_value value;
        if (bacnet_get_value(&in, &value) != BUSBAR_EPROTO || !bytes_short(&in)) {
            fail_msg("%s was read", bad[i]);
        }
    }
}

static void make_value(struct random *random, uint8_t block[64], struct bacnet_value *value)
{
    *value = (struct bacnet_value){ .type = (uint8_t)random_below(random, BACNET_TYPES) };
    uint64_t number = random_u64(random) >> random_below(random, 64);
    switch (value->type) {
    case BACNET_NULL: break;
    case BACNET_BOOLEAN: value->as.boolean = (number & 1) != 0; break;
    case BACNET_UNSIGNED:
    case BACNET_ENUMERATED: value->as.number = number; break;
    case BACNET_SIGNED: value->as.integer = (int64_t)random_u64(random) >> (number % 64); break;
    case BACNET_REAL: value->as.real = (float)number; break;
    case BACNET_DOUBLE: value->as.real64 = (double)number; break;
    case BACNET_DATE: memcpy(&value->as.date, &number, sizeof(value->as.date)); break;
    case BACNET_TIME: memcpy(&value->as.time, &number, sizeof(value->as.time)); break;
    case BACNET_OBJECT: value->as.object = bacnet_object_of((uint32_t)number); break;
    default:
        for (size_t i = 0; i < 64; i++) {
            block[i] = (uint8_t)random_u64(random);
        }
        value->as.block.data = block;
        value->as.block.size = (uint32_t)(2 + random_below(random, 63));
        value->as.block.set = value->type == BACNET_OCTETS ? 0 : (uint8_t)random_below(random, 6);
        break;
    }
}

static void random_values_come_back(void **state)
{
    (void)state;
    struct random random = { 135 };
    for (int i = 0; i < 50000; i++) {
        uint8_t block[64];
        struct bacnet_value value;
        make_value(&random, block, &value);
        unsigned tag = random_below(&random, 2) == 0 ? BACNET_APPLICATION
                                                     : (unsigned)random_below(&random, 255);
        uint8_t data[128];
        struct bytes_out out = bytes_out_of(data, sizeof(data));
        bacnet_put_value(&out, tag, &value);
        assert_true(bytes_out_size(&out) <= bacnet_value_size(&value));
        struct bytes in = bytes_of(data, bytes_out_size(&out));
        struct bacnet_value back;
        if (tag == BACNET_APPLICATION) {
            assert_int_equal(bacnet_get_value(&in, &back), 0);
        } else {
            assert_int_equal(bacnet_get_content(bacnet_get_context(&in, tag), value.type, &back),
                             0);
        }
        assert_int_equal(bytes_left(&in), 0);
        assert_true(bacnet_value_equal(&value, &back));
    }
}

static void equality_is_of_type_and_content(void **state)
{
    (void)state;
    struct bacnet_value a = { .type = BACNET_UNSIGNED, .as.number = 5 };
    struct bacnet_value b = { .type = BACNET_ENUMERATED, .as.number = 5 };
    assert_false(bacnet_value_equal(&a, &b));
    a = (struct bacnet_value){ .type = BACNET_REAL, .as.real = NAN };
    b = a;
    assert_true(bacnet_value_equal(&a, &b));
    b.as.real = 1;
    assert_false(bacnet_value_equal(&a, &b));
    a = (struct bacnet_value){ .type = BACNET_CHARACTERS };
    b = a;
    b.as.block.set = 4;
    assert_false(bacnet_value_equal(&a, &b));
}

static void elements_are_read_one_by_one(void **state)
{
    (void)state;
    uint8_t data[CODEC_MAX];
    struct bytes in = bytes_of(data, codec_hex("00 44 42900000 0E 09 01 0F 19 05 D1 01", data));
    assert_int_equal(bacnet_count_elements(in, 100), 5);
    assert_int_equal(bacnet_count_elements(in, 2), 2);
    struct bacnet_element element;
    static const size_t sizes[] = { 1, 5, 4, 2, 2 };
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(bacnet_get_element(&in, &element), 0);
        assert_int_equal(bytes_left(&element.raw), sizes[i]);
        assert_true(element.primitive == (i < 2));
    }
    assert_int_equal(bytes_left(&in), 0);
    assert_int_equal(bacnet_get_element(&in, &element), BUSBAR_EPROTO);
    in = bytes_of("\x43\x00\x00\x00", 4); /* whole, but no real */
    assert_int_equal(bacnet_count_elements(in, 100), 1);
    assert_int_equal(bacnet_get_element(&in, &element), BUSBAR_EPROTO);
    assert_int_equal(bacnet_count_elements(bytes_of("\x0e", 1), 100), -1);
}

static void types_have_names(void **state)
{
    (void)state;
    assert_string_equal(bacnet_type_name(BACNET_REAL), "real");
    assert_string_equal(bacnet_type_name(BACNET_OBJECT), "object identifier");
    assert_null(bacnet_type_name(BACNET_TYPES));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(examples_hold),
        cmocka_unit_test(flipped_bits_are_read_or_refused),
        cmocka_unit_test(context_tags_mean_the_same),
        cmocka_unit_test(contents_that_cannot_be_are_refused),
        cmocka_unit_test(random_values_come_back),
        cmocka_unit_test(equality_is_of_type_and_content),
        cmocka_unit_test(elements_are_read_one_by_one),
        cmocka_unit_test(types_have_names),
    };
    return cmocka_run_group_tests_name("value", tests, NULL, NULL);
}
