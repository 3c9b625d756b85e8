/* SPDX-License-Identifier: Apache-2.0 */
/* A free array holds the link to the next free one of its size in its first bytes. */
#include "driver/pool.h"

#include <assert.h>

#include "base/alloc.h"

struct pool_block {
    struct pool_block *next;
};

static size_t size_index(size_t count)
{
    size_t index = 0;
    for (size_t samples = POOL_SAMPLES_MIN; samples < count; samples *= 2) {
        index++;
    }
    assert(index < POOL_SIZES);
    return index;
}

static size_t index_bytes(size_t index)
{
    return ((size_t)POOL_SAMPLES_MIN << index) * sizeof(struct sample);
}

void pool_init(struct pool *pool, size_t free_bytes_max)
{
    *pool = (struct pool){ .free_bytes_max = free_bytes_max };
}

void pool_fini(struct pool *pool)
{
    assert(pool->taken == 0);
    for (size_t i = 0; i < POOL_SIZES; i++) {
        while (pool->free[i] != NULL) {
            struct pool_block *block = pool->free[i];
            pool->free[i] = block->next;
            busbar_free(block);
        }
    }
    pool->free_bytes = 0;
}

struct sample *pool_take(struct pool *pool, size_t count)
{
    assert(count > 0 && count <= POOL_SAMPLES_MAX);
    size_t index = size_index(count);
    struct pool_block *block = pool->free[index];
    if (block != NULL) {
        pool->free[index] = block->next;
        pool->free_bytes -= index_bytes(index);
    } else {
        block = busbar_try_alloc(index_bytes(index));
    }
    pool->taken += block != NULL ? 1 : 0;
    return (struct sample *)(void *)block;
}

void pool_give(struct pool *pool, struct sample *samples, size_t count)
{
    assert(pool->taken > 0);
    size_t index = size_index(count);
    struct pool_block *block = (struct pool_block *)(void *)samples;
    pool->taken--;
    if (pool->free_bytes + index_bytes(index) > pool->free_bytes_max) {
        busbar_free(block);
        return;
    }
    block->next = pool->free[index];
    pool->free[index] = block;
    pool->free_bytes += index_bytes(index);
}
