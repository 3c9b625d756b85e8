/* SPDX-License-Identifier: Apache-2.0 */
/* GET and POST /api/v1/query and /api/v1/query_range. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "promql/promql.h"
#include "server/prometheus/answer.h"
#include "server/prometheus/params.h"
#include "server/prometheus/prometheus.h"

struct ask {
    struct prometheus_job job;
    struct promql_question question;
    size_t limit;
    bool stats;
    int64_t asked_us; /* monotonic */
};

/* ---- the answer ---- */

static void put_notes(struct buf *out, const char *key, const char *const *notes, size_t count,
                      const char *more)
{
    if (count == 0 && more == NULL) {
        return;
    }
    (void)buf_printf(out, ",\"%s\":[", key);
    for (size_t i = 0; i < count; i++) {
        (void)buf_append_text(out, i > 0 ? "," : "");
        answer_text(out, notes[i], strlen(notes[i]));
    }
    if (more != NULL) {
        (void)buf_append_text(out, count > 0 ? "," : "");
        answer_text(out, more, strlen(more));
    }
    (void)buf_append_byte(out, ']');
}

static void put_stats(struct buf *out, const struct promql_result *result, int64_t waited_us)
{
    double parse = (double)result->stats.parse_us / 1e6;
    double evaluate = (double)result->stats.evaluate_us / 1e6;
    (void)buf_printf(out,
                     ",\"stats\":{\"timings\":{\"evalTotalTime\":%.6f,\"resultSortTime\":0,"
                     "\"queryPreparationTime\":%.6f,\"innerEvalTime\":%.6f,\"execQueueTime\":%.6f,"
                     "\"execTotalTime\":%.6f},\"samples\":{\"totalQueryableSamples\":%llu,"
                     "\"peakSamples\":%zu}}",
                     evaluate, parse, evaluate, (double)waited_us / 1e6, parse + evaluate,
                     (unsigned long long)result->stats.samples, result->stats.peak_samples);
}

static int answer(struct prometheus_job *job)
{
    struct ask *ask = (struct ask *)job;
    struct promql_source source;
    struct promql_result result;
    int64_t waited_us = clock_mono_us() - ask->asked_us;
    int error = promql_source_history_open(job->history, ask->question.cancel, &source);
    if (error != 0) {
        err_set(&job->err, error, "the history cannot be read: %s", err_text(error));
        return error == BUSBAR_EAGAIN ? err_hint(&job->err, "its series are still being loaded")
                                      : error;
    }
    error = promql_ask(&source, &ask->question, &result, &job->err);
    if (error == 0) {
        bool cut = answer_result(&job->out, &result, ask->question.start_us, ask->limit);
        if (ask->stats) {
            put_stats(&job->out, &result, waited_us);
        }
        (void)buf_append_byte(&job->out, '}');
        put_notes(&job->out, "warnings", result.warnings, result.warning_count,
                  cut ? "results truncated due to limit" : NULL);
        put_notes(&job->out, "infos", result.infos, result.info_count, NULL);
        promql_result_free(&result);
    } else {
        error = prometheus_failed(job);
        prometheus_word_syntax(&job->err, "query");
    }
    promql_source_history_close(&source);
    return error;
}

/* ---- the question ---- */

static int read_common(struct server_request *req, struct ask *ask, struct err *err)
{
    struct promql_question *question = &ask->question;
    int64_t timeout_us = 0;
    const char *stats = server_query(req, "stats");
    const char *text = server_query(req, "query");
    int error = prometheus_limit(req, &ask->limit, err);
    error = error != 0 ? error : prometheus_duration(req, "timeout", &timeout_us, err);
    error = error != 0 ? error
                       : prometheus_duration(req, "lookback_delta", &question->lookback_us, err);
    question->text = text != NULL ? text : "";
    question->limits.timeout_us = timeout_us < PROMQL_TIMEOUT_DEFAULT_US ? timeout_us : 0;
    ask->stats = stats != NULL && stats[0] != '\0';
    return error;
}

static int read_instant(struct server_request *req, struct ask *ask, struct err *err)
{
    int64_t now = clock_wall_us() / CLOCK_US_PER_MS * CLOCK_US_PER_MS;
    int error = prometheus_time(req, "time", &now, &ask->question.start_us, err);
    ask->question.end_us = ask->question.start_us;
    return error != 0 ? error : read_common(req, ask, err);
}

static int read_range(struct server_request *req, struct ask *ask, struct err *err)
{
    struct promql_question *question = &ask->question;
    const char *step = server_query(req, "step");
    int error = prometheus_time(req, "start", NULL, &question->start_us, err);
    error = error != 0 ? error : prometheus_time(req, "end", NULL, &question->end_us, err);
    if (error == 0 && question->end_us < question->start_us) {
        return err_set(err, BUSBAR_EINVAL,
                       "invalid parameter \"end\": end timestamp must not be before start time");
    }
    if (error == 0 && (step == NULL || prometheus_parse_duration(step, &question->step_us) != 0)) {
        return err_set(err, BUSBAR_EINVAL,
                       "invalid parameter \"step\": cannot parse \"%s\" to a valid duration",
                       step != NULL ? step : "");
    }
    if (error == 0 && question->step_us <= 0) {
        return err_set(err, BUSBAR_EINVAL,
                       "invalid parameter \"step\": zero or negative query resolution step widths "
                       "are not accepted. Try a positive integer");
    }
    if (error == 0 &&
        (question->end_us - question->start_us) / question->step_us > PROMQL_POINTS_DEFAULT) {
        return err_set(err, BUSBAR_EINVAL,
                       "exceeded maximum resolution of 11,000 points per timeseries. Try "
                       "decreasing the query resolution (?step=XX)");
    }
    return error != 0 ? error : read_common(req, ask, err);
}

static void submit(struct server_request *req, struct ask *ask, int error, const struct err *err)
{
    if (error != 0) {
        busbar_free(ask);
        server_reply_err(req, err);
        return;
    }
    ask->asked_us = clock_mono_us();
    ask->question.cancel = server_cancel(req);
    prometheus_submit(req, &ask->job, answer);
}

static void query(struct server_request *req)
{
    struct ask *ask = busbar_alloc(sizeof(*ask));
    struct err err = { 0 };
    int error = read_instant(req, ask, &err);
    submit(req, ask, error, &err);
}

static void query_range(struct server_request *req)
{
    struct ask *ask = busbar_alloc(sizeof(*ask));
    struct err err = { 0 };
    int error = read_range(req, ask, &err);
    submit(req, ask, error, &err);
}

void prometheus_query_routes(struct server *server)
{
    static const struct server_query_param at_once[] = {
        { "query", "string", "the expression, in PromQL" },
        { "time", "string", "seconds since 1970 or RFC 3339; default now" },
        { "timeout", "string", "a duration, at most 2m" },
        { "limit", "integer", "series in the answer at most" },
        { "lookback_delta", "string", "how old a sample may be; default 5m" },
        { "stats", "string", "all: what it took" },
        { NULL, NULL, NULL },
    };
    static const struct server_query_param range[] = {
        { "query", "string", "the expression, in PromQL" },
        { "start", "string", "seconds since 1970 or RFC 3339" },
        { "end", "string", "likewise" },
        { "step", "string", "seconds, or a duration" },
        { "timeout", "string", "a duration, at most 2m" },
        { "limit", "integer", "series in the answer at most" },
        { "lookback_delta", "string", "how old a sample may be; default 5m" },
        { "stats", "string", "all: what it took" },
        { NULL, NULL, NULL },
    };
#define ROW(verb, where, call, params, text)                                     \
    {                                                                            \
        .method = (verb), .path = (where), .handler = (call), .summary = (text), \
        .query = (params), .on = SERVER_ON_BOTH,                                 \
        .flags = SERVER_ROUTE_FORM | SERVER_ROUTE_PROMETHEUS                     \
    }
    static const struct server_route routes[] = {
        ROW("GET", "/api/v1/query", query, at_once, "an expression at one time (Prometheus)"),
        ROW("POST", "/api/v1/query", query, at_once, "the same, parameters as a form"),
        ROW("GET", "/api/v1/query_range", query_range, range,
            "an expression over a range of time (Prometheus)"),
        ROW("POST", "/api/v1/query_range", query_range, range, "the same, parameters as a form"),
    };
#undef ROW
    server_add_routes(server, routes, sizeof(routes) / sizeof(routes[0]), NULL);
}
