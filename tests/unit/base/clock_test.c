/* SPDX-License-Identifier: Apache-2.0 */
/* The real clocks run, the fake ones stand until moved. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <time.h>

#include "base/clock.h"

static void the_real_clocks_run(void **state)
{
    (void)state;
    assert_false(clock_is_fake());
    int64_t mono = clock_mono_us();
    int64_t wall = clock_wall_us();
    assert_true(clock_mono_us() >= mono);
    assert_true(wall > 1600000000 * CLOCK_US_PER_S);
    assert_in_range(clock_wall_us() / CLOCK_US_PER_S, time(NULL) - 2, time(NULL) + 2);
}

static void the_fake_clocks_stand_until_moved(void **state)
{
    (void)state;
    clock_fake_set(1000, 5000);
    assert_true(clock_is_fake());
    assert_int_equal(clock_mono_us(), 1000);
    assert_int_equal(clock_wall_us(), 5000);
    clock_fake_advance(250);
    assert_int_equal(clock_mono_us(), 1250);
    assert_int_equal(clock_wall_us(), 5250);
    clock_fake_step_wall(-3000);
    assert_int_equal(clock_mono_us(), 1250);
    assert_int_equal(clock_wall_us(), 2250);
    clock_fake_off();
    assert_int_not_equal(clock_mono_us(), 1250);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_real_clocks_run),
        cmocka_unit_test(the_fake_clocks_stand_until_moved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
