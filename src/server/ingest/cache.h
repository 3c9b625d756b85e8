/* SPDX-License-Identifier: Apache-2.0 */
/* From the bytes that a sender wrote for a series to the series' id, without looking at what they
 * mean: 96 bits of a 128-bit hash of them, with a seed that differs from process to process, are
 * found in a table. Two texts with the same hash would be one series: among 3 million series the
 * chance is below 1 in 10^16, and nobody can aim at it. What is not here is asked of the history.
 *
 * A slot is 16 bytes; the table is emptied when it is full or a series went out of the index.
 * One thread (the ingest thread). */
#ifndef BUSBAR_SERVER_INGEST_CACHE_H
#define BUSBAR_SERVER_INGEST_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { INGEST_CACHE_SERIES_MAX = 3 << 20 };

struct ingest_key {
    uint64_t a, b;
};

struct ingest_slot {
    uint64_t a;
    uint32_t b;
    uint32_t series; /* 0: empty */
};

struct ingest_cache {
    struct ingest_slot *slots;
    size_t count, mask; /* mask + 1 slots, a power of two */
    uint64_t seed[4];
};

void ingest_cache_init(struct ingest_cache *cache);
void ingest_cache_fini(struct ingest_cache *cache);
void ingest_cache_clear(struct ingest_cache *cache);
/* Replaces. Without memory for more it starts anew: it is only a cache. */
void ingest_cache_put(struct ingest_cache *cache, struct ingest_key key, uint32_t series);

/* ---- keys ---- */

static inline uint64_t ingest_fold(uint64_t x, uint64_t y)
{
    __extension__ typedef unsigned __int128 wide;
    wide product = (wide)x * y;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t ingest_load(const char *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof(word));
    return word;
}

/* Up to 16 bytes as two words; the words of different texts of one size differ. */
static inline void ingest_words(const char *at, size_t size, uint64_t *a, uint64_t *b)
{
    if (size >= 8) {
        *a = ingest_load(at);
        *b = ingest_load(at + size - 8);
    } else if (size >= 4) {
        uint32_t first, last;
        memcpy(&first, at, 4);
        memcpy(&last, at + size - 4, 4);
        *a = first;
        *b = last;
    } else {
        *a = size > 0 ? (uint64_t)(uint8_t)at[0] << 16 | (uint64_t)(uint8_t)at[size / 2] << 8 |
                            (uint8_t)at[size - 1]
                      : 0;
        *b = 0;
    }
}

/* Goes on from `start`, so that parts can be hashed one after the other; sizes are part of it. */
static inline struct ingest_key ingest_key_add(const struct ingest_cache *cache,
                                               struct ingest_key start, const char *at, size_t size)
{
    uint64_t x = start.a ^ size;
    uint64_t y = start.b + size;
    uint64_t a, b;
    size_t left = size;
    for (; left > 16; left -= 16, at += 16) {
        a = ingest_load(at);
        b = ingest_load(at + 8);
        x = ingest_fold(a ^ cache->seed[0], b ^ x);
        y = ingest_fold(a ^ y, b ^ cache->seed[1]);
    }
    ingest_words(at, left, &a, &b);
    x = ingest_fold(a ^ cache->seed[0], b ^ x);
    y = ingest_fold(a ^ y, b ^ cache->seed[1]);
    return (struct ingest_key){ x, y };
}

/* ---- looking ---- */

static inline size_t ingest_cache_place(const struct ingest_cache *cache, struct ingest_key key)
{
    return (size_t)key.a & cache->mask;
}

static inline void ingest_cache_prefetch(const struct ingest_cache *cache, struct ingest_key key)
{
    __builtin_prefetch(&cache->slots[ingest_cache_place(cache, key)]);
}

/* 0: not known here. */
static inline uint32_t ingest_cache_find(const struct ingest_cache *cache, struct ingest_key key)
{
    size_t at = ingest_cache_place(cache, key);
    while (cache->slots[at].series != 0) {
        if (cache->slots[at].a == key.a && cache->slots[at].b == (uint32_t)key.b) {
            return cache->slots[at].series;
        }
        at = (at + 1) & cache->mask;
    }
    return 0;
}

#endif
