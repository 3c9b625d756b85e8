/* SPDX-License-Identifier: Apache-2.0 */
/* Recoding of old days, compaction at once, and every file call of both failing once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "history/days.h"
#include "place.h"
#include "support/fault_file.h"
#include "support/quiet.h"
#include "support/random.h"

#define DAY   HISTORY_DAY_US
#define START (INT64_C(20000) * DAY)
enum { SERIES = 4, COUNT = 8000 };

static struct place place;
static struct random rnd;
static struct fault_file fault;

static int set_up(void **state)
{
    (void)state;
    quiet_log();
    rnd.state = 8;
    fault_file_init(&fault);
    clock_fake_set(0, START + DAY);
    place_make(&place);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    place_remove(&place);
    clock_fake_off();
    return 0;
}

static double value_of(uint32_t series, int i)
{
    switch (series) {
    case 1: return (double)((uint64_t)i * 7919 % 1201) / 1000; /* noise */
    case 2: return (double)(i / 50) / 10;
    case 3: return (double)(i * 3 + i % 3);
    default: return i % 97 == 0;
    }
}

/* `count` samples of each series from START on, 10 s apart, half of them with a jitter. */
static void append_all(int first, int count)
{
    struct sample *samples = busbar_alloc_array((size_t)count * SERIES, sizeof(*samples));
    size_t at = 0;
    for (int i = first; i < first + count; i++) {
        for (uint32_t series = 1; series <= SERIES; series++) {
            int64_t time_us = START + (int64_t)(i + 1) * 10000000 +
                              (series % 2 == 0 ? i * 31 % 9 * 1000 : 0);
            samples[at++] = place_number(series, time_us, value_of(series, i));
        }
    }
    assert_int_equal(place_append(&place, samples, at), 0);
    busbar_free(samples);
}

static void assert_all(int count)
{
    for (uint32_t series = 1; series <= SERIES; series++) {
        struct history_samples result;
        assert_int_equal(history_read(place.history, series, INT64_MIN, INT64_MAX, 0, &result), 0);
        assert_int_equal(result.damaged, 0);
        assert_int_equal(result.count, count);
        for (int i = 0; i < count; i++) {
            assert_true(result.samples[i].value.d == value_of(series, i));
        }
        history_samples_free(&result);
    }
}

static void old_days_get_smaller(void **state)
{
    (void)state;
    place_open(&place);
    append_all(0, COUNT);
    assert_int_equal(history_flush(place.history), 0);
    place_work(&place);
    clock_fake_advance(DAY);
    place_work(&place);
    struct history_status status = place_status(&place);
    uint64_t bytes = status.block_bytes;
    assert_int_equal(status.days, 1);
    assert_int_equal(status.cold_days, 0);
    assert_int_equal(status.unmerged_blocks, 0);
    assert_string_equal(status.doing, "nothing");
    clock_fake_advance(DAY);
    place_work(&place);
    status = place_status(&place);
    assert_int_equal(status.cold_days, 1);
    assert_true(status.tier_blocks == 1);
    assert_true((status.block_bytes - status.tier_bytes) < bytes);
    assert_all(COUNT);
    place_reopen(&place);
    assert_all(COUNT);
    place_work(&place);
    assert_int_equal(place_status(&place).cold_days, 1); /* once is enough */
    assert_int_equal(place_verify(&place, NULL), 0);
    place_reopen(&place);
}

static void compaction_at_once_leaves_nothing_to_do(void **state)
{
    (void)state;
    place_open(&place);
    for (int i = 0; i < 5; i++) {
        append_all(i * 400, 400);
        assert_int_equal(history_flush(place.history), 0);
    }
    append_all(2000, 1);
    assert_int_equal(history_compact_now(place.history, false), 0);
    struct history_status status = place_status(&place);
    assert_int_equal(status.unmerged_blocks, 0);
    assert_int_equal(status.head_samples, 0);
    assert_int_equal(status.days, 1);
    assert_int_equal(status.cold_days, 0);
    assert_int_equal(status.tier_blocks, 0); /* the day is not two days old */
    assert_int_equal(history_compact_now(place.history, true), 0);
    assert_int_equal(place_status(&place).cold_days, 1);
    assert_all(2001);
    append_all(2001, 1); /* the day goes on */
    assert_int_equal(history_compact_now(place.history, true), 0);
    assert_all(2002);
    assert_int_equal(place_status(&place).blocks, 1);
}

/* One life: three flushes, a delete, a compaction with the n-th call failing. Returns the calls. */
static long one_life(enum fault_kind kind, unsigned calls, long nth)
{
    clock_fake_set(0, START + 5 * DAY);
    place.config.file = &fault.ops;
    fault_file_set(&fault, FAULT_NONE, 0, 0, false);
    place_open(&place);
    append_all(0, 30);
    assert_int_equal(history_flush(place.history), 0);
    append_all(30, 30);
    struct sample gone = place_number(9, START + 5, 1);
    assert_int_equal(place_append(&place, &gone, 1), 0);
    fault_file_set(&fault, kind, calls, nth, false);
    int error = history_delete(place.history, 9, INT64_MIN, INT64_MAX);
    error = error == 0 ? history_compact_now(place.history, true) : error;
    long seen = fault_file_seen(&fault);
    assert_true(error == 0 || fault_file_failed(&fault) > 0);
    fault_file_set(&fault, FAULT_NONE, 0, 0, false);
    assert_all(60);
    place_reopen(&place);
    assert_all(60);
    assert_int_equal(history_delete(place.history, 9, INT64_MIN, INT64_MAX), 0);
    assert_int_equal(history_compact_now(place.history, true), 0);
    assert_all(60);
    struct history_status status = place_status(&place);
    assert_int_equal(status.block_samples, 60 * SERIES);
    assert_int_equal(status.deleted_samples, 1);
    assert_int_equal(status.totals.stored_all, 60 * SERIES + 1);
    assert_int_equal(status.days, 1);
    assert_int_equal(status.cold_days, 1);
    assert_int_equal(status.tier_blocks, 1);
    struct history_findings findings;
    assert_int_equal(place_verify(&place, &findings), 0);
    assert_int_equal(findings.orphan_files, 0);
    place_close(&place);
    place_remove_folder(place.folder);
    place_make(&place);
    return seen;
}

static void every_file_call_fails_once(void **state)
{
    (void)state;
    const struct {
        enum fault_kind kind;
        unsigned calls;
    } faults[] = {
        { FAULT_EIO, FAULT_WRITE },   { FAULT_ENOSPC, FAULT_WRITE }, { FAULT_SHORT, FAULT_WRITE },
        { FAULT_EIO, FAULT_SYNC },    { FAULT_EIO, FAULT_OPEN },     { FAULT_EIO, FAULT_NAME },
        { FAULT_ENOSPC, FAULT_SYNC },
    };
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        long total = one_life(FAULT_NONE, faults[i].calls, 1 << 20);
        assert_true(total > 0);
        for (long nth = 1; nth <= total; nth++) {
            one_life(faults[i].kind, faults[i].calls, nth);
        }
    }
    place_open(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(old_days_get_smaller, set_up, tear_down),
        cmocka_unit_test_setup_teardown(compaction_at_once_leaves_nothing_to_do, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_file_call_fails_once, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
