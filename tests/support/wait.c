/* SPDX-License-Identifier: Apache-2.0 */
/* A timer of the loop ends the wait. */
#include "support/wait.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "net/timer.h"

static void ring(struct timer *timer, void *ctx)
{
    (void)timer;
    *(bool *)ctx = true;
}

void wait_until(struct loop *loop, bool (*done)(void *ctx), void *ctx)
{
    bool over = false;
    struct timer timer;
    timer_init(&timer, loop, ring, &over);
    timer_start(&timer, WAIT_MS_MAX, 0);
    while (!done(ctx)) {
        assert_false(over);
        loop_turn(loop, true);
    }
    timer_stop(&timer);
}

struct counter {
    const int *count;
    int wanted;
};

static bool reached(void *ctx)
{
    const struct counter *counter = ctx;
    return *counter->count >= counter->wanted;
}

void wait_for(struct loop *loop, const int *count, int wanted)
{
    struct counter counter = { .count = count, .wanted = wanted };
    wait_until(loop, reached, &counter);
}

void wait_ms(struct loop *loop, int64_t ms)
{
    bool over = false;
    struct timer timer;
    timer_init(&timer, loop, ring, &over);
    timer_start(&timer, ms, 0);
    while (!over) {
        loop_turn(loop, true);
    }
}
