/* SPDX-License-Identifier: Apache-2.0 */
/* Simulated devices of the TCP driver, over TCP, TLS and UDP.
 *
 *   sim_tcp.c         devices, commands, faults
 *   sim_tcp_frame.c   messages in frames (the other direction of drivers/tcp/tcp_frame.h; pure)
 *   sim_tcp_send.c    those that connect to the gateway's listener, and wait for its acknowledgements
 *   sim_tcp_answer.c  those that the gateway connects to: they speak by themselves, answer, and obey */
#ifndef BUSBAR_SIM_SIM_TCP_H
#define BUSBAR_SIM_SIM_TCP_H

#include "drivers/tcp/tcp_config.h"
#include "net/datagram.h"
#include "net/listener.h"
#include "sim/sim_private.h"
#include "sim/sim_talk.h"

const struct sim_ops *sim_tcp(void);

enum { SIM_TCP_TEXT_MAX = 64 * 1024, SIM_TCP_WAITING_MAX = 1000 };

struct sim_tcp_state {
    struct list places; /* struct sim_tcp_place */
    uint64_t random;
};

struct sim_tcp_call;
struct sim_tcp_place;

struct sim_tcp_device { /* sd->state */
    struct list link;   /* place->devices */
    struct sim_device *sd;
    struct sim_tcp_state *state;
    struct tcp_config *config; /* owned */
    struct sim_talk talk;
    struct timer timer;  /* speaks */
    struct timer events; /* something happens */
    enum sim_fault_kind was;
    struct list late;
    uint64_t told, acknowledged, again;

    /* it connects to the gateway */
    struct stream *stream;     /* NULL: not connected */
    struct sim_tcp_call *call; /* of the stream */
    struct datagram *datagram; /* UDP */
    struct endpoint to;
    struct tls_context *tls;
    struct timer retry, patience;
    struct list waiting; /* frames; the first is on its way when an acknowledgement is waited for */
    size_t waiting_count;
    struct buf in;
    bool open, on_way;

    /* the gateway connects to it */
    struct sim_tcp_place *place;
};

/* ---- sim_tcp_frame.c ---- */
/* Appends the message in its frame. */
void sim_tcp_frame(const struct tcp_frame_rule *rule, const void *data, size_t size,
                   struct buf *out);
/* The size of a message in a frame, with what ends it, at the beginning of these bytes; 0: it is not whole. Only of rules that
 * end by a text; of others all there is. */
size_t sim_tcp_frame_end(const struct tcp_frame_rule *rule, const uint8_t *data, size_t size);

/* ---- sim_tcp_send.c ---- */
int sim_tcp_sender_open(struct sim_tcp_device *device, struct err *err);
void sim_tcp_sender_close(struct sim_tcp_device *device);
void sim_tcp_sender_send(struct sim_tcp_device *device, const struct buf *frame);
void sim_tcp_sender_cut(struct sim_tcp_device *device); /* ends the connection; it connects again */

/* ---- sim_tcp_answer.c ---- */
int sim_tcp_place_get(struct sim_tcp_device *device, struct err *err);
void sim_tcp_place_drop(struct sim_tcp_place *place);
struct list *sim_tcp_place_devices(struct sim_tcp_place *place);
void sim_tcp_place_send(struct sim_tcp_place *place,
                        const struct buf *frame); /* to all that are connected */
void sim_tcp_place_cut(struct sim_tcp_place *place);
void sim_tcp_place_down(struct sim_tcp_place *place, bool down);

/* ---- sim_tcp.c ---- */
/* What was sent to a device: appends the answer, in frames. */
void sim_tcp_hear(struct sim_tcp_device *device, const void *data, size_t size, struct buf *answer);
/* Whether a place of this text begins with what one of its points asks; its size, or 0. */
size_t sim_tcp_asked(struct sim_tcp_device *device, const void *data, size_t size);

#endif
