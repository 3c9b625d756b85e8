/* SPDX-License-Identifier: Apache-2.0 */
/* A device's settings: what they mean, which devices share a line, which mistakes are told. */
#include "settings_make.h"

#include "drivers/modbus/modbus_config.h"

#define PAIRS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static struct settings_made made;

static int read_pairs(const char *const *pairs, struct modbus_config *config, struct err *err)
{
    return modbus_config_read(settings_make(&made, modbus_device_options, pairs), config, err);
}

static void prints(const char *const *pairs, const char *words)
{
    struct modbus_config config;
    struct err err = { 0 };
    struct buf out;
    assert_int_equal(read_pairs(pairs, &config, &err), 0);
    buf_init(&out, 256);
    modbus_config_print(&config, &out);
    assert_string_equal(buf_text(&out), words);
    buf_fini(&out);
}

static void wrong(const char *const *pairs, const char *message, const char *hint)
{
    struct modbus_config config;
    struct err err = { 0 };
    assert_int_equal(read_pairs(pairs, &config, &err), BUSBAR_ECONFIG);
    assert_string_equal(err.message, message);
    assert_non_null(strstr(err.hint, hint));
}

static void links_in_words(void **state)
{
    (void)state;
    prints(PAIRS("tcp", "10.0.2.15"), "tcp 10.0.2.15:502");
    prints(PAIRS("tcp", "10.0.2.15:1502"), "tcp 10.0.2.15:1502");
    prints(PAIRS("tls", "plc.example"), "tls plc.example:802");
    prints(PAIRS("rtu_tcp", "[fe80::1]:4001"), "rtu_tcp [fe80::1]:4001");
    prints(PAIRS("serial", "/dev/ttyUSB0"), "serial /dev/ttyUSB0 19200 8E1");
    prints(PAIRS("serial", "/dev/ttyS1", "baud", "9600", "format", "8N2"),
           "serial /dev/ttyS1 9600 8N2");
}

static void defaults(void **state)
{
    (void)state;
    struct modbus_config config;
    assert_int_equal(read_pairs(PAIRS("tcp", "h"), &config, NULL), 0);
    assert_int_equal(config.unit, 1);
    assert_int_equal(config.timeout_us, 1000000);
    assert_int_equal(config.max_registers, 125);
    assert_int_equal(config.max_bits, 2000);
    assert_int_equal(config.max_gap, 8);
    assert_int_equal(config.in_flight, 0);
    assert_false(config.close_after_poll);
    assert_int_equal(read_pairs(PAIRS("rtu_tcp", "h"), &config, NULL), 0);
    assert_int_equal(config.in_flight, 1);
}

static void mistakes(void **state)
{
    (void)state;
    wrong(PAIRS("unit_id", "1"), "the modbus part does not say how the device is reached", "tcp:");
    wrong(PAIRS("tcp", "a", "serial", "/dev/b"), "both 'tcp' and 'serial' are set", "one way");
    wrong(PAIRS("tcp", "a", "baud", "9600"), "'baud' has no meaning with 'tcp'", "leave");
    wrong(PAIRS("rtu_tcp", "a", "in_flight", "4"), "'in_flight' has no meaning with 'rtu_tcp'",
          "one request at a time");
    wrong(PAIRS("tcp", "a", "ca", "/x.pem"), "'ca' has no meaning with 'tcp'", "leave");
    wrong(PAIRS("serial", "ttyUSB0"), "'ttyUSB0' is not an absolute path", "/dev/ttyUSB0");
    wrong(PAIRS("serial", "/dev/ttyUSB0", "unit_id", "0"), "unit_id 0 cannot be asked over RTU",
          "1 to 247");
    wrong(PAIRS("tls", "a", "key", "/k.pem"), "a private key without its certificate",
          "certificate");
}

static void who_shares_a_line(void **state)
{
    (void)state;
    struct modbus_config a;
    struct modbus_config b;
    struct settings_made other;
    assert_int_equal(read_pairs(PAIRS("tcp", "gw", "unit_id", "1"), &a, NULL), 0);
    assert_int_equal(modbus_config_read(settings_make(&other, modbus_device_options,
                                                      PAIRS("tcp", "gw:502", "unit_id", "2")),
                                        &b, NULL),
                     0);
    assert_true(modbus_config_same_link(&a, &b));
    assert_int_equal(
        modbus_config_read(settings_make(&other, modbus_device_options, PAIRS("rtu_tcp", "gw:502")),
                           &b, NULL),
        0);
    assert_false(modbus_config_same_link(&a, &b));
}

static void silence_of_a_line(void **state)
{
    (void)state;
    struct modbus_config config;
    assert_int_equal(read_pairs(PAIRS("serial", "/dev/a", "baud", "9600"), &config, NULL), 0);
    assert_in_range(modbus_config_quiet_us(&config), 4000, 4020); /* 3.5 x 11 bits */
    assert_int_equal(read_pairs(PAIRS("serial", "/dev/a", "baud", "115200"), &config, NULL), 0);
    assert_int_equal(modbus_config_quiet_us(&config), 1750);
    assert_int_equal(read_pairs(PAIRS("rtu_tcp", "h"), &config, NULL), 0);
    assert_int_equal(modbus_config_quiet_us(&config), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(links_in_words),    cmocka_unit_test(defaults),
        cmocka_unit_test(mistakes),          cmocka_unit_test(who_shares_a_line),
        cmocka_unit_test(silence_of_a_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
