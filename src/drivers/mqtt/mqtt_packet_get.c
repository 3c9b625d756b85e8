/* SPDX-License-Identifier: Apache-2.0 */
/* Reading packets. What a rule of the standard forbids is refused with the rule in words. */
#include <string.h>

#include "base/err.h"
#include "drivers/mqtt/mqtt_packet.h"

static int refuse(struct mqtt_wrong *wrong, uint8_t reason, const char *text)
{
    *wrong = (struct mqtt_wrong){ .text = text, .reason = reason };
    return BUSBAR_EPROTO;
}

static int too_short(struct mqtt_wrong *wrong)
{
    return refuse(wrong, MQTT_MALFORMED, "the packet ends too early");
}

/* The last step of all: nothing missing, nothing left. */
static int finish(const struct bytes *in, struct mqtt_wrong *wrong)
{
    if (bytes_short(in)) {
        return too_short(wrong);
    }
    return bytes_left(in) == 0
               ? 0
               : refuse(wrong, MQTT_MALFORMED, "the packet has bytes behind its end");
}

static int get_properties(struct bytes *in, int version, unsigned where,
                          struct mqtt_properties *out, struct mqtt_wrong *wrong)
{
    mqtt_no_properties(out);
    if (version != MQTT_VERSION_5) {
        return 0;
    }
    return bytes_short(in) ? too_short(wrong) : mqtt_get_properties(in, where, out, wrong);
}

static int get_text(struct bytes *in, struct mqtt_slice *out, struct mqtt_wrong *wrong)
{
    *out = mqtt_get_binary(in);
    if (bytes_short(in)) {
        return too_short(wrong);
    }
    return mqtt_is_text(out->data, out->size)
               ? 0
               : refuse(wrong, MQTT_MALFORMED, "a text is no valid UTF-8");
}

/* What the flags of each type are (2.2.2); PUBLISH has its own. */
static bool flags_fit(uint8_t type, uint8_t flags)
{
    switch (type) {
    case 0: return false;
    case MQTT_PUBLISH: return (flags & 6) != 6;
    case MQTT_PUBREL:
    case MQTT_SUBSCRIBE:
    case MQTT_UNSUBSCRIBE: return flags == 2;
    default: return flags == 0;
    }
}

int mqtt_get_head(struct bytes *in, struct mqtt_head *head)
{
    const uint8_t *at = in->at;
    size_t left = bytes_left(in);
    if (left < 2) {
        return left == 0 || flags_fit(at[0] >> 4, at[0] & 15) ? BUSBAR_ESHORT : BUSBAR_EPROTO;
    }
    head->type = at[0] >> 4;
    head->flags = at[0] & 15;
    if (!flags_fit(head->type, head->flags)) {
        return BUSBAR_EPROTO;
    }
    head->size = at[1] & 0x7f;
    size_t used = 2;
    for (unsigned shift = 7; (at[used - 1] & 0x80) != 0; shift += 7) {
        if (used == MQTT_HEAD_MAX) {
            return BUSBAR_EPROTO;
        }
        if (used == left) {
            return BUSBAR_ESHORT;
        }
        head->size |= (uint32_t)(at[used++] & 0x7f) << shift;
    }
    bytes_skip(in, used);
    return 0;
}

static int get_will(struct bytes *in, int version, uint8_t flags, struct mqtt_packet_will *will,
                    struct mqtt_wrong *wrong)
{
    will->qos = flags >> 3 & 3;
    will->retain = (flags & 0x20) != 0;
    if (will->qos == 3) {
        return refuse(wrong, MQTT_MALFORMED, "the will has QoS 3");
    }
    int error = get_properties(in, version, MQTT_IN_WILL, &will->properties, wrong);
    if (error == 0) {
        error = get_text(in, &will->topic, wrong);
    }
    if (error == 0 && !mqtt_is_topic(will->topic.data, will->topic.size)) {
        error = refuse(wrong, MQTT_TOPIC_INVALID, "the will's topic is not valid");
    }
    if (error == 0) {
        will->payload = mqtt_get_binary(in);
    }
    return error;
}

static int get_connect_payload(struct bytes *in, uint8_t flags, struct mqtt_packet_connect *out,
                               struct mqtt_wrong *wrong)
{
    int error = get_text(in, &out->client_id, wrong);
    if (error == 0 && out->has_will) {
        error = get_will(in, out->version, flags, &out->will, wrong);
    }
    if (error == 0 && out->has_user) {
        error = get_text(in, &out->user, wrong);
    }
    if (error == 0 && out->has_password) {
        out->password = mqtt_get_binary(in);
    }
    return error == 0 ? finish(in, wrong) : error;
}

int mqtt_get_connect(struct bytes body, struct mqtt_packet_connect *out, struct mqtt_wrong *wrong)
{
    struct bytes *in = &body;
    memset(out, 0, sizeof(*out));
    struct mqtt_slice name = mqtt_get_binary(in);
    out->version = bytes_get_u8(in);
    if (bytes_short(in)) {
        return too_short(wrong);
    }
    bool old = name.size == 6 && memcmp(name.data, "MQIsdp", 6) == 0;
    if (!old && (name.size != 4 || memcmp(name.data, "MQTT", 4) != 0)) {
        return refuse(wrong, MQTT_UNSUPPORTED_VERSION, "the protocol's name is not MQTT");
    }
    if (old || (out->version != MQTT_VERSION_5 && out->version != MQTT_VERSION_3_1_1)) {
        return 0;
    }
    uint8_t flags = bytes_get_u8(in);
    out->clean = (flags & 2) != 0;
    out->has_will = (flags & 4) != 0;
    out->has_password = (flags & 0x40) != 0;
    out->has_user = (flags & 0x80) != 0;
    out->keep_alive_s = bytes_get_u16(in);
    if ((flags & 1) != 0 || (!out->has_will && (flags & 0x38) != 0) ||
        (out->version == MQTT_VERSION_3_1_1 && out->has_password && !out->has_user)) {
        return refuse(wrong, MQTT_MALFORMED, "the flags of CONNECT contradict one another");
    }
    int error = get_properties(in, out->version, MQTT_CONNECT, &out->properties, wrong);
    return error == 0 ? get_connect_payload(in, flags, out, wrong) : error;
}

int mqtt_get_connack(struct bytes body, int version, struct mqtt_packet_connack *out,
                     struct mqtt_wrong *wrong)
{
    struct bytes *in = &body;
    uint8_t flags = bytes_get_u8(in);
    out->code = bytes_get_u8(in);
    out->session = (flags & 1) != 0;
    mqtt_no_properties(&out->properties);
    if ((flags & 0xfe) != 0) {
        return refuse(wrong, MQTT_MALFORMED, "CONNACK has flags that are reserved");
    }
    bool old = version == MQTT_VERSION_5 && bytes_left(in) == 0 && out->code != 0;
    if (!old) {
        int error = get_properties(in, version, MQTT_CONNACK, &out->properties, wrong);
        if (error != 0) {
            return error;
        }
    }
    if (out->session && out->code != 0) {
        return refuse(wrong, MQTT_PROTOCOL_ERROR, "CONNACK refuses and has a session");
    }
    return finish(in, wrong);
}

int mqtt_get_publish(struct bytes body, uint8_t flags, int version, struct mqtt_packet_publish *out,
                     struct mqtt_wrong *wrong)
{
    struct bytes *in = &body;
    out->duplicate = (flags & 8) != 0;
    out->qos = flags >> 1 & 3;
    out->retain = (flags & 1) != 0;
    out->topic = mqtt_get_binary(in);
    out->id = out->qos > 0 ? bytes_get_u16(in) : 0;
    if (out->qos == 3 || (out->qos == 0 && out->duplicate)) {
        return refuse(wrong, MQTT_MALFORMED, "PUBLISH has flags that contradict one another");
    }
    int error = get_properties(in, version, MQTT_PUBLISH, &out->properties, wrong);
    if (error != 0) {
        return error;
    }
    if (bytes_short(in)) {
        return too_short(wrong);
    }
    if (out->qos > 0 && out->id == 0) {
        return refuse(wrong, MQTT_PROTOCOL_ERROR, "PUBLISH has packet id 0");
    }
    bool alias = out->topic.size == 0 && mqtt_has(&out->properties, MQTT_TOPIC_ALIAS);
    if (!alias && !mqtt_is_topic(out->topic.data, out->topic.size)) {
        return refuse(wrong, MQTT_TOPIC_INVALID,
                      "the topic of PUBLISH is not valid (empty, no UTF-8, or with + or #)");
    }
    const struct mqtt_slice *response = &out->properties.response_topic;
    if (mqtt_has(&out->properties, MQTT_RESPONSE_TOPIC) &&
        !mqtt_is_topic(response->data, response->size)) {
        return refuse(wrong, MQTT_PROTOCOL_ERROR, "the response topic of PUBLISH is not valid");
    }
    out->payload = (struct mqtt_slice){ .data = in->at, .size = bytes_left(in) };
    return 0;
}

int mqtt_get_ack(struct bytes body, uint8_t type, int version, struct mqtt_packet_ack *out,
                 struct mqtt_wrong *wrong)
{
    struct bytes *in = &body;
    out->type = type;
    out->id = bytes_get_u16(in);
    out->code = MQTT_SUCCESS;
    mqtt_no_properties(&out->properties);
    if (bytes_short(in)) {
        return too_short(wrong);
    }
    if (out->id == 0) {
        return refuse(wrong, MQTT_PROTOCOL_ERROR, "an acknowledgement has packet id 0");
    }
    if (version == MQTT_VERSION_5 &&
        bytes_left(in) > 0) { /* 3.4.2.1, 3.4.2.2: both may be left out */
        out->code = bytes_get_u8(in);
        if (bytes_left(in) > 0) {
            int error = mqtt_get_properties(in, type, &out->properties, wrong);
            if (error != 0) {
                return error;
            }
        }
    }
    return finish(in, wrong);
}

bool mqtt_next_filter(struct bytes *rows, bool with_options, struct mqtt_filter_row *row)
{
    if (bytes_left(rows) == 0) {
        return false;
    }
    *row = (struct mqtt_filter_row){ .filter = mqtt_get_binary(rows) };
    if (with_options) {
        uint8_t options = bytes_get_u8(rows);
        row->qos = options & 3;
        row->no_local = (options & 4) != 0;
        row->retain_as_published = (options & 8) != 0;
        row->retain_handling = options >> 4 & 3;
    }
    return !bytes_short(rows);
}

/* The options byte again, for its reserved bits. */
static bool options_fit(const struct mqtt_filter_row *row, uint8_t options, int version)
{
    uint8_t reserved = version == MQTT_VERSION_5 ? 0xc0 : 0xfc;
    return row->qos < 3 && row->retain_handling < 3 && (options & reserved) == 0;
}

static int get_rows(struct bytes *in, int version, unsigned type, struct mqtt_packet_subscribe *out,
                    struct mqtt_wrong *wrong)
{
    bool with_options = type == MQTT_SUBSCRIBE;
    out->id = bytes_get_u16(in);
    out->count = 0;
    int error = get_properties(in, version, type, &out->properties, wrong);
    if (error != 0) {
        return error;
    }
    if (!bytes_short(in) && out->id == 0) {
        return refuse(wrong, MQTT_PROTOCOL_ERROR, "a subscription has packet id 0");
    }
    out->rows = *in;
    struct mqtt_filter_row row;
    while (mqtt_next_filter(in, with_options, &row)) {
        if (row.filter.size == 0 || !mqtt_is_text(row.filter.data, row.filter.size)) {
            return refuse(wrong, MQTT_MALFORMED, "a filter is empty or no valid UTF-8");
        }
        if (with_options && !options_fit(&row, in->at[-1], version)) {
            return refuse(wrong, MQTT_MALFORMED, "the options of a filter are not valid");
        }
        out->count++;
    }
    error = finish(in, wrong);
    if (error == 0 && out->count == 0) {
        error = refuse(wrong, MQTT_PROTOCOL_ERROR, "a subscription without a filter");
    }
    return error;
}

int mqtt_get_subscribe(struct bytes body, int version, struct mqtt_packet_subscribe *out,
                       struct mqtt_wrong *wrong)
{
    return get_rows(&body, version, MQTT_SUBSCRIBE, out, wrong);
}

int mqtt_get_unsubscribe(struct bytes body, int version, struct mqtt_packet_subscribe *out,
                         struct mqtt_wrong *wrong)
{
    return get_rows(&body, version, MQTT_UNSUBSCRIBE, out, wrong);
}

static int get_codes(struct bytes *in, int version, unsigned type, struct mqtt_packet_suback *out,
                     struct mqtt_wrong *wrong)
{
    out->id = bytes_get_u16(in);
    out->codes = NULL;
    out->count = 0;
    int error = get_properties(in, version, type, &out->properties, wrong);
    if (error != 0) {
        return error;
    }
    if (bytes_short(in)) {
        return too_short(wrong);
    }
    if (out->id == 0) {
        return refuse(wrong, MQTT_PROTOCOL_ERROR, "an acknowledgement has packet id 0");
    }
    if (type == MQTT_UNSUBACK && version != MQTT_VERSION_5) {
        return finish(in, wrong);
    }
    if (bytes_left(in) == 0) {
        return refuse(wrong, MQTT_PROTOCOL_ERROR, "an answer to a subscription has no codes");
    }
    out->codes = in->at;
    out->count = bytes_left(in);
    return 0;
}

int mqtt_get_suback(struct bytes body, int version, struct mqtt_packet_suback *out,
                    struct mqtt_wrong *wrong)
{
    return get_codes(&body, version, MQTT_SUBACK, out, wrong);
}

int mqtt_get_unsuback(struct bytes body, int version, struct mqtt_packet_suback *out,
                      struct mqtt_wrong *wrong)
{
    return get_codes(&body, version, MQTT_UNSUBACK, out, wrong);
}

int mqtt_get_end(struct bytes body, uint8_t type, int version, struct mqtt_packet_end *out,
                 struct mqtt_wrong *wrong)
{
    struct bytes *in = &body;
    out->code = MQTT_SUCCESS;
    mqtt_no_properties(&out->properties);
    if (version == MQTT_VERSION_5 && bytes_left(in) > 0) { /* 3.14.2.1: both may be left out */
        out->code = bytes_get_u8(in);
        if (bytes_left(in) > 0) {
            int error = mqtt_get_properties(in, type, &out->properties, wrong);
            if (error != 0) {
                return error;
            }
        }
    }
    return finish(in, wrong);
}
