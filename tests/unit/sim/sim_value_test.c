/* SPDX-License-Identifier: Apache-2.0 */
/* Simulated values: believable, the same for the same seed, alive, inside what the point allows. */
#include "sim/sim_value.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define S INT64_C(1000000)
static const int64_t start_us = INT64_C(1780000000) * S;

static struct device *make_device(const char *name)
{
    struct device *dev = device_new();
    dev->name = name;
    return dev;
}

static double at(const struct sim_value *value, const struct point *pt, uint8_t raw_type,
                 int64_t wall_us)
{
    uint8_t type;
    union value raw;
    double number = 0.0;
    sim_value_raw(value, pt, raw_type, wall_us, &type, &raw);
    assert_int_equal(type, raw_type);
    assert_true(value_number(type, raw, &number));
    return number;
}

static void a_temperature_drifts_around_what_is_usual(void **state)
{
    (void)state;
    struct device *dev = make_device("ahu-1");
    struct point_class cls = { .units = "degC", .scale = 0.1 };
    struct point pt = { .name = "sat", .device = dev, .cls = &cls, .value_type = VALUE_DOUBLE };
    struct sim_value value = sim_value_make(&pt, VALUE_INT, 1);
    double least = 1e9, most = -1e9, last = at(&value, &pt, VALUE_INT, start_us);
    for (int i = 1; i < 7200; i++) {
        double raw = at(&value, &pt, VALUE_INT, start_us + i * S); /* tenths of a degree */
        assert_true(fabs(raw - last) <= 6.0);                      /* no jumps */
        least = fmin(least, raw);
        most = fmax(most, raw);
        last = raw;
    }
    assert_true(least > 150 && most < 280);
    assert_true(most - least > 15); /* and it lives */
    device_free(dev);
}

static void the_same_seed_gives_the_same_values(void **state)
{
    (void)state;
    struct device *dev = make_device("meter-1");
    struct point_class cls = { .units = "kW", .scale = 1.0 };
    struct point pt = { .name = "power", .device = dev, .cls = &cls, .value_type = VALUE_DOUBLE };
    struct point other = pt;
    other.name = "power-2";
    struct sim_value a = sim_value_make(&pt, VALUE_DOUBLE, 7);
    struct sim_value b = sim_value_make(&pt, VALUE_DOUBLE, 7);
    struct sim_value c = sim_value_make(&pt, VALUE_DOUBLE, 8);
    struct sim_value d = sim_value_make(&other, VALUE_DOUBLE, 7);
    int same_c = 0, same_d = 0;
    for (int i = 0; i < 1000; i++) {
        int64_t now_us = start_us + i * S;
        double one = at(&a, &pt, VALUE_DOUBLE, now_us);
        assert_true(one == at(&b, &pt, VALUE_DOUBLE, now_us));
        same_c += one == at(&c, &pt, VALUE_DOUBLE, now_us) ? 1 : 0;
        same_d += one == at(&d, &other, VALUE_DOUBLE, now_us) ? 1 : 0;
    }
    assert_true(same_c < 50 && same_d < 50);
    device_free(dev);
}

static void a_counter_only_grows(void **state)
{
    (void)state;
    struct device *dev = make_device("meter-1");
    struct point_class cls = { .units = "kWh", .scale = 0.1, .counter = true };
    struct point pt = { .name = "energy", .device = dev, .cls = &cls, .value_type = VALUE_DOUBLE };
    struct sim_value value = sim_value_make(&pt, VALUE_INT, 1);
    double first = at(&value, &pt, VALUE_INT, start_us), last = first;
    for (int i = 1; i < 3600; i++) {
        double raw = at(&value, &pt, VALUE_INT, start_us + i * S);
        assert_true(raw >= last);
        last = raw;
    }
    assert_true(last > first);
    device_free(dev);
}

static void a_state_is_one_of_its_own_and_changes(void **state)
{
    (void)state;
    static const struct point_enum states[] = { { 2, "off" }, { 5, "on" }, { 9, "fault" } };
    struct device *dev = make_device("pump-1");
    struct point_class cls = { .units = "", .scale = 1.0, .enums = states, .enum_count = 3 };
    struct point pt = { .name = "mode", .device = dev, .cls = &cls, .value_type = VALUE_INT };
    struct sim_value value = sim_value_make(&pt, VALUE_INT, 1);
    int changes = 0;
    int64_t last = -1;
    for (int i = 0; i < 3600; i++) {
        int64_t number = (int64_t)at(&value, &pt, VALUE_INT, start_us + i * S);
        assert_non_null(point_enum_name(&cls, number));
        changes += number != last ? 1 : 0;
        last = number;
    }
    assert_in_range(changes, 10, 121);
    device_free(dev);
}

static void a_set_point_stands_still_inside_its_limits(void **state)
{
    (void)state;
    struct device *dev = make_device("ahu-1");
    struct point_class cls = {
        .units = "degC",
        .scale = 0.1,
        .write = { .allowed = true, .has_min = true, .has_max = true, .min = 16, .max = 26 },
    };
    struct point pt = { .name = "sp", .device = dev, .cls = &cls, .value_type = VALUE_DOUBLE };
    struct sim_value value = sim_value_make(&pt, VALUE_INT, 1);
    for (int i = 0; i < 1000; i++) {
        assert_true(at(&value, &pt, VALUE_INT, start_us + i * 10 * S) == 210.0);
    }
    device_free(dev);
}

static void a_clamp_is_not_hit(void **state)
{
    (void)state;
    struct device *dev = make_device("x");
    struct point_class cls = { .units = "%", .scale = 1.0, .has_clamp = true, .clamp_max = 60.0 };
    struct point pt = { .name = "valve", .device = dev, .cls = &cls, .value_type = VALUE_DOUBLE };
    struct sim_value value = sim_value_make(&pt, VALUE_DOUBLE, 1);
    for (int i = 0; i < 3600; i++) {
        double number = at(&value, &pt, VALUE_DOUBLE, start_us + i * S);
        assert_true(number >= -0.5 && number <= 60.5);
    }
    device_free(dev);
}

static void a_text_names_the_device(void **state)
{
    (void)state;
    char text[64];
    struct device *dev = make_device("meter-1");
    struct point_class cls = { .units = "", .scale = 1.0 };
    struct point pt = { .name = "serial", .device = dev, .cls = &cls, .value_type = VALUE_TEXT };
    struct sim_value value = sim_value_make(&pt, VALUE_TEXT, 1);
    assert_int_equal(value.kind, SIM_TEXT);
    size_t size = sim_value_text(&value, &pt, text, sizeof(text));
    assert_int_equal(size, strlen(text));
    assert_memory_equal(text, "meter-1 serial ", 15);
    device_free(dev);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_temperature_drifts_around_what_is_usual),
        cmocka_unit_test(the_same_seed_gives_the_same_values),
        cmocka_unit_test(a_counter_only_grows),
        cmocka_unit_test(a_state_is_one_of_its_own_and_changes),
        cmocka_unit_test(a_set_point_stands_still_inside_its_limits),
        cmocka_unit_test(a_clamp_is_not_hit),
        cmocka_unit_test(a_text_names_the_device),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
