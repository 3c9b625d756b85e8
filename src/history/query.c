/* SPDX-License-Identifier: Apache-2.0 */
/* Reading samples as they are, with quality, texts and receive times, and buckets of them; where the
 * samples are over, buckets of the tiers. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "history/history_private.h"
#include "history/merge.h"
#include "history/tiers.h"
#include "history/view.h"

enum { LIMIT_DEFAULT = 1000000, BUCKETS_MAX = 100000, TEXT_BLOCK_BYTES = 16 * 1024 };

struct query {
    struct history *history;
    struct history_view view;
    struct history_sources sources;
    struct history_merge merge;
};

static int query_open(struct query *query, struct history *history, uint32_t series,
                      int64_t from_us, int64_t to_us)
{
    query->history = history;
    history_sources_init(&query->sources);
    int error = history_merge_init(&query->merge, &query->sources, from_us, to_us);
    history_view_init(&query->view, history, query->merge.coder, query->merge.column);
    if (error == 0) {
        error = history_view_collect(&query->view, series, &from_us, to_us, &query->sources);
    }
    if (error == 0) {
        history_merge_again(&query->merge, &query->sources, from_us, to_us);
    }
    return error;
}

static void query_close(struct query *query, uint64_t *damaged)
{
    *damaged = query->sources.damaged;
    atomic_fetch_add(&query->history->damaged_chunks, query->sources.damaged);
    history_merge_fini(&query->merge);
    history_sources_fini(&query->sources);
    history_view_fini(&query->view);
}

/* --- samples --- */

/* Texts of a result: a list of blocks, each beginning with the pointer to the one before it. */
struct text_block {
    struct text_block *before;
    size_t used, size;
    max_align_t bytes[];
};

static const struct text *keep_text(struct history_samples *result, const struct text *text)
{
    size_t size = (sizeof(*text) + text->size + 1 + 7) / 8 * 8;
    struct text_block *block = result->texts;
    if (block == NULL || block->size - block->used < size) {
        size_t room = size > TEXT_BLOCK_BYTES ? size : TEXT_BLOCK_BYTES;
        block = busbar_try_alloc(sizeof(*block) + room);
        if (block == NULL) {
            return NULL;
        }
        block->before = result->texts;
        block->size = room;
        result->texts = block;
    }
    void *copy = (uint8_t *)block->bytes + block->used;
    block->used += size;
    memcpy(copy, text, sizeof(*text) + text->size + 1);
    return copy;
}

void history_samples_free(struct history_samples *result)
{
    for (struct text_block *block = result->texts, *before; block != NULL; block = before) {
        before = block->before;
        busbar_free(block);
    }
    busbar_free(result->samples);
    *result = (struct history_samples){ 0 };
}

int history_samples_keep(struct history_samples *result, size_t *capacity,
                         const struct sample *samples, size_t count)
{
    if (result->count + count > *capacity) {
        size_t wanted = 2 * *capacity > result->count + count ? 2 * *capacity
                                                              : result->count + count;
        struct sample *grown = busbar_try_realloc(result->samples, wanted * sizeof(*grown));
        if (grown == NULL) {
            return BUSBAR_ENOMEM;
        }
        result->samples = grown;
        *capacity = wanted;
    }
    struct sample *to = result->samples + result->count;
    memcpy(to, samples, count * sizeof(*to));
    for (size_t i = 0; i < count; i++) {
        if (to[i].type == VALUE_TEXT) {
            to[i].value.text = keep_text(result, to[i].value.text);
            if (to[i].value.text == NULL) {
                return BUSBAR_ENOMEM;
            }
        }
    }
    result->count += count;
    return 0;
}

int history_read(struct history *history, uint32_t series, int64_t from_us, int64_t to_us,
                 size_t limit, struct history_samples *result)
{
    struct query query;
    size_t capacity = 0;
    *result = (struct history_samples){ 0 };
    limit = limit > 0 ? limit : LIMIT_DEFAULT;
    int error = query_open(&query, history, series, from_us, to_us);
    while (error == 0 && !result->more) {
        const struct sample *samples;
        size_t count;
        error = history_merge_next(&query.merge, &samples, &count);
        if (error != 0 || count == 0) {
            break;
        }
        result->more = count > limit - result->count;
        count = result->more ? limit - result->count : count;
        error = history_samples_keep(result, &capacity, samples, count);
    }
    uint64_t damaged;
    query_close(&query, &damaged);
    if (error != 0) {
        history_samples_free(result);
    }
    result->damaged = damaged;
    return error;
}

/* --- buckets --- */

struct bucketing {
    struct history_buckets *result;
    size_t capacity;
    int64_t from_us, step_us;
};

static uint64_t bucket_number(const struct bucketing *work, int64_t time_us)
{
    return ((uint64_t)time_us - (uint64_t)work->from_us) / (uint64_t)work->step_us;
}

/* The bucket of a time; times only grow. NULL: no memory. */
static struct history_bucket *bucket_of(struct bucketing *work, int64_t time_us)
{
    struct history_buckets *result = work->result;
    int64_t start_us = work->from_us +
                       (int64_t)(bucket_number(work, time_us) * (uint64_t)work->step_us);
    if (result->count > 0 && result->buckets[result->count - 1].start_us == start_us) {
        return &result->buckets[result->count - 1];
    }
    if (result->count == work->capacity) {
        size_t capacity = work->capacity > 0 ? 2 * work->capacity : 64;
        struct history_bucket *grown = busbar_try_realloc(result->buckets,
                                                          capacity * sizeof(*grown));
        if (grown == NULL) {
            return NULL;
        }
        result->buckets = grown;
        work->capacity = capacity;
    }
    struct history_bucket *bucket = &result->buckets[result->count++];
    *bucket = (struct history_bucket){ .start_us = start_us };
    return bucket;
}

static void add_number(struct history_bucket *bucket, double number, int64_t time_us)
{
    if (bucket->count++ == 0) {
        bucket->min = bucket->max = bucket->first = number;
        bucket->first_us = time_us;
    }
    bucket->min = number < bucket->min ? number : bucket->min;
    bucket->max = number > bucket->max ? number : bucket->max;
    bucket->sum += number;
    bucket->last = number;
    bucket->last_us = time_us;
}

static void add_sample(struct history_bucket *bucket, const struct sample *sample)
{
    double number;
    if (history_is_number(sample->type, sample->value, sample->quality, &number)) {
        add_number(bucket, number, sample->time_us);
    } else if (sample->type == VALUE_NONE || quality_class(sample->quality) == QUALITY_CLASS_BAD) {
        bucket->bad++;
    } else {
        bucket->others++;
    }
    bucket->quality = sample->quality;
}

static void add_chunk(struct history_bucket *bucket, const struct history_chunk_info *info)
{
    if (info->numbers > 0) {
        if (bucket->count == 0) {
            bucket->min = info->min;
            bucket->max = info->max;
            bucket->first = info->first;
            bucket->first_us = info->first_number_us;
        }
        bucket->min = info->min < bucket->min ? info->min : bucket->min;
        bucket->max = info->max > bucket->max ? info->max : bucket->max;
        bucket->sum += info->sum;
        bucket->count += info->numbers;
        bucket->last = info->last;
        bucket->last_us = info->last_number_us;
    }
    bucket->bad += info->bad;
    bucket->others += info->count - info->numbers - info->bad;
    bucket->quality = info->last_quality;
}

/* A chunk that lies in one bucket as a whole is not decoded. True: it was such a one. */
static bool add_whole(struct bucketing *work, struct history_merge *merge, int *error)
{
    const struct history_source *source = history_merge_whole(merge);
    if (source == NULL ||
        bucket_number(work, source->first_us) != bucket_number(work, source->last_us)) {
        return false;
    }
    struct history_chunk_info info;
    *error = history_merge_skip(merge, &info);
    if (*error == 0) {
        struct history_bucket *bucket = bucket_of(work, info.first_us);
        *error = bucket == NULL ? BUSBAR_ENOMEM : 0;
        if (bucket != NULL) {
            add_chunk(bucket, &info);
        }
    } else if (*error == BUSBAR_EDAMAGED) {
        *error = 0; /* counted */
    }
    return true;
}

static int fill_buckets(struct bucketing *work, struct history_merge *merge)
{
    for (;;) {
        int error = 0;
        if (add_whole(work, merge, &error)) {
            if (error != 0) {
                return error;
            }
            continue;
        }
        const struct sample *samples;
        size_t count;
        error = history_merge_next(merge, &samples, &count);
        if (error != 0 || count == 0) {
            return error;
        }
        for (size_t i = 0; i < count; i++) {
            struct history_bucket *bucket = bucket_of(work, samples[i].time_us);
            if (bucket == NULL) {
                return BUSBAR_ENOMEM;
            }
            add_sample(bucket, &samples[i]);
        }
    }
}

/* --- buckets of samples that are over, from tiers --- */

static int64_t round_down(int64_t time_us, int64_t step_us)
{
    int64_t rest = time_us % step_us;
    return time_us - (rest < 0 ? rest + step_us : rest);
}

/* What a tier's bucket says; what it does not say stays NaN. */
static void add_tier(struct history_bucket *bucket, const struct history_tier_bucket *tier,
                     int64_t step_us)
{
    if (tier->count > 0) {
        if (bucket->count == 0) {
            bucket->min = tier->min;
            bucket->max = tier->max;
            bucket->first = NAN;
            bucket->first_us = tier->end_us - step_us;
        }
        bucket->min = tier->min < bucket->min ? tier->min : bucket->min;
        bucket->max = tier->max > bucket->max ? tier->max : bucket->max;
        bucket->sum += tier->sum;
        bucket->count += tier->count;
        bucket->last = tier->last;
        bucket->last_us = tier->end_us;
    }
    bucket->bad += tier->bad;
    bucket->others += tier->others;
    bucket->quality = tier->count + tier->others > 0 ? QUALITY_GOOD : QUALITY_NO_ANSWER;
}

/* Buckets up to where the samples begin. The tier's (end - step, end] is counted where it begins. */
static int fill_from_tiers(struct bucketing *work, struct query *query, uint32_t series,
                           int64_t to_us)
{
    int64_t over_us = history_expired_before(query->history, series, clock_wall_us());
    int64_t step_us = work->step_us >= HISTORY_TIER_COARSE_US ? HISTORY_TIER_COARSE_US
                                                              : HISTORY_TIER_FINE_US;
    struct history_tiers tiers = { 0 };
    struct history_view view; /* its own: that of the query holds the blocks of its sources */
    history_view_init(&view, query->history, query->merge.coder, query->merge.column);
    to_us = over_us < to_us ? over_us : to_us;
    int error = 0;
    while (work->from_us < to_us && error == 0) {
        int64_t end_us = over_us < to_us ? round_down(to_us, step_us)
                                         : round_down(to_us - 1, step_us) + step_us;
        error = history_tiers_read(&view, series, round_down(work->from_us, step_us), end_us,
                                   step_us, &tiers);
        if (tiers.span_count > 0 || step_us == HISTORY_TIER_COARSE_US) {
            break;
        }
        step_us = HISTORY_TIER_COARSE_US; /* of series with few samples there are hours only */
    }
    for (size_t i = 0; i < tiers.bucket_count && error == 0; i++) {
        int64_t start_us = tiers.buckets[i].end_us - step_us;
        start_us = start_us > work->from_us ? start_us : work->from_us;
        struct history_bucket *bucket = start_us < to_us ? bucket_of(work, start_us) : NULL;
        if (bucket != NULL) {
            add_tier(bucket, &tiers.buckets[i], step_us);
        } else if (start_us < to_us) {
            error = BUSBAR_ENOMEM;
        }
    }
    history_tiers_fini(&tiers);
    history_view_fini(&view);
    return error;
}

int history_buckets(struct history *history, uint32_t series, int64_t from_us, int64_t to_us,
                    int64_t step_us, struct history_buckets *result)
{
    *result = (struct history_buckets){ 0 };
    if (step_us < 1 || from_us > to_us) {
        return BUSBAR_EINVAL;
    }
    struct bucketing work = { .result = result, .from_us = from_us, .step_us = step_us };
    if (to_us > from_us && bucket_number(&work, to_us - 1) >= BUCKETS_MAX) {
        return BUSBAR_ELIMIT;
    }
    struct query query;
    int error = query_open(&query, history, series, from_us, to_us);
    if (error == 0 && to_us > from_us) {
        error = fill_from_tiers(&work, &query, series, to_us);
    }
    error = error == 0 ? fill_buckets(&work, &query.merge) : error;
    query_close(&query, &result->damaged);
    if (error != 0) {
        busbar_free(result->buckets);
        *result = (struct history_buckets){ .damaged = result->damaged };
    }
    return error;
}

bool history_last(struct history *history, uint32_t series, struct sample *sample,
                  struct text **text)
{
    return history_head_last(&history->head, series, sample, text);
}

void history_counts(struct history *history, uint32_t series, struct history_counts *counts)
{
    history_head_counts(&history->head, series, counts);
}
