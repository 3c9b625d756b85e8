/* SPDX-License-Identifier: Apache-2.0 */
/* Silence: quality of the points, retries, back-off, probes, recovery; and that nobody else
 * notices. */
#include "fake_driver.h"

#include "driver/host_private.h"

static void silence_turns_every_point_bad_once(void **state)
{
    (void)state;
    struct site site;
    site_init(&site);
    struct device *dev = site_add(&site, "ahu-1", 8, CLOCK_US_PER_S);
    site_advance(&site, 10 * CLOCK_US_PER_S);
    int64_t good_us = dev->points[0].last.time_us;
    fake_of(dev)->mode = FAKE_SILENT;
    int64_t from_us = clock_mono_us();
    while (site_stats(dev).link != LINK_DOWN) {
        site_advance(&site, 10000);
    }
    assert_in_range(clock_mono_us() - from_us, 0, 2100000); /* a period, and the patience of 1 s */
    struct device_stats stats = site_stats(dev);
    assert_int_equal(stats.error, BUSBAR_ETIMEOUT);
    assert_non_null(strstr(stats.detail, "no answer in 1"));
    assert_true(stats.next_try_us > clock_wall_us());
    assert_int_equal(stats.points_bad, 8);
    for (size_t i = 0; i < 8; i++) {
        const struct sample *last = &dev->points[i].last;
        assert_int_equal(last->quality, QUALITY_NO_ANSWER);
        assert_int_equal(last->type, VALUE_INT); /* the last known value stays, with its time */
        assert_int_equal(last->value.i, 100 + (int64_t)i);
        assert_in_range(last->time_us, good_us, good_us + 2 * CLOCK_US_PER_S);
    }
    site_advance(&site, 600 * CLOCK_US_PER_S);
    assert_int_equal(site.stored_by_quality[QUALITY_NO_ANSWER], 8); /* said once, not each probe */
    site_fini(&site);
}

static void a_silent_device_is_probed_with_back_off(void **state)
{
    (void)state;
    struct site site;
    site_init(&site);
    struct device *dev = site_add(&site, "ahu-1", 8, CLOCK_US_PER_S);
    fake_of(dev)->mode = FAKE_LINK_DOWN;
    site_advance(&site, 3600 * CLOCK_US_PER_S);
    struct fake *fake = fake_of(dev);
    assert_int_equal(fake->open_most, 1);
    assert_in_range(fake->reads, 60,
                    140); /* every 30-60 s after the first minutes, not each second */
    for (size_t i = 1; i < fake->time_count; i++) {
        int64_t gap_us = fake->times[i] - fake->times[i - 1];
        assert_in_range(gap_us, CLOCK_US_PER_S / 2, 61 * CLOCK_US_PER_S);
    }
    assert_true(fake->times[2] - fake->times[1] < 3 * CLOCK_US_PER_S);
    assert_int_equal(dev->points[0].last.quality, QUALITY_LINK_DOWN);
    assert_int_equal(site_stats(dev).error, BUSBAR_ECONNREFUSED);
    assert_in_range(site_stats(dev).reads_failed_hour, 60, 140);
    site_fini(&site);
}

static void a_long_reason_is_told_to_its_end(void **state)
{
    (void)state;
    struct site site;
    char why[300];
    site_init(&site);
    struct device *dev = site_add(&site, "ahu-1", 1, CLOCK_US_PER_S);
    memset(why, 'y', sizeof(why));
    memcpy(why + sizeof(why) - 6, "to do", 6); /* what to do stands at the end */
    driver_link(dev, false, BUSBAR_EUNTRUSTED, why);
    assert_string_equal(site_stats(dev).detail, why);
    site_fini(&site);
}

static void the_first_answer_brings_all_groups_back(void **state)
{
    (void)state;
    struct site site;
    site_init(&site);
    struct device *dev = site_device(&site, "ahu-1", 9);
    for (size_t i = 0; i < 9; i++) {
        site.cls.every_us = (i % 3 == 0 ? 1 : i % 3 == 1 ? 60 : 3600) * CLOCK_US_PER_S;
        dev->points[i].cls = registry_class(site.registry, &site.cls);
    }
    assert_int_equal(host_add(site.host, dev, &site.settings, NULL), 0);
    site_advance(&site, 100 * CLOCK_US_PER_S);
    fake_of(dev)->mode = FAKE_SILENT;
    site_advance(&site, 500 * CLOCK_US_PER_S);
    assert_int_equal(site_stats(dev).points_bad, 9);
    fake_of(dev)->mode = FAKE_ANSWER;
    site_advance(&site, 61 * CLOCK_US_PER_S);
    struct device_stats stats = site_stats(dev);
    assert_int_equal(stats.points_good, 9); /* the hourly group too, at once */
    assert_int_equal(stats.link, LINK_UP);
    assert_int_equal(stats.error, 0);
    assert_int_equal(stats.next_try_us, 0);
    uint64_t reads = fake_of(dev)->reads;
    site_advance(&site, 10 * CLOCK_US_PER_S);
    assert_in_range(fake_of(dev)->reads - reads, 10, 12); /* the grid goes on */
    site_fini(&site);
}

static void a_lost_answer_is_asked_again_before_it_counts(void **state)
{
    (void)state;
    struct site site;
    site_init(&site);
    site.settings.retries = 2;
    struct device *dev = site_add(&site, "ahu-1", 4, 10 * CLOCK_US_PER_S);
    site_advance(&site, 25 * CLOCK_US_PER_S);
    uint64_t reads = fake_of(dev)->reads;
    fake_of(dev)->mode = FAKE_SILENT;
    while (fake_of(dev)->reads < reads + 2) { /* asked, and asked again */
        site_advance(&site, 100000);
    }
    fake_of(dev)->mode = FAKE_ANSWER;
    site_advance(&site, 2 * CLOCK_US_PER_S);
    assert_int_equal(fake_of(dev)->reads, reads + 3); /* the second retry was answered */
    assert_int_equal(site_stats(dev).retries, 2);
    assert_int_equal(site_stats(dev).link, LINK_UP);
    assert_int_equal(site.stored_by_quality[QUALITY_NO_ANSWER], 0);
    fake_of(dev)->mode = FAKE_LINK_DOWN; /* a refused connection is no lost answer */
    site_advance(&site, 11 * CLOCK_US_PER_S);
    assert_int_equal(site_stats(dev).retries, 2);
    assert_int_equal(site_stats(dev).link, LINK_DOWN);
    site_fini(&site);
}

static void the_deadline_of_a_poll_ends_it(void **state)
{
    (void)state;
    struct site site;
    site_init(&site);
    site.settings.retries = 5;
    struct device *dev = site_add(&site, "hung", 4, CLOCK_US_PER_S);
    fake_of(dev)->mode = FAKE_SILENT;
    fake_of(dev)->patience_us = 3600 * CLOCK_US_PER_S; /* its driver would wait an hour */
    site_advance(&site, 7500000);
    assert_int_equal(site_stats(dev).link, LINK_DOWN); /* 1 s to the first poll, 5 s deadline */
    assert_int_equal(site_stats(dev).timeouts, 1);
    assert_int_equal(site_stats(dev).retries, 0);
    site_fini(&site);
}

static void one_bad_device_delays_no_other(void **state)
{
    (void)state;
    struct site site;
    site_init(&site);
    struct device *bad[10], *good[20];
    for (int i = 0; i < 30; i++) {
        char name[16];
        str_format(name, sizeof(name), "dev-%d", i);
        struct device *dev = site_add(&site, name, 5, CLOCK_US_PER_S);
        if (i < 10) {
            bad[i] = dev;
            fake_of(dev)->mode = (enum fake_mode)(1 + i % 4);
            fake_of(dev)->patience_us = 4 * CLOCK_US_PER_S;
        } else {
            good[i - 10] = dev;
        }
    }
    site_advance(&site, 300 * CLOCK_US_PER_S);
    for (int i = 0; i < 20; i++) {
        struct fake *fake = fake_of(good[i]);
        assert_in_range(fake->reads, 298, 302);
        assert_int_equal(site_stats(good[i]).lag_polls, 0);
        for (size_t j = 2; j < fake->time_count; j++) {
            assert_in_range(fake->times[j] - fake->times[j - 1], 999000, 1001000);
        }
    }
    for (int i = 0; i < 10; i++) {
        assert_int_equal(site_stats(bad[i]).points_bad, 5);
    }
    struct host_totals totals;
    host_totals(site.host, &totals);
    assert_int_equal(totals.points_good, 100);
    assert_int_equal(totals.points_bad, 50);
    site_fini(&site);
}

static void a_refusal_is_no_silence(void **state)
{
    (void)state;
    struct site site;
    site_init(&site);
    struct device *dev = site_add(&site, "ahu-1", 5, CLOCK_US_PER_S);
    fake_of(dev)->mode = FAKE_REFUSE;
    site_advance(&site, 60 * CLOCK_US_PER_S);
    assert_in_range(fake_of(dev)->reads, 59, 61);
    assert_int_equal(dev->points[4].last.quality, QUALITY_REFUSED);
    assert_int_equal(dev->points[4].last.detail, 2);
    assert_int_equal(site_stats(dev).link, LINK_UP);
    assert_in_range(site_stats(dev).refusals, 58, 61);
    assert_int_equal(site.stored_by_quality[QUALITY_REFUSED], 5);
    assert_int_equal(dev->points[4].received, 1); /* the ledger counts what was given to the bus */
    site_fini(&site);
}

static void points_without_answer_turn_bad_alone(void **state)
{
    (void)state;
    struct site site;
    site_init(&site);
    struct device *dev = site_add(&site, "ahu-1", 10, CLOCK_US_PER_S);
    fake_of(dev)->silent_from = 6;
    site_advance(&site, 30 * CLOCK_US_PER_S);
    struct device_stats stats = site_stats(dev);
    assert_int_equal(stats.link, LINK_UP);
    assert_int_equal(stats.points_good, 6);
    assert_int_equal(stats.points_bad, 4);
    assert_int_equal(site.stored_by_quality[QUALITY_NO_ANSWER], 4);
    fake_of(dev)->silent_from = 0;
    site_advance(&site, 2 * CLOCK_US_PER_S);
    assert_int_equal(site_stats(dev).points_good, 10);
    fake_of(dev)->silent_from = 1;
    fake_of(dev)->raw[0] = (struct sample){ .quality = QUALITY_NO_ANSWER };
    site_advance(&site, 4 * CLOCK_US_PER_S); /* nothing at all: that is silence */
    assert_int_equal(site_stats(dev).link, LINK_DOWN);
    site_fini(&site);
}

/* One group of three never gets an answer (some devices are just silent at a wrong address). */
static void a_group_that_never_answers_leaves_the_others_alone(void **state)
{
    (void)state;
    struct site site;
    site_init(&site);
    struct device *dev = site_device(&site, "odd", 9);
    for (size_t i = 0; i < 9; i++) {
        site.cls.every_us = (1 + (int64_t)i / 3) * CLOCK_US_PER_S;
        dev->points[i].cls = registry_class(site.registry, &site.cls);
    }
    assert_int_equal(host_add(site.host, dev, &site.settings, NULL), 0);
    fake_of(dev)->bad_index_fails = true;
    fake_of(dev)->bad_index = 4;
    site_advance(&site, 60 * CLOCK_US_PER_S);
    uint64_t bad_samples = site.stored_by_quality[QUALITY_NO_ANSWER];
    uint64_t received = dev->points[0].received;
    site_advance(&site, 600 * CLOCK_US_PER_S);
    assert_int_equal(site.stored_by_quality[QUALITY_NO_ANSWER], bad_samples); /* no flapping */
    assert_true(dev->points[0].received - received > 500);
    assert_int_equal(dev->points[0].last.quality, QUALITY_GOOD);
    assert_int_equal(dev->points[4].last.quality, QUALITY_NO_ANSWER);
    assert_int_equal(dev->points[8].last.quality, QUALITY_GOOD);
    assert_int_equal(site_stats(dev).link, LINK_UP);
    fake_of(dev)->bad_index_fails = false;
    site_advance(&site, 70 * CLOCK_US_PER_S);
    assert_int_equal(dev->points[4].last.quality, QUALITY_GOOD);
    fake_of(dev)->mode = FAKE_SILENT; /* and a device that dies is still found dead */
    site_advance(&site, 10 * CLOCK_US_PER_S);
    assert_int_equal(site_stats(dev).link, LINK_DOWN);
    assert_int_equal(site_stats(dev).points_bad, 9);
    site_fini(&site);
}

static void what_the_driver_says_about_its_link_is_shown(void **state)
{
    (void)state;
    struct site site;
    site_init(&site);
    struct device *dev = site_add(&site, "ahu-1", 2, CLOCK_US_PER_S);
    site_advance(&site, 3 * CLOCK_US_PER_S);
    driver_link(dev, false, 0, NULL); /* closed on purpose after a poll */
    assert_int_equal(site_stats(dev).link, LINK_UP);
    fake_of(dev)->mode = FAKE_LINK_DOWN;
    driver_link(dev, false, BUSBAR_ECONNREFUSED, "10.0.2.15:502 refuses connections");
    assert_int_equal(site_stats(dev).link, LINK_DOWN);
    site_advance(&site, 3 * CLOCK_US_PER_S);
    assert_string_equal(site_stats(dev).detail, "10.0.2.15:502 refuses connections");
    driver_link(dev, true, 0, NULL); /* the gateway is there, the device is not (yet) */
    assert_int_equal(site_stats(dev).link, LINK_DOWN);
    fake_of(dev)->mode = FAKE_ANSWER;
    assert_int_equal(host_poll_now(site.host, dev), 0); /* a person need not wait */
    site_advance(&site, 20000);
    assert_int_equal(site_stats(dev).link, LINK_UP);
    assert_string_equal(site_stats(dev).detail, "");
    site_fini(&site);
}

/* A gateway answers for a unit that is not there: silence, with the protocol's own words for it. */
static void silence_with_a_reason_is_explained(void **state)
{
    (void)state;
    struct site site;
    site_init(&site);
    struct device *dev = site_add(&site, "unit-3", 2, CLOCK_US_PER_S);
    for (int i = 0; i < 2; i++) {
        fake_of(dev)->raw[i] = (struct sample){ .quality = QUALITY_NO_ANSWER, .detail = 2 };
    }
    site_advance(&site, 3 * CLOCK_US_PER_S);
    assert_int_equal(site_stats(dev).link, LINK_DOWN);
    assert_string_equal(site_stats(dev).detail, "there is no such address in the device");
    assert_int_equal(dev->points[1].last.detail, 2);
    assert_int_equal(dev->points[1].last.quality, QUALITY_NO_ANSWER);
    site_fini(&site);
}

static void a_value_that_is_too_old_turns_stale(void **state)
{
    (void)state;
    struct site site;
    site_init(&site);
    site.settings.timeout_us = 60 * CLOCK_US_PER_S;
    site.cls.stale_after_us = 5 * CLOCK_US_PER_S;
    struct device *dev = site_add(&site, "slow", 3, CLOCK_US_PER_S);
    site_advance(&site, 10 * CLOCK_US_PER_S);
    fake_of(dev)->delay_us = 20 * CLOCK_US_PER_S; /* it answers, but late */
    site_advance(&site, 8 * CLOCK_US_PER_S);
    assert_int_equal(dev->points[0].last.quality, QUALITY_STALE);
    assert_int_equal(site.stored_by_quality[QUALITY_STALE], 3);
    assert_int_equal(site_stats(dev).points_bad, 3);
    site_advance(&site, 14 * CLOCK_US_PER_S);
    assert_int_equal(dev->points[0].last.quality, QUALITY_GOOD);
    site_fini(&site);
}

/* Not after its back-off: a person stands there and looks. */
static void trust_lets_refused_devices_try_at_once(void **state)
{
    (void)state;
    struct site site;
    const char *first = NULL;
    site_init(&site);
    struct device *refused = site_add(&site, "press-1", 1, CLOCK_US_PER_S);
    struct device *silent = site_add(&site, "press-2", 1, CLOCK_US_PER_S);
    site_advance(&site, 5 * CLOCK_US_PER_S);
    assert_int_equal(host_untrusted(site.host, &first), 0);
    fake_of(refused)->mode = FAKE_UNTRUSTED;
    fake_of(silent)->mode = FAKE_LINK_DOWN;
    site_advance(&site, 600 * CLOCK_US_PER_S); /* the back-off is at its longest */
    assert_int_equal(site_stats(refused).error, BUSBAR_EUNTRUSTED);
    assert_int_equal(host_untrusted(site.host, &first), 1);
    assert_string_equal(first, "press-1");
    uint64_t reads = fake_of(silent)->reads;
    fake_of(refused)->mode = FAKE_ANSWER;
    host_trusted(site.host);
    site_advance(&site, CLOCK_US_PER_S / 2);
    assert_int_equal(site_stats(refused).link, LINK_UP);
    assert_int_equal(host_untrusted(site.host, NULL), 0);
    assert_in_range(fake_of(silent)->reads, reads, reads + 1); /* that one it does not help */
    site_fini(&site);
}

static void errors_have_a_quality(void **state)
{
    (void)state;
    uint8_t quality;
    assert_true(breaker_quality(BUSBAR_EPROTO, &quality));
    assert_int_equal(quality, QUALITY_NO_ANSWER);
    assert_true(breaker_quality(BUSBAR_EHOST, &quality));
    assert_int_equal(quality, QUALITY_LINK_DOWN);
    assert_true(breaker_quality(BUSBAR_ECONFIG, &quality));
    assert_int_equal(quality, QUALITY_CONFIGURATION);
    assert_false(breaker_quality(BUSBAR_ENOMEM, &quality));
    assert_true(breaker_is_silence(BUSBAR_ETLS));
    assert_false(breaker_is_silence(BUSBAR_EREFUSED));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(silence_turns_every_point_bad_once),
        cmocka_unit_test(a_silent_device_is_probed_with_back_off),
        cmocka_unit_test(a_long_reason_is_told_to_its_end),
        cmocka_unit_test(the_first_answer_brings_all_groups_back),
        cmocka_unit_test(a_lost_answer_is_asked_again_before_it_counts),
        cmocka_unit_test(the_deadline_of_a_poll_ends_it),
        cmocka_unit_test(one_bad_device_delays_no_other),
        cmocka_unit_test(a_refusal_is_no_silence),
        cmocka_unit_test(points_without_answer_turn_bad_alone),
        cmocka_unit_test(a_group_that_never_answers_leaves_the_others_alone),
        cmocka_unit_test(what_the_driver_says_about_its_link_is_shown),
        cmocka_unit_test(silence_with_a_reason_is_explained),
        cmocka_unit_test(a_value_that_is_too_old_turns_stale),
        cmocka_unit_test(trust_lets_refused_devices_try_at_once),
        cmocka_unit_test(errors_have_a_quality),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
