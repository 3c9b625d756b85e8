/* SPDX-License-Identifier: Apache-2.0 */
/* Retention: blocks go when all in them is older than its series keeps, when the blocks together are
 * too many bytes, or, older than a day, when the disk runs full. A block of which half is over is
 * written anew without it. Reads never show what is over, whether it is still on the disk or not. */
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "history/compact.h"

#define KEEP_PAGE 4096u
#define DAY_US    (INT64_C(86400) * 1000000)
#define LOOK_US   (INT64_C(3600) * 1000000) /* between two looks into the same block */

void history_keeps_init(struct history_keeps *keeps)
{
    *keeps = (struct history_keeps){ .count = 1 };
    pthread_mutex_init(&keeps->lock, NULL);
}

void history_keeps_fini(struct history_keeps *keeps)
{
    for (size_t i = 0; i < keeps->page_count; i++) {
        busbar_free(keeps->pages[i]);
    }
    busbar_free(keeps->pages);
    pthread_mutex_destroy(&keeps->lock);
}

/* Index of a value in the table; -1: the table is full. Index 0 is the default. */
static int index_of(struct history_keeps *keeps, int64_t keep_us)
{
    if (keep_us == 0) {
        return 0;
    }
    for (size_t i = 1; i < keeps->count; i++) {
        if (keeps->values[i] == keep_us) {
            return (int)i;
        }
    }
    if (keeps->count == HISTORY_KEEPS_MAX) {
        return -1;
    }
    keeps->values[keeps->count] = keep_us;
    return (int)keeps->count++;
}

static uint8_t *slot_of(struct history_keeps *keeps, uint32_t series, bool make)
{
    size_t page = series / KEEP_PAGE;
    if (page >= keeps->page_count && make) {
        keeps->pages = busbar_realloc(keeps->pages, (page + 1) * sizeof(uint8_t *));
        for (; keeps->page_count <= page; keeps->page_count++) {
            keeps->pages[keeps->page_count] = NULL;
        }
    }
    if (page >= keeps->page_count || (keeps->pages[page] == NULL && !make)) {
        return NULL;
    }
    if (keeps->pages[page] == NULL) {
        keeps->pages[page] = busbar_alloc(KEEP_PAGE);
    }
    return &keeps->pages[page][series % KEEP_PAGE];
}

int history_keep(struct history *history, uint32_t series, int64_t keep_us)
{
    struct history_keeps *keeps = &history->keeps;
    if (series == 0 || series > HISTORY_SERIES_MAX || keep_us < HISTORY_KEEP_FOREVER) {
        return BUSBAR_EINVAL;
    }
    pthread_mutex_lock(&keeps->lock);
    int index = index_of(keeps, keep_us);
    uint8_t *slot = index >= 0 ? slot_of(keeps, series, index > 0) : NULL;
    if (slot != NULL) {
        *slot = (uint8_t)index;
    }
    pthread_mutex_unlock(&keeps->lock);
    return index >= 0 ? 0 : BUSBAR_ELIMIT;
}

int64_t history_keep_of(struct history *history, uint32_t series)
{
    struct history_keeps *keeps = &history->keeps;
    pthread_mutex_lock(&keeps->lock);
    const uint8_t *slot = slot_of(keeps, series, false);
    int64_t keep_us = slot != NULL && *slot != 0 ? keeps->values[*slot] : history->config.keep_us;
    pthread_mutex_unlock(&keeps->lock);
    return keep_us;
}

int64_t history_expired_before(struct history *history, uint32_t series, int64_t now_us)
{
    int64_t keep_us = history_keep_of(history, series);
    return keep_us == HISTORY_KEEP_FOREVER ? INT64_MIN : now_us - keep_us;
}

/* The shortest and the longest retention of any series. */
static void bounds(struct history *history, int64_t *shortest_us, int64_t *longest_us)
{
    struct history_keeps *keeps = &history->keeps;
    pthread_mutex_lock(&keeps->lock);
    *shortest_us = INT64_MAX;
    *longest_us = 0;
    for (size_t i = 0; i < keeps->count; i++) {
        int64_t keep_us = i == 0 ? history->config.keep_us : keeps->values[i];
        keep_us = keep_us == HISTORY_KEEP_FOREVER ? INT64_MAX : keep_us;
        *shortest_us = keep_us < *shortest_us ? keep_us : *shortest_us;
        *longest_us = keep_us > *longest_us ? keep_us : *longest_us;
    }
    pthread_mutex_unlock(&keeps->lock);
}

int64_t history_keep_longest_us(struct history *history)
{
    int64_t shortest_us, longest_us;
    bounds(history, &shortest_us, &longest_us);
    return longest_us == INT64_MAX ? HISTORY_KEEP_FOREVER : longest_us;
}

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
    bounds(history, &shortest_us, &longest_us);
    for (size_t i = 0; i < count; i++) {
        struct history_block *block = blocks[i];
        int64_t age_us = now_us - block->row.to_us;
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

static struct history_block *oldest(struct history_block **blocks, size_t count)
{
    struct history_block *found = NULL;
    for (size_t i = 0; i < count; i++) {
        if (found == NULL || blocks[i]->row.to_us < found->row.to_us) {
            found = blocks[i];
        }
    }
    return found;
}

static int by_bytes(struct history *history, struct history_block **blocks, size_t count,
                    bool *worked)
{
    uint64_t bytes = 0;
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
    uint64_t free_bytes;
    if (file_free_bytes(history->folder, &free_bytes) == 0 &&
        free_bytes < history->config.free_bytes && block->row.to_us < clock_wall_us() - DAY_US) {
        *worked = true;
        return remove_block(history, block, "the disk is nearly full");
    }
    return 0;
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
        error = by_bytes(history, blocks, count, worked);
    }
    for (size_t i = 0; i < count; i++) {
        history_block_release(blocks[i]);
    }
    busbar_free(blocks);
    return error;
}
