/* SPDX-License-Identifier: Apache-2.0 */
/* Trend logs into the history: all of it, then what is new, at the records' own times; by sequence number,
 * by time, by position; holes, failures, a wrong clock, a log that was overwritten or begun anew. */
#include "bacnet_rig.h"

#include "drivers/bacnet/service/log_record.h"
#include "drivers/bacnet/service/read_range.h"

enum { STORED_MAX = 4000, RECORD_MINUTES = 1, MANY = 1000 };

#define BEGAN_US (INT64_C(1699940000) * CLOCK_US_PER_S) /* of record 1, in UTC */

/* The log at the other end: record n is of BEGAN_US + n minutes and holds n. */
static struct {
    uint32_t total, count;
    bool no_total, no_sequence, no_time, no_log, disabled;
    unsigned most;            /* records in one answer; 0 = any */
    uint32_t failure, status; /* records that are no value */
    int64_t clock_off_s;
    bool multiple, same; /* same: always its first records */
    unsigned ranges;
} log_;

static struct {
    int64_t times[STORED_MAX];
    double values[STORED_MAX];
    uint8_t types[STORED_MAX], quality[STORED_MAX];
    uint32_t points[STORED_MAX];
    size_t count;
    unsigned events;
    char event[320], kind[32];
} seen;

static void on_stored(struct rig *rig, const uint32_t *points, const struct sample *samples,
                      size_t count)
{
    (void)rig;
    for (size_t i = 0; i < count; i++) {
        assert_true(seen.count < STORED_MAX);
        seen.points[seen.count] = points[i];
        seen.times[seen.count] = samples[i].time_us;
        seen.types[seen.count] = samples[i].type;
        seen.quality[seen.count] = samples[i].quality;
        seen.values[seen.count++] = samples[i].type == VALUE_DOUBLE ? samples[i].value.d : -1;
    }
}

static void on_event(struct rig *rig, const struct event *event)
{
    (void)rig;
    seen.events++;
    str_copy(seen.event, sizeof(seen.event), event->text);
    str_copy(seen.kind, sizeof(seen.kind), event->kind);
}

static int64_t time_of(uint32_t record)
{
    return BEGAN_US + (int64_t)record * 60 * RECORD_MINUTES * CLOCK_US_PER_S;
}

static bool on_property(struct rig *rig, struct bacnet_object object, uint32_t property,
                        uint32_t index, struct bytes_out *out, uint16_t *error)
{
    struct bacnet_datetime at;
    (void)rig;
    *error = 0;
    assert_int_equal(
        bacnet_datetime_of(clock_wall_us() + log_.clock_off_s * CLOCK_US_PER_S, 60, &at), 0);
    if (object.type == BACNET_DEVICE) {
        switch (property) {
        case BACNET_PROP_UTC_OFFSET: bacnet_put_signed(out, BACNET_APPLICATION, -60); return true;
        case BACNET_PROP_LOCAL_DATE:
            bacnet_put_date(out, BACNET_APPLICATION, &at.date);
            return true;
        case BACNET_PROP_LOCAL_TIME:
            bacnet_put_time(out, BACNET_APPLICATION, &at.time);
            return true;
        case BACNET_PROP_OBJECT_LIST:
            bacnet_put_object(out, BACNET_APPLICATION,
                              (struct bacnet_object){ BACNET_TREND_LOG, 3 });
            return index == BACNET_INDEX_ALL;
        default: return false;
        }
    }
    if (object.type != BACNET_TREND_LOG && object.type != BACNET_TREND_LOG_MULTIPLE) {
        return false;
    }
    switch (property) {
    case BACNET_PROP_ENABLE:
        bacnet_put_boolean(out, BACNET_APPLICATION, !log_.disabled);
        return true;
    case BACNET_PROP_RECORD_COUNT:
        bacnet_put_unsigned(out, BACNET_APPLICATION, log_.count);
        return true;
    case BACNET_PROP_TOTAL_RECORD_COUNT:
        bacnet_put_unsigned(out, BACNET_APPLICATION, log_.total);
        *error = log_.no_total ? BACNET_ERROR_UNKNOWN_PROPERTY : 0;
        return true;
    case BACNET_PROP_LOG_DEVICE_OBJECT_PROPERTY:
        bacnet_put_object(out, 0, (struct bacnet_object){ BACNET_ANALOG_VALUE, 1 });
        bacnet_put_enumerated(out, 1, BACNET_PROP_PRESENT_VALUE);
        return true;
    default: *error = BACNET_ERROR_UNKNOWN_PROPERTY; return true;
    }
}

/* ---- its answers ---- */

static void put_datum(uint32_t number, struct bacnet_datum *datum)
{
    *datum = (struct bacnet_datum){ .kind = BACNET_DATUM_VALUE };
    datum->value.type = BACNET_REAL;
    datum->value.as.real = (float)number;
    if (number == log_.failure) {
        datum->kind = BACNET_DATUM_FAILURE;
        datum->error_class = BACNET_CLASS_PROPERTY;
        datum->error_code = BACNET_ERROR_UNKNOWN_PROPERTY;
    } else if (number == log_.status) {
        datum->kind = BACNET_DATUM_STATUS;
        datum->status = BACNET_LOG_DISABLED;
    }
}

static void put_record(struct bytes_out *out, uint32_t number)
{
    struct bacnet_log_record record = { .has_flags = false };
    struct bacnet_datum datum;
    put_datum(number, &datum);
    assert_int_equal(bacnet_datetime_of(time_of(number), 60, &record.at), 0);
    if (!log_.multiple) {
        record.datum = datum;
        bacnet_put_log_record(out, &record);
        return;
    }
    uint8_t memory[64];
    struct bytes_out data = bytes_out_of(memory, sizeof(memory));
    struct bacnet_log_multiple multiple = { .at = record.at, .kind = BACNET_DATUM_VALUE };
    bacnet_put_log_datum(&data, &datum);
    datum.value.as.real += 0.5F;
    bacnet_put_log_datum(&data, &datum);
    multiple.data = bytes_of(memory, bytes_out_size(&data));
    bacnet_put_log_multiple(out, &multiple);
}

/* First of those asked for; 0: refused. */
static uint32_t first_of(const struct bacnet_read_range *ask)
{
    uint32_t oldest = log_.total - log_.count + 1;
    int64_t from_us;
    switch (ask->range) {
    case BACNET_RANGE_SEQUENCE: return log_.no_sequence ? 0 : log_.same ? oldest : ask->reference;
    case BACNET_RANGE_POSITION: return oldest + ask->reference - 1;
    case BACNET_RANGE_TIME:
        assert_int_equal(bacnet_datetime_us(&ask->at, 60, &from_us), 0);
        while (oldest <= log_.total && time_of(oldest) <= from_us) {
            oldest++;
        }
        return log_.no_time ? 0 : oldest;
    default: return 0;
    }
}

static bool on_service(struct rig *rig, struct bacnet_request *request)
{
    static uint8_t items[65536];
    static uint8_t data[65536];
    struct bytes_out out = bytes_out_of(items, sizeof(items));
    struct bytes_out whole = bytes_out_of(data, sizeof(data));
    struct bacnet_read_range ask;
    (void)rig;
    if (request->service != BACNET_READ_RANGE) {
        return false;
    }
    log_.ranges++;
    assert_int_equal(bacnet_get_read_range(&request->data, &ask), 0);
    uint32_t first = log_.no_log ? 0 : first_of(&ask);
    if (first == 0) {
        bacnet_reply_error(request, BACNET_CLASS_SERVICES, BACNET_ERROR_INCONSISTENT_PARAMETERS);
        return true;
    }
    struct bacnet_range_items answer = { .object = ask.object,
                                         .property = ask.property,
                                         .index = ask.index,
                                         .has_sequence = ask.range != BACNET_RANGE_POSITION,
                                         .sequence = first };
    uint32_t at = first;
    while (at <= log_.total && answer.count < (uint32_t)ask.count &&
           (log_.most == 0 || answer.count < log_.most)) {
        put_record(&out, at++);
        answer.count++;
    }
    answer.first = first == log_.total - log_.count + 1;
    answer.last = at > log_.total;
    answer.more = !answer.last && answer.count < (uint32_t)ask.count;
    answer.items = bytes_of(items, bytes_out_size(&out));
    bacnet_put_range_items(&whole, &answer);
    bacnet_reply_data(request, data, bytes_out_size(&whole));
    return true;
}

/* ---- tests ---- */

static void begin(struct rig *rig)
{
    memset(&seen, 0, sizeof(seen));
    memset(&log_, 0, sizeof(log_));
    log_.total = log_.count = 100;
    rig_init(rig, (const char *const[]){ "force_polling", "true", "trend_every", "60s", NULL }, 3);
    rig->targets[1].log = (uint32_t)BACNET_TREND_LOG << 22 | 3;
    rig->property = on_property;
    rig->service = on_service;
    rig->stored = on_stored;
    rig->happened = on_event;
}

/* What was published comes on disk until nothing more is read; time passes, as requests keep a pace. */
static void store_all(struct rig *rig)
{
    do {
        rig_on_disk(rig, 0);
        rig_pass(rig, 20);
    } while (rig->pending_count > 0);
}

static void assert_records(size_t at, uint32_t from, uint32_t to)
{
    assert_int_equal(seen.count, at + to - from + 1);
    for (uint32_t number = from; number <= to; number++, at++) {
        assert_int_equal(seen.points[at], 1);
        assert_int_equal(seen.times[at], time_of(number));
        assert_true(seen.values[at] == (double)number);
        assert_int_equal(seen.quality[at], QUALITY_GOOD);
    }
}

static void all_of_it_then_what_is_new(void **state)
{
    struct rig rig;
    (void)state;
    begin(&rig);
    rig_start(&rig);
    assert_records(0, 1, 100);
    /* remembered only when it is on disk */
    assert_int_equal(rig_limit(&rig, "trend-log:3 next"), -1);
    store_all(&rig);
    assert_int_equal(rig_limit(&rig, "trend-log:3 next"), 101);
    unsigned before = log_.ranges;
    rig_pass(&rig, 61000);
    assert_int_equal(log_.ranges, before); /* nothing new: not asked for */
    log_.total = log_.count = 130;
    rig_pass(&rig, 61000);
    store_all(&rig);
    assert_records(100, 101, 130);
    assert_int_equal(rig_limit(&rig, "trend-log:3 next"), 131);
    assert_int_equal(seen.events, 0);
    rig_fini(&rig);
}

static void after_a_restart_it_goes_on(void **state)
{
    struct rig rig;
    (void)state;
    begin(&rig);
    driver_limit_set(&rig.dev, "trend-log:3 next", 91);
    rig_start(&rig);
    store_all(&rig);
    assert_records(0, 91, 100);
    rig_fini(&rig);
}

static void what_is_not_on_disk_is_read_again(void **state)
{
    struct rig rig;
    (void)state;
    begin(&rig);
    rig_start(&rig);
    assert_int_equal(seen.count, 100);
    rig_on_disk(&rig, BUSBAR_EIO);
    assert_int_equal(rig_limit(&rig, "trend-log:3 next"), -1);
    seen.count = 0;
    rig_pass(&rig, 61000);
    store_all(&rig);
    assert_records(0, 1, 100);
    rig_fini(&rig);
}

static void small_answers(void **state)
{
    struct rig rig;
    (void)state;
    begin(&rig);
    log_.total = log_.count = MANY;
    log_.most = 7;
    rig_start(&rig);
    store_all(&rig);
    assert_records(0, 1, MANY);
    rig_fini(&rig);
}

static void overwritten_before_it_was_read(void **state)
{
    struct rig rig;
    (void)state;
    begin(&rig);
    driver_limit_set(&rig.dev, "trend-log:3 next", 51);
    log_.total = 1000;
    rig_start(&rig);
    store_all(&rig);
    assert_records(0, 901, 1000);
    assert_int_equal(seen.events, 1);
    assert_string_equal(seen.kind, "trend log");
    assert_non_null(strstr(seen.event, "850 records were overwritten"));
    rig_fini(&rig);
}

static void the_same_for_ever(void **state)
{
    struct rig rig;
    (void)state;
    begin(&rig);
    log_.same = true;
    log_.most = 10;
    rig_start(&rig);
    for (int i = 0; i < 100; i++) {
        store_all(&rig);
    }
    assert_int_equal(log_.ranges, 2); /* till the next turn */
    rig_fini(&rig);
}

static void begun_anew(void **state)
{
    struct rig rig;
    (void)state;
    begin(&rig);
    driver_limit_set(&rig.dev, "trend-log:3 next", 5000);
    rig_start(&rig);
    store_all(&rig);
    assert_records(0, 1, 100);
    rig_fini(&rig);
}

static void by_time_and_by_position(void **state)
{
    struct rig rig;
    (void)state;
    for (int way = 0; way < 3; way++) {
        begin(&rig);
        log_.no_total = way == 0;
        log_.no_sequence = way > 0;
        log_.no_time = way == 2;
        log_.most = 30;
        rig_start(&rig);
        store_all(&rig);
        assert_records(0, 1, 100);
        if (way < 2) {
            assert_true(rig_limit(&rig, "trend-log:3 until") > 0);
            log_.total = log_.count = 110;
            rig_pass(&rig, 61000);
            store_all(&rig);
            assert_records(100, 101, 110);
        }
        rig_fini(&rig);
    }
}

static void what_is_no_value_is_a_quality(void **state)
{
    struct rig rig;
    (void)state;
    begin(&rig);
    log_.failure = 20;
    log_.status = 30;
    rig_start(&rig);
    store_all(&rig);
    assert_int_equal(seen.count, 100);
    assert_int_equal(seen.types[19], VALUE_NONE);
    assert_int_equal(seen.quality[19], QUALITY_REFUSED);
    assert_int_equal(seen.types[29], VALUE_NONE);
    assert_int_equal(seen.quality[29], QUALITY_REFUSED);
    assert_int_equal(seen.times[29], time_of(30));
    rig_fini(&rig);
}

static void a_multiple_log_and_auto(void **state)
{
    struct rig rig;
    (void)state;
    begin(&rig);
    log_.multiple = true;
    rig.targets[1].log = BACNET_LOG_NONE;
    rig.targets[2].log = (uint32_t)BACNET_TREND_LOG_MULTIPLE << 22 | 2;
    rig.targets[2].log_member = 2;
    rig_start(&rig);
    store_all(&rig);
    assert_int_equal(seen.count, 100);
    assert_int_equal(seen.points[0], 2);
    assert_true(seen.values[9] == 10.5);
    rig_fini(&rig);
    begin(&rig);
    rig.targets[1].log = BACNET_LOG_NONE;
    rig.targets[1].flags |= BACNET_TARGET_LOG_AUTO;
    rig.targets[2].flags |= BACNET_TARGET_LOG_AUTO;
    rig_start(&rig);
    store_all(&rig);
    assert_records(0, 1, 100);
    assert_int_equal(seen.events, 1); /* of the other point */
    assert_non_null(strstr(seen.event, "no trend log of the device logs"));
    rig_fini(&rig);
}

static void what_a_person_should_know(void **state)
{
    struct rig rig;
    (void)state;
    begin(&rig);
    log_.clock_off_s = 3600;
    rig_start(&rig);
    store_all(&rig);
    assert_int_equal(seen.events, 1);
    assert_string_equal(seen.kind, "clock");
    assert_non_null(strstr(seen.event, "1h ahead"));
    rig_pass(&rig, 130000);
    assert_int_equal(seen.events, 1); /* once */
    rig_fini(&rig);
    begin(&rig);
    log_.disabled = true;
    rig_start(&rig);
    store_all(&rig);
    assert_int_equal(seen.events, 1);
    assert_non_null(strstr(seen.event, "trend-log:3: it is switched off"));
    rig_fini(&rig);
    begin(&rig);
    log_.no_log = true;
    rig_start(&rig);
    rig_pass(&rig, 130000);
    assert_int_equal(seen.events, 1);
    assert_non_null(strstr(seen.event, "it cannot be read"));
    rig_fini(&rig);
}

static void records_of_the_future_are_left_out(void **state)
{
    struct rig rig;
    (void)state;
    begin(&rig);
    log_.total = log_.count = 1500; /* up to some hours from now */
    rig_start(&rig);
    store_all(&rig);
    assert_true(seen.count > 0 && seen.count < 1500);
    assert_true(seen.times[seen.count - 1] <= clock_wall_us() + 60 * CLOCK_US_PER_S);
    assert_int_equal(seen.events, 1);
    assert_non_null(strstr(seen.event, "still to come"));
    rig_fini(&rig);
}

static void an_outage_in_the_middle(void **state)
{
    struct rig rig;
    (void)state;
    begin(&rig);
    log_.most = 10;
    rig_start(&rig);
    rig_on_disk(&rig, 0);
    rig.silent = true;
    rig_pass(&rig, 30000);
    rig_on_disk(&rig, 0);
    size_t before = seen.count;
    rig.silent = false;
    rig_read(&rig); /* the host polls again, the link comes up */
    rig_pass(&rig, 61000);
    store_all(&rig);
    assert_true(before >= 10 && before < 100);
    assert_int_equal(rig_limit(&rig, "trend-log:3 next"), 101);
    rig_fini(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_of_it_then_what_is_new),
        cmocka_unit_test(after_a_restart_it_goes_on),
        cmocka_unit_test(what_is_not_on_disk_is_read_again),
        cmocka_unit_test(small_answers),
        cmocka_unit_test(overwritten_before_it_was_read),
        cmocka_unit_test(the_same_for_ever),
        cmocka_unit_test(begun_anew),
        cmocka_unit_test(by_time_and_by_position),
        cmocka_unit_test(what_is_no_value_is_a_quality),
        cmocka_unit_test(a_multiple_log_and_auto),
        cmocka_unit_test(what_a_person_should_know),
        cmocka_unit_test(records_of_the_future_are_left_out),
        cmocka_unit_test(an_outage_in_the_middle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
