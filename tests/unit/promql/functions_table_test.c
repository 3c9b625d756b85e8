/* SPDX-License-Identifier: Apache-2.0 */
/* The table of functions: sorted, complete in itself, found by name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "promql/functions.h"

static void every_row_has_one_shape(void **state)
{
    (void)state;
    size_t count = 0;
    for (const struct promql_function *row = promql_functions; row->name != NULL; row++, count++) {
        assert_int_equal((row->map != NULL) + (row->window != NULL) + (row->special != NULL), 1);
        assert_true(row->arg_count <= PROMQL_ARGS_MAX);
        assert_true(row->variadic <= row->arg_count);
        assert_true(row->returns == PROMQL_VECTOR || row->returns == PROMQL_SCALAR);
        for (size_t i = 0; i < row->arg_count; i++) {
            assert_int_not_equal(row->args[i], PROMQL_NONE);
        }
        if (row->window != NULL) {
            assert_true(row->args[0] == PROMQL_MATRIX || row->args[1] == PROMQL_MATRIX);
        }
        if (count > 0) {
            assert_true(strcmp(row[-1].name, row->name) < 0);
        }
    }
    assert_int_equal(count, 80);
}

static void functions_are_found_by_name(void **state)
{
    (void)state;
    for (const struct promql_function *row = promql_functions; row->name != NULL; row++) {
        assert_ptr_equal(promql_function(row->name, strlen(row->name)), row);
    }
    assert_null(promql_function("rat", 3));
    assert_null(promql_function("rates", 5));
    assert_null(promql_function("", 0));
    assert_null(promql_function("RATE", 4));
    assert_null(promql_function("zzz", 3));
    assert_ptr_equal(promql_function("rate(", 4), promql_function("rate", 4));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_has_one_shape),
        cmocka_unit_test(functions_are_found_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
