/* SPDX-License-Identifier: Apache-2.0 */
/* The steps from one version of the tables to the next. A new version N is:
 *
 *   schema.sql     changed to what the tables are then, with N at its end: a new schema is made so, at once
 *   schema_N.sql   what brings the tables of version N-1 there; a published one is never changed again
 *   steps.c        its row; schema.h: PG_SCHEMA_VERSION; tables.c: columns, where they changed
 *
 * A test holds a schema of version 1 that went through all steps against a new one. Pure. */
#ifndef BUSBAR_SINKS_POSTGRES_STEPS_H
#define BUSBAR_SINKS_POSTGRES_STEPS_H

#include "base/buf.h"

/* sql is as schema.sql, run in a transaction: it has no commit, and nothing that cannot be in one. */
struct pg_step {
    int version;      /* that it leads to */
    const char *what; /* in a few words, for people */
    const char *sql;
};

extern const struct pg_step pg_steps[]; /* one for each version from 2 on; ends with sql NULL */

int pg_steps_newest(const struct pg_step *steps);
/* NULL: none is missing. */
const struct pg_step *pg_steps_next(const struct pg_step *steps, int version);
/* The step and its row in meta; search_path is at the schema (quoted). BUSBAR_ENOMEM. */
int pg_step_sql(const struct pg_step *step, const char *schema, struct buf *out);

#endif
