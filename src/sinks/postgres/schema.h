/* SPDX-License-Identifier: Apache-2.0 */
/* What the tables must be, and the step after connecting that looks at them: made or migrated where the sink may, else
 * what is missing is said; tables that somebody altered are named before anything is written; then the site is
 * claimed for this gateway.
 *
 *   look -> (make all, or one step; look again) -> compare -> claim -> settings of the site -> partitions that are there
 *
 * A site is held by a lock of the live session, so that two gateways of one name are found; a log that the database
 * does not know is let in when the points it has are those of this gateway. Loop thread only, but the pure ones. */
#ifndef BUSBAR_SINKS_POSTGRES_SCHEMA_H
#define BUSBAR_SINKS_POSTGRES_SCHEMA_H

#include "sinks/postgres/postgres.h"

enum {
    PG_SCHEMA_VERSION = 3,
    PG_SERVER_LEAST = 130000,
    PG_LATE_HOUR = 1, /* late.kind */
    PG_LATE_DAY = 2,
};

/* ---- pure ---- */

/* An identifier as SQL wants it; false: it is too long or has none of the characters that can be quoted. */
bool pg_quote(char *to, size_t size, const char *name);
/* Whether a sample came so late that its hour (its day) was made without it, and must be noted in `late`. */
bool pg_late_hour(int64_t time_us, int64_t receive_us);
bool pg_late_day(int64_t time_us, int64_t receive_us);
/* When an hour (a day) that begins at start_us can be made: what comes later is late. */
int64_t pg_hour_closed(int64_t start_us);
int64_t pg_day_closed(int64_t start_us);

/* ---- the step ---- */

struct pg_step;
struct pg_schema;
/* Once. err NULL: it is as it must be, facts are filled. Else the link may be freed. */
typedef void (*pg_schema_cb)(void *ctx, enum sink_failure failure, const struct err *err);

struct pg_schema_config {
    struct pg_link *link; /* that stands and has nothing to do */
    const struct sink_env *env;
    const struct settings *settings;
    bool look;                   /* changes nothing and claims nothing (tests) */
    const struct pg_step *steps; /* NULL: pg_steps; tests have others */
    struct pg_facts *facts;
};
/* Also sets search_path of the session. facts live until the callback. */
struct pg_schema *pg_schema_start(const struct pg_schema_config *config, pg_schema_cb done,
                                  void *ctx);
/* Ends it without the callback, or after it; before the link is freed or after. NULL is fine. */
void pg_schema_free(struct pg_schema *schema);

#endif
