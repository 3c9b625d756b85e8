/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/opcua/text/status.h"

#include <stddef.h>

#include "base/err.h"
#include "drivers/opcua/text/status_table.h"
#include "model/quality.h"

enum { FIRST_FINDING = 0xf000 };

static const struct opcua_status_row *find(uint32_t status)
{
    uint16_t code = opcua_status_detail(status);
    size_t low = 0;
    size_t high = opcua_status_row_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (opcua_status_rows[middle].code < code) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < opcua_status_row_count && opcua_status_rows[low].code == code
               ? &opcua_status_rows[low]
               : NULL;
}

const char *opcua_status_name(uint32_t status)
{
    const struct opcua_status_row *row = find(status);
    return row != NULL && row->code < FIRST_FINDING ? row->name : NULL;
}

const char *opcua_status_words(uint32_t status)
{
    const struct opcua_status_row *row = find(status);
    return row != NULL ? row->words : NULL;
}

const char *opcua_status_explain(uint32_t status)
{
    const struct opcua_status_row *row = find(status);
    return row != NULL ? row->said : NULL;
}

uint8_t opcua_status_quality(uint32_t status)
{
    if (opcua_status_detail(status) == 0) {
        return QUALITY_GOOD; /* nearly always */
    }
    const struct opcua_status_row *row = find(status);
    if (row != NULL) {
        return row->quality;
    }
    if (opcua_status_bad(status)) {
        return QUALITY_FAULT;
    }
    return status < UINT32_C(0x40000000) ? QUALITY_GOOD : QUALITY_UNCERTAIN;
}

int opcua_status_error(uint32_t status)
{
    const struct opcua_status_row *row = find(status);
    if (row != NULL) {
        return row->error;
    }
    return opcua_status_bad(status) ? BUSBAR_EREFUSED : 0;
}
