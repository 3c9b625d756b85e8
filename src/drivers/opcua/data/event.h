/* SPDX-License-Identifier: Apache-2.0 */
/* Events of a server: which fields are asked for, which events (Part 4, 7.22 EventFilter), and what comes back, an array
 * of variants in the order asked. Pure but for the library's types; OPC UA thread only.
 *
 * The fields are those of BaseEventType (Part 5, 6.4.2) and of ConditionType, AcknowledgeableConditionType,
 * AlarmConditionType and LimitAlarmType (Part 9, 5.5 to 5.8); a field that an event does not have comes as null. Nothing of
 * what comes is trusted: a field of another type than asked for counts as null. */
#ifndef BUSBAR_DRIVERS_OPCUA_DATA_EVENT_H
#define BUSBAR_DRIVERS_OPCUA_DATA_EVENT_H

#include <open62541/types_generated.h>

#include "base/arena.h"
#include "base/err.h"
#include "drivers/opcua/data/features.h"

enum {
    OPCUA_EVENT_MORE_MAX = 24,  /* fields by settings */
    OPCUA_EVENT_PATH_MAX = 8,   /* browse names of one field */
    OPCUA_EVENT_ID_MAX = 256,   /* bytes of an EventId */
    OPCUA_EVENT_NODE_MAX = 512, /* bytes of a node id as text */
};

/* X(name, type definition, path, type of the library): in the order of the select clauses. An empty path: the node
 * itself, its NodeId. The instance by another of its types is for servers that do not know that operand for ConditionType. */
#define OPCUA_EVENT_FIELDS(X)                                                        \
    X(EVENT_ID, 2041, "EventId", UA_TYPES_BYTESTRING)                                \
    X(EVENT_TYPE, 2041, "EventType", UA_TYPES_NODEID)                                \
    X(SOURCE_NODE, 2041, "SourceNode", UA_TYPES_NODEID)                              \
    X(SOURCE_NAME, 2041, "SourceName", UA_TYPES_STRING)                              \
    X(TIME, 2041, "Time", UA_TYPES_DATETIME)                                         \
    X(MESSAGE, 2041, "Message", UA_TYPES_LOCALIZEDTEXT)                              \
    X(SEVERITY, 2041, "Severity", UA_TYPES_UINT16)                                   \
    X(CONDITION_ID, 2782, "", UA_TYPES_NODEID)                                       \
    X(CONDITION_INSTANCE, 2881, "", UA_TYPES_NODEID)                                 \
    X(CONDITION_NAME, 2782, "ConditionName", UA_TYPES_STRING)                        \
    X(CONDITION_CLASS, 2782, "ConditionClassName", UA_TYPES_LOCALIZEDTEXT)           \
    X(BRANCH_ID, 2782, "BranchId", UA_TYPES_NODEID)                                  \
    X(RETAIN, 2782, "Retain", UA_TYPES_BOOLEAN)                                      \
    X(ENABLED, 2782, "EnabledState/Id", UA_TYPES_BOOLEAN)                            \
    X(QUALITY, 2782, "Quality", UA_TYPES_STATUSCODE)                                 \
    X(COMMENT, 2782, "Comment", UA_TYPES_LOCALIZEDTEXT)                              \
    X(CLIENT_USER, 2782, "ClientUserId", UA_TYPES_STRING)                            \
    X(ACKED, 2881, "AckedState/Id", UA_TYPES_BOOLEAN)                                \
    X(CONFIRMED, 2881, "ConfirmedState/Id", UA_TYPES_BOOLEAN)                        \
    X(ACTIVE, 2915, "ActiveState/Id", UA_TYPES_BOOLEAN)                              \
    X(ACTIVE_TEXT, 2915, "ActiveState/EffectiveDisplayName", UA_TYPES_LOCALIZEDTEXT) \
    X(SUPPRESSED, 2915, "SuppressedOrShelved", UA_TYPES_BOOLEAN)                     \
    X(LIMIT, 9341, "LimitState/CurrentState", UA_TYPES_LOCALIZEDTEXT)

enum opcua_event_field {
#define OPCUA_EVENT_ENUM(name, type, path, kind) OPCUA_EVENT_##name,
    OPCUA_EVENT_FIELDS(OPCUA_EVENT_ENUM)
#undef OPCUA_EVENT_ENUM
        OPCUA_EVENT_FIELD_COUNT
};
enum { OPCUA_EVENT_BASE_COUNT = OPCUA_EVENT_SEVERITY + 1 /* those that every server knows */ };

/* How much is asked for; each step back is for a server that refused the one before. */
enum opcua_event_ask {
    OPCUA_EVENT_ASK_ALL,      /* all fields; events chosen by the server */
    OPCUA_EVENT_ASK_UNCHOSEN, /* all fields, all events: chosen here */
    OPCUA_EVENT_ASK_BASE,     /* the fields of BaseEventType: no conditions */
    OPCUA_EVENT_ASKS,
};

/* Fields by settings, parsed. Texts live in the arena. */
struct opcua_event_more {
    struct {
        const char *path; /* as written, the argument's name */
        UA_QualifiedName names[OPCUA_EVENT_PATH_MAX];
        size_t name_count;
    } fields[OPCUA_EVENT_MORE_MAX];
    size_t count;
};
/* "Zone, 2:Batch/Id": browse names from the event's type on, with the index of their namespace where it is not 0.
 * Returns 0, or with err filled: BUSBAR_EINVAL, BUSBAR_ELIMIT. text NULL: none. */
int opcua_event_more_parse(const char *text, struct arena *arena, struct opcua_event_more *out,
                           struct err *err);

/* The filter, in memory that is the caller's (UA_EventFilter_clear). `more` NULL: none. */
UA_StatusCode opcua_event_filter(const struct opcua_alarm_settings *settings,
                                 const struct opcua_event_more *more, enum opcua_event_ask ask,
                                 UA_EventFilter *out);

/* A truth value that may not be there. */
enum opcua_truth { OPCUA_UNKNOWN = -1, OPCUA_NO, OPCUA_YES };

/* The fields of an event by name. Borrows from the notification; texts that are absent are empty. */
struct opcua_event {
    UA_ByteString id;
    const UA_NodeId *type, *source, *condition, *branch; /* NULL: null */
    UA_String source_name, condition_name, client_user;
    UA_String message, condition_class, comment, active_text, limit;
    int64_t time_us; /* 0: none, or none that we know */
    uint16_t severity;
    UA_StatusCode quality;
    enum opcua_truth retain, enabled, acked, confirmed, active, suppressed;
    const UA_Variant *more; /* by settings */
    size_t more_count;
};

/* Reads what a filter of this `ask` gives. False: too few fields, it is nothing of ours. */
bool opcua_event_read(const UA_EventFieldList *list, enum opcua_event_ask ask,
                      const struct opcua_event_more *more, struct opcua_event *out);

/* The kinds of events that are about the subscription itself (Part 9, 5.11; Part 4, 5.12.1.5). */
enum opcua_event_kind {
    OPCUA_EVENT_PLAIN,
    OPCUA_EVENT_CONDITION,
    OPCUA_EVENT_REFRESH_START,
    OPCUA_EVENT_REFRESH_END,
    OPCUA_EVENT_REFRESH_REQUIRED,
    OPCUA_EVENT_OVERFLOW,
};
enum opcua_event_kind opcua_event_kind_of(const struct opcua_event *event);

#endif
