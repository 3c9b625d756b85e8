/* SPDX-License-Identifier: Apache-2.0 */
/* The task that copies the audit journal: entries in the order of their ids, with the mark `journal` in one statement, so
 * that each is there exactly once.
 *
 * The journal of a restored gateway goes on from its backup, under ids that the table has already. So when a log takes the
 * site over (schema_claim.c) the mark is -1: the last entry that the table has, too, is looked for by its time and words,
 * and those behind it get ids behind all that are there, by the mark `journal offset`. */
#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"
#include "net/jobs.h"
#include "sinks/postgres/upkeep.h"
#include "state/state.h"

enum { ENTRIES_MAX = 200, JSON_MAX = 16 << 20 };
#define LOOK_US (INT64_C(5) * CLOCK_US_PER_S)

struct journal;

/* A job reads; it outlives the task. */
struct reading {
    struct journal *journal; /* NULL: nobody waits for it */
    struct state *state;
    uint64_t after, last;
    size_t count;
    struct buf out;
    struct json_writer json;
    int error;
};

struct journal {
    struct sink_target *target;
    struct pg_upkeep *upkeep;
    struct pg_link *link;
    struct reading *reading;
    bool known;   /* the marks were read */
    bool finding; /* what the table has of ours: up to `mark` was looked at */
    uint64_t found;
    uint64_t mark, next_mark;
    int64_t offset; /* of ids in the table */
    size_t putting;
    uint64_t copied; /* since the start */
    int64_t next_us;
};

static void reading_free(struct reading *reading)
{
    buf_fini(&reading->out);
    busbar_free(reading);
}

static void fail(struct journal *journal, const struct pg_answer *answer)
{
    struct err err = answer->err;
    journal->known = false; /* whether it came there is asked */
    pg_upkeep_done(journal->upkeep, &err);
}

/* ---- putting ---- */

static void put(void *ctx, const struct pg_answer *answer)
{
    struct journal *journal = ctx;
    if (answer->error != 0) {
        fail(journal, answer);
        return;
    }
    journal->mark = journal->next_mark;
    journal->copied += journal->putting;
    journal->next_us = journal->putting == ENTRIES_MAX ? 0 : clock_wall_us() + LOOK_US;
    pg_upkeep_done(journal->upkeep, NULL);
}

static const char put_sql[] =
    "with e as (insert into journal (id, time, site, who, origin, what, path, old_value, "
    "new_value, result) "
    "select id + $4::int8, timestamptz 'epoch' + time * interval '1 microsecond', $1::int2, who, "
    "origin, "
    "what, "
    "path, old_value, new_value, result from jsonb_to_recordset($2::jsonb) as x(id int8, "
    "time int8, who text, origin text, what text, path text, old_value text, new_value text, "
    "result text) on conflict do nothing) "
    "insert into mark (site, name, value) values ($1::int2, 'journal', $3::int8) "
    "on conflict (site, name) do update set value = excluded.value";

static void put_entries(struct journal *journal, const struct reading *reading)
{
    char site[16], mark[24], offset[24];
    const struct pg_param params[] = {
        { .text = site }, { .text = buf_text(&reading->out) }, { .text = mark }, { .text = offset }
    };
    str_format(offset, sizeof(offset), "%" PRId64, journal->offset);
    str_format(site, sizeof(site), "%d", (int)journal->target->facts.site);
    str_format(mark, sizeof(mark), "%" PRIu64, reading->last);
    journal->putting = reading->count;
    journal->next_mark = reading->last;
    pg_query(journal->link, put_sql, params, 4, 0, put, journal);
}

/* ---- after a restore ---- */

static void settled(void *ctx, const struct pg_answer *answer)
{
    struct journal *journal = ctx;
    journal->known = false; /* the marks are read again */
    pg_upkeep_done(journal->upkeep, answer->error != 0 ? &answer->err : NULL);
}

static void settle(struct journal *journal)
{
    char site[16], mark[24];
    const struct pg_param params[] = { { .text = site }, { .text = mark } };
    str_format(site, sizeof(site), "%d", (int)journal->target->facts.site);
    str_format(mark, sizeof(mark), "%" PRIu64, journal->found);
    pg_query(journal->link,
             "insert into mark (site, name, value) values ($1::int2, 'journal', $2::int8), "
             "($1::int2, 'journal offset', greatest((select max(id) from journal where site = "
             "$1::int2) - $2::int8, 0)) on conflict (site, name) do update set value = "
             "excluded.value",
             params, 2, 0, settled, journal);
}

static void got_found(void *ctx, const struct pg_answer *answer)
{
    struct journal *journal = ctx;
    int64_t found = 0;
    if (answer->error != 0) {
        fail(journal, answer);
        return;
    }
    (void)str_parse_i64(pg_cell(answer, 0, 0), &found);
    journal->found = found > 0 ? (uint64_t)found : journal->found;
    journal->mark = journal->next_mark;
    if (journal->putting == ENTRIES_MAX) {
        pg_upkeep_done(journal->upkeep, NULL);
    } else {
        settle(journal);
    }
}

static void find_entries(struct journal *journal, const struct reading *reading)
{
    char site[16];
    const struct pg_param params[] = { { .text = site }, { .text = buf_text(&reading->out) } };
    str_format(site, sizeof(site), "%d", (int)journal->target->facts.site);
    journal->putting = reading->count;
    journal->next_mark = reading->last;
    pg_query(journal->link,
             "select coalesce(max(x.id), 0) from jsonb_to_recordset($2::jsonb) as x(id int8, time "
             "int8, who text, what text, path text) join journal j on j.site = $1::int2 and "
             "j.time = timestamptz 'epoch' + x.time * interval '1 microsecond' and "
             "(j.who, j.what, j.path) = (x.who, x.what, x.path)",
             params, 2, 0, got_found, journal);
}

/* ---- reading ---- */

static void take_entry(void *ctx, const struct state_entry *entry)
{
    struct reading *reading = ctx;
    struct json_writer *json = &reading->json;
    json_begin_object(json);
    json_put_u64(json, "id", entry->id);
    json_put_i64(json, "time", entry->time_us);
    json_put_string(json, "who", entry->who);
    json_put_string(json, "origin", entry->from);
    json_put_string(json, "what", entry->what);
    json_put_string(json, "path", entry->path);
    json_put_string(json, "old_value", entry->old_value);
    json_put_string(json, "new_value", entry->new_value);
    json_put_string(json, "result", entry->result);
    json_end_object(json);
    reading->last = entry->id;
    reading->count++;
}

static void read_entries(void *ctx)
{
    struct reading *reading = ctx;
    reading->json = json_writer(&reading->out);
    json_begin_array(&reading->json);
    reading->error = state_journal_after(reading->state, reading->after, ENTRIES_MAX, take_entry,
                                         reading);
    json_end_array(&reading->json);
    if (reading->error == 0 && reading->out.overflow) {
        reading->error = BUSBAR_ENOMEM;
    }
}

static void read_done(void *ctx, int error)
{
    struct reading *reading = ctx;
    struct journal *journal = reading->journal;
    struct err err;
    error = error != 0 ? error : reading->error;
    if (journal == NULL) {
        reading_free(reading);
        return;
    }
    journal->reading = NULL;
    if (error != 0) {
        err_set(&err, error, "the journal cannot be read: %s", err_text(error));
        pg_upkeep_done(journal->upkeep, &err);
    } else if (journal->finding && reading->count == 0) {
        settle(journal);
    } else if (journal->finding) {
        find_entries(journal, reading);
    } else if (reading->count == 0) {
        journal->next_us = clock_wall_us() + LOOK_US;
        pg_upkeep_done(journal->upkeep, NULL);
    } else {
        put_entries(journal, reading);
    }
    reading_free(reading);
}

static void read_some(struct journal *journal)
{
    struct reading *reading = busbar_alloc(sizeof(*reading));
    reading->journal = journal;
    reading->state = journal->target->env->state;
    reading->after = journal->mark;
    buf_init(&reading->out, JSON_MAX);
    journal->reading = reading;
    jobs_submit(journal->target->env->loop, read_entries, read_done, reading);
}

/* ---- turns ---- */

static void got_mark(void *ctx, const struct pg_answer *answer)
{
    struct journal *journal = ctx;
    int64_t mark = 0;
    if (answer->error != 0) {
        fail(journal, answer);
        return;
    }
    (void)str_parse_i64(pg_cell(answer, 0, 0), &mark);
    (void)str_parse_i64(pg_cell(answer, 0, 1), &journal->offset);
    journal->finding = mark < 0;
    journal->found = 0;
    journal->next_us = 0;
    journal->mark = journal->finding ? 0 : (uint64_t)mark;
    journal->known = true;
    read_some(journal);
}

static int64_t due_us(void *ctx)
{
    const struct journal *journal = ctx;
    int64_t latest = clock_wall_us() + LOOK_US; /* the clock was set back */
    return journal->next_us < latest ? journal->next_us : latest;
}

static void step(void *ctx, struct pg_link *link)
{
    struct journal *journal = ctx;
    char site[16];
    const struct pg_param param = { .text = site };
    journal->link = link;
    if (journal->known) {
        read_some(journal);
        return;
    }
    str_format(site, sizeof(site), "%d", (int)journal->target->facts.site);
    pg_query(link,
             "select coalesce(max(value) filter (where name = 'journal'), 0), "
             "coalesce(max(value) filter (where name = 'journal offset'), 0) "
             "from mark where site = $1::int2",
             &param, 1, 0, got_mark, journal);
}

static void cancel(void *ctx)
{
    struct journal *journal = ctx;
    if (journal->reading != NULL) {
        journal->reading->journal = NULL;
        journal->reading = NULL;
    }
    journal->known = false;
}

static void free_journal(void *ctx)
{
    cancel(ctx);
    busbar_free(ctx);
}

static void detail(void *ctx, char *text, size_t size)
{
    const struct journal *journal = ctx;
    if (journal->known && !journal->finding) {
        str_format(text, size, "up to entry %" PRIu64 ", %" PRIu64 " since the start",
                   journal->mark, journal->copied);
    }
}

struct pg_task pg_journal_task(struct sink_target *target, struct pg_upkeep *upkeep)
{
    struct journal *journal = busbar_alloc(sizeof(*journal));
    journal->target = target;
    journal->upkeep = upkeep;
    return (struct pg_task){ .name = "journal",
                             .due_us = due_us,
                             .step = step,
                             .cancel = cancel,
                             .free = free_journal,
                             .detail = detail,
                             .ctx = journal };
}
