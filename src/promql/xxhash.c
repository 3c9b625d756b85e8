/* SPDX-License-Identifier: Apache-2.0 */
/* Four lanes over stripes of 32 bytes, merged; then 8, 4 and 1 bytes at a time; then the final
 * mix. */
#include "promql/xxhash.h"

#include <string.h>

#define PRIME_1 UINT64_C(0x9e3779b185ebca87)
#define PRIME_2 UINT64_C(0xc2b2ae3d27d4eb4f)
#define PRIME_3 UINT64_C(0x165667b19e3779f9)
#define PRIME_4 UINT64_C(0x85ebca77c2b2ae63)
#define PRIME_5 UINT64_C(0x27d4eb2f165667c5)

static uint64_t turn(uint64_t value, unsigned bits)
{
    return value << bits | value >> (64 - bits);
}

/* Little-endian. */
static uint64_t get(const uint8_t *data, size_t size)
{
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++) {
        value |= (uint64_t)data[i] << (8 * i);
    }
    return value;
}

static uint64_t round_of(uint64_t lane, uint64_t input)
{
    return turn(lane + input * PRIME_2, 31) * PRIME_1;
}

static uint64_t merge(uint64_t hash, uint64_t lane)
{
    return (hash ^ round_of(0, lane)) * PRIME_1 + PRIME_4;
}

static uint64_t take_stripes(const uint8_t **data, size_t *left)
{
    uint64_t lanes[4] = { PRIME_1 + PRIME_2, PRIME_2, 0, 0 - PRIME_1 };
    for (; *left >= 32; *left -= 32, *data += 32) {
        for (size_t i = 0; i < 4; i++) {
            lanes[i] = round_of(lanes[i], get(*data + 8 * i, 8));
        }
    }
    uint64_t hash = turn(lanes[0], 1) + turn(lanes[1], 7) + turn(lanes[2], 12) + turn(lanes[3], 18);
    for (size_t i = 0; i < 4; i++) {
        hash = merge(hash, lanes[i]);
    }
    return hash;
}

uint64_t xxhash64(const void *data, size_t size)
{
    const uint8_t *at = data;
    size_t left = size;
    uint64_t hash = size >= 32 ? take_stripes(&at, &left) : PRIME_5;
    hash += size;
    for (; left >= 8; left -= 8, at += 8) {
        hash = turn(hash ^ round_of(0, get(at, 8)), 27) * PRIME_1 + PRIME_4;
    }
    for (; left >= 4; left -= 4, at += 4) {
        hash = turn(hash ^ get(at, 4) * PRIME_1, 23) * PRIME_2 + PRIME_3;
    }
    for (; left > 0; left--, at++) {
        hash = turn(hash ^ *at * PRIME_5, 11) * PRIME_1;
    }
    hash = (hash ^ hash >> 33) * PRIME_2;
    hash = (hash ^ hash >> 29) * PRIME_3;
    return hash ^ hash >> 32;
}
