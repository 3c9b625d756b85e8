/* SPDX-License-Identifier: Apache-2.0 */
/* A heap by time; at equal times the one started first comes first. */
#include "net/timer.h"

#include <assert.h>

#include "base/clock.h"
#include "net/loop_private.h"

static bool before(const struct heap_node *a, const struct heap_node *b)
{
    const struct timer *first = heap_entry(a, struct timer, node);
    const struct timer *second = heap_entry(b, struct timer, node);
    return first->due_us < second->due_us ||
           (first->due_us == second->due_us && first->order < second->order);
}

void timer_init(struct timer *timer, struct loop *loop, timer_cb cb, void *ctx)
{
    *timer = (struct timer){ .loop = loop, .cb = cb, .ctx = ctx };
    list_init(&timer->due_link);
}

void timer_start(struct timer *timer, int64_t delay_ms, int64_t repeat_ms)
{
    timer_start_us(timer, delay_ms * CLOCK_US_PER_MS, repeat_ms * CLOCK_US_PER_MS);
}

void timer_start_us(struct timer *timer, int64_t delay_us, int64_t repeat_us)
{
    assert(delay_us >= 0);
    timer_start_at_us(timer, clock_mono_us() + delay_us, repeat_us);
}

void timer_start_at_us(struct timer *timer, int64_t due_us, int64_t repeat_us)
{
    assert(timer->cb != NULL && repeat_us >= 0);
    struct timers *timers = &timer->loop->timers;
    list_remove(&timer->due_link);
    timer->due_us = due_us;
    timer->repeat_us = repeat_us;
    timer->order = ++timers->order;
    if (heap_holds(&timer->node)) {
        heap_update(&timers->heap, &timer->node);
    } else {
        heap_insert(&timers->heap, &timer->node);
    }
}

void timer_stop(struct timer *timer)
{
    if (timer->loop == NULL) {
        return; /* all zero: never initialised */
    }
    list_remove(&timer->due_link);
    if (heap_holds(&timer->node)) {
        heap_remove(&timer->loop->timers.heap, &timer->node);
    }
}

bool timer_running(const struct timer *timer)
{
    return heap_holds(&timer->node) || (timer->loop != NULL && !list_empty(&timer->due_link));
}

int64_t timer_due_us(const struct timer *timer)
{
    return timer->due_us;
}

void timers_init(struct timers *timers)
{
    heap_init(&timers->heap, before);
    list_init(&timers->due);
    timers->armed_us = INT64_MAX;
}

void timers_fini(struct timers *timers)
{
    heap_fini(&timers->heap);
}

int64_t timers_next_us(const struct timers *timers)
{
    const struct heap_node *first = heap_first(&timers->heap);
    return first != NULL ? heap_entry(first, struct timer, node)->due_us : INT64_MAX;
}

void timers_run(struct loop *loop)
{
    struct timers *timers = &loop->timers;
    int64_t now_us = clock_mono_us();
    while (timers_next_us(timers) <= now_us) {
        struct timer *timer = heap_entry(heap_pop(&timers->heap), struct timer, node);
        list_append(&timers->due, &timer->due_link);
    }
    for (struct list *at = list_shift(&timers->due); at != NULL; at = list_shift(&timers->due)) {
        struct timer *timer = list_entry(at, struct timer, due_link);
        if (timer->repeat_us > 0) {
            int64_t rounds = (now_us - timer->due_us) / timer->repeat_us + 1;
            timer->due_us += rounds * timer->repeat_us;
            timer->order = ++timers->order;
            heap_insert(&timers->heap, &timer->node);
        }
        loop_enter(loop);
        timer->cb(timer, timer->ctx);
        loop_leave(loop);
    }
}
