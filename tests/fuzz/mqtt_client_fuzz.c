/* SPDX-License-Identifier: Apache-2.0 */
/* A hostile broker, and a restless owner. The input is a script: each step lets the broker say raw bytes or a packet that is
 * right, breaks the connection, lets time pass, or lets the owner subscribe, publish, acknowledge. Whatever happens: what
 * is told is valid, each publish is answered once, the client ends when it is told to. */
#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "drivers/mqtt/mqtt_client.h"
#include "drivers/mqtt/mqtt_packet.h"
#include "scripted_net.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STEPS_MAX = 400, TICKETS = 64, SENT_MAX = 8192 };

struct rig {
    struct scripted_net net;
    struct loop *loop;
    struct mqtt_client *client;
    uint64_t tickets[TICKETS];
    size_t ticket_count;
    size_t published, answered, ended;
    uint8_t sent[SENT_MAX]; /* what was heard last */
    size_t sent_size;
};

static void net_heard(struct scripted_net *base, const uint8_t *data, size_t size)
{
    struct rig *rig = (struct rig *)base;
    rig->sent_size = size < SENT_MAX ? size : SENT_MAX;
    memcpy(rig->sent, data, rig->sent_size);
}

/* ---- the owner ---- */

static void on_message(void *ctx, const struct mqtt_message *message)
{
    struct rig *rig = ctx;
    assert(strlen(message->topic) == message->topic_size && message->qos <= 2);
    assert(mqtt_topic_wrong(message->topic) == NULL);
    assert((message->qos > 0) == (message->ticket != 0));
    assert(message->property_count <= MQTT_PROPERTIES_MAX);
    for (size_t i = 0; i < message->property_count; i++) {
        assert(strlen(message->properties[i].name) + strlen(message->properties[i].value) < 65536);
    }
    struct bytes payload = bytes_dup(message->payload, message->size); /* all of it can be read */
    bytes_fini(&payload);
    if (message->ticket != 0) {
        rig->tickets[rig->ticket_count++ % TICKETS] = message->ticket;
    }
}

static void on_down(void *ctx, enum mqtt_down why, uint8_t reason, int error, const char *detail)
{
    (void)ctx, (void)why, (void)reason, (void)error;
    assert(strlen(detail) > 0);
}

static void on_ended(void *ctx)
{
    ((struct rig *)ctx)->ended++;
}

static void on_published(void *ctx, int error, uint8_t code)
{
    (void)error, (void)code;
    ((struct rig *)ctx)->answered++;
}

static void act(struct rig *rig, uint8_t what, uint8_t value)
{
    static const char *const filters[] = { "a/#", "b/+/c", "$share/g/x", "d", "e/f/g/#", "+" };
    const char *filter = filters[value % 6];
    struct mqtt_publish message = { .topic = "out",
                                    .payload = "12345",
                                    .size = value % 6,
                                    .qos = value % 3,
                                    .retain = value > 200 };
    switch (what % 5) {
    case 0: (void)mqtt_client_subscribe(rig->client, filter, value % 3); break;
    case 1: mqtt_client_unsubscribe(rig->client, filter); break;
    case 2:
        rig->published += mqtt_client_publish(rig->client, &message, on_published, rig) == 0;
        break;
    case 3: mqtt_client_acknowledge(rig->client, rig->tickets[value % TICKETS], value); break;
    default:
        for (size_t i = 0; i < TICKETS; i++) {
            mqtt_client_acknowledge(rig->client, rig->tickets[i], 0);
        }
    }
}

/* ---- the broker ---- */

static void tell(struct rig *rig, const void *data, size_t size)
{
    if (rig->net.stream != NULL && rig->net.stream->phase == STREAM_OPEN && size > 0) {
        struct bytes copy = bytes_dup(data, size);
        stream_received(rig->net.stream, copy.start, size);
        bytes_fini(&copy);
    }
}

static void put_message(struct buf *out, int version, uint8_t first, uint8_t second)
{
    struct mqtt_packet_publish packet = {
        .topic = { .data = (const uint8_t *)"a/b", .size = 3 },
        .payload = { .data = (const uint8_t *)"0123456789", .size = second % 10 },
        .qos = first % 3,
        .id = first % 3 > 0 ? (uint16_t)(1 + second % 20) : 0,
        .duplicate = first % 3 > 0 && first > 128,
    };
    if (first % 16 == 15) {
        mqtt_add(&packet.properties, MQTT_TOPIC_ALIAS);
        packet.properties.topic_alias = 1 + second % 4;
        packet.topic.size = second % 2 == 0 ? 3 : 0;
    }
    (void)mqtt_put_publish(out, version, &packet);
}

/* A right answer to the SUBSCRIBE or UNSUBSCRIBE that was heard last, with this code. */
static void put_codes(struct rig *rig, struct buf *out, int version, uint8_t code)
{
    static uint8_t codes[64];
    struct bytes in = bytes_of(rig->sent, rig->sent_size);
    struct mqtt_head head;
    struct mqtt_packet_subscribe asked;
    struct mqtt_wrong wrong;
    if (mqtt_get_head(&in, &head) != 0 || bytes_left(&in) < head.size ||
        (head.type != MQTT_SUBSCRIBE && head.type != MQTT_UNSUBSCRIBE)) {
        return;
    }
    struct bytes body = bytes_get_bytes(&in, head.size);
    bool sub = head.type == MQTT_SUBSCRIBE;
    int error = sub ? mqtt_get_subscribe(body, version, &asked, &wrong)
                    : mqtt_get_unsubscribe(body, version, &asked, &wrong);
    assert(error == 0 && asked.count <= sizeof(codes));
    memset(codes, code, sizeof(codes));
    struct mqtt_packet_suback answer = { .id = asked.id, .codes = codes, .count = asked.count };
    (void)(sub ? mqtt_put_suback(out, version, &answer) : mqtt_put_unsuback(out, version, &answer));
}

static void say(struct rig *rig, uint8_t what, uint8_t first, uint8_t second)
{
    int version = mqtt_client_version(rig->client);
    struct mqtt_packet_connack connack = { .session = first % 2 == 1,
                                           .code = second > 240 ? second : 0 };
    connack.session = connack.session && connack.code == 0;
    struct mqtt_packet_ack ack = { .type = (uint8_t)(MQTT_PUBACK + first % 4),
                                   .id = (uint16_t)(1 + second % 20),
                                   .code = first > 200 ? 0x92 : 0 };
    struct buf out;
    buf_init(&out, 4096);
    switch (what % 4) {
    case 0:
        if (first % 5 == 4) {
            mqtt_add(&connack.properties, MQTT_RECEIVE_MAXIMUM);
            connack.properties.receive_maximum = 1 + second % 3;
        }
        (void)mqtt_put_connack(&out, version, &connack);
        break;
    case 1: put_message(&out, version, first, second); break;
    case 2: (void)mqtt_put_ack(&out, version, &ack); break;
    default: put_codes(rig, &out, version, first % 4 == 0 ? 0x87 : first % 3); break;
    }
    tell(rig, out.data, out.size);
    buf_fini(&out);
}

static void step(struct rig *rig, struct bytes *script)
{
    uint8_t what = bytes_get_u8(script);
    uint8_t first = bytes_get_u8(script);
    uint8_t second = bytes_get_u8(script);
    switch (what % 8) {
    case 0: {
        size_t size = first < bytes_left(script) ? first : bytes_left(script);
        tell(rig, bytes_get_block(script, size), size);
        break;
    }
    case 1: loop_advance_for_test(rig->loop, (int64_t)first * 100 * CLOCK_US_PER_MS); break;
    case 2:
        if (rig->net.stream != NULL && first % 8 == 0) {
            stream_failed(rig->net.stream, BUSBAR_ERESET, "%s", "reset");
        } else {
            mqtt_client_connect_now(rig->client);
        }
        break;
    case 3:
    case 4: act(rig, first, second); break;
    default: say(rig, what / 8, first, second); break;
    }
    loop_advance_for_test(rig->loop, 0);
    if (rig->net.stream != NULL && rig->net.stream->phase == STREAM_CONNECTING) {
        stream_opened(rig->net.stream);
        loop_advance_for_test(rig->loop, 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int versions[] = { 0, 4, 5, 0 };
    if (size < 2) {
        return 0;
    }
    clock_fake_set(CLOCK_US_PER_S, CLOCK_US_PER_S);
    struct rig rig = { .net = { .heard = net_heard }, .loop = loop_new() };
    struct mqtt_client_events events = { .down = on_down,
                                         .message = on_message,
                                         .ended = on_ended };
    struct mqtt_client_options options = {
        .target = { .kind = STREAM_TCP, .host = "fuzz", .port = 1883 },
        .version = versions[data[0] & 3],
        .client_id = (data[0] & 4) != 0 ? "" : "gate",
        .clean = (data[0] & 8) != 0,
        .receive_max = (data[0] & 16) != 0 ? 3 : 0,
        .packet_max = (data[0] & 32) != 0 ? 100 : 0,
        .topic_aliases = (data[0] & 64) != 0 ? 3 : 0,
        .session_expiry_s = 100,
    };
    stream_open_hook(rig.loop, scripted_net_open, &rig.net);
    int error = mqtt_client_open(rig.loop, &options, &events, &rig, &rig.client, NULL);
    assert(error == 0);
    struct bytes script = bytes_of(data + 1, size - 1);
    for (int i = 0; i < STEPS_MAX && bytes_left(&script) > 0; i++) {
        step(&rig, &script);
    }
    mqtt_client_close(rig.client);
    loop_advance_for_test(rig.loop, 0);
    assert(rig.ended == 1 && rig.answered == rig.published && rig.net.stream == NULL);
    stream_open_hook(rig.loop, NULL, NULL);
    loop_free(rig.loop);
    clock_fake_off();
    return 0;
}
