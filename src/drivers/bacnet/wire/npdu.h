/* SPDX-License-Identifier: Apache-2.0 */
/* BACnet network layer (ASHRAE 135, clause 6.2): the head between BVLC and APDU, which carries
 * addresses beyond the IP network.
 *
 *   version u8 = 1 | control u8 | [DNET u16 DLEN u8 DADR] | [SNET u16 SLEN u8 SADR] | [hops u8]
 *   | [message type u8 [vendor u16]] | data
 *
 *   control: 0x80 network message, 0x20 DNET, 0x08 SNET, 0x04 expecting reply, 0x03 priority
 *
 * Pure. The messages themselves are wire/route.h. */
#ifndef BUSBAR_DRIVERS_BACNET_WIRE_NPDU_H
#define BUSBAR_DRIVERS_BACNET_WIRE_NPDU_H

#include "base/bytes.h"

enum {
    BACNET_NPDU_VERSION = 1,
    BACNET_MAC_MAX = 18, /* bytes of an address on a remote network; longer ones are refused */
    BACNET_NPDU_MAX = 2 + 3 + BACNET_MAC_MAX + 3 + BACNET_MAC_MAX + 1 + 3, /* of the head */
    BACNET_HOPS = 255,
    BACNET_NETWORK_ALL = 65535,
};

enum bacnet_priority {
    BACNET_PRIORITY_NORMAL = 0,
    BACNET_PRIORITY_URGENT = 1,
    BACNET_PRIORITY_CRITICAL = 2,
    BACNET_PRIORITY_LIFE_SAFETY = 3,
};

/* A node's address behind routers. */
struct bacnet_mac {
    uint16_t network; /* 1 to 65534; as a destination also BACNET_NETWORK_ALL */
    uint8_t size;     /* 0, destination only: broadcast there */
    uint8_t mac[BACNET_MAC_MAX];
};

struct bacnet_npdu {
    bool has_to, has_from;
    struct bacnet_mac to, from; /* DNET/DADR, SNET/SADR; all zero when they are not there */
    uint8_t hops;               /* with has_to */
    bool expecting_reply;
    uint8_t priority;  /* enum bacnet_priority */
    bool is_message;   /* a message of the network layer, no APDU */
    uint8_t message;   /* enum bacnet_message */
    uint16_t vendor;   /* of messages 0x80 and over */
    struct bytes data; /* the APDU, or the message's body */
};

/* BUSBAR_ESHORT: torn; BUSBAR_EPROTO: another version, a network number 0, a source that is a
 * broadcast, an address over BACNET_MAC_MAX. */
int bacnet_get_npdu(struct bytes *in, struct bacnet_npdu *npdu);
/* The head, then data (which may be empty). Needs BACNET_NPDU_MAX bytes and those of data. */
void bacnet_put_npdu(struct bytes_out *out, const struct bacnet_npdu *npdu);

bool bacnet_mac_equal(const struct bacnet_mac *a, const struct bacnet_mac *b);

#endif
