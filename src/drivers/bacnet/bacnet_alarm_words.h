/* SPDX-License-Identifier: Apache-2.0 */
/* An event notification as an event of the journal: kind, severity, text, arguments. Pure.
 *
 *   kind       to-state normal: "normal", fault: "fault", else "alarm"; of notify type event "notification" unless it is
 *              a fault or the way back; of notify type ack "acknowledged"
 *   severity   priority 0-63 critical, 64-127 high, 128-191 medium, 192-255 low (the bands of clause 13.4.1); the way
 *              back and acknowledgements: info
 *   key        the object: a condition is what an object's event state is
 *   once       the time stamp of the transition */
#ifndef BUSBAR_DRIVERS_BACNET_ALARM_WORDS_H
#define BUSBAR_DRIVERS_BACNET_ALARM_WORDS_H

#include "base/arena.h"
#include "drivers/bacnet/service/event_notification.h"
#include "model/event.h"

enum { BACNET_STAMP_TEXT_MAX = 48 };

/* What the notification itself does not say. */
struct bacnet_alarm_about {
    const char *source; /* "ahu-1/sat" */
    const char *name;   /* of the object for people; NULL or "": as BACnet writes it */
    int64_t now_us;     /* wall clock */
    int offset_minutes; /* of the device's clock, east of UTC */
    bool standing;      /* told when asked (GetEventInformation), not when it happened */
    uint8_t unacked;    /* bits of the object's transitions that wait for an acknowledgement */
};

struct bacnet_alarm_event {
    struct event event;
    struct event_argument arguments[EVENT_ARGUMENTS_MAX + 1]; /* the last: what had no room */
    struct arena store;                                       /* of the texts */
};

/* bacnet_alarm_words_fini() it afterwards. */
void bacnet_alarm_words(const struct bacnet_event_notification *notification,
                        const struct bacnet_alarm_about *about, struct bacnet_alarm_event *out);
void bacnet_alarm_words_fini(struct bacnet_alarm_event *event);

/* The transition that leads to a state. */
enum bacnet_transition bacnet_alarm_transition(uint32_t state);
uint8_t bacnet_alarm_severity(uint8_t priority);

/* "2026-11-22 07:30:00.25", "07:30:00", "number 17"; of one that never was: "". Returns the length. */
size_t bacnet_alarm_stamp(const struct bacnet_stamp *stamp, char text[BACNET_STAMP_TEXT_MAX]);
/* When it was by our clock; 0: it does not say, or what it says is no time. */
int64_t bacnet_alarm_time(const struct bacnet_stamp *stamp, int offset_minutes, int64_t now_us);

/* What AcknowledgeAlarm needs, out of an event that was made here. False: it is not of here. */
struct bacnet_alarm_key {
    struct bacnet_object object;
    uint32_t state;
    struct bacnet_stamp stamp;
};
bool bacnet_alarm_key(const struct event *event, struct bacnet_alarm_key *key);

#endif
