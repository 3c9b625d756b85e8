/* SPDX-License-Identifier: Apache-2.0 */
/* Answers: JSON, text, errors. One table maps an error code to its HTTP status. */
#include "server/reply.h"

#include <microhttpd.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "server/http.h"

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
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        (void)MHD_add_response_header(response, headers[i][0], headers[i][1]);
    }
}

void server_reply_response(struct server_request *req, unsigned status,
                           struct MHD_Response *response)
{
    req->status = status;
    req->response = response;
    if (req->server != NULL) {
        unsigned class = status / 100 < SERVER_STATUS_CLASSES ? status / 100 : 0;
        req->server->answers[class]++;
    }
    http_answer(req);
}

void server_reply_as(struct server_request *req, unsigned status, const char *content_type,
                     struct buf *content)
{
    size_t size = 0;
    uint8_t *data = NULL;
    if (content->overflow) {
        busbar_log(LOG_LEVEL_ERROR, "server", NULL, "an answer of %zu bytes is over its limit",
                   content->size);
        buf_clear(content);
        (void)buf_append_text(content, "{\"error\":{\"code\":\"ELIMIT\",\"message\":\"the answer "
                                       "is too long\",\"hint\":\"ask for less: limit, match\"}}");
        status = 500;
        content_type = SERVER_TYPE_JSON;
    }
    data = buf_take(content, &size);
    struct MHD_Response *response = MHD_create_response_from_buffer_with_free_callback(
        size, data != NULL ? (void *)data : (void *)"", data != NULL ? busbar_free : NULL);
    if (response == NULL) {
        busbar_free(data);
    } else {
        server_reply_headers(response, content_type, "no-store");
    }
    server_reply_response(req, status, response);
}

void server_reply_json(struct server_request *req, unsigned status, struct buf *json)
{
    server_reply_as(req, status, SERVER_TYPE_JSON, json);
}

void server_reply_status(struct server_request *req, unsigned status, const struct err *err)
{
    struct buf out;
    buf_init(&out, SERVER_ANSWER_MAX);
    struct json_writer json = json_writer(&out);
    json_begin_object(&json);
    json_put_object(&json, "error");
    json_put_string(&json, "code", err_name(err->code));
    json_put_string(&json, "message", err->message[0] != '\0' ? err->message : err_text(err->code));
    json_put_string(&json, "hint", err->hint);
    json_end_object(&json);
    json_end_object(&json);
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
