/* SPDX-License-Identifier: Apache-2.0 */
/* APDU heads (clause 20.1): all eight types as in the examples of annex F, the codes for sizes, what cannot be. */
#include "wire_rig.h"

#include "drivers/bacnet/wire/apdu.h"
#include "support/random.h"

static int again(struct bytes *in, struct bytes_out *out)
{
    struct bacnet_apdu apdu;
    int error = bacnet_get_apdu(in, &apdu);
    if (error == 0) {
        bacnet_put_apdu(out, &apdu);
    }
    return error;
}

static const struct wire_vector vectors[] = {
    { "F.3.5 confirmed request", "00 00 01 0C 0C 00000005 19 55", 4 },
    { "20.1.2 segmented request", "0E 75 11 03 10 0E 0C 00000001", 6 },
    { "F.4.8 unconfirmed request", "10 08", 2 },
    { "F.3.9 simple ack", "20 59 0F", 3 },
    { "F.3.5 complex ack", "30 01 0C 0C 00000005 19 55 3E 44 4290999A 3F", 3 },
    { "20.1.5 segmented complex ack", "3C F1 00 04 0E 0C", 5 },
    { "20.1.6 segment ack by the client", "40 F1 03 04", 4 },
    { "20.1.6 negative segment ack by the server", "43 F1 03 04", 4 },
    { "F.1.2 error", "50 0F 01 91 02 91 2A", 3 },
    { "20.1.8 reject", "60 0F 09", 3 },
    { "20.1.9 abort by the server", "71 0F 04", 3 },
    { "20.1.9 abort by the client", "70 0F 00", 3 },
};

static void vectors_hold(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        wire_vector_holds(&vectors[i], again);
    }
}

static struct bacnet_apdu read_apdu(const char *hex, uint8_t data[CODEC_MAX])
{
    struct bacnet_apdu apdu;
    struct bytes in = bytes_of(data, codec_hex(hex, data));
    assert_int_equal(bacnet_get_apdu(&in, &apdu), 0);
    return apdu;
}

static void fields_are_read(void **state)
{
    (void)state;
    uint8_t data[CODEC_MAX];
    struct bacnet_apdu apdu = read_apdu(vectors[1].hex, data);
    assert_int_equal(apdu.type, BACNET_PDU_CONFIRMED);
    assert_true(apdu.segmented && apdu.more && apdu.segments_accepted);
    assert_int_equal(apdu.max_segments_code, 7);
    assert_int_equal(apdu.max_apdu_code, 5);
    assert_int_equal(apdu.invoke, 0x11);
    assert_int_equal(apdu.sequence, 3);
    assert_int_equal(apdu.window, 16);
    assert_int_equal(apdu.service, BACNET_READ_PROPERTY_MULTIPLE);
    assert_int_equal(bytes_left(&apdu.data), 5);
    apdu = read_apdu(vectors[7].hex, data);
    assert_true(apdu.negative && apdu.server);
    assert_int_equal(apdu.sequence, 3);
    apdu = read_apdu(vectors[6].hex, data);
    assert_false(apdu.negative || apdu.server);
    apdu = read_apdu(vectors[10].hex, data);
    assert_true(apdu.server);
    assert_int_equal(apdu.reason, 4);
}

static void what_cannot_be_is_refused(void **state)
{
    (void)state;
    for (unsigned type = 8; type < 16; type++) {
        uint8_t data[] = { (uint8_t)(type << 4), 0, 0, 0, 0, 0 };
        struct bytes in = bytes_of(data, sizeof(data));
        struct bacnet_apdu apdu;
        assert_int_equal(bacnet_get_apdu(&in, &apdu), BUSBAR_EPROTO);
        assert_null(bacnet_pdu_name((uint8_t)type));
    }
    assert_int_equal(wire_error(again, "08 05 01 00 00 0C"), BUSBAR_EPROTO); /* window 0 */
    assert_int_equal(wire_error(again, "08 05 01 00 80 0C"), BUSBAR_EPROTO); /* window 128 */
    assert_int_equal(wire_error(again, "40 01 00 00"), BUSBAR_EPROTO);
    assert_int_equal(wire_error(again, "04 05 01 0C"), BUSBAR_EPROTO); /* more of one */
    assert_int_equal(wire_error(again, "20 01 0F 00"), BUSBAR_EPROTO);
    assert_int_equal(wire_error(again, "60 01 09 00"), BUSBAR_EPROTO);
    assert_int_equal(wire_error(again, "71 01 04 00"), BUSBAR_EPROTO);
    assert_string_equal(bacnet_pdu_name(BACNET_PDU_ABORT), "abort");
}

static void sizes_have_codes(void **state)
{
    (void)state;
    static const uint16_t sizes[] = { 50, 128, 206, 480, 1024, 1476 };
    for (uint8_t code = 0; code < 6; code++) {
        assert_int_equal(bacnet_max_apdu(code), sizes[code]);
        assert_int_equal(bacnet_max_apdu_code(sizes[code]), code);
        assert_int_equal(bacnet_max_apdu_code((uint16_t)(sizes[code] - 1)),
                         code > 0 ? code - 1 : 0);
    }
    assert_int_equal(bacnet_max_apdu(6), 50);
    assert_int_equal(bacnet_max_apdu(15), 50);
    assert_int_equal(bacnet_max_apdu_code(65535), 5);
    static const uint16_t segments[] = { 0, 2, 4, 8, 16, 32, 64, 65535 };
    for (uint8_t code = 0; code < 8; code++) {
        assert_int_equal(bacnet_max_segments(code), segments[code]);
        assert_int_equal(bacnet_max_segments_code(segments[code]), code);
    }
    assert_int_equal(bacnet_max_segments_code(1), 0);
    assert_int_equal(bacnet_max_segments_code(63), 5);
    assert_int_equal(bacnet_max_segments_code(65), 7);
}

static void random_bytes_come_back_or_are_refused(void **state)
{
    (void)state;
    struct random random = { 20 };
    for (int i = 0; i < 50000; i++) {
        uint8_t data[8];
        size_t size = (size_t)random_below(&random, sizeof(data) + 1);
        for (size_t at = 0; at < size; at++) {
            data[at] = (uint8_t)random_u64(&random);
        }
        wire_same_again(again, data, size, "random bytes");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_hold),
        cmocka_unit_test(fields_are_read),
        cmocka_unit_test(what_cannot_be_is_refused),
        cmocka_unit_test(sizes_have_codes),
        cmocka_unit_test(random_bytes_come_back_or_are_refused),
    };
    return cmocka_run_group_tests_name("apdu", tests, NULL, NULL);
}
