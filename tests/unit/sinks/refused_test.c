/* SPDX-License-Identifier: Apache-2.0 */
/* What a target refuses is found and set aside alone; what is sent again changes the counts as it should. */
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

static int tear_down(void **state)
{
    (void)state;
    yard_close(&yard);
    return 0;
}

static void count_row(void *ctx, const struct state_aside *row)
{
    struct state_aside *last = ctx;
    last->id++;
    last->sample = row->sample;
    last->place = row->place;
    assert_string_equal(row->reason, "not this one");
}

static void refused(bool index)
{
    struct state_aside rows = { 0 };
    fake.refuse_index = index;
    fake.refuses = 2;
    yard_append(&yard, 3, 12);
    yard_start(&yard, small);
    yard_run(&yard, 10 * S);
    fake_assert_once(3, 12, 2);
    struct sink_status status = yard_status(&yard);
    assert_int_equal(status.counts.published, 24);
    assert_int_equal(status.counts.aside, 12);
    assert_int_equal(status.waiting, 0);
    assert_int_equal(state_asides(yard.place.state, "a", 0, 0, count_row, &rows), 0);
    assert_int_equal(rows.id, 12);
    assert_int_equal(rows.sample.point, 2);
    assert_string_equal(yard.events, "refused ");
    assert_int_equal(status.phase, SINK_LIVE);
}

static void refused_rows_are_found_by_halving(void **state)
{
    (void)state;
    refused(false);
}

static void refused_rows_are_taken_at_their_word(void **state)
{
    (void)state;
    refused(true);
}

static void one_refused_row_is_set_aside_alone(void **state)
{
    (void)state;
    fake.refuses = 1;
    fake.refuses_time = YARD_NOW + 57;
    yard_append(&yard, 1, 100);
    yard_start(&yard, plain);
    yard_run(&yard, 10 * S);
    assert_int_equal(fake.sample_count, 99);
    assert_int_equal(yard_status(&yard).counts.aside, 1);
    assert_true(fake.batches < 12);
    yard_sleep(&yard);
    yard_wake(&yard);
    yard_start(&yard, plain);
    yard_run(&yard, 3 * S);
    assert_int_equal(fake.sample_count, 99);
    assert_int_equal(yard_status(&yard).counts.aside, 1);
    assert_int_equal(yard_status(&yard).counts.published, 99);
}

static void what_is_too_big_is_divided(void **state)
{
    (void)state;
    fake.most = 7;
    yard_append(&yard, 3, 40);
    yard_start(&yard, plain);
    yard_run(&yard, 2 * S);
    fake_assert_once(3, 40, 0);
    assert_int_equal(yard_status(&yard).counts.aside, 0);
    assert_true(fake.biggest <= 7);
}

/* ---- what is sent again ---- */

struct again_test {
    struct sink_push push;
    struct sample samples[30];
    int done, error;
    size_t refused, refused_index;
};

static void again_refused(struct sink_push *push, size_t index, const struct err *err)
{
    struct again_test *test = (struct again_test *)(void *)push;
    assert_string_equal(err->message, "not this one");
    test->refused++;
    test->refused_index = index;
}

static void again_done(struct sink_push *push, int error)
{
    struct again_test *test = (struct again_test *)(void *)push;
    test->done++;
    test->error = error;
}

static void make_again(struct again_test *test, enum sink_batch_origin origin)
{
    *test = (struct again_test){ .push = { .origin = origin,
                                           .samples = test->samples,
                                           .sample_count = 30,
                                           .refused = again_refused,
                                           .done = again_done } };
    for (int i = 0; i < 30; i++) {
        test->samples[i] = place_number(1, 1000 + i, 1.0);
    }
}

static void what_is_sent_again(void **state)
{
    (void)state;
    struct again_test test;
    yard_append(&yard, 2, 20);
    yard_start(&yard, small);
    yard_run(&yard, 2 * S);
    make_again(&test, SINK_BATCH_AGAIN);
    fake.refuses = 1;
    fake.refuses_time = 1017;
    sink_push(sinks_find(yard.sinks, "a", NULL), &test.push);
    yard_append(&yard, 2, 20);
    yard_run(&yard, 3 * S);
    assert_int_equal(test.done, 1);
    assert_int_equal(test.error, 0);
    assert_int_equal(test.refused, 1);
    assert_int_equal(test.refused_index, 17);
    assert_int_equal(fake.sample_count, 80 + 29);
    struct sink_status status = yard_status(&yard);
    assert_int_equal(status.counts.published, 80); /* it is no part of the ledger */
    assert_int_equal(status.counts.aside, 0);
    assert_int_equal(status.waiting, 0);
}

static void what_was_aside_changes_the_counts(void **state)
{
    (void)state;
    struct again_test test;
    yard_append(&yard, 2, 20);
    fake.refuses = 1;
    yard_start(&yard, plain);
    yard_run(&yard, 10 * S);
    assert_int_equal(yard_status(&yard).counts.aside, 20);
    make_again(&test, SINK_BATCH_ASIDE);
    test.push.sample_count = 20;
    fake.refuses_time = 1003;
    fake.mode = FAKE_FAILS; /* it is kept over failures */
    sink_push(sinks_find(yard.sinks, "a", NULL), &test.push);
    yard_run(&yard, 5 * S);
    assert_int_equal(test.done, 0);
    fake.mode = FAKE_GOOD;
    yard_run(&yard, 100 * S);
    assert_int_equal(test.done, 1);
    assert_int_equal(test.refused, 1);
    assert_int_equal(test.refused_index, 3);
    struct sink_status status = yard_status(&yard);
    assert_int_equal(status.counts.aside, 1);
    assert_int_equal(status.counts.published, 39);
    assert_int_equal(fake.position.counts.aside, 1);
}

static void what_is_sent_again_ends_with_a_pause(void **state)
{
    (void)state;
    struct again_test test;
    fake.mode = FAKE_SILENT;
    yard_start(&yard, small);
    make_again(&test, SINK_BATCH_AGAIN);
    sink_push(sinks_find(yard.sinks, "a", NULL), &test.push);
    yard_run(&yard, 2 * S);
    assert_int_equal(test.done, 0);
    assert_int_equal(sinks_pause(yard.sinks, "a", NULL), 0);
    yard_run(&yard, 6 * S);
    assert_int_equal(test.done, 1);
    assert_int_equal(test.error, BUSBAR_ECANCELED);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(refused_rows_are_found_by_halving),
        TEST(refused_rows_are_taken_at_their_word),
        TEST(one_refused_row_is_set_aside_alone),
        TEST(what_is_too_big_is_divided),
        TEST(what_is_sent_again),
        TEST(what_was_aside_changes_the_counts),
        TEST(what_is_sent_again_ends_with_a_pause),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
