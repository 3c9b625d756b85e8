/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/opcua/data/event.h"

#include <string.h>

#include <open62541/types.h>

#include "base/str.h"
#include "drivers/opcua/data/value.h"

enum {
    TYPE_BASE_EVENT = 2041, /* Part 6, annex A: NodeIds.csv */
    TYPE_SYSTEM_EVENT = 2130,
    TYPE_CONDITION = 2782,
    TYPE_REFRESH_START = 2787,
    TYPE_REFRESH_END = 2788,
    TYPE_REFRESH_REQUIRED = 2789,
    TYPE_QUEUE_OVERFLOW = 3035,
    ATTRIBUTE_NODE_ID = 1,
    ATTRIBUTE_VALUE = 13,
};

static const struct {
    uint16_t type;
    const char *path;
    uint16_t kind; /* index into UA_TYPES */
} fields[OPCUA_EVENT_FIELD_COUNT] = {
#define ROW(name, type_, path_, kind_) { .type = (type_), .path = (path_), .kind = (kind_) },
    OPCUA_EVENT_FIELDS(ROW)
#undef ROW
};

/* ---- fields by settings ---- */

/* "2:Batch" */
static int parse_name(char *text, UA_QualifiedName *name, const char *whole, struct err *err)
{
    char *colon = strchr(text, ':');
    int64_t index = 0;
    if (colon != NULL) {
        *colon = '\0';
        if (str_parse_i64(text, &index) != 0 || index < 0 || index > UINT16_MAX) {
            err_set(err, BUSBAR_EINVAL, "'%s' in the field '%s' is no index of a namespace", text,
                    whole);
            return err_hint(err, "2:Batch/Id, or Zone where it is namespace 0");
        }
        text = colon + 1;
    }
    if (text[0] == '\0') {
        err_set(err, BUSBAR_EINVAL, "the field '%s' has an empty name", whole);
        return err_hint(err, "names apart by '/': Batch/Id");
    }
    name->namespaceIndex = (UA_UInt16)index;
    name->name = UA_STRING(text);
    return 0;
}

static int parse_path(struct arena *arena, char *text, struct opcua_event_more *out,
                      struct err *err)
{
    size_t at = out->count;
    out->fields[at].path = text;
    out->fields[at].name_count = 0;
    char *rest = arena_strdup(arena, text);
    while (rest != NULL) {
        char *next = strchr(rest, '/');
        if (next != NULL) {
            *next++ = '\0';
        }
        if (out->fields[at].name_count == OPCUA_EVENT_PATH_MAX) {
            return err_set(err, BUSBAR_ELIMIT, "the field '%s' has more than %d names", text,
                           OPCUA_EVENT_PATH_MAX);
        }
        int error = parse_name(rest, &out->fields[at].names[out->fields[at].name_count++], text,
                               err);
        if (error != 0) {
            return error;
        }
        rest = next;
    }
    out->count++;
    return 0;
}

int opcua_event_more_parse(const char *text, struct arena *arena, struct opcua_event_more *out,
                           struct err *err)
{
    *out = (struct opcua_event_more){ 0 };
    char *rest = text != NULL ? arena_strdup(arena, text) : NULL;
    while (rest != NULL) {
        char *next = strchr(rest, ',');
        if (next != NULL) {
            *next++ = '\0';
        }
        if (out->count == OPCUA_EVENT_MORE_MAX) {
            return err_set(err, BUSBAR_ELIMIT, "more than %d fields of events",
                           OPCUA_EVENT_MORE_MAX);
        }
        int error = parse_path(arena, str_trim(rest), out, err);
        if (error != 0) {
            return error;
        }
        rest = next;
    }
    return 0;
}

/* ---- the filter ---- */

/* A path of names in namespace 0. */
static UA_StatusCode take_path(UA_SimpleAttributeOperand *clause, const char *path)
{
    size_t count = path[0] != '\0' ? 1 : 0;
    for (const char *at = path; *at != '\0'; at++) {
        count += *at == '/';
    }
    if (count == 0) {
        return UA_STATUSCODE_GOOD;
    }
    clause->browsePath = UA_Array_new(count, &UA_TYPES[UA_TYPES_QUALIFIEDNAME]);
    if (clause->browsePath == NULL) {
        return UA_STATUSCODE_BADOUTOFMEMORY;
    }
    clause->browsePathSize = count;
    for (size_t i = 0; i < count; i++) {
        size_t size = strcspn(path, "/");
        UA_String name = { .length = size, .data = (UA_Byte *)(uintptr_t)path };
        UA_StatusCode status = UA_String_copy(&name, &clause->browsePath[i].name);
        if (status != UA_STATUSCODE_GOOD) {
            return status;
        }
        path += size + 1;
    }
    return UA_STATUSCODE_GOOD;
}

static UA_StatusCode add_field(UA_SimpleAttributeOperand *clause, size_t field)
{
    clause->typeDefinitionId = UA_NODEID_NUMERIC(0, fields[field].type);
    clause->attributeId = fields[field].path[0] != '\0' ? ATTRIBUTE_VALUE : ATTRIBUTE_NODE_ID;
    return take_path(clause, fields[field].path);
}

static UA_StatusCode add_more(UA_SimpleAttributeOperand *clause,
                              const struct opcua_event_more *more, size_t index)
{
    clause->typeDefinitionId = UA_NODEID_NUMERIC(0, TYPE_BASE_EVENT);
    clause->attributeId = ATTRIBUTE_VALUE;
    UA_StatusCode status = UA_Array_copy(more->fields[index].names, more->fields[index].name_count,
                                         (void **)&clause->browsePath,
                                         &UA_TYPES[UA_TYPES_QUALIFIEDNAME]);
    clause->browsePathSize = status == UA_STATUSCODE_GOOD ? more->fields[index].name_count : 0;
    return status;
}

static UA_StatusCode select_fields(const struct opcua_event_more *more, enum opcua_event_ask ask,
                                   UA_EventFilter *out)
{
    size_t own = ask == OPCUA_EVENT_ASK_BASE ? (size_t)OPCUA_EVENT_BASE_COUNT
                                             : (size_t)OPCUA_EVENT_FIELD_COUNT;
    size_t others = more != NULL && ask != OPCUA_EVENT_ASK_BASE ? more->count : 0;
    UA_StatusCode status = UA_STATUSCODE_GOOD;
    out->selectClauses = UA_Array_new(own + others, &UA_TYPES[UA_TYPES_SIMPLEATTRIBUTEOPERAND]);
    if (out->selectClauses == NULL) {
        return UA_STATUSCODE_BADOUTOFMEMORY;
    }
    out->selectClausesSize = own + others;
    for (size_t i = 0; i < own && status == UA_STATUSCODE_GOOD; i++) {
        status = add_field(&out->selectClauses[i], i);
    }
    for (size_t i = 0; i < others && status == UA_STATUSCODE_GOOD; i++) {
        status = add_more(&out->selectClauses[own + i], more, i);
    }
    return status;
}

/* One operand; `operand` is taken over, also on failure. */
static UA_StatusCode add_operand(UA_ContentFilterElement *element, void *operand, size_t type)
{
    size_t count = element->filterOperandsSize;
    if (operand == NULL) {
        return UA_STATUSCODE_BADOUTOFMEMORY;
    }
    UA_ExtensionObject *grown = UA_realloc(element->filterOperands, (count + 1) * sizeof(*grown));
    if (grown == NULL) {
        UA_delete(operand, &UA_TYPES[type]);
        return UA_STATUSCODE_BADOUTOFMEMORY;
    }
    element->filterOperands = grown;
    element->filterOperandsSize = count + 1;
    UA_ExtensionObject_setValue(&grown[count], operand, &UA_TYPES[type]);
    return UA_STATUSCODE_GOOD;
}

static UA_StatusCode add_element_operand(UA_ContentFilterElement *element, uint32_t index)
{
    UA_ElementOperand *operand = UA_ElementOperand_new();
    if (operand != NULL) {
        operand->index = index;
    }
    return add_operand(element, operand, UA_TYPES_ELEMENTOPERAND);
}

static UA_StatusCode add_literal(UA_ContentFilterElement *element, const void *value, size_t type)
{
    UA_LiteralOperand *operand = UA_LiteralOperand_new();
    UA_StatusCode status = operand != NULL
                               ? UA_Variant_setScalarCopy(&operand->value, value, &UA_TYPES[type])
                               : UA_STATUSCODE_BADOUTOFMEMORY;
    if (status != UA_STATUSCODE_GOOD) {
        UA_LiteralOperand_delete(operand);
        return status;
    }
    return add_operand(element, operand, UA_TYPES_LITERALOPERAND);
}

static UA_StatusCode of_type(UA_ContentFilterElement *element, uint32_t type)
{
    UA_NodeId id = UA_NODEID_NUMERIC(0, type);
    element->filterOperator = UA_FILTEROPERATOR_OFTYPE;
    return add_literal(element, &id, UA_TYPES_NODEID);
}

static UA_StatusCode severe(UA_ContentFilterElement *element, uint16_t severity)
{
    UA_SimpleAttributeOperand *operand = UA_SimpleAttributeOperand_new();
    element->filterOperator = UA_FILTEROPERATOR_GREATERTHANOREQUAL;
    UA_StatusCode status = operand != NULL ? add_field(operand, OPCUA_EVENT_SEVERITY)
                                           : UA_STATUSCODE_BADOUTOFMEMORY;
    if (status != UA_STATUSCODE_GOOD) {
        UA_SimpleAttributeOperand_delete(operand);
        return status;
    }
    status = add_operand(element, operand, UA_TYPES_SIMPLEATTRIBUTEOPERAND);
    return status == UA_STATUSCODE_GOOD ? add_literal(element, &severity, UA_TYPES_UINT16) : status;
}

static UA_StatusCode combine(UA_ContentFilterElement *element, UA_FilterOperator how, uint32_t a,
                             uint32_t b)
{
    element->filterOperator = how;
    UA_StatusCode status = add_element_operand(element, a);
    return status == UA_STATUSCODE_GOOD ? add_element_operand(element, b) : status;
}

/* Or(wanted, OfType(SystemEventType)): the events of a refresh are system events. Element 0 is the root, operands refer
 * to later ones only (Part 4, 7.7.1). */
static UA_StatusCode choose_events(const struct opcua_alarm_settings *settings, UA_EventFilter *out)
{
    bool conditions = settings->mode == OPCUA_ALARM_CONDITIONS, levels = settings->severity > 1;
    size_t count = conditions && levels ? 5 : 3;
    if (!conditions && !levels) {
        return UA_STATUSCODE_GOOD;
    }
    out->whereClause.elements = UA_Array_new(count, &UA_TYPES[UA_TYPES_CONTENTFILTERELEMENT]);
    if (out->whereClause.elements == NULL) {
        return UA_STATUSCODE_BADOUTOFMEMORY;
    }
    out->whereClause.elementsSize = count;
    UA_ContentFilterElement *elements = out->whereClause.elements;
    UA_StatusCode status = combine(&elements[0], UA_FILTEROPERATOR_OR, 1, 2);
    status |= of_type(&elements[2], TYPE_SYSTEM_EVENT);
    if (count == 5) {
        status |= combine(&elements[1], UA_FILTEROPERATOR_AND, 3, 4);
        status |= of_type(&elements[3], TYPE_CONDITION);
        status |= severe(&elements[4], settings->severity);
    } else if (conditions) {
        status |= of_type(&elements[1], TYPE_CONDITION);
    } else {
        status |= severe(&elements[1], settings->severity);
    }
    return status;
}

UA_StatusCode opcua_event_filter(const struct opcua_alarm_settings *settings,
                                 const struct opcua_event_more *more, enum opcua_event_ask ask,
                                 UA_EventFilter *out)
{
    UA_EventFilter_init(out);
    UA_StatusCode status = select_fields(more, ask, out);
    if (status == UA_STATUSCODE_GOOD && ask == OPCUA_EVENT_ASK_ALL) {
        status = choose_events(settings, out);
    }
    if (status != UA_STATUSCODE_GOOD) {
        UA_EventFilter_clear(out);
    }
    return status;
}

/* ---- reading ---- */

/* The value of a field, where it is a scalar of the type that it should be. */
static const void *scalar(const UA_Variant *values, size_t count, enum opcua_event_field field)
{
    size_t at = (size_t)field;
    if (at >= count || !UA_Variant_hasScalarType(&values[at], &UA_TYPES[fields[at].kind])) {
        return NULL;
    }
    return values[at].data;
}

static UA_String text_of(const UA_Variant *values, size_t count, enum opcua_event_field field)
{
    const void *value = scalar(values, count, field);
    if (value == NULL) {
        return UA_STRING_NULL;
    }
    return fields[field].kind == UA_TYPES_LOCALIZEDTEXT ? ((const UA_LocalizedText *)value)->text
                                                        : *(const UA_String *)value;
}

static const UA_NodeId *node_of(const UA_Variant *values, size_t count,
                                enum opcua_event_field field)
{
    const UA_NodeId *id = scalar(values, count, field);
    return id != NULL && !UA_NodeId_isNull(id) ? id : NULL;
}

static enum opcua_truth truth_of(const UA_Variant *values, size_t count,
                                 enum opcua_event_field field)
{
    const UA_Boolean *truth = scalar(values, count, field);
    return truth == NULL ? OPCUA_UNKNOWN : *truth ? OPCUA_YES : OPCUA_NO;
}

static void read_condition(const UA_Variant *values, size_t count, struct opcua_event *out)
{
    const UA_StatusCode *quality = scalar(values, count, OPCUA_EVENT_QUALITY);
    out->condition = node_of(values, count, OPCUA_EVENT_CONDITION_ID);
    if (out->condition == NULL) {
        out->condition = node_of(values, count, OPCUA_EVENT_CONDITION_INSTANCE);
    }
    out->branch = node_of(values, count, OPCUA_EVENT_BRANCH_ID);
    out->condition_name = text_of(values, count, OPCUA_EVENT_CONDITION_NAME);
    out->condition_class = text_of(values, count, OPCUA_EVENT_CONDITION_CLASS);
    out->client_user = text_of(values, count, OPCUA_EVENT_CLIENT_USER);
    out->comment = text_of(values, count, OPCUA_EVENT_COMMENT);
    out->active_text = text_of(values, count, OPCUA_EVENT_ACTIVE_TEXT);
    out->limit = text_of(values, count, OPCUA_EVENT_LIMIT);
    out->quality = quality != NULL ? *quality : UA_STATUSCODE_GOOD;
    out->retain = truth_of(values, count, OPCUA_EVENT_RETAIN);
    out->enabled = truth_of(values, count, OPCUA_EVENT_ENABLED);
    out->acked = truth_of(values, count, OPCUA_EVENT_ACKED);
    out->confirmed = truth_of(values, count, OPCUA_EVENT_CONFIRMED);
    out->active = truth_of(values, count, OPCUA_EVENT_ACTIVE);
    out->suppressed = truth_of(values, count, OPCUA_EVENT_SUPPRESSED);
}

bool opcua_event_read(const UA_EventFieldList *list, enum opcua_event_ask ask,
                      const struct opcua_event_more *more, struct opcua_event *out)
{
    const UA_Variant *values = list->eventFields;
    size_t count = list->eventFieldsSize;
    bool all = ask != OPCUA_EVENT_ASK_BASE;
    size_t own = all ? (size_t)OPCUA_EVENT_FIELD_COUNT : (size_t)OPCUA_EVENT_BASE_COUNT;
    size_t wanted = own + (all && more != NULL ? more->count : 0);
    *out = (struct opcua_event){ 0 };
    if (count != wanted) {
        return false;
    }
    const UA_ByteString *id = scalar(values, own, OPCUA_EVENT_EVENT_ID);
    const UA_DateTime *time = scalar(values, own, OPCUA_EVENT_TIME);
    const UA_UInt16 *severity = scalar(values, own, OPCUA_EVENT_SEVERITY);
    out->id = id != NULL ? *id : UA_BYTESTRING_NULL;
    out->type = node_of(values, own, OPCUA_EVENT_EVENT_TYPE);
    out->source = node_of(values, own, OPCUA_EVENT_SOURCE_NODE);
    out->source_name = text_of(values, own, OPCUA_EVENT_SOURCE_NAME);
    out->message = text_of(values, own, OPCUA_EVENT_MESSAGE);
    out->time_us = time != NULL ? opcua_time_us(*time) : 0;
    out->severity = severity != NULL ? *severity : 0;
    read_condition(values, own, out);
    out->more = count > own ? &values[own] : NULL;
    out->more_count = count - own;
    return true;
}

enum opcua_event_kind opcua_event_kind_of(const struct opcua_event *event)
{
    const UA_NodeId *type = event->type;
    if (type != NULL && type->namespaceIndex == 0 &&
        type->identifierType == UA_NODEIDTYPE_NUMERIC) {
        switch (type->identifier.numeric) {
        case TYPE_REFRESH_START: return OPCUA_EVENT_REFRESH_START;
        case TYPE_REFRESH_END: return OPCUA_EVENT_REFRESH_END;
        case TYPE_REFRESH_REQUIRED: return OPCUA_EVENT_REFRESH_REQUIRED;
        case TYPE_QUEUE_OVERFLOW: return OPCUA_EVENT_OVERFLOW;
        default: break;
        }
    }
    return event->condition != NULL ? OPCUA_EVENT_CONDITION : OPCUA_EVENT_PLAIN;
}
