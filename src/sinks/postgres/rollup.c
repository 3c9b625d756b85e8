/* SPDX-License-Identifier: Apache-2.0 */
/* The task that keeps the table hour: made from our own history, which has each sample once, whatever was published when.
 *
 *   ahead   all points, from the mark in the database to the last hour that is closed
 *   before  points that came here since: their hours before the mark (point.hours), also all of a fresh database
 *   late    hours that samples came for after they were made (table late)
 *
 * A step is a slice of points and hours: asked for here, made by a job, put into a temporary table and from there over
 * what is in `hour`, together with what says that it is made. After a crash a slice is made again, which changes nothing. */
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "net/jobs.h"
#include "sinks/postgres/rollup_hours.h"
#include "sinks/postgres/schema.h"
#include "sinks/postgres/upkeep.h"

/* What was received in time is on disk and in the history by then. */
#define GRACE_US (INT64_C(30) * CLOCK_US_PER_S)
#define LOOK_US  (INT64_C(10) * CLOCK_US_PER_S) /* for late samples and new points */

enum {
    AHEAD_POINTS = 2000, /* of one slice */
    AHEAD_HOURS = 24,
    BEFORE_POINTS = 20,
    BEFORE_HOURS = 24 * 60,
    LATE_ROWS = 500,
    LIST_MAX = 1 << 20,
};

enum pass { AHEAD, BEFORE, LATE };

struct rollup {
    struct sink_target *target;
    struct pg_upkeep *upkeep;
    struct pg_link *link;
    char site[16];
    bool known;      /* the mark was read */
    bool absent;     /* the database has none yet */
    int64_t mark_us; /* all hours before it are made, but of points that came since */
    int64_t look_us; /* wall clock: look for late ones and new points */
    enum pass pass;
    bool late_next; /* LATE and BEFORE take turns */
    bool late_more, before_more;
    uint32_t after;    /* AHEAD: points up to it are made until to_us; 0: a round begins */
    int64_t to_us;     /* AHEAD: where this round ends */
    int64_t oldest_us; /* BEFORE: where the history begins; INT64_MIN: not looked for yet */
    int64_t
        before_us; /* BEFORE: the points of the slice are made up to here; INT64_MIN: others follow */
    struct buf points;        /* BEFORE: of the slice, "{1,2}" */
    struct err failed;        /* kept while the slice is rolled back */
    struct rollup_work *work; /* under way, or made and being put in */
    struct buf late[3];       /* LATE: points, starts, how often noted: arrays */
    uint64_t made;            /* hours, since the start */
};

/* All that failed is begun again, from what the database says. */
static void begin_again(struct rollup *rollup)
{
    rollup->late_more = rollup->before_more = false;
    rollup->after = 0;
    rollup->before_us = rollup->oldest_us = INT64_MIN;
}

static void fail(struct rollup *rollup, const struct err *err)
{
    begin_again(rollup);
    pg_upkeep_done(rollup->upkeep, err);
}

/* ---- when ---- */

static int64_t closed_mark(int64_t now_us)
{
    int64_t hour = rollup_floor(now_us);
    while (pg_hour_closed(hour) + GRACE_US > now_us) {
        hour -= ROLLUP_HOUR_US;
    }
    return hour + ROLLUP_HOUR_US;
}

/* Hours are made, or being made, that are not over. Nothing that comes for them would be late (pg_late_hour), so they must
 * be made again when they are. What was made less than the grace ago is fine: what comes for it is late. */
static bool is_ahead(const struct rollup *rollup, int64_t now_us)
{
    int64_t to_us = rollup->after > 0 ? rollup->to_us : rollup->mark_us;
    return rollup->known && now_us >= PG_CLOCK_SET_US && to_us > closed_mark(now_us + GRACE_US);
}

static int64_t due_us(void *ctx)
{
    struct rollup *rollup = ctx;
    int64_t now = clock_wall_us();
    if (is_ahead(rollup, now)) {
        return now;
    }
    if ((rollup->known || rollup->absent) && sink_is_behind(rollup->target->sink)) {
        return now + LOOK_US; /* what is published now would make it again and again */
    }
    if (!rollup->known || rollup->late_more || rollup->before_more || !rollup->late_next ||
        rollup->mark_us < closed_mark(now)) {
        return now;
    }
    if (rollup->look_us > now + LOOK_US) { /* the clock was set back */
        rollup->look_us = now;
    }
    return rollup->look_us;
}

/* ---- a slice ---- */

static void forget_work(struct rollup *rollup)
{
    if (rollup->work != NULL) {
        rollup_work_free(rollup->work);
        rollup->work = NULL;
    }
}

static void ended(void *ctx, const struct pg_answer *answer)
{
    struct rollup *rollup = ctx;
    if (answer->error != 0) {
        fail(rollup, &answer->err);
        return;
    }
    if (rollup->pass == AHEAD && rollup->after == 0) {
        rollup->mark_us = rollup->to_us;
    }
    if (rollup->pass == BEFORE && rollup->before_us >= rollup->mark_us) {
        rollup->before_us = INT64_MIN;
    }
    pg_upkeep_done(rollup->upkeep, NULL);
}

static void rolled_back(void *ctx, const struct pg_answer *answer)
{
    struct rollup *rollup = ctx;
    (void)answer;
    fail(rollup, &rollup->failed);
}

static void give_up(struct rollup *rollup, const struct pg_answer *answer)
{
    forget_work(rollup);
    rollup->failed = answer->err;
    if (answer->lost) {
        rolled_back(rollup, answer);
    } else {
        pg_run(rollup->link, "rollback", rolled_back, rollup);
    }
}

static void marked(void *ctx, const struct pg_answer *answer)
{
    struct rollup *rollup = ctx;
    if (answer->error != 0) {
        give_up(rollup, answer);
        return;
    }
    rollup->made += rollup->work->rows;
    forget_work(rollup);
    pg_run(rollup->link, "commit", ended, rollup);
}

static void mark_ahead(struct rollup *rollup)
{
    char mark[24];
    str_format(mark, sizeof(mark), "%lld", (long long)rollup->to_us);
    const struct pg_param params[] = { { .text = rollup->site }, { .text = mark } };
    pg_query(rollup->link, "update mark set value = $2 where site = $1 and name = 'hours'", params,
             2, 0, marked, rollup);
}

static void mark_before(struct rollup *rollup)
{
    const struct pg_param params[] = { { .text = rollup->site },
                                       { .text = buf_text(&rollup->points) } };
    pg_query(rollup->link,
             "update point set hours = true where site = $1 and point = any($2::int4[])", params, 2,
             0, marked, rollup);
}

/* A row that was noted again meanwhile stays, and its hour is made once more. */
static void mark_late(struct rollup *rollup)
{
    const struct pg_param params[] = { { .text = rollup->site },
                                       { .text = buf_text(&rollup->late[0]) },
                                       { .text = buf_text(&rollup->late[1]) },
                                       { .text = buf_text(&rollup->late[2]) } };
    pg_query(rollup->link,
             "delete from late l using unnest($2::int4[], $3::timestamptz[], $4::int4[]) "
             "as u(point, start, noted) where l.site = $1 and l.kind = 1 "
             "and l.point = u.point and l.start = u.start and l.noted = u.noted",
             params, 4, 0, marked, rollup);
}

/* What the slice makes true, in its transaction. */
static void mark_slice(struct rollup *rollup)
{
    const struct pg_answer nothing = { .error = 0 };
    if (rollup->pass == LATE) {
        mark_late(rollup);
    } else if (rollup->pass == AHEAD && rollup->after == 0) {
        mark_ahead(rollup);
    } else if (rollup->pass == BEFORE && rollup->before_us >= rollup->mark_us) {
        mark_before(rollup);
    } else {
        marked(rollup, &nothing);
    }
}

static void upserted(void *ctx, const struct pg_answer *answer)
{
    struct rollup *rollup = ctx;
    if (answer->error != 0) {
        give_up(rollup, answer);
    } else {
        mark_slice(rollup);
    }
}

static void staged(void *ctx, const struct pg_answer *answer)
{
    struct rollup *rollup = ctx;
    if (answer->error != 0) {
        give_up(rollup, answer);
        return;
    }
    pg_run(rollup->link,
           "insert into hour (" ROLLUP_COLUMNS ") select " ROLLUP_COLUMNS " from pg_temp.hour_made "
           "on conflict (site, point, hour) do update set min = excluded.min, max = excluded.max, "
           "sum = excluded.sum, first = coalesce(excluded.first, hour.first), "
           "last = excluded.last, count = excluded.count, bad = excluded.bad, "
           "others = excluded.others, quality = excluded.quality",
           upserted, rollup);
}

static void begun(void *ctx, const struct pg_answer *answer)
{
    struct rollup *rollup = ctx;
    if (answer->error != 0) {
        give_up(rollup, answer);
    } else if (rollup->work->rows == 0) {
        mark_slice(rollup);
    } else {
        pg_copy_in(rollup->link, "copy pg_temp.hour_made (" ROLLUP_COLUMNS ") from stdin",
                   rollup->work->out.data, rollup->work->out.size, staged, rollup);
    }
}

static void made(void *ctx, int error)
{
    struct rollup_work *work = ctx;
    struct rollup *rollup = work->task;
    struct err err;
    if (rollup == NULL) {
        rollup_work_free(work);
        return;
    }
    work->running = false;
    error = error != 0 ? error : work->error;
    if (error != 0) {
        forget_work(rollup);
        err_set(&err, error, "the history cannot be read: %s", err_text(error));
        fail(rollup, &err);
        return;
    }
    pg_run(rollup->link,
           "begin; create temporary table if not exists hour_made (like hour) on commit delete "
           "rows",
           begun, rollup);
}

static struct rollup_work *work_new(struct rollup *rollup, size_t count)
{
    rollup->work = rollup_work_new(rollup->target->env->history, rollup->target->facts.site, count);
    rollup->work->task = rollup;
    return rollup->work;
}

static void start(struct rollup *rollup)
{
    rollup->work->running = true;
    jobs_submit(rollup->target->env->loop, rollup_make, made, rollup->work);
}

static int64_t cell_int(const struct pg_answer *answer, size_t row, size_t column)
{
    const char *text = pg_cell(answer, row, column);
    int64_t value = 0;
    if (text != NULL) {
        (void)str_parse_i64(text, &value);
    }
    return value;
}

/* ---- ahead: the hours that closed ---- */

static void got_ahead(void *ctx, const struct pg_answer *answer)
{
    struct rollup *rollup = ctx;
    if (answer->error != 0) {
        fail(rollup, &answer->err);
        return;
    }
    struct rollup_work *work = work_new(rollup, answer->rows);
    for (size_t row = 0; row < answer->rows; row++) {
        uint32_t point = (uint32_t)cell_int(answer, row, 0);
        work->wishes[work->count++] = (struct rollup_wish){ point, rollup->mark_us, rollup->to_us };
    }
    rollup->after = answer->rows == AHEAD_POINTS ? work->wishes[work->count - 1].point : 0;
    start(rollup);
}

static void step_ahead(struct rollup *rollup)
{
    char sql[160], after[16];
    int64_t closed = closed_mark(clock_wall_us()),
            most = rollup->mark_us + AHEAD_HOURS * ROLLUP_HOUR_US;
    if (rollup->after == 0) {
        rollup->to_us = closed < most ? closed : most;
        rollup->target->made.hours_us = rollup->to_us;
    }
    str_format(after, sizeof(after), "%u", (unsigned)rollup->after);
    const struct pg_param params[] = { { .text = rollup->site }, { .text = after } };
    str_format(sql, sizeof(sql),
               "select point from point where site = $1 and point > $2 order by point limit %d",
               (int)AHEAD_POINTS);
    pg_query(rollup->link, sql, params, 2, 0, got_ahead, rollup);
}

/* ---- before: what was there when a point came ---- */

static void searched(void *ctx, int error)
{
    struct rollup_work *work = ctx;
    struct rollup *rollup = work->task;
    struct err err;
    int64_t oldest_us = work->oldest_us;
    error = error != 0 ? error : work->error;
    if (rollup == NULL) {
        rollup_work_free(work);
        return;
    }
    forget_work(rollup);
    if (error != 0) {
        err_set(&err, error, "the history cannot be read: %s", err_text(error));
        fail(rollup, &err);
        return;
    }
    int64_t keep_us = settings_int(rollup->target->settings, POSTGRES_HOURS_KEEP);
    int64_t least_us = keep_us < 0 ? 0 : clock_wall_us() - keep_us;
    oldest_us = oldest_us > least_us ? oldest_us : least_us;
    rollup->oldest_us = rollup_floor(oldest_us < rollup->mark_us ? oldest_us : rollup->mark_us);
    pg_upkeep_done(rollup->upkeep, NULL);
}

static void make_before(struct rollup *rollup, const uint32_t *points, size_t count)
{
    struct rollup_work *work = work_new(rollup, count);
    int64_t to = rollup->before_us + BEFORE_HOURS * ROLLUP_HOUR_US;
    to = to < rollup->mark_us ? to : rollup->mark_us;
    for (size_t i = 0; i < count; i++) {
        work->wishes[work->count++] = (struct rollup_wish){ points[i], rollup->before_us, to };
    }
    rollup->before_us = to;
    start(rollup);
}

static void got_before(void *ctx, const struct pg_answer *answer)
{
    struct rollup *rollup = ctx;
    uint32_t points[BEFORE_POINTS];
    size_t count = answer->rows < BEFORE_POINTS ? answer->rows : BEFORE_POINTS;
    if (answer->error != 0) {
        fail(rollup, &answer->err);
        return;
    }
    rollup->before_more = count > 0;
    if (count == 0) {
        rollup->before_us = rollup->oldest_us = INT64_MIN;
        pg_upkeep_done(rollup->upkeep, NULL);
        return;
    }
    if (rollup->oldest_us == INT64_MIN) {
        struct rollup_work *work = work_new(rollup, 0);
        work->running = true;
        jobs_submit(rollup->target->env->loop, rollup_search, searched, work);
        return;
    }
    buf_clear(&rollup->points);
    for (size_t row = 0; row < count; row++) {
        points[row] = (uint32_t)cell_int(answer, row, 0);
        buf_printf(&rollup->points, "%s%u", row == 0 ? "{" : ",", (unsigned)points[row]);
    }
    buf_append_text(&rollup->points, "}");
    rollup->before_us = rollup->before_us == INT64_MIN ? rollup->oldest_us : rollup->before_us;
    make_before(rollup, points, count);
}

static void step_before(struct rollup *rollup)
{
    char sql[160];
    const struct pg_param site = { .text = rollup->site };
    if (rollup->before_us != INT64_MIN) { /* the same points go on */
        const struct pg_param params[] = { site, { .text = buf_text(&rollup->points) } };
        pg_query(rollup->link,
                 "select point from point where site = $1 and point = any($2::int4[]) and not "
                 "hours order by point",
                 params, 2, 0, got_before, rollup);
        return;
    }
    str_format(sql, sizeof(sql),
               "select point from point where site = $1 and not hours order by point limit %d",
               (int)BEFORE_POINTS);
    pg_query(rollup->link, sql, &site, 1, 0, got_before, rollup);
}

/* ---- late ---- */

static void put_late(struct rollup *rollup, const struct pg_answer *answer, size_t row)
{
    const char *comma = row == 0 ? "{" : ",";
    buf_printf(&rollup->late[0], "%s%lld", comma, (long long)cell_int(answer, row, 0));
    buf_printf(&rollup->late[1], "%s\"%s\"", comma, pg_cell(answer, row, 1));
    buf_printf(&rollup->late[2], "%s%lld", comma, (long long)cell_int(answer, row, 3));
}

static void got_late(void *ctx, const struct pg_answer *answer)
{
    struct rollup *rollup = ctx;
    if (answer->error != 0) {
        fail(rollup, &answer->err);
        return;
    }
    rollup->late_more = answer->rows == LATE_ROWS;
    if (answer->rows == 0) {
        pg_upkeep_done(rollup->upkeep, NULL);
        return;
    }
    struct rollup_work *work = work_new(rollup, answer->rows);
    for (size_t i = 0; i < 3; i++) {
        buf_clear(&rollup->late[i]);
    }
    for (size_t row = 0; row < answer->rows; row++) {
        int64_t hour = cell_int(answer, row, 2);
        put_late(rollup, answer, row);
        work->wishes[work->count++] = (struct rollup_wish){ (uint32_t)cell_int(answer, row, 0),
                                                            hour, hour + ROLLUP_HOUR_US };
    }
    for (size_t i = 0; i < 3; i++) {
        buf_append_text(&rollup->late[i], "}");
    }
    start(rollup);
}

static void step_late(struct rollup *rollup)
{
    char sql[320];
    const struct pg_param site = { .text = rollup->site };
    str_format(sql, sizeof(sql),
               "select point, start, (extract(epoch from start) * 1000000)::int8, noted from late "
               "where site = $1 and kind = %d order by point, start limit %d",
               (int)PG_LATE_HOUR, (int)LATE_ROWS);
    pg_query(rollup->link, sql, &site, 1, 0, got_late, rollup);
}

/* ---- turns ---- */

static void got_mark(void *ctx, const struct pg_answer *answer)
{
    struct rollup *rollup = ctx;
    if (answer->error != 0) {
        fail(rollup, &answer->err);
        return;
    }
    rollup->absent = answer->rows == 0;
    rollup->known = !rollup->absent;
    rollup->mark_us = rollup->known ? cell_int(answer, 0, 0) : 0;
    rollup->target->made.hours_us = rollup->known ? rollup->mark_us : INT64_MIN;
    pg_upkeep_done(rollup->upkeep, NULL);
}

/* A fresh database begins with the hour that is, once the sink has caught up: all before it is "before". */
static void read_mark(struct rollup *rollup)
{
    char mark[24];
    const struct pg_param site = { .text = rollup->site };
    if (sink_is_behind(rollup->target->sink)) {
        pg_query(rollup->link, "select value from mark where site = $1 and name = 'hours'", &site,
                 1, 0, got_mark, rollup);
        return;
    }
    str_format(mark, sizeof(mark), "%lld", (long long)closed_mark(clock_wall_us()));
    const struct pg_param params[] = { site, { .text = mark } };
    pg_query(rollup->link,
             "insert into mark (site, name, value) values ($1, 'hours', $2) "
             "on conflict (site, name) do update set value = mark.value returning value",
             params, 2, 0, got_mark, rollup);
}

static void set_back(void *ctx, const struct pg_answer *answer)
{
    struct rollup *rollup = ctx;
    if (answer->error == 0) {
        busbar_log(LOG_LEVEL_WARN, "sinks", rollup->target->env->name,
                   "upkeep, hours: the clock was ahead; those that are not over are made again");
    }
    begin_again(rollup);
    got_mark(rollup, answer);
}

/* The clock was ahead, and is right again. */
static void mark_back(struct rollup *rollup, int64_t now_us)
{
    char mark[24];
    const struct pg_param params[] = { { .text = rollup->site }, { .text = mark } };
    str_format(mark, sizeof(mark), "%lld", (long long)closed_mark(now_us));
    pg_query(rollup->link,
             "update mark set value = least(value, $2) where site = $1 and name = 'hours' "
             "returning value",
             params, 2, 0, set_back, rollup);
}

static void step(void *ctx, struct pg_link *link)
{
    struct rollup *rollup = ctx;
    int64_t now = clock_wall_us();
    rollup->link = link;
    if (!rollup->known) {
        read_mark(rollup);
        return;
    }
    if (is_ahead(rollup, now)) {
        mark_back(rollup, now);
        return;
    }
    if (rollup->mark_us < closed_mark(now)) {
        rollup->pass = AHEAD;
        step_ahead(rollup);
    } else if (rollup->late_next) {
        rollup->pass = LATE;
        rollup->late_next = false;
        step_late(rollup);
    } else {
        rollup->pass = BEFORE;
        rollup->late_next = true;
        rollup->look_us = now + LOOK_US;
        step_before(rollup);
    }
}

static void cancel(void *ctx)
{
    struct rollup *rollup = ctx;
    if (rollup->work != NULL && rollup->work->running) {
        rollup->work->task = NULL; /* the job's end frees it */
        rollup->work = NULL;
    }
    forget_work(rollup);
    begin_again(rollup);
    rollup->known = rollup->absent = false;
}

static void free_rollup(void *ctx)
{
    struct rollup *rollup = ctx;
    buf_fini(&rollup->points);
    for (size_t i = 0; i < 3; i++) {
        buf_fini(&rollup->late[i]);
    }
    busbar_free(rollup);
}

static void detail(void *ctx, char *text, size_t size)
{
    const struct rollup *rollup = ctx;
    char time[STR_TIME_MAX];
    if (rollup->known) {
        (void)str_format_time(time, sizeof(time), rollup->mark_us, 0, true);
        str_format(text, size, "made to %s, %llu since the start%s", time,
                   (unsigned long long)rollup->made,
                   rollup->before_more ? ", points that are new here follow" : "");
    }
}

struct pg_task pg_rollup_task(struct sink_target *target, struct pg_upkeep *upkeep)
{
    struct rollup *rollup = busbar_alloc(sizeof(*rollup));
    *rollup = (struct rollup){ .target = target,
                               .upkeep = upkeep,
                               .oldest_us = INT64_MIN,
                               .before_us = INT64_MIN,
                               .late_next = true };
    str_format(rollup->site, sizeof(rollup->site), "%d", (int)target->facts.site);
    buf_init(&rollup->points, LIST_MAX);
    for (size_t i = 0; i < 3; i++) {
        buf_init(&rollup->late[i], LIST_MAX);
    }
    return (struct pg_task){ .name = "hours",
                             .due_us = due_us,
                             .step = step,
                             .cancel = cancel,
                             .free = free_rollup,
                             .detail = detail,
                             .ctx = rollup };
}
