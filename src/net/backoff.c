/* SPDX-License-Identifier: Apache-2.0 */
/* The span doubles with every attempt; the draw is from its upper half, so a delay never falls to nothing. */
#include "net/backoff.h"

#include <assert.h>

#include "base/hash.h"

void backoff_init(struct backoff *backoff, uint32_t min_ms, uint32_t max_ms, uint64_t seed)
{
    *backoff = (struct backoff){
        .min_ms = min_ms > 0 ? min_ms : BACKOFF_MIN_MS,
        .max_ms = max_ms > 0 ? max_ms : BACKOFF_MAX_MS,
        .state = seed,
    };
    assert(backoff->min_ms <= backoff->max_ms);
}

uint32_t backoff_next_ms(struct backoff *backoff)
{
    uint64_t span = backoff->min_ms;
    for (uint32_t i = 0; i < backoff->attempt && span < backoff->max_ms; i++) {
        span *= 2;
    }
    if (span > backoff->max_ms) {
        span = backoff->max_ms;
    }
    if (backoff->attempt < UINT32_MAX) {
        backoff->attempt++;
    }
    uint64_t half = span / 2;
    return (uint32_t)(half + hash_random(&backoff->state) % (span - half + 1));
}

void backoff_reset(struct backoff *backoff)
{
    backoff->attempt = 0;
}
