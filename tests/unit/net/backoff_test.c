/* SPDX-License-Identifier: Apache-2.0 */
/* Spans double, stay within their bounds, differ between seeds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/backoff.h"

static void delays_grow_to_the_ceiling(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct backoff backoff;
        backoff_init(&backoff, 0, 0, seed);
        uint32_t span = BACKOFF_MIN_MS;
        for (int i = 0; i < 100; i++) {
            assert_in_range(backoff_next_ms(&backoff), span / 2, span);
            span = span * 2 > BACKOFF_MAX_MS ? BACKOFF_MAX_MS : span * 2;
        }
        backoff_reset(&backoff);
        assert_in_range(backoff_next_ms(&backoff), BACKOFF_MIN_MS / 2, BACKOFF_MIN_MS);
    }
}

static void devices_spread(void **state)
{
    (void)state;
    size_t buckets[10] = { 0 };
    for (uint64_t seed = 0; seed < 1000; seed++) {
        struct backoff backoff;
        backoff_init(&backoff, 1000, 60000, seed);
        uint32_t delay = 0;
        for (int i = 0; i < 8; i++) {
            delay = backoff_next_ms(&backoff);
        }
        buckets[(delay - 30000) * 10 / 30001]++;
    }
    for (size_t i = 0; i < 10; i++) {
        assert_in_range(buckets[i], 60, 140);
    }
}

static void the_same_seed_gives_the_same_delays(void **state)
{
    (void)state;
    struct backoff a;
    struct backoff b;
    backoff_init(&a, 10, 10, 5);
    backoff_init(&b, 10, 10, 5);
    for (int i = 0; i < 50; i++) {
        uint32_t delay = backoff_next_ms(&a);
        assert_int_equal(delay, backoff_next_ms(&b));
        assert_in_range(delay, 5, 10);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(delays_grow_to_the_ceiling),
        cmocka_unit_test(devices_spread),
        cmocka_unit_test(the_same_seed_gives_the_same_delays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
