/* SPDX-License-Identifier: Apache-2.0 */
/* The part without a peer: what it asks is kept, the test answers; the clock is the test's. */
#include "drivers/opcua/data/history.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "drivers/opcua/data/types.h"
#include "model/quality.h"

#define SECOND INT64_C(1000000)
#define START  (INT64_C(1795000000) * SECOND) /* wall clock at the beginning of each test */

enum { POINTS = 120 };

struct opcua_peer {
    struct loop *loop;
    struct opcua_peer_config config;
    struct opcua_address addresses[POINTS];
    struct opcua_server_facts facts;
    struct opcua_home home;
    struct opcua_part *part;
    struct opcua_types *types;
    bool up;
    /* the last call */
    UA_HistoryReadRequest history;
    bool has_history, release;
    opcua_called_cb called;
    void *ctx;
    unsigned calls, reads, releases, canceled;
    /* what came home */
    struct sample samples[4096];
    uint32_t points[4096];
    size_t sample_count;
    int disk; /* what it says to each batch */
    struct opcua_batch *kept[8];
    size_t kept_count;
    bool keeps; /* batches, for give_back() */
    char event[512];
    unsigned events;
    int64_t remembered;
};

static struct opcua_peer peer;

/* ---- what the part calls ---- */

struct opcua_call *opcua_peer_call(struct opcua_peer *at, void *request,
                                   const UA_DataType *request_type,
                                   const UA_DataType *response_type, opcua_called_cb called,
                                   void *ctx)
{
    (void)response_type;
    if (request_type == &UA_TYPES[UA_TYPES_READREQUEST]) {
        at->reads++;
    } else {
        const UA_HistoryReadRequest *history = request;
        assert_ptr_equal(request_type, &UA_TYPES[UA_TYPES_HISTORYREADREQUEST]);
        if (history->releaseContinuationPoints) {
            at->releases++;
            return (struct opcua_call *)at;
        }
        UA_HistoryReadRequest_clear(&at->history);
        assert_int_equal(UA_HistoryReadRequest_copy(history, &at->history), 0);
        at->has_history = true;
    }
    at->calls++;
    at->called = called;
    at->ctx = ctx;
    return (struct opcua_call *)at;
}

void opcua_call_cancel(struct opcua_call *call)
{
    peer.canceled += call != NULL;
}

struct opcua_call *opcua_call(struct opcua_seat *seat, const void *request,
                              const UA_DataType *request_type, const UA_DataType *response_type,
                              int64_t timeout_us, opcua_called_cb called, void *ctx)
{
    (void)seat, (void)request, (void)request_type, (void)response_type;
    (void)timeout_us, (void)called, (void)ctx;
    return NULL;
}

const struct opcua_server_facts *opcua_seat_facts(const struct opcua_seat *seat)
{
    (void)seat;
    return NULL;
}

const struct opcua_peer_config *opcua_peer_config(const struct opcua_peer *at)
{
    return &at->config;
}

const struct opcua_server_facts *opcua_peer_facts(const struct opcua_peer *at)
{
    return at->up ? &at->facts : NULL;
}

const struct opcua_home *opcua_peer_home(const struct opcua_peer *at, void **ctx)
{
    *ctx = &peer;
    return &at->home;
}

struct loop *opcua_peer_loop(const struct opcua_peer *at)
{
    return at->loop;
}

struct opcua_types *opcua_peer_types(const struct opcua_peer *at)
{
    return at->types;
}

int opcua_peer_node(const struct opcua_peer *at, const struct opcua_id *id, UA_NodeId *out)
{
    (void)at;
    *out = UA_NODEID_NUMERIC(1, id->id.number);
    return 0;
}

void opcua_peer_say(struct opcua_peer *at, bool sent, const char *format, ...)
{
    (void)at, (void)sent, (void)format;
}

void opcua_peer_add(struct opcua_peer *at, struct opcua_part *part)
{
    at->part = part;
}

struct opcua_batch *opcua_batch_new(struct opcua_peer *at, size_t count,
                                    struct opcua_delivery *delivery)
{
    struct opcua_batch *batch = busbar_alloc(sizeof(*batch));
    assert_null(delivery);
    batch->peer = at;
    batch->capacity = count;
    batch->points = busbar_alloc_array(count + 1, sizeof(*batch->points));
    batch->samples = busbar_alloc_array(count + 1, sizeof(*batch->samples));
    arena_init(&batch->texts, 0);
    return batch;
}

struct sample *opcua_batch_next(struct opcua_batch *batch, uint32_t point)
{
    assert_true(batch->count < batch->capacity);
    batch->points[batch->count] = point;
    return &batch->samples[batch->count++];
}

static void give_back(struct opcua_batch *batch, int error)
{
    batch->error = error;
    batch->done(batch);
    arena_fini(&batch->texts);
    busbar_free(batch->points);
    busbar_free(batch->samples);
    busbar_free(batch);
}

void opcua_batch_send(struct opcua_batch *batch)
{
    assert_true(batch->history);
    for (size_t i = 0; i < batch->count; i++) {
        assert_true(peer.sample_count < 4096);
        peer.points[peer.sample_count] = batch->points[i];
        peer.samples[peer.sample_count++] = batch->samples[i];
    }
    if (peer.keeps) {
        assert_true(peer.kept_count < 8);
        peer.kept[peer.kept_count++] = batch;
    } else {
        give_back(batch, peer.disk);
    }
}

struct opcua_news *opcua_news_new(struct opcua_peer *at, struct opcua_delivery *delivery)
{
    struct opcua_news *news = busbar_alloc(sizeof(*news));
    (void)delivery;
    news->peer = at;
    arena_init(&news->texts, 0);
    return news;
}

void opcua_news_send(struct opcua_news *news)
{
    snprintf(peer.event, sizeof(peer.event), "%s", news->event.text);
    peer.events++;
    arena_fini(&news->texts);
    busbar_free(news);
}

static void learned(void *ctx, const char *name, int64_t value)
{
    assert_ptr_equal(ctx, &peer);
    assert_string_equal(name, OPCUA_HISTORY_LIMIT);
    peer.remembered = value;
}

/* ---- the test's side ---- */

static void pass(int64_t us)
{
    loop_advance_for_test(peer.loop, us);
}

/* points: how many want it, of twice as many. */
static void begin(size_t points)
{
    memset(&peer, 0, sizeof(peer));
    clock_fake_set(SECOND, START);
    peer.loop = loop_new();
    peer.home.learned = learned;
    peer.config.addresses = peer.addresses;
    peer.config.point_count = points * 2;
    for (size_t i = 0; i < points * 2; i++) {
        peer.addresses[i].node.id.number = (uint32_t)i;
        peer.addresses[i].backfill = i % 2 == 1;
    }
    opcua_history_part(&peer);
}

static void link_up(bool resumed)
{
    peer.up = true;
    peer.part->up(peer.part, &peer.facts, resumed);
}

static void link_down(void)
{
    peer.up = false;
    peer.part->down(peer.part);
}

static void end(void)
{
    if (peer.part != NULL) {
        peer.part->stop(peer.part);
        peer.part->free(peer.part);
    }
    UA_HistoryReadRequest_clear(&peer.history);
    loop_free(peer.loop);
    clock_fake_off();
}

static void answer_clock(int64_t server_us)
{
    UA_DateTime time = opcua_time_of(server_us);
    UA_DataValue value = { .hasValue = true };
    UA_ReadResponse response;
    UA_ReadResponse_init(&response);
    UA_Variant_setScalar(&value.value, &time, &UA_TYPES[UA_TYPES_DATETIME]);
    response.results = &value;
    response.resultsSize = 1;
    peer.called(peer.ctx, &response, NULL);
}

static void answer_trouble(int error)
{
    const struct opcua_trouble trouble = { .error = error, .detail = "the server will not" };
    peer.called(peer.ctx, NULL, &trouble);
}

/* What one node comes to. */
struct told {
    UA_StatusCode status;
    size_t values; /* a second apart */
    int64_t from_us;
    bool more;
};

static void answer(const struct told *told, size_t count)
{
    static UA_HistoryReadResult results[64];
    static UA_HistoryData data[64];
    static UA_DataValue values[1024];
    static UA_Int32 number = 7;
    UA_HistoryReadResponse response;
    UA_HistoryReadResponse_init(&response);
    memset(results, 0, sizeof(results));
    memset(data, 0, sizeof(data));
    memset(values, 0, sizeof(values));
    size_t next = 0;
    for (size_t i = 0; i < count; i++) {
        data[i].dataValues = &values[next];
        data[i].dataValuesSize = told[i].values;
        for (size_t k = 0; k < told[i].values; k++, next++) {
            UA_Variant_setScalar(&values[next].value, &number, &UA_TYPES[UA_TYPES_INT32]);
            values[next].hasValue = true;
            values[next].hasSourceTimestamp = true;
            values[next].sourceTimestamp = opcua_time_of(told[i].from_us + (int64_t)k * SECOND);
        }
        results[i].statusCode = told[i].status;
        UA_ExtensionObject_setValueNoDelete(&results[i].historyData, &data[i],
                                            &UA_TYPES[UA_TYPES_HISTORYDATA]);
        if (told[i].more) {
            results[i].continuationPoint = UA_BYTESTRING("here");
        }
    }
    response.results = results;
    response.resultsSize = count;
    peer.called(peer.ctx, &response, NULL);
}

static const UA_ReadRawModifiedDetails *details(void)
{
    return peer.history.historyReadDetails.content.decoded.data;
}

static uint32_t node_asked(size_t index)
{
    return peer.history.nodesToRead[index].nodeId.identifier.numeric;
}

/* Up, a hole of a minute, and asked for after some seconds; the server's clock is ours. */
static void begin_hole(size_t points)
{
    begin(points);
    link_up(false);
    peer.part->hole(peer.part, START - 60 * SECOND, START);
    assert_int_equal(peer.calls, 0);
    pass(5 * SECOND);
    assert_int_equal(peer.reads, 1);
    answer_clock(clock_wall_us());
    pass(SECOND);
    assert_true(peer.has_history);
}

/* ---- tests ---- */

static void a_hole_is_filled(void **state)
{
    (void)state;
    begin_hole(2);
    assert_int_equal(peer.history.nodesToReadSize, 2);
    assert_int_equal(node_asked(0), 1);
    assert_int_equal(node_asked(1), 3);
    assert_int_equal(peer.history.timestampsToReturn, UA_TIMESTAMPSTORETURN_SOURCE);
    assert_false(details()->isReadModified);
    assert_int_equal(details()->numValuesPerNode, OPCUA_HISTORY_VALUES);
    /* From shortly before it until now: the subscriptions came later than the link. */
    assert_true(opcua_time_us(details()->startTime) == START - 70 * SECOND);
    assert_true(opcua_time_us(details()->endTime) >= START + 5 * SECOND);
    assert_true(opcua_time_us(details()->endTime) <= clock_wall_us());
    const struct told first[] = { { .values = 3, .from_us = START - 50 * SECOND, .more = true },
                                  { .status = UA_STATUSCODE_GOODNODATA } };
    answer(first, 2);
    assert_int_equal(peer.sample_count, 3);
    assert_int_equal(peer.points[0], 1);
    assert_int_equal(peer.samples[0].quality, QUALITY_GOOD);
    assert_int_equal(peer.samples[0].value.i, 7);
    assert_true(peer.samples[2].time_us == START - 48 * SECOND);
    pass(SECOND);
    assert_int_equal(peer.history.nodesToReadSize, 1);
    assert_int_equal(peer.history.nodesToRead[0].continuationPoint.length, 4);
    const struct told rest[] = { { .values = 2, .from_us = START - 47 * SECOND } };
    answer(rest, 1);
    unsigned calls = peer.calls;
    pass(10 * SECOND);
    assert_int_equal(peer.calls, calls);
    assert_int_equal(peer.sample_count, 5);
    assert_int_equal(peer.events, 0);
    assert_true(peer.remembered >= START / SECOND - 30);
    end();
}

/* The server's clock is an hour ahead: asked for by it. */
static void by_the_clock_of_the_server(void **state)
{
    (void)state;
    const int64_t hour_us = 3600 * SECOND;
    begin(1);
    link_up(false);
    peer.part->hole(peer.part, START - 60 * SECOND, START);
    pass(5 * SECOND);
    answer_clock(clock_wall_us() + hour_us);
    pass(SECOND);
    assert_true(opcua_time_us(details()->startTime) == START - 70 * SECOND + hour_us);
    const struct told told[] = { { .values = 1, .from_us = START - 30 * SECOND + hour_us } };
    answer(told, 1);
    assert_int_equal(peer.sample_count, 1);
    end();
}

static void only_what_was_asked_for(void **state)
{
    (void)state;
    begin_hole(3);
    const struct told told[] = { { .values = 1, .from_us = START - 3600 * SECOND },
                                 { .values = 1, .from_us = START + 3600 * SECOND },
                                 { .values = 1, .from_us = START - 30 * SECOND } };
    answer(told, 3);
    assert_int_equal(peer.sample_count, 1);
    assert_int_equal(peer.points[0], 5);
    end();
}

static void what_has_no_history_is_said_once(void **state)
{
    (void)state;
    begin_hole(2);
    const struct told told[] = { { .status = UA_STATUSCODE_BADHISTORYOPERATIONUNSUPPORTED },
                                 { .values = 1, .from_us = START } };
    answer(told, 2);
    pass(SECOND);
    assert_int_equal(peer.events, 1);
    assert_non_null(strstr(peer.event, "1 point "));
    assert_non_null(strstr(peer.event, "BadHistoryOperationUnsupported"));
    assert_non_null(strstr(peer.event, "history: false"));
    /* The next hole of the same link asks only the other. */
    peer.part->hole(peer.part, START, START + SECOND);
    pass(6 * SECOND);
    assert_int_equal(peer.history.nodesToReadSize, 1);
    assert_int_equal(node_asked(0), 3);
    answer(&told[1], 1);
    pass(SECOND);
    assert_int_equal(peer.events, 1);
    end();
}

static void a_server_without_the_service(void **state)
{
    (void)state;
    begin_hole(2);
    answer_trouble(BUSBAR_EUNSUPPORTED);
    assert_int_equal(peer.events, 1);
    assert_non_null(strstr(peer.event, "the server will not"));
    unsigned calls = peer.calls;
    peer.part->hole(peer.part, START, START + SECOND);
    pass(20 * SECOND);
    assert_int_equal(peer.calls, calls);
    assert_int_equal(peer.events, 1);
    end();
}

static void within_what_the_server_takes(void **state)
{
    (void)state;
    begin_hole(POINTS / 2);
    assert_int_equal(peer.history.nodesToReadSize, OPCUA_HISTORY_NODES);
    answer_trouble(BUSBAR_ETOOBIG);
    pass(SECOND);
    assert_int_equal(peer.history.nodesToReadSize, OPCUA_HISTORY_NODES / 2);
    assert_int_equal(node_asked(0), 1);
    /* No room for the place of so many: again from the beginning of the group. */
    struct told told[64] = { { .status = UA_STATUSCODE_BADNOCONTINUATIONPOINTS } };
    answer(told, OPCUA_HISTORY_NODES / 2);
    pass(SECOND);
    assert_int_equal(peer.history.nodesToReadSize, OPCUA_HISTORY_NODES / 4);
    assert_int_equal(node_asked(0), 1);
    peer.facts.limits.nodes_per_history_read = 5;
    memset(told, 0, sizeof(told));
    answer(told, OPCUA_HISTORY_NODES / 4);
    pass(SECOND);
    assert_int_equal(peer.history.nodesToReadSize, 5);
    assert_int_equal(node_asked(0), 1 + 2 * (OPCUA_HISTORY_NODES / 4));
    end();
}

/* A server that always has more, and never gives any. */
static void endless_continuation_ends(void **state)
{
    (void)state;
    begin_hole(1);
    const struct told told[] = { { .more = true } };
    unsigned calls = 0;
    for (; calls < 100 && peer.called != NULL; calls++) {
        unsigned before = peer.calls;
        answer(told, 1);
        pass(SECOND);
        if (peer.calls == before) {
            break;
        }
    }
    assert_true(calls < 20);
    end();
}

static void answers_that_are_no_history(void **state)
{
    (void)state;
    begin_hole(2);
    UA_HistoryReadResponse response;
    UA_HistoryReadResult result;
    UA_HistoryReadResponse_init(&response);
    UA_HistoryReadResult_init(&result);
    response.results = &result;
    response.resultsSize = 1; /* of two; and of no type */
    UA_Range range = { 0 };
    UA_ExtensionObject_setValueNoDelete(&result.historyData, &range, &UA_TYPES[UA_TYPES_RANGE]);
    peer.called(peer.ctx, &response, NULL);
    assert_int_equal(peer.sample_count, 0);
    pass(SECOND);
    assert_non_null(strstr(peer.event, "BadUnknownResponse"));
    end();
}

/* The link goes in the middle: the group is read again, the points before it are not. */
static void goes_on_after_an_outage(void **state)
{
    (void)state;
    begin_hole(POINTS / 2);
    struct told told[64] = { { .values = 1, .from_us = START } };
    answer(told, OPCUA_HISTORY_NODES);
    pass(SECOND);
    assert_int_equal(node_asked(0), 1 + 2 * OPCUA_HISTORY_NODES);
    answer_trouble(BUSBAR_ECLOSED);
    link_down();
    pass(60 * SECOND);
    link_up(true);
    pass(5 * SECOND);
    answer_clock(clock_wall_us());
    pass(SECOND);
    assert_int_equal(node_asked(0), 1 + 2 * OPCUA_HISTORY_NODES);
    assert_true(opcua_time_us(details()->startTime) == START - 70 * SECOND);
    end();
}

/* A new hole while one is being read: both are read, from the beginning. */
static void holes_that_touch_become_one(void **state)
{
    (void)state;
    begin_hole(2);
    link_down();
    pass(30 * SECOND);
    link_up(false);
    peer.part->hole(peer.part, START + 5 * SECOND, clock_wall_us());
    pass(5 * SECOND);
    answer_clock(clock_wall_us());
    pass(SECOND);
    assert_true(opcua_time_us(details()->startTime) == START - 70 * SECOND);
    assert_true(opcua_time_us(details()->endTime) > START + 30 * SECOND);
    assert_int_equal(peer.history.nodesToReadSize, 2);
    end();
}

/* From what was remembered; a device that is new asks nothing, and remembers. */
static void over_a_restart(void **state)
{
    (void)state;
    begin(1);
    link_up(false);
    peer.part->hole(peer.part, 0, START);
    pass(30 * SECOND);
    assert_int_equal(peer.calls, 0);
    assert_int_equal(peer.remembered, START / SECOND - 30);
    pass(61 * SECOND);
    assert_true(peer.remembered > START / SECOND);
    end();
    begin(1);
    peer.config.filled_until_us = START - 600 * SECOND;
    link_up(false);
    peer.part->hole(peer.part, 0, START);
    pass(5 * SECOND);
    answer_clock(clock_wall_us());
    pass(SECOND);
    assert_true(opcua_time_us(details()->startTime) == START - 610 * SECOND);
    /* As long as it is not filled, what is missing is remembered. */
    pass(61 * SECOND);
    assert_int_equal(peer.remembered, START / SECOND - 610);
    end();
    begin(1);
    peer.config.filled_until_us = SECOND;
    link_up(false);
    peer.part->hole(peer.part, 0, START);
    pass(5 * SECOND);
    answer_clock(clock_wall_us());
    pass(SECOND);
    assert_true(opcua_time_us(details()->startTime) ==
                START - OPCUA_HISTORY_DAYS_MAX * 86400 * SECOND);
    end();
}

/* Nothing is filled before it is on disk: a full one is tried less and less often, and the hole is remembered. */
static void a_full_disk(void **state)
{
    (void)state;
    const struct told told[] = { { .values = 1, .from_us = START } };
    begin_hole(1);
    peer.disk = BUSBAR_ENOSPC;
    for (int64_t wait_s = 5; wait_s <= 20; wait_s *= 2) {
        unsigned calls = peer.calls;
        answer(told, 1);
        pass((wait_s - 1) * SECOND);
        assert_int_equal(peer.calls, calls);
        pass(2 * SECOND);
        assert_int_equal(peer.calls, calls + 1);
        assert_int_equal(node_asked(0), 1);
    }
    pass(61 * SECOND);
    assert_int_equal(peer.remembered, START / SECOND - 70);
    peer.disk = 0;
    unsigned calls = peer.calls;
    answer(told, 1);
    pass(61 * SECOND);
    assert_int_equal(peer.calls, calls);
    assert_true(peer.remembered > START / SECOND);
    end();
}

/* The last batch is read, but not on disk: stopped now, it is read again after the start. */
static void the_mark_waits_for_the_disk(void **state)
{
    (void)state;
    const struct told told[64] = { { .values = 1, .from_us = START } };
    begin_hole(POINTS / 2);
    peer.keeps = true;
    answer(told, OPCUA_HISTORY_NODES);
    pass(SECOND);
    answer(told, POINTS / 2 - OPCUA_HISTORY_NODES);
    unsigned calls = peer.calls;
    pass(61 * SECOND);
    assert_int_equal(peer.remembered, START / SECOND - 70);
    assert_int_equal(peer.calls, calls);
    assert_int_equal(peer.kept_count, 2);
    give_back(peer.kept[0], 0);
    give_back(peer.kept[1], BUSBAR_ENOSPC); /* only its own group is read again */
    pass(6 * SECOND);
    assert_int_equal(peer.calls, calls + 1);
    assert_int_equal(node_asked(0), 1 + 2 * OPCUA_HISTORY_NODES);
    peer.keeps = false;
    answer(told, POINTS / 2 - OPCUA_HISTORY_NODES);
    pass(SECOND);
    assert_true(peer.remembered > START / SECOND);
    end();
}

/* A structure that nobody asked for before: read once more when its definition may be there, and not for ever. */
static void structures_are_waited_for(void **state)
{
    (void)state;
    begin_hole(1);
    peer.types = opcua_types_new((struct opcua_seat *)&peer, NULL, NULL, NULL);
    opcua_types_up(peer.types, false);
    UA_ExtensionObject object;
    UA_ExtensionObject_init(&object);
    object.encoding = UA_EXTENSIONOBJECT_ENCODED_BYTESTRING;
    object.content.encoded.typeId = UA_NODEID_NUMERIC(2, 5001);
    UA_DataValue value = { .hasValue = true,
                           .hasSourceTimestamp = true,
                           .sourceTimestamp = opcua_time_of(START) };
    UA_Variant_setScalar(&value.value, &object, &UA_TYPES[UA_TYPES_EXTENSIONOBJECT]);
    UA_HistoryData data = { .dataValuesSize = 1, .dataValues = &value };
    UA_HistoryReadResult result;
    UA_HistoryReadResponse response;
    UA_HistoryReadResponse_init(&response);
    UA_HistoryReadResult_init(&result);
    UA_ExtensionObject_setValueNoDelete(&result.historyData, &data,
                                        &UA_TYPES[UA_TYPES_HISTORYDATA]);
    response.results = &result;
    response.resultsSize = 1;
    unsigned calls = peer.calls;
    peer.called(peer.ctx, &response, NULL);
    pass(SECOND);
    assert_int_equal(peer.calls, calls);
    pass(5 * SECOND);
    assert_int_equal(peer.calls, calls + 1);
    peer.called(peer.ctx, &response, NULL);
    pass(20 * SECOND);
    assert_int_equal(peer.calls, calls + 1);
    assert_int_equal(peer.sample_count, 0);
    opcua_types_free(peer.types);
    peer.types = NULL;
    end();
}

static void nobody_wants_it(void **state)
{
    (void)state;
    begin(0);
    assert_null(peer.part);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hole_is_filled),
        cmocka_unit_test(by_the_clock_of_the_server),
        cmocka_unit_test(only_what_was_asked_for),
        cmocka_unit_test(what_has_no_history_is_said_once),
        cmocka_unit_test(a_server_without_the_service),
        cmocka_unit_test(within_what_the_server_takes),
        cmocka_unit_test(endless_continuation_ends),
        cmocka_unit_test(answers_that_are_no_history),
        cmocka_unit_test(goes_on_after_an_outage),
        cmocka_unit_test(holes_that_touch_become_one),
        cmocka_unit_test(over_a_restart),
        cmocka_unit_test(a_full_disk),
        cmocka_unit_test(the_mark_waits_for_the_disk),
        cmocka_unit_test(structures_are_waited_for),
        cmocka_unit_test(nobody_wants_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
