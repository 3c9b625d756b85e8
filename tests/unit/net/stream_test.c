/* SPDX-License-Identifier: Apache-2.0 */
/* Real sockets on loopback: the life of a stream, one write a turn, ceilings, back-pressure, every way to fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/err.h"
#include "net/loop.h"
#include "net/stream.h"
#include "support/end.h"
#include "support/wait.h"

struct fixture {
    struct loop *loop;
    struct end_server server;
    struct end client;
    struct end ends[2];
};

static int set_up(void **state)
{
    struct fixture *f = busbar_alloc(sizeof(*f));
    f->loop = loop_new();
    f->server.ends = f->ends;
    f->server.count = 2;
    struct listener_target target = { .host = "127.0.0.1" };
    end_listen(&f->server, f->loop, &target);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    struct end *all[] = { &f->client, &f->ends[0], &f->ends[1] };
    listener_close(f->server.listener);
    for (size_t i = 0; i < 3; i++) {
        if (all[i]->stream != NULL) {
            stream_close(all[i]->stream);
            wait_for(f->loop, &all[i]->closed, 1);
        }
    }
    loop_free(f->loop); /* asserts that no stream is left */
    busbar_free(f);
    return 0;
}

static void connect_both(struct fixture *f)
{
    struct stream_target target = end_target(&f->server);
    end_open(&f->client, f->loop, &target);
    wait_for(f->loop, &f->client.opened, 1);
    wait_for(f->loop, &f->ends[0].opened, 1);
}

static void bytes_go_both_ways(void **state)
{
    struct fixture *f = *state;
    f->ends[0].echo = true;
    connect_both(f);
    assert_true(stream_is_open(f->client.stream));
    for (int i = 1; i <= 100; i++) {
        assert_int_equal(stream_send(f->client.stream, "ping", 4), 0);
        wait_for(f->loop, &f->client.received, i);
        assert_memory_equal(f->client.data, "ping", 4);
    }
    assert_int_equal(f->client.size, 400);
    assert_int_equal(stream_bytes_in(f->client.stream), 400);
    assert_int_equal(stream_bytes_out(f->client.stream), 400);
    char peer[40];
    snprintf(peer, sizeof(peer), "127.0.0.1:%u", listener_port(f->server.listener));
    assert_string_equal(stream_peer(f->client.stream), peer);
}

static void sends_of_one_turn_leave_together(void **state)
{
    struct fixture *f = *state;
    connect_both(f);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(stream_send(f->client.stream, "0123456789", 10), 0);
    }
    assert_int_equal(stream_pending(f->client.stream), 100);
    wait_for(f->loop, &f->ends[0].received, 1);
    assert_int_equal(f->ends[0].received, 1);
    assert_int_equal(f->ends[0].size, 100);
    assert_int_equal(stream_pending(f->client.stream), 0);
}

static void closing_tells_both_sides_once(void **state)
{
    struct fixture *f = *state;
    connect_both(f);
    assert_int_equal(stream_send(f->client.stream, "last", 4), 0);
    struct stream *stream = f->client.stream;
    stream_close(stream);
    stream_close(stream);
    assert_int_equal(stream_send(stream, "x", 1), BUSBAR_ENOTCONN);
    assert_int_equal(f->client.closed, 0); /* never from inside the call */
    wait_for(f->loop, &f->client.closed, 1);
    assert_int_equal(f->client.error, 0);
    wait_for(f->loop, &f->ends[0].closed, 1);
    assert_int_equal(f->ends[0].error, BUSBAR_ECLOSED);
    assert_memory_equal(f->ends[0].data, "last", 4); /* what was sent before the close arrives */
}

static void a_stream_may_be_closed_from_its_callback(void **state)
{
    struct fixture *f = *state;
    f->ends[0].close_on_data = true;
    connect_both(f);
    static uint8_t big[200000];
    assert_int_equal(stream_send(f->client.stream, big, sizeof(big)), 0);
    wait_for(f->loop, &f->ends[0].closed, 1);
    assert_int_equal(f->ends[0].received, 1);
    assert_int_equal(f->ends[0].error, 0);
    wait_for(f->loop, &f->client.closed, 1);
    assert_true(f->client.error == BUSBAR_ERESET || f->client.error == BUSBAR_ECLOSED);
}

static void a_reset_is_told_as_such(void **state)
{
    struct fixture *f = *state;
    struct sockaddr_in name = { .sin_family = AF_INET,
                                .sin_port = htons(listener_port(f->server.listener)),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&name, sizeof(name)), 0);
    wait_for(f->loop, &f->ends[0].opened, 1);
    struct linger hard = { .l_onoff = 1 };
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard)), 0);
    close(fd);
    wait_for(f->loop, &f->ends[0].closed, 1);
    assert_int_equal(f->ends[0].error, BUSBAR_ERESET);
    assert_non_null(strstr(f->ends[0].detail, "127.0.0.1:"));
}

static void the_ceiling_refuses_whole_sends(void **state)
{
    struct fixture *f = *state;
    struct stream_target target = end_target(&f->server);
    target.send_max = 1000;
    end_open(&f->client, f->loop, &target);
    assert_int_equal(stream_send(f->client.stream, "early", 5), BUSBAR_ENOTCONN);
    wait_for(f->loop, &f->client.opened, 1);
    wait_for(f->loop, &f->ends[0].opened, 1);
    static uint8_t data[1001];
    assert_int_equal(stream_send(f->client.stream, data, 600), 0);
    assert_int_equal(stream_send(f->client.stream, data, 401), BUSBAR_ELIMIT);
    assert_int_equal(stream_pending(f->client.stream), 600);
    assert_int_equal(stream_send(f->client.stream, data, 400), 0);
    wait_for(f->loop, &f->client.drained, 1);
    assert_int_equal(stream_pending(f->client.stream), 0);
    assert_int_equal(stream_send(f->client.stream, data, 1001), BUSBAR_ELIMIT);
    while (f->ends[0].size < 1000) {
        loop_turn(f->loop, true);
    }
    assert_int_equal(f->ends[0].size, 1000);
}

static void a_slow_reader_loses_nothing(void **state)
{
    struct fixture *f = *state;
    connect_both(f);
    stream_pause(f->ends[0].stream, true);
    enum { CHUNK = 1 << 16, CHUNKS = 200 };
    static uint8_t chunk[CHUNK];
    size_t sent = 0;
    size_t refused = 0;
    for (int i = 0; i < CHUNKS; i++) {
        memset(chunk, i, sizeof(chunk));
        int error = stream_send(f->client.stream, chunk, sizeof(chunk));
        sent += error == 0 ? sizeof(chunk) : 0;
        refused += error == BUSBAR_ELIMIT;
        loop_turn(f->loop, false);
    }
    assert_true(refused > 0);
    assert_int_equal(f->ends[0].received, 0);
    assert_true(stream_pending(f->client.stream) > 0);
    stream_pause(f->ends[0].stream, false);
    wait_for(f->loop, &f->client.drained, 1);
    while (f->ends[0].size < sent) {
        loop_turn(f->loop, true);
    }
    assert_int_equal(f->ends[0].size, sent);
    assert_int_equal(stream_send(f->client.stream, "x", 1), 0);
    wait_for(f->loop, &f->ends[0].received, f->ends[0].received + 1);
    assert_int_equal(f->ends[0].size, sent + 1);
}

static void a_refused_connection_is_told(void **state)
{
    struct fixture *f = *state;
    struct stream_target target = end_target(&f->server);
    listener_close(f->server.listener);
    f->server.listener = NULL;
    end_open(&f->client, f->loop, &target);
    wait_for(f->loop, &f->client.closed, 1);
    assert_int_equal(f->client.opened, 0);
    assert_int_equal(f->client.error, BUSBAR_ECONNREFUSED);
    assert_non_null(strstr(f->client.detail, "refused"));
}

static void names_are_looked_up(void **state)
{
    struct fixture *f = *state;
    struct stream_target target = end_target(&f->server);
    char name[] =
        "localhost"; /* may be ::1 first, where nothing listens: all addresses are tried */
    target.host = name;
    end_open(&f->client, f->loop, &target);
    memset(name, 'x', sizeof(name) - 1); /* the target was copied */
    wait_for(f->loop, &f->client.opened, 1);
    wait_for(f->loop, &f->ends[0].opened, 1);
}

static void a_name_that_is_none_is_told(void **state)
{
    struct fixture *f = *state;
    char name[80];
    memset(name, 'a', 70); /* a label may have 63 characters: fails without asking a server */
    memcpy(name + 70, ".invalid", 9);
    struct stream_target target = { .kind = STREAM_TCP, .host = name, .port = 502 };
    end_open(&f->client, f->loop, &target);
    wait_for(f->loop, &f->client.closed, 1);
    assert_int_equal(f->client.error, BUSBAR_EHOST);
    assert_non_null(strstr(f->client.detail, "not found"));
}

static void closing_during_a_lookup_is_clean(void **state)
{
    struct fixture *f = *state;
    struct stream_target target = end_target(&f->server);
    target.host = "localhost";
    end_open(&f->client, f->loop, &target);
    stream_close(f->client.stream);
    wait_for(f->loop, &f->client.closed, 1);
    assert_int_equal(f->client.opened, 0);
    assert_int_equal(f->client.error, 0);
}

static void a_silent_host_times_out(void **state)
{
    struct fixture *f = *state;
    /* a full accept queue of length 1: later SYNs are dropped */
    int listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in name = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof(name);
    assert_int_equal(bind(listening, (struct sockaddr *)&name, sizeof(name)), 0);
    assert_int_equal(listen(listening, 0), 0);
    assert_int_equal(getsockname(listening, (struct sockaddr *)&name, &size), 0);
    int fillers[3];
    for (size_t i = 0; i < 3; i++) {
        fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        (void)connect(fillers[i], (struct sockaddr *)&name, sizeof(name));
    }
    struct stream_target target = { .kind = STREAM_TCP,
                                    .host = "127.0.0.1",
                                    .port = ntohs(name.sin_port),
                                    .connect_timeout_ms = 50 };
    end_open(&f->client, f->loop, &target);
    wait_for(f->loop, &f->client.closed, 1);
    assert_int_equal(f->client.error, BUSBAR_ETIMEOUT);
    assert_non_null(strstr(f->client.detail, "50 ms"));
    for (size_t i = 0; i < 3; i++) {
        close(fillers[i]);
    }
    close(listening);
}

static void a_target_that_makes_no_sense_is_refused(void **state)
{
    struct fixture *f = *state;
    static const struct stream_target bad[] = {
        { .kind = STREAM_TCP, .port = 502 },
        { .kind = STREAM_TCP, .host = "127.0.0.1" },
        { .kind = STREAM_TLS, .host = "127.0.0.1", .port = 802 },
        { .kind = STREAM_UNIX },
        { .kind = STREAM_SERIAL },
        { .kind = STREAM_SERIAL, .serial = { .path = "/dev/null", .data_bits = 9 } },
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct stream *stream = NULL;
        assert_int_equal(stream_open(f->loop, &bad[i], &end_events, &f->client, &stream),
                         BUSBAR_EINVAL);
        assert_null(stream);
    }
    assert_int_equal(f->client.closed, 0);
}

static void every_failing_allocation_keeps_the_bytes_before(void **state)
{
    struct fixture *f = *state;
    connect_both(f);
    static uint8_t data[5000];
    alloc_fail_nth(1);
    assert_int_equal(stream_send(f->client.stream, data, 100), BUSBAR_ENOMEM);
    assert_int_equal(stream_send(f->client.stream, data, 50), 0);
    alloc_fail_nth(1);
    assert_int_equal(stream_send(f->client.stream, data, 5000), BUSBAR_ENOMEM);
    assert_int_equal(stream_send(f->client.stream, data, 7), 0);
    alloc_fail_nth(0);
    wait_for(f->loop, &f->ends[0].received, 1);
    assert_int_equal(f->ends[0].size, 57);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(bytes_go_both_ways),
        TEST(sends_of_one_turn_leave_together),
        TEST(closing_tells_both_sides_once),
        TEST(a_stream_may_be_closed_from_its_callback),
        TEST(a_reset_is_told_as_such),
        TEST(the_ceiling_refuses_whole_sends),
        TEST(a_slow_reader_loses_nothing),
        TEST(a_refused_connection_is_told),
        TEST(names_are_looked_up),
        TEST(a_name_that_is_none_is_told),
        TEST(closing_during_a_lookup_is_clean),
        TEST(a_silent_host_times_out),
        TEST(a_target_that_makes_no_sense_is_refused),
        TEST(every_failing_allocation_keeps_the_bytes_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
