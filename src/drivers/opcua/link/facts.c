/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/opcua/link/facts.h"

#include <open62541/nodeids.h>
#include <stddef.h>
#include <string.h>

#include "base/alloc.h"
#include "base/err.h"

enum { TEXTS_MAX = 4 << 20, URI_MAX = 4096 };

#define CAPABILITY(name) UA_NS0ID_SERVER_SERVERCAPABILITIES_##name
#define OPERATION(name)  CAPABILITY(OPERATIONLIMITS_##name)
#define LIMIT(name)      offsetof(struct opcua_server_limits, name)

enum { STATE_AT, STARTED_AT, NAMESPACES_AT, RATE_AT, LIMITS_AT };

/* What is read, in this order; numbers of limits are UInt32 or UInt16. */
static const struct {
    uint32_t id;
    size_t limit; /* from LIMITS_AT on: where it goes */
} wanted[] = {
    [STATE_AT] = { UA_NS0ID_SERVER_SERVERSTATUS_STATE, 0 },
    [STARTED_AT] = { UA_NS0ID_SERVER_SERVERSTATUS_STARTTIME, 0 },
    [NAMESPACES_AT] = { UA_NS0ID_SERVER_NAMESPACEARRAY, 0 },
    [RATE_AT] = { CAPABILITY(MINSUPPORTEDSAMPLERATE), 0 },
    [LIMITS_AT] = { OPERATION(MAXNODESPERREAD), LIMIT(nodes_per_read) },
    { OPERATION(MAXNODESPERWRITE), LIMIT(nodes_per_write) },
    { OPERATION(MAXNODESPERBROWSE), LIMIT(nodes_per_browse) },
    { OPERATION(MAXNODESPERMETHODCALL), LIMIT(nodes_per_method_call) },
    { OPERATION(MAXNODESPERHISTORYREADDATA), LIMIT(nodes_per_history_read) },
    { OPERATION(MAXNODESPERTRANSLATEBROWSEPATHSTONODEIDS), LIMIT(nodes_per_translate) },
    { OPERATION(MAXMONITOREDITEMSPERCALL), LIMIT(monitored_items_per_call) },
    { CAPABILITY(MAXBROWSECONTINUATIONPOINTS), LIMIT(browse_continuation_points) },
    { CAPABILITY(MAXARRAYLENGTH), LIMIT(array_length) },
    { CAPABILITY(MAXSTRINGLENGTH), LIMIT(string_length) },
};

enum { WANTED = sizeof(wanted) / sizeof(wanted[0]) };

struct opcua_facts_reading {
    struct opcua_channel *channel;
    struct loop *loop;
    struct list calls;
    int64_t timeout_us;
    size_t at, step; /* the first of the request under way, and how many the server bears */
    struct opcua_facts facts;
    opcua_facts_cb done;
    void *ctx;
};

void opcua_facts_fini(struct opcua_facts *facts)
{
    arena_fini(&facts->texts);
    memset(facts, 0, sizeof(*facts));
}

bool opcua_facts_same(const struct opcua_facts *a, const struct opcua_facts *b)
{
    const struct opcua_server_facts *x = &a->server;
    const struct opcua_server_facts *y = &b->server;
    bool same = x->state == y->state && x->started == y->started &&
                x->namespace_count == y->namespace_count;
    for (size_t i = 0; same && i < x->namespace_count; i++) {
        same = strcmp(x->namespaces[i], y->namespaces[i]) == 0;
    }
    return same;
}

/* ---- values ---- */

static bool take_state(const UA_Variant *value, UA_ServerState *state)
{
    if (!UA_Variant_hasScalarType(value, &UA_TYPES[UA_TYPES_INT32]) &&
        !UA_Variant_hasScalarType(value, &UA_TYPES[UA_TYPES_SERVERSTATE])) {
        return false;
    }
    *state = *(const UA_ServerState *)value->data;
    return true;
}

static bool take_time(const UA_Variant *value, UA_DateTime *time)
{
    if (!UA_Variant_hasScalarType(value, &UA_TYPES[UA_TYPES_DATETIME]) &&
        !UA_Variant_hasScalarType(value, &UA_TYPES[UA_TYPES_UTCTIME])) {
        return false;
    }
    *time = *(const UA_DateTime *)value->data;
    return true;
}

static void take_number(const UA_Variant *value, uint32_t *number)
{
    if (UA_Variant_hasScalarType(value, &UA_TYPES[UA_TYPES_UINT32])) {
        *number = *(const UA_UInt32 *)value->data;
    } else if (UA_Variant_hasScalarType(value, &UA_TYPES[UA_TYPES_UINT16])) {
        *number = *(const UA_UInt16 *)value->data;
    }
}

static void take_rate(const UA_Variant *value, double *rate_ms)
{
    if (UA_Variant_hasScalarType(value, &UA_TYPES[UA_TYPES_DOUBLE]) ||
        UA_Variant_hasScalarType(value, &UA_TYPES[UA_TYPES_DURATION])) {
        *rate_ms = *(const UA_Double *)value->data;
    }
}

/* A server that hides its namespaces has the standard's one still. 0, BUSBAR_ELIMIT, BUSBAR_ENOMEM. */
static int take_namespaces(const UA_Variant *value, struct opcua_facts *facts)
{
    static const UA_String standard = UA_STRING_STATIC("http://opcfoundation.org/UA/");
    const UA_String *uris = &standard;
    size_t count = 1;
    if (UA_Variant_hasArrayType(value, &UA_TYPES[UA_TYPES_STRING]) && value->arrayLength > 0) {
        uris = value->data;
        count = value->arrayLength;
    }
    if (count > OPCUA_NAMESPACES_MAX) {
        return BUSBAR_ELIMIT;
    }
    const char **texts = arena_alloc_array(&facts->texts, count, sizeof(*texts));
    for (size_t i = 0; texts != NULL && i < count; i++) {
        size_t size = uris[i].length < URI_MAX ? uris[i].length : URI_MAX;
        texts[i] = arena_strndup(&facts->texts, size > 0 ? (const char *)uris[i].data : "", size);
        if (texts[i] == NULL) {
            return BUSBAR_ENOMEM;
        }
    }
    facts->server.namespaces = texts;
    facts->server.namespace_count = texts != NULL ? count : 0;
    return texts != NULL ? 0 : BUSBAR_ENOMEM;
}

static int take(struct opcua_facts *facts, size_t at, const UA_DataValue *result)
{
    const UA_Variant *value = &result->value;
    switch (at) {
    case STATE_AT: (void)take_state(value, &facts->server.state); return 0;
    case STARTED_AT: (void)take_time(value, &facts->server.started); return 0;
    case NAMESPACES_AT: return take_namespaces(value, facts);
    case RATE_AT: take_rate(value, &facts->server.limits.min_sampling_ms); return 0;
    default:
        take_number(value, (uint32_t *)((char *)&facts->server.limits + wanted[at].limit));
        return 0;
    }
}

/* ---- reading ---- */

static struct opcua_call *ask(struct opcua_channel *channel, struct loop *loop, struct list *owner,
                              size_t at, size_t count, int64_t timeout_us, opcua_called_cb called,
                              void *ctx)
{
    UA_ReadValueId nodes[WANTED];
    for (size_t i = 0; i < count; i++) {
        UA_ReadValueId_init(&nodes[i]);
        nodes[i].nodeId = UA_NODEID_NUMERIC(0, wanted[at + i].id);
        nodes[i].attributeId = UA_ATTRIBUTEID_VALUE;
    }
    UA_ReadRequest request;
    UA_ReadRequest_init(&request);
    request.timestampsToReturn = UA_TIMESTAMPSTORETURN_NEITHER;
    request.nodesToRead = nodes;
    request.nodesToReadSize = count;
    return opcua_channel_call(channel, loop, owner, &request, &UA_TYPES[UA_TYPES_READREQUEST],
                              &UA_TYPES[UA_TYPES_READRESPONSE], timeout_us, called, ctx);
}

static void finish(struct opcua_facts_reading *reading, const struct opcua_trouble *trouble)
{
    reading->done(reading->ctx, trouble == NULL ? &reading->facts : NULL, trouble);
    opcua_facts_cancel(reading);
}

static void ask_more(struct opcua_facts_reading *reading);

static void on_read(void *ctx, const void *response, const struct opcua_trouble *trouble)
{
    struct opcua_facts_reading *reading = ctx;
    size_t count = reading->step;
    if (trouble != NULL) {
        if (trouble->status == UA_STATUSCODE_BADTOOMANYOPERATIONS && reading->step > 1) {
            reading->step /= 2;
            ask_more(reading);
        } else {
            finish(reading, trouble);
        }
        return;
    }
    const UA_ReadResponse *read = response;
    static const UA_DataValue nothing;
    for (size_t i = 0; i < count && reading->at < WANTED; i++, reading->at++) {
        int error = take(&reading->facts, reading->at,
                         i < read->resultsSize ? &read->results[i] : &nothing);
        if (error != 0) {
            struct opcua_trouble why;
            opcua_trouble_set(&why, error, 0,
                              "the server names more namespaces than the %d that busbar takes",
                              OPCUA_NAMESPACES_MAX);
            finish(reading, &why);
            return;
        }
    }
    if (reading->at < WANTED) {
        ask_more(reading);
    } else {
        finish(reading, NULL);
    }
}

static void ask_more(struct opcua_facts_reading *reading)
{
    size_t left = WANTED - reading->at;
    size_t count = reading->step < left ? reading->step : left;
    (void)ask(reading->channel, reading->loop, &reading->calls, reading->at, count,
              reading->timeout_us, on_read, reading);
}

struct opcua_facts_reading *opcua_facts_read(struct opcua_channel *channel, struct loop *loop,
                                             int64_t timeout_us, opcua_facts_cb done, void *ctx)
{
    struct opcua_facts_reading *reading = busbar_alloc(sizeof(*reading));
    *reading = (struct opcua_facts_reading){
        .channel = channel,
        .loop = loop,
        .timeout_us = timeout_us,
        .step = WANTED,
        .done = done,
        .ctx = ctx,
    };
    arena_init(&reading->facts.texts, TEXTS_MAX);
    list_init(&reading->calls);
    ask_more(reading);
    return reading;
}

void opcua_facts_cancel(struct opcua_facts_reading *reading)
{
    if (reading == NULL) {
        return;
    }
    while (!list_empty(&reading->calls)) {
        opcua_call_cancel(opcua_call_first(&reading->calls));
    }
    opcua_facts_fini(&reading->facts);
    busbar_free(reading);
}

/* ---- what may change ---- */

struct opcua_call *opcua_facts_ask(struct opcua_channel *channel, struct loop *loop,
                                   struct list *owner, int64_t timeout_us, opcua_called_cb called,
                                   void *ctx)
{
    return ask(channel, loop, owner, STATE_AT, NAMESPACES_AT + 1, timeout_us, called, ctx);
}

static bool same_namespaces(const struct opcua_server_facts *facts, const UA_Variant *value)
{
    if (!UA_Variant_hasArrayType(value, &UA_TYPES[UA_TYPES_STRING]) || value->arrayLength == 0) {
        return true;
    }
    const UA_String *uris = value->data;
    bool same = value->arrayLength == facts->namespace_count;
    for (size_t i = 0; same && i < facts->namespace_count; i++) {
        size_t size = strlen(facts->namespaces[i]);
        same = uris[i].length == size &&
               (size == 0 || memcmp(uris[i].data, facts->namespaces[i], size) == 0);
    }
    return same;
}

bool opcua_facts_answer_same(const struct opcua_facts *facts, const UA_ReadResponse *answer)
{
    UA_ServerState state = facts->server.state;
    UA_DateTime started = facts->server.started;
    if (answer->resultsSize <= NAMESPACES_AT) {
        return true;
    }
    (void)take_state(&answer->results[STATE_AT].value, &state);
    (void)take_time(&answer->results[STARTED_AT].value, &started);
    return state == facts->server.state && started == facts->server.started &&
           same_namespaces(&facts->server, &answer->results[NAMESPACES_AT].value);
}
