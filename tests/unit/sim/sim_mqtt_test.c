/* SPDX-License-Identifier: Apache-2.0 */
/* The simulator's broker with the gateway's client: qualities of service both ways, retained messages, wills, shared
 * subscriptions, sessions. Real time, loopback. */
#include "sim/sim_mqtt_broker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/str.h"
#include "drivers/mqtt/mqtt_client.h"

enum { WAIT_MS = 5000, HEARD_MAX = 4096 };

struct bench {
    struct loop *loop;
    struct sim_broker *broker;
    char told[HEARD_MAX]; /* what clients published */
};

struct client {
    struct bench *bench;
    struct mqtt_client *mqtt;
    char heard[HEARD_MAX]; /* "topic=payload/qos " */
    size_t granted, published, released;
    bool up, session, ended, keeps_acks;
    uint64_t ticket;
    uint8_t code; /* of the last publish */
};

/* ---- clients ---- */

static void append(char to[HEARD_MAX], const char *topic, const void *payload, size_t size,
                   unsigned qos, const char *mark)
{
    size_t used = strlen(to);
    str_format(to + used, HEARD_MAX - used, "%s=%.*s/%u%s ", topic, (int)size,
               (const char *)payload, qos, mark);
}

static void on_message(void *ctx, const struct mqtt_message *message)
{
    struct client *my = ctx;
    append(my->heard, message->topic, message->payload, message->size, message->qos,
           message->retained ? "r" : "");
    if (message->qos > 0 && !my->keeps_acks) {
        mqtt_client_acknowledge(my->mqtt, message->ticket, 0);
    }
    my->ticket = message->ticket;
}

static void on_up(void *ctx, bool session)
{
    struct client *my = ctx;
    my->up = true;
    my->session = session;
}

static void on_down(void *ctx, enum mqtt_down why, uint8_t reason, int error, const char *detail)
{
    struct client *my = ctx;
    (void)why;
    (void)reason;
    (void)error;
    (void)detail;
    my->up = false;
}

static void on_subscribed(void *ctx, const char *filter, uint8_t code, const char *reason)
{
    struct client *my = ctx;
    (void)filter;
    (void)reason;
    my->granted += code <= 2 ? 1 : 0;
}

static void on_ended(void *ctx)
{
    ((struct client *)ctx)->ended = true;
}

static void on_released(void *ctx, uint16_t id)
{
    (void)id;
    ((struct client *)ctx)->released++;
}

static void on_packet(void *ctx, bool in, const void *data, size_t size)
{
    (void)ctx;
    (void)in;
    (void)data;
    (void)size;
}

static void on_bad(void *ctx, const void *data, size_t size, const char *reason)
{
    (void)ctx;
    (void)data;
    (void)size;
    fail_msg("%s", reason);
}

static void on_published(void *ctx, int error, uint8_t code)
{
    struct client *my = ctx;
    assert_int_equal(error, 0);
    my->published++;
    my->code = code;
}

static void wait_until(struct bench *bench, bool (*done)(const void *what), const void *what)
{
    int64_t end_us = clock_mono_us() + WAIT_MS * CLOCK_US_PER_MS;
    while (!done(what)) {
        if (clock_mono_us() > end_us) {
            fail_msg("it does not come");
        }
        loop_turn(bench->loop, true);
    }
}

static bool is_up(const void *what)
{
    return ((const struct client *)what)->up;
}

static bool has_ended(const void *what)
{
    return ((const struct client *)what)->ended;
}

static bool is_granted(const void *what)
{
    return ((const struct client *)what)->granted > 0;
}

static bool is_published(const void *what)
{
    return ((const struct client *)what)->published > 0;
}

static void client_open(struct client *my, struct bench *bench, const char *id, int version,
                        bool clean, const struct mqtt_will *will)
{
    static const struct mqtt_client_events events = {
        .up = on_up,
        .down = on_down,
        .message = on_message,
        .subscribed = on_subscribed,
        .packet = on_packet,
        .bad = on_bad,
        .ended = on_ended,
        .released = on_released,
    };
    const struct mqtt_client_options options = {
        .target = { .kind = STREAM_TCP,
                    .host = "127.0.0.1",
                    .port = sim_broker_port(bench->broker) },
        .version = version,
        .client_id = id,
        .clean = clean,
        .session_expiry_s = 3600,
        .will = will,
    };
    memset(my, 0, sizeof(*my));
    my->bench = bench;
    assert_int_equal(mqtt_client_open(bench->loop, &options, &events, my, &my->mqtt, NULL), 0);
    wait_until(bench, is_up, my);
}

static void client_close(struct client *my)
{
    mqtt_client_close(my->mqtt);
    wait_until(my->bench, has_ended, my);
}

static void subscribe(struct client *my, const char *filter, uint8_t qos)
{
    my->granted = 0;
    assert_int_equal(mqtt_client_subscribe(my->mqtt, filter, qos), 0);
    wait_until(my->bench, is_granted, my);
}

static void publish(struct client *my, const char *topic, const char *text, uint8_t qos,
                    bool retain)
{
    const struct mqtt_publish message = {
        .topic = topic, .payload = text, .size = strlen(text), .qos = qos, .retain = retain
    };
    my->published = 0;
    assert_int_equal(mqtt_client_publish(my->mqtt, &message, on_published, my), 0);
    wait_until(my->bench, is_published, my);
}

static bool hears(const void *what)
{
    return ((const struct client *)what)->heard[0] != '\0';
}

static void expect(struct client *my, const char *heard)
{
    wait_until(my->bench, hears, my);
    for (int i = 0; i < 20; i++) { /* and nothing more */
        loop_turn(my->bench->loop, false);
    }
    assert_string_equal(my->heard, heard);
    my->heard[0] = '\0';
}

static void settle(struct bench *bench)
{
    int64_t end_us = clock_mono_us() + 50 * CLOCK_US_PER_MS;
    while (clock_mono_us() < end_us) {
        loop_turn(bench->loop, false);
    }
}

/* ---- the broker ---- */

static void broker_heard(void *ctx, const struct sim_broker_message *message)
{
    struct bench *bench = ctx;
    append(bench->told, message->topic, message->payload, message->size, message->qos,
           message->retain ? "r" : "");
}

static void bench_init(struct bench *bench)
{
    *bench = (struct bench){ .loop = loop_new() };
    assert_int_equal(sim_broker_open(bench->loop, "127.0.0.1", 0, NULL, broker_heard, bench,
                                     &bench->broker, NULL),
                     0);
}

static void bench_fini(struct bench *bench)
{
    sim_broker_close(bench->broker);
    settle(bench);
    loop_free(bench->loop);
}

static void tell(struct bench *bench, const char *topic, const char *text, uint8_t qos, bool retain)
{
    const struct sim_broker_message message = { topic, text, strlen(text), qos, retain };
    sim_broker_publish(bench->broker, &message);
}

/* The lower of both qualities, in both versions; a filter is heard, others are not; one copy where two filters fit. */
static void messages_are_delivered(void **state)
{
    static const int versions[] = { 4, 5 };
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct bench bench;
        struct client sub, pub;
        struct sim_broker_stats stats;
        bench_init(&bench);
        client_open(&sub, &bench, "sub", versions[i], true, NULL);
        client_open(&pub, &bench, "pub", versions[i], true, NULL);
        subscribe(&sub, "a/+/t", 2);
        subscribe(&sub, "a/1/t", 1);
        subscribe(&sub, "b/#", 0);
        tell(&bench, "a/1/t", "0", 0, false);
        tell(&bench, "a/1/t", "1", 1, false);
        tell(&bench, "a/2/t", "2", 2, false);
        tell(&bench, "c/2/t", "no", 2, false);
        tell(&bench, "b", "3", 2, false);
        settle(&bench);
        expect(&sub, "a/1/t=0/0 a/1/t=1/1 a/2/t=2/2 b=3/0 ");
        publish(&pub, "a/1/t", "p0", 0, false);
        publish(&pub, "a/1/t", "p1", 1, false);
        publish(&pub, "a/1/t", "p2", 2, false);
        settle(&bench);
        expect(&sub, "a/1/t=p0/0 a/1/t=p1/1 a/1/t=p2/2 ");
        assert_string_equal(bench.told, "a/1/t=p0/0 a/1/t=p1/1 a/1/t=p2/2 ");
        sim_broker_stats(bench.broker, &stats);
        assert_int_equal(stats.clients, 2);
        assert_int_equal(stats.acknowledged, 4);
        assert_int_equal(stats.waiting, 0);
        assert_int_equal(stats.sent, 7);
        client_close(&sub);
        client_close(&pub);
        bench_fini(&bench);
    }
}

static void what_is_retained_comes_first(void **state)
{
    struct bench bench;
    struct client sub;
    (void)state;
    bench_init(&bench);
    tell(&bench, "r/1", "old", 1, true);
    tell(&bench, "r/1", "new", 1, true);
    tell(&bench, "r/2", "gone", 1, true);
    tell(&bench, "r/2", "", 1, true);
    client_open(&sub, &bench, "sub", 5, true, NULL);
    subscribe(&sub, "r/#", 1);
    expect(&sub, "r/1=new/1r ");
    client_close(&sub);
    bench_fini(&bench);
}

static bool no_clients(const void *what)
{
    struct sim_broker_stats stats;
    sim_broker_stats(what, &stats);
    return stats.clients == 0;
}

/* What was not acknowledged comes again, what was told meanwhile comes too. */
static void sessions_last(void **state)
{
    struct bench bench;
    struct client sub;
    struct sim_broker_stats stats;
    (void)state;
    bench_init(&bench);
    client_open(&sub, &bench, "sub", 5, false, NULL);
    subscribe(&sub, "s/#", 1);
    sub.keeps_acks = true;
    tell(&bench, "s/1", "a", 1, false);
    expect(&sub, "s/1=a/1 ");
    sim_broker_stats(bench.broker, &stats);
    assert_int_equal(stats.waiting, 1);
    client_close(&sub);
    wait_until(&bench, no_clients, bench.broker);
    tell(&bench, "s/2", "b", 1, false);
    tell(&bench, "s/3", "lost", 0, false);
    client_open(&sub, &bench, "sub", 5, false, NULL);
    assert_true(sub.session);
    settle(&bench);
    expect(&sub, "s/1=a/1 s/2=b/1 ");
    settle(&bench);
    sim_broker_stats(bench.broker, &stats);
    assert_int_equal(stats.waiting, 0);
    assert_int_equal(stats.again, 1);
    client_close(&sub);
    bench_fini(&bench);
}

static void wills_are_told(void **state)
{
    const struct mqtt_will will = { .topic = "w", .payload = "gone", .size = 4, .qos = 0 };
    struct bench bench;
    struct client sub, pub;
    (void)state;
    bench_init(&bench);
    client_open(&sub, &bench, "sub", 5, true, NULL);
    subscribe(&sub, "w", 0);
    client_open(&pub, &bench, "pub", 5, true, &will);
    client_close(&pub); /* by DISCONNECT: it is not told */
    settle(&bench);
    assert_string_equal(sub.heard, "");
    client_open(&pub, &bench, "pub", 5, true, &will);
    sim_broker_drop_clients(bench.broker);
    settle(&bench);
    assert_non_null(strstr(bench.told, "w=gone/0"));
    client_close(&pub);
    client_close(&sub);
    bench_fini(&bench);
}

static void who_shares_takes_turns(void **state)
{
    struct bench bench;
    struct client one, two, all;
    (void)state;
    bench_init(&bench);
    client_open(&one, &bench, "one", 5, true, NULL);
    client_open(&two, &bench, "two", 5, true, NULL);
    client_open(&all, &bench, "all", 5, true, NULL);
    subscribe(&one, "$share/g/t", 0);
    subscribe(&two, "$share/g/t", 0);
    subscribe(&all, "t", 0);
    tell(&bench, "t", "1", 0, false);
    tell(&bench, "t", "2", 0, false);
    tell(&bench, "t", "3", 0, false);
    settle(&bench);
    expect(&one, "t=1/0 t=3/0 ");
    expect(&two, "t=2/0 ");
    expect(&all, "t=1/0 t=2/0 t=3/0 ");
    client_close(&one);
    client_close(&two);
    client_close(&all);
    bench_fini(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_are_delivered), cmocka_unit_test(what_is_retained_comes_first),
        cmocka_unit_test(sessions_last),          cmocka_unit_test(wills_are_told),
        cmocka_unit_test(who_shares_takes_turns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
