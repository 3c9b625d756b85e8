/* SPDX-License-Identifier: Apache-2.0 */
/* Compares the tables with what they must be, and the rights with those that are needed: the first that differs is
 * named, before anything is written. Columns that somebody added are fine where rows can be written without them. */
#include <string.h>

#include "sinks/postgres/schema_private.h"
#include "sinks/postgres/tables.h"

enum column { TABLE, KIND, INSERT, UPDATE, DELETE, SELECT, COLUMN, TYPE, NOT_NULL, FILLED };

static const char columns_sql[] =
    "select c.relname, c.relkind, has_table_privilege(c.oid, 'insert'), "
    "has_table_privilege(c.oid, 'update'), has_table_privilege(c.oid, 'delete'), "
    "has_table_privilege(c.oid, 'select'), a.attname, format_type(a.atttypid, null), a.attnotnull, "
    "a.atthasdef or a.attidentity <> '' "
    "from pg_class c join pg_namespace n on n.oid = c.relnamespace "
    "join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped "
    "where n.nspname = $1 and c.relkind in ('r', 'p', 'v') and not c.relispartition "
    "order by c.relname, a.attnum";

static const char keys_sql[] =
    "select c.relname, string_agg(a.attname, ',' order by k.place) "
    "from pg_index i join pg_class c on c.oid = i.indrelid "
    "join pg_namespace n on n.oid = c.relnamespace "
    "cross join lateral unnest(i.indkey) with ordinality k(number, place) "
    "join pg_attribute a on a.attrelid = c.oid and a.attnum = k.number "
    "where n.nspname = $1 and i.indisprimary and i.indisvalid and not c.relispartition "
    "group by c.relname";

static int altered(const struct pg_schema *schema, struct err *err)
{
    return err_hint(err,
                    "somebody altered the schema '%s': put it back as it was, or give the sink "
                    "another schema; nothing was written",
                    schema->name);
}

static size_t find_row(const struct pg_answer *answer, const char *table, const char *column)
{
    for (size_t row = 0; row < answer->rows; row++) {
        if (strcmp(schema_text(answer, row, TABLE), table) == 0 &&
            (column == NULL || strcmp(schema_text(answer, row, COLUMN), column) == 0)) {
            return row;
        }
    }
    return SIZE_MAX;
}

static int check_column(const struct pg_schema *schema, const struct pg_answer *answer,
                        const struct pg_table *table, const struct pg_column *column,
                        struct err *err)
{
    size_t row = find_row(answer, table->name, column->name);
    if (row == SIZE_MAX) {
        err_set(err, BUSBAR_EWRONGTYPE, "the table %s.%s has no column '%s': it must be there, %s",
                schema->name, table->name, column->name, column->type);
        return altered(schema, err);
    }
    if (strcmp(schema_text(answer, row, TYPE), column->type) != 0) {
        err_set(err, BUSBAR_EWRONGTYPE, "the column '%s' of the table %s.%s is %s: it must be %s",
                column->name, schema->name, table->name, schema_text(answer, row, TYPE),
                column->type);
        return altered(schema, err);
    }
    if (!column->not_null && schema_is_true(answer, row, NOT_NULL)) {
        err_set(err, BUSBAR_EWRONGTYPE,
                "the column '%s' of the table %s.%s must not be null: it must be able to be null",
                column->name, schema->name, table->name);
        return altered(schema, err);
    }
    return 0;
}

static bool is_ours(const struct pg_table *table, const char *name)
{
    for (const struct pg_column *column = table->columns; column->name != NULL; column++) {
        if (strcmp(column->name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* One that somebody added, and that a row cannot be without. */
static int check_added(const struct pg_schema *schema, const struct pg_answer *answer,
                       const struct pg_table *table, struct err *err)
{
    for (size_t row = 0; row < answer->rows; row++) {
        if (strcmp(schema_text(answer, row, TABLE), table->name) == 0 &&
            !is_ours(table, schema_text(answer, row, COLUMN)) &&
            schema_is_true(answer, row, NOT_NULL) && !schema_is_true(answer, row, FILLED)) {
            err_set(err, BUSBAR_EWRONGTYPE,
                    "the table %s.%s has a column '%s' that is not busbar's, must not be null and "
                    "has no default",
                    schema->name, table->name, schema_text(answer, row, COLUMN));
            return err_hint(err, "give it a default, or let it be null; nothing was written");
        }
    }
    return 0;
}

static int check_right(const struct pg_schema *schema, const struct pg_answer *answer, size_t row,
                       const char *name, enum column at, const char *word, struct err *err)
{
    if (schema_is_true(answer, row, (size_t)at)) {
        return 0;
    }
    err_set(err, BUSBAR_EPERM, "the role %s may not %s the table %s.%s", schema->role, word,
            schema->name, name);
    return err_hint(err, "run the grants that `busbar sink sql %s` prints, as the table's owner",
                    schema->config.env->name);
}

static int check_rights(const struct pg_schema *schema, const struct pg_answer *answer, size_t row,
                        const struct pg_table *table, struct err *err)
{
    static const struct {
        unsigned right;
        enum column at;
        const char *word;
    } rights[] = {
        { PG_INSERT, INSERT, "insert into" },
        { PG_UPDATE, UPDATE, "update" },
        { PG_DELETE, DELETE, "delete from" },
    };
    int error = check_right(schema, answer, row, table->name, SELECT, "read", err);
    for (size_t i = 0; i < sizeof(rights) / sizeof(rights[0]) && error == 0; i++) {
        if ((table->rights & rights[i].right) != 0) {
            error = check_right(schema, answer, row, table->name, rights[i].at, rights[i].word,
                                err);
        }
    }
    return error;
}

static int check_table(const struct pg_schema *schema, const struct pg_answer *answer,
                       const struct pg_table *table, struct err *err)
{
    size_t row = find_row(answer, table->name, NULL);
    if (row == SIZE_MAX) {
        err_set(err, BUSBAR_ENOENT, "the table %s.%s is not there", schema->name, table->name);
        return altered(schema, err);
    }
    int error = 0;
    for (const struct pg_column *column = table->columns; column->name != NULL && error == 0;
         column++) {
        error = check_column(schema, answer, table, column, err);
    }
    if (error == 0) {
        error = check_added(schema, answer, table, err);
    }
    return error != 0 ? error : check_rights(schema, answer, row, table, err);
}

/* Whether the table of samples is divided by time: by partitions, or by TimescaleDB. */
static int check_division(const struct pg_schema *schema, const struct pg_answer *answer,
                          struct err *err)
{
    bool plain = schema_text(answer, find_row(answer, "sample", NULL), KIND)[0] != 'p';
    schema->config.facts->timescale = plain && schema->timescale[0] != '\0';
    if (plain && schema->timescale[0] == '\0') {
        err_set(err, BUSBAR_EWRONGTYPE,
                "the table %s.sample is not partitioned: it must be, by range (time)",
                schema->name);
        return altered(schema, err);
    }
    return 0;
}

static int check_all(const struct pg_schema *schema, const struct pg_answer *answer,
                     struct err *err)
{
    int error = 0;
    for (const struct pg_table *table = pg_tables; table->name != NULL && error == 0; table++) {
        error = check_table(schema, answer, table, err);
    }
    return error != 0 ? error : check_division(schema, answer, err);
}

static int check_key(const struct pg_schema *schema, const struct pg_answer *answer,
                     const struct pg_table *table, struct err *err)
{
    const char *key = "";
    for (size_t row = 0; row < answer->rows; row++) {
        if (strcmp(schema_text(answer, row, 0), table->name) == 0) {
            key = schema_text(answer, row, 1);
        }
    }
    if (strcmp(key, table->key) == 0) {
        return 0;
    }
    err_set(err, BUSBAR_EWRONGTYPE, "the primary key of the table %s.%s is %s%s%s: it must be (%s)",
            schema->name, table->name, key[0] != '\0' ? "(" : "", key[0] != '\0' ? key : "missing",
            key[0] != '\0' ? ")" : "", table->key);
    return altered(schema, err);
}

static void got_keys(void *ctx, const struct pg_answer *answer)
{
    struct pg_schema *schema = ctx;
    struct err err = { 0 };
    int error = 0;
    if (answer->error != 0) {
        schema_end_answer(schema, answer);
        return;
    }
    for (const struct pg_table *table = pg_tables; table->name != NULL && error == 0; table++) {
        error = check_key(schema, answer, table, &err);
    }
    if (error != 0) {
        schema_end(schema, SINK_WRONG, &err);
    } else {
        schema_claim(schema);
    }
}

static void got_columns(void *ctx, const struct pg_answer *answer)
{
    struct pg_schema *schema = ctx;
    const struct pg_param name = { .text = schema->name };
    struct err err = { 0 };
    if (answer->error != 0) {
        schema_end_answer(schema, answer);
    } else if (check_all(schema, answer, &err) != 0) {
        schema_end(schema, SINK_WRONG, &err);
    } else {
        pg_query(schema->config.link, keys_sql, &name, 1, 0, got_keys, schema);
    }
}

void schema_check(struct pg_schema *schema)
{
    const struct pg_param name = { .text = schema->name };
    pg_query(schema->config.link, columns_sql, &name, 1, 0, got_columns, schema);
}
