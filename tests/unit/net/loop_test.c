/* SPDX-License-Identifier: Apache-2.0 */
/* Posting from threads, hooks, deferred calls, watched descriptors, signals, statistics. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "net/loop.h"
#include "support/wait.h"

enum { POSTS = 1000, THREADS = 3 };

struct poster {
    struct loop *loop;
    pthread_t thread;
    int values[POSTS];
};

static int total;

static void count_post(void *ctx)
{
    int *value = ctx;
    assert_int_equal(*value, 0);
    *value = ++total;
}

static void *post_many(void *ctx)
{
    struct poster *poster = ctx;
    for (size_t i = 0; i < POSTS; i++) {
        assert_int_equal(loop_post(poster->loop, count_post, &poster->values[i]), 0);
    }
    return NULL;
}

static void threads_post_in_order(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    static struct poster posters[THREADS];
    total = 0;
    for (size_t i = 0; i < THREADS; i++) {
        posters[i].loop = loop;
        assert_int_equal(pthread_create(&posters[i].thread, NULL, post_many, &posters[i]), 0);
    }
    wait_for(loop, &total, POSTS * THREADS);
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(posters[i].thread, NULL), 0);
        for (size_t j = 1; j < POSTS; j++) {
            assert_true(posters[i].values[j] > posters[i].values[j - 1]);
        }
    }
    int left = 0;
    total = 0;
    assert_int_equal(loop_post(loop, count_post, &left), 0);
    loop_free(loop); /* what was posted still runs */
    assert_int_equal(left, 1);
}

static void stop(void *ctx)
{
    loop_stop(ctx);
}

static void *stop_soon(void *ctx)
{
    usleep(2000);
    loop_stop(ctx);
    return NULL;
}

struct stopper {
    struct loop *loop;
    pthread_t thread;
};

/* Inside the loop: so that it runs when the thread stops it. */
static void start_stopper(void *ctx)
{
    struct stopper *stopper = ctx;
    assert_int_equal(pthread_create(&stopper->thread, NULL, stop_soon, stopper->loop), 0);
}

static void it_runs_until_stopped(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    loop_post(loop, stop, loop);
    loop_run(loop);
    loop_stop(loop); /* before it runs */
    loop_run(loop);
    struct stopper stopper = { .loop = loop };
    loop_post(loop, start_stopper, &stopper);
    loop_run(loop);
    assert_int_equal(pthread_join(stopper.thread, NULL), 0);
    struct loop_stats stats;
    loop_stats(loop, &stats);
    assert_true(stats.turns >= 2);
    assert_int_equal(stats.callbacks, 2);
    loop_free(loop);
}

struct caller {
    struct loop *loop;
    struct loop_hook hook;
    struct loop_deferred deferred;
    int hooks;
    int calls;
    int again;
};

static void on_hook(void *ctx)
{
    struct caller *caller = ctx;
    caller->hooks++;
    if (caller->hooks == 3) {
        loop_hook_remove(&caller->hook);
    }
}

static void on_deferred(void *ctx)
{
    struct caller *caller = ctx;
    caller->calls++;
    if (caller->again > 0) {
        caller->again--;
        loop_defer(caller->loop, &caller->deferred);
    }
}

static void hooks_run_once_a_turn(void **state)
{
    (void)state;
    struct caller caller = { .loop = loop_new() };
    loop_hook_add(caller.loop, &caller.hook, on_hook, &caller);
    for (int turn = 1; turn <= 5; turn++) {
        loop_turn(caller.loop, false);
        assert_int_equal(caller.hooks, turn < 3 ? turn : 3);
    }
    loop_free(caller.loop);
}

static void deferred_calls_run_once_and_never_starve_the_loop(void **state)
{
    (void)state;
    struct caller caller = { .loop = loop_new(), .again = 2 };
    loop_deferred_init(&caller.deferred, on_deferred, &caller);
    loop_defer(caller.loop, &caller.deferred);
    loop_defer(caller.loop, &caller.deferred);
    assert_int_equal(caller.calls, 0);
    loop_turn(caller.loop, false);
    assert_int_equal(caller.calls, 1);
    loop_turn(caller.loop, true); /* would wait for ever if the next one were forgotten */
    loop_turn(caller.loop, true);
    assert_int_equal(caller.calls, 3);
    loop_turn(caller.loop, false);
    assert_int_equal(caller.calls, 3);
    loop_defer(caller.loop, &caller.deferred);
    loop_defer_cancel(&caller.deferred);
    loop_turn(caller.loop, false);
    assert_int_equal(caller.calls, 3);
    loop_free(caller.loop);
}

struct watcher {
    struct loop_fd *watch;
    unsigned events;
    int count;
    bool stop;
};

static void on_fd(void *ctx, unsigned events)
{
    struct watcher *watcher = ctx;
    watcher->events |= events;
    watcher->count++;
    if (watcher->stop) {
        loop_fd_unwatch(watcher->watch);
        watcher->watch = NULL;
    }
}

static void descriptors_are_watched(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    struct watcher in = { 0 };
    struct watcher out = { .stop = true };
    in.watch = loop_fd_watch(loop, ends[0], LOOP_READABLE, on_fd, &in);
    out.watch = loop_fd_watch(loop, ends[1], LOOP_WRITABLE, on_fd, &out);
    assert_non_null(in.watch);
    wait_for(loop, &out.count, 1);
    assert_int_equal(out.events, LOOP_WRITABLE);
    loop_turn(loop, false);
    assert_int_equal(out.count, 1);
    assert_int_equal(in.count, 0);
    assert_int_equal(write(ends[1], "x", 1), 1);
    loop_fd_modify(in.watch, 0);
    wait_ms(loop, 5);
    assert_int_equal(in.count, 0);
    loop_fd_modify(in.watch, LOOP_READABLE);
    wait_for(loop, &in.count, 1);
    assert_int_equal(in.events, LOOP_READABLE);
    loop_fd_unwatch(in.watch);
    loop_fd_unwatch(NULL);
    close(ends[0]); /* at once: no turn in between */
    close(ends[1]);
    assert_null(loop_fd_watch(loop, -1, LOOP_READABLE, on_fd, &in));
    int plain = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    assert_null(loop_fd_watch(loop, plain, LOOP_READABLE, on_fd, &in));
    close(plain);
    loop_free(loop);
}

static int signals;

static void on_signal(void *ctx, int number)
{
    assert_null(ctx);
    assert_int_equal(number, SIGHUP);
    signals++;
}

static void signals_are_heard(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    signals = 0;
    assert_int_equal(loop_signal(loop, SIGHUP, on_signal, NULL), 0);
    assert_int_equal(loop_signal(loop, SIGHUP, on_signal, NULL), 0); /* replaces */
    assert_int_equal(loop_signal(loop, SIGKILL, on_signal, NULL), BUSBAR_EINVAL);
    raise(SIGHUP);
    wait_for(loop, &signals, 1);
    assert_int_equal(signals, 1);
    assert_int_equal(loop_signal(loop, SIGHUP, NULL, NULL), 0);
    loop_free(loop);
}

static void be_slow(void *ctx)
{
    (void)ctx;
    usleep(7000);
}

static void lag_is_measured(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    struct loop_stats stats;
    loop_post(loop, be_slow, NULL);
    loop_turn(loop, true);
    loop_stats(loop, &stats);
    assert_true(stats.longest_us >= 7000);
    assert_true(stats.busy_us >= 7000);
    assert_int_equal(stats.slow, 1);
    loop_stats_reset_longest(loop);
    loop_stats(loop, &stats);
    assert_int_equal(stats.longest_us, 0);
    assert_true(loop_now_us(loop) <= clock_mono_us());
    loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_post_in_order),
        cmocka_unit_test(it_runs_until_stopped),
        cmocka_unit_test(hooks_run_once_a_turn),
        cmocka_unit_test(deferred_calls_run_once_and_never_starve_the_loop),
        cmocka_unit_test(descriptors_are_watched),
        cmocka_unit_test(signals_are_heard),
        cmocka_unit_test(lag_is_measured),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
