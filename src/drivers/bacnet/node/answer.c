/* SPDX-License-Identifier: Apache-2.0 */
/* What answers our asks (ASHRAE 135, clause 5.4.4): by invoke id and address it finds its
 * transaction, then service and kind have to fit; anything else is dropped and changes nothing. */
#include "base/clock.h"
#include "drivers/bacnet/node/node_private.h"
#include "drivers/bacnet/service/error.h"
#include "drivers/bacnet/wire/errors.h"

/* Services whose success says more than that (clause 21); all others have a simple ack. */
static bool has_result(uint8_t service)
{
    switch (service) {
    case BACNET_GET_ALARM_SUMMARY:
    case BACNET_GET_ENROLLMENT_SUMMARY:
    case BACNET_ATOMIC_READ_FILE:
    case BACNET_ATOMIC_WRITE_FILE:
    case BACNET_CREATE_OBJECT:
    case BACNET_READ_PROPERTY:
    case BACNET_READ_PROPERTY_CONDITIONAL:
    case BACNET_READ_PROPERTY_MULTIPLE:
    case BACNET_CONFIRMED_PRIVATE_TRANSFER:
    case BACNET_VT_OPEN:
    case BACNET_VT_DATA:
    case BACNET_AUTHENTICATE:
    case BACNET_READ_RANGE:
    case BACNET_GET_EVENT_INFORMATION:
    case BACNET_AUDIT_LOG_QUERY: return true;
    default: return false;
    }
}

static void read_error(struct bytes data, uint8_t service, struct bacnet_answer *answer)
{
    struct bacnet_error_body body;
    bool read = bacnet_get_error(&data, service, &body) == 0;
    answer->error_class = read ? body.why.error_class : BACNET_CLASS_SERVICES;
    answer->error_code = read ? body.why.code : BACNET_ERROR_OTHER;
}

/* All of the request has gone out: it may be answered. */
static bool may_be_answered(const struct bacnet_transaction *transaction)
{
    return transaction->state == TRANSACTION_WAITING ||
           (transaction->state == TRANSACTION_SENDING &&
            transaction->sender.sent == transaction->sender.count);
}

static void over(struct bacnet_transaction *transaction, const struct bacnet_answer *answer)
{
    transaction->peer->facts.answered++;
    peer_answered(transaction->peer);
    transaction_over(transaction, answer);
}

/* ---- segments ---- */

static void request_acknowledged(struct bacnet_node *node, const struct incoming *in,
                                 struct bacnet_transaction *transaction,
                                 const struct bacnet_apdu *apdu)
{
    if (transaction->state != TRANSACTION_SENDING ||
        !segment_sender_acknowledged(&transaction->sender, apdu)) {
        node_drop(node, in, BACNET_DROP_SEGMENT);
        return;
    }
    transaction->segment_retries = 0;
    if (segment_sender_done(&transaction->sender)) {
        transaction->state = TRANSACTION_WAITING;
        timer_start_us(&transaction->timer, transaction_timeout_us(transaction), 0);
        return;
    }
    transaction_send_segments(transaction);
}

static void acknowledge(struct bacnet_transaction *transaction, enum segment_step step)
{
    struct bacnet_peer *peer = transaction->peer;
    struct bacnet_apdu ack = { .invoke = transaction->invoke };
    segment_receiver_acknowledge(&transaction->receiver, step, &ack);
    (void)node_send_apdu(peer->node, &peer->config.source, &transaction->to, peer, false, &ack);
}

static void answer_segment(struct bacnet_node *node, const struct incoming *in,
                           struct bacnet_transaction *transaction, const struct bacnet_apdu *apdu)
{
    bool first = may_be_answered(transaction) && apdu->sequence == 0;
    if (!first && transaction->state != TRANSACTION_RECEIVING) {
        node_drop(node, in, BACNET_DROP_SEGMENT);
        return;
    }
    if (node->config.segmentation == BACNET_SEGMENTED_NONE ||
        node->config.segmentation == BACNET_SEGMENTED_TRANSMIT) {
        transaction_abort(transaction, BACNET_ABORT_SEGMENTATION_NOT_SUPPORTED);
        return;
    }
    transaction->state = TRANSACTION_RECEIVING;
    struct segment_receiver *receiver = &transaction->receiver;
    enum segment_step step = segments_take(node, receiver, apdu);
    if (step == SEGMENT_FULL) {
        node_drop(node, in, BACNET_DROP_REASSEMBLY);
        transaction_abort(transaction, BACNET_ABORT_BUFFER_OVERFLOW);
        return;
    }
    if (step == SEGMENT_DROP || step == SEGMENT_NAK) {
        node_drop(node, in, BACNET_DROP_SEGMENT);
    }
    if (step != SEGMENT_DROP && step != SEGMENT_KEEP) {
        acknowledge(transaction, step);
    }
    if (step == SEGMENT_LAST) {
        struct bacnet_answer answer = { .outcome = BACNET_ACKED,
                                        .data = bytes_of(receiver->message.data,
                                                         receiver->message.size) };
        over(transaction, &answer);
        return;
    }
    timer_start_us(&transaction->timer, (int64_t)NODE_SEGMENT_WAITS * NODE_SEGMENT_US, 0);
}

/* ---- whole answers ---- */

static bool fits(const struct bacnet_transaction *transaction, const struct bacnet_apdu *apdu)
{
    switch (apdu->type) {
    case BACNET_PDU_SIMPLE_ACK:
        return apdu->service == transaction->service && !has_result(apdu->service) &&
               may_be_answered(transaction);
    case BACNET_PDU_COMPLEX_ACK:
        return apdu->service == transaction->service && has_result(apdu->service) &&
               (apdu->segmented || may_be_answered(transaction));
    case BACNET_PDU_ERROR: return apdu->service == transaction->service;
    default: return true;
    }
}

static void aborted(struct bacnet_transaction *transaction, struct bacnet_answer *answer)
{
    struct bacnet_peer_facts *facts = &transaction->peer->facts;
    if (answer->code == BACNET_ABORT_SEGMENTATION_NOT_SUPPORTED &&
        facts->segmentation == BACNET_SEGMENTATION_UNKNOWN) {
        facts->segmentation = BACNET_SEGMENTED_NONE;
    }
    if (answer->code == BACNET_ABORT_OUT_OF_RESOURCES ||
        answer->code == BACNET_ABORT_PREEMPTED_BY_HIGHER_PRIORITY_TASK) {
        bacnet_peer_learn_in_flight(transaction->peer, facts->in_flight / 2U);
    }
}

void answer_receive(struct bacnet_node *node, const struct incoming *in,
                    const struct bacnet_apdu *apdu)
{
    struct bacnet_transaction *transaction = transaction_find(node, in, apdu->invoke);
    if (transaction == NULL || transaction->state == TRANSACTION_RESTING) {
        node_drop(node, in, BACNET_DROP_STRAY);
        return;
    }
    if (!fits(transaction, apdu)) {
        node_drop(node, in, BACNET_DROP_SERVICE);
        return;
    }
    struct bacnet_answer answer = { .outcome = BACNET_ACKED,
                                    .data = apdu->data,
                                    .code = apdu->reason };
    switch (apdu->type) {
    case BACNET_PDU_SEGMENT_ACK: request_acknowledged(node, in, transaction, apdu); return;
    case BACNET_PDU_COMPLEX_ACK:
        if (apdu->segmented) {
            answer_segment(node, in, transaction, apdu);
            return;
        }
        break;
    case BACNET_PDU_ERROR:
        answer.outcome = BACNET_ERRORED;
        read_error(apdu->data, apdu->service, &answer);
        break;
    case BACNET_PDU_REJECT: answer.outcome = BACNET_REJECTED; break;
    case BACNET_PDU_ABORT:
        answer.outcome = BACNET_ABORTED;
        aborted(transaction, &answer);
        break;
    default: break;
    }
    over(transaction, &answer);
}
