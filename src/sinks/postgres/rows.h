/* SPDX-License-Identifier: Apache-2.0 */
/* A batch as what PostgreSQL is sent: samples as the bytes of a binary COPY, facts of points, events and what came late
 * as texts that one statement each takes. Pure; made by a job.
 *
 *   struct pg_rows | COPY bytes | spans | index | facts NUL | events NUL | late kinds NUL, points NUL, starts NUL
 *
 * Of samples of one series with one time the last is taken, as our history does; the others count as repeated. What
 * PostgreSQL cannot hold is found here, before anything is sent: then nothing but pg_rows.refused matters. */
#ifndef BUSBAR_SINKS_POSTGRES_ROWS_H
#define BUSBAR_SINKS_POSTGRES_ROWS_H

#include "sinks/batch.h"

#define PG_EPOCH_US INT64_C(946684800000000) /* 2000-01-01, from 1970-01-01 */

/* A part of the bytes, from their beginning; size without the NUL of texts. */
struct pg_part {
    size_t offset, size;
};

struct pg_rows {
    bool refuses; /* a sample, or from sample_count on an event, cannot be held */
    size_t refused;
    char reason[160], hint[96];
    size_t rows, repeated;
    struct pg_part copy;
    struct pg_part spans;         /* int64: beginning of each day (UTC) that has a row */
    struct pg_part index;         /* uint32: the sample of each row; empty: the same */
    struct pg_part facts, events; /* JSON arrays */
    struct pg_part late_kinds, late_points, late_starts; /* arrays as SQL writes them */
    size_t late;
};

/* now_us: wall clock. BUSBAR_ENOMEM, BUSBAR_ELIMIT: too big, or of too many days. */
int pg_rows_encode(const struct sink_batch *batch, int16_t site, int64_t now_us, struct buf *out);

/* Of what pg_rows_encode() made. */
struct pg_rows pg_rows_get(const struct buf *bytes);
static inline const char *pg_rows_text(const struct buf *bytes, struct pg_part part)
{
    return (const char *)bytes->data + part.offset;
}
/* The sample behind a row of the COPY; SIZE_MAX for SIZE_MAX and what is none. */
size_t pg_rows_sample(const struct buf *bytes, size_t row);
int64_t pg_rows_span(const struct buf *bytes, size_t at);
size_t pg_rows_spans(const struct buf *bytes);

#endif
