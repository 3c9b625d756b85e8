/* SPDX-License-Identifier: Apache-2.0 */
/* The rows behind status.h; private to it and its test. */
#ifndef BUSBAR_DRIVERS_OPCUA_TEXT_STATUS_TABLE_H
#define BUSBAR_DRIVERS_OPCUA_TEXT_STATUS_TABLE_H

#include <stddef.h>
#include <stdint.h>

struct opcua_status_row {
    uint16_t code;   /* upper half of the status */
    uint8_t quality; /* enum quality */
    int8_t error;    /* base/err.h */
    const char *name, *words;
    const char *said; /* both: "BadNodeIdUnknown: the server has no such node ..." */
};

/* Ascending by code. */
extern const struct opcua_status_row opcua_status_rows[];
extern const size_t opcua_status_row_count;

#endif
