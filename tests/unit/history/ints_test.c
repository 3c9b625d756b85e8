/* SPDX-License-Identifier: Apache-2.0 */
#include "history/ints.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "support/random.h"

enum { COUNT = 300, ROOM = 64 + 12 * COUNT };

static size_t round_trip(const int64_t *values, size_t count)
{
    uint8_t room[ROOM];
    int64_t back[COUNT];
    struct history_ints_plan plan;
    struct bytes_out out = bytes_out_of(room, sizeof(room));
    history_ints_plan(history_kernels(), values, count, &plan);
    history_ints_put(history_kernels(), &out, values, count, &plan);
    size_t size = bytes_out_size(&out);
    assert_true(size <= plan.bytes);
    struct bytes in = bytes_dup(room, size);
    history_ints_get(history_kernels(), &in, back, count, history_all(count));
    assert_false(bytes_short(&in));
    assert_int_equal(bytes_left(&in), 0);
    assert_memory_equal(values, back, count * sizeof(*values));
    for (size_t first = 0; first <= count; first += 1 + first % 7) { /* any part of it */
        struct history_part part = { first, first + (count - first) / 2 };
        bytes_fini(&in);
        in = bytes_dup(room, size);
        memset(back, 0, sizeof(back));
        history_ints_get(history_kernels(), &in, back, count, part);
        assert_int_equal(bytes_left(&in), 0);
        assert_memory_equal(values + part.first, back + part.first,
                            (part.end - part.first) * sizeof(*values));
    }
    bytes_fini(&in);
    for (size_t end = 0; end < size; end++) {
        in = bytes_dup(room, end);
        history_ints_get(history_kernels(), &in, back, count, history_all(count));
        assert_true(bytes_short(&in));
        bytes_fini(&in);
    }
    return size;
}

static void every_width(void **state)
{
    (void)state;
    struct random random = { 3 };
    int64_t values[COUNT];
    for (unsigned width = 0; width <= 64; width++) {
        uint64_t mask = width == 64 ? UINT64_MAX : ((uint64_t)1 << width) - 1;
        for (size_t count = 1; count <= COUNT; count += 37) {
            for (size_t i = 0; i < count; i++) {
                values[i] = (int64_t)((random_u64(&random) & mask) - mask / 3);
            }
            size_t size = round_trip(values, count);
            assert_true(size <= 22 + (count * width + 7) / 8);
        }
    }
}

static void one_outlier_is_one_exception(void **state)
{
    (void)state;
    int64_t values[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        values[i] = -3 + (int64_t)(i % 4);
    }
    size_t plain = round_trip(values, COUNT);
    values[137] = INT64_MAX;
    assert_true(round_trip(values, COUNT) <= plain + 15);
    values[0] = INT64_MAX - 1;
    values[COUNT - 1] = INT64_MAX - 2;
    assert_true(round_trip(values, COUNT) <= plain + 45);
}

static void every_radix(void **state)
{
    (void)state;
    struct random random = { 5 };
    int64_t values[COUNT];
    for (unsigned radix = 2; radix <= 140; radix++) {
        for (int kind = 0; kind < 3; kind++) {
            size_t count = kind == 0 ? COUNT : 1 + random_below(&random, COUNT);
            for (size_t i = 0; i < count; i++) {
                values[i] = INT64_MIN + 7 + (int64_t)random_below(&random, radix);
                if (kind == 2 && random_below(&random, 60) == 0) { /* on both sides */
                    values[i] += random_below(&random, 2) == 0 ? -5 : 1000;
                }
            }
            round_trip(values, count);
        }
    }
    struct history_ints_plan plan;
    for (size_t i = 0; i < COUNT; i++) {
        values[i] = (int64_t)(i * 7 % 11);
    }
    history_ints_plan(history_kernels(), values, COUNT, &plan);
    assert_int_equal(plan.radix, 11);
    values[100] = -1; /* not worth a digit more */
    values[200] = 5000000;
    history_ints_plan(history_kernels(), values, COUNT, &plan);
    assert_int_equal(plan.radix, 11);
    assert_int_equal(plan.exceptions, 2);
    round_trip(values, COUNT);
}

static void both_ends_of_the_range(void **state)
{
    (void)state;
    int64_t values[3] = { INT64_MIN, INT64_MAX, 0 };
    round_trip(values, 3);
    round_trip(values, 1);
    round_trip(values + 1, 1);
}

static void lying_counts_fail(void **state)
{
    (void)state;
    static const uint8_t too_wide[] = { 0, 65, 0, 0, 0, 0, 0, 0, 0, 0, 0 };
    static const uint8_t too_many[] = { 0, 0, 9, 1, 1 };
    static const uint8_t behind[] = { 0, 0, 1, 5, 1 };
    int64_t values[4];
    const struct {
        const uint8_t *data;
        size_t size;
    } bad[] = { { too_wide, sizeof(too_wide) },
                { too_many, sizeof(too_many) },
                { behind, sizeof(behind) } };
    for (size_t i = 0; i < 3; i++) {
        struct bytes in = bytes_dup(bad[i].data, bad[i].size);
        history_ints_get(history_kernels(), &in, values, 4, history_all(4));
        assert_true(bytes_short(&in));
        bytes_fini(&in);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_width),       cmocka_unit_test(one_outlier_is_one_exception),
        cmocka_unit_test(every_radix),       cmocka_unit_test(both_ends_of_the_range),
        cmocka_unit_test(lying_counts_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
