/* SPDX-License-Identifier: Apache-2.0 */
/* The stage: samples as they came, before they are in their series. What comes is time after time, some value of
 * each of many series; series want columns. Written one by one, each sample costs a walk to
 * another place in memory; so those of neighbouring series are gathered in a group, up to
 * HISTORY_STAGE_ROWS of each, and put into their series together, a column at once (settled).
 *
 *   group   64 series, ids 64 x n ... 64 x n + 63; a column each, filled from row 0 on
 *   times   one a row: that of the first cell that came to it
 *   values  rows x 64, a row after the other
 *   rests   rows x 64: time of the cell less that of its row; none while all are 0
 *
 * In the stage there are only usual samples (usual.h) that are newer than all their series has, so they can be
 * counted as stored when they come. Which rows a poll or a request fills does not matter: columns
 * of a group may be of different lengths.
 *
 * Part of the head: its lock is held, and whoever changes a series settles it first. */
#ifndef BUSBAR_HISTORY_STAGE_H
#define BUSBAR_HISTORY_STAGE_H

#include "history/usual.h"

enum {
    HISTORY_GROUP_SERIES = 64,
    HISTORY_STAGE_ROWS = 128, /* gathered at most */
    HISTORY_STAGE_SEAL = 8,   /* so many rows become a chunk at once */
};
/* Memory of all groups: so much, and so much more a series; then columns are settled earlier. */
#define HISTORY_STAGE_BYTES        (16u << 20)
#define HISTORY_STAGE_SERIES_BYTES 96u

struct history_head;
struct history_entry;

struct history_group {
    uint32_t first;          /* id of column 0 */
    int64_t newest_us;       /* no cell is newer */
    uint16_t capacity, used; /* rows */
    uint8_t rows[HISTORY_GROUP_SERIES];
    uint8_t types[HISTORY_GROUP_SERIES];
    int64_t *times;
    union value *values;
    int32_t *rests; /* or NULL */
};

/* Takes the samples at..at + count - 1 of usual, whose series are first, first + 1 ... What is late or does not fit
 * goes into its series the slow way. */
void history_stage_add(struct history_head *head, const struct history_usual *usual, size_t at,
                       uint32_t first, uint32_t count);
/* How many samples of a series there are in the stage; into entries (may be NULL) oldest first. */
size_t history_stage_copy(const struct history_head *head, uint32_t series,
                          struct history_entry *entries);
/* The newest of them. False: there is none. */
bool history_stage_last(const struct history_head *head, uint32_t series, struct sample *sample);

void history_stage_settle(struct history_head *head, uint32_t series);
void history_stage_settle_all(struct history_head *head);
/* Without the lock: settles what there is, a group at a time, so that settling all soon after is short. */
void history_stage_ease(struct history_head *head);
void history_stage_free(struct history_group *group); /* NULL is fine */

#endif
