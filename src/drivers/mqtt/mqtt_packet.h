/* SPDX-License-Identifier: Apache-2.0 */
/* The packets of MQTT 5 (OASIS 2019) and 3.1.1 (ISO/IEC 20922), both directions: a client and a broker use the same calls.
 *
 *   +-------------+-------------+----------------------+---------------------------------------+
 *   | type, flags | varint size | variable header      | payload                               |
 *   +-------------+-------------+----------------------+---------------------------------------+
 *
 * get: from the whole packet's body (what follows the size), trusting nothing; what is got is borrowed from it.
 * put: appends a whole packet; 0, BUSBAR_ELIMIT (over the buffer's ceiling) or BUSBAR_ENOMEM, then the buffer has
 * overflowed. version is 5 or 4 (that is 3.1.1). Pure: no session, no socket. */
#ifndef BUSBAR_DRIVERS_MQTT_MQTT_PACKET_H
#define BUSBAR_DRIVERS_MQTT_MQTT_PACKET_H

#include "drivers/mqtt/mqtt_properties.h"

enum mqtt_type {
    MQTT_CONNECT = 1,
    MQTT_CONNACK = 2,
    MQTT_PUBLISH = 3,
    MQTT_PUBACK = 4,
    MQTT_PUBREC = 5,
    MQTT_PUBREL = 6,
    MQTT_PUBCOMP = 7,
    MQTT_SUBSCRIBE = 8,
    MQTT_SUBACK = 9,
    MQTT_UNSUBSCRIBE = 10,
    MQTT_UNSUBACK = 11,
    MQTT_PINGREQ = 12,
    MQTT_PINGRESP = 13,
    MQTT_DISCONNECT = 14,
    MQTT_AUTH = 15,
};

/* Reason codes (5.0: 2.4) that code asks for by name; all of them in words: mqtt_reason_text(). */
enum mqtt_reason {
    MQTT_SUCCESS = 0x00,
    MQTT_NO_MATCHING_SUBSCRIBERS = 0x10,
    MQTT_NO_SUBSCRIPTION_EXISTED = 0x11,
    MQTT_FAILURE = 0x80, /* the first that is one */
    MQTT_MALFORMED = 0x81,
    MQTT_PROTOCOL_ERROR = 0x82,
    MQTT_IMPLEMENTATION_ERROR = 0x83,
    MQTT_UNSUPPORTED_VERSION = 0x84,
    MQTT_ID_NOT_VALID = 0x85,
    MQTT_BAD_LOGIN = 0x86,
    MQTT_NOT_AUTHORIZED = 0x87,
    MQTT_SERVER_UNAVAILABLE = 0x88,
    MQTT_SERVER_BUSY = 0x89,
    MQTT_BANNED = 0x8a,
    MQTT_SERVER_SHUTTING_DOWN = 0x8b,
    MQTT_BAD_AUTH_METHOD = 0x8c,
    MQTT_KEEP_ALIVE_TIMEOUT = 0x8d,
    MQTT_SESSION_TAKEN_OVER = 0x8e,
    MQTT_FILTER_INVALID = 0x8f,
    MQTT_TOPIC_INVALID = 0x90,
    MQTT_PACKET_ID_IN_USE = 0x91,
    MQTT_PACKET_ID_NOT_FOUND = 0x92,
    MQTT_RECEIVE_MAXIMUM_EXCEEDED = 0x93,
    MQTT_TOPIC_ALIAS_INVALID = 0x94,
    MQTT_PACKET_TOO_LARGE = 0x95,
    MQTT_QUOTA_EXCEEDED = 0x97,
    MQTT_RETAIN_UNSUPPORTED = 0x9a,
    MQTT_USE_ANOTHER_SERVER = 0x9c,
    MQTT_SERVER_MOVED = 0x9d,
    MQTT_SHARED_UNSUPPORTED = 0x9e,
    MQTT_WILDCARD_UNSUPPORTED = 0xa2,
};

enum { MQTT_HEAD_MAX = 5, MQTT_VERSION_5 = 5, MQTT_VERSION_3_1_1 = 4 };

struct mqtt_head {
    uint8_t type, flags;
    uint32_t size; /* of the body */
};

struct mqtt_packet_will {
    struct mqtt_slice topic, payload;
    uint8_t qos;
    bool retain;
    struct mqtt_properties properties;
};

struct mqtt_packet_connect {
    int version; /* 5, 4; others are got as they are, with nothing behind */
    bool clean;
    uint16_t keep_alive_s;
    struct mqtt_slice client_id;
    bool has_will, has_user, has_password;
    struct mqtt_packet_will will;
    struct mqtt_slice user, password;
    struct mqtt_properties properties;
};

struct mqtt_packet_connack {
    bool session; /* the broker had one */
    uint8_t code;
    struct mqtt_properties properties;
};

struct mqtt_packet_publish {
    bool duplicate, retain;
    uint8_t qos;
    uint16_t id;
    struct mqtt_slice topic; /* valid, or empty with a topic alias */
    struct mqtt_slice payload;
    struct mqtt_properties properties;
};

/* PUBACK, PUBREC, PUBREL, PUBCOMP */
struct mqtt_packet_ack {
    uint8_t type;
    uint16_t id;
    uint8_t code; /* 3.1.1: 0 */
    struct mqtt_properties properties;
};

struct mqtt_filter_row {
    struct mqtt_slice
        filter; /* valid UTF-8, not empty; whether it is a filter: mqtt_filter_wrong() */
    uint8_t qos;
    bool no_local, retain_as_published;
    uint8_t retain_handling; /* 0: send retained, 1: when it is new, 2: never */
};

/* SUBSCRIBE, UNSUBSCRIBE. Got: rows by mqtt_next_filter(). */
struct mqtt_packet_subscribe {
    uint16_t id;
    size_t count; /* at least one */
    struct bytes rows;
    struct mqtt_properties properties;
};

/* SUBACK, UNSUBACK. codes NULL: UNSUBACK of 3.1.1, which has none. */
struct mqtt_packet_suback {
    uint16_t id;
    const uint8_t *codes;
    size_t count;
    struct mqtt_properties properties;
};

/* DISCONNECT, AUTH */
struct mqtt_packet_end {
    uint8_t code;
    struct mqtt_properties properties;
};

/* Moves behind the head. BUSBAR_ESHORT: more bytes are needed (the cursor is then as before); BUSBAR_EPROTO: this begins no
 * packet (type 0, flags that are not allowed, a size of more than four bytes). */
int mqtt_get_head(struct bytes *in, struct mqtt_head *head);

/* All: 0, or BUSBAR_EPROTO with `wrong`. `body` is the whole of it; bytes left over are wrong as well. */
int mqtt_get_connect(struct bytes body, struct mqtt_packet_connect *out, struct mqtt_wrong *wrong);
/* A version 5 client may get the short form of 3.1.1 with a refusal, from a broker that does not know 5. */
int mqtt_get_connack(struct bytes body, int version, struct mqtt_packet_connack *out,
                     struct mqtt_wrong *wrong);
int mqtt_get_publish(struct bytes body, uint8_t flags, int version, struct mqtt_packet_publish *out,
                     struct mqtt_wrong *wrong);
int mqtt_get_ack(struct bytes body, uint8_t type, int version, struct mqtt_packet_ack *out,
                 struct mqtt_wrong *wrong);
int mqtt_get_subscribe(struct bytes body, int version, struct mqtt_packet_subscribe *out,
                       struct mqtt_wrong *wrong);
int mqtt_get_unsubscribe(struct bytes body, int version, struct mqtt_packet_subscribe *out,
                         struct mqtt_wrong *wrong);
int mqtt_get_suback(struct bytes body, int version, struct mqtt_packet_suback *out,
                    struct mqtt_wrong *wrong);
int mqtt_get_unsuback(struct bytes body, int version, struct mqtt_packet_suback *out,
                      struct mqtt_wrong *wrong);
int mqtt_get_end(struct bytes body, uint8_t type, int version, struct mqtt_packet_end *out,
                 struct mqtt_wrong *wrong);

/* The next row of a SUBSCRIBE (with_options) or UNSUBSCRIBE; false: no more. */
bool mqtt_next_filter(struct bytes *rows, bool with_options, struct mqtt_filter_row *row);

int mqtt_put_connect(struct buf *out, const struct mqtt_packet_connect *packet);
int mqtt_put_connack(struct buf *out, int version, const struct mqtt_packet_connack *packet);
int mqtt_put_publish(struct buf *out, int version, const struct mqtt_packet_publish *packet);
int mqtt_put_ack(struct buf *out, int version, const struct mqtt_packet_ack *packet);
int mqtt_put_subscribe(struct buf *out, int version, uint16_t id,
                       const struct mqtt_properties *properties, const struct mqtt_filter_row *rows,
                       size_t count);
int mqtt_put_unsubscribe(struct buf *out, int version, uint16_t id,
                         const struct mqtt_properties *properties,
                         const struct mqtt_filter_row *rows, size_t count);
int mqtt_put_suback(struct buf *out, int version, const struct mqtt_packet_suback *packet);
int mqtt_put_unsuback(struct buf *out, int version, const struct mqtt_packet_suback *packet);
/* type MQTT_DISCONNECT or MQTT_AUTH; 3.1.1: an empty DISCONNECT. */
int mqtt_put_end(struct buf *out, uint8_t type, int version, const struct mqtt_packet_end *packet);
/* MQTT_PINGREQ or MQTT_PINGRESP. */
int mqtt_put_ping(struct buf *out, uint8_t type);

/* Bytes of a row in a SUBSCRIBE or UNSUBSCRIBE. */
static inline size_t mqtt_filter_row_size(const struct mqtt_filter_row *row, bool with_options)
{
    return 2 + row->filter.size + (with_options ? 1 : 0);
}

/* "PUBLISH"; NULL: no such type. */
const char *mqtt_type_name(uint8_t type);

#endif
