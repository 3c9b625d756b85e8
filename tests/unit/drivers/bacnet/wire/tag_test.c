/* SPDX-License-Identifier: Apache-2.0 */
/* Tags (clause 20.2.1): numbers and lengths in every form, constructed values skipped whole, depth, context
 * getters and what they refuse. */
#include "wire_rig.h"

#include <stdlib.h>

#include "base/hash.h"
#include "drivers/bacnet/wire/tag.h"
#include "support/random.h"

struct form {
    const char *hex;
    struct bacnet_tag tag;
};

static const struct form forms[] = {
    { "00", { 0, BACNET_TAG_APPLICATION, 0, 0 } },
    { "10", { 1, BACNET_TAG_APPLICATION, 0, 0 } },
    { "11", { 1, BACNET_TAG_APPLICATION, 0, 1 } },
    { "44 00000000", { 4, BACNET_TAG_APPLICATION, 4, 0 } },
    { "55 08 0000000000000000", { 5, BACNET_TAG_APPLICATION, 8, 0 } },
    { "1A 0000", { 1, BACNET_TAG_CONTEXT, 2, 0 } },
    { "E9 01", { 14, BACNET_TAG_CONTEXT, 1, 0 } },
    { "F9 0F 01", { 15, BACNET_TAG_CONTEXT, 1, 0 } },
    { "F9 1B 48", { 27, BACNET_TAG_CONTEXT, 1, 0 } },
    { "FD FE 05 0102030405", { 254, BACNET_TAG_CONTEXT, 5, 0 } },
    { "0E", { 0, BACNET_TAG_OPENING, 0, 0 } },
    { "0F", { 0, BACNET_TAG_CLOSING, 0, 0 } },
    { "FE 10", { 16, BACNET_TAG_OPENING, 0, 0 } },
    { "FF 10", { 16, BACNET_TAG_CLOSING, 0, 0 } },
};

static void forms_hold(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        uint8_t data[CODEC_MAX];
        uint8_t again[CODEC_MAX];
        size_t size = codec_hex(forms[i].hex, data);
        struct bytes in = bytes_of(data, size);
        struct bacnet_tag tag;
        assert_true(bacnet_get_tag(&in, &tag));
        assert_int_equal(tag.number, forms[i].tag.number);
        assert_int_equal(tag.kind, forms[i].tag.kind);
        assert_int_equal(tag.size, forms[i].tag.size);
        assert_int_equal(tag.value, forms[i].tag.value);
        assert_int_equal(bytes_left(&in), tag.size);
        struct bytes_out out = bytes_out_of(again, sizeof(again));
        bacnet_put_tag(&out, tag.number, (enum bacnet_tag_kind)tag.kind,
                       tag.kind == BACNET_TAG_APPLICATION && tag.number == 1 ? tag.value
                                                                             : tag.size);
        assert_int_equal(bytes_out_size(&out), size - tag.size);
        assert_memory_equal(again, data, size - tag.size);
        for (size_t cut = 0; cut < size; cut++) {
            in = bytes_of(data, cut);
            assert_false(bacnet_get_tag(&in, &tag));
            assert_true(bytes_short(&in));
        }
    }
}

static void lengths_have_four_forms(void **state)
{
    (void)state;
    static const uint32_t sizes[] = { 0, 4, 5, 253, 254, 255, 65535, 65536, 70000 };
    static const size_t heads[] = { 1, 1, 2, 2, 4, 4, 4, 6, 6 };
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        size_t room = sizes[i] + BACNET_TAG_MAX;
        uint8_t *data = calloc(1, room);
        struct bytes_out out = bytes_out_of(data, room);
        bacnet_put_tag(&out, 3, BACNET_TAG_CONTEXT, sizes[i]);
        size_t head = bytes_out_size(&out);
        assert_int_equal(head, heads[i]);
        assert_int_equal(head, bacnet_tag_size(3, sizes[i]));
        struct bytes in = bytes_of(data, head + sizes[i]);
        struct bytes content = bacnet_get_context(&in, 3);
        assert_false(bytes_short(&in));
        assert_int_equal(bytes_left(&content), sizes[i]);
        if (sizes[i] > 0) {
            in = bytes_of(data, head + sizes[i] - 1);
            (void)bacnet_get_context(&in, 3);
            assert_true(bytes_short(&in));
        }
        free(data);
    }
    assert_int_equal(bacnet_tag_size(15, 0), 2);
    assert_int_equal(bacnet_tag_size(254, 65536), BACNET_TAG_MAX);
}

static bool reads_tag(const char *hex)
{
    uint8_t data[CODEC_MAX];
    struct bytes in = bytes_of(data, codec_hex(hex, data));
    struct bacnet_tag tag;
    return bacnet_get_tag(&in, &tag);
}

static void tags_that_cannot_be_are_refused(void **state)
{
    (void)state;
    assert_false(reads_tag("12"));                /* a boolean of 2 */
    assert_false(reads_tag("26"));                /* application, opening */
    assert_false(reads_tag("27"));                /* application, closing */
    assert_false(reads_tag("F9 0E 01"));          /* extended, though under 15 */
    assert_false(reads_tag("F9 FF 01"));          /* reserved */
    assert_false(reads_tag("1D FF FFFFFFFF 00")); /* longer than what is there */
    assert_false(reads_tag("1D FE FFFF 00"));
}

static void any_takes_one_value_whole(void **state)
{
    (void)state;
    uint8_t data[CODEC_MAX];
    size_t size = codec_hex("21 05 3E 09 01 1E 44 42900000 1F 3F 91 02", data);
    struct bytes in = bytes_of(data, size);
    struct bytes any = bacnet_get_any(&in);
    assert_int_equal(bytes_left(&any), 2);
    any = bacnet_get_any(&in);
    assert_int_equal(bytes_left(&any), 11);
    assert_ptr_equal(any.at, data + 2);
    any = bacnet_get_any(&in);
    assert_int_equal(bytes_left(&any), 2);
    assert_int_equal(bytes_left(&in), 0);
    assert_false(bytes_short(&in));
    in = bytes_of(data + 2, size - 2);
    struct bytes inside = bacnet_get_inside(&in, 3);
    assert_int_equal(bytes_left(&inside), 9);
    assert_int_equal(bytes_left(&in), 2);
    for (size_t cut = 0; cut < 11; cut++) {
        in = bytes_of(data + 2, cut);
        inside = bacnet_get_inside(&in, 3);
        assert_true(bytes_short(&in));
        assert_int_equal(bytes_left(&inside), 0);
    }
}

static bool reads_any(const uint8_t *data, size_t size)
{
    struct bytes copy = bytes_dup(data, size);
    struct bytes in = copy;
    struct bytes any = bacnet_get_any(&in);
    bool fine = !bytes_short(&in);
    assert_true(fine || (any.failed && bytes_left(&any) == 0));
    bytes_fini(&copy);
    return fine;
}

static void depth_is_bounded(void **state)
{
    (void)state;
    uint8_t data[100000];
    for (size_t depth = 1; depth <= BACNET_DEPTH_MAX + 1; depth++) {
        memset(data, 0x0e, depth);
        memset(data + depth, 0x0f, depth);
        assert_true(reads_any(data, 2 * depth) == (depth <= BACNET_DEPTH_MAX));
        assert_false(reads_any(data, 2 * depth - 1));
    }
    memset(data, 0x0e, sizeof(data)); /* never ending */
    assert_false(reads_any(data, sizeof(data)));
    memcpy(data, "\x0e\x1f\x0f", 3); /* crossed */
    assert_false(reads_any(data, 3));
    assert_false(reads_any((const uint8_t *)"\x0f", 1)); /* closed, never opened */
    struct bytes in = bytes_of("\x1e\x1f", 2);
    (void)bacnet_get_inside(&in, 0);
    assert_true(bytes_short(&in));
}

/* Inside of brackets is found in a way of its own: it agrees with one value taken whole. */
static void inside_is_what_any_takes(void **state)
{
    (void)state;
    static const uint8_t letters[] = { 0x0e, 0x0f, 0x1e, 0x1f, 0x3e, 0x3f, 0xfe, 0xff, 0x0f, 0x11,
                                       0x12, 0x21, 0x44, 0x09, 0x2d, 0x05, 0xf9, 0x10, 0x00, 0x65 };
    uint64_t random = 7;
    unsigned good = 0;
    for (unsigned run = 0; run < 300000; run++) {
        uint8_t data[16];
        unsigned tag = run % 3 == 0 ? 15 : run % 3;
        size_t size = 2 + hash_random(&random) % (sizeof(data) - 2);
        for (size_t i = 0; i < size; i++) {
            data[i] = letters[hash_random(&random) % sizeof(letters)];
        }
        data[0] = tag == 15 ? 0xfe : (uint8_t)(tag << 4 | 0x0e);
        data[1] = tag == 15 ? 0x0f : data[1];
        struct bytes copy = bytes_dup(data, size);
        struct bytes in = copy;
        struct bytes same = copy;
        struct bytes inside = bacnet_get_inside(&in, tag);
        struct bytes any = bacnet_get_any(&same);
        assert_true(bytes_short(&in) == bytes_short(&same));
        if (!bytes_short(&in)) {
            size_t bracket = tag == 15 ? 2 : 1;
            assert_ptr_equal(in.at, same.at);
            assert_ptr_equal(inside.start, any.start + bracket);
            assert_int_equal(bytes_left(&inside), bytes_left(&any) - 2 * bracket);
            good++;
        }
        bytes_fini(&copy);
    }
    assert_true(good > 1000);
}

static void next_looks_without_moving(void **state)
{
    (void)state;
    struct bytes in = bytes_of("\x19\x05", 2);
    assert_true(bacnet_next_is(&in, 1));
    assert_false(bacnet_next_is(&in, 2) || bacnet_next_is(&in, BACNET_APPLICATION));
    assert_false(bacnet_next_opens(&in, 1) || bacnet_next_closes(&in, 1));
    assert_int_equal(bytes_left(&in), 2);
    in = bytes_of("\x2e\x2f", 2);
    assert_true(bacnet_next_opens(&in, 2));
    assert_false(bacnet_next_is(&in, 2));
    bacnet_get_open(&in, 2);
    assert_true(bacnet_next_closes(&in, 2));
    bacnet_get_close(&in, 2);
    assert_false(bytes_short(&in));
    assert_false(bacnet_next_is(&in, 0) || bacnet_next_closes(&in, 2));
    in = bytes_of("\x21\x05", 2);
    assert_true(bacnet_next_is(&in, BACNET_APPLICATION));
    in = bytes_of("\x2d\x09\x00", 3); /* torn: nothing is next */
    assert_false(bacnet_next_is(&in, 2));
    assert_false(bytes_short(&in));
}

static void getters_refuse_what_they_did_not_ask_for(void **state)
{
    (void)state;
    struct bytes in = bytes_of("\x19\x05", 2);
    assert_int_equal(bacnet_get_unsigned(&in, 2, 100), 0); /* another number */
    assert_true(bytes_short(&in));
    in = bytes_of("\x19\x05", 2);
    assert_int_equal(bacnet_get_unsigned(&in, 1, 4), 0); /* over max */
    assert_true(bytes_short(&in));
    in = bytes_of("\x21\x05", 2);
    assert_int_equal(bacnet_get_enumerated(&in, BACNET_APPLICATION), 0); /* another type */
    assert_true(bytes_short(&in));
    in = bytes_of("\x0d\x05\x01\x00\x00\x00\x00", 7);
    assert_int_equal(bacnet_get_enumerated(&in, 0), 0); /* over 32 bits */
    assert_true(bytes_short(&in));
    in = bytes_of("\x1e\x05\x1f", 3);
    (void)bacnet_get_context(&in, 1); /* constructed */
    assert_true(bytes_short(&in));
    in = bytes_of("\x19\x02", 2);
    assert_false(bacnet_get_boolean(&in, 1)); /* neither 0 nor 1 */
    assert_true(bytes_short(&in));
    uint64_t number = 77;
    in = bytes_of("\x19\x05", 2);
    assert_false(bacnet_try_unsigned(&in, 0, 100, &number));
    assert_false(bytes_short(&in));
    assert_int_equal(number, 77);
    assert_true(bacnet_try_unsigned(&in, 1, 100, &number));
    assert_int_equal(number, 5);
    assert_false(bacnet_try_unsigned(&in, 1, 100, &number));
}

/* Each writer with each kind of tag, read back. */
static void pairs_agree(void **state)
{
    (void)state;
    struct random random = { 20 };
    static const unsigned tags[] = { BACNET_APPLICATION, 0, 14, 15, 254 };
    for (int i = 0; i < 2000; i++) {
        unsigned tag = tags[random_below(&random, 5)];
        uint64_t number = random_u64(&random) >> random_below(&random, 64);
        int64_t integer = (int64_t)random_u64(&random) >> random_below(&random, 64);
        struct bacnet_object object = bacnet_object_of((uint32_t)number);
        struct bacnet_date date = { 126, 11, 22, 7 };
        struct bacnet_time time = { 12, 34, 56, (uint8_t)(number % 100) };
        unsigned count = (unsigned)random_below(&random, 33);
        uint32_t bits = count == 0 ? 0 : (uint32_t)number & (UINT32_MAX >> (32 - count));
        uint8_t data[256];
        struct bytes_out out = bytes_out_of(data, sizeof(data));
        bacnet_put_unsigned(&out, tag, number);
        bacnet_put_signed(&out, tag, integer);
        bacnet_put_enumerated(&out, tag, (uint32_t)number);
        bacnet_put_boolean(&out, tag, (number & 1) != 0);
        bacnet_put_real(&out, tag, 21.5F);
        bacnet_put_double(&out, tag, -1e300);
        bacnet_put_octets(&out, tag, "\x00\x01", 2);
        bacnet_put_text(&out, tag, "name", 4);
        bacnet_put_bits(&out, tag, bits, count);
        bacnet_put_date(&out, tag, &date);
        bacnet_put_time(&out, tag, &time);
        bacnet_put_object(&out, tag, object);
        bacnet_put_null(&out, tag);
        struct bytes in = bytes_of(data, bytes_out_size(&out));
        assert_true(bacnet_get_unsigned(&in, tag, UINT64_MAX) == number);
        assert_true(bacnet_get_signed(&in, tag) == integer);
        assert_true(bacnet_get_enumerated(&in, tag) == (uint32_t)number);
        assert_true(bacnet_get_boolean(&in, tag) == ((number & 1) != 0));
        assert_true(bacnet_get_real(&in, tag) == 21.5F);
        assert_true(bacnet_get_double(&in, tag) == -1e300);
        struct bytes octets = bacnet_get_octets(&in, tag);
        assert_int_equal(bytes_left(&octets), 2);
        assert_memory_equal(octets.at, "\x00\x01", 2);
        struct bacnet_value text = bacnet_get_characters(&in, tag);
        assert_int_equal(text.as.block.size, 4);
        assert_memory_equal(text.as.block.data, "name", 4);
        unsigned bit_count;
        assert_true(bacnet_get_bits(&in, tag, &bit_count) == bits && bit_count == count);
        struct bacnet_date date_back = bacnet_get_date(&in, tag);
        assert_memory_equal(&date_back, &date, sizeof(date));
        struct bacnet_time time_back = bacnet_get_time(&in, tag);
        assert_memory_equal(&time_back, &time, sizeof(time));
        assert_true(bacnet_object_equal(bacnet_get_object(&in, tag), object));
        bacnet_get_null(&in, tag);
        assert_false(bytes_short(&in));
        assert_int_equal(bytes_left(&in), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forms_hold),
        cmocka_unit_test(lengths_have_four_forms),
        cmocka_unit_test(tags_that_cannot_be_are_refused),
        cmocka_unit_test(any_takes_one_value_whole),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(inside_is_what_any_takes),
        cmocka_unit_test(next_looks_without_moving),
        cmocka_unit_test(getters_refuse_what_they_did_not_ask_for),
        cmocka_unit_test(pairs_agree),
    };
    return cmocka_run_group_tests_name("tag", tests, NULL, NULL);
}
