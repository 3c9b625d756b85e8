/* SPDX-License-Identifier: Apache-2.0 */
/* What is asked of events, and what comes back. */
#include <open62541/types.h>

#include "unit/drivers/opcua/data/event_rig.h"

static UA_EventFilter filter_of(enum opcua_alarm_mode mode, uint16_t severity,
                                enum opcua_event_ask ask, const struct opcua_event_more *more)
{
    struct opcua_alarm_settings settings = { .mode = mode, .severity = severity };
    UA_EventFilter filter;
    assert_int_equal(opcua_event_filter(&settings, more, ask, &filter), UA_STATUSCODE_GOOD);
    return filter;
}

/* As the wire carries it, and back: what a server gets. */
static void over_the_wire(UA_EventFilter *filter)
{
    UA_ByteString bytes = UA_BYTESTRING_NULL;
    const UA_DataType *type = &UA_TYPES[UA_TYPES_EVENTFILTER];
    assert_int_equal(UA_encodeBinary(filter, type, &bytes), 0);
    UA_EventFilter_clear(filter);
    assert_int_equal(UA_decodeBinary(&bytes, filter, type, NULL), 0);
    UA_ByteString_clear(&bytes);
}

static const UA_NodeId *literal_type(const UA_ContentFilterElement *element)
{
    assert_int_equal(element->filterOperator, UA_FILTEROPERATOR_OFTYPE);
    assert_int_equal(element->filterOperandsSize, 1);
    const UA_LiteralOperand *operand = element->filterOperands[0].content.decoded.data;
    return operand->value.data;
}

static void all_fields_are_selected(void **state)
{
    (void)state;
    UA_EventFilter filter = filter_of(OPCUA_ALARM_ALL, 0, OPCUA_EVENT_ASK_ALL, NULL);
    over_the_wire(&filter);
    assert_int_equal(filter.selectClausesSize, OPCUA_EVENT_FIELD_COUNT);
    assert_int_equal(filter.whereClause.elementsSize, 0);
    const UA_SimpleAttributeOperand *id = &filter.selectClauses[OPCUA_EVENT_CONDITION_ID];
    assert_int_equal(id->attributeId, 1); /* the NodeId of the condition itself */
    assert_int_equal(id->browsePathSize, 0);
    assert_int_equal(id->typeDefinitionId.identifier.numeric, 2782);
    const UA_SimpleAttributeOperand *acked = &filter.selectClauses[OPCUA_EVENT_ACKED];
    UA_String name = UA_STRING("AckedState"), value = UA_STRING("Id");
    assert_int_equal(acked->browsePathSize, 2);
    assert_true(UA_String_equal(&acked->browsePath[0].name, &name));
    assert_true(UA_String_equal(&acked->browsePath[1].name, &value));
    assert_int_equal(acked->attributeId, 13);
    UA_EventFilter_clear(&filter);
    filter = filter_of(OPCUA_ALARM_ALL, 0, OPCUA_EVENT_ASK_BASE, NULL);
    assert_int_equal(filter.selectClausesSize, OPCUA_EVENT_BASE_COUNT);
    UA_EventFilter_clear(&filter);
}

/* Or(And(OfType(condition), severity >= 300), OfType(system event)) */
static void the_server_chooses(void **state)
{
    (void)state;
    UA_EventFilter filter = filter_of(OPCUA_ALARM_CONDITIONS, 300, OPCUA_EVENT_ASK_ALL, NULL);
    over_the_wire(&filter);
    const UA_ContentFilterElement *elements = filter.whereClause.elements;
    assert_int_equal(filter.whereClause.elementsSize, 5);
    assert_int_equal(elements[0].filterOperator, UA_FILTEROPERATOR_OR);
    assert_int_equal(elements[0].filterOperandsSize, 2);
    const UA_ElementOperand *first = elements[0].filterOperands[0].content.decoded.data;
    assert_int_equal(first->index, 1);
    assert_int_equal(elements[1].filterOperator, UA_FILTEROPERATOR_AND);
    assert_int_equal(literal_type(&elements[2])->identifier.numeric, 2130);
    assert_int_equal(literal_type(&elements[3])->identifier.numeric, 2782);
    assert_int_equal(elements[4].filterOperator, UA_FILTEROPERATOR_GREATERTHANOREQUAL);
    const UA_LiteralOperand *severity = elements[4].filterOperands[1].content.decoded.data;
    assert_int_equal(*(const UA_UInt16 *)severity->value.data, 300);
    UA_EventFilter_clear(&filter);

    filter = filter_of(OPCUA_ALARM_CONDITIONS, 0, OPCUA_EVENT_ASK_ALL, NULL);
    assert_int_equal(filter.whereClause.elementsSize, 3);
    assert_int_equal(literal_type(&filter.whereClause.elements[1])->identifier.numeric, 2782);
    UA_EventFilter_clear(&filter);
    filter = filter_of(OPCUA_ALARM_ALL, 500, OPCUA_EVENT_ASK_ALL, NULL);
    assert_int_equal(filter.whereClause.elementsSize, 3);
    assert_int_equal(filter.whereClause.elements[1].filterOperator,
                     UA_FILTEROPERATOR_GREATERTHANOREQUAL);
    UA_EventFilter_clear(&filter);
    filter = filter_of(OPCUA_ALARM_CONDITIONS, 300, OPCUA_EVENT_ASK_UNCHOSEN, NULL);
    assert_int_equal(filter.whereClause.elementsSize, 0);
    UA_EventFilter_clear(&filter);
}

static void more_fields_by_settings(void **state)
{
    (void)state;
    struct opcua_event_more more;
    struct arena arena;
    struct err err = { 0 };
    arena_init(&arena, 0);
    assert_int_equal(opcua_event_more_parse("Zone, 2:Batch/2:Id", &arena, &more, &err), 0);
    assert_int_equal(more.count, 2);
    assert_string_equal(more.fields[1].path, "2:Batch/2:Id");
    assert_int_equal(more.fields[1].name_count, 2);
    assert_int_equal(more.fields[1].names[1].namespaceIndex, 2);
    UA_EventFilter filter = filter_of(OPCUA_ALARM_ALL, 0, OPCUA_EVENT_ASK_ALL, &more);
    over_the_wire(&filter);
    assert_int_equal(filter.selectClausesSize, OPCUA_EVENT_FIELD_COUNT + 2);
    assert_int_equal(filter.selectClauses[OPCUA_EVENT_FIELD_COUNT + 1].browsePathSize, 2);
    UA_EventFilter_clear(&filter);
    assert_int_equal(opcua_event_more_parse(NULL, &arena, &more, &err), 0);
    assert_int_equal(more.count, 0);
    assert_int_equal(opcua_event_more_parse("Zone,,Id", &arena, &more, &err), BUSBAR_EINVAL);
    assert_int_equal(opcua_event_more_parse("x:Zone", &arena, &more, &err), BUSBAR_EINVAL);
    assert_non_null(strstr(err.message, "'x' in the field 'x:Zone'"));
    assert_int_equal(opcua_event_more_parse("70000:Zone", &arena, &more, &err), BUSBAR_EINVAL);
    assert_int_equal(opcua_event_more_parse("a/b/c/d/e/f/g/h/i", &arena, &more, &err),
                     BUSBAR_ELIMIT);
    assert_int_equal(opcua_event_more_parse("a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a",
                                            &arena, &more, &err),
                     BUSBAR_ELIMIT);
    arena_fini(&arena);
}

static void fields_by_name(void **state)
{
    (void)state;
    struct event_rig rig;
    struct opcua_event event;
    event_rig_init(&rig, 0);
    event_rig_alarm(&rig, 700);
    assert_true(opcua_event_read(&rig.list, OPCUA_EVENT_ASK_ALL, NULL, &event));
    assert_int_equal(event.severity, 700);
    assert_int_equal(event.time_us, INT64_C(1700000000000000));
    assert_int_equal(event.condition->identifier.numeric, 2001);
    assert_null(event.branch);
    assert_int_equal(event.active, OPCUA_YES);
    assert_int_equal(event.acked, OPCUA_NO);
    assert_int_equal(event.confirmed, OPCUA_UNKNOWN);
    assert_int_equal(opcua_event_kind_of(&event), OPCUA_EVENT_CONDITION);

    event_rig_truth(&rig, OPCUA_EVENT_SEVERITY, true); /* not the type that it should be */
    event_rig_text(&rig, OPCUA_EVENT_ACKED, "no");
    event_rig_truth(&rig, OPCUA_EVENT_CONDITION_ID, true);
    assert_true(opcua_event_read(&rig.list, OPCUA_EVENT_ASK_ALL, NULL, &event));
    assert_int_equal(event.severity, 0);
    assert_int_equal(event.acked, OPCUA_UNKNOWN);
    assert_int_equal(opcua_event_kind_of(&event), OPCUA_EVENT_PLAIN);
    event_rig_node(&rig, OPCUA_EVENT_CONDITION_INSTANCE, 1, 2001);
    assert_true(opcua_event_read(&rig.list, OPCUA_EVENT_ASK_ALL, NULL, &event));
    assert_int_equal(event.condition->identifier.numeric, 2001);
    assert_int_equal(opcua_event_kind_of(&event), OPCUA_EVENT_CONDITION);

    for (size_t count = 0; count < OPCUA_EVENT_FIELD_COUNT; count++) {
        rig.list.eventFieldsSize = count;
        assert_false(opcua_event_read(&rig.list, OPCUA_EVENT_ASK_ALL, NULL, &event));
    }
    rig.list.eventFieldsSize = OPCUA_EVENT_BASE_COUNT;
    assert_true(opcua_event_read(&rig.list, OPCUA_EVENT_ASK_BASE, NULL, &event));
    assert_null(event.condition);
    event_rig_fini(&rig);
}

static void events_about_the_subscription(void **state)
{
    (void)state;
    static const struct {
        uint32_t type;
        enum opcua_event_kind kind;
    } rows[] = {
        { 2787, OPCUA_EVENT_REFRESH_START },
        { 2788, OPCUA_EVENT_REFRESH_END },
        { 2789, OPCUA_EVENT_REFRESH_REQUIRED },
        { 3035, OPCUA_EVENT_OVERFLOW },
        { 2041, OPCUA_EVENT_PLAIN },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct event_rig rig;
        struct opcua_event event;
        event_rig_init(&rig, 0);
        event_rig_node(&rig, OPCUA_EVENT_EVENT_TYPE, 0, rows[i].type);
        assert_true(opcua_event_read(&rig.list, OPCUA_EVENT_ASK_ALL, NULL, &event));
        assert_int_equal(opcua_event_kind_of(&event), rows[i].kind);
        event_rig_node(&rig, OPCUA_EVENT_EVENT_TYPE, 2, rows[i].type); /* another namespace */
        assert_true(opcua_event_read(&rig.list, OPCUA_EVENT_ASK_ALL, NULL, &event));
        assert_int_equal(opcua_event_kind_of(&event), OPCUA_EVENT_PLAIN);
        event_rig_fini(&rig);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_fields_are_selected),       cmocka_unit_test(the_server_chooses),
        cmocka_unit_test(more_fields_by_settings),       cmocka_unit_test(fields_by_name),
        cmocka_unit_test(events_about_the_subscription),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
