/* SPDX-License-Identifier: Apache-2.0 */
/* Sealed samples: all of a sample comes back, bit for bit; no bytes, however broken, do harm or are taken for good. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/err.h"
#include "history/reader.h"
#include "history/sealed.h"
#include "model/quality.h"
#include "support/random.h"

enum { MANY = 5000, SERIES = 7 };

#define BEGIN_US INT64_C(1700000000000000)

static struct history_sealer *sealer;
static struct buf sealed;
static struct sample samples[MANY];
static struct text *texts[MANY];

static int set_up(void **state)
{
    (void)state;
    sealer = history_sealer_new();
    buf_init(&sealed, 16 << 20);
    return sealer != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    history_sealer_free(sealer);
    buf_fini(&sealed);
    for (size_t i = 0; i < MANY; i++) {
        busbar_free(texts[i]);
    }
    return 0;
}

/* What devices send: numbers in runs of one type, now and then no value, a bad quality, a text, a late arrival. */
static void make_mixed(struct random *random, size_t count)
{
    uint8_t type = VALUE_DOUBLE;
    int64_t time_us = BEGIN_US;
    for (size_t i = 0; i < count; i++) {
        type = random_below(random, 400) == 0 ? (uint8_t)(1 + random_below(random, 4)) : type;
        time_us += 1 + (int64_t)random_below(random, 2000000);
        struct sample *sample = &samples[i];
        *sample = (struct sample){
            .time_us = time_us, .receive_us = time_us, .type = type, .point = SERIES
        };
        if (random_below(random, 50) == 0) {
            sample->type = VALUE_NONE;
            sample->quality = QUALITY_NO_ANSWER;
            sample->detail = (uint16_t)random_below(random, 65536);
        } else if (type == VALUE_TEXT) {
            char text[32];
            snprintf(text, sizeof(text), "state %u", (unsigned)random_below(random, 5));
            texts[i] = text_set(texts[i], text, strlen(text));
            sample->value.text = texts[i];
        } else if (type == VALUE_BOOL) {
            sample->value.b = random_below(random, 2) == 0;
        } else if (type == VALUE_INT) {
            sample->value.i = INT64_C(9007199254740993) + (int64_t)random_below(random, 1000);
        } else {
            sample->value.d = 20.0 + (double)random_below(random, 100) / 10;
        }
        if (random_below(random, 30) == 0) {
            sample->receive_us += (int64_t)random_below(random, 1000000);
        }
    }
}

static void assert_same(const struct sample *a, const struct sample *b)
{
    assert_int_equal(a->time_us, b->time_us);
    assert_int_equal(a->receive_us, b->receive_us);
    assert_int_equal(a->type, b->type);
    assert_int_equal(a->quality, b->quality);
    assert_int_equal(a->detail, b->detail);
    assert_int_equal(a->point, b->point);
    assert_true(a->type == VALUE_NONE || value_equal(a->type, a->value, b->type, b->value));
}

static int unseal(const void *data, size_t size, struct history_samples *found)
{
    struct bytes copy = bytes_dup(data, size);
    *found = (struct history_samples){ 0 };
    int error = history_unseal(sealer, copy.start, size, SERIES, INT64_MIN, INT64_MAX, MANY, found);
    bytes_fini(&copy);
    return error;
}

static void all_of_a_sample_comes_back(void **state)
{
    (void)state;
    struct random random = { 11 };
    for (size_t round = 0; round < 20; round++) {
        size_t count = 1 + random_below(&random, MANY);
        struct history_samples found;
        make_mixed(&random, count);
        buf_clear(&sealed);
        assert_int_equal(history_seal(sealer, samples, count, &sealed), 0);
        assert_int_equal(unseal(sealed.data, sealed.size, &found), 0);
        assert_int_equal(found.count, count);
        for (size_t i = 0; i < count; i++) {
            assert_same(&samples[i], &found.samples[i]);
        }
        history_samples_free(&found);
    }
}

static void a_range_is_what_was_asked_for(void **state)
{
    (void)state;
    struct random random = { 12 };
    struct history_samples found = { 0 };
    make_mixed(&random, MANY);
    buf_clear(&sealed);
    assert_int_equal(history_seal(sealer, samples, MANY, &sealed), 0);
    assert_int_equal(history_unseal(sealer, sealed.data, sealed.size, SERIES, samples[1500].time_us,
                                    samples[3500].time_us, MANY, &found),
                     0);
    assert_int_equal(found.count, 2000);
    assert_same(&samples[1500], &found.samples[0]);
    assert_same(&samples[3499], &found.samples[1999]);
    history_samples_free(&found);
    assert_int_equal(history_unseal(sealer, sealed.data, sealed.size, SERIES, INT64_MIN, INT64_MAX,
                                    MANY - 1, &found),
                     BUSBAR_ELIMIT);
    history_samples_free(&found);
}

static void a_day_of_a_usual_device_is_a_byte_a_sample(void **state)
{
    (void)state;
    struct random random = { 13 };
    double value = 21;
    for (size_t i = 0; i < MANY; i++) {
        value += ((double)random_below(&random, 3) - 1) / 10;
        samples[i] = (struct sample){ .time_us = BEGIN_US + (int64_t)i * 10000000,
                                      .receive_us = BEGIN_US + (int64_t)i * 10000000,
                                      .value.d = (double)(int64_t)(value * 10) / 10,
                                      .type = VALUE_DOUBLE,
                                      .point = SERIES };
    }
    buf_clear(&sealed);
    assert_int_equal(history_seal(sealer, samples, MANY, &sealed), 0);
    assert_in_range(sealed.size, 1, MANY);
}

static void every_prefix_is_damaged(void **state)
{
    (void)state;
    struct random random = { 14 };
    make_mixed(&random, 2000);
    buf_clear(&sealed);
    assert_int_equal(history_seal(sealer, samples, 2000, &sealed), 0);
    for (size_t size = 0; size < sealed.size; size++) {
        struct history_samples found;
        assert_int_equal(unseal(sealed.data, size, &found), BUSBAR_EDAMAGED);
        history_samples_free(&found);
    }
}

static void every_flipped_bit_is_found(void **state)
{
    (void)state;
    struct random random = { 15 };
    make_mixed(&random, 300);
    buf_clear(&sealed);
    assert_int_equal(history_seal(sealer, samples, 300, &sealed), 0);
    for (size_t bit = 0; bit < sealed.size * 8; bit++) {
        struct history_samples found;
        sealed.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        int error = unseal(sealed.data, sealed.size, &found);
        assert_int_equal(error, bit / 8 == 1 ? BUSBAR_EUNSUPPORTED : BUSBAR_EDAMAGED);
        history_samples_free(&found);
        sealed.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

static void what_cannot_be_sealed_is_refused(void **state)
{
    (void)state;
    struct random random = { 16 };
    make_mixed(&random, 3000);
    buf_clear(&sealed);
    assert_int_equal(history_seal(sealer, samples, 0, &sealed), BUSBAR_EINVAL);
    assert_int_equal(history_seal(sealer, samples, HISTORY_SEALED_SAMPLES + 1, &sealed),
                     BUSBAR_EINVAL);
    struct buf small;
    buf_init(&small, 100);
    assert_int_equal(history_seal(sealer, samples, 3000, &small), BUSBAR_ELIMIT);
    buf_fini(&small);
}

static void of_two_the_first_wins(void **state)
{
    (void)state;
    struct sample a[] = { { .time_us = 2, .value.i = 1 }, { .time_us = 5, .value.i = 1 } };
    struct sample b[] = { { .time_us = 1, .value.i = 2 },
                          { .time_us = 2, .value.i = 2 },
                          { .time_us = 9, .value.i = 2 } };
    struct history_samples over = { .samples = a, .count = 2 },
                           under = { .samples = b, .count = 3 };
    struct sample *merged;
    size_t count;
    assert_int_equal(history_samples_merge(&over, &under, &merged, &count), 0);
    assert_int_equal(count, 4);
    const int64_t times[] = { 1, 2, 5, 9 }, from[] = { 2, 1, 1, 2 };
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(merged[i].time_us, times[i]);
        assert_int_equal(merged[i].value.i, from[i]);
    }
    busbar_free(merged);
}

static void numbers_are_as_a_reader_sees_them(void **state)
{
    (void)state;
    double number;
    struct sample sample = { .type = VALUE_INT, .value.i = 12 };
    assert_true(history_sample_number(&sample, &number));
    assert_true(number > 11.9 && number < 12.1);
    sample.quality = QUALITY_NO_ANSWER;
    assert_true(history_sample_number(&sample, &number));
    assert_true(history_is_stale(number));
    sample = (struct sample){ .type = VALUE_TEXT };
    assert_false(history_sample_number(&sample, &number));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_of_a_sample_comes_back),
        cmocka_unit_test(a_range_is_what_was_asked_for),
        cmocka_unit_test(a_day_of_a_usual_device_is_a_byte_a_sample),
        cmocka_unit_test(every_prefix_is_damaged),
        cmocka_unit_test(every_flipped_bit_is_found),
        cmocka_unit_test(what_cannot_be_sealed_is_refused),
        cmocka_unit_test(of_two_the_first_wins),
        cmocka_unit_test(numbers_are_as_a_reader_sees_them),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
