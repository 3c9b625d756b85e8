/* SPDX-License-Identifier: Apache-2.0 */
/* The way in: what is dropped and why; addresses as text; memory; and real sockets on the loopback
 * network, broadcast included. */
#include "node_rig.h"

#include "support/wait.h"

static void every_broken_frame_is_dropped_for_its_reason(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
        enum bacnet_drop drop;
    } frames[] = {
        { "", 0, BACNET_DROP_BVLC },
        { "\x81\x0a\x00", 3, BACNET_DROP_BVLC },
        { "\x82\x0a\x00\x06\x01\x00", 6, BACNET_DROP_BVLC },     /* IPv6 */
        { "\x81\x0a\x00\x07\x01\x00", 6, BACNET_DROP_BVLC },     /* length */
        { "\x81\x0c\x00\x06\x01\x00", 6, BACNET_DROP_FUNCTION }, /* secure */
        { "\x81\x77\x00\x06\x01\x00", 6, BACNET_DROP_FUNCTION }, /* unknown */
        { "\x81\x0a\x00\x06\x02\x00", 6, BACNET_DROP_NPDU },     /* version */
        { "\x81\x0a\x00\x05\x01", 5, BACNET_DROP_NPDU },         /* torn */
        { "\x81\x0a\x00\x0d\x01\x20\x00\x07\x01\x0c\xff\x10\x08", 13, BACNET_DROP_NETWORK },
        { "\x81\x0a\x00\x07\x01\x00\x90", 7, BACNET_DROP_APDU },              /* reserved type */
        { "\x81\x0a\x00\x06\x01\x00", 6, BACNET_DROP_APDU },                  /* none at all */
        { "\x81\x0a\x00\x07\x01\x80\x03", 7, BACNET_DROP_NETWORK_MESSAGE },   /* torn reject */
        { "\x81\x0a\x00\x07\x01\x80\x7f", 7, BACNET_DROP_NETWORK_MESSAGE },   /* unknown */
        { "\x81\x0b\x00\x09\x01\x00\x20\x05\x0f", 9, BACNET_DROP_BROADCAST }, /* an answer to all */
        { "\x81\x0a\x00\x09\x01\x00\x20\x05\x0f", 9, BACNET_DROP_STRAY },
        { "\x81\x00\x00\x06\x00\x00", 6, BACNET_DROP_STRAY }, /* a result of nothing */
    };
    struct rig *rig = rig_new();
    struct rig_node *a = rig_add(rig, NULL);
    struct endpoint at = rig_ip(9);
    for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
        struct bytes exact = bytes_dup(frames[i].bytes, frames[i].size);
        unsigned before = a->dropped;
        bacnet_node_receive(a->node, &at, exact.start, frames[i].size, false);
        assert_int_equal(a->dropped, before + 1);
        assert_int_equal(a->last_drop, frames[i].drop);
        bytes_fini(&exact);
    }
    static const uint8_t long_frame[BACNET_FRAME_MAX + 1];
    bacnet_node_receive(a->node, &at, long_frame, sizeof(long_frame), false);
    assert_int_equal(a->last_drop, BACNET_DROP_OVERSIZED);
    struct bacnet_dropped kept[BACNET_DROPS_KEPT];
    assert_int_equal(bacnet_node_dropped(a->node, kept), BACNET_DROPS_KEPT);
    assert_int_equal(kept[0].drop, BACNET_DROP_OVERSIZED);
    assert_int_equal(kept[0].size, BACNET_FRAME_MAX + 1);
    assert_int_equal(kept[1].drop, BACNET_DROP_STRAY);
    rig_free(rig);
}

static void drops_have_words(void **state)
{
    (void)state;
    for (int i = 0; i < BACNET_DROP_COUNT; i++) {
        assert_true(strlen(bacnet_drop_word((enum bacnet_drop)i)) > 2);
        assert_true(strlen(bacnet_drop_text((enum bacnet_drop)i)) > 10);
    }
    for (int i = BACNET_ACKED; i <= BACNET_CANCELED; i++) {
        assert_true(strlen(bacnet_outcome_word((enum bacnet_outcome)i)) >= 3);
    }
}

static void every_prefix_of_a_good_frame_is_dropped(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct rig_node *a = rig_add(rig, NULL);
    struct endpoint at = rig_ip(9);
    rig_inject_i_am(a, &at, NULL, 2001, 480, BACNET_SEGMENTED_BOTH);
    assert_int_equal(a->heard_count, 1);
    static const uint8_t frame[] = { 0x81, 0x0b, 0x00, 0x14, 0x01, 0x00, 0x10, 0x00, 0xc4, 0x02,
                                     0x00, 0x07, 0xd1, 0x22, 0x01, 0xe0, 0x91, 0x00, 0x21, 0x07 };
    bacnet_node_receive(a->node, &at, frame, sizeof(frame), true);
    assert_int_equal(a->heard_count, 2);
    for (size_t size = 0; size < sizeof(frame); size++) {
        struct bytes exact = bytes_dup(frame, size);
        bacnet_node_receive(a->node, &at, exact.start, size, true);
        bytes_fini(&exact);
        /* And with the length set right. */
        uint8_t whole[sizeof(frame)];
        memcpy(whole, frame, sizeof(frame));
        whole[3] = (uint8_t)size;
        exact = bytes_dup(whole, size);
        bacnet_node_receive(a->node, &at, exact.start, size, true);
        bytes_fini(&exact);
    }
    assert_int_equal(a->heard_count, 2);
    assert_int_equal(a->dropped, 2 * sizeof(frame));
    rig_free(rig);
}

static void our_own_broadcast_is_not_heard(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct rig_node *a = rig_add(rig, NULL), *b = rig_add(rig, NULL);
    assert_int_equal(bacnet_who_is(a->node, NULL, 1, 2), 0);
    rig_run(rig);
    assert_int_equal(a->told_count, 0);
    assert_int_equal(b->told_count, 1);
    assert_int_equal(a->dropped, 0);
    static const uint8_t frame[] = { 0x81, 0x0a, 0x00, 0x08, 0x01, 0x00, 0x10, 0x08 };
    bacnet_node_receive(a->node, &a->at, frame, sizeof(frame),
                        false); /* somebody uses our address */
    assert_int_equal(rig_drops(a, BACNET_DROP_LOOP), 1);
    assert_int_equal(a->told_count, 0);
    rig_free(rig);
}

static void a_message_too_long_for_a_frame_is_not_sent(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct rig_node *a = rig_add(rig, NULL);
    static const uint8_t data[BACNET_APDU_MAX];
    struct bacnet_address to = rig_address(9);
    assert_int_equal(bacnet_tell(a->node, NULL, &to, 4, data, BACNET_APDU_MAX - 2), 0);
    assert_int_equal(bacnet_tell(a->node, NULL, &to, 4, data, BACNET_APDU_MAX - 1), BUSBAR_ETOOBIG);
    /* The longest head there is. */
    struct bacnet_address source = { .network = 7, .mac_size = BACNET_MAC_MAX };
    to = (struct bacnet_address){ .ip = rig_ip(9), .network = 8, .mac_size = BACNET_MAC_MAX };
    assert_int_equal(bacnet_tell(a->node, &source, &to, 4, data, BACNET_APDU_MAX - 2), 0);
    rig_free(rig);
}

static void addresses_read_well(void **state)
{
    (void)state;
    static const struct {
        struct bacnet_address address;
        const char *text;
    } cases[] = {
        { { .ip = { .family = 4, .ip = { 10, 0, 1, 21 }, .port = 47808 } }, "10.0.1.21" },
        { { .ip = { .family = 4, .ip = { 10, 0, 1, 21 }, .port = 47809 } }, "10.0.1.21:47809" },
        { { .network = 7, .mac_size = 1, .mac = { 12 } }, "network 7 mac 12" },
        { { .network = 7, .mac_size = 3, .mac = { 10, 11, 12 } }, "network 7 mac 0a:0b:0c" },
        { { .network = 7, .mac_size = 6, .mac = { 10, 0, 2, 9, 0xba, 0xc0 } },
          "network 7 mac 10.0.2.9" },
        { { .network = 7 }, "all of network 7" },
        { { .network = BACNET_NETWORK_ALL }, "all networks" },
        { { .network = 0 }, "all" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[BACNET_ADDRESS_TEXT_MAX];
        assert_int_equal(bacnet_address_format(text, sizeof(text), &cases[i].address),
                         strlen(cases[i].text));
        assert_string_equal(text, cases[i].text);
        char cut[4];
        bacnet_address_format(cut, sizeof(cut), &cases[i].address);
        assert_true(strlen(cut) < sizeof(cut));
        for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
            assert_int_equal(bacnet_address_equal(&cases[i].address, &cases[k].address), i == k);
        }
    }
    /* The router is the way, not the name. */
    struct bacnet_address a = cases[2].address, b = a;
    b.ip = rig_ip(1);
    assert_true(bacnet_address_equal(&a, &b));
    assert_int_equal(bacnet_address_hash(&a), bacnet_address_hash(&b));
}

/* ---- real sockets ---- */

struct real {
    struct bacnet_node *node;
    int told, asked;
    struct bacnet_notice notice;
};

static void real_told(void *ctx, const struct bacnet_notice *notice)
{
    struct real *real = ctx;
    real->told++;
    real->notice = *notice;
}

static void real_asked(void *ctx, struct bacnet_request *request)
{
    struct real *real = ctx;
    real->asked++;
    bacnet_reply_data(request, "hello", 5);
}

static const struct bacnet_node_events real_events = { .told = real_told, .asked = real_asked };

static struct endpoint loopback(uint8_t last, uint16_t port)
{
    return (struct endpoint){ .family = 4, .ip = { 127, 77, 0, last }, .port = port };
}

static void nodes_talk_over_the_loopback_network(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    struct real nodes[3] = { 0 };
    struct bacnet_node_config config = { .broadcast = { .family = 4, .ip = { 127, 255, 255, 255 } },
                                         .receive_bytes = 1 << 20 };
    struct err err = { 0 };
    for (uint8_t i = 0; i < 3; i++) {
        config.local = loopback((uint8_t)(i + 1), i == 0 ? 0 : config.local.port);
        assert_int_equal(
            bacnet_node_open(loop, &config, &real_events, &nodes[i], &nodes[i].node, &err), 0);
        config.local.port = bacnet_node_config(nodes[i].node)->local.port;
        assert_true(config.local.port != 0);
    }
    /* To all: the other two hear it, each once. */
    assert_int_equal(bacnet_who_is(nodes[0].node, NULL, 0, BACNET_INSTANCE_MAX), 0);
    wait_for(loop, &nodes[1].told, 1);
    wait_for(loop, &nodes[2].told, 1);
    wait_ms(loop, 5);
    assert_int_equal(nodes[0].told, 0);
    assert_int_equal(nodes[1].told, 1);
    assert_int_equal(nodes[2].told, 1);
    /* Asking one of them. */
    struct bacnet_peer_config at = { .instance = BACNET_INSTANCE_MAX,
                                     .address = { .ip = loopback(2, config.local.port) } };
    struct bacnet_peer *peer = bacnet_peer_get(nodes[0].node, &at);
    struct rig_ask ask;
    rig_ask_init(&ask, BACNET_READ_PROPERTY, "x", 1);
    bacnet_ask(peer, &ask.ask);
    int64_t end_us = clock_mono_us() + 5 * CLOCK_US_PER_S;
    while (ask.count == 0 && clock_mono_us() < end_us) {
        loop_turn(loop, true);
    }
    assert_int_equal(ask.count, 1);
    assert_int_equal(ask.answer.outcome, BACNET_ACKED);
    assert_int_equal(ask.size, 5);
    assert_int_equal(nodes[1].asked, 1);
    assert_int_equal(nodes[2].asked, 0);
    struct bacnet_counts counts;
    bacnet_node_counts(nodes[0].node, &counts);
    assert_int_equal(counts.sent, 2);
    assert_int_equal(counts.received, 1);
    assert_int_equal(counts.kernel_drops, 0);
    bacnet_peer_release(peer);
    rig_ask_fini(&ask);
    /* The address is taken, and it says so. */
    struct real fourth;
    assert_int_equal(bacnet_node_open(loop, &config, &real_events, &fourth, &fourth.node, &err),
                     BUSBAR_EADDRINUSE);
    assert_non_null(strstr(err.message, "127.77.0.3"));
    assert_non_null(strstr(err.hint, "another BACnet program"));
    config.local = (struct endpoint){ .family = 4, .ip = { 203, 0, 113, 77 }, .port = 47808 };
    assert_int_not_equal(bacnet_node_open(loop, &config, &real_events, &fourth, &fourth.node, &err),
                         0);
    assert_non_null(strstr(err.message, "203.0.113.77"));
    for (int i = 0; i < 3; i++) {
        bacnet_node_close(nodes[i].node);
    }
    bacnet_node_close(NULL);
    loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_broken_frame_is_dropped_for_its_reason),
        cmocka_unit_test(drops_have_words),
        cmocka_unit_test(every_prefix_of_a_good_frame_is_dropped),
        cmocka_unit_test(our_own_broadcast_is_not_heard),
        cmocka_unit_test(a_message_too_long_for_a_frame_is_not_sent),
        cmocka_unit_test(addresses_read_well),
        cmocka_unit_test(nodes_talk_over_the_loopback_network),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
