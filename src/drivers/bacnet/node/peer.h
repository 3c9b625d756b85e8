/* SPDX-License-Identifier: Apache-2.0 */
/* A node that we ask: where it is, how much it takes, what is under way; and what we ask it.
 *
 * A peer is known by its address, or by the instance of its device: then its address is found with
 * Who-Is, and found again when the device has moved. Peers are shared and counted: getting one with
 * the same instance or address gives the same one. Loop thread only. No allocation per request once
 * a peer has been asked as much at a time before. */
#ifndef BUSBAR_DRIVERS_BACNET_NODE_PEER_H
#define BUSBAR_DRIVERS_BACNET_NODE_PEER_H

#include "base/bytes.h"
#include "base/list.h"
#include "drivers/bacnet/node/address.h"
#include "drivers/bacnet/wire/numbers.h"
#include "drivers/bacnet/wire/value.h"

struct bacnet_node;
struct bacnet_peer;

enum {
    BACNET_APDU_MAX = 1476,            /* over IP, clause 6 and annex J */
    BACNET_SEGMENTATION_UNKNOWN = 255, /* the device did not say: taken as both, until it aborts */
    BACNET_SEGMENTS_MAX = 64,          /* of one message that we take, or send */
    BACNET_MESSAGE_MAX = BACNET_SEGMENTS_MAX * BACNET_APDU_MAX,
    BACNET_TIMEOUT_MS = 5000, /* of one transmission */
    BACNET_RETRIES = 3,
    BACNET_IN_FLIGHT_MAX = 32,    /* requests to one peer */
    BACNET_IN_FLIGHT_DIRECT = 4,  /* the beginning: on our IP network */
    BACNET_IN_FLIGHT_ROUTED = 1,  /* behind a router, which has to queue them on a slow line */
    BACNET_IN_FLIGHT_NETWORK = 8, /* to all peers of one network behind a router */
    BACNET_WINDOW = 16,           /* segments sent in a row, as we propose */
};

struct bacnet_peer_config {
    uint32_t instance; /* of its device; BACNET_INSTANCE_MAX: none, address must be set */
    struct bacnet_address address; /* all zero: found by its instance */
    struct bacnet_address source;  /* which of the nodes that we serve asks; all zero: we do */
    /* What holds against what the device says and what is learned; 0 = nothing does. */
    uint16_t max_apdu;
    uint8_t segmentation; /* enum bacnet_segmentation, less than both */
    uint8_t max_segments, window, in_flight;
};

/* What is known of a peer now. */
struct bacnet_peer_facts {
    uint32_t instance;             /* BACNET_INSTANCE_MAX: not known */
    struct bacnet_address address; /* as it was found; see `found` */
    bool found;                    /* the address is known (of its router perhaps not) */
    bool introduced; /* an I-Am of it was heard: vendor, max_apdu, segmentation are its own */
    uint16_t vendor;
    uint16_t max_apdu;      /* that it takes in one piece; not known: 1476 (IP) or 480 (routed) */
    uint8_t segmentation;   /* enum bacnet_segmentation */
    uint8_t max_segments;   /* that it takes; 0 = it did not say */
    uint8_t in_flight;      /* how many requests it gets at a time now */
    unsigned open, waiting; /* requests under way, and in line */
    int64_t heard_us;       /* monotonic, of the last frame from it; 0 = never */
    uint64_t asked, answered, silent; /* requests */
    uint64_t repeated;                /* transmissions after the first */
};

/* The peer with this instance (if one is given) or else this address, from the table or new;
 * counted. Settings that are not 0 take the place of what an earlier user said. Never NULL. Looking
 * for an instance begins with the first request. */
struct bacnet_peer *bacnet_peer_get(struct bacnet_node *node,
                                    const struct bacnet_peer_config *config);
/* Its open asks must be over or canceled by whoever made them. NULL is fine. */
void bacnet_peer_release(struct bacnet_peer *peer);

/* Valid until the peer is released. */
const struct bacnet_peer_facts *bacnet_peer_facts(const struct bacnet_peer *peer);
struct bacnet_node *bacnet_peer_node(const struct bacnet_peer *peer);

/* What the owner of the node wants to find again from the peer (a list of its devices). */
void bacnet_peer_set_user(struct bacnet_peer *peer, void *user);
void *bacnet_peer_user(const struct bacnet_peer *peer);

/* How many bytes of a service's part fit: into a request to it (segmented if both can), into its
 * complex ack (as far as is known: it may abort earlier). */
size_t bacnet_peer_request_max(const struct bacnet_peer *peer);
size_t bacnet_peer_answer_max(const struct bacnet_peer *peer);

/* Learned from what it aborted or lost; facts follow. Limits are only lowered. */
void bacnet_peer_learn_max_apdu(struct bacnet_peer *peer, uint16_t max_apdu);
void bacnet_peer_learn_in_flight(struct bacnet_peer *peer, unsigned in_flight);

/* Looks for the device now, though its address is known: Who-Is for its instance. What is heard
 * comes as `heard`. Nothing for a peer without an instance. */
void bacnet_peer_look(struct bacnet_peer *peer);

enum bacnet_outcome {
    BACNET_ACKED,     /* simple or complex ack; data is the service's, reassembled */
    BACNET_ERRORED,   /* error_class, error_code; data is all of it, as some services say more */
    BACNET_REJECTED,  /* code: reject reason */
    BACNET_ABORTED,   /* code: abort reason; by_us: we gave up on it (too big, bad segments) */
    BACNET_SILENT,    /* no answer to any transmission */
    BACNET_NOT_FOUND, /* nobody said I-Am for the instance */
    BACNET_NO_ROUTE,  /* no router is found, or it refuses (code: its reason, clause 6.4.4) */
    BACNET_UNSENT,    /* error: the socket would not take it (no network, no such address) */
    BACNET_CANCELED,  /* the node was closed */
};
/* "ack", "error", "reject", "abort", "silent" ... */
const char *bacnet_outcome_word(enum bacnet_outcome outcome);

struct bacnet_answer {
    enum bacnet_outcome outcome;
    uint16_t error_class, error_code;
    uint8_t code;
    bool by_us;
    int error;         /* BUSBAR_ code of UNSENT */
    struct bytes data; /* valid during the call */
    int64_t took_us;   /* of the last transmission */
    unsigned sent;     /* transmissions */
};

/* A confirmed request. Embedded by its owner, who fills the first part; the rest begins as zero. */
struct bacnet_ask {
    uint8_t service;
    bool urgent;      /* before those in line that are not (a write) */
    const void *data; /* the service's part of the request; borrowed until it is answered */
    size_t size;
    unsigned retries;   /* further transmissions; a write has 0 */
    int64_t timeout_us; /* of one transmission; 0: BACNET_TIMEOUT_MS */
    /* Once; never from inside bacnet_ask(). In it the ask may be used again, peers released. */
    void (*answered)(struct bacnet_ask *ask, const struct bacnet_answer *answer);
    void *user;

    /* the node's */
    struct list link;
    struct bacnet_peer *peer;               /* NULL: not open */
    struct bacnet_transaction *transaction; /* NULL: waits in line, or for its end to be told */
    bool waiting;                           /* in line */
    uint8_t end;                            /* an outcome to be told soon */
    int end_error;
};

/* Sends it, or puts it in line: when the peer has enough in flight, is looked for, or its router
 * is. The ask must not be open. What does not fit is answered ABORTED by us. */
void bacnet_ask(struct bacnet_peer *peer, struct bacnet_ask *ask);

/* answered() is not called any more; its memory and its data may go. A late answer is dropped (and
 * counted): its invoke id rests until then. An ask that is not open: nothing. */
void bacnet_ask_cancel(struct bacnet_ask *ask);

static inline bool bacnet_ask_open(const struct bacnet_ask *ask)
{
    return ask->peer != NULL;
}

#endif
