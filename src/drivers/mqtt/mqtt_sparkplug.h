/* SPDX-License-Identifier: Apache-2.0 */
/* Devices of Sparkplug B on a connection: births, deaths and metrics become links and readings, writes become commands. The
 * protocol itself is sparkplug/host.h; this is between it, the connection and the feed. Loop thread only. */
#ifndef BUSBAR_DRIVERS_MQTT_MQTT_SPARKPLUG_H
#define BUSBAR_DRIVERS_MQTT_MQTT_SPARKPLUG_H

#include "drivers/mqtt/mqtt_driver.h"

/* Details of writes beside the reason codes of MQTT, which end at 255. */
enum { MQTT_DETAIL_NO_METRIC = 0x100, MQTT_DETAIL_WRONG_VALUE = 0x101 };

/* ---- the connection ---- */
/* The will of a host application, where the broker's settings make us one. payload: room for it, the caller's to free. */
void mqtt_sparkplug_will(struct mqtt_broker *broker, struct mqtt_will *will, struct buf *payload,
                         struct buf *topic);
void mqtt_sparkplug_up(struct mqtt_broker *broker);
void mqtt_sparkplug_down(struct mqtt_broker *broker);
/* Before it is closed on purpose. */
void mqtt_sparkplug_offline(struct mqtt_broker *broker);
void mqtt_sparkplug_free(struct mqtt_broker *broker);
/* Whether it was a message of Sparkplug, which is then dealt with. */
bool mqtt_sparkplug_take(struct mqtt_broker *broker, const struct mqtt_message *message);
void mqtt_sparkplug_status(const struct mqtt_broker *broker, driver_status_cb cb, void *ctx);

/* ---- devices with `sparkplug:` ---- */
int mqtt_sparkplug_start(struct mqtt_device *device, struct err *err);
void mqtt_sparkplug_stop(struct mqtt_device *device);
/* Whether the device itself is up; asks for its birth while it is not. The words say why not. */
bool mqtt_sparkplug_is_up(struct mqtt_device *device, char *words, size_t size);
/* What it subscribes to; NULL: it could not be started. */
const struct mqtt_filter *mqtt_sparkplug_filter(const struct mqtt_device *device);
/* The command that writes a metric: topic and payload. detail: why not. */
int mqtt_sparkplug_command(const struct mqtt_device *device, const char *metric,
                           const struct sample *sample, struct buf *topic, struct buf *payload,
                           uint16_t *detail);

#endif
