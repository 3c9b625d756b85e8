/* SPDX-License-Identifier: Apache-2.0 */
/* A hash table of numbers in 4 bytes a slot; what a number stands for lies with its owner, who tells hash
 * and equality. Linear probing without tombstones; grows by half, because doubling leaves too much
 * empty at a million. All-zero memory is an empty table. */
#ifndef BUSBAR_HISTORY_INDEX_TABLE_H
#define BUSBAR_HISTORY_INDEX_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/alloc.h"
#include "base/err.h"

enum { INDEX_TABLE_FIRST = 16 };

struct index_table {
    uint32_t *slots; /* number + 1; 0: empty */
    uint32_t count, capacity;
};

/* The hash of a number that is in the table. */
typedef uint32_t (*index_hash_cb)(const void *ctx, uint32_t number);
/* Is it the one that is looked for? */
typedef bool (*index_equal_cb)(const void *ctx, uint32_t number, const void *key);

static inline uint32_t index_table_home(const struct index_table *table, uint32_t hash)
{
    return (uint32_t)((uint64_t)hash * table->capacity >> 32);
}

static inline uint32_t index_table_next(const struct index_table *table, uint32_t at)
{
    return at + 1 == table->capacity ? 0 : at + 1;
}

static inline bool index_table_find(const struct index_table *table, uint32_t hash,
                                    index_equal_cb equal, const void *ctx, const void *key,
                                    uint32_t *number)
{
    if (table->count == 0) {
        return false;
    }
    uint32_t at = index_table_home(table, hash);
    for (; table->slots[at] != 0; at = index_table_next(table, at)) {
        if (equal(ctx, table->slots[at] - 1, key)) {
            *number = table->slots[at] - 1;
            return true;
        }
    }
    return false;
}

static inline void index_table_put(struct index_table *table, uint32_t hash, uint32_t number)
{
    uint32_t at = index_table_home(table, hash);
    while (table->slots[at] != 0) {
        at = index_table_next(table, at);
    }
    table->slots[at] = number + 1;
    table->count++;
}

/* Room for one more, so that the next add cannot fail. BUSBAR_ENOMEM: unchanged. */
static inline int index_table_reserve(struct index_table *table, index_hash_cb hash,
                                      const void *ctx)
{
    if (table->count + 1 <= table->capacity / 8 * 7) {
        return 0;
    }
    struct index_table grown = { .capacity = table->capacity == 0
                                                 ? INDEX_TABLE_FIRST
                                                 : table->capacity + table->capacity / 2 };
    grown.slots = busbar_try_alloc(grown.capacity * sizeof(*grown.slots));
    if (grown.slots == NULL) {
        return BUSBAR_ENOMEM;
    }
    for (uint32_t i = 0; i < table->capacity; i++) {
        if (table->slots[i] != 0) {
            index_table_put(&grown, hash(ctx, table->slots[i] - 1), table->slots[i] - 1);
        }
    }
    busbar_free(table->slots);
    *table = grown;
    return 0;
}

/* A number that is in the table. What stands behind it moves up. */
static inline void index_table_remove(struct index_table *table, uint32_t number,
                                      index_hash_cb hash, const void *ctx)
{
    uint32_t gap = index_table_home(table, hash(ctx, number));
    while (table->slots[gap] != number + 1) {
        gap = index_table_next(table, gap);
    }
    uint32_t size = table->capacity;
    for (uint32_t at = index_table_next(table, gap); table->slots[at] != 0;
         at = index_table_next(table, at)) {
        uint32_t home = index_table_home(table, hash(ctx, table->slots[at] - 1));
        if ((at + size - home) % size >= (at + size - gap) % size) {
            table->slots[gap] = table->slots[at];
            gap = at;
        }
    }
    table->slots[gap] = 0;
    table->count--;
}

#endif
