/* SPDX-License-Identifier: Apache-2.0 */
/* Dates: leap years, the time of the step, and numbers that are no time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/promql/fake_source.h"

static int set_up(void **state)
{
    struct fake *fake = busbar_alloc(sizeof(*fake));
    fake_init(fake);
    fake_load(fake, 60, "t{a=\"b\"} 1795357201 1795357201");
    *state = fake;
    return 0;
}

static int tear_down(void **state)
{
    fake_fini(*state);
    busbar_free(*state);
    return 0;
}

static void every_part_of_a_date(void **state)
{
    struct fake *fake = *state;
    fake_check(fake, "year(vector(0))", 0, "{} 1970@0");
    fake_check(fake, "month(vector(0))", 0, "{} 1@0");
    fake_check(fake, "day_of_month(vector(0))", 0, "{} 1@0");
    fake_check(fake, "day_of_week(vector(0))", 0, "{} 4@0");
    fake_check(fake, "day_of_year(vector(0))", 0, "{} 1@0");
    fake_check(fake, "days_in_month(vector(0))", 0, "{} 31@0");
    fake_check(fake, "hour(vector(0))", 0, "{} 0@0");
    fake_check(fake, "minute(vector(0))", 0, "{} 0@0");
    fake_check(fake, "year(vector(951868740))", 0, "{} 2000@0");
    fake_check(fake, "month(vector(951868740))", 0, "{} 2@0");
    fake_check(fake, "day_of_month(vector(951868740))", 0, "{} 29@0");
    fake_check(fake, "day_of_week(vector(951868740))", 0, "{} 2@0");
    fake_check(fake, "day_of_year(vector(951868740))", 0, "{} 60@0");
    fake_check(fake, "days_in_month(vector(951868740))", 0, "{} 29@0");
    fake_check(fake, "hour(vector(951868740))", 0, "{} 23@0");
    fake_check(fake, "minute(vector(951868740))", 0, "{} 59@0");
    fake_check(fake, "year(vector(-2203891200))", 0, "{} 1900@0");
    fake_check(fake, "month(vector(-2203891200))", 0, "{} 3@0");
    fake_check(fake, "day_of_month(vector(-2203891200))", 0, "{} 1@0");
    fake_check(fake, "day_of_week(vector(-2203891200))", 0, "{} 4@0");
    fake_check(fake, "day_of_year(vector(-2203891200))", 0, "{} 60@0");
    fake_check(fake, "days_in_month(vector(-2203891200))", 0, "{} 31@0");
    fake_check(fake, "hour(vector(-2203891200))", 0, "{} 0@0");
    fake_check(fake, "minute(vector(-2203891200))", 0, "{} 0@0");
    fake_check(fake, "year(vector(1735648200))", 0, "{} 2024@0");
    fake_check(fake, "month(vector(1735648200))", 0, "{} 12@0");
    fake_check(fake, "day_of_month(vector(1735648200))", 0, "{} 31@0");
    fake_check(fake, "day_of_week(vector(1735648200))", 0, "{} 2@0");
    fake_check(fake, "day_of_year(vector(1735648200))", 0, "{} 366@0");
    fake_check(fake, "days_in_month(vector(1735648200))", 0, "{} 31@0");
    fake_check(fake, "hour(vector(1735648200))", 0, "{} 12@0");
    fake_check(fake, "minute(vector(1735648200))", 0, "{} 30@0");
    fake_check(fake, "year(vector(1677542400))", 0, "{} 2023@0");
    fake_check(fake, "month(vector(1677542400))", 0, "{} 2@0");
    fake_check(fake, "day_of_month(vector(1677542400))", 0, "{} 28@0");
    fake_check(fake, "day_of_week(vector(1677542400))", 0, "{} 2@0");
    fake_check(fake, "day_of_year(vector(1677542400))", 0, "{} 59@0");
    fake_check(fake, "days_in_month(vector(1677542400))", 0, "{} 28@0");
    fake_check(fake, "hour(vector(1677542400))", 0, "{} 0@0");
    fake_check(fake, "minute(vector(1677542400))", 0, "{} 0@0");
    fake_check(fake, "year(vector(-60))", 0, "{} 1969@0");
    fake_check(fake, "month(vector(-60))", 0, "{} 12@0");
    fake_check(fake, "day_of_month(vector(-60))", 0, "{} 31@0");
    fake_check(fake, "day_of_week(vector(-60))", 0, "{} 3@0");
    fake_check(fake, "day_of_year(vector(-60))", 0, "{} 365@0");
    fake_check(fake, "days_in_month(vector(-60))", 0, "{} 31@0");
    fake_check(fake, "hour(vector(-60))", 0, "{} 23@0");
    fake_check(fake, "minute(vector(-60))", 0, "{} 59@0");
    fake_check(fake, "year(vector(4107542400))", 0, "{} 2100@0");
    fake_check(fake, "month(vector(4107542400))", 0, "{} 3@0");
    fake_check(fake, "day_of_month(vector(4107542400))", 0, "{} 1@0");
    fake_check(fake, "day_of_week(vector(4107542400))", 0, "{} 1@0");
    fake_check(fake, "day_of_year(vector(4107542400))", 0, "{} 60@0");
    fake_check(fake, "days_in_month(vector(4107542400))", 0, "{} 31@0");
    fake_check(fake, "hour(vector(4107542400))", 0, "{} 0@0");
    fake_check(fake, "minute(vector(4107542400))", 0, "{} 0@0");
    fake_check(fake, "year(vector(-62035891200))", 0, "{} 4@0");
    fake_check(fake, "month(vector(-62035891200))", 0, "{} 2@0");
    fake_check(fake, "day_of_month(vector(-62035891200))", 0, "{} 29@0");
    fake_check(fake, "day_of_week(vector(-62035891200))", 0, "{} 0@0");
    fake_check(fake, "day_of_year(vector(-62035891200))", 0, "{} 60@0");
    fake_check(fake, "days_in_month(vector(-62035891200))", 0, "{} 29@0");
    fake_check(fake, "hour(vector(-62035891200))", 0, "{} 0@0");
    fake_check(fake, "minute(vector(-62035891200))", 0, "{} 0@0");
}

static void without_argument_it_is_the_time_of_the_step(void **state)
{
    struct fake *fake = *state;
    fake_check(fake, "hour()", 3661.5, "{} 1@3661.5");
    fake_check(fake, "minute()", 3661.5, "{} 1@3661.5");
    fake_check(fake, "year(t)", 60, "{a=\"b\"} 2026@60");
    fake_check(fake, "month(missing)", 60, "");
    fake_check(fake, "hour(vector(-1.5))", 0, "{} 23@0");
    fake_check_range(fake, "hour()", 0, 7200, 3600, "{} 0@0 1@3600 2@7200");
}

static void any_number_gives_something_as_in_prometheus(void **state)
{
    struct fake *fake = *state;
    fake_check(fake, "year(vector(NaN))", 0, "{} 292277026596@0");
    fake_check(fake, "year(vector(Inf))", 0, "{} 292277026596@0");
    fake_check(fake, "year(vector(-Inf))", 0, "{} 292277026596@0");
    fake_check(fake, "month(vector(1e30))", 0, "{} 12@0");
    fake_check(fake, "day_of_week(vector(NaN))", 0, "{} 0@0");
    fake_check(fake, "year(vector(1e18))", 0, "{} 31688740476@0");
    fake_check(fake, "year(vector(-1e18))", 0, "{} -31688736537@0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_part_of_a_date, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_argument_it_is_the_time_of_the_step, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(any_number_gives_something_as_in_prometheus, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
