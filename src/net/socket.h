/* SPDX-License-Identifier: Apache-2.0 */
/* Private to net/: socket addresses, options and name lookup, shared by streams, listeners and datagrams. */
#ifndef BUSBAR_NET_SOCKET_H
#define BUSBAR_NET_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "net/address.h"
#include "net/loop.h"

enum { SOCKET_ADDRESSES_MAX = 8 };

struct socket_address {
    socklen_t size;
    struct sockaddr_storage storage;
};

void socket_from_endpoint(const struct endpoint *endpoint, struct socket_address *out);
void socket_to_endpoint(const struct sockaddr_storage *storage, struct endpoint *out);

/* BUSBAR_EINVAL: the path does not fit. */
int socket_from_path(const char *path, struct socket_address *out);

/* "10.0.0.1:502", or the path of a Unix socket. */
size_t socket_format(char *to, size_t size, const struct socket_address *address);

/* A non-blocking stream socket with our options; fd or BUSBAR_ code. */
int socket_stream(int family, uint32_t silence_timeout_ms);

/* No delay, keep-alive and TCP_USER_TIMEOUT; harmless on others than TCP. */
void socket_set_options(int fd, uint32_t silence_timeout_ms);

/* TCP_QUICKACK: see stream_ack_now(). */
void socket_ack_now(int fd);

/* The pending error of a socket as a code, 0 for none. */
int socket_error(int fd);

uint16_t socket_local_port(int fd);

/* Name -> addresses, off the loop. cb runs once on the loop, unless canceled; never before lookup_start()
 * returned. NULL: the name is too long. A numeric address needs none: see endpoint_parse(). */
struct lookup;
typedef void (*lookup_cb)(void *ctx, int error, const struct socket_address *addresses,
                          size_t count);
struct lookup *lookup_start(struct loop *loop, const char *host, uint16_t port, lookup_cb cb,
                            void *ctx);
void lookup_cancel(struct lookup *lookup); /* NULL is fine */

#endif
