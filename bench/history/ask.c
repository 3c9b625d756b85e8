/* SPDX-License-Identifier: Apache-2.0 */
/* ask PORT TIMES PATH: GETs the path so often over one connection; prints the size of the answer and the median,
 * least and 90th percentile of the times in milliseconds, as JSON. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "history/http.h"

enum { TIMES_MAX = 100000, WARM = 3 };

static int compare(const void *a, const void *b)
{
    const int64_t *left = a;
    const int64_t *right = b;
    return (*left > *right) - (*left < *right);
}

int main(int argc, char **argv)
{
    int64_t port, times;
    if (argc != 4 || str_parse_i64(argv[1], &port) != 0 || port < 1 || port > UINT16_MAX ||
        str_parse_i64(argv[2], &times) != 0 || times < 1 || times > TIMES_MAX) {
        fputs("usage: ask PORT TIMES PATH\n", stderr);
        return 2;
    }
    struct buf request, answer;
    buf_init(&request, 1u << 20);
    buf_init(&answer, 1u << 30);
    buf_printf(&request, "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n\r\n", argv[3], (unsigned)port);
    int64_t *taken_us = busbar_alloc((size_t)times * sizeof(*taken_us));
    int fd = http_connect((uint16_t)port);
    for (int64_t i = -WARM; i < times; i++) {
        int64_t began_us = clock_mono_us();
        if (!http_send(fd, buf_text(&request), request.size) || http_answer(fd, &answer) != 200) {
            fprintf(stderr, "GET %s: %.300s\n", argv[3], buf_text(&answer));
            return 1;
        }
        if (i >= 0) {
            taken_us[i] = clock_mono_us() - began_us;
        }
    }
    qsort(taken_us, (size_t)times, sizeof(*taken_us), compare);
    printf("{\"bytes\": %zu, \"median_ms\": %.3f, \"least_ms\": %.3f, \"p90_ms\": %.3f}\n",
           answer.size, (double)taken_us[times / 2] / 1e3, (double)taken_us[0] / 1e3,
           (double)taken_us[times * 9 / 10] / 1e3);
    busbar_free(taken_us);
    buf_fini(&request);
    buf_fini(&answer);
    return 0;
}
