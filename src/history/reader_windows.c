/* SPDX-License-Identifier: Apache-2.0 */
/* Windows of a series. All edges of windows cut time into cells (edge, next edge]; what lies in one cell is
 * added up once, whole chunks from their heads, and each window adds up its cells:
 *
 *   windows   (----------]
 *                  (----------]
 *   edges     |    |     |    |
 *   cells     (----](----](---]     each with count, sum, min, max, first, last
 *
 * A chunk that an edge cuts is decoded. When that is most of them nothing is gained, and the caller reads numbers
 * instead. */
#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/err.h"
#include "history/reader_private.h"

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
        to->first = from->first;
        to->first_us = from->first_us;
        to->min = from->min;
        to->max = from->max;
    }
    to->min = from->min < to->min || isnan(to->min) ? from->min : to->min;
    to->max = from->max > to->max || isnan(to->max) ? from->max : to->max;
    to->last = from->last;
    to->last_us = from->last_us;
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
        struct history_window one = { .count = 1,
                                      .sum = value,
                                      .min = value,
                                      .max = value,
                                      .first = value,
                                      .last = value,
                                      .first_us = reader->times[i],
                                      .last_us = reader->times[i] };
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
    struct history_window all = { .count = info.numbers,
                                  .sum = info.sum,
                                  .min = info.min,
                                  .max = info.max,
                                  .first = info.first,
                                  .last = info.last,
                                  .first_us = info.first_number_us,
                                  .last_us = info.last_number_us };
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

int history_reader_windows(struct history_reader *reader, uint32_t series, int64_t first_end_us,
                           int64_t step_us, int64_t width_us, size_t count,
                           struct history_window *windows)
{
    int64_t from_us, to_us;
    if (step_us < 1 || width_us < 1 || count == 0 ||
        __builtin_sub_overflow(first_end_us, width_us - 1, &from_us) ||
        __builtin_mul_overflow((int64_t)(count - 1), step_us, &to_us) ||
        __builtin_add_overflow(to_us, first_end_us + 1, &to_us)) {
        return BUSBAR_EINVAL;
    }
    struct cutting cutting = {
        .first_end_us = first_end_us, .step_us = step_us, .width_us = width_us, .count = count
    };
    reader->max = SIZE_MAX;
    int error = history_reader_collect(reader, series, &from_us, to_us);
    if (error == 0 && !is_worth_it(&cutting, reader, from_us, to_us)) {
        error = BUSBAR_EUNSUPPORTED;
    }
    error = error == 0 ? fill_cells(&cutting, reader, from_us, to_us) : error;
    if (error == 0) {
        add_cells(&cutting, windows);
    }
    busbar_free(cutting.cells);
    return error;
}
