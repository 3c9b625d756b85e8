/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/opcua/link/thread.h"

#include <assert.h>
#include <pthread.h>

#include "base/alloc.h"
#include "drivers/opcua/link/event_loop.h"

struct opcua_thread {
    struct loop *home;
    struct loop *loop;
    struct UA_EventLoop *event_loop;
    pthread_t thread;
    struct list sessions;
    size_t holds;
    bool stopping;
    bool borrowed; /* `loop` is the caller's, there is no thread */
};

static struct opcua_thread *thread_new(struct loop *home, struct loop *loop)
{
    struct opcua_thread *thread = busbar_alloc(sizeof(*thread));
    thread->home = home;
    thread->loop = loop;
    thread->event_loop = opcua_event_loop_new(loop);
    list_init(&thread->sessions);
    return thread;
}

static void *run(void *ctx)
{
    struct opcua_thread *thread = ctx;
    loop_run(thread->loop);
    return NULL;
}

int opcua_thread_start(struct loop *home, struct opcua_thread **out, struct err *err)
{
    struct opcua_thread *thread = thread_new(home, loop_new());
    if (pthread_create(&thread->thread, NULL, run, thread) != 0) {
        loop_free(thread->loop);
        opcua_event_loop_free(thread->event_loop);
        busbar_free(thread);
        err_set(err, BUSBAR_ENOMEM, "the system gives no thread for OPC UA");
        return err_hint(err, "see the limits of processes and threads: ulimit -u");
    }
    *out = thread;
    return 0;
}

struct opcua_thread *opcua_thread_borrow(struct loop *loop)
{
    struct opcua_thread *thread = thread_new(loop, loop);
    thread->borrowed = true;
    return thread;
}

static void stop_loop(void *ctx)
{
    struct opcua_thread *thread = ctx;
    thread->stopping = true;
    if (thread->holds == 0) {
        loop_stop(thread->loop);
    }
}

void opcua_thread_hold(struct opcua_thread *thread)
{
    thread->holds++;
}

void opcua_thread_release(struct opcua_thread *thread)
{
    assert(thread->holds > 0);
    thread->holds--;
    if (thread->holds == 0 && thread->stopping) {
        loop_stop(thread->loop);
    }
}

void opcua_thread_stop(struct opcua_thread *thread)
{
    if (thread == NULL) {
        return;
    }
    if (!thread->borrowed) {
        (void)loop_post(thread->loop, stop_loop, thread);
        (void)pthread_join(thread->thread, NULL);
        loop_free(thread->loop);
    }
    assert(list_empty(&thread->sessions));
    opcua_event_loop_free(thread->event_loop);
    busbar_free(thread);
}

void opcua_thread_do(struct opcua_thread *thread, loop_cb cb, void *ctx)
{
    (void)loop_post(thread->loop, cb, ctx);
}

void opcua_thread_tell(struct opcua_thread *thread, loop_cb cb, void *ctx)
{
    (void)loop_post(thread->home, cb, ctx);
}

struct loop *opcua_thread_loop(struct opcua_thread *thread)
{
    return thread->loop;
}

struct UA_EventLoop *opcua_thread_event_loop(struct opcua_thread *thread)
{
    return thread->event_loop;
}

struct list *opcua_thread_sessions(struct opcua_thread *thread)
{
    return &thread->sessions;
}
