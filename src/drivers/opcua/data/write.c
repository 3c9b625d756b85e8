/* SPDX-License-Identifier: Apache-2.0 */
/* Writes (see access.h). What a node takes is asked for once (DataType, ValueRank, and its value, for data types that say
 * little) and kept while the link is up; then the value is made so and written. A write is sent once: when its answer is
 * lost nobody knows whether it was taken. */
#include "base/alloc.h"
#include "drivers/opcua/data/access_private.h"
#include "drivers/opcua/text/status.h"

enum { TYPES_MAX = 4096, ASKED = 3, ASKED_AGAIN_MAX = 3 };

/* What a node is written as. */
struct write_type {
    struct list link; /* accesses->types */
    uint32_t point;
    UA_NodeId data_type;  /* its attribute */
    UA_NodeId value_type; /* of the value it has; null: none */
    int32_t value_rank;
};

/* A write under way. */
struct write_call {
    struct opcua_accesses *accesses;
    struct opcua_access *access;
    struct opcua_call *call;
    size_t at;      /* the point that is asked for */
    bool waiting;   /* for the definition of a type */
    unsigned asked; /* times that what its nodes take was forgotten, and asked for again */
    size_t count;
    UA_WriteValue values[];
};

static struct write_type *find_type(const struct opcua_accesses *accesses, uint32_t point)
{
    list_each(at, &accesses->types) {
        struct write_type *type = list_entry(at, struct write_type, link);
        if (type->point == point) {
            return type;
        }
    }
    return NULL;
}

static void free_type(struct opcua_accesses *accesses, struct write_type *type)
{
    list_remove(&type->link);
    accesses->type_count--;
    UA_NodeId_clear(&type->data_type);
    UA_NodeId_clear(&type->value_type);
    busbar_free(type);
}

void opcua_write_forget(struct opcua_accesses *accesses)
{
    while (!list_empty(&accesses->types)) {
        free_type(accesses, list_entry(accesses->types.next, struct write_type, link));
    }
}

static void free_call(struct write_call *call)
{
    for (size_t i = 0; i < call->count; i++) {
        UA_Variant_clear(&call->values[i].value.value);
    }
    call->access->plan = NULL;
    busbar_free(call);
}

void opcua_write_drop(struct opcua_access *access)
{
    struct write_call *call = access->plan;
    if (call != NULL) {
        opcua_call_cancel(call->call);
        free_call(call);
    }
}

static void end(struct write_call *call, int error, uint32_t status, const char *words)
{
    struct opcua_access *access = call->access;
    free_call(call);
    opcua_access_answer(access, error, opcua_status_detail(status), words);
}

/* ---- writing ---- */

static void written(void *ctx, const void *answer, const struct opcua_trouble *trouble)
{
    struct write_call *call = ctx;
    struct opcua_peer *peer = call->access->peer;
    const UA_WriteResponse *response = answer;
    call->call = NULL;
    if (response == NULL) {
        opcua_peer_say(peer, false, "Write: %s", trouble->detail);
        end(call, trouble->error, trouble->status, trouble->detail);
        return;
    }
    for (size_t i = 0; i < call->access->count; i++) {
        UA_StatusCode status = i < response->resultsSize ? response->results[i]
                                                         : UA_STATUSCODE_BADUNEXPECTEDERROR;
        if (opcua_status_bad(status)) {
            const char *name = opcua_status_name(status);
            opcua_peer_say(peer, false, "Write: %s", name != NULL ? name : "refused");
            end(call, BUSBAR_EREFUSED, status, opcua_status_words(status));
            return;
        }
    }
    opcua_peer_say(peer, false, "Write: good");
    end(call, 0, 0, NULL);
}

static int make_value(struct write_call *call, size_t index)
{
    struct opcua_access *access = call->access;
    const struct opcua_address *address =
        &opcua_peer_config(access->peer)->addresses[access->points[index]];
    const struct write_type *type = find_type(call->accesses, access->points[index]);
    struct opcua_types *types = opcua_peer_types(access->peer);
    UA_WriteValue *to = &call->values[index];
    if (type == NULL) { /* forgotten meanwhile: the server has changed */
        return BUSBAR_ENOENT;
    }
    int error = opcua_variant(&access->samples[index], &address->want, &type->data_type,
                              &type->value_type, type->value_rank, types, &to->value.value);
    if (error != 0) {
        return error;
    }
    to->value.hasValue = true;
    to->attributeId = address->attribute;
    to->indexRange = opcua_borrowed(address->range);
    return opcua_peer_node(access->peer, &address->node, &to->nodeId);
}

static const char *value_words(int error)
{
    switch (error) {
    case BUSBAR_ERANGE: return "the value does not fit the node's data type";
    case BUSBAR_EINVAL: return "the text is no value of the node's data type";
    case BUSBAR_EUNSUPPORTED: return "values of the node's data type cannot be written by hand";
    case BUSBAR_EWRONGTYPE: return "the value is of another kind than the node's data type";
    default: return err_text(error);
    }
}

static void next(struct write_call *call);

static void write_now(struct write_call *call)
{
    struct opcua_access *access = call->access;
    call->waiting = false;
    for (; call->count < access->count; call->count++) {
        UA_WriteValue_init(&call->values[call->count]);
        int error = make_value(call, call->count);
        if (error == BUSBAR_EAGAIN) { /* how its type is built is being asked for */
            call->waiting = true;
            return;
        }
        if (error == BUSBAR_ENOENT && call->asked++ < ASKED_AGAIN_MAX) {
            call->at = 0;
            next(call);
            return;
        }
        if (error != 0) {
            UA_Variant_clear(&call->values[call->count].value.value);
            end(call, error, 0, value_words(error));
            return;
        }
    }
    UA_WriteRequest request;
    UA_WriteRequest_init(&request);
    request.nodesToWrite = call->values;
    request.nodesToWriteSize = call->count;
    opcua_peer_say(access->peer, true, "Write: %zu nodes, the first as %s", call->count,
                   call->values[0].value.value.type != NULL
                       ? call->values[0].value.value.type->typeName
                       : "null");
    call->call = opcua_peer_call(access->peer, &request, &UA_TYPES[UA_TYPES_WRITEREQUEST],
                                 &UA_TYPES[UA_TYPES_WRITERESPONSE], written, call);
}

void opcua_write_typed(struct opcua_accesses *accesses)
{
    list_each_safe(at, &accesses->writes) {
        struct write_call *call = list_entry(at, struct opcua_access, link)->plan;
        if (call != NULL && call->waiting) {
            write_now(call);
        }
    }
}

/* ---- what a node takes ---- */

static void take_type(struct write_call *call, const UA_ReadResponse *response)
{
    struct opcua_accesses *accesses = call->accesses;
    const UA_Variant *data_type = &response->results[0].value;
    const UA_Variant *rank = &response->results[1].value;
    const UA_Variant *value = &response->results[2].value;
    struct write_type *type = busbar_alloc(sizeof(*type));
    if (accesses->type_count == TYPES_MAX) {
        free_type(accesses, list_entry(accesses->types.next, struct write_type, link));
    }
    list_append(&accesses->types, &type->link);
    accesses->type_count++;
    type->point = call->access->points[call->at];
    type->value_rank = UA_VALUERANK_ANY;
    if (UA_Variant_hasScalarType(data_type, &UA_TYPES[UA_TYPES_NODEID])) {
        (void)UA_NodeId_copy(data_type->data, &type->data_type);
    }
    if (UA_Variant_hasScalarType(rank, &UA_TYPES[UA_TYPES_INT32])) {
        type->value_rank = *(const UA_Int32 *)rank->data;
    }
    if (value->type != NULL) {
        (void)UA_NodeId_copy(&value->type->typeId, &type->value_type);
    }
}

static void asked(void *ctx, const void *answer, const struct opcua_trouble *trouble)
{
    struct write_call *call = ctx;
    const UA_ReadResponse *response = answer;
    call->call = NULL;
    if (response == NULL) {
        end(call, trouble->error, trouble->status, trouble->detail);
        return;
    }
    if (response->resultsSize != ASKED) {
        end(call, BUSBAR_EPROTO, 0, "the server answered a Read of three attributes otherwise");
        return;
    }
    UA_StatusCode status = response->results[0].hasStatus ? response->results[0].status : 0;
    if (opcua_status_bad(status)) {
        end(call, BUSBAR_EREFUSED, status, opcua_status_words(status));
        return;
    }
    take_type(call, response);
    call->at++;
    next(call);
}

static void next(struct write_call *call)
{
    static const uint32_t attributes[ASKED] = { UA_ATTRIBUTEID_DATATYPE, UA_ATTRIBUTEID_VALUERANK,
                                                UA_ATTRIBUTEID_VALUE };
    struct opcua_access *access = call->access;
    const struct opcua_address *addresses = opcua_peer_config(access->peer)->addresses;
    while (call->at < access->count &&
           find_type(call->accesses, access->points[call->at]) != NULL) {
        call->at++;
    }
    if (call->at == access->count) {
        write_now(call);
        return;
    }
    UA_NodeId node;
    if (opcua_peer_node(access->peer, &addresses[access->points[call->at]].node, &node) != 0) {
        uint32_t status = opcua_status_of_detail(OPCUA_FOUND_NO_NAMESPACE);
        end(call, BUSBAR_EREFUSED, status, opcua_status_words(status));
        return;
    }
    UA_ReadValueId nodes[ASKED];
    UA_ReadRequest request;
    UA_ReadRequest_init(&request);
    for (size_t i = 0; i < ASKED; i++) {
        UA_ReadValueId_init(&nodes[i]);
        nodes[i].nodeId = node;
        nodes[i].attributeId = attributes[i];
    }
    request.nodesToRead = nodes;
    request.nodesToReadSize = ASKED;
    opcua_peer_say(access->peer, true, "Read: data type and rank of a node to be written");
    call->call = opcua_peer_call(access->peer, &request, &UA_TYPES[UA_TYPES_READREQUEST],
                                 &UA_TYPES[UA_TYPES_READRESPONSE], asked, call);
}

void opcua_write_begin(struct opcua_accesses *accesses, struct opcua_access *access)
{
    struct write_call *call = busbar_alloc(sizeof(*call) + access->count * sizeof(call->values[0]));
    call->accesses = accesses;
    call->access = access;
    access->plan = call;
    list_append(&accesses->writes, &access->link);
    next(call);
}
