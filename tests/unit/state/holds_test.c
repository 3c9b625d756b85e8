/* SPDX-License-Identifier: Apache-2.0 */
/* The holds of state.db: one a path and priority, over a restart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/str.h"
#include "state/state.h"

static char folder[64];
static struct state *store;

static void open_store(void)
{
    struct err err = { 0 };
    assert_int_equal(state_open(folder, &store, &err), 0);
}

static int set_up(void **ctx)
{
    (void)ctx;
    str_copy(folder, sizeof(folder), "/tmp/busbar-holds-XXXXXX");
    assert_non_null(mkdtemp(folder));
    open_store();
    return 0;
}

static int tear_down(void **ctx)
{
    static const char *const names[] = { "state.db", "state.db-wal", "state.db-shm" };
    (void)ctx;
    state_close(store);
    for (size_t i = 0; i < 3; i++) {
        char path[128];
        str_format(path, sizeof(path), "%s/%s", folder, names[i]);
        unlink(path);
    }
    rmdir(folder);
    return 0;
}

static void list(void *ctx, const struct state_hold *hold)
{
    char *text = ctx;
    size_t size = strlen(text);
    str_format(text + size, 512 - size, "%s@%u %s %s %s %lld-%lld;", hold->path, hold->priority,
               hold->value, hold->who, hold->from, (long long)hold->since_us,
               (long long)hold->until_us);
}

static void assert_holds(const char *expected)
{
    char text[512] = "";
    assert_int_equal(state_holds(store, list, text), 0);
    assert_string_equal(text, expected);
}

static void holds_are_kept(void **ctx)
{
    (void)ctx;
    struct state_hold hold = { .path = "ahu-1/sat",
                               .priority = 8,
                               .value = "22.5",
                               .who = "eva",
                               .from = "10.0.0.7",
                               .since_us = 100,
                               .until_us = 200 };
    assert_holds("");
    assert_int_equal(state_hold_set(store, &hold), 0);
    hold.priority = 3;
    hold.who = NULL;
    hold.until_us = 0;
    assert_int_equal(state_hold_set(store, &hold), 0);
    assert_holds("ahu-1/sat@3 22.5  10.0.0.7 100-0;ahu-1/sat@8 22.5 eva 10.0.0.7 100-200;");

    hold.priority = 8; /* in the place of the one before */
    hold.value = "24";
    hold.who = "jan";
    assert_int_equal(state_hold_set(store, &hold), 0);
    state_close(store);
    open_store();
    assert_holds("ahu-1/sat@3 22.5  10.0.0.7 100-0;ahu-1/sat@8 24 jan 10.0.0.7 100-0;");

    assert_int_equal(state_hold_remove(store, "ahu-1/sat", 3), 0);
    assert_int_equal(state_hold_remove(store, "ahu-1/other", 3), 0); /* was not there */
    assert_holds("ahu-1/sat@8 24 jan 10.0.0.7 100-0;");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(holds_are_kept, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
