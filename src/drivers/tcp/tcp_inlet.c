/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/tcp/tcp_inlet.h"

enum { BUSY_MS = 2 };

/* ---- what the frame tells ---- */

static bool on_message(void *ctx, const uint8_t *data, size_t size)
{
    struct tcp_inlet *inlet = ctx;
    if (inlet->ops->message(inlet->ctx, data, size)) {
        return inlet->ops->wanted(inlet->ctx);
    }
    if (inlet->stream == NULL) {
        return true;
    }
    buf_clear(&inlet->held);
    inlet->held_size = buf_append(&inlet->held, data, size) == 0 ? size : 0;
    if (inlet->held_size > 0) {
        stream_pause(inlet->stream, true);
        timer_start(&inlet->timer, BUSY_MS, 0);
    } else {
        inlet->ops->bad(inlet->ctx, data, size, "out of memory", true);
    }
    return false;
}

static bool on_bad(void *ctx, const uint8_t *data, size_t size, const char *why, bool lost)
{
    struct tcp_inlet *inlet = ctx;
    inlet->ops->bad(inlet->ctx, data, size, why, lost);
    return inlet->ops->wanted(inlet->ctx);
}

static const struct tcp_frame_events events = { .message = on_message, .bad = on_bad };

/* ---- feeding ---- */

static void cut(struct tcp_inlet *inlet, const uint8_t *data, size_t size)
{
    size_t taken = 0;
    bool more = tcp_frame_feed(&inlet->frame, data, size, &events, inlet, &taken);
    if (!more && inlet->held_size > 0 &&
        buf_append(&inlet->held, data + taken, size - taken) != 0) {
        inlet->ops->bad(inlet->ctx, data, size, "out of memory", true);
    }
}

void tcp_inlet_feed(struct tcp_inlet *inlet, struct stream *stream, const uint8_t *data,
                    size_t size)
{
    const struct tcp_frame_rule *rule = inlet->frame.rule;
    inlet->stream = stream;
    cut(inlet, data, size);
    if (rule->kind == TCP_FRAME_GAP && inlet->ops->wanted(inlet->ctx)) {
        timer_start_us(&inlet->timer, rule->gap_us, 0);
    }
}

void tcp_inlet_feed_datagram(struct tcp_inlet *inlet, const uint8_t *data, size_t size)
{
    inlet->stream = NULL;
    if (tcp_frame_feed(&inlet->frame, data, size, &events, inlet, NULL)) {
        tcp_frame_rest(&inlet->frame, &events, inlet);
    }
}

/* What there was no room for, once more. */
static void take_held(struct tcp_inlet *inlet)
{
    struct buf held = inlet->held;
    size_t size = inlet->held_size;
    buf_init(&inlet->held, held.max);
    inlet->held_size = 0;
    if (on_message(inlet, held.data, size)) {
        cut(inlet, held.data + size, held.size - size);
    } else if (inlet->held_size > 0) {
        (void)buf_append(&inlet->held, held.data + size, held.size - size);
    }
    buf_fini(&held);
    if (inlet->held_size == 0 && inlet->ops->wanted(inlet->ctx)) {
        stream_pause(inlet->stream, false);
    }
}

static void on_timer(struct timer *timer, void *ctx)
{
    struct tcp_inlet *inlet = ctx;
    (void)timer;
    if (inlet->held_size > 0) {
        take_held(inlet);
    } else {
        (void)tcp_frame_gap(&inlet->frame, &events, inlet);
    }
    if (inlet->held_size == 0 && inlet->ops->settled != NULL && inlet->ops->wanted(inlet->ctx)) {
        inlet->ops->settled(inlet->ctx);
    }
}

bool tcp_inlet_end(struct tcp_inlet *inlet)
{
    if (inlet->frame.rule->kind == TCP_FRAME_GAP && inlet->held_size == 0) {
        return tcp_frame_gap(&inlet->frame, &events, inlet);
    }
    return inlet->held_size > 0 || inlet->frame.part.size == 0;
}

bool tcp_inlet_begun(const struct tcp_inlet *inlet)
{
    return inlet->frame.rule->kind != TCP_FRAME_GAP && tcp_frame_begun(&inlet->frame);
}

/* ---- life ---- */

void tcp_inlet_init(struct tcp_inlet *inlet, struct loop *loop, const struct tcp_frame_rule *rule,
                    const struct tcp_inlet_ops *ops, void *ctx)
{
    inlet->ops = ops;
    inlet->ctx = ctx;
    inlet->held_size = 0;
    inlet->stream = NULL;
    tcp_frame_init(&inlet->frame, rule);
    buf_init(&inlet->held, (size_t)TCP_FRAME_LIMIT + STREAM_READ_BYTES);
    timer_init(&inlet->timer, loop, on_timer, inlet);
}

void tcp_inlet_stop(struct tcp_inlet *inlet)
{
    timer_stop(&inlet->timer);
}

void tcp_inlet_reset(struct tcp_inlet *inlet)
{
    const struct tcp_frame_rule *rule = inlet->frame.rule;
    timer_stop(&inlet->timer);
    tcp_frame_fini(&inlet->frame);
    tcp_frame_init(&inlet->frame, rule);
    buf_clear(&inlet->held);
    inlet->held_size = 0;
}

void tcp_inlet_fini(struct tcp_inlet *inlet)
{
    timer_stop(&inlet->timer);
    tcp_frame_fini(&inlet->frame);
    buf_fini(&inlet->held);
}
