/* SPDX-License-Identifier: Apache-2.0 */
/* Acknowledge and Confirm (Part 9, 5.7.3 and 5.7.4): methods of the condition, with the EventId of the newest event of it. */
#include <string.h>

#include "base/alloc.h"
#include "base/base64.h"
#include "drivers/opcua/data/alarm.h"
#include "drivers/opcua/text/status.h"

enum { METHOD_ACKNOWLEDGE = 9111, METHOD_CONFIRM = 9113 /* Part 6, annex A: NodeIds.csv */ };

static void answer(struct opcua_ack *ack, int error, UA_StatusCode status)
{
    ack->error = error;
    ack->detail = opcua_status_detail(status);
    ack->answered(ack);
}

/* The server knows nothing of it, and has told all it has: it is over. */
static bool is_gone(struct opcua_alarms *alarms, const struct opcua_ack *ack, UA_StatusCode status)
{
    bool unknown = status == UA_STATUSCODE_BADEVENTIDUNKNOWN ||
                   status == UA_STATUSCODE_BADNODEIDUNKNOWN ||
                   status == UA_STATUSCODE_BADNODEIDINVALID;
    return unknown && alarms->refreshed && opcua_condition_find(alarms, ack->key) == NULL;
}

static void called(void *ctx, const void *response, const struct opcua_trouble *trouble)
{
    struct opcua_ack *ack = ctx;
    struct opcua_alarms *alarms = opcua_alarms_of(ack->peer);
    const UA_CallResponse *reply = response;
    list_remove(&ack->link);
    ack->call = NULL;
    if (reply == NULL) {
        answer(ack, trouble->error != 0 ? trouble->error : BUSBAR_ENOTCONN, trouble->status);
        return;
    }
    UA_StatusCode status = reply->resultsSize == 1 ? reply->results[0].statusCode
                                                   : UA_STATUSCODE_BADUNEXPECTEDERROR;
    const char *name = opcua_status_name(status);
    opcua_peer_say(ack->peer, false, "%s: %s", ack->confirming ? "Confirm" : "Acknowledge",
                   name != NULL ? name : "answered");
    if (!opcua_status_bad(status) || status == UA_STATUSCODE_BADCONDITIONBRANCHALREADYACKED ||
        status == UA_STATUSCODE_BADCONDITIONBRANCHALREADYCONFIRMED) {
        answer(ack, 0, 0);
    } else if (is_gone(alarms, ack, status)) {
        opcua_condition_close(alarms, ack->key, "", NULL);
        answer(ack, 0, 0);
    } else {
        opcua_alarms_refresh(alarms); /* it is not as we think */
        answer(ack, BUSBAR_EREFUSED, status);
    }
}

static void send_method(struct opcua_ack *ack, struct opcua_alarms *alarms,
                        const UA_NodeId *condition, UA_ByteString id)
{
    UA_LocalizedText comment = { .text = UA_STRING((char *)(uintptr_t)ack->comment) };
    UA_Variant arguments[2];
    UA_CallMethodRequest method;
    UA_CallRequest request;
    UA_Variant_init(&arguments[0]);
    UA_Variant_init(&arguments[1]);
    UA_Variant_setScalar(&arguments[0], &id, &UA_TYPES[UA_TYPES_BYTESTRING]);
    UA_Variant_setScalar(&arguments[1], &comment, &UA_TYPES[UA_TYPES_LOCALIZEDTEXT]);
    UA_CallMethodRequest_init(&method);
    method.objectId = *condition;
    method.methodId = UA_NODEID_NUMERIC(0, ack->confirming ? METHOD_CONFIRM : METHOD_ACKNOWLEDGE);
    method.inputArguments = arguments;
    method.inputArgumentsSize = 2;
    UA_CallRequest_init(&request);
    request.methodsToCall = &method;
    request.methodsToCallSize = 1;
    opcua_peer_say(ack->peer, true, "%s %s", ack->confirming ? "Confirm" : "Acknowledge",
                   ack->condition);
    list_append(&alarms->acks, &ack->link);
    ack->call = opcua_peer_call(ack->peer, &request, &UA_TYPES[UA_TYPES_CALLREQUEST],
                                &UA_TYPES[UA_TYPES_CALLRESPONSE], called, ack);
}

/* The EventId: of the newest event that is known, else of the one in the journal. */
static bool event_id(const struct opcua_ack *ack, const struct opcua_condition *known,
                     uint8_t bytes[OPCUA_EVENT_ID_MAX], UA_ByteString *out)
{
    size_t size = 0;
    if (known != NULL && known->id_size > 0) {
        size = known->id_size;
        memcpy(bytes, known->id, size);
    } else if (base64_decode(ack->event_id, strlen(ack->event_id), bytes, OPCUA_EVENT_ID_MAX,
                             &size) != 0) {
        return false;
    }
    *out = (UA_ByteString){ .length = size, .data = bytes };
    return size > 0;
}

void opcua_alarm_ack(void *ctx)
{
    struct opcua_ack *ack = ctx;
    struct opcua_alarms *alarms = opcua_alarms_of(ack->peer);
    struct opcua_condition *known = alarms != NULL ? opcua_condition_find(alarms, ack->key) : NULL;
    uint8_t bytes[OPCUA_EVENT_ID_MAX];
    UA_ByteString id = UA_BYTESTRING_NULL;
    struct arena arena;
    struct opcua_id parsed;
    const char *uri = NULL;
    UA_NodeId condition;
    if (alarms == NULL || alarms->stopping || opcua_peer_facts(ack->peer) == NULL) {
        answer(ack, BUSBAR_ENOTCONN, 0);
        return;
    }
    ack->confirming = known != NULL ? known->states.acked == OPCUA_YES : ack->acked;
    if (known != NULL && ack->confirming && known->states.confirmed != OPCUA_NO) {
        answer(ack, 0, 0); /* somebody else did it, just now */
        return;
    }
    arena_init(&arena, 0);
    if (!event_id(ack, known, bytes, &id) ||
        opcua_id_parse(ack->condition, &arena, &uri, &parsed, NULL) != 0 ||
        opcua_peer_node(ack->peer, &parsed, &condition) != 0) {
        answer(ack, BUSBAR_EREFUSED, UA_STATUSCODE_BADNODEIDUNKNOWN);
    } else {
        send_method(ack, alarms, &condition, id);
    }
    arena_fini(&arena);
}

void opcua_acks_stop(struct opcua_alarms *alarms)
{
    while (!list_empty(&alarms->acks)) {
        struct opcua_ack *ack = list_entry(alarms->acks.next, struct opcua_ack, link);
        opcua_call_cancel(ack->call);
        list_remove(&ack->link);
        answer(ack, BUSBAR_ECANCELED, 0);
    }
}
