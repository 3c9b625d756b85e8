/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of http/ share of the server's side: listeners and connections. */
#ifndef BUSBAR_HTTP_HTTP_PARTS_H
#define BUSBAR_HTTP_HTTP_PARTS_H

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>

#include "http/http.h"
#include "net/loop.h"

enum http_phase {
    HTTP_PHASE_FIRST_HEAD, /* with the handshake of TLS */
    HTTP_PHASE_HEAD,
    HTTP_PHASE_BODY,
    HTTP_PHASE_BULK, /* a body that may be large */
    HTTP_PHASE_HANDLER,
    HTTP_PHASE_SEND,
    HTTP_PHASE_STREAM,
};

struct http_listener {
    struct list link;
    struct http *http;
    unsigned kind;
    struct MHD_Daemon *daemon;
    struct loop_fd *watch;
    struct timer timer;        /* when libmicrohttpd wants to be run next */
    struct loop_deferred soon; /* run it before the loop waits */
    struct list connections;
    size_t connection_count;
    char name[16];
    char address[INET6_ADDRSTRLEN]; /* "" for a Unix socket */
    char *path;
    char *certificate, *key, *client_ca; /* PEM; NULL: plain */
    bool closing;
};

struct http_connection {
    struct list link;
    struct http_listener *listener;
    struct MHD_Connection *mhd;
    struct loop_fd *watch;                /* the client's end, while its request is worked on */
    struct http_request *request;         /* that one */
    struct http_certificate *certificate; /* when it was asked for */
    int fd;
    bool left; /* the client is gone */
    enum http_phase phase;
    int64_t since_us;
    char *target; /* as it came: path and query */
    size_t target_room;
    char who[64], from[64];
};

/* connection.c: what libmicrohttpd calls; ctx is the listener. */
enum MHD_Result http_on_request(void *ctx, struct MHD_Connection *mhd, const char *url,
                                const char *method, const char *version, const char *data,
                                size_t *size, void **request);
void http_on_completed(void *ctx, struct MHD_Connection *mhd, void **request,
                       enum MHD_RequestTerminationCode reason);
void http_on_connection(void *ctx, struct MHD_Connection *mhd, void **slot,
                        enum MHD_ConnectionNotificationCode code);
void *http_on_target(void *ctx, const char *target, struct MHD_Connection *mhd);
/* Cuts those that have taken too long for what they are doing. */
void http_connections_sweep(struct http_listener *listener, int64_t now_us);
/* The suspended connection of a request goes on. */
void http_resume(struct http_request *req);

/* request.c */
struct http_request *http_request_new(struct http_connection *connection);
/* The connection lets go. */
void http_request_completed(struct http_request *req);

/* peer.c: TCP: who "local", from the numeric address. Unix socket: the peer's user name as in /etc/passwd (else "uid
 * 1000"), from "unix". */
void http_peer_name(int fd, char *who, size_t who_size, char *from, size_t from_size);

#endif
