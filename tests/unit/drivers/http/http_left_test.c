/* SPDX-License-Identifier: Apache-2.0 */
/* Devices that are taken out and put in again: known until they are back, or until nothing moves any more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "drivers/http/http_left.h"
#include "net/loop.h"
#include <cmocka.h>

struct fixture {
    struct loop *loop;
    struct http_left left;
};

static void begin(struct fixture *f)
{
    clock_fake_set(1000000, 0);
    f->loop = loop_new();
    http_left_init(&f->left, f->loop);
}

static void end(struct fixture *f)
{
    http_left_fini(&f->left);
    loop_free(f->loop);
    clock_fake_off();
}

static void who_is_back_has_not_left(void **state)
{
    struct fixture f;
    (void)state;
    begin(&f);
    http_left_add(&f.left, "a", false);
    http_left_add(&f.left, "b", true);
    assert_true(http_left_has(&f.left, "a"));
    assert_int_equal(f.left.in_messages, 1);
    http_left_back(&f.left, "b");
    http_left_back(&f.left, "new");
    assert_false(http_left_has(&f.left, "b"));
    assert_int_equal(f.left.in_messages, 0);
    http_left_add(&f.left, "a", true); /* of another connector */
    http_left_back(&f.left, "a");
    assert_true(http_left_has(&f.left, "a"));
    http_left_back(&f.left, "a");
    assert_false(http_left_has(&f.left, "a"));
    assert_int_equal(f.left.in_messages, 0);
    end(&f);
}

static void who_stays_away_is_forgotten_when_nothing_moves(void **state)
{
    struct fixture f;
    (void)state;
    begin(&f);
    http_left_add(&f.left, "a", true);
    http_left_add(&f.left, "b", false);
    loop_advance_for_test(f.loop, (HTTP_LEFT_MS - 1) * CLOCK_US_PER_MS);
    http_left_back(&f.left, "b");
    loop_advance_for_test(f.loop, (HTTP_LEFT_MS - 1) * CLOCK_US_PER_MS);
    assert_true(http_left_has(&f.left, "a"));
    loop_advance_for_test(f.loop, CLOCK_US_PER_MS);
    assert_false(http_left_has(&f.left, "a"));
    assert_int_equal(f.left.in_messages, 0);
    http_left_add(&f.left, "c", false); /* freed at the end */
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_back_has_not_left),
        cmocka_unit_test(who_stays_away_is_forgotten_when_nothing_moves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
