/* SPDX-License-Identifier: Apache-2.0 */
/* Retry, drop, resend against a machine of the test's own: it has a place and counts, runs jobs when it is told to, and
 * the test answers for the target. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "sinks/again_private.h"
#include "state/db.h"
#include "support/quiet.h"
#include "unit/history/place.h"

#define NOW INT64_C(1790000000000000)

static struct place place;
static struct sinks sinks;
static struct sink sink;
static struct list works;
static struct sink_push *pushed;
static bool push_canceled;
static size_t saves;

/* ---- the machine ---- */

struct sink *sinks_find(const struct sinks *all, const char *name, struct err *err)
{
    (void)all;
    if (!str_equal(name, sink.name)) {
        (void)err_set(err, BUSBAR_ENOENT, "there is no sink '%s'", name);
        return NULL;
    }
    return &sink;
}

void sink_do(struct sink *of, struct sink_work *work)
{
    assert_ptr_equal(of, &sink);
    assert_false(work->asked);
    work->asked = true;
    list_append(&works, &work->link);
}

void sink_push(struct sink *of, struct sink_push *push)
{
    assert_ptr_equal(of, &sink);
    assert_null(pushed);
    assert_true(push->sample_count + push->event_count > 0);
    push->acknowledged = 0;
    pushed = push;
}

void sink_push_cancel(struct sink *of, struct sink_push *push)
{
    assert_ptr_equal(of, &sink);
    assert_ptr_equal(push, pushed);
    push_canceled = true;
}

void sink_snapshot(const struct sink *of, struct sink_place *at, struct sink_counts *counts,
                   uint64_t *lost)
{
    *at = of->place;
    *counts = of->counts;
    *lost = of->lost;
}

void sink_count_set(struct sink *of, const struct sink_counts *counts)
{
    of->counts = *counts;
    saves++;
}

void sink_is_saved(struct sink *of, struct state_sink_place at)
{
    assert_ptr_equal(of, &sink);
    of->saved = (struct sink_place){ at.sequence, at.taken };
}

/* Runs the jobs there are; what they ask for too. */
static void run_jobs(void)
{
    struct list *first;
    while ((first = list_shift(&works)) != NULL) {
        struct sink_work *work = list_entry(first, struct sink_work, link);
        work->work(work);
        work->asked = false;
        work->done(work, 0);
    }
}

/* The target takes `count` more of what was pushed, but what is refused. */
static void acknowledge(size_t count, size_t refused)
{
    size_t samples = pushed->sample_count;
    for (size_t i = 0; i < count; i++) {
        size_t index = pushed->acknowledged++;
        if (index == refused) {
            struct err err = { 0 };
            (void)err_set(&err, BUSBAR_EINVAL, "still out of range");
            pushed->refused(pushed, index, &err);
        } else if (pushed->origin == SINK_BATCH_ASIDE && index < samples) {
            sink.counts.published++;
            sink.counts.aside--;
        } else if (pushed->origin == SINK_BATCH_ASIDE) {
            sink.counts.events++;
            sink.counts.events_aside--;
        }
    }
}

static void end_push(int error)
{
    struct sink_push *push = pushed;
    pushed = NULL;
    push->done(push, error);
    run_jobs();
}

/* ---- the test's side ---- */

static struct sink_again last;
static size_t told;

static void on_again(void *ctx, const struct sink_again *progress)
{
    assert_ptr_equal(ctx, &last);
    assert_false(last.done);
    last = *progress;
    told++;
}

static int set_up(void **state)
{
    (void)state;
    quiet_log();
    clock_fake_set(0, NOW);
    place_make(&place);
    place_open(&place);
    list_init(&works);
    pushed = NULL;
    push_canceled = false;
    saves = told = 0;
    last = (struct sink_again){ 0 };
    memset(&sink, 0, sizeof(sink));
    (void)str_copy(sink.name, sizeof(sink.name), "plant");
    sink.sinks = &sinks;
    sink.batch = 4;
    sink.row_known = true;
    sink.place = (struct sink_place){ 9, 0 };
    sink.env.history = place.history;
    sink.env.state = place.state;
    const struct state_sink row = { .name = "plant", .place = { 9, 0 } };
    assert_int_equal(state_sink_set(place.state, &row), 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    sink_again_fini(&sink);
    place_remove(&place);
    return 0;
}

/* Six samples of series 1 and an event between them are aside. */
static void set_aside(void)
{
    struct text *word = text_new("opened", 6);
    for (uint32_t i = 0; i < 7; i++) {
        struct state_aside row = { .place = { 1, i + 1 }, .reason = "out of range", .path = "d/p" };
        if (i == 3) {
            row.event = bytes_of("EVENT", 5);
        } else {
            row.sample = (struct sample){ .point = 1, .time_us = NOW + i, .type = VALUE_INT };
            row.sample.value.i = i;
        }
        if (i == 5) {
            row.sample.type = VALUE_TEXT;
            row.sample.value.text = word;
        }
        const struct state_sink_place at = { 9, 0 };
        sink.counts.aside += i != 3;
        sink.counts.events_aside += i == 3;
        struct state_sink_counts counts = sink_state_counts(&sink.counts, 0);
        assert_int_equal(state_aside_add(place.state, "plant", &row, 1, 100, &at, &counts), 0);
    }
    busbar_free(word);
}

static void assert_rows(uint64_t samples, uint64_t events)
{
    struct state_aside_count count;
    struct state_sink row;
    assert_int_equal(state_aside_count(place.state, "plant", NULL, &count), 0);
    assert_int_equal(count.samples, samples);
    assert_int_equal(count.events, events);
    assert_int_equal(sink.counts.aside, samples);
    assert_int_equal(sink.counts.events_aside, events);
    assert_int_equal(state_sink_get(place.state, "plant", &row), 0);
    struct state_sink_counts counts = sink_state_counts(&sink.counts, 0);
    assert_memory_equal(&row.counts, &counts, sizeof(counts));
}

static void all_of_it_comes_home(void **state)
{
    (void)state;
    struct err err = { 0 };
    set_aside();
    assert_int_equal(sinks_retry(&sinks, "plant", 0, on_again, &last, &err), 0);
    assert_int_equal(sinks_retry(&sinks, "plant", 0, on_again, &last, &err), BUSBAR_EBUSY);
    run_jobs();
    assert_int_equal(pushed->origin, SINK_BATCH_ASIDE);
    assert_int_equal(pushed->sample_count, 3); /* four rows in a round */
    assert_int_equal(pushed->event_count, 1);
    assert_memory_equal(pushed->events[0].start, "EVENT", 5);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(pushed->samples[i].value.i, i); /* oldest first */
        assert_int_equal(pushed->samples[i].time_us, NOW + i);
    }
    assert_rows(6, 1);
    acknowledge(4, SIZE_MAX);
    end_push(0);
    assert_rows(3, 0);
    assert_int_equal(last.total, 7);
    assert_int_equal(last.sent, 4);
    assert_int_equal(pushed->sample_count, 3);
    assert_int_equal(pushed->samples[1].type, VALUE_TEXT);
    assert_string_equal(pushed->samples[1].value.text->bytes, "opened");
    acknowledge(3, SIZE_MAX);
    end_push(0);
    assert_true(last.done);
    assert_int_equal(last.err.code, 0);
    assert_int_equal(last.sent, 7);
    assert_int_equal(last.refused, 0);
    assert_rows(0, 0);
    assert_int_equal(sink.counts.published, 6);
    assert_int_equal(sink.counts.events, 1);
}

static void see_reason(void *ctx, const struct state_aside *row)
{
    (void)str_copy(ctx, 64, row->reason);
    assert_int_equal(row->since_us, NOW);
}

static void what_is_refused_again_stays(void **state)
{
    (void)state;
    struct err err = { 0 };
    char reason[64] = "";
    set_aside();
    assert_int_equal(sinks_retry(&sinks, "plant", 0, on_again, &last, &err), 0);
    run_jobs();
    acknowledge(4, 1);
    end_push(0);
    assert_rows(4, 0);
    acknowledge(3, 2);
    end_push(0);
    assert_true(last.done);
    assert_int_equal(last.sent, 5);
    assert_int_equal(last.refused, 2);
    assert_rows(2, 0);
    assert_int_equal(state_aside_get(place.state, "plant", 2, see_reason, reason), 0);
    assert_string_equal(reason, "still out of range");
}

static void one_of_it(void **state)
{
    (void)state;
    struct err err = { 0 };
    set_aside();
    assert_int_equal(sinks_retry(&sinks, "plant", 4, on_again, &last, &err), 0);
    run_jobs();
    assert_int_equal(pushed->sample_count, 0);
    assert_int_equal(pushed->event_count, 1);
    acknowledge(1, SIZE_MAX);
    end_push(0);
    assert_true(last.done);
    assert_int_equal(last.total, 1);
    assert_rows(6, 0);

    last = (struct sink_again){ 0 };
    assert_int_equal(sinks_retry(&sinks, "plant", 4, on_again, &last, &err), 0);
    run_jobs();
    assert_true(last.done);
    assert_int_equal(last.err.code, BUSBAR_ENOENT);
    assert_non_null(strstr(last.err.message, "number 4"));
    assert_int_equal(sinks_retry(&sinks, "nobody", 0, on_again, &last, &err), BUSBAR_ENOENT);
}

/* The target went away, or the sink was paused, in the middle of it. */
static void what_was_sent_stays_sent(void **state)
{
    (void)state;
    struct err err = { 0 };
    set_aside();
    assert_int_equal(sinks_retry(&sinks, "plant", 0, on_again, &last, &err), 0);
    run_jobs();
    acknowledge(2, SIZE_MAX);
    end_push(BUSBAR_ECANCELED);
    assert_true(last.done);
    assert_int_equal(last.err.code, BUSBAR_ECANCELED);
    assert_int_equal(last.sent, 2);
    assert_rows(4, 1);
    sink.paused = true;
    assert_int_equal(sinks_retry(&sinks, "plant", 0, on_again, &last, &err), BUSBAR_EBUSY);
    assert_non_null(strstr(err.hint, "resume"));
}

static void a_person_stops_it(void **state)
{
    (void)state;
    struct err err = { 0 };
    assert_int_equal(sinks_again_stop(&sinks, "plant", &err), BUSBAR_ENOENT);
    set_aside();
    assert_int_equal(sinks_retry(&sinks, "plant", 0, on_again, &last, &err), 0);
    run_jobs();
    assert_int_equal(sinks_again_stop(&sinks, "plant", &err), 0);
    assert_true(push_canceled);
    acknowledge(1, SIZE_MAX);
    end_push(BUSBAR_ECANCELED);
    assert_true(last.done);
    assert_rows(5, 1);

    last = (struct sink_again){ 0 }; /* before anything was taken */
    assert_int_equal(sinks_drop(&sinks, "plant", 0, on_again, &last, &err), 0);
    assert_int_equal(sinks_again_stop(&sinks, "plant", &err), 0);
    run_jobs();
    assert_true(last.done);
    assert_int_equal(last.err.code, BUSBAR_ECANCELED);
    assert_rows(5, 1);
}

/* The log had another value of the same time later: that is what counts. */
static void a_retry_brings_no_old_value_back(void **state)
{
    (void)state;
    struct err err = { 0 };
    set_aside();
    struct sample newer = place_number(1, NOW + 1, 77.5);
    assert_int_equal(place_append(&place, &newer, 1), 0);
    assert_int_equal(sinks_retry(&sinks, "plant", 0, on_again, &last, &err), 0);
    run_jobs();
    assert_int_equal(pushed->samples[0].value.i, 0);
    assert_int_equal(pushed->samples[1].type, VALUE_DOUBLE);
    assert_true(pushed->samples[1].value.d == 77.5);
    end_push(BUSBAR_ECANCELED);
}

static void state_cannot_be_written(void **state)
{
    (void)state;
    struct err err = { 0 };
    set_aside();
    assert_int_equal(sinks_retry(&sinks, "plant", 0, on_again, &last, &err), 0);
    run_jobs();
    assert_int_equal(sqlite3_exec(place.state->db,
                                  "CREATE TRIGGER full BEFORE DELETE ON aside BEGIN "
                                  "SELECT RAISE(FAIL, 'disk'); END",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    acknowledge(4, SIZE_MAX);
    end_push(0);
    assert_true(last.done);
    assert_true(last.err.code < 0);
    assert_non_null(strstr(last.err.message, "disk"));
    assert_int_equal(last.sent, 0);
    assert_int_equal(sqlite3_exec(place.state->db, "DROP TRIGGER full", NULL, NULL, NULL), 0);
    assert_rows(6, 1); /* they are aside as before, and counted so */
    assert_int_equal(sink.counts.published, 0);
}

static void what_is_dropped_counts_as_released(void **state)
{
    (void)state;
    struct err err = { 0 };
    set_aside();
    assert_int_equal(sinks_drop(&sinks, "plant", 2, on_again, &last, &err), 0);
    run_jobs();
    assert_true(last.done);
    assert_int_equal(last.sent, 1);
    assert_rows(5, 1);
    assert_int_equal(sink.counts.released, 1);
    sink.paused = true; /* nothing is sent for it */
    last = (struct sink_again){ 0 };
    assert_int_equal(sinks_drop(&sinks, "plant", 0, on_again, &last, &err), 0);
    run_jobs();
    assert_true(last.done);
    assert_null(pushed);
    assert_int_equal(last.sent, 6);
    assert_rows(0, 0);
    assert_int_equal(sink.counts.released, 6);
    assert_int_equal(sink.counts.events_released, 1);
    last = (struct sink_again){ 0 }; /* nothing is there */
    assert_int_equal(sinks_drop(&sinks, "plant", 0, on_again, &last, &err), 0);
    run_jobs();
    assert_true(last.done);
    assert_int_equal(last.err.code, 0);
    assert_int_equal(last.sent, 0);
}

/* ---- resend ---- */

static void fill_history(void)
{
    const char *const paths[] = { "ahu-1/sat", "ahu-2/sat", "meter-1/power" };
    uint32_t ids[3];
    assert_int_equal(state_ids(place.state, paths, 3, ids, NULL), 0);
    for (int i = 0; i < 10; i++) {
        struct sample samples[3];
        for (uint32_t s = 0; s < 3; s++) {
            samples[s] = place_number(ids[s], NOW + i * 1000, (double)ids[s] * 100 + i);
        }
        assert_int_equal(place_append(&place, samples, 3), 0);
    }
}

static void history_is_sent_in_order(void **state)
{
    (void)state;
    struct err err = { 0 };
    fill_history();
    assert_int_equal(
        sinks_resend(&sinks, "plant", "ahu-*", NOW + 2000, NOW + 8000, on_again, &last, &err), 0);
    run_jobs();
    int64_t latest[4] = { 0 };
    size_t rounds = 0;
    while (pushed != NULL) {
        assert_int_equal(pushed->origin, SINK_BATCH_AGAIN);
        assert_in_range(pushed->sample_count, 1, 4);
        for (size_t i = 0; i < pushed->sample_count; i++) {
            const struct sample *sample = &pushed->samples[i];
            assert_in_range(sample->point, 1, 2);
            assert_true(sample->time_us > latest[sample->point]);
            assert_in_range(sample->time_us, NOW + 2000, NOW + 7000);
            latest[sample->point] = sample->time_us;
        }
        acknowledge(pushed->sample_count, rounds == 1 ? 0 : SIZE_MAX);
        rounds++;
        end_push(0);
    }
    assert_true(last.done);
    assert_int_equal(rounds, 3);
    assert_int_equal(last.sent, 11);
    assert_int_equal(last.refused, 1);
    assert_non_null(strstr(last.err.message, "still out of range"));
    assert_int_equal(sink.counts.published, 0); /* no part of the ledger */
}

static void series_without_samples_are_passed(void **state)
{
    (void)state;
    struct err err = { 0 };
    const char *const silent = "ahu-0/never";
    uint32_t id;
    assert_int_equal(state_ids(place.state, &silent, 1, &id, NULL), 0);
    fill_history();
    assert_int_equal(
        sinks_resend(&sinks, "plant", "ahu-0/*", NOW, NOW + 9000, on_again, &last, &err), 0);
    run_jobs();
    assert_true(last.done);
    assert_null(pushed);
    last = (struct sink_again){ 0 };
    assert_int_equal(
        sinks_resend(&sinks, "plant", "ahu-0/*, ahu-1/*", NOW, NOW + 2000, on_again, &last, &err),
        0);
    run_jobs();
    assert_int_equal(pushed->sample_count, 2);
    acknowledge(2, SIZE_MAX);
    end_push(0);
    assert_true(last.done);
    assert_int_equal(last.sent, 2);
}

static void a_wrong_resend_is_refused(void **state)
{
    (void)state;
    struct err err = { 0 };
    assert_int_equal(sinks_resend(&sinks, "plant", "a,,b", 1, 2, on_again, &last, &err),
                     BUSBAR_EINVAL);
    assert_int_equal(sinks_resend(&sinks, "plant", "*", 2, 2, on_again, &last, &err),
                     BUSBAR_EINVAL);
    assert_int_equal(sinks_resend(&sinks, "nobody", "*", 1, 2, on_again, &last, &err),
                     BUSBAR_ENOENT);
    assert_int_equal(sinks_resend(&sinks, "plant", "none-such", 1, 2, on_again, &last, &err), 0);
    run_jobs();
    assert_true(last.done);
    assert_int_equal(last.err.code, 0);
    assert_int_equal(last.sent, 0);
    sink.leaving = true;
    assert_int_equal(sinks_resend(&sinks, "plant", "*", 1, 2, on_again, &last, &err),
                     BUSBAR_EAGAIN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(all_of_it_comes_home, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_refused_again_stays, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_of_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_was_sent_stays_sent, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_person_stops_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_retry_brings_no_old_value_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(state_cannot_be_written, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_dropped_counts_as_released, set_up, tear_down),
        cmocka_unit_test_setup_teardown(history_is_sent_in_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(series_without_samples_are_passed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_wrong_resend_is_refused, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
