/* SPDX-License-Identifier: Apache-2.0 */
/* The stream of Publish requests without a server: what is asked is kept, the test answers; the clock is the test's. */
#include "drivers/opcua/data/publish_private.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/err.h"

#define SECOND INT64_C(1000000)

enum { NUMBER = 5, PUBLISHES_MAX = 64 };

/* A Publish request. */
struct asked {
    opcua_called_cb called;
    void *ctx;
    UA_SubscriptionAcknowledgement acks[8];
    size_t ack_count;
    bool answered;
};

struct opcua_peer {
    struct loop *loop;
    struct opcua_peer_config config;
    struct opcua_server_facts facts;
    void *slot;
    opcua_called_cb created;
    void *created_ctx;
    struct asked publishes[PUBLISHES_MAX];
    size_t count;
};

static struct opcua_peer peer;

/* ---- what the publisher calls ---- */

struct opcua_call *opcua_call(struct opcua_seat *seat, const void *request,
                              const UA_DataType *request_type, const UA_DataType *response_type,
                              int64_t timeout_us, opcua_called_cb called, void *ctx)
{
    const UA_PublishRequest *publish = request;
    (void)seat;
    assert_ptr_equal(request_type, &UA_TYPES[UA_TYPES_PUBLISHREQUEST]);
    assert_ptr_equal(response_type, &opcua_publish_response_type);
    assert_int_equal(timeout_us, 0);
    assert_true(peer.count < PUBLISHES_MAX);
    struct asked *asked = &peer.publishes[peer.count++];
    *asked = (struct asked){ .called = called, .ctx = ctx };
    asked->ack_count = publish->subscriptionAcknowledgementsSize;
    assert_true(asked->ack_count <= 8);
    for (size_t i = 0; i < asked->ack_count; i++) {
        asked->acks[i] = publish->subscriptionAcknowledgements[i];
    }
    return (struct opcua_call *)asked;
}

struct opcua_call *opcua_peer_call(struct opcua_peer *at, void *request,
                                   const UA_DataType *request_type,
                                   const UA_DataType *response_type, opcua_called_cb called,
                                   void *ctx)
{
    (void)request, (void)response_type;
    if (request_type == &UA_TYPES[UA_TYPES_CREATESUBSCRIPTIONREQUEST]) {
        at->created = called;
        at->created_ctx = ctx;
    }
    return (struct opcua_call *)at;
}

void opcua_call_cancel(struct opcua_call *call)
{
    (void)call;
}

void **opcua_seat_slot(struct opcua_seat *seat)
{
    (void)seat;
    return &peer.slot;
}

struct opcua_seat *opcua_peer_seat(const struct opcua_peer *at)
{
    (void)at;
    return (struct opcua_seat *)&peer;
}

struct loop *opcua_peer_loop(const struct opcua_peer *at)
{
    return at->loop;
}

const struct opcua_peer_config *opcua_peer_config(const struct opcua_peer *at)
{
    return &at->config;
}

const struct opcua_server_facts *opcua_peer_facts(const struct opcua_peer *at)
{
    return &at->facts;
}

void opcua_peer_say(struct opcua_peer *at, bool sent, const char *format, ...)
{
    (void)at, (void)sent, (void)format;
}

/* ---- the test's side ---- */

static void ready(void *ctx)
{
    (void)ctx;
}

static void lost(void *ctx, const char *why)
{
    (void)ctx, (void)why;
}

static const struct opcua_subscription_events events = { .ready = ready, .lost = lost };

/* One subscription that the server has. */
static void begin(struct opcua_subscription *subscription)
{
    UA_CreateSubscriptionResponse response;
    UA_CreateSubscriptionResponse_init(&response);
    response.subscriptionId = NUMBER;
    response.revisedPublishingInterval = 1000;
    response.revisedMaxKeepAliveCount = 10;
    memset(&peer, 0, sizeof(peer));
    clock_fake_set(SECOND, INT64_C(1795000000) * SECOND);
    peer.loop = loop_new();
    opcua_subscription_open(&peer, subscription, SECOND, 0, &events, NULL);
    opcua_publisher_up(&peer, false);
    assert_non_null(peer.created);
    peer.created(peer.created_ctx, &response, NULL);
    assert_int_equal(peer.count, OPCUA_PUBLISH_MIN);
}

static void end(struct opcua_subscription *subscription)
{
    opcua_subscription_close(subscription);
    opcua_publisher_leave(&peer);
    loop_free(peer.loop);
    clock_fake_off();
}

static struct asked *last(void)
{
    assert_true(peer.count > 0);
    return &peer.publishes[peer.count - 1];
}

/* The one that was asked first of those that are not answered. */
static struct asked *oldest(void)
{
    for (size_t i = 0; i < peer.count; i++) {
        if (!peer.publishes[i].answered) {
            peer.publishes[i].answered = true;
            return &peer.publishes[i];
        }
    }
    fail();
    return NULL;
}

static void answer_keep_alive(struct asked *asked)
{
    struct opcua_publish_response response = { .subscription_id = NUMBER };
    response.message.sequence_number = 1;
    asked->called(asked->ctx, &response, NULL);
}

static void answer_trouble(struct asked *asked, int error, UA_StatusCode status)
{
    const struct opcua_trouble trouble = { .error = error, .status = status };
    asked->called(asked->ctx, NULL, &trouble);
}

/* Acknowledges message 1, and has a request take that along. */
static struct asked *acknowledge(void)
{
    opcua_publisher_ack(peer.slot, NUMBER, 1);
    answer_keep_alive(oldest());
    assert_int_equal(last()->ack_count, 1);
    last()->answered = true;
    return last();
}

/* ---- tests ---- */

static void acknowledged_once(void **state)
{
    struct opcua_subscription subscription;
    (void)state;
    begin(&subscription);
    assert_int_equal(last()->ack_count, 0);
    struct asked *asked = acknowledge();
    assert_int_equal(asked->acks[0].subscriptionId, NUMBER);
    assert_int_equal(asked->acks[0].sequenceNumber, 1);
    answer_keep_alive(asked);
    assert_int_equal(last()->ack_count, 0);
    end(&subscription);
}

/* Whether the server took them nobody knows: they go with the next one. */
static void acknowledged_again_after_a_failure(void **state)
{
    struct opcua_subscription subscription;
    (void)state;
    begin(&subscription);
    answer_trouble(acknowledge(), BUSBAR_ETIMEOUT, UA_STATUSCODE_BADTIMEOUT);
    opcua_publisher_ack(peer.slot, NUMBER, 2);
    size_t count = peer.count;
    loop_advance_for_test(peer.loop, SECOND);
    assert_int_equal(peer.count, count + 1);
    assert_int_equal(last()->ack_count, 2);
    assert_int_equal(last()->acks[0].sequenceNumber, 1);
    assert_int_equal(last()->acks[1].sequenceNumber, 2);
    end(&subscription);
}

/* What the server does not have needs none, and too many for one message are not sent for ever. */
static void not_acknowledged_again(void **state)
{
    struct opcua_subscription subscription;
    (void)state;
    begin(&subscription);
    answer_trouble(acknowledge(), BUSBAR_ETOOBIG, UA_STATUSCODE_BADREQUESTTOOLARGE);
    loop_advance_for_test(peer.loop, SECOND);
    assert_int_equal(last()->ack_count, 0);
    answer_trouble(acknowledge(), BUSBAR_EREFUSED, UA_STATUSCODE_BADNOSUBSCRIPTION);
    assert_int_equal(((struct opcua_publisher *)peer.slot)->ack_count, 0);
    end(&subscription);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(acknowledged_once),
        cmocka_unit_test(acknowledged_again_after_a_failure),
        cmocka_unit_test(not_acknowledged_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
