/* SPDX-License-Identifier: Apache-2.0 */
/* Asking: answers of all kinds, silence and repetition, spoofed answers, the line and its limit,
 * cancelling, closing. */
#include "node_rig.h"

#include "drivers/bacnet/wire/errors.h"

static void reply_ack(struct rig_node *self, struct bacnet_request *request)
{
    (void)self;
    bacnet_reply_ack(request);
}

/* The data of the request comes back. */
static void reply_echo(struct rig_node *self, struct bacnet_request *request)
{
    bacnet_reply_data(request, self->data, self->size);
}

static void an_ask_is_answered(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct rig_node *a = rig_add(rig, NULL), *b = rig_add(rig, NULL);
    b->asked = reply_echo;
    struct bacnet_peer *peer = rig_peer(a, 2);
    struct rig_ask ask;
    rig_ask_init(&ask, BACNET_READ_PROPERTY, "\x0c\x02\x00\x00\x01", 5);
    bacnet_ask(peer, &ask.ask);
    assert_true(bacnet_ask_open(&ask.ask));
    assert_int_equal(ask.count, 0);
    rig_pass(rig, 20);
    assert_int_equal(ask.count, 1);
    assert_int_equal(ask.answer.outcome, BACNET_ACKED);
    assert_int_equal(ask.answer.sent, 1);
    assert_int_equal(ask.size, 5);
    assert_memory_equal(ask.data, "\x0c\x02\x00\x00\x01", 5);
    assert_false(bacnet_ask_open(&ask.ask));
    const struct bacnet_peer_facts *facts = bacnet_peer_facts(peer);
    assert_int_equal(facts->asked, 1);
    assert_int_equal(facts->answered, 1);
    assert_int_equal(facts->open, 0);
    assert_true(facts->heard_us > 0);
    b->asked = reply_ack;
    ask.ask.service = BACNET_WRITE_PROPERTY;
    bacnet_ask(peer, &ask.ask);
    rig_run(rig);
    assert_int_equal(ask.count, 2);
    assert_int_equal(ask.answer.outcome, BACNET_ACKED);
    assert_int_equal(ask.size, 0);
    bacnet_peer_release(peer);
    rig_ask_fini(&ask);
    rig_free(rig);
}

static void reply_error(struct rig_node *self, struct bacnet_request *request)
{
    (void)self;
    bacnet_reply_error(request, BACNET_CLASS_OBJECT, BACNET_ERROR_UNKNOWN_OBJECT);
}

static void reply_reject(struct rig_node *self, struct bacnet_request *request)
{
    (void)self;
    bacnet_reply_reject(request, BACNET_REJECT_INVALID_TAG);
}

static void reply_abort(struct rig_node *self, struct bacnet_request *request)
{
    (void)self;
    bacnet_reply_abort(request, BACNET_ABORT_OUT_OF_RESOURCES);
}

static void refusals_are_told_with_their_reasons(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct rig_node *a = rig_add(rig, NULL), *b = rig_add(rig, NULL);
    struct bacnet_peer *peer = rig_peer(a, 2);
    struct rig_ask ask;
    rig_ask_init(&ask, BACNET_READ_PROPERTY, "x", 1);
    b->asked = reply_error;
    bacnet_ask(peer, &ask.ask);
    rig_run(rig);
    assert_int_equal(ask.answer.outcome, BACNET_ERRORED);
    assert_int_equal(ask.answer.error_class, BACNET_CLASS_OBJECT);
    assert_int_equal(ask.answer.error_code, BACNET_ERROR_UNKNOWN_OBJECT);
    assert_int_equal(ask.size, 4);
    b->asked = reply_reject;
    bacnet_ask(peer, &ask.ask);
    rig_run(rig);
    assert_int_equal(ask.answer.outcome, BACNET_REJECTED);
    assert_int_equal(ask.answer.code, BACNET_REJECT_INVALID_TAG);
    b->asked = reply_abort;
    assert_int_equal(bacnet_peer_facts(peer)->in_flight, BACNET_IN_FLIGHT_DIRECT);
    bacnet_ask(peer, &ask.ask);
    rig_run(rig);
    assert_int_equal(ask.answer.outcome, BACNET_ABORTED);
    assert_int_equal(ask.answer.code, BACNET_ABORT_OUT_OF_RESOURCES);
    assert_false(ask.answer.by_us);
    assert_int_equal(ask.count, 3);
    assert_int_equal(bacnet_peer_facts(peer)->in_flight, BACNET_IN_FLIGHT_DIRECT / 2);
    bacnet_peer_release(peer);
    rig_ask_fini(&ask);
    rig_free(rig);
}

static void silence_is_told_after_all_transmissions(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct rig_node *a = rig_add(rig, NULL);
    struct bacnet_peer *peer = rig_peer(a, 9);
    struct rig_ask ask;
    rig_ask_init(&ask, BACNET_READ_PROPERTY, "x", 1);
    ask.ask.retries = 2;
    bacnet_ask(peer, &ask.ask);
    rig_pass(rig, 4990);
    assert_int_equal(rig->out_count, 1);
    rig_pass(rig, 20);
    assert_int_equal(rig->out_count, 2);
    /* The same request, with the same invoke id. */
    assert_int_equal(rig->out[0].size, rig->out[1].size);
    assert_memory_equal(rig->out[0].data, rig->out[1].data, rig->out[0].size);
    rig_pass(rig, 9970);
    assert_int_equal(rig->out_count, 3);
    assert_int_equal(ask.count, 0);
    rig_pass(rig, 50);
    assert_int_equal(ask.count, 1);
    assert_int_equal(ask.answer.outcome, BACNET_SILENT);
    assert_int_equal(ask.answer.sent, 3);
    assert_int_equal(bacnet_peer_facts(peer)->silent, 1);
    assert_int_equal(bacnet_peer_facts(peer)->repeated, 2);
    /* A late answer changes nothing. */
    struct rig_parsed sent = rig_parse(&rig->out[0]);
    struct bacnet_apdu late = { .type = BACNET_PDU_COMPLEX_ACK,
                                .invoke = sent.apdu.invoke,
                                .service = BACNET_READ_PROPERTY,
                                .data = bytes_of("y", 1) };
    struct endpoint at = rig_ip(9);
    rig_inject_apdu(a, &at, NULL, false, &late);
    assert_int_equal(ask.count, 1);
    assert_int_equal(rig_drops(a, BACNET_DROP_STRAY), 1);
    /* A write is sent once, with its own timeout. */
    ask.ask.retries = 0;
    ask.ask.timeout_us = 1000000;
    bacnet_ask(peer, &ask.ask);
    rig_pass(rig, 1020);
    assert_int_equal(ask.count, 2);
    assert_int_equal(ask.answer.sent, 1);
    bacnet_peer_release(peer);
    rig_ask_fini(&ask);
    rig_free(rig);
}

static void a_lost_transmission_is_repeated(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct rig_node *a = rig_add(rig, NULL), *b = rig_add(rig, NULL);
    b->asked = reply_echo;
    struct bacnet_peer *peer = rig_peer(a, 2);
    struct rig_ask ask;
    rig_ask_init(&ask, BACNET_READ_PROPERTY, "x", 1);
    rig->send_error = BUSBAR_EAGAIN; /* the socket is full: as if lost */
    bacnet_ask(peer, &ask.ask);
    rig->send_error = 0;
    rig_pass(rig, 5050);
    assert_int_equal(ask.count, 1);
    assert_int_equal(ask.answer.outcome, BACNET_ACKED);
    assert_int_equal(ask.answer.sent, 2);
    rig->send_error = BUSBAR_EROUTE;
    bacnet_ask(peer, &ask.ask);
    assert_int_equal(ask.count, 1); /* never from inside */
    rig->send_error = 0;
    rig_run(rig);
    assert_int_equal(ask.count, 2);
    assert_int_equal(ask.answer.outcome, BACNET_UNSENT);
    assert_int_equal(ask.answer.error, BUSBAR_EROUTE);
    bacnet_peer_release(peer);
    rig_ask_fini(&ask);
    rig_free(rig);
}

static void spoofed_answers_change_nothing(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct rig_node *a = rig_add(rig, NULL);
    struct bacnet_peer *peer = rig_peer(a, 9);
    struct rig_ask ask;
    rig_ask_init(&ask, BACNET_READ_PROPERTY, "x", 1);
    bacnet_ask(peer, &ask.ask);
    rig_run(rig);
    uint8_t invoke = rig_last_out(rig).apdu.invoke;
    struct endpoint right = rig_ip(9), other_ip = rig_ip(8), other_port = rig_ip(9);
    other_port.port++;
    struct bacnet_apdu good = { .type = BACNET_PDU_COMPLEX_ACK,
                                .invoke = invoke,
                                .service = BACNET_READ_PROPERTY,
                                .data = bytes_of("y", 1) };
    struct bacnet_apdu bad = good;
    rig_inject_apdu(a, &other_ip, NULL, false, &good);
    rig_inject_apdu(a, &other_port, NULL, false, &good);
    struct bacnet_mac mac = { .network = 7, .size = 1, .mac = { 1 } };
    rig_inject_apdu(a, &right, &mac, false, &good); /* behind it, not it */
    bad.invoke++;
    rig_inject_apdu(a, &right, NULL, false, &bad);
    assert_int_equal(rig_drops(a, BACNET_DROP_STRAY), 4);
    bad = good;
    bad.service = BACNET_READ_PROPERTY_MULTIPLE;
    rig_inject_apdu(a, &right, NULL, false, &bad);
    bad = (struct bacnet_apdu){ .type = BACNET_PDU_SIMPLE_ACK,
                                .invoke = invoke,
                                .service = BACNET_READ_PROPERTY };
    rig_inject_apdu(a, &right, NULL, false, &bad);
    bad = (struct bacnet_apdu){ .type = BACNET_PDU_ERROR,
                                .invoke = invoke,
                                .service = BACNET_WRITE_PROPERTY };
    rig_inject_apdu(a, &right, NULL, false, &bad);
    assert_int_equal(rig_drops(a, BACNET_DROP_SERVICE), 3);
    rig_inject_apdu(a, &right, NULL, true, &good);
    assert_int_equal(rig_drops(a, BACNET_DROP_BROADCAST), 1);
    bad = (struct bacnet_apdu){
        .type = BACNET_PDU_SEGMENT_ACK, .invoke = invoke, .server = true, .window = 1
    };
    rig_inject_apdu(a, &right, NULL, false, &bad);
    assert_int_equal(rig_drops(a, BACNET_DROP_SEGMENT), 1);
    bad = (struct bacnet_apdu){ .type = BACNET_PDU_ABORT, .invoke = invoke, .reason = 1 };
    rig_inject_apdu(a, &right, NULL, false, &bad); /* as a client: not for what we ask */
    assert_int_equal(rig_drops(a, BACNET_DROP_STRAY), 5);
    assert_int_equal(ask.count, 0);
    rig_inject_apdu(a, &right, NULL, false, &good);
    assert_int_equal(ask.count, 1);
    assert_int_equal(ask.answer.outcome, BACNET_ACKED);
    rig_inject_apdu(a, &right, NULL, false, &good); /* once more */
    assert_int_equal(ask.count, 1);
    struct bacnet_dropped dropped[BACNET_DROPS_KEPT];
    assert_int_equal(bacnet_node_dropped(a->node, dropped), 11);
    assert_int_equal(dropped[0].drop, BACNET_DROP_STRAY);
    assert_true(endpoint_equal(&dropped[0].from, &right));
    bacnet_peer_release(peer);
    rig_ask_fini(&ask);
    rig_free(rig);
}

/* Answers what is kept, the last first. */
static void keep(struct rig_node *self, struct bacnet_request *request)
{
    (void)self;
    (void)request;
}

static void the_line_has_its_limit_and_writes_go_first(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct rig_node *a = rig_add(rig, NULL), *b = rig_add(rig, NULL);
    b->asked = keep;
    struct bacnet_peer_config config = { .instance = BACNET_INSTANCE_MAX,
                                         .address = rig_address(2),
                                         .in_flight = 1 };
    struct bacnet_peer *peer = bacnet_peer_get(a->node, &config);
    struct rig_ask asks[5];
    unsigned orders = 0;
    for (unsigned i = 0; i < 5; i++) {
        rig_ask_init(&asks[i], BACNET_WRITE_PROPERTY, "x", 1);
        asks[i].orders = &orders;
        asks[i].ask.urgent = i >= 3;
        bacnet_ask(peer, &asks[i].ask);
    }
    rig_run(rig);
    assert_int_equal(b->asked_count, 1);
    assert_int_equal(bacnet_peer_facts(peer)->open, 1);
    assert_int_equal(bacnet_peer_facts(peer)->waiting, 4);
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(b->asked_count, i + 1);
        bacnet_reply_ack(b->last);
        rig_run(rig);
    }
    static const unsigned order[5] = { 1, 4, 5, 2, 3 };
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(asks[i].count, 1);
        assert_int_equal(asks[i].order, order[i]);
        rig_ask_fini(&asks[i]);
    }
    bacnet_peer_release(peer);
    rig_free(rig);
}

static void canceled_asks_are_not_told(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct rig_node *a = rig_add(rig, NULL);
    struct bacnet_peer_config config = { .instance = BACNET_INSTANCE_MAX,
                                         .address = rig_address(9),
                                         .in_flight = 1 };
    struct bacnet_peer *peer = bacnet_peer_get(a->node, &config);
    struct rig_ask sent, waiting, ended;
    rig_ask_init(&sent, BACNET_READ_PROPERTY, "1", 1);
    rig_ask_init(&waiting, BACNET_READ_PROPERTY, "2", 1);
    bacnet_ask(peer, &sent.ask);
    bacnet_ask(peer, &waiting.ask);
    rig_run(rig);
    uint8_t invoke = rig_last_out(rig).apdu.invoke;
    bacnet_ask_cancel(&waiting.ask);
    assert_int_equal(bacnet_peer_facts(peer)->waiting, 0);
    bacnet_ask_cancel(&sent.ask);
    assert_int_equal(bacnet_peer_facts(peer)->open, 0);
    bacnet_ask_cancel(&sent.ask); /* not open: nothing */
    struct endpoint at = rig_ip(9);
    struct bacnet_apdu late = { .type = BACNET_PDU_COMPLEX_ACK,
                                .invoke = invoke,
                                .service = BACNET_READ_PROPERTY,
                                .data = bytes_of("y", 1) };
    rig_inject_apdu(a, &at, NULL, false, &late);
    assert_int_equal(rig_drops(a, BACNET_DROP_STRAY), 1);
    /* One whose end is about to be told. */
    rig_ask_init(&ended, BACNET_READ_PROPERTY, "3", 1);
    rig->send_error = BUSBAR_EROUTE;
    bacnet_ask(peer, &ended.ask);
    rig->send_error = 0;
    assert_true(bacnet_ask_open(&ended.ask));
    bacnet_ask_cancel(&ended.ask);
    rig_pass(rig, 30000);
    assert_int_equal(sent.count + waiting.count + ended.count, 0);
    assert_int_equal(rig->out_count, 1);
    bacnet_peer_release(peer);
    rig_free(rig);
}

static void ask_again(struct rig_ask *self)
{
    if (self->count < 5) {
        bacnet_ask(self->ctx, &self->ask);
    } else {
        bacnet_peer_release(self->ctx);
    }
}

static void an_ask_may_be_used_again_and_the_peer_released_from_inside(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct rig_node *a = rig_add(rig, NULL), *b = rig_add(rig, NULL);
    b->asked = reply_ack;
    struct rig_ask ask;
    rig_ask_init(&ask, BACNET_WRITE_PROPERTY, "x", 1);
    ask.then = ask_again;
    ask.ctx = rig_peer(a, 2);
    bacnet_ask(ask.ctx, &ask.ask);
    rig_run(rig);
    assert_int_equal(ask.count, 5);
    struct bacnet_counts counts;
    bacnet_node_counts(a->node, &counts);
    assert_int_equal(counts.peers, 0);
    rig_ask_fini(&ask);
    rig_free(rig);
}

static void a_closed_node_answers_canceled(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct rig_node *a = rig_add(rig, NULL);
    struct bacnet_peer_config config = { .instance = BACNET_INSTANCE_MAX,
                                         .address = rig_address(9),
                                         .in_flight = 1 };
    struct bacnet_peer *peer = bacnet_peer_get(a->node, &config);
    struct bacnet_peer *unknown = rig_device(a, 77);
    struct rig_ask asks[3];
    for (unsigned i = 0; i < 3; i++) {
        rig_ask_init(&asks[i], BACNET_READ_PROPERTY, "1", 1);
        bacnet_ask(i < 2 ? peer : unknown, &asks[i].ask);
    }
    rig_run(rig);
    rig_close(a);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(asks[i].count, 1);
        assert_int_equal(asks[i].answer.outcome, BACNET_CANCELED);
    }
    bacnet_ask(peer, &asks[0].ask); /* the peer is still valid */
    assert_int_equal(asks[0].count, 1);
    rig_run(rig);
    assert_int_equal(asks[0].count, 2);
    assert_int_equal(asks[0].answer.outcome, BACNET_CANCELED);
    bacnet_peer_release(peer);
    bacnet_peer_release(unknown);
    for (unsigned i = 0; i < 3; i++) {
        rig_ask_fini(&asks[i]);
    }
    rig_free(rig);
}

static void all_invoke_ids_are_used_before_one_comes_again(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct rig_node *a = rig_add(rig, NULL), *b = rig_add(rig, NULL);
    b->asked = reply_ack;
    struct bacnet_peer *peer = rig_peer(a, 2);
    bool used[256] = { false };
    struct rig_ask ask;
    rig_ask_init(&ask, BACNET_WRITE_PROPERTY, "x", 1);
    for (unsigned i = 0; i < 256; i++) {
        bacnet_ask(peer, &ask.ask);
        struct rig_parsed parsed = rig_parse(&rig->queue[0]);
        assert_false(used[parsed.apdu.invoke]);
        used[parsed.apdu.invoke] = true;
        rig_run(rig);
    }
    assert_int_equal(ask.count, 256);
    bacnet_peer_release(peer);
    rig_ask_fini(&ask);
    rig_free(rig);
}

static void without_a_free_invoke_id_an_ask_waits(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct rig_node *a = rig_add(rig, NULL);
    struct bacnet_peer *peer = rig_peer(a, 9);
    struct rig_ask ask;
    rig_ask_init(&ask, BACNET_READ_PROPERTY, "x", 1);
    for (unsigned i = 0; i < 256; i++) {
        bacnet_ask(peer, &ask.ask);
        bacnet_ask_cancel(&ask.ask);
        rig_pass(rig, i % 64 == 63 ? 5 : 0); /* the pace of the node */
    }
    assert_int_equal(rig->out_count, 256);
    bacnet_ask(peer, &ask.ask);
    rig_pass(rig, 4900);
    assert_int_equal(rig->out_count, 256);
    assert_int_equal(bacnet_peer_facts(peer)->waiting, 1);
    rig_pass(rig, 200);
    assert_int_equal(rig->out_count, 257);
    bacnet_ask_cancel(&ask.ask);
    bacnet_peer_release(peer);
    rig_free(rig);
}

/* 40 peers with 4 asks each: no more than 64 go at a time, each peer in its turn; a write does not wait. */
static void all_peers_share_a_pace(void **state)
{
    (void)state;
    enum { PEERS = 40, EACH = 4, MOST = 64 };
    struct rig *rig = rig_new();
    struct rig_node *a = rig_add(rig, NULL);
    static struct rig_ask asks[PEERS][EACH];
    struct rig_ask write;
    struct bacnet_peer *peers[PEERS];
    for (unsigned i = 0; i < PEERS; i++) {
        peers[i] = rig_peer(a, 10 + i);
        for (unsigned k = 0; k < EACH; k++) {
            rig_ask_init(&asks[i][k], BACNET_READ_PROPERTY, "x", 1);
            bacnet_ask(peers[i], &asks[i][k].ask);
        }
    }
    rig_run(rig);
    assert_int_equal(rig->out_count, MOST);
    rig_ask_init(&write, BACNET_WRITE_PROPERTY, "x", 1);
    write.ask.urgent = true;
    bacnet_ask(peers[PEERS - 1], &write.ask);
    rig_run(rig);
    assert_int_equal(rig->out_count, MOST + 1);
    /* an answer makes room for one, of the first that waits */
    struct bacnet_apdu ack = { .type = BACNET_PDU_COMPLEX_ACK,
                               .invoke = rig_parse(&rig->out[0]).apdu.invoke,
                               .service = BACNET_READ_PROPERTY };
    rig_inject_apdu(a, &rig->out[0].to, NULL, false, &ack);
    assert_int_equal(asks[0][0].count, 1);
    rig_run(rig);
    assert_int_equal(rig->out_count, MOST + 1); /* the write took that place */
    ack.invoke = rig_parse(&rig->out[1]).apdu.invoke;
    rig_inject_apdu(a, &rig->out[1].to, NULL, false, &ack);
    rig_run(rig);
    assert_int_equal(rig->out_count, MOST + 2);
    assert_int_equal(rig->out[MOST + 1].to.ip[3], 10 + MOST / EACH);
    /* the silent hold up nobody for long */
    rig_pass(rig, 20);
    assert_int_equal(rig->out_count, PEERS * EACH); /* one waits for the write's end */
    bacnet_ask_cancel(&write.ask);
    for (unsigned i = 0; i < PEERS; i++) {
        for (unsigned k = 0; k < EACH; k++) {
            bacnet_ask_cancel(&asks[i][k].ask);
            rig_ask_fini(&asks[i][k]);
        }
        bacnet_peer_release(peers[i]);
    }
    rig_ask_fini(&write);
    rig_free(rig);
}

/* Several of one instance and several at one address, each asked by another of our own devices. */
static void peers_of_one_name_leave_in_any_order(void **state)
{
    (void)state;
    static const unsigned orders[6][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
                                           { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };
    for (unsigned k = 0; k < 12; k++) {
        struct rig *rig = rig_new();
        struct bacnet_node_config own = { .serves = 7 };
        struct rig_node *a = rig_add(rig, &own);
        struct bacnet_peer *peers[3];
        struct bacnet_peer_config config = { .instance = k < 6 ? 2001 : BACNET_INSTANCE_MAX };
        config.address = k < 6 ? config.address : rig_address(9);
        for (uint8_t i = 0; i < 3; i++) {
            config.source = (struct bacnet_address){ .network = i > 0 ? 7 : 0,
                                                     .mac_size = i > 0,
                                                     .mac = { i } };
            peers[i] = bacnet_peer_get(a->node, &config);
            assert_ptr_equal(bacnet_peer_get(a->node, &config), peers[i]);
            bacnet_peer_release(peers[i]);
        }
        struct endpoint at = rig_ip(9);
        rig_inject_i_am(a, &at, NULL, 2001, 480, BACNET_SEGMENTED_NONE);
        for (unsigned i = 0; i < 3; i++) {
            assert_true(bacnet_peer_facts(peers[i])->introduced);
            assert_int_equal(bacnet_peer_facts(peers[i])->max_apdu, 480);
        }
        for (unsigned i = 0; i < 3; i++) {
            bacnet_peer_release(peers[orders[k % 6][i]]);
            rig_inject_i_am(a, &at, NULL, 2001, 480, BACNET_SEGMENTED_NONE);
            for (unsigned left = i + 1; left < 3; left++) {
                assert_true(bacnet_peer_facts(peers[orders[k % 6][left]])->heard_us > 0);
            }
        }
        struct bacnet_counts counts;
        bacnet_node_counts(a->node, &counts);
        assert_int_equal(counts.peers, 0);
        rig_free(rig);
    }
}

static enum rig_fate lose_second(struct rig *rig, const struct rig_frame *frame)
{
    return endpoint_equal(&frame->to, &rig->nodes[1].at) && ++rig->lose == 2 ? RIG_LOSE : RIG_PASS;
}

static void a_loss_among_several_lowers_the_limit_for_an_hour(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct rig_node *a = rig_add(rig, NULL), *b = rig_add(rig, NULL);
    b->asked = reply_ack;
    rig->filter = lose_second;
    struct bacnet_peer *peer = rig_peer(a, 2);
    struct rig_ask asks[4];
    for (unsigned i = 0; i < 4; i++) {
        rig_ask_init(&asks[i], BACNET_WRITE_PROPERTY, "x", 1);
        bacnet_ask(peer, &asks[i].ask);
    }
    rig_pass(rig, 5100);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(asks[i].count, 1);
        assert_int_equal(asks[i].answer.outcome, BACNET_ACKED);
    }
    assert_int_equal(bacnet_peer_facts(peer)->in_flight, BACNET_IN_FLIGHT_DIRECT / 2);
    clock_fake_advance(3601 * CLOCK_US_PER_S);
    bacnet_ask(peer, &asks[0].ask);
    rig_run(rig);
    assert_int_equal(bacnet_peer_facts(peer)->in_flight, BACNET_IN_FLIGHT_DIRECT);
    bacnet_peer_release(peer);
    for (unsigned i = 0; i < 4; i++) {
        rig_ask_fini(&asks[i]);
    }
    rig_free(rig);
}

static void peers_are_shared_and_counted(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct rig_node *a = rig_add(rig, NULL);
    struct bacnet_peer *first = rig_peer(a, 9);
    assert_ptr_equal(rig_peer(a, 9), first);
    struct bacnet_peer *other = rig_peer(a, 8);
    assert_ptr_not_equal(other, first);
    struct bacnet_peer_config config = { .instance = BACNET_INSTANCE_MAX,
                                         .address = rig_address(9),
                                         .max_apdu = 206,
                                         .segmentation = BACNET_SEGMENTED_NONE,
                                         .in_flight = 2 };
    assert_ptr_equal(bacnet_peer_get(a->node, &config), first);
    const struct bacnet_peer_facts *facts = bacnet_peer_facts(first);
    assert_int_equal(facts->max_apdu, 206);
    assert_int_equal(facts->segmentation, BACNET_SEGMENTED_NONE);
    assert_int_equal(facts->in_flight, 2);
    assert_int_equal(bacnet_peer_request_max(first), 202);
    assert_int_equal(bacnet_peer_answer_max(first), 203);
    /* What the user said is also what the request says. */
    struct rig_ask ask;
    rig_ask_init(&ask, BACNET_READ_PROPERTY, "x", 1);
    for (unsigned i = 0; i < 2; i++) {
        bacnet_ask(i == 0 ? first : other, &ask.ask);
        rig_run(rig);
        bacnet_ask_cancel(&ask.ask);
        struct rig_parsed sent = rig_last_out(rig);
        assert_int_equal(sent.apdu.segments_accepted, i == 1);
        assert_int_equal(bacnet_max_apdu(sent.apdu.max_apdu_code), 1476);
        assert_int_equal(bacnet_max_segments(sent.apdu.max_segments_code), i == 1 ? 64 : 0);
    }
    rig_pass(rig, 6000); /* the invoke ids have rested: the peers are held by their users alone */
    bacnet_peer_set_user(first, rig);
    assert_ptr_equal(bacnet_peer_user(first), rig);
    assert_ptr_equal(bacnet_peer_node(first), a->node);
    struct bacnet_counts counts;
    bacnet_node_counts(a->node, &counts);
    assert_int_equal(counts.peers, 2);
    bacnet_peer_release(first);
    bacnet_peer_release(first);
    bacnet_peer_release(first);
    bacnet_peer_release(other);
    bacnet_node_counts(a->node, &counts);
    assert_int_equal(counts.peers, 0);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_ask_is_answered),
        cmocka_unit_test(refusals_are_told_with_their_reasons),
        cmocka_unit_test(silence_is_told_after_all_transmissions),
        cmocka_unit_test(a_lost_transmission_is_repeated),
        cmocka_unit_test(spoofed_answers_change_nothing),
        cmocka_unit_test(the_line_has_its_limit_and_writes_go_first),
        cmocka_unit_test(canceled_asks_are_not_told),
        cmocka_unit_test(an_ask_may_be_used_again_and_the_peer_released_from_inside),
        cmocka_unit_test(a_closed_node_answers_canceled),
        cmocka_unit_test(all_invoke_ids_are_used_before_one_comes_again),
        cmocka_unit_test(a_loss_among_several_lowers_the_limit_for_an_hour),
        cmocka_unit_test(peers_are_shared_and_counted),
        cmocka_unit_test(without_a_free_invoke_id_an_ask_waits),
        cmocka_unit_test(peers_of_one_name_leave_in_any_order),
        cmocka_unit_test(all_peers_share_a_pace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
