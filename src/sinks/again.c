/* SPDX-License-Identifier: Apache-2.0 */
/* A run of a retry, drop or resend, whatever it sends. */
#include "sinks/again.h"

#include "base/alloc.h"
#include "sinks/again_private.h"

struct again *sink_again(struct sink *sink)
{
    if (sink->asked == NULL) {
        sink->asked = busbar_alloc(sizeof(*sink->asked));
        list_init(&sink->asked->ledgers);
    }
    return sink->asked;
}

void again_position(struct sink *sink, struct state_sink_place *place,
                    struct state_sink_counts *counts)
{
    struct sink_place at;
    struct sink_counts now;
    uint64_t lost;
    sink_snapshot(sink, &at, &now, &lost);
    *place = (struct state_sink_place){ at.sequence, at.taken };
    *counts = sink_state_counts(&now, lost);
}

/* ---- the end ---- */

static void finish(struct again_run *run, int error)
{
    struct sink *sink = run->sink;
    if (error == BUSBAR_ECANCELED) {
        (void)err_set(&run->progress.err, error, "the sink %s: %s, after %llu samples", sink->name,
                      atomic_load(&run->stop) ? "stopped" : "it ended or was paused",
                      (unsigned long long)run->progress.sent);
    } else if (error != 0) {
        run->progress.err = run->err;
        if (run->err.code == 0) {
            (void)err_set(&run->progress.err, error, "the sink %s: %s", sink->name,
                          err_text(error));
        }
    }
    run->progress.done = true;
    sink->asked->run = NULL;
    run->ops->fini(run);
    run->cb(run->ctx, &run->progress);
    busbar_free(run);
}

/* ---- rounds ---- */

static void next_round(struct again_run *run);

static struct again_run *run_of_work(struct sink_work *work)
{
    return list_entry(work, struct again_run, work);
}

static struct again_run *run_of_push(struct sink_push *push)
{
    return list_entry(push, struct again_run, push);
}

static void end_round(struct again_run *run)
{
    if (run->error != 0) {
        finish(run, run->error);
        return;
    }
    run->cb(run->ctx, &run->progress);
    next_round(run);
}

static void settle(struct sink_work *work)
{
    struct again_run *run = run_of_work(work);
    run->ops->settle(run);
}

static void on_settled(struct sink_work *work, int error)
{
    struct again_run *run = run_of_work(work);
    if (error == 0) {
        run->ops->settled(run);
    }
    run->error = run->error != 0 ? run->error : error;
    end_round(run);
}

static void begin_settling(struct again_run *run)
{
    if (run->ops->settle == NULL) {
        end_round(run);
        return;
    }
    again_position(run->sink, &run->place, &run->counts);
    run->work.work = settle;
    run->work.done = on_settled;
    sink_do(run->sink, &run->work);
}

static void on_refused(struct sink_push *push, size_t index, const struct err *err)
{
    struct again_run *run = run_of_push(push);
    run->progress.refused++;
    run->round_refused++;
    run->ops->refused(run, index, err);
}

/* What was acknowledged is settled, whatever became of the rest. */
static void on_pushed(struct sink_push *push, int error)
{
    struct again_run *run = run_of_push(push);
    run->pushing = false;
    run->error = error;
    run->progress.sent += push->acknowledged - run->round_refused;
    begin_settling(run);
}

static void on_taken(struct sink_work *work, int error)
{
    struct again_run *run = run_of_work(work);
    size_t count = run->push.sample_count + run->push.event_count;
    run->error = run->error != 0 ? run->error : error;
    if (run->error == 0 && atomic_load(&run->stop)) {
        run->error = BUSBAR_ECANCELED;
    }
    if (run->error != 0 || (count == 0 && run->last)) {
        finish(run, run->error);
    } else if (count == 0) {
        next_round(run);
    } else if (!run->sends) {
        begin_settling(run);
    } else {
        run->pushing = true;
        run->round_refused = 0;
        sink_push(run->sink, &run->push);
    }
}

static void take(struct sink_work *work)
{
    struct again_run *run = run_of_work(work);
    run->ops->take(run);
}

static void next_round(struct again_run *run)
{
    if (run->last || atomic_load(&run->stop)) {
        finish(run, run->last ? 0 : BUSBAR_ECANCELED);
        return;
    }
    run->work.work = take;
    run->work.done = on_taken;
    sink_do(run->sink, &run->work);
}

/* ---- the beginning ---- */

int again_begin(struct sink *sink, struct again_run *run, const struct again_ops *ops,
                sink_again_cb cb, void *ctx, struct err *err)
{
    struct again *again = sink_again(sink);
    if (again->run != NULL) {
        (void)err_set(err, BUSBAR_EBUSY, "something is being sent to the sink %s again already",
                      sink->name);
        return err_hint(err, "wait for its end, or stop it; one at a time keeps the order");
    }
    if (!sink->row_known || sink->leaving) {
        return err_set(err, BUSBAR_EAGAIN, "the sink %s is just starting or ending", sink->name);
    }
    run->sink = sink;
    run->ops = ops;
    run->cb = cb;
    run->ctx = ctx;
    run->push.done = on_pushed;
    run->push.refused = on_refused;
    again->run = run;
    next_round(run);
    return 0;
}

static void stop(struct again_run *run)
{
    atomic_store(&run->stop, true);
    if (run->pushing) {
        sink_push_cancel(run->sink, &run->push);
    }
}

int sinks_again_stop(struct sinks *sinks, const char *name, struct err *err)
{
    struct sink *sink = sinks_find(sinks, name, err);
    if (sink == NULL) {
        return BUSBAR_ENOENT;
    }
    if (sink->asked == NULL || sink->asked->run == NULL) {
        return err_set(err, BUSBAR_ENOENT, "nothing is being sent to the sink %s again", name);
    }
    stop(sink->asked->run);
    return 0;
}

void sink_again_stop(struct sink *sink)
{
    if (sink->asked != NULL && sink->asked->run != NULL) {
        atomic_store(&sink->asked->run->stop, true);
    }
}

void sink_again_fini(struct sink *sink)
{
    if (sink->asked != NULL) {
        again_ledgers_fini(sink->asked);
        busbar_free(sink->asked);
        sink->asked = NULL;
    }
}
