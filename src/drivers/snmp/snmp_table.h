/* SPDX-License-Identifier: Apache-2.0 */
/* Values of a walk put together: the columns of each row beside each other, rows with the name that people know them
 * by. Tables with the same index (ifTable and ifXTable) give one row. Private to browsing. */
#ifndef BUSBAR_DRIVERS_SNMP_TABLE_H
#define BUSBAR_DRIVERS_SNMP_TABLE_H

#include "base/arena.h"
#include "base/map.h"
#include "drivers/snmp/ber/pdu.h"
#include "drivers/snmp/mib/mib.h"

struct snmp_cell {
    struct snmp_cell *next; /* of its row, or of the scalars */
    struct snmp_oid oid;
    const struct mib_object *object; /* scalar or column; NULL: not in the catalogue */
    struct snmp_value value;
};

struct snmp_row {
    struct snmp_row *next;
    const struct mib_object
        *entry;            /* of the first value that came; ifEntry also for values of ifXEntry */
    struct snmp_oid index; /* parts, as from snmp_oid_tail() */
    struct snmp_cell *cells, *last;
    const char *title;             /* "eth0"; "" = none */
    const struct snmp_cell *named; /* the cell whose text is the title; NULL */
    bool unique;                   /* no other row of this table has its title */
};

struct snmp_table {
    const struct mib *mib;
    struct arena arena;
    struct map keys; /* of rows -> struct snmp_row */
    struct snmp_row *rows, *last_row;
    struct snmp_cell *scalars, *last_scalar; /* and what no table of the catalogue has */
    size_t count;                            /* cells */
    size_t left_out;                         /* for which there was no room */
};

void snmp_table_init(struct snmp_table *table, const struct mib *mib, size_t bytes_max);
void snmp_table_fini(struct snmp_table *table);

/* Copies. only_known: a value of a row that is not there yet is left out (names of what has no other value). */
void snmp_table_add(struct snmp_table *table, const struct snmp_varbind *varbind, bool only_known);
/* Gives the rows their titles; when all is added. */
void snmp_table_name_rows(struct snmp_table *table);

/* The cell of a row below a column ("1.3.6.1.2.1.2.2.1.8" as octets), or NULL. */
const struct snmp_cell *snmp_row_cell(const struct snmp_row *row, struct snmp_oid column);
/* The same as a whole number; false: there is none. */
bool snmp_row_number(const struct snmp_row *row, struct snmp_oid column, int64_t *out);

/* The columns that name the rows of a table, first choice first; how many. */
size_t snmp_table_name_columns(const struct mib_object *entry, struct snmp_oid columns[2]);

#endif
