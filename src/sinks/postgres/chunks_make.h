/* SPDX-License-Identifier: Apache-2.0 */
/* What a job does for the task chunks.c: a slice of the points of one day, or one point whose day is made again, as the
 * bytes of a binary COPY into the table chunk. */
#ifndef BUSBAR_SINKS_POSTGRES_CHUNKS_MAKE_H
#define BUSBAR_SINKS_POSTGRES_CHUNKS_MAKE_H

#include <stdatomic.h>

#include "base/bytes.h"
#include "history/sealed.h"
#include "sinks/filter.h"
#include "sinks/postgres/link.h"

#define PG_DAY_US (INT64_C(86400) * 1000000)

enum {
    PG_CHUNKS_SLICE_BYTES = 8 << 20, /* of COPY: a slice ends behind the point that reaches it */
    PG_CHUNKS_BYTES_MAX = 256 << 20, /* one point's day at most */
    PG_CHUNKS_PARTS_MAX = 1000,      /* of one point's day */
    PG_CHUNKS_SERIES_MAX = 1 << 26,
    PG_CHUNKS_ROWS_MAX = 16 << 20, /* beside the chunks of a point's day */
};

#define PG_CHUNKS_COPY                                                                            \
    "copy chunk (day, point, site, part, format, samples, first, last, data) from stdin (format " \
    "binary)"

struct pg_chunks_work {
    void *task; /* NULL: nobody waits any more */
    atomic_bool cancel;
    struct history *history;
    struct sink_filter *filter; /* counted */
    int16_t site;
    int64_t closed_us; /* days before it can be made */
    bool flush;        /* what is in memory first: then history_next_us() sees it */
    int64_t day_us;    /* its beginning */
    uint32_t after;    /* points above it; moves behind the last that was made */
    bool last;         /* there are no more of this day */
    uint32_t *there;   /* points that the table has already, sorted: left out */
    size_t there_count;

    /* Made again: the point is `after`, these are its rows in the database. */
    bool again;
    struct buf old; /* each: u32le size, bytes */
    /* Of a day that an earlier log had a part of, which the history may lack: its rows in the table sample, over `old`. */
    char type[8]; /* of the point, as facts say it */
    struct sample *beside;
    struct text **texts; /* one of each, or NULL */
    size_t beside_count, beside_capacity;

    struct buf out; /* the whole COPY */
    uint64_t rows, samples, bytes, damaged;
    uint32_t point; /* an error is of */
    int error;
};

/* One row more, beside. */
void pg_chunks_take_row(struct pg_chunks_work *work, const struct pg_answer *answer);
/* Job thread. */
void pg_chunks_make(void *ctx); /* a struct pg_chunks_work */
void pg_chunks_work_free(struct pg_chunks_work *work);

#endif
