/* SPDX-License-Identifier: Apache-2.0 */
#include "server/route.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void handler(struct server_request *req)
{
    (void)req;
}

static const struct server_route rows[] = {
    { .method = "GET", .path = "/api/v1/devices", .handler = handler, .summary = "list" },
    { .method = "GET", .path = "/api/v1/devices/{device}", .handler = handler, .summary = "one" },
    { .method = "POST", .path = "/api/v1/devices/{device}", .handler = handler, .summary = "set" },
    { .method = "GET",
      .path = "/api/v1/points/{device}/{point}",
      .handler = handler,
      .summary = "point" },
    { .method = "GET", .path = "/metrics", .handler = handler, .summary = "metrics" },
};

/* "" for none, else the summary. */
static const char *find(const char *method, const char *target, struct server_route_match *match,
                        int *error, char *allow)
{
    static struct server_routes routes;
    struct server_url url;
    routes.count = 0;
    server_routes_add(&routes, rows, sizeof(rows) / sizeof(rows[0]), NULL);
    assert_int_equal(server_url_parse(target, &url, NULL), 0);
    *error = server_routes_find(&routes, method, &url, match, allow, 64);
    if (*error == 0 && match->param_count > 0) {
        snprintf(allow, 64, "%s", match->params[match->param_count - 1].value);
    }
    server_url_fini(&url);
    return match->route != NULL ? match->route->summary : "";
}

static void rows_are_found(void **state)
{
    static const struct {
        const char *method, *target, *summary;
        int error;
    } cases[] = {
        { "GET", "/api/v1/devices", "list", 0 },
        { "GET", "/api/v1/devices/", "list", 0 },
        { "HEAD", "/api/v1/devices", "list", 0 },
        { "GET", "/api/v1/devices/x", "one", 0 },
        { "POST", "/api/v1/devices/x", "set", 0 },
        { "GET", "/api/v1/points/a%2Fb/c", "point", 0 },
        { "GET", "/metrics", "metrics", 0 },
        { "GET", "/api/v1/device", "", BUSBAR_ENOENT },
        { "GET", "/api/v1/devicess", "", BUSBAR_ENOENT },
        { "GET", "/api/v1", "", BUSBAR_ENOENT },
        { "GET", "/", "", BUSBAR_ENOENT },
        { "GET", "/metrics/x", "", BUSBAR_ENOENT },
        { "GET", "/api/v1/points/a", "", BUSBAR_ENOENT },
        { "POST", "/metrics", "", BUSBAR_EUNSUPPORTED },
        { "get", "/metrics", "", BUSBAR_EUNSUPPORTED },
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct server_route_match match;
        char allow[64] = "";
        int error;
        assert_string_equal(find(cases[i].method, cases[i].target, &match, &error, allow),
                            cases[i].summary);
        assert_int_equal(error, cases[i].error);
    }
}

static void parts_are_taken_and_methods_listed(void **state)
{
    struct server_route_match match;
    char allow[64] = "";
    int error;
    (void)state;
    assert_string_equal(find("GET", "/api/v1/points/a%2Fb/c%20d", &match, &error, allow), "point");
    assert_int_equal(match.param_count, 2);
    assert_memory_equal(match.params[0].name, "device", match.params[0].name_size);
    assert_string_equal(allow, "c d");
    allow[0] = '\0';
    find("DELETE", "/api/v1/devices/x", &match, &error, allow);
    assert_int_equal(error, BUSBAR_EUNSUPPORTED);
    assert_string_equal(allow, "GET, POST");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_found),
        cmocka_unit_test(parts_are_taken_and_methods_listed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
