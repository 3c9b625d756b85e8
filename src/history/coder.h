/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a chunk, private to the codec: each is a put/get pair over working columns. A put
 * assumes room (history_chunk_encode reserves it); a get fails the cursor on bad bytes. */
#ifndef BUSBAR_HISTORY_CODER_H
#define BUSBAR_HISTORY_CODER_H

#include "history/chunk.h"
#include "history/ints.h"

enum history_chunk_flag {
    HISTORY_CHUNK_MARKED = 0x10,
    HISTORY_CHUNK_SUMMED = 0x20, /* every sample is a number: counts need not be said */
};

/* Times that were encoded, and their bytes; count 0: none. */
struct history_times_memo {
    size_t count, size;
    uint64_t used; /* when, in columns of times */
    int64_t times[HISTORY_CHUNK_SAMPLES];
    uint8_t bytes[4 * HISTORY_CHUNK_SAMPLES];
};

struct history_coder {
    const struct history_kernels *kernels;
    bool cold;
    struct history_times_memo memos[2];     /* used last: points of one poll have the same times */
    uint64_t columns;                       /* of times so far */
    int64_t numbers[HISTORY_CHUNK_SAMPLES]; /* values as integers */
    struct history_range range;             /* of them, when they are all that the summary needs */
    bool ranged;
    int64_t first[HISTORY_CHUNK_SAMPLES]; /* candidates and scratch */
    int64_t second[HISTORY_CHUNK_SAMPLES];
    int64_t off[HISTORY_CHUNK_SAMPLES];        /* decimals.c */
    union value values[HISTORY_CHUNK_SAMPLES]; /* with something in place of VALUE_NONE */
    uint8_t *texts; /* struct text after struct text, of the last decode */
    size_t text_bytes;
    uint8_t *blob; /* dictionary, raw */
    size_t blob_bytes;
};

/* How the doubles of a column became integers (history_form). */
struct history_scale {
    uint8_t form;
    uint8_t exponent; /* k, 0..HISTORY_EXPONENT_MAX */
};

/* Finds the smallest k with which every value is exactly an integer, and these integers. */
struct history_scale history_scale_find(const struct history_kernels *kernels,
                                        const union value *values, size_t count, int64_t *numbers);
/* The double that n stands for. */
double history_scale_value(struct history_scale scale, int64_t n);

/* A column of doubles (decimals.c). All are integers of this scale, in coder->numbers; or its form is NONE. */
void history_doubles_put(struct bytes_out *out, struct history_coder *coder,
                         const union value *values, size_t count, struct history_scale scale);
void history_doubles_get(struct bytes *in, struct history_coder *coder, union value *values,
                         size_t count, struct history_part part);

void history_times_put(struct bytes_out *out, struct history_coder *coder, const int64_t *times,
                       size_t count);
void history_times_get(struct bytes *in, struct history_coder *coder, int64_t first_us,
                       uint64_t span_us, int64_t *times, size_t count);
/* Finds the part with from_us <= time < to_us; only its times are sure to be decoded. */
void history_times_find(struct bytes *in, struct history_coder *coder, int64_t first_us,
                        uint64_t span_us, int64_t *times, size_t count, int64_t from_us,
                        int64_t to_us, struct history_part *part);

/* A column of integers by the cheapest of: constant, packed, deltas, deltas of deltas, runs. */
void history_integers_put(struct bytes_out *out, struct history_coder *coder,
                          const int64_t *numbers, size_t count);
/* Of the part only. True: all are alike. */
bool history_integers_get(struct bytes *in, struct history_coder *coder, int64_t *numbers,
                          size_t count, struct history_part part);

/* Of two ways to say the same, the second is the smaller: it moves from `second` to where the first begins. */
static inline void history_keep_second(struct bytes_out *out, uint8_t *first, const uint8_t *second)
{
    size_t size = (size_t)(out->at - second);
    memmove(first, second, size);
    out->at = first + size;
}

/* Doubles that are no decimals: XOR with the value before (xor.c). */
void history_xor_put(struct bytes_out *out, const union value *values, size_t count);
void history_xor_get(struct bytes *in, union value *values, size_t count);
#define HISTORY_XOR_BYTES 11u /* a value at most, rounded up */

/* Texts: dictionary and indexes. size: bytes that put will need at most. */
size_t history_texts_size(const union value *values, size_t count);
int history_texts_put(struct bytes_out *out, struct history_coder *coder, const union value *values,
                      size_t count);
int history_texts_get(struct bytes *in, struct history_coder *coder, union value *values,
                      size_t count);

/* Fills all of info but type and marked from the samples; of doubles that are integers of this scale, from these
 * (coder->numbers). */
void history_summary_make(struct history_coder *coder, const struct history_column *column,
                          struct history_scale scale, struct history_chunk_info *info);
void history_summary_put(struct bytes_out *out, struct history_coder *coder,
                         struct history_scale scale, const struct history_chunk_info *info);
/* Needs type, summed, count, first_us, last_us; reads the rest. */
void history_summary_get(struct bytes *in, struct history_chunk_info *info);
#define HISTORY_SUMMARY_BYTES 128u /* at most */

void history_marks_put(struct bytes_out *out, struct history_coder *coder,
                       const struct history_column *column);
void history_marks_get(struct bytes *in, struct history_coder *coder,
                       struct history_column *column);

#endif
