/* SPDX-License-Identifier: Apache-2.0 */
/* MQTT: a client of brokers that others run. */
#ifndef BUSBAR_DRIVERS_MQTT_MQTT_H
#define BUSBAR_DRIVERS_MQTT_MQTT_H

#include "driver/driver.h"

const struct driver_ops *mqtt_driver(void);

#endif
