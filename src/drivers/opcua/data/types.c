/* SPDX-License-Identifier: Apache-2.0 */
/* See types.h. One call is under way at a time, each for as many types as the server takes at once. */
#include "drivers/opcua/data/types.h"

#include <string.h>

#include "base/alloc.h"
#include "base/err.h"
#include "base/hash.h"
#include "drivers/opcua/data/types_private.h"

enum {
    REFERENCE_HAS_ENCODING = 38, /* Part 6, annex A */
    REFERENCE_HAS_SUBTYPE = 45,
    TYPE_ENUMERATION = 29,
    TYPE_NUMBER = 26, /* to 28: Number, Integer, UInteger */
    TYPE_UINTEGER = 28,
};

enum { RETRY_MIN_MS = 2000, RETRY_MAX_MS = 60000 };

static const int64_t timeout_us = INT64_C(10) * 1000000;

static const struct opcua_definition pending = { .shape = OPCUA_SHAPE_PENDING };
static const struct opcua_definition not_known = { .shape = OPCUA_SHAPE_UNKNOWN };

/* ---- what is known ---- */

const struct opcua_definition *opcua_types_known(const struct type_entry *entry)
{
    /* A type is derived of one that is derived of one; a server that goes in circles is not followed. */
    for (unsigned i = 0; entry != NULL && i < 64; i++) {
        if (entry->step != TYPE_READY) {
            return &pending;
        }
        if (entry->same == NULL) {
            return &entry->definition;
        }
        entry = entry->same;
    }
    return &not_known;
}

static struct type_entry *find(const struct opcua_types *types, const UA_NodeId *id, bool encoding,
                               size_t *bucket)
{
    *bucket = (UA_NodeId_hash(id) ^ encoding) % TYPE_BUCKETS;
    struct type_entry *entry = types->buckets[*bucket];
    while (entry != NULL && (entry->encoding != encoding || !UA_NodeId_equal(&entry->id, id))) {
        entry = entry->next_in_bucket;
    }
    return entry;
}

/* The standard's types are known without asking; NULL: it is none of them. */
static const UA_DataType *native(const UA_NodeId *id, bool encoding)
{
    if (id->namespaceIndex != 0 || !encoding) {
        return id->namespaceIndex == 0 ? UA_findDataType(id) : NULL;
    }
    for (size_t i = 0; i < UA_TYPES_COUNT; i++) {
        if (UA_NodeId_equal(&UA_TYPES[i].binaryEncodingId, id)) {
            return &UA_TYPES[i];
        }
    }
    return NULL;
}

struct type_entry *opcua_types_entry(struct opcua_types *types, const UA_NodeId *id, bool encoding)
{
    size_t bucket;
    struct type_entry *entry = find(types, id, encoding, &bucket);
    if (entry != NULL) {
        return entry;
    }
    entry = types->count < OPCUA_TYPES_MAX ? arena_alloc(&types->arena, sizeof(*entry)) : NULL;
    if (entry == NULL || UA_NodeId_copy(id, &entry->id) != UA_STATUSCODE_GOOD) {
        return NULL;
    }
    entry->encoding = encoding;
    entry->next_in_bucket = types->buckets[bucket];
    types->buckets[bucket] = entry;
    *types->last = entry;
    types->last = &entry->next;
    types->count++;
    const UA_DataType *known = native(id, encoding);
    if (known != NULL) {
        opcua_types_native(types, entry, known);
    } else if (types->seat != NULL) {
        entry->step = encoding ? TYPE_ENCODING : TYPE_DEFINITION;
    } else {
        entry->definition = not_known;
    }
    return entry;
}

/* Types of the standard that stand for any of their kind. */
static const struct opcua_definition *abstract(const UA_NodeId *id)
{
    if (id->namespaceIndex != 0 || id->identifierType != UA_NODEIDTYPE_NUMERIC) {
        return NULL;
    }
    uint32_t number = id->identifier.numeric;
    if (number >= TYPE_NUMBER && number <= TYPE_UINTEGER) {
        return opcua_definition_builtin(OPCUA_VARIANT);
    }
    return opcua_definition_builtin(number == TYPE_ENUMERATION ? OPCUA_INT32 : number);
}

const struct opcua_definition *opcua_types_field(struct opcua_types *types, const UA_NodeId *id)
{
    const struct opcua_definition *simple = abstract(id);
    if (simple != NULL) {
        return simple;
    }
    struct type_entry *entry = opcua_types_entry(types, id, false);
    return entry != NULL ? &entry->definition : &not_known;
}

/* ---- asking ---- */

static void pump(struct opcua_types *types);

/* What an entry came to; its definition is what fields point to, so it is copied where it is another's. */
static void settle(struct type_entry *entry)
{
    entry->step = TYPE_READY;
    if (entry->definition.shape == OPCUA_SHAPE_PENDING && entry->same == NULL) {
        entry->definition = not_known;
    }
}

static void copy_same(struct opcua_types *types)
{
    for (struct type_entry *entry = types->first; entry != NULL; entry = entry->next) {
        if (entry->step == TYPE_READY && entry->same != NULL) {
            const struct opcua_definition *known = opcua_types_known(entry);
            if (known->shape != OPCUA_SHAPE_PENDING) {
                entry->definition = *known;
                entry->same = NULL;
            }
        }
    }
}

static void told_definition(struct opcua_types *types, struct type_entry *entry,
                            const UA_DataValue *value)
{
    const UA_Variant *variant = &value->value;
    bool good = value->hasValue && (!value->hasStatus || value->status == UA_STATUSCODE_GOOD);
    if (good && UA_Variant_hasScalarType(variant, &UA_TYPES[UA_TYPES_STRUCTUREDEFINITION])) {
        opcua_types_structure(types, entry, variant->data);
    } else if (good && UA_Variant_hasScalarType(variant, &UA_TYPES[UA_TYPES_ENUMDEFINITION])) {
        opcua_types_enumeration(types, entry, variant->data);
    } else {
        entry->step = TYPE_PARENT;
        return;
    }
    settle(entry);
}

/* The type an encoding belongs to, or that a type is derived of. */
static void told_reference(struct opcua_types *types, struct type_entry *entry,
                           const UA_BrowseResult *result)
{
    const UA_NodeId *target = NULL;
    for (size_t i = 0; i < result->referencesSize && target == NULL; i++) {
        const UA_ExpandedNodeId *id = &result->references[i].nodeId;
        if (id->serverIndex == 0 && id->namespaceUri.length == 0) {
            target = &id->nodeId;
        }
    }
    if (target == NULL && entry->encoding) {
        target = &entry->id; /* some servers name the type itself where its encoding belongs */
    }
    const struct opcua_definition *simple = target != NULL && !entry->encoding ? abstract(target)
                                                                               : NULL;
    if (simple != NULL) {
        bool builtin = simple->builtin != OPCUA_EXTENSION_OBJECT;
        entry->definition = builtin ? *simple : not_known; /* a structure that is not told */
    } else if (target != NULL) {
        entry->same = opcua_types_entry(types, target, false);
        if (entry->same == entry) {
            entry->same = NULL;
        }
    }
    settle(entry);
}

/* No answer in time says nothing of the types. True: they are asked for again. */
static bool try_later(struct opcua_types *types, const struct opcua_trouble *trouble)
{
    bool answered = trouble == NULL ||
                    (trouble->error != BUSBAR_ETIMEOUT && trouble->error != BUSBAR_ELIMIT);
    types->tries = answered ? 0 : types->tries + 1;
    if (answered || !types->may_retry || types->tries >= OPCUA_TYPES_TRIES) {
        return false;
    }
    int64_t wait_ms = (int64_t)RETRY_MIN_MS << (types->tries - 1);
    timer_start(&types->retry, wait_ms < RETRY_MAX_MS ? wait_ms : RETRY_MAX_MS, 0);
    return true;
}

static void told(void *ctx, const void *response, const struct opcua_trouble *trouble)
{
    struct opcua_types *types = ctx;
    const UA_ReadResponse *read = types->asking == TYPE_DEFINITION ? response : NULL;
    const UA_BrowseResponse *browse = types->asking != TYPE_DEFINITION ? response : NULL;
    size_t count = read != NULL ? read->resultsSize : browse != NULL ? browse->resultsSize : 0;
    types->call = NULL;
    if (trouble != NULL && opcua_trouble_lost(trouble)) {
        return; /* asked again when the link is up */
    }
    if (try_later(types, trouble)) {
        return;
    }
    if (trouble != NULL && trouble->error == BUSBAR_ETOOBIG && types->asked_count > 1) {
        types->most = types->asked_count / 2;
        pump(types);
        return;
    }
    for (size_t i = 0; i < types->asked_count; i++) {
        struct type_entry *entry = types->asked[i];
        if (i >= count) {
            settle(entry);
        } else if (read != NULL) {
            told_definition(types, entry, &read->results[i]);
        } else {
            told_reference(types, entry, &browse->results[i]);
        }
    }
    pump(types);
    if (types->call == NULL) {
        copy_same(types);
        if (types->loaded != NULL) {
            types->loaded(types->ctx);
        }
    }
}

static size_t at_once(const struct opcua_types *types, enum type_step step)
{
    const struct opcua_server_facts *facts = opcua_seat_facts(types->seat);
    size_t most = 0;
    if (facts != NULL) {
        most = step == TYPE_DEFINITION ? facts->limits.nodes_per_read
                                       : facts->limits.nodes_per_browse;
    }
    return most > 0 && most < types->most ? most : types->most;
}

static void collect(struct opcua_types *types, enum type_step step)
{
    size_t most = at_once(types, step);
    types->asking = step;
    types->asked_count = 0;
    for (struct type_entry *entry = types->first; entry != NULL && types->asked_count < most;
         entry = entry->next) {
        if (entry->step == step) {
            types->asked[types->asked_count++] = entry;
        }
    }
}

static void ask_definitions(struct opcua_types *types)
{
    UA_ReadValueId ids[TYPES_AT_ONCE];
    UA_ReadRequest request;
    UA_ReadRequest_init(&request);
    for (size_t i = 0; i < types->asked_count; i++) {
        UA_ReadValueId_init(&ids[i]);
        ids[i].nodeId = types->asked[i]->id;
        ids[i].attributeId = UA_ATTRIBUTEID_DATATYPEDEFINITION;
    }
    request.timestampsToReturn = UA_TIMESTAMPSTORETURN_NEITHER;
    request.nodesToRead = ids;
    request.nodesToReadSize = types->asked_count;
    types->call = opcua_call(types->seat, &request, &UA_TYPES[UA_TYPES_READREQUEST],
                             &UA_TYPES[UA_TYPES_READRESPONSE], timeout_us, told, types);
}

static void ask_references(struct opcua_types *types, uint32_t reference)
{
    UA_BrowseDescription nodes[TYPES_AT_ONCE];
    UA_BrowseRequest request;
    UA_BrowseRequest_init(&request);
    for (size_t i = 0; i < types->asked_count; i++) {
        UA_BrowseDescription_init(&nodes[i]);
        nodes[i].nodeId = types->asked[i]->id;
        nodes[i].browseDirection = UA_BROWSEDIRECTION_INVERSE;
        nodes[i].referenceTypeId = UA_NODEID_NUMERIC(0, reference);
    }
    request.requestedMaxReferencesPerNode = 0;
    request.nodesToBrowse = nodes;
    request.nodesToBrowseSize = types->asked_count;
    types->call = opcua_call(types->seat, &request, &UA_TYPES[UA_TYPES_BROWSEREQUEST],
                             &UA_TYPES[UA_TYPES_BROWSERESPONSE], timeout_us, told, types);
}

/* The next call, where there is something to ask and none is under way. */
static void pump(struct opcua_types *types)
{
    if (types->call != NULL || !types->up || (types->may_retry && timer_running(&types->retry))) {
        return;
    }
    for (enum type_step step = TYPE_ENCODING; step <= TYPE_PARENT; step++) {
        collect(types, step);
        if (types->asked_count == 0) {
            continue;
        }
        if (step == TYPE_DEFINITION) {
            ask_definitions(types);
        } else {
            ask_references(types,
                           step == TYPE_ENCODING ? REFERENCE_HAS_ENCODING : REFERENCE_HAS_SUBTYPE);
        }
        return;
    }
}

/* ---- public ---- */

static const struct opcua_definition *wanted(struct opcua_types *types, const UA_NodeId *id,
                                             bool encoding)
{
    if (types == NULL) {
        return &not_known;
    }
    struct type_entry *entry = opcua_types_entry(types, id, encoding);
    pump(types);
    return entry != NULL ? opcua_types_known(entry) : &not_known;
}

const struct opcua_definition *opcua_types_of_encoding(struct opcua_types *types,
                                                       const UA_NodeId *encoding)
{
    return wanted(types, encoding, true);
}

const struct opcua_definition *opcua_types_of_data_type(struct opcua_types *types,
                                                        const UA_NodeId *data_type)
{
    const struct opcua_definition *simple = abstract(data_type);
    return simple != NULL ? simple : wanted(types, data_type, false);
}

const struct opcua_server_facts *opcua_types_facts(const struct opcua_types *types)
{
    return types != NULL && types->seat != NULL ? opcua_seat_facts(types->seat) : NULL;
}

static void begin(struct opcua_types *types)
{
    arena_init(&types->arena, OPCUA_TYPE_BYTES_MAX);
    memset(types->buckets, 0, sizeof(types->buckets));
    types->first = NULL;
    types->last = &types->first;
    types->count = 0;
    types->asked_count = 0;
    types->most = TYPES_AT_ONCE;
    types->tries = 0;
}

static void forget(struct opcua_types *types)
{
    opcua_call_cancel(types->call);
    types->call = NULL;
    if (types->may_retry) {
        timer_stop(&types->retry);
    }
    for (struct type_entry *entry = types->first; entry != NULL; entry = entry->next) {
        UA_NodeId_clear(&entry->id);
    }
    arena_fini(&types->arena);
}

static void retry(struct timer *timer, void *ctx)
{
    (void)timer;
    pump(ctx);
}

/* The namespaces of the server, in their order. */
static uint64_t hash_namespaces(const struct opcua_server_facts *facts)
{
    uint64_t hash = 0;
    for (size_t i = 0; facts != NULL && i < facts->namespace_count; i++) {
        hash = hash_u64(hash ^ hash_text(facts->namespaces[i]));
    }
    return hash;
}

struct opcua_types *opcua_types_new(struct opcua_seat *seat, struct loop *loop,
                                    void (*loaded)(void *ctx), void *ctx)
{
    struct opcua_types *types = busbar_alloc(sizeof(*types));
    types->may_retry = loop != NULL;
    if (types->may_retry) {
        timer_init(&types->retry, loop, retry, types);
    }
    types->seat = seat;
    types->loaded = loaded;
    types->ctx = ctx;
    begin(types);
    return types;
}

void opcua_types_free(struct opcua_types *types)
{
    if (types != NULL) {
        forget(types);
        busbar_free(types);
    }
}

void opcua_types_up(struct opcua_types *types, bool resumed)
{
    uint64_t namespaces = hash_namespaces(opcua_types_facts(types));
    if (!resumed || namespaces != types->namespaces) {
        forget(types);
        begin(types);
    }
    types->namespaces = namespaces;
    types->up = true;
    pump(types);
}

void opcua_types_changed(struct opcua_types *types)
{
    uint64_t namespaces = hash_namespaces(opcua_types_facts(types));
    if (namespaces == types->namespaces) {
        return;
    }
    types->namespaces = namespaces;
    forget(types);
    begin(types);
    if (types->loaded != NULL) {
        types->loaded(types->ctx); /* what waited for an answer looks again, and so asks anew */
    }
}

void opcua_types_down(struct opcua_types *types)
{
    types->up = false;
    if (types->may_retry) {
        timer_stop(&types->retry);
    }
    types->tries = 0;
}
