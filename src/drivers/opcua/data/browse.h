/* SPDX-License-Identifier: Apache-2.0 */
/* What a server has: its address space from a node on (Part 4, 5.8), along hierarchical references forwards. OPC UA
 * thread only.
 *
 *   at ""     what is below the Objects folder (i=85)
 *   at NODE   what the node itself is, then what is below it
 *
 * All nodes directly below are told, up to OPCUA_BROWSE_NODES_MAX; what is deeper as long as no more than
 * OPCUA_BROWSE_DEEP were told: a small server comes whole, of a large one each branch is asked for when somebody looks
 * into it, as are the Server object, aliases and conditions. A node that is reached twice is told once, so rings end. Of each variable come value, data type,
 * access, units, range and names of states; of each method what it wants and gives.
 *
 * A look takes a seat of its own in the session of its link settings, so a device and looks at it share one session. */
#ifndef BUSBAR_DRIVERS_OPCUA_DATA_BROWSE_H
#define BUSBAR_DRIVERS_OPCUA_DATA_BROWSE_H

#include "base/arena.h"
#include "driver/driver.h"
#include "drivers/opcua/link/session.h"

enum {
    OPCUA_BROWSE_NODES_MAX = 100000, /* told in one look; more are counted */
    OPCUA_BROWSE_DEEP = 2000, /* told before nodes deeper down are left to a look of their own */
    OPCUA_BROWSE_ROUND = 500, /* looked at together, told together */
    OPCUA_BROWSE_ROUND_BYTES = 16 << 20, /* of texts of one round */
    OPCUA_BROWSE_IDS_BYTES = 64 << 20,   /* of ids kept to see rings */
    OPCUA_BROWSE_TYPES_MAX = 2000,       /* of one server, looked up by name */
};

/* Nodes that were told together, with all their texts; goes over to who gets it, who frees it. */
struct opcua_told {
    struct arena arena;
    struct driver_node *nodes;
    size_t count;
    uint64_t done; /* nodes told by now, these included */
};
void opcua_told_free(struct opcua_told *told);

struct opcua_browse_events {
    void (*told)(void *ctx, struct opcua_told *told);
    /* Last, once: its seat is left. message: why it failed, or what to know; "" = nothing. Borrowed. */
    void (*ended)(void *ctx, int error, const char *message);
};

struct opcua_browse;

/* trust, config: as for a seat. at: copied. Nothing is called from inside. */
struct opcua_browse *opcua_browse_start(struct opcua_thread *thread, struct trust *trust,
                                        const struct opcua_link_config *config, const char *at,
                                        const struct opcua_browse_events *events, void *ctx);
/* It ends soon, with BUSBAR_ECANCELED. May be called until `ended` was. */
void opcua_browse_stop(struct opcua_browse *browse);

#endif
