/* SPDX-License-Identifier: Apache-2.0 */
/* What is set aside: rows, place and counts together or not at all. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/str.h"
#include "state/db.h"

enum { MOST = 1000000 };

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
    str_copy(folder, sizeof(folder), "/tmp/busbar-aside-XXXXXX");
    assert_non_null(mkdtemp(folder));
    open_store();
    const struct state_sink sinks[] = { { .name = "plant", .place = { 1, 0 } },
                                        { .name = "cloud", .place = { 1, 0 } } };
    assert_int_equal(state_sink_set(store, &sinks[0]), 0);
    assert_int_equal(state_sink_set(store, &sinks[1]), 0);
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

/* "id:series@sequence.taken reason;" of each, an event as its bytes. */
static void see(void *ctx, const struct state_aside *row)
{
    char *text = ctx;
    size_t size = strlen(text);
    char what[64];
    if (row->event.end > row->event.start) {
        str_format(what, sizeof(what), "%.*s", (int)bytes_left(&row->event),
                   (const char *)row->event.start);
    } else {
        str_format(what, sizeof(what), "%u", row->sample.point);
    }
    str_format(text + size, 1024 - size, "%llu:%s@%llu.%u %s;", (unsigned long long)row->id, what,
               (unsigned long long)row->place.sequence, row->place.taken, row->reason);
}

static void assert_rows(const char *sink, const char *expected)
{
    char text[1024] = "";
    assert_int_equal(state_asides(store, sink, 0, 0, see, text), 0);
    assert_string_equal(text, expected);
}

static struct state_aside sample_row(uint64_t sequence, uint32_t taken, uint32_t series)
{
    struct state_aside row = {
        .place = { sequence, taken },
        .sample = { .point = series, .type = VALUE_DOUBLE, .time_us = (int64_t)series * 100 },
        .path = "ahu-1/sat",
        .reason = "out of range",
        .since_us = 5
    };
    return row;
}

static struct state_aside event_row(uint64_t sequence, uint32_t taken, const char *bytes)
{
    struct state_aside row = { .place = { sequence, taken },
                               .event = bytes_of(bytes, strlen(bytes)),
                               .reason = "no such type" };
    return row;
}

static struct state_sink_counts add(const char *sink, const struct state_aside *rows, size_t count,
                                    struct state_sink_counts counts)
{
    struct state_sink_place place = rows[count - 1].place;
    assert_int_equal(state_aside_add(store, sink, rows, count, MOST, &place, &counts), 0);
    return counts;
}

static void assert_count(const char *sink, uint64_t samples, uint64_t events)
{
    struct state_aside_count count;
    assert_int_equal(state_aside_count(store, sink, NULL, &count), 0);
    assert_int_equal(count.samples, samples);
    assert_int_equal(count.events, events);
}

static void rows_come_with_place_and_counts(void **ctx)
{
    (void)ctx;
    const struct state_aside rows[] = { sample_row(7, 3, 21), event_row(7, 9, "EV"),
                                        sample_row(8, 1, 22) };
    struct state_sink_counts counts = { .published = 40, .aside = 2, .events_aside = 1 };
    add("plant", rows, 3, counts);
    reopen();
    assert_rows("plant", "3:22@8.1 out of range;2:EV@7.9 no such type;1:21@7.3 out of range;");
    assert_rows("cloud", "");
    struct state_sink sink;
    assert_int_equal(state_sink_get(store, "plant", &sink), 0);
    assert_int_equal(sink.place.sequence, 8);
    assert_int_equal(sink.place.taken, 1);
    assert_memory_equal(&sink.counts, &counts, sizeof(counts));
    assert_count("plant", 2, 1);

    struct state_aside_count count;
    assert_int_equal(state_aside_count(store, "plant", &rows[1].place, &count), 0);
    assert_int_equal(count.samples, 1); /* not the one behind this place */
    assert_int_equal(count.events, 1);

    add("plant", rows, 3, counts); /* once more, as after a crash */
    assert_count("plant", 2, 1);
    add("cloud", rows, 1, counts); /* another sink has places of its own */
    assert_rows("cloud", "7:21@7.3 out of range;");

    char text[1024] = "";
    assert_int_equal(state_asides(store, "plant", 3, 1, see, text), 0);
    assert_string_equal(text, "2:EV@7.9 no such type;");
    text[0] = '\0';
    assert_int_equal(state_asides_after(store, "plant", 1, 10, see, text), 0);
    assert_string_equal(text, "2:EV@7.9 no such type;3:22@8.1 out of range;");
    text[0] = '\0';
    assert_int_equal(state_asides_after(store, "plant", UINT64_MAX, 10, see, text), 0);
    assert_int_equal(state_aside_get(store, "plant", 7, see, text), BUSBAR_ENOENT);
    assert_string_equal(text, "");
    assert_int_equal(state_aside_get(store, "cloud", 7, see, text), 0);
    assert_string_equal(text, "7:21@7.3 out of range;");
}

struct copy {
    struct state_aside row;
    char text[TEXT_BYTES_MAX + 1], path[64];
    uint32_t size;
};

static void take_copy(void *ctx, const struct state_aside *row)
{
    struct copy *copy = ctx;
    copy->row = *row;
    str_copy(copy->path, sizeof(copy->path), row->path);
    if (row->sample.type == VALUE_TEXT) {
        copy->size = row->sample.value.text->size;
        memcpy(copy->text, row->sample.value.text->bytes, copy->size + 1);
    }
}

static void a_value_comes_back_as_it_was(void **ctx)
{
    (void)ctx;
    char longest[TEXT_BYTES_MAX];
    memset(longest, 'x', sizeof(longest));
    longest[7] = '\0'; /* a text may have any byte */
    struct text *text = text_new(longest, sizeof(longest)), *empty = text_new("", 0);
    const struct sample samples[] = {
        { .type = VALUE_DOUBLE, .value.d = -0.0, .quality = 3, .detail = UINT16_MAX },
        { .type = VALUE_DOUBLE, .value.bits = 0x7ff8000000000123 },
        { .type = VALUE_DOUBLE, .value.d = INFINITY },
        { .type = VALUE_INT, .value.i = INT64_MIN, .time_us = INT64_MIN, .receive_us = INT64_MAX },
        { .type = VALUE_BOOL, .value.b = true, .point = 0x3ffffff },
        { .type = VALUE_NONE },
        { .type = VALUE_TEXT, .value.text = text },
        { .type = VALUE_TEXT, .value.text = empty },
    };
    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
        struct state_aside row = { .place = { i + 1, 1 },
                                   .sample = samples[i],
                                   .path = i == 2 ? "d/p" : NULL };
        struct state_sink_counts counts = { .aside = 1 };
        add("plant", &row, 1, counts);
        struct copy copy;
        assert_int_equal(state_aside_get(store, "plant", i + 1, take_copy, &copy), 0);
        struct sample *got = &copy.row.sample;
        assert_string_equal(copy.path, i == 2 ? "d/p" : "");
        if (samples[i].type == VALUE_TEXT) {
            assert_int_equal(copy.size, samples[i].value.text->size);
            assert_memory_equal(copy.text, samples[i].value.text->bytes, copy.size);
            assert_int_equal(got->type, VALUE_TEXT);
        } else {
            assert_memory_equal(got, &samples[i], sizeof(*got));
        }
    }
    busbar_free(text);
    busbar_free(empty);
}

static void long_reasons_are_cut(void **ctx)
{
    (void)ctx;
    char reason[3000];
    memset(reason, 'r', sizeof(reason) - 1);
    reason[sizeof(reason) - 1] = '\0';
    struct state_aside row = sample_row(1, 1, 1);
    row.reason = reason;
    add("plant", &row, 1, (struct state_sink_counts){ .aside = 1 });
    char text[1024 + 64] = "";
    assert_int_equal(sqlite3_exec(store->db, "SELECT 1 FROM aside WHERE length(reason) = 1024",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(state_aside_again(store, "plant", 1, "other words", 77), 0);
    assert_int_equal(state_aside_again(store, "plant", 2, "other words", 77), BUSBAR_ENOENT);
    assert_int_equal(state_aside_get(store, "plant", 1, see, text), 0);
    assert_string_equal(text, "1:1@1.1 other words;");
}

/* What is over the limit is counted as released and not kept. */
static void there_is_a_limit(void **ctx)
{
    (void)ctx;
    const struct state_aside rows[] = { sample_row(1, 1, 1), sample_row(1, 2, 2),
                                        event_row(1, 3, "EV"), sample_row(1, 4, 4) };
    struct state_sink_counts counts = { .aside = 3, .events_aside = 1 };
    struct state_sink_place place = { 2, 0 };
    assert_int_equal(state_aside_add(store, "plant", rows, 4, 2, &place, &counts), 0);
    assert_int_equal(counts.aside, 2);
    assert_int_equal(counts.released, 1);
    assert_int_equal(counts.events_aside, 0);
    assert_int_equal(counts.events_released, 1);
    struct state_sink sink;
    assert_int_equal(state_sink_get(store, "plant", &sink), 0);
    assert_memory_equal(&sink.counts, &counts, sizeof(counts));
    assert_count("plant", 2, 0);
}

static void rows_are_removed_with_their_counts(void **ctx)
{
    (void)ctx;
    const struct state_aside rows[] = { sample_row(1, 1, 1), sample_row(1, 2, 2),
                                        sample_row(1, 3, 3) };
    struct state_sink_counts counts = add("plant", rows, 3,
                                          (struct state_sink_counts){ .aside = 3 });
    const uint64_t ids[] = { 1, 3, 99 };
    counts.aside = 1;
    counts.published = 2;
    assert_int_equal(state_aside_remove(store, "plant", ids, 3, &rows[2].place, &counts), 0);
    assert_rows("plant", "2:2@1.2 out of range;");
    struct state_sink sink;
    assert_int_equal(state_sink_get(store, "plant", &sink), 0);
    assert_int_equal(sink.counts.published, 2);
    const uint64_t others = 2;
    assert_int_equal(state_aside_remove(store, "cloud", &others, 1, NULL, NULL), 0);
    assert_count("plant", 1, 0);
    add("plant", rows, 3, counts);
    assert_rows("plant", "6:3@1.3 out of range;4:1@1.1 out of range;2:2@1.2 out of range;");
    assert_int_equal(state_sink_remove(store, "plant"), 0);
    assert_rows("plant", "");
}

/* A target with a place of its own, before ours: what is behind it comes again. */
static void what_is_behind_the_place_goes(void **ctx)
{
    (void)ctx;
    const struct state_aside rows[] = { sample_row(3, 1, 1), sample_row(3, 2, 2),
                                        event_row(3, 9, "EV"), sample_row(4, 1, 4),
                                        sample_row(5, 0, 5) };
    const struct state_sink_counts counts = { .aside = 4, .events_aside = 1 };
    add("plant", rows, 5, counts);
    add("cloud", rows, 5, counts);
    struct state_sink_place place = { 4, 1 };
    struct state_aside_count left;
    assert_int_equal(state_aside_settle(store, "plant", &place, &left), 0);
    assert_int_equal(left.samples, 3);
    assert_int_equal(left.events, 1);
    place = (struct state_sink_place){ 3, 1 };
    assert_int_equal(state_aside_settle(store, "plant", &place, &left), 0);
    assert_int_equal(left.samples, 1);
    assert_int_equal(left.events, 0);
    assert_rows("plant", "1:1@3.1 out of range;");
    assert_count("cloud", 4, 1);
}

static void an_unknown_sink_keeps_nothing(void **ctx)
{
    (void)ctx;
    struct state_aside row = sample_row(1, 1, 1);
    struct state_sink_counts counts = { .aside = 1 };
    assert_int_equal(state_aside_add(store, "nobody", &row, 1, 0, &row.place, &counts),
                     BUSBAR_ENOENT);
    assert_int_equal(counts.aside, 1);
    assert_int_equal(state_aside_add(store, "nobody", &row, 1, MOST, &row.place, &counts),
                     BUSBAR_ENOENT);
    assert_count("nobody", 0, 0);
}

/* On a full disk nothing of it happens, and it works again when there is space. */
static void a_full_disk_changes_nothing(void **ctx)
{
    (void)ctx;
    enum { COUNT = 5000 };
    struct state_aside *rows = busbar_alloc_array(COUNT, sizeof(*rows));
    for (uint32_t i = 0; i < COUNT; i++) {
        rows[i] = sample_row(1, i + 1, i);
    }
    struct state_sink_counts counts = { .aside = COUNT };
    assert_int_equal(sqlite3_exec(store->db, "PRAGMA max_page_count = 60", NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(
        state_aside_add(store, "plant", rows, COUNT, COUNT / 2, &rows[COUNT - 1].place, &counts),
        BUSBAR_ENOSPC);
    assert_int_equal(counts.aside, COUNT); /* as given */
    assert_count("plant", 0, 0);
    struct state_sink sink;
    assert_int_equal(state_sink_get(store, "plant", &sink), 0);
    assert_int_equal(sink.place.sequence, 1);
    assert_int_equal(sink.counts.aside, 0);
    assert_int_equal(
        sqlite3_exec(store->db, "PRAGMA max_page_count = 1073741823", NULL, NULL, NULL), SQLITE_OK);
    add("plant", rows, COUNT, counts);
    assert_count("plant", COUNT, 0);
    busbar_free(rows);
}

static void a_damaged_table_is_said(void **ctx)
{
    (void)ctx;
    struct state_aside row = sample_row(1, 1, 1);
    struct state_sink_counts counts = { .aside = 1 };
    struct state_aside_count left;
    char text[1024] = "";
    uint64_t id = 1;
    assert_int_equal(sqlite3_exec(store->db, "DROP TABLE aside", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(state_aside_add(store, "plant", &row, 1, MOST, &row.place, &counts),
                     BUSBAR_EDAMAGED);
    assert_int_equal(state_asides(store, "plant", 0, 0, see, text), BUSBAR_EDAMAGED);
    assert_int_equal(state_asides_after(store, "plant", 0, 0, see, text), BUSBAR_EDAMAGED);
    assert_int_equal(state_aside_get(store, "plant", 1, see, text), BUSBAR_EDAMAGED);
    assert_int_equal(state_aside_count(store, "plant", NULL, &left), BUSBAR_EDAMAGED);
    assert_int_equal(state_aside_remove(store, "plant", &id, 1, NULL, NULL), BUSBAR_EDAMAGED);
    assert_int_equal(state_aside_again(store, "plant", 1, "x", 0), BUSBAR_EDAMAGED);
    assert_int_equal(state_aside_settle(store, "plant", &row.place, &left), BUSBAR_EDAMAGED);
    struct state_sink sink; /* no transaction was left open */
    assert_int_equal(state_sink_get(store, "plant", &sink), 0);
    assert_int_equal(sink.counts.aside, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rows_come_with_place_and_counts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_value_comes_back_as_it_was, set_up, tear_down),
        cmocka_unit_test_setup_teardown(long_reasons_are_cut, set_up, tear_down),
        cmocka_unit_test_setup_teardown(there_is_a_limit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rows_are_removed_with_their_counts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_behind_the_place_goes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_unknown_sink_keeps_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_full_disk_changes_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_damaged_table_is_said, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
