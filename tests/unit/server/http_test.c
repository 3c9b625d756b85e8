/* SPDX-License-Identifier: Apache-2.0 */
/* What comes before a handler: framing, Host and Origin, routes, limits, slow senders; and the life
 * of requests that are answered later. */

#include "server/core.h"
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

static void expect(struct gateway *gw, const char *method, const char *target, const char *headers,
                   const char *body, int status, const char *code)
{
    struct answer answer = ask(gw, method, target, headers, body);
    if (answer.status != status || strcmp(text_at(&answer, "error.code"), code) != 0) {
        fail_msg("%s %s: %d %s, expected %d %s", method, target, answer.status,
                 text_at(&answer, "error.code"), status, code);
    }
    answer_fini(&answer);
}

static void every_answer_has_the_security_headers(void **state)
{
    static const char *const targets[] = { "/api/v1/health", "/api/v1/none", "/" };
    for (size_t i = 0; i < 3; i++) {
        struct answer answer = ask(*state, "GET", targets[i], NULL, NULL);
        assert_non_null(strstr(answer.head, "X-Content-Type-Options: nosniff"));
        assert_non_null(strstr(answer.head, "X-Frame-Options: DENY"));
        assert_non_null(strstr(answer.head, "frame-ancestors 'none'"));
        assert_null(strstr(answer.head, "unsafe-inline"));
        assert_null(strstr(answer.head, "Access-Control"));
        answer_fini(&answer);
    }
}

static void unknown_addresses_and_methods_are_said(void **state)
{
    expect(*state, "GET", "/api/v1/nothing", NULL, NULL, 404, "ENOENT");
    expect(*state, "GET", "/api/", NULL, NULL, 404, "ENOENT");
    expect(*state, "GET", "/api/v1/health?a=%zz", NULL, NULL, 400, "EINVAL");
    expect(*state, "GET", "/api//v1/health", NULL, NULL, 400, "EINVAL");
    expect(*state, "POST", "/api/v1/health", NULL, "{}", 405, "EUNSUPPORTED");
    expect(*state, "DELETE", "/api/v1/devices", NULL, NULL, 405, "EUNSUPPORTED");
    expect(*state, "OPTIONS", "/api/v1/devices", NULL, NULL, 405, "EUNSUPPORTED");
    expect(*state, "POST", "/", NULL, "{}", 404, "ENOENT");
    struct answer answer = ask(*state, "PUT", "/api/v1/points", NULL, NULL);
    assert_string_equal(text_at(&answer, "error.hint"), "allowed: GET");
    answer_fini(&answer);
}

static void foreign_hosts_are_refused(void **state)
{
    static const char *const refused[] = { "Host: evil.example\r\n", "Host: evil.example:8080\r\n",
                                           "Host: 10.0.0.1\r\n", "Host: \r\n",
                                           "Host: localhost.evil.example\r\n" };
    static const char *const fine[] = { "Host: localhost\r\n", "Host: LOCALHOST:1\r\n",
                                        "Host: 127.0.0.1:9\r\n" };
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        expect(*state, "GET", "/api/v1/health", refused[i], NULL, 403, "EPERM");
        expect(*state, "GET", "/", refused[i], NULL, 403, "EPERM");
    }
    for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++) {
        expect(*state, "GET", "/api/v1/health", fine[i], NULL, 200, "(none)");
    }
    struct answer answer = ask_raw(*state, "GET / HTTP/1.1\r\nConnection: close\r\n\r\n");
    assert_true(answer.status == 400 || answer.status == 403);
    answer_fini(&answer);
}

static void pages_of_other_sites_are_refused(void **state)
{
    struct gateway *gw = *state;
    char own[80];
    gateway_add(gw, "meter-1", 1);
    expect(gw, "POST", "/api/v1/devices/meter-1/pause", "Origin: http://evil.example\r\n", "{}",
           403, "EPERM");
    expect(gw, "POST", "/api/v1/devices/meter-1/pause", "Origin: null\r\n", "{}", 403, "EPERM");
    expect(gw, "GET", "/api/v1/devices", "Sec-Fetch-Site: cross-site\r\n", NULL, 403, "EPERM");
    expect(gw, "GET", "/", "Sec-Fetch-Site: cross-site\r\n", NULL, 200, "(none)");
    str_format(own, sizeof(own), "Origin: http://127.0.0.1:%u\r\n",
               server_port(gw->server, SERVER_PAGE));
    expect(gw, "POST", "/api/v1/devices/meter-1/pause", own, "{}", 200, "(none)");
}

static void post_takes_only_json(void **state)
{
    struct gateway *gw = *state;
    gateway_add(gw, "meter-1", 1);
    expect(gw, "POST", "/api/v1/devices/meter-1/pause",
           "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 0\r\n", NULL, 415,
           "EINVAL");
    expect(gw, "POST", "/api/v1/devices/meter-1/pause", "Content-Length: 0\r\n", NULL, 415,
           "EINVAL");
    expect(gw, "POST", "/api/v1/devices/meter-1/pause",
           "Content-Type: application/json; charset=utf-8\r\nContent-Length: 0\r\n", NULL, 200,
           "(none)");
    expect(gw, "POST", "/api/v1/devices/meter-1/pause", NULL, "{\"a\":", 400, "ESYNTAX");
    expect(gw, "GET", "/api/v1/devices", NULL, "{}", 400, "EINVAL");
}

static void a_body_has_a_limit(void **state)
{
    struct gateway *gw = *state;
    size_t size = SERVER_BODY_MAX - 2;
    char *body = malloc(size + 3);
    gateway_add(gw, "meter-1", 1);
    memset(body, ' ', size + 2);
    memcpy(body + size, "{}", 3);
    expect(gw, "POST", "/api/v1/devices/meter-1/pause", NULL, body, 200, "(none)");
    free(body);
    expect(gw, "POST", "/api/v1/devices/meter-1/pause",
           "Content-Type: application/json\r\nContent-Length: 1048577\r\n", NULL, 413, "ELIMIT");
    expect(gw, "POST", "/api/v1/devices/meter-1/pause",
           "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n", NULL, 411,
           "EUNSUPPORTED");
}

static void smuggled_lengths_are_refused(void **state)
{
    struct gateway *gw = *state;
    static const char *const lengths[] = { "Content-Length: 2\r\nContent-Length: 3\r\n",
                                           "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n",
                                           "Content-Length: +2\r\n", "Content-Length: 0x2\r\n",
                                           "Content-Length: -1\r\n" };
    gateway_add(gw, "meter-1", 1);
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        char text[512];
        str_format(text, sizeof(text),
                   "POST /api/v1/devices/meter-1/pause HTTP/1.1\r\nHost: localhost\r\n"
                   "Connection: close\r\nContent-Type: application/json\r\n%s\r\n{}",
                   lengths[i]);
        struct answer answer = ask_raw(gw, text);
        if (answer.status != 0 && (answer.status < 400 || answer.status > 499)) {
            fail_msg("'%s' was taken: %d", lengths[i], answer.status);
        }
        answer_fini(&answer);
    }
}

static void a_head_has_a_limit(void **state)
{
    struct gateway *gw = *state;
    for (size_t size = 7000; size < 40000; size += 9000) {
        char *header = calloc(1, size + 64);
        size_t used = str_format(header, size + 64, "X-Long: ");
        memset(header + used, 'a', size);
        memcpy(header + used + size, "\r\n", 3);
        struct answer answer = ask(gw, "GET", "/api/v1/health", header, NULL);
        assert_true(size < SERVER_HEADER_MAX
                        ? answer.status == 200
                        : answer.status == 431 || answer.status == 413 || answer.status == 0);
        answer_fini(&answer);
        free(header);
    }
}

static void a_connection_is_used_again(void **state)
{
    struct gateway *gw = *state;
    bool closed = false;
    int fd = client_connect(gw);
    for (int i = 0; i < 3; i++) {
        client_send(fd, "GET /api/v1/health HTTP/1.1\r\nHost: localhost\r\n\r\n");
        char *got = client_read(gw, fd, "\"problems\":[]}", ASK_MS_MAX, &closed);
        assert_false(closed);
        assert_non_null(strstr(got, "200 OK"));
        free(got);
    }
    (void)close(fd);
}

static void head_has_no_body(void **state)
{
    struct answer answer = ask(*state, "HEAD", "/api/v1/health", NULL, NULL);
    assert_int_equal(answer.status, 200);
    assert_int_equal(answer.body_size, 0);
    answer_fini(&answer);
}

/* A sender that never ends its head is closed after 10 s, whatever trickles in meanwhile. The test
 * moves the connection's start instead of waiting: the sweep only looks at the clock. */
static void slow_heads_are_closed(void **state)
{
    struct gateway *gw = *state;
    bool closed = false;
    int slow[20];
    for (size_t i = 0; i < 20; i++) {
        slow[i] = client_connect(gw);
        client_send(slow[i], "GET /api/v1/health HTTP/1.1\r\nX-Slow: ");
    }
    gateway_turn(gw, 50);
    clock_fake_set(clock_mono_us() + 9 * CLOCK_US_PER_S, clock_wall_us());
    loop_advance_for_test(gw->loop, CLOCK_US_PER_S / 2);
    client_send(slow[0], "a");
    char *got = client_read(gw, slow[0], NULL, 0, &closed);
    free(got);
    assert_false(closed);
    loop_advance_for_test(gw->loop, 3 * CLOCK_US_PER_S);
    clock_fake_off();
    for (size_t i = 0; i < 20; i++) {
        got = client_read(gw, slow[i], NULL, 2000, &closed);
        assert_true(closed);
        free(got);
        (void)close(slow[i]);
    }
    struct answer answer = ask(gw, "GET", "/metrics", NULL, NULL);
    assert_non_null(strstr(answer.body, "busbar_http_slow_connections_total 20\n"));
    answer_fini(&answer);
}

/* A body that never ends, and an answer that nobody takes. */
static void slow_bodies_and_readers_are_closed(void **state)
{
    struct gateway *gw = *state;
    bool closed = false;
    char text[256];
    gateway_device(gw, "big", 20000);
    int sender = client_connect(gw);
    client_send(sender, "POST /api/v1/devices/big/pause HTTP/1.1\r\nHost: localhost\r\n"
                        "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{");
    int reader = client_connect(gw);
    int small = 4096;
    (void)setsockopt(reader, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    str_format(text, sizeof(text),
               "GET /api/v1/points?limit=10000 HTTP/1.1\r\nHost: localhost\r\n\r\n");
    for (int i = 0; i < 10; i++) {
        client_send(reader, text); /* 40 MB of answers, more than the kernel takes */
    }
    gateway_turn(gw, 500);
    assert_int_equal(http_connection_count(&gw->server->http), 2);
    clock_fake_set(clock_mono_us() + 31 * CLOCK_US_PER_S, clock_wall_us());
    loop_advance_for_test(gw->loop, 2 * CLOCK_US_PER_S);
    assert_int_equal(http_connection_count(&gw->server->http), 1);
    clock_fake_advance(121 * CLOCK_US_PER_S);
    loop_advance_for_test(gw->loop, 2 * CLOCK_US_PER_S);
    assert_int_equal(http_connection_count(&gw->server->http), 0);
    clock_fake_off();
    free(client_read(gw, sender, NULL, 1000, &closed));
    assert_true(closed);
    (void)close(sender);
    (void)close(reader);
}

static void too_many_connections_are_turned_away(void **state)
{
    struct gateway *gw = *state;
    enum { MANY = 300 };
    int fds[MANY];
    bool closed = false;
    size_t turned_away = 0;
    for (size_t i = 0; i < MANY; i++) {
        fds[i] = client_connect(gw);
        gateway_turn(gw, 1);
    }
    for (size_t i = 0; i < MANY; i++) {
        char *got = client_read(gw, fds[i], NULL, 1, &closed);
        free(got);
        turned_away += closed;
        (void)close(fds[i]);
    }
    assert_in_range(turned_away, MANY - SERVER_CONNECTIONS_MAX, MANY - 100);
    gateway_turn(gw, 20);
    expect(gw, "GET", "/api/v1/health", NULL, NULL, 200, "(none)");
}

/* ---- requests that are answered later ---- */

static struct server_request *held;

static void hold(struct server_request *req)
{
    held = req;
}

static void two_at_once(struct server_request *req)
{
    if (held == NULL) {
        held = req;
        return;
    }
    server_reply_error(held, BUSBAR_ETIMEOUT, "the first");
    server_reply_error(req, BUSBAR_EREFUSED, "the second");
    held = NULL;
}

static const struct server_route late[] = {
    { .method = "GET", .path = "/api/v1/hold", .handler = hold, .summary = "waits" },
    { .method = "GET", .path = "/api/v1/two", .handler = two_at_once, .summary = "waits" },
};

static void an_answer_may_come_later(void **state)
{
    struct gateway *gw = *state;
    bool closed = false;
    held = NULL;
    server_add_routes(gw->server, late, 2, gw);
    int fd = client_connect(gw);
    client_send(fd, "GET /api/v1/hold HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    char *got = client_read(gw, fd, NULL, 50, &closed);
    free(got);
    assert_false(closed);
    assert_non_null(held);
    assert_ptr_equal(server_ctx(held), gw);
    assert_string_equal(server_who(held), "local");
    assert_string_equal(server_from(held), "127.0.0.1");
    server_reply_error(held, BUSBAR_EBUSY, "later");
    got = client_read(gw, fd, NULL, ASK_MS_MAX, &closed);
    assert_non_null(strstr(got, "503 Service Unavailable"));
    assert_non_null(strstr(got, "later"));
    free(got);
    (void)close(fd);
}

static void one_request_may_answer_another(void **state)
{
    struct gateway *gw = *state;
    bool closed = false;
    held = NULL;
    server_add_routes(gw->server, late, 2, gw);
    int fd = client_connect(gw);
    client_send(fd, "GET /api/v1/two HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    gateway_turn(gw, 20);
    expect(gw, "GET", "/api/v1/two", NULL, NULL, 502, "EREFUSED");
    char *got = client_read(gw, fd, NULL, ASK_MS_MAX, &closed);
    assert_non_null(strstr(got, "504 Gateway Timeout"));
    free(got);
    (void)close(fd);
}

static void a_client_may_go_before_the_answer(void **state)
{
    struct gateway *gw = *state;
    held = NULL;
    server_add_routes(gw->server, late, 2, gw);
    int fd = client_connect(gw);
    client_send(fd, "GET /api/v1/hold HTTP/1.1\r\nHost: localhost\r\n\r\n");
    gateway_turn(gw, 20);
    assert_non_null(held);
    (void)close(fd);
    gateway_turn(gw, 20);
    server_reply_error(held, BUSBAR_EBUSY, "to nobody");
    gateway_turn(gw, 20);
    expect(gw, "GET", "/api/v1/health", NULL, NULL, 200, "(none)");
}

static void the_server_may_go_before_the_answer(void **state)
{
    struct gateway *gw = *state;
    bool closed = false;
    held = NULL;
    server_add_routes(gw->server, late, 2, gw);
    int fd = client_connect(gw);
    client_send(fd, "GET /api/v1/hold HTTP/1.1\r\nHost: localhost\r\n\r\n");
    gateway_turn(gw, 20);
    assert_non_null(held);
    server_free(gw->server);
    gw->server = NULL;
    char *got = client_read(gw, fd, NULL, ASK_MS_MAX, &closed);
    assert_non_null(strstr(got, "503 Service Unavailable"));
    free(got);
    (void)close(fd);
    assert_null(server_of(held));
    server_reply_error(held, BUSBAR_EBUSY, "to nobody");
}

/* ---- addresses ---- */

static void a_taken_port_is_said(void **state)
{
    struct gateway *gw = *state;
    struct err err = { 0 };
    uint16_t port = server_port(gw->server, SERVER_PAGE);
    assert_int_equal(server_listen(gw->server, SERVER_PAGE, "127.0.0.1", port, &err),
                     BUSBAR_EADDRINUSE);
    assert_non_null(strstr(err.message, "127.0.0.1:"));
    assert_non_null(strstr(err.hint, "busbar ports"));
    assert_int_equal(server_listen(gw->server, SERVER_PAGE, "example.org", 1, &err), BUSBAR_EINVAL);
    assert_true(server_listen(gw->server, SERVER_PAGE, "192.0.2.1", 8080, &err) < 0);
    assert_non_null(strstr(err.message, "192.0.2.1:8080"));
}

static void a_unix_socket_tells_the_user(void **state)
{
    struct gateway *gw = *state;
    struct err err = { 0 };
    bool closed = false;
    char path[] = "/tmp/busbar-socket-XXXXXX";
    int temporary = mkstemp(path);
    assert_true(temporary >= 0);
    (void)close(temporary);
    assert_int_equal(server_listen_unix(gw->server, path, &err), BUSBAR_EADDRINUSE);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(server_listen_unix(gw->server, path, &err), 0);
    assert_int_equal(server_listen_unix(gw->server, path, &err), BUSBAR_EADDRINUSE);
    held = NULL;
    server_add_routes(gw->server, late, 2, gw);
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    str_copy(address.sun_path, sizeof(address.sun_path), path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    client_send(fd, "GET /api/v1/hold HTTP/1.1\r\nHost: busbar\r\nConnection: close\r\n\r\n");
    char *got = client_read(gw, fd, NULL, 30, &closed);
    free(got);
    assert_non_null(held);
    assert_string_equal(server_from(held), "unix");
    assert_string_not_equal(server_who(held), "local");
    server_reply_error(held, BUSBAR_EBUSY, "later");
    got = client_read(gw, fd, NULL, ASK_MS_MAX, &closed);
    assert_non_null(strstr(got, "503"));
    free(got);
    (void)close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_gateway, close_gateway)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_answer_has_the_security_headers),
        TEST(unknown_addresses_and_methods_are_said),
        TEST(foreign_hosts_are_refused),
        TEST(pages_of_other_sites_are_refused),
        TEST(post_takes_only_json),
        TEST(a_body_has_a_limit),
        TEST(smuggled_lengths_are_refused),
        TEST(a_head_has_a_limit),
        TEST(a_connection_is_used_again),
        TEST(head_has_no_body),
        TEST(slow_heads_are_closed),
        TEST(slow_bodies_and_readers_are_closed),
        TEST(too_many_connections_are_turned_away),
        TEST(an_answer_may_come_later),
        TEST(one_request_may_answer_another),
        TEST(a_client_may_go_before_the_answer),
        TEST(the_server_may_go_before_the_answer),
        TEST(a_taken_port_is_said),
        TEST(a_unix_socket_tells_the_user),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
