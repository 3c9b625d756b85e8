/* SPDX-License-Identifier: Apache-2.0 */
/* Holds over a restart: what the host asks to be kept is in the state, in order, and comes back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "app/holds.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "unit/config/folder.h"

static const char site[] = "version: 1\nserver: { http: off, time_series: off }\ndevices:\n"
                           "  a: { modbus: { tcp: 127.0.0.1:1 }, points: { x: { holding: 1 } } }\n";

struct plant {
    struct folder folder;
    char config[128], data[128];
    struct app_options options;
    struct gateway gw;
    int saved, error;
};

static int open_plant(void **state)
{
    struct plant *plant = test_calloc(1, sizeof *plant);
    folder_make(&plant->folder);
    snprintf(plant->config, sizeof plant->config, "%s", folder_path(&plant->folder, "site.yaml"));
    snprintf(plant->data, sizeof plant->data, "%s", folder_path(&plant->folder, "data"));
    folder_put(&plant->folder, "site.yaml", site);
    plant->options = (struct app_options){ .config_path = plant->config,
                                           .data_folder = plant->data };
    assert_int_equal(gateway_open(&plant->gw, &plant->options), 0);
    *state = plant;
    return 0;
}

static int close_plant(void **state)
{
    struct plant *plant = *state;
    gateway_close(&plant->gw);
    folder_drop(&plant->folder);
    test_free(plant);
    return 0;
}

static void reopen(struct plant *plant)
{
    gateway_close(&plant->gw);
    assert_int_equal(gateway_open(&plant->gw, &plant->options), 0);
}

static void saved(void *ctx, int error)
{
    struct plant *plant = ctx;
    plant->saved++;
    plant->error = error;
}

static void wait_saved(struct plant *plant, int count)
{
    while (plant->saved < count) {
        loop_turn(plant->gw.loop, true);
    }
    assert_int_equal(plant->error, 0);
}

static struct host_hold hold_of(const char *path, uint8_t priority, const char *value)
{
    return (struct host_hold){ .path = path,
                               .priority = priority,
                               .value = value,
                               .who = "eva",
                               .from = "here",
                               .since_us = clock_wall_us(),
                               .until_us = clock_wall_us() + 3600 * CLOCK_US_PER_S };
}

static void see(void *ctx, const struct host_hold *hold)
{
    char *text = ctx;
    size_t size = strlen(text);
    str_format(text + size, 256 - size, "%s@%u=%s %s %s;", hold->path, hold->priority, hold->value,
               hold->who, hold->from);
    assert_true(hold->until_us > hold->since_us && hold->since_us > 0);
}

static void they_come_back(void **state)
{
    struct plant *plant = *state;
    struct host_hold_store store = holds_store();
    char text[256] = "";
    for (int i = 0; i < 5; i++) { /* in order: the last one counts */
        char value[16];
        str_format(value, sizeof value, "%d", i);
        struct host_hold one = hold_of("a/x", 8, value), two = hold_of("a/x", 9, value);
        store.save(&plant->gw, &one, saved, plant);
        store.save(&plant->gw, &two, NULL, NULL);
        store.remove(&plant->gw, "a/x", 9);
    }
    struct host_hold last = hold_of("b/gone", 3, "open");
    store.save(&plant->gw, &last, saved, plant);
    assert_int_equal(plant->saved, 0); /* never inside the call */
    wait_saved(plant, 6);
    assert_int_equal(host_hold_count(plant->gw.host), 0); /* it is the host's own business */
    reopen(plant);
    host_holds(plant->gw.host, NULL, 0, 100, see, text);
    assert_string_equal(text, "a/x@8=4 eva here;b/gone@3=open eva here;");
}

static void what_was_asked_before_a_stop_is_done(void **state)
{
    struct plant *plant = *state;
    struct host_hold_store store = holds_store();
    for (int i = 0; i < 20; i++) {
        char path[32];
        str_format(path, sizeof path, "a/p%d", i);
        struct host_hold hold = hold_of(path, 8, "1");
        store.save(&plant->gw, &hold, NULL, NULL);
    }
    reopen(plant); /* without a turn of the loop between */
    assert_int_equal(host_hold_count(plant->gw.host), 20);
}

static void see_entry(void *ctx, const struct state_entry *entry)
{
    str_format(ctx, 256, "%s %s %s %s -> %s: %s", entry->who, entry->what, entry->path,
               entry->old_value, entry->new_value, entry->result);
}

static void a_release_is_in_the_journal(void **state)
{
    struct plant *plant = *state;
    struct host_hold_store store = holds_store();
    struct host_hold hold = hold_of("a/x", 8, "22.5");
    struct state_entry_filter filter = { .what = "release" };
    char text[256] = "";
    assert_ptr_equal(store.point(&plant->gw, "a/x"), registry_point(plant->gw.registry, "a/x"));
    assert_null(store.point(&plant->gw, "a/y"));
    store.released(&plant->gw, &hold, 0, "released at priority 8");
    store.save(&plant->gw, &hold, saved, plant);
    wait_saved(plant, 1);
    assert_int_equal(state_journal(plant->gw.state, &filter, see_entry, text), 0);
    assert_string_equal(text, "busbar release a/x 22.5 -> release at priority 8: released at "
                              "priority 8");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(they_come_back, open_plant, close_plant),
        cmocka_unit_test_setup_teardown(what_was_asked_before_a_stop_is_done, open_plant,
                                        close_plant),
        cmocka_unit_test_setup_teardown(a_release_is_in_the_journal, open_plant, close_plant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
