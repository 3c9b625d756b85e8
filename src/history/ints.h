/* SPDX-License-Identifier: Apache-2.0 */
/* Integer columns of chunks: frame of reference, bit packing, patched exceptions.
 *
 *   varint  base        zigzag; what all are counted from
 *   u8      width       bits of each packed value, 0..64
 *   varint  exceptions  how many values do not fit into width bits
 *   bytes   packed      count x width bits, low bit first, padded to a byte
 *   per exception: varint gap to the index before it, varint (value - base) >> width
 *
 * A handful of different values that is no power of two is smaller as digits of that base, R = 2..128:
 *
 *   varint  base
 *   u8      65
 *   u8      R
 *   varint  exceptions
 *   groups  of 32 bytes: 4 words of D digits each, D the most with R^D < 2^64; digit i of word w is
 *           value 4 i + w of the group. A word is the digits as a fraction of 2^64, rounded up, the first digit the
 *           highest, so that each multiplication with R gives the next (exact because R^D < 2^64)
 *   bytes   what is left over, packed with the width of R - 1
 *   per exception: varint gap, varint floor((value - base) / R), zigzag; its digit is the rest
 *
 * The count is not stored: it is known from the chunk. Differences wrap at 64 bits, so every int64
 * survives, and an exception may lie on either side of the base. */
#ifndef BUSBAR_HISTORY_INTS_H
#define BUSBAR_HISTORY_INTS_H

#include "base/bytes.h"
#include "history/kernels.h"

/* How many bits a number has; 0 has none. */
static inline unsigned history_bits_of(uint64_t value)
{
    return value == 0 ? 0 : 64u - (unsigned)__builtin_clzll(value);
}

/* What the encoder needs to know about a column before it writes it. */
struct history_ints_plan {
    uint64_t base; /* as two's complement */
    unsigned width;
    unsigned radix; /* R; 0: bits */
    unsigned exceptions;
    size_t bytes; /* upper bound of the encoded size, close to it */
};

/* Finds a cheap width and base. Large columns are looked at by samples of them. */
void history_ints_plan(const struct history_kernels *kernels, const int64_t *values, size_t count,
                       struct history_ints_plan *plan);

/* About how many bytes the column will take: from few samples of it, for choosing among columns. */
size_t history_ints_guess(const struct history_kernels *kernels, const int64_t *values,
                          size_t count);

/* Writes plan.bytes bytes at most. */
void history_ints_put(const struct history_kernels *kernels, struct bytes_out *out,
                      const int64_t *values, size_t count, const struct history_ints_plan *plan);

/* A part of a column: what is outside of it need not be decoded. first <= end. */
struct history_part {
    size_t first, end;
};

static inline struct history_part history_all(size_t count)
{
    return (struct history_part){ .first = 0, .end = count };
}

/* Reads a column of count values, of which those in the part are wanted at their places in values[]; the others are
 * anything. Fails the cursor when the bytes are no such column. True: all are alike. */
bool history_ints_get(const struct history_kernels *kernels, struct bytes *in, int64_t *values,
                      size_t count, struct history_part part);

#endif
