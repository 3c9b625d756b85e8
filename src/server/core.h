/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of server/ share: the server, its requests, and how they are made and ended (http/http.h says how long
 * one lives). */
#ifndef BUSBAR_SERVER_CORE_H
#define BUSBAR_SERVER_CORE_H

#include <stdatomic.h>

#include "base/list.h"
#include "http/http.h"
#include "net/jobs.h"
#include "server/finds.h"
#include "server/gauges.h"
#include "server/route.h"
#include "server/server.h"
#include "server/url.h"

struct browses;
struct discover;
struct ingest;
struct lane;
struct live;
struct server_sinks;

/* Answers by class of status, for the metrics. */
enum { SERVER_STATUS_CLASSES = 6 };

enum {
    SERVER_ANSWER_HEADERS_MAX = 4,
    SERVER_QUERIES_MAX = 2,          /* at a time */
    SERVER_QUERIES_WAITING_MAX = 50, /* then 503 */
};

struct server {
    struct server_config config;
    struct server_routes routes[SERVER_KINDS];
    struct http http;    /* listeners, connections, requests */
    struct list streams; /* struct stream, of server_reply_stream() */
    struct gauges gauges;
    struct lane *queries; /* whatever reads much: server_query_submit() */
    struct live *live;
    struct ingest *ingest;
    struct finds finds;
    struct discover *discover;
    struct browses *browses;
    struct server_sinks *sinks;
    uint64_t changes;             /* how often the configuration was applied */
    uint16_t ports[SERVER_KINDS]; /* of the first address */
    uint64_t answers[SERVER_STATUS_CLASSES];
};

struct server_request {
    struct http_request http;
    enum server_kind kind;
    struct server_url url;
    struct server_route_match match;
    struct json_doc *doc;
    char who[64], from[64];
    struct {
        const char *name;
        char value[64];
    } headers[SERVER_ANSWER_HEADERS_MAX]; /* of the answer */
    size_t header_count;
    /* The server is being freed before the answer: stop what runs for the request and answer it. */
    void (*cut)(void *ctx);
    void *cut_ctx;
    /* A stream: the connection is gone, the request with it. */
    void (*gone)(void *ctx);
    void *gone_ctx;
};

/* As jobs_submit(), but in the lane of queries, so that ingest always finds a thread. BUSBAR_EBUSY: the line is
 * full, err says so, neither callback runs. */
int server_query_submit(struct server *server, jobs_work_cb work, jobs_done_cb done, void *ctx,
                        struct err *err);

/* ---- a request's life ---- */
extern const struct http_ops server_http_ops; /* the calls of http/ */
struct server_request *server_request_of(struct http_request *req);
void server_request_on_gone(struct server_request *req, void (*gone)(void *ctx), void *ctx);
void server_request_on_cut(struct server_request *req, void (*cut)(void *ctx), void *ctx);

/* ---- the routes of the server itself, one table a file ---- */
void server_devices_routes(struct server *server);
void server_drivers_routes(struct server *server);
void server_messages_routes(struct server *server);
/* Into the object that is open. */
void server_put_message_counts(struct json_writer *json,
                               const struct driver_message_counts *counts);
void server_points_routes(struct server *server);
void server_payload_routes(struct server *server);
void server_write_routes(struct server *server);
void server_holds_routes(struct server *server);
void server_commands_routes(struct server *server);
void server_certificates_routes(struct server *server);
void server_connectors_routes(struct server *server);
void server_samples_routes(struct server *server);
void server_removal_routes(struct server *server);
void server_live_routes(struct server *server);
void server_ledger_routes(struct server *server);
void server_health_routes(struct server *server);
void server_metrics_routes(struct server *server);
void server_journal_routes(struct server *server);
void server_textlog_routes(struct server *server);
void server_openapi_routes(struct server *server);
void server_prometheus_routes(struct server *server);

#endif
