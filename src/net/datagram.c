/* SPDX-License-Identifier: Apache-2.0 */
/* A bounded number of receives a turn, so that a flood leaves time for the rest. */
#include "net/datagram.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <linux/errqueue.h>

#include "base/alloc.h"
#include "net/loop_private.h"
#include "net/socket.h"
#include "net/timer.h"

enum {
    RECEIVES_PER_EVENT_MAX = 64,
    BATCH_MAX = 32,
    QUEUE_MAX = 64,
    QUEUE_BYTES = 2 * STREAM_READ_BYTES, /* at least one of the longest */
    QUEUE_AGAIN_MS = 1,                  /* the kernel's send buffer was full */
};

/* What is sent when the turn ends. */
struct queue {
    struct socket_address to[QUEUE_MAX];
    struct iovec data[QUEUE_MAX];
    unsigned first, count; /* first: not sent yet */
    size_t used;           /* of bytes */
    struct loop_deferred turn;
    struct timer again;
    bool sending;
    uint8_t bytes[QUEUE_BYTES];
};

struct datagram {
    struct loop *loop;
    int fd;
    struct loop_fd *watch;
    datagram_cb cb;
    datagram_refused_cb refused; /* NULL: not told */
    void *ctx;
    struct queue *queue; /* NULL: nothing was queued yet */
    uint8_t *many;       /* a read buffer of its own; NULL: the loop's */
    size_t slot;         /* bytes of the read buffer for one datagram */
    uint32_t lost_told;  /* by the kernel, modulo 2^32 */
    uint64_t lost;
    unsigned
        inside; /* calls of ours that call back: a close leaves the memory to the last of them */
    bool held;  /* not begun yet */
    bool closed;
};

/* SO_RXQ_OVFL: the kernel's count of what it dropped comes with each datagram. */
static void take_lost(struct datagram *self, struct msghdr *message)
{
    for (struct cmsghdr *at = CMSG_FIRSTHDR(message); at != NULL; at = CMSG_NXTHDR(message, at)) {
        if (at->cmsg_level == SOL_SOCKET && at->cmsg_type == SO_RXQ_OVFL) {
            uint32_t told;
            memcpy(&told, CMSG_DATA(at), sizeof(told));
            self->lost += (uint32_t)(told - self->lost_told);
            self->lost_told = told;
        }
    }
}

/* What one call of the kernel fills. */
struct batch {
    struct mmsghdr messages[BATCH_MAX];
    struct iovec data[BATCH_MAX];
    struct sockaddr_storage from[BATCH_MAX];
    union {
        struct cmsghdr align;
        char space[CMSG_SPACE(sizeof(uint32_t))];
    } control[BATCH_MAX];
};

static unsigned batch_size(const struct datagram *self)
{
    size_t room = self->many != NULL ? BATCH_MAX : STREAM_READ_BYTES / self->slot;
    return room < BATCH_MAX ? (unsigned)room : BATCH_MAX;
}

/* As many datagrams as there are and have room in the loop's buffer; their count, or -1 and errno.
 */
static int receive(const struct datagram *self, struct batch *batch)
{
    unsigned count = batch_size(self);
    uint8_t *buffer = self->many != NULL ? self->many : self->loop->read_buffer;
    for (unsigned i = 0; i < count; i++) {
        batch->data[i] = (struct iovec){ .iov_base = buffer + i * self->slot,
                                         .iov_len = self->slot };
        batch->messages[i].msg_hdr = (struct msghdr){ .msg_name = &batch->from[i],
                                                      .msg_namelen = sizeof(batch->from[i]),
                                                      .msg_iov = &batch->data[i],
                                                      .msg_iovlen = 1,
                                                      .msg_control = batch->control[i].space,
                                                      .msg_controllen = sizeof(
                                                          batch->control[i].space) };
    }
    return recvmmsg(self->fd, batch->messages, count, MSG_DONTWAIT, NULL);
}

static void free_closed(struct datagram *self)
{
    busbar_free(self->queue);
    busbar_free(self->many);
    busbar_free(self);
}

static void leave(struct datagram *self)
{
    self->inside--;
    if (self->closed && self->inside == 0) {
        free_closed(self);
    }
}

/* Why a datagram came back; 0: this is something else. */
static int refusal_of(struct msghdr *message)
{
    for (struct cmsghdr *at = CMSG_FIRSTHDR(message); at != NULL; at = CMSG_NXTHDR(message, at)) {
        if ((at->cmsg_level == IPPROTO_IP && at->cmsg_type == IP_RECVERR) ||
            (at->cmsg_level == IPPROTO_IPV6 && at->cmsg_type == IPV6_RECVERR)) {
            struct sock_extended_err why;
            memcpy(&why, CMSG_DATA(at), sizeof(why));
            bool icmp = why.ee_origin == SO_EE_ORIGIN_ICMP || why.ee_origin == SO_EE_ORIGIN_ICMP6;
            return icmp ? err_from_errno((int)why.ee_errno) : 0;
        }
    }
    return 0;
}

/* The queue of what came back; the error ended the watching (loop.h), so it begins again. */
static void take_refused(struct datagram *self)
{
    for (int taken = 0; taken < RECEIVES_PER_EVENT_MAX && !self->closed; taken++) {
        struct sockaddr_storage to;
        union {
            struct cmsghdr align;
            char space[256];
        } control;
        struct iovec data = { .iov_base = self->loop->read_buffer, .iov_len = STREAM_READ_BYTES };
        struct msghdr message = { .msg_name = &to,
                                  .msg_namelen = sizeof(to),
                                  .msg_iov = &data,
                                  .msg_iovlen = 1,
                                  .msg_control = control.space,
                                  .msg_controllen = sizeof(control.space) };
        ssize_t size = recvmsg(self->fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT);
        int error = size >= 0 ? refusal_of(&message) : 0;
        if (size < 0) {
            break;
        }
        if (error != 0 && message.msg_namelen > 0) {
            struct endpoint endpoint;
            socket_to_endpoint(&to, &endpoint);
            self->refused(self->ctx, &endpoint, data.iov_base, (size_t)size, error);
        }
    }
    if (!self->closed) {
        loop_fd_modify(self->watch, self->held ? 0 : LOOP_READABLE);
    }
}

static void on_ready(void *ctx, unsigned events)
{
    struct datagram *self = ctx;
    struct batch batch;
    self->inside++;
    if ((events & LOOP_ERROR) != 0 && self->refused != NULL) {
        take_refused(self);
    }
    for (int taken = 0; taken < RECEIVES_PER_EVENT_MAX && !self->closed;) {
        int count = receive(self, &batch);
        if (count < 0 && errno == EAGAIN) {
            break;
        }
        taken += count > 0 ? count : 1; /* else: an answer of the network to something we sent */
        for (int i = 0; i < count && !self->closed; i++) {
            struct mmsghdr *message = &batch.messages[i];
            struct endpoint endpoint;
            take_lost(self, &message->msg_hdr);
            socket_to_endpoint(&batch.from[i], &endpoint);
            self->cb(self->ctx, &endpoint, batch.data[i].iov_base, message->msg_len);
        }
        if (count > 0 && (unsigned)count < batch_size(self)) {
            break; /* there were no more */
        }
    }
    leave(self);
}

static int bind_socket(const struct datagram_options *options, const struct endpoint *local)
{
    int family = local->family == 6 ? AF_INET6 : AF_INET;
    int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return err_from_errno(errno);
    }
    int on = 1;
    if (family == AF_INET6) { /* v4 has sockets of its own, of the same port perhaps */
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
    }
    if (options->broadcast) {
        (void)setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &on, sizeof(on));
    }
    if (options->reuse) {
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    }
    if (options->receive_bytes > 0) {
        /* over net.core.rmem_max only with the right to */
        const int *bytes = &options->receive_bytes;
        if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, bytes, sizeof(*bytes)) != 0) {
            (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, bytes, sizeof(*bytes));
        }
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof(on));
    if (options->refused != NULL) {
        bool v6 = family == AF_INET6;
        (void)setsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_RECVERR : IP_RECVERR, &on,
                         sizeof(on));
    }
    struct socket_address address;
    socket_from_endpoint(local, &address);
    if (bind(fd, (const struct sockaddr *)&address.storage, address.size) != 0) {
        int error = err_from_errno(errno);
        (void)close(fd);
        return error;
    }
    return fd;
}

int datagram_open(struct loop *loop, const struct datagram_options *options, datagram_cb cb,
                  void *ctx, struct datagram **out, struct err *err)
{
    const char *host = options->host != NULL ? options->host : "0.0.0.0";
    struct endpoint local;
    int fd = endpoint_parse(host, options->port, &local);
    if (fd == 0) {
        fd = bind_socket(options, &local);
    }
    if (fd < 0) {
        return err_set(err, fd, "cannot use UDP port %u on %s: %s", options->port, host,
                       err_text(fd));
    }
    struct datagram *self = busbar_alloc(sizeof(*self));
    self->loop = loop;
    self->fd = fd;
    self->slot = options->size_max > 0 && options->size_max < STREAM_READ_BYTES ? options->size_max
                                                                                : STREAM_READ_BYTES;
    self->cb = cb;
    self->refused = options->refused;
    if (options->many) {
        self->slot = STREAM_READ_BYTES;
        self->many = busbar_alloc((size_t)BATCH_MAX * STREAM_READ_BYTES);
    }
    self->ctx = ctx;
    self->held = options->held;
    self->watch = loop_fd_watch(loop, fd, self->held ? 0 : LOOP_READABLE, on_ready, self);
    if (self->watch == NULL) {
        (void)close(fd);
        free_closed(self);
        return err_set(err, BUSBAR_EIO, "cannot watch UDP port %u", options->port);
    }
    *out = self;
    return 0;
}

void datagram_begin(struct datagram *datagram)
{
    if (datagram->held) {
        datagram->held = false;
        loop_fd_modify(datagram->watch, LOOP_READABLE);
    }
}

int datagram_send(struct datagram *datagram, const struct endpoint *to, const void *data,
                  size_t size)
{
    struct socket_address address;
    socket_from_endpoint(to, &address);
    const struct sockaddr *name = (const struct sockaddr *)&address.storage;
    ssize_t sent;
    do {
        sent = sendto(datagram->fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL, name, address.size);
    } while (sent < 0 && errno == EINTR);
    if (sent < 0 && errno != EAGAIN && datagram->refused != NULL) {
        /* the error may be that of a datagram before: it is told once to whoever calls next */
        sent = sendto(datagram->fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL, name, address.size);
    }
    return sent >= 0 ? 0 : err_from_errno(errno);
}

/* ---- the queue ---- */

/* How many of the queued ones the kernel took; or -1 and errno. */
static int send_batch(const struct datagram *self)
{
    const struct queue *queue = self->queue;
    struct mmsghdr messages[QUEUE_MAX];
    unsigned count = 0;
    for (unsigned i = queue->first; i < queue->count; i++, count++) {
        messages[count] = (struct mmsghdr){
            .msg_hdr = { .msg_name = (void *)(uintptr_t)&queue->to[i].storage,
                         .msg_namelen = queue->to[i].size,
                         .msg_iov = (struct iovec *)(uintptr_t)&queue->data[i],
                         .msg_iovlen = 1 },
        };
    }
    return sendmmsg(self->fd, messages, count, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void tell_first(struct datagram *self, int error)
{
    struct queue *queue = self->queue;
    struct endpoint to;
    struct iovec data = queue->data[queue->first];
    socket_to_endpoint(&queue->to[queue->first].storage, &to);
    queue->first++;
    self->refused(self->ctx, &to, data.iov_base, data.iov_len, error);
}

static void flush(struct datagram *self)
{
    struct queue *queue = self->queue;
    bool tried =
        false; /* an error may be that of a datagram before: it is told once to whoever calls next */
    queue->sending = true;
    self->inside++;
    while (queue->first < queue->count && !self->closed) {
        int sent = send_batch(self);
        if (sent > 0) {
            queue->first += (unsigned)sent;
            tried = false;
        } else if (errno == EAGAIN || errno == ENOBUFS) {
            timer_start(&queue->again, QUEUE_AGAIN_MS, 0);
            break;
        } else if (tried) {
            tell_first(self, err_from_errno(errno));
            tried = false;
        } else {
            tried = errno != EINTR;
        }
    }
    queue->sending = false;
    if (queue->first == queue->count) {
        queue->first = queue->count = 0;
        queue->used = 0;
    }
    leave(self);
}

static void on_turn(void *ctx)
{
    struct datagram *self = ctx;
    if (self->queue->count > 0 && !timer_running(&self->queue->again)) {
        flush(self);
    }
}

static void on_again(struct timer *timer, void *ctx)
{
    (void)timer;
    flush(ctx);
}

static struct queue *queue_of(struct datagram *self)
{
    if (self->queue == NULL) {
        self->queue = busbar_alloc(sizeof(*self->queue));
        loop_deferred_init(&self->queue->turn, on_turn, self);
        timer_init(&self->queue->again, self->loop, on_again, self);
    }
    return self->queue;
}

int datagram_queue(struct datagram *datagram, const struct endpoint *to, const void *data,
                   size_t size)
{
    struct queue *queue = queue_of(datagram);
    assert(datagram->refused != NULL && size <= STREAM_READ_BYTES);
    bool full = queue->count == QUEUE_MAX || QUEUE_BYTES - queue->used < size;
    if (full && !queue->sending && !timer_running(&queue->again)) {
        flush(datagram);
    }
    if (queue->count == QUEUE_MAX || QUEUE_BYTES - queue->used < size) {
        return BUSBAR_EAGAIN;
    }
    uint8_t *bytes = queue->bytes + queue->used;
    if (size > 0) {
        memcpy(bytes, data, size);
    }
    socket_from_endpoint(to, &queue->to[queue->count]);
    queue->data[queue->count] = (struct iovec){ .iov_base = bytes, .iov_len = size };
    queue->count++;
    queue->used += size;
    loop_defer(datagram->loop, &queue->turn);
    return 0;
}

uint64_t datagram_lost(const struct datagram *datagram)
{
    return datagram != NULL ? datagram->lost : 0;
}

uint16_t datagram_port(const struct datagram *datagram)
{
    return socket_local_port(datagram->fd);
}

int datagram_join(struct datagram *datagram, const struct endpoint *group)
{
    int result;
    if (group->family == 6) {
        struct ipv6_mreq request = { .ipv6mr_interface = group->scope };
        memcpy(&request.ipv6mr_multiaddr, group->ip, 16);
        result = setsockopt(datagram->fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, &request, sizeof(request));
    } else {
        struct ip_mreq request = { .imr_interface.s_addr = htonl(INADDR_ANY) };
        memcpy(&request.imr_multiaddr, group->ip, 4);
        result = setsockopt(datagram->fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &request, sizeof(request));
    }
    return result == 0 ? 0 : err_from_errno(errno);
}

int datagram_join_on(struct datagram *datagram, const struct endpoint *group,
                     const struct endpoint *card)
{
    struct ip_mreq request;
    memcpy(&request.imr_multiaddr, group->ip, 4);
    memcpy(&request.imr_interface, card->ip, 4);
    int result = setsockopt(datagram->fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &request, sizeof(request));
    return result == 0 || errno == EADDRINUSE ? 0 : err_from_errno(errno);
}

int datagram_send_by(struct datagram *datagram, const struct endpoint *card)
{
    struct in_addr address;
    int hops = 255;
    int on = 1;
    memcpy(&address, card->ip, 4);
    int result = setsockopt(datagram->fd, IPPROTO_IP, IP_MULTICAST_IF, &address, sizeof(address));
    if (result == 0) {
        result = setsockopt(datagram->fd, IPPROTO_IP, IP_MULTICAST_TTL, &hops, sizeof(hops));
    }
    if (result == 0) {
        result = setsockopt(datagram->fd, IPPROTO_IP, IP_MULTICAST_LOOP, &on, sizeof(on));
    }
    return result == 0 ? 0 : err_from_errno(errno);
}

void datagram_close(struct datagram *datagram)
{
    if (datagram == NULL || datagram->closed) {
        return;
    }
    loop_fd_unwatch(datagram->watch);
    (void)close(datagram->fd);
    datagram->closed = true;
    if (datagram->queue != NULL) {
        loop_defer_cancel(&datagram->queue->turn);
        timer_stop(&datagram->queue->again);
    }
    if (datagram->inside == 0) {
        free_closed(datagram);
    }
}
