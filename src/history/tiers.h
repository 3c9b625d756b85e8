/* SPDX-License-Identifier: Apache-2.0 */
/* Tiers: what the samples of each 5 minutes and of each hour come to, made once a day is some days old, kept
 * longer than the samples (config.tiers_keep_us), and read in their place where that is exact.
 *
 * A tier block (level TIERS) has the tiers of one day. It is an ordinary block whose series numbers say
 * more: series x 16 + tier x 8 + field, and whose times are the ends of buckets, (end - step, end]:
 *
 *   tier   0: 5 minutes, only of series with 2,304 samples that day, 8 a bucket; 1: an hour
 *   field  0 count  numbers that are not bad, NaN left out      4 last
 *          1 sum                                                5 increase: what a counter grew by since the
 *          2 min                                                  number before, a fall being a new start
 *          3 max                                                6 bad, 7 others: samples that are no numbers
 *
 * Buckets without samples are left out. So are fields that say nothing: min, max that are last in every bucket,
 * a sum that is count x last, an increase of what is no counter (falls often), bad and others of 0. */
#ifndef BUSBAR_HISTORY_TIERS_H
#define BUSBAR_HISTORY_TIERS_H

#include "history/history_private.h"
#include "history/view.h"

enum history_tier_field {
    HISTORY_TIER_COUNT,
    HISTORY_TIER_SUM,
    HISTORY_TIER_MIN,
    HISTORY_TIER_MAX,
    HISTORY_TIER_LAST,
    HISTORY_TIER_INCREASE,
    HISTORY_TIER_BAD,
    HISTORY_TIER_OTHERS,
    HISTORY_TIER_FIELDS
};

enum { HISTORY_TIER_FINE, HISTORY_TIER_COARSE, HISTORY_TIER_KINDS };

#define HISTORY_TIER_FINE_US   (INT64_C(300) * 1000000)
#define HISTORY_TIER_COARSE_US (INT64_C(3600) * 1000000)

static inline int64_t history_tier_step(unsigned tier)
{
    return tier == HISTORY_TIER_FINE ? HISTORY_TIER_FINE_US : HISTORY_TIER_COARSE_US;
}

static inline uint32_t history_tier_key(uint32_t series, unsigned tier, unsigned field)
{
    return series << 4 | tier << 3 | field;
}

/* --- making (tiers.c; keeper.work is held) --- */

/* Makes the tiers of one day that is old enough and has none. */
int history_make_tiers(struct history *history, bool *worked);

/* --- reading (tiers_read.c) --- */

struct history_tier_bucket {
    int64_t end_us;             /* the window is (end - step, end] */
    uint64_t count;             /* of numbers */
    double sum, min, max, last; /* undefined when count is 0 */
    double increase;            /* NaN: not a counter */
    uint64_t bad, others;       /* as in history_bucket */
};

/* Samples with from < time <= to are answered by buckets[first] .. buckets[first + count - 1]. */
struct history_tier_span {
    int64_t from_us, to_us, step_us;
    size_t first, count;
};

struct history_tiers {
    struct history_tier_bucket *buckets;
    size_t bucket_count, bucket_capacity;
    struct history_tier_span *spans; /* ascending, apart */
    size_t span_count, span_capacity;
    uint64_t damaged; /* chunks that could not be read: their days are in no span */
};

/* Finds where the tiers answer for (from, to]. unit_us: what all edges of the windows asked for, from and to too,
 * are multiples of, counted from 1970: spans begin and end at such edges only, or at midnight. A day is in a span
 * when its tiers say exactly what its samples would (no sample of it is newer than they are, nothing of
 * it waits to be deleted, no NaN), or when its samples are over. Not said by tiers: times and values of first
 * numbers. BUSBAR_ENOMEM. The view's sources of before are not valid any more. */
int history_tiers_read(struct history_view *view, uint32_t series, int64_t from_us, int64_t to_us,
                       int64_t unit_us, struct history_tiers *tiers);
void history_tiers_fini(struct history_tiers *tiers);

#endif
