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

uint64_t history_blocks_new_id(struct history_block_set *set)
{
    pthread_mutex_lock(&set->lock);
    uint64_t id = set->next_id++;
    pthread_mutex_unlock(&set->lock);
    return id;
}

/* Of two blocks that end with the same record, the one that was made later holds more. */
static bool is_before(const struct history_block *a, const struct history_block *b)
{
    if (a->row.sequence_last != b->row.sequence_last) {
        return a->row.sequence_last < b->row.sequence_last;
    }
    return a->row.level != b->row.level ? a->row.level < b->row.level : a->row.id < b->row.id;
}

static void insert(struct history_block_set *set, struct history_block *block)
{
    if (set->count == set->capacity) {
        set->capacity = set->capacity > 0 ? 2 * set->capacity : 16;
        set->all = busbar_realloc(set->all, set->capacity * sizeof(struct history_block *));
    }
    size_t at = set->count++;
    while (at > 0 && is_before(block, set->all[at - 1])) {
        set->all[at] = set->all[at - 1];
        at--;
    }
    set->all[at] = block;
}

static struct history_block *take_out(struct history_block_set *set, uint64_t id)
{
    for (size_t i = 0; i < set->count; i++) {
        struct history_block *block = set->all[i];
        if (block->row.id == id) {
            set->count--;
            memmove(set->all + i, set->all + i + 1, (set->count - i) * sizeof(set->all[0]));
            return block;
        }
    }
    return NULL;
}

void history_blocks_change(struct history_block_set *set, struct history_block *const *add,
                           size_t add_count, const uint64_t *remove, size_t remove_count)
{
    struct history_block **gone = busbar_alloc_array(remove_count + 1, sizeof(gone[0]));
    pthread_mutex_lock(&set->lock);
    for (size_t i = 0; i < remove_count; i++) {
        gone[i] = take_out(set, remove[i]);
    }
    for (size_t i = 0; i < add_count; i++) {
        insert(set, add[i]);
    }
    atomic_fetch_add(&set->changes, 1);
    pthread_mutex_unlock(&set->lock);
    for (size_t i = 0; i < remove_count; i++) {
        bool replaced = false; /* by another row of the same file */
        for (size_t k = 0; k < add_count && !replaced; k++) {
            replaced = add[k]->row.id == remove[i];
        }
        if (gone[i] != NULL) {
            atomic_store(&gone[i]->unlink, !replaced);
            history_block_release(gone[i]);
        }
    }
    busbar_free(gone);
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

static bool has_times(const struct history_block *block, int64_t from_us, int64_t to_us)
{
    const struct state_block *row = &block->row;
    return row->level != HISTORY_LEVEL_TIERS && row->from_us < to_us && row->to_us >= from_us;
}

int history_blocks_collect_at(struct history_place *places, size_t count, uint32_t series,
                              int64_t from_us, int64_t to_us, struct history_sources *sources)
{
    int error = 0;
    for (size_t i = 0; i < count && error == 0; i++) {
        struct history_place *place = &places[i];
        if (!has_times(place->block, from_us, to_us)) {
            continue;
        }
        if (place->asked && place->at == NULL) { /* the second series: there may be many */
            place->at = history_block_place_new(place->block);
        }
        place->asked = true;
        error = place->at != NULL
                    ? history_block_collect_at(place->at, series, from_us, to_us, sources)
                    : history_block_collect(place->block, series, from_us, to_us, sources);
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
    int error = 0;
    for (size_t i = 0; i < count; i++) {
        if (error == 0 && has_times(blocks[i], from_us, to_us)) {
            error = history_block_collect(blocks[i], series, from_us, to_us, sources);
        }
        history_block_release(blocks[i]);
    }
    busbar_free(blocks);
    return error;
}
