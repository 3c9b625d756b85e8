/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A lane: jobs of one kind, of which only some run at a time, so that they leave threads of the pool to others. The
 * rest wait in line, first come first served; a full line turns new ones away.
 */
#ifndef BUSBAR_NET_LANE_H
#define BUSBAR_NET_LANE_H

#include <stddef.h>

#include "net/jobs.h"

struct lane;

/* Loop thread only, as all that follows. */
struct lane *lane_new(struct loop *loop, size_t running_max, size_t waiting_max);
/* What waits never runs: its done gets BUSBAR_ECANCELED, now. What runs goes on (jobs_drain() waits for it), and the
 * lane's memory lasts until it has ended. NULL is fine. */
void lane_free(struct lane *lane);

/* As jobs_submit(), sooner or later. BUSBAR_EBUSY: the line is full, neither callback runs. */
int lane_submit(struct lane *lane, jobs_work_cb work, jobs_done_cb done, void *ctx);

size_t lane_running(const struct lane *lane);
size_t lane_waiting(const struct lane *lane);

#endif
