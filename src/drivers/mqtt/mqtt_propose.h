/* SPDX-License-Identifier: Apache-2.0 */
/* What was heard at a broker, as devices and points that could be configured. Pure.
 *
 *   announced by Home Assistant's convention      a device each, with units, ranges and commands
 *   spBv1.0/GROUP/DBIRTH/NODE/DEVICE              sparkplug: "GROUP/NODE/DEVICE"
 *   tele/NAME/..., stat/NAME/...   (Tasmota)      one device of all below both
 *   a topic with JSON                             a device; its fields are points
 *   topics with plain values side by side         a device of the level above; each topic is a point */
#ifndef BUSBAR_DRIVERS_MQTT_MQTT_PROPOSE_H
#define BUSBAR_DRIVERS_MQTT_MQTT_PROPOSE_H

#include "base/buf.h"
#include "drivers/mqtt/mqtt_seen.h"
#include "model/point.h"

enum { MQTT_PROPOSE_TOPICS_BYTES = 4096 /* of one device's `topic:` */ };

struct mqtt_proposal {
    const char *topics;    /* as `topic:` would be written; NULL: sparkplug */
    const char *sparkplug; /* "Group/Node/Device"; NULL */
    const char *topic;     /* one of those that were heard */
    const char *name;
    const char *maker, *model, *version; /* "" = not known */
    const char *sample;                  /* "co2 640, temperature 22.1" */
    size_t topic_count, field_count;
    uint64_t messages;
    bool binary; /* some of its messages are no text */
};

typedef void (*mqtt_proposal_cb)(void *ctx, const struct mqtt_proposal *proposal);
void mqtt_propose_devices(const struct mqtt_seen *seen, mqtt_proposal_cb cb, void *ctx);

/* A point of a device that has these topics. Texts borrowed until the callback returns. */
struct mqtt_point_proposal {
    const struct mqtt_seen_topic *topic; /* NULL: it is only written */
    const struct mqtt_seen_field *field; /* NULL: its value has not come yet */
    const char *id;                      /* "tele/plug-1/SENSOR $.ENERGY.Power" */
    const char *name;                    /* of the point */
    const char *title;                   /* as it was announced; "" */
    const char *settings;                /* "{ json: $.co2, units: ppm }" */
    const char *unit;
    bool writable, announced;
};
typedef void (*mqtt_point_cb)(void *ctx, const struct mqtt_point_proposal *point);
/* topics: the device's, filled in, by ", "; base: what ~ stands for; NULL. */
void mqtt_propose_points(const struct mqtt_seen *seen, const char *topics, const char *base,
                         mqtt_point_cb cb, void *ctx);

/* A name of a point or device out of any text: letters, digits and '-'. */
void mqtt_propose_name(const char *text, char *to, size_t size);

#endif
