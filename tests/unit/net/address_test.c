/* SPDX-License-Identifier: Apache-2.0 */
/* Texts to addresses and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "net/address.h"

static void good_addresses_are_split(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *host;
        uint16_t port;
        const char *back;
    } rows[] = {
        { "10.0.0.5:1502", "10.0.0.5", 1502, "10.0.0.5:1502" },
        { "10.0.0.5", "10.0.0.5", 502, "10.0.0.5:502" },
        { "plc-7.site_a.local", "plc-7.site_a.local", 502, "plc-7.site_a.local:502" },
        { "[fe80::1%eth0]:802", "fe80::1%eth0", 802, "[fe80::1%eth0]:802" },
        { "[::1]", "::1", 502, "[::1]:502" },
        { "::1", "::1", 502, "[::1]:502" },
        { "localhost:65535", "localhost", 65535, "localhost:65535" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct address address;
        struct err err = { 0 };
        if (strstr(rows[i].text, "%eth0") != NULL && !address_is_ip("fe80::1%eth0")) {
            continue; /* this machine has no such interface */
        }
        assert_int_equal(address_parse(rows[i].text, 502, &address, &err), 0);
        assert_string_equal(address.host, rows[i].host);
        assert_int_equal(address.port, rows[i].port);
        char text[ADDRESS_TEXT_MAX];
        address_format(text, sizeof(text), &address);
        assert_string_equal(text, rows[i].back);
    }
}

static void bad_addresses_are_refused_with_a_reason(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",          ":502",       "host:",   "host:0",  "host:65536",     "host:-1",
        "host:0x10", "host:+5",    "[::1",    "[::1]5",  "[::1]:",         "[host]:5",
        "a b:5",     "http://a:5", "1::2::3", "host: 5", "fe80::1%nosuch0"
    };
    char longest[300];
    memset(longest, 'a', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    struct address address = { .port = 77 };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct err err = { 0 };
        assert_int_equal(address_parse(bad[i], 502, &address, &err), BUSBAR_EINVAL);
        assert_string_not_equal(err.message, "");
    }
    assert_int_equal(address_parse(longest, 502, &address, NULL), BUSBAR_EINVAL);
    assert_int_equal(address_parse("host", 0, &address, NULL), BUSBAR_EINVAL);
    assert_int_equal(address.port, 77);
}

static void loopback_is_known(void **state)
{
    (void)state;
    assert_true(address_is_loopback("127.0.0.1"));
    assert_true(address_is_loopback("127.8.8.8"));
    assert_true(address_is_loopback("::1"));
    assert_true(address_is_loopback("localhost"));
    assert_false(address_is_loopback("0.0.0.0"));
    assert_false(address_is_loopback("::"));
    assert_false(address_is_loopback("10.0.0.1"));
    assert_false(address_is_loopback("example.org"));
    assert_true(address_is_ip("::"));
    assert_false(address_is_ip("1.2.3"));
}

static void endpoints_compare_and_print(void **state)
{
    (void)state;
    struct endpoint a;
    struct endpoint b;
    char text[ADDRESS_TEXT_MAX];
    assert_int_equal(endpoint_parse("10.1.2.3", 47808, &a), 0);
    assert_int_equal(endpoint_parse("10.1.2.3", 47808, &b), 0);
    assert_true(endpoint_equal(&a, &b));
    b.port = 1;
    assert_false(endpoint_equal(&a, &b));
    endpoint_format(text, sizeof(text), &a);
    assert_string_equal(text, "10.1.2.3:47808");
    assert_int_equal(endpoint_parse("2001:db8::7", 161, &b), 0);
    assert_false(endpoint_equal(&a, &b));
    endpoint_format(text, sizeof(text), &b);
    assert_string_equal(text, "[2001:db8::7]:161");
    assert_int_equal(endpoint_parse("fe80::1%7", 1, &b), 0);
    assert_int_equal(b.scope, 7);
    assert_int_equal(endpoint_parse("10.0.0.1%7", 1, &b), BUSBAR_EINVAL);
    assert_int_equal(endpoint_parse("host", 1, &b), BUSBAR_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_addresses_are_split),
        cmocka_unit_test(bad_addresses_are_refused_with_a_reason),
        cmocka_unit_test(loopback_is_known),
        cmocka_unit_test(endpoints_compare_and_print),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
