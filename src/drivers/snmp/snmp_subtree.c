/* SPDX-License-Identifier: Apache-2.0 */
/* A look at one subtree: walked whole, then told table by table, row by row; or flat, value by value as it comes.
 *
 *   IF-MIB::ifTable       group     what was asked for: not told itself
 *     ifEntry[2]  eth0    group     its name comes from another table: that column is walked as well
 *       IF-MIB::ifDescr.2
 *
 * Below an OID that is a value itself there is nothing: then it is asked for by GET. */
#include "drivers/snmp/snmp_browse.h"
#include "drivers/snmp/snmp_tell.h"

/* ---- the values ---- */

static void keep(struct snmp_browsing *browsing, const struct snmp_varbind *varbind)
{
    snmp_table_add(&browsing->table, varbind, browsing->root > 0);
}

static void tell_value(struct snmp_browsing *browsing, const struct snmp_varbind *varbind)
{
    snmp_tell_flat(browsing->browse, browsing->table.mib, varbind);
}

/* ---- the columns that name rows ---- */

static void want(struct snmp_browsing *browsing, struct snmp_oid column)
{
    if (snmp_oid_under(column, browsing->at.oid) ||
        browsing->extra_count == SNMP_BROWSE_EXTRA_MAX) {
        return; /* it was walked */
    }
    for (size_t i = 0; i < browsing->extra_count; i++) {
        if (snmp_oid_equal(browsing->extra[i], column)) {
            return;
        }
    }
    browsing->extra[browsing->extra_count++] = column;
}

static void find_names(struct snmp_browsing *browsing)
{
    const struct mib_object *before = NULL;
    for (const struct snmp_row *row = browsing->table.rows; row != NULL; row = row->next) {
        struct snmp_oid columns[2];
        size_t count = row->entry != before ? snmp_table_name_columns(row->entry, columns) : 0;
        for (size_t i = 0; i < count; i++) {
            want(browsing, columns[i]);
        }
        before = row->entry;
    }
}

/* ---- telling ---- */

/* The table of a row object: its parent. */
static struct snmp_oid table_of(const struct mib_object *entry)
{
    struct snmp_oid oid = entry->oid;
    do {
        oid.size--;
    } while (oid.size > 0 && (oid.bytes[oid.size - 1] & 0x80) != 0);
    return oid;
}

static void tell_rows(struct snmp_browsing *browsing)
{
    struct snmp_table *table = &browsing->table;
    const struct snmp_telling to = { browsing->browse, table, &browsing->added };
    const struct mib_object *entry = NULL;
    struct buf parent;
    buf_init(&parent, SNMP_OID_TEXT_MAX + MIB_NAME_MAX);
    for (const struct snmp_row *row = table->rows; row != NULL; row = row->next) {
        if (row->entry != entry) {
            struct snmp_oid oid = table_of(row->entry);
            entry = row->entry;
            buf_clear(&parent);
            /* What was asked for, and what is above it, is the root. */
            if (!snmp_oid_under(browsing->at.oid, oid)) {
                mib_print(table->mib, oid, &parent);
                snmp_tell_branch(browsing->browse, table->mib, oid, "", true);
            }
        }
        snmp_tell_row(&to, row, buf_text(&parent));
    }
    buf_fini(&parent);
}

static void tell_subtree(struct snmp_browsing *browsing)
{
    struct snmp_table *table = &browsing->table;
    const struct snmp_telling to = { browsing->browse, table, &browsing->added };
    snmp_table_name_rows(table);
    for (const struct snmp_cell *cell = table->scalars; cell != NULL; cell = cell->next) {
        snmp_tell_cell(&to, NULL, cell, "");
    }
    tell_rows(browsing);
    browsing->left_out += table->left_out;
}

/* ---- steps ---- */

static bool next_flat(struct snmp_browsing *browsing)
{
    unsigned step = browsing->root++;
    if (step == 0) {
        return snmp_browse_walk(browsing, browsing->at.oid);
    }
    return step == 1 && browsing->values == 0 &&
           snmp_browse_ask(browsing, SNMP_GET, browsing->at.oid);
}

/* The subtree, the one value, the names of rows: `section`; the column of names: `root`. */
static bool next_subtree(struct snmp_browsing *browsing)
{
    if (browsing->section == 0) {
        browsing->section = 1;
        return snmp_browse_walk(browsing, browsing->at.oid);
    }
    if (browsing->section == 1) {
        browsing->section = 2;
        if (browsing->values == 0) {
            return snmp_browse_ask(browsing, SNMP_GET, browsing->at.oid);
        }
    }
    if (browsing->section == 2) {
        browsing->section = 3;
        find_names(browsing);
    }
    if (browsing->root < browsing->extra_count) {
        return snmp_browse_walk(browsing, browsing->extra[browsing->root++]);
    }
    tell_subtree(browsing);
    return false;
}

const struct snmp_look snmp_look_flat = { .next = next_flat, .value = tell_value };

const struct snmp_look snmp_look_subtree = { .next = next_subtree, .value = keep };
