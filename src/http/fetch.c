/* SPDX-License-Identifier: Apache-2.0 */
/* libcurl's multi interface on our loop: it says which sockets and which timer it wants, we tell it what happened.
 *
 * What has ended is collected first, then called back, so that a callback may start and cancel anything. */
#include "http/fetch.h"

#include <assert.h>
#include <curl/curl.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/str.h"
#include "http/fetch_words.h"
#include "net/loop.h"
#include "net/timer.h"

enum {
    CONNECTIONS_KEPT = 256,
    PER_HOST_MAX = 8,
    TYPE_MAX = 128,
    RETRY_AFTER_MAX_S = 86400,
    LOGIN_ROUNDS_MAX = 2, /* its question, and that our nonce is too old */
};

struct http_fetcher {
    struct loop *loop;
    CURLM *multi;
    struct timer timer;
    struct list running, ended; /* struct http_fetch */
    struct loop_deferred tell;
    size_t count;
};

struct http_fetch {
    struct list link;
    struct http_fetcher *fetcher;
    CURL *easy;
    struct curl_slist *headers;
    struct buf body;
    CURLcode result;
    bool too_long;
    bool asked;      /* of `once`: it was sent */
    long heard_size; /* of the heads that had come then */
    http_fetched_cb fetched;
    void *ctx;
    char words[CURL_ERROR_SIZE];
};

static void fetch_free(struct http_fetch *fetch)
{
    list_remove(&fetch->link);
    fetch->fetcher->count--;
    if (fetch->easy != NULL) {
        (void)curl_multi_remove_handle(fetch->fetcher->multi, fetch->easy);
        curl_easy_cleanup(fetch->easy);
    }
    curl_slist_free_all(fetch->headers);
    buf_fini(&fetch->body);
    busbar_free(fetch);
}

/* ---- what has ended ---- */

static void fill_answer(const struct http_fetch *fetch, struct http_answer *answer)
{
    long status = 0;
    curl_off_t connect_us = 0, took_us = 0, retry_after = 0;
    const char *type = NULL, *url = NULL;
    if (fetch->easy != NULL) {
        (void)curl_easy_getinfo(fetch->easy, CURLINFO_RESPONSE_CODE, &status);
        (void)curl_easy_getinfo(fetch->easy, CURLINFO_CONNECT_TIME_T, &connect_us);
        (void)curl_easy_getinfo(fetch->easy, CURLINFO_TOTAL_TIME_T, &took_us);
        (void)curl_easy_getinfo(fetch->easy, CURLINFO_RETRY_AFTER, &retry_after);
        (void)curl_easy_getinfo(fetch->easy, CURLINFO_CONTENT_TYPE, &type);
        (void)curl_easy_getinfo(fetch->easy, CURLINFO_EFFECTIVE_URL, &url);
    }
    answer->status = (unsigned)status;
    answer->body = (const uint8_t *)buf_text(&fetch->body);
    answer->size = fetch->body.size;
    answer->type = type != NULL ? type : "";
    answer->url = url != NULL ? url : "";
    answer->encrypted = str_starts(answer->url, "https:") || str_starts(answer->url, "HTTPS:");
    answer->retry_after_us = retry_after > 0 && retry_after < RETRY_AFTER_MAX_S
                                 ? retry_after * CLOCK_US_PER_S
                             : retry_after > 0 ? RETRY_AFTER_MAX_S * CLOCK_US_PER_S
                                               : 0;
    answer->connect_us = connect_us;
    answer->took_us = took_us;
    if (fetch->too_long) {
        answer->error = err_set(&answer->err, BUSBAR_ELIMIT, "the answer is over %zu bytes",
                                fetch->body.max);
        err_hint(&answer->err, "ask for less, or another page of the device");
    } else if (fetch->result != CURLE_OK) {
        answer->error = http_fetch_words((int)fetch->result, fetch->words, answer->url,
                                         &answer->err);
    }
}

static void tell(void *ctx)
{
    struct http_fetcher *fetcher = ctx;
    while (!list_empty(&fetcher->ended)) {
        struct http_fetch *fetch = list_entry(fetcher->ended.next, struct http_fetch, link);
        struct http_answer answer = { 0 };
        list_remove(&fetch->link);
        fill_answer(fetch, &answer);
        fetch->fetched(fetch->ctx, &answer);
        fetch_free(fetch);
    }
}

static void end(struct http_fetch *fetch, CURLcode result)
{
    fetch->result = result;
    list_remove(&fetch->link);
    list_append(&fetch->fetcher->ended, &fetch->link);
    loop_defer(fetch->fetcher->loop, &fetch->fetcher->tell);
}

static void collect(struct http_fetcher *fetcher)
{
    CURLMsg *message;
    int left = 0;
    while ((message = curl_multi_info_read(fetcher->multi, &left)) != NULL) {
        struct http_fetch *fetch = NULL;
        if (message->msg == CURLMSG_DONE &&
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&fetch) ==
                CURLE_OK &&
            fetch != NULL) {
            end(fetch, message->data.result);
        }
    }
}

/* ---- sockets and the timer ---- */

struct socket {
    struct http_fetcher *fetcher;
    struct loop_fd *watch;
    curl_socket_t fd;
};

static void on_socket(void *ctx, unsigned events)
{
    struct socket *socket = ctx;
    struct http_fetcher *fetcher = socket->fetcher;
    int running = 0;
    int what = ((events & LOOP_READABLE) != 0 ? CURL_CSELECT_IN : 0) |
               ((events & LOOP_WRITABLE) != 0 ? CURL_CSELECT_OUT : 0) |
               ((events & LOOP_ERROR) != 0 ? CURL_CSELECT_ERR : 0);
    (void)curl_multi_socket_action(fetcher->multi, socket->fd, what, &running);
    collect(fetcher);
}

static void on_timer(struct timer *timer, void *ctx)
{
    struct http_fetcher *fetcher = ctx;
    int running = 0;
    (void)timer;
    (void)curl_multi_socket_action(fetcher->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    collect(fetcher);
}

static int want_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *assigned)
{
    struct http_fetcher *fetcher = ctx;
    struct socket *socket = assigned;
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (socket != NULL) {
            loop_fd_unwatch(socket->watch);
            busbar_free(socket);
            (void)curl_multi_assign(fetcher->multi, fd, NULL);
        }
        return 0;
    }
    unsigned events = ((what & CURL_POLL_IN) != 0 ? (unsigned)LOOP_READABLE : 0) |
                      ((what & CURL_POLL_OUT) != 0 ? (unsigned)LOOP_WRITABLE : 0);
    if (socket != NULL) {
        loop_fd_modify(socket->watch, events);
        return 0;
    }
    socket = busbar_alloc(sizeof(*socket));
    *socket = (struct socket){ .fetcher = fetcher, .fd = fd };
    socket->watch = loop_fd_watch(fetcher->loop, fd, events, on_socket, socket);
    if (socket->watch == NULL) {
        busbar_free(socket);
        return -1;
    }
    (void)curl_multi_assign(fetcher->multi, fd, socket);
    return 0;
}

static int want_timer(CURLM *multi, long timeout_ms, void *ctx)
{
    struct http_fetcher *fetcher = ctx;
    (void)multi;
    if (timeout_ms < 0) {
        timer_stop(&fetcher->timer);
    } else {
        timer_start(&fetcher->timer, timeout_ms, 0);
    }
    return 0;
}

/* ---- a fetch ---- */

static size_t take_body(char *data, size_t one, size_t count, void *ctx)
{
    struct http_fetch *fetch = ctx;
    size_t size = one * count;
    if (buf_append(&fetch->body, data, size) != 0) {
        fetch->too_long = true;
        return 0;
    }
    return size;
}

static void set_login(CURL *easy, const struct http_ask *ask)
{
    if (ask->login == HTTP_LOGIN_BEARER) {
        (void)curl_easy_setopt(easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER);
        (void)curl_easy_setopt(easy, CURLOPT_XOAUTH2_BEARER, ask->password);
    } else if (ask->login != HTTP_LOGIN_NONE) {
        (void)curl_easy_setopt(
            easy, CURLOPT_HTTPAUTH,
            (long)(ask->login == HTTP_LOGIN_DIGEST ? CURLAUTH_DIGEST : CURLAUTH_BASIC));
        (void)curl_easy_setopt(easy, CURLOPT_USERNAME, ask->user);
        (void)curl_easy_setopt(easy, CURLOPT_PASSWORD, ask->password);
    }
}

static void set_tls(CURL *easy, const struct http_client_tls *tls)
{
    (void)curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (tls->unverified) {
        (void)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
        (void)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    if (tls->ca != NULL) {
        (void)curl_easy_setopt(easy, CURLOPT_CAINFO, tls->ca);
        (void)curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    }
    if (tls->certificate != NULL) {
        (void)curl_easy_setopt(easy, CURLOPT_SSLCERT, tls->certificate);
        (void)curl_easy_setopt(easy, CURLOPT_SSLKEY,
                               tls->key != NULL ? tls->key : tls->certificate);
    }
}

/* Before each sending. libcurl sends again when a connection that was there breaks without a word, and after a login's
 * first answer the connection always was; the device may have taken it. */
static int refuse_again(void *ctx, char *to_ip, char *from_ip, int to_port, int from_port)
{
    struct http_fetch *fetch = ctx;
    long size = 0;
    (void)to_ip, (void)from_ip, (void)to_port, (void)from_port;
    (void)curl_easy_getinfo(fetch->easy, CURLINFO_HEADER_SIZE, &size);
    bool again = fetch->asked && size == fetch->heard_size;
    fetch->asked = true;
    fetch->heard_size = size;
    return again ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

static void set_once(struct http_fetch *fetch)
{
    CURL *easy = fetch->easy;
    (void)curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L); /* an old one may be broken */
    (void)curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, refuse_again);
    (void)curl_easy_setopt(easy, CURLOPT_PREREQDATA, fetch);
}

static void set_request(struct http_fetch *fetch, const struct http_ask *ask)
{
    CURL *easy = fetch->easy;
    for (size_t i = 0; ask->headers != NULL && ask->headers[i] != NULL; i++) {
        struct curl_slist *more = i < HTTP_FETCH_HEADERS_MAX
                                      ? curl_slist_append(fetch->headers, ask->headers[i])
                                      : NULL;
        fetch->headers = more != NULL ? more : fetch->headers;
    }
    (void)curl_easy_setopt(easy, CURLOPT_URL, ask->url);
    (void)curl_easy_setopt(easy, CURLOPT_HTTPHEADER, fetch->headers);
    if (ask->body != NULL) {
        (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)ask->body_size);
        (void)curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, ask->body);
    }
    if (ask->method != NULL && strcmp(ask->method, "GET") != 0) {
        (void)curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, ask->method);
    }
    if (ask->once) {
        set_once(fetch);
    }
    unsigned redirects = ask->redirects_max < HTTP_FETCH_REDIRECTS_MAX ? ask->redirects_max
                                                                       : HTTP_FETCH_REDIRECTS_MAX;
    (void)curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, redirects > 0 ? 1L : 0L);
    unsigned rounds = ask->login == HTTP_LOGIN_DIGEST ? LOGIN_ROUNDS_MAX : 0; /* count as well */
    (void)curl_easy_setopt(easy, CURLOPT_MAXREDIRS, (long)(redirects + rounds));
}

static void set_all(struct http_fetch *fetch, const struct http_ask *ask)
{
    CURL *easy = fetch->easy;
    set_request(fetch, ask);
    set_login(easy, ask);
    set_tls(easy, &ask->tls);
    (void)curl_easy_setopt(easy, CURLOPT_PRIVATE, fetch);
    (void)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, fetch->words);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, fetch);
    (void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    (void)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "");
    (void)curl_easy_setopt(easy, CURLOPT_USERAGENT, "busbar/" BUSBAR_VERSION);
    int64_t timeout_ms = ask->timeout_us / 1000;
    (void)curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)(timeout_ms > 0 ? timeout_ms : 1));
}

struct http_fetch *http_fetch(struct http_fetcher *fetcher, const struct http_ask *ask,
                              http_fetched_cb fetched, void *ctx)
{
    struct http_fetch *fetch = busbar_alloc(sizeof(*fetch));
    fetch->fetcher = fetcher;
    fetch->fetched = fetched;
    fetch->ctx = ctx;
    buf_init(&fetch->body, ask->answer_max > 0 && ask->answer_max < HTTP_FETCH_ANSWER_MAX
                               ? ask->answer_max
                               : HTTP_FETCH_ANSWER_MAX);
    list_append(&fetcher->running, &fetch->link);
    fetcher->count++;
    fetch->easy = curl_easy_init();
    if (fetch->easy == NULL) {
        end(fetch, CURLE_OUT_OF_MEMORY);
        return fetch;
    }
    set_all(fetch, ask);
    if (curl_multi_add_handle(fetcher->multi, fetch->easy) != CURLM_OK) {
        end(fetch, CURLE_OUT_OF_MEMORY);
    }
    return fetch;
}

void http_fetch_cancel(struct http_fetch *fetch)
{
    fetch_free(fetch);
}

size_t http_fetch_count(const struct http_fetcher *fetcher)
{
    return fetcher->count;
}

/* ---- the fetcher ---- */

struct http_fetcher *http_fetcher_new(struct loop *loop)
{
    struct http_fetcher *fetcher = busbar_alloc(sizeof(*fetcher));
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
    fetcher->loop = loop;
    list_init(&fetcher->running);
    list_init(&fetcher->ended);
    loop_deferred_init(&fetcher->tell, tell, fetcher);
    timer_init(&fetcher->timer, loop, on_timer, fetcher);
    fetcher->multi = curl_multi_init();
    assert(fetcher->multi != NULL);
    (void)curl_multi_setopt(fetcher->multi, CURLMOPT_SOCKETFUNCTION, want_socket);
    (void)curl_multi_setopt(fetcher->multi, CURLMOPT_SOCKETDATA, fetcher);
    (void)curl_multi_setopt(fetcher->multi, CURLMOPT_TIMERFUNCTION, want_timer);
    (void)curl_multi_setopt(fetcher->multi, CURLMOPT_TIMERDATA, fetcher);
    (void)curl_multi_setopt(fetcher->multi, CURLMOPT_MAXCONNECTS, (long)CONNECTIONS_KEPT);
    (void)curl_multi_setopt(fetcher->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)PER_HOST_MAX);
    (void)curl_multi_setopt(fetcher->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS,
                            (long)HTTP_FETCH_CONNECTIONS_MAX);
    return fetcher;
}

void http_fetcher_free(struct http_fetcher *fetcher)
{
    if (fetcher == NULL) {
        return;
    }
    while (!list_empty(&fetcher->running)) {
        fetch_free(list_entry(fetcher->running.next, struct http_fetch, link));
    }
    while (!list_empty(&fetcher->ended)) {
        fetch_free(list_entry(fetcher->ended.next, struct http_fetch, link));
    }
    loop_defer_cancel(&fetcher->tell);
    (void)curl_multi_cleanup(fetcher->multi);
    timer_stop(&fetcher->timer);
    curl_global_cleanup();
    busbar_free(fetcher);
}
