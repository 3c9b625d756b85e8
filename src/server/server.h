/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP server: REST, live stream, metrics and the page, and the Prometheus API with its ingest, on
 * the loop (libmicrohttpd underneath, by http/).
 *
 * Listeners are of two kinds, each with its own routes: the page's (SERVER_PAGE) and the one of the time
 * series (SERVER_TIME_SERIES), whose errors have the shape of Prometheus and whose bodies may be large.
 *
 * Every address the server answers is a row of a route table: method, path pattern, handler, one
 * line for a person, schema names. The OpenAPI file is made from the same rows. The server brings
 * the routes of devices, points, samples, live values, ledger, journal and health; the app adds
 * those of the configuration and the ports with the same interface.
 *
 * A handler gets a whole request (its body parsed) and answers it exactly once with one of the
 * server_reply_ calls: at once or later, from a job's or a driver's callback. A request stays valid
 * until it is answered, whatever happens to the connection or the server (server_of() is NULL once
 * it was freed); an answer that nobody waits for any more is dropped.
 *
 * Security: the Host header must name a listening address (or localhost), a request with a foreign
 * Origin is refused, POST needs Content-Type: application/json unless the route's row says otherwise, so
 * no other site's page can reach this one. There is no login yet: listen on loopback only. Loop thread
 * only, but where a call says otherwise. */
#ifndef BUSBAR_SERVER_SERVER_H
#define BUSBAR_SERVER_SERVER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "driver/host.h"
#include "model/bus.h"
#include "model/registry.h"
#include "net/loop.h"

struct history;
struct state;
struct state_event;
struct keyring;
struct trust;
struct server;
struct server_request;
struct sinks;

enum {
    SERVER_CONNECTIONS_MAX = 256,  /* a listener */
    SERVER_STREAMS_MAX = 64,       /* live streams */
    SERVER_BODY_MAX = 1 << 20,     /* of a route that does not say more */
    SERVER_RAW_MAX = 32 << 20,     /* a route may say this much */
    SERVER_BODIES_MAX = 128 << 20, /* all bodies that are being received or worked on; then 503 */
    SERVER_HEADER_MAX = 8 * 1024,  /* a request's head on the page's listener */
    SERVER_HEADER_LONG_MAX = 64 * 1024, /* and on that of the time series */
    SERVER_RETRY_AFTER_S = 1,           /* what a 503 advises */
    SERVER_PACK_MIN = 1024,             /* shorter answers are not compressed */
    SERVER_PIECE_BYTES = 256 * 1024,    /* of a streamed answer */
    SERVER_ANSWER_MAX = 64 << 20,       /* bytes of one answer */
    SERVER_ROUTES_MAX = 256,
};

struct server_problem {
    const char *what, *why, *hint; /* "disk full", the reason, what to do */
};

/* What only the app knows. Texts are borrowed until the next turn of the loop. */
struct server_facts {
    int64_t config_version;
    bool config_differs; /* the files are not what is running */
    bool stopping;
    uint64_t disk_free_bytes, disk_total_bytes;
    const struct server_problem *problems;
    size_t problem_count;
    uint64_t events_kept, events_open; /* in the journal; that wait for an acknowledgement */
};

/* All borrowed, all alive until server_free(). */
struct server_config {
    struct loop *loop;
    struct registry *registry;
    struct bus *bus;
    struct host *host;
    struct trust *trust;                     /* certificates; NULL: there are none here */
    struct keyring *keyring;                 /* keys of connectors; NULL: there are none here */
    const struct driver_ops *const *catalog; /* as the host's: addresses and frames in words */
    struct history *history;                 /* NULL: samples are answered with 503 */
    struct state *state; /* NULL: the journal is answered with 503, writes leave no entry */
    struct sinks *sinks; /* NULL: there are none here */
    int64_t started_us;  /* wall clock */
    const char *site_id, *site_name, *site_timezone;
    void (*facts)(void *ctx, struct server_facts *facts); /* zeroed before; cheap, asked often */
    void *ctx;
};

struct server *server_new(const struct server_config *config);

enum server_kind { SERVER_PAGE, SERVER_TIME_SERIES, SERVER_KINDS };

/* Listens on a numeric address (port 0: the system chooses). More than one is fine.
 * BUSBAR_EADDRINUSE, BUSBAR_EPERM ...; err says what to do. */
int server_listen(struct server *server, enum server_kind kind, const char *host, uint16_t port,
                  struct err *err);
/* Listens on a Unix socket (the page's kind), mode 0660; a stale socket is replaced, a live one is BUSBAR_EADDRINUSE.
 * The peer's user is `who` in the journal. */
int server_listen_unix(struct server *server, const char *path, struct err *err);
/* The port of the first address of a kind; 0: none. */
uint16_t server_port(const struct server *server, enum server_kind kind);

/* The configuration was applied: streams find their points and devices again. */
void server_changed(struct server *server);
/* An event came into the journal, with its id there. */
void server_tell_event(struct server *server, const struct state_event *row);
/* The site's texts changed; borrowed as in the configuration. */
void server_site(struct server *server, const char *id, const char *name, const char *timezone);

/* A request whose samples a handler of the app gives to the history itself (an import): ledger and /metrics count it
 * with what was ingested. Once in each turn of the loop that gives some, so that the ledger always balances. */
struct server_import {
    bool ended;         /* the last time; until then only `stored` is given */
    uint64_t bytes;     /* of the body */
    uint64_t stored;    /* samples that the log took */
    uint64_t left;      /* ... and those that it did not, because of error */
    uint64_t malformed; /* lines */
    int error;
};
void server_count_import(struct server *server, const struct server_import *import);

/* Closes all listeners and connections (open requests are answered 503), then frees. Requests that
 * handlers still hold stay valid until they are answered. */
void server_free(struct server *server);

/* ---- routes ---- */

typedef void (*server_handler)(struct server_request *req);

/* A parameter in the query, for the OpenAPI file. */
struct server_query_param {
    const char *name;
    const char *type; /* "string", "integer", "boolean" */
    const char *help;
};

/* `answer` of a route that does not answer JSON. */
#define SERVER_ANSWER_TEXT "text"

/* server_route.on; 0: the page's listener. */
enum { SERVER_ON_PAGE = 1, SERVER_ON_TIME_SERIES = 2, SERVER_ON_BOTH = 3 };

/* server_route.flags */
enum {
    SERVER_ROUTE_RAW = 1, /* the body is bytes of any type: server_raw(); no JSON is parsed */
    SERVER_ROUTE_FORM =
        2, /* a body is application/x-www-form-urlencoded: its parameters stand before
                                    those of the query; values may have tabs and line ends */
    SERVER_ROUTE_CHUNKED = 4,    /* the body may come without Content-Length */
    SERVER_ROUTE_PROMETHEUS = 8, /* errors in Prometheus' shape on the page's listener too */
};

struct server_route {
    const char *method; /* "GET", "POST", "PUT", "DELETE", "OPTIONS"; the first answers HEAD too */
    const char *path;   /* "/api/v1/devices/{device}/frames"; {name} takes one part */
    server_handler handler;
    const char *summary;                    /* one line, lower case, no full stop */
    const struct server_query_param *query; /* ends with name NULL; NULL: none */
    const char *body;                       /* schema name of openapi.c; NULL: no body needed */
    const char *answer;                     /* schema name, SERVER_ANSWER_TEXT; NULL: any object */
    unsigned on, flags;                     /* SERVER_ON_, SERVER_ROUTE_ */
    size_t body_max;                        /* bytes; 0: SERVER_BODY_MAX; at most SERVER_RAW_MAX */
};

/* Rows are borrowed (static tables). Each goes to the listeners it names. ctx comes back from server_ctx(). */
void server_add_routes(struct server *server, const struct server_route *routes, size_t count,
                       void *ctx);

/* ---- looking at a request ---- */

struct server *server_of(const struct server_request *req);
void *server_ctx(const struct server_request *req);
/* A {name} of the path, percent-decoded; never NULL for a name of the route's pattern. */
const char *server_param(const struct server_request *req, const char *name);
/* A parameter of the query, percent-decoded; NULL when absent. */
const char *server_query(const struct server_request *req, const char *name);
/* The same of a parameter that may come again (match[]): number `index`, NULL behind the last. */
const char *server_query_at(const struct server_request *req, const char *name, size_t index);
/* A number of the query, `fallback` when absent. BUSBAR_EINVAL when it is none, or not in
 * [min, max]; err then says so. */
int server_query_i64(const struct server_request *req, const char *name, int64_t fallback,
                     int64_t min, int64_t max, int64_t *out, struct err *err);
/* 1, true, yes (or nothing behind the name) are true. */
bool server_query_bool(const struct server_request *req, const char *name);
/* A time of the query: RFC 3339, microseconds since 1970, "now", or relative to now ("-24h"). */
int server_query_time(const struct server_request *req, const char *name, int64_t fallback,
                      int64_t *out, struct err *err);
/* The same of a text that came some other way; name: for the error. */
int server_parse_time(const char *name, const char *text, int64_t *out, struct err *err);
/* The parsed body; NULL when there was none. Valid until the answer. */
const struct json_value *server_body(const struct server_request *req);
/* The bytes of the body of a SERVER_ROUTE_RAW, unchanged until the answer: a job may read them. */
const uint8_t *server_raw(const struct server_request *req, size_t *size);
/* A header of the request ("Content-Encoding"); NULL when absent. Only inside the handler's call. */
const char *server_header(const struct server_request *req, const char *name);
/* True when the client takes gzip. Only inside the handler's call. */
bool server_takes_gzip(const struct server_request *req);
/* Becomes true when nobody waits for the answer any more: the client went away, the server stops. For a
 * job, which looks at it now and then; valid until the answer. Ask for it inside the handler's call. */
const atomic_bool *server_cancel(struct server_request *req);
/* For the journal: "local" or "novak" (Unix socket), and "127.0.0.1" or "unix". */
const char *server_who(const struct server_request *req);
const char *server_from(const struct server_request *req);

/* ---- answering: exactly one of these, once ---- */

/* Takes the content of `json`, which is empty afterwards. When it overflowed the answer is 500. */
void server_reply_json(struct server_request *req, unsigned status, struct buf *json);
/* A header of the answer to come, the value copied (at most 63 bytes); four at most. */
void server_answer_header(struct server_request *req, const char *name, const char *value);
/* An answer without a body: 204. */
void server_reply_empty(struct server_request *req, unsigned status);
/* Any other type: "text/plain; charset=utf-8". */
void server_reply_as(struct server_request *req, unsigned status, const char *content_type,
                     struct buf *content);
/* Compresses with gzip when that gains something; true: it did, then server_reply_packed() needs to know.
 * Any thread, rather a job's. */
bool server_pack(struct buf *content);
void server_reply_packed(struct server_request *req, unsigned status, const char *content_type,
                         struct buf *content, bool packed);

/* A long answer, made piece by piece in jobs while the client reads: two pieces at most are in memory,
 * and no thread waits for a slow client. */
struct server_maker {
    /* On a job thread: appends some more, about SERVER_PIECE_BYTES, and sets *last with the last
     * piece (which may be empty). An error cuts the connection, so that the client knows that the answer is
     * not whole. *cancel: the client is gone, return any error. */
    int (*make)(void *ctx, struct buf *out, bool *last, const atomic_bool *cancel);
    /* Once, on the loop, when make() is called no more (also when it never was). */
    void (*end)(void *ctx);
};
/* Answers. On the loop. */
void server_reply_stream(struct server_request *req, unsigned status, const char *content_type,
                         const struct server_maker *maker, void *ctx);

/* {"error":{"code","message","hint"}} with the status of the code (reply.c has the one table); for
 * requests of the time series {"status":"error","errorType","error"}. */
void server_reply_err(struct server_request *req, const struct err *err);
/* Shorter: code and message. */
void server_reply_error(struct server_request *req, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The HTTP status of an error code. */
unsigned server_status(int code);

#endif
