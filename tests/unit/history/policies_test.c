/* SPDX-License-Identifier: Apache-2.0 */
/* Policies: retention by age and bytes of many series, and which word wins. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "history/days.h"
#include "place.h"
#include "support/quiet.h"

#define DAY HISTORY_DAY_US
#define NOW (INT64_C(20500) * DAY + DAY / 2)

static struct place place;

static const struct history_policy policies[] = {
    { .name = "short", .keep_us = 5 * DAY },
    { .name = "small", .max_bytes = 20000 },
    { .name = "ever", .keep_us = HISTORY_KEEP_FOREVER },
};

static int set_up(void **state)
{
    (void)state;
    quiet_log();
    clock_fake_set(0, NOW);
    place_make(&place);
    place.config.keep_us = 30 * DAY;
    place_open(&place);
    assert_int_equal(history_policies(place.history, policies, 3), 0);
    for (uint32_t series = 1; series <= 3; series++) {
        assert_int_equal(history_policy_of(place.history, series, series), 0);
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    place_remove(&place);
    clock_fake_off();
    return 0;
}

static void append_day(uint32_t series, int days_ago, size_t count)
{
    struct sample *samples = busbar_alloc_array(count, sizeof(*samples));
    for (size_t i = 0; i < count; i++) {
        samples[i] = place_number(series, NOW - days_ago * DAY + (int64_t)i * 1000000,
                                  (double)(i * i % 977) / 3);
    }
    assert_int_equal(place_append(&place, samples, count), 0);
    busbar_free(samples);
}

static void each_policy_has_its_age(void **state)
{
    (void)state;
    for (uint32_t series = 1; series <= 4; series++) {
        append_day(series, 100, 10);
        append_day(series, 10, 10);
        append_day(series, 1, 10);
    }
    assert_int_equal(place_count(&place, 1), 10);
    assert_int_equal(place_count(&place, 2), 20); /* the default's age */
    assert_int_equal(place_count(&place, 3), 30);
    assert_int_equal(place_count(&place, 4), 20);
    assert_int_equal(history_keep(place.history, 1, 50 * DAY), 0);
    assert_int_equal(place_count(&place, 1), 20); /* the point's own word */
    assert_int_equal(history_keep(place.history, 1, 0), 0);
    assert_int_equal(place_count(&place, 1), 10);
    assert_int_equal(history_keep_longest_us(place.history), HISTORY_KEEP_FOREVER);
    assert_int_equal(history_policies(place.history, policies, 2), 0);
    assert_int_equal(place_count(&place, 3), 20); /* its policy is no more */
    assert_int_equal(history_keep_longest_us(place.history), 50 * DAY);
}

static void wrong_ones_are_refused(void **state)
{
    (void)state;
    struct history_policy bad = { .name = "bad", .keep_us = -7 };
    struct history_policy *many = busbar_alloc_array(HISTORY_POLICIES_MAX + 1, sizeof(*many));
    assert_int_equal(history_policies(place.history, &bad, 1), BUSBAR_EINVAL);
    assert_int_equal(history_policies(place.history, many, HISTORY_POLICIES_MAX + 1),
                     BUSBAR_ELIMIT);
    assert_int_equal(history_policy_of(place.history, 1, 4), BUSBAR_EINVAL);
    assert_int_equal(history_policy_of(place.history, 0, 1), BUSBAR_EINVAL);
    busbar_free(many);
}

static void the_oldest_days_of_a_policy_go_first(void **state)
{
    (void)state;
    for (int day = 9; day >= 2; day--) {
        append_day(2, day, 1000);
        append_day(4, day, 1000);
    }
    assert_int_equal(history_flush(place.history), 0);
    place_work(&place);
    struct history_policy_status status[8];
    assert_int_equal(history_policy_status(place.history, status, 8), 4);
    assert_true(status[2].removed_days > 0 && status[2].removed_days < 8);
    place_reopen(&place);
    assert_int_equal(history_policies(place.history, policies, 3), 0);
    assert_int_equal(history_policy_of(place.history, 2, 2), 0);
    place_work(&place);
    assert_int_equal(history_policy_status(place.history, status, 8), 4);
    assert_string_equal(status[0].name, "default");
    assert_string_equal(status[2].name, "small");
    assert_int_equal(status[2].max_bytes, 20000);
    assert_int_equal(status[0].keep_us, 30 * DAY);
    assert_true(status[2].bytes > 0 && status[2].bytes <= 20000);
    assert_true(status[0].bytes > status[2].bytes);
    assert_int_equal(place_count(&place, 4), 8000); /* the others are not touched */
    size_t left = place_count(&place, 2);
    assert_true(left > 0 && left < 8000 && left % 1000 == 0);
    assert_int_equal(status[2].oldest_us / DAY, (NOW - (int64_t)(left / 1000 + 1) * DAY) / DAY);
    struct history_samples result;
    assert_int_equal(history_read(place.history, 2, NOW - 2 * DAY, NOW, 0, &result), 0);
    assert_int_equal(result.count, 1000); /* the newest is there */
    history_samples_free(&result);
    struct history_status all;
    history_status(place.history, &all);
    assert_int_equal(all.expired_samples, 8000 - left);
    assert_int_equal(all.totals.stored_all, all.block_samples + all.expired_samples);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_policy_has_its_age, set_up, tear_down),
        cmocka_unit_test_setup_teardown(wrong_ones_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_oldest_days_of_a_policy_go_first, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
