/* SPDX-License-Identifier: Apache-2.0 */
/* Columns of integers as small as can be, for chunks that are read seldom: a binary range coder whose
 * probabilities adapt to the column (as in LZMA; range coding after G. N. N. Martin, 1979).
 *
 * A value becomes u: its distance to the smallest one, or zigzag, whichever needs fewer bits. Of u, how many bits it
 * has is coded (is it 0, in the light of the last three; then a tree of six decisions), then its two bits
 * behind the first with probabilities, the others as they are.
 *
 *   u8      1: less a base, 0: zigzag
 *   varint  base, zigzag (when 1)
 *   bytes   the code; zeros at its end are left out
 *
 * Some 15 M values/s to write and 20 M/s to read on one core of 2023. Nothing is allocated. */
#ifndef BUSBAR_HISTORY_RANGE_CODER_H
#define BUSBAR_HISTORY_RANGE_CODER_H

#include "base/bytes.h"

/* Writes to[max] at most. Returns the size, 0: it needs more than max. */
size_t history_range_put(uint8_t *to, size_t max, const int64_t *values, size_t count);

/* The same behind its size, a varint. False: both may need more than max bytes; then nothing is written. */
bool history_range_write(struct bytes_out *out, size_t max, const int64_t *values, size_t count);

/* Reads count values from exactly size bytes. False: they are no such column. Any bytes are safe. */
bool history_range_get(const uint8_t *from, size_t size, int64_t *values, size_t count);

/* What history_range_write() wrote. Fails the cursor when it is no such column. */
void history_range_read(struct bytes *in, int64_t *values, size_t count);

#endif
