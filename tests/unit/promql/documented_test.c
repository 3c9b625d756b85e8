/* SPDX-License-Identifier: Apache-2.0 */
/* The examples of docs/promql.md, on points such as they name. */
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
    /* a week and a day in steps of an hour; 169 is the last hour */
    fake_load(fake, 3600, "sat{device=\"ahu-1\",place=\"plant/roof\"} 20+0.0x168 22 23");
    fake_load(fake, 3600, "sat{device=\"ahu-2\",place=\"plant/roof\"} 18+0.125x169");
    fake_load(fake, 3600, "{\"sat-sp\",device=\"ahu-1\"} 21+0.0x169");
    fake_load(fake, 3600, "{\"fan-sts\",device=\"ahu-1\"} 1 0 1 1+0.0x166");
    fake_load(fake, 3600, "energy{device=\"meter-1\"} 0+5x169");
    fake_load(fake, 3600, "power{device=\"meter-1\",phase=\"a\"} 2+0.0x169");
    fake_load(fake, 3600, "power{device=\"meter-1\",phase=\"b\"} 4+0.0x169");
    *state = fake;
    return 0;
}

static int tear_down(void **state)
{
    fake_fini(*state);
    busbar_free(*state);
    return 0;
}

enum { NOW = 170 * 3600 }; /* a Thursday is day 0: it is a Thursday again */

static void points_are_series(void **state)
{
    fake_check(*state, "sat{device=\"ahu-1\"}", NOW - 3600,
               "sat{device=\"ahu-1\", place=\"plant/roof\"} 22@608400");
    fake_check(*state, "{\"sat-sp\"}", NOW - 3600, "{\"sat-sp\", device=\"ahu-1\"} 21@608400");
    fake_check(*state, "sat{device=\"ahu-1\"} - on (device) {\"sat-sp\"}", NOW - 3600,
               "{device=\"ahu-1\"} 1@608400");
}

static void what_one_asks_most(void **state)
{
    struct fake *fake = *state;
    fake_check(fake, "avg_over_time(sat{device=\"ahu-1\"}[3h])", NOW,
               "{device=\"ahu-1\", place=\"plant/roof\"} 21.666666666666668@612000");
    fake_check(fake, "sat{device=\"ahu-1\"} - sat offset 1w", NOW,
               "{device=\"ahu-1\", place=\"plant/roof\"} 3@612000");
    fake_check(
        fake, "increase(energy[10h])", NOW - 3600,
        "{device=\"meter-1\"} 50@608400\ninfo: PromQL info: metric might not be a counter, name "
        "does not end in _total/_sum/_count/_bucket: \"energy\" (1:10)");
    fake_check(fake, "changes({\"fan-sts\"}[1w])", NOW, "{device=\"ahu-1\"} 0@612000");
    fake_check(fake, "changes({\"fan-sts\"}[1w])", 3 * 3600, "{device=\"ahu-1\"} 2@10800");
    fake_check(fake, "avg by (device) (power)", NOW - 3600, "{device=\"meter-1\"} 3@608400");
    fake_check(fake, "topk(1, sat)", NOW - 3600,
               "sat{device=\"ahu-2\", place=\"plant/roof\"} 39.125@608400");
    fake_check(fake, "sat > 21 and on (device) {\"fan-sts\"} == 1", NOW - 3600,
               "sat{device=\"ahu-1\", place=\"plant/roof\"} 22@608400");
    fake_check(fake, "absent_over_time(sat{device=\"ahu-9\"}[10m])", NOW,
               "{device=\"ahu-9\"} 1@612000");
    fake_check(fake, "time() - timestamp(sat{device=\"ahu-1\"})", NOW + 120,
               "{device=\"ahu-1\", place=\"plant/roof\"} 120@612120");
    fake_check(fake, "predict_linear(sat{device=\"ahu-2\"}[5h], 3600) - 39.25", NOW - 3600,
               "{device=\"ahu-2\", place=\"plant/roof\"} 0@608400");
    fake_check(fake, "power{phase=\"a\"} and on () (day_of_week() > 0 < 6)", NOW - 3600,
               "power{device=\"meter-1\", phase=\"a\"} 2@608400");
    fake_check(fake, "power and on () (day_of_week() > 0 < 6)", 3 * 86400, "");
}

static void ranges_are_left_open(void **state)
{
    fake_check(*state, "count_over_time(sat{device=\"ahu-1\"}[1h])", NOW - 3600,
               "{device=\"ahu-1\", place=\"plant/roof\"} 1@608400");
    fake_check(*state, "sat{device=\"ahu-1\"}", NOW - 1, "");
    fake_check(*state, "5m + 0x1e", 0, "scalar 330@0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(points_are_series, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_one_asks_most, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ranges_are_left_open, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
