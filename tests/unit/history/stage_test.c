/* SPDX-License-Identifier: Apache-2.0 */
/* The stage: many series time after time, at one time or with jitter, with what disturbs them (late samples, parts
 * of a poll, bad samples, other types, bulk loads, blocks, restarts, readers at any moment). Every read must agree
 * with a plain array. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "history/stage.h"
#include "model/quality.h"
#include "place.h"
#include "support/random.h"

#define NOW INT64_C(1790000000000000)
enum { SERIES = 150, TIMES = 2000, STEP_US = 1000000, JITTER_US = 5000 };

/* What series has at NOW + i x STEP_US (and its jitter). */
struct cell {
    bool set;
    uint8_t type, quality;
    union value value;
};

static struct cell (*twin)[TIMES];
static uint64_t stored[SERIES], repeated[SERIES];
static struct place place;
static struct random rnd;

/* Of each series and place, always the same, so that a repeated sample has the time of the first. */
static int64_t time_of(uint32_t series, int64_t at)
{
    uint64_t mix = ((uint64_t)series * 7919 + (uint64_t)at) * UINT64_C(0x9e3779b97f4a7c15) >> 40;
    int64_t jitter = series % 3 == 0 ? 0 : (int64_t)(mix % JITTER_US);
    return NOW + at * STEP_US + (series % 5 == 0 ? jitter / 1000 * 1000 : jitter);
}

static int64_t place_of(int64_t time_us)
{
    return (time_us - NOW) / STEP_US;
}

static void append(const struct sample *samples, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t series = samples[i].point - 1;
        struct cell *cell = &twin[series][place_of(samples[i].time_us)];
        stored[series] += !cell->set;
        repeated[series] += cell->set;
        *cell = (struct cell){ true, samples[i].type, samples[i].quality, samples[i].value };
    }
    assert_int_equal(place_append(&place, samples, count), 0);
}

static void make(struct sample *sample, uint32_t series, int64_t at, uint8_t type)
{
    *sample = (struct sample){ .time_us = time_of(series, at), .point = series, .type = type };
    sample->receive_us = sample->time_us;
    if (type == VALUE_DOUBLE) {
        sample->value.d = (double)(int64_t)random_below(&rnd, 900) / 10;
    } else if (type == VALUE_INT) {
        sample->value.i = (int64_t)random_below(&rnd, 70000) - 100;
    } else {
        sample->value.bits = random_below(&rnd, 2);
    }
    if (random_below(&rnd, 4000) == 0) {
        sample->type = VALUE_NONE;
        sample->value.bits = 0;
        sample->quality = QUALITY_NO_ANSWER;
    }
}

/* type 0: each series has its own */
static void poll(uint32_t first, uint32_t count, int64_t at, uint8_t type)
{
    struct sample samples[SERIES];
    for (uint32_t i = 0; i < count; i++) {
        make(&samples[i], first + i, at, type != 0 ? type : (uint8_t)(1 + (first + i) % 3));
    }
    append(samples, count);
}

/* Many samples of each of some series, one series after the other. */
static void bulk(int64_t at, int64_t times)
{
    struct sample *samples = busbar_alloc_array((size_t)(3 * times), sizeof(*samples));
    uint32_t first = 1 + (uint32_t)random_below(&rnd, SERIES - 3);
    for (int64_t i = 0; i < 3 * times; i++) {
        make(&samples[i], first + (uint32_t)(i / times), at + i % times, VALUE_DOUBLE);
    }
    append(samples, (size_t)(3 * times));
    busbar_free(samples);
}

static void assert_series(uint32_t series)
{
    struct history_samples result;
    size_t at = 0;
    assert_int_equal(history_read(place.history, series, INT64_MIN, INT64_MAX, 100000, &result), 0);
    for (int64_t i = 0; i < TIMES; i++) {
        const struct cell *want = &twin[series - 1][i];
        if (!want->set) {
            continue;
        }
        assert_true(at < result.count);
        const struct sample *got = &result.samples[at++];
        assert_int_equal(got->time_us, time_of(series, i));
        assert_int_equal(got->quality, want->quality);
        assert_true(value_equal(got->type, got->value, want->type, want->value));
    }
    assert_int_equal(at, result.count);
    history_samples_free(&result);
}

static void assert_last_and_counts(uint32_t series, bool exact)
{
    struct sample last;
    struct history_counts counts;
    int64_t newest = TIMES;
    while (newest-- > 0 && !twin[series - 1][newest].set) {
    }
    assert_true(history_last(place.history, series, &last, NULL));
    assert_int_equal(last.time_us, time_of(series, newest));
    assert_true(value_equal(last.type, last.value, twin[series - 1][newest].type,
                            twin[series - 1][newest].value));
    history_counts(place.history, series, &counts);
    assert_int_equal(counts.stored_all + counts.repeated_all,
                     stored[series - 1] + repeated[series - 1]);
    if (exact) {
        assert_int_equal(counts.repeated_all, repeated[series - 1]);
    }
}

/* One step of life; `at` is the next time. */
static void live(int64_t *at)
{
    int64_t times = (int64_t)random_below(&rnd, 150);
    switch (random_below(&rnd, 90)) {
    case 0: poll(1, SERIES, (int64_t)random_below(&rnd, (uint64_t)*at + 1), VALUE_INT); break;
    case 1: poll(5, 18, (*at)++, VALUE_INT); break;
    case 2: poll(9, 3, (*at)++, VALUE_INT); break;
    case 3: poll(1, SERIES, (*at)++, VALUE_DOUBLE); break; /* another type */
    case 4: assert_series(1 + (uint32_t)random_below(&rnd, SERIES)); break;
    case 5: assert_last_and_counts(1 + (uint32_t)random_below(&rnd, SERIES), false); break;
    case 6: assert_int_equal(history_flush(place.history), 0); break;
    case 7: poll(1, 70, (*at)++, 0); break;
    case 8:
        if (*at + times < TIMES - 200) {
            bulk(*at, times + 1);
            *at += times + 1;
        }
        break;
    default:
        poll(1, 70, *at, 0); /* as two requests, whose border is in the middle of a group */
        poll(71, SERIES - 70, (*at)++, 0);
    }
}

static void rows_agree_with_a_plain_array(void **state)
{
    (void)state;
    twin = busbar_alloc(SERIES * sizeof(*twin));
    rnd = (struct random){ 77 };
    place_make(&place);
    place_open(&place);
    int64_t at = 1;
    poll(1, SERIES, 0, 0);
    for (int i = 0; at < TIMES - 10; i++) {
        live(&at);
        if (i % 500 == 499) {
            place_reopen(&place);
        }
    }
    assert_int_equal(history_flush(place.history), 0);
    for (uint32_t series = 1; series <= SERIES; series++) {
        assert_series(series);
        assert_last_and_counts(series, true);
    }
    place_remove(&place);
    busbar_free(twin);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_agree_with_a_plain_array),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
