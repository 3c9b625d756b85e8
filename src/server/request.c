/* SPDX-License-Identifier: Apache-2.0 */
/* A request's life, and what a handler may ask of it. */
#include "server/core.h"

#include <assert.h>
#include <microhttpd.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"

struct server_request *server_request_new(struct server *server, enum server_kind kind)
{
    struct server_request *req = busbar_alloc(sizeof(*req));
    req->server = server;
    req->kind = kind;
    buf_init(&req->body, SERVER_BODY_MAX);
    list_append(&server->requests, &req->link);
    return req;
}

static void free_when_done(struct server_request *req)
{
    if (!req->completed || !req->answered) {
        return;
    }
    list_remove(&req->link);
    if (req->server != NULL) {
        req->server->body_bytes -= req->body.size;
    }
    server_url_fini(&req->url);
    buf_fini(&req->body);
    json_free(req->doc);
    if (req->response != NULL) {
        MHD_destroy_response(req->response);
    }
    busbar_free(req);
}

void server_request_completed(struct server_request *req)
{
    req->connection = NULL;
    req->completed = true;
    atomic_store(&req->cancel, true);
    req->answered = req->answered || !req->started; /* its body never came: no handler holds it */
    if (req->gone != NULL) {
        req->gone(req->gone_ctx);
    }
    free_when_done(req);
}

void server_request_answered(struct server_request *req)
{
    req->answered = true;
    req->cut = NULL;
    list_remove(&req->link);
    free_when_done(req);
}

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
    return req->server;
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
    *size = req->body.size;
    return req->body.data != NULL ? req->body.data : (const uint8_t *)"";
}

const atomic_bool *server_cancel(struct server_request *req)
{
    req->watched = true;
    return &req->cancel;
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
