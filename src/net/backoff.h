/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exponential back-off with jitter: each delay is drawn evenly from [half, full] of a span that doubles from min to
 * max, so that a thousand devices that fell silent together do not come back together. Pure: no clock, no loop.
 */
#ifndef BUSBAR_NET_BACKOFF_H
#define BUSBAR_NET_BACKOFF_H

#include <stdint.h>

enum { BACKOFF_MIN_MS = 1000, BACKOFF_MAX_MS = 60000 };

struct backoff {
    uint32_t min_ms;
    uint32_t max_ms;
    uint32_t attempt; /* delays given since the last reset */
    uint64_t state;   /* of the generator */
};

/* min 0, max 0: the defaults above. The same seed gives the same delays. */
void backoff_init(struct backoff *backoff, uint32_t min_ms, uint32_t max_ms, uint64_t seed);

/* The next delay. */
uint32_t backoff_next_ms(struct backoff *backoff);

/* After a success: the next delay is a short one again. */
void backoff_reset(struct backoff *backoff);

#endif
