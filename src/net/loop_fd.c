/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Watched descriptors and signals. A watch outlives loop_fd_unwatch() for a moment, until libuv has let go of its
 * handle; its callback does not. An error on the descriptor ends the watching inside libuv; the owner
 * reads the reason from the descriptor itself.
 */
#include "base/alloc.h"
#include "base/err.h"
#include "net/loop_private.h"

struct loop_fd {
    uv_poll_t poll;
    struct loop *loop;
    loop_fd_cb cb;
    void *ctx;
};

static void on_events(uv_poll_t *poll, int status, int uv_events)
{
    struct loop_fd *watch = poll->data;
    unsigned events = status < 0 ? LOOP_ERROR : 0;
    events |= (uv_events & (UV_READABLE | UV_DISCONNECT)) != 0 ? LOOP_READABLE : 0;
    events |= (uv_events & UV_WRITABLE) != 0 ? LOOP_WRITABLE : 0;
    struct loop *loop = watch->loop;
    loop_enter(loop);
    watch->cb(watch->ctx, events);
    loop_leave(loop);
}

static void on_fd_closed(uv_handle_t *handle)
{
    busbar_free(handle->data);
}

struct loop_fd *loop_fd_watch(struct loop *loop, int fd, unsigned events, loop_fd_cb cb, void *ctx)
{
    struct loop_fd *watch = busbar_alloc(sizeof(*watch));
    if (fd < 0 || uv_poll_init(&loop->uv, &watch->poll, fd) != 0) {
        busbar_free(watch);
        return NULL;
    }
    watch->poll.data = watch;
    watch->loop = loop;
    watch->cb = cb;
    watch->ctx = ctx;
    loop_fd_modify(watch, events);
    return watch;
}

void loop_fd_modify(struct loop_fd *watch, unsigned events)
{
    int uv_events = (events & LOOP_READABLE) != 0 ? UV_READABLE : 0;
    uv_events |= (events & LOOP_WRITABLE) != 0 ? UV_WRITABLE : 0;
    if (uv_events == 0) {
        (void)uv_poll_stop(&watch->poll);
    } else {
        (void)uv_poll_start(&watch->poll, uv_events, on_events);
    }
}

void loop_fd_unwatch(struct loop_fd *watch)
{
    if (watch != NULL) {
        (void)uv_poll_stop(&watch->poll);
        uv_close((uv_handle_t *)&watch->poll, on_fd_closed);
    }
}

struct watched_signal {
    uv_signal_t handle;
    struct list link;
    struct loop *loop;
    int number;
    loop_signal_cb cb;
    void *ctx;
};

static void on_signal(uv_signal_t *handle, int number)
{
    struct watched_signal *watched = handle->data;
    struct loop *loop = watched->loop;
    loop_enter(loop);
    watched->cb(watched->ctx, number);
    loop_leave(loop);
}

static void on_signal_closed(uv_handle_t *handle)
{
    busbar_free(handle->data);
}

static void drop_signal(struct watched_signal *watched)
{
    list_remove(&watched->link);
    uv_close((uv_handle_t *)&watched->handle, on_signal_closed);
}

int loop_signal(struct loop *loop, int signal_number, loop_signal_cb cb, void *ctx)
{
    list_each_safe(at, &loop->signals) {
        struct watched_signal *watched = list_entry(at, struct watched_signal, link);
        if (watched->number == signal_number) {
            drop_signal(watched);
        }
    }
    if (cb == NULL) {
        return 0;
    }
    struct watched_signal *watched = busbar_alloc(sizeof(*watched));
    (void)uv_signal_init(&loop->uv, &watched->handle);
    watched->handle.data = watched;
    watched->loop = loop;
    watched->number = signal_number;
    watched->cb = cb;
    watched->ctx = ctx;
    list_append(&loop->signals, &watched->link);
    if (uv_signal_start(&watched->handle, on_signal, signal_number) != 0) {
        drop_signal(watched);
        return BUSBAR_EINVAL;
    }
    return 0;
}

void loop_signals_close(struct loop *loop)
{
    list_each_safe(at, &loop->signals) {
        drop_signal(list_entry(at, struct watched_signal, link));
    }
}
