/* SPDX-License-Identifier: Apache-2.0 */
/* The loop of sinks against a fake target: what is in the log comes there once and in order, whatever the target does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake_sink.h"

#define S CLOCK_US_PER_S

static struct yard yard;

static const char plain[] = "sinks: { a: { fake: x } }";
static const char small[] = "sinks: { a: { fake: x, batch: 10 } }";

static int set_up(void **state)
{
    (void)state;
    yard_open(&yard);
    return 0;
}

static int set_up_small_segments(void **state)
{
    (void)state;
    yard_make(&yard);
    yard.place.config.segment_bytes = 1500;
    yard_wake(&yard);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    yard_close(&yard);
    return 0;
}

static void all_is_published(void **state)
{
    (void)state;
    yard_append(&yard, 3, 50);
    yard_start(&yard, plain);
    yard_run(&yard, 2 * S);
    fake_assert_once(3, 50, 0);
    struct sink_status status = yard_status(&yard);
    assert_int_equal(status.phase, SINK_LIVE);
    assert_int_equal(status.counts.published, 150);
    assert_int_equal(status.waiting, 0);
    assert_int_equal(status.lag_us, 0);
    assert_string_equal(status.where, "x");
    assert_int_equal(fake.facts, 3);
    assert_string_equal(fake.last_path, "plant/p3");
    yard_append(&yard, 3, 5);
    yard_run(&yard, S / 2);
    assert_int_equal(fake.sample_count, 150); /* waits for company */
    yard_run(&yard, S);
    fake_assert_once(3, 55, 0);
    assert_int_equal(fake.facts, 3);
    assert_int_equal(fake.batches, 2);
}

static void the_filter_leaves_out(void **state)
{
    (void)state;
    yard_append(&yard, 3, 20);
    yard_start(&yard, "sinks: { a: { fake: x, points: '*', except: 'plant/p2', batch: 7 } }");
    yard_run(&yard, 2 * S);
    fake_assert_once(3, 20, 2);
    assert_int_equal(fake.biggest, 7);
    assert_int_equal(yard_status(&yard).counts.published, 40);
}

static void what_is_left_out_at_the_end_is_told_in_time(void **state)
{
    (void)state;
    yard_append(&yard, 1, 5);
    yard_start(&yard, "sinks: { a: { fake: x, points: 'none' } }");
    yard_run(&yard, 2 * S);
    assert_int_equal(fake.batches, 0);
    assert_int_equal(yard_status(&yard).place.sequence, 6);
    yard_run(&yard, 40 * S);
    assert_int_equal(fake.empty_batches, 1);
    assert_int_equal(fake.position.place.sequence, 6);
    yard_run(&yard, 40 * S);
    assert_int_equal(fake.empty_batches, 1);
}

static void a_restart_goes_on(void **state)
{
    (void)state;
    yard_append(&yard, 3, 20);
    yard_start(&yard, small);
    yard_run(&yard, 2 * S);
    yard_sleep(&yard);
    yard_wake(&yard);
    yard_append(&yard, 3, 20);
    yard_start(&yard, small);
    yard_run(&yard, 2 * S);
    fake_assert_once(3, 40, 0);
    assert_int_equal(yard_status(&yard).counts.published, 120);
}

static void one_that_keeps_no_place_goes_on_too(void **state)
{
    (void)state;
    yard.ops.flags = 0;
    yard_append(&yard, 3, 20);
    yard_start(&yard, small);
    yard_run(&yard, 2 * S);
    fake.has_position = false;
    yard_sleep(&yard);
    yard_wake(&yard);
    yard_append(&yard, 3, 20);
    yard_start(&yard, small);
    yard_run(&yard, 2 * S);
    fake_assert_once(3, 40, 0);
}

static void what_was_committed_unheard_is_not_sent_again(void **state)
{
    (void)state;
    fake.mode = FAKE_HALF;
    yard_append(&yard, 3, 20);
    yard_start(&yard, small);
    yard_run(&yard, 200 * S);
    fake_assert_once(3, 20, 0);
    assert_int_equal(yard_status(&yard).counts.published, 60);
}

static void a_silent_one_delays_nobody(void **state)
{
    (void)state;
    fake.mode = FAKE_SILENT;
    yard_append(&yard, 3, 20);
    yard_start(&yard, small);
    yard_run(&yard, 10 * S);
    int64_t before = yard.next_time;
    yard_append(&yard, 3, 1000);
    assert_int_equal(yard.next_time, before + 1000);
    yard_run(&yard, 10 * S);
    struct sink_status status = yard_status(&yard);
    assert_int_equal(status.waiting, 3 * 1020);
    assert_true(status.lag_us >= 10 * S);
    assert_int_equal(fake.sample_count, 0);
}

static void failures_wait_longer_and_longer(void **state)
{
    (void)state;
    fake.mode = FAKE_NO_CONNECTION;
    yard_append(&yard, 1, 5);
    yard_start(&yard, plain);
    yard_run(&yard, 600 * S);
    assert_true(fake.connects > 10 && fake.connects < 30);
    struct sink_status status = yard_status(&yard);
    assert_int_equal(status.phase, SINK_WAITING);
    assert_int_equal(status.waiting, 5);
    assert_string_equal(status.error.message, "nobody is there");
    assert_string_equal(yard.events, "fault ");
    fake.mode = FAKE_GOOD;
    yard_run(&yard, 61 * S);
    fake_assert_once(1, 5, 0);
    assert_string_equal(yard.events, "fault normal ");
    assert_string_equal(yard_status(&yard).error.message, "nobody is there"); /* the last one */
}

static void what_a_person_must_mend_is_tried_each_minute_and_when_asked(void **state)
{
    (void)state;
    fake.mode = FAKE_WRONG;
    yard_start(&yard, plain);
    yard_run(&yard, 10 * 60 * S + S);
    assert_int_equal(fake.connects, 11);
    assert_int_equal(yard_status(&yard).phase, SINK_STUCK);
    assert_string_equal(yard.events, "fault ");
    assert_int_equal(fake.disconnects, 11); /* it keeps nothing at the target meanwhile */
    fake.mode = FAKE_GOOD;
    assert_int_equal(sinks_retry_now(yard.sinks, "a", NULL), 0);
    yard_run(&yard, S);
    assert_int_equal(yard_status(&yard).phase, SINK_LIVE);
}

static void batches_that_fail_are_sent_again(void **state)
{
    (void)state;
    fake.mode = FAKE_FAILS;
    yard_append(&yard, 3, 20);
    yard_start(&yard, small);
    yard_run(&yard, 100 * S);
    assert_int_equal(fake.sample_count, 0);
    assert_true(yard_status(&yard).failures > 5);
    fake.mode = FAKE_GOOD;
    yard_run(&yard, 100 * S);
    fake_assert_once(3, 20, 0);
}

static void pausing_and_going_on(void **state)
{
    (void)state;
    yard_append(&yard, 3, 20);
    yard_start(&yard, plain);
    yard_run(&yard, 2 * S);
    assert_int_equal(sinks_pause(yard.sinks, "a", NULL), 0);
    yard_run(&yard, S);
    assert_false(fake.connected);
    assert_int_equal(yard_status(&yard).phase, SINK_PAUSED);
    yard_append(&yard, 3, 20);
    yard_run(&yard, 100 * S);
    fake_assert_once(3, 20, 0);
    yard_sleep(&yard);
    yard_wake(&yard);
    yard_start(&yard, plain);
    yard_run(&yard, 100 * S);
    assert_int_equal(yard_status(&yard).phase, SINK_PAUSED);
    fake_assert_once(3, 20, 0);
    assert_int_equal(sinks_resume(yard.sinks, "a", NULL), 0);
    yard_run(&yard, 3 * S);
    fake_assert_once(3, 40, 0);
    struct err err = { 0 };
    assert_int_equal(sinks_pause(yard.sinks, "b", &err), BUSBAR_ENOENT);
    assert_string_equal(err.hint, "there are: a");
}

static void an_apply_changes_only_what_changed(void **state)
{
    (void)state;
    yard_append(&yard, 3, 20);
    yard_start(&yard, plain);
    yard_run(&yard, 2 * S);
    yard_apply(&yard, plain);
    yard_run(&yard, S);
    assert_int_equal(fake.opens, 1);
    assert_int_equal(fake.changes, 1);
    fake.delay_us = S;
    yard_append(&yard, 3, 20);
    yard_run(&yard, S + S / 2); /* a batch is being sent */
    yard_apply(&yard, small);
    yard_append(&yard, 3, 20);
    yard_run(&yard, 60 * S);
    assert_int_equal(fake.opens, 2);
    assert_int_equal(fake.closes, 1);
    fake_assert_once(3, 60, 0);
    yard_apply(&yard, "site: { id: x }");
    yard_run(&yard, 10 * S);
    assert_int_equal(sinks_count(yard.sinks), 0);
    assert_int_equal(fake.closes, 2);
    yard_append(&yard, 3, 20);
    yard_apply(&yard, plain);
    yard_run(&yard, 10 * S);
    fake_assert_once(3, 80, 0);
}

static void one_that_comes_back_too_late_says_what_is_lost(void **state)
{
    (void)state;
    yard_append(&yard, 1, 10);
    yard_start(&yard, plain);
    yard_run(&yard, 2 * S);
    yard_apply(&yard, "site: { id: x }");
    yard_run(&yard, S);
    for (int i = 0; i < 3; i++) { /* what nobody holds goes when blocks are written */
        yard_append(&yard, 1, 40);
        assert_int_equal(history_flush(yard.place.history), 0);
    }
    uint64_t first, next;
    history_log_bounds(yard.place.history, &first, &next);
    assert_true(first > 12 && next == 131);
    yard_apply(&yard, plain);
    yard_run(&yard, 3 * S);
    struct sink_status status = yard_status(&yard);
    assert_int_equal(status.lost, first - 11);
    assert_int_equal(status.counts.published, 10 + next - first);
    assert_int_equal(status.waiting, 0);
    assert_string_equal(yard.events, "lost ");
}

static uint64_t first_of_log(void)
{
    uint64_t first, next;
    history_log_bounds(yard.place.history, &first, &next);
    return first;
}

/* 120 more records, all published; what nobody needs goes from the log. */
static void publish_more(void)
{
    for (int i = 0; i < 3; i++) {
        yard_append(&yard, 1, 40);
        yard_run(&yard, S + S / 2);
        assert_int_equal(history_flush(yard.place.history), 0);
    }
    assert_int_equal(yard_status(&yard).waiting, 0);
}

/* A gateway that was killed begins there, and counts from there until the target answers. */
static void the_log_is_held_from_the_place_in_state_db(void **state)
{
    (void)state;
    struct state_sink row;
    yard_start(&yard, plain);
    publish_more();
    assert_int_equal(state_sink_get(yard.place.state, "a", &row), 0);
    assert_int_equal(row.place.sequence, 1);
    assert_int_equal(first_of_log(), 1);
    yard_run(&yard, 10 * S);
    publish_more();
    assert_int_equal(state_sink_get(yard.place.state, "a", &row), 0);
    assert_true(row.place.sequence > 100);
    assert_true(first_of_log() > 100);
    assert_true(first_of_log() <= row.place.sequence);
}

/* The disk may be full: the log is what makes room. */
static void the_log_goes_where_state_db_cannot_be_written(void **state)
{
    (void)state;
    yard_start(&yard, plain);
    assert_int_equal(state_sink_remove(yard.place.state, "a"), 0);
    publish_more();
    yard_run(&yard, 10 * S);
    publish_more();
    assert_true(first_of_log() > 200);
    assert_string_equal(yard.events, "");
}

static void a_stop_waits_for_what_is_being_sent(void **state)
{
    (void)state;
    fake.delay_us = 2 * S;
    yard_append(&yard, 1, 20);
    yard_start(&yard, plain);
    yard_run(&yard, 3 * S);
    assert_int_equal(fake.sample_count, 0);
    yard_sleep(&yard);
    assert_int_equal(fake.sample_count, 20);
    yard_wake(&yard);
    fake.mode = FAKE_SILENT;
    yard_append(&yard, 1, 20);
    yard_start(&yard, plain);
    yard_run(&yard, 3 * S);
    int64_t before = clock_mono_us();
    yard_sleep(&yard);
    assert_true(clock_mono_us() - before <= 6 * S);
    yard_wake(&yard);
    yard_start(&yard, plain);
}

static void a_new_one_may_begin_now(void **state)
{
    (void)state;
    yard_append(&yard, 1, 10);
    yard_start(&yard, "sinks: { a: { fake: x, start: now } }");
    yard_append(&yard, 1, 5);
    yard_run(&yard, 3 * S);
    assert_int_equal(fake.sample_count, 5);
    assert_int_equal(yard_status(&yard).lost, 0);
}

static void what_waits_is_right_after_an_outage_and_refusals(void **state)
{
    (void)state;
    fake.refuses = 2;
    fake.refuses_time = YARD_NOW + 150;
    fake.delay_us = S / 3;
    yard_append(&yard, 3, 50);
    yard_start(&yard, small);
    for (int i = 0; i < 20; i++) {
        fake.mode = i % 4 == 2 ? FAKE_NO_CONNECTION : i % 4 == 3 ? FAKE_FAILS : FAKE_GOOD;
        yard_run(&yard, 3 * S);
        yard_append(&yard, 3, 10);
    }
    fake.mode = FAKE_GOOD;
    fake.delay_us = 0;
    yard_run(&yard, 200 * S);
    struct sink_status status = yard_status(&yard);
    assert_int_equal(status.waiting, 0);
    assert_int_equal(status.counts.published, 250 * 3 - 1);
    yard_append(&yard, 3, 10);
    fake.mode = FAKE_NO_CONNECTION;
    assert_int_equal(sinks_pause(yard.sinks, "a", NULL), 0);
    yard_run(&yard, 10 * S);
    assert_int_equal(yard_status(&yard).waiting, 30);
}

static void a_target_of_a_longer_log_does_not_win(void **state)
{
    (void)state;
    yard_append(&yard, 1, 10);
    fake.has_position = true;
    fake.position.place.sequence = 1000;
    yard_start(&yard, plain);
    yard_run(&yard, S / 4); /* less than any wait to the next try */
    assert_string_equal(yard.events, "fault ");
    assert_int_equal(fake.sample_count, 0);
    fake.has_position = false; /* of the new log it knows nothing */
    yard_run(&yard, 5 * S);
    fake_assert_once(1, 10, 0);
}

static void a_place_behind_the_log_begins_at_its_end(void **state)
{
    (void)state;
    struct state_sink row = { .name = "a", .place.sequence = 5000 };
    assert_int_equal(state_sink_set(yard.place.state, &row), 0);
    yard_append(&yard, 1, 10);
    yard_start(&yard, plain);
    yard_append(&yard, 1, 10);
    yard_run(&yard, 5 * S);
    assert_int_equal(fake.sample_count, 10);
    assert_string_equal(yard.events, "fault ");
}

/* Whichever allocation fails, all is published once, and no series without its facts. */
static void no_memory_delays_and_loses_nothing(void **state)
{
    (void)state;
    bool failed = true;
    for (long n = 1; failed; n++) {
        yard_append(&yard, 3, 20);
        yard_apply(&yard, plain);
        history_sinks_opened(yard.place.history);
        alloc_fail_nth(n);
        sinks_start(yard.sinks);
        yard_run(&yard, 5 * S);
        failed = alloc_try_count() >= n;
        alloc_fail_nth(0);
        fake_assert_once(3, 20, 0);
        assert_true(fake.facts >= 3);
        yard_close(&yard);
        yard_open(&yard);
    }
}

static void facts_are_told_anew_after_a_change(void **state)
{
    (void)state;
    yard_append(&yard, 3, 2);
    yard_start(&yard, plain);
    yard_run(&yard, 2 * S);
    assert_int_equal(fake.facts, 3);
    sinks_changed(yard.sinks);
    yard_append(&yard, 2, 1);
    yard_run(&yard, 2 * S);
    assert_int_equal(fake.facts, 5);
}

/* Where the next sample comes. */
static const char *comes_at;

static void something_comes(const char *what)
{
    if (strcmp(what, comes_at) == 0) {
        fake.step = NULL;
        yard_append(&yard, 1, 1);
    }
}

static void one_that_comes_at(const char *step)
{
    comes_at = step;
    fake.step = something_comes;
    yard_append(&yard, 1, 1);
    yard_run(&yard, 3 * S);
}

static void what_comes_while_a_job_runs_is_not_forgotten(void **state)
{
    (void)state;
    yard_start(&yard, plain);
    one_that_comes_at("encode"); /* facts are told: a job of its own encodes */
    fake_assert_once(1, 2, 0);
    one_that_comes_at("encode"); /* in the job that reads */
    fake_assert_once(1, 4, 0);
    fake.refuses = 1;
    fake.refuses_time = YARD_NOW + 5;
    one_that_comes_at("refused"); /* while it is set aside */
    assert_int_equal(yard_status(&yard).counts.aside, 1);
    assert_int_equal(yard_status(&yard).counts.published, 5);
    assert_int_equal(yard_status(&yard).waiting, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(all_is_published),
        TEST(the_filter_leaves_out),
        TEST(what_is_left_out_at_the_end_is_told_in_time),
        TEST(a_restart_goes_on),
        TEST(one_that_keeps_no_place_goes_on_too),
        TEST(what_was_committed_unheard_is_not_sent_again),
        TEST(a_silent_one_delays_nobody),
        TEST(failures_wait_longer_and_longer),
        TEST(what_a_person_must_mend_is_tried_each_minute_and_when_asked),
        TEST(batches_that_fail_are_sent_again),
        TEST(pausing_and_going_on),
        TEST(an_apply_changes_only_what_changed),
        cmocka_unit_test_setup_teardown(one_that_comes_back_too_late_says_what_is_lost,
                                        set_up_small_segments, tear_down),
        cmocka_unit_test_setup_teardown(the_log_is_held_from_the_place_in_state_db,
                                        set_up_small_segments, tear_down),
        cmocka_unit_test_setup_teardown(the_log_goes_where_state_db_cannot_be_written,
                                        set_up_small_segments, tear_down),
        TEST(a_stop_waits_for_what_is_being_sent),
        TEST(a_new_one_may_begin_now),
        TEST(no_memory_delays_and_loses_nothing),
        TEST(facts_are_told_anew_after_a_change),
        TEST(what_comes_while_a_job_runs_is_not_forgotten),
        TEST(what_waits_is_right_after_an_outage_and_refusals),
        TEST(a_target_of_a_longer_log_does_not_win),
        TEST(a_place_behind_the_log_begins_at_its_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
