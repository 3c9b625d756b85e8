/* SPDX-License-Identifier: Apache-2.0 */
/* An archive: somebody outside who has samples that are no longer here (a sink, sinks/postgres/archive.c). Queries ask it
 * from their jobs, only for times before history_here_since(), and never wait longer than the question allows; an
 * archive that cannot be asked takes nothing from the answer but what it alone has, and the answer says so.
 *
 * Counted: the history holds one, each that is asking holds one meanwhile. Any thread. */
#ifndef BUSBAR_HISTORY_ARCHIVE_H
#define BUSBAR_HISTORY_ARCHIVE_H

#include <stdatomic.h>

#include "history/history.h"

enum { HISTORY_ARCHIVE_SAMPLES = 20 * 1000 * 1000 /* of one question */ };
#define HISTORY_ARCHIVE_US (INT64_C(20) * 1000000) /* of one question, waiting and decoding */

/* What one question may take, and what went wrong with it. Zeroed before. */
struct history_archive_ask {
    const atomic_bool *cancel; /* may be NULL */
    int64_t deadline_us;       /* monotonic; set by the first that asks */
    uint64_t samples;          /* taken so far */
    struct err err;            /* code not 0: it failed, and is not asked again in this question */
};

/* Everything of a site given back, series by series, a step at a time. Zeroed before, but for the first part. */
struct history_fetch {
    const char *site; /* NULL: this gateway's */
    int64_t since_us, until_us;
    bool (*wanted)(void *ctx, const char *path); /* "": a series of ingest */
    /* Some samples of one series, in time order; labels: a JSON object. Not 0 ends it. */
    int (*take)(void *ctx, const char *path, const char *labels, const struct sample *samples,
                size_t count);
    void *ctx;

    bool done;
    uint64_t points, point_total; /* that are over; that there are */
    uint64_t damaged;             /* rows that cannot be read, and are left out */
    int64_t number;               /* of the site; 0: not known yet */
    int64_t begun_us;             /* by the archive's clock */
    int64_t mark_us;              /* chunks have the days before it */
    bool found;                   /* the point in turn, and where it is: */
    bool rows;                    /* its chunks are over: rows */
    bool late;                    /* in turn: the day of chunks that has rows beside them */
    int64_t late_us, late_end_us;
    uint32_t point;
    int64_t from_us;
    int part;
    char type[16], path[256];
    char labels[16384];
};

struct history_archive {
    atomic_int users;
    /* The times it has anything of: [*since, *until). An answer known for a while does. */
    int (*span)(struct history_archive *archive, struct history_archive_ask *ask, int64_t *since_us,
                int64_t *until_us, struct err *err);
    /* Appends samples with from <= time < to in time order, at most max of them (BUSBAR_ELIMIT). */
    int (*read)(struct history_archive *archive, struct history_archive_ask *ask, uint32_t series,
                int64_t from_us, int64_t to_us, size_t max, struct history_samples *found,
                struct err *err);
    /* One step; fetch->done at the end. May be NULL. */
    int (*fetch)(struct history_archive *archive, struct history_archive_ask *ask,
                 struct history_fetch *fetch, struct err *err);
    void (*free)(struct history_archive *archive);
};

/* Takes over the caller's hold; NULL: there is none any more. */
void history_set_archive(struct history *history, struct history_archive *archive);
/* NULL: there is none. */
struct history_archive *history_archive_hold(struct history *history);
void history_archive_release(struct history_archive *archive); /* NULL is fine */

/* Whether a part of [from, to) is to be asked for, and which: *to_us is cut. False too when the archive failed: then
 * ask->err says why. */
bool history_archive_wanted(struct history *history, struct history_archive_ask *ask,
                            uint32_t series, int64_t from_us, int64_t *to_us);
/* What it has of such a part, in time order; what it cannot give is said in ask->err and missing. BUSBAR_ENOMEM,
 * BUSBAR_ECANCELED. */
int history_archived(struct history *history, struct history_archive_ask *ask, uint32_t series,
                     int64_t from_us, int64_t to_us, struct history_samples *found);
/* history_read() that goes on in the archive. BUSBAR_ENOMEM, BUSBAR_EIO of the history alone. */
int history_read_archived(struct history *history, struct history_archive_ask *ask, uint32_t series,
                          int64_t from_us, int64_t to_us, size_t limit,
                          struct history_samples *result);

#endif
