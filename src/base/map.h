/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hash maps with open addressing and linear probing: text -> pointer and number -> pointer.
 *
 * Keys of the text map are borrowed: they must live, unchanged, as long as their entry (usually they are a
 * field of the value). A value is never NULL. Both maps are seeded, so that a peer that chooses
 * names cannot make them slow. Growing aborts when memory is out: bound the count by a named limit.
 * Order of iteration is arbitrary; a map must not change while it is walked.
 *
 * Invariants: count <= 7/8 of capacity; capacity is 0 or a power of two; no tombstones (removal shifts
 * back). All-zero memory is an empty map.
 */
#ifndef BUSBAR_BASE_MAP_H
#define BUSBAR_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map_slot;

struct map {
    struct map_slot *slots;
    uint32_t *hashes; /* 0: the slot is empty */
    size_t count;
    size_t capacity;
};

void map_init(struct map *map);
void map_fini(struct map *map); /* frees slots, not keys or values */

/* NULL when absent. The second form takes a key that is not NUL-terminated. */
void *map_get(const struct map *map, const char *key);
void *map_get_n(const struct map *map, const char *key, size_t size);

/* Inserts or replaces (the key pointer too). Returns the replaced value or NULL. */
void *map_set(struct map *map, const char *key, void *value);

/* Returns the removed value or NULL. */
void *map_remove(struct map *map, const char *key);

/* Makes room for count entries in one step. */
void map_reserve(struct map *map, size_t count);

/* Walks: `size_t at = 0; while (map_next(&map, &at, &key, &value))`. key and value may be NULL. */
bool map_next(const struct map *map, size_t *at, const char **key, void **value);

struct map64_slot;

struct map64 {
    struct map64_slot *slots; /* a slot with a NULL value is empty */
    size_t count;
    size_t capacity;
};

void map64_init(struct map64 *map);
void map64_fini(struct map64 *map);
void *map64_get(const struct map64 *map, uint64_t key);
void *map64_set(struct map64 *map, uint64_t key, void *value);
void *map64_remove(struct map64 *map, uint64_t key);
void map64_reserve(struct map64 *map, size_t count);
bool map64_next(const struct map64 *map, size_t *at, uint64_t *key, void **value);

#endif
