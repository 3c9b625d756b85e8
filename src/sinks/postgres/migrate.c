/* SPDX-License-Identifier: Apache-2.0 */
/* Makes the tables at the newest version, or the next step to it: one transaction under a lock, in which the version is
 * looked at again, so that of two gateways that start together one makes it and the other one finds it made. */
#include "sinks/postgres/schema_private.h"

#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
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

/* What a person has to mend; all else passes by itself. */
static bool is_wrong(const struct pg_schema *schema, const struct pg_answer *answer)
{
    /* class 42: of a step, what is there already was made by somebody else and stays */
    return answer->failure != PG_AGAIN ||
           (schema->step != NULL && strncmp(answer->sqlstate, "42", 2) == 0);
}

static void give_up(struct pg_schema *schema, const struct pg_answer *answer)
{
    bool wrong = is_wrong(schema, answer);
    schema->failed = answer->err;
    schema->failure = wrong ? SINK_WRONG : SINK_AGAIN;
    if (schema->step == NULL) {
        (void)err_prefix(&schema->failed, "the tables in the schema '%s' cannot be made",
                         schema->name);
    } else {
        (void)err_prefix(&schema->failed, "the schema '%s' stays at version %d, step %d (%s) fails",
                         schema->name, schema->version, schema->step->version, schema->step->what);
    }
    if (schema->step != NULL && wrong) {
        err_hint(&schema->failed,
                 "nothing was changed: mend that, or run what `busbar sink sql %s` prints, as a "
                 "superuser",
                 schema->config.env->name);
    }
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
        return;
    }
    if (schema->step != NULL) {
        busbar_log(LOG_LEVEL_INFO, "sinks", schema->config.env->name,
                   "the schema '%s' is now of version %d: %s", schema->name, schema->step->version,
                   schema->step->what);
    }
    schema_look(schema);
}

static void put_all(const struct pg_schema *schema, struct buf *sql)
{
    if (!schema->exists) {
        buf_printf(sql, "create schema %s;\n", schema->quoted);
    }
    buf_printf(sql, "set local search_path to %s, pg_temp;\n", schema->quoted);
    bool timescale = schema->timescale[0] != '\0';
    (void)pg_tables_sql(schema->quoted, timescale ? "" : PG_DIVIDED, sql);
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
}

/* All where step is NULL. */
static void run_step(struct pg_schema *schema)
{
    struct buf sql;
    buf_init(&sql, PG_SQL_MAX);
    if (schema->step == NULL) {
        put_all(schema, &sql);
    } else {
        (void)pg_step_sql(schema->step, schema->quoted, &sql);
    }
    buf_append_text(&sql, "commit");
    if (sql.overflow) {
        struct pg_answer failure = { .error = BUSBAR_ENOMEM, .failure = PG_AGAIN };
        err_set(&failure.err, BUSBAR_ENOMEM, "%s", err_text(BUSBAR_ENOMEM));
        give_up(schema, &failure);
    } else {
        pg_run(schema->config.link, buf_text(&sql), made, schema);
    }
    buf_fini(&sql);
}

static void another_was_quicker(struct pg_schema *schema)
{
    schema->failed = (struct err){ 0 };
    pg_run(schema->config.link, "rollback", rolled_back, schema);
}

static void found_version(void *ctx, const struct pg_answer *answer)
{
    struct pg_schema *schema = ctx;
    if (answer->error != 0) {
        give_up(schema, answer);
        return;
    }
    schema->version = (int)schema_int(answer, 0, 0);
    schema->step = pg_steps_next(schema->config.steps, schema->version);
    if (schema->version == 0 || schema->step == NULL) {
        another_was_quicker(schema);
    } else {
        run_step(schema);
    }
}

static void locked(void *ctx, const struct pg_answer *answer)
{
    struct pg_schema *schema = ctx;
    if (answer->error != 0) {
        give_up(schema, answer);
        return;
    }
    schema->exists = schema_is_true(answer, 0, 0);
    if (schema_is_true(answer, 0, 1) != schema->has_meta) {
        another_was_quicker(schema);
    } else if (schema->has_meta) {
        pg_query(schema->config.link, SCHEMA_VERSION_SQL, NULL, 0, 0, found_version, schema);
    } else {
        run_step(schema);
    }
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
    schema->step = schema->has_meta ? pg_steps_next(schema->config.steps, schema->version) : NULL;
    /* The lock is the database's: no two gateways make anything in it at the same time. */
    pg_run(schema->config.link, "begin; " PG_LOCK_SQL, begun, schema);
}
