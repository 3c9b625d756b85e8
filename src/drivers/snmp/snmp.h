/* SPDX-License-Identifier: Apache-2.0 */
/* The SNMP driver: v1, v2c and v3; polls, SET, traps and informs. */
#ifndef BUSBAR_DRIVERS_SNMP_SNMP_H
#define BUSBAR_DRIVERS_SNMP_SNMP_H

#include "driver/driver.h"

const struct driver_ops *snmp_driver(void);

#endif
