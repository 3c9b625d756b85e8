/* SPDX-License-Identifier: Apache-2.0 */
/* The resolved address of a point, and what its values mean. */
#ifndef BUSBAR_DRIVERS_SNMP_SNMP_ADDRESS_H
#define BUSBAR_DRIVERS_SNMP_SNMP_ADDRESS_H

#include "config/setup.h"
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
    struct snmp_oid oid;             /* with its index; of a row by name: the column's */
    const struct snmp_row_name *row; /* NULL: the index is in `oid` */
    const struct snmp_meaning
        *meaning;        /* how values become samples; shared; NULL: set by traps alone */
    const char *written; /* as in the configuration: "IF-MIB::ifOperStatus.7"; "" = no oid */
    const struct snmp_trap_hook *hooks; /* snmp_trap_hooks.h; NULL: none */
    uint8_t as;                         /* enum snmp_as, of counters */
};

/* ops->resolve: the settings of a point into its address (all zero before). BUSBAR_ECONFIG with place and hint,
 * BUSBAR_ENOMEM. */
int snmp_address_resolve(const struct setup *setup, const struct settings *point,
                         struct snmp_address *address, struct point_facts *facts, struct err *err);

/* `row: eth0`, `row: "ifAlias=uplink to core"` of a column of the catalogue: where the name stands, and the name. Without
 * a column it is the usual one of the table: ifName of all that is counted by ifIndex, else what is called ...Name,
 * ...Descr and so on, there or in the table that the index is of. BUSBAR_EINVAL with hint. */
int snmp_row_parse(const struct mib *mib, const struct mib_object *column, const char *text,
                   const struct mib_object **names, const char **name, struct err *err);

/* "IF-MIB::ifHCInOctets row eth0", "traps linkUp=1": as a person wrote it. */
void snmp_address_print(const struct snmp_address *address, struct buf *out);

#endif
