/* SPDX-License-Identifier: Apache-2.0 */
/* What Linux wants to know of a socket, and getaddrinfo on libuv's pool. */
#include "net/socket.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/un.h>

#include "base/alloc.h"
#include "base/str.h"
#include "net/loop_private.h"

void socket_from_endpoint(const struct endpoint *endpoint, struct socket_address *out)
{
    memset(out, 0, sizeof(*out));
    if (endpoint->family == 6) {
        struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&out->storage;
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(endpoint->port);
        v6->sin6_scope_id = endpoint->scope;
        memcpy(&v6->sin6_addr, endpoint->ip, 16);
        out->size = sizeof(*v6);
    } else {
        struct sockaddr_in *v4 = (struct sockaddr_in *)&out->storage;
        v4->sin_family = AF_INET;
        v4->sin_port = htons(endpoint->port);
        memcpy(&v4->sin_addr, endpoint->ip, 4);
        out->size = sizeof(*v4);
    }
}

void socket_to_endpoint(const struct sockaddr_storage *storage, struct endpoint *out)
{
    memset(out, 0, sizeof(*out));
    if (storage->ss_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)storage;
        out->family = 6;
        out->port = ntohs(v6->sin6_port);
        out->scope = v6->sin6_scope_id;
        memcpy(out->ip, &v6->sin6_addr, 16);
    } else if (storage->ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)storage;
        out->family = 4;
        out->port = ntohs(v4->sin_port);
        memcpy(out->ip, &v4->sin_addr, 4);
    }
}

int socket_from_path(const char *path, struct socket_address *out)
{
    memset(out, 0, sizeof(*out));
    struct sockaddr_un *local = (struct sockaddr_un *)&out->storage;
    if (!str_copy(local->sun_path, sizeof(local->sun_path), path)) {
        return BUSBAR_EINVAL;
    }
    local->sun_family = AF_UNIX;
    out->size = sizeof(*local);
    return 0;
}

size_t socket_format(char *to, size_t size, const struct socket_address *address)
{
    if (address->storage.ss_family == AF_UNIX) {
        const struct sockaddr_un *local = (const struct sockaddr_un *)&address->storage;
        return str_format(to, size, "%s", local->sun_path);
    }
    struct endpoint endpoint;
    socket_to_endpoint(&address->storage, &endpoint);
    return endpoint_format(to, size, &endpoint);
}

static void set_option(int fd, int level, int name, int value)
{
    (void)setsockopt(fd, level, name, &value, sizeof(value));
}

void socket_set_options(int fd, uint32_t silence_timeout_ms)
{
    int seconds = (int)(silence_timeout_ms / 1000);
    int third = seconds >= 3 ? seconds / 3 : 1;
    set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, third);
    set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, third);
    set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, 2);
    set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, (int)silence_timeout_ms);
}

void socket_ack_now(int fd)
{
    set_option(fd, IPPROTO_TCP, TCP_QUICKACK, 1);
}

int socket_stream(int family, uint32_t silence_timeout_ms)
{
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return err_from_errno(errno);
    }
    if (family != AF_UNIX) {
        socket_set_options(fd, silence_timeout_ms);
    }
    return fd;
}

int socket_error(int fd)
{
    int error = 0;
    socklen_t size = sizeof(error);
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) {
        return err_from_errno(errno);
    }
    return err_from_errno(error);
}

uint16_t socket_local_port(int fd)
{
    struct socket_address local = { .size = sizeof(local.storage) };
    struct endpoint endpoint = { 0 };
    if (getsockname(fd, (struct sockaddr *)&local.storage, &local.size) == 0) {
        socket_to_endpoint(&local.storage, &endpoint);
    }
    return endpoint.port;
}

struct lookup {
    uv_getaddrinfo_t request;
    struct loop *loop;
    lookup_cb cb; /* NULL: canceled */
    void *ctx;
};

static void on_lookup(uv_getaddrinfo_t *request, int status, struct addrinfo *found)
{
    struct lookup *lookup = request->data;
    struct socket_address addresses[SOCKET_ADDRESSES_MAX];
    size_t count = 0;
    for (struct addrinfo *at = found; at != NULL && count < SOCKET_ADDRESSES_MAX;
         at = at->ai_next) {
        if (at->ai_addrlen <= sizeof(addresses[0].storage)) {
            addresses[count].size = at->ai_addrlen;
            memset(&addresses[count].storage, 0, sizeof(addresses[count].storage));
            memcpy(&addresses[count].storage, at->ai_addr, at->ai_addrlen);
            count++;
        }
    }
    uv_freeaddrinfo(found);
    struct loop *loop = lookup->loop;
    loop->jobs--;
    if (lookup->cb != NULL) {
        int error = status == 0 && count == 0 ? BUSBAR_EHOST : loop_error(status);
        loop_enter(loop);
        lookup->cb(lookup->ctx, error, addresses, count);
        loop_leave(loop);
    }
    busbar_free(lookup);
}

struct lookup *lookup_start(struct loop *loop, const char *host, uint16_t port, lookup_cb cb,
                            void *ctx)
{
    struct lookup *lookup = busbar_alloc(sizeof(*lookup));
    *lookup = (struct lookup){ .loop = loop, .cb = cb, .ctx = ctx };
    lookup->request.data = lookup;
    char service[8];
    (void)str_format(service, sizeof(service), "%u", port);
    struct addrinfo hints = { .ai_family = AF_UNSPEC,
                              .ai_socktype = SOCK_STREAM,
                              .ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV };
    loop->jobs++;
    int failed = uv_getaddrinfo(&loop->uv, &lookup->request, on_lookup, host, service, &hints);
    if (failed != 0) { /* a name longer than any name may be */
        loop->jobs--;
        busbar_free(lookup);
        return NULL;
    }
    return lookup;
}

void lookup_cancel(struct lookup *lookup)
{
    if (lookup != NULL) {
        lookup->cb = NULL;
        (void)uv_cancel((uv_req_t *)&lookup->request);
    }
}
