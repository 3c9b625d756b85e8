/* SPDX-License-Identifier: Apache-2.0 */
/* What was heard at a broker: topics, and of each the fields of its messages with their last values. Bounded: what is too
 * much is counted. Pure; loop thread only. */
#ifndef BUSBAR_DRIVERS_MQTT_MQTT_SEEN_H
#define BUSBAR_DRIVERS_MQTT_MQTT_SEEN_H

#include "base/map.h"
#include "drivers/mqtt/mqtt_home.h"
#include "payload/tree.h"

enum {
    MQTT_SEEN_TOPICS_MAX = 20000,
    MQTT_SEEN_FIELDS_MAX = 256, /* of one topic */
    MQTT_SEEN_ALL_FIELDS_MAX = 200000,
    MQTT_SEEN_TEXT_MAX = 120,        /* bytes kept of a value */
    MQTT_SEEN_BODY_MAX = 256 * 1024, /* longer messages are not looked into */
    MQTT_SEEN_ENTITIES_MAX = 20000,
};

/* One value in the messages of a topic. */
struct mqtt_seen_field {
    char *path;   /* "$.ac.power"; "" = the whole body */
    uint8_t type; /* enum value_type: as it came last */
    union {
        bool b;
        int64_t i;
        double d;
    } value;
    char text[MQTT_SEEN_TEXT_MAX + 1]; /* as it is written, cut */
};

enum mqtt_seen_kind { MQTT_SEEN_EMPTY, MQTT_SEEN_PLAIN, MQTT_SEEN_JSON, MQTT_SEEN_BINARY };

struct mqtt_seen_topic {
    char *topic;
    uint64_t messages;
    bool retained;            /* all of them */
    enum mqtt_seen_kind kind; /* of the last */
    struct mqtt_seen_field *fields;
    size_t field_count;
    char text[MQTT_SEEN_TEXT_MAX + 1]; /* the last message, cut and printable */
};

struct mqtt_seen {
    struct map topics;            /* topic -> struct mqtt_seen_topic */
    struct mqtt_entity *entities; /* announced by Home Assistant's convention */
    size_t entity_count, field_count;
    uint64_t messages, more_topics; /* messages of topics that there was no room for */
    struct payload_tree *tree;
};

void mqtt_seen_init(struct mqtt_seen *seen);
void mqtt_seen_fini(struct mqtt_seen *seen);

void mqtt_seen_add(struct mqtt_seen *seen, const char *topic, const void *payload, size_t size,
                   bool retained);
/* Copies what one knows of the topics that fit a list of filters; entities all. */
void mqtt_seen_copy(struct mqtt_seen *to, const struct mqtt_seen *from, const char *filters);

/* All topics in their order; caller frees the list. */
const struct mqtt_seen_topic **mqtt_seen_sorted(const struct mqtt_seen *seen);
const struct mqtt_seen_topic *mqtt_seen_topic(const struct mqtt_seen *seen, const char *topic);
const struct mqtt_seen_field *mqtt_seen_field(const struct mqtt_seen_topic *topic,
                                              const char *path);

#endif
