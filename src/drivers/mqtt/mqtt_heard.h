/* SPDX-License-Identifier: Apache-2.0 */
/* Where a point's value came from: a PUBLISH of the ring of last frames is read once more. */
#ifndef BUSBAR_DRIVERS_MQTT_MQTT_HEARD_H
#define BUSBAR_DRIVERS_MQTT_MQTT_HEARD_H

#include "drivers/mqtt/mqtt_driver.h"

/* See driver_ops.heard. */
bool mqtt_heard(const struct device *dev, const struct point *pt, struct bytes received,
                struct buf *out, struct sample *raw);
/* See driver_ops.rule and driver_ops.body. */
const struct payload_point *mqtt_rule(const struct device *dev, uint32_t point_index);
bool mqtt_body(const struct device *dev, struct bytes frame, struct bytes *body);

#endif
