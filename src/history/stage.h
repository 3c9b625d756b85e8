/* SPDX-License-Identifier: Apache-2.0 */
/* The stage: polls as they came, before they are in their series. A poll is a row, many series at one time; series
 * want columns. Written one by one, each sample of a poll costs a walk to another place in memory; so rows
 * of the same series are gathered here, up to HISTORY_STAGE_ROWS of them, and put into their series
 * together, a column at once (settled). Rows have nothing but usual samples (good, received at
 * their own time, a number) that are newer than all their series have, so they can be counted as
 * stored when they come.
 *
 *   run     series ids first .. first + count - 1, one type
 *   times   one a row
 *   values  rows x count, a row after the other
 *
 * Part of the head: its lock is held, and whoever looks at a series settles it first. */
#ifndef BUSBAR_HISTORY_STAGE_H
#define BUSBAR_HISTORY_STAGE_H

#include "base/map.h"
#include "model/sample.h"

enum {
    HISTORY_STAGE_ROWS = 128, /* gathered at most */
    HISTORY_STAGE_RUN = 16,   /* a shorter row is not worth it */
    HISTORY_STAGE_SEAL = 32,  /* so many rows become a chunk at once */
};
#define HISTORY_STAGE_BYTES (32u << 20) /* of all runs; then rows are settled earlier */

struct history_head;

struct history_stage_run {
    struct history_stage_run *next;
    uint32_t first, count;
    uint16_t rows, capacity;
    uint8_t type;
    int64_t times[HISTORY_STAGE_ROWS];
    union value *values; /* capacity x count */
};

/* All-zero memory is an empty stage. */
struct history_stage {
    struct history_stage_run *runs;
    struct map64 by_first;
    uint64_t bytes;
};

/* Usual samples of neighbouring series at one time. */
struct history_row {
    uint32_t first, count; /* series ids; HISTORY_STAGE_RUN at least */
    uint8_t type;          /* BOOL, INT, DOUBLE */
    int64_t time_us;
    const union value *values;
};

/* How many samples from the first on make one row; 0: it is none. */
size_t history_stage_row(const struct sample *samples, size_t count);
/* Takes a row. False: it must go the slow way (a series has newer samples). */
bool history_stage_add(struct history_head *head, const struct history_row *row);
void history_stage_settle(struct history_head *head, uint32_t series);
void history_stage_settle_all(struct history_head *head);
/* Without the lock: settles what there is, a run at a time, so that settling all soon after is short. */
void history_stage_ease(struct history_head *head);
void history_stage_fini(struct history_stage *stage);

#endif
