/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger's figures of some points: what the bus received and refused (known on the loop), what
 * the history stored (asked in a job, since it may wait for the disk).
 *
 * received = stored + repeated + refused + waiting. The two sides are read at different times, so
 * what is not stored yet is bounded instead: by what the log said was waiting before the points
 * were counted, plus what came in since the counting was asked for. Above that bound, or below
 * zero, the ledger does not balance. */
#ifndef BUSBAR_SERVER_COUNTS_H
#define BUSBAR_SERVER_COUNTS_H

#include "history/history.h"
#include "server/core.h"

struct counts;
/* On the loop, once. error 0, or BUSBAR_ECANCELED (the work never ran). The owner frees. */
typedef void (*counts_cb)(void *ctx, struct counts *counts, int error);

struct counts {
    struct history *history; /* NULL: nothing was stored */
    uint32_t *ids;
    struct history_counts *stored;
    size_t count, capacity;
    struct history_status status; /* read before the counts */
    const struct bus *bus;
    const struct ingest *ingest;
    uint64_t received_before;
    struct loop *loop;
    counts_cb done;
    void *ctx;
};

struct counts *counts_new(struct server *server);
void counts_free(struct counts *counts);
void counts_add(struct counts *counts, uint32_t id);
void counts_run(struct counts *counts, counts_cb done, void *ctx);

/* One line of the ledger. */
struct ledger_line {
    uint64_t received, stored, repeated, refused, waiting;
    uint64_t refusals[BUS_REFUSAL_COUNT];
    bool balances;
};
/* Works out waiting and balances; waiting_max: see above. */
void ledger_line_balance(struct ledger_line *line, uint64_t waiting_max);
uint64_t counts_waiting_max(const struct counts *counts);
/* By the bus and the ingest, over all. */
uint64_t counts_received_all(const struct counts *counts);
/* Of the point whose id was added as number `index`. */
void counts_line(const struct counts *counts, const struct point *pt, size_t index,
                 struct ledger_line *line);
/* "ledger": {...} of the one point that was counted. */
void counts_put_ledger(const struct counts *counts, struct json_writer *json,
                       const struct point *pt);

#endif
