/* SPDX-License-Identifier: Apache-2.0 */
#include "support/free_port.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/hash.h"

enum { FIRST = 20000, COUNT = 12000, TRIES = 1000 };

static bool is_free(uint16_t port, int type)
{
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(port) };
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_true(fd >= 0);
    bool is = bind(fd, (const struct sockaddr *)&at, sizeof(at)) == 0;
    close(fd);
    return is;
}

uint16_t test_free_port(void)
{
    for (int i = 0; i < TRIES; i++) {
        uint16_t port = (uint16_t)(FIRST + hash_entropy() % COUNT);
        if (is_free(port, SOCK_STREAM) && is_free(port, SOCK_DGRAM)) {
            return port;
        }
    }
    fail_msg("no port from %d on is free", FIRST);
    return 0;
}
