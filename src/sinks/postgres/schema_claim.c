/* SPDX-License-Identifier: Apache-2.0 */
/* Claims the site: a lock of the session says that a gateway of this name is at work. A log that the database does not
 * know comes from a restored backup or a gateway that began anew (let in when the points agree), or is another gateway of
 * the same name (refused, for its points would be written into those of the first). */
#include <string.h>

#include "base/str.h"
#include "sinks/postgres/schema_private.h"

/* An old connection of our own that the server still takes for alive is ended after this. */
#define STALE_SECONDS "60"
#define LOCK_KEY      "hashtextextended('busbar site ' || $1 || ' ' || $2, 0)"

/* ---- what this gateway wants of its site ---- */

static void settled(void *ctx, const struct pg_answer *answer)
{
    struct pg_schema *schema = ctx;
    if (answer->error != 0) {
        schema_end_answer(schema, answer);
        return;
    }
    schema->config.facts->days_us = schema_int(answer, 0, 0);
    schema_end(schema, SINK_AGAIN, NULL);
}

/* The mark of the chunks stays while they are switched off, so that they go on from there when they are wanted again. */
static void settle(struct pg_schema *schema)
{
    const struct settings *settings = schema->config.settings;
    const struct sink_env *env = schema->config.env;
    char number[16], keep[32];
    int64_t keep_us = settings_int(settings, POSTGRES_ROWS_KEEP);
    bool chunks = settings_bool(settings, POSTGRES_CHUNKS);
    str_format(number, sizeof(number), "%d", (int)schema->config.facts->site);
    str_format(keep, sizeof(keep), "%lld", (long long)(keep_us / 1000000));
    const struct pg_param params[] = {
        { .text = number },
        { .text = env->site_title != NULL ? env->site_title : "" },
        { .text = keep_us < 0 ? NULL : keep },
        { .text = chunks ? "true" : "false" },
    };
    pg_query(schema->config.link,
             "with s as (update site set title = $2, rows_keep = $3::int8 * interval '1 second', "
             "chunks = $4 where number = $1 returning number), "
             "m as (insert into mark (site, name, value) select number, 'chunks', 0 from s "
             "where $4::bool on conflict do nothing) "
             "select coalesce(max(value) filter (where name = 'chunks'), 0) + case when "
             "max(value) filter (where name = 'chunks point') > 0 then 86400000000 else 0 end "
             "from mark where site = $1",
             params, 4, 0, settled, schema);
}

/* ---- a log that the database does not know ---- */

static void taken_over(void *ctx, const struct pg_answer *answer)
{
    struct pg_schema *schema = ctx;
    if (answer->error != 0) {
        schema_end_answer(schema, answer);
    } else {
        settle(schema);
    }
}

static void noted_late(void *ctx, const struct pg_answer *answer)
{
    struct pg_schema *schema = ctx;
    char number[16];
    if (answer->error != 0) {
        schema_end_answer(schema, answer);
        return;
    }
    str_format(number, sizeof(number), "%d", (int)schema->config.facts->site);
    const struct pg_param site = { .text = number };
    /* The log's id comes with its first place, in the first batch; what is there of its journal is looked for. */
    pg_query(schema->config.link,
             "with j as (update mark set value = -1 where site = $1 and name = 'journal') "
             "update site set log_id = '', claimed = now() where number = $1",
             &site, 1, 0, taken_over, schema);
}

/* Of the days that are no chunks yet, up to this one, a part may be in rows alone: what the gateway lost. They are noted as
 * late, so that their rows get into the chunks. Before the first mark, no more than a year is looked at. */
void schema_take_over(struct pg_schema *schema)
{
    char number[16];
    str_format(number, sizeof(number), "%d", (int)schema->config.facts->site);
    const struct pg_param site = { .text = number };
    pg_query(schema->config.link,
             "insert into late as l (site, kind, point, start) select p.site, 2, p.point, d "
             "from mark m join point p on p.site = m.site, "
             "generate_series(greatest(to_timestamp(m.value / 1000000), date_trunc('day', now()) "
             "- interval '366 days'), now(), interval '1 day') d "
             "where m.site = $1 and m.name = 'chunks' and exists (select from sample s where "
             "s.site = p.site and s.point = p.point and s.time >= d and s.time < d + interval "
             "'1 day') on conflict (site, kind, point, start) do update set noted = l.noted + 1",
             &site, 1, 0, noted_late, schema);
}

/* ---- the site's row ---- */

static void read_position(const struct pg_answer *answer, struct sink_position *position)
{
    uint64_t numbers[9];
    for (size_t i = 0; i < 9; i++) {
        numbers[i] = (uint64_t)schema_int(answer, 0, i + 2);
    }
    *position = (struct sink_position){
        .place = { .sequence = numbers[0], .taken = (uint32_t)numbers[1] },
        .counts = { .published = numbers[2],
                    .repeated = numbers[3],
                    .aside = numbers[4],
                    .released = numbers[5],
                    .events = numbers[6],
                    .events_aside = numbers[7],
                    .events_released = numbers[8] },
    };
}

static void got_site(void *ctx, const struct pg_answer *answer)
{
    struct pg_schema *schema = ctx;
    struct pg_facts *facts = schema->config.facts;
    if (answer->error != 0) {
        schema_end_answer(schema, answer);
        return;
    }
    if (answer->rows == 0) { /* the first that is looked for by a test */
        schema_end(schema, SINK_AGAIN, NULL);
        return;
    }
    facts->site = (int16_t)schema_int(answer, 0, 0);
    facts->known_log = strcmp(schema_text(answer, 0, 1), schema->config.env->log_id) == 0;
    if (facts->known_log) {
        read_position(answer, &facts->position);
    }
    if (schema->config.look) {
        schema_end(schema, SINK_AGAIN, NULL);
    } else if (facts->known_log) {
        settle(schema);
    } else {
        schema_compare_points(schema);
    }
}

static void read_site(struct pg_schema *schema)
{
    const struct pg_param name = { .text = schema->config.env->site };
    const char *sql =
        "select number, log_id, sequence, taken, published, repeated, aside, released, events, "
        "events_aside, events_released from site where name = $1";
    pg_query(schema->config.link, sql, &name, 1, 0, got_site, schema);
}

static void inserted(void *ctx, const struct pg_answer *answer)
{
    struct pg_schema *schema = ctx;
    if (answer->error != 0) {
        schema_end_answer(schema, answer);
    } else {
        read_site(schema);
    }
}

/* ---- the lock ---- */

static void got_holder(void *ctx, const struct pg_answer *answer)
{
    struct pg_schema *schema = ctx;
    const char *site = schema->config.env->site;
    struct err err;
    if (answer->error != 0) {
        schema_end_answer(schema, answer);
        return;
    }
    const char *address = answer->rows > 0 ? schema_text(answer, 0, 0) : "";
    bool ended = answer->rows > 0 && schema_is_true(answer, 0, 1);
    if (ended) {
        err_set(&err, BUSBAR_EBUSY, "an old connection of this gateway still held the site '%.63s'",
                site);
        err_hint(&err, "it was ended; nothing needs to be done");
    } else {
        err_set(&err, BUSBAR_EBUSY,
                "another gateway%s%.60s is publishing as the site '%.63s' into the schema '%s'",
                address[0] != '\0' ? " at " : "", address, site, schema->name);
        err_hint(&err, "give one of them another site.id; an old connection of this gateway goes "
                       "away by itself");
    }
    schema_end(schema, ended ? SINK_AGAIN : SINK_WRONG, &err);
}

/* Who has it; an idle one from our own address with our own log is an old connection of ours. */
static const char holder_sql[] =
    "with k as (select " LOCK_KEY " as key), h as (select l.pid from pg_locks l, k "
    "where l.locktype = 'advisory' and l.objsubid = 1 and l.granted "
    "and l.database = (select oid from pg_database where datname = current_database()) "
    "and l.classid::int8 = (k.key >> 32) & 4294967295 and l.objid::int8 = k.key & 4294967295) "
    "select host(a.client_addr), "
    "case when a.usename = current_user and a.client_addr is not distinct from inet_client_addr() "
    "and a.state_change < now() - interval '" STALE_SECONDS " seconds' "
    "and exists (select from site where name = $2 and log_id in ($3, '')) "
    "then pg_terminate_backend(a.pid) else false end "
    "from h left join pg_stat_activity a on a.pid = h.pid";

static void locked(void *ctx, const struct pg_answer *answer)
{
    struct pg_schema *schema = ctx;
    const struct sink_env *env = schema->config.env;
    const struct pg_param params[] = { { .text = schema->name },
                                       { .text = env->site },
                                       { .text = env->log_id } };
    if (answer->error != 0) {
        schema_end_answer(schema, answer);
    } else if (schema_is_true(answer, 0, 0)) {
        pg_query(schema->config.link,
                 "insert into site (name, log_id) select $1, '' "
                 "where not exists (select from site where name = $1)",
                 &params[1], 1, 0, inserted, schema);
    } else {
        pg_query(schema->config.link, holder_sql, params, 3, 0, got_holder, schema);
    }
}

void schema_claim(struct pg_schema *schema)
{
    const struct pg_param params[] = { { .text = schema->name },
                                       { .text = schema->config.env->site } };
    if (schema->config.look) {
        read_site(schema);
    } else {
        pg_query(schema->config.link, "select pg_try_advisory_lock(" LOCK_KEY ")", params, 2, 0,
                 locked, schema);
    }
}
