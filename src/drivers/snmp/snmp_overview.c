/* SPDX-License-Identifier: Apache-2.0 */
/* The first look at an agent: what people ask of such devices, section by section; a section whose first column has
 * nothing is left out. Then which other subtrees there are, found by GETNEXT that jumps over each: a routing table of
 * a million rows costs one question. */
#include "drivers/snmp/snmp_browse.h"
#include "drivers/snmp/snmp_known.h"
#include "drivers/snmp/snmp_tell.h"

enum { ROOTS_MAX = 24, ENTERPRISE_PARTS = 9, UNKNOWN_PARTS = 8 };

/* In the order in which they are told. */
static const struct section {
    const char *id, *name;
    struct snmp_known
        roots[ROOTS_MAX]; /* the first one must be there, and says which rows there are */
} sections[] = {
    { "system",
      "System",
      { SNMP_KNOWN(SNMP_MIB2, 1, 1), SNMP_KNOWN(SNMP_MIB2, 1, 2), SNMP_KNOWN(SNMP_MIB2, 1, 3),
        SNMP_KNOWN(SNMP_MIB2, 1, 4), SNMP_KNOWN(SNMP_MIB2, 1, 5), SNMP_KNOWN(SNMP_MIB2, 1, 6) } },
    { "interfaces",
      "Interfaces",
      { SNMP_KNOWN(SNMP_IF, 2), SNMP_KNOWN(SNMP_IFX, 1), SNMP_KNOWN(SNMP_IFX, 18),
        SNMP_KNOWN(SNMP_IF, 3), SNMP_KNOWN(SNMP_IF, 5), SNMP_KNOWN(SNMP_IFX, 15),
        SNMP_KNOWN(SNMP_IF, 6), SNMP_KNOWN(SNMP_IF, 7), SNMP_KNOWN(SNMP_IF, 8),
        SNMP_KNOWN(SNMP_IFX, 6), SNMP_KNOWN(SNMP_IFX, 10), SNMP_KNOWN(SNMP_IF, 10),
        SNMP_KNOWN(SNMP_IF, 16), SNMP_KNOWN(SNMP_IF, 13), SNMP_KNOWN(SNMP_IF, 14),
        SNMP_KNOWN(SNMP_IF, 19), SNMP_KNOWN(SNMP_IF, 20) } },
    { "sensors",
      "Sensors",
      { SNMP_KNOWN(SNMP_SENSOR, 4), SNMP_KNOWN(SNMP_SENSOR, 1), SNMP_KNOWN(SNMP_SENSOR, 2),
        SNMP_KNOWN(SNMP_SENSOR, 3), SNMP_KNOWN(SNMP_SENSOR, 5), SNMP_KNOWN(SNMP_SENSOR, 6),
        SNMP_KNOWN(SNMP_ENTITY, 7), SNMP_KNOWN(SNMP_ENTITY, 2) } },
    { "storage",
      "Storage and memory",
      { SNMP_KNOWN(SNMP_STORAGE, 3), SNMP_KNOWN(SNMP_STORAGE, 2), SNMP_KNOWN(SNMP_STORAGE, 4),
        SNMP_KNOWN(SNMP_STORAGE, 5), SNMP_KNOWN(SNMP_STORAGE, 6) } },
    { "processors",
      "Processors",
      { SNMP_KNOWN(SNMP_MIB2, 25, 3, 3, 1, 2), SNMP_KNOWN(SNMP_HRDEVICE, 3) } },
    { "load", "Load", { SNMP_KNOWN(SNMP_UCD, 10, 1, 5), SNMP_KNOWN(SNMP_UCD, 10, 1, 2) } },
    { "memory", "Memory", { SNMP_KNOWN(SNMP_UCD, 4) } },
    { "ups-battery", "UPS: battery", { SNMP_KNOWN(SNMP_UPS, 2), SNMP_KNOWN(SNMP_UPS, 1) } },
    { "ups-input", "UPS: input", { SNMP_KNOWN(SNMP_UPS, 3, 3, 1) } },
    { "ups-output", "UPS: output", { SNMP_KNOWN(SNMP_UPS, 4) } },
    { "ups-alarms", "UPS: alarms", { SNMP_KNOWN(SNMP_UPS, 6) } },
    { "printer-supplies", "Printer: supplies", { SNMP_KNOWN(SNMP_SUPPLIES) } },
    { "printer-pages", "Printer: pages", { SNMP_KNOWN(SNMP_MIB2, 43, 10, 2, 1) } },
    { "printer-status",
      "Printer: status",
      { SNMP_KNOWN(SNMP_MIB2, 25, 3, 5, 1), SNMP_KNOWN(SNMP_HRDEVICE, 3) } },
    { "pdu", "PDU", { SNMP_KNOWN(SNMP_PDU, 4, 3, 1) } },
    { "pdu-phases", "PDU: phases", { SNMP_KNOWN(SNMP_PDU, 6, 3, 1) } },
    { "pdu-outlets", "PDU: outlets", { SNMP_KNOWN(SNMP_PDU, 9, 2, 3, 1) } },
};
enum { SECTIONS = sizeof(sections) / sizeof(sections[0]) };

/* What they show whole. */
static const struct snmp_known shown[] = {
    SNMP_KNOWN(SNMP_MIB2, 1),  SNMP_KNOWN(SNMP_MIB2, 2), SNMP_KNOWN(SNMP_MIB2, 31),
    SNMP_KNOWN(SNMP_MIB2, 99), SNMP_KNOWN(SNMP_STORAGE), SNMP_KNOWN(SNMP_UPS, 2),
    SNMP_KNOWN(SNMP_UPS, 1),   SNMP_KNOWN(SNMP_UPS, 4),  SNMP_KNOWN(SNMP_UPS, 6),
    SNMP_KNOWN(SNMP_UCD, 4),   SNMP_KNOWN(SNMP_UCD, 10),
};

/* ---- sections ---- */

static void tell_section(struct snmp_browsing *browsing, const struct section *section)
{
    struct snmp_table *table = &browsing->table;
    const struct snmp_telling to = { browsing->browse, table, &browsing->added };
    if (table->count > 0) {
        struct driver_node node = {
            .id = section->id, .parent = "", .kind = "group", .name = section->name
        };
        snmp_table_name_rows(table);
        driver_node(browsing->browse, &node);
        for (const struct snmp_cell *cell = table->scalars; cell != NULL; cell = cell->next) {
            snmp_tell_cell(&to, NULL, cell, section->id);
        }
        for (const struct snmp_row *row = table->rows; row != NULL; row = row->next) {
            snmp_tell_row(&to, row, section->id);
        }
    }
    browsing->left_out += table->left_out;
    const struct mib *mib = table->mib;
    snmp_table_fini(table);
    snmp_table_init(table, mib, SNMP_BROWSE_BYTES_MAX);
    driver_browse_progress(browsing->browse, browsing->section, SECTIONS + 1);
}

static bool next_root(struct snmp_browsing *browsing)
{
    while (browsing->section < SECTIONS) {
        const struct section *section = &sections[browsing->section];
        bool empty = browsing->root > 0 && browsing->table.count == 0;
        if (!empty && browsing->root < ROOTS_MAX && section->roots[browsing->root].size > 0) {
            return snmp_browse_walk(browsing, snmp_known_oid(&section->roots[browsing->root++]));
        }
        browsing->section++;
        browsing->root = 0;
        tell_section(browsing, section);
    }
    return false;
}

static void take_of_section(struct snmp_browsing *browsing, const struct snmp_varbind *varbind)
{
    snmp_table_add(&browsing->table, varbind, browsing->root > 1);
}

/* ---- what else there is ---- */

/* The first parts of an OID, as many as `count`. */
static void cut_to(struct snmp_oid_buf *to, struct snmp_oid from, size_t count)
{
    uint32_t parts[SNMP_OID_PARTS_MAX];
    size_t all = snmp_oid_parts(from, parts, SNMP_OID_PARTS_MAX);
    if (snmp_oid_of(parts, count < all ? count : all, to) != 0) {
        snmp_oid_take(to, from);
    }
}

/* The table that a value stands in, the group of a scalar, or so much of an unknown OID as says whose it is. */
static void container_of(const struct mib *mib, struct snmp_oid oid, struct snmp_oid_buf *out)
{
    static const struct snmp_known enterprises = SNMP_KNOWN(0x2b, 6, 1, 4, 1);
    const struct mib_object *object = mib_under(mib, oid);
    size_t known = object != NULL ? snmp_oid_count(object->oid) : 0;
    if (object != NULL && object->kind == MIB_COLUMN) {
        cut_to(out, oid, known - 2);
    } else if (object != NULL && (object->kind == MIB_SCALAR || object->kind == MIB_ROW)) {
        cut_to(out, oid, known - 1);
    } else if (object != NULL && object->kind == MIB_TABLE) {
        cut_to(out, oid, known);
    } else {
        size_t least = snmp_oid_under(oid, snmp_known_oid(&enterprises)) ? ENTERPRISE_PARTS
                                                                         : UNKNOWN_PARTS;
        cut_to(out, oid, known + 1 > least ? known + 1 : least);
    }
    if (snmp_oid_equal(out->oid, oid)) {
        cut_to(out, oid, snmp_oid_count(oid) - 1);
    }
}

static bool is_shown(struct snmp_oid oid)
{
    for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
        if (snmp_oid_under(oid, snmp_known_oid(&shown[i]))) {
            return true;
        }
    }
    return false;
}

/* Goes on behind all that is below it. */
static void jump(struct snmp_browsing *browsing, struct snmp_oid container)
{
    snmp_oid_take(&browsing->at, container);
    (void)snmp_oid_append(&browsing->at, UINT32_MAX);
}

static void take_other(struct snmp_browsing *browsing, const struct snmp_varbind *varbind)
{
    struct snmp_oid_buf container;
    browsing->asked_one = false;
    if (varbind->value.tag >= BER_NO_SUCH_OBJECT ||
        snmp_oid_order(varbind->oid, browsing->at.oid) <= 0) {
        return; /* the end, or an agent that goes in circles */
    }
    container_of(browsing->table.mib, varbind->oid, &container);
    browsing->asked_one = true; /* there may be more */
    if (!is_shown(container.oid)) {
        if (browsing->more++ == 0) {
            struct driver_node node = {
                .id = "more", .parent = "", .kind = "group", .name = "What else it has"
            };
            driver_node(browsing->browse, &node);
        }
        snmp_tell_branch(browsing->browse, browsing->table.mib, container.oid, "more", true);
    }
    jump(browsing, container.oid);
}

static bool next_other(struct snmp_browsing *browsing)
{
    static const struct snmp_known internet = SNMP_KNOWN(0x2b, 6, 1);
    if (browsing->section == SECTIONS) {
        browsing->section++;
        snmp_oid_take(&browsing->at, snmp_known_oid(&internet));
        browsing->asked_one = true;
    }
    if (!browsing->asked_one || browsing->more >= SNMP_BROWSE_MORE_MAX) {
        return false;
    }
    browsing->asked_one = false; /* until something came */
    return snmp_browse_ask(browsing, SNMP_GETNEXT, browsing->at.oid);
}

/* ---- the look ---- */

static bool next(struct snmp_browsing *browsing)
{
    return (browsing->section < SECTIONS && next_root(browsing)) || next_other(browsing);
}

static void value(struct snmp_browsing *browsing, const struct snmp_varbind *varbind)
{
    if (browsing->section < SECTIONS) {
        take_of_section(browsing, varbind);
    } else {
        take_other(browsing, varbind);
    }
}

const struct snmp_look snmp_look_overview = { .next = next, .value = value };
