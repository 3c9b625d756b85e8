/* SPDX-License-Identifier: Apache-2.0 */
/* Announcements of devices by the convention of Home Assistant, which zigbee2mqtt, Tasmota, ESPHome and many others send:
 *
 *   homeassistant/COMPONENT/[NODE/]OBJECT/config    one thing: {"name": "Temperature", "stat_t": "~/state",
 *                                                   "~": "zigbee2mqtt/room-12", "unit_of_meas": "°C",
 *                                                   "val_tpl": "{{ value_json.temperature }}", "dev": {...}}
 *   homeassistant/device/OBJECT/config              a whole device: "cmps" with many of them
 *
 * Keys come in full or abbreviated, `~` in topics stands for the key "~". Of templates the common forms are understood: a
 * path behind value_json, and value. Pure. */
#ifndef BUSBAR_DRIVERS_MQTT_MQTT_HOME_H
#define BUSBAR_DRIVERS_MQTT_MQTT_HOME_H

#include "payload/tree.h"

enum { MQTT_ENTITIES_OF_MESSAGE_MAX = 64 };

/* One thing that is announced. Texts are its own; "" = not told. */
struct mqtt_entity {
    char *component; /* "sensor", "switch", "climate" */
    char *id, *name; /* unique id, else the object's; name */
    char *device_id, *device_name, *maker, *model, *version;
    char *state_topic;
    char *path;      /* "$.temperature"; "" = the whole body */
    bool understood; /* its template is one we know (or there is none) */
    char *unit;
    char *command_topic, *command; /* command: a template of ours */
    char *on, *off;                /* texts of the state */
    bool has_min, has_max;
    double min, max;
};

/* Whether the topic is one of an announcement. */
bool mqtt_home_is_config(const char *topic);
/* Reads one into list[max]; how many things it announces: 0 when it is none, or takes one back (an empty message). tree is
 * scratch. */
size_t mqtt_home_read(const char *topic, const void *payload, size_t size,
                      struct payload_tree *tree, struct mqtt_entity *list, size_t max);
void mqtt_entity_copy(struct mqtt_entity *to, const struct mqtt_entity *from);
void mqtt_entity_fini(struct mqtt_entity *entity);

/* The path that a template takes out of a JSON message, "" when it takes the whole; false: it does more than that. */
bool mqtt_home_path(const char *text, size_t size, char *to, size_t room);

#endif
