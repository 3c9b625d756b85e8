/* SPDX-License-Identifier: Apache-2.0 */
/* A set of numbers below 2^26: a bitmap in pieces of 65,536 bits that are made when the first bit of theirs is
 * set. All-zero memory is an empty sieve. Not locked. */
#ifndef BUSBAR_HISTORY_SIEVE_H
#define BUSBAR_HISTORY_SIEVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/alloc.h"

enum { SIEVE_WORDS = 65536 / 64 };

struct sieve {
    uint64_t **pieces;
    uint32_t count; /* of pieces; some may be missing (NULL) */
};

static inline bool sieve_grow(struct sieve *sieve, uint32_t count)
{
    uint64_t **pieces = busbar_try_realloc(sieve->pieces, count * sizeof(*pieces));
    if (pieces == NULL) {
        return false;
    }
    memset(pieces + sieve->count, 0, (count - sieve->count) * sizeof(*pieces));
    sieve->pieces = pieces;
    sieve->count = count;
    return true;
}

/* The piece, made when it is missing; NULL: no memory. */
static inline uint64_t *sieve_piece(struct sieve *sieve, uint32_t piece)
{
    if (piece >= sieve->count && !sieve_grow(sieve, piece + 1)) {
        return NULL;
    }
    if (sieve->pieces[piece] == NULL) {
        sieve->pieces[piece] = busbar_try_alloc(SIEVE_WORDS * sizeof(uint64_t));
    }
    return sieve->pieces[piece];
}

/* False: no memory. */
static inline bool sieve_add(struct sieve *sieve, uint32_t number)
{
    uint64_t *piece = sieve_piece(sieve, number >> 16);
    if (piece == NULL) {
        return false;
    }
    piece[(number & 0xffff) / 64] |= UINT64_C(1) << (number % 64);
    return true;
}

static inline void sieve_drop(struct sieve *sieve, uint32_t number)
{
    if (number >> 16 < sieve->count && sieve->pieces[number >> 16] != NULL) {
        sieve->pieces[number >> 16][(number & 0xffff) / 64] &= ~(UINT64_C(1) << (number % 64));
    }
}

static inline bool sieve_holds(const struct sieve *sieve, uint32_t number)
{
    const uint64_t *piece = number >> 16 < sieve->count ? sieve->pieces[number >> 16] : NULL;
    return piece != NULL && (piece[(number & 0xffff) / 64] >> (number % 64) & 1) != 0;
}

static inline void sieve_fini(struct sieve *sieve)
{
    for (uint32_t i = 0; i < sieve->count; i++) {
        busbar_free(sieve->pieces[i]);
    }
    busbar_free(sieve->pieces);
    *sieve = (struct sieve){ 0 };
}

/* Keeps what is (with) or is not (without) in the other one. */
static inline void sieve_keep(struct sieve *sieve, const struct sieve *other, bool with)
{
    for (uint32_t i = 0; i < sieve->count; i++) {
        uint64_t *piece = sieve->pieces[i];
        const uint64_t *mask = i < other->count ? other->pieces[i] : NULL;
        for (size_t word = 0; piece != NULL && word < SIEVE_WORDS; word++) {
            uint64_t bits = mask != NULL ? mask[word] : 0;
            piece[word] &= with ? bits : ~bits;
        }
    }
}

static inline size_t sieve_count(const struct sieve *sieve)
{
    size_t count = 0;
    for (uint32_t i = 0; i < sieve->count; i++) {
        for (size_t word = 0; sieve->pieces[i] != NULL && word < SIEVE_WORDS; word++) {
            count += (size_t)__builtin_popcountll(sieve->pieces[i][word]);
        }
    }
    return count;
}

/* The first number from *at on; then *at is behind it. `uint32_t at = 0; while (sieve_next(...))`. */
static inline bool sieve_next(const struct sieve *sieve, uint32_t *at, uint32_t *number)
{
    for (uint32_t piece = *at >> 16; piece < sieve->count; piece++, *at = piece << 16) {
        const uint64_t *words = sieve->pieces[piece];
        if (words == NULL) {
            continue;
        }
        uint32_t word = (*at & 0xffff) / 64;
        uint64_t bits = words[word] & (UINT64_MAX << (*at % 64));
        while (bits == 0 && ++word < SIEVE_WORDS) {
            bits = words[word];
        }
        if (bits != 0) {
            *number = piece << 16 | (word * 64 + (uint32_t)__builtin_ctzll(bits));
            *at = *number + 1;
            return true;
        }
    }
    return false;
}

#endif
