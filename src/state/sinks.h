/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of sinks share, private to the folder. */
#ifndef BUSBAR_STATE_SINKS_H
#define BUSBAR_STATE_SINKS_H

#include "state/db.h"

/* state_sink_move() with the lock held. */
int state_sink_progress(struct state *state, const char *name, const struct state_sink_place *place,
                        const struct state_sink_counts *counts);

#endif
