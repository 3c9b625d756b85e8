/* SPDX-License-Identifier: Apache-2.0 */
/* The task that keeps the table chunk: whole days of points as our own chunks (history/sealed.h), about a byte a sample,
 * made from our history and not from rows, with all that a sample has.
 *
 *   days   the mark `chunks`: all days before it are in. Of the day under way the points up to the mark `chunks point`
 *          are in: a slice of points is made by a job and put in with the mark, in one transaction, so that after a stop
 *          nothing is made twice and nothing is left out. What the table has of such a day already (the mark was set back:
 *          by us after a clock that was ahead, or by a person) is noted as late instead, so that nothing of it is lost.
 *   late   days that samples came for after they were made (table late), one a step: what the table has and what
 *          the history has become one; so what the history let go of since stays. Of days before the log of this gateway was
 *          begun, rows count as well: the history of a restored gateway lacks what came after the backup. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "net/jobs.h"
#include "sinks/postgres/chunks_make.h"
#include "sinks/postgres/rows_back.h"
#include "sinks/postgres/schema.h"
#include "sinks/postgres/upkeep.h"

#define GRACE_US (INT64_C(60) * CLOCK_US_PER_S) /* what was received in time is on disk by then */
#define LOOK_US  (INT64_C(60) * CLOCK_US_PER_S) /* for late days */

enum { SQL_MAX = 640, DAY_MAX = 24 };

struct chunks {
    struct sink_target *target;
    struct pg_upkeep *upkeep;
    struct pg_link *link;
    struct pg_chunks_work *work; /* under way, or made and being put in */
    bool running;                /* the job is */
    bool known;                  /* the marks were read */
    bool flushed;                /* once since the start, so that all old days are seen */
    int64_t mark_us, look_us;
    int64_t closed_us;   /* days before it are being made */
    uint32_t after;      /* points of the day at the mark up to it are in */
    int64_t late_day_us; /* of the late one in turn */
    int64_t late_noted;
    uint64_t samples, bytes, again, damaged; /* since the start */
};

static int64_t cell_int(const struct pg_answer *answer, size_t row, size_t column)
{
    int64_t value = 0;
    const char *text = pg_cell(answer, row, column);
    if (text != NULL) {
        (void)str_parse_i64(text, &value);
    }
    return value;
}

static int64_t floor_day(int64_t time_us)
{
    int64_t rest = time_us % PG_DAY_US;
    return time_us - (rest < 0 ? rest + PG_DAY_US : rest);
}

/* All days before it can be made. */
static int64_t closed_mark(int64_t now_us)
{
    int64_t day = floor_day(now_us);
    while (pg_day_closed(day) + GRACE_US > now_us) {
        day -= PG_DAY_US;
    }
    return day + PG_DAY_US;
}

static void day_text(int64_t day_us, char *text, size_t size)
{
    char time[STR_TIME_MAX];
    (void)str_format_time(time, sizeof(time), day_us, 0, false);
    str_format(text, size, "%.10s", time);
}

static void forget_work(struct chunks *chunks)
{
    if (chunks->work != NULL) {
        pg_chunks_work_free(chunks->work);
        chunks->work = NULL;
    }
}

static void fail(struct chunks *chunks, const struct err *err)
{
    struct err copy = *err;
    forget_work(chunks);
    pg_upkeep_done(chunks->upkeep, &copy);
}

static bool failed(struct chunks *chunks, const struct pg_answer *answer)
{
    if (answer->error != 0) {
        fail(chunks, &answer->err);
    }
    return answer->error != 0;
}

/* ---- one transaction a slice ---- */

static void rolled_back(void *ctx, const struct pg_answer *answer)
{
    struct chunks *chunks = ctx;
    struct err err;
    (void)answer;
    err_set(&err, BUSBAR_EIO, "%s", buf_text(&chunks->work->old));
    fail(chunks, &err);
}

/* The work keeps the reason until the answer to the rollback. */
static void give_up(struct chunks *chunks, const struct pg_answer *answer)
{
    if (answer->lost) {
        fail(chunks, &answer->err);
        return;
    }
    buf_clear(&chunks->work->old);
    buf_append_text(&chunks->work->old, answer->err.message);
    pg_run(chunks->link, "rollback", rolled_back, chunks);
}

static void committed(void *ctx, const struct pg_answer *answer)
{
    struct chunks *chunks = ctx;
    struct pg_chunks_work *work = chunks->work;
    if (answer->error != 0) {
        give_up(chunks, answer);
        return;
    }
    chunks->samples += work->samples;
    chunks->bytes += work->bytes;
    chunks->damaged += work->damaged;
    if (work->again) {
        chunks->again++;
    } else {
        chunks->mark_us = work->last ? work->day_us + PG_DAY_US : work->day_us;
        chunks->after = work->last ? 0 : work->after;
    }
    forget_work(chunks);
    pg_upkeep_done(chunks->upkeep, NULL);
}

/* What the slice makes true. */
static void mark_slice(struct chunks *chunks)
{
    char sql[SQL_MAX], day[DAY_MAX];
    const struct pg_chunks_work *work = chunks->work;
    day_text(work->day_us, day, sizeof(day));
    if (work->again) {
        str_format(sql, sizeof(sql),
                   "delete from late where site = %d and kind = %d and point = %u and "
                   "start = '%s' and noted = %lld; commit",
                   (int)work->site, (int)PG_LATE_DAY, (unsigned)work->after, day,
                   (long long)chunks->late_noted);
    } else {
        int64_t mark = work->last ? work->day_us + PG_DAY_US : work->day_us;
        str_format(sql, sizeof(sql),
                   "insert into mark (site, name, value) values (%d, 'chunks', %lld), "
                   "(%d, 'chunks point', %u) on conflict (site, name) do update set "
                   "value = excluded.value; commit",
                   (int)work->site, (long long)mark, (int)work->site,
                   work->last ? 0u : (unsigned)work->after);
    }
    pg_run(chunks->link, sql, committed, chunks);
}

static void copied(void *ctx, const struct pg_answer *answer)
{
    struct chunks *chunks = ctx;
    if (answer->error != 0) {
        give_up(chunks, answer);
        return;
    }
    mark_slice(chunks);
}

static void begun(void *ctx, const struct pg_answer *answer)
{
    struct chunks *chunks = ctx;
    if (answer->error != 0) {
        give_up(chunks, answer);
    } else if (chunks->work->rows == 0) {
        mark_slice(chunks);
    } else {
        pg_copy_in(chunks->link, PG_CHUNKS_COPY, chunks->work->out.data, chunks->work->out.size,
                   copied, chunks);
    }
}

static void put_in(struct chunks *chunks)
{
    char sql[SQL_MAX], day[DAY_MAX];
    const struct pg_chunks_work *work = chunks->work;
    day_text(work->day_us, day, sizeof(day));
    if (work->again) {
        str_format(sql, sizeof(sql),
                   "begin; delete from chunk where site = %d and day = '%s' and point = %u",
                   (int)work->site, day, (unsigned)work->after);
    } else {
        str_format(sql, sizeof(sql),
                   "begin; insert into late as l (site, kind, point, start) "
                   "select distinct site, %d, point, timestamptz '%s' from chunk "
                   "where site = %d and day = '%s' and point > %u and point <= %u "
                   "on conflict (site, kind, point, start) do update set noted = l.noted + 1",
                   (int)PG_LATE_DAY, day, (int)work->site, day, (unsigned)chunks->after,
                   (unsigned)work->after);
    }
    pg_run(chunks->link, sql, begun, chunks);
}

static void made(void *ctx, int error)
{
    struct pg_chunks_work *work = ctx;
    struct chunks *chunks = work->task;
    if (chunks == NULL) {
        pg_chunks_work_free(work);
        return;
    }
    chunks->running = false;
    error = error != 0 ? error : work->error;
    if (error != 0) {
        struct err err;
        char day[DAY_MAX];
        day_text(work->day_us, day, sizeof(day));
        err_set(&err, error, "the day %s of series %u cannot be made: %s", day,
                (unsigned)work->point, err_text(error));
        fail(chunks, &err);
        return;
    }
    chunks->flushed = chunks->flushed || work->flush;
    put_in(chunks);
}

static struct pg_chunks_work *work_new(struct chunks *chunks, int64_t day_us, uint32_t after)
{
    struct pg_chunks_work *work = busbar_alloc(sizeof(*work));
    forget_work(chunks);
    *work = (struct pg_chunks_work){
        .task = chunks,
        .history = chunks->target->env->history,
        .filter = sink_filter_ref(sink_filter_now(chunks->target->sink)),
        .site = chunks->target->facts.site,
        .day_us = day_us,
        .after = after,
    };
    buf_init(&work->old, PG_ANSWER_MAX + (1 << 20));
    buf_init(&work->out, PG_CHUNKS_BYTES_MAX);
    chunks->work = work;
    return work;
}

static void start_job(struct chunks *chunks, jobs_work_cb job, jobs_done_cb done)
{
    chunks->running = true;
    jobs_submit(chunks->target->env->loop, job, done, chunks->work);
}

/* ---- days ---- */

static void got_there(void *ctx, const struct pg_answer *answer)
{
    struct chunks *chunks = ctx;
    struct pg_chunks_work *work = chunks->work;
    if (failed(chunks, answer)) {
        return;
    }
    work->there = busbar_alloc_array(answer->rows + 1, sizeof(*work->there));
    work->there_count = answer->rows;
    for (size_t row = 0; row < answer->rows; row++) {
        work->there[row] = (uint32_t)cell_int(answer, row, 0);
    }
    start_job(chunks, pg_chunks_make, made);
}

/* The points whose day is in the table already, then a slice of the others. */
static void start_slice(struct chunks *chunks)
{
    char sql[SQL_MAX], day[DAY_MAX];
    const struct pg_chunks_work *work = chunks->work;
    day_text(work->day_us, day, sizeof(day));
    str_format(sql, sizeof(sql),
               "select distinct point from chunk where site = %d and day = '%s' and point > %u "
               "order by point",
               (int)work->site, day, (unsigned)work->after);
    pg_query(chunks->link, sql, NULL, 0, 0, got_there, chunks);
}

static int64_t next_day(const struct pg_chunks_work *work)
{
    int64_t next_us = history_next_us(work->history, work->day_us);
    return next_us == INT64_MAX ? INT64_MAX : floor_day(next_us);
}

/* The first day from day_us on that may have something: most of what is asked for may be long before anything. What is in
 * memory alone has no time that can be asked for, so it goes into blocks before all days are taken for empty. */
static void find_day(void *ctx)
{
    struct pg_chunks_work *work = ctx;
    int64_t day_us = work->flush ? INT64_MAX : next_day(work);
    if (day_us >= work->closed_us) {
        work->error = history_flush(work->history);
        day_us = next_day(work);
    }
    work->day_us = day_us;
}

static void found_day(void *ctx, int error)
{
    struct pg_chunks_work *work = ctx;
    struct chunks *chunks = work->task;
    if (chunks == NULL) {
        pg_chunks_work_free(work);
        return;
    }
    chunks->running = false;
    int64_t closed = chunks->closed_us;
    int64_t day_us = work->day_us < closed ? work->day_us : closed;
    chunks->flushed = true;
    error = error != 0 ? error : work->error;
    if (error != 0) {
        struct err err;
        err_set(&err, error, "what is in memory cannot be written: %s", err_text(error));
        fail(chunks, &err);
        return;
    }
    bool same = day_us == chunks->mark_us;
    struct pg_chunks_work *next = work_new(chunks, day_us, same ? chunks->after : 0);
    if (day_us < closed) {
        chunks->after = same ? chunks->after : 0;
        start_slice(chunks);
    } else { /* nothing is left: the mark goes on alone */
        next->day_us = closed - PG_DAY_US;
        next->last = true;
        next->after = 0;
        chunks->after = 0;
        put_in(chunks);
    }
}

static void step_day(struct chunks *chunks)
{
    struct pg_chunks_work *work = work_new(chunks, chunks->mark_us, chunks->after);
    chunks->closed_us = chunks->target->made.days_us = closed_mark(clock_wall_us());
    work->closed_us = chunks->closed_us;
    if (chunks->after > 0) { /* in the middle of a day */
        start_slice(chunks);
        return;
    }
    work->flush = !chunks->flushed;
    start_job(chunks, find_day, found_day);
}

/* ---- late ---- */

static void got_row(void *ctx, const struct pg_answer *answer)
{
    struct chunks *chunks = ctx;
    if (failed(chunks, answer)) {
        return;
    }
    if (answer->rows > 0) {
        pg_chunks_take_row(chunks->work, answer);
    } else {
        start_job(chunks, pg_chunks_make, made);
    }
}

/* All that was published since this log began is in the history, so rows are asked for of days before alone. */
static void ask_rows(struct chunks *chunks)
{
    char sql[SQL_MAX], day[DAY_MAX];
    const struct pg_chunks_work *work = chunks->work;
    day_text(work->day_us, day, sizeof(day));
    str_format(sql, sizeof(sql),
               "select " PG_ROWS_BACK " from sample where site = %d and point = %u and "
               "time >= '%s' and time < timestamptz '%s' + interval '1 day' and "
               "(select claimed >= '%s' from site where number = %d) order by time",
               (int)work->site, (unsigned)work->after, day, day, day, (int)work->site);
    pg_query(chunks->link, sql, NULL, 0, PG_BINARY | PG_ROW_BY_ROW, got_row, chunks);
}

static void got_old(void *ctx, const struct pg_answer *answer)
{
    struct chunks *chunks = ctx;
    struct pg_chunks_work *work = chunks->work;
    if (failed(chunks, answer)) {
        return;
    }
    for (size_t row = 0; row < answer->rows; row++) {
        size_t size = 0;
        const void *bytes = pg_cell_bytes(answer, row, 0, &size);
        uint8_t head[4];
        for (size_t i = 0; i < 4; i++) {
            head[i] = (uint8_t)(size >> 8 * i);
        }
        buf_append(&work->old, head, sizeof(head));
        buf_append(&work->old, bytes, size);
    }
    ask_rows(chunks);
}

static void got_late(void *ctx, const struct pg_answer *answer)
{
    struct chunks *chunks = ctx;
    char sql[SQL_MAX], day[DAY_MAX];
    if (failed(chunks, answer)) {
        return;
    }
    if (answer->rows == 0) {
        chunks->look_us = clock_wall_us() + LOOK_US;
        pg_upkeep_done(chunks->upkeep, NULL);
        return;
    }
    struct pg_chunks_work *work = work_new(chunks, cell_int(answer, 0, 1),
                                           (uint32_t)cell_int(answer, 0, 0));
    work->again = true;
    chunks->late_noted = cell_int(answer, 0, 2);
    (void)str_copy(work->type, sizeof(work->type), pg_cell(answer, 0, 3));
    day_text(work->day_us, day, sizeof(day));
    str_format(sql, sizeof(sql),
               "select data from chunk where site = %d and point = %u and day = '%s' order by part",
               (int)work->site, (unsigned)work->after, day);
    pg_query(chunks->link, sql, NULL, 0, PG_BINARY, got_old, chunks);
}

static void step_late(struct chunks *chunks)
{
    char sql[SQL_MAX];
    str_format(sql, sizeof(sql),
               "select point, (extract(epoch from start) * 1000000)::int8, noted, coalesce((select "
               "type from point p where p.site = l.site and p.point = l.point), '') from late l "
               "where site = %d and kind = %d and start < to_timestamp(%lld) "
               "order by start, point limit 1",
               (int)chunks->target->facts.site, (int)PG_LATE_DAY,
               (long long)(chunks->mark_us / CLOCK_US_PER_S));
    pg_query(chunks->link, sql, NULL, 0, 0, got_late, chunks);
}

/* ---- turns ---- */

static void got_marks(void *ctx, const struct pg_answer *answer)
{
    struct chunks *chunks = ctx;
    if (failed(chunks, answer)) {
        return;
    }
    chunks->known = true;
    chunks->mark_us = floor_day(cell_int(answer, 0, 0));
    chunks->after = (uint32_t)cell_int(answer, 0, 1);
    chunks->target->made.days_us = chunks->after > 0 ? chunks->mark_us + PG_DAY_US
                                                     : chunks->mark_us;
    pg_upkeep_done(chunks->upkeep, NULL);
}

static void read_marks(struct chunks *chunks)
{
    char sql[SQL_MAX];
    int site = chunks->target->facts.site;
    str_format(sql, sizeof(sql),
               "select (select value from mark where site = %d and name = 'chunks'), "
               "(select value from mark where site = %d and name = 'chunks point')",
               site, site);
    pg_query(chunks->link, sql, NULL, 0, 0, got_marks, chunks);
}

/* Days are made, or one is being made, that are not over. Nothing that comes for them would be late (pg_late_day), so they
 * must be made again when they are. What was made less than the grace ago is fine: what comes for it is late. */
static bool is_ahead(const struct chunks *chunks, int64_t now_us)
{
    int64_t to_us = chunks->mark_us + (chunks->after > 0 ? PG_DAY_US : 0);
    return chunks->known && now_us >= PG_CLOCK_SET_US && to_us > closed_mark(now_us + GRACE_US);
}

static void set_back(void *ctx, const struct pg_answer *answer)
{
    struct chunks *chunks = ctx;
    if (failed(chunks, answer)) {
        return;
    }
    busbar_log(LOG_LEVEL_WARN, "sinks", chunks->target->env->name,
               "upkeep, days: the clock was ahead; those that are not over are made again");
    read_marks(chunks);
}

/* The clock was ahead, and is right again. */
static void mark_back(struct chunks *chunks, int64_t now_us)
{
    char sql[SQL_MAX];
    str_format(sql, sizeof(sql),
               "update mark set value = least(value, case name when 'chunks' then %lld else 0 end) "
               "where site = %d and name in ('chunks', 'chunks point')",
               (long long)closed_mark(now_us), (int)chunks->target->facts.site);
    pg_run(chunks->link, sql, set_back, chunks);
}

static int64_t due_us(void *ctx)
{
    struct chunks *chunks = ctx;
    int64_t now = clock_wall_us();
    if (is_ahead(chunks, now)) {
        return now;
    }
    if (chunks->known && sink_is_behind(chunks->target->sink)) {
        return now + LOOK_US; /* what is published now would make them again and again */
    }
    if (!chunks->known || chunks->mark_us < closed_mark(now)) {
        return now;
    }
    if (chunks->look_us > now + LOOK_US) { /* the clock was set back */
        chunks->look_us = now;
    }
    return chunks->look_us;
}

static void step(void *ctx, struct pg_link *link)
{
    struct chunks *chunks = ctx;
    chunks->link = link;
    if (!chunks->known) {
        read_marks(chunks);
    } else if (is_ahead(chunks, clock_wall_us())) {
        mark_back(chunks, clock_wall_us());
    } else if (chunks->mark_us < closed_mark(clock_wall_us())) {
        step_day(chunks);
    } else {
        step_late(chunks);
    }
}

static void cancel(void *ctx)
{
    struct chunks *chunks = ctx;
    if (chunks->running) { /* the job's end frees it */
        atomic_store(&chunks->work->cancel, true);
        chunks->work->task = NULL;
        chunks->work = NULL;
    }
    chunks->running = false;
    forget_work(chunks);
    chunks->known = false;
}

static void free_chunks(void *ctx)
{
    cancel(ctx);
    busbar_free(ctx);
}

static void detail(void *ctx, char *text, size_t size)
{
    const struct chunks *chunks = ctx;
    char day[DAY_MAX];
    if (!chunks->known || chunks->mark_us == 0) {
        str_copy(text, size, "");
        return;
    }
    day_text(chunks->mark_us, day, sizeof(day));
    str_format(text, size,
               "all days before %s; since the start %llu samples in %llu bytes, %llu "
               "late days made again%s",
               day, (unsigned long long)chunks->samples, (unsigned long long)chunks->bytes,
               (unsigned long long)chunks->again,
               chunks->damaged > 0 ? "; pieces of the history were damaged and are missing" : "");
}

struct pg_task pg_chunks_task(struct sink_target *target, struct pg_upkeep *upkeep)
{
    if (!settings_bool(target->settings, POSTGRES_CHUNKS)) {
        target->made.days_us = target->facts.days_us; /* what is late for them is noted still */
        return (struct pg_task){ 0 };
    }
    struct chunks *chunks = busbar_alloc(sizeof(*chunks));
    chunks->target = target;
    chunks->upkeep = upkeep;
    return (struct pg_task){ .name = "days",
                             .due_us = due_us,
                             .step = step,
                             .cancel = cancel,
                             .free = free_chunks,
                             .detail = detail,
                             .ctx = chunks };
}
