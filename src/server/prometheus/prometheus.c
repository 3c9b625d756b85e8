/* SPDX-License-Identifier: Apache-2.0 */
#include "server/prometheus/prometheus.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "history/history.h"
#include "net/lane.h"
#include "promql/promql.h"
#include "server/reply.h"

enum { STATUS_EXECUTION = 422, STATUS_CANCELED = 499, STATUS_UNAVAILABLE = 503 };

/* ---- a question's life ---- */

void prometheus_begin(struct buf *out)
{
    (void)buf_append_text(out, "{\"status\":\"success\",\"data\":");
}

void prometheus_end(struct buf *out)
{
    (void)buf_append_byte(out, '}');
}

static void work(void *ctx)
{
    struct prometheus_job *job = ctx;
    if (atomic_load(job->cancel)) {
        err_set(&job->err, BUSBAR_ECANCELED, "the client went away");
        return;
    }
    prometheus_begin(&job->out);
    int error = job->work(job);
    if (error != 0) {
        if (job->err.code == 0) {
            err_set(&job->err, error, "%s", err_text(error));
        }
        buf_clear(&job->out);
        return;
    }
    if (job->warning != NULL) {
        (void)buf_printf(&job->out, ",\"warnings\":[\"%s\"]", job->warning);
    }
    prometheus_end(&job->out);
    job->packed = job->takes_gzip && server_pack(&job->out);
}

static void done(void *ctx, int error)
{
    struct prometheus_job *job = ctx;
    if (error != 0 && job->err.code == 0) {
        err_set(&job->err, error, "busbar is stopping");
    }
    if (job->end != NULL) {
        job->end(job);
    }
    if (job->err.code == 0 && job->empty) {
        server_reply_empty(job->req, 204);
    } else if (job->err.code == 0) {
        server_reply_packed(job->req, 200, SERVER_TYPE_JSON, &job->out, job->packed);
    } else if (job->status != 0) {
        server_reply_status(job->req, job->status, &job->err);
    } else {
        server_reply_err(job->req, &job->err);
    }
    buf_fini(&job->out);
    busbar_free(job);
}

void prometheus_submit(struct server_request *req, struct prometheus_job *job, prometheus_work ask)
{
    struct server *server = server_of(req);
    struct err err = { 0 };
    if (server->config.history == NULL) {
        err_set(&err, BUSBAR_EAGAIN, "there is no history");
    } else {
        job->req = req;
        job->history = server->config.history;
        job->cancel = server_cancel(req);
        job->work = ask;
        job->takes_gzip = server_takes_gzip(req);
        buf_init(&job->out, SERVER_ANSWER_MAX);
        if (lane_submit(server->queries, work, done, job) == 0) {
            return;
        }
        err_set(&err, BUSBAR_EBUSY, "%d queries run and %d wait already", PROMETHEUS_QUERIES_MAX,
                PROMETHEUS_LINE_MAX);
        err_hint(&err, "ask again soon");
    }
    if (job->end != NULL) {
        job->end(job);
    }
    busbar_free(job);
    server_reply_err(req, &err);
}

void prometheus_ask(struct server_request *req, prometheus_work ask)
{
    prometheus_submit(req, busbar_alloc(sizeof(struct prometheus_job)), ask);
}

int prometheus_failed(struct prometheus_job *job)
{
    switch (job->err.code) {
    case BUSBAR_ESYNTAX: break;
    case BUSBAR_ETIMEOUT: job->status = STATUS_UNAVAILABLE; break;
    case BUSBAR_ECANCELED: job->status = STATUS_CANCELED; break;
    case BUSBAR_EINVAL:
    case BUSBAR_ELIMIT:
    case BUSBAR_ERANGE:
    case BUSBAR_ENOMEM: job->status = STATUS_EXECUTION; break;
    default: break;
    }
    return job->err.code;
}

void prometheus_reply(struct server_request *req, const char *data)
{
    struct buf out;
    buf_init(&out, SERVER_ANSWER_MAX);
    prometheus_begin(&out);
    (void)buf_append_text(&out, data);
    prometheus_end(&out);
    server_reply_json(req, 200, &out);
    buf_fini(&out);
}

/* ---- selectors ---- */

void prometheus_word_syntax(struct err *err, const char *parameter)
{
    char place[64] = "unknown position";
    if (err->code != BUSBAR_ESYNTAX) {
        return;
    }
    if (err->line > 0) {
        str_format(place, sizeof(place), "%d:%d", err->line, err->column);
    }
    err_prefix(err, "%s: parse error", place);
    if (parameter != NULL) {
        err_prefix(err, "invalid parameter \"%s\"", parameter);
    }
}

int prometheus_matchers(const char *text, struct arena *arena,
                        struct label_matcher matchers[HISTORY_MATCHERS_MAX], size_t *count,
                        struct err *err)
{
    int error = promql_matchers(text, arena, matchers, count, err);
    prometheus_word_syntax(err, "match[]");
    return error;
}

static int by_id(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static size_t sort_out(uint32_t *series, size_t count)
{
    size_t kept = 0;
    qsort(series, count, sizeof(*series), by_id);
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || series[kept - 1] != series[i]) {
            series[kept++] = series[i];
        }
    }
    return kept;
}

/* Adds the series of one match[]. */
static int add_matching(struct prometheus_job *job, const char *text, uint32_t **series,
                        size_t *count)
{
    struct label_matcher matchers[HISTORY_MATCHERS_MAX];
    struct arena arena;
    uint32_t *found = NULL;
    size_t matcher_count = 0, found_count = 0;
    arena_init(&arena, 0);
    int error = prometheus_matchers(text, &arena, matchers, &matcher_count, &job->err);
    if (error == 0) {
        error = history_index_select(history_index(job->history), matchers, matcher_count,
                                     PROMETHEUS_SERIES_MAX - *count, job->cancel, &found,
                                     &found_count, &job->err);
        error = error != 0 ? prometheus_failed(job) : 0;
    }
    arena_fini(&arena);
    if (error == 0 && found_count > 0) {
        uint32_t *all = busbar_try_realloc(*series, (*count + found_count) * sizeof(**series));
        if (all == NULL) {
            busbar_free(found);
            return err_set(&job->err, BUSBAR_ENOMEM, "out of memory");
        }
        memcpy(all + *count, found, found_count * sizeof(*found));
        *series = all;
        *count += found_count;
    }
    busbar_free(found);
    return error;
}

int prometheus_series(struct prometheus_job *job, uint32_t **series, size_t *count)
{
    const char *text;
    size_t asked = 0;
    int error = 0;
    *series = NULL;
    *count = 0;
    while (error == 0 && (text = server_query_at(job->req, "match[]", asked)) != NULL) {
        if (++asked > PROMETHEUS_MATCHERS_MAX) {
            error = err_set(&job->err, BUSBAR_EINVAL, "more than %d match[] parameters",
                            PROMETHEUS_MATCHERS_MAX);
        } else {
            error = add_matching(job, text, series, count);
        }
    }
    if (error == 0 && asked == 0) {
        error = err_set(&job->err, BUSBAR_EINVAL, "no match[] parameter provided");
    }
    if (error != 0) {
        busbar_free(*series);
        *series = NULL;
        *count = 0;
        return error;
    }
    *count = asked > 1 ? sort_out(*series, *count) : *count;
    return 0;
}

void server_prometheus_routes(struct server *server)
{
    server->queries = lane_new(server->config.loop, PROMETHEUS_QUERIES_MAX, PROMETHEUS_LINE_MAX);
    prometheus_query_routes(server);
    prometheus_label_routes(server);
    prometheus_text_routes(server);
    prometheus_target_routes(server);
    prometheus_status_routes(server);
    prometheus_admin_routes(server);
}
