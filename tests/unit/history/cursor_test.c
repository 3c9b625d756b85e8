/* SPDX-License-Identifier: Apache-2.0 */
/* Cursors: every record once and in order, over segments, restarts, damage and a quota. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "place.h"
#include "support/quiet.h"

#define NOW INT64_C(1790000000000000)

static struct place place;

static int set_up(void **state)
{
    (void)state;
    quiet_log();
    clock_fake_set(0, NOW);
    place_make(&place);
    place.config.segment_bytes = 1500;
    place_open(&place);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    place_remove(&place);
    return 0;
}

static void append(int from, int count)
{
    for (int i = from; i < from + count; i++) {
        struct sample samples[3];
        for (uint32_t s = 0; s < 3; s++) {
            samples[s] = place_number(s + 1, NOW + i, i + s * 0.25);
        }
        assert_int_equal(place_append(&place, samples, 3), 0);
    }
}

static void assert_next(struct history_cursor *cursor, uint64_t sequence)
{
    struct history_record record;
    assert_int_equal(history_cursor_next(cursor, &record), 0);
    assert_int_equal(record.sequence, sequence);
    assert_int_equal(record.count, 3);
    for (uint32_t s = 0; s < 3; s++) {
        assert_int_equal(record.samples[s].point, s + 1);
        assert_int_equal(record.samples[s].time_us, NOW + (int64_t)sequence - 1);
        assert_true(record.samples[s].value.d == (double)(sequence - 1) + s * 0.25);
    }
}

static void every_record_in_order(void **state)
{
    (void)state;
    struct history_cursor *cursor;
    struct history_record record;
    assert_int_equal(history_cursor_open(place.history, "test", 0, &cursor), 0);
    assert_int_equal(history_cursor_next(cursor, &record), BUSBAR_EAGAIN);
    append(0, 50);
    for (uint64_t i = 1; i <= 50; i++) {
        assert_next(cursor, i);
    }
    assert_int_equal(history_cursor_next(cursor, &record), BUSBAR_EAGAIN);
    append(50, 1);
    assert_next(cursor, 51);
    history_cursor_close(cursor);
    place_reopen(&place);
    append(51, 5);
    assert_int_equal(history_cursor_open(place.history, "test", 33, &cursor), 0);
    for (uint64_t i = 33; i <= 56; i++) {
        assert_next(cursor, i);
    }
    assert_int_equal(history_cursor_lost(cursor), 0);
    history_cursor_close(cursor);
}

static void texts_and_many_samples(void **state)
{
    (void)state;
    struct text *word = text_new("opened", 6);
    enum { COUNT = 5000 };
    struct sample *samples = busbar_alloc_array(COUNT, sizeof(*samples));
    for (uint32_t i = 0; i < COUNT; i++) {
        samples[i] = (struct sample){ .time_us = NOW + i, .receive_us = NOW, .point = i % 50 + 1 };
        samples[i].type = i % 3 == 0 ? VALUE_TEXT : VALUE_INT;
        samples[i].value.i = i;
        if (samples[i].type == VALUE_TEXT) {
            samples[i].value.text = word;
        }
    }
    assert_int_equal(place_append(&place, samples, COUNT), 0);
    struct history_cursor *cursor;
    struct history_record record;
    assert_int_equal(history_cursor_open(place.history, "test", 1, &cursor), 0);
    assert_int_equal(history_cursor_next(cursor, &record), 0);
    assert_int_equal(record.count, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        assert_int_equal(record.samples[i].point, samples[i].point);
        assert_int_equal(record.samples[i].time_us, samples[i].time_us);
        assert_int_equal(record.samples[i].receive_us, NOW);
        assert_true(value_equal(record.samples[i].type, record.samples[i].value, samples[i].type,
                                samples[i].value));
    }
    history_cursor_close(cursor);
    busbar_free(samples);
    busbar_free(word);
}

static uint64_t log_bytes(void)
{
    struct history_status status;
    history_status(place.history, &status);
    return status.log_bytes;
}

static void holds_the_log_until_it_is_done(void **state)
{
    (void)state;
    struct history_cursor *cursor;
    assert_int_equal(history_cursor_open(place.history, "test", 1, &cursor), 0);
    append(0, 60);
    uint64_t before = log_bytes();
    assert_int_equal(history_flush(place.history), 0);
    assert_int_equal(log_bytes(), before);
    for (uint64_t i = 1; i <= 60; i++) {
        assert_next(cursor, i);
    }
    history_cursor_done(cursor, 60);
    append(60, 1);
    assert_int_equal(history_flush(place.history), 0);
    assert_true(log_bytes() < before / 2);
    assert_next(cursor, 61);
    history_cursor_close(cursor);
}

static void the_quota_lets_go_and_counts(void **state)
{
    (void)state;
    place_close(&place);
    place.config.cursor_bytes = 3000;
    place_open(&place);
    struct history_cursor *cursor;
    struct history_record record;
    assert_int_equal(history_cursor_open(place.history, "slow", 1, &cursor), 0);
    append(0, 100);
    assert_int_equal(history_flush(place.history), 0);
    struct history_status status;
    history_status(place.history, &status);
    assert_true(status.cursors_released > 0);
    assert_true(status.log_bytes <= 3000 + 1500);
    assert_int_equal(history_cursor_next(cursor, &record), BUSBAR_EDAMAGED);
    uint64_t lost = history_cursor_lost(cursor);
    assert_int_equal(lost, status.cursors_released);
    for (uint64_t i = lost + 1; i <= 100; i++) {
        assert_next(cursor, i);
    }
    history_cursor_close(cursor);
}

static void damage_is_told_and_passed(void **state)
{
    (void)state;
    append(0, 8);
    char folder[128];
    char path[256];
    char **names;
    size_t count;
    file_join(folder, sizeof(folder), place.folder, "log");
    assert_int_equal(file_list(folder, ".log", 10, &names, &count, NULL), 0);
    file_join(path, sizeof(path), folder, names[0]);
    busbar_free(names);
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    fseek(file, 300, SEEK_SET); /* in the second or third record */
    fputc(0xa5, file);
    fputc(0x5a, file);
    fclose(file);
    struct history_cursor *cursor;
    struct history_record record;
    assert_int_equal(history_cursor_open(place.history, "test", 1, &cursor), 0);
    int damaged = 0;
    uint64_t good = 0;
    for (;;) {
        int error = history_cursor_next(cursor, &record);
        if (error == BUSBAR_EAGAIN) {
            break;
        }
        assert_true(error == 0 || error == BUSBAR_EDAMAGED);
        damaged += error != 0;
        good += error == 0;
    }
    assert_int_equal(damaged, 1);
    assert_int_equal(good, 7);
    assert_int_equal(history_cursor_lost(cursor), 1);
    history_cursor_close(cursor);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_record_in_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(texts_and_many_samples, set_up, tear_down),
        cmocka_unit_test_setup_teardown(holds_the_log_until_it_is_done, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_quota_lets_go_and_counts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(damage_is_told_and_passed, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
