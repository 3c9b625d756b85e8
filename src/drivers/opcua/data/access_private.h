/* SPDX-License-Identifier: Apache-2.0 */
/* What access.c (reads, waiting for the link) and write.c share. */
#ifndef BUSBAR_DRIVERS_OPCUA_DATA_ACCESS_PRIVATE_H
#define BUSBAR_DRIVERS_OPCUA_DATA_ACCESS_PRIVATE_H

#include <string.h>

#include "base/str.h"
#include "drivers/opcua/data/access.h"
#include "net/loop.h"

struct opcua_accesses {
    struct opcua_part part;
    struct opcua_peer *peer;
    struct list waiting; /* until the link is up */
    struct list open;    /* reads */
    struct list writes;
    struct list finished; /* to be answered in the next turn */
    struct loop_deferred finishing;
    size_t most;       /* nodes in one Read */
    struct list types; /* write.c: what nodes are written as */
    size_t type_count;
    int64_t looked_us; /* monotonic; for namespaces that are missing */
    bool stopped;
};

/* ---- access.c ---- */
/* Takes it out of its list and answers. */
void opcua_access_answer(struct opcua_access *access, int error, uint16_t detail,
                         const char *words);

static inline UA_String opcua_borrowed(const char *text)
{
    return text == NULL ? UA_STRING_NULL
                        : (UA_String){ .length = strlen(text), .data = (UA_Byte *)(uintptr_t)text };
}

/* ---- write.c ---- */
void opcua_write_begin(struct opcua_accesses *accesses, struct opcua_access *access);
/* Its call is given up; nothing is answered. */
void opcua_write_drop(struct opcua_access *access);
/* Definitions of types came. */
void opcua_write_typed(struct opcua_accesses *accesses);
/* What nodes are written as may be another now. */
void opcua_write_forget(struct opcua_accesses *accesses);

#endif
