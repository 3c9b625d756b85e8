/* SPDX-License-Identifier: Apache-2.0 */
/* The counting behind a sink's ledger, in a job. At a place P, with the counts that belong to it:
 *
 *   stored    history's counters of the sink's series, as they were at record S, less the baseline
 *   waiting   what the log has of them behind P, up to that very S
 *   aside     rows of state.db up to P
 *
 * The baseline is what makes the sum right at the place where counting began: when the sink began, when its filter became
 * another, when series were forgotten whose samples it had published. */
#ifndef BUSBAR_SINKS_TALLY_H
#define BUSBAR_SINKS_TALLY_H

#include <stdatomic.h>

#include "sinks/again.h"

struct tally {
    struct history *history;
    struct state *state;
    bool (*wanted)(void *ctx, uint32_t series);
    void (*decide_anew)(void *ctx); /* what wanted() remembers may be of series that were deleted */
    void *wanted_ctx;               /* of both */
    uint64_t filter;                /* hash of what wanted() goes by */
    /* Taken on the loop at one moment. */
    char name[SINK_NAME_MAX + 1];
    struct sink_place place;
    struct sink_counts counts;
    uint64_t lost_records;
    bool last_try; /* records that are gone are counted as lost, not a reason to take it anew */
    const atomic_bool *stop; /* set: it ends with BUSBAR_ECANCELED */
    /* Out. */
    struct sink_ledger
        ledger; /* error BUSBAR_EAGAIN: the log went on without the place, take it anew */
};

/* Job thread. */
void tally_work(struct tally *tally);

#endif
