/* SPDX-License-Identifier: Apache-2.0 */
/* Against a naive twin: the newest entries, in order, whatever their sizes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/ring.h"

static uint8_t pattern(uint64_t number, size_t i)
{
    return (uint8_t)(number * 31 + i);
}

static size_t size_of(uint64_t number)
{
    return (size_t)(hash_u64(number) % 70);
}

/* What is held must be the newest entries without a gap. */
static void check(const struct ring *ring)
{
    uint64_t number = ring->pushed - ring->count;
    struct ring_cursor cursor = { 0 };
    size_t size;
    size_t seen = 0;
    for (const uint8_t *data = ring_next(ring, &cursor, &size); data != NULL;
         data = ring_next(ring, &cursor, &size)) {
        assert_int_equal(size, size_of(number));
        for (size_t i = 0; i < size; i++) {
            assert_int_equal(data[i], pattern(number, i));
        }
        number++;
        seen++;
    }
    assert_int_equal(seen, ring->count);
    assert_int_equal(number, ring->pushed);
}

static void the_newest_entries_are_kept(void **state)
{
    (void)state;
    for (size_t capacity = 64; capacity <= 512; capacity += 24) {
        struct ring ring;
        ring_init(&ring, capacity);
        check(&ring);
        for (uint64_t number = 0; number < 1000; number++) {
            size_t size = size_of(number);
            uint8_t *data = ring_push(&ring, size);
            if (data == NULL) {
                assert_true(size + 4 > ring.capacity);
                ring.pushed++; /* keeps the numbers in step */
                ring_clear(&ring);
                continue;
            }
            for (size_t i = 0; i < size; i++) {
                data[i] = pattern(number, i);
            }
            check(&ring);
            assert_true(ring.count > 0);
        }
        ring_fini(&ring);
    }
}

static void it_is_well_filled(void **state)
{
    (void)state;
    struct ring ring;
    ring_init(&ring, 1024);
    for (int i = 0; i < 1000; i++) {
        memset(ring_push(&ring, 12), i, 12);
    }
    assert_int_equal(ring.count, 1024 / 16);
    assert_int_equal(ring.pushed, 1000);
    ring_clear(&ring);
    assert_int_equal(ring.count, 0);
    ring_fini(&ring);
}

static void what_cannot_fit_is_refused(void **state)
{
    (void)state;
    struct ring ring;
    ring_init(&ring, 100);
    assert_int_equal(ring.capacity, 104);
    assert_null(ring_push(&ring, 101));
    assert_null(ring_push(&ring, SIZE_MAX));
    assert_non_null(ring_push(&ring, 100));
    assert_int_equal(ring.count, 1);
    ring_fini(&ring);
    alloc_fail_nth(1);
    assert_null(ring_push(&ring, 10));
    alloc_fail_nth(0);
    assert_int_equal(ring.count, 0);
    ring_fini(&ring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_newest_entries_are_kept),
        cmocka_unit_test(it_is_well_filled),
        cmocka_unit_test(what_cannot_fit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
