/* SPDX-License-Identifier: Apache-2.0 */
#include "history/http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { PIECE_BYTES = 256 * 1024 };

int http_connect(uint16_t port)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    int on = 1;
    struct sockaddr_in to = { .sin_family = AF_INET,
                              .sin_port = htons(port),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) != 0) {
        perror("connect");
        exit(1);
    }
    return fd;
}

bool http_send(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t sent = send(fd, data, size, MSG_NOSIGNAL);
        if (sent <= 0) {
            return false;
        }
        data += sent;
        size -= (size_t)sent;
    }
    return true;
}

static bool receive(int fd, struct buf *answer)
{
    static char piece[PIECE_BYTES];
    ssize_t got = recv(fd, piece, sizeof(piece), 0);
    return got > 0 && buf_append(answer, piece, (size_t)got) == 0;
}

/* The end of a chunked body is there. */
static bool chunks_ended(const struct buf *answer)
{
    static const char end[] = "\r\n0\r\n\r\n";
    return answer->size >= sizeof(end) - 1 &&
           memcmp(buf_text(answer) + answer->size - (sizeof(end) - 1), end, sizeof(end) - 1) == 0;
}

int http_answer(int fd, struct buf *answer)
{
    const char *end = NULL;
    buf_clear(answer);
    while (end == NULL) {
        if (!receive(fd, answer)) {
            return 0;
        }
        end = strstr(buf_text(answer), "\r\n\r\n");
    }
    size_t head = (size_t)(end + 4 - buf_text(answer));
    const char *length = strcasestr(buf_text(answer), "\ncontent-length:");
    bool chunked = length == NULL || length > end;
    size_t size = chunked ? 0 : head + strtoul(length + 16, NULL, 10);
    while (chunked ? !chunks_ended(answer) && answer->size > head : answer->size < size) {
        if (!receive(fd, answer)) {
            return 0;
        }
    }
    return (int)strtol(buf_text(answer) + 9, NULL, 10);
}
