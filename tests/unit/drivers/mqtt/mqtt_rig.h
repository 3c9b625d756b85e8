/* SPDX-License-Identifier: Apache-2.0 */
/* The client on a fake network with a fake clock; the test is the broker. */
#ifndef BUSBAR_TESTS_MQTT_RIG_H
#define BUSBAR_TESTS_MQTT_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"
#include "drivers/mqtt/mqtt_client.h"
#include "drivers/mqtt/mqtt_packet.h"
#include "support/fake_stream.h"

enum { RIG_MESSAGES = 4096, RIG_TEXT = 600, RIG_BODY = 256 * 1024 };

struct rig_message {
    char topic[64], payload[64], first_property[64];
    uint8_t qos;
    bool retained, duplicate;
    uint16_t id;
    size_t size, property_count;
    uint64_t ticket;
};

struct rig {
    struct loop *loop;
    struct fake_net *net;
    struct mqtt_client_options options;
    struct mqtt_client *client;
    struct fake_peer *peer;
    unsigned ups, downs, bads, ended, subscribed, unsubscribed, published;
    bool session;
    enum mqtt_down why;
    uint8_t reason, code, published_code;
    int error, published_error;
    uint16_t released;
    char detail[RIG_TEXT], bad[RIG_TEXT], filter[RIG_TEXT];
    struct rig_message messages[RIG_MESSAGES];
    size_t count;
    uint8_t body[RIG_BODY]; /* of the packet taken last */
    void (*on_message)(struct rig *rig, const struct mqtt_message *message);
};

static void rig_on_up(void *ctx, bool session)
{
    struct rig *rig = ctx;
    rig->ups++;
    rig->session = session;
}

static void rig_on_down(void *ctx, enum mqtt_down why, uint8_t reason, int error,
                        const char *detail)
{
    struct rig *rig = ctx;
    rig->downs++;
    rig->why = why;
    rig->reason = reason;
    rig->error = error;
    (void)str_copy(rig->detail, sizeof(rig->detail), detail);
}

static void rig_on_message(void *ctx, const struct mqtt_message *message)
{
    struct rig *rig = ctx;
    assert_int_equal(strlen(message->topic), message->topic_size);
    struct rig_message *to = &rig->messages[rig->count++ % RIG_MESSAGES];
    *to = (struct rig_message){ .qos = message->qos,
                                .retained = message->retained,
                                .duplicate = message->duplicate,
                                .id = message->packet_id,
                                .size = message->size,
                                .property_count = message->property_count,
                                .ticket = message->ticket };
    (void)str_copy(to->topic, sizeof(to->topic), message->topic);
    (void)str_format(to->payload, sizeof(to->payload), "%.*s",
                     (int)(message->size < 60 ? message->size : 60),
                     (const char *)message->payload);
    if (message->property_count > 0) {
        (void)str_format(to->first_property, sizeof(to->first_property), "%s=%s",
                         message->properties[0].name, message->properties[0].value);
    }
    if (rig->on_message != NULL) {
        rig->on_message(rig, message);
    }
}

static void rig_on_subscribed(void *ctx, const char *filter, uint8_t code, const char *reason)
{
    struct rig *rig = ctx;
    assert_non_null(reason);
    rig->subscribed++;
    rig->code = code;
    (void)str_copy(rig->filter, sizeof(rig->filter), filter);
}

static void rig_on_unsubscribed(void *ctx, const char *filter)
{
    struct rig *rig = ctx;
    rig->unsubscribed++;
    (void)str_copy(rig->filter, sizeof(rig->filter), filter);
}

static void rig_on_bad(void *ctx, const void *data, size_t size, const char *reason)
{
    struct rig *rig = ctx;
    assert_true(data != NULL || size == 0);
    rig->bads++;
    (void)str_copy(rig->bad, sizeof(rig->bad), reason);
}

static void rig_on_ended(void *ctx)
{
    struct rig *rig = ctx;
    rig->ended++;
    rig->client = NULL;
}

static void rig_on_released(void *ctx, uint16_t packet_id)
{
    ((struct rig *)ctx)->released = packet_id;
}

static inline void rig_on_published(void *ctx, int error, uint8_t code)
{
    struct rig *rig = ctx;
    rig->published++;
    rig->published_error = error;
    rig->published_code = code;
}

static const struct mqtt_client_events rig_events = {
    .up = rig_on_up,
    .down = rig_on_down,
    .message = rig_on_message,
    .subscribed = rig_on_subscribed,
    .unsubscribed = rig_on_unsubscribed,
    .bad = rig_on_bad,
    .ended = rig_on_ended,
    .released = rig_on_released,
};

static inline void rig_pass(struct rig *rig, int64_t ms)
{
    loop_advance_for_test(rig->loop, ms * CLOCK_US_PER_MS);
}

static inline void rig_init(struct rig *rig)
{
    *rig = (struct rig){ 0 };
    clock_fake_set(1000 * CLOCK_US_PER_S, INT64_C(1700000000) * CLOCK_US_PER_S);
    rig->loop = loop_new();
    rig->net = fake_net_new(rig->loop);
    rig->options = (struct mqtt_client_options){
        .target = { .kind = STREAM_TCP, .host = "10.0.0.1", .port = 1883 },
        .client_id = "gate",
        .session_expiry_s = 3600,
        .keep_alive_s = 60,
    };
}

static inline void rig_close(struct rig *rig)
{
    if (rig->client != NULL) {
        mqtt_client_close(rig->client);
        rig_pass(rig, 0);
        assert_int_equal(rig->ended, 1);
    }
}

static inline void rig_fini(struct rig *rig)
{
    rig_close(rig);
    fake_net_free(rig->net);
    loop_free(rig->loop);
    clock_fake_off();
}

static inline void rig_open(struct rig *rig)
{
    assert_int_equal(
        mqtt_client_open(rig->loop, &rig->options, &rig_events, rig, &rig->client, NULL), 0);
    rig_pass(rig, 0);
}

/* ---- what the broker hears ---- */

/* The next packet; asserts its type. The body stays until the next one is taken. */
static inline struct bytes rig_take(struct rig *rig, uint8_t type)
{
    size_t size;
    const uint8_t *sent = fake_peer_sent(rig->peer, &size);
    struct bytes in = bytes_of(sent, size);
    struct mqtt_head head = { 0 };
    assert_int_equal(mqtt_get_head(&in, &head), 0);
    assert_string_equal(mqtt_type_name(head.type), mqtt_type_name(type));
    assert_true(bytes_left(&in) >= head.size && head.size <= RIG_BODY);
    size_t before = bytes_offset(&in);
    memcpy(rig->body, in.at, head.size);
    fake_peer_drop(rig->peer, before + head.size);
    return bytes_of(rig->body, head.size);
}

static inline void rig_nothing(struct rig *rig)
{
    fake_peer_expect_nothing(rig->peer);
}

static inline void rig_heard_ack(struct rig *rig, uint8_t type, uint16_t id, uint8_t code)
{
    struct mqtt_packet_ack packet;
    struct mqtt_wrong wrong;
    struct bytes body = rig_take(rig, type);
    assert_int_equal(mqtt_get_ack(body, type, mqtt_client_version(rig->client), &packet, &wrong),
                     0);
    assert_int_equal(packet.id, id);
    assert_int_equal(packet.code, code);
}

/* ---- what the broker says ---- */

static inline void rig_say(struct rig *rig, const struct buf *packet)
{
    struct bytes copy = bytes_dup(packet->data, packet->size);
    fake_peer_send(rig->peer, copy.start, packet->size);
    bytes_fini(&copy);
}

static inline void rig_say_ack(struct rig *rig, uint8_t type, uint16_t id, uint8_t code)
{
    struct mqtt_packet_ack packet = { .type = type, .id = id, .code = code };
    struct buf out;
    buf_init(&out, 64);
    assert_int_equal(mqtt_put_ack(&out, mqtt_client_version(rig->client), &packet), 0);
    rig_say(rig, &out);
    buf_fini(&out);
}

static inline void rig_publish(struct rig *rig, const char *topic, const char *payload, uint8_t qos,
                               uint16_t id, bool duplicate)
{
    struct mqtt_packet_publish packet = {
        .topic = { .data = (const uint8_t *)topic, .size = strlen(topic) },
        .payload = { .data = (const uint8_t *)payload, .size = strlen(payload) },
        .qos = qos,
        .id = id,
        .duplicate = duplicate,
    };
    struct buf out;
    buf_init(&out, 4 << 20);
    assert_int_equal(mqtt_put_publish(&out, mqtt_client_version(rig->client), &packet), 0);
    rig_say(rig, &out);
    buf_fini(&out);
}

/* Takes the connection and CONNECT. */
static inline struct mqtt_packet_connect rig_accept(struct rig *rig)
{
    struct mqtt_packet_connect packet;
    struct mqtt_wrong wrong;
    rig->peer = fake_net_last(rig->net);
    fake_peer_accept(rig->peer);
    assert_int_equal(mqtt_get_connect(rig_take(rig, MQTT_CONNECT), &packet, &wrong), 0);
    return packet;
}

static inline void rig_connack(struct rig *rig, int version, uint8_t code, bool session,
                               const struct mqtt_properties *properties)
{
    struct mqtt_packet_connack packet = { .code = code, .session = session };
    if (properties != NULL) {
        packet.properties = *properties;
    }
    struct buf out;
    buf_init(&out, 1024);
    assert_int_equal(mqtt_put_connack(&out, version, &packet), 0);
    rig_say(rig, &out);
    buf_fini(&out);
}

/* From nothing to up. */
static inline void rig_up(struct rig *rig, bool session)
{
    unsigned ups = rig->ups;
    if (rig->client == NULL) {
        rig_open(rig);
    }
    struct mqtt_packet_connect packet = rig_accept(rig);
    rig_connack(rig, packet.version, 0, session, NULL);
    assert_int_equal(rig->ups, ups + 1);
    rig_pass(rig, 0);
}

/* The connection breaks, and the next try is made. */
static inline void rig_break(struct rig *rig)
{
    size_t count = fake_net_count(rig->net);
    fake_peer_fail(rig->peer, BUSBAR_ERESET, "reset by the peer");
    rig_pass(rig, 0);
    mqtt_client_connect_now(rig->client);
    rig_pass(rig, 0);
    assert_int_equal(fake_net_count(rig->net), count + 1);
}

/* The answer to a SUBSCRIBE or UNSUBSCRIBE: all of its filters get this code. Returns how many there were. */
static inline size_t rig_granted(struct rig *rig, uint8_t type, uint8_t code)
{
    static uint8_t codes[8192];
    int version = mqtt_client_version(rig->client);
    struct mqtt_packet_subscribe got;
    struct mqtt_wrong wrong;
    struct bytes body = rig_take(rig, type);
    assert_int_equal(type == MQTT_SUBSCRIBE ? mqtt_get_subscribe(body, version, &got, &wrong)
                                            : mqtt_get_unsubscribe(body, version, &got, &wrong),
                     0);
    assert_true(got.count <= sizeof(codes));
    memset(codes, code, got.count);
    struct mqtt_packet_suback answer = { .id = got.id, .codes = codes, .count = got.count };
    struct buf out;
    buf_init(&out, 64 * 1024);
    assert_int_equal(type == MQTT_SUBSCRIBE ? mqtt_put_suback(&out, version, &answer)
                                            : mqtt_put_unsuback(&out, version, &answer),
                     0);
    rig_say(rig, &out);
    buf_fini(&out);
    rig_pass(rig, 0);
    return got.count;
}

#endif
