/* SPDX-License-Identifier: Apache-2.0 */
/* Merging blocks: each two hours make a block, a dozen of them are merged into one, so that a query
 * over years opens hundreds of files and not thousands, and what came late finds its place. Only
 * blocks whose records follow one another are merged, because the later record wins. */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "history/history_private.h"
#include "history/rewrite.h"

enum { MERGE_BLOCKS = 12 };

#define MERGE_BYTES_MAX (UINT64_C(256) * 1024 * 1024)

struct merging {
    struct history *history;
    struct history_block **blocks;
    struct history_block_walk *walks;
    const struct history_source **next; /* first entry of each block that is not taken */
    size_t count;
};

static int step(struct merging *merging, size_t i)
{
    int error;
    merging->next[i] = history_block_walk_next(&merging->walks[i], &error);
    return error;
}

static bool lowest_series(const struct merging *merging, uint32_t *series)
{
    bool any = false;
    for (size_t i = 0; i < merging->count; i++) {
        if (merging->next[i] != NULL && (!any || merging->next[i]->series < *series)) {
            *series = merging->next[i]->series;
            any = true;
        }
    }
    return any;
}

/* Takes the chunks of a series out of all walks, oldest block first. */
static int take_series(struct merging *merging, uint32_t series, struct history_sources *sources)
{
    int error = 0;
    for (size_t i = 0; i < merging->count; i++) {
        while (error == 0 && merging->next[i] != NULL && merging->next[i]->series == series) {
            struct history_source *source = history_sources_add(sources);
            if (source == NULL) {
                return BUSBAR_ENOMEM;
            }
            uint32_t order = source->order;
            *source = *merging->next[i]; /* the walk holds the block */
            source->order = order;
            error = step(merging, i);
        }
    }
    return error;
}

static int merge_all(struct merging *merging, struct history_rewrite *rewrite, uint64_t *damaged)
{
    int error = 0;
    uint32_t series = 0;
    int64_t now_us = clock_wall_us();
    for (size_t i = 0; i < merging->count && error == 0; i++) {
        error = step(merging, i);
    }
    while (error == 0 && lowest_series(merging, &series)) {
        struct history_sources sources;
        uint64_t written;
        history_sources_init(&sources);
        error = take_series(merging, series, &sources);
        int64_t drop_us = history_expired_before(merging->history, series, now_us);
        if (error == 0) {
            error = history_rewrite_series(rewrite, series, &sources, drop_us, &written);
        }
        *damaged += sources.damaged;
        history_sources_fini(&sources);
    }
    for (size_t i = 0; i < merging->count; i++) {
        *damaged += merging->walks[i].entries.damaged;
    }
    return error;
}

/* Puts the new block into the place of the old ones. */
static int replace(struct history *history, const struct merging *merging,
                   const struct state_block *row)
{
    struct history_block *block = NULL;
    int error = 0;
    if (row != NULL) {
        error = history_block_open(history->file, history->block_folder, row, &block, NULL);
    }
    uint64_t *ids = busbar_alloc_array(merging->count, sizeof(*ids));
    for (size_t i = 0; i < merging->count; i++) {
        ids[i] = merging->blocks[i]->row.id;
    }
    if (error == 0) {
        struct state_change change = {
            .add = row, .add_count = row != NULL, .remove = ids, .remove_count = merging->count
        };
        error = state_blocks_change(history->state, &change);
    }
    if (error == 0) {
        if (block != NULL) { /* first the new one: seen twice is better than not at all */
            history_blocks_add(&history->blocks, block);
            atomic_fetch_add(&history->keeper.written_bytes, row->bytes);
        }
        for (size_t i = 0; i < merging->count; i++) {
            history_blocks_remove(&history->blocks, ids[i]);
        }
    } else if (block != NULL) {
        atomic_store(&block->unlink, true);
        history_block_release(block);
    }
    busbar_free(ids);
    return error;
}

static int merge_run(struct history *history, struct history_block **blocks, size_t count)
{
    struct merging merging = { .history = history, .blocks = blocks, .count = count };
    merging.walks = busbar_alloc_array(count, sizeof(*merging.walks));
    merging.next = busbar_alloc_array(count, sizeof(*merging.next));
    uint32_t level = 0;
    for (size_t i = 0; i < count; i++) {
        history_block_walk_init(&merging.walks[i], blocks[i]);
        level = blocks[i]->row.level > level ? blocks[i]->row.level : level;
    }
    struct history_rewrite rewrite;
    int error = history_rewrite_open(&rewrite, history, blocks[0]->row.sequence_first,
                                     blocks[count - 1]->row.sequence_last, level + 1);
    uint64_t damaged = 0;
    error = error == 0 ? merge_all(&merging, &rewrite, &damaged) : error;
    if (error == 0 && damaged > 0) {
        error = BUSBAR_EDAMAGED; /* the damaged file is kept: a person may still save something */
    }
    struct state_block row;
    bool any;
    error = history_rewrite_close(&rewrite, error, &row, &any);
    if (error == 0) {
        error = replace(history, &merging, any ? &row : NULL);
    }
    for (size_t i = 0; i < count; i++) {
        history_block_walk_fini(&merging.walks[i]);
    }
    busbar_free(merging.walks);
    busbar_free(merging.next);
    return error;
}

/* A block without what is over in it. */
int history_rewrite_block(struct history *history, struct history_block *block)
{
    int error = merge_run(history, &block, 1);
    block->damaged = error == BUSBAR_EDAMAGED;
    return error;
}

/* A run of blocks of level 0, oldest first: enough of them, or enough bytes. */
static size_t find_run(struct history_block **blocks, size_t count, size_t *first)
{
    size_t run = 0;
    uint64_t bytes = 0;
    for (size_t i = 0; i < count; i++) {
        if (blocks[i]->row.level != 0 || blocks[i]->damaged) {
            run = 0;
            bytes = 0;
            continue;
        }
        *first = run == 0 ? i : *first;
        run++;
        bytes += blocks[i]->row.bytes;
        if (run == MERGE_BLOCKS || (run > 1 && bytes > MERGE_BYTES_MAX)) {
            return run;
        }
    }
    return 0;
}

int history_merge_blocks(struct history *history, bool *worked)
{
    size_t count;
    size_t first = 0;
    struct history_block **blocks = history_blocks_hold(&history->blocks, &count);
    if (blocks == NULL) {
        return BUSBAR_ENOMEM;
    }
    size_t run = find_run(blocks, count, &first);
    int error = 0;
    if (run > 0) {
        error = merge_run(history, blocks + first, run);
        *worked = error == 0;
        for (size_t i = first; i < first + run && error == BUSBAR_EDAMAGED; i++) {
            blocks[i]->damaged = true; /* until the next start: not tried again and again */
        }
    }
    for (size_t i = 0; i < count; i++) {
        history_block_release(blocks[i]);
    }
    busbar_free(blocks);
    return error;
}
