/* SPDX-License-Identifier: Apache-2.0 */
/* What a driver says of a point by its address alone (names of values, units, counters), why it cannot be written, and
 * what a driver warns of. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "unit/config/fake_protocol.h"

static const struct point_enum states[] = { { 1, "up" }, { 2, "down" } };

/* holding 1 to 9 have names, 10 to 19 units, 20 to 29 count; inputs say what would help. */
static int resolve(const struct setup *setup, const struct settings *device,
                   const struct settings *point, void *address, struct point_facts *facts,
                   struct err *err)
{
    int error = fake_resolve(setup, device, point, address, facts, err);
    int64_t holding = settings_int(point, FAKE_HOLDING);
    if (holding >= 1 && holding <= 9) {
        facts->enums = states;
        facts->enum_count = 2;
    } else if (holding >= 10 && holding <= 19) {
        facts->units = "octets";
    } else {
        facts->counter = holding >= 20 && holding <= 29;
    }
    facts->unwritable = settings_has(point, FAKE_INPUT) ? "say its type" : NULL;
    return error;
}

static int check(const struct setup *setup, const struct settings *device, struct err *err)
{
    int error = fake_check(setup, device, err);
    if (error == 0 && settings_int(device, FAKE_UNIT_ID) == 13) {
        (void)err_at(err, 0, settings_at(device, FAKE_UNIT_ID), "take 12", "13 is unlucky");
    }
    return error;
}

static const struct config_protocol protocols[] = {
    { .name = "modbus",
      .device_options = fake_device_options,
      .point_options = fake_point_options,
      .address_bytes = sizeof(struct fake_address),
      .check = check,
      .resolve = resolve,
      .command_options = fake_command_options,
      .check_command = fake_check_command },
};
static const struct config_env env = { .protocols = protocols, .protocol_count = 1 };

static struct config *load(const char *yaml, struct problems *problems)
{
    const struct config_text text = { .name = "site.yaml", .text = yaml, .size = strlen(yaml) };
    struct config *config = NULL;
    problems_init(problems);
    (void)config_load_texts(&text, 1, &env, &config, problems);
    return config;
}

static void addresses_say_what_the_points_do_not(void **state)
{
    struct problems problems;
    struct device *dev = NULL;
    struct registry *registry = registry_new();
    (void)state;
    struct config *config = load("version: 1\n"
                                 "devices:\n"
                                 "  a:\n"
                                 "    modbus: { tcp: h }\n"
                                 "    points:\n"
                                 "      p0: { holding: 1, write: true }\n"
                                 "      p1: { holding: 2, enum: { 1: open } }\n"
                                 "      p2: { holding: 3, scale: 0.1 }\n"
                                 "      p3: { holding: 10 }\n"
                                 "      p4: { holding: 10, units: kB }\n"
                                 "      p5: { holding: 10, scale: 8 }\n"
                                 "      p6: { holding: 20 }\n"
                                 "      p7: { holding: 30 }\n"
                                 "    commands: { lift: { p0: down } }\n",
                                 &problems);
    assert_int_equal(problems.count, 0);
    assert_int_equal(config_make_device(config, &config->devices[0], registry, &dev, NULL), 0);
    const struct point *points = dev->points;
    assert_int_equal(points[0].cls->enum_count, 2);
    assert_string_equal(point_enum_name(points[0].cls, 2), "down");
    assert_int_equal(points[1].cls->enum_count, 1); /* its own come first */
    assert_string_equal(point_enum_name(points[1].cls, 1), "open");
    assert_int_equal(points[2].cls->enum_count, 0); /* not the device's number any more */
    assert_string_equal(points[3].cls->units, "octets");
    assert_string_equal(points[4].cls->units, "kB");
    assert_string_equal(points[5].cls->units, "");
    assert_true(points[6].cls->counter);
    assert_false(points[7].cls->counter);
    assert_string_equal(points[7].cls->units, "");
    device_free(dev);
    config_free(config);
    problems_fini(&problems);
    registry_free(registry);
}

static void why_it_cannot_be_written(void **state)
{
    struct problems problems;
    (void)state;
    struct config *config = load("version: 1\ndevices:\n  a:\n    modbus: { tcp: h }\n"
                                 "    points: { p: { input: 1, write: true } }\n",
                                 &problems);
    assert_null(config);
    assert_int_equal(problems.errors, 1);
    assert_string_equal(problems.list[0].hint, "say its type");
    problems_fini(&problems);
}

static void warnings_are_told_once(void **state)
{
    struct problems problems;
    (void)state;
    struct config *config = load(
        "version: 1\n"
        "devices:\n"
        "  a: { modbus: { tcp: h, unit_id: 13 }, points: { p: { holding: 30 } } }\n"
        "  b: { modbus: { tcp: h, unit_id: 13 }, points: { p: { holding: 30 } } }\n"
        "  c: { modbus: { tcp: h, unit_id: 12 }, points: { p: { holding: 30 } } }\n"
        "  d: { modbus: { tcp: h, unit_id: 13 }, points: { p: { holding: 30 } } }\n",
        &problems);
    assert_non_null(config);
    assert_int_equal(problems.errors, 0);
    assert_int_equal(problems.count, 2);
    assert_true(problems.list[0].warning);
    assert_string_equal(problems.list[0].message, "13 is unlucky");
    assert_string_equal(problems.list[0].hint, "take 12");
    assert_int_equal(problems.list[0].at.line, 3);
    assert_string_equal(problems.list[1].message, "'b' and 1 more as well: 13 is unlucky");
    assert_int_equal(problems.list[1].at.line, 4);
    config_free(config);
    problems_fini(&problems);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_say_what_the_points_do_not),
        cmocka_unit_test(why_it_cannot_be_written),
        cmocka_unit_test(warnings_are_told_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
