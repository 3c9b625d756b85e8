/* SPDX-License-Identifier: Apache-2.0 */
/* Alarms of one device: its event notifications become events of the journal, a person's acknowledgement goes back
 * to it, and what stands in alarm is asked for when it comes up.
 *
 *   bacnet_alarm.c        what comes, what is known of each object
 *   bacnet_alarm_words.c  a notification as an event (pure)
 *   bacnet_alarm_ack.c    AcknowledgeAlarm
 *   bacnet_standing.c     GetEventInformation, GetAlarmSummary
 *   bacnet_enrol.c        our place in the recipient lists of notification classes
 *
 * A notification counts when it comes from the address of the configured device that it names, once. A confirmed
 * one is acknowledged when its event is on disk, so that the device sends again what was not kept. */
#ifndef BUSBAR_DRIVERS_BACNET_ALARM_H
#define BUSBAR_DRIVERS_BACNET_ALARM_H

#include "drivers/bacnet/bacnet_alarm_words.h"
#include "drivers/bacnet/bacnet_device.h"
#include "drivers/bacnet/service/event_information.h"

enum {
    BACNET_ALARM_PROCESS =
        1, /* our process identifier in recipient lists, and of who acknowledges */
    BACNET_CONDITIONS_MAX = 10000, /* objects of a device whose state is remembered */
    BACNET_ALARM_RECENTS = 32,     /* notifications remembered, to know one that comes again */
    /* Of one device: so many at once, and so many a second on end. A device that never stops must not
     * fill the journal; what is over it is dropped, counted, and not acknowledged. */
    BACNET_ALARM_BURST = 1000,
    BACNET_ALARMS_A_SECOND = 20,
};

/* ---- for the driver ---- */

/* Notifications; request is replied to. */
void bacnet_event_asked(struct bacnet_network *network, struct bacnet_request *request);
void bacnet_event_told(struct bacnet_network *network, const struct bacnet_notice *notice);

/* The link came up: asks what stands in alarm, and enrols. */
void bacnet_alarm_start(struct bacnet_device *device);
/* The link went down, or the device stops: nothing is asked any more. */
void bacnet_alarm_down(struct bacnet_device *device);
void bacnet_alarm_free(struct bacnet_device *device);
void bacnet_alarm_acknowledge(struct device *dev, struct driver_acknowledge *ack);

/* ---- among its files ---- */

/* What is known of an object: its transitions that wait for an acknowledgement. */
struct bacnet_condition {
    uint8_t unacked; /* bits by enum bacnet_transition */
    uint32_t states[BACNET_TRANSITIONS];
    struct bacnet_stamp stamps[BACNET_TRANSITIONS];
};

struct bacnet_recent {
    uint64_t hash; /* 0: none */
    enum { BACNET_RECENT_WAITS, BACNET_RECENT_KEPT } state;
};

/* What may still come (BACNET_ALARM_BURST), in millionths of a notification. */
struct bacnet_alarm_room {
    int64_t left, refilled_us;
    uint64_t dropped; /* since it was full; 0: nothing is dropped */
};

struct bacnet_standing;
struct bacnet_enrolment;

struct bacnet_alarm_book {
    struct bacnet_device *device;
    struct map64 conditions; /* object as a number -> struct bacnet_condition */
    struct bacnet_recent recents[BACNET_ALARM_RECENTS];
    size_t next_recent;
    struct bacnet_alarm_room room;
    int offset_minutes;  /* of the device's clock, east of UTC */
    bool offset_known;   /* else it is that of this machine */
    struct list pending; /* events that are not on disk yet */
    struct list acks;    /* acknowledgements under way */
    struct bacnet_standing *standing;
    struct bacnet_enrolment *enrolment;
};

/* Made at first need. */
struct bacnet_alarm_book *bacnet_alarms_of(struct bacnet_device *device);
/* NULL: over the limit. */
struct bacnet_condition *bacnet_condition_of(struct bacnet_alarm_book *alarms,
                                             struct bacnet_object object);
void bacnet_conditions_clear(struct bacnet_alarm_book *alarms);
int bacnet_alarm_offset(const struct bacnet_alarm_book *alarms);
/* Makes an event of it and hands it over; on_disk as in driver_event(). unacked: of the object, with it. */
int bacnet_alarm_publish(struct bacnet_alarm_book *alarms,
                         const struct bacnet_event_notification *notification, uint8_t unacked,
                         bool standing, driver_cb on_disk, void *ctx);

void bacnet_acks_stop(struct bacnet_alarm_book *alarms, int error); /* bacnet_alarm_ack.c */

/* bacnet_standing.c; ends with bacnet_enrol_start(). */
void bacnet_standing_start(struct bacnet_alarm_book *alarms);
void bacnet_standing_stop(struct bacnet_alarm_book *alarms);

/* bacnet_enrol.c */
void bacnet_enrol_start(struct bacnet_alarm_book *alarms);
void bacnet_enrol_stop(struct bacnet_alarm_book *alarms);

#endif
