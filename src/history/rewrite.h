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
    struct state_block row;
    uint32_t series;
    uint64_t chunks;
};

/* On error close must be called all the same. */
int history_rewrite_open(struct history_rewrite *rewrite, struct history *history,
                         uint64_t sequence_first, uint64_t sequence_last, uint32_t level);
/* Adds a series, higher than the one before. Samples before drop_before_us are left out. *written: how
 * many were not. */
int history_rewrite_series(struct history_rewrite *rewrite, uint32_t series,
                           struct history_sources *sources, int64_t drop_before_us,
                           uint64_t *written);
/* error 0: finishes the block; *any false: it would be empty, there is none. Else there is none
 * either, and error is returned. */
int history_rewrite_close(struct history_rewrite *rewrite, int error, struct state_block *row,
                          bool *any);

/* How many times are in both. */
int history_count_common(struct history_sources *a, struct history_sources *b, uint64_t *common);

#endif
