/* SPDX-License-Identifier: Apache-2.0 */
/* Killed at any step, started anew: a target that keeps the place has each sample exactly once, in order, or it is set
 * aside, exactly once too. Each life is a process of its own that ends as by kill -9 at its n-th step; what the target has
 * is in memory that the lives share, as a database would. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "fake_sink.h"

enum { RECORDS = 40, SERIES = 3, STEPS_MAX = 400, KILLED = 9, SHARED_SAMPLES = 4096 };

/* What outlives a kill. */
struct shared {
    struct fake_sample samples[SHARED_SAMPLES];
    size_t sample_count;
    bool has_position;
    struct sink_position position;
    int step, kill_at; /* of this life */
    bool done;         /* all was published */
    uint64_t published, aside, aside_rows;
};
static struct shared *shared;
static struct yard yard;

/* A transaction: all of it, or nothing. */
static void commit(void)
{
    memcpy(shared->samples, fake.samples, fake.sample_count * sizeof(*fake.samples));
    shared->position = fake.position;
    shared->has_position = fake.has_position;
    shared->sample_count = fake.sample_count;
}

static void on_step(const char *what)
{
    bool now = ++shared->step == shared->kill_at;
    if (now && strcmp(what, "committed") != 0) {
        _exit(KILLED);
    }
    if (strcmp(what, "committed") == 0) {
        commit();
    }
    if (now) {
        _exit(KILLED);
    }
}

static void count_row(void *ctx, const struct state_aside *row)
{
    uint64_t *rows = ctx;
    *rows += row->sample.point == 2;
}

static void wake(const char *folder)
{
    quiet_log();
    clock_fake_set(0, YARD_NOW);
    memset(&yard, 0, sizeof(yard));
    fake = (struct fake){ .samples = busbar_alloc_array(FAKE_SAMPLES_MAX, sizeof(*fake.samples)),
                          .step = on_step,
                          .refuses = 2,
                          .refuses_time = YARD_NOW + 17,
                          .sample_count = shared->sample_count,
                          .has_position = shared->has_position,
                          .position = shared->position };
    memcpy(fake.samples, shared->samples, shared->sample_count * sizeof(*fake.samples));
    yard.ops = fake_keeper;
    yard.place.config = (struct history_config){
        .commit_us = -1, .no_keeper = true, .segment_bytes = 1500, .points_labeled_later = true
    };
    str_copy(yard.place.folder, sizeof(yard.place.folder), folder);
    yard_wake(&yard);
}

/* One life; at most one second of work a turn, so that a kill may meet it between saves, too. */
static void live(const char *folder)
{
    wake(folder);
    if (history_log_bytes_behind(yard.place.history, 0) == 0) {
        yard_append(&yard, SERIES, RECORDS);
    }
    shared->step = 0; /* the log is filled in one go */
    yard_start(&yard, "sinks: { a: { fake: x, batch: 25 } }");
    for (int turn = 0; turn < 25; turn++) {
        yard_run(&yard, CLOCK_US_PER_S);
        on_step("turn");
    }
    struct sink_status status = yard_status(&yard);
    shared->published = status.counts.published;
    shared->aside = status.counts.aside;
    (void)state_asides(yard.place.state, "a", 0, 0, count_row, &shared->aside_rows);
    shared->done = status.waiting == 0 && status.phase == SINK_LIVE;
    _exit(0);
}

static int spawn(const char *folder, int kill_at)
{
    shared->kill_at = kill_at;
    pid_t child = fork();
    if (child == 0) {
        live(folder);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_true(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == KILLED);
    return WEXITSTATUS(status);
}

static void assert_exactly_once(void)
{
    int64_t next[SERIES + 1] = { 0 };
    assert_true(shared->done);
    assert_int_equal(shared->sample_count, RECORDS * SERIES - 1);
    for (size_t i = 0; i < shared->sample_count; i++) {
        const struct fake_sample *sample = &shared->samples[i];
        next[sample->series] += 1 + (sample->series == 2 && next[2] == 16);
        assert_int_equal(sample->time_us, YARD_NOW + next[sample->series]);
    }
    assert_int_equal(shared->published, RECORDS * SERIES - 1);
    assert_int_equal(shared->aside, 1);
    assert_int_equal(shared->aside_rows, 1);
}

/* Dies at step `first`, then at step `second` of the next life, then lives on. */
static bool dies(int first, int second)
{
    char folder[] = "/tmp/busbar-history-XXXXXX";
    assert_non_null(mkdtemp(folder));
    memset(shared, 0, sizeof(*shared));
    bool killed = spawn(folder, first) == KILLED;
    if (killed && second > 0) {
        (void)spawn(folder, second);
    }
    shared->aside_rows = 0;
    assert_int_equal(spawn(folder, 0), 0);
    assert_exactly_once();
    place_remove_folder(folder);
    return killed;
}

static void killed_at_each_step(void **state)
{
    (void)state;
    int steps = 1;
    while (steps < STEPS_MAX && dies(steps, 0)) {
        steps++;
    }
    assert_true(steps > 20 && steps < STEPS_MAX);
}

static void killed_twice(void **state)
{
    (void)state;
    for (int first = 2; first <= 26; first += 6) {
        for (int second = 2; second <= 12; second += 5) {
            (void)dies(first, second);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed_at_each_step),
        cmocka_unit_test(killed_twice),
    };
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) {
        return 1;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
