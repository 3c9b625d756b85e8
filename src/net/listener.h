/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A listening socket: TCP, TLS or Unix. Loop thread only. Accepted streams are like opened ones (stream.h); over a
 * limit a connection is accepted and closed at once, and counted.
 *
 * Accepting rests when the process has nearly used up its descriptors: the connections that are there live on, and files
 * can still be opened.
 */
#ifndef BUSBAR_NET_LISTENER_H
#define BUSBAR_NET_LISTENER_H

#include <stdint.h>

#include "base/err.h"
#include "net/allow.h"
#include "net/stream.h"

struct listener;

/* Descriptors that accepting leaves to the rest of the process (of a limit below 1024 an eighth). */
enum { LISTENER_RESERVE = 128 };

struct listener_target {
    const char *host;        /* numeric address or "localhost"; NULL: 127.0.0.1 */
    uint16_t port;           /* 0: the system chooses, see listener_port() */
    const char *path;        /* Unix socket instead of host and port; a stale one is replaced */
    struct tls_context *tls; /* server context; NULL: plain */
    uint32_t streams_max;    /* 0: 1024 */
    uint32_t source_max;     /* connections of one address; 0: as many as of all */
    const struct allow
        *allow; /* who may connect; borrowed as long as it listens; NULL: everybody */
    uint32_t silence_timeout_ms; /* as in stream_target */
    size_t send_max;             /* as in stream_target */
};

struct listener_events {
    /* Call stream_take() before returning, or the stream is closed. `opened` follows: at once for TCP (before the
     * first data), after the handshake for TLS. */
    void (*accepted)(void *ctx, struct stream *stream);
    /* A connection that was closed at once; why: for people. May be NULL. */
    void (*refused)(void *ctx, const char *peer, const char *why);
};

/* Binds and listens. BUSBAR_EADDRINUSE, BUSBAR_EPERM (low port), BUSBAR_EHOST (not an address of this machine) ...; err names the address. */
int listener_open(struct loop *loop, const struct listener_target *target,
                  const struct listener_events *events, void *ctx, struct listener **out,
                  struct err *err);

uint16_t listener_port(const struct listener *listener);
uint64_t listener_refused(const struct listener *listener); /* over a limit, or not allowed */
size_t listener_streams(const struct listener *listener);   /* accepted, and not gone */
bool listener_rests(const struct listener *listener);       /* for want of descriptors */

/* No new streams; the accepted ones live on. The pointer is dead at once. NULL is fine. */
void listener_close(struct listener *listener);

#endif
