/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all kinds of streams share: the phases, the errors, and the promise that `closed` runs exactly once, last, and
 * from the loop. connecting -> open -> closing -> ended; every phase but the last may go to closing.
 */
#include "net/stream.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/err.h"
#include "base/str.h"
#include "net/loop_private.h"
#include "net/stream_private.h"

static void tell_closed(void *ctx)
{
    struct stream *stream = ctx;
    assert(stream->phase == STREAM_CLOSING);
    stream->phase = STREAM_ENDED;
    stream->loop->stats.streams--;
    if (stream->events != NULL && stream->events->closed != NULL) {
        stream->events->closed(stream->ctx, stream->error, stream->detail);
    }
    stream->ops->free(stream);
}

void stream_base_init(struct stream *stream, const struct stream_ops *ops, struct loop *loop,
                      const struct stream_events *events, void *ctx)
{
    *stream = (struct stream){ .ops = ops, .loop = loop, .events = events, .ctx = ctx };
    loop_deferred_init(&stream->ending, tell_closed, stream);
    loop->stats.streams++;
}

void stream_opened(struct stream *stream)
{
    assert(stream->phase == STREAM_CONNECTING);
    stream->phase = STREAM_OPEN;
    if (stream->events != NULL && stream->events->opened != NULL) {
        stream->events->opened(stream->ctx);
    }
}

void stream_received(struct stream *stream, const uint8_t *data, size_t size)
{
    assert(stream->phase == STREAM_OPEN && size > 0);
    stream->bytes_in += size;
    if (stream->events != NULL && stream->events->data != NULL) {
        stream->events->data(stream->ctx, data, size);
    }
}

void stream_failed(struct stream *stream, int error, const char *format, ...)
{
    if (stream->phase >= STREAM_CLOSING) {
        return;
    }
    va_list args;
    va_start(args, format);
    (void)vsnprintf(stream->detail, sizeof(stream->detail), format, args);
    va_end(args);
    stream->error = error;
    stream->phase = STREAM_CLOSING;
    stream->ops->close(stream);
}

void stream_ended(struct stream *stream)
{
    assert(stream->phase == STREAM_CLOSING);
    loop_defer(stream->loop, &stream->ending);
}

static bool target_makes_sense(const struct stream_target *target)
{
    switch (target->kind) {
    case STREAM_TCP: return target->host != NULL && target->port > 0;
    case STREAM_TLS: return target->host != NULL && target->port > 0 && target->tls != NULL;
    case STREAM_UNIX: return target->path != NULL && target->websocket_path == NULL;
    case STREAM_SERIAL:
        return target->websocket_path == NULL && target->serial.path != NULL &&
               target->serial.stop_bits <= 2 &&
               (target->serial.data_bits == 0 || target->serial.data_bits == 7 ||
                target->serial.data_bits == 8);
    }
    return false;
}

int stream_open(struct loop *loop, const struct stream_target *target,
                const struct stream_events *events, void *ctx, struct stream **out)
{
    struct stream_target full = *target;
    if (full.connect_timeout_ms == 0) {
        full.connect_timeout_ms = STREAM_CONNECT_TIMEOUT_MS;
    }
    if (full.silence_timeout_ms == 0) {
        full.silence_timeout_ms = STREAM_SILENCE_TIMEOUT_MS;
    }
    if (full.send_max == 0) {
        full.send_max = STREAM_SEND_MAX;
    }
    if (!target_makes_sense(&full)) {
        return BUSBAR_EINVAL;
    }
    if (full.websocket_path != NULL) {
        return stream_websocket_open(loop, &full, events, ctx, out);
    }
    if (loop->open_hook != NULL) {
        return loop->open_hook(loop->open_hook_ctx, loop, &full, events, ctx, out);
    }
    return full.kind == STREAM_TLS ? stream_tls_open(loop, &full, events, ctx, out)
                                   : stream_fd_open(loop, &full, events, ctx, out);
}

void stream_open_hook(struct loop *loop, stream_open_cb open, void *hook_ctx)
{
    loop->open_hook = open;
    loop->open_hook_ctx = hook_ctx;
}

int stream_send(struct stream *stream, const void *data, size_t size)
{
    if (stream->phase != STREAM_OPEN) {
        return BUSBAR_ENOTCONN;
    }
    int error = size > 0 ? stream->ops->send(stream, data, size) : 0;
    if (error == 0) {
        stream->bytes_out += size;
    }
    return error;
}

void stream_close(struct stream *stream)
{
    stream_failed(stream, 0, "closed by us");
}

void stream_pause(struct stream *stream, bool paused)
{
    if (stream->phase <= STREAM_OPEN) {
        stream->ops->pause(stream, paused);
    }
}

void stream_discard_input(struct stream *stream)
{
    if (stream->phase == STREAM_OPEN && stream->ops->discard != NULL) {
        stream->ops->discard(stream);
    }
}

void stream_ack_now(struct stream *stream)
{
    if (stream->phase == STREAM_OPEN && stream->ops->ack_now != NULL) {
        stream->ops->ack_now(stream);
    }
}

void stream_take(struct stream *stream, const struct stream_events *events, void *ctx)
{
    assert(stream->events == NULL);
    stream->events = events;
    stream->ctx = ctx;
}

bool stream_certificate(const struct stream *stream, struct stream_certificate *out)
{
    return stream->phase == STREAM_OPEN && stream->ops->certificate != NULL &&
           stream->ops->certificate(stream, out);
}

bool stream_is_open(const struct stream *stream)
{
    return stream->phase == STREAM_OPEN;
}

size_t stream_pending(const struct stream *stream)
{
    return stream->ops->pending(stream);
}

uint64_t stream_bytes_in(const struct stream *stream)
{
    return stream->bytes_in;
}

uint64_t stream_bytes_out(const struct stream *stream)
{
    return stream->bytes_out;
}

const char *stream_peer(const struct stream *stream)
{
    return stream->peer;
}
