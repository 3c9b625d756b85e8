/* SPDX-License-Identifier: Apache-2.0 */
/* Which values are worth a point, and how such a point is written: names, units and scales of standard modules as
 * people want them ("bit/s", not octets). Pure. Private to browsing. */
#ifndef BUSBAR_DRIVERS_SNMP_PROPOSE_H
#define BUSBAR_DRIVERS_SNMP_PROPOSE_H

#include "drivers/snmp/snmp_table.h"

/* What is made of one value. */
struct snmp_proposal {
    const char *name;  /* of the point, free text: "eth0 in"; in the table's arena */
    const char *point; /* settings: "{ oid: ifHCInOctets, row: eth0, as: rate, ... }" */
    const char *units; /* of the value as it is shown; "" = as the catalogue says */
    double scale;      /* of the value as it is shown; 1: none */
    bool proposed;
};

/* False: it is nothing to make a point of (an index, or no memory). row NULL: a scalar, or a value that no table of
 * the catalogue has. */
bool snmp_propose(struct snmp_table *table, const struct snmp_row *row,
                  const struct snmp_cell *cell, struct snmp_proposal *out);

#endif
