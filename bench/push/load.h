/* SPDX-License-Identifier: Apache-2.0 */
/* What the loads of bench/push share: messages that cost nearly nothing to make, sockets, latencies, and what is printed:
 *
 *   SENT ACKNOWLEDGED CPU_US WALL_US P50_US P99_US MOST_US      latencies: from the send to the acknowledgement; 0: none asked for */
#ifndef BENCH_PUSH_LOAD_H
#define BENCH_PUSH_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LOAD_BODY_MAX = 1024, LOAD_ID_DIGITS = 4, LOAD_DEVICES_MAX = 10000 };

/* {"p0":21.0000,"p1":21.0001, ...} or 21.0000;21.0001; ...: the digits change with each message. */
struct load_body {
    char text[LOAD_BODY_MAX];
    size_t size, count;
    size_t digits[64]; /* where they stand */
    uint32_t number;
};
enum load_form { LOAD_JSON, LOAD_CSV };
void load_body_init(struct load_body *body, enum load_form form, size_t readings);
void load_body_next(struct load_body *body);

void load_put_digits(char *at, uint32_t number); /* four of them */

int64_t load_now_us(void);
int64_t load_cpu_us(void);
_Noreturn void load_fail(const char *what);
int load_connect(const char *host, const char *port);
int load_listen(const char *port);
/* Waits up to ms; false: it cannot be read. */
bool load_readable(int fd, int ms);
void load_write(int fd, const void *data, size_t size); /* all of it */

struct load_latencies {
    uint32_t counts[1 << 16]; /* by 10 us */
    uint64_t total;
    int64_t most_us;
};
void load_took(struct load_latencies *latencies, int64_t us);
void load_print(uint64_t sent, uint64_t acknowledged, int64_t began_us, int64_t ended_us,
                const struct load_latencies *latencies);

/* How many are due: at `rate` a second since the beginning; rate 0: as many as it takes. */
static inline uint64_t load_due(int64_t began_us, int64_t now_us, double rate)
{
    return rate > 0 ? (uint64_t)((double)(now_us - began_us) / 1e6 * rate) : UINT64_MAX;
}

#endif
