/* SPDX-License-Identifier: Apache-2.0 */
/* A small seeded generator (SplitMix64): the same seed gives the same test. */
#ifndef BUSBAR_TESTS_SUPPORT_RANDOM_H
#define BUSBAR_TESTS_SUPPORT_RANDOM_H

#include <stdint.h>

struct random {
    uint64_t state;
};

static inline uint64_t random_u64(struct random *random)
{
    uint64_t z = (random->state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* 0 .. below - 1 */
static inline uint64_t random_below(struct random *random, uint64_t below)
{
    return random_u64(random) % below;
}

#endif
