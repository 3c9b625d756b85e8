/* SPDX-License-Identifier: Apache-2.0 */
/* GetEventInformation and its elder GetAlarmSummary (ASHRAE 135, clauses 13.12 and 13.10): what is in alarm
 * now, or waits for an acknowledgement.
 *
 *   ask      [0 Object]                              go on behind this object
 *   answer   0 { summaries }, 1 Boolean more
 *   summary  0 Object, 1 state Enumerated, 2 acknowledged BitString, 3 { 3 TimeStamps }, 4 notify type
 *            Enumerated, 5 enabled BitString, 6 { 3 priorities Unsigned }
 *
 *   alarm summary   Object, state Enumerated, acknowledged BitString      one after another
 *
 * Pure, both directions. The three of each are those to off-normal, to fault, to normal
 * (enum bacnet_transition). */
#ifndef BUSBAR_DRIVERS_BACNET_SERVICE_EVENT_INFORMATION_H
#define BUSBAR_DRIVERS_BACNET_SERVICE_EVENT_INFORMATION_H

#include "drivers/bacnet/wire/numbers.h"
#include "drivers/bacnet/wire/stamp.h"

enum {
    BACNET_EVENT_INFORMATION_ASK_MAX = 5,
    BACNET_EVENT_SUMMARY_MAX = 128, /* bytes */
    BACNET_ALARM_SUMMARY_MAX = 14,
};

struct bacnet_event_summary {
    struct bacnet_object object;
    uint32_t state;
    uint8_t acknowledged; /* bit by transition: 1 = acknowledged, or never asked for */
    struct bacnet_stamp stamps[BACNET_TRANSITIONS];
    uint32_t notify_type;
    uint8_t enabled; /* so too */
    uint8_t priorities[BACNET_TRANSITIONS];
};

struct bacnet_alarm_summary {
    struct bacnet_object object;
    uint32_t state;
    uint8_t acknowledged;
};

/* after NULL: from the beginning. 0 or BUSBAR_EPROTO. */
int bacnet_get_event_information_ask(struct bytes *in, bool *has_after,
                                     struct bacnet_object *after);
void bacnet_put_event_information_ask(struct bytes_out *out, const struct bacnet_object *after);

/* summaries: to be read one by one while bytes_left(). */
int bacnet_get_event_information(struct bytes *in, struct bytes *summaries, bool *more);
int bacnet_get_event_summary(struct bytes *summaries, struct bacnet_event_summary *summary);

/* begin, then as many summaries as fit, then end. */
void bacnet_put_event_information_begin(struct bytes_out *out);
void bacnet_put_event_summary(struct bytes_out *out, const struct bacnet_event_summary *summary);
void bacnet_put_event_information_end(struct bytes_out *out, bool more);

/* One by one while bytes_left(). 0 or BUSBAR_EPROTO. */
int bacnet_get_alarm_summary(struct bytes *in, struct bacnet_alarm_summary *summary);
void bacnet_put_alarm_summary(struct bytes_out *out, const struct bacnet_alarm_summary *summary);

#endif
