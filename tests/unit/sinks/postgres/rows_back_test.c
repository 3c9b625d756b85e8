/* SPDX-License-Identifier: Apache-2.0 */
/* Rows as samples again: what a chunk says better stays. */
#include "sinks/postgres/rows_back.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>

#include "base/alloc.h"

static struct sample number(int64_t time_us, double value)
{
    return (struct sample){
        .time_us = time_us, .receive_us = time_us, .type = VALUE_DOUBLE, .value = { .d = value }
    };
}

static struct sample integer(int64_t time_us, int64_t value)
{
    return (struct sample){
        .time_us = time_us, .receive_us = time_us, .type = VALUE_INT, .value = { .i = value }
    };
}

static void the_same_is_left_out(void **state)
{
    (void)state;
    struct text *on = text_new("on", 2), *again = text_new("on", 2);
    struct sample chunk[] = { integer(1, 5),     number(2, NAN), integer(4, 1),
                              number(5, 2.5),    integer(7, 9),  { .time_us = 8, .receive_us = 8 },
                              number(9, -0x1p60) };
    struct sample rows[] = { number(1, 5), number(2, NAN),     number(3, 1),
                             number(4, 1), number(5, 2.5),     number(7, 9.5),
                             number(8, 0), number(9, -0x1p60), number(10, 3) };
    chunk[2].type = VALUE_BOOL; /* its bits are those of true */
    chunk[2].value = (union value){ .b = true };
    chunk[3].type = rows[4].type = VALUE_TEXT;
    chunk[3].value.text = on;
    rows[4].value.text = again;
    chunk[6].quality = 2; /* a row of the same value says another */
    const struct history_samples known = { .samples = chunk,
                                           .count = sizeof(chunk) / sizeof(chunk[0]) };
    size_t count = sizeof(rows) / sizeof(rows[0]);
    pg_rows_differ(rows, &count, &known);
    assert_int_equal(count, 5);
    static const int64_t differ[] = { 3, 7, 8, 9, 10 };
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(rows[i].time_us, differ[i]);
    }
    busbar_free(on);
    busbar_free(again);
}

static void nothing_is_known(void **state)
{
    (void)state;
    const struct history_samples known = { .count = 0 };
    struct sample rows[] = { number(1, 5) };
    size_t count = 1;
    pg_rows_differ(rows, &count, &known);
    assert_int_equal(count, 1);
    count = 0;
    pg_rows_differ(NULL, &count, &known);
    assert_int_equal(count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_is_left_out),
        cmocka_unit_test(nothing_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
