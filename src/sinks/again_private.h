/* SPDX-License-Identifier: Apache-2.0 */
/* What a person asked of a sink and is under way: one run at most, and ledgers that are being counted. Private to the
 * folder; loop thread only.
 *
 *   again.c         a run: begins, ends, is stopped          again_ledger.c   ledgers, the baseline
 *   again_aside.c   retry, drop: rows of state.db            tally.c          counting (job)
 *   again_resend.c  what history has
 *
 * A run goes in rounds: take (job) -> push, and wait for the target -> settle (job) -> the next. Jobs are those of the
 * sink (machine.h), so none of them meets a save of place and counts. */
#ifndef BUSBAR_SINKS_AGAIN_PRIVATE_H
#define BUSBAR_SINKS_AGAIN_PRIVATE_H

#include <stdatomic.h>

#include "sinks/again.h"
#include "sinks/machine.h"

struct again_run;

struct again_ops {
    void (*take)(struct again_run *run);   /* job: fills `push`, or drops; run->error */
    void (*settle)(struct again_run *run); /* job; NULL: nothing to be settled */
    void (*settled)(struct again_run *run);
    void (*refused)(struct again_run *run, size_t index, const struct err *err);
    void (*fini)(struct again_run *run);
};

/* Embedded first in what each kind has. */
struct again_run {
    struct sink *sink;
    const struct again_ops *ops;
    sink_again_cb cb;
    void *ctx;
    struct sink_again progress;
    struct sink_work work;
    bool sends; /* what take() filled is pushed; else it is settled at once */
    struct sink_push push;
    bool pushing;
    size_t round_refused;
    atomic_bool stop;
    bool last; /* take() found no more behind this round */
    int error; /* of a job */
    struct err err;
    /* Acknowledged, taken on the loop before settle(). */
    struct state_sink_place place;
    struct state_sink_counts counts;
};

struct again {
    struct again_run *run; /* NULL: none */
    struct list ledgers;   /* struct ledger_run */
    uint64_t changes; /* rows that left state.db, so far: a ledger that met one is counted anew */
};

/* Makes it at the first use. */
struct again *sink_again(struct sink *sink);
/* Begins; on error the run is not freed. name, why: for the error that one runs already. */
int again_begin(struct sink *sink, struct again_run *run, const struct again_ops *ops,
                sink_again_cb cb, void *ctx, struct err *err);
/* The sink's place and counts as state keeps them. */
void again_position(struct sink *sink, struct state_sink_place *place,
                    struct state_sink_counts *counts);

/* The sink is paused or leaves: what runs ends by itself soon (pushes are canceled by the machine). */
void sink_again_stop(struct sink *sink);
/* The sink is freed. Ledgers that are being counted are told BUSBAR_ECANCELED. */
void sink_again_fini(struct sink *sink);
/* The row of state.db is there: counts the baseline if there is none that fits. */
void sink_ledger_begin(struct sink *sink);
void again_ledgers_fini(struct again *again);

#endif
