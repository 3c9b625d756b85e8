/* SPDX-License-Identifier: Apache-2.0 */
/* Counters: the last hour forgets, sums add up, words exist. */
#include "fake_driver.h"

static void the_last_hour_forgets_what_is_older(void **state)
{
    (void)state;
    struct site site;
    site_init(&site);
    struct device *dev = site_add(&site, "ahu-1", 2, 10 * CLOCK_US_PER_S);
    fake_of(dev)->mode = FAKE_REFUSE;
    site_advance(&site, 600 * CLOCK_US_PER_S);
    assert_in_range(site_stats(dev).reads_failed_hour, 59, 62);
    fake_of(dev)->mode = FAKE_ANSWER;
    site_advance(&site, 2700 * CLOCK_US_PER_S);
    assert_in_range(site_stats(dev).reads_failed_hour, 59, 62);
    site_advance(&site, 700 * CLOCK_US_PER_S);
    assert_in_range(site_stats(dev).reads_failed_hour, 0, 40); /* the oldest parts are gone */
    site_advance(&site, 600 * CLOCK_US_PER_S);
    assert_int_equal(site_stats(dev).reads_failed_hour, 0);
    assert_in_range(site_stats(dev).refusals, 59, 62); /* since the start */
    fake_of(dev)->mode = FAKE_REFUSE;
    site_advance(&site, 10 * CLOCK_US_PER_S);
    assert_int_equal(site_stats(dev).reads_failed_hour, 1);
    site_fini(&site);
}

static void the_totals_are_the_sum_of_the_devices(void **state)
{
    (void)state;
    struct site site;
    struct host_totals totals;
    site_init(&site);
    for (int i = 0; i < 6; i++) {
        char name[16];
        str_format(name, sizeof(name), "dev-%d", i);
        struct device *dev = site_add(&site, name, 3, CLOCK_US_PER_S);
        fake_of(dev)->mode = i < 2 ? FAKE_LINK_DOWN : FAKE_ANSWER;
    }
    site_advance(&site, 10 * CLOCK_US_PER_S);
    host_pause(site.host, site.devices[5]);
    uint64_t polls = 0, answers = 0;
    for (int i = 0; i < 6; i++) {
        polls += site_stats(site.devices[i]).polls;
        answers += site_stats(site.devices[i]).answers;
    }
    host_totals(site.host, &totals);
    assert_int_equal(totals.polls, polls);
    assert_int_equal(totals.answers, answers);
    assert_int_equal(totals.devices_down, 2);
    assert_int_equal(totals.devices_up, 3);
    assert_int_equal(totals.devices_paused, 1);
    assert_int_equal(totals.points_good, 9);
    assert_int_equal(totals.points_bad, 9);
    assert_int_equal(totals.samples, bus_received_all(site.bus));
    host_remove(site.host, site.devices[3], NULL, NULL);
    site_advance(&site, 1000);
    struct host_totals after;
    host_totals(site.host, &after);
    assert_true(after.polls >= totals.polls); /* what a removed device counted stays counted */
    assert_int_equal(after.points_good, 6);
    site_fini(&site);
}

static void every_state_has_a_word(void **state)
{
    (void)state;
    assert_string_equal(link_state_word(LINK_CONNECTING), "connecting");
    assert_string_equal(link_state_word(LINK_UP), "up");
    assert_string_equal(link_state_word(LINK_DOWN), "down");
    assert_string_equal(link_state_word(LINK_PAUSED), "paused");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_hour_forgets_what_is_older),
        cmocka_unit_test(the_totals_are_the_sum_of_the_devices),
        cmocka_unit_test(every_state_has_a_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
