/* SPDX-License-Identifier: Apache-2.0 */
/* busbar sim: the simulator over the catalog's protocols. */
#include "sim/sim.h"

#include <limits.h>

#include "app/app.h"
#include "app/protocols.h"

int app_sim(const struct app_sim_options *options)
{
    struct protocols protocols;
    char cache[PATH_MAX];
    protocols_fill(&protocols);
    return sim_run(&(struct sim_options){
        .path = options->path,
        .protocols = protocols.list,
        .protocol_count = protocols.count,
        .sink_kinds = protocols.sinks,
        .sink_kind_count = protocols.sink_count,
        .faults = options->faults,
        .control = options->control,
        .discovery = options->discovery,
        .data = options->data,
        .cache = options->data != NULL ? protocols_cache(cache, sizeof cache, options->data) : NULL,
        .seed = options->seed,
        .quiet = options->quiet });
}
