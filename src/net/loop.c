/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libuv turns the loop; the prepare handle, which runs in every turn just before it waits, is where everything that is
 * gathered is done at once: hooks, deferred calls, writes. Whatever these add to the lists themselves
 * is left for the next turn, which the idle handle then keeps from waiting: so no chain of calls can
 * keep the loop from its descriptors.
 */
#include "net/loop.h"

#include <assert.h>
#include <time.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "net/loop_private.h"

enum { SLOW_US = 5000 };

/* Moderation. Above BUSY_ARRIVALS on streams in a window the loop turns at most once in PACE_US: what arrives meanwhile
 * is taken in one turn with one read a descriptor, which halves the processor time of many busy links and
 * delays nothing by more than PACE_US. Only streams count: a client that asks one query after the other is no
 * reason to let it wait. */
enum { WINDOW_US = 10000, BUSY_ARRIVALS = 50, PACE_US = 1000 };

void loop_enter(struct loop *loop)
{
    if (loop->depth++ == 0) {
        loop->now_us = clock_mono_us();
    }
}

void loop_leave(struct loop *loop)
{
    assert(loop->depth > 0);
    if (--loop->depth > 0) {
        return;
    }
    int64_t took_us = clock_mono_us() - loop->now_us;
    loop->stats.callbacks++;
    loop->stats.busy_us += took_us;
    loop->stats.slow += took_us > SLOW_US;
    if (took_us > loop->stats.longest_us) {
        loop->stats.longest_us = took_us;
    }
}

int64_t loop_now_us(const struct loop *loop)
{
    return loop->depth > 0 ? loop->now_us : clock_mono_us();
}

static void run_posts(struct loop *loop)
{
    pthread_mutex_lock(&loop->queue.lock);
    struct post *posts = loop->queue.posts;
    size_t count = loop->queue.count;
    loop->queue.posts = NULL;
    loop->queue.count = 0;
    loop->queue.capacity = 0;
    pthread_mutex_unlock(&loop->queue.lock);
    for (size_t i = 0; i < count; i++) {
        loop_enter(loop);
        posts[i].cb(posts[i].ctx);
        loop_leave(loop);
    }
    busbar_free(posts);
}

static void on_wake(uv_async_t *wake)
{
    struct loop *loop = wake->data;
    run_posts(loop);
    if (atomic_load(&loop->stop_asked)) {
        uv_stop(&loop->uv);
    }
}

int loop_post(struct loop *loop, loop_cb cb, void *ctx)
{
    struct post_queue *queue = &loop->queue;
    pthread_mutex_lock(&queue->lock);
    bool closed = queue->closed;
    if (!closed) {
        if (queue->count == queue->capacity) {
            queue->capacity = queue->capacity > 0 ? queue->capacity * 2 : 8;
            queue->posts = busbar_realloc(queue->posts, queue->capacity * sizeof(*queue->posts));
        }
        queue->posts[queue->count++] = (struct post){ .cb = cb, .ctx = ctx };
        if (queue->count == 1) {
            (void)uv_async_send(&loop->wake);
        }
    }
    pthread_mutex_unlock(&queue->lock);
    return closed ? BUSBAR_ECANCELED : 0;
}

void loop_hook_add(struct loop *loop, struct loop_hook *hook, loop_cb cb, void *ctx)
{
    hook->cb = cb;
    hook->ctx = ctx;
    list_append(&loop->hooks, &hook->link);
}

void loop_hook_remove(struct loop_hook *hook)
{
    list_remove(&hook->link);
}

void loop_deferred_init(struct loop_deferred *deferred, loop_cb cb, void *ctx)
{
    list_init(&deferred->link);
    deferred->cb = cb;
    deferred->ctx = ctx;
}

void loop_defer(struct loop *loop, struct loop_deferred *deferred)
{
    if (list_empty(&deferred->link)) {
        list_append(&loop->deferred, &deferred->link);
    }
}

void loop_defer_flush(struct loop *loop, struct loop_deferred *flush)
{
    if (list_empty(&flush->link)) {
        list_append(&loop->flushes, &flush->link);
    }
}

void loop_defer_cancel(struct loop_deferred *deferred)
{
    list_remove(&deferred->link);
}

static void run_list(struct loop *loop, struct list *head)
{
    struct list now;
    list_init(&now);
    list_move_all(&now, head);
    for (struct list *at = list_shift(&now); at != NULL; at = list_shift(&now)) {
        struct loop_deferred *deferred = list_entry(at, struct loop_deferred, link);
        loop_enter(loop);
        deferred->cb(deferred->ctx);
        loop_leave(loop);
    }
}

/* A hook may remove itself and others: each is taken to the end of the list before its call. */
static void run_hooks(struct loop *loop)
{
    struct list now;
    list_init(&now);
    list_move_all(&now, &loop->hooks);
    for (struct list *at = list_shift(&now); at != NULL; at = list_shift(&now)) {
        struct loop_hook *hook = list_entry(at, struct loop_hook, link);
        list_append(&loop->hooks, at);
        loop_enter(loop);
        hook->cb(hook->ctx);
        loop_leave(loop);
    }
}

static void on_alarm(uv_timer_t *alarm)
{
    struct loop *loop = alarm->data;
    loop->timers.armed_us = INT64_MAX;
    timers_run(loop);
}

/* libuv's time is the monotonic clock in whole milliseconds, rounded down; ours is rounded up: never early. */
static void arm_alarm(struct loop *loop)
{
    int64_t next_us = clock_is_fake() ? INT64_MAX : timers_next_us(&loop->timers);
    if (next_us == loop->timers.armed_us) {
        return;
    }
    loop->timers.armed_us = next_us;
    if (next_us == INT64_MAX) {
        (void)uv_timer_stop(&loop->alarm);
        return;
    }
    int64_t due_ms = next_us / 1000 + (next_us % 1000 > 0);
    int64_t now_ms = (int64_t)uv_now(&loop->uv);
    (void)uv_timer_start(&loop->alarm, on_alarm, due_ms > now_ms ? (uint64_t)(due_ms - now_ms) : 0,
                         0);
}

static void on_again(uv_idle_t *again)
{
    (void)again; /* it is enough that the handle is active */
}

static void moderate(struct loop *loop)
{
    struct pace *pace = &loop->pace;
    int64_t now_us = clock_mono_us();
    if (now_us - pace->window_us >= WINDOW_US) {
        pace->busy = pace->arrivals > BUSY_ARRIVALS;
        pace->window_us = now_us;
        pace->arrivals = 0;
    }
    int64_t left_us = pace->turned_us + PACE_US - now_us;
    if (pace->busy && left_us > 0) {
        struct timespec pause = { .tv_nsec = left_us * 1000 };
        (void)nanosleep(&pause, NULL);
        now_us += left_us;
    }
    pace->turned_us = now_us;
}

static void on_prepare(uv_prepare_t *prepare)
{
    struct loop *loop = prepare->data;
    loop->stats.turns++;
    run_hooks(loop);
    bool called = !list_empty(&loop->deferred);
    run_list(loop, &loop->deferred);
    run_list(loop, &loop->flushes);
    arm_alarm(loop);
    bool more = !list_empty(&loop->deferred) || !list_empty(&loop->flushes);
    more |= loop->one_turn && called; /* its caller wants to look before it waits */
    if (more != (uv_is_active((uv_handle_t *)&loop->again) != 0)) {
        (void)(more ? uv_idle_start(&loop->again, on_again) : uv_idle_stop(&loop->again));
    }
    if (!more && !loop->one_turn && !clock_is_fake()) {
        moderate(loop);
    }
}

struct loop *loop_new(void)
{
    struct loop *loop = busbar_alloc(sizeof(*loop));
    int failed = uv_loop_init(&loop->uv);
    failed |= uv_async_init(&loop->uv, &loop->wake, on_wake);
    failed |= uv_prepare_init(&loop->uv, &loop->prepare);
    failed |= uv_idle_init(&loop->uv, &loop->again);
    failed |= uv_timer_init(&loop->uv, &loop->alarm);
    failed |= pthread_mutex_init(&loop->queue.lock, NULL);
    assert(failed == 0);
    loop->wake.data = loop;
    loop->prepare.data = loop;
    loop->alarm.data = loop;
    (void)uv_prepare_start(&loop->prepare, on_prepare);
    list_init(&loop->signals);
    list_init(&loop->hooks);
    list_init(&loop->deferred);
    list_init(&loop->flushes);
    timers_init(&loop->timers);
    loop->read_buffer = busbar_alloc(STREAM_READ_BYTES);
    return loop;
}

void loop_run(struct loop *loop)
{
    while (!atomic_load(&loop->stop_asked)) {
        (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
    }
    atomic_store(&loop->stop_asked, false);
}

void loop_stop(struct loop *loop)
{
    atomic_store(&loop->stop_asked, true);
    (void)uv_async_send(&loop->wake);
}

void loop_turn(struct loop *loop, bool may_wait)
{
    loop->one_turn = true;
    (void)uv_run(&loop->uv, may_wait ? UV_RUN_ONCE : UV_RUN_NOWAIT);
    loop->one_turn = false;
}

static void close_handle(uv_handle_t *handle, void *ctx)
{
    (void)ctx;
    if (!uv_is_closing(handle)) {
        uv_close(handle, NULL);
    }
}

void loop_free(struct loop *loop)
{
    while (loop->jobs > 0 || !list_empty(&loop->deferred)) {
        loop_turn(loop, true);
    }
    pthread_mutex_lock(&loop->queue.lock);
    loop->queue.closed = true;
    pthread_mutex_unlock(&loop->queue.lock);
    run_posts(loop);
    while (!list_empty(&loop->deferred)) {
        run_list(loop, &loop->deferred);
    }
    assert(loop->stats.streams == 0);
    loop_signals_close(loop);
    uv_walk(&loop->uv, close_handle, NULL);
    (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
    int busy = uv_loop_close(&loop->uv);
    assert(busy == 0);
    (void)busy;
    (void)pthread_mutex_destroy(&loop->queue.lock);
    timers_fini(&loop->timers);
    busbar_free(loop->queue.posts);
    busbar_free(loop->read_buffer);
    busbar_free(loop->plain_buffer);
    busbar_free(loop);
}

void loop_stats(const struct loop *loop, struct loop_stats *stats)
{
    *stats = loop->stats;
    stats->timers = loop->timers.heap.count;
}

void loop_stats_reset_longest(struct loop *loop)
{
    loop->stats.longest_us = 0;
}

void loop_advance_for_test(struct loop *loop, int64_t us)
{
    assert(clock_is_fake() && us >= 0);
    int64_t end_us = clock_mono_us() + us;
    for (;;) {
        do {
            loop_turn(loop, false);
        } while (uv_is_active((uv_handle_t *)&loop->again));
        int64_t next_us = timers_next_us(&loop->timers);
        if (next_us > end_us) {
            break;
        }
        int64_t now_us = clock_mono_us();
        clock_fake_advance(next_us > now_us ? next_us - now_us : 0);
        timers_run(loop);
    }
    clock_fake_advance(end_us - clock_mono_us());
}

int loop_error(int uv_error)
{
    if (uv_error >= 0) {
        return 0;
    }
    if (uv_error <= UV_EAI_ADDRFAMILY && uv_error >= UV_EAI_PROTOCOL) {
        return BUSBAR_EHOST;
    }
    return uv_error == UV_ECANCELED ? BUSBAR_ECANCELED : err_from_errno(-uv_error);
}
