/* SPDX-License-Identifier: Apache-2.0 */
#include "state/state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"

static char folder[64];
static struct state *state;

static void open_state(void)
{
    struct err err = { 0 };
    if (state_open(folder, &state, &err) != 0) {
        fail_msg("%s", err.message);
    }
}

static void reopen(void)
{
    state_close(state);
    open_state();
}

static int set_up(void **ctx)
{
    (void)ctx;
    snprintf(folder, sizeof(folder), "/tmp/busbar-state-XXXXXX");
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    open_state();
    return 0;
}

static int tear_down(void **ctx)
{
    (void)ctx;
    state_close(state);
    static const char *const names[] = { "state.db", "state.db-wal", "state.db-shm" };
    for (size_t i = 0; i < 3; i++) {
        char path[128];
        file_join(path, sizeof(path), folder, names[i]);
        unlink(path);
    }
    return rmdir(folder);
}

static void ids_are_kept_and_never_used_again(void **ctx)
{
    (void)ctx;
    const char *const first[] = { "b/x", "a/y", "b/x", "a/x" };
    uint32_t ids[4];
    assert_int_equal(state_ids(state, first, 4, ids, NULL), 0);
    assert_int_equal(ids[0], 1); /* in the order given */
    assert_int_equal(ids[1], 2);
    assert_int_equal(ids[2], 1);
    assert_int_equal(ids[3], 3);
    reopen();
    const char *const second[] = { "c/z", "a/y" };
    assert_int_equal(state_ids(state, second, 2, ids, NULL), 0);
    assert_int_equal(ids[0], 4);
    assert_int_equal(ids[1], 2);
    uint32_t id;
    assert_int_equal(state_id_find(state, "a/x", &id), 0);
    assert_int_equal(id, 3);
    assert_int_equal(state_id_find(state, "nobody", &id), BUSBAR_ENOENT);
    assert_int_equal(state_ids(state, NULL, 0, NULL, NULL), 0);
}

static void ids_that_others_have_are_not_given(void **ctx)
{
    (void)ctx;
    const char *const paths[] = { "a", "b", "c" };
    uint32_t ids[3], last = 77;
    assert_int_equal(state_ids_last(state, &last), 0);
    assert_int_equal(last, 0);
    assert_int_equal(state_ids(state, paths, 2, ids, NULL), 0);
    assert_int_equal(state_ids_last(state, &last), 0);
    assert_int_equal(last, 2);
    assert_int_equal(state_ids_reserve(state, 1, 9), BUSBAR_EAGAIN); /* one came meanwhile */
    assert_int_equal(state_ids_reserve(state, 2, 1), 0);
    assert_int_equal(state_ids_reserve(state, 2, STATE_SERIES_MAX), BUSBAR_ELIMIT);
    assert_int_equal(state_ids_reserve(state, 2, 9), 0);
    reopen();
    assert_int_equal(state_ids(state, paths, 3, ids, NULL), 0);
    assert_int_equal(ids[1], 2);
    assert_int_equal(ids[2], 10);
}

static void a_bad_path_adds_nothing(void **ctx)
{
    (void)ctx;
    char longest[STATE_PATH_MAX + 2];
    memset(longest, 'p', sizeof(longest));
    longest[STATE_PATH_MAX + 1] = '\0';
    const char *const paths[] = { "good", longest };
    const char *const empty[] = { "" };
    uint32_t ids[2];
    struct err err = { 0 };
    assert_int_equal(state_ids(state, paths, 2, ids, &err), BUSBAR_ELIMIT);
    assert_non_null(strstr(err.message, "512"));
    assert_int_equal(state_ids(state, empty, 1, ids, &err), BUSBAR_ELIMIT);
    assert_int_equal(state_id_find(state, "good", ids), BUSBAR_ENOENT);
    longest[STATE_PATH_MAX] = '\0';
    assert_int_equal(state_ids(state, paths, 2, ids, &err), 0);
}

struct walk {
    uint32_t count;
    char last[64];
    const uint32_t *ids;
    bool sorted;
};

static bool see(void *ctx, uint32_t id, const char *path)
{
    struct walk *walk = ctx;
    walk->sorted = walk->sorted && strcmp(walk->last, path) < 0;
    snprintf(walk->last, sizeof(walk->last), "%s", path);
    unsigned number = 0;
    assert_int_equal(sscanf(path, "device-%u/point", &number), 1);
    assert_int_equal(walk->ids[number], id);
    walk->count++;
    return walk->count < 60000;
}

static void many_ids_at_once(void **ctx)
{
    (void)ctx;
    enum { COUNT = 50000 };
    char **paths = busbar_alloc_array(COUNT, sizeof(char *));
    uint32_t *ids = busbar_alloc_array(COUNT, sizeof(*ids));
    uint32_t *again = busbar_alloc_array(COUNT, sizeof(*ids));
    for (size_t i = 0; i < COUNT; i++) {
        char path[64];
        snprintf(path, sizeof(path), "device-%zu/point", i * 7919 % COUNT);
        paths[i] = busbar_strdup(path);
    }
    for (int round = 0; round < 2; round++) {
        assert_int_equal(
            state_ids(state, (const char *const *)paths, COUNT, round == 0 ? ids : again, NULL), 0);
    }
    for (size_t i = 0; i < COUNT; i++) {
        assert_int_equal(ids[i], i + 1);
        assert_int_equal(again[i], ids[i]);
    }
    for (size_t i = 0; i < COUNT; i++) {
        again[i * 7919 % COUNT] = ids[i];
        busbar_free(paths[i]);
    }
    struct walk walk = { .ids = again, .sorted = true };
    assert_int_equal(state_paths(state, see, &walk), 0);
    assert_int_equal(walk.count, COUNT);
    assert_true(walk.sorted);
    busbar_free(paths);
    busbar_free(ids);
    busbar_free(again);
}

struct some {
    uint32_t ids[8];
    char texts[8][32];
    size_t count;
};

static void see_some(void *ctx, uint32_t id, const char *text, size_t size)
{
    struct some *some = ctx;
    assert_int_equal(strlen(text), size);
    some->ids[some->count] = id;
    snprintf(some->texts[some->count++], 32, "%s", text);
}

/* Their ids come from the counter of the paths; a text may look like a path. */
static void label_sets_are_kept_beside_paths(void **ctx)
{
    (void)ctx;
    const char *const paths[] = { "b/x", "a/y", "c/z" };
    const struct state_text texts[] = { { "up{job=\"a\"}", 11 }, { "a/y", 3 }, { "{}", 2 } };
    uint32_t ids[3], first = 0;
    assert_int_equal(state_ids(state, paths, 3, ids, NULL), 0);
    assert_int_equal(state_label_sets_add(state, texts, 3, &first, NULL), 0);
    assert_int_equal(first, 4);
    const char *later = "d/w";
    assert_int_equal(state_ids(state, &later, 1, ids, NULL), 0);
    assert_int_equal(ids[0], 7);
    reopen();
    struct some some = { 0 };
    assert_int_equal(state_label_sets(state, 0, 2, see_some, &some), 0);
    assert_int_equal(state_label_sets(state, some.ids[1], 2, see_some, &some), 0);
    assert_int_equal(some.count, 3);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(some.ids[i], 4 + i);
        assert_string_equal(some.texts[i], texts[i].text);
    }
    const uint32_t gone[] = { 5, 1, 99 };
    uint64_t removed;
    assert_int_equal(state_label_sets_remove(state, gone, 3), 0);
    assert_int_equal(state_label_sets_removed(state, &removed), 0);
    assert_int_equal(removed, 1); /* the others were none */
    some.count = 0;
    assert_int_equal(state_label_sets(state, 0, 8, see_some, &some), 0);
    assert_int_equal(some.count, 2);
    some.count = 0;
    assert_int_equal(state_paths_after(state, "", 2, see_some, &some), 0);
    assert_int_equal(state_paths_after(state, some.texts[1], 8, see_some, &some), 0);
    assert_int_equal(some.count, 4);
    assert_string_equal(some.texts[0], "a/y");
    assert_string_equal(some.texts[3], "d/w");
    assert_int_equal(some.ids[0], 2);
}

static void catalog_changes_as_a_whole(void **ctx)
{
    (void)ctx;
    struct state_block blocks[2] = {
        { .id = 1,
          .from_us = -5,
          .to_us = 9,
          .samples = 3,
          .bytes = 4,
          .sequence_first = 1,
          .sequence_last = 7,
          .level = 0,
          .series = 2 },
        { .id = 2,
          .from_us = 10,
          .to_us = 90,
          .samples = 30,
          .bytes = 40,
          .sequence_first = 8,
          .sequence_last = 9,
          .level = 1,
          .series = 1 },
    };
    struct state_block *list;
    size_t count;
    uint64_t mark;
    assert_int_equal(state_blocks(state, &list, &count, &mark), 0);
    assert_int_equal(count, 0);
    assert_null(list);
    assert_int_equal(mark, 0);
    struct state_change change = { .add = blocks, .add_count = 2, .mark = 9 };
    assert_int_equal(state_blocks_change(state, &change), 0);
    /* one that exists: nothing of it happens, the mark neither */
    uint64_t remove = 2;
    change = (struct state_change){ .add = blocks,
                                    .add_count = 1,
                                    .remove = &remove,
                                    .remove_count = 1,
                                    .mark = 55,
                                    .expired = 7 };
    assert_int_equal(state_blocks_change(state, &change), BUSBAR_EEXIST);
    reopen();
    assert_int_equal(state_blocks(state, &list, &count, &mark), 0);
    assert_int_equal(count, 2);
    assert_int_equal(mark, 9);
    assert_memory_equal(&list[0], &blocks[0], sizeof(blocks[0]));
    assert_memory_equal(&list[1], &blocks[1], sizeof(blocks[1]));
    busbar_free(list);
    change = (struct state_change){ .remove = &remove, .remove_count = 1, .expired = 30 };
    assert_int_equal(state_blocks_change(state, &change), 0);
    assert_int_equal(state_blocks(state, &list, &count, &mark), 0);
    assert_int_equal(count, 1);
    assert_int_equal(mark, 9);
    busbar_free(list);
    /* a row is replaced by removing and adding it in one go */
    remove = 1;
    blocks[0].done_us = 8;
    blocks[0].deletes = 3;
    blocks[0].tiers_us = 99;
    change = (struct state_change){ .add = blocks,
                                    .add_count = 1,
                                    .remove = &remove,
                                    .remove_count = 1,
                                    .expired = 12,
                                    .merged_day = 20000 };
    assert_int_equal(state_blocks_change(state, &change), 0);
    struct state_block_counts counts;
    assert_int_equal(state_block_counts(state, &counts), 0);
    assert_int_equal(counts.expired, 42);
    assert_int_equal(counts.deleted, 0);
    assert_int_equal(counts.merged_day, 20000);
    assert_int_equal(state_blocks(state, &list, &count, &mark), 0);
    assert_int_equal(count, 1);
    assert_memory_equal(&list[0], &blocks[0], sizeof(blocks[0]));
    busbar_free(list);
}

static void deletions_are_kept_until_they_are_done(void **ctx)
{
    (void)ctx;
    struct state_deletion deletions[2] = {
        { .series = 7, .from_us = INT64_MIN, .to_us = INT64_MAX, .sequence = 5 },
        { .series = 3, .from_us = -1, .to_us = 1, .sequence = 6 },
    };
    struct state_deletion *list;
    size_t count;
    uint64_t last;
    assert_int_equal(state_deletions(state, &list, &count, &last), 0);
    assert_int_equal(count, 0);
    assert_int_equal(last, 0);
    assert_null(list);
    assert_int_equal(state_deletions_add(state, deletions, 2, 40), 0);
    assert_int_equal(deletions[0].id, 1);
    assert_int_equal(deletions[1].id, 2);
    reopen();
    assert_int_equal(state_deletions(state, &list, &count, &last), 0);
    assert_int_equal(count, 2);
    assert_int_equal(last, 2);
    assert_memory_equal(&list[1].series, &deletions[1].series, sizeof(list[1].series));
    assert_int_equal(list[0].from_us, INT64_MIN);
    assert_int_equal(list[0].to_us, INT64_MAX);
    assert_int_equal(list[1].sequence, 6);
    busbar_free(list);
    struct state_change change = { .deletes_done = 2 };
    assert_int_equal(state_blocks_change(state, &change), 0);
    assert_int_equal(state_deletions(state, &list, &count, &last), 0);
    assert_int_equal(count, 0);
    assert_int_equal(last, 2); /* numbers are not used again */
    struct state_block_counts counts;
    assert_int_equal(state_block_counts(state, &counts), 0);
    assert_int_equal(counts.deleted, 40);
}

struct limits {
    int count;
    int64_t sum;
};

static void add_limit(void *ctx, const char *device, const char *name, int64_t value)
{
    struct limits *limits = ctx;
    assert_non_null(device);
    assert_non_null(name);
    limits->count++;
    limits->sum += value;
}

static void learned_limits(void **ctx)
{
    (void)ctx;
    assert_int_equal(state_limit_set(state, "m-1", "registers per read", 60), 0);
    assert_int_equal(state_limit_set(state, "m-1", "registers per read", 50), 0);
    assert_int_equal(state_limit_set(state, "m-1", "in flight", 2), 0);
    assert_int_equal(state_limit_set(state, "m-2", "in flight", 4), 0);
    reopen();
    struct limits one = { 0 };
    struct limits all = { 0 };
    assert_int_equal(state_limits(state, "m-1", add_limit, &one), 0);
    assert_int_equal(one.count, 2);
    assert_int_equal(one.sum, 52);
    assert_int_equal(state_limits_forget(state, "m-1"), 0);
    assert_int_equal(state_limits(state, NULL, add_limit, &all), 0);
    assert_int_equal(all.count, 1);
    assert_int_equal(all.sum, 4);
}

struct entries {
    int count;
    uint64_t ids[20];
    char text[64];
};

static void add_entry(void *ctx, const struct state_entry *entry)
{
    struct entries *entries = ctx;
    entries->ids[entries->count++] = entry->id;
    snprintf(entries->text, sizeof(entries->text), "%s %s %s %s->%s %s", entry->who, entry->from,
             entry->path, entry->old_value, entry->new_value, entry->result);
}

static void journal_filters_and_pages(void **ctx)
{
    (void)ctx;
    struct state_entry entries[6];
    for (int i = 0; i < 6; i++) {
        entries[i] = (struct state_entry){ .time_us = 1000 + i,
                                           .who = i % 2 == 0 ? "anna" : "local",
                                           .from = "127.0.0.1",
                                           .what = i < 4 ? "write" : "config apply",
                                           .path = i == 2 ? "ahu-1/sat" : "ahu-2/sat",
                                           .old_value = "21",
                                           .new_value = "22",
                                           .result = NULL };
    }
    assert_int_equal(state_journal_add(state, entries, 6), 0);
    assert_int_equal(entries[5].id, entries[0].id + 5);
    reopen();
    struct entries all = { 0 };
    struct state_entry_filter filter = { .limit = 4 };
    assert_int_equal(state_journal(state, &filter, add_entry, &all), 0);
    assert_int_equal(all.count, 4);
    assert_int_equal(all.ids[0], entries[5].id);
    filter.before = all.ids[3];
    struct entries rest = { 0 };
    assert_int_equal(state_journal(state, &filter, add_entry, &rest), 0);
    assert_int_equal(rest.count, 2);
    struct entries anna = { 0 };
    filter = (struct state_entry_filter){ .who = "anna", .what = "write", .path = "ahu-1/*" };
    assert_int_equal(state_journal(state, &filter, add_entry, &anna), 0);
    assert_int_equal(anna.count, 1);
    assert_string_equal(anna.text, "anna 127.0.0.1 ahu-1/sat 21->22 ");
    struct entries span = { 0 };
    filter = (struct state_entry_filter){ .from_us = 1001, .to_us = 1003 };
    assert_int_equal(state_journal(state, &filter, add_entry, &span), 0);
    assert_int_equal(span.count, 2);
    struct entries after = { 0 };
    assert_int_equal(state_journal_after(state, entries[1].id, 3, add_entry, &after), 0);
    assert_int_equal(after.count, 3);
    assert_int_equal(after.ids[0], entries[2].id);
    assert_int_equal(after.ids[2], entries[4].id);
    assert_int_equal(state_journal_after(state, entries[5].id, 3, add_entry, &after), 0);
    assert_int_equal(after.count, 3);
    uint64_t removed;
    assert_int_equal(state_journal_trim(state, 1003, &removed), 0);
    assert_int_equal(removed, 3);
    struct state_entry next = { .time_us = 5, .who = "x" };
    assert_int_equal(state_journal_add(state, &next, 1), 0);
    assert_int_equal(next.id, entries[5].id + 1);
}

static void long_journal_texts_are_cut(void **ctx)
{
    (void)ctx;
    char *text = busbar_alloc(10000);
    memset(text, 'a', 9999);
    struct state_entry entry = { .what = text };
    assert_int_equal(state_journal_add(state, &entry, 1), 0);
    struct entries found = { 0 };
    text[STATE_JOURNAL_TEXT_MAX] = '\0';
    struct state_entry_filter filter = { .what = text };
    assert_int_equal(state_journal(state, &filter, add_entry, &found), 0);
    assert_int_equal(found.count, 1);
    busbar_free(text);
}

static void named_values(void **ctx)
{
    (void)ctx;
    char *value;
    assert_int_equal(state_get(state, "site", &value), BUSBAR_ENOENT);
    assert_int_equal(state_set(state, "site", "hq"), 0);
    assert_int_equal(state_set(state, "site", "plant"), 0);
    reopen();
    assert_int_equal(state_get(state, "site", &value), 0);
    assert_string_equal(value, "plant");
    busbar_free(value);
    assert_int_equal(state_set(state, "site", NULL), 0);
    assert_int_equal(state_get(state, "site", &value), BUSBAR_ENOENT);
}

static void the_file_is_private(void **ctx)
{
    (void)ctx;
    char path[128];
    struct stat info;
    file_join(path, sizeof(path), folder, "state.db");
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
}

static void overwrite(const char *name, const char *text)
{
    char path[128];
    file_join(path, sizeof(path), folder, name);
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    assert_int_equal(fwrite(text, strlen(text), 1, file), 1);
    fclose(file);
}

static void a_broken_database_is_said_and_kept(void **ctx)
{
    (void)ctx;
    assert_int_equal(state_set(state, "a", "b"), 0);
    state_close(state);
    overwrite("state.db", "this is no database at all, it is a letter to my aunt, and a long one");
    struct err err = { 0 };
    assert_int_equal(state_open(folder, &state, &err), BUSBAR_EDAMAGED);
    assert_null(state);
    assert_non_null(strstr(err.message, "state.db"));
    assert_non_null(strstr(err.hint, "backup"));
    char path[128];
    char *data;
    size_t size;
    file_join(path, sizeof(path), folder, "state.db");
    assert_int_equal(file_read(file_ops_real(), path, 1 << 20, &data, &size, NULL), 0);
    assert_memory_equal(data, "this is no database", 19);
    busbar_free(data);
    unlink(path);
    open_state();
}

static void damage_inside_is_found(void **ctx)
{
    (void)ctx;
    assert_int_equal(state_check(state, NULL), 0);
    char paths[2000][24];
    const char *list[2000];
    uint32_t ids[2000];
    for (int i = 0; i < 2000; i++) {
        snprintf(paths[i], sizeof(paths[i]), "device/%06d", i);
        list[i] = paths[i];
    }
    assert_int_equal(state_ids(state, list, 2000, ids, NULL), 0);
    state_close(state); /* the last one to close empties the WAL */
    char path[128];
    file_join(path, sizeof(path), folder, "state.db");
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    char zeros[4096] = { 0 };
    fseek(file, size - 8192, SEEK_SET);
    fwrite(zeros, sizeof(zeros), 1, file);
    fwrite(zeros, sizeof(zeros), 1, file);
    fclose(file);
    open_state();
    struct err err = { 0 };
    assert_int_equal(state_check(state, &err), BUSBAR_EDAMAGED);
    assert_non_null(strstr(err.hint, "backup"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(ids_are_kept_and_never_used_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ids_that_others_have_are_not_given, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_bad_path_adds_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(many_ids_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(label_sets_are_kept_beside_paths, set_up, tear_down),
        cmocka_unit_test_setup_teardown(deletions_are_kept_until_they_are_done, set_up, tear_down),
        cmocka_unit_test_setup_teardown(catalog_changes_as_a_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(learned_limits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(journal_filters_and_pages, set_up, tear_down),
        cmocka_unit_test_setup_teardown(long_journal_texts_are_cut, set_up, tear_down),
        cmocka_unit_test_setup_teardown(named_values, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_file_is_private, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_broken_database_is_said_and_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(damage_inside_is_found, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
