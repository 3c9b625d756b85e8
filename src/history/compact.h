/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks out of blocks: the one way in which old files become new ones. The work lock is held
 * (keeper.h is the inside of history_private.h). */
#ifndef BUSBAR_HISTORY_COMPACT_H
#define BUSBAR_HISTORY_COMPACT_H

#include "history/history_private.h"

/* One merge: in, out, and what came of it. */
struct history_compaction {
    struct history_block **blocks; /* oldest records first; held by the caller */
    size_t count;
    int64_t from_us, to_us;  /* only times with from <= time < to; INT64_MIN, INT64_MAX: all */
    struct state_block like; /* level, done_us, tiers_us of the new block */
    bool cold;               /* every chunk is recoded */

    struct state_block row; /* of the new block */
    bool any;               /* there is one: else nothing was left */
    uint64_t expired;       /* samples of the range that retention kept out of it */
    bool pierced;           /* deletes kept something out of it */
    int64_t *next_us;       /* of each input: first time behind the range; INT64_MAX: none */
    uint64_t *left;         /* of each input: samples behind the range */
};

/* Writes the new block. On error there is none; BUSBAR_EDAMAGED: the damaged inputs are marked as such.
 * history_compaction_fini() is needed either way. */
int history_compact(struct history *history, struct history_compaction *compaction);
void history_compaction_fini(struct history_compaction *compaction);

/* One transaction of the catalog, then the same in memory. New files (those whose id is not among the
 * removed) are gone when it fails. */
int history_change(struct history *history, const struct state_change *change);

/* Writes one block anew: without what is over or deleted. */
int history_rewrite_block(struct history *history, struct history_block *block, bool cold);

/* All blocks; release_all gives them back. */
void history_release_all(struct history_block **blocks, size_t count);

#endif
