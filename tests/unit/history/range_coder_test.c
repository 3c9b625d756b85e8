/* SPDX-License-Identifier: Apache-2.0 */
/* The range coder: every column comes back, a small one is small, no bytes harm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <math.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "history/range_coder.h"
#include "support/random.h"

enum { COUNT = 1024, ROOM = 32 * COUNT };

static int64_t values[COUNT], back[COUNT];
static uint8_t code[ROOM];
static struct random rnd = { 99 };

static size_t round_trip(size_t count)
{
    size_t size = history_range_put(code, sizeof(code), values, count);
    assert_true(size > 0);
    uint8_t *exact = busbar_alloc(size);
    memcpy(exact, code, size);
    memset(back, 1, sizeof(back));
    assert_true(history_range_get(exact, size, back, count));
    assert_memory_equal(back, values, count * sizeof(*values));
    assert_int_equal(history_range_put(code, size - 1, values, count), 0);
    assert_int_equal(history_range_put(code, size, values, count), size);
    busbar_free(exact);
    return size;
}

static void every_kind_comes_back(void **state)
{
    (void)state;
    for (unsigned bits = 1; bits <= 64; bits++) {
        for (size_t count = 1; count <= COUNT; count = count * 3 + 1) {
            for (size_t i = 0; i < count; i++) {
                uint64_t value = random_u64(&rnd) >> (64 - bits);
                values[i] = (int64_t)(random_below(&rnd, 2) ? value : UINT64_C(0) - value);
            }
            (void)round_trip(count);
        }
    }
    const int64_t edges[] = { INT64_MIN, INT64_MAX, 0, -1, 1, INT64_MIN + 1, INT64_MAX - 1 };
    for (size_t i = 0; i < COUNT; i++) {
        values[i] = edges[random_below(&rnd, 7)];
    }
    (void)round_trip(COUNT);
    memset(values, 0, sizeof(values));
    assert_true(round_trip(COUNT) < 20);
}

/* Bytes of a column with this many bits of entropy a value, at most 3 % and 12 bytes above it. */
static void assert_near(double bits)
{
    size_t size = round_trip(COUNT);
    assert_true((double)size < bits * COUNT / 8 * 1.03 + 12);
}

static void close_to_the_entropy(void **state)
{
    (void)state;
    for (int range = 3; range < 100000; range = range * 7 / 2) {
        for (size_t i = 0; i < COUNT; i++) {
            values[i] = 12345678 + (int64_t)random_below(&rnd, (uint64_t)range);
        }
        if (range > 100) { /* of fewer the tree learns each, which costs */
            assert_near(log2(range) + 0.12);
        } else {
            assert_near(log2(range) + 0.35);
        }
    }
    for (size_t i = 0; i < COUNT; i++) { /* a switch that seldom moves: 0.14 bits */
        values[i] = random_below(&rnd, 50) == 0;
    }
    assert_true(round_trip(COUNT) < 30);
}

static void damaged_bytes_do_no_harm(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        values[i] = (int64_t)random_below(&rnd, 1000) - 500;
    }
    size_t size = round_trip(COUNT);
    size_t refused = 0;
    for (size_t cut = 0; cut < size; cut++) {
        uint8_t *exact = busbar_alloc(cut + 1);
        memcpy(exact, code, cut);
        refused += !history_range_get(exact, cut, back, COUNT);
        busbar_free(exact);
    }
    assert_true(refused < size); /* what is missing counts as zeros: the chunk's check finds it */
    for (size_t bit = 0; bit < 8 * size; bit++) {
        code[bit / 8] ^= (uint8_t)(1u << bit % 8);
        (void)history_range_get(code, size, back, COUNT);
        code[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_true(history_range_get(code, size, back, COUNT));
    assert_false(history_range_get(code, 0, back, COUNT));
    code[0] = 7;
    assert_false(history_range_get(code, size, back, COUNT));
    for (int round = 0; round < 3000; round++) {
        for (size_t i = 0; i < 64; i++) {
            code[i] = (uint8_t)random_u64(&rnd);
        }
        code[0] &= 1u;
        (void)history_range_get(code, 1 + random_below(&rnd, 64), back, COUNT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_comes_back),
        cmocka_unit_test(close_to_the_entropy),
        cmocka_unit_test(damaged_bytes_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
