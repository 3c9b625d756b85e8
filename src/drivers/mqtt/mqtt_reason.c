/* SPDX-License-Identifier: Apache-2.0 */
/* What the codes of CONNACK, acknowledgements and DISCONNECT mean (5.0: 2.4; 3.1.1: 3.2.2.3), in plain words. */
#include "drivers/mqtt/mqtt_client.h"
#include "drivers/mqtt/mqtt_packet.h"

static const char *const old_texts[] = { "accepted",
                                         "this version of MQTT is not supported",
                                         "the client id is refused",
                                         "the broker is not available",
                                         "wrong user or password",
                                         "not authorized" };

/* From 0x80 on. */
static const char *const refusals[] = {
    "no reason is given",
    "the packet is malformed",
    "a protocol error",
    "the broker does not like it, without saying why",
    "this version of MQTT is not supported",
    "the client id is refused",
    "wrong user or password",
    "not authorized",
    "the broker is not available",
    "the broker is busy",
    "this client is banned",
    "the broker is shutting down",
    "the way of authentication is not supported",
    "nothing was heard for longer than the keep-alive",
    "another client took over the session",
    "the filter is not valid or not allowed",
    "the topic is not valid or not allowed",
    "the packet id is in use",
    "the packet id is not known",
    "more messages in flight than allowed",
    "the topic alias is not valid",
    "the packet is too large",
    "messages come too fast",
    "a quota is exceeded",
    "ended by an administrator",
    "the payload is not in the format it says",
    "retained messages are not supported",
    "this QoS is not supported",
    "use another server",
    "the server has moved",
    "shared subscriptions are not supported",
    "connections come too fast",
    "connected for as long as is allowed",
    "subscription identifiers are not supported",
    "filters with wildcards are not supported",
};

enum {
    OLD_TEXTS = sizeof(old_texts) / sizeof(old_texts[0]),
    REFUSALS = sizeof(refusals) / sizeof(refusals[0])
};

const char *mqtt_reason_text(int version, uint8_t code)
{
    if (version != MQTT_VERSION_5 && code < OLD_TEXTS) {
        return old_texts[code];
    }
    if (code >= MQTT_FAILURE && code - MQTT_FAILURE < REFUSALS) {
        return refusals[code - MQTT_FAILURE];
    }
    switch (code) {
    case 0x00: return "success";
    case 0x01: return "granted with QoS 1";
    case 0x02: return "granted with QoS 2";
    case 0x04: return "ended, with its will";
    case MQTT_NO_MATCHING_SUBSCRIBERS: return "nobody is subscribed to it";
    case MQTT_NO_SUBSCRIPTION_EXISTED: return "there was no such subscription";
    case 0x18: return "the authentication goes on";
    case 0x19: return "authenticate again";
    default: return "a reason that is not known";
    }
}
