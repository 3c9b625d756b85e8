/* SPDX-License-Identifier: Apache-2.0 */
/* The tables behind wire/names.h; only the names files include this. Rows ascend by number. */
#ifndef BUSBAR_DRIVERS_BACNET_WIRE_NAMES_TABLES_H
#define BUSBAR_DRIVERS_BACNET_WIRE_NAMES_TABLES_H

#include "drivers/bacnet/wire/names.h"

struct bacnet_table {
    const struct bacnet_name *rows;
    size_t count;
};

struct bacnet_problems {
    const struct bacnet_problem *rows;
    size_t count;
};

#define BACNET_TABLE(array)                         \
    {                                               \
        (array), sizeof(array) / sizeof((array)[0]) \
    }

extern const struct bacnet_table bacnet_table_objects, bacnet_table_properties;
extern const struct bacnet_table bacnet_table_units, bacnet_table_error_classes;
extern const struct bacnet_table bacnet_enum_tables[BACNET_LISTS]; /* empty: not an enumeration */
extern const struct bacnet_problems bacnet_problems_codes, bacnet_problems_rejects;
extern const struct bacnet_problems bacnet_problems_aborts, bacnet_problems_reliabilities;
extern const char *const bacnet_object_shorts[BACNET_OBJECT_TYPES_STANDARD];
extern const char *const *const bacnet_unit_symbols; /* in the order of bacnet_table_units */

#endif
