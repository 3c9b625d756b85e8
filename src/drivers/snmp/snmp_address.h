/* SPDX-License-Identifier: Apache-2.0 */
/* The resolved address of a point, and what its values mean. */
#ifndef BUSBAR_DRIVERS_SNMP_SNMP_ADDRESS_H
#define BUSBAR_DRIVERS_SNMP_SNMP_ADDRESS_H

#include "drivers/snmp/mib/mib.h"
#include "drivers/snmp/snmp_value.h"
#include "model/point.h"

/* The row that a point is in, where its number may change: `row: eth0`, `row: "ifAlias=uplink to core"`. */
struct snmp_row_name {
    struct snmp_oid column; /* where the text stands: IF-MIB::ifName */
    const char *text;       /* "eth0" */
};

/* Kept for each point: small. Texts and OIDs live in the device's arena; equal ones may be shared. */
struct snmp_address {
    struct snmp_oid oid;                /* with its index; of a row by name: the column's */
    const struct snmp_row_name *row;    /* NULL: the index is in `oid` */
    const struct snmp_meaning *meaning; /* how values become samples; shared */
    const char *written;                /* as in the configuration: "IF-MIB::ifOperStatus.7" */
    const struct snmp_trap_hook *hooks; /* snmp_traps.h; NULL: none */
    uint8_t as;                         /* enum snmp_as, of counters */
};

#endif
