/* SPDX-License-Identifier: Apache-2.0 */
/* Event notifications: annex F.1.4 and F.1.5, the values of every kind of event (clause 21), the three forms
 * of a time stamp, every prefix, every flipped bit. */
#include "codec_rig.h"

#include "drivers/bacnet/service/event_notification.h"

#define HEAD "09 01 1C 02000004 2C 00000002 3E 19 10 3F 49 04 59 64 69 05 89 00 99 01 A9 00 B9 03 "
/* as it would be without values */
#define HEAD_SIZE    30u
#define OUT_OF_RANGE "CE 5E 0C 42A03333 1A 04 80 2C 3F800000 3C 42A00000 5F CF"

static int again_event(struct bytes *in, struct bytes_out *out)
{
    struct bacnet_event_notification event;
    int error = bacnet_get_event_notification(in, &event);
    if (error == 0) {
        bacnet_put_event_notification(out, &event);
    }
    return error;
}

static const struct codec_vector vectors[] = {
    { "F.1.4 ConfirmedEventNotification", HEAD OUT_OF_RANGE, again_event, HEAD_SIZE },
    { "F.1.5 UnconfirmedEventNotification",
      "09 01 1C 02000009 2C 00000002 3E 19 10 3F 49 04 59 64 69 05 89 00 99 01 A9 00 B9 03 CE 5E "
      "0C "
      "42A03333 1A 04 80 2C 3F800000 3C 42A00000 5F CF",
      again_event, HEAD_SIZE },
    { "13.8 an acknowledgement, stamped by time, with a text",
      "09 01 1C 02000004 2C 00000002 3E 0C 0D032909 3F 49 04 59 64 69 05 7C 00 4D444C 89 02 B9 03",
      again_event, CODEC_WHOLE },
    { "13.8 stamped by date and time",
      "09 01 1C 02000004 2C 00000002 3E 2E A4 5C0B11FF B4 162D1E46 2F 3F 49 04 59 64 69 14 89 01 "
      "99 "
      "00 A9 00 B9 01",
      again_event, CODEC_WHOLE },
};

struct kind {
    const char *name, *values; /* between CE and CF */
    size_t fields, given;
};
static const struct kind kinds[] = {
    { "change-of-bitstring", "0E 0A 04C0 1A 0400 0F", 2, 2 },
    { "change-of-state", "1E 0E 19 01 0F 1A 0480 1F", 2, 2 },
    { "change-of-value real", "2E 0E 1C 42C80000 0F 1A 0400 2F", 2, 2 },
    { "change-of-value bits", "2E 0E 0A 04C0 0F 1A 0400 2F", 2, 2 },
    { "command-failure", "3E 0E 91 01 0F 1A 0400 2E 91 00 2F 3F", 3, 3 },
    { "floating-limit", "4E 0C 42A03333 1A 0480 2C 42A00000 3C 3F800000 4F", 4, 4 },
    { "complex-event-type", "6E 09 55 2E 44 42900000 2F 09 6F 2E 82 0400 2F 6F", 1, 1 },
    { "deprecated buffer-ready", "7E 0C 02000004 1C 05000001 7F", 0, 0 },
    { "change-of-life-safety", "8E 09 02 19 01 2A 0480 39 00 8F", 4, 4 },
    { "extended", "9E 09 63 19 03 2E 44 3F800000 21 05 00 2F 9F", 3, 3 },
    { "buffer-ready", "AE 0E 0C 05000001 19 83 3C 02000004 0F 19 32 29 64 AF", 3, 3 },
    { "unsigned-range", "BE 09 0A 1A 0400 29 08 BF", 3, 3 },
    { "access-event", "DE 09 01 1A 0400 29 07 3E 19 10 3F 4E 1C 08000001 4F DF", 6, 5 },
    { "access-event with a factor",
      "DE 09 01 1A 0400 29 07 3E 19 10 3F 4E 1C 08000001 4F 5E 09 01 19 02 2A 1234 5F DF", 6, 6 },
    { "double-out-of-range",
      "EE 0D 08 4054066666666666 1A 0480 2D 08 3FF0000000000000 3D 08 4054000000000000 EF", 4, 4 },
    { "signed-out-of-range", "FE0F 09 9C 1A 0480 29 01 39 CE FF0F", 4, 4 },
    { "unsigned-out-of-range", "FE10 09 64 1A 0480 29 01 39 50 FF10", 4, 4 },
    { "change-of-characterstring", "FE11 0D 05 00 4F70656E 1A 0480 2D 05 00 53687574 FF11", 3, 3 },
    { "change-of-status-flags", "FE12 0E 44 42900000 0F 1A 0480 FF12", 2, 2 },
    { "change-of-status-flags alone", "FE12 1A 0480 FF12", 2, 1 },
    { "change-of-reliability", "FE13 09 08 1A 0440 2E 09 55 2E 44 42900000 2F 2F FF13", 3, 3 },
    { "change-of-discrete-value", "FE15 0E 21 05 0F 1A 0400 FF15", 2, 2 },
    { "change-of-timer", "FE16 09 01 1A 0400 2E A4 5C0B11FF B4 162D1E46 2F 39 01 49 3C FF16", 6,
      5 },
    { "a choice of a later revision", "FE17 09 01 FF17", 0, 0 },
};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

static void vectors_hold(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        codec_vector_holds(&vectors[i]);
        codec_flips(&vectors[i]);
    }
}

static void every_kind_of_values_holds(void **state)
{
    (void)state;
    for (size_t i = 0; i < KINDS; i++) {
        char hex[CODEC_MAX];
        str_format(hex, sizeof(hex), HEAD "CE %s CF", kinds[i].values);
        struct codec_vector vector = { kinds[i].name, hex, again_event, HEAD_SIZE };
        codec_vector_holds(&vector);
        codec_flips(&vector);
        uint8_t data[CODEC_MAX];
        struct bytes in = bytes_of(data, codec_hex(hex, data));
        struct bacnet_event_notification event;
        assert_int_equal(bacnet_get_event_notification(&in, &event), 0);
        assert_int_equal(event.values.count, kinds[i].fields);
        size_t given = 0;
        for (size_t j = 0; j < event.values.count; j++) {
            given += event.values.fields[j].given;
        }
        assert_int_equal(given, kinds[i].given);
    }
}

static void fields_mean_what_the_standard_says(void **state)
{
    (void)state;
    uint8_t data[CODEC_MAX];
    struct bytes in = bytes_of(data, codec_hex(vectors[0].hex, data));
    struct bacnet_event_notification event;
    assert_int_equal(bacnet_get_event_notification(&in, &event), 0);
    assert_int_equal(event.process, 1);
    assert_int_equal(event.device.instance, 4);
    assert_int_equal(event.object.type, BACNET_ANALOG_INPUT);
    assert_int_equal(event.stamp.kind, BACNET_STAMP_SEQUENCE);
    assert_int_equal(event.stamp.sequence, 16);
    assert_int_equal(event.notification_class, 4);
    assert_int_equal(event.priority, 100);
    assert_int_equal(event.event_type, BACNET_EVENT_OUT_OF_RANGE);
    assert_int_equal(event.notify_type, BACNET_NOTIFY_ALARM);
    assert_true(event.ack_wanted);
    assert_int_equal(event.from_state, BACNET_STATE_NORMAL);
    assert_int_equal(event.to_state, BACNET_STATE_HIGH_LIMIT);
    const struct bacnet_event_field *fields = event.values.fields;
    assert_string_equal(fields[0].form->name, "exceeding-value");
    assert_true(fields[0].value.as.real == 80.1F);
    assert_true(bacnet_value_bit(&fields[1].value, 0));
    assert_string_equal(fields[3].form->name, "exceeded-limit");
    assert_true(fields[3].value.as.real == 80.0F);
}

static void states_are_read_by_their_kind(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        uint8_t choice, type;
        uint64_t number;
        int64_t integer;
    } states[] = {
        { "09 01", 0, BACNET_BOOLEAN, 1, 0 },      { "19 01", 1, BACNET_ENUMERATED, 1, 0 },
        { "89 03", 8, BACNET_ENUMERATED, 3, 0 },   { "BA 0100", 11, BACNET_UNSIGNED, 256, 0 },
        { "F929 9C", 41, BACNET_SIGNED, 0, -100 }, { "F93F 07", 63, BACNET_UNSIGNED, 7, 0 },
    };
    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        uint8_t data[CODEC_MAX];
        uint8_t again[CODEC_MAX];
        struct bacnet_property_state read;
        size_t size = codec_hex(states[i].hex, data);
        assert_int_equal(bacnet_get_property_state(bytes_of(data, size), &read), 0);
        assert_int_equal(read.choice, states[i].choice);
        assert_int_equal(read.type, states[i].type);
        assert_int_equal(read.number, states[i].number);
        assert_int_equal(read.integer, states[i].integer);
        struct bytes_out out = bytes_out_of(again, sizeof(again));
        bacnet_put_property_state(&out, &read);
        assert_int_equal(bytes_out_size(&out), size);
        assert_memory_equal(again, data, size);
        for (size_t cut = 0; cut < size; cut++) {
            assert_int_equal(bacnet_get_property_state(bytes_of(data, cut), &read), BUSBAR_EPROTO);
        }
    }
}

static void what_cannot_be_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        /* another's tags inside */
        HEAD "CE 5E 0C 42A03333 2C 3F800000 3C 42A00000 5F CF",
        /* a field twice */
        HEAD "CE BE 09 0A 09 0A 1A 0400 29 08 BF CF",
        /* a real of two bytes */
        HEAD "CE 5E 0A 42A0 1A 04 80 2C 3F800000 3C 42A00000 5F CF",
        /* two choices */
        HEAD "CE BE 09 0A 1A 0400 29 08 BF BE 09 0A 1A 0400 29 08 BF CF",
        /* no choice at all */
        HEAD "CE CF",
        /* not from a device */
        "09 01 1C 00000004 2C 00000002 3E 19 10 3F 49 04 59 64 69 05 89 00 B9 03",
        /* a priority of 256 */
        "09 01 1C 02000004 2C 00000002 3E 19 10 3F 49 04 5A 0100 69 05 89 00 B9 03",
        /* two time stamps */
        "09 01 1C 02000004 2C 00000002 3E 19 10 19 10 3F 49 04 59 64 69 05 89 00 B9 03",
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        uint8_t data[CODEC_MAX];
        uint8_t again[2 * CODEC_MAX];
        size_t again_size;
        size_t size = codec_hex(wrong[i], data);
        if (codec_run(again_event, data, size, again, &again_size) != BUSBAR_EPROTO) {
            fail_msg("%s was taken", wrong[i]);
        }
    }
}

static void values_are_written_from_their_form(void **state)
{
    (void)state;
    static const uint8_t flags = 0x80;
    uint8_t data[CODEC_MAX];
    uint8_t again[CODEC_MAX];
    size_t size = codec_hex(vectors[0].hex, data);
    struct bacnet_event_notification event = {
        .process = 1,
        .device = { BACNET_DEVICE, 4 },
        .object = { BACNET_ANALOG_INPUT, 2 },
        .stamp = { .kind = BACNET_STAMP_SEQUENCE, .sequence = 16 },
        .notification_class = 4,
        .priority = 100,
        .event_type = BACNET_EVENT_OUT_OF_RANGE,
        .has_ack_wanted = true,
        .ack_wanted = true,
        .has_from_state = true,
        .to_state = BACNET_STATE_HIGH_LIMIT,
    };
    bacnet_event_values_init(&event.values, BACNET_EVENT_OUT_OF_RANGE);
    event.values.fields[0].value.as.real = 80.1F;
    event.values.fields[1].value.as.block.data = &flags;
    event.values.fields[1].value.as.block.size = 1;
    event.values.fields[1].value.as.block.set = 4;
    event.values.fields[2].value.as.real = 1.0F;
    event.values.fields[3].value.as.real = 80.0F;
    struct bytes_out out = bytes_out_of(again, sizeof(again));
    bacnet_put_event_notification(&out, &event);
    assert_int_equal(bytes_out_size(&out), size);
    assert_memory_equal(again, data, size);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_hold),
        cmocka_unit_test(every_kind_of_values_holds),
        cmocka_unit_test(fields_mean_what_the_standard_says),
        cmocka_unit_test(states_are_read_by_their_kind),
        cmocka_unit_test(what_cannot_be_is_refused),
        cmocka_unit_test(values_are_written_from_their_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
