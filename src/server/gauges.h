/* SPDX-License-Identifier: Apache-2.0 */
/* Figures of the gateway itself, taken once a second: rates, memory, processor, the loop's longest
 * callback, and the history's status, which may wait for the disk and so comes from a job. */
#ifndef BUSBAR_SERVER_GAUGES_H
#define BUSBAR_SERVER_GAUGES_H

#include "history/history.h"
#include "net/timer.h"
#include "server/server.h"

struct ingest;

struct gauges {
    const struct server_config *config;
    const struct ingest *ingest;
    struct timer timer;
    struct history_status history;
    struct history_policy_status policies[HISTORY_POLICIES_MAX + 1];
    size_t policy_count; /* at most some seconds old */
    uint64_t received,
        refused; /* by bus and ingest, when `history` came: what is in neither is waiting */
    struct gauges_job *job;  /* asking for it; NULL: none under way */
    int64_t taken_us;        /* monotonic */
    uint64_t samples, polls; /* at that time */
    int64_t busy_us;
    double samples_per_s, polls_per_s, cpu_percent;
    uint64_t memory_bytes;
    double cpu_s;            /* user and system, since the start */
    int64_t loop_longest_us; /* over the last 10 to 20 s */
    int64_t loop_window_us;  /* the running window's so far */
    unsigned ticks;
};

/* Asks the history once at once, so that the first answer is a true one. */
void gauges_init(struct gauges *gauges, const struct server_config *config,
                 const struct ingest *ingest);
void gauges_fini(struct gauges *gauges);

#endif
