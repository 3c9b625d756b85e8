/* SPDX-License-Identifier: Apache-2.0 */
/* What a round of nodes is: their properties by Browse, then attributes and the properties' values by Read. */
#include <open62541/nodeids.h>
#include <string.h>

#include "base/alloc.h"
#include "drivers/opcua/data/browse_parts.h"
#include "drivers/opcua/data/units.h"
#include "drivers/opcua/data/value.h"

/* Beside BROWSE_PROPERTIES: what an attribute is asked for. */
enum look_want {
    WANT_CLASS = BROWSE_PROPERTIES,
    WANT_NAME,
    WANT_DESCRIPTION,
    WANT_DATA_TYPE,
    WANT_RANK,
    WANT_ACCESS,
    WANT_EXECUTABLE,
    WANT_VALUE,
};

/* ---- lists of what is asked for ---- */

void browse_want(struct opcua_browse *browse, const UA_NodeId *node, uint32_t attribute, size_t of,
                 uint8_t what)
{
    if (browse->item_count == browse->item_capacity) {
        size_t capacity = browse->item_capacity > 0 ? 2 * browse->item_capacity : 1024;
        browse->items = busbar_realloc(browse->items, capacity * sizeof(*browse->items));
        browse->wanted = busbar_realloc(browse->wanted, capacity * sizeof(*browse->wanted));
        browse->item_capacity = capacity;
    }
    browse->items[browse->item_count] = (struct opcua_ask_item){ node, attribute };
    browse->wanted[browse->item_count++] = (struct browse_item){ of, what };
}

void browse_asked_clear(struct opcua_browse *browse)
{
    browse->asked_count = 0;
    browse->item_count = 0;
}

void browse_ask_of(struct opcua_browse *browse, const UA_NodeId *node, uint32_t reference,
                   bool forward, size_t of)
{
    size_t count = browse->asked_count + 1;
    if ((count & (count - 1)) == 0) { /* room for the next power of two */
        browse->asked = busbar_realloc(browse->asked, 2 * count * sizeof(*browse->asked));
        browse->asked_of = busbar_realloc(browse->asked_of, 2 * count * sizeof(*browse->asked_of));
    }
    UA_BrowseDescription *description = &browse->asked[browse->asked_count];
    UA_BrowseDescription_init(description);
    description->nodeId = *node;
    description->browseDirection = forward ? UA_BROWSEDIRECTION_FORWARD
                                           : UA_BROWSEDIRECTION_INVERSE;
    description->referenceTypeId = UA_NODEID_NUMERIC(0, reference);
    description->includeSubtypes = true;
    description->resultMask = UA_BROWSERESULTMASK_ALL;
    browse->asked_of[browse->asked_count++] = of;
}

/* ---- properties ---- */

static enum browse_property property_of(const UA_QualifiedName *name)
{
    static const char *const names[BROWSE_PROPERTIES] = {
        [BROWSE_UNITS] = "EngineeringUnits",           [BROWSE_RANGE] = "EURange",
        [BROWSE_INSTRUMENT_RANGE] = "InstrumentRange", [BROWSE_ENUM_STRINGS] = "EnumStrings",
        [BROWSE_ENUM_VALUES] = "EnumValues",           [BROWSE_TRUE_STATE] = "TrueState",
        [BROWSE_FALSE_STATE] = "FalseState",           [BROWSE_INPUTS] = "InputArguments",
        [BROWSE_OUTPUTS] = "OutputArguments",
    };
    for (size_t i = 0; i < BROWSE_PROPERTIES; i++) {
        if (name->namespaceIndex == 0 && strlen(names[i]) == name->name.length &&
            memcmp(names[i], name->name.data, name->name.length) == 0) {
            return (enum browse_property)i;
        }
    }
    return BROWSE_PROPERTIES;
}

static bool on_property(void *ctx, size_t index, const UA_ReferenceDescription *reference)
{
    static const UA_NodeId has_property = { .identifier.numeric = UA_NS0ID_HASPROPERTY };
    static const UA_NodeId defined_by = { .identifier.numeric = UA_NS0ID_HASTYPEDEFINITION };
    struct opcua_browse *browse = ctx;
    struct browse_looked *looked = &browse->fresh[browse->asked_of[index]];
    if (!reference->isForward || reference->nodeId.serverIndex != 0) {
        return ++looked->references < BROWSE_ASIDE_MAX;
    }
    if (UA_NodeId_equal(&reference->referenceTypeId, &defined_by)) {
        UA_NodeId_clear(&looked->type_definition);
        (void)UA_NodeId_copy(&reference->nodeId.nodeId, &looked->type_definition);
    } else if (!UA_NodeId_equal(&reference->referenceTypeId, &has_property)) {
        looked->children = true;
    } else {
        enum browse_property property = property_of(&reference->browseName);
        if (property < BROWSE_PROPERTIES && UA_NodeId_isNull(&looked->properties[property])) {
            (void)UA_NodeId_copy(&reference->nodeId.nodeId, &looked->properties[property]);
        }
    }
    return ++looked->references < BROWSE_ASIDE_MAX;
}

static void on_no_properties(void *ctx, size_t index, UA_StatusCode status)
{
    (void)ctx;
    (void)index;
    (void)status; /* what cannot be looked into has none; reading it will tell why */
}

static void read_attributes(struct opcua_browse *browse);

static void on_properties(void *ctx, const struct opcua_trouble *trouble)
{
    struct opcua_browse *browse = ctx;
    if (trouble != NULL) {
        browse_fail(browse, trouble->error, trouble->detail);
        return;
    }
    read_attributes(browse);
}

void browse_look_begin(struct opcua_browse *browse)
{
    static const struct opcua_ask_ops ops = { .reference = on_property,
                                              .refused = on_no_properties,
                                              .done = on_properties };
    browse_asked_clear(browse);
    for (size_t i = 0; i < browse->round; i++) {
        const struct browse_looked *looked = &browse->fresh[i];
        bool has = looked->class == UA_NODECLASS_VARIABLE || looked->class == UA_NODECLASS_METHOD;
        if ((has && !looked->property) || browse->itself) {
            browse_ask_of(browse, &looked->node, UA_NS0ID_HIERARCHICALREFERENCES, true, i);
        }
        if (browse->itself) {
            browse_ask_of(browse, &looked->node, UA_NS0ID_HASTYPEDEFINITION, true, i);
        }
    }
    browse->look.ops = &ops;
    if (browse->asked_count > 0) {
        opcua_ask_browse(&browse->look, browse->asked, browse->asked_count, BROWSE_OWN_REFERENCES);
    } else {
        read_attributes(browse);
    }
}

/* ---- values of properties ---- */

static void take_names(struct browse_looked *looked, const UA_Variant *value, struct arena *arena)
{
    const struct point_enum *enums = NULL;
    size_t count = 0;
    if (opcua_enum_names(value, arena, &enums, &count) && count > looked->enum_count) {
        looked->enums = enums;
        looked->enum_count = count;
    }
}

static void take_state(struct browse_looked *looked, const UA_Variant *value, bool on,
                       struct arena *arena)
{
    UA_Variant *to = on ? &looked->true_state : &looked->false_state;
    UA_Variant_clear(to);
    (void)UA_Variant_copy(value, to);
    (void)opcua_two_state_names(&looked->false_state, &looked->true_state, arena, &looked->enums,
                                &looked->enum_count);
}

/* Kept until the names of their types are known. */
static void take_arguments(struct opcua_browse *browse, UA_Variant *to, const UA_Variant *value)
{
    if (value->type != &UA_TYPES[UA_TYPES_ARGUMENT] || UA_Variant_isScalar(value) ||
        value->arrayLength > BROWSE_ARGUMENTS_MAX || to->type != NULL) {
        return;
    }
    for (size_t i = 0; i < value->arrayLength; i++) {
        (void)browse_type_get(browse, &((const UA_Argument *)value->data)[i].dataType, true);
    }
    (void)UA_Variant_copy(value, to);
}

static void take_property(struct opcua_browse *browse, struct browse_looked *looked,
                          enum browse_property property, const UA_Variant *value)
{
    struct arena *arena = &browse->out->arena;
    char units[OPCUA_UNITS_MAX];
    switch (property) {
    case BROWSE_UNITS:
        if (opcua_units(value, units) && units[0] != '\0') {
            looked->units = arena_strdup(arena, units);
        }
        break;
    case BROWSE_INSTRUMENT_RANGE:
        if (looked->has_range) {
            break; /* the range of the display goes first */
        }
        looked->has_range = opcua_limits(value, &looked->min, &looked->max);
        break;
    case BROWSE_RANGE:
        looked->has_range = opcua_limits(value, &looked->min, &looked->max) || looked->has_range;
        break;
    case BROWSE_ENUM_STRINGS:
    case BROWSE_ENUM_VALUES: take_names(looked, value, arena); break;
    case BROWSE_TRUE_STATE: take_state(looked, value, true, arena); break;
    case BROWSE_FALSE_STATE: take_state(looked, value, false, arena); break;
    case BROWSE_INPUTS: take_arguments(browse, &looked->inputs, value); break;
    case BROWSE_OUTPUTS: take_arguments(browse, &looked->outputs, value); break;
    case BROWSE_PROPERTIES: break;
    }
}

/* ---- attributes ---- */

static const void *scalar(const UA_DataValue *value, size_t type)
{
    return value->hasValue && UA_Variant_hasScalarType(&value->value, &UA_TYPES[type])
               ? value->value.data
               : NULL;
}

static void take_text(struct opcua_browse *browse, struct browse_looked *looked, bool name,
                      const UA_DataValue *value)
{
    const UA_LocalizedText *text = scalar(value, UA_TYPES_LOCALIZEDTEXT);
    if (text == NULL || text->text.length == 0) {
        return;
    }
    if (name) {
        looked->name = browse_text(&browse->ids, &text->text);
    } else {
        looked->description = browse_text(&browse->out->arena, &text->text);
    }
}

static void take_value(struct opcua_browse *browse, struct browse_looked *looked,
                       const UA_DataValue *value)
{
    static const struct opcua_want all = { .member = NULL };
    looked->read = true;
    looked->status = value->hasStatus ? value->status : UA_STATUSCODE_GOOD;
    if (browse->itself) {
        (void)UA_DataValue_copy(value, &looked->raw);
    }
    opcua_sample(value, &all, browse->types, &browse->out->arena, &looked->value);
}

static void take_attribute(struct opcua_browse *browse, struct browse_looked *looked,
                           enum look_want want, const UA_DataValue *value)
{
    const void *data;
    switch (want) {
    case WANT_CLASS:
        data = scalar(value, UA_TYPES_INT32);
        looked->class = data != NULL ? (UA_NodeClass) * (const int32_t *)data : 0;
        looked->status = value->hasStatus ? value->status : UA_STATUSCODE_GOOD;
        break;
    case WANT_NAME: take_text(browse, looked, true, value); break;
    case WANT_DESCRIPTION: take_text(browse, looked, false, value); break;
    case WANT_DATA_TYPE:
        data = scalar(value, UA_TYPES_NODEID);
        if (data != NULL) {
            (void)UA_NodeId_copy(data, &looked->data_type);
        }
        break;
    case WANT_RANK:
        data = scalar(value, UA_TYPES_INT32);
        looked->rank = data != NULL ? *(const int32_t *)data : -1;
        break;
    case WANT_ACCESS:
        data = scalar(value, UA_TYPES_BYTE);
        looked->access = data != NULL ? *(const uint8_t *)data : 0;
        break;
    case WANT_EXECUTABLE:
        data = scalar(value, UA_TYPES_BOOLEAN);
        looked->executable = data != NULL && *(const bool *)data;
        break;
    case WANT_VALUE: take_value(browse, looked, value); break;
    }
}

static void on_attribute(void *ctx, size_t index, const UA_DataValue *value)
{
    struct opcua_browse *browse = ctx;
    const struct browse_item *item = &browse->wanted[index];
    struct browse_looked *looked = &browse->fresh[item->of];
    if (item->what >= BROWSE_PROPERTIES) {
        take_attribute(browse, looked, (enum look_want)item->what, value);
    } else if (value->hasValue && value->value.type != NULL) {
        take_property(browse, looked, (enum browse_property)item->what, &value->value);
    }
}

static void on_attributes(void *ctx, const struct opcua_trouble *trouble)
{
    struct opcua_browse *browse = ctx;
    if (trouble != NULL) {
        browse_fail(browse, trouble->error, trouble->detail);
        return;
    }
    browse_types_begin(browse);
}

static void want_variable(struct opcua_browse *browse, const struct browse_looked *looked, size_t i)
{
    const UA_NodeId *node = &looked->node;
    browse_want(browse, node, UA_ATTRIBUTEID_DATATYPE, i, WANT_DATA_TYPE);
    browse_want(browse, node, UA_ATTRIBUTEID_VALUERANK, i, WANT_RANK);
    browse_want(browse, node, UA_ATTRIBUTEID_USERACCESSLEVEL, i, WANT_ACCESS);
    browse_want(browse, node, UA_ATTRIBUTEID_VALUE, i, WANT_VALUE);
}

static void want_itself(struct opcua_browse *browse, const struct browse_looked *looked)
{
    browse_want(browse, &looked->node, UA_ATTRIBUTEID_NODECLASS, 0, WANT_CLASS);
    browse_want(browse, &looked->node, UA_ATTRIBUTEID_DISPLAYNAME, 0, WANT_NAME);
}

static void read_attributes(struct opcua_browse *browse)
{
    static const struct opcua_ask_ops ops = { .value = on_attribute, .done = on_attributes };
    for (size_t i = 0; i < browse->round; i++) {
        const struct browse_looked *looked = &browse->fresh[i];
        if (browse->itself) {
            want_itself(browse, looked);
        }
        browse_want(browse, &looked->node, UA_ATTRIBUTEID_DESCRIPTION, i, WANT_DESCRIPTION);
        if (looked->class == UA_NODECLASS_VARIABLE || browse->itself) {
            want_variable(browse, looked, i);
        }
        if (looked->class == UA_NODECLASS_METHOD || browse->itself) {
            browse_want(browse, &looked->node, UA_ATTRIBUTEID_USEREXECUTABLE, i, WANT_EXECUTABLE);
        }
        for (size_t k = 0; k < BROWSE_PROPERTIES; k++) {
            if (!UA_NodeId_isNull(&looked->properties[k])) {
                browse_want(browse, &looked->properties[k], UA_ATTRIBUTEID_VALUE, i, (uint8_t)k);
            }
        }
    }
    browse->look.ops = &ops;
    opcua_ask_read(&browse->look, browse->items, browse->item_count);
}
