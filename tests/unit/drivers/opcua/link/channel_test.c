/* SPDX-License-Identifier: Apache-2.0 */
/* Channels, calls and the library's event loop on a fake stream and a fake clock; the other side is canned. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <open62541/plugin/eventloop.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "drivers/opcua/link/channel.h"
#include "fuzz/opcua_canned.h"
#include "support/fake_stream.h"
#include "support/quiet.h"

#define URL    "opc.tcp://10.0.3.5:48250/line"
#define SECOND CLOCK_US_PER_S

struct rig {
    struct loop *loop;
    struct fake_net *net;
    struct opcua_thread *thread;
    struct opcua_channel *channel;
    struct canned canned;
    struct list calls;
    int opened, closed, freed, answers;
    struct opcua_trouble why, answer;
};

static struct rig rig;

static void on_opened(void *ctx)
{
    (void)ctx;
    rig.opened++;
}

static void on_closed(void *ctx, const struct opcua_trouble *why)
{
    (void)ctx;
    rig.closed++;
    rig.why = *why;
}

static void on_freed(void *ctx)
{
    (void)ctx;
    rig.freed++;
}

static void on_answer(void *ctx, const void *response, const struct opcua_trouble *trouble)
{
    (void)ctx;
    assert_true((response == NULL) != (trouble == NULL));
    rig.answers++;
    memset(&rig.answer, 0, sizeof(rig.answer));
    if (trouble != NULL) {
        rig.answer = *trouble;
    }
}

static const struct opcua_channel_events events = { .opened = on_opened, .closed = on_closed };

/* The library decrypts in place: it gets bytes of its own. */
static void server_says(void *ctx, const uint8_t *data, size_t size)
{
    (void)ctx;
    uint8_t *copy = malloc(size);
    memcpy(copy, data, size);
    fake_peer_send(fake_net_last(rig.net), copy, size);
    free(copy);
}

static int begin(void **state)
{
    (void)state;
    quiet_log();
    memset(&rig, 0, sizeof(rig));
    clock_fake_set(1000 * SECOND, INT64_C(1790000000) * SECOND);
    rig.loop = loop_new();
    rig.net = fake_net_new(rig.loop);
    rig.thread = opcua_thread_borrow(rig.loop);
    list_init(&rig.calls);
    rig.canned = (struct canned){ .send = server_says, .answers = 100 };
    rig.channel = opcua_channel_new(rig.thread, URL, 4 * SECOND, &events, &rig);
    return 0;
}

/* The server hears what the client sent, until both are silent. */
static void talk(void)
{
    for (unsigned i = 0; i < 8; i++) {
        loop_advance_for_test(rig.loop, 0);
        if (fake_net_count(rig.net) == 0) {
            continue;
        }
        struct fake_peer *peer = fake_net_last(rig.net);
        size_t size;
        const uint8_t *sent = fake_peer_sent(peer, &size);
        uint8_t *copy = malloc(size > 0 ? size : 1);
        memcpy(copy, sent, size);
        fake_peer_drop(peer, size);
        canned_hear(&rig.canned, copy, size);
        free(copy);
    }
    loop_advance_for_test(rig.loop, 0);
}

static int end(void **state)
{
    (void)state;
    if (rig.channel != NULL) {
        opcua_channel_free_then(rig.channel, on_freed, NULL);
        talk();
        loop_advance_for_test(rig.loop, 3 * SECOND);
        assert_int_equal(rig.freed, 1);
    }
    opcua_thread_stop(rig.thread);
    fake_net_free(rig.net);
    loop_free(rig.loop);
    clock_fake_off();
    return 0;
}

static void open_channel(void)
{
    opcua_channel_open(rig.channel);
    assert_int_equal(rig.opened, 0);
    fake_peer_accept(fake_net_last(rig.net));
    talk();
    assert_int_equal(rig.opened, 1);
    assert_true(opcua_channel_is_open(rig.channel));
}

static struct opcua_call *read_state(int64_t timeout_us)
{
    UA_ReadValueId node;
    UA_ReadValueId_init(&node);
    node.nodeId = UA_NODEID_NUMERIC(0, 2259);
    node.attributeId = UA_ATTRIBUTEID_VALUE;
    UA_ReadRequest request;
    UA_ReadRequest_init(&request);
    request.nodesToRead = &node;
    request.nodesToReadSize = 1;
    return opcua_channel_call(rig.channel, rig.loop, &rig.calls, &request,
                              &UA_TYPES[UA_TYPES_READREQUEST], &UA_TYPES[UA_TYPES_READRESPONSE],
                              timeout_us, on_answer, NULL);
}

/* ---- opening ---- */

static void it_connects_to_its_url_and_asks_for_no_other(void **state)
{
    (void)state;
    opcua_channel_open(rig.channel);
    struct fake_peer *peer = fake_net_last(rig.net);
    const struct stream_target *target = fake_peer_target(peer);
    assert_string_equal(target->host, "10.0.3.5");
    assert_int_equal(target->port, 48250);
    assert_int_equal(target->connect_timeout_ms, 4000);
    assert_true(target->silence_timeout_ms > 0);
    fake_peer_accept(peer);
    size_t size;
    const uint8_t *sent = fake_peer_sent(peer, &size);
    assert_int_equal(size, 32 + strlen(URL));
    assert_memory_equal(sent, "HELF", 4);
    assert_memory_equal(sent + 32, URL, strlen(URL));
    talk();
    assert_int_equal(rig.opened, 1);
    assert_int_equal(rig.canned.requests, 2); /* Hello and OpenSecureChannel, nothing else */
    assert_int_equal(fake_net_count(rig.net), 1);
}

static void what_the_network_says_is_told(void **state)
{
    (void)state;
    opcua_channel_open(rig.channel);
    fake_peer_fail(fake_net_last(rig.net), BUSBAR_ECONNREFUSED, "connection refused");
    loop_advance_for_test(rig.loop, 0);
    assert_int_equal(rig.closed, 1);
    assert_int_equal(rig.why.error, BUSBAR_ECONNREFUSED);
    assert_string_equal(rig.why.detail, URL ": connection refused");
    fake_net_refuse(rig.net, BUSBAR_EINVAL);
    opcua_channel_open(rig.channel);
    assert_int_equal(rig.closed, 1); /* never from inside */
    loop_advance_for_test(rig.loop, 0);
    assert_int_equal(rig.closed, 2);
    fake_net_refuse(rig.net, 0);
    open_channel();
}

static void an_error_message_is_told_with_its_reason(void **state)
{
    (void)state;
    rig.canned.answers = 1;
    opcua_channel_open(rig.channel);
    fake_peer_accept(fake_net_last(rig.net));
    talk();
    canned_error(&rig.canned, UA_STATUSCODE_BADTCPSERVERTOOBUSY, "come \x01 later");
    talk();
    assert_int_equal(rig.closed, 1);
    assert_int_equal(rig.why.status, UA_STATUSCODE_BADTCPSERVERTOOBUSY);
    assert_int_equal(rig.why.error, BUSBAR_EBUSY);
    assert_non_null(strstr(rig.why.detail, "the server says: come ? later"));
}

static void another_protocol_is_named(void **state)
{
    (void)state;
    rig.canned.answers = 0;
    opcua_channel_open(rig.channel);
    fake_peer_accept(fake_net_last(rig.net));
    server_says(NULL, (const uint8_t *)"HTTP/1.1 400 Bad\r\n", 18);
    talk();
    assert_int_equal(rig.closed, 1);
    assert_int_equal(rig.why.error, BUSBAR_EPROTO);
    assert_non_null(strstr(rig.why.detail, "(it says \"HTTP/1.1 400 Bad??\")"));
}

static void a_mute_server_costs_no_more_than_the_timeout(void **state)
{
    (void)state;
    rig.canned.answers = 0;
    opcua_channel_open(rig.channel);
    fake_peer_accept(fake_net_last(rig.net));
    loop_advance_for_test(rig.loop, 4 * SECOND);
    assert_int_equal(rig.closed, 0);
    loop_advance_for_test(rig.loop, 2 * SECOND);
    assert_int_equal(rig.closed, 1);
    assert_int_equal(rig.why.error, BUSBAR_ETIMEOUT);
    assert_true(fake_peer_closed(fake_net_last(rig.net)));
}

static void a_channel_that_the_library_forgets_is_closed(void **state)
{
    (void)state;
    open_channel();
    uint8_t close[32] = "CLOF"; /* no message of a server */
    canned_put(close + 4, sizeof(close));
    canned_put(close + 8, CANNED_CHANNEL);
    canned_put(close + 12, CANNED_TOKEN);
    canned_put(close + 16, ++rig.canned.sequence);
    server_says(NULL, close, sizeof(close));
    talk();
    assert_int_equal(rig.closed, 1);
    assert_true(fake_peer_closed(fake_net_last(rig.net)));
}

/* ---- calls ---- */

static void an_answer_of_no_type_is_no_crash(void **state)
{
    (void)state;
    open_channel();
    rig.canned.answers = 0;
    struct opcua_call *canceled = read_state(0);
    talk();
    canned_chunk(&rig.canned, 'F', rig.canned.request, (const uint8_t *)"abcd", 4);
    loop_advance_for_test(rig.loop, 0);
    assert_true(rig.answers <= 1);
    (void)canceled;
    if (rig.closed == 0) {
        int before = rig.answers;
        opcua_call_cancel(read_state(0));
        talk();
        canned_chunk(&rig.canned, 'F', rig.canned.request, (const uint8_t *)"abcd", 4);
        loop_advance_for_test(rig.loop, 0);
        assert_int_equal(rig.answers, before);
    }
    assert_int_equal(rig.answer.status, UA_STATUSCODE_BADINTERNALERROR);
}

static void calls_have_their_own_deadlines(void **state)
{
    (void)state;
    open_channel();
    rig.canned.answers = 0;
    (void)read_state(SECOND);
    (void)read_state(0);
    talk();
    assert_int_equal(opcua_channel_calls(rig.channel), 2);
    loop_advance_for_test(rig.loop, SECOND - 1000);
    assert_int_equal(rig.answers, 0);
    loop_advance_for_test(rig.loop, 1000);
    assert_int_equal(rig.answers, 1);
    assert_int_equal(rig.answer.error, BUSBAR_ETIMEOUT);
    loop_advance_for_test(rig.loop, 100 * SECOND);
    assert_int_equal(rig.answers, 1);
    opcua_channel_close(rig.channel, &rig.answer);
    loop_advance_for_test(rig.loop, 0);
    assert_int_equal(rig.answers, 2);
    assert_int_equal(rig.closed, 1);
    assert_int_equal(opcua_channel_calls(rig.channel), 0);
    (void)read_state(0);
    loop_advance_for_test(rig.loop, 0);
    assert_int_equal(rig.answer.error, BUSBAR_ENOTCONN);
}

static void a_request_over_what_the_server_takes_is_not_sent(void **state)
{
    (void)state;
    rig.canned.message_max = 9000;
    open_channel();
    UA_ReadValueId nodes[1000];
    memset(nodes, 0, sizeof(nodes));
    UA_ReadRequest request;
    UA_ReadRequest_init(&request);
    request.nodesToRead = nodes;
    request.nodesToReadSize = 1000;
    (void)opcua_channel_call(rig.channel, rig.loop, &rig.calls, &request,
                             &UA_TYPES[UA_TYPES_READREQUEST], &UA_TYPES[UA_TYPES_READRESPONSE], 0,
                             on_answer, NULL);
    talk();
    assert_int_equal(rig.answer.error, BUSBAR_ETOOBIG);
    assert_int_equal(rig.closed, 0);
    (void)read_state(0);
    talk();
    assert_int_equal(rig.answer.error, 0);
}

static void endless_chunks_end_the_connection(void **state)
{
    (void)state;
    open_channel();
    rig.canned.answers = 0;
    (void)read_state(0);
    talk();
    static const uint8_t nothing[60000];
    for (unsigned i = 0; i < 2 * OPCUA_CHUNKS_MAX && rig.closed == 0; i++) {
        canned_chunk(&rig.canned, 'C', rig.canned.request, nothing, sizeof(nothing));
        loop_advance_for_test(rig.loop, 0);
    }
    assert_int_equal(rig.closed, 1);
    assert_int_equal(rig.answers, 1);
}

static void the_server_is_told_that_the_session_ends(void **state)
{
    (void)state;
    open_channel();
    UA_NodeId token = UA_NODEID_NUMERIC(0, 99);
    opcua_channel_set_token(rig.channel, &token);
    assert_true(opcua_channel_has_token(rig.channel));
    opcua_channel_free_then(rig.channel, on_freed, NULL);
    rig.channel = NULL;
    assert_int_equal(rig.freed, 0);
    talk();
    assert_int_equal(rig.canned.asked, CANNED_CLOSE_SESSION);
    assert_int_equal(rig.freed, 1);
}

static void a_server_that_does_not_say_goodbye_is_left(void **state)
{
    (void)state;
    open_channel();
    UA_NodeId token = UA_NODEID_NUMERIC(0, 99);
    opcua_channel_set_token(rig.channel, &token);
    rig.canned.answers = 0;
    opcua_channel_free_then(rig.channel, on_freed, NULL);
    rig.channel = NULL;
    talk();
    assert_int_equal(rig.freed, 0);
    loop_advance_for_test(rig.loop, 3 * SECOND);
    assert_int_equal(rig.freed, 1);
}

/* ---- the event loop's own services ---- */

static void count_up(void *application, void *data)
{
    (void)data;
    (*(int *)application)++;
}

static void timers_of_the_library_run_on_the_loop(void **state)
{
    (void)state;
    UA_EventLoop *event_loop = opcua_thread_event_loop(rig.thread);
    int cyclic = 0;
    int once = 0;
    UA_UInt64 id;
    UA_UInt64 once_id;
    assert_int_equal(event_loop->addCyclicCallback(event_loop, count_up, &cyclic, NULL, 100, NULL,
                                                   UA_TIMER_HANDLE_CYCLEMISS_WITH_CURRENTTIME, &id),
                     0);
    assert_int_equal(event_loop->addTimedCallback(event_loop, count_up, &once, NULL,
                                                  UA_DateTime_nowMonotonic(), &once_id),
                     0);
    loop_advance_for_test(rig.loop, 1000 * 1000);
    assert_int_equal(cyclic, 10);
    assert_int_equal(once, 1);
    event_loop->removeCyclicCallback(event_loop, once_id); /* gone already */
    assert_int_equal(event_loop->modifyCyclicCallback(event_loop, id, 500, NULL,
                                                      UA_TIMER_HANDLE_CYCLEMISS_WITH_CURRENTTIME),
                     0);
    loop_advance_for_test(rig.loop, 1000 * 1000);
    assert_int_equal(cyclic, 12);
    event_loop->removeCyclicCallback(event_loop, id);
    loop_advance_for_test(rig.loop, 1000 * 1000);
    assert_int_equal(cyclic, 12);
    assert_int_equal(event_loop->modifyCyclicCallback(event_loop, id, 500, NULL,
                                                      UA_TIMER_HANDLE_CYCLEMISS_WITH_CURRENTTIME),
                     UA_STATUSCODE_BADNOTFOUND);
    assert_int_equal(event_loop->run(event_loop, 100), UA_STATUSCODE_BADNOTSUPPORTED);
}

static char order[8];
static size_t noted;

static void note(void *application, void *data)
{
    (void)data;
    assert_true(noted < sizeof(order) - 1);
    order[noted++] = *(const char *)application;
}

static void delayed_calls_run_once_in_their_order(void **state)
{
    (void)state;
    UA_EventLoop *event_loop = opcua_thread_event_loop(rig.thread);
    UA_DelayedCallback calls[3] = { { .callback = note, .application = "a" },
                                    { .callback = note, .application = "b" },
                                    { .callback = note, .application = "c" } };
    memset(order, 0, sizeof(order));
    noted = 0;
    for (size_t i = 0; i < 3; i++) {
        event_loop->addDelayedCallback(event_loop, &calls[i]);
    }
    event_loop->removeDelayedCallback(event_loop, &calls[1]);
    assert_string_equal(order, "");
    loop_advance_for_test(rig.loop, 0);
    assert_string_equal(order, "ac");
    loop_advance_for_test(rig.loop, SECOND);
    assert_string_equal(order, "ac");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_connects_to_its_url_and_asks_for_no_other, begin, end),
        cmocka_unit_test_setup_teardown(what_the_network_says_is_told, begin, end),
        cmocka_unit_test_setup_teardown(an_error_message_is_told_with_its_reason, begin, end),
        cmocka_unit_test_setup_teardown(another_protocol_is_named, begin, end),
        cmocka_unit_test_setup_teardown(a_mute_server_costs_no_more_than_the_timeout, begin, end),
        cmocka_unit_test_setup_teardown(a_channel_that_the_library_forgets_is_closed, begin, end),
        cmocka_unit_test_setup_teardown(an_answer_of_no_type_is_no_crash, begin, end),
        cmocka_unit_test_setup_teardown(calls_have_their_own_deadlines, begin, end),
        cmocka_unit_test_setup_teardown(a_request_over_what_the_server_takes_is_not_sent, begin,
                                        end),
        cmocka_unit_test_setup_teardown(endless_chunks_end_the_connection, begin, end),
        cmocka_unit_test_setup_teardown(the_server_is_told_that_the_session_ends, begin, end),
        cmocka_unit_test_setup_teardown(a_server_that_does_not_say_goodbye_is_left, begin, end),
        cmocka_unit_test_setup_teardown(timers_of_the_library_run_on_the_loop, begin, end),
        cmocka_unit_test_setup_teardown(delayed_calls_run_once_in_their_order, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
