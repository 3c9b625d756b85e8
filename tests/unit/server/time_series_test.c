/* SPDX-License-Identifier: Apache-2.0 */
/* The listener of the time series: its own routes, bodies of bytes and forms, their limits, answers
 * without a body, compressed, in pieces; and that who went away is noticed. */
#include <zlib.h>

#include "server/core.h"
#include "unit/server/gateway.h"

/* ---- what the routes of this test do ---- */

static struct {
    size_t size;
    uint32_t sum;
    char type[64], encoding[64];
    char query[2048];
    struct server_request *held;
    const atomic_bool *cancel;
    atomic_uint made;
    unsigned pieces, ended;
    int make_error;
} seen;

static void take_raw(struct server_request *req)
{
    size_t size;
    const uint8_t *data = server_raw(req, &size);
    const char *type = server_header(req, "Content-Type");
    const char *encoding = server_header(req, "Content-Encoding");
    seen.size = size;
    seen.sum = 0;
    for (size_t i = 0; i < size; i++) {
        seen.sum = seen.sum * 31 + data[i];
    }
    str_copy(seen.type, sizeof(seen.type), type != NULL ? type : "");
    str_copy(seen.encoding, sizeof(seen.encoding), encoding != NULL ? encoding : "");
    server_answer_header(req, "X-Taken", "yes");
    server_reply_empty(req, 204);
}

static void take_form(struct server_request *req)
{
    seen.query[0] = '\0';
    size_t used = 0;
    for (size_t i = 0; server_query_at(req, "match[]", i) != NULL; i++) {
        used += str_format(seen.query + used, sizeof(seen.query) - used, "%s|",
                           server_query_at(req, "match[]", i));
    }
    server_reply_empty(req, 204);
}

static void answer_long(struct server_request *req)
{
    struct buf out;
    buf_init(&out, SERVER_ANSWER_MAX);
    for (unsigned i = 0; i < 10000; i++) {
        (void)buf_printf(&out, "line %u\n", i);
    }
    bool packed = server_takes_gzip(req) && server_pack(&out);
    server_reply_packed(req, 200, "text/plain", &out, packed);
}

static int make_piece(void *ctx, struct buf *out, bool *last, const atomic_bool *cancel)
{
    (void)ctx;
    uint8_t *to = buf_reserve(out, SERVER_PIECE_BYTES);
    memset(to, 'a' + (int)(seen.made % 26), SERVER_PIECE_BYTES);
    buf_commit(out, SERVER_PIECE_BYTES);
    seen.made++;
    *last = seen.made == seen.pieces;
    return atomic_load(cancel) ? BUSBAR_ECANCELED : seen.made == 3 ? seen.make_error : 0;
}

static void end_pieces(void *ctx)
{
    (void)ctx;
    seen.ended++;
}

static void answer_in_pieces(struct server_request *req)
{
    static const struct server_maker maker = { .make = make_piece, .end = end_pieces };
    seen.made = 0;
    server_reply_stream(req, 200, "text/plain", &maker, NULL);
}

static void hold(struct server_request *req)
{
    seen.held = req;
    seen.cancel = server_cancel(req);
}

static const struct server_route routes[] = {
    { .method = "POST",
      .path = "/raw",
      .handler = take_raw,
      .summary = "bytes",
      .on = SERVER_ON_TIME_SERIES,
      .flags = SERVER_ROUTE_RAW | SERVER_ROUTE_CHUNKED,
      .body_max = 4 << 20 },
    { .method = "POST",
      .path = "/form",
      .handler = take_form,
      .summary = "a form",
      .on = SERVER_ON_BOTH,
      .flags = SERVER_ROUTE_FORM | SERVER_ROUTE_PROMETHEUS },
    { .method = "PUT", .path = "/form", .handler = take_form, .on = SERVER_ON_TIME_SERIES },
    { .method = "GET", .path = "/long", .handler = answer_long, .on = SERVER_ON_TIME_SERIES },
    { .method = "GET",
      .path = "/pieces",
      .handler = answer_in_pieces,
      .on = SERVER_ON_TIME_SERIES },
    { .method = "GET", .path = "/hold", .handler = hold, .on = SERVER_ON_TIME_SERIES },
    { .method = "POST", .path = "/json", .handler = take_raw, .on = SERVER_ON_TIME_SERIES },
};

static int open_gateway(void **state)
{
    struct gateway *gw = calloc(1, sizeof(*gw));
    memset(&seen, 0, sizeof(seen));
    gateway_open(gw, 0);
    gateway_time_series(gw);
    server_add_routes(gw->server, routes, sizeof(routes) / sizeof(routes[0]), NULL);
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
                   int status, const char *type)
{
    struct answer answer = ask(gw, method, target, headers, NULL);
    if (answer.status != status || strcmp(text_at(&answer, "errorType"), type) != 0) {
        fail_msg("%s %s %s: %d %s, expected %d %s", method, target, headers, answer.status,
                 answer.body, status, type);
    }
    answer_fini(&answer);
}

/* Sends while the loop turns; the answer. */
static struct answer send_all(struct gateway *gw, const uint8_t *data, size_t size)
{
    bool closed = false;
    int fd = client_connect(gw);
    size_t sent = 0;
    while (sent < size) {
        ssize_t done = send(fd, data + sent, size - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (done < 0 && errno != EAGAIN) {
            break;
        }
        sent += done > 0 ? (size_t)done : 0;
        loop_turn(gw->loop, false);
    }
    char *got = client_read(gw, fd, NULL, ASK_MS_MAX, &closed);
    (void)close(fd);
    return answer_parse(got);
}

/* ---- tests ---- */

static void each_kind_has_its_own_routes(void **state)
{
    struct gateway *gw = *state;
    expect(gw, "GET", "/api/v1/devices", NULL, 404, "not_found");
    expect(gw, "GET", "/assets/x", NULL, 404, "not_found");
    expect(gw, "GET", "/raw", NULL, 405, "bad_data");
    struct answer answer = ask(gw, "OPTIONS", "/form", NULL, NULL);
    assert_int_equal(answer.status, 204);
    assert_non_null(strstr(answer.head, "Allow: POST, PUT"));
    answer_fini(&answer);
    gw->asks = SERVER_PAGE;
    answer = ask(gw, "POST", "/raw", NULL, "{}");
    assert_int_equal(answer.status, 404);
    assert_string_equal(text_at(&answer, "error.code"), "ENOENT");
    answer_fini(&answer);
    expect(gw, "POST", "/form", "Content-Length: 0\r\n", 204, "(none)");
    expect(gw, "POST", "/form", "Content-Length: 5\r\n", 415, "bad_data");
    answer = ask(gw, "POST", "/form", "Transfer-Encoding: chunked\r\n", NULL);
    assert_int_equal(answer.status, 411);
    answer_fini(&answer);
}

static void bytes_come_whole(void **state)
{
    struct gateway *gw = *state;
    static uint8_t body[3 << 20];
    struct buf text;
    uint32_t sum = 0;
    for (size_t i = 0; i < sizeof(body); i++) {
        body[i] = (uint8_t)(i * i >> 7);
        sum = sum * 31 + body[i];
    }
    buf_init(&text, 8 << 20);
    (void)buf_printf(&text,
                     "POST /raw HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                     "Content-Type: application/x-protobuf\r\nContent-Encoding: snappy\r\n"
                     "Content-Length: %zu\r\n\r\n",
                     sizeof(body));
    (void)buf_append(&text, body, sizeof(body));
    struct answer answer = send_all(gw, text.data, text.size);
    assert_int_equal(answer.status, 204);
    assert_non_null(strstr(answer.head, "X-Taken: yes"));
    assert_null(strstr(answer.head, "\r\nContent-Type"));
    assert_int_equal(answer.body_size, 0);
    answer_fini(&answer);
    assert_int_equal(seen.size, sizeof(body));
    assert_int_equal(seen.sum, sum);
    assert_string_equal(seen.type, "application/x-protobuf");
    assert_string_equal(seen.encoding, "snappy");

    buf_clear(&text);
    (void)buf_append_text(&text, "POST /raw HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                                 "Transfer-Encoding: chunked\r\n\r\n");
    for (size_t at = 0; at < sizeof(body);) {
        size_t size = at % 50000 + 1 < sizeof(body) - at ? at % 50000 + 1 : sizeof(body) - at;
        (void)buf_printf(&text, "%zx\r\n", size);
        (void)buf_append(&text, body + at, size);
        (void)buf_append_text(&text, "\r\n");
        at += size;
    }
    (void)buf_append_text(&text, "0\r\n\r\n");
    answer = send_all(gw, text.data, text.size);
    assert_int_equal(answer.status, 204);
    assert_int_equal(seen.size, sizeof(body));
    assert_int_equal(seen.sum, sum);
    answer_fini(&answer);
    buf_fini(&text);
    assert_int_equal(gw->server->http.body_bytes, 0);
}

static void too_many_bytes_are_refused(void **state)
{
    struct gateway *gw = *state;
    struct buf text;
    expect(gw, "POST", "/raw", "Content-Length: 4194305\r\n", 413, "bad_data");
    expect(gw, "POST", "/form", "Content-Length: 1048577\r\n", 413, "bad_data");
    buf_init(&text, 16 << 20);
    (void)buf_append_text(&text, "POST /raw HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                                 "Transfer-Encoding: chunked\r\n\r\n500000\r\n");
    memset(buf_reserve(&text, 0x500000), 'x', 0x500000);
    buf_commit(&text, 0x500000);
    (void)buf_append_text(&text, "\r\n0\r\n\r\n");
    struct answer answer = send_all(gw, text.data, text.size);
    assert_int_equal(answer.status, 413);
    assert_string_equal(text_at(&answer, "status"), "error");
    answer_fini(&answer);
    assert_int_equal(gw->server->http.body_bytes, 0);

    gw->server->http.body_bytes = SERVER_BODIES_MAX - 100; /* as if others held it */
    answer = ask(gw, "POST", "/raw", "Content-Length: 101\r\n", NULL);
    assert_int_equal(answer.status, 503);
    assert_string_equal(text_at(&answer, "errorType"), "unavailable");
    assert_non_null(strstr(answer.head, "Retry-After: 1"));
    answer_fini(&answer);
    answer = send_all(gw, text.data, text.size); /* grows while it comes */
    assert_int_equal(answer.status, 503);
    answer_fini(&answer);
    assert_int_equal(gw->server->http.body_bytes, SERVER_BODIES_MAX - 100);
    gw->server->http.body_bytes = 0;
    buf_fini(&text);
}

static void forms_merge_with_the_query(void **state)
{
    struct gateway *gw = *state;
    static const char form[] = "match[]=a%7Bb%3D%22c+d%22%7D&match%5B%5D=x%0Ay&other=1";
    char text[512];
    str_format(text, sizeof(text),
               "POST /form?match[]=last HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
               "Content-Type: application/x-www-form-urlencoded; charset=utf-8\r\n"
               "Content-Length: %zu\r\n\r\n%s",
               sizeof(form) - 1, form);
    struct answer answer = send_all(gw, (const uint8_t *)text, strlen(text));
    assert_int_equal(answer.status, 204);
    assert_string_equal(seen.query, "a{b=\"c d\"}|x\ny|last|");
    answer_fini(&answer);
    static const char *const wrong[] = { "a=%zz", "a=%00", "a=\x01", "a=%ff", "%0a=1" };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        str_format(text, sizeof(text),
                   "POST /form HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                   "Content-Type: application/x-www-form-urlencoded\r\n"
                   "Content-Length: %zu\r\n\r\n%s",
                   strlen(wrong[i]), wrong[i]);
        answer = send_all(gw, (const uint8_t *)text, strlen(text));
        if (answer.status != 400) {
            fail_msg("'%s' was taken: %d", wrong[i], answer.status);
        }
        assert_string_equal(text_at(&answer, "errorType"), "bad_data");
        answer_fini(&answer);
    }
    expect(gw, "PUT", "/form", "Content-Length: 0\r\n", 415, "bad_data");
    expect(gw, "POST", "/raw?a=%0a", "Content-Length: 0\r\n", 400, "bad_data");
}

static void other_sites_are_refused_here_too(void **state)
{
    struct gateway *gw = *state;
    expect(gw, "POST", "/form", "Origin: http://evil.example\r\nContent-Length: 0\r\n", 403,
           "bad_data");
    expect(gw, "POST", "/raw", "Origin: null\r\nContent-Length: 0\r\n", 403, "bad_data");
    expect(gw, "POST", "/raw", "Sec-Fetch-Site: cross-site\r\nContent-Length: 0\r\n", 403,
           "bad_data");
    expect(gw, "POST", "/raw", "Host: evil.example\r\nContent-Length: 0\r\n", 403, "bad_data");
    expect(gw, "POST", "/raw", "Content-Length: 0\r\n", 204, "(none)");
}

static void smuggled_lengths_are_refused(void **state)
{
    static const char *const headers[] = {
        "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Content-Length: 2\r\nContent-Length: 3\r\n",
    };
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        struct answer answer = ask(*state, "POST", "/raw", headers[i], NULL);
        assert_in_range(answer.status, 400, 499);
        answer_fini(&answer);
    }
    expect(*state, "POST", "/form", "Transfer-Encoding: chunked\r\n", 411, "bad_data");
    expect(*state, "GET", "/long", "Content-Length: 2\r\n", 400, "bad_data");
}

static void long_answers_are_compressed(void **state)
{
    bool closed = false;
    int fd = client_connect(*state);
    client_send(fd, "GET /long HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                    "Accept-Encoding: deflate, gzip\r\n\r\n");
    uint8_t got[65536], plain[200000];
    size_t size = 0;
    while (!closed) {
        loop_turn(((struct gateway *)*state)->loop, false);
        ssize_t more = recv(fd, got + size, sizeof(got) - size, MSG_DONTWAIT);
        closed = more == 0;
        size += more > 0 ? (size_t)more : 0;
    }
    (void)close(fd);
    const uint8_t *body = memmem(got, size, "\r\n\r\n", 4);
    assert_non_null(body);
    assert_non_null(memmem(got, size, "Content-Encoding: gzip", 22));
    body += 4;
    z_stream z = { .next_in = (Bytef *)(uintptr_t)body, .next_out = plain };
    z.avail_in = (uInt)(got + size - body);
    z.avail_out = sizeof(plain);
    assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
    assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
    assert_int_equal(z.total_out, 98890);
    assert_memory_equal(plain, "line 0\nline 1\n", 14);
    (void)inflateEnd(&z);
    struct answer answer = ask(*state, "GET", "/long", NULL, NULL);
    assert_null(strstr(answer.head, "gzip"));
    assert_int_equal(answer.body_size, 98890);
    answer_fini(&answer);
}

static void pieces_arrive_in_order(void **state)
{
    struct gateway *gw = *state;
    seen.pieces = 20;
    struct answer answer = ask(gw, "GET", "/pieces", NULL, NULL);
    assert_int_equal(answer.status, 200);
    assert_int_equal(seen.made, 20);
    size_t bytes = 0;
    for (const char *at = answer.body; *at != '\0'; at++) {
        bytes += *at >= 'a' && *at <= 'z';
    }
    assert_int_equal(bytes, 20 * SERVER_PIECE_BYTES);
    answer_fini(&answer);
    gateway_turn(gw, 20);
    assert_int_equal(seen.ended, 1);
    seen.pieces = 20;
    seen.make_error = BUSBAR_EIO; /* the third */
    answer = ask(gw, "GET", "/pieces", NULL, NULL);
    assert_null(strstr(answer.body, "\r\n0\r\n\r\n")); /* no proper end */
    answer_fini(&answer);
    gateway_turn(gw, 20);
    assert_int_equal(seen.ended, 2);
}

static void a_slow_reader_holds_two_pieces(void **state)
{
    struct gateway *gw = *state;
    int small = 4096;
    seen.pieces = 1000;
    int fd = client_connect(gw);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    client_send(fd, "GET /pieces HTTP/1.1\r\nHost: localhost\r\n\r\n");
    unsigned made = 0;
    int still = 0;
    for (int i = 0; i < 500 && still < 15; i++) {
        gateway_turn(gw, 20);
        still = seen.made == made ? still + 1 : 0;
        made = seen.made;
    }
    assert_int_equal(still, 15);
    assert_in_range(made, 2, 30); /* what the kernel holds, and two */
    (void)close(fd);
    gateway_turn(gw, 50);
    assert_int_equal(seen.ended, 1);
    fd = client_connect(gw);
    client_send(fd, "GET /pieces HTTP/1.1\r\nHost: localhost\r\n\r\n");
    gateway_turn(gw, 50);
    server_free(gw->server); /* in the middle */
    gw->server = NULL;
    jobs_drain(gw->loop);
    assert_int_equal(seen.ended, 2);
    (void)close(fd);
}

static void who_went_away_is_noticed(void **state)
{
    struct gateway *gw = *state;
    int fd = client_connect(gw);
    client_send(fd, "GET /hold HTTP/1.1\r\nHost: localhost\r\n\r\n");
    gateway_turn(gw, 50);
    assert_non_null(seen.held);
    assert_false(atomic_load(seen.cancel));
    (void)close(fd);
    gateway_turn(gw, 50);
    assert_true(atomic_load(seen.cancel));
    server_reply_error(seen.held, BUSBAR_ECANCELED, "to nobody");
    gateway_turn(gw, 20);
    assert_int_equal(http_connection_count(&gw->server->http), 0);

    fd = client_connect(gw); /* the next request on the same line does not count as leaving */
    client_send(fd, "GET /hold HTTP/1.1\r\nHost: localhost\r\n\r\n"
                    "GET /hold HTTP/1.1\r\nHost: localhost\r\n\r\n");
    gateway_turn(gw, 50);
    assert_false(atomic_load(seen.cancel));
    server_reply_empty(seen.held, 204);
    gateway_turn(gw, 50);
    assert_false(atomic_load(seen.cancel));
    server_free(gw->server);
    gw->server = NULL;
    assert_true(atomic_load(seen.cancel));
    server_reply_empty(seen.held, 204);
    (void)close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_gateway, close_gateway)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_kind_has_its_own_routes),     TEST(bytes_come_whole),
        TEST(too_many_bytes_are_refused),       TEST(forms_merge_with_the_query),
        TEST(other_sites_are_refused_here_too), TEST(smuggled_lengths_are_refused),
        TEST(long_answers_are_compressed),      TEST(pieces_arrive_in_order),
        TEST(a_slow_reader_holds_two_pieces),   TEST(who_went_away_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
