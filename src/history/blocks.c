/* SPDX-License-Identifier: Apache-2.0 */
/* The set of blocks in use. Readers hold blocks; one that retention takes out stays readable for
 * those who hold it, and its file goes with the last of them. */
#include <string.h>

#include "base/alloc.h"
#include "history/history_private.h"

void history_blocks_init(struct history_block_set *set)
{
    *set = (struct history_block_set){ 0 };
    pthread_mutex_init(&set->lock, NULL);
}

void history_blocks_fini(struct history_block_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        history_block_release(set->all[i]);
    }
    busbar_free(set->all);
    pthread_mutex_destroy(&set->lock);
}

void history_blocks_add(struct history_block_set *set, struct history_block *block)
{
    pthread_mutex_lock(&set->lock);
    if (set->count == set->capacity) {
        set->capacity = set->capacity > 0 ? 2 * set->capacity : 16;
        set->all = busbar_realloc(set->all, set->capacity * sizeof(struct history_block *));
    }
    size_t at = set->count++;
    while (at > 0 && set->all[at - 1]->row.sequence_last > block->row.sequence_last) {
        set->all[at] = set->all[at - 1];
        at--;
    }
    set->all[at] = block;
    atomic_fetch_add(&set->changes, 1);
    pthread_mutex_unlock(&set->lock);
}

void history_blocks_remove(struct history_block_set *set, uint64_t id)
{
    struct history_block *block = NULL;
    pthread_mutex_lock(&set->lock);
    for (size_t i = 0; i < set->count && block == NULL; i++) {
        if (set->all[i]->row.id == id) {
            block = set->all[i];
            set->count--;
            atomic_fetch_add(&set->changes, 1);
            memmove(set->all + i, set->all + i + 1, (set->count - i) * sizeof(set->all[0]));
        }
    }
    pthread_mutex_unlock(&set->lock);
    if (block != NULL) {
        atomic_store(&block->unlink, true);
        history_block_release(block);
    }
}

struct history_block **history_blocks_hold(struct history_block_set *set, size_t *count)
{
    pthread_mutex_lock(&set->lock);
    *count = set->count;
    struct history_block **blocks = busbar_try_alloc(set->count * sizeof(blocks[0]) + 1);
    for (size_t i = 0; i < set->count && blocks != NULL; i++) {
        blocks[i] = set->all[i];
        history_block_hold(blocks[i]);
    }
    pthread_mutex_unlock(&set->lock);
    return blocks;
}

int history_blocks_collect_held(struct history_block *const *blocks, size_t count, uint32_t series,
                                int64_t from_us, int64_t to_us, struct history_sources *sources)
{
    int error = 0;
    for (size_t i = 0; i < count && error == 0; i++) {
        const struct state_block *row = &blocks[i]->row;
        if (row->from_us < to_us && row->to_us >= from_us) {
            error = history_block_collect(blocks[i], series, from_us, to_us, sources);
        }
    }
    return error;
}

int history_blocks_collect(struct history_block_set *set, uint32_t series, int64_t from_us,
                           int64_t to_us, struct history_sources *sources)
{
    size_t count;
    struct history_block **blocks = history_blocks_hold(set, &count);
    if (blocks == NULL) {
        return BUSBAR_ENOMEM;
    }
    int error = history_blocks_collect_held(blocks, count, series, from_us, to_us, sources);
    for (size_t i = 0; i < count; i++) {
        history_block_release(blocks[i]);
    }
    busbar_free(blocks);
    return error;
}
