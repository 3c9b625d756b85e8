/* SPDX-License-Identifier: Apache-2.0 */
/* The addresses of the time series' listener that write and bulk-read. */
#include "server/ingest/routes.h"

#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "server/core.h"
#include "server/ingest/export.h"
#include "server/ingest/influx.h"
#include "server/ingest/ingest.h"
#include "server/reply.h"
#include "sinks/sinks.h"

#define INFLUX_VERSION "1.8.10" /* what clients that ask are told: the protocol they may use */

static bool has_type(const struct server_request *req, const char *type)
{
    const char *is = server_header(req, "Content-Type");
    return is != NULL && strncasecmp(is, type, strlen(type)) == 0;
}

static void refuse(struct server_request *req, int code, const char *message, const char *hint)
{
    struct err err = { 0 };
    err_set(&err, code, "%s", message);
    err_hint(&err, "%s", hint);
    server_reply_err(req, &err);
}

/* Content-Encoding; false: answered. */
static bool coding_of(struct server_request *req, struct ingest_options *options)
{
    if (payload_coding_find(server_header(req, "Content-Encoding"), &options->coding)) {
        return true;
    }
    struct err err = { 0 };
    err_set(&err, BUSBAR_EUNSUPPORTED, "unknown Content-Encoding '%.40s'",
            server_header(req, "Content-Encoding"));
    err_hint(&err, "gzip, deflate, zstd, snappy or none");
    server_reply_status(req, 415, &err);
    return false;
}

static void add_extra(struct ingest_options *options, const char *name, const char *value)
{
    if (value != NULL && value[0] != '\0' && options->extra_count < INGEST_EXTRA_LABELS_MAX) {
        options->extra[options->extra_count++] = label_of(name, value);
    }
}

/* extra_label=name=value, any number of them, as VictoriaMetrics takes them; false: answered. */
static bool extra_labels(struct server_request *req, struct ingest_options *options)
{
    const char *text;
    for (size_t i = 0; (text = server_query_at(req, "extra_label", i)) != NULL; i++) {
        const char *equals = strchr(text, '=');
        if (equals == NULL || equals == text || i == INGEST_EXTRA_LABELS_MAX / 2) {
            refuse(req, BUSBAR_EINVAL, "no good extra_label",
                   "extra_label=name=value, at most 4 of them");
            return false;
        }
        struct label *label = &options->extra[options->extra_count++];
        *label = label_of(text, equals + 1);
        label->name_size = (uint32_t)(equals - text);
    }
    return true;
}

/* timestamp=ms: of samples that have none; false: answered. */
static bool default_time(struct server_request *req, struct ingest_options *options)
{
    struct err err = { 0 };
    int64_t ms = 0;
    if (server_query_i64(req, "timestamp", 0, 0, INT64_MAX / CLOCK_US_PER_MS, &ms, &err) != 0) {
        server_reply_err(req, &err);
        return false;
    }
    options->default_us = ms * CLOCK_US_PER_MS;
    return true;
}

static struct ingest *ingest_of(const struct server_request *req)
{
    return server_of(req)->ingest;
}

/* ---- writing ---- */

/* Our own samples would be sent, come back and be sent again. True: answered. */
static bool is_own_log(struct server_request *req)
{
    struct err err = { 0 };
    const char *log_id = server_header(req, SINKS_LOG_HEADER);
    if (log_id == NULL || !sinks_is_own_log(server_of(req)->config.sinks, log_id)) {
        return false;
    }
    err_set(&err, BUSBAR_EINVAL, "these samples are from here");
    server_reply_status(req, 508, &err);
    return true;
}

static void post_remote_write(struct server_request *req)
{
    struct ingest_options options = { .kind = INGEST_REMOTE_WRITE };
    if (is_own_log(req)) {
        return;
    }
    const char *type = server_header(req, "Content-Type");
    if (type != NULL && strstr(type, "io.prometheus.write.v2") != NULL) {
        struct err err = { 0 };
        err_set(&err, BUSBAR_EUNSUPPORTED, "remote write 2.0 is not understood");
        err_hint(&err, "send prometheus.WriteRequest (remote write 1.0)");
        server_reply_status(req, 415, &err);
        return;
    }
    if (!coding_of(req, &options) || !extra_labels(req, &options)) {
        return;
    }
    if (server_header(req, "Content-Encoding") == NULL) {
        options.coding = PAYLOAD_SNAPPY; /* remote write is never plain */
    }
    ingest_take(ingest_of(req), req, &options);
}

static void post_influx(struct server_request *req)
{
    struct ingest_options options = { .kind = INGEST_INFLUX, .extra_yields = true };
    if (!ingest_influx_precision(server_query(req, "precision"), &options.unit_ns)) {
        refuse(req, BUSBAR_EINVAL, "unknown precision", "ns, us, ms, s, m or h");
        return;
    }
    if (coding_of(req, &options) && extra_labels(req, &options)) {
        add_extra(&options, "db", server_query(req, "db"));
        ingest_take(ingest_of(req), req, &options);
    }
}

static void take_text(struct server_request *req, struct ingest_options *options)
{
    options->kind = INGEST_OPENMETRICS;
    options->seconds = has_type(req, "application/openmetrics-text");
    if (coding_of(req, options) && default_time(req, options) && extra_labels(req, options)) {
        ingest_take(ingest_of(req), req, options);
    }
}

static void post_text(struct server_request *req)
{
    struct ingest_options options = { 0 };
    take_text(req, &options);
}

static void post_job(struct server_request *req)
{
    struct ingest_options options = { 0 };
    add_extra(&options, "job", server_param(req, "job"));
    take_text(req, &options);
}

static void post_instance(struct server_request *req)
{
    struct ingest_options options = { 0 };
    add_extra(&options, "job", server_param(req, "job"));
    add_extra(&options, "instance", server_param(req, "instance"));
    take_text(req, &options);
}

static void post_json_lines(struct server_request *req)
{
    struct ingest_options options = { .kind = INGEST_JSON_LINES };
    if (coding_of(req, &options) && extra_labels(req, &options)) {
        ingest_take(ingest_of(req), req, &options);
    }
}

/* ---- what InfluxDB's clients ask before they write ---- */

static void get_ping(struct server_request *req)
{
    server_answer_header(req, "X-Influxdb-Version", INFLUX_VERSION);
    server_reply_empty(req, 204);
}

static void reply_json(struct server_request *req, const char *text)
{
    struct buf out;
    buf_init(&out, SERVER_ANSWER_MAX);
    (void)buf_append_text(&out, text);
    server_reply_json(req, 200, &out);
    buf_fini(&out);
}

static void get_health(struct server_request *req)
{
    reply_json(req, "{\"name\":\"busbar\",\"status\":\"pass\",\"message\":\"ready for queries and "
                    "writes\",\"checks\":[]}");
}

/* CREATE DATABASE and the like: there is nothing to create. */
static void influx_query(struct server_request *req)
{
    reply_json(req, "{\"results\":[{\"statement_id\":0,\"series\":[{\"values\":[]}]}]}");
}

/* ---- reading ---- */

static void get_export(struct server_request *req)
{
    ingest_export(req, server_of(req)->config.history);
}

static void get_federate(struct server_request *req)
{
    ingest_federate(req, server_of(req)->config.history);
}

static void post_remote_read(struct server_request *req)
{
    ingest_remote_read(req, server_of(req)->config.history);
}

#define WRITES                                                                   \
    .method = "POST", .on = SERVER_ON_TIME_SERIES, .answer = SERVER_ANSWER_TEXT, \
    .flags = SERVER_ROUTE_RAW | SERVER_ROUTE_CHUNKED | SERVER_ROUTE_PROMETHEUS,  \
    .body_max = SERVER_RAW_MAX

static const struct server_query_param influx[] = {
    { "precision", "string", "of the times: ns, us, ms, s, m, h; default: told by their size" },
    { "db", "string", "becomes the label db" },
    { "extra_label", "string", "name=value for every series; may come again" },
    { NULL, NULL, NULL },
};
static const struct server_query_param text[] = {
    { "timestamp", "integer", "milliseconds: the time of samples without one" },
    { "extra_label", "string", "name=value for every series; may come again" },
    { NULL, NULL, NULL },
};
static const struct server_query_param match[] = {
    { "match[]", "string", "a selector of series; may come again" },
    { "start", "string", "seconds since 1970 or a time; export only" },
    { "end", "string", "seconds since 1970 or a time, included; export only" },
    { NULL, NULL, NULL },
};
static const struct server_route routes[] = {
    { WRITES, .path = "/api/v1/write", .handler = post_remote_write,
      .summary = "Prometheus remote write 1.0" },
    { WRITES, .path = "/write", .handler = post_influx, .query = influx,
      .summary = "InfluxDB line protocol, as InfluxDB 1 takes it" },
    { WRITES, .path = "/api/v2/write", .handler = post_influx, .query = influx,
      .summary = "InfluxDB line protocol, as InfluxDB 2 takes it" },
    { WRITES, .path = "/api/v1/import/prometheus", .handler = post_text, .query = text,
      .summary = "samples in Prometheus or OpenMetrics text" },
    { WRITES, .path = "/api/v1/import/prometheus/metrics/job/{job}", .handler = post_job,
      .query = text, .summary = "the same, every series with a job" },
    { WRITES, .path = "/api/v1/import/prometheus/metrics/job/{job}/instance/{instance}",
      .handler = post_instance, .query = text,
      .summary = "the same, every series with a job and an instance" },
    { WRITES, .path = "/api/v1/import", .handler = post_json_lines,
      .summary = "samples in JSON lines" },
    { WRITES, .path = "/api/v1/read", .handler = post_remote_read,
      .summary = "Prometheus remote read" },
    { .method = "GET",
      .path = "/api/v1/export",
      .handler = get_export,
      .query = match,
      .on = SERVER_ON_TIME_SERIES,
      .answer = SERVER_ANSWER_TEXT,
      .summary = "samples as JSON lines" },
    { .method = "POST",
      .path = "/api/v1/export",
      .handler = get_export,
      .query = match,
      .on = SERVER_ON_TIME_SERIES,
      .answer = SERVER_ANSWER_TEXT,
      .flags = SERVER_ROUTE_FORM,
      .summary = "samples as JSON lines; the question as a form" },
    { .method = "GET",
      .path = "/federate",
      .handler = get_federate,
      .query = match,
      .on = SERVER_ON_TIME_SERIES,
      .answer = SERVER_ANSWER_TEXT,
      .summary = "last values for another Prometheus to scrape" },
    { .method = "GET",
      .path = "/ping",
      .handler = get_ping,
      .on = SERVER_ON_TIME_SERIES,
      .answer = SERVER_ANSWER_TEXT,
      .summary = "says that writes are welcome (InfluxDB 1)" },
    { .method = "GET",
      .path = "/health",
      .handler = get_health,
      .on = SERVER_ON_TIME_SERIES,
      .summary = "says that writes are welcome (InfluxDB 2)" },
    { .method = "GET",
      .path = "/query",
      .handler = influx_query,
      .on = SERVER_ON_TIME_SERIES,
      .summary = "CREATE DATABASE of InfluxDB 1 clients: nothing to do" },
    { .method = "POST",
      .path = "/query",
      .handler = influx_query,
      .on = SERVER_ON_TIME_SERIES,
      .flags = SERVER_ROUTE_FORM,
      .summary = "the same, posted" },
};

void server_ingest_routes(struct server *server)
{
    server_add_routes(server, routes, sizeof(routes) / sizeof(routes[0]), NULL);
}
