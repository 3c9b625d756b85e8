/* SPDX-License-Identifier: Apache-2.0 */
/* Sample arrays for open polls, shared by all devices: they are needed only while a poll is open,
 * so a million points do not each hold 32 bytes for them.
 *
 * Arrays come in sizes of powers of two from 16 to 4096 samples; free ones are kept up to a
 * ceiling. */
#ifndef BUSBAR_DRIVER_POOL_H
#define BUSBAR_DRIVER_POOL_H

#include <stddef.h>

#include "model/sample.h"

enum { POOL_SAMPLES_MIN = 16, POOL_SAMPLES_MAX = 4096, POOL_SIZES = 9 };

struct pool_block;

struct pool {
    struct pool_block *free[POOL_SIZES]; /* by size, a list each */
    size_t free_bytes, free_bytes_max;
    size_t taken; /* arrays in use */
};

void pool_init(struct pool *pool, size_t free_bytes_max);
/* All arrays must have been given back. */
void pool_fini(struct pool *pool);

/* Room for `count` samples (1 to POOL_SAMPLES_MAX), not zeroed; NULL when memory is out. */
struct sample *pool_take(struct pool *pool, size_t count);
/* With the same count. */
void pool_give(struct pool *pool, struct sample *samples, size_t count);

#endif
