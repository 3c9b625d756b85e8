/* SPDX-License-Identifier: Apache-2.0 */
/* Packets of both versions: bytes from the standards, every prefix, bits flipped, what is forbidden, and there and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/err.h"
#include "drivers/mqtt/mqtt_packet.h"
#include "support/mqtt_again.h"

struct vector {
    const char *name;
    int version;
    const char *bytes;
    size_t size;
};

#define V(name_, version_, bytes_)                                                            \
    {                                                                                         \
        .name = (name_), .version = (version_), .bytes = (bytes_), .size = sizeof(bytes_) - 1 \
    }

/* In their shortest form, so that what is put is what was got. */
static const struct vector good[] = {
    /* 3.1.1: figure 3.6, with client id, user and password */
    V("connect 3.1.1", 4,
      "\x10\x22\x00\x04MQTT\x04\xce\x00\x0a\x00\x02id\x00\x01w\x00\x03off\x00\x04user\x00\x04pass"),
    /* 5.0: figure 3-6: session expiry 10 */
    V("connect 5", 5, "\x10\x16\x00\x04MQTT\x05\x02\x00\x3c\x05\x11\x00\x00\x00\x0a\x00\x04gate"),
    V("connect 5 with all", 5,
      "\x10\x38\x00\x04MQTT\x05\xf6\x00\x0a\x08\x21\x00\x14\x27\x00\x00\x04\x00\x00\x02id"
      "\x0c\x18\x00\x00\x00\x05\x26\x00\x01k\x00\x01v\x00\x01w\x00\x03"
      "off\x00\x04user\x00\x04pass"),
    V("connack 3.1.1", 4, "\x20\x02\x01\x00"),
    V("connack 3.1.1 refused", 4, "\x20\x02\x00\x05"),
    V("connack 5", 5, "\x20\x03\x00\x00\x00"),
    V("connack 5 limits", 5, "\x20\x10\x00\x00\x0d\x12\x00\x02id\x21\x00\x0a\x22\x00\x05\x24\x01"),
    V("connack 5 flags", 5, "\x20\x0b\x00\x00\x08\x25\x00\x28\x00\x29\x01\x2a\x00"),
    V("connack 5 moved", 5, "\x20\x09\x00\x9d\x06\x1c\x00\x03h:1"),
    /* 3.1.1: figure 3.11 */
    V("publish qos 0", 4,
      "\x30\x05\x00\x03"
      "a/b"),
    V("publish qos 1", 4,
      "\x3b\x0a\x00\x03"
      "a/b\x00\x0a"
      "xyz"),
    V("publish 5", 5,
      "\x32\x0b\x00\x03"
      "a/b\x00\x0a\x00xyz"),
    V("publish 5 properties", 5,
      "\x34\x29\x00\x03"
      "a/b\x00\x0a\x1e\x01\x01\x02\x00\x00\x00\x09\x03\x00\x01t\x08\x00\x01r\x09\x00\x02\x00\xff"
      "\x0b\x81\x01\x26\x00\x01k\x00\x01vxyz"),
    V("publish 5 alias", 5, "\x30\x07\x00\x00\x03\x23\x00\x01x"),
    V("puback", 4, "\x40\x02\x12\x34"),
    V("puback 5", 5, "\x40\x02\x12\x34"),
    V("pubrec 5 refused", 5, "\x50\x03\x12\x34\x97"),
    V("pubrel", 5, "\x62\x02\x00\x01"),
    V("pubcomp 5 with reason", 5, "\x70\x09\x00\x01\x92\x05\x1f\x00\x02no"),
    /* 3.1.1: figure 3.23 */
    V("subscribe", 4,
      "\x82\x0e\x00\x0a\x00\x03"
      "a/b\x01\x00\x03"
      "c/d\x02"),
    V("subscribe 5", 5,
      "\x82\x0b\x00\x0a\x02\x0b\x05\x00\x03"
      "a/#\x2d"),
    V("suback", 4, "\x90\x05\x00\x0a\x00\x02\x80"),
    V("suback 5", 5, "\x90\x05\x00\x0a\x00\x02\x87"),
    V("unsubscribe", 4,
      "\xa2\x07\x00\x0a\x00\x03"
      "a/b"),
    V("unsubscribe 5", 5,
      "\xa2\x08\x00\x0a\x00\x00\x03"
      "a/b"),
    V("unsuback", 4, "\xb0\x02\x00\x0a"),
    V("unsuback 5", 5, "\xb0\x05\x00\x0a\x00\x00\x11"),
    V("pingreq", 4, "\xc0\x00"),
    V("pingresp", 5, "\xd0\x00"),
    V("disconnect", 4, "\xe0\x00"),
    V("disconnect 5", 5, "\xe0\x01\x8e"),
    V("disconnect 5 moved", 5, "\xe0\x08\x9d\x06\x1c\x00\x03h:1"),
    V("auth 5", 5, "\xf0\x06\x18\x04\x15\x00\x01m"),
};

static int read_one(const uint8_t *data, size_t size, int version, struct buf *out,
                    struct mqtt_wrong *wrong)
{
    struct bytes in = bytes_dup(data, size);
    struct mqtt_head head;
    int error = mqtt_get_head(&in, &head);
    if (error == 0) {
        struct bytes body = bytes_get_bytes(&in, head.size);
        error = bytes_short(&in) ? BUSBAR_ESHORT : mqtt_again(body, &head, version, out, wrong);
    }
    bytes_fini(&in);
    return error;
}

static void there_and_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct buf out;
        struct mqtt_wrong wrong = { 0 };
        buf_init(&out, 4096);
        int error = read_one((const uint8_t *)good[i].bytes, good[i].size, good[i].version, &out,
                             &wrong);
        if (error != 0 || out.size != good[i].size ||
            memcmp(out.data, good[i].bytes, out.size) != 0) {
            fail_msg("%s: %d %s, %zu bytes back", good[i].name, error,
                     wrong.text != NULL ? wrong.text : "", out.size);
        }
        buf_fini(&out);
    }
}

static void every_prefix_is_short(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        for (size_t size = 0; size < good[i].size; size++) {
            struct mqtt_wrong wrong = { 0 };
            assert_int_equal(
                read_one((const uint8_t *)good[i].bytes, size, good[i].version, NULL, &wrong),
                BUSBAR_ESHORT);
        }
    }
}

/* A body that is cut, its head telling the truth: refused, or another packet that is whole; never read too far. */
static void every_cut_body(void **state)
{
    (void)state;
    size_t refused = 0;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        for (size_t size = 2; size < good[i].size; size++) {
            uint8_t cut[128];
            struct mqtt_wrong wrong = { 0 };
            struct buf out;
            memcpy(cut, good[i].bytes, size);
            cut[1] = (uint8_t)(size - 2);
            buf_init(&out, 4096);
            int error = read_one(cut, size, good[i].version, &out, &wrong);
            assert_true(error == 0 || (error == BUSBAR_EPROTO && wrong.text != NULL));
            refused += error != 0;
            buf_fini(&out);
        }
    }
    assert_true(refused > 200);
}

static void every_bit_flipped(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        for (size_t bit = 0; bit < good[i].size * 8; bit++) {
            uint8_t bent[128];
            struct mqtt_wrong wrong = { 0 };
            struct buf out;
            memcpy(bent, good[i].bytes, good[i].size);
            bent[bit / 8] ^= (uint8_t)(1u << bit % 8);
            buf_init(&out, 4096);
            int error = read_one(bent, good[i].size, good[i].version, &out, &wrong);
            assert_true(error == 0 || error == BUSBAR_ESHORT || error == BUSBAR_EPROTO);
            buf_fini(&out);
        }
    }
}

struct bad {
    const char *why; /* a part of the reason; NULL: refused by the head */
    int version;
    const char *bytes;
    size_t size;
};

#define B(why_, version_, bytes_)                                                           \
    {                                                                                       \
        .why = (why_), .version = (version_), .bytes = (bytes_), .size = sizeof(bytes_) - 1 \
    }

static const struct bad bad[] = {
    B(NULL, 4, "\x00\x00"),
    B(NULL, 4,
      "\x36\x05\x00\x03"
      "a/b"),
    B(NULL, 4, "\x41\x02\x00\x01"),
    B(NULL, 4, "\x60\x02\x00\x01"),
    B(NULL, 4, "\x30\x80\x80\x80\x80\x01"),
    B("topic", 4,
      "\x30\x05\x00\x03"
      "a/+"),
    B("topic", 4,
      "\x30\x05\x00\x03"
      "a/#"),
    B("topic", 4,
      "\x30\x05\x00\x03"
      "a\0b"),
    B("topic", 4,
      "\x30\x05\x00\x03"
      "a\xc3("),
    B("topic", 4, "\x30\x05\x00\x03\xed\xa0\x80"), /* a surrogate */
    B("topic", 4, "\x30\x02\x00\x00"),
    B("topic", 5, "\x30\x03\x00\x00\x00"),
    B("packet id 0", 4,
      "\x32\x07\x00\x03"
      "a/b\x00\x00"),
    B("flags", 4,
      "\x38\x05\x00\x03"
      "a/b"),
    B("twice", 5,
      "\x30\x0a\x00\x03"
      "a/b\x04\x01\x01\x01\x01"),
    B("does not know", 5,
      "\x30\x08\x00\x03"
      "a/b\x02\x04\x01"),
    B("does not belong", 5,
      "\x30\x09\x00\x03"
      "a/b\x03\x21\x00\x01"),
    B("number", 5,
      "\x30\x08\x00\x03"
      "a/b\x02\x01\x02"),
    B("number", 5,
      "\x30\x09\x00\x03"
      "a/b\x03\x23\x00\x00"),
    B("too early", 5,
      "\x30\x06\x00\x03"
      "a/b\x01"),
    B("UTF-8", 5,
      "\x30\x0c\x00\x03"
      "a/b\x06\x26\x00\x01\xff\x00\x00"),
    B("response topic", 5,
      "\x30\x0b\x00\x03"
      "a/b\x05\x08\x00\x02+/"),
    B("packet id 0", 4, "\x40\x02\x00\x00"),
    B("behind its end", 4, "\x40\x03\x00\x01\x00"),
    B("reserved", 4, "\x20\x02\x02\x00"),
    B("refuses and has a session", 4, "\x20\x02\x01\x05"),
    B("too early", 5, "\x20\x02\x00\x00"),
    B("without a filter", 4, "\x82\x02\x00\x01"),
    B("options", 4,
      "\x82\x06\x00\x01\x00\x01"
      "a\x03"),
    B("options", 4,
      "\x82\x06\x00\x01\x00\x01"
      "a\x04"),
    B("options", 5,
      "\x82\x07\x00\x01\x00\x00\x01"
      "a\x30"),
    B("options", 5,
      "\x82\x07\x00\x01\x00\x00\x01"
      "a\x40"),
    B("filter", 4, "\x82\x05\x00\x01\x00\x00\x00"),
    B("no codes", 4, "\x90\x02\x00\x01"),
    B("flags of CONNECT", 4, "\x10\x0c\x00\x04MQTT\x04\x01\x00\x00\x00\x00"),
    B("flags of CONNECT", 4, "\x10\x0c\x00\x04MQTT\x04\x08\x00\x00\x00\x00"),
    B("flags of CONNECT", 4, "\x10\x0e\x00\x04MQTT\x04\x40\x00\x00\x00\x00\x00\x00"),
    B("QoS 3", 4, "\x10\x11\x00\x04MQTT\x04\x1c\x00\x00\x00\x00\x00\x01w\x00\x00"),
    B("will's topic", 4, "\x10\x11\x00\x04MQTT\x04\x04\x00\x00\x00\x00\x00\x01#\x00\x00"),
    B("not MQTT", 4, "\x10\x0c\x00\x04MQTX\x04\x00\x00\x00\x00\x00"),
};

static void what_is_forbidden(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct mqtt_wrong wrong = { 0 };
        struct buf out;
        buf_init(&out, 4096);
        int error = read_one((const uint8_t *)bad[i].bytes, bad[i].size, bad[i].version, &out,
                             &wrong);
        bool fits = bad[i].why == NULL
                        ? wrong.text == NULL
                        : wrong.text != NULL && strstr(wrong.text, bad[i].why) != NULL;
        if (error != BUSBAR_EPROTO || !fits) {
            fail_msg("row %zu (%s): %d, %s", i, bad[i].why != NULL ? bad[i].why : "head", error,
                     wrong.text != NULL ? wrong.text : "no reason");
        }
        assert_true(bad[i].why == NULL || wrong.reason >= MQTT_FAILURE);
        buf_fini(&out);
    }
}

static void fields(void **state)
{
    (void)state;
    static const char packet[] = "\x00\x03"
                                 "a/b\x12\x34\x17\x23\x00\x07\x26\x00\x02k1\x00\x02v1\x03\x00\x01t"
                                 "\x26\x00\x02k2\x00\x00{}";
    struct mqtt_packet_publish got;
    struct mqtt_wrong wrong;
    assert_int_equal(mqtt_get_publish(bytes_of(packet, sizeof(packet) - 1), 0x0d, 5, &got, &wrong),
                     0);
    assert_int_equal(got.qos, 2);
    assert_true(got.duplicate && got.retain);
    assert_int_equal(got.id, 0x1234);
    assert_int_equal(got.payload.size, 2);
    assert_memory_equal(got.payload.data, "{}", 2);
    assert_true(mqtt_has(&got.properties, MQTT_TOPIC_ALIAS));
    assert_int_equal(got.properties.topic_alias, 7);
    assert_memory_equal(got.properties.content_type.data, "t", 1);
    struct bytes rest = bytes_of(got.properties.raw.data, got.properties.raw.size);
    struct mqtt_slice name, value;
    assert_true(mqtt_next_user(&rest, &name, &value));
    assert_memory_equal(name.data, "k1", 2);
    assert_memory_equal(value.data, "v1", 2);
    assert_true(mqtt_next_user(&rest, &name, &value));
    assert_memory_equal(name.data, "k2", 2);
    assert_int_equal(value.size, 0);
    assert_false(mqtt_next_user(&rest, &name, &value));
}

static void sizes_of_one_to_four_bytes(void **state)
{
    (void)state;
    static const size_t sizes[] = { 0, 1, 122, 123, 16378, 16379, 2097146, 2097147 };
    static uint8_t payload[2097147];
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct mqtt_packet_publish put = { .topic = { .data = (const uint8_t *)"abc", .size = 3 },
                                           .payload = { .data = payload, .size = sizes[i] } };
        struct buf out;
        struct mqtt_head head;
        buf_init(&out, 4 << 20);
        assert_int_equal(mqtt_put_publish(&out, 4, &put), 0);
        struct bytes in = bytes_of(out.data, out.size);
        assert_int_equal(mqtt_get_head(&in, &head), 0);
        assert_int_equal(head.size, sizes[i] + 5);
        assert_int_equal(bytes_left(&in), head.size);
        buf_fini(&out);
    }
}

static void a_ceiling_is_kept(void **state)
{
    (void)state;
    struct mqtt_packet_publish put = { .topic = { .data = (const uint8_t *)"abc", .size = 3 },
                                       .payload = { .data = (const uint8_t *)"0123456789",
                                                    .size = 10 } };
    struct buf out;
    buf_init(&out, 12);
    assert_int_equal(mqtt_put_publish(&out, 5, &put), BUSBAR_ELIMIT);
    assert_true(out.overflow);
    buf_fini(&out);
}

static void old_brokers_refuse_in_their_own_form(void **state)
{
    (void)state;
    struct mqtt_packet_connack got;
    struct mqtt_wrong wrong;
    assert_int_equal(mqtt_get_connack(bytes_of("\x00\x01", 2), 5, &got, &wrong), 0);
    assert_int_equal(got.code, 1);
}

static void versions_that_are_not_known(void **state)
{
    (void)state;
    struct mqtt_packet_connect got;
    struct mqtt_wrong wrong;
    assert_int_equal(mqtt_get_connect(bytes_of("\x00\x04MQTT\x06", 7), &got, &wrong), 0);
    assert_int_equal(got.version, 6);
    assert_int_equal(mqtt_get_connect(bytes_of("\x00\x06MQIsdp\x03\x02", 10), &got, &wrong), 0);
    assert_int_equal(got.version, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(every_prefix_is_short),
        cmocka_unit_test(every_cut_body),
        cmocka_unit_test(every_bit_flipped),
        cmocka_unit_test(what_is_forbidden),
        cmocka_unit_test(fields),
        cmocka_unit_test(sizes_of_one_to_four_bytes),
        cmocka_unit_test(a_ceiling_is_kept),
        cmocka_unit_test(old_brokers_refuse_in_their_own_form),
        cmocka_unit_test(versions_that_are_not_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
