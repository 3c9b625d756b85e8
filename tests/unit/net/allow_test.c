/* SPDX-License-Identifier: Apache-2.0 */
/* Networks of both families by the bits of their prefix, and what is no network. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/allow.h"

static bool takes(const struct allow *allow, const char *ip)
{
    struct endpoint from;
    assert_int_equal(endpoint_parse(ip, 0, &from), 0);
    return allow_takes(allow, &from);
}

static void who_is_in_a_network_is_taken(void **state)
{
    (void)state;
    struct allow allow;
    const struct position at = { 0 };
    assert_int_equal(allow_parse("10.0.4.0/23, 10.0.9.7,2001:db8::/33", "allow", at, &allow, NULL),
                     0);
    assert_int_equal(allow.count, 3);
    assert_true(takes(&allow, "10.0.4.1") && takes(&allow, "10.0.5.255"));
    assert_false(takes(&allow, "10.0.6.0") || takes(&allow, "10.0.3.255"));
    assert_true(takes(&allow, "10.0.9.7"));
    assert_false(takes(&allow, "10.0.9.8"));
    assert_true(takes(&allow, "2001:db8:7fff::1"));
    assert_false(takes(&allow, "2001:db8:8000::1") || takes(&allow, "::1"));
}

static void any_takes_all_and_names_none(void **state)
{
    (void)state;
    struct allow allow;
    struct endpoint from;
    const struct position at = { 0 };
    assert_int_equal(allow_parse("any", "allow", at, &allow, NULL), 0);
    assert_int_equal(endpoint_parse("192.0.2.1", 0, &from), 0);
    assert_true(allow_takes(&allow, &from));
    assert_false(allow_names(&allow, &from));
    assert_int_equal(allow_parse(NULL, "allow", at, &allow, NULL), 0);
    assert_false(allow_takes(&allow, &from));
    assert_int_equal(allow_parse("0.0.0.0/0", "allow", at, &allow, NULL), 0);
    assert_true(allow_takes(&allow, &from));
}

static void what_is_no_network_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = { "plant",     "10.0.4.0/33", "10.0.4.0/-1",      "10.0.4/x",
                                         "10.0.4.0/", "::/129",      "10.0.4.1 10.0.4.2" };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct allow allow;
        struct err err = { 0 };
        const struct position at = { .line = 7 };
        assert_int_equal(allow_parse(wrong[i], "allow", at, &allow, &err), BUSBAR_ECONFIG);
        assert_int_equal(err.line, 7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_in_a_network_is_taken),
        cmocka_unit_test(any_takes_all_and_names_none),
        cmocka_unit_test(what_is_no_network_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
