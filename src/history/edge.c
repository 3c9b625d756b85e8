/* SPDX-License-Identifier: Apache-2.0 */
/* Where the samples that are here begin. */
#include "base/alloc.h"
#include "base/clock.h"
#include "history/block.h"
#include "history/history_private.h"

int64_t history_next_us(struct history *history, int64_t from_us)
{
    size_t count;
    int64_t next_us = INT64_MAX;
    struct history_block **blocks = history_blocks_hold(&history->blocks, &count);
    for (size_t i = 0; i < count && blocks != NULL; i++) {
        const struct state_block *row = &blocks[i]->row;
        int64_t first_us = row->from_us > from_us ? row->from_us : from_us;
        if (row->level != HISTORY_LEVEL_TIERS && row->to_us >= from_us && first_us < next_us) {
            next_us = first_us;
        }
        history_block_release(blocks[i]);
    }
    int64_t found_us = blocks != NULL ? next_us : from_us;
    busbar_free(blocks);
    return found_us;
}

int64_t history_begins_us(struct history *history)
{
    size_t count;
    int64_t oldest_us = INT64_MAX;
    struct history_block **blocks = history_blocks_hold(&history->blocks, &count);
    for (size_t i = 0; i < count && blocks != NULL; i++) {
        const struct state_block *row = &blocks[i]->row;
        oldest_us = row->from_us < oldest_us ? row->from_us : oldest_us;
        history_block_release(blocks[i]);
    }
    oldest_us = blocks != NULL ? oldest_us : INT64_MIN;
    busbar_free(blocks);
    return oldest_us;
}

int64_t history_here_since(struct history *history, uint32_t series)
{
    int64_t now_us = clock_wall_us();
    int64_t kept_us = history_expired_before(history, series, now_us);
    int64_t oldest_us = history_next_us(history, INT64_MIN);
    oldest_us = oldest_us < now_us ? oldest_us : now_us;
    return kept_us > oldest_us ? kept_us : oldest_us;
}
