/* SPDX-License-Identifier: Apache-2.0 */
/* The BACnet/IP driver (ASHRAE 135, annex J): polls, COV, writes, alarms, trend logs, discovery. */
#ifndef BUSBAR_DRIVERS_BACNET_H
#define BUSBAR_DRIVERS_BACNET_H

#include "driver/driver.h"

const struct driver_ops *bacnet_driver(void);

#endif
