/* SPDX-License-Identifier: Apache-2.0 */
/* Tests with real sockets: turning a loop until something has happened. */
#ifndef BUSBAR_TESTS_WAIT_H
#define BUSBAR_TESTS_WAIT_H

#include <stdbool.h>
#include <stdint.h>

#include "net/loop.h"

enum { WAIT_MS_MAX = 10000 };

/* Turns the loop until done(ctx) says so; asserts that it does within WAIT_MS_MAX. */
void wait_until(struct loop *loop, bool (*done)(void *ctx), void *ctx);

/* Turns the loop until *count reaches at least `wanted`. */
void wait_for(struct loop *loop, const int *count, int wanted);

/* Turns the loop for so long. */
void wait_ms(struct loop *loop, int64_t ms);

#endif
