/* SPDX-License-Identifier: Apache-2.0 */
/* Private to history: history.c decides what is asked and when, history_read.c asks and takes the answers. */
#ifndef BUSBAR_DRIVERS_OPCUA_DATA_HISTORY_PRIVATE_H
#define BUSBAR_DRIVERS_OPCUA_DATA_HISTORY_PRIVATE_H

#include "drivers/opcua/data/history.h"
#include "net/timer.h"

/* A time that may lack values, by our clock. */
struct history_hole {
    int64_t from_us, until_us;
    size_t next; /* index into points: those before it are done */
};

/* A node that is being read. */
struct history_node {
    size_t at;                  /* index into points */
    UA_ByteString continuation; /* where its next answer goes on; owned */
    uint32_t taken;             /* values so far */
    unsigned empty;             /* answers without a value, one after another */
};

struct opcua_history {
    struct opcua_part part;
    struct opcua_peer *peer;
    uint32_t *points; /* those that want it */
    bool *refused;    /* the server keeps none, by the same index */
    size_t point_count;
    struct history_hole holes[OPCUA_HISTORY_HOLES_MAX];
    size_t hole_count;
    struct history_node nodes[OPCUA_HISTORY_NODES]; /* asked for now */
    size_t node_count, first;                       /* first: the point the group began with */
    size_t most;                                    /* nodes at once */
    uint32_t each;                                  /* values of a node in one answer */
    struct opcua_call *call;
    struct timer step, mark;
    bool up, clock_known;
    size_t storing;   /* batches on their way to the disk */
    bool held;        /* the disk refused one: nothing is asked until `step` */
    int64_t disk_ms;  /* for so long; 0: it takes them */
    int64_t shift_us; /* the server's clock minus ours */
    unsigned tries;   /* of the present group */
    uint64_t filled;  /* values of the present hole */
    bool untyped,
        again; /* values of it were met whose structure is being asked for; it is read again */
    size_t refused_new;
    UA_StatusCode refused_why;
};

/* Reads the present group on; ends in history_went_on(). */
void history_ask(struct opcua_history *history);
/* Asks for the server's time; ends in history_went_on(). */
void history_ask_clock(struct opcua_history *history);
/* Gives back what the server keeps for going on. */
void history_release(struct opcua_history *history);

/* A batch is on disk, or was refused by it. */
void history_stored(struct opcua_batch *batch);
/* An answer was taken, with so many values in it. */
void history_went_on(struct opcua_history *history, size_t values);
/* The whole service was refused: nothing can be filled on this link. */
void history_refused(struct opcua_history *history, const struct opcua_trouble *why);

#endif
