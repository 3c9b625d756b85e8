/* SPDX-License-Identifier: Apache-2.0 */
/* What a quota lets go, counted and told, whatever the target does meanwhile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake_sink.h"

#define S CLOCK_US_PER_S

static struct yard yard;

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

static void a_quota_lets_the_oldest_go(void **state)
{
    (void)state;
    fake.mode = FAKE_NO_CONNECTION;
    yard_start(&yard, "sinks: { a: { fake: x, keep: 1h } }");
    yard_append(&yard, 3, 10);
    yard_run(&yard, 1800 * S);
    yard_append(&yard, 3, 10);
    yard_run(&yard, 1790 * S);
    assert_int_equal(yard_status(&yard).counts.released, 0);
    yard_run(&yard, 30 * S);
    struct sink_status status = yard_status(&yard);
    assert_int_equal(status.counts.released, 30);
    assert_int_equal(status.waiting, 30);
    assert_non_null(strstr(yard.events, "quota "));
    fake.mode = FAKE_GOOD;
    yard_run(&yard, 70 * S);
    assert_int_equal(fake.sample_count, 30);
    assert_int_equal(fake.samples[0].time_us, YARD_NOW + 11);
    assert_int_equal(fake.position.counts.released, 30);
    status = yard_status(&yard);
    assert_false(status.over_quota);
    assert_int_equal(status.counts.published + status.counts.released, 60);
    yard_sleep(&yard);
    yard_wake(&yard);
    yard_start(&yard, "sinks: { a: { fake: x, keep: 1h } }");
    yard_run(&yard, 3 * S);
    assert_int_equal(yard_status(&yard).counts.released, 30);
    assert_int_equal(fake.sample_count, 30);
}

static void what_was_let_go_stays_so_when_the_target_comes_back(void **state)
{
    (void)state;
    yard_append(&yard, 1, 10);
    yard_start(&yard, "sinks: { a: { fake: x, keep: 1h } }");
    yard_run(&yard, 2 * S);
    fake.mode = FAKE_LAST; /* the next batch is committed, and nobody hears of it */
    yard_append(&yard, 1, 10);
    yard_run(&yard, 2 * S);
    yard_append(&yard, 1, 10);
    yard_run(&yard, 3700 * S);
    assert_int_equal(yard_status(&yard).counts.released, 20);
    yard_append(&yard, 1, 10);
    yard_sleep(&yard);
    yard_wake(&yard);
    fake.mode = FAKE_GOOD;
    yard_start(&yard, "sinks: { a: { fake: x, keep: 1h } }");
    yard_run(&yard, 3 * S);
    struct sink_status status = yard_status(&yard);
    assert_int_equal(status.counts.published, 30);
    assert_int_equal(status.counts.released, 10);
    assert_int_equal(fake.sample_count, 30);
}

static void a_quota_of_bytes(void **state)
{
    (void)state;
    struct sample samples[2000];
    fake.mode = FAKE_NO_CONNECTION;
    yard_start(&yard, "sinks: { a: { fake: x, keep_bytes: 16MB, points: 'plant/p1' } }");
    for (size_t i = 0; i < 2000; i++) {
        samples[i] = place_number(1 + i % 2, YARD_NOW + (int64_t)i, (double)(i * i) * 0.37);
        samples[i].type = VALUE_TEXT;
    }
    struct text *text = text_new("", 0);
    char long_text[4000];
    memset(long_text, 'x', sizeof(long_text));
    text = text_set(text, long_text, sizeof(long_text));
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < 2000; i++) {
            samples[i].value.text = text;
            samples[i].time_us += 1000000;
        }
        for (size_t i = 0; i < 2000; i += 200) {
            assert_int_equal(place_append(&yard.place, samples + i, 200), 0);
        }
    }
    busbar_free(text);
    sinks_committed(yard.sinks);
    yard_run(&yard, 11 * S);
    struct sink_status status = yard_status(&yard);
    assert_true(status.counts.released >= 900 && status.counts.released <= 1500);
    assert_true(status.waiting_bytes <= UINT64_C(16000000) / 10 * 9);
    assert_true(status.waiting_bytes >= UINT64_C(16000000) / 10 * 8);
    assert_int_equal(status.waiting + 2 * status.counts.released, 6000);
    assert_true(status.over_quota);
    fake.mode = FAKE_GOOD;
    yard_run(&yard, 100 * S);
    status = yard_status(&yard);
    assert_int_equal(status.counts.published + status.counts.released, 3000);
    assert_int_equal(status.waiting, 0);
    assert_false(status.over_quota);
    assert_non_null(strstr(yard.events, "quota "));
    assert_null(strstr(strstr(yard.events, "quota ") + 1, "quota ")); /* once an episode */
}

static void a_quota_of_one_that_is_paused(void **state)
{
    (void)state;
    yard_append(&yard, 2, 10);
    yard_start(&yard, "sinks: { a: { fake: x, keep: 10min } }");
    yard_run(&yard, 2 * S);
    assert_int_equal(sinks_pause(yard.sinks, "a", NULL), 0);
    yard_append(&yard, 2, 10);
    yard_run(&yard, 300 * S);
    yard_append(&yard, 2, 10);
    yard_run(&yard, 400 * S);
    assert_int_equal(yard_status(&yard).counts.released, 20);
    assert_int_equal(yard_status(&yard).waiting, 20);
    yard_run(&yard, 300 * S);
    assert_int_equal(yard_status(&yard).counts.released, 40);
    assert_int_equal(sinks_resume(yard.sinks, "a", NULL), 0);
    yard_append(&yard, 2, 10);
    yard_run(&yard, 40 * S);
    struct sink_status status = yard_status(&yard);
    assert_int_equal(status.counts.published, 40);
    assert_int_equal(status.counts.released, 40);
    assert_int_equal(fake.position.counts.released, 40);
}

static void a_quota_while_nobody_answers_a_connect(void **state)
{
    (void)state;
    fake.mode = FAKE_UNCONNECTED;
    yard_append(&yard, 2, 10);
    yard_start(&yard, "sinks: { a: { fake: x, keep: 10min } }");
    yard_run(&yard, 700 * S);
    assert_int_equal(yard_status(&yard).counts.released, 20);
    assert_int_equal(fake.connects, 1);
    assert_int_equal(yard_status(&yard).phase, SINK_CONNECTING);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_quota_lets_the_oldest_go),
        TEST(what_was_let_go_stays_so_when_the_target_comes_back),
        TEST(a_quota_of_bytes),
        TEST(a_quota_of_one_that_is_paused),
        TEST(a_quota_while_nobody_answers_a_connect),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
