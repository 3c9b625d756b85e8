/* SPDX-License-Identifier: Apache-2.0 */
/* A chunk: up to 1,024 samples of one series in time order, compressed; the unit of head and blocks.
 *
 *   u8      version          2; 1 had no steps (times.c), no digits of a base (ints.h), no range coder, no OFF
 *                            (decimals.c) and only the first two kinds of summary; it is read by the same code
 *   u8      type, flags      value type (low 4 bits), MARKED, SUMMED
 *   varint  count - 1
 *   varint  first time       zigzag, us
 *   varint  last - first
 *   summary                  see summary.c: whole chunks answer a query without being decoded
 *   times                    see times.c: residuals of a straight line or of even steps, or deltas
 *   values                   integers.c, decimals.c (of doubles; those that are none: xor.c), texts.c
 *   marks                    when MARKED: type, quality, detail as runs; receive times where they differ
 *
 * A chunk has one value type; samples without a value (VALUE_NONE) may stand among the others. There
 * is no checksum in it: the block that holds it has one. A decoder fed with anything returns
 * BUSBAR_EDAMAGED at worst. */
#ifndef BUSBAR_HISTORY_CHUNK_H
#define BUSBAR_HISTORY_CHUNK_H

#include "base/buf.h"
#include "base/bytes.h"
#include "history/ints.h"
#include "model/quality.h"
#include "model/sample.h"

#define HISTORY_CHUNK_SAMPLES 1024u

/* What a sample has beside time and value, when it is not the usual: received at its own time, good,
 * no detail, of the chunk's type. */
struct history_mark {
    int64_t receive_us;
    uint16_t detail;
    uint8_t type; /* the chunk's, or VALUE_NONE */
    uint8_t quality;
};

/* Samples of one series, decoded. Times ascend and differ. Text values point to struct text, owned by
 * whoever filled the column. The value of a VALUE_NONE sample is ignored. */
struct history_column {
    size_t count;
    uint8_t type; /* VALUE_NONE only when no sample has a value */
    bool marked;  /* marks[] is filled; else every sample is the usual */
    int64_t times[HISTORY_CHUNK_SAMPLES];
    union value values[HISTORY_CHUNK_SAMPLES];
    struct history_mark marks[HISTORY_CHUNK_SAMPLES];
};

/* What a chunk's head says. Numbers are samples with a number (no NaN) that are not bad. */
struct history_chunk_info {
    uint8_t type;
    bool marked, summed;
    size_t count;
    int64_t first_us, last_us;
    size_t numbers, bad;               /* the rest, count - numbers - bad, are good texts and NaN */
    double min, max, sum, first, last; /* of the numbers, when numbers > 0 */
    int64_t first_number_us, last_number_us;
    uint8_t last_quality;
};

/* Working memory of encoder and decoder, one a thread. */
struct history_coder;
struct history_coder *history_coder_new(void); /* NULL: no memory */
void history_coder_free(struct history_coder *coder);
/* From now on it packs as small as it can, which takes some ten times longer. */
void history_coder_cold(struct history_coder *coder, bool cold);
/* An empty column; NULL: no memory. Freed with busbar_free(). */
struct history_column *history_column_new(void);

/* Appends the chunk to out. 0, BUSBAR_ENOMEM, BUSBAR_ELIMIT (out's ceiling). */
int history_chunk_encode(struct history_coder *coder, const struct history_column *column,
                         struct buf *out);

/* Reads the head of a chunk. BUSBAR_EDAMAGED. */
int history_chunk_info(const void *data, size_t size, struct history_chunk_info *info);

/* Reads a whole chunk. Texts live in the coder until its next decode. BUSBAR_EDAMAGED,
 * BUSBAR_ENOMEM. */
int history_chunk_decode(struct history_coder *coder, const void *data, size_t size,
                         struct history_column *column);

/* The same of a chunk that is neither marked nor of texts (BUSBAR_EINVAL: it is), as numbers with from_us <= time < to_us:
 * those in *part, at their places among the info.count times and values there is room for. */
int history_chunk_numbers(struct history_coder *coder, const void *data, size_t size,
                          int64_t from_us, int64_t to_us, int64_t *times, double *values,
                          struct history_chunk_info *info, struct history_part *part);

/* One sample of a column. */
static inline struct sample history_column_sample(const struct history_column *column, size_t i,
                                                  uint32_t series)
{
    struct sample sample = { .time_us = column->times[i],
                             .receive_us = column->times[i],
                             .value = column->values[i],
                             .point = series,
                             .type = column->type };
    if (column->marked) {
        const struct history_mark *mark = &column->marks[i];
        sample.receive_us = mark->receive_us;
        sample.detail = mark->detail;
        sample.type = mark->type;
        sample.quality = mark->quality;
        if (mark->type == VALUE_NONE) {
            sample.value.bits = 0;
        }
    }
    return sample;
}

/* A number that counts in min, max, sum. */
static inline bool history_is_number(uint8_t type, union value value, uint8_t quality, double *out)
{
    return quality_class(quality) != QUALITY_CLASS_BAD && value_number(type, value, out) &&
           *out == *out;
}

#endif
