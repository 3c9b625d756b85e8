/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Jobs: work off the loop, the result on the loop. A job thread gets copies and touches nothing of the
 * loop's; it hands its result over in ctx.
 */
#ifndef BUSBAR_NET_JOBS_H
#define BUSBAR_NET_JOBS_H

struct loop;

typedef void (*jobs_work_cb)(void *ctx);
/* error: 0, or BUSBAR_ECANCELED when the work never ran. */
typedef void (*jobs_done_cb)(void *ctx, int error);

/* work runs on a pool thread, then done on the loop, exactly once; never before this returned. */
void jobs_submit(struct loop *loop, jobs_work_cb work, jobs_done_cb done, void *ctx);

/* Turns the loop until no job is under way: before what they use is closed. Not from inside a callback. */
void jobs_drain(struct loop *loop);

#endif
