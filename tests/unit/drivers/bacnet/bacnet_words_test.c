/* SPDX-License-Identifier: Apache-2.0 */
/* Frames in words, and from a value back to its bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "drivers/bacnet/bacnet_words.h"
#include "drivers/bacnet/service/acknowledge_alarm.h"
#include "drivers/bacnet/service/event_information.h"
#include "drivers/bacnet/service/event_notification.h"
#include "drivers/bacnet/service/read_range.h"
#include "drivers/bacnet/service/time_sync.h"
#include "drivers/bacnet/service/who_has.h"
#include "drivers/bacnet/wire/apdu.h"
#include "drivers/bacnet/wire/bvlc.h"
#include "drivers/bacnet/wire/npdu.h"
#include "drivers/bacnet/wire/numbers.h"

/* Who-Is 2001 to all, by broadcast. */
static const uint8_t who_is[] = { 0x81, 0x0b, 0,    0x12, 1,    0x20, 0xff, 0xff, 0,
                                  0xff, 0x10, 0x08, 0x0a, 0x07, 0xd1, 0x1a, 0x07, 0xd1 };
/* I-Am 2001. */
static const uint8_t i_am[] = { 0x81, 0x0a, 0,    0x14, 1,    0,    0x10, 0, 0xc4, 0x02,
                                0,    0x07, 0xd1, 0x22, 0x05, 0xc4, 0x91, 3, 0x21, 7 };
/* ReadProperty AI:5 present-value (ASHRAE 135, annex F.3.5, with a present value), and its answer 72.3. */
static const uint8_t read_ask[] = { 0x81, 0x0a, 0, 0x11, 1, 4,    0,    5,   1,
                                    0x0c, 0x0c, 0, 0,    0, 0x05, 0x19, 0x55 };
static const uint8_t read_ack[] = { 0x81, 0x0a, 0,    0x17, 1,    0,    0x30, 1,
                                    0x0c, 0x0c, 0,    0,    0,    0x05, 0x19, 0x55,
                                    0x3e, 0x44, 0x42, 0x90, 0x99, 0x9a, 0x3f };
/* ReadPropertyMultiple of AI:16 present-value and reliability, and its answer (annex F.3.7). */
static const uint8_t many_ask[] = { 0x81, 0x0a, 0, 0x15, 1,    4,    0,    4,    0xf1, 0x0e, 0x0c,
                                    0,    0,    0, 0x10, 0x1e, 0x09, 0x55, 0x09, 0x67, 0x1f };
static const uint8_t many_ack[] = { 0x81, 0x0a, 0,    0x1f, 1,    0,    0x30, 0xf1,
                                    0x0e, 0x0c, 0,    0,    0,    0x10, 0x1e, 0x29,
                                    0x55, 0x4e, 0x44, 0x42, 0x90, 0x99, 0x9a, 0x4f,
                                    0x29, 0x67, 0x4e, 0x91, 0x00, 0x4f, 0x1f };

static void says(const void *data, size_t size, const char *words)
{
    struct buf out;
    buf_init(&out, 4096);
    bacnet_describe(data, size, &out);
    if (strstr(buf_text(&out), words) == NULL) {
        fail_msg("'%s' is not in '%s'", words, buf_text(&out));
    }
    buf_fini(&out);
}

static void frames(void **state)
{
    static const uint8_t refused[] = {
        0x81, 0x0a, 0, 0x0d, 1, 0, 0x50, 9, 0x0f, 0x91, 2, 0x91, 40
    };
    static const uint8_t rejected[] = { 0x81, 0x0a, 0, 0x09, 1, 0, 0x60, 9, 9 };
    static const uint8_t aborted[] = { 0x81, 0x0a, 0, 0x09, 1, 0, 0x71, 9, 4 };
    static const uint8_t done[] = { 0x81, 0x0a, 0, 0x09, 1, 0, 0x20, 9, 0x0f };
    static const uint8_t registration[] = { 0x81, 0x05, 0, 6, 1, 0x2c };
    static const uint8_t write[] = { 0x81, 0x0a, 0,    0x1a, 1, 4,    0,    5,    7,
                                     0x0f, 0x0c, 0,    0x80, 0, 1,    0x19, 0x55, 0x3e,
                                     0x44, 0x43, 0x34, 0,    0, 0x3f, 0x49, 8 };
    static const uint8_t subscribe[] = { 0x81, 0x0a, 0, 0x15, 1, 4, 0,    5, 7,    5, 0x09,
                                         1,    0x1c, 0, 0,    0, 1, 0x29, 1, 0x39, 60 };
    (void)state;
    says(who_is, sizeof(who_is), "who-is: device 2001");
    says(i_am, sizeof(i_am), "i-am: device 2001, up to 1476 bytes, no-segmentation, vendor 7");
    says(read_ask, sizeof(read_ask), "read-property analog-input:5, invoke 1");
    says(read_ack, sizeof(read_ack), "read-property answered: analog-input:5 = 72.3, invoke 1");
    says(many_ask, sizeof(many_ask),
         "read-property-multiple, 2 properties of 1 object: analog-input:16, analog-input:16 "
         "reliability, invoke 241");
    says(refused, sizeof(refused),
         "write-property refused: property, write-access-denied, invoke 9");
    says(rejected, sizeof(rejected), "rejected: unrecognized-service, invoke 9");
    says(aborted, sizeof(aborted), "aborted: segmentation-not-supported, invoke 9");
    says(done, sizeof(done), "write-property done, invoke 9");
    says(registration, sizeof(registration), "oreign");
    says(write, sizeof(write), "write-property analog-value:1 = 180 at priority 8, invoke 7");
    says(subscribe, sizeof(subscribe),
         "subscribe-cov analog-input:1 for 60 s, confirmed, invoke 7");
}

/* A whole frame around a service's part. */
static void said(uint8_t type, uint8_t service, const struct bytes_out *part, const char *words)
{
    uint8_t frame[1024];
    struct bytes_out out = bytes_out_of(frame, sizeof(frame));
    struct bacnet_bvlc bvlc = { .function = BACNET_BVLC_UNICAST };
    struct bacnet_npdu npdu = { 0 };
    struct bacnet_apdu apdu = { .type = type,
                                .service = service,
                                .invoke = 5,
                                .data = bytes_of(part->start, bytes_out_size(part)) };
    bacnet_put_bvlc(&out, &bvlc);
    bacnet_put_npdu(&out, &npdu);
    bacnet_put_apdu(&out, &apdu);
    bacnet_end_bvlc(&out, 0);
    says(frame, bytes_out_size(&out), words);
}

static const struct bacnet_object input = { .type = BACNET_ANALOG_INPUT, .instance = 2 };
static const struct bacnet_value anna = { .type = BACNET_CHARACTERS,
                                          .as.block = { (const uint8_t *)"anna", 4, 0 } };

static void alarms(void **state)
{
    uint8_t data[512];
    struct bytes_out out = bytes_out_of(data, sizeof(data));
    struct bacnet_event_notification event = {
        .process = 1,
        .device = { .type = BACNET_DEVICE, .instance = 2001 },
        .object = input,
        .stamp = { .kind = BACNET_STAMP_SEQUENCE, .sequence = 16 },
        .notification_class = 4,
        .priority = 100,
        .event_type = BACNET_EVENT_OUT_OF_RANGE,
        .has_text = true,
        .text = anna,
        .has_ack_wanted = true,
        .ack_wanted = true,
        .has_from_state = true,
        .from_state = BACNET_STATE_NORMAL,
        .to_state = BACNET_STATE_HIGH_LIMIT,
        .values = { .choice = BACNET_EVENT_NO_VALUES },
    };
    struct bacnet_acknowledge_alarm ack = { .object = input,
                                            .state = BACNET_STATE_HIGH_LIMIT,
                                            .event = event.stamp,
                                            .who = anna,
                                            .now = event.stamp };
    struct bacnet_event_summary summary = { .object = input, .state = BACNET_STATE_FAULT };
    (void)state;
    bacnet_put_event_notification(&out, &event);
    said(
        BACNET_PDU_CONFIRMED, BACNET_CONFIRMED_EVENT, &out,
        "of device 2001: analog-input:2 normal to high-limit, out-of-range, class 4, priority 100, "
        "\"anna\", wants an acknowledgement, invoke 5");
    said(BACNET_PDU_UNCONFIRMED, BACNET_UNCONFIRMED_EVENT, &out, "analog-input:2 normal to high");
    out = bytes_out_of(data, sizeof(data));
    bacnet_put_acknowledge_alarm(&out, &ack);
    said(BACNET_PDU_CONFIRMED, BACNET_ACKNOWLEDGE_ALARM, &out,
         "acknowledge-alarm analog-input:2 high-limit by \"anna\"");
    out = bytes_out_of(data, sizeof(data));
    bacnet_put_event_information_ask(&out, &input);
    said(BACNET_PDU_CONFIRMED, BACNET_GET_EVENT_INFORMATION, &out, "behind analog-input:2");
    out = bytes_out_of(data, sizeof(data));
    bacnet_put_event_information_begin(&out);
    bacnet_put_event_summary(&out, &summary);
    bacnet_put_event_information_end(&out, true);
    said(BACNET_PDU_COMPLEX_ACK, BACNET_GET_EVENT_INFORMATION, &out,
         "answered: analog-input:2 fault ...");
    out = bytes_out_of(data, sizeof(data));
    bacnet_put_event_information_begin(&out);
    bacnet_put_event_information_end(&out, false);
    said(BACNET_PDU_COMPLEX_ACK, BACNET_GET_EVENT_INFORMATION, &out, "nothing stands in alarm");
}

static void logs_and_times(void **state)
{
    uint8_t data[512];
    struct bytes_out out = bytes_out_of(data, sizeof(data));
    struct bacnet_read_range ask = {
        .object = { .type = BACNET_TREND_LOG, .instance = 1 },
        .property = BACNET_PROP_LOG_BUFFER,
        .index = BACNET_INDEX_ALL,
        .range = BACNET_RANGE_SEQUENCE,
        .reference = 469,
        .count = 100,
    };
    struct bacnet_range_items items = {
        .object = ask.object, .property = ask.property, .index = ask.index, .last = true, .count = 0
    };
    struct bacnet_datetime at = { .date = { 126, 11, 22, 7 }, .time = { 10, 44, 8, 0 } };
    struct bacnet_who_has who = { .high = BACNET_INSTANCE_MAX, .object = input };
    (void)state;
    bacnet_put_read_range(&out, &ask);
    said(BACNET_PDU_CONFIRMED, BACNET_READ_RANGE, &out,
         "read-range trend-log:1 log-buffer, 100 from number 469");
    out = bytes_out_of(data, sizeof(data));
    bacnet_put_range_items(&out, &items);
    said(BACNET_PDU_COMPLEX_ACK, BACNET_READ_RANGE, &out,
         "read-range answered: 0 of trend-log:1 log-buffer, to the last");
    out = bytes_out_of(data, sizeof(data));
    bacnet_put_time_sync(&out, &at);
    said(BACNET_PDU_UNCONFIRMED, BACNET_UTC_TIME_SYNC, &out, ": 2026-11-22 10:44:08");
    out = bytes_out_of(data, sizeof(data));
    bacnet_put_who_has(&out, &who);
    said(BACNET_PDU_UNCONFIRMED, BACNET_WHO_HAS, &out, "who-has: analog-input:2");
}

/* Frames of the ring may be cut: whatever is left, something is said and nothing is read beyond it. */
static void cut_anywhere(void **state)
{
    static const struct {
        const uint8_t *data;
        size_t size;
    } all[] = {
        { who_is, sizeof(who_is) },     { i_am, sizeof(i_am) },
        { read_ask, sizeof(read_ask) }, { read_ack, sizeof(read_ack) },
        { many_ask, sizeof(many_ask) }, { many_ack, sizeof(many_ack) },
    };
    (void)state;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        for (size_t size = 0; size <= all[i].size; size++) {
            for (size_t flip = 0; flip < size; flip++) {
                struct bytes in = bytes_dup(all[i].data, size);
                struct buf out;
                ((uint8_t *)(uintptr_t)in.start)[flip] ^= (uint8_t)(1U << flip % 8);
                if (size > 3) { /* the length says what is there */
                    ((uint8_t *)(uintptr_t)in.start)[3] = (uint8_t)size;
                }
                buf_init(&out, 4096);
                bacnet_describe(in.start, size, &out);
                assert_true(out.size > 0);
                buf_fini(&out);
                bytes_fini(&in);
            }
        }
    }
}

static struct bacnet_target target_of(uint16_t type, uint32_t instance, uint32_t property)
{
    return (struct bacnet_target){ .object = (uint32_t)type << 22 | instance,
                                   .property = property,
                                   .index = BACNET_INDEX_ALL,
                                   .value_type = VALUE_DOUBLE };
}

static bool traced(const struct bacnet_target *target, struct bytes sent, struct bytes received,
                   const char *words, double value)
{
    struct buf out;
    struct sample raw = { 0 };
    buf_init(&out, 1024);
    bool found = bacnet_trace(target, sent, received, &out, &raw);
    if (found) {
        assert_string_equal(buf_text(&out), words);
        assert_int_equal(raw.type, VALUE_DOUBLE);
        assert_true(raw.value.d > value - 0.001 && raw.value.d < value + 0.001);
    }
    buf_fini(&out);
    return found;
}

static void back_to_bytes(void **state)
{
    struct bytes ask = bytes_of(read_ask, sizeof(read_ask));
    struct bytes ack = bytes_of(read_ack, sizeof(read_ack));
    struct bytes asks = bytes_of(many_ask, sizeof(many_ask));
    struct bytes acks = bytes_of(many_ack, sizeof(many_ack));
    struct bacnet_target five = target_of(BACNET_ANALOG_INPUT, 5, BACNET_PROP_PRESENT_VALUE);
    struct bacnet_target sixteen = target_of(BACNET_ANALOG_INPUT, 16, BACNET_PROP_PRESENT_VALUE);
    struct bacnet_target other = target_of(BACNET_ANALOG_INPUT, 6, BACNET_PROP_PRESENT_VALUE);
    (void)state;
    assert_true(traced(&five, ask, ack, "44 42 90 99 9a in analog-input:5, real", 72.3));
    assert_false(traced(&other, ask, ack, "", 0));
    assert_false(traced(&five, asks, ack, "", 0)); /* an answer to something else */
    assert_true(traced(&sixteen, asks, acks, "44 42 90 99 9a in analog-input:16, real", 72.3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames),         cmocka_unit_test(alarms),
        cmocka_unit_test(logs_and_times), cmocka_unit_test(cut_anywhere),
        cmocka_unit_test(back_to_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
