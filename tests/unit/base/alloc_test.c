/* SPDX-License-Identifier: Apache-2.0 */
/* Zeroed memory and the failing hook. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/alloc.h"

/* Under ASan a size that cannot be served is NULL, as without it. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

static void memory_is_zeroed(void **state)
{
    (void)state;
    uint8_t *memory = busbar_alloc(100);
    for (size_t i = 0; i < 100; i++) {
        assert_int_equal(memory[i], 0);
    }
    memory = busbar_realloc(memory, 200);
    memory[199] = 1;
    busbar_free(memory);
    uint32_t *array = busbar_alloc_array(10, sizeof(*array));
    assert_int_equal(array[9], 0);
    busbar_free(array);
    void *empty = busbar_alloc(0);
    assert_non_null(empty);
    busbar_free(empty);
    busbar_free(NULL);
}

static void texts_are_copied(void **state)
{
    (void)state;
    char *copy = busbar_strdup("ahu-1");
    assert_string_equal(copy, "ahu-1");
    busbar_free(copy);
    copy = busbar_strndup("ahu-1/supply", 5);
    assert_string_equal(copy, "ahu-1");
    busbar_free(copy);
    copy = busbar_strndup("ab", 5);
    assert_string_equal(copy, "ab");
    busbar_free(copy);
    assert_null(busbar_strdup(NULL));
    assert_null(busbar_strndup(NULL, 3));
}

static void the_nth_call_fails_once(void **state)
{
    (void)state;
    alloc_fail_nth(2);
    void *first = busbar_try_alloc(10);
    assert_non_null(first);
    assert_null(busbar_try_realloc(first, 20));
    void *third = busbar_try_realloc(first, 20); /* the first was still valid */
    assert_non_null(third);
    assert_int_equal(alloc_try_count(), 3);
    busbar_free(third);
    alloc_fail_nth(0);
    void *any = busbar_try_alloc(1);
    assert_non_null(any);
    busbar_free(any);
}

static void too_much_fails_instead_of_aborting(void **state)
{
    (void)state;
    volatile size_t huge = PTRDIFF_MAX - 4096;
    assert_null(busbar_try_alloc(huge));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_zeroed),
        cmocka_unit_test(texts_are_copied),
        cmocka_unit_test(the_nth_call_fails_once),
        cmocka_unit_test(too_much_fails_instead_of_aborting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
