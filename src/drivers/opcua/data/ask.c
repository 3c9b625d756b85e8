/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/opcua/data/ask.h"

#include <open62541/statuscodes.h>

#include "base/alloc.h"
#include "base/str.h"

/* A node that has more references than one answer held. */
struct opcua_ask_cursor {
    size_t index;
    UA_ByteString point; /* ours */
    unsigned empty;      /* answers in a row that brought nothing */
};

static void step(struct opcua_ask *ask);

void opcua_ask_init(struct opcua_ask *ask, struct opcua_seat *seat, int64_t timeout_us,
                    const struct opcua_ask_ops *ops, void *ctx)
{
    *ask = (struct opcua_ask){
        .seat = seat, .ops = ops, .ctx = ctx, .timeout_us = timeout_us, .single = SIZE_MAX
    };
}

/* ---- the end ---- */

static void forget(struct opcua_ask *ask)
{
    for (size_t i = 0; i < ask->cursor_count; i++) {
        UA_ByteString_clear(&ask->cursors[i].point);
    }
    for (size_t i = 0; i < ask->unwanted_count; i++) {
        UA_ByteString_clear(&ask->unwanted[i]);
    }
    busbar_free(ask->cursors);
    busbar_free(ask->unwanted);
    busbar_free(ask->again);
    ask->cursors = NULL;
    ask->unwanted = NULL;
    ask->again = NULL;
    ask->cursor_count = ask->unwanted_count = ask->again_count = 0;
    ask->items = NULL;
    ask->descriptions = NULL;
}

static void finish(struct opcua_ask *ask, const struct opcua_trouble *trouble)
{
    forget(ask);
    ask->ops->done(ask->ctx, trouble);
}

/* The answer to the call under way came. False: it was stopped meanwhile, nobody wants it. */
static bool answered(struct opcua_ask *ask)
{
    ask->call = NULL;
    return ask->items != NULL || ask->descriptions != NULL;
}

static void broken(struct opcua_ask *ask, const char *what)
{
    struct opcua_trouble trouble = { .error = BUSBAR_EPROTO };
    str_format(trouble.detail, sizeof(trouble.detail),
               "the server answered wrongly when it was asked what it has: %s", what);
    finish(ask, &trouble);
}

/* ---- sizes ---- */

static void set_most(struct opcua_ask *ask, size_t cap)
{
    const struct opcua_server_facts *facts = opcua_seat_facts(ask->seat);
    uint32_t told = 0;
    if (facts != NULL) {
        told = ask->items != NULL ? facts->limits.nodes_per_read : facts->limits.nodes_per_browse;
    }
    ask->most = told > 0 && told < cap ? told : cap;
}

/* Too much at once: half of it. False: it was one alone. */
static bool halve(struct opcua_ask *ask, size_t sent)
{
    const struct opcua_server_facts *facts = opcua_seat_facts(ask->seat);
    if (sent <= 1) {
        return false;
    }
    ask->most = sent / 2;
    if (facts != NULL) {
        const struct opcua_server_limits *limits = &facts->limits;
        opcua_seat_learn(ask->seat,
                         ask->items != NULL ? &limits->nodes_per_read : &limits->nodes_per_browse,
                         (uint32_t)ask->most);
    }
    return true;
}

/* ---- reading ---- */

static void read_answered(void *ctx, const void *answer, const struct opcua_trouble *trouble)
{
    struct opcua_ask *ask = ctx;
    const UA_ReadResponse *response = answer;
    size_t first = ask->at;
    if (!answered(ask)) {
        return;
    }
    if (trouble != NULL) {
        UA_DataValue refused = { .hasStatus = true, .status = trouble->status };
        if (trouble->error != BUSBAR_ETOOBIG) {
            finish(ask, trouble);
            return;
        }
        if (!halve(ask, ask->sent)) {
            ask->ops->value(ask->ctx, ask->at++, &refused);
        }
        step(ask);
        return;
    }
    if (response->resultsSize != ask->sent) {
        broken(ask, "another number of values than it was asked for");
        return;
    }
    ask->at += ask->sent;
    for (size_t i = 0; i < ask->sent; i++) {
        ask->ops->value(ask->ctx, first + i, &response->results[i]);
    }
    step(ask);
}

static void read_some(struct opcua_ask *ask)
{
    size_t left = ask->count - ask->at;
    ask->sent = left < ask->most ? left : ask->most;
    UA_ReadValueId *ids = busbar_alloc_array(ask->sent, sizeof(*ids));
    for (size_t i = 0; i < ask->sent; i++) {
        ids[i].nodeId = *ask->items[ask->at + i].node;
        ids[i].attributeId = ask->items[ask->at + i].attribute;
    }
    UA_ReadRequest request;
    UA_ReadRequest_init(&request);
    request.timestampsToReturn = UA_TIMESTAMPSTORETURN_SOURCE;
    request.nodesToRead = ids;
    request.nodesToReadSize = ask->sent;
    ask->call = opcua_call(ask->seat, &request, &UA_TYPES[UA_TYPES_READREQUEST],
                           &UA_TYPES[UA_TYPES_READRESPONSE], ask->timeout_us, read_answered, ask);
    busbar_free(ids);
}

/* ---- browsing ---- */

static void not_wanted(struct opcua_ask *ask, UA_ByteString *point)
{
    ask->unwanted = busbar_realloc(ask->unwanted,
                                   (ask->unwanted_count + 1) * sizeof(*ask->unwanted));
    ask->unwanted[ask->unwanted_count++] = *point;
    *point = UA_BYTESTRING_NULL;
}

/* Takes the point over from the answer. */
static UA_ByteString take_point(const UA_BrowseResult *result)
{
    UA_ByteString *from = (UA_ByteString *)&result->continuationPoint;
    UA_ByteString point = *from;
    *from = UA_BYTESTRING_NULL;
    return point;
}

/* What one node told. True: there is more to come, by the point. */
static bool take_result(struct opcua_ask *ask, size_t index, const UA_BrowseResult *result,
                        UA_ByteString *point)
{
    bool more = result->continuationPoint.length > 0;
    *point = UA_BYTESTRING_NULL;
    for (size_t i = 0; i < result->referencesSize; i++) {
        if (!ask->ops->reference(ask->ctx, index, &result->references[i])) {
            if (more) {
                UA_ByteString unwanted = take_point(result);
                not_wanted(ask, &unwanted);
            }
            return false;
        }
    }
    if (more) {
        *point = take_point(result);
    }
    return more;
}

static void take_first(struct opcua_ask *ask, size_t index, const UA_BrowseResult *result)
{
    UA_ByteString point;
    if (result->statusCode == UA_STATUSCODE_BADNOCONTINUATIONPOINTS && ask->single == SIZE_MAX) {
        ask->again = busbar_realloc(ask->again, (ask->again_count + 1) * sizeof(*ask->again));
        ask->again[ask->again_count++] = index;
    } else if ((result->statusCode & 0x80000000U) != 0) {
        ask->ops->refused(ask->ctx, index, result->statusCode);
    } else if (take_result(ask, index, result, &point)) {
        ask->cursors = busbar_realloc(ask->cursors,
                                      (ask->cursor_count + 1) * sizeof(*ask->cursors));
        ask->cursors[ask->cursor_count++] = (struct opcua_ask_cursor){ .index = index,
                                                                       .point = point };
    }
}

static void next_page(struct opcua_ask *ask)
{
    if (ask->ops->page == NULL || ask->ops->page(ask->ctx)) {
        step(ask);
    }
}

/* The whole call was refused. True: it was for its size, and less is asked. */
static bool try_less(struct opcua_ask *ask, const struct opcua_trouble *trouble)
{
    return trouble->error == BUSBAR_ETOOBIG && halve(ask, ask->sent);
}

static void browse_answered(void *ctx, const void *answer, const struct opcua_trouble *trouble)
{
    struct opcua_ask *ask = ctx;
    const UA_BrowseResponse *response = answer;
    size_t first = ask->at;
    bool single = ask->single != SIZE_MAX;
    if (!answered(ask)) {
        return;
    }
    if (trouble != NULL) {
        if (single || !try_less(ask, trouble)) {
            finish(ask, trouble);
            return;
        }
        step(ask);
        return;
    }
    if (response->resultsSize != ask->sent) {
        broken(ask, "another number of nodes than it was asked for");
        return;
    }
    ask->at += single ? 0 : ask->sent;
    for (size_t i = 0; i < ask->sent; i++) {
        take_first(ask, single ? ask->single : first + i, &response->results[i]);
    }
    ask->single = SIZE_MAX;
    next_page(ask);
}

static void browse_some(struct opcua_ask *ask)
{
    size_t left = ask->count - ask->at;
    UA_BrowseRequest request;
    UA_BrowseRequest_init(&request);
    if (left > 0) {
        ask->sent = left < ask->most ? left : ask->most;
        request.nodesToBrowse = (UA_BrowseDescription *)&ask->descriptions[ask->at];
    } else {
        ask->single = ask->again[--ask->again_count];
        ask->sent = 1;
        request.nodesToBrowse = (UA_BrowseDescription *)&ask->descriptions[ask->single];
    }
    request.nodesToBrowseSize = ask->sent;
    request.requestedMaxReferencesPerNode = ask->references_max;
    ask->call = opcua_call(ask->seat, &request, &UA_TYPES[UA_TYPES_BROWSEREQUEST],
                           &UA_TYPES[UA_TYPES_BROWSERESPONSE], ask->timeout_us, browse_answered,
                           ask);
}

/* ---- and what did not fit into the first answer ---- */

/* What a cursor brought. True: it goes on. */
static bool take_more(struct opcua_ask *ask, struct opcua_ask_cursor *cursor,
                      const UA_BrowseResult *result)
{
    UA_ByteString point;
    UA_ByteString_clear(&cursor->point);
    if ((result->statusCode & 0x80000000U) != 0) {
        ask->ops->refused(ask->ctx, cursor->index, result->statusCode);
        return false;
    }
    cursor->empty = result->referencesSize == 0 ? cursor->empty + 1 : 0;
    bool more = take_result(ask, cursor->index, result, &point);
    if (more && cursor->empty > OPCUA_ASK_EMPTY_MAX) {
        ask->ops->refused(ask->ctx, cursor->index, UA_STATUSCODE_BADCONTINUATIONPOINTINVALID);
        not_wanted(ask, &point);
        return false;
    }
    cursor->point = point;
    return more;
}

static void more_answered(void *ctx, const void *answer, const struct opcua_trouble *trouble)
{
    struct opcua_ask *ask = ctx;
    const UA_BrowseNextResponse *response = answer;
    size_t kept = 0;
    if (!answered(ask)) {
        return;
    }
    if (trouble != NULL) {
        if (!try_less(ask, trouble)) {
            finish(ask, trouble);
            return;
        }
        step(ask);
        return;
    }
    if (response->resultsSize != ask->sent) {
        broken(ask, "another number of nodes than it was asked for");
        return;
    }
    for (size_t i = 0; i < ask->cursor_count; i++) {
        if (i >= ask->sent || take_more(ask, &ask->cursors[i], &response->results[i])) {
            ask->cursors[kept++] = ask->cursors[i];
        }
    }
    ask->cursor_count = kept;
    next_page(ask);
}

static void given_back(void *ctx, const void *answer, const struct opcua_trouble *trouble)
{
    struct opcua_ask *ask = ctx;
    (void)answer;
    (void)trouble; /* the server forgets them with the session */
    if (!answered(ask)) {
        return;
    }
    step(ask);
}

static struct opcua_call *send_points(struct opcua_ask *ask, UA_ByteString *points, size_t count,
                                      bool release, opcua_called_cb called)
{
    UA_BrowseNextRequest request;
    UA_BrowseNextRequest_init(&request);
    request.releaseContinuationPoints = release;
    request.continuationPoints = points;
    request.continuationPointsSize = count;
    return opcua_call(ask->seat, &request, &UA_TYPES[UA_TYPES_BROWSENEXTREQUEST],
                      &UA_TYPES[UA_TYPES_BROWSENEXTRESPONSE], ask->timeout_us, called, ask);
}

static void browse_more(struct opcua_ask *ask)
{
    ask->sent = ask->cursor_count < ask->most ? ask->cursor_count : ask->most;
    UA_ByteString *points = busbar_alloc_array(ask->sent, sizeof(*points));
    for (size_t i = 0; i < ask->sent; i++) {
        points[i] = ask->cursors[i].point;
    }
    ask->call = send_points(ask, points, ask->sent, false, more_answered);
    busbar_free(points);
}

static void give_back(struct opcua_ask *ask, opcua_called_cb called)
{
    ask->call = send_points(ask, ask->unwanted, ask->unwanted_count, true, called);
    for (size_t i = 0; i < ask->unwanted_count; i++) {
        UA_ByteString_clear(&ask->unwanted[i]);
    }
    ask->unwanted_count = 0;
}

/* ---- calls ---- */

static void step(struct opcua_ask *ask)
{
    if (ask->unwanted_count > 0) {
        give_back(ask, given_back);
    } else if (ask->cursor_count > 0) {
        browse_more(ask);
    } else if (ask->items != NULL && ask->at < ask->count) {
        read_some(ask);
    } else if (ask->descriptions != NULL && (ask->at < ask->count || ask->again_count > 0)) {
        browse_some(ask);
    } else {
        finish(ask, NULL);
    }
}

static void begin(struct opcua_ask *ask, size_t count, size_t cap)
{
    ask->count = count;
    ask->at = 0;
    ask->single = SIZE_MAX;
    set_most(ask, cap);
    step(ask);
}

void opcua_ask_read(struct opcua_ask *ask, const struct opcua_ask_item *items, size_t count)
{
    ask->items = items;
    begin(ask, count, OPCUA_ASK_READ_MAX);
}

void opcua_ask_browse(struct opcua_ask *ask, const UA_BrowseDescription *descriptions, size_t count,
                      uint32_t references_max)
{
    ask->descriptions = descriptions;
    ask->references_max = references_max;
    begin(ask, count, OPCUA_ASK_BROWSE_MAX);
}

void opcua_ask_go_on(struct opcua_ask *ask)
{
    step(ask);
}

static void late(void *ctx, const void *answer, const struct opcua_trouble *trouble)
{
    (void)ctx;
    (void)answer;
    (void)trouble;
}

void opcua_ask_stop(struct opcua_ask *ask)
{
    opcua_call_cancel(ask->call);
    ask->call = NULL;
    for (size_t i = 0; i < ask->cursor_count; i++) {
        not_wanted(ask, &ask->cursors[i].point);
    }
    if (ask->unwanted_count > 0 && opcua_seat_facts(ask->seat) != NULL) {
        give_back(ask, late);
        opcua_call_cancel(ask->call);
        ask->call = NULL;
    }
    forget(ask);
}
