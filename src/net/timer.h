/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Timers embedded by their owners. All timers of a loop share one heap and one timer of libuv, so that
 * 100,000 of them cost nothing but their memory; they run on base/clock, hence on the fake clock too.
 *
 * Those due are collected first, then called in the order of their time; a callback may start and stop any timer,
 * one that was due in the same round included (it is then not called). A repeating timer keeps its
 * phase and skips the rounds that it missed. Delays end late by up to a millisecond, never early.
 */
#ifndef BUSBAR_NET_TIMER_H
#define BUSBAR_NET_TIMER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/heap.h"
#include "base/list.h"

struct loop;
struct timer;

typedef void (*timer_cb)(struct timer *timer, void *ctx);

/* Private fields; must not move in memory while running. */
struct timer {
    struct heap_node node;
    struct list due_link;
    struct loop *loop;
    int64_t due_us;
    uint64_t order; /* first started, first called, at equal times */
    int64_t repeat_us;
    timer_cb cb;
    void *ctx;
};

void timer_init(struct timer *timer, struct loop *loop, timer_cb cb, void *ctx);

/* Starts or restarts. repeat 0: once. */
void timer_start(struct timer *timer, int64_t delay_ms, int64_t repeat_ms);
void timer_start_us(struct timer *timer, int64_t delay_us, int64_t repeat_us);

/* Starts for a point of monotonic time. */
void timer_start_at_us(struct timer *timer, int64_t due_us, int64_t repeat_us);

/* Not called any more; harmless when not running. Its memory may be freed at once. */
void timer_stop(struct timer *timer);

bool timer_running(const struct timer *timer);

/* Monotonic time it is due; meaningless when not running. */
int64_t timer_due_us(const struct timer *timer);

#endif
