/* SPDX-License-Identifier: Apache-2.0 */
/* Faults under the history: every file call fails once, with every fault; what was acknowledged is
 * there afterwards, in the running history and after a restart, and nothing is there twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "place.h"
#include "support/fault_file.h"
#include "support/quiet.h"

#define NOW INT64_C(1790000000000000)
enum { SERIES = 3, ROUNDS = 8 };

static struct fault_file fault;

static void assert_rounds(struct place *place, int rounds)
{
    for (uint32_t series = 1; series <= SERIES; series++) {
        struct history_samples result;
        assert_int_equal(history_read(place->history, series, INT64_MIN, INT64_MAX, 0, &result), 0);
        assert_int_equal(result.count, rounds);
        assert_int_equal(result.damaged, 0);
        for (int i = 0; i < rounds; i++) {
            assert_int_equal(result.samples[i].time_us, NOW + i);
            assert_true(result.samples[i].value.d == i + series / 10.0);
        }
        history_samples_free(&result);
        struct history_counts counts;
        history_counts(place->history, series, &counts);
        assert_int_equal(counts.stored_all, rounds);
        assert_int_equal(counts.repeated_all, 0);
    }
}

static void append_round(struct place *place, int round)
{
    struct sample samples[SERIES];
    for (uint32_t s = 0; s < SERIES; s++) {
        samples[s] = place_number(s + 1, NOW + round, round + (s + 1) / 10.0);
    }
    int error = BUSBAR_EIO;
    for (int i = 0; i < 2000 && error != 0; i++) { /* refused while the log cannot be written */
        error = place_append(place, samples, SERIES);
        if (error != 0) {
            usleep(1000);
        }
    }
    assert_int_equal(error, 0);
}

/* One life with the n-th call failing. Returns how many calls there were. */
static long one_life(enum fault_kind kind, unsigned calls, long nth)
{
    struct place place;
    place_make(&place);
    place.config.file = &fault.ops;
    place.config.segment_bytes = 600; /* a new segment every other commit */
    fault_file_set(&fault, FAULT_NONE, 0, 0, false);
    place_open(&place);
    fault_file_set(&fault, kind, calls, nth, false);
    for (int round = 0; round < ROUNDS; round++) {
        append_round(&place, round);
        if (round == 2 || round == 5) {
            int error = history_flush(place.history); /* may fail: then it stays in the log */
            assert_true(error == 0 || fault_file_failed(&fault) > 0);
        }
    }
    long seen = fault_file_seen(&fault);
    long failed = fault_file_failed(&fault);
    fault_file_set(&fault, FAULT_NONE, 0, 0, false);
    assert_rounds(&place, ROUNDS);
    place_reopen(&place);
    assert_rounds(&place, ROUNDS);
    assert_int_equal(history_flush(place.history), 0);
    place_reopen(&place);
    assert_rounds(&place, ROUNDS);
    assert_int_equal(place_verify(&place, NULL), 0);
    place_remove(&place);
    assert_true(nth > seen || failed > 0);
    return seen;
}

static void every_call_fails_once(enum fault_kind kind, unsigned calls)
{
    long total = one_life(FAULT_NONE, calls, 1 << 20);
    assert_true(total > 0);
    for (long nth = 1; nth <= total; nth++) {
        one_life(kind, calls, nth);
    }
}

static void every_write_fails_once(void **state)
{
    (void)state;
    every_call_fails_once(FAULT_EIO, FAULT_WRITE);
    every_call_fails_once(FAULT_ENOSPC, FAULT_WRITE);
    every_call_fails_once(FAULT_SHORT, FAULT_WRITE);
}

static void every_sync_fails_once(void **state)
{
    (void)state;
    every_call_fails_once(FAULT_EIO, FAULT_SYNC);
    every_call_fails_once(FAULT_ENOSPC, FAULT_SYNC);
}

static void every_open_and_rename_fails_once(void **state)
{
    (void)state;
    every_call_fails_once(FAULT_EIO, FAULT_OPEN);
    every_call_fails_once(FAULT_ENOSPC, FAULT_OPEN);
    every_call_fails_once(FAULT_EIO, FAULT_NAME);
    every_call_fails_once(FAULT_ENOSPC, FAULT_SIZE);
}

/* --- merges, late data and starts --- */

/* Repeats and something late, so that a flush looks into older blocks; then merges and recodes. */
static void append_again(struct place *place)
{
    struct sample samples[SERIES];
    for (uint32_t s = 0; s < SERIES; s++) {
        samples[s] = place_number(s + 1, NOW, (s + 1) / 10.0);
    }
    assert_int_equal(place_append(place, samples, SERIES), 0);
}

static void assert_samples(struct place *place)
{
    for (uint32_t series = 1; series <= SERIES; series++) {
        struct history_samples result;
        assert_int_equal(history_read(place->history, series, INT64_MIN, INT64_MAX, 0, &result), 0);
        assert_int_equal(result.count, ROUNDS);
        assert_int_equal(result.damaged, 0);
        for (int i = 0; i < ROUNDS; i++) {
            assert_true(result.samples[i].value.d == i + series / 10.0);
        }
        history_samples_free(&result);
    }
}

static void make_blocks(struct place *place)
{
    place_make(place);
    place->config.file = &fault.ops;
    place->config.segment_bytes = 600;
    fault_file_set(&fault, FAULT_NONE, 0, 0, false);
    place_open(place);
    for (int round = 0; round < ROUNDS; round++) {
        append_round(place, round);
        if (round == 2) {
            assert_int_equal(history_flush(place->history), 0);
        }
    }
    append_again(place);
}

/* Returns how many calls there were. What fails is tried again, and then it works. */
static long one_merge(enum fault_kind kind, unsigned calls, long nth)
{
    struct place place;
    make_blocks(&place);
    fault_file_set(&fault, kind, calls, nth, false);
    int error = history_flush(place.history);
    error = error == 0 ? history_compact_now(place.history, true) : error;
    long seen = fault_file_seen(&fault);
    assert_true(error == 0 || fault_file_failed(&fault) > 0);
    fault_file_set(&fault, FAULT_NONE, 0, 0, false);
    assert_samples(&place);
    place_reopen(&place);
    assert_samples(&place);
    assert_int_equal(history_flush(place.history), 0);
    assert_int_equal(history_compact_now(place.history, true), 0);
    place_reopen(&place);
    assert_samples(&place);
    assert_int_equal(place_verify(&place, NULL), 0);
    place_remove(&place);
    return seen;
}

/* A start either says what is wrong or is whole, and the next one is. */
static long one_start(enum fault_kind kind, unsigned calls, long nth)
{
    struct place place;
    struct err err = { 0 };
    make_blocks(&place);
    place_close(&place);
    assert_int_equal(state_open(place.folder, &place.state, NULL), 0);
    place.config.state = place.state;
    fault_file_set(&fault, kind, calls, nth, false);
    int error = history_open(&place.config, &place.history, &err);
    long seen = fault_file_seen(&fault);
    fault_file_set(&fault, FAULT_NONE, 0, 0, false);
    if (error == 0) {
        struct history_recovery recovery;
        history_recovered(place.history, &recovery);
        if (recovery.text[0] == '\0') {
            assert_samples(&place);
        }
        append_round(&place, ROUNDS - 1); /* again: it must not hide anything */
        history_close(place.history);
    } else {
        assert_true(err.message[0] != '\0');
        assert_true(calls != FAULT_READ); /* what cannot be read never stops a start */
    }
    state_close(place.state);
    place_open(&place);
    assert_samples(&place);
    place_remove(&place);
    return seen;
}

static void each_of(long (*life)(enum fault_kind, unsigned, long), enum fault_kind kind,
                    unsigned calls)
{
    long total = life(FAULT_NONE, calls, 1 << 20);
    assert_true(total > 0);
    for (long nth = 1; nth <= total; nth++) {
        life(kind, calls, nth);
    }
}

static void every_call_of_a_merge_fails_once(void **state)
{
    (void)state;
    each_of(one_merge, FAULT_EIO, FAULT_ALL);
    each_of(one_merge, FAULT_ENOSPC, FAULT_ALL);
    each_of(one_merge, FAULT_SHORT, FAULT_WRITE);
}

static void every_call_of_a_start_fails_once(void **state)
{
    (void)state;
    each_of(one_start, FAULT_EIO, FAULT_ALL);
    each_of(one_start, FAULT_ENOSPC, FAULT_ALL);
    each_of(one_start, FAULT_EIO, FAULT_READ);
}

/* --- a place that the disk cannot read --- */

enum { BAD_FROM = 8192, BAD_TO = 12288, MANY = 400 };

static ssize_t bad_place(void *ctx, int fd, void *data, size_t size, int64_t offset)
{
    const struct file_ops *real = file_ops_real();
    (void)ctx;
    return offset < BAD_TO && offset + (int64_t)size > BAD_FROM
               ? BUSBAR_EIO
               : real->pread(real->ctx, fd, data, size, offset);
}

static size_t count_files(const struct place *place, const char *suffix)
{
    char folder[128];
    char **names;
    size_t count;
    file_join(folder, sizeof(folder), place->folder, "log");
    assert_int_equal(file_list(folder, suffix, 100, &names, &count, NULL), 0);
    busbar_free(names);
    return count;
}

static void an_unreadable_page_of_the_log_costs_its_records(void **state)
{
    (void)state;
    struct place place;
    struct history_recovery recovery;
    struct history_samples result;
    struct file_ops ops = *file_ops_real();
    place_make(&place);
    place.config.file = &ops;
    place_open(&place);
    for (int i = 0; i < MANY; i++) {
        struct sample sample = place_number(1, NOW + i, i);
        assert_int_equal(place_append(&place, &sample, 1), 0);
    }
    ops.pread = bad_place;
    place_reopen(&place);
    ops.pread = file_ops_real()->pread;
    history_recovered(place.history, &recovery);
    assert_int_equal(recovery.damaged_files, 1);
    assert_true(recovery.damaged_records > 10 && recovery.damaged_records < MANY / 2);
    assert_int_equal(recovery.records + recovery.damaged_records, MANY);
    assert_non_null(strstr(recovery.text, ".log: "));
    assert_int_equal(history_read(place.history, 1, INT64_MIN, INT64_MAX, 0, &result), 0);
    assert_int_equal(result.count, recovery.records);
    history_samples_free(&result);
    struct sample sample = place_number(1, NOW + MANY, MANY);
    assert_int_equal(place_append(&place, &sample, 1), 0);
    assert_int_equal(count_files(&place, ".damaged"), 0);
    assert_int_equal(history_flush(place.history), 0);
    assert_int_equal(count_files(&place, ".damaged"), 1); /* for whoever knows how to read it */
    assert_int_equal(count_files(&place, ".log"), 1);
    place_reopen(&place);
    history_recovered(place.history, &recovery);
    assert_string_equal(recovery.text, "");
    place_remove(&place);
}

static void a_full_disk_refuses_and_recovers(void **state)
{
    (void)state;
    struct place place;
    struct place_done done = { 0 };
    struct history_status status;
    place_make(&place);
    place.config.file = &fault.ops;
    fault_file_set(&fault, FAULT_NONE, 0, 0, false);
    place_open(&place);
    append_round(&place, 0);
    fault_file_set(&fault, FAULT_ENOSPC, FAULT_WRITE, 1, true);
    struct sample sample = place_number(1, NOW + 1, 1.1);
    assert_int_equal(history_append(place.history, &sample, 1, place_stored, &done), 0);
    for (int i = 0; i < 2000; i++) {
        history_status(place.history, &status);
        if (status.log_state == HISTORY_LOG_FULL) {
            break;
        }
        usleep(1000);
    }
    assert_int_equal(status.log_state, HISTORY_LOG_FULL);
    assert_int_equal(status.log_error, BUSBAR_ENOSPC);
    assert_int_equal(status.waiting, 1);
    assert_int_equal(done.count, 0);
    struct sample refused = place_number(2, NOW + 1, 1.2);
    assert_int_equal(history_append(place.history, &refused, 1, place_stored, &done),
                     BUSBAR_ENOSPC);
    fault_file_set(&fault, FAULT_NONE, 0, 0, false);
    for (int i = 0; i < 5000 && done.count == 0; i++) {
        history_completed(place.history);
        usleep(1000);
    }
    assert_int_equal(done.count, 1);
    assert_int_equal(done.error, 0);
    history_status(place.history, &status);
    assert_int_equal(status.log_state, HISTORY_LOG_OK);
    assert_int_equal(place_append(&place, &refused, 1), 0);
    place_remove(&place);
}

static void what_cannot_be_written_at_the_end_is_told(void **state)
{
    (void)state;
    struct place place;
    struct place_done done = { 0 };
    place_make(&place);
    place.config.file = &fault.ops;
    fault_file_set(&fault, FAULT_NONE, 0, 0, false);
    place_open(&place);
    fault_file_set(&fault, FAULT_EIO, FAULT_WRITE | FAULT_OPEN, 1, true);
    struct sample sample = place_number(1, NOW, 1);
    assert_int_equal(history_append(place.history, &sample, 1, place_stored, &done), 0);
    place_close(&place);
    assert_int_equal(done.count, 1);
    assert_int_equal(done.error, BUSBAR_EIO);
    fault_file_set(&fault, FAULT_NONE, 0, 0, false);
    place_open(&place);
    struct history_samples result;
    assert_int_equal(history_read(place.history, 1, INT64_MIN, INT64_MAX, 0, &result), 0);
    assert_int_equal(result.count, 0);
    history_samples_free(&result);
    place_remove(&place);
}

static void a_failed_fsync_gives_the_segment_up(void **state)
{
    (void)state;
    struct place place;
    struct history_status status;
    place_make(&place);
    place.config.file = &fault.ops;
    fault_file_set(&fault, FAULT_NONE, 0, 0, false);
    place_open(&place);
    append_round(&place, 0);
    fault_file_set(&fault, FAULT_EIO, FAULT_SYNC, 1, false);
    append_round(&place, 1);
    history_status(place.history, &status);
    assert_int_equal(status.failed_syncs, 1);
    assert_int_equal(status.sequence, 2);
    assert_rounds(&place, 2);
    place_reopen(&place);
    assert_rounds(&place, 2);
    struct history_recovery recovery;
    history_recovered(place.history, &recovery);
    assert_int_equal(recovery.records, 2);
    assert_int_equal(recovery.damaged_records, 0);
    place_remove(&place);
}

static int group_set_up(void **state)
{
    (void)state;
    quiet_log();
    clock_fake_set(0, NOW + 1000000);
    fault_file_init(&fault);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_write_fails_once),
        cmocka_unit_test(every_sync_fails_once),
        cmocka_unit_test(every_open_and_rename_fails_once),
        cmocka_unit_test(every_call_of_a_merge_fails_once),
        cmocka_unit_test(every_call_of_a_start_fails_once),
        cmocka_unit_test(an_unreadable_page_of_the_log_costs_its_records),
        cmocka_unit_test(a_full_disk_refuses_and_recovers),
        cmocka_unit_test(what_cannot_be_written_at_the_end_is_told),
        cmocka_unit_test(a_failed_fsync_gives_the_segment_up),
    };
    return cmocka_run_group_tests(tests, group_set_up, NULL);
}
