/* SPDX-License-Identifier: Apache-2.0 */
#include "server/ingest/rows.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/str.h"
#include "model/quality.h"

enum {
    REFS = INGEST_REFS_WINDOW + INGEST_LINE_SAMPLES_MAX,
    PLACES = 2 * INGEST_WANTED_MAX, /* a power of two */
    KEY_SHOWN = 64,                 /* bytes of a series in a message */
};

_Static_assert(QUALITY_GOOD == 0, "ingest_sample_time() writes it as 0");

const char *ingest_refusal_text(enum ingest_refusal refusal)
{
    static const char *const texts[] = {
#define INGEST_REFUSAL_TEXT(name, text) text,
        INGEST_REFUSALS(INGEST_REFUSAL_TEXT)
#undef INGEST_REFUSAL_TEXT
    };
    return texts[refusal];
}

int ingest_rows_init(struct ingest_rows *rows, struct ingest_cache *cache)
{
    *rows = (struct ingest_rows){ .cache = cache };
    arena_init(&rows->arena, 0);
    rows->samples = busbar_try_alloc(INGEST_SAMPLES * sizeof(*rows->samples));
    rows->refs = busbar_try_alloc(REFS * sizeof(*rows->refs));
    rows->sets = busbar_try_alloc(INGEST_WANTED_MAX * sizeof(*rows->sets));
    rows->wanted = busbar_try_alloc(INGEST_WANTED_MAX * sizeof(*rows->wanted));
    rows->wanted_places = busbar_try_alloc(PLACES * sizeof(*rows->wanted_places));
    if (rows->samples == NULL || rows->refs == NULL || rows->sets == NULL || rows->wanted == NULL ||
        rows->wanted_places == NULL) {
        ingest_rows_fini(rows);
        return BUSBAR_ENOMEM;
    }
    return 0;
}

void ingest_rows_fini(struct ingest_rows *rows)
{
    busbar_free(rows->samples);
    busbar_free(rows->refs);
    busbar_free(rows->sets);
    busbar_free(rows->wanted);
    busbar_free(rows->wanted_places);
    arena_fini(&rows->arena);
    *rows = (struct ingest_rows){ 0 };
}

void ingest_rows_begin(struct ingest_rows *rows, unsigned kind, ingest_labels_cb labels)
{
    const struct ingest_key start = { rows->cache->seed[2] + kind, rows->cache->seed[3] };
    ingest_rows_turn(rows);
    rows->labels = labels;
    rows->start = start;
    rows->extra_count = 0;
    rows->extra_yields = false;
    rows->oldest_us = 0;
    rows->newest_us = INT64_MAX;
    rows->received = 0;
    memset(rows->refused, 0, sizeof(rows->refused));
    rows->problem_count = 0;
}

bool ingest_rows_extra(struct ingest_rows *rows, const struct label *label)
{
    if (rows->extra_count == INGEST_EXTRA_LABELS_MAX) {
        return false;
    }
    rows->extra[rows->extra_count++] = *label;
    rows->start = ingest_key_add(rows->cache, rows->start, label->name, label->name_size);
    rows->start = ingest_key_add(rows->cache, rows->start, label->value, label->value_size);
    return true;
}

void ingest_rows_turn(struct ingest_rows *rows)
{
    rows->count = rows->staged = 0;
    rows->ref_count = rows->ref_taken = 0;
    rows->gaps = false;
    if (rows->wanted_count > 0) {
        rows->wanted_count = 0;
        memset(rows->wanted_places, 0, PLACES * sizeof(*rows->wanted_places));
    }
    size_t max = rows->arena.max_bytes;
    arena_fini(&rows->arena);
    arena_init(&rows->arena, max);
}

/* ---- refusals ---- */

void ingest_rows_refuse(struct ingest_rows *rows, enum ingest_refusal refusal, uint64_t count,
                        uint64_t line, size_t column, const char *format, ...)
{
    rows->refused[refusal] += count;
    if (format == NULL || rows->problem_count == INGEST_PROBLEMS_MAX) {
        return;
    }
    struct ingest_problem *problem = &rows->problems[rows->problem_count++];
    problem->line = line;
    problem->column = column < UINT32_MAX ? (uint32_t)column : 0;
    va_list args;
    va_start(args, format);
    int size = vsnprintf(problem->text, sizeof(problem->text), format, args);
    va_end(args);
    size_t kept = size < 0 ? 0 : (size_t)size;
    kept = kept < sizeof(problem->text) ? kept : sizeof(problem->text) - 1;
    problem->text[str_utf8_cut(problem->text, kept, kept)] = '\0';
}

static void refuse_time(struct ingest_rows *rows, uint64_t count, int64_t time_us, uint64_t line)
{
    bool old = time_us < rows->oldest_us;
    char text[STR_TIME_MAX];
    str_format_time(text, sizeof(text), time_us, 0, true);
    ingest_rows_refuse(rows, old ? INGEST_OLD : INGEST_FUTURE, count, line, 0,
                       old ? "its time, %s, is older than the history keeps"
                           : "its time, %s, is more than a day in the future",
                       text);
}

void ingest_rows_commit_refused(struct ingest_rows *rows, int64_t time_us, uint64_t line)
{
    refuse_time(rows, rows->staged, time_us, line);
    ingest_rows_drop(rows);
}

void ingest_rows_add_refused(struct ingest_rows *rows, int64_t time_us, uint64_t line)
{
    refuse_time(rows, 1, time_us, line);
}

/* ---- finding series ---- */

/* The place of a key in the table of wanted ones: its own, or a free one. */
static size_t wanted_place(const struct ingest_rows *rows, struct ingest_key key)
{
    size_t at = (size_t)key.b & (PLACES - 1);
    while (rows->wanted_places[at] != 0) {
        const struct ingest_key *other = &rows->wanted[rows->wanted_places[at] - 1].key;
        if (other->a == key.a && other->b == key.b) {
            break;
        }
        at = (at + 1) & (PLACES - 1);
    }
    return at;
}

/* The request's own labels: they replace the sender's of the same name, or give way to them. */
static int add_extra(const struct ingest_rows *rows, struct label labels[LABELS_MAX], size_t *count,
                     struct err *err)
{
    for (size_t i = 0; i < rows->extra_count; i++) {
        const struct label *extra = &rows->extra[i];
        size_t at = 0;
        while (at < *count && (labels[at].name_size != extra->name_size ||
                               memcmp(labels[at].name, extra->name, extra->name_size) != 0)) {
            at++;
        }
        if (at < *count && rows->extra_yields) {
            continue;
        }
        if (at == LABELS_MAX) {
            return err_set(err, BUSBAR_ELIMIT, "more than %d labels", LABELS_MAX);
        }
        labels[at] = *extra;
        *count += at == *count;
    }
    return 0;
}

static int make_set(struct ingest_rows *rows, const struct ingest_ref *ref,
                    struct history_labels *set, struct err *err)
{
    struct label labels[LABELS_MAX];
    size_t count = 0;
    int error = rows->labels(ref, &rows->arena, labels, &count, err);
    if (error == 0) {
        error = add_extra(rows, labels, &count, err);
    }
    if (error == 0) {
        error = labels_sort(labels, &count, err);
    }
    if (error == 0 && count == 0) {
        error = err_set(err, BUSBAR_EINVAL, "a series without a label");
    }
    if (error != 0) {
        return error;
    }
    struct label *kept = arena_alloc_array(&rows->arena, count, sizeof(*kept));
    if (kept == NULL) {
        return err_set(err, BUSBAR_ENOMEM, "out of memory");
    }
    memcpy(kept, labels, count * sizeof(*kept));
    *set = (struct history_labels){ .labels = kept, .count = count };
    return 0;
}

/* What the samples of a ref without an id get: the number of a wanted series, or 0 (refused). */
static uint32_t want(struct ingest_rows *rows, const struct ingest_ref *ref)
{
    size_t place = wanted_place(rows, ref->key);
    if (rows->wanted_places[place] != 0) {
        return (rows->wanted_places[place] - 1) | INGEST_WANTED_BIT;
    }
    struct err err = { 0 };
    if (make_set(rows, ref, &rows->sets[rows->wanted_count], &err) != 0) {
        int shown = ref->name_size < KEY_SHOWN ? (int)ref->name_size : KEY_SHOWN;
        bool readable = str_is_utf8(ref->name, (size_t)shown) && ref->line > 0;
        ingest_rows_refuse(rows, INGEST_LABELS, ref->count, ref->line,
                           err.column > 0 ? (size_t)err.column : 0, "%s%s%.*s%s", err.message,
                           readable ? " in '" : "", readable ? shown : 0, ref->name,
                           readable ? "'" : "");
        rows->gaps = true;
        return 0;
    }
    rows->wanted[rows->wanted_count] = (struct ingest_wanted){ ref->key, ref->line };
    rows->wanted_places[place] = (uint32_t)++rows->wanted_count;
    return (uint32_t)(rows->wanted_count - 1) | INGEST_WANTED_BIT;
}

void ingest_rows_find(struct ingest_rows *rows)
{
    for (size_t i = 0; i < rows->ref_taken; i++) {
        const struct ingest_ref *ref = &rows->refs[i];
        uint32_t series = ref->count > 0 ? ingest_cache_find(rows->cache, ref->key) : 0;
        if (series == 0 && ref->count > 0) {
            series = want(rows, ref);
        }
        for (uint32_t at = 0; at < ref->count; at++) {
            rows->samples[ref->first + at].point = series;
        }
    }
    rows->ref_count = rows->ref_taken = 0;
}

/* ---- making series ---- */

static void refuse_wanted(struct ingest_rows *rows, size_t wanted, bool limit)
{
    uint64_t line = rows->wanted[wanted].line;
    if (limit) {
        ingest_rows_refuse(rows, INGEST_SERIES, 1, line, 0, "there is no place for more series");
    } else {
        ingest_rows_refuse(rows, INGEST_POINT, 1, line, 0,
                           "this series is a point of this gateway: nobody else may write it");
    }
}

static void place_samples(struct ingest_rows *rows, const uint32_t *ids, bool limit)
{
    size_t kept = 0;
    for (size_t i = 0; i < rows->count; i++) {
        struct sample sample = rows->samples[i];
        if ((sample.point & INGEST_WANTED_BIT) != 0) {
            uint32_t wanted = sample.point & ~INGEST_WANTED_BIT;
            sample.point = ids[wanted];
            if (sample.point == 0) {
                refuse_wanted(rows, wanted, limit);
            }
        }
        if (sample.point != 0) {
            rows->samples[kept++] = sample;
        }
    }
    rows->count = kept;
}

int ingest_rows_make(struct ingest_rows *rows, ingest_make_cb make, void *ctx, struct err *err)
{
    ingest_rows_find(rows);
    if (rows->wanted_count == 0) {
        if (rows->gaps) {
            place_samples(rows, NULL, false);
        }
        return 0;
    }
    uint32_t *ids = busbar_try_alloc(rows->wanted_count * sizeof(*ids));
    if (ids == NULL) {
        return err_set(err, BUSBAR_ENOMEM, "out of memory for %zu new series", rows->wanted_count);
    }
    int error = make(ctx, rows->sets, rows->wanted_count, ids, err);
    if (error == 0 || error == BUSBAR_ELIMIT) {
        place_samples(rows, ids, error == BUSBAR_ELIMIT);
        for (size_t i = 0; i < rows->wanted_count; i++) {
            if (ids[i] != 0) {
                ingest_cache_put(rows->cache, rows->wanted[i].key, ids[i]);
            }
        }
        error = 0;
    }
    busbar_free(ids);
    return error;
}
