/* SPDX-License-Identifier: Apache-2.0 */
/* Merging by day and deletes: what is merged when, and a naive twin (an array of minutes) beside random appends of
 * any age, deletes, flushes, passes and restarts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "history/days.h"
#include "history/reader.h"
#include "place.h"
#include "support/quiet.h"
#include "support/random.h"

#define DAY    HISTORY_DAY_US
#define MINUTE (INT64_C(60) * 1000000)
#define START  (INT64_C(20000) * DAY) /* a midnight of 2024 */
enum { SERIES = 5, DAYS = 30, SLOTS = DAYS * 1440, NEWEST = 8 };

static struct place place;
static struct random rnd;

static int set_up(void **state)
{
    (void)state;
    quiet_log();
    clock_fake_set(0, START + 10 * DAY);
    place_make(&place);
    place.config.keep_us = HISTORY_KEEP_FOREVER;
    place.config.cold_us = -1; /* days stay as they were merged; the twin has it all */
    place.config.tiers_keep_us = HISTORY_TIERS_OFF;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    place_remove(&place);
    clock_fake_off();
    return 0;
}

static void append(uint32_t series, int64_t time_us, double value)
{
    struct sample sample = place_number(series, time_us, value);
    assert_int_equal(place_append(&place, &sample, 1), 0);
}

static void flush(void)
{
    assert_int_equal(history_flush(place.history), 0);
}

static size_t count_of(uint32_t series, int64_t from_us, int64_t to_us)
{
    struct history_samples result;
    assert_int_equal(history_read(place.history, series, from_us, to_us, 0, &result), 0);
    assert_int_equal(result.damaged, 0);
    size_t count = result.count;
    history_samples_free(&result);
    return count;
}

static double value_at(uint32_t series, int64_t time_us)
{
    struct history_samples result;
    assert_int_equal(history_read(place.history, series, time_us, time_us + 1, 0, &result), 0);
    double value = result.count == 1 ? result.samples[0].value.d : NAN;
    history_samples_free(&result);
    return value;
}

/* The catalog behind the history's back. */
static size_t rows_of_level(uint32_t level)
{
    struct state_block *rows;
    size_t count;
    uint64_t mark;
    size_t found = 0;
    assert_int_equal(state_blocks(place.state, &rows, &count, &mark), 0);
    for (size_t i = 0; i < count; i++) {
        found += rows[i].level == level;
        if (rows[i].level > 0 && rows[i].level < 3) { /* a block of a day has nothing else */
            assert_int_equal(history_day_of(rows[i].from_us), history_day_of(rows[i].to_us));
        }
    }
    busbar_free(rows);
    return found;
}

static void days_are_open_at_their_start(void **state)
{
    (void)state;
    assert_int_equal(history_day_of(0), -1);
    assert_int_equal(history_day_of(1), 0);
    assert_int_equal(history_day_of(DAY), 0);
    assert_int_equal(history_day_of(DAY + 1), 1);
    assert_int_equal(history_day_of(1 - DAY), -1);
    assert_int_equal(history_day_of(-DAY), -2);
    assert_int_equal(history_day_end(0), DAY);
    assert_int_equal(history_day_begin(0), 1);
    assert_int_equal(history_day_end(history_day_of(INT64_MAX)), INT64_MAX);
    assert_true(history_day_begin(history_day_of(INT64_MIN)) <= INT64_MIN + DAY);
}

static void days_that_are_over_are_merged(void **state)
{
    (void)state;
    clock_fake_set(0, START + 10 * DAY + MINUTE);
    place_open(&place);
    place_work(&place); /* the pass of this start */
    for (int day = 7; day < 11; day++) {
        for (int part = 0; part < 3; part++) {
            for (int i = 0; i < 50; i++) {
                append(1, START + day * DAY + (part * 50 + i) * MINUTE, day * 1000 + i);
            }
            flush();
        }
    }
    assert_int_equal(rows_of_level(0), 12);
    place_work(&place);
    assert_int_equal(rows_of_level(0), 12); /* merged today already */
    clock_fake_advance(DAY);
    assert_int_equal(count_of(1, INT64_MIN, INT64_MAX), 600);
    place_work(&place);
    assert_int_equal(rows_of_level(0), 3); /* of today: an hour has not gone since it was over */
    assert_int_equal(rows_of_level(1), 4); /* the midnight of day 7 belongs to day 6 */
    assert_int_equal(count_of(1, INT64_MIN, INT64_MAX), 600);
    assert_int_equal(place_status(&place).block_samples, 600);
    clock_fake_advance(2 * 60 * MINUTE);
    place_work(&place);
    assert_int_equal(rows_of_level(0), 0);
    assert_int_equal(rows_of_level(1), 5);
    place_reopen(&place);
    assert_int_equal(count_of(1, INT64_MIN, INT64_MAX), 600);
    assert_int_equal(count_of(1, START + 8 * DAY, START + 9 * DAY), 150);
}

static void late_samples_find_their_day(void **state)
{
    (void)state;
    place_open(&place);
    for (int i = 0; i < 500; i++) {
        append(1, START + 3 * DAY + (i + 1) * MINUTE, i);
    }
    flush();
    place_work(&place);
    clock_fake_advance(DAY);
    place_work(&place);
    assert_int_equal(rows_of_level(1), 1);
    append(1, START + 3 * DAY + 5 * MINUTE, -1);     /* another value for a time it has */
    append(1, START + 3 * DAY + 5 * MINUTE + 7, -2); /* between */
    append(1, 1, 1970);                              /* as old as can be */
    append(1, START + 11 * DAY + 5 * MINUTE, -3);    /* today */
    assert_true(value_at(1, START + 3 * DAY + 5 * MINUTE) == -1);
    flush();
    assert_true(value_at(1, START + 3 * DAY + 5 * MINUTE) == -1);
    clock_fake_advance(DAY / 2);
    place_work(&place);
    assert_int_equal(rows_of_level(0), 1); /* they wait for the next merge */
    clock_fake_advance(DAY / 2);
    place_work(&place);
    assert_int_equal(rows_of_level(0), 1); /* what is of today still waits */
    assert_int_equal(rows_of_level(1), 2);
    assert_int_equal(place_status(&place).block_samples, 503);
    place_reopen(&place);
    assert_int_equal(count_of(1, INT64_MIN, INT64_MAX), 503);
    assert_true(value_at(1, START + 3 * DAY + 5 * MINUTE) == -1);
    assert_true(value_at(1, START + 3 * DAY + 5 * MINUTE + 7) == -2);
    assert_true(value_at(1, 1) == 1970);
    struct history_counts counts;
    history_counts(place.history, 1, &counts);
    assert_int_equal(counts.stored_all, 503);
    assert_int_equal(counts.repeated_all, 1);
}

static void many_small_blocks_become_one(void **state)
{
    (void)state;
    place_open(&place);
    place_work(&place);
    for (int i = 0; i < 25; i++) {
        append(1, START + 10 * DAY + (i + 1) * MINUTE, i);
        append(1, START + 10 * DAY + MINUTE, -i); /* the last write wins through the merge */
        flush();
        place_work(&place);
    }
    assert_int_equal(rows_of_level(0), 25 - 12 + 1);
    assert_int_equal(rows_of_level(1), 0);
    assert_true(value_at(1, START + 10 * DAY + MINUTE) == -24);
    assert_int_equal(count_of(1, INT64_MIN, INT64_MAX), 25);
    place_reopen(&place);
    assert_true(value_at(1, START + 10 * DAY + MINUTE) == -24);
}

static void deleted_samples_are_gone_at_once(void **state)
{
    (void)state;
    struct sample last;
    place_open(&place);
    for (int i = 0; i < 100; i++) {
        append(1, START + 2 * DAY + i * MINUTE, i);
        append(2, START + 2 * DAY + i * MINUTE, i);
    }
    int64_t from_us = START + 2 * DAY + 10 * MINUTE;
    assert_int_equal(history_delete(place.history, 0, 0, 1), BUSBAR_EINVAL);
    assert_int_equal(history_delete(place.history, 1, 2, 1), BUSBAR_EINVAL);
    assert_int_equal(history_delete(place.history, 1, from_us, from_us + 20 * MINUTE), 0);
    assert_int_equal(count_of(1, INT64_MIN, INT64_MAX), 80);
    assert_int_equal(count_of(2, INT64_MIN, INT64_MAX), 100);
    append(1, from_us + MINUTE, 7); /* written afterwards: stays */
    assert_int_equal(count_of(1, INT64_MIN, INT64_MAX), 81);
    place_reopen(&place);
    assert_int_equal(count_of(1, INT64_MIN, INT64_MAX), 81);
    /* the newest ones: the last sample becomes the one before */
    assert_int_equal(history_delete(place.history, 1, START + 2 * DAY + 90 * MINUTE, INT64_MAX), 0);
    assert_true(history_last(place.history, 1, &last, NULL));
    assert_true(last.value.d == 89);
    place_reopen(&place);
    assert_true(history_last(place.history, 1, &last, NULL));
    assert_true(last.value.d == 89);
    /* all of a series */
    assert_int_equal(history_delete(place.history, 2, INT64_MIN, INT64_MAX), 0);
    assert_false(history_last(place.history, 2, &last, NULL));
    assert_int_equal(count_of(2, INT64_MIN, INT64_MAX), 0);
    place_reopen(&place);
    assert_false(history_last(place.history, 2, &last, NULL));
    struct history_counts counts;
    history_counts(place.history, 2, &counts);
    assert_int_equal(counts.stored_all, 100); /* the ledger does not forget */
    clock_fake_advance(DAY);
    place_work(&place);
    assert_int_equal(count_of(1, INT64_MIN, INT64_MAX), 71);
    struct history_status status = place_status(&place);
    assert_int_equal(status.block_samples, 71);
    assert_int_equal(status.deleted_samples, 130);
    assert_int_equal(status.totals.stored_all, status.block_samples + status.deleted_samples);
    struct state_deletion *list;
    size_t count;
    uint64_t newest;
    assert_int_equal(state_deletions(place.state, &list, &count, &newest), 0);
    assert_int_equal(count, 0); /* obeyed everywhere, forgotten */
    assert_int_equal(newest, 3);
    append(2, START + 2 * DAY, 5); /* the series may come back */
    assert_true(history_last(place.history, 2, &last, NULL));
    place_reopen(&place);
    assert_int_equal(count_of(2, INT64_MIN, INT64_MAX), 1);
    assert_true(history_last(place.history, 2, &last, NULL));
}

/* A reader that asks for one series after the other finds what single reads find. */
static void assert_numbers(struct history_reader *reader, uint32_t series)
{
    struct history_numbers numbers;
    struct history_samples samples;
    assert_int_equal(history_reader_numbers(reader, series, INT64_MIN, INT64_MAX, 100000, &numbers),
                     0);
    assert_int_equal(history_read(place.history, series, INT64_MIN, INT64_MAX, 0, &samples), 0);
    assert_int_equal(numbers.count, samples.count);
    for (size_t i = 0; i < samples.count; i++) {
        assert_int_equal(numbers.times_us[i], samples.samples[i].time_us);
        assert_true(numbers.values[i] == samples.samples[i].value.d);
    }
    history_samples_free(&samples);
}

static void readers_find_every_series(void **state)
{
    (void)state;
    enum { MANY = 900 };
    struct history_reader *reader;
    place_open(&place);
    rnd.state = 5;
    for (int round = 0; round < 3; round++) { /* of many chunks and of few, not all in each block */
        struct sample *samples = busbar_alloc_array(MANY * 12, sizeof(*samples));
        size_t count = 0;
        for (int i = 0; i < 12; i++) {
            for (uint32_t series = 1; series <= MANY; series++) {
                if (random_below(&rnd, 3) > 0) {
                    int64_t time_us = START + (i * 3 + round) * DAY / 2 + (int64_t)series * 1000 +
                                      1;
                    samples[count++] = place_number(series * 3, time_us, (double)series / 10);
                }
            }
        }
        assert_int_equal(place_append(&place, samples, count), 0);
        busbar_free(samples);
        flush();
    }
    assert_int_equal(history_reader_open(place.history, &reader), 0);
    for (uint32_t series = 1; series <= MANY * 3 + 5; series++) {
        assert_numbers(reader, series);
    }
    for (int i = 0; i < 500; i++) {
        assert_numbers(reader, 1 + (uint32_t)random_below(&rnd, MANY * 3));
    }
    assert_numbers(reader, 300);
    assert_numbers(reader, 300);
    assert_int_equal(history_reader_damaged(reader), 0);
    history_reader_close(reader);
}

/* --- the twin --- */

static double *twin[SERIES]; /* NAN: nothing at that minute */

static void assert_minutes(uint32_t series, int first, int end)
{
    struct history_samples result;
    int64_t from_us = START + first * MINUTE;
    assert_int_equal(history_read(place.history, series, from_us, START + end * MINUTE, 0, &result),
                     0);
    assert_int_equal(result.damaged, 0);
    size_t at = 0;
    for (int slot = first; slot < end; slot++) {
        if (isnan(twin[series - 1][slot])) {
            continue;
        }
        assert_true(at < result.count);
        assert_int_equal(result.samples[at].time_us, START + slot * MINUTE);
        assert_true(result.samples[at].value.d == twin[series - 1][slot]);
        at++;
    }
    assert_int_equal(at, result.count);
    history_samples_free(&result);
}

static void assert_lasts(void)
{
    for (uint32_t series = 1; series <= SERIES; series++) {
        struct sample last;
        int slot = SLOTS - 1;
        while (slot >= 0 && isnan(twin[series - 1][slot])) {
            slot--;
        }
        assert_int_equal(history_last(place.history, series, &last, NULL), slot >= 0);
        if (slot >= 0) {
            assert_int_equal(last.time_us, START + slot * MINUTE);
            assert_true(last.value.d == twin[series - 1][slot]);
        }
    }
}

static void append_some(int now)
{
    struct sample samples[300];
    size_t count = 1 + random_below(&rnd, 300);
    bool late = random_below(&rnd, 3) == 0;
    int first = late ? (int)random_below(&rnd, (uint64_t)now) : now - (int)random_below(&rnd, 200);
    for (size_t i = 0; i < count; i++) {
        int slot = first + (int)(late ? random_below(&rnd, 3000) : i / SERIES);
        slot = slot >= now ? now - 1 : slot < 0 ? 0 : slot;
        uint32_t series = 1 + (uint32_t)random_below(&rnd, SERIES);
        double value = (double)random_below(&rnd, 10000) / 10;
        samples[i] = place_number(series, START + slot * MINUTE, value);
        twin[series - 1][slot] = value;
    }
    assert_int_equal(place_append(&place, samples, count), 0);
}

static void delete_some(int now)
{
    uint32_t series = 1 + (uint32_t)random_below(&rnd, SERIES);
    int first = (int)random_below(&rnd, (uint64_t)now);
    int end = first + (int)random_below(&rnd, random_below(&rnd, 2) == 0 ? 100 : 5000);
    int64_t from_us = START + first * MINUTE;
    int64_t to_us = START + end * MINUTE;
    if (random_below(&rnd, 8) == 0) {
        first = 0;
        end = SLOTS;
        from_us = INT64_MIN;
        to_us = INT64_MAX;
    }
    for (int slot = first; slot < end && slot < SLOTS; slot++) {
        twin[series - 1][slot] = NAN;
    }
    assert_int_equal(history_delete(place.history, series, from_us, to_us), 0);
}

static void twin_run(uint64_t seed, int steps)
{
    rnd.state = seed;
    int now = 1440;
    for (int s = 0; s < SERIES; s++) {
        for (int slot = 0; slot < SLOTS; slot++) {
            twin[s][slot] = NAN;
        }
    }
    clock_fake_set(0, START + now * MINUTE);
    place.config.cold_us = 0;
    place.config.tiers_keep_us = 0;
    place_open(&place);
    for (int step = 0; step < steps; step++) {
        unsigned what = (unsigned)random_below(&rnd, 20);
        bool worked;
        if (what < 9) {
            append_some(now);
        } else if (what < 12) {
            flush();
        } else if (what < 16) {
            assert_int_equal(history_step(place.history, &worked), 0);
        } else if (what == 16) {
            delete_some(now);
        } else if (what == 17) {
            place_reopen(&place);
        } else if (now + 500 < SLOTS) {
            now += (int)random_below(&rnd, 500);
            clock_fake_set(0, START + now * MINUTE);
        }
        uint32_t series = 1 + (uint32_t)random_below(&rnd, SERIES);
        int first = (int)random_below(&rnd, (uint64_t)now);
        int end = first + (int)random_below(&rnd, 4000);
        assert_minutes(series, first, end < SLOTS ? end : SLOTS);
        if (step % 16 == 0) {
            assert_lasts();
        }
    }
    clock_fake_set(0, START + (SLOTS + 2000) * MINUTE);
    place_work(&place);
    uint64_t present = 0;
    for (uint32_t series = 1; series <= SERIES; series++) {
        assert_minutes(series, 0, SLOTS);
        for (int slot = 0; slot < SLOTS; slot++) {
            present += isnan(twin[series - 1][slot]) ? 0 : 1;
        }
    }
    assert_lasts();
    assert_int_equal(rows_of_level(0), 0);
    struct history_status status = place_status(&place);
    assert_int_equal(status.block_samples, present);
    assert_int_equal(status.totals.stored_all, present + status.deleted_samples);
    struct history_findings findings;
    assert_int_equal(place_verify(&place, &findings), 0);
    assert_int_equal(findings.orphan_files, 0);
    place_reopen(&place);
    assert_minutes(1, 0, SLOTS);
    assert_lasts();
}

static void agrees_with_the_twin(void **state)
{
    const char *rounds = getenv("BUSBAR_TWIN_ROUNDS");
    int count = rounds != NULL ? (int)strtol(rounds, NULL, 10) : 3;
    for (size_t s = 0; s < SERIES; s++) {
        twin[s] = busbar_alloc_array(SLOTS, sizeof(double));
    }
    for (int round = 0; round < count; round++) {
        twin_run(500 + (uint64_t)round, 300);
        tear_down(state);
        set_up(state);
    }
    place_open(&place);
    for (size_t s = 0; s < SERIES; s++) {
        busbar_free(twin[s]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(days_are_open_at_their_start),
        cmocka_unit_test_setup_teardown(days_that_are_over_are_merged, set_up, tear_down),
        cmocka_unit_test_setup_teardown(late_samples_find_their_day, set_up, tear_down),
        cmocka_unit_test_setup_teardown(many_small_blocks_become_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(deleted_samples_are_gone_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(readers_find_every_series, set_up, tear_down),
        cmocka_unit_test_setup_teardown(agrees_with_the_twin, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
