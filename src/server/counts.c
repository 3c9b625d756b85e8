/* SPDX-License-Identifier: Apache-2.0 */
#include "server/counts.h"

#include "base/alloc.h"
#include "net/jobs.h"
#include "server/ingest/ingest.h"
#include "server/shape.h"

struct counts *counts_new(struct server *server)
{
    struct counts *counts = busbar_alloc(sizeof(*counts));
    counts->history = server->config.history;
    counts->bus = server->config.bus;
    counts->ingest = server->ingest;
    counts->loop = server->config.loop;
    return counts;
}

void counts_free(struct counts *counts)
{
    busbar_free(counts->ids);
    busbar_free(counts->stored);
    busbar_free(counts);
}

void counts_add(struct counts *counts, uint32_t id)
{
    if (counts->count == counts->capacity) {
        counts->capacity = counts->capacity > 0 ? 2 * counts->capacity : 16;
        counts->ids = busbar_realloc(counts->ids, counts->capacity * sizeof(*counts->ids));
    }
    counts->ids[counts->count++] = id;
}

static void work(void *ctx)
{
    struct counts *counts = ctx;
    counts->stored = busbar_alloc_array(counts->count + 1, sizeof(*counts->stored));
    if (counts->history == NULL) {
        return;
    }
    history_status(counts->history, &counts->status);
    for (size_t i = 0; i < counts->count; i++) {
        history_counts(counts->history, counts->ids[i], &counts->stored[i]);
    }
}

static void done(void *ctx, int error)
{
    struct counts *counts = ctx;
    counts->done(counts->ctx, counts, error);
}

uint64_t counts_received_all(const struct counts *counts)
{
    return bus_received_all(counts->bus) + ingest_received(counts->ingest);
}

void counts_run(struct counts *counts, counts_cb cb, void *ctx)
{
    counts->done = cb;
    counts->ctx = ctx;
    counts->received_before = counts_received_all(counts);
    jobs_submit(counts->loop, work, done, counts);
}

uint64_t counts_waiting_max(const struct counts *counts)
{
    return counts->status.waiting + counts_received_all(counts) - counts->received_before;
}

void ledger_line_balance(struct ledger_line *line, uint64_t waiting_max)
{
    uint64_t known = line->stored + line->repeated + line->refused;
    line->waiting = line->received >= known ? line->received - known : 0;
    line->balances = line->received >= known && line->waiting <= waiting_max;
}

void counts_line(const struct counts *counts, const struct point *pt, size_t index,
                 struct ledger_line *line)
{
    *line = (struct ledger_line){ .received = pt->received,
                                  .stored = counts->stored[index].stored_start,
                                  .repeated = counts->stored[index].repeated_start };
    for (unsigned i = 0; i < BUS_REFUSAL_COUNT; i++) {
        line->refusals[i] = bus_refused(counts->bus, pt->last.point, (enum bus_refusal)i);
        line->refused += line->refusals[i];
    }
    ledger_line_balance(line, counts_waiting_max(counts));
}

void counts_put_ledger(const struct counts *counts, struct json_writer *json,
                       const struct point *pt)
{
    struct ledger_line line;
    counts_line(counts, pt, 0, &line);
    json_put_object(json, "ledger");
    json_put_u64(json, "received", line.received);
    json_put_u64(json, "stored", line.stored);
    json_put_u64(json, "repeated", line.repeated);
    shape_refused(json, "refused", line.refusals);
    json_put_u64(json, "waiting", line.waiting);
    json_put_bool(json, "balances", line.balances);
    json_end_object(json);
}
