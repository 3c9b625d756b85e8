/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a list of properties from a node, as discovery, browsing and trend logs need it: as many at a time by
 * ReadPropertyMultiple as the node bears, fewer when it refuses, one by one by ReadProperty when it
 * must be. One request is under way at a time; nothing is remembered but how much was too much. */
#ifndef BUSBAR_DRIVERS_BACNET_FETCH_H
#define BUSBAR_DRIVERS_BACNET_FETCH_H

#include "drivers/bacnet/node/peer.h"

enum {
    BACNET_FETCH_AT_ONCE = 60, /* properties in one request, at most */
    BACNET_FETCH_BYTES = 1024, /* of a request */
    BACNET_FETCH_SEGMENTS = 4, /* of an answer, if the node can */
};

struct bacnet_fetch;

struct bacnet_fetch_item {
    struct bacnet_object object;
    uint32_t property; /* BACNET_PROP_ALL: all there are, where ReadPropertyMultiple works */
    uint32_t index;
};

/* One property, or why not. */
struct bacnet_fetched {
    size_t item;              /* index of what was asked for */
    uint32_t property, index; /* the same; of BACNET_PROP_ALL what it is */
    uint16_t refused;         /* a detail (bacnet_detail.h); 0 = it was read */
    struct bytes value;       /* elements; valid during the call */
};

struct bacnet_fetch_ops {
    /* Once for each item, in no certain order; of BACNET_PROP_ALL once for each property. Must not
     * stop the fetch. */
    void (*got)(struct bacnet_fetch *fetch, const struct bacnet_fetched *fetched);
    /* All was asked for (answer NULL), or the node did not answer: what is missing is not told. A
     * fetch may be started again in it, or its memory go. */
    void (*done)(struct bacnet_fetch *fetch, const struct bacnet_answer *answer);
};

/* Embedded by its user. */
struct bacnet_fetch {
    const struct bacnet_fetch_ops *ops;
    void *user;
    struct bacnet_peer *peer;
    int64_t timeout_us;
    unsigned retries;
    /* What was found out; lasts from one start to the next. */
    bool no_multiple;
    unsigned most; /* properties in one request; 0 = not known */

    const struct bacnet_fetch_item *items;
    size_t count, at;  /* at: first one not asked for yet */
    unsigned asked;    /* now under way, from at on */
    unsigned cautious; /* so few at a time, after a refusal of a whole request; 0 = not */
    uint64_t seen;     /* of those under way, which were answered */
    struct bacnet_ask ask;
    uint8_t data[BACNET_FETCH_BYTES];
};

/* peer is borrowed until it ended. */
void bacnet_fetch_init(struct bacnet_fetch *fetch, const struct bacnet_fetch_ops *ops, void *user,
                       struct bacnet_peer *peer);
/* items: borrowed until done(); count > 0, and the first not BACNET_PROP_ALL when `no_multiple` is
 * known. Not while one runs. done() is never called from inside it. */
void bacnet_fetch_start(struct bacnet_fetch *fetch, const struct bacnet_fetch_item *items,
                        size_t count);
/* Nothing is called any more. Harmless when it does not run. */
void bacnet_fetch_stop(struct bacnet_fetch *fetch);
bool bacnet_fetch_running(const struct bacnet_fetch *fetch);

#endif
