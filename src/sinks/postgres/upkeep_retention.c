/* SPDX-License-Identifier: Apache-2.0 */
/* The task that lets go of what is too old: rows by dropping partitions, one a step, once no site wants them and their days
 * are in the table chunk (partition_old() in schema.sql), and looking for
 * the site that keeps some that this one does not want any more, which may be one that is gone for good; hours, chunks, events and the journal in slices of time, so
 * that no delete runs long. All of it is counted. */
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "sinks/postgres/upkeep.h"

#define EVERY_US (INT64_C(3600) * CLOCK_US_PER_S)
enum { SQL_MAX = 640 };

/* What is deleted of this site, oldest first. */
static const struct slice {
    const char *table, *column, *span, *word;
    enum postgres_row keep;
} slices[] = {
    { "hour", "hour", "1 hour", "hours", POSTGRES_HOURS_KEEP },
    { "chunk", "day", "1 day", "days", POSTGRES_CHUNKS_KEEP },
    { "event", "time", "1 day", "events", POSTGRES_EVENTS_KEEP },
    { "journal", "time", "1 day", "entries", POSTGRES_EVENTS_KEEP },
};
enum { SLICES = sizeof(slices) / sizeof(slices[0]) };

/* The order of steps: partitions, keeper, then the slices. */
enum { AT_PARTITIONS = SLICES, AT_KEEPER };

struct retention {
    struct sink_target *target;
    struct pg_upkeep *upkeep;
    size_t at;       /* in slices, or one of those above */
    int64_t next_us; /* wall clock */
    uint64_t partitions, rows, gone[SLICES];
    char kept[128]; /* what another site keeps, "" = nothing */
};

static int64_t due_us(void *ctx)
{
    const struct retention *retention = ctx;
    int64_t last = clock_wall_us() + EVERY_US; /* the clock was set back */
    return retention->next_us < last ? retention->next_us : last;
}

/* The next step is of the next kind; behind the last one there is an hour's rest. */
static void go_on(struct retention *retention)
{
    retention->at = retention->at == AT_KEEPER ? 0 : retention->at + 1;
    if (retention->at == AT_PARTITIONS) {
        retention->next_us = clock_wall_us() + EVERY_US;
    }
}

static void dropped(void *ctx, const struct pg_answer *answer)
{
    struct retention *retention = ctx;
    if (answer->error != 0) {
        pg_upkeep_done(retention->upkeep, &answer->err);
        return;
    }
    uint64_t rows = 0;
    const char *text = answer->rows > 0 ? pg_cell(answer, 0, 0) : NULL;
    if (text == NULL ||
        (str_parse_u64(text, &rows) == 0 && rows == 0 && retention->target->facts.timescale)) {
        go_on(retention);
    } else if (retention->target->facts.timescale) {
        retention->partitions += rows; /* TimescaleDB says how many chunks */
        go_on(retention);
    } else {
        retention->partitions++;
        retention->rows += rows;
    }
    pg_upkeep_done(retention->upkeep, NULL);
}

static const char drop_sql[] =
    "select partition_drop(name) from (select c.relname::text as name, "
    "substring(pg_get_expr(c.relpartbound, c.oid) from $re$TO \\('([^']+)'\\)$re$)::timestamptz "
    "as high from pg_inherits i join pg_class c on c.oid = i.inhrelid "
    "where i.inhparent = 'sample'::regclass and c.relkind = 'r') p "
    "where high is not null and partition_old(high) order by high limit 1";

/* What no site wants any more, and what is in chunks of all that want that; null: one keeps rows forever. */
static const char drop_timescale_sql[] =
    "select sample_drop(before) from (select least(min(now() - w.rows_keep), now() - interval '1 "
    "day', min(case when w.chunks then to_timestamp(coalesce(m.value, 0) / 1000000) end), "
    "min(l.start)) as before from site w "
    "left join mark m on m.site = w.number and m.name = 'chunks' "
    "left join (select site, min(start) as start from late where kind = 2 group by site) l "
    "on l.site = w.number and w.chunks having bool_and(w.rows_keep is not null)) b "
    "where before is not null and partition_old(before)";

/* The oldest partition that this site does not want any more, and of the sites that want it the one that was silent
 * longest. $1: this site. */
static const char keeper_sql[] =
    "select w.name, to_char(p.low, 'YYYY-MM-DD'), to_char(w.changed, 'YYYY-MM-DD') from ("
    "select substring(bound from $re$FROM \\('([^']+)'\\)$re$)::timestamptz as low, "
    "substring(bound from $re$TO \\('([^']+)'\\)$re$)::timestamptz as high from ("
    "select pg_get_expr(c.relpartbound, c.oid) as bound from pg_inherits i "
    "join pg_class c on c.oid = i.inhrelid "
    "where i.inhparent = 'sample'::regclass and c.relkind = 'r') b order by high limit 1) p "
    "join site w on w.number <> $1::int2 and site_wants(w.number, p.high) "
    "where p.high <= now() - interval '1 day' and not site_wants($1::int2, p.high) "
    "order by w.changed limit 1";

static void found_keeper(void *ctx, const struct pg_answer *answer)
{
    struct retention *retention = ctx;
    char kept[sizeof(retention->kept)] = "";
    if (answer->error != 0) {
        pg_upkeep_done(retention->upkeep, &answer->err);
        return;
    }
    if (answer->rows > 0) {
        str_format(kept, sizeof(kept),
                   "rows since %s stay, for the site '%.63s' wants them (last heard of %s)",
                   pg_cell(answer, 0, 1), pg_cell(answer, 0, 0), pg_cell(answer, 0, 2));
    }
    if (kept[0] != '\0' && strcmp(kept, retention->kept) != 0) {
        busbar_log(LOG_LEVEL_INFO, "sinks", retention->target->env->name, "%s", kept);
    }
    str_copy(retention->kept, sizeof(retention->kept), kept);
    go_on(retention);
    pg_upkeep_done(retention->upkeep, NULL);
}

static void look_for_keeper(struct retention *retention, struct pg_link *link)
{
    char site[16];
    str_format(site, sizeof(site), "%d", (int)retention->target->facts.site);
    const struct pg_param param = { .text = site };
    pg_query(link, keeper_sql, &param, 1, 0, found_keeper, retention);
}

static void deleted(void *ctx, const struct pg_answer *answer)
{
    struct retention *retention = ctx;
    if (answer->error != 0) {
        pg_upkeep_done(retention->upkeep, &answer->err);
        return;
    }
    retention->gone[retention->at] += answer->affected;
    if (answer->affected == 0) {
        go_on(retention);
    }
    pg_upkeep_done(retention->upkeep, NULL);
}

static void delete_slice(struct retention *retention, struct pg_link *link)
{
    char sql[SQL_MAX], site[16], before[STR_TIME_MAX];
    const struct slice *slice = &slices[retention->at];
    int64_t keep_us = settings_int(retention->target->settings, slice->keep);
    if (keep_us < 0) {
        str_format(sql, sizeof(sql), "delete from %s where false", slice->table);
        pg_run(link, sql, deleted, retention);
        return;
    }
    str_format(site, sizeof(site), "%d", (int)retention->target->facts.site);
    (void)str_format_time(before, sizeof(before), clock_wall_us() - keep_us, 0, false);
    const struct pg_param params[] = { { .text = site }, { .text = before } };
    str_format(sql, sizeof(sql),
               "delete from %s where site = $1 and %s < $2 and %s < "
               "(select min(%s) + interval '%s' from %s where site = $1)",
               slice->table, slice->column, slice->column, slice->column, slice->span,
               slice->table);
    pg_query(link, sql, params, 2, 0, deleted, retention);
}

static void step(void *ctx, struct pg_link *link)
{
    struct retention *retention = ctx;
    if (retention->at < SLICES) {
        delete_slice(retention, link);
    } else if (retention->at == AT_KEEPER) {
        look_for_keeper(retention, link);
    } else {
        pg_run(link, retention->target->facts.timescale ? drop_timescale_sql : drop_sql, dropped,
               retention);
    }
}

static void cancel(void *ctx)
{
    (void)ctx; /* it is asked for again */
}

static void detail(void *ctx, char *text, size_t size)
{
    const struct retention *retention = ctx;
    str_copy(text, size, retention->kept);
    if (retention->partitions > 0) {
        size_t used = strlen(text);
        str_format(text + used, size - used, "%s%llu partitions dropped (about %llu rows)",
                   used > 0 ? ", " : "", (unsigned long long)retention->partitions,
                   (unsigned long long)retention->rows);
    }
    for (size_t i = 0; i < SLICES; i++) {
        size_t used = strlen(text);
        if (retention->gone[i] > 0) {
            str_format(text + used, size - used, "%s%llu %s deleted", used > 0 ? ", " : "",
                       (unsigned long long)retention->gone[i], slices[i].word);
        }
    }
}

struct pg_task pg_retention_task(struct sink_target *target, struct pg_upkeep *upkeep)
{
    struct retention *retention = busbar_alloc(sizeof(*retention));
    *retention = (struct retention){ .target = target, .upkeep = upkeep, .at = AT_PARTITIONS };
    return (struct pg_task){ .name = "retention",
                             .due_us = due_us,
                             .step = step,
                             .cancel = cancel,
                             .free = busbar_free,
                             .detail = detail,
                             .ctx = retention };
}
