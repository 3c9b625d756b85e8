/* SPDX-License-Identifier: Apache-2.0 */
/* What a good configuration becomes: defaults, profiles, CSV, devices for the registry, hashes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "model/quality.h"
#include "unit/config/fake_protocol.h"

#define SECOND INT64_C(1000000)

static const char site[] =
    "version: 1\n"
    "site: { id: hq, name: \"Head office\", timezone: UTC }\n"
    "defaults: { every: 20s, history: 1y, retries: 5 }\n"
    "server: { http: \"127.0.0.1:9000\" }\n"
    "history: { keep: forever, max_bytes: 5GB, commit: 0 }\n"
    "points: { csv: many.csv }\n"
    "profiles:\n"
    "  meter:\n"
    "    place: cellar\n"
    "    every: 5s\n"
    "    labels: { kind: meter }\n"
    "    modbus: { order: CDAB, unit_id: 9 }\n"
    "    points:\n"
    "      power: { holding: 1, type: float32, units: kW, every: 1s }\n"
    "      energy: { holding: 3, units: kWh, counter: true }\n"
    "      spare: { holding: 5 }\n"
    "    commands: { reset: { pulse: all, times: 2 }, clear: { pulse: x } }\n"
    "devices:\n"
    "  m-2:\n"
    "    profile: meter\n"
    "    modbus: { tcp: 10.0.0.2 }\n"
    "  m-1:\n"
    "    name: First\n"
    "    profile: meter\n"
    "    modbus: { tcp: 10.0.0.1, unit_id: 3 }\n"
    "    history: forever\n"
    "    points:\n"
    "      power: { units: W, name: Power }\n"
    "      spare: { enabled: false }\n"
    "      mode: { holding: 7, enum: { 1: up, 0: down }, write: true }\n"
    "    commands:\n"
    "      clear: { name: Clear it, mode: down, confirm: true }\n"
    "      lift: { mode: 1 }\n"
    "  t-1:\n"
    "    enabled: false\n"
    "    timeout: 2s\n"
    "    modbus: { tcp: 10.0.0.3 }\n"
    "    points: { csv: t-1.csv, last: { input: 9, scale: 0.5 } }\n";
static const char t1_csv[] = "point,name,input,type,clamp.min,enum,label.a,label.b\n"
                             "level,Level,1,int16,-3,,x,y\n"
                             "state,,2,,,off|on|7=auto,,\n";
static const char many_csv[] = "device;point;holding;write.min;write.max;history\n"
                               "m-2;limit;20;1;5;2d\n"
                               "m-1;limit;21;;;\n";

static struct config *load(const char *yaml, const char *t1, const char *many,
                           struct problems *problems)
{
    const struct config_text texts[] = {
        { .name = "site.yaml", .text = yaml, .size = strlen(yaml) },
        { .name = "t-1.csv", .text = t1, .size = strlen(t1) },
        { .name = "many.csv", .text = many, .size = strlen(many) },
    };
    struct config *config;
    int error = config_load_texts(texts, 3, &fake_env, &config, problems);
    assert_true((error == 0) == (config != NULL));
    assert_true((error != 0) == (problems->errors > 0));
    return config;
}

static struct config *load_good(const char *yaml)
{
    struct problems problems;
    problems_init(&problems);
    struct config *config = load(yaml, t1_csv, many_csv, &problems);
    if (config == NULL) {
        struct buf text;
        buf_init(&text, 1 << 16);
        problems_print(&problems, &text);
        print_error("%s", buf_text(&text));
        buf_fini(&text);
    }
    assert_non_null(config);
    assert_int_equal(problems.warnings, 0);
    problems_fini(&problems);
    return config;
}

static struct device *make(const struct config *config, const char *name, struct registry *registry)
{
    struct device *dev;
    struct err err = { 0 };
    const struct config_device *from = config_device(config, name);
    assert_non_null(from);
    assert_int_equal(config_make_device(config, from, registry, &dev, &err), 0);
    return dev;
}

static void sections_and_defaults(void **state)
{
    (void)state;
    struct config *config = load_good(site);
    assert_string_equal(config->site.id, "hq");
    assert_string_equal(config->site.name, "Head office");
    assert_string_equal(config->server.http.host, "127.0.0.1");
    assert_int_equal(config->server.http.port, 9000);
    assert_true(config->history.keep_us == -1);
    assert_true(config->history.max_bytes == UINT64_C(5000000000));
    assert_int_equal(config->history.commit_us, 0);
    assert_int_equal(config->file_count, 3);
    assert_true(config->files[0].crc != 0 && config->files[2].bytes == sizeof(many_csv) - 1);
    assert_int_equal(config->device_count, 3);
    assert_int_equal(config->point_count, 4 + 4 + 3);
    assert_string_equal(config->devices[0].name, "m-1");
    assert_string_equal(config->devices[2].name, "t-1");
    assert_null(config_device(config, "m-3"));
    const struct config_device *t1 = config_device(config, "t-1");
    assert_false(t1->enabled);
    assert_int_equal(t1->timeout_us, 2 * SECOND);
    assert_int_equal(t1->retries, 5);
    assert_int_equal(t1->in_flight, 1);
    assert_int_equal(t1->at.line, 34);
    config_free(config);
}

static void time_series_and_policies(void **state)
{
    (void)state;
    struct config *config = load_good(
        "version: 1\n"
        "server: { http: off, time_series: '[::1]:9191' }\n"
        "history:\n"
        "  free_bytes: 1GiB\n"
        "  tiers: off\n"
        "  cold_after: 3d\n"
        "  policies:\n"
        "    meters: { match: '{device=~\"meter-.*\"}', keep: forever, max_bytes: 5GB }\n"
        "    a-rest: { match: \"{units=\\\"W\\\"}\", keep: 90d }\n");
    assert_int_equal(config->server.http.port, 0);
    assert_string_equal(config->server.series.host, "::1");
    assert_int_equal(config->server.series.port, 9191);
    assert_true(config->history.free_bytes == UINT64_C(1) << 30);
    assert_int_equal(config->history.tiers_keep_us, CONFIG_TIERS_OFF);
    assert_true(config->history.cold_after_us == 3 * 86400 * SECOND);
    assert_int_equal(config->history.policy_count, 2);
    const struct config_policy *first = &config->history.policies[0], *second = first + 1;
    assert_string_equal(first->name, "meters");
    assert_string_equal(first->match, "{device=~\"meter-.*\"}");
    assert_int_equal(first->keep_us, -1);
    assert_true(first->max_bytes == UINT64_C(5000000000));
    assert_string_equal(second->match, "{units=\"W\"}");
    assert_true(second->keep_us == 90 * 86400 * SECOND && second->max_bytes == 0);
    config_free(config);
}

static void empty_is_a_configuration(void **state)
{
    (void)state;
    struct config *config = load_good("version: 1\n");
    assert_int_equal(config->device_count, 0);
    assert_string_equal(config->server.http.host, "127.0.0.1");
    assert_int_equal(config->server.http.port, 8080);
    assert_string_equal(config->server.series.host, "127.0.0.1");
    assert_int_equal(config->server.series.port, 9090);
    assert_int_equal(config->history.policy_count, 0);
    assert_true(config->history.cold_after_us == 2 * 86400 * SECOND);
    assert_null(config_device(config, "x"));
    config_free(config);
}

/* A point of the device wins key by key over the profile's, the device's own come after. */
static void a_device_inherits(void **state)
{
    (void)state;
    struct config *config = load_good(site);
    struct registry *registry = registry_new();
    struct device *dev = make(config, "m-1", registry);
    assert_string_equal(dev->title, "First");
    assert_string_equal(dev->place, "cellar");
    assert_string_equal(dev->profile, "meter");
    assert_int_equal(dev->label_count, 1);
    assert_string_equal(dev->labels[0].value, "meter");
    assert_int_equal(dev->point_count, 4);
    assert_string_equal(dev->points[0].name, "power");
    assert_string_equal(dev->points[0].title, "Power");
    assert_string_equal(dev->points[0].cls->units, "W");
    assert_int_equal(dev->points[0].cls->every_us, 1 * SECOND);
    assert_int_equal(dev->points[0].value_type, VALUE_DOUBLE);
    assert_string_equal(dev->points[1].name, "energy");
    assert_true(dev->points[1].cls->counter);
    assert_int_equal(dev->points[1].cls->every_us, 5 * SECOND);
    assert_true(dev->points[1].cls->keep_us == -1);
    assert_null(device_point(dev, "spare"));
    struct point *mode = device_point(dev, "mode");
    assert_true(mode->writable && mode->readable);
    assert_string_equal(point_enum_name(mode->cls, 1), "up");
    assert_string_equal(point_enum_name(mode->cls, 0), "down");
    assert_int_equal(mode->last.quality, QUALITY_NOT_YET);
    const struct settings *settings = dev->settings;
    assert_int_equal(settings_int(settings, FAKE_UNIT_ID), 3);
    assert_int_equal(settings_int(settings, FAKE_ORDER), 1);
    assert_string_equal(settings_text(settings, FAKE_TCP), "10.0.0.1");
    device_free(dev);
    registry_free(registry);
    config_free(config);
}

/* Nothing of a device points into the configuration; the classes are shared. */
static void devices_outlive_the_configuration(void **state)
{
    (void)state;
    struct config *config = load_good(site);
    struct registry *registry = registry_new();
    struct device *one = make(config, "m-1", registry), *two = make(config, "m-2", registry);
    struct device *tank = make(config, "t-1", registry);
    config_free(config);
    assert_int_equal(two->point_count, 4);
    assert_string_equal(two->points[2].name, "spare");
    assert_string_equal(two->points[3].name, "limit");
    assert_true(two->points[3].cls->write.has_min && two->points[3].writable);
    assert_true(two->points[3].cls->keep_us == 2 * 86400 * SECOND);
    assert_ptr_not_equal(one->points[1].cls, two->points[1].cls); /* keeps differ */
    const struct fake_address *addresses = two->addresses;
    assert_int_equal(addresses[1].number, 3);
    assert_int_equal(addresses[3].number, 20);
    assert_int_equal(two->file_count, 2);
    assert_string_equal(two->files[0], "site.yaml");
    assert_string_equal(two->files[two->points[3].file], "many.csv");
    assert_int_equal(two->points[3].line, 2);
    assert_int_equal(two->points[0].line, 14);
    assert_true(tank->paused);
    struct point *level = device_point(tank, "level");
    assert_int_equal(level->cls->label_count, 2);
    assert_string_equal(level->cls->labels[1].key, "b");
    assert_true(level->cls->has_clamp && level->cls->clamp_min == -3);
    assert_int_equal(level->cls->every_us, 20 * SECOND);
    assert_string_equal(point_enum_name(device_point(tank, "state")->cls, 7), "auto");
    assert_int_equal(device_point(tank, "last")->value_type, VALUE_DOUBLE);
    assert_false(device_point(tank, "last")->writable);
    device_free(one);
    device_free(two);
    device_free(tank);
    registry_free(registry);
}

/* Replaces the first `from` in the site. Caller frees. */
static char *site_with(const char *from, const char *to)
{
    const char *place = strstr(site, from);
    assert_non_null(place);
    size_t size = sizeof(site) + strlen(to);
    char *text = calloc(1, size);
    assert_non_null(text);
    snprintf(text, size, "%.*s%s%s", (int)(place - site), site, to, place + strlen(from));
    return text;
}

static uint64_t hash_with(const char *device, const char *from, const char *to)
{
    char *text = site_with(from, to);
    struct config *config = load_good(text);
    uint64_t hash = config_device(config, device)->hash;
    config_free(config);
    free(text);
    return hash;
}

/* The hash follows what counts, and only that. */
static void hashes_follow_what_counts(void **state)
{
    (void)state;
    struct config *config = load_good(site);
    uint64_t m1 = config_device(config, "m-1")->hash, m2 = config_device(config, "m-2")->hash;
    assert_true(m1 != m2);
    assert_true(hash_with("m-1", "version: 1\n", "version: 1\n# moved down\n\n") == m1);
    assert_true(hash_with("m-1", "tcp: 10.0.0.1, unit_id: 3", "unit_id: 3, tcp: 10.0.0.1") == m1);
    assert_true(hash_with("m-1", "10.0.0.2", "10.0.0.9") == m1);
    assert_true(hash_with("m-2", "10.0.0.2", "10.0.0.9") != m2);
    assert_true(hash_with("m-1", "units: W", "units: VA") != m1);
    assert_true(hash_with("m-1", "name: Power", "name: Load") != m1);
    assert_true(hash_with("m-1", "1: up", "1: high") != m1);
    assert_true(hash_with("m-1", "kind: meter", "kind: motor") != m1);
    assert_true(hash_with("m-2", "every: 5s", "every: 6s") != m2);
    assert_true(hash_with("m-2", "holding: 5 ", "holding: 6 ") != m2);
    assert_true(hash_with("m-2", "retries: 5", "retries: 6") != m2);
    config_free(config);
}

static void an_unchanged_device_is_relocated(void **state)
{
    (void)state;
    struct config *config = load_good(site);
    struct registry *registry = registry_new();
    struct device *dev = make(config, "m-1", registry);
    config_free(config);
    char *text = site_with("version: 1\n", "version: 1\n\n\n");
    config = load_good(text);
    assert_true(config_device(config, "m-1")->hash == dev->hash);
    config_relocate_device(config, config_device(config, "m-1"), dev);
    assert_int_equal(dev->line, 24);
    assert_int_equal(dev->points[0].line, 30);
    assert_int_equal(dev->points[1].line, 17);
    assert_string_equal(dev->files[dev->points[3].file], "many.csv");
    device_free(dev);
    registry_free(registry);
    config_free(config);
    free(text);
}

/* A secret's new value changes the device; a secret that is not set is an error. */
static void secrets_are_looked_up(void **state)
{
    (void)state;
    static const char yaml[] = "version: 1\ndevices: { a: { modbus: { tcp: x, password: !secret "
                               "door }, points: { p: { holding: 1 } } } }\n";
    struct config_text text = { .name = "a.yaml", .text = yaml, .size = sizeof(yaml) - 1 };
    char folder[] = "/tmp/busbar-test-XXXXXX";
    assert_non_null(mkdtemp(folder));
    struct secrets *secrets;
    assert_int_equal(secrets_open(folder, &secrets, NULL), 0);
    struct config_env env = fake_env;
    env.secrets = secrets;
    struct problems problems;
    struct config *config;
    problems_init(&problems);
    assert_int_equal(config_load_texts(&text, 1, &env, &config, &problems), BUSBAR_ECONFIG);
    assert_int_equal(problems.count, 1);
    assert_string_equal(problems.list[0].message, "secret 'door' is not set");
    assert_string_equal(problems.list[0].hint, "busbar secret set door");
    problems_fini(&problems);
    uint64_t hashes[2];
    for (int i = 0; i < 2; i++) {
        problems_init(&problems);
        assert_int_equal(secrets_set(secrets, "door", i == 0 ? "abc" : "xyz", NULL), 0);
        assert_int_equal(config_load_texts(&text, 1, &env, &config, &problems), 0);
        hashes[i] = config->devices[0].hash;
        config_free(config);
        problems_fini(&problems);
    }
    assert_true(hashes[0] != hashes[1]);
    secrets_close(secrets);
    char command[64];
    snprintf(command, sizeof(command), "%s/secrets", folder);
    assert_int_equal(remove(command), 0);
    snprintf(command, sizeof(command), "%s/secrets.key", folder);
    assert_int_equal(remove(command), 0);
    assert_int_equal(remove(folder), 0);
}

/* Every beginning of good files is either fine or told, and nothing is left behind. */
static void every_truncation_is_survived(void **state)
{
    (void)state;
    size_t good = 0;
    char *text = strdup(site);
    for (size_t size = sizeof(site) - 1; size > 0; size--) {
        struct problems problems;
        problems_init(&problems);
        text[size] = '\0';
        struct config *config = load(text, t1_csv, many_csv, &problems);
        good += config != NULL;
        config_free(config);
        problems_fini(&problems);
    }
    assert_true(good > 0);
    free(text);
    text = strdup(many_csv);
    for (size_t size = sizeof(many_csv) - 1; size > 0; size--) {
        struct problems problems;
        problems_init(&problems);
        text[size] = '\0';
        config_free(load(site, t1_csv, text, &problems));
        problems_fini(&problems);
    }
    free(text);
}

/* The n-th allocation that may fail fails, for every n: an error is returned, nothing leaks. */
static void every_allocation_may_fail(void **state)
{
    (void)state;
    alloc_fail_nth(0);
    struct problems problems;
    problems_init(&problems);
    config_free(load(site, t1_csv, many_csv, &problems));
    problems_fini(&problems);
    long count = alloc_try_count(), failed = 0;
    assert_true(count > 10);
    for (long n = 1; n <= count; n++) {
        problems_init(&problems);
        alloc_fail_nth(n);
        struct config *config = load(site, t1_csv, many_csv, &problems);
        alloc_fail_nth(0);
        if (config != NULL) { /* only giving back spare room failed */
            assert_int_equal(config->point_count, 11);
        } else {
            failed++;
        }
        config_free(config);
        problems_fini(&problems);
    }
    assert_true(failed > count / 2);
}

/* Text is told as the protocol's table reads it, wherever a key stands. */
static void json_has_the_same_fields(void **state)
{
    (void)state;
    struct problems problems;
    struct buf out;
    problems_init(&problems);
    buf_init(&out, 1 << 16);
    assert_null(load("version: 1\nsite: { nam: \"x\" }\n", t1_csv, many_csv, &problems));
    struct json_writer json = json_writer(&out);
    problems_json(&problems, &json);
    assert_true(json_complete(&json));
    assert_string_equal(
        buf_text(&out),
        "[{\"file\":\"site.yaml\",\"line\":2,\"column\":9,\"width\":3,\"severity\":\"error\","
        "\"message\":\"unknown key 'nam' in 'site'\",\"hint\":\"did you mean 'name'? Others: id, "
        "timezone\",\"source\":\"site: { nam: \\\"x\\\" }\"}]");
    buf_fini(&out);
    problems_fini(&problems);
}

/* 20,000 points from YAML and 100,000 from CSV; generous, for a sanitizer on a busy machine. */
static void long_lists_are_quick(void **state)
{
    (void)state;
    enum { DEVICES = 100, POINTS = 1000 };
    struct buf yaml, csv;
    buf_init(&yaml, 8 << 20);
    buf_init(&csv, 16 << 20);
    buf_append_text(&yaml, "version: 1\npoints: { csv: many.csv }\ndevices:\n");
    buf_append_text(&csv, "device,point,holding,type,units,scale\n");
    for (int d = 0; d < DEVICES; d++) {
        buf_printf(&yaml, "  m-%d: { modbus: { tcp: x, unit_id: %d } }\n", d, d);
        for (int p = 0; p < POINTS; p++) {
            buf_printf(&csv, "m-%d,p-%d,%d,uint16,kW,0.1\n", d, p, p);
        }
    }
    int64_t began = clock_mono_us();
    struct problems problems;
    problems_init(&problems);
    struct config *config = load(buf_text(&yaml), t1_csv, buf_text(&csv), &problems);
    assert_non_null(config);
    assert_int_equal(config->point_count, DEVICES * POINTS);
    assert_true(clock_mono_us() - began < 20 * SECOND);
    config_free(config);
    problems_fini(&problems);
    buf_fini(&yaml);
    buf_fini(&csv);
}

/* The profile's in their order, replaced by the device's own of that name; then the rest. */
static void commands_are_inherited(void **state)
{
    (void)state;
    struct config *config = load_good(site);
    struct registry *registry = registry_new();
    struct device *dev = make(config, "m-1", registry), *heir = make(config, "m-2", registry);
    config_free(config); /* nothing of a device points into it */
    assert_int_equal(dev->command_count, 3);
    assert_string_equal(dev->commands[0].name, "reset");
    assert_string_equal(settings_text(dev->commands[0].settings, FAKE_COIL), "all");
    assert_int_equal(settings_int(dev->commands[0].settings, FAKE_TIMES), 2);
    assert_int_equal(dev->commands[0].preset_count, 0);
    const struct device_command *clear = &dev->commands[1];
    assert_string_equal(clear->title, "Clear it");
    assert_true(clear->confirm);
    assert_null(clear->settings);
    assert_int_equal(clear->preset_count, 1);
    assert_string_equal(dev->points[clear->presets[0].point].name, "mode");
    assert_string_equal(clear->presets[0].value, "down");
    assert_string_equal(dev->commands[2].name, "lift");
    assert_int_equal(heir->command_count, 2);
    assert_string_equal(settings_text(heir->commands[1].settings, FAKE_COIL), "x");
    assert_int_equal(settings_int(heir->commands[1].settings, FAKE_TIMES), 1);
    device_free(dev);
    device_free(heir);
    registry_free(registry);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sections_and_defaults),
        cmocka_unit_test(time_series_and_policies),
        cmocka_unit_test(empty_is_a_configuration),
        cmocka_unit_test(a_device_inherits),
        cmocka_unit_test(commands_are_inherited),
        cmocka_unit_test(devices_outlive_the_configuration),
        cmocka_unit_test(hashes_follow_what_counts),
        cmocka_unit_test(an_unchanged_device_is_relocated),
        cmocka_unit_test(secrets_are_looked_up),
        cmocka_unit_test(every_truncation_is_survived),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(json_has_the_same_fields),
        cmocka_unit_test(long_lists_are_quick),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
