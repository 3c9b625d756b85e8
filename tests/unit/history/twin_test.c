/* SPDX-License-Identifier: Apache-2.0 */
/* The history beside a naive twin: random appends (late, repeated, of every type and quality), blocks,
 * merges and restarts; every read must agree with a plain sorted array. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "model/quality.h"
#include "place.h"
#include "support/quiet.h"
#include "support/random.h"

#define NOW INT64_C(1790000000000000)
enum { SERIES = 6, TWIN_MAX = 30000, WORDS = 4 };

struct twin {
    struct sample samples[TWIN_MAX]; /* sorted, one a time */
    size_t count;
    uint64_t appended;
};

static struct twin *twins;
static struct text *words[WORDS];
static struct place place;
static struct random rnd;

static void twin_add(struct twin *twin, const struct sample *sample)
{
    size_t at = twin->count;
    while (at > 0 && twin->samples[at - 1].time_us >= sample->time_us) {
        at--;
    }
    twin->appended++;
    if (at < twin->count && twin->samples[at].time_us == sample->time_us) {
        twin->samples[at] = *sample;
        return;
    }
    assert_true(twin->count < TWIN_MAX);
    memmove(twin->samples + at + 1, twin->samples + at,
            (twin->count - at) * sizeof(*twin->samples));
    twin->samples[at] = *sample;
    twin->count++;
}

static uint8_t type_of(uint32_t series)
{
    static const uint8_t types[] = { VALUE_BOOL,   VALUE_INT,  VALUE_DOUBLE,
                                     VALUE_DOUBLE, VALUE_TEXT, VALUE_INT };
    bool other = random_below(&rnd, 400) == 0;
    return other ? (uint8_t)random_below(&rnd, 5) : types[series - 1];
}

static struct sample random_sample(uint32_t series, int64_t time_us)
{
    struct sample sample = { .time_us = time_us, .receive_us = time_us, .point = series };
    sample.type = type_of(series);
    if (random_below(&rnd, 12) == 0) {
        sample.quality = (uint8_t)random_below(&rnd, 13);
        sample.type = quality_class(sample.quality) == QUALITY_CLASS_BAD ? VALUE_NONE : sample.type;
        sample.detail = (uint16_t)random_below(&rnd, 300);
    }
    if (random_below(&rnd, 30) == 0) {
        sample.receive_us += (int64_t)random_below(&rnd, 1000000);
    }
    switch (sample.type) {
    case VALUE_BOOL: sample.value.bits = random_below(&rnd, 2); break;
    case VALUE_INT: sample.value.i = (int64_t)random_below(&rnd, 1000) - 300; break;
    case VALUE_DOUBLE:
        sample.value.d = (double)(int64_t)random_below(&rnd, 5000) / (series == 3 ? 10 : 7);
        break;
    case VALUE_TEXT: sample.value.text = words[random_below(&rnd, WORDS)]; break;
    default: break;
    }
    return sample;
}

static void append_some(int64_t *clock_us)
{
    struct sample samples[200];
    size_t count = 1 + random_below(&rnd, 200);
    unsigned kind = (unsigned)random_below(&rnd, 10);
    for (size_t i = 0; i < count; i++) {
        uint32_t series = 1 + (uint32_t)(kind < 5 ? i % SERIES : random_below(&rnd, SERIES));
        *clock_us += i % SERIES == 0 ? 1000000 : 0;
        int64_t time_us = *clock_us;
        if (kind == 8) { /* late, at times there may be already */
            time_us -= (int64_t)random_below(&rnd, 3000) * 1000000;
        } else if (kind == 9) { /* very late */
            time_us -= (int64_t)random_below(&rnd, 200000) * 500000;
        }
        samples[i] = random_sample(series, time_us);
    }
    for (size_t i = 0; i < count; i++) {
        twin_add(&twins[samples[i].point - 1], &samples[i]);
    }
    assert_int_equal(place_append(&place, samples, count), 0);
}

static void assert_read(uint32_t series, int64_t from_us, int64_t to_us, size_t limit)
{
    const struct twin *twin = &twins[series - 1];
    size_t at = 0;
    while (at < twin->count && twin->samples[at].time_us < from_us) {
        at++;
    }
    struct history_samples result;
    assert_int_equal(history_read(place.history, series, from_us, to_us, limit, &result), 0);
    assert_int_equal(result.damaged, 0);
    for (size_t i = 0; i < result.count; i++, at++) {
        const struct sample *got = &result.samples[i];
        const struct sample *want = &twin->samples[at];
        assert_true(at < twin->count);
        assert_int_equal(got->time_us, want->time_us);
        assert_int_equal(got->receive_us, want->receive_us);
        assert_int_equal(got->quality, want->quality);
        assert_int_equal(got->detail, want->detail);
        assert_true(value_equal(got->type, got->value, want->type, want->value));
    }
    bool rest = at < twin->count && twin->samples[at].time_us < to_us;
    assert_int_equal(result.more, rest);
    assert_true(!rest || result.count == limit);
    history_samples_free(&result);
}

static void assert_buckets(uint32_t series, int64_t from_us, int64_t to_us, int64_t step_us)
{
    const struct twin *twin = &twins[series - 1];
    struct history_buckets result;
    assert_int_equal(history_buckets(place.history, series, from_us, to_us, step_us, &result), 0);
    size_t at = 0;
    while (at < twin->count && twin->samples[at].time_us < from_us) {
        at++;
    }
    for (size_t b = 0; b < result.count; b++) {
        const struct history_bucket *bucket = &result.buckets[b];
        struct history_bucket want = { 0 };
        for (; at < twin->count && twin->samples[at].time_us < to_us &&
               twin->samples[at].time_us < bucket->start_us + step_us;
             at++) {
            const struct sample *sample = &twin->samples[at];
            assert_true(sample->time_us >= bucket->start_us);
            double number;
            bool bad = quality_class(sample->quality) == QUALITY_CLASS_BAD;
            want.quality = sample->quality;
            if (!bad && value_number(sample->type, sample->value, &number)) {
                want.min = want.count == 0 || number < want.min ? number : want.min;
                want.max = want.count == 0 || number > want.max ? number : want.max;
                want.first = want.count == 0 ? number : want.first;
                want.first_us = want.count == 0 ? sample->time_us : want.first_us;
                want.last = number;
                want.last_us = sample->time_us;
                want.sum += number;
                want.count++;
            } else if (bad || sample->type == VALUE_NONE) {
                want.bad++;
            } else {
                want.others++;
            }
        }
        assert_int_equal(bucket->count, want.count);
        assert_int_equal(bucket->bad, want.bad);
        assert_int_equal(bucket->others, want.others);
        assert_int_equal(bucket->quality, want.quality);
        if (want.count > 0) {
            assert_true(bucket->min == want.min && bucket->max == want.max);
            assert_true(bucket->first == want.first && bucket->last == want.last);
            assert_int_equal(bucket->first_us, want.first_us);
            assert_int_equal(bucket->last_us, want.last_us);
            assert_true(bucket->sum - want.sum < 1e-5 && want.sum - bucket->sum < 1e-5);
        }
    }
    assert_true(at == twin->count || twin->samples[at].time_us >= to_us);
    busbar_free(result.buckets);
}

static void assert_all(bool counts_final)
{
    for (uint32_t series = 1; series <= SERIES; series++) {
        const struct twin *twin = &twins[series - 1];
        assert_read(series, INT64_MIN, INT64_MAX, 0);
        struct sample last;
        struct text *text;
        assert_int_equal(history_last(place.history, series, &last, &text), twin->count > 0);
        if (twin->count > 0) {
            const struct sample *want = &twin->samples[twin->count - 1];
            assert_int_equal(last.time_us, want->time_us);
            assert_int_equal(last.quality, want->quality);
            assert_true(value_equal(last.type, last.value, want->type, want->value));
        }
        busbar_free(text);
        struct history_counts counts;
        history_counts(place.history, series, &counts);
        assert_int_equal(counts.stored_all + counts.repeated_all, twin->appended);
        assert_true(counts.stored_all >= twin->count);
        if (counts_final) { /* what repeats a sample in a block is known when it is in one itself */
            assert_int_equal(counts.stored_all, twin->count);
        }
    }
}

static void assert_some(int64_t clock_us)
{
    uint32_t series = 1 + (uint32_t)random_below(&rnd, SERIES);
    int64_t from_us = clock_us - (int64_t)random_below(&rnd, 20000) * 1000000;
    int64_t to_us = from_us + (int64_t)random_below(&rnd, 5000) * 1000000;
    assert_read(series, from_us, to_us, 0);
    assert_read(series, from_us, to_us, 1 + random_below(&rnd, 500));
    int64_t step_us = 1000000 + (int64_t)random_below(&rnd, 100) * 7000000;
    assert_buckets(series, from_us, to_us, step_us);
    assert_buckets(series, clock_us - INT64_C(200000) * 1000000, clock_us + 1,
                   INT64_C(50000) * 1000000);
}

static void run(uint64_t seed, int steps)
{
    rnd.state = seed;
    memset(twins, 0, SERIES * sizeof(*twins));
    place_make(&place);
    place.config.segment_bytes = 20000;
    place_open(&place);
    int64_t clock_us = NOW - INT64_C(2000000000000);
    for (int step = 0; step < steps; step++) {
        unsigned what = (unsigned)random_below(&rnd, 40);
        if (what < 34) {
            append_some(&clock_us);
        } else if (what < 37) {
            assert_int_equal(history_flush(place.history), 0);
            assert_all(true);
        } else if (what < 39) {
            bool worked;
            assert_int_equal(history_step(place.history, &worked), 0);
        } else {
            place_reopen(&place);
            assert_all(false);
        }
        assert_some(clock_us);
    }
    assert_int_equal(history_flush(place.history), 0);
    bool worked = true;
    while (worked) {
        assert_int_equal(history_step(place.history, &worked), 0);
    }
    assert_all(true);
    place_reopen(&place);
    assert_all(true);
    history_close(place.history);
    place.history = NULL;
    struct history_findings findings;
    assert_int_equal(history_verify(place.folder, place.state, &findings, NULL, NULL), 0);
    place_remove(&place);
}

static void agrees_with_the_twin(void **state)
{
    (void)state;
    const char *rounds = getenv("BUSBAR_TWIN_ROUNDS");
    int count = rounds != NULL ? (int)strtol(rounds, NULL, 10) : 3;
    for (int round = 0; round < count; round++) {
        run(1000 + (uint64_t)round, 400);
    }
}

static int set_up(void **state)
{
    (void)state;
    static const char *const texts[WORDS] = { "", "on", "off", "a longer text, said by a device" };
    quiet_log();
    clock_fake_set(0, NOW);
    twins = busbar_alloc_array(SERIES, sizeof(*twins));
    for (size_t i = 0; i < WORDS; i++) {
        words[i] = text_new(texts[i], strlen(texts[i]));
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (size_t i = 0; i < WORDS; i++) {
        busbar_free(words[i]);
    }
    busbar_free(twins);
    clock_fake_off();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_the_twin),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
