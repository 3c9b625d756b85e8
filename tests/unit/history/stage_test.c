/* SPDX-License-Identifier: Apache-2.0 */
/* Polls: many series at one time, row after row, with what disturbs them (late rows, parts of a row, bad samples, another
 * type, blocks, restarts, readers at any moment). Every read must agree with a plain array. */
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
enum { SERIES = 40, TIMES = 3000, STEP_US = 1000000 };

/* What series has at NOW + i x STEP_US. */
struct cell {
    bool set;
    uint8_t type, quality;
    union value value;
};

static struct cell (*twin)[TIMES];
static uint64_t stored[SERIES], repeated[SERIES];
static struct place place;
static struct random rnd;

static void append(const struct sample *samples, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t series = samples[i].point - 1;
        struct cell *cell = &twin[series][(samples[i].time_us - NOW) / STEP_US];
        stored[series] += !cell->set;
        repeated[series] += cell->set;
        *cell = (struct cell){ true, samples[i].type, samples[i].quality, samples[i].value };
    }
    assert_int_equal(place_append(&place, samples, count), 0);
}

static void poll(uint32_t first, uint32_t count, int64_t at, uint8_t type)
{
    struct sample samples[SERIES];
    for (uint32_t i = 0; i < count; i++) {
        samples[i] = (struct sample){ .time_us = NOW + at * STEP_US,
                                      .point = first + i,
                                      .type = type };
        samples[i].receive_us = samples[i].time_us;
        if (type == VALUE_DOUBLE) {
            samples[i].value.d = (double)(int64_t)random_below(&rnd, 900) / 10;
        } else {
            samples[i].value.i = (int64_t)random_below(&rnd, 2);
        }
        if (random_below(&rnd, 2000) == 0) {
            samples[i].type = VALUE_NONE;
            samples[i].value.bits = 0;
            samples[i].quality = QUALITY_NO_ANSWER;
        }
    }
    append(samples, count);
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
        assert_int_equal(got->time_us, NOW + i * STEP_US);
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
    assert_int_equal(last.time_us, NOW + newest * STEP_US);
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
    switch (random_below(&rnd, 60)) {
    case 0: poll(1, SERIES, (int64_t)random_below(&rnd, (uint64_t)*at + 1), VALUE_INT); break;
    case 1: poll(5, 18, (*at)++, VALUE_INT); break;        /* a part, long enough for a run */
    case 2: poll(9, 3, (*at)++, VALUE_INT); break;         /* a part that is too short */
    case 3: poll(1, SERIES, (*at)++, VALUE_DOUBLE); break; /* another type */
    case 4: assert_series(1 + (uint32_t)random_below(&rnd, SERIES)); break;
    case 5: assert_last_and_counts(1 + (uint32_t)random_below(&rnd, SERIES), false); break;
    case 6: assert_int_equal(history_flush(place.history), 0); break;
    default: poll(1, SERIES, (*at)++, VALUE_INT);
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
    poll(1, SERIES, 0, VALUE_INT);
    for (int i = 0; at < TIMES - 10; i++) {
        live(&at);
        if (i % 700 == 699) {
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

static void a_row_is_many_usual_samples_of_one_time(void **state)
{
    (void)state;
    struct sample samples[20];
    for (uint32_t i = 0; i < 20; i++) {
        samples[i] = (struct sample){
            .time_us = NOW, .receive_us = NOW, .point = 100 + i, .type = VALUE_INT
        };
    }
    assert_int_equal(history_stage_row(samples, 20), 20);
    assert_int_equal(history_stage_row(samples, 15), 0);
    samples[17].time_us++;
    assert_int_equal(history_stage_row(samples, 20), 17);
    samples[16].quality = QUALITY_STALE;
    assert_int_equal(history_stage_row(samples, 20), 16);
    samples[15].point++;
    assert_int_equal(history_stage_row(samples, 20), 0);
    samples[0].type = VALUE_TEXT;
    assert_int_equal(history_stage_row(samples, 20), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_is_many_usual_samples_of_one_time),
        cmocka_unit_test(rows_agree_with_a_plain_array),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
