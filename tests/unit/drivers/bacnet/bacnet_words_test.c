/* SPDX-License-Identifier: Apache-2.0 */
/* Frames in words, and from a value back to its bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "drivers/bacnet/bacnet_words.h"
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
        cmocka_unit_test(frames),
        cmocka_unit_test(cut_anywhere),
        cmocka_unit_test(back_to_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
