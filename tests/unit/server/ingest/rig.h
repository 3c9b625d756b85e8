/* SPDX-License-Identifier: Apache-2.0 */
/* For the codecs' tests: a body is read to its end, a few turns if need be, and comes out as text, a
 * sample a line: `labels value time_us`. A small fake gives series their ids. */
#ifndef BUSBAR_TESTS_SERVER_INGEST_RIG_H
#define BUSBAR_TESTS_SERVER_INGEST_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/map.h"
#include "server/ingest/influx.h"
#include "server/ingest/json_lines.h"
#include "server/ingest/openmetrics.h"
#include "server/ingest/remote_write.h"

#define RIG_NOW_US INT64_C(1800000000000000)

struct rig_series {
    char *text;
    uint32_t id;
};

struct rig {
    struct ingest_cache cache;
    struct ingest_rows rows;
    struct ingest_metadata *metadata;
    struct map by_text;
    struct rig_series **series; /* by id - 1 */
    uint32_t count;
    int fail;           /* what making series returns */
    const char *points; /* a set whose text begins so belongs to a point */
    struct buf out;
    unsigned turns;
};

static inline void rig_open(struct rig *rig)
{
    *rig = (struct rig){ 0 };
    ingest_cache_init(&rig->cache);
    assert_int_equal(ingest_rows_init(&rig->rows, &rig->cache), 0);
    rig->metadata = ingest_metadata_new();
    map_init(&rig->by_text);
    buf_init(&rig->out, 64 << 20);
}

static inline void rig_close(struct rig *rig)
{
    for (uint32_t i = 0; i < rig->count; i++) {
        busbar_free(rig->series[i]->text);
        busbar_free(rig->series[i]);
    }
    busbar_free(rig->series);
    map_fini(&rig->by_text);
    buf_fini(&rig->out);
    ingest_metadata_free(rig->metadata);
    ingest_rows_fini(&rig->rows);
    ingest_cache_fini(&rig->cache);
}

static inline uint32_t rig_id(struct rig *rig, const char *text)
{
    struct rig_series *series = map_get(&rig->by_text, text);
    if (series == NULL) {
        series = busbar_alloc(sizeof(*series));
        series->text = busbar_strdup(text);
        series->id = ++rig->count;
        if ((rig->count & (rig->count - 1)) == 0) {
            rig->series = busbar_realloc(rig->series, 2 * rig->count * sizeof(series));
        }
        rig->series[rig->count - 1] = series;
        (void)map_set(&rig->by_text, series->text, series);
    }
    return series->id;
}

static inline int rig_make(void *ctx, const struct history_labels *sets, size_t count,
                           uint32_t *ids, struct err *err)
{
    struct rig *rig = ctx;
    if (rig->fail != 0) {
        return err_set(err, rig->fail, "on purpose");
    }
    for (size_t i = 0; i < count; i++) {
        struct buf text;
        buf_init(&text, 1 << 20);
        labels_print(sets[i].labels, sets[i].count, &text);
        bool point = rig->points != NULL && strstr(buf_text(&text), rig->points) != NULL;
        ids[i] = point ? 0 : rig_id(rig, buf_text(&text));
        buf_fini(&text);
    }
    return 0;
}

/* Takes what one turn gave. */
static inline void rig_turn(struct rig *rig)
{
    struct err err = { 0 };
    rig->turns++;
    if (ingest_rows_make(&rig->rows, rig_make, rig, &err) != 0) {
        return;
    }
    for (size_t i = 0; i < rig->rows.count; i++) {
        const struct sample *sample = &rig->rows.samples[i];
        assert_in_range(sample->point, 1, rig->count);
        assert_true(sample->receive_us == sample->time_us && sample->quality == 0);
        buf_printf(&rig->out, "%s ", rig->series[sample->point - 1]->text);
        value_print(sample->type, sample->value, &rig->out);
        buf_printf(&rig->out, "%s %lld\n", sample->type == VALUE_INT ? "i" : "",
                   (long long)sample->time_us);
    }
}

static inline void rig_begin(struct rig *rig)
{
    buf_clear(&rig->out);
    rig->turns = 0;
    rig->rows.now_us = RIG_NOW_US;
}

/* Each reads an exact-size copy, so that ASan sees one byte too many. */
static inline const char *rig_influx(struct rig *rig, const char *text, size_t size,
                                     int64_t unit_ns)
{
    struct ingest_influx in;
    struct bytes copy = bytes_dup(text, size);
    bool more = true;
    rig_begin(rig);
    ingest_influx_begin(&in, &rig->rows, (const char *)copy.start, size, unit_ns);
    while (more) {
        more = ingest_influx_turn(&in, &rig->rows);
        rig_turn(rig);
    }
    bytes_fini(&copy);
    return buf_text(&rig->out);
}

static inline const char *rig_openmetrics(struct rig *rig, const char *text, size_t size,
                                          bool seconds)
{
    struct ingest_openmetrics in;
    struct bytes copy = bytes_dup(text, size);
    bool more = true;
    rig_begin(rig);
    ingest_openmetrics_begin(&in, &rig->rows, (const char *)copy.start, size, seconds,
                             rig->metadata);
    while (more) {
        more = ingest_openmetrics_turn(&in, &rig->rows);
        rig_turn(rig);
    }
    bytes_fini(&copy);
    return buf_text(&rig->out);
}

static inline const char *rig_json_lines(struct rig *rig, const char *text, size_t size)
{
    struct ingest_json_lines in;
    struct bytes copy = bytes_dup(text, size);
    bool more = true;
    rig_begin(rig);
    ingest_json_lines_begin(&in, &rig->rows, (const char *)copy.start, size);
    while (more) {
        more = ingest_json_lines_turn(&in, &rig->rows);
        rig_turn(rig);
    }
    bytes_fini(&copy);
    return buf_text(&rig->out);
}

static inline const char *rig_remote_write(struct rig *rig, const void *data, size_t size)
{
    struct ingest_remote_write in;
    struct bytes copy = bytes_dup(data, size);
    bool more = true;
    rig_begin(rig);
    ingest_remote_write_begin(&in, &rig->rows, copy.start, size, rig->metadata);
    while (more) {
        more = ingest_remote_write_turn(&in, &rig->rows);
        rig_turn(rig);
    }
    bytes_fini(&copy);
    return buf_text(&rig->out);
}

static inline uint64_t rig_refused(const struct rig *rig)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < INGEST_REFUSAL_COUNT; i++) {
        sum += rig->rows.refused[i];
    }
    return sum;
}

/* `line:column text` of a problem. */
static inline const char *rig_problem(const struct rig *rig, size_t index)
{
    static char text[INGEST_PROBLEM_BYTES + 40];
    assert_true(index < rig->rows.problem_count);
    const struct ingest_problem *problem = &rig->rows.problems[index];
    snprintf(text, sizeof(text), "%llu:%u %s", (unsigned long long)problem->line, problem->column,
             problem->text);
    return text;
}

#endif
