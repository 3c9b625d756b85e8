/* SPDX-License-Identifier: Apache-2.0 */
/* Hours of points from history, as rows of a COPY in text form: what the jobs of rollup.c do. For job threads. */
#ifndef BUSBAR_SINKS_POSTGRES_ROLLUP_HOURS_H
#define BUSBAR_SINKS_POSTGRES_ROLLUP_HOURS_H

#include "base/buf.h"
#include "history/history.h"

#define ROLLUP_HOUR_US (INT64_C(3600) * 1000000)
enum { ROLLUP_BYTES_MAX = 32 << 20 };

/* Columns, in their order, of one row. */
#define ROLLUP_COLUMNS "hour, min, max, sum, first, last, point, count, bad, others, site, quality"

int64_t rollup_floor(int64_t time_us);
/* One row, with its end of line. Pure. */
int rollup_row(int16_t site, uint32_t point, const struct history_bucket *bucket, struct buf *out);
/* All hours of a point with from <= hour < to that have samples; from and to are whole hours. *rows grows by what was put. */
int rollup_point(struct history *history, int16_t site, uint32_t point, int64_t from_us,
                 int64_t to_us, struct buf *out, size_t *rows);

/* What a job is to do and what came of it; outlives the task while the job runs. */
struct rollup_wish { /* one point and range of hours */
    uint32_t point;
    int64_t from_us, to_us;
};
struct rollup_work {
    void *task;   /* NULL: nobody waits */
    bool running; /* the job has it */
    struct history *history;
    int16_t site;
    struct rollup_wish *wishes; /* room for as many as were asked for */
    size_t count, rows;
    struct buf out;
    int64_t oldest_us; /* of a search: where the history begins */
    int error;
};
struct rollup_work *rollup_work_new(struct history *history, int16_t site, size_t count);
void rollup_work_free(struct rollup_work *work);
/* Jobs, of a struct rollup_work. Search: what is in memory alone has no time that can be asked for, so it goes into blocks
 * first: once for all points that are new at a time. */
void rollup_make(void *ctx);
void rollup_search(void *ctx);

#endif
