/* SPDX-License-Identifier: Apache-2.0 */
/* The name comes from the local file alone: asking the name services could wait for a network. */
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/str.h"
#include "http/http_parts.h"

static bool user_name(uid_t uid, char *name, size_t size)
{
    FILE *file = fopen("/etc/passwd", "re");
    if (file == NULL) {
        return false;
    }
    struct passwd entry, *found = NULL;
    char line[1024];
    bool known = false;
    while (!known && fgetpwent_r(file, &entry, line, sizeof(line), &found) == 0) {
        known = found->pw_uid == uid;
    }
    if (known) {
        str_copy(name, size, found->pw_name);
    }
    (void)fclose(file);
    return known;
}

void http_peer_name(int fd, char *who, size_t who_size, char *from, size_t from_size)
{
    struct sockaddr_storage address = { 0 };
    socklen_t size = sizeof(address);
    str_copy(who, who_size, "local");
    str_copy(from, from_size, "unknown");
    if (getpeername(fd, (struct sockaddr *)&address, &size) != 0) {
        return;
    }
    if (address.ss_family == AF_UNIX) {
        struct ucred peer = { 0 };
        size = sizeof(peer);
        str_copy(from, from_size, "unix");
        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
            !user_name(peer.uid, who, who_size)) {
            str_format(who, who_size, "uid %u", peer.uid);
        }
        return;
    }
    const void *ip = address.ss_family == AF_INET6
                         ? (const void *)&((struct sockaddr_in6 *)&address)->sin6_addr
                         : (const void *)&((struct sockaddr_in *)&address)->sin_addr;
    (void)inet_ntop(address.ss_family, ip, from, (socklen_t)from_size);
}
