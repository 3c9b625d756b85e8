/* SPDX-License-Identifier: Apache-2.0 */
/* A client of HTTP on the loop: many requests at a time, connections used again, nothing that blocks. libcurl underneath,
 * in no header. Loop thread only. Only http and https; proxies of the environment are not used. */
#ifndef BUSBAR_HTTP_FETCH_H
#define BUSBAR_HTTP_FETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct http_fetch;
struct http_fetcher;
struct loop;

enum {
    HTTP_FETCH_ANSWER_MAX = 8 << 20, /* bytes, where the asker says no less; unpacked */
    HTTP_FETCH_REDIRECTS_MAX = 5,
    HTTP_FETCH_HEADERS_MAX = 32,
    HTTP_FETCH_CONNECTIONS_MAX = 1000, /* open at a time; more wait */
};

enum http_login { HTTP_LOGIN_NONE, HTTP_LOGIN_BASIC, HTTP_LOGIN_DIGEST, HTTP_LOGIN_BEARER };

/* Files; NULL: none. */
struct http_client_tls {
    const char *ca;                /* authorities in place of the system's */
    const char *certificate, *key; /* of this client */
    bool unverified;               /* whoever answers is believed: only where a person said so */
};

struct http_ask {
    const char *method; /* NULL: GET */
    const char *url;
    const char *const *headers; /* "Name: value", NULL-terminated; NULL: none */
    const void *body;           /* copied */
    size_t body_size;
    enum http_login login;
    const char *user, *password; /* HTTP_LOGIN_BEARER: password is the token */
    struct http_client_tls tls;
    bool once;              /* never sent again by itself, whatever breaks; on a new connection */
    unsigned redirects_max; /* at most HTTP_FETCH_REDIRECTS_MAX; 0: a redirect is an answer */
    size_t answer_max;      /* 0: HTTP_FETCH_ANSWER_MAX */
    int64_t timeout_us;     /* of all of it */
};

struct http_answer {
    int error;       /* 0: there is an answer, whatever its status; else err says it in words */
    unsigned status; /* also with an error that came after the head; 0: none came */
    const uint8_t *body;
    size_t size;
    const char *type; /* Content-Type; "" */
    const char *url;  /* that answered in the end */
    bool encrypted;   /* by TLS */
    int64_t
        retry_after_us; /* that it asks to wait before the next (Retry-After); 0: it says nothing */
    int64_t connect_us; /* until the connection stood; 0: it was there before */
    int64_t took_us;
    struct err err;
};
/* Borrowed until it returns; the fetch is gone. */
typedef void (*http_fetched_cb)(void *ctx, const struct http_answer *answer);

struct http_fetcher *http_fetcher_new(struct loop *loop);
/* Fetches that run end without their callback. NULL is fine. */
void http_fetcher_free(struct http_fetcher *fetcher);

/* The callback runs once, later, unless it is cancelled before. Never NULL: what is wrong with the asking comes as an
 * error of the answer. */
struct http_fetch *http_fetch(struct http_fetcher *fetcher, const struct http_ask *ask,
                              http_fetched_cb fetched, void *ctx);
void http_fetch_cancel(struct http_fetch *fetch);
size_t http_fetch_count(const struct http_fetcher *fetcher);

/* Pure: whether a URL can be asked: http or https, a host, no login in it. BUSBAR_EINVAL with err. host (may be NULL)
 * gets "10.0.0.9:80". */
int http_url_check(const char *url, char *host, size_t host_size, struct err *err);
/* A reference ("/api/limit", "?x=1", a whole URL) as it is meant beside a URL. False: it does not fit. */
bool http_url_join(const char *base, const char *reference, char *to, size_t size);

#endif
