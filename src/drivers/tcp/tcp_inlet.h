/* SPDX-License-Identifier: Apache-2.0 */
/* From a stream to messages, one after another: cuts, ends what a gap ends, and when there is no room for a message keeps
 * it with what came behind it, and stops the stream until there is. */
#ifndef BUSBAR_DRIVERS_TCP_TCP_INLET_H
#define BUSBAR_DRIVERS_TCP_TCP_INLET_H

#include "drivers/tcp/tcp_frame.h"
#include "net/stream.h"
#include "net/timer.h"

struct tcp_inlet_ops {
    /* False: there is no room for it now; it comes again. */
    bool (*message)(void *ctx, const uint8_t *data, size_t size);
    void (*bad)(void *ctx, const uint8_t *data, size_t size, const char *why, bool lost);
    bool (*wanted)(void *ctx); /* false: no more of it */
    void (*settled)(
        void *ctx); /* all that came was told, later than in tcp_inlet_feed(); may be NULL */
};

struct tcp_inlet {
    struct tcp_frame frame;
    struct buf held;
    size_t held_size; /* of the message that is kept; 0: none */
    struct timer timer;
    struct stream *stream; /* that is stopped */
    const struct tcp_inlet_ops *ops;
    void *ctx;
};

void tcp_inlet_init(struct tcp_inlet *inlet, struct loop *loop, const struct tcp_frame_rule *rule,
                    const struct tcp_inlet_ops *ops, void *ctx);
void tcp_inlet_stop(struct tcp_inlet *inlet); /* no call any more */
void tcp_inlet_fini(struct tcp_inlet *inlet);
/* A new stream of the same kind: what was begun is forgotten. */
void tcp_inlet_reset(struct tcp_inlet *inlet);

void tcp_inlet_feed(struct tcp_inlet *inlet, struct stream *stream, const uint8_t *data,
                    size_t size);
/* A datagram of its own: nothing of it is kept, so what there is no room for is gone. */
void tcp_inlet_feed_datagram(struct tcp_inlet *inlet, const uint8_t *data, size_t size);
/* No more comes: ends what a gap would end. False: a message has begun and is not whole (inlet->frame.part). */
bool tcp_inlet_end(struct tcp_inlet *inlet);
/* Whether a message has begun; what a gap ends is none. */
bool tcp_inlet_begun(const struct tcp_inlet *inlet);

#endif
