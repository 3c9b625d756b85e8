/* SPDX-License-Identifier: Apache-2.0 */
/* The line that says that something goes on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/progress.h"

static void a_known_total_makes_a_bar(void **state)
{
    (void)state;
    char text[160];
    progress_text(text, sizeof text, "point list", 25, 100, false, 2000000);
    assert_string_equal(text, "point list: #####--------------- 25 of 100, 6 s left");
    progress_text(text, sizeof text, "point list", 100, 100, false, 2000000);
    assert_string_equal(text, "point list: #################### 100 of 100, 0 s left");
}

static void a_share_is_told_in_per_cent(void **state)
{
    (void)state;
    char text[160];
    progress_text(text, sizeof text, "discover", 520, 1000, true, 5200000);
    assert_string_equal(text, "discover: ##########---------- 52%, 5 s left");
}

static void an_unknown_total_makes_a_clock(void **state)
{
    (void)state;
    char text[160];
    progress_text(text, sizeof text, "device test", 0, 0, false, 3400000);
    assert_string_equal(text, "device test: 3 s");
    progress_text(text, sizeof text, "device test", 5, 3, false, 1000000);
    assert_string_equal(text, "device test: 1 s");
}

static void quiet_shows_nothing(void **state)
{
    (void)state;
    const struct cli_command command = { .verb = "status" };
    struct cli cli = { .command = &command, .quiet = true };
    struct progress progress;
    progress_begin(&progress, &cli);
    progress.began_us -= 10000000;
    progress_at(&progress, 1, 2);
    assert_false(progress.drawn);
    progress_end(&progress);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_known_total_makes_a_bar),
        cmocka_unit_test(a_share_is_told_in_per_cent),
        cmocka_unit_test(an_unknown_total_makes_a_clock),
        cmocka_unit_test(quiet_shows_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
