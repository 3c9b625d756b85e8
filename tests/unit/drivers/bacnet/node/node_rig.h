/* SPDX-License-Identifier: Apache-2.0 */
/* A BACnet/IP network in memory: nodes at 10.0.0.N that are real, all others are the test. A filter
 * loses, repeats or holds back frames; what goes to an address that is no node is kept for the
 * test. The clock is fake. */
#ifndef BUSBAR_TESTS_NODE_RIG_H
#define BUSBAR_TESTS_NODE_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "drivers/bacnet/node/node.h"
#include "drivers/bacnet/service/who_is.h"
#include "drivers/bacnet/wire/apdu.h"
#include "drivers/bacnet/wire/bvlc.h"
#include "drivers/bacnet/wire/npdu.h"
#include "drivers/bacnet/wire/route.h"

enum { RIG_NODES = 4, RIG_FRAMES = 1024, RIG_BIG = BACNET_MESSAGE_MAX + 4096 };

enum rig_fate { RIG_PASS, RIG_LOSE, RIG_TWICE, RIG_LATER };

struct rig_frame {
    struct endpoint from, to;
    size_t size;
    uint8_t data[BACNET_FRAME_MAX];
};

struct rig;

/* A node with a handler that answers as the test says. */
struct rig_node {
    struct rig *rig;
    struct endpoint at;
    struct bacnet_node *node;
    void (*asked)(struct rig_node *self,
                  struct bacnet_request *request); /* NULL: keeps it in `last` */
    struct bacnet_request *last;
    unsigned asked_count, told_count, heard_count, frames, foreign_count;
    uint8_t told_service;
    bool told_broadcast;
    struct bacnet_address told_from, told_to, asked_from, asked_to;
    struct bacnet_heard heard;
    struct bacnet_address heard_other;
    uint8_t data[RIG_BIG]; /* of the last request */
    size_t size;
    unsigned dropped;
    enum bacnet_drop last_drop;
};

struct rig {
    struct loop *loop;
    struct rig_node nodes[RIG_NODES];
    unsigned count;
    struct rig_frame *queue; /* RIG_FRAMES */
    size_t queued;
    struct rig_frame *out; /* to nobody, RIG_FRAMES */
    size_t out_count;
    enum rig_fate (*filter)(struct rig *rig, const struct rig_frame *frame);
    unsigned sent; /* frames ever put on the wire */
    unsigned lose; /* used by filters */
    uint64_t random;
    int send_error; /* != 0: what every send returns */
};

static inline struct endpoint rig_ip(unsigned last)
{
    return (struct endpoint){ .family = 4, .ip = { 10, 0, 0, (uint8_t)last }, .port = BACNET_PORT };
}

static inline struct bacnet_address rig_address(unsigned last)
{
    return (struct bacnet_address){ .ip = rig_ip(last) };
}

/* ---- the wire ---- */

static inline int rig_send(void *ctx, const struct endpoint *to, const void *data, size_t size)
{
    struct rig_node *self = ctx;
    struct rig *rig = self->rig;
    assert_true(size <= BACNET_FRAME_MAX);
    assert_true(rig->queued < RIG_FRAMES);
    if (rig->send_error != 0) {
        return rig->send_error;
    }
    rig->sent++;
    struct rig_frame *frame = &rig->queue[rig->queued++];
    frame->from = self->at;
    frame->to = *to;
    frame->size = size;
    memcpy(frame->data, data, size);
    return 0;
}

static inline void rig_deliver(struct rig *rig, const struct rig_frame *frame)
{
    bool broadcast = frame->to.ip[3] == 255;
    bool anybody = false;
    for (unsigned i = 0; i < rig->count; i++) {
        struct rig_node *node = &rig->nodes[i];
        if (node->node != NULL && (broadcast || endpoint_equal(&node->at, &frame->to))) {
            uint8_t *copy = malloc(frame->size + 1); /* exact, so that ASan sees more */
            assert_non_null(copy);
            uint8_t *exact = realloc(copy, frame->size > 0 ? frame->size : 1);
            memcpy(exact, frame->data, frame->size);
            bacnet_node_receive(node->node, &frame->from, exact, frame->size, broadcast);
            free(exact);
            anybody = true;
        }
    }
    if (broadcast || !anybody) {
        assert_true(rig->out_count < RIG_FRAMES);
        rig->out[rig->out_count++] = *frame;
    }
}

/* Delivers what is on the wire, and what that makes, until it is quiet. */
static inline void rig_run(struct rig *rig)
{
    struct rig_frame frame;
    for (unsigned turns = 0; rig->queued > 0; turns++) {
        assert_true(turns < 100000);
        frame = rig->queue[0];
        rig->queued--;
        memmove(rig->queue, rig->queue + 1, rig->queued * sizeof(frame));
        switch (rig->filter != NULL ? rig->filter(rig, &frame) : RIG_PASS) {
        case RIG_LOSE: break;
        case RIG_TWICE:
            rig_deliver(rig, &frame);
            rig_deliver(rig, &frame);
            break;
        case RIG_LATER:
            if (rig->queued > 0) {
                rig_deliver(rig, &rig->queue[0]);
                rig->queued--;
                memmove(rig->queue, rig->queue + 1, rig->queued * sizeof(frame));
            }
            rig_deliver(rig, &frame);
            break;
        default: rig_deliver(rig, &frame); break;
        }
    }
    loop_advance_for_test(rig->loop, 0);
}

/* Time passes, the wire runs. */
static inline void rig_pass(struct rig *rig, int64_t ms)
{
    rig_run(rig);
    int64_t end_us = clock_mono_us() + ms * CLOCK_US_PER_MS;
    while (clock_mono_us() < end_us) {
        int64_t step_us = end_us - clock_mono_us();
        loop_advance_for_test(rig->loop, step_us < 10000 ? step_us : 10000);
        rig_run(rig);
    }
}

/* ---- handlers ---- */

static inline void rig_asked(void *ctx, struct bacnet_request *request)
{
    struct rig_node *self = ctx;
    self->asked_count++;
    self->last = request;
    self->asked_from = *request->from;
    self->asked_to = *request->to;
    self->size = bytes_left(&request->data);
    assert_true(self->size <= sizeof(self->data));
    if (self->size > 0) {
        memcpy(self->data, request->data.at, self->size);
    }
    if (self->asked != NULL) {
        self->asked(self, request);
    }
}

static inline void rig_told(void *ctx, const struct bacnet_notice *notice)
{
    struct rig_node *self = ctx;
    self->told_count++;
    self->told_service = notice->service;
    self->told_broadcast = notice->broadcast;
    self->told_from = *notice->from;
    self->told_to = *notice->to;
}

static inline void rig_heard(void *ctx, const struct bacnet_heard *heard)
{
    struct rig_node *self = ctx;
    self->heard_count++;
    self->heard = *heard;
    self->heard_other = heard->other != NULL ? *heard->other : (struct bacnet_address){ 0 };
}

static inline void rig_frame_seen(void *ctx, struct bacnet_peer *peer, bool sent,
                                  const struct endpoint *at, const void *data, size_t size)
{
    struct rig_node *self = ctx;
    (void)peer;
    (void)sent;
    (void)at;
    assert_non_null(data);
    assert_true(size <= BACNET_FRAME_MAX);
    self->frames++;
}

static inline void rig_dropped(void *ctx, struct bacnet_peer *peer, const struct endpoint *at,
                               enum bacnet_drop drop, const void *data, size_t size)
{
    struct rig_node *self = ctx;
    (void)peer;
    (void)at;
    (void)data;
    (void)size;
    self->dropped++;
    self->last_drop = drop;
}

static inline void rig_foreign(void *ctx)
{
    ((struct rig_node *)ctx)->foreign_count++;
}

static const struct bacnet_node_events rig_events = {
    .asked = rig_asked,
    .told = rig_told,
    .heard = rig_heard,
    .frame = rig_frame_seen,
    .dropped = rig_dropped,
    .foreign = rig_foreign,
};

/* ---- life ---- */

static inline struct rig *rig_new(void)
{
    clock_fake_set(CLOCK_US_PER_S, CLOCK_US_PER_S);
    struct rig *rig = calloc(1, sizeof(*rig));
    assert_non_null(rig);
    rig->loop = loop_new();
    rig->queue = calloc(RIG_FRAMES, sizeof(*rig->queue));
    rig->out = calloc(RIG_FRAMES, sizeof(*rig->out));
    assert_non_null(rig->queue);
    assert_non_null(rig->out);
    return rig;
}

/* The node at 10.0.0.(its number + 1). config may be NULL; its addresses and send are set here. */
static inline struct rig_node *rig_add(struct rig *rig, const struct bacnet_node_config *config)
{
    assert_true(rig->count < RIG_NODES);
    struct rig_node *self = &rig->nodes[rig->count++];
    self->rig = rig;
    self->at = rig_ip(rig->count);
    struct bacnet_node_config own = config != NULL ? *config : (struct bacnet_node_config){ 0 };
    own.local = self->at;
    own.broadcast = own.bbmd.family != 0 ? own.broadcast : rig_ip(255);
    own.send = rig_send;
    struct err err = { 0 };
    assert_int_equal(bacnet_node_open(rig->loop, &own, &rig_events, self, &self->node, &err), 0);
    return self;
}

static inline void rig_close(struct rig_node *self)
{
    bacnet_node_close(self->node);
    self->node = NULL;
}

static inline void rig_free(struct rig *rig)
{
    rig_run(rig);
    for (unsigned i = 0; i < rig->count; i++) {
        rig_close(&rig->nodes[i]);
    }
    loop_advance_for_test(rig->loop, 0);
    loop_free(rig->loop);
    clock_fake_off();
    free(rig->queue);
    free(rig->out);
    free(rig);
}

/* ---- asks ---- */

struct rig_ask {
    struct bacnet_ask ask;
    unsigned count; /* how often it was answered */
    struct bacnet_answer answer;
    uint8_t *data;
    size_t size;
    void (*then)(struct rig_ask *self);
    void *ctx;
    unsigned order;
    unsigned *orders;
};

static inline void rig_answered(struct bacnet_ask *ask, const struct bacnet_answer *answer)
{
    struct rig_ask *self = (struct rig_ask *)(void *)ask;
    self->count++;
    self->answer = *answer;
    self->size = bytes_left(&answer->data);
    free(self->data);
    self->data = malloc(self->size + 1);
    assert_non_null(self->data);
    if (self->size > 0) {
        memcpy(self->data, answer->data.at, self->size);
    }
    if (self->orders != NULL) {
        self->order = ++*self->orders;
    }
    if (self->then != NULL) {
        self->then(self);
    }
}

static inline void rig_ask_init(struct rig_ask *self, uint8_t service, const void *data,
                                size_t size)
{
    *self = (struct rig_ask){ .ask = { .service = service,
                                       .data = data,
                                       .size = size,
                                       .retries = BACNET_RETRIES,
                                       .answered = rig_answered } };
}

static inline void rig_ask_fini(struct rig_ask *self)
{
    free(self->data);
}

static inline struct bacnet_peer *rig_peer(struct rig_node *self, unsigned last)
{
    struct bacnet_peer_config config = { .instance = BACNET_INSTANCE_MAX,
                                         .address = rig_address(last) };
    return bacnet_peer_get(self->node, &config);
}

static inline struct bacnet_peer *rig_device(struct rig_node *self, uint32_t instance)
{
    struct bacnet_peer_config config = { .instance = instance };
    return bacnet_peer_get(self->node, &config);
}

static inline uint64_t rig_drops(const struct rig_node *self, enum bacnet_drop drop)
{
    struct bacnet_counts counts;
    bacnet_node_counts(self->node, &counts);
    return counts.dropped[drop];
}

/* ---- frames by hand ---- */

/* An APDU as the node with this last byte would send it, by unicast or (to_all) broadcast. from
 * NULL: no SNET. */
static inline void rig_inject_apdu(struct rig_node *to, const struct endpoint *at,
                                   const struct bacnet_mac *from, bool to_all,
                                   const struct bacnet_apdu *apdu)
{
    uint8_t data[BACNET_FRAME_MAX];
    struct bytes_out out = bytes_out_of(data, sizeof(data));
    bacnet_put_bvlc(&out, &(struct bacnet_bvlc){ .function = to_all ? BACNET_BVLC_BROADCAST
                                                                    : BACNET_BVLC_UNICAST });
    struct bacnet_npdu npdu = { .has_from = from != NULL };
    if (from != NULL) {
        npdu.from = *from;
    }
    bacnet_put_npdu(&out, &npdu);
    bacnet_put_apdu(&out, apdu);
    bacnet_end_bvlc(&out, 0);
    bacnet_node_receive(to->node, at, data, bytes_out_size(&out), to_all);
}

static inline void rig_inject_route(struct rig_node *to, const struct endpoint *at,
                                    const struct bacnet_route_message *message)
{
    uint8_t data[BACNET_FRAME_MAX];
    struct bytes_out out = bytes_out_of(data, sizeof(data));
    bacnet_put_bvlc(&out, &(struct bacnet_bvlc){ .function = BACNET_BVLC_UNICAST });
    bacnet_put_npdu(&out, &(struct bacnet_npdu){ .is_message = true, .message = message->message });
    bacnet_put_route_message(&out, message);
    bacnet_end_bvlc(&out, 0);
    bacnet_node_receive(to->node, at, data, bytes_out_size(&out), false);
}

static inline void rig_inject_bvlc(struct rig_node *to, const struct endpoint *at,
                                   const struct bacnet_bvlc *bvlc)
{
    uint8_t data[BACNET_FRAME_MAX];
    struct bytes_out out = bytes_out_of(data, sizeof(data));
    bacnet_put_bvlc(&out, bvlc);
    bacnet_end_bvlc(&out, 0);
    bacnet_node_receive(to->node, at, data, bytes_out_size(&out), false);
}

/* An I-Am of a device; from a remote network when `from` is given. */
static inline void rig_inject_i_am(struct rig_node *to, const struct endpoint *at,
                                   const struct bacnet_mac *from, uint32_t instance,
                                   uint16_t max_apdu, uint8_t segmentation)
{
    uint8_t data[BACNET_I_AM_MAX];
    struct bytes_out out = bytes_out_of(data, sizeof(data));
    struct bacnet_i_am i_am = {
        .instance = instance, .max_apdu = max_apdu, .segmentation = segmentation, .vendor = 7
    };
    bacnet_put_i_am(&out, &i_am);
    struct bacnet_apdu apdu = { .type = BACNET_PDU_UNCONFIRMED,
                                .service = BACNET_I_AM,
                                .data = bytes_of(data, bytes_out_size(&out)) };
    rig_inject_apdu(to, at, from, true, &apdu);
}

struct rig_parsed {
    struct bacnet_bvlc bvlc;
    struct bacnet_npdu npdu;
    struct bacnet_apdu apdu;
    struct bacnet_route_message route;
};

/* Reads a frame that went to nobody; asserts that it is sound. */
static inline struct rig_parsed rig_parse(const struct rig_frame *frame)
{
    struct rig_parsed parsed = { 0 };
    struct bytes in = bytes_of(frame->data, frame->size);
    assert_int_equal(bacnet_get_bvlc(&in, &parsed.bvlc), 0);
    if (parsed.bvlc.function < BACNET_BVLC_DISTRIBUTE &&
        parsed.bvlc.function != BACNET_BVLC_FORWARDED) {
        return parsed;
    }
    struct bytes npdu = parsed.bvlc.data;
    assert_int_equal(bacnet_get_npdu(&npdu, &parsed.npdu), 0);
    struct bytes body = parsed.npdu.data;
    if (parsed.npdu.is_message) {
        assert_int_equal(bacnet_get_route_message(&body, parsed.npdu.message, &parsed.route), 0);
    } else {
        assert_int_equal(bacnet_get_apdu(&body, &parsed.apdu), 0);
    }
    return parsed;
}

static inline struct rig_parsed rig_last_out(const struct rig *rig)
{
    assert_true(rig->out_count > 0);
    return rig_parse(&rig->out[rig->out_count - 1]);
}

static inline void rig_fill(uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        data[i] = (uint8_t)(i * 7 + i / 251);
    }
}

#endif
