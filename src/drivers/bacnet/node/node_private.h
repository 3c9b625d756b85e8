/* SPDX-License-Identifier: Apache-2.0 */
/* Private to node/: what a node is made of, and what its parts ask of one another.
 *
 *   socket/receive()  -> node.c      BVLC, NPDU: whose is it
 *                        foreign.c   results and tables of BBMDs
 *                        router.c    network messages, ways to remote networks
 *                        find.c      I-Am, Who-Is: where a device is
 *                        answer.c    what answers our asks       (ask.c: asks, timers)
 *                        server.c    what others ask             (reply.c: what we answer)
 *                        reassembly.c  memory of segmented messages
 *   all of them       -> send.c      NPDU, BVLC, socket */
#ifndef BUSBAR_DRIVERS_BACNET_NODE_NODE_PRIVATE_H
#define BUSBAR_DRIVERS_BACNET_NODE_NODE_PRIVATE_H

#include "base/map.h"
#include "drivers/bacnet/node/node.h"
#include "drivers/bacnet/node/segment.h"
#include "drivers/bacnet/wire/bvlc.h"
#include "drivers/bacnet/wire/route.h"
#include "net/backoff.h"
#include "net/datagram.h"
#include "net/timer.h"

enum {
    NODE_FREE_KEPT = 4096, /* transactions and requests kept for the next */
    NODE_SPARES = 4,       /* buffers kept for segmented messages */
    NODE_SEGMENT_US =
        2000000, /* a segment is acknowledged in this time, or sent again (clause 5.4.1, Tseg) */
    NODE_SEGMENT_WAITS = 4, /* who receives waits so many of them */
    NODE_SEGMENT_RETRIES = 3,
    NODE_PACE_MOST = 64, /* requests on their way: any buffer holds their answers */
    NODE_PACE_US = 5000,
    REQUEST_HEAD = 4, /* bytes before the service's part of an APDU */
    REQUEST_SEGMENT_HEAD = 6,
    ACK_HEAD = 3,
    ACK_SEGMENT_HEAD = 5,
    NODE_ALIVE_US = 30000000, /* heard in that time: one of the same id elsewhere is another */
    NODE_DOUBT_US = 1000000,  /* asked, and silent for so long: it is not there any more */
};

struct route;
struct heard;
struct foreign;
struct table_reading;
struct drops;

struct bacnet_node {
    struct loop *loop;
    struct bacnet_node_config config;
    struct bacnet_node_events events;
    void *ctx;
    unsigned refs; /* the owner, each peer, request and receive in progress */
    bool closed;
    struct datagram *unicast, *broadcast, *limited; /* limited: 255.255.255.255 */
    struct bacnet_counts counts;
    struct drops *drops; /* NULL: none yet */

    struct list peers;
    struct map64 peers_at; /* address hash -> chain by next_at */
    struct map64 peers_of; /* instance + 1 -> chain by next_of */
    struct list looking;   /* peers whose device is looked for, the next due first */
    struct timer look_timer;
    struct map64 heard; /* instance + 1 -> struct heard */

    struct list transactions, free_transactions;
    struct map64 transaction_keys;
    size_t free_count;
    struct list ended; /* asks whose end is told by `ending` */
    struct loop_deferred ending;
    struct list paced; /* peers, by wait_link: too many requests were sent just now */
    struct timer pace_timer;
    int64_t pace_began_us;
    unsigned pace_sent; /* since then, and not answered */

    struct list requests, free_requests;
    struct map64 request_keys;
    size_t free_request_count;

    struct buf spares[NODE_SPARES];
    unsigned spare_count;

    struct map64 routes; /* network -> struct route */
    struct foreign *foreign;
    struct table_reading *table;
    uint64_t random;
};

struct bacnet_peer {
    struct bacnet_node *node;
    unsigned refs; /* users, and transactions */
    struct list link;
    struct bacnet_peer *next_at, *next_of;
    struct bacnet_peer_facts facts;
    struct bacnet_peer_config config;
    uint64_t hash;         /* of facts.address, while found */
    struct list waiting;   /* asks in line */
    struct list wait_link; /* of a route, or node->paced */
    struct list look_link; /* of node->looking */
    uint8_t look_tries;
    int64_t look_due_us;        /* in node->looking: the next Who-Is */
    int64_t look_not_before_us; /* nobody answered: no new search before */
    struct backoff look_backoff;
    bool elsewhere;     /* another address said that it is this device; it is being looked for */
    int64_t doubted_us; /* asked then whether it is still there; 0: not since it was placed */
    uint8_t invoke;     /* the next to be tried */
    bool crowded;       /* one was lost while others were in flight */
    int64_t learned_us; /* when in_flight was learned */
    uint8_t in_flight_first;
    void *user;
};

/* A datagram on its way through the layers. */
struct incoming {
    struct endpoint at;         /* who sent the datagram */
    struct bacnet_address from; /* who sent the message */
    uint64_t from_hash;
    struct bacnet_address to; /* network 0: us */
    bool broadcast;
    bool expecting_reply;
    struct bacnet_peer *peer; /* at `from`; held */
    const uint8_t *data;
    size_t size;
};

/* ---- node.c ---- */
void node_hold(struct bacnet_node *node);
void node_release(struct bacnet_node *node); /* frees it with the last */
void node_drop(struct bacnet_node *node, const struct incoming *in, enum bacnet_drop drop);

/* ---- counts.c ---- */
void counts_drop(struct bacnet_node *node, const struct endpoint *from, size_t size,
                 enum bacnet_drop drop);
void counts_fini(struct bacnet_node *node);

/* ---- send.c ---- */
/* source NULL or without a network: we ourselves. peer NULL: none of ours. */
int node_send_apdu(struct bacnet_node *node, const struct bacnet_address *source,
                   const struct bacnet_address *to, struct bacnet_peer *peer, bool expecting_reply,
                   const struct bacnet_apdu *apdu);
/* to NULL: all on the IP network. */
int node_send_route(struct bacnet_node *node, const struct bacnet_address *to,
                    const struct bacnet_route_message *message);
int node_send_bvlc(struct bacnet_node *node, const struct endpoint *to,
                   const struct bacnet_bvlc *bvlc);

/* ---- foreign.c ---- */
void foreign_start(struct bacnet_node *node);
void foreign_stop(struct bacnet_node *node);
/* What comes from a BBMD to us: results and tables. */
void foreign_receive(struct bacnet_node *node, const struct incoming *in,
                     const struct bacnet_bvlc *bvlc);
bool foreign_registered(const struct bacnet_node *node);

/* ---- router.c ---- */
enum reach { REACH_NOW, REACH_LATER, REACH_NEVER };
/* The way to a peer's network: sets its router. LATER: the peer waits, and is pumped when the way
 * is there (or its asks end with NO_ROUTE). */
enum reach route_reach(struct bacnet_peer *peer);
/* Requests under way to a network, which share its router's memory. Then: who waits for that may
 * go. */
void route_in_flight(struct bacnet_node *node, uint16_t network);
void route_not_in_flight(struct bacnet_node *node, uint16_t network);
void route_pump(struct bacnet_node *node, uint16_t network);
/* A frame from the network came through this router. False: its router is another, and alive. */
bool route_seen(struct bacnet_node *node, uint16_t network, const struct endpoint *router);
/* The router of a network; NULL: not known. */
const struct endpoint *route_find(const struct bacnet_node *node, uint16_t network);
void route_receive(struct bacnet_node *node, const struct incoming *in,
                   const struct bacnet_npdu *npdu);
void routes_fini(struct bacnet_node *node);

/* ---- peer.c ---- */
struct bacnet_peer *peer_at(const struct bacnet_node *node, const struct bacnet_address *address);
struct bacnet_peer *peer_at_hash(const struct bacnet_node *node,
                                 const struct bacnet_address *address, uint64_t hash);
void peer_hold(struct bacnet_peer *peer);
/* A sound frame came from their address. */
void peer_heard(struct bacnet_peer *first);
/* It was asked something then; silence from then on says that it is not there (any more). */
void peer_doubt(struct bacnet_peer *peer, int64_t asked_us);
/* It is there now (was elsewhere, or not found). */
void peer_place(struct bacnet_peer *peer, const struct bacnet_address *address);
void peer_introduce(struct bacnet_peer *peer, const struct bacnet_i_am *i_am);
/* An answer came, or none: the limit of requests in flight follows. */
void peer_answered(struct bacnet_peer *peer);
void peer_lost(struct bacnet_peer *peer);
/* Segments that a request to it may have; 0: none, it goes in one piece. */
unsigned peer_segments_max(const struct bacnet_peer *peer);

/* ---- find.c ---- */
enum reach find_reach(struct bacnet_peer *peer);
void find_stop(struct bacnet_peer *peer);
void find_i_am(struct bacnet_node *node, struct incoming *in, struct bytes data);
void find_fini(struct bacnet_node *node);

/* ---- ask.c ---- */
enum transaction_state {
    TRANSACTION_SENDING,   /* a segmented request */
    TRANSACTION_WAITING,   /* for the answer */
    TRANSACTION_RECEIVING, /* a segmented answer */
    TRANSACTION_RESTING,   /* canceled: its invoke id is not used again yet */
};

struct bacnet_transaction {
    struct list link;
    uint64_t key;
    struct bacnet_peer *peer; /* held */
    struct bacnet_address to; /* as it was asked */
    struct bacnet_ask *ask;   /* NULL: resting */
    struct timer timer;
    int64_t sent_us;
    unsigned sent, segment_retries;
    uint8_t state; /* enum transaction_state */
    uint8_t invoke, service;
    bool with_others; /* when it was sent, others were in flight */
    struct segment_sender sender;
    struct segment_receiver receiver;
};

/* The open transaction that a message of this peer's node is of; NULL: none. */
struct bacnet_transaction *transaction_find(const struct bacnet_node *node,
                                            const struct incoming *in, uint8_t invoke);
void transaction_over(struct bacnet_transaction *transaction, const struct bacnet_answer *answer);
void transaction_send_segments(struct bacnet_transaction *transaction);
/* An abort of ours, to them; then it is over as `by_us`. */
void transaction_abort(struct bacnet_transaction *transaction, uint8_t reason);
int64_t transaction_timeout_us(const struct bacnet_transaction *transaction);
/* Sends what may be sent of what is in line. */
void peer_pump(struct bacnet_peer *peer);
/* All in line end so, soon. */
void peer_end_waiting(struct bacnet_peer *peer, enum bacnet_outcome outcome, uint8_t code);
/* All under way to this network end with NO_ROUTE. */
void asks_end_network(struct bacnet_node *node, uint16_t network, enum bacnet_outcome outcome,
                      uint8_t code);
void asks_close(struct bacnet_node *node);
void asks_init(struct bacnet_node *node);
void asks_fini(struct bacnet_node *node);

/* ---- reassembly.c ---- */
enum segment_step segments_take(struct bacnet_node *node, struct segment_receiver *receiver,
                                const struct bacnet_apdu *segment);
void segments_drop(struct bacnet_node *node, struct segment_receiver *receiver);
void segments_fini(struct bacnet_node *node);

/* ---- answer.c ---- */
void answer_receive(struct bacnet_node *node, const struct incoming *in,
                    const struct bacnet_apdu *apdu);

/* ---- server.c, reply.c ---- */
enum request_state {
    REQUEST_RECEIVING, /* its segments come */
    REQUEST_ASKED,     /* with the handler */
    REQUEST_SENDING,   /* the segments of the reply go out */
};

struct request {
    struct bacnet_request public; /* first */
    struct bacnet_node *node;     /* held */
    struct list link;
    uint64_t key;
    struct bacnet_address from, to;
    uint8_t state; /* enum request_state */
    uint8_t retries;
    struct timer timer;
    struct segment_receiver receiver;
    struct segment_sender sender;
    uint8_t *reply; /* what is sent in segments */
    size_t reply_size;
};

void server_receive(struct bacnet_node *node, const struct incoming *in,
                    const struct bacnet_apdu *apdu);
void server_fini(struct bacnet_node *node);
void server_close(struct bacnet_node *node);
void request_free(struct request *request);
struct request *request_find(const struct bacnet_node *node, const struct incoming *in,
                             uint8_t invoke);
/* Segments acknowledged, an abort: of a reply that goes out in segments. */
void reply_receive(struct bacnet_node *node, const struct incoming *in,
                   const struct bacnet_apdu *apdu);
void reply_timeout(struct request *request);

#endif
