/* SPDX-License-Identifier: Apache-2.0 */
/* Names that are announced: known for a while, and never in the way of new ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/str.h"
#include "drivers/opcua/opcua_seen.h"

static struct opcua_seen seen;

/* Heard at that second, by an announcement that lives so long. */
static bool known(const char *name, int64_t at_s, uint32_t ttl_s)
{
    struct opcua_mdns_server server = { .ttl_s = ttl_s };
    (void)str_copy(server.name, sizeof(server.name), name);
    return opcua_seen_known(&seen, &server, at_s * CLOCK_US_PER_S);
}

static void a_name_is_looked_at_now_and_then(void **state)
{
    (void)state;
    opcua_seen_init(&seen);
    assert_false(known("press", 0, 4500));
    assert_true(known("press", 1, 4500));
    assert_true(known("press", OPCUA_SEEN_AGAIN_S - 1, 4500));
    assert_false(known("press", OPCUA_SEEN_AGAIN_S, 4500));
    assert_true(known("press", OPCUA_SEEN_AGAIN_S + 1, 4500));
    opcua_seen_fini(&seen);
}

static void one_whose_announcement_ran_out_is_new_again(void **state)
{
    (void)state;
    opcua_seen_init(&seen);
    assert_false(known("press", 0, 120));
    assert_true(known("press", 119, 120));
    assert_true(known("press", 238, 120)); /* it was renewed */
    assert_false(known("press", 358, 120));
    assert_false(known("saw", 400, 1)); /* too short to be asked for each time */
    assert_true(known("saw", 400 + OPCUA_SEEN_TTL_MIN_S - 1, 1));
    opcua_seen_fini(&seen);
}

static void one_that_says_goodbye_is_new_again(void **state)
{
    (void)state;
    opcua_seen_init(&seen);
    assert_false(known("press", 0, 120));
    opcua_seen_forget(&seen, "press");
    opcua_seen_forget(&seen, "press");
    assert_int_equal(seen.names.count, 0);
    assert_false(known("press", 1, 120));
    opcua_seen_fini(&seen);
}

static void made_up_names_do_not_keep_out_a_new_one(void **state)
{
    (void)state;
    char name[32];
    int64_t at_s = 60; /* one name a second: never too many looks */
    opcua_seen_init(&seen);
    for (int i = 0; i < OPCUA_SEEN_MAX; i++) {
        (void)str_format(name, sizeof(name), "made-up-%d", i);
        assert_false(known(name, at_s++, 4500));
    }
    assert_int_equal(seen.pushed_out, 0);
    assert_true(known("made-up-999", at_s, 4500));
    assert_false(known("saw", at_s++, 4500));
    assert_true(known("saw", at_s, 4500));
    assert_int_equal(seen.pushed_out, 1);
    assert_int_equal(seen.names.count, OPCUA_SEEN_MAX);
    assert_false(known("made-up-0", at_s, 4500)); /* it was the one that went */
    assert_int_equal(seen.pushed_out, 2);
    opcua_seen_fini(&seen);
}

static void a_flood_of_names_makes_a_bounded_number_of_looks(void **state)
{
    (void)state;
    char name[32];
    unsigned looks = 0;
    opcua_seen_init(&seen);
    for (int i = 0; i < 10 * OPCUA_SEEN_LOOKS_MAX; i++) {
        (void)str_format(name, sizeof(name), "flood-%d", i);
        looks += !known(name, 100, 4500);
    }
    assert_int_equal(looks, OPCUA_SEEN_LOOKS_MAX);
    assert_int_equal(seen.names.count, OPCUA_SEEN_LOOKS_MAX);
    assert_true(known("saw", 159, 4500));
    assert_false(known("saw", 160, 4500)); /* its next announcement, a minute later */
    opcua_seen_fini(&seen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_looked_at_now_and_then),
        cmocka_unit_test(one_whose_announcement_ran_out_is_new_again),
        cmocka_unit_test(one_that_says_goodbye_is_new_again),
        cmocka_unit_test(made_up_names_do_not_keep_out_a_new_one),
        cmocka_unit_test(a_flood_of_names_makes_a_bounded_number_of_looks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
