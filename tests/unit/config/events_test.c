/* SPDX-License-Identifier: Apache-2.0 */
/* Of devices that speak first: what they may tell of (`events:`), parts of their driver at the top of a file, and
 * points that come by themselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "fake_protocol.h"
#include "model/event.h"

enum { PUSH_MATCH };

static const struct option push_event_options[] = {
    { .key = "match", .type = OPTION_TEXT, .min = 1, .max = 100 },
    { .key = NULL },
};
static const struct option push_part_options[] = {
    { .key = "rate", .type = OPTION_INT, .min = 1, .max = 1000 },
    { .key = NULL },
};

static int push_check_event(const struct setup *setup, const struct settings *device,
                            const struct settings *event, struct err *err)
{
    (void)setup;
    (void)device;
    return settings_has(event, PUSH_MATCH)
               ? 0
               : err_at(err, BUSBAR_ECONFIG, event->at, "add 'match: EXPRESSION'",
                        "it does not say how it is found");
}

static int push_resolve(const struct setup *setup, const struct settings *device,
                        const struct settings *point, void *address, struct point_facts *facts,
                        struct err *err)
{
    int error = fake_resolve(setup, device, point, address, facts, err);
    facts->pushed = true;
    return error;
}

/* Tells how many parts the setup has as a warning. */
static int push_check_setup(const struct setup *setup, struct err *err)
{
    (void)err_set(err, 0, "%zu connectors", setup->part_count);
    return 0;
}

static const struct config_protocol protocols[] = {
    { .name = "push",
      .device_options = fake_device_options,
      .point_options = fake_point_options,
      .address_bytes = sizeof(struct fake_address),
      .setup_options = fake_command_options,
      .parts_key = "connectors",
      .part_options = push_part_options,
      .parts_on_top = true,
      .check_setup = push_check_setup,
      .resolve = push_resolve,
      .event_options = push_event_options,
      .check_event = push_check_event },
    { .name = "modbus",
      .device_options = fake_device_options,
      .point_options = fake_point_options,
      .address_bytes = sizeof(struct fake_address),
      .resolve = fake_resolve },
};
static const struct config_env env = { .protocols = protocols, .protocol_count = 2 };

/* Two files; the second may be "". Problems as text in `told`. */
static struct config *load(const char *first, const char *second, struct buf *told)
{
    const struct config_text texts[] = {
        { .name = "a.yaml", .text = first, .size = strlen(first) },
        { .name = "b.yaml", .text = second, .size = strlen(second) },
    };
    struct problems problems;
    struct config *config = NULL;
    problems_init(&problems);
    (void)config_load_texts(texts, second[0] != '\0' ? 2 : 1, &env, &config, &problems);
    buf_init(told, 64 * 1024);
    problems_print(&problems, told);
    problems_fini(&problems);
    return config;
}

static void expect(const char *first, const char *second, const char *words)
{
    struct buf told;
    struct config *config = load(first, second, &told);
    if (strstr(buf_text(&told), words) == NULL) {
        fail_msg("wanted: %s\ngot: %s", words, buf_text(&told));
    }
    buf_fini(&told);
    config_free(config);
}

#define HEAD "version: 1\n"

static const char site[] = HEAD
    "profiles:\n"
    "  panel:\n"
    "    push: {}\n"
    "    events:\n"
    "      door: { match: ^DOOR, text: 'door {door}', severity: high }\n"
    "      low-battery: { match: ^BATT, name: Battery }\n"
    "devices:\n"
    "  a: { profile: panel, events: { door: { match: ^TUER }, extra: { match: x } } }\n"
    "  b: { profile: panel }\n";

static struct device *make(const struct config *config, struct registry *registry, const char *name)
{
    struct device *dev = NULL;
    struct err err = { 0 };
    assert_int_equal(config_make_device(config, config_device(config, name), registry, &dev, &err),
                     0);
    return dev;
}

static void events_are_inherited_and_replaced(void **state)
{
    (void)state;
    struct buf told;
    struct config *config = load(site, "", &told);
    assert_non_null(config);
    struct registry *registry = registry_new();
    struct device *a = make(config, registry, "a"), *b = make(config, registry, "b");
    assert_int_equal(a->event_count, 3);
    assert_string_equal(a->events[0].name, "door");
    assert_string_equal(settings_text(a->events[0].settings, PUSH_MATCH), "^TUER");
    assert_string_equal(a->events[0].text, "");
    assert_int_equal(a->events[0].severity, EVENT_INFO);
    assert_string_equal(a->events[1].title, "Battery");
    assert_string_equal(a->events[2].name, "extra");
    assert_int_equal(b->event_count, 2);
    assert_string_equal(b->events[0].text, "door {door}");
    assert_int_equal(b->events[0].severity, EVENT_HIGH);
    config_free(config);
    assert_string_equal(settings_text(b->events[0].settings, PUSH_MATCH), "^DOOR");
    device_free(a);
    device_free(b);
    registry_free(registry);
    buf_fini(&told);
}

static void a_changed_event_is_a_changed_device(void **state)
{
    (void)state;
    static const char *const before = HEAD
        "devices: { a: { push: {}, events: { e: { match: x }, gone: { match: y } } } }\n";
    static const char *const after = HEAD
        "devices: { a: { push: {}, events: { e: { match: x, severity: low }, new: { match: z } } } "
        "}\n";
    struct buf told, told2, out;
    struct config *old = load(before, "", &told), *new = load(after, "", &told2);
    struct config_diff diff;
    buf_init(&out, 4096);
    assert_int_equal(config_diff(old, new, &diff), 0);
    config_diff_print(&diff, &out);
    assert_string_equal(buf_text(&out), "~ a.events.e.severity info -> low\n"
                                        "+ a.events.new\n"
                                        "- a.events.gone\n");
    assert_int_equal(diff.stopped_count, 1);
    config_diff_fini(&diff);
    buf_fini(&out);
    buf_fini(&told);
    buf_fini(&told2);
    config_free(old);
    config_free(new);
}

static void mistakes_in_events_are_told(void **state)
{
    (void)state;
    expect(HEAD "devices: { a: { push: {}, events: { e: { text: x } } } }\n", "",
           "it does not say how it is found");
    expect(HEAD "devices: { a: { push: {}, events: { e: { macth: x } } } }\n", "",
           "unknown key 'macth' in event 'e'");
    expect(HEAD "devices: { a: { push: {}, events: { e: { macth: x } } } }\n", "",
           "did you mean 'match'");
    expect(HEAD "devices: { a: { push: {}, events: { e: { match: x, severity: loud } } } }\n", "",
           "loud");
    expect(HEAD "devices: { a: { push: {}, events: [e] } }\n", "", "'events' wants keys");
    expect(HEAD "devices: { a: { push: {}, events: { 'a b': { match: x } } } }\n", "", "a b");
    expect(HEAD "devices: { a: { modbus: {}, events: { e: { match: x } } } }\n", "",
           "becomes an event by itself");
}

static void parts_may_stand_at_the_top(void **state)
{
    (void)state;
    struct buf told;
    static const char *const top = HEAD "connectors: { meters: { rate: 5 }, pv: {} }\n";
    static const char *const section = HEAD "drivers: { push: { times: 3 } }\n";
    for (int order = 0; order < 2; order++) {
        struct config *config = load(order == 0 ? top : section, order == 0 ? section : top, &told);
        assert_non_null(config);
        const struct setup *setup = config_driver(config, "push")->setup;
        assert_true(setup->given);
        assert_int_equal(setup->part_count, 2);
        assert_int_equal(settings_int(&setup_part(setup, "meters")->settings, 0), 5);
        assert_int_equal(settings_int(&setup->settings, FAKE_TIMES), 3);
        assert_non_null(strstr(buf_text(&told), "2 connectors")); /* checked as a whole */
        buf_fini(&told);
        config_free(config);
    }
    struct config *config = load(top, "", &told); /* and without a section */
    assert_true(config_driver(config, "push")->setup->given);
    assert_int_equal(config_driver(config, "push")->setup->part_count, 2);
    buf_fini(&told);
    config_free(config);
}

static void parts_stand_in_one_place(void **state)
{
    (void)state;
    static const char *const top = HEAD "connectors: { meters: {} }\n";
    expect(top, top, "'connectors' is also in a.yaml:2");
    expect(top, HEAD "drivers: { push: { connectors: { pv: {} } } }\n",
           "'connectors' is also below 'drivers: push' in b.yaml:2");
    expect(HEAD "connectors: { meters: { rat: 1 } }\n", "", "unknown key 'rat'");
    expect(HEAD "conectors: { meters: {} }\n", "", "unknown key 'conectors' at the top");
}

static void a_pushed_point_is_stale_when_it_says_how_often_it_comes(void **state)
{
    (void)state;
    struct buf told;
    struct config *config = load(HEAD "devices:\n"
                                      "  a:\n"
                                      "    push: {}\n"
                                      "    points:\n"
                                      "      own: { holding: 1 }\n"
                                      "      often: { holding: 2, every: 1m }\n"
                                      "      said: { holding: 3, every: 1m, stale_after: 5m }\n"
                                      "  b: { modbus: {}, points: { p: { holding: 1 } } }\n",
                                 "", &told);
    assert_non_null(config);
    struct registry *registry = registry_new();
    struct device *a = make(config, registry, "a"), *b = make(config, registry, "b");
    assert_true(a->points[0].pushed);
    assert_int_equal(a->points[0].cls->stale_after_us, 0);
    assert_int_equal(a->points[1].cls->stale_after_us, 180 * INT64_C(1000000));
    assert_int_equal(a->points[2].cls->stale_after_us, 300 * INT64_C(1000000));
    assert_false(b->points[0].pushed);
    device_free(a);
    device_free(b);
    registry_free(registry);
    buf_fini(&told);
    config_free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_are_inherited_and_replaced),
        cmocka_unit_test(a_changed_event_is_a_changed_device),
        cmocka_unit_test(mistakes_in_events_are_told),
        cmocka_unit_test(parts_may_stand_at_the_top),
        cmocka_unit_test(parts_stand_in_one_place),
        cmocka_unit_test(a_pushed_point_is_stale_when_it_says_how_often_it_comes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
