/* SPDX-License-Identifier: Apache-2.0 */
/* Health, status, metrics, the text log, the OpenAPI file, the page. */
#include "server/health.h"

#include "server/openapi.h"
#include "server/page.h"
#include "unit/server/gateway.h"

static int open_gateway(void **state)
{
    struct gateway *gw = calloc(1, sizeof(*gw));
    gateway_open(gw, 0);
    *state = gw;
    return 0;
}

static int close_gateway(void **state)
{
    gateway_close(*state);
    free(*state);
    return 0;
}

static void health_is_told(void **state)
{
    struct gateway *gw = *state;
    struct answer answer = ask(gw, "GET", "/api/v1/health", NULL, NULL);
    assert_string_equal(text_at(&answer, "status"), "ok");
    assert_string_equal(text_at(&answer, "version"), BUSBAR_VERSION);
    assert_string_equal(text_at(&answer, "site.name"), "Head office");
    assert_string_equal(text_at(&answer, "log.state"), "ok");
    assert_int_equal(number_at(&answer, "disk.free_bytes"), 1000);
    assert_int_equal(number_at(&answer, "config.version"), 7);
    assert_int_equal(json_size(at(&answer, "problems")), 0);
    assert_int_equal(json_type(at(&answer, "problems")), JSON_ARRAY);
    answer_fini(&answer);
    struct server_problem problem = { .what = "a \"problem\"", .why = "why", .hint = NULL };
    gw->facts.problems = &problem;
    gw->facts.problem_count = 1;
    answer = ask(gw, "GET", "/api/v1/health", NULL, NULL);
    assert_string_equal(text_at(&answer, "status"), "degraded");
    assert_string_equal(text_at(&answer, "problems.0.what"), "a \"problem\"");
    assert_string_equal(text_at(&answer, "problems.0.hint"), "");
    answer_fini(&answer);
    gw->facts.stopping = true;
    server_site(gw->server, "x", "Other", NULL);
    answer = ask(gw, "GET", "/api/v1/health", NULL, NULL);
    assert_string_equal(text_at(&answer, "status"), "stopping");
    assert_string_equal(text_at(&answer, "site.name"), "Other");
    assert_string_equal(text_at(&answer, "site.timezone"), "UTC");
    answer_fini(&answer);
}

static void a_full_disk_is_a_problem(void **state)
{
    struct gateway *gw = *state;
    uint64_t before = health_mark(gw->server);
    gw->server->gauges.history.log_state = HISTORY_LOG_FULL;
    gw->server->gauges.history.log_error = BUSBAR_ENOSPC;
    assert_true(health_mark(gw->server) != before);
    struct answer answer = ask(gw, "GET", "/api/v1/health", NULL, NULL);
    assert_string_equal(text_at(&answer, "status"), "degraded");
    assert_string_equal(text_at(&answer, "log.state"), "full");
    assert_string_equal(text_at(&answer, "problems.0.what"), "disk full");
    answer_fini(&answer);
}

static void status_counts(void **state)
{
    struct gateway *gw = *state;
    struct device *dev = gateway_add(gw, "meter-1", 2);
    gateway_add(gw, "meter-2", 1);
    gateway_wait_good(gw, &dev->points[1]);
    gateway_turn(gw, 1100);
    struct answer answer = ask(gw, "GET", "/api/v1/status", NULL, NULL);
    assert_int_equal(number_at(&answer, "devices.total"), 2);
    assert_int_equal(number_at(&answer, "points.total"), 3);
    assert_true(number_at(&answer, "points.good") >= 2);
    assert_true(number_at(&answer, "received") >= 2);
    assert_true(number_at(&answer, "memory_bytes") > 1000000);
    double rate = 0;
    assert_int_equal(json_get_double(at(&answer, "samples_per_s"), &rate), 0);
    assert_true(rate > 1);
    assert_int_equal(number_at(&answer, "events.received"), 0);
    assert_int_equal(json_type(at(&answer, "history.series")), JSON_INTEGER);
    assert_int_equal(json_type(at(&answer, "history.damaged_chunks")), JSON_INTEGER);
    answer_fini(&answer);
}

/* Every line is a comment or "name{labels} number", every name has HELP and TYPE before it. */
static void metrics_are_well_formed(void **state)
{
    struct gateway *gw = *state;
    struct device *dev = gateway_add(gw, "meter \"1\"\\", 2);
    gateway_wait_good(gw, &dev->points[1]);
    struct answer answer = ask(gw, "GET", "/metrics", NULL, NULL);
    assert_int_equal(answer.status, 200);
    assert_non_null(strstr(answer.head, "Content-Type: text/plain; version=0.0.4"));
    assert_non_null(strstr(answer.body, "busbar_device_up{device=\"meter \\\"1\\\"\\\\\",protocol="
                                        "\"toy\"} 1\n"));
    assert_non_null(strstr(answer.body, "busbar_points{quality=\"good\"} 2\n"));
    char typed[128] = "";
    size_t lines = 0;
    for (char *line = answer.body; *line != '\0'; lines++) {
        size_t size = strcspn(line, "\n");
        assert_int_equal(line[size], '\n');
        line[size] = '\0';
        if (strncmp(line, "# TYPE ", 7) == 0) {
            assert_int_equal(sscanf(line + 7, "%127[a-z_]", typed), 1);
        } else if (line[0] != '#') {
            size_t name = strspn(line, "abcdefghijklmnopqrstuvwxyz_");
            assert_int_equal(name, strlen(typed));
            assert_memory_equal(line, typed, name);
            double value = 0;
            assert_int_equal(str_parse_double(strrchr(line, ' ') + 1, &value), 0);
        }
        line += size + 1;
    }
    assert_true(lines > 60);
    answer_fini(&answer);
}

static void the_text_log_is_told(void **state)
{
    busbar_log_level(LOG_LEVEL_INFO);
    busbar_log(LOG_LEVEL_INFO, "test", "meter-1", "first of two");
    busbar_log(LOG_LEVEL_WARN, "test", NULL, "second of two");
    busbar_log_level(LOG_LEVEL_WARN);
    struct answer answer = ask(*state, "GET", "/api/v1/log?q=of+two&limit=1", NULL, NULL);
    assert_int_equal(json_size(at(&answer, "lines")), 1);
    assert_string_equal(text_at(&answer, "lines.0.text"), "second of two");
    answer_fini(&answer);
    answer = ask(*state, "GET", "/api/v1/log?q=of+two", NULL, NULL);
    assert_string_equal(text_at(&answer, "lines.0.device"), "meter-1");
    assert_string_equal(text_at(&answer, "lines.0.level"), "info");
    answer_fini(&answer);
    answer = ask(*state, "GET", "/api/v1/log?q=of+two&level=warning", NULL, NULL);
    assert_int_equal(json_size(at(&answer, "lines")), 1);
    answer_fini(&answer);
    answer = ask(*state, "GET", "/api/v1/log?level=loud", NULL, NULL);
    assert_int_equal(answer.status, 400);
    answer_fini(&answer);
}

/* ---- the OpenAPI file ---- */

/* Every $ref below value names a schema of the file. */
static void check_refs(const struct json_value *value, const struct json_value *schemas)
{
    struct json_iter iter = json_iter(value);
    const struct json_value *item;
    const char *key = NULL;
    while (json_next(&iter, &key, &item)) {
        if (key != NULL && strcmp(key, "$ref") == 0) {
            const char *ref = json_get_text(item, NULL);
            assert_true(str_starts(ref, "#/components/schemas/"));
            if (json_get(schemas, strrchr(ref, '/') + 1) == NULL) {
                fail_msg("no schema %s", ref);
            }
        }
        check_refs(item, schemas);
    }
}

static void every_route_is_in_the_openapi_file(void **state)
{
    struct gateway *gw = *state;
    struct answer answer = ask(gw, "GET", "/api/v1/openapi.json", NULL, NULL);
    assert_int_equal(answer.status, 200);
    const struct json_value *paths = at(&answer, "paths");
    const struct server_routes *routes = &gw->server->routes[SERVER_PAGE];
    for (size_t i = 0; i < routes->count; i++) {
        const struct server_route *route = routes->rows[i].route;
        const struct json_value *path = json_get(paths, route->path);
        const char *method = strcmp(route->method, "GET") == 0      ? "get"
                             : strcmp(route->method, "DELETE") == 0 ? "delete"
                                                                    : "post";
        if (json_get(path, method) == NULL) {
            fail_msg("%s %s is missing", route->method, route->path);
        }
        assert_string_equal(json_get_text(json_get(json_get(path, method), "summary"), NULL),
                            route->summary);
    }
    check_refs(answer.root, json_get(at(&answer, "components"), "schemas"));
    answer_fini(&answer);
}

static void a_shape_becomes_a_schema(void **state)
{
    static const struct openapi_schema schema = { .name = "X",
                                                  .shape = "Base & a:s b:[{c:t? d:[i]}]? e:Other",
                                                  .required = "a" };
    struct buf out;
    (void)state;
    buf_init(&out, 4096);
    struct json_writer json = json_writer(&out);
    openapi_put_schema(&json, &schema);
    assert_true(json_complete(&json));
    assert_string_equal(
        buf_text(&out),
        "{\"allOf\":[{\"$ref\":\"#/components/schemas/Base\"}],\"type\":\"object\","
        "\"properties\":{\"a\":{\"type\":\"string\"},\"b\":{\"anyOf\":[{\"type\":\"array\","
        "\"items\":{\"type\":\"object\",\"properties\":{\"c\":{\"anyOf\":[{\"type\":\"string\","
        "\"format\":\"date-time\"},{\"type\":\"null\"}]},\"d\":{\"type\":\"array\",\"items\":{"
        "\"type\":\"integer\"}}}}},{\"type\":\"null\"}]},\"e\":{\"$ref\":"
        "\"#/components/schemas/Other\"}},\"required\":[\"a\"]}");
    buf_fini(&out);
}

/* ---- the page ---- */

static void views_are_addresses(void **state)
{
    static const char *const views[] = { "/", "/devices", "/points/meter-1/power?range=8h",
                                         "/devices/a%2Fb", "/../etc/passwd" };
    for (size_t i = 0; i < sizeof(views) / sizeof(views[0]); i++) {
        struct answer answer = ask(*state, "GET", views[i], NULL, NULL);
        assert_int_equal(answer.status, 200);
        assert_non_null(strstr(answer.head, "Content-Type: text/html; charset=utf-8"));
        assert_non_null(strstr(answer.head, "Cache-Control: no-cache"));
        answer_fini(&answer);
    }
    static const char *const none[] = { "/assets/none.js", "/api", "/api/v2/devices",
                                        "/metrics/x" };
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        struct answer answer = ask(*state, "GET", none[i], NULL, NULL);
        assert_int_equal(answer.status, 404);
        answer_fini(&answer);
    }
}

static void files_are_served_as_the_table_says(void **state)
{
    for (size_t i = 0; i < page_file_count; i++) {
        const struct page_file *file = &page_files[i];
        struct answer answer = ask(*state, "GET", file->path, NULL, NULL);
        assert_int_equal(answer.status, 200);
        assert_null(strstr(answer.head, "Content-Encoding"));
        char length[64], tag[128];
        str_format(length, sizeof(length), "Content-Length: %zu", file->size);
        assert_non_null(strstr(answer.head, length));
        bool for_good = str_starts(file->path, "/assets/");
        assert_int_equal(strstr(answer.head, "immutable") != NULL, for_good);
        answer_fini(&answer);
        answer = ask(*state, "GET", file->path, "Accept-Encoding: br, gzip\r\n", NULL);
        assert_int_equal(strstr(answer.head, "Content-Encoding: gzip") != NULL, file->gzip != NULL);
        answer_fini(&answer);
        str_format(tag, sizeof(tag), "If-None-Match: \"%s\"\r\n", file->hash);
        answer = ask(*state, "GET", file->path, tag, NULL);
        assert_int_equal(answer.status, 304);
        answer_fini(&answer);
        answer = ask(*state, "GET", file->path, "If-None-Match: \"other\"\r\n", NULL);
        assert_int_equal(answer.status, 200);
        answer_fini(&answer);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_gateway, close_gateway)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(health_is_told),
        TEST(a_full_disk_is_a_problem),
        TEST(status_counts),
        TEST(metrics_are_well_formed),
        TEST(the_text_log_is_told),
        TEST(every_route_is_in_the_openapi_file),
        cmocka_unit_test(a_shape_becomes_a_schema),
        TEST(views_are_addresses),
        TEST(files_are_served_as_the_table_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
