/* SPDX-License-Identifier: Apache-2.0 */
/* GET /federate: the last value of each series that is not older than the look-back, for another
 * Prometheus to scrape. As Prometheus does: series of one metric stand together, one without an
 * `instance` gets an empty one (so that the scraper does not put its own there), stale ones are left out. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/decimal.h"
#include "history/reader.h"
#include "promql/promql.h"
#include "server/ingest/export.h"
#include "server/prometheus/selection.h"

struct found {
    const char *metric; /* lives as long as the index */
    uint32_t metric_size, series;
};

struct federate {
    struct history *history;
    struct history_reader *reader;
    struct prometheus_selection selection;
    struct found *found;
    size_t count, at;
    const char *metric; /* of the line before */
    uint32_t metric_size;
    int64_t now_us;
    bool selected, utf8; /* utf8: names that need quotes get them; else '_' for what is not plain */
};

static int by_metric(const void *a, const void *b)
{
    const struct found *left = a;
    const struct found *right = b;
    size_t size = left->metric_size < right->metric_size ? left->metric_size : right->metric_size;
    int order = size > 0 ? memcmp(left->metric, right->metric, size) : 0;
    if (order == 0 && left->metric_size != right->metric_size) {
        order = left->metric_size < right->metric_size ? -1 : 1;
    }
    return order != 0 ? order : left->series < right->series ? -1 : left->series > right->series;
}

static int open_answer(struct federate *federate, const atomic_bool *cancel)
{
    struct err err = { 0 };
    struct history_index *index = history_index(federate->history);
    uint32_t *series = NULL;
    size_t count = 0;
    int error = prometheus_selection_series(&federate->selection, index, INGEST_SELECTED_MAX,
                                            cancel, &series, &count, &err);
    if (error != 0) {
        return error;
    }
    federate->found = busbar_try_alloc((count + 1) * sizeof(*federate->found));
    for (size_t i = 0; federate->found != NULL && i < count; i++) {
        struct label labels[LABELS_MAX];
        size_t label_count = history_index_labels(index, series[i], labels);
        const struct label *metric = labels_get(labels, label_count, LABEL_METRIC);
        if (label_count > 0) {
            federate->found[federate->count++] = (struct found){
                .metric = metric != NULL ? metric->value : "",
                .metric_size = metric != NULL ? metric->value_size : 0,
                .series = series[i]
            };
        }
    }
    busbar_free(series);
    if (federate->found == NULL) {
        return BUSBAR_ENOMEM;
    }
    qsort(federate->found, federate->count, sizeof(*federate->found), by_metric);
    federate->selected = true;
    return history_reader_open(federate->history, &federate->reader);
}

/* ---- text ---- */

/* In quotes: \\ \" \n are escaped. */
static void put_quoted(struct buf *out, const char *text, size_t size)
{
    (void)buf_append_byte(out, '"');
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '\n') {
            (void)buf_append_text(out, "\\n");
            continue;
        }
        if (text[i] == '\\' || text[i] == '"') {
            (void)buf_append_byte(out, '\\');
        }
        (void)buf_append_byte(out, (uint8_t)text[i]);
    }
    (void)buf_append_byte(out, '"');
}

/* A name as it is when it is plain; else in quotes, or with '_' for each character that is not. */
static void put_name(struct buf *out, const char *name, size_t size, bool metric, bool utf8)
{
    bool plain = metric ? label_is_plain_metric(name, size) : label_is_plain_name(name, size);
    if (plain) {
        (void)buf_append(out, name, size);
        return;
    }
    if (utf8) {
        put_quoted(out, name, size);
        return;
    }
    if (size == 0 || (name[0] >= '0' && name[0] <= '9')) {
        (void)buf_append_byte(out, '_');
    }
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)name[i];
        bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    c == '_' || (metric && c == ':');
        if ((c & 0xc0) != 0x80) { /* one for a character, however many bytes it has */
            (void)buf_append_byte(out, good ? c : '_');
        }
    }
}

static void put_number(struct buf *out, double value)
{
    char text[DECIMAL_TEXT_MAX];
    (void)buf_append(out, text, decimal_text(text, value));
}

static void put_labels(const struct federate *federate, const struct found *found, struct buf *out)
{
    struct label labels[LABELS_MAX];
    size_t count = history_index_labels(history_index(federate->history), found->series, labels);
    bool instance = false;
    bool quoted = federate->utf8 && !label_is_plain_metric(found->metric, found->metric_size) &&
                  found->metric_size > 0;
    if (!quoted) {
        put_name(out, found->metric, found->metric_size, true, false);
    }
    (void)buf_append_byte(out, '{');
    if (quoted) {
        put_quoted(out, found->metric, found->metric_size);
        (void)buf_append_byte(out, ',');
    }
    for (size_t i = 0; i < count; i++) {
        const struct label *label = &labels[i];
        if (label->name_size == strlen(LABEL_METRIC) &&
            memcmp(label->name, LABEL_METRIC, label->name_size) == 0) {
            continue;
        }
        instance = instance || (label->name_size == strlen("instance") &&
                                memcmp(label->name, "instance", label->name_size) == 0);
        put_name(out, label->name, label->name_size, false, federate->utf8);
        (void)buf_append_byte(out, '=');
        put_quoted(out, label->value, label->value_size);
        (void)buf_append_byte(out, ',');
    }
    if (!instance) {
        (void)buf_append_text(out, "instance=\"\"");
    } else {
        out->size--; /* the comma */
    }
    (void)buf_append_byte(out, '}');
}

static int put_series(struct federate *federate, struct buf *out)
{
    const struct found *found = &federate->found[federate->at++];
    bool there = false;
    int64_t time_us = 0;
    double value = 0;
    int error = history_reader_last(federate->reader, found->series,
                                    federate->now_us - PROMQL_LOOKBACK_US + 1, federate->now_us + 1,
                                    &there, &time_us, &value);
    if (error != 0 || !there || history_is_stale(value)) {
        return error;
    }
    if (federate->metric == NULL || federate->metric_size != found->metric_size ||
        memcmp(federate->metric, found->metric, found->metric_size) != 0) {
        federate->metric = found->metric;
        federate->metric_size = found->metric_size;
        (void)buf_append_text(out, "# TYPE ");
        put_name(out, found->metric, found->metric_size, true, federate->utf8);
        (void)buf_append_text(out, " untyped\n");
    }
    put_labels(federate, found, out);
    (void)buf_append_byte(out, ' ');
    put_number(out, value);
    return buf_printf(out, " %lld\n", (long long)(time_us / CLOCK_US_PER_MS));
}

/* ---- the answer ---- */

static int make(void *ctx, struct buf *out, bool *last, const atomic_bool *cancel)
{
    struct federate *federate = ctx;
    int error = federate->selected ? 0 : open_answer(federate, cancel);
    while (error == 0 && federate->at < federate->count && out->size < SERVER_PIECE_BYTES) {
        error = atomic_load(cancel) ? BUSBAR_ECANCELED : put_series(federate, out);
    }
    *last = federate->at == federate->count;
    return error;
}

static void end(void *ctx)
{
    struct federate *federate = ctx;
    history_reader_close(federate->reader);
    prometheus_selection_fini(&federate->selection);
    busbar_free(federate->found);
    busbar_free(federate);
}

void ingest_federate(struct server_request *req, struct history *history)
{
    static const struct server_maker maker = { .make = make, .end = end };
    struct err err = { 0 };
    const char *accept = server_header(req, "Accept");
    struct federate *federate = busbar_alloc(sizeof(*federate));
    federate->history = history;
    federate->now_us = clock_wall_us();
    federate->utf8 = accept != NULL && strstr(accept, "escaping=allow-utf-8") != NULL;
    int error = history_index_check(history, &err);
    error = error != 0 ? error : prometheus_selection_parse(&federate->selection, req, 1, &err);
    if (error != 0) {
        busbar_free(federate);
        server_reply_err(req, &err);
        return;
    }
    server_reply_stream(req, 200,
                        federate->utf8
                            ? "text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8"
                            : "text/plain; version=0.0.4; charset=utf-8; escaping=underscores",
                        &maker, federate);
}
