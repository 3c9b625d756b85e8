/* SPDX-License-Identifier: Apache-2.0 */
/* A network for fuzzers of clients: each stream that the client opens leads to the fuzzer, which hears what is
 * sent and says what it likes by stream_received() and the like. One stream at a time: the last one opened. */
#ifndef BUSBAR_TESTS_SCRIPTED_NET_H
#define BUSBAR_TESTS_SCRIPTED_NET_H

#include <string.h>

#include "base/alloc.h"
#include "net/stream.h"

struct scripted_net {
    struct stream *stream;                    /* NULL: there is none */
    void (*opened)(struct scripted_net *net); /* may be NULL */
    void (*heard)(struct scripted_net *net, const uint8_t *data, size_t size);
};

static inline struct scripted_net *scripted_net_of(struct stream *stream)
{
    return *(struct scripted_net **)(stream + 1);
}

static int scripted_net_send(struct stream *stream, const void *data, size_t size)
{
    struct scripted_net *net = scripted_net_of(stream);
    if (net->stream == stream) {
        net->heard(net, data, size);
    }
    return 0;
}

static void scripted_net_close(struct stream *stream)
{
    stream_ended(stream);
}

static void scripted_net_pause(struct stream *stream, bool paused)
{
    (void)stream, (void)paused;
}

static size_t scripted_net_pending(const struct stream *stream)
{
    (void)stream;
    return 0;
}

static void scripted_net_free(struct stream *stream)
{
    struct scripted_net *net = scripted_net_of(stream);
    net->stream = net->stream == stream ? NULL : net->stream;
    busbar_free(stream);
}

/* For the loop's hook of streams; ctx: a struct scripted_net. */
static int scripted_net_open(void *ctx, struct loop *loop, const struct stream_target *target,
                             const struct stream_events *events, void *events_ctx,
                             struct stream **out)
{
    static const struct stream_ops ops = { .send = scripted_net_send,
                                           .close = scripted_net_close,
                                           .pause = scripted_net_pause,
                                           .pending = scripted_net_pending,
                                           .free = scripted_net_free };
    struct scripted_net *net = ctx;
    (void)target;
    net->stream = busbar_alloc(sizeof(struct stream) + sizeof(net));
    memcpy(net->stream + 1, &net, sizeof(net));
    if (net->opened != NULL) {
        net->opened(net);
    }
    stream_base_init(net->stream, &ops, loop, events, events_ctx);
    *out = net->stream;
    return 0;
}

#endif
