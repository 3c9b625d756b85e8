/* SPDX-License-Identifier: Apache-2.0 */
/* A connection to PostgreSQL for job threads, that waits: up to a deadline, and no longer than the one who asks is there.
 * One thread at a time. */
#ifndef BUSBAR_SINKS_POSTGRES_ASK_H
#define BUSBAR_SINKS_POSTGRES_ASK_H

#include <stdatomic.h>

#include "sinks/postgres/login.h"

enum { PG_ASK_CONNECT_MS = 3000 };

struct pg_ask;

/* How long, and for whom. */
struct pg_patience {
    int64_t deadline_us;       /* monotonic */
    const atomic_bool *cancel; /* may be NULL */
};

/* schema: quoted where it needs to be. NULL: err. */
struct pg_ask *pg_ask_open(const struct pg_target *target, const char *schema,
                           struct pg_patience patience, struct err *err);
void pg_ask_close(struct pg_ask *ask); /* NULL is fine */

/* A row of the answer, whose row 0 it is. Not 0: no more rows, and the connection is no good any more. */
typedef int (*pg_ask_row)(void *ctx, const struct pg_answer *answer);

/* One statement; flags PG_BINARY. row may be NULL. On an error the connection is to be closed. BUSBAR_ETIMEOUT,
 * BUSBAR_ECANCELED, what a row came to, else as words.h has it. */
int pg_ask(struct pg_ask *ask, const char *sql, const struct pg_param *params, size_t count,
           unsigned flags, struct pg_patience patience, pg_ask_row row, void *ctx, struct err *err);

#endif
