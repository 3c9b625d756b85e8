/* SPDX-License-Identifier: Apache-2.0 */
/* ReadProperty, ReadPropertyMultiple, WriteProperty, WritePropertyMultiple and errors: annex F.3 and what
 * else clause 15 allows. */
#include "codec_rig.h"

#include "drivers/bacnet/service/read_property.h"
#include "drivers/bacnet/service/read_property_multiple.h"
#include "drivers/bacnet/service/write_property.h"
#include "drivers/bacnet/wire/apdu.h"
#include "drivers/bacnet/wire/numbers.h"

static int again_read(struct bytes *in, struct bytes_out *out)
{
    struct bacnet_read_property read;
    int error = bacnet_get_read_property(in, &read);
    if (error == 0) {
        bacnet_put_read_property(out, &read);
        assert_true(bytes_out_size(out) <= BACNET_READ_PROPERTY_MAX);
    }
    return error;
}

static int again_read_ack(struct bytes *in, struct bytes_out *out)
{
    struct bacnet_read_property read;
    struct bytes value;
    int error = bacnet_get_read_property_ack(in, &read, &value);
    if (error == 0) {
        bacnet_put_read_property_ack(out, &read, value);
        assert_true(bytes_out_size(out) <= BACNET_READ_PROPERTY_ACK_MAX + bytes_left(&value));
    }
    return error;
}

static int again_write(struct bytes *in, struct bytes_out *out)
{
    struct bacnet_object object;
    struct bacnet_property_value value;
    int error = bacnet_get_write_property(in, &object, &value);
    if (error == 0) {
        bacnet_put_write_property(out, object, &value);
        assert_true(bytes_out_size(out) <= BACNET_WRITE_PROPERTY_MAX + bytes_left(&value.value));
    }
    return error;
}

static const struct codec_vector whole[] = {
    { "F.3.5 ReadProperty", "0C 00000005 19 55", again_read, CODEC_WHOLE },
    { "15.5 of an element", "0C 02000001 19 4C 29 00", again_read, 7 },
    { "15.5 of a proprietary property", "0C 20800005 1A 0270", again_read, CODEC_WHOLE },
    { "F.3.5 ReadProperty-Ack", "0C 00000005 19 55 3E 44 4290999A 3F", again_read_ack,
      CODEC_WHOLE },
    { "15.5 an element", "0C 02000001 19 4C 29 01 3E C4 02000001 3F", again_read_ack, CODEC_WHOLE },
    { "15.5 an empty list", "0C 03C00001 19 66 3E 3F", again_read_ack, CODEC_WHOLE },
    { "15.5 a constructed value", "0C 05000001 19 8E 3E 0E A4 7E0B1607 0F B4 0A2C0800 3F",
      again_read_ack, CODEC_WHOLE },
    { "F.3.9 WriteProperty", "0C 00800001 19 55 3E 44 43340000 3F", again_write, CODEC_WHOLE },
    { "15.9 with a priority", "0C 00800001 19 55 3E 44 43340000 3F 49 08", again_write, 14 },
    { "15.9 relinquished", "0C 01000003 19 55 3E 00 3F 49 10", again_write, 10 },
    { "15.9 of an element", "0C 00400001 19 57 29 10 3E 00 3F", again_write, CODEC_WHOLE },
};

static void vectors_hold(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++) {
        codec_vector_holds(&whole[i]);
        codec_flips(&whole[i]);
    }
}

static void fields_are_read(void **state)
{
    (void)state;
    uint8_t data[CODEC_MAX];
    struct bacnet_read_property read;
    struct bytes value;
    struct bytes in = bytes_of(data, codec_hex(whole[3].hex, data));
    assert_int_equal(bacnet_get_read_property_ack(&in, &read, &value), 0);
    assert_int_equal(read.object.type, BACNET_ANALOG_INPUT);
    assert_int_equal(read.object.instance, 5);
    assert_int_equal(read.property, BACNET_PROP_PRESENT_VALUE);
    assert_true(read.index == BACNET_INDEX_ALL);
    struct bacnet_element element;
    assert_int_equal(bacnet_get_element(&value, &element), 0);
    assert_int_equal(element.value.type, BACNET_REAL);
    assert_true(element.value.as.real > 72.29F && element.value.as.real < 72.31F);
    assert_int_equal(bytes_left(&value), 0);
    struct bacnet_object object;
    struct bacnet_property_value written;
    in = bytes_of(data, codec_hex(whole[9].hex, data));
    assert_int_equal(bacnet_get_write_property(&in, &object, &written), 0);
    assert_int_equal(written.priority, 16);
    assert_int_equal(object.type, BACNET_BINARY_OUTPUT);
}

static int error_of(codec_again again, const char *hex)
{
    uint8_t data[CODEC_MAX];
    uint8_t out[2 * CODEC_MAX];
    size_t size;
    return codec_run(again, data, codec_hex(hex, data), out, &size);
}

static void what_cannot_be_is_refused(void **state)
{
    (void)state;
    assert_int_equal(error_of(again_write, "0C 00800001 19 55 3E 00 3F 49 00"), BUSBAR_EPROTO);
    assert_int_equal(error_of(again_write, "0C 00800001 19 55 3E 00 3F 49 11"), BUSBAR_EPROTO);
    assert_int_equal(error_of(again_read, "0C 00000005 19 55 2C FFFFFFFF"), BUSBAR_EPROTO);
    assert_int_equal(error_of(again_read, "0C 00000005 1D 05 0100000000"), BUSBAR_EPROTO);
    assert_int_equal(error_of(again_read_ack, "0C 00000005 19 55 3E 0E 3F 0F"), BUSBAR_EPROTO);
    assert_int_equal(error_of(again_read, "1C 00000005 19 55"), BUSBAR_EPROTO);
}

/* ---- lists: read one by one, written one by one ---- */

static int again_specifications(struct bytes *in, struct bytes_out *out)
{
    while (bytes_left(in) > 0) {
        struct bacnet_object object;
        struct bytes references;
        int error = bacnet_get_read_specification(in, &object, &references);
        if (error != 0) {
            return error;
        }
        bacnet_put_read_begin(out, object);
        while (bytes_left(&references) > 0) {
            struct bacnet_property_reference reference;
            size_t before = bytes_out_size(out);
            if (bacnet_get_property_reference(&references, &reference) != 0) {
                return BUSBAR_EPROTO;
            }
            bacnet_put_property_reference(out, &reference);
            assert_int_equal(bytes_out_size(out) - before,
                             bacnet_property_reference_size(&reference));
        }
        bacnet_put_read_end(out);
    }
    return 0;
}

static int again_results(struct bytes *in, struct bytes_out *out)
{
    while (bytes_left(in) > 0) {
        struct bacnet_object object;
        struct bytes results;
        int error = bacnet_get_read_object(in, &object, &results);
        if (error != 0) {
            return error;
        }
        bacnet_put_read_begin(out, object);
        while (bytes_left(&results) > 0) {
            struct bacnet_read_result result;
            size_t before = bytes_out_size(out);
            if (bacnet_get_read_result(&results, &result) != 0) {
                return BUSBAR_EPROTO;
            }
            bacnet_put_read_result(out, &result);
            assert_int_equal(bytes_out_size(out) - before, bacnet_read_result_size(&result));
        }
        bacnet_put_read_end(out);
    }
    return 0;
}

static int again_writes(struct bytes *in, struct bytes_out *out)
{
    while (bytes_left(in) > 0) {
        struct bacnet_object object;
        struct bytes values;
        int error = bacnet_get_write_specification(in, &object, &values);
        if (error != 0) {
            return error;
        }
        bacnet_put_write_begin(out, object);
        while (bytes_left(&values) > 0) {
            struct bacnet_property_value value;
            if (bacnet_get_property_value(&values, &value) != 0) {
                return BUSBAR_EPROTO;
            }
            bacnet_put_property_value(out, &value);
        }
        bacnet_put_write_end(out);
    }
    return 0;
}

static const struct codec_vector lists[] = {
    { "F.3.7 ReadPropertyMultiple", "0C 00000010 1E 09 55 09 67 1F", again_specifications, 0 },
    { "F.3.7 of three objects",
      "0C 00000021 1E 09 55 1F 0C 00000032 1E 09 55 1F 0C 00000023 1E 09 55 1F",
      again_specifications, 0 },
    { "15.7 all, and an element", "0C 02000001 1E 09 08 09 4C 19 03 1F", again_specifications, 0 },
    { "F.3.7 ReadPropertyMultiple-Ack",
      "0C 00000010 1E 29 55 4E 44 4290999A 4F 29 67 4E 91 00 4F 1F", again_results, 0 },
    { "F.3.7 with an error",
      "0C 00000021 1E 29 55 4E 44 42293333 4F 1F 0C 00000032 1E 29 55 5E 91 01 91 1F 5F 1F 0C "
      "00000023 1E 29 55 4E 44 43D9D99A 4F 1F",
      again_results, 0 },
    { "15.7 an element", "0C 02000001 1E 29 4C 39 01 4E C4 02000001 4F 1F", again_results, 0 },
    { "F.3.10 WritePropertyMultiple",
      "0C 00800005 1E 09 55 2E 44 42860000 2F 1F 0C 00800006 1E 09 55 2E 44 42860000 2F 1F 0C "
      "00800007 1E 09 55 2E 44 42900000 2F 1F",
      again_writes, 0 },
    { "15.10 with priorities",
      "0C 00400001 1E 09 55 2E 00 2F 39 08 09 55 2E 44 41A80000 2F 39 10 1F", again_writes, 0 },
};

static void lists_hold(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        uint8_t data[CODEC_MAX];
        uint8_t again[2 * CODEC_MAX];
        size_t again_size;
        size_t size = codec_hex(lists[i].hex, data);
        assert_int_equal(codec_run(lists[i].again, data, size, again, &again_size), 0);
        assert_int_equal(again_size, size);
        assert_memory_equal(again, data, size);
        for (size_t cut = 0; cut < size; cut++) { /* whole objects are a whole list */
            int error = codec_run(lists[i].again, data, cut, again, &again_size);
            assert_true(error == 0 || error == BUSBAR_EPROTO);
            assert_true(error != 0 || (again_size == cut && (cut == 0 || data[cut - 1] == 0x1f)));
        }
        codec_flips(&lists[i]);
    }
}

static void a_walk_gives_all_results(void **state)
{
    (void)state;
    uint8_t data[CODEC_MAX];
    struct bacnet_read_walk walk = { .in = bytes_of(data, codec_hex(lists[4].hex, data)) };
    struct bacnet_read_result result;
    static const uint32_t instances[] = { 33, 50, 35 };
    for (size_t i = 0; i < 3; i++) {
        assert_true(bacnet_read_next(&walk, &result));
        assert_int_equal(walk.object.instance, instances[i]);
        assert_int_equal(result.property, BACNET_PROP_PRESENT_VALUE);
        assert_true(result.refused == (i == 1));
    }
    assert_false(bacnet_read_next(&walk, &result));
    assert_int_equal(walk.error, 0);
    walk = (struct bacnet_read_walk){ .in = bytes_of(data, codec_hex(lists[4].hex, data) - 1) };
    size_t count = 0;
    while (bacnet_read_next(&walk, &result)) {
        count++;
    }
    assert_int_equal(count, 3); /* only the last bracket is missing */
    assert_int_equal(walk.error, BUSBAR_EPROTO);
    assert_false(bacnet_read_next(&walk, &result));
    walk = (struct bacnet_read_walk){
        .in = bytes_of(data, codec_hex("0C 00000001 1E 29 55 4E 00 4F 1D", data))
    };
    assert_true(bacnet_read_next(&walk, &result));
    assert_false(bacnet_read_next(&walk, &result));
    assert_int_equal(walk.error, BUSBAR_EPROTO);
    /* objects without results are passed over */
    walk = (struct bacnet_read_walk){
        .in = bytes_of(data, codec_hex("0C 00000001 1E 1F 0C 00000002 1E 29 55 4E 00 4F 1F", data))
    };
    assert_true(bacnet_read_next(&walk, &result));
    assert_int_equal(walk.object.instance, 2);
    assert_false(bacnet_read_next(&walk, &result));
}

static void refusals_are_read(void **state)
{
    (void)state;
    uint8_t data[CODEC_MAX];
    struct bacnet_read_result result;
    struct bytes in = bytes_of(
        data, codec_hex("29 55 5E 91 01 91 1F 5F", data)); /* of the vector above */
    assert_int_equal(bacnet_get_read_result(&in, &result), 0);
    assert_true(result.refused);
    assert_int_equal(result.why.error_class, BACNET_CLASS_OBJECT);
    assert_int_equal(result.why.code, BACNET_ERROR_UNKNOWN_OBJECT);
}

/* ---- errors: first byte the service ---- */

static int again_error(struct bytes *in, struct bytes_out *out)
{
    uint8_t service = bytes_get_u8(in);
    struct bacnet_error_body error;
    int refused = bytes_short(in) ? BUSBAR_EPROTO : bacnet_get_error(in, service, &error);
    if (refused == 0) {
        bytes_put_u8(out, service);
        bacnet_put_error(out, service, &error);
        assert_true(bytes_out_size(out) <= 1 + BACNET_ERROR_FIRST_MAX);
    }
    return refused;
}

static const struct codec_vector errors[] = {
    { "21 an error", "0C 91 01 91 1F", again_error, CODEC_WHOLE },
    { "21 WritePropertyMultiple-Error", "10 0E 91 02 91 28 0F 1E 0C 00800005 19 55 29 03 1F",
      again_error, CODEC_WHOLE },
    { "21 ChangeList-Error", "08 0E 91 02 91 13 0F 19 01", again_error, CODEC_WHOLE },
    { "21 SubscribeCOVPropertyMultiple-Error", "1E 1E 0C 00000005 1E 09 55 1F 2E 91 02 91 2C 2F 1F",
      again_error, CODEC_WHOLE },
    { "21 SubscribeCOVPropertyMultiple-Error, plain", "1E 0E 91 05 91 2B 0F", again_error,
      CODEC_WHOLE },
};

static void errors_hold(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        codec_vector_holds(&errors[i]);
    }
    uint8_t data[CODEC_MAX];
    struct bacnet_error_body error;
    struct bytes in = bytes_of(data, codec_hex(errors[1].hex, data));
    bytes_skip(&in, 1);
    assert_int_equal(bacnet_get_error(&in, BACNET_WRITE_PROPERTY_MULTIPLE, &error), 0);
    assert_int_equal(error.why.code, BACNET_ERROR_WRITE_ACCESS_DENIED);
    assert_true(error.has_object);
    assert_int_equal(error.object.instance, 5);
    assert_int_equal(error.property, BACNET_PROP_PRESENT_VALUE);
    assert_int_equal(error.index, 3);
    /* others wrap it too and say more: ConfirmedPrivateTransfer */
    in = bytes_of(data, codec_hex("0E 91 05 91 1D 0F 19 05 29 01", data));
    assert_int_equal(bacnet_get_error(&in, BACNET_CONFIRMED_PRIVATE_TRANSFER, &error), 0);
    assert_int_equal(error.why.code, BACNET_ERROR_SERVICE_REQUEST_DENIED);
    assert_false(error.has_object);
    in = bytes_of(data, codec_hex("91 01 93 010000", data)); /* a code over 16 bits */
    assert_int_equal(bacnet_get_error(&in, BACNET_READ_PROPERTY, &error), BUSBAR_EPROTO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_hold),
        cmocka_unit_test(fields_are_read),
        cmocka_unit_test(what_cannot_be_is_refused),
        cmocka_unit_test(lists_hold),
        cmocka_unit_test(a_walk_gives_all_results),
        cmocka_unit_test(refusals_are_read),
        cmocka_unit_test(errors_hold),
    };
    return cmocka_run_group_tests_name("read_property", tests, NULL, NULL);
}
