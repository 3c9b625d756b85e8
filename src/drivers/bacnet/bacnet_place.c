/* SPDX-License-Identifier: Apache-2.0 */
/* Where on this machine a network is: its configuration against the cards there are. */
#include <string.h>

#include "base/str.h"
#include "drivers/bacnet/bacnet_config.h"
#include "net/interfaces.h"

size_t bacnet_cards(struct bacnet_card *cards, size_t max)
{
    struct interface list[BACNET_CARDS_MAX];
    int found = interfaces_list(list, BACNET_CARDS_MAX);
    size_t count = 0;
    for (int i = 0; i < found && count < max; i++) {
        if (!list[i].up || list[i].address.family != 4) {
            continue;
        }
        struct bacnet_card *card = &cards[count++];
        *card = (struct bacnet_card){ .bits = list[i].prefix, .loopback = list[i].loopback };
        str_copy(card->name, sizeof(card->name), list[i].name);
        memcpy(card->ip, list[i].address.ip, 4);
    }
    return count;
}

static struct bacnet_subnet card_subnet(const struct bacnet_card *card)
{
    struct bacnet_subnet subnet = { .bits = card->bits, .given = true, .masked = true };
    memcpy(subnet.ip, card->ip, 4);
    return subnet;
}

/* "eth0 10.0.1.5/24, lo 127.0.0.1/8" */
static void hint_cards(const struct bacnet_card *cards, size_t count, struct err *err)
{
    char list[ERR_HINT_MAX];
    size_t size = 0;
    list[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        const uint8_t *ip = cards[i].ip;
        size += str_format(list + size, sizeof(list) - size, "%s%s %u.%u.%u.%u/%u",
                           i > 0 ? ", " : "", cards[i].name, ip[0], ip[1], ip[2], ip[3],
                           cards[i].bits);
    }
    err_hint(err, "this machine has: %s", size > 0 ? list : "no network card with an address");
}

static void set_place(const struct setup_part *part, const uint8_t ip[4], uint8_t bits,
                      uint16_t port, struct bacnet_place *out)
{
    *out = (struct bacnet_place){ .part = part, .bits = bits };
    out->local = (struct endpoint){ .family = 4, .port = port };
    memcpy(out->local.ip, ip, 4);
    if (bits >= 31) {
        return;
    }
    out->broadcast = out->local;
    for (unsigned i = 0; i < 4; i++) {
        unsigned inside = bits > 8 * i ? bits - 8 * i : 0; /* bits of this byte in the mask */
        out->broadcast.ip[i] |= (uint8_t)(inside >= 8 ? 0 : 0xff >> inside);
    }
}

/* The card with this name, with this address, or that holds it. */
static const struct bacnet_card *find_card(const struct bacnet_network_config *network,
                                           const struct bacnet_card *cards, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bool named = network->interface == NULL || str_equal(network->interface, cards[i].name);
        struct bacnet_subnet subnet = card_subnet(&cards[i]);
        if (network->address.given) {
            bool own = memcmp(network->address.ip, cards[i].ip, 4) == 0 ||
                       (cards[i].loopback && bacnet_subnet_holds(&subnet, network->address.ip));
            named = named && own;
        }
        if (named) {
            return &cards[i];
        }
    }
    return NULL;
}

static const struct bacnet_card *only_card(const struct bacnet_card *cards, size_t count)
{
    const struct bacnet_card *found = NULL;
    for (size_t i = 0; i < count; i++) {
        if (!cards[i].loopback) {
            if (found != NULL) {
                return NULL;
            }
            found = &cards[i];
        }
    }
    return found;
}

int bacnet_config_local(const struct bacnet_network_config *network, const struct setup_part *part,
                        const struct bacnet_card *cards, size_t card_count,
                        struct bacnet_place *out, struct err *err)
{
    const struct bacnet_card *card;
    if (network->interface == NULL && !network->address.given) {
        card = only_card(cards, card_count);
        if (card == NULL) {
            err_set(err, BUSBAR_ENOENT,
                    "which network card is meant is not said (`network: 10.0.1.0/24` or "
                    "`interface: eth0` does)");
            hint_cards(cards, card_count, err);
            return BUSBAR_ENOENT;
        }
    } else {
        card = find_card(network, cards, card_count);
    }
    if (card == NULL) {
        const uint8_t *ip = network->address.ip;
        if (network->address.given) {
            err_set(err, BUSBAR_ENOENT, "%s%s%u.%u.%u.%u is not an address of this machine",
                    network->interface != NULL ? network->interface : "",
                    network->interface != NULL ? ": " : "", ip[0], ip[1], ip[2], ip[3]);
        } else {
            err_set(err, BUSBAR_ENOENT, "there is no network card '%s' with an IPv4 address",
                    network->interface);
        }
        hint_cards(cards, card_count, err);
        return BUSBAR_ENOENT;
    }
    bool own = network->address.given;
    set_place(part, own ? network->address.ip : card->ip,
              own && network->address.masked ? network->address.bits : card->bits, network->port,
              out);
    return 0;
}

static int place_of_part(const struct setup_part *part, const struct bacnet_card *cards,
                         size_t card_count, struct bacnet_place *out, struct err *err)
{
    struct bacnet_network_config network;
    int error = bacnet_config_network(part, &network, err);
    return error == 0 ? bacnet_config_local(&network, part, cards, card_count, out, err) : error;
}

/* The configured network that is in this subnet, or whose own subnet holds this address. */
static bool part_holding(const struct setup *setup, const struct bacnet_subnet *subnet,
                         const uint8_t *ip, const struct bacnet_card *cards, size_t card_count,
                         struct bacnet_place *out)
{
    for (size_t i = 0; i < setup->part_count; i++) {
        if (place_of_part(&setup->parts[i], cards, card_count, out, NULL) != 0) {
            continue;
        }
        struct bacnet_subnet own = { .bits = out->bits, .given = true };
        memcpy(own.ip, out->local.ip, 4);
        if (subnet != NULL ? bacnet_subnet_holds(subnet, out->local.ip)
                           : bacnet_subnet_holds(&own, ip)) {
            return true;
        }
    }
    return false;
}

static bool card_holding(const struct bacnet_subnet *subnet, const uint8_t *ip,
                         const struct bacnet_card *cards, size_t card_count,
                         struct bacnet_place *out)
{
    struct bacnet_network_config network;
    (void)bacnet_config_network(NULL, &network, NULL);
    for (size_t i = 0; i < card_count; i++) {
        struct bacnet_subnet own = card_subnet(&cards[i]);
        if (subnet != NULL ? bacnet_subnet_holds(subnet, cards[i].ip)
                           : bacnet_subnet_holds(&own, ip)) {
            set_place(NULL, cards[i].ip, cards[i].bits, network.port, out);
            return true;
        }
    }
    return false;
}

int bacnet_config_place(const struct setup *setup, const struct bacnet_config *device,
                        const struct bacnet_card *cards, size_t card_count,
                        struct bacnet_place *out, struct err *err)
{
    if (device->network != NULL && !device->subnet.given) {
        const struct setup_part *part = setup_part(setup, device->network);
        if (part == NULL) {
            return err_set(err, BUSBAR_ENOENT,
                           "there is no network '%s' in drivers: bacnet: networks",
                           device->network);
        }
        return place_of_part(part, cards, card_count, out, err);
    }
    const struct bacnet_subnet *subnet = device->subnet.given ? &device->subnet : NULL;
    const uint8_t *ip = device->address.family == 4 ? device->address.ip : NULL;
    if (subnet == NULL && setup->part_count == 1) {
        return place_of_part(&setup->parts[0], cards, card_count, out, err);
    }
    if ((subnet != NULL || ip != NULL) &&
        (part_holding(setup, subnet, ip, cards, card_count, out) ||
         ((subnet != NULL || setup->part_count == 0) &&
          card_holding(subnet, ip, cards, card_count, out)))) {
        return 0;
    }
    if (subnet != NULL) {
        err_set(err, BUSBAR_ENOENT, "no network card is in %s", device->network);
        hint_cards(cards, card_count, err);
        return BUSBAR_ENOENT;
    }
    if (setup->part_count > 1) {
        err_set(err, BUSBAR_ENOENT, "which of the %zu networks this device is on is not said",
                setup->part_count);
        err_hint(err, "add 'network: %s', one of drivers: bacnet: networks", setup->parts[0].name);
        return BUSBAR_ENOENT;
    }
    return place_of_part(NULL, cards, card_count, out, err);
}
