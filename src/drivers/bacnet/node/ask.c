/* SPDX-License-Identifier: Apache-2.0 */
/* Asking: the line of a peer, transactions (an invoke id and a timer each), transmissions. What
 * answers is answer.c.
 *
 * An ask is in one of three places: in its peer's line, in a transaction, or among those whose end
 * is told soon. Transactions are found by the address that was asked and the invoke id, so two
 * peers at one address cannot be mixed up. A canceled one rests until its answer would be late; the
 * id is not used before. */
#include <assert.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/hash.h"
#include "drivers/bacnet/node/node_private.h"
#include "drivers/bacnet/wire/errors.h"

enum { INVOKE_IDS = 256 };

const char *bacnet_outcome_word(enum bacnet_outcome outcome)
{
    static const char *const words[] = {
        [BACNET_ACKED] = "ack",         [BACNET_ERRORED] = "error",
        [BACNET_REJECTED] = "reject",   [BACNET_ABORTED] = "abort",
        [BACNET_SILENT] = "silent",     [BACNET_NOT_FOUND] = "not found",
        [BACNET_NO_ROUTE] = "no route", [BACNET_UNSENT] = "unsent",
        [BACNET_CANCELED] = "canceled",
    };
    return words[outcome];
}

/* ---- the pace ---- */

/* A site answers as fast as it is asked, all devices at once, and what does not fit into the socket's buffer is lost: no
 * more than NODE_PACE_MOST requests are unanswered that were sent in the last NODE_PACE_US (so the deaf hold
 * up nobody). Peers that have to wait get their turn one after the other; what is urgent goes, and counts. */
static bool keeps_pace(struct bacnet_peer *peer, const struct bacnet_ask *ask)
{
    struct bacnet_node *node = peer->node;
    int64_t now_us = clock_mono_us();
    if (now_us - node->pace_began_us >= NODE_PACE_US) {
        node->pace_began_us = now_us;
        node->pace_sent = 0;
    }
    if (node->pace_sent < NODE_PACE_MOST || ask->urgent) {
        node->pace_sent++;
        return true;
    }
    list_remove(&peer->wait_link);
    list_append(&node->paced, &peer->wait_link);
    if (!timer_running(&node->pace_timer)) {
        timer_start_at_us(&node->pace_timer, node->pace_began_us + NODE_PACE_US, 0);
    }
    return false;
}

static void pace_pump(struct bacnet_node *node)
{
    while (!list_empty(&node->paced) && node->pace_sent < NODE_PACE_MOST) {
        peer_pump(list_entry(list_shift(&node->paced), struct bacnet_peer, wait_link));
    }
}

static void pace_answered(struct bacnet_node *node, const struct bacnet_transaction *transaction)
{
    if (transaction->sent_us >= node->pace_began_us && node->pace_sent > 0) {
        node->pace_sent--;
    }
}

static void on_pace(struct timer *timer, void *ctx)
{
    struct bacnet_node *node = ctx;
    (void)timer;
    node->pace_began_us = clock_mono_us();
    node->pace_sent = 0;
    pace_pump(node);
    if (!list_empty(&node->paced) && !timer_running(&node->pace_timer)) {
        timer_start_us(&node->pace_timer, NODE_PACE_US, 0);
    }
}

/* ---- the table ---- */

static uint64_t key_of(uint64_t asked_hash, const struct bacnet_address *source, uint8_t invoke)
{
    uint64_t key = asked_hash ^ hash_u64(invoke + 1U);
    return source->network != 0 ? key ^ hash_u64(bacnet_address_hash(source)) : key;
}

static bool same_source(const struct bacnet_address *source, const struct bacnet_address *to)
{
    return source->network == 0 ? to->network == 0 : bacnet_address_equal(source, to);
}

struct bacnet_transaction *transaction_find(const struct bacnet_node *node,
                                            const struct incoming *in, uint8_t invoke)
{
    if (node->transaction_keys.count == 0) {
        return NULL;
    }
    struct bacnet_transaction *transaction = map64_get(&node->transaction_keys,
                                                       key_of(in->from_hash, &in->to, invoke));
    bool its = transaction != NULL && transaction->invoke == invoke &&
               bacnet_address_equal(&transaction->to, &in->from) &&
               same_source(&transaction->peer->config.source, &in->to) &&
               endpoint_equal(&transaction->to.ip, &in->from.ip);
    return its ? transaction : NULL;
}

/* An id that is not in use for this address; -1: none is left. */
static int free_invoke(struct bacnet_peer *peer, uint64_t *key)
{
    for (unsigned i = 0; i < INVOKE_IDS; i++) {
        uint8_t invoke = peer->invoke++;
        *key = key_of(peer->hash, &peer->config.source, invoke);
        if (map64_get(&peer->node->transaction_keys, *key) == NULL) {
            return invoke;
        }
    }
    return -1;
}

static struct bacnet_transaction *transaction_new(struct bacnet_node *node)
{
    struct list *at = list_shift(&node->free_transactions);
    struct bacnet_transaction *transaction;
    if (at != NULL) {
        node->free_count--;
        transaction = list_entry(at, struct bacnet_transaction, link);
    } else {
        transaction = busbar_alloc(sizeof(*transaction));
        list_init(&transaction->link);
        segment_receiver_init(&transaction->receiver);
    }
    return transaction;
}

/* Its ask is over; others may go. */
static void not_in_flight(struct bacnet_transaction *transaction)
{
    transaction->ask = NULL;
    transaction->peer->facts.open--;
    route_not_in_flight(transaction->peer->node, transaction->to.network);
}

/* Out of the table: nothing finds it any more. */
static void transaction_close(struct bacnet_transaction *transaction)
{
    struct bacnet_node *node = transaction->peer->node;
    timer_stop(&transaction->timer);
    list_remove(&transaction->link);
    (void)map64_remove(&node->transaction_keys, transaction->key);
    if (transaction->ask != NULL) {
        transaction->ask->transaction = NULL;
        transaction->ask->peer = NULL;
        not_in_flight(transaction);
    }
}

/* Its memory, and its hold on the peer. */
static void transaction_recycle(struct bacnet_transaction *transaction)
{
    struct bacnet_peer *peer = transaction->peer;
    struct bacnet_node *node = peer->node;
    segments_drop(node, &transaction->receiver);
    if (node->free_count < NODE_FREE_KEPT && !node->closed) {
        node->free_count++;
        list_append(&node->free_transactions, &transaction->link);
    } else {
        busbar_free(transaction);
    }
    bacnet_peer_release(peer);
}

/* ---- ends ---- */

static void on_ending(void *ctx)
{
    struct bacnet_node *node = ctx;
    node_hold(node);
    struct list ended;
    list_init(&ended);
    list_move_all(&ended, &node->ended);
    struct list *at;
    while ((at = list_shift(&ended)) != NULL) {
        struct bacnet_ask *ask = list_entry(at, struct bacnet_ask, link);
        struct bacnet_answer answer = { .outcome = ask->end };
        answer.code = ask->end == BACNET_UNSENT ? 0 : (uint8_t)ask->end_error;
        answer.error = ask->end == BACNET_UNSENT ? ask->end_error : 0;
        answer.by_us = ask->end == BACNET_ABORTED;
        struct bacnet_peer *peer = ask->peer;
        peer_hold(peer);
        ask->peer = NULL;
        ask->answered(ask, &answer);
        route_pump(node, peer->facts.address.network);
        peer_pump(peer);
        bacnet_peer_release(peer);
    }
    node_release(node);
}

/* The ask is in no line and no transaction. */
static void end_later(struct bacnet_peer *peer, struct bacnet_ask *ask, enum bacnet_outcome outcome,
                      int error)
{
    ask->end = (uint8_t)outcome;
    ask->end_error = error;
    ask->peer = peer; /* open until it is told */
    list_append(&peer->node->ended, &ask->link);
    loop_defer(peer->node->loop, &peer->node->ending);
}

void peer_end_waiting(struct bacnet_peer *peer, enum bacnet_outcome outcome, uint8_t code)
{
    struct list *at;
    while ((at = list_shift(&peer->waiting)) != NULL) {
        struct bacnet_ask *ask = list_entry(at, struct bacnet_ask, link);
        peer->facts.waiting--;
        ask->waiting = false;
        end_later(peer, ask, outcome, code);
    }
}

static void transaction_end_later(struct bacnet_transaction *transaction,
                                  enum bacnet_outcome outcome, int error)
{
    struct bacnet_peer *peer = transaction->peer;
    struct bacnet_ask *ask = transaction->ask;
    transaction_close(transaction);
    if (ask != NULL) {
        end_later(peer, ask, outcome, error);
    }
    transaction_recycle(transaction);
}

void asks_end_network(struct bacnet_node *node, uint16_t network, enum bacnet_outcome outcome,
                      uint8_t code)
{
    list_each_safe(at, &node->transactions) {
        struct bacnet_transaction *transaction = list_entry(at, struct bacnet_transaction, link);
        if (transaction->to.network == network) {
            transaction_end_later(transaction, outcome, code);
        }
    }
}

void transaction_over(struct bacnet_transaction *transaction, const struct bacnet_answer *answer)
{
    struct bacnet_peer *peer = transaction->peer;
    struct bacnet_ask *ask = transaction->ask;
    struct bacnet_answer whole = *answer;
    whole.took_us = clock_mono_us() - transaction->sent_us;
    whole.sent = transaction->sent;
    peer_hold(peer);
    pace_answered(peer->node, transaction);
    transaction_close(transaction);
    if (ask != NULL) {
        ask->answered(ask, &whole);
    }
    uint16_t network = transaction->to.network;
    transaction_recycle(transaction); /* the answer's data was in it */
    route_pump(peer->node, network);
    pace_pump(peer->node);
    peer_pump(peer);
    bacnet_peer_release(peer);
}

void transaction_abort(struct bacnet_transaction *transaction, uint8_t reason)
{
    struct bacnet_apdu apdu = { .type = BACNET_PDU_ABORT,
                                .invoke = transaction->invoke,
                                .reason = reason };
    struct bacnet_peer *peer = transaction->peer;
    (void)node_send_apdu(peer->node, &peer->config.source, &transaction->to, peer, false, &apdu);
    struct bacnet_answer answer = { .outcome = BACNET_ABORTED, .code = reason, .by_us = true };
    transaction_over(transaction, &answer);
}

/* ---- transmissions ---- */

int64_t transaction_timeout_us(const struct bacnet_transaction *transaction)
{
    int64_t timeout_us = transaction->ask != NULL ? transaction->ask->timeout_us : 0;
    return timeout_us > 0 ? timeout_us : BACNET_TIMEOUT_MS * CLOCK_US_PER_MS;
}

/* Segmented answers are taken, unless the user said that the device sends none. */
static bool takes_segments(const struct bacnet_peer *peer)
{
    uint8_t own = peer->node->config.segmentation, its = peer->config.segmentation;
    return (own == BACNET_SEGMENTED_BOTH || own == BACNET_SEGMENTED_RECEIVE) &&
           (its == BACNET_SEGMENTED_BOTH || its == BACNET_SEGMENTED_TRANSMIT);
}

static void describe_request(const struct bacnet_transaction *transaction, struct bacnet_apdu *apdu)
{
    bool takes = takes_segments(transaction->peer);
    *apdu = (struct bacnet_apdu){
        .type = BACNET_PDU_CONFIRMED,
        .segments_accepted = takes,
        .max_segments_code = takes ? bacnet_max_segments_code(BACNET_SEGMENTS_MAX) : 0,
        .max_apdu_code = bacnet_max_apdu_code(transaction->peer->node->config.max_apdu),
        .invoke = transaction->invoke,
        .service = transaction->service,
    };
}

void transaction_send_segments(struct bacnet_transaction *transaction)
{
    struct bacnet_peer *peer = transaction->peer;
    struct bacnet_apdu apdu;
    describe_request(transaction, &apdu);
    while (segment_sender_next(&transaction->sender, &apdu)) {
        apdu.window = peer->config.window != 0 ? peer->config.window : BACNET_WINDOW;
        (void)node_send_apdu(peer->node, &peer->config.source, &transaction->to, peer, true, &apdu);
    }
    timer_start_us(&transaction->timer, NODE_SEGMENT_US, 0);
}

/* One transmission of the whole request. */
static int transmit(struct bacnet_transaction *transaction)
{
    struct bacnet_peer *peer = transaction->peer;
    const struct bacnet_ask *ask = transaction->ask;
    transaction->sent_us = clock_mono_us();
    transaction->sent++;
    transaction->with_others = peer->facts.open > 1;
    transaction->segment_retries = 0;
    peer->facts.repeated += transaction->sent > 1 ? 1 : 0;
    if (transaction->sender.count > 0) {
        transaction->state = TRANSACTION_SENDING;
        transaction->sender.base = transaction->sender.sent = 0;
        transaction->sender.window = 1;
        transaction_send_segments(transaction);
        return 0;
    }
    transaction->state = TRANSACTION_WAITING;
    struct bacnet_apdu apdu;
    describe_request(transaction, &apdu);
    apdu.data = bytes_of(ask->data, ask->size);
    int error = node_send_apdu(peer->node, &peer->config.source, &transaction->to, peer, true,
                               &apdu);
    timer_start_us(&transaction->timer, transaction_timeout_us(transaction), 0);
    return error == BUSBAR_EAGAIN ? 0 : error; /* lost as datagrams are: it is sent again */
}

/* Nothing came in time: once more, or it is over. */
static void transmission_lost(struct bacnet_transaction *transaction)
{
    struct bacnet_peer *peer = transaction->peer;
    if (transaction->with_others) {
        peer_lost(peer);
    }
    if (transaction->state == TRANSACTION_RECEIVING) {
        struct bacnet_apdu apdu = { .type = BACNET_PDU_ABORT,
                                    .invoke = transaction->invoke,
                                    .reason = BACNET_ABORT_TSM_TIMEOUT };
        (void)node_send_apdu(peer->node, &peer->config.source, &transaction->to, peer, false,
                             &apdu);
        segments_drop(peer->node, &transaction->receiver);
    }
    if (transaction->sent <= transaction->ask->retries) {
        (void)transmit(transaction);
        return;
    }
    peer->facts.silent++;
    peer_doubt(peer, transaction->sent_us);
    bacnet_peer_look(peer); /* it may have moved */
    transaction_over(transaction, &(struct bacnet_answer){ .outcome = BACNET_SILENT });
}

/* Its invoke id is free again, which an ask may have waited for. */
static void rested(struct bacnet_transaction *transaction)
{
    struct bacnet_peer *peer = transaction->peer;
    peer_hold(peer);
    transaction_close(transaction);
    transaction_recycle(transaction);
    peer_pump(peer);
    bacnet_peer_release(peer);
}

static void on_timer(struct timer *timer, void *ctx)
{
    (void)timer;
    struct bacnet_transaction *transaction = ctx;
    struct bacnet_node *node = transaction->peer->node;
    node_hold(node);
    if (transaction->state == TRANSACTION_RESTING) {
        rested(transaction);
    } else if (transaction->state == TRANSACTION_SENDING &&
               transaction->segment_retries < NODE_SEGMENT_RETRIES) {
        transaction->segment_retries++;
        segment_sender_again(&transaction->sender);
        transaction_send_segments(transaction);
    } else {
        transmission_lost(transaction);
    }
    node_release(node);
}

/* ---- the line ---- */

/* False: there is no free invoke id. */
static bool start(struct bacnet_peer *peer, struct bacnet_ask *ask)
{
    struct bacnet_node *node = peer->node;
    uint64_t key;
    int invoke = free_invoke(peer, &key);
    if (invoke < 0) {
        return false;
    }
    list_remove(&ask->link);
    ask->waiting = false;
    peer->facts.waiting--;
    struct bacnet_transaction *transaction = transaction_new(node);
    transaction->key = key;
    transaction->peer = peer;
    transaction->to = peer->facts.address;
    transaction->ask = ask;
    transaction->invoke = (uint8_t)invoke;
    transaction->service = ask->service;
    transaction->sent = 0;
    transaction->sender = (struct segment_sender){ 0 };
    timer_init(&transaction->timer, node->loop, on_timer, transaction);
    ask->transaction = transaction;
    peer_hold(peer);
    peer->facts.open++;
    peer->facts.asked++;
    route_in_flight(node, transaction->to.network);
    list_append(&node->transactions, &transaction->link);
    (void)map64_set(&node->transaction_keys, key, transaction);
    if (ask->size + REQUEST_HEAD > peer->facts.max_apdu &&
        !segment_sender_init(&transaction->sender, ask->data, ask->size,
                             (size_t)peer->facts.max_apdu - REQUEST_SEGMENT_HEAD,
                             peer_segments_max(peer))) {
        uint8_t reason = peer_segments_max(peer) == 0 ? BACNET_ABORT_SEGMENTATION_NOT_SUPPORTED
                                                      : BACNET_ABORT_APDU_TOO_LONG;
        transaction_end_later(transaction, BACNET_ABORTED, reason);
        return true;
    }
    int error = transmit(transaction);
    if (error != 0) {
        transaction_end_later(transaction, BACNET_UNSENT, error);
    }
    return true;
}

static enum reach reach_of(struct bacnet_peer *peer, enum bacnet_outcome *why)
{
    *why = BACNET_NOT_FOUND;
    enum reach reach = find_reach(peer);
    if (reach == REACH_NOW) {
        *why = BACNET_NO_ROUTE;
        reach = route_reach(peer);
    }
    return reach;
}

void peer_pump(struct bacnet_peer *peer)
{
    while (!list_empty(&peer->waiting) && peer->facts.open < peer->facts.in_flight &&
           !peer->node->closed) {
        enum bacnet_outcome why;
        enum reach reach = reach_of(peer, &why);
        if (reach == REACH_NEVER) {
            peer_end_waiting(peer, why, 0);
        }
        if (reach != REACH_NOW) {
            return;
        }
        struct bacnet_ask *ask = list_entry(peer->waiting.next, struct bacnet_ask, link);
        if (!keeps_pace(peer, ask) || !start(peer, ask)) {
            return;
        }
    }
}

void bacnet_ask(struct bacnet_peer *peer, struct bacnet_ask *ask)
{
    assert(!bacnet_ask_open(ask));
    ask->peer = peer;
    ask->transaction = NULL;
    list_init(&ask->link);
    if (peer->node->closed) {
        end_later(peer, ask, BACNET_CANCELED, 0);
        return;
    }
    peer->facts.waiting++;
    ask->waiting = true;
    struct list *at = &peer->waiting;
    if (ask->urgent) {
        at = at->next;
        while (at != &peer->waiting && list_entry(at, struct bacnet_ask, link)->urgent) {
            at = at->next;
        }
    }
    list_insert_before(at, &ask->link);
    peer_pump(peer);
}

void bacnet_ask_cancel(struct bacnet_ask *ask)
{
    struct bacnet_peer *peer = ask->peer;
    if (peer == NULL) {
        return;
    }
    struct bacnet_transaction *transaction = ask->transaction;
    ask->peer = NULL;
    ask->transaction = NULL;
    if (transaction == NULL) {
        peer->facts.waiting -= ask->waiting ? 1 : 0;
        ask->waiting = false;
        list_remove(&ask->link);
        return;
    }
    not_in_flight(transaction);
    transaction->state = TRANSACTION_RESTING;
    transaction->sender = (struct segment_sender){ 0 }; /* its data may go */
    segments_drop(peer->node, &transaction->receiver);
    route_pump(peer->node, transaction->to.network);
    peer_pump(peer);
}

/* ---- the node's end ---- */

void asks_init(struct bacnet_node *node)
{
    list_init(&node->transactions);
    list_init(&node->free_transactions);
    list_init(&node->ended);
    list_init(&node->paced);
    timer_init(&node->pace_timer, node->loop, on_pace, node);
    loop_deferred_init(&node->ending, on_ending, node);
}

void asks_close(struct bacnet_node *node)
{
    timer_stop(&node->pace_timer);
    list_each_safe(at, &node->transactions) {
        transaction_end_later(list_entry(at, struct bacnet_transaction, link), BACNET_CANCELED, 0);
    }
    list_each(at, &node->peers) {
        struct bacnet_peer *peer = list_entry(at, struct bacnet_peer, link);
        peer_end_waiting(peer, BACNET_CANCELED, 0);
        find_stop(peer);
    }
    on_ending(node);
}

void asks_fini(struct bacnet_node *node)
{
    struct list *at;
    while ((at = list_shift(&node->free_transactions)) != NULL) {
        busbar_free(list_entry(at, struct bacnet_transaction, link));
    }
    loop_defer_cancel(&node->ending);
    map64_fini(&node->transaction_keys);
}
