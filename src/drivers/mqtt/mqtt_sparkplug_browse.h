/* SPDX-License-Identifier: Apache-2.0 */
/* What a Sparkplug node or device has: its births are asked for, and each metric is a proposal for a point. Loop thread
 * only. */
#ifndef BUSBAR_DRIVERS_MQTT_MQTT_SPARKPLUG_BROWSE_H
#define BUSBAR_DRIVERS_MQTT_MQTT_SPARKPLUG_BROWSE_H

#include "drivers/mqtt/mqtt_listen.h"

struct mqtt_spark_look;

/* place: "Group/Node/Device". NULL: it is no such place. */
struct mqtt_spark_look *mqtt_spark_look_new(const char *place, struct driver_browse *asked);
void mqtt_spark_look_free(struct mqtt_spark_look *look); /* NULL is fine */
/* The topics to listen to. */
void mqtt_spark_look_topics(const struct mqtt_spark_look *look, struct buf *out);
/* Asks for the births. */
void mqtt_spark_look_ready(struct mqtt_spark_look *look, struct mqtt_listen *listen);
void mqtt_spark_look_take(struct mqtt_spark_look *look, const struct mqtt_message *message,
                          int64_t now_us);
/* How many metrics were told. */
size_t mqtt_spark_look_told(const struct mqtt_spark_look *look);

#endif
