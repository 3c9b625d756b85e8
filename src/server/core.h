/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of server/ share: the server, its requests, and how they are made and ended.
 *
 * A request has two holders: the connection (until libmicrohttpd says it is completed) and the
 * handler (until it has answered). It is freed when both have let go. */
#ifndef BUSBAR_SERVER_CORE_H
#define BUSBAR_SERVER_CORE_H

#include <stdatomic.h>

#include "base/list.h"
#include "net/jobs.h"
#include "net/timer.h"
#include "server/finds.h"
#include "server/gauges.h"
#include "server/route.h"
#include "server/server.h"
#include "server/url.h"

struct MHD_Response;
struct browses;
struct discover;
struct http_connection;
struct ingest;
struct lane;
struct live;

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
    struct list listeners; /* struct http_listener */
    struct list requests;  /* struct server_request, those the handler holds */
    struct list streams;   /* struct stream, of server_reply_stream() */
    size_t body_bytes;     /* of all requests */
    struct timer sweep;    /* closes connections that take too long */
    struct gauges gauges;
    struct lane *queries; /* whatever reads much: server_query_submit() */
    struct live *live;
    struct ingest *ingest;
    struct finds finds;
    struct discover *discover;
    struct browses *browses;
    uint64_t changes;             /* how often the configuration was applied */
    uint16_t ports[SERVER_KINDS]; /* of the first address */
    uint64_t answers[SERVER_STATUS_CLASSES];
    uint64_t cut_slow; /* connections closed for taking too long */
};

struct server_request {
    struct list link;
    struct server *server;              /* NULL: freed before the answer */
    struct http_connection *connection; /* NULL: gone */
    enum server_kind kind;
    atomic_bool cancel; /* nobody waits for the answer; read by jobs */
    bool watched;       /* server_cancel(): the client's end is watched */
    struct server_url url;
    struct server_route_match match;
    struct buf body;
    int body_error;      /* ELIMIT: too long, EBUSY: no room; the rest is dropped */
    size_t body_dropped; /* bytes */
    struct json_doc *doc;
    char who[64], from[64];
    bool started, suspended, answered, completed;
    unsigned status;
    struct MHD_Response *response;
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

/* Connections open now, over all listeners. */
size_t server_connection_count(const struct server *server);

/* As jobs_submit(), but in the lane of queries, so that ingest always finds a thread. BUSBAR_EBUSY: the line is
 * full, err says so, neither callback runs. */
int server_query_submit(struct server *server, jobs_work_cb work, jobs_done_cb done, void *ctx,
                        struct err *err);

/* ---- a request's life ---- */
struct server_request *server_request_new(struct server *server, enum server_kind kind);
/* The connection lets go. */
void server_request_completed(struct server_request *req);
void server_request_on_gone(struct server_request *req, void (*gone)(void *ctx), void *ctx);
void server_request_on_cut(struct server_request *req, void (*cut)(void *ctx), void *ctx);
/* The answer is on its way: the handler lets go. */
void server_request_answered(struct server_request *req);

/* ---- the routes of the server itself, one table a file ---- */
void server_devices_routes(struct server *server);
void server_drivers_routes(struct server *server);
void server_points_routes(struct server *server);
void server_write_routes(struct server *server);
void server_holds_routes(struct server *server);
void server_commands_routes(struct server *server);
void server_certificates_routes(struct server *server);
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
