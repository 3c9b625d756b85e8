/* SPDX-License-Identifier: Apache-2.0 */
/* Settings of the protocol, its networks and devices: what they mean, where a network is, which mistakes are told. */
#include "../modbus/settings_make.h"

#include "drivers/bacnet/bacnet_config.h"

#define PAIRS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static int read_pairs(const char *const *pairs, struct bacnet_config *config, struct err *err)
{
    static struct settings_made made;
    return bacnet_config_read(settings_make(&made, bacnet_device_options, pairs), config, err);
}

static void prints(const char *const *pairs, const char *words)
{
    struct bacnet_config config;
    struct err err = { 0 };
    struct buf out;
    assert_int_equal(read_pairs(pairs, &config, &err), 0);
    buf_init(&out, 256);
    bacnet_config_print(&config, &out);
    assert_string_equal(buf_text(&out), words);
    buf_fini(&out);
}

static void wrong(const char *const *pairs, const char *message, const char *hint)
{
    struct bacnet_config config;
    struct err err = { 0 };
    assert_int_equal(read_pairs(pairs, &config, &err), BUSBAR_ECONFIG);
    assert_string_equal(err.message, message);
    assert_non_null(strstr(err.hint, hint));
}

/* ---- devices ---- */

static void links_in_words(void **state)
{
    (void)state;
    prints(PAIRS("device", "2001"), "udp device 2001");
    prints(PAIRS("device", "2001", "address", "10.0.1.21"), "udp 10.0.1.21:47808 device 2001");
    prints(PAIRS("device", "1", "address", "10.0.1.21:47809"), "udp 10.0.1.21:47809 device 1");
    prints(PAIRS("device", "1", "remote_network", "7", "remote_mac", "12"),
           "udp network 7 mac 12 device 1");
    prints(PAIRS("device", "1", "remote_network", "7"), "udp network 7 device 1");
}

static void defaults(void **state)
{
    struct bacnet_config config;
    (void)state;
    assert_int_equal(read_pairs(PAIRS("device", "5"), &config, NULL), 0);
    assert_int_equal(config.device, 5);
    assert_int_equal(config.timeout_us, 5000000);
    assert_int_equal(config.retries, 3);
    assert_int_equal(config.in_flight, 0);
    assert_true(config.segmentation && config.cov && config.cov_confirmed && config.status_flags);
    assert_false(config.force_polling);
    assert_true(config.out_of_service_warns);
    assert_int_equal(config.priority, 8);
    assert_int_equal(config.cov_lifetime_us, INT64_C(600000000));
    assert_int_equal(config.check_every_us, INT64_C(300000000));
    assert_int_equal(config.alarms, BACNET_ALARMS_LISTEN);
}

static void device_mistakes(void **state)
{
    (void)state;
    wrong(PAIRS("timeout", "1s"), "the bacnet part does not say which device it is", "discover");
    wrong(PAIRS("device", "1", "address", "plc.example"),
          "'plc.example' is not a numeric IPv4 address", "no names");
    wrong(PAIRS("device", "1", "address", "10.0.1.21:99999"), "'99999' is not a port (1 to 65535)",
          "10.0.1.21:47808");
    wrong(PAIRS("device", "1", "network", "10.0.1.0/99"), "'10.0.1.0/99' is not a subnet",
          "10.0.1.0/24");
    wrong(PAIRS("device", "1", "remote_mac", "12"),
          "'remote_mac' is an address on a network behind a router", "remote_network");
    wrong(PAIRS("device", "1", "remote_network", "7", "remote_mac", "x"),
          "'x' is not a BACnet address", "MS/TP");
    wrong(PAIRS("device", "1", "remote_network", "7", "address", "10.0.1.1"),
          "with 'remote_network' the address is the router's; the device's is missing",
          "remote_mac");
    wrong(PAIRS("device", "1", "cov", "false", "cov_lifetime", "300s"),
          "'cov_lifetime' has no meaning with 'cov: false'", "leave");
    wrong(PAIRS("device", "1", "force_polling", "true", "check_every", "60s"),
          "'check_every' has no meaning with 'force_polling: true'", "leave");
    wrong(PAIRS("device", "1", "notification_classes", "1"),
          "'notification_classes' are those to enrol in, and 'alarms' does not say so", "enrol");
}

static void macs(void **state)
{
    static const struct {
        const char *text, *printed;
        uint8_t size;
    } rows[] = {
        { "12", "12", 1 },
        { "0x1f", "31", 1 },
        { "0a:00:1f", "0a:00:1f", 3 },
        { "10.0.7.3", "10.0.7.3:47808", 6 },
        { "10.0.7.3:47809", "10.0.7.3:47809", 6 },
    };
    static const char *const bad[] = {
        "", "256", "0a:", "0a:zz", "10.0.7", "0a00", "-1", "1:2:3:4:5:6:7:8:9:a:b:c:d:e:f:1:2:3:4"
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t mac[BACNET_MAC_MAX];
        uint8_t size = 0;
        struct buf out;
        assert_int_equal(bacnet_mac_parse(rows[i].text, mac, &size), 0);
        assert_int_equal(size, rows[i].size);
        buf_init(&out, 64);
        bacnet_mac_print(mac, size, &out);
        assert_string_equal(buf_text(&out), rows[i].printed);
        buf_fini(&out);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        uint8_t mac[BACNET_MAC_MAX];
        uint8_t size = 0;
        assert_int_equal(bacnet_mac_parse(bad[i], mac, &size), BUSBAR_EINVAL);
    }
}

/* ---- networks ---- */

enum { PARTS_MAX = 3 };

struct parts {
    struct setup setup;
    struct setup_part parts[PARTS_MAX];
    struct settings_made made[PARTS_MAX];
};

static void add_part(struct parts *parts, const char *name, const char *const *pairs)
{
    size_t at = parts->setup.part_count++;
    parts->parts[at].name = name;
    parts->parts[at].settings = *settings_make(&parts->made[at], bacnet_network_options, pairs);
    parts->setup.parts = parts->parts;
}

static const struct bacnet_card cards[] = {
    { .name = "lo", .ip = { 127, 0, 0, 1 }, .bits = 8, .loopback = true },
    { .name = "eth0", .ip = { 10, 0, 1, 5 }, .bits = 24 },
    { .name = "eth1", .ip = { 10, 0, 2, 5 }, .bits = 26 },
};

static void network_defaults(void **state)
{
    struct bacnet_network_config network;
    struct bacnet_setup own;
    static const struct setup none;
    (void)state;
    assert_int_equal(bacnet_config_setup(&none, &own, NULL), 0);
    assert_int_equal(own.device_id, BACNET_OWN_DEVICE);
    assert_true(own.answers);
    assert_null(own.device_name);
    assert_int_equal(bacnet_config_network(NULL, &network, NULL), 0);
    assert_int_equal(network.port, 47808);
    assert_string_equal(network.name, "");
    assert_true(network.listen);
    assert_false(network.foreign);
}

static void part_wrong(const char *const *pairs, const char *message, const char *hint)
{
    struct parts parts = { 0 };
    struct err err = { 0 };
    add_part(&parts, "roof", pairs);
    assert_int_equal(bacnet_config_check_setup(&parts.setup, &err), BUSBAR_ECONFIG);
    assert_string_equal(err.message, message);
    assert_non_null(strstr(err.hint, hint));
}

static void network_mistakes(void **state)
{
    (void)state;
    part_wrong(PAIRS("address", "10.0.1"), "'10.0.1' is not an IPv4 address", "10.0.1.5/24");
    part_wrong(PAIRS("address", "10.0.1.0/24"), "10.0.1.0/24 is the subnet, not our address in it",
               "ip address");
    part_wrong(PAIRS("foreign", "bbmd"), "'bbmd' is not a numeric IPv4 address", "no names");
    part_wrong(PAIRS("ttl", "60s"), "'ttl' is of a registration at a BBMD, and there is none",
               "foreign");
    part_wrong(PAIRS("time_sync_every", "60s"), "'time_sync_every' without 'time_sync'", "utc");
}

static void overlaps(void **state)
{
    const struct {
        const char *const *a, *const *b;
        bool overlap;
    } rows[] = {
        { PAIRS("address", "10.0.1.5"), PAIRS("address", "10.0.1.5/24"), true },
        { PAIRS("address", "10.0.1.5"), PAIRS("address", "10.0.1.6"), false },
        { PAIRS("address", "10.0.1.5"), PAIRS("address", "10.0.1.5", "port", "47809"), false },
        { PAIRS("interface", "eth0"), PAIRS("interface", "eth0"), true },
        { PAIRS("interface", "eth0"), PAIRS("interface", "eth1"), false },
        { PAIRS("listen", "true"), PAIRS("listen", "false"), true },
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct parts parts = { 0 };
        struct err err = { 0 };
        add_part(&parts, "cellar", rows[i].a);
        add_part(&parts, "roof", rows[i].b);
        int error = bacnet_config_check_setup(&parts.setup, &err);
        assert_int_equal(error, rows[i].overlap ? BUSBAR_ECONFIG : 0);
        if (error != 0) {
            assert_string_equal(err.message, "networks 'cellar' and 'roof' would share one address "
                                             "and port 47808");
        }
    }
}

static void unknown_networks(void **state)
{
    struct parts parts = { 0 };
    struct settings_made made;
    struct err err = { 0 };
    (void)state;
    add_part(&parts, "roof", PAIRS("interface", "eth0"));
    const struct settings *device = settings_make(&made, bacnet_device_options,
                                                  PAIRS("device", "1", "network", "rof"));
    assert_int_equal(bacnet_config_check(&parts.setup, device, &err), BUSBAR_ECONFIG);
    assert_string_equal(err.message, "there is no network 'rof' in drivers: bacnet: networks");
    assert_string_equal(err.hint, "did you mean 'roof'?");
    device = settings_make(&made, bacnet_device_options, PAIRS("device", "1", "network", "roof"));
    assert_int_equal(bacnet_config_check(&parts.setup, device, &err), 0);
}

/* ---- where a network is ---- */

static int place(const struct setup *setup, const char *const *pairs, size_t card_count,
                 struct bacnet_place *out, struct err *err)
{
    struct bacnet_config config;
    assert_int_equal(read_pairs(pairs, &config, NULL), 0);
    return bacnet_config_place(setup, &config, cards, card_count, out, err);
}

static void is_at(const struct bacnet_place *at, const char *local, const char *broadcast)
{
    char text[ADDRESS_TEXT_MAX];
    endpoint_format(text, sizeof(text), &at->local);
    assert_string_equal(text, local);
    endpoint_format(text, sizeof(text), &at->broadcast);
    assert_string_equal(text, broadcast);
}

static void places(void **state)
{
    static const struct setup none;
    struct parts parts = { 0 };
    struct bacnet_place at;
    struct err err = { 0 };
    (void)state;
    /* without networks: the card in the subnet, of the address, the only one */
    assert_int_equal(place(&none, PAIRS("device", "1", "network", "10.0.2.0/24"), 3, &at, &err), 0);
    is_at(&at, "10.0.2.5:47808", "10.0.2.63:47808");
    assert_int_equal(place(&none, PAIRS("device", "1", "address", "127.3.4.5"), 3, &at, &err), 0);
    is_at(&at, "127.0.0.1:47808", "127.255.255.255:47808");
    assert_int_equal(place(&none, PAIRS("device", "1"), 2, &at, &err), 0);
    is_at(&at, "10.0.1.5:47808", "10.0.1.255:47808");
    assert_int_equal(place(&none, PAIRS("device", "1"), 3, &at, &err), BUSBAR_ENOENT);
    assert_string_equal(err.hint, "this machine has: lo 127.0.0.1/8, eth0 10.0.1.5/24, eth1 "
                                  "10.0.2.5/26");
    assert_int_equal(place(&none, PAIRS("device", "1", "network", "10.9.0.0/16"), 3, &at, &err),
                     BUSBAR_ENOENT);
    assert_string_equal(err.message, "no network card is in 10.9.0.0/16");

    /* with networks: by name, by subnet, the only one */
    add_part(&parts, "roof", PAIRS("address", "127.0.0.9/24", "port", "47900"));
    assert_int_equal(place(&parts.setup, PAIRS("device", "1"), 3, &at, &err), 0);
    is_at(&at, "127.0.0.9:47900", "127.0.0.255:47900");
    assert_ptr_equal(at.part, &parts.parts[0]);
    add_part(&parts, "cellar", PAIRS("interface", "eth1"));
    assert_int_equal(place(&parts.setup, PAIRS("device", "1", "network", "cellar"), 3, &at, &err),
                     0);
    is_at(&at, "10.0.2.5:47808", "10.0.2.63:47808");
    assert_int_equal(place(&parts.setup, PAIRS("device", "1", "address", "10.0.2.9"), 3, &at, &err),
                     0);
    assert_ptr_equal(at.part, &parts.parts[1]);
    assert_int_equal(place(&parts.setup, PAIRS("device", "1"), 3, &at, &err), BUSBAR_ENOENT);
    assert_string_equal(err.message, "which of the 2 networks this device is on is not said");

    /* a card that is not there */
    assert_int_equal(place(&parts.setup, PAIRS("device", "1", "network", "cellar"), 2, &at, &err),
                     BUSBAR_ENOENT);
    assert_string_equal(err.message, "there is no network card 'eth1' with an IPv4 address");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(links_in_words),   cmocka_unit_test(defaults),
        cmocka_unit_test(device_mistakes),  cmocka_unit_test(macs),
        cmocka_unit_test(network_defaults), cmocka_unit_test(network_mistakes),
        cmocka_unit_test(overlaps),         cmocka_unit_test(unknown_networks),
        cmocka_unit_test(places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
