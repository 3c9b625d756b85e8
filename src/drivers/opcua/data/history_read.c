/* SPDX-License-Identifier: Apache-2.0 */
/* HistoryRead: the calls and their answers. */
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "drivers/opcua/data/history_private.h"
#include "drivers/opcua/text/status.h"

enum {
    CURRENT_TIME = 2258, /* Server_ServerStatus_CurrentTime */
    EMPTY_MAX = 16,      /* answers without a value before a server is not believed any more */
    TRIES_MAX = 6,
    EACH_MIN = 10,
};

static const int64_t slack_us = INT64_C(10) * 1000000; /* clocks and network */

/* ---- the server's clock ---- */

static void clock_told(void *ctx, const void *response, const struct opcua_trouble *trouble)
{
    struct opcua_history *history = ctx;
    const UA_ReadResponse *read = response;
    history->call = NULL;
    int64_t server_us = 0;
    if (trouble == NULL && read->resultsSize == 1 && read->results[0].hasValue &&
        UA_Variant_hasScalarType(&read->results[0].value, &UA_TYPES[UA_TYPES_DATETIME])) {
        server_us = opcua_time_us(*(const UA_DateTime *)read->results[0].value.data);
    }
    history->shift_us = server_us > 0 ? server_us - clock_wall_us() : 0;
    history->clock_known = true;
    history_went_on(history, 0);
}

void history_ask_clock(struct opcua_history *history)
{
    UA_ReadRequest request;
    UA_ReadValueId id;
    UA_ReadRequest_init(&request);
    UA_ReadValueId_init(&id);
    id.nodeId = UA_NODEID_NUMERIC(0, CURRENT_TIME);
    id.attributeId = UA_ATTRIBUTEID_VALUE;
    request.timestampsToReturn = UA_TIMESTAMPSTORETURN_NEITHER;
    request.nodesToRead = &id;
    request.nodesToReadSize = 1;
    history->call = opcua_peer_call(history->peer, &request, &UA_TYPES[UA_TYPES_READREQUEST],
                                    &UA_TYPES[UA_TYPES_READRESPONSE], clock_told, history);
}

/* ---- answers ---- */

static const struct opcua_address *address_of(const struct opcua_history *history, size_t at)
{
    return &opcua_peer_config(history->peer)->addresses[history->points[at]];
}

static void refuse(struct opcua_history *history, const struct history_node *node,
                   UA_StatusCode status)
{
    if (!history->refused[node->at]) {
        history->refused[node->at] = true;
        history->refused_why = history->refused_new == 0 ? status : history->refused_why;
        history->refused_new++;
    }
}

/* What lies outside of what was asked for is not taken. */
static void take_values(struct opcua_history *history, struct history_node *node,
                        const UA_HistoryData *data, struct opcua_batch *batch)
{
    const struct history_hole *hole = &history->holes[0];
    const struct opcua_address *address = address_of(history, node->at);
    for (size_t i = 0; i < data->dataValuesSize; i++) {
        struct sample sample = { 0 };
        opcua_sample(&data->dataValues[i], &address->want, opcua_peer_types(history->peer),
                     &batch->texts, &sample);
        history->untyped = history->untyped || sample.detail == OPCUA_FOUND_LOADING;
        if (sample.time_us >= hole->from_us + history->shift_us - slack_us &&
            sample.time_us <= hole->until_us + history->shift_us + slack_us &&
            sample.detail != OPCUA_FOUND_LOADING) {
            sample.receive_us = clock_wall_us();
            *opcua_batch_next(batch, history->points[node->at]) = sample;
        }
    }
    node->taken += (uint32_t)data->dataValuesSize;
    node->empty = data->dataValuesSize > 0 ? 0 : node->empty + 1;
}

static const UA_HistoryData *values_of(const UA_HistoryReadResult *result)
{
    const UA_ExtensionObject *object = &result->historyData;
    bool decoded = object->encoding == UA_EXTENSIONOBJECT_DECODED ||
                   object->encoding == UA_EXTENSIONOBJECT_DECODED_NODELETE;
    if (!decoded || object->content.decoded.type != &UA_TYPES[UA_TYPES_HISTORYDATA]) {
        return NULL;
    }
    return object->content.decoded.data;
}

/* True: there is more of this node. */
static bool take_result(struct opcua_history *history, struct history_node *node,
                        const UA_HistoryReadResult *result, struct opcua_batch *batch)
{
    UA_ByteString_clear(&node->continuation);
    const UA_HistoryData *data = values_of(result);
    if (result->statusCode == UA_STATUSCODE_BADNODATA) {
        return false;
    }
    if (opcua_status_bad(result->statusCode)) {
        refuse(history, node, result->statusCode);
        return false;
    }
    if (data != NULL) {
        take_values(history, node, data, batch);
    } else {
        node->empty++;
    }
    if (result->continuationPoint.length == 0) {
        return false;
    }
    return UA_ByteString_copy(&result->continuationPoint, &node->continuation) ==
           UA_STATUSCODE_GOOD;
}

/* The server cannot keep the place of so many nodes at once: fewer, from the beginning of the group. */
static bool out_of_places(const UA_HistoryReadResponse *response, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        UA_StatusCode status = response->results[i].statusCode;
        if (status == UA_STATUSCODE_BADNOCONTINUATIONPOINTS ||
            status == UA_STATUSCODE_BADCONTINUATIONPOINTINVALID) {
            return true;
        }
    }
    return false;
}

static size_t count_values(const UA_HistoryReadResponse *response, size_t count)
{
    size_t values = 0;
    for (size_t i = 0; i < count; i++) {
        const UA_HistoryData *data = values_of(&response->results[i]);
        values += data != NULL ? data->dataValuesSize : 0;
    }
    return values;
}

static void take(struct opcua_history *history, const UA_HistoryReadResponse *response)
{
    size_t count = response->resultsSize < history->node_count ? response->resultsSize
                                                               : history->node_count;
    size_t values = count_values(response, count);
    size_t kept = 0;
    struct opcua_batch *batch = opcua_batch_new(history->peer, values, NULL);
    batch->history = true;
    batch->done = history_stored;
    batch->owner = history;
    batch->place = history->first;
    for (size_t i = 0; i < history->node_count; i++) {
        struct history_node node = history->nodes[i];
        bool more = i < count && take_result(history, &node, &response->results[i], batch);
        if (i >= count) {
            refuse(history, &node, UA_STATUSCODE_BADUNKNOWNRESPONSE);
        }
        if (more && node.empty < EMPTY_MAX && node.taken < OPCUA_HISTORY_NODE_MAX) {
            history->nodes[kept++] = node;
        } else {
            UA_ByteString_clear(&node.continuation);
        }
    }
    history->node_count = kept;
    opcua_peer_say(history->peer, false, "history: %zu values of %zu nodes, %zu have more", values,
                   count, kept);
    history->tries = 0;
    history_went_on(history, values);
    history->storing++;
    opcua_batch_send(batch);
}

/* The group again from its beginning, less at once. False: that cannot be. */
static bool again_with_less(struct opcua_history *history)
{
    if (history->tries++ >= TRIES_MAX) {
        return false;
    }
    if (history->most > 1) {
        history->most = (history->node_count > 1 ? history->node_count : history->most) / 2;
        history->most = history->most > 0 ? history->most : 1;
    } else if (history->each > EACH_MIN) {
        history->each /= 2;
    }
    history_release(history);
    history->holes[0].next = history->first;
    return true;
}

static void told(void *ctx, const void *answer, const struct opcua_trouble *trouble)
{
    struct opcua_history *history = ctx;
    const UA_HistoryReadResponse *response = answer;
    history->call = NULL;
    if (trouble == NULL) {
        size_t count = response->resultsSize < history->node_count ? response->resultsSize
                                                                   : history->node_count;
        if (out_of_places(response, count) && again_with_less(history)) {
            history_went_on(history, 0);
        } else {
            take(history, response);
        }
    } else if (opcua_trouble_lost(trouble)) {
        return; /* down() follows */
    } else if ((trouble->error == BUSBAR_ETOOBIG || trouble->error == BUSBAR_ETIMEOUT) &&
               again_with_less(history)) {
        history_went_on(history, 0);
    } else {
        history_refused(history, trouble);
    }
}

/* ---- calls ---- */

static UA_String range_of(const struct opcua_address *address)
{
    UA_String range = UA_STRING_NULL;
    if (address->range != NULL) {
        range.length = strlen(address->range);
        memcpy(&range.data, &address->range, sizeof(range.data));
    }
    return range;
}

/* How many of the nodes are in the request; what the server does not have now is passed over. */
static size_t fill_nodes(struct opcua_history *history, UA_HistoryReadValueId *ids)
{
    size_t kept = 0;
    for (size_t i = 0; i < history->node_count; i++) {
        const struct opcua_address *address = address_of(history, history->nodes[i].at);
        UA_HistoryReadValueId_init(&ids[kept]);
        if (opcua_peer_node(history->peer, &address->node, &ids[kept].nodeId) != 0) {
            UA_ByteString_clear(&history->nodes[i].continuation);
            continue;
        }
        history->nodes[kept] = history->nodes[i];
        ids[kept].indexRange = range_of(address);
        ids[kept].continuationPoint = history->nodes[kept].continuation;
        kept++;
    }
    history->node_count = kept;
    return kept;
}

static void send(struct opcua_history *history, bool release, opcua_called_cb called, void *ctx)
{
    UA_HistoryReadValueId ids[OPCUA_HISTORY_NODES];
    UA_ReadRawModifiedDetails details;
    UA_HistoryReadRequest request;
    const struct history_hole *hole = &history->holes[0];
    UA_ReadRawModifiedDetails_init(&details);
    UA_HistoryReadRequest_init(&request);
    details.startTime = opcua_time_of(hole->from_us + history->shift_us);
    details.endTime = opcua_time_of(hole->until_us + history->shift_us);
    details.numValuesPerNode = history->each;
    UA_ExtensionObject_setValueNoDelete(&request.historyReadDetails, &details,
                                        &UA_TYPES[UA_TYPES_READRAWMODIFIEDDETAILS]);
    request.timestampsToReturn = UA_TIMESTAMPSTORETURN_SOURCE;
    request.releaseContinuationPoints = release;
    request.nodesToRead = ids;
    request.nodesToReadSize = fill_nodes(history, ids);
    if (request.nodesToReadSize == 0) {
        return;
    }
    struct opcua_call *call = opcua_peer_call(history->peer, &request,
                                              &UA_TYPES[UA_TYPES_HISTORYREADREQUEST],
                                              &UA_TYPES[UA_TYPES_HISTORYREADRESPONSE], called, ctx);
    if (!release) {
        history->call = call;
        opcua_peer_say(history->peer, true, "read history of %zu nodes, up to %u values each",
                       request.nodesToReadSize, (unsigned)history->each);
    }
}

void history_ask(struct opcua_history *history)
{
    send(history, false, told, history);
    if (history->call == NULL) {
        history_went_on(history, 0);
    }
}

static void released(void *ctx, const void *response, const struct opcua_trouble *trouble)
{
    (void)ctx;
    (void)response;
    (void)trouble;
}

void history_release(struct opcua_history *history)
{
    size_t kept = 0;
    for (size_t i = 0; i < history->node_count; i++) {
        if (history->nodes[i].continuation.length > 0) {
            history->nodes[kept++] = history->nodes[i];
        }
    }
    history->node_count = kept;
    if (kept > 0 && history->up) {
        send(history, true, released, NULL);
    }
    for (size_t i = 0; i < history->node_count; i++) {
        UA_ByteString_clear(&history->nodes[i].continuation);
    }
    history->node_count = 0;
}
