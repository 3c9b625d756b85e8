/* SPDX-License-Identifier: Apache-2.0 */
/* What a connection is still owed: texts that are sent when the messages they answer are on disk, in the order in which
 * those came. A refusal stands in the same row, and needs no waiting of its own. Pure. */
#ifndef BUSBAR_DRIVERS_TCP_TCP_ACKS_H
#define BUSBAR_DRIVERS_TCP_TCP_ACKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum { TCP_ACKS_BYTES_MAX = 4 << 20 /* of texts that wait, of one connection */ };

struct tcp_acks {
    struct buf rows;  /* struct row of tcp_acks.c */
    struct buf texts; /* of the rows, one after another */
    size_t first_row, first_text;
    size_t stored; /* of those that waited: on disk, not told yet */
};

/* text NULL: the usual one of its kind. False: it cannot be sent now, tcp_acks_tell() will tell it again. */
typedef bool (*tcp_acks_cb)(void *ctx, bool refused, const void *text, size_t size);

void tcp_acks_init(struct tcp_acks *acks);
void tcp_acks_fini(struct tcp_acks *acks);
bool tcp_acks_empty(const struct tcp_acks *acks);

/* A message was taken: it waits. text NULL: the usual one. BUSBAR_ELIMIT: too much waits. */
int tcp_acks_wait(struct tcp_acks *acks, const void *text, size_t size);
/* A message was refused. */
int tcp_acks_refuse(struct tcp_acks *acks);
/* The oldest that waits is on disk. */
void tcp_acks_stored(struct tcp_acks *acks);
/* Tells what nothing waits before. False: cb did not want all of it. */
bool tcp_acks_tell(struct tcp_acks *acks, tcp_acks_cb cb, void *ctx);

#endif
