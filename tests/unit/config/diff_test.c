/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "unit/config/fake_protocol.h"

static const char before[] =
    "version: 1\nsite: { id: hq }\nhistory: { keep: 1y }\ndefaults: { every: 10s }\ndevices:\n"
    "  ahu-1:\n"
    "    name: Roof\n"
    "    modbus: { tcp: 10.0.0.1, unit_id: 1 }\n"
    "    points:\n"
    "      sat: { holding: 1, type: float32, units: degC, write: { min: 16, max: 26 } }\n"
    "      fan: { holding: 3, enum: [stopped, running] }\n"
    "      noise: { holding: 4 }\n"
    "  same: { modbus: { tcp: 10.0.0.2 }, points: { a: { holding: 1 } } }\n"
    "  old: { modbus: { tcp: 10.0.0.3 }, points: { a: { holding: 1 } } }\n";
static const char after[] =
    "version: 1\nsite: { id: hq, timezone: UTC }\nhistory: { keep: 2y }\ndefaults: { every: 10s }\n"
    "devices:\n"
    "  pv-2: { modbus: { tcp: 10.0.0.4 }, points: { a: { holding: 1 }, b: { holding: 2 } } }\n"
    "  same: { modbus: { tcp: 10.0.0.2 }, points: { a: { holding: 1 } } }\n"
    "  ahu-1:\n"
    "    name: Roof\n"
    "    modbus: { tcp: 10.0.0.1, unit_id: 2, order: CDAB }\n"
    "    points:\n"
    "      sat: { holding: 1, type: float32, units: degF, write: { min: 16, max: 28 } }\n"
    "      fan: { holding: 3, enum: { 0: stopped, 1: running, 2: fault }, every: 1s }\n"
    "      rat: { holding: 5, labels: { duct: return } }\n";

static struct config *load(const char *yaml)
{
    struct config_text text = { .name = "a.yaml", .text = yaml, .size = strlen(yaml) };
    struct problems problems;
    struct config *config;
    problems_init(&problems);
    assert_int_equal(config_load_texts(&text, 1, &fake_env, &config, &problems), 0);
    problems_fini(&problems);
    return config;
}

static void changes_in_words(void **state)
{
    (void)state;
    struct config *old = load(before), *new = load(after);
    struct config_diff diff;
    struct buf out;
    buf_init(&out, 1 << 16);
    assert_int_equal(config_diff(old, new, &diff), 0);
    config_free(old);
    config_free(new); /* the texts are the diff's own */
    config_diff_print(&diff, &out);
    assert_string_equal(buf_text(&out), "~ history.keep 1y -> 2y\n"
                                        "~ site.timezone (not set) -> UTC\n"
                                        "~ ahu-1.unit_id 1 -> 2\n"
                                        "~ ahu-1.order (not set) -> CDAB\n"
                                        "~ ahu-1/sat.units degC -> degF\n"
                                        "~ ahu-1/sat.write.max 26 -> 28\n"
                                        "~ ahu-1/fan.enum 0=stopped|1=running -> "
                                        "0=stopped|1=running|2=fault\n"
                                        "~ ahu-1/fan.every 10s -> 1s\n"
                                        "+ ahu-1/rat\n"
                                        "- ahu-1/noise (history kept)\n"
                                        "- old (modbus, 1 point, history kept)\n"
                                        "+ pv-2 (modbus, 2 points)\n");
    assert_int_equal(diff.stopped_count, 1);
    assert_string_equal(diff.stopped[0], "ahu-1");
    buf_clear(&out);
    struct json_writer json = json_writer(&out);
    config_diff_json(&diff, &json);
    assert_non_null(strstr(buf_text(&out),
                           "{\"kind\":\"changed\",\"what\":\"ahu-1/sat.units\",\"old\":"
                           "\"degC\",\"new\":\"degF\",\"text\":\"~ ahu-1/sat.units "
                           "degC -> degF\"}"));
    buf_fini(&out);
    config_diff_fini(&diff);
}

static void policies_and_places_show(void **state)
{
    (void)state;
    struct config *old = load("version: 1\nhistory: { policies: { a: { match: x, keep: 1y },"
                              " b: { match: y, keep: 2y } } }\n");
    struct config *new = load("version: 1\nserver: { time_series: off }\nhistory: { tiers: off,"
                              " policies: { b: { match: y, keep: 2y, max_bytes: 1GB } } }\n");
    struct config_diff diff;
    struct buf out;
    buf_init(&out, 1 << 16);
    assert_int_equal(config_diff(old, new, &diff), 0);
    config_free(old);
    config_free(new);
    config_diff_print(&diff, &out);
    assert_string_equal(buf_text(&out),
                        "~ server.time_series 127.0.0.1:9090 -> off\n"
                        "~ history.tiers 10y -> off\n"
                        "~ history.policies.a 1. x keep 1y -> (not set)\n"
                        "~ history.policies.b 2. y keep 2y -> 1. y keep 2y max_bytes 1000000000\n");
    buf_fini(&out);
    config_diff_fini(&diff);
}

static void equal_has_no_changes(void **state)
{
    (void)state;
    struct config *old = load(before), *new = load(before);
    struct config_diff diff;
    assert_int_equal(config_diff(old, new, &diff), 0);
    assert_int_equal(diff.total, 0);
    assert_int_equal(diff.stopped_count, 0);
    config_diff_fini(&diff);
    config_free(old);
    config_free(new);
}

static void the_first_is_all_new(void **state)
{
    (void)state;
    struct config *new = load(before);
    struct config_diff diff;
    assert_int_equal(config_diff(NULL, new, &diff), 0);
    assert_int_equal(diff.total, 3);
    assert_int_equal(diff.changes[0].kind, '+');
    assert_string_equal(diff.changes[0].text, "+ ahu-1 (modbus, 3 points)");
    assert_int_equal(diff.stopped_count, 0);
    config_diff_fini(&diff);
    config_free(new);
}

/* Each key of a point shows when it changes: what can be configured cannot change in silence. */
static void each_key_shows(void **state)
{
    (void)state;
    static const char *const keys[] = {
        "name: x",           "type: int16", "order: DCBA",   "units: V",
        "enum: [a, b]",      "scale: 2",    "offset: 1",     "clamp: { min: 1 }",
        "clamp: { max: 1 }", "deadband: 1", "counter: true", "every: 3s",
        "stale_after: 1h",   "history: 3d", "write: true",   "write: { confirm: true }",
        "labels: { a: b }",
    };
    struct config *old = load(
        "version: 1\ndevices: { d: { modbus: { tcp: x }, points: { p: { holding: 1 } } } }\n");
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        char yaml[256];
        snprintf(yaml, sizeof(yaml),
                 "version: 1\ndevices: { d: { modbus: { tcp: x }, points: { p: { holding: 1, %s } "
                 "} } }\n",
                 keys[i]);
        struct config *new = load(yaml);
        struct config_diff diff;
        assert_int_equal(config_diff(old, new, &diff), 0);
        size_t key_size = strcspn(keys[i], ":");
        assert_true(diff.total >= 1);
        bool shown = false;
        for (size_t k = 0; k < diff.count; k++) {
            shown = shown || strncmp(diff.changes[k].what + 4, keys[i], key_size) == 0;
        }
        assert_true(shown);
        assert_int_equal(diff.stopped_count, 1);
        config_diff_fini(&diff);
        config_free(new);
    }
    config_free(old);
}

static void commands_in_words(void **state)
{
    (void)state;
    static const char head[] = "version: 1\ndevices:\n  a:\n    modbus: { tcp: x }\n"
                               "    points: { p: { holding: 1, write: true } }\n";
    char one[512], two[512];
    struct config_diff diff;
    struct buf out;
    snprintf(one, sizeof(one),
             "%s    commands: { go: { p: 1 }, reset: { pulse: x }, old: { pulse: y } }\n", head);
    snprintf(two, sizeof(two),
             "%s    commands: { go: { p: 2, name: Go }, reset: { pulse: x, times: 3, confirm: true "
             "}, new: { p: 1 } }\n",
             head);
    struct config *old = load(one), *new = load(two);
    buf_init(&out, 1 << 16);
    assert_int_not_equal(old->devices[0].hash, new->devices[0].hash);
    assert_int_equal(config_diff(old, new, &diff), 0);
    config_free(old);
    config_free(new);
    config_diff_print(&diff, &out);
    assert_string_equal(buf_text(&out), "~ a.commands.go.p 1 -> 2\n"
                                        "~ a.commands.go.name (not set) -> Go\n"
                                        "~ a.commands.reset.confirm (not set) -> true\n"
                                        "~ a.commands.reset.times (not set) -> 3\n"
                                        "+ a.commands.new\n"
                                        "- a.commands.old\n");
    assert_int_equal(diff.stopped_count, 1);
    config_diff_fini(&diff);
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changes_in_words),     cmocka_unit_test(policies_and_places_show),
        cmocka_unit_test(equal_has_no_changes), cmocka_unit_test(the_first_is_all_new),
        cmocka_unit_test(each_key_shows),       cmocka_unit_test(commands_in_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
