/* SPDX-License-Identifier: Apache-2.0 */
/* What traps do to points: the point settings `traps`, `poll_on`, `trap` and `argument`, taken apart once.
 *
 *   traps: true                    a variable with the point's OID sets it; a trap about its row has it read at once
 *   poll_on: "linkUp, linkDown"    these traps of the device have it read at once; "any": every one
 *   trap: "linkUp=1, linkDown=2"   the point is set by these traps and never polled. A point that also has an `oid` in
 *                                  a table takes traps about its row only
 *   argument: upsSecondsOnBattery  the point takes this variable of traps (of those in `trap`, where it is given) and is
 *                                  never polled
 *
 * Traps never write to a device. Pure; what is resolved lives in the arena it is given. */
#ifndef BUSBAR_DRIVERS_SNMP_SNMP_TRAP_HOOKS_H
#define BUSBAR_DRIVERS_SNMP_SNMP_TRAP_HOOKS_H

#include "base/arena.h"
#include "drivers/snmp/mib/mib.h"
#include "model/sample.h"

enum { SNMP_TRAP_NAMES_MAX = 64 }; /* of one point's `trap` or `poll_on` */

/* The settings of a point as they were written; NULL: not given. */
struct snmp_trap_words {
    bool traps;
    const char *poll_on, *trap, *argument;
    struct position poll_on_at, trap_at; /* trap_at: of `argument`, where there is no `trap` */
    bool written;                        /* the point has an `oid` */
};

/* A trap that sets a point. */
struct snmp_trap_set {
    struct snmp_oid trap;
    uint8_t type; /* enum value_type; VALUE_NONE: it takes the argument */
    union value value;
};

struct snmp_trap_hook {
    bool carried;       /* traps: true */
    bool argument;      /* takes the variable that is under the point's OID */
    bool poll_any;      /* poll_on: any */
    uint8_t value_type; /* of `sets`; VALUE_NONE: as the argument comes */
    uint16_t set_count, poll_count;
    const struct snmp_trap_set *sets;
    const struct snmp_oid *polls; /* traps that have it read at once */
};

/* Whether only traps set the point: facts->readable is false then. */
static inline bool snmp_trap_only(const struct snmp_trap_hook *hook)
{
    return hook != NULL && (hook->argument || hook->set_count > 0);
}

/* *out NULL: traps do nothing to it. arena NULL: it is only checked, *out is NULL. BUSBAR_ECONFIG, with place and hint;
 * BUSBAR_ENOMEM. */
int snmp_trap_hook_resolve(const struct mib *mib, const struct snmp_trap_words *words,
                           struct arena *arena, const struct snmp_trap_hook **out, struct err *err);

#endif
