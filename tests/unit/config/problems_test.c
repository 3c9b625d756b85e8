/* SPDX-License-Identifier: Apache-2.0 */
#include "config/problems.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static struct position at(const char *file, int line, int column)
{
    return (struct position){ .file = file, .line = line, .column = column };
}

static void sorted_and_counted(void **state)
{
    (void)state;
    struct problems problems;
    struct buf out;
    char file[16] = "b.yaml"; /* the name is copied */
    problems_init(&problems);
    buf_init(&out, 10000);
    problems_print(&problems, &out);
    assert_string_equal(buf_text(&out), "");
    problems_error(&problems, at(file, 9, 2), NULL, "last");
    problems_warning(&problems, at(file, 3, 7), "mend it", "second %d", 2);
    snprintf(file, sizeof(file), "a.yaml");
    problems_error(&problems, at(file, 30, 1), NULL, "first");
    problems_error(&problems, at("", 0, 0), NULL, "nowhere");
    problems_sort(&problems);
    problems_print(&problems, &out);
    assert_string_equal(buf_text(&out), "error: nowhere\n"
                                        "a.yaml:30:1: error: first\n"
                                        "b.yaml:3:7: warning: second 2\n"
                                        "      hint: mend it\n"
                                        "b.yaml:9:2: error: last\n"
                                        "3 errors, 1 warning\n");
    problems_fini(&problems);
    buf_fini(&out);
}

static void the_same_twice_counts_once(void **state)
{
    (void)state;
    struct problems problems;
    problems_init(&problems);
    for (int i = 0; i < 3; i++) {
        problems_error(&problems, at("a", 1, 2), NULL, "x");
        problems_error(&problems, at("a", 1, 3), NULL, "x");
        problems_error(&problems, at("b", 1, 2), NULL, "x");
        problems_error(&problems, at("a", 1, 2), NULL, "y");
    }
    assert_int_equal(problems.count, 4);
    assert_int_equal(problems.errors, 4);
    for (int i = 0; i < 5000; i++) { /* also when the list is full */
        problems_warning(&problems, at("c", i, 1), NULL, "z");
    }
    problems_error(&problems, at("a", 1, 2), NULL, "x");
    assert_int_equal(problems.count, PROBLEMS_SHOWN_MAX);
    assert_int_equal(problems.errors, 4);
    assert_int_equal(problems.warnings, 5000);
    problems_fini(&problems);
}

/* Another module's error keeps its own place, or takes the one that is offered. */
static void errors_of_others(void **state)
{
    (void)state;
    struct problems problems;
    struct err err = { 0 };
    problems_init(&problems);
    err_at(&err, BUSBAR_ECONFIG, at("b", 4, 5), "do this", "no good");
    problems_err(&problems, &err, at("a", 1, 1));
    err_set(&err, BUSBAR_ENOENT, "not there");
    problems_err(&problems, &err, at("a", 1, 1));
    err = (struct err){ .code = BUSBAR_ENOMEM };
    problems_err(&problems, &err, at("a", 2, 1));
    assert_string_equal(problems.list[0].at.file, "b");
    assert_string_equal(problems.list[0].hint, "do this");
    assert_int_equal(problems.list[1].at.line, 1);
    assert_string_equal(problems.list[1].message, "not there");
    assert_string_equal(problems.list[2].message, "out of memory");
    problems_fini(&problems);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sorted_and_counted),
        cmocka_unit_test(the_same_twice_counts_once),
        cmocka_unit_test(errors_of_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
