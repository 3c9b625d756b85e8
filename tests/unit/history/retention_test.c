/* SPDX-License-Identifier: Apache-2.0 */
/* Retention by age, by series and by bytes; merging; work of many threads at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "history/backup.h"
#include "place.h"
#include "support/quiet.h"

#define NOW INT64_C(1790000000000000)
#define DAY (INT64_C(86400) * 1000000)

static struct place place;

static int set_up(void **state)
{
    (void)state;
    quiet_log();
    clock_fake_set(0, NOW);
    place_make(&place);
    place.config.tiers_keep_us = HISTORY_TIERS_OFF; /* blocks of samples are counted here */
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    place_remove(&place);
    clock_fake_off();
    return 0;
}

static void append_block(uint32_t series, int64_t from_us, size_t count)
{
    struct sample *samples = busbar_alloc_array(count, sizeof(*samples));
    for (size_t i = 0; i < count; i++) {
        samples[i] = place_number(series, from_us + (int64_t)i * 1000000,
                                  (double)(i * i % 977) / 3);
    }
    assert_int_equal(place_append(&place, samples, count), 0);
    busbar_free(samples);
}

static uint64_t blocks(void)
{
    struct history_status status;
    history_status(place.history, &status);
    return status.blocks;
}

static void old_blocks_go(void **state)
{
    (void)state;
    place.config.keep_us = 30 * DAY;
    place_open(&place);
    for (int i = 0; i < 4; i++) {
        append_block(1, NOW - DAY * (41 - i * 10), 100); /* 41, 31, 21, 11 days old */
        assert_int_equal(history_flush(place.history), 0);
    }
    assert_int_equal(place_count(&place, 1), 200); /* hidden at once */
    place_work(&place);
    assert_int_equal(blocks(), 2);
    assert_int_equal(place_count(&place, 1), 200);
    clock_fake_advance(15 * DAY);
    assert_int_equal(place_count(&place, 1), 100);
    usleep(1000);
    place_reopen(&place);
    place_work(&place);
    assert_int_equal(blocks(), 1);
    struct history_counts counts;
    history_counts(place.history, 1, &counts);
    assert_int_equal(counts.stored_all, 400); /* the ledger does not forget */
}

static void each_series_has_its_own(void **state)
{
    (void)state;
    place.config.keep_us = 30 * DAY;
    place_open(&place);
    assert_int_equal(history_keep(place.history, 2, HISTORY_KEEP_FOREVER), 0);
    assert_int_equal(history_keep(place.history, 3, 5 * DAY), 0);
    assert_int_equal(history_keep(place.history, 0, 5 * DAY), BUSBAR_EINVAL);
    for (uint32_t series = 1; series <= 3; series++) {
        append_block(series, NOW - 100 * DAY, 50);
        append_block(series, NOW - 10 * DAY, 50);
    }
    assert_int_equal(history_flush(place.history), 0);
    assert_int_equal(place_count(&place, 1), 50);
    assert_int_equal(place_count(&place, 2), 100);
    assert_int_equal(place_count(&place, 3), 0);
    clock_fake_advance(200 * DAY);
    place_work(&place);
    struct history_status status;
    history_status(place.history, &status);
    assert_int_equal(status.blocks, 2);          /* a day each */
    assert_int_equal(status.block_samples, 100); /* written anew with series 2 only */
    assert_int_equal(status.expired_samples, 200);
    assert_int_equal(place_count(&place, 2), 100);
    assert_int_equal(history_keep(place.history, 2, 0), 0);
    assert_int_equal(place_count(&place, 2), 0);
    for (int64_t i = 1; i < 300; i++) {
        int error = history_keep(place.history, 7, i * DAY);
        assert_true(error == 0 || (i > 200 && error == BUSBAR_ELIMIT));
    }
}

static void too_many_bytes_go_oldest_first(void **state)
{
    (void)state;
    place.config.max_bytes = 60000;
    place_open(&place);
    for (int i = 0; i < 10; i++) {
        append_block(1, NOW - DAY * (20 - i), 1000);
        assert_int_equal(history_flush(place.history), 0);
    }
    place_work(&place);
    struct history_status status;
    history_status(place.history, &status);
    assert_true(status.block_bytes <= 60000);
    assert_true(status.removed_blocks > 0);
    struct history_samples result;
    assert_int_equal(history_read(place.history, 1, INT64_MIN, INT64_MAX, 1, &result), 0);
    assert_int_equal(result.count, 1);
    assert_true(result.samples[0].time_us > NOW - DAY * 20);
    history_samples_free(&result);
    assert_int_equal(history_read(place.history, 1, NOW - DAY * 11, INT64_MAX, 0, &result), 0);
    assert_int_equal(result.count, 1000); /* the newest is there */
    history_samples_free(&result);
}

static void small_blocks_are_merged(void **state)
{
    (void)state;
    place_open(&place);
    for (int i = 0; i < 13; i++) {
        append_block(1, NOW - DAY + i * INT64_C(500000000), 500);
        append_block(2, NOW - DAY - i * INT64_C(500000000), 500); /* each before the last */
        assert_int_equal(history_flush(place.history), 0);
    }
    uint64_t before = blocks();
    place_work(&place);
    assert_int_equal(before, 13);
    assert_int_equal(blocks(), 1);
    assert_int_equal(place_count(&place, 1), 6500);
    assert_int_equal(place_count(&place, 2), 6500);
    place_reopen(&place);
    assert_int_equal(blocks(), 1);
    assert_int_equal(place_count(&place, 2), 6500);
}

struct crowd {
    atomic_bool stop;
    atomic_int reads;
};

static void *read_on(void *ctx)
{
    struct crowd *crowd = ctx;
    while (!atomic_load(&crowd->stop)) {
        struct history_samples result;
        struct history_buckets buckets;
        struct history_status status;
        struct sample last;
        assert_int_equal(history_read(place.history, 1, INT64_MIN, INT64_MAX, 0, &result), 0);
        for (size_t i = 1; i < result.count; i++) {
            assert_true(result.samples[i].time_us == result.samples[i - 1].time_us + 1000);
        }
        history_samples_free(&result);
        assert_int_equal(history_buckets(place.history, 2, NOW - DAY, NOW, DAY / 100, &buckets), 0);
        busbar_free(buckets.buckets);
        history_status(place.history, &status);
        (void)history_last(place.history, 1, &last, NULL);
        atomic_fetch_add(&crowd->reads, 1);
        usleep(500);
    }
    return NULL;
}

static void *follow(void *ctx)
{
    struct crowd *crowd = ctx;
    struct history_cursor *cursor;
    struct history_record record;
    uint64_t next = 1;
    assert_int_equal(history_cursor_open(place.history, "crowd", 1, &cursor), 0);
    while (!atomic_load(&crowd->stop)) {
        int error = history_cursor_next(cursor, &record);
        if (error == 0) {
            assert_int_equal(record.sequence, next++);
            history_cursor_done(cursor, record.sequence);
        } else {
            assert_int_equal(error, BUSBAR_EAGAIN);
            usleep(500);
        }
    }
    history_cursor_close(cursor);
    return NULL;
}

static void *keep_house(void *ctx)
{
    struct crowd *crowd = ctx;
    while (!atomic_load(&crowd->stop)) {
        assert_int_equal(history_flush(place.history), 0);
        bool worked;
        assert_int_equal(history_step(place.history, &worked), 0);
        usleep(3000);
    }
    return NULL;
}

static void many_threads_at_once(void **state)
{
    (void)state;
    struct crowd crowd = { 0 };
    pthread_t threads[4];
    struct place_done done = { 0 };
    place.config.commit_us = 1000;
    place.config.segment_bytes = 20000;
    place_open(&place);
    assert_int_equal(pthread_create(&threads[0], NULL, read_on, &crowd), 0);
    assert_int_equal(pthread_create(&threads[1], NULL, read_on, &crowd), 0);
    assert_int_equal(pthread_create(&threads[2], NULL, keep_house, &crowd), 0);
    assert_int_equal(pthread_create(&threads[3], NULL, follow, &crowd), 0);
    int batches = 0;
    for (int i = 0; i < 4000 && (i < 500 || atomic_load(&crowd.reads) < 30); i++) {
        struct sample samples[2] = { place_number(1, NOW - DAY + i * 1000, i),
                                     place_number(2, NOW - DAY + i * 1000, i * 0.5) };
        assert_int_equal(history_append(place.history, samples, 2, place_stored, &done), 0);
        batches++;
        history_completed(place.history);
        usleep(200);
    }
    atomic_store(&crowd.stop, true);
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
    place_reopen(&place);
    assert_int_equal(done.count, batches);
    assert_int_equal(done.error, 0);
    assert_int_equal(place_count(&place, 1), batches);
    assert_int_equal(place_count(&place, 2), batches);
    assert_true(atomic_load(&crowd.reads) > 0);
}

/* --- spare log files --- */

static size_t files_of_log(const char *folder, const char *suffix)
{
    char path[128];
    char **names;
    size_t count;
    file_join(path, sizeof(path), folder, "log");
    assert_int_equal(file_list(path, suffix, 100, &names, &count, NULL), 0);
    busbar_free(names);
    return count;
}

static void make_spares(void)
{
    for (int i = 0; i < 12; i++) {
        append_block(1, NOW - DAY / 2 + i * INT64_C(1000000000), 300);
    }
    assert_int_equal(history_flush(place.history), 0);
    assert_true(files_of_log(place.folder, ".spare") > 0);
}

static void spare_files_go_when_the_disk_is_nearly_full(void **state)
{
    (void)state;
    place.config.segment_bytes = 2000;
    place.config.free_bytes = 1;
    place_open(&place);
    make_spares();
    place_work(&place);
    assert_true(files_of_log(place.folder, ".spare") > 0);
    place_close(&place);
    place.config.free_bytes = UINT64_MAX; /* no disk has that */
    place_open(&place);
    assert_true(files_of_log(place.folder, ".spare") > 0);
    place_work(&place);
    assert_int_equal(files_of_log(place.folder, ".spare"), 0);
    assert_int_equal(place_count(&place, 1), 12 * 300); /* what is younger than a day stays */
}

static void spare_files_are_no_part_of_the_history(void **state)
{
    (void)state;
    struct history_findings findings;
    struct history_recovery recovery;
    struct err err = { 0 };
    char copy[] = "/tmp/busbar-backup-XXXXXX";
    assert_non_null(mkdtemp(copy));
    place.config.segment_bytes = 2000;
    place_open(&place);
    make_spares();
    size_t spares = files_of_log(place.folder, ".spare");
    assert_int_equal(history_backup(place.history, copy, &err), 0);
    assert_int_equal(files_of_log(copy, ".spare"), 0);
    place_remove_folder(copy);
    place_reopen(&place);
    history_recovered(place.history, &recovery);
    assert_int_equal(recovery.orphan_files + recovery.damaged_files, 0);
    assert_int_equal(files_of_log(place.folder, ".spare"), spares);
    assert_int_equal(place_verify(&place, &findings), 0);
    assert_int_equal(findings.orphan_files, 0);
    assert_true(findings.samples >= 12 * 300); /* the newest segment has some of them too */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(old_blocks_go, set_up, tear_down),
        cmocka_unit_test_setup_teardown(each_series_has_its_own, set_up, tear_down),
        cmocka_unit_test_setup_teardown(too_many_bytes_go_oldest_first, set_up, tear_down),
        cmocka_unit_test_setup_teardown(small_blocks_are_merged, set_up, tear_down),
        cmocka_unit_test_setup_teardown(spare_files_go_when_the_disk_is_nearly_full, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(spare_files_are_no_part_of_the_history, set_up, tear_down),
        cmocka_unit_test_setup_teardown(many_threads_at_once, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
