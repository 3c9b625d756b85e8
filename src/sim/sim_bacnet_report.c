/* SPDX-License-Identifier: Apache-2.0 */
/* What can be read of how objects report: limits and alarms, the notification class, trend logs. */
#include <string.h>

#include "drivers/bacnet/wire/stamp.h"
#include "drivers/bacnet/wire/tag.h"
#include "sim/sim_bacnet_property.h"

#define APP BACNET_APPLICATION

/* ---- alarms ---- */

static struct sim_bacnet_alarm alarm_of(const struct sim_bacnet_asked *a)
{
    struct sim_bacnet_alarm scratch;
    return *sim_bacnet_alarm(a->bd, a->obj, &scratch);
}

static void put_high(struct sim_bacnet_asked *a)
{
    bacnet_put_real(a->out, APP, alarm_of(a).high);
}

static void put_low(struct sim_bacnet_asked *a)
{
    bacnet_put_real(a->out, APP, alarm_of(a).low);
}

static void put_deadband(struct sim_bacnet_asked *a)
{
    bacnet_put_real(a->out, APP, alarm_of(a).deadband);
}

static void put_alarm_value(struct sim_bacnet_asked *a)
{
    bacnet_put_enumerated(a->out, APP, 1);
}

static void put_limit_enable(struct sim_bacnet_asked *a)
{
    bacnet_put_bits(a->out, APP, alarm_of(a).limit_enable, 2);
}

static void put_event_enable(struct sim_bacnet_asked *a)
{
    bacnet_put_bits(a->out, APP, alarm_of(a).event_enable, BACNET_TRANSITIONS);
}

static void put_acked(struct sim_bacnet_asked *a)
{
    bacnet_put_bits(a->out, APP, alarm_of(a).acked, BACNET_TRANSITIONS);
}

static void put_zero(struct sim_bacnet_asked *a) /* notify type "alarm"; no delay */
{
    if (a->property == BACNET_PROP_TIME_DELAY) {
        bacnet_put_unsigned(a->out, APP, 0);
    } else {
        bacnet_put_enumerated(a->out, APP, 0);
    }
}

static void put_class(struct sim_bacnet_asked *a)
{
    bacnet_put_unsigned(a->out, APP, SIM_BACNET_CLASS);
}

static void put_detection(struct sim_bacnet_asked *a)
{
    bacnet_put_boolean(a->out, APP, a->obj->enabled);
}

static uint32_t count_transitions(const struct sim_bacnet_asked *a)
{
    (void)a;
    return BACNET_TRANSITIONS;
}

struct bacnet_stamp sim_bacnet_stamp(const struct sim_bacnet_device *bd, int64_t wall_us)
{
    struct bacnet_stamp stamp = { .kind = BACNET_STAMP_DATETIME };
    if (wall_us == 0 || bacnet_datetime_of(sim_bacnet_now(bd, wall_us), 0, &stamp.at) != 0) {
        memset(&stamp.at, BACNET_ANY, sizeof(stamp.at));
    }
    return stamp;
}

static void put_stamp(struct sim_bacnet_asked *a)
{
    struct bacnet_stamp stamp = sim_bacnet_stamp(a->bd, alarm_of(a).stamps_us[a->element]);
    bacnet_put_stamp(a->out, &stamp);
}

/* ---- the notification class ---- */

const uint8_t sim_bacnet_priorities[BACNET_TRANSITIONS] = { 100, 80, 200 };

static void put_class_priority(struct sim_bacnet_asked *a)
{
    bacnet_put_unsigned(a->out, APP, sim_bacnet_priorities[a->element]);
}

static void put_ack_required(struct sim_bacnet_asked *a)
{
    bacnet_put_bits(a->out, APP, SIM_BACNET_ACK_REQUIRED, BACNET_TRANSITIONS);
}

static void put_recipients(struct sim_bacnet_asked *a)
{
    for (uint32_t i = 0; i < a->bd->recipient_count; i++) {
        bacnet_put_destination(a->out, &a->bd->recipients[i]);
    }
}

/* ---- trend logs ---- */

static void put_enabled(struct sim_bacnet_asked *a)
{
    bacnet_put_boolean(a->out, APP, a->obj->enabled);
}

static void put_false(struct sim_bacnet_asked *a)
{
    bacnet_put_boolean(a->out, APP, false);
}

static void put_buffer_size(struct sim_bacnet_asked *a)
{
    bacnet_put_unsigned(a->out, APP, SIM_BACNET_LOG_RECORDS);
}

static void put_record_count(struct sim_bacnet_asked *a)
{
    uint32_t oldest, newest;
    sim_bacnet_log_range(a->bd, a->obj, a->wall_us, &oldest, &newest);
    bacnet_put_unsigned(a->out, APP, newest == 0 ? 0 : newest - oldest + 1);
}

static void put_total_count(struct sim_bacnet_asked *a)
{
    uint32_t oldest, newest;
    sim_bacnet_log_range(a->bd, a->obj, a->wall_us, &oldest, &newest);
    bacnet_put_unsigned(a->out, APP, newest);
}

static void put_log_interval(struct sim_bacnet_asked *a)
{
    bacnet_put_unsigned(a->out, APP, SIM_BACNET_LOG_EVERY_S * 100u); /* hundredths */
}

static void put_logged(struct sim_bacnet_asked *a)
{
    const struct sim_bacnet_object *logged = sim_bacnet_logged(a->bd, a->obj, a->element);
    struct bacnet_reference reference = {
        .object = logged != NULL ? logged->id : a->obj->id,
        .property = BACNET_PROP_PRESENT_VALUE,
        .index = BACNET_INDEX_ALL,
        .device = BACNET_INSTANCE_MAX,
    };
    bacnet_put_reference(a->out, &reference);
}

static uint32_t count_logged(const struct sim_bacnet_asked *a)
{
    uint32_t count = 0;
    while (sim_bacnet_logged(a->bd, a->obj, count) != NULL) {
        count++;
    }
    return count;
}

/* ---- the rows ---- */

#define LIMITED SIM_BACNET_LIMITED
#define WATCHED SIM_BACNET_WATCHED
#define REPORTS (SIM_BACNET_LIMITED | SIM_BACNET_WATCHED)
#define LOG     SIM_BACNET_LOG
#define CLASS   SIM_BACNET_OF_CLASS

#define REQUIRED       SIM_BACNET_REQUIRED
#define OPTIONAL       SIM_BACNET_OPTIONAL
#define REQUIRED_ARRAY SIM_BACNET_REQUIRED_ARRAY
#define OPTIONAL_ARRAY SIM_BACNET_OPTIONAL_ARRAY

static const struct sim_bacnet_row rows[] = {
    OPTIONAL(TIME_DELAY, REPORTS, put_zero),
    OPTIONAL(NOTIFICATION_CLASS, REPORTS, put_class),
    OPTIONAL(HIGH_LIMIT, LIMITED, put_high),
    OPTIONAL(LOW_LIMIT, LIMITED, put_low),
    OPTIONAL(DEADBAND, LIMITED, put_deadband),
    OPTIONAL(LIMIT_ENABLE, LIMITED, put_limit_enable),
    OPTIONAL(ALARM_VALUE, WATCHED, put_alarm_value),
    OPTIONAL(EVENT_ENABLE, REPORTS, put_event_enable),
    OPTIONAL(ACKED_TRANSITIONS, REPORTS, put_acked),
    OPTIONAL(NOTIFY_TYPE, REPORTS, put_zero),
    OPTIONAL_ARRAY(EVENT_TIME_STAMPS, REPORTS, count_transitions, put_stamp),
    OPTIONAL(EVENT_DETECTION_ENABLE, REPORTS, put_detection),
    REQUIRED(NOTIFICATION_CLASS, CLASS, put_class),
    REQUIRED_ARRAY(PRIORITY, CLASS, count_transitions, put_class_priority),
    REQUIRED(ACK_REQUIRED, CLASS, put_ack_required),
    REQUIRED(RECIPIENT_LIST, CLASS, put_recipients),
    REQUIRED(ENABLE, LOG, put_enabled),
    REQUIRED(STOP_WHEN_FULL, LOG, put_false),
    REQUIRED(BUFFER_SIZE, LOG, put_buffer_size),
    REQUIRED(RECORD_COUNT, LOG, put_record_count),
    REQUIRED(TOTAL_RECORD_COUNT, LOG, put_total_count),
    REQUIRED(LOGGING_TYPE, LOG, put_zero), /* polled */
    OPTIONAL(LOG_INTERVAL, LOG, put_log_interval),
    /* of a single log it is no array: sim_bacnet_read() knows */
    REQUIRED_ARRAY(LOG_DEVICE_OBJECT_PROPERTY, LOG, count_logged, put_logged),
};

size_t sim_bacnet_report_rows(void)
{
    return sizeof(rows) / sizeof(rows[0]);
}

const struct sim_bacnet_row *sim_bacnet_report_row(size_t i)
{
    return &rows[i];
}
