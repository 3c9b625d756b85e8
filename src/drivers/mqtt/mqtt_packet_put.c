/* SPDX-License-Identifier: Apache-2.0 */
/* Writing packets: the body behind a gap for the head, which is closed when the size is known. */
#include <assert.h>
#include <string.h>

#include "base/err.h"
#include "drivers/mqtt/mqtt_packet.h"

static size_t begin(struct buf *out)
{
    static const uint8_t gap[MQTT_HEAD_MAX] = { 0 };
    size_t start = out->size;
    (void)buf_append(out, gap, sizeof(gap));
    return start;
}

/* A failed append leaves the buffer overflowed: looked at once, here. */
static int end(struct buf *out, size_t start, uint8_t type, uint8_t flags)
{
    if (out->overflow) {
        return BUSBAR_ELIMIT;
    }
    size_t size = out->size - start - MQTT_HEAD_MAX;
    if (size > MQTT_VARINT_MAX) {
        out->size = start;
        return BUSBAR_ELIMIT;
    }
    uint8_t *at = out->data + start;
    size_t used = 0;
    at[used++] = (uint8_t)(type << 4 | flags);
    for (size_t left = size;;) {
        uint8_t byte = (uint8_t)(left & 0x7f);
        left >>= 7;
        at[used++] = left > 0 ? byte | 0x80 : byte;
        if (left == 0) {
            break;
        }
    }
    memmove(at + used, at + MQTT_HEAD_MAX, size);
    out->size = start + used + size;
    out->data[out->size] = 0;
    return 0;
}

static void put_slice(struct buf *out, struct mqtt_slice slice)
{
    (void)mqtt_put_binary(out, slice.data, slice.size);
}

static void put_bytes(struct buf *out, const void *data, size_t size)
{
    if (size > 0) {
        (void)buf_append(out, data, size);
    }
}

static void put_properties(struct buf *out, int version, const struct mqtt_properties *properties)
{
    static const struct mqtt_properties none = { 0 };
    if (version == MQTT_VERSION_5) {
        (void)mqtt_put_properties(out, properties != NULL ? properties : &none);
    }
}

int mqtt_put_connect(struct buf *out, const struct mqtt_packet_connect *packet)
{
    size_t start = begin(out);
    (void)mqtt_put_binary(out, "MQTT", 4);
    (void)buf_append_byte(out, (uint8_t)packet->version);
    unsigned flags = (packet->clean ? 2u : 0u) | (packet->has_password ? 0x40u : 0u) |
                     (packet->has_user ? 0x80u : 0u);
    if (packet->has_will) {
        flags |= 4u | (unsigned)packet->will.qos << 3 | (packet->will.retain ? 0x20u : 0u);
    }
    (void)buf_append_byte(out, (uint8_t)flags);
    (void)mqtt_put_u16(out, packet->keep_alive_s);
    put_properties(out, packet->version, &packet->properties);
    put_slice(out, packet->client_id);
    if (packet->has_will) {
        put_properties(out, packet->version, &packet->will.properties);
        put_slice(out, packet->will.topic);
        put_slice(out, packet->will.payload);
    }
    if (packet->has_user) {
        put_slice(out, packet->user);
    }
    if (packet->has_password) {
        put_slice(out, packet->password);
    }
    return end(out, start, MQTT_CONNECT, 0);
}

int mqtt_put_connack(struct buf *out, int version, const struct mqtt_packet_connack *packet)
{
    size_t start = begin(out);
    (void)buf_append_byte(out, packet->session ? 1 : 0);
    (void)buf_append_byte(out, packet->code);
    put_properties(out, version, &packet->properties);
    return end(out, start, MQTT_CONNACK, 0);
}

int mqtt_put_publish(struct buf *out, int version, const struct mqtt_packet_publish *packet)
{
    assert(packet->qos < 3 && (packet->qos == 0) == (packet->id == 0));
    size_t start = begin(out);
    put_slice(out, packet->topic);
    if (packet->qos > 0) {
        (void)mqtt_put_u16(out, packet->id);
    }
    put_properties(out, version, &packet->properties);
    put_bytes(out, packet->payload.data, packet->payload.size);
    unsigned flags = (packet->duplicate ? 8u : 0u) | (unsigned)packet->qos << 1 |
                     (packet->retain ? 1u : 0u);
    return end(out, start, MQTT_PUBLISH, (uint8_t)flags);
}

int mqtt_put_ack(struct buf *out, int version, const struct mqtt_packet_ack *packet)
{
    uint8_t first = (uint8_t)(packet->type << 4 | (packet->type == MQTT_PUBREL ? 2 : 0));
    bool bare = packet->properties.present == 0 && packet->properties.user_count == 0;
    if (version != MQTT_VERSION_5 || (bare && packet->code == MQTT_SUCCESS)) {
        uint8_t bytes[] = { first, 2, (uint8_t)(packet->id >> 8), (uint8_t)packet->id };
        return buf_append(out, bytes, sizeof(bytes));
    }
    if (bare) {
        uint8_t bytes[] = { first, 3, (uint8_t)(packet->id >> 8), (uint8_t)packet->id,
                            packet->code };
        return buf_append(out, bytes, sizeof(bytes));
    }
    size_t start = begin(out);
    (void)mqtt_put_u16(out, packet->id);
    (void)buf_append_byte(out, packet->code);
    put_properties(out, version, &packet->properties);
    return end(out, start, packet->type, first & 15);
}

static int put_rows(struct buf *out, uint8_t type, int version, uint16_t id,
                    const struct mqtt_properties *properties, const struct mqtt_filter_row *rows,
                    size_t count)
{
    size_t start = begin(out);
    (void)mqtt_put_u16(out, id);
    put_properties(out, version, properties);
    for (size_t i = 0; i < count; i++) {
        const struct mqtt_filter_row *row = &rows[i];
        put_slice(out, row->filter);
        if (type == MQTT_SUBSCRIBE) {
            unsigned options = row->qos;
            if (version == MQTT_VERSION_5) {
                options |= (row->no_local ? 4u : 0u) | (row->retain_as_published ? 8u : 0u) |
                           (unsigned)row->retain_handling << 4;
            }
            (void)buf_append_byte(out, (uint8_t)options);
        }
    }
    return end(out, start, type, 2);
}

int mqtt_put_subscribe(struct buf *out, int version, uint16_t id,
                       const struct mqtt_properties *properties, const struct mqtt_filter_row *rows,
                       size_t count)
{
    return put_rows(out, MQTT_SUBSCRIBE, version, id, properties, rows, count);
}

int mqtt_put_unsubscribe(struct buf *out, int version, uint16_t id,
                         const struct mqtt_properties *properties,
                         const struct mqtt_filter_row *rows, size_t count)
{
    return put_rows(out, MQTT_UNSUBSCRIBE, version, id, properties, rows, count);
}

static int put_codes(struct buf *out, uint8_t type, int version,
                     const struct mqtt_packet_suback *packet)
{
    size_t start = begin(out);
    (void)mqtt_put_u16(out, packet->id);
    put_properties(out, version, &packet->properties);
    if (type == MQTT_SUBACK || version == MQTT_VERSION_5) {
        put_bytes(out, packet->codes, packet->count);
    }
    return end(out, start, type, 0);
}

int mqtt_put_suback(struct buf *out, int version, const struct mqtt_packet_suback *packet)
{
    return put_codes(out, MQTT_SUBACK, version, packet);
}

int mqtt_put_unsuback(struct buf *out, int version, const struct mqtt_packet_suback *packet)
{
    return put_codes(out, MQTT_UNSUBACK, version, packet);
}

int mqtt_put_end(struct buf *out, uint8_t type, int version, const struct mqtt_packet_end *packet)
{
    size_t start = begin(out);
    bool bare = packet->properties.present == 0 && packet->properties.user_count == 0;
    if (version == MQTT_VERSION_5 && (!bare || packet->code != MQTT_SUCCESS)) {
        (void)buf_append_byte(out, packet->code);
        if (!bare) {
            put_properties(out, version, &packet->properties);
        }
    }
    return end(out, start, type, 0);
}

int mqtt_put_ping(struct buf *out, uint8_t type)
{
    uint8_t bytes[] = { (uint8_t)(type << 4), 0 };
    return buf_append(out, bytes, sizeof(bytes));
}

const char *mqtt_type_name(uint8_t type)
{
    static const char *const names[] = { NULL,        "CONNECT",  "CONNACK",     "PUBLISH",
                                         "PUBACK",    "PUBREC",   "PUBREL",      "PUBCOMP",
                                         "SUBSCRIBE", "SUBACK",   "UNSUBSCRIBE", "UNSUBACK",
                                         "PINGREQ",   "PINGRESP", "DISCONNECT",  "AUTH" };
    return type < sizeof(names) / sizeof(names[0]) ? names[type] : NULL;
}
