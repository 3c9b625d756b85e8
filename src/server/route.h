/* SPDX-License-Identifier: Apache-2.0 */
/* The route table: which row of server.h's struct server_route a request belongs to. */
#ifndef BUSBAR_SERVER_ROUTE_H
#define BUSBAR_SERVER_ROUTE_H

#include "server/server.h"
#include "server/url.h"

enum { SERVER_ROUTE_PARAMS_MAX = 4 };

struct server_route_row {
    const struct server_route *route;
    void *ctx;
};

struct server_routes {
    struct server_route_row rows[SERVER_ROUTES_MAX];
    size_t count;
};

/* What the {name}s of the pattern took. */
struct server_route_match {
    const struct server_route *route; /* NULL: none */
    void *ctx;
    struct {
        const char *name; /* in the pattern, name_size bytes */
        size_t name_size;
        const char *value; /* in the url */
    } params[SERVER_ROUTE_PARAMS_MAX];
    size_t param_count;
};

void server_routes_add(struct server_routes *routes, const struct server_route *rows, size_t count,
                       void *ctx);

/* HEAD is answered by the row of GET. 0; BUSBAR_ENOENT: no row has this path; BUSBAR_EUNSUPPORTED:
 * rows have the path but not the method, `allow` then lists theirs ("GET, POST"). */
int server_routes_find(const struct server_routes *routes, const char *method,
                       const struct server_url *url, struct server_route_match *match, char *allow,
                       size_t allow_size);

#endif
