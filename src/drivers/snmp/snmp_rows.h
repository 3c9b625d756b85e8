/* SPDX-License-Identifier: Apache-2.0 */
/* Rows by name: where the row called "eth0" is now. Loop thread only.
 *
 * The column of names is walked when its first point is to be read, and text -> index is kept. From then on each
 * question that holds a value of the row asks for the cell of its name as well: both come in one answer, so that a value
 * is taken only while the row still has its name. That is 20 bytes a row and needs nothing of the device; ifTableLastChange
 * and the like exist for few tables, change for other reasons, and are read at another moment than the values.
 *
 * When the name is another one, the column is walked again, the plan is made anew with the new index and the points are
 * read at once. A row that is not there is looked for again, not more often than every SNMP_ROWS_AGAIN_S. */
#ifndef BUSBAR_DRIVERS_SNMP_SNMP_ROWS_H
#define BUSBAR_DRIVERS_SNMP_SNMP_ROWS_H

#include "drivers/snmp/ber/oid.h"
#include "drivers/snmp/snmp_client.h"

struct snmp_device;
struct snmp_rows;

enum {
    SNMP_ROWS_MAX = 100000,        /* rows of one column that are looked at */
    SNMP_ROWS_AGAIN_S = 60,        /* a row that was not there is looked for again */
    SNMP_ROWS_PAUSE_S = 5,         /* between walks because rows have moved */
    SNMP_ROWS_WALK_S = 60,         /* one column may take so long */
    SNMP_ROWS_INDEX_MAX = 128 * 5, /* octets of an index */
};

/* NULL: no point of the device has a row by name. */
struct snmp_rows *snmp_rows_new(struct snmp_device *device);
void snmp_rows_free(struct snmp_rows *rows); /* NULL is fine */

/* A poll begins: walks what is not known, and in the background what is to be looked for again. True: names were never read,
 * wait for snmp_rows_ready(). */
bool snmp_rows_wake(struct snmp_rows *rows);
/* Before snmp_agent_free(). What is known stays known, and is checked with the first values. */
void snmp_rows_stop(struct snmp_rows *rows);

/* Where a point is now. */
struct snmp_row_place {
    struct snmp_oid oid;  /* of the value; borrowed until a row moves */
    struct snmp_oid name; /* of the cell of its name; size 0: its row has a fixed index */
    uint32_t row;         /* number of the row name; UINT32_MAX: none */
};
/* 0, or the detail (snmp_detail.h) why there is no such row. */
uint16_t snmp_rows_place(const struct snmp_rows *rows, uint32_t point, struct snmp_row_place *out);
/* Whether this is still the name of the row; if not, the column is walked again soon. */
bool snmp_rows_check(struct snmp_rows *rows, uint32_t row, const struct snmp_value *name);
/* The row has no cell of a name any more: the same. */
void snmp_rows_gone(struct snmp_rows *rows, uint32_t row);
/* Whether it has another name since it was looked for. */
bool snmp_rows_lost(const struct snmp_rows *rows, uint32_t row);

/* ---- told by it; snmp_read.c ---- */
/* No walk is under way any more. answer: why one failed with silence; NULL: none did. moved: plans made before are wrong. */
void snmp_rows_ready(struct snmp_device *device, const struct snmp_answer *answer, bool moved);

#endif
