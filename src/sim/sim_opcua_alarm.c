/* SPDX-License-Identifier: Apache-2.0 */
/* Conditions (Part 9). The packaged library is built without its own, so they are made here of what it has: a condition
 * is an instance of its alarm type in the address space, and an event is that instance triggered, so that its fields are
 * read from it and its ConditionId stays. The methods of the standard's types do what they should to it.
 *
 *   off-normal   a point that is on or off, with alarm, fault, frost, leak ... in its name
 *   level        the first living numbers with units: above what is usual
 *
 *   active, not acknowledged -> acknowledged -> gone -> confirmed -> not retained any more */
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "sim/sim_opcua.h"

enum {
    LEVELS_MAX = 2, /* of a device */
    IDS_KEPT = 4,   /* of events: an acknowledgement may name one that was told before */
    SEVERITY = 600,
    LEVEL_SEVERITY = 400,
    TEXT_MAX = 300,
};
static const float LEVEL_SHARE =
    0.85f; /* of its span: there it stays for some minutes, now and then */

struct sim_opcua_alarm {
    struct list link; /* device->alarms */
    struct sim_opcua_device *device;
    uint32_t node;
    bool level;
    double high; /* raw */
    UA_NodeId id;
    UA_ByteString events[IDS_KEPT];
    size_t event_count;
    bool active, acked, confirmed;
};

/* ---- which ones ---- */

static void alarm_new(struct sim_opcua_device *device, uint32_t node, bool level)
{
    struct sim_opcua_alarm *alarm = busbar_alloc(sizeof(*alarm));
    const struct sim_value *value = &device->values[device->nodes[node].point];
    const struct point_class *cls = device->dev->points[device->nodes[node].point].cls;
    alarm->device = device;
    alarm->node = node;
    alarm->level = level;
    alarm->high = ((double)value->center + (double)(LEVEL_SHARE * value->span) - cls->offset) /
                  cls->scale;
    alarm->acked = true;
    alarm->confirmed = true;
    list_append(&device->alarms, &alarm->link);
}

void sim_opcua_alarms_make(struct sim_opcua_device *device)
{
    size_t levels = 0;
    list_init(&device->alarms);
    for (uint32_t i = 0; i < device->node_count; i++) {
        const struct sim_opcua_node *node = &device->nodes[i];
        const struct point *pt = &device->dev->points[node->point];
        const struct sim_value *value = &device->values[node->point];
        if (node->shape != NULL || node->rows > 0 || node->writable ||
            node->base == UA_TYPES_STRING) {
            continue;
        }
        if (sim_value_rare(pt)) {
            alarm_new(device, i, false);
        } else if (value->kind == SIM_SWING && pt->cls->units[0] != '\0' && levels < LEVELS_MAX) {
            alarm_new(device, i, true);
            levels++;
        }
    }
}

static void forget_events(struct sim_opcua_alarm *alarm)
{
    for (size_t i = 0; i < alarm->event_count; i++) {
        UA_ByteString_clear(&alarm->events[i]);
    }
    alarm->event_count = 0;
}

void sim_opcua_alarms_free(struct sim_opcua_device *device)
{
    list_each_safe(at, &device->alarms) {
        struct sim_opcua_alarm *alarm = list_entry(at, struct sim_opcua_alarm, link);
        forget_events(alarm);
        UA_NodeId_clear(&alarm->id);
        list_remove(&alarm->link);
        busbar_free(alarm);
    }
}

/* ---- fields ---- */

/* path: "Retain", or "AckedState" and "Id". */
static void put(struct sim_opcua_alarm *alarm, const char *first, const char *second, void *data,
                const UA_DataType *type)
{
    UA_Server *server = alarm->device->host->server;
    UA_QualifiedName path[2] = { { .name = sim_opcua_text(first) } };
    size_t count = 1;
    if (second != NULL) {
        path[count++].name = sim_opcua_text(second);
    }
    UA_BrowsePathResult found = UA_Server_browseSimplifiedBrowsePath(server, alarm->id, count,
                                                                     path);
    if (found.statusCode == UA_STATUSCODE_GOOD && found.targetsSize > 0) {
        UA_Variant value = { .type = type, .data = data };
        (void)UA_Server_writeValue(server, found.targets[0].targetId.nodeId, value);
    }
    UA_BrowsePathResult_clear(&found);
}

static void put_text(struct sim_opcua_alarm *alarm, const char *name, const char *text)
{
    UA_LocalizedText localized = { .locale = UA_STRING_STATIC("en"), .text = sim_opcua_text(text) };
    put(alarm, name, NULL, &localized, &UA_TYPES[UA_TYPES_LOCALIZEDTEXT]);
}

static void put_flag(struct sim_opcua_alarm *alarm, const char *name, bool on)
{
    put(alarm, name, NULL, &on, &UA_TYPES[UA_TYPES_BOOLEAN]);
}

static void put_string(struct sim_opcua_alarm *alarm, const char *name, const char *text)
{
    UA_String string = sim_opcua_text(text);
    put(alarm, name, NULL, &string, &UA_TYPES[UA_TYPES_STRING]);
}

static void put_state(struct sim_opcua_alarm *alarm, const char *name, bool on, const char *yes,
                      const char *no)
{
    put_text(alarm, name, on ? yes : no);
    put(alarm, name, "Id", &on, &UA_TYPES[UA_TYPES_BOOLEAN]);
}

static const struct point *point_of(const struct sim_opcua_alarm *alarm)
{
    return &alarm->device->dev->points[alarm->device->nodes[alarm->node].point];
}

static bool is_retained(const struct sim_opcua_alarm *alarm)
{
    return alarm->active || !alarm->acked || !alarm->confirmed;
}

static void put_states(struct sim_opcua_alarm *alarm)
{
    const struct point *pt = point_of(alarm);
    const char *name = pt->title[0] != '\0' ? pt->title : pt->name;
    char text[TEXT_MAX];
    UA_DateTime now = UA_DateTime_now();
    str_format(text, sizeof(text), "%s %s", name,
               alarm->active ? (alarm->level ? "is high" : "is active") : "is normal");
    put_text(alarm, "Message", text);
    put_state(alarm, "ActiveState", alarm->active, "Active", "Inactive");
    put_state(alarm, "AckedState", alarm->acked, "Acknowledged", "Unacknowledged");
    put_state(alarm, "ConfirmedState", alarm->confirmed, "Confirmed", "Unconfirmed");
    put_flag(alarm, "Retain", is_retained(alarm));
    put(alarm, "Time", NULL, &now, &UA_TYPES[UA_TYPES_DATETIME]);
}

static void tell(struct sim_opcua_alarm *alarm)
{
    UA_ByteString event = UA_BYTESTRING_NULL;
    UA_StatusCode status = UA_Server_triggerEvent(alarm->device->host->server, alarm->id,
                                                  alarm->device->object, &event, false);
    if (status != UA_STATUSCODE_GOOD) {
        return;
    }
    if (alarm->event_count == IDS_KEPT) {
        UA_ByteString_clear(&alarm->events[0]);
        memmove(alarm->events, alarm->events + 1, (IDS_KEPT - 1) * sizeof(alarm->events[0]));
        alarm->event_count--;
    }
    alarm->events[alarm->event_count++] = event;
}

/* ---- into the server ---- */

/* What the type makes optional. */
static void add_confirmed(struct sim_opcua_alarm *alarm)
{
    UA_Server *server = alarm->device->host->server;
    UA_VariableAttributes attributes = UA_VariableAttributes_default;
    attributes.displayName.text = sim_opcua_text("ConfirmedState");
    attributes.dataType = UA_TYPES[UA_TYPES_LOCALIZEDTEXT].typeId;
    attributes.valueRank = UA_VALUERANK_SCALAR;
    UA_QualifiedName browse = { .name = sim_opcua_text("ConfirmedState") };
    (void)UA_Server_addVariableNode(server, UA_NODEID_NUMERIC(alarm->id.namespaceIndex, 0),
                                    alarm->id, UA_NODEID_NUMERIC(0, UA_NS0ID_HASCOMPONENT), browse,
                                    UA_NODEID_NUMERIC(0, UA_NS0ID_TWOSTATEVARIABLETYPE), attributes,
                                    NULL, NULL);
    static const UA_UInt32 methods[] = { UA_NS0ID_ACKNOWLEDGEABLECONDITIONTYPE_ACKNOWLEDGE,
                                         UA_NS0ID_ACKNOWLEDGEABLECONDITIONTYPE_CONFIRM,
                                         UA_NS0ID_CONDITIONTYPE_ADDCOMMENT };
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        (void)UA_Server_addReference(server, alarm->id, UA_NODEID_NUMERIC(0, UA_NS0ID_HASCOMPONENT),
                                     UA_EXPANDEDNODEID_NUMERIC(0, methods[i]), true);
    }
}

static void put_constants(struct sim_opcua_alarm *alarm, UA_NodeId type)
{
    struct sim_opcua_device *device = alarm->device;
    UA_NodeId class = UA_NODEID_NUMERIC(0, UA_NS0ID_PROCESSCONDITIONCLASSTYPE);
    UA_NodeId input = sim_opcua_id(device->host, device->nodes[alarm->node].id);
    UA_UInt16 severity = alarm->level ? LEVEL_SEVERITY : SEVERITY;
    put(alarm, "EventType", NULL, &type, &UA_TYPES[UA_TYPES_NODEID]);
    put(alarm, "SourceNode", NULL, &device->object, &UA_TYPES[UA_TYPES_NODEID]);
    put(alarm, "ConditionClassId", NULL, &class, &UA_TYPES[UA_TYPES_NODEID]);
    put(alarm, "InputNode", NULL, &input, &UA_TYPES[UA_TYPES_NODEID]);
    put(alarm, "Severity", NULL, &severity, &UA_TYPES[UA_TYPES_UINT16]);
    put(alarm, "LastSeverity", NULL, &severity, &UA_TYPES[UA_TYPES_UINT16]);
    put_string(alarm, "SourceName", device->dev->name);
    put_string(alarm, "ConditionName", point_of(alarm)->name);
    put_text(alarm, "ConditionClassName", "Process");
    put_state(alarm, "EnabledState", true, "Enabled", "Disabled");
    put_flag(alarm, "SuppressedOrShelved", false);
}

static void add_alarm(struct sim_opcua_alarm *alarm)
{
    struct sim_opcua_device *device = alarm->device;
    UA_Server *server = device->host->server;
    UA_NodeId type = UA_NODEID_NUMERIC(0, alarm->level ? UA_NS0ID_EXCLUSIVELEVELALARMTYPE
                                                       : UA_NS0ID_OFFNORMALALARMTYPE);
    char id[TEXT_MAX];
    UA_NodeId_clear(&alarm->id);
    str_format(id, sizeof(id), "alarm/%s/%s", device->dev->name, point_of(alarm)->name);
    alarm->id = UA_NODEID_STRING_ALLOC(device->object.namespaceIndex, id);
    UA_ObjectAttributes attributes = UA_ObjectAttributes_default;
    attributes.displayName.text = sim_opcua_text(point_of(alarm)->name);
    UA_QualifiedName browse = { .namespaceIndex = alarm->id.namespaceIndex,
                                .name = sim_opcua_text(point_of(alarm)->name) };
    (void)UA_Server_addObjectNode(server, alarm->id, device->object,
                                  UA_NODEID_NUMERIC(0, UA_NS0ID_HASCOMPONENT), browse, type,
                                  attributes, alarm, NULL);
    (void)UA_Server_addReference(server, device->object,
                                 UA_NODEID_NUMERIC(0, UA_NS0ID_HASCONDITION),
                                 UA_EXPANDEDNODEID_NODEID(alarm->id), true);
    add_confirmed(alarm);
    put_constants(alarm, type);
    put_states(alarm);
}

void sim_opcua_alarms_add(struct sim_opcua_device *device)
{
    list_each(at, &device->alarms) {
        add_alarm(list_entry(at, struct sim_opcua_alarm, link));
    }
}

/* ---- as time goes by ---- */

static bool stands(const struct sim_opcua_alarm *alarm)
{
    const struct sim_opcua_node *node = &alarm->device->nodes[alarm->node];
    int64_t now_us = alarm->device->frozen_us != 0 ? alarm->device->frozen_us : clock_wall_us();
    UA_Variant live = { 0 };
    const UA_Variant *value = node->held;
    double number = 0.0;
    if (value == NULL) {
        sim_opcua_value_at(node, now_us, &live);
        value = &live;
    }
    if (value->data != NULL) {
        switch (node->base) {
        case UA_TYPES_BOOLEAN: number = *(UA_Boolean *)value->data ? 1.0 : 0.0; break;
        case UA_TYPES_INT32: number = *(UA_Int32 *)value->data; break;
        case UA_TYPES_UINT32: number = *(UA_UInt32 *)value->data; break;
        case UA_TYPES_INT64: number = (double)*(UA_Int64 *)value->data; break;
        case UA_TYPES_FLOAT: number = (double)*(UA_Float *)value->data; break;
        default: number = *(UA_Double *)value->data; break;
        }
    }
    UA_Variant_clear(&live);
    return alarm->level ? number > alarm->high : number != 0.0;
}

void sim_opcua_alarms_look(struct sim_opcua_device *device)
{
    if (device->loading) {
        return;
    }
    list_each(at, &device->alarms) {
        struct sim_opcua_alarm *alarm = list_entry(at, struct sim_opcua_alarm, link);
        bool active = stands(alarm);
        if (active == alarm->active) {
            continue;
        }
        alarm->active = active;
        if (active) {
            alarm->acked = false;
            alarm->confirmed = false;
        }
        put_states(alarm);
        tell(alarm);
    }
}

void sim_opcua_alarms_reset(struct sim_opcua_device *device)
{
    union value normal = { .bits = 0 };
    list_each(at, &device->alarms) {
        struct sim_opcua_alarm *alarm = list_entry(at, struct sim_opcua_alarm, link);
        struct sim_opcua_node *node = &device->nodes[alarm->node];
        if (!alarm->level) {
            (void)sim_opcua_hold(node, node->point, VALUE_INT, normal);
        }
    }
    sim_opcua_alarms_look(device);
}

/* ---- methods of the standard's types ---- */

static bool knows_event(const struct sim_opcua_alarm *alarm, const UA_Variant *id)
{
    for (size_t i = 0; i < alarm->event_count; i++) {
        if (id->type == &UA_TYPES[UA_TYPES_BYTESTRING] && id->data != NULL &&
            UA_ByteString_equal(id->data, &alarm->events[i])) {
            return true;
        }
    }
    return false;
}

static void take_comment(struct sim_opcua_alarm *alarm, const UA_Variant *comment)
{
    if (comment->type == &UA_TYPES[UA_TYPES_LOCALIZEDTEXT] && comment->data != NULL) {
        put(alarm, "Comment", NULL, comment->data, comment->type);
    }
}

static UA_StatusCode acknowledge(UA_Server *server, const UA_NodeId *session, void *session_context,
                                 const UA_NodeId *method, void *method_context,
                                 const UA_NodeId *object, void *context, size_t input_count,
                                 const UA_Variant *input, size_t output_count, UA_Variant *output)
{
    struct sim_opcua_alarm *alarm = context;
    bool confirm = method->identifier.numeric == UA_NS0ID_ACKNOWLEDGEABLECONDITIONTYPE_CONFIRM;
    bool comment = method->identifier.numeric == UA_NS0ID_CONDITIONTYPE_ADDCOMMENT;
    (void)server;
    (void)session;
    (void)session_context;
    (void)method_context;
    (void)object;
    (void)output_count;
    (void)output;
    if (alarm == NULL || input_count != 2) {
        return UA_STATUSCODE_BADNODEIDUNKNOWN;
    }
    if (!knows_event(alarm, &input[0])) {
        return UA_STATUSCODE_BADEVENTIDUNKNOWN;
    }
    if (confirm && !comment && alarm->confirmed) {
        return UA_STATUSCODE_BADCONDITIONBRANCHALREADYCONFIRMED;
    }
    if (!confirm && !comment && alarm->acked) {
        return UA_STATUSCODE_BADCONDITIONBRANCHALREADYACKED;
    }
    alarm->confirmed = alarm->confirmed || confirm;
    alarm->acked = alarm->acked || !comment;
    take_comment(alarm, &input[1]);
    put_states(alarm);
    tell(alarm);
    return UA_STATUSCODE_GOOD;
}

static void tell_refresh(UA_Server *server, UA_UInt32 type)
{
    UA_NodeId event;
    if (UA_Server_createEvent(server, UA_NODEID_NUMERIC(0, type), &event) == UA_STATUSCODE_GOOD) {
        UA_DateTime now = UA_DateTime_now();
        (void)UA_Server_writeObjectProperty_scalar(server, event, UA_QUALIFIEDNAME(0, "Time"), &now,
                                                   &UA_TYPES[UA_TYPES_DATETIME]);
        (void)UA_Server_triggerEvent(server, event, UA_NODEID_NUMERIC(0, UA_NS0ID_SERVER), NULL,
                                     true);
    }
}

/* Tells all who listen, not only who asked: to whom it is old it is the same again. */
static UA_StatusCode refresh(UA_Server *server, const UA_NodeId *session, void *session_context,
                             const UA_NodeId *method, void *method_context, const UA_NodeId *object,
                             void *context, size_t input_count, const UA_Variant *input,
                             size_t output_count, UA_Variant *output)
{
    struct sim_opcua_host *host = UA_Server_getConfig(server)->context;
    (void)session;
    (void)session_context;
    (void)method;
    (void)method_context;
    (void)object;
    (void)context;
    (void)input_count;
    (void)input;
    (void)output_count;
    (void)output;
    tell_refresh(server, UA_NS0ID_REFRESHSTARTEVENTTYPE);
    list_each(at, &host->devices) {
        struct sim_opcua_device *device = list_entry(at, struct sim_opcua_device, link);
        list_each(each, &device->alarms) {
            struct sim_opcua_alarm *alarm = list_entry(each, struct sim_opcua_alarm, link);
            if (is_retained(alarm) && !device->loading) {
                tell(alarm);
            }
        }
    }
    tell_refresh(server, UA_NS0ID_REFRESHENDEVENTTYPE);
    return UA_STATUSCODE_GOOD;
}

void sim_opcua_alarms_methods(struct sim_opcua_host *host)
{
    static const struct {
        UA_UInt32 id;
        UA_MethodCallback call;
    } methods[] = {
        { UA_NS0ID_ACKNOWLEDGEABLECONDITIONTYPE_ACKNOWLEDGE, acknowledge },
        { UA_NS0ID_ACKNOWLEDGEABLECONDITIONTYPE_CONFIRM, acknowledge },
        { UA_NS0ID_CONDITIONTYPE_ADDCOMMENT, acknowledge },
        { UA_NS0ID_CONDITIONTYPE_CONDITIONREFRESH, refresh },
        { UA_NS0ID_CONDITIONTYPE_CONDITIONREFRESH2, refresh },
    };
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        (void)UA_Server_setMethodNodeCallback(host->server, UA_NODEID_NUMERIC(0, methods[i].id),
                                              methods[i].call);
    }
}
