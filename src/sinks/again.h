/* SPDX-License-Identifier: Apache-2.0 */
/* Sending again at a person's wish: what a target had refused (set aside), and what a quota let go (from history).
 * Loop thread only. */
#ifndef BUSBAR_SINKS_AGAIN_H
#define BUSBAR_SINKS_AGAIN_H

#include "sinks/sinks.h"

/* What came of it, as it goes on and at its end (done). */
struct sink_again {
    bool done;
    uint64_t total;         /* to be sent; 0: not known yet */
    uint64_t sent, refused; /* refused again: they stay aside */
    struct err err;         /* code 0: fine */
};
typedef void (*sink_again_cb)(void *ctx, const struct sink_again *progress);

/* Sends what is set aside, or one of it (id, not 0). One at a time a sink: BUSBAR_EBUSY. */
int sinks_retry(struct sinks *sinks, const char *name, uint64_t id, sink_again_cb cb, void *ctx,
                struct err *err);
/* Forgets what is set aside (id 0: all): counted as released. */
int sinks_drop(struct sinks *sinks, const char *name, uint64_t id, sink_again_cb cb, void *ctx,
               struct err *err);
/* Sends samples of history with from <= time < to of the points that match (NULL: the sink's own filter). */
int sinks_resend(struct sinks *sinks, const char *name, const char *points, int64_t from_us,
                 int64_t to_us, sink_again_cb cb, void *ctx, struct err *err);

/* Ends what runs: what is being sent is waited for, cb comes with BUSBAR_ECANCELED. BUSBAR_ENOENT: nothing runs. */
int sinks_again_stop(struct sinks *sinks, const char *name, struct err *err);

/* The ledger of a sink: stored = published + waiting + aside + released. `stored` is counted by history, series by
 * series, `waiting` by reading the log: neither is computed from the others. By a job; cb once. */
struct sink_ledger {
    char name[SINK_NAME_MAX + 1];
    int error; /* 0: what follows is right */
    struct err err;
    uint64_t
        stored; /* samples of its series that the log took since the sink began, repeated ones too */
    struct sink_counts counts;
    uint64_t waiting;
    uint64_t aside;        /* rows there are now */
    uint64_t lost_records; /* damaged or gone before the sink came to them */
    int64_t missing;       /* of stored: in none of the others; below 0: so many are in two */
    bool balances;
};
typedef void (*sink_ledger_cb)(void *ctx, const struct sink_ledger *ledger);
int sinks_ledger(struct sinks *sinks, const char *name, sink_ledger_cb cb, void *ctx,
                 struct err *err);
/* One line for a person: what balances, or what does not and what to do. */
void sink_ledger_words(const struct sink_ledger *ledger, char *text, size_t size);

#endif
