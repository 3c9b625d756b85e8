/* SPDX-License-Identifier: Apache-2.0 */
/* A plain HTTP client for the history benchmarks: one connection to 127.0.0.1, a request after the
 * other. It costs some microseconds a request, so that what is measured is the server. */
#ifndef BUSBAR_BENCH_HTTP_H
#define BUSBAR_BENCH_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* Exits with a message when nobody listens. */
int http_connect(uint16_t port);

/* False: the connection is gone. */
bool http_send(int fd, const char *data, size_t size);

/* Reads a whole answer with its body (Content-Length or chunked) into `answer`, which is cleared first;
 * its status, 0 when the connection is gone. */
int http_answer(int fd, struct buf *answer);

#endif
