/* SPDX-License-Identifier: Apache-2.0 */
/* Growth, the ceiling, the sticky overflow, ownership, memory out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"

static void it_grows_and_stays_text(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 100000);
    assert_string_equal(buf_text(&buf), "");
    char expected[6000] = "";
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(buf_printf(&buf, "%d,", i), 0);
        size_t used = strlen(expected);
        snprintf(expected + used, sizeof(expected) - used, "%d,", i);
    }
    assert_string_equal(buf_text(&buf), expected);
    assert_int_equal(buf.size, strlen(expected));
    assert_int_equal(buf_append_byte(&buf, 'x'), 0);
    assert_int_equal(buf.data[buf.size], 0);
    buf_consume(&buf, buf.size - 1);
    assert_string_equal(buf_text(&buf), "x");
    buf_fini(&buf);
}

static void the_ceiling_is_sticky(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 10);
    assert_int_equal(buf_append(&buf, "12345678", 8), 0);
    assert_int_equal(buf_append(&buf, "90", 2), 0);
    assert_false(buf.overflow);
    assert_int_equal(buf_append(&buf, "x", 1), BUSBAR_ELIMIT);
    assert_true(buf.overflow);
    assert_int_equal(buf_append(&buf, "", 0), BUSBAR_ELIMIT);
    assert_int_equal(buf_printf(&buf, "%s", ""), BUSBAR_ELIMIT);
    assert_null(buf_reserve(&buf, 0));
    assert_string_equal(buf_text(&buf), "1234567890");
    buf_clear(&buf);
    assert_false(buf.overflow);
    assert_int_equal(buf_printf(&buf, "%s", "1234567890"), 0);
    assert_int_equal(buf_printf(&buf, "%d", 1), BUSBAR_ELIMIT);
    assert_string_equal(buf_text(&buf), "1234567890");
    buf_fini(&buf);
}

static void room_is_reserved_and_committed(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 1000);
    uint8_t *room = buf_reserve(&buf, 1000);
    assert_string_equal(buf_text(&buf), ""); /* nothing committed: still text */
    memset(room, 'a', 1000);
    buf_commit(&buf, 3);
    assert_string_equal(buf_text(&buf), "aaa");
    buf_fini(&buf);
}

static void ownership_moves_by_take(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 100);
    buf_append_text(&buf, "abc");
    size_t size = 0;
    uint8_t *data = buf_take(&buf, &size);
    assert_int_equal(size, 3);
    assert_string_equal((char *)data, "abc");
    assert_int_equal(buf.size, 0);
    assert_null(buf.data);
    assert_int_equal(buf_append_text(&buf, "d"), 0);
    busbar_free(data);
    buf_fini(&buf);
}

static void every_failing_allocation_is_said(void **state)
{
    (void)state;
    for (long nth = 1; nth <= 4; nth++) {
        struct buf buf;
        buf_init(&buf, 10000);
        alloc_fail_nth(nth);
        int error = 0;
        for (int i = 0; i < 100 && error == 0; i++) {
            error = buf_append(&buf, "0123456789", 10);
        }
        assert_int_equal(error, BUSBAR_ENOMEM);
        assert_true(buf.overflow);
        assert_int_equal(buf.size % 10, 0);
        alloc_fail_nth(0);
        buf_fini(&buf);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_grows_and_stays_text),
        cmocka_unit_test(the_ceiling_is_sticky),
        cmocka_unit_test(room_is_reserved_and_committed),
        cmocka_unit_test(ownership_moves_by_take),
        cmocka_unit_test(every_failing_allocation_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
