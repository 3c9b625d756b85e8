/* SPDX-License-Identifier: Apache-2.0 */
/* What an agent has.
 *
 *   at ""             an overview: system, interfaces by name, sensors, storage, processors, UPS, printer, outlets,
 *                     then which other subtrees there are, to be looked into
 *   at ifTable        everything below an object of the catalogue or an OID, row by row; of a single value that value
 *   at walk:ifTable   the same, flat and as it came, for `busbar snmp walk`
 *
 * All of it is walked by GETBULK (GETNEXT of v1), with limits on values, bytes and time. What was told is not kept. */
#ifndef BUSBAR_DRIVERS_SNMP_BROWSE_H
#define BUSBAR_DRIVERS_SNMP_BROWSE_H

#include "drivers/snmp/snmp_added.h"
#include "drivers/snmp/snmp_driver.h"
#include "drivers/snmp/snmp_table.h"
#include "drivers/snmp/snmp_walk.h"
#include "net/timer.h"

enum {
    SNMP_BROWSE_VALUES_MAX = 100000,  /* of one look; more are counted, not told */
    SNMP_BROWSE_BYTES_MAX = 32 << 20, /* of values kept while tables are put together */
    SNMP_BROWSE_MORE_MAX = 500,       /* other subtrees that are looked for */
    SNMP_BROWSE_EXTRA_MAX = 8,        /* columns that only name rows */
    SNMP_BROWSE_AGENT_S = 10,         /* until the name is looked up and the login is ready */
};

#define SNMP_BROWSE_FLAT "walk:"

/* ops->browse, ops->browse_stop; stop() of the device. device->browses belongs to these. */
void snmp_browse_begin(struct snmp_device *device, struct driver_browse *browse);
void snmp_browse_end(struct snmp_device *device, struct driver_browse *browse);
void snmp_browse_stop_all(struct snmp_device *device);

/* ---- for the parts of it: snmp_browse.c, snmp_overview.c, snmp_subtree.c ---- */

struct snmp_browsing;

/* How a look goes on. */
struct snmp_look {
    /* Begins the next walk or question, by snmp_browse_walk() or snmp_browse_ask(); false: the look is over. */
    bool (*next)(struct snmp_browsing *browsing);
    void (*value)(struct snmp_browsing *browsing, const struct snmp_varbind *varbind);
};

struct snmp_browsing {
    struct list link; /* device->browses */
    struct snmp_device *device;
    struct driver_browse *browse;
    const struct snmp_look *look;
    struct snmp_walk *walk;
    struct snmp_asked *asked;
    struct loop_deferred go_on;
    struct timer waiting; /* for the agent: a name is looked up, keys are made */
    struct snmp_table table;
    struct snmp_added added;
    size_t values; /* of all walks */
    size_t left_out;
    int64_t deadline_us;
    char message[ERR_MESSAGE_MAX]; /* what to know about the result */
    struct snmp_oid_buf at;        /* the subtree; the overview: where it is in looking for more */
    unsigned section, root; /* the overview: next to be walked; else: the column that names rows */
    size_t more;            /* other subtrees told */
    bool asked_one;         /* the overview: there may be more */
    struct snmp_oid extra[SNMP_BROWSE_EXTRA_MAX]; /* columns that name the rows of the subtree */
    size_t extra_count;
};

extern const struct snmp_look snmp_look_overview; /* snmp_overview.c */
extern const struct snmp_look snmp_look_subtree;  /* snmp_subtree.c */
extern const struct snmp_look snmp_look_flat;

/* False: it cannot be begun, too much is under way. */
bool snmp_browse_walk(struct snmp_browsing *browsing, struct snmp_oid root);
bool snmp_browse_ask(struct snmp_browsing *browsing, uint8_t type, struct snmp_oid oid);

#endif
