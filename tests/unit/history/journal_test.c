/* SPDX-License-Identifier: Apache-2.0 */
/* The journal of events: each once, over restarts, kill -9, a disk that is full, a backup older than its journal.
 * BUSBAR_KILL_ROUNDS sets how often it is killed (default 25; 1,000 before a release). */
#include "history/journal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "base/alloc.h"
#include "history/backup.h"
#include "place.h"
#include "support/quiet.h"
#include "support/random.h"

#define NOW INT64_C(1790000000000000)
enum { ROUNDS = 25, NUMBERS_MAX = 1 << 20 };

static struct place place;
static struct history_journal *journal;

static void open_all(void)
{
    struct err err = { 0 };
    assert_int_equal(state_open(place.folder, &place.state, &err), 0);
    place.config.folder = place.folder;
    place.config.state = place.state;
    assert_int_equal(history_journal_from(place.state, &place.config.events_from, &err), 0);
    assert_int_equal(history_open(&place.config, &place.history, &err), 0);
    assert_int_equal(history_journal_new(place.history, place.state, &journal, &err), 0);
}

static void close_all(void)
{
    history_journal_free(journal);
    journal = NULL;
    place_close(&place);
}

static int set_up(void **state)
{
    (void)state;
    quiet_log();
    place_make(&place);
    place.config.segment_bytes = 4000;
    open_all();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    history_journal_free(journal);
    journal = NULL;
    place_remove(&place);
    return 0;
}

static struct event event_of(int64_t n, char text[24])
{
    snprintf(text, 24, "%lld", (long long)n);
    return (struct event){ .time_us = NOW + n,
                           .receive_us = NOW + n,
                           .source = "ahu-1",
                           .kind = "alarm",
                           .text = text,
                           .key = n % 3 == 0 ? "k" : "" };
}

static void append(int64_t from, int count)
{
    struct place_done done = { 0 };
    for (int i = 0; i < count; i++) {
        char text[24];
        struct event event = event_of(from + i, text);
        assert_int_equal(history_append_event(place.history, &event, place_stored, &done), 0);
    }
    history_commit_now(place.history);
    for (int i = 0; done.count < count && i < 200000; i++) {
        history_completed(place.history);
        usleep(50);
    }
    assert_int_equal(done.count, count);
    assert_int_equal(done.error, 0);
}

/* Steps until there is nothing new. Returns how many events were told. */
static size_t journal_all(bool keep_mark)
{
    struct history_journal_step step = { .more = true };
    size_t told = 0;
    while (step.more) {
        assert_int_equal(history_journal_step(journal, keep_mark, &step), 0);
        for (size_t i = 0; i < step.count; i++) {
            struct event_decoded event;
            struct bytes in = step.events[i].event;
            assert_true(step.events[i].id > 0);
            assert_int_equal(event_decode(&in, &event), 0);
            event_decoded_fini(&event);
        }
        told += step.count;
    }
    return told;
}

struct numbers {
    uint8_t *seen; /* how often each was seen */
    int64_t count, highest;
};

static void see(void *ctx, const struct state_event *row)
{
    struct numbers *numbers = ctx;
    int64_t n = strtoll(row->event->text, NULL, 10);
    assert_true(n >= 0 && n < NUMBERS_MAX);
    numbers->seen[n]++;
    numbers->count++;
    numbers->highest = n > numbers->highest ? n : numbers->highest;
}

/* Events from..to - 1 are in the journal, once each; those above up to `most` at most once. */
static int64_t assert_journal(int64_t from, int64_t to, int64_t most)
{
    struct numbers numbers = { .seen = busbar_alloc(NUMBERS_MAX), .highest = -1 };
    struct state_event_filter filter = { .limit = 10000 };
    for (uint64_t before = 0;; before = filter.before) {
        int64_t count = numbers.count;
        struct state_event_counts ends;
        assert_int_equal(state_events(place.state, &filter, see, &numbers), 0);
        assert_int_equal(state_event_counts(place.state, &ends), 0);
        if (numbers.count - count < 10000) {
            break;
        }
        filter.before = (before == 0 ? ends.last + 1 : before) - 10000; /* ids have no holes here */
    }
    for (int64_t n = from; n < to; n++) {
        assert_int_equal(numbers.seen[n], 1);
    }
    for (int64_t n = to; n < NUMBERS_MAX; n++) {
        assert_true(numbers.seen[n] == 0 || (numbers.seen[n] == 1 && n < most));
    }
    busbar_free(numbers.seen);
    return numbers.highest + 1;
}

static void each_event_is_in_it_once(void **state)
{
    (void)state;
    append(0, 20);
    assert_int_equal(journal_all(false), 20);
    assert_int_equal(journal_all(false), 0);
    append(20, 5);
    close_all(); /* not read yet */
    open_all();
    append(25, 5);
    assert_int_equal(journal_all(false), 10);
    (void)assert_journal(0, 30, 30);
    close_all();
    open_all();
    assert_int_equal(journal_all(true), 0);
}

static void many_at_once_take_more_steps(void **state)
{
    (void)state;
    enum { COUNT = 50000 };
    for (int64_t from = 0; from < COUNT; from += 5000) {
        append(from, 5000);
    }
    struct history_journal_step step;
    assert_int_equal(history_journal_step(journal, false, &step), 0);
    assert_true(step.more && step.count >= 5000 && step.count < COUNT);
    assert_int_equal(step.count + journal_all(false), COUNT);
    (void)assert_journal(0, COUNT, COUNT);
}

/* Samples alone move the mark only when that is asked for; then their segments may go. */
static void the_mark_moves_now_and_then(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++) {
        struct sample samples[4];
        for (uint32_t s = 0; s < 4; s++) {
            samples[s] = place_number(s + 1, NOW + i, i * 1.1);
        }
        assert_int_equal(place_append(&place, samples, 4), 0);
    }
    uint64_t mark, lost;
    assert_int_equal(journal_all(false), 0);
    assert_int_equal(state_events_mark(place.state, &mark, &lost), 0);
    assert_int_equal(mark, 0);
    uint64_t bytes = place_status(&place).log_bytes;
    assert_int_equal(history_flush(place.history), 0);
    assert_int_equal(place_status(&place).log_bytes, bytes);
    assert_int_equal(journal_all(true), 0);
    assert_int_equal(state_events_mark(place.state, &mark, &lost), 0);
    assert_int_equal(mark, 100);
    append(0, 1);
    assert_int_equal(journal_all(false), 1);
    assert_int_equal(history_flush(place.history), 0);
    assert_true(place_status(&place).log_bytes < bytes / 2);
}

static void what_the_quota_lets_go_is_counted(void **state)
{
    (void)state;
    close_all();
    place.config.cursor_bytes = 6000;
    open_all();
    for (int i = 0; i < 200; i++) {
        append(i, 1);
    }
    assert_int_equal(history_flush(place.history), 0);
    size_t told = journal_all(false);
    uint64_t mark, lost;
    assert_int_equal(state_events_mark(place.state, &mark, &lost), 0);
    assert_true(lost > 0);
    assert_int_equal(told + lost, 200);
    close_all();
    open_all();
    (void)journal_all(true);
    assert_int_equal(state_events_mark(place.state, &mark, &lost), 0);
    assert_int_equal(told + lost, 200); /* not counted again */
}

/* A log that begins in the middle, of a version without a journal, has lost nothing. */
static void an_older_history_begins_with_its_log(void **state)
{
    (void)state;
    close_all();
    place_open(&place); /* events_from is 1, as it was */
    history_close(place.history);
    place.config.events_from = 0;
    assert_int_equal(history_open(&place.config, &place.history, NULL), 0);
    for (int i = 0; i < 200; i++) {
        struct sample sample = place_number(1, NOW + i, i);
        assert_int_equal(place_append(&place, &sample, 1), 0);
    }
    assert_int_equal(history_flush(place.history), 0);
    place_close(&place);
    open_all();
    append(0, 3);
    assert_int_equal(journal_all(false), 3);
    uint64_t mark, lost;
    assert_int_equal(state_events_mark(place.state, &mark, &lost), 0);
    assert_int_equal(lost, 0);
    assert_true(mark > 200);
}

/* The copy of state.db in a backup may be newer than that of the log. */
static void a_mark_beyond_the_log_is_put_right(void **state)
{
    (void)state;
    append(0, 1);
    assert_int_equal(journal_all(false), 1);
    assert_int_equal(state_events_add(place.state, NULL, 0, 5000, 0, NULL), 0);
    close_all();
    open_all();
    append(1, 4);
    assert_int_equal(journal_all(false), 4);
    (void)assert_journal(0, 5, 5);
}

static void no_memory_loses_nothing(void **state)
{
    (void)state;
    for (long nth = 1; nth < 12; nth++) {
        struct history_journal_step step;
        append((nth - 1) * 200, 200);
        alloc_fail_nth(nth);
        int error = history_journal_step(journal, false, &step);
        assert_true(error == 0 || error == BUSBAR_ENOMEM);
        alloc_fail_nth(0);
        (void)journal_all(false);
        (void)assert_journal(0, nth * 200, nth * 200);
    }
}

/* ---- kill -9 ---- */

struct told {
    _Atomic int64_t acknowledged; /* events 0 .. acknowledged - 1 are on disk */
    _Atomic int64_t appended;
    _Atomic bool failed;
};

static struct told *told;

static void count_event(void *ctx, int error)
{
    (void)ctx;
    told->acknowledged += error == 0;
}

/* Appends and journals until it is killed. */
static void child(int64_t first)
{
    struct err err = { 0 };
    place.config.commit_us = 1000;
    place.config.no_keeper = false;
    place.config.block_us = 20 * 1000;
    if (state_open(place.folder, &place.state, &err) != 0 ||
        history_journal_from(place.state, &place.config.events_from, &err) != 0) {
        told->failed = true;
        _exit(1);
    }
    place.config.state = place.state;
    if (history_open(&place.config, &place.history, &err) != 0 ||
        history_journal_new(place.history, place.state, &journal, &err) != 0) {
        told->failed = true;
        _exit(1);
    }
    for (int64_t n = first;; n++) {
        char text[24];
        struct event event = event_of(n, text);
        struct sample sample = place_number(1, NOW + n, (double)n);
        told->appended = n + 1;
        while (history_append_event(place.history, &event, count_event, NULL) != 0 ||
               history_append(place.history, &sample, 1, NULL, NULL) != 0) {
            told->failed = true;
        }
        history_completed(place.history);
        if (n % 7 == 0) {
            struct history_journal_step step;
            if (history_journal_step(journal, n % 70 == 0, &step) != 0) {
                told->failed = true;
            }
            usleep(100);
        }
    }
}

static void no_acknowledged_event_is_lost(void **state)
{
    (void)state;
    struct random random = { 78 };
    const char *wanted = getenv("BUSBAR_KILL_ROUNDS");
    int rounds = wanted != NULL ? (int)strtol(wanted, NULL, 10) : ROUNDS;
    int64_t next = 0;
    close_all();
    told = mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(told != MAP_FAILED);
    struct history_config config = place.config;
    for (int round = 0; round < rounds && next < NUMBERS_MAX / 2; round++) {
        told->acknowledged = next;
        told->appended = next;
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            child(next);
        }
        usleep((useconds_t)(10000 + random_below(&random, 100000)));
        kill(pid, SIGKILL);
        int status;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status));
        assert_false(told->failed);
        place.config = config;
        open_all();
        (void)journal_all(false);
        next = assert_journal(0, told->acknowledged, told->appended);
        close_all();
    }
    assert_true(next > 0);
    print_message("%d kills, %lld events, each in the journal once\n", rounds, (long long)next);
    munmap(told, sizeof(*told));
    open_all();
}

int main(void)
{
#define WITH_PLACE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH_PLACE(each_event_is_in_it_once),
        WITH_PLACE(many_at_once_take_more_steps),
        WITH_PLACE(the_mark_moves_now_and_then),
        WITH_PLACE(what_the_quota_lets_go_is_counted),
        WITH_PLACE(an_older_history_begins_with_its_log),
        WITH_PLACE(a_mark_beyond_the_log_is_put_right),
        WITH_PLACE(no_memory_loses_nothing),
        WITH_PLACE(no_acknowledged_event_is_lost),
    };
#undef WITH_PLACE
    return cmocka_run_group_tests(tests, NULL, NULL);
}
