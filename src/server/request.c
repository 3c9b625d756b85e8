/* SPDX-License-Identifier: Apache-2.0 */
/* A request from its head to its end, and what a handler may ask of it. */
#include "server/core.h"

#include <assert.h>
#include <microhttpd.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "server/http_head.h"
#include "server/reply.h"

struct server_request *server_request_of(struct http_request *req)
{
    return list_entry(req, struct server_request, http);
}

/* Whatever the route's row says the body is. 0 or an error. */
static int take_apart(struct server_request *req, struct err *err)
{
    const struct server_route *route = req->match.route;
    const struct buf *body = &req->http.body;
    if (req->http.body_error == BUSBAR_ELIMIT) {
        err_set(err, BUSBAR_ELIMIT, "the body is over %zu bytes", body->max);
        return err_hint(err, "send it in parts");
    }
    if (req->http.body_error != 0) {
        return err_set(err, req->http.body_error, "too many large requests at a time");
    }
    if (body->size == 0 || (route->flags & SERVER_ROUTE_RAW) != 0) {
        return 0;
    }
    if ((route->flags & SERVER_ROUTE_FORM) != 0) {
        return server_url_add_form(&req->url, buf_text(body), body->size, err);
    }
    int error = json_parse(buf_text(body), body->size, NULL, &req->doc, err);
    if (error != 0) {
        err_prefix(err, "the body is no JSON");
    }
    return error;
}

static void handle(struct http_request *http)
{
    struct server_request *req = server_request_of(http);
    struct err err = { 0 };
    if (take_apart(req, &err) == 0) {
        req->match.route->handler(req);
    } else if (http->body_error == BUSBAR_ELIMIT) {
        server_reply_status(req, 413, &err);
    } else {
        server_reply_err(req, &err);
    }
}

static void begin(struct http_request *http, const struct http_head *head)
{
    struct server_request *req = server_request_of(http);
    req->kind = (enum server_kind)head->kind;
    str_copy(req->who, sizeof(req->who), head->who);
    str_copy(req->from, sizeof(req->from), head->from);
    http_head_check(req, head);
    http->bulk = req->match.route != NULL && req->match.route->body_max > SERVER_BODY_MAX;
}

static void tell_gone(struct http_request *http)
{
    struct server_request *req = server_request_of(http);
    if (req->gone != NULL) {
        req->gone(req->gone_ctx);
    }
}

static void fini(struct http_request *http)
{
    struct server_request *req = server_request_of(http);
    server_url_fini(&req->url);
    json_free(req->doc);
}

static unsigned stopping(struct MHD_Response **response)
{
    static char text[] = "{\"error\":{\"code\":\"ECANCELED\",\"message\":\"busbar is stopping\","
                         "\"hint\":\"\"}}";
    *response = MHD_create_response_from_buffer_with_free_callback(sizeof(text) - 1, text, NULL);
    if (*response != NULL) {
        server_reply_headers(*response, SERVER_TYPE_JSON, "no-store");
    }
    return 503;
}

const struct http_ops server_http_ops = {
    .request_bytes = sizeof(struct server_request),
    .body_max = SERVER_BODY_MAX,
    .bodies_max = SERVER_BODIES_MAX,
    .begin = begin,
    .handle = handle,
    .gone = tell_gone,
    .fini = fini,
    .stopping = stopping,
};

void server_request_on_gone(struct server_request *req, void (*gone)(void *ctx), void *ctx)
{
    req->gone = gone;
    req->gone_ctx = ctx;
}

void server_request_on_cut(struct server_request *req, void (*cut)(void *ctx), void *ctx)
{
    req->cut = cut;
    req->cut_ctx = ctx;
}

struct server *server_of(const struct server_request *req)
{
    return req->http.http != NULL ? req->http.http->ctx : NULL;
}

void *server_ctx(const struct server_request *req)
{
    return req->match.ctx;
}

const char *server_param(const struct server_request *req, const char *name)
{
    for (size_t i = 0; i < req->match.param_count; i++) {
        size_t size = req->match.params[i].name_size;
        if (strncmp(req->match.params[i].name, name, size) == 0 && name[size] == '\0') {
            return req->match.params[i].value;
        }
    }
    assert(false && "the route has no such parameter");
    return "";
}

const char *server_query(const struct server_request *req, const char *name)
{
    return server_url_arg(&req->url, name);
}

const char *server_query_at(const struct server_request *req, const char *name, size_t index)
{
    return server_url_arg_at(&req->url, name, index);
}

int server_query_i64(const struct server_request *req, const char *name, int64_t fallback,
                     int64_t min, int64_t max, int64_t *out, struct err *err)
{
    const char *text = server_query(req, name);
    if (text == NULL) {
        *out = fallback;
        return 0;
    }
    int64_t value;
    if (str_parse_i64(text, &value) != 0 || value < min || value > max) {
        err_set(err, BUSBAR_EINVAL, "'%s' is no good value for '%s'", text, name);
        err_hint(err, "a whole number from %lld to %lld", (long long)min, (long long)max);
        return BUSBAR_EINVAL;
    }
    *out = value;
    return 0;
}

bool server_query_bool(const struct server_request *req, const char *name)
{
    const char *text = server_query(req, name);
    bool value = false;
    return text != NULL && (*text == '\0' || strcmp(text, "1") == 0 ||
                            (str_parse_bool(text, &value) == 0 && value));
}

int server_parse_time(const char *name, const char *text, int64_t *out, struct err *err)
{
    int64_t value = 0;
    bool fine = true;
    if (strcmp(text, "now") == 0) {
        value = clock_wall_us();
    } else if (text[0] == '-') {
        fine = str_parse_duration_us(text + 1, &value) == 0;
        value = clock_wall_us() - value;
    } else {
        fine = str_parse_i64(text, &value) == 0 || str_parse_time(text, &value) == 0;
    }
    if (!fine) {
        err_set(err, BUSBAR_EINVAL, "'%s' is no time for '%s'", text, name);
        err_hint(err, "2026-11-22T12:00:00Z, microseconds since 1970, now, or -24h");
        return BUSBAR_EINVAL;
    }
    *out = value;
    return 0;
}

int server_query_time(const struct server_request *req, const char *name, int64_t fallback,
                      int64_t *out, struct err *err)
{
    const char *text = server_query(req, name);
    if (text == NULL) {
        *out = fallback;
        return 0;
    }
    return server_parse_time(name, text, out, err);
}

const struct json_value *server_body(const struct server_request *req)
{
    return req->doc != NULL ? json_root(req->doc) : NULL;
}

const uint8_t *server_raw(const struct server_request *req, size_t *size)
{
    *size = req->http.body.size;
    return req->http.body.data != NULL ? req->http.body.data : (const uint8_t *)"";
}

const atomic_bool *server_cancel(struct server_request *req)
{
    req->http.watched = true;
    return &req->http.cancel;
}

void server_answer_header(struct server_request *req, const char *name, const char *value)
{
    assert(req->header_count < SERVER_ANSWER_HEADERS_MAX);
    req->headers[req->header_count].name = name;
    str_copy(req->headers[req->header_count++].value, sizeof(req->headers[0].value), value);
}

const char *server_who(const struct server_request *req)
{
    return req->who;
}

const char *server_from(const struct server_request *req)
{
    return req->from;
}

const char *server_header(const struct server_request *req, const char *name)
{
    return http_header(&req->http, name);
}

bool server_takes_gzip(const struct server_request *req)
{
    const char *encodings = server_header(req, MHD_HTTP_HEADER_ACCEPT_ENCODING);
    return encodings != NULL && strstr(encodings, "gzip") != NULL;
}
