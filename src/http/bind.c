/* SPDX-License-Identifier: Apache-2.0 */
/* Listening sockets. They are bound here, not by libmicrohttpd, so that an error can say what is wrong. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/str.h"
#include "http/http.h"

enum { BACKLOG = 1024, SOCKET_MODE = 0660 };

static int listen_failed(int error_number, const char *where, struct err *err)
{
    int error = err_from_errno(error_number);
    err_set(err, error, "cannot listen on %s: %s", where, strerror(error_number));
    if (error == BUSBAR_EADDRINUSE) {
        err_hint(err, "busbar ports says which process has it; or choose another port");
    } else if (error == BUSBAR_EPERM) {
        err_hint(err, "ports below 1024 need the right to bind them; choose a higher one");
    }
    return error;
}

/* The socket, bound and listening, or -1 with errno. */
static int bind_socket(const struct sockaddr *address, socklen_t size)
{
    const int yes = 1;
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -1;
    }
    if (address->sa_family == AF_INET6) { /* v4 has sockets of its own, of the same port perhaps */
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof(yes));
    }
    if (address->sa_family != AF_UNIX) {
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    }
    if (bind(fd, address, size) != 0 || listen(fd, BACKLOG) != 0) {
        int error_number = errno;
        (void)close(fd);
        errno = error_number;
        return -1;
    }
    return fd;
}

static bool make_address(const char *host, uint16_t port, struct sockaddr_storage *address,
                         socklen_t *size)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)address;
    memset(address, 0, sizeof(*address));
    if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        *size = sizeof(*v4);
        return true;
    }
    if (inet_pton(AF_INET6, host, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
        *size = sizeof(*v6);
        return true;
    }
    return false;
}

static uint16_t bound_port(int fd)
{
    struct sockaddr_storage address = { 0 };
    socklen_t size = sizeof(address);
    if (getsockname(fd, (struct sockaddr *)&address, &size) != 0) {
        return 0;
    }
    return ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port
                                               : ((struct sockaddr_in *)&address)->sin_port);
}

int http_bind(const char *host, uint16_t port, uint16_t *bound, struct err *err)
{
    struct sockaddr_storage address;
    socklen_t size = 0;
    if (!make_address(host, port, &address, &size)) {
        err_set(err, BUSBAR_EINVAL, "'%s' is no numeric address to listen on", host);
        return err_hint(err, "127.0.0.1 for this machine only");
    }
    int fd = bind_socket((struct sockaddr *)&address, size);
    if (fd < 0) {
        int error_number = errno;
        char where[INET6_ADDRSTRLEN + 8];
        str_format(where, sizeof(where), strchr(host, ':') != NULL ? "[%s]:%u" : "%s:%u", host,
                   port);
        return listen_failed(error_number, where, err);
    }
    *bound = bound_port(fd);
    return fd;
}

/* True when a process answers behind the socket file. */
static bool socket_is_live(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return true;
    }
    bool live = connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ||
                errno == EAGAIN;
    (void)close(fd);
    return live;
}

int http_bind_unix(const char *path, struct err *err)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    struct stat info;
    if (!str_copy(address.sun_path, sizeof(address.sun_path), path)) {
        err_set(err, BUSBAR_EINVAL, "the path of the socket '%s' is too long", path);
        return err_hint(err, "at most %zu bytes", sizeof(address.sun_path) - 1);
    }
    if (lstat(path, &info) == 0) {
        if (!S_ISSOCK(info.st_mode) || socket_is_live(&address)) {
            return listen_failed(EADDRINUSE, path, err);
        }
        (void)unlink(path);
    }
    int fd = bind_socket((struct sockaddr *)&address, sizeof(address));
    int error_number = errno;
    if (fd >= 0 && chmod(path, SOCKET_MODE) != 0) {
        error_number = errno;
        (void)close(fd);
        fd = -1;
    }
    return fd < 0 ? listen_failed(error_number, path, err) : fd;
}
