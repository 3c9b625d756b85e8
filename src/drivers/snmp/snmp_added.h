/* SPDX-License-Identifier: Apache-2.0 */
/* Which values of a device are points already, so that a look at it says so. Private to browsing. */
#ifndef BUSBAR_DRIVERS_SNMP_ADDED_H
#define BUSBAR_DRIVERS_SNMP_ADDED_H

#include "base/arena.h"
#include "base/map.h"
#include "drivers/snmp/snmp_table.h"

struct device;
struct snmp_address;

struct snmp_added {
    struct arena arena;
    struct map fixed; /* "2b06...": the value's OID -> struct snmp_address */
    struct map named; /* "column name-column=text" -> struct snmp_address */
};

void snmp_added_init(struct snmp_added *added, const struct device *dev);
void snmp_added_fini(struct snmp_added *added);

/* The address of the first point that reads this value; NULL: none does. */
const struct snmp_address *snmp_added_find(const struct snmp_added *added,
                                           const struct snmp_row *row,
                                           const struct snmp_cell *cell);

#endif
