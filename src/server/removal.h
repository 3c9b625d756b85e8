/* SPDX-License-Identifier: Apache-2.0 */
/* Deletes of samples, for every route that asks for one: our own and Prometheus'. */
#ifndef BUSBAR_SERVER_REMOVAL_H
#define BUSBAR_SERVER_REMOVAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct history;
struct state;

/* Everything is borrowed. */
struct removal {
    struct history *history;
    struct state *state;    /* NULL: no journal */
    const char *who, *from; /* for the journal */
    const char *match;
    int64_t from_us, to_us; /* to_us excluded; INT64_MIN, INT64_MAX: no such end */
    const uint32_t *series;
    size_t count;
    bool counted; /* samples says how many they are */
    uint64_t samples;
};

/* Not on the loop. What lies in the time is gone from every answer when this returns; with neither end
 * given the series leave the index too. What became of it is in the journal. 0 or the history's error. */
int removal_run(const struct removal *removal);

#endif
