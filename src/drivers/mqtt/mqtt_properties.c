/* SPDX-License-Identifier: Apache-2.0 */
/* The table of properties, and reading and writing by it. */
#include "drivers/mqtt/mqtt_properties.h"

#include <assert.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "drivers/mqtt/mqtt_packet.h"

enum kind {
    KIND_NONE,
    KIND_BYTE,
    KIND_U16,
    KIND_U32,
    KIND_VARINT,
    KIND_TEXT,
    KIND_BINARY,
    KIND_USER
};

#define IN(type) (1u << (type))
#define IN_WILL  IN(MQTT_IN_WILL)
#define IN_ANY_ANSWER                                                                            \
    (IN(MQTT_CONNACK) | IN(MQTT_PUBACK) | IN(MQTT_PUBREC) | IN(MQTT_PUBREL) | IN(MQTT_PUBCOMP) | \
     IN(MQTT_SUBACK) | IN(MQTT_UNSUBACK) | IN(MQTT_DISCONNECT) | IN(MQTT_AUTH))
#define IN_ANY                                                                            \
    (IN_ANY_ANSWER | IN_WILL | IN(MQTT_CONNECT) | IN(MQTT_PUBLISH) | IN(MQTT_SUBSCRIBE) | \
     IN(MQTT_UNSUBSCRIBE))

#define AT(field) offsetof(struct mqtt_properties, field)

/* A row an id (5.0: table 2-4). least, most: bounds of a number; most 0: none. */
static const struct row {
    const char *name;
    enum kind kind;
    uint32_t where;
    size_t at;
    uint32_t least, most;
} rows[] = {
    [MQTT_PAYLOAD_FORMAT] = { .name = "payload format",
                              .kind = KIND_BYTE,
                              .where = IN(MQTT_PUBLISH) | IN_WILL,
                              .at = AT(payload_format),
                              .most = 1 },
    [MQTT_MESSAGE_EXPIRY] = { .name = "message expiry",
                              .kind = KIND_U32,
                              .where = IN(MQTT_PUBLISH) | IN_WILL,
                              .at = AT(message_expiry) },
    [MQTT_CONTENT_TYPE] = { .name = "content type",
                            .kind = KIND_TEXT,
                            .where = IN(MQTT_PUBLISH) | IN_WILL,
                            .at = AT(content_type) },
    [MQTT_RESPONSE_TOPIC] = { .name = "response topic",
                              .kind = KIND_TEXT,
                              .where = IN(MQTT_PUBLISH) | IN_WILL,
                              .at = AT(response_topic) },
    [MQTT_CORRELATION] = { .name = "correlation data",
                           .kind = KIND_BINARY,
                           .where = IN(MQTT_PUBLISH) | IN_WILL,
                           .at = AT(correlation) },
    [MQTT_SUBSCRIPTION_ID] = { .name = "subscription identifier",
                               .kind = KIND_VARINT,
                               .where = IN(MQTT_PUBLISH) | IN(MQTT_SUBSCRIBE),
                               .at = AT(subscription_id),
                               .least = 1 },
    [MQTT_SESSION_EXPIRY] = { .name = "session expiry",
                              .kind = KIND_U32,
                              .where = IN(MQTT_CONNECT) | IN(MQTT_CONNACK) | IN(MQTT_DISCONNECT),
                              .at = AT(session_expiry) },
    [MQTT_ASSIGNED_ID] = { .name = "assigned client identifier",
                           .kind = KIND_TEXT,
                           .where = IN(MQTT_CONNACK),
                           .at = AT(assigned_id) },
    [MQTT_SERVER_KEEP_ALIVE] = { .name = "server keep alive",
                                 .kind = KIND_U16,
                                 .where = IN(MQTT_CONNACK),
                                 .at = AT(server_keep_alive) },
    [MQTT_AUTH_METHOD] = { .name = "authentication method",
                           .kind = KIND_TEXT,
                           .where = IN(MQTT_CONNECT) | IN(MQTT_CONNACK) | IN(MQTT_AUTH),
                           .at = AT(auth_method) },
    [MQTT_AUTH_DATA] = { .name = "authentication data",
                         .kind = KIND_BINARY,
                         .where = IN(MQTT_CONNECT) | IN(MQTT_CONNACK) | IN(MQTT_AUTH),
                         .at = AT(auth_data) },
    [MQTT_REQUEST_PROBLEM] = { .name = "request problem information",
                               .kind = KIND_BYTE,
                               .where = IN(MQTT_CONNECT),
                               .at = AT(request_problem),
                               .most = 1 },
    [MQTT_WILL_DELAY] = { .name = "will delay",
                          .kind = KIND_U32,
                          .where = IN_WILL,
                          .at = AT(will_delay) },
    [MQTT_REQUEST_RESPONSE] = { .name = "request response information",
                                .kind = KIND_BYTE,
                                .where = IN(MQTT_CONNECT),
                                .at = AT(request_response),
                                .most = 1 },
    [MQTT_RESPONSE_INFO] = { .name = "response information",
                             .kind = KIND_TEXT,
                             .where = IN(MQTT_CONNACK),
                             .at = AT(response_info) },
    [MQTT_SERVER_REFERENCE] = { .name = "server reference",
                                .kind = KIND_TEXT,
                                .where = IN(MQTT_CONNACK) | IN(MQTT_DISCONNECT),
                                .at = AT(server_reference) },
    [MQTT_REASON_STRING] = { .name = "reason string",
                             .kind = KIND_TEXT,
                             .where = IN_ANY_ANSWER,
                             .at = AT(reason_string) },
    [MQTT_RECEIVE_MAXIMUM] = { .name = "receive maximum",
                               .kind = KIND_U16,
                               .where = IN(MQTT_CONNECT) | IN(MQTT_CONNACK),
                               .at = AT(receive_maximum),
                               .least = 1 },
    [MQTT_TOPIC_ALIAS_MAXIMUM] = { .name = "topic alias maximum",
                                   .kind = KIND_U16,
                                   .where = IN(MQTT_CONNECT) | IN(MQTT_CONNACK),
                                   .at = AT(topic_alias_maximum) },
    [MQTT_TOPIC_ALIAS] = { .name = "topic alias",
                           .kind = KIND_U16,
                           .where = IN(MQTT_PUBLISH),
                           .at = AT(topic_alias),
                           .least = 1 },
    [MQTT_MAXIMUM_QOS] = { .name = "maximum QoS",
                           .kind = KIND_BYTE,
                           .where = IN(MQTT_CONNACK),
                           .at = AT(maximum_qos),
                           .most = 1 },
    [MQTT_RETAIN_AVAILABLE] = { .name = "retain available",
                                .kind = KIND_BYTE,
                                .where = IN(MQTT_CONNACK),
                                .at = AT(retain_available),
                                .most = 1 },
    [MQTT_USER_PROPERTY] = { .name = "user property", .kind = KIND_USER, .where = IN_ANY },
    [MQTT_MAXIMUM_PACKET] = { .name = "maximum packet size",
                              .kind = KIND_U32,
                              .where = IN(MQTT_CONNECT) | IN(MQTT_CONNACK),
                              .at = AT(maximum_packet),
                              .least = 1 },
    [MQTT_WILDCARD_AVAILABLE] = { .name = "wildcard subscriptions available",
                                  .kind = KIND_BYTE,
                                  .where = IN(MQTT_CONNACK),
                                  .at = AT(wildcard_available),
                                  .most = 1 },
    [MQTT_SUBSCRIPTION_IDS_AVAILABLE] = { .name = "subscription identifiers available",
                                          .kind = KIND_BYTE,
                                          .where = IN(MQTT_CONNACK),
                                          .at = AT(subscription_ids_available),
                                          .most = 1 },
    [MQTT_SHARED_AVAILABLE] = { .name = "shared subscriptions available",
                                .kind = KIND_BYTE,
                                .where = IN(MQTT_CONNACK),
                                .at = AT(shared_available),
                                .most = 1 },
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

const char *mqtt_property_name(unsigned id)
{
    return id < ROWS ? rows[id].name : NULL;
}

/* ---- the types ---- */

uint32_t mqtt_get_varint(struct bytes *in)
{
    uint32_t value = 0;
    for (unsigned shift = 0; shift < 28; shift += 7) {
        uint8_t byte = bytes_get_u8(in);
        value |= (uint32_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0) {
            return bytes_short(in) ? 0 : value;
        }
    }
    bytes_fail(in);
    return 0;
}

int mqtt_put_varint(struct buf *out, uint32_t value)
{
    assert(value <= MQTT_VARINT_MAX);
    uint8_t bytes[4];
    size_t size = 0;
    do {
        bytes[size] = (uint8_t)(value & 0x7f);
        value >>= 7;
        bytes[size] |= value > 0 ? 0x80 : 0;
        size++;
    } while (value > 0);
    return buf_append(out, bytes, size);
}

struct mqtt_slice mqtt_get_binary(struct bytes *in)
{
    size_t size = bytes_get_u16(in);
    const uint8_t *data = bytes_get_block(in, size);
    return (struct mqtt_slice){ .data = data, .size = data != NULL ? size : 0 };
}

int mqtt_put_u16(struct buf *out, uint32_t value)
{
    assert(value <= UINT16_MAX);
    uint8_t bytes[] = { (uint8_t)(value >> 8), (uint8_t)value };
    return buf_append(out, bytes, sizeof(bytes));
}

static int put_u32(struct buf *out, uint32_t value)
{
    uint8_t bytes[] = { (uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
                        (uint8_t)value };
    return buf_append(out, bytes, sizeof(bytes));
}

int mqtt_put_binary(struct buf *out, const void *data, size_t size)
{
    assert(size <= MQTT_TEXT_MAX);
    int error = mqtt_put_u16(out, (uint32_t)size);
    return error == 0 && size > 0 ? buf_append(out, data, size) : error;
}

bool mqtt_is_text(const void *data, size_t size)
{
    return size == 0 || (memchr(data, 0, size) == NULL && str_is_utf8(data, size));
}

#define ONES        (UINT64_C(0x0101010101010101))
#define HIGH        (UINT64_C(0x8080808080808080))
#define HAS_ZERO(w) (((w)-ONES) & ~(w)&HIGH)

/* Not 0 for what needs a closer look: a byte over 127, NUL, + or #. */
static uint64_t odd_in(const uint8_t *at)
{
    uint64_t word;
    memcpy(&word, at, 8);
    return (word & HIGH) | HAS_ZERO(word) | HAS_ZERO(word ^ (ONES * '+')) |
           HAS_ZERO(word ^ (ONES * '#'));
}

/* Eight bytes at a time; the last eight may be looked at in part twice. */
static bool is_plain(const uint8_t *at, size_t size)
{
    uint64_t odd = 0;
    if (size >= 8) {
        for (size_t i = 0; i + 8 < size; i += 8) {
            odd |= odd_in(at + i);
        }
        return (odd | odd_in(at + size - 8)) == 0;
    }
    for (size_t i = 0; i < size; i++) {
        odd |= (uint64_t)(at[i] >= 0x80 || at[i] == 0 || at[i] == '+' || at[i] == '#');
    }
    return odd == 0;
}

bool mqtt_is_topic(const void *data, size_t size)
{
    return size > 0 &&
           (is_plain(data, size) || (mqtt_is_text(data, size) && memchr(data, '+', size) == NULL &&
                                     memchr(data, '#', size) == NULL));
}

/* ---- properties ---- */

static int refuse(struct mqtt_wrong *wrong, const char *text, uint8_t reason)
{
    *wrong = (struct mqtt_wrong){ .text = text, .reason = reason };
    return BUSBAR_EPROTO;
}

static int get_number(struct bytes *in, const struct row *row, uint32_t *to,
                      struct mqtt_wrong *wrong)
{
    switch (row->kind) {
    case KIND_BYTE: *to = bytes_get_u8(in); break;
    case KIND_U16: *to = bytes_get_u16(in); break;
    case KIND_U32: *to = bytes_get_u32(in); break;
    default: *to = mqtt_get_varint(in);
    }
    if (!bytes_short(in) && (*to < row->least || (row->most > 0 && *to > row->most))) {
        return refuse(wrong, "a property has a number that is not allowed", MQTT_PROTOCOL_ERROR);
    }
    return 0;
}

static int get_one(struct bytes *in, const struct row *row, struct mqtt_properties *out,
                   struct mqtt_wrong *wrong)
{
    void *to = (char *)out + row->at;
    struct mqtt_slice value;
    switch (row->kind) {
    case KIND_BINARY: *(struct mqtt_slice *)to = mqtt_get_binary(in); return 0;
    case KIND_TEXT:
        value = mqtt_get_binary(in);
        *(struct mqtt_slice *)to = value;
        break;
    case KIND_USER:
        value = mqtt_get_binary(in);
        if (mqtt_is_text(value.data, value.size)) {
            value = mqtt_get_binary(in);
        }
        break;
    default: return get_number(in, row, to, wrong);
    }
    return mqtt_is_text(value.data, value.size)
               ? 0
               : refuse(wrong, "a property is no valid UTF-8", MQTT_MALFORMED);
}

int mqtt_get_properties(struct bytes *in, unsigned where, struct mqtt_properties *out,
                        struct mqtt_wrong *wrong)
{
    mqtt_no_properties(out);
    size_t size = mqtt_get_varint(in);
    struct bytes rest = bytes_get_bytes(in, size);
    out->raw = (struct mqtt_slice){ .data = rest.start, .size = bytes_left(&rest) };
    while (bytes_left(&rest) > 0) {
        uint32_t id = mqtt_get_varint(&rest);
        const struct row *row = id < ROWS ? &rows[id] : NULL;
        if (row == NULL || row->kind == KIND_NONE) {
            return refuse(wrong, "a property that MQTT 5 does not know", MQTT_MALFORMED);
        }
        if ((row->where >> where & 1) == 0) {
            return refuse(wrong, "a property that does not belong into this packet",
                          MQTT_PROTOCOL_ERROR);
        }
        bool repeats = row->kind == KIND_USER ||
                       (id == MQTT_SUBSCRIPTION_ID && where == MQTT_PUBLISH);
        if (mqtt_has(out, id) && !repeats) {
            return refuse(wrong, "a property comes twice", MQTT_PROTOCOL_ERROR);
        }
        int error = get_one(&rest, row, out, wrong);
        if (error != 0) {
            return error;
        }
        if (bytes_short(&rest)) {
            break;
        }
        mqtt_add(out, id);
    }
    return bytes_short(in) || bytes_short(&rest)
               ? refuse(wrong, "the properties end too early", MQTT_MALFORMED)
               : 0;
}

static void skip_value(struct bytes *in, const struct row *row)
{
    switch (row->kind) {
    case KIND_BYTE: bytes_skip(in, 1); break;
    case KIND_U16: bytes_skip(in, 2); break;
    case KIND_U32: bytes_skip(in, 4); break;
    case KIND_VARINT: (void)mqtt_get_varint(in); break;
    default: (void)mqtt_get_binary(in);
    }
}

bool mqtt_next_user(struct bytes *rest, struct mqtt_slice *name, struct mqtt_slice *value)
{
    while (bytes_left(rest) > 0) {
        uint32_t id = mqtt_get_varint(rest);
        if (id >= ROWS || rows[id].kind == KIND_NONE) {
            return false;
        }
        if (id == MQTT_USER_PROPERTY) {
            *name = mqtt_get_binary(rest);
            *value = mqtt_get_binary(rest);
            return !bytes_short(rest);
        }
        skip_value(rest, &rows[id]);
        if (bytes_short(rest)) {
            return false;
        }
    }
    return false;
}

static int put_one(struct buf *out, unsigned id, const struct mqtt_properties *properties)
{
    const struct row *row = &rows[id];
    const void *from = (const char *)properties + row->at;
    int error = mqtt_put_varint(out, id);
    if (error != 0) {
        return error;
    }
    switch (row->kind) {
    case KIND_BYTE: return buf_append_byte(out, (uint8_t) * (const uint32_t *)from);
    case KIND_U16: return mqtt_put_u16(out, *(const uint32_t *)from);
    case KIND_U32: return put_u32(out, *(const uint32_t *)from);
    case KIND_VARINT: return mqtt_put_varint(out, *(const uint32_t *)from);
    default:
        return mqtt_put_binary(out, ((const struct mqtt_slice *)from)->data,
                               ((const struct mqtt_slice *)from)->size);
    }
}

static int put_user(struct buf *out, struct mqtt_slice name, struct mqtt_slice value)
{
    (void)mqtt_put_varint(out, MQTT_USER_PROPERTY);
    (void)mqtt_put_binary(out, name.data, name.size);
    return mqtt_put_binary(out, value.data, value.size);
}

static struct mqtt_slice slice_of(const char *text)
{
    return (struct mqtt_slice){ .data = (const uint8_t *)text, .size = strlen(text) };
}

static int put_all(struct buf *out, const struct mqtt_properties *properties)
{
    int error = 0;
    for (unsigned id = 0; id < ROWS && error == 0; id++) {
        if (mqtt_has(properties, id) && id != MQTT_USER_PROPERTY) {
            assert(rows[id].kind != KIND_NONE);
            error = put_one(out, id, properties);
        }
    }
    for (size_t i = 0; i < properties->user_count && error == 0; i++) {
        error = put_user(out, slice_of(properties->users[i].name),
                         slice_of(properties->users[i].value));
    }
    struct bytes rest = bytes_of(properties->raw.data, properties->raw.size);
    struct mqtt_slice name, value;
    while (error == 0 && mqtt_next_user(&rest, &name, &value)) {
        error = put_user(out, name, value);
    }
    return error;
}

int mqtt_put_properties(struct buf *out, const struct mqtt_properties *properties)
{
    if (properties->present == 0 && properties->user_count == 0) {
        return buf_append_byte(out, 0);
    }
    struct buf all;
    buf_init(&all, out->max < MQTT_VARINT_MAX ? out->max : MQTT_VARINT_MAX);
    int error = put_all(&all, properties);
    if (error == 0) {
        error = mqtt_put_varint(out, (uint32_t)all.size);
    }
    if (error == 0 && all.size > 0) {
        error = buf_append(out, all.data, all.size);
    }
    buf_fini(&all);
    return error;
}
