/* SPDX-License-Identifier: Apache-2.0 */
/* Opening, closing, and the way in: a datagram's BVLC and network headers say whose it is. */
#include "drivers/bacnet/node/node.h"

#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/hash.h"
#include "drivers/bacnet/node/node_private.h"
#include "net/interfaces.h"

enum {
    RECEIVE_BYTES = 4 << 20
}; /* a whole site may answer one Who-Is, or tell its changes, at once */

void node_hold(struct bacnet_node *node)
{
    node->refs++;
}

void node_release(struct bacnet_node *node)
{
    if (--node->refs > 0) {
        return;
    }
    assert(node->closed && list_empty(&node->peers));
    asks_fini(node);
    segments_fini(node);
    server_fini(node);
    routes_fini(node);
    find_fini(node);
    counts_fini(node);
    map64_fini(&node->peers_at);
    map64_fini(&node->peers_of);
    busbar_free(node);
}

void node_drop(struct bacnet_node *node, const struct incoming *in, enum bacnet_drop drop)
{
    counts_drop(node, &in->at, in->size, drop);
    if (node->events.dropped != NULL) {
        node->events.dropped(node->ctx, in->peer, &in->at, drop, in->data, in->size);
    }
}

static void told_frame(struct bacnet_node *node, const struct incoming *in)
{
    if (node->events.frame != NULL) {
        node->events.frame(node->ctx, in->peer, false, &in->at, in->data, in->size);
    }
}

/* ---- network layer ---- */

/* Whether the message is for us, or for the network that we serve. */
static bool is_for_us(const struct bacnet_node *node, const struct bacnet_npdu *npdu,
                      struct incoming *in)
{
    if (!npdu->has_to) {
        return true;
    }
    bool everywhere = npdu->to.network == BACNET_NETWORK_ALL;
    in->broadcast = in->broadcast || everywhere || npdu->to.size == 0;
    if (everywhere) {
        in->to.network = node->config.serves != 0 ? BACNET_NETWORK_ALL : 0;
        return true;
    }
    if (node->config.serves == 0 || npdu->to.network != node->config.serves) {
        return false;
    }
    in->to.network = npdu->to.network;
    in->to.mac_size = npdu->to.size;
    memcpy(in->to.mac, npdu->to.mac, sizeof(in->to.mac));
    return true;
}

static void set_source(struct incoming *in, const struct endpoint *ip,
                       const struct bacnet_npdu *npdu)
{
    in->from.ip = *ip;
    if (npdu->has_from) {
        in->from.network = npdu->from.network;
        in->from.mac_size = npdu->from.size;
        memcpy(in->from.mac, npdu->from.mac, sizeof(in->from.mac));
    }
}

static void tell_notice(struct bacnet_node *node, struct incoming *in,
                        const struct bacnet_apdu *apdu)
{
    if (apdu->service == BACNET_I_AM) {
        find_i_am(node, in, apdu->data);
    }
    if (node->events.told == NULL) {
        return;
    }
    struct bacnet_notice notice = { .service = apdu->service,
                                    .data = apdu->data,
                                    .from = &in->from,
                                    .to = &in->to,
                                    .broadcast = in->broadcast,
                                    .peer = in->peer };
    node->events.told(node->ctx, &notice);
}

static void receive_apdu(struct bacnet_node *node, struct incoming *in, struct bytes data)
{
    struct bacnet_apdu apdu;
    if (bacnet_get_apdu(&data, &apdu) != 0) {
        node_drop(node, in, BACNET_DROP_APDU);
        return;
    }
    if (apdu.type == BACNET_PDU_UNCONFIRMED) {
        tell_notice(node, in, &apdu);
        return;
    }
    if (in->broadcast) {
        node_drop(node, in, BACNET_DROP_BROADCAST);
        return;
    }
    bool from_client = (apdu.type == BACNET_PDU_SEGMENT_ACK || apdu.type == BACNET_PDU_ABORT) &&
                       !apdu.server;
    if (apdu.type == BACNET_PDU_CONFIRMED) {
        server_receive(node, in, &apdu);
    } else if (from_client) {
        reply_receive(node, in, &apdu);
    } else {
        answer_receive(node, in, &apdu);
    }
}

/* `source` is who sent it on the IP network: the node, or the router. */
static void receive_npdu(struct bacnet_node *node, struct incoming *in,
                         const struct endpoint *source, struct bytes data)
{
    struct bacnet_npdu npdu;
    if (bacnet_get_npdu(&data, &npdu) != 0) {
        told_frame(node, in);
        node_drop(node, in, BACNET_DROP_NPDU);
        return;
    }
    set_source(in, source, &npdu);
    in->from_hash = bacnet_address_hash(&in->from);
    in->peer = peer_at_hash(node, &in->from, in->from_hash);
    in->expecting_reply = npdu.expecting_reply;
    if (in->peer != NULL) {
        peer_hold(in->peer);
    }
    told_frame(node, in);
    if (npdu.has_from && npdu.from.network == node->config.serves) {
        node_drop(node, in, BACNET_DROP_LOOP);
    } else if (!is_for_us(node, &npdu, in)) {
        node_drop(node, in, BACNET_DROP_NETWORK);
    } else if (npdu.has_from && !route_seen(node, npdu.from.network, source)) {
        node_drop(node, in, BACNET_DROP_ROUTER);
    } else {
        peer_heard(in->peer);
        if (npdu.is_message) {
            route_receive(node, in, &npdu);
        } else {
            receive_apdu(node, in, npdu.data);
        }
    }
    bacnet_peer_release(in->peer);
}

/* ---- BVLC ---- */

/* We are no BBMD: what is asked of one is refused (annex J.2), but only to who asked us alone. */
static bool refuse(struct bacnet_node *node, const struct incoming *in, uint8_t function)
{
    static const struct {
        uint8_t function;
        uint16_t result;
    } refusals[] = {
        { BACNET_BVLC_WRITE_BDT, BACNET_RESULT_WRITE_BDT },
        { BACNET_BVLC_READ_BDT, BACNET_RESULT_READ_BDT },
        { BACNET_BVLC_REGISTER, BACNET_RESULT_REGISTER },
        { BACNET_BVLC_READ_FDT, BACNET_RESULT_READ_FDT },
        { BACNET_BVLC_DELETE_FDT, BACNET_RESULT_DELETE_FDT },
        { BACNET_BVLC_DISTRIBUTE, BACNET_RESULT_DISTRIBUTE },
    };
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        if (refusals[i].function == function) {
            struct bacnet_bvlc result = { .function = BACNET_BVLC_RESULT,
                                          .result = refusals[i].result };
            if (!in->broadcast) {
                (void)node_send_bvlc(node, &in->at, &result);
            }
            return true;
        }
    }
    return false;
}

/* A forwarded message names who sent it: believed of our BBMD, and of one that sent it to all on
 * our IP network. */
static bool believes_forwarded(const struct bacnet_node *node, const struct incoming *in,
                               bool by_broadcast)
{
    static const uint8_t any[4];
    return by_broadcast || memcmp(node->config.local.ip, any, sizeof(any)) == 0 ||
           (node->config.bbmd.family != 0 && endpoint_equal(&in->at, &node->config.bbmd));
}

/* Whether it can be the address of one node: what is sent to it must not go to all. */
static bool is_one_node(const struct bacnet_node *node, const struct endpoint *at)
{
    enum { MULTICAST = 224 }; /* the first byte, and above */
    return at->port != 0 && at->ip[0] != 0 && at->ip[0] < MULTICAST &&
           !endpoint_equal(at, &node->config.broadcast);
}

static void receive_bvlc(struct bacnet_node *node, struct incoming *in, bool by_broadcast)
{
    struct bytes data = bytes_of(in->data, in->size);
    struct bacnet_bvlc bvlc;
    int error = bacnet_get_bvlc(&data, &bvlc);
    if (error != 0) {
        told_frame(node, in);
        node_drop(node, in, error == BUSBAR_EUNSUPPORTED ? BACNET_DROP_FUNCTION : BACNET_DROP_BVLC);
        return;
    }
    struct endpoint source = in->at;
    switch (bvlc.function) {
    case BACNET_BVLC_FORWARDED:
        if (!believes_forwarded(node, in, by_broadcast)) {
            break;
        }
        source = (struct endpoint){ .family = 4, .port = bvlc.from.port };
        memcpy(source.ip, bvlc.from.ip, sizeof(bvlc.from.ip));
        if (!is_one_node(node, &source)) {
            told_frame(node, in);
            node_drop(node, in, BACNET_DROP_BVLC);
            return;
        }
        if (endpoint_equal(&source, &node->config.local)) {
            return; /* our own broadcast, by way of the BBMD */
        }
        in->broadcast = true;
        receive_npdu(node, in, &source, bvlc.data);
        return;
    case BACNET_BVLC_UNICAST:
    case BACNET_BVLC_BROADCAST:
        in->broadcast = by_broadcast || bvlc.function == BACNET_BVLC_BROADCAST;
        receive_npdu(node, in, &source, bvlc.data);
        return;
    case BACNET_BVLC_RESULT:
    case BACNET_BVLC_READ_BDT_ACK:
    case BACNET_BVLC_READ_FDT_ACK:
        told_frame(node, in);
        foreign_receive(node, in, &bvlc);
        return;
    default: break;
    }
    in->broadcast = by_broadcast;
    told_frame(node, in);
    (void)refuse(node, in, bvlc.function);
    node_drop(node, in, BACNET_DROP_FUNCTION);
}

void bacnet_node_receive(struct bacnet_node *node, const struct endpoint *from, const void *data,
                         size_t size, bool broadcast)
{
    if (node->closed) {
        return;
    }
    struct incoming in = { .at = *from, .data = data, .size = size };
    if (endpoint_equal(from, &node->config.local)) {
        if (!broadcast) {
            node_drop(node, &in, BACNET_DROP_LOOP);
        }
        return; /* our own broadcast */
    }
    node->counts.received++;
    node->counts.received_bytes += size;
    if (size > BACNET_FRAME_MAX) {
        node_drop(node, &in, BACNET_DROP_OVERSIZED);
        return;
    }
    node_hold(node);
    receive_bvlc(node, &in, broadcast);
    node_release(node);
}

static void on_unicast(void *ctx, const struct endpoint *from, const uint8_t *data, size_t size)
{
    bacnet_node_receive(ctx, from, data, size, false);
}

static void on_broadcast(void *ctx, const struct endpoint *from, const uint8_t *data, size_t size)
{
    bacnet_node_receive(ctx, from, data, size, true);
}

/* All cards of the machine are heard here: only what is from our network is ours. */
static void on_limited(void *ctx, const struct endpoint *from, const uint8_t *data, size_t size)
{
    struct bacnet_node *node = ctx;
    if (interfaces_in_subnet(from, &node->config.local, node->config.prefix)) {
        bacnet_node_receive(node, from, data, size, true);
    }
}

/* ---- life ---- */

static void host_of(char *to, size_t size, const struct endpoint *endpoint)
{
    struct endpoint host = *endpoint;
    host.port = BACNET_PORT;
    struct bacnet_address address = { .ip = host };
    (void)bacnet_address_format(to, size, &address);
}

static int open_sockets(struct bacnet_node *node, struct err *err)
{
    char host[BACNET_ADDRESS_TEXT_MAX];
    host_of(host, sizeof(host), &node->config.local);
    struct datagram_options options = { .host = host,
                                        .port = node->config.local.port,
                                        .broadcast = true,
                                        .size_max = BACNET_FRAME_MAX + 1,
                                        .receive_bytes = node->config.receive_bytes };
    int error = datagram_open(node->loop, &options, on_unicast, node, &node->unicast, err);
    if (error == BUSBAR_EADDRINUSE) {
        (void)err_hint(err, "another BACnet program uses it (ss -lunp shows which): stop it, or "
                            "set another `port`");
    }
    if (error != 0) {
        return error;
    }
    node->config.local.port = datagram_port(node->unicast);
    if (node->config.broadcast.family == 0) {
        return 0;
    }
    if (node->config.broadcast.port == 0) {
        node->config.broadcast.port = node->config.local.port;
    }
    host_of(host, sizeof(host), &node->config.broadcast);
    options.port = node->config.broadcast.port;
    options.reuse = true; /* of all that listen on this network on this machine, each gets a copy */
    error = datagram_open(node->loop, &options, on_broadcast, node, &node->broadcast, err);
    if (error != 0) {
        datagram_close(node->unicast);
        node->unicast = NULL;
    }
    return error;
}

/* Devices that send to 255.255.255.255 are heard as well where that can be had; it is no reason to
 * fail. */
static void open_limited(struct bacnet_node *node)
{
    struct datagram_options options = { .host = "255.255.255.255",
                                        .port = node->config.local.port,
                                        .reuse = true,
                                        .size_max = BACNET_FRAME_MAX + 1,
                                        .receive_bytes = node->config.receive_bytes };
    if (node->config.prefix != 0 && node->broadcast != NULL) {
        (void)datagram_open(node->loop, &options, on_limited, node, &node->limited, NULL);
    }
}

static void set_defaults(struct bacnet_node_config *config)
{
    config->foreign_ttl_s = config->foreign_ttl_s != 0 ? config->foreign_ttl_s
                                                       : BACNET_FOREIGN_TTL_S;
    config->receive_bytes = config->receive_bytes != 0 ? config->receive_bytes : RECEIVE_BYTES;
    if (config->max_apdu == 0 || config->max_apdu > BACNET_APDU_MAX) {
        config->max_apdu = BACNET_APDU_MAX;
    }
}

int bacnet_node_open(struct loop *loop, const struct bacnet_node_config *config,
                     const struct bacnet_node_events *events, void *ctx, struct bacnet_node **out,
                     struct err *err)
{
    struct bacnet_node *node = busbar_alloc(sizeof(*node));
    node->loop = loop;
    node->config = *config;
    node->events = *events;
    node->ctx = ctx;
    node->refs = 1;
    node->random = hash_entropy();
    set_defaults(&node->config);
    list_init(&node->peers);
    list_init(&node->looking);
    list_init(&node->requests);
    list_init(&node->free_requests);
    asks_init(node);
    int error = config->send == NULL ? open_sockets(node, err) : 0;
    if (error != 0) {
        node->closed = true;
        node_release(node);
        return error;
    }
    open_limited(node);
    foreign_start(node);
    *out = node;
    return 0;
}

void bacnet_node_close(struct bacnet_node *node)
{
    if (node == NULL) {
        return;
    }
    foreign_stop(node);
    node->closed = true;
    datagram_close(node->unicast);
    datagram_close(node->broadcast);
    datagram_close(node->limited);
    node->unicast = node->broadcast = node->limited = NULL;
    server_close(node);
    asks_close(node);
    node_release(node);
}

struct loop *bacnet_node_loop(const struct bacnet_node *node)
{
    return node->loop;
}

const struct bacnet_node_config *bacnet_node_config(const struct bacnet_node *node)
{
    return &node->config;
}
