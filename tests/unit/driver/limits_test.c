/* SPDX-License-Identifier: Apache-2.0 */
/* Learned limits: kept by name in order, saved when they change, bounded. */
#include "fake_driver.h"

#include "driver/host_private.h"

static void list(void *ctx, const char *name, int64_t value)
{
    char *text = ctx;
    size_t used = strlen(text);
    str_format(text + used, 256 - used, "%s=%lld ", name, (long long)value);
}

static void limits_are_kept_and_saved_once(void **state)
{
    (void)state;
    struct site site;
    char text[256] = "";
    int64_t value = 0;
    site_init(&site);
    struct device *dev = site_add(&site, "ahu-1", 1, CLOCK_US_PER_S);
    driver_limit_set(dev, "registers-per-read", 64);
    assert_int_equal(site.limit_saved, 64);
    site.limit_saved = 0;
    driver_limit_set(dev, "registers-per-read", 64);
    assert_int_equal(site.limit_saved, 0); /* nothing new */
    host_limit_restore(site.host, dev, "in-flight", 2);
    assert_int_equal(site.limit_saved, 0);
    driver_limit_set(dev, "registers-per-read", 32);
    assert_true(driver_limit_get(dev, "registers-per-read", &value));
    assert_int_equal(value, 32);
    assert_false(driver_limit_get(dev, "coils-per-read", &value));
    host_limits(dev, list, text);
    assert_string_equal(text, "registers-per-read=32 in-flight=2 ");
    site_fini(&site);
}

static void a_device_has_a_bounded_number_of_limits(void **state)
{
    (void)state;
    struct site site;
    int64_t value;
    char name[32];
    site_init(&site);
    struct device *dev = site_add(&site, "ahu-1", 1, CLOCK_US_PER_S);
    for (int i = 0; i < DRIVER_LIMITS_MAX + 10; i++) {
        str_format(name, sizeof(name), "refuses-%d", i);
        driver_limit_set(dev, name, i);
    }
    str_format(name, sizeof(name), "refuses-%d", DRIVER_LIMITS_MAX - 1);
    assert_true(driver_limit_get(dev, name, &value));
    str_format(name, sizeof(name), "refuses-%d", DRIVER_LIMITS_MAX);
    assert_false(driver_limit_get(dev, name, &value));
    site_fini(&site);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits_are_kept_and_saved_once),
        cmocka_unit_test(a_device_has_a_bounded_number_of_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
