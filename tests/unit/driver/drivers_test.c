/* SPDX-License-Identifier: Apache-2.0 */
/* Life of drivers: opened when needed, set up before devices, never with devices of the old setup. */
#include "unit/driver/fake_driver.h"

#define SECOND CLOCK_US_PER_S

static struct setup *setup_of(uint64_t hash)
{
    struct setup *setup = setup_new(fake_setup_options);
    setup->given = hash != 0;
    setup->hash = hash;
    return setup;
}

static void count_done(void *ctx)
{
    (*(int *)ctx)++;
}

static void it_opens_with_its_first_device(void **state)
{
    (void)state;
    struct site site;
    site_init(&site);
    assert_int_equal(fake_counts.opens, 0);
    const struct setup *setup = host_setup_of(site.host, "fake");
    assert_false(setup->given);
    assert_int_equal(settings_int(&setup->settings, FAKE_SETUP_ID), 1);
    assert_null(host_setup_of(site.host, "none"));
    struct device *one = site_add(&site, "ahu-1", 1, SECOND);
    struct device *two = site_add(&site, "ahu-2", 1, SECOND);
    assert_int_equal(fake_counts.opens, 1);
    assert_int_equal(fake_counts.setups, 1);
    assert_int_equal(fake_counts.setup_hash, 0);
    struct device *seen = driver_next_device(fake_now->drv, NULL);
    assert_ptr_equal(seen, one);
    assert_ptr_equal(driver_next_device(fake_now->drv, one), two);
    assert_null(driver_next_device(fake_now->drv, two));
    site_fini(&site);
    assert_int_equal(fake_counts.closes, 1);
}

static void a_section_opens_it_too(void **state)
{
    (void)state;
    struct site site;
    site_init(&site);
    assert_true(host_setup(site.host, "fake", setup_of(7), count_done, NULL));
    assert_int_equal(fake_counts.opens, 1);
    assert_int_equal(fake_counts.setup_hash, 7);
    assert_true(host_setup(site.host, "fake", setup_of(8), count_done, NULL));
    assert_int_equal(fake_counts.opens, 1); /* it stays open */
    assert_int_equal(fake_counts.setup_hash, 8);
    assert_int_equal(host_setup_of(site.host, "fake")->hash, 8);
    assert_true(host_setup(site.host, "fake", NULL, count_done, NULL));
    assert_int_equal(fake_counts.closes, 1); /* nothing needs it any more */
    assert_false(host_setup_of(site.host, "fake")->given);
    site_add(&site, "ahu-1", 1, SECOND);
    assert_int_equal(fake_counts.opens, 2);
    site_fini(&site);
}

static void one_that_cannot_open_says_so(void **state)
{
    (void)state;
    struct site site;
    struct err err = { 0 };
    site_init(&site);
    fake_counts.open_fails = true;
    assert_true(host_setup(site.host, "fake", setup_of(7), NULL, NULL)); /* in the log */
    struct device *dev = site_device(&site, "ahu-1", 1);
    assert_int_equal(host_add(site.host, dev, &site.settings, &err), BUSBAR_EADDRINUSE);
    assert_string_equal(err.message, "port 1 is taken");
    fake_counts.open_fails = false; /* the next one tries again */
    assert_int_equal(host_add(site.host, dev, &site.settings, &err), 0);
    assert_int_equal(fake_counts.setup_hash, 7);
    site_fini(&site);
}

static void a_new_setup_waits_for_what_uses_the_old(void **state)
{
    (void)state;
    struct site site;
    struct err err = { 0 };
    int done = 0;
    site_init(&site);
    struct device *dev = site_add(&site, "ahu-1", 1, SECOND);
    site_advance(&site, SECOND);
    host_remove(site.host, dev, site_count_removed, &site);
    assert_false(host_setup(site.host, "fake", setup_of(9), count_done, &done));
    assert_int_equal(host_setup_of(site.host, "fake")->hash, 0); /* not yet */
    struct device *next = site_device(&site, "ahu-2", 1);
    assert_int_equal(host_add(site.host, next, &site.settings, &err), BUSBAR_EBUSY);
    site_advance(&site, SECOND);
    assert_int_equal(done, 1);
    assert_int_equal(site.removed, 1);
    assert_int_equal(fake_counts.setup_hash, 9);
    assert_int_equal(fake_counts.devices_at_setup, 0);
    assert_int_equal(host_add(site.host, next, &site.settings, &err), 0);
    site_fini(&site);
}

static void a_stop_while_a_setup_waits(void **state)
{
    (void)state;
    struct site site;
    int done = 0;
    site_init(&site);
    struct device *dev = site_add(&site, "ahu-1", 1, SECOND);
    host_remove(site.host, dev, NULL, NULL);
    assert_false(host_setup(site.host, "fake", setup_of(9), count_done, &done));
    site_fini(&site);
    assert_true(done <= 1);
}

static void count_status(void *ctx, const struct driver_status *status)
{
    assert_string_equal(status->part, "roof");
    assert_string_equal(status->text, "10.0.0.1:1");
    (*(int *)ctx)++;
}

static void it_tells_how_it_is_doing(void **state)
{
    (void)state;
    struct site site;
    int count = 0;
    site_init(&site);
    assert_int_equal(host_driver_status(site.host, "fake", count_status, &count), 0);
    assert_int_equal(count, 0); /* not open */
    site_add(&site, "ahu-1", 1, SECOND);
    assert_int_equal(host_driver_status(site.host, "fake", count_status, &count), 0);
    assert_int_equal(count, 1);
    assert_int_equal(host_driver_status(site.host, "none", count_status, &count), BUSBAR_ENOENT);
    site_fini(&site);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_opens_with_its_first_device),
        cmocka_unit_test(a_section_opens_it_too),
        cmocka_unit_test(one_that_cannot_open_says_so),
        cmocka_unit_test(a_new_setup_waits_for_what_uses_the_old),
        cmocka_unit_test(a_stop_while_a_setup_waits),
        cmocka_unit_test(it_tells_how_it_is_doing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
