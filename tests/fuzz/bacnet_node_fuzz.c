/* SPDX-License-Identifier: Apache-2.0 */
/* A hostile network against a whole BACnet node, while asks are open and requests are kept. The
 * input is a script: raw datagrams from arbitrary addresses, APDUs and network messages in sound
 * frames, answers that fit (and their segments), time, cancelling, asking again, late replies.
 * Whatever happens: each ask is answered at most once, tables stay in their limits, nothing is left
 * in the end. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "drivers/bacnet/node/node.h"
#include "drivers/bacnet/service/who_is.h"
#include "drivers/bacnet/wire/apdu.h"
#include "drivers/bacnet/wire/bvlc.h"
#include "drivers/bacnet/wire/npdu.h"
#include "drivers/bacnet/wire/route.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ASKS = 4, KEPT = 8, STEPS_MAX = 300, SERVED = 7, REMOTE = 8, DEVICE = 2001 };

struct asker {
    struct bacnet_ask ask;
    struct bacnet_peer *peer;
    unsigned asked, answered;
};

struct net {
    struct loop *loop;
    struct bacnet_node *node;
    struct asker askers[ASKS];
    struct bacnet_request *kept[KEPT];
    uint8_t invoke, service; /* of the last confirmed request that was sent */
    struct endpoint asked;   /* where it went */
};

static uint8_t message[BACNET_MESSAGE_MAX];

static struct endpoint ip(uint8_t last)
{
    return (struct endpoint){ .family = 4, .ip = { 10, 0, 0, last }, .port = BACNET_PORT };
}

/* ---- what the node does ---- */

static int on_send(void *ctx, const struct endpoint *to, const void *data, size_t size)
{
    struct net *net = ctx;
    struct bytes in = bytes_of(data, size);
    struct bacnet_bvlc bvlc;
    struct bacnet_npdu npdu;
    struct bacnet_apdu apdu;
    assert(size <= BACNET_FRAME_MAX);
    int error = bacnet_get_bvlc(&in, &bvlc);
    assert(error == 0); /* what we send is sound */
    if (bvlc.function >= BACNET_BVLC_DISTRIBUTE) {
        error = bacnet_get_npdu(&bvlc.data, &npdu);
        assert(error == 0);
        if (!npdu.is_message) {
            error = bacnet_get_apdu(&npdu.data, &apdu);
            assert(error == 0);
            if (apdu.type == BACNET_PDU_CONFIRMED) {
                net->invoke = apdu.invoke;
                net->service = apdu.service;
                net->asked = *to;
            }
        }
    }
    return size % 97 == 0 ? BUSBAR_EAGAIN : 0;
}

static void on_asked(void *ctx, struct bacnet_request *request)
{
    struct net *net = ctx;
    assert(bytes_left(&request->data) <= BACNET_MESSAGE_MAX);
    for (unsigned i = 0; i < KEPT; i++) {
        if (net->kept[i] == NULL) {
            net->kept[i] = request;
            return;
        }
    }
    bacnet_reply_reject(request, 0);
}

static void on_told(void *ctx, const struct bacnet_notice *notice)
{
    (void)ctx;
    assert(bytes_left(&notice->data) <= BACNET_FRAME_MAX);
}

static void on_heard(void *ctx, const struct bacnet_heard *heard)
{
    (void)ctx;
    assert((heard->other != NULL) == (heard->what >= BACNET_HEARD_MOVED));
}

static void on_answered(struct bacnet_ask *ask, const struct bacnet_answer *answer)
{
    struct asker *asker = ask->user;
    asker->answered++;
    assert(asker->answered == asker->asked);
    assert(bytes_left(&answer->data) <= BACNET_MESSAGE_MAX);
    assert(!bacnet_ask_open(ask));
}

static const struct bacnet_node_events events = {
    .asked = on_asked,
    .told = on_told,
    .heard = on_heard,
};

/* ---- what the network does ---- */

static void tell(struct net *net, const struct endpoint *from, const uint8_t *data, size_t size,
                 bool broadcast)
{
    uint8_t *copy = malloc(size > 0 ? size : 1); /* exact, so that ASan sees more */
    assert(copy != NULL);
    if (size > 0) {
        memcpy(copy, data, size);
    }
    bacnet_node_receive(net->node, from, copy, size, broadcast);
    free(copy);
}

static void tell_npdu(struct net *net, const struct endpoint *from, struct bacnet_npdu *npdu,
                      const void *data, size_t size, bool broadcast)
{
    uint8_t frame[BACNET_FRAME_MAX];
    struct bytes_out out = bytes_out_of(frame, sizeof(frame));
    bacnet_put_bvlc(&out, &(struct bacnet_bvlc){ .function = broadcast ? BACNET_BVLC_BROADCAST
                                                                       : BACNET_BVLC_UNICAST });
    bacnet_put_npdu(&out, npdu);
    bytes_put_block(&out, data, size);
    bacnet_end_bvlc(&out, 0);
    tell(net, from, frame, bytes_out_size(&out), broadcast);
}

static void set_addresses(struct bacnet_npdu *npdu, uint8_t how)
{
    npdu->has_from = how & 1;
    npdu->from = (struct bacnet_mac){ .network = (uint16_t)(REMOTE + (how >> 4)),
                                      .size = 1,
                                      .mac = { 1 } };
    npdu->has_to = how & 2;
    npdu->to = (struct bacnet_mac){ .network = how & 4 ? BACNET_NETWORK_ALL : SERVED,
                                    .size = how & 8 ? 1 : 0 };
    npdu->hops = 3;
}

static void tell_apdu(struct net *net, const struct endpoint *from, uint8_t how,
                      const struct bacnet_apdu *apdu)
{
    uint8_t data[BACNET_APDU_MAX];
    struct bytes_out out = bytes_out_of(data, sizeof(data));
    struct bacnet_npdu npdu = { 0 };
    bacnet_put_apdu(&out, apdu);
    set_addresses(&npdu, how);
    tell_npdu(net, from, &npdu, data, bytes_out_size(&out), false);
}

/* An answer that fits what was asked last, but for what the script says. */
static void answer(struct net *net, struct bytes *script)
{
    uint8_t how = bytes_get_u8(script), sequence = bytes_get_u8(script),
            length = bytes_get_u8(script);
    static const uint8_t types[] = { BACNET_PDU_COMPLEX_ACK, BACNET_PDU_COMPLEX_ACK,
                                     BACNET_PDU_COMPLEX_ACK, BACNET_PDU_SIMPLE_ACK,
                                     BACNET_PDU_SEGMENT_ACK, BACNET_PDU_ERROR,
                                     BACNET_PDU_REJECT,      BACNET_PDU_ABORT };
    struct bacnet_apdu apdu = { .type = types[how & 7],
                                .invoke = net->invoke,
                                .service = net->service,
                                .server = true,
                                .sequence = sequence,
                                .window = (uint8_t)(1 + (length & 31)) };
    if (apdu.type == BACNET_PDU_COMPLEX_ACK) {
        apdu.segmented = (how & 8) != 0;
        apdu.more = apdu.segmented && (how & 16) != 0;
    }
    apdu.negative = (how & 32) != 0;
    if (apdu.type == BACNET_PDU_COMPLEX_ACK || apdu.type == BACNET_PDU_ERROR) {
        apdu.data = bytes_of(message, (size_t)length * 5);
    }
    tell_apdu(net, &net->asked, (how & 64) ? 1 : 0, &apdu);
}

static void segment_of_request(struct net *net, struct bytes *script)
{
    uint8_t how = bytes_get_u8(script), sequence = bytes_get_u8(script);
    struct bacnet_apdu apdu = { .type = BACNET_PDU_CONFIRMED,
                                .segmented = (how & 1) != 0,
                                .more = (how & 3) == 3,
                                .segments_accepted = (how & 4) != 0,
                                .max_segments_code = how >> 5,
                                .max_apdu_code = how & 7,
                                .invoke = sequence >> 5,
                                .sequence = sequence & 31,
                                .window = 4,
                                .service = BACNET_READ_PROPERTY,
                                .data = bytes_of(message, 300) };
    struct endpoint from = ip((uint8_t)(9 + (how >> 3 & 1)));
    tell_apdu(net, &from, how & 0x10 ? 2 | 8 : 0, &apdu);
}

static void i_am(struct net *net, uint8_t how)
{
    uint8_t data[2 + BACNET_I_AM_MAX] = { BACNET_PDU_UNCONFIRMED << 4, BACNET_I_AM };
    struct bytes_out out = bytes_out_of(data + 2, BACNET_I_AM_MAX);
    struct bacnet_i_am body = { .instance = DEVICE + (how & 1U),
                                .max_apdu = (uint16_t)(how * 10),
                                .segmentation = how & 3 };
    bacnet_put_i_am(&out, &body);
    struct bacnet_npdu npdu = { 0 };
    set_addresses(&npdu, how & 0x11);
    struct endpoint from = ip((uint8_t)(9 + (how >> 2 & 3)));
    tell_npdu(net, &from, &npdu, data, 2 + bytes_out_size(&out), true);
}

static void reply(struct net *net, uint8_t how)
{
    unsigned at = how % KEPT;
    struct bacnet_request *request = net->kept[at];
    net->kept[at] = NULL;
    if (request == NULL) {
        return;
    }
    switch (how / KEPT % 6) {
    case 0: bacnet_reply_ack(request); break;
    case 1: bacnet_reply_data(request, message, (size_t)how * 20); break;
    case 2: bacnet_reply_data(request, message, (size_t)how * 300); break;
    case 3: bacnet_reply_error(request, how, how); break;
    case 4: bacnet_reply_abort(request, how); break;
    default: bacnet_reply_none(request); break;
    }
}

static void ask(struct net *net, uint8_t how)
{
    struct asker *asker = &net->askers[how % ASKS];
    if (bacnet_ask_open(&asker->ask)) {
        if (how & 0x80) {
            bacnet_ask_cancel(&asker->ask);
            asker->asked = asker->answered;
        }
        return;
    }
    static const uint8_t services[] = { BACNET_READ_PROPERTY, BACNET_WRITE_PROPERTY,
                                        BACNET_READ_PROPERTY_MULTIPLE };
    asker->ask.service = services[how % 3];
    asker->ask.data = message;
    asker->ask.size = (size_t)how * (how & 0x40 ? 40 : 4);
    asker->ask.retries = how & 3;
    asker->ask.urgent = how & 0x20;
    asker->asked++;
    bacnet_ask(asker->peer, &asker->ask);
}

static void step(struct net *net, struct bytes *script)
{
    uint8_t op = bytes_get_u8(script);
    uint8_t first = bytes_get_u8(script);
    struct endpoint from = ip((uint8_t)(op >> 4));
    size_t left = bytes_left(script);
    size_t size = first < left ? first : left;
    struct bacnet_npdu npdu = { 0 };
    switch (op % 10) {
    case 0: tell(net, &from, bytes_get_block(script, size), size, (op & 0x80) != 0); break;
    case 1:
        set_addresses(&npdu, op >> 4);
        tell_npdu(net, &net->asked, &npdu, bytes_get_block(script, size), size, false);
        break;
    case 2:
        npdu.is_message = true;
        npdu.message = op >> 4;
        tell_npdu(net, &from, &npdu, bytes_get_block(script, size), size, (first & 1) != 0);
        break;
    case 3: answer(net, script); break;
    case 4: segment_of_request(net, script); break;
    case 5: i_am(net, first); break;
    case 6: reply(net, first); break;
    case 7: ask(net, first); break;
    case 8: loop_advance_for_test(net->loop, first * 100 * CLOCK_US_PER_MS); break;
    default:
        from = ip(254); /* the BBMD */
        tell(net, &from, bytes_get_block(script, size), size, false);
        break;
    }
    loop_advance_for_test(net->loop, 0);
    struct bacnet_counts counts;
    bacnet_node_counts(net->node, &counts);
    assert(counts.reassembly_bytes <= BACNET_REASSEMBLY_MAX && counts.routes <= BACNET_ROUTES_MAX);
    assert(counts.requests <= BACNET_REQUESTS_MAX && counts.heard <= BACNET_HEARD_MAX &&
           counts.peers == ASKS);
    assert(counts.open + counts.waiting <= ASKS);
}

static void open_node(struct net *net, uint8_t how)
{
    struct bacnet_node_config config = { .local = ip(200),
                                         .broadcast = ip(255),
                                         .serves = how & 1 ? SERVED : 0,
                                         .listens = how & 2,
                                         .segmentation = (how >> 2) & 3,
                                         .send = on_send };
    config.bbmd = how & 16 ? ip(254) : config.bbmd;
    if (bacnet_node_open(net->loop, &config, &events, net, &net->node, NULL) != 0) {
        abort();
    }
    struct bacnet_peer_config peers[ASKS] = {
        { .instance = BACNET_INSTANCE_MAX, .address.ip = ip(9) },
        { .instance = DEVICE },
        { .instance = BACNET_INSTANCE_MAX,
          .address = { .network = REMOTE, .mac_size = 1, .mac = { 1 } } },
        { .instance = BACNET_INSTANCE_MAX,
          .address.ip = ip(9),
          .source = { .network = SERVED, .mac_size = 1 } },
    };
    for (unsigned i = 0; i < ASKS; i++) {
        struct asker *asker = &net->askers[i];
        asker->peer = bacnet_peer_get(net->node, &peers[i]);
        asker->ask.user = asker;
        asker->ask.answered = on_answered;
        ask(net, (uint8_t)(i + 4 * how));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct loop *loop; /* one for all runs: a new one costs more than a run */
    if (loop == NULL) {
        clock_fake_set(CLOCK_US_PER_S, CLOCK_US_PER_S);
        loop = loop_new();
    }
    if (size < 2) {
        return 0;
    }
    struct net net = { .loop = loop, .asked = ip(9) };
    open_node(&net, data[0]);
    struct bytes script = bytes_of(data + 1, size - 1);
    for (int i = 0; i < STEPS_MAX && bytes_left(&script) > 0; i++) {
        step(&net, &script);
    }
    bacnet_node_close(net.node);
    for (unsigned i = 0; i < ASKS; i++) {
        assert(!bacnet_ask_open(&net.askers[i].ask));
        assert(net.askers[i].asked == net.askers[i].answered);
        bacnet_peer_release(net.askers[i].peer);
    }
    for (uint8_t i = 0; i < KEPT; i++) {
        reply(&net, (uint8_t)(i + KEPT * (i % 3)));
    }
    loop_advance_for_test(loop, 0);
    struct loop_stats stats;
    loop_stats(loop, &stats);
    assert(stats.timers == 0); /* nothing of the node is left */
    return 0;
}
