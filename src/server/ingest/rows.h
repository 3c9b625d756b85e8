/* SPDX-License-Identifier: Apache-2.0 */
/* Rows: what a codec makes of a body, a turn at a time. A codec says for each series what bytes
 * name it and for each sample its time and value; here the series is found by those bytes. Only when they
 * are new does anybody look at what they mean: the codec's labels() takes them apart, and the set is
 * `wanted` until the history has given it an id.
 *
 *   codec --series, samples--> rows --known--> samples, in the sender's order
 *                                \--new--> wanted --history_make_series()--> samples
 *
 * Nothing is allocated per sample. A turn ends when the samples or the wanted series are many; the
 * codec goes on there with the next one. One thread. */
#ifndef BUSBAR_SERVER_INGEST_ROWS_H
#define BUSBAR_SERVER_INGEST_ROWS_H

#include "base/arena.h"
#include "history/history.h"
#include "model/labels.h"
#include "model/sample.h"
#include "server/ingest/cache.h"

enum {
    INGEST_SAMPLES = 64 * 1024,     /* of a turn */
    INGEST_LINE_SAMPLES_MAX = 4096, /* of one line, one series at a time */
    INGEST_WANTED_MAX = 16 * 1024,  /* new series of a turn */
    INGEST_PROBLEMS_MAX = 10,       /* told to the sender; the rest is only counted */
    INGEST_PROBLEM_BYTES = 200,
    INGEST_EXTRA_LABELS_MAX = 8,
};

/* Why a sample is not stored. */
#define INGEST_REFUSALS(X)                            \
    X(SYNTAX, "malformed")                            \
    X(LABELS, "labels not storable")                  \
    X(VALUE, "value not storable")                    \
    X(OLD, "older than the retention")                \
    X(FUTURE, "more than a day in the future")        \
    X(POINT, "the series is a point of this gateway") \
    X(SERIES, "no place for more series")             \
    X(KIND, "a native histogram")                     \
    X(LOG_FULL, "log full")                           \
    X(LOG_BUSY, "log busy or failing")

enum ingest_refusal {
#define INGEST_REFUSAL_ENUM(name, text) INGEST_##name,
    INGEST_REFUSALS(INGEST_REFUSAL_ENUM)
#undef INGEST_REFUSAL_ENUM
        INGEST_REFUSAL_COUNT
};
const char *ingest_refusal_text(enum ingest_refusal refusal);

struct ingest_problem {
    uint64_t line;   /* 0: the body has no lines */
    uint32_t column; /* 0: all of the line */
    char text[INGEST_PROBLEM_BYTES];
};

/* A series as it was met: the bytes that name it, and how many samples of it follow. */
struct ingest_ref {
    struct ingest_key key;
    const char *name, *field; /* the codec's own two parts; field may be NULL */
    uint32_t name_size, field_size;
    uint64_t line;
    uint32_t first, count; /* its samples in rows->samples */
};

/* Takes a ref's bytes apart: labels in any order, texts in the body or in the arena. 0, or
 * BUSBAR_ESYNTAX, BUSBAR_ELIMIT with err's column counted from 1 in the ref's bytes. */
typedef int (*ingest_labels_cb)(const struct ingest_ref *ref, struct arena *arena,
                                struct label labels[LABELS_MAX], size_t *count, struct err *err);

struct ingest_wanted {
    struct ingest_key key;
    uint64_t line;
};

struct ingest_rows {
    struct ingest_cache *cache;
    ingest_labels_cb labels;
    struct ingest_key start; /* of all keys: the codec's, and the extra labels of the request */
    struct label extra[INGEST_EXTRA_LABELS_MAX];
    size_t extra_count;
    bool extra_yields; /* a sender's own label of the same name wins */
    int64_t now_us, oldest_us, newest_us;

    struct sample *samples;
    size_t count;  /* taken */
    size_t staged; /* behind them: of the line being read */
    struct ingest_ref *refs;
    size_t ref_count, ref_taken;

    struct history_labels *sets; /* wanted, one each */
    struct ingest_wanted *wanted;
    size_t wanted_count;
    uint32_t *wanted_places; /* table: number of the wanted one + 1 */
    struct arena arena;      /* of the turn: labels, texts */
    bool gaps;               /* some samples of the turn got no series */

    uint64_t received; /* of the request */
    uint64_t refused[INGEST_REFUSAL_COUNT];
    struct ingest_problem problems[INGEST_PROBLEMS_MAX];
    size_t problem_count;
};

/* 0 or BUSBAR_ENOMEM. The cache is borrowed. */
int ingest_rows_init(struct ingest_rows *rows, struct ingest_cache *cache);
void ingest_rows_fini(struct ingest_rows *rows);
/* Before a request. kind: differs from codec to codec. */
void ingest_rows_begin(struct ingest_rows *rows, unsigned kind, ingest_labels_cb labels);
/* A label that every series of the request gets; texts live as long as the request. False: too many. */
bool ingest_rows_extra(struct ingest_rows *rows, const struct label *label);
/* Before a turn: nothing is taken. */
void ingest_rows_turn(struct ingest_rows *rows);

/* A sample that is not kept; column and format say why to the sender (format NULL: say nothing). */
void ingest_rows_refuse(struct ingest_rows *rows, enum ingest_refusal refusal, uint64_t count,
                        uint64_t line, size_t column, const char *format, ...)
    __attribute__((format(printf, 6, 7)));

/* Finds the series of what was taken since the last time; codecs call it by ingest_rows_full(). */
void ingest_rows_find(struct ingest_rows *rows);

/* Gives sets their ids, as history_make_series() does; 0: nobody may write it, or BUSBAR_ELIMIT. ids are zeroed. */
typedef int (*ingest_make_cb)(void *ctx, const struct history_labels *sets, size_t count,
                              uint32_t *ids, struct err *err);

/* After the turn: the wanted series get their ids, the samples without one are refused. Not on the
 * loop. On an error none of the turn's samples may be stored: nothing changed. BUSBAR_ELIMIT of
 * `make` is none: the new series' samples are refused, the others stay. */
int ingest_rows_make(struct ingest_rows *rows, ingest_make_cb make, void *ctx, struct err *err);

/* In sample.point: the number of a wanted series. */
#define INGEST_WANTED_BIT UINT32_C(0x80000000)

/* ---- for codecs ---- */

enum { INGEST_REFS_WINDOW = 64 /* so many are prefetched before the first is looked at */ };

/* Asked between lines (between samples of a series of many): true: the turn is over. */
static inline bool ingest_rows_full(struct ingest_rows *rows)
{
    if (rows->ref_taken >= INGEST_REFS_WINDOW) {
        ingest_rows_find(rows);
    }
    return rows->count + INGEST_LINE_SAMPLES_MAX > INGEST_SAMPLES ||
           rows->wanted_count + INGEST_LINE_SAMPLES_MAX > INGEST_WANTED_MAX;
}

/* The series of the samples that are staged next. False: too many in this line. */
static inline struct ingest_ref *ingest_rows_series(struct ingest_rows *rows, struct ingest_key key)
{
    struct ingest_ref *ref = &rows->refs[rows->ref_count];
    if (rows->ref_count - rows->ref_taken >= INGEST_LINE_SAMPLES_MAX) {
        return NULL;
    }
    ingest_cache_prefetch(rows->cache, key);
    rows->ref_count++;
    ref->key = key;
    ref->first = (uint32_t)(rows->count + rows->staged);
    ref->count = 0;
    return ref;
}

/* One more sample of it; its time comes with the commit. At most INGEST_LINE_SAMPLES_MAX are staged. */
static inline void ingest_rows_stage(struct ingest_rows *rows, struct ingest_ref *ref, uint8_t type,
                                     union value value)
{
    struct sample *sample = &rows->samples[rows->count + rows->staged++];
    ref->count++;
    sample->value = value;
    sample->type = type;
}

static inline bool ingest_rows_in_time(const struct ingest_rows *rows, int64_t time_us)
{
    return time_us >= rows->oldest_us && time_us <= rows->newest_us;
}

static inline void ingest_sample_time(struct sample *sample, int64_t time_us)
{
    sample->time_us = time_us;
    sample->receive_us = time_us; /* the same: costs nothing in the log */
    sample->quality = 0;
    sample->detail = 0;
}

/* The line was read: its samples are taken, at this time. */
void ingest_rows_commit_refused(struct ingest_rows *rows, int64_t time_us, uint64_t line);
static inline void ingest_rows_commit(struct ingest_rows *rows, int64_t time_us, uint64_t line)
{
    rows->received += rows->staged;
    if (!ingest_rows_in_time(rows, time_us)) {
        ingest_rows_commit_refused(rows, time_us, line);
        return;
    }
    for (size_t i = 0; i < rows->staged; i++) {
        ingest_sample_time(&rows->samples[rows->count + i], time_us);
    }
    rows->count += rows->staged;
    rows->staged = 0;
    rows->ref_taken = rows->ref_count;
}

/* The other way, for a series with many samples: one more of it, at its time, taken at once. The
 * series was taken before with ingest_rows_take(). False: the turn is over. */
void ingest_rows_add_refused(struct ingest_rows *rows, int64_t time_us, uint64_t line);
static inline void ingest_rows_take(struct ingest_rows *rows)
{
    rows->ref_taken = rows->ref_count;
}

static inline bool ingest_rows_add(struct ingest_rows *rows, struct ingest_ref *ref,
                                   int64_t time_us, union value value)
{
    if (rows->count >= INGEST_SAMPLES) {
        return false;
    }
    rows->received++;
    if (!ingest_rows_in_time(rows, time_us)) {
        ingest_rows_add_refused(rows, time_us, ref->line);
        return true;
    }
    struct sample *sample = &rows->samples[rows->count++];
    sample->value = value;
    sample->type = VALUE_DOUBLE;
    ingest_sample_time(sample, time_us);
    ref->count++;
    return true;
}

/* The line is wrong: forgets what was staged. */
static inline void ingest_rows_drop(struct ingest_rows *rows)
{
    rows->staged = 0;
    rows->ref_count = rows->ref_taken;
}

#endif
