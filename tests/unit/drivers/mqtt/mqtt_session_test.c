/* SPDX-License-Identifier: Apache-2.0 */
/* Messages in and out with QoS 0 to 2: acknowledged when they are on disk and in order, over reconnects at every point,
 * within what either side takes. */
#include "mqtt_rig.h"

static struct rig rig;

static int begin(void **state)
{
    (void)state;
    rig_init(&rig);
    return 0;
}

static int finish(void **state)
{
    (void)state;
    rig_fini(&rig);
    return 0;
}

static void acknowledge(size_t message)
{
    mqtt_client_acknowledge(rig.client, rig.messages[message].ticket, 0);
}

static size_t unacknowledged(void)
{
    struct mqtt_client_stats stats;
    mqtt_client_stats(rig.client, &stats);
    return stats.unacknowledged;
}

/* ---- in ---- */

static void qos_1_is_acknowledged_by_its_owner(void **state)
{
    (void)state;
    rig_up(&rig, false);
    rig_publish(&rig, "a", "1", 1, 5, false);
    assert_int_equal(rig.count, 1);
    assert_int_equal(rig.messages[0].qos, 1);
    assert_int_equal(rig.messages[0].id, 5);
    rig_pass(&rig, 1000);
    rig_nothing(&rig);
    assert_int_equal(unacknowledged(), 1);
    acknowledge(0);
    rig_heard_ack(&rig, MQTT_PUBACK, 5, 0);
    acknowledge(0);
    rig_nothing(&rig);
    assert_int_equal(unacknowledged(), 0);
}

static void acknowledgements_leave_in_order(void **state)
{
    (void)state;
    rig_up(&rig, false);
    for (uint16_t i = 0; i < 3; i++) {
        rig_publish(&rig, "a", "1", 1, (uint16_t)(10 + i), false);
        rig_publish(&rig, "b", "2", 2, (uint16_t)(20 + i), false);
    }
    acknowledge(4);
    acknowledge(2);
    acknowledge(3);
    rig_nothing(&rig);
    acknowledge(0);
    rig_heard_ack(&rig, MQTT_PUBACK, 10, 0);
    rig_heard_ack(&rig, MQTT_PUBACK, 11, 0);
    rig_heard_ack(&rig, MQTT_PUBACK, 12, 0);
    acknowledge(1);
    rig_heard_ack(&rig, MQTT_PUBREC, 20, 0);
    rig_heard_ack(&rig, MQTT_PUBREC, 21, 0);
    acknowledge(5);
    rig_heard_ack(&rig, MQTT_PUBREC, 22, 0);
}

static void qos_2_to_its_end(void **state)
{
    (void)state;
    rig_up(&rig, false);
    rig_publish(&rig, "a", "1", 2, 5, false);
    rig_publish(&rig, "a", "1", 2, 5, true); /* again before it is on disk */
    assert_int_equal(rig.count, 1);
    rig_nothing(&rig);
    acknowledge(0);
    rig_heard_ack(&rig, MQTT_PUBREC, 5, 0);
    rig_publish(&rig, "a", "1", 2, 5, true); /* again before PUBREL */
    rig_heard_ack(&rig, MQTT_PUBREC, 5, 0);
    assert_int_equal(rig.count, 1);
    assert_int_equal(rig.released, 0);
    rig_say_ack(&rig, MQTT_PUBREL, 5, 0);
    rig_heard_ack(&rig, MQTT_PUBCOMP, 5, 0);
    assert_int_equal(rig.released, 5);
    rig_publish(&rig, "a", "2", 2, 5, false); /* the id is free */
    assert_int_equal(rig.count, 2);
}

static void refused_for_good(void **state)
{
    (void)state;
    rig_up(&rig, false);
    rig_publish(&rig, "a", "1", 1, 5, false);
    rig_publish(&rig, "a", "1", 2, 6, false);
    mqtt_client_acknowledge(rig.client, rig.messages[0].ticket, MQTT_IMPLEMENTATION_ERROR);
    mqtt_client_acknowledge(rig.client, rig.messages[1].ticket, MQTT_IMPLEMENTATION_ERROR);
    rig_heard_ack(&rig, MQTT_PUBACK, 5, MQTT_IMPLEMENTATION_ERROR);
    rig_heard_ack(&rig, MQTT_PUBREC, 6, MQTT_IMPLEMENTATION_ERROR);
    rig_publish(&rig, "a", "2", 2, 6, false); /* a refused PUBREC ends it */
    assert_int_equal(rig.count, 3);
}

static void an_unknown_release_is_completed(void **state)
{
    (void)state;
    rig_up(&rig, true);
    rig_say_ack(&rig, MQTT_PUBREL, 77, 0);
    rig_heard_ack(&rig, MQTT_PUBCOMP, 77, MQTT_PACKET_ID_NOT_FOUND);
    assert_int_equal(rig.released, 77);
}

/* The connection breaks after each step of a QoS 2 message; session kept. */
static void qos_2_over_a_reconnect(void **state)
{
    (void)state;
    rig_up(&rig, false);
    /* given, not on disk: it comes again and is given again */
    rig_publish(&rig, "a", "1", 2, 5, false);
    rig_break(&rig);
    acknowledge(0); /* of the connection before: forgotten */
    rig_up(&rig, true);
    rig_nothing(&rig);
    rig_publish(&rig, "a", "1", 2, 5, true);
    assert_int_equal(rig.count, 2);
    acknowledge(1);
    rig_heard_ack(&rig, MQTT_PUBREC, 5, 0);
    /* recorded, PUBREC lost: it comes again and is not given again */
    rig_break(&rig);
    rig_up(&rig, true);
    rig_publish(&rig, "a", "1", 2, 5, true);
    rig_heard_ack(&rig, MQTT_PUBREC, 5, 0);
    assert_int_equal(rig.count, 2);
    /* PUBREL lost */
    rig_break(&rig);
    rig_up(&rig, true);
    rig_say_ack(&rig, MQTT_PUBREL, 5, 0);
    rig_heard_ack(&rig, MQTT_PUBCOMP, 5, 0);
    /* PUBCOMP lost: PUBREL again */
    rig_break(&rig);
    rig_up(&rig, true);
    rig_say_ack(&rig, MQTT_PUBREL, 5, 0);
    rig_heard_ack(&rig, MQTT_PUBCOMP, 5, MQTT_PACKET_ID_NOT_FOUND);
    assert_int_equal(rig.count, 2);
}

/* So that the broker repeats what was not acknowledged: the same client, its subscriptions with it. */
static void made_anew_it_keeps_what_it_has(void **state)
{
    (void)state;
    rig_up(&rig, false);
    assert_int_equal(mqtt_client_subscribe(rig.client, "a/#", 1), 0);
    rig_pass(&rig, 0);
    assert_int_equal(rig_granted(&rig, MQTT_SUBSCRIBE, 1), 1);
    rig_publish(&rig, "a/1", "1", 1, 5, false);
    rig_publish(&rig, "a/1", "2", 2, 6, false);
    mqtt_client_reconnect(rig.client);
    mqtt_client_reconnect(rig.client); /* once is enough */
    (void)rig_take(&rig, MQTT_DISCONNECT);
    rig_pass(&rig, 0);
    assert_int_equal(rig.count, 2);
    assert_int_equal(rig.ended + rig.downs, 0);
    assert_int_equal(fake_net_count(rig.net), 2);
    rig_up(&rig, true);
    rig_nothing(&rig); /* the broker has the subscription */
    acknowledge(0);    /* of the connection before */
    acknowledge(1);
    rig_nothing(&rig);
    rig_publish(&rig, "a/1", "1", 1, 5, true);
    rig_publish(&rig, "a/1", "2", 2, 6, true);
    assert_int_equal(rig.count, 4);
    acknowledge(2);
    rig_heard_ack(&rig, MQTT_PUBACK, 5, 0);
    acknowledge(3);
    rig_heard_ack(&rig, MQTT_PUBREC, 6, 0);
    mqtt_client_reconnect(rig.client);
    (void)rig_take(&rig, MQTT_DISCONNECT);
    rig_pass(&rig, 0);
    rig_up(&rig, false); /* lost: asked for again */
    assert_int_equal(rig_granted(&rig, MQTT_SUBSCRIBE, 1), 1);
}

static void made_anew_where_nobody_is(void **state)
{
    (void)state;
    rig_open(&rig);
    mqtt_client_reconnect(rig.client); /* it connects */
    rig_up(&rig, false);
    mqtt_client_reconnect(rig.client);
    rig_pass(&rig, 0);
    rig.peer = fake_net_last(rig.net);
    fake_peer_fail(rig.peer, BUSBAR_ECONNREFUSED, "refused");
    rig_pass(&rig, 0);
    assert_int_equal(rig.downs, 1);
    mqtt_client_connect_now(rig.client);
    rig_pass(&rig, 0);
    rig_up(&rig, true);
    mqtt_client_reconnect(rig.client);
    mqtt_client_close(rig.client); /* ends it meanwhile */
    rig_pass(&rig, 0);
    assert_int_equal(rig.ended, 1);
}

static void a_lost_session_forgets_ids(void **state)
{
    (void)state;
    rig_up(&rig, false);
    rig_publish(&rig, "a", "1", 2, 5, false);
    acknowledge(0);
    rig_heard_ack(&rig, MQTT_PUBREC, 5, 0);
    rig_break(&rig);
    rig_up(&rig, false);
    rig_publish(&rig, "b", "2", 2, 5, false);
    assert_int_equal(rig.count, 2);
}

/* Some brokers repeat all of a session at once: they are paused, not cut off, for that would begin it all anew. */
static void more_than_the_receive_maximum(void **state)
{
    (void)state;
    rig.options.receive_max = 3;
    rig_up(&rig, false);
    for (uint16_t i = 1; i <= 400; i++) {
        assert_int_equal(fake_peer_paused(rig.peer), i > 4);
        rig_publish(&rig, "a", "1", 1, i, false);
    }
    assert_int_equal(rig.count, 400);
    rig_pass(&rig, 100000);
    assert_int_equal(rig.downs, 0);
    for (size_t i = 0; i < 399; i++) {
        acknowledge(i);
    }
    assert_false(fake_peer_paused(rig.peer));
}

static void more_than_there_are_ids(void **state)
{
    (void)state;
    rig_up(&rig, false);
    for (unsigned i = 0; i <= 65536; i++) {
        rig_publish(&rig, "a", "1", 1, (uint16_t)(1 + i % 65535), false);
    }
    rig_pass(&rig, 0);
    assert_int_equal(rig.reason, MQTT_RECEIVE_MAXIMUM_EXCEEDED);
    assert_int_equal(rig.count, 65536);
}

/* 3.1.1 knows no receive maximum: it is not listened to until half of them are on disk. */
static void too_many_of_3_1_1_wait_in_the_broker(void **state)
{
    (void)state;
    rig.options.receive_max = 10;
    rig.options.version = 4;
    rig_up(&rig, false);
    for (uint16_t i = 1; i <= 12; i++) {
        assert_int_equal(fake_peer_paused(rig.peer), i > 10);
        rig_publish(&rig, "a", "1", 1, i, false);
    }
    assert_int_equal(rig.count, 12);
    rig_pass(&rig, 100000); /* pinged, and nothing heard: it is us who do not listen */
    assert_int_equal(rig.downs, 0);
    for (size_t i = 0; i < 7; i++) {
        assert_true(fake_peer_paused(rig.peer));
        acknowledge(i);
    }
    assert_false(fake_peer_paused(rig.peer));
    fake_peer_drop(rig.peer, 0);
}

static void acknowledged_from_within(struct rig *at, const struct mqtt_message *message)
{
    mqtt_client_acknowledge(at->client, message->ticket, 0);
}

static void closed_from_within(struct rig *at, const struct mqtt_message *message)
{
    (void)message;
    mqtt_client_close(at->client);
}

static void owners_may_do_anything(void **state)
{
    (void)state;
    rig_up(&rig, false);
    rig.on_message = acknowledged_from_within;
    rig_publish(&rig, "a", "1", 1, 5, false);
    rig_heard_ack(&rig, MQTT_PUBACK, 5, 0);
    rig.on_message = closed_from_within;
    static const char both[] = "\x32\x06\x00\x01"
                               "a\x00\x06\x00\x32\x06\x00\x01"
                               "a\x00\x07\x00";
    fake_peer_send(rig.peer, both, sizeof(both) - 1);
    assert_int_equal(rig.count, 2);
    rig_pass(&rig, 0);
    assert_int_equal(rig.ended, 1);
}

/* ---- topic aliases ---- */

static void say_alias(const char *topic, uint32_t alias)
{
    struct mqtt_packet_publish packet = {
        .topic = { .data = (const uint8_t *)topic, .size = strlen(topic) },
        .properties = { .topic_alias = alias },
    };
    struct buf out;
    mqtt_add(&packet.properties, MQTT_TOPIC_ALIAS);
    buf_init(&out, 1024);
    assert_int_equal(mqtt_put_publish(&out, 5, &packet), 0);
    rig_say(&rig, &out);
    buf_fini(&out);
}

static void aliases(void **state)
{
    (void)state;
    rig.options.topic_aliases = 2;
    rig_up(&rig, false);
    say_alias("a/b", 1);
    say_alias("c/d", 2);
    say_alias("", 1);
    say_alias("e", 1);
    say_alias("", 1);
    assert_int_equal(rig.count, 5);
    assert_string_equal(rig.messages[2].topic, "a/b");
    assert_string_equal(rig.messages[4].topic, "e");
    say_alias("x", 3);
    rig_pass(&rig, 0);
    assert_int_equal(rig.reason, MQTT_TOPIC_ALIAS_INVALID);
    assert_int_equal(rig.count, 5);
}

static void aliases_end_with_the_connection(void **state)
{
    (void)state;
    rig.options.topic_aliases = 2;
    rig_up(&rig, false);
    say_alias("a/b", 1);
    rig_break(&rig);
    rig_up(&rig, true);
    say_alias("", 1);
    rig_pass(&rig, 0);
    assert_int_equal(rig.reason, MQTT_TOPIC_ALIAS_INVALID);
    assert_int_equal(rig.count, 1);
}

static void aliases_have_an_end(void **state)
{
    (void)state;
    static char topic[60001];
    memset(topic, 'x', sizeof(topic) - 1);
    rig.options.topic_aliases = 100;
    rig_up(&rig, false);
    for (uint32_t i = 1; i <= 100 && !fake_peer_closed(rig.peer); i++) {
        struct mqtt_packet_publish packet = {
            .topic = { .data = (const uint8_t *)topic, .size = sizeof(topic) - 1 },
            .properties = { .topic_alias = i },
        };
        struct buf out;
        mqtt_add(&packet.properties, MQTT_TOPIC_ALIAS);
        buf_init(&out, 100000);
        assert_int_equal(mqtt_put_publish(&out, 5, &packet), 0);
        rig_say(&rig, &out);
        buf_fini(&out);
    }
    rig_pass(&rig, 0);
    assert_int_equal(rig.reason, MQTT_TOPIC_ALIAS_INVALID);
    assert_int_equal(rig.count, (4 << 20) / 60000);
}

static void many_wait_and_leave_in_order(void **state)
{
    (void)state;
    rig_up(&rig, false);
    uint16_t said = 0;
    uint16_t heard_ = 0;
    for (int round = 0; round < 20; round++) { /* the ring wraps and grows */
        for (int i = 0; i < 40; i++) {
            rig_publish(&rig, "a", "1", 1, ++said, false);
        }
        for (int i = 0; i < 25; i++) {
            acknowledge(heard_);
            rig_heard_ack(&rig, MQTT_PUBACK, ++heard_, 0);
        }
    }
    assert_int_equal(unacknowledged(), 300);
    assert_int_equal(rig.downs, 0);
}

static void a_release_before_it_is_recorded(void **state)
{
    (void)state;
    rig_up(&rig, false);
    rig_publish(&rig, "a", "1", 2, 5, false);
    rig_say_ack(&rig, MQTT_PUBREL, 5, 0);
    rig_nothing(&rig);
    assert_int_equal(rig.released, 0);
    acknowledge(0);
    rig_heard_ack(&rig, MQTT_PUBREC, 5, 0);
}

/* ---- out ---- */

static int publish(uint8_t qos, const char *payload)
{
    struct mqtt_publish message = {
        .topic = "out/x", .payload = payload, .size = strlen(payload), .qos = qos
    };
    return mqtt_client_publish(rig.client, &message, rig_on_published, &rig);
}

static struct mqtt_packet_publish heard(const char *payload)
{
    struct mqtt_packet_publish packet;
    struct mqtt_wrong wrong;
    size_t size;
    const uint8_t *sent = fake_peer_sent(rig.peer, &size);
    assert_true(size > 0);
    uint8_t flags = sent[0] & 15;
    struct bytes body = rig_take(&rig, MQTT_PUBLISH);
    assert_int_equal(
        mqtt_get_publish(body, flags, mqtt_client_version(rig.client), &packet, &wrong), 0);
    assert_memory_equal(packet.topic.data, "out/x", 5);
    assert_int_equal(packet.payload.size, strlen(payload));
    assert_memory_equal(packet.payload.data, payload, packet.payload.size);
    return packet;
}

static void nothing_is_queued_while_it_is_down(void **state)
{
    (void)state;
    rig_open(&rig);
    assert_int_equal(publish(0, "1"), BUSBAR_ENOTCONN);
    assert_int_equal(publish(2, "1"), BUSBAR_ENOTCONN);
    (void)rig_accept(&rig);
    assert_int_equal(publish(1, "1"), BUSBAR_ENOTCONN);
    assert_int_equal(rig.published, 0);
}

static void out_qos_0(void **state)
{
    (void)state;
    rig_up(&rig, false);
    assert_int_equal(publish(0, "on"), 0);
    assert_int_equal(heard("on").qos, 0);
    assert_int_equal(rig.published, 0);
    rig_pass(&rig, 10);
    assert_int_equal(rig.published, 1);
    assert_int_equal(rig.published_error, 0);
}

static void out_qos_1(void **state)
{
    (void)state;
    rig_up(&rig, false);
    assert_int_equal(publish(1, "on"), 0);
    uint16_t id = heard("on").id;
    rig_pass(&rig, 1000);
    assert_int_equal(rig.published, 0);
    rig_say_ack(&rig, MQTT_PUBACK, (uint16_t)(id + 1), 0);
    rig_say_ack(&rig, MQTT_PUBCOMP, id, 0);
    assert_int_equal(rig.published, 0);
    rig_say_ack(&rig, MQTT_PUBACK, id, MQTT_NOT_AUTHORIZED);
    assert_int_equal(rig.published, 1);
    assert_int_equal(rig.published_error, 0);
    assert_int_equal(rig.published_code, MQTT_NOT_AUTHORIZED);
}

static void out_qos_2(void **state)
{
    (void)state;
    rig_up(&rig, false);
    assert_int_equal(publish(2, "on"), 0);
    uint16_t id = heard("on").id;
    rig_say_ack(&rig, MQTT_PUBREC, id, 0);
    rig_heard_ack(&rig, MQTT_PUBREL, id, 0);
    assert_int_equal(rig.published, 0);
    rig_say_ack(&rig, MQTT_PUBCOMP, id, 0);
    assert_int_equal(rig.published, 1);
    assert_int_equal(publish(2, "off"), 0);
    id = heard("off").id;
    rig_say_ack(&rig, MQTT_PUBREC, id, MQTT_QUOTA_EXCEEDED);
    rig_nothing(&rig);
    assert_int_equal(rig.published, 2);
    assert_int_equal(rig.published_code, MQTT_QUOTA_EXCEEDED);
}

static void an_unknown_pubrec_is_released(void **state)
{
    (void)state;
    rig_up(&rig, false);
    rig_say_ack(&rig, MQTT_PUBREC, 9, 0);
    rig_heard_ack(&rig, MQTT_PUBREL, 9, MQTT_PACKET_ID_NOT_FOUND);
}

/* The connection breaks after each step; the session is kept. */
static void out_over_a_reconnect(void **state)
{
    (void)state;
    rig_up(&rig, false);
    assert_int_equal(publish(1, "one"), 0);
    assert_int_equal(publish(2, "two"), 0);
    uint16_t one = heard("one").id;
    uint16_t two = heard("two").id;
    assert_int_not_equal(one, two);
    rig_break(&rig);
    assert_int_equal(rig.published, 0);
    rig_up(&rig, true);
    struct mqtt_packet_publish again = heard("one");
    assert_true(again.duplicate && again.id == one);
    again = heard("two");
    assert_true(again.duplicate && again.id == two);
    rig_say_ack(&rig, MQTT_PUBACK, one, 0);
    assert_int_equal(rig.published, 1);
    rig_say_ack(&rig, MQTT_PUBREC, two, 0);
    rig_heard_ack(&rig, MQTT_PUBREL, two, 0);
    rig_break(&rig);
    rig_up(&rig, true);
    rig_heard_ack(&rig, MQTT_PUBREL, two, 0);
    rig_say_ack(&rig, MQTT_PUBCOMP, two, 0);
    assert_int_equal(rig.published, 2);
    assert_int_equal(rig.published_error, 0);
    rig_break(&rig);
    rig_up(&rig, true);
    rig_nothing(&rig);
}

static void out_with_a_lost_session(void **state)
{
    (void)state;
    rig_up(&rig, false);
    assert_int_equal(publish(1, "one"), 0);
    rig_break(&rig);
    rig_up(&rig, false);
    rig_nothing(&rig);
    assert_int_equal(rig.published, 1);
    assert_int_equal(rig.published_error, BUSBAR_ECLOSED);
}

static void out_within_what_the_broker_takes(void **state)
{
    (void)state;
    struct mqtt_properties properties = {
        .receive_maximum = 2, .maximum_qos = 1, .maximum_packet = 100, .retain_available = 0
    };
    static char big[120];
    mqtt_add(&properties, MQTT_RECEIVE_MAXIMUM);
    mqtt_add(&properties, MQTT_MAXIMUM_QOS);
    mqtt_add(&properties, MQTT_MAXIMUM_PACKET);
    mqtt_add(&properties, MQTT_RETAIN_AVAILABLE);
    rig_open(&rig);
    (void)rig_accept(&rig);
    rig_connack(&rig, 5, 0, false, &properties);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(publish(2, "x"), 0);
    }
    struct mqtt_packet_publish first = heard("x");
    assert_int_equal(first.qos, 1);
    uint16_t id = first.id;
    (void)heard("x");
    rig_nothing(&rig);
    rig_say_ack(&rig, MQTT_PUBACK, id, 0);
    (void)heard("x");
    rig_nothing(&rig);
    memset(big, 'x', sizeof(big) - 1);
    assert_int_equal(publish(1, big), BUSBAR_ETOOBIG);
    struct mqtt_publish retained = { .topic = "out/x", .retain = true };
    assert_int_equal(mqtt_client_publish(rig.client, &retained, NULL, NULL), BUSBAR_EUNSUPPORTED);
    /* those that were never sent fail at once; a write is not sent later */
    rig_break(&rig);
    assert_int_equal(rig.published, 2);
    assert_int_equal(rig.published_error, BUSBAR_ENOTCONN);
}

static void out_queue_has_an_end(void **state)
{
    (void)state;
    rig_up(&rig, false);
    int error = 0;
    size_t count = 0;
    while (error == 0 && count < MQTT_SEND_QUEUE_MAX + 10) {
        error = publish(1, "x");
        count += error == 0;
    }
    assert_int_equal(error, BUSBAR_ELIMIT);
    assert_int_equal(count, MQTT_SEND_QUEUE_MAX);
    struct mqtt_publish wrong = { .topic = "a/+" };
    assert_int_equal(mqtt_client_publish(rig.client, &wrong, NULL, NULL), BUSBAR_EINVAL);
}

static void a_full_stream_takes_it_later(void **state)
{
    (void)state;
    rig_up(&rig, false);
    fake_peer_send_error(rig.peer, BUSBAR_ELIMIT);
    assert_int_equal(publish(0, "one"), 0);
    assert_int_equal(publish(1, "two"), 0);
    rig_pass(&rig, 100);
    rig_nothing(&rig);
    assert_int_equal(rig.downs, 0);
    fake_peer_send_error(rig.peer, 0);
    fake_peer_drain(rig.peer);
    (void)heard("one");
    (void)heard("two");
}

static void nobody_waits_for_ever(void **state)
{
    (void)state;
    rig_up(&rig, false);
    assert_int_equal(publish(1, "x"), 0);
    uint16_t id = heard("x").id;
    rig_publish(&rig, "alive", "1", 0, 0, false);
    rig_pass(&rig, 32000);
    assert_int_equal(rig.published, 1);
    assert_int_equal(rig.published_error, BUSBAR_ETIMEOUT);
    rig_say_ack(&rig, MQTT_PUBACK, id, 0);
    assert_int_equal(rig.published, 1);
}

static void forgotten_and_cancelled(void **state)
{
    (void)state;
    int other;
    struct mqtt_publish message = { .topic = "out/x", .qos = 1 };
    rig_up(&rig, false);
    assert_int_equal(publish(1, "x"), 0);
    assert_int_equal(mqtt_client_publish(rig.client, &message, rig_on_published, &other), 0);
    mqtt_client_forget(rig.client, &other);
    rig_close(&rig);
    assert_int_equal(rig.published, 1);
    assert_int_equal(rig.published_error, BUSBAR_ECANCELED);
}

/* Each allocation that may fail fails once: whatever it was for, the client works again soon, or after its next connect. */
static void memory_runs_out(void **state)
{
    (void)state;
    static char payload[3000];
    memset(payload, 'x', sizeof(payload) - 1);
    for (long n = 1; n < 40; n++) {
        rig_open(&rig);
        rig.count = rig.ended = rig.ups = 0;
        alloc_fail_nth(n);
        rig.peer = fake_net_last(rig.net);
        fake_peer_accept(rig.peer);
        if (!fake_peer_closed(rig.peer)) {
            fake_peer_send(rig.peer, "\x20\x03\x00\x00\x00", 5);
        }
        (void)mqtt_client_subscribe(rig.client, "a/#", 1);
        rig_pass(&rig, 0);
        (void)publish(2, payload);
        for (int piece = 0; piece < 2 && !fake_peer_closed(rig.peer); piece++) {
            fake_peer_send(rig.peer, piece == 0 ? "\x32\x08\x00\x01" : "a\x00\x07\x00xy",
                           piece == 0 ? 4 : 6);
        }
        alloc_fail_nth(0);
        if (rig.count > 0) {
            mqtt_client_acknowledge(rig.client, rig.messages[0].ticket, 0);
        }
        rig_pass(&rig, 60000); /* gives up what hangs, and connects again */
        rig_up(&rig, false);
        size_t count = rig.count;
        rig_publish(&rig, "a/b", "1", 1, 9, false);
        assert_int_equal(rig.count, count + 1);
        rig_close(&rig);
    }
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, finish)
    const struct CMUnitTest tests[] = {
        T(qos_1_is_acknowledged_by_its_owner),
        T(acknowledgements_leave_in_order),
        T(qos_2_to_its_end),
        T(refused_for_good),
        T(an_unknown_release_is_completed),
        T(qos_2_over_a_reconnect),
        T(made_anew_it_keeps_what_it_has),
        T(made_anew_where_nobody_is),
        T(a_lost_session_forgets_ids),
        T(more_than_the_receive_maximum),
        T(more_than_there_are_ids),
        T(too_many_of_3_1_1_wait_in_the_broker),
        T(owners_may_do_anything),
        T(aliases),
        T(aliases_end_with_the_connection),
        T(aliases_have_an_end),
        T(many_wait_and_leave_in_order),
        T(a_release_before_it_is_recorded),
        T(nothing_is_queued_while_it_is_down),
        T(out_qos_0),
        T(out_qos_1),
        T(out_qos_2),
        T(an_unknown_pubrec_is_released),
        T(out_over_a_reconnect),
        T(out_with_a_lost_session),
        T(out_within_what_the_broker_takes),
        T(out_queue_has_an_end),
        T(a_full_stream_takes_it_later),
        T(nobody_waits_for_ever),
        T(forgotten_and_cancelled),
        T(memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
