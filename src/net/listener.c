/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Accepts a bounded number of connections a turn. When the process has few descriptors left, accepting rests for a tenth
 * of a second: the waiting connection would make the loop spin, and what else needs a file would fail.
 */
#include "net/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/str.h"
#include "net/socket.h"
#include "net/stream_private.h"
#include "net/timer.h"

enum {
    STREAMS_MAX = 1024,
    BACKLOG = 4096, /* the kernel takes no more than net.core.somaxconn */
    ACCEPTS_PER_EVENT_MAX = 64,
    CHECK_EVERY = 16,
    REST_MS = 100,
};

struct listener {
    struct loop *loop;
    int fd;
    struct loop_fd *watch;
    struct timer rest;
    struct tls_context *tls;
    const struct listener_events *events;
    void *ctx;
    char *path; /* of a Unix socket, removed at the end */
    size_t streams_max;
    size_t source_max; /* 0: not counted */
    const struct allow *allow;
    size_t send_max;
    uint32_t silence_timeout_ms;
    uint64_t refused;
    struct accept_quota *quota;
};

static uint64_t source_key(const struct endpoint *from)
{
    return hash_keyed(from->ip, from->family == 4 ? 4 : sizeof(from->ip));
}

/* Counts one more of an address. NULL: there are too many, or nobody counts. */
static struct accept_source *count_source(struct listener *self, const struct endpoint *from)
{
    uint64_t key = source_key(from);
    struct accept_source *source = map64_get(&self->quota->sources, key);
    if (source == NULL) {
        source = busbar_alloc(sizeof(*source));
        source->key = key;
        (void)map64_set(&self->quota->sources, key, source);
    }
    if (source->open >= self->source_max) {
        return NULL;
    }
    source->open++;
    return source;
}

/* Why it is not taken; NULL: it is. */
static const char *why_not(struct listener *self, const struct socket_address *from,
                           struct accept_source **source)
{
    struct endpoint endpoint = { 0 };
    bool network = from->storage.ss_family != AF_UNIX;
    if (self->quota->open - 1 >= self->streams_max) {
        return "too many connections";
    }
    if (network) {
        socket_to_endpoint(&from->storage, &endpoint);
    }
    if (network && self->allow != NULL && !allow_takes(self->allow, &endpoint)) {
        return "its address is not allowed";
    }
    if (network && self->source_max > 0) {
        *source = count_source(self, &endpoint);
        return *source == NULL ? "too many connections of this address" : NULL;
    }
    return NULL;
}

static void hand_over(struct listener *self, int fd, const struct socket_address *from)
{
    char peer[ADDRESS_TEXT_MAX];
    struct accept_source *source = NULL;
    (void)socket_format(peer, sizeof(peer), from);
    const char *why = why_not(self, from, &source);
    if (why != NULL) {
        self->refused++;
        (void)close(fd);
        if (self->events->refused != NULL) {
            self->events->refused(self->ctx, peer, why);
        }
        return;
    }
    if (from->storage.ss_family != AF_UNIX) {
        socket_set_options(fd, self->silence_timeout_ms);
    }
    size_t slack = self->tls != NULL ? STREAM_TLS_SLACK_BYTES : 0;
    struct stream *inner = stream_fd_accept(self->loop, fd, peer, self->send_max + slack,
                                            self->quota, source);
    struct stream *stream = inner;
    if (self->tls != NULL) {
        stream = stream_tls_accept(self->loop, self->tls, inner, self->send_max);
        if (stream == NULL) {
            stream_close(inner);
            return;
        }
    }
    self->events->accepted(self->ctx, stream);
    if (stream->events == NULL) {
        stream_close(stream);
    } else if (inner->phase == STREAM_CONNECTING) {
        stream_start_accepted(inner);
    }
}

static void rest(struct listener *self)
{
    loop_fd_modify(self->watch, 0);
    timer_start(&self->rest, REST_MS, 0);
}

/* Whether the next descriptor would be one of those kept for others. The system gives the lowest that is free. */
static bool is_short(const struct listener *self)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return false;
    }
    rlim_t reserve = limit.rlim_cur / 8 < LISTENER_RESERVE ? limit.rlim_cur / 8 : LISTENER_RESERVE;
    int next = fcntl(self->fd, F_DUPFD_CLOEXEC, 0);
    if (next >= 0) {
        (void)close(next);
    }
    return next < 0 || (rlim_t)next >= limit.rlim_cur - reserve;
}

static void on_ready(void *ctx, unsigned events)
{
    (void)events;
    struct listener *self = ctx;
    struct accept_quota *quota = self->quota;
    quota->open++; /* ours, so that the quota outlives a close in the callback */
    for (int i = 0; i < ACCEPTS_PER_EVENT_MAX && quota->listening; i++) {
        struct socket_address from = { .size = sizeof(from.storage) };
        if (i % CHECK_EVERY == 0 && is_short(self)) {
            rest(self);
            break;
        }
        int fd = accept4(self->fd, (struct sockaddr *)&from.storage, &from.size,
                         SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            hand_over(self, fd, &from);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
            rest(self);
            break;
        } else if (errno == EAGAIN) {
            break;
        }
    }
    quota->open--;
    accept_quota_drop(quota);
}

static void on_rested(struct timer *timer, void *ctx)
{
    (void)timer;
    struct listener *self = ctx;
    loop_fd_modify(self->watch, LOOP_READABLE);
}

static int find_address(const struct listener_target *target, struct socket_address *out)
{
    if (target->path != NULL) {
        return socket_from_path(target->path, out);
    }
    const char *host = target->host;
    if (host == NULL || str_equal(host, "localhost")) {
        host = "127.0.0.1";
    }
    struct endpoint endpoint;
    int error = endpoint_parse(host, target->port, &endpoint);
    if (error == 0) {
        socket_from_endpoint(&endpoint, out);
    }
    return error;
}

/* A socket file that nobody answers on is left from a crash. */
static void remove_stale(const char *path, const struct socket_address *address)
{
    struct stat status;
    if (stat(path, &status) != 0 || !S_ISSOCK(status.st_mode)) {
        return;
    }
    int fd = socket_stream(AF_UNIX, 0);
    if (fd < 0) {
        return;
    }
    const struct sockaddr *name = (const struct sockaddr *)&address->storage;
    if (connect(fd, name, address->size) != 0 && errno == ECONNREFUSED) {
        (void)unlink(path);
    }
    (void)close(fd);
}

/* The listening descriptor or a code. */
static int bind_and_listen(const struct listener_target *target,
                           const struct socket_address *address)
{
    int fd = socket_stream(address->storage.ss_family, STREAM_SILENCE_TIMEOUT_MS);
    if (fd < 0) {
        return fd;
    }
    int on = 1;
    if (target->path != NULL) {
        remove_stale(target->path, address);
    } else {
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    }
    if (address->storage.ss_family == AF_INET6) { /* v4 has sockets of its own */
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
    }
    const struct sockaddr *name = (const struct sockaddr *)&address->storage;
    if (bind(fd, name, address->size) != 0 || listen(fd, BACKLOG) != 0) {
        int error = err_from_errno(errno);
        (void)close(fd);
        return error;
    }
    return fd;
}

static int fail(struct err *err, int code, const struct listener_target *target)
{
    if (target->path != NULL) {
        return err_set(err, code, "cannot listen on %s: %s", target->path, err_text(code));
    }
    const char *host = target->host != NULL ? target->host : "127.0.0.1";
    const char *why = err_text(code);
    if (code == BUSBAR_EHOST) {
        why = "not an address of this machine";
    } else if (code == BUSBAR_EPERM) {
        why = "not permitted (ports below 1024 need CAP_NET_BIND_SERVICE)";
    }
    struct address address = { .port = target->port };
    (void)str_copy(address.host, sizeof(address.host), host);
    char text[ADDRESS_TEXT_MAX];
    (void)address_format(text, sizeof(text), &address);
    return err_set(err, code, "cannot listen on %s: %s", text, why);
}

int listener_open(struct loop *loop, const struct listener_target *target,
                  const struct listener_events *events, void *ctx, struct listener **out,
                  struct err *err)
{
    struct socket_address address;
    int error = find_address(target, &address);
    if (error != 0) {
        return fail(err, error, target);
    }
    int fd = bind_and_listen(target, &address);
    if (fd < 0) {
        return fail(err, fd, target);
    }
    struct listener *self = busbar_alloc(sizeof(*self));
    self->loop = loop;
    self->fd = fd;
    self->watch = loop_fd_watch(loop, fd, LOOP_READABLE, on_ready, self);
    if (self->watch == NULL) {
        (void)close(fd);
        busbar_free(self);
        return fail(err, BUSBAR_EIO, target);
    }
    timer_init(&self->rest, loop, on_rested, self);
    self->tls = target->tls != NULL ? tls_context_ref(target->tls) : NULL;
    self->events = events;
    self->ctx = ctx;
    self->path = busbar_strdup(target->path);
    self->streams_max = target->streams_max > 0 ? target->streams_max : STREAMS_MAX;
    self->source_max = target->source_max;
    self->allow = target->allow;
    self->send_max = target->send_max > 0 ? target->send_max : STREAM_SEND_MAX;
    self->silence_timeout_ms = target->silence_timeout_ms > 0 ? target->silence_timeout_ms
                                                              : STREAM_SILENCE_TIMEOUT_MS;
    self->quota = busbar_alloc(sizeof(*self->quota));
    self->quota->listening = true;
    *out = self;
    return 0;
}

uint16_t listener_port(const struct listener *listener)
{
    return socket_local_port(listener->fd);
}

uint64_t listener_refused(const struct listener *listener)
{
    return listener->refused;
}

size_t listener_streams(const struct listener *listener)
{
    return listener->quota->open;
}

bool listener_rests(const struct listener *listener)
{
    return timer_running(&listener->rest);
}

void listener_close(struct listener *listener)
{
    if (listener == NULL) {
        return;
    }
    timer_stop(&listener->rest);
    loop_fd_unwatch(listener->watch);
    (void)close(listener->fd);
    if (listener->path != NULL) {
        (void)unlink(listener->path);
    }
    listener->quota->listening = false;
    accept_quota_drop(listener->quota);
    tls_context_unref(listener->tls);
    busbar_free(listener->path);
    busbar_free(listener);
}
