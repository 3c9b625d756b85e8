/* SPDX-License-Identifier: Apache-2.0 */
/*
 * WebSocket, client side, as a stream over a stream (TCP or TLS): what is sent becomes a binary message each, what comes in
 * binary messages is told as bytes, in place, whatever frames they were cut into. Pings are answered here.
 *
 * The end: the inner stream's `closed` is what ends this one, whoever began.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/str.h"
#include "net/address.h"
#include "net/stream_private.h"
#include "net/timer.h"
#include "net/websocket.h"

enum { CLOSE_NORMAL = 1000, CLOSE_PROTOCOL = 1002, PATH_MAX_BYTES = 4096 };

struct websocket_stream {
    struct stream base;
    struct stream *inner; /* NULL once it ended */
    struct timer handshake;
    uint32_t timeout_ms;
    char host[ADDRESS_TEXT_MAX];
    char *path, *protocol;
    char key[WEBSOCKET_KEY_SIZE + 1];
    uint64_t masks;  /* drawn from a keyed hash of this; begins anywhere */
    struct buf in;   /* the server's answer; then the head of a frame that is not all there */
    struct buf out;  /* a frame */
    bool shaken;     /* the WebSocket is open */
    bool in_message; /* a message that is not final began */
    bool in_frame;
    struct websocket_head frame; /* when in_frame: what is left of it */
    struct buf control;
};

static struct websocket_stream *of(struct stream *stream)
{
    return (struct websocket_stream *)stream;
}

/* ---- sending ---- */

static int send_frame(struct websocket_stream *self, uint8_t opcode, const void *data, size_t size)
{
    struct websocket_head head = { .final = true, .masked = true, .opcode = opcode, .size = size };
    self->masks++;
    uint64_t random = hash_keyed(&self->masks, sizeof(self->masks));
    uint8_t bytes[WEBSOCKET_HEAD_MAX];
    struct bytes_out out = bytes_out_of(bytes, sizeof(bytes));
    memcpy(head.mask, &random, sizeof(head.mask));
    websocket_put_head(&out, &head);
    buf_clear(&self->out);
    (void)buf_append(&self->out, bytes, bytes_out_size(&out));
    uint8_t *payload = buf_reserve(&self->out, size);
    if (payload == NULL) {
        return BUSBAR_ELIMIT;
    }
    if (size > 0) {
        memcpy(payload, data, size);
        websocket_mask(payload, size, head.mask, 0);
    }
    buf_commit(&self->out, size);
    return stream_send(self->inner, self->out.data, self->out.size);
}

static void send_close(struct websocket_stream *self, uint16_t code)
{
    uint8_t bytes[] = { (uint8_t)(code >> 8), (uint8_t)code };
    (void)send_frame(self, WEBSOCKET_CLOSE, bytes, sizeof(bytes));
}

static int websocket_send(struct stream *stream, const void *data, size_t size)
{
    return send_frame(of(stream), WEBSOCKET_BINARY, data, size);
}

/* ---- receiving ---- */

static void broke(struct websocket_stream *self, const char *how)
{
    send_close(self, CLOSE_PROTOCOL);
    stream_failed(&self->base, BUSBAR_EPROTO, "%s broke the WebSocket protocol: %s",
                  self->base.peer, how);
}

static void take_control(struct websocket_stream *self)
{
    const struct buf *control = &self->control;
    if (self->frame.opcode == WEBSOCKET_PING) {
        (void)send_frame(self, WEBSOCKET_PONG, control->data, control->size);
    } else if (self->frame.opcode == WEBSOCKET_CLOSE) {
        struct bytes in = bytes_of(control->data, control->size);
        uint16_t code = bytes_get_u16(&in);
        size_t size = str_utf8_cut((const char *)in.at, bytes_left(&in), WEBSOCKET_CONTROL_MAX);
        send_close(self, code != 0 ? code : CLOSE_NORMAL);
        stream_failed(&self->base, BUSBAR_ECLOSED, "%s: closed by the peer (WebSocket %u%s%.*s)",
                      self->base.peer, code, size > 0 ? ": " : "", (int)size, (const char *)in.at);
    }
    buf_clear(&self->control);
}

static void begin_frame(struct websocket_stream *self)
{
    const struct websocket_head *frame = &self->frame;
    self->in_frame = true;
    if (frame->masked) {
        broke(self, "a server does not mask");
    } else if (frame->opcode == WEBSOCKET_TEXT) {
        broke(self, "a text message, where only binary ones are");
    } else if (frame->opcode < WEBSOCKET_CLOSE &&
               (frame->opcode == WEBSOCKET_MORE) != self->in_message) {
        broke(self, "the parts of a message are mixed up");
    }
}

static void end_frame(struct websocket_stream *self)
{
    self->in_frame = false;
    if (self->frame.opcode >= WEBSOCKET_CLOSE) {
        take_control(self);
    } else {
        self->in_message = !self->frame.final;
    }
}

/* A byte after the other, at most WEBSOCKET_HEAD_MAX of them; returns how many were used. */
static size_t take_head(struct websocket_stream *self, const uint8_t *data, size_t size)
{
    for (size_t used = 0; used < size;) {
        (void)buf_append_byte(&self->in, data[used++]);
        struct bytes in = bytes_of(self->in.data, self->in.size);
        int error = websocket_get_head(&in, &self->frame);
        if (error == BUSBAR_ESHORT) {
            continue;
        }
        buf_clear(&self->in);
        if (error != 0) {
            broke(self, "a frame that is not allowed");
        } else {
            begin_frame(self);
        }
        return used;
    }
    return size;
}

static size_t take_payload(struct websocket_stream *self, const uint8_t *data, size_t size)
{
    size_t used = self->frame.size < size ? (size_t)self->frame.size : size;
    self->frame.size -= used;
    if (used > 0 && self->frame.opcode >= WEBSOCKET_CLOSE) {
        (void)buf_append(&self->control, data, used);
    } else if (used > 0) {
        stream_received(&self->base, data, used);
    }
    return used;
}

static void take_frames(struct websocket_stream *self, const uint8_t *data, size_t size)
{
    while (self->base.phase == STREAM_OPEN && (size > 0 || self->in_frame)) {
        size_t used = 0;
        if (!self->in_frame) {
            used = take_head(self, data, size);
        } else if (self->frame.size > 0) {
            used = take_payload(self, data, size);
        }
        data += used;
        size -= used;
        if (self->base.phase == STREAM_OPEN && self->in_frame && self->frame.size == 0) {
            end_frame(self);
        } else if (size == 0) {
            return;
        }
    }
}

/* ---- the handshake ---- */

static void inner_opened(void *ctx)
{
    struct websocket_stream *self = ctx;
    struct buf request;
    (void)str_copy(self->base.peer, sizeof(self->base.peer), stream_peer(self->inner));
    websocket_new_key(self->key);
    timer_start(&self->handshake, self->timeout_ms, 0);
    buf_init(&request, PATH_MAX_BYTES + 1024);
    int error = websocket_put_request(&request, self->host, self->path, self->key, self->protocol);
    if (error == 0) {
        error = stream_send(self->inner, request.data, request.size);
    }
    buf_fini(&request);
    if (error != 0) {
        stream_failed(&self->base, error, "%s: %s", self->base.peer, err_text(error));
    }
}

static void open_with(struct websocket_stream *self, size_t head_size)
{
    struct err err = { 0 };
    if (websocket_check_answer((const char *)self->in.data, head_size, self->key, self->protocol,
                               &err) != 0) {
        stream_failed(&self->base, BUSBAR_EPROTO, "%s: %s; look at the path '%s' and the port",
                      self->base.peer, err.message, self->path);
        return;
    }
    timer_stop(&self->handshake);
    buf_clear(&self->in);
    self->shaken = true;
    stream_opened(&self->base);
}

/* Looks for the empty line that ends the answer; returns how many of the new bytes are of it. */
static size_t take_answer(struct websocket_stream *self, const uint8_t *data, size_t size)
{
    for (size_t used = 0; used < size;) {
        (void)buf_append_byte(&self->in, data[used++]);
        if (self->in.size >= 4 && memcmp(self->in.data + self->in.size - 4, "\r\n\r\n", 4) == 0) {
            open_with(self, self->in.size);
            return used;
        }
        if (self->in.size == WEBSOCKET_ANSWER_MAX) {
            stream_failed(&self->base, BUSBAR_EPROTO,
                          "%s: the answer that should open a WebSocket has no end within %d bytes",
                          self->base.peer, WEBSOCKET_ANSWER_MAX);
            return size;
        }
        if (self->in.size == 5 && memcmp(self->in.data, "HTTP/", 5) != 0) {
            stream_failed(&self->base, BUSBAR_EPROTO,
                          "%s does not speak HTTP, so no WebSocket can be opened; look at the port",
                          self->base.peer);
            return size;
        }
    }
    return size;
}

static void inner_data(void *ctx, const uint8_t *data, size_t size)
{
    struct websocket_stream *self = ctx;
    if (self->base.phase == STREAM_CONNECTING) {
        size_t used = take_answer(self, data, size);
        data += used;
        size -= used;
    }
    if (self->base.phase == STREAM_OPEN && size > 0) {
        take_frames(self, data, size);
    }
}

static void inner_drained(void *ctx)
{
    struct websocket_stream *self = ctx;
    if (self->base.phase == STREAM_OPEN && self->base.events != NULL &&
        self->base.events->drained != NULL) {
        self->base.events->drained(self->base.ctx);
    }
}

static void inner_closed(void *ctx, int error, const char *detail)
{
    struct websocket_stream *self = ctx;
    self->inner = NULL;
    if (self->base.phase >= STREAM_CLOSING) {
        stream_ended(&self->base);
    } else {
        stream_failed(&self->base, error, "%s", detail);
    }
}

static const struct stream_events inner_events = {
    .opened = inner_opened,
    .data = inner_data,
    .drained = inner_drained,
    .closed = inner_closed,
};

static void on_handshake_timeout(struct timer *timer, void *ctx)
{
    (void)timer;
    struct websocket_stream *self = ctx;
    stream_failed(&self->base, BUSBAR_ETIMEOUT, "%s: WebSocket not opened within %u ms",
                  self->base.peer, self->timeout_ms);
}

/* ---- the stream ---- */

static void websocket_close(struct stream *stream)
{
    struct websocket_stream *self = of(stream);
    timer_stop(&self->handshake);
    if (self->inner == NULL) {
        stream_ended(stream);
        return;
    }
    if (stream->error == 0 && self->shaken) {
        send_close(self, CLOSE_NORMAL);
    }
    stream_close(self->inner);
}

static void websocket_pause(struct stream *stream, bool paused)
{
    stream_pause(of(stream)->inner, paused);
}

static size_t websocket_pending(const struct stream *stream)
{
    const struct stream *inner = ((const struct websocket_stream *)stream)->inner;
    return inner != NULL ? stream_pending(inner) : 0;
}

static void websocket_free(struct stream *stream)
{
    struct websocket_stream *self = of(stream);
    buf_fini(&self->in);
    buf_fini(&self->out);
    buf_fini(&self->control);
    busbar_free(self->path);
    busbar_free(self->protocol);
    busbar_free(self);
}

static const struct stream_ops websocket_ops = {
    .send = websocket_send,
    .close = websocket_close,
    .pause = websocket_pause,
    .pending = websocket_pending,
    .free = websocket_free,
};

int stream_websocket_open(struct loop *loop, const struct stream_target *target,
                          const struct stream_events *events, void *ctx, struct stream **out)
{
    if (target->websocket_path[0] != '/' || strlen(target->websocket_path) > PATH_MAX_BYTES ||
        strpbrk(target->websocket_path, " \r\n") != NULL) {
        return BUSBAR_EINVAL;
    }
    struct websocket_stream *self = busbar_alloc(sizeof(*self));
    struct address address = { .port = target->port };
    (void)str_copy(address.host, sizeof(address.host), target->host);
    (void)address_format(self->host, sizeof(self->host), &address);
    self->path = busbar_strdup(target->websocket_path);
    self->protocol = busbar_strdup(target->websocket_protocol);
    self->timeout_ms = target->connect_timeout_ms;
    self->masks = hash_entropy();
    buf_init(&self->in, WEBSOCKET_ANSWER_MAX);
    buf_init(&self->out, target->send_max + WEBSOCKET_HEAD_MAX);
    buf_init(&self->control, WEBSOCKET_CONTROL_MAX);
    timer_init(&self->handshake, loop, on_handshake_timeout, self);
    struct stream_target inner = *target;
    inner.websocket_path = NULL;
    inner.websocket_protocol = NULL;
    int error = stream_open(loop, &inner, &inner_events, self, &self->inner);
    if (error != 0) {
        websocket_free(&self->base);
        return error;
    }
    stream_base_init(&self->base, &websocket_ops, loop, events, ctx);
    (void)str_copy(self->base.peer, sizeof(self->base.peer), self->host);
    *out = &self->base;
    return 0;
}
