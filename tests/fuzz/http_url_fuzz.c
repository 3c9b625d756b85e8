/* SPDX-License-Identifier: Apache-2.0 */
/* The target of a request: whatever is taken, written out again with every byte escaped, must be
 * taken apart into the same parts and arguments; and the route table must cope with it. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/str.h"
#include "server/route.h"

static void handler(struct server_request *req)
{
    (void)req;
}

static const struct server_route rows[] = {
    { .method = "GET", .path = "/api/v1/devices/{device}/frames", .handler = handler },
    { .method = "POST", .path = "/api/v1/points/{device}/{point}/write", .handler = handler },
    { .method = "GET", .path = "/{a}/{b}", .handler = handler },
};

static void put_escaped(struct buf *out, char separator, const char *text)
{
    (void)buf_append_byte(out, (uint8_t)separator);
    for (; *text != '\0'; text++) {
        (void)buf_printf(out, "%%%02X", (unsigned)(uint8_t)*text);
    }
}

static void check_again(const struct server_url *url)
{
    struct server_url again;
    struct buf out;
    buf_init(&out, 1 << 20);
    for (size_t i = 0; i < url->part_count; i++) {
        put_escaped(&out, '/', url->parts[i]);
    }
    (void)buf_append_text(&out, url->part_count == 0 ? "/?" : "?");
    for (size_t i = 0; i < url->arg_count; i++) {
        put_escaped(&out, '&', url->args[i].name);
        put_escaped(&out, '=', url->args[i].value);
    }
    assert(server_url_parse(buf_text(&out), &again, NULL) == 0);
    assert(again.part_count == url->part_count && again.arg_count == url->arg_count);
    for (size_t i = 0; i < url->part_count; i++) {
        assert(strcmp(again.parts[i], url->parts[i]) == 0);
    }
    for (size_t i = 0; i < url->arg_count; i++) {
        assert(strcmp(again.args[i].name, url->args[i].name) == 0);
        assert(strcmp(again.args[i].value, url->args[i].value) == 0);
    }
    server_url_fini(&again);
    buf_fini(&out);
}

static void check_routes(const struct server_url *url)
{
    static struct server_routes routes;
    struct server_route_match match;
    char allow[64];
    routes.count = 0;
    server_routes_add(&routes, rows, sizeof(rows) / sizeof(rows[0]), NULL);
    int error = server_routes_find(&routes, "GET", url, &match, allow, sizeof(allow));
    assert((error == 0) == (match.route != NULL));
    for (size_t i = 0; i < match.param_count; i++) {
        assert(match.params[i].value[0] != '\0');
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct server_url url;
    struct err err = { 0 };
    char *target = busbar_strndup((const char *)data, size);
    if (server_url_parse(target, &url, &err) == 0) {
        for (size_t i = 0; i < url.part_count; i++) {
            assert(url.parts[i][0] != '\0' && str_is_utf8(url.parts[i], strlen(url.parts[i])));
        }
        check_routes(&url);
        bool empty_name = false; /* "?=x": its escaped form "&=x" is the same */
        for (size_t i = 0; i < url.arg_count; i++) {
            empty_name = empty_name || url.args[i].name[0] == '\0';
        }
        if (!empty_name) {
            check_again(&url);
        }
        server_url_fini(&url);
    } else {
        assert(err.code < 0 && err.message[0] != '\0' && url.block == NULL);
    }
    busbar_free(target);
    return 0;
}
