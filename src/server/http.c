/* SPDX-License-Identifier: Apache-2.0 */
/* libmicrohttpd on our loop: each listener is a daemon without a thread of its own, whose epoll
 * descriptor the loop watches. A request that is answered later suspends its connection.
 *
 * While a handler works for a connection, the client's end may be watched (server_cancel()): the daemon
 * itself does not look at a suspended connection.
 *
 * A connection is always in one phase, and each phase has a longest time, whatever trickles in or
 * out meanwhile; that is what ends slow senders and slow readers:
 *
 *   waiting for the head -> body -> handler (no limit: it answers) -> sending -> waiting ...
 *                                                                 \-> stream (its own rules) */
#include "server/http.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "server/http_head.h"
#include "server/peer.h"
#include "server/reply.h"

enum {
    HTTP_PER_ADDRESS_MAX = 192, /* connections from one address */
    HTTP_IDLE_S = 30,           /* without a byte in either direction */
    RUNS_AT_ONCE = 8,           /* of the daemon, before others on the loop have their turn */
};

/* Memory of a connection: half of it is what one read takes, so that bulk arrives in large pieces. */
static const size_t pool_bytes[SERVER_KINDS] = {
    [SERVER_PAGE] = 16 * 1024,
    [SERVER_TIME_SERIES] = 256 * 1024,
};

enum phase {
    PHASE_FIRST_HEAD,
    PHASE_HEAD,
    PHASE_BODY,
    PHASE_BULK, /* a body that may be large */
    PHASE_HANDLER,
    PHASE_SEND,
    PHASE_STREAM,
};

static const int64_t phase_us_max[] = {
    [PHASE_FIRST_HEAD] = 10 * CLOCK_US_PER_S,
    [PHASE_HEAD] = 30 * CLOCK_US_PER_S,
    [PHASE_BODY] = 30 * CLOCK_US_PER_S,
    [PHASE_BULK] = 120 * CLOCK_US_PER_S,
    [PHASE_HANDLER] = INT64_MAX,
    [PHASE_SEND] = 120 * CLOCK_US_PER_S,
    [PHASE_STREAM] = INT64_MAX,
};

struct http_listener {
    struct list link;
    struct server *server;
    enum server_kind kind;
    struct MHD_Daemon *daemon;
    struct loop_fd *watch;
    struct timer timer;        /* when libmicrohttpd wants to be run next */
    struct loop_deferred soon; /* run it before the loop waits */
    struct list connections;
    char address[INET6_ADDRSTRLEN]; /* "" for a Unix socket */
    char *path;
    bool closing;
};

struct http_connection {
    struct list link;
    struct http_listener *listener;
    struct MHD_Connection *mhd;
    struct loop_fd *watch;          /* the client's end, while its request is worked on */
    struct server_request *request; /* that one */
    int fd;
    bool left; /* the client is gone */
    enum phase phase;
    int64_t since_us;
    char *target; /* as it came: path and query */
    char who[64], from[64];
};

static void enter(struct http_connection *connection, enum phase phase)
{
    connection->phase = phase;
    connection->since_us = clock_mono_us();
}

/* ---- the client's end ---- */

static void unwatch(struct http_connection *connection)
{
    loop_fd_unwatch(connection->watch);
    connection->watch = NULL;
    connection->request = NULL;
}

/* What the client sends while it waits is its next request: then there is nothing to see any more. */
static void on_client(void *ctx, unsigned events)
{
    struct http_connection *connection = ctx;
    char byte;
    ssize_t got = recv(connection->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR) && (events & LOOP_ERROR) == 0) {
        return;
    }
    loop_fd_unwatch(connection->watch);
    connection->watch = NULL;
    if (got <= 0 && connection->request != NULL) {
        connection->left = true;
        if (connection->phase == PHASE_STREAM) {
            http_stream_wake(connection->request);
        } else {
            atomic_store(&connection->request->cancel, true);
        }
    }
}

static void watch(struct http_connection *connection, struct server_request *req)
{
    connection->request = req;
    if (connection->watch == NULL) {
        connection->watch = loop_fd_watch(req->server->config.loop, connection->fd, LOOP_READABLE,
                                          on_client, connection);
    }
}

/* ---- a request ---- */

/* Whatever the route's row says the body is. 0 or an error. */
static int take_apart(struct server_request *req, struct err *err)
{
    const struct server_route *route = req->match.route;
    if (req->body_error == BUSBAR_ELIMIT) {
        err_set(err, BUSBAR_ELIMIT, "the body is over %zu bytes", req->body.max);
        return err_hint(err, "send it in parts");
    }
    if (req->body_error != 0) {
        return err_set(err, req->body_error, "too many large requests at a time");
    }
    if (req->body.size == 0 || (route->flags & SERVER_ROUTE_RAW) != 0) {
        return 0;
    }
    if ((route->flags & SERVER_ROUTE_FORM) != 0) {
        return server_url_add_form(&req->url, buf_text(&req->body), req->body.size, err);
    }
    int error = json_parse(buf_text(&req->body), req->body.size, NULL, &req->doc, err);
    if (error != 0) {
        err_prefix(err, "the body is no JSON");
    }
    return error;
}

static void handle(struct server_request *req)
{
    struct err err = { 0 };
    if (take_apart(req, &err) == 0) {
        req->match.route->handler(req);
    } else if (req->body_error == BUSBAR_ELIMIT) {
        server_reply_status(req, 413, &err);
    } else {
        server_reply_err(req, &err);
    }
}

/* A piece of the body. What is too much is dropped, so that the sender gets to read the answer; one that
 * goes on for long is cut off. */
static enum MHD_Result take_body(struct server_request *req, const char *data, size_t size)
{
    struct server *server = req->server;
    if (req->body_error == 0 && size > req->body.max - req->body.size) {
        req->body_error = BUSBAR_ELIMIT;
    } else if (req->body_error == 0 && size > SERVER_BODIES_MAX - server->body_bytes) {
        req->body_error = BUSBAR_EBUSY;
    } else if (req->body_error == 0) {
        req->body_error = buf_append(&req->body, data, size);
    }
    if (req->body_error == 0) {
        server->body_bytes += size;
        return MHD_YES;
    }
    server->body_bytes -= req->body.size;
    buf_fini(&req->body);
    req->body_dropped += size;
    return req->body_dropped <= SERVER_RAW_MAX ? MHD_YES : MHD_NO;
}

static enum MHD_Result queue_answer(struct http_connection *connection, struct server_request *req)
{
    struct MHD_Response *response = req->response;
    if (response == NULL) {
        return MHD_NO;
    }
    if (connection->phase != PHASE_STREAM) {
        unwatch(connection);
        enter(connection, PHASE_SEND);
    }
    enum MHD_Result queued = MHD_queue_response(connection->mhd, req->status, response);
    MHD_destroy_response(response);
    req->response = NULL;
    return queued;
}

/* The listener closes before the handler has answered. */
static enum MHD_Result queue_stopping(struct http_connection *connection)
{
    static char text[] = "{\"error\":{\"code\":\"ECANCELED\",\"message\":\"busbar is stopping\","
                         "\"hint\":\"\"}}";
    struct MHD_Response *response = MHD_create_response_from_buffer_with_free_callback(
        sizeof(text) - 1, text, NULL);
    if (response == NULL) {
        return MHD_NO;
    }
    server_reply_headers(response, SERVER_TYPE_JSON, "no-store");
    enum MHD_Result queued = MHD_queue_response(connection->mhd, 503, response);
    MHD_destroy_response(response);
    return queued;
}

static struct server_request *begin_request(struct http_connection *connection, const char *method)
{
    struct server_request *req = server_request_new(connection->listener->server,
                                                    connection->listener->kind);
    req->connection = connection;
    str_copy(req->who, sizeof(req->who), connection->who);
    str_copy(req->from, sizeof(req->from), connection->from);
    enter(connection, PHASE_BODY);
    const char *listen = connection->listener->address;
    const struct http_head head = { .mhd = connection->mhd,
                                    .method = method,
                                    .target = connection->target != NULL ? connection->target : "",
                                    .listen = listen[0] != '\0' ? listen : NULL };
    http_head_check(req, &head);
    if (req->match.route != NULL && req->match.route->body_max > SERVER_BODY_MAX) {
        enter(connection, PHASE_BULK);
    }
    return req;
}

/* libmicrohttpd calls this when the head is there, for each piece of the body, when all is there, and
 * again when a suspended connection goes on. */
static enum MHD_Result on_request(void *ctx, struct MHD_Connection *mhd, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *size, void **request)
{
    (void)ctx;
    (void)url;
    (void)version;
    struct http_connection *connection =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
    struct server_request *req = *request;
    if (connection == NULL) {
        return MHD_NO;
    }
    if (req == NULL) {
        req = begin_request(connection, method);
        *request = req;
        return req->answered ? queue_answer(connection, req) : MHD_YES;
    }
    if (*size > 0) {
        size_t taken = *size;
        *size = 0;
        return take_body(req, data, taken);
    }
    if (!req->started) {
        req->started = true;
        enter(connection, PHASE_HANDLER);
        handle(req);
    }
    if (req->answered) {
        return queue_answer(connection, req);
    }
    if (connection->listener->closing) {
        return queue_stopping(connection);
    }
    if (req->watched) {
        watch(connection, req);
    }
    req->suspended = true;
    MHD_suspend_connection(mhd);
    return MHD_YES;
}

static void on_completed(void *ctx, struct MHD_Connection *mhd, void **request,
                         enum MHD_RequestTerminationCode reason)
{
    (void)ctx;
    (void)reason;
    struct server_request *req = *request;
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(
        mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    if (info != NULL && info->socket_context != NULL) {
        struct http_connection *connection = info->socket_context;
        unwatch(connection);
        enter(connection, PHASE_HEAD);
    }
    *request = NULL;
    if (req != NULL) {
        server_request_completed(req);
    }
}

/* ---- a connection ---- */

static void *on_target(void *ctx, const char *target, struct MHD_Connection *mhd)
{
    (void)ctx;
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(
        mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    if (info != NULL && info->socket_context != NULL) {
        struct http_connection *connection = info->socket_context;
        busbar_free(connection->target);
        connection->target = busbar_strdup(target);
    }
    return NULL;
}

/* The target is taken apart by url.c, from the raw text. */
static size_t keep_escapes(void *ctx, struct MHD_Connection *mhd, char *text)
{
    (void)ctx;
    (void)mhd;
    return strlen(text);
}

static void connection_opened(struct http_listener *listener, struct MHD_Connection *mhd,
                              void **slot)
{
    struct http_connection *connection = busbar_alloc(sizeof(*connection));
    connection->listener = listener;
    connection->mhd = mhd;
    connection->fd = -1;
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(
        mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
    if (info != NULL) {
        connection->fd = info->connect_fd;
    }
    peer_name(connection->fd, connection->who, sizeof(connection->who), connection->from,
              sizeof(connection->from));
    enter(connection, PHASE_FIRST_HEAD);
    list_append(&listener->connections, &connection->link);
    *slot = connection;
}

static void on_connection(void *ctx, struct MHD_Connection *mhd, void **slot,
                          enum MHD_ConnectionNotificationCode code)
{
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        connection_opened(ctx, mhd, slot);
        return;
    }
    struct http_connection *connection = *slot;
    *slot = NULL;
    if (connection != NULL) {
        loop_fd_unwatch(connection->watch);
        list_remove(&connection->link);
        busbar_free(connection->target);
        busbar_free(connection);
    }
}

static void cut(struct http_connection *connection)
{
    (void)shutdown(connection->fd, SHUT_RDWR);
}

void http_sweep(struct server *server)
{
    int64_t now = clock_mono_us();
    list_each(at, &server->listeners) {
        struct http_listener *listener = list_entry(at, struct http_listener, link);
        list_each(each, &listener->connections) {
            struct http_connection *connection = list_entry(each, struct http_connection, link);
            if (now - connection->since_us > phase_us_max[connection->phase]) {
                server->cut_slow += connection->phase != PHASE_HEAD;
                enter(connection, connection->phase);
                cut(connection);
            }
        }
    }
}

size_t server_connection_count(const struct server *server)
{
    size_t count = 0;
    list_each(at, &server->listeners) {
        struct http_listener *listener = list_entry(at, struct http_listener, link);
        list_each(each, &listener->connections) {
            count++;
        }
    }
    return count;
}

/* ---- the daemon on the loop ---- */

/* It wants to be run a few times around an answer, each at once: a timer would be a millisecond each. */
static void run(void *ctx)
{
    struct http_listener *listener = ctx;
    MHD_UNSIGNED_LONG_LONG wait_ms = 0;
    bool waits = true;
    for (int i = 0; i < RUNS_AT_ONCE && waits && wait_ms == 0; i++) {
        (void)MHD_run(listener->daemon);
        waits = MHD_get_timeout(listener->daemon, &wait_ms) == MHD_YES;
    }
    if (waits) {
        timer_start(&listener->timer, (int64_t)wait_ms, 0);
    } else {
        timer_stop(&listener->timer);
    }
}

static void on_readable(void *ctx, unsigned events)
{
    (void)events;
    run(ctx);
}

static void on_timer(struct timer *timer, void *ctx)
{
    (void)timer;
    run(ctx);
}

static void resume(struct server_request *req)
{
    struct http_connection *connection = req->connection;
    req->suspended = false;
    MHD_resume_connection(connection->mhd);
    if (!connection->listener->closing) {
        loop_defer(connection->listener->server->config.loop, &connection->listener->soon);
    }
}

void http_answer(struct server_request *req)
{
    if (req->connection != NULL && req->suspended) {
        resume(req);
    }
    server_request_answered(req);
}

static void log_line(void *ctx, const char *format, va_list args)
{
    char text[LOG_TEXT_MAX];
    (void)ctx;
    (void)vsnprintf(text, sizeof(text), format, args);
    text[strcspn(text, "\r\n")] = '\0';
    busbar_log(LOG_LEVEL_DEBUG, "server", NULL, "%s", text);
}

static struct MHD_Daemon *start_daemon(struct http_listener *listener, int fd)
{
    const unsigned flags = MHD_USE_EPOLL | MHD_USE_ITC | MHD_ALLOW_SUSPEND_RESUME |
                           MHD_USE_ERROR_LOG;
    return MHD_start_daemon(
        flags, 0, NULL, NULL, on_request, listener, /* */
        MHD_OPTION_EXTERNAL_LOGGER, log_line, NULL, MHD_OPTION_LISTEN_SOCKET, fd,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, pool_bytes[listener->kind], MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)SERVER_CONNECTIONS_MAX, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
        (unsigned)HTTP_PER_ADDRESS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)HTTP_IDLE_S,
        MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_NOTIFY_COMPLETED, on_completed, listener,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, listener, MHD_OPTION_URI_LOG_CALLBACK,
        on_target, listener, MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, listener,
        MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_END);
}

int http_listener_open(struct server *server, enum server_kind kind, int fd, const char *address,
                       const char *path, struct err *err)
{
    struct http_listener *listener = busbar_alloc(sizeof(*listener));
    listener->server = server;
    listener->kind = kind;
    list_init(&listener->connections);
    str_copy(listener->address, sizeof(listener->address), address != NULL ? address : "");
    listener->path = busbar_strdup(path);
    timer_init(&listener->timer, server->config.loop, on_timer, listener);
    loop_deferred_init(&listener->soon, run, listener);
    listener->daemon = start_daemon(listener, fd);
    if (listener->daemon == NULL) {
        (void)close(fd);
        goto fail;
    }
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(listener->daemon,
                                                           MHD_DAEMON_INFO_EPOLL_FD);
    listener->watch = info == NULL ? NULL
                                   : loop_fd_watch(server->config.loop, info->epoll_fd,
                                                   LOOP_READABLE, on_readable, listener);
    if (listener->watch == NULL) {
        MHD_stop_daemon(listener->daemon);
        goto fail;
    }
    list_append(&server->listeners, &listener->link);
    return 0;
fail:
    busbar_free(listener->path);
    busbar_free(listener);
    return err_set(err, BUSBAR_EINTERNAL, "the HTTP server does not start");
}

/* What handlers hold goes on without its connection; what is suspended is told. */
static void let_go(struct http_listener *listener)
{
    list_each_safe(at, &listener->server->requests) {
        struct server_request *req = list_entry(at, struct server_request, link);
        if (req->connection != NULL && req->connection->listener == listener && req->suspended) {
            resume(req);
        }
    }
}

static void listener_close(struct http_listener *listener)
{
    listener->closing = true;
    let_go(listener);
    loop_fd_unwatch(listener->watch);
    timer_stop(&listener->timer);
    loop_defer_cancel(&listener->soon);
    (void)MHD_run(listener->daemon); /* the last answers leave */
    MHD_stop_daemon(listener->daemon);
    assert(list_empty(&listener->connections));
    if (listener->path != NULL) {
        (void)unlink(listener->path);
    }
    list_remove(&listener->link);
    busbar_free(listener->path);
    busbar_free(listener);
}

void http_close(struct server *server)
{
    while (!list_empty(&server->listeners)) {
        listener_close(list_entry(server->listeners.next, struct http_listener, link));
    }
}

/* ---- streams ---- */

void http_stream_begin(struct server_request *req, int kernel_bytes)
{
    struct http_connection *connection = req->connection;
    enter(connection, PHASE_STREAM);
    if (kernel_bytes > 0) {
        (void)setsockopt(connection->fd, SOL_SOCKET, SO_SNDBUF, &kernel_bytes,
                         sizeof(kernel_bytes));
    }
    watch(connection, req);
}

bool http_stream_left(const struct server_request *req)
{
    return req->connection->left;
}

void http_stream_wait(struct server_request *req)
{
    if (!req->connection->listener->closing) {
        req->suspended = true;
        MHD_suspend_connection(req->connection->mhd);
    }
}

void http_stream_wake(struct server_request *req)
{
    if (req->connection != NULL && req->suspended) {
        resume(req);
    }
}

/* ---- what a handler may ask of the connection ---- */

const char *server_header(const struct server_request *req, const char *name)
{
    return req->connection == NULL
               ? NULL
               : MHD_lookup_connection_value(req->connection->mhd, MHD_HEADER_KIND, name);
}

bool server_takes_gzip(const struct server_request *req)
{
    const char *encodings = server_header(req, MHD_HTTP_HEADER_ACCEPT_ENCODING);
    return encodings != NULL && strstr(encodings, "gzip") != NULL;
}
