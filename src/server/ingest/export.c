/* SPDX-License-Identifier: Apache-2.0 */
/* GET, POST /api/v1/export: samples as the JSON lines that /api/v1/import takes, in pieces. A series
 * of many samples gets several lines. Whole numbers are written with all their digits; texts are left out. */
#include "server/ingest/export.h"

#include "base/alloc.h"
#include "base/str.h"
#include "history/reader.h"
#include "model/quality.h"
#include "server/ingest/json_lines.h"
#include "server/ingest/selection.h"

enum { LINE_SAMPLES = 10000 };

struct export
{
    struct history *history;
    struct ingest_selection selection;
    int64_t from_us, to_us;
    uint32_t *series;
    size_t count, at;
    bool selected;
    int64_t next_us; /* in the series in work */
    int64_t times_us[LINE_SAMPLES];
    double values[LINE_SAMPLES];
};

/* The samples of one line that have a number, or had none all of a sudden. */
static size_t numbers_of(struct export *export, const struct history_samples *found)
{
    size_t count = 0;
    for (size_t i = 0; i < found->count; i++) {
        const struct sample *sample = &found->samples[i];
        double value = history_stale();
        bool bad = quality_class(sample->quality) == QUALITY_CLASS_BAD ||
                   sample->type == VALUE_NONE;
        if (bad || value_number(sample->type, sample->value, &value)) {
            export->times_us[count] = sample->time_us;
            export->values[count++] = value;
        }
    }
    return count;
}

static int put_line(struct export *export, struct buf *out)
{
    struct history_samples found = { 0 };
    struct label labels[LABELS_MAX];
    uint32_t series = export->series[export->at];
    int error = history_read(export->history, series, export->next_us, export->to_us, LINE_SAMPLES,
                             &found);
    if (error != 0) {
        return error;
    }
    size_t count = numbers_of(export, &found);
    size_t label_count = history_index_labels(history_index(export->history), series, labels);
    if (count > 0 && label_count > 0) {
        ingest_json_lines_put(out, labels, label_count, export->times_us, export->values, count);
    }
    if (found.more) {
        export->next_us = found.samples[found.count - 1].time_us + 1;
    } else {
        export->at++;
        export->next_us = export->from_us;
    }
    history_samples_free(&found);
    return 0;
}

static int make(void *ctx, struct buf *out, bool *last, const atomic_bool *cancel)
{
    struct export *export = ctx;
    struct err err = { 0 };
    int error = 0;
    if (!export->selected) {
        error = ingest_selection_series(&export->selection, history_index(export->history), cancel,
                                        &export->series, &export->count, &err);
        export->selected = error == 0;
    }
    while (error == 0 && export->at < export->count && out->size < SERVER_PIECE_BYTES) {
        error = atomic_load(cancel) ? BUSBAR_ECANCELED : put_line(export, out);
    }
    *last = export->at == export->count;
    return error;
}

static void end(void *ctx)
{
    struct export *export = ctx;
    ingest_selection_fini(&export->selection);
    busbar_free(export->series);
    busbar_free(export);
}

static int parse_time(const struct server_request *req, const char *name, int64_t fallback,
                      int64_t *time_us, struct err *err)
{
    const char *text = server_query(req, name);
    double seconds = 0;
    *time_us = fallback;
    if (text == NULL || str_parse_time(text, time_us) == 0) {
        return 0;
    }
    if (str_parse_double(text, &seconds) != 0 || !(seconds > -1e12 && seconds < 1e12)) {
        err_set(err, BUSBAR_EINVAL, "'%s' is no time for '%s'", text, name);
        return err_hint(err, "seconds since 1970, or 2026-11-22T12:00:00Z");
    }
    *time_us = (int64_t)(seconds * 1e6);
    return 0;
}

void ingest_export(struct server_request *req, struct history *history)
{
    static const struct server_maker maker = { .make = make, .end = end };
    struct err err = { 0 };
    struct export *export = busbar_alloc(sizeof(*export));
    export->history = history;
    int error = history == NULL ? err_set(&err, BUSBAR_EAGAIN, "there is no history") : 0;
    if (error == 0) {
        error = parse_time(req, "start", 0, &export->from_us, &err);
    }
    if (error == 0) {
        error = parse_time(req, "end", INT64_MAX - 1, &export->to_us, &err);
    }
    if (error == 0) {
        error = ingest_selection_parse(&export->selection, req, &err);
    }
    if (error != 0) {
        busbar_free(export);
        server_reply_err(req, &err);
        return;
    }
    export->next_us = export->from_us;
    export->to_us += 1; /* the end is included */
    server_reply_stream(req, 200, "application/stream+json", &maker, export);
}
