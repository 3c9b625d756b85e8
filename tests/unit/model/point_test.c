/* SPDX-License-Identifier: Apache-2.0 */
#include "model/point.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/quality.h"
#include "unit/model/fixture.h"

static void enums_both_ways(void **state)
{
    (void)state;
    static const struct point_enum dense[] = { { 0, "off" }, { 1, "on" } };
    static const struct point_enum sparse[] = { { -1, "fault" }, { 1, "up" }, { 40, "down" } };
    struct point_class cls = { .enums = dense, .enum_count = 2 };
    int64_t value = 9;
    assert_string_equal(point_enum_name(&cls, 1), "on");
    assert_null(point_enum_name(&cls, 2));
    assert_null(point_enum_name(&cls, -1));
    cls.enums = sparse;
    cls.enum_count = 3;
    assert_string_equal(point_enum_name(&cls, -1), "fault");
    assert_string_equal(point_enum_name(&cls, 1), "up");
    assert_null(point_enum_name(&cls, 0));
    assert_true(point_enum_value(&cls, "down", &value));
    assert_int_equal(value, 40);
    assert_false(point_enum_value(&cls, "Down", &value));
}

static void a_path_names_both(void **state)
{
    (void)state;
    struct device *dev = fixture_device("ahu-1", 2, 1);
    struct buf out;
    buf_init(&out, 100);
    point_path(&dev->points[1], &out);
    assert_string_equal(buf_text(&out), "ahu-1/p-1");
    buf_fini(&out);
    device_free(dev);
}

/* The live value moves with its text; the new object keeps its own id. */
static void live_values_move(void **state)
{
    (void)state;
    struct device *old = fixture_device("a", 1, 5), *new = fixture_device("a", 1, 6);
    struct point *from = &old->points[0], *to = &new->points[0];
    from->last.type = VALUE_TEXT;
    from->last.value.text = text_new("hello", 5);
    from->last.time_us = 77;
    from->last.quality = QUALITY_STALE;
    from->received = 12;
    from->since_us = 70;
    to->last.type = VALUE_TEXT;
    to->last.value.text = text_new("gone", 4);
    point_take_live(to, from);
    device_free(old);
    assert_int_equal(to->last.point, 6);
    assert_string_equal(to->last.value.text->bytes, "hello");
    assert_int_equal(to->last.quality, QUALITY_STALE);
    assert_int_equal(to->received, 12);
    assert_int_equal(to->since_us, 70);
    device_free(new);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(enums_both_ways),
        cmocka_unit_test(a_path_names_both),
        cmocka_unit_test(live_values_move),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
