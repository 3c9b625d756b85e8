/* SPDX-License-Identifier: Apache-2.0 */
/* Hours of points from history, as rows of a COPY in text form. For job threads. */
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

#endif
