/* SPDX-License-Identifier: Apache-2.0 */
/* Sends linkDown traps (v2c, community public) at a steady rate from many loopback addresses, one after another:
 *
 *   bench_snmp_traps HOST PORT FIRST_SOURCE SOURCES TRAPS_PER_SECOND SECONDS
 *
 * FIRST_SOURCE is an IPv4 address, the others follow it (250 in each last octet, from 1). Prints how many were sent and how
 * many microseconds of CPU that took. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "drivers/snmp/ber/pdu.h"

enum { TRAP_MAX = 256, TICK_US = 1000, SOURCES_MAX = 10000, OCTETS = 250, SEND_BYTES = 4 << 20 };

static const uint8_t uptime_oid[] = { 0x2b, 6, 1, 2, 1, 1, 3, 0 };
static const uint8_t trap_oid[] = { 0x2b, 6, 1, 6, 3, 1, 1, 4, 1, 0 };
static const uint8_t link_down[] = { 0x2b, 6, 1, 6, 3, 1, 1, 5, 3 };
static const uint8_t if_columns[] = { 1, 7, 8 }; /* ifIndex, ifAdminStatus, ifOperStatus */

static _Noreturn void fail(const char *what)
{
    perror(what);
    exit(1);
}

static void put(struct ber_out *out, const uint8_t *oid, size_t size, uint8_t tag,
                const uint8_t *value, size_t value_size)
{
    struct snmp_value content = { .tag = tag, .content = bytes_of(value, value_size) };
    snmp_put_varbind(out, (struct snmp_oid){ .bytes = oid, .size = (uint16_t)size }, &content);
}

static size_t make_trap(uint32_t id, uint8_t room[TRAP_MAX], uint8_t **at)
{
    struct ber_out out = ber_out_of(room, TRAP_MAX);
    struct snmp_pdu pdu = { .type = SNMP_TRAP, .request_id = (int32_t)(id & INT32_MAX) };
    const uint8_t *mark = ber_mark(&out);
    uint8_t port = (uint8_t)(1 + id % 48), ticks[4];
    for (size_t i = sizeof(if_columns); i > 0; i--) {
        uint8_t oid[] = { 0x2b, 6, 1, 2, 1, 2, 2, 1, if_columns[i - 1], port };
        uint8_t value = i == 1 ? port : i == 2 ? 1 : 2;
        put(&out, oid, sizeof(oid), BER_INTEGER, &value, 1);
    }
    for (size_t i = 0; i < sizeof(ticks); i++) {
        ticks[i] = (uint8_t)((id & 0x7fffffff) >> (24 - 8 * i));
    }
    put(&out, trap_oid, sizeof(trap_oid), BER_OID, link_down, sizeof(link_down));
    put(&out, uptime_oid, sizeof(uptime_oid), BER_TIMETICKS, ticks, sizeof(ticks));
    snmp_put_pdu_head(&out, &pdu, mark);
    snmp_put_message_head(&out, SNMP_V2C, "public", 6, mark);
    *at = out.at;
    return out.failed ? 0 : ber_out_size(&out);
}

static int open_source(const char *first, size_t number)
{
    struct sockaddr_in own = { .sin_family = AF_INET };
    int size = SEND_BYTES, fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (inet_pton(AF_INET, first, &own.sin_addr) != 1 || fd < 0) {
        fail("source");
    }
    uint32_t ip = ntohl(own.sin_addr.s_addr) + (uint32_t)(number / OCTETS * 256 + number % OCTETS);
    own.sin_addr.s_addr = htonl(ip);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    if (bind(fd, (struct sockaddr *)&own, sizeof(own)) != 0) {
        fail("bind");
    }
    return fd;
}

static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static uint64_t run(const int *sources, size_t count, const struct sockaddr_in *to, double rate,
                    double seconds)
{
    int64_t began = now_us(), end = began + (int64_t)(seconds * 1e6);
    uint64_t sent = 0;
    for (int64_t now = began; now < end; now = now_us()) {
        uint64_t due = (uint64_t)((double)(now - began) / 1e6 * rate);
        for (; sent < due; sent++) {
            uint8_t room[TRAP_MAX], *at;
            size_t size = make_trap((uint32_t)sent, room, &at);
            if (sendto(sources[sent % count], at, size, 0, (const struct sockaddr *)to,
                       sizeof(*to)) < 0) {
                fail("sendto");
            }
        }
        struct timespec tick = { .tv_nsec = TICK_US * 1000 };
        nanosleep(&tick, NULL);
    }
    return sent;
}

int main(int argc, char **argv)
{
    struct sockaddr_in to = { .sin_family = AF_INET };
    struct rusage usage;
    if (argc != 7 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1) {
        fprintf(stderr, "usage: %s HOST PORT FIRST_SOURCE SOURCES RATE SECONDS\n", argv[0]);
        return 2;
    }
    to.sin_port = htons((uint16_t)strtol(argv[2], NULL, 10));
    size_t count = (size_t)strtol(argv[4], NULL, 10);
    if (count == 0 || count > SOURCES_MAX) {
        fprintf(stderr, "1 to %d sources\n", SOURCES_MAX);
        return 2;
    }
    int *sources = calloc(count, sizeof(*sources));
    if (sources == NULL) {
        fail("sources");
    }
    for (size_t i = 0; i < count; i++) {
        sources[i] = open_source(argv[3], i);
    }
    uint64_t sent = run(sources, count, &to, strtod(argv[5], NULL), strtod(argv[6], NULL));
    getrusage(RUSAGE_SELF, &usage);
    int64_t cpu_us = ((int64_t)usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
                     usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
    printf("%llu %lld\n", (unsigned long long)sent, (long long)cpu_us);
    free(sources);
    return 0;
}
