/* SPDX-License-Identifier: Apache-2.0 */
#include "app/history_fetch.h"

#include <string.h>

#include "app/gateway.h"
#include "app/transfer.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "history/archive.h"
#include "history/index.h"
#include "history/sealed.h"
#include "sinks/filter.h"
#include "sinks/sinks.h"

#define STEP_US (INT64_C(60) * CLOCK_US_PER_S) /* of the database, for one step */

enum { SITE_MAX = 63 };

struct fetching {
    struct history *history;
    struct history_archive *archive;
    struct history_fetch fetch;
    struct sink_filter *points; /* NULL: all */
    char site[SITE_MAX + 1];
    struct buf *out; /* of the piece in turn */
    uint64_t samples, repeated, kept, unknown;
};

static bool wants(void *ctx, const char *path)
{
    const struct fetching *work = ctx;
    return work->points == NULL || (path[0] != '\0' && sink_filter_takes_path(work->points, path));
}

/* The labels of a row as a set; how many, or 0: they make none. */
static size_t labels_of(const struct json_doc *doc, struct label *labels)
{
    struct json_iter it = json_iter(json_root(doc));
    const char *name;
    const struct json_value *value;
    size_t count = 0;
    while (json_next(&it, &name, &value)) {
        const char *text = json_get_text(value, NULL);
        if (text == NULL || count == LABELS_MAX) {
            return 0;
        }
        labels[count++] = label_of(name, text);
    }
    struct err err = { 0 };
    return labels_sort(labels, &count, &err) == 0 ? count : 0;
}

static bool is_same(const struct sample *a, const struct sample *b)
{
    return a->receive_us == b->receive_us && a->quality == b->quality && a->detail == b->detail &&
           value_equal(a->type, a->value, b->type, b->value);
}

/* Leaves out what is here: how many are left, at the front. */
static size_t leave_out(struct fetching *work, const struct history_samples *here,
                        struct sample *samples, size_t count)
{
    size_t left = 0, at = 0;
    for (size_t i = 0; i < count; i++) {
        while (at < here->count && here->samples[at].time_us < samples[i].time_us) {
            at++;
        }
        if (at == here->count || here->samples[at].time_us != samples[i].time_us) {
            samples[left++] = samples[i];
        } else if (is_same(&here->samples[at], &samples[i])) {
            work->repeated++;
        } else {
            work->kept++;
        }
    }
    return left;
}

static int put_new(struct fetching *work, const struct label *labels, size_t label_count,
                   const struct sample *samples, size_t count)
{
    struct history_samples here = { 0 };
    uint32_t series = history_index_find(history_index(work->history), labels, label_count);
    struct sample *copy = busbar_try_alloc(count * sizeof(*copy));
    int error = copy == NULL ? BUSBAR_ENOMEM : 0;
    if (error == 0 && series != 0) {
        error = history_read(work->history, series, samples[0].time_us,
                             samples[count - 1].time_us + 1, SIZE_MAX, &here);
    }
    if (error == 0) {
        memcpy(copy, samples, count * sizeof(*copy));
        size_t left = leave_out(work, &here, copy, count);
        work->samples += left;
        transfer_write(TRANSFER_JSON, labels, label_count, copy, left, work->out);
        error = work->out->overflow ? BUSBAR_ELIMIT : 0;
    }
    history_samples_free(&here);
    busbar_free(copy);
    return error;
}

static int take(void *ctx, const char *path, const char *text, const struct sample *samples,
                size_t count)
{
    struct fetching *work = ctx;
    struct label labels[LABELS_MAX];
    struct json_doc *doc = NULL;
    struct err err = { 0 };
    (void)path;
    int error = json_parse(text, strlen(text), NULL, &doc, &err);
    size_t label_count = error == 0 ? labels_of(doc, labels) : 0;
    if (label_count == 0) { /* nobody could find them again */
        work->unknown += count;
        error = 0;
    } else {
        error = put_new(work, labels, label_count, samples, count);
    }
    json_free(doc);
    return error;
}

static void put_end(const struct fetching *work, const struct err *err)
{
    struct json_writer json = json_writer(work->out);
    json_begin_object(&json);
    json_put_object(&json, "fetched");
    json_put_u64(&json, "samples", work->samples);
    json_put_u64(&json, "repeated", work->repeated);
    json_put_u64(&json, "kept", work->kept);
    json_put_u64(&json, "unlabelled", work->unknown);
    json_put_u64(&json, "damaged_rows", work->fetch.damaged);
    json_put_u64(&json, "points", work->fetch.points);
    if (err->code != 0) {
        json_put_string(&json, "error", err->message);
        json_put_string(&json, "hint", err->hint);
    }
    json_end_object(&json);
    json_end_object(&json);
    buf_append_text(work->out, "\n");
}

static int fetch_piece(void *ctx, struct buf *out, bool *last, const atomic_bool *cancel)
{
    struct fetching *work = ctx;
    struct err err = { 0 };
    work->out = out;
    while (!work->fetch.done && err.code == 0 && out->size < SERVER_PIECE_BYTES) {
        struct history_archive_ask ask = { .cancel = cancel,
                                           .deadline_us = clock_mono_us() + STEP_US };
        if (atomic_load(cancel)) {
            return BUSBAR_ECANCELED;
        }
        int error = work->archive->fetch(work->archive, &ask, &work->fetch, &err);
        if (error != 0 && err.code == 0) {
            err_set(&err, error, "%s", err_text(error));
        }
    }
    *last = work->fetch.done || err.code != 0;
    if (*last) {
        put_end(work, &err);
    }
    return 0;
}

static void fetch_ended(void *ctx)
{
    struct fetching *work = ctx;
    history_archive_release(work->archive);
    sink_filter_unref(work->points);
    busbar_free(work);
}

static int parse(struct server_request *req, struct fetching *work, struct err *err)
{
    const char *site = server_query(req, "site"), *points = server_query(req, "points");
    if (site != NULL && site[0] != '\0') {
        str_copy(work->site, sizeof(work->site), site);
        work->fetch.site = work->site;
    }
    int error = server_query_time(req, "since", INT64_MIN, &work->fetch.since_us, err);
    error = error == 0 ? server_query_time(req, "until", INT64_MAX, &work->fetch.until_us, err)
                       : error;
    if (error == 0 && points != NULL && points[0] != '\0') {
        int which;
        error = sink_filter_new(work->history, points, "", "none", false, &work->points, &which,
                                err);
    }
    return error;
}

void history_fetch_get(struct server_request *req)
{
    static const struct server_maker maker = { .make = fetch_piece, .end = fetch_ended };
    struct gateway *gw = server_ctx(req);
    const char *sink = server_query(req, "sink");
    struct err err = { 0 };
    struct fetching *work = busbar_alloc(sizeof(*work));
    work->history = gw->history;
    work->fetch.wanted = wants;
    work->fetch.take = take;
    work->fetch.ctx = work;
    work->archive = sinks_archive(gw->sinks, sink != NULL ? sink : "");
    if (work->archive == NULL || work->archive->fetch == NULL) {
        err_set(&err, BUSBAR_ENOENT, "there is no sink '%.63s' that keeps samples to be read back",
                sink != NULL ? sink : "");
        err_hint(&err, "a sink of PostgreSQL does: see `busbar sink list`");
    } else if (!history_index_loaded(gw->history)) {
        err_set(&err, BUSBAR_EBUSY, "the labels of the series are being loaded");
    } else {
        (void)parse(req, work, &err);
    }
    if (err.code != 0) {
        server_reply_err(req, &err);
        fetch_ended(work);
        return;
    }
    server_reply_stream(req, 200, "application/x-ndjson", &maker, work);
}
