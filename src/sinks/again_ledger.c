/* SPDX-License-Identifier: Apache-2.0 */
/* Ledgers: the place and its counts are taken on the loop at one moment, the counting (tally.h) is a job beside those of
 * the sink, which goes on meanwhile. What it leaves behind may be gone from the log before it is read, then all is taken
 * anew. */
#include "base/alloc.h"
#include "base/str.h"
#include "history/index.h"
#include "net/jobs.h"
#include "sinks/again_private.h"
#include "sinks/tally.h"

enum { TRIES = 3 };

struct ledger_run {
    struct list link;  /* in again->ledgers */
    struct sink *sink; /* NULL: it is gone, and cb was told */
    struct sink_filter *filter;
    struct tally tally;
    atomic_bool stop;
    uint64_t changes;
    unsigned tries;
    sink_ledger_cb cb; /* NULL: only the baseline is wanted */
    void *ctx;
};

static bool wanted(void *ctx, uint32_t series)
{
    return sink_filter_wants(ctx, series);
}

static void decide_anew(void *ctx)
{
    sink_filter_forget(ctx);
}

static void work(void *ctx)
{
    struct ledger_run *run = ctx;
    tally_work(&run->tally);
}

static void done(void *ctx, int error);

static void submit(struct ledger_run *run)
{
    struct sink *sink = run->sink;
    run->changes = sink->asked->changes;
    run->tally.last_try = ++run->tries == TRIES;
    sink_snapshot(sink, &run->tally.place, &run->tally.counts, &run->tally.lost_records);
    jobs_submit(sink->sinks->config.loop, work, done, run);
}

static void run_free(struct ledger_run *run)
{
    list_remove(&run->link);
    sink_filter_unref(run->filter);
    busbar_free(run);
}

/* A retry or a drop took rows between the counts and the rows. */
static bool met_a_change(const struct ledger_run *run)
{
    const struct sink_ledger *ledger = &run->tally.ledger;
    return ledger->error == 0 && !ledger->balances && run->changes != run->sink->asked->changes;
}

static void done(void *ctx, int error)
{
    struct ledger_run *run = ctx;
    struct sink_ledger *ledger = &run->tally.ledger;
    if (run->sink != NULL && error == 0 && run->tries < TRIES &&
        (ledger->error == BUSBAR_EAGAIN || met_a_change(run))) {
        submit(run);
        return;
    }
    if (run->sink != NULL && run->cb != NULL) {
        ledger->error = error != 0 ? error : ledger->error;
        run->cb(run->ctx, ledger);
    }
    run_free(run);
}

static void begin(struct sink *sink, sink_ledger_cb cb, void *ctx)
{
    struct ledger_run *run = busbar_alloc(sizeof(*run));
    run->sink = sink;
    run->filter = sink_filter_ref(sink->filter);
    run->cb = cb;
    run->ctx = ctx;
    run->tally.history = sink->env.history;
    run->tally.state = sink->env.state;
    run->tally.wanted = wanted;
    run->tally.decide_anew = decide_anew;
    run->tally.wanted_ctx = run->filter;
    run->tally.filter = sink_filter_hash(sink->filter);
    run->tally.stop = &run->stop;
    (void)str_copy(run->tally.name, sizeof(run->tally.name), sink->name);
    list_append(&sink_again(sink)->ledgers, &run->link);
    submit(run);
}

/* Before all labels are there nobody knows which series are a sink's. */
static bool can_count(const struct sink *sink)
{
    return sink->row_known && sink->sinks->started && history_index_loaded(sink->env.history);
}

void sink_ledger_begin(struct sink *sink)
{
    if (can_count(sink)) {
        begin(sink, NULL, NULL);
    }
}

int sinks_ledger(struct sinks *sinks, const char *name, sink_ledger_cb cb, void *ctx,
                 struct err *err)
{
    struct sink *sink = sinks_find(sinks, name, err);
    if (sink == NULL) {
        return BUSBAR_ENOENT;
    }
    if (!can_count(sink)) {
        (void)err_set(err, BUSBAR_EAGAIN, "the sink %s is just starting", name);
        return err_hint(err, "ask again in a moment");
    }
    begin(sink, cb, ctx);
    return 0;
}

void again_ledgers_fini(struct again *again)
{
    list_each_safe(at, &again->ledgers) {
        struct ledger_run *run = list_entry(at, struct ledger_run, link);
        struct sink_ledger ledger = { .error = BUSBAR_ECANCELED };
        (void)str_copy(ledger.name, sizeof(ledger.name), run->tally.name);
        (void)err_set(&ledger.err, BUSBAR_ECANCELED, "the sink %s ended", run->tally.name);
        atomic_store(&run->stop, true);
        list_remove(&run->link);
        run->sink = NULL;
        if (run->cb != NULL) {
            run->cb(run->ctx, &ledger);
        }
    }
}
