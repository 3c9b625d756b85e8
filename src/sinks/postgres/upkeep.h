/* SPDX-License-Identifier: Apache-2.0 */
/* What is done beside publishing, on a connection of its own, one thing after another: partitions made ahead and dropped
 * (partitions.h), old rows deleted, hours (rollup.h), whole days as chunks (chunks.h), the audit journal (journal.h).
 *
 * Each is a task that says when it wants a turn and does one short step a turn; those that are due take turns. What fails
 * is told in the details, tried again with a growing pause, and holds up none of the others, nor the live connection.
 * Loop thread only. */
#ifndef BUSBAR_SINKS_POSTGRES_UPKEEP_H
#define BUSBAR_SINKS_POSTGRES_UPKEEP_H

#include "sinks/postgres/postgres.h"

enum { PG_TASKS_MAX = 8 };

/* 2020: a clock that says less was not set yet, and nothing is concluded from it. */
#define PG_CLOCK_SET_US (INT64_C(1577836800) * 1000000)

struct pg_upkeep;

struct pg_task {
    const char *name; /* "hours": in details */
    /* Wall clock time at which a step is wanted; now or before: at once. Asked again after each step. */
    int64_t (*due_us)(void *ctx);
    /* One step of at most a few seconds, on `link` (search_path is set, nothing else runs on it). Ends by
     * pg_upkeep_done(), once, never inside the call. */
    void (*step)(void *ctx, struct pg_link *link);
    /* The connection is gone, or the sink ends: no answer comes any more, and pg_upkeep_done() must not be called for
     * the step that was under way. */
    void (*cancel)(void *ctx);
    void (*free)(void *ctx);
    /* A line for the details, "" = none. May be NULL. */
    void (*detail)(void *ctx, char *text, size_t size);
    void *ctx;
};

/* With the tasks of this sink; facts are known. It connects by itself. */
struct pg_upkeep *pg_upkeep_new(struct sink_target *target);
/* At once. NULL is fine. */
void pg_upkeep_free(struct pg_upkeep *upkeep);
/* The step is over. err NULL: fine. */
void pg_upkeep_done(struct pg_upkeep *upkeep, const struct err *err);
/* Something may be due earlier than was said. */
void pg_upkeep_wake(struct pg_upkeep *upkeep);
size_t pg_upkeep_details(const struct pg_upkeep *upkeep, struct sink_detail *details, size_t max);

/* Makers of the tasks, each in its file; .name NULL: not wanted by the settings. `upkeep` outlives the task. */
struct pg_task pg_partitions_task(struct sink_target *target, struct pg_upkeep *upkeep);
struct pg_task pg_retention_task(struct sink_target *target, struct pg_upkeep *upkeep);
struct pg_task pg_rollup_task(struct sink_target *target, struct pg_upkeep *upkeep);
struct pg_task pg_chunks_task(struct sink_target *target, struct pg_upkeep *upkeep);
struct pg_task pg_journal_task(struct sink_target *target, struct pg_upkeep *upkeep);

#endif
