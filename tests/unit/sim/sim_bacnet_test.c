/* SPDX-License-Identifier: Apache-2.0 */
/* What a client reads of simulated BACnet devices, writes to them, finds of them, and what their faults do. */
#include "sim_bacnet_bench.h"

static void properties_are_those_of_a_real_device(void **state)
{
    struct bench *bench = *state;
    struct bacnet_object mode = object(BACNET_MULTI_STATE_VALUE, 1);
    struct bacnet_object fan = object(BACNET_BINARY_OUTPUT, 1);
    struct bacnet_object device = object(BACNET_DEVICE, 2001);
    assert_text(bench, AI1, BACNET_PROP_OBJECT_NAME, "sat");
    assert_text(bench, AI1, BACNET_PROP_UNITS, "degrees-celsius");
    assert_text(bench, AI1, BACNET_PROP_OBJECT_TYPE, "analog-input");
    float sat = read_real(bench, AI1, BACNET_PROP_PRESENT_VALUE);
    assert_true(sat > 15.0f && sat < 27.0f);
    assert_true(read_real(bench, AI1, BACNET_PROP_HIGH_LIMIT) >
                read_real(bench, AI1, BACNET_PROP_LOW_LIMIT));
    assert_text(bench, mode, BACNET_PROP_STATE_TEXT, "[off, heat, cool]");
    assert_text(bench, mode, BACNET_PROP_NUMBER_OF_STATES, "3");
    assert_text(bench, fan, BACNET_PROP_ACTIVE_TEXT, "running");
    assert_text(bench, AV1, BACNET_PROP_MIN_PRES_VALUE, "16");
    assert_text(bench, device, BACNET_PROP_OBJECT_NAME, "ahu");
    assert_text(bench, device, BACNET_PROP_SYSTEM_STATUS, "operational");
    assert_text(bench, object(BACNET_DEVICE, BACNET_INSTANCE_MAX), BACNET_PROP_OBJECT_IDENTIFIER,
                "device:2001");
}

static void what_is_not_there_is_refused(void **state)
{
    struct bench *bench = *state;
    (void)read_value(bench, object(BACNET_ANALOG_INPUT, 9), BACNET_PROP_PRESENT_VALUE);
    assert_refused(bench, BACNET_CLASS_OBJECT, BACNET_ERROR_UNKNOWN_OBJECT);
    (void)read_value(bench, AI1, BACNET_PROP_PRIORITY_ARRAY);
    assert_refused(bench, BACNET_CLASS_PROPERTY, BACNET_ERROR_UNKNOWN_PROPERTY);
    (void)read_from(bench, bench->peer, AI1, BACNET_PROP_UNITS, 1);
    assert_refused(bench, BACNET_CLASS_PROPERTY, BACNET_ERROR_PROPERTY_IS_NOT_AN_ARRAY);
    (void)read_from(bench, bench->peer, AV1, BACNET_PROP_PRIORITY_ARRAY, 17);
    assert_refused(bench, BACNET_CLASS_PROPERTY, BACNET_ERROR_INVALID_ARRAY_INDEX);
    struct bytes_out empty = bytes_out_of(bench->data, 0);
    ask(bench, bench->peer, BACNET_READ_PROPERTY, &empty);
    assert_int_equal(bench->answer.outcome, BACNET_REJECTED);
    ask(bench, bench->peer, BACNET_ATOMIC_READ_FILE, &empty);
    assert_int_equal(bench->answer.outcome, BACNET_REJECTED);
    assert_int_equal(bench->answer.code, BACNET_REJECT_UNRECOGNIZED_SERVICE);
}

static void object_list_begins_with_the_device(void **state)
{
    struct bench *bench = *state;
    struct bacnet_object device = object(BACNET_DEVICE, 2001);
    struct bytes value = read_from(bench, bench->peer, device, BACNET_PROP_OBJECT_LIST, 0);
    uint64_t count = bacnet_get_unsigned(&value, BACNET_APPLICATION, 100);
    assert_int_equal(count, 8 + 1 + 1 + 3); /* points; device; class; two logs and one of both */
    value = read_from(bench, bench->peer, device, BACNET_PROP_OBJECT_LIST, 1);
    assert_int_equal(bacnet_get_object(&value, BACNET_APPLICATION).type, BACNET_DEVICE);
    value = read_value(bench, device, BACNET_PROP_OBJECT_LIST);
    uint32_t seen = 0;
    for (; bytes_left(&value) > 0; seen++) {
        struct bacnet_object id = bacnet_get_object(&value, BACNET_APPLICATION);
        assert_false(bytes_short(&value));
        assert_true(seen > 0 || id.type == BACNET_DEVICE);
    }
    assert_int_equal(seen, count);
}

static void ask_all(struct bench *bench, struct bacnet_object id, uint32_t which)
{
    uint8_t bytes[64];
    struct bytes_out out = bytes_out_of(bytes, sizeof(bytes));
    struct bacnet_property_reference reference = { .property = which, .index = BACNET_INDEX_ALL };
    bacnet_put_read_begin(&out, id);
    bacnet_put_property_reference(&out, &reference);
    bacnet_put_read_end(&out);
    ask(bench, bench->peer, BACNET_READ_PROPERTY_MULTIPLE, &out);
}

static uint32_t count_results(struct bench *bench, bool *has_units)
{
    struct bacnet_object id;
    struct bacnet_read_result result;
    struct bytes results;
    uint32_t count = 0;
    assert_int_equal(bench->answer.outcome, BACNET_ACKED);
    assert_int_equal(bacnet_get_read_object(&bench->body, &id, &results), 0);
    for (; bytes_left(&results) > 0; count++) {
        assert_int_equal(bacnet_get_read_result(&results, &result), 0);
        assert_false(result.refused);
        assert_int_not_equal(result.property, BACNET_PROP_PROPERTY_LIST);
        *has_units = *has_units || result.property == BACNET_PROP_UNITS;
    }
    return count;
}

static void all_is_required_and_optional(void **state)
{
    struct bench *bench = *state;
    bool units = false;
    ask_all(bench, AI1, BACNET_PROP_ALL);
    uint32_t all = count_results(bench, &units);
    assert_true(units);
    struct bytes list = read_value(bench, AI1, BACNET_PROP_PROPERTY_LIST);
    assert_int_equal(bacnet_count_elements(list, 100) + 3, all); /* identifier, name, type */
    ask_all(bench, AI1, BACNET_PROP_REQUIRED);
    uint32_t required = count_results(bench, &units);
    units = false;
    ask_all(bench, AI1, BACNET_PROP_OPTIONAL);
    assert_int_equal(count_results(bench, &units), all - required);
    assert_false(units);
}

static void the_highest_priority_counts(void **state)
{
    struct bench *bench = *state;
    struct bacnet_value low = real(18.0f), high = real(25.0f), much = real(27.0f);
    struct bacnet_value null = { .type = BACNET_NULL };
    float before = read_real(bench, AV1, BACNET_PROP_PRESENT_VALUE);
    assert_float_equal(before, 21.0f, 0.001f);
    write_value(bench, AV1, BACNET_PROP_PRESENT_VALUE, &low, 16);
    assert_int_equal(bench->answer.outcome, BACNET_ACKED);
    write_value(bench, AV1, BACNET_PROP_PRESENT_VALUE, &high, 8);
    assert_float_equal(read_real(bench, AV1, BACNET_PROP_PRESENT_VALUE), 25.0f, 0.001f);
    assert_text(bench, AV1, BACNET_PROP_PRIORITY_ARRAY,
                "[null, null, null, null, null, null, null, 25, null, null, null, null, null, "
                "null, null, 18]");
    assert_text(bench, AV1, BACNET_PROP_CURRENT_COMMAND_PRIORITY, "8");
    write_value(bench, AV1, BACNET_PROP_PRESENT_VALUE, &null, 8);
    assert_float_equal(read_real(bench, AV1, BACNET_PROP_PRESENT_VALUE), 18.0f, 0.001f);
    write_value(bench, AV1, BACNET_PROP_PRESENT_VALUE, &null, 0); /* as 16 */
    assert_float_equal(read_real(bench, AV1, BACNET_PROP_PRESENT_VALUE), 21.0f, 0.001f);
    write_value(bench, AV1, BACNET_PROP_PRESENT_VALUE, &much, 8);
    assert_refused(bench, BACNET_CLASS_PROPERTY, BACNET_ERROR_VALUE_OUT_OF_RANGE);
    struct bacnet_value wrong = { .type = BACNET_UNSIGNED, .as = { .number = 20 } };
    write_value(bench, AV1, BACNET_PROP_PRESENT_VALUE, &wrong, 8);
    assert_refused(bench, BACNET_CLASS_PROPERTY, BACNET_ERROR_INVALID_DATA_TYPE);
    write_value(bench, AV1, BACNET_PROP_UNITS, &wrong, 8);
    assert_refused(bench, BACNET_CLASS_PROPERTY, BACNET_ERROR_WRITE_ACCESS_DENIED);
}

static void texts_are_commanded_too(void **state)
{
    struct bench *bench = *state;
    struct bacnet_object name = object(BACNET_CHARACTERSTRING_VALUE, 1);
    struct bacnet_value text = { .type = BACNET_CHARACTERS };
    text.as.block.data = (const uint8_t *)"Laboratory";
    text.as.block.size = 10;
    write_value(bench, name, BACNET_PROP_PRESENT_VALUE, &text, 8);
    assert_int_equal(bench->answer.outcome, BACNET_ACKED);
    assert_text(bench, name, BACNET_PROP_PRESENT_VALUE, "Laboratory");
    struct bacnet_value null = { .type = BACNET_NULL };
    write_value(bench, name, BACNET_PROP_PRESENT_VALUE, &null, 8);
    struct bytes value = read_value(bench, name, BACNET_PROP_PRESENT_VALUE);
    assert_true(bytes_left(&value) > 10);
}

static void an_input_is_written_out_of_service(void **state)
{
    struct bench *bench = *state;
    struct bacnet_value number = real(99.0f);
    struct bacnet_value yes = { .type = BACNET_BOOLEAN, .as = { .boolean = true } };
    write_value(bench, AI1, BACNET_PROP_PRESENT_VALUE, &number, 0);
    assert_refused(bench, BACNET_CLASS_PROPERTY, BACNET_ERROR_WRITE_ACCESS_DENIED);
    write_value(bench, AI1, BACNET_PROP_OUT_OF_SERVICE, &yes, 0);
    assert_int_equal(bench->answer.outcome, BACNET_ACKED);
    write_value(bench, AI1, BACNET_PROP_PRESENT_VALUE, &number, 0);
    assert_int_equal(bench->answer.outcome, BACNET_ACKED);
    assert_float_equal(read_real(bench, AI1, BACNET_PROP_PRESENT_VALUE), 99.0f, 0.001f);
    assert_text(bench, AI1, BACNET_PROP_STATUS_FLAGS, "in-alarm,out-of-service");
    yes.as.boolean = false;
    write_value(bench, AI1, BACNET_PROP_OUT_OF_SERVICE, &yes, 0);
    assert_true(read_real(bench, AI1, BACNET_PROP_PRESENT_VALUE) < 30.0f);
}

/* ---- finding ---- */

static bool has_heard(const struct bench *bench, uint32_t instance)
{
    for (size_t i = 0; i < bench->heard_count; i++) {
        if (bench->heard[i] == instance) {
            return true;
        }
    }
    return false;
}

static bool all_heard(struct bench *bench)
{
    return has_heard(bench, 2001) && has_heard(bench, 2002) && has_heard(bench, 2003);
}

static void devices_are_found(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(bacnet_who_is(bench->node, NULL, 0, BACNET_INSTANCE_MAX), 0);
    turn_until(bench, all_heard, "I-Am of all");
    bench->heard_count = 0;
    assert_int_equal(bacnet_who_is(bench->node, NULL, 2002, 2002), 0);
    turn_for(bench, 300);
    assert_int_equal(bench->heard_count, 1);
    assert_int_equal(bench->heard[0], 2002);
}

static void a_device_is_reached_by_its_number(void **state)
{
    struct bench *bench = *state;
    const uint32_t instances[] = { 2002, 2003 }; /* by Who-Is, and behind a router */
    for (size_t i = 0; i < 2; i++) {
        struct bacnet_peer_config config = { .instance = instances[i] };
        struct bacnet_peer *peer = bacnet_peer_get(bench->node, &config);
        struct bytes value = read_from(bench, peer, AI1, BACNET_PROP_OBJECT_NAME, BACNET_INDEX_ALL);
        assert_int_equal(bench->answer.outcome, BACNET_ACKED);
        struct bacnet_value name = bacnet_get_characters(&value, BACNET_APPLICATION);
        assert_int_equal(name.as.block.size, 1);
        bacnet_peer_release(peer);
    }
}

static bool has_have(struct bench *bench)
{
    return bench->haves > 0;
}

static void an_object_is_found_by_its_name(void **state)
{
    struct bench *bench = *state;
    uint8_t bytes[64];
    struct bytes_out out = bytes_out_of(bytes, sizeof(bytes));
    struct bacnet_who_has who = { .high = BACNET_INSTANCE_MAX, .by_name = true };
    struct bacnet_address all = { .network = BACNET_NETWORK_ALL };
    who.name.type = BACNET_CHARACTERS;
    who.name.as.block.data = (const uint8_t *)"filter-alarm";
    who.name.as.block.size = 12;
    bacnet_put_who_has(&out, &who);
    assert_int_equal(
        bacnet_tell(bench->node, NULL, &all, BACNET_WHO_HAS, bytes, bytes_out_size(&out)), 0);
    turn_until(bench, has_have, "I-Have");
}

/* ---- faults ---- */

static void limits_are_kept(void **state)
{
    struct bench *bench = *state;
    control(bench, "ahu=apdu:128+no-segmentation");
    ask_all(bench, AI1, BACNET_PROP_ALL);
    assert_int_equal(bench->answer.outcome, BACNET_ABORTED);
    assert_int_equal(bench->answer.code, BACNET_ABORT_SEGMENTATION_NOT_SUPPORTED);
    assert_text(bench, object(BACNET_DEVICE, 2001), BACNET_PROP_MAX_APDU_LENGTH_ACCEPTED, "128");
    control(bench, "ahu=apdu:128");
    bool units = false;
    ask_all(bench, AI1, BACNET_PROP_ALL);
    assert_true(count_results(bench, &units) > 20);
    control(bench, "ahu=no-rpm+no-cov");
    ask_all(bench, AI1, BACNET_PROP_ALL);
    assert_int_equal(bench->answer.outcome, BACNET_REJECTED);
    subscribe(bench, false, 60);
    assert_int_equal(bench->answer.outcome, BACNET_REJECTED);
    control(bench, "ahu=none");
    ask_all(bench, AI1, BACNET_PROP_ALL);
    assert_int_equal(bench->answer.outcome, BACNET_ACKED);
}

static void faults_are_what_they_say(void **state)
{
    struct bench *bench = *state;
    control(bench, "ahu=error:27");
    (void)read_value(bench, AI1, BACNET_PROP_PRESENT_VALUE);
    assert_refused(bench, BACNET_CLASS_PROPERTY, BACNET_ERROR_READ_ACCESS_DENIED);
    control(bench, "ahu=reject:9");
    (void)read_value(bench, AI1, BACNET_PROP_PRESENT_VALUE);
    assert_int_equal(bench->answer.outcome, BACNET_REJECTED);
    control(bench, "ahu=abort:9");
    (void)read_value(bench, AI1, BACNET_PROP_PRESENT_VALUE);
    assert_int_equal(bench->answer.outcome, BACNET_ABORTED);
    control(bench, "ahu=slow:300ms");
    (void)read_value(bench, AI1, BACNET_PROP_PRESENT_VALUE);
    assert_int_equal(bench->answer.outcome, BACNET_ACKED);
    assert_true(bench->answer.took_us >= 290000);
    const char *const silent[] = { "silence", "down", "garbage", "truncate", "wrong-transaction" };
    for (size_t i = 0; i < sizeof(silent) / sizeof(silent[0]); i++) {
        char line[64];
        str_format(line, sizeof(line), "ahu=%s", silent[i]);
        control(bench, line);
        (void)read_value(bench, AI1, BACNET_PROP_PRESENT_VALUE);
        assert_int_equal(bench->answer.outcome, BACNET_SILENT);
        control(bench, "ahu=none");
    }
    (void)read_value(bench, AI1, BACNET_PROP_PRESENT_VALUE);
    assert_int_equal(bench->answer.outcome, BACNET_ACKED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SIM_TEST(properties_are_those_of_a_real_device),
        SIM_TEST(what_is_not_there_is_refused),
        SIM_TEST(object_list_begins_with_the_device),
        SIM_TEST(all_is_required_and_optional),
        SIM_TEST(the_highest_priority_counts),
        SIM_TEST(texts_are_commanded_too),
        SIM_TEST(an_input_is_written_out_of_service),
        SIM_TEST(devices_are_found),
        SIM_TEST(a_device_is_reached_by_its_number),
        SIM_TEST(an_object_is_found_by_its_name),
        SIM_TEST(limits_are_kept),
        SIM_TEST(faults_are_what_they_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
