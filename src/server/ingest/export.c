/* SPDX-License-Identifier: Apache-2.0 */
/* GET, POST /api/v1/export: samples as the JSON lines that /api/v1/import takes, in pieces. A series
 * of many samples gets several lines. Whole numbers are written with all their digits; texts are left out. */
#include "server/ingest/export.h"

#include "base/alloc.h"
#include "history/reader.h"
#include "model/quality.h"
#include "server/ingest/json_lines.h"
#include "server/prometheus/params.h"
#include "server/prometheus/selection.h"

enum { LINE_SAMPLES = 10000 };

struct export
{
    struct history *history;
    struct prometheus_selection selection;
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
        error = prometheus_selection_series(&export->selection, history_index(export->history),
                                            INGEST_SELECTED_MAX, cancel, &export->series,
                                            &export->count, &err);
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
    prometheus_selection_fini(&export->selection);
    busbar_free(export->series);
    busbar_free(export);
}

void ingest_export(struct server_request *req, struct history *history)
{
    static const struct server_maker maker = { .make = make, .end = end };
    static const int64_t first = 0, last = INT64_MAX - 1;
    struct err err = { 0 };
    struct export *export = busbar_alloc(sizeof(*export));
    export->history = history;
    int error = history_index_check(history, &err);
    if (error == 0) {
        error = prometheus_time(req, "start", &first, &export->from_us, &err);
    }
    if (error == 0) {
        error = prometheus_time(req, "end", &last, &export->to_us, &err);
    }
    if (error == 0) {
        error = prometheus_selection_parse(&export->selection, req, 1, &err);
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
