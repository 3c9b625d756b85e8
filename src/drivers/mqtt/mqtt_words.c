/* SPDX-License-Identifier: Apache-2.0 */
/* One packet in one line. Read leniently, field by field: of a packet that was cut all that is there is shown. */
#include "drivers/mqtt/mqtt_words.h"

#include <string.h>

#include "base/str.h"
#include "drivers/mqtt/mqtt_client.h"
#include "drivers/mqtt/mqtt_packet.h"

enum { PAYLOAD_SHOWN = 120, TEXT_SHOWN = 200, FILTERS_SHOWN = 4, CODES_SHOWN = 6 };

/* Printable, on one line; other bytes as they are written in a C text. */
static void put_text(struct buf *out, const uint8_t *data, size_t size, size_t most)
{
    size_t shown = str_utf8_cut((const char *)data, size, most);
    for (size_t i = 0; i < shown; i++) {
        if (data[i] < 0x20 || data[i] == 0x7f) {
            (void)buf_printf(out, data[i] == '\n' ? "\\n" : "\\x%02x", data[i]);
        } else {
            (void)buf_append_byte(out, data[i]);
        }
    }
    if (shown < size) {
        (void)buf_append_text(out, " ...");
    }
}

/* Of a text that is cut, what is there. */
static void put_next_text(struct buf *out, struct bytes *in)
{
    size_t size = bytes_get_u16(in);
    size_t there = size < bytes_left(in) ? size : bytes_left(in);
    const uint8_t *data = bytes_get_block(in, there);
    if (data != NULL) {
        put_text(out, data, there, TEXT_SHOWN);
        if (there < size) {
            (void)buf_append_text(out, " ...");
        }
    }
}

static void put_payload(struct buf *out, const uint8_t *data, size_t size)
{
    size_t shown = size < PAYLOAD_SHOWN ? size : PAYLOAD_SHOWN;
    if (size == 0) {
        return;
    }
    size_t text = str_utf8_cut((const char *)data, size, shown);
    (void)buf_append_text(out, ": ");
    if (text + 3 >= shown && memchr(data, 0, text) == NULL) {
        put_text(out, data, size, PAYLOAD_SHOWN);
        return;
    }
    char hex[3 * 24 + 1];
    (void)str_hex(hex, sizeof(hex), data, size < 24 ? size : 24, ' ');
    (void)buf_printf(out, "%s%s", hex, size > 24 ? " ..." : "");
}

/* Moves behind the properties; says those that matter to a person. */
static void put_properties(struct buf *out, struct bytes *in, int version, uint8_t type)
{
    if (version != MQTT_VERSION_5 || bytes_left(in) == 0) {
        return;
    }
    struct mqtt_properties properties;
    struct mqtt_wrong wrong;
    struct bytes from = *in;
    size_t size = mqtt_get_varint(in);
    bytes_skip(in, size);
    if (mqtt_get_properties(&from, type, &properties, &wrong) != 0) {
        return;
    }
    if (mqtt_has(&properties, MQTT_TOPIC_ALIAS)) {
        (void)buf_printf(out, ", alias %u", (unsigned)properties.topic_alias);
    }
    if (mqtt_has(&properties, MQTT_REASON_STRING)) {
        (void)buf_append_text(out, ", says: ");
        put_text(out, properties.reason_string.data, properties.reason_string.size, TEXT_SHOWN);
    }
    if (mqtt_has(&properties, MQTT_ASSIGNED_ID)) {
        (void)buf_append_text(out, ", gives the id ");
        put_text(out, properties.assigned_id.data, properties.assigned_id.size, TEXT_SHOWN);
    }
    if (mqtt_has(&properties, MQTT_SERVER_REFERENCE)) {
        (void)buf_append_text(out, ", names the server ");
        put_text(out, properties.server_reference.data, properties.server_reference.size,
                 TEXT_SHOWN);
    }
    if (mqtt_has(&properties, MQTT_RECEIVE_MAXIMUM)) {
        (void)buf_printf(out, ", receive maximum %u", (unsigned)properties.receive_maximum);
    }
}

static void say_connect(struct buf *out, struct bytes *in)
{
    bytes_skip(in, bytes_get_u16(in));
    int version = bytes_get_u8(in);
    uint8_t flags = bytes_get_u8(in);
    uint16_t keep_alive = bytes_get_u16(in);
    if (bytes_short(in)) {
        return;
    }
    const char *name = version == MQTT_VERSION_5       ? "MQTT 5"
                       : version == MQTT_VERSION_3_1_1 ? "MQTT 3.1.1"
                                                       : "an unknown version";
    (void)buf_printf(out, " %s, keep alive %u s%s%s%s, id ", name, keep_alive,
                     (flags & 2) != 0 ? ", clean" : "", (flags & 4) != 0 ? ", with a will" : "",
                     (flags & 0x40) != 0 ? ", with a password" : "");
    struct buf none;
    buf_init(&none, TEXT_SHOWN);
    put_properties(&none, in, version, MQTT_CONNECT);
    buf_fini(&none);
    put_next_text(out, in);
}

static void say_code(struct buf *out, int version, uint8_t code)
{
    (void)buf_printf(out, "%s%s", code == 0 ? "" : "refused: ", mqtt_reason_text(version, code));
}

static void say_connack(struct buf *out, struct bytes *in, int version)
{
    uint8_t flags = bytes_get_u8(in);
    uint8_t code = bytes_get_u8(in);
    if (bytes_short(in)) {
        return;
    }
    (void)buf_append_byte(out, ' ');
    say_code(out, code < MQTT_FAILURE && code > 0 ? MQTT_VERSION_3_1_1 : version, code);
    (void)buf_append_text(out, (flags & 1) != 0 ? ", session kept" : ", no session");
    put_properties(out, in, version, MQTT_CONNACK);
}

static void say_publish(struct buf *out, struct bytes *in, int version,
                        const struct mqtt_head *head)
{
    struct bytes body = *in;
    (void)buf_append_byte(out, ' ');
    put_next_text(out, in);
    unsigned qos = head->flags >> 1 & 3u;
    (void)buf_printf(out, ", QoS %u", qos);
    if (qos > 0) {
        (void)buf_printf(out, ", id %u", bytes_get_u16(in));
    }
    (void)buf_printf(out, "%s%s", (head->flags & 1) != 0 ? ", retained" : "",
                     (head->flags & 8) != 0 ? ", once more" : "");
    put_properties(out, in, version, MQTT_PUBLISH);
    size_t before = (size_t)(in->at - body.at);
    if (bytes_short(in) || before > head->size) {
        return;
    }
    (void)buf_printf(out, ", %zu bytes", head->size - before);
    put_payload(out, in->at, bytes_left(in));
}

static void say_filters(struct buf *out, struct bytes *in, int version, uint8_t type)
{
    (void)buf_printf(out, " id %u", bytes_get_u16(in));
    put_properties(out, in, version, type);
    size_t count = 0;
    struct mqtt_filter_row row;
    while (mqtt_next_filter(in, type == MQTT_SUBSCRIBE, &row)) {
        if (count < FILTERS_SHOWN) {
            (void)buf_append_text(out, count == 0 ? ": " : ", ");
            put_text(out, row.filter.data, row.filter.size, TEXT_SHOWN);
            if (type == MQTT_SUBSCRIBE) {
                (void)buf_printf(out, " (QoS %u)", row.qos);
            }
        }
        count++;
    }
    if (count > FILTERS_SHOWN || bytes_short(in)) {
        (void)buf_printf(out, " ... (%zu filters%s)", count, bytes_short(in) ? " and more" : "");
    }
}

static void say_codes(struct buf *out, struct bytes *in, int version, uint8_t type)
{
    (void)buf_printf(out, " id %u", bytes_get_u16(in));
    put_properties(out, in, version, type);
    for (size_t i = 0; bytes_left(in) > 0; i++) {
        uint8_t code = bytes_get_u8(in);
        if (i == CODES_SHOWN) {
            (void)buf_printf(out, " ... (%zu in all)", i + 1 + bytes_left(in));
            return;
        }
        (void)buf_append_text(out, i == 0 ? ": " : ", ");
        if (code < MQTT_FAILURE && type == MQTT_SUBACK) {
            (void)buf_printf(out, "QoS %u granted", code);
        } else {
            say_code(out, MQTT_VERSION_5, code);
        }
    }
}

static void say_ack(struct buf *out, struct bytes *in, int version, uint8_t type)
{
    (void)buf_printf(out, " id %u", bytes_get_u16(in));
    if (version == MQTT_VERSION_5 && bytes_left(in) > 0) {
        (void)buf_append_text(out, ", ");
        say_code(out, version, bytes_get_u8(in));
        put_properties(out, in, version, type);
    }
}

static void say_end(struct buf *out, struct bytes *in, int version, uint8_t type)
{
    if (version == MQTT_VERSION_5 && bytes_left(in) > 0) {
        uint8_t code = bytes_get_u8(in);
        (void)buf_printf(out, ": %s", code == 0 ? "normal" : mqtt_reason_text(version, code));
        put_properties(out, in, version, type);
    }
}

void mqtt_describe(int version, bool sent, const void *data, size_t size, struct buf *out)
{
    (void)sent;
    struct bytes in = bytes_of(data, size);
    struct mqtt_head head;
    const uint8_t *first = data;
    if (mqtt_get_head(&in, &head) != 0) {
        (void)buf_printf(out, "%zu bytes that begin no MQTT packet", size);
        put_payload(out, first, size);
        return;
    }
    (void)buf_append_text(out, mqtt_type_name(head.type));
    struct bytes body = bytes_of(in.at, bytes_left(&in) < head.size ? bytes_left(&in) : head.size);
    bool cut = bytes_left(&body) < head.size;
    switch (head.type) {
    case MQTT_CONNECT: say_connect(out, &body); break;
    case MQTT_CONNACK: say_connack(out, &body, version); break;
    case MQTT_PUBLISH: say_publish(out, &body, version, &head); break;
    case MQTT_SUBSCRIBE:
    case MQTT_UNSUBSCRIBE: say_filters(out, &body, version, head.type); break;
    case MQTT_SUBACK:
    case MQTT_UNSUBACK: say_codes(out, &body, version, head.type); break;
    case MQTT_PUBACK:
    case MQTT_PUBREC:
    case MQTT_PUBREL:
    case MQTT_PUBCOMP: say_ack(out, &body, version, head.type); break;
    case MQTT_DISCONNECT:
    case MQTT_AUTH: say_end(out, &body, version, head.type); break;
    default: break;
    }
    if (cut) {
        (void)buf_printf(out, " (cut: the packet has %u bytes)", (unsigned)head.size);
    }
}
