/* SPDX-License-Identifier: Apache-2.0 */
/* The Prometheus API of a small gateway: every type of error, limits, the line of queries. What a real
 * Prometheus answers to the same is compared in tests/peers. */
#include "server/prometheus/selection.h"

#include "net/lane.h"
#include "server/core.h"
#include "unit/server/gateway.h"

static int open_with(void **state, unsigned flags)
{
    struct gateway *gw = calloc(1, sizeof(*gw));
    gateway_open(gw, flags);
    gateway_time_series(gw);
    while (gw->history != NULL && !history_index_loaded(gw->history)) {
        gateway_turn(gw, 1);
    }
    *state = gw;
    return 0;
}

static int open_gateway(void **state)
{
    return open_with(state, GATEWAY_STORES);
}

static int open_without_stores(void **state)
{
    return open_with(state, 0);
}

static int close_gateway(void **state)
{
    struct gateway *gw = *state;
    bool stores = gw->folder[0] != '\0';
    gateway_close(gw);
    if (stores) {
        gateway_remove_folder(gw);
    }
    free(gw);
    return 0;
}

static void expect(struct gateway *gw, const char *method, const char *target, int status,
                   const char *type, const char *part)
{
    struct answer answer = ask(gw, method, target, NULL, NULL);
    if (answer.status != status || strcmp(text_at(&answer, "errorType"), type) != 0 ||
        strstr(answer.body, part) == NULL) {
        fail_msg("%s: %d %s", target, answer.status, answer.body);
    }
    answer_fini(&answer);
}

static void every_type_of_error(void **state)
{
    struct gateway *gw = *state;
    expect(gw, "GET", "/api/v1/query?query=sum(", 400, "bad_data", "1:5: parse error");
    expect(gw, "GET", "/api/v1/query?query=1&time=x", 400, "bad_data", "valid timestamp");
    expect(gw, "GET", "/api/v1/query?query=1&limit=x", 400, "bad_data", "non-negative");
    expect(gw, "GET", "/api/v1/query?query=1&timeout=-1", 400, "bad_data", "valid duration");
    expect(gw, "GET", "/api/v1/query_range?query=1&start=0&end=11001&step=1", 400, "bad_data",
           "11,000 points");
    expect(gw, "GET", "/api/v1/query?query=label_replace(vector(1),%22a%22,%22b%22,%22%22,%22(%22)",
           422, "execution", "error");
    expect(gw, "GET",
           "/api/v1/query?query=sum_over_time(quantile_over_time(0.5,vector(time())%5B1h:1s%5D)"
           "%5B2d:1s%5D)&timeout=50ms",
           503, "timeout", "longer than");
    expect(gw, "GET", "/api/v1/none", 404, "not_found", "no such address");
    expect(gw, "PUT", "/api/v1/query", 405, "bad_data", "GET, POST");
    expect(gw, "GET", "/api/v1/labels?match[]=%7Ba=~%22(%22%7D", 400, "bad_data", "error");
    expect(gw, "POST", "/api/v1/admin/tsdb/delete_series", 400, "bad_data", "no match[]");
    expect(gw, "POST", "/api/v1/admin/tsdb/delete_series?match[]=a&start=5&end=4", 400, "bad_data",
           "before start");
}

/* A form is what another site's page can send without asking; its browser says where it comes from. */
static void other_sites_delete_nothing(void **state)
{
    static const char *const from[] = { "Host: localhost\r\nOrigin: http://evil.example",
                                        "Host: localhost\r\nOrigin: null",
                                        "Host: localhost\r\nSec-Fetch-Site: cross-site",
                                        "Host: evil.example" };
    char text[512];
    for (size_t i = 0; i < sizeof(from) / sizeof(from[0]); i++) {
        str_format(text, sizeof(text),
                   "POST /api/v1/admin/tsdb/delete_series HTTP/1.1\r\n%s\r\nConnection: close\r\n"
                   "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 10\r\n\r\n"
                   "match[]=up",
                   from[i]);
        struct answer answer = ask_raw(*state, text);
        assert_int_equal(answer.status, 403);
        answer_fini(&answer);
    }
    expect(*state, "GET", "/api/v1/admin/tsdb/delete_series?match[]=up", 405, "bad_data", "POST");
}

static void without_a_history_nothing_is_there(void **state)
{
    struct gateway *gw = *state;
    expect(gw, "GET", "/api/v1/query?query=1", 503, "unavailable", "no history");
    expect(gw, "GET", "/api/v1/series?match[]=a", 503, "unavailable", "no history");
    struct answer answer = ask(gw, "GET", "/-/ready", NULL, NULL);
    assert_int_equal(answer.status, 503);
    answer_fini(&answer);
    answer = ask(gw, "GET", "/-/healthy", NULL, NULL);
    assert_int_equal(answer.status, 200);
    answer_fini(&answer);
}

static void too_many_selectors_are_refused(void **state)
{
    struct buf target;
    buf_init(&target, 32 * 1024);
    (void)buf_append_text(&target, "/api/v1/series?");
    for (int i = 0; i <= PROMETHEUS_SELECTORS_MAX; i++) {
        (void)buf_append_text(&target, "match[]=a&");
    }
    expect(*state, "GET", buf_text(&target), 400, "bad_data", "more than 32 match[]");
    buf_clear(&target);
    (void)buf_printf(&target, "/federate?match[]=a&match[]=a%016384d", 0);
    expect(*state, "GET", buf_text(&target), 400, "bad_data", "over 16384 bytes");
    buf_fini(&target);
}

static void heavy(struct gateway *gw, int *fd)
{
    *fd = client_connect(gw);
    client_send(*fd, "GET /api/v1/query?timeout=60s&query=sum_over_time(quantile_over_time(0.5,"
                     "vector(time())%5B1h:1s%5D)%5B20d:1s%5D) HTTP/1.1\r\nHost: localhost\r\n\r\n");
}

/* Two run, the rest waits; who goes away is taken out; the server may stop in the middle. */
static void queries_stand_in_line(void **state)
{
    struct gateway *gw = *state;
    int fds[5];
    for (size_t i = 0; i < 5; i++) {
        heavy(gw, &fds[i]);
    }
    gateway_turn(gw, 50);
    assert_int_equal(lane_running(gw->server->queries), 2);
    assert_int_equal(lane_waiting(gw->server->queries), 3);
    struct answer answer = ask(gw, "GET", "/metrics", NULL, NULL); /* others are answered */
    assert_non_null(strstr(answer.body, "busbar_queries_waiting 3\n"));
    answer_fini(&answer);
    for (size_t i = 0; i < 5; i++) {
        (void)close(fds[i]);
    }
    int64_t end = clock_mono_us() + 5 * CLOCK_US_PER_S;
    while (lane_running(gw->server->queries) > 0 && clock_mono_us() < end) {
        gateway_turn(gw, 1);
    }
    assert_int_equal(lane_running(gw->server->queries), 0);
    for (size_t i = 0; i < 5; i++) {
        heavy(gw, &fds[i]);
    }
    gateway_turn(gw, 50);
    assert_int_equal(lane_running(gw->server->queries), 2);
    server_free(gw->server);
    gw->server = NULL;
    jobs_drain(gw->loop);
    for (size_t i = 0; i < 5; i++) {
        (void)close(fds[i]);
    }
}

static void forms_may_have_lines(void **state)
{
    struct gateway *gw = *state;
    bool closed = false;
    static const char form[] = "query=1%0A%2B%0A1&time=5";
    char text[256];
    str_format(text, sizeof(text),
               "POST /api/v1/query HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
               "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %zu\r\n\r\n%s",
               sizeof(form) - 1, form);
    int fd = client_connect(gw);
    client_send(fd, text);
    char *got = client_read(gw, fd, NULL, ASK_MS_MAX, &closed);
    assert_non_null(strstr(got, "\"result\":[5,\"2\"]}}"));
    free(got);
    (void)close(fd);
    gw->asks = SERVER_PAGE; /* the page has the same questions */
    expect(gw, "GET", "/api/v1/query?query=2*2&time=5", 200, "(none)", "[5,\"4\"]");
    expect(gw, "GET", "/api/v1/query?query=(", 400, "bad_data", "parse error");
    expect(gw, "GET", "/api/v1/targets", 404, "(none)", "ENOENT");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_gateway, close_gateway)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_type_of_error),
        TEST(other_sites_delete_nothing),
        cmocka_unit_test_setup_teardown(without_a_history_nothing_is_there, open_without_stores,
                                        close_gateway),
        TEST(too_many_selectors_are_refused),
        TEST(queries_stand_in_line),
        TEST(forms_may_have_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
