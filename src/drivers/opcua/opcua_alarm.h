/* SPDX-License-Identifier: Apache-2.0 */
/* Acknowledgements by a person, on their way to the server (data/alarm.h) and back. Private to the driver. */
#ifndef BUSBAR_DRIVERS_OPCUA_ALARM_H
#define BUSBAR_DRIVERS_OPCUA_ALARM_H

#include "driver/driver.h"

/* ops->acknowledge. The peer answers all that is open before its `closed` comes home. */
void opcua_alarm_acknowledge(struct device *dev, struct driver_acknowledge *ack);

#endif
