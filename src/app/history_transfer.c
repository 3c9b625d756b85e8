/* SPDX-License-Identifier: Apache-2.0 */
#include "app/history_transfer.h"

#include <string.h>

#include "app/gateway.h"
#include "app/transfer.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "history/index.h"
#include "net/jobs.h"
#include "promql/promql.h"
#include "server/journal.h"

enum {
    PAGE_SAMPLES = 20000,   /* of a series at a time */
    APPEND_SAMPLES = 10000, /* at a time */
    APPEND_US = 2000,       /* then the loop turns */
    SERIES_MAX = 10000000,
};

/* ---- export ---- */

struct exporting {
    struct history *history;
    struct arena arena;
    struct label_matcher matchers[HISTORY_MATCHERS_MAX];
    size_t matcher_count;
    int64_t from_us, to_us;
    enum transfer_format format;
    bool begun;
    uint32_t *series;
    size_t series_count, at;
    int64_t next_us; /* of the series in turn */
};

static int begin_export(struct exporting *work, struct buf *out, const atomic_bool *cancel)
{
    struct err err = { 0 };
    work->begun = true;
    work->next_us = work->from_us;
    transfer_head(work->format, out);
    return history_index_select(history_index(work->history), work->matchers, work->matcher_count,
                                SERIES_MAX, cancel, &work->series, &work->series_count, &err);
}

static int export_page(struct exporting *work, struct buf *out)
{
    struct label labels[LABELS_MAX];
    struct history_samples found;
    uint32_t series = work->series[work->at];
    size_t label_count = history_index_labels(history_index(work->history), series, labels);
    int error = history_read(work->history, series, work->next_us, work->to_us, PAGE_SAMPLES,
                             &found);
    if (error != 0) {
        return error;
    }
    transfer_write(work->format, labels, label_count, found.samples, found.count, out);
    if (found.more) {
        work->next_us = found.samples[found.count - 1].time_us + 1;
    } else {
        work->at++;
        work->next_us = work->from_us;
    }
    history_samples_free(&found);
    return 0;
}

static int export_piece(void *ctx, struct buf *out, bool *last, const atomic_bool *cancel)
{
    struct exporting *work = ctx;
    int error = work->begun ? 0 : begin_export(work, out, cancel);
    while (error == 0 && work->at < work->series_count && out->size < SERVER_PIECE_BYTES) {
        error = atomic_load(cancel) ? BUSBAR_ECANCELED : export_page(work, out);
    }
    *last = work->at == work->series_count;
    return error;
}

static void export_ended(void *ctx)
{
    struct exporting *work = ctx;
    busbar_free(work->series);
    arena_fini(&work->arena);
    busbar_free(work);
}

static int parse_export(struct server_request *req, struct exporting *work, struct err *err)
{
    const char *match = server_query(req, "match");
    const char *format = server_query(req, "format");
    if (format != NULL && !transfer_format_of(format, &work->format)) {
        return err_set(err, BUSBAR_EINVAL, "'format' is json or csv");
    }
    int error = server_query_time(req, "start", INT64_MIN, &work->from_us, err);
    error = error == 0 ? server_query_time(req, "end", INT64_MAX, &work->to_us, err) : error;
    if (error == 0 && match != NULL && match[0] != '\0') {
        error = promql_matchers(match, &work->arena, work->matchers, &work->matcher_count, err);
    }
    return error;
}

void history_transfer_export(struct server_request *req)
{
    static const struct server_maker maker = { .make = export_piece, .end = export_ended };
    struct gateway *gw = server_ctx(req);
    struct exporting *work = busbar_alloc(sizeof(*work));
    struct err err = { 0 };
    work->history = gw->history;
    arena_init(&work->arena, 1 << 20);
    if (!history_index_loaded(gw->history)) {
        server_reply_error(req, BUSBAR_EBUSY, "the labels of the series are being loaded");
        export_ended(work);
        return;
    }
    if (parse_export(req, work, &err) != 0) {
        server_reply_err(req, &err);
        export_ended(work);
        return;
    }
    server_reply_stream(
        req, 200, work->format == TRANSFER_CSV ? "text/csv; charset=utf-8" : "application/x-ndjson",
        &maker, work);
}

/* ---- import ---- */

struct importing {
    struct server_request *req;
    struct gateway *gw;
    const uint8_t *text;
    size_t size;
    int64_t line;
    enum transfer_format format;
    struct transfer_batch batch;
    uint32_t *ids;  /* of the batch's sets; 0: refused */
    size_t taken;   /* samples, by the log */
    size_t waiting; /* callbacks to come, ours among them */
    int error;
    struct err err;
};

/* Known sets are found, points' too; the others get an id. */
static int find_series(struct importing *work)
{
    struct transfer_batch *batch = &work->batch;
    struct history_index *index = history_index(work->gw->history);
    size_t count = batch->set_count;
    struct history_labels *sets = busbar_try_alloc(count * sizeof(*sets) + 1);
    uint32_t *made = busbar_try_alloc(count * sizeof(*made) + 1);
    work->ids = busbar_try_alloc(count * sizeof(*work->ids) + 1);
    int error = sets == NULL || made == NULL || work->ids == NULL
                    ? err_set(&work->err, BUSBAR_ENOMEM, "out of memory")
                    : 0;
    size_t new_count = 0;
    for (size_t i = 0; error == 0 && i < count; i++) {
        const struct transfer_set *set = &batch->sets[i];
        work->ids[i] = history_index_find(index, set->labels, set->count);
        if (work->ids[i] == 0) {
            sets[new_count++] = (struct history_labels){ set->labels, set->count };
        }
    }
    if (error == 0 && new_count > 0) {
        error = history_make_series(work->gw->history, sets, new_count, made, &work->err);
    }
    for (size_t i = 0, at = 0; error == 0 && i < count; i++) {
        work->ids[i] = work->ids[i] == 0 ? made[at++] : work->ids[i];
    }
    busbar_free(sets);
    busbar_free(made);
    return error;
}

static void work_import(void *ctx)
{
    struct importing *work = ctx;
    struct transfer_batch *batch = &work->batch;
    work->error = transfer_read(batch, work->format, (const char *)work->text, work->size,
                                (uint64_t)work->line);
    if (work->error != 0) {
        err_set(&work->err, work->error, "too many samples in one piece: %s",
                err_text(work->error));
        return;
    }
    work->error = find_series(work);
    for (size_t i = 0; work->error == 0 && i < batch->count; i++) {
        batch->samples[i].point = work->ids[batch->samples[i].point];
    }
}

static void note_import(const struct importing *work)
{
    const struct transfer_batch *batch = &work->batch;
    char result[160];
    if (batch->count == 0 || server_of(work->req) == NULL) {
        return;
    }
    str_format(result, sizeof(result), "%zu samples of %zu series%s%s", batch->count,
               batch->set_count, work->error == 0 ? "" : ", not all stored: ",
               work->error == 0 ? "" : err_text(work->error));
    journal_note(work->req, "history import", "", "", "", result);
}

static void answer_import(struct importing *work)
{
    struct buf out;
    const struct transfer_batch *batch = &work->batch;
    note_import(work);
    if (work->error != 0) {
        server_reply_err(work->req, &work->err);
    } else {
        buf_init(&out, SERVER_ANSWER_MAX);
        struct json_writer json = json_writer(&out);
        json_begin_object(&json);
        json_put_u64(&json, "samples", batch->count);
        json_put_u64(&json, "series", batch->set_count);
        json_put_u64(&json, "refused_lines", batch->error_count);
        json_put_array(&json, "errors");
        for (size_t i = 0; i < batch->error_count && i < TRANSFER_ERRORS_MAX; i++) {
            json_begin_object(&json);
            json_put_u64(&json, "line", batch->errors[i].line);
            json_put_u64(&json, "column", batch->errors[i].column);
            json_put_string(&json, "message", batch->errors[i].message);
            json_end_object(&json);
        }
        json_end_array(&json);
        json_end_object(&json);
        server_reply_json(work->req, 200, &out);
    }
    transfer_fini(&work->batch);
    busbar_free(work->ids);
    busbar_free(work);
}

static void let_go(struct importing *work)
{
    if (--work->waiting == 0) {
        answer_import(work);
    }
}

static void stored(void *ctx, int error)
{
    struct importing *work = ctx;
    if (error != 0 && work->error == 0) {
        work->error = err_set(&work->err, error, "not stored: %s", err_text(error));
    }
    let_go(work);
}

/* Samples of a point of the configuration are in its line of the ledger, too. */
static void count_points(const struct importing *work, size_t first)
{
    const struct sample *samples = work->batch.samples;
    for (size_t at = first, end; at < work->taken; at = end) {
        end = at + 1;
        while (end < work->taken && samples[end].point == samples[at].point) {
            end++;
        }
        struct point *pt = registry_point_by_id(work->gw->registry, samples[at].point);
        if (pt != NULL) {
            pt->received += end - at;
        }
    }
}

/* What the log took in this turn, from `first` on; at the end what it did not. */
static void count_turn(const struct importing *work, size_t first, bool ended)
{
    struct server *server = server_of(work->req);
    struct server_import import = { .ended = ended, .stored = work->taken - first };
    if (ended) {
        import.bytes = work->size;
        import.left = work->batch.count - work->taken;
        import.malformed = work->batch.error_count;
        import.error = work->error;
    }
    if (server != NULL) {
        server_count_import(server, &import);
        count_points(work, first);
    }
}

static void rest_a_moment(void *ctx)
{
    (void)ctx; /* the loop has its turn meanwhile */
}

/* After the job, and again until the log has all samples. */
static void append_some(void *ctx, int error)
{
    struct importing *work = ctx;
    struct transfer_batch *batch = &work->batch;
    int64_t until_us = clock_mono_us() + APPEND_US;
    size_t first = work->taken;
    work->error = error != 0 ? err_set(&work->err, error, "not stored: %s", err_text(error))
                             : work->error;
    while (work->taken < batch->count && work->error == 0) {
        size_t left = batch->count - work->taken;
        size_t count = left < APPEND_SAMPLES ? left : APPEND_SAMPLES;
        if (clock_mono_us() >= until_us) {
            count_turn(work, first, false);
            jobs_submit(work->gw->loop, rest_a_moment, append_some, work);
            return;
        }
        work->waiting++;
        error = history_append(work->gw->history, batch->samples + work->taken, count, stored,
                               work);
        if (error != 0) {
            work->waiting--;
            work->error = err_set(&work->err, error, "%zu of %zu samples are stored: %s",
                                  work->taken, batch->count, err_text(error));
            err_hint(&work->err, "send all of it again: what is there stays as it is");
        }
        work->taken += error == 0 ? count : 0;
    }
    count_turn(work, first, true);
    let_go(work);
}

void history_transfer_import(struct server_request *req)
{
    struct gateway *gw = server_ctx(req);
    struct importing *work = busbar_alloc(sizeof(*work));
    const char *format = server_query(req, "format");
    struct err err = { 0 };
    work->req = req;
    work->gw = gw;
    work->text = server_raw(req, &work->size);
    transfer_init(&work->batch);
    if (format != NULL && !transfer_format_of(format, &work->format)) {
        server_reply_error(req, BUSBAR_EINVAL, "'format' is json or csv");
    } else if (server_query_i64(req, "line", 1, 1, INT64_MAX, &work->line, &err) != 0) {
        server_reply_err(req, &err);
    } else if (!history_index_loaded(gw->history)) {
        server_reply_error(req, BUSBAR_EBUSY, "the labels of the series are being loaded");
    } else {
        work->waiting = 1;
        jobs_submit(gw->loop, work_import, append_some, work);
        return;
    }
    transfer_fini(&work->batch);
    busbar_free(work);
}
