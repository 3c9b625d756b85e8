/* SPDX-License-Identifier: Apache-2.0 */
/* What others ask of us (ASHRAE 135, clause 5.4.5): a table of the requests that are open, found by
 * who asked and the invoke id, so that a request that comes again while it is being answered is not
 * handled twice. */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/hash.h"
#include "drivers/bacnet/node/node_private.h"
#include "drivers/bacnet/wire/errors.h"

static uint64_t key_of(const struct incoming *in, uint8_t invoke)
{
    uint64_t key = in->from_hash ^ hash_u64(0x100U + invoke);
    return in->to.network != 0 ? key ^ hash_u64(bacnet_address_hash(&in->to)) : key;
}

struct request *request_find(const struct bacnet_node *node, const struct incoming *in,
                             uint8_t invoke)
{
    if (node->request_keys.count == 0) {
        return NULL;
    }
    struct request *request = map64_get(&node->request_keys, key_of(in, invoke));
    bool its = request != NULL && request->public.invoke == invoke &&
               bacnet_address_equal(&request->from, &in->from) &&
               endpoint_equal(&request->from.ip, &in->from.ip) &&
               (in->to.network == 0 ? request->to.network == 0
                                    : bacnet_address_equal(&request->to, &in->to));
    return its ? request : NULL;
}

static void on_timer(struct timer *timer, void *ctx)
{
    (void)timer;
    struct request *request = ctx;
    if (request->state == REQUEST_SENDING) {
        reply_timeout(request);
    } else {
        request_free(request); /* its segments stopped coming */
    }
}

/* NULL: too many are open, or one with this key. */
static struct request *request_new(struct bacnet_node *node, const struct incoming *in,
                                   const struct bacnet_apdu *apdu)
{
    uint64_t key = key_of(in, apdu->invoke);
    bool stranger = in->peer == NULL && !list_empty(&node->peers);
    size_t most = stranger ? BACNET_REQUESTS_STRANGERS : BACNET_REQUESTS_MAX;
    if (node->request_keys.count >= most || map64_get(&node->request_keys, key) != NULL) {
        return NULL;
    }
    struct list *at = list_shift(&node->free_requests);
    struct request *request;
    if (at != NULL) {
        node->free_request_count--;
        request = list_entry(at, struct request, link);
    } else {
        request = busbar_alloc(sizeof(*request));
    }
    *request = (struct request){ .node = node, .key = key, .from = in->from, .to = in->to };
    request->public = (struct bacnet_request){ .service = apdu->service,
                                               .invoke = apdu->invoke,
                                               .from = &request->from,
                                               .to = &request->to,
                                               .max_apdu = bacnet_max_apdu(apdu->max_apdu_code),
                                               .segmented = apdu->segments_accepted };
    uint16_t segments = bacnet_max_segments(apdu->max_segments_code);
    request->public.max_segments = (uint8_t)(segments < BACNET_SEGMENTS_MAX ? segments
                                                                            : BACNET_SEGMENTS_MAX);
    segment_receiver_init(&request->receiver);
    timer_init(&request->timer, node->loop, on_timer, request);
    list_append(&node->requests, &request->link);
    (void)map64_set(&node->request_keys, key, request);
    node_hold(node);
    return request;
}

void request_free(struct request *request)
{
    struct bacnet_node *node = request->node;
    timer_stop(&request->timer);
    list_remove(&request->link);
    (void)map64_remove(&node->request_keys, request->key);
    node->counts.reassembly_bytes -= request->reply_size;
    segments_drop(node, &request->receiver);
    busbar_free(request->reply);
    if (node->free_request_count < NODE_FREE_KEPT && !node->closed) {
        node->free_request_count++;
        list_append(&node->free_requests, &request->link);
    } else {
        busbar_free(request);
    }
    node_release(node);
}

static void give_to_handler(struct request *request, struct bytes data)
{
    struct bacnet_node *node = request->node;
    timer_stop(&request->timer);
    request->state = REQUEST_ASKED;
    request->public.data = data;
    if (node->events.asked == NULL) {
        bacnet_reply_reject(&request->public, BACNET_REJECT_UNRECOGNIZED_SERVICE);
        return;
    }
    node->events.asked(node->ctx, &request->public);
}

/* ---- requests in segments ---- */

static void refuse_segments(struct bacnet_node *node, const struct incoming *in, uint8_t invoke,
                            uint8_t reason)
{
    struct bacnet_apdu abort = {
        .type = BACNET_PDU_ABORT, .server = true, .invoke = invoke, .reason = reason
    };
    (void)node_send_apdu(node, &in->to, &in->from, in->peer, false, &abort);
}

static void receive_segment(struct request *request, const struct incoming *in,
                            const struct bacnet_apdu *apdu)
{
    struct bacnet_node *node = request->node;
    struct segment_receiver *receiver = &request->receiver;
    enum segment_step step = segments_take(node, receiver, apdu);
    if (step == SEGMENT_FULL) {
        node_drop(node, in, BACNET_DROP_REASSEMBLY);
        refuse_segments(node, in, apdu->invoke, BACNET_ABORT_BUFFER_OVERFLOW);
        request_free(request);
        return;
    }
    if (step == SEGMENT_DROP || step == SEGMENT_NAK) {
        node_drop(node, in, BACNET_DROP_SEGMENT);
    }
    if (step != SEGMENT_DROP && step != SEGMENT_KEEP) {
        struct bacnet_apdu ack = { .invoke = apdu->invoke, .server = true };
        segment_receiver_acknowledge(receiver, step, &ack);
        (void)node_send_apdu(node, &request->to, &request->from, in->peer, false, &ack);
    }
    if (step == SEGMENT_LAST) {
        give_to_handler(request, bytes_of(receiver->message.data, receiver->message.size));
        return;
    }
    timer_start_us(&request->timer, (int64_t)NODE_SEGMENT_WAITS * NODE_SEGMENT_US, 0);
}

static bool takes_segments(const struct bacnet_node *node)
{
    return node->config.segmentation == BACNET_SEGMENTED_BOTH ||
           node->config.segmentation == BACNET_SEGMENTED_RECEIVE;
}

/* The last segment again, though the request is whole: our acknowledgement was lost. */
static void acknowledge_again(struct request *request, const struct incoming *in,
                              const struct bacnet_apdu *apdu)
{
    if (apdu->segmented && request->receiver.count > 0 &&
        apdu->sequence + 1 == request->receiver.count) {
        struct bacnet_apdu ack = { .invoke = apdu->invoke, .server = true };
        segment_receiver_acknowledge(&request->receiver, SEGMENT_ACK, &ack);
        (void)node_send_apdu(request->node, &request->to, &request->from, in->peer, false, &ack);
    }
}

void server_receive(struct bacnet_node *node, const struct incoming *in,
                    const struct bacnet_apdu *apdu)
{
    struct request *request = request_find(node, in, apdu->invoke);
    if (request != NULL && request->state == REQUEST_RECEIVING && apdu->segmented &&
        apdu->service == request->public.service) {
        receive_segment(request, in, apdu);
        return;
    }
    if (request != NULL) {
        acknowledge_again(request, in, apdu);
        node_drop(node, in, BACNET_DROP_REPEATED);
        return;
    }
    if (apdu->segmented && !takes_segments(node)) {
        refuse_segments(node, in, apdu->invoke, BACNET_ABORT_SEGMENTATION_NOT_SUPPORTED);
        return;
    }
    if (apdu->segmented && apdu->sequence != 0) {
        node_drop(node, in, BACNET_DROP_SEGMENT);
        return;
    }
    request = request_new(node, in, apdu);
    if (request == NULL) {
        node_drop(node, in, BACNET_DROP_REQUESTS); /* silently: it is asked again */
        return;
    }
    if (apdu->segmented) {
        receive_segment(request, in, apdu);
    } else {
        give_to_handler(request, apdu->data);
    }
}

/* ---- the node's end ---- */

void server_close(struct bacnet_node *node)
{
    list_each_safe(at, &node->requests) {
        struct request *request = list_entry(at, struct request, link);
        if (request->state != REQUEST_ASKED) {
            request_free(request);
        }
    }
}

void server_fini(struct bacnet_node *node)
{
    struct list *at;
    while ((at = list_shift(&node->free_requests)) != NULL) {
        busbar_free(list_entry(at, struct request, link));
    }
    map64_fini(&node->request_keys);
}
