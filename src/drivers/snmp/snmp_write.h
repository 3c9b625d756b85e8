/* SPDX-License-Identifier: Apache-2.0 */
/* SET: all points of a request in one message, which the device does as a whole or not at all (RFC 3416, 4.2.5). Sent
 * once: a lost answer is no reason to do it again. Reading back is the host's. Loop thread only. */
#ifndef BUSBAR_DRIVERS_SNMP_SNMP_WRITE_H
#define BUSBAR_DRIVERS_SNMP_SNMP_WRITE_H

#include "drivers/snmp/snmp_driver.h"

enum { SNMP_WRITE_POINTS_MAX = 256, SNMP_WRITE_BYTES_MAX = 60000 };

/* device->agent must be there; ends in driver_done(), never before this returned. */
void snmp_write_begin(struct snmp_device *device, struct request *req);
/* Answered now. False: no such request is under way here. */
bool snmp_write_cancel(struct snmp_device *device, struct request *req);
/* All are answered BUSBAR_ECANCELED, now. Before snmp_agent_free(). */
void snmp_writes_stop(struct snmp_device *device);

#endif
