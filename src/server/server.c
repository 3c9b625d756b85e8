/* SPDX-License-Identifier: Apache-2.0 */
/* The server's life and its listeners. */
#include "server/server.h"

#include <assert.h>

#include "base/alloc.h"
#include "net/lane.h"
#include "server/browse.h"
#include "server/core.h"
#include "server/discover.h"
#include "server/events.h"
#include "server/ingest/ingest.h"
#include "server/ingest/routes.h"
#include "server/live.h"
#include "server/sinks.h"
#include "server/stream.h"

enum {
    PER_ADDRESS_MAX = 192, /* connections from one address */
    IDLE_S = 30,           /* without a byte in either direction */
};

struct server *server_new(const struct server_config *config)
{
    struct server *server = busbar_alloc(sizeof(*server));
    server->config = *config;
    http_init(&server->http, config->loop, &server_http_ops, server);
    list_init(&server->streams);
    server->ingest = ingest_new(config->loop, config->history);
    gauges_init(&server->gauges, &server->config, server->ingest);
    server->live = live_new(server);
    server->queries = lane_new(config->loop, SERVER_QUERIES_MAX, SERVER_QUERIES_WAITING_MAX);
    server_devices_routes(server);
    server_drivers_routes(server);
    server_messages_routes(server);
    server_points_routes(server);
    server_payload_routes(server);
    server_write_routes(server);
    server_holds_routes(server);
    server_commands_routes(server);
    server_certificates_routes(server);
    server_connectors_routes(server);
    server_samples_routes(server);
    server_removal_routes(server);
    server_live_routes(server);
    server_ledger_routes(server);
    server_health_routes(server);
    server_journal_routes(server);
    server_textlog_routes(server);
    server_openapi_routes(server);
    server_metrics_routes(server);
    server_ingest_routes(server);
    server_events_routes(server);
    server_prometheus_routes(server);
    finds_init(&server->finds);
    server->discover = discover_new(server);
    server->browses = browses_new(server);
    server->sinks = server_sinks_new(server);
    return server;
}

void server_add_routes(struct server *server, const struct server_route *routes, size_t count,
                       void *ctx)
{
    for (size_t i = 0; i < count; i++) {
        unsigned on = routes[i].on != 0 ? routes[i].on : SERVER_ON_PAGE;
        assert(routes[i].body_max <= SERVER_RAW_MAX);
        for (unsigned kind = 0; kind < SERVER_KINDS; kind++) {
            if ((on & 1u << kind) != 0) {
                server_routes_add(&server->routes[kind], &routes[i], 1, ctx);
            }
        }
    }
}

int server_query_submit(struct server *server, jobs_work_cb work, jobs_done_cb done, void *ctx,
                        struct err *err)
{
    int error = lane_submit(server->queries, work, done, ctx);
    if (error != 0) {
        err_set(err, error, "%d queries run and %d wait already", SERVER_QUERIES_MAX,
                SERVER_QUERIES_WAITING_MAX);
        err_hint(err, "ask again soon");
    }
    return error;
}

void server_changed(struct server *server)
{
    server->changes++;
    live_changed(server->live);
}

void server_tell_event(struct server *server, const struct state_event *row)
{
    struct buf out;
    if (live_stream_count(server->live) == 0) {
        return;
    }
    buf_init(&out, SERVER_ANSWER_MAX);
    struct json_writer json = json_writer(&out);
    json_begin_object(&json);
    server_put_event(&json, row);
    json_end_object(&json);
    live_event(server->live, (const char *)out.data, out.size);
    buf_fini(&out);
}

void server_site(struct server *server, const char *id, const char *name, const char *timezone)
{
    server->config.site_id = id;
    server->config.site_name = name;
    server->config.site_timezone = timezone;
}

void server_count_import(struct server *server, const struct server_import *import)
{
    enum ingest_refusal reason = import->error == BUSBAR_ENOSPC ? INGEST_LOG_FULL : INGEST_LOG_BUSY;
    struct ingest_counts counts = { .requests = import->ended,
                                    .failed = import->error != 0,
                                    .bytes = import->bytes,
                                    .received = import->stored + import->left + import->malformed,
                                    .appended = import->stored };
    counts.refused[INGEST_SYNTAX] = import->malformed;
    counts.refused[reason] = import->left;
    ingest_add_counts(server->ingest, &counts);
}

void server_free(struct server *server)
{
    list_each_safe(at, &server->http.requests) {
        struct server_request *req = server_request_of(list_entry(at, struct http_request, link));
        atomic_store(&req->http.cancel, true);
        if (req->cut != NULL) {
            req->cut(req->cut_ctx);
        }
    }
    server_sinks_free(server->sinks);
    browses_free(server->browses);
    discover_free(server->discover);
    finds_fini(&server->finds);
    lane_free(server->queries);
    ingest_free(server->ingest);
    live_stop(server->live);
    stream_stop_all(server);
    http_close(&server->http);
    http_fini(&server->http);
    gauges_fini(&server->gauges);
    live_free(server->live);
    busbar_free(server);
}

/* ---- listening ---- */

/* Memory of a connection: half of it is what one read takes, so that bulk arrives in large pieces. */
static const size_t pool_bytes[SERVER_KINDS] = {
    [SERVER_PAGE] = 16 * 1024,
    [SERVER_TIME_SERIES] = 256 * 1024,
};

static int open_listener(struct server *server, enum server_kind kind, int fd, const char *address,
                         const char *path, struct err *err)
{
    const struct http_settings settings = {
        .name = "server",
        .address = address,
        .path = path,
        .kind = kind,
        .pool_bytes = pool_bytes[kind],
        .connections_max = SERVER_CONNECTIONS_MAX,
        .per_address_max = PER_ADDRESS_MAX,
        .idle_s = IDLE_S,
    };
    return http_listener_open(&server->http, fd, &settings, NULL, err);
}

int server_listen(struct server *server, enum server_kind kind, const char *host, uint16_t port,
                  struct err *err)
{
    uint16_t bound = 0;
    int fd = http_bind(host, port, &bound, err);
    int error = fd < 0 ? fd : open_listener(server, kind, fd, host, NULL, err);
    if (error == 0 && server->ports[kind] == 0) {
        server->ports[kind] = bound;
    }
    return error;
}

int server_listen_unix(struct server *server, const char *path, struct err *err)
{
    int fd = http_bind_unix(path, err);
    return fd < 0 ? fd : open_listener(server, SERVER_PAGE, fd, NULL, path, err);
}

uint16_t server_port(const struct server *server, enum server_kind kind)
{
    return server->ports[kind];
}
