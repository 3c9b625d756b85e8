/* SPDX-License-Identifier: Apache-2.0 */
#include "model/class_set.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"

static const struct point_enum two[] = { { 0, "off" }, { 1, "on" } };
static const struct free_label labels[] = { { "a", "1" }, { "b", "2" } };

static struct point_class base_class(void)
{
    return (struct point_class){ .units = "kW",
                                 .scale = 1,
                                 .every_us = 1000,
                                 .enums = two,
                                 .enum_count = 2,
                                 .labels = labels,
                                 .label_count = 2 };
}

static void equal_classes_are_one(void **state)
{
    (void)state;
    struct class_set set;
    class_set_init(&set);
    struct point_class a = base_class(), b = base_class();
    struct point_enum copy[] = { { 0, "off" }, { 1, "on" } };
    b.enums = copy;
    const struct point_class *first = class_set_intern(&set, &a);
    assert_ptr_equal(class_set_intern(&set, &b), first);
    assert_ptr_not_equal(first, &a);
    assert_ptr_not_equal(first->enums, two);
    assert_string_equal(first->enums[1].name, "on");
    assert_string_equal(first->labels[1].value, "2");
    a.units = NULL;
    b.units = "";
    assert_ptr_equal(class_set_intern(&set, &a), class_set_intern(&set, &b));
    assert_int_equal(set.count, 2);
    class_set_fini(&set);
}

/* Every field makes another class, with another hash. */
static void each_field_counts(void **state)
{
    (void)state;
    static const struct point_enum other[] = { { 0, "off" }, { 2, "on" } };
    static const struct free_label other_labels[] = { { "a", "1" }, { "b", "3" } };
    struct point_class all[22];
    size_t count = sizeof(all) / sizeof(all[0]);
    for (size_t i = 0; i < count; i++) {
        all[i] = base_class();
    }
    all[1].units = "W";
    all[2].enum_count = 1;
    all[3].enums = other;
    all[4].scale = 2;
    all[5].offset = 2;
    all[6].has_clamp = true;
    all[7].clamp_min = 2;
    all[8].clamp_max = 2;
    all[9].deadband = 2;
    all[10].counter = true;
    all[11].every_us = 2;
    all[12].stale_after_us = 2;
    all[13].keep_us = 2;
    all[14].write.allowed = true;
    all[15].write.confirm = true;
    all[16].write.has_min = true;
    all[17].write.has_max = true;
    all[18].write.min = 2;
    all[19].write.max = 2;
    all[20].label_count = 1;
    all[21].labels = other_labels;
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < count; k++) {
            assert_int_equal(point_class_equal(&all[i], &all[k]), i == k);
            assert_int_equal(point_class_hash(&all[i]) == point_class_hash(&all[k]), i == k);
        }
    }
}

static void many_stay_themselves(void **state)
{
    (void)state;
    enum { COUNT = 5000 };
    static const struct point_class *kept[COUNT];
    struct class_set set;
    class_set_init(&set);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < COUNT; i++) {
            struct point_class cls = base_class();
            cls.every_us = i;
            const struct point_class *got = class_set_intern(&set, &cls);
            assert_non_null(got);
            assert_true(round == 0 || got == kept[i]);
            kept[i] = got;
        }
    }
    assert_int_equal(set.count, COUNT);
    class_set_fini(&set);
}

/* Whatever allocation fails, the set stays whole. */
static void every_allocation_may_fail(void **state)
{
    (void)state;
    for (long n = 1; n < 12; n++) {
        struct class_set set;
        struct point_class cls = base_class();
        class_set_init(&set);
        alloc_fail_nth(n);
        const struct point_class *got = class_set_intern(&set, &cls);
        alloc_fail_nth(0);
        const struct point_class *again = class_set_intern(&set, &cls);
        assert_non_null(again);
        assert_true(got == NULL || got == again);
        assert_int_equal(set.count, 1);
        class_set_fini(&set);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_classes_are_one),
        cmocka_unit_test(each_field_counts),
        cmocka_unit_test(many_stay_themselves),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
