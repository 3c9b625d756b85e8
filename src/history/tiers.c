/* SPDX-License-Identifier: Apache-2.0 */
#include "history/tiers.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "history/compact.h"
#include "history/days.h"
#include "history/merge.h"

enum {
    FINE_BUCKETS = 288,
    COARSE_BUCKETS = 24,
    FINE_SAMPLES = 8,   /* a bucket, at least, on the average of the day */
    COUNTER_FALLS = 16, /* a counter falls at most once in so many samples */
    DECIMALS_MAX = 6,   /* of a sum */
};

struct making {
    struct history *history;
    struct history_block *raw; /* NULL: its samples are over */
    struct history_block *old; /* the tiers there are; NULL: none */
    int64_t day;
    struct history_block_writer *writer;
    struct history_merge merge;
    struct history_coder *coder;
    struct history_column *column;
    struct buf out;
    struct history_tier_bucket fine[FINE_BUCKETS], coarse[COARSE_BUCKETS];
    uint64_t samples, falls; /* of the series in turn */
    uint64_t chunks;
};

/* --- adding up --- */

static void add_number(struct making *making, struct history_tier_bucket *bucket, double number,
                       double *before)
{
    if (bucket->count++ == 0) {
        bucket->min = bucket->max = number;
    }
    bucket->min = number < bucket->min ? number : bucket->min;
    bucket->max = number > bucket->max ? number : bucket->max;
    bucket->sum += number;
    bucket->last = number;
    if (*before == *before) {
        bool fall = number < *before;
        bucket->increase += fall ? number : number - *before;
        making->falls += fall;
    }
    *before = number;
    making->samples++;
}

static void add_samples(struct making *making, const struct sample *samples, size_t count,
                        double *before)
{
    int64_t begin_us = history_day_begin(making->day);
    for (size_t i = 0; i < count; i++) {
        const struct sample *sample = &samples[i];
        size_t at = (size_t)((sample->time_us - begin_us) / HISTORY_TIER_FINE_US);
        struct history_tier_bucket *bucket = &making->fine[at];
        double number;
        if (history_is_number(sample->type, sample->value, sample->quality, &number)) {
            add_number(making, bucket, number, before);
        } else if (sample->type == VALUE_NONE ||
                   quality_class(sample->quality) == QUALITY_CLASS_BAD) {
            bucket->bad++;
        } else {
            bucket->others++;
        }
    }
}

/* Hours out of 5 minutes. */
static void make_coarse(struct making *making)
{
    for (size_t i = 0; i < FINE_BUCKETS; i++) {
        const struct history_tier_bucket *from = &making->fine[i];
        struct history_tier_bucket *to = &making->coarse[i / (FINE_BUCKETS / COARSE_BUCKETS)];
        if (from->count > 0) {
            to->min = to->count == 0 || from->min < to->min ? from->min : to->min;
            to->max = to->count == 0 || from->max > to->max ? from->max : to->max;
            to->sum += from->sum;
            to->last = from->last;
            to->increase += from->increase;
            to->count += from->count;
        }
        to->bad += from->bad;
        to->others += from->others;
    }
}

/* Sums of decimals are decimals, but for what doubles lose: without it they need a quarter of the room. */
static double tidy_sum(double sum)
{
    double power = 1;
    for (int k = 0; k <= DECIMALS_MAX; k++, power *= 10) {
        double rounded = round(sum * power) / power;
        if (fabs(rounded - sum) <= 1e-13 * fabs(sum)) {
            return rounded;
        }
    }
    return sum;
}

/* --- writing --- */

static union value field_of(const struct history_tier_bucket *bucket, unsigned field)
{
    switch (field) {
    case HISTORY_TIER_COUNT: return (union value){ .i = (int64_t)bucket->count };
    case HISTORY_TIER_SUM: return (union value){ .d = tidy_sum(bucket->sum) };
    case HISTORY_TIER_MIN: return (union value){ .d = bucket->min };
    case HISTORY_TIER_MAX: return (union value){ .d = bucket->max };
    case HISTORY_TIER_LAST: return (union value){ .d = bucket->last };
    case HISTORY_TIER_INCREASE: return (union value){ .d = tidy_sum(bucket->increase) };
    case HISTORY_TIER_BAD: return (union value){ .i = (int64_t)bucket->bad };
    default: return (union value){ .i = (int64_t)bucket->others };
    }
}

/* The field says something that the others do not in this bucket. */
static bool says(const struct history_tier_bucket *bucket, unsigned field)
{
    switch (field) {
    case HISTORY_TIER_COUNT: return true;
    case HISTORY_TIER_SUM: return bucket->sum != (double)bucket->count * bucket->last;
    case HISTORY_TIER_MIN: return bucket->min != bucket->last;
    case HISTORY_TIER_MAX: return bucket->max != bucket->last;
    case HISTORY_TIER_LAST: return bucket->count > 0;
    case HISTORY_TIER_INCREASE: return bucket->count > 0;
    case HISTORY_TIER_BAD: return bucket->bad > 0;
    default: return bucket->others > 0;
    }
}

static int put_chunk(struct making *making, uint32_t key, const void *data, size_t size)
{
    struct history_chunk_info info;
    int error = history_chunk_info(data, size, &info);
    making->chunks++;
    return error == 0 ? history_block_add(making->writer, key, data, size, &info) : error;
}

static int put_field(struct making *making, uint32_t series, unsigned tier, unsigned field)
{
    const struct history_tier_bucket *buckets = tier == HISTORY_TIER_FINE ? making->fine
                                                                          : making->coarse;
    size_t count = tier == HISTORY_TIER_FINE ? FINE_BUCKETS : COARSE_BUCKETS;
    int64_t end_us = history_day_begin(making->day) - 1;
    struct history_column *column = making->column;
    bool any = false;
    column->count = 0;
    column->marked = false;
    column->type = field >= HISTORY_TIER_BAD || field == HISTORY_TIER_COUNT ? VALUE_INT
                                                                            : VALUE_DOUBLE;
    for (size_t i = 0; i < count; i++) {
        end_us += history_tier_step(tier);
        if (buckets[i].count + buckets[i].bad + buckets[i].others > 0) {
            any = any || says(&buckets[i], field);
            column->times[column->count] = end_us;
            column->values[column->count++] = field_of(&buckets[i], field);
        }
    }
    if (!any) {
        return 0;
    }
    buf_clear(&making->out);
    int error = history_chunk_encode(making->coder, column, &making->out);
    return error == 0 ? put_chunk(making, history_tier_key(series, tier, field), making->out.data,
                                  making->out.size)
                      : error;
}

static int put_series(struct making *making, uint32_t series)
{
    bool counter = making->falls * COUNTER_FALLS <= making->samples;
    bool fine = making->samples >= FINE_SAMPLES * FINE_BUCKETS;
    unsigned tier = fine ? HISTORY_TIER_FINE : HISTORY_TIER_COARSE;
    int error = 0;
    for (; tier < HISTORY_TIER_KINDS && error == 0; tier++) {
        for (unsigned field = 0; field < HISTORY_TIER_FIELDS && error == 0; field++) {
            if (field != HISTORY_TIER_INCREASE || counter) {
                error = put_field(making, series, tier, field);
            }
        }
    }
    return error;
}

/* --- from samples --- */

/* The last number of the day before, which a counter of this day goes on from; NaN: none. */
static int number_before(struct making *making, uint32_t series, double *before)
{
    struct history_samples found;
    int64_t end_us = history_day_begin(making->day);
    int error = 0;
    *before = NAN;
    for (int64_t back_us = HISTORY_TIER_COARSE_US; back_us <= HISTORY_DAY_US && *before != *before;
         back_us *= 24) {
        error = history_read(making->history, series, end_us - back_us, end_us, 0, &found);
        for (size_t i = found.count; error == 0 && i > 0 && *before != *before; i--) {
            const struct sample *sample = &found.samples[i - 1];
            double number;
            if (history_is_number(sample->type, sample->value, sample->quality, &number)) {
                *before = number;
            }
        }
        history_samples_free(&found);
        if (error != 0) {
            return error;
        }
    }
    return 0;
}

static int make_series(struct making *making, uint32_t series, struct history_sources *sources)
{
    double before;
    const struct sample *samples;
    size_t count;
    memset(making->fine, 0, sizeof(making->fine));
    memset(making->coarse, 0, sizeof(making->coarse));
    making->samples = 0;
    making->falls = 0;
    int error = history_deletes_apply(&making->history->deletes, series, sources);
    error = error == 0 ? number_before(making, series, &before) : error;
    if (error != 0) {
        return error;
    }
    history_merge_again(&making->merge, sources, history_day_begin(making->day),
                        history_day_end(making->day) + 1);
    while ((error = history_merge_next(&making->merge, &samples, &count)) == 0 && count > 0) {
        add_samples(making, samples, count, &before);
    }
    if (error == 0 && sources->damaged > 0) {
        error = BUSBAR_EDAMAGED; /* better none than wrong ones */
    }
    make_coarse(making);
    return error == 0 ? put_series(making, series) : error;
}

/* --- from the tiers there are --- */

/* A bucket of a delete goes as a whole: its samples are over, what is left of it is not known. */
static int copy_field(struct making *making, const struct history_source *entry,
                      const struct history_deletion_list *list)
{
    const uint8_t *data;
    size_t size;
    int64_t step_us = history_tier_step(entry->series >> 3 & 1u);
    int error = history_merge_read(&making->merge, entry, &data, &size);
    if (error != 0 || list->count == 0) {
        return error == 0 ? put_chunk(making, entry->series, data, size) : error;
    }
    struct history_column *column = making->column;
    error = history_chunk_decode(making->coder, data, size, column);
    size_t kept = 0;
    for (size_t i = 0; error == 0 && i < column->count; i++) {
        bool hidden = false;
        for (size_t d = 0; d < list->count && !hidden; d++) {
            hidden = column->times[i] >= list->all[d].from_us &&
                     column->times[i] - step_us < list->all[d].to_us - 1;
        }
        column->times[kept] = column->times[i];
        column->values[kept] = column->values[i];
        kept += !hidden;
    }
    column->count = kept;
    if (error != 0 || kept == 0) {
        return error;
    }
    buf_clear(&making->out);
    error = history_chunk_encode(making->coder, column, &making->out);
    return error == 0 ? put_chunk(making, entry->series, making->out.data, making->out.size)
                      : error;
}

static int copy_series(struct making *making, uint32_t series)
{
    struct history_sources sources;
    struct history_deletion_list list;
    history_sources_init(&sources);
    int error = history_block_collect_keys(making->old, history_tier_key(series, 0, 0),
                                           history_tier_key(series, 1, HISTORY_TIER_FIELDS - 1),
                                           &sources);
    int found = history_deletes_find(&making->history->deletes, series,
                                     history_day_begin(making->day),
                                     history_day_end(making->day) + 1, &list);
    error = error == 0 ? found : error;
    if (error == 0 && sources.damaged > 0) {
        error = BUSBAR_EDAMAGED;
    }
    for (size_t i = 0; i < sources.count && error == 0; i++) {
        error = copy_field(making, &sources.all[i], &list);
    }
    busbar_free(list.all);
    history_sources_fini(&sources);
    return error;
}

/* --- a day --- */

/* The series of both blocks in turn; samples are taken where they are all there. */
static int make_all(struct making *making)
{
    struct history_block_walk raw;
    struct history_block_walk old;
    const struct history_source *raw_entry = NULL;
    const struct history_source *old_entry = NULL;
    int64_t now_us = clock_wall_us();
    int error = 0;
    history_block_walk_init(&raw, making->raw);
    history_block_walk_init(&old, making->old);
    raw_entry = making->raw != NULL ? history_block_walk_next(&raw, &error) : NULL;
    if (error == 0 && making->old != NULL) {
        old_entry = history_block_walk_next(&old, &error);
    }
    while (error == 0 && (raw_entry != NULL || old_entry != NULL)) {
        uint32_t raw_series = raw_entry != NULL ? raw_entry->series : UINT32_MAX;
        uint32_t old_series = old_entry != NULL ? old_entry->series >> 4 : UINT32_MAX;
        uint32_t series = raw_series < old_series ? raw_series : old_series;
        struct history_sources sources;
        history_sources_init(&sources);
        while (error == 0 && raw_entry != NULL && raw_entry->series == series) {
            struct history_source *source = history_sources_add(&sources);
            error = source == NULL ? BUSBAR_ENOMEM : 0;
            if (source != NULL) {
                uint32_t order = source->order;
                *source = *raw_entry; /* the walk holds the block */
                source->order = order;
                raw_entry = history_block_walk_next(&raw, &error);
            }
        }
        bool over = history_expired_before(making->history, series, now_us) >
                    history_day_begin(making->day);
        if (error == 0 && raw_series == series && !over) {
            error = make_series(making, series, &sources);
        } else if (error == 0 && old_series == series) {
            error = copy_series(making, series);
        }
        history_sources_fini(&sources);
        while (error == 0 && old_entry != NULL && old_entry->series >> 4 == series) {
            old_entry = history_block_walk_next(&old, &error);
        }
        error = error == 0 ? history_breathe(making->history) : error;
    }
    if (error == 0 && raw.entries.damaged + old.entries.damaged > 0) {
        error = BUSBAR_EDAMAGED;
    }
    history_block_walk_fini(&raw);
    history_block_walk_fini(&old);
    return error;
}

static int finish(struct making *making, int error, struct state_block *row)
{
    bool any = error == 0 && making->chunks > 0;
    *row = (struct state_block){ 0 };
    if (making->writer != NULL && any) {
        error = history_block_finish(making->writer, row);
    } else if (making->writer != NULL) {
        history_block_abandon(making->writer);
    }
    history_merge_fini(&making->merge);
    history_coder_free(making->coder);
    busbar_free(making->column);
    buf_fini(&making->out);
    return error;
}

static int make_day(struct history *history, struct history_block *raw, struct history_block *old,
                    int64_t day)
{
    struct making *making = busbar_alloc(sizeof(*making));
    struct history_sources none;
    struct state_block rows[2];
    uint64_t ids[2];
    uint64_t deletes = history_deletes_last(&history->deletes);
    *making = (struct making){ .history = history, .raw = raw, .old = old, .day = day };
    history_sources_init(&none);
    buf_init(&making->out, HISTORY_WORK_BYTES_MAX);
    making->coder = history_coder_new();
    making->column = history_column_new();
    int error = history_merge_init(&making->merge, &none, 0, 0);
    error = making->coder == NULL || making->column == NULL ? BUSBAR_ENOMEM : error;
    if (error == 0) {
        history_coder_cold(making->coder, true); /* a few numbers, read seldom */
        error = history_block_create(history->file, history->block_folder,
                                     history_blocks_new_id(&history->blocks), &making->writer);
    }
    error = error == 0 ? make_all(making) : error;
    error = finish(making, error, &rows[0]);
    struct state_change change = { .add = rows, .remove = ids };
    if (error == 0 && making->chunks > 0) {
        rows[0].level = HISTORY_LEVEL_TIERS;
        rows[0].deletes = deletes;
        rows[0].sequence_first = raw != NULL ? raw->row.sequence_first : old->row.sequence_first;
        rows[0].sequence_last = raw != NULL ? raw->row.sequence_last : old->row.sequence_last;
        change.add_count++;
    }
    if (old != NULL) {
        ids[change.remove_count++] = old->row.id;
    }
    if (raw != NULL) {
        ids[change.remove_count++] = raw->row.id;
        rows[change.add_count] = raw->row;
        rows[change.add_count++].tiers_us = clock_wall_us();
    }
    error = error == 0 ? history_change(history, &change) : error;
    busbar_free(making);
    return error;
}

/* The block of a day with this level, as far as there is just one that can be read. */
static struct history_block *block_of(struct history_block **blocks, size_t count, int64_t day,
                                      bool tiers)
{
    struct history_block *found = NULL;
    for (size_t i = 0; i < count; i++) {
        uint32_t level = blocks[i]->row.level;
        bool right = tiers ? level == HISTORY_LEVEL_TIERS
                           : level == HISTORY_LEVEL_DAY || level == HISTORY_LEVEL_COLD;
        if (right && history_day_of(blocks[i]->row.to_us) == day) {
            if (found != NULL) {
                return NULL;
            }
            found = blocks[i];
        }
    }
    return found;
}

int history_make_tiers(struct history *history, bool *worked)
{
    size_t count;
    if (history->config.tiers_keep_us == HISTORY_TIERS_OFF) {
        return 0;
    }
    struct history_block **blocks = history_blocks_hold(&history->blocks, &count);
    if (blocks == NULL) {
        return BUSBAR_ENOMEM;
    }
    int64_t now_us = clock_wall_us();
    int64_t cold_us = history->config.cold_us < 0 ? 2 * HISTORY_DAY_US : history->config.cold_us;
    int64_t keep_us = history->config.tiers_keep_us;
    int error = 0;
    for (size_t i = 0; i < count && error == 0 && !*worked; i++) {
        struct history_block *raw = blocks[i];
        int64_t day = history_day_of(raw->row.to_us);
        int64_t age_us = now_us - history_day_end(day);
        bool level = raw->row.level == HISTORY_LEVEL_DAY || raw->row.level == HISTORY_LEVEL_COLD;
        if (level && !raw->damaged && raw->row.tiers_us == 0 && age_us >= cold_us &&
            (keep_us == HISTORY_KEEP_FOREVER || age_us < keep_us) &&
            block_of(blocks, count, day, false) == raw) {
            error = make_day(history, raw, block_of(blocks, count, day, true), day);
            raw->damaged = error == BUSBAR_EDAMAGED;
            error = raw->damaged ? 0 : error;
            *worked = error == 0;
        }
    }
    history_release_all(blocks, count);
    return error;
}

/* A tier block has something of a series that was deleted. */
static bool is_touched(struct history_block *block, const struct state_deletion *deletion)
{
    struct history_sources sources;
    history_sources_init(&sources);
    bool touched = false;
    if (deletion->id > block->row.deletes && deletion->from_us <= block->row.to_us &&
        deletion->to_us > history_day_begin(history_day_of(block->row.to_us))) {
        int error = history_block_collect_keys(
            block, history_tier_key(deletion->series, 0, 0),
            history_tier_key(deletion->series, 1, HISTORY_TIER_FIELDS - 1), &sources);
        touched = error == 0 && sources.count > 0;
    }
    history_sources_fini(&sources);
    return touched;
}

int history_tiers_obey(struct history *history, struct history_block **blocks, size_t count,
                       bool *worked)
{
    struct state_deletion *all;
    size_t deletions;
    uint64_t last;
    int error = state_deletions(history->state, &all, &deletions, &last);
    for (size_t i = 0; i < count && error == 0 && !*worked; i++) {
        struct history_block *block = blocks[i];
        bool touched = false;
        for (size_t d = 0; d < deletions && !touched; d++) {
            touched = block->row.level == HISTORY_LEVEL_TIERS && !block->damaged &&
                      is_touched(block, &all[d]);
        }
        if (touched) {
            int64_t day = history_day_of(block->row.to_us);
            error = make_day(history, block_of(blocks, count, day, false), block, day);
            block->damaged = error == BUSBAR_EDAMAGED;
            error = block->damaged ? 0 : error;
            *worked = error == 0;
        }
    }
    busbar_free(all);
    return error;
}
