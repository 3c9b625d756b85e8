/* SPDX-License-Identifier: Apache-2.0 */
/* What goes out: a message gets its network header, its BVLC header and its way: to the node, to
 * the router of its network, or to all (by broadcast, and by the BBMD where we are a foreign
 * device). */
#include <string.h>

#include "drivers/bacnet/node/node_private.h"

enum { SHORTEST_HEAD = 2 }; /* of an APDU with data: of an unconfirmed request */

static int put_on_wire(struct bacnet_node *node, const struct endpoint *to,
                       struct bacnet_peer *peer, const uint8_t *data, size_t size)
{
    int error = node->config.send != NULL ? node->config.send(node->ctx, to, data, size)
                                          : datagram_send(node->unicast, to, data, size);
    if (error != 0) {
        node->counts.unsent++;
        return error;
    }
    node->counts.sent++;
    node->counts.sent_bytes += size;
    if (node->events.frame != NULL) {
        node->events.frame(node->ctx, peer, true, to, data, size);
    }
    return 0;
}

static void set_mac(struct bacnet_mac *mac, const struct bacnet_address *address)
{
    mac->network = address->network;
    mac->size = address->mac_size;
    memcpy(mac->mac, address->mac, sizeof(mac->mac));
}

/* Whom the datagram goes to; NULL: all on the IP network. */
static const struct endpoint *next_hop(const struct bacnet_node *node,
                                       const struct bacnet_address *to)
{
    if (to->network == BACNET_NETWORK_ALL) {
        return NULL;
    }
    if (to->ip.family != 0 && !endpoint_equal(&to->ip, &node->config.broadcast)) {
        return &to->ip;
    }
    return to->network != 0 ? route_find(node, to->network) : NULL;
}

/* Writes the frame's BVLC head, whose size is the same for all three functions, and sends it. */
static int send_npdu(struct bacnet_node *node, const struct endpoint *hop, struct bacnet_peer *peer,
                     struct bytes_out *out)
{
    struct bytes_out head = bytes_out_of(out->start, BACNET_BVLC_SIZE);
    struct bacnet_bvlc bvlc = { .function = BACNET_BVLC_UNICAST };
    if (hop != NULL) {
        bacnet_put_bvlc(&head, &bvlc);
        bacnet_end_bvlc(out, 0);
        return put_on_wire(node, hop, peer, out->start, bytes_out_size(out));
    }
    int error = BUSBAR_EROUTE;
    if (node->config.broadcast.family != 0) {
        bvlc.function = BACNET_BVLC_BROADCAST;
        bacnet_put_bvlc(&head, &bvlc);
        bacnet_end_bvlc(out, 0);
        error = put_on_wire(node, &node->config.broadcast, peer, out->start, bytes_out_size(out));
    }
    if (foreign_registered(node)) {
        head = bytes_out_of(out->start, BACNET_BVLC_SIZE);
        bvlc.function = BACNET_BVLC_DISTRIBUTE;
        bacnet_put_bvlc(&head, &bvlc);
        bacnet_end_bvlc(out, 0);
        error = put_on_wire(node, &node->config.bbmd, peer, out->start, bytes_out_size(out));
    }
    return error;
}

static void begin_npdu(struct bytes_out *out, const struct bacnet_address *to,
                       struct bacnet_npdu *npdu)
{
    (void)bytes_put_space(out, BACNET_BVLC_SIZE);
    if (to->network != 0) {
        npdu->has_to = true;
        set_mac(&npdu->to, to);
        npdu->hops = BACNET_HOPS;
    }
    bacnet_put_npdu(out, npdu);
}

int node_send_apdu(struct bacnet_node *node, const struct bacnet_address *source,
                   const struct bacnet_address *to, struct bacnet_peer *peer, bool expecting_reply,
                   const struct bacnet_apdu *apdu)
{
    if (node->closed) {
        return BUSBAR_ECANCELED;
    }
    if (bytes_left(&apdu->data) > BACNET_APDU_MAX - SHORTEST_HEAD) {
        return BUSBAR_ETOOBIG;
    }
    uint8_t frame[BACNET_FRAME_MAX];
    struct bytes_out out = bytes_out_of(frame, sizeof(frame));
    struct bacnet_npdu npdu = { .expecting_reply = expecting_reply };
    if (source != NULL && source->network != 0) {
        npdu.has_from = true;
        set_mac(&npdu.from, source);
    }
    begin_npdu(&out, to, &npdu);
    bacnet_put_apdu(&out, apdu);
    return send_npdu(node, next_hop(node, to), peer, &out);
}

int node_send_route(struct bacnet_node *node, const struct bacnet_address *to,
                    const struct bacnet_route_message *message)
{
    static const struct bacnet_address all;
    to = to != NULL ? to : &all;
    if (node->closed) {
        return BUSBAR_ECANCELED;
    }
    uint8_t frame[BACNET_FRAME_MAX];
    struct bytes_out out = bytes_out_of(frame, sizeof(frame));
    struct bacnet_npdu npdu = { .is_message = true, .message = message->message };
    begin_npdu(&out, to, &npdu);
    bacnet_put_route_message(&out, message);
    return send_npdu(node, next_hop(node, to), NULL, &out);
}

int node_send_bvlc(struct bacnet_node *node, const struct endpoint *to,
                   const struct bacnet_bvlc *bvlc)
{
    uint8_t frame[BACNET_FRAME_MAX];
    struct bytes_out out = bytes_out_of(frame, sizeof(frame));
    bacnet_put_bvlc(&out, bvlc);
    bacnet_end_bvlc(&out, 0);
    return put_on_wire(node, to, NULL, frame, bytes_out_size(&out));
}

int bacnet_tell(struct bacnet_node *node, const struct bacnet_address *source,
                const struct bacnet_address *to, uint8_t service, const void *data, size_t size)
{
    struct bacnet_apdu apdu = { .type = BACNET_PDU_UNCONFIRMED,
                                .service = service,
                                .data = bytes_of(data, size) };
    struct bacnet_peer *peer = bacnet_address_is_broadcast(to) ? NULL : peer_at(node, to);
    return node_send_apdu(node, source, to, peer, false, &apdu);
}
