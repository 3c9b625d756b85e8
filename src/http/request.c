/* SPDX-License-Identifier: Apache-2.0 */
/* A request's life, and the set of them. */
#include <microhttpd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "http/http_parts.h"

enum { SWEEP_MS = 1000 };

static void on_sweep(struct timer *timer, void *ctx)
{
    struct http *http = ctx;
    int64_t now_us = clock_mono_us();
    (void)timer;
    list_each(at, &http->listeners) {
        http_connections_sweep(list_entry(at, struct http_listener, link), now_us);
    }
}

void http_init(struct http *http, struct loop *loop, const struct http_ops *ops, void *ctx)
{
    *http = (struct http){ .loop = loop, .ops = ops, .ctx = ctx };
    list_init(&http->listeners);
    list_init(&http->requests);
    timer_init(&http->sweep, loop, on_sweep, http);
    timer_start(&http->sweep, SWEEP_MS, SWEEP_MS);
}

void http_close(struct http *http)
{
    while (!list_empty(&http->listeners)) {
        http_listener_close(list_entry(http->listeners.next, struct http_listener, link));
    }
}

void http_fini(struct http *http)
{
    struct list *left;
    while ((left = list_shift(&http->requests)) != NULL) {
        list_entry(left, struct http_request, link)->http = NULL;
    }
    timer_stop(&http->sweep);
}

size_t http_connection_count(const struct http *http)
{
    size_t count = 0;
    list_each(at, &http->listeners) {
        count += list_entry(at, struct http_listener, link)->connection_count;
    }
    return count;
}

struct http_request *http_request_new(struct http_connection *connection)
{
    struct http *http = connection->listener->http;
    struct http_request *req = busbar_alloc(http->ops->request_bytes);
    req->http = http;
    req->ops = http->ops;
    req->connection = connection;
    buf_init(&req->body, http->ops->body_max);
    list_append(&http->requests, &req->link);
    return req;
}

static void free_when_done(struct http_request *req)
{
    if (!req->completed || !req->answered) {
        return;
    }
    list_remove(&req->link);
    if (req->http != NULL) {
        req->http->body_bytes -= req->body.size;
    }
    if (req->ops->fini != NULL) {
        req->ops->fini(req);
    }
    buf_fini(&req->body);
    if (req->response != NULL && !req->shared) {
        MHD_destroy_response(req->response);
    }
    busbar_free(req);
}

void http_request_completed(struct http_request *req)
{
    req->connection = NULL;
    req->completed = true;
    atomic_store(&req->cancel, true);
    req->answered = req->answered || !req->started; /* its body never came: no handler holds it */
    if (req->ops->gone != NULL) {
        req->ops->gone(req);
    }
    free_when_done(req);
}

void http_answer(struct http_request *req)
{
    if (req->connection != NULL && req->suspended) {
        http_resume(req);
    }
    req->answered = true;
    list_remove(&req->link);
    free_when_done(req);
}
