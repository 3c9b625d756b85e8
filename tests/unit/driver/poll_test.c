/* SPDX-License-Identifier: Apache-2.0 */
/* The schedule: phases, the grid, lag, polling back to back, requests in flight, splitting. */
#include "fake_driver.h"

#include "driver/host_private.h"

static void the_grid_has_no_drift_and_no_hole(void **state)
{
    (void)state;
    for (int64_t now = -25; now < 60; now++) {
        int64_t next = poll_grid_after(now, 10, 3);
        assert_true(next > now && next <= now + 10);
        assert_true((next - 3) % 10 == 0);
    }
}

static void polls_keep_their_grid_for_hours(void **state)
{
    (void)state;
    struct site site;
    site_init(&site);
    struct device *dev = site_add(&site, "ahu-1", 8, CLOCK_US_PER_S);
    fake_of(dev)->delay_us = 333333; /* answers take a third of the period: must not add up */
    site_advance(&site, 3600 * CLOCK_US_PER_S);
    struct fake *fake = fake_of(dev);
    assert_in_range(fake->reads, 3599, 3601);
    int64_t phase = fake->times[2] % CLOCK_US_PER_S;
    for (size_t i = 2; i < fake->time_count; i++) {
        assert_int_equal(fake->times[i] % CLOCK_US_PER_S, phase);
    }
    struct device_stats stats = site_stats(dev);
    assert_int_equal(stats.lag_polls, 0);
    assert_in_range(stats.poll_us, 333333, 334400);
    assert_int_equal(stats.link, LINK_UP);
    assert_int_equal(stats.points_good, 8);
    assert_int_equal(dev->points[3].last.value.i, 103);
    site_fini(&site);
}

static void devices_of_one_period_do_not_poll_together(void **state)
{
    (void)state;
    struct site site;
    site_init(&site);
    int64_t phases[50];
    for (int i = 0; i < 50; i++) {
        char name[16];
        str_format(name, sizeof(name), "dev-%d", i);
        site_add(&site, name, 1, 10 * CLOCK_US_PER_S);
    }
    site_advance(&site, CLOCK_US_PER_S + 20000); /* the first values come within 1 s */
    for (int i = 0; i < 50; i++) {
        assert_true(fake_of(site.devices[i])->reads >= 1);
    }
    site_advance(&site, 30 * CLOCK_US_PER_S);
    int early = 0;
    for (int i = 0; i < 50; i++) {
        phases[i] = fake_of(site.devices[i])->times[2] % (10 * CLOCK_US_PER_S);
        early += phases[i] < 5 * CLOCK_US_PER_S ? 1 : 0;
        for (int j = 0; j < i; j++) {
            assert_int_not_equal(phases[i], phases[j]);
        }
    }
    assert_in_range(early, 10, 40); /* spread over the whole period */
    site_fini(&site);
}

static void a_slow_answer_counts_lag_and_never_queues(void **state)
{
    (void)state;
    struct site site;
    site_init(&site);
    struct device *dev = site_add(&site, "slow", 4, CLOCK_US_PER_S);
    fake_of(dev)->delay_us = 2500000;
    site_advance(&site, 100 * CLOCK_US_PER_S);
    struct fake *fake = fake_of(dev);
    assert_int_equal(fake->open_most, 1);
    assert_in_range(fake->reads, 39, 41); /* one after the other */
    struct device_stats stats = site_stats(dev);
    assert_in_range(stats.lag_polls, 90, 101); /* nearly every planned time was missed or late */
    assert_true(stats.lag_us > 0 && stats.lag_us < CLOCK_US_PER_S);
    site_fini(&site);
}

static void a_tiny_period_polls_back_to_back(void **state)
{
    (void)state;
    struct site site;
    site_init(&site);
    struct device *dev = site_add(&site, "fast", 4, 1000);
    fake_of(dev)->delay_us = 7000;
    site_advance(&site, 10 * CLOCK_US_PER_S);
    struct fake *fake = fake_of(dev);
    for (size_t i = 3; i < fake->time_count;
         i++) { /* the timer of the fake wakes up to 1 ms late */
        assert_in_range(fake->times[i] - fake->times[i - 1], 7000, 8000);
    }
    assert_true(fake->reads > 1200);
    assert_int_equal(fake->open_most, 1);
    site_fini(&site);
}

static void requests_in_flight_stay_under_the_limit(void **state)
{
    (void)state;
    struct site site;
    site_init(&site);
    site.settings.in_flight = 3;
    struct device *dev = site_device(&site, "many", 20);
    for (size_t i = 0; i < 20; i++) { /* twenty groups */
        site.cls.every_us = CLOCK_US_PER_S + (int64_t)i * 1000;
        dev->points[i].cls = registry_class(site.registry, &site.cls);
    }
    assert_int_equal(host_add(site.host, dev, &site.settings, NULL), 0);
    fake_of(dev)->delay_us = 200000;
    site_advance(&site, 60 * CLOCK_US_PER_S);
    assert_int_equal(fake_of(dev)->open_most, 3);
    for (size_t i = 0; i < 20; i++) { /* none starves */
        assert_true(dev->points[i].received > 30);
    }
    site_fini(&site);
}

static void each_period_is_a_group_of_its_own(void **state)
{
    (void)state;
    struct site site;
    site_init(&site);
    struct device *dev = site_device(&site, "mixed", 6);
    for (size_t i = 0; i < 6; i++) {
        site.cls.every_us = (i % 2 == 0 ? 1 : 10) * CLOCK_US_PER_S;
        dev->points[i].cls = registry_class(site.registry, &site.cls);
    }
    dev->points[4].readable = false;
    assert_int_equal(host_add(site.host, dev, &site.settings, NULL), 0);
    site_advance(&site, 100 * CLOCK_US_PER_S);
    assert_in_range(dev->points[0].received, 98, 102);
    assert_int_equal(dev->points[0].received, dev->points[2].received);
    assert_in_range(dev->points[1].received, 9, 12);
    assert_int_equal(dev->points[4].received, 0); /* write-only: never asked */
    assert_int_equal(site_stats(dev).points_good, 5);
    site_fini(&site);
}

static void a_request_too_big_is_split_and_remembered(void **state)
{
    (void)state;
    struct site site;
    site_init(&site);
    struct device *dev = site_add(&site, "small", 50, CLOCK_US_PER_S);
    fake_of(dev)->request_max = 13;
    site_advance(&site, 20 * CLOCK_US_PER_S);
    for (size_t i = 0; i < 50; i++) {
        assert_int_equal(dev->points[i].last.quality, QUALITY_GOOD);
        assert_int_equal(dev->points[i].last.value.i, 100 + (int64_t)i);
    }
    assert_int_equal(site.limit_saved, 13);
    assert_string_equal(site.limit_name, "points-per-poll");
    uint64_t before = fake_of(dev)->reads;
    site_advance(&site, 10 * CLOCK_US_PER_S);
    assert_int_equal(fake_of(dev)->reads - before, 10 * 4); /* 13 13 12 12 */
    site_fini(&site);
}

static void load_limits(void *ctx, const char *device, struct host *host)
{
    struct site *site = ctx;
    assert_string_equal(device, "small");
    host_limit_restore(host, site->devices[0], "points-per-poll", 10);
}

static void a_restored_limit_holds_from_the_first_poll(void **state)
{
    (void)state;
    struct site site;
    site_init(&site);
    site.host->config.limits_load = load_limits;
    struct device *dev = site_add(&site, "small", 50, CLOCK_US_PER_S);
    fake_of(dev)->request_max = 10;
    site_advance(&site, 10 * CLOCK_US_PER_S);
    assert_int_equal(dev->points[49].last.quality, QUALITY_GOOD);
    assert_int_equal(site.limit_saved, 0);    /* nothing new was learned */
    assert_int_equal(fake_of(dev)->plans, 5); /* nor was any request planned twice */
    site_fini(&site);
}

static void a_device_over_the_request_limit_is_several_polls(void **state)
{
    (void)state;
    struct site site;
    site_init(&site);
    struct device *dev = site_add(&site, "big", 10000, CLOCK_US_PER_S);
    site_advance(&site, 3 * CLOCK_US_PER_S);
    assert_int_equal(site_stats(dev).points_good, 10000);
    assert_int_equal(fake_of(dev)->reads % 3, 0);
    site_fini(&site);
}

static void a_poll_without_memory_is_left_out(void **state)
{
    (void)state;
    struct site site;
    site_init(&site);
    struct device *dev = site_add(&site, "ahu-1", 8, CLOCK_US_PER_S);
    alloc_fail_nth(1);
    site_advance(&site, 2100000);
    uint64_t lag = site_stats(dev).lag_polls;
    alloc_fail_nth(0);
    assert_int_equal(lag, 1);
    site_advance(&site, 5 * CLOCK_US_PER_S);
    assert_int_equal(site_stats(dev).points_good, 8);
    assert_int_equal(site_stats(dev).lag_polls, 1);
    site_fini(&site);
}

static void poll_now_reads_outside_the_period(void **state)
{
    (void)state;
    struct site site;
    site_init(&site);
    struct device *dev = site_add(&site, "rare", 8, 3600 * CLOCK_US_PER_S);
    site_advance(&site, 3 * CLOCK_US_PER_S);
    assert_int_equal(fake_of(dev)->reads, 1);
    assert_int_equal(host_poll_now(site.host, dev), 0);
    assert_int_equal(host_poll_now(site.host, dev), 0); /* one is open: no second */
    site_advance(&site, CLOCK_US_PER_S);
    assert_int_equal(fake_of(dev)->reads, 2);
    host_pause(site.host, dev);
    assert_int_equal(host_poll_now(site.host, dev), BUSBAR_EBUSY);
    site_fini(&site);
}

static void a_point_is_read_out_of_its_turn(void **state)
{
    (void)state;
    struct site site;
    site_init(&site);
    struct device *dev = site_add(&site, "switch-1", 4, 60 * CLOCK_US_PER_S);
    struct fake *fake = fake_of(dev);
    const uint32_t point = 2;
    site_advance(&site, 65 * CLOCK_US_PER_S);
    uint64_t before = fake->reads;

    driver_poll_now(dev, &point, 1);
    assert_int_equal(fake->reads, before); /* not inside of it */
    site_advance(&site, 20000);
    assert_int_equal(fake->reads, before + 1);

    for (int i = 0; i < 500; i++) { /* whatever the device says: once a second */
        driver_poll_now(dev, &point, 1);
        site_advance(&site, 20000);
    }
    assert_in_range(fake->reads - before, 10, 13);

    before = fake->reads;
    driver_poll_now(dev, &(uint32_t){ 99 }, 1); /* there is no such point */
    site_advance(&site, 2 * CLOCK_US_PER_S);
    assert_in_range(fake->reads - before, 0, 1);
    site_advance(&site, 600 * CLOCK_US_PER_S); /* and its own period goes on */
    assert_in_range(fake->reads - before, 9, 11);
    site_fini(&site);
}

static void a_point_that_is_being_read_is_read_once_more(void **state)
{
    (void)state;
    struct site site;
    site_init(&site);
    struct device *dev = site_add(&site, "switch-1", 1, 60 * CLOCK_US_PER_S);
    struct fake *fake = fake_of(dev);
    const uint32_t point = 0;
    site_advance(&site, 65 * CLOCK_US_PER_S);
    fake->delay_us = 300000;
    uint64_t before = fake->reads;
    driver_poll_now(dev, &point, 1);
    site_advance(&site, 100000);
    assert_int_equal(fake->open_now, 1);
    driver_poll_now(dev, &point, 1); /* the answer may be older than what changed */
    site_advance(&site, 2 * CLOCK_US_PER_S);
    assert_int_equal(fake->reads, before + 2);
    site_fini(&site);
}

static void a_silent_device_that_is_heard_is_tried_at_once(void **state)
{
    (void)state;
    struct site site;
    site_init(&site);
    struct device *dev = site_add(&site, "switch-1", 1, 5 * CLOCK_US_PER_S);
    struct fake *fake = fake_of(dev);
    site_advance(&site, 6 * CLOCK_US_PER_S);
    fake->mode = FAKE_SILENT;
    site_advance(&site, 1000 * CLOCK_US_PER_S); /* the back-off is long now */
    assert_int_equal(site_stats(dev).link, LINK_DOWN);
    fake->mode = FAKE_ANSWER;
    driver_poll_now(dev, NULL, 0);
    site_advance(&site, 20000);
    assert_int_equal(site_stats(dev).link, LINK_UP);

    fake->mode = FAKE_SILENT;
    site_advance(&site, 1000 * CLOCK_US_PER_S);
    uint64_t before = fake->reads;
    for (int i = 0; i < 500; i++) {
        driver_poll_now(dev, NULL, 0);
        site_advance(&site, 20000);
    }
    assert_in_range(fake->reads - before, 1, 12);
    site_fini(&site);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_grid_has_no_drift_and_no_hole),
        cmocka_unit_test(polls_keep_their_grid_for_hours),
        cmocka_unit_test(devices_of_one_period_do_not_poll_together),
        cmocka_unit_test(a_slow_answer_counts_lag_and_never_queues),
        cmocka_unit_test(a_tiny_period_polls_back_to_back),
        cmocka_unit_test(requests_in_flight_stay_under_the_limit),
        cmocka_unit_test(each_period_is_a_group_of_its_own),
        cmocka_unit_test(a_request_too_big_is_split_and_remembered),
        cmocka_unit_test(a_restored_limit_holds_from_the_first_poll),
        cmocka_unit_test(a_device_over_the_request_limit_is_several_polls),
        cmocka_unit_test(a_poll_without_memory_is_left_out),
        cmocka_unit_test(poll_now_reads_outside_the_period),
        cmocka_unit_test(a_point_is_read_out_of_its_turn),
        cmocka_unit_test(a_point_that_is_being_read_is_read_once_more),
        cmocka_unit_test(a_silent_device_that_is_heard_is_tried_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
