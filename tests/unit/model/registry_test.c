/* SPDX-License-Identifier: Apache-2.0 */
#include "model/registry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash.h"
#include "unit/model/fixture.h"

static void found_by_name_path_and_id(void **state)
{
    (void)state;
    struct registry *reg = registry_new();
    struct device *a = fixture_device("b-1", 3, 10), *b = fixture_device("a-1", 2, 20000);
    assert_int_equal(registry_add(reg, a), 0);
    assert_int_equal(registry_add(reg, b), 0);
    assert_ptr_equal(registry_device(reg, "b-1"), a);
    assert_null(registry_device(reg, "c"));
    assert_ptr_equal(registry_point(reg, "b-1/p-2"), &a->points[2]);
    assert_null(registry_point(reg, "b-1/p-3"));
    assert_null(registry_point(reg, "b-1"));
    assert_null(registry_point(reg, "x/p-1"));
    assert_null(registry_point(reg, "/"));
    assert_ptr_equal(registry_point_by_id(reg, 12), &a->points[2]);
    assert_ptr_equal(registry_point_by_id(reg, 20001), &b->points[1]);
    assert_null(registry_point_by_id(reg, 0));
    assert_null(registry_point_by_id(reg, 13));
    assert_null(registry_point_by_id(reg, UINT32_MAX));
    assert_int_equal(registry_point_count(reg), 5);
    size_t count;
    struct device *const *sorted = registry_devices(reg, &count);
    assert_int_equal(count, 2);
    assert_ptr_equal(sorted[0], b);
    registry_free(reg);
    registry_free(NULL);
}

/* What is refused stays the caller's and leaves nothing behind. */
static void names_and_ids_are_unique(void **state)
{
    (void)state;
    struct registry *reg = registry_new();
    struct device *a = fixture_device("a", 3, 10), *same = fixture_device("a", 1, 50);
    struct device *overlap = fixture_device("b", 4, 7);
    assert_int_equal(registry_add(reg, a), 0);
    assert_int_equal(registry_add(reg, same), BUSBAR_EEXIST);
    assert_int_equal(registry_add(reg, overlap), BUSBAR_EEXIST);
    assert_null(registry_point_by_id(reg, 7));
    assert_null(registry_device(reg, "b"));
    assert_ptr_equal(registry_point_by_id(reg, 10), &a->points[0]);
    assert_int_equal(registry_point_count(reg), 3);
    device_free(same);
    assert_ptr_equal(registry_take(reg, "a"), a);
    assert_null(registry_take(reg, "a"));
    assert_int_equal(registry_add(reg, overlap), 0);
    assert_ptr_equal(registry_point_by_id(reg, 10), &overlap->points[3]);
    device_free(a);
    registry_free(reg);
}

/* Random adds and takes against a plain array. */
static void agrees_with_an_array(void **state)
{
    (void)state;
    enum { NAMES = 40 };
    struct device *twin[NAMES] = { NULL };
    struct registry *reg = registry_new();
    uint64_t seed = 11;
    uint32_t next_id = 1;
    for (int round = 0; round < 3000; round++) {
        size_t at = hash_random(&seed) % NAMES;
        char name[16];
        snprintf(name, sizeof(name), "d-%zu", at);
        if (twin[at] == NULL) {
            twin[at] = fixture_device(name, hash_random(&seed) % 5, next_id);
            next_id += (uint32_t)twin[at]->point_count;
            assert_int_equal(registry_add(reg, twin[at]), 0);
        } else {
            assert_ptr_equal(registry_take(reg, name), twin[at]);
            for (size_t i = 0; i < twin[at]->point_count; i++) {
                assert_null(registry_point_by_id(reg, twin[at]->points[i].last.point));
            }
            device_free(twin[at]);
            twin[at] = NULL;
        }
        size_t devices = 0, points = 0, count;
        for (size_t i = 0; i < NAMES; i++) {
            devices += twin[i] != NULL;
            points += twin[i] != NULL ? twin[i]->point_count : 0;
        }
        struct device *const *sorted = registry_devices(reg, &count);
        assert_int_equal(count, devices);
        assert_int_equal(registry_device_count(reg), devices);
        assert_int_equal(registry_point_count(reg), points);
        for (size_t i = 1; i < count; i++) {
            assert_true(strcmp(sorted[i - 1]->name, sorted[i]->name) < 0);
        }
    }
    registry_free(reg);
}

static void classes_live_with_the_registry(void **state)
{
    (void)state;
    struct registry *reg = registry_new();
    struct point_class cls = fixture_class;
    const struct point_class *shared = registry_class(reg, &cls);
    assert_ptr_equal(registry_class(reg, &fixture_class), shared);
    cls.deadband = 1;
    assert_ptr_not_equal(registry_class(reg, &cls), shared);
    registry_free(reg);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(found_by_name_path_and_id),
        cmocka_unit_test(names_and_ids_are_unique),
        cmocka_unit_test(agrees_with_an_array),
        cmocka_unit_test(classes_live_with_the_registry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
