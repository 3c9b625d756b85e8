/* SPDX-License-Identifier: Apache-2.0 */
/* System calls that are interrupted (EINTR) or do half of what was asked: not errors, so nobody may notice.
 * The calls stand here under their own names, which is why the file table, and no other, gets these. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/syscall.h>

#include "base/clock.h"
#include "place.h"
#include "support/quiet.h"

#define NOW INT64_C(1790000000000000)
enum { SERIES = 3, ROUNDS = 8 };

/* --- the calls --- */

static struct {
    pthread_mutex_t lock;
    long nth;   /* this one; 0: none */
    bool every; /* the nth, and every second one behind it */
    bool half;  /* reads and writes do half; else EINTR */
    long seen, hit;
} faults = { .lock = PTHREAD_MUTEX_INITIALIZER };

static bool due(void)
{
    pthread_mutex_lock(&faults.lock);
    long at = ++faults.seen - faults.nth;
    bool now = faults.nth > 0 && (at == 0 || (faults.every && at > 0 && at % 2 == 0));
    faults.hit += now;
    pthread_mutex_unlock(&faults.lock);
    return now;
}

static bool interrupted(void)
{
    bool now = due();
    errno = now ? EINTR : errno;
    return now;
}

/* How many bytes the call is to move; -1: it is interrupted. */
static long allowed(size_t size)
{
    if (!due()) {
        return (long)size;
    }
    errno = EINTR;
    return !faults.half ? -1 : size > 1 ? (long)size / 2 : (long)size;
}

int open(const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    unsigned mode = va_arg(args, unsigned);
    va_end(args);
    return !faults.half && interrupted() ? -1
                                         : (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

ssize_t read(int fd, void *data, size_t size)
{
    long now = allowed(size);
    return now < 0 ? -1 : syscall(SYS_read, fd, data, now);
}

ssize_t pread(int fd, void *data, size_t size, off_t offset)
{
    long now = allowed(size);
    return now < 0 ? -1 : syscall(SYS_pread64, fd, data, now, offset);
}

ssize_t write(int fd, const void *data, size_t size)
{
    long now = allowed(size);
    return now < 0 ? -1 : syscall(SYS_write, fd, data, now);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset)
{
    long now = allowed(size);
    return now < 0 ? -1 : syscall(SYS_pwrite64, fd, data, now, offset);
}

int ftruncate(int fd, off_t size)
{
    return !faults.half && interrupted() ? -1 : (int)syscall(SYS_ftruncate, fd, size);
}

int fallocate(int fd, int mode, off_t from, off_t size)
{
    return !faults.half && interrupted() ? -1 : (int)syscall(SYS_fallocate, fd, mode, from, size);
}

/* What is synced outlives the machine, which does not stop here. */
int fdatasync(int fd)
{
    (void)fd;
    return 0;
}

int fsync(int fd)
{
    (void)fd;
    return 0;
}

static void set(long nth, bool every, bool half)
{
    pthread_mutex_lock(&faults.lock);
    faults.nth = nth;
    faults.every = every;
    faults.half = half;
    faults.seen = 0;
    faults.hit = 0;
    pthread_mutex_unlock(&faults.lock);
}

/* --- lives --- */

static void assert_whole(struct place *place)
{
    struct history_status status;
    struct history_recovery recovery;
    for (uint32_t series = 1; series <= SERIES; series++) {
        struct history_samples result;
        assert_int_equal(history_read(place->history, series, INT64_MIN, INT64_MAX, 0, &result), 0);
        assert_int_equal(result.count, ROUNDS);
        assert_int_equal(result.damaged, 0);
        for (int i = 0; i < ROUNDS; i++) {
            assert_int_equal(result.samples[i].time_us, NOW + i);
            assert_true(result.samples[i].value.d == i + series / 10.0);
        }
        history_samples_free(&result);
    }
    history_status(place->history, &status);
    assert_int_equal(status.failed_syncs, 0);
    history_recovered(place->history, &recovery);
    assert_string_equal(recovery.text, "");
}

/* A life with the nth call hit, from the first open to the last check. Returns how many calls there were. */
static long one_life(long nth, bool every, bool half)
{
    struct place place;
    place_make(&place);
    place.config.segment_bytes = 600;
    set(nth, every, half);
    place_open(&place);
    for (int round = 0; round < ROUNDS; round++) {
        struct sample samples[SERIES];
        for (uint32_t s = 0; s < SERIES; s++) {
            samples[s] = place_number(s + 1, NOW + round, round + (s + 1) / 10.0);
        }
        assert_int_equal(place_append(&place, samples, SERIES), 0);
        if (round == 2 || round == 5) {
            assert_int_equal(history_flush(place.history), 0);
        }
    }
    assert_whole(&place);
    place_reopen(&place);
    assert_whole(&place);
    assert_int_equal(history_compact_now(place.history, true), 0);
    place_reopen(&place);
    assert_whole(&place);
    assert_int_equal(place_verify(&place, NULL), 0);
    long seen = faults.seen;
    assert_true(nth == 0 || nth > seen || faults.hit > 0);
    set(0, false, false);
    place_remove(&place);
    return seen;
}

static void every_call_is_interrupted_once(void **state)
{
    (void)state;
    long total = one_life(0, false, false);
    assert_true(total > 50);
    for (long nth = 1; nth <= total; nth++) {
        one_life(nth, false, false);
    }
}

static void every_read_and_write_is_short_once(void **state)
{
    (void)state;
    long total = one_life(0, false, true);
    assert_true(total > 50);
    for (long nth = 1; nth <= total; nth++) {
        one_life(nth, false, true);
    }
}

static void every_second_call_is_hit(void **state)
{
    (void)state;
    for (long nth = 1; nth <= 2; nth++) {
        one_life(nth, true, false);
        one_life(nth, true, true);
    }
}

static int group_set_up(void **state)
{
    (void)state;
    quiet_log();
    clock_fake_set(0, NOW + 1000000);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_call_is_interrupted_once),
        cmocka_unit_test(every_read_and_write_is_short_once),
        cmocka_unit_test(every_second_call_is_hit),
    };
    return cmocka_run_group_tests(tests, group_set_up, NULL);
}
