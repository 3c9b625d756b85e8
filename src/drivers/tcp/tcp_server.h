/* SPDX-License-Identifier: Apache-2.0 */
/* A listener: its socket, the devices that read what comes in, the connections to it. One of `listeners:` lives as long as
 * the setup that names it, one that a device says inline as long as devices that say the same. */
#ifndef BUSBAR_DRIVERS_TCP_TCP_SERVER_H
#define BUSBAR_DRIVERS_TCP_TCP_SERVER_H

#include "drivers/tcp/tcp_routes.h"
#include "drivers/tcp/tcp_state.h"
#include "net/datagram.h"
#include "net/listener.h"
#include "net/timer.h"

enum { TCP_SEND_MAX = 64 * 1024 /* bytes that a device may leave unread */ };

struct tcp_owed;

struct tcp_server {
    struct list link; /* in the driver's state */
    struct tcp_driver_state *state;
    struct tcp_config *config;
    char *name; /* "panels", or its address */
    bool part;
    unsigned users; /* devices */

    struct listener *listener;
    struct datagram *datagram;
    struct allow *allow; /* NULL: everybody */
    struct tcp_routes routes;
    struct tcp_match first;
    struct list connections;
    struct timer retry;
    struct err trouble;    /* why it does not listen; code 0: it does */
    struct tcp_owed *owed; /* UDP: acknowledgements, in order */
    struct buf ack, nack;  /* as they are sent; ack: empty when each message has its own */
    uint64_t messages, refused, dropped;
};

struct tcp_server *tcp_server_new(struct tcp_driver_state *state, const char *name, bool part,
                                  const struct tcp_config *config);
/* With its connections; its devices have left. */
void tcp_server_free(struct tcp_server *server);
/* Of a part by its name, or of the inline settings; made where there is none. NULL: there is no such part. */
struct tcp_server *tcp_server_get(struct tcp_driver_state *state,
                                  const struct tcp_device_config *config);
/* Listens; where it cannot it tries again, and tells its devices when that changes. */
void tcp_server_open(struct tcp_server *server);
bool tcp_server_is_open(const struct tcp_server *server);

int tcp_server_join(struct tcp_server *server, struct tcp_device *device, struct err *err);
/* Frees it with its last device, unless it is a part. */
void tcp_server_leave(struct tcp_server *server, struct tcp_device *device);

/* Who sent a message. */
enum { TCP_FIELDS_MAX = 4 };
struct tcp_sender {
    const char *source; /* "10.0.3.7" */
    struct payload_field fields[TCP_FIELDS_MAX];
    size_t field_count;
};
void tcp_sender_field(struct tcp_sender *sender, const char *where, const char *name,
                      const char *text);
/* As feed_take(). */
int tcp_server_take(struct tcp_server *server, const struct tcp_sender *sender, const void *data,
                    size_t size, int64_t receive_us, feed_done_cb done, void *ctx,
                    struct feed_verdict *verdict);
/* The acknowledgement of a message that was of this device (NULL: of several, or none); for where `ack` is empty. */
int tcp_server_print_ack(const struct tcp_server *server, const struct device *dev,
                         int64_t receive_us, struct buf *out);
/* "10.0.3.7" out of "10.0.3.7:4711", "::1" out of "[::1]:4711". */
void tcp_source(const char *peer, char *to, size_t size);
/* What was refused before it could be read. */
void tcp_server_refuse(struct tcp_server *server, const char *source, const void *data, size_t size,
                       const char *why);

/* ---- tcp_datagrams.c ---- */
int tcp_datagrams_open(struct tcp_server *server, struct err *err);
void tcp_datagrams_close(struct tcp_server *server);

#endif
