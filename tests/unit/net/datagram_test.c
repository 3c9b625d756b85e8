/* SPDX-License-Identifier: Apache-2.0 */
/* Two sockets on loopback, v4 and v6; errors; closing from the callback. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <string.h>

#include "net/datagram.h"
#include "net/loop.h"
#include "support/wait.h"

struct receiver {
    struct datagram *socket;
    struct endpoint from;
    char data[64];
    size_t size;
    int count;
    bool answer;
    bool close;
};

static void on_datagram(void *ctx, const struct endpoint *from, const uint8_t *data, size_t size)
{
    struct receiver *receiver = ctx;
    assert_true(size < sizeof(receiver->data));
    memcpy(receiver->data, data, size);
    receiver->from = *from;
    receiver->size = size;
    receiver->count++;
    if (receiver->answer) {
        assert_int_equal(datagram_send(receiver->socket, from, "pong", 4), 0);
    }
    if (receiver->close) {
        datagram_close(receiver->socket);
    }
}

static void exchange(const char *host)
{
    struct loop *loop = loop_new();
    struct datagram_options options = { .host = host };
    struct receiver a = { 0 };
    struct receiver b = { .answer = true };
    struct err err = { 0 };
    assert_int_equal(datagram_open(loop, &options, on_datagram, &a, &a.socket, &err), 0);
    assert_int_equal(datagram_open(loop, &options, on_datagram, &b, &b.socket, &err), 0);
    struct endpoint to;
    assert_int_equal(endpoint_parse(host, datagram_port(b.socket), &to), 0);
    assert_int_equal(datagram_send(a.socket, &to, "ping", 4), 0);
    wait_for(loop, &a.count, 1);
    assert_int_equal(b.size, 4);
    assert_memory_equal(b.data, "ping", 4);
    assert_int_equal(b.from.port, datagram_port(a.socket));
    assert_memory_equal(a.data, "pong", 4);
    assert_true(endpoint_equal(&a.from, &to));
    assert_int_equal(datagram_send(a.socket, &to, NULL, 0), 0);
    wait_for(loop, &b.count, 2);
    assert_int_equal(b.size, 0);
    static const uint8_t big[70000];
    assert_int_equal(datagram_send(a.socket, &to, big, sizeof(big)), BUSBAR_ETOOBIG);
    datagram_close(a.socket);
    datagram_close(b.socket);
    datagram_close(NULL);
    loop_free(loop);
}

static void they_talk_over_v4(void **state)
{
    (void)state;
    exchange("127.0.0.1");
}

static void they_talk_over_v6(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    struct datagram_options options = { .host = "::1" };
    struct receiver a = { 0 };
    int error = datagram_open(loop, &options, on_datagram, &a, &a.socket, NULL);
    if (error == 0) {
        datagram_close(a.socket);
    }
    loop_free(loop);
    if (error != 0) {
        skip(); /* no IPv6 on this machine */
    }
    exchange("::1");
}

static void what_comes_to_a_held_one_waits(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    struct receiver a = { 0 }, held = { 0 };
    struct endpoint to;
    struct datagram_options options = { .host = "127.0.0.1" };
    assert_int_equal(datagram_open(loop, &options, on_datagram, &a, &a.socket, NULL), 0);
    options.held = true;
    assert_int_equal(datagram_open(loop, &options, on_datagram, &held, &held.socket, NULL), 0);
    assert_int_equal(endpoint_parse("127.0.0.1", datagram_port(held.socket), &to), 0);
    assert_int_equal(datagram_send(a.socket, &to, "one", 3), 0);
    assert_int_equal(datagram_send(a.socket, &to, "second", 6), 0);
    wait_ms(loop, 50);
    assert_int_equal(held.count, 0);
    datagram_begin(held.socket);
    wait_for(loop, &held.count, 2);
    assert_int_equal(held.size, 6);
    datagram_begin(held.socket); /* once more changes nothing */
    assert_int_equal(datagram_send(a.socket, &to, "three", 5), 0);
    wait_for(loop, &held.count, 3);
    datagram_close(a.socket);
    datagram_close(held.socket);
    loop_free(loop);
}

static void a_taken_port_is_named(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    struct datagram_options options = { .host = "127.0.0.1" };
    struct receiver a = { 0 };
    struct receiver b = { 0 };
    struct err err = { 0 };
    assert_int_equal(datagram_open(loop, &options, on_datagram, &a, &a.socket, &err), 0);
    options.port = datagram_port(a.socket);
    assert_int_equal(datagram_open(loop, &options, on_datagram, &b, &b.socket, &err),
                     BUSBAR_EADDRINUSE);
    assert_non_null(strstr(err.message, "127.0.0.1"));
    options.host = "not-a-number";
    assert_int_equal(datagram_open(loop, &options, on_datagram, &b, &b.socket, &err),
                     BUSBAR_EINVAL);
    datagram_close(a.socket);
    loop_free(loop);
}

static void it_may_be_closed_from_its_callback(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    struct datagram_options options = { .host = "127.0.0.1" };
    struct receiver a = { 0 };
    struct receiver b = { .close = true };
    assert_int_equal(datagram_open(loop, &options, on_datagram, &a, &a.socket, NULL), 0);
    assert_int_equal(datagram_open(loop, &options, on_datagram, &b, &b.socket, NULL), 0);
    struct endpoint to;
    assert_int_equal(endpoint_parse("127.0.0.1", datagram_port(b.socket), &to), 0);
    assert_int_equal(datagram_send(a.socket, &to, "1", 1), 0);
    assert_int_equal(datagram_send(a.socket, &to, "2", 1), 0);
    wait_for(loop, &b.count, 1);
    wait_ms(loop, 2);
    assert_int_equal(b.count, 1);
    datagram_close(a.socket);
    loop_free(loop);
}

static void broadcasts_are_heard_by_all_that_bind_the_address(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    struct datagram_options options = { .host = "127.0.0.1", .broadcast = true };
    struct receiver a = { 0 }, b = { 0 }, c = { 0 };
    assert_int_equal(datagram_open(loop, &options, on_datagram, &a, &a.socket, NULL), 0);
    options = (struct datagram_options){ .host = "127.255.255.255",
                                         .port = datagram_port(a.socket),
                                         .reuse = true };
    assert_int_equal(datagram_open(loop, &options, on_datagram, &b, &b.socket, NULL), 0);
    assert_int_equal(datagram_open(loop, &options, on_datagram, &c, &c.socket, NULL), 0);
    struct endpoint all;
    assert_int_equal(endpoint_parse("127.255.255.255", options.port, &all), 0);
    assert_int_equal(datagram_send(a.socket, &all, "who", 3), 0);
    wait_for(loop, &b.count, 1);
    wait_for(loop, &c.count, 1);
    assert_memory_equal(c.data, "who", 3);
    assert_int_equal(b.from.port, options.port);
    assert_int_equal(a.count, 0);
    datagram_close(a.socket);
    datagram_close(b.socket);
    datagram_close(c.socket);
    loop_free(loop);
}

static void many_are_taken_at_once_and_long_ones_cut(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    struct datagram_options options = { .host = "127.0.0.1",
                                        .receive_bytes = 1 << 20,
                                        .size_max = 8 };
    struct receiver a = { 0 }, b = { 0 };
    assert_int_equal(datagram_open(loop, &options, on_datagram, &a, &a.socket, NULL), 0);
    assert_int_equal(datagram_open(loop, &options, on_datagram, &b, &b.socket, NULL), 0);
    struct endpoint to;
    assert_int_equal(endpoint_parse("127.0.0.1", datagram_port(b.socket), &to), 0);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(datagram_send(a.socket, &to, "0123456789", i < 99 ? 4 : 10), 0);
    }
    wait_for(loop, &b.count, 100);
    assert_int_equal(b.count, 100);
    assert_int_equal(b.size, 8);
    assert_memory_equal(b.data, "01234567", 8);
    assert_int_equal(datagram_lost(b.socket), 0);
    assert_int_equal(datagram_lost(NULL), 0);
    datagram_close(a.socket);
    datagram_close(b.socket);
    loop_free(loop);
}

static void what_the_kernel_dropped_is_counted(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    struct datagram_options options = { .host = "127.0.0.1", .receive_bytes = 2048 };
    struct receiver a = { 0 }, b = { 0 };
    assert_int_equal(datagram_open(loop, &options, on_datagram, &a, &a.socket, NULL), 0);
    assert_int_equal(datagram_open(loop, &options, on_datagram, &b, &b.socket, NULL), 0);
    struct endpoint to;
    assert_int_equal(endpoint_parse("127.0.0.1", datagram_port(b.socket), &to), 0);
    static const uint8_t data[60];
    for (int i = 0; i < 1000; i++) {
        (void)datagram_send(a.socket, &to, data, sizeof(data));
    }
    wait_for(loop, &b.count, 1);
    wait_ms(loop, 20);
    int before = b.count;
    assert_true(before < 1000);
    assert_int_equal(datagram_send(a.socket, &to, data, sizeof(data)),
                     0); /* tells of those before */
    wait_for(loop, &b.count, before + 1);
    assert_int_equal(datagram_lost(b.socket), 1000 - before);
    datagram_close(a.socket);
    datagram_close(b.socket);
    loop_free(loop);
}

struct refusal {
    struct endpoint to;
    char data[64];
    size_t size;
    int count, error;
};

static void on_refused(void *ctx, const struct endpoint *to, const uint8_t *data, size_t size,
                       int error)
{
    struct refusal *refusal = ctx;
    assert_true(size < sizeof(refusal->data));
    memcpy(refusal->data, data, size);
    refusal->to = *to;
    refusal->size = size;
    refusal->error = error;
    refusal->count++;
}

static void what_nobody_takes_is_told(const char *host)
{
    struct loop *loop = loop_new();
    struct refusal refusal = { .count = 0 };
    struct datagram_options options = { .host = host, .refused = on_refused };
    struct datagram *socket;
    struct endpoint nobody;
    assert_int_equal(datagram_open(loop, &options, on_datagram, &refusal, &socket, NULL), 0);
    assert_int_equal(endpoint_parse(host, 1, &nobody), 0);
    for (int round = 1; round < 4; round++) { /* the one before does no harm */
        assert_int_equal(datagram_send(socket, &nobody, "ping", 4), 0);
        wait_for(loop, &refusal.count, round);
        assert_int_equal(refusal.error, BUSBAR_ECONNREFUSED);
        assert_true(endpoint_equal(&refusal.to, &nobody));
        assert_int_equal(refusal.size, 4);
        assert_memory_equal(refusal.data, "ping", 4);
    }
    datagram_close(socket);
    loop_free(loop);
}

static void what_nobody_takes_is_told_over_v4(void **state)
{
    (void)state;
    what_nobody_takes_is_told("127.0.0.1");
}

static void what_nobody_takes_is_told_over_v6(void **state)
{
    (void)state;
    what_nobody_takes_is_told("::1");
}

static void on_long(void *ctx, const struct endpoint *from, const uint8_t *data, size_t size)
{
    struct refusal *seen = ctx;
    (void)from;
    seen->size = size;
    seen->error = data[size - 1];
    seen->count++;
}

static void queued_ones_go_together_in_their_order(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    struct refusal refusal = { .count = 0 };
    struct receiver b = { .count = 0 };
    struct datagram_options options = { .host = "127.0.0.1", .refused = on_refused };
    struct datagram_options many = { .host = "127.0.0.1", .many = true, .receive_bytes = 1 << 20 };
    struct datagram *socket;
    struct endpoint to;
    struct endpoint everybody;
    assert_int_equal(datagram_open(loop, &options, on_datagram, &refusal, &socket, NULL), 0);
    assert_int_equal(datagram_open(loop, &many, on_datagram, &b, &b.socket, NULL), 0);
    assert_int_equal(endpoint_parse("127.0.0.1", datagram_port(b.socket), &to), 0);
    assert_int_equal(endpoint_parse("255.255.255.255", 9, &everybody), 0);
    for (int i = 0; i < 150; i++) { /* more than are gathered: some are sent before the turn ends */
        char text[8];
        int size = snprintf(text, sizeof(text), "%d", i);
        assert_int_equal(datagram_queue(socket, &to, text, (size_t)size), 0);
        if (i == 70) { /* not permitted without asking for it: told, and no other is harmed */
            assert_int_equal(datagram_queue(socket, &everybody, "all", 3), 0);
        }
    }
    assert_int_equal(b.count, 0);
    wait_for(loop, &b.count, 150);
    assert_memory_equal(b.data, "149", 3);
    assert_int_equal(refusal.count, 1);
    assert_int_equal(refusal.error, BUSBAR_EPERM);
    assert_memory_equal(refusal.data, "all", 3);
    /* what is queued when it is closed is not sent */
    assert_int_equal(datagram_queue(socket, &to, "late", 4), 0);
    datagram_close(socket);
    wait_ms(loop, 20);
    assert_int_equal(b.count, 150);
    datagram_close(b.socket);
    loop_free(loop);
}

static void long_ones_are_whole(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    struct refusal refusal = { .count = 0 };
    struct refusal b = { .count = 0 };
    struct datagram_options options = { .host = "127.0.0.1", .many = true, .refused = on_refused };
    struct datagram *from;
    struct datagram *at;
    struct endpoint to;
    static uint8_t data[60000];
    assert_int_equal(datagram_open(loop, &options, on_datagram, &refusal, &from, NULL), 0);
    assert_int_equal(datagram_open(loop, &options, on_long, &b, &at, NULL), 0);
    assert_int_equal(endpoint_parse("127.0.0.1", datagram_port(at), &to), 0);
    for (int i = 1; i < 3; i++) { /* as many as the smallest receive buffer holds */
        data[sizeof(data) - 1] = (uint8_t)i;
        assert_int_equal(datagram_queue(from, &to, data, sizeof(data)), 0);
    }
    wait_for(loop, &b.count, 2);
    assert_int_equal(b.error, 2);
    assert_int_equal(b.size, sizeof(data));
    datagram_close(from);
    datagram_close(at);
    loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_talk_over_v4),
        cmocka_unit_test(they_talk_over_v6),
        cmocka_unit_test(what_comes_to_a_held_one_waits),
        cmocka_unit_test(a_taken_port_is_named),
        cmocka_unit_test(it_may_be_closed_from_its_callback),
        cmocka_unit_test(broadcasts_are_heard_by_all_that_bind_the_address),
        cmocka_unit_test(many_are_taken_at_once_and_long_ones_cut),
        cmocka_unit_test(what_the_kernel_dropped_is_counted),
        cmocka_unit_test(what_nobody_takes_is_told_over_v4),
        cmocka_unit_test(what_nobody_takes_is_told_over_v6),
        cmocka_unit_test(queued_ones_go_together_in_their_order),
        cmocka_unit_test(long_ones_are_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
