/* SPDX-License-Identifier: Apache-2.0 */
/* Where a device is served.
 *
 *   address in the configuration          served at it, over one socket a device
 *   behind a router (remote_network)      a virtual router at the router's address, all its devices behind it
 *   found by Who-Is, on a loopback card   127.64.0.0 + the device's number
 *   found by Who-Is, on another card      a virtual router at the card's address */
#include <string.h>

#include "sim/sim_bacnet.h"

enum { LOOPBACK = 127, VIRTUAL_MAC = 3 };

static void set_mac(struct sim_bacnet_spot *spot, uint32_t instance)
{
    spot->mac_size = VIRTUAL_MAC;
    spot->mac[0] = (uint8_t)(instance >> 16);
    spot->mac[1] = (uint8_t)(instance >> 8);
    spot->mac[2] = (uint8_t)instance;
}

/* 127.64.0.0 and 22 bits. */
static void set_loopback(struct sim_bacnet_spot *spot, uint32_t number)
{
    spot->at.ip[0] = LOOPBACK;
    spot->at.ip[1] = (uint8_t)(64 + (number >> 16));
    spot->at.ip[2] = (uint8_t)(number >> 8);
    spot->at.ip[3] = (uint8_t)number;
}

int sim_bacnet_find_spot(const struct sim_device *sd, const struct bacnet_state *state,
                         const struct bacnet_config *config, struct sim_bacnet_spot *spot,
                         struct err *err)
{
    static const struct setup empty;
    struct bacnet_place place;
    const struct setup *setup = sim_setup(sd->sim, sd->protocol->ops->protocol);
    int error = bacnet_config_place(setup != NULL ? setup : &empty, config, state->cards,
                                    state->card_count, &place, err);
    *spot = (struct sim_bacnet_spot){ .network = config->remote_network,
                                      .mac_size = config->mac_size };
    memcpy(spot->mac, config->mac, config->mac_size);
    if (spot->network != 0 && spot->mac_size == 0) {
        set_mac(spot, config->device);
    }
    if (config->address.family != 0) { /* its own, or its router's: a card is not needed */
        spot->at = config->address;
        spot->broadcast = error == 0 ? place.broadcast : (struct endpoint){ 0 };
        return 0;
    }
    if (error != 0) {
        return error;
    }
    spot->at = place.local;
    spot->broadcast = place.broadcast;
    if (place.local.ip[0] == LOOPBACK) {
        set_loopback(spot, spot->network != 0 ? spot->network : config->device);
    } else if (spot->network == 0) {
        spot->network = SIM_BACNET_VIRTUAL;
        set_mac(spot, config->device);
    }
    return 0;
}
