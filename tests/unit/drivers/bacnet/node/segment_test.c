/* SPDX-License-Identifier: Apache-2.0 */
/* Segmentation both ways: cutting and joining alone, then whole nodes over a wire that loses,
 * repeats and reorders. */
#include "node_rig.h"

#include "base/hash.h"
#include "drivers/bacnet/node/segment.h"
#include "drivers/bacnet/wire/errors.h"

static uint8_t big[RIG_BIG];

/* ---- alone ---- */

static struct bacnet_apdu segment(uint8_t sequence, bool more, uint8_t window)
{
    return (struct bacnet_apdu){ .segmented = true,
                                 .sequence = sequence,
                                 .more = more,
                                 .window = window,
                                 .data = bytes_of("ab", 2) };
}

static void a_sender_keeps_a_window_under_way(void **state)
{
    (void)state;
    struct segment_sender sender;
    struct bacnet_apdu apdu = { 0 };
    assert_true(segment_sender_init(&sender, big, 95, 10, 64));
    assert_int_equal(sender.count, 10);
    assert_true(segment_sender_next(&sender, &apdu));
    assert_int_equal(apdu.sequence, 0);
    assert_true(apdu.more);
    assert_int_equal(bytes_left(&apdu.data), 10);
    assert_false(segment_sender_next(&sender, &apdu)); /* one until the window is known */
    struct bacnet_apdu ack = { .sequence = 0, .window = 4 };
    assert_true(segment_sender_acknowledged(&sender, &ack));
    for (unsigned i = 1; i <= 4; i++) {
        assert_true(segment_sender_next(&sender, &apdu));
        assert_int_equal(apdu.sequence, i);
    }
    assert_false(segment_sender_next(&sender, &apdu));
    /* A gap after 2: on from 3. */
    ack = (struct bacnet_apdu){ .sequence = 2, .window = 4, .negative = true };
    assert_true(segment_sender_acknowledged(&sender, &ack));
    assert_true(segment_sender_next(&sender, &apdu));
    assert_int_equal(apdu.sequence, 3);
    while (segment_sender_next(&sender, &apdu)) {
    }
    assert_int_equal(apdu.sequence, 6);
    /* Of nothing that is under way. */
    ack = (struct bacnet_apdu){ .sequence = 7, .window = 4 };
    assert_false(segment_sender_acknowledged(&sender, &ack));
    ack.sequence = 1;
    assert_false(segment_sender_acknowledged(&sender, &ack));
    segment_sender_again(&sender);
    assert_true(segment_sender_next(&sender, &apdu));
    assert_int_equal(apdu.sequence, 3);
    while (segment_sender_next(&sender, &apdu)) {
    }
    ack = (struct bacnet_apdu){ .sequence = 6, .window = 127 };
    assert_true(segment_sender_acknowledged(&sender, &ack));
    while (segment_sender_next(&sender, &apdu)) {
    }
    assert_int_equal(apdu.sequence, 9);
    assert_false(apdu.more);
    assert_int_equal(bytes_left(&apdu.data), 5);
    ack.sequence = 9;
    assert_true(segment_sender_acknowledged(&sender, &ack));
    assert_true(segment_sender_done(&sender));
    assert_false(segment_sender_init(&sender, big, 95, 10, 9));
    assert_false(segment_sender_init(&sender, big, 0, 10, 9));
    assert_false(segment_sender_init(&sender, big, BACNET_SEGMENTS_MAX * 10 + 1, 10, 255));
    assert_true(segment_sender_init(&sender, big, BACNET_SEGMENTS_MAX * 10, 10, 255));
}

static void a_receiver_takes_them_in_order(void **state)
{
    (void)state;
    struct segment_receiver receiver;
    segment_receiver_init(&receiver);
    struct bacnet_apdu s = segment(1, true, 4);
    assert_int_equal(segment_receiver_take(&receiver, &s, 1000), SEGMENT_DROP); /* begins with 0 */
    s = segment(0, true, 4);
    assert_int_equal(segment_receiver_take(&receiver, &s, 1000), SEGMENT_ACK);
    struct bacnet_apdu ack = { 0 };
    segment_receiver_acknowledge(&receiver, SEGMENT_ACK, &ack);
    assert_int_equal(ack.type, BACNET_PDU_SEGMENT_ACK);
    assert_int_equal(ack.sequence, 0);
    assert_int_equal(ack.window, 4);
    assert_false(ack.negative);
    for (uint8_t i = 1; i <= 4; i++) {
        s = segment(i, true, 4);
        assert_int_equal(segment_receiver_take(&receiver, &s, 1000),
                         i < 4 ? SEGMENT_KEEP : SEGMENT_ACK);
    }
    segment_receiver_acknowledge(&receiver, SEGMENT_ACK, &ack);
    assert_int_equal(ack.sequence, 4);
    s = segment(6, true, 4);
    assert_int_equal(segment_receiver_take(&receiver, &s, 1000),
                     SEGMENT_NAK); /* 5 is missing: told once */
    segment_receiver_acknowledge(&receiver, SEGMENT_NAK, &ack);
    assert_true(ack.negative);
    assert_int_equal(ack.sequence, 4);
    s = segment(7, true, 4);
    assert_int_equal(segment_receiver_take(&receiver, &s, 1000), SEGMENT_DROP);
    s = segment(3, true, 4);
    assert_int_equal(segment_receiver_take(&receiver, &s, 1000), SEGMENT_DROP); /* seen */
    s = segment(4, true, 4);
    assert_int_equal(segment_receiver_take(&receiver, &s, 1000),
                     SEGMENT_ACK); /* our ack was lost */
    s = segment(5, false, 4);
    assert_int_equal(segment_receiver_take(&receiver, &s, 1000), SEGMENT_LAST);
    assert_int_equal(receiver.message.size, 12);
    segment_receiver_fini(&receiver);
}

static void a_receiver_has_limits(void **state)
{
    (void)state;
    struct segment_receiver receiver;
    segment_receiver_init(&receiver);
    for (unsigned i = 0; i < BACNET_SEGMENTS_MAX - 1; i++) {
        struct bacnet_apdu s = segment((uint8_t)i, true, 200);
        assert_int_not_equal(segment_receiver_take(&receiver, &s, 1000), SEGMENT_FULL);
    }
    assert_int_equal(receiver.window, BACNET_WINDOW);
    struct bacnet_apdu s = segment(BACNET_SEGMENTS_MAX - 1, true, 4);
    assert_int_equal(segment_receiver_take(&receiver, &s, 1000),
                     SEGMENT_FULL); /* and more to come */
    s.more = false;
    assert_int_equal(segment_receiver_take(&receiver, &s, 127), SEGMENT_FULL); /* bytes */
    assert_int_equal(segment_receiver_take(&receiver, &s, 128), SEGMENT_LAST);
    segment_receiver_fini(&receiver);
}

/* ---- whole nodes ---- */

static size_t reply_size;

static void reply_big(struct rig_node *self, struct bacnet_request *request)
{
    (void)self;
    bacnet_reply_data(request, big, reply_size);
}

static void reply_ack(struct rig_node *self, struct bacnet_request *request)
{
    (void)self;
    bacnet_reply_ack(request);
}

static void long_messages_go_both_ways(void **state)
{
    (void)state;
    static const size_t sizes[] = { 1472, 1473, 1474, 2940, 5000, (size_t)64 * 1470 };
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct rig *rig = rig_new();
        struct rig_node *a = rig_add(rig, NULL), *b = rig_add(rig, NULL);
        b->asked = reply_big;
        reply_size = sizes[i] + (i == 5 ? 64 : 0);
        struct bacnet_peer *peer = rig_peer(a, 2);
        struct rig_ask ask;
        rig_ask_init(&ask, BACNET_READ_PROPERTY_MULTIPLE, big, sizes[i]);
        bacnet_ask(peer, &ask.ask);
        rig_run(rig);
        assert_int_equal(ask.count, 1);
        assert_int_equal(ask.answer.outcome, BACNET_ACKED);
        assert_int_equal(b->size, sizes[i]);
        assert_memory_equal(b->data, big, sizes[i]);
        assert_int_equal(ask.size, reply_size);
        assert_memory_equal(ask.data, big, reply_size);
        struct bacnet_counts counts;
        rig_pass(rig, 10);
        bacnet_node_counts(a->node, &counts);
        assert_int_equal(counts.reassembly_bytes, 0);
        bacnet_node_counts(b->node, &counts);
        assert_int_equal(counts.reassembly_bytes, 0);
        assert_int_equal(counts.requests, 0);
        bacnet_peer_release(peer);
        rig_ask_fini(&ask);
        rig_free(rig);
    }
}

static enum rig_fate mishap(struct rig *rig, const struct rig_frame *frame)
{
    (void)frame;
    uint64_t dice = hash_random(&rig->random) % 100;
    if (dice < rig->lose) {
        return RIG_LOSE;
    }
    return dice < 2 * rig->lose ? RIG_TWICE : dice < 3 * rig->lose ? RIG_LATER : RIG_PASS;
}

/* Whatever the wire does: one outcome, and what is acknowledged is whole. */
static void a_bad_wire_loses_no_byte(void **state)
{
    (void)state;
    unsigned acked = 0;
    for (uint64_t seed = 1; seed <= 150; seed++) {
        struct rig *rig = rig_new();
        struct rig_node *a = rig_add(rig, NULL), *b = rig_add(rig, NULL);
        rig->filter = mishap;
        rig->random = seed;
        rig->lose = 2 + (unsigned)(seed % 10);
        b->asked = reply_big;
        reply_size = 20000;
        struct bacnet_peer *peer = rig_peer(a, 2);
        struct rig_ask ask;
        rig_ask_init(&ask, BACNET_READ_PROPERTY_MULTIPLE, big, 15000);
        bacnet_ask(peer, &ask.ask);
        rig_pass(rig, 120000);
        assert_int_equal(ask.count, 1);
        if (ask.answer.outcome == BACNET_ACKED) {
            acked++;
            assert_int_equal(ask.size, reply_size);
            assert_memory_equal(ask.data, big, reply_size);
            assert_int_equal(b->size, 15000);
            assert_memory_equal(b->data, big, 15000);
        }
        struct bacnet_counts counts;
        bacnet_node_counts(a->node, &counts);
        assert_int_equal(counts.reassembly_bytes + counts.open, 0);
        bacnet_node_counts(b->node, &counts);
        assert_int_equal(counts.reassembly_bytes + counts.requests, 0);
        bacnet_peer_release(peer);
        rig_ask_fini(&ask);
        rig_free(rig);
    }
    assert_true(acked >= 140);
}

static void what_does_not_fit_is_not_sent(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct rig_node *a = rig_add(rig, NULL);
    struct bacnet_peer_config config = { .instance = BACNET_INSTANCE_MAX,
                                         .address = rig_address(9),
                                         .max_apdu = 480,
                                         .segmentation = BACNET_SEGMENTED_TRANSMIT };
    struct bacnet_peer *peer = bacnet_peer_get(a->node, &config);
    struct rig_ask ask;
    rig_ask_init(&ask, BACNET_WRITE_PROPERTY_MULTIPLE, big, 477);
    bacnet_ask(peer, &ask.ask);
    assert_int_equal(ask.count, 0);
    rig_run(rig);
    assert_int_equal(ask.count, 1);
    assert_int_equal(ask.answer.outcome, BACNET_ABORTED);
    assert_int_equal(ask.answer.code, BACNET_ABORT_SEGMENTATION_NOT_SUPPORTED);
    assert_true(ask.answer.by_us);
    assert_int_equal(rig->out_count, 0);
    bacnet_peer_release(peer);
    config = (struct bacnet_peer_config){ .instance = BACNET_INSTANCE_MAX,
                                          .address = rig_address(8),
                                          .max_apdu = 480,
                                          .max_segments = 4 };
    peer = bacnet_peer_get(a->node, &config);
    assert_int_equal(bacnet_peer_request_max(peer), 4 * 474);
    ask.ask.size = 4 * 474 + 1;
    bacnet_ask(peer, &ask.ask);
    rig_run(rig);
    assert_int_equal(ask.count, 2);
    assert_int_equal(ask.answer.code, BACNET_ABORT_APDU_TOO_LONG);
    ask.ask.size = 4 * 474;
    bacnet_ask(peer, &ask.ask);
    rig_run(rig);
    assert_int_equal(rig->out_count, 1);
    bacnet_ask_cancel(&ask.ask);
    bacnet_peer_release(peer);
    rig_ask_fini(&ask);
    rig_free(rig);
}

static void a_reply_too_big_for_the_requester_is_an_abort(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct bacnet_node_config config = { .segmentation = BACNET_SEGMENTED_NONE, .max_apdu = 480 };
    struct rig_node *a = rig_add(rig, &config), *b = rig_add(rig, NULL);
    b->asked = reply_big;
    reply_size = 478;
    struct bacnet_peer *peer = rig_peer(a, 2);
    assert_int_equal(bacnet_peer_answer_max(peer), 477);
    struct rig_ask ask;
    rig_ask_init(&ask, BACNET_READ_PROPERTY, "x", 1);
    bacnet_ask(peer, &ask.ask);
    rig_run(rig);
    assert_int_equal(ask.count, 1);
    assert_int_equal(ask.answer.outcome, BACNET_ABORTED);
    assert_int_equal(ask.answer.code, BACNET_ABORT_SEGMENTATION_NOT_SUPPORTED);
    assert_int_equal(bacnet_peer_facts(peer)->segmentation, BACNET_SEGMENTED_NONE);
    reply_size = 477;
    bacnet_ask(peer, &ask.ask);
    rig_run(rig);
    assert_int_equal(ask.count, 2);
    assert_int_equal(ask.answer.outcome, BACNET_ACKED);
    bacnet_peer_release(peer);
    /* More segments than anybody takes. */
    struct bacnet_peer *back = rig_peer(b, 1);
    a->asked = reply_big;
    rig_ask_fini(&ask);
    rig_ask_init(&ask, BACNET_READ_PROPERTY, "x", 1);
    reply_size = 478;
    bacnet_ask(back, &ask.ask);
    rig_run(rig);
    assert_int_equal(ask.answer.outcome, BACNET_ABORTED);
    bacnet_peer_release(back);
    rig_ask_fini(&ask);
    rig_free(rig);
}

static void too_many_segments_are_aborted(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct rig_node *a = rig_add(rig, NULL);
    struct bacnet_peer *peer = rig_peer(a, 9);
    struct rig_ask ask;
    rig_ask_init(&ask, BACNET_READ_PROPERTY, "x", 1);
    bacnet_ask(peer, &ask.ask);
    rig_run(rig);
    struct endpoint at = rig_ip(9);
    struct bacnet_apdu s = { .type = BACNET_PDU_COMPLEX_ACK,
                             .segmented = true,
                             .more = true,
                             .window = 8,
                             .invoke = rig_last_out(rig).apdu.invoke,
                             .service = BACNET_READ_PROPERTY,
                             .data = bytes_of(big, 100) };
    for (unsigned i = 0; i < BACNET_SEGMENTS_MAX + 10U; i++) {
        s.sequence = (uint8_t)i;
        rig_inject_apdu(a, &at, NULL, false, &s);
    }
    rig_run(rig);
    assert_int_equal(ask.count, 1);
    assert_int_equal(ask.answer.outcome, BACNET_ABORTED);
    assert_int_equal(ask.answer.code, BACNET_ABORT_BUFFER_OVERFLOW);
    assert_true(ask.answer.by_us);
    assert_int_equal(rig_drops(a, BACNET_DROP_REASSEMBLY), 1);
    assert_int_equal(rig_last_out(rig).apdu.type, BACNET_PDU_ABORT);
    assert_false(rig_last_out(rig).apdu.server);
    bacnet_peer_release(peer);
    rig_ask_fini(&ask);
    rig_free(rig);
}

static void segments_that_were_not_wanted_are_refused(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct bacnet_node_config config = { .segmentation = BACNET_SEGMENTED_NONE };
    struct rig_node *a = rig_add(rig, &config);
    struct bacnet_peer *peer = rig_peer(a, 9);
    struct rig_ask ask;
    rig_ask_init(&ask, BACNET_READ_PROPERTY, "x", 1);
    bacnet_ask(peer, &ask.ask);
    rig_run(rig);
    struct endpoint at = rig_ip(9);
    struct bacnet_apdu s = { .type = BACNET_PDU_COMPLEX_ACK,
                             .segmented = true,
                             .more = true,
                             .window = 8,
                             .sequence = 1,
                             .invoke = rig_last_out(rig).apdu.invoke,
                             .service = BACNET_READ_PROPERTY,
                             .data = bytes_of(big, 100) };
    rig_inject_apdu(a, &at, NULL, false, &s); /* begins in the middle */
    assert_int_equal(rig_drops(a, BACNET_DROP_SEGMENT), 1);
    assert_int_equal(ask.count, 0);
    s.sequence = 0;
    rig_inject_apdu(a, &at, NULL, false, &s);
    rig_run(rig);
    assert_int_equal(ask.count, 1);
    assert_int_equal(ask.answer.outcome, BACNET_ABORTED);
    assert_int_equal(ask.answer.code, BACNET_ABORT_SEGMENTATION_NOT_SUPPORTED);
    assert_true(ask.answer.by_us);
    assert_int_equal(rig_last_out(rig).apdu.type, BACNET_PDU_ABORT);
    bacnet_peer_release(peer);
    rig_ask_fini(&ask);
    rig_free(rig);
}

static void segments_that_stop_coming_are_asked_for_again(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct rig_node *a = rig_add(rig, NULL);
    struct bacnet_peer *peer = rig_peer(a, 9);
    struct rig_ask ask;
    rig_ask_init(&ask, BACNET_READ_PROPERTY, "x", 1);
    ask.ask.retries = 1;
    bacnet_ask(peer, &ask.ask);
    rig_run(rig);
    struct endpoint at = rig_ip(9);
    struct bacnet_apdu s = { .type = BACNET_PDU_COMPLEX_ACK,
                             .segmented = true,
                             .more = true,
                             .window = 8,
                             .invoke = rig_last_out(rig).apdu.invoke,
                             .service = BACNET_READ_PROPERTY,
                             .data = bytes_of(big, 100) };
    rig_inject_apdu(a, &at, NULL, false, &s);
    rig_run(rig);
    assert_int_equal(rig_last_out(rig).apdu.type, BACNET_PDU_SEGMENT_ACK);
    struct bacnet_counts counts;
    bacnet_node_counts(a->node, &counts);
    assert_int_equal(counts.reassembly_bytes, 100);
    rig->out_count = 0;
    rig_pass(rig, 8100);
    assert_int_equal(rig->out_count, 2);
    assert_int_equal(rig_parse(&rig->out[0]).apdu.type, BACNET_PDU_ABORT);
    assert_int_equal(rig_parse(&rig->out[0]).apdu.reason, BACNET_ABORT_TSM_TIMEOUT);
    assert_int_equal(rig_parse(&rig->out[1]).apdu.type, BACNET_PDU_CONFIRMED);
    bacnet_node_counts(a->node, &counts);
    assert_int_equal(counts.reassembly_bytes, 0);
    /* From the beginning: what comes now is whole. */
    s.more = false;
    rig_inject_apdu(a, &at, NULL, false, &s);
    assert_int_equal(ask.count, 1);
    assert_int_equal(ask.answer.outcome, BACNET_ACKED);
    assert_int_equal(ask.size, 100);
    bacnet_peer_release(peer);
    rig_ask_fini(&ask);
    rig_free(rig);
}

static void a_request_whose_segments_stop_is_forgotten(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct rig_node *a = rig_add(rig, NULL);
    a->asked = reply_ack;
    struct endpoint at = rig_ip(9);
    struct bacnet_apdu s = { .type = BACNET_PDU_CONFIRMED,
                             .segmented = true,
                             .more = true,
                             .window = 4,
                             .invoke = 3,
                             .max_apdu_code = 5,
                             .service = BACNET_WRITE_PROPERTY,
                             .data = bytes_of(big, 50) };
    rig_inject_apdu(a, &at, NULL, false, &s);
    struct bacnet_counts counts;
    bacnet_node_counts(a->node, &counts);
    assert_int_equal(counts.requests, 1);
    assert_int_equal(counts.reassembly_bytes, 50);
    rig_pass(rig, 8100);
    bacnet_node_counts(a->node, &counts);
    assert_int_equal(counts.requests + counts.reassembly_bytes, 0);
    assert_int_equal(a->asked_count, 0);
    /* In the middle of nothing. */
    s.sequence = 1;
    rig_inject_apdu(a, &at, NULL, false, &s);
    assert_int_equal(rig_drops(a, BACNET_DROP_SEGMENT), 1);
    /* An abort by the requester ends it. */
    s.sequence = 0;
    rig_inject_apdu(a, &at, NULL, false, &s);
    struct bacnet_apdu abort = { .type = BACNET_PDU_ABORT, .invoke = 3 };
    rig_inject_apdu(a, &at, NULL, false, &abort);
    bacnet_node_counts(a->node, &counts);
    assert_int_equal(counts.requests, 0);
    rig_free(rig);
}

static void memory_for_segments_is_bounded(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct rig_node *a = rig_add(rig, NULL);
    unsigned taken = 0;
    for (unsigned peer = 10; peer < 200; peer++) {
        struct endpoint at = rig_ip(peer);
        for (unsigned i = 0; i < 60; i++) {
            struct bacnet_apdu s = { .type = BACNET_PDU_CONFIRMED,
                                     .segmented = true,
                                     .more = true,
                                     .window = 4,
                                     .invoke = 3,
                                     .sequence = (uint8_t)i,
                                     .service = BACNET_WRITE_PROPERTY,
                                     .data = bytes_of(big, 1400) };
            rig_inject_apdu(a, &at, NULL, false, &s);
            rig->queued = 0;
            struct bacnet_counts counts;
            bacnet_node_counts(a->node, &counts);
            assert_true(counts.reassembly_bytes <= BACNET_REASSEMBLY_MAX);
        }
        taken++;
    }
    assert_int_equal(taken, 190);
    assert_true(rig_drops(a, BACNET_DROP_REASSEMBLY) > 0);
    rig_free(rig);
}

static int set_up(void **state)
{
    (void)state;
    rig_fill(big, sizeof(big));
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sender_keeps_a_window_under_way),
        cmocka_unit_test(a_receiver_takes_them_in_order),
        cmocka_unit_test(a_receiver_has_limits),
        cmocka_unit_test(long_messages_go_both_ways),
        cmocka_unit_test(a_bad_wire_loses_no_byte),
        cmocka_unit_test(what_does_not_fit_is_not_sent),
        cmocka_unit_test(a_reply_too_big_for_the_requester_is_an_abort),
        cmocka_unit_test(too_many_segments_are_aborted),
        cmocka_unit_test(segments_that_were_not_wanted_are_refused),
        cmocka_unit_test(segments_that_stop_coming_are_asked_for_again),
        cmocka_unit_test(a_request_whose_segments_stop_is_forgotten),
        cmocka_unit_test(memory_for_segments_is_bounded),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
