/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes to packets. A packet that is whole in what has come is read in place; only one that is not all there is copied,
 * just as much of it as is missing. A PUBLISH that is too big (3.1.1 cannot tell the broker) is passed over without ever
 * being held, and acknowledged: else it would come again with each connection, and end each. */
#include "base/clock.h"
#include <assert.h>

#include "base/err.h"
#include "drivers/mqtt/mqtt_client_private.h"

static void broke(struct mqtt_client *client, uint8_t reason, const char *text, const void *data,
                  size_t size)
{
    struct mqtt_wrong wrong = { .text = text, .reason = reason };
    client_broke(client, &wrong, data, size);
}

static void take_pong(struct mqtt_client *client)
{
    if (client->ping_us != 0) {
        int64_t took_us = clock_mono_us() - client->ping_us;
        client->stats.ping_us = took_us > 0 ? took_us : 1;
        client->ping_us = 0;
    }
}

static int take_suback(struct mqtt_client *client, uint8_t type, struct bytes body,
                       struct mqtt_wrong *wrong)
{
    struct mqtt_packet_suback packet;
    int error = type == MQTT_SUBACK ? mqtt_get_suback(body, client->version, &packet, wrong)
                                    : mqtt_get_unsuback(body, client->version, &packet, wrong);
    if (error == 0) {
        client_filters_answer(client, type, &packet, wrong);
    }
    return error;
}

static int take_ack(struct mqtt_client *client, uint8_t type, struct bytes body,
                    struct mqtt_wrong *wrong)
{
    struct mqtt_packet_ack packet;
    int error = mqtt_get_ack(body, type, client->version, &packet, wrong);
    if (error == 0 && type == MQTT_PUBREL) {
        client_take_release(client, &packet);
    } else if (error == 0) {
        client_out_answer(client, &packet);
    }
    return error;
}

/* `data`: the packet from its first byte. */
static void take(struct mqtt_client *client, const struct mqtt_head *head, const uint8_t *data,
                 size_t size)
{
    struct bytes body = bytes_of(data + (size - head->size), head->size);
    struct mqtt_wrong wrong = { 0 };
    if (client->events.packet != NULL) {
        client->events.packet(client->ctx, true, data, size);
        if (client->state == CLIENT_CLOSING) {
            return;
        }
    }
    if (client->state == CLIENT_SHAKING) {
        assert(head->type == MQTT_CONNACK); /* see is_stranger() */
        client_connack(client, body);
        return;
    }
    struct mqtt_packet_publish publish;
    switch (head->type) {
    case MQTT_PUBLISH:
        if (mqtt_get_publish(body, head->flags, client->version, &publish, &wrong) == 0) {
            client_take_publish(client, &publish, &wrong);
        }
        break;
    case MQTT_PUBACK:
    case MQTT_PUBREC:
    case MQTT_PUBREL:
    case MQTT_PUBCOMP: (void)take_ack(client, head->type, body, &wrong); break;
    case MQTT_SUBACK:
    case MQTT_UNSUBACK: (void)take_suback(client, head->type, body, &wrong); break;
    case MQTT_PINGRESP: take_pong(client); break;
    case MQTT_DISCONNECT: client_dismissed(client, body); break;
    default:
        wrong = (struct mqtt_wrong){ .text = "a packet that a broker does not send",
                                     .reason = MQTT_PROTOCOL_ERROR };
    }
    if (wrong.text != NULL) {
        client_broke(client, &wrong, data, size);
    }
}

static bool listens(const struct mqtt_client *client)
{
    return client->state == CLIENT_UP || client->state == CLIENT_SHAKING;
}

/* What came first tells whether it is a broker at all. */
static bool is_stranger(struct mqtt_client *client, const uint8_t *data, size_t size)
{
    if (client->state != CLIENT_SHAKING || data[0] == MQTT_CONNACK << 4) {
        return false;
    }
    if (client->events.bad != NULL) {
        client->events.bad(client->ctx, data, size, "no CONNACK");
    }
    client_end(client, MQTT_DOWN_PROTOCOL, 0, BUSBAR_EPROTO, "%s %s", stream_peer(client->stream),
               client_say_stranger(client, data, size));
    return true;
}

/* Takes whole packets; returns how many bytes they had. */
static size_t take_whole(struct mqtt_client *client, const uint8_t *data, size_t size)
{
    size_t used = 0;
    while (used < size && listens(client)) {
        struct bytes in = bytes_of(data + used, size - used);
        struct mqtt_head head;
        if (is_stranger(client, in.at, bytes_left(&in))) {
            return size;
        }
        int error = mqtt_get_head(&in, &head);
        if (error == BUSBAR_EPROTO) {
            broke(client, MQTT_MALFORMED, "bytes that begin no packet", in.at, bytes_left(&in));
            return size;
        }
        size_t whole = error == 0 ? bytes_offset(&in) + head.size : 0;
        if (error != 0 || whole > client->options.packet_max || bytes_left(&in) < head.size) {
            return used;
        }
        take(client, &head, data + used, whole);
        used += whole;
    }
    return listens(client) ? used : size;
}

/* A packet that is too big: what has to be known of it is at its beginning. How many bytes of it are wanted. */
static size_t oversize_wants(struct bytes in, const struct mqtt_head *head)
{
    size_t before = bytes_offset(&in) + 2;
    if (bytes_left(&in) < 2) {
        return before;
    }
    return before + bytes_get_u16(&in) + ((head->flags & 6) != 0 ? 2 : 0);
}

/* All that is wanted of it is in `input`. */
static void take_oversize(struct mqtt_client *client, struct bytes in, const struct mqtt_head *head)
{
    size_t whole = bytes_offset(&in) + head->size;
    bytes_skip(&in, bytes_get_u16(&in));
    uint8_t qos = head->flags >> 1 & 3;
    uint16_t id = qos > 0 ? bytes_get_u16(&in) : 0;
    if (bytes_short(&in) || client->input.size > whole || (qos > 0 && id == 0)) {
        broke(client, MQTT_MALFORMED, "a big PUBLISH whose topic is not valid", client->input.data,
              client->input.size);
        return;
    }
    client->skip = whole - client->input.size;
    if (client->events.bad != NULL) {
        client->events.bad(client->ctx, client->input.data, client->input.size,
                           "a message bigger than packet_max: passed over");
    }
    client_take_oversize(client, qos, id);
    buf_clear(&client->input);
}

/* How many bytes `input` must have before anything can be done with it; 0: it is refused. */
static size_t wants(struct mqtt_client *client, struct mqtt_head *head, bool *oversize)
{
    struct bytes in = bytes_of(client->input.data, client->input.size);
    int error = mqtt_get_head(&in, head);
    *oversize = false;
    if (error == BUSBAR_ESHORT) {
        return client->input.size + 1;
    }
    if (error != 0) {
        broke(client, MQTT_MALFORMED, "bytes that begin no packet", client->input.data,
              client->input.size);
        return 0;
    }
    size_t whole = bytes_offset(&in) + head->size;
    if (whole <= client->options.packet_max) {
        return whole;
    }
    if (head->type != MQTT_PUBLISH || client->version == MQTT_VERSION_5) {
        broke(client, MQTT_PACKET_TOO_LARGE, "a packet bigger than packet_max", client->input.data,
              client->input.size);
        return 0;
    }
    *oversize = true;
    return oversize_wants(in, head);
}

static void take_input(struct mqtt_client *client, const struct mqtt_head *head, bool oversize)
{
    if (oversize) {
        struct mqtt_head again;
        struct bytes in = bytes_of(client->input.data, client->input.size);
        (void)mqtt_get_head(&in, &again);
        take_oversize(client, in, head);
        return;
    }
    take(client, head, client->input.data, client->input.size);
    if (client->input.capacity > CLIENT_KEPT_BYTES) {
        buf_fini(&client->input);
        buf_init(&client->input, client_input_max(client));
    }
    buf_clear(&client->input);
}

/* Adds to `input` what is wanted of it, and no more; returns how much that was. */
static size_t add_input(struct mqtt_client *client, const uint8_t *data, size_t size)
{
    size_t used = 0;
    while (used < size || client->input.size > 0) {
        struct mqtt_head head;
        bool oversize;
        size_t wanted = wants(client, &head, &oversize);
        if (wanted == 0) {
            return size;
        }
        if (wanted <= client->input.size) {
            take_input(client, &head, oversize);
            return used;
        }
        size_t missing = wanted - client->input.size;
        size_t some = missing < size - used ? missing : size - used;
        if (some == 0) {
            return used;
        }
        if (buf_append(&client->input, data + used, some) != 0) {
            client_end(client, MQTT_DOWN_LINK, 0, BUSBAR_ENOMEM, "%s", err_text(BUSBAR_ENOMEM));
            return size;
        }
        used += some;
    }
    return used;
}

void client_receive(struct mqtt_client *client, const uint8_t *data, size_t size)
{
    while (size > 0 && listens(client)) {
        size_t used = client->skip < size ? client->skip : size;
        client->skip -= used;
        if (used == 0 && client->input.size == 0) {
            used = take_whole(client, data, size);
        }
        if (used == 0) {
            used = add_input(client, data, size);
        }
        data += used;
        size -= used;
    }
}
