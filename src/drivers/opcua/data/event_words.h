/* SPDX-License-Identifier: Apache-2.0 */
/* An event of a server as an event of the journal: kind, severity, text, arguments. Pure but for the library's
 * types; OPC UA thread only.
 *
 *   kind       a condition in alarm: "alarm"; back, or disabled: "normal"; acknowledged or confirmed since it was heard of
 *              last: "acknowledged"; a condition that has no such state, and what is no condition: "notification"
 *   severity   801-1000 critical, 601-800 high, 401-600 medium, 201-400 low, 1-200 info; the way back and
 *              acknowledgements: info
 *   key        ConditionId, and the BranchId of an earlier state that still waits
 *   once       the time and all states: a refresh tells the same again
 *   ack        wanted while AckedState is false, then while ConfirmedState is */
#ifndef BUSBAR_DRIVERS_OPCUA_DATA_EVENT_WORDS_H
#define BUSBAR_DRIVERS_OPCUA_DATA_EVENT_WORDS_H

#include "drivers/opcua/data/event.h"
#include "drivers/opcua/data/value.h"
#include "drivers/opcua/link/session.h"
#include "model/event.h"

/* The states of a condition, as last heard of. */
struct opcua_states {
    int8_t active, acked, confirmed, enabled; /* enum opcua_truth */
};
struct opcua_states opcua_event_states(const struct opcua_event *event);

struct opcua_event_about {
    const struct opcua_server_facts *facts; /* for node ids; NULL: by index */
    struct opcua_types *types;              /* for fields by settings; may be NULL */
    const struct opcua_event_more *more;    /* may be NULL */
    const struct opcua_states *before;      /* NULL: nothing was heard of it yet */
    int64_t now_us;                         /* wall */
};

/* Everything lives in `texts`. */
void opcua_event_words(const struct opcua_event *in, const struct opcua_event_about *about,
                       struct arena *texts, struct event *out);

/* The key of a condition and branch, within OPCUA_EVENT_KEY_MAX; "" for what is no condition. */
enum { OPCUA_EVENT_KEY_MAX = 1100 };
size_t opcua_event_key(const struct opcua_event *event, const struct opcua_server_facts *facts,
                       char key[OPCUA_EVENT_KEY_MAX]);

uint8_t opcua_event_severity(uint16_t severity);

/* Names of arguments that an acknowledgement needs. */
#define OPCUA_ARGUMENT_CONDITION "condition-id"
#define OPCUA_ARGUMENT_EVENT     "event-id"
#define OPCUA_ARGUMENT_ACKED     "acked"

#endif
