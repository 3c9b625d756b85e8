/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of the BACnet network layer (ASHRAE 135, clauses 6.2.4 and 6.4): how routers are found,
 * refuse, are busy and are set up. Pure; the head before them is wire/npdu.h. */
#ifndef BUSBAR_DRIVERS_BACNET_WIRE_ROUTE_H
#define BUSBAR_DRIVERS_BACNET_WIRE_ROUTE_H

#include "base/bytes.h"

enum bacnet_message {
    BACNET_WHO_IS_ROUTER = 0x00,
    BACNET_I_AM_ROUTER = 0x01,
    BACNET_I_COULD_BE_ROUTER = 0x02,
    BACNET_REJECT_MESSAGE = 0x03,
    BACNET_ROUTER_BUSY = 0x04,
    BACNET_ROUTER_AVAILABLE = 0x05,
    BACNET_INIT_ROUTING_TABLE = 0x06,
    BACNET_INIT_ROUTING_TABLE_ACK = 0x07,
    BACNET_ESTABLISH_CONNECTION = 0x08,
    BACNET_DISCONNECT_CONNECTION = 0x09,
    BACNET_WHAT_IS_NETWORK = 0x12,
    BACNET_NETWORK_IS = 0x13,
};

/* Of BACNET_REJECT_MESSAGE, clause 6.4.4. */
enum bacnet_route_reject {
    BACNET_ROUTE_OTHER = 0,
    BACNET_ROUTE_UNKNOWN = 1,  /* the router knows no way to the network */
    BACNET_ROUTE_BUSY = 2,     /* and to try again later */
    BACNET_ROUTE_MESSAGE = 3,  /* unknown message type */
    BACNET_ROUTE_TOO_LONG = 4, /* too long for a network on the way */
    BACNET_ROUTE_SECURITY = 5,
    BACNET_ROUTE_ADDRESSING = 6,
};

/* Fields that a message does not have are 0. */
struct bacnet_route_message {
    uint8_t message;     /* enum bacnet_message */
    bool has_network;    /* WHO_IS_ROUTER: false = all networks */
    uint16_t network;    /* WHO_IS_ROUTER, I_COULD_BE, REJECT, ESTABLISH, DISCONNECT, NETWORK_IS */
    uint8_t reason;      /* REJECT: enum bacnet_route_reject */
    uint8_t performance; /* I_COULD_BE */
    uint8_t minutes;     /* ESTABLISH: until it may be ended; 0 = never by itself */
    bool configured;     /* NETWORK_IS: by a person, not learned */
    uint8_t ports;       /* INIT_ROUTING_TABLE and its ack: entries in data */
    struct bytes data;   /* I_AM, BUSY, AVAILABLE: networks; INIT...: entries; others: as it came */
};

struct bacnet_route_port {
    uint16_t network;
    uint8_t port;
    struct bytes info;
};

/* `message` from the NPDU and its body. Lists are checked whole. BUSBAR_ESHORT or BUSBAR_EPROTO;
 * BUSBAR_EUNSUPPORTED: a message not of the list above (proprietary, security), data is its body. */
int bacnet_get_route_message(struct bytes *in, uint8_t message, struct bacnet_route_message *route);
void bacnet_put_route_message(struct bytes_out *out, const struct bacnet_route_message *route);

/* The next of the lists in data; false at the end. */
bool bacnet_get_route_network(struct bytes *networks, uint16_t *network);
bool bacnet_get_route_port(struct bytes *ports, struct bacnet_route_port *port);
void bacnet_put_route_port(struct bytes_out *out, const struct bacnet_route_port *port);

/* "who is router to network"; NULL: unknown. */
const char *bacnet_route_name(uint8_t message);
/* In plain words; never NULL. */
const char *bacnet_route_reject_text(uint8_t reason);

#endif
