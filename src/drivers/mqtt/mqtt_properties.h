/* SPDX-License-Identifier: Apache-2.0 */
/* The properties of MQTT 5 packets (2.2.2), and the texts all versions share. One table says of each property its type, its
 * bounds and the packets it may be in; what is not in the table, comes twice, or stands in the wrong packet is refused.
 *
 *   varint  bytes of all properties      property: varint id, then byte | u16 | u32 | varint | u16 size + bytes
 *
 * Pure. Everything got is borrowed from the packet. */
#ifndef BUSBAR_DRIVERS_MQTT_MQTT_PROPERTIES_H
#define BUSBAR_DRIVERS_MQTT_MQTT_PROPERTIES_H

#include "base/buf.h"
#include "base/bytes.h"

enum { MQTT_VARINT_MAX = 268435455, MQTT_TEXT_MAX = 65535 };

/* A user property: UTF-8, NUL-terminated, without inner NULs. */
struct mqtt_property {
    const char *name, *value;
};

/* Bytes inside of a packet; not NUL-terminated. */
struct mqtt_slice {
    const uint8_t *data;
    size_t size;
};

/* Why a packet is refused: in words, and as the reason code that a DISCONNECT gives for it (5.0: 2.4). */
struct mqtt_wrong {
    const char *text;
    uint8_t reason;
};

enum mqtt_property_id {
    MQTT_PAYLOAD_FORMAT = 1,
    MQTT_MESSAGE_EXPIRY = 2,
    MQTT_CONTENT_TYPE = 3,
    MQTT_RESPONSE_TOPIC = 8,
    MQTT_CORRELATION = 9,
    MQTT_SUBSCRIPTION_ID = 11,
    MQTT_SESSION_EXPIRY = 17,
    MQTT_ASSIGNED_ID = 18,
    MQTT_SERVER_KEEP_ALIVE = 19,
    MQTT_AUTH_METHOD = 21,
    MQTT_AUTH_DATA = 22,
    MQTT_REQUEST_PROBLEM = 23,
    MQTT_WILL_DELAY = 24,
    MQTT_REQUEST_RESPONSE = 25,
    MQTT_RESPONSE_INFO = 26,
    MQTT_SERVER_REFERENCE = 28,
    MQTT_REASON_STRING = 31,
    MQTT_RECEIVE_MAXIMUM = 33,
    MQTT_TOPIC_ALIAS_MAXIMUM = 34,
    MQTT_TOPIC_ALIAS = 35,
    MQTT_MAXIMUM_QOS = 36,
    MQTT_RETAIN_AVAILABLE = 37,
    MQTT_USER_PROPERTY = 38,
    MQTT_MAXIMUM_PACKET = 39,
    MQTT_WILDCARD_AVAILABLE = 40,
    MQTT_SUBSCRIPTION_IDS_AVAILABLE = 41,
    MQTT_SHARED_AVAILABLE = 42,
};

/* Where a property may stand: the type of its packet, or this for those of a will. */
enum { MQTT_IN_WILL = 0 };

/* All-zero: none. A field counts only when mqtt_has() it. */
struct mqtt_properties {
    uint64_t present; /* a bit each id */
    uint32_t payload_format, message_expiry, subscription_id, session_expiry, server_keep_alive;
    uint32_t request_problem, request_response, will_delay, receive_maximum, topic_alias_maximum;
    uint32_t topic_alias, maximum_qos, retain_available, maximum_packet, wildcard_available;
    uint32_t subscription_ids_available, shared_available;
    struct mqtt_slice content_type, response_topic, correlation, assigned_id, auth_method;
    struct mqtt_slice auth_data, response_info, server_reference, reason_string;
    /* To send: these user properties, then those in `raw`. Got: `raw` has all properties; see mqtt_next_user(). */
    const struct mqtt_property *users;
    size_t user_count;
    struct mqtt_slice raw;
};

static inline bool mqtt_has(const struct mqtt_properties *properties, enum mqtt_property_id id)
{
    return (properties->present >> id & 1) != 0;
}

/* Says that the field of this id counts. */
static inline void mqtt_add(struct mqtt_properties *properties, enum mqtt_property_id id)
{
    properties->present |= (uint64_t)1 << id;
}

/* None: all that has to be cleared. */
static inline void mqtt_no_properties(struct mqtt_properties *properties)
{
    properties->present = 0;
    properties->users = NULL;
    properties->user_count = 0;
    properties->raw = (struct mqtt_slice){ 0 };
}

/* Reads length and properties of a packet of this type. 0, or BUSBAR_EPROTO with `wrong`. */
int mqtt_get_properties(struct bytes *in, unsigned where, struct mqtt_properties *out,
                        struct mqtt_wrong *wrong);
/* Appends length and properties. 0, BUSBAR_ELIMIT, BUSBAR_ENOMEM: as the buffer's. Asserts texts up to MQTT_TEXT_MAX. */
int mqtt_put_properties(struct buf *out, const struct mqtt_properties *properties);

/* The next user property of those in `rest` (at first: bytes_of() `raw`); false: there are no more. */
bool mqtt_next_user(struct bytes *rest, struct mqtt_slice *name, struct mqtt_slice *value);

/* "content type"; NULL: no property has this id. */
const char *mqtt_property_name(unsigned id);

/* A variable byte integer (1.5.5) of at most four bytes; the cursor fails on a longer one. */
uint32_t mqtt_get_varint(struct bytes *in);
/* Appends; returns as buf_append(). value up to MQTT_VARINT_MAX. */
int mqtt_put_varint(struct buf *out, uint32_t value);

/* u16 size, bytes. The cursor fails when they are not all there. */
struct mqtt_slice mqtt_get_binary(struct bytes *in);
int mqtt_put_binary(struct buf *out, const void *data, size_t size);
int mqtt_put_u16(struct buf *out, uint32_t value);

/* Well-formed UTF-8 without U+0000 (1.5.4). */
bool mqtt_is_text(const void *data, size_t size);
/* mqtt_is_text(), not empty, no + and # (4.7.1). Quick for ASCII. */
bool mqtt_is_topic(const void *data, size_t size);

#endif
