/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "server/live_private.h"

enum { FIRST_CAPACITY = 64 };

void live_set_fini(struct live_set *set)
{
    busbar_free(set->slots);
    busbar_free(set->queue);
    map64_fini(&set->by_id);
    *set = (struct live_set){ 0 };
}

/* Doubles the room; the ring is laid out from its start again. */
static void grow(struct live_set *set)
{
    size_t capacity = set->capacity > 0 ? 2 * set->capacity : FIRST_CAPACITY;
    uint32_t *queue = busbar_alloc_array(capacity, sizeof(*queue));
    for (size_t i = 0; i < set->queued; i++) {
        queue[i] = set->queue[(set->head + i) % set->capacity];
    }
    busbar_free(set->queue);
    set->queue = queue;
    set->head = 0;
    set->slots = busbar_realloc(set->slots, capacity * sizeof(*set->slots));
    set->capacity = capacity;
}

static void put_in_queue(struct live_set *set, size_t index)
{
    if (!set->slots[index].changed) {
        set->slots[index].changed = true;
        set->queue[(set->head + set->queued) % set->capacity] = (uint32_t)index;
        set->queued++;
    }
}

bool live_set_add(struct live_set *set, uint32_t id)
{
    if (map64_get(&set->by_id, id) != NULL) {
        return false;
    }
    if (set->count == set->capacity) {
        grow(set);
    }
    size_t index = set->count++;
    set->slots[index] = (struct live_slot){ .id = id };
    (void)map64_set(&set->by_id, id, (void *)(uintptr_t)(index + 1));
    put_in_queue(set, index);
    return true;
}

void live_set_touch(struct live_set *set, uint32_t id)
{
    uintptr_t index = (uintptr_t)map64_get(&set->by_id, id);
    if (index != 0) {
        put_in_queue(set, index - 1);
    }
}

void live_set_touch_all(struct live_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        put_in_queue(set, i);
    }
}

bool live_set_next(struct live_set *set, uint32_t *id)
{
    if (set->queued == 0) {
        return false;
    }
    struct live_slot *slot = &set->slots[set->queue[set->head]];
    set->head = (set->head + 1) % set->capacity;
    set->queued--;
    slot->changed = false;
    *id = slot->id;
    return true;
}
