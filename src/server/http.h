/* SPDX-License-Identifier: Apache-2.0 */
/* Listeners: a bound socket, its libmicrohttpd daemon, and the loop that turns it. */
#ifndef BUSBAR_SERVER_HTTP_H
#define BUSBAR_SERVER_HTTP_H

#include "server/core.h"

/* Takes the listening socket over, also on error. address: numeric, for the Host check; NULL for a
 * Unix socket, whose path is removed at the end. */
int http_listener_open(struct server *server, enum server_kind kind, int fd, const char *address,
                       const char *path, struct err *err);
/* Ends all listeners and connections; open requests are answered 503. */
void http_close(struct server *server);
/* Closes connections that have taken too long for what they are doing. */
void http_sweep(struct server *server);

/* The answer is in response and status: gives it to the connection, or drops it. */
void http_answer(struct server_request *req);

/* ---- streams: answers whose data is made when there is some ---- */

/* Watches for the client going away, which a waiting connection would not notice. kernel_bytes: what the
 * kernel may hold for the reader; 0: what it likes. */
void http_stream_begin(struct server_request *req, int kernel_bytes);
/* Inside the reader: the client is gone, end the stream. */
bool http_stream_left(const struct server_request *req);
/* Inside the reader: nothing to send until http_stream_wake(). */
void http_stream_wait(struct server_request *req);
void http_stream_wake(struct server_request *req);

#endif
