/* SPDX-License-Identifier: Apache-2.0 */
/* A site given back: of each point its chunks, day by day, then its rows that are in no chunk yet. A day that is to be made
 * again (table late) is its rows over its chunks. A step is one point to begin with, or some 50,000 samples of it. */
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "sinks/postgres/archive.h"
#include "sinks/postgres/rows_back.h"

enum {
    NUMBER_MAX = 24,

    STEP_SAMPLES = 50000, /* and rows */
    PART_FIRST = -1,
    PART_LAST = INT16_MAX,
    DAY_SAMPLES_MAX = 32 * HISTORY_SEALED_SAMPLES, /* of chunks between 50,000 rows of a day */
};
#define DAY_US (INT64_C(86400) * CLOCK_US_PER_S)

struct import {
    struct history_archive *archive;
    struct history_archive_ask *ask;
    struct history_fetch *fetch;
    struct err *err;
    struct history_sealer *sealer;
    struct history_samples found; /* of one row of chunk, or of a late day up to: */
    int64_t to_us;
    struct sample *samples; /* of rows */
    struct text **texts;
    size_t count;
    bool rows; /* an answer has begun */
};

static void copy_cell(const struct pg_answer *answer, size_t column, char *text, size_t size)
{
    size_t length;
    const char *cell = pg_cell_bytes(answer, 0, column, &length);
    str_format(text, size, "%.*s", (int)length, cell != NULL ? cell : "");
}

static int put(struct import *work, const char *sql, const struct pg_param *params, size_t count,
               pg_ask_row row)
{
    const struct pg_question question = { sql, params, count, row, work };
    work->rows = false;
    return pg_archive_put(work->archive, &question, work->ask, &work->rows, work->err);
}

/* ---- the site and its points ---- */

static int take_site(void *ctx, const struct pg_answer *answer)
{
    struct import *work = ctx;
    work->rows = true;
    work->fetch->number = pg_cell_i64(answer, 0);
    work->fetch->mark_us = pg_cell_i64(answer, 1);
    work->fetch->point_total = (uint64_t)pg_cell_i64(answer, 2);
    work->fetch->begun_us = pg_cell_i64(answer, 3);
    return 0;
}

static int find_site(struct import *work)
{
    struct history_fetch *fetch = work->fetch;
    const char *name = fetch->site != NULL ? fetch->site : pg_archive_site(work->archive);
    int error = put(work,
                    "select number::int8, coalesce((select value from mark where site = number "
                    "and name = 'chunks'), 0), (select count(*) from point where site = number), "
                    "(extract(epoch from now()) * 1000000)::int8 from site where name = $1",
                    &(struct pg_param){ .text = name }, 1, take_site);
    if (error == 0 && fetch->number == 0) {
        error = err_set(work->err, BUSBAR_ENOENT, "the database has no site '%.60s'", name);
        err_hint(work->err, "its sites are in the table site: select name from site");
    }
    return error;
}

static int take_point(void *ctx, const struct pg_answer *answer)
{
    struct import *work = ctx;
    struct history_fetch *fetch = work->fetch;
    work->rows = true;
    size_t length;
    (void)pg_cell_bytes(answer, 0, 2, &length);
    fetch->point = (uint32_t)pg_cell_i64(answer, 0);
    copy_cell(answer, 1, fetch->path, sizeof(fetch->path));
    copy_cell(answer, 2, fetch->labels, sizeof(fetch->labels));
    copy_cell(answer, 3, fetch->type, sizeof(fetch->type));
    if (length >= sizeof(fetch->labels)) {
        return err_set(work->err, BUSBAR_ELIMIT, "the labels of point %u are too long",
                       (unsigned)fetch->point);
    }
    fetch->found = true;
    return 0;
}

static int next_point(struct import *work)
{
    struct history_fetch *fetch = work->fetch;
    char site[NUMBER_MAX], point[NUMBER_MAX];
    str_format(site, sizeof(site), "%lld", (long long)fetch->number);
    str_format(point, sizeof(point), "%u", (unsigned)fetch->point);
    const struct pg_param params[] = { { .text = site }, { .text = point } };
    fetch->rows = fetch->late = false;
    fetch->from_us = fetch->since_us;
    fetch->part = PART_FIRST;
    int error = put(work,
                    "select point, path, labels::text, type from point where site = $1::int2 and "
                    "point > $2::int4 order by point limit 1",
                    params, 2, take_point);
    fetch->done = error == 0 && !fetch->found;
    if (fetch->found && !fetch->wanted(fetch->ctx, fetch->path)) {
        fetch->found = false;
        fetch->points++;
    }
    return error;
}

/* ---- chunks ---- */

static int unseal(struct import *work, const struct pg_answer *answer, size_t column,
                  int64_t from_us, int64_t to_us, size_t max)
{
    int error = pg_archive_unseal(work->sealer, answer, column, work->fetch->point, from_us, to_us,
                                  max, &work->found, work->err);
    if (error == BUSBAR_EDAMAGED) {
        *work->err = (struct err){ 0 };
        work->fetch->damaged++;
        error = 0;
    }
    return error;
}

static int take_chunk(void *ctx, const struct pg_answer *answer)
{
    struct import *work = ctx;
    struct history_fetch *fetch = work->fetch;
    int64_t day_us = pg_cell_i64(answer, 0);
    work->rows = true;
    work->count++;
    if (fetch->late || pg_cell_i64(answer, 3) != 0) {
        if (!fetch->late) {
            fetch->late = true;
            fetch->late_us = day_us > fetch->since_us ? day_us : fetch->since_us;
            fetch->late_end_us = day_us + DAY_US;
        }
        return 0; /* this one and those behind it: when that day is over */
    }
    fetch->from_us = day_us;
    fetch->part = (int)pg_cell_i64(answer, 1);
    int error = unseal(work, answer, 2, fetch->since_us, fetch->until_us, HISTORY_SEALED_SAMPLES);
    if (error == 0 && work->found.count > 0) {
        error = fetch->take(fetch->ctx, fetch->path, fetch->labels, work->found.samples,
                            work->found.count);
    }
    history_samples_free(&work->found);
    return error;
}

/* Up to 64 rows behind the one that came last; the first ones that make STEP_SAMPLES. */
static int some_chunks(struct import *work)
{
    static const char sql[] =
        "select (extract(epoch from day) * 1000000)::int8, part::int8, data, (select count(*) from "
        "late where site = $1::int2 and kind = 2 and point = $2::int4 and start = day::timestamp "
        "at time zone 'UTC') from (select day, part, data, samples, sum(samples) over (order by "
        "day, part) as total from (select day, "
        "part, data, samples from chunk where site = $1::int2 and point = $2::int4 and (day, "
        "part) > ($3::timestamp::date, $4::int2) and day <= $5::timestamp::date order by day, "
        "part limit 64) c) d where total - samples < 50000 order by day, part";
    struct history_fetch *fetch = work->fetch;
    char site[NUMBER_MAX], point[NUMBER_MAX], part[NUMBER_MAX];
    char first[STR_TIME_MAX], last[STR_TIME_MAX];
    str_format(site, sizeof(site), "%lld", (long long)fetch->number);
    str_format(point, sizeof(point), "%u", (unsigned)fetch->point);
    str_format(part, sizeof(part), "%d", fetch->part);
    /* Of the day at the mark only some points may be in. */
    int64_t last_us = fetch->until_us < fetch->mark_us ? fetch->until_us : fetch->mark_us - 1;
    pg_time_text(fetch->from_us, first, sizeof(first));
    pg_time_text(last_us, last, sizeof(last));
    const struct pg_param params[] = {
        { .text = site }, { .text = point }, { .text = first }, { .text = part }, { .text = last }
    };
    work->sealer = history_sealer_new();
    work->count = 0;
    int error = work->sealer != NULL ? put(work, sql, params, 5, take_chunk)
                                     : err_set(work->err, BUSBAR_ENOMEM, "out of memory");
    history_sealer_free(work->sealer);
    if (error == 0 && work->count == 0) {
        fetch->rows = true;
        fetch->from_us = fetch->since_us;
    }
    return error;
}

/* ---- rows ---- */

static int take_sample(void *ctx, const struct pg_answer *answer)
{
    struct import *work = ctx;
    work->rows = true;
    pg_row_back(answer, work->fetch->point, work->fetch->type, &work->samples[work->count],
                &work->texts[work->count]);
    return ++work->count <= STEP_SAMPLES ? 0 : BUSBAR_ELIMIT;
}

#define ROWS_SQL                                                                            \
    "select " PG_ROWS_BACK " from sample s where site = $1::int2 and point = $2::int4 and " \
    "time >= $3 and time < $4 "

/* Up to STEP_SAMPLES of what `sql` gives for these times, to work->samples; it has so many parameters. */
static int ask_rows(struct import *work, const char *sql, size_t count, int64_t from_us,
                    int64_t to_us)
{
    const struct history_fetch *fetch = work->fetch;
    char site[NUMBER_MAX], point[NUMBER_MAX], mark[NUMBER_MAX], begun[NUMBER_MAX];
    char first[STR_TIME_MAX], last[STR_TIME_MAX];
    str_format(site, sizeof(site), "%lld", (long long)fetch->number);
    str_format(point, sizeof(point), "%u", (unsigned)fetch->point);
    str_format(mark, sizeof(mark), "%lld", (long long)fetch->mark_us);
    str_format(begun, sizeof(begun), "%lld", (long long)fetch->begun_us);
    pg_time_text(from_us, first, sizeof(first));
    pg_time_text(to_us, last, sizeof(last));
    const struct pg_param params[] = { { .text = site }, { .text = point }, { .text = first },
                                       { .text = last }, { .text = mark },  { .text = begun } };
    work->samples = busbar_alloc_array(STEP_SAMPLES + 1, sizeof(*work->samples));
    work->texts = busbar_alloc_array(STEP_SAMPLES + 1, sizeof(*work->texts));
    work->count = 0;
    return put(work, sql, params, count, take_sample);
}

static void forget_rows(struct import *work)
{
    for (size_t i = 0; i < work->count; i++) {
        busbar_free(work->texts[i]);
    }
    busbar_free(work->texts);
    busbar_free(work->samples);
}

/* After the mark; or of a day that is to be made again and had no chunk when this began. */
static int some_rows(struct import *work)
{
    static const char sql[] = ROWS_SQL
        "and (time >= to_timestamp($5::int8 / 1000000) or exists (select 1 from late l where "
        "l.site = s.site and l.kind = 2 and l.point = s.point and l.start <= s.time and s.time < "
        "l.start + interval '1 day') and not exists (select 1 from chunk c where c.site = s.site "
        "and c.point = s.point and c.day = (s.time at time zone 'UTC')::date and c.made < "
        "to_timestamp($6::int8 / 1000000.0))) order by time limit 50000";
    struct history_fetch *fetch = work->fetch;
    int error = ask_rows(work, sql, 6, fetch->from_us, fetch->until_us);
    if (error == 0 && work->count > 0) {
        error = fetch->take(fetch->ctx, fetch->path, fetch->labels, work->samples, work->count);
        fetch->from_us = work->samples[work->count - 1].time_us + 1;
    }
    if (error == 0 && work->count < STEP_SAMPLES) {
        fetch->found = false;
        fetch->points++;
    }
    forget_rows(work);
    return error;
}

/* ---- days that are to be made again ---- */

static int take_late_chunk(void *ctx, const struct pg_answer *answer)
{
    struct import *work = ctx;
    work->rows = true;
    return unseal(work, answer, 0, work->fetch->late_us, work->to_us, DAY_SAMPLES_MAX);
}

/* What the chunks of the day have of the same times as the rows: to work->found. */
static int ask_late_chunks(struct import *work)
{
    const struct history_fetch *fetch = work->fetch;
    char site[NUMBER_MAX], point[NUMBER_MAX], day[STR_TIME_MAX];
    str_format(site, sizeof(site), "%lld", (long long)fetch->number);
    str_format(point, sizeof(point), "%u", (unsigned)fetch->point);
    pg_time_text(fetch->late_end_us - DAY_US, day, sizeof(day));
    const struct pg_param params[] = { { .text = site }, { .text = point }, { .text = day } };
    work->sealer = history_sealer_new();
    int error = work->sealer == NULL
                    ? err_set(work->err, BUSBAR_ENOMEM, "out of memory")
                    : put(work,
                          "select data from chunk where site = $1::int2 and point = $2::int4 and "
                          "day = $3::timestamp::date order by part",
                          params, 3, take_late_chunk);
    history_sealer_free(work->sealer);
    return error;
}

static int take_merged(struct import *work)
{
    struct history_fetch *fetch = work->fetch;
    struct history_samples rows = { .samples = work->samples, .count = work->count };
    struct sample *merged = NULL;
    size_t count;
    pg_rows_differ(rows.samples, &rows.count, &work->found);
    int error = history_samples_merge(&rows, &work->found, &merged, &count);
    for (size_t at = 0; at < count && error == 0; at += STEP_SAMPLES) {
        size_t n = count - at < STEP_SAMPLES ? count - at : STEP_SAMPLES;
        error = fetch->take(fetch->ctx, fetch->path, fetch->labels, merged + at, n);
    }
    busbar_free(merged);
    return error;
}

/* Some rows of it, over what its chunks have of the same times. */
static int some_late(struct import *work)
{
    struct history_fetch *fetch = work->fetch;
    int64_t end_us = fetch->late_end_us < fetch->until_us ? fetch->late_end_us : fetch->until_us;
    int error = ask_rows(work, ROWS_SQL "order by time limit 50000", 4, fetch->late_us, end_us);
    bool last = work->count < STEP_SAMPLES;
    work->to_us = last ? end_us : work->samples[work->count - 1].time_us + 1;
    error = error == 0 ? ask_late_chunks(work) : error;
    error = error == 0 ? take_merged(work) : error;
    history_samples_free(&work->found);
    forget_rows(work);
    fetch->late_us = work->to_us;
    if (last) {
        fetch->late = false;
        fetch->from_us = fetch->late_end_us - DAY_US;
        fetch->part = PART_LAST;
    }
    return error;
}

int pg_import_step(struct history_archive *archive, struct history_archive_ask *ask,
                   struct history_fetch *fetch, struct err *err)
{
    struct import work = { .archive = archive, .ask = ask, .fetch = fetch, .err = err };
    if (fetch->number == 0) {
        return find_site(&work);
    }
    if (!fetch->found) {
        return next_point(&work);
    }
    return fetch->late ? some_late(&work) : fetch->rows ? some_rows(&work) : some_chunks(&work);
}
