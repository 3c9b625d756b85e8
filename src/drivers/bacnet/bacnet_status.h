/* SPDX-License-Identifier: Apache-2.0 */
/* The driver as a whole for people: ops->ports, ops->status. */
#ifndef BUSBAR_DRIVERS_BACNET_STATUS_H
#define BUSBAR_DRIVERS_BACNET_STATUS_H

#include "drivers/bacnet/bacnet_device.h"

void bacnet_ports(const struct setup *setup, bool used, driver_port_cb cb, void *ctx);
void bacnet_status(struct driver *drv, driver_status_cb cb, void *ctx);

#endif
