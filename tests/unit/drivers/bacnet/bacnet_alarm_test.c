/* SPDX-License-Identifier: Apache-2.0 */
/* Alarms against a device of the rig: confirmed ones are answered from the disk, repetitions, what stands in alarm page by
 * page and by the elder service, acknowledgements, enrolment. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bacnet_rig.h"
#include "base/str.h"
#include "drivers/bacnet/bacnet_alarm.h"
#include "drivers/bacnet/service/acknowledge_alarm.h"
#include "drivers/bacnet/service/list_element.h"
#include "support/quiet.h"

enum { SEEN_MAX = 64, ACKS_MAX = 8 };

struct seen {
    char source[64], kind[32], key[64], once[64], text[256];
    uint8_t severity;
    bool ack_wanted;
    int64_t time_us;
};

static struct rig rig;
static struct seen seen[SEEN_MAX];
static size_t seen_count;
static struct bacnet_event_notification told;
static uint8_t notice[512];
static struct bacnet_ask telling[2];

/* the device's side */
static unsigned pages;      /* of GetEventInformation that it tells; 1000: never ends */
static bool same_page;      /* it tells the first again and again */
static bool no_information; /* GetEventInformation is not known to it */
static struct bacnet_acknowledge_alarm acks[ACKS_MAX];
static char ack_who[ACKS_MAX][64];
static size_t ack_count;
static bool refuse_acks;
static uint16_t refusal = BACNET_ERROR_SERVICE_REQUEST_DENIED;
static struct bacnet_destination list[4]; /* recipients of class 5 */
static size_t list_count;
static unsigned added, removed;
static uint32_t removed_of; /* the last class that we left */
static uint32_t long_list;  /* elements of an object list that is not told whole; 0: it is short */
static bool no_list;        /* it is not told at all */
static bool refuse_lists;

static void happened(struct rig *r, const struct event *event)
{
    (void)r;
    assert_true(seen_count < SEEN_MAX);
    struct seen *to = &seen[seen_count++];
    str_copy(to->source, sizeof(to->source), event->source);
    str_copy(to->kind, sizeof(to->kind), event->kind);
    str_copy(to->key, sizeof(to->key), event->key);
    str_copy(to->once, sizeof(to->once), event->once);
    str_copy(to->text, sizeof(to->text), event->text);
    to->severity = event->severity;
    to->ack_wanted = event->ack_wanted;
    to->time_us = event->time_us;
}

/* One element of the long list: analog values, and class 5 at the end. */
static void put_element(uint32_t index, struct bytes_out *out, uint16_t *error)
{
    struct bacnet_object value = { BACNET_ANALOG_VALUE, index };
    if (index == BACNET_INDEX_ALL || index > long_list) {
        *error = BACNET_ERROR_OPERATIONAL_PROBLEM;
    } else if (index == 0) {
        bacnet_put_unsigned(out, BACNET_APPLICATION, long_list);
    } else if (index < long_list) {
        bacnet_put_object(out, BACNET_APPLICATION, value);
    } else {
        bacnet_put_object(out, BACNET_APPLICATION,
                          (struct bacnet_object){ BACNET_NOTIFICATION_CLASS, 5 });
    }
}

/* Two hours ahead of UTC; does not say which services it has; recipients of notification class 5. */
static bool property(struct rig *r, struct bacnet_object object, uint32_t which, uint32_t index,
                     struct bytes_out *out, uint16_t *error)
{
    struct bacnet_datetime now;
    (void)r;
    assert_int_equal(bacnet_datetime_of(clock_wall_us() + 40 * CLOCK_US_PER_S, 120, &now), 0);
    *error = 0;
    if (which == BACNET_PROP_LOCAL_DATE) {
        bacnet_put_date(out, BACNET_APPLICATION, &now.date);
    } else if (which == BACNET_PROP_LOCAL_TIME) {
        bacnet_put_time(out, BACNET_APPLICATION, &now.time);
    } else if (which == BACNET_PROP_PROTOCOL_SERVICES_SUPPORTED) {
        *error = BACNET_ERROR_UNKNOWN_PROPERTY;
    } else if (which == BACNET_PROP_EVENT_TIME_STAMPS) {
        for (uint16_t i = 0; i < BACNET_TRANSITIONS; i++) {
            struct bacnet_stamp stamp = { .kind = BACNET_STAMP_SEQUENCE,
                                          .sequence = (uint16_t)(100 + i) };
            bacnet_put_stamp(out, &stamp);
        }
    } else if (which == BACNET_PROP_OBJECT_LIST && no_list) {
        *error = BACNET_ERROR_READ_ACCESS_DENIED;
    } else if (which == BACNET_PROP_OBJECT_LIST && long_list > 0) {
        put_element(index, out, error);
    } else if (which == BACNET_PROP_OBJECT_LIST) {
        bacnet_put_object(out, BACNET_APPLICATION, (struct bacnet_object){ BACNET_DEVICE, 2001 });
        bacnet_put_object(out, BACNET_APPLICATION,
                          (struct bacnet_object){ BACNET_NOTIFICATION_CLASS, 5 });
    } else if (which == BACNET_PROP_RECIPIENT_LIST && object.type == BACNET_NOTIFICATION_CLASS &&
               object.instance == 5) {
        for (size_t i = 0; i < list_count; i++) {
            bacnet_put_destination(out, &list[i]);
        }
    } else {
        return false;
    }
    return true;
}

static void put_page(struct bytes_out *out, uint32_t first, bool more)
{
    bacnet_put_event_information_begin(out);
    for (uint32_t i = first; pages > 0 && i < first + 3; i++) {
        struct bacnet_event_summary summary = {
            .object = { .type = BACNET_ANALOG_VALUE, .instance = i },
            .state = BACNET_STATE_HIGH_LIMIT,
            .acknowledged = 6,
            .notify_type = BACNET_NOTIFY_ALARM,
            .enabled = 7,
            .priorities = { 100, 100, 200 },
        };
        for (unsigned t = 0; t < BACNET_TRANSITIONS; t++) {
            summary.stamps[t] = (struct bacnet_stamp){ .kind = BACNET_STAMP_SEQUENCE,
                                                       .sequence = (uint16_t)(10 * i + t) };
        }
        bacnet_put_event_summary(out, &summary);
    }
    bacnet_put_event_information_end(out, more);
}

static void answer_information(struct bacnet_request *request)
{
    struct bacnet_object after = { 0 };
    bool has_after = false;
    uint8_t data[600];
    struct bytes_out out = bytes_out_of(data, sizeof(data));
    assert_int_equal(bacnet_get_event_information_ask(&request->data, &has_after, &after), 0);
    uint32_t first = has_after && !same_page ? after.instance + 1 : 0;
    put_page(&out, first, first / 3 + 1 < pages);
    bacnet_reply_data(request, data, bytes_out_size(&out));
}

static void answer_summary(struct bacnet_request *request)
{
    uint8_t data[64];
    struct bytes_out out = bytes_out_of(data, sizeof(data));
    for (uint32_t i = 0; i < 2; i++) {
        struct bacnet_alarm_summary summary = {
            .object = { .type = BACNET_ANALOG_VALUE, .instance = i },
            .state = i == 0 ? BACNET_STATE_FAULT : BACNET_STATE_LOW_LIMIT,
            .acknowledged = i == 0 ? 7 : 6,
        };
        bacnet_put_alarm_summary(&out, &summary);
    }
    bacnet_reply_data(request, data, bytes_out_size(&out));
}

static void take_ack(struct bacnet_request *request)
{
    assert_true(ack_count < ACKS_MAX);
    assert_int_equal(bacnet_get_acknowledge_alarm(&request->data, &acks[ack_count]), 0);
    str_format(ack_who[ack_count], sizeof(ack_who[0]), "%.*s",
               (int)acks[ack_count].who.as.block.size, acks[ack_count].who.as.block.data);
    ack_count++;
    if (refuse_acks) {
        bacnet_reply_error(request, BACNET_CLASS_SERVICES, refusal);
    } else {
        bacnet_reply_ack(request);
    }
}

static void take_list(struct bacnet_request *request)
{
    struct bacnet_list_element ask;
    assert_int_equal(bacnet_get_list_element(&request->data, &ask), 0);
    assert_int_equal(ask.property, BACNET_PROP_RECIPIENT_LIST);
    added++;
    if (refuse_lists || ask.object.instance != 5) {
        bacnet_reply_error(request, BACNET_CLASS_SERVICES, BACNET_ERROR_SERVICE_REQUEST_DENIED);
        return;
    }
    assert_int_equal(bacnet_get_destination(&ask.elements, &list[list_count++]), 0);
    bacnet_reply_ack(request);
}

static bool service(struct rig *r, struct bacnet_request *request)
{
    (void)r;
    switch (request->service) {
    case BACNET_GET_EVENT_INFORMATION:
        if (no_information) {
            bacnet_reply_reject(request, BACNET_REJECT_UNRECOGNIZED_SERVICE);
        } else {
            answer_information(request);
        }
        return true;
    case BACNET_GET_ALARM_SUMMARY: answer_summary(request); return true;
    case BACNET_ACKNOWLEDGE_ALARM: take_ack(request); return true;
    case BACNET_ADD_LIST_ELEMENT: take_list(request); return true;
    case BACNET_REMOVE_LIST_ELEMENT: {
        struct bacnet_list_element ask;
        struct bacnet_destination gone;
        assert_int_equal(bacnet_get_list_element(&request->data, &ask), 0);
        assert_int_equal(bacnet_get_destination(&ask.elements, &gone), 0);
        removed_of = ask.object.instance;
        assert_int_equal(gone.process, BACNET_ALARM_PROCESS);
        removed++;
        bacnet_reply_ack(request);
        return true;
    }
    default: return false;
    }
}

static void make(const char *const *pairs)
{
    quiet_log();
    seen_count = ack_count = list_count = 0;
    added = removed = 0;
    removed_of = long_list = 0;
    no_list = false;
    pages = 0;
    same_page = no_information = refuse_acks = refuse_lists = false;
    memset(telling, 0, sizeof(telling));
    rig_init(&rig, pairs, 3);
    rig.points[1].name = "sat";
    rig.points[1].title = "Supply air";
    rig.points[0].title = rig.points[2].title = "";
    rig.keeps_events = true;
    rig.happened = happened;
    rig.property = property;
    rig.service = service;
    told = (struct bacnet_event_notification){
        .process = 1,
        .device = { .type = BACNET_DEVICE, .instance = RIG_DEVICE },
        .object = { .type = BACNET_ANALOG_VALUE, .instance = 1 },
        .stamp = { .kind = BACNET_STAMP_DATETIME },
        .notification_class = 5,
        .priority = 100,
        .event_type = BACNET_EVENT_OUT_OF_RANGE,
        .has_ack_wanted = true,
        .ack_wanted = true,
        .has_from_state = true,
        .to_state = BACNET_STATE_HIGH_LIMIT,
        .values = { .choice = BACNET_EVENT_NO_VALUES },
    };
    assert_int_equal(bacnet_datetime_of(clock_wall_us(), 120, &told.stamp.at), 0);
}

static int set_up(void **state)
{
    (void)state;
    make(NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        bacnet_ask_cancel(&telling[i]);
    }
    rig_fini(&rig);
    return 0;
}

/* The device tells it, confirmed. */
static void tell(size_t which)
{
    struct bytes_out out = bytes_out_of(notice, sizeof(notice));
    bacnet_put_event_notification(&out, &told);
    telling[which] = (struct bacnet_ask){ .service = BACNET_CONFIRMED_EVENT,
                                          .data = notice,
                                          .size = bytes_out_size(&out),
                                          .retries = 3,
                                          .answered = rig_notified,
                                          .user = &rig };
    bacnet_ask(rig.back, &telling[which]);
    rig_settle(&rig);
}

static void confirmed_ones_are_answered_from_the_disk(void **state)
{
    (void)state;
    rig_start(&rig);
    tell(0);
    assert_int_equal(seen_count, 1);
    assert_string_equal(seen[0].source, "ahu/sat");
    assert_string_equal(seen[0].kind, "alarm");
    assert_int_equal(seen[0].severity, EVENT_HIGH);
    assert_true(seen[0].ack_wanted);
    assert_int_equal(seen[0].time_us, clock_wall_us()); /* of a clock that is two hours ahead */
    assert_non_null(strstr(seen[0].text, "Supply air: normal -> high-limit"));
    assert_int_equal(rig.acked, 0);
    rig_on_disk(&rig, 0);
    assert_int_equal(rig.acked, 1);
    tell(0); /* it did not hear that */
    assert_int_equal(seen_count, 1);
    assert_int_equal(rig.acked, 2);
    told.object.instance = 77; /* no point shows this one */
    tell(0);
    assert_string_equal(seen[1].source, "ahu");
}

static void what_was_not_kept_comes_again(void **state)
{
    (void)state;
    rig_start(&rig);
    tell(0);
    rig_on_disk(&rig, BUSBAR_ENOSPC);
    assert_int_equal(rig.acked, 0);
    rig_pass(&rig, 30000); /* it sends again, then gives up */
    unsigned taken = (unsigned)seen_count;
    assert_true(taken > 1);
    assert_int_equal(rig.acked, 0);
    rig_on_disk(&rig, 0);
    rig.keeps_events = false;
    told.to_state = BACNET_STATE_FAULT;
    bacnet_ask_cancel(&telling[0]);
    tell(1);
    assert_int_equal(seen_count, taken + 1);
    assert_int_equal(rig.acked, 0);
    rig.keeps_events = true;
    rig_pass(&rig, 6000);
    assert_true(seen_count > taken + 1);
    rig_on_disk(&rig, 0);
    assert_int_equal(rig.acked, 1);
}

static void broken_ones_are_rejected(void **state)
{
    (void)state;
    rig_start(&rig);
    told.values.choice = BACNET_EVENT_NO_VALUES;
    struct bytes_out out = bytes_out_of(notice, sizeof(notice));
    bacnet_put_event_notification(&out, &told);
    telling[0] = (struct bacnet_ask){ .service = BACNET_CONFIRMED_EVENT,
                                      .data = notice,
                                      .size = bytes_out_size(&out) - 2,
                                      .answered = rig_notified,
                                      .user = &rig };
    bacnet_ask(rig.back, &telling[0]);
    rig_settle(&rig);
    assert_int_equal(rig.not_acked, 1);
    assert_int_equal(seen_count, 0);
    told.device.instance = 4711; /* not configured: refused and counted */
    tell(1);
    assert_int_equal(rig.not_acked, 2);
    assert_int_equal(seen_count, 0);
    struct bacnet_network *network = bacnet_network_next(&rig.driver, NULL);
    assert_int_equal(network->unknown_events, 1);
    assert_int_equal(network->unknown_sender, 4711);
}

static void unconfirmed_ones_are_taken(void **state)
{
    (void)state;
    rig_start(&rig);
    struct bytes_out out = bytes_out_of(notice, sizeof(notice));
    bacnet_put_event_notification(&out, &told);
    const struct bacnet_address *to = &bacnet_peer_facts(rig.back)->address;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(
            bacnet_tell(rig.node, NULL, to, BACNET_UNCONFIRMED_EVENT, notice, bytes_out_size(&out)),
            0);
        rig_settle(&rig);
    }
    assert_int_equal(seen_count, 1);
}

static unsigned flooding[2]; /* alarms, and what was said of the flood */
static char flood_text[256];

static void flooded(struct rig *r, const struct event *event)
{
    (void)r;
    bool said = strcmp(event->kind, "alarm flood") == 0;
    flooding[said]++;
    if (said) {
        str_copy(flood_text, sizeof(flood_text), event->text);
    }
}

static void tell_unconfirmed(uint32_t number)
{
    struct bytes_out out = bytes_out_of(notice, sizeof(notice));
    told.object.instance = number;
    bacnet_put_event_notification(&out, &told);
    assert_int_equal(bacnet_tell(rig.node, NULL, &bacnet_peer_facts(rig.back)->address,
                                 BACNET_UNCONFIRMED_EVENT, notice, bytes_out_size(&out)),
                     0);
    rig_settle(&rig);
    rig_on_disk(&rig, 0);
}

/* More than any plant has: the journal gets so many, and is told how many it did not get. */
static void a_flood_is_cut_and_counted(void **state)
{
    (void)state;
    flooding[0] = flooding[1] = 0;
    rig.happened = flooded;
    rig_start(&rig);
    for (uint32_t i = 0; i < BACNET_ALARM_BURST + 500; i++) {
        tell_unconfirmed(i);
    }
    assert_true(flooding[0] >= BACNET_ALARM_BURST && flooding[0] < BACNET_ALARM_BURST + 300);
    assert_int_equal(flooding[1], 1);
    assert_non_null(strstr(flood_text, "are dropped"));
    unsigned dropped = BACNET_ALARM_BURST + 500 - flooding[0];
    rig_pass(&rig, BACNET_ALARM_BURST / BACNET_ALARMS_A_SECOND * 1000);
    tell_unconfirmed(5);
    assert_int_equal(flooding[0], BACNET_ALARM_BURST + 500 - dropped + 1);
    assert_int_equal(flooding[1], 2);
    char words[64];
    str_format(words, sizeof(words), "; %u notifications were dropped", dropped);
    assert_non_null(strstr(flood_text, words));
}

/* ---- what stands ---- */

static void what_stands_is_asked_page_by_page(void **state)
{
    (void)state;
    pages = 4;
    rig_start(&rig);
    rig_settle(&rig);
    assert_int_equal(rig.asked[BACNET_GET_EVENT_INFORMATION], 4);
    assert_int_equal(seen_count, 12);
    assert_string_equal(seen[1].source, "ahu/sat");
    assert_string_equal(seen[1].key, "analog-value:1");
    assert_string_equal(seen[1].once, "number 10");
    assert_string_equal(seen[11].source, "ahu");
    assert_true(seen[11].ack_wanted);
}

static void a_device_that_never_ends_is_left(void **state)
{
    (void)state;
    pages = 1000;
    same_page = true;
    rig_start(&rig);
    rig_settle(&rig);
    assert_int_equal(rig.asked[BACNET_GET_EVENT_INFORMATION], 2);
    assert_int_equal(seen_count, 6);
}

static void the_elder_service_does_too(void **state)
{
    (void)state;
    no_information = true;
    rig_start(&rig);
    rig_settle(&rig);
    assert_int_equal(rig.asked[BACNET_GET_ALARM_SUMMARY], 1);
    assert_int_equal(seen_count, 2);
    assert_string_equal(seen[0].kind, "fault");
    assert_string_equal(seen[0].once, "number 101");
    assert_false(seen[0].ack_wanted);
    assert_string_equal(seen[1].kind, "alarm");
    assert_string_equal(seen[1].once, "number 100");
    assert_true(seen[1].ack_wanted);
}

static void off_is_off(void **state)
{
    (void)state;
    rig_fini(&rig);
    make((const char *const[]){ "alarms", "off", NULL });
    pages = 1;
    rig_start(&rig);
    tell(0);
    assert_int_equal(rig.asked[BACNET_GET_EVENT_INFORMATION], 0);
    assert_int_equal(seen_count, 0);
    assert_int_equal(rig.not_acked, 1);
}

/* ---- acknowledging ---- */

static struct bacnet_alarm_event made;

/* The event of what was told last, as the journal has it. */
static struct driver_acknowledge ack_of(void)
{
    struct bacnet_alarm_about about = { .source = "ahu/sat", .now_us = clock_wall_us() };
    bacnet_alarm_words(&told, &about, &made);
    return (struct driver_acknowledge){ .event = &made.event, .who = "novak", .note = "seen" };
}

static void every_transition_is_acknowledged(void **state)
{
    (void)state;
    rig_start(&rig);
    tell(0);
    rig_on_disk(&rig, 0);
    struct bacnet_stamp first = told.stamp;
    told.to_state = BACNET_STATE_NORMAL;
    told.stamp.at.time.second++;
    tell(1);
    rig_on_disk(&rig, 0);
    struct driver_acknowledge ack = ack_of();
    bacnet_driver()->acknowledge(&rig.dev, &ack);
    rig_settle(&rig);
    assert_int_equal(rig.acknowledged, 1);
    assert_int_equal(rig.ack_error, 0);
    assert_int_equal(ack_count, 2);
    assert_int_equal(acks[0].state, BACNET_STATE_HIGH_LIMIT);
    assert_true(bacnet_stamp_equal(&acks[0].event, &first));
    assert_int_equal(acks[1].state, BACNET_STATE_NORMAL);
    assert_true(bacnet_stamp_equal(&acks[1].event, &told.stamp));
    assert_int_equal(acks[1].process, BACNET_ALARM_PROCESS);
    assert_string_equal(ack_who[0], "novak: seen");
    bacnet_alarm_words_fini(&made);
}

/* After a restart the event itself has what is needed. */
static void an_event_of_before_is_acknowledged(void **state)
{
    (void)state;
    rig_start(&rig);
    struct driver_acknowledge ack = ack_of();
    bacnet_driver()->acknowledge(&rig.dev, &ack);
    rig_settle(&rig);
    assert_int_equal(rig.ack_error, 0);
    assert_int_equal(ack_count, 1);
    assert_true(bacnet_stamp_equal(&acks[0].event, &told.stamp));
    bacnet_alarm_words_fini(&made);
}

static void refused_and_lost_acknowledgements(void **state)
{
    (void)state;
    rig_start(&rig);
    tell(0);
    rig_on_disk(&rig, 0);
    struct driver_acknowledge ack = ack_of();
    refuse_acks = true;
    bacnet_driver()->acknowledge(&rig.dev, &ack);
    rig_settle(&rig);
    assert_int_equal(rig.ack_error, BUSBAR_EREFUSED);
    assert_non_null(bacnet_driver()->explain(rig.ack_detail));
    assert_int_equal(seen_count, 1);
    refusal =
        BACNET_ERROR_INVALID_TIMESTAMP; /* it knows no such transition: settled all the same */
    bacnet_driver()->acknowledge(&rig.dev, &ack);
    rig_settle(&rig);
    refusal = BACNET_ERROR_SERVICE_REQUEST_DENIED;
    assert_int_equal(rig.ack_error, BUSBAR_EREFUSED);
    assert_int_equal(seen_count, 2);
    assert_string_equal(seen[1].kind, "acknowledged");
    assert_string_equal(seen[1].key, "analog-value:1");
    rig.acknowledged = 1;
    refuse_acks = false;
    rig.silent = true;
    bacnet_driver()->acknowledge(&rig.dev, &ack);
    rig_pass(&rig, 30000);
    assert_int_equal(rig.acknowledged, 2);
    assert_true(rig.ack_error == BUSBAR_ETIMEOUT || rig.ack_error == BUSBAR_ENOTCONN);
    rig.silent = false;
    bacnet_driver()->acknowledge(&rig.dev, &ack); /* it is asked again all the same */
    rig_settle(&rig);
    assert_int_equal(rig.acknowledged, 3);
    assert_int_equal(rig.ack_error, 0);
    made.event.key = "nonsense";
    bacnet_driver()->acknowledge(&rig.dev, &ack);
    assert_int_equal(rig.ack_error, BUSBAR_EINVAL);
    bacnet_alarm_words_fini(&made);
}

static void a_stop_answers_what_is_open(void **state)
{
    (void)state;
    rig_start(&rig);
    tell(0); /* not on disk when the device is gone */
    struct driver_acknowledge ack = ack_of();
    rig.silent = true;
    bacnet_driver()->acknowledge(&rig.dev, &ack);
    rig_settle(&rig);
    assert_int_equal(rig.acknowledged, 0);
    bacnet_driver()->stop(&rig.dev);
    assert_int_equal(rig.acknowledged, 1);
    assert_true(rig.ack_error != 0);
    rig_pass(&rig, 2000);
    rig.stopped = 0;
    bacnet_alarm_words_fini(&made);
}

/* ---- enrolment ---- */

static void enrolment_is_asked_for_once(void **state)
{
    (void)state;
    rig_fini(&rig);
    make((const char *const[]){ "alarms", "enrol", NULL });
    rig_start(&rig);
    rig_settle(&rig);
    assert_int_equal(added, 1); /* class 5 of its object list */
    assert_int_equal(list[0].process, BACNET_ALARM_PROCESS);
    assert_true(list[0].confirmed);
    assert_int_equal(list[0].days, 0x7f);
    assert_int_equal(list[0].transitions, 7);
    assert_int_equal(rig_limit(&rig, "alarm class (1)"), 5);
    rig_pass(&rig, 1000);
    for (int hour = 0; hour < 2; hour++) {
        loop_advance_for_test(rig.driver.loop, INT64_C(3601) * CLOCK_US_PER_S);
        rig_settle(&rig);
    }
    assert_int_equal(added, 1); /* looked at again, and we are in it */
    list_count = 0;             /* it lost its list */
    loop_advance_for_test(rig.driver.loop, INT64_C(3601) * CLOCK_US_PER_S);
    rig_settle(&rig);
    assert_int_equal(added, 2);
}

static void a_refused_enrolment_is_tried_again_later(void **state)
{
    (void)state;
    rig_fini(&rig);
    make((const char *const[]){ "alarms", "enrol", "notification_classes", "5, 9", NULL });
    refuse_lists = true;
    rig_start(&rig);
    rig_settle(&rig);
    assert_int_equal(added, 2);
    rig_pass(&rig, 5000);
    assert_int_equal(added, 2);
    refuse_lists = false;
    loop_advance_for_test(rig.driver.loop, INT64_C(3601) * CLOCK_US_PER_S);
    rig_settle(&rig);
    assert_int_equal(added, 4);
    assert_int_equal(list_count, 1);
    assert_int_equal(rig_limit(&rig, "alarm class (1)"), 5);
    assert_int_equal(rig_limit(&rig, "alarm class (2)"), -1); /* 9 was refused */
}

/* The whole list is refused (it does not fit, nothing can be sent in segments): element by element. */
static void a_list_that_is_too_long_is_read_by_elements(void **state)
{
    (void)state;
    rig_fini(&rig);
    make((const char *const[]){ "alarms", "enrol", NULL });
    long_list = 150; /* the class is the last of it */
    rig_start(&rig);
    rig_settle(&rig);
    assert_int_equal(added, 1);
    assert_int_equal(list_count, 1);
    assert_int_equal(rig_limit(&rig, "alarm class (1)"), 5);
}

static void a_list_that_is_refused_altogether_is_said(void **state)
{
    (void)state;
    rig_fini(&rig);
    make((const char *const[]){ "alarms", "enrol", NULL });
    no_list = true;
    rig_start(&rig);
    rig_settle(&rig);
    assert_int_equal(added, 0);
    no_list = false;
    loop_advance_for_test(rig.driver.loop, INT64_C(3601) * CLOCK_US_PER_S);
    rig_settle(&rig);
    assert_int_equal(added, 1); /* an hour later */
}

/* The settings do not want them any more; any instance is remembered. */
static void what_is_not_wanted_is_left(void **state)
{
    (void)state;
    driver_limit_set(&rig.dev, "alarm class (2)", 5);
    driver_limit_set(&rig.dev, "alarm class (3)", BACNET_INSTANCE_MAX);
    rig_start(&rig);
    rig_settle(&rig);
    assert_int_equal(removed, 2);
    assert_int_equal(removed_of, BACNET_INSTANCE_MAX);
    assert_int_equal(added, 0);
    assert_int_equal(rig_limit(&rig, "alarm class (2)"), -1);
    assert_int_equal(rig_limit(&rig, "alarm class (3)"), -1);
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH(confirmed_ones_are_answered_from_the_disk),
        WITH(what_was_not_kept_comes_again),
        WITH(broken_ones_are_rejected),
        WITH(unconfirmed_ones_are_taken),
        WITH(a_flood_is_cut_and_counted),
        WITH(what_stands_is_asked_page_by_page),
        WITH(a_device_that_never_ends_is_left),
        WITH(the_elder_service_does_too),
        WITH(off_is_off),
        WITH(every_transition_is_acknowledged),
        WITH(an_event_of_before_is_acknowledged),
        WITH(refused_and_lost_acknowledgements),
        WITH(a_stop_answers_what_is_open),
        WITH(enrolment_is_asked_for_once),
        WITH(a_refused_enrolment_is_tried_again_later),
        WITH(a_list_that_is_too_long_is_read_by_elements),
        WITH(a_list_that_is_refused_altogether_is_said),
        WITH(what_is_not_wanted_is_left),
    };
#undef WITH
    return cmocka_run_group_tests(tests, NULL, NULL);
}
