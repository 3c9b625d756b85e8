/* SPDX-License-Identifier: Apache-2.0 */
/* Limits, taken ports, Unix sockets, streams that nobody takes, closing at any time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/file.h"
#include "net/listener.h"
#include "net/loop.h"
#include "support/end.h"
#include "support/wait.h"

static void close_end(struct loop *loop, struct end *end)
{
    if (end->stream != NULL) {
        stream_close(end->stream);
    }
    wait_for(loop, &end->closed, 1);
}

static void the_limit_holds_and_is_given_back(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    static struct end ends[3];
    static struct end clients[4];
    struct end_server server = { .ends = ends, .count = 3 };
    struct listener_target target = { .streams_max = 2 };
    end_listen(&server, loop, &target);
    struct stream_target to = end_target(&server);
    for (int i = 0; i < 3; i++) {
        end_open(&clients[i], loop, &to);
        wait_for(loop, &clients[i].opened, 1);
    }
    wait_for(loop, &clients[2].closed, 1); /* over the limit: closed by the listener */
    assert_int_equal(listener_refused(server.listener), 1);
    assert_int_equal(server.taken, 2);
    close_end(loop, &ends[0]);
    end_open(&clients[3], loop, &to);
    wait_for(loop, &ends[2].opened, 1);
    listener_close(server.listener); /* before its streams */
    for (int i = 0; i < 3; i++) {
        close_end(loop, &ends[i]);
    }
    for (int i = 0; i < 4; i++) {
        close_end(loop, &clients[i]);
    }
    loop_free(loop);
}

static void what_nobody_takes_is_closed(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    static struct end client;
    struct end_server server = { .count = 0 };
    struct listener_target target = { 0 };
    end_listen(&server, loop, &target);
    struct stream_target to = end_target(&server);
    end_open(&client, loop, &to);
    wait_for(loop, &client.closed, 1);
    assert_int_equal(client.error, BUSBAR_ECLOSED);
    listener_close(server.listener);
    listener_close(NULL);
    loop_free(loop);
}

static void what_cannot_be_bound_is_named(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    struct end_server server = { .count = 0 };
    struct listener_target target = { .host = "127.0.0.1" };
    static const struct listener_events none = { 0 };
    struct listener *second;
    struct err err = { 0 };
    end_listen(&server, loop, &target);
    target.port = listener_port(server.listener);
    assert_int_equal(listener_open(loop, &target, &none, NULL, &second, &err), BUSBAR_EADDRINUSE);
    char expected[80];
    snprintf(expected, sizeof(expected), "cannot listen on 127.0.0.1:%u: address already in use",
             target.port);
    assert_string_equal(err.message, expected);
    target.host = "::"; /* has its own, so that an allow-list of IPv4 is not gone around */
    assert_int_equal(listener_open(loop, &target, &none, NULL, &second, &err), 0);
    listener_close(second);
    target.host = "192.0.2.1"; /* TEST-NET-1: nobody's */
    assert_int_equal(listener_open(loop, &target, &none, NULL, &second, &err), BUSBAR_EHOST);
    target.host = "not an address";
    assert_int_equal(listener_open(loop, &target, &none, NULL, &second, &err), BUSBAR_EINVAL);
    listener_close(server.listener);
    loop_free(loop);
}

static void unix_sockets_work_and_stale_ones_give_way(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    char folder[] = "/tmp/busbar-unix-XXXXXX";
    char path[60];
    assert_non_null(mkdtemp(folder));
    assert_true(file_join(path, sizeof(path), folder, "socket"));
    int stale = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_un name = { .sun_family = AF_UNIX };
    memcpy(name.sun_path, path, strlen(path));
    assert_int_equal(bind(stale, (struct sockaddr *)&name, sizeof(name)), 0);
    close(stale);
    assert_true(file_exists(path));

    static struct end ends[2]; /* the first is the other listener asking who lives here */
    static struct end client;
    struct end_server server = { .ends = ends, .count = 2 };
    struct listener_target target = { .path = path };
    static const struct listener_events none = { 0 };
    struct listener *second;
    end_listen(&server, loop, &target);
    assert_int_equal(listener_open(loop, &target, &none, NULL, &second, NULL), BUSBAR_EADDRINUSE);
    struct stream_target to = { .kind = STREAM_UNIX, .path = path };
    ends[1].greeting = "hello";
    end_open(&client, loop, &to);
    wait_for(loop, &client.received, 1);
    assert_memory_equal(client.data, "hello", 5);
    assert_string_equal(stream_peer(client.stream), path);
    listener_close(server.listener);
    assert_false(file_exists(path));
    close_end(loop, &client);
    close_end(loop, &ends[0]);
    close_end(loop, &ends[1]);
    static struct end nobody;
    end_open(&nobody, loop, &to);
    wait_for(loop, &nobody.closed, 1);
    assert_int_equal(nobody.error, BUSBAR_ENOENT);
    assert_int_equal(rmdir(folder), 0);
    loop_free(loop);
}

static struct end_server closing;

static void close_listener(void *ctx, struct stream *stream)
{
    (void)stream;
    int *count = ctx;
    (*count)++;
    listener_close(closing.listener);
}

static void it_may_be_closed_from_its_callback(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    static struct end clients[2];
    static const struct listener_events events = { .accepted = close_listener };
    struct listener_target target = { 0 };
    int count = 0;
    assert_int_equal(listener_open(loop, &target, &events, &count, &closing.listener, NULL), 0);
    struct stream_target to = end_target(&closing);
    end_open(&clients[0], loop, &to);
    end_open(&clients[1], loop, &to);
    wait_for(loop, &clients[0].closed, 1);
    wait_for(loop, &clients[1].closed, 1);
    assert_int_equal(count, 1);
    loop_free(loop);
}

/* ---- limits of one address, and who is allowed ---- */

static char refused_why[100];

static void on_refused(void *ctx, const char *peer, const char *why)
{
    (void)ctx;
    assert_memory_equal(peer, "127.0.0.1:", 10);
    (void)snprintf(refused_why, sizeof(refused_why), "%s", why);
}

static void take_it(void *ctx, struct stream *stream)
{
    struct end *end = ctx;
    end += end->opened; /* those before are used up */
    end->stream = stream;
    stream_take(stream, &end_events, end);
}

static void open_limited(struct end_server *server, struct loop *loop,
                         const struct listener_target *target, struct end *ends)
{
    static const struct listener_events events = { .accepted = take_it, .refused = on_refused };
    refused_why[0] = '\0';
    assert_int_equal(listener_open(loop, target, &events, ends, &server->listener, NULL), 0);
}

static void an_address_has_a_limit_of_its_own(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    static struct end ends[2];
    static struct end clients[3];
    struct end_server server = { 0 };
    const struct listener_target target = { .source_max = 1 };
    open_limited(&server, loop, &target, ends);
    struct stream_target to = end_target(&server);
    end_open(&clients[0], loop, &to);
    wait_for(loop, &ends[0].opened, 1);
    end_open(&clients[1], loop, &to);
    wait_for(loop, &clients[1].closed, 1);
    assert_string_equal(refused_why, "too many connections of this address");
    assert_int_equal(listener_refused(server.listener), 1);
    assert_int_equal(listener_streams(server.listener), 1);
    close_end(loop, &ends[0]);
    end_open(&clients[2], loop, &to); /* the first one is gone: there is room again */
    wait_for(loop, &ends[1].opened, 1);
    listener_close(server.listener);
    close_end(loop, &ends[1]);
    close_end(loop, &clients[0]);
    close_end(loop, &clients[2]);
    loop_free(loop);
}

static void only_who_is_allowed_comes_in(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    static struct end ends[2];
    static struct end clients[2];
    struct end_server server = { 0 };
    struct allow allow;
    struct position at = { 0 };
    assert_int_equal(allow_parse("10.0.7.0/24", "allow", at, &allow, NULL), 0);
    const struct listener_target target = { .allow = &allow };
    open_limited(&server, loop, &target, ends);
    struct stream_target to = end_target(&server);
    end_open(&clients[0], loop, &to);
    wait_for(loop, &clients[0].closed, 1);
    assert_string_equal(refused_why, "its address is not allowed");
    assert_int_equal(allow_parse("10.0.7.0/24, 127.0.0.0/8", "allow", at, &allow, NULL), 0);
    end_open(&clients[1], loop, &to);
    wait_for(loop, &ends[0].opened, 1);
    listener_close(server.listener);
    close_end(loop, &ends[0]);
    close_end(loop, &clients[1]);
    loop_free(loop);
}

/* The last descriptors are left to files; who waits gets in when there are some again. */
static void descriptors_are_left_to_others(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    struct rlimit before;
    static struct end ends[2];
    static struct end client;
    struct end_server server = { 0 };
    const struct listener_target target = { 0 };
    open_limited(&server, loop, &target, ends);
    struct stream_target to = end_target(&server);
    int next = dup(0);
    (void)close(next);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    const struct rlimit few = { .rlim_cur = (rlim_t)next + 8, .rlim_max = before.rlim_max };
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    int taken[8];
    for (int i = 0; i < 5; i++) {
        taken[i] = dup(0);
    }
    end_open(&client, loop, &to);
    for (int i = 0; i < 1000 && !listener_rests(server.listener); i++) {
        loop_turn(loop, false);
    }
    assert_true(listener_rests(server.listener));
    assert_int_equal(ends[0].opened, 0);
    int file = open("/dev/null", O_RDONLY);
    assert_true(file >= 0);
    (void)close(file);
    for (int i = 0; i < 5; i++) {
        (void)close(taken[i]);
    }
    wait_for(loop, &ends[0].opened, 1);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    listener_close(server.listener);
    close_end(loop, &ends[0]);
    close_end(loop, &client);
    loop_free(loop);
}

/* ---- a peer that sends no more, but still listens ---- */

static int ended_count;

static void on_ended(void *ctx)
{
    struct end *end = ctx;
    ended_count++;
    assert_int_equal(stream_send(end->stream, "late answer", 11), 0);
    stream_close(end->stream);
}

static struct stream_events ending_events;

static void take_ending(void *ctx, struct stream *stream)
{
    struct end *end = ctx;
    ending_events = end_events;
    ending_events.ended = on_ended;
    end->stream = stream;
    stream_take(stream, &ending_events, end);
}

static void an_end_of_sending_is_no_end_of_listening(void **state)
{
    (void)state;
    static const struct listener_events events = { .accepted = take_ending };
    struct loop *loop = loop_new();
    static struct end end;
    struct listener *listener;
    const struct listener_target target = { 0 };
    assert_int_equal(listener_open(loop, &target, &events, &end, &listener, NULL), 0);
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(listener_port(listener)) };
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    assert_int_equal(send(fd, "question", 8, 0), 8);
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    wait_for(loop, &end.closed, 1);
    char answer[16] = "";
    assert_int_equal(recv(fd, answer, sizeof(answer), 0), 11);
    assert_int_equal(end.size, 8);
    assert_int_equal(ended_count, 1);
    (void)close(fd);
    listener_close(listener);
    loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_limit_holds_and_is_given_back),
        cmocka_unit_test(what_nobody_takes_is_closed),
        cmocka_unit_test(what_cannot_be_bound_is_named),
        cmocka_unit_test(unix_sockets_work_and_stale_ones_give_way),
        cmocka_unit_test(it_may_be_closed_from_its_callback),
        cmocka_unit_test(an_address_has_a_limit_of_its_own),
        cmocka_unit_test(only_who_is_allowed_comes_in),
        cmocka_unit_test(descriptors_are_left_to_others),
        cmocka_unit_test(an_end_of_sending_is_no_end_of_listening),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
