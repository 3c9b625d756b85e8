/* SPDX-License-Identifier: Apache-2.0 */
/* A BACnet node on one UDP port: BVLC with foreign-device registration, network layer with routers,
 * and both halves of the application layer (client: peer.h, server: request.h) with segmentation.
 * The driver has one for each of its networks, the simulator one for each address it serves, or one
 * for a whole network of devices (`serves`). Over net/ only: tested with a fake transport and a
 * fake clock.
 *
 * Loop thread only. Memory is bounded: every table has a named limit, and what comes over it is
 * dropped and counted by reason (bacnet_node_counts). What was not asked for changes nothing: an
 * answer from another address, with another invoke id, service or kind is dropped and counted. An
 * idle node takes 1 KiB, 1.6 KiB with its sockets. */
#ifndef BUSBAR_DRIVERS_BACNET_NODE_NODE_H
#define BUSBAR_DRIVERS_BACNET_NODE_NODE_H

#include "base/err.h"
#include "drivers/bacnet/node/peer.h"
#include "drivers/bacnet/node/request.h"
#include "net/loop.h"

struct bacnet_i_am; /* service/ */

enum {
    BACNET_FRAME_MAX = 1536,    /* bytes of a datagram that we look at */
    BACNET_ROUTES_MAX = 256,    /* remote networks known by a node */
    BACNET_REQUESTS_MAX = 4096, /* of others under way; 256 of one requester */
    /* of those, of nodes that we do not ask (where there are any that we do): strangers cannot keep
     * our devices from telling us something */
    BACNET_REQUESTS_STRANGERS = BACNET_REQUESTS_MAX / 2,
    BACNET_HEARD_MAX = 10000, /* devices whose address is remembered without being asked */
    BACNET_REASSEMBLY_MAX = 8 * 1024 * 1024, /* bytes of segmented messages of a node */
    BACNET_DROPS_KEPT = 16,
    BACNET_TABLE_MAX = 240, /* entries of a BBMD's table that we take */
    BACNET_FOREIGN_TTL_S = 300,
};

/* X(name, word, text): why something that came was dropped. Words appear in REST and on the page.
 */
#define BACNET_DROPS(X)                                                                     \
    X(OVERSIZED, "oversized", "longer than any BACnet/IP frame")                            \
    X(BVLC, "bvlc", "no BACnet/IP frame, or its length is wrong")                           \
    X(FUNCTION, "function", "a BVLC function that is not for us")                           \
    X(NPDU, "npdu", "its network header is broken")                                         \
    X(NETWORK, "network", "for a network or node that we are not")                          \
    X(LOOP, "loop", "our own, come back")                                                   \
    X(NETWORK_MESSAGE, "network_message", "a network message that is broken or not for us") \
    X(APDU, "apdu", "its application header is broken")                                     \
    X(STRAY, "stray", "an answer to no open request (late, or spoofed)")                    \
    X(SERVICE, "service", "an answer of another service or kind than asked")                \
    X(SEGMENT, "segment", "a segment out of order, repeated or of nothing open")            \
    X(BROADCAST, "broadcast", "a confirmed request or an answer by broadcast")              \
    X(REPEATED, "repeated", "a request again that is being answered")                       \
    X(REQUESTS, "requests", "over the limit of requests under way")                         \
    X(REASSEMBLY, "reassembly", "over the limit of memory for segmented messages")          \
    X(ROUTES, "routes", "over the limit of remote networks")                                \
    X(ROUTER, "router", "of a remote network, and not by its router")                       \
    X(HEARD, "heard", "over the limit of devices remembered")                               \
    X(MALFORMED, "malformed", "an I-Am that cannot be read")

enum bacnet_drop {
#define X(name, word, text) BACNET_DROP_##name,
    BACNET_DROPS(X)
#undef X
        BACNET_DROP_COUNT
};

/* ---- opening ---- */

struct bacnet_node_config {
    struct endpoint local; /* the address it binds, exactly; port 0: the system chooses */
    /* Bound too, and sent to; family 0: no broadcasts on the IP network. */
    struct endpoint broadcast;
    /* Bits of our subnet: what it sends to 255.255.255.255 is heard as well; 0: it is not. */
    uint8_t prefix;
    struct endpoint bbmd;   /* registers there as a foreign device; family 0: does not */
    uint16_t foreign_ttl_s; /* 0: BACNET_FOREIGN_TTL_S */
    int receive_bytes;      /* of the sockets' buffers; 0: 4 MiB, if the system allows it */
    /* 1-65534: a network of devices of our own, to which we are the router; 0: none. */
    uint16_t serves;
    /* Remembers the devices it hears (BACNET_HEARD_MAX), and tells duplicates among them. */
    bool listens;
    uint16_t max_apdu;    /* what we take ourselves; 0: BACNET_APDU_MAX */
    uint8_t segmentation; /* enum bacnet_segmentation, what we do ourselves; 0: both */
    /* Not NULL: the node has no sockets; what it sends goes here (0 or a BUSBAR_ code), and what
     * came is given to bacnet_node_receive(). A broadcast is sent to config.broadcast. */
    int (*send)(void *ctx, const struct endpoint *to, const void *data, size_t size);
};

/* An unconfirmed request that was heard; all borrowed until the call returns. */
struct bacnet_notice {
    uint8_t service;
    struct bytes data;
    const struct bacnet_address *from;
    const struct bacnet_address *to; /* as in a bacnet_request; without mac: all of the network */
    bool broadcast;                  /* it was not for one node only */
    struct bacnet_peer *peer;        /* that it is from; NULL: we do not ask that node */
};

enum bacnet_heard_what {
    BACNET_HEARD_NEW,       /* for the first time, or what it says of itself has changed */
    BACNET_HEARD_AGAIN,     /* maybe it started anew */
    BACNET_HEARD_MOVED,     /* to `from`; until now at `other`; a peer goes with it */
    BACNET_HEARD_DUPLICATE, /* another of the same id, at `other`, is alive: nothing changed */
    BACNET_HEARD_ELSEWHERE, /* the one at `other` is silent, and is asked: nothing changed yet */
};
/* An I-Am. */
struct bacnet_heard {
    enum bacnet_heard_what what;
    const struct bacnet_i_am *i_am;
    const struct bacnet_address *from, *other; /* other: NULL if there is only one */
    struct bacnet_peer *peer; /* of that instance, or at that address; NULL: none */
};

/* All may be NULL; ctx is the one of bacnet_node_open(). None may call bacnet_node_close(). */
struct bacnet_node_events {
    /* A confirmed request, to be replied. NULL: rejected as "unrecognized service". */
    void (*asked)(void *ctx, struct bacnet_request *request);
    /* An unconfirmed request, I-Am and Who-Is too. */
    void (*told)(void *ctx, const struct bacnet_notice *notice);
    void (*heard)(void *ctx, const struct bacnet_heard *heard);
    /* Every datagram, whole; peer NULL: none of ours. `at` is where it came from or went to. */
    void (*frame)(void *ctx, struct bacnet_peer *peer, bool sent, const struct endpoint *at,
                  const void *data, size_t size);
    /* A datagram was dropped, and why; `frame` told of it before. peer: that it seems to be from,
     * or NULL. */
    void (*dropped)(void *ctx, struct bacnet_peer *peer, const struct endpoint *at,
                    enum bacnet_drop drop, const void *data, size_t size);
    /* The registration as a foreign device changed (bacnet_node_foreign). */
    void (*foreign)(void *ctx);
};

/* BUSBAR_EADDRINUSE, BUSBAR_EHOST, BUSBAR_EPERM ...; err says the address and what to do. */
int bacnet_node_open(struct loop *loop, const struct bacnet_node_config *config,
                     const struct bacnet_node_events *events, void *ctx, struct bacnet_node **out,
                     struct err *err);

/* Leaves the BBMD, closes the sockets. Open asks are answered CANCELED, now; open requests may
 * still be replied to (nothing is sent). Peers stay valid until released: what they are asked is
 * answered CANCELED. The pointer is dead for the caller. NULL is fine. */
void bacnet_node_close(struct bacnet_node *node);

struct loop *bacnet_node_loop(const struct bacnet_node *node);
/* As it was opened, with the port as bound. */
const struct bacnet_node_config *bacnet_node_config(const struct bacnet_node *node);

/* With config.send: a datagram came; broadcast: to the broadcast address. */
void bacnet_node_receive(struct bacnet_node *node, const struct endpoint *from, const void *data,
                         size_t size, bool broadcast);

/* ---- sending without an answer ---- */

/* An unconfirmed request. source: which of the devices that we serve says it (network and mac);
 * NULL: we ourselves. A remote network whose router is not known: looked for, and the message goes
 * out to all on the IP network with its destination, which any router forwards. Error:
 * BUSBAR_ETOOBIG (over what fits into one frame), or of the socket. */
int bacnet_tell(struct bacnet_node *node, const struct bacnet_address *source,
                const struct bacnet_address *to, uint8_t service, const void *data, size_t size);

/* Who-Is to `to` (NULL: all networks) for a range of instances; 0 and BACNET_INSTANCE_MAX: all. */
int bacnet_who_is(struct bacnet_node *node, const struct bacnet_address *to, uint32_t low,
                  uint32_t high);

/* ---- routers ---- */

/* Who-Is-Router-To-Network; network 0: all. */
int bacnet_who_is_router(struct bacnet_node *node, uint16_t network);

struct bacnet_router {
    uint16_t network;
    struct endpoint router; /* family 0: looked for */
    int64_t learned_us;     /* monotonic */
    bool busy;              /* the router said so (clause 6.6.3.6) and has not taken it back */
    unsigned refused;       /* Reject-Message-To-Network */
    uint8_t reject;         /* the last reason, clause 6.4.4 */
};
/* Fills up to max; returns how many there are. */
size_t bacnet_node_routers(const struct bacnet_node *node, struct bacnet_router *routers,
                           size_t max);

/* ---- foreign device, BBMD ---- */

enum bacnet_foreign_state {
    BACNET_FOREIGN_OFF,
    BACNET_FOREIGN_ASKING, /* no answer yet */
    BACNET_FOREIGN_REGISTERED,
    BACNET_FOREIGN_REFUSED, /* code: BVLC-Result; tried again */
    BACNET_FOREIGN_SILENT,  /* the BBMD does not answer; tried again */
};
struct bacnet_foreign {
    enum bacnet_foreign_state state;
    uint16_t code;    /* bacnet_bvlc_result_text() */
    int64_t since_us; /* monotonic: when the state began */
    uint64_t renewed; /* times */
};
void bacnet_node_foreign(const struct bacnet_node *node, struct bacnet_foreign *foreign);
const char *bacnet_foreign_word(enum bacnet_foreign_state state);

enum bacnet_table { BACNET_TABLE_BROADCAST, BACNET_TABLE_FOREIGN }; /* annex J.2.3, J.2.7 */
struct bacnet_table_entry {
    struct endpoint at;
    uint8_t mask[4];        /* broadcast table */
    uint16_t ttl_s, left_s; /* foreign table */
};
/* error: 0, BUSBAR_EREFUSED (code), BUSBAR_ETIMEOUT, BUSBAR_ECANCELED. */
typedef void (*bacnet_table_cb)(void *ctx, int error, uint16_t code,
                                const struct bacnet_table_entry *entries, size_t count);
/* One at a time a node: BUSBAR_EBUSY. cb runs exactly once if 0 is returned, later; bbmd NULL: the
 * one we register with. */
int bacnet_node_read_table(struct bacnet_node *node, const struct endpoint *bbmd,
                           enum bacnet_table table, bacnet_table_cb cb, void *ctx);

/* ---- counts ---- */

const char *bacnet_drop_word(enum bacnet_drop drop);
const char *bacnet_drop_text(enum bacnet_drop drop);

struct bacnet_counts {
    uint64_t sent, sent_bytes, received, received_bytes; /* datagrams */
    uint64_t unsent;                                     /* the socket did not take them */
    uint64_t kernel_drops; /* came while the socket's buffer was full */
    uint64_t dropped[BACNET_DROP_COUNT];
    size_t peers, open, waiting, requests, routes, heard, reassembly_bytes; /* now */
};
void bacnet_node_counts(const struct bacnet_node *node, struct bacnet_counts *counts);

/* The last that were dropped, newest first; returns how many (at most BACNET_DROPS_KEPT). */
struct bacnet_dropped {
    int64_t time_us; /* monotonic */
    struct endpoint from;
    uint8_t drop; /* enum bacnet_drop */
    uint16_t size;
};
size_t bacnet_node_dropped(const struct bacnet_node *node,
                           struct bacnet_dropped dropped[BACNET_DROPS_KEPT]);

#endif
