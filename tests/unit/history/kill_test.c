/* SPDX-License-Identifier: Apache-2.0 */
/* kill -9 at any moment: a child appends and says which samples were acknowledged; whatever it said must be
 * found afterwards, once, with its value. Blocks are written and merged all the time meanwhile.
 * BUSBAR_KILL_ROUNDS sets how often (default 50; 1,000 before a release). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "place.h"
#include "support/quiet.h"
#include "support/random.h"

#define START INT64_C(1700000000000000)
enum { SERIES = 20, ROUNDS = 50, ROUNDS_OF_FOLDER = 50 };

/* What the child told, in memory that both have. */
struct told {
    _Atomic int64_t acknowledged; /* batches 0 .. acknowledged - 1 are on disk */
    _Atomic int64_t appended;
    _Atomic bool failed;
};

static struct told *told;

static double value_of(uint32_t series, int64_t batch)
{
    return (double)((batch * 31 + series * 7) % 1000) / 10;
}

/* With jitter, so that a record has times. */
static int64_t time_of(uint32_t series, int64_t batch)
{
    return START + batch * 1000 + (series % 2 == 0 ? 0 : (batch * 7 + series) % 500);
}

static void count_batch(void *ctx, int error)
{
    (void)ctx;
    if (error == 0) {
        told->acknowledged++;
    }
}

static bool child_open(struct place *place)
{
    place->config.commit_us = 2000;
    place->config.no_keeper = false;
    place->config.block_us = 20 * 1000;
    place->config.segment_bytes = 40000;
    place->config.keep_us = HISTORY_KEEP_FOREVER;
    place->config.folder = place->folder;
    return state_open(place->folder, &place->state, NULL) == 0 &&
           (place->config.state = place->state, true) &&
           history_open(&place->config, &place->history, NULL) == 0;
}

/* Merges by day and recodes all the time. */
static void *compact_on(void *ctx)
{
    struct place *place = ctx;
    for (bool cold = false;; cold = !cold) {
        if (history_compact_now(place->history, cold) != 0) {
            told->failed = true;
        }
        usleep(2000);
    }
    return NULL;
}

/* Appends until it is killed. */
static void child(struct place *place, int64_t first, bool compact)
{
    pthread_t thread;
    if (!child_open(place) || (compact && pthread_create(&thread, NULL, compact_on, place) != 0)) {
        told->failed = true;
        _exit(1);
    }
    for (int64_t batch = first;; batch++) {
        struct sample samples[SERIES];
        for (uint32_t s = 1; s <= SERIES; s++) {
            samples[s - 1] = place_number(s, time_of(s, batch), value_of(s, batch));
        }
        told->appended = batch + 1; /* before it: it may be on disk when the kill comes */
        while (history_append(place->history, samples, SERIES, count_batch, NULL) != 0) {
            usleep(100);
        }
        history_completed(place->history);
        if (batch % 20 == 0) {
            usleep(300);
        }
    }
}

/* All acknowledged batches are there, and those after them without a hole. Returns how many. */
static int64_t assert_kept(struct place *place)
{
    int64_t kept = -1;
    for (uint32_t s = 1; s <= SERIES; s++) {
        struct history_samples result;
        assert_int_equal(history_read(place->history, s, INT64_MIN, INT64_MAX, 10000000, &result),
                         0);
        assert_int_equal(result.damaged, 0);
        assert_true((int64_t)result.count >= told->acknowledged);
        assert_true((int64_t)result.count <= told->appended);
        for (size_t i = 0; i < result.count; i++) {
            assert_int_equal(result.samples[i].time_us, time_of(s, (int64_t)i));
            assert_true(result.samples[i].value.d == value_of(s, (int64_t)i));
        }
        assert_true(kept < 0 || kept == (int64_t)result.count); /* a commit is whole or not there */
        kept = (int64_t)result.count;
        struct history_counts counts;
        history_counts(place->history, s, &counts);
        assert_int_equal(counts.stored_all, kept);
        assert_int_equal(counts.repeated_all, 0);
        history_samples_free(&result);
    }
    return kept;
}

static void nothing_acknowledged_is_lost(void **state)
{
    (void)state;
    struct place place;
    struct random random = { 77 };
    const char *wanted = getenv("BUSBAR_KILL_ROUNDS");
    int rounds = wanted != NULL ? (int)strtol(wanted, NULL, 10) : ROUNDS;
    int64_t total = 0;
    int64_t kept = 0;
    place_make(&place);
    for (int round = 0; round < rounds; round++) {
        told->acknowledged = total;
        told->appended = total;
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            child(&place, total, round % 2 == 1);
        }
        usleep((useconds_t)(20000 + random_below(&random, 150000)));
        kill(pid, SIGKILL);
        int status;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status));
        assert_false(told->failed);
        place.config = (struct history_config){ .commit_us = -1,
                                                .no_keeper = true,
                                                .keep_us = HISTORY_KEEP_FOREVER };
        place_open(&place);
        struct history_recovery recovery;
        history_recovered(place.history, &recovery);
        assert_int_equal(recovery.damaged_records, 0);
        assert_int_equal(recovery.damaged_files, 0);
        total = assert_kept(&place);
        assert_int_equal(place_verify(&place, NULL), 0);
        place_close(&place);
        kept += round % ROUNDS_OF_FOLDER == ROUNDS_OF_FOLDER - 1 || round + 1 == rounds ? total : 0;
        if (round % ROUNDS_OF_FOLDER == ROUNDS_OF_FOLDER - 1 && round + 1 < rounds) {
            place_remove_folder(place.folder); /* reading it all again takes longer and longer */
            place_make(&place);
            total = 0;
        }
    }
    assert_true(total > 0);
    print_message("%d kills, %lld batches of %d samples kept, 0 lost\n", rounds, (long long)kept,
                  SERIES);
    place_remove_folder(place.folder);
}

static int set_up(void **state)
{
    (void)state;
    quiet_log();
    told = mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return told != MAP_FAILED ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    return munmap(told, sizeof(*told));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_acknowledged_is_lost),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
