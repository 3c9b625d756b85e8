/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop: one thread that owns all input and output. libuv underneath, in no header.
 *
 * All calls are for the loop's thread, but loop_post() and loop_stop(), which any thread may call. A
 * callback may start, stop and close anything, itself included. No callback may take over 5 ms;
 * loop_stats() shows the longest.
 *
 * One turn: due timers, posted calls and ready descriptors; then the hooks, the deferred calls (with the ends of
 * streams), and one write for each stream that has something to send; then it waits.
 */
#ifndef BUSBAR_NET_LOOP_H
#define BUSBAR_NET_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"

struct loop;

typedef void (*loop_cb)(void *ctx);

/* Aborts when the operating system gives no loop. */
struct loop *loop_new(void);

/* Runs until loop_stop(). */
void loop_run(struct loop *loop);

/* Ends loop_run() after the turn in progress. Any thread. */
void loop_stop(struct loop *loop);

/* One turn; waits for something to happen when may_wait (not when a deferred call ran). For tests and start-up. */
void loop_turn(struct loop *loop, bool may_wait);

/* Streams, listeners, datagrams, watches must be closed before; what they still have to say is said here.
 * Posted calls that did not run yet run here. Running jobs are waited for. */
void loop_free(struct loop *loop);

/* Monotonic time at which the current callback began: cheap, good enough for stamps of intervals. */
int64_t loop_now_us(const struct loop *loop);

/* Runs cb(ctx) on the loop's thread, in the order of posting. Any thread; lock: the loop's post lock. After
 * loop_free() began, calls are not accepted: BUSBAR_ECANCELED, else 0. */
int loop_post(struct loop *loop, loop_cb cb, void *ctx);

/* A hook that runs once a turn, before the loop waits: for writers that gather and flush. Embedded by its owner. */
struct loop_hook {
    struct list link;
    loop_cb cb;
    void *ctx;
};
void loop_hook_add(struct loop *loop, struct loop_hook *hook, loop_cb cb, void *ctx);
void loop_hook_remove(struct loop_hook *hook);

/* A call that runs once, before the loop waits again, never from inside loop_defer(). Embedded by its owner; may
 * be deferred again; asking twice runs it once. Streams end with it. */
struct loop_deferred {
    struct list link;
    loop_cb cb;
    void *ctx;
};
void loop_deferred_init(struct loop_deferred *deferred, loop_cb cb, void *ctx);
void loop_defer(struct loop *loop, struct loop_deferred *deferred);
void loop_defer_cancel(struct loop_deferred *deferred);

/* Watching a descriptor that someone else owns (libmicrohttpd, libcurl, libpq ...). */
enum { LOOP_READABLE = 1, LOOP_WRITABLE = 2, LOOP_ERROR = 4 };
struct loop_fd;

/* events: LOOP_ bits; LOOP_ERROR comes unasked, and ends the watching until loop_fd_modify(). */
typedef void (*loop_fd_cb)(void *ctx, unsigned events);

/* NULL when the descriptor cannot be watched (a plain file, or not open). */
struct loop_fd *loop_fd_watch(struct loop *loop, int fd, unsigned events, loop_fd_cb cb, void *ctx);
void loop_fd_modify(struct loop_fd *watch, unsigned events); /* 0: pause */

/* No callback after this; the descriptor may be closed at once. NULL is fine. */
void loop_fd_unwatch(struct loop_fd *watch);

/* Signals: SIGINT, SIGTERM, SIGHUP, SIGCHLD ... One handler a signal and loop; replaces the former; NULL cb: default
 * again. Returns 0 or BUSBAR_EINVAL. */
typedef void (*loop_signal_cb)(void *ctx, int signal_number);
int loop_signal(struct loop *loop, int signal_number, loop_signal_cb cb, void *ctx);

struct loop_stats {
    uint64_t turns;
    uint64_t callbacks;
    uint64_t slow;      /* callbacks over 5 ms */
    int64_t longest_us; /* since the last reset */
    int64_t busy_us;    /* time spent in callbacks */
    size_t timers;      /* running */
    size_t streams;     /* open */
};
void loop_stats(const struct loop *loop, struct loop_stats *stats);
void loop_stats_reset_longest(struct loop *loop);

/* Tests, fake clock on: moves the clock in steps from one due timer to the next, runs them and everything that is
 * ready, until us have passed. Never waits. */
void loop_advance_for_test(struct loop *loop, int64_t us);

#endif
