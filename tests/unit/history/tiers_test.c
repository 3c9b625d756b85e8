/* SPDX-License-Identifier: Apache-2.0 */
/* Tiers: what they say is what the samples say, they are made again when a day changes, they are not used where
 * they would not be exact, and they still answer when the samples are over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "history/days.h"
#include "history/tiers.h"
#include "place.h"
#include "support/quiet.h"
#include "support/random.h"

#define DAY    HISTORY_DAY_US
#define HOUR   HISTORY_TIER_COARSE_US
#define STEP   HISTORY_TIER_FINE_US
#define SECOND INT64_C(1000000)
#define START  (INT64_C(20000) * DAY)
enum { SERIES = 5, DAYS = 3 };

static struct place place;
static struct random rnd;

static void append_all(struct sample *samples, size_t count)
{
    for (size_t i = 0; i < count; i += 5000) {
        size_t part = count - i < 5000 ? count - i : 5000;
        assert_int_equal(place_append(&place, samples + i, part), 0);
    }
}

/* 1: noise, 2: a counter that starts anew now and then, 3: constant, 4: one sample in 20 minutes, 5: some bad. */
static void append_days(void)
{
    size_t per_day = 8640;
    struct sample *samples = busbar_alloc_array(per_day * SERIES, sizeof(*samples));
    double counter = 100;
    for (int day = 0; day < DAYS; day++) {
        size_t count = 0;
        for (size_t i = 0; i < per_day; i++) {
            int64_t time_us = START + day * DAY + (int64_t)(i + 1) * 10 * SECOND;
            counter = i % 3000 == 1234 ? 3 : counter + (double)random_below(&rnd, 5);
            samples[count++] = place_number(1, time_us, (double)random_below(&rnd, 20000) / 1000);
            samples[count++] = place_number(2, time_us, counter);
            samples[count++] = place_number(3, time_us, 21.5);
            if (i % 120 == 7) {
                samples[count++] = place_number(4, time_us - 3,
                                                (double)random_below(&rnd, 90) / 10);
            }
            struct sample sample = place_number(5, time_us, (double)(i % 100) / 7);
            sample.quality = i % 50 == 3 ? QUALITY_NO_ANSWER : QUALITY_GOOD;
            samples[count++] = sample;
        }
        append_all(samples, count);
        assert_int_equal(history_flush(place.history), 0);
    }
    busbar_free(samples);
}

static int set_up(void **state)
{
    (void)state;
    quiet_log();
    rnd.state = 4711;
    clock_fake_set(0, START + DAYS * DAY + 3 * DAY);
    place_make(&place);
    place.config.keep_us = 100 * DAY;
    place_open(&place);
    append_days();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    place_remove(&place);
    clock_fake_off();
    return 0;
}

struct look {
    struct history_coder *coder;
    struct history_column *column;
    struct history_view view;
    struct history_tiers tiers;
};

static void look(struct look *look, uint32_t series, int64_t from_us, int64_t to_us,
                 int64_t unit_us)
{
    look->coder = history_coder_new();
    look->column = history_column_new();
    history_view_init(&look->view, place.history, look->coder, look->column);
    assert_int_equal(history_tiers_read(&look->view, series, from_us, to_us, unit_us, &look->tiers),
                     0);
    assert_int_equal(look->tiers.damaged, 0);
}

static void look_end(struct look *look)
{
    history_tiers_fini(&look->tiers);
    history_view_fini(&look->view);
    history_coder_free(look->coder);
    busbar_free(look->column);
}

static size_t spans_of(uint32_t series, int64_t from_us, int64_t to_us, int64_t unit_us)
{
    struct look found;
    look(&found, series, from_us, to_us, unit_us);
    size_t count = found.tiers.span_count;
    look_end(&found);
    return count;
}

static bool near(double a, double b)
{
    return fabs(a - b) <= 1e-9 * (fabs(a) + fabs(b)) + 1e-12;
}

/* Every bucket of [from, to) days says what the samples say. */
static void assert_exact(uint32_t series, int64_t from_us, int64_t to_us, int64_t step_us)
{
    struct look found;
    struct history_samples samples;
    look(&found, series, from_us, to_us, step_us);
    assert_int_equal(found.tiers.span_count, 1);
    assert_int_equal(found.tiers.spans[0].from_us, from_us);
    assert_int_equal(found.tiers.spans[0].to_us, to_us);
    assert_int_equal(found.tiers.spans[0].step_us, step_us);
    assert_int_equal(history_read(place.history, series, INT64_MIN, to_us + 1, 2000000, &samples),
                     0);
    size_t at = 0;
    double before = NAN;
    for (; at < samples.count && samples.samples[at].time_us <= from_us; at++) {
        before = samples.samples[at].value.d;
    }
    for (size_t b = 0; b < found.tiers.bucket_count; b++) {
        const struct history_tier_bucket *bucket = &found.tiers.buckets[b];
        struct history_tier_bucket want = { 0 };
        for (; at < samples.count && samples.samples[at].time_us <= bucket->end_us; at++) {
            const struct sample *sample = &samples.samples[at];
            assert_true(sample->time_us > bucket->end_us - step_us); /* no bucket is missing */
            if (sample->quality != QUALITY_GOOD) {
                want.bad++;
                continue;
            }
            double number = sample->value.d;
            want.min = want.count == 0 || number < want.min ? number : want.min;
            want.max = want.count == 0 || number > want.max ? number : want.max;
            want.sum += number;
            want.last = number;
            want.increase += isnan(before) ? 0 : number < before ? number : number - before;
            want.count++;
            before = number;
        }
        assert_int_equal(bucket->count, want.count);
        assert_int_equal(bucket->bad, want.bad);
        assert_int_equal(bucket->others, 0);
        assert_true(want.count == 0 || (bucket->min == want.min && bucket->max == want.max));
        assert_true(want.count == 0 || bucket->last == want.last);
        assert_true(want.count == 0 || near(bucket->sum, want.sum));
        if (series == 2 || series == 3) {
            assert_true(near(bucket->increase, want.increase));
        } else if (series == 1) {
            assert_true(isnan(bucket->increase)); /* not a counter */
        }
    }
    assert_int_equal(at, samples.count);
    history_samples_free(&samples);
    look_end(&found);
}

static void tiers_say_what_samples_say(void **state)
{
    (void)state;
    assert_int_equal(spans_of(1, START, START + DAYS * DAY, STEP), 0); /* not made yet */
    place_work(&place);
    for (uint32_t series = 1; series <= SERIES; series++) {
        assert_exact(series, START, START + DAYS * DAY, HOUR);
        assert_exact(series, START + DAY + 5 * HOUR, START + 2 * DAY + 7 * HOUR, HOUR);
        if (series != 4) {
            assert_exact(series, START, START + DAYS * DAY, STEP);
        }
    }
    assert_int_equal(spans_of(4, START, START + DAYS * DAY, STEP), 0);   /* too few samples */
    assert_int_equal(spans_of(1, START, START + DAYS * DAY, SECOND), 0); /* too fine */
    assert_int_equal(spans_of(1, START + SECOND, START + DAY, STEP), 0);
    assert_int_equal(spans_of(77, START, START + DAY, STEP), 1); /* nothing, and that is known */
    place_reopen(&place);
    assert_exact(2, START, START + DAYS * DAY, STEP);
    struct history_status status;
    history_status(place.history, &status);
    assert_true(status.tier_bytes > 0 && status.tier_bytes < status.block_bytes / 2);
}

static void a_changed_day_is_read_from_samples_until_it_is_made_again(void **state)
{
    (void)state;
    place_work(&place);
    struct sample late = place_number(1, START + DAY + 17 * SECOND, 1e6);
    assert_int_equal(place_append(&place, &late, 1), 0);
    assert_int_equal(spans_of(1, START, START + DAYS * DAY, STEP), 2); /* without the day */
    assert_int_equal(spans_of(2, START, START + DAYS * DAY, STEP), 1); /* not touched */
    assert_int_equal(history_flush(place.history), 0);
    assert_int_equal(spans_of(1, START, START + DAYS * DAY, STEP), 2);
    clock_fake_advance(DAY);
    place_work(&place);
    assert_exact(1, START, START + DAYS * DAY, STEP);
    assert_exact(5, START, START + DAYS * DAY, HOUR);
    int64_t from_us = START + 2 * DAY + 3 * HOUR + 5;
    assert_int_equal(history_delete(place.history, 2, from_us, from_us + 400 * SECOND), 0);
    assert_int_equal(history_delete(place.history, 3, INT64_MIN, INT64_MAX), 0);
    struct look found;
    look(&found, 2, START, START + DAYS * DAY, STEP);
    assert_int_equal(found.tiers.span_count, 1);
    assert_int_equal(found.tiers.spans[0].to_us, START + 2 * DAY);
    look_end(&found);
    assert_int_equal(spans_of(3, START, START + DAYS * DAY, STEP), 0);
    clock_fake_advance(DAY);
    place_work(&place);
    assert_exact(2, START, START + DAYS * DAY, STEP);
    look(&found, 3, START, START + DAYS * DAY, STEP);
    assert_int_equal(found.tiers.bucket_count, 0);
    look_end(&found);
    place_reopen(&place);
    assert_exact(2, START, START + DAYS * DAY, STEP);
}

/* Buckets of a page before and after the samples are over. */
static void tiers_answer_when_samples_are_over(void **state)
{
    (void)state;
    struct history_buckets before;
    struct history_buckets after;
    place_work(&place);
    /* samples stand on the edges, so the page's [start, end) is looked at one microsecond later */
    assert_int_equal(
        history_buckets(place.history, 1, START + 1, START + DAYS * DAY + 1, 6 * HOUR, &before), 0);
    clock_fake_advance(200 * DAY);
    place_reopen(&place); /* retention looks at once */
    place_work(&place);
    struct history_status status;
    history_status(place.history, &status);
    assert_int_equal(status.block_samples, 0);
    assert_int_equal(spans_of(1, START, START + DAYS * DAY, STEP), 1);
    assert_int_equal(spans_of(4, START, START + DAYS * DAY, HOUR), 1);
    assert_int_equal(history_buckets(place.history, 1, START, START + DAYS * DAY, 6 * HOUR, &after),
                     0);
    assert_int_equal(before.count, 12);
    assert_int_equal(after.count, 12);
    for (size_t i = 0; i < after.count; i++) {
        const struct history_bucket *a = &before.buckets[i];
        const struct history_bucket *b = &after.buckets[i];
        assert_int_equal(b->start_us, a->start_us - 1);
        assert_int_equal(b->count, a->count);
        assert_true(b->min == a->min && b->max == a->max && b->last == a->last);
        assert_true(near(b->sum, a->sum));
    }
    busbar_free(before.buckets);
    busbar_free(after.buckets);
    /* a delete goes through tiers too, at once and for good */
    assert_int_equal(history_delete(place.history, 1, START + DAY, START + 2 * DAY), 0);
    struct look found;
    look(&found, 1, START, START + DAYS * DAY, HOUR);
    size_t left = found.tiers.bucket_count;
    look_end(&found);
    assert_true(left == 47 ||
                left == 48); /* the bucket that ends at the first midnight touches it */
    clock_fake_advance(DAY);
    place_work(&place);
    struct state_deletion *list;
    size_t count;
    uint64_t last;
    assert_int_equal(state_deletions(place.state, &list, &count, &last), 0);
    assert_int_equal(count, 0);
    place_reopen(&place);
    look(&found, 1, START, START + DAYS * DAY, HOUR);
    assert_int_equal(found.tiers.bucket_count, left);
    look_end(&found);
    assert_int_equal(spans_of(2, START, START + DAYS * DAY, STEP), 1);
    clock_fake_advance(11 * 365 * DAY);
    place_reopen(&place);
    place_work(&place);
    history_status(place.history, &status);
    assert_int_equal(status.blocks, 0); /* tiers are over too */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(tiers_say_what_samples_say, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_changed_day_is_read_from_samples_until_it_is_made_again,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(tiers_answer_when_samples_are_over, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
