/* SPDX-License-Identifier: Apache-2.0 */
/* busbar sim: the simulator over the catalog's protocols. */
#include "sim/sim.h"

#include "app/app.h"
#include "app/protocols.h"

int app_sim(const struct app_sim_options *options)
{
    struct protocols protocols;
    protocols_fill(&protocols);
    return sim_run(&(struct sim_options){ .path = options->path,
                                          .protocols = protocols.list,
                                          .protocol_count = protocols.count,
                                          .faults = options->faults,
                                          .control = options->control,
                                          .discovery = options->discovery,
                                          .data = options->data,
                                          .seed = options->seed,
                                          .quiet = options->quiet });
}
