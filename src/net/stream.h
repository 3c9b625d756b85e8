/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stream of bytes to one peer: TCP, TLS, serial line or Unix socket, all the same to the caller. Loop thread only.
 *
 * Life: stream_open() -> opened -> data ... -> closed. If stream_open() fails, no callback runs; else `closed` runs
 * exactly once and last, never from inside a call of yours, and the stream is gone when it returns. All other
 * callbacks may call stream_send() and stream_close().
 *
 * Sending gathers: bytes are copied to one pending buffer with a ceiling and written once a turn of the loop,
 * so several small frames sent in one callback leave in one segment. Receiving allocates nothing: the data
 * is in the loop's one read buffer, valid until the callback returns.
 */
#ifndef BUSBAR_NET_STREAM_H
#define BUSBAR_NET_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/loop.h"
#include "net/tls.h"

struct stream;
struct stream_ops;

enum stream_kind { STREAM_TCP, STREAM_TLS, STREAM_SERIAL, STREAM_UNIX };
enum stream_parity { STREAM_PARITY_NONE, STREAM_PARITY_EVEN, STREAM_PARITY_ODD };

enum {
    STREAM_DETAIL_MAX = 200,
    STREAM_SEND_MAX = 1 << 20,
    STREAM_READ_BYTES = 64 * 1024,
    STREAM_NAME_MAX = 128,
};

struct stream_serial {
    const char *path;  /* "/dev/ttyUSB0" */
    uint32_t baud;     /* any; 0: 9600 */
    uint8_t data_bits; /* 7 or 8; 0: 8 */
    uint8_t stop_bits; /* 1 or 2; 0: 1 */
    enum stream_parity parity;
};

/* What to connect to; copied by stream_open(). All-zero fields mean the default. */
struct stream_target {
    enum stream_kind kind;
    const char *host; /* TCP and TLS: name or numeric address */
    uint16_t port;
    const char *path; /* Unix socket */
    struct stream_serial serial;
    struct tls_context *tls; /* TLS: required */
    const char *server_name; /* TLS: name to check and send; NULL: host */
    const char *alpn;        /* TLS: protocols to offer (RFC 7301), by ','; NULL: none */
    /* TCP, TLS: WebSocket (RFC 6455) inside: what is sent and received are its messages' bytes. NULL: none; "/mqtt" */
    const char *websocket_path;
    const char *websocket_protocol; /* asked for; NULL: none */
    uint32_t connect_timeout_ms;    /* over lookup, all addresses and the TLS handshake; 0: 5000 */
    uint32_t
        silence_timeout_ms; /* TCP_USER_TIMEOUT and keep-alive: unacknowledged for so long is dead; 0: 30000 */
    size_t send_max; /* ceiling of the pending buffer; 0: STREAM_SEND_MAX */
};

/* All but `closed` may be NULL. */
struct stream_events {
    void (*opened)(void *ctx);
    void (*data)(void *ctx, const uint8_t *data, size_t size); /* size > 0 */
    void (*drained)(
        void *ctx); /* the pending buffer, once refused for its ceiling, is empty again */
    /* TCP: the peer sends no more, but may still receive: close it when nothing is owed. NULL: it is closed at once. */
    void (*ended)(void *ctx);
    void (*closed)(
        void *ctx, int error,
        const char *detail); /* 0 after stream_close(); detail for a person, never NULL */
};

/* BUSBAR_EINVAL for a target that makes no sense; a serial port that cannot be opened comes as `closed`. */
int stream_open(struct loop *loop, const struct stream_target *target,
                const struct stream_events *events, void *ctx, struct stream **out);

/* Copies. BUSBAR_ELIMIT: does not fit under the ceiling, nothing was taken. BUSBAR_ENOTCONN: before `opened`, or
 * after stream_close() or a failure. BUSBAR_ENOMEM. */
int stream_send(struct stream *stream, const void *data, size_t size);

/* Writes what is pending with one more try, then closes. Idempotent. No data comes any more; `closed` follows. */
void stream_close(struct stream *stream);

/* Stops and resumes receiving (back-pressure to the peer). */
void stream_pause(struct stream *stream, bool paused);

/* Serial: forgets what was received and not yet told (line noise before a request). Others: nothing. */
void stream_discard_input(struct stream *stream);

/* TCP: acknowledges at once what was received. A peer that holds small answers back until the one before is acknowledged
 * (Nagle) then sends the rest now, not after our delayed acknowledgement (40 ms). Others: nothing. */
void stream_ack_now(struct stream *stream);

/* Gives an accepted stream to its owner; see listener.h. */
void stream_take(struct stream *stream, const struct stream_events *events, void *ctx);

/* What the peer's certificate says; texts are printable, cut where they are too long. */
struct stream_certificate {
    char common_name[STREAM_NAME_MAX]; /* of the subject; "" = none */
    char
        names[4 *
              STREAM_NAME_MAX]; /* alternative names: hosts, addresses, URIs, mails; ", " between */
};
/* False: it is no TLS, or the peer showed none. Between `opened` and `closed`. */
bool stream_certificate(const struct stream *stream, struct stream_certificate *out);

bool stream_is_open(const struct stream *stream);   /* between opened and closing */
size_t stream_pending(const struct stream *stream); /* bytes not yet given to the kernel */
uint64_t stream_bytes_in(const struct stream *stream);
uint64_t stream_bytes_out(const struct stream *stream);

/* "192.168.1.7:502", "/dev/ttyUSB0"; the target's text before it is known. Valid as long as the stream. */
const char *stream_peer(const struct stream *stream);

/* ---- For kinds of streams (net/) and for the fake stream of the tests ---- */

struct stream_ops {
    int (*send)(struct stream *stream, const void *data, size_t size);
    void (*close)(struct stream *
                      stream); /* release the resources; stream_ended() follows, at once or later */
    void (*pause)(struct stream *stream, bool paused);
    void (*discard)(struct stream *stream); /* NULL: nothing to do */
    void (*ack_now)(struct stream *stream); /* NULL: nothing to do */
    bool (*certificate)(const struct stream *stream,
                        struct stream_certificate *out); /* NULL: none */
    size_t (*pending)(const struct stream *stream);
    void (*free)(struct stream *stream); /* after `closed` */
};

enum stream_phase { STREAM_CONNECTING, STREAM_OPEN, STREAM_CLOSING, STREAM_ENDED };

/* The part all kinds embed first. */
struct stream {
    const struct stream_ops *ops;
    struct loop *loop;
    const struct stream_events *events;
    void *ctx;
    enum stream_phase phase;
    int error;
    uint64_t bytes_in;
    uint64_t bytes_out;
    struct loop_deferred ending;
    char peer[112];
    char detail[STREAM_DETAIL_MAX];
};

void stream_base_init(struct stream *stream, const struct stream_ops *ops, struct loop *loop,
                      const struct stream_events *events, void *ctx);
void stream_opened(struct stream *stream);                                     /* tells it */
void stream_received(struct stream *stream, const uint8_t *data, size_t size); /* tells it */

/* A failure: keeps the first error and detail, then closes. */
void stream_failed(struct stream *stream, int error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Resources are gone: `closed` runs before the loop waits again, then ops->free. Once. */
void stream_ended(struct stream *stream);

/* Tests: from now on stream_open() on this loop asks `open` instead of the network; NULL: back. */
typedef int (*stream_open_cb)(void *hook_ctx, struct loop *loop, const struct stream_target *target,
                              const struct stream_events *events, void *ctx, struct stream **out);
void stream_open_hook(struct loop *loop, stream_open_cb open, void *hook_ctx);

#endif
