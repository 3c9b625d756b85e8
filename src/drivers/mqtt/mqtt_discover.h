/* SPDX-License-Identifier: Apache-2.0 */
/* Which devices speak at a broker: it is listened to for a while, and what came is told as devices that could be
 * configured. What was heard is remembered, for a look at one of them. Loop thread only. */
#ifndef BUSBAR_DRIVERS_MQTT_MQTT_DISCOVER_H
#define BUSBAR_DRIVERS_MQTT_MQTT_DISCOVER_H

#include "drivers/mqtt/mqtt_driver.h"
#include "drivers/mqtt/mqtt_seen.h"

struct mqtt_discoveries *mqtt_discoveries_new(struct mqtt_state *state);
void mqtt_discoveries_free(struct mqtt_discoveries *discoveries);

void mqtt_discover_begin(struct mqtt_discoveries *discoveries, struct driver_discovery *asked);
void mqtt_discover_end(struct mqtt_discoveries *discoveries, struct driver_discovery *asked);
/* See driver_ops.find_key. */
void mqtt_discover_key(const struct mqtt_device *device, struct buf *out);
/* What the last discovery heard there; NULL: there was none. */
const struct mqtt_seen *mqtt_discover_seen(const struct mqtt_discoveries *discoveries,
                                           const struct mqtt_url *url);

#endif
