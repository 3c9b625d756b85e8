/* SPDX-License-Identifier: Apache-2.0 */
/* Where sinks stand, over a restart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/str.h"
#include "state/db.h"

static char folder[64];
static struct state *store;

static void open_store(void)
{
    struct err err = { 0 };
    assert_int_equal(state_open(folder, &store, &err), 0);
}

static void reopen(void)
{
    state_close(store);
    open_store();
}

static int set_up(void **ctx)
{
    (void)ctx;
    str_copy(folder, sizeof(folder), "/tmp/busbar-sinks-XXXXXX");
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
        file_join(path, sizeof(path), folder, names[i]);
        unlink(path);
    }
    rmdir(folder);
    return 0;
}

static struct state_sink plant(void)
{
    struct state_sink sink = {
        .name = "plant",
        .log_id = "00112233445566778899aabbccddeeff",
        .place = { 7, 3 },
        .counts = { .published = 1,
                    .repeated = 2,
                    .aside = 3,
                    .released = 4,
                    .events = 5,
                    .events_aside = 6,
                    .events_released = 7,
                    .lost = 8 },
        .began_us = 9,
        .baseline = -10,
        .filter = UINT64_MAX - 1,
    };
    return sink;
}

static void assert_same(const struct state_sink *a, const struct state_sink *b)
{
    assert_string_equal(a->name, b->name);
    assert_string_equal(a->log_id, b->log_id);
    assert_int_equal(a->place.sequence, b->place.sequence);
    assert_int_equal(a->place.taken, b->place.taken);
    assert_memory_equal(&a->counts, &b->counts, sizeof(a->counts));
    assert_int_equal(a->paused, b->paused);
    assert_int_equal(a->began_us, b->began_us);
    assert_int_equal(a->counted, b->counted);
    assert_int_equal(a->baseline, b->baseline);
    assert_int_equal(a->filter, b->filter);
}

static void a_sink_goes_on_where_it_was(void **ctx)
{
    (void)ctx;
    struct state_sink sink = plant(), found;
    assert_int_equal(state_sink_get(store, "plant", &found), BUSBAR_ENOENT);
    assert_int_equal(state_sink_move(store, "plant", &sink.place, &sink.counts), BUSBAR_ENOENT);
    assert_int_equal(state_sink_pause(store, "plant", true), BUSBAR_ENOENT);
    assert_int_equal(state_sink_baseline(store, "plant", 1, 1, &sink.place, &sink.counts),
                     BUSBAR_ENOENT);
    assert_int_equal(state_sink_set(store, &sink), 0);
    reopen();
    assert_int_equal(state_sink_get(store, "plant", &found), 0);
    assert_same(&found, &sink);

    sink.place = (struct state_sink_place){ (uint64_t)INT64_MAX, UINT32_MAX };
    sink.counts.published = 100;
    sink.counts.lost = 0;
    assert_int_equal(state_sink_move(store, "plant", &sink.place, &sink.counts), 0);
    sink.paused = true;
    assert_int_equal(state_sink_pause(store, "plant", true), 0);
    sink.counted = true;
    sink.baseline = 55;
    sink.filter = 66;
    const struct state_sink_place before = { 3, 9 };
    const struct state_sink_counts none = { 0 }; /* it is farther than that: they stay */
    assert_int_equal(state_sink_baseline(store, "plant", 55, 66, &before, &none), 0);
    reopen();
    assert_int_equal(state_sink_get(store, "plant", &found), 0);
    assert_same(&found, &sink);

    sink = plant(); /* it begins anew */
    assert_int_equal(state_sink_set(store, &sink), 0);
    assert_int_equal(state_sink_get(store, "plant", &found), 0);
    assert_same(&found, &sink);
    sink.counted = true;
    sink.place.taken++;
    sink.counts.published++;
    assert_int_equal(
        state_sink_baseline(store, "plant", sink.baseline, sink.filter, &sink.place, &sink.counts),
        0);
    assert_int_equal(state_sink_get(store, "plant", &found), 0);
    assert_same(&found, &sink);
}

static void name_each(void *ctx, const struct state_sink *sink)
{
    char *text = ctx;
    size_t size = strlen(text);
    str_format(text + size, 128 - size, "%s@%llu ", sink->name,
               (unsigned long long)sink->place.sequence);
}

static void sinks_are_listed_and_removed(void **ctx)
{
    (void)ctx;
    struct state_sink sink = plant();
    assert_int_equal(state_sink_set(store, &sink), 0);
    str_copy(sink.name, sizeof(sink.name), "cloud");
    sink.place.sequence = 99;
    assert_int_equal(state_sink_set(store, &sink), 0);
    char text[128] = "";
    assert_int_equal(state_sinks(store, name_each, text), 0);
    assert_string_equal(text, "cloud@99 plant@7 ");
    assert_int_equal(state_sink_remove(store, "cloud"), 0);
    assert_int_equal(state_sink_remove(store, "nobody"), 0);
    text[0] = '\0';
    assert_int_equal(state_sinks(store, name_each, text), 0);
    assert_string_equal(text, "plant@7 ");
}

static void the_log_has_an_id_of_its_own(void **ctx)
{
    (void)ctx;
    char first[STATE_LOG_ID_SIZE], second[STATE_LOG_ID_SIZE];
    assert_int_equal(state_log_id(store, first), 0);
    assert_int_equal(strlen(first), 32);
    assert_int_equal(strspn(first, "0123456789abcdef"), 32);
    reopen();
    assert_int_equal(state_log_id(store, second), 0);
    assert_string_equal(first, second);
    struct state_sink sink = plant(), found;
    assert_int_equal(state_sink_set(store, &sink), 0);
    assert_int_equal(state_log_renew(store), 0); /* as a restore does */
    reopen();
    assert_int_equal(state_log_id(store, second), 0);
    assert_string_not_equal(first, second);
    str_copy(sink.log_id, sizeof(sink.log_id), second); /* goes on where it was, on this log */
    assert_int_equal(state_sink_get(store, "plant", &found), 0);
    assert_same(&found, &sink);
    assert_int_equal(state_set(store, "log id", "none"), 0); /* no such id: another */
    assert_int_equal(state_log_id(store, first), 0);
    assert_int_equal(strlen(first), 32);
}

static void see_path(void *ctx, uint32_t id, const char *text, size_t size)
{
    uint32_t *sum = ctx;
    char path[32];
    assert_int_equal(strlen(text), size);
    str_format(path, sizeof(path), "device/%06u", id - 1);
    assert_string_equal(text, path);
    *sum += id;
}

static void paths_of_ids(void **ctx)
{
    (void)ctx;
    enum { COUNT = 10000 };
    static char paths[COUNT][24];
    static const char *list[COUNT];
    static uint32_t ids[COUNT];
    for (unsigned i = 0; i < COUNT; i++) {
        str_format(paths[i], sizeof(paths[i]), "device/%06u", i);
        list[i] = paths[i];
    }
    assert_int_equal(state_ids(store, list, COUNT, ids, NULL), 0);
    uint32_t sum = 0;
    const uint32_t some[] = { 9999, 1, 4097, 10000, 77777, 4096, 0 };
    assert_int_equal(state_paths_of(store, some, 7, see_path, &sum), 0);
    assert_int_equal(sum, 9999 + 1 + 4097 + 10000 + 4096);
    assert_int_equal(state_paths_of(store, NULL, 0, see_path, &sum), 0);
    sum = 0;
    assert_int_equal(state_paths_of(store, ids, COUNT, see_path, &sum), 0);
    assert_int_equal(sum, COUNT * (COUNT + 1) / 2);
}

/* A database of the version before has neither table; what it has stays. */
static void an_older_database_is_brought_up_to_date(void **ctx)
{
    (void)ctx;
    assert_int_equal(state_set(store, "site", "hq"), 0);
    assert_int_equal(sqlite3_exec(store->db,
                                  "DROP TABLE sink; DROP TABLE aside; DELETE FROM counter WHERE "
                                  "name = 'label sets removed'; PRAGMA user_version = 5",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    reopen();
    struct state_sink sink = plant(), found;
    assert_int_equal(state_sink_set(store, &sink), 0);
    assert_int_equal(state_sink_get(store, "plant", &found), 0);
    assert_same(&found, &sink);
    struct state_aside_count count;
    assert_int_equal(state_aside_count(store, "plant", NULL, &count), 0);
    char *site;
    assert_int_equal(state_get(store, "site", &site), 0);
    assert_string_equal(site, "hq");
    free(site);
}

static void a_table_that_is_gone_is_damage(void **ctx)
{
    (void)ctx;
    struct state_sink sink = plant(), found;
    assert_int_equal(sqlite3_exec(store->db, "DROP TABLE sink", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(state_sink_set(store, &sink), BUSBAR_EDAMAGED);
    assert_int_equal(state_sink_get(store, "plant", &found), BUSBAR_EDAMAGED);
    char text[128] = "", reason[256];
    assert_int_equal(state_sinks(store, name_each, text), BUSBAR_EDAMAGED);
    assert_int_equal(state_sink_move(store, "plant", &sink.place, &sink.counts), BUSBAR_EDAMAGED);
    assert_int_equal(state_sink_remove(store, "plant"), BUSBAR_EDAMAGED);
    state_reason(store, reason, sizeof(reason));
    assert_non_null(strstr(reason, "sink"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_sink_goes_on_where_it_was, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sinks_are_listed_and_removed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_log_has_an_id_of_its_own, set_up, tear_down),
        cmocka_unit_test_setup_teardown(paths_of_ids, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_older_database_is_brought_up_to_date, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_table_that_is_gone_is_damage, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
