/* SPDX-License-Identifier: Apache-2.0 */
/* Ranges of addresses as people write them: what is asked, and what is refused with which words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "drivers/snmp/snmp_range.h"

enum { PORT = 161, TEXT_MAX = 8192 };

static void assert_at(const struct snmp_ranges *ranges, uint32_t number, const char *expected)
{
    char text[ADDRESS_TEXT_MAX];
    struct endpoint endpoint = snmp_ranges_at(ranges, number);
    (void)endpoint_format(text, sizeof(text), &endpoint);
    assert_string_equal(text, expected);
}

/* How many addresses, the first and the last of them. */
static void assert_range(const char *text, uint32_t count, const char *first, const char *last)
{
    struct snmp_ranges ranges;
    struct err err = { 0 };
    assert_int_equal(snmp_ranges_parse(text, PORT, &ranges, &err), 0);
    assert_int_equal(ranges.addresses, count);
    assert_at(&ranges, 0, first);
    assert_at(&ranges, count - 1, last);
}

static void assert_refused(const char *text, int code, const char *message)
{
    struct snmp_ranges ranges;
    struct err err = { 0 };
    assert_int_equal(snmp_ranges_parse(text, PORT, &ranges, &err), code);
    assert_non_null(strstr(err.message, message));
}

static void a_network_is_its_hosts(void **state)
{
    (void)state;
    assert_range("10.0.4.0/24", 254, "10.0.4.1:161", "10.0.4.254:161");
    assert_range("10.0.4.77/24", 254, "10.0.4.1:161", "10.0.4.254:161");
    assert_range("10.0.4.8/29", 6, "10.0.4.9:161", "10.0.4.14:161");
    assert_range("10.0.4.8/30", 2, "10.0.4.9:161", "10.0.4.10:161");
    assert_range("10.0.4.8/31", 2, "10.0.4.8:161", "10.0.4.9:161");
    assert_range("10.0.4.8/32", 1, "10.0.4.8:161", "10.0.4.8:161");
    assert_range("10.7.0.0/16", 65534, "10.7.0.1:161", "10.7.255.254:161");
    assert_range("255.255.255.0/24", 254, "255.255.255.1:161", "255.255.255.254:161");
}

static void a_span_has_both_ends(void **state)
{
    (void)state;
    assert_range("10.0.4.10-10.0.4.20", 11, "10.0.4.10:161", "10.0.4.20:161");
    assert_range("10.0.4.10-20", 11, "10.0.4.10:161", "10.0.4.20:161");
    assert_range("10.0.4.10-10", 1, "10.0.4.10:161", "10.0.4.10:161");
    assert_range("10.0.4.250-10.0.5.3", 10, "10.0.4.250:161", "10.0.5.3:161");
    assert_range("10.0.0.0-10.0.255.255", 65536, "10.0.0.0:161", "10.0.255.255:161");
    assert_range("255.255.255.254-255", 2, "255.255.255.254:161", "255.255.255.255:161");
}

static void one_address_may_have_a_port(void **state)
{
    (void)state;
    assert_range("10.0.4.2", 1, "10.0.4.2:161", "10.0.4.2:161");
    assert_range("10.0.4.2:1161", 1, "10.0.4.2:1161", "10.0.4.2:1161");
    assert_range("2001:db8::7", 1, "[2001:db8::7]:161", "[2001:db8::7]:161");
    assert_range("[2001:db8::7]:1161", 1, "[2001:db8::7]:1161", "[2001:db8::7]:1161");
}

static void several_are_asked_in_their_order(void **state)
{
    (void)state;
    struct snmp_ranges ranges;
    struct err err = { 0 };
    assert_int_equal(snmp_ranges_parse(" 10.0.4.8/30,\t10.0.5.3-4 , 2001:db8::7 10.0.9.9:99,", PORT,
                                       &ranges, &err),
                     0);
    static const char *const expected[] = { "10.0.4.9:161", "10.0.4.10:161",     "10.0.5.3:161",
                                            "10.0.5.4:161", "[2001:db8::7]:161", "10.0.9.9:99" };
    assert_int_equal(ranges.count, 4);
    assert_int_equal(ranges.addresses, 6);
    for (uint32_t i = 0; i < 6; i++) {
        assert_at(&ranges, i, expected[i]);
    }
}

static void bad_ones_say_why(void **state)
{
    static const char *const no_range[] = {
        "10.0.4.0/33", "10.0.4.0/-1", "10.0.4.0/",        "10.0.4.0/a",
        "/24",         "10.0.4/24",   "2001:db8::/120",   "10.0.4.10-256",
        "10.0.4.10-",  "-20",         "10.0.4.10-10.0.4", "10.0.4.300-400",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(no_range) / sizeof(no_range[0]); i++) {
        assert_refused(no_range[i], BUSBAR_EINVAL, "is no range of addresses");
        assert_refused(no_range[i], BUSBAR_EINVAL, no_range[i]);
    }
    assert_refused("", BUSBAR_EINVAL, "say which addresses to ask");
    assert_refused(" , \t", BUSBAR_EINVAL, "say which addresses to ask");
    assert_refused("printer", BUSBAR_EINVAL, "'printer' is no address");
    assert_refused("10.0.4.20-10", BUSBAR_EINVAL, "ends before it begins");
    assert_refused("10.0.4.2, 10.0.4.0/40", BUSBAR_EINVAL, "'10.0.4.0/40'");
}

static void there_are_limits(void **state)
{
    char text[TEXT_MAX] = "";
    size_t used = 0;
    struct snmp_ranges ranges;
    struct err err = { 0 };
    (void)state;
    assert_refused("10.0.0.0/15", BUSBAR_ELIMIT, "more than the 65536 addresses");
    assert_refused("10.0.0.0/0", BUSBAR_ELIMIT, "10.0.0.0/0 is more than");
    assert_refused("10.0.0.0-10.1.0.0", BUSBAR_ELIMIT, "more than the 65536 addresses");
    assert_refused("0.0.0.0-255.255.255.255", BUSBAR_ELIMIT, "more than the 65536 addresses");
    assert_refused("10.7.0.0/16 10.8.0.0/30 10.9.0.1", BUSBAR_ELIMIT, "more than the 65536");
    assert_range("10.7.0.0/16 10.8.0.0/30", 65536, "10.7.0.1:161", "10.8.0.2:161");
    for (unsigned i = 0; i < SNMP_RANGES_MAX; i++) {
        used += str_format(text + used, sizeof(text) - used, "10.0.4.%u ", i);
    }
    assert_int_equal(snmp_ranges_parse(text, PORT, &ranges, &err), 0);
    assert_int_equal(ranges.count, SNMP_RANGES_MAX);
    (void)str_format(text + used, sizeof(text) - used, "10.0.5.1");
    assert_refused(text, BUSBAR_ELIMIT, "more than the 256 ranges");
    memset(text, '1', 200);
    text[200] = '\0';
    assert_refused(text, BUSBAR_EINVAL, "is no range of addresses");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_network_is_its_hosts),
        cmocka_unit_test(a_span_has_both_ends),
        cmocka_unit_test(one_address_may_have_a_port),
        cmocka_unit_test(several_are_asked_in_their_order),
        cmocka_unit_test(bad_ones_say_why),
        cmocka_unit_test(there_are_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
