/* SPDX-License-Identifier: Apache-2.0 */
/* NPDU heads (clause 6.2): every combination of addresses, random ones, what cannot be. */
#include "wire_rig.h"

#include "drivers/bacnet/wire/npdu.h"
#include "support/random.h"

static int again(struct bytes *in, struct bytes_out *out)
{
    struct bacnet_npdu npdu;
    int error = bacnet_get_npdu(in, &npdu);
    if (error == 0) {
        bacnet_put_npdu(out, &npdu);
    }
    return error;
}

static const struct wire_vector vectors[] = {
    { "6.2.2 local", "01 00 10 08", 2 },
    { "6.2.2 expecting a reply, urgent", "01 05 00 05 01 0C", 2 },
    { "6.2.2 to all networks", "01 20 FFFF 00 FF 10 08", 6 },
    { "6.2.2 to one node", "01 24 0007 01 0C FE 00 05 01", 7 },
    { "6.2.2 from a node", "01 08 0007 06 0A000205BAC0 30 01 0C", 11 },
    { "6.2.2 both", "01 2F 0001 02 0102 0002 03 030405 0A 10 08", 14 },
    { "6.2.4 a message", "01 80 00 0007", 3 },
    { "6.2.4 a proprietary message", "01 80 90 0104 AABB", 5 },
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
    struct bacnet_npdu npdu;
    struct bytes in = bytes_of(data, codec_hex(vectors[5].hex, data));
    assert_int_equal(bacnet_get_npdu(&in, &npdu), 0);
    assert_true(npdu.has_to && npdu.has_from && npdu.expecting_reply && !npdu.is_message);
    assert_int_equal(npdu.priority, BACNET_PRIORITY_LIFE_SAFETY);
    assert_int_equal(npdu.to.network, 1);
    assert_int_equal(npdu.to.size, 2);
    assert_memory_equal(npdu.to.mac, "\x01\x02", 2);
    assert_int_equal(npdu.from.network, 2);
    assert_memory_equal(npdu.from.mac, "\x03\x04\x05", 3);
    assert_int_equal(npdu.hops, 10);
    assert_int_equal(bytes_left(&npdu.data), 2);
    assert_true(bacnet_mac_equal(&npdu.to, &npdu.to));
    assert_false(bacnet_mac_equal(&npdu.to, &npdu.from));
    in = bytes_of(data, codec_hex(vectors[7].hex, data));
    assert_int_equal(bacnet_get_npdu(&in, &npdu), 0);
    assert_int_equal(npdu.message, 0x90);
    assert_int_equal(npdu.vendor, 260);
}

static void what_cannot_be_is_refused(void **state)
{
    (void)state;
    assert_int_equal(wire_error(again, "02 00 10 08"), BUSBAR_EPROTO);
    assert_int_equal(wire_error(again, "01 20 0000 00 FF"), BUSBAR_EPROTO);    /* DNET 0 */
    assert_int_equal(wire_error(again, "01 08 0007 00 10"), BUSBAR_EPROTO);    /* SLEN 0 */
    assert_int_equal(wire_error(again, "01 08 FFFF 01 01 10"), BUSBAR_EPROTO); /* SNET all */
    assert_int_equal(wire_error(again, "01 20 0001 13 0000000000000000000000000000000000000000 FF"),
                     BUSBAR_EPROTO); /* longer than any address */
    assert_int_equal(wire_error(again, "01 80"), BUSBAR_ESHORT);
    assert_int_equal(wire_error(again, "01 80 80 01"), BUSBAR_ESHORT);
}

static void make_mac(struct random *random, struct bacnet_mac *mac, bool from)
{
    uint64_t most = from ? BACNET_NETWORK_ALL - 1 : BACNET_NETWORK_ALL;
    mac->network = (uint16_t)(1 + random_below(random, most));
    mac->size = (uint8_t)(from ? 1 + random_below(random, BACNET_MAC_MAX)
                               : random_below(random, BACNET_MAC_MAX + 1));
    for (size_t i = 0; i < mac->size; i++) {
        mac->mac[i] = (uint8_t)random_u64(random);
    }
}

static void random_heads_come_back(void **state)
{
    (void)state;
    struct random random = { 6 };
    for (int i = 0; i < 20000; i++) {
        struct bacnet_npdu npdu = { .priority = (uint8_t)random_below(&random, 4) };
        npdu.expecting_reply = random_below(&random, 2) == 1;
        npdu.has_to = random_below(&random, 2) == 1;
        npdu.has_from = random_below(&random, 2) == 1;
        if (npdu.has_to) {
            make_mac(&random, &npdu.to, false);
            npdu.hops = (uint8_t)random_u64(&random);
        }
        if (npdu.has_from) {
            make_mac(&random, &npdu.from, true);
        }
        npdu.is_message = random_below(&random, 2) == 1;
        npdu.message = npdu.is_message ? (uint8_t)random_u64(&random) : 0;
        npdu.vendor = npdu.message >= 0x80 ? (uint16_t)random_u64(&random) : 0;
        uint8_t data[BACNET_NPDU_MAX];
        struct bytes_out out = bytes_out_of(data, sizeof(data));
        bacnet_put_npdu(&out, &npdu);
        struct bytes in = bytes_dup(data, bytes_out_size(&out));
        struct bytes whole = in;
        struct bacnet_npdu back;
        assert_int_equal(bacnet_get_npdu(&in, &back), 0);
        assert_int_equal(bytes_left(&back.data), 0);
        assert_true(bacnet_mac_equal(&npdu.to, &back.to));
        assert_true(bacnet_mac_equal(&npdu.from, &back.from));
        assert_true(npdu.has_to == back.has_to && npdu.has_from == back.has_from);
        assert_true(npdu.hops == back.hops && npdu.priority == back.priority);
        assert_true(npdu.message == back.message && npdu.vendor == back.vendor);
        assert_true(npdu.expecting_reply == back.expecting_reply);
        bytes_fini(&whole);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_hold),
        cmocka_unit_test(fields_are_read),
        cmocka_unit_test(what_cannot_be_is_refused),
        cmocka_unit_test(random_heads_come_back),
    };
    return cmocka_run_group_tests_name("npdu", tests, NULL, NULL);
}
