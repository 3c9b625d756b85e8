/* SPDX-License-Identifier: Apache-2.0 */
/* One connection of a device to a listener. */
#ifndef BUSBAR_DRIVERS_TCP_TCP_CONNECTION_H
#define BUSBAR_DRIVERS_TCP_TCP_CONNECTION_H

#include "drivers/tcp/tcp_acks.h"
#include "drivers/tcp/tcp_inlet.h"
#include "drivers/tcp/tcp_server.h"
#include "net/stream.h"

struct tcp_connection {
    struct list link; /* in the server; alone when the server is gone */
    struct tcp_server *server;
    struct stream *stream; /* NULL: closed; it lives on while messages wait for the disk */
    struct tcp_inlet inlet;
    struct timer timer;
    struct tcp_acks acks;
    size_t waiting; /* messages whose acknowledgement has not been told by the feed */
    struct tcp_sender sender;
    char source[64];
    char *first; /* its first message, or the id in it */
    struct stream_certificate *certificate;
    struct list devices; /* struct tcp_device that last spoke on it: where writes to them go */
    int64_t opened_us, heard_us, begun_us, sent_us; /* monotonic; begun: of the message under way */
    int64_t deaf_us; /* since when it does not read what it is sent; 0: it does */
    int64_t opened_wall_us, receive_us;
    uint64_t messages, refused;
    unsigned bad; /* in a row */
    bool logged_in, ended, ending;
};

void tcp_connection_begin(struct tcp_server *server, struct stream *stream);
/* For writes: sends and starts the time of the keep-alive anew. As stream_send(). */
int tcp_connection_send(struct tcp_connection *connection, const void *data, size_t size);
void tcp_connection_end_all(struct tcp_server *server);

#endif
