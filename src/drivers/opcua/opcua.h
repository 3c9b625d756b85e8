/* SPDX-License-Identifier: Apache-2.0 */
/* OPC UA client as a driver of the host. */
#ifndef BUSBAR_DRIVERS_OPCUA_H
#define BUSBAR_DRIVERS_OPCUA_H

#include "driver/driver.h"

const struct driver_ops *opcua_driver(void);

#endif
