/* SPDX-License-Identifier: Apache-2.0 */
/* Everything that can be said of a request before its body comes: framing (RFC 9112, section 6.3,
 * taken strictly), who sends it, the route, the announced body. */
#include "server/http_head.h"

#include <microhttpd.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "server/guard.h"
#include "server/page.h"
#include "server/reply.h"

static const char *header(const struct http_head *head, const char *name)
{
    return MHD_lookup_connection_value(head->mhd, MHD_HEADER_KIND, name);
}

/* Headers that must not come twice, and what libmicrohttpd would take in silence. */
struct framing {
    unsigned hosts, lengths, encodings;
    bool chunked;
};

static enum MHD_Result count_framing(void *ctx, enum MHD_ValueKind kind, const char *name,
                                     const char *value)
{
    struct framing *framing = ctx;
    (void)kind;
    framing->hosts += strcasecmp(name, MHD_HTTP_HEADER_HOST) == 0;
    framing->lengths += strcasecmp(name, MHD_HTTP_HEADER_CONTENT_LENGTH) == 0;
    if (strcasecmp(name, MHD_HTTP_HEADER_TRANSFER_ENCODING) == 0) {
        framing->encodings++;
        framing->chunked = strcasecmp(value, "chunked") == 0;
    }
    return MHD_YES;
}

static void refuse(struct server_request *req, unsigned status, int code, const char *message,
                   const char *hint)
{
    struct err err;
    err_set(&err, code, "%s", message);
    err_hint(&err, "%s", hint);
    server_reply_status(req, status, &err);
}

/* False: refused. */
static bool framing_is_fine(struct server_request *req, const struct http_head *head)
{
    struct framing framing = { 0 };
    (void)MHD_get_connection_values(head->mhd, MHD_HEADER_KIND, count_framing, &framing);
    bool page = req->kind == SERVER_PAGE;
    size_t head_max = page ? SERVER_HEADER_MAX : SERVER_HEADER_LONG_MAX;
    bool chunked = !page && framing.encodings == 1 && framing.chunked && framing.lengths == 0;
    if (head->size > head_max) {
        refuse(req, 431, BUSBAR_ELIMIT,
               page ? "the request's head is over 8 KB" : "the request's head is over 64 KB",
               page ? "" : "send the parameters by POST, as a form");
    } else if (framing.encodings > 0 && !chunked) {
        refuse(req, 411, BUSBAR_EUNSUPPORTED, "a request body needs Content-Length",
               "send it whole, without Transfer-Encoding");
    } else if (framing.hosts > 1 || framing.lengths > 1) {
        refuse(req, 400, BUSBAR_EINVAL, "Host or Content-Length came twice", "");
    } else {
        return true;
    }
    return false;
}

/* False: refused. */
static bool sender_is_fine(struct server_request *req, const struct http_head *head)
{
    if (head->listen == NULL) {
        return true; /* a Unix socket: no browser, its mode says who may connect */
    }
    if (!server_guard_host(header(head, MHD_HTTP_HEADER_HOST), head->listen)) {
        refuse(req, 403, BUSBAR_EPERM, "this Host is not an address busbar listens on",
               "use the numeric address or localhost");
        return false;
    }
    return true;
}

static bool origin_is_fine(struct server_request *req, const struct http_head *head)
{
    if (head->listen != NULL &&
        !server_guard_origin(header(head, "Origin"), header(head, "Sec-Fetch-Site"),
                             header(head, MHD_HTTP_HEADER_HOST))) {
        refuse(req, 403, BUSBAR_EPERM, "requests from pages of other sites are refused", "");
        return false;
    }
    return true;
}

/* The type of the body is the one of the route. */
static bool type_is_fine(struct server_request *req, const struct http_head *head, bool has_body)
{
    const char *type = header(head, MHD_HTTP_HEADER_CONTENT_TYPE);
    unsigned flags = req->match.route->flags;
    if ((flags & SERVER_ROUTE_RAW) != 0 ||
        ((flags & SERVER_ROUTE_FORM) != 0 && (!has_body || server_guard_form(type)))) {
        return true;
    }
    if ((flags & SERVER_ROUTE_FORM) != 0) {
        refuse(req, 415, BUSBAR_EINVAL,
               "a body needs Content-Type: application/x-www-form-urlencoded", "");
    } else if (!server_guard_json(type)) {
        refuse(req, 415, BUSBAR_EINVAL, "POST needs Content-Type: application/json", "");
    } else {
        return true;
    }
    return false;
}

static bool size_is_fine(struct server_request *req, uint64_t size)
{
    size_t max = req->match.route->body_max > 0 ? req->match.route->body_max : SERVER_BODY_MAX;
    char text[64];
    req->http.body.max = max;
    if (size > max) {
        str_format(text, sizeof(text), "the body is over %zu MB", max >> 20);
        refuse(req, 413, BUSBAR_ELIMIT, text, max > SERVER_BODY_MAX ? "send it in parts" : "");
    } else if (size > SERVER_BODIES_MAX - req->http.http->body_bytes) {
        refuse(req, 503, BUSBAR_EBUSY, "too many large requests at a time", "send it again soon");
    } else {
        return true;
    }
    return false;
}

/* False: refused. */
static bool body_is_fine(struct server_request *req, const struct http_head *head)
{
    const char *length = header(head, MHD_HTTP_HEADER_CONTENT_LENGTH);
    bool chunked = header(head, MHD_HTTP_HEADER_TRANSFER_ENCODING) != NULL;
    bool takes_body = strcmp(head->method, "POST") == 0 || strcmp(head->method, "PUT") == 0;
    uint64_t size = 0;
    if (length != NULL && str_parse_u64(length, &size) != 0) {
        refuse(req, 400, BUSBAR_EINVAL, "Content-Length is no number", "");
    } else if (!takes_body && (size > 0 || chunked)) {
        refuse(req, 400, BUSBAR_EINVAL, "only POST takes a body", "");
    } else if (chunked && (req->match.route->flags & SERVER_ROUTE_CHUNKED) == 0) {
        refuse(req, 411, BUSBAR_EUNSUPPORTED, "a request body needs Content-Length",
               "send it whole, without Transfer-Encoding");
    } else if (size_is_fine(req, size)) {
        return !takes_body || type_is_fine(req, head, size > 0 || chunked);
    }
    return false;
}

/* True: the path is no route's but was answered. */
static bool is_page(struct server_request *req, const struct http_head *head)
{
    return req->kind == SERVER_PAGE &&
           server_page(req, head->method, header(head, MHD_HTTP_HEADER_ACCEPT_ENCODING),
                       header(head, MHD_HTTP_HEADER_IF_NONE_MATCH));
}

void http_head_check(struct server_request *req, const struct http_head *head)
{
    struct err err = { 0 };
    if (!framing_is_fine(req, head) || !sender_is_fine(req, head)) {
        return;
    }
    if (server_url_parse(head->target, &req->url, &err) != 0) {
        server_reply_err(req, &err);
        return;
    }
    char allow[64];
    int error = server_routes_find(&server_of(req)->routes[req->kind], head->method, &req->url,
                                   &req->match, allow, sizeof(allow));
    if (error == BUSBAR_ENOENT && is_page(req, head)) {
        return;
    }
    if (error == BUSBAR_ENOENT) {
        refuse(req, 404, BUSBAR_ENOENT, "no such address",
               req->kind == SERVER_PAGE ? "GET /api/v1/openapi.json lists all" : "");
    } else if (error == 0 && req->url.lines && (req->match.route->flags & SERVER_ROUTE_FORM) == 0) {
        refuse(req, 400, BUSBAR_EINVAL, "a parameter is not well formed", "");
    } else if (error != 0 && req->kind == SERVER_TIME_SERIES &&
               strcmp(head->method, "OPTIONS") == 0) {
        server_answer_header(req, MHD_HTTP_HEADER_ALLOW, allow);
        server_reply_empty(req, 204);
    } else if (error != 0) {
        err_set(&err, error, "%s is not possible here", head->method);
        err_hint(&err, "allowed: %s", allow);
        server_reply_status(req, 405, &err);
    } else if (origin_is_fine(req, head)) {
        (void)body_is_fine(req, head);
    }
}
