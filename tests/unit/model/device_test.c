/* SPDX-License-Identifier: Apache-2.0 */
#include "model/device.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "unit/model/fixture.h"

static void points_are_found_by_name(void **state)
{
    (void)state;
    enum { COUNT = 1500 };
    struct device *dev = fixture_device("d", COUNT, 1);
    char name[32];
    for (size_t i = 0; i < COUNT; i++) {
        snprintf(name, sizeof(name), "p-%zu", i);
        assert_ptr_equal(device_point(dev, name), &dev->points[i]);
    }
    assert_null(device_point(dev, "p-1500"));
    assert_null(device_point(dev, ""));
    device_free(dev);
}

static void a_device_without_points(void **state)
{
    (void)state;
    struct device *dev = fixture_device("d", 0, 1);
    assert_null(device_point(dev, "p-0"));
    assert_string_equal(dev->title, "");
    device_free(dev);
    device_free(NULL);
}

static void a_name_that_stands_twice(void **state)
{
    (void)state;
    struct device *dev = fixture_device("d", 5, 1);
    const char *duplicate;
    dev->points[4].name = "p-1";
    assert_false(device_index_points(dev, &duplicate));
    assert_string_equal(duplicate, "p-1");
    device_free(dev);
}

static void no_memory_is_told_apart(void **state)
{
    (void)state;
    struct device *dev = fixture_device("d", 5000,
                                        1); /* its block is full: the index needs another */
    const char *duplicate = "x";
    bool failed = false;
    for (int i = 0; i < 100 && !failed; i++) {
        alloc_fail_nth(1);
        failed = !device_index_points(dev, &duplicate);
        alloc_fail_nth(0);
    }
    assert_true(failed);
    assert_null(duplicate);
    device_free(dev);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(points_are_found_by_name),
        cmocka_unit_test(a_device_without_points),
        cmocka_unit_test(a_name_that_stands_twice),
        cmocka_unit_test(no_memory_is_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
