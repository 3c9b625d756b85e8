/* SPDX-License-Identifier: Apache-2.0 */
/* What we reply to requests: in one piece, or in segments where the requester takes them. */
#include "drivers/bacnet/node/request.h"

#include <string.h>

#include "base/alloc.h"
#include "drivers/bacnet/node/node_private.h"
#include "drivers/bacnet/wire/errors.h"
#include "drivers/bacnet/wire/tag.h"

static void send_reply(const struct request *request, const struct bacnet_apdu *apdu)
{
    struct bacnet_node *node = request->node;
    (void)node_send_apdu(node, &request->to, &request->from, peer_at(node, &request->from), false,
                         apdu);
}

static struct request *request_of(struct bacnet_request *public)
{
    return list_entry(public, struct request, public);
}

/* In one piece; the request is over. */
static void reply(struct bacnet_request *public, struct bacnet_apdu *apdu)
{
    struct request *request = request_of(public);
    apdu->invoke = public->invoke;
    apdu->service = public->service;
    send_reply(request, apdu);
    request_free(request);
}

void bacnet_reply_ack(struct bacnet_request *request)
{
    reply(request, &(struct bacnet_apdu){ .type = BACNET_PDU_SIMPLE_ACK });
}

void bacnet_reply_error_data(struct bacnet_request *request, const void *data, size_t size)
{
    reply(request, &(struct bacnet_apdu){ .type = BACNET_PDU_ERROR, .data = bytes_of(data, size) });
}

void bacnet_reply_error(struct bacnet_request *request, uint16_t error_class, uint16_t error_code)
{
    uint8_t data[2 * BACNET_NUMBER_MAX];
    struct bytes_out out = bytes_out_of(data, sizeof(data));
    bacnet_put_enumerated(&out, BACNET_APPLICATION, error_class);
    bacnet_put_enumerated(&out, BACNET_APPLICATION, error_code);
    bacnet_reply_error_data(request, data, bytes_out_size(&out));
}

void bacnet_reply_reject(struct bacnet_request *request, uint8_t reason)
{
    reply(request, &(struct bacnet_apdu){ .type = BACNET_PDU_REJECT, .reason = reason });
}

void bacnet_reply_abort(struct bacnet_request *request, uint8_t reason)
{
    reply(request,
          &(struct bacnet_apdu){ .type = BACNET_PDU_ABORT, .server = true, .reason = reason });
}

void bacnet_reply_none(struct bacnet_request *request)
{
    request_free(request_of(request));
}

/* ---- segments ---- */

static void send_segments(struct request *request)
{
    struct bacnet_apdu apdu = { .type = BACNET_PDU_COMPLEX_ACK,
                                .invoke = request->public.invoke,
                                .service = request->public.service };
    while (segment_sender_next(&request->sender, &apdu)) {
        send_reply(request, &apdu);
    }
    timer_start_us(&request->timer, NODE_SEGMENT_US, 0);
}

/* Why it cannot go out in segments; -1: it does. */
static int reply_segmented(struct request *request, const void *data, size_t size)
{
    struct bacnet_node *node = request->node;
    const struct bacnet_request *public = &request->public;
    uint8_t own = node->config.segmentation;
    if (!public->segmented || own == BACNET_SEGMENTED_NONE || own == BACNET_SEGMENTED_RECEIVE) {
        return BACNET_ABORT_SEGMENTATION_NOT_SUPPORTED;
    }
    unsigned segments = public->max_segments != 0 ? public->max_segments : BACNET_SEGMENTS_MAX;
    if (!segment_sender_init(&request->sender, data, size,
                             (size_t) public->max_apdu - ACK_SEGMENT_HEAD, segments)) {
        return BACNET_ABORT_BUFFER_OVERFLOW;
    }
    uint8_t *copy = size <= BACNET_REASSEMBLY_MAX - node->counts.reassembly_bytes
                        ? busbar_try_alloc(size)
                        : NULL;
    if (copy == NULL) {
        return BACNET_ABORT_OUT_OF_RESOURCES;
    }
    memcpy(copy, data, size);
    request->reply = copy;
    request->reply_size = size;
    request->sender.data = copy;
    node->counts.reassembly_bytes += size;
    request->state = REQUEST_SENDING;
    send_segments(request);
    return -1;
}

void bacnet_reply_data(struct bacnet_request *public, const void *data, size_t size)
{
    struct request *request = request_of(public);
    uint16_t own = request->node->config.max_apdu;
    public->max_apdu = public->max_apdu < own ? public->max_apdu : own;
    if (size + ACK_HEAD <= public->max_apdu || request->node->closed) {
        reply(public, &(struct bacnet_apdu){ .type = BACNET_PDU_COMPLEX_ACK,
                                             .data = bytes_of(data, size) });
        return;
    }
    int reason = reply_segmented(request, data, size);
    if (reason >= 0) {
        bacnet_reply_abort(public, (uint8_t)reason);
    }
}

void reply_receive(struct bacnet_node *node, const struct incoming *in,
                   const struct bacnet_apdu *apdu)
{
    struct request *request = request_find(node, in, apdu->invoke);
    if (request == NULL) {
        node_drop(node, in, BACNET_DROP_STRAY);
        return;
    }
    if (apdu->type == BACNET_PDU_ABORT) {
        if (request->state !=
            REQUEST_ASKED) { /* else: the handler has it, and its reply will find nobody */
            request_free(request);
        }
        return;
    }
    if (request->state != REQUEST_SENDING || !segment_sender_acknowledged(&request->sender, apdu)) {
        node_drop(node, in, BACNET_DROP_SEGMENT);
        return;
    }
    request->retries = 0;
    if (segment_sender_done(&request->sender)) {
        request_free(request);
        return;
    }
    send_segments(request);
}

void reply_timeout(struct request *request)
{
    if (request->retries++ < NODE_SEGMENT_RETRIES) {
        segment_sender_again(&request->sender);
        send_segments(request);
        return;
    }
    request_free(request);
}
