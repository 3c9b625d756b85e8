/* SPDX-License-Identifier: Apache-2.0 */
/* A reader: the numbers of many series for computing, a series after the other, in columns. Chunks are
 * decoded straight into arrays of times and doubles; memory is reused from series to series.
 *
 *   bool -> 0 or 1, int -> double, double with all its bits, text: left out
 *   bad quality, no value -> HISTORY_STALE: from here on there is nothing until the next number
 *
 * One thread a reader; many readers at a time. What it sees of the blocks is as at its opening. */
#ifndef BUSBAR_HISTORY_READER_H
#define BUSBAR_HISTORY_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "history/history.h"

/* Prometheus' stale marker: a NaN with these bits, also when it was written by a sender. */
#define HISTORY_STALE_BITS UINT64_C(0x7ff0000000000002)

static inline double history_stale(void)
{
    const uint64_t bits = HISTORY_STALE_BITS;
    double value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

static inline bool history_is_stale(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    return bits == HISTORY_STALE_BITS;
}

struct history_reader;

/* BUSBAR_ENOMEM. */
int history_reader_open(struct history *history, struct history_reader **reader);
void history_reader_close(struct history_reader *reader); /* NULL is fine */

/* In time order, one a time. Valid until the next call on the reader. */
struct history_numbers {
    const int64_t *times_us;
    const double *values;
    size_t count;
};

/* Numbers of a series with from_us <= time < to_us. BUSBAR_ELIMIT: more than max. BUSBAR_ENOMEM,
 * BUSBAR_EIO. An unknown series has none. */
int history_reader_numbers(struct history_reader *reader, uint32_t series, int64_t from_us,
                           int64_t to_us, size_t max, struct history_numbers *numbers);

/* The newest number of a series with from_us <= time < to_us, without decoding what is before it
 * where that is possible. False: none (also when a text is all there is). *time_us, *value. */
int history_reader_last(struct history_reader *reader, uint32_t series, int64_t from_us,
                        int64_t to_us, bool *found, int64_t *time_us, double *value);

/* What a window of samples comes to, for functions that need no more. Stale markers are left out. */
struct history_window {
    uint64_t count;       /* numbers, NaN too */
    double sum, min, max; /* of them; min and max are NaN only when all are */
    double last;
};

/* Windows (end - width, end] for end = first_end_us + i x step_us, i < count, answered from chunk
 * heads and downsampled tiers where that is exact, else from samples. BUSBAR_EUNSUPPORTED: nothing would be
 * gained (short windows): use history_reader_numbers(). windows[count] is the caller's. */
int history_reader_windows(struct history_reader *reader, uint32_t series, int64_t first_end_us,
                           int64_t step_us, int64_t width_us, size_t count,
                           struct history_window *windows);

/* Chunks in the ranges read so far that are damaged and missing. */
uint64_t history_reader_damaged(const struct history_reader *reader);

#endif
