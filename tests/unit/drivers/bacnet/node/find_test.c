/* SPDX-License-Identifier: Apache-2.0 */
/* Devices found by their instance: Who-Is, I-Am heard before, moved, duplicate, nobody; a storm. */
#include "node_rig.h"

static void reply_ack(struct rig_node *self, struct bacnet_request *request)
{
    (void)self;
    bacnet_reply_ack(request);
}

static struct bacnet_who_is who_is_of(const struct rig_frame *frame)
{
    struct rig_parsed parsed = rig_parse(frame);
    struct bacnet_who_is who;
    assert_int_equal(parsed.bvlc.function, BACNET_BVLC_BROADCAST);
    assert_int_equal(parsed.npdu.to.network, BACNET_NETWORK_ALL);
    assert_int_equal(parsed.apdu.type, BACNET_PDU_UNCONFIRMED);
    assert_int_equal(parsed.apdu.service, BACNET_WHO_IS);
    assert_int_equal(bacnet_get_who_is(&parsed.apdu.data, &who), 0);
    return who;
}

static void a_device_is_found_and_then_asked(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct rig_node *a = rig_add(rig, NULL), *b = rig_add(rig, NULL);
    b->asked = reply_ack;
    struct bacnet_peer *peer = rig_device(a, 2001);
    assert_ptr_equal(rig_device(a, 2001), peer);
    bacnet_peer_release(peer);
    struct rig_ask ask;
    rig_ask_init(&ask, BACNET_WRITE_PROPERTY, "x", 1);
    bacnet_ask(peer, &ask.ask);
    rig_pass(rig, 25);
    assert_int_equal(rig->out_count, 1);
    struct bacnet_who_is who = who_is_of(&rig->out[0]);
    assert_int_equal(who.low, 2001);
    assert_int_equal(who.high, 2001);
    assert_int_equal(b->told_service, BACNET_WHO_IS);
    assert_true(b->told_broadcast);
    assert_int_equal(ask.count, 0);
    struct endpoint at = rig_ip(2);
    rig_inject_i_am(a, &at, NULL, 2002, 1024, BACNET_SEGMENTED_NONE); /* another */
    assert_false(bacnet_peer_facts(peer)->found);
    rig_inject_i_am(a, &at, NULL, 2001, 480, BACNET_SEGMENTED_NONE);
    rig_run(rig);
    assert_int_equal(ask.count, 1);
    assert_int_equal(ask.answer.outcome, BACNET_ACKED);
    const struct bacnet_peer_facts *facts = bacnet_peer_facts(peer);
    assert_true(facts->found && facts->introduced);
    assert_int_equal(facts->max_apdu, 480);
    assert_int_equal(facts->segmentation, BACNET_SEGMENTED_NONE);
    assert_int_equal(facts->vendor, 7);
    assert_int_equal(a->heard.what, BACNET_HEARD_NEW);
    assert_ptr_equal(a->heard.peer, peer);
    rig_inject_i_am(a, &at, NULL, 2001, 480, BACNET_SEGMENTED_NONE);
    assert_int_equal(a->heard.what, BACNET_HEARD_AGAIN);
    rig_pass(rig, 5000);
    assert_int_equal(rig->out_count, 1); /* no more Who-Is */
    bacnet_peer_release(peer);
    rig_ask_fini(&ask);
    rig_free(rig);
}

static void nobody_answers(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct rig_node *a = rig_add(rig, NULL), *b = rig_add(rig, NULL);
    b->asked = reply_ack;
    struct bacnet_peer *peer = rig_device(a, 2001);
    struct rig_ask ask;
    rig_ask_init(&ask, BACNET_WRITE_PROPERTY, "x", 1);
    bacnet_ask(peer, &ask.ask);
    rig_pass(rig, 4400);
    assert_int_equal(rig->out_count, 3);
    assert_int_equal(ask.count, 0);
    rig_pass(rig, 200);
    assert_int_equal(ask.count, 1);
    assert_int_equal(ask.answer.outcome, BACNET_NOT_FOUND);
    bacnet_ask(peer, &ask.ask); /* at once again: the search is over for a while */
    assert_int_equal(ask.count, 1);
    rig_pass(rig, 10);
    assert_int_equal(ask.count, 2);
    assert_int_equal(ask.answer.outcome, BACNET_NOT_FOUND);
    assert_int_equal(rig->out_count, 3);
    rig_pass(rig, 6000);
    bacnet_ask(peer, &ask.ask);
    rig_pass(rig, 100);
    assert_int_equal(rig->out_count, 4);
    struct endpoint at = rig_ip(2);
    rig_inject_i_am(a, &at, NULL, 2001, 1476, BACNET_SEGMENTED_BOTH);
    rig_run(rig);
    assert_int_equal(ask.count, 3);
    assert_int_equal(ask.answer.outcome, BACNET_ACKED);
    bacnet_peer_release(peer);
    rig_ask_fini(&ask);
    rig_free(rig);
}

static void many_are_looked_for_by_ranges(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct rig_node *a = rig_add(rig, NULL);
    enum { MANY = 300 };
    struct bacnet_peer *peers[MANY];
    struct rig_ask asks[MANY];
    for (unsigned i = 0; i < MANY; i++) {
        peers[i] = rig_device(a, 1000 + i);
        rig_ask_init(&asks[i], BACNET_WRITE_PROPERTY, "x", 1);
        bacnet_ask(peers[i], &asks[i].ask);
    }
    rig_pass(rig, 200);
    assert_int_equal(rig->out_count, 3);
    bool covered[MANY] = { false };
    for (unsigned f = 0; f < 3; f++) {
        struct bacnet_who_is who = who_is_of(&rig->out[f]);
        assert_int_equal(who.high - who.low, 99);
        for (uint32_t i = who.low; i <= who.high; i++) {
            covered[i - 1000] = true;
        }
    }
    for (unsigned i = 0; i < MANY; i++) {
        assert_true(covered[i]);
    }
    rig_pass(rig, 5000);
    for (unsigned i = 0; i < MANY; i++) {
        assert_int_equal(asks[i].count, 1);
        assert_int_equal(asks[i].answer.outcome, BACNET_NOT_FOUND);
        rig_ask_fini(&asks[i]);
        bacnet_peer_release(peers[i]);
    }
    assert_int_equal(rig->out_count, 9);
    rig_free(rig);
}

static void a_device_that_moved_is_followed(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct rig_node *a = rig_add(rig, NULL), *b = rig_add(rig, NULL), *c = rig_add(rig, NULL);
    b->asked = c->asked = reply_ack;
    struct bacnet_peer *peer = rig_device(a, 2001);
    struct rig_ask ask;
    rig_ask_init(&ask, BACNET_WRITE_PROPERTY, "x", 1);
    struct endpoint second = rig_ip(2), third = rig_ip(3);
    rig_inject_i_am(a, &second, NULL, 2001, 1476, BACNET_SEGMENTED_BOTH);
    bacnet_ask(peer, &ask.ask);
    rig_run(rig);
    assert_int_equal(b->asked_count, 1);
    /* Both are alive: nothing changes, it is told. */
    rig_inject_i_am(a, &third, NULL, 2001, 206, BACNET_SEGMENTED_NONE);
    assert_int_equal(a->heard.what, BACNET_HEARD_DUPLICATE);
    assert_true(endpoint_equal(&a->heard_other.ip, &second));
    assert_int_equal(bacnet_peer_facts(peer)->max_apdu, 1476);
    bacnet_ask(peer, &ask.ask);
    rig_run(rig);
    assert_int_equal(b->asked_count, 2);
    assert_int_equal(c->asked_count, 0);
    /* The old one was only quiet: it is asked, answers, and nothing changes. */
    rig_pass(rig, 31000);
    rig_inject_i_am(a, &third, NULL, 2001, 206, BACNET_SEGMENTED_NONE);
    assert_int_equal(a->heard.what, BACNET_HEARD_ELSEWHERE);
    assert_true(endpoint_equal(&a->heard_other.ip, &second));
    rig->out_count = 0;
    rig_pass(rig, 25);
    assert_int_equal(who_is_of(&rig->out[0]).low, 2001);
    rig_inject_i_am(a, &second, NULL, 2001, 1476, BACNET_SEGMENTED_BOTH);
    rig_pass(rig, 2000);
    rig_inject_i_am(a, &third, NULL, 2001, 206, BACNET_SEGMENTED_NONE);
    assert_int_equal(a->heard.what, BACNET_HEARD_DUPLICATE);
    bacnet_ask(peer, &ask.ask);
    rig_run(rig);
    assert_int_equal(b->asked_count, 3);
    assert_int_equal(c->asked_count, 0);
    /* It does not answer any more: it has moved. Two messages at once are not enough. */
    rig_pass(rig, 31000);
    rig->out_count = 0;
    rig_inject_i_am(a, &third, NULL, 2001, 206, BACNET_SEGMENTED_NONE);
    rig_inject_i_am(a, &third, NULL, 2001, 206, BACNET_SEGMENTED_NONE);
    assert_int_equal(a->heard.what, BACNET_HEARD_ELSEWHERE);
    rig_pass(rig, 1600);
    assert_int_equal(rig->out_count, 2); /* who is asked twice */
    rig_inject_i_am(a, &third, NULL, 2001, 206, BACNET_SEGMENTED_NONE);
    assert_int_equal(a->heard.what, BACNET_HEARD_MOVED);
    assert_true(endpoint_equal(&a->heard_other.ip, &second));
    assert_int_equal(bacnet_peer_facts(peer)->max_apdu, 206);
    bacnet_ask(peer, &ask.ask);
    rig_run(rig);
    assert_int_equal(c->asked_count, 1);
    bacnet_peer_release(peer);
    rig_ask_fini(&ask);
    rig_free(rig);
}

static void silence_makes_it_look_again(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct rig_node *a = rig_add(rig, NULL);
    struct bacnet_peer *peer = rig_device(a, 2001);
    struct endpoint at = rig_ip(9);
    rig_inject_i_am(a, &at, NULL, 2001, 1476, BACNET_SEGMENTED_BOTH);
    struct rig_ask ask;
    rig_ask_init(&ask, BACNET_WRITE_PROPERTY, "x", 1);
    ask.ask.retries = 0;
    bacnet_ask(peer, &ask.ask);
    rig_pass(rig, 5100);
    assert_int_equal(ask.answer.outcome, BACNET_SILENT);
    assert_int_equal(rig->out_count, 2);
    assert_int_equal(who_is_of(&rig->out[1]).low, 2001);
    rig_pass(rig, 3000);
    assert_int_equal(rig->out_count, 2); /* once */
    bacnet_peer_release(peer);
    rig_ask_fini(&ask);
    rig_free(rig);
}

static void a_fixed_address_stays(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct rig_node *a = rig_add(rig, NULL);
    struct bacnet_peer_config config = { .instance = 2001, .address = rig_address(9) };
    struct bacnet_peer *peer = bacnet_peer_get(a->node, &config);
    struct endpoint other = rig_ip(8), at = rig_ip(9);
    rig_inject_i_am(a, &other, NULL, 2001, 206, BACNET_SEGMENTED_NONE);
    assert_int_equal(a->heard.what, BACNET_HEARD_DUPLICATE);
    assert_true(endpoint_equal(&bacnet_peer_facts(peer)->address.ip, &at));
    assert_false(bacnet_peer_facts(peer)->introduced);
    rig_inject_i_am(a, &at, NULL, 2001, 206, BACNET_SEGMENTED_NONE);
    assert_true(bacnet_peer_facts(peer)->introduced);
    assert_int_equal(bacnet_peer_facts(peer)->max_apdu, 206);
    /* A peer by address alone learns whose it is. */
    struct bacnet_peer *plain = rig_peer(a, 7);
    at = rig_ip(7);
    rig_inject_i_am(a, &at, NULL, 3000, 50, BACNET_SEGMENTED_NONE);
    assert_int_equal(bacnet_peer_facts(plain)->instance, 3000);
    assert_int_equal(bacnet_peer_facts(plain)->max_apdu, 50);
    bacnet_peer_release(plain);
    bacnet_peer_release(peer);
    rig_free(rig);
}

static void two_peers_at_one_address_do_not_mix(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct rig_node *a = rig_add(rig, NULL), *b = rig_add(rig, NULL);
    b->asked = reply_ack;
    struct bacnet_peer *by_address = rig_peer(a, 2), *by_id = rig_device(a, 5);
    struct endpoint at = rig_ip(2);
    rig_inject_i_am(a, &at, NULL, 5, 1476, BACNET_SEGMENTED_BOTH);
    struct rig_ask asks[64];
    for (unsigned i = 0; i < 64; i++) {
        rig_ask_init(&asks[i], BACNET_WRITE_PROPERTY, "x", 1);
        bacnet_ask(i % 2 == 0 ? by_address : by_id, &asks[i].ask);
    }
    rig_run(rig);
    for (unsigned i = 0; i < 64; i++) {
        assert_int_equal(asks[i].count, 1);
        assert_int_equal(asks[i].answer.outcome, BACNET_ACKED);
        rig_ask_fini(&asks[i]);
    }
    assert_int_equal(bacnet_peer_facts(by_id)->answered, 32);
    bacnet_peer_release(by_address);
    bacnet_peer_release(by_id);
    rig_free(rig);
}

static void a_storm_of_i_am_costs_bounded_memory(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct bacnet_node_config config = { .listens = true };
    struct rig_node *a = rig_add(rig, &config);
    struct endpoint at = rig_ip(9);
    for (uint32_t i = 0; i < BACNET_HEARD_MAX + 500; i++) {
        rig_inject_i_am(a, &at, NULL, i, 1476, BACNET_SEGMENTED_BOTH);
    }
    struct bacnet_counts counts;
    bacnet_node_counts(a->node, &counts);
    assert_int_equal(counts.heard, BACNET_HEARD_MAX);
    assert_int_equal(counts.dropped[BACNET_DROP_HEARD], 500);
    /* One of them is known without Who-Is; its double is told. */
    struct bacnet_peer *peer = rig_device(a, 77);
    struct rig_ask ask;
    rig_ask_init(&ask, BACNET_WRITE_PROPERTY, "x", 1);
    bacnet_ask(peer, &ask.ask);
    rig_run(rig);
    assert_int_equal(rig_last_out(rig).apdu.type, BACNET_PDU_CONFIRMED);
    bacnet_ask_cancel(&ask.ask);
    bacnet_peer_release(peer);
    struct endpoint other = rig_ip(8);
    rig_inject_i_am(a, &other, NULL, 78, 1476, BACNET_SEGMENTED_BOTH);
    assert_int_equal(a->heard.what, BACNET_HEARD_DUPLICATE);
    assert_true(endpoint_equal(&a->heard_other.ip, &at));
    rig_pass(rig, 31000);
    rig_inject_i_am(a, &other, NULL, 78, 1476, BACNET_SEGMENTED_BOTH);
    assert_int_equal(a->heard.what, BACNET_HEARD_MOVED);
    rig_inject_i_am(a, &other, NULL, 78, 1024, BACNET_SEGMENTED_BOTH);
    assert_int_equal(a->heard.what, BACNET_HEARD_NEW); /* says something else of itself */
    rig_free(rig);
}

static void an_i_am_that_cannot_be_read_is_dropped(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct rig_node *a = rig_add(rig, NULL);
    struct endpoint at = rig_ip(9);
    struct bacnet_apdu apdu = { .type = BACNET_PDU_UNCONFIRMED,
                                .service = BACNET_I_AM,
                                .data = bytes_of("\xff", 1) };
    rig_inject_apdu(a, &at, NULL, true, &apdu);
    assert_int_equal(rig_drops(a, BACNET_DROP_MALFORMED), 1);
    assert_int_equal(a->heard_count, 0);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_device_is_found_and_then_asked),
        cmocka_unit_test(nobody_answers),
        cmocka_unit_test(many_are_looked_for_by_ranges),
        cmocka_unit_test(a_device_that_moved_is_followed),
        cmocka_unit_test(silence_makes_it_look_again),
        cmocka_unit_test(a_fixed_address_stays),
        cmocka_unit_test(two_peers_at_one_address_do_not_mix),
        cmocka_unit_test(a_storm_of_i_am_costs_bounded_memory),
        cmocka_unit_test(an_i_am_that_cannot_be_read_is_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
