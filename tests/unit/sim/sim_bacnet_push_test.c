/* SPDX-License-Identifier: Apache-2.0 */
/* What simulated BACnet devices say by themselves, changes and alarms, and what their logs hold. */
#include "sim_bacnet_bench.h"

/* ---- COV ---- */

static float noticed_value(struct bench *bench)
{
    struct bytes in = bytes_of(bench->notice, bench->notice_size), values;
    struct bacnet_cov cov;
    struct bacnet_property_value value;
    assert_int_equal(bacnet_get_cov(&in, &cov, &values), 0);
    assert_int_equal(cov.process, 5);
    assert_int_equal(cov.device, 2001);
    assert_int_equal(bacnet_get_property_value(&values, &value), 0);
    assert_int_equal(value.property, BACNET_PROP_PRESENT_VALUE);
    return bacnet_get_real(&value.value, BACNET_APPLICATION);
}

static void changes_are_told(void **state)
{
    struct bench *bench = *state;
    for (int confirmed = 0; confirmed < 2; confirmed++) {
        control(bench, "set ahu/sat 20");
        subscribe(bench, confirmed == 1, 60);
        assert_int_equal(bench->answer.outcome, BACNET_ACKED);
        turn_until(bench, is_noticed, "the first notification");
        assert_float_equal(noticed_value(bench), 20.0f, 0.001f);
        bench->notices = 0;
        control(bench, "set ahu/sat 20.05"); /* less than the increment of 0.1 */
        turn_for(bench, 1200);
        assert_int_equal(bench->notices, 0);
        control(bench, "set ahu/sat 21");
        turn_until(bench, is_noticed, "a change");
        assert_float_equal(noticed_value(bench), 21.0f, 0.001f);
        control(bench, "ahu=cov-silence");
        bench->notices = 0;
        control(bench, "set ahu/sat 25");
        turn_for(bench, 1200);
        assert_int_equal(bench->notices, 0);
        control(bench, "ahu=none");
    }
}

static void a_restart_forgets_subscriptions(void **state)
{
    struct bench *bench = *state;
    control(bench, "set ahu/sat 20");
    subscribe(bench, false, 0);
    turn_until(bench, is_noticed, "the first notification");
    bench->heard_count = 0;
    control(bench, "ahu=restart");
    turn_for(bench, 300);
    assert_int_equal(bench->heard_count, 1);
    assert_int_equal(bench->heard[0], 2001);
    bench->notices = 0;
    control(bench, "set ahu/sat 25");
    turn_for(bench, 1200);
    assert_int_equal(bench->notices, 0);
}

/* ---- alarms ---- */

static bool has_event(struct bench *bench)
{
    return bench->events > 0;
}

static void enrol(struct bench *bench)
{
    uint8_t bytes[128], element[BACNET_DESTINATION_MAX];
    struct bytes_out out = bytes_out_of(bytes, sizeof(bytes));
    struct bytes_out to = bytes_out_of(element, sizeof(element));
    struct bacnet_destination destination = {
        .days = 0x7f,
        .to = { .hour = 23, .minute = 59, .second = 59, .hundredth = 99 },
        .by_address = true,
        .mac = { 127, 0, 77, 1, (uint8_t)(bench->port >> 8), (uint8_t)bench->port },
        .mac_size = 6,
        .process = 9,
        .confirmed = true,
        .transitions = 7,
    };
    bacnet_put_destination(&to, &destination);
    struct bacnet_list_element add = {
        .object = object(BACNET_NOTIFICATION_CLASS, 1),
        .property = BACNET_PROP_RECIPIENT_LIST,
        .index = BACNET_INDEX_ALL,
        .elements = bytes_of(element, bytes_out_size(&to)),
    };
    bacnet_put_list_element(&out, &add);
    ask(bench, bench->peer, BACNET_ADD_LIST_ELEMENT, &out);
    assert_int_equal(bench->answer.outcome, BACNET_ACKED);
}

static struct bacnet_event_notification last_event(struct bench *bench)
{
    struct bacnet_event_notification event;
    struct bytes in = bytes_of(bench->event, bench->event_size);
    turn_until(bench, has_event, "an event notification");
    in = bytes_of(bench->event, bench->event_size);
    assert_int_equal(bacnet_get_event_notification(&in, &event), 0);
    assert_int_equal(event.process, 9);
    bench->events = 0;
    return event;
}

static void acknowledge(struct bench *bench, const struct bacnet_event_notification *event)
{
    uint8_t bytes[BACNET_ACKNOWLEDGE_ALARM_MAX];
    struct bytes_out out = bytes_out_of(bytes, sizeof(bytes));
    struct bacnet_acknowledge_alarm ack = {
        .process = 1,
        .object = event->object,
        .state = event->to_state,
        .event = event->stamp,
        .who = { .type = BACNET_CHARACTERS },
        .now = event->stamp,
    };
    bacnet_put_acknowledge_alarm(&out, &ack);
    ask(bench, bench->peer, BACNET_ACKNOWLEDGE_ALARM, &out);
}

static void alarms_are_told_and_acknowledged(void **state)
{
    struct bench *bench = *state;
    control(bench, "set ahu/sat 21");
    enrol(bench);
    control(bench, "set ahu/sat 60");
    struct bacnet_event_notification event = last_event(bench);
    assert_int_equal(event.to_state, BACNET_STATE_HIGH_LIMIT);
    assert_int_equal(event.event_type, BACNET_EVENT_OUT_OF_RANGE);
    assert_true(event.ack_wanted);
    assert_float_equal(event.values.fields[0].value.as.real, 60.0f, 0.001f);
    assert_text(bench, AI1, BACNET_PROP_EVENT_STATE, "high-limit");
    assert_text(bench, AI1, BACNET_PROP_ACKED_TRANSITIONS, "to-fault,to-normal");
    struct bacnet_event_notification other = event;
    other.stamp.at.time.second = (uint8_t)((other.stamp.at.time.second + 1) % 60);
    acknowledge(bench, &other);
    assert_refused(bench, BACNET_CLASS_SERVICES, BACNET_ERROR_INVALID_TIMESTAMP);
    acknowledge(bench, &event);
    assert_int_equal(bench->answer.outcome, BACNET_ACKED);
    assert_int_equal(last_event(bench).notify_type, BACNET_NOTIFY_ACK);
    assert_text(bench, AI1, BACNET_PROP_ACKED_TRANSITIONS, "to-offnormal,to-fault,to-normal");
    control(bench, "set ahu/sat 21");
    assert_int_equal(last_event(bench).to_state, BACNET_STATE_NORMAL);
    control(bench, "set ahu/filter-alarm alarm");
    event = last_event(bench);
    assert_int_equal(event.to_state, BACNET_STATE_OFFNORMAL);
    assert_int_equal(event.event_type, BACNET_EVENT_CHANGE_OF_STATE);
}

static void what_is_in_alarm_is_listed(void **state)
{
    struct bench *bench = *state;
    uint8_t bytes[8];
    struct bytes_out out = bytes_out_of(bytes, sizeof(bytes));
    struct bytes summaries;
    struct bacnet_event_summary summary;
    bool more;
    control(bench, "set ahu/sat 60");
    control(bench, "set ahu/co2 640");
    control(bench, "set ahu/filter-alarm normal");
    bacnet_put_event_information_ask(&out, NULL);
    ask(bench, bench->peer, BACNET_GET_EVENT_INFORMATION, &out);
    assert_int_equal(bench->answer.outcome, BACNET_ACKED);
    assert_int_equal(bacnet_get_event_information(&bench->body, &summaries, &more), 0);
    assert_false(more);
    assert_int_equal(bacnet_get_event_summary(&summaries, &summary), 0);
    assert_true(bacnet_object_equal(summary.object, AI1));
    assert_int_equal(summary.state, BACNET_STATE_HIGH_LIMIT);
    assert_int_equal(bytes_left(&summaries), 0);
}

/* ---- trend logs ---- */

static struct bacnet_range_items read_range(struct bench *bench, struct bacnet_read_range range)
{
    uint8_t bytes[BACNET_READ_RANGE_MAX];
    struct bytes_out out = bytes_out_of(bytes, sizeof(bytes));
    struct bacnet_range_items items = { .count = 0 };
    bacnet_put_read_range(&out, &range);
    ask(bench, bench->peer, BACNET_READ_RANGE, &out);
    assert_int_equal(bench->answer.outcome, BACNET_ACKED);
    assert_int_equal(bacnet_get_range_items(&bench->body, &range, &items), 0);
    return items;
}

static void logs_hold_the_past(void **state)
{
    struct bench *bench = *state;
    struct bacnet_read_range range = {
        .object = object(BACNET_TREND_LOG, 1),
        .property = BACNET_PROP_LOG_BUFFER,
        .index = BACNET_INDEX_ALL,
        .range = BACNET_RANGE_POSITION,
        .reference = 1,
        .count = 10,
    };
    struct bacnet_range_items items = read_range(bench, range);
    struct bacnet_log_record record;
    assert_int_equal(items.count, 10);
    assert_true(items.first);
    assert_false(items.last);
    assert_int_equal(bacnet_get_log_record(&items.items, &record), 0);
    assert_int_equal(record.datum.value.type, BACNET_REAL);
    struct bacnet_datetime first = record.at;
    range.range = BACNET_RANGE_TIME; /* newer than the first: from the second on */
    range.at = first;
    range.count = 5;
    items = read_range(bench, range);
    assert_int_equal(items.count, 5);
    assert_true(items.has_sequence);
    assert_int_equal(bacnet_get_log_record(&items.items, &record), 0);
    int64_t first_us, second_us;
    assert_int_equal(bacnet_datetime_us(&first, 0, &first_us), 0);
    assert_int_equal(bacnet_datetime_us(&record.at, 0, &second_us), 0);
    assert_int_equal(second_us - first_us, 60 * INT64_C(1000000));
    float value = record.datum.value.as.real;
    range.range = BACNET_RANGE_SEQUENCE; /* the same record by its number */
    range.reference = items.sequence;
    range.count = 1;
    items = read_range(bench, range);
    assert_int_equal(bacnet_get_log_record(&items.items, &record), 0);
    assert_true(record.datum.value.as.real == value);
    range.object = object(BACNET_TREND_LOG_MULTIPLE, 1);
    items = read_range(bench, range);
    struct bacnet_log_multiple many;
    assert_int_equal(bacnet_get_log_multiple(&items.items, &many), 0);
    struct bacnet_datum datum;
    assert_int_equal(bacnet_get_log_datum(&many.data, &datum), 0);
    assert_true(datum.value.as.real == value);
    assert_int_equal(bacnet_get_log_datum(&many.data, &datum), 0);
    assert_int_equal(bytes_left(&many.data), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SIM_TEST(changes_are_told),
        SIM_TEST(a_restart_forgets_subscriptions),
        SIM_TEST(alarms_are_told_and_acknowledged),
        SIM_TEST(what_is_in_alarm_is_listed),
        SIM_TEST(logs_hold_the_past),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
