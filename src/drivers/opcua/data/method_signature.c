/* SPDX-License-Identifier: Apache-2.0 */
/* InputArguments and OutputArguments (Part 5, 7.3) of the methods of a device: their nodes are found by Browse, two
 * questions a method, and read with the method's own description. */
#include <open62541/types.h>

#include "base/alloc.h"
#include "base/str.h"
#include "drivers/opcua/data/method.h"
#include "drivers/opcua/data/node_id.h"
#include "drivers/opcua/text/status.h"

enum {
    REFERENCE_HAS_PROPERTY = 46, /* Part 6, annex A: NodeIds.csv */
    REFERENCE_HAS_COMPONENT = 47,
    ATTRIBUTE_NODE_CLASS = 2,
    ATTRIBUTE_DESCRIPTION = 5,
    ATTRIBUTE_VALUE = 13,
    ITEMS_A_METHOD = 4,
    QUESTIONS_A_METHOD = 2,
    SIGNATURE_TEXT_MAX = 512,
};

/* What an item is of its method. */
enum place { PLACE_CLASS, PLACE_DESCRIPTION, PLACE_INPUTS, PLACE_OUTPUTS };

void opcua_method_forget(struct opcua_method *method)
{
    UA_NodeId_clear(&method->object);
    UA_NodeId_clear(&method->inputs_id);
    UA_NodeId_clear(&method->outputs_id);
    UA_Array_delete(method->inputs, method->input_count, &UA_TYPES[UA_TYPES_ARGUMENT]);
    UA_Array_delete(method->outputs, method->output_count, &UA_TYPES[UA_TYPES_ARGUMENT]);
    UA_LocalizedText_clear(&method->description);
    *method = (struct opcua_method){ .address = method->address };
}

static void forget_questions(struct opcua_methods *methods)
{
    busbar_free(methods->items);
    busbar_free(methods->descriptions);
    busbar_free(methods->places);
    methods->items = NULL;
    methods->descriptions = NULL;
    methods->places = NULL;
    methods->count = 0;
}

void opcua_methods_learn_stop(struct opcua_methods *methods)
{
    if (methods->state == OPCUA_METHODS_LEARNING && methods->count > 0) {
        opcua_ask_stop(&methods->ask);
    }
    methods->state = OPCUA_METHODS_UNKNOWN;
    forget_questions(methods);
}

/* ---- for people ---- */

static const char *keep(struct arena *arena, const UA_String *text)
{
    size_t size = text->length > 0
                      ? str_utf8_cut((const char *)text->data, text->length, SIGNATURE_TEXT_MAX)
                      : 0;
    const char *copy = size > 0 ? arena_strndup(arena, (const char *)text->data, size) : "";
    return copy != NULL ? copy : "";
}

static const char *type_words(const struct opcua_methods *methods, struct arena *arena,
                              const UA_Argument *argument)
{
    const UA_DataType *type = UA_findDataType(&argument->dataType);
    struct buf text;
    buf_init(&text, SIGNATURE_TEXT_MAX);
    if (type != NULL) {
        buf_append_text(&text, type->typeName);
    } else {
        opcua_node_id_print(&argument->dataType, opcua_peer_facts(methods->peer), &text);
    }
    buf_append_text(&text, argument->valueRank >= 0 ? "[]" : "");
    const char *copy = arena_strdup(arena, buf_text(&text));
    buf_fini(&text);
    return copy != NULL ? copy : "";
}

void opcua_signature_free(struct opcua_signature *signature)
{
    arena_fini(&signature->texts);
    busbar_free(signature);
}

static const char *trouble_of(const struct opcua_method *method, struct arena *arena)
{
    const char *name = opcua_status_name(method->status);
    const char *words = opcua_status_words(method->status);
    if (!method->found) {
        return "the server does not have the namespace of 'method'; busbar device browse shows "
               "what it has";
    }
    if (!opcua_status_bad(method->status)) {
        return NULL;
    }
    return arena_printf(arena, "%s: %s", name != NULL ? name : "refused",
                        words != NULL ? words : "the server refuses this method");
}

static void tell_home(struct opcua_methods *methods, size_t index)
{
    const struct opcua_method *method = &methods->list[index];
    struct opcua_signature *out = busbar_alloc(sizeof(*out));
    arena_init(&out->texts, 0);
    out->command = index;
    for (size_t i = 0; i < method->input_count && i < OPCUA_ARGUMENTS_MAX; i++) {
        out->inputs[i].name = keep(&out->texts, &method->inputs[i].name);
        out->inputs[i].type = type_words(methods, &out->texts, &method->inputs[i]);
        out->inputs[i].description = keep(&out->texts, &method->inputs[i].description.text);
        out->input_count++;
    }
    for (size_t i = 0; i < method->output_count && i < OPCUA_ARGUMENTS_MAX; i++) {
        out->outputs[i].name = keep(&out->texts, &method->outputs[i].name);
        out->outputs[i].type = type_words(methods, &out->texts, &method->outputs[i]);
        out->outputs[i].description = keep(&out->texts, &method->outputs[i].description.text);
        out->output_count++;
    }
    out->description = keep(&out->texts, &method->description.text);
    out->trouble = trouble_of(method, &out->texts);
    methods->features->signature(methods->features->ctx, out);
}

/* ---- reading ---- */

/* An array of Argument, however the library gives it. False: it is none. */
static bool take_arguments(const UA_Variant *value, UA_Argument **out, size_t *count)
{
    const UA_DataType *type = &UA_TYPES[UA_TYPES_ARGUMENT];
    size_t size = UA_Variant_isScalar(value) ? 1 : value->arrayLength;
    if (value->data == NULL || size == 0) {
        return true;
    }
    if (size > OPCUA_ARGUMENTS_MAX ||
        (value->type != type && value->type != &UA_TYPES[UA_TYPES_EXTENSIONOBJECT])) {
        return false;
    }
    UA_Argument *list = UA_Array_new(size, type);
    const UA_ExtensionObject *objects = value->data;
    UA_StatusCode status = list != NULL ? UA_STATUSCODE_GOOD : UA_STATUSCODE_BADOUTOFMEMORY;
    for (size_t i = 0; i < size && status == UA_STATUSCODE_GOOD; i++) {
        if (value->type == type) {
            status = UA_Argument_copy(&((const UA_Argument *)value->data)[i], &list[i]);
        } else if (objects[i].encoding >= UA_EXTENSIONOBJECT_DECODED &&
                   objects[i].content.decoded.type == type) {
            status = UA_Argument_copy(objects[i].content.decoded.data, &list[i]);
        } else {
            status = UA_STATUSCODE_BADTYPEMISMATCH;
        }
    }
    if (status != UA_STATUSCODE_GOOD) {
        UA_Array_delete(list, list != NULL ? size : 0, type);
        return false;
    }
    *out = list;
    *count = size;
    return true;
}

static void on_value(void *ctx, size_t index, const UA_DataValue *value)
{
    struct opcua_methods *methods = ctx;
    size_t place = methods->places[index];
    struct opcua_method *method = &methods->list[place / ITEMS_A_METHOD];
    bool fine = true;
    if (value->hasStatus && opcua_status_bad(value->status)) {
        if (place % ITEMS_A_METHOD != PLACE_DESCRIPTION) { /* that one is optional */
            method->status = value->status;
        }
        return;
    }
    switch (place % ITEMS_A_METHOD) {
    case PLACE_DESCRIPTION:
        if (UA_Variant_hasScalarType(&value->value, &UA_TYPES[UA_TYPES_LOCALIZEDTEXT])) {
            UA_LocalizedText_clear(&method->description);
            UA_LocalizedText_copy(value->value.data, &method->description);
        }
        break;
    case PLACE_CLASS:
        fine = value->value.data != NULL && UA_Variant_isScalar(&value->value) &&
               value->value.type->memSize == sizeof(int32_t) &&
               *(const int32_t *)value->value.data == UA_NODECLASS_METHOD;
        break;
    case PLACE_INPUTS:
        fine = method->inputs != NULL ||
               take_arguments(&value->value, &method->inputs, &method->input_count);
        break;
    default:
        fine = method->outputs != NULL ||
               take_arguments(&value->value, &method->outputs, &method->output_count);
    }
    if (!fine) {
        method->status = UA_STATUSCODE_BADMETHODINVALID;
    }
}

static void all_read(void *ctx, const struct opcua_trouble *trouble)
{
    struct opcua_methods *methods = ctx;
    forget_questions(methods);
    if (trouble != NULL && trouble->error != 0) {
        methods->state = OPCUA_METHODS_UNKNOWN; /* the next call, or up(), begins again */
        opcua_methods_known(methods);
        return;
    }
    methods->state = OPCUA_METHODS_KNOWN;
    for (size_t i = 0; i < methods->features->method_count; i++) {
        if (methods->list[i].address->used) {
            tell_home(methods, i);
        }
    }
    opcua_methods_known(methods);
}

static void add_item(struct opcua_methods *methods, const UA_NodeId *node, uint32_t attribute,
                     size_t method, enum place place)
{
    if (!UA_NodeId_isNull(node)) {
        methods->items[methods->count] = (struct opcua_ask_item){ .node = node,
                                                                  .attribute = attribute };
        methods->places[methods->count++] = method * ITEMS_A_METHOD + (size_t)place;
    }
}

static void read_all(struct opcua_methods *methods)
{
    static const struct opcua_ask_ops ops = { .value = on_value, .done = all_read };
    size_t most = methods->features->method_count * ITEMS_A_METHOD;
    forget_questions(methods);
    methods->items = busbar_alloc_array(most, sizeof(*methods->items));
    methods->places = busbar_alloc_array(most, sizeof(*methods->places));
    for (size_t i = 0; i < methods->features->method_count; i++) {
        struct opcua_method *method = &methods->list[i];
        if (method->found) {
            add_item(methods, &method->id, ATTRIBUTE_NODE_CLASS, i, PLACE_CLASS);
            add_item(methods, &method->id, ATTRIBUTE_DESCRIPTION, i, PLACE_DESCRIPTION);
            add_item(methods, &method->inputs_id, ATTRIBUTE_VALUE, i, PLACE_INPUTS);
            add_item(methods, &method->outputs_id, ATTRIBUTE_VALUE, i, PLACE_OUTPUTS);
        }
    }
    if (methods->count == 0) {
        all_read(methods, NULL);
        return;
    }
    opcua_ask_init(&methods->ask, opcua_peer_seat(methods->peer),
                   opcua_peer_config(methods->peer)->link.timeout_us, &ops, methods);
    opcua_ask_read(&methods->ask, methods->items, methods->count);
}

/* ---- browsing ---- */

static void take_node(UA_NodeId *to, const UA_ReferenceDescription *reference)
{
    if (UA_NodeId_isNull(to) && reference->nodeId.serverIndex == 0 &&
        reference->nodeId.namespaceUri.length == 0) {
        UA_NodeId_copy(&reference->nodeId.nodeId, to);
    }
}

static bool on_reference(void *ctx, size_t index, const UA_ReferenceDescription *reference)
{
    struct opcua_methods *methods = ctx;
    size_t place = methods->places[index];
    struct opcua_method *method = &methods->list[place / QUESTIONS_A_METHOD];
    if (place % QUESTIONS_A_METHOD == 1) {
        take_node(&method->object, reference); /* the first that has it as a component */
        return false;
    }
    if (opcua_is_named(&reference->browseName, "InputArguments")) {
        take_node(&method->inputs_id, reference);
    } else if (opcua_is_named(&reference->browseName, "OutputArguments")) {
        take_node(&method->outputs_id, reference);
    }
    return true;
}

static void on_refused(void *ctx, size_t index, UA_StatusCode status)
{
    struct opcua_methods *methods = ctx;
    methods->list[methods->places[index] / QUESTIONS_A_METHOD].status = status;
}

static void all_browsed(void *ctx, const struct opcua_trouble *trouble)
{
    struct opcua_methods *methods = ctx;
    if (trouble != NULL && trouble->error != 0) {
        all_read(methods, trouble);
    } else {
        read_all(methods);
    }
}

static void add_question(struct opcua_methods *methods, size_t method, bool inverse)
{
    UA_BrowseDescription *question = &methods->descriptions[methods->count];
    UA_BrowseDescription_init(question);
    question->nodeId = methods->list[method].id;
    question->browseDirection = inverse ? UA_BROWSEDIRECTION_INVERSE : UA_BROWSEDIRECTION_FORWARD;
    question->referenceTypeId = UA_NODEID_NUMERIC(0, inverse ? REFERENCE_HAS_COMPONENT
                                                             : REFERENCE_HAS_PROPERTY);
    question->includeSubtypes = true;
    question->resultMask = UA_BROWSERESULTMASK_BROWSENAME;
    methods->places[methods->count++] = method * QUESTIONS_A_METHOD + (inverse ? 1 : 0);
}

void opcua_methods_learn(struct opcua_methods *methods)
{
    static const struct opcua_ask_ops ops = { .reference = on_reference,
                                              .refused = on_refused,
                                              .done = all_browsed };
    size_t count = methods->features->method_count;
    opcua_methods_learn_stop(methods);
    methods->descriptions = busbar_alloc_array(count * QUESTIONS_A_METHOD,
                                               sizeof(*methods->descriptions));
    methods->places = busbar_alloc_array(count * QUESTIONS_A_METHOD, sizeof(*methods->places));
    methods->state = OPCUA_METHODS_LEARNING;
    for (size_t i = 0; i < count; i++) {
        struct opcua_method *method = &methods->list[i];
        opcua_method_forget(method);
        method->found = method->address->used &&
                        opcua_peer_node(methods->peer, &method->address->method, &method->id) == 0;
        if (method->found) {
            add_question(methods, i, false);
            if (!method->address->has_object) {
                add_question(methods, i, true);
            }
        }
    }
    if (methods->count == 0) {
        all_read(methods, NULL);
        return;
    }
    opcua_ask_init(&methods->ask, opcua_peer_seat(methods->peer),
                   opcua_peer_config(methods->peer)->link.timeout_us, &ops, methods);
    opcua_ask_browse(&methods->ask, methods->descriptions, methods->count, 0);
}
