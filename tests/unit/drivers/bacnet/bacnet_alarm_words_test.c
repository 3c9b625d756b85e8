/* SPDX-License-Identifier: Apache-2.0 */
/* Event notifications as events of the journal: kinds, severities, texts, arguments, times, and the way back to
 * what AcknowledgeAlarm needs. */
#include "drivers/bacnet/bacnet_alarm_words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/str.h"

#define NOW       INT64_C(1790000000000000) /* 2026-09-21T14:13:20Z */
#define MINUTE_US (INT64_C(60) * 1000000)

static struct bacnet_alarm_event made;
static struct bacnet_event_notification told;
static struct bacnet_alarm_about about;

/* Annex F.1.4, with a text and a full time stamp. */
static int set_up(void **state)
{
    (void)state;
    memset(&told, 0, sizeof(told));
    told = (struct bacnet_event_notification){
        .process = 1,
        .device = { .type = BACNET_DEVICE, .instance = 2001 },
        .object = { .type = BACNET_ANALOG_INPUT, .instance = 2 },
        .stamp = { .kind = BACNET_STAMP_DATETIME },
        .notification_class = 4,
        .priority = 100,
        .event_type = BACNET_EVENT_OUT_OF_RANGE,
        .notify_type = BACNET_NOTIFY_ALARM,
        .has_ack_wanted = true,
        .ack_wanted = true,
        .has_from_state = true,
        .from_state = BACNET_STATE_NORMAL,
        .to_state = BACNET_STATE_HIGH_LIMIT,
    };
    assert_int_equal(bacnet_datetime_of(NOW, 120, &told.stamp.at), 0);
    bacnet_event_values_init(&told.values, BACNET_EVENT_OUT_OF_RANGE);
    static const uint8_t in_alarm = 0x80;
    told.values.fields[0].value.as.real = 80.1F;
    told.values.fields[1].value.as.block.data = &in_alarm;
    told.values.fields[1].value.as.block.size = 1;
    told.values.fields[1].value.as.block.set = 4;
    told.values.fields[2].value.as.real = 1;
    told.values.fields[3].value.as.real = 80;
    about = (struct bacnet_alarm_about){ .source = "ahu-1/sat",
                                         .name = "Supply air",
                                         .now_us = NOW + 3 * MINUTE_US,
                                         .offset_minutes = 120,
                                         .unacked = 1 };
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    bacnet_alarm_words_fini(&made);
    return 0;
}

static const struct event_argument *find(const char *name)
{
    for (size_t i = 0; i < made.event.argument_count; i++) {
        if (str_equal(made.event.arguments[i].name, name)) {
            return &made.event.arguments[i];
        }
    }
    return NULL;
}

static const char *text_of(const char *name)
{
    const struct event_argument *argument = find(name);
    return argument != NULL && argument->type == VALUE_TEXT ? argument->value.text->bytes
                                                            : "(none)";
}

static void set_text(const char *text)
{
    told.has_text = true;
    told.text = (struct bacnet_value){ .type = BACNET_CHARACTERS };
    told.text.as.block.data = (const uint8_t *)text;
    told.text.as.block.size = (uint32_t)strlen(text);
}

static void an_alarm_has_all_its_parameters(void **state)
{
    (void)state;
    bacnet_alarm_words(&told, &about, &made);
    const struct event *event = &made.event;
    assert_string_equal(event->source, "ahu-1/sat");
    assert_string_equal(event->kind, "alarm");
    assert_int_equal(event->severity, EVENT_HIGH);
    assert_true(event->ack_wanted);
    assert_int_equal(event->time_us, NOW);
    assert_int_equal(event->receive_us, NOW + 3 * MINUTE_US);
    assert_string_equal(event->key, "analog-input:2");
    assert_string_equal(event->once, "2026-09-21 16:13:20");
    assert_string_equal(event->text,
                        "Supply air: normal -> high-limit (out-of-range), exceeding-value 80.1, "
                        "status-flags in-alarm, deadband 1, exceeded-limit 80");
    assert_string_equal(text_of("object"), "analog-input:2");
    assert_string_equal(text_of("from-state"), "normal");
    assert_string_equal(text_of("to-state"), "high-limit");
    assert_string_equal(text_of("event-type"), "out-of-range");
    assert_string_equal(text_of("notify-type"), "alarm");
    assert_string_equal(text_of("time-stamp"), "2026-09-21 16:13:20");
    assert_int_equal(find("priority")->value.i, 100);
    assert_int_equal(find("notification-class")->value.i, 4);
    assert_int_equal(find("process")->value.i, 1);
    assert_true(find("exceeding-value")->value.d == 80.1); /* not 80.0999984741211 */
    assert_string_equal(text_of("status-flags"), "in-alarm");
}

static void the_device_own_words_go_first(void **state)
{
    (void)state;
    set_text(" Supply\nair too warm ");
    bacnet_alarm_words(&told, &about, &made);
    assert_string_equal(made.event.text, "Supply air too warm");
    bacnet_alarm_words_fini(&made);
    set_text(" \t");
    about.name = NULL;
    bacnet_alarm_words(&told, &about, &made);
    assert_non_null(strstr(made.event.text, "analog-input:2: normal -> high-limit"));
}

static void kinds_and_severities(void **state)
{
    (void)state;
    static const struct {
        uint32_t notify, type, to;
        uint8_t priority;
        const char *kind;
        uint8_t severity;
    } rows[] = {
        { BACNET_NOTIFY_ALARM, BACNET_EVENT_OUT_OF_RANGE, BACNET_STATE_HIGH_LIMIT, 0, "alarm",
          EVENT_CRITICAL },
        { BACNET_NOTIFY_ALARM, BACNET_EVENT_OUT_OF_RANGE, BACNET_STATE_LOW_LIMIT, 63, "alarm",
          EVENT_CRITICAL },
        { BACNET_NOTIFY_ALARM, BACNET_EVENT_CHANGE_OF_STATE, BACNET_STATE_OFFNORMAL, 64, "alarm",
          EVENT_HIGH },
        { BACNET_NOTIFY_ALARM, BACNET_EVENT_CHANGE_OF_LIFE_SAFETY, BACNET_STATE_LIFE_SAFETY_ALARM,
          128, "alarm", EVENT_MEDIUM },
        { BACNET_NOTIFY_ALARM, BACNET_EVENT_OUT_OF_RANGE, BACNET_STATE_FAULT, 192, "fault",
          EVENT_LOW },
        { BACNET_NOTIFY_EVENT, BACNET_EVENT_CHANGE_OF_VALUE, BACNET_STATE_OFFNORMAL, 255,
          "notification", EVENT_LOW },
        { BACNET_NOTIFY_EVENT, BACNET_EVENT_CHANGE_OF_VALUE, BACNET_STATE_FAULT, 10, "fault",
          EVENT_CRITICAL },
        { BACNET_NOTIFY_EVENT, BACNET_EVENT_BUFFER_READY, BACNET_STATE_NORMAL, 200, "notification",
          EVENT_INFO },
        { BACNET_NOTIFY_ALARM, BACNET_EVENT_OUT_OF_RANGE, BACNET_STATE_NORMAL, 0, "normal",
          EVENT_INFO },
        { BACNET_NOTIFY_ALARM, 999, 77, 100, "alarm", EVENT_HIGH }, /* a vendor's own */
        { BACNET_NOTIFY_ACK, BACNET_EVENT_OUT_OF_RANGE, BACNET_STATE_HIGH_LIMIT, 0, "acknowledged",
          EVENT_INFO },
    };
    told.values.choice = BACNET_EVENT_NO_VALUES;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        told.notify_type = rows[i].notify;
        told.event_type = rows[i].type;
        told.to_state = rows[i].to;
        told.priority = rows[i].priority;
        bacnet_alarm_words(&told, &about, &made);
        assert_string_equal(made.event.kind, rows[i].kind);
        assert_int_equal(made.event.severity, rows[i].severity);
        bacnet_alarm_words_fini(&made);
    }
    bacnet_alarm_words(&told, &about, &made);
}

/* An acknowledgement at the device settles the condition when nothing of it waits any more. */
static void an_acknowledgement_elsewhere(void **state)
{
    (void)state;
    told.notify_type = BACNET_NOTIFY_ACK;
    told.has_from_state = false;
    told.values.choice = BACNET_EVENT_NO_VALUES;
    about.unacked = 0;
    bacnet_alarm_words(&told, &about, &made);
    assert_string_equal(made.event.text, "Supply air: high-limit acknowledged");
    assert_string_equal(made.event.key, "analog-input:2");
    assert_string_equal(made.event.once, "");
    assert_false(made.event.ack_wanted);
    bacnet_alarm_words_fini(&made);
    about.unacked = 4;
    bacnet_alarm_words(&told, &about, &made);
    assert_string_equal(made.event.key, "");
}

static void what_stands_says_so(void **state)
{
    (void)state;
    about.standing = true;
    told.has_from_state = false;
    told.values.choice = BACNET_EVENT_NO_VALUES;
    bacnet_alarm_words(&told, &about, &made);
    assert_string_equal(made.event.text, "Supply air: high-limit");
    assert_string_equal(made.event.once, "2026-09-21 16:13:20"); /* as when it happened */
    assert_true(find("standing")->value.b);
    assert_null(find("notification-class"));
}

static void values_of_other_kinds(void **state)
{
    (void)state;
    /* change of state: 0 { binary-value active }, 1 flags */
    static const uint8_t active[] = { 0x19, 0x01 };
    bacnet_event_values_init(&told.values, BACNET_EVENT_CHANGE_OF_STATE);
    told.values.fields[0].inside = bytes_of(active, sizeof(active));
    told.values.fields[1].given = false;
    bacnet_alarm_words(&told, &about, &made);
    assert_string_equal(text_of("new-state"), "active");
    assert_null(find("status-flags"));
    bacnet_alarm_words_fini(&made);
    /* a choice that nobody knows stays as text */
    static const uint8_t unknown[] = { 0x0c, 1, 2, 3, 4 };
    told.values = (struct bacnet_event_values){ .choice = 99,
                                                .whole = bytes_of(unknown, sizeof(unknown)) };
    bacnet_alarm_words(&told, &about, &made);
    assert_string_not_equal(text_of("values"), "(none)");
}

static void times_of_every_form(void **state)
{
    (void)state;
    struct bacnet_stamp stamp = { .kind = BACNET_STAMP_SEQUENCE, .sequence = 17 };
    char text[BACNET_STAMP_TEXT_MAX];
    assert_int_equal(bacnet_alarm_time(&stamp, 0, NOW), 0);
    assert_int_equal(bacnet_alarm_stamp(&stamp, text), 9);
    assert_string_equal(text, "number 17");
    /* 14:13:20 UTC now; a time of day is the last time it was so late, or a little ahead */
    stamp = (struct bacnet_stamp){ .kind = BACNET_STAMP_TIME };
    stamp.at.time = (struct bacnet_time){ .hour = 14, .minute = 10 };
    assert_int_equal(bacnet_alarm_time(&stamp, 0, NOW), NOW - 200 * INT64_C(1000000));
    stamp.at.time = (struct bacnet_time){ .hour = 14, .minute = 20 };
    assert_int_equal(bacnet_alarm_time(&stamp, 0, NOW), NOW + 400 * INT64_C(1000000));
    assert_int_equal(bacnet_alarm_time(&stamp, 120, NOW), NOW + (400 - 7200) * INT64_C(1000000));
    stamp.at.time = (struct bacnet_time){ .hour = 23, .minute = 59, .second = 59 };
    assert_true(bacnet_alarm_time(&stamp, 720, NOW) < NOW);
    stamp.at.time.hour = 99;
    assert_int_equal(bacnet_alarm_time(&stamp, 0, NOW), 0);
    stamp = (struct bacnet_stamp){ .kind = BACNET_STAMP_DATETIME };
    memset(&stamp.at, BACNET_ANY, sizeof(stamp.at));
    assert_int_equal(bacnet_alarm_time(&stamp, 0, NOW), 0);
    assert_int_equal(bacnet_alarm_stamp(&stamp, text), 0);
}

static void the_way_back_to_the_device(void **state)
{
    (void)state;
    struct bacnet_alarm_key key;
    bacnet_alarm_words(&told, &about, &made);
    assert_true(bacnet_alarm_key(&made.event, &key));
    assert_true(bacnet_object_equal(key.object, told.object));
    assert_int_equal(key.state, BACNET_STATE_HIGH_LIMIT);
    assert_true(bacnet_stamp_equal(&key.stamp, &told.stamp));
    struct buf bytes; /* also after the log and the journal */
    struct event_decoded decoded;
    buf_init(&bytes, EVENT_BYTES_MAX);
    assert_int_equal(event_encode(&made.event, &bytes), 0);
    struct bytes in = bytes_of(bytes.data, bytes.size);
    assert_int_equal(event_decode(&in, &decoded), 0);
    assert_true(bacnet_alarm_key(&decoded.event, &key));
    assert_true(bacnet_stamp_equal(&key.stamp, &told.stamp));
    event_decoded_fini(&decoded);
    buf_fini(&bytes);
    made.event.key = "nonsense";
    assert_false(bacnet_alarm_key(&made.event, &key));
    made.event.key = "analog-input:2";
    made.event.argument_count = 0;
    assert_false(bacnet_alarm_key(&made.event, &key));
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH(an_alarm_has_all_its_parameters),
        WITH(the_device_own_words_go_first),
        WITH(kinds_and_severities),
        WITH(an_acknowledgement_elsewhere),
        WITH(what_stands_says_so),
        WITH(values_of_other_kinds),
        cmocka_unit_test_setup(times_of_every_form, set_up),
        WITH(the_way_back_to_the_device),
    };
#undef WITH
    return cmocka_run_group_tests(tests, NULL, NULL);
}
