/* SPDX-License-Identifier: Apache-2.0 */
/* On the fake clock: order, repeating, changing the set from a callback; once on the real clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/hash.h"
#include "net/loop.h"
#include "net/timer.h"
#include <cmocka.h>

struct fixture {
    struct loop *loop;
    struct timer timers[4];
    int order[64];
    int count;
    int64_t last_us;
};

static int set_up(void **state)
{
    struct fixture *f = busbar_alloc(sizeof(*f));
    clock_fake_set(1000000, 0);
    f->loop = loop_new();
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    loop_free(f->loop);
    clock_fake_off();
    busbar_free(f);
    return 0;
}

static void note(struct timer *timer, void *ctx)
{
    struct fixture *f = ctx;
    f->order[f->count++] = (int)(timer - f->timers);
    f->last_us = clock_mono_us();
}

static void timers_fire_in_the_order_of_time(void **state)
{
    struct fixture *f = *state;
    static const int delays[] = { 30, 10, 20, 10 };
    for (int i = 0; i < 4; i++) {
        timer_init(&f->timers[i], f->loop, note, f);
        assert_false(timer_running(&f->timers[i]));
        timer_start(&f->timers[i], delays[i], 0);
        assert_true(timer_running(&f->timers[i]));
    }
    loop_advance_for_test(f->loop, 9999);
    assert_int_equal(f->count, 0);
    loop_advance_for_test(f->loop, 1);
    assert_int_equal(f->count, 2);
    loop_advance_for_test(f->loop, 1000000);
    static const int expected[] = { 1, 3, 2, 0 };
    assert_int_equal(f->count, 4);
    assert_memory_equal(f->order, expected, sizeof(expected));
    assert_false(timer_running(&f->timers[0]));
    assert_int_equal(f->last_us, 1030000);
    assert_int_equal(clock_mono_us(), 2010000);
}

static void a_repeating_timer_keeps_its_phase(void **state)
{
    struct fixture *f = *state;
    timer_init(&f->timers[0], f->loop, note, f);
    timer_start(&f->timers[0], 5, 10);
    loop_advance_for_test(f->loop, 100000);
    assert_int_equal(f->count, 10);
    assert_int_equal(f->last_us, 1095000);
    clock_fake_advance(57000); /* the loop was held up: rounds are missed, not made up for */
    loop_advance_for_test(f->loop, 0);
    assert_int_equal(f->count, 11);
    assert_int_equal(timer_due_us(&f->timers[0]), 1165000);
    timer_stop(&f->timers[0]);
    loop_advance_for_test(f->loop, 100000);
    assert_int_equal(f->count, 11);
}

static void stop_second(struct timer *timer, void *ctx)
{
    struct fixture *f = ctx;
    note(timer, ctx);
    timer_stop(&f->timers[1]);
    timer_start(&f->timers[2], 0, 0);
}

static void a_callback_may_change_what_is_due(void **state)
{
    struct fixture *f = *state;
    timer_init(&f->timers[0], f->loop, stop_second, f);
    for (int i = 1; i < 4; i++) {
        timer_init(&f->timers[i], f->loop, note, f);
    }
    for (int i = 0; i < 4; i++) {
        timer_start(&f->timers[i], 10, 0);
    }
    loop_advance_for_test(f->loop, 10000);
    static const int expected[] = { 0, 3, 2 }; /* 1 was stopped, 2 started anew: behind the round */
    assert_int_equal(f->count, 3);
    assert_memory_equal(f->order, expected, sizeof(expected));
    assert_false(timer_running(&f->timers[1]));
}

static void stop_itself(struct timer *timer, void *ctx)
{
    note(timer, ctx);
    if (((struct fixture *)ctx)->count == 3) {
        timer_stop(timer);
    }
}

static void a_timer_may_stop_itself(void **state)
{
    struct fixture *f = *state;
    struct timer zero = { 0 };
    timer_stop(&zero); /* never initialised */
    assert_false(timer_running(&zero));
    timer_init(&f->timers[0], f->loop, stop_itself, f);
    timer_start(&f->timers[0], 1, 1);
    loop_advance_for_test(f->loop, 50000);
    assert_int_equal(f->count, 3);
    timer_stop(&f->timers[0]);
}

struct many {
    struct timer timer;
    int64_t due_us;
    int64_t fired_us;
};

static void note_time(struct timer *timer, void *ctx)
{
    (void)timer;
    ((struct many *)ctx)->fired_us = clock_mono_us();
}

static void many_timers_each_fire_at_their_time(void **state)
{
    struct fixture *f = *state;
    enum { MANY = 20000 };
    struct many *many = busbar_alloc_array(MANY, sizeof(*many));
    uint64_t seed = 1;
    for (size_t i = 0; i < MANY; i++) {
        timer_init(&many[i].timer, f->loop, note_time, &many[i]);
        for (int again = 0; again < 3; again++) {
            int64_t delay_us = (int64_t)(hash_random(&seed) % 1000) * 1000;
            many[i].due_us = clock_mono_us() + delay_us;
            timer_start_us(&many[i].timer, delay_us, 0);
        }
    }
    struct loop_stats stats;
    loop_stats(f->loop, &stats);
    assert_int_equal(stats.timers, MANY);
    for (size_t i = 0; i < MANY; i += 3) {
        timer_stop(&many[i].timer);
    }
    loop_advance_for_test(f->loop, 1000000);
    for (size_t i = 0; i < MANY; i++) {
        assert_int_equal(many[i].fired_us, i % 3 == 0 ? 0 : many[i].due_us);
    }
    busbar_free(many);
}

static void on_the_real_clock_none_is_early(void **state)
{
    struct fixture *f = *state;
    clock_fake_off();
    for (int i = 0; i < 4; i++) {
        timer_init(&f->timers[i], f->loop, note, f);
        timer_start_us(&f->timers[i], 1300 * i + 700, 0);
    }
    for (int seen = 0; f->count < 4; seen = f->count) {
        loop_turn(f->loop, true);
        if (f->count > seen) {
            assert_true(f->last_us >= timer_due_us(&f->timers[f->order[f->count - 1]]));
        }
    }
    static const int expected[] = { 0, 1, 2, 3 };
    assert_memory_equal(f->order, expected, sizeof(expected));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(timers_fire_in_the_order_of_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_repeating_timer_keeps_its_phase, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_callback_may_change_what_is_due, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_timer_may_stop_itself, set_up, tear_down),
        cmocka_unit_test_setup_teardown(many_timers_each_fire_at_their_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(on_the_real_clock_none_is_early, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
