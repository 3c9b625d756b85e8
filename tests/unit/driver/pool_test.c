/* SPDX-License-Identifier: Apache-2.0 */
#include "driver/pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"

static void arrays_are_reused_and_hold_what_was_asked(void **state)
{
    (void)state;
    struct pool pool;
    pool_init(&pool, 1 << 20);
    for (size_t count = 1; count <= POOL_SAMPLES_MAX; count += 37) {
        struct sample *samples = pool_take(&pool, count);
        memset(samples, 0xff, count * sizeof(*samples)); /* ASan looks at the end */
        pool_give(&pool, samples, count);
        assert_ptr_equal(pool_take(&pool, count), samples);
        pool_give(&pool, samples, count);
    }
    assert_int_equal(pool.taken, 0);
    pool_fini(&pool);
}

static void free_arrays_are_kept_only_up_to_the_ceiling(void **state)
{
    (void)state;
    struct pool pool;
    struct sample *samples[8];
    pool_init(&pool, 3 * 1024 * sizeof(struct sample));
    for (int i = 0; i < 8; i++) {
        samples[i] = pool_take(&pool, 1000);
    }
    for (int i = 0; i < 8; i++) {
        pool_give(&pool, samples[i], 1000);
    }
    assert_int_equal(pool.free_bytes, 3 * 1024 * sizeof(struct sample));
    pool_fini(&pool);
}

static void no_memory_is_said(void **state)
{
    (void)state;
    struct pool pool;
    pool_init(&pool, 1 << 20);
    alloc_fail_nth(1);
    assert_null(pool_take(&pool, 100));
    alloc_fail_nth(0);
    assert_int_equal(pool.taken, 0);
    struct sample *samples = pool_take(&pool, 100);
    assert_non_null(samples);
    pool_give(&pool, samples, 100);
    pool_fini(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arrays_are_reused_and_hold_what_was_asked),
        cmocka_unit_test(free_arrays_are_kept_only_up_to_the_ceiling),
        cmocka_unit_test(no_memory_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
