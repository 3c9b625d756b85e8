/* SPDX-License-Identifier: Apache-2.0 */
/* Our client against our server, on one loop: what is asked arrives, and whatever goes wrong is said in words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/str.h"
#include "http/fetch.h"
#include "http/http.h"
#include "net/loop.h"

enum { BODY_MAX = 64 * 1024, SECOND = 1000000 };

struct rig {
    struct loop *loop;
    struct http http;
    struct http_fetcher *fetcher;
    uint16_t port;
    unsigned connections;
    /* of the last answer */
    bool told;
    int error;
    unsigned status;
    int64_t connect_us;
    char body[4096], words[512];
};

/* ---- the server: says what it was asked ---- */

struct asked {
    struct http_request http;
    char method[16], target[256];
};

static void answer(struct asked *asked, unsigned status, const char *text, const char *location)
{
    asked->http.response = MHD_create_response_from_buffer(strlen(text), (void *)(uintptr_t)text,
                                                           MHD_RESPMEM_MUST_COPY);
    if (location != NULL) {
        (void)MHD_add_response_header(asked->http.response, "Location", location);
    }
    asked->http.status = status;
    http_answer(&asked->http);
}

static void begin(struct http_request *http, const struct http_head *head)
{
    struct asked *asked = list_entry(http, struct asked, http);
    str_copy(asked->method, sizeof(asked->method), head->method);
    str_copy(asked->target, sizeof(asked->target), head->target);
}

static void handle(struct http_request *http)
{
    struct asked *asked = list_entry(http, struct asked, http);
    struct buf text;
    if (strcmp(asked->target, "/silent") == 0) {
        return; /* never: until the server closes */
    }
    if (strcmp(asked->target, "/round") == 0) {
        answer(asked, 302, "", "/round");
        return;
    }
    if (strcmp(asked->target, "/moved") == 0) {
        answer(asked, 302, "", "/here");
        return;
    }
    const char *login = http_header(http, "Authorization");
    const char *site = http_header(http, "X-Site");
    buf_init(&text, BODY_MAX);
    (void)buf_printf(&text, "%s %s [%s] [%s] %s", asked->method, asked->target,
                     login != NULL ? login : "", site != NULL ? site : "", buf_text(&http->body));
    for (int i = 0; strcmp(asked->target, "/long") == 0 && i < 3000; i++) {
        (void)buf_append_text(&text, "0123456789");
    }
    answer(asked, strcmp(asked->target, "/none") == 0 ? 404 : 200, buf_text(&text), NULL);
    buf_fini(&text);
}

static unsigned stopping(struct MHD_Response **response)
{
    *response = MHD_create_response_from_buffer(0, (void *)(uintptr_t) "", MHD_RESPMEM_PERSISTENT);
    return 503;
}

static const struct http_ops ops = {
    .request_bytes = sizeof(struct asked),
    .body_max = BODY_MAX,
    .bodies_max = 2 * BODY_MAX,
    .begin = begin,
    .handle = handle,
    .stopping = stopping,
};

static int open_rig(void **state)
{
    struct rig *rig = busbar_alloc(sizeof(*rig));
    const struct http_settings settings = {
        .name = "test",
        .address = "127.0.0.1",
        .pool_bytes = 16 * 1024,
        .connections_max = 20,
        .per_address_max = 20,
        .idle_s = 30,
    };
    rig->loop = loop_new();
    http_init(&rig->http, rig->loop, &ops, rig);
    int fd = http_bind("127.0.0.1", 0, &rig->port, NULL);
    assert_true(fd >= 0);
    assert_int_equal(http_listener_open(&rig->http, fd, &settings, NULL, NULL), 0);
    rig->fetcher = http_fetcher_new(rig->loop);
    *state = rig;
    return 0;
}

static int close_rig(void **state)
{
    struct rig *rig = *state;
    http_fetcher_free(rig->fetcher);
    /* What a handler still holds is answered by the test. */
    list_each_safe(at, &rig->http.requests) {
        answer(list_entry(list_entry(at, struct http_request, link), struct asked, http), 200, "",
               NULL);
    }
    http_close(&rig->http);
    http_fini(&rig->http);
    loop_free(rig->loop);
    busbar_free(rig);
    return 0;
}

/* ---- asking ---- */

static void on_fetched(void *ctx, const struct http_answer *got)
{
    struct rig *rig = ctx;
    assert_false(rig->told);
    rig->told = true;
    rig->error = got->error;
    rig->status = got->status;
    rig->connect_us = got->connect_us;
    str_copy(rig->body, sizeof(rig->body), (const char *)got->body);
    str_format(rig->words, sizeof(rig->words), "%s | %s", got->err.message, got->err.hint);
}

static void ask(struct rig *rig, struct http_ask *what, const char *path)
{
    char url[512];
    str_format(url, sizeof(url), "http://127.0.0.1:%u%s", rig->port, path);
    what->url = what->url != NULL ? what->url : url;
    what->timeout_us = what->timeout_us != 0 ? what->timeout_us : 5 * SECOND;
    rig->told = false;
    (void)http_fetch(rig->fetcher, what, on_fetched, rig);
    assert_false(rig->told);
    while (!rig->told) {
        loop_turn(rig->loop, true);
    }
    assert_int_equal(http_fetch_count(rig->fetcher), 0);
}

static void get_and_post_arrive(void **state)
{
    struct rig *rig = *state;
    static const char *const headers[] = { "X-Site: hq", NULL };
    struct http_ask get = { .headers = headers };
    struct http_ask post = { .method = "POST", .body = "{\"a\":1}", .body_size = 7 };
    struct http_ask put = { .method = "PUT", .body = "x", .body_size = 1 };
    ask(rig, &get, "/a?b=1");
    assert_int_equal(rig->error, 0);
    assert_int_equal(rig->status, 200);
    assert_string_equal(rig->body, "GET /a?b=1 [] [hq] ");
    ask(rig, &post, "/a");
    assert_string_equal(rig->body, "POST /a [] [] {\"a\":1}");
    ask(rig, &put, "/a");
    assert_string_equal(rig->body, "PUT /a [] [] x");
    ask(rig, &(struct http_ask){ 0 }, "/none");
    assert_int_equal(rig->error, 0);
    assert_int_equal(rig->status, 404);
}

static void a_connection_is_used_again(void **state)
{
    struct rig *rig = *state;
    ask(rig, &(struct http_ask){ 0 }, "/a");
    assert_true(rig->connect_us > 0);
    ask(rig, &(struct http_ask){ 0 }, "/b");
    assert_int_equal(rig->connect_us, 0);
    assert_int_equal(http_connection_count(&rig->http), 1);
}

static void logins_are_sent(void **state)
{
    struct rig *rig = *state;
    struct http_ask basic = { .login = HTTP_LOGIN_BASIC, .user = "a", .password = "b" };
    struct http_ask bearer = { .login = HTTP_LOGIN_BEARER, .password = "token" };
    ask(rig, &basic, "/");
    assert_string_equal(rig->body, "GET / [Basic YTpi] [] ");
    ask(rig, &bearer, "/");
    assert_string_equal(rig->body, "GET / [Bearer token] [] ");
}

static void redirects_have_a_limit(void **state)
{
    struct rig *rig = *state;
    struct http_ask follow = { .redirects_max = 1 };
    struct http_ask round = { .redirects_max = 3 };
    ask(rig, &follow, "/moved");
    assert_string_equal(rig->body, "GET /here [] [] ");
    ask(rig, &(struct http_ask){ 0 }, "/moved");
    assert_int_equal(rig->status, 302);
    ask(rig, &round, "/round");
    assert_int_equal(rig->error, BUSBAR_ELIMIT);
    assert_non_null(strstr(rig->words, "again and again"));
}

static void a_long_answer_is_cut_off(void **state)
{
    struct rig *rig = *state;
    struct http_ask some = { .answer_max = 1000 };
    ask(rig, &some, "/long");
    assert_int_equal(rig->error, BUSBAR_ELIMIT);
    assert_non_null(strstr(rig->words, "1000 bytes"));
    ask(rig, &(struct http_ask){ 0 }, "/long");
    assert_int_equal(rig->error, 0);
}

static void silence_has_an_end(void **state)
{
    struct rig *rig = *state;
    struct http_ask short_time = { .timeout_us = SECOND / 5 };
    ask(rig, &short_time, "/silent");
    assert_int_equal(rig->error, BUSBAR_ETIMEOUT);
    ask(rig, &(struct http_ask){ 0 }, "/after");
    assert_int_equal(rig->status, 200);
}

static void what_cannot_be_asked_is_said(void **state)
{
    struct rig *rig = *state;
    static const struct {
        const char *url;
        int error;
        const char *word;
    } rows[] = {
        { "http://127.0.0.1:1/", BUSBAR_ECONNREFUSED, "nothing answers" },
        { "http://nowhere.invalid/", BUSBAR_EHOST, "name is not found" },
        { "ftp://127.0.0.1/", BUSBAR_EINVAL, "only http and https" },
        { "http://[::1", BUSBAR_EINVAL, "no URL" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct http_ask what = { .url = rows[i].url };
        ask(rig, &what, "");
        assert_int_equal(rig->error, rows[i].error);
        assert_non_null(strstr(rig->words, rows[i].word));
    }
    struct http_ask tls = { 0 };
    char url[64];
    str_format(url, sizeof(url), "https://127.0.0.1:%u/", rig->port);
    tls.url = url;
    ask(rig, &tls, "");
    assert_int_equal(rig->error, BUSBAR_ETLS);
}

static void cancelled_ones_say_nothing(void **state)
{
    struct rig *rig = *state;
    char url[64];
    str_format(url, sizeof(url), "http://127.0.0.1:%u/", rig->port);
    const struct http_ask what = { .url = url, .timeout_us = SECOND };
    struct http_fetch *fetch = http_fetch(rig->fetcher, &what, on_fetched, rig);
    rig->told = true; /* a call would fail the test */
    http_fetch_cancel(fetch);
    struct http_ask wrong = { .url = "ftp://x/", .timeout_us = SECOND };
    fetch = http_fetch(rig->fetcher, &wrong, on_fetched, rig);
    loop_turn(rig->loop, false);
    rig->told = false;
    if (http_fetch_count(rig->fetcher) == 1) {
        http_fetch_cancel(fetch);
    }
    ask(rig, &(struct http_ask){ 0 }, "/");
    assert_int_equal(rig->status, 200);
}

/* Else an address of IPv4 would come by it as one of IPv6, past a list of those that may. */
static void an_address_of_ipv6_leaves_ipv4_alone(void **state)
{
    struct rig *rig = *state;
    uint16_t port = 0;
    struct err err = { 0 };
    int fd = http_bind("::", rig->port, &port, &err); /* 127.0.0.1 has it */
    assert_true(fd >= 0);
    assert_int_equal(port, rig->port);
    assert_int_equal(close(fd), 0);
}

static void urls_are_checked_and_joined(void **state)
{
    char text[128];
    struct err err = { 0 };
    (void)state;
    assert_int_equal(http_url_check("http://10.0.0.9/a", text, sizeof(text), &err), 0);
    assert_string_equal(text, "10.0.0.9:80");
    assert_int_equal(http_url_check("https://h:8443", text, sizeof(text), &err), 0);
    assert_string_equal(text, "h:8443");
    assert_int_equal(http_url_check("mailto:a@b", text, sizeof(text), &err), BUSBAR_EINVAL);
    assert_int_equal(http_url_check("http://a:b@h/", text, sizeof(text), &err), BUSBAR_EINVAL);
    assert_non_null(strstr(err.hint, "!secret"));
    assert_int_equal(http_url_check("", text, sizeof(text), &err), BUSBAR_EINVAL);
    assert_true(http_url_join("http://h/a/b?c", "/x", text, sizeof(text)));
    assert_string_equal(text, "http://h/x");
    assert_true(http_url_join("http://h/a/b?c", "d", text, sizeof(text)));
    assert_string_equal(text, "http://h/a/d");
    assert_true(http_url_join("http://h/a", "https://o/", text, sizeof(text)));
    assert_string_equal(text, "https://o/");
    assert_false(http_url_join("http://h/a", "/long", text, 8));
}

int main(void)
{
#define RIG_TEST(name) cmocka_unit_test_setup_teardown(name, open_rig, close_rig)
    const struct CMUnitTest tests[] = {
        RIG_TEST(get_and_post_arrive),
        RIG_TEST(a_connection_is_used_again),
        RIG_TEST(logins_are_sent),
        RIG_TEST(redirects_have_a_limit),
        RIG_TEST(a_long_answer_is_cut_off),
        RIG_TEST(silence_has_an_end),
        RIG_TEST(what_cannot_be_asked_is_said),
        RIG_TEST(cancelled_ones_say_nothing),
        RIG_TEST(an_address_of_ipv6_leaves_ipv4_alone),
        cmocka_unit_test(urls_are_checked_and_joined),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
