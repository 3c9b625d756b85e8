/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the PostgreSQL sink share.
 *
 *   postgres.c   the sink's table: options, open, connect, details
 *   link.c       a connection on the loop (libpq)          words.c    SQLSTATE -> words and a hint
 *   schema.c     what the tables must be: made, migrated, looked at before anything is written
 *   partitions.c partitions made ahead, dropped when old    sql.c     SQL for a person: roles, rights, views
 *   rows.c       a batch as binary COPY                     send.c     one transaction a batch
 *   journal.c    entries of the audit journal               rollup.c   hours
 *   chunks.c     sealed days as compressed chunks           archive.c  chunks back, for queries and imports
 *   test.c       what may be wrong with the database
 *
 * Two connections: `live` publishes batches, `aside` does the upkeep, so that upkeep never delays a sample. */
#ifndef BUSBAR_SINKS_POSTGRES_POSTGRES_H
#define BUSBAR_SINKS_POSTGRES_POSTGRES_H

#include "net/timer.h"
#include "sinks/postgres/link.h"
#include "sinks/sink.h"

enum { PG_SCHEMA_NAME_MAX = 48 };

/* Rows of postgres_options (postgres.c). */
enum postgres_row {
    POSTGRES_TARGET,
    POSTGRES_USER,
    POSTGRES_PASSWORD,
    POSTGRES_SSLMODE,
    POSTGRES_CA,
    POSTGRES_CERTIFICATE,
    POSTGRES_KEY,
    POSTGRES_SCHEMA,      /* default busbar */
    POSTGRES_MAKE,        /* `make: true`: make and migrate the schema by itself */
    POSTGRES_PARTITION,   /* day, week or month a partition */
    POSTGRES_ROWS_KEEP,   /* rows, default 30d; forever */
    POSTGRES_HOURS_KEEP,  /* hourly roll-ups, default 10y */
    POSTGRES_CHUNKS,      /* sealed days as chunks: default true */
    POSTGRES_CHUNKS_KEEP, /* default forever */
    POSTGRES_EVENTS_KEEP, /* events and journal, default 1y */
    POSTGRES_ROWS
};
extern const struct option postgres_options[POSTGRES_ROWS + 1];

/* What the schema step found out. */
struct pg_facts {
    int version;  /* of the schema in the database; 0: there is none */
    int16_t site; /* number of this gateway's site */
    bool timescale, citus;
    char server[64];                     /* "PostgreSQL 15.5" */
    char schema[PG_SCHEMA_NAME_MAX + 1]; /* quoted where it needs to be */
    bool known_log;                      /* the database has a place for this log: */
    struct sink_position position;
    int64_t days_us; /* days before it are chunks, or one is under way; 0: none is */
};

/* Hours and days before these are made, or are being made from what the history has now: what is published for them from
 * now on is late (table late). INT64_MAX: not known yet; INT64_MIN: none are. */
struct pg_made {
    int64_t hours_us, days_us;
};

struct sink_target {
    struct sink *sink;
    const struct sink_env *env;
    const struct settings *settings;
    struct pg_link *live;     /* NULL: not connected; upkeep has one of its own */
    struct pg_schema *schema; /* the step after connecting */
    struct pg_facts facts;
    struct pg_partitions *partitions; /* partitions.h: which there are */
    struct pg_send *send;             /* send.c */
    struct pg_made made;              /* told by the upkeep, asked by send.c */
    struct pg_upkeep
        *upkeep; /* upkeep.c: partitions, retention, roll-ups, chunks, journal, in turn */
};

void postgres_login(const struct sink_env *env, const struct settings *settings,
                    struct pg_login *login);

#endif
