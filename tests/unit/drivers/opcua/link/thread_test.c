/* SPDX-License-Identifier: Apache-2.0 */
/* The OPC UA thread: calls posted there and back, in their order, and an end that waits for what is held. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>

#include "drivers/opcua/link/thread.h"
#include "net/timer.h"
#include "support/wait.h"

enum { CALLS = 100 };

struct talk {
    struct opcua_thread *thread;
    pthread_t home;
    struct timer timer;
    int there, back;
    bool in_order, elsewhere, released;
};

static void at_home(void *ctx)
{
    struct talk *talk = ctx;
    talk->elsewhere |= pthread_equal(pthread_self(), talk->home) == 0;
    talk->back++;
}

static void on_thread(void *ctx)
{
    struct talk *talk = ctx;
    talk->in_order = pthread_equal(pthread_self(), talk->home) == 0;
    talk->there++;
    opcua_thread_tell(talk->thread, at_home, talk);
}

static void calls_go_there_and_back(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    struct talk talk = { .home = pthread_self() };
    assert_int_equal(opcua_thread_start(loop, &talk.thread, NULL), 0);
    assert_ptr_not_equal(opcua_thread_loop(talk.thread), loop);
    assert_non_null(opcua_thread_event_loop(talk.thread));
    for (int i = 0; i < CALLS; i++) {
        opcua_thread_do(talk.thread, on_thread, &talk);
    }
    wait_for(loop, &talk.back, CALLS);
    assert_true(talk.in_order);
    assert_false(talk.elsewhere);
    opcua_thread_do(talk.thread, on_thread, &talk);
    opcua_thread_stop(talk.thread); /* what was posted has run */
    assert_int_equal(talk.there, CALLS + 1);
    loop_free(loop);
    assert_int_equal(talk.back, CALLS + 1);
}

static void on_timer(struct timer *timer, void *ctx)
{
    (void)timer;
    struct talk *talk = ctx;
    talk->released = true;
    opcua_thread_release(talk->thread);
}

static void hold(void *ctx)
{
    struct talk *talk = ctx;
    opcua_thread_hold(talk->thread);
    timer_init(&talk->timer, opcua_thread_loop(talk->thread), on_timer, talk);
    timer_start(&talk->timer, 50, 0);
}

static void the_end_waits_for_what_is_held(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    struct talk talk = { .home = pthread_self() };
    assert_int_equal(opcua_thread_start(loop, &talk.thread, NULL), 0);
    opcua_thread_do(talk.thread, hold, &talk);
    opcua_thread_stop(talk.thread);
    assert_true(talk.released);
    opcua_thread_stop(NULL);
    loop_free(loop);
}

static void a_borrowed_loop_is_both_sides(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    struct opcua_thread *thread = opcua_thread_borrow(loop);
    struct talk talk = { .home = pthread_self(), .thread = thread };
    assert_ptr_equal(opcua_thread_loop(thread), loop);
    opcua_thread_do(thread, on_thread, &talk);
    assert_int_equal(talk.there, 0);
    wait_for(loop, &talk.back, 1);
    opcua_thread_stop(thread);
    loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_go_there_and_back),
        cmocka_unit_test(the_end_waits_for_what_is_held),
        cmocka_unit_test(a_borrowed_loop_is_both_sides),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
