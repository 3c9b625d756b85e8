/* SPDX-License-Identifier: Apache-2.0 */
/* A text that a regular expression matches, of the simple forms: literals, classes (\d, [a-f], .), groups and alternatives,
 * and how often (? * + {n,m}). What a group is to hold is given; the rest is drawn. Pure. */
#ifndef BUSBAR_SIM_SIM_MATCH_H
#define BUSBAR_SIM_SIM_MATCH_H

#include "base/buf.h"
#include "base/err.h"

struct sim_match_value {
    const char *name; /* of the group; NULL: the one named `value`, else the first */
    const char *text;
};

/* Appends it. BUSBAR_EUNSUPPORTED: looks around, back references ... */
int sim_match_make(const char *pattern, const struct sim_match_value *values, size_t count,
                   uint64_t *random, struct buf *out);

#endif
