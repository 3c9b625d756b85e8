/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of the network layer (clause 6.4): each of them both ways; the first byte of a vector is the message. */
#include "wire_rig.h"

#include "drivers/bacnet/wire/route.h"

static int again(struct bytes *in, struct bytes_out *out)
{
    struct bacnet_route_message route;
    uint8_t message = bytes_get_u8(in);
    if (bytes_short(in)) {
        return BUSBAR_ESHORT;
    }
    int error = bacnet_get_route_message(in, message, &route);
    if (error == 0) {
        bytes_put_u8(out, message);
        bacnet_put_route_message(out, &route);
    }
    return error;
}

static const struct wire_vector vectors[] = {
    { "6.4.1 Who-Is-Router-To-Network, all", "00", 1 },
    { "6.4.1 Who-Is-Router-To-Network", "00 0007", 1 },
    { "6.4.2 I-Am-Router-To-Network", "01 0007 0008 FFFE", 1 },
    { "6.4.3 I-Could-Be-Router-To-Network", "02 0007 05", 4 },
    { "6.4.4 Reject-Message-To-Network", "03 01 0007", 4 },
    { "6.4.5 Router-Busy-To-Network", "04 0007", 1 },
    { "6.4.6 Router-Available-To-Network", "05", 1 },
    { "6.4.7 Initialize-Routing-Table", "06 02 0007 01 00 0008 02 03 AABBCC", 2 },
    { "6.4.7 Initialize-Routing-Table, the question", "06 00", 2 },
    { "6.4.8 Initialize-Routing-Table-Ack", "07 01 0007 01 00", 1 },
    { "6.4.9 Establish-Connection-To-Network", "08 0007 0A", 4 },
    { "6.4.10 Disconnect-Connection-To-Network", "09 0007", 3 },
    { "6.4.19 What-Is-Network-Number", "12", 1 },
    { "6.4.20 Network-Number-Is", "13 0007 01", 4 },
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
    struct bacnet_route_message route;
    struct bytes in = bytes_of("\x01\x00\x07", 3);
    assert_int_equal(bacnet_get_route_message(&in, BACNET_REJECT_MESSAGE, &route), 0);
    assert_int_equal(route.reason, BACNET_ROUTE_UNKNOWN);
    assert_int_equal(route.network, 7);
    assert_string_equal(bacnet_route_reject_text(route.reason),
                        "the router knows no way to this network");
    in = bytes_of(NULL, 0);
    assert_int_equal(bacnet_get_route_message(&in, BACNET_WHO_IS_ROUTER, &route), 0);
    assert_false(route.has_network);
    in = bytes_of("\x00\x09\x00", 3);
    assert_int_equal(bacnet_get_route_message(&in, BACNET_NETWORK_IS, &route), 0);
    assert_int_equal(route.network, 9);
    assert_false(route.configured);
}

static void lists_are_read(void **state)
{
    (void)state;
    struct bacnet_route_message route;
    uint16_t network;
    struct bytes in = bytes_of("\x00\x07\x00\x08", 4);
    assert_int_equal(bacnet_get_route_message(&in, BACNET_I_AM_ROUTER, &route), 0);
    assert_true(bacnet_get_route_network(&route.data, &network));
    assert_int_equal(network, 7);
    assert_true(bacnet_get_route_network(&route.data, &network));
    assert_int_equal(network, 8);
    assert_false(bacnet_get_route_network(&route.data, &network));

    uint8_t data[CODEC_MAX];
    uint8_t copy[CODEC_MAX];
    struct bytes_out out = bytes_out_of(copy, sizeof(copy));
    struct bacnet_route_port port;
    in = bytes_of(data, codec_hex("02 0007 01 00 0008 02 03 AABBCC", data));
    assert_int_equal(bacnet_get_route_message(&in, BACNET_INIT_ROUTING_TABLE_ACK, &route), 0);
    assert_int_equal(route.ports, 2);
    while (bacnet_get_route_port(&route.data, &port)) {
        bacnet_put_route_port(&out, &port);
    }
    assert_int_equal(port.network, 8);
    assert_int_equal(port.port, 2);
    assert_int_equal(bytes_out_size(&out), 11);
    assert_memory_equal(copy, data + 1, 11);
}

static void what_cannot_be_is_refused(void **state)
{
    (void)state;
    assert_int_equal(wire_error(again, "00 000701"), BUSBAR_EPROTO);
    assert_int_equal(wire_error(again, "01 000700"), BUSBAR_EPROTO);
    assert_int_equal(wire_error(again, "06 03 0007 01 00 0008 02 00"), BUSBAR_EPROTO);
    assert_int_equal(wire_error(again, "06 01 0007 01 04 AABBCC"), BUSBAR_ESHORT);
    assert_int_equal(wire_error(again, "12 00"), BUSBAR_EPROTO);
    assert_int_equal(wire_error(again, "0A 0102"), BUSBAR_EUNSUPPORTED);
    assert_int_equal(wire_error(again, "90 0102"), BUSBAR_EUNSUPPORTED);
}

static void messages_have_names(void **state)
{
    (void)state;
    assert_string_equal(bacnet_route_name(BACNET_WHO_IS_ROUTER), "who is router to network");
    assert_string_equal(bacnet_route_name(BACNET_NETWORK_IS), "network number is");
    assert_null(bacnet_route_name(0x0a));
    assert_null(bacnet_route_name(0x80));
    assert_non_null(bacnet_route_reject_text(200));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_hold),        cmocka_unit_test(fields_are_read),
        cmocka_unit_test(lists_are_read),      cmocka_unit_test(what_cannot_be_is_refused),
        cmocka_unit_test(messages_have_names),
    };
    return cmocka_run_group_tests_name("route", tests, NULL, NULL);
}
