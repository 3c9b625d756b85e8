/* SPDX-License-Identifier: Apache-2.0 */
/* Usual samples in columns, and the columns: every double comes back bit by bit, whatever is damaged is
 * refused or is something else, and nothing is read behind the end. */
#include "history/usual.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "base/alloc.h"
#include "history/history.h"
#include "history/log_decimals.h"
#include "history/words.h"
#include "support/random.h"

#define NOW INT64_C(1790000000000000)
enum { COUNT = HISTORY_BATCH_SAMPLES, ROOM = 64 * 1024 };

static struct random rnd;
static uint8_t *space;
static struct history_usual *usual;

static int set_up(void **state)
{
    (void)state;
    rnd = (struct random){ 9 };
    space = busbar_alloc(ROOM);
    usual = busbar_alloc(sizeof(*usual));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    busbar_free(space);
    busbar_free(usual);
    return 0;
}

static double random_double(unsigned kind)
{
    union value any = { .bits = random_u64(&rnd) };
    int64_t number = (int64_t)random_u64(&rnd) >> random_below(&rnd, 64);
    static const double powers[] = { 1, 10, 100, 1000, 1e4, 1e6, 1e9 };
    static const double odd[] = {
        0.0,       -0.0,  1.0,      -1.0,         0x1p51, -0x1p51,
        0x1p53,    NAN,   INFINITY, -INFINITY,    5e-324, 1.7976931348623157e308,
        0.1 + 0.2, 21.4f, -128.0,   2147483648.0, 127.5,  2251799813685247.0
    };
    switch (kind % 4) {
    case 0: return any.d;
    case 1: return (double)number / powers[random_below(&rnd, 7)];
    case 2: return odd[random_below(&rnd, sizeof(odd) / sizeof(odd[0]))];
    default: return (double)(float)((double)(int64_t)random_below(&rnd, 100000) / 7);
    }
}

/* Puts and gets; returns the bytes. */
static size_t assert_kind(enum history_decimals kind, const union value *values, size_t count)
{
    union value back[COUNT];
    struct bytes_out out = bytes_out_of(space, (count + 1) * HISTORY_DECIMAL_BYTES);
    history_decimals_put(&out, kind, values, count);
    size_t size = bytes_out_size(&out);
    struct bytes in = bytes_dup(space, size);
    history_decimals_get(&in, kind, back, count);
    assert_false(bytes_short(&in));
    assert_int_equal(bytes_left(&in), 0);
    bytes_fini(&in);
    assert_memory_equal(values, back, count * sizeof(*values));
    return size;
}

static size_t assert_decimals(const union value *values, size_t count)
{
    (void)assert_kind(HISTORY_DECIMALS_MULTIPLY, values, count);
    return assert_kind(HISTORY_DECIMALS_DIVIDE, values, count);
}

static void what_most_values_are(void **state)
{
    (void)state;
    union value values[100];
    for (size_t i = 0; i < 100; i++) {
        values[i].d = (double)(i * 7 + 1) / 10;
    }
    assert_int_equal(history_decimals_fit(values, 100), HISTORY_DECIMALS_DIVIDE);
    for (size_t i = 0; i < 100; i++) {
        values[i].d = (double)(i * 7919 % 60000) * 0.1;
    }
    assert_int_equal(history_decimals_fit(values, 100), HISTORY_DECIMALS_MULTIPLY);
    assert_true(assert_kind(HISTORY_DECIMALS_MULTIPLY, values, 100) <= 50 + 300);
    for (size_t i = 0; i < 100; i++) {
        values[i].d = (double)(i + 1) / 7;
    }
    assert_int_equal(history_decimals_fit(values, 100), HISTORY_DECIMALS_NONE);
}

static void decimals_keep_every_bit(void **state)
{
    (void)state;
    union value values[COUNT];
    for (int round = 0; round < 2000; round++) {
        size_t count = 1 + random_below(&rnd, 60);
        unsigned kind = (unsigned)random_below(&rnd, 5);
        for (size_t i = 0; i < count; i++) {
            values[i].d = random_double(kind < 4 ? kind : (unsigned)random_below(&rnd, 4));
        }
        (void)assert_decimals(values, count);
    }
}

/* Many of one kind go in rows: what does not fit into one, anywhere, must come back all the same. */
static void rows_of_decimals_keep_every_bit(void **state)
{
    (void)state;
    static const double scales[] = { 1, 0.1, 0.01, 0.001 };
    static const double odd[] = { 0.0,     -0.0,  1.0, 12.7,      -12.8,   3276.7, 3276.8, -3276.8,
                                  -3276.9, 1e300, NAN, -INFINITY, 1.0 / 3, 12.8,   -12.9 };
    union value values[100];
    for (int round = 0; round < 2000; round++) {
        size_t count = 1 + random_below(&rnd, 100);
        size_t scale = random_below(&rnd, 4);
        int64_t base = (int64_t)random_below(&rnd, 34000) - 17000;
        for (size_t i = 0; i < count; i++) {
            int64_t number = base + (int64_t)random_below(&rnd, 300);
            values[i].d = round % 2 == 0 ? (double)number * scales[scale]
                                         : (double)number / (1 / scales[scale]);
        }
        for (uint64_t n = random_below(&rnd, 4); n > 0; n--) {
            values[random_below(&rnd, count)].d = odd[random_below(&rnd, 15)];
        }
        (void)assert_decimals(values, count);
    }
    for (size_t i = 0; i < 96; i++) {
        values[i].d = (double)(1001 + (int)i) * 0.1;
    }
    assert_int_equal(assert_kind(HISTORY_DECIMALS_MULTIPLY, values, 96), 48 + 96 * 2);
}

static void decimals_are_short(void **state)
{
    (void)state;
    static const struct {
        double value;
        size_t pair_bytes;
    } vectors[] = { { 0, 1 },         { 1, 1 },          { -1, 3 },       { 127, 3 },
                    { 128, 5 },       { 32767, 5 },      { 32768, 7 },    { 8388608, 9 },
                    { 12.7, 3 },      { 21.4, 5 },       { -3276.8, 5 },  { 3276.8, 7 },
                    { 21.45, 5 },     { 327.68, 7 },     { 1.234, 5 },    { 400.123, 7 },
                    { 838860.8, 11 }, { 52.520008, 11 }, { 1.0 / 3, 17 }, { 0x1p40, 15 },
                    { 0.25, 5 },      { 0x1.8p-9, 9 },   { -0.0, 9 } };
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        union value pair[2] = { { .d = vectors[i].value }, { .d = vectors[i].value } };
        assert_int_equal(assert_decimals(pair, 2), vectors[i].pair_bytes);
    }
}

static void every_prefix_of_decimals_is_short(void **state)
{
    (void)state;
    union value values[50];
    union value back[50];
    for (size_t i = 0; i < 50; i++) {
        values[i].d = random_double((unsigned)i);
    }
    size_t size = assert_decimals(values, 50);
    for (size_t end = 0; end < size; end++) {
        struct bytes in = bytes_dup(space, end);
        history_decimals_get(&in, HISTORY_DECIMALS_DIVIDE, back, 50);
        assert_true(bytes_short(&in));
        bytes_fini(&in);
    }
}

static void words_of_every_width(void **state)
{
    (void)state;
    int64_t values[100];
    int64_t back[100];
    for (unsigned bits = 0; bits <= 64; bits++) {
        for (size_t i = 0; i < 100; i++) {
            uint64_t mask = bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
            values[i] = (int64_t)((random_u64(&rnd) & mask) - bits * 1000);
        }
        struct bytes_out out = bytes_out_of(space, history_words_bytes(100));
        history_words_put(&out, values, 100);
        size_t size = bytes_out_size(&out);
        assert_true(bits > 8 || size <= 100 + BYTES_VARINT_MAX + 1);
        struct bytes in = bytes_dup(space, size);
        history_words_get(&in, back, 100);
        assert_false(bytes_short(&in));
        assert_memory_equal(values, back, sizeof(values));
        bytes_fini(&in);
        struct bytes half = bytes_dup(space, size - 1);
        history_words_get(&half, back, 100);
        assert_true(bytes_short(&half));
        bytes_fini(&half);
    }
}

/* Samples of every kind that is usual. */
static void make(struct sample *samples, size_t count)
{
    unsigned ids = (unsigned)random_below(&rnd, 4);
    unsigned times = (unsigned)random_below(&rnd, 5);
    uint8_t type = (uint8_t)random_below(&rnd, 4); /* 0: mixed */
    uint32_t id = 1 + (uint32_t)random_below(&rnd, 1000000);
    int64_t time_us = NOW;
    for (size_t i = 0; i < count; i++) {
        id += ids == 0 ? 1 : ids == 1 ? 0 : ids == 2 ? (uint32_t)random_below(&rnd, 2) : 0;
        id = ids == 3 ? 1 + (uint32_t)random_below(&rnd, HISTORY_SERIES_MAX) : id;
        time_us += times == 0   ? 0
                   : times == 1 ? 10000000 + (int64_t)random_below(&rnd, 11) * 1000 - 5000
                   : times == 2 ? (int64_t)random_below(&rnd, 5000)
                                : 1000000;
        time_us = times == 4 ? (int64_t)random_u64(&rnd) : time_us;
        samples[i] = (struct sample){ .time_us = time_us, .receive_us = time_us, .point = id };
        samples[i].type = type != 0 ? type : (uint8_t)(1 + random_below(&rnd, 3));
        switch (samples[i].type) {
        case VALUE_BOOL: samples[i].value.bits = random_below(&rnd, 2); break;
        case VALUE_INT: samples[i].value.i = (int64_t)random_below(&rnd, 1 << 20); break;
        default: samples[i].value.d = random_double((unsigned)random_below(&rnd, 4));
        }
    }
}

static size_t put(const struct sample *samples, size_t count)
{
    struct history_usual_look look;
    struct bytes_out out = bytes_out_of(space, history_usual_bytes(count));
    history_usual_find(&look, samples, count);
    assert_int_equal(look.count, count);
    history_usual_put(&out, samples, &look, NOW);
    return bytes_out_size(&out);
}

static void assert_usual(const struct sample *samples, size_t count)
{
    size_t at = 0;
    assert_int_equal(usual->count, count);
    for (size_t r = 0; r < usual->run_count; r++) {
        const struct history_run *run = &usual->runs[r];
        for (uint32_t i = 0; i < run->count; i++, at++) {
            bool mixed = usual->type == HISTORY_USUAL_MIXED;
            assert_int_equal(run->first + (run->same ? 0 : i), samples[at].point);
            assert_int_equal(usual->times[usual->one_time ? 0 : at], samples[at].time_us);
            assert_true(value_equal(mixed ? usual->types[at] : usual->type, usual->values[at],
                                    samples[at].type, samples[at].value));
        }
    }
    assert_int_equal(at, count);
}

static void every_kind_of_usual_samples(void **state)
{
    (void)state;
    struct sample samples[COUNT];
    for (int round = 0; round < 1500; round++) {
        size_t count = 1 + random_below(&rnd, round % 10 == 0 ? COUNT : 80);
        make(samples, count);
        size_t size = put(samples, count);
        struct bytes in = bytes_dup(space, size);
        bytes_skip(&in, 1);
        assert_true(history_usual_get(&in, NOW, usual));
        assert_int_equal(bytes_left(&in), 0);
        assert_usual(samples, count);
        bytes_fini(&in);
    }
}

static void every_prefix_and_every_flipped_bit(void **state)
{
    (void)state;
    struct sample samples[40];
    for (int round = 0; round < 20; round++) {
        make(samples, 40);
        size_t size = put(samples, 40);
        for (size_t end = 1; end < size; end++) {
            struct bytes in = bytes_dup(space, end);
            bytes_skip(&in, 1);
            assert_false(history_usual_get(&in, NOW, usual));
            bytes_fini(&in);
        }
        for (size_t bit = 8; bit < 8 * size; bit++) {
            space[bit / 8] ^= (uint8_t)(1u << bit % 8);
            struct bytes in = bytes_dup(space, size);
            bytes_skip(&in, 1);
            if (history_usual_get(&in, NOW, usual)) {
                assert_in_range(usual->count, 1, COUNT);
                assert_in_range(usual->run_count, 1, usual->count);
            }
            bytes_fini(&in);
            space[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
    }
}

/* The device data of the benchmarks: 10,000 series, one time, half of them with jitter. */
static void device_data_is_four_bytes_a_sample(void **state)
{
    (void)state;
    struct sample samples[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        int64_t jitter_us = i % 2 == 0 ? 0 : ((int64_t)random_below(&rnd, 11) - 5) * 1000;
        samples[i] = (struct sample){ .time_us = NOW + jitter_us,
                                      .receive_us = NOW + jitter_us,
                                      .point = (uint32_t)i + 1,
                                      .type = VALUE_DOUBLE };
        switch (i % 5) {
        case 0: samples[i].value.d = (double)(150 + random_below(&rnd, 200)) / 10; break;
        case 1: samples[i].value.d = (double)random_below(&rnd, 1000000); break;
        case 2: samples[i].value.d = (double)random_below(&rnd, 2); break;
        case 3: samples[i].value.d = (double)(1000 + random_below(&rnd, 400000)) / 1000; break;
        default: samples[i].value.d = (double)random_below(&rnd, 1000) / 10;
        }
    }
    assert_true(put(samples, COUNT) < 4 * COUNT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_most_values_are),
        TEST(decimals_keep_every_bit),
        TEST(rows_of_decimals_keep_every_bit),
        TEST(decimals_are_short),
        TEST(every_prefix_of_decimals_is_short),
        TEST(words_of_every_width),
        TEST(every_kind_of_usual_samples),
        TEST(every_prefix_and_every_flipped_bit),
        TEST(device_data_is_four_bytes_a_sample),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
