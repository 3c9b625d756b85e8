/* SPDX-License-Identifier: Apache-2.0 */
#include "sinks/postgres/chunks_make.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "history/index.h"
#include "sinks/postgres/rows_back.h"

#define SLICE_US (INT64_C(1000000)) /* of work, then it is put in */
/* PostgreSQL counts from 2000-01-01 on. */
#define EPOCH_US (INT64_C(946684800) * 1000000)

enum { COLUMNS = 9 };

static void put_be(struct buf *out, uint64_t value, size_t size)
{
    uint8_t bytes[8];
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (uint8_t)(value >> 8 * (size - 1 - i));
    }
    buf_append(out, bytes, size);
}

static void put_cell(struct buf *out, int64_t value, size_t size)
{
    put_be(out, size, 4);
    put_be(out, (uint64_t)value, size);
}

static void put_head(struct buf *out)
{
    buf_append(out, "PGCOPY\n\377\r\n", 11); /* with its NUL */
    put_be(out, 0, 8);
}

static int put_row(struct pg_chunks_work *work, struct history_sealer *sealer, uint32_t point,
                   int16_t part, const struct sample *samples, size_t count)
{
    struct buf *out = &work->out;
    put_be(out, COLUMNS, 2);
    put_cell(out, (work->day_us - EPOCH_US) / PG_DAY_US, 4);
    put_cell(out, point, 4);
    put_cell(out, work->site, 2);
    put_cell(out, part, 2);
    put_cell(out, HISTORY_SEALED_VERSION, 2);
    put_cell(out, (int64_t)count, 4);
    put_cell(out, samples[0].time_us - EPOCH_US, 8);
    put_cell(out, samples[count - 1].time_us - EPOCH_US, 8);
    put_be(out, 0, 4); /* the size of what follows, when it is known */
    size_t begin = out->size;
    int error = out->overflow ? BUSBAR_ELIMIT : history_seal(sealer, samples, count, out);
    if (error != 0) {
        return error;
    }
    size_t size = out->size - begin;
    for (size_t i = 0; i < 4; i++) {
        out->data[begin - 4 + i] = (uint8_t)(size >> 8 * (3 - i));
    }
    work->rows++;
    work->samples += count;
    work->bytes += size;
    return 0;
}

/* The day of a point, as the history has it. */
static int make_point(struct pg_chunks_work *work, struct history_sealer *sealer, uint32_t point)
{
    struct history_samples found = { .more = true };
    int64_t from_us = work->day_us;
    int error = 0;
    for (int16_t part = 0; error == 0 && found.more; part++) {
        if (part == PG_CHUNKS_PARTS_MAX) {
            return BUSBAR_ELIMIT;
        }
        error = history_read(work->history, point, from_us, work->day_us + PG_DAY_US,
                             HISTORY_SEALED_SAMPLES, &found);
        if (error == 0 && found.count > 0) {
            error = put_row(work, sealer, point, part, found.samples, found.count);
            from_us = found.samples[found.count - 1].time_us + 1;
        }
        work->damaged += found.damaged;
        bool more = found.more && found.count > 0;
        history_samples_free(&found);
        found.more = more;
    }
    return error;
}

static int by_number(const void *a, const void *b)
{
    const uint32_t *left = a, *right = b;
    return (*left > *right) - (*left < *right);
}

static bool is_wanted(const struct pg_chunks_work *work, uint32_t point)
{
    bool there = work->there_count > 0 &&
                 bsearch(&point, work->there, work->there_count, sizeof(point), by_number) != NULL;
    return !there && sink_filter_wants(work->filter, point);
}

static int make_slice(struct pg_chunks_work *work, struct history_sealer *sealer)
{
    struct err err = { 0 };
    uint32_t *series = NULL;
    size_t count = 0;
    int64_t until_us = clock_mono_us() + SLICE_US;
    int error = history_index_select(history_index(work->history), NULL, 0, PG_CHUNKS_SERIES_MAX,
                                     &work->cancel, &series, &count, &err);
    size_t at = 0;
    while (at < count && series[at] <= work->after) {
        at++;
    }
    for (; at < count && error == 0 && work->out.size < PG_CHUNKS_SLICE_BYTES &&
           clock_mono_us() < until_us;
         at++) {
        if (atomic_load(&work->cancel)) {
            error = BUSBAR_ECANCELED;
        } else if (is_wanted(work, series[at])) {
            work->point = series[at];
            error = make_point(work, sealer, series[at]);
        }
        work->after = series[at];
    }
    work->last = error == 0 && at == count;
    busbar_free(series);
    return error;
}

void pg_chunks_take_row(struct pg_chunks_work *work, const struct pg_answer *answer)
{
    if (work->beside_count == work->beside_capacity) {
        size_t capacity = work->beside_capacity * 2 + 1024;
        struct sample *samples = busbar_try_realloc(work->beside, capacity * sizeof(*samples));
        work->beside = samples != NULL ? samples : work->beside;
        struct text **texts = busbar_try_realloc(work->texts, capacity * sizeof(*texts));
        work->texts = texts != NULL ? texts : work->texts;
        if (samples == NULL || texts == NULL || capacity > PG_CHUNKS_ROWS_MAX) {
            work->error = samples == NULL || texts == NULL ? BUSBAR_ENOMEM : BUSBAR_ELIMIT;
            return;
        }
        work->beside_capacity = capacity;
    }
    size_t at = work->beside_count++;
    pg_row_back(answer, work->after, work->type, &work->beside[at], &work->texts[at]);
}

/* What the database has, of that rows before chunks, and what the history has by now; that of the history wins. */
static int open_old(struct pg_chunks_work *work, struct history_sealer *sealer,
                    struct history_samples *old)
{
    struct bytes in = bytes_of(work->old.data, work->old.size);
    int error = 0;
    while (bytes_left(&in) > 0 && error == 0) {
        size_t size = bytes_get_u32le(&in);
        const uint8_t *data = bytes_get_block(&in, size);
        error = history_unseal(sealer, data, size, work->after, INT64_MIN, INT64_MAX, SIZE_MAX,
                               old);
    }
    return error;
}

static int put_parts(struct pg_chunks_work *work, struct history_sealer *sealer,
                     const struct sample *samples, size_t count)
{
    int error = 0;
    int16_t part = 0;
    for (size_t at = 0; at < count && error == 0; part++) {
        size_t n = count - at < HISTORY_SEALED_SAMPLES ? count - at : HISTORY_SEALED_SAMPLES;
        error = put_row(work, sealer, work->after, part, samples + at, n);
        at += n;
    }
    return error;
}

static int make_again(struct pg_chunks_work *work, struct history_sealer *sealer)
{
    struct history_samples old = { 0 }, now = { 0 }, under = { 0 };
    struct history_samples rows = { .samples = work->beside, .count = work->beside_count };
    struct sample *merged = NULL;
    size_t count = 0;
    work->point = work->after;
    int error = open_old(work, sealer, &old);
    if (error == 0) {
        pg_rows_differ(rows.samples, &rows.count, &old);
        error = history_samples_merge(&rows, &old, &under.samples, &under.count);
    }
    error = error == 0
                ? history_read(work->history, work->after, work->day_us, work->day_us + PG_DAY_US,
                               (size_t)PG_CHUNKS_PARTS_MAX * HISTORY_SEALED_SAMPLES, &now)
                : error;
    error = error == 0 ? history_samples_merge(&now, &under, &merged, &count) : error;
    error = error == 0 ? put_parts(work, sealer, merged, count) : error;
    busbar_free(merged);
    busbar_free(under.samples);
    history_samples_free(&now);
    history_samples_free(&old);
    return error;
}

void pg_chunks_make(void *ctx)
{
    struct pg_chunks_work *work = ctx;
    struct history_sealer *sealer = history_sealer_new();
    work->error = sealer == NULL ? BUSBAR_ENOMEM : work->error;
    if (work->error == 0 && work->flush) {
        work->error = history_flush(work->history);
    }
    if (work->error == 0) {
        put_head(&work->out);
        work->error = work->again ? make_again(work, sealer) : make_slice(work, sealer);
        put_be(&work->out, 0xffff, 2);
        work->error = work->error == 0 && work->out.overflow ? BUSBAR_ELIMIT : work->error;
    }
    history_sealer_free(sealer);
}

void pg_chunks_work_free(struct pg_chunks_work *work)
{
    sink_filter_unref(work->filter);
    busbar_free(work->there);
    for (size_t i = 0; i < work->beside_count; i++) {
        busbar_free(work->texts[i]);
    }
    busbar_free(work->texts);
    busbar_free(work->beside);
    buf_fini(&work->old);
    buf_fini(&work->out);
    busbar_free(work);
}
