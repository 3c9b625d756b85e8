/* SPDX-License-Identifier: Apache-2.0 */
/* One transaction a batch, on the live connection: the place is moved first, which also finds out whether anybody else
 * moved it; then points' facts, samples, events, what came late. Loop thread only. */
#ifndef BUSBAR_SINKS_POSTGRES_SEND_H
#define BUSBAR_SINKS_POSTGRES_SEND_H

#include "sinks/postgres/postgres.h"

struct pg_send;

struct pg_send *pg_send_new(struct sink_target *target);
void pg_send_free(struct pg_send *send);
/* The target is connected: facts say what place the database has. */
void pg_send_start(struct pg_send *send);
/* The connection goes: nothing is told any more. */
void pg_send_stop(struct pg_send *send);
/* As sink_ops.send: bytes are of pg_rows_encode(). */
void pg_send_batch(struct pg_send *send, const struct sink_batch *batch, const struct buf *bytes);
size_t pg_send_details(const struct pg_send *send, struct sink_detail *details);

#endif
