/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streams on a descriptor: TCP, Unix sockets, serial lines. They differ in how the descriptor comes to be; reading,
 * gathering and writing are the same. One read and one write a turn and stream are the whole cost of a
 * request and its answer.
 *
 * Connecting: lookup (TCP by name) -> one attempt an address, each with its share of the time -> open.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"
#include "net/loop_private.h"
#include "net/serial.h"
#include "net/socket.h"
#include "net/stream_private.h"
#include "net/timer.h"

enum { READS_PER_EVENT_MAX = 16, KEPT_BUFFER_BYTES = 64 * 1024 };

/* Lives until the stream is open. */
struct connecting {
    struct timer timer;
    struct lookup *lookup;
    char host[ADDRESS_HOST_MAX];
    uint32_t timeout_ms;
    uint32_t silence_timeout_ms;
    int64_t deadline_us;
    struct socket_address addresses[SOCKET_ADDRESSES_MAX];
    size_t count;
    size_t next;
};

struct fd_stream {
    struct stream base;
    int fd; /* -1: none */
    bool serial;
    bool paused;
    bool ended;   /* the peer sends no more */
    bool blocked; /* the kernel took not all: waits for LOOP_WRITABLE */
    bool refused; /* a send did not fit: `drained` is owed */
    struct loop_fd *watch;
    struct loop_deferred flush;
    struct buf out;
    struct connecting *connecting;
    struct accept_quota *quota; /* NULL: opened by us */
    struct accept_source *source;
};

static void try_next(struct fd_stream *self, int last_error);

static struct fd_stream *of(struct stream *stream)
{
    return (struct fd_stream *)stream;
}

static void set_events(struct fd_stream *self)
{
    if (self->watch != NULL) {
        loop_fd_modify(self->watch, (self->paused || self->ended ? 0u : (unsigned)LOOP_READABLE) |
                                        (self->blocked ? (unsigned)LOOP_WRITABLE : 0u));
    }
}

static void drop_fd(struct fd_stream *self)
{
    loop_fd_unwatch(self->watch);
    self->watch = NULL;
    if (self->fd >= 0) {
        if (self->serial) {
            serial_close(self->fd);
        } else {
            (void)close(self->fd);
        }
        self->fd = -1;
    }
}

static void drop_connecting(struct fd_stream *self)
{
    if (self->connecting != NULL) {
        timer_stop(&self->connecting->timer);
        lookup_cancel(self->connecting->lookup);
        busbar_free(self->connecting);
        self->connecting = NULL;
    }
}

static void fail_with(struct fd_stream *self, int error)
{
    stream_failed(&self->base, error, "%s: %s", self->base.peer, err_text(error));
}

static ssize_t write_some(struct fd_stream *self)
{
    ssize_t written;
    do {
        written = self->serial ? write(self->fd, self->out.data, self->out.size)
                               : send(self->fd, self->out.data, self->out.size, MSG_NOSIGNAL);
    } while (written < 0 && errno == EINTR);
    if (written > 0) {
        buf_consume(&self->out, (size_t)written);
    }
    return written;
}

static void after_drained(struct fd_stream *self)
{
    if (self->out.capacity > KEPT_BUFFER_BYTES) {
        buf_fini(&self->out);
    }
    if (self->refused) {
        self->refused = false;
        if (self->base.events != NULL && self->base.events->drained != NULL) {
            self->base.events->drained(self->base.ctx);
        }
    }
}

/* Once a turn, and whenever a blocked descriptor is writable again. */
static void flush(void *ctx)
{
    struct fd_stream *self = ctx;
    if (self->base.phase != STREAM_OPEN || self->out.size == 0) {
        return;
    }
    if (write_some(self) < 0 && errno != EAGAIN) {
        fail_with(self, err_from_errno(errno));
        return;
    }
    bool blocked = self->out.size > 0;
    if (blocked != self->blocked) {
        self->blocked = blocked;
        set_events(self);
    }
    if (!blocked) {
        after_drained(self);
    }
}

static int fd_send(struct stream *stream, const void *data, size_t size)
{
    struct fd_stream *self = of(stream);
    if (size > self->out.max - self->out.size) {
        self->refused = true;
        return BUSBAR_ELIMIT;
    }
    if (buf_append(&self->out, data, size) != 0) {
        self->out.overflow = false; /* nothing was taken: what was taken before stays good */
        return BUSBAR_ENOMEM;
    }
    if (!self->blocked) {
        loop_defer_flush(stream->loop, &self->flush);
    }
    return 0;
}

/* False: nobody wants to know that the peer sends no more. */
static bool tell_ended(struct fd_stream *self)
{
    if (self->serial || self->base.events == NULL || self->base.events->ended == NULL) {
        return false;
    }
    self->ended = true;
    set_events(self);
    self->base.events->ended(self->base.ctx);
    return true;
}

static void read_all(struct fd_stream *self)
{
    uint8_t *buffer = self->base.loop->read_buffer;
    for (int i = 0; i < READS_PER_EVENT_MAX; i++) {
        ssize_t got = self->serial ? read(self->fd, buffer, STREAM_READ_BYTES)
                                   : recv(self->fd, buffer, STREAM_READ_BYTES, 0);
        if (got > 0) {
            stream_received(&self->base, buffer, (size_t)got);
            if (got < STREAM_READ_BYTES || self->base.phase != STREAM_OPEN || self->paused) {
                return;
            }
        } else if (got == 0 && tell_ended(self)) {
            return;
        } else if (got == 0) {
            stream_failed(&self->base, BUSBAR_ECLOSED,
                          self->serial ? "%s: unplugged" : "%s: closed by the peer",
                          self->base.peer);
            return;
        } else if (errno != EINTR) {
            if (errno != EAGAIN) {
                fail_with(self, err_from_errno(errno));
            }
            return;
        }
    }
}

static void on_ready(void *ctx, unsigned events)
{
    struct fd_stream *self = ctx;
    self->base.loop->pace.arrivals++;
    if ((events & LOOP_WRITABLE) != 0) {
        flush(self);
    }
    if ((events & (LOOP_READABLE | LOOP_ERROR)) != 0 && self->base.phase == STREAM_OPEN) {
        read_all(self);
    }
    if ((events & LOOP_ERROR) != 0 && self->base.phase == STREAM_OPEN) {
        int error = self->serial ? BUSBAR_EIO : socket_error(self->fd);
        fail_with(self, error != 0 ? error : BUSBAR_ERESET);
    }
}

/* The descriptor is connected: from now on it is watched for data. */
static void start_open(struct fd_stream *self)
{
    drop_connecting(self);
    if (self->watch != NULL) {
        loop_fd_unwatch(self->watch);
    }
    self->watch = loop_fd_watch(self->base.loop, self->fd, LOOP_READABLE, on_ready, self);
    if (self->watch == NULL) {
        fail_with(self, BUSBAR_EIO);
        return;
    }
    set_events(self);
    stream_opened(&self->base);
}

static void fail_connect(struct fd_stream *self, int error)
{
    const char *peer = self->base.peer;
    switch (error) {
    case BUSBAR_ETIMEOUT:
        stream_failed(&self->base, error,
                      self->connecting->lookup != NULL ? "%s: no name server answers (waited %u ms)"
                                                       : "%s does not answer (waited %u ms)",
                      peer, self->connecting->timeout_ms);
        break;
    case BUSBAR_ECONNREFUSED:
        stream_failed(&self->base, error, "%s refused the connection: nothing listens there", peer);
        break;
    case BUSBAR_EROUTE: stream_failed(&self->base, error, "no route to %s", peer); break;
    case BUSBAR_EHOST:
        stream_failed(&self->base, error, "name '%s' not found", self->connecting->host);
        break;
    default: stream_failed(&self->base, error, "cannot connect to %s: %s", peer, err_text(error));
    }
}

static void on_connect_ready(void *ctx, unsigned events)
{
    (void)events;
    struct fd_stream *self = ctx;
    int error = socket_error(self->fd);
    if (error != 0) {
        try_next(self, error);
    } else {
        start_open(self);
    }
}

static void on_attempt_timeout(struct timer *timer, void *ctx)
{
    (void)timer;
    try_next(ctx, BUSBAR_ETIMEOUT);
}

/* 0 when the attempt runs. */
static int attempt(struct fd_stream *self, const struct socket_address *address)
{
    (void)socket_format(self->base.peer, sizeof(self->base.peer), address);
    self->fd = socket_stream(address->storage.ss_family, self->connecting->silence_timeout_ms);
    if (self->fd < 0) {
        int error = self->fd;
        self->fd = -1;
        return error;
    }
    const struct sockaddr *name = (const struct sockaddr *)&address->storage;
    if (connect(self->fd, name, address->size) != 0 && errno != EINPROGRESS && errno != EINTR) {
        return err_from_errno(errno);
    }
    self->watch = loop_fd_watch(self->base.loop, self->fd, LOOP_WRITABLE, on_connect_ready, self);
    return self->watch != NULL ? 0 : BUSBAR_EIO;
}

/* Goes on with the next address; after the last one the stream fails with the last error. */
static void try_next(struct fd_stream *self, int last_error)
{
    struct connecting *connecting = self->connecting;
    while (connecting->next < connecting->count) {
        drop_fd(self);
        int64_t left_us = connecting->deadline_us - clock_mono_us();
        if (left_us <= 0) {
            last_error = BUSBAR_ETIMEOUT;
            break;
        }
        int64_t share_us = left_us / (int64_t)(connecting->count - connecting->next);
        last_error = attempt(self, &connecting->addresses[connecting->next++]);
        if (last_error == 0) {
            timer_start_us(&connecting->timer, share_us, 0);
            return;
        }
    }
    fail_connect(self, last_error);
}

static void on_looked_up(void *ctx, int error, const struct socket_address *addresses, size_t count)
{
    struct fd_stream *self = ctx;
    struct connecting *connecting = self->connecting;
    connecting->lookup = NULL;
    memcpy(connecting->addresses, addresses, count * sizeof(*addresses));
    connecting->count = count;
    timer_stop(&connecting->timer);
    if (error != 0) {
        fail_connect(self, error);
    } else {
        try_next(self, BUSBAR_EHOST);
    }
}

static void begin_tcp(struct fd_stream *self, const struct stream_target *target)
{
    struct connecting *connecting = self->connecting;
    struct endpoint endpoint;
    if (endpoint_parse(target->host, target->port, &endpoint) == 0) {
        socket_from_endpoint(&endpoint, &connecting->addresses[0]);
        connecting->count = 1;
        try_next(self, BUSBAR_EHOST);
        return;
    }
    timer_start(&connecting->timer, connecting->timeout_ms, 0);
    connecting->lookup = lookup_start(self->base.loop, target->host, target->port, on_looked_up,
                                      self);
    if (connecting->lookup == NULL) {
        fail_connect(self, BUSBAR_EHOST);
    }
}

static void begin_unix(struct fd_stream *self, const struct stream_target *target)
{
    struct connecting *connecting = self->connecting;
    int error = socket_from_path(target->path, &connecting->addresses[0]);
    connecting->count = error == 0 ? 1 : 0;
    try_next(self, error);
}

/* A serial line is open at once; its owner is told by the loop. */
static void on_serial_ready(struct timer *timer, void *ctx)
{
    (void)timer;
    start_open(ctx);
}

static void begin_serial(struct fd_stream *self, const struct stream_target *target)
{
    char reason[STREAM_DETAIL_MAX];
    self->serial = true;
    int fd = serial_open(&target->serial, reason, sizeof(reason));
    if (fd < 0) {
        stream_failed(&self->base, fd, "%s", reason);
        return;
    }
    self->fd = fd;
    timer_init(&self->connecting->timer, self->base.loop, on_serial_ready, self);
    timer_start(&self->connecting->timer, 0, 0);
}

static void fd_close(struct stream *stream)
{
    struct fd_stream *self = of(stream);
    if (stream->error == 0 && self->fd >= 0 && self->out.size > 0) {
        (void)write_some(self);
    }
    loop_defer_cancel(&self->flush);
    drop_connecting(self);
    drop_fd(self);
    stream_ended(stream);
}

static void fd_pause(struct stream *stream, bool paused)
{
    of(stream)->paused = paused;
    if (stream->phase == STREAM_OPEN) {
        set_events(of(stream));
    }
}

static void fd_discard(struct stream *stream)
{
    if (of(stream)->serial) {
        serial_discard_input(of(stream)->fd);
    }
}

static size_t fd_pending(const struct stream *stream)
{
    return ((const struct fd_stream *)stream)->out.size;
}

void accept_quota_drop(struct accept_quota *quota)
{
    if (quota->open == 0 && !quota->listening) {
        map64_fini(&quota->sources);
        busbar_free(quota);
    }
}

static void drop_source(struct accept_quota *quota, struct accept_source *source)
{
    if (source != NULL && --source->open == 0) {
        (void)map64_remove(&quota->sources, source->key);
        busbar_free(source);
    }
}

static void fd_free(struct stream *stream)
{
    struct accept_quota *quota = of(stream)->quota;
    if (quota != NULL) {
        drop_source(quota, of(stream)->source);
        quota->open--;
        accept_quota_drop(quota);
    }
    buf_fini(&of(stream)->out);
    busbar_free(stream);
}

static void fd_ack_now(struct stream *stream)
{
    struct fd_stream *self = of(stream);
    if (!self->serial) {
        socket_ack_now(self->fd);
    }
}

static const struct stream_ops fd_ops = {
    .send = fd_send,
    .close = fd_close,
    .pause = fd_pause,
    .discard = fd_discard,
    .ack_now = fd_ack_now,
    .pending = fd_pending,
    .free = fd_free,
};

static struct fd_stream *new_stream(struct loop *loop, const struct stream_events *events,
                                    void *ctx, size_t send_max)
{
    struct fd_stream *self = busbar_alloc(sizeof(*self));
    stream_base_init(&self->base, &fd_ops, loop, events, ctx);
    self->fd = -1;
    loop_deferred_init(&self->flush, flush, self);
    buf_init(&self->out, send_max);
    return self;
}

int stream_fd_open(struct loop *loop, const struct stream_target *target,
                   const struct stream_events *events, void *ctx, struct stream **out)
{
    struct fd_stream *self = new_stream(loop, events, ctx, target->send_max);
    self->connecting = busbar_alloc(sizeof(*self->connecting));
    timer_init(&self->connecting->timer, loop, on_attempt_timeout, self);
    self->connecting->timeout_ms = target->connect_timeout_ms;
    self->connecting->silence_timeout_ms = target->silence_timeout_ms;
    self->connecting->deadline_us = clock_mono_us() + target->connect_timeout_ms * CLOCK_US_PER_MS;
    *out = &self->base;
    if (target->kind == STREAM_SERIAL) {
        (void)str_copy(self->base.peer, sizeof(self->base.peer), target->serial.path);
        begin_serial(self, target);
    } else if (target->kind == STREAM_UNIX) {
        (void)str_copy(self->base.peer, sizeof(self->base.peer), target->path);
        begin_unix(self, target);
    } else {
        (void)str_copy(self->connecting->host, sizeof(self->connecting->host), target->host);
        (void)str_format(self->base.peer, sizeof(self->base.peer), "%s:%u", target->host,
                         target->port);
        begin_tcp(self, target);
    }
    return 0;
}

struct stream *stream_fd_accept(struct loop *loop, int fd, const char *peer, size_t send_max,
                                struct accept_quota *quota, struct accept_source *source)
{
    struct fd_stream *self = new_stream(loop, NULL, NULL, send_max);
    self->fd = fd;
    self->quota = quota;
    self->source = source;
    quota->open++;
    (void)str_copy(self->base.peer, sizeof(self->base.peer), peer);
    return &self->base;
}

void stream_fd_owe_drained(struct stream *stream)
{
    of(stream)->refused = true;
}

void stream_start_accepted(struct stream *stream)
{
    start_open(of(stream));
}
