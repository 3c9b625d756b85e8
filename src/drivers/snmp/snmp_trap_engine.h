/* SPDX-License-Identifier: Apache-2.0 */
/* Our own SNMP engine, which informs of version 3 are sent to: an id made once, and how often it has started (RFC 3414,
 * 2.2). Both are in the file `snmp-engine` of the data folder: written before the engine is used, by a job of its own.
 * Where they cannot be kept, the engine is another one with each start: that is as safe, and senders find it out. */
#ifndef BUSBAR_DRIVERS_SNMP_SNMP_TRAP_ENGINE_H
#define BUSBAR_DRIVERS_SNMP_SNMP_TRAP_ENGINE_H

#include "drivers/snmp/usm/usm.h"
#include "net/loop.h"

struct snmp_trap_engine_job;

struct snmp_trap_engine {
    struct usm_engine usm;            /* size 0: not known yet, whoever asks must wait */
    struct err trouble;               /* why it is not kept; code 0: it is */
    struct snmp_trap_engine_job *job; /* NULL: none is under way */
    void (*known)(void *ctx); /* `usm` is known, also from within open(); NULL: nobody asks */
    void *ctx;
};

/* folder NULL: it is kept nowhere. */
void snmp_trap_engine_open(struct snmp_trap_engine *engine, struct loop *loop, const char *folder);
void snmp_trap_engine_close(struct snmp_trap_engine *engine);

#endif
