/* SPDX-License-Identifier: Apache-2.0 */
/* A view: what one reader sees of the head and of the blocks, which it holds. The one way in which reads find
 * their sources, so that retention and deletes hold for all of them.
 *
 * The head is looked at before the blocks, so that what moves from one to the other meanwhile is seen in
 * at least one of them; seen in both it is the same sample twice, which merging knows. */
#ifndef BUSBAR_HISTORY_VIEW_H
#define BUSBAR_HISTORY_VIEW_H

#include "history/history_private.h"

struct history_view {
    struct history *history;
    struct history_block **blocks;
    struct history_place *places; /* of the blocks */
    size_t block_count;
    uint64_t changes;              /* of the set when they were held */
    struct history_coder *coder;   /* not owned */
    struct history_column *column; /* not owned */
};

/* Coder and column are working memory of the caller. Holds nothing yet. */
void history_view_init(struct history_view *view, struct history *history,
                       struct history_coder *coder, struct history_column *column);
void history_view_fini(struct history_view *view);

/* Holds the blocks there are. Blocks that came after the head was looked at are not needed, those that came
 * before are: so the head is looked at first. BUSBAR_ENOMEM. */
int history_view_hold(struct history_view *view);

/* Fills sources, which borrow the view's blocks: use them before the next collect. *from_us grows to
 * where the retention of the series begins. BUSBAR_ENOMEM. */
int history_view_collect(struct history_view *view, uint32_t series, int64_t *from_us,
                         int64_t to_us, struct history_sources *sources);

#endif
