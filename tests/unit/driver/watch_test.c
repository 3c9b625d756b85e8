/* SPDX-License-Identifier: Apache-2.0 */
/* Points that the device sends by itself: polled as a check only, fresh by what comes. */
#include "unit/driver/fake_driver.h"

#define SECOND CLOCK_US_PER_S

static const uint32_t first_two[] = { 0, 1 };

static void clear_reads(struct device *dev)
{
    memset(fake_of(dev)->reads_of, 0, sizeof(fake_of(dev)->reads_of));
}

static uint64_t reads_of(const struct device *dev, uint32_t point)
{
    return fake_of(dev)->reads_of[point];
}

static void push(struct device *dev, uint32_t point, int64_t value)
{
    struct sample sample = { .type = VALUE_INT, .value.i = value, .quality = QUALITY_GOOD };
    assert_int_equal(driver_publish(dev, &point, &sample, 1, NULL, NULL), 0);
}

static void watched_points_are_only_checked(void **state)
{
    (void)state;
    struct site site;
    site_init(&site);
    struct device *dev = site_add(&site, "ahu-1", 4, SECOND);
    site_advance(&site, 5 * SECOND);
    driver_watched(dev, first_two, 2, 60 * SECOND);
    site_advance(&site, SECOND);
    clear_reads(dev);
    site_advance(&site, 600 * SECOND);
    assert_int_equal(reads_of(dev, 0), 10);
    assert_int_equal(reads_of(dev, 1), 10);
    assert_in_range(reads_of(dev, 2), 599, 601);
    assert_in_range(reads_of(dev, 3), 599, 601);

    driver_watched(dev, first_two, 1, 0); /* the first is polled again, soon */
    clear_reads(dev);
    site_advance(&site, 2 * SECOND);
    assert_in_range(reads_of(dev, 0), 1, 2);
    clear_reads(dev);
    site_advance(&site, 60 * SECOND);
    assert_in_range(reads_of(dev, 0), 59, 61);
    assert_int_equal(reads_of(dev, 1), 1);
    assert_int_equal(site_stats(dev).points_bad, 0);
    site_fini(&site);
}

static void all_points_of_a_device_may_be_watched(void **state)
{
    (void)state;
    struct site site;
    site_init(&site);
    struct device *dev = site_add(&site, "ahu-1", 40, SECOND);
    site_advance(&site, 5 * SECOND);
    for (uint32_t i = 40; i > 0; i--) { /* one by one, in any order, in turns of their own */
        uint32_t point = i - 1;
        driver_watched(dev, &point, 1, 100 * SECOND);
        site_advance(&site, 20000);
    }
    clear_reads(dev);
    uint64_t before = fake_of(dev)->reads;
    site_advance(&site, 1000 * SECOND);
    assert_int_equal(fake_of(dev)->reads - before, 10); /* all in one request */
    assert_int_equal(reads_of(dev, 39), 10);
    site_fini(&site);
}

static void a_stale_watched_point_had_neither_push_nor_check(void **state)
{
    (void)state;
    struct site site;
    site_init(&site);
    site.cls.stale_after_us = 3 * SECOND; /* as configured: for polls, not for checks */
    struct device *dev = site_add(&site, "ahu-1", 3, SECOND);
    site_advance(&site, 5 * SECOND);
    driver_watched(dev, first_two, 2, 20 * SECOND);
    site_advance(&site, 15 * SECOND); /* no check yet perhaps; not stale all the same */
    assert_int_equal(dev->points[0].last.quality, QUALITY_GOOD);

    /* Polls of points 0 and 1 get no answer from now on, the third does: the device lives. */
    fake_of(dev)->bad_index_fails = true;
    fake_of(dev)->bad_index = 1;
    fake_of(dev)->delay_us = 1500000; /* pushes come meanwhile */
    for (int i = 0; i < 40; i++) {
        site_advance(&site, SECOND);
        push(dev, 0, 500 + i);
    }
    assert_int_equal(dev->points[0].last.quality, QUALITY_GOOD); /* it goes on coming */
    assert_int_equal(dev->points[0].last.value.i, 539);
    assert_int_equal(dev->points[1].last.quality, QUALITY_GOOD); /* 20 s x 3 */
    for (int i = 0; i < 40; i++) {
        site_advance(&site, SECOND);
        push(dev, 0, i);
    }
    assert_int_equal(dev->points[0].last.quality, QUALITY_GOOD);
    assert_int_equal(dev->points[1].last.quality, QUALITY_STALE);
    assert_int_equal(dev->points[2].last.quality, QUALITY_GOOD);
    assert_int_equal(site_stats(dev).link, LINK_UP);
    fake_of(dev)->bad_index_fails = false;
    site_advance(&site, 70 * SECOND);
    assert_int_equal(dev->points[1].last.quality, QUALITY_GOOD); /* a check confirmed it */
    site_fini(&site);
}

static void a_silent_device_turns_watched_points_bad(void **state)
{
    (void)state;
    struct site site;
    site_init(&site);
    struct device *dev = site_add(&site, "ahu-1", 2, SECOND);
    site_advance(&site, 3 * SECOND);
    driver_watched(dev, first_two, 2, 30 * SECOND);
    site_advance(&site, SECOND);
    fake_of(dev)->mode = FAKE_SILENT;
    site_advance(&site, 40 * SECOND); /* the next check finds it out */
    assert_int_equal(dev->points[0].last.quality, QUALITY_NO_ANSWER);
    assert_int_equal(site_stats(dev).link, LINK_DOWN);

    fake_of(dev)->mode = FAKE_ANSWER; /* it speaks again: all is read at once */
    clear_reads(dev);
    push(dev, 0, 7); /* a probe may be open and fail yet: its points are tried again soon */
    site_advance(&site, 3 * SECOND);
    assert_int_equal(site_stats(dev).link, LINK_UP);
    assert_in_range(reads_of(dev, 1), 1, 2);
    assert_int_equal(dev->points[1].last.quality, QUALITY_GOOD);
    site_fini(&site);
}

static void a_paused_device_watches_nothing(void **state)
{
    (void)state;
    struct site site;
    site_init(&site);
    struct device *dev = site_add(&site, "ahu-1", 2, SECOND);
    site_advance(&site, 3 * SECOND);
    driver_watched(dev, first_two, 2, 60 * SECOND);
    site_advance(&site, SECOND);
    driver_watched(dev, first_two, 2, 0);
    host_pause(site.host, dev); /* before the polls were regrouped */
    struct sample sample = { .type = VALUE_INT, .quality = QUALITY_GOOD };
    assert_int_equal(driver_publish(dev, first_two, &sample, 1, NULL, NULL), BUSBAR_ECANCELED);
    driver_watched(dev, first_two, 2, 60 * SECOND); /* means nothing now */
    site_advance(&site, 10 * SECOND);
    assert_int_equal(dev->points[0].last.quality, QUALITY_PAUSED);
    host_resume(site.host, dev);
    site_advance(&site, SECOND);
    clear_reads(dev);
    site_advance(&site, 60 * SECOND);
    assert_in_range(reads_of(dev, 0), 59, 61);
    driver_watched(dev, first_two, 2, 60 * SECOND);
    host_remove(site.host, dev, site_count_removed, &site);
    site_advance(&site, SECOND);
    assert_int_equal(site.removed, 1);
    site_fini(&site);
}

static void an_open_poll_keeps_its_points(void **state)
{
    (void)state;
    struct site site;
    site_init(&site);
    struct device *dev = site_add(&site, "ahu-1", 4, 10 * SECOND);
    fake_of(dev)->delay_us = 2 * SECOND;
    while (fake_of(dev)->open_now == 0) {
        site_advance(&site, 10000);
    }
    driver_watched(dev, first_two, 2, 100 * SECOND); /* while the poll is with the driver */
    site_advance(&site, 5 * SECOND);
    assert_int_equal(dev->points[0].last.quality, QUALITY_GOOD);
    clear_reads(dev);
    fake_of(dev)->delay_us = 10000;
    site_advance(&site, 1000 * SECOND);
    assert_int_equal(reads_of(dev, 0), 10);
    assert_int_equal(reads_of(dev, 3), 100);
    site_fini(&site);
}

/* Points go to and fro at random; each is always in exactly one poll, of the right period. */
static void random_watching(void **state)
{
    (void)state;
    enum { POINTS = 48, ROUNDS = 300 };
    static const int64_t every[] = { 0, 20, 50, 200 };
    struct site site;
    site_init(&site);
    site.settings.in_flight = 2;
    struct device *dev = site_add(&site, "ahu-1", POINTS, 5 * SECOND);
    int64_t want[POINTS] = { 0 };
    uint32_t random = 12345;
    fake_of(dev)->delay_us = 700000;
    fake_of(dev)->request_max = 20;
    for (int round = 0; round < ROUNDS; round++) {
        random = random * 1664525 + 1013904223;
        uint32_t point = (random >> 8) % POINTS;
        want[point] = every[(random >> 20) % 4];
        driver_watched(dev, &point, 1, want[point] * SECOND);
        site_advance(&site, (int64_t)((random >> 4) % 900) * 1000);
    }
    site_advance(&site, 10 * SECOND);
    clear_reads(dev);
    site_advance(&site, 2000 * SECOND);
    for (uint32_t i = 0; i < POINTS; i++) {
        uint64_t expected = 2000 / (uint64_t)(want[i] == 0 ? 5 : want[i]);
        assert_in_range(reads_of(dev, i), expected - 1, expected + 1);
        assert_int_equal(dev->points[i].last.quality, QUALITY_GOOD);
    }
    site_fini(&site);
}

static void too_many_different_periods_share(void **state)
{
    (void)state;
    struct site site;
    site_init(&site);
    struct device *dev = site_add(&site, "ahu-1", 2, SECOND);
    site_advance(&site, 2 * SECOND);
    for (int64_t i = 0; i < 400; i++) {
        driver_watched(dev, first_two, 1, (100 + i) * SECOND);
    }
    site_advance(&site, SECOND);
    clear_reads(dev);
    site_advance(&site, 3540 * SECOND);
    assert_in_range(reads_of(dev, 0), 9, 11); /* the nearest shorter one: 354 s */
    site_fini(&site);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(watched_points_are_only_checked),
        cmocka_unit_test(all_points_of_a_device_may_be_watched),
        cmocka_unit_test(a_stale_watched_point_had_neither_push_nor_check),
        cmocka_unit_test(a_silent_device_turns_watched_points_bad),
        cmocka_unit_test(a_paused_device_watches_nothing),
        cmocka_unit_test(an_open_poll_keeps_its_points),
        cmocka_unit_test(random_watching),
        cmocka_unit_test(too_many_different_periods_share),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
