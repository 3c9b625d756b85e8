/* SPDX-License-Identifier: Apache-2.0 */
/* What Prometheus tells of itself, told of busbar: version (as far as clients look at it to learn what they may
 * ask), limits, the index, health; and lists that are empty because nothing makes their entries yet. */
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"
#include "history/history.h"
#include "history/index.h"
#include "promql/promql.h"
#include "server/prometheus/params.h"
#include "server/prometheus/prometheus.h"
#include "server/reply.h"

enum { TOP_DEFAULT = 10, TOP_MAX = 10000 };

/* The interface is that of this version: Grafana and others choose their requests by it. */
#define API_VERSION "3.5.0"

static void reply_document(struct server_request *req, struct buf *out, struct json_writer *json)
{
    json_end_object(json);
    json_end_object(json);
    server_reply_json(req, 200, out);
    buf_fini(out);
}

static struct json_writer begin_document(struct buf *out)
{
    buf_init(out, SERVER_ANSWER_MAX);
    struct json_writer json = json_writer(out);
    json_begin_object(&json);
    json_put_string(&json, "status", "success");
    json_put_object(&json, "data");
    return json;
}

static void get_buildinfo(struct server_request *req)
{
    struct buf out;
    struct json_writer json = begin_document(&out);
    json_put_string(&json, "version", API_VERSION);
    json_put_string(&json, "revision", "busbar " BUSBAR_VERSION);
    json_put_string(&json, "branch", "");
    json_put_string(&json, "buildUser", "");
    json_put_string(&json, "buildDate", "");
    json_put_string(&json, "goVersion", "");
    reply_document(req, &out, &json);
}

static void get_runtimeinfo(struct server_request *req)
{
    const struct server *server = server_of(req);
    const struct history_status *history = &server->gauges.history;
    char host[256] = "", folder[1024] = "";
    struct buf out;
    struct json_writer json = begin_document(&out);
    if (gethostname(host, sizeof(host) - 1) != 0 || getcwd(folder, sizeof(folder)) == NULL) {
        folder[0] = '\0';
    }
    json_put_time(&json, "startTime", server->config.started_us);
    json_put_string(&json, "CWD", folder);
    json_put_string(&json, "hostname", host);
    json_put_time(&json, "serverTime", clock_wall_us());
    json_put_bool(&json, "reloadConfigSuccess", true);
    json_put_time(&json, "lastConfigTime", server->config.started_us);
    json_put_u64(&json, "corruptionCount", history->damaged_chunks);
    json_put_u64(&json, "goroutineCount", 0);
    json_put_i64(&json, "GOMAXPROCS", sysconf(_SC_NPROCESSORS_ONLN));
    json_put_u64(&json, "GOMEMLIMIT", 0);
    json_put_string(&json, "GOGC", "");
    json_put_string(&json, "GODEBUG", "");
    json_put_string(&json, "storageRetention", "");
    reply_document(req, &out, &json);
}

static void get_flags(struct server_request *req)
{
    char samples[32], queries[32], lookback[32], timeout[32];
    struct buf out;
    struct json_writer json = begin_document(&out);
    str_format(samples, sizeof(samples), "%d", PROMQL_SAMPLES_DEFAULT);
    str_format(queries, sizeof(queries), "%d", SERVER_QUERIES_MAX);
    str_format_duration(lookback, sizeof(lookback), PROMQL_LOOKBACK_US);
    str_format_duration(timeout, sizeof(timeout), PROMQL_TIMEOUT_DEFAULT_US);
    json_put_string(&json, "query.lookback-delta", lookback);
    json_put_string(&json, "query.max-concurrency", queries);
    json_put_string(&json, "query.max-samples", samples);
    json_put_string(&json, "query.timeout", timeout);
    json_put_string(&json, "web.enable-admin-api", "true");
    json_put_string(&json, "web.enable-remote-write-receiver", "true");
    reply_document(req, &out, &json);
}

/* The configuration is busbar's own and is told at /api/v1/config of the page. */
static void get_config(struct server_request *req)
{
    struct buf out;
    struct json_writer json = begin_document(&out);
    json_put_string(&json, "yaml",
                    "# busbar's own configuration: GET /api/v1/config on the page's port\n");
    reply_document(req, &out, &json);
}

static void get_walreplay(struct server_request *req)
{
    const struct history *history = server_of(req)->config.history;
    bool loaded = history != NULL && history_index_loaded(history);
    prometheus_reply(req, loaded ? "{\"min\":0,\"max\":0,\"current\":0}"
                                 : "{\"min\":0,\"max\":1,\"current\":0}");
}

/* ---- the index ---- */

static void put_top(struct json_writer *json, const char *key, const struct history_index_top *top,
                    size_t count)
{
    json_put_array(json, key);
    for (size_t i = 0; i < count; i++) {
        json_begin_object(json);
        json_put_string(json, "name", top[i].text);
        json_put_u64(json, "value", top[i].count);
        json_end_object(json);
    }
    json_end_array(json);
}

static int list_tsdb(struct prometheus_job *job)
{
    struct history_index *index = history_index(job->history);
    struct history_index_status status;
    struct history_status history;
    size_t limit = TOP_DEFAULT;
    const char *text = server_query(job->req, "limit");
    uint64_t asked;
    if (text != NULL) {
        if (str_parse_u64(text, &asked) != 0 || asked == 0) {
            return err_set(&job->err, BUSBAR_EINVAL, "limit must be a positive number");
        }
        limit = asked < TOP_MAX ? (size_t)asked : TOP_MAX;
    }
    struct history_index_top *top = busbar_alloc(limit * sizeof(*top));
    struct json_writer json = json_writer(&job->out);
    history_index_status(index, &status);
    history_status(job->history, &history);
    json_begin_object(&json);
    json_put_object(&json, "headStats");
    json_put_u64(&json, "numSeries", status.series);
    json_put_u64(&json, "numLabelPairs", status.pairs);
    json_put_u64(&json, "chunkCount", history.blocks);
    json_put_i64(&json, "minTime", 0);
    json_put_i64(&json, "maxTime", clock_wall_us() / CLOCK_US_PER_MS);
    json_end_object(&json);
    put_top(&json, "seriesCountByMetricName", top, history_index_top_metrics(index, top, limit));
    put_top(&json, "labelValueCountByLabelName", top, history_index_top_labels(index, top, limit));
    put_top(&json, "memoryInBytesByLabelName", top, 0);
    put_top(&json, "seriesCountByLabelValuePair", top, 0);
    json_end_object(&json);
    busbar_free(top);
    return 0;
}

static void get_tsdb(struct server_request *req)
{
    prometheus_ask(req, list_tsdb);
}

/* ---- rules and alerts: none ---- */

static void get_rules(struct server_request *req)
{
    const char *type = server_query(req, "type");
    struct err err = { 0 };
    if (type != NULL && type[0] != '\0' && strcmp(type, "alert") != 0 &&
        strcmp(type, "record") != 0) {
        err_set(&err, BUSBAR_EINVAL, "invalid parameter \"type\": not supported value \"%s\"",
                type);
        server_reply_err(req, &err);
        return;
    }
    prometheus_reply(req, "{\"groups\":[]}");
}

static void get_alerts(struct server_request *req)
{
    prometheus_reply(req, "{\"alerts\":[]}");
}

static void get_alertmanagers(struct server_request *req)
{
    prometheus_reply(req, "{\"activeAlertmanagers\":[],\"droppedAlertmanagers\":[]}");
}

static void get_notifications(struct server_request *req)
{
    prometheus_reply(req, "[]");
}

/* ---- health ---- */

static void reply_text(struct server_request *req, unsigned status, const char *text)
{
    struct buf out;
    buf_init(&out, SERVER_ANSWER_MAX);
    (void)buf_append_text(&out, text);
    server_reply_as(req, status, "text/plain; charset=utf-8", &out);
    buf_fini(&out);
}

static void get_healthy(struct server_request *req)
{
    reply_text(req, 200, "busbar is healthy\n");
}

static void get_ready(struct server_request *req)
{
    const struct history *history = server_of(req)->config.history;
    if (history != NULL && history_index_loaded(history)) {
        reply_text(req, 200, "busbar is ready\n");
        return;
    }
    reply_text(req, 503, history == NULL ? "there is no history\n" : "the index is being loaded\n");
}

static void get_root(struct server_request *req)
{
    reply_text(req, 200,
               "busbar, time series: the Prometheus API is below /api/v1/, figures at /metrics. "
               "People find the page on another port: busbar ports says which.\n");
}

void prometheus_status_routes(struct server *server)
{
#define ROW(where, call, text)                                                  \
    {                                                                           \
        .method = "GET", .path = (where), .handler = (call), .summary = (text), \
        .on = SERVER_ON_TIME_SERIES                                             \
    }
    static const struct server_route routes[] = {
        ROW("/api/v1/status/buildinfo", get_buildinfo, "the version of the interface"),
        ROW("/api/v1/status/runtimeinfo", get_runtimeinfo, "since when, where"),
        ROW("/api/v1/status/flags", get_flags, "limits"),
        ROW("/api/v1/status/config", get_config, "where the configuration is"),
        ROW("/api/v1/status/tsdb", get_tsdb, "metrics and labels with the most series"),
        ROW("/api/v1/status/walreplay", get_walreplay, "how far the start is"),
        ROW("/api/v1/rules", get_rules, "none"),
        ROW("/api/v1/alerts", get_alerts, "none"),
        ROW("/api/v1/alertmanagers", get_alertmanagers, "none"),
        ROW("/api/v1/notifications", get_notifications, "none"),
        ROW("/-/healthy", get_healthy, "it runs"),
        ROW("/-/ready", get_ready, "queries see all series"),
        ROW("/", get_root, "what this is"),
    };
#undef ROW
    server_add_routes(server, routes, sizeof(routes) / sizeof(routes[0]), NULL);
}
