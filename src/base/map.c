/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Linear probing without tombstones: removal shifts the run behind it back, so a long-lived map stays as fast as a
 * fresh one. The text map keeps 32 bits of each hash in an array of its own: a probe of a foreign
 * slot touches 4 bytes and no key. Hash bits come from hash_keyed(); 0 is reserved for "empty".
 */
#include "base/map.h"

#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"

enum { CAPACITY_MIN = 16 };

struct map_slot {
    const char *key;
    void *value;
};

struct map64_slot {
    uint64_t key;
    void *value;
};

static size_t capacity_for(size_t count)
{
    size_t capacity = CAPACITY_MIN;
    while (capacity / 8 * 7 < count) {
        capacity *= 2;
    }
    return capacity;
}

/* True when the entry at `at`, whose home is `home`, may move into the gap before it. */
static bool may_fill(size_t gap, size_t at, size_t home, size_t mask)
{
    return ((at - home) & mask) >= ((at - gap) & mask);
}

void map_init(struct map *map)
{
    *map = (struct map){ 0 };
}

void map_fini(struct map *map)
{
    busbar_free(map->slots);
    busbar_free(map->hashes);
    map_init(map);
}

static uint32_t hash_key(const char *key, size_t size)
{
    uint32_t hash = (uint32_t)hash_keyed(key, size);
    return hash != 0 ? hash : 1;
}

/* The slot of the key, or the empty slot where it belongs. */
static size_t map_find(const struct map *map, uint32_t hash, const char *key, size_t size)
{
    size_t mask = map->capacity - 1;
    size_t at = hash & mask;
    while (map->hashes[at] != 0) {
        if (map->hashes[at] == hash && strncmp(map->slots[at].key, key, size) == 0 &&
            map->slots[at].key[size] == '\0') {
            break;
        }
        at = (at + 1) & mask;
    }
    return at;
}

static void map_rehash(struct map *map, size_t capacity)
{
    struct map old = *map;
    map->capacity = capacity;
    map->slots = busbar_alloc_array(capacity, sizeof(*map->slots));
    map->hashes = busbar_alloc_array(capacity, sizeof(*map->hashes));
    for (size_t i = 0; i < old.capacity; i++) {
        if (old.hashes[i] != 0) {
            size_t at = old.hashes[i] & (capacity - 1);
            while (map->hashes[at] != 0) {
                at = (at + 1) & (capacity - 1);
            }
            map->hashes[at] = old.hashes[i];
            map->slots[at] = old.slots[i];
        }
    }
    busbar_free(old.slots);
    busbar_free(old.hashes);
}

void map_reserve(struct map *map, size_t count)
{
    size_t capacity = capacity_for(count);
    if (capacity > map->capacity) {
        assert(capacity <= UINT32_MAX); /* hashes have 32 bits */
        map_rehash(map, capacity);
    }
}

void *map_get_n(const struct map *map, const char *key, size_t size)
{
    if (map->count == 0) {
        return NULL;
    }
    size_t at = map_find(map, hash_key(key, size), key, size);
    return map->hashes[at] != 0 ? map->slots[at].value : NULL;
}

void *map_get(const struct map *map, const char *key)
{
    return map_get_n(map, key, strlen(key));
}

void *map_set(struct map *map, const char *key, void *value)
{
    assert(value != NULL);
    map_reserve(map, map->count + 1);
    size_t size = strlen(key);
    uint32_t hash = hash_key(key, size);
    size_t at = map_find(map, hash, key, size);
    void *old = NULL;
    if (map->hashes[at] != 0) {
        old = map->slots[at].value;
    } else {
        map->count++;
    }
    map->hashes[at] = hash;
    map->slots[at] = (struct map_slot){ .key = key, .value = value };
    return old;
}

void *map_remove(struct map *map, const char *key)
{
    if (map->count == 0) {
        return NULL;
    }
    size_t size = strlen(key);
    size_t mask = map->capacity - 1;
    size_t gap = map_find(map, hash_key(key, size), key, size);
    if (map->hashes[gap] == 0) {
        return NULL;
    }
    void *removed = map->slots[gap].value;
    for (size_t at = (gap + 1) & mask; map->hashes[at] != 0; at = (at + 1) & mask) {
        if (may_fill(gap, at, map->hashes[at] & mask, mask)) {
            map->hashes[gap] = map->hashes[at];
            map->slots[gap] = map->slots[at];
            gap = at;
        }
    }
    map->hashes[gap] = 0;
    map->count--;
    return removed;
}

bool map_next(const struct map *map, size_t *at, const char **key, void **value)
{
    for (; *at < map->capacity; (*at)++) {
        if (map->hashes[*at] != 0) {
            if (key != NULL) {
                *key = map->slots[*at].key;
            }
            if (value != NULL) {
                *value = map->slots[*at].value;
            }
            (*at)++;
            return true;
        }
    }
    return false;
}

void map64_init(struct map64 *map)
{
    *map = (struct map64){ 0 };
}

void map64_fini(struct map64 *map)
{
    busbar_free(map->slots);
    map64_init(map);
}

static size_t map64_home(uint64_t key, size_t mask)
{
    return (size_t)hash_keyed(&key, sizeof(key)) & mask;
}

static size_t map64_find(const struct map64 *map, uint64_t key)
{
    size_t mask = map->capacity - 1;
    size_t at = map64_home(key, mask);
    while (map->slots[at].value != NULL && map->slots[at].key != key) {
        at = (at + 1) & mask;
    }
    return at;
}

void map64_reserve(struct map64 *map, size_t count)
{
    size_t capacity = capacity_for(count);
    if (capacity <= map->capacity) {
        return;
    }
    struct map64 old = *map;
    map->capacity = capacity;
    map->slots = busbar_alloc_array(capacity, sizeof(*map->slots));
    for (size_t i = 0; i < old.capacity; i++) {
        if (old.slots[i].value != NULL) {
            map->slots[map64_find(map, old.slots[i].key)] = old.slots[i];
        }
    }
    busbar_free(old.slots);
}

void *map64_get(const struct map64 *map, uint64_t key)
{
    return map->count > 0 ? map->slots[map64_find(map, key)].value : NULL;
}

void *map64_set(struct map64 *map, uint64_t key, void *value)
{
    assert(value != NULL);
    map64_reserve(map, map->count + 1);
    struct map64_slot *slot = &map->slots[map64_find(map, key)];
    void *old = slot->value;
    *slot = (struct map64_slot){ .key = key, .value = value };
    map->count += old == NULL;
    return old;
}

void *map64_remove(struct map64 *map, uint64_t key)
{
    if (map->count == 0) {
        return NULL;
    }
    size_t mask = map->capacity - 1;
    size_t gap = map64_find(map, key);
    void *removed = map->slots[gap].value;
    if (removed == NULL) {
        return NULL;
    }
    for (size_t at = (gap + 1) & mask; map->slots[at].value != NULL; at = (at + 1) & mask) {
        if (may_fill(gap, at, map64_home(map->slots[at].key, mask), mask)) {
            map->slots[gap] = map->slots[at];
            gap = at;
        }
    }
    map->slots[gap].value = NULL;
    map->count--;
    return removed;
}

bool map64_next(const struct map64 *map, size_t *at, uint64_t *key, void **value)
{
    for (; *at < map->capacity; (*at)++) {
        if (map->slots[*at].value != NULL) {
            if (key != NULL) {
                *key = map->slots[*at].key;
            }
            if (value != NULL) {
                *value = map->slots[*at].value;
            }
            (*at)++;
            return true;
        }
    }
    return false;
}
