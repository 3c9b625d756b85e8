/* SPDX-License-Identifier: Apache-2.0 */
/* Limits, taken ports, Unix sockets, streams that nobody takes, closing at any time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_limit_holds_and_is_given_back),
        cmocka_unit_test(what_nobody_takes_is_closed),
        cmocka_unit_test(what_cannot_be_bound_is_named),
        cmocka_unit_test(unix_sockets_work_and_stale_ones_give_way),
        cmocka_unit_test(it_may_be_closed_from_its_callback),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
