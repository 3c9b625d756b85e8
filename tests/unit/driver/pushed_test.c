/* SPDX-License-Identifier: Apache-2.0 */
/* Points that only the device sends: never polled, stale where it is configured, bad while the link is down, and writes
 * to them confirmed by what comes next. */
#include "fake_driver.h"

#define SECOND CLOCK_US_PER_S
#define MINUTE (60 * SECOND)

static int push_of(struct device *dev, uint32_t point, struct sample sample)
{
    return driver_publish(dev, &point, &sample, 1, NULL, NULL);
}

static void push(struct device *dev, uint32_t point, int64_t value)
{
    struct sample sample = { .type = VALUE_INT, .value.i = value, .quality = QUALITY_GOOD };
    assert_int_equal(push_of(dev, point, sample), 0);
}

/* Points 0 and 1 are pushed and stale after 15 and 30 minutes, 2 is pushed and never stale, 3 is polled or pushed. */
static struct device *pushing(struct site *site, bool one_polled)
{
    site_init(site);
    site->cls.write = (struct point_write){ .allowed = true };
    struct device *dev = site_device(site, "co2-1", 4);
    site->cls.stale_after_us = 15 * MINUTE;
    dev->points[0].cls = registry_class(site->registry, &site->cls);
    site->cls.stale_after_us = 30 * MINUTE;
    dev->points[1].cls = registry_class(site->registry, &site->cls);
    for (int i = 0; i < 4; i++) {
        dev->points[i].pushed = i < 3 || !one_polled;
    }
    assert_int_equal(host_add(site->host, dev, &site->settings, NULL), 0);
    return dev;
}

static void they_are_never_polled(void **state)
{
    (void)state;
    struct site site;
    struct device *dev = pushing(&site, true);
    site_advance(&site, MINUTE);
    assert_int_equal(fake_of(dev)->reads_of[0], 0);
    assert_int_equal(fake_of(dev)->reads_of[2], 0);
    assert_in_range(fake_of(dev)->reads_of[3], 58, 61);
    assert_int_equal(dev->points[0].last.quality, QUALITY_NOT_YET);
    assert_int_equal(dev->points[3].last.quality, QUALITY_GOOD);
    assert_false(site_stats(dev).speaks_first);
    push(dev, 0, 7);
    assert_int_equal(dev->points[0].last.value.i, 7);
    assert_int_equal(site_stats(dev).points_bad, 2);
    site_fini(&site);
}

static void its_link_is_up_when_it_was_heard(void **state)
{
    (void)state;
    struct site site;
    struct device *dev = pushing(&site, false);
    assert_true(site_stats(dev).speaks_first);
    driver_link(dev, true, 0, NULL);
    assert_int_equal(site_stats(dev).link, LINK_CONNECTING);
    assert_string_equal(site_stats(dev).detail, "waiting for its first message");
    push(dev, 0, 7);
    assert_int_equal(site_stats(dev).link, LINK_UP);
    driver_link(dev, true, 0, NULL); /* told again: nothing changes */
    assert_int_equal(site_stats(dev).link, LINK_UP);

    driver_link(dev, false, BUSBAR_ECONNREFUSED, "broker plant: connection refused");
    assert_int_equal(site_stats(dev).link, LINK_DOWN);
    assert_int_equal(dev->points[0].last.quality, QUALITY_LINK_DOWN);
    assert_int_equal(dev->points[0].last.value.i, 7); /* the last known value stays to be seen */
    driver_link(dev, true, 0, NULL);
    assert_int_equal(site_stats(dev).link, LINK_CONNECTING);
    assert_int_equal(dev->points[0].last.quality, QUALITY_NOT_YET);
    push(dev, 1, 8);
    assert_int_equal(site_stats(dev).link, LINK_UP);
    assert_int_equal(dev->points[0].last.quality, QUALITY_NOT_YET);
    site_fini(&site);
}

static void they_get_stale_where_it_is_configured(void **state)
{
    (void)state;
    struct site site;
    struct device *dev = pushing(&site, false);
    driver_link(dev, true, 0, NULL);
    for (uint32_t i = 0; i < 4; i++) {
        push(dev, i, 1);
    }
    site_advance(&site, 14 * MINUTE);
    push(dev, 1, 2);
    assert_int_equal(dev->points[0].last.quality, QUALITY_GOOD);
    site_advance(&site, 2 * MINUTE);
    assert_int_equal(dev->points[0].last.quality, QUALITY_STALE);
    assert_int_equal(dev->points[1].last.quality, QUALITY_GOOD);
    push(dev, 0, 3);
    assert_int_equal(dev->points[0].last.quality, QUALITY_GOOD);
    site_advance(&site, 16 * MINUTE);
    assert_int_equal(dev->points[0].last.quality, QUALITY_STALE); /* again, in time */
    site_advance(&site, 24 * 60 * MINUTE);
    assert_int_equal(dev->points[1].last.quality, QUALITY_STALE);
    assert_int_equal(dev->points[2].last.quality,
                     QUALITY_GOOD); /* nobody said how often it comes */
    assert_int_equal(site_stats(dev).link, LINK_UP);
    site_fini(&site);
}

static void a_device_whose_values_are_all_stale_is_silent(void **state)
{
    (void)state;
    struct site site;
    struct device *dev = pushing(&site, false);
    dev->points[2].cls = dev->points[3].cls = dev->points[1].cls;
    driver_link(dev, true, 0, NULL);
    for (uint32_t i = 0; i < 4; i++) {
        push(dev, i, 1);
    }
    site_advance(&site, 20 * MINUTE);
    assert_int_equal(site_stats(dev).link, LINK_UP);
    site_advance(&site, 11 * MINUTE);
    assert_int_equal(site_stats(dev).link, LINK_DOWN);
    assert_int_equal(site_stats(dev).error, BUSBAR_ETIMEOUT);
    assert_non_null(strstr(site_stats(dev).detail, "silent: none of its values came"));
    assert_non_null(strstr(site_stats(dev).detail, "30m"));
    push(dev, 0, 1);
    assert_int_equal(site_stats(dev).link, LINK_UP);
    site_fini(&site);
}

static void a_pause_ends_with_values_that_are_not_yet_known(void **state)
{
    (void)state;
    struct site site;
    struct device *dev = pushing(&site, false);
    push(dev, 0, 1);
    host_pause(site.host, dev);
    site_advance(&site, SECOND);
    struct sample sample = { .type = VALUE_INT, .quality = QUALITY_GOOD };
    assert_int_equal(push_of(dev, 0, sample), BUSBAR_ECANCELED);
    assert_int_equal(dev->points[0].last.quality, QUALITY_PAUSED);
    host_resume(site.host, dev);
    site_advance(&site, SECOND);
    assert_int_equal(dev->points[0].last.quality, QUALITY_NOT_YET);
    site_fini(&site);
}

/* ---- names of values ---- */

static void names_become_their_numbers(void **state)
{
    (void)state;
    static const struct point_enum states[] = { { 0, "closed" }, { 1, "open" } };
    struct site site;
    struct device *dev = pushing(&site, false);
    site.cls.enums = states;
    site.cls.enum_count = 2;
    dev->points[2].cls = registry_class(site.registry, &site.cls);
    dev->points[2].value_type = VALUE_BOOL;
    dev->points[3].cls = dev->points[2].cls;
    struct text *open = text_new("open", 4), *digit = text_new("1", 1),
                *other = text_new("ajar", 4);
    struct sample sample = { .type = VALUE_TEXT, .value.text = open, .quality = QUALITY_GOOD };
    push_of(dev, 2, sample);
    push_of(dev, 3, sample);
    assert_int_equal(dev->points[2].last.type, VALUE_BOOL);
    assert_true(dev->points[2].last.value.b);
    assert_int_equal(dev->points[3].last.type, VALUE_INT);
    assert_int_equal(dev->points[3].last.value.i, 1);
    sample.value.text = digit;
    push_of(dev, 3, sample);
    assert_int_equal(dev->points[3].last.value.i, 1);
    assert_int_equal(dev->points[3].last.quality, QUALITY_GOOD);
    sample.value.text = other;
    push_of(dev, 3, sample);
    assert_int_equal(dev->points[3].last.quality, QUALITY_DECODE);
    busbar_free(open);
    busbar_free(digit);
    busbar_free(other);
    site_fini(&site);
}

/* ---- writes ---- */

struct told {
    int count;
    struct host_write_result result;
};

static void written(void *ctx, const struct host_write_result *result)
{
    struct told *told = ctx;
    told->count++;
    told->result = *result;
}

static void write_int(struct site *site, struct point *pt, int64_t value, struct told *told)
{
    *told = (struct told){ 0 };
    assert_int_equal(host_write(site->host, pt, VALUE_INT, (union value){ .i = value }, NULL, 0,
                                written, told, NULL),
                     0);
}

static void a_write_is_confirmed_by_what_comes_next(void **state)
{
    (void)state;
    struct site site;
    struct told told;
    struct device *dev = pushing(&site, false);
    write_int(&site, &dev->points[2], 42, &told);
    site_advance(&site, 100000); /* taken */
    push(dev, 2, 7);             /* on its way already when the device got it */
    push(dev, 1, 42);            /* another one */
    assert_int_equal(told.count, 0);
    push(dev, 2, 42);
    assert_int_equal(told.count, 1);
    assert_int_equal(told.result.error, 0);
    assert_true(told.result.read_back);
    assert_string_equal(told.result.message, "written, the device reports 42 after 100ms");
    assert_int_equal(fake_of(dev)->reads, 0);
    site_fini(&site);
}

static void a_value_that_comes_while_it_is_sent_counts(void **state)
{
    (void)state;
    struct site site;
    struct told told;
    struct device *dev = pushing(&site, false);
    write_int(&site, &dev->points[2], 42, &told);
    push(dev, 2, 42); /* before the driver knows that it was taken */
    assert_int_equal(told.count, 0);
    site_advance(&site, 20000);
    assert_int_equal(told.count, 1);
    assert_int_equal(told.result.error, 0);
    site_fini(&site);
}

static void a_write_that_is_not_reported_was_sent(void **state)
{
    (void)state;
    struct site site;
    struct told told;
    struct device *dev = pushing(&site, false);
    write_int(&site, &dev->points[2], 42, &told);
    site_advance(&site, 4 * SECOND);
    assert_int_equal(told.count, 0);
    site_advance(&site, 2 * SECOND);
    assert_int_equal(told.count, 1);
    assert_int_equal(told.result.error, 0);
    assert_false(told.result.read_back);
    assert_string_equal(told.result.message, "sent; the device has not reported the value yet");

    write_int(&site, &dev->points[2], 43, &told);
    site_advance(&site, 100000);
    push(dev, 2, 7);
    site_advance(&site, 6 * SECOND);
    assert_int_equal(told.result.error, BUSBAR_EREFUSED);
    assert_non_null(strstr(told.result.message, "the device reports 7 instead of 43"));

    write_int(&site, &dev->points[2], 44, &told);
    site_advance(&site, 100000);
    host_pause(site.host, dev);
    site_advance(&site, SECOND);
    assert_int_equal(told.count, 1);
    assert_int_equal(told.result.error, BUSBAR_ECANCELED);
    site_fini(&site);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_are_never_polled),
        cmocka_unit_test(its_link_is_up_when_it_was_heard),
        cmocka_unit_test(they_get_stale_where_it_is_configured),
        cmocka_unit_test(a_device_whose_values_are_all_stale_is_silent),
        cmocka_unit_test(a_pause_ends_with_values_that_are_not_yet_known),
        cmocka_unit_test(names_become_their_numbers),
        cmocka_unit_test(a_write_is_confirmed_by_what_comes_next),
        cmocka_unit_test(a_value_that_comes_while_it_is_sent_counts),
        cmocka_unit_test(a_write_that_is_not_reported_was_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
