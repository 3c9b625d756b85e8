/* SPDX-License-Identifier: Apache-2.0 */
/* Life: add, pause, resume, remove, stop; every request answered exactly once (the fake driver
 * asserts it); a random run of everything at once; what a point costs in memory. */
#include "fake_driver.h"

#include <malloc.h>

#include "base/hash.h"
#include "driver/host_private.h"

static void an_unknown_protocol_is_named(void **state)
{
    (void)state;
    struct site site;
    struct err err = { 0 };
    site_init(&site);
    struct device *dev = site_device(&site, "x", 1);
    dev->protocol = "telex";
    assert_int_equal(host_add(site.host, dev, &site.settings, &err), BUSBAR_ENOENT);
    assert_string_equal(err.message, "there is no protocol 'telex'");
    assert_null(dev->host);
    site_fini(&site);
}

static void a_device_the_driver_refuses_leaves_nothing(void **state)
{
    (void)state;
    struct site site;
    struct err err = { 0 };
    site_init(&site);
    struct device *dev = site_device(&site, "cannot-be", 1);
    assert_int_equal(host_add(site.host, dev, &site.settings, &err), BUSBAR_ECONFIG);
    assert_string_equal(err.message, "no such thing");
    assert_null(dev->host);
    assert_null(dev->driver);
    site_fini(&site);
}

static void removing_with_a_poll_open_cancels_it(void **state)
{
    (void)state;
    struct site site;
    site_init(&site);
    struct device *dev = site_add(&site, "ahu-1", 4, CLOCK_US_PER_S);
    fake_of(dev)->delay_us = 3 * CLOCK_US_PER_S;
    while (fake_of(dev)->open_now == 0) {
        site_advance(&site, 10000);
    }
    uint64_t stored = site.stored;
    host_remove(site.host, dev, site_count_removed, &site);
    assert_int_equal(site.removed, 0); /* never from inside the call */
    site_advance(&site, 1000);
    assert_int_equal(site.removed, 1);
    site_advance(&site, 10 * CLOCK_US_PER_S);
    assert_int_equal(site.stored, stored);
    struct host_totals totals;
    host_totals(site.host, &totals);
    assert_int_equal(totals.polls, 1); /* counters do not fall when a device goes */
    site_fini(&site);
}

static void a_paused_device_is_not_asked(void **state)
{
    (void)state;
    struct site site;
    site_init(&site);
    struct device *dev = site_add(&site, "ahu-1", 4, CLOCK_US_PER_S);
    site_advance(&site, 5 * CLOCK_US_PER_S);
    host_pause(site.host, dev);
    host_pause(site.host, dev); /* twice is once */
    uint64_t reads = fake_of(dev)->reads;
    site_advance(&site, 60 * CLOCK_US_PER_S);
    assert_int_equal(fake_of(dev)->reads, reads);
    assert_int_equal(dev->points[0].last.quality, QUALITY_PAUSED);
    assert_int_equal(site_stats(dev).link, LINK_PAUSED);
    assert_int_equal(site.stored_by_quality[QUALITY_PAUSED], 4);
    host_resume(site.host, dev);
    assert_int_equal(site_stats(dev).link, LINK_CONNECTING);
    site_advance(&site, 3 * CLOCK_US_PER_S);
    assert_int_equal(dev->points[0].last.quality, QUALITY_GOOD);
    host_pause(site.host, dev); /* and resumed before it came to a stop */
    host_resume(site.host, dev);
    site_advance(&site, 3 * CLOCK_US_PER_S);
    assert_int_equal(dev->points[0].last.quality, QUALITY_GOOD);
    assert_int_equal(fake_of(dev)->starts, 3);
    assert_int_equal(fake_of(dev)->stops, 2);
    host_pause(site.host, dev);
    host_remove(site.host, dev, site_count_removed, &site);
    site_advance(&site, 1000);
    assert_int_equal(site.removed, 1);
    site_fini(&site);
}

static void a_device_that_begins_paused_waits(void **state)
{
    (void)state;
    struct site site;
    site_init(&site);
    struct device *dev = site_device(&site, "ahu-1", 4);
    dev->paused = true;
    assert_int_equal(host_add(site.host, dev, &site.settings, NULL), 0);
    site_advance(&site, 5 * CLOCK_US_PER_S);
    assert_int_equal(fake_of(dev)->starts, 0);
    assert_int_equal(dev->points[3].last.quality, QUALITY_PAUSED);
    host_resume(site.host, dev);
    site_advance(&site, 5 * CLOCK_US_PER_S);
    assert_int_equal(dev->points[3].last.quality, QUALITY_GOOD);
    site_fini(&site);
}

static struct device *victim;

static void pause_inside(void *ctx, const struct bus_batch *batch)
{
    struct site *site = ctx;
    if (batch->device == victim && !victim->paused) {
        host_pause(site->host, victim);
    }
}

static void a_listener_of_the_bus_may_pause_the_device_it_hears_of(void **state)
{
    (void)state;
    struct site site;
    site_init(&site);
    victim = site_add(&site, "ahu-1", 4, CLOCK_US_PER_S);
    bus_listen(site.bus, pause_inside, &site);
    site_advance(&site, 10 * CLOCK_US_PER_S);
    assert_int_equal(fake_of(victim)->reads, 1);
    assert_int_equal(fake_of(victim)->stops, 1);
    assert_int_equal(site_stats(victim).link, LINK_PAUSED);
    site_fini(&site);
}

static void seen(void *ctx, const struct host_finding *finding)
{
    char *text = ctx;
    size_t used = strlen(text);
    str_format(text + used, 256 - used, "%s %s%s|", finding->step, finding->seen,
               finding->fine ? "" : "!");
}

static void tested(void *ctx, int code)
{
    char *text = ctx;
    size_t used = strlen(text);
    str_format(text + used, 256 - used, "%s", err_name(code));
}

static void a_test_passes_on_what_the_driver_finds(void **state)
{
    (void)state;
    struct site site;
    char text[256] = "";
    const char *const options[] = { "scan-units=1-20", "other", NULL };
    site_init(&site);
    struct device *dev = site_add(&site, "ahu-1", 1, CLOCK_US_PER_S);
    assert_int_equal(host_test(site.host, dev, NULL, seen, tested, text), 0);
    assert_string_equal(text, "name ok|OK");
    text[0] = '\0';
    assert_int_equal(host_test(site.host, dev, options, seen, tested, text), 0);
    assert_string_equal(text, "name ok|unit 3 1-20!|unit 4 no!|ETIMEOUT"); /* the first counts */
    host_pause(site.host, dev);
    assert_int_equal(host_test(site.host, dev, NULL, seen, tested, text), BUSBAR_EBUSY);
    site_fini(&site);
}

static void pushed_samples_are_converted_and_published(void **state)
{
    (void)state;
    struct site site;
    site_init(&site);
    site.cls.scale = 0.5;
    struct device *dev = site_add(&site, "ahu-1", 2, 3600 * CLOCK_US_PER_S);
    uint32_t points[] = { 1, 0 };
    struct sample samples[] = { { .type = VALUE_INT, .value.i = 7, .time_us = 1699999999000000 },
                                { .type = VALUE_INT, .value.i = 9 } };
    assert_int_equal(driver_publish(dev, points, samples, 2, NULL, NULL), 0);
    assert_true(dev->points[1].last.value.d == 3.5);
    assert_int_equal(dev->points[1].last.time_us, 1699999999000000);
    assert_int_equal(dev->points[0].last.time_us, clock_wall_us());
    assert_int_equal(site_stats(dev).link, LINK_UP);
    assert_int_equal(site_stats(dev).points_good, 2);
    site_fini(&site);
}

/* ---- everything at once ---- */

static void written(void *ctx, const struct host_write_result *result)
{
    int *open = ctx;
    assert_true(result->message[0] != '\0');
    (*open)--;
}

static void disturb(struct site *site, struct device *dev, uint64_t random, int *writes_open)
{
    struct fake *fake = fake_of(dev);
    union value value = { .i = (int64_t)(random % 1000) };
    switch (random % 12) {
    case 0: fake->mode = (enum fake_mode)((random >> 8) % 5); break;
    case 1: fake->delay_us = (int64_t)((random >> 8) % 3000000); break;
    case 2: host_pause(site->host, dev); break;
    case 3: host_resume(site->host, dev); break;
    case 4: (void)host_poll_now(site->host, dev); break;
    case 5: fake->request_max = (random >> 8) % 20; break;
    case 6: fake->silent_from = (random >> 8) % 20; break;
    case 7:
        if (host_write(site->host, &dev->points[(random >> 8) % dev->point_count], VALUE_INT, value,
                       NULL, 0, written, writes_open, NULL) == 0) {
            (*writes_open)++;
        }
        break;
    case 8: driver_link(dev, random & 256, BUSBAR_ERESET, NULL); break;
    default: fake->mode = FAKE_ANSWER;
    }
}

static void check_invariants(const struct site *site)
{
    for (size_t i = 0; i < site->device_count; i++) {
        const struct device *dev = site->devices[i];
        const struct fake *fake = fake_of(dev);
        const struct device_stats stats = site_stats(dev);
        assert_int_equal(fake->reads + fake->writes, fake->done + fake->open_now);
        assert_int_equal(stats.points_good + stats.points_bad, dev->point_count);
        if (stats.link == LINK_DOWN || stats.link == LINK_PAUSED) {
            assert_true(stats.points_good == 0 || stats.next_try_us == 0);
        }
        if (dev->paused) {
            assert_int_equal(stats.link, LINK_PAUSED);
            assert_int_equal(stats.points_bad, dev->point_count);
        }
    }
    uint64_t received = 0;
    for (size_t i = 0; i < site->device_count; i++) {
        for (size_t j = 0; j < site->devices[i]->point_count; j++) {
            received += site->devices[i]->points[j].received;
        }
    }
    assert_int_equal(received, bus_received_all(site->bus)); /* the ledger */
    assert_int_equal(received, site->stored);
}

static void a_random_run_keeps_every_promise(void **state)
{
    (void)state;
    uint64_t random = 20261122;
    for (int round = 0; round < 3; round++) {
        struct site site;
        int writes_open = 0;
        site_init(&site);
        site.settings.retries = round;
        site.settings.in_flight = 1 + round;
        site.cls.write.allowed = true;
        for (int i = 0; i < 12; i++) {
            char name[16];
            str_format(name, sizeof(name), "dev-%d", i);
            site_add(&site, name, 16, (1 + i % 3) * CLOCK_US_PER_S / 2);
        }
        for (int step = 0; step < 2000; step++) {
            struct device *dev = site.devices[hash_random(&random) % site.device_count];
            disturb(&site, dev, hash_random(&random), &writes_open);
            site_advance(&site, (int64_t)(hash_random(&random) % 400000));
            if (step % 20 == 0) {
                check_invariants(&site);
            }
        }
        site_stop(&site);
        assert_int_equal(writes_open, 0);
        site_fini(&site);
    }
}

static void a_point_costs_the_host_under_60_bytes(void **state)
{
    (void)state;
    struct site site;
    site_init(&site);
    struct device *devices[20];
    for (int i = 0; i < 20; i++) {
        char name[16];
        str_format(name, sizeof(name), "dev-%d", i);
        devices[i] = site_device(&site, name, 1000);
    }
    size_t before = mallinfo2().uordblks;
    for (int i = 0; i < 20; i++) {
        assert_int_equal(host_add(site.host, devices[i], &site.settings, NULL), 0);
    }
    for (int i = 0; i < 20; i++) { /* all of them open at once, the worst moment */
        fake_of(devices[i])->mode = FAKE_SILENT;
        fake_of(devices[i])->patience_us = 60 * CLOCK_US_PER_S;
    }
    site_advance(&site, 3 * CLOCK_US_PER_S);
    size_t after = mallinfo2().uordblks;
#if !defined(__SANITIZE_ADDRESS__) /* mallinfo says nothing under ASan */
    assert_in_range((after - before - 20 * sizeof(struct fake)) / 20000, 0, 59);
#else
    (void)before;
    (void)after;
#endif
    assert_int_equal(site.host->pool.taken, 20);
    site_fini(&site);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unknown_protocol_is_named),
        cmocka_unit_test(a_device_the_driver_refuses_leaves_nothing),
        cmocka_unit_test(removing_with_a_poll_open_cancels_it),
        cmocka_unit_test(a_paused_device_is_not_asked),
        cmocka_unit_test(a_device_that_begins_paused_waits),
        cmocka_unit_test(a_listener_of_the_bus_may_pause_the_device_it_hears_of),
        cmocka_unit_test(a_test_passes_on_what_the_driver_finds),
        cmocka_unit_test(pushed_samples_are_converted_and_published),
        cmocka_unit_test(a_random_run_keeps_every_promise),
        cmocka_unit_test(a_point_costs_the_host_under_60_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
