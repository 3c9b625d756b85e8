/* SPDX-License-Identifier: Apache-2.0 */
/* BVLC: every function of annex J.2, tables entry by entry, what cannot be. */
#include "wire_rig.h"

#include "drivers/bacnet/wire/bvlc.h"

static int again(struct bytes *in, struct bytes_out *out)
{
    struct bacnet_bvlc bvlc;
    int error = bacnet_get_bvlc(in, &bvlc);
    if (error == 0) {
        bacnet_put_bvlc(out, &bvlc);
    }
    return error;
}

static const struct wire_vector vectors[] = {
    { "J.2.1 BVLC-Result", "81 00 0006 0030", 6 },
    { "J.2.2 Write-BDT, two entries", "81 01 0018 0A000102 BAC0 FFFFFFFF 0A000202 BAC0 FFFFFF00",
      24 },
    { "J.2.2 Write-BDT, none", "81 01 0004", 4 },
    { "J.2.3 Read-BDT", "81 02 0004", 4 },
    { "J.2.4 Read-BDT-Ack", "81 03 000E C0A80001 BAC0 FFFFFFFF", 14 },
    { "J.2.5 Forwarded-NPDU", "81 04 000E 0A00010F BAC1 01 00 10 08", 14 },
    { "J.2.6 Register-Foreign-Device", "81 05 0006 012C", 6 },
    { "J.2.7 Read-FDT", "81 06 0004", 4 },
    { "J.2.8 Read-FDT-Ack", "81 07 000E 0A000105 BAC0 012C 014A", 14 },
    { "J.2.9 Delete-FDT-Entry", "81 08 000A 0A000105 BAC0", 10 },
    { "J.2.10 Distribute-Broadcast-To-Network", "81 09 0008 01 00 10 08", 8 },
    { "J.2.11 Original-Unicast-NPDU", "81 0A 0009 01 04 00 05 01", 9 },
    { "J.2.12 Original-Broadcast-NPDU", "81 0B 000C 01 20 FFFF 00 FF 10 08", 12 },
};

static void vectors_hold(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        wire_vector_holds(&vectors[i], again);
    }
}

static void fields_are_read(void **state)
{
    (void)state;
    uint8_t data[CODEC_MAX];
    struct bacnet_bvlc bvlc;
    struct bytes in = bytes_of(data, codec_hex(vectors[5].hex, data));
    assert_int_equal(bacnet_get_bvlc(&in, &bvlc), 0);
    assert_int_equal(bvlc.function, BACNET_BVLC_FORWARDED);
    assert_memory_equal(bvlc.from.ip, "\x0a\x00\x01\x0f", 4);
    assert_int_equal(bvlc.from.port, 47809);
    assert_int_equal(bytes_left(&bvlc.data), 4);
    in = bytes_of(data, codec_hex("81 00 0006 0060", data));
    assert_int_equal(bacnet_get_bvlc(&in, &bvlc), 0);
    assert_int_equal(bvlc.result, BACNET_RESULT_DISTRIBUTE);
    assert_string_equal(bacnet_bvlc_result_text(bvlc.result),
                        "distributing a broadcast was refused");
    in = bytes_of(data, codec_hex("81 05 0006 012C", data));
    assert_int_equal(bacnet_get_bvlc(&in, &bvlc), 0);
    assert_int_equal(bvlc.ttl_s, 300);
}

static void tables_are_read(void **state)
{
    (void)state;
    uint8_t data[CODEC_MAX];
    uint8_t copy[CODEC_MAX];
    struct bacnet_bvlc bvlc;
    struct bacnet_bdt_entry bdt;
    struct bacnet_fdt_entry fdt;
    struct bytes in = bytes_of(data, codec_hex(vectors[1].hex, data));
    assert_int_equal(bacnet_get_bvlc(&in, &bvlc), 0);
    struct bytes_out out = bytes_out_of(copy, sizeof(copy));
    assert_true(bacnet_get_bdt_entry(&bvlc.data, &bdt));
    bacnet_put_bdt_entry(&out, &bdt);
    assert_true(bacnet_get_bdt_entry(&bvlc.data, &bdt));
    bacnet_put_bdt_entry(&out, &bdt);
    assert_memory_equal(bdt.mask, "\xff\xff\xff\x00", 4);
    assert_false(bacnet_get_bdt_entry(&bvlc.data, &bdt));
    assert_memory_equal(copy, data + 4, 20);
    in = bytes_of(data, codec_hex(vectors[8].hex, data));
    assert_int_equal(bacnet_get_bvlc(&in, &bvlc), 0);
    out = bytes_out_of(copy, sizeof(copy));
    assert_true(bacnet_get_fdt_entry(&bvlc.data, &fdt));
    assert_int_equal(fdt.ttl_s, 300);
    assert_int_equal(fdt.left_s, 330);
    bacnet_put_fdt_entry(&out, &fdt);
    assert_memory_equal(copy, data + 4, 10);
    assert_false(bacnet_get_fdt_entry(&bvlc.data, &fdt));
}

static void what_cannot_be_is_refused(void **state)
{
    (void)state;
    assert_int_equal(wire_error(again, "82 0A 0004"), BUSBAR_EPROTO);
    assert_int_equal(wire_error(again, "81 0A 0003"), BUSBAR_EPROTO);
    assert_int_equal(wire_error(again, "81 0A 0004 00"), BUSBAR_EPROTO);
    assert_int_equal(wire_error(again, "81 0A 0006 00"), BUSBAR_ESHORT);
    assert_int_equal(wire_error(again, "81 00 0005 00"), BUSBAR_ESHORT);
    assert_int_equal(wire_error(again, "81 00 0007 000000"), BUSBAR_EPROTO);
    assert_int_equal(wire_error(again, "81 03 0009 0102030405"), BUSBAR_EPROTO);
    assert_int_equal(wire_error(again, "81 0D 0004"), BUSBAR_EUNSUPPORTED);
}

static void secure_is_refused_with_the_reason(void **state)
{
    (void)state;
    static const uint8_t data[] = { 0x81, 0x0c, 0x00, 0x06, 0x01, 0x02 };
    struct bytes in = bytes_of(data, sizeof(data));
    struct bacnet_bvlc bvlc;
    int error = bacnet_get_bvlc(&in, &bvlc);
    assert_int_equal(error, BUSBAR_EUNSUPPORTED);
    assert_int_equal(bvlc.function, BACNET_BVLC_SECURE);
    assert_string_equal(bacnet_bvlc_trouble(&bvlc, error),
                        "secure BVLL (withdrawn from the standard) is not supported");
    bvlc.function = 0x33;
    assert_string_equal(bacnet_bvlc_trouble(&bvlc, error), "unknown BVLC function");
    assert_non_null(bacnet_bvlc_trouble(&bvlc, BUSBAR_ESHORT));
}

static void functions_have_names(void **state)
{
    (void)state;
    for (unsigned function = 0; function <= BACNET_BVLC_SECURE; function++) {
        assert_non_null(bacnet_bvlc_name((uint8_t)function));
    }
    assert_null(bacnet_bvlc_name(0x0d));
    assert_string_equal(bacnet_bvlc_name(BACNET_BVLC_REGISTER), "register foreign device");
    assert_non_null(bacnet_bvlc_result_text(0x1234));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_hold),
        cmocka_unit_test(fields_are_read),
        cmocka_unit_test(tables_are_read),
        cmocka_unit_test(what_cannot_be_is_refused),
        cmocka_unit_test(secure_is_refused_with_the_reason),
        cmocka_unit_test(functions_have_names),
    };
    return cmocka_run_group_tests_name("bvlc", tests, NULL, NULL);
}
