/* SPDX-License-Identifier: Apache-2.0 */
/* A batch's transaction, a list of steps; what a batch does not need is left out:
 *
 *   partitions   those that are missing, before the transaction
 *   begin        BEGIN and UPDATE site, guarded by the place that we know to be there: 1 row, or somebody else was here
 *   facts        points that are new or changed
 *   copy         binary COPY into sample; with staging into a temporary table, and from there
 *   fresh        ... what is not there yet
 *   over         ... over what is there: the later record replaces, as in our history
 *   events, late
 *   commit
 *
 * Staging is the way of a batch whose rows are there already (23505), of a few batches behind it, and of what a person
 * sends again. When COMMIT is not answered nobody knows: the place that is read after connecting again tells. */
#include "sinks/postgres/send.h"

#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "net/loop.h"
#include "sinks/postgres/partitions.h"
#include "sinks/postgres/rows.h"
#include "sinks/postgres/schema.h"

enum { STAGED_BATCHES = 8 }; /* after one whose rows were there */

enum step {
    STEP_PARTITIONS,
    STEP_BEGIN,
    STEP_FACTS,
    STEP_STAGE,
    STEP_COPY,
    STEP_FRESH,
    STEP_OVER,
    STEP_EVENTS,
    STEP_LATE,
    STEP_REPEATED,
    STEP_COMMIT,
    STEP_DONE
};

enum news { NEWS_NONE, NEWS_SENT, NEWS_REFUSED, NEWS_AGAIN, NEWS_WRONG };

struct pg_send {
    struct sink_target *target;
    const struct sink_batch *batch;
    const struct buf *bytes;
    struct pg_rows rows;
    enum step step;
    struct sink_position position; /* behind the batch */
    bool known;                    /* the database has this log: */
    struct sink_place place;       /* as it has it */
    unsigned staging;              /* batches that go by staging */
    bool staged;                   /* this one does */
    bool has_stage;                /* the table is there */
    bool looked;                   /* for partitions that went, since this batch began */
    uint64_t fresh;                /* rows that were not there */
    struct loop_deferred tell;
    enum news news;
    size_t index;
    struct err err;
    uint64_t batches, staged_batches;
    int64_t began_us, took_us;
};

/* ---- telling ---- */

static void tell(void *ctx)
{
    struct pg_send *send = ctx;
    struct sink *sink = send->target->sink;
    enum news news = send->news;
    struct err err = send->err;
    send->news = NEWS_NONE;
    send->batch = NULL;
    switch (news) {
    case NEWS_SENT: sink_sent(sink, send->rows.repeated); break;
    case NEWS_REFUSED: sink_refused(sink, send->index, &err); break;
    case NEWS_AGAIN: sink_failed(sink, SINK_AGAIN, &err); break;
    case NEWS_WRONG: sink_failed(sink, SINK_WRONG, &err); break;
    case NEWS_NONE: break;
    }
}

static void tell_later(struct pg_send *send, enum news news)
{
    send->news = news;
    loop_defer(send->target->env->loop, &send->tell);
}

/* ---- life ---- */

struct pg_send *pg_send_new(struct sink_target *target)
{
    struct pg_send *send = busbar_alloc(sizeof(*send));
    send->target = target;
    loop_deferred_init(&send->tell, tell, send);
    return send;
}

void pg_send_stop(struct pg_send *send)
{
    loop_defer_cancel(&send->tell);
    send->news = NEWS_NONE;
    send->batch = NULL;
    send->has_stage = false;
}

void pg_send_free(struct pg_send *send)
{
    pg_send_stop(send);
    busbar_free(send);
}

void pg_send_start(struct pg_send *send)
{
    send->known = send->target->facts.known_log;
    send->place = send->target->facts.position.place;
}

/* ---- what went wrong ---- */

static void step(struct pg_send *send);
static void start(struct pg_send *send);

static void rolled_back(void *ctx, const struct pg_answer *answer)
{
    struct pg_send *send = ctx;
    if (answer->error != 0) {
        send->err = answer->err;
        send->news = NEWS_AGAIN;
    }
    if (send->news == NEWS_NONE) {
        start(send); /* the other way */
    } else {
        tell_later(send, send->news);
    }
}

/* news NEWS_NONE: the same batch once more. */
static void roll_back(struct pg_send *send, enum news news)
{
    send->news = news;
    pg_run(send->target->live, "rollback", rolled_back, send);
}

static void got_partitions(void *ctx, const struct pg_answer *answer);

/* A row had no partition, or breaks a check: only what is there now tells. */
static void look_again(void *ctx, const struct pg_answer *answer)
{
    struct pg_send *send = ctx;
    if (answer->error != 0) {
        send->err = answer->err;
        tell_later(send, NEWS_AGAIN);
        return;
    }
    pg_partitions_load(send->target->partitions, send->target->live, got_partitions, send);
}

static bool lacks_partition(const struct pg_send *send)
{
    for (size_t i = 0; i < pg_rows_spans(send->bytes); i++) {
        if (!pg_partitions_has(send->target->partitions, pg_rows_span(send->bytes, i))) {
            return true;
        }
    }
    return false;
}

static void got_partitions(void *ctx, const struct pg_answer *answer)
{
    struct pg_send *send = ctx;
    if (answer->error != 0) {
        send->err = answer->err;
        tell_later(send, NEWS_AGAIN);
    } else if (lacks_partition(send)) {
        start(send);
    } else {
        tell_later(send, NEWS_REFUSED);
    }
}

static void fail(struct pg_send *send, const struct pg_answer *answer)
{
    bool rows = send->step == STEP_COPY || send->step == STEP_FRESH || send->step == STEP_OVER;
    send->err = answer->err;
    send->index = SIZE_MAX;
    if (answer->lost) {
        tell_later(send, NEWS_AGAIN);
    } else if (answer->failure == PG_REFUSED && rows && !send->staged &&
               strcmp(answer->sqlstate, "23505") == 0) {
        send->staging = STAGED_BATCHES;
        roll_back(send, NEWS_NONE);
    } else if (answer->failure == PG_REFUSED && send->step == STEP_BEGIN) {
        err_prefix(&send->err, "the place of this gateway cannot be moved");
        roll_back(send, NEWS_WRONG);
    } else if (answer->failure == PG_REFUSED) {
        send->index = send->step == STEP_COPY ? pg_rows_sample(send->bytes, answer->copy_row)
                                              : SIZE_MAX;
        if (rows && !send->looked && strcmp(answer->sqlstate, "23514") == 0) {
            send->looked = true;
            pg_run(send->target->live, "rollback", look_again, send);
        } else {
            roll_back(send, NEWS_REFUSED);
        }
    } else {
        roll_back(send, answer->failure == PG_AGAIN ? NEWS_AGAIN : NEWS_WRONG);
    }
}

/* ---- steps ---- */

static void done(void *ctx, const struct pg_answer *answer)
{
    struct pg_send *send = ctx;
    if (answer->error != 0 && send->step == STEP_PARTITIONS) {
        send->err = answer->err;
        tell_later(send, answer->failure == PG_AGAIN ? NEWS_AGAIN : NEWS_WRONG);
        return;
    }
    if (answer->error != 0) {
        fail(send, answer);
        return;
    }
    if (send->step == STEP_BEGIN && answer->affected != 1) {
        err_set(&send->err, BUSBAR_ECONFLICT,
                "somebody else moved the place of the site '%.63s' in the database",
                send->target->env->site);
        err_hint(&send->err, "nothing was written; it goes on from the place that is there now");
        roll_back(send, NEWS_AGAIN);
        return;
    }
    if (send->step == STEP_FRESH) {
        send->fresh = answer->affected;
    }
    send->step++;
    step(send);
}

static void make_partitions(struct pg_send *send)
{
    size_t count = pg_rows_spans(send->bytes);
    int64_t *days = busbar_alloc_array(count + 1, sizeof(*days));
    for (size_t i = 0; i < count; i++) {
        days[i] = pg_rows_span(send->bytes, i);
    }
    pg_partitions_make(send->target->partitions, send->target->live, days, count, done, send);
    busbar_free(days);
}

static void begin(struct pg_send *send)
{
    struct buf sql;
    char guard[96] = "";
    const struct sink_position *after = &send->position;
    const struct sink_counts *counts = &after->counts;
    buf_init(&sql, 4096);
    if (send->known) {
        str_format(guard, sizeof(guard), " and sequence = %" PRIu64 " and taken = %" PRIu32,
                   send->place.sequence, send->place.taken);
    }
    (void)buf_printf(
        &sql,
        "begin; update site set log_id = '%s', sequence = %" PRIu64 ", taken = %" PRIu32
        ", published = %" PRIu64 ", repeated = %" PRIu64 ", aside = %" PRIu64
        ", released = %" PRIu64 ", events = %" PRIu64 ", events_aside = %" PRIu64
        ", events_released = %" PRIu64 ", changed = now() where number = %d and log_id = '%s'%s",
        send->target->env->log_id, after->place.sequence, after->place.taken, counts->published,
        counts->repeated, counts->aside, counts->released, counts->events, counts->events_aside,
        counts->events_released, (int)send->target->facts.site,
        send->known ? send->target->env->log_id : "", guard);
    pg_run(send->target->live, buf_text(&sql), done, send);
    buf_fini(&sql);
}

/* A statement about the site and one text of the bytes. */
static void ask(struct pg_send *send, const char *sql, struct pg_part part)
{
    char site[16];
    const struct pg_param params[] = { { .text = site },
                                       { .text = pg_rows_text(send->bytes, part) } };
    str_format(site, sizeof(site), "%d", (int)send->target->facts.site);
    pg_query(send->target->live, sql, params, 2, 0, done, send);
}

/* What is told without a protocol is no point of the configuration (any more): the row of the same path has all that was
 * known of it, which stands; so does what there is of a series that the history has forgotten, which has no labels. */
#define FACTS                                                                               \
    "path, device, name, title, units, type, protocol, place, profile, writable, counter, " \
    "labels"
static const char facts_sql[] =
    "insert into point as p (site, point, " FACTS ", enums) "
    "select $1::int2, point, " FACTS ", nullif(enums, 'null') "
    "from jsonb_to_recordset($2::jsonb) as "
    "x(point int4, path text, device text, name text, title text, units text, type text, "
    "protocol text, place text, profile text, writable bool, counter bool, labels jsonb, "
    "enums jsonb) order by point "
    "on conflict (site, point) do update set path = excluded.path, device = excluded.device, "
    "name = excluded.name, title = excluded.title, units = excluded.units, type = excluded.type, "
    "protocol = excluded.protocol, place = excluded.place, profile = excluded.profile, "
    "writable = excluded.writable, counter = excluded.counter, labels = excluded.labels, "
    "enums = excluded.enums, changed = now() "
    "where (p.path, p.device, p.name, p.title, p.units, p.type, p.protocol, p.place, p.profile, "
    "p.writable, p.counter, p.labels, p.enums) is distinct from (excluded.path, excluded.device, "
    "excluded.name, excluded.title, excluded.units, excluded.type, excluded.protocol, "
    "excluded.place, excluded.profile, excluded.writable, excluded.counter, excluded.labels, "
    "excluded.enums) and not (excluded.protocol = '' and (excluded.labels = '{}' or "
    "excluded.path <> '' and excluded.path = p.path))";

static const char events_sql[] =
    "insert into event (time, received, uid, site, severity, ack_wanted, source, kind, text, key, "
    "arguments) "
    "select timestamptz 'epoch' + time * interval '1 microsecond', "
    "timestamptz 'epoch' + received * interval '1 microsecond', uid, $1::int2, severity, ack, "
    "source, kind, text, key, nullif(arguments, 'null') from jsonb_to_recordset($2::jsonb) as "
    "x(time int8, received int8, uid int8, severity int2, ack bool, source text, kind text, "
    "text text, key text, arguments jsonb) on conflict do nothing";

static const char late_sql[] =
    "insert into late as l (site, kind, point, start) "
    "select $1::int2, kind, point, timestamptz 'epoch' + start * interval '1 microsecond' "
    "from unnest($2::int2[], $3::int4[], $4::int8[]) as x(kind, point, start) "
    "where start < case kind when $5::int2 then $6::int8 else $7::int8 end "
    "on conflict (site, kind, point, start) do update set noted = l.noted + 1";

#define COLUMNS "time, value, point, site, quality, text, received, detail"

static const char stage_sql[] =
    "create temporary table stage (time timestamptz, value float8, point int4, site int2, "
    "quality int2, text text, received timestamptz, detail int2) on commit delete rows";

static const char fresh_sql[] = "insert into sample (" COLUMNS ") select " COLUMNS
                                " from pg_temp.stage on conflict (site, point, time) do nothing";

static const char over_sql[] =
    "insert into sample as s (" COLUMNS ") select " COLUMNS
    " from pg_temp.stage on conflict (site, point, time) do update set value = excluded.value, "
    "quality = excluded.quality, text = excluded.text, received = excluded.received, "
    "detail = excluded.detail where (s.value, s.quality, s.text, s.received, s.detail) is distinct "
    "from (excluded.value, excluded.quality, excluded.text, excluded.received, excluded.detail)";

static void copy(struct pg_send *send)
{
    const char *sql = send->staged ? "copy pg_temp.stage (" COLUMNS ") from stdin (format binary)"
                                   : "copy sample (" COLUMNS ") from stdin (format binary)";
    pg_copy_in(send->target->live, sql, send->bytes->data + send->rows.copy.offset,
               send->rows.copy.size, done, send);
}

/* Rows that were there count as repeated, but not of what a person sends again. */
static void add_repeated(struct pg_send *send)
{
    char sql[128];
    str_format(sql, sizeof(sql),
               "update site set repeated = repeated + %" PRIu64 " where number = %d",
               (uint64_t)(send->rows.rows - send->fresh), (int)send->target->facts.site);
    pg_run(send->target->live, sql, done, send);
}

static void finish(struct pg_send *send)
{
    if (send->staged) {
        send->rows.repeated += send->rows.rows - send->fresh;
        send->staging -= send->staging > 0;
        send->staged_batches++;
    }
    send->known = true;
    send->place = send->position.place;
    send->batches++;
    send->took_us = clock_mono_us() - send->began_us;
    tell_later(send, NEWS_SENT);
}

/* What is not made yet will be made with it: the history has had it for longer than the upkeep reads there. */
static void note_late(struct pg_send *send)
{
    const struct pg_made *made = &send->target->made;
    const struct pg_rows *rows = &send->rows;
    char site[16], kind[16], hours[24], days[24];
    str_format(site, sizeof(site), "%d", (int)send->target->facts.site);
    str_format(kind, sizeof(kind), "%d", (int)PG_LATE_HOUR);
    str_format(hours, sizeof(hours), "%" PRId64, made->hours_us);
    str_format(days, sizeof(days), "%" PRId64, made->days_us);
    const struct pg_param params[] = {
        { .text = site },
        { .text = pg_rows_text(send->bytes, rows->late_kinds) },
        { .text = pg_rows_text(send->bytes, rows->late_points) },
        { .text = pg_rows_text(send->bytes, rows->late_starts) },
        { .text = kind },
        { .text = hours },
        { .text = days },
    };
    pg_query(send->target->live, late_sql, params, sizeof(params) / sizeof(params[0]), 0, done,
             send);
}

/* Whether this batch needs the step. */
static bool needs(const struct pg_send *send)
{
    bool rows = send->rows.rows > 0, there = send->staged && rows && send->fresh < send->rows.rows;
    switch (send->step) {
    case STEP_PARTITIONS: return lacks_partition(send);
    case STEP_FACTS: return send->rows.facts.size > 0;
    case STEP_STAGE: return send->staged && rows && !send->has_stage;
    case STEP_COPY: return rows;
    case STEP_FRESH: return send->staged && rows;
    case STEP_OVER: return there;
    case STEP_EVENTS: return send->rows.events.size > 0;
    case STEP_LATE: return send->rows.late > 0;
    case STEP_REPEATED: return there && send->batch->origin != SINK_BATCH_AGAIN;
    case STEP_BEGIN:
    case STEP_COMMIT:
    case STEP_DONE: return true;
    }
    return false;
}

static void step(struct pg_send *send)
{
    const struct pg_rows *rows = &send->rows;
    struct pg_link *link = send->target->live;
    while (!needs(send)) {
        send->step++;
    }
    switch (send->step) {
    case STEP_PARTITIONS: make_partitions(send); break;
    case STEP_BEGIN: begin(send); break;
    case STEP_FACTS: ask(send, facts_sql, rows->facts); break;
    case STEP_STAGE: pg_run(link, stage_sql, done, send); break;
    case STEP_COPY: copy(send); break;
    case STEP_FRESH: pg_run(link, fresh_sql, done, send); break;
    case STEP_OVER: pg_run(link, over_sql, done, send); break;
    case STEP_EVENTS: ask(send, events_sql, rows->events); break;
    case STEP_LATE: note_late(send); break;
    case STEP_REPEATED: add_repeated(send); break;
    case STEP_COMMIT: pg_run(link, "commit", done, send); break;
    case STEP_DONE:
        send->has_stage = send->has_stage || send->staged;
        finish(send);
        break;
    }
}

static void start(struct pg_send *send)
{
    send->step = STEP_PARTITIONS;
    send->staged = send->rows.rows > 0 &&
                   (send->staging > 0 || send->batch->origin == SINK_BATCH_AGAIN);
    send->fresh = 0;
    step(send);
}

void pg_send_batch(struct pg_send *send, const struct sink_batch *batch, const struct buf *bytes)
{
    send->batch = batch;
    send->bytes = bytes;
    send->rows = pg_rows_get(bytes);
    send->looked = false;
    send->began_us = clock_mono_us();
    if (send->rows.refuses) {
        err_set(&send->err, BUSBAR_EREFUSED, "%s", send->rows.reason);
        err_hint(&send->err, "%s", send->rows.hint);
        send->index = send->rows.refused;
        tell_later(send, NEWS_REFUSED);
        return;
    }
    sink_position_after(send->target->sink, batch, &send->position);
    if (batch->origin != SINK_BATCH_AGAIN) {
        send->position.counts.repeated += send->rows.repeated;
    }
    start(send);
}

/* ---- looking ---- */

size_t pg_send_details(const struct pg_send *send, struct sink_detail *details)
{
    if (send->batches == 0) {
        return 0;
    }
    details->name = "transactions";
    str_format(details->text, sizeof(details->text),
               "%" PRIu64 ", the last took %.0f ms; %" PRIu64 " met rows that were there",
               send->batches, (double)send->took_us / (double)CLOCK_US_PER_MS,
               send->staged_batches);
    return 1;
}
