/* SPDX-License-Identifier: Apache-2.0 */
#include "history/stage.h"

#include <string.h>

#include "base/alloc.h"
#include "history/head_private.h"

enum { ROWS_MIN = 4, TILE = 8 /* series whose values share a cache line of each row */ };

static bool is_usual(const struct sample *sample, const struct sample *first)
{
    return sample->type == first->type && sample->quality == QUALITY_GOOD && sample->detail == 0 &&
           sample->time_us == first->time_us && sample->receive_us == sample->time_us;
}

size_t history_stage_row(const struct sample *samples, size_t count)
{
    uint8_t type = samples[0].type;
    size_t row = 0;
    if (type != VALUE_BOOL && type != VALUE_INT && type != VALUE_DOUBLE) {
        return 0;
    }
    while (row < count && is_usual(&samples[row], samples) &&
           samples[row].point == samples[0].point + (uint32_t)row) {
        row++;
    }
    return row >= HISTORY_STAGE_RUN ? row : 0;
}

static size_t row_bytes(const struct history_stage_run *run)
{
    return run->count * sizeof(union value);
}

/* ---- settling ---- */

static void last_of(struct history_series *series, const struct history_stage_run *run, union value value)
{
    if (series->has_last && series->last_type == VALUE_TEXT) {
        busbar_free((void *)(uintptr_t)series->last.text);
    }
    series->has_last = true;
    series->last_us = run->times[run->rows - 1];
    series->last_receive_us = series->last_us;
    series->last = value;
    series->last_detail = 0;
    series->last_type = run->type;
    series->last_quality = QUALITY_GOOD;
    series->stored += run->rows;
    series->staged = false;
}

/* seal: the fewest rows that become a chunk instead of entries of the open buffer. */
static void settle_series(struct history_head *head, const struct history_stage_run *run, uint32_t id,
                          const union value *values, unsigned seal)
{
    struct history_series *series = history_head_find(head, id);
    if (run->rows >= seal && series->open_count == 0) {
        history_head_seal_column(head, series, run->type, run->times, values, run->rows);
    } else {
        for (size_t row = 0; row < run->rows; row++) {
            history_head_append(head, series, run->type, run->times[row], values[row]);
        }
    }
    last_of(series, run, values[run->rows - 1]);
}

static void settle_run(struct history_head *head, struct history_stage_run *run, unsigned seal)
{
    union value tile[TILE][HISTORY_STAGE_ROWS];
    for (uint32_t from = 0; run->rows > 0 && from < run->count; from += TILE) {
        uint32_t width = run->count - from < TILE ? run->count - from : TILE;
        for (size_t row = 0; row < run->rows; row++) {
            const union value *values = run->values + row * run->count + from;
            for (uint32_t i = 0; i < width; i++) {
                tile[i][row] = values[i];
            }
        }
        for (uint32_t i = 0; i < width; i++) {
            settle_series(head, run, run->first + from + i, tile[i], seal);
        }
    }
    run->rows = 0;
}

void history_stage_settle(struct history_head *head, uint32_t series)
{
    const struct history_series *staged = history_head_find(head, series);
    if (staged == NULL || !staged->staged) {
        return;
    }
    for (struct history_stage_run *run = head->stage.runs; run != NULL; run = run->next) {
        if (run->rows > 0 && series >= run->first && series - run->first < run->count) {
            settle_run(head, run, HISTORY_STAGE_SEAL);
        }
    }
}

void history_stage_settle_all(struct history_head *head)
{
    for (struct history_stage_run *run = head->stage.runs; run != NULL; run = run->next) {
        settle_run(head, run, HISTORY_STAGE_SEAL);
    }
}

void history_stage_ease(struct history_head *head)
{
    struct history_stage_run *next;
    uint64_t from = 0;
    do {
        next = NULL;
        pthread_mutex_lock(&head->lock);
        for (struct history_stage_run *run = head->stage.runs; run != NULL; run = run->next) {
            if (run->rows > 0 && run->first >= from && (next == NULL || run->first < next->first)) {
                next = run;
            }
        }
        if (next != NULL) {
            settle_run(head, next, 1); /* a block is about to take all there is: chunks at once */
            from = (uint64_t)next->first + 1;
        }
        pthread_mutex_unlock(&head->lock);
    } while (next != NULL);
}

/* ---- gathering ---- */

static void free_run(struct history_head *head, struct history_stage_run *run)
{
    size_t bytes = sizeof(*run) + run->capacity * row_bytes(run);
    head->stage.bytes -= bytes;
    head->bytes -= bytes;
    busbar_free(run->values);
    busbar_free(run);
}

/* The run that begins there, made when there is none; one of another shape gives way. */
static struct history_stage_run *find_run(struct history_head *head, const struct history_row *row)
{
    struct history_stage *stage = &head->stage;
    struct history_stage_run *run = map64_get(&stage->by_first, row->first);
    if (run != NULL && (run->count != row->count || run->type != row->type)) {
        settle_run(head, run, HISTORY_STAGE_SEAL);
        struct history_stage_run **link = &stage->runs;
        while (*link != run) {
            link = &(*link)->next;
        }
        *link = run->next;
        (void)map64_remove(&stage->by_first, run->first);
        free_run(head, run);
        run = NULL;
    }
    if (run == NULL) {
        run = busbar_alloc(sizeof(*run));
        run->first = row->first;
        run->count = row->count;
        run->type = row->type;
        run->next = stage->runs;
        stage->runs = run;
        (void)map64_set(&stage->by_first, run->first, run);
        stage->bytes += sizeof(*run);
        head->bytes += sizeof(*run);
    }
    return run;
}

/* A first row: every series must be of this generation, in no other run, and older than the row. */
static bool open_run(struct history_head *head, const struct history_stage_run *run, int64_t time_us)
{
    for (uint32_t i = 0; i < run->count; i++) {
        struct history_series *series = history_head_make(head, run->first + i);
        if (series->staged) {
            history_stage_settle(head, run->first + i);
        }
        if (series->generation != head->generation) {
            if (series->generation != 0 || series->open_count > 0) {
                history_head_thaw(head, series, run->first + i);
            }
            series->generation = head->generation;
        }
        if (series->has_last && series->last_us >= time_us) {
            return false;
        }
    }
    for (uint32_t i = 0; i < run->count; i++) {
        struct history_series *series = history_head_find(head, run->first + i);
        head->series_count += !series->has_last;
        series->staged = true;
    }
    return true;
}

static bool make_room(struct history_head *head, struct history_stage_run *run)
{
    size_t capacity = run->capacity > 0 ? 2u * run->capacity : ROWS_MIN;
    size_t more = (capacity - run->capacity) * row_bytes(run);
    if (run->rows < run->capacity) {
        return true;
    }
    if (capacity > HISTORY_STAGE_ROWS ||
        (run->capacity > 0 && head->stage.bytes + more > HISTORY_STAGE_BYTES)) {
        return false;
    }
    run->values = busbar_realloc(run->values, capacity * row_bytes(run));
    run->capacity = (uint16_t)capacity;
    head->stage.bytes += more;
    head->bytes += more;
    return true;
}

bool history_stage_add(struct history_head *head, const struct history_row *row)
{
    struct history_stage_run *run = find_run(head, row);
    if (run->rows > 0 && row->time_us <= run->times[run->rows - 1]) {
        return false;
    }
    if (!make_room(head, run)) {
        settle_run(head, run, HISTORY_STAGE_SEAL);
    }
    if (run->rows == 0 && !open_run(head, run, row->time_us)) {
        return false;
    }
    memcpy(run->values + (size_t)run->rows * run->count, row->values, row_bytes(run));
    run->times[run->rows++] = row->time_us;
    head->stored += row->count;
    head->samples += row->count;
    return true;
}

void history_stage_fini(struct history_stage *stage)
{
    while (stage->runs != NULL) {
        struct history_stage_run *run = stage->runs;
        stage->runs = run->next;
        busbar_free(run->values);
        busbar_free(run);
    }
    map64_fini(&stage->by_first);
}
