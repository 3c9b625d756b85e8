/* SPDX-License-Identifier: Apache-2.0 */
/* The kernels beside one another: the same bits for any input, of any length, and nothing written behind the end. */
#include "history/kernels.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "support/random.h"

enum { COUNT = 1023, GUARD = 8, BYTES = 8 * COUNT };

static const struct history_kernels *fast, *plain;
static struct random rnd = { 11 };

struct arrays {
    int64_t a[COUNT + GUARD], b[COUNT + GUARD];
};

static void clear(struct arrays *arrays)
{
    memset(arrays, 0xa5, sizeof(*arrays));
}

static size_t some_count(int round)
{
    return round % 5 == 0 ? COUNT - (size_t)random_below(&rnd, 40) : random_below(&rnd, 40);
}

static void fill_random(int64_t *values, size_t count, unsigned kind)
{
    for (size_t i = 0; i < count; i++) {
        switch (kind % 5) {
        case 0: values[i] = (int64_t)random_u64(&rnd); break;
        case 1: values[i] = (int64_t)random_below(&rnd, 100) - 50; break;
        case 2: values[i] = INT64_MIN + (int64_t)random_below(&rnd, 3); break;
        case 3:
            values[i] = (int64_t)random_below(&rnd, UINT64_C(1) << random_below(&rnd, 54));
            break;
        default: values[i] = INT64_MAX - (int64_t)random_below(&rnd, 3); break;
        }
    }
}

static void unpack_and_pack(void **state)
{
    (void)state;
    static uint8_t packed[BYTES + GUARD], again[BYTES + GUARD];
    static struct arrays arrays;
    for (unsigned width = 1; width <= 64; width++) {
        for (int round = 0; round < 25; round++) {
            size_t count = some_count(round);
            size_t size = (count * width + 7) / 8;
            uint64_t base = random_u64(&rnd);
            clear(&arrays);
            for (size_t i = 0; i < size; i++) {
                packed[i] = (uint8_t)random_u64(&rnd);
            }
            uint8_t *end = packed + BYTES -
                           size; /* at the end of its memory: no byte more is read */
            memmove(end, packed, size);
            fast->unpack(end, size, arrays.a, count, base, width);
            plain->unpack(end, size, arrays.b, count, base, width);
            assert_memory_equal(arrays.a, arrays.b, sizeof(arrays.a));
            memset(packed, 0x5a, sizeof(packed));
            memset(again, 0x5a, sizeof(again));
            fast->pack(packed, arrays.a, count, base, width);
            plain->pack(again, arrays.a, count, base, width);
            assert_memory_equal(packed, again, sizeof(packed));
            assert_int_equal(packed[size], 0x5a);
            clear(&arrays);
            fast->unpack(again, size, arrays.a, count, base, width);
            plain->unpack(packed, size, arrays.b, count, base, width);
            assert_memory_equal(arrays.a, arrays.b, sizeof(arrays.a));
        }
    }
}

static void digits(void **state)
{
    (void)state;
    static uint8_t words[8 * HISTORY_RADIX_GROUP];
    static int64_t a[8 * 4 * 64 + GUARD], b[8 * 4 * 64 + GUARD];
    for (uint32_t base = 2; base <= HISTORY_RADIX_MAX; base++) {
        struct history_radix radix = { .base = base, .digits = 1, .power = base };
        while (radix.power <= UINT64_MAX / base) {
            radix.power *= base;
            radix.digits++;
        }
        for (size_t groups = 0; groups <= 8; groups++) {
            uint8_t *end = words + sizeof(words) - groups * HISTORY_RADIX_GROUP;
            for (size_t i = 0; i < sizeof(words); i++) {
                words[i] = (uint8_t)random_u64(&rnd);
            }
            memset(a, 0xa5, sizeof(a));
            memset(b, 0xa5, sizeof(b));
            uint64_t from = random_u64(&rnd);
            fast->radix(end, a, groups, from, &radix);
            plain->radix(end, b, groups, from, &radix);
            assert_memory_equal(a, b, sizeof(a));
            for (size_t i = 0; i < groups * 4 * radix.digits; i++) {
                assert_true((uint64_t)a[i] - from < base);
            }
        }
    }
}

static void integers(void **state)
{
    (void)state;
    static struct arrays arrays;
    static int64_t values[COUNT], other[COUNT];
    for (int round = 0; round < 400; round++) {
        size_t count = 1 + some_count(round) % COUNT;
        struct history_range a, b;
        fill_random(values, count, (unsigned)round);
        fill_random(other, count, (unsigned)round + 1);
        fast->range(values, count, &a);
        plain->range(values, count, &b);
        assert_memory_equal(&a, &b, sizeof(a));
        unsigned width = (unsigned)random_below(&rnd, 64);
        uint64_t base = (uint64_t)b.low + random_below(&rnd, 5);
        assert_int_equal(fast->above(values, count, base, width),
                         plain->above(values, count, base, width));
        assert_int_equal(fast->ascend(values, count), plain->ascend(values, count));
        clear(&arrays);
        fast->deltas(values, count, arrays.a);
        plain->deltas(values, count, arrays.b);
        assert_memory_equal(arrays.a, arrays.b, sizeof(arrays.a));
        fast->sums(arrays.a, count, base);
        plain->sums(arrays.b, count, base);
        assert_memory_equal(arrays.a, arrays.b, sizeof(arrays.a));
        fast->minus(values, other, arrays.a, count);
        plain->minus(values, other, arrays.b, count);
        assert_memory_equal(arrays.a, arrays.b, sizeof(arrays.a));
        fast->fill(arrays.a, count, base);
        plain->fill(arrays.b, count, base);
        assert_memory_equal(arrays.a, arrays.b, sizeof(arrays.a));
    }
}

static void ascending_breaks_anywhere(void **state)
{
    (void)state;
    int64_t times[21];
    for (size_t count = 1; count <= 21; count++) {
        for (size_t broken = 0; broken < count; broken++) {
            for (size_t i = 0; i < count; i++) {
                times[i] = (int64_t)i - 5 - (i == broken ? 1 : 0);
            }
            assert_int_equal(fast->ascend(times, count), broken == 0);
            assert_int_equal(plain->ascend(times, count), broken == 0);
        }
    }
}

static void lines(void **state)
{
    (void)state;
    static const uint64_t units[] = { 1, 1000, 1000000 };
    static struct arrays arrays;
    static int64_t rest[COUNT];
    for (int round = 0; round < 400; round++) {
        size_t count = 1 + some_count(round) % COUNT;
        uint32_t skip = (uint32_t)random_below(&rnd, COUNT - count + 1);
        uint64_t parts = count + 1 + skip;
        uint64_t span = random_u64(&rnd) >> random_below(&rnd, 64);
        span = round % 3 == 0 ? span / parts * parts : span;
        struct history_line line = { .start = random_u64(&rnd),
                                     .unit = units[random_below(&rnd, 3)],
                                     .whole = span / parts,
                                     .part = (uint32_t)(span % parts),
                                     .parts = (uint32_t)parts,
                                     .skip = skip };
        fill_random(rest, count, (unsigned)round);
        const int64_t *given = round % 2 == 0 ? rest : NULL;
        clear(&arrays);
        fast->line(&line, given, arrays.a, count);
        plain->line(&line, given, arrays.b, count);
        assert_memory_equal(arrays.a, arrays.b, sizeof(arrays.a));
        for (size_t i = 0; i < count && given == NULL; i++) { /* what it stands for */
            __extension__ typedef unsigned __int128 wide;
            uint64_t at = (uint64_t)((wide)(skip + i + 1) * span / parts);
            assert_int_equal((uint64_t)arrays.a[i], line.start + line.unit * at);
        }
    }
}

static void units(void **state)
{
    (void)state;
    static const uint64_t sizes[] = { 1, 1000, 1000000 };
    static struct arrays arrays;
    static int64_t times[COUNT];
    for (int round = 0; round < 600; round++) {
        size_t count = 1 + some_count(round) % COUNT;
        uint64_t unit = sizes[random_below(&rnd, 3)];
        uint64_t step = random_below(&rnd, UINT64_C(1) << random_below(&rnd, 50));
        times[0] = (int64_t)random_u64(&rnd) / 4;
        for (size_t i = 1; i < count; i++) {
            times[i] = times[i - 1] + (int64_t)(step / count / unit * unit);
        }
        if (round % 4 == 0) {
            times[random_below(&rnd, count)] += 1;
        }
        clear(&arrays);
        bool a = fast->units(times, count, unit, arrays.a);
        bool b = plain->units(times, count, unit, arrays.b);
        assert_int_equal(a, b);
        if (a) {
            assert_memory_equal(arrays.a, arrays.b, sizeof(arrays.a));
        }
    }
}

static void doubles(void **state)
{
    (void)state;
    static struct arrays arrays;
    static int64_t numbers[COUNT];
    static union value values[COUNT];
    for (int round = 0; round < 600; round++) {
        size_t count = 1 + some_count(round) % COUNT;
        enum history_form form = (enum history_form)random_below(&rnd, 3);
        unsigned exponent = (unsigned)random_below(&rnd, HISTORY_EXPONENT_MAX + 1);
        fill_random(numbers, count, (unsigned)round);
        clear(&arrays);
        fast->doubles(form, exponent, numbers, (union value *)arrays.a, count);
        plain->doubles(form, exponent, numbers, (union value *)arrays.b, count);
        assert_memory_equal(arrays.a, arrays.b, sizeof(arrays.a));
        memcpy(values, arrays.a, count * sizeof(*values));
        if (round % 3 == 0) {
            static const uint64_t odd[] = { 0x8000000000000000u, 0x7ff8000000000001u,
                                            0x7ff0000000000000u, 0x3fd5555555555555u, 0 };
            values[random_below(&rnd, count)].bits = odd[random_below(&rnd, 5)];
        }
        clear(&arrays);
        size_t a = fast->integers(form, exponent, values, count, arrays.a);
        size_t b = plain->integers(form, exponent, values, count, arrays.b);
        assert_int_equal(a, b);
        assert_memory_equal(arrays.a, arrays.b, a * sizeof(int64_t));
    }
}

static int set_up(void **state)
{
    (void)state;
    plain = history_kernels_plain();
    fast = history_kernels();
    print_message("beside plain: %s\n", fast->name);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unpack_and_pack), cmocka_unit_test(digits),
        cmocka_unit_test(integers),        cmocka_unit_test(ascending_breaks_anywhere),
        cmocka_unit_test(lines),           cmocka_unit_test(units),
        cmocka_unit_test(doubles),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
