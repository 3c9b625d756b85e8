/* SPDX-License-Identifier: Apache-2.0 */
/* How the protocol is doing, as facts for people: the ports it uses, the logins, the MIB modules, what was dropped and
 * why. */
#ifndef BUSBAR_DRIVERS_SNMP_SNMP_STATUS_H
#define BUSBAR_DRIVERS_SNMP_SNMP_STATUS_H

#include "drivers/snmp/snmp_driver.h"
#include "drivers/snmp/snmp_traps.h"

/* ops->ports: source ports where they are set, and where traps come in. */
void snmp_ports(const struct setup *setup, bool used, driver_port_cb cb, void *ctx);
/* ops->status. */
void snmp_status(struct driver *drv, driver_status_cb cb, void *ctx);

#endif
