/* SPDX-License-Identifier: Apache-2.0 */
/* Our own device object as others see it: what it answers, what it refuses, how often; and the time it tells. */
#include "bacnet_rig.h"

#include "drivers/bacnet/bacnet_own.h"
#include "drivers/bacnet/service/time_sync.h"
#include "drivers/bacnet/service/who_has.h"
#include "drivers/bacnet/service/who_is.h"
#include "drivers/bacnet/wire/text.h"

enum { OWN = BACNET_OWN_DEVICE };

static struct {
    unsigned answers, i_ams, i_haves, syncs;
    struct bacnet_answer answer;
    uint8_t data[BACNET_OWN_ANSWER_MAX];
    size_t size;
    struct bacnet_i_am i_am;
    struct bacnet_i_have i_have;
    struct bacnet_datetime time;
} seen;

static void on_answer(struct bacnet_ask *ask, const struct bacnet_answer *answer)
{
    (void)ask;
    seen.answers++;
    seen.answer = *answer;
    seen.size = bytes_left(&answer->data);
    assert_true(seen.size <= sizeof(seen.data));
    if (seen.size > 0) {
        memcpy(seen.data, answer->data.at, seen.size);
    }
}

static void on_heard(struct rig *rig, const struct bacnet_notice *notice)
{
    struct bytes in = notice->data;
    (void)rig;
    switch (notice->service) {
    case BACNET_I_AM: seen.i_ams += bacnet_get_i_am(&in, &seen.i_am) == 0; break;
    case BACNET_I_HAVE: seen.i_haves += bacnet_get_i_have(&in, &seen.i_have) == 0; break;
    case BACNET_UTC_TIME_SYNC: seen.syncs += bacnet_get_time_sync(&in, &seen.time) == 0; break;
    default: break;
    }
}

static void begin(struct rig *rig)
{
    memset(&seen, 0, sizeof(seen));
    rig_init(rig, (const char *const[]){ "force_polling", "true", NULL }, 1);
    rig->heard = on_heard;
    rig_start(rig);
}

static void ask(struct rig *rig, uint8_t service, const void *data, size_t size)
{
    struct bacnet_ask asking = {
        .service = service, .data = data, .size = size, .answered = on_answer, .user = rig
    };
    unsigned before = seen.answers;
    bacnet_ask(rig->back, &asking);
    rig_settle(rig);
    assert_int_equal(seen.answers, before + 1);
}

/* Elements of a property as text; "error N" when it is refused. */
static const char *read_text(struct rig *rig, struct bacnet_object object, uint32_t property,
                             uint32_t index)
{
    static char text[600];
    uint8_t data[BACNET_READ_PROPERTY_MAX];
    struct bytes_out out = bytes_out_of(data, sizeof(data));
    struct bacnet_read_property read = { object, property, index };
    struct bytes value;
    struct buf words;
    bacnet_put_read_property(&out, &read);
    ask(rig, BACNET_READ_PROPERTY, data, bytes_out_size(&out));
    if (seen.answer.outcome != BACNET_ACKED) {
        str_format(text, sizeof(text), "error %u", seen.answer.error_code);
        return text;
    }
    struct bytes in = bytes_of(seen.data, seen.size);
    assert_int_equal(bacnet_get_read_property_ack(&in, &read, &value), 0);
    buf_init(&words, sizeof(text) - 1);
    bacnet_print_elements(value, BACNET_LIST_NONE, sizeof(text) - 20, &words);
    str_copy(text, sizeof(text), buf_text(&words));
    buf_fini(&words);
    return text;
}

static const struct bacnet_object self = { BACNET_DEVICE, OWN };

static void it_tells_who_it_is(void **state)
{
    struct rig rig;
    (void)state;
    begin(&rig);
    const uint32_t all = BACNET_INDEX_ALL;
    assert_string_equal(read_text(&rig, self, BACNET_PROP_OBJECT_IDENTIFIER, all),
                        "device:4194000");
    assert_non_null(strstr(read_text(&rig, self, BACNET_PROP_OBJECT_NAME, all), "busbar "));
    assert_string_equal(read_text(&rig, self, BACNET_PROP_OBJECT_TYPE, all), "8");
    assert_string_equal(read_text(&rig, self, BACNET_PROP_OBJECT_LIST, all), "device:4194000");
    assert_string_equal(read_text(&rig, self, BACNET_PROP_OBJECT_LIST, 0), "1");
    assert_string_equal(read_text(&rig, self, BACNET_PROP_OBJECT_LIST, 1), "device:4194000");
    assert_string_equal(read_text(&rig, self, BACNET_PROP_PROTOCOL_REVISION, all), "14");
    assert_string_equal(read_text(&rig, self, BACNET_PROP_MAX_APDU_LENGTH_ACCEPTED, all), "1476");
    assert_string_equal(read_text(&rig, self, BACNET_PROP_DEVICE_ADDRESS_BINDING, all), "[]");
    /* "whoever you are" (clause 15.5.2) */
    struct bacnet_object any = { BACNET_DEVICE, BACNET_INSTANCE_MAX };
    rig_pass(&rig, 1100);
    assert_string_equal(read_text(&rig, any, BACNET_PROP_OBJECT_IDENTIFIER, all), "device:4194000");
    assert_string_equal(read_text(&rig, self, BACNET_PROP_PRESENT_VALUE, all), "error 32");
    assert_string_equal(read_text(&rig, self, BACNET_PROP_OBJECT_NAME, 1), "error 50");
    assert_string_equal(read_text(&rig, self, BACNET_PROP_OBJECT_LIST, 2), "error 42");
    struct bacnet_object other = { BACNET_ANALOG_INPUT, 1 };
    assert_string_equal(read_text(&rig, other, BACNET_PROP_PRESENT_VALUE, all), "error 31");
    rig_fini(&rig);
}

/* The property list is exactly what can be read; each element of it by its index too. */
static void its_property_list_is_true(void **state)
{
    struct rig rig;
    (void)state;
    begin(&rig);
    size_t count;
    const uint32_t *all = bacnet_own_properties(BACNET_PROP_ALL, &count);
    char expected[16];
    str_format(expected, sizeof(expected), "%zu",
               count - 4); /* three that no list has, and itself */
    assert_string_equal(read_text(&rig, self, BACNET_PROP_PROPERTY_LIST, 0), expected);
    for (size_t i = 0; i < count; i++) {
        rig_pass(&rig, 100);
        const char *text = read_text(&rig, self, all[i], BACNET_INDEX_ALL);
        assert_null(strstr(text, "error"));
    }
    for (uint32_t i = 1; i <= count - 4; i++) {
        rig_pass(&rig, 100);
        const char *text = read_text(&rig, self, BACNET_PROP_PROPERTY_LIST, i);
        uint64_t number;
        assert_int_equal(str_parse_u64(text, &number), 0);
        assert_int_not_equal(number, BACNET_PROP_PROPERTY_LIST);
        assert_int_not_equal(number, BACNET_PROP_OBJECT_NAME);
    }
    rig_fini(&rig);
}

static void many_at_a_time(void **state)
{
    struct rig rig;
    uint8_t data[64];
    struct bacnet_object object;
    struct bytes results;
    struct bacnet_read_result result;
    (void)state;
    begin(&rig);
    struct bytes_out out = bytes_out_of(data, sizeof(data));
    struct bacnet_property_reference references[] = { { BACNET_PROP_ALL, BACNET_INDEX_ALL },
                                                      { 9999, BACNET_INDEX_ALL } };
    bacnet_put_read_begin(&out, self);
    bacnet_put_property_reference(&out, &references[0]);
    bacnet_put_property_reference(&out, &references[1]);
    bacnet_put_read_end(&out);
    ask(&rig, BACNET_READ_PROPERTY_MULTIPLE, data, bytes_out_size(&out));
    assert_int_equal(seen.answer.outcome, BACNET_ACKED);
    struct bytes in = bytes_of(seen.data, seen.size);
    size_t count;
    size_t read = 0;
    size_t refused = 0;
    (void)bacnet_own_properties(BACNET_PROP_ALL, &count);
    assert_int_equal(bacnet_get_read_object(&in, &object, &results), 0);
    while (bytes_left(&results) > 0) {
        assert_int_equal(bacnet_get_read_result(&results, &result), 0);
        refused += result.refused;
        read += !result.refused;
    }
    assert_int_equal(read, count - 1); /* not the property list */
    assert_int_equal(refused, 1);
    rig_fini(&rig);
}

static void everything_else_is_refused(void **state)
{
    static const uint8_t services[] = {
        BACNET_WRITE_PROPERTY,   BACNET_WRITE_PROPERTY_MULTIPLE,
        BACNET_CREATE_OBJECT,    BACNET_DELETE_OBJECT,
        BACNET_ADD_LIST_ELEMENT, BACNET_REINITIALIZE_DEVICE,
        BACNET_SUBSCRIBE_COV,    BACNET_ATOMIC_WRITE_FILE,
        BACNET_READ_RANGE,       BACNET_DEVICE_COMMUNICATION_CONTROL,
    };
    struct rig rig;
    uint8_t data[64];
    struct bytes_out out = bytes_out_of(data, sizeof(data));
    (void)state;
    begin(&rig);
    bacnet_put_object(&out, 0, self);
    bacnet_put_enumerated(&out, 1, BACNET_PROP_OBJECT_NAME);
    bacnet_put_open(&out, 3);
    bacnet_put_text(&out, BACNET_APPLICATION, "mine", 4);
    bacnet_put_close(&out, 3);
    for (size_t i = 0; i < sizeof(services); i++) {
        ask(&rig, services[i], data, bytes_out_size(&out));
        assert_int_equal(seen.answer.outcome, BACNET_REJECTED);
        assert_int_equal(seen.answer.code, BACNET_REJECT_UNRECOGNIZED_SERVICE);
    }
    assert_non_null(
        strstr(read_text(&rig, self, BACNET_PROP_OBJECT_NAME, BACNET_INDEX_ALL), "busbar "));
    /* broken ones too */
    ask(&rig, BACNET_READ_PROPERTY, "\x0c\x02", 2);
    assert_int_equal(seen.answer.outcome, BACNET_REJECTED);
    ask(&rig, BACNET_READ_PROPERTY_MULTIPLE, "\x0c\x02\x00\x00\x01\x1e\x09", 7);
    assert_int_equal(seen.answer.outcome, BACNET_REJECTED);
    struct bacnet_own_counts counts;
    bacnet_own_counts(bacnet_network_next(&rig.driver, NULL)->own, &counts);
    assert_int_equal(counts.refused, sizeof(services));
    assert_int_equal(counts.malformed, 2);
    rig_fini(&rig);
}

static void tell(struct rig *rig, uint8_t service, const void *data, size_t size)
{
    const struct bacnet_address *to = &bacnet_peer_facts(rig->back)->address;
    assert_int_equal(bacnet_tell(rig->node, NULL, to, service, data, size), 0);
}

static void who_is_and_who_has(void **state)
{
    struct rig rig;
    uint8_t data[128];
    (void)state;
    begin(&rig);
    tell(&rig, BACNET_WHO_IS, "", 0);
    rig_settle(&rig);
    assert_int_equal(seen.i_ams, 1);
    assert_int_equal(seen.i_am.instance, OWN);
    assert_int_equal(seen.i_am.max_apdu, 1476);
    tell(&rig, BACNET_WHO_IS, "\x09\x01\x19\x05", 4); /* 1 to 5: not us */
    rig_settle(&rig);
    assert_int_equal(seen.i_ams, 1);
    struct bytes_out out = bytes_out_of(data, sizeof(data));
    struct bacnet_who_has who = { .high = BACNET_INSTANCE_MAX, .object = self };
    bacnet_put_who_has(&out, &who);
    tell(&rig, BACNET_WHO_HAS, data, bytes_out_size(&out));
    rig_settle(&rig);
    assert_int_equal(seen.i_haves, 1);
    assert_int_equal(seen.i_have.instance, OWN);
    who.object = (struct bacnet_object){ BACNET_ANALOG_INPUT, 1 };
    out = bytes_out_of(data, sizeof(data));
    bacnet_put_who_has(&out, &who);
    tell(&rig, BACNET_WHO_HAS, data, bytes_out_size(&out));
    rig_settle(&rig);
    assert_int_equal(seen.i_haves, 1);
    rig_fini(&rig);
}

static void nobody_gets_more_than_his_share(void **state)
{
    struct rig rig;
    (void)state;
    begin(&rig);
    for (int i = 0; i < 200; i++) {
        tell(&rig, BACNET_WHO_IS, "", 0);
        rig_settle(&rig);
    }
    assert_int_equal(seen.i_ams, BACNET_OWN_A_SECOND);
    rig_pass(&rig, 1100);
    tell(&rig, BACNET_WHO_IS, "", 0);
    rig_settle(&rig);
    assert_int_equal(seen.i_ams, BACNET_OWN_A_SECOND + 1);
    struct bacnet_own_counts counts;
    bacnet_own_counts(bacnet_network_next(&rig.driver, NULL)->own, &counts);
    assert_int_equal(counts.capped, 200 - BACNET_OWN_A_SECOND);
    rig_fini(&rig);
}

static void it_is_who_the_settings_say(void **state)
{
    struct rig rig;
    struct settings_made made;
    const uint32_t all = BACNET_INDEX_ALL;
    struct bacnet_object own = { BACNET_DEVICE, 77 };
    (void)state;
    memset(&seen, 0, sizeof(seen));
    rig_init(&rig, NULL, 1);
    rig.heard = on_heard;
    rig.setup.settings = *settings_make(
        &made, bacnet_setup_options,
        (const char *const[]){ "device_id", "77", "device_name", "gateway-1", "vendor_id", "999",
                               "location", "roof", "description", "all of it", NULL });
    bacnet_driver()->setup(&rig.driver, &rig.setup);
    rig_start(&rig);
    tell(&rig, BACNET_WHO_IS, "", 0);
    rig_settle(&rig);
    assert_int_equal(seen.i_am.instance, 77);
    assert_int_equal(seen.i_am.vendor, 999);
    assert_string_equal(read_text(&rig, own, BACNET_PROP_OBJECT_NAME, all), "gateway-1");
    assert_string_equal(read_text(&rig, own, BACNET_PROP_VENDOR_IDENTIFIER, all), "999");
    assert_string_equal(read_text(&rig, own, BACNET_PROP_LOCATION, all), "roof");
    assert_string_equal(read_text(&rig, own, BACNET_PROP_DESCRIPTION, all), "all of it");
    rig_fini(&rig);
}

static void switched_off_it_says_nothing(void **state)
{
    struct rig rig;
    struct settings_made made;
    (void)state;
    memset(&seen, 0, sizeof(seen));
    rig_init(&rig, NULL, 1);
    rig.heard = on_heard;
    rig.setup.settings = *settings_make(&made, bacnet_setup_options,
                                        (const char *const[]){ "answers", "false", NULL });
    bacnet_driver()->setup(&rig.driver, &rig.setup);
    rig_start(&rig);
    tell(&rig, BACNET_WHO_IS, "", 0);
    rig_settle(&rig);
    assert_int_equal(seen.i_ams, 0);
    rig_fini(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_tells_who_it_is),
        cmocka_unit_test(its_property_list_is_true),
        cmocka_unit_test(many_at_a_time),
        cmocka_unit_test(everything_else_is_refused),
        cmocka_unit_test(who_is_and_who_has),
        cmocka_unit_test(nobody_gets_more_than_his_share),
        cmocka_unit_test(it_is_who_the_settings_say),
        cmocka_unit_test(switched_off_it_says_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
