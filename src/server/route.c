/* SPDX-License-Identifier: Apache-2.0 */
/* Rows are tried in order: there are some thirty, a comparison ends at the first part that differs,
 * and a request costs far more than this. */
#include "server/route.h"

#include <assert.h>
#include <string.h>

#include "base/str.h"

void server_routes_add(struct server_routes *routes, const struct server_route *rows, size_t count,
                       void *ctx)
{
    assert(count <= SERVER_ROUTES_MAX - routes->count);
    for (size_t i = 0; i < count; i++) {
        assert(rows[i].path[0] == '/' && rows[i].handler != NULL);
        routes->rows[routes->count++] = (struct server_route_row){ .route = &rows[i], .ctx = ctx };
    }
}

static bool is_param(const char *part, size_t size)
{
    return size > 2 && part[0] == '{' && part[size - 1] == '}';
}

static bool path_matches(const char *pattern, const struct server_url *url,
                         struct server_route_match *match)
{
    match->param_count = 0;
    size_t index = 0;
    const char *at = pattern + 1;
    while (*at != '\0') {
        size_t size = strcspn(at, "/");
        if (index == url->part_count) {
            return false;
        }
        const char *part = url->parts[index++];
        if (is_param(at, size)) {
            assert(match->param_count < SERVER_ROUTE_PARAMS_MAX);
            match->params[match->param_count].name = at + 1;
            match->params[match->param_count].name_size = size - 2;
            match->params[match->param_count++].value = part;
        } else if (strncmp(part, at, size) != 0 || part[size] != '\0') {
            return false;
        }
        at += size + (at[size] == '/' ? 1 : 0);
    }
    return index == url->part_count;
}

static bool method_matches(const struct server_route *route, const char *method)
{
    return strcmp(route->method, method) == 0 ||
           (strcmp(method, "HEAD") == 0 && strcmp(route->method, "GET") == 0);
}

int server_routes_find(const struct server_routes *routes, const char *method,
                       const struct server_url *url, struct server_route_match *match, char *allow,
                       size_t allow_size)
{
    *match = (struct server_route_match){ 0 };
    size_t used = 0;
    for (size_t i = 0; i < routes->count; i++) {
        const struct server_route *route = routes->rows[i].route;
        if (!path_matches(route->path, url, match)) {
            continue;
        }
        if (method_matches(route, method)) {
            match->route = route;
            match->ctx = routes->rows[i].ctx;
            return 0;
        }
        used += str_format(allow + used, allow_size - used, "%s%s", used > 0 ? ", " : "",
                           route->method);
    }
    match->param_count = 0;
    return used > 0 ? BUSBAR_EUNSUPPORTED : BUSBAR_ENOENT;
}
