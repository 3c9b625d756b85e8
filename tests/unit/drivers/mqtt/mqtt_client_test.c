/* SPDX-License-Identifier: Apache-2.0 */
/* A connection's life: CONNECT, CONNACK and its limits, the older version, keep-alive, and how it ends in words. */
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

#define SAYS(part)                                            \
    do {                                                      \
        if (strstr(rig.detail, (part)) == NULL) {             \
            fail_msg("'%s' is not in: %s", part, rig.detail); \
        }                                                     \
    } while (0)

/* ---- CONNECT ---- */

static void what_is_asked_for(void **state)
{
    (void)state;
    struct mqtt_will will = { .topic = "busbar/status",
                              .payload = "offline",
                              .size = 7,
                              .qos = 1,
                              .retain = true,
                              .delay_s = 30 };
    rig.options.user = "anna";
    rig.options.password = "se\0cret";
    rig.options.password_size = 7;
    rig.options.will = &will;
    rig.options.topic_aliases = 20;
    rig_open(&rig);
    struct mqtt_packet_connect packet = rig_accept(&rig);
    assert_int_equal(packet.version, 5);
    assert_false(packet.clean);
    assert_int_equal(packet.keep_alive_s, 60);
    assert_memory_equal(packet.client_id.data, "gate", 4);
    assert_memory_equal(packet.user.data, "anna", 4);
    assert_int_equal(packet.password.size, 7);
    assert_memory_equal(packet.password.data, "se\0cret", 7);
    assert_true(packet.has_will && packet.will.retain);
    assert_int_equal(packet.will.qos, 1);
    assert_int_equal(packet.will.properties.will_delay, 30);
    assert_int_equal(packet.properties.session_expiry, 3600);
    assert_int_equal(packet.properties.receive_maximum, MQTT_RECEIVE_MAX);
    assert_int_equal(packet.properties.maximum_packet, MQTT_PACKET_MAX);
    assert_int_equal(packet.properties.topic_alias_maximum, 20);
}

static void without_an_id_no_session_is_asked_for(void **state)
{
    (void)state;
    rig.options.client_id = "";
    rig_open(&rig);
    struct mqtt_packet_connect packet = rig_accept(&rig);
    assert_true(packet.clean);
    assert_false(mqtt_has(&packet.properties, MQTT_SESSION_EXPIRY));
}

static void clean_is_for_the_beginning_only(void **state)
{
    (void)state;
    rig.options.clean = true;
    rig_open(&rig);
    assert_true(rig_accept(&rig).clean);
    rig_connack(&rig, 5, 0, false, NULL);
    rig_break(&rig);
    assert_false(rig_accept(&rig).clean);
}

static void clean_of_3_1_1_is_for_each_connection(void **state)
{
    (void)state;
    rig.options.clean = true;
    rig.options.version = 4;
    rig_up(&rig, false);
    rig_break(&rig);
    assert_true(rig_accept(&rig).clean);
}

static void options_that_are_wrong(void **state)
{
    (void)state;
    struct err err;
    struct mqtt_client_options options = rig.options;
    struct mqtt_will will = { .topic = "a/#" };
    options.version = 3;
    assert_int_equal(mqtt_client_open(rig.loop, &options, &rig_events, &rig, &rig.client, &err),
                     BUSBAR_EINVAL);
    options = rig.options;
    options.will = &will;
    assert_int_equal(mqtt_client_open(rig.loop, &options, &rig_events, &rig, &rig.client, &err),
                     BUSBAR_EINVAL);
    options = rig.options;
    options.target.port = 0;
    assert_int_equal(mqtt_client_open(rig.loop, &options, &rig_events, &rig, &rig.client, &err),
                     BUSBAR_EINVAL);
    options = rig.options;
    options.topic_aliases = MQTT_ALIASES_MAX + 1;
    assert_int_equal(mqtt_client_open(rig.loop, &options, &rig_events, &rig, &rig.client, &err),
                     BUSBAR_EINVAL);
    rig.client = NULL;
}

/* ---- versions ---- */

static void old_brokers_get_the_old_version(void **state)
{
    (void)state;
    static const struct {
        int answer;
        uint8_t code;
    } ways[] = { { 4, 1 }, { 5, MQTT_UNSUPPORTED_VERSION } };
    for (size_t i = 0; i < 2; i++) {
        rig_open(&rig);
        assert_int_equal(rig_accept(&rig).version, 5);
        rig_connack(&rig, ways[i].answer, ways[i].code, false, NULL);
        rig_pass(&rig, 0);
        rig_pass(&rig, 0);
        assert_int_equal(rig.downs, 0);
        assert_int_equal(rig_accept(&rig).version, 4);
        rig_connack(&rig, 4, 0, false, NULL);
        assert_int_equal(mqtt_client_version(rig.client), 4);
        rig_break(&rig);
        assert_int_equal(rig_accept(&rig).version, 4);
        rig_close(&rig);
        rig.ended = rig.downs = 0;
    }
}

static void a_broker_that_just_closes_gets_the_old_version_once(void **state)
{
    (void)state;
    rig_open(&rig);
    assert_int_equal(rig_accept(&rig).version, 5);
    fake_peer_fail(rig.peer, BUSBAR_ECLOSED, "10.0.0.1:1883: closed by the peer");
    rig_pass(&rig, 0);
    rig_pass(&rig, 0);
    assert_int_equal(rig.downs, 0);
    assert_int_equal(rig_accept(&rig).version, 4);
    fake_peer_fail(rig.peer, BUSBAR_ECLOSED, "10.0.0.1:1883: closed by the peer");
    rig_pass(&rig, 0);
    assert_int_equal(rig.downs, 1);
    SAYS("without an answer to CONNECT");
    SAYS("mqtts://");
    mqtt_client_connect_now(rig.client);
    rig_pass(&rig, 0);
    assert_int_equal(rig_accept(&rig).version, 5);
}

static void a_version_that_is_prescribed_is_kept(void **state)
{
    (void)state;
    rig.options.version = 5;
    rig_open(&rig);
    assert_int_equal(rig_accept(&rig).version, 5);
    rig_connack(&rig, 4, 1, false, NULL);
    rig_pass(&rig, 0);
    assert_int_equal(rig.downs, 1);
    assert_int_equal(rig.why, MQTT_DOWN_REFUSED);
    SAYS("set version");
}

/* ---- refusals ---- */

static void refused(int version, uint8_t code, int error, const char *words, bool final)
{
    rig.options.version = version;
    rig_open(&rig);
    (void)rig_accept(&rig);
    rig_connack(&rig, version, code, false, NULL);
    rig_pass(&rig, 0);
    assert_int_equal(rig.downs, 1);
    assert_int_equal(rig.why, MQTT_DOWN_REFUSED);
    assert_int_equal(rig.reason, code);
    assert_int_equal(rig.error, error);
    SAYS(words);
    rig_pass(&rig, 50000);
    assert_int_equal(fake_net_count(rig.net) > 1, !final);
    rig_pass(&rig, 50000);
    assert_true(fake_net_count(rig.net) > 1);
}

static void wrong_password(void **state)
{
    (void)state;
    rig.options.user = "anna";
    refused(4, 4, BUSBAR_EAUTH, "wrong user or password; look at user ('anna') and password", true);
}

static void wrong_password_of_5(void **state)
{
    (void)state;
    refused(5, MQTT_BAD_LOGIN, BUSBAR_EAUTH, "it wants a user and a password", true);
}

static void not_authorized(void **state)
{
    (void)state;
    refused(4, 5, BUSBAR_EAUTH, "must allow user '(none)', client id 'gate'", true);
}

static void id_refused(void **state)
{
    (void)state;
    refused(5, MQTT_ID_NOT_VALID, BUSBAR_EREFUSED, "choose another client_id than 'gate'", true);
}

static void busy_is_tried_again_soon(void **state)
{
    (void)state;
    refused(5, MQTT_SERVER_BUSY, BUSBAR_EREFUSED, "busy", false);
}

static void moved(void **state)
{
    (void)state;
    struct mqtt_properties properties = {
        .server_reference = { .data = (const uint8_t *)"b2.example:8883", .size = 15 },
        .reason_string = { .data = (const uint8_t *)"maintenance", .size = 11 },
    };
    mqtt_add(&properties, MQTT_SERVER_REFERENCE);
    mqtt_add(&properties, MQTT_REASON_STRING);
    rig_open(&rig);
    (void)rig_accept(&rig);
    rig_connack(&rig, 5, MQTT_SERVER_MOVED, false, &properties);
    rig_pass(&rig, 0);
    SAYS("change url to b2.example:8883 (it says: maintenance)");
}

/* ---- what is no broker ---- */

static void stranger(const char *bytes, size_t size, const char *words)
{
    rig_open(&rig);
    (void)rig_accept(&rig);
    fake_peer_send(rig.peer, bytes, size);
    rig_pass(&rig, 0);
    assert_int_equal(rig.downs, 1);
    assert_int_equal(rig.why, MQTT_DOWN_PROTOCOL);
    assert_int_equal(rig.bads, 1);
    SAYS(words);
}

static void a_web_server(void **state)
{
    (void)state;
    stranger("HTTP/1.1 400 Bad Request\r\n", 26, "use ws://");
}

static void a_tls_port(void **state)
{
    (void)state;
    stranger("\x15\x03\x01\x00\x02\x02\x46", 7, "use mqtts://");
}

static void something_else(void **state)
{
    (void)state;
    stranger("SSH-2.0-OpenSSH_9.2\r\n", 21, "does not speak MQTT");
}

static void a_first_packet_that_is_no_connack(void **state)
{
    (void)state;
    stranger("\xd0\x00", 2, "does not speak MQTT");
}

static void a_peer_that_says_nothing(void **state)
{
    (void)state;
    rig_open(&rig);
    (void)rig_accept(&rig);
    rig_pass(&rig, 9000);
    assert_int_equal(rig.downs, 0);
    rig_pass(&rig, 1100);
    assert_int_equal(rig.downs, 1);
    assert_int_equal(rig.why, MQTT_DOWN_SILENT);
    SAYS("did not answer CONNECT");
}

static void link_errors_have_a_next_step(void **state)
{
    (void)state;
    static const struct {
        int error;
        const char *detail, *words;
    } rows[] = {
        { BUSBAR_ECONNREFUSED, "x refused the connection", "is the broker running" },
        { BUSBAR_EHOST, "name 'x' not found", "name in url" },
        { BUSBAR_ETLS, "x: certificate not accepted: hostname mismatch", "set server_name" },
        { BUSBAR_ETLS, "x: certificate not accepted: self-signed certificate", "with ca" },
        { BUSBAR_ETLS, "x: certificate not accepted: certificate has expired", "renew" },
        { BUSBAR_ETLS, "x: TLS failed: wrong version number", "speaks no TLS" },
        { BUSBAR_ETLS, "x: TLS failed: tlsv13 alert certificate required", "set certificate" },
        { BUSBAR_EROUTE, "no route to x", "firewall" },
    };
    rig_open(&rig);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        rig.peer = fake_net_last(rig.net);
        fake_peer_fail(rig.peer, rows[i].error, rows[i].detail);
        rig_pass(&rig, 0);
        assert_int_equal(rig.downs, i + 1);
        assert_int_equal(rig.why, MQTT_DOWN_LINK);
        assert_int_equal(rig.error, rows[i].error);
        SAYS(rows[i].detail);
        SAYS(rows[i].words);
        mqtt_client_connect_now(rig.client);
        rig_pass(&rig, 0);
    }
}

/* ---- keep-alive ---- */

static void pings_when_nothing_is_sent(void **state)
{
    (void)state;
    rig_up(&rig, false);
    rig_pass(&rig, 44000);
    rig_nothing(&rig);
    rig_pass(&rig, 3000);
    (void)rig_take(&rig, MQTT_PINGREQ);
    rig_pass(&rig, 250);
    fake_peer_send(rig.peer, "\xd0\x00", 2);
    struct mqtt_client_stats stats;
    mqtt_client_stats(rig.client, &stats);
    assert_int_equal(stats.pings, 1);
    assert_true(stats.ping_us >= 250 * CLOCK_US_PER_MS && stats.ping_us < 3 * CLOCK_US_PER_S);
    rig_pass(&rig, 42000);
    rig_nothing(&rig);
    assert_int_equal(rig.downs, 0);
}

static void a_dead_link_is_found(void **state)
{
    (void)state;
    rig_up(&rig, false);
    rig_pass(&rig, 47000);
    (void)rig_take(&rig, MQTT_PINGREQ);
    rig_pass(&rig, 12000);
    assert_int_equal(rig.downs, 1);
    assert_int_equal(rig.why, MQTT_DOWN_SILENT);
    SAYS("did not answer within 10 s");
    rig_pass(&rig, 1500);
    assert_int_equal(fake_net_count(rig.net), 2);
}

static void a_broker_that_talks_but_does_not_answer_is_alive(void **state)
{
    (void)state;
    rig_up(&rig, false);
    for (int i = 0; i < 300; i++) {
        rig_publish(&rig, "a", "1", 0, 0, false);
        rig_pass(&rig, 1000);
    }
    assert_int_equal(rig.downs, 0);
    assert_int_equal(rig.count, 300);
}

static void the_broker_may_set_the_keep_alive(void **state)
{
    (void)state;
    struct mqtt_properties properties = { .server_keep_alive = 8 };
    mqtt_add(&properties, MQTT_SERVER_KEEP_ALIVE);
    rig_open(&rig);
    (void)rig_accept(&rig);
    rig_connack(&rig, 5, 0, false, &properties);
    rig_pass(&rig, 5000);
    rig_nothing(&rig);
    rig_pass(&rig, 2000);
    (void)rig_take(&rig, MQTT_PINGREQ);
}

/* ---- ends ---- */

static void disconnect_with_a_reason(void **state)
{
    (void)state;
    rig_up(&rig, false);
    fake_peer_send(rig.peer, "\xe0\x01\x8e", 3);
    rig_pass(&rig, 0);
    assert_int_equal(rig.downs, 1);
    assert_int_equal(rig.why, MQTT_DOWN_CLOSED);
    assert_int_equal(rig.reason, MQTT_SESSION_TAKEN_OVER);
    SAYS("another client took over the session; it uses the same id 'gate'");
}

static void closing_again_and_again_is_explained(void **state)
{
    (void)state;
    rig.options.version = 4;
    rig_up(&rig, false);
    for (int i = 0; i < 3; i++) {
        assert_null(strstr(rig.detail, "again and again"));
        fake_peer_fail(rig.peer, BUSBAR_ECLOSED, "10.0.0.1:1883: closed by the peer");
        rig_pass(&rig, 0);
        mqtt_client_connect_now(rig.client);
        rig_pass(&rig, 0);
        rig_up(&rig, false);
    }
    SAYS("again and again");
    SAYS("another client");
    SAYS("(client id 'gate')");
}

static void what_breaks_the_protocol_is_told_to_the_broker(void **state)
{
    (void)state;
    rig_up(&rig, false);
    fake_peer_send(rig.peer,
                   "\x30\x06\x00\x03"
                   "a/+\x00",
                   8);
    rig_pass(&rig, 0);
    struct mqtt_packet_end end;
    struct mqtt_wrong wrong;
    assert_int_equal(
        mqtt_get_end(rig_take(&rig, MQTT_DISCONNECT), MQTT_DISCONNECT, 5, &end, &wrong), 0);
    assert_int_equal(end.code, MQTT_TOPIC_INVALID);
    assert_int_equal(rig.bads, 1);
    assert_int_equal(rig.why, MQTT_DOWN_PROTOCOL);
    assert_int_equal(rig.count, 0);
    SAYS("broke the protocol: the topic");
}

static void packets_a_broker_does_not_send(void **state)
{
    (void)state;
    static const char *const packets[] = { "\x10\x02\x00\x00", "\x82\x02\x00\x01", "\xc0",
                                           "\x20\x03\x00\x00", "\xf0\x01\x18" };
    static const size_t sizes[] = { 4, 4, 2, 5, 3 };
    rig_up(&rig, false);
    for (size_t i = 0; i < 5; i++) {
        fake_peer_send(rig.peer, packets[i], sizes[i]);
        rig_pass(&rig, 0);
        assert_int_equal(rig.downs, i + 1);
        assert_int_equal(rig.why, MQTT_DOWN_PROTOCOL);
        mqtt_client_connect_now(rig.client);
        rig_pass(&rig, 0);
        rig_up(&rig, false);
    }
}

static void disconnects(int version, const char *bytes, size_t size, enum mqtt_down why,
                        const char *words)
{
    rig.options.version = version;
    rig_up(&rig, false);
    fake_peer_send(rig.peer, bytes, size);
    rig_pass(&rig, 0);
    assert_int_equal(rig.downs, 1);
    assert_int_equal(rig.why, why);
    SAYS(words);
}

static void disconnect_without_a_reason(void **state)
{
    (void)state;
    disconnects(5, "\xe0\x00", 2, MQTT_DOWN_CLOSED, "without saying why");
}

static void disconnect_of_a_banned_client(void **state)
{
    (void)state;
    disconnects(5, "\xe0\x01\x8a", 3, MQTT_DOWN_CLOSED, "this client is banned");
}

static void disconnect_that_is_malformed(void **state)
{
    (void)state;
    disconnects(5, "\xe0\x03\x8a\x01\x7f", 5, MQTT_DOWN_PROTOCOL, "does not know");
}

static void disconnect_of_3_1_1(void **state)
{
    (void)state;
    disconnects(4, "\xe0\x00", 2, MQTT_DOWN_PROTOCOL, "sends no DISCONNECT");
}

static void bytes_that_begin_no_packet(void **state)
{
    (void)state;
    disconnects(5, "\x00\x00", 2, MQTT_DOWN_PROTOCOL, "begin no packet");
}

static void bytes_that_begin_no_packet_one_by_one(void **state)
{
    (void)state;
    rig_up(&rig, false);
    for (int i = 0; i < 5 && !fake_peer_closed(rig.peer); i++) {
        fake_peer_send(rig.peer, i == 0 ? "\x30" : "\xff", 1);
    }
    rig_pass(&rig, 0);
    assert_int_equal(rig.why, MQTT_DOWN_PROTOCOL);
    SAYS("begin no packet");
}

static void a_malformed_connack(void **state)
{
    (void)state;
    rig_open(&rig);
    (void)rig_accept(&rig);
    fake_peer_send(rig.peer, "\x20\x03\x02\x00\x00", 5);
    rig_pass(&rig, 0);
    assert_int_equal(rig.why, MQTT_DOWN_PROTOCOL);
    SAYS("reserved");
}

static void a_link_that_breaks_before_tls(void **state)
{
    (void)state;
    struct tls_context *tls = NULL;
    struct tls_options none = { 0 };
    assert_int_equal(tls_context_new(&none, &tls, NULL), 0);
    rig.options.target.kind = STREAM_TLS;
    rig.options.target.tls = tls;
    rig.options.target.alpn = "mqtt";
    rig_open(&rig);
    rig.peer = fake_net_last(rig.net);
    assert_string_equal(fake_peer_target(rig.peer)->alpn, "mqtt");
    fake_peer_fail(rig.peer, BUSBAR_ERESET, "10.0.0.1:1883: reset");
    rig_pass(&rig, 0);
    SAYS("is it the TLS port");
    rig_close(&rig);
    tls_context_unref(tls);
}

static void closing_says_goodbye(void **state)
{
    (void)state;
    rig_up(&rig, false);
    mqtt_client_close(rig.client);
    (void)rig_take(&rig, MQTT_DISCONNECT);
    assert_int_equal(rig.ended, 0);
    rig_pass(&rig, 0);
    assert_int_equal(rig.ended, 1);
    assert_int_equal(rig.downs, 0);
}

static void closing_at_any_time(void **state)
{
    (void)state;
    for (int when = 0; when < 4; when++) {
        rig.ended = 0;
        assert_int_equal(
            mqtt_client_open(rig.loop, &rig.options, &rig_events, &rig, &rig.client, NULL), 0);
        if (when > 0) {
            rig_pass(&rig, 0);
        }
        if (when > 1) {
            (void)rig_accept(&rig);
        }
        if (when > 2) {
            fake_peer_fail(rig.peer, BUSBAR_ERESET, "reset");
            rig_pass(&rig, 0);
        }
        rig_close(&rig);
    }
}

static void the_back_off_grows_until_it_works(void **state)
{
    (void)state;
    rig_open(&rig);
    for (int i = 0; i < 12; i++) {
        fake_peer_fail(fake_net_last(rig.net), BUSBAR_ECONNREFUSED, "refused");
        rig_pass(&rig, 60100);
    }
    size_t before = fake_net_count(rig.net);
    fake_peer_fail(fake_net_last(rig.net), BUSBAR_ECONNREFUSED, "refused");
    rig_pass(&rig, 29000);
    assert_int_equal(fake_net_count(rig.net), before);
    rig_pass(&rig, 31100);
    assert_int_equal(fake_net_count(rig.net), before + 1);
    rig_up(&rig, false);
    rig_pass(&rig, 16000);
    fake_peer_fail(rig.peer, BUSBAR_ERESET, "reset");
    rig_pass(&rig, 1100);
    assert_int_equal(fake_net_count(rig.net), before + 2);
}

/* ---- bytes ---- */

static void packets_in_single_bytes(void **state)
{
    (void)state;
    static const char bytes[] = "\x30\x08\x00\x03"
                                "a/b\x00xy\x31\x08\x00\x03"
                                "c/d\x00zz";
    rig_up(&rig, false);
    for (size_t i = 0; i < sizeof(bytes) - 1; i++) {
        struct bytes one = bytes_dup(bytes + i, 1);
        fake_peer_send(rig.peer, one.start, 1);
        bytes_fini(&one);
    }
    assert_int_equal(rig.count, 2);
    assert_string_equal(rig.messages[0].topic, "a/b");
    assert_string_equal(rig.messages[0].payload, "xy");
    assert_false(rig.messages[0].retained);
    assert_string_equal(rig.messages[1].topic, "c/d");
    assert_true(rig.messages[1].retained);
}

/* Every cut of a stream of packets into two pieces gives the same messages. */
static void packets_cut_anywhere(void **state)
{
    (void)state;
    struct buf all;
    buf_init(&all, 4096);
    for (int i = 0; i < 5; i++) {
        struct mqtt_packet_publish packet = {
            .topic = { .data = (const uint8_t *)"t/x", .size = 3 },
            .payload = { .data = (const uint8_t *)"0123456789", .size = (size_t)i * 2 }
        };
        assert_int_equal(mqtt_put_publish(&all, 5, &packet), 0);
    }
    rig_up(&rig, false);
    for (size_t cut = 1; cut < all.size; cut++) {
        rig.count = 0;
        fake_peer_send(rig.peer, all.data, cut);
        fake_peer_send(rig.peer, all.data + cut, all.size - cut);
        assert_int_equal(rig.count, 5);
        for (size_t i = 0; i < 5; i++) {
            assert_int_equal(rig.messages[i].size, i * 2);
        }
    }
    buf_fini(&all);
}

static void too_big_for_5_ends_it(void **state)
{
    (void)state;
    rig.options.packet_max = 1000;
    rig_up(&rig, false);
    fake_peer_send(rig.peer,
                   "\x30\xff\xff\x7f\x00\x03"
                   "a/b",
                   9);
    rig_pass(&rig, 0);
    assert_int_equal(rig.why, MQTT_DOWN_PROTOCOL);
    assert_int_equal(rig.reason, MQTT_PACKET_TOO_LARGE);
}

/* 3.1.1: the broker cannot know; the message is acknowledged unread, so that it does not come for ever. */
static void too_big_for_3_1_1_is_passed_over(void **state)
{
    (void)state;
    static char payload[5000];
    memset(payload, 'x', sizeof(payload) - 1);
    rig.options.packet_max = 1000;
    rig.options.version = 4;
    rig_up(&rig, false);
    rig_publish(&rig, "big", payload, 0, 0, false);
    rig_publish(&rig, "big", payload, 1, 7, false);
    rig_heard_ack(&rig, MQTT_PUBACK, 7, 0);
    rig_publish(&rig, "big", payload, 2, 8, false);
    rig_heard_ack(&rig, MQTT_PUBREC, 8, 0);
    rig_say_ack(&rig, MQTT_PUBREL, 8, 0);
    rig_heard_ack(&rig, MQTT_PUBCOMP, 8, 0);
    rig_publish(&rig, "small", "1", 0, 0, false);
    assert_int_equal(rig.bads, 3);
    assert_int_equal(rig.count, 1);
    assert_int_equal(rig.downs, 0);
    assert_string_equal(rig.messages[0].topic, "small");
}

static void properties_are_told(void **state)
{
    (void)state;
    static const char packet[] = "\x30\x1b\x00\x03"
                                 "a/b\x12\x26\x00\x02k1\x00\x02v1\x03\x00\x01t"
                                 "\x26\x00\x00\x00\x00{}9";
    rig_up(&rig, false);
    fake_peer_send(rig.peer, packet, sizeof(packet) - 1);
    assert_int_equal(rig.downs, 0);
    assert_int_equal(rig.count, 1);
    assert_int_equal(rig.messages[0].property_count, 2);
    assert_string_equal(rig.messages[0].first_property, "k1=v1");
}

static void on_request(struct rig *at, const struct mqtt_message *message)
{
    (void)at;
    assert_string_equal(message->response_topic, "r/1");
    assert_string_equal(message->content_type, "t");
    assert_int_equal(message->correlation_size, 2);
    assert_memory_equal(message->correlation, "\x00\xff", 2);
}

static void requests_are_told(void **state)
{
    (void)state;
    static const char packet[] = "\x30\x16\x00\x03"
                                 "a/b\x0f\x08\x00\x03r/1\x09\x00\x02\x00\xff\x03\x00\x01t9";
    rig_up(&rig, false);
    rig.on_message = on_request;
    fake_peer_send(rig.peer, packet, sizeof(packet) - 1);
    assert_int_equal(rig.downs, 0);
    assert_int_equal(rig.count, 1);
}

static void big_messages_in_pieces(void **state)
{
    (void)state;
    struct mqtt_packet_publish packet = { .topic = { .data = (const uint8_t *)"big", .size = 3 } };
    uint8_t *payload = busbar_alloc(600000);
    struct buf out;
    packet.payload = (struct mqtt_slice){ .data = payload, .size = 600000 };
    buf_init(&out, 1 << 20);
    assert_int_equal(mqtt_put_publish(&out, 5, &packet), 0);
    rig_up(&rig, false);
    for (int round = 0; round < 2; round++) {
        for (size_t at = 0; at < out.size; at += 65536) {
            size_t left = out.size - at;
            fake_peer_send(rig.peer, out.data + at, left < 65536 ? left : 65536);
        }
    }
    assert_int_equal(rig.count, 2);
    assert_int_equal(rig.messages[1].size, 600000);
    buf_fini(&out);
    busbar_free(payload);
}

/* The beginning of a message that is too big, and its topic's length is a lie. */
static void too_big_and_malformed(void **state)
{
    (void)state;
    rig.options.packet_max = 1000;
    rig.options.version = 4;
    rig_up(&rig, false);
    char lie[2000] = "\x32\xf0\x0f\xff\xff";
    fake_peer_send(rig.peer, lie, 2000);
    static char more[70000];
    if (!fake_peer_closed(rig.peer)) {
        fake_peer_send(rig.peer, more, sizeof(more));
    }
    rig_pass(&rig, 0);
    assert_int_equal(rig.why, MQTT_DOWN_PROTOCOL);
    assert_int_equal(rig.count, 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, finish)
    const struct CMUnitTest tests[] = {
        T(what_is_asked_for),
        T(without_an_id_no_session_is_asked_for),
        T(clean_is_for_the_beginning_only),
        T(clean_of_3_1_1_is_for_each_connection),
        T(options_that_are_wrong),
        T(old_brokers_get_the_old_version),
        T(a_broker_that_just_closes_gets_the_old_version_once),
        T(a_version_that_is_prescribed_is_kept),
        T(wrong_password),
        T(wrong_password_of_5),
        T(not_authorized),
        T(id_refused),
        T(busy_is_tried_again_soon),
        T(moved),
        T(a_web_server),
        T(a_tls_port),
        T(something_else),
        T(a_first_packet_that_is_no_connack),
        T(a_peer_that_says_nothing),
        T(link_errors_have_a_next_step),
        T(pings_when_nothing_is_sent),
        T(a_dead_link_is_found),
        T(a_broker_that_talks_but_does_not_answer_is_alive),
        T(the_broker_may_set_the_keep_alive),
        T(disconnect_with_a_reason),
        T(closing_again_and_again_is_explained),
        T(what_breaks_the_protocol_is_told_to_the_broker),
        T(packets_a_broker_does_not_send),
        T(disconnect_without_a_reason),
        T(disconnect_of_a_banned_client),
        T(disconnect_that_is_malformed),
        T(disconnect_of_3_1_1),
        T(bytes_that_begin_no_packet),
        T(bytes_that_begin_no_packet_one_by_one),
        T(a_malformed_connack),
        T(a_link_that_breaks_before_tls),
        T(closing_says_goodbye),
        T(closing_at_any_time),
        T(the_back_off_grows_until_it_works),
        T(packets_in_single_bytes),
        T(packets_cut_anywhere),
        T(too_big_for_5_ends_it),
        T(too_big_for_3_1_1_is_passed_over),
        T(properties_are_told),
        T(requests_are_told),
        T(big_messages_in_pieces),
        T(too_big_and_malformed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
