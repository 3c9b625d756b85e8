/* SPDX-License-Identifier: Apache-2.0 */
/* Makes the tables, or brings them to the newest version: numbered steps, each one transaction under a lock, so that
 * of two gateways that start together one makes them and the other one finds them made. */
#include "sinks/postgres/schema_private.h"

#include "base/alloc.h"
#include "base/str.h"
#include "sinks/postgres/tables.h"

static void rolled_back(void *ctx, const struct pg_answer *answer)
{
    struct pg_schema *schema = ctx;
    (void)answer;
    if (schema->failed.code == 0) {
        schema_look(schema);
    } else {
        struct err err = schema->failed;
        schema_end(schema, schema->failure, &err);
    }
}

static void give_up(struct pg_schema *schema, const struct pg_answer *answer)
{
    schema->failed = answer->err;
    (void)err_prefix(&schema->failed, "the tables in the schema '%s' cannot be made", schema->name);
    schema->failure = answer->failure == PG_AGAIN ? SINK_AGAIN : SINK_WRONG;
    if (answer->lost) {
        rolled_back(schema, answer);
    } else {
        pg_run(schema->config.link, "rollback", rolled_back, schema);
    }
}

static void made(void *ctx, const struct pg_answer *answer)
{
    struct pg_schema *schema = ctx;
    if (answer->error != 0) {
        give_up(schema, answer);
    } else {
        schema_look(schema);
    }
}

/* The step to version 1 makes all; those after it change what is there. */
static int put_step(const struct pg_schema *schema, struct buf *sql)
{
    if (!schema->exists) {
        buf_printf(sql, "create schema %s;\n", schema->quoted);
    }
    buf_printf(sql, "set local search_path to %s, pg_temp;\n", schema->quoted);
    bool timescale = schema->timescale[0] != '\0';
    int error = pg_tables_sql(schema->quoted, timescale ? "" : PG_DIVIDED, sql);
    if (timescale) {
        pg_timescale_sql(schema->quoted, schema->timescale, sql);
    }
    if (schema->citus[0] != '\0') {
        pg_citus_sql(schema->citus, sql);
    }
    for (size_t i = 0; pg_functions[i] != NULL; i++) {
        buf_printf(sql, "revoke all on function %s.%s from public;\n", schema->quoted,
                   pg_functions[i]);
    }
    buf_append_text(sql, "commit");
    return sql->overflow ? BUSBAR_ENOMEM : error;
}

static void locked(void *ctx, const struct pg_answer *answer)
{
    struct pg_schema *schema = ctx;
    struct buf sql;
    if (answer->error != 0) {
        give_up(schema, answer);
        return;
    }
    schema->exists = schema_is_true(answer, 0, 0);
    if (schema_is_true(answer, 0, 1)) { /* another one was quicker */
        schema->failed = (struct err){ 0 };
        pg_run(schema->config.link, "rollback", rolled_back, schema);
        return;
    }
    buf_init(&sql, PG_SQL_MAX);
    int error = put_step(schema, &sql);
    if (error != 0) {
        struct pg_answer failure = { .error = error, .failure = PG_AGAIN };
        err_set(&failure.err, error, "%s", err_text(error));
        give_up(schema, &failure);
    } else {
        pg_run(schema->config.link, buf_text(&sql), made, schema);
    }
    buf_fini(&sql);
}

static void begun(void *ctx, const struct pg_answer *answer)
{
    struct pg_schema *schema = ctx;
    const struct pg_param name = { .text = schema->name };
    if (answer->error != 0) {
        give_up(schema, answer);
        return;
    }
    pg_query(schema->config.link,
             "select exists (select from pg_namespace where nspname = $1), "
             "exists (select from pg_class c join pg_namespace n on n.oid = c.relnamespace "
             "where n.nspname = $1 and c.relname = 'meta')",
             &name, 1, 0, locked, schema);
}

void schema_migrate(struct pg_schema *schema)
{
    /* The lock is the database's: no two gateways make anything in it at the same time. */
    pg_run(schema->config.link,
           "begin; select pg_advisory_xact_lock(hashtextextended('busbar tables', 0))", begun,
           schema);
}
