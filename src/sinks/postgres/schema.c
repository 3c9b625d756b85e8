/* SPDX-License-Identifier: Apache-2.0 */
/* The step after connecting: looks at the server and at the version of the tables, then hands on. */
#include "sinks/postgres/schema.h"

#include <assert.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "sinks/postgres/schema_private.h"

#define HOUR_US (INT64_C(3600) * CLOCK_US_PER_S)
#define DAY_US  (24 * HOUR_US)
/* Devices that buffer send what they have within minutes; a day is closed later, for it costs more to make again. */
#define HOUR_MARGIN_US (5 * INT64_C(60) * CLOCK_US_PER_S)
#define DAY_MARGIN_US  HOUR_US

static int64_t floor_to(int64_t time_us, int64_t step_us)
{
    int64_t rest = time_us % step_us;
    return time_us - (rest < 0 ? rest + step_us : rest);
}

int64_t pg_hour_closed(int64_t start_us)
{
    return start_us + HOUR_US + HOUR_MARGIN_US;
}

int64_t pg_day_closed(int64_t start_us)
{
    return start_us + DAY_US + DAY_MARGIN_US;
}

bool pg_late_hour(int64_t time_us, int64_t receive_us)
{
    return receive_us >= pg_hour_closed(floor_to(time_us, HOUR_US));
}

bool pg_late_day(int64_t time_us, int64_t receive_us)
{
    return receive_us >= pg_day_closed(floor_to(time_us, DAY_US));
}

bool pg_quote(char *to, size_t size, const char *name)
{
    size_t at = 0;
    if (size < 4 || name[0] == '\0') {
        return false;
    }
    to[at++] = '"';
    for (; *name != '\0'; name++) {
        if ((unsigned char)*name < ' ' || at + 4 > size) {
            return false;
        }
        if (*name == '"') {
            to[at++] = '"';
        }
        to[at++] = *name;
    }
    to[at++] = '"';
    to[at] = '\0';
    return true;
}

bool schema_is_true(const struct pg_answer *answer, size_t row, size_t column)
{
    return schema_text(answer, row, column)[0] == 't';
}

int64_t schema_int(const struct pg_answer *answer, size_t row, size_t column)
{
    int64_t value = 0;
    (void)str_parse_i64(schema_text(answer, row, column), &value);
    return value;
}

const char *schema_text(const struct pg_answer *answer, size_t row, size_t column)
{
    const char *text = pg_cell(answer, row, column);
    return text != NULL ? text : "";
}

void schema_end(struct pg_schema *schema, enum sink_failure failure, const struct err *err)
{
    schema->done(schema->ctx, failure, err);
}

void schema_end_answer(struct pg_schema *schema, const struct pg_answer *answer)
{
    struct err err = answer->err;
    (void)err_prefix(&err, "schema %s", schema->name);
    schema_end(schema, answer->failure == PG_AGAIN ? SINK_AGAIN : SINK_WRONG, &err);
}

/* ---- what the server is ---- */

static const char look_sql[] =
    "select current_setting('server_version'), current_setting('server_version_num'), "
    "pg_is_in_recovery(), current_user, current_database(), "
    "has_database_privilege(current_database(), 'create'), "
    "exists (select from pg_namespace where nspname = $1), "
    "coalesce((select has_schema_privilege(oid, 'usage') from pg_namespace where nspname = $1), "
    "false), "
    "exists (select from pg_class c join pg_namespace n on n.oid = c.relnamespace "
    "where n.nspname = $1 and c.relname = 'meta'), "
    "(select quote_ident(nspname) from pg_extension e join pg_namespace n on n.oid = "
    "e.extnamespace "
    "where extname = 'timescaledb'), "
    "(select quote_ident(nspname) from pg_extension e join pg_namespace n on n.oid = "
    "e.extnamespace "
    "where extname = 'citus'), "
    "coalesce((select pg_has_role(c.relowner, 'usage') from pg_class c join pg_namespace n "
    "on n.oid = c.relnamespace where n.nspname = $1 and c.relname = 'meta'), false)";

static bool may_make(const struct pg_schema *schema)
{
    return settings_bool(schema->config.settings, POSTGRES_MAKE) && !schema->config.look;
}

static void tell_missing(struct pg_schema *schema)
{
    struct err err;
    err_set(&err, BUSBAR_ENOENT, "the database %s has no schema '%s' with busbar's tables",
            schema->database, schema->name);
    if (settings_bool(schema->config.settings, POSTGRES_MAKE)) {
        err_hint(&err, "they are made at the first connection (make: true)");
    } else {
        err_hint(&err,
                 "run what `busbar sink sql %s` prints in this database as its owner, or set "
                 "make: true",
                 schema->config.env->name);
    }
    schema_end(schema, SINK_WRONG, &err);
}

/* SINK_AGAIN: the next connection makes the steps. */
static void tell_old(struct pg_schema *schema)
{
    struct err err;
    const char *sink = schema->config.env->name;
    bool make = settings_bool(schema->config.settings, POSTGRES_MAKE);
    err_set(&err, BUSBAR_EUNSUPPORTED,
            "the tables in the schema '%s' are of version %d, this program needs version %d",
            schema->name, schema->version, pg_steps_newest(schema->config.steps));
    if (!make) {
        err_hint(&err,
                 "run what `busbar sink sql %s` prints: it makes the missing steps and keeps all "
                 "rows; or set make: true",
                 sink);
    } else if (!schema->owns) {
        err_hint(&err,
                 "the role %s does not own them: run what `busbar sink sql %s` prints, which makes "
                 "the missing steps and keeps all rows",
                 schema->role, sink);
    } else {
        err_hint(&err, "they are brought there at the next connection (make: true)");
    }
    schema_end(schema, make && schema->owns ? SINK_AGAIN : SINK_WRONG, &err);
}

static void tell_newer(struct pg_schema *schema)
{
    struct err err;
    err_set(&err, BUSBAR_EUNSUPPORTED,
            "the tables in the schema '%s' are of version %d, this program knows version %d",
            schema->name, schema->version, pg_steps_newest(schema->config.steps));
    err_hint(&err, "a newer busbar made them: update this one, or give it a schema of its own");
    schema_end(schema, SINK_WRONG, &err);
}

static void tell_no_version(struct pg_schema *schema)
{
    struct err err;
    err_set(&err, BUSBAR_EWRONGTYPE, "the table %s.meta says no version", schema->name);
    err_hint(&err, "somebody altered it: put its row back, or give the sink another schema");
    schema_end(schema, SINK_WRONG, &err);
}

static void make_all(struct pg_schema *schema)
{
    struct err err;
    if (!may_make(schema)) {
        tell_missing(schema);
    } else if (!schema->exists && !schema->may_create) {
        err_set(&err, BUSBAR_EPERM, "the role %s may not make the schema '%s' in the database %s",
                schema->role, schema->name, schema->database);
        err_hint(&err,
                 "as its owner: grant create on database %s to %s; or run what `busbar sink sql "
                 "%s` prints",
                 schema->database, schema->role, schema->config.env->name);
        schema_end(schema, SINK_WRONG, &err);
    } else {
        schema_migrate(schema);
    }
}

static void decide(struct pg_schema *schema)
{
    int newest = pg_steps_newest(schema->config.steps);
    schema->config.facts->version = schema->version;
    if (!schema->has_meta) {
        make_all(schema);
    } else if (schema->version == 0) {
        tell_no_version(schema);
    } else if (schema->version > newest) {
        tell_newer(schema);
    } else if (schema->version == newest) {
        schema_check(schema);
    } else if (may_make(schema) && schema->owns) {
        schema_migrate(schema);
    } else {
        tell_old(schema);
    }
}

static void got_version(void *ctx, const struct pg_answer *answer)
{
    struct pg_schema *schema = ctx;
    if (answer->error != 0) {
        schema_end_answer(schema, answer);
        return;
    }
    schema->version = (int)schema_int(answer, 0, 0);
    decide(schema);
}

static void got_path(void *ctx, const struct pg_answer *answer)
{
    struct pg_schema *schema = ctx;
    struct err err;
    if (answer->error != 0) {
        schema_end_answer(schema, answer);
    } else if (schema->exists && !schema->may_use) {
        err_set(&err, BUSBAR_EPERM, "the role %s may not use the schema '%s'", schema->role,
                schema->name);
        err_hint(&err, "run the grants that `busbar sink sql %s` prints, as the schema's owner",
                 schema->config.env->name);
        schema_end(schema, SINK_WRONG, &err);
    } else if (schema->has_meta) {
        pg_query(schema->config.link, SCHEMA_VERSION_SQL, NULL, 0, 0, got_version, schema);
    } else {
        schema->version = 0;
        decide(schema);
    }
}

static bool server_is_fine(struct pg_schema *schema, const char *words, bool standby)
{
    struct err err;
    if (schema->server < PG_SERVER_LEAST) {
        err_set(&err, BUSBAR_EUNSUPPORTED, "PostgreSQL %s is too old: 13 is the oldest that works",
                words);
        err_hint(&err, "update the server, or publish to another one");
    } else if (standby) {
        err_set(&err, BUSBAR_EREFUSED, "the server is a standby that only reads");
        err_hint(&err,
                 "name the primary, or all hosts: host=a,b; the one that takes writes is used");
    } else {
        return true;
    }
    schema_end(schema, standby ? SINK_AGAIN : SINK_WRONG, &err);
    return false;
}

static void looked(void *ctx, const struct pg_answer *answer)
{
    struct pg_schema *schema = ctx;
    char sql[SCHEMA_IDENTIFIER_MAX + 64];
    struct pg_facts *facts = schema->config.facts;
    if (answer->error != 0) {
        schema_end_answer(schema, answer);
        return;
    }
    str_format(facts->server, sizeof(facts->server), "PostgreSQL %.40s", schema_text(answer, 0, 0));
    schema->server = (int)schema_int(answer, 0, 1);
    str_copy(schema->role, sizeof(schema->role), schema_text(answer, 0, 3));
    str_copy(schema->database, sizeof(schema->database), schema_text(answer, 0, 4));
    schema->may_create = schema_is_true(answer, 0, 5);
    schema->exists = schema_is_true(answer, 0, 6);
    schema->may_use = schema_is_true(answer, 0, 7);
    schema->has_meta = schema_is_true(answer, 0, 8);
    str_copy(schema->timescale, sizeof(schema->timescale), schema_text(answer, 0, 9));
    str_copy(schema->citus, sizeof(schema->citus), schema_text(answer, 0, 10));
    schema->owns = schema_is_true(answer, 0, 11);
    facts->citus = schema->citus[0] != '\0';
    if (!server_is_fine(schema, schema_text(answer, 0, 0), schema_is_true(answer, 0, 2))) {
        return;
    }
    str_format(sql, sizeof(sql), "set search_path to %s, pg_temp", schema->quoted);
    pg_run(schema->config.link, sql, got_path, schema);
}

void schema_look(struct pg_schema *schema)
{
    const struct pg_param name = { .text = schema->name };
    pg_query(schema->config.link, look_sql, &name, 1, 0, looked, schema);
}

struct pg_schema *pg_schema_start(const struct pg_schema_config *config, pg_schema_cb done,
                                  void *ctx)
{
    struct pg_schema *schema = busbar_alloc(sizeof(*schema));
    schema->config = *config;
    schema->done = done;
    schema->ctx = ctx;
    if (config->steps == NULL) {
        schema->config.steps = pg_steps;
    }
    schema->name = settings_text(config->settings, POSTGRES_SCHEMA);
    *config->facts = (struct pg_facts){ .version = 0 };
    bool quoted = pg_quote(schema->quoted, sizeof(schema->quoted), schema->name);
    assert(quoted); /* the option's check saw to it */
    str_copy(config->facts->schema, sizeof(config->facts->schema), schema->quoted);
    schema_look(schema);
    return schema;
}

void pg_schema_free(struct pg_schema *schema)
{
    if (schema != NULL) {
        schema_forget_known(schema);
        busbar_free(schema);
    }
}
