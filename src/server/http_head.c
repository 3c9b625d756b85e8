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
};

static enum MHD_Result count_framing(void *ctx, enum MHD_ValueKind kind, const char *name,
                                     const char *value)
{
    struct framing *framing = ctx;
    (void)kind;
    (void)value;
    framing->hosts += strcasecmp(name, MHD_HTTP_HEADER_HOST) == 0;
    framing->lengths += strcasecmp(name, MHD_HTTP_HEADER_CONTENT_LENGTH) == 0;
    framing->encodings += strcasecmp(name, MHD_HTTP_HEADER_TRANSFER_ENCODING) == 0;
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
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(
        head->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    if (info != NULL && info->header_size > SERVER_HEADER_MAX) {
        refuse(req, 431, BUSBAR_ELIMIT, "the request's head is over 8 KB", "");
    } else if (framing.encodings > 0) {
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

/* False: refused. */
static bool body_is_fine(struct server_request *req, const struct http_head *head)
{
    const char *length = header(head, MHD_HTTP_HEADER_CONTENT_LENGTH);
    uint64_t size = 0;
    if (length != NULL && str_parse_u64(length, &size) != 0) {
        refuse(req, 400, BUSBAR_EINVAL, "Content-Length is no number", "");
    } else if (strcmp(head->method, "POST") != 0 && size > 0) {
        refuse(req, 400, BUSBAR_EINVAL, "only POST takes a body", "");
    } else if (size > SERVER_BODY_MAX) {
        refuse(req, 413, BUSBAR_ELIMIT, "the body is over 1 MB", "");
    } else if (strcmp(head->method, "POST") == 0 &&
               !server_guard_json(header(head, MHD_HTTP_HEADER_CONTENT_TYPE))) {
        refuse(req, 415, BUSBAR_EINVAL, "POST needs Content-Type: application/json", "");
    } else {
        return true;
    }
    return false;
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
    int error = server_routes_find(&req->server->routes, head->method, &req->url, &req->match,
                                   allow, sizeof(allow));
    if (error == BUSBAR_ENOENT &&
        server_page(req, head->method, header(head, MHD_HTTP_HEADER_ACCEPT_ENCODING),
                    header(head, MHD_HTTP_HEADER_IF_NONE_MATCH))) {
        return;
    }
    if (error == BUSBAR_ENOENT) {
        refuse(req, 404, BUSBAR_ENOENT, "no such address", "GET /api/v1/openapi.json lists all");
    } else if (error != 0) {
        err_set(&err, error, "%s is not possible here", head->method);
        err_hint(&err, "allowed: %s", allow);
        server_reply_status(req, 405, &err);
    } else if (origin_is_fine(req, head)) {
        (void)body_is_fine(req, head);
    }
}
