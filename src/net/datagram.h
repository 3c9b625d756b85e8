/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A UDP socket. Loop thread only. Sends go straight to the kernel; what it cannot take now is lost
 * and said (BUSBAR_EAGAIN), as datagrams are. Receiving allocates nothing: the data is in the
 * loop's one read buffer. An IPv4 broadcast address (10.0.1.255) may be bound as well: such a
 * socket hears what is sent to all there.
 */
#ifndef BUSBAR_NET_DATAGRAM_H
#define BUSBAR_NET_DATAGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "net/address.h"
#include "net/loop.h"

struct datagram;

/* What we sent did not arrive: the network says so (ICMP; anybody may forge it), or what was queued could not be sent.
 * error: BUSBAR_ECONNREFUSED (no program has that port), BUSBAR_EROUTE ... data: the beginning of the datagram, or all of
 * it, or nothing. */
typedef void (*datagram_refused_cb)(void *ctx, const struct endpoint *to, const uint8_t *data,
                                    size_t size, int error);

struct datagram_options {
    const char *host;  /* numeric local address; NULL: any v4; "::": any v6, and only v6 */
    uint16_t port;     /* 0: the system chooses */
    bool broadcast;    /* may send to broadcast addresses */
    bool reuse;        /* several processes may share the port */
    int receive_bytes; /* socket buffer; 0: the system's */
    size_t
        size_max; /* what is longer is cut to it; 0: 64 KiB. Small ones are taken many at a time */
    /* Many are taken at a time all the same, into a buffer of its own of 2 MiB, of which only what is used takes memory.
     * size_max is 64 KiB then. */
    bool many;
    /* Nothing is taken before datagram_begin(): until then it waits in the receive buffer. */
    bool held;
    datagram_refused_cb refused; /* NULL: nobody asks */
};

/* size may be 0. Valid until it returns. */
typedef void (*datagram_cb)(void *ctx, const struct endpoint *from, const uint8_t *data,
                            size_t size);

/* BUSBAR_EADDRINUSE, BUSBAR_EPERM, BUSBAR_EINVAL ...; err names the address. */
int datagram_open(struct loop *loop, const struct datagram_options *options, datagram_cb cb,
                  void *ctx, struct datagram **out, struct err *err);

/* Of a socket that was opened `held`: what came and what comes is taken. Once too often is harmless. */
void datagram_begin(struct datagram *datagram);

/* 0, BUSBAR_EAGAIN, BUSBAR_EROUTE, BUSBAR_ETOOBIG ... */
int datagram_send(struct datagram *datagram, const struct endpoint *to, const void *data,
                  size_t size);

/* The same, but gathered until the loop's turn ends, and sent with others in one call. Needs `refused`, which is told of
 * what cannot be sent. 0, or BUSBAR_EAGAIN: as many as can be are gathered, and the kernel takes none now. */
int datagram_queue(struct datagram *datagram, const struct endpoint *to, const void *data,
                   size_t size);

/* Datagrams that the kernel dropped because the receive buffer was full, since it was opened, as
 * far as known: it is told with the next one that arrives. NULL: 0. */
uint64_t datagram_lost(const struct datagram *datagram);

uint16_t datagram_port(const struct datagram *datagram);

/* Joins an IPv4 or IPv6 multicast group on the default interface. */
int datagram_join(struct datagram *datagram, const struct endpoint *group);

/* Joins an IPv4 group on the card that has this address. Joining twice is fine. */
int datagram_join_on(struct datagram *datagram, const struct endpoint *group,
                     const struct endpoint *card);

/* What is sent to IPv4 groups goes out by the card that has this address, with time to live 255, and is heard on this
 * machine as well. */
int datagram_send_by(struct datagram *datagram, const struct endpoint *card);

/* No callback after this; the pointer is dead at once. NULL is fine. */
void datagram_close(struct datagram *datagram);

#endif
