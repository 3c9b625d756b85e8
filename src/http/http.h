/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP servers on the loop: listeners, connections and requests, whatever is answered. libmicrohttpd underneath: each
 * listener is a daemon without a thread of its own, whose epoll descriptor the loop watches. A request that is answered
 * later suspends its connection. Knows no routes: its owners (server/, drivers/http/) give a table of calls.
 *
 * A connection is always in one phase, and each phase has a longest time, whatever trickles in or out meanwhile; that
 * is what ends slow senders and slow readers:
 *
 *   waiting for the head -> body -> handler (no limit: it answers) -> sending -> waiting ...
 *                                                                 \-> stream (its own rules)
 *
 * A request has two holders: the connection (until libmicrohttpd says it is completed) and the handler (until it has
 * answered). It is freed when both have let go; so it outlives the connection, and even the server. Loop thread only. */
#ifndef BUSBAR_HTTP_HTTP_H
#define BUSBAR_HTTP_HTTP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/list.h"
#include "net/timer.h"

struct MHD_Connection;
struct MHD_Response;
struct http;
struct http_connection;
struct loop;

enum {
    HTTP_BODY_DROPPED_MAX = 32 << 20 /* of a body that is too long: then the sender is cut off */
};

/* The answers' side is the owner's: a request is the first member of the owner's own struct. */
struct http_request {
    struct list link;  /* of http->requests: the handler holds it */
    struct http *http; /* NULL: freed before the answer */
    const struct http_ops *ops;
    struct http_connection *connection; /* NULL: gone */
    atomic_bool cancel;                 /* nobody waits for the answer; read by jobs */
    bool watched;                       /* the client's end is watched: set it inside handle() */
    bool bulk; /* the body may be large: it gets more time; set in begin() */
    bool started, suspended, answered, completed;
    int body_error; /* BUSBAR_ELIMIT: too long, BUSBAR_EBUSY: no room; the rest was dropped */
    unsigned status;
    struct buf body; /* begin() may set its max */
    size_t body_dropped;
    struct MHD_Response *response; /* the request's, unless `shared`: then its owner keeps it */
    bool shared;
};

/* What is there when a request begins. Borrowed until begin() returned. */
struct http_head {
    struct MHD_Connection *mhd; /* its headers */
    const char *method;
    const char *target; /* as it came: path and query */
    const char *listen; /* the listening address; NULL: a Unix socket */
    unsigned kind;      /* the listener's */
    const char *who;    /* "local", or the user of a Unix socket */
    const char *from;   /* "10.0.3.7", "unix" */
    size_t size;        /* bytes of the head */
    bool encrypted;     /* by TLS */
};

struct http_ops {
    size_t request_bytes; /* of the owner's struct, zeroed; begins with struct http_request */
    size_t body_max;      /* the usual ceiling of a body */
    size_t bodies_max; /* all bodies being received or worked on; then body_error is BUSBAR_EBUSY */
    /* The head is there. Answers, or returns: then the body is gathered and handle() follows. */
    void (*begin)(struct http_request *req, const struct http_head *head);
    /* All of the body is there (or body_error says why not): answers now or later. */
    void (*handle)(struct http_request *req);
    /* The connection is gone; may be NULL. */
    void (*gone)(struct http_request *req);
    void (*fini)(struct http_request *req); /* it is being freed; may be NULL */
    /* What a request is told that is still open when its listener closes: a new response, and its status. */
    unsigned (*stopping)(struct MHD_Response **response);
};

/* Embedded by its owner. */
struct http {
    struct loop *loop;
    const struct http_ops *ops;
    void *ctx;
    struct list listeners; /* struct http_listener */
    struct list requests;  /* struct http_request: those that a handler holds */
    size_t body_bytes;     /* of all requests */
    struct timer sweep;    /* cuts connections that take too long */
    uint64_t cut_slow;     /* how many */
};

void http_init(struct http *http, struct loop *loop, const struct http_ops *ops, void *ctx);
/* Ends all listeners and connections: open requests are told `stopping`; those that a handler holds stay valid. */
void http_close(struct http *http);
/* After it: requests that are still held are on their own. */
void http_fini(struct http *http);
size_t http_connection_count(const struct http *http);

/* ---- listeners ---- */

/* Certificates and the key as PEM texts. */
struct http_tls {
    const char *certificate; /* with its chain */
    const char *key;
    const char *
        client_ca; /* authorities of clients' certificates, which are then asked for; NULL: are not */
};

struct http_settings {
    const char *name;    /* the word in the log: "server", "http" */
    const char *address; /* numeric, as listened on; NULL: a Unix socket */
    const char *path;    /* of a Unix socket, removed at the end; NULL: none */
    unsigned kind;       /* the owner's own word, told with each head */
    size_t pool_bytes;   /* memory of a connection: half of it is what one read takes */
    unsigned connections_max, per_address_max;
    unsigned idle_s;            /* without a byte in either direction */
    const struct http_tls *tls; /* NULL: plain */
};

struct http_listener;

/* Takes the listening socket over, also on error. Settings are copied. */
int http_listener_open(struct http *http, int fd, const struct http_settings *settings,
                       struct http_listener **out, struct err *err);
void http_listener_close(struct http_listener *listener);
size_t http_listener_connections(const struct http_listener *listener);

/* Sockets that listen: a numeric address (port 0: the system chooses; *bound says which), or a path, of mode 0660. A stale
 * socket file is replaced. Returns the descriptor, or a negative code with err saying what to do. */
int http_bind(const char *host, uint16_t port, uint16_t *bound, struct err *err);
int http_bind_unix(const char *path, struct err *err);

/* Appends DER bytes as PEM: "CERTIFICATE", "PRIVATE KEY". BUSBAR_EINVAL, BUSBAR_ENOMEM. */
int http_pem_put(struct buf *out, const char *word, const void *der, size_t size);

/* ---- a request ---- */

/* A header of the request ("Content-Encoding"); NULL when absent, or the connection is gone. */
const char *http_header(const struct http_request *req, const char *name);
/* All of them, in their order. */
typedef void (*http_header_cb)(void *ctx, const char *name, const char *value);
void http_headers(const struct http_request *req, http_header_cb cb, void *ctx);

/* The answer is in response and status: gives it to the connection, or drops it. The handler lets go. */
void http_answer(struct http_request *req);

/* Who the client proved to be (TLS with client_ca). Made once a connection, borrowed from it. */
struct http_certificate {
    bool given, trusted;
    char trouble[160]; /* why it is not trusted; "" */
    char name[128];    /* its common name */
    char others[512];  /* names, addresses and URIs in it, ", " between */
};
const struct http_certificate *http_certificate(const struct http_request *req);

/* ---- streams: answers whose data is made when there is some ---- */

/* Watches for the client going away, which a waiting connection would not notice. kernel_bytes: what the kernel may hold for
 * the reader; 0: what it likes. */
void http_stream_begin(struct http_request *req, int kernel_bytes);
/* Inside the reader: the client is gone, end the stream. */
bool http_stream_left(const struct http_request *req);
/* Inside the reader: nothing to send until http_stream_wake(). */
void http_stream_wait(struct http_request *req);
void http_stream_wake(struct http_request *req);

#endif
