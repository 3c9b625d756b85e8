/* SPDX-License-Identifier: Apache-2.0 */
/* Samples of many series, counted at the end of one record: the log up to there has just as many, whatever is appended,
 * written into blocks and deleted meanwhile. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "place.h"
#include "support/quiet.h"

#define NOW INT64_C(1790000000000000)
enum { SERIES = 200, FAR = 700000 /* a series in a page far behind */ };

static struct place place;

static int set_up(void **state)
{
    (void)state;
    quiet_log();
    clock_fake_set(0, NOW);
    place_make(&place);
    place_open(&place);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    place_remove(&place);
    return 0;
}

static bool all(void *ctx, uint32_t series)
{
    (void)ctx;
    (void)series;
    return true;
}

static bool none(void *ctx, uint32_t series)
{
    (void)ctx;
    (void)series;
    return false;
}

static bool even(void *ctx, uint32_t series)
{
    (void)ctx;
    return series % 2 == 0;
}

static void assert_counted(bool (*wanted)(void *ctx, uint32_t series), uint64_t samples,
                           uint64_t sequence)
{
    uint64_t counted = UINT64_MAX, at = UINT64_MAX;
    assert_int_equal(history_count_samples(place.history, wanted, NULL, &counted, &at), 0);
    assert_int_equal(counted, samples);
    assert_int_equal(at, sequence);
}

static void append_one(uint32_t series, int64_t time_us)
{
    struct sample sample = place_number(series, time_us, (double)time_us);
    assert_int_equal(place_append(&place, &sample, 1), 0);
}

static void repeated_ones_count_too(void **state)
{
    (void)state;
    assert_counted(all, 0, 0);
    for (int i = 0; i < 10; i++) {
        append_one(1, NOW + i);
        append_one(2, NOW + i / 2); /* every other is repeated */
    }
    append_one(1, NOW - 1000); /* late */
    append_one(FAR, NOW);
    assert_counted(all, 22, 22);
    assert_counted(even, 11, 22);
    assert_counted(none, 0, 22);
    assert_int_equal(history_flush(place.history), 0);
    append_one(2, NOW); /* repeated, and in a block */
    assert_counted(even, 12, 23);
    assert_int_equal(history_delete(place.history, 2, INT64_MIN, INT64_MAX), 0);
    assert_int_equal(history_compact_now(place.history, false), 0);
    assert_counted(even, 12, 23); /* the log took them */
    place_reopen(&place);
    assert_counted(all, 23, 23);
    assert_counted(even, 12, 23);
    append_one(2, NOW);
    assert_counted(even, 13, 24);
}

static void events_move_the_sequence(void **state)
{
    (void)state;
    struct event event = { .source = "ahu-1", .kind = "alarm", .text = "hot" };
    append_one(1, NOW);
    assert_int_equal(history_append_event(place.history, &event, NULL, NULL), 0);
    history_commit_now(place.history);
    struct history_status status;
    do {
        history_status(place.history, &status);
    } while (status.events_committed < 1);
    assert_counted(all, 1, 2);
}

/* ---- beside appends ---- */

struct appends {
    atomic_bool stop;
    uint64_t seen;
};

/* What the log has of the series up to a record. */
static uint64_t in_log(bool (*wanted)(void *ctx, uint32_t series), uint64_t sequence)
{
    struct history_cursor *cursor;
    struct history_record record = { 0 };
    uint64_t samples = 0;
    assert_int_equal(history_cursor_open(place.history, "test", 1, &cursor), 0);
    while (record.sequence < sequence) {
        assert_int_equal(history_cursor_next(cursor, &record), 0);
        for (size_t i = 0; i < record.count; i++) {
            samples += wanted(NULL, record.samples[i].point);
        }
    }
    history_cursor_close(cursor);
    return samples;
}

static void *count_again_and_again(void *ctx)
{
    struct appends *appends = ctx;
    uint64_t last = 0;
    while (!atomic_load(&appends->stop)) {
        uint64_t samples, sequence;
        assert_int_equal(history_count_samples(place.history, even, NULL, &samples, &sequence), 0);
        assert_true(sequence >= last);
        assert_int_equal(samples, in_log(even, sequence));
        appends->seen += sequence > last;
        last = sequence;
    }
    return NULL;
}

/* New series come all the time, samples repeat, come late and go into blocks. */
static void append_much(void)
{
    struct sample samples[SERIES];
    for (int i = 0; i < 300; i++) {
        uint32_t count = (uint32_t)(i % 7 == 0 ? SERIES : i % SERIES + 1);
        for (uint32_t s = 0; s < count; s++) {
            uint32_t series = s + 1 + (uint32_t)(i / 100) * 2048 + (s % 50 == 0 ? FAR : 0);
            int64_t time_us = NOW + (i % 5 == 0 ? i / 2 : i) * 1000;
            samples[s] = place_number(series, time_us, i);
        }
        assert_int_equal(place_append(&place, samples, count), 0);
        if (i % 60 == 59) {
            assert_int_equal(history_flush(place.history), 0);
        }
    }
}

static void the_log_has_just_as_many(void **state)
{
    (void)state;
    pthread_t threads[2];
    struct appends appends[2] = { 0 };
    struct history_cursor *hold; /* keeps the log whole */
    assert_int_equal(history_cursor_open(place.history, "hold", 1, &hold), 0);
    for (int i = 0; i < 2; i++) {
        atomic_init(&appends[i].stop, false);
        assert_int_equal(pthread_create(&threads[i], NULL, count_again_and_again, &appends[i]), 0);
    }
    append_much();
    for (int i = 0; i < 2; i++) {
        atomic_store(&appends[i].stop, true);
        pthread_join(threads[i], NULL);
        assert_true(appends[i].seen > 0);
    }
    uint64_t samples, sequence;
    assert_int_equal(history_count_samples(place.history, all, NULL, &samples, &sequence), 0);
    assert_int_equal(sequence, 300);
    assert_int_equal(samples, in_log(all, 300));
    history_cursor_close(hold);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(repeated_ones_count_too, set_up, tear_down),
        cmocka_unit_test_setup_teardown(events_move_the_sequence, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_log_has_just_as_many, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
