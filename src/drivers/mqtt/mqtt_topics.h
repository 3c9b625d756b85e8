/* SPDX-License-Identifier: Apache-2.0 */
/* Topics as they are written in a configuration: several by ',', with words that stand for something.
 *
 *   {id}      what the device is called by others (`id:`, else its name)
 *   {device}  its name
 *   ~         at the beginning: the device's first topic before its wildcard: of tele/plug-1/# it is tele/plug-1
 *
 * Pure. */
#ifndef BUSBAR_DRIVERS_MQTT_MQTT_TOPICS_H
#define BUSBAR_DRIVERS_MQTT_MQTT_TOPICS_H

#include <stdbool.h>

#include "base/err.h"

enum {
    MQTT_TOPIC_TEXT_MAX = 1024, /* bytes of one, filled in */
    MQTT_TOPICS_TEXT_MAX = 8192,
    MQTT_TOPICS_MAX = 100, /* in one list */
};

struct mqtt_topic_names {
    const char *id, *device;
    const char *base; /* what ~ is; NULL: there is none */
};

/* Calls cb for each filter of a list (NULL: none); stops with the first that does not return 0, and returns that.
 * BUSBAR_EINVAL with a reason and a hint. */
typedef int (*mqtt_topic_cb)(void *ctx, const char *filter);
int mqtt_topics_each(const char *list, const struct mqtt_topic_names *names, mqtt_topic_cb cb,
                     void *ctx, struct err *err);
/* One topic to publish to: no wildcards. */
int mqtt_topics_one(const char *text, const struct mqtt_topic_names *names,
                    char to[MQTT_TOPIC_TEXT_MAX + 1], struct err *err);
/* What ~ stands for, of a device's list; false: it has no topic, or begins with a wildcard. */
bool mqtt_topics_base(const char *list, const struct mqtt_topic_names *names,
                      char to[MQTT_TOPIC_TEXT_MAX + 1]);

#endif
