/* SPDX-License-Identifier: Apache-2.0 */
/* Settings of the protocol, its logins and devices: what they mean, which mistakes are told, what is warned of. */
#include "../modbus/settings_make.h"

#include "drivers/snmp/snmp_config.h"
#include "drivers/snmp/snmp_traps.h"

#define PAIRS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static const char *const no_pairs[] = { NULL };

/* Two logins: "old" (v2c) and "plant" (v3). */
struct site {
    struct setup setup;
    struct setup_part parts[2];
    struct settings_made made, part_made[2], device;
};

static const struct setup *site(struct site *site, const char *const *pairs)
{
    *site = (struct site){ .setup = { .given = true, .part_count = 2 } };
    site->setup.settings = *settings_make(&site->made, snmp_setup_options, pairs);
    site->parts[0] = (struct setup_part){
        .name = "old",
        .settings = *settings_make(&site->part_made[0], snmp_part_options,
                                   PAIRS("version", "2c", "community", "ro")),
    };
    site->parts[1] = (struct setup_part){
        .name = "plant",
        .settings = *settings_make(&site->part_made[1], snmp_part_options,
                                   PAIRS("user", "busbar", "auth", "a", "priv", "p")),
    };
    site->setup.parts = site->parts;
    return &site->setup;
}

static int read_device(struct site *of, const char *const *pairs, struct snmp_config *config,
                       struct err *err)
{
    const struct setup *setup = site(of, no_pairs);
    return snmp_config_read(setup, settings_make(&of->device, snmp_device_options, pairs), config,
                            err);
}

static void wrong(const char *const *pairs, const char *message, const char *hint)
{
    struct site of;
    struct snmp_config config;
    struct err err = { 0 };
    assert_int_equal(read_device(&of, pairs, &config, &err), BUSBAR_ECONFIG);
    assert_string_equal(err.message, message);
    assert_non_null(strstr(err.hint, hint));
    assert_string_equal(err.file, "site.yaml");
    assert_true(err.line > 0 && err.column > 0);
}

static void prints(const char *const *pairs, const char *words)
{
    struct site of;
    struct snmp_config config;
    struct buf out;
    assert_int_equal(read_device(&of, pairs, &config, NULL), 0);
    buf_init(&out, 512);
    snmp_config_print(&of.setup, &config, &out);
    assert_string_equal(buf_text(&out), words);
    buf_fini(&out);
}

/* ---- devices ---- */

static void defaults(void **state)
{
    struct site of;
    struct snmp_config config;
    (void)state;
    assert_int_equal(read_device(&of, PAIRS("host", "10.0.4.2"), &config, NULL), 0);
    assert_string_equal(config.host.host, "10.0.4.2");
    assert_int_equal(config.host.port, 161);
    assert_int_equal(config.identity.version, SNMP_V2C);
    assert_null(config.identity.community);
    assert_int_equal(config.timeout_us, 1500000);
    assert_int_equal(config.retries, 2);
    assert_int_equal(config.in_flight, 2);
    assert_int_equal(config.max_oids, 48);
    assert_int_equal(config.max_repetitions, 24);
    assert_true(config.bulk && config.traps);
    assert_false(config.any_source);
    assert_null(config.trap_addresses);
}

static void versions_follow_from_the_login(void **state)
{
    struct site of;
    struct snmp_config config;
    (void)state;
    assert_int_equal(
        read_device(&of, PAIRS("host", "a", "user", "u", "auth", "x", "priv", "y"), &config, NULL),
        0);
    assert_int_equal(config.identity.version, SNMP_V3);
    assert_int_equal(config.identity.auth_type, USM_SHA256);
    assert_int_equal(config.identity.priv_type, USM_AES128);
    assert_null(snmp_config_weak(&config.identity));
    assert_int_equal(read_device(&of, PAIRS("host", "a", "user", "u"), &config, NULL), 0);
    assert_int_equal(config.identity.auth_type, USM_AUTH_NONE);
    assert_int_equal(config.identity.priv_type, USM_PRIV_NONE);
    assert_int_equal(read_device(&of, PAIRS("host", "a", "version", "1"), &config, NULL), 0);
    assert_int_equal(config.identity.version, SNMP_V1);
}

static void links_in_words(void **state)
{
    (void)state;
    prints(PAIRS("host", "10.0.4.2"), "udp 10.0.4.2:161 v2c");
    prints(PAIRS("host", "10.0.4.2:1161", "version", "1"), "udp 10.0.4.2:1161 v1");
    prints(PAIRS("host", "2001:db8::7", "credentials", "plant"),
           "udp [2001:db8::7]:161 v3 user busbar");
    prints(PAIRS("host", "sw.example", "user", "u", "context", "vlan-7"),
           "udp sw.example:161 v3 user u context vlan-7");
    prints(PAIRS("host", "a", "credentials", "plant", "context", "vlan-7"),
           "udp a:161 v3 user busbar context vlan-7");
}

static void device_mistakes(void **state)
{
    (void)state;
    wrong(PAIRS("version", "1"), "the snmp part does not say where the device is", "discover");
    wrong(PAIRS("host", "10.0.4.2:99999"), "'99999' is not a port (1 to 65535)", "10.0.4.2:1161");
    wrong(PAIRS("host", "a", "version", "2c", "user", "u"), "'user' is of SNMP version 3 only",
          "version: 3");
    wrong(PAIRS("host", "a", "context", "x"), "'context' is of SNMP version 3 only", "user");
    wrong(PAIRS("host", "a", "version", "3"), "version 3 needs a user", "user: NAME");
    wrong(PAIRS("host", "a", "user", "u", "community", "c"), "version 3 has users, no community",
          "version: 2c");
    wrong(PAIRS("host", "a", "user", "u", "priv", "p"), "'priv' without 'auth'",
          "no encryption without authentication");
    wrong(PAIRS("host", "a", "user", "u", "auth_type", "SHA-512"), "'auth_type' without 'auth'",
          "!secret");
    wrong(PAIRS("host", "a", "user", "u", "auth", "a", "priv_type", "DES"),
          "'priv_type' without 'priv'", "!secret");
    wrong(PAIRS("host", "a", "user", "u", "auth", "a", "auth_type", "none"),
          "'auth_type: none' with a password", "SHA-256");
    wrong(PAIRS("host", "a", "user", "u", "auth", "a", "priv", "p", "priv_type", "none"),
          "'priv_type: none' with a password", "AES-128");
    wrong(PAIRS("host", "a", "credentials", "plnt"),
          "there is no 'plnt' in drivers: snmp: credentials", "did you mean 'plant'?");
    wrong(PAIRS("host", "a", "credentials", "something"),
          "there is no 'something' in drivers: snmp: credentials", "add it there");
    wrong(PAIRS("host", "a", "credentials", "plant", "user", "u"), "'user' beside 'credentials'",
          "keep one");
    wrong(PAIRS("host", "a", "credentials", "old", "context", "x"),
          "'context' is of SNMP version 3 only, and 'old' is not", "version 3");
}

/* After 0 a message is a warning. */
static void insecure_logins_are_warned_of(void **state)
{
    struct site of;
    struct snmp_config config;
    struct err err = { 0 };
    (void)state;
    assert_int_equal(read_device(&of, PAIRS("host", "a"), &config, &err), 0);
    assert_int_equal(err.code, 0);
    assert_non_null(strstr(err.message, "read the community"));
    assert_non_null(strstr(err.hint, "version 3"));
    assert_int_equal(err.line, 9);
    err = (struct err){ 0 };
    assert_int_equal(read_device(&of,
                                 PAIRS("host", "a", "user", "u", "auth", "x", "auth_type", "MD5"),
                                 &config, &err),
                     0);
    assert_non_null(strstr(err.message, "MD5"));
    err = (struct err){ 0 };
    assert_int_equal(read_device(&of, PAIRS("host", "a", "credentials", "old"), &config, &err), 0);
    assert_string_equal(err.message, ""); /* told with the login itself, once */
}

static void credentials_give_the_identity(void **state)
{
    struct site of;
    struct snmp_config config;
    struct snmp_identity identity;
    (void)state;
    assert_int_equal(
        read_device(&of, PAIRS("host", "a", "credentials", "plant", "context", "c"), &config, NULL),
        0);
    assert_int_equal(snmp_config_identity(&of.setup, &config, &identity, NULL), 0);
    assert_string_equal(identity.user, "busbar");
    assert_string_equal(identity.auth, "a");
    assert_string_equal(identity.context, "c");
    config.credentials = "gone";
    assert_int_equal(snmp_config_identity(&of.setup, &config, &identity, NULL), BUSBAR_ENOENT);
}

/* ---- the protocol ---- */

static void setup_of(const char *const *pairs, struct snmp_setup *own)
{
    static struct site of;
    struct err err = { 0 };
    assert_int_equal(snmp_config_setup(site(&of, pairs), own, &err), 0);
}

static void setup_wrong(const char *const *pairs, const char *message, const char *hint)
{
    struct site of;
    struct err err = { 0 };
    assert_int_equal(snmp_config_check_setup(site(&of, pairs), &err), BUSBAR_ECONFIG);
    assert_string_equal(err.message, message);
    assert_non_null(strstr(err.hint, hint));
}

static void source_ports(void **state)
{
    struct snmp_setup own;
    (void)state;
    setup_of(no_pairs, &own);
    assert_int_equal(own.first_port, 0);
    assert_int_equal(own.trap_rate, 100);
    setup_of(PAIRS("source_ports", "40000-40015"), &own);
    assert_int_equal(own.first_port, 40000);
    assert_int_equal(own.last_port, 40015);
    setup_of(PAIRS("source_ports", "40000 - 40001"), &own);
    assert_int_equal(own.last_port, 40001);
    setup_of(PAIRS("source_ports", "65535"), &own);
    assert_int_equal(own.first_port, 65535);
    assert_int_equal(own.last_port, 65535);
    setup_wrong(PAIRS("source_ports", "40015-40000"), "'40015-40000' is no range of UDP ports",
                "40000-40015");
    setup_wrong(PAIRS("source_ports", "0"), "'0' is no range of UDP ports", "40000");
    setup_wrong(PAIRS("source_ports", "65000-65536"), "'65000-65536' is no range of UDP ports",
                "40000");
    setup_wrong(PAIRS("source_ports", "1-2-3"), "'1-2-3' is no range of UDP ports", "40000");
    setup_wrong(PAIRS("source_ports", "40000-40256"), "more than 256 source ports", "16");
    setup_wrong(PAIRS("bind", "eth0"), "'eth0' is not a numeric address", "ip address");
}

static void parts_are_checked(void **state)
{
    struct site of;
    struct err err = { 0 };
    const struct setup *setup = site(&of, no_pairs);
    (void)state;
    assert_int_equal(snmp_config_check_setup(setup, &err), 0);
    assert_int_equal(err.code, 0);
    assert_non_null(strstr(err.message, "insecure")); /* of "old" */
    of.parts[1].settings = *settings_make(&of.part_made[1], snmp_part_options,
                                          PAIRS("user", "busbar", "priv", "p"));
    assert_int_equal(snmp_config_check_setup(setup, &err), BUSBAR_ECONFIG);
    assert_string_equal(err.message, "'priv' without 'auth'");
}

static void parts_have_an_order(void **state)
{
    struct site of;
    const struct setup *setup = site(&of, no_pairs);
    (void)state;
    assert_int_equal(snmp_config_order(&setup->parts[0]), 100);
    of.parts[0].settings = *settings_make(&of.part_made[0], snmp_part_options, PAIRS("order", "7"));
    assert_int_equal(snmp_config_order(&setup->parts[0]), 7);
}

static void without_a_section(void **state)
{
    struct snmp_setup own;
    (void)state;
    assert_int_equal(snmp_config_setup(NULL, &own, NULL), 0);
    assert_null(own.listen);
    assert_null(snmp_config_listen(NULL));
    assert_non_null(snmp_config_mib(NULL));
    struct snmp_trap_options traps = snmp_config_traps(&own);
    assert_int_equal(traps.rate, 100);
    assert_int_equal(traps.burst, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults),
        cmocka_unit_test(versions_follow_from_the_login),
        cmocka_unit_test(links_in_words),
        cmocka_unit_test(device_mistakes),
        cmocka_unit_test(insecure_logins_are_warned_of),
        cmocka_unit_test(credentials_give_the_identity),
        cmocka_unit_test(source_ports),
        cmocka_unit_test(parts_are_checked),
        cmocka_unit_test(parts_have_an_order),
        cmocka_unit_test(without_a_section),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
