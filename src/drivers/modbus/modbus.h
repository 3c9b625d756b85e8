/* SPDX-License-Identifier: Apache-2.0 */
/* The Modbus driver: TCP, RTU over TCP, serial RTU, TLS; one driver on different streams. */
#ifndef BUSBAR_DRIVERS_MODBUS_H
#define BUSBAR_DRIVERS_MODBUS_H

#include "driver/driver.h"

const struct driver_ops *modbus_driver(void);

#endif
