/* SPDX-License-Identifier: Apache-2.0 */
/* Private to net/: what a loop is made of, and what its parts ask of one another. */
#ifndef BUSBAR_NET_LOOP_PRIVATE_H
#define BUSBAR_NET_LOOP_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>
#include <uv.h>

#include "base/heap.h"
#include "net/loop.h"
#include "net/stream.h"

struct post {
    loop_cb cb;
    void *ctx;
};

/* Calls waiting for the loop's thread; the one thing here that other threads touch. */
struct post_queue {
    pthread_mutex_t lock; /* the loop's post lock */
    struct post *posts;
    size_t count;
    size_t capacity;
    bool closed;
};

struct timers {
    struct heap heap; /* by time */
    struct list due;  /* collected in this round, not called yet */
    uint64_t order;   /* of the last start */
    int64_t armed_us; /* what the timer of libuv is set for; INT64_MAX: not running */
};

/* How busy the loop is, for moderation (loop.c). */
struct pace {
    int64_t window_us, turned_us; /* begin of the window; of this turn's waiting */
    uint64_t arrivals;            /* on streams, in this window */
    bool busy;
};

struct loop {
    uv_loop_t uv;
    uv_async_t wake;
    uv_prepare_t prepare;
    uv_idle_t again; /* running: the next turn must not wait */
    uv_timer_t alarm;
    struct list signals;
    struct post_queue queue;
    atomic_bool stop_asked;
    struct timers timers;
    struct list hooks;
    struct list deferred;
    struct list flushes;
    size_t jobs;
    bool one_turn;  /* inside loop_turn() */
    unsigned depth; /* callbacks in progress, one inside the other */
    int64_t now_us;
    struct loop_stats stats;
    struct pace pace;
    stream_open_cb open_hook;
    void *open_hook_ctx;
    uint8_t *read_buffer;  /* STREAM_READ_BYTES, one for all descriptors */
    uint8_t *plain_buffer; /* the same for what TLS decrypts; NULL until needed */
};

/* Around every callback into other folders: clock and lag. */
void loop_enter(struct loop *loop);
void loop_leave(struct loop *loop);

/* Like loop_defer(), but after all deferred calls of the turn: one write for all that was sent. */
void loop_defer_flush(struct loop *loop, struct loop_deferred *flush);

void timers_init(struct timers *timers);
void timers_fini(struct timers *timers);
int64_t timers_next_us(const struct timers *timers); /* INT64_MAX: none runs */
void timers_run(struct loop *loop);

/* BUSBAR_ code for a negative code of libuv. */
int loop_error(int uv_error);

/* Closes the handles of all signals (loop_free). */
void loop_signals_close(struct loop *loop);

#endif
