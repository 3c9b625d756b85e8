/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of the newest version as data: what is compared with the database before anything is written, and what
 * makes them. Pure. */
#ifndef BUSBAR_SINKS_POSTGRES_TABLES_H
#define BUSBAR_SINKS_POSTGRES_TABLES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

enum { PG_SQL_MAX = 64 * 1024 };

/* What the sink's role needs beside SELECT. */
enum pg_right { PG_INSERT = 1, PG_UPDATE = 2, PG_DELETE = 4 };

struct pg_column {
    const char *name;
    const char *type; /* as format_type() writes it */
    bool not_null;
};

struct pg_table {
    const char *name;
    const char *key; /* columns of the primary key, in its order: "site,point,time" */
    unsigned rights;
    const struct pg_column *columns; /* ends with name NULL */
};

extern const struct pg_table pg_tables[]; /* ends with name NULL */
extern const char *const pg_views[];      /* ends with NULL */
extern const char *const pg_functions[];  /* with their arguments' types, ends with NULL */

/* schema.sql, schema_N.sql: made by the build. */
extern const char pg_schema_sql[];
extern const char pg_schema_2_sql[];
extern const char pg_schema_3_sql[];

#define PG_DIVIDED "partition by range (time)"

/* Held until the end of the transaction by whoever makes or changes tables. */
#define PG_LOCK_SQL "select pg_advisory_xact_lock(hashtextextended('busbar tables', 0))"

/* Such a text without lines that are comments, with what stands for the schema and for the partitions. */
void pg_fill_sql(const char *text, const char *schema, const char *divided, struct buf *out);
/* What makes all tables in the schema (quoted), which is search_path. divided: PG_DIVIDED, or "" where TimescaleDB does it.
 * BUSBAR_ENOMEM. */
int pg_tables_sql(const char *schema, const char *divided, struct buf *out);
/* What comes behind that: samples as a hypertable, tables distributed. extension: its schema (quoted). */
void pg_timescale_sql(const char *schema, const char *extension, struct buf *out);
void pg_citus_sql(const char *extension, struct buf *out);
/* The rights of the role (quoted) on them. */
int pg_rights_sql(const char *schema, const char *role, struct buf *out);

#endif
