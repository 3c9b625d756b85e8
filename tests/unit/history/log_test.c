/* SPDX-License-Identifier: Apache-2.0 */
/* The log alone: segments that are used again, and every unfinished end that a crash can leave: of a
 * new file (cut), and of one used again (old content behind it). */
#include "history/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "place.h"
#include "support/quiet.h"
#include "support/random.h"

#define NOW INT64_C(1790000000000000)
enum { LAST_BYTES = 65536, SAMPLES = 600, RECORDS_MAX = 100, SEGMENT = 100000 };
/* ThreadSanitizer is here for the threads: it looks at some of the cuts, every other build at each. */
#ifdef __SANITIZE_THREAD__
enum { LOOK_EACH = 97 };
#else
enum { LOOK_EACH = 1 };
#endif

static char folder[64];
static struct history_log log_;
static struct file_ops no_cut; /* so that the test can do it byte by byte */
static uint64_t mark;
static struct random rnd;

static int leave(void *ctx, int fd, int64_t size)
{
    (void)ctx;
    (void)fd;
    (void)size;
    return 0;
}

static int no_sync(void *ctx, int fd)
{
    (void)ctx;
    (void)fd;
    return 0;
}

static int count_record(void *ctx, const struct history_record_head *head, const uint8_t *body)
{
    uint64_t *last = ctx;
    (void)body;
    *last = head->sequence;
    return 0;
}

/* `last`: sequence of the last record. */
static void open_log(struct history_recovery *found, uint64_t *last)
{
    struct err err = { 0 };
    *found = (struct history_recovery){ 0 };
    *last = mark;
    if (history_log_open(&log_, &no_cut, folder, SEGMENT, mark, count_record, last, found, &err) !=
        0) {
        fail_msg("%s", err.message);
    }
}

static uint64_t write_record(struct history_record_writer *writer)
{
    uint64_t sequence;
    struct sample samples[SAMPLES];
    for (uint32_t i = 0; i < SAMPLES; i++) {
        samples[i] = place_number(i + 1, NOW + (int64_t)random_below(&rnd, 9999),
                                  (double)random_below(&rnd, 100000) / 1000);
    }
    history_record_clear(writer);
    assert_int_equal(history_record_add(writer, samples, SAMPLES), 0);
    assert_int_equal(history_log_write(&log_, writer, &sequence), 0);
    return sequence;
}

/* Writes records until the newest segment has enough of them. Returns the end of each; the segment's number. */
static size_t fill(size_t *ends, uint64_t *first, uint64_t *number)
{
    struct history_record_writer writer;
    size_t count = 0;
    history_record_init(&writer, 1 << 20);
    *first = history_log_next(&log_);
    do {
        (void)write_record(&writer);
        ends[count++] = (size_t)log_.segments[log_.count - 1].bytes;
    } while (ends[count - 1] < LAST_BYTES + HISTORY_SEGMENT_HEAD);
    *number = log_.number;
    history_record_fini(&writer);
    return count;
}

static int set_up(void **state)
{
    (void)state;
    no_cut = *file_ops_real();
    no_cut.ftruncate = leave;
    no_cut.fsync = no_sync;
    mark = 0;
    rnd = (struct random){ 3 };
    snprintf(folder, sizeof(folder), "/tmp/busbar-log-XXXXXX");
    return mkdtemp(folder) != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    place_remove_folder(folder);
    return 0;
}

static size_t count_files(const char *suffix)
{
    char **names;
    size_t count;
    assert_int_equal(file_list(folder, suffix, 1000, &names, &count, NULL), 0);
    busbar_free(names);
    return count;
}

/* The records that are whole in the first `end` bytes. The padding of the last may be missing. */
static size_t whole(const size_t *ends, size_t count, size_t end)
{
    size_t records = 0;
    while (records < count && ends[records] <= end) {
        records++;
    }
    return records;
}

static void assert_end(const size_t *ends, size_t count, uint64_t first, size_t end)
{
    struct history_recovery found;
    uint64_t last;
    open_log(&found, &last);
    size_t records = whole(ends, count, end);
    bool padding = records < count && ends[records] - end < 8;
    assert_true(last == first - 1 + records || (padding && last == first + records));
    assert_int_equal(found.damaged_records, 0);
    assert_int_equal(found.damaged_files, 0);
    assert_int_equal(history_log_next(&log_), last + 1);
    history_log_close(&log_);
}

static void each_of_the_last_bytes_cut(void **state)
{
    (void)state;
    size_t ends[RECORDS_MAX];
    struct history_recovery found;
    char path[HISTORY_PATH_MAX];
    uint64_t last;
    uint64_t first;
    uint64_t number;
    open_log(&found, &last);
    size_t count = fill(ends, &first, &number);
    history_log_path(&log_, number, path);
    history_log_close(&log_);
    for (size_t end = ends[count - 1]; end + LAST_BYTES > ends[count - 1]; end--) {
        assert_int_equal(truncate(path, (off_t)end), 0);
        if (end % LOOK_EACH == 0) {
            assert_end(ends, count, first, end);
        }
    }
}

/* A segment full of records, let go and taken again: its old content is behind what the new one has. */
static void each_of_the_last_bytes_not_written_over(void **state)
{
    (void)state;
    size_t ends[RECORDS_MAX];
    struct history_recovery found;
    char path[HISTORY_PATH_MAX];
    uint64_t last;
    uint64_t first;
    uint64_t number;
    struct history_record_writer writer;
    history_record_init(&writer, 1 << 20);
    open_log(&found, &last);
    while (log_.count < 2) {
        (void)write_record(&writer);
    }
    history_log_forget(&log_, log_.segments[0].last);
    assert_int_equal(count_files(".spare"), 1);
    char spare[HISTORY_PATH_MAX];
    char *old;
    size_t old_size;
    snprintf(spare, sizeof(spare), "%s/%016llx.spare", folder, (unsigned long long)log_.spares[0]);
    assert_int_equal(file_read(file_ops_real(), spare, 1 << 20, &old, &old_size, NULL), 0);
    while (log_.fd >= 0) { /* until the present one is full */
        last = write_record(&writer);
    }
    history_log_forget(&log_, last); /* not the newest: it stays */
    mark = last;
    size_t count = fill(ends, &first, &number);
    assert_int_equal(count_files(".spare"), 0);
    assert_int_equal(first, last + 1);
    history_log_path(&log_, number, path);
    history_log_close(&log_);
    int fd = open(path, O_RDWR);
    struct stat at_end;
    assert_int_equal(fstat(fd, &at_end), 0);
    assert_int_equal(at_end.st_size, old_size);
    for (size_t end = ends[count - 1]; end + LAST_BYTES > ends[count - 1]; end--) {
        assert_int_equal(pwrite(fd, old + end, 1, (off_t)end), 1);
        if (end % LOOK_EACH == 0) {
            assert_end(ends, count, first, end);
        }
    }
    close(fd);
    busbar_free(old);
    history_record_fini(&writer);
}

static void a_whole_end_of_a_segment_used_again_is_not_torn(void **state)
{
    (void)state;
    struct history_recovery found;
    struct history_record_writer writer;
    uint64_t last;
    history_record_init(&writer, 1 << 20);
    open_log(&found, &last);
    while (log_.count < 3) {
        last = write_record(&writer);
    }
    history_log_forget(&log_, last);
    mark = last - 1;
    assert_int_equal(count_files(".log"), 1);
    while (log_.count < 2) {
        last = write_record(&writer);
    }
    history_log_close(&log_);
    open_log(&found, &last);
    assert_int_equal(found.torn_bytes, 0);
    assert_int_equal(history_log_next(&log_), last + 1);
    history_log_close(&log_);
    history_record_fini(&writer);
}

static void a_few_segments_wait_and_a_full_disk_takes_them(void **state)
{
    (void)state;
    struct history_recovery found;
    struct history_record_writer writer;
    uint64_t last;
    history_record_init(&writer, 1 << 20);
    open_log(&found, &last);
    while (log_.count < HISTORY_LOG_SPARES + 3) {
        last = write_record(&writer);
    }
    history_log_forget(&log_, last);
    assert_int_equal(count_files(".log"), 1);
    assert_int_equal(count_files(".spare"), HISTORY_LOG_SPARES);
    history_log_close(&log_);
    open_log(&found, &last); /* a restart finds them */
    assert_int_equal(log_.spare_count, HISTORY_LOG_SPARES);
    (void)write_record(&writer);
    assert_int_equal(count_files(".spare"), HISTORY_LOG_SPARES - 1);
    assert_true(history_log_drop_spares(&log_));
    assert_false(history_log_drop_spares(&log_));
    assert_int_equal(count_files(".spare"), 0);
    history_log_close(&log_);
    history_record_fini(&writer);
}

static int group_set_up(void **state)
{
    (void)state;
    quiet_log();
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_of_the_last_bytes_cut),
        TEST(each_of_the_last_bytes_not_written_over),
        TEST(a_whole_end_of_a_segment_used_again_is_not_torn),
        TEST(a_few_segments_wait_and_a_full_disk_takes_them),
    };
    return cmocka_run_group_tests(tests, group_set_up, NULL);
}
