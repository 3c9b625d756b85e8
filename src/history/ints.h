/* SPDX-License-Identifier: Apache-2.0 */
/* Integer columns of chunks: frame of reference, bit packing, patched exceptions.
 *
 *   varint  base        zigzag; the smallest value
 *   u8      width       bits of each packed value, 0..64
 *   varint  exceptions  how many values do not fit into width bits
 *   bytes   packed      count x width bits, low bit first, padded to a byte
 *   per exception: varint gap to the index before it, varint (value - base) >> width
 *
 * The count is not stored: it is known from the chunk. Differences wrap at 64 bits, so every int64
 * survives. */
#ifndef BUSBAR_HISTORY_INTS_H
#define BUSBAR_HISTORY_INTS_H

#include "base/bytes.h"

/* What the encoder needs to know about a column before it writes it. */
struct history_ints_plan {
    uint64_t base; /* as two's complement */
    unsigned width;
    unsigned exceptions;
    size_t bytes; /* upper bound of the encoded size, close to it */
};

/* Finds the cheapest width. */
void history_ints_plan(const int64_t *values, size_t count, struct history_ints_plan *plan);

/* Writes plan.bytes bytes at most. */
void history_ints_put(struct bytes_out *out, const int64_t *values, size_t count,
                      const struct history_ints_plan *plan);

/* Reads count values; fails the cursor when the bytes are no such column. */
void history_ints_get(struct bytes *in, int64_t *values, size_t count);

#endif
