/* SPDX-License-Identifier: Apache-2.0 */
/* A look at a server that answers anything: wrong numbers of results, rings, properties of every name and value,
 * continuation points without end, statuses. The session is a fake: its answers are made from the input. What is told is
 * text that can be shown, each node once, and the look ends. */
#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "drivers/opcua/data/browse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TURNS_MAX = 20000, REFERENCES_MAX = 12, INPUT_MAX = 4096, CALLS_MAX = 400 };

static struct bytes input;
static unsigned calls; /* answered; after CALLS_MAX the server is gone */

/* ---- a session that answers from the input ---- */

struct opcua_seat {
    struct loop *loop;
    const struct opcua_seat_events *events;
    void *ctx;
    struct opcua_server_facts facts;
    bool up;
};

struct opcua_call {
    struct opcua_seat *seat;
    opcua_called_cb called; /* NULL: canceled */
    void *ctx;
    const UA_DataType *type;
    size_t asked;
};

static void on_up(void *ctx)
{
    struct opcua_seat *seat = ctx;
    seat->up = true;
    seat->events->up(seat->ctx, &seat->facts, false);
}

static void on_left(void *ctx)
{
    struct opcua_seat *seat = ctx;
    seat->events->left(seat->ctx);
    busbar_free(seat);
}

struct opcua_seat *opcua_seat_take(struct opcua_thread *thread, struct trust *trust,
                                   const struct opcua_link_config *config,
                                   const struct opcua_seat_events *events, void *ctx)
{
    static const char *const namespaces[] = { "http://opcfoundation.org/UA/", "urn:fuzz", "" };
    struct opcua_seat *seat = busbar_alloc(sizeof(*seat));
    (void)trust, (void)config;
    *seat = (struct opcua_seat){ .loop = opcua_thread_loop(thread), .events = events, .ctx = ctx };
    seat->facts.namespaces = namespaces;
    seat->facts.namespace_count = 3;
    seat->facts.limits.nodes_per_browse = bytes_get_u8(&input);
    seat->facts.limits.nodes_per_read = bytes_get_u8(&input);
    seat->facts.limits.browse_continuation_points = bytes_get_u8(&input) & 7;
    return seat;
}

void opcua_seat_connect(struct opcua_seat *seat)
{
    (void)loop_post(seat->loop, on_up, seat);
}

void opcua_seat_leave(struct opcua_seat *seat)
{
    seat->up = false;
    (void)loop_post(seat->loop, on_left, seat);
}

const struct opcua_server_facts *opcua_seat_facts(const struct opcua_seat *seat)
{
    return seat->up ? &seat->facts : NULL;
}

void opcua_seat_learn(struct opcua_seat *seat, const uint32_t *limit, uint32_t most)
{
    size_t at = (size_t)((const char *)limit - (const char *)&seat->facts.limits);
    assert(at < sizeof(seat->facts.limits) && most > 0);
    memcpy((char *)&seat->facts.limits + at, &most, sizeof(most));
}

static UA_String a_text(void)
{
    static const char *const names[] = {
        "EngineeringUnits", "EURange",    "InstrumentRange", "EnumStrings",     "EnumValues",
        "TrueState",        "FalseState", "InputArguments",  "OutputArguments", "Temp"
    };
    uint8_t pick = bytes_get_u8(&input);
    if (pick < sizeof(names) / sizeof(names[0])) {
        return UA_STRING((char *)(uintptr_t)names[pick]);
    }
    size_t size = pick % 9 < bytes_left(&input) ? pick % 9 : bytes_left(&input);
    return (UA_String){ .length = size,
                        .data = (uint8_t *)(uintptr_t)bytes_get_block(&input, size) };
}

static UA_NodeId an_id(void)
{
    uint8_t pick = bytes_get_u8(&input);
    return UA_NODEID_NUMERIC(pick & 3, pick >> 2 == 63 ? 2041 : bytes_get_u8(&input));
}

static UA_ReferenceDescription a_reference(void)
{
    static const uint32_t kinds[] = { 35, 46, 47, 45, 40 };
    UA_ReferenceDescription reference;
    UA_ReferenceDescription_init(&reference);
    uint8_t bits = bytes_get_u8(&input);
    reference.referenceTypeId = UA_NODEID_NUMERIC(0, kinds[bits % 5]);
    reference.isForward = (bits & 0x80) == 0;
    reference.nodeClass = (UA_NodeClass)(1U << (bits >> 4 & 3));
    reference.nodeId.nodeId = an_id();
    reference.nodeId.serverIndex = bits == 0x77;
    reference.typeDefinition.nodeId = an_id();
    reference.browseName.name = a_text();
    reference.displayName.text = a_text();
    return reference;
}

/* Shallow: nothing of it owns memory but the arrays. */
static void a_result(UA_BrowseResult *result)
{
    static uint8_t point[1];
    uint8_t bits = bytes_get_u8(&input);
    size_t count = bits % REFERENCES_MAX;
    result->statusCode = bits == 0xFF ? UA_STATUSCODE_BADNOCONTINUATIONPOINTS
                                      : (bits == 0xFE ? UA_STATUSCODE_BADNODEIDUNKNOWN : 0);
    result->references = UA_Array_new(count, &UA_TYPES[UA_TYPES_REFERENCEDESCRIPTION]);
    result->referencesSize = count;
    for (size_t i = 0; i < count; i++) {
        UA_ReferenceDescription made = a_reference();
        (void)UA_ReferenceDescription_copy(&made, &result->references[i]);
    }
    if ((bits & 0x40) != 0) {
        UA_ByteString more = { .length = 1, .data = point };
        (void)UA_ByteString_copy(&more, &result->continuationPoint);
    }
}

static void a_value(UA_DataValue *value)
{
    size_t size = bytes_get_u8(&input);
    size = size < bytes_left(&input) ? size : bytes_left(&input);
    UA_ByteString from = { .length = size,
                           .data = (uint8_t *)(uintptr_t)bytes_get_block(&input, size) };
    if (UA_decodeBinary(&from, value, &UA_TYPES[UA_TYPES_DATAVALUE], NULL) != 0) {
        UA_DataValue_init(value);
    }
}

static void answer_read(struct opcua_call *call, size_t count)
{
    UA_ReadResponse response;
    UA_ReadResponse_init(&response);
    response.results = UA_Array_new(count, &UA_TYPES[UA_TYPES_DATAVALUE]);
    response.resultsSize = count;
    for (size_t i = 0; i < count; i++) {
        a_value(&response.results[i]);
    }
    call->called(call->ctx, &response, NULL);
    UA_clear(&response, call->type);
}

/* Of BrowseNext too: both are a header and results. */
static void answer_browse(struct opcua_call *call, size_t count)
{
    UA_BrowseResponse response;
    UA_BrowseResponse_init(&response);
    response.results = UA_Array_new(count, &UA_TYPES[UA_TYPES_BROWSERESULT]);
    response.resultsSize = count;
    for (size_t i = 0; i < count; i++) {
        a_result(&response.results[i]);
    }
    call->called(call->ctx, &response, NULL);
    UA_clear(&response, &UA_TYPES[UA_TYPES_BROWSERESPONSE]);
}

static void on_call(void *ctx)
{
    struct opcua_call *call = ctx;
    uint8_t how = bytes_get_u8(&input);
    struct opcua_trouble trouble = { .error = how == 0xFD ? BUSBAR_ETOOBIG : BUSBAR_ECLOSED };
    size_t count = how == 0xFC ? call->asked + 1 : call->asked;
    if (call->called == NULL) {
        busbar_free(call);
        return;
    }
    if (how == 0xFD || calls++ > CALLS_MAX || !call->seat->up) {
        call->called(call->ctx, NULL, &trouble);
    } else if (call->type == &UA_TYPES[UA_TYPES_READRESPONSE]) {
        answer_read(call, count);
    } else {
        answer_browse(call, count);
    }
    busbar_free(call);
}

struct opcua_call *opcua_call(struct opcua_seat *seat, const void *request,
                              const UA_DataType *request_type, const UA_DataType *response_type,
                              int64_t timeout_us, opcua_called_cb called, void *ctx)
{
    struct opcua_call *call = busbar_alloc(sizeof(*call));
    (void)timeout_us;
    *call = (struct opcua_call){
        .seat = seat, .called = called, .ctx = ctx, .type = response_type
    };
    if (request_type == &UA_TYPES[UA_TYPES_READREQUEST]) {
        call->asked = ((const UA_ReadRequest *)request)->nodesToReadSize;
    } else if (request_type == &UA_TYPES[UA_TYPES_BROWSEREQUEST]) {
        call->asked = ((const UA_BrowseRequest *)request)->nodesToBrowseSize;
    } else {
        call->asked = ((const UA_BrowseNextRequest *)request)->continuationPointsSize;
    }
    assert(call->asked > 0);
    (void)loop_post(seat->loop, on_call, call);
    return call;
}

void opcua_call_cancel(struct opcua_call *call)
{
    if (call != NULL) {
        call->called = NULL;
    }
}

/* ---- the look ---- */

struct heard {
    struct opcua_told *told[256];
    size_t batches;
    int ended;
};

static void check_text(const char *text)
{
    assert(text == NULL || str_is_utf8(text, strlen(text)));
}

static void on_told(void *ctx, struct opcua_told *told)
{
    struct heard *heard = ctx;
    for (size_t i = 0; i < told->count; i++) {
        const struct driver_node *node = &told->nodes[i];
        assert(node->enum_count <= POINT_ENUM_MAX);
        check_text(node->name);
        check_text(node->description);
        check_text(node->point);
        check_text(node->command);
    }
    if (heard->batches < sizeof(heard->told) / sizeof(heard->told[0])) {
        heard->told[heard->batches++] = told;
    } else {
        opcua_told_free(told);
    }
}

static void on_ended(void *ctx, int error, const char *message)
{
    struct heard *heard = ctx;
    (void)error;
    check_text(message);
    heard->ended++;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct opcua_browse_events events = { .told = on_told, .ended = on_ended };
    static const char *const places[] = { "", "i=85", "ns=1;i=7", "nsu=urn:fuzz;s=x", "?" };
    struct opcua_link_config config = { .timeout_us = 1000000 };
    struct heard heard = { .ended = 0 };
    if (size > INPUT_MAX) {
        return 0;
    }
    input = bytes_of(data, size);
    calls = 0;
    struct loop *loop = loop_new();
    struct opcua_thread *thread = opcua_thread_borrow(loop);
    const char *at = places[bytes_get_u8(&input) % 5];
    struct opcua_browse *browse = opcua_browse_start(thread, NULL, &config, at, &events, &heard);
    uint8_t stop_after = bytes_get_u8(&input);
    for (unsigned turn = 0; heard.ended == 0; turn++) {
        assert(turn < TURNS_MAX);
        if (turn == stop_after && stop_after < 64) {
            opcua_browse_stop(browse);
        }
        loop_turn(loop, false);
    }
    assert(heard.ended == 1);
    for (unsigned turn = 0; turn < 3; turn++) {
        loop_turn(loop, false);
    }
    for (size_t i = 0; i < heard.batches; i++) {
        opcua_told_free(heard.told[i]);
    }
    opcua_thread_stop(thread);
    loop_free(loop);
    return 0;
}
