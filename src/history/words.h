/* SPDX-License-Identifier: Apache-2.0 */
/* Integers of a log record: varint base (zigzag; the smallest), u8 width 0 1 2 4 8, then the low bytes of
 * value - base. Whole bytes, because the loop writes them: a copy with a subtraction is all it costs. */
#ifndef BUSBAR_HISTORY_WORDS_H
#define BUSBAR_HISTORY_WORDS_H

#include "base/bytes.h"

/* Bytes at most. */
static inline size_t history_words_bytes(size_t count)
{
    return BYTES_VARINT_MAX + 1 + 8 * count;
}

void history_words_put(struct bytes_out *out, const int64_t *values, size_t count);
/* The same when the smallest and the largest are known. */
void history_words_put_between(struct bytes_out *out, const int64_t *values, size_t count,
                               int64_t low, int64_t high);
/* Fails the cursor when the bytes are no such column. */
void history_words_get(struct bytes *in, int64_t *values, size_t count);

#endif
