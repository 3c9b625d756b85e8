/* SPDX-License-Identifier: Apache-2.0 */
/* Values of an agent as nodes of a look at it. Private to browsing. */
#ifndef BUSBAR_DRIVERS_SNMP_TELL_H
#define BUSBAR_DRIVERS_SNMP_TELL_H

#include "driver/driver.h"
#include "drivers/snmp/snmp_added.h"
#include "drivers/snmp/snmp_table.h"

struct snmp_telling {
    struct driver_browse *browse;
    struct snmp_table *table;
    const struct snmp_added *added;
};

/* A scalar, or the column of a row, with its proposal. What is a point already is called as that is written. */
void snmp_tell_cell(const struct snmp_telling *to, const struct snmp_row *row,
                    const struct snmp_cell *cell, const char *parent);
/* A row as a group, with all its cells. */
void snmp_tell_row(const struct snmp_telling *to, const struct snmp_row *row, const char *parent);
/* A value as it came: "IF-MIB::ifDescr.1", "STRING", "eth0". */
void snmp_tell_flat(struct driver_browse *browse, const struct mib *mib,
                    const struct snmp_varbind *varbind);
/* An object of the catalogue, or an OID, that can be looked into. */
void snmp_tell_branch(struct driver_browse *browse, const struct mib *mib, struct snmp_oid oid,
                      const char *parent, bool branch);

/* The type of a value as it is on the wire: "INTEGER", "STRING", "Hex-STRING" ... */
const char *snmp_tell_type(const struct snmp_value *value, const struct mib_object *object);

#endif
