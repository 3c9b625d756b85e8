/* SPDX-License-Identifier: Apache-2.0 */
/* A kind of stream whose other end are the functions of the header. Peers outlive their streams, so a test can look back. */
#include "support/fake_stream.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

enum { SENT_MAX = 1 << 20 };

struct fake_stream {
    struct stream base;
    struct fake_peer *peer;
};

struct fake_peer {
    struct fake_stream *stream; /* NULL once it ended */
    struct stream_target target;
    struct buf sent;
    int send_error;
    bool paused;
};

struct fake_net {
    struct loop *loop;
    struct fake_peer **peers;
    size_t count;
    int refuse;
};

static struct fake_peer *peer_of(const struct stream *stream)
{
    return ((const struct fake_stream *)stream)->peer;
}

static int fake_send(struct stream *stream, const void *data, size_t size)
{
    struct fake_peer *peer = peer_of(stream);
    return peer->send_error != 0 ? peer->send_error : buf_append(&peer->sent, data, size);
}

static void fake_close(struct stream *stream)
{
    stream_ended(stream);
}

static void fake_pause(struct stream *stream, bool paused)
{
    peer_of(stream)->paused = paused;
}

static size_t fake_pending(const struct stream *stream)
{
    (void)stream;
    return 0;
}

static void fake_free(struct stream *stream)
{
    peer_of(stream)->stream = NULL;
    busbar_free(stream);
}

static const struct stream_ops fake_ops = {
    .send = fake_send,
    .close = fake_close,
    .pause = fake_pause,
    .pending = fake_pending,
    .free = fake_free,
};

static void copy_target(struct stream_target *to, const struct stream_target *from)
{
    *to = *from;
    to->host = busbar_strdup(from->host);
    to->path = busbar_strdup(from->path);
    to->server_name = busbar_strdup(from->server_name);
    to->alpn = busbar_strdup(from->alpn);
    to->serial.path = busbar_strdup(from->serial.path);
}

static int fake_open(void *hook_ctx, struct loop *loop, const struct stream_target *target,
                     const struct stream_events *events, void *ctx, struct stream **out)
{
    struct fake_net *net = hook_ctx;
    if (net->refuse != 0) {
        return net->refuse;
    }
    struct fake_peer *peer = busbar_alloc(sizeof(*peer));
    peer->stream = busbar_alloc(sizeof(*peer->stream));
    peer->stream->peer = peer;
    copy_target(&peer->target, target);
    buf_init(&peer->sent, SENT_MAX);
    stream_base_init(&peer->stream->base, &fake_ops, loop, events, ctx);
    (void)str_copy(peer->stream->base.peer, sizeof(peer->stream->base.peer), "fake");
    net->peers = busbar_realloc(net->peers, (net->count + 1) * sizeof(*net->peers));
    net->peers[net->count++] = peer;
    *out = &peer->stream->base;
    return 0;
}

struct fake_net *fake_net_new(struct loop *loop)
{
    struct fake_net *net = busbar_alloc(sizeof(*net));
    net->loop = loop;
    stream_open_hook(loop, fake_open, net);
    return net;
}

void fake_net_free(struct fake_net *net)
{
    stream_open_hook(net->loop, NULL, NULL);
    for (size_t i = 0; i < net->count; i++) {
        struct fake_peer *peer = net->peers[i];
        assert_null(peer->stream);
        busbar_free((void *)(uintptr_t)peer->target.host);
        busbar_free((void *)(uintptr_t)peer->target.path);
        busbar_free((void *)(uintptr_t)peer->target.server_name);
        busbar_free((void *)(uintptr_t)peer->target.alpn);
        busbar_free((void *)(uintptr_t)peer->target.serial.path);
        buf_fini(&peer->sent);
        busbar_free(peer);
    }
    busbar_free(net->peers);
    busbar_free(net);
}

size_t fake_net_count(const struct fake_net *net)
{
    return net->count;
}

struct fake_peer *fake_net_peer(const struct fake_net *net, size_t index)
{
    assert_true(index < net->count);
    return net->peers[index];
}

struct fake_peer *fake_net_last(const struct fake_net *net)
{
    return fake_net_peer(net, net->count - 1);
}

void fake_net_refuse(struct fake_net *net, int error)
{
    net->refuse = error;
}

const struct stream_target *fake_peer_target(const struct fake_peer *peer)
{
    return &peer->target;
}

void fake_peer_accept(struct fake_peer *peer)
{
    assert_non_null(peer->stream);
    stream_opened(&peer->stream->base);
}

void fake_peer_send(struct fake_peer *peer, const void *data, size_t size)
{
    assert_non_null(peer->stream);
    /* an exact-size copy, freed after the call: a client that keeps the pointer is found by ASan */
    uint8_t *copy = busbar_alloc(size);
    memcpy(copy, data, size);
    stream_received(&peer->stream->base, copy, size);
    busbar_free(copy);
}

void fake_peer_fail(struct fake_peer *peer, int error, const char *detail)
{
    if (peer->stream != NULL) {
        stream_failed(&peer->stream->base, error, "%s", detail);
    }
}

const uint8_t *fake_peer_sent(const struct fake_peer *peer, size_t *size)
{
    *size = peer->sent.size;
    return peer->sent.data;
}

void fake_peer_drop(struct fake_peer *peer, size_t size)
{
    buf_consume(&peer->sent, size);
}

void fake_peer_expect(struct fake_peer *peer, const void *data, size_t size)
{
    assert_int_equal(peer->sent.size, size);
    assert_memory_equal(peer->sent.data, data, size);
    fake_peer_drop(peer, size);
}

void fake_peer_expect_nothing(struct fake_peer *peer)
{
    assert_int_equal(peer->sent.size, 0);
}

bool fake_peer_closed(const struct fake_peer *peer)
{
    return peer->stream == NULL || peer->stream->base.phase >= STREAM_CLOSING;
}

void fake_peer_drain(struct fake_peer *peer)
{
    const struct stream *stream = &peer->stream->base;
    if (stream->events->drained != NULL) {
        stream->events->drained(stream->ctx);
    }
}

bool fake_peer_paused(const struct fake_peer *peer)
{
    return peer->paused;
}

void fake_peer_send_error(struct fake_peer *peer, int error)
{
    peer->send_error = error;
}
