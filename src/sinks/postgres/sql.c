/* SPDX-License-Identifier: Apache-2.0 */
/* The script of `busbar sink sql`. Two roles: the owner of the tables, which nobody logs in as, and the one of the gateway,
 * which writes rows and can alter nothing: partitions are made and dropped by functions of the owner. */
#include "sinks/postgres/sql.h"

#include <string.h>

#include "base/str.h"
#include "sinks/postgres/login.h"
#include "sinks/postgres/schema.h"
#include "sinks/postgres/steps.h"
#include "sinks/postgres/tables.h"

enum { IDENTIFIER_MAX = 2 * 63 + 3, ROLE_MAX = 56 };

struct script {
    const char *sink, *host, *role_name, *schema_name;
    char database_name[64], owner_name[64];
    char role[IDENTIFIER_MAX], owner[IDENTIFIER_MAX], database[IDENTIFIER_MAX],
        schema[IDENTIFIER_MAX];
    uint16_t port;
};

/* As a string in SQL. */
static void put_literal(const char *text, struct buf *out)
{
    buf_append_byte(out, '\'');
    for (; *text != '\0'; text++) {
        if (*text == '\'') {
            buf_append_byte(out, '\'');
        }
        buf_append_byte(out, (uint8_t)*text);
    }
    buf_append_byte(out, '\'');
}

static void put_head(const struct script *script, bool make, struct buf *out)
{
    buf_printf(out,
               "-- Makes all that the sink '%s' of busbar needs in PostgreSQL 13 or later.\n"
               "-- Run it by psql, as a superuser of the server:\n"
               "--\n"
               "--   busbar sink sql %s > busbar.sql\n"
               "--   psql -h %s -p %u -U postgres -d postgres -f busbar.sql\n"
               "--\n"
               "-- Then give the role its password (it is not in here), and the same to busbar:\n"
               "--\n"
               "--   psql ... -c '\\password %s'\n"
               "--\n",
               script->sink, script->sink, script->host, (unsigned)script->port, script->role_name);
    buf_printf(
        out,
        "-- The server: ssl = on with a certificate for the name %s in postgresql.conf; in\n"
        "-- pg_hba.conf, with the gateway's address in place of 192.0.2.10:\n"
        "--\n"
        "--   hostssl  %s  %s  192.0.2.10/32  scram-sha-256\n"
        "--\n"
        "-- The gateway: `ca:` names the authority of that certificate; %s\n"
        "-- It may be run again: what is there stays, tables of an older busbar are brought to\n"
        "-- version %d, with all rows.\n\n",
        script->host, script->database_name, script->role_name,
        make ? "`make: false` is enough,\n-- for all is made here."
             : "`make: false` stands already.",
        (int)PG_SCHEMA_VERSION);
}

/* A statement that runs when no row of the catalog has that name. */
static void put_unless(const char *statement, const char *identifier, const char *more,
                       const char *catalog, const char *column, const char *name, struct buf *out)
{
    struct buf text;
    buf_init(&text, 1024);
    buf_printf(&text, "%s %s%s", statement, identifier, more);
    buf_append_text(out, "select ");
    put_literal(buf_text(&text), out);
    buf_printf(out, " where not exists (select from %s where %s = ", catalog, column);
    put_literal(name, out);
    buf_append_text(out, ") \\gexec\n");
    buf_fini(&text);
}

static void put_roles(const struct script *script, struct buf *out)
{
    char more[IDENTIFIER_MAX + 16];
    buf_append_text(out, "\\set ON_ERROR_STOP on\n\n-- the owner of the tables: nobody logs in as "
                         "it\n");
    put_unless("create role", script->owner, " nologin", "pg_roles", "rolname", script->owner_name,
               out);
    buf_append_text(out, "-- the gateway\n");
    put_unless("create role", script->role, " login", "pg_roles", "rolname", script->role_name,
               out);
    str_format(more, sizeof(more), " owner %s", script->owner);
    put_unless("create database", script->database, more, "pg_database", "datname",
               script->database_name, out);
    buf_printf(out, "\\connect %s\n\n", script->database);
}

/* What is there is looked at behind the lock, as gateways do; the owner is who made it, also where that was a gateway. */
static void put_look(const struct script *script, struct buf *out)
{
    buf_append_text(out, "begin;\n" PG_LOCK_SQL " \\g /dev/null\n");
    buf_append_text(out, "select exists (select from pg_extension where extname = 'timescaledb') "
                         "as timescale,\n  exists (select from pg_extension where extname = "
                         "'citus') as citus,\n  count(*) > 0 as made, coalesce(max(tableowner), ");
    put_literal(script->owner_name, out);
    buf_append_text(out, ") as owner\n  from pg_tables where tablename = 'meta' and "
                         "schemaname = ");
    put_literal(script->schema_name, out);
    buf_printf(out,
               " \\gset\n\n"
               "create schema if not exists %s authorization %s;\n"
               "set local role :\"owner\";\n"
               "set local search_path to %s, pg_temp;\n",
               script->schema, script->owner, script->schema);
}

static void put_tables(const struct script *script, struct buf *out)
{
    buf_append_text(out, "\\if :made\n\\else\n"
                         "\\set divided '" PG_DIVIDED "'\n"
                         "\\if :timescale\n\\set divided ''\n\\endif\n\n");
    (void)pg_tables_sql(script->schema, ":divided", out);
    buf_append_text(out, "\n\\if :timescale\n-- where the extension is in another schema than "
                         "public, put that here");
    pg_timescale_sql(script->schema, "public", out);
    buf_append_text(out, "\\endif\n\\if :citus");
    pg_citus_sql("pg_catalog", out);
    buf_append_text(out, "\\endif\n\\endif\n\n");
}

static void put_steps(const struct script *script, struct buf *out)
{
    for (const struct pg_step *step = pg_steps; step->sql != NULL; step++) {
        buf_printf(out,
                   "-- tables of version %d become those of version %d: %s\n"
                   "select coalesce(max(version), 0) = %d as step from meta \\gset\n"
                   "\\if :step\n",
                   step->version - 1, step->version, step->what, step->version - 1);
        (void)pg_step_sql(step, script->schema, out);
        buf_append_text(out, "\\endif\n\n");
    }
}

static void put_rights(const struct script *script, struct buf *out)
{
    buf_append_text(out, "-- what the gateway may do, and nothing else\n");
    (void)pg_rights_sql(script->schema, script->role, out);
    buf_printf(out,
               "\\if :timescale\n"
               "revoke all on function %s.sample_drop(timestamptz) from public;\n"
               "grant execute on function %s.sample_drop(timestamptz) to %s;\n"
               "\\endif\ncommit;\n",
               script->schema, script->schema, script->role);
    buf_printf(out, "grant connect, temporary on database %s to %s;\n", script->database,
               script->role);
    buf_printf(out,
               "\n-- For people and programs that only read:\n"
               "--   grant usage on schema %s to READER;\n"
               "--   grant select on all tables in schema %s to READER;\n",
               script->schema, script->schema);
}

static int fill(const struct sink_env *env, const struct settings *settings, struct script *script,
                struct pg_target *target, struct err *err)
{
    struct pg_login login;
    postgres_login(env, settings, &login);
    int error = pg_target_parse(&login, target, err);
    if (error != 0) {
        return error;
    }
    *script = (struct script){ .sink = env->name,
                               .host = target->hosts[0].host,
                               .port = target->hosts[0].port,
                               .schema_name = settings_text(settings, POSTGRES_SCHEMA),
                               .role_name = target->user[0] != '\0' ? target->user : "busbar" };
    str_copy(script->database_name, sizeof(script->database_name), target->database);
    str_format(script->owner_name, sizeof(script->owner_name), "%.*s_owner", (int)ROLE_MAX,
               script->role_name);
    if (!pg_quote(script->role, sizeof(script->role), script->role_name) ||
        !pg_quote(script->owner, sizeof(script->owner), script->owner_name) ||
        !pg_quote(script->database, sizeof(script->database), script->database_name) ||
        !pg_quote(script->schema, sizeof(script->schema), script->schema_name)) {
        return err_set(err, BUSBAR_EINVAL, "user, database or schema have no name that SQL takes");
    }
    return 0;
}

int pg_script(const struct sink_env *env, const struct settings *settings, struct buf *out,
              struct err *err)
{
    struct script script;
    struct pg_target target;
    int error = fill(env, settings, &script, &target, err);
    if (error != 0) {
        return error;
    }
    put_head(&script, settings_bool(settings, POSTGRES_MAKE), out);
    put_roles(&script, out);
    put_look(&script, out);
    put_tables(&script, out);
    put_steps(&script, out);
    put_rights(&script, out);
    return out->overflow ? err_set(err, BUSBAR_ENOMEM, "no memory for the script") : 0;
}
