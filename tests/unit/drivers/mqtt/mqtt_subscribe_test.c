/* SPDX-License-Identifier: Apache-2.0 */
/* Subscriptions: gathered, counted, granted or refused, made again after a reconnect, fewer at once where a broker asks. */
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

static void subscribe(const char *filter, uint8_t qos)
{
    assert_int_equal(mqtt_client_subscribe(rig.client, filter, qos), 0);
}

static void one_and_its_end(void **state)
{
    (void)state;
    rig_up(&rig, false);
    subscribe("a/#", 1);
    rig_nothing(&rig); /* leaves with the turn */
    rig_pass(&rig, 0);
    assert_int_equal(rig_granted(&rig, MQTT_SUBSCRIBE, 1), 1);
    assert_int_equal(rig.subscribed, 1);
    assert_int_equal(rig.code, 1);
    assert_string_equal(rig.filter, "a/#");
    mqtt_client_unsubscribe(rig.client, "a/#");
    rig_pass(&rig, 0);
    assert_int_equal(rig.unsubscribed, 0);
    assert_int_equal(rig_granted(&rig, MQTT_UNSUBSCRIBE, 0), 1);
    assert_int_equal(rig.subscribed, 1);
    assert_int_equal(rig.unsubscribed, 1);
    rig_break(&rig);
    rig_up(&rig, false);
    rig_nothing(&rig);
}

static void wrong_filters(void **state)
{
    (void)state;
    rig_open(&rig);
    assert_int_equal(mqtt_client_subscribe(rig.client, "a/#/b", 0), BUSBAR_EINVAL);
    assert_int_equal(mqtt_client_subscribe(rig.client, "", 0), BUSBAR_EINVAL);
    assert_int_equal(mqtt_client_subscribe(rig.client, "a", 3), BUSBAR_EINVAL);
    mqtt_client_unsubscribe(rig.client, "never");
}

static void the_same_filter_is_counted(void **state)
{
    (void)state;
    rig_up(&rig, false);
    subscribe("a", 0);
    subscribe("a", 0);
    rig_pass(&rig, 0);
    assert_int_equal(rig_granted(&rig, MQTT_SUBSCRIBE, 0), 1);
    rig_nothing(&rig);
    subscribe("a", 2); /* a higher QoS is asked for again */
    rig_pass(&rig, 0);
    assert_int_equal(rig_granted(&rig, MQTT_SUBSCRIBE, 2), 1);
    mqtt_client_unsubscribe(rig.client, "a");
    mqtt_client_unsubscribe(rig.client, "a");
    rig_pass(&rig, 0);
    rig_nothing(&rig);
    mqtt_client_unsubscribe(rig.client, "a");
    rig_pass(&rig, 0);
    assert_int_equal(rig_granted(&rig, MQTT_UNSUBSCRIBE, 0), 1);
}

static void what_comes_and_goes_in_a_turn_costs_nothing(void **state)
{
    (void)state;
    rig_up(&rig, false);
    subscribe("a", 1);
    rig_pass(&rig, 0);
    assert_int_equal(rig_granted(&rig, MQTT_SUBSCRIBE, 1), 1);
    mqtt_client_unsubscribe(rig.client, "a");
    subscribe("a", 1);
    subscribe("b", 1);
    mqtt_client_unsubscribe(rig.client, "b");
    rig_pass(&rig, 0);
    rig_nothing(&rig);
}

static void taken_back_while_it_is_asked_for(void **state)
{
    (void)state;
    rig_up(&rig, false);
    subscribe("a", 1);
    rig_pass(&rig, 0);
    mqtt_client_unsubscribe(rig.client, "a");
    rig_pass(&rig, 0);
    assert_int_equal(rig_granted(&rig, MQTT_SUBSCRIBE, 1), 1);
    assert_int_equal(rig.subscribed, 0);
    assert_int_equal(rig_granted(&rig, MQTT_UNSUBSCRIBE, 0), 1);
    subscribe("a", 1);
    rig_pass(&rig, 0);
    assert_int_equal(rig_granted(&rig, MQTT_SUBSCRIBE, 1), 1);
    assert_int_equal(rig.subscribed, 1);
}

static void wanted_again_while_it_is_taken_back(void **state)
{
    (void)state;
    rig_up(&rig, false);
    subscribe("a", 1);
    rig_pass(&rig, 0);
    assert_int_equal(rig_granted(&rig, MQTT_SUBSCRIBE, 1), 1);
    mqtt_client_unsubscribe(rig.client, "a");
    rig_pass(&rig, 0);
    subscribe("a", 1);
    rig_pass(&rig, 0);
    assert_int_equal(rig_granted(&rig, MQTT_UNSUBSCRIBE, 0), 1);
    assert_int_equal(rig_granted(&rig, MQTT_SUBSCRIBE, 1), 1);
}

static void many(size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char filter[64];
        str_format(filter, sizeof(filter), "plant/hall-%zu/line/%zu/#", i % 100, i);
        subscribe(filter, 1);
    }
}

static void ten_thousand_in_few_packets(void **state)
{
    (void)state;
    rig_up(&rig, false);
    many(10000);
    rig_pass(&rig, 0);
    size_t done = 0, packets = 0;
    while (done < 10000) {
        done += rig_granted(&rig, MQTT_SUBSCRIBE, 1);
        packets++;
    }
    assert_int_equal(done, 10000);
    assert_true(packets <= 6);
    assert_int_equal(rig.subscribed, 10000);
    rig_nothing(&rig);
}

static void within_the_brokers_packet_size(void **state)
{
    (void)state;
    struct mqtt_properties properties = { .maximum_packet = 500 };
    mqtt_add(&properties, MQTT_MAXIMUM_PACKET);
    rig_open(&rig);
    (void)rig_accept(&rig);
    rig_connack(&rig, 5, 0, false, &properties);
    many(200);
    rig_pass(&rig, 0);
    size_t done = 0;
    while (done < 200) {
        size_t size;
        const uint8_t *sent = fake_peer_sent(rig.peer, &size);
        struct bytes in = bytes_of(sent, size);
        struct mqtt_head head;
        assert_int_equal(mqtt_get_head(&in, &head), 0);
        assert_true(bytes_offset(&in) + head.size <= 500);
        done += rig_granted(&rig, MQTT_SUBSCRIBE, 1);
    }
    assert_int_equal(rig.subscribed, 200);
}

static void after_a_reconnect(void **state)
{
    (void)state;
    rig_up(&rig, false);
    many(10);
    rig_pass(&rig, 0);
    assert_int_equal(rig_granted(&rig, MQTT_SUBSCRIBE, 1), 10);
    rig_break(&rig);
    rig_up(&rig, true); /* kept: nothing to be said */
    rig_nothing(&rig);
    subscribe("more", 0);
    rig_break(&rig);
    rig_up(&rig, true); /* kept: only what it lacks */
    assert_int_equal(rig_granted(&rig, MQTT_SUBSCRIBE, 0), 1);
    rig_break(&rig);
    rig_up(&rig, false); /* lost: all */
    assert_int_equal(rig_granted(&rig, MQTT_SUBSCRIBE, 1), 11);
}

static void unanswered_ones_are_asked_again(void **state)
{
    (void)state;
    rig_up(&rig, false);
    subscribe("a", 1);
    rig_pass(&rig, 0);
    (void)rig_take(&rig, MQTT_SUBSCRIBE);
    rig_break(&rig);
    rig_up(&rig, true);
    assert_int_equal(rig_granted(&rig, MQTT_SUBSCRIBE, 1), 1);
    assert_int_equal(rig.subscribed, 1);
}

static void refused_ones_are_tried_with_the_next_connection(void **state)
{
    (void)state;
    rig_up(&rig, false);
    subscribe("secret/#", 1);
    rig_pass(&rig, 0);
    assert_int_equal(rig_granted(&rig, MQTT_SUBSCRIBE, MQTT_NOT_AUTHORIZED), 1);
    rig_pass(&rig, 10000);
    rig_nothing(&rig);
    rig_break(&rig);
    rig_up(&rig, true);
    assert_int_equal(rig_granted(&rig, MQTT_SUBSCRIBE, 1), 1);
    assert_int_equal(rig.code, 1);
}

static void what_the_broker_cannot_do_is_not_asked(void **state)
{
    (void)state;
    struct mqtt_properties properties = { 0 };
    mqtt_add(&properties, MQTT_WILDCARD_AVAILABLE);
    mqtt_add(&properties, MQTT_SHARED_AVAILABLE);
    rig_open(&rig);
    (void)rig_accept(&rig);
    rig_connack(&rig, 5, 0, false, &properties);
    subscribe("a/#", 1);
    rig_pass(&rig, 0);
    assert_int_equal(rig.code, MQTT_WILDCARD_UNSUPPORTED);
    subscribe("$share/g/a", 1);
    rig_pass(&rig, 0);
    assert_int_equal(rig.code, MQTT_SHARED_UNSUPPORTED);
    rig_nothing(&rig);
    subscribe("a", 1);
    rig_pass(&rig, 0);
    assert_int_equal(rig_granted(&rig, MQTT_SUBSCRIBE, 1), 1);
}

/* A broker that closes on many filters at once (some cloud brokers take eight). */
static void a_broker_that_takes_few_at_once(void **state)
{
    (void)state;
    rig_open(&rig);
    many(100);
    for (int i = 0; i < 6; i++) {
        rig_up(&rig, false);
        size_t size;
        const uint8_t *sent = fake_peer_sent(rig.peer, &size);
        struct bytes in = bytes_of(sent, size);
        struct mqtt_head head;
        struct mqtt_packet_subscribe got;
        struct mqtt_wrong wrong;
        assert_int_equal(mqtt_get_head(&in, &head), 0);
        assert_int_equal(mqtt_get_subscribe(bytes_get_bytes(&in, head.size), 5, &got, &wrong), 0);
        if (got.count <= 8) {
            size_t done = 0;
            while (done < 100) {
                done += rig_granted(&rig, MQTT_SUBSCRIBE, 1);
            }
            assert_non_null(strstr(rig.detail, "closed on a SUBSCRIBE"));
            return;
        }
        rig_break(&rig);
    }
    fail();
}

static void an_answer_with_another_count(void **state)
{
    (void)state;
    rig_up(&rig, false);
    many(3);
    rig_pass(&rig, 0);
    struct mqtt_packet_subscribe got;
    struct mqtt_wrong wrong;
    assert_int_equal(mqtt_get_subscribe(rig_take(&rig, MQTT_SUBSCRIBE), 5, &got, &wrong), 0);
    uint8_t codes[2] = { 0 };
    struct mqtt_packet_suback answer = { .id = got.id, .codes = codes, .count = 2 };
    struct buf out;
    buf_init(&out, 100);
    assert_int_equal(mqtt_put_suback(&out, 5, &answer), 0);
    rig_say(&rig, &out);
    buf_fini(&out);
    rig_pass(&rig, 0);
    assert_int_equal(rig.why, MQTT_DOWN_PROTOCOL);
    assert_int_equal(rig.subscribed, 0);
}

static void no_answer_at_all(void **state)
{
    (void)state;
    rig_up(&rig, false);
    subscribe("a", 1);
    rig_pass(&rig, 0);
    (void)rig_take(&rig, MQTT_SUBSCRIBE);
    for (int i = 0; i < 32 && rig.downs == 0; i++) {
        fake_peer_send(rig.peer, "\xd0\x00", 2);
        rig_pass(&rig, 1000);
    }
    assert_int_equal(rig.downs, 1);
    assert_int_equal(rig.why, MQTT_DOWN_SILENT);
    assert_non_null(strstr(rig.detail, "SUBSCRIBE"));
}

static void old_unsuback_has_no_codes(void **state)
{
    (void)state;
    rig.options.version = 4;
    rig_up(&rig, false);
    subscribe("a", 1);
    rig_pass(&rig, 0);
    assert_int_equal(rig_granted(&rig, MQTT_SUBSCRIBE, 1), 1);
    mqtt_client_unsubscribe(rig.client, "a");
    rig_pass(&rig, 0);
    assert_int_equal(rig_granted(&rig, MQTT_UNSUBSCRIBE, 0), 1);
    assert_int_equal(rig.downs, 0);
}

static void those_of_an_earlier_run_are_ended_after_the_new_ones(void **state)
{
    (void)state;
    rig_open(&rig);
    assert_int_equal(mqtt_client_had(rig.client, "a/#/b"), BUSBAR_EINVAL);
    assert_int_equal(mqtt_client_had(rig.client, "old"), 0);
    assert_int_equal(mqtt_client_had(rig.client, "both"), 0);
    subscribe("both", 1);
    subscribe("new", 1);
    rig_up(&rig, true);
    assert_int_equal(rig_granted(&rig, MQTT_SUBSCRIBE, 1), 2);
    assert_int_equal(rig_granted(&rig, MQTT_UNSUBSCRIBE, 0), 1);
    assert_int_equal(rig.unsubscribed, 1);
    assert_string_equal(rig.filter, "old");
    rig_break(&rig);
    rig_up(&rig, true); /* once */
    rig_nothing(&rig);
}

static void a_new_session_has_none_of_an_earlier_run(void **state)
{
    (void)state;
    rig_open(&rig);
    assert_int_equal(mqtt_client_had(rig.client, "old"), 0);
    rig_up(&rig, false);
    rig_nothing(&rig);
    subscribe("old", 1);
    rig_pass(&rig, 0);
    assert_int_equal(rig_granted(&rig, MQTT_SUBSCRIBE, 1), 1);
    assert_int_equal(rig.unsubscribed, 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, finish)
    const struct CMUnitTest tests[] = {
        T(one_and_its_end),
        T(wrong_filters),
        T(the_same_filter_is_counted),
        T(what_comes_and_goes_in_a_turn_costs_nothing),
        T(taken_back_while_it_is_asked_for),
        T(wanted_again_while_it_is_taken_back),
        T(ten_thousand_in_few_packets),
        T(within_the_brokers_packet_size),
        T(after_a_reconnect),
        T(unanswered_ones_are_asked_again),
        T(refused_ones_are_tried_with_the_next_connection),
        T(what_the_broker_cannot_do_is_not_asked),
        T(a_broker_that_takes_few_at_once),
        T(an_answer_with_another_count),
        T(no_answer_at_all),
        T(old_unsuback_has_no_codes),
        T(those_of_an_earlier_run_are_ended_after_the_new_ones),
        T(a_new_session_has_none_of_an_earlier_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
