/* SPDX-License-Identifier: Apache-2.0 */
/* Answers: JSON, text, errors. One table maps an error code to its HTTP status. */
#include "server/reply.h"

#include <microhttpd.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/str.h"

static const struct {
    int code;
    unsigned status;
} statuses[] = {
    { BUSBAR_EINVAL, 400 },  { BUSBAR_ESYNTAX, 400 },   { BUSBAR_EWRONGTYPE, 400 },
    { BUSBAR_ESHORT, 400 },  { BUSBAR_ELIMIT, 400 },    { BUSBAR_EUNSUPPORTED, 400 },
    { BUSBAR_EAUTH, 403 },   { BUSBAR_EPERM, 403 },     { BUSBAR_ENOENT, 404 },
    { BUSBAR_EEXIST, 409 },  { BUSBAR_ECONFLICT, 409 }, { BUSBAR_EADDRINUSE, 409 },
    { BUSBAR_ECONFIG, 422 }, { BUSBAR_ERANGE, 422 },    { BUSBAR_EREFUSED, 502 },
    { BUSBAR_EPROTO, 502 },  { BUSBAR_ETOOBIG, 502 },   { BUSBAR_ETLS, 502 },
    { BUSBAR_EBUSY, 503 },   { BUSBAR_EAGAIN, 503 },    { BUSBAR_ECANCELED, 503 },
    { BUSBAR_ENOSPC, 503 },  { BUSBAR_ENOMEM, 503 },    { BUSBAR_ETIMEOUT, 504 },
    { BUSBAR_EHOST, 504 },   { BUSBAR_EROUTE, 504 },    { BUSBAR_ECONNREFUSED, 504 },
    { BUSBAR_ECLOSED, 504 }, { BUSBAR_ERESET, 504 },    { BUSBAR_ENOTCONN, 504 },
    { BUSBAR_EIO, 500 },     { BUSBAR_EDAMAGED, 500 },  { BUSBAR_EINTERNAL, 500 },
};

unsigned server_status(int code)
{
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        if (statuses[i].code == code) {
            return statuses[i].status;
        }
    }
    return 500;
}

void server_reply_headers(struct MHD_Response *response, const char *content_type,
                          const char *cache)
{
    const char *const headers[][2] = {
        { MHD_HTTP_HEADER_CONTENT_TYPE, content_type },
        { MHD_HTTP_HEADER_CACHE_CONTROL, cache },
        { "X-Content-Type-Options", "nosniff" },
        { "X-Frame-Options", "DENY" },
        { "Referrer-Policy", "no-referrer" },
        { "Cross-Origin-Resource-Policy", "same-origin" },
        { "Content-Security-Policy",
          "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
          "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'" },
    };
    for (size_t i = content_type != NULL ? 0 : 1; i < sizeof(headers) / sizeof(headers[0]); i++) {
        (void)MHD_add_response_header(response, headers[i][0], headers[i][1]);
    }
}

void server_reply_own_headers(const struct server_request *req, struct MHD_Response *response)
{
    for (size_t i = 0; i < req->header_count; i++) {
        (void)MHD_add_response_header(response, req->headers[i].name, req->headers[i].value);
    }
}

void server_reply_response(struct server_request *req, unsigned status,
                           struct MHD_Response *response)
{
    struct server *server = server_of(req);
    req->http.status = status;
    req->http.response = response;
    req->cut = NULL;
    if (server != NULL) {
        unsigned class = status / 100 < SERVER_STATUS_CLASSES ? status / 100 : 0;
        server->answers[class]++;
    }
    http_answer(&req->http);
}

static bool as_prometheus(const struct server_request *req)
{
    return req->kind == SERVER_TIME_SERIES ||
           (req->match.route != NULL && (req->match.route->flags & SERVER_ROUTE_PROMETHEUS) != 0);
}

static void put_too_long(const struct server_request *req, struct buf *out)
{
    busbar_log(LOG_LEVEL_ERROR, "server", NULL, "an answer of %zu bytes is over its limit",
               out->size);
    buf_clear(out);
    (void)buf_append_text(out, as_prometheus(req)
                                   ? "{\"status\":\"error\",\"errorType\":\"execution\",\"error\":"
                                     "\"the answer is over 64 MB: ask for fewer series, a shorter "
                                     "time or a longer step\"}"
                                   : "{\"error\":{\"code\":\"ELIMIT\",\"message\":\"the answer is "
                                     "too long\",\"hint\":\"ask for less: limit, match\"}}");
}

void server_reply_packed(struct server_request *req, unsigned status, const char *content_type,
                         struct buf *content, bool packed)
{
    size_t size = 0;
    if (content->overflow) {
        put_too_long(req, content);
        status = as_prometheus(req) ? 422 : 500;
        content_type = SERVER_TYPE_JSON;
    }
    uint8_t *data = buf_take(content, &size);
    struct MHD_Response *response = MHD_create_response_from_buffer_with_free_callback(
        size, data != NULL ? (void *)data : (void *)"", data != NULL ? busbar_free : NULL);
    if (response == NULL) {
        busbar_free(data);
    } else {
        server_reply_headers(response, content_type, "no-store");
        server_reply_own_headers(req, response);
        if (packed) {
            (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_ENCODING, "gzip");
            (void)MHD_add_response_header(response, MHD_HTTP_HEADER_VARY, "Accept-Encoding");
        }
    }
    server_reply_response(req, status, response);
}

void server_reply_as(struct server_request *req, unsigned status, const char *content_type,
                     struct buf *content)
{
    server_reply_packed(req, status, content_type, content, false);
}

void server_reply_empty(struct server_request *req, unsigned status)
{
    struct MHD_Response *response = MHD_create_response_from_buffer_with_free_callback(
        0, (void *)"", NULL);
    if (response != NULL) {
        server_reply_headers(response, NULL, "no-store");
        server_reply_own_headers(req, response);
    }
    server_reply_response(req, status, response);
}

void server_reply_json(struct server_request *req, unsigned status, struct buf *json)
{
    server_reply_as(req, status, SERVER_TYPE_JSON, json);
}

static const char *error_type(unsigned status, int code)
{
    static const struct {
        unsigned status;
        const char *type;
    } types[] = { { 404, "not_found" }, { 406, "not_acceptable" }, { 422, "execution" },
                  { 499, "canceled" },  { 503, "unavailable" },    { 504, "timeout" } };
    if (code == BUSBAR_ETIMEOUT) {
        return "timeout";
    }
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (types[i].status == status) {
            return types[i].type;
        }
    }
    return status < 500 ? "bad_data" : "internal";
}

/* In the shape of Prometheus, which has no field for a hint. */
static void put_prometheus_error(struct json_writer *json, unsigned status, const struct err *err)
{
    char text[sizeof(err->message) + sizeof(err->hint) + 4];
    const char *message = err->message[0] != '\0' ? err->message : err_text(err->code);
    str_format(text, sizeof(text), err->hint[0] != '\0' ? "%s (%s)" : "%s", message, err->hint);
    json_put_string(json, "status", "error");
    json_put_string(json, "errorType", error_type(status, err->code));
    json_put_string(json, "error", text);
}

static void put_error(struct json_writer *json, const struct err *err)
{
    json_put_object(json, "error");
    json_put_string(json, "code", err_name(err->code));
    json_put_string(json, "message", err->message[0] != '\0' ? err->message : err_text(err->code));
    json_put_string(json, "hint", err->hint);
    json_end_object(json);
}

void server_reply_status(struct server_request *req, unsigned status, const struct err *err)
{
    struct buf out;
    buf_init(&out, SERVER_ANSWER_MAX);
    struct json_writer json = json_writer(&out);
    json_begin_object(&json);
    if (as_prometheus(req)) {
        put_prometheus_error(&json, status, err);
    } else {
        put_error(&json, err);
    }
    json_end_object(&json);
    if (status == 503 && as_prometheus(req)) {
        char seconds[16];
        str_format(seconds, sizeof(seconds), "%d", SERVER_RETRY_AFTER_S);
        server_answer_header(req, MHD_HTTP_HEADER_RETRY_AFTER, seconds);
    }
    server_reply_json(req, status, &out);
    buf_fini(&out);
}

void server_reply_err(struct server_request *req, const struct err *err)
{
    server_reply_status(req, server_status(err->code), err);
}

void server_reply_error(struct server_request *req, int code, const char *format, ...)
{
    struct err err = { .code = code };
    va_list args;
    va_start(args, format);
    (void)vsnprintf(err.message, sizeof(err.message), format, args);
    va_end(args);
    server_reply_err(req, &err);
}
