/* SPDX-License-Identifier: Apache-2.0 */
/* AcknowledgeAlarm, GetAlarmSummary, GetEventInformation and recipient lists: annexes F.1 and F.3. */
#include "codec_rig.h"

#include "drivers/bacnet/service/acknowledge_alarm.h"
#include "drivers/bacnet/service/event_information.h"
#include "drivers/bacnet/service/list_element.h"

#define SUMMARY_1                                                                                \
    "0C 00000002 19 03 2A 05 60 3E 0C 0F230014 0C FFFFFFFF 0C FFFFFFFF 3F 49 00 5A 05 E0 6E 21 " \
    "0F "                                                                                        \
    "21 0F 21 14 6F "
#define SUMMARY_2                                                                                \
    "0C 00000003 19 00 2A 05 C0 3E 0C 0F280000 0C FFFFFFFF 0C 0F2D1E1E 3F 49 00 5A 05 E0 6E 21 " \
    "0F "                                                                                        \
    "21 0F 21 14 6F "

static int again_acknowledge(struct bytes *in, struct bytes_out *out)
{
    struct bacnet_acknowledge_alarm ack;
    int error = bacnet_get_acknowledge_alarm(in, &ack);
    if (error == 0) {
        bacnet_put_acknowledge_alarm(out, &ack);
    }
    return error;
}

static int again_information(struct bytes *in, struct bytes_out *out)
{
    struct bytes summaries;
    bool more;
    if (bacnet_get_event_information(in, &summaries, &more) != 0) {
        return BUSBAR_EPROTO;
    }
    bacnet_put_event_information_begin(out);
    while (bytes_left(&summaries) > 0) {
        struct bacnet_event_summary summary;
        if (bacnet_get_event_summary(&summaries, &summary) != 0) {
            return BUSBAR_EPROTO;
        }
        bacnet_put_event_summary(out, &summary);
    }
    bacnet_put_event_information_end(out, more);
    return 0;
}

static int again_information_ask(struct bytes *in, struct bytes_out *out)
{
    bool has_after;
    struct bacnet_object after;
    int error = bacnet_get_event_information_ask(in, &has_after, &after);
    if (error == 0) {
        bacnet_put_event_information_ask(out, has_after ? &after : NULL);
    }
    return error;
}

static int again_alarms(struct bytes *in, struct bytes_out *out)
{
    while (bytes_left(in) > 0) {
        struct bacnet_alarm_summary summary;
        if (bacnet_get_alarm_summary(in, &summary) != 0) {
            return BUSBAR_EPROTO;
        }
        bacnet_put_alarm_summary(out, &summary);
    }
    return 0;
}

static int again_list_element(struct bytes *in, struct bytes_out *out)
{
    struct bacnet_list_element ask;
    int error = bacnet_get_list_element(in, &ask);
    if (error == 0) {
        bacnet_put_list_element(out, &ask);
    }
    return error;
}

static int again_destination(struct bytes *in, struct bytes_out *out)
{
    struct bacnet_destination destination;
    int error = bacnet_get_destination(in, &destination);
    if (error == 0 && bytes_left(in) > 0) {
        return BUSBAR_EPROTO;
    }
    if (error == 0) {
        bacnet_put_destination(out, &destination);
    }
    return error;
}

static const struct codec_vector vectors[] = {
    { "F.1.1 AcknowledgeAlarm",
      "09 01 1C 00000002 29 03 3E 19 10 3F 4C 00 4D444C 5E 2E A4 5C0615FF B4 0D032909 2F 5F",
      again_acknowledge, CODEC_WHOLE },
    { "F.1.6 GetAlarmSummary", "C4 00000002 91 03 82 05 60 C4 00000003 91 04 82 05 E0",
      again_alarms, 10 },
    { "F.1.8 GetEventInformation", "0E " SUMMARY_1 SUMMARY_2 "0F 19 00", again_information,
      CODEC_WHOLE },
    { "13.12 nothing in alarm", "0E 0F 19 00", again_information, CODEC_WHOLE },
    { "F.1.8 GetEventInformation, the beginning", "", again_information_ask, CODEC_WHOLE },
    { "13.12 GetEventInformation, going on", "0C 00000003", again_information_ask, 0 },
    { "F.3.1 AddListElement", "0C 02C00003 19 35 3E 0C 0000000F 1E 09 55 09 67 1F 3F",
      again_list_element, CODEC_WHOLE },
    { "F.3.2 RemoveListElement",
      "0C 02C00003 19 35 3E 0C 0000000C 1E 09 55 09 67 09 1C 1F 0C 0000000D 1E 09 55 09 67 09 1C "
      "1F "
      "3F",
      again_list_element, CODEC_WHOLE },
    { "15.1 into an element of an array", "0C 02C00003 19 35 29 02 3E 21 07 3F", again_list_element,
      CODEC_WHOLE },
    { "21 BACnetDestination, a device",
      "82 01 FE B4 00000000 B4 173B3B63 0C 0200000A 21 07 11 82 05 E0", again_destination,
      CODEC_WHOLE },
    { "21 BACnetDestination, an address",
      "82 01 FE B4 00000000 B4 173B3B63 1E 21 00 65 06 0A000115BAC0 1F 21 07 10 82 05 E0",
      again_destination, CODEC_WHOLE },
};

static void vectors_hold(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        if (vectors[i].again != again_alarms) {
            codec_vector_holds(&vectors[i]);
        }
        codec_flips(&vectors[i]);
    }
}

/* A row without an end of its own: cut between two it is a shorter row. */
static void alarm_summaries_are_a_row(void **state)
{
    (void)state;
    uint8_t data[CODEC_MAX];
    uint8_t again[2 * CODEC_MAX];
    size_t again_size;
    size_t size = codec_hex(vectors[1].hex, data);
    for (size_t cut = 0; cut <= size; cut++) {
        int error = codec_run(again_alarms, data, cut, again, &again_size);
        assert_int_equal(error, cut % 10 == 0 ? 0 : BUSBAR_EPROTO);
    }
}

static void a_summary_says_when_and_what(void **state)
{
    (void)state;
    uint8_t data[CODEC_MAX];
    struct bytes in = bytes_of(data, codec_hex(vectors[2].hex, data));
    struct bytes summaries;
    struct bacnet_event_summary summary;
    bool more = true;
    assert_int_equal(bacnet_get_event_information(&in, &summaries, &more), 0);
    assert_false(more);
    assert_int_equal(bacnet_get_event_summary(&summaries, &summary), 0);
    assert_int_equal(summary.object.instance, 2);
    assert_int_equal(summary.state, BACNET_STATE_HIGH_LIMIT);
    assert_int_equal(summary.acknowledged, 1u << BACNET_TO_FAULT | 1u << BACNET_TO_NORMAL);
    assert_int_equal(summary.enabled, 7);
    assert_int_equal(summary.priorities[BACNET_TO_NORMAL], 20);
    assert_int_equal(summary.stamps[BACNET_TO_OFFNORMAL].at.time.minute, 35);
    assert_int_equal(bacnet_get_event_summary(&summaries, &summary), 0);
    assert_int_equal(summary.acknowledged, 1u << BACNET_TO_OFFNORMAL | 1u << BACNET_TO_FAULT);
    assert_int_equal(bytes_left(&summaries), 0);
}

static void a_destination_is_read_in_both_forms(void **state)
{
    (void)state;
    uint8_t data[CODEC_MAX];
    struct bacnet_destination destination;
    struct bytes in = bytes_of(data, codec_hex(vectors[9].hex, data));
    assert_int_equal(bacnet_get_destination(&in, &destination), 0);
    assert_false(destination.by_address);
    assert_int_equal(destination.device, 10);
    assert_int_equal(destination.days, 0x7f);
    assert_int_equal(destination.process, 7);
    assert_true(destination.confirmed);
    assert_int_equal(destination.transitions, 7);
    in = bytes_of(data, codec_hex(vectors[10].hex, data));
    assert_int_equal(bacnet_get_destination(&in, &destination), 0);
    assert_true(destination.by_address);
    assert_int_equal(destination.network, 0);
    assert_int_equal(destination.mac_size, 6);
    assert_memory_equal(destination.mac, "\x0a\x00\x01\x15\xba\xc0", 6);
    assert_false(destination.confirmed);
}

static void what_cannot_be_is_refused(void **state)
{
    (void)state;
    static const struct codec_vector wrong[] = {
        { "a summary with two stamps",
          "0E 0C 00000002 19 03 2A 05 60 3E 0C 0F230014 0C FFFFFFFF 3F 49 00 5A 05 E0 6E 21 0F 21 "
          "0F "
          "21 14 6F 0F 19 00",
          again_information, 0 },
        { "four transitions",
          "0E 0C 00000002 19 03 2A 04 60 3E 0C 0F230014 0C FFFFFFFF 0C FFFFFFFF 3F 49 00 5A 05 E0 "
          "6E "
          "21 0F 21 0F 21 14 6F 0F 19 00",
          again_information, 0 },
        { "a destination that is no device",
          "82 01 FE B4 00000000 B4 173B3B63 0C 0000000A 21 07 11 82 05 E0", again_destination, 0 },
        { "six days", "82 02 FC B4 00000000 B4 173B3B63 0C 0200000A 21 07 11 82 05 E0",
          again_destination, 0 },
        { "a mac of 19 bytes",
          "82 01 FE B4 00000000 B4 173B3B63 1E 21 00 65 13 00000000000000000000000000000000000000 "
          "1F "
          "21 07 10 82 05 E0",
          again_destination, 0 },
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        uint8_t data[CODEC_MAX];
        uint8_t again[2 * CODEC_MAX];
        size_t again_size;
        size_t size = codec_hex(wrong[i].hex, data);
        if (codec_run(wrong[i].again, data, size, again, &again_size) != BUSBAR_EPROTO) {
            fail_msg("%s was taken", wrong[i].origin);
        }
    }
}

static void sizes_are_enough(void **state)
{
    (void)state;
    uint8_t data[BACNET_EVENT_SUMMARY_MAX];
    struct bacnet_datetime at = { .date = { 126, 11, 22, 7 }, .time = { 23, 59, 59, 99 } };
    struct bacnet_stamp stamp = { .kind = BACNET_STAMP_DATETIME, .at = at };
    struct bacnet_event_summary summary = { .object = { 1023, BACNET_INSTANCE_MAX },
                                            .state = UINT32_MAX,
                                            .notify_type = UINT32_MAX,
                                            .stamps = { stamp, stamp, stamp },
                                            .priorities = { 255, 255, 255 } };
    struct bytes_out out = bytes_out_of(data, BACNET_EVENT_SUMMARY_MAX);
    bacnet_put_event_summary(&out, &summary);
    struct bacnet_acknowledge_alarm ack = { .process = UINT32_MAX,
                                            .state = UINT32_MAX,
                                            .event = stamp,
                                            .now = stamp,
                                            .who = { .type = BACNET_CHARACTERS } };
    out = bytes_out_of(data, BACNET_ACKNOWLEDGE_ALARM_MAX);
    bacnet_put_acknowledge_alarm(&out, &ack);
    struct bacnet_destination destination = { .by_address = true,
                                              .network = UINT16_MAX,
                                              .mac_size = BACNET_DESTINATION_MAC_MAX,
                                              .process = UINT32_MAX };
    out = bytes_out_of(data, BACNET_DESTINATION_MAX);
    bacnet_put_destination(&out, &destination);
    struct bacnet_alarm_summary alarm = { .state = UINT32_MAX };
    out = bytes_out_of(data, BACNET_ALARM_SUMMARY_MAX);
    bacnet_put_alarm_summary(&out, &alarm);
    struct bacnet_list_element ask = { .property = UINT32_MAX, .index = UINT32_MAX - 1 };
    out = bytes_out_of(data, BACNET_LIST_ELEMENT_HEAD_MAX);
    bacnet_put_list_element(&out, &ask);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_hold),
        cmocka_unit_test(alarm_summaries_are_a_row),
        cmocka_unit_test(a_summary_says_when_and_what),
        cmocka_unit_test(a_destination_is_read_in_both_forms),
        cmocka_unit_test(what_cannot_be_is_refused),
        cmocka_unit_test(sizes_are_enough),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
