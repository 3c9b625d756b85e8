/* SPDX-License-Identifier: Apache-2.0 */
/* What a driver made of files that its section names beside itself (MIB modules of SNMP): made once when the
 * configuration is read, immutable, and held by every setup that came of it. Any thread. */
#ifndef BUSBAR_CONFIG_PREPARED_H
#define BUSBAR_CONFIG_PREPARED_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/err.h"

/* The first member of the driver's own struct. */
struct prepared {
    atomic_uint holders; /* 1 for who made it */
    uint64_t hash;       /* of the files' content: another one changes the devices of the driver */
    void (*free)(struct prepared *prepared);
};

/* What a driver is given to make one. */
struct prepare {
    const char *folder; /* relative names of files count from here */
    const char *cache;  /* a folder that keeps what is slow to make; NULL: there is none */
    /* A file that is of no use, with its place: a warning, the rest goes on. */
    void (*warn)(void *ctx, const struct err *err);
    void *ctx;
};

struct prepared *prepared_hold(struct prepared *prepared); /* NULL is fine, gives NULL */
void prepared_drop(struct prepared *prepared);             /* NULL is fine */

#endif
