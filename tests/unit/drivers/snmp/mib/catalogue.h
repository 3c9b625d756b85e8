/* SPDX-License-Identifier: Apache-2.0 */
/* A small catalogue, made without the parser: a tree with a scalar, a table of two indexes and a notification. */
#ifndef BUSBAR_TESTS_UNIT_SNMP_CATALOGUE_H
#define BUSBAR_TESTS_UNIT_SNMP_CATALOGUE_H

#include <assert.h>

#include "base/crc.h"
#include "drivers/snmp/mib/draft.h"
#include "drivers/snmp/mib/format.h"

struct catalogue_row {
    const char *oid, *name;
    uint8_t kind, syntax;
    const char *hint;
    uint32_t module;
};

static const struct catalogue_row catalogue_rows[] = {
    { "1.3.6.1.4.1.5", "acme", MIB_NODE, MIB_NONE, "", 0 },
    { "1.3.6.1.4.1.5.1", "acmeMode", MIB_SCALAR, MIB_INTEGER, "", 0 },
    { "1.3.6.1.4.1.5.2", "acmeTable", MIB_TABLE, MIB_NONE, "", 0 },
    { "1.3.6.1.4.1.5.2.1", "acmeEntry", MIB_ROW, MIB_NONE, "", 0 },
    { "1.3.6.1.4.1.5.2.1.1", "acmeSlot", MIB_COLUMN, MIB_INTEGER, "d", 0 },
    { "1.3.6.1.4.1.5.2.1.2", "acmeName", MIB_COLUMN, MIB_OCTETS, "255a", 0 },
    { "1.3.6.1.4.1.5.2.1.300", "acmeValue", MIB_COLUMN, MIB_COUNTER64, "", 0 },
    { "1.3.6.1.4.1.5.0.1", "acmeFailed", MIB_NOTIFICATION, MIB_NONE, "", 0 },
    { "1.3.6.1.4.1.5.200", "acmeMode", MIB_SCALAR, MIB_UNSIGNED, "", 1 },
    { "1.3.6.1.4.1.5.1", "otherMode", MIB_SCALAR, MIB_INTEGER, "", 1 },
};
enum { CATALOGUE_ROWS = sizeof(catalogue_rows) / sizeof(catalogue_rows[0]) };

static inline void catalogue_make(struct buf *out)
{
    static const struct mib_enum modes[] = { { 1, "off" }, { 2, "on" }, { -3, "broken" } };
    static const struct mib_range range = { -3, 2 };
    struct mib_draft *draft = mib_draft_new();
    uint32_t numbers[CATALOGUE_ROWS];
    (void)mib_draft_module(draft, "ACME-MIB", "mibs/acme.mib");
    (void)mib_draft_module(draft, "OTHER-MIB", "");
    (void)mib_draft_module(draft, "OLD-MIB", "");
    for (size_t i = 0; i < CATALOGUE_ROWS; i++) {
        const struct catalogue_row *row = &catalogue_rows[i];
        struct snmp_oid_buf oid;
        int error = snmp_oid_parse(row->oid, &oid, NULL);
        assert(error == 0);
        (void)error;
        struct mib_object object = { .name = row->name,
                                     .oid = oid.oid,
                                     .kind = row->kind,
                                     .syntax = row->syntax,
                                     .hint = row->hint,
                                     .convention = "",
                                     .units = i == 1 ? "V" : "",
                                     .description = "what it is",
                                     .access = MIB_READ_WRITE,
                                     .implied = row->kind == MIB_ROW };
        if (i == 1) {
            object.enums = modes;
            object.enum_count = 3;
            object.ranges = &range;
            object.range_count = 1;
        }
        numbers[i] = mib_draft_object(draft, row->module, &object);
    }
    mib_draft_links(draft, numbers[3], (const uint32_t[]){ numbers[4], numbers[5] }, 2);
    mib_draft_links(draft, numbers[7], (const uint32_t[]){ numbers[6] }, 1);
    mib_draft_alias(draft, numbers[0], 2);
    int error = mib_draft_finish(draft, 77, out);
    assert(error == 0);
    (void)error;
    mib_draft_free(draft);
}

/* Makes a changed catalogue pass the first check. */
static inline void catalogue_seal(uint8_t *data, size_t size)
{
    if (size >= MIB_HEADER) {
        uint32_t crc = crc32c(0, data + 12, size - 12);
        for (int i = 0; i < 4; i++) {
            data[8 + i] = (uint8_t)(crc >> (8 * i));
        }
    }
}

#endif
