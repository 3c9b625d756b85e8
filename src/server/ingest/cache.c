/* SPDX-License-Identifier: Apache-2.0 */
/* Open addressing, linear probing, at most three quarters full; nothing is ever removed alone. */
#include "server/ingest/cache.h"

#include "base/alloc.h"
#include "base/hash.h"

enum { SLOTS_MIN = 1024 };

static void start(struct ingest_cache *cache)
{
    cache->slots = busbar_alloc_array(SLOTS_MIN, sizeof(*cache->slots));
    cache->mask = SLOTS_MIN - 1;
    cache->count = 0;
}

void ingest_cache_init(struct ingest_cache *cache)
{
    for (size_t i = 0; i < sizeof(cache->seed) / sizeof(cache->seed[0]); i++) {
        cache->seed[i] = hash_entropy();
    }
    start(cache);
}

void ingest_cache_fini(struct ingest_cache *cache)
{
    busbar_free(cache->slots);
    cache->slots = NULL;
}

void ingest_cache_clear(struct ingest_cache *cache)
{
    busbar_free(cache->slots);
    start(cache);
}

static void insert(struct ingest_cache *cache, struct ingest_slot slot)
{
    size_t at = (size_t)slot.a & cache->mask;
    while (cache->slots[at].series != 0) {
        if (cache->slots[at].a == slot.a && cache->slots[at].b == slot.b) {
            cache->slots[at].series = slot.series;
            return;
        }
        at = (at + 1) & cache->mask;
    }
    cache->slots[at] = slot;
    cache->count++;
}

static void make_room(struct ingest_cache *cache)
{
    size_t capacity = cache->mask + 1;
    if (cache->count < capacity / 4 * 3) {
        return;
    }
    struct ingest_slot *before = cache->slots;
    struct ingest_slot *slots = cache->count >= INGEST_CACHE_SERIES_MAX
                                    ? NULL
                                    : busbar_try_alloc(2 * capacity * sizeof(*slots));
    if (slots == NULL) {
        ingest_cache_clear(cache);
        return;
    }
    cache->slots = slots;
    cache->mask = 2 * capacity - 1;
    cache->count = 0;
    for (size_t i = 0; i < capacity; i++) {
        if (before[i].series != 0) {
            insert(cache, before[i]);
        }
    }
    busbar_free(before);
}

void ingest_cache_put(struct ingest_cache *cache, struct ingest_key key, uint32_t series)
{
    make_room(cache);
    insert(cache, (struct ingest_slot){ .a = key.a, .b = (uint32_t)key.b, .series = series });
}
