/* SPDX-License-Identifier: Apache-2.0 */
/* Windows of a series. All edges of windows cut time into cells (edge, next edge]; what lies in one cell is
 * added up once, whole chunks from their heads, and each window adds up its cells:
 *
 *   windows   (----------]
 *                  (----------]
 *   edges     |    |     |    |
 *   cells     (----](----](---]     each with count, sum, min, max, last
 *
 * A chunk that an edge cuts is decoded. When that is most of them nothing is gained, and the caller reads numbers
 * instead. Where tiers say the same as the samples (whole days, when all edges lie on five minutes), their
 * buckets are added instead, each of which lies in one cell. */
#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/err.h"
#include "history/reader_private.h"
#include "history/tiers.h"

enum { CELLS_MIN = 64 };

struct cell {
    struct history_window sums;
    double lost; /* what the sum lost to rounding (Neumaier) */
    int64_t end_us;
};

struct cutting {
    int64_t first_end_us, step_us, width_us;
    size_t count; /* of windows */
    struct cell *cells;
    size_t cell_count, capacity;
};

/* --- sums --- */

static void add_sum(double *sum, double *lost, double more)
{
    double total = *sum + more;
    if (isfinite(total)) {
        bool larger = fabs(*sum) >= fabs(more);
        *lost += larger ? (*sum - total) + more : (more - total) + *sum;
    }
    *sum = total;
}

static void add_window(struct history_window *to, double *lost, const struct history_window *from)
{
    if (from->count == 0) {
        return;
    }
    if (to->count == 0) {
        to->min = from->min;
        to->max = from->max;
    }
    to->min = from->min < to->min || isnan(to->min) ? from->min : to->min;
    to->max = from->max > to->max || isnan(to->max) ? from->max : to->max;
    to->last = from->last;
    to->count += from->count;
    add_sum(&to->sum, lost, from->sum);
}

/* --- edges --- */

/* The first number of the row first + i x step, i in 0 .. count - 1, that is not before time; INT64_MAX: none. */
static int64_t row_next(int64_t first_us, int64_t step_us, size_t count, int64_t time_us)
{
    if (time_us <= first_us) {
        return first_us;
    }
    uint64_t away = (uint64_t)time_us - (uint64_t)first_us;
    uint64_t i = (away - 1) / (uint64_t)step_us + 1;
    return i < count ? (int64_t)((uint64_t)first_us + i * (uint64_t)step_us) : INT64_MAX;
}

/* The end of the cell that a time is in. */
static int64_t cell_end(const struct cutting *cutting, int64_t time_us)
{
    int64_t end = row_next(cutting->first_end_us, cutting->step_us, cutting->count, time_us);
    int64_t start = row_next(cutting->first_end_us - cutting->width_us, cutting->step_us,
                             cutting->count, time_us);
    return end < start ? end : start;
}

/* The cell with this end, the newest; NULL: no memory. */
static struct cell *cell_at(struct cutting *cutting, int64_t end_us)
{
    if (cutting->cell_count > 0 && cutting->cells[cutting->cell_count - 1].end_us == end_us) {
        return &cutting->cells[cutting->cell_count - 1];
    }
    if (cutting->cell_count == cutting->capacity) {
        size_t capacity = cutting->capacity > 0 ? 2 * cutting->capacity : CELLS_MIN;
        struct cell *cells = busbar_try_realloc(cutting->cells, capacity * sizeof(*cells));
        if (cells == NULL) {
            return NULL;
        }
        cutting->cells = cells;
        cutting->capacity = capacity;
    }
    struct cell *cell = &cutting->cells[cutting->cell_count++];
    *cell = (struct cell){ .end_us = end_us };
    return cell;
}

/* --- filling cells --- */

static int add_numbers(struct cutting *cutting, const struct history_reader *reader)
{
    int64_t end_us = INT64_MIN;
    struct cell *cell = NULL;
    for (size_t i = 0; i < reader->count; i++) {
        double value = reader->values[i];
        if (history_is_stale(value)) {
            continue;
        }
        if (cell == NULL || reader->times[i] > end_us) {
            end_us = cell_end(cutting, reader->times[i]);
            cell = cell_at(cutting, end_us);
            if (cell == NULL) {
                return BUSBAR_ENOMEM;
            }
        }
        struct history_window one = {
            .count = 1, .sum = value, .min = value, .max = value, .last = value
        };
        add_window(&cell->sums, &cell->lost, &one);
    }
    return 0;
}

/* A source that stands alone and in one cell; only chunks have sums. */
static bool is_whole(const struct cutting *cutting, const struct history_reader *reader, size_t at,
                     size_t mixed, int64_t from_us, int64_t to_us)
{
    const struct history_source *source = &reader->sources.all[at];
    return mixed == 1 && source->kind != HISTORY_SOURCE_ENTRIES && source->first_us >= from_us &&
           source->last_us < to_us && source->last_us <= cell_end(cutting, source->first_us) &&
           !history_sources_pierced(&reader->sources, source);
}

/* Adds a whole chunk by what its head says. *done false: there may be NaN in it, it must be decoded. */
static int add_head(struct cutting *cutting, struct history_reader *reader,
                    const struct history_source *source, bool *done)
{
    const uint8_t *data;
    size_t size;
    struct history_chunk_info info;
    *done = false;
    int error = history_merge_read(&reader->merge, source, &data, &size);
    error = error == 0 ? history_chunk_info(data, size, &info) : error;
    if (error != 0) {
        return error == BUSBAR_EDAMAGED ? 0 : error; /* decoding it counts the damage */
    }
    bool words = info.type == VALUE_TEXT;
    if (!words && (info.count > info.numbers + info.bad || !isfinite(info.sum) ||
                   info.first_us != source->first_us || info.last_us != source->last_us)) {
        return 0;
    }
    *done = true;
    if (words || info.numbers == 0) {
        return 0;
    }
    struct cell *cell = cell_at(cutting, cell_end(cutting, info.first_us));
    if (cell == NULL) {
        return BUSBAR_ENOMEM;
    }
    struct history_window all = {
        .count = info.numbers, .sum = info.sum, .min = info.min, .max = info.max, .last = info.last
    };
    add_window(&cell->sums, &cell->lost, &all);
    return 0;
}

/* At least half of what would be decoded must not have to be. */
static bool is_worth_it(const struct cutting *cutting, const struct history_reader *reader,
                        int64_t from_us, int64_t to_us)
{
    uint64_t whole = 0;
    uint64_t all = 0;
    for (size_t at = 0, mixed; at < reader->sources.count; at += mixed) {
        mixed = history_reader_mixed(reader, at);
        for (size_t i = at; i < at + mixed; i++) {
            all += reader->sources.all[i].count;
        }
        whole += is_whole(cutting, reader, at, mixed, from_us, to_us)
                     ? reader->sources.all[at].count
                     : 0;
    }
    return whole > 0 && 2 * whole >= all;
}

static int fill_cells(struct cutting *cutting, struct history_reader *reader, int64_t from_us,
                      int64_t to_us)
{
    int error = 0;
    for (size_t at = 0, mixed; at < reader->sources.count && error == 0; at += mixed) {
        bool done = false;
        mixed = history_reader_mixed(reader, at);
        if (is_whole(cutting, reader, at, mixed, from_us, to_us)) {
            error = add_head(cutting, reader, &reader->sources.all[at], &done);
        }
        if (error == 0 && !done) {
            reader->count = 0;
            error = history_reader_append(reader, at, mixed, from_us, to_us);
            error = error == 0 ? add_numbers(cutting, reader) : error;
        }
    }
    return error;
}

static void add_cells(const struct cutting *cutting, struct history_window *windows)
{
    size_t low = 0;
    for (size_t w = 0; w < cutting->count; w++) {
        int64_t end_us = (int64_t)((uint64_t)cutting->first_end_us +
                                   (uint64_t)w * (uint64_t)cutting->step_us);
        double lost = 0;
        windows[w] = (struct history_window){ 0 };
        while (low < cutting->cell_count &&
               cutting->cells[low].end_us <= end_us - cutting->width_us) {
            low++;
        }
        for (size_t i = low; i < cutting->cell_count && cutting->cells[i].end_us <= end_us; i++) {
            add_window(&windows[w], &lost, &cutting->cells[i].sums);
            lost += cutting->cells[i].lost;
        }
        windows[w].sum += isfinite(windows[w].sum) ? lost : 0;
    }
}

/* --- tiers --- */

static uint64_t common_divisor(uint64_t a, uint64_t b)
{
    while (b != 0) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* What all edges are multiples of, from 1970 on. */
static int64_t unit_of(const struct cutting *cutting)
{
    int64_t end_us = cutting->first_end_us;
    uint64_t unit = common_divisor((uint64_t)cutting->step_us, (uint64_t)cutting->width_us);
    return (int64_t)common_divisor(unit, end_us < 0 ? 0 - (uint64_t)end_us : (uint64_t)end_us);
}

static int add_span(struct cutting *cutting, const struct history_tiers *tiers,
                    const struct history_tier_span *span)
{
    for (size_t i = span->first; i < span->first + span->count; i++) {
        const struct history_tier_bucket *bucket = &tiers->buckets[i];
        if (bucket->count == 0) {
            continue;
        }
        struct cell *cell = cell_at(cutting, cell_end(cutting, bucket->end_us));
        if (cell == NULL) {
            return BUSBAR_ENOMEM;
        }
        struct history_window all = { .count = bucket->count,
                                      .sum = bucket->sum,
                                      .min = bucket->min,
                                      .max = bucket->max,
                                      .last = bucket->last };
        add_window(&cell->sums, &cell->lost, &all);
    }
    return 0;
}

/* Samples with from <= time < to. */
static int add_samples(struct cutting *cutting, struct history_reader *reader, uint32_t series,
                       int64_t from_us, int64_t to_us)
{
    if (from_us >= to_us) {
        return 0;
    }
    int error = history_reader_collect(reader, series, &from_us, to_us);
    return error == 0 ? fill_cells(cutting, reader, from_us, to_us) : error;
}

/* Spans of tiers, and samples between them. */
static int fill_by_tiers(struct cutting *cutting, struct history_reader *reader, uint32_t series,
                         const struct history_tiers *tiers, int64_t from_us, int64_t to_us)
{
    int error = 0;
    for (size_t i = 0; i < tiers->span_count && error == 0; i++) {
        const struct history_tier_span *span = &tiers->spans[i];
        error = add_samples(cutting, reader, series, from_us, span->from_us + 1);
        error = error == 0 ? add_span(cutting, tiers, span) : error;
        from_us = span->to_us + 1;
    }
    return error == 0 ? add_samples(cutting, reader, series, from_us, to_us) : error;
}

static int fill_by_chunks(struct cutting *cutting, struct history_reader *reader, uint32_t series,
                          int64_t from_us, int64_t to_us)
{
    int error = history_reader_collect(reader, series, &from_us, to_us);
    if (error == 0 && !is_worth_it(cutting, reader, from_us, to_us)) {
        error = BUSBAR_EUNSUPPORTED;
    }
    return error == 0 ? fill_cells(cutting, reader, from_us, to_us) : error;
}

int history_reader_windows(struct history_reader *reader, uint32_t series, int64_t first_end_us,
                           int64_t step_us, int64_t width_us, size_t count,
                           struct history_window *windows)
{
    int64_t after_us, to_us; /* after < time < to */
    if (step_us < 1 || width_us < 1 || count == 0 ||
        __builtin_sub_overflow(first_end_us, width_us, &after_us) ||
        __builtin_mul_overflow((int64_t)(count - 1), step_us, &to_us) ||
        __builtin_add_overflow(to_us, first_end_us + 1, &to_us)) {
        return BUSBAR_EINVAL;
    }
    struct cutting cutting = {
        .first_end_us = first_end_us, .step_us = step_us, .width_us = width_us, .count = count
    };
    reader->max = SIZE_MAX;
    struct history_tiers tiers;
    int error = history_tiers_read(&reader->view, series, after_us, to_us - 1, unit_of(&cutting),
                                   &tiers);
    if (error == 0 && tiers.span_count > 0) {
        error = fill_by_tiers(&cutting, reader, series, &tiers, after_us + 1, to_us);
    } else if (error == 0) {
        error = fill_by_chunks(&cutting, reader, series, after_us + 1, to_us);
    }
    if (error == 0) {
        add_cells(&cutting, windows);
    }
    reader->damaged += tiers.damaged;
    history_tiers_fini(&tiers);
    busbar_free(cutting.cells);
    return error;
}
