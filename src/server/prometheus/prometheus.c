/* SPDX-License-Identifier: Apache-2.0 */
#include "server/prometheus/prometheus.h"

#include "base/alloc.h"
#include "base/str.h"
#include "history/history.h"
#include "server/prometheus/selection.h"
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
        if (server_query_submit(server, work, done, job, &err) == 0) {
            return;
        }
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

int prometheus_series(struct prometheus_job *job, uint32_t **series, size_t *count)
{
    struct prometheus_selection selection;
    *series = NULL;
    *count = 0;
    int error = history_index_check(job->history, &job->err);
    error = error != 0 ? error : prometheus_selection_parse(&selection, job->req, 1, &job->err);
    if (error != 0) {
        return error;
    }
    error = prometheus_selection_series(&selection, history_index(job->history),
                                        PROMETHEUS_SERIES_MAX, job->cancel, series, count,
                                        &job->err);
    prometheus_selection_fini(&selection);
    return error != 0 ? prometheus_failed(job) : 0;
}

void server_prometheus_routes(struct server *server)
{
    prometheus_query_routes(server);
    prometheus_label_routes(server);
    prometheus_text_routes(server);
    prometheus_target_routes(server);
    prometheus_status_routes(server);
    prometheus_admin_routes(server);
}
