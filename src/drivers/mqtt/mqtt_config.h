/* SPDX-License-Identifier: Apache-2.0 */
/* What the settings of a broker, of a device and of a point say, taken out and checked. Pure: settings in, plain structs
 * out; their texts are borrowed from the settings.
 *
 *   drivers:
 *     mqtt:
 *       brokers:
 *         plant: { url: "mqtts://10.0.5.1:8883", user: busbar, password: !secret mqtt }
 *   devices:
 *     co2-12:
 *       mqtt: { broker: plant, topic: "zigbee/{id}", id: room-12 }
 *       points:
 *         co2: { json: $.co2, units: ppm, stale_after: 15m }
 *
 * A call returns 0, or BUSBAR_ECONFIG with place and hint in err, which may be NULL. */
#ifndef BUSBAR_DRIVERS_MQTT_MQTT_CONFIG_H
#define BUSBAR_DRIVERS_MQTT_MQTT_CONFIG_H

#include "config/setup.h"
#include "drivers/mqtt/mqtt_topics.h"
#include "drivers/mqtt/mqtt_url.h"
#include "payload/point.h"

struct mqtt_broker_config {
    struct mqtt_url url;
    const char *user, *password;        /* password: the secret's name; NULL: none */
    const char *ca, *certificate, *key; /* files; NULL */
    const char *server_name, *alpn;     /* NULL: the host's, none */
    int version;                        /* 0: 5, else 3.1.1; 4, 5 */
    const char *client_id;              /* NULL: one of our own */
    bool clean;
    uint32_t session_expiry_s;
    uint16_t keep_alive_s, receive_max;
    uint32_t packet_max;
    uint8_t qos;
    const char *share, *status_topic, *sparkplug_host; /* NULL: none */
};

enum mqtt_retained { MQTT_RETAINED_UNCERTAIN, MQTT_RETAINED_GOOD, MQTT_RETAINED_IGNORE };

struct mqtt_config {
    const char *part;                 /* the broker's name; NULL: `broker` is its own */
    struct mqtt_broker_config broker; /* also of a part, when the setup has it */
    const char *id;                   /* NULL: the device's name */
    const char *topic, *sparkplug;    /* NULL: none */
    uint8_t qos;
    enum mqtt_retained retained;
};

/* Where the value of a point is and how it is written: the address of a point. Texts in the device's arena. */
struct mqtt_address {
    struct payload_point payload;
    const char *topic;             /* as written; NULL: the device's */
    const char *metric;            /* Sparkplug; NULL */
    const char *send, *send_topic; /* NULL: not written */
    uint8_t value_type;            /* enum value_type, before conversion */
    uint8_t send_qos;
    bool send_retain;
};

/* `drivers: mqtt` with its parts. After 0 a message in err is a warning. */
int mqtt_config_check_setup(const struct setup *setup, struct err *err);
int mqtt_config_part(const struct setup_part *part, struct mqtt_broker_config *out,
                     struct err *err);
const char *mqtt_config_schemas(const struct setup *setup); /* the folder; NULL: none */

/* A device; setup NULL: that its broker exists is not checked. After 0 a message in err is a warning. */
int mqtt_config_read(const struct setup *setup, const struct settings *device,
                     struct mqtt_config *out, struct err *err);
/* A point; see driver_ops.resolve. */
int mqtt_config_point(const struct setup *setup, const struct settings *device,
                      const struct settings *point, struct mqtt_address *out,
                      struct point_facts *facts, struct err *err);
int mqtt_config_event(const struct setup *setup, const struct settings *device,
                      const struct settings *event, struct err *err);

/* What tells one connection from another: equal texts, the same connection. */
void mqtt_config_identity(const struct mqtt_config *config, struct buf *out);
/* "mqtts://10.0.5.1:8883 zigbee/room-12"; names: what its topics are filled in with. */
void mqtt_config_print(const struct mqtt_config *config, const struct mqtt_topic_names *names,
                       struct buf *out);

#endif
