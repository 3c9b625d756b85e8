/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "history/days.h"
#include "history/merge.h"
#include "history/tiers.h"

enum { BUCKETS_MIN = 64, SPANS_MIN = 8, BYTES_MAX = 16 * 1024 };

struct reading {
    struct history_view *view;
    uint32_t series;
    unsigned tier;
    int64_t from_us, to_us;       /* (from, to] */
    int64_t over_us;              /* samples before it are over */
    struct history_sources fresh; /* of head and LOG blocks: newer than any tier */
    struct history_deletion_list deletions;
    struct history_tiers *tiers;
};

/* What is in no block of a day yet. The head first: what moves to a block meanwhile is seen in one of them. */
static int find_fresh(struct reading *reading)
{
    struct history_view *view = reading->view;
    int64_t first_us = reading->from_us + 1;
    int64_t end_us = reading->to_us + 1;
    int error = history_head_collect(&view->history->head, reading->series, first_us, end_us,
                                     view->coder, view->column, &reading->fresh);
    if (error == 0) {
        error = history_deletes_find(&view->history->deletes, reading->series, first_us, end_us,
                                     &reading->deletions);
    }
    error = error == 0 ? history_view_hold(view) : error;
    for (size_t i = 0; i < view->block_count && error == 0; i++) {
        const struct state_block *row = &view->blocks[i]->row;
        if (row->level == HISTORY_LEVEL_LOG && row->from_us < end_us && row->to_us >= first_us) {
            error = history_block_collect(view->blocks[i], reading->series, first_us, end_us,
                                          &reading->fresh);
        }
    }
    return error;
}

static bool overlaps(const struct reading *reading, int64_t begin_us, int64_t end_us)
{
    for (size_t i = 0; i < reading->fresh.count; i++) {
        const struct history_source *source = &reading->fresh.all[i];
        if (source->first_us <= end_us && source->last_us >= begin_us) {
            return true;
        }
    }
    return false;
}

/* A deletion that these rows have not obeyed covers some of a time. */
static bool is_deleted(const struct reading *reading, uint64_t obeyed, int64_t begin_us,
                       int64_t end_us)
{
    for (size_t i = 0; i < reading->deletions.count; i++) {
        const struct state_deletion *deletion = &reading->deletions.all[i];
        if (deletion->id > obeyed && deletion->from_us <= end_us && deletion->to_us > begin_us) {
            return true;
        }
    }
    return false;
}

/* The tiers of a day say what its samples would, or those are over. *over: they are. */
static bool is_exact(const struct reading *reading, const struct history_block *block, int64_t day,
                     bool *over)
{
    const struct history_view *view = reading->view;
    int64_t begin_us = history_day_begin(day);
    int64_t end_us = history_day_end(day);
    *over = reading->over_us > begin_us;
    if (*over) {
        return true;
    }
    *over = true;
    for (size_t i = 0; i < view->block_count; i++) {
        const struct state_block *row = &view->blocks[i]->row;
        if ((row->level == HISTORY_LEVEL_DAY || row->level == HISTORY_LEVEL_COLD) &&
            history_day_of(row->to_us) == day) {
            *over = false;
            if (row->tiers_us == 0 || is_deleted(reading, row->deletes, begin_us, end_us)) {
                return false;
            }
        }
    }
    return !overlaps(reading, begin_us, end_us) &&
           (*over || !is_deleted(reading, block->row.deletes, begin_us, end_us));
}

/* --- decoding --- */

static int decode(const struct reading *reading, const struct history_source *entry)
{
    uint8_t data[BYTES_MAX];
    if (entry->size > sizeof(data) || entry->size < 5) {
        return BUSBAR_EDAMAGED;
    }
    int error = history_block_read(entry, data);
    return error != 0 ? error
                      : history_chunk_decode(reading->view->coder, data + 4, entry->size - 4,
                                             reading->view->column);
}

static int add_buckets(struct history_tiers *tiers, const struct history_column *column)
{
    if (tiers->bucket_count + column->count > tiers->bucket_capacity) {
        size_t capacity = 2 * tiers->bucket_capacity + column->count + BUCKETS_MIN;
        struct history_tier_bucket *grown = busbar_try_realloc(tiers->buckets,
                                                               capacity * sizeof(*grown));
        if (grown == NULL) {
            return BUSBAR_ENOMEM;
        }
        tiers->buckets = grown;
        tiers->bucket_capacity = capacity;
    }
    for (size_t i = 0; i < column->count; i++) {
        tiers->buckets[tiers->bucket_count + i] = (struct history_tier_bucket){
            .end_us = column->times[i],
            .count = (uint64_t)column->values[i].i,
            .sum = NAN,
            .min = NAN,
            .max = NAN,
            .increase = NAN,
        };
    }
    return 0;
}

static void set_field(struct history_tier_bucket *bucket, unsigned field, union value value)
{
    switch (field) {
    case HISTORY_TIER_SUM: bucket->sum = value.d; break;
    case HISTORY_TIER_MIN: bucket->min = value.d; break;
    case HISTORY_TIER_MAX: bucket->max = value.d; break;
    case HISTORY_TIER_LAST: bucket->last = value.d; break;
    case HISTORY_TIER_INCREASE: bucket->increase = value.d; break;
    case HISTORY_TIER_BAD: bucket->bad = (uint64_t)value.i; break;
    default: bucket->others = (uint64_t)value.i; break;
    }
}

/* The fields of one tier of a day, in order, count first. BUSBAR_EDAMAGED: something of it is. */
static int read_fields(const struct reading *reading, const struct history_sources *fields,
                       size_t *count)
{
    struct history_tiers *tiers = reading->tiers;
    const struct history_column *column = reading->view->column;
    unsigned seen = 0;
    *count = 0;
    for (size_t i = 0; i < fields->count; i++) {
        unsigned field = fields->all[i].series & 7u;
        int error = decode(reading, &fields->all[i]);
        bool counts = field == HISTORY_TIER_COUNT || field >= HISTORY_TIER_BAD;
        if (error == 0 && ((i == 0) != (field == HISTORY_TIER_COUNT) || column->marked ||
                           column->type != (counts ? VALUE_INT : VALUE_DOUBLE) ||
                           (i > 0 && column->count != *count))) {
            error = BUSBAR_EDAMAGED;
        }
        if (error == 0 && i == 0) {
            error = add_buckets(tiers, column);
            *count = column->count;
        }
        if (error != 0) {
            return error;
        }
        seen |= 1u << field;
        for (size_t b = 0; b < *count && field != HISTORY_TIER_COUNT; b++) {
            set_field(&tiers->buckets[tiers->bucket_count + b], field, column->values[b]);
        }
    }
    for (size_t b = 0; b < *count; b++) { /* what was left out follows from the others */
        struct history_tier_bucket *bucket = &tiers->buckets[tiers->bucket_count + b];
        bucket->min = (seen & 1u << HISTORY_TIER_MIN) != 0 ? bucket->min : bucket->last;
        bucket->max = (seen & 1u << HISTORY_TIER_MAX) != 0 ? bucket->max : bucket->last;
        bucket->sum = (seen & 1u << HISTORY_TIER_SUM) != 0 ? bucket->sum
                                                           : (double)bucket->count * bucket->last;
    }
    return 0;
}

/* --- a day --- */

static int add_span(struct history_tiers *tiers, int64_t from_us, int64_t to_us, int64_t step_us,
                    size_t count)
{
    struct history_tier_span *last = tiers->span_count > 0 ? &tiers->spans[tiers->span_count - 1]
                                                           : NULL;
    if (last != NULL && last->to_us == from_us) {
        last->to_us = to_us;
        last->count += count;
        tiers->bucket_count += count;
        return 0;
    }
    if (tiers->span_count == tiers->span_capacity) {
        size_t capacity = 2 * tiers->span_capacity + SPANS_MIN;
        struct history_tier_span *grown = busbar_try_realloc(tiers->spans,
                                                             capacity * sizeof(*grown));
        if (grown == NULL) {
            return BUSBAR_ENOMEM;
        }
        tiers->spans = grown;
        tiers->span_capacity = capacity;
    }
    tiers->spans[tiers->span_count++] = (struct history_tier_span){
        .from_us = from_us,
        .to_us = to_us,
        .step_us = step_us,
        .first = tiers->bucket_count,
        .count = count,
    };
    tiers->bucket_count += count;
    return 0;
}

/* Of the buckets read, those of (from, to] that nobody deleted; *words: there are texts or NaN in them. */
static size_t keep_wanted(const struct reading *reading, const struct history_block *block,
                          bool over, size_t count, int64_t from_us, int64_t to_us, bool *words)
{
    struct history_tier_bucket *buckets = reading->tiers->buckets + reading->tiers->bucket_count;
    int64_t step_us = history_tier_step(reading->tier);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        int64_t end_us = buckets[i].end_us;
        if (end_us > from_us && end_us <= to_us &&
            !(over && is_deleted(reading, block->row.deletes, end_us - step_us + 1, end_us))) {
            *words = *words || buckets[i].others > 0;
            buckets[kept++] = buckets[i];
        }
    }
    return kept;
}

static int read_day(const struct reading *reading, struct history_block *block)
{
    int64_t day = history_day_of(block->row.to_us);
    int64_t from_us = history_day_begin(day) - 1;
    int64_t to_us = history_day_end(day);
    bool over;
    bool words = false;
    struct history_sources fields;
    from_us = from_us > reading->from_us ? from_us : reading->from_us;
    to_us = to_us < reading->to_us ? to_us : reading->to_us;
    if (from_us >= to_us || !is_exact(reading, block, day, &over)) {
        return 0;
    }
    history_sources_init(&fields);
    fields.borrowed = true;
    int error = history_block_collect_keys(
        block, history_tier_key(reading->series, reading->tier, 0),
        history_tier_key(reading->series, reading->tier, HISTORY_TIER_FIELDS - 1), &fields);
    bool none = fields.count == 0;
    if (error == 0 && none && reading->tier == HISTORY_TIER_FINE) { /* is there the other one? */
        error = history_block_collect_keys(
            block, history_tier_key(reading->series, HISTORY_TIER_COARSE, 0),
            history_tier_key(reading->series, HISTORY_TIER_COARSE, 0), &fields);
    }
    bool damaged = fields.damaged > 0;
    bool answered = !damaged && (!none || fields.count == 0);
    size_t count = 0;
    if (error == 0 && answered && !none) {
        error = read_fields(reading, &fields, &count);
        damaged = error == BUSBAR_EDAMAGED;
        error = damaged ? 0 : error;
    }
    history_sources_fini(&fields);
    reading->tiers->damaged += damaged;
    if (error != 0 || !answered || damaged) {
        return error;
    }
    count = keep_wanted(reading, block, over, count, from_us, to_us, &words);
    return words && !over
               ? 0
               : add_span(reading->tiers, from_us, to_us, history_tier_step(reading->tier), count);
}

static int by_time(const void *a, const void *b)
{
    const struct history_block *left = *(struct history_block *const *)a;
    const struct history_block *right = *(struct history_block *const *)b;
    return left->row.to_us < right->row.to_us ? -1 : left->row.to_us > right->row.to_us;
}

/* The tier blocks of the time, by day. */
static struct history_block **find_days(const struct reading *reading, size_t *count)
{
    const struct history_view *view = reading->view;
    struct history_block **days = busbar_try_alloc((view->block_count + 1) * sizeof(days[0]));
    *count = 0;
    for (size_t i = 0; i < view->block_count && days != NULL; i++) {
        const struct state_block *row = &view->blocks[i]->row;
        int64_t day = history_day_of(row->to_us);
        if (row->level == HISTORY_LEVEL_TIERS && history_day_begin(day) <= reading->to_us &&
            history_day_end(day) > reading->from_us) {
            days[(*count)++] = view->blocks[i];
        }
    }
    if (days != NULL && *count > 1) {
        qsort(days, *count, sizeof(days[0]), by_time);
    }
    return days;
}

int history_tiers_read(struct history_view *view, uint32_t series, int64_t from_us, int64_t to_us,
                       int64_t unit_us, struct history_tiers *tiers)
{
    *tiers = (struct history_tiers){ 0 };
    if (unit_us < HISTORY_TIER_FINE_US || unit_us % HISTORY_TIER_FINE_US != 0 ||
        from_us % HISTORY_TIER_FINE_US != 0 || to_us % HISTORY_TIER_FINE_US != 0) {
        return 0;
    }
    bool coarse = unit_us % HISTORY_TIER_COARSE_US == 0 && from_us % HISTORY_TIER_COARSE_US == 0 &&
                  to_us % HISTORY_TIER_COARSE_US == 0;
    struct reading reading = { .view = view,
                               .series = series,
                               .tier = coarse ? HISTORY_TIER_COARSE : HISTORY_TIER_FINE,
                               .from_us = from_us,
                               .to_us = to_us,
                               .tiers = tiers };
    size_t count = 0;
    reading.over_us = history_expired_before(view->history, series, clock_wall_us());
    history_sources_init(&reading.fresh);
    reading.fresh.borrowed = true;
    int error = find_fresh(&reading);
    struct history_block **days = error == 0 ? find_days(&reading, &count) : NULL;
    error = error == 0 && days == NULL ? BUSBAR_ENOMEM : error;
    for (size_t i = 0; i < count && error == 0; i++) {
        error = read_day(&reading, days[i]);
    }
    busbar_free(days);
    busbar_free(reading.deletions.all);
    history_sources_fini(&reading.fresh);
    if (error != 0) {
        history_tiers_fini(tiers);
    }
    return error;
}

void history_tiers_fini(struct history_tiers *tiers)
{
    busbar_free(tiers->buckets);
    busbar_free(tiers->spans);
    *tiers = (struct history_tiers){ 0 };
}
