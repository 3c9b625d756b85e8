/* SPDX-License-Identifier: Apache-2.0 */
/* SubscribeCOV in its three forms and both kinds of notifications: annex F.1.2, F.1.3, F.1.10, F.1.11, and what
 * else clause 13 allows. */
#include "codec_rig.h"

#include "drivers/bacnet/service/cov_notification.h"
#include "drivers/bacnet/service/subscribe_cov.h"
#include "drivers/bacnet/wire/numbers.h"

static int again_subscribe(struct bytes *in, struct bytes_out *out)
{
    struct bacnet_subscribe_cov subscribe;
    int error = bacnet_get_subscribe_cov(in, &subscribe);
    if (error == 0) {
        bacnet_put_subscribe_cov(out, &subscribe);
        assert_true(bytes_out_size(out) <= BACNET_SUBSCRIBE_COV_MAX);
    }
    return error;
}

static int again_property(struct bytes *in, struct bytes_out *out)
{
    struct bacnet_subscribe_cov subscribe;
    int error = bacnet_get_subscribe_cov_property(in, &subscribe);
    if (error == 0) {
        bacnet_put_subscribe_cov_property(out, &subscribe);
        assert_true(bytes_out_size(out) <= BACNET_SUBSCRIBE_COV_MAX);
    }
    return error;
}

static int again_multiple(struct bytes *in, struct bytes_out *out)
{
    struct bacnet_subscribe_cov subscribe;
    struct bytes objects;
    int error = bacnet_get_subscribe_multiple(in, &subscribe, &objects);
    if (error != 0) {
        return error;
    }
    bacnet_put_subscribe_multiple_begin(out, &subscribe);
    while (bytes_left(&objects) > 0) {
        struct bacnet_object object;
        struct bytes references;
        if (bacnet_get_subscribe_object(&objects, &object, &references) != 0) {
            return BUSBAR_EPROTO;
        }
        bacnet_put_subscribe_object_begin(out, object);
        while (bytes_left(&references) > 0) {
            struct bacnet_cov_reference reference;
            size_t before = bytes_out_size(out);
            if (bacnet_get_cov_reference(&references, &reference) != 0) {
                return BUSBAR_EPROTO;
            }
            bacnet_put_cov_reference(out, &reference);
            assert_true(bytes_out_size(out) - before <= BACNET_SUBSCRIBE_REFERENCE_MAX);
        }
        bacnet_put_subscribe_object_end(out);
    }
    bacnet_put_subscribe_multiple_end(out);
    return 0;
}

static int again_cov(struct bytes *in, struct bytes_out *out)
{
    struct bacnet_cov cov;
    struct bytes values;
    int error = bacnet_get_cov(in, &cov, &values);
    if (error != 0) {
        return error;
    }
    bacnet_put_cov_begin(out, &cov);
    while (bytes_left(&values) > 0) {
        struct bacnet_property_value value;
        if (bacnet_get_property_value(&values, &value) != 0) {
            return BUSBAR_EPROTO;
        }
        bacnet_put_property_value(out, &value);
    }
    bacnet_put_cov_end(out);
    return 0;
}

static int again_cov_multiple(struct bytes *in, struct bytes_out *out)
{
    struct bacnet_cov cov;
    struct bytes objects;
    int error = bacnet_get_cov_multiple(in, &cov, &objects);
    if (error != 0) {
        return error;
    }
    bacnet_put_cov_multiple_begin(out, &cov);
    assert_true(bytes_out_size(out) < BACNET_COV_BEGIN_MAX);
    while (bytes_left(&objects) > 0) {
        struct bacnet_object object;
        struct bytes changes;
        if (bacnet_get_cov_object(&objects, &object, &changes) != 0) {
            return BUSBAR_EPROTO;
        }
        bacnet_put_cov_object_begin(out, object);
        while (bytes_left(&changes) > 0) {
            struct bacnet_cov_change change;
            if (bacnet_get_cov_change(&changes, &change) != 0) {
                return BUSBAR_EPROTO;
            }
            bacnet_put_cov_change(out, &change);
        }
        bacnet_put_cov_object_end(out);
    }
    bacnet_put_cov_multiple_end(out);
    return 0;
}

static const struct codec_vector vectors[] = {
    { "13.14 a cancellation", "09 12 1C 0000000A", again_subscribe, CODEC_WHOLE },
    { "F.1.2 ConfirmedCOVNotification",
      "09 12 1C 02000004 2C 0000000A 39 00 4E 09 55 2E 44 42820000 2F 09 6F 2E 82 0400 2F 4F",
      again_cov, CODEC_WHOLE },
    { "13.6 with an element and a priority",
      "09 00 1C 02000004 2C 00400001 3A 0E10 4E 09 57 19 08 2E 44 42820000 2F 39 08 4F", again_cov,
      CODEC_WHOLE },
    { "13.16 SubscribeCOVPropertyMultiple",
      "09 12 19 01 29 3C 39 05 4E 0C 0000000A 1E 0E 09 55 0F 1C 3F800000 29 01 0E 09 6F 0F 29 00 "
      "1F 4F",
      again_multiple, CODEC_WHOLE },
    { "13.16 a cancellation", "09 12 4E 0C 0000000A 1E 0E 09 55 0F 29 00 1F 4F", again_multiple,
      CODEC_WHOLE },
    { "13.17 ConfirmedCOVNotificationMultiple",
      "09 12 1C 02000004 29 23 3E A4 7E0B1607 B4 0A2C0800 3F 4E 0C 0000000A 1E 09 55 2E 44 "
      "42820000 2F 3C 0A2C0819 09 6F 2E 82 0400 2F 1F 4F",
      again_cov_multiple, CODEC_WHOLE },
    { "13.17 without times", "09 12 1C 02000004 29 00 4E 0C 0000000A 1E 09 57 19 08 2E 00 2F 1F 4F",
      again_cov_multiple, CODEC_WHOLE },
};

static void vectors_hold(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        codec_vector_holds(&vectors[i]);
        codec_flips(&vectors[i]);
    }
}

static const struct codec_vector terms[] = {
    { "F.1.10 SubscribeCOV", "09 12 1C 0000000A 29 01 39 00", again_subscribe, 0 },
    { "F.1.11 SubscribeCOVProperty", "09 12 1C 0000000A 29 01 39 3C 4E 09 55 4F 5C 3F800000",
      again_property, 0 },
    { "13.15 without increment", "09 12 1C 0000000A 29 00 39 3C 4E 09 55 19 01 4F", again_property,
      0 },
    { "13.15 a cancellation", "09 12 1C 0000000A 4E 09 55 4F", again_property, 0 },
};

/* Their ends are optional: a prefix may be whole. It must be so, or be refused. */
static void optional_ends_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(terms) / sizeof(terms[0]); i++) {
        uint8_t data[CODEC_MAX];
        uint8_t again[2 * CODEC_MAX];
        size_t again_size;
        size_t size = codec_hex(terms[i].hex, data);
        assert_int_equal(codec_run(terms[i].again, data, size, again, &again_size), 0);
        assert_int_equal(again_size, size);
        assert_memory_equal(again, data, size);
        size_t fine = 0;
        for (size_t cut = 0; cut < size; cut++) {
            int error = codec_run(terms[i].again, data, cut, again, &again_size);
            assert_true(error == 0 || error == BUSBAR_EPROTO);
            fine += error == 0 ? 1 : 0;
        }
        assert_true(fine <= 2);
        codec_flips(&terms[i]);
    }
}

static void fields_are_read(void **state)
{
    (void)state;
    uint8_t data[CODEC_MAX];
    struct bacnet_subscribe_cov subscribe;
    struct bytes in = bytes_of(data, codec_hex(terms[1].hex, data));
    assert_int_equal(bacnet_get_subscribe_cov_property(&in, &subscribe), 0);
    assert_int_equal(subscribe.process, 18);
    assert_int_equal(subscribe.object.instance, 10);
    assert_true(subscribe.confirmed && !subscribe.cancel && subscribe.has_increment);
    assert_int_equal(subscribe.lifetime_s, 60);
    assert_int_equal(subscribe.property.property, BACNET_PROP_PRESENT_VALUE);
    assert_true(subscribe.property.index == BACNET_INDEX_ALL);
    assert_true(subscribe.increment == 1.0F);
    in = bytes_of(data, codec_hex(vectors[0].hex, data));
    assert_int_equal(bacnet_get_subscribe_cov(&in, &subscribe), 0);
    assert_true(subscribe.cancel);
    /* one of both is enough to subscribe */
    in = bytes_of(data, codec_hex("09 12 1C 0000000A 39 3C", data));
    assert_int_equal(bacnet_get_subscribe_cov(&in, &subscribe), 0);
    assert_false(subscribe.cancel || subscribe.confirmed);
    assert_int_equal(subscribe.lifetime_s, 60);
    in = bytes_of(data, codec_hex("09 12 1C 0000000A 29 01", data));
    assert_int_equal(bacnet_get_subscribe_cov(&in, &subscribe), 0);
    assert_true(subscribe.confirmed && !subscribe.cancel);
    assert_int_equal(subscribe.lifetime_s, 0);

    struct bacnet_cov cov;
    struct bytes values;
    struct bacnet_property_value value;
    in = bytes_of(data, codec_hex(vectors[1].hex, data));
    assert_int_equal(bacnet_get_cov(&in, &cov, &values), 0);
    assert_int_equal(cov.process, 18);
    assert_int_equal(cov.device, 4);
    assert_int_equal(cov.left_s, 0);
    assert_int_equal(bacnet_get_property_value(&values, &value), 0);
    assert_int_equal(bacnet_get_property_value(&values, &value), 0);
    assert_int_equal(value.property, BACNET_PROP_STATUS_FLAGS);
    assert_int_equal(bytes_left(&values), 0);
    /* who tells must be a device */
    in = bytes_of(data, codec_hex("09 12 1C 00000004 2C 0000000A 39 00 4E 4F", data));
    assert_int_equal(bacnet_get_cov(&in, &cov, &values), BUSBAR_EPROTO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_hold),
        cmocka_unit_test(optional_ends_are_read),
        cmocka_unit_test(fields_are_read),
    };
    return cmocka_run_group_tests_name("subscribe_cov", tests, NULL, NULL);
}
