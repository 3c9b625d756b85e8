/* SPDX-License-Identifier: Apache-2.0 */
/* Alignment, the ceiling, big singles, memory out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/alloc.h"
#include "base/arena.h"

static void pieces_do_not_overlap(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 0);
    uint8_t *pieces[500];
    for (size_t i = 0; i < 500; i++) {
        size_t size = i * 7 % 300;
        pieces[i] = arena_alloc(&arena, size);
        assert_non_null(pieces[i]);
        assert_int_equal((uintptr_t)pieces[i] % 16, 0);
        for (size_t j = 0; j < size; j++) {
            assert_int_equal(pieces[i][j], 0);
        }
        memset(pieces[i], (int)(i % 251), size);
    }
    for (size_t i = 0; i < 500; i++) {
        for (size_t j = 0; j < i * 7 % 300; j++) {
            assert_int_equal(pieces[i][j], i % 251);
        }
    }
    assert_true(arena.used_bytes <= arena.held_bytes);
    arena_fini(&arena);
    assert_int_equal(arena.held_bytes, 0);
}

static void a_big_single_leaves_the_block_in_use(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 0);
    char *before = arena_strdup(&arena, "before");
    char *big = arena_alloc(&arena, 3 << 20);
    assert_non_null(big);
    big[(3 << 20) - 1] = 1;
    char *after = arena_strdup(&arena, "after");
    assert_ptr_equal(after, before + sizeof("before"));
    arena_fini(&arena);
}

static void the_ceiling_holds(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1000);
    assert_non_null(arena_alloc(&arena, 900));
    assert_null(arena_alloc(&arena, 200));
    assert_non_null(arena_alloc(&arena, 50));
    assert_null(arena_alloc_array(&arena, SIZE_MAX / 2, 4));
    assert_null(arena_alloc(&arena, SIZE_MAX));
    assert_true(arena.used_bytes <= 1000);
    arena_fini(&arena);
    assert_non_null(arena_alloc(&arena, 900)); /* empty again */
    arena_fini(&arena);
}

static void texts_are_copied(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 0);
    assert_string_equal(arena_strdup(&arena, "ahu-1"), "ahu-1");
    assert_string_equal(arena_strndup(&arena, "ahu-1/supply", 5), "ahu-1");
    assert_string_equal(arena_printf(&arena, "%s/%d", "ahu", 7), "ahu/7");
    arena_fini(&arena);
}

static void every_failing_allocation_is_survived(void **state)
{
    (void)state;
    for (long nth = 1; nth <= 3; nth++) {
        struct arena arena;
        arena_init(&arena, 0);
        alloc_fail_nth(nth);
        size_t failed = 0;
        for (int i = 0; i < 5; i++) {
            failed += arena_alloc(&arena, 5000) == NULL;
        }
        assert_int_equal(failed, 1);
        alloc_fail_nth(0);
        assert_non_null(arena_alloc(&arena, 10));
        arena_fini(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_do_not_overlap),
        cmocka_unit_test(a_big_single_leaves_the_block_in_use),
        cmocka_unit_test(the_ceiling_holds),
        cmocka_unit_test(texts_are_copied),
        cmocka_unit_test(every_failing_allocation_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
