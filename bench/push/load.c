/* SPDX-License-Identifier: Apache-2.0 */
#include "load.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BUCKET_US = 10, DIGITS = 10000 };

_Noreturn void load_fail(const char *what)
{
    perror(what);
    exit(1);
}

void load_put_digits(char *at, uint32_t number)
{
    for (int i = LOAD_ID_DIGITS - 1; i >= 0; i--, number /= 10) {
        at[i] = (char)('0' + number % 10);
    }
}

void load_body_init(struct load_body *body, enum load_form form, size_t readings)
{
    size_t at = 0;
    memset(body, 0, sizeof(*body));
    body->count = readings < 64 ? readings : 64;
    for (size_t i = 0; i < body->count; i++) {
        if (form == LOAD_JSON) {
            at += (size_t)snprintf(body->text + at, LOAD_BODY_MAX - at, "%s\"p%zu\":21.",
                                   i == 0 ? "{" : ",", i);
        } else {
            at += (size_t)snprintf(body->text + at, LOAD_BODY_MAX - at, "%s21.", i == 0 ? "" : ";");
        }
        body->digits[i] = at;
        at += (size_t)snprintf(body->text + at, LOAD_BODY_MAX - at, "0000");
    }
    if (form == LOAD_JSON) {
        at += (size_t)snprintf(body->text + at, LOAD_BODY_MAX - at, "}");
    }
    body->size = at;
}

void load_body_next(struct load_body *body)
{
    body->number++;
    for (size_t i = 0; i < body->count; i++) {
        load_put_digits(body->text + body->digits[i], (body->number + (uint32_t)i) % DIGITS);
    }
}

int64_t load_now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t load_cpu_us(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return ((int64_t)usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
           usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
}

static void set_options(int fd)
{
    int yes = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
}

int load_connect(const char *host, const char *port)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found;
    if (getaddrinfo(host, port, &hints, &found) != 0) {
        load_fail(host);
    }
    int fd = socket(found->ai_family, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, found->ai_addr, found->ai_addrlen) != 0) {
        load_fail("connect");
    }
    freeaddrinfo(found);
    set_options(fd);
    return fd;
}

int load_listen(const char *port)
{
    struct sockaddr_in at = { .sin_family = AF_INET };
    int yes = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    at.sin_port = htons((uint16_t)strtol(port, NULL, 10));
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0 || listen(fd, 16) != 0) {
        load_fail("listen");
    }
    int accepted = accept(fd, NULL, NULL);
    if (accepted < 0) {
        load_fail("accept");
    }
    close(fd);
    set_options(accepted);
    return accepted;
}

bool load_readable(int fd, int ms)
{
    struct pollfd watch = { .fd = fd, .events = POLLIN };
    return poll(&watch, 1, ms) > 0;
}

void load_write(int fd, const void *data, size_t size)
{
    const char *at = data;
    while (size > 0) {
        ssize_t count = write(fd, at, size);
        if (count < 0) {
            load_fail("write");
        }
        at += count;
        size -= (size_t)count;
    }
}

void load_took(struct load_latencies *latencies, int64_t us)
{
    size_t most = sizeof(latencies->counts) / sizeof(latencies->counts[0]) - 1;
    size_t bucket = us < 0 ? 0 : (size_t)us / BUCKET_US;
    latencies->counts[bucket < most ? bucket : most]++;
    latencies->total++;
    latencies->most_us = us > latencies->most_us ? us : latencies->most_us;
}

static long long quantile(const struct load_latencies *latencies, double share)
{
    uint64_t seen = 0, wanted = (uint64_t)((double)latencies->total * share);
    for (size_t i = 0; i < sizeof(latencies->counts) / sizeof(latencies->counts[0]); i++) {
        seen += latencies->counts[i];
        if (seen > wanted) {
            return (long long)i * BUCKET_US;
        }
    }
    return latencies->most_us;
}

void load_print(uint64_t sent, uint64_t acknowledged, int64_t began_us, int64_t ended_us,
                const struct load_latencies *latencies)
{
    printf("%llu %llu %lld %lld %lld %lld %lld\n", (unsigned long long)sent,
           (unsigned long long)acknowledged, (long long)load_cpu_us(),
           (long long)(ended_us - began_us), quantile(latencies, 0.5), quantile(latencies, 0.99),
           (long long)latencies->most_us);
}
