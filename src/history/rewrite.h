/* SPDX-License-Identifier: Apache-2.0 */
/* Writes a new block out of sources: merges each series, cuts it into full chunks. The one way in
 * which blocks are made, from the head and from older blocks alike. Keeper only. */
#ifndef BUSBAR_HISTORY_REWRITE_H
#define BUSBAR_HISTORY_REWRITE_H

#include "base/arena.h"
#include "history/history_private.h"
#include "history/merge.h"

struct history_rewrite {
    struct history *history;
    struct history_block_writer *writer;
    struct history_coder *coder;
    struct history_column *column; /* the chunk being filled */
    struct arena texts;            /* of the column */
    struct buf out;
    struct history_merge merge; /* of the series in turn */
    bool merging;               /* it was initialised */
    bool cold;                  /* every chunk is recoded as small as can be */
    int64_t day_end_us;         /* of the day of the column */
    struct state_block row;
    uint32_t series;
    uint64_t chunks;
};

/* `like`: level, records, done_us, deletes, tiers_us of the new block. On error close must be called all the
 * same. */
int history_rewrite_open(struct history_rewrite *rewrite, struct history *history,
                         const struct state_block *like);
/* Adds a series, higher than the one before: its samples with from <= time < to. No chunk lies across two
 * days. *written: how many there were. */
int history_rewrite_series(struct history_rewrite *rewrite, uint32_t series,
                           struct history_sources *sources, int64_t from_us, int64_t to_us,
                           uint64_t *written);
/* Adds how many different times the sources have in [from, to); whole chunks are not read. */
int history_rewrite_count(struct history_rewrite *rewrite, struct history_sources *sources,
                          int64_t from_us, int64_t to_us, uint64_t *times);
/* error 0: finishes the block; *any false: it would be empty, there is none. Else there is none
 * either, and error is returned. */
int history_rewrite_close(struct history_rewrite *rewrite, int error, struct state_block *row,
                          bool *any);

/* Adds how many samples the merge has to give. */
int history_merge_count(struct history_merge *merge, uint64_t *times);

/* How many times are in both. */
int history_count_common(struct history_sources *a, struct history_sources *b, uint64_t *common);

#endif
