/* SPDX-License-Identifier: Apache-2.0 */
/* Fields of an event as a server sends them, for tests. */
#ifndef BUSBAR_TESTS_OPCUA_EVENT_RIG_H
#define BUSBAR_TESTS_OPCUA_EVENT_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/opcua/data/event_words.h"

enum { EVENT_RIG_MORE = 2 };

/* All fields of the filter and two more; null until set. */
struct event_rig {
    UA_Variant values[OPCUA_EVENT_FIELD_COUNT + EVENT_RIG_MORE];
    UA_EventFieldList list;
};

static inline void event_rig_init(struct event_rig *rig, size_t more)
{
    for (size_t i = 0; i < OPCUA_EVENT_FIELD_COUNT + EVENT_RIG_MORE; i++) {
        UA_Variant_init(&rig->values[i]);
    }
    rig->list = (UA_EventFieldList){ .clientHandle = 1,
                                     .eventFields = rig->values,
                                     .eventFieldsSize = OPCUA_EVENT_FIELD_COUNT + more };
}

static inline void event_rig_fini(struct event_rig *rig)
{
    for (size_t i = 0; i < OPCUA_EVENT_FIELD_COUNT + EVENT_RIG_MORE; i++) {
        UA_Variant_clear(&rig->values[i]);
    }
}

static inline void event_rig_set(struct event_rig *rig, size_t field, const void *value,
                                 size_t type)
{
    UA_Variant_clear(&rig->values[field]);
    assert_int_equal(UA_Variant_setScalarCopy(&rig->values[field], value, &UA_TYPES[type]), 0);
}

static inline void event_rig_text(struct event_rig *rig, size_t field, const char *text)
{
    UA_String string = UA_STRING((char *)(uintptr_t)text);
    event_rig_set(rig, field, &string, UA_TYPES_STRING);
}

static inline void event_rig_localized(struct event_rig *rig, size_t field, const char *text)
{
    UA_LocalizedText localized = { .text = UA_STRING((char *)(uintptr_t)text) };
    event_rig_set(rig, field, &localized, UA_TYPES_LOCALIZEDTEXT);
}

static inline void event_rig_truth(struct event_rig *rig, size_t field, bool truth)
{
    event_rig_set(rig, field, &truth, UA_TYPES_BOOLEAN);
}

static inline void event_rig_node(struct event_rig *rig, size_t field, uint16_t index,
                                  uint32_t number)
{
    UA_NodeId id = UA_NODEID_NUMERIC(index, number);
    event_rig_set(rig, field, &id, UA_TYPES_NODEID);
}

/* An active level alarm that nobody acknowledged, at 2023-11-14T22:13:20Z. */
static inline void event_rig_alarm(struct event_rig *rig, uint16_t severity)
{
    UA_ByteString id = { .length = 4, .data = (UA_Byte *)(uintptr_t) "\x01\x02\x03\x04" };
    UA_DateTime time = opcua_time_of(INT64_C(1700000000000000));
    event_rig_set(rig, OPCUA_EVENT_EVENT_ID, &id, UA_TYPES_BYTESTRING);
    event_rig_node(rig, OPCUA_EVENT_EVENT_TYPE, 0, 9482);
    event_rig_node(rig, OPCUA_EVENT_SOURCE_NODE, 1, 1001);
    event_rig_text(rig, OPCUA_EVENT_SOURCE_NAME, "Tank 1");
    event_rig_set(rig, OPCUA_EVENT_TIME, &time, UA_TYPES_DATETIME);
    event_rig_localized(rig, OPCUA_EVENT_MESSAGE, "level is too high");
    event_rig_set(rig, OPCUA_EVENT_SEVERITY, &severity, UA_TYPES_UINT16);
    event_rig_node(rig, OPCUA_EVENT_CONDITION_ID, 1, 2001);
    event_rig_text(rig, OPCUA_EVENT_CONDITION_NAME, "TankLevel");
    event_rig_truth(rig, OPCUA_EVENT_RETAIN, true);
    event_rig_truth(rig, OPCUA_EVENT_ENABLED, true);
    event_rig_truth(rig, OPCUA_EVENT_ACKED, false);
    event_rig_truth(rig, OPCUA_EVENT_ACTIVE, true);
    event_rig_localized(rig, OPCUA_EVENT_LIMIT, "HighHigh");
}

#endif
