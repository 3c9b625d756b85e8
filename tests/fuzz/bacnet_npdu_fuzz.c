/* SPDX-License-Identifier: Apache-2.0 */
/* NPDU heads (clause 6.2) and the network messages behind them (clause 6.4). */
#include "bacnet_again.h"

#include "drivers/bacnet/wire/npdu.h"
#include "drivers/bacnet/wire/route.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void lists(const struct bacnet_route_message *route)
{
    struct bytes list = route->data;
    struct bacnet_route_port port;
    uint16_t network;
    size_t count = 0;
    switch (route->message) {
    case BACNET_I_AM_ROUTER:
    case BACNET_ROUTER_BUSY:
    case BACNET_ROUTER_AVAILABLE:
        while (bacnet_get_route_network(&list, &network)) {
            count++;
        }
        assert(2 * count == bytes_left(&route->data));
        break;
    case BACNET_INIT_ROUTING_TABLE:
    case BACNET_INIT_ROUTING_TABLE_ACK:
        while (bacnet_get_route_port(&list, &port)) {
            count++;
        }
        assert(count == route->ports);
        break;
    default: break;
    }
}

static int again_npdu(struct bytes *in, struct bytes_out *out)
{
    struct bacnet_npdu npdu;
    int error = bacnet_get_npdu(in, &npdu);
    if (error != 0) {
        return error;
    }
    struct bacnet_route_message route;
    struct bytes body = npdu.data;
    if (!npdu.is_message || bacnet_get_route_message(&body, npdu.message, &route) != 0) {
        bacnet_put_npdu(out, &npdu);
        return 0;
    }
    assert(bacnet_route_name(route.message) != NULL);
    lists(&route);
    npdu.data = bytes_of(NULL, 0);
    bacnet_put_npdu(out, &npdu);
    bacnet_put_route_message(out, &route);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size <= AGAIN_IN_MAX) {
        again_fuzz(again_npdu, data, size);
    }
    return 0;
}
