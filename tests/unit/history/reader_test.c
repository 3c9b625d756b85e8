/* SPDX-License-Identifier: Apache-2.0 */
/* The reader beside history_read(): the same samples, as numbers; the newest of them; and windows of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "history/reader.h"
#include "model/quality.h"
#include "place.h"
#include "support/quiet.h"
#include "support/random.h"

#define NOW    INT64_C(1790000000000000)
#define SECOND INT64_C(1000000)
enum { SERIES = 8, EVERYTHING = 10000000 };

static struct place place;
static struct random rnd;
static struct text *word;

/* What the reader shall give: from history_read(), by the rules of reader.h. */
struct expected {
    int64_t *times;
    double *values;
    size_t count;
};

static struct expected expect(uint32_t series, int64_t from_us, int64_t to_us)
{
    struct history_samples result;
    assert_int_equal(history_read(place.history, series, from_us, to_us, EVERYTHING, &result), 0);
    struct expected expected = {
        .times = busbar_alloc_array(result.count + 1, sizeof(int64_t)),
        .values = busbar_alloc_array(result.count + 1, sizeof(double)),
    };
    for (size_t i = 0; i < result.count; i++) {
        const struct sample *sample = &result.samples[i];
        double number = history_stale();
        bool is_bad = quality_class(sample->quality) == QUALITY_CLASS_BAD ||
                      sample->type == VALUE_NONE;
        if (is_bad || value_number(sample->type, sample->value, &number)) {
            expected.times[expected.count] = sample->time_us;
            expected.values[expected.count++] = number;
        }
    }
    history_samples_free(&result);
    return expected;
}

static void expected_free(struct expected *expected)
{
    busbar_free(expected->times);
    busbar_free(expected->values);
}

static void assert_numbers(struct history_reader *reader, uint32_t series, int64_t from_us,
                           int64_t to_us)
{
    struct expected expected = expect(series, from_us, to_us);
    struct history_numbers numbers;
    assert_int_equal(history_reader_numbers(reader, series, from_us, to_us, EVERYTHING, &numbers),
                     0);
    assert_int_equal(numbers.count, expected.count);
    for (size_t i = 0; i < numbers.count; i++) {
        assert_int_equal(numbers.times_us[i], expected.times[i]);
        assert_memory_equal(&numbers.values[i], &expected.values[i], sizeof(double));
    }
    if (expected.count > 0) {
        assert_int_equal(
            history_reader_numbers(reader, series, from_us, to_us, expected.count - 1, &numbers),
            BUSBAR_ELIMIT);
        assert_int_equal(
            history_reader_numbers(reader, series, from_us, to_us, expected.count, &numbers), 0);
    }
    bool found;
    int64_t time_us;
    double value;
    assert_int_equal(history_reader_last(reader, series, from_us, to_us, &found, &time_us, &value),
                     0);
    assert_int_equal(found, expected.count > 0);
    if (found) {
        assert_int_equal(time_us, expected.times[expected.count - 1]);
        assert_memory_equal(&value, &expected.values[expected.count - 1], sizeof(double));
    }
    expected_free(&expected);
}

static void assert_window(const struct history_window *window, const struct expected *expected,
                          int64_t after_us, int64_t end_us)
{
    struct history_window want = { .min = NAN, .max = NAN };
    for (size_t i = 0; i < expected->count; i++) {
        double value = expected->values[i];
        if (expected->times[i] <= after_us || expected->times[i] > end_us ||
            history_is_stale(value)) {
            continue;
        }
        want.count++;
        want.last = value;
        want.sum += value;
        want.min = value < want.min || isnan(want.min) ? value : want.min;
        want.max = value > want.max || isnan(want.max) ? value : want.max;
    }
    assert_int_equal(window->count, want.count);
    if (want.count == 0) {
        return;
    }
    assert_memory_equal(&window->last, &want.last, sizeof(double));
    assert_true(window->min == want.min || (isnan(window->min) && isnan(want.min)));
    assert_true(window->max == want.max || (isnan(window->max) && isnan(want.max)));
    assert_true(fabs(window->sum - want.sum) <= 1e-9 * fabs(want.sum) + 1e-6 ||
                (isnan(window->sum) && isnan(want.sum)) || window->sum == want.sum);
}

/* True: the reader answered. */
static bool assert_windows(struct history_reader *reader, uint32_t series, int64_t first_end_us,
                           int64_t step_us, int64_t width_us, size_t count)
{
    struct history_window *windows = busbar_alloc_array(count, sizeof(*windows));
    int error = history_reader_windows(reader, series, first_end_us, step_us, width_us, count,
                                       windows);
    assert_true(error == 0 || error == BUSBAR_EUNSUPPORTED);
    if (error == 0) {
        int64_t last_us = first_end_us + (int64_t)(count - 1) * step_us;
        struct expected expected = expect(series, first_end_us - width_us + 1, last_us + 1);
        for (size_t i = 0; i < count; i++) {
            int64_t end_us = first_end_us + (int64_t)i * step_us;
            assert_window(&windows[i], &expected, end_us - width_us, end_us);
        }
        expected_free(&expected);
    }
    busbar_free(windows);
    return error == 0;
}

/* --- random data --- */

static struct sample random_sample(uint32_t series, int64_t time_us)
{
    struct sample sample = {
        .time_us = time_us, .receive_us = time_us, .point = series, .type = VALUE_DOUBLE
    };
    switch (series % 4) {
    case 0: sample.value.d = (double)(int64_t)random_below(&rnd, 5000) / 10 - 250; break;
    case 1: sample.value.d = (double)(int64_t)random_below(&rnd, 5000) / 7; break;
    case 2:
        sample.type = VALUE_INT;
        sample.value.i = (int64_t)random_below(&rnd, 1000) - 300;
        break;
    default:
        sample.type = VALUE_BOOL;
        sample.value.bits = random_below(&rnd, 2);
        break;
    }
    if (series > 4 && random_below(&rnd, 300) == 0) {
        static const double odd[] = { NAN, INFINITY, -INFINITY, -0.0 };
        sample.type = VALUE_DOUBLE;
        sample.value.d = random_below(&rnd, 2) == 0 ? history_stale() : odd[random_below(&rnd, 4)];
    } else if (series > 2 && random_below(&rnd, 300) == 0) {
        sample.quality = QUALITY_NO_ANSWER;
        sample.type = random_below(&rnd, 2) == 0 ? VALUE_NONE : sample.type;
    } else if (series > 6 && random_below(&rnd, 500) == 0) {
        sample.type = VALUE_TEXT;
        sample.value.text = word;
    }
    return sample;
}

static void append_some(int64_t *clock_us)
{
    struct sample samples[400];
    unsigned kind = (unsigned)random_below(&rnd, 14);
    for (size_t i = 0; i < 400; i++) {
        *clock_us += i % SERIES == 0 ? 10 * SECOND : 0;
        int64_t time_us = *clock_us;
        if (kind == 0) { /* late, and at times there may be already */
            time_us -= (int64_t)random_below(&rnd, 3000) * 10 * SECOND;
        }
        samples[i] = random_sample(1 + (uint32_t)(i % SERIES), time_us);
    }
    assert_int_equal(place_append(&place, samples, 400), 0);
}

static void the_same_as_history_read(void **state)
{
    (void)state;
    int64_t clock_us = NOW - INT64_C(2000000) * SECOND;
    int64_t begin_us = clock_us;
    struct history_reader *reader;
    unsigned answered = 0;
    rnd.state = 77;
    place_make(&place);
    place_open(&place);
    assert_int_equal(history_reader_open(place.history, &reader), 0);
    for (int step = 0; step < 400; step++) {
        append_some(&clock_us);
        if (random_below(&rnd, 25) == 0) {
            assert_int_equal(history_flush(place.history), 0); /* the reader is open meanwhile */
        }
        if (random_below(&rnd, 12) == 0) {
            bool worked;
            assert_int_equal(history_step(place.history, &worked), 0);
        }
        uint32_t series = 1 + (uint32_t)random_below(&rnd, SERIES + 1);
        int64_t span_us = clock_us - begin_us;
        int64_t from_us = begin_us + (int64_t)random_below(&rnd, (uint64_t)span_us);
        int64_t to_us = from_us + (int64_t)random_below(&rnd, (uint64_t)span_us);
        assert_numbers(reader, series, from_us, to_us);
        assert_numbers(reader, series, INT64_MIN, INT64_MAX);
        assert_numbers(reader, series, clock_us - 300 * SECOND, clock_us + 1);
        assert_numbers(reader, series, from_us, from_us + 5 * SECOND);
        answered += assert_windows(reader, series, from_us + 12345, 40000 * SECOND, 40000 * SECOND,
                                   1 + random_below(&rnd, 6));
        answered += assert_windows(reader, series, from_us, 3600 * SECOND + 1,
                                   (int64_t)random_below(&rnd, (uint64_t)span_us) + 1,
                                   1 + random_below(&rnd, 30));
    }
    assert_true(answered > 20);
    assert_int_equal(history_reader_damaged(reader), 0);
    history_reader_close(reader);
    place_remove(&place);
}

/* Days that have tiers, and one that has not: the same as from the samples. */
static void windows_from_tiers(void **state)
{
    (void)state;
    const int64_t day = INT64_C(86400) * SECOND;
    int64_t start = INT64_C(20000) * day;
    struct sample samples[864];
    rnd.state = 8;
    clock_fake_set(0, start + 6 * day);
    place_make(&place);
    place.config.keep_us = 100 * day;
    place_open(&place);
    for (int part = 0; part < 35; part++) {
        for (int i = 0; i < 864; i++) {
            int64_t time_us = start + ((int64_t)part * 864 + i + 1) * 10 * SECOND;
            samples[i] = place_number(1, time_us, (double)random_below(&rnd, 900) / 10 - 40);
            samples[i].quality = part % 3 == 0 && i % 100 == 7 ? QUALITY_NO_ANSWER : QUALITY_GOOD;
        }
        assert_int_equal(place_append(&place, samples, 864), 0);
    }
    assert_int_equal(history_flush(place.history), 0);
    bool worked = true;
    for (int i = 0; i < 1000 && worked; i++) {
        assert_int_equal(history_step(place.history, &worked), 0);
    }
    struct sample late = place_number(1, start + day + 5, 1000); /* the second day: not exact now */
    assert_int_equal(place_append(&place, &late, 1), 0);
    struct history_reader *reader;
    assert_int_equal(history_reader_open(place.history, &reader), 0);
    static const int64_t minutes[] = { 5, 15, 60, 180, 1440 };
    unsigned answered = 0;
    for (int round = 0; round < 60; round++) {
        int64_t unit = minutes[random_below(&rnd, 5)] * 60 * SECOND;
        int64_t width = unit * (1 + (int64_t)random_below(&rnd, 5));
        int64_t step = unit * (1 + (int64_t)random_below(&rnd, 3));
        int64_t end = start + (int64_t)random_below(&rnd, 300) * 15 * 60 * SECOND;
        end = end / unit * unit;
        answered += assert_windows(reader, 1, end, step, width, 1 + random_below(&rnd, 40));
    }
    assert_true(answered > 50); /* also short windows, which chunks would not answer */
    history_reader_close(reader);
    place_remove(&place);
    clock_fake_set(0, NOW);
}

static void retention_is_respected(void **state)
{
    (void)state;
    place_make(&place);
    place_open(&place);
    for (int i = 0; i < 100; i++) {
        struct sample sample = place_number(1, NOW - (100 - i) * 60 * SECOND, i);
        assert_int_equal(place_append(&place, &sample, 1), 0);
    }
    assert_int_equal(history_flush(place.history), 0);
    assert_int_equal(history_keep(place.history, 1, 30 * 60 * SECOND), 0);
    struct history_reader *reader;
    assert_int_equal(history_reader_open(place.history, &reader), 0);
    assert_numbers(reader, 1, INT64_MIN, INT64_MAX);
    struct history_numbers numbers;
    assert_int_equal(history_reader_numbers(reader, 1, 0, INT64_MAX, 1000, &numbers), 0);
    assert_int_equal(numbers.count, 30);
    assert_int_equal(history_keep(place.history, 1, 30 * SECOND), 0);
    bool found = true;
    int64_t time_us;
    double value;
    assert_int_equal(history_reader_last(reader, 1, 0, INT64_MAX, &found, &time_us, &value), 0);
    assert_false(found);
    history_reader_close(reader);
    place_remove(&place);
}

static void no_memory(void **state)
{
    (void)state;
    place_make(&place);
    place_open(&place);
    int64_t clock_us = NOW - INT64_C(2000000) * SECOND;
    rnd.state = 5;
    for (int step = 0; step < 40; step++) {
        append_some(&clock_us);
        if (step % 15 == 14) {
            assert_int_equal(history_flush(place.history), 0);
        }
    }
    int error = BUSBAR_ENOMEM;
    for (long nth = 1; error == BUSBAR_ENOMEM; nth++) {
        struct history_reader *reader;
        struct history_numbers numbers = { 0 };
        struct history_window windows[2];
        alloc_fail_nth(nth);
        error = history_reader_open(place.history, &reader);
        if (error == 0) {
            error = history_reader_numbers(reader, 5, 0, INT64_MAX, EVERYTHING, &numbers);
        }
        if (error == 0) {
            error = history_reader_windows(reader, 5, clock_us, 100000 * SECOND, 100000 * SECOND, 2,
                                           windows);
            error = error == BUSBAR_EUNSUPPORTED ? 0 : error;
        }
        alloc_fail_nth(0);
        history_reader_close(reader);
        assert_true(nth < 500);
    }
    assert_int_equal(error, 0);
    place_remove(&place);
}

static void bad_windows_are_refused(void **state)
{
    (void)state;
    place_make(&place);
    place_open(&place);
    struct history_reader *reader;
    struct history_window window;
    assert_int_equal(history_reader_open(place.history, &reader), 0);
    assert_int_equal(history_reader_windows(reader, 1, NOW, 0, 1, 1, &window), BUSBAR_EINVAL);
    assert_int_equal(history_reader_windows(reader, 1, NOW, 1, 0, 1, &window), BUSBAR_EINVAL);
    assert_int_equal(history_reader_windows(reader, 1, INT64_MIN, 1, 9, 1, &window), BUSBAR_EINVAL);
    assert_int_equal(history_reader_windows(reader, 1, NOW, INT64_MAX, 9, 3, &window),
                     BUSBAR_EINVAL);
    assert_int_equal(history_reader_windows(reader, 1, NOW, 1, 9, 1, &window), BUSBAR_EUNSUPPORTED);
    history_reader_close(reader);
    history_reader_close(NULL);
    place_remove(&place);
}

static int set_up(void **state)
{
    (void)state;
    quiet_log();
    clock_fake_set(0, NOW);
    word = text_new("open", 4);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    busbar_free(word);
    clock_fake_off();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_as_history_read), cmocka_unit_test(windows_from_tiers),
        cmocka_unit_test(retention_is_respected),   cmocka_unit_test(no_memory),
        cmocka_unit_test(bad_windows_are_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
