/* SPDX-License-Identifier: Apache-2.0 */
/* The tables as data. A peer test makes schema.sql and compares, so the two cannot differ. */
#include "sinks/postgres/tables.h"

#include <string.h>

#include "base/err.h"

static const struct pg_column meta_columns[] = {
    { "version", "integer", true },
    { "made", "timestamp with time zone", true },
    { "made_by", "text", true },
    { .name = NULL },
};

static const struct pg_column quality_columns[] = {
    { "number", "smallint", true },
    { "name", "text", true },
    { "class", "text", true },
    { .name = NULL },
};

static const struct pg_column site_columns[] = {
    { "number", "smallint", true },
    { "name", "text", true },
    { "title", "text", true },
    { "log_id", "text", true },
    { "claimed", "timestamp with time zone", true },
    { "sequence", "bigint", true },
    { "taken", "bigint", true },
    { "published", "bigint", true },
    { "repeated", "bigint", true },
    { "aside", "bigint", true },
    { "released", "bigint", true },
    { "events", "bigint", true },
    { "events_aside", "bigint", true },
    { "events_released", "bigint", true },
    { "changed", "timestamp with time zone", true },
    { "rows_keep", "interval", false },
    { "chunks", "boolean", true },
    { .name = NULL },
};

static const struct pg_column mark_columns[] = {
    { "site", "smallint", true },
    { "name", "text", true },
    { "value", "bigint", true },
    { .name = NULL },
};

static const struct pg_column point_columns[] = {
    { "site", "smallint", true },
    { "point", "integer", true },
    { "path", "text", true },
    { "device", "text", true },
    { "name", "text", true },
    { "title", "text", true },
    { "units", "text", true },
    { "type", "text", true },
    { "protocol", "text", true },
    { "place", "text", true },
    { "profile", "text", true },
    { "writable", "boolean", true },
    { "counter", "boolean", true },
    { "labels", "jsonb", true },
    { "enums", "jsonb", false },
    { "first", "timestamp with time zone", true },
    { "changed", "timestamp with time zone", true },
    { "hours", "boolean", true },
    { .name = NULL },
};

static const struct pg_column sample_columns[] = {
    { "time", "timestamp with time zone", true },
    { "value", "double precision", false },
    { "point", "integer", true },
    { "site", "smallint", true },
    { "quality", "smallint", true },
    { "text", "text", false },
    { "received", "timestamp with time zone", false },
    { "detail", "smallint", false },
    { .name = NULL },
};

static const struct pg_column hour_columns[] = {
    { "hour", "timestamp with time zone", true },
    { "min", "double precision", false },
    { "max", "double precision", false },
    { "sum", "double precision", false },
    { "first", "double precision", false },
    { "last", "double precision", false },
    { "point", "integer", true },
    { "count", "integer", true },
    { "bad", "integer", true },
    { "others", "integer", true },
    { "site", "smallint", true },
    { "quality", "smallint", true },
    { .name = NULL },
};

static const struct pg_column chunk_columns[] = {
    { "day", "date", true },
    { "point", "integer", true },
    { "site", "smallint", true },
    { "part", "smallint", true },
    { "format", "smallint", true },
    { "samples", "integer", true },
    { "first", "timestamp with time zone", true },
    { "last", "timestamp with time zone", true },
    { "made", "timestamp with time zone", true },
    { "data", "bytea", true },
    { .name = NULL },
};

static const struct pg_column event_columns[] = {
    { "time", "timestamp with time zone", true },
    { "received", "timestamp with time zone", true },
    { "uid", "bigint", true },
    { "site", "smallint", true },
    { "severity", "smallint", true },
    { "ack_wanted", "boolean", true },
    { "source", "text", true },
    { "kind", "text", true },
    { "text", "text", true },
    { "key", "text", true },
    { "arguments", "jsonb", false },
    { .name = NULL },
};

static const struct pg_column journal_columns[] = {
    { "id", "bigint", true },
    { "time", "timestamp with time zone", true },
    { "site", "smallint", true },
    { "who", "text", true },
    { "origin", "text", true },
    { "what", "text", true },
    { "path", "text", true },
    { "old_value", "text", true },
    { "new_value", "text", true },
    { "result", "text", true },
    { .name = NULL },
};

static const struct pg_column late_columns[] = {
    { "site", "smallint", true }, { "kind", "smallint", true },
    { "point", "integer", true }, { "start", "timestamp with time zone", true },
    { "noted", "integer", true }, { .name = NULL },
};

const struct pg_table pg_tables[] = {
    { "meta", "version", 0, meta_columns },
    { "quality", "number", 0, quality_columns },
    { "site", "number", PG_INSERT | PG_UPDATE, site_columns },
    { "mark", "site,name", PG_INSERT | PG_UPDATE | PG_DELETE, mark_columns },
    { "point", "site,point", PG_INSERT | PG_UPDATE, point_columns },
    { "sample", "site,point,time", PG_INSERT | PG_UPDATE, sample_columns },
    { "hour", "site,point,hour", PG_INSERT | PG_UPDATE | PG_DELETE, hour_columns },
    { "chunk", "site,point,day,part", PG_INSERT | PG_UPDATE | PG_DELETE, chunk_columns },
    { "event", "site,time,uid", PG_INSERT | PG_DELETE, event_columns },
    { "journal", "site,id", PG_INSERT | PG_DELETE, journal_columns },
    { "late", "site,kind,point,start", PG_INSERT | PG_UPDATE | PG_DELETE, late_columns },
    { .name = NULL },
};

const char *const pg_views[] = { "samples", "latest", "hourly", "ledger", NULL };

const char *const pg_functions[] = { "partition_make(text, timestamptz, timestamptz)",
                                     "partition_old(timestamptz)", "partition_drop(text)", NULL };

static const char *const distributed[] = { "point", "sample", "hour", "chunk", NULL };
static const char *const referenced[] = { "site", "quality", NULL };

void pg_fill_sql(const char *text, const char *schema, const char *divided, struct buf *out)
{
    static const char name[] = "#schema#", division[] = "#partitioned#";
    for (const char *at = text; *at != '\0';) {
        size_t line = strcspn(at, "\n");
        size_t size = strcspn(at, "#\n");
        if (strncmp(at, "--", 2) == 0) {
            at += line + (at[line] == '\n');
            continue;
        }
        buf_append(out, at, size);
        at += size;
        if (strncmp(at, name, sizeof(name) - 1) == 0) {
            buf_append_text(out, schema);
            at += sizeof(name) - 1;
        } else if (strncmp(at, division, sizeof(division) - 1) == 0) {
            buf_append_text(out, divided);
            at += sizeof(division) - 1;
        } else if (*at != '\0') {
            buf_append_byte(out, (uint8_t)*at++);
        }
    }
}

/* Compressed after a week: by then late samples are rare; not where the edition cannot, which keeps nothing else back.
 * What is too old is dropped by the sink, which knows what is in chunks. */
void pg_timescale_sql(const char *schema, const char *extension, struct buf *out)
{
    buf_printf(out,
               "\nselect %s.create_hypertable('sample', 'time', chunk_time_interval => interval '1 "
               "day', create_default_indexes => false);\n"
               "do $$ begin\n"
               "    alter table sample set (timescaledb.compress,\n"
               "        timescaledb.compress_segmentby = 'site, point', "
               "timescaledb.compress_orderby = 'time');\n"
               "    perform %s.add_compression_policy('sample', interval '7 days');\n"
               "exception when others then\n"
               "    raise notice 'samples are not compressed: %%', sqlerrm;\n"
               "end $$;\n",
               extension, extension);
    buf_printf(out,
               "create function sample_drop(before timestamptz) returns int8\n"
               "language plpgsql security definer set search_path = %s, pg_temp as $$\n"
               "begin\n"
               "    if not partition_old(before) then\n"
               "        raise exception 'samples before %% are still wanted', before using errcode "
               "= '42501';\n"
               "    end if;\n"
               "    return (select count(*) from %s.drop_chunks('sample', older_than => before));\n"
               "end $$;\n"
               "comment on function sample_drop is 'Drops what is before a time that no site wants "
               "any more; how many chunks of TimescaleDB went';\n",
               schema, extension);
}

/* All that is asked for together is on one node: a point's samples, hours, days and facts. */
void pg_citus_sql(const char *extension, struct buf *out)
{
    buf_append_text(out, "\n");
    for (size_t i = 0; referenced[i] != NULL; i++) {
        buf_printf(out, "select %s.create_reference_table('%s');\n", extension, referenced[i]);
    }
    for (size_t i = 0; distributed[i] != NULL; i++) {
        buf_printf(out, "select %s.create_distributed_table('%s', 'point'%s);\n", extension,
                   distributed[i], i > 0 ? ", colocate_with => 'point'" : "");
    }
}

int pg_tables_sql(const char *schema, const char *divided, struct buf *out)
{
    pg_fill_sql(pg_schema_sql, schema, divided, out);
    return out->overflow ? BUSBAR_ENOMEM : 0;
}

static void put_right(unsigned rights, unsigned right, const char *word, struct buf *out)
{
    if ((rights & right) != 0) {
        buf_printf(out, ", %s", word);
    }
}

int pg_rights_sql(const char *schema, const char *role, struct buf *out)
{
    buf_printf(out, "grant usage on schema %s to %s;\n", schema, role);
    for (const struct pg_table *table = pg_tables; table->name != NULL; table++) {
        buf_append_text(out, "grant select");
        put_right(table->rights, PG_INSERT, "insert", out);
        put_right(table->rights, PG_UPDATE, "update", out);
        put_right(table->rights, PG_DELETE, "delete", out);
        buf_printf(out, " on %s.%s to %s;\n", schema, table->name, role);
    }
    for (size_t i = 0; pg_views[i] != NULL; i++) {
        buf_printf(out, "grant select on %s.%s to %s;\n", schema, pg_views[i], role);
    }
    for (size_t i = 0; pg_functions[i] != NULL; i++) {
        buf_printf(out, "revoke all on function %s.%s from public;\n", schema, pg_functions[i]);
        buf_printf(out, "grant execute on function %s.%s to %s;\n", schema, pg_functions[i], role);
    }
    return out->overflow ? BUSBAR_ENOMEM : 0;
}
