/* SPDX-License-Identifier: Apache-2.0 */
/* What stands in alarm, or waits for an acknowledgement, asked for when the device comes up: while busbar did not
 * listen it may have told of it in vain.
 *
 *   local-date, local-time   how far its clock is from UTC, to quarters of an hour
 *   GetEventInformation      page by page (clause 13.12)
 *   or GetAlarmSummary       where that is not known (clause 13.10), and then event-time-stamps of each object
 *
 * What it tells becomes events like its notifications; those that the journal has already are repetitions by their
 * time stamps. A device that never ends, or tells the same page again, is not asked on. */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "drivers/bacnet/bacnet_alarm.h"
#include "drivers/bacnet/bacnet_fetch.h"
#include "drivers/bacnet/wire/apdu.h"

enum {
    PLACE_ALARM_SUMMARY = 3, /* in Protocol_Services_Supported */
    PLACE_EVENT_INFORMATION = 39,
    SUMMARIES_MAX = BACNET_CONDITIONS_MAX,
    OLD_SUMMARIES_MAX = 1000, /* of GetAlarmSummary, which comes in one piece */
    QUARTER_MINUTES = 15,
    PAUSE_S = 10, /* a link that flaps does not ask all the time */
};

#define QUARTER_US (INT64_C(15) * 60 * CLOCK_US_PER_S)
#define OFFSET_MAX (14 * 60)

struct bacnet_standing {
    struct bacnet_alarm_book *alarms;
    bool running;
    bool asked; /* once, at asked_us */
    int64_t asked_us;
    struct bacnet_ask ask;
    uint8_t data[BACNET_EVENT_INFORMATION_ASK_MAX];
    struct bacnet_object after;
    bool has_after;
    size_t told;
    struct bacnet_fetch fetch;
    /* the clock */
    struct bacnet_fetch_item clock[2];
    struct bacnet_datetime local;
    unsigned local_parts; /* bit 0: date, bit 1: time */
    /* GetAlarmSummary */
    struct bacnet_alarm_summary *old;
    struct bacnet_fetch_item *items;
    size_t old_count;
};

static void ask_information(struct bacnet_standing *standing);
static void ask_old_summary(struct bacnet_standing *standing);

static void finish(struct bacnet_standing *standing)
{
    standing->running = false;
    busbar_free(standing->old);
    busbar_free(standing->items);
    standing->old = NULL;
    standing->items = NULL;
    standing->old_count = 0;
    bacnet_enrol_start(standing->alarms);
}

/* ---- what it tells ---- */

static void take(struct bacnet_standing *standing, const struct bacnet_event_summary *summary)
{
    struct bacnet_alarm_book *alarms = standing->alarms;
    enum bacnet_transition now = bacnet_alarm_transition(summary->state);
    uint8_t unacked = (uint8_t)(~summary->acknowledged & ((1u << BACNET_TRANSITIONS) - 1));
    struct bacnet_condition *condition = bacnet_condition_of(alarms, summary->object);
    if (condition != NULL) {
        condition->unacked = unacked;
        for (unsigned t = 0; t < BACNET_TRANSITIONS; t++) {
            static const uint32_t states[] = { BACNET_STATE_OFFNORMAL, BACNET_STATE_FAULT,
                                               BACNET_STATE_NORMAL };
            condition->stamps[t] = summary->stamps[t];
            condition->states[t] = t == (unsigned)now ? summary->state : states[t];
        }
    }
    struct bacnet_event_notification told = {
        .device = { .type = BACNET_DEVICE, .instance = alarms->device->config.device },
        .object = summary->object,
        .stamp = summary->stamps[now],
        .priority = summary->priorities[now],
        .notify_type = summary->notify_type,
        .to_state = summary->state,
        .has_ack_wanted = true,
        .ack_wanted = unacked != 0,
        .values = { .choice = BACNET_EVENT_NO_VALUES },
    };
    (void)bacnet_alarm_publish(alarms, &told, unacked, true, NULL, NULL);
    standing->told++;
}

/* ---- GetEventInformation ---- */

/* True: there is another page to ask for. */
static bool take_page(struct bacnet_standing *standing, struct bytes in)
{
    struct bytes summaries;
    struct bacnet_event_summary summary;
    struct bacnet_object last = standing->after;
    size_t before = standing->told;
    bool more = false;
    if (bacnet_get_event_information(&in, &summaries, &more) != 0) {
        return false;
    }
    while (bytes_left(&summaries) > 0 && standing->told < SUMMARIES_MAX &&
           bacnet_get_event_summary(&summaries, &summary) == 0) {
        take(standing, &summary);
        last = summary.object;
    }
    bool same = standing->has_after && bacnet_object_equal(last, standing->after);
    standing->after = last;
    standing->has_after = true;
    return more && standing->told > before && !same && standing->told < SUMMARIES_MAX;
}

static bool is_refusal(const struct bacnet_answer *answer)
{
    return answer->outcome == BACNET_ERRORED || answer->outcome == BACNET_REJECTED ||
           answer->outcome == BACNET_ABORTED;
}

static void on_information(struct bacnet_ask *ask, const struct bacnet_answer *answer)
{
    struct bacnet_standing *standing = ask->user;
    if (answer->outcome == BACNET_ACKED) {
        if (take_page(standing, answer->data)) {
            ask_information(standing);
        } else {
            finish(standing);
        }
    } else if (is_refusal(answer) && !standing->has_after) {
        ask_old_summary(standing);
    } else {
        finish(standing); /* the link's own asks find out what is wrong */
    }
}

static void ask(struct bacnet_standing *standing, uint8_t service, size_t size,
                void (*answered)(struct bacnet_ask *ask, const struct bacnet_answer *answer))
{
    standing->ask.answered = answered;
    standing->ask.user = standing;
    bacnet_device_ask(standing->alarms->device, &standing->ask, service, standing->data, size);
}

static void ask_information(struct bacnet_standing *standing)
{
    if (!bacnet_device_knows(standing->alarms->device, PLACE_EVENT_INFORMATION)) {
        ask_old_summary(standing);
        return;
    }
    struct bytes_out out = bytes_out_of(standing->data, sizeof(standing->data));
    bacnet_put_event_information_ask(&out, standing->has_after ? &standing->after : NULL);
    ask(standing, BACNET_GET_EVENT_INFORMATION, bytes_out_size(&out), on_information);
}

/* ---- GetAlarmSummary ---- */

/* Stamps of an object, if it tells them. */
static void got_stamps(struct bacnet_fetch *fetch, const struct bacnet_fetched *fetched)
{
    struct bacnet_standing *standing = fetch->user;
    const struct bacnet_alarm_summary *old = &standing->old[fetched->item];
    struct bytes in = fetched->value;
    struct bacnet_event_summary summary = { .object = old->object,
                                            .state = old->state,
                                            .acknowledged = old->acknowledged,
                                            .notify_type = BACNET_NOTIFY_ALARM,
                                            .priorities = { UINT8_MAX, UINT8_MAX, UINT8_MAX } };
    for (unsigned t = 0; t < BACNET_TRANSITIONS; t++) {
        summary.stamps[t] = fetched->refused == 0 ? bacnet_get_stamp(&in) : summary.stamps[t];
        if (fetched->refused != 0 || bytes_short(&in)) {
            summary.stamps[t] = (struct bacnet_stamp){ .kind = BACNET_STAMP_SEQUENCE };
        }
    }
    take(standing, &summary);
}

static void stamps_done(struct bacnet_fetch *fetch, const struct bacnet_answer *answer)
{
    (void)answer;
    finish(fetch->user);
}

static const struct bacnet_fetch_ops stamp_ops = { .got = got_stamps, .done = stamps_done };

static void start_fetch(struct bacnet_standing *standing, const struct bacnet_fetch_ops *ops,
                        const struct bacnet_fetch_item *items, size_t count)
{
    const struct bacnet_device *device = standing->alarms->device;
    bacnet_fetch_init(&standing->fetch, ops, standing, device->peer);
    standing->fetch.timeout_us = device->config.timeout_us;
    standing->fetch.retries = device->config.retries;
    standing->fetch.no_multiple = device->learnt.no_multiple;
    bacnet_fetch_start(&standing->fetch, items, count);
}

static void on_old_summary(struct bacnet_ask *asked, const struct bacnet_answer *answer)
{
    struct bacnet_standing *standing = asked->user;
    struct bytes in = answer->data;
    struct bacnet_alarm_summary summary;
    if (answer->outcome != BACNET_ACKED) {
        finish(standing);
        return;
    }
    standing->old = busbar_alloc_array(OLD_SUMMARIES_MAX, sizeof(*standing->old));
    standing->items = busbar_alloc_array(OLD_SUMMARIES_MAX, sizeof(*standing->items));
    while (bytes_left(&in) > 0 && standing->old_count < OLD_SUMMARIES_MAX &&
           bacnet_get_alarm_summary(&in, &summary) == 0) {
        standing->items[standing->old_count] = (struct bacnet_fetch_item){
            .object = summary.object,
            .property = BACNET_PROP_EVENT_TIME_STAMPS,
            .index = BACNET_INDEX_ALL,
        };
        standing->old[standing->old_count++] = summary;
    }
    if (standing->old_count == 0) {
        finish(standing);
    } else {
        start_fetch(standing, &stamp_ops, standing->items, standing->old_count);
    }
}

static void ask_old_summary(struct bacnet_standing *standing)
{
    if (bacnet_device_knows(standing->alarms->device, PLACE_ALARM_SUMMARY)) {
        ask(standing, BACNET_GET_ALARM_SUMMARY, 0, on_old_summary);
    } else {
        finish(standing);
    }
}

/* ---- its clock ---- */

static void got_clock(struct bacnet_fetch *fetch, const struct bacnet_fetched *fetched)
{
    struct bacnet_standing *standing = fetch->user;
    struct bytes in = fetched->value;
    struct bacnet_value value;
    if (fetched->refused != 0 || bacnet_get_value(&in, &value) != 0) {
        return;
    }
    if (value.type == BACNET_DATE) {
        standing->local.date = value.as.date;
        standing->local_parts |= 1;
    } else if (value.type == BACNET_TIME) {
        standing->local.time = value.as.time;
        standing->local_parts |= 2;
    }
}

/* A clock that is some minutes off is in the same zone all the same. */
static void clock_done(struct bacnet_fetch *fetch, const struct bacnet_answer *answer)
{
    struct bacnet_standing *standing = fetch->user;
    struct bacnet_alarm_book *alarms = standing->alarms;
    int64_t local_us;
    if (standing->local_parts == 3 && bacnet_datetime_us(&standing->local, 0, &local_us) == 0) {
        int64_t ahead_us = local_us - clock_wall_us();
        int64_t quarters = (ahead_us + (ahead_us < 0 ? -QUARTER_US : QUARTER_US) / 2) / QUARTER_US;
        alarms->offset_known = quarters * QUARTER_MINUTES <= OFFSET_MAX &&
                               quarters * QUARTER_MINUTES >= -OFFSET_MAX;
        alarms->offset_minutes = alarms->offset_known ? (int)quarters * QUARTER_MINUTES : 0;
    }
    if (answer != NULL) {
        finish(standing);
    } else {
        ask_information(standing);
    }
}

static const struct bacnet_fetch_ops clock_ops = { .got = got_clock, .done = clock_done };

/* ---- beginning and end ---- */

void bacnet_standing_start(struct bacnet_alarm_book *alarms)
{
    if (alarms->standing == NULL) {
        alarms->standing = busbar_alloc(sizeof(*alarms->standing));
        alarms->standing->alarms = alarms;
    }
    struct bacnet_standing *standing = alarms->standing;
    int64_t now_us = loop_now_us(alarms->device->loop);
    if (standing->running ||
        (standing->asked && now_us - standing->asked_us < PAUSE_S * CLOCK_US_PER_S)) {
        return;
    }
    struct bacnet_object self = { .type = BACNET_DEVICE,
                                  .instance = alarms->device->config.device };
    standing->running = true;
    standing->asked = true;
    standing->asked_us = now_us;
    standing->has_after = false;
    standing->told = 0;
    standing->local_parts = 0;
    bacnet_conditions_clear(alarms);
    standing->clock[0] = (struct bacnet_fetch_item){ self, BACNET_PROP_LOCAL_DATE,
                                                     BACNET_INDEX_ALL };
    standing->clock[1] = (struct bacnet_fetch_item){ self, BACNET_PROP_LOCAL_TIME,
                                                     BACNET_INDEX_ALL };
    start_fetch(standing, &clock_ops, standing->clock, 2);
}

void bacnet_standing_stop(struct bacnet_alarm_book *alarms)
{
    struct bacnet_standing *standing = alarms->standing;
    if (standing == NULL) {
        return;
    }
    bacnet_fetch_stop(&standing->fetch);
    bacnet_ask_cancel(&standing->ask);
    busbar_free(standing->old);
    busbar_free(standing->items);
    busbar_free(standing);
    alarms->standing = NULL;
}
