/* SPDX-License-Identifier: Apache-2.0 */
/* busbar sim: the simulator over the catalog's protocols. */
#include "sim/sim.h"

#include "app/app.h"
#include "app/protocols.h"

int app_sim(const char *path, const char *const *faults, const char *control, uint64_t seed,
            bool quiet)
{
    struct protocols protocols;
    protocols_fill(&protocols);
    return sim_run(&(struct sim_options){ .path = path,
                                          .protocols = protocols.list,
                                          .protocol_count = protocols.count,
                                          .faults = faults,
                                          .control = control,
                                          .seed = seed,
                                          .quiet = quiet });
}
