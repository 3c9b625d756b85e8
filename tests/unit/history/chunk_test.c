/* SPDX-License-Identifier: Apache-2.0 */
/* The codec: whatever goes in comes out, bit for bit; it is small where it should be; and no bytes,
 * however broken, do harm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/err.h"
#include "history/chunk.h"
#include "support/random.h"

static struct history_coder *coder;
static struct history_column in, out;
static struct buf chunk;

static int set_up(void **state)
{
    (void)state;
    coder = history_coder_new();
    buf_init(&chunk, 16 * 1024 * 1024);
    return coder != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    history_coder_free(coder);
    buf_fini(&chunk);
    return 0;
}

static void start(uint8_t type, size_t count)
{
    memset(&in, 0, sizeof(in));
    in.type = type;
    in.count = count;
    for (size_t i = 0; i < count; i++) {
        in.times[i] = INT64_C(1700000000000000) + (int64_t)i * 10000000;
    }
}

static void mark_all(void)
{
    in.marked = true;
    for (size_t i = 0; i < in.count; i++) {
        in.marks[i] = (struct history_mark){ .receive_us = in.times[i], .type = in.type };
    }
}

static void assert_same_sample(size_t i)
{
    struct sample a = history_column_sample(&in, i, 7);
    struct sample b = history_column_sample(&out, i, 7);
    assert_int_equal(a.time_us, b.time_us);
    assert_int_equal(a.receive_us, b.receive_us);
    assert_int_equal(a.type, b.type);
    assert_int_equal(a.quality, b.quality);
    assert_int_equal(a.detail, b.detail);
    assert_true(value_equal(a.type, a.value, b.type, b.value));
}

/* As numbers, of any range of times. */
static void assert_parts(const uint8_t *data, size_t size)
{
    static int64_t times[HISTORY_CHUNK_SAMPLES];
    static double values[HISTORY_CHUNK_SAMPLES];
    static struct random random = { 31 };
    struct history_chunk_info info;
    struct history_part part;
    for (int round = 0; round < 6; round++) {
        size_t a = random_below(&random, in.count + 1);
        size_t b = a + random_below(&random, in.count + 1 - a);
        int64_t nudge = (int64_t)random_below(&random, 2); /* between two samples, or at one */
        int64_t from_us = a == in.count ? in.times[a - 1] + 1 : in.times[a];
        int64_t to_us = b == in.count ? in.times[b - 1] + 1 : in.times[b];
        from_us = nudge == 1 && a > 0 ? in.times[a - 1] + 1 : from_us;
        to_us = nudge == 1 && b > 0 ? in.times[b - 1] + 1 : to_us;
        to_us = to_us < from_us ? from_us : to_us;
        int error = history_chunk_numbers(coder, data, size, from_us, to_us, times, values, &info,
                                          &part);
        assert_int_equal(
            error, in.marked || in.type == VALUE_NONE || in.type == VALUE_TEXT ? BUSBAR_EINVAL : 0);
        if (error != 0) {
            return;
        }
        assert_int_equal(part.end - part.first, b - a);
        for (size_t i = a; i < b; i++) {
            double number = 0;
            assert_true(value_number(in.type, in.values[i], &number));
            assert_int_equal(times[i], in.times[i]);
            assert_memory_equal(&values[i], &number, sizeof(number));
        }
    }
}

/* Encodes, reads the head, decodes, compares all. Returns the size. */
static size_t round_trip(void)
{
    buf_clear(&chunk);
    assert_int_equal(history_chunk_encode(coder, &in, &chunk), 0);
    struct bytes exact = bytes_dup(chunk.data, chunk.size);
    struct history_chunk_info info;
    assert_int_equal(history_chunk_info(exact.start, chunk.size, &info), 0);
    assert_int_equal(info.count, in.count);
    assert_int_equal(info.first_us, in.times[0]);
    assert_int_equal(info.last_us, in.times[in.count - 1]);
    memset(&out, 0xee, sizeof(out));
    assert_int_equal(history_chunk_decode(coder, exact.start, chunk.size, &out), 0);
    assert_int_equal(out.count, in.count);
    for (size_t i = 0; i < in.count; i++) {
        assert_same_sample(i);
    }
    assert_parts(exact.start, chunk.size);
    bytes_fini(&exact);
    return chunk.size;
}

static double bits_per_sample(size_t size)
{
    return 8.0 * (double)size / (double)in.count;
}

static void constant_regular(void **state)
{
    (void)state;
    start(VALUE_DOUBLE, 1000);
    for (size_t i = 0; i < in.count; i++) {
        in.values[i].d = 21.4;
    }
    assert_true(round_trip() < 48);
}

static void slow_decimals_are_small(void **state)
{
    (void)state;
    struct random random = { 1 };
    start(VALUE_DOUBLE, 1000);
    double value = 214;
    for (size_t i = 0; i < in.count; i++) {
        value += random_below(&random, 8) == 0 ? (random_below(&random, 2) == 0 ? 1.0 : -1.0) : 0.0;
        in.values[i].d = value / 10;
    }
    assert_true(bits_per_sample(round_trip()) < 2.5);
}

static void scaled_registers_are_decimals(void **state)
{
    (void)state;
    start(VALUE_DOUBLE, 1000);
    for (size_t i = 0; i < in.count; i++) {
        in.values[i].d = (double)(200 + i % 16) * 0.1; /* 21.400000000000002 and its like */
    }
    assert_true(bits_per_sample(round_trip()) < 5);
}

static void floats_that_are_decimals(void **state)
{
    (void)state;
    start(VALUE_DOUBLE, 1000);
    for (size_t i = 0; i < in.count; i++) {
        in.values[i].d = (double)((float)(200 + i % 16) / 10.0f);
    }
    assert_true(bits_per_sample(round_trip()) < 5);
}

static void scaled_and_shifted_registers_are_decimals(void **state)
{
    (void)state;
    start(VALUE_DOUBLE, 1000);
    for (size_t i = 0; i < in.count; i++) {
        in.values[i].d = (double)(200 + i * 7 % 16) * 0.1 + 3.7; /* off by roundings */
    }
    assert_true(bits_per_sample(round_trip()) < 8.5);
    for (size_t i = 0; i < in.count; i++) {
        in.values[i].d = (double)((float)(200 + i * 7 % 16) * 0.1f + 3.7f);
    }
    assert_true(bits_per_sample(round_trip()) < 7.5);
    struct random random = { 9 };
    for (size_t i = 0; i < in.count; i++) { /* gain and offset of a 4-20 mA input */
        in.values[i].d = -40 +
                         ((double)(4000 + random_below(&random, 64)) - 4000) * (140.0 / 16000);
    }
    assert_true(bits_per_sample(round_trip()) < 70);
}

static void odd_ones_among_decimals_are_exceptions(void **state)
{
    (void)state;
    static const uint64_t odd[] = { 0x7ff0000000000002u, 0x8000000000000000u, 0x3fd5555555555555u,
                                    0xfff0000000000000u };
    for (int floats = 0; floats < 2; floats++) {
        start(VALUE_DOUBLE, 1000);
        for (size_t i = 0; i < in.count; i++) {
            double value = (double)(2000 + i * 7 % 13) / 10;
            in.values[i].d = floats == 1 ? (double)(float)value : value;
            if (i % 250 == 77) {
                in.values[i].bits = odd[i / 250];
            }
        }
        assert_true(bits_per_sample(round_trip()) < 6);
    }
}

static void counters_and_switches_are_small(void **state)
{
    (void)state;
    start(VALUE_INT, 1000);
    for (size_t i = 0; i < in.count; i++) {
        in.values[i].i = INT64_C(123456789012) + (int64_t)i * 17;
    }
    assert_true(round_trip() < 64);
    start(VALUE_BOOL, 1000);
    for (size_t i = 0; i < in.count; i++) {
        in.values[i].bits = i / 100 % 2;
    }
    assert_true(round_trip() < 64);
}

static void jitter_in_milliseconds_costs_its_entropy(void **state)
{
    (void)state;
    struct random random = { 2 };
    start(VALUE_BOOL, 1000);
    for (size_t i = 0; i < in.count; i++) {
        in.times[i] += ((int64_t)random_below(&random, 11) - 5) * 1000;
    }
    assert_true(bits_per_sample(round_trip()) < 5.2);
}

static void a_few_values_cost_their_entropy(void **state)
{
    (void)state;
    struct random random = { 12 };
    start(VALUE_INT, 1000);
    for (size_t i = 0; i < in.count; i++) { /* 11 times: 3.46 bits, 20 steps: 4.32 bits */
        in.times[i] += ((int64_t)random_below(&random, 11) - 5) * 1000;
        in.values[i].i = (i > 0 ? in.values[i - 1].i : 0) + (int64_t)random_below(&random, 20);
    }
    assert_true(bits_per_sample(round_trip()) < 3.46 + 4.32 + 0.8);
}

static void a_gap_costs_one_exception(void **state)
{
    (void)state;
    start(VALUE_INT, 1000);
    for (size_t i = 700; i < in.count; i++) {
        in.times[i] += INT64_C(86400000000);
    }
    assert_true(round_trip() < 64);
}

static void special_doubles_keep_their_bits(void **state)
{
    (void)state;
    static const uint64_t special[] = { 0,
                                        0x8000000000000000u, /* -0.0 */
                                        0x7ff0000000000000u,
                                        0xfff0000000000000u,
                                        0x7ff8000000000000u,
                                        0x7ff8000000000001u, /* quiet NaN, with a payload */
                                        0x7ff0000000000001u,
                                        0xffffffffffffffffu, /* signalling NaN */
                                        1,                   /* the smallest there is */
                                        0x7fefffffffffffffu,
                                        0x3ff0000000000001u,
                                        0x4330000000000001u };
    size_t count = sizeof(special) / sizeof(special[0]);
    for (size_t first = 0; first < count; first++) {
        start(VALUE_DOUBLE, count);
        for (size_t i = 0; i < count; i++) {
            in.values[i].bits = special[(first + i) % count];
        }
        round_trip();
        start(VALUE_DOUBLE, 1);
        in.values[0].bits = special[first];
        round_trip();
    }
}

static void extreme_integers_and_times(void **state)
{
    (void)state;
    static const int64_t extreme[] = {
        INT64_MIN, INT64_MAX, 0, -1, 1, INT64_MIN + 1, INT64_MAX - 1
    };
    start(VALUE_INT, 7);
    for (size_t i = 0; i < 7; i++) {
        in.values[i].i = extreme[i];
        in.times[i] = (int64_t)i * (INT64_MAX / 7) - INT64_MAX / 2;
    }
    round_trip();
}

static void one_and_two_samples(void **state)
{
    (void)state;
    for (size_t count = 1; count <= 3; count++) {
        start(VALUE_INT, count);
        in.values[count - 1].i = -5;
        round_trip();
        start(VALUE_DOUBLE, count);
        in.values[0].d = 3.25;
        round_trip();
        start(VALUE_NONE, count);
        mark_all();
        for (size_t i = 0; i < count; i++) {
            in.marks[i].quality = QUALITY_NO_ANSWER;
        }
        round_trip();
    }
}

static void marks_come_back(void **state)
{
    (void)state;
    start(VALUE_DOUBLE, 300);
    mark_all();
    for (size_t i = 0; i < in.count; i++) {
        in.values[i].d = (double)i / 4;
        in.marks[i].receive_us += (int64_t)(i % 3) * 250000;
        if (i % 50 < 5) {
            in.marks[i].type = VALUE_NONE;
            in.marks[i].quality = QUALITY_NO_ANSWER;
            in.marks[i].detail = (uint16_t)(i * 200);
        } else if (i > 250) {
            in.marks[i].quality = QUALITY_CLAMPED;
        }
    }
    round_trip();
    struct history_chunk_info info;
    assert_int_equal(history_chunk_info(chunk.data, chunk.size, &info), 0);
    assert_int_equal(info.numbers, 270);
    assert_int_equal(info.bad, 30);
    assert_int_equal(info.last_quality, QUALITY_CLAMPED);
    assert_true(info.first == 1.25 && info.last == 299.0 / 4);
    assert_int_equal(info.first_number_us, in.times[5]);
}

static void summary_is_exact(void **state)
{
    (void)state;
    start(VALUE_DOUBLE, 1000);
    double sum = 0;
    for (size_t i = 0; i < in.count; i++) {
        in.values[i].d = (double)((int64_t)(i * 37 % 101) - 50) / 100;
        sum += in.values[i].d;
    }
    round_trip();
    struct history_chunk_info info;
    assert_int_equal(history_chunk_info(chunk.data, chunk.size, &info), 0);
    assert_int_equal(info.numbers, 1000);
    assert_true(info.min == -0.5 && info.max == 0.5);
    assert_true(info.first == -0.5 && info.last == in.values[999].d);
    assert_true(fabs(info.sum - sum) < 1e-9);
}

static void texts_come_back(void **state)
{
    (void)state;
    struct text *words[5];
    char longest[TEXT_BYTES_MAX];
    memset(longest, 'x', sizeof(longest));
    words[0] = text_new("", 0);
    words[1] = text_new("open", 4);
    words[2] = text_new("closed", 6);
    words[3] = text_new("a\0b", 3);
    words[4] = text_new(longest, sizeof(longest));
    start(VALUE_TEXT, 1000);
    for (size_t i = 0; i < in.count; i++) {
        in.values[i].text = words[i * 7 % 5];
    }
    assert_true(round_trip() < 1000);
    mark_all();
    in.marks[0].type = VALUE_NONE;
    in.marks[999].type = VALUE_NONE;
    round_trip();
    for (size_t i = 0; i < 5; i++) {
        busbar_free(words[i]);
    }
}

static int64_t random_integer(struct random *random, unsigned kind)
{
    switch (kind) {
    case 0: return (int64_t)random_u64(random);
    case 1: return (int64_t)random_below(random, 100);
    case 2: return random_below(random, 50) == 0 ? (int64_t)random_u64(random) : 5;
    default: return (int64_t)random_below(random, 1u << 20) * 1000 - 500000;
    }
}

static union value random_value(struct random *random, uint8_t type, unsigned kind)
{
    union value value = { .bits = 0 };
    if (type == VALUE_BOOL) {
        value.bits = random_below(random, 2);
    } else if (type == VALUE_INT) {
        value.i = random_integer(random, kind);
    } else if (kind == 0) {
        value.bits = random_u64(random);
    } else if (kind == 1) {
        value.d = (double)random_integer(random, 1) / 10;
    } else if (kind == 2) {
        value.d = (double)(float)random_integer(random, 3) / 3;
    } else {
        value.d = (double)(float)((double)random_integer(random, 3) / 7);
    }
    return value;
}

static void random_columns(void **state)
{
    (void)state;
    struct random random = { 42 };
    for (int round = 0; round < 600; round++) {
        uint8_t type = (uint8_t)(1 + random_below(&random, 3));
        unsigned kind = (unsigned)random_below(&random, 4);
        history_coder_cold(coder, round % 4 == 1);
        start(type, 1 + random_below(&random, round % 10 == 0 ? HISTORY_CHUNK_SAMPLES : 40));
        int64_t time_us = (int64_t)random_below(&random, 1u << 30) * 1000000;
        uint64_t step = 1 + random_below(&random, kind == 0 ? 1000000000 : 3);
        bool keep = random_below(&random, 2) == 0;
        for (size_t i = 0; i < in.count; i++) {
            time_us += (int64_t)(1 + random_below(&random, step)) * (kind == 2 ? 1000 : 1);
            in.times[i] = time_us;
            in.values[i] = keep && i > 0 && random_below(&random, 3) != 0
                               ? in.values[i - 1]
                               : random_value(&random, type, kind);
        }
        if (round % 3 == 0) {
            mark_all();
            for (size_t i = 1; i < in.count; i++) {
                in.marks[i].quality = (uint8_t)random_below(&random, 13);
                in.marks[i].detail = (uint16_t)random_u64(&random);
                in.marks[i].type = random_below(&random, 4) == 0 ? VALUE_NONE : type;
                in.marks[i].receive_us = (int64_t)random_u64(&random);
            }
        }
        round_trip();
    }
    history_coder_cold(coder, false);
}

static void cold_is_smaller(void **state)
{
    (void)state;
    struct random random = { 6 };
    start(VALUE_DOUBLE, 1000);
    for (size_t i = 0; i < in.count; i++) {
        uint64_t tenths = 200; /* near the middle, as noise is */
        for (int part = 0; part < 6; part++) {
            tenths += random_below(&random, 8);
        }
        in.values[i].d = (double)tenths / 10;
    }
    size_t warm = round_trip();
    history_coder_cold(coder, true);
    size_t cold = round_trip();
    history_coder_cold(coder, false);
    assert_true(cold < warm - warm / 20);
}

static void harm(bool cold)
{
    history_coder_cold(coder, cold);
    start(VALUE_DOUBLE, 60);
    mark_all();
    for (size_t i = 0; i < in.count; i++) {
        in.values[i].d = i % 7 == 0 ? (double)i / 3 : (double)i;
        in.marks[i].quality = i % 20 == 3 ? QUALITY_STALE : QUALITY_GOOD;
    }
    size_t size = round_trip();
    for (size_t end = 0; end < size; end++) {
        struct bytes exact = bytes_dup(chunk.data, end);
        assert_int_equal(history_chunk_decode(coder, exact.start, end, &out), BUSBAR_EDAMAGED);
        bytes_fini(&exact);
    }
    for (size_t bit = 0; bit < 8 * size; bit++) {
        struct bytes exact = bytes_dup(chunk.data, size);
        ((uint8_t *)(uintptr_t)exact.start)[bit / 8] ^= (uint8_t)(1u << bit % 8);
        int error = history_chunk_decode(coder, exact.start, size, &out);
        assert_true(error == 0 ||
                    error == BUSBAR_EDAMAGED); /* the block's checksum tells for sure */
        bytes_fini(&exact);
    }
    history_coder_cold(coder, false);
}

static void every_prefix_and_bit_is_harmless(void **state)
{
    (void)state;
    harm(false);
    harm(true);
}

static void no_memory(void **state)
{
    (void)state;
    struct text *word = text_new("some words", 10);
    start(VALUE_TEXT, 3);
    for (size_t i = 0; i < 3; i++) {
        in.values[i].text = word;
    }
    int error = BUSBAR_ENOMEM;
    for (long nth = 1; error == BUSBAR_ENOMEM; nth++) {
        alloc_fail_nth(nth);
        buf_fini(&chunk);
        buf_init(&chunk, 1 << 20);
        struct history_coder *fresh = history_coder_new();
        error = fresh == NULL ? BUSBAR_ENOMEM : history_chunk_encode(fresh, &in, &chunk);
        error = error == 0 ? history_chunk_decode(fresh, chunk.data, chunk.size, &out) : error;
        history_coder_free(fresh);
        assert_true(nth < 20);
    }
    alloc_fail_nth(0);
    assert_int_equal(error, 0);
    busbar_free(word);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(constant_regular),
        cmocka_unit_test(slow_decimals_are_small),
        cmocka_unit_test(scaled_registers_are_decimals),
        cmocka_unit_test(floats_that_are_decimals),
        cmocka_unit_test(scaled_and_shifted_registers_are_decimals),
        cmocka_unit_test(odd_ones_among_decimals_are_exceptions),
        cmocka_unit_test(counters_and_switches_are_small),
        cmocka_unit_test(jitter_in_milliseconds_costs_its_entropy),
        cmocka_unit_test(a_few_values_cost_their_entropy),
        cmocka_unit_test(a_gap_costs_one_exception),
        cmocka_unit_test(special_doubles_keep_their_bits),
        cmocka_unit_test(extreme_integers_and_times),
        cmocka_unit_test(one_and_two_samples),
        cmocka_unit_test(marks_come_back),
        cmocka_unit_test(summary_is_exact),
        cmocka_unit_test(texts_come_back),
        cmocka_unit_test(random_columns),
        cmocka_unit_test(cold_is_smaller),
        cmocka_unit_test(every_prefix_and_bit_is_harmless),
        cmocka_unit_test(no_memory),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
