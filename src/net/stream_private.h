/* SPDX-License-Identifier: Apache-2.0 */
/* Private to net/: how the kinds of streams are made. */
#ifndef BUSBAR_NET_STREAM_PRIVATE_H
#define BUSBAR_NET_STREAM_PRIVATE_H

#include "base/map.h"
#include "net/stream.h"

enum { STREAM_CONNECT_TIMEOUT_MS = 5000, STREAM_SILENCE_TIMEOUT_MS = 30000 };

/* TCP, Unix and serial: connects to the target. Defaults are filled in already. */
int stream_fd_open(struct loop *loop, const struct stream_target *target,
                   const struct stream_events *events, void *ctx, struct stream **out);

/* How many streams of a listener live; shared by the listener and them, freed with the last of all. */
struct accept_quota {
    size_t open;
    bool listening;
    struct map64 sources; /* of struct accept_source; empty where nobody counts them */
};

/* The streams of one address. */
struct accept_source {
    uint64_t key;
    size_t open;
};

/* Frees it when nobody has it any more. */
void accept_quota_drop(struct accept_quota *quota);

/* An accepted socket; owns fd, and one of source->open (NULL: nobody counts). Begins with stream_start_accepted(). */
struct stream *stream_fd_accept(struct loop *loop, int fd, const char *peer, size_t send_max,
                                struct accept_quota *quota, struct accept_source *source);

/* `drained` will run when all is written, as if a send had been refused. */
void stream_fd_owe_drained(struct stream *stream);

/* TLS over a TCP stream of its own. */
int stream_tls_open(struct loop *loop, const struct stream_target *target,
                    const struct stream_events *events, void *ctx, struct stream **out);

/* WebSocket over a TCP or TLS stream of its own. */
int stream_websocket_open(struct loop *loop, const struct stream_target *target,
                          const struct stream_events *events, void *ctx, struct stream **out);

/* TLS, server side, over an accepted stream, which it owns from now on. */
struct stream *stream_tls_accept(struct loop *loop, struct tls_context *tls, struct stream *inner,
                                 size_t send_max);

/* Room that TLS needs in the buffer of the stream below, beyond the ceiling of its own sends. */
enum { STREAM_TLS_SLACK_BYTES = 64 * 1024 };

/* An accepted descriptor's stream is open from now on, and its owner is told. */
void stream_start_accepted(struct stream *stream);

#endif
