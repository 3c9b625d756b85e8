/* SPDX-License-Identifier: Apache-2.0 */
/* Writes: checked before, sent once, read back, told in words. */
#include "fake_driver.h"

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

static struct device *writable_device(struct site *site)
{
    static const struct point_enum states[] = { { 0, "stopped" }, { 1, "running" } };
    site_init(site);
    site->cls.units = "degC";
    site->cls.write = (struct point_write){ .allowed = true, .has_max = true, .max = 1000 };
    struct device *dev = site_device(site, "ahu-1", 4);
    site->cls.scale = 0.1;
    dev->points[1].cls = registry_class(site->registry, &site->cls);
    dev->points[1].value_type = VALUE_DOUBLE;
    site->cls.scale = 1.0;
    site->cls.enums = states;
    site->cls.enum_count = 2;
    dev->points[2].cls = registry_class(site->registry, &site->cls);
    dev->points[3].readable = false;
    assert_int_equal(host_add(site->host, dev, &site->settings, NULL), 0);
    for (int i = 0; i < 4; i++) {
        fake_of(dev)->raw[i].value.i = i % 2;
    }
    site_advance(site, 3 * CLOCK_US_PER_S);
    return dev;
}

static int write_int(struct site *site, struct point *pt, int64_t value, struct told *told)
{
    *told = (struct told){ 0 };
    return host_write(site->host, pt, VALUE_INT, (union value){ .i = value }, NULL, 0, written,
                      told, NULL);
}

static void a_write_is_read_back_and_seen_at_once(void **state)
{
    (void)state;
    struct site site;
    struct told told;
    struct device *dev = writable_device(&site);
    assert_int_equal(write_int(&site, &dev->points[0], 42, &told), 0);
    assert_int_equal(told.count, 0);
    site_advance(&site, 25000);
    assert_int_equal(told.count, 1);
    assert_int_equal(told.result.error, 0);
    assert_true(told.result.read_back);
    assert_int_equal(told.result.before.value.i, 0);
    assert_int_equal(told.result.after.value.i, 42);
    assert_int_equal(dev->points[0].last.value.i, 42);
    assert_string_equal(told.result.message, "written, read back 42 degC after 20ms");
    assert_int_equal(fake_of(dev)->writes, 1);
    site_fini(&site);
}

static void a_scaled_value_is_rounded_by_the_device(void **state)
{
    (void)state;
    struct site site;
    struct told told = { 0 };
    struct device *dev = writable_device(&site);
    assert_int_equal(host_write(site.host, &dev->points[1], VALUE_DOUBLE,
                                (union value){ .d = 22.5 }, NULL, 0, written, &told, NULL),
                     0);
    site_advance(&site, 25000);
    assert_int_equal(told.result.error, 0);
    assert_true(told.result.after.value.d == 22.5);
    assert_int_equal(fake_of(dev)->raw[1].type, VALUE_DOUBLE);
    site_fini(&site);
}

static void a_state_is_written_by_name(void **state)
{
    (void)state;
    struct site site;
    struct told told = { 0 };
    struct device *dev = writable_device(&site);
    struct text *text = text_new("running", 7);
    assert_int_equal(host_write(site.host, &dev->points[2], VALUE_TEXT,
                                (union value){ .text = text }, NULL, 0, written, &told, NULL),
                     0);
    busbar_free(text); /* only borrowed */
    site_advance(&site, 25000);
    assert_string_equal(told.result.message, "written, read back running after 20ms");
    assert_int_equal(fake_of(dev)->raw[2].value.i, 1);
    site_fini(&site);
}

/* An OID written in digits is read back by its name: the driver knows. */
static void a_text_is_compared_as_the_device_spells_it(void **state)
{
    (void)state;
    struct site site;
    struct told told = { 0 };
    struct device *dev = writable_device(&site);
    struct text *text = text_new("1.3.6", 5);
    struct text *spelt = text_new("dod", 3);
    struct text *other = text_new("org", 3);
    dev->points[0].value_type = VALUE_TEXT;
    fake_of(dev)->raw[0].type = VALUE_TEXT;
    fake_of(dev)->raw[0].value.text = spelt;
    fake_of(dev)->spells = spelt;
    assert_int_equal(host_write(site.host, &dev->points[0], VALUE_TEXT,
                                (union value){ .text = text }, NULL, 0, written, &told, NULL),
                     0);
    site_advance(&site, 25000);
    assert_int_equal(told.result.error, 0);
    assert_string_equal(told.result.message, "written, read back dod after 20ms");
    fake_of(dev)->ignore_write = true;
    fake_of(dev)->raw[0].value.text = other;
    assert_int_equal(host_write(site.host, &dev->points[0], VALUE_TEXT,
                                (union value){ .text = text }, NULL, 0, written, &told, NULL),
                     0);
    site_advance(&site, 6000000);
    assert_int_equal(told.result.error, BUSBAR_EREFUSED);
    site_fini(&site);
    busbar_free(text);
    busbar_free(spelt);
    busbar_free(other);
}

static void what_is_wrong_is_said_before_anything_is_sent(void **state)
{
    (void)state;
    struct site site;
    struct told told = { 0 };
    struct err err = { 0 };
    struct device *dev = writable_device(&site);
    dev->points[0].writable = false;
    assert_int_equal(host_write(site.host, &dev->points[0], VALUE_INT, (union value){ .i = 1 },
                                NULL, 0, written, &told, &err),
                     BUSBAR_EPERM);
    assert_non_null(strstr(err.message, "cannot be written"));
    assert_int_equal(write_int(&site, &dev->points[1], 1001, &told), BUSBAR_ERANGE);
    host_pause(site.host, dev);
    assert_int_equal(write_int(&site, &dev->points[1], 10, &told), BUSBAR_EBUSY);
    site_advance(&site, CLOCK_US_PER_S);
    assert_int_equal(fake_of(dev)->writes, 0);
    assert_int_equal(told.count, 0);
    site_fini(&site);
}

static void no_answer_is_not_repeated(void **state)
{
    (void)state;
    struct site site;
    struct told told;
    struct device *dev = writable_device(&site);
    fake_of(dev)->mode = FAKE_SILENT;
    fake_of(dev)->patience_us = 3600 * CLOCK_US_PER_S;
    assert_int_equal(write_int(&site, &dev->points[0], 42, &told), 0);
    site_advance(&site, 4900000);
    assert_int_equal(told.count, 0);
    site_advance(&site, 60 * CLOCK_US_PER_S);
    assert_int_equal(told.count, 1);
    assert_int_equal(told.result.error, BUSBAR_ETIMEOUT);
    assert_non_null(strstr(told.result.message, "not known"));
    assert_int_equal(fake_of(dev)->writes, 1);
    site_fini(&site);
}

static void a_refusal_is_explained(void **state)
{
    (void)state;
    struct site site;
    struct told told;
    struct device *dev = writable_device(&site);
    fake_of(dev)->mode = FAKE_REFUSE;
    assert_int_equal(write_int(&site, &dev->points[0], 42, &told), 0);
    site_advance(&site, 100000);
    assert_int_equal(told.result.error, BUSBAR_EREFUSED);
    assert_int_equal(told.result.detail, 2);
    assert_string_equal(told.result.message, "refused: there is no such address in the device");
    site_fini(&site);
}

static void a_device_that_keeps_its_value_is_found_out(void **state)
{
    (void)state;
    struct site site;
    struct told told;
    struct device *dev = writable_device(&site);
    fake_of(dev)->ignore_write = true;
    assert_int_equal(write_int(&site, &dev->points[0], 42, &told), 0);
    site_advance(&site, 4 * CLOCK_US_PER_S);
    assert_int_equal(told.count, 0); /* read again and again: it may need a moment */
    site_advance(&site, 2 * CLOCK_US_PER_S);
    assert_int_equal(told.count, 1);
    assert_int_equal(told.result.error, BUSBAR_EREFUSED);
    assert_non_null(strstr(told.result.message, "reads back 0 degC instead of 42 degC"));
    assert_int_equal(fake_of(dev)->writes, 1);
    fake_of(dev)->ignore_write = false;
    fake_of(dev)->delay_us = 300000;
    assert_int_equal(write_int(&site, &dev->points[0], 43, &told), 0);
    site_advance(&site, CLOCK_US_PER_S);
    assert_int_equal(told.result.error, 0);
    site_fini(&site);
}

static void a_point_that_cannot_be_read_is_written_blind(void **state)
{
    (void)state;
    struct site site;
    struct told told;
    struct device *dev = writable_device(&site);
    assert_int_equal(write_int(&site, &dev->points[3], 5, &told), 0);
    site_advance(&site, 100000);
    assert_int_equal(told.result.error, 0);
    assert_false(told.result.read_back);
    assert_string_equal(told.result.message, "written; this point cannot be read back");
    site_fini(&site);
}

static void removing_the_device_ends_its_writes(void **state)
{
    (void)state;
    struct site site;
    struct told sending, resting;
    struct device *dev = writable_device(&site);
    fake_of(dev)->ignore_write = true;
    assert_int_equal(write_int(&site, &dev->points[0], 42, &resting), 0);
    site_advance(&site, 50000); /* taken, read back, waiting to read again */
    fake_of(dev)->delay_us = CLOCK_US_PER_S;
    assert_int_equal(write_int(&site, &dev->points[1], 7, &sending), 0);
    host_remove(site.host, dev, site_count_removed, &site);
    site_advance(&site, 1000);
    assert_int_equal(site.removed, 1);
    assert_int_equal(sending.count, 1);
    assert_int_equal(sending.result.error, BUSBAR_ECANCELED);
    assert_int_equal(resting.count, 1);
    assert_int_equal(resting.result.error, BUSBAR_ECANCELED);
    site_fini(&site);
}

static void a_write_that_is_taken_wakes_a_silent_device(void **state)
{
    (void)state;
    struct site site;
    struct told told;
    struct device *dev = writable_device(&site);
    fake_of(dev)->mode = FAKE_SILENT;
    site_advance(&site, 100 * CLOCK_US_PER_S);
    assert_int_equal(site_stats(dev).link, LINK_DOWN);
    fake_of(dev)->mode = FAKE_ANSWER;
    while (fake_of(dev)->open_now > 0) {
        site_advance(&site, 1000);
    }
    assert_int_equal(write_int(&site, &dev->points[0], 42, &told), 0);
    site_advance(&site, 100000);
    assert_int_equal(told.result.error, 0);
    assert_int_equal(site_stats(dev).link, LINK_UP);
    site_fini(&site);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_write_is_read_back_and_seen_at_once),
        cmocka_unit_test(a_scaled_value_is_rounded_by_the_device),
        cmocka_unit_test(a_state_is_written_by_name),
        cmocka_unit_test(a_text_is_compared_as_the_device_spells_it),
        cmocka_unit_test(what_is_wrong_is_said_before_anything_is_sent),
        cmocka_unit_test(no_answer_is_not_repeated),
        cmocka_unit_test(a_refusal_is_explained),
        cmocka_unit_test(a_device_that_keeps_its_value_is_found_out),
        cmocka_unit_test(a_point_that_cannot_be_read_is_written_blind),
        cmocka_unit_test(removing_the_device_ends_its_writes),
        cmocka_unit_test(a_write_that_is_taken_wakes_a_silent_device),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
