/* SPDX-License-Identifier: Apache-2.0 */
/* Where a BACnet node is: on our IP network, or behind a router that we know or still look for.
 *
 *   ip          network   mac_size   means
 *   set         0         0          a node (or the broadcast address) on the IP network
 *   none        0         0          all nodes on our IP network
 *   any         1-65534   1-18       a node on that remote network; ip: its router, as far as known
 *   any         1-65534   0          all nodes on that remote network
 *   none        65535     0          all nodes of all networks
 *
 * The router is the way to a node, not a part of its name: it is not compared. */
#ifndef BUSBAR_DRIVERS_BACNET_NODE_ADDRESS_H
#define BUSBAR_DRIVERS_BACNET_NODE_ADDRESS_H

#include "drivers/bacnet/wire/npdu.h"
#include "net/address.h"

enum {
    BACNET_PORT = 47808,
    BACNET_ADDRESS_TEXT_MAX = 96, /* of bacnet_address_format() */
};

struct bacnet_address {
    struct endpoint ip; /* of the node, or of the router; family 0: none, or not known yet */
    uint16_t network;   /* 0: on the IP network itself; 1-65534 a remote one; 65535 all */
    uint8_t mac_size;   /* 0 with a network: broadcast there */
    uint8_t mac[BACNET_MAC_MAX];
};

bool bacnet_address_equal(const struct bacnet_address *a, const struct bacnet_address *b);
uint64_t bacnet_address_hash(const struct bacnet_address *address);

/* All nodes on a network, on all of them, or (family 0, network 0) on our IP network. */
bool bacnet_address_is_broadcast(const struct bacnet_address *address);

/* "10.0.1.21" (":port" when it is not 47808), "network 7 mac 12" (1 byte), "network 7 mac
 * 0a:0b:0c", "network 7 mac 10.0.2.9" (6 bytes: BACnet/IP behind the router), "all of network 7",
 * "all networks", "all". Returns the length. */
size_t bacnet_address_format(char *to, size_t size, const struct bacnet_address *address);

#endif
