/* SPDX-License-Identifier: Apache-2.0 */
/* Retention: blocks go when all in them is older than its series keeps; a block of which half is over is
 * written anew without it. When the series of a policy, or all blocks together, are too many bytes, the
 * oldest days go first, tiers last. When the disk runs full, what is older than a day goes, oldest first.
 * Reads never show what is over, whether it is still on the disk or not. */
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "history/compact.h"
#include "history/days.h"
#include "history/tiers.h"

#define LOOK_US (INT64_C(3600) * 1000000) /* between two looks into the same block */

/* Bytes of chunks that are over, and of all. */
static void look_into(struct history *history, struct history_block *block, int64_t now_us,
                      uint64_t *over, uint64_t *all)
{
    struct history_block_walk walk;
    const struct history_source *entry;
    int error;
    *over = 0;
    *all = 0;
    history_block_walk_init(&walk, block);
    while ((entry = history_block_walk_next(&walk, &error)) != NULL) {
        *all += entry->size;
        if (entry->last_us < history_expired_before(history, entry->series, now_us)) {
            *over += entry->size;
        }
    }
    history_block_walk_fini(&walk);
}

static int remove_block(struct history *history, struct history_block *block, const char *why)
{
    uint64_t id = block->row.id;
    bool tiers = block->row.level == HISTORY_LEVEL_TIERS;
    struct state_change change = { .remove = &id,
                                   .remove_count = 1,
                                   .expired = tiers ? 0 : block->row.samples };
    uint64_t bytes = block->row.bytes;
    uint64_t samples = block->row.samples;
    int error = history_change(history, &change);
    if (error == 0) {
        busbar_log(LOG_LEVEL_INFO, "history", NULL, "removed a block of %llu samples: %s",
                   (unsigned long long)samples, why);
        atomic_fetch_add(&history->keeper.removed_blocks, 1);
        atomic_fetch_add(&history->keeper.removed_bytes, bytes);
    }
    return error;
}

static int by_age(struct history *history, struct history_block **blocks, size_t count,
                  bool *worked)
{
    int64_t shortest_us;
    int64_t longest_us;
    int64_t now_us = clock_wall_us();
    history_keep_bounds(history, &shortest_us, &longest_us);
    for (size_t i = 0; i < count; i++) {
        struct history_block *block = blocks[i];
        int64_t age_us = now_us - block->row.to_us;
        if (block->row.level == HISTORY_LEVEL_TIERS) {
            if (history->config.tiers_keep_us > 0 && age_us > history->config.tiers_keep_us) {
                *worked = true;
                return remove_block(history, block, "tiers older than they are kept");
            }
            continue;
        }
        if (age_us > longest_us) {
            *worked = true;
            return remove_block(history, block, "older than any series keeps");
        }
        if (age_us <= shortest_us || block->damaged || now_us - block->looked_us < LOOK_US) {
            continue;
        }
        uint64_t over;
        uint64_t all;
        block->looked_us = now_us;
        look_into(history, block, now_us, &over, &all);
        if (over == all) {
            *worked = true;
            return remove_block(history, block, "all of it is older than its series keep");
        }
        if (over > all / 2) {
            *worked = true;
            return history_rewrite_block(history, block, false);
        }
    }
    return 0;
}

/* Samples go before tiers, which still answer when they are gone. */
static struct history_block *oldest(struct history_block **blocks, size_t count)
{
    struct history_block *found = NULL;
    for (size_t i = 0; i < count; i++) {
        bool tiers = blocks[i]->row.level == HISTORY_LEVEL_TIERS;
        bool found_tiers = found != NULL && found->row.level == HISTORY_LEVEL_TIERS;
        bool better = found == NULL || tiers < found_tiers ||
                      (tiers == found_tiers && blocks[i]->row.to_us < found->row.to_us);
        found = better ? blocks[i] : found;
    }
    return found;
}

/* Spare files of the log are room that nobody misses. */
static bool is_nearly_full(struct history *history)
{
    uint64_t free_bytes;
    bool full = file_free_bytes(history->folder, &free_bytes) == 0 &&
                free_bytes < history->config.free_bytes;
    if (!full || !history_log_drop_spares(&history->log)) {
        return full;
    }
    return file_free_bytes(history->folder, &free_bytes) == 0 &&
           free_bytes < history->config.free_bytes;
}

static int by_bytes(struct history *history, struct history_block **blocks, size_t count,
                    bool *worked)
{
    uint64_t bytes = 0;
    bool full = is_nearly_full(history);
    for (size_t i = 0; i < count; i++) {
        bytes += blocks[i]->row.bytes;
    }
    struct history_block *block = oldest(blocks, count);
    if (block == NULL) {
        return 0;
    }
    if (bytes > history->config.max_bytes) {
        *worked = true;
        return remove_block(history, block, "more bytes than max_bytes");
    }
    if (full && block->row.to_us < clock_wall_us() - HISTORY_DAY_US) {
        *worked = true;
        return remove_block(history, block, "the disk is nearly full");
    }
    return 0;
}

/* --- by policy --- */

/* What a block has of each policy, from its index; kept in the block until policies change. */
static int count_parts(struct history *history, struct history_block *block, uint64_t generation)
{
    struct history_block_walk walk;
    const struct history_source *entry;
    int error = 0;
    if (block->parts != NULL && block->parts_generation == generation) {
        return 0;
    }
    if (block->parts == NULL) {
        block->parts = busbar_alloc_array(HISTORY_POLICIES_MAX + 1, sizeof(*block->parts));
    }
    for (size_t i = 0; i <= HISTORY_POLICIES_MAX; i++) {
        block->parts[i] = (struct history_block_part){ .first_us = INT64_MAX };
    }
    block->parts_generation = generation;
    history_block_walk_init(&walk, block);
    while (error == 0 && (entry = history_block_walk_next(&walk, &error)) != NULL) {
        if (entry->last_us <= block->row.done_us) {
            continue;
        }
        struct history_block_part *part = &block->parts[history_policy_get(history, entry->series)];
        part->bytes += entry->size;
        part->first_us = entry->first_us < part->first_us ? entry->first_us : part->first_us;
        error = history_breathe(history);
    }
    history_block_walk_fini(&walk);
    return error;
}

/* Sums for the status; the policy that has too many bytes: its number, else 0. */
static unsigned add_up(struct history *history, struct history_block **blocks, size_t count)
{
    struct history_keeps *keeps = &history->keeps;
    unsigned over = 0;
    pthread_mutex_lock(&keeps->lock);
    for (unsigned p = 0; p <= keeps->policy_count; p++) {
        struct history_policy_state *state = &keeps->policies[p];
        state->bytes = 0;
        state->oldest_us = INT64_MAX;
        for (size_t i = 0; i < count; i++) {
            const struct state_block *row = &blocks[i]->row;
            struct history_block_part part = { .bytes = row->bytes, .first_us = row->from_us };
            if (row->level == HISTORY_LEVEL_TIERS) {
                continue;
            }
            part = keeps->policy_count > 0 ? blocks[i]->parts[p] : part;
            state->bytes += part.bytes;
            state->oldest_us = part.first_us < state->oldest_us ? part.first_us : state->oldest_us;
        }
        bool too_many = state->policy.max_bytes > 0 && state->bytes > state->policy.max_bytes;
        over = over == 0 && too_many ? p : over;
    }
    pthread_mutex_unlock(&keeps->lock);
    return over;
}

/* The oldest day of a policy's series goes: it is over from now on, and its block is written anew. */
static int remove_day(struct history *history, struct history_block **blocks, size_t count,
                      unsigned policy)
{
    struct history_block *block = NULL;
    for (size_t i = 0; i < count; i++) {
        bool has = blocks[i]->row.level != HISTORY_LEVEL_TIERS && !blocks[i]->damaged &&
                   blocks[i]->parts[policy].bytes > 0;
        if (has &&
            (block == NULL || blocks[i]->parts[policy].first_us < block->parts[policy].first_us)) {
            block = blocks[i];
        }
    }
    if (block == NULL) {
        return 0;
    }
    struct history_keeps *keeps = &history->keeps;
    int64_t end_us = history_day_end(history_day_of(block->parts[policy].first_us));
    pthread_mutex_lock(&keeps->lock);
    struct history_policy_state *state = &keeps->policies[policy];
    state->floor_us = end_us > state->floor_us ? end_us + 1 : state->floor_us;
    pthread_mutex_unlock(&keeps->lock);
    int error = history_rewrite_block(history, block, false);
    if (error == 0) {
        busbar_log(LOG_LEVEL_INFO, "history", NULL,
                   "policy %s has more than its max_bytes: its oldest day is removed",
                   state->policy.name);
        pthread_mutex_lock(&keeps->lock);
        state->removed_days++;
        pthread_mutex_unlock(&keeps->lock);
    }
    return error;
}

static int by_policy(struct history *history, struct history_block **blocks, size_t count,
                     bool *worked)
{
    struct history_keeps *keeps = &history->keeps;
    int error = 0;
    pthread_mutex_lock(&keeps->lock);
    uint64_t generation = keeps->generation;
    size_t policies = keeps->policy_count;
    pthread_mutex_unlock(&keeps->lock);
    for (size_t i = 0; i < count && error == 0 && policies > 0; i++) {
        if (blocks[i]->row.level != HISTORY_LEVEL_TIERS) {
            error = count_parts(history, blocks[i], generation);
        }
    }
    unsigned over = error == 0 ? add_up(history, blocks, count) : 0;
    if (over > 0) {
        *worked = true;
        error = remove_day(history, blocks, count, over);
        error = error == BUSBAR_EDAMAGED ? 0 : error; /* it is left alone from now on */
    }
    return error;
}

int history_remove_old(struct history *history, bool *worked)
{
    size_t count;
    struct history_block **blocks = history_blocks_hold(&history->blocks, &count);
    if (blocks == NULL) {
        return BUSBAR_ENOMEM;
    }
    int error = by_age(history, blocks, count, worked);
    if (error == 0 && !*worked) {
        error = by_policy(history, blocks, count, worked);
    }
    if (error == 0 && !*worked) {
        error = by_bytes(history, blocks, count, worked);
    }
    history_release_all(blocks, count);
    return error;
}
