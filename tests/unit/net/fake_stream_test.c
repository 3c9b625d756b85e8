/* SPDX-License-Identifier: Apache-2.0 */
/* The fake network keeps the promises of stream.h, so that a client tested on it meets the same world. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/err.h"
#include "net/loop.h"
#include "net/stream.h"
#include "support/end.h"
#include "support/fake_stream.h"

static void a_client_talks_to_the_test(void **state)
{
    (void)state;
    clock_fake_set(0, 0);
    struct loop *loop = loop_new();
    struct fake_net *net = fake_net_new(loop);
    static struct end client;
    char host[] = "plc";
    struct stream_target target = { .kind = STREAM_TCP, .host = host, .port = 502 };
    end_open(&client, loop, &target);
    host[0] = 'x';
    assert_int_equal(fake_net_count(net), 1);
    struct fake_peer *peer = fake_net_last(net);
    assert_string_equal(fake_peer_target(peer)->host, "plc");
    assert_int_equal(fake_peer_target(peer)->connect_timeout_ms, 5000);
    assert_int_equal(stream_send(client.stream, "x", 1), BUSBAR_ENOTCONN);
    fake_peer_accept(peer);
    assert_int_equal(client.opened, 1);
    assert_int_equal(stream_send(client.stream, "ask", 3), 0);
    fake_peer_expect(peer, "ask", 3);
    fake_peer_expect_nothing(peer);
    fake_peer_send(peer, "answer", 6);
    assert_memory_equal(client.data, "answer", 6);
    fake_peer_send_error(peer, BUSBAR_ELIMIT);
    assert_int_equal(stream_send(client.stream, "x", 1), BUSBAR_ELIMIT);
    fake_peer_fail(peer, BUSBAR_ERESET, "cable cut");
    assert_int_equal(client.closed, 0);
    assert_true(fake_peer_closed(peer));
    loop_advance_for_test(loop, 0);
    assert_int_equal(client.closed, 1);
    assert_int_equal(client.error, BUSBAR_ERESET);
    assert_string_equal(client.detail, "cable cut");
    fake_net_free(net);
    loop_free(loop);
    clock_fake_off();
}

static void the_client_may_close_and_be_refused(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    struct fake_net *net = fake_net_new(loop);
    static struct end client;
    struct stream_target target = { .kind = STREAM_SERIAL, .serial = { .path = "/dev/ttyS0" } };
    struct stream *stream = NULL;
    fake_net_refuse(net, BUSBAR_ENOMEM);
    assert_int_equal(stream_open(loop, &target, &end_events, &client, &stream), BUSBAR_ENOMEM);
    fake_net_refuse(net, 0);
    end_open(&client, loop, &target);
    stream_close(client.stream);
    assert_true(fake_peer_closed(fake_net_last(net)));
    loop_turn(loop, false);
    assert_int_equal(client.closed, 1);
    assert_int_equal(client.error, 0);
    fake_net_free(net);
    loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_talks_to_the_test),
        cmocka_unit_test(the_client_may_close_and_be_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
