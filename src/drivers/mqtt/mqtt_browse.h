/* SPDX-License-Identifier: Apache-2.0 */
/* What a device says: its topics are listened to for a while, on a connection of its own, and every field of what comes
 * is a proposal for a point. Loop thread only. */
#ifndef BUSBAR_DRIVERS_MQTT_MQTT_BROWSE_H
#define BUSBAR_DRIVERS_MQTT_MQTT_BROWSE_H

#include "drivers/mqtt/mqtt_driver.h"

void mqtt_browse_begin(struct mqtt_device *device, struct driver_browse *asked);
void mqtt_browse_end(struct mqtt_device *device, struct driver_browse *asked);
void mqtt_browses_stop(struct mqtt_device *device);

#endif
