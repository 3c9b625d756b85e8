/* SPDX-License-Identifier: Apache-2.0 */
/* Remote networks: the search for a router, learning, rejects, busy routers, the table's limit; and
 * a network of our own behind the node (the simulator's). */
#include "node_rig.h"

#include "drivers/bacnet/wire/errors.h"

static const uint8_t network_7[2] = { 0, 7 };

static struct bacnet_peer *remote_peer(struct rig_node *self, uint16_t network, uint8_t mac)
{
    struct bacnet_peer_config config = { .instance = BACNET_INSTANCE_MAX,
                                         .address = {
                                             .network = network, .mac_size = 1, .mac = { mac } } };
    return bacnet_peer_get(self->node, &config);
}

static struct bacnet_route_message list_message(uint8_t message)
{
    return (struct bacnet_route_message){ .message = message, .data = bytes_of(network_7, 2) };
}

static void a_router_is_looked_for_and_used(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct rig_node *a = rig_add(rig, NULL);
    struct bacnet_peer *peer = remote_peer(a, 7, 12);
    assert_int_equal(bacnet_peer_facts(peer)->in_flight, BACNET_IN_FLIGHT_ROUTED);
    assert_int_equal(bacnet_peer_facts(peer)->max_apdu, 480);
    struct rig_ask ask;
    rig_ask_init(&ask, BACNET_READ_PROPERTY, "x", 1);
    bacnet_ask(peer, &ask.ask);
    rig_run(rig);
    struct rig_parsed who = rig_last_out(rig);
    assert_int_equal(who.bvlc.function, BACNET_BVLC_BROADCAST);
    assert_int_equal(who.route.message, BACNET_WHO_IS_ROUTER);
    assert_true(who.route.has_network);
    assert_int_equal(who.route.network, 7);
    struct endpoint router = rig_ip(9);
    struct bacnet_route_message i_am = list_message(BACNET_I_AM_ROUTER);
    rig_inject_route(a, &router, &i_am);
    rig_run(rig);
    assert_true(endpoint_equal(&rig->out[rig->out_count - 1].to, &router));
    struct rig_parsed sent = rig_last_out(rig);
    assert_int_equal(sent.bvlc.function, BACNET_BVLC_UNICAST);
    assert_int_equal(sent.npdu.to.network, 7);
    assert_int_equal(sent.npdu.to.size, 1);
    assert_int_equal(sent.npdu.to.mac[0], 12);
    assert_int_equal(sent.npdu.hops, BACNET_HOPS);
    assert_true(sent.npdu.expecting_reply);
    struct bacnet_apdu answer = { .type = BACNET_PDU_COMPLEX_ACK,
                                  .invoke = sent.apdu.invoke,
                                  .service = BACNET_READ_PROPERTY,
                                  .data = bytes_of("y", 1) };
    struct bacnet_mac from = { .network = 7, .size = 1, .mac = { 12 } },
                      other = { .network = 7, .size = 1, .mac = { 13 } };
    struct endpoint elsewhere = rig_ip(8);
    rig_inject_apdu(a, &router, &other, false, &answer);
    rig_inject_apdu(a, &elsewhere, &from, false, &answer); /* not by our router */
    rig_inject_apdu(a, &router, NULL, false, &answer);
    assert_int_equal(ask.count, 0);
    assert_int_equal(rig_drops(a, BACNET_DROP_STRAY), 2);
    assert_int_equal(rig_drops(a, BACNET_DROP_ROUTER), 1);
    rig_inject_apdu(a, &router, &from, false, &answer);
    assert_int_equal(ask.count, 1);
    assert_int_equal(ask.answer.outcome, BACNET_ACKED);
    struct bacnet_router routers[4];
    assert_int_equal(bacnet_node_routers(a->node, routers, 4), 1);
    assert_int_equal(routers[0].network, 7);
    assert_true(endpoint_equal(&routers[0].router, &router));
    bacnet_peer_release(peer);
    rig_ask_fini(&ask);
    rig_free(rig);
}

/* All that went out and was not answered yet is answered, in its order; returns how many. */
static unsigned answer_all(struct rig *rig, struct rig_node *self, const struct endpoint *router)
{
    unsigned count = 0;
    size_t out = rig->out_count;
    for (size_t i = 0; i < out; i++) {
        struct rig_parsed sent = rig_parse(&rig->out[i]);
        if (sent.npdu.is_message || sent.apdu.type != BACNET_PDU_CONFIRMED) {
            continue;
        }
        struct bacnet_apdu answer = { .type = BACNET_PDU_COMPLEX_ACK,
                                      .invoke = sent.apdu.invoke,
                                      .service = sent.apdu.service,
                                      .data = bytes_of("y", 1) };
        rig_inject_apdu(self, router, &sent.npdu.to, false, &answer);
        count++;
    }
    rig->out_count = 0;
    rig_run(rig);
    return count;
}

static void a_network_gets_so_many_at_a_time_in_turns(void **state)
{
    (void)state;
    enum { MANY = 20 };
    struct rig *rig = rig_new();
    struct rig_node *a = rig_add(rig, NULL);
    struct endpoint router = rig_ip(9);
    struct bacnet_route_message i_am = list_message(BACNET_I_AM_ROUTER);
    rig_inject_route(a, &router, &i_am);
    struct bacnet_peer *peers[MANY];
    struct rig_ask asks[2 * MANY];
    unsigned orders = 0;
    for (unsigned i = 0; i < 2 * MANY; i++) {
        if (i < MANY) {
            peers[i] = remote_peer(a, 7, (uint8_t)i);
        }
        rig_ask_init(&asks[i], BACNET_READ_PROPERTY, "x", 1);
        asks[i].orders = &orders;
        bacnet_ask(peers[i % MANY], &asks[i].ask);
    }
    rig_run(rig);
    assert_int_equal(rig->out_count, BACNET_IN_FLIGHT_NETWORK);
    bacnet_ask_cancel(&asks[0].ask);
    rig_run(rig);
    assert_int_equal(rig->out_count, BACNET_IN_FLIGHT_NETWORK + 1); /* its place is taken */
    unsigned answered = 0, rounds = 0;
    while (answered < 2 * MANY && rounds++ < 20) {
        answered += answer_all(rig, a, &router);
        assert_true(rig->out_count <= BACNET_IN_FLIGHT_NETWORK);
    }
    assert_int_equal(answered, 2 * MANY);
    assert_int_equal(asks[0].count, 0);
    for (unsigned i = 1; i < 2 * MANY; i++) {
        assert_int_equal(asks[i].count, 1);
        assert_int_equal(asks[i].answer.outcome, BACNET_ACKED);
        /* Nobody was asked twice before all were asked once. */
        assert_true(i < MANY ? asks[i].order <= MANY + BACNET_IN_FLIGHT_NETWORK
                             : asks[i].order > MANY / 2);
        rig_ask_fini(&asks[i]);
    }
    for (unsigned i = 0; i < MANY; i++) {
        bacnet_peer_release(peers[i]);
    }
    rig_free(rig);
}

static void no_router_answers(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct rig_node *a = rig_add(rig, NULL);
    struct bacnet_peer *first = remote_peer(a, 7, 12), *second = remote_peer(a, 7, 13);
    struct rig_ask asks[2];
    for (unsigned i = 0; i < 2; i++) {
        rig_ask_init(&asks[i], BACNET_READ_PROPERTY, "x", 1);
        bacnet_ask(i == 0 ? first : second, &asks[i].ask);
    }
    rig_pass(rig, 2900);
    assert_int_equal(rig->out_count, 3);
    rig_pass(rig, 200);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(asks[i].count, 1);
        assert_int_equal(asks[i].answer.outcome, BACNET_NO_ROUTE);
    }
    bacnet_ask(first, &asks[0].ask);
    rig_pass(rig, 10);
    assert_int_equal(asks[0].count, 2);
    assert_int_equal(rig->out_count, 3); /* not again so soon */
    rig_pass(rig, 2500);
    bacnet_ask(first, &asks[0].ask);
    rig_run(rig);
    assert_int_equal(rig->out_count, 4);
    bacnet_ask_cancel(&asks[0].ask);
    bacnet_peer_release(first);
    bacnet_peer_release(second);
    rig_ask_fini(&asks[0]);
    rig_ask_fini(&asks[1]);
    rig_free(rig);
}

static void a_router_is_learned_from_the_source_of_a_frame(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct rig_node *a = rig_add(rig, NULL);
    struct endpoint router = rig_ip(9), other = rig_ip(8);
    struct bacnet_mac from = { .network = 7, .size = 1, .mac = { 12 } };
    rig_inject_i_am(a, &router, &from, 2001, 480, BACNET_SEGMENTED_NONE);
    rig_inject_i_am(a, &other, &from, 2001, 480,
                    BACNET_SEGMENTED_NONE); /* a second way changes nothing */
    struct bacnet_peer *peer = rig_device(a, 2001);
    rig_inject_i_am(a, &router, &from, 2001, 480, BACNET_SEGMENTED_NONE);
    struct rig_ask ask;
    rig_ask_init(&ask, BACNET_READ_PROPERTY, "x", 1);
    bacnet_ask(peer, &ask.ask);
    rig_run(rig);
    assert_true(endpoint_equal(&rig->out[0].to, &router));
    assert_int_equal(rig->out_count, 1);
    bacnet_ask_cancel(&ask.ask);
    bacnet_peer_release(peer);
    rig_ask_fini(&ask);
    rig_free(rig);
}

static void a_router_that_is_alive_is_not_given_up_for_another(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct rig_node *a = rig_add(rig, NULL);
    struct endpoint router = rig_ip(9), other = rig_ip(8);
    struct bacnet_mac from = { .network = 7, .size = 1, .mac = { 12 } };
    struct bacnet_route_message message = list_message(BACNET_I_AM_ROUTER);
    struct bacnet_router known;
    rig_inject_route(a, &router, &message);
    rig_inject_route(a, &other, &message);
    assert_int_equal(rig_drops(a, BACNET_DROP_ROUTER), 1);
    /* what comes by another way is of nobody that we know: not a notification either */
    rig_inject_i_am(a, &other, &from, 2001, 480, BACNET_SEGMENTED_NONE);
    assert_int_equal(rig_drops(a, BACNET_DROP_ROUTER), 2);
    assert_int_equal(a->heard_count, 0);
    assert_int_equal(a->told_count, 0);
    rig_pass(rig, 20000);
    rig_inject_i_am(a, &router, &from, 2001, 480, BACNET_SEGMENTED_NONE); /* it is alive */
    rig_pass(rig, 20000);
    rig_inject_route(a, &other, &message);
    assert_int_equal(bacnet_node_routers(a->node, &known, 1), 1);
    assert_true(endpoint_equal(&known.router, &router));
    /* silent for long enough: its place is taken */
    rig_pass(rig, 11000);
    rig_inject_route(a, &other, &message);
    assert_int_equal(bacnet_node_routers(a->node, &known, 1), 1);
    assert_true(endpoint_equal(&known.router, &other));
    rig_free(rig);
}

static void a_reject_ends_what_was_asked(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct rig_node *a = rig_add(rig, NULL);
    struct endpoint router = rig_ip(9), other = rig_ip(8);
    struct bacnet_route_message message = list_message(BACNET_I_AM_ROUTER);
    rig_inject_route(a, &router, &message);
    struct bacnet_peer *peer = remote_peer(a, 7, 12);
    struct rig_ask ask, next;
    rig_ask_init(&ask, BACNET_READ_PROPERTY, "x", 1);
    rig_ask_init(&next, BACNET_READ_PROPERTY, "x", 1);
    bacnet_ask(peer, &ask.ask);
    bacnet_ask(peer, &next.ask); /* in line */
    rig_run(rig);
    message = (struct bacnet_route_message){ .message = BACNET_REJECT_MESSAGE,
                                             .network = 7,
                                             .reason = BACNET_ROUTE_UNKNOWN };
    rig_inject_route(a, &other, &message); /* not the router that we use */
    rig_run(rig);
    assert_int_equal(ask.count, 0);
    assert_int_equal(rig_drops(a, BACNET_DROP_NETWORK_MESSAGE), 1);
    rig_inject_route(a, &router, &message);
    assert_int_equal(ask.count, 0); /* soon */
    rig_run(rig);
    assert_int_equal(ask.count, 1);
    assert_int_equal(ask.answer.outcome, BACNET_NO_ROUTE);
    assert_int_equal(ask.answer.code, BACNET_ROUTE_UNKNOWN);
    rig_run(rig);
    assert_int_equal(next.count, 1);
    assert_int_equal(next.answer.outcome, BACNET_NO_ROUTE);
    rig_ask_fini(&next);
    struct bacnet_router known;
    assert_int_equal(bacnet_node_routers(a->node, &known, 1), 1);
    assert_int_equal(known.router.family, 0);
    assert_int_equal(known.refused, 1);
    /* Too long for the line: the peer gets less at a time. */
    message = list_message(BACNET_I_AM_ROUTER);
    rig_inject_route(a, &router, &message);
    bacnet_ask(peer, &ask.ask);
    rig_run(rig);
    message = (struct bacnet_route_message){ .message = BACNET_REJECT_MESSAGE,
                                             .network = 7,
                                             .reason = BACNET_ROUTE_TOO_LONG };
    rig_inject_route(a, &router, &message);
    rig_run(rig);
    assert_int_equal(ask.count, 2);
    assert_int_equal(ask.answer.outcome, BACNET_ABORTED);
    assert_int_equal(ask.answer.code, BACNET_ABORT_APDU_TOO_LONG);
    assert_int_equal(bacnet_peer_facts(peer)->max_apdu, 206);
    bacnet_peer_release(peer);
    rig_ask_fini(&ask);
    rig_free(rig);
}

static void a_busy_router_is_left_alone(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct rig_node *a = rig_add(rig, NULL);
    struct endpoint router = rig_ip(9);
    struct bacnet_route_message message = list_message(BACNET_I_AM_ROUTER);
    rig_inject_route(a, &router, &message);
    message = list_message(BACNET_ROUTER_BUSY);
    rig_inject_route(a, &router, &message);
    struct bacnet_peer *peer = remote_peer(a, 7, 12);
    struct rig_ask ask;
    rig_ask_init(&ask, BACNET_READ_PROPERTY, "x", 1);
    bacnet_ask(peer, &ask.ask);
    rig_pass(rig, 1000);
    assert_int_equal(rig->out_count, 0);
    message = list_message(BACNET_ROUTER_AVAILABLE);
    rig_inject_route(a, &router, &message);
    rig_run(rig);
    assert_int_equal(rig->out_count, 1);
    bacnet_ask_cancel(&ask.ask);
    /* It forgets to say so. */
    message = list_message(BACNET_ROUTER_BUSY);
    rig_inject_route(a, &router, &message);
    bacnet_ask(peer, &ask.ask);
    rig_pass(rig, 29000);
    assert_int_equal(rig->out_count, 1);
    rig_pass(rig, 1100);
    assert_int_equal(rig->out_count, 2);
    bacnet_ask_cancel(&ask.ask);
    bacnet_peer_release(peer);
    rig_ask_fini(&ask);
    rig_free(rig);
}

static void other_rejects_end_the_ask_or_make_it_wait(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct rig_node *a = rig_add(rig, NULL);
    struct endpoint router = rig_ip(9), other = rig_ip(8);
    struct bacnet_route_message message = list_message(BACNET_I_AM_ROUTER);
    rig_inject_route(a, &router, &message);
    struct bacnet_peer *peer = remote_peer(a, 7, 12);
    struct rig_ask ask, next;
    rig_ask_init(&ask, BACNET_READ_PROPERTY, "x", 1);
    rig_ask_init(&next, BACNET_READ_PROPERTY, "x", 1);
    bacnet_ask(peer, &ask.ask);
    rig_run(rig);
    message = (struct bacnet_route_message){ .message = BACNET_REJECT_MESSAGE,
                                             .network = 7,
                                             .reason = BACNET_ROUTE_SECURITY };
    rig_inject_route(a, &router, &message);
    rig_run(rig);
    assert_int_equal(ask.answer.outcome, BACNET_NO_ROUTE);
    assert_int_equal(ask.answer.code, BACNET_ROUTE_SECURITY);
    assert_int_equal(ask.count, 1);
    /* Busy: nothing more is sent for a while, what is under way may be answered. */
    message.reason = BACNET_ROUTE_BUSY;
    rig_inject_route(a, &router, &message);
    rig->out_count = 0;
    bacnet_ask(peer, &next.ask);
    rig_pass(rig, 1000);
    assert_int_equal(rig->out_count, 0);
    message = list_message(BACNET_ROUTER_AVAILABLE);
    rig_inject_route(a, &other, &message); /* not our router */
    rig_run(rig);
    assert_int_equal(rig->out_count, 0);
    rig_inject_route(a, &router, &message);
    rig_run(rig);
    assert_int_equal(rig->out_count, 1);
    message = (struct bacnet_route_message){ .message = BACNET_WHAT_IS_NETWORK };
    rig_inject_route(a, &router, &message);
    assert_int_equal(rig_drops(a, BACNET_DROP_NETWORK_MESSAGE), 1);
    bacnet_ask_cancel(&next.ask);
    bacnet_peer_release(peer);
    rig_ask_fini(&ask);
    rig_ask_fini(&next);
    rig_free(rig);
}

static void networks_in_use_are_not_given_up_for_others(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct rig_node *a = rig_add(rig, NULL);
    struct bacnet_peer *peers[BACNET_ROUTES_MAX + 1];
    static struct rig_ask asks[BACNET_ROUTES_MAX + 1];
    for (unsigned i = 0; i <= BACNET_ROUTES_MAX; i++) {
        peers[i] = remote_peer(a, (uint16_t)(i + 1), 1);
        rig_ask_init(&asks[i], BACNET_READ_PROPERTY, "x", 1);
        bacnet_ask(peers[i], &asks[i].ask);
    }
    rig_run(rig);
    assert_int_equal(asks[BACNET_ROUTES_MAX].count, 1); /* one too many */
    assert_int_equal(asks[BACNET_ROUTES_MAX].answer.outcome, BACNET_NO_ROUTE);
    assert_int_equal(asks[0].count, 0);
    struct endpoint router = rig_ip(9);
    uint8_t network[2] = { 9, 9 };
    struct bacnet_route_message i_am = { .message = BACNET_I_AM_ROUTER,
                                         .data = bytes_of(network, 2) };
    rig_inject_route(a, &router, &i_am);
    assert_int_equal(rig_drops(a, BACNET_DROP_ROUTES), 1);
    for (unsigned i = 0; i <= BACNET_ROUTES_MAX; i++) {
        bacnet_ask_cancel(&asks[i].ask);
        rig_ask_fini(&asks[i]);
        bacnet_peer_release(peers[i]);
    }
    rig_free(rig);
}

static void the_user_may_say_where_the_router_is(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct rig_node *a = rig_add(rig, NULL);
    struct bacnet_peer_config config = {
        .instance = BACNET_INSTANCE_MAX,
        .address = { .ip = rig_ip(9), .network = 7, .mac_size = 1, .mac = { 1 } }
    };
    struct bacnet_peer *peer = bacnet_peer_get(a->node, &config);
    struct rig_ask ask;
    rig_ask_init(&ask, BACNET_READ_PROPERTY, "x", 1);
    bacnet_ask(peer, &ask.ask);
    rig_run(rig);
    assert_int_equal(rig->out_count, 1);
    assert_true(endpoint_equal(&rig->out[0].to, &config.address.ip));
    bacnet_ask_cancel(&ask.ask);
    bacnet_peer_release(peer);
    rig_free(rig);
}

static void the_table_of_networks_is_bounded(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct rig_node *a = rig_add(rig, NULL);
    struct endpoint router = rig_ip(9);
    struct bacnet_peer *peer = remote_peer(a, 1, 12);
    struct rig_ask ask;
    rig_ask_init(&ask, BACNET_READ_PROPERTY, "x", 1);
    bacnet_ask(peer, &ask.ask);
    for (uint16_t network = 1; network < 2000; network++) {
        struct bacnet_mac from = { .network = network, .size = 1, .mac = { 1 } };
        rig_inject_i_am(a, &router, &from, network, 480, BACNET_SEGMENTED_NONE);
    }
    struct bacnet_router known[BACNET_ROUTES_MAX];
    assert_int_equal(bacnet_node_routers(a->node, known, BACNET_ROUTES_MAX), BACNET_ROUTES_MAX);
    bool kept = false;
    for (size_t i = 0; i < BACNET_ROUTES_MAX; i++) {
        kept = kept || known[i].network == 1;
    }
    assert_true(kept); /* it is in use */
    bacnet_ask_cancel(&ask.ask);
    bacnet_peer_release(peer);
    rig_free(rig);
}

/* ---- a network that we serve ---- */

static void reply_own(struct rig_node *self, struct bacnet_request *request)
{
    (void)self;
    bacnet_reply_data(request, request->to->mac, request->to->mac_size);
}

static void devices_behind_a_node_are_asked_and_ask(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct bacnet_node_config config = { .serves = 7 };
    struct rig_node *a = rig_add(rig, NULL), *b = rig_add(rig, &config);
    b->asked = reply_own;
    struct bacnet_peer *peers[3] = { remote_peer(a, 7, 1), remote_peer(a, 7, 2), rig_peer(a, 2) };
    struct rig_ask asks[3];
    for (unsigned i = 0; i < 3; i++) {
        rig_ask_init(&asks[i], BACNET_READ_PROPERTY, "x", 1);
        bacnet_ask(peers[i], &asks[i].ask);
    }
    rig_pass(rig, 50);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(asks[i].count, 1);
        assert_int_equal(asks[i].answer.outcome, BACNET_ACKED);
        assert_int_equal(asks[i].size, i < 2 ? 1 : 0);
        assert_true(i == 2 || asks[i].data[0] == i + 1);
    }
    /* I-Am of one of them. */
    uint8_t data[BACNET_I_AM_MAX];
    struct bytes_out out = bytes_out_of(data, sizeof(data));
    bacnet_put_i_am(&out, &(struct bacnet_i_am){
                              .instance = 4001, .max_apdu = 480, .segmentation = 3, .vendor = 1 });
    struct bacnet_address source = { .network = 7, .mac_size = 1, .mac = { 5 } };
    struct bacnet_address everywhere = { .network = BACNET_NETWORK_ALL };
    assert_int_equal(
        bacnet_tell(b->node, &source, &everywhere, BACNET_I_AM, data, bytes_out_size(&out)), 0);
    rig_run(rig);
    assert_int_equal(a->heard_count, 1);
    assert_true(bacnet_address_equal(&a->told_from, &source));
    /* One of them asks us: each has its own invoke ids. */
    a->asked = reply_own;
    struct rig_ask back[2];
    struct bacnet_peer *from[2];
    for (unsigned i = 0; i < 2; i++) {
        struct bacnet_peer_config asker = { .instance = BACNET_INSTANCE_MAX,
                                            .address = rig_address(1),
                                            .source = source };
        asker.source.mac[0] = (uint8_t)(5 + i);
        from[i] = bacnet_peer_get(b->node, &asker);
        rig_ask_init(&back[i], BACNET_READ_PROPERTY, "x", 1);
        bacnet_ask(from[i], &back[i].ask);
        rig_run(rig);
        assert_int_equal(back[i].count, 1);
        assert_int_equal(back[i].answer.outcome, BACNET_ACKED);
        assert_true(bacnet_address_equal(&a->asked_from, &asker.source));
        rig_ask_fini(&back[i]);
    }
    assert_ptr_not_equal(from[0], from[1]);
    bacnet_peer_release(from[0]);
    bacnet_peer_release(from[1]);
    /* To all of the network, and to all networks. */
    struct bacnet_address all_of = { .network = 7 };
    assert_int_equal(bacnet_who_is(a->node, &all_of, 0, BACNET_INSTANCE_MAX), 0);
    rig_run(rig);
    assert_int_equal(b->told_to.network, 7);
    assert_int_equal(b->told_to.mac_size, 0);
    assert_true(b->told_broadcast);
    assert_int_equal(bacnet_who_is(a->node, NULL, 0, BACNET_INSTANCE_MAX), 0);
    rig_run(rig);
    assert_int_equal(b->told_to.network, BACNET_NETWORK_ALL);
    struct bacnet_address other = { .network = 8 };
    unsigned told = b->told_count;
    assert_int_equal(bacnet_who_is(a->node, &other, 0, 10), 0);
    rig_run(rig);
    assert_int_equal(b->told_count, told);
    assert_true(rig_drops(b, BACNET_DROP_NETWORK) > 0);
    for (unsigned i = 0; i < 3; i++) {
        bacnet_peer_release(peers[i]);
        rig_ask_fini(&asks[i]);
    }
    rig_free(rig);
}

static void who_is_router_is_answered_for_our_own_alone(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct bacnet_node_config config = { .serves = 7 };
    struct rig_node *a = rig_add(rig, &config);
    struct endpoint at = rig_ip(9);
    struct bacnet_route_message who = { .message = BACNET_WHO_IS_ROUTER,
                                        .has_network = true,
                                        .network = 8 };
    rig_inject_route(a, &at, &who);
    rig_run(rig);
    assert_int_equal(rig->out_count, 0);
    who.has_network = false;
    rig_inject_route(a, &at, &who);
    who.has_network = true;
    who.network = 7;
    rig_inject_route(a, &at, &who);
    rig_run(rig);
    assert_int_equal(rig->out_count, 2);
    struct rig_parsed answer = rig_last_out(rig);
    uint16_t network = 0;
    assert_int_equal(answer.route.message, BACNET_I_AM_ROUTER);
    assert_true(bacnet_get_route_network(&answer.route.data, &network));
    assert_int_equal(network, 7);
    /* Somebody says he is the router of our own network, or sends from it. */
    struct bacnet_route_message i_am = list_message(BACNET_I_AM_ROUTER);
    rig_inject_route(a, &at, &i_am);
    struct bacnet_mac from = { .network = 7, .size = 1, .mac = { 1 } };
    rig_inject_i_am(a, &at, &from, 1, 480, BACNET_SEGMENTED_NONE);
    assert_int_equal(rig_drops(a, BACNET_DROP_LOOP), 1);
    struct bacnet_router known;
    assert_int_equal(bacnet_node_routers(a->node, &known, 1), 0);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_router_is_looked_for_and_used),
        cmocka_unit_test(a_network_gets_so_many_at_a_time_in_turns),
        cmocka_unit_test(no_router_answers),
        cmocka_unit_test(a_router_is_learned_from_the_source_of_a_frame),
        cmocka_unit_test(a_router_that_is_alive_is_not_given_up_for_another),
        cmocka_unit_test(a_reject_ends_what_was_asked),
        cmocka_unit_test(a_busy_router_is_left_alone),
        cmocka_unit_test(other_rejects_end_the_ask_or_make_it_wait),
        cmocka_unit_test(networks_in_use_are_not_given_up_for_others),
        cmocka_unit_test(the_user_may_say_where_the_router_is),
        cmocka_unit_test(the_table_of_networks_is_bounded),
        cmocka_unit_test(devices_behind_a_node_are_asked_and_ask),
        cmocka_unit_test(who_is_router_is_answered_for_our_own_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
