/* SPDX-License-Identifier: Apache-2.0 */
/* Every Linux has lo; what else there is differs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "net/interfaces.h"

static void the_loopback_is_there(void **state)
{
    (void)state;
    struct interface list[INTERFACES_MAX];
    int count = interfaces_list(list, INTERFACES_MAX);
    assert_true(count >= 1);
    bool seen = false;
    for (int i = 0; i < count; i++) {
        if (strcmp(list[i].name, "lo") == 0 && list[i].address.ip[3] == 1) {
            static const uint8_t own[4] = { 127, 0, 0, 1 };
            static const uint8_t all[4] = { 127, 255, 255, 255 };
            assert_true(list[i].up && list[i].loopback);
            assert_int_equal(list[i].prefix, 8);
            assert_memory_equal(list[i].address.ip, own, 4);
            assert_memory_equal(list[i].broadcast.ip, all, 4);
            seen = true;
        }
    }
    assert_true(seen);
    assert_int_equal(interfaces_list(list, 1), 1);
}

static void cards_are_found_by_name_address_and_subnet(void **state)
{
    (void)state;
    static const char *const texts[] = { "lo", "127.0.0.1", "127.0.0.0/8", "127.0.0.1/32" };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct interface found = { 0 };
        struct err err = { 0 };
        assert_int_equal(interfaces_find(texts[i], &found, &err), 0);
        assert_string_equal(found.name, "lo");
    }
}

static void what_is_not_there_is_told_with_what_is(void **state)
{
    (void)state;
    struct interface found;
    struct err err = { 0 };
    assert_int_equal(interfaces_find("nosuch0", &found, &err), BUSBAR_ENOENT);
    assert_non_null(strstr(err.message, "nosuch0"));
    assert_non_null(strstr(err.hint, "lo 127.0.0.1/8"));
    assert_int_equal(interfaces_find("198.51.100.0/24", &found, &err), BUSBAR_ENOENT);
    assert_non_null(strstr(err.message, "198.51.100.0/24"));
    static const char *const wrong[] = { "10.0.0.0/33", "10.0.0.0/", "x/24", "::1/64",
                                         "10.0.0.0/a" };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(interfaces_find(wrong[i], &found, &err), BUSBAR_EINVAL);
        assert_non_null(strstr(err.message, wrong[i]));
    }
}

static void subnets_are_compared_by_their_bits(void **state)
{
    (void)state;
    struct endpoint a, b, v6;
    assert_int_equal(endpoint_parse("10.0.1.200", 0, &a), 0);
    assert_int_equal(endpoint_parse("10.0.1.1", 0, &b), 0);
    assert_int_equal(endpoint_parse("::1", 0, &v6), 0);
    assert_true(interfaces_in_subnet(&a, &b, 24));
    assert_false(interfaces_in_subnet(&a, &b, 25));
    assert_true(interfaces_in_subnet(&a, &b, 0));
    assert_false(interfaces_in_subnet(&a, &b, 32));
    assert_false(interfaces_in_subnet(&v6, &b, 0));
    struct interface found;
    assert_int_equal(endpoint_parse("127.9.9.9", 0, &a), 0);
    assert_true(interfaces_of(&a, &found));
    assert_string_equal(found.name, "lo");
    assert_int_equal(endpoint_parse("198.51.100.77", 0, &a), 0);
    assert_false(interfaces_of(&a, &found));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_loopback_is_there),
        cmocka_unit_test(cards_are_found_by_name_address_and_subnet),
        cmocka_unit_test(what_is_not_there_is_told_with_what_is),
        cmocka_unit_test(subnets_are_compared_by_their_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
