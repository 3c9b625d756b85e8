/* SPDX-License-Identifier: Apache-2.0 */
/* Walks: all that an agent has below an OID, in order, by GETBULK (v1, and where GETBULK fails: GETNEXT). OIDs must
 * grow, values and time are limited, so that a lying agent ends its walk. Loop thread only. */
#ifndef BUSBAR_DRIVERS_SNMP_SNMP_WALK_H
#define BUSBAR_DRIVERS_SNMP_SNMP_WALK_H

#include "drivers/snmp/snmp_client.h"

enum {
    SNMP_WALK_REPETITIONS = 24,      /* asked for at once, to begin with */
    SNMP_WALK_VALUES_MAX = 10000000, /* of one walk at most */
};

struct snmp_walk;

struct snmp_walk_end {
    /* 0; BUSBAR_ELIMIT (values_max), BUSBAR_ETIMEOUT (no answer, or deadline_us), BUSBAR_EPROTO (OIDs that do not grow),
     * BUSBAR_EREFUSED (status), BUSBAR_EAUTH (trouble) ... */
    int error;
    enum usm_trouble trouble;
    int32_t status;    /* enum snmp_status, with BUSBAR_EREFUSED */
    const char *words; /* why, for a person; NULL with 0 */
    size_t values;     /* told */
    bool below;        /* there is anything below root */
};

struct snmp_walk_options {
    struct snmp_oid root;  /* borrowed until snmp_walk_begin() returned */
    struct snmp_oid after; /* begin behind this one (below root); size 0: at the root */
    int max_repetitions;   /* 0: SNMP_WALK_REPETITIONS; 1: GETNEXT */
    size_t values_max;     /* 0: SNMP_WALK_VALUES_MAX */
    int64_t deadline_us;   /* monotonic; 0: none */
    /* Each value, in order; false ends the walk (done with 0). May cancel the walk. */
    bool (*value)(void *ctx, const struct snmp_varbind *varbind);
    /* Exactly once, unless cancelled; the walk is gone then. */
    void (*done)(void *ctx, const struct snmp_walk_end *end);
    void *ctx;
};

/* Never calls back before it returned. NULL: SNMP_ASKED_MAX reached. */
struct snmp_walk *snmp_walk_begin(struct snmp_agent *agent,
                                  const struct snmp_walk_options *options);
void snmp_walk_cancel(struct snmp_walk *walk); /* nothing is called any more; NULL is fine */

#endif
