/* SPDX-License-Identifier: Apache-2.0 */
/* From the topic of a message to the filters that want it. Filters without wildcards are found by one hash of the topic,
 * the others by a tree of levels: a message costs its levels times the wildcards that fit so far, not the number of
 * filters. Wildcards are those of MQTT 4.7: + one level, # this and all below; neither takes a first level that begins
 * with $. Pure. */
#ifndef BUSBAR_DRIVERS_MQTT_MQTT_INDEX_H
#define BUSBAR_DRIVERS_MQTT_MQTT_INDEX_H

#include <stdbool.h>
#include <stddef.h>

struct mqtt_index;

enum { MQTT_INDEX_LEVELS_MAX = 64 /* of a filter */ };

struct mqtt_index *mqtt_index_new(void);
void mqtt_index_free(struct mqtt_index *index); /* NULL is fine; values are their owner's */

/* A valid filter (mqtt_filter_wrong() found nothing) and what it stands for, not NULL; there must be none yet. The filter
 * is borrowed, unchanged until it is removed. BUSBAR_ELIMIT: too many levels. */
int mqtt_index_put(struct mqtt_index *index, const char *filter, void *value);
void *mqtt_index_get(const struct mqtt_index *index, const char *filter); /* NULL: none */
void *mqtt_index_remove(struct mqtt_index *index, const char *filter);    /* what it stood for */
size_t mqtt_index_count(const struct mqtt_index *index);

/* Calls cb for each filter that the topic fits; it must not change the index. */
typedef void (*mqtt_index_cb)(void *ctx, void *value);
void mqtt_index_match(const struct mqtt_index *index, const char *topic, mqtt_index_cb cb,
                      void *ctx);

/* What another filter stands for that takes every topic this one takes, the widest; NULL: there is none. */
void *mqtt_index_cover(const struct mqtt_index *index, const char *filter);

#endif
