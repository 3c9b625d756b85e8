/* SPDX-License-Identifier: Apache-2.0 */
/* Turns on the second connection. */
#include "sinks/postgres/upkeep.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/str.h"
#include "net/backoff.h"
#include "net/loop.h"

/* The wall clock may be set: what is due is asked for at least this often. */
enum { LOOK_MS = 60000, TASK_MIN_MS = 5000, TASK_MAX_MS = 600000, NOTHING = -1 };

struct turn {
    struct pg_task task;
    struct backoff backoff;
    int64_t not_before_us; /* monotonic, after a failure */
    struct err err;        /* of the last step; code 0: none */
};

enum upkeep_phase { AWAY, CONNECTING, STANDING };

struct pg_upkeep {
    struct sink_target *target;
    struct pg_link *link;
    enum upkeep_phase phase;
    struct timer timer;
    struct backoff backoff; /* of connecting */
    struct err err;         /* why there is no connection */
    struct turn turns[PG_TASKS_MAX];
    size_t count, next;
    int running; /* index, NOTHING */
};

static void look_after_ms(struct pg_upkeep *upkeep, int64_t ms)
{
    timer_start(&upkeep->timer, ms, 0);
}

/* ---- the connection ---- */

static void let_go(struct pg_upkeep *upkeep, const struct err *err)
{
    int running = upkeep->running;
    struct pg_link *link = upkeep->link;
    upkeep->running = NOTHING;
    upkeep->link = NULL;
    upkeep->phase = AWAY;
    if (running != NOTHING) {
        upkeep->turns[running].task.cancel(upkeep->turns[running].task.ctx);
    }
    pg_link_free(link);
    if (err != NULL) {
        upkeep->err = *err;
        look_after_ms(upkeep, (int64_t)backoff_next_ms(&upkeep->backoff));
    }
}

static void lost(void *ctx, const struct pg_answer *answer)
{
    let_go(ctx, &answer->err);
}

static void got_path(void *ctx, const struct pg_answer *answer)
{
    struct pg_upkeep *upkeep = ctx;
    if (answer->error != 0) {
        let_go(upkeep, &answer->err);
        return;
    }
    upkeep->phase = STANDING;
    upkeep->err = (struct err){ 0 };
    backoff_reset(&upkeep->backoff);
    look_after_ms(upkeep, 0);
}

static void opened(void *ctx, const struct pg_answer *answer)
{
    struct pg_upkeep *upkeep = ctx;
    char sql[128];
    if (answer->error != 0) {
        let_go(upkeep, &answer->err);
        return;
    }
    str_format(sql, sizeof(sql), "set search_path to %s, pg_temp", upkeep->target->facts.schema);
    pg_run(upkeep->link, sql, got_path, upkeep);
}

static void connect_aside(struct pg_upkeep *upkeep)
{
    struct pg_login login;
    const struct sink_env *env = upkeep->target->env;
    postgres_login(env, upkeep->target->settings, &login);
    upkeep->phase = CONNECTING;
    upkeep->link = pg_link_open(env->loop, &login, opened, upkeep);
    pg_link_on_lost(upkeep->link, lost, upkeep);
}

/* ---- turns ---- */

/* How long until the task wants a step, in ms. */
static int64_t wait_ms(const struct turn *turn)
{
    int64_t due_us = turn->task.due_us(turn->task.ctx) - clock_wall_us();
    int64_t held_us = turn->not_before_us - clock_mono_us();
    int64_t us = due_us > held_us ? due_us : held_us;
    return us <= 0 ? 0 : us >= LOOK_MS * CLOCK_US_PER_MS ? LOOK_MS : us / CLOCK_US_PER_MS + 1;
}

static void look(struct timer *timer, void *ctx)
{
    struct pg_upkeep *upkeep = ctx;
    int64_t least = LOOK_MS;
    (void)timer;
    if (upkeep->phase == AWAY) {
        connect_aside(upkeep);
        return;
    }
    if (upkeep->phase != STANDING || upkeep->running != NOTHING) {
        return;
    }
    if (!pg_link_idle(upkeep->link)) { /* it broke while a step was answered */
        struct err err;
        err_set(&err, BUSBAR_ECLOSED, "the connection for the upkeep broke");
        let_go(upkeep, &err);
        return;
    }
    for (size_t i = 0; i < upkeep->count; i++) {
        size_t at = (upkeep->next + i) % upkeep->count;
        int64_t ms = wait_ms(&upkeep->turns[at]);
        if (ms == 0) {
            upkeep->running = (int)at;
            upkeep->next = (at + 1) % upkeep->count;
            upkeep->turns[at].task.step(upkeep->turns[at].task.ctx, upkeep->link);
            return;
        }
        least = ms < least ? ms : least;
    }
    look_after_ms(upkeep, least);
}

void pg_upkeep_done(struct pg_upkeep *upkeep, const struct err *err)
{
    if (upkeep->running == NOTHING) {
        return; /* the connection went first */
    }
    struct turn *turn = &upkeep->turns[upkeep->running];
    upkeep->running = NOTHING;
    if (err == NULL) {
        turn->err = (struct err){ 0 };
        turn->not_before_us = 0;
        backoff_reset(&turn->backoff);
    } else {
        if (turn->err.code == 0) {
            busbar_log(LOG_LEVEL_WARN, "sinks", upkeep->target->env->name, "upkeep, %s: %s",
                       turn->task.name, err->message);
        }
        turn->err = *err;
        turn->not_before_us = clock_mono_us() +
                              (int64_t)backoff_next_ms(&turn->backoff) * CLOCK_US_PER_MS;
    }
    look_after_ms(upkeep, 0);
}

void pg_upkeep_wake(struct pg_upkeep *upkeep)
{
    if (upkeep->phase == STANDING && upkeep->running == NOTHING) {
        look_after_ms(upkeep, 0);
    }
}

size_t pg_upkeep_details(const struct pg_upkeep *upkeep, struct sink_detail *details, size_t max)
{
    size_t count = 0;
    if (upkeep->err.code != 0 && count < max) {
        details[count].name = "upkeep";
        str_format(details[count++].text, sizeof(details[0].text), "%s", upkeep->err.message);
    }
    for (size_t i = 0; i < upkeep->count && count < max; i++) {
        const struct turn *turn = &upkeep->turns[i];
        struct sink_detail *detail = &details[count];
        *detail = (struct sink_detail){ .name = turn->task.name };
        if (turn->err.code != 0) {
            str_format(detail->text, sizeof(detail->text), "failed, is tried again: %s",
                       turn->err.message);
        } else if (turn->task.detail != NULL) {
            turn->task.detail(turn->task.ctx, detail->text, sizeof(detail->text));
        }
        count += detail->text[0] != '\0';
    }
    return count;
}

static void add(struct pg_upkeep *upkeep, struct pg_task task)
{
    if (task.name != NULL) {
        struct turn *turn = &upkeep->turns[upkeep->count++];
        turn->task = task;
        backoff_init(&turn->backoff, TASK_MIN_MS, TASK_MAX_MS, hash_text(task.name));
    }
}

struct pg_upkeep *pg_upkeep_new(struct sink_target *target)
{
    struct pg_upkeep *upkeep = busbar_alloc(sizeof(*upkeep));
    upkeep->target = target;
    upkeep->running = NOTHING;
    target->made = (struct pg_made){ .hours_us = INT64_MAX, .days_us = INT64_MAX };
    timer_init(&upkeep->timer, target->env->loop, look, upkeep);
    backoff_init(&upkeep->backoff, 0, 0, hash_text(target->env->name));
    add(upkeep, pg_partitions_task(target, upkeep));
    add(upkeep, pg_rollup_task(target, upkeep));
    add(upkeep, pg_chunks_task(target, upkeep));
    add(upkeep, pg_journal_task(target, upkeep));
    add(upkeep, pg_retention_task(target, upkeep));
    look_after_ms(upkeep, 0);
    return upkeep;
}

void pg_upkeep_free(struct pg_upkeep *upkeep)
{
    if (upkeep == NULL) {
        return;
    }
    timer_stop(&upkeep->timer);
    let_go(upkeep, NULL);
    for (size_t i = 0; i < upkeep->count; i++) {
        upkeep->turns[i].task.free(upkeep->turns[i].task.ctx);
    }
    busbar_free(upkeep);
}
