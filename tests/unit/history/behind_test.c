/* SPDX-License-Identifier: Apache-2.0 */
/* What the log has behind a record; the hold for sinks whose cursors are not open yet; and that what is held for a slow
 * one costs neither memory nor a start. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "place.h"
#include "support/fault_file.h"
#include "support/quiet.h"

#define NOW INT64_C(1790000000000000)

static struct place place;
static struct fault_file files;

static int set_up(void **state)
{
    (void)state;
    quiet_log();
    clock_fake_set(0, NOW);
    place_make(&place);
    fault_file_init(&files);
    place.config.segment_bytes = 1500;
    place.config.file = &files.ops;
    place_open(&place);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    place_remove(&place);
    return 0;
}

static void append(int count)
{
    for (int i = 0; i < count; i++) {
        struct sample samples[3];
        for (uint32_t s = 0; s < 3; s++) {
            samples[s] = place_number(s + 1, clock_wall_us(), i);
            samples[s].receive_us = clock_wall_us();
        }
        assert_int_equal(place_append(&place, samples, 3), 0);
        clock_fake_advance(CLOCK_US_PER_S);
    }
}

static void what_is_behind(void **state)
{
    (void)state;
    uint64_t samples, bytes, first, next, total;
    int64_t oldest_us;
    append(100);
    history_log_bounds(place.history, &first, &next);
    assert_int_equal(first, 1);
    assert_int_equal(next, 101);
    assert_int_equal(history_log_behind(place.history, 0, &samples, &total, &oldest_us), 0);
    assert_int_equal(samples, 300);
    assert_int_equal(oldest_us, NOW);
    assert_int_equal(history_log_behind(place.history, 60, &samples, &bytes, &oldest_us), 0);
    assert_int_equal(samples, 120);
    assert_int_equal(oldest_us, NOW + 60 * CLOCK_US_PER_S);
    assert_true(bytes > total / 3 && bytes < total / 2);
    assert_int_equal(history_log_behind(place.history, 100, &samples, &bytes, &oldest_us), 0);
    assert_int_equal(samples, 0);
    assert_int_equal(bytes, 0);
    assert_true(oldest_us == INT64_MAX);
    for (uint64_t at = 1, before = total; at <= 100; at++) { /* record by record, never more */
        bytes = history_log_bytes_behind(place.history, at);
        assert_true(bytes <= before);
        before = bytes;
    }
}

static void counting_in_parts(void **state)
{
    (void)state;
    struct history_cursor *cursor;
    uint64_t samples = 0;
    append(50);
    assert_int_equal(history_cursor_open(place.history, "counter", 11, &cursor), 0);
    assert_int_equal(history_cursor_count(cursor, 7, &samples), 0);
    assert_int_equal(samples, 21);
    assert_int_equal(history_cursor_at(cursor), 17);
    assert_int_equal(history_cursor_count(cursor, 1000, &samples), BUSBAR_EAGAIN);
    assert_int_equal(samples, 120);
    append(1);
    assert_int_equal(history_cursor_count(cursor, 1000, &samples), BUSBAR_EAGAIN);
    assert_int_equal(samples, 123);
    history_cursor_close(cursor);
}

static uint64_t log_begin(void)
{
    uint64_t first, next;
    history_log_bounds(place.history, &first, &next);
    return first;
}

static void sinks_hold_it_before_their_cursors_are_open(void **state)
{
    (void)state;
    append(50);
    place_close(&place);
    place.config.sinks_from = 1;
    place_open(&place);
    append(50);
    assert_int_equal(history_flush(place.history), 0);
    assert_int_equal(log_begin(), 1);
    struct history_cursor *cursor;
    assert_int_equal(history_cursor_open(place.history, "sink", 30, &cursor), 0);
    history_sinks_opened(place.history);
    history_log_trim(place.history);
    assert_true(log_begin() > 1 && log_begin() <= 30);
    history_cursor_done(cursor, 90);
    history_log_trim(place.history);
    assert_true(log_begin() > 30 && log_begin() <= 91);
    history_cursor_close(cursor);
    append(50);
    assert_int_equal(history_flush(place.history), 0);
    assert_true(log_begin() > 91);
}

static void another_limit_counts_at_once(void **state)
{
    (void)state;
    struct history_cursor *cursor;
    assert_int_equal(history_cursor_open(place.history, "sink", 1, &cursor), 0);
    append(100);
    assert_int_equal(history_flush(place.history), 0);
    assert_int_equal(log_begin(), 1);
    history_log_keep(place.history, 3000);
    history_log_trim(place.history);
    assert_true(log_begin() > 1);
    history_cursor_close(cursor);
}

/* Reads of a start with so many records held that are all in blocks, and records not in blocks. */
static long reads_of_start(int held)
{
    struct history_recovery recovery;
    struct history_cursor *cursor;
    assert_int_equal(history_cursor_open(place.history, "slow", 1, &cursor), 0);
    append(held);
    assert_int_equal(history_flush(place.history), 0);
    append(10);
    history_cursor_close(cursor);
    place.config.sinks_from = 1;
    place_close(&place);
    fault_file_set(&files, FAULT_EIO, FAULT_READ, 0, false);
    place_open(&place);
    long reads = fault_file_seen(&files);
    history_recovered(place.history, &recovery);
    assert_int_equal(recovery.records, 10);
    assert_int_equal(recovery.samples, 30);
    assert_int_equal(recovery.damaged_records, 0);
    return reads;
}

static void what_is_held_is_not_read_at_a_start(void **state)
{
    (void)state;
    long few = reads_of_start(100);
    uint64_t segments = history_log_bytes_behind(place.history, 0) / 1500;
    struct history_status status;
    history_status(place.history, &status);
    assert_true(status.head_samples <= 30);
    long many = reads_of_start(1000);
    uint64_t more = history_log_bytes_behind(place.history, 0) / 1500 - segments;
    assert_true(more > 20);
    assert_true(many - few <= (long)(3 * more)); /* no more than the heads of segments */
    struct history_cursor *cursor;
    struct history_record record;
    assert_int_equal(history_cursor_open(place.history, "slow", 1, &cursor), 0);
    for (uint64_t i = 1; i <= 1120; i++) { /* and all of it is there */
        assert_int_equal(history_cursor_next(cursor, &record), 0);
        assert_int_equal(record.sequence, i);
        assert_int_equal(record.count, 3);
    }
    assert_int_equal(history_cursor_next(cursor, &record), BUSBAR_EAGAIN);
    history_cursor_close(cursor);
}

static void points_and_others(void **state)
{
    (void)state;
    struct label labels[] = { label_of(LABEL_METRIC, "sat"), label_of("device", "ahu-1") };
    assert_false(history_is_point(place.history, 7));
    assert_int_equal(history_label_point(place.history, 7, labels, 2), 0);
    assert_true(history_is_point(place.history, 7));
    assert_int_equal(history_unlabel_point(place.history, 7), 0);
    assert_true(history_is_point(place.history, 7));
    assert_false(history_is_point(place.history, 8));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_behind, set_up, tear_down),
        cmocka_unit_test_setup_teardown(counting_in_parts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sinks_hold_it_before_their_cursors_are_open, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(another_limit_counts_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_held_is_not_read_at_a_start, set_up, tear_down),
        cmocka_unit_test_setup_teardown(points_and_others, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
