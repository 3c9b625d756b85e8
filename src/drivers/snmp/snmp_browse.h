/* SPDX-License-Identifier: Apache-2.0 */
/* What an agent has.
 *
 *   at ""             an overview: system, interfaces by name, sensors, storage, processors, UPS, printer, outlets,
 *                     then which other subtrees there are, to be looked into
 *   at ifTable        everything below an object of the catalogue or an OID, row by row
 *   at walk:ifTable   the same, flat and as it came, for `busbar snmp walk`
 *
 * All of it is walked by GETBULK (GETNEXT of v1), with limits on rows, bytes and time. What was told is not kept here. */
#ifndef BUSBAR_DRIVERS_SNMP_BROWSE_H
#define BUSBAR_DRIVERS_SNMP_BROWSE_H

#include "drivers/snmp/snmp_driver.h"

enum {
    SNMP_BROWSE_VALUES_MAX = 100000,  /* of one look; more are counted, not told */
    SNMP_BROWSE_BYTES_MAX = 16 << 20, /* of values kept while tables are put together */
    SNMP_BROWSE_ROWS_MAX = 4096,      /* of one table of the overview */
    SNMP_BROWSE_US = 600 * 1000000LL, /* a look takes at most */
};

/* ops->browse, ops->browse_stop; stop() of the device. device->browses belongs to these. */
void snmp_browse_begin(struct snmp_device *device, struct driver_browse *browse);
void snmp_browse_end(struct snmp_device *device, struct driver_browse *browse);
void snmp_browse_stop_all(struct snmp_device *device);

#endif
