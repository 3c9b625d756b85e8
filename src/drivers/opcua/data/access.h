/* SPDX-License-Identifier: Apache-2.0 */
/* Reads and writes of points (Part 4, 5.11). OPC UA thread only, but for the structs, which home makes.
 *
 * A read of many points is cut into calls within the server's limits; a call that is refused for its size is cut in
 * halves, and what the server bears is learned. While the link is down requests wait for it to come up, which they
 * cause. */
#ifndef BUSBAR_DRIVERS_OPCUA_DATA_ACCESS_H
#define BUSBAR_DRIVERS_OPCUA_DATA_ACCESS_H

#include "drivers/opcua/data/peer.h"

enum {
    OPCUA_READ_MOST = 1000, /* nodes in one call where the server tells no limit */
};

/* A request of the host on the OPC UA thread. Home owns it and leaves it alone until it is answered. */
struct opcua_access {
    struct list link; /* the part's */
    struct opcua_peer *peer;
    bool write;
    bool inside; /* of the peer itself: not a check of what was notified */
    const uint32_t *points;
    struct sample
        *samples; /* read: filled; write: what to write. Texts of a read live in `texts` */
    size_t count;
    struct arena texts;
    void (*answered)(
        struct opcua_access *access); /* on the OPC UA thread, never from inside a call */
    void *home;
    /* the answer */
    int error; /* of the whole; 0: look at each sample */
    uint16_t detail;
    char words[OPCUA_DETAIL_MAX]; /* why; "" = nothing */
    /* the part's */
    bool begun;
    size_t given, done; /* points that were asked for, and that are answered */
    struct list again, calls;
    size_t call_count;
    void *plan; /* of a write */
};

/* Begins one (access->peer is set). ctx for opcua_thread_do(). */
void opcua_access_begin(void *access);
/* Answers it soon with what came so far. Harmless when it is answered already. */
void opcua_access_cancel(void *access);

/* The part: begin function for opcua_peer_config.parts. */
void opcua_access_part(struct opcua_peer *peer);

#endif
