/* SPDX-License-Identifier: Apache-2.0 */
/* A BACnet node on one UDP port: network layer, and both halves of the application layer (client:
 * asking, server: being asked) with segmentation. The driver has one for each of its networks, the
 * simulator one for each address it serves. Over net/ only: tested with a fake datagram and a fake clock.
 *
 * Loop thread only. Memory is bounded: every table has a named limit, and what comes over it is
 * dropped and counted by reason (bacnet_node_counts). */
#ifndef BUSBAR_DRIVERS_BACNET_NODE_NODE_H
#define BUSBAR_DRIVERS_BACNET_NODE_NODE_H

#include "base/bytes.h"
#include "base/list.h"
#include "net/address.h"
#include "net/timer.h"

enum {
    BACNET_PORT = 47808,
    BACNET_MAC_MAX = 18,      /* bytes of an address on a remote network */
    BACNET_APDU_MAX = 1476,   /* over IP, clause 6 and annex J */
    BACNET_SEGMENTS_MAX = 64, /* of one message that we take */
    BACNET_MESSAGE_MAX = BACNET_SEGMENTS_MAX * BACNET_APDU_MAX,
    BACNET_TIMEOUT_MS = 5000, /* of one transmission */
    BACNET_RETRIES = 3,
};

struct bacnet_node;

/* Where a node is: an address on our IP network, or behind a router that we know or still look for. */
struct bacnet_address {
    struct endpoint ip; /* of the node, or of the router; family 0: the router is not known yet */
    uint16_t network;   /* 0: on the IP network itself; 1-65534 a remote one; 65535 all */
    uint8_t mac_size;   /* 0 with a network: broadcast there */
    uint8_t mac[BACNET_MAC_MAX];
};

/* A node that we ask: how much it takes, what is under way. Shared by all that ask it, counted. */
struct bacnet_peer;

enum bacnet_outcome {
    BACNET_ACKED,   /* simple or complex ack; data is the service's, reassembled */
    BACNET_ERRORED, /* error_class, error_code; data is the whole error for services that say more */
    BACNET_REJECTED, /* code: reject reason */
    BACNET_ABORTED,  /* code: abort reason; by_us: we gave up on it (too big, bad segments) */
    BACNET_SILENT,   /* no answer to any transmission */
    BACNET_NO_ROUTE, /* no router to the network, or the router says so */
    BACNET_CANCELED,
};

struct bacnet_answer {
    enum bacnet_outcome outcome;
    uint16_t error_class, error_code;
    uint8_t code;
    bool by_us;
    struct bytes data; /* valid during the call */
    int64_t took_us;   /* of the last transmission */
    unsigned sent;     /* transmissions */
};

/* A confirmed request. Embedded by its owner, who fills the first part. */
struct bacnet_ask {
    uint8_t service;
    const void *data; /* the service's part of the request; borrowed until it is answered */
    size_t size;
    unsigned retries;   /* further transmissions; a write has 0 */
    int64_t timeout_us; /* of one transmission */
    /* Once; never from inside bacnet_ask(). The ask may be used again in it. */
    void (*answered)(struct bacnet_ask *ask, const struct bacnet_answer *answer);

    /* the node's */
    struct list link;
    struct bacnet_peer *peer;
    struct timer timer;
    struct bacnet_transaction *transaction;
};

#endif
