/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/bacnet/wire/route.h"

#include "base/err.h"

static const char *const names[] = {
    [BACNET_WHO_IS_ROUTER] = "who is router to network",
    [BACNET_I_AM_ROUTER] = "I am router to network",
    [BACNET_I_COULD_BE_ROUTER] = "I could be router to network",
    [BACNET_REJECT_MESSAGE] = "reject message to network",
    [BACNET_ROUTER_BUSY] = "router busy to network",
    [BACNET_ROUTER_AVAILABLE] = "router available to network",
    [BACNET_INIT_ROUTING_TABLE] = "initialize routing table",
    [BACNET_INIT_ROUTING_TABLE_ACK] = "routing table",
    [BACNET_ESTABLISH_CONNECTION] = "establish connection to network",
    [BACNET_DISCONNECT_CONNECTION] = "disconnect connection to network",
    [BACNET_WHAT_IS_NETWORK] = "what is network number",
    [BACNET_NETWORK_IS] = "network number is",
};

static void get_network_number(struct bytes *in, struct bacnet_route_message *route)
{
    route->has_network = true;
    route->network = bytes_get_u16(in);
}

/* Networks, two bytes each, to the end. */
static int get_networks(struct bytes *in, struct bacnet_route_message *route)
{
    route->data = bytes_get_bytes(in, bytes_left(in));
    return bytes_left(&route->data) % 2 == 0 ? 0 : BUSBAR_EPROTO;
}

static int get_ports(struct bytes *in, struct bacnet_route_message *route)
{
    /* an ack may be empty: what it acknowledges was not a question */
    bool empty = route->message == BACNET_INIT_ROUTING_TABLE_ACK && bytes_left(in) == 0;
    route->ports = empty ? 0 : bytes_get_u8(in);
    if (bytes_short(in)) {
        return BUSBAR_ESHORT;
    }
    route->data = bytes_get_bytes(in, bytes_left(in));
    struct bytes check = route->data;
    struct bacnet_route_port port;
    unsigned count = 0;
    while (bacnet_get_route_port(&check, &port)) {
        count++;
    }
    if (bytes_short(&check)) {
        return BUSBAR_ESHORT;
    }
    return count == route->ports ? 0 : BUSBAR_EPROTO;
}

static int get_end(const struct bytes *in)
{
    if (bytes_short(in)) {
        return BUSBAR_ESHORT;
    }
    return bytes_left(in) == 0 ? 0 : BUSBAR_EPROTO;
}

int bacnet_get_route_message(struct bytes *in, uint8_t message, struct bacnet_route_message *route)
{
    *route = (struct bacnet_route_message){ .message = message };
    switch (message) {
    case BACNET_WHO_IS_ROUTER:
        if (bytes_left(in) > 0) {
            get_network_number(in, route);
        }
        return get_end(in);
    case BACNET_I_AM_ROUTER:
    case BACNET_ROUTER_BUSY:
    case BACNET_ROUTER_AVAILABLE: return get_networks(in, route);
    case BACNET_I_COULD_BE_ROUTER:
        get_network_number(in, route);
        route->performance = bytes_get_u8(in);
        return get_end(in);
    case BACNET_REJECT_MESSAGE:
        route->reason = bytes_get_u8(in);
        get_network_number(in, route);
        return get_end(in);
    case BACNET_INIT_ROUTING_TABLE:
    case BACNET_INIT_ROUTING_TABLE_ACK: return get_ports(in, route);
    case BACNET_ESTABLISH_CONNECTION:
        get_network_number(in, route);
        route->minutes = bytes_get_u8(in);
        return get_end(in);
    case BACNET_DISCONNECT_CONNECTION: get_network_number(in, route); return get_end(in);
    case BACNET_WHAT_IS_NETWORK: return get_end(in);
    case BACNET_NETWORK_IS:
        get_network_number(in, route);
        route->configured = bytes_get_u8(in) == 1;
        return get_end(in);
    default: route->data = bytes_get_bytes(in, bytes_left(in)); return BUSBAR_EUNSUPPORTED;
    }
}

void bacnet_put_route_message(struct bytes_out *out, const struct bacnet_route_message *route)
{
    switch (route->message) {
    case BACNET_WHO_IS_ROUTER:
        if (route->has_network) {
            bytes_put_u16(out, route->network);
        }
        break;
    case BACNET_I_COULD_BE_ROUTER:
        bytes_put_u16(out, route->network);
        bytes_put_u8(out, route->performance);
        break;
    case BACNET_REJECT_MESSAGE:
        bytes_put_u8(out, route->reason);
        bytes_put_u16(out, route->network);
        break;
    case BACNET_INIT_ROUTING_TABLE:
    case BACNET_INIT_ROUTING_TABLE_ACK: bytes_put_u8(out, route->ports); break;
    case BACNET_ESTABLISH_CONNECTION:
        bytes_put_u16(out, route->network);
        bytes_put_u8(out, route->minutes);
        break;
    case BACNET_DISCONNECT_CONNECTION: bytes_put_u16(out, route->network); break;
    case BACNET_NETWORK_IS:
        bytes_put_u16(out, route->network);
        bytes_put_u8(out, route->configured ? 1 : 0);
        break;
    default: break;
    }
    bytes_put_block(out, route->data.at, bytes_left(&route->data));
}

bool bacnet_get_route_network(struct bytes *networks, uint16_t *network)
{
    if (bytes_left(networks) < 2) {
        return false;
    }
    *network = bytes_get_u16(networks);
    return true;
}

bool bacnet_get_route_port(struct bytes *ports, struct bacnet_route_port *port)
{
    if (bytes_left(ports) == 0) {
        return false;
    }
    port->network = bytes_get_u16(ports);
    port->port = bytes_get_u8(ports);
    uint8_t size = bytes_get_u8(ports);
    port->info = bytes_get_bytes(ports, size);
    return !bytes_short(ports);
}

void bacnet_put_route_port(struct bytes_out *out, const struct bacnet_route_port *port)
{
    size_t size = bytes_left(&port->info);
    assert(size <= UINT8_MAX);
    bytes_put_u16(out, port->network);
    bytes_put_u8(out, port->port);
    bytes_put_u8(out, (uint8_t)size);
    bytes_put_block(out, port->info.at, size);
}

const char *bacnet_route_name(uint8_t message)
{
    return message < sizeof(names) / sizeof(names[0]) ? names[message] : NULL;
}

const char *bacnet_route_reject_text(uint8_t reason)
{
    static const char *const texts[] = {
        [BACNET_ROUTE_OTHER] = "the router gives no reason",
        [BACNET_ROUTE_UNKNOWN] = "the router knows no way to this network",
        [BACNET_ROUTE_BUSY] = "the router is busy, try again later",
        [BACNET_ROUTE_MESSAGE] = "the router does not know this message",
        [BACNET_ROUTE_TOO_LONG] = "too long for a network on the way",
        [BACNET_ROUTE_SECURITY] = "a security error on the way",
        [BACNET_ROUTE_ADDRESSING] = "the router does not accept the address",
    };
    return reason < sizeof(texts) / sizeof(texts[0]) ? texts[reason]
                                                     : "the router gives an unknown reason";
}
