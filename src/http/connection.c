/* SPDX-License-Identifier: Apache-2.0 */
/* Connections, and the requests on them one after another.
 *
 * While a handler works for a connection, the client's end may be watched: the daemon itself does not look at a suspended
 * connection. */
#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "http/http_parts.h"

static const int64_t phase_us_max[] = {
    [HTTP_PHASE_FIRST_HEAD] = 10 * CLOCK_US_PER_S,
    [HTTP_PHASE_HEAD] = 30 * CLOCK_US_PER_S,
    [HTTP_PHASE_BODY] = 30 * CLOCK_US_PER_S,
    [HTTP_PHASE_BULK] = 120 * CLOCK_US_PER_S,
    [HTTP_PHASE_HANDLER] = INT64_MAX,
    [HTTP_PHASE_SEND] = 120 * CLOCK_US_PER_S,
    [HTTP_PHASE_STREAM] = INT64_MAX,
};

static void enter(struct http_connection *connection, enum http_phase phase)
{
    connection->phase = phase;
    connection->since_us = loop_now_us(connection->listener->http->loop);
}

static struct http_connection *connection_of(struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(
        mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info != NULL ? info->socket_context : NULL;
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
        if (connection->phase == HTTP_PHASE_STREAM) {
            http_stream_wake(connection->request);
        } else {
            atomic_store(&connection->request->cancel, true);
        }
    }
}

static void watch(struct http_connection *connection, struct http_request *req)
{
    connection->request = req;
    if (connection->watch == NULL) {
        connection->watch = loop_fd_watch(req->http->loop, connection->fd, LOOP_READABLE, on_client,
                                          connection);
    }
}

/* ---- a request ---- */

/* A piece of the body. What is too much is dropped, so that the sender gets to read the answer; one that
 * goes on for long is cut off. */
static enum MHD_Result take_body(struct http_request *req, const char *data, size_t size)
{
    struct http *http = req->http;
    if (req->body_error == 0 && size > req->body.max - req->body.size) {
        req->body_error = BUSBAR_ELIMIT;
    } else if (req->body_error == 0 && size > req->ops->bodies_max - http->body_bytes) {
        req->body_error = BUSBAR_EBUSY;
    } else if (req->body_error == 0) {
        req->body_error = buf_append(&req->body, data, size);
    }
    if (req->body_error == 0) {
        http->body_bytes += size;
        return MHD_YES;
    }
    http->body_bytes -= req->body.size;
    buf_fini(&req->body);
    req->body_dropped += size;
    return req->body_dropped <= HTTP_BODY_DROPPED_MAX ? MHD_YES : MHD_NO;
}

static enum MHD_Result queue_answer(struct http_connection *connection, struct http_request *req)
{
    struct MHD_Response *response = req->response;
    if (response == NULL) {
        return MHD_NO;
    }
    if (connection->phase != HTTP_PHASE_STREAM) {
        unwatch(connection);
        enter(connection, HTTP_PHASE_SEND);
    }
    enum MHD_Result queued = MHD_queue_response(connection->mhd, req->status, response);
    if (!req->shared) {
        MHD_destroy_response(response);
    }
    req->response = NULL;
    return queued;
}

/* The listener closes before the handler has answered, which goes on without the connection. */
static enum MHD_Result queue_stopping(struct http_connection *connection, struct http_request *req)
{
    struct MHD_Response *response = NULL;
    unsigned status = req->ops->stopping(&response);
    if (response == NULL) {
        return MHD_NO;
    }
    enum MHD_Result queued = MHD_queue_response(connection->mhd, status, response);
    MHD_destroy_response(response);
    return queued;
}

static struct http_request *begin_request(struct http_connection *connection, const char *method)
{
    struct http_listener *listener = connection->listener;
    struct http_request *req = http_request_new(connection);
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(
        connection->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    enter(connection, HTTP_PHASE_BODY);
    const struct http_head head = {
        .mhd = connection->mhd,
        .method = method,
        .target = connection->target != NULL ? connection->target : "",
        .listen = listener->address[0] != '\0' ? listener->address : NULL,
        .kind = listener->kind,
        .who = connection->who,
        .from = connection->from,
        .size = info != NULL ? info->header_size : 0,
        .encrypted = listener->certificate != NULL,
    };
    req->ops->begin(req, &head);
    if (req->bulk) {
        enter(connection, HTTP_PHASE_BULK);
    }
    return req;
}

/* libmicrohttpd calls this when the head is there, for each piece of the body, when all is there, and
 * again when a suspended connection goes on. */
enum MHD_Result http_on_request(void *ctx, struct MHD_Connection *mhd, const char *url,
                                const char *method, const char *version, const char *data,
                                size_t *size, void **request)
{
    (void)ctx;
    (void)url;
    (void)version;
    struct http_connection *connection = connection_of(mhd);
    struct http_request *req = *request;
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
        enter(connection, HTTP_PHASE_HANDLER);
        req->ops->handle(req);
    }
    if (req->answered) {
        return queue_answer(connection, req);
    }
    if (connection->listener->closing) {
        return queue_stopping(connection, req);
    }
    if (req->watched) {
        watch(connection, req);
    }
    req->suspended = true;
    MHD_suspend_connection(mhd);
    return MHD_YES;
}

void http_on_completed(void *ctx, struct MHD_Connection *mhd, void **request,
                       enum MHD_RequestTerminationCode reason)
{
    (void)ctx;
    (void)reason;
    struct http_request *req = *request;
    struct http_connection *connection = connection_of(mhd);
    if (connection != NULL) {
        unwatch(connection);
        enter(connection, HTTP_PHASE_HEAD);
    }
    *request = NULL;
    if (req != NULL) {
        http_request_completed(req);
    }
}

void http_resume(struct http_request *req)
{
    struct http_connection *connection = req->connection;
    req->suspended = false;
    MHD_resume_connection(connection->mhd);
    if (!connection->listener->closing) {
        loop_defer(connection->listener->http->loop, &connection->listener->soon);
    }
}

/* ---- a connection ---- */

void *http_on_target(void *ctx, const char *target, struct MHD_Connection *mhd)
{
    struct http_connection *connection = connection_of(mhd);
    size_t size = strlen(target) + 1;
    (void)ctx;
    if (connection == NULL) {
        return NULL;
    }
    if (size > connection->target_room) {
        busbar_free(connection->target);
        connection->target = busbar_alloc(size);
        connection->target_room = size;
    }
    memcpy(connection->target, target, size);
    return NULL;
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
    http_peer_name(connection->fd, connection->who, sizeof(connection->who), connection->from,
                   sizeof(connection->from));
    enter(connection, HTTP_PHASE_FIRST_HEAD);
    list_append(&listener->connections, &connection->link);
    listener->connection_count++;
    *slot = connection;
}

void http_on_connection(void *ctx, struct MHD_Connection *mhd, void **slot,
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
        connection->listener->connection_count--;
        busbar_free(connection->certificate);
        busbar_free(connection->target);
        busbar_free(connection);
    }
}

void http_connections_sweep(struct http_listener *listener, int64_t now_us)
{
    list_each(each, &listener->connections) {
        struct http_connection *connection = list_entry(each, struct http_connection, link);
        if (now_us - connection->since_us > phase_us_max[connection->phase]) {
            listener->http->cut_slow += connection->phase != HTTP_PHASE_HEAD;
            enter(connection, connection->phase);
            (void)shutdown(connection->fd, SHUT_RDWR);
        }
    }
}

/* ---- streams ---- */

void http_stream_begin(struct http_request *req, int kernel_bytes)
{
    struct http_connection *connection = req->connection;
    enter(connection, HTTP_PHASE_STREAM);
    if (kernel_bytes > 0) {
        (void)setsockopt(connection->fd, SOL_SOCKET, SO_SNDBUF, &kernel_bytes,
                         sizeof(kernel_bytes));
    }
    watch(connection, req);
}

bool http_stream_left(const struct http_request *req)
{
    return req->connection->left;
}

void http_stream_wait(struct http_request *req)
{
    if (!req->connection->listener->closing) {
        req->suspended = true;
        MHD_suspend_connection(req->connection->mhd);
    }
}

void http_stream_wake(struct http_request *req)
{
    if (req->connection != NULL && req->suspended) {
        http_resume(req);
    }
}

/* ---- what a handler may ask of the connection ---- */

const char *http_header(const struct http_request *req, const char *name)
{
    return req->connection == NULL
               ? NULL
               : MHD_lookup_connection_value(req->connection->mhd, MHD_HEADER_KIND, name);
}

struct walk {
    http_header_cb cb;
    void *ctx;
};

static enum MHD_Result on_header(void *ctx, enum MHD_ValueKind kind, const char *name,
                                 const char *value)
{
    const struct walk *walk = ctx;
    (void)kind;
    walk->cb(walk->ctx, name, value != NULL ? value : "");
    return MHD_YES;
}

void http_headers(const struct http_request *req, http_header_cb cb, void *ctx)
{
    struct walk walk = { cb, ctx };
    if (req->connection != NULL) {
        (void)MHD_get_connection_values(req->connection->mhd, MHD_HEADER_KIND, on_header, &walk);
    }
}
