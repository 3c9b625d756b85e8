/* SPDX-License-Identifier: Apache-2.0 */
/* The section `drivers`, its mistakes and differences, setups that outlive a configuration, and
 * devices that stand in no file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/str.h"
#include "unit/config/fake_field.h"

#define DEVICES                                                               \
    "devices:\n"                                                              \
    "  plain: { modbus: { tcp: 10.0.0.1 }, points: { a: { holding: 1 } } }\n" \
    "  ahu: { field: { device: 7, network: roof }, points: { a: { holding: 1 } } }\n"
static const char whole[] = "version: 1\n"
                            "drivers:\n"
                            "  field:\n"
                            "    title: Plant\n"
                            "    networks:\n"
                            "      roof: { interface: eth1, port: 47809 }\n"
                            "      cellar: { interface: eth0 }\n" DEVICES;

static struct config *load_with(const char *yaml, const struct config_env *with)
{
    struct config_text text = { .name = "a.yaml", .text = yaml, .size = strlen(yaml) };
    struct problems problems;
    struct config *config = NULL;
    struct buf words;
    buf_init(&words, 1 << 16);
    problems_init(&problems);
    if (config_load_texts(&text, 1, with, &config, &problems) != 0) {
        problems_print(&problems, &words);
        print_message("%s", buf_text(&words));
        fail();
    }
    problems_fini(&problems);
    buf_fini(&words);
    return config;
}

static struct config *load(const char *yaml)
{
    return load_with(yaml, &field_env);
}

static void a_setup_outlives_its_configuration(void **state)
{
    (void)state;
    struct config *config = load(whole);
    struct setup *setup = NULL;
    const struct config_driver *driver = config_driver(config, "field");
    assert_null(config_driver(config, "none"));
    assert_int_equal(driver->at.line, 3);
    assert_int_equal(config_make_setup(driver->setup, &setup), 0);
    uint64_t hash = driver->setup->hash;
    assert_true(setup_equal(setup, driver->setup));
    config_free(config);

    assert_true(setup->given);
    assert_true(setup->hash != 0 && setup->hash == hash);
    assert_string_equal(settings_text(&setup->settings, SETUP_TITLE), "Plant");
    assert_int_equal(settings_int(&setup->settings, SETUP_ID), 4194000); /* the default */
    assert_int_equal(setup->part_count, 2);
    assert_string_equal(setup->parts[0].name, "cellar");
    const struct setup_part *roof = setup_part(setup, "roof");
    assert_non_null(roof);
    assert_string_equal(settings_text(&roof->settings, PART_INTERFACE), "eth1");
    assert_int_equal(settings_int(&roof->settings, PART_PORT), 47809);
    struct position at = settings_at(&roof->settings, PART_PORT);
    assert_string_equal(at.file, "a.yaml");
    assert_int_equal(at.line, 6);
    assert_int_equal(at.column, 38);
    assert_int_equal(settings_int(&setup_part(setup, "cellar")->settings, PART_PORT), 47808);
    assert_null(setup_part(setup, "attic"));
    setup_free(setup);
}

static void without_a_section_it_is_empty(void **state)
{
    (void)state;
    struct config *config = load(
        "version: 1\ndevices:\n"
        "  ahu: { field: { device: 7 }, points: { a: { holding: 1 } } }\n");
    const struct setup *setup = config_driver(config, "field")->setup;
    assert_false(setup->given);
    assert_int_equal(setup->hash, 0);
    assert_int_equal(settings_int(&setup->settings, SETUP_ID), 4194000);
    struct config *empty = load("version: 1\ndrivers: { field: }\ndevices:\n"
                                "  ahu: { field: { device: 7 }, points: { a: { holding: 1 } } }\n");
    assert_true(config_driver(empty, "field")->setup->given);
    assert_true(config_driver(empty, "field")->setup->hash != 0);
    assert_true(empty->devices[0].hash != config->devices[0].hash);
    assert_true(empty->devices[0].own_hash == config->devices[0].own_hash);
    config_free(empty);
    config_free(config);
}

static void copying_fails_as_a_whole(void **state)
{
    (void)state;
    struct config *config = load(whole);
    const struct setup *from = config_driver(config, "field")->setup;
    struct setup *setup = NULL;
    int failures = 0;
    for (long n = 1;; n++) {
        alloc_fail_nth(n);
        int error = config_make_setup(from, &setup);
        alloc_fail_nth(0);
        if (error == 0) {
            break;
        }
        assert_int_equal(error, BUSBAR_ENOMEM);
        assert_null(setup);
        failures++;
    }
    assert_true(failures > 0);
    setup_free(setup);
    config_free(config);
}

struct mistake {
    const char *yaml, *place, *message, *hint;
};

static const struct mistake mistakes[] = {
    { "version: 1\ndrivers: { feild: {} }\n", "2:12", "there is no driver 'feild'",
      "did you mean 'field'?" },
    { "version: 1\ndrivers: { modbus: { tcp: x } }\n", "2:12",
      "'modbus' has no settings of its own", "into the devices" },
    { "version: 1\ndrivers: [field]\n", "2:10", "'drivers' wants keys", "" },
    { "version: 1\ndrivers: { field: 3 }\n", "2:19", "'field' wants keys", "" },
    { "version: 1\ndrivers: { field: { titel: x } }\n", "2:21",
      "unknown key 'titel' in 'drivers: field'",
      "did you mean 'title'? Others: id, password, net" },
    { "version: 1\ndrivers: { field: { networcs: {} } }\n", "2:21", "unknown key 'networcs'",
      "did you mean 'networks'?" },
    { "version: 1\ndrivers: { field: { id: 5000000 } }\n", "2:25", "'id' is 5000000", "" },
    { "version: 1\ndrivers: { field: { password: open } }\n", "2:31", "must not stand in the file",
      "busbar secret set" },
    { "version: 1\ndrivers: { field: { networks: { roof: { interface: a, prt: 3 } } } }\n", "2:55",
      "unknown key 'prt' in 'roof' of 'networks'", "did you mean 'port'?" },
    { "version: 1\ndrivers: { field: { networks: { 'a b': { interface: a } } } }\n", "2:34",
      "cannot name a part of 'networks'", "'a-b'" },
    { "version: 1\ndrivers: { field: { networks: { roof: { interface: a, port: 0 } } } }\n", "2:61",
      "'port' is 0, it must be 1 to 65535", "" },
    { "version: 1\ndrivers: { field: { networks: { roof: { port: 1 } } } }\n", "2:33",
      "network 'roof' has no interface", "add 'interface: eth0'" },
    { "version: 1\ndrivers: { field: {} }\ndevices:\n"
      "  ahu: { field: { device: 7, network: roof }, points: { a: { holding: 1 } } }\n",
      "4:39", "there is no network 'roof'", "" },
};

/* fake_resolve() knows no points that can be released; this one does. */
static int resolve_releasable(const struct setup *setup, const struct settings *device,
                              const struct settings *point, void *address,
                              struct point_facts *facts, struct err *err)
{
    int error = fake_resolve(setup, device, point, address, facts, err);
    facts->releasable = true;
    facts->priority = 16;
    return error;
}

static void priorities_are_for_points_that_can_be_released(void **state)
{
    (void)state;
    struct config_protocol both[] = { field_protocols[0], field_protocols[1] };
    struct config_env with = { .protocols = both, .protocol_count = 2 };
    both[1].resolve = resolve_releasable;
    static const char yaml[] = "version: 1\ndevices:\n"
                               "  ahu:\n    field: { device: 7 }\n    points:\n"
                               "      own: { holding: 1, write: { priority: 5, max_time: 4h } }\n"
                               "      plain: { holding: 2, write: true }\n"
                               "      read: { input: 2 }\n";
    struct config *config = load_with(yaml, &with);
    struct registry *registry = registry_new();
    struct device *dev = NULL;
    assert_int_equal(config_make_device(config, &config->devices[0], registry, &dev, NULL), 0);
    assert_true(dev->points[0].releasable);
    assert_int_equal(dev->points[0].priority, 5);
    assert_int_equal(dev->points[0].cls->write.max_time_us, INT64_C(4) * 3600 * 1000000);
    assert_true(dev->points[1].releasable);
    assert_int_equal(dev->points[1].priority, 16); /* the driver's */
    assert_false(dev->points[2].releasable);       /* it cannot be written */
    device_free(dev);
    registry_free(registry);
    config_free(config);

    static const char *const wrong[][2] = {
        { "holding: 1, write: { priority: 5 }", "'p' has 'priority' in 'write', but it has no" },
        { "holding: 1, write: { max_time: 5m }", "'p' has 'max_time' in 'write', but it has no" },
        { "holding: 1, write: { priority: 17 }", "'priority' is 17, it must be 1 to 16" },
        { "holding: 1, write: { priorty: 5 }", "unknown key 'priorty' in 'write'" },
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char text[256];
        struct problems problems;
        str_format(text, sizeof(text),
                   "version: 1\ndevices: { a: { modbus: { tcp: x }, points: { p: { %s } } } }\n",
                   wrong[i][0]);
        struct config_text source = { .name = "a.yaml", .text = text, .size = strlen(text) };
        problems_init(&problems);
        assert_int_equal(config_load_texts(&source, 1, &field_env, &config, &problems),
                         BUSBAR_ECONFIG);
        assert_int_equal(problems.errors, 1);
        if (strstr(problems.list[0].message, wrong[i][1]) == NULL) {
            fail_msg("%s: %s", wrong[i][0], problems.list[0].message);
        }
        problems_fini(&problems);
    }
}

static void mistakes_are_told_where_they_are(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
        const struct mistake *want = &mistakes[i];
        struct config_text text = { .name = "a.yaml",
                                    .text = want->yaml,
                                    .size = strlen(want->yaml) };
        struct problems problems;
        struct config *config = NULL;
        char place[64] = "";
        problems_init(&problems);
        assert_int_equal(config_load_texts(&text, 1, &field_env, &config, &problems),
                         BUSBAR_ECONFIG);
        assert_null(config);
        assert_int_equal(problems.errors, 1);
        const struct problem *problem = &problems.list[0];
        str_format(place, sizeof(place), "%d:%d", problem->at.line, problem->at.column);
        if (strcmp(place, want->place) != 0 || strstr(problem->message, want->message) == NULL ||
            strstr(problem->hint, want->hint) == NULL) {
            fail_msg("%s is told at %s: %s (%s)", want->yaml, place, problem->message,
                     problem->hint);
        }
        problems_fini(&problems);
    }
}

static void a_driver_stands_once_over_all_files(void **state)
{
    (void)state;
    static const char one[] = "version: 1\ndrivers: { field: {} }\n";
    static const char two[] = "drivers:\n  field: {}\n";
    struct config_text texts[] = {
        { .name = "a.yaml", .text = one, .size = sizeof(one) - 1 },
        { .name = "b.yaml", .text = two, .size = sizeof(two) - 1 },
    };
    struct problems problems;
    struct config *config = NULL;
    problems_init(&problems);
    assert_int_equal(config_load_texts(texts, 2, &field_env, &config, &problems), BUSBAR_ECONFIG);
    assert_int_equal(problems.errors, 1);
    assert_string_equal(problems.list[0].at.file, "b.yaml");
    assert_string_equal(problems.list[0].message, "'drivers: field' is also in a.yaml:2");
    problems_fini(&problems);
}

static void assert_diff(const char *from, const char *to, const char *expected, size_t stopped)
{
    struct config *old = load(from), *new = load(to);
    struct config_diff diff;
    struct buf out;
    buf_init(&out, 1 << 16);
    assert_int_equal(config_diff(old, new, &diff), 0);
    config_free(old);
    config_free(new);
    config_diff_print(&diff, &out);
    assert_string_equal(buf_text(&out), expected);
    assert_int_equal(diff.stopped_count, stopped);
    buf_fini(&out);
    config_diff_fini(&diff);
}

static void differences_in_words(void **state)
{
    (void)state;
    static const char other[] = "version: 1\n"
                                "drivers:\n"
                                "  field:\n"
                                "    id: 12\n"
                                "    title: Plant\n"
                                "    networks:\n"
                                "      attic: { interface: eth2 }\n"
                                "      roof: { interface: eth1, port: 47810 }\n" DEVICES;
    static const char none[] =
        "version: 1\ndevices:\n"
        "  plain: { modbus: { tcp: 10.0.0.1 }, points: { a: { holding: 1 } } }\n"
        "  ahu: { field: { device: 7 }, points: { a: { holding: 1 } } }\n";
    assert_diff(whole, whole, "", 0);
    /* The device stops for a moment, though nothing of its own changed. */
    assert_diff(whole, other,
                "~ drivers.field.id (not set) -> 12\n"
                "+ drivers.field.networks.attic\n"
                "- drivers.field.networks.cellar\n"
                "~ drivers.field.networks.roof.port 47809 -> 47810\n",
                1);
    assert_diff(none, whole, "+ drivers.field\n~ ahu.network (not set) -> roof\n", 1);
    assert_diff(whole, none, "- drivers.field\n~ ahu.network roof -> (not set)\n", 1);
}

/* ---- devices in no file ---- */

static const struct setup *running;

static const struct setup *running_setup(void *ctx, const char *protocol)
{
    (void)ctx;
    return strcmp(protocol, "field") == 0 ? running : NULL;
}

static void a_lone_device_knows_the_running_setup(void **state)
{
    (void)state;
    struct config *config = load(whole);
    struct config_env with = field_env;
    struct registry *registry = registry_new();
    struct device *dev = NULL;
    struct err err = { 0 };
    running = config_driver(config, "field")->setup;
    with.setup = running_setup;
    assert_int_equal(config_make_lone_device(&with, registry, "stranger-1", "field",
                                             "{ device: 9, network: roof }", &dev, &err),
                     0);
    assert_string_equal(dev->name, "stranger-1");
    assert_string_equal(dev->protocol, "field");
    assert_int_equal(dev->point_count, 0);
    assert_int_equal(settings_int(dev->settings, FIELD_DEVICE), 9);
    device_free(dev);

    static const char *const wrong[][2] = {
        { "{ device: 9, network: attic }", "there is no network 'attic'" },
        { "{ devise: 9 }", "unknown key 'devise'" },
        { "device: 9", "no settings of a device" },
        { "{ device: 9 }\n  b: { field: {} }", "no settings of a device" },
        { "{ device: 9 ", "no settings of a device" },
        { "{ device: 9 }, points: { a: { holding: 1 } }", "" },
        { "{ a: { b }", "" },
        { "", "no settings of a device" },
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        err = (struct err){ 0 };
        assert_int_equal(config_make_lone_device(&with, registry, "stranger-2", "field",
                                                 wrong[i][0], &dev, &err),
                         BUSBAR_ECONFIG);
        assert_null(dev);
        assert_non_null(strstr(err.message, wrong[i][1]));
    }
    registry_free(registry);
    config_free(config);
}

/* Beside the configuration, or as it stands. */
static void files_count_from_the_configuration(void **state)
{
    (void)state;
    static const struct {
        const char *name, *is;
    } rows[] = { { "plant.pem", "/etc/site/plant.pem" },
                 { "tls/plant.pem", "/etc/site/tls/plant.pem" },
                 { "/etc/ssl/plant.pem", "/etc/ssl/plant.pem" } };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[200];
        struct config_env env = field_env;
        env.files = "/etc/site";
        snprintf(text, sizeof(text),
                 "version: 1\ndevices:\n  ahu: { field: { device: 7, ca: %s }, points: { a: { "
                 "holding: 1 } } }\n",
                 rows[i].name);
        struct config *config = load_with(text, &env);
        struct registry *registry = registry_new();
        struct device *dev = NULL;
        assert_int_equal(config_make_device(config, &config->devices[0], registry, &dev, NULL), 0);
        assert_string_equal(settings_text(dev->settings, FIELD_CA), rows[i].is);
        device_free(dev);
        registry_free(registry);
        config_free(config);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_setup_outlives_its_configuration),
        cmocka_unit_test(without_a_section_it_is_empty),
        cmocka_unit_test(copying_fails_as_a_whole),
        cmocka_unit_test(priorities_are_for_points_that_can_be_released),
        cmocka_unit_test(mistakes_are_told_where_they_are),
        cmocka_unit_test(a_driver_stands_once_over_all_files),
        cmocka_unit_test(differences_in_words),
        cmocka_unit_test(a_lone_device_knows_the_running_setup),
        cmocka_unit_test(files_count_from_the_configuration),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
