/* SPDX-License-Identifier: Apache-2.0 */
/* Data types and types of nodes by name, what a data type is made of, and the names of an enumeration's states: asked
 * of the server when they are first met, and kept for the rest of the look. */
#include <open62541/nodeids.h>

#include "base/alloc.h"
#include "drivers/opcua/data/browse_parts.h"
#include "drivers/opcua/data/node_id.h"
#include "drivers/opcua/data/units.h"

enum { BUILTIN_LAST = 29 };

/* Numbers of the standard's own abstract and built-in types (Part 6, A.1). */
static const char *const builtin_names[BUILTIN_LAST + 1] = {
    "",
    "Boolean",
    "SByte",
    "Byte",
    "Int16",
    "UInt16",
    "Int32",
    "UInt32",
    "Int64",
    "UInt64",
    "Float",
    "Double",
    "String",
    "DateTime",
    "Guid",
    "ByteString",
    "XmlElement",
    "NodeId",
    "ExpandedNodeId",
    "StatusCode",
    "QualifiedName",
    "LocalizedText",
    "Structure",
    "DataValue",
    "BaseDataType",
    "DiagnosticInfo",
    "Number",
    "Integer",
    "UInteger",
    "Enumeration",
};

static unsigned builtin_of(const UA_NodeId *node)
{
    bool is = node->namespaceIndex == 0 && node->identifierType == UA_NODEIDTYPE_NUMERIC &&
              node->identifier.numeric <= BUILTIN_LAST;
    return is ? node->identifier.numeric : 0;
}

/* ---- what is known ---- */

/* text: its id, for who wants to keep it. */
static struct browse_type *find_type(const struct opcua_browse *browse, const UA_NodeId *node,
                                     struct buf *text)
{
    buf_init(text, BROWSE_ID_MAX);
    opcua_node_id_print(node, opcua_seat_facts(browse->seat), text);
    return text->overflow ? NULL : map_get(&browse->by_id, buf_text(text));
}

static struct browse_type *type_new(struct opcua_browse *browse, const UA_NodeId *node,
                                    const char *id, bool data)
{
    unsigned builtin = data ? builtin_of(node) : 0;
    struct browse_type *type = busbar_alloc(sizeof(*type));
    *type = (struct browse_type){ .id = id,
                                  .name = builtin > 0 ? builtin_names[builtin] : id,
                                  .builtin = builtin,
                                  .data = data };
    (void)UA_NodeId_copy(node, &type->node);
    list_init(&type->link);
    if (builtin == 0) {
        list_append(&browse->types_new, &type->link);
    }
    map_set(&browse->by_id, type->id, type);
    return type;
}

struct browse_type *browse_type_get(struct opcua_browse *browse, const UA_NodeId *node, bool data)
{
    struct buf text;
    if (UA_NodeId_isNull(node)) {
        return NULL;
    }
    struct browse_type *type = find_type(browse, node, &text);
    if (type == NULL && !text.overflow && browse->by_id.count < OPCUA_BROWSE_TYPES_MAX) {
        const char *id = arena_strdup(&browse->ids, buf_text(&text));
        type = id != NULL ? type_new(browse, node, id, data) : NULL;
    }
    buf_fini(&text);
    return type;
}

/* NULL at the end of the chain, or where it is not known. */
static struct browse_type *super_of(const struct opcua_browse *browse,
                                    const struct browse_type *type)
{
    struct buf text;
    if (UA_NodeId_isNull(&type->super)) {
        return NULL;
    }
    struct browse_type *super = find_type(browse, &type->super, &text);
    buf_fini(&text);
    return super;
}

unsigned browse_type_builtin(const struct opcua_browse *browse, const struct browse_type *type)
{
    for (unsigned i = 0; type != NULL && i < BROWSE_SUPERTYPES_MAX; i++) {
        if (type->builtin > 0) {
            return type->builtin;
        }
        type = super_of(browse, type);
    }
    return 0;
}

const struct browse_type *browse_type_enums(const struct opcua_browse *browse,
                                            const struct browse_type *type)
{
    for (unsigned i = 0; type != NULL && i < BROWSE_SUPERTYPES_MAX; i++) {
        if (type->enum_count > 0) {
            return type;
        }
        type = super_of(browse, type);
    }
    return NULL;
}

bool browse_type_is(const struct opcua_browse *browse, const struct browse_type *type,
                    uint32_t standard)
{
    UA_NodeId wanted = UA_NODEID_NUMERIC(0, standard);
    for (unsigned i = 0; type != NULL && i < BROWSE_SUPERTYPES_MAX; i++) {
        if (UA_NodeId_equal(&type->node, &wanted)) {
            return true;
        }
        type = super_of(browse, type);
    }
    return false;
}

const char *browse_type_name(struct opcua_browse *browse, const UA_NodeId *data_type)
{
    const struct browse_type *type = browse_type_get(browse, data_type, true);
    return type != NULL ? type->name : "";
}

void browse_types_free(struct opcua_browse *browse)
{
    size_t at = 0;
    void *value;
    while (map_next(&browse->by_id, &at, NULL, &value)) {
        struct browse_type *type = value;
        list_remove(&type->link);
        UA_NodeId_clear(&type->node);
        UA_NodeId_clear(&type->super);
        UA_NodeId_clear(&type->enum_property);
        busbar_free(type);
    }
    map_fini(&browse->by_id);
}

/* ---- asking: names, then what they are derived from and have, then the names of states ---- */

static void next_batch(struct opcua_browse *browse);

static void on_states(void *ctx, size_t index, const UA_DataValue *value)
{
    struct opcua_browse *browse = ctx;
    struct browse_type *type = browse->batch[browse->wanted[index].of];
    if (value->hasValue && type->enum_count == 0) {
        (void)opcua_enum_names(&value->value, &browse->ids, &type->enums, &type->enum_count);
    }
}

static void on_batch(void *ctx, const struct opcua_trouble *trouble)
{
    if (trouble != NULL) {
        browse_fail(ctx, trouble->error, trouble->detail);
        return;
    }
    next_batch(ctx);
}

static void read_states(struct opcua_browse *browse)
{
    static const struct opcua_ask_ops ops = { .value = on_states, .done = on_batch };
    browse_asked_clear(browse);
    for (size_t i = 0; i < browse->batch_count; i++) {
        const UA_NodeId *property = &browse->batch[i]->enum_property;
        if (!UA_NodeId_isNull(property)) {
            browse_want(browse, property, UA_ATTRIBUTEID_VALUE, i, 0);
        }
    }
    browse->look.ops = &ops;
    if (browse->item_count > 0) {
        opcua_ask_read(&browse->look, browse->items, browse->item_count);
    } else {
        next_batch(browse);
    }
}

static bool on_relative(void *ctx, size_t index, const UA_ReferenceDescription *reference)
{
    struct opcua_browse *browse = ctx;
    struct browse_type *type = browse->batch[browse->asked_of[index]];
    const UA_NodeId *node = &reference->nodeId.nodeId;
    if (reference->nodeId.serverIndex != 0) {
        return ++type->references < BROWSE_ASIDE_MAX;
    }
    if (!reference->isForward) {
        if (UA_NodeId_isNull(&type->super)) {
            (void)UA_NodeId_copy(node, &type->super);
            (void)browse_type_get(browse, node, type->data);
        }
        return false; /* a type has one above it */
    }
    if ((opcua_is_named(&reference->browseName, "EnumStrings") ||
         opcua_is_named(&reference->browseName, "EnumValues")) &&
        UA_NodeId_isNull(&type->enum_property)) {
        (void)UA_NodeId_copy(node, &type->enum_property);
    }
    return ++type->references < BROWSE_ASIDE_MAX;
}

static void on_no_relative(void *ctx, size_t index, UA_StatusCode status)
{
    (void)ctx;
    (void)index;
    (void)status; /* then it is what its number says, and has no names */
}

static void on_relatives(void *ctx, const struct opcua_trouble *trouble)
{
    struct opcua_browse *browse = ctx;
    if (trouble != NULL) {
        browse_fail(browse, trouble->error, trouble->detail);
        return;
    }
    read_states(browse);
}

static void on_name(void *ctx, size_t index, const UA_DataValue *value)
{
    struct opcua_browse *browse = ctx;
    struct browse_type *type = browse->batch[browse->wanted[index].of];
    if (value->hasValue &&
        UA_Variant_hasScalarType(&value->value, &UA_TYPES[UA_TYPES_QUALIFIEDNAME])) {
        const UA_QualifiedName *name = value->value.data;
        const char *text = browse_text(&browse->ids, &name->name);
        type->name = text[0] != '\0' ? text : type->name;
    }
}

static void on_names(void *ctx, const struct opcua_trouble *trouble)
{
    static const struct opcua_ask_ops ops = { .reference = on_relative,
                                              .refused = on_no_relative,
                                              .done = on_relatives };
    struct opcua_browse *browse = ctx;
    if (trouble != NULL) {
        browse_fail(browse, trouble->error, trouble->detail);
        return;
    }
    browse_asked_clear(browse);
    for (size_t i = 0; i < browse->batch_count; i++) {
        const struct browse_type *type = browse->batch[i];
        browse_ask_of(browse, &type->node, UA_NS0ID_HASSUBTYPE, false, i);
        if (type->data) {
            browse_ask_of(browse, &type->node, UA_NS0ID_HASPROPERTY, true, i);
        }
    }
    browse->look.ops = &ops;
    opcua_ask_browse(&browse->look, browse->asked, browse->asked_count, 0);
}

static void next_batch(struct opcua_browse *browse)
{
    static const struct opcua_ask_ops ops = { .value = on_name, .done = on_names };
    browse_asked_clear(browse);
    browse->batch_count = 0;
    while (browse->batch_count < BROWSE_TYPES_BATCH && !list_empty(&browse->types_new)) {
        struct browse_type *type = list_entry(list_shift(&browse->types_new), struct browse_type,
                                              link);
        browse_want(browse, &type->node, UA_ATTRIBUTEID_BROWSENAME, browse->batch_count, 0);
        browse->batch[browse->batch_count++] = type;
    }
    if (browse->batch_count == 0) {
        browse_tell_round(browse);
        return;
    }
    browse->look.ops = &ops;
    opcua_ask_read(&browse->look, browse->items, browse->item_count);
}

void browse_types_begin(struct opcua_browse *browse)
{
    for (size_t i = 0; i < browse->round; i++) {
        struct browse_looked *looked = &browse->fresh[i];
        looked->type = browse_type_get(browse, &looked->data_type, true);
        looked->of = browse_type_get(browse, &looked->type_definition, false);
    }
    next_batch(browse);
}
