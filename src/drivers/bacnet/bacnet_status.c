/* SPDX-License-Identifier: Apache-2.0 */
/* How the protocol is doing, as facts for people: its ports, and of each network its address, the BBMD, the routers
 * and what was dropped and why. */
#include "drivers/bacnet/bacnet_status.h"

#include "drivers/bacnet/bacnet_own.h"

#include "base/str.h"
#include "drivers/bacnet/bacnet_options.h"

enum { ROUTERS_SHOWN = 16, TEXT_MAX = 512 };

/* ---- ports ---- */

static void ip_text(const struct endpoint *endpoint, char *to, size_t size)
{
    const uint8_t *ip = endpoint->ip;
    str_format(to, size, "%u.%u.%u.%u", ip[0], ip[1], ip[2], ip[3]);
}

static void tell_port(const struct setup_part *part, const struct bacnet_card *cards, size_t count,
                      driver_port_cb cb, void *ctx)
{
    struct bacnet_network_config config;
    struct bacnet_place place;
    char use[96];
    char host[64] = "0.0.0.0";
    if (bacnet_config_network(part, &config, NULL) != 0) {
        return;
    }
    if (bacnet_config_local(&config, part, cards, count, &place, NULL) == 0) {
        ip_text(&place.local, host, sizeof(host));
    } else if (config.address.given) {
        const uint8_t *ip = config.address.ip;
        str_format(host, sizeof(host), "%u.%u.%u.%u", ip[0], ip[1], ip[2], ip[3]);
    }
    str_format(use, sizeof(use), "BACnet network %s", config.name);
    struct driver_port port = {
        .use = str_trim(use),
        .transport = "udp",
        .host = host,
        .port = config.port,
    };
    if (part != NULL && settings_has(&part->settings, NETWORK_PORT)) {
        port.at = settings_at(&part->settings, NETWORK_PORT);
    }
    cb(ctx, &port);
}

void bacnet_ports(const struct setup *setup, bool used, driver_port_cb cb, void *ctx)
{
    struct bacnet_card cards[BACNET_CARDS_MAX];
    size_t count = bacnet_cards(cards, BACNET_CARDS_MAX);
    for (size_t i = 0; i < setup->part_count; i++) {
        tell_port(&setup->parts[i], cards, count, cb, ctx);
    }
    if (setup->part_count == 0 && used) {
        tell_port(NULL, cards, count, cb, ctx);
    }
}

/* ---- status ---- */

struct teller {
    const struct bacnet_network *network;
    driver_status_cb cb;
    void *ctx;
};

static void tell(const struct teller *teller, const char *name, const char *text,
                 const char *trouble)
{
    struct driver_status status = {
        .part = teller->network->config.name, .name = name, .text = text, .trouble = trouble
    };
    teller->cb(teller->ctx, &status);
}

static void tell_address(const struct teller *teller)
{
    const struct bacnet_network *network = teller->network;
    char text[ADDRESS_TEXT_MAX + 8];
    char trouble[ERR_MESSAGE_MAX + ERR_HINT_MAX + 4];
    size_t size = endpoint_format(text, sizeof(text), &network->place.local);
    str_format(text + size, sizeof(text) - size, " /%u", network->place.bits);
    const struct err *err = &network->trouble;
    if (err->code == 0) {
        tell(teller, "address", text, NULL);
        return;
    }
    str_format(trouble, sizeof(trouble), "%s%s%s", err->message, err->hint[0] != '\0' ? "; " : "",
               err->hint);
    struct driver_status status = {
        .part = network->config.name,
        .name = "address",
        .text = network->place.local.family != 0 ? text : "none",
        .trouble = trouble,
        .closed = true,
    };
    teller->cb(teller->ctx, &status);
}

static void tell_foreign(const struct teller *teller)
{
    const struct bacnet_network *network = teller->network;
    struct bacnet_foreign foreign;
    char bbmd[ADDRESS_TEXT_MAX];
    char text[TEXT_MAX];
    if (!network->config.foreign) {
        return;
    }
    bacnet_node_foreign(network->node, &foreign);
    endpoint_format(bbmd, sizeof(bbmd), &network->config.bbmd);
    str_format(text, sizeof(text), "%s: %s", bbmd, bacnet_foreign_word(foreign.state));
    bool bad = foreign.state == BACNET_FOREIGN_REFUSED || foreign.state == BACNET_FOREIGN_SILENT;
    tell(
        teller, "foreign device", text,
        bad ? "devices of other subnets are not heard: check the BBMD's address, and that it takes "
              "foreign devices"
            : NULL);
    if (bacnet_bbmd_words(&network->bbmd, text, sizeof(text))) {
        tell(teller, "BBMDs", text, NULL);
    }
}

static void tell_routers(const struct teller *teller)
{
    struct bacnet_router routers[ROUTERS_SHOWN];
    char text[TEXT_MAX];
    size_t size = 0;
    size_t count = bacnet_node_routers(teller->network->node, routers, ROUTERS_SHOWN);
    for (size_t i = 0; i < count && i < ROUTERS_SHOWN; i++) {
        char router[ADDRESS_TEXT_MAX] = "looked for";
        if (routers[i].router.family != 0) {
            endpoint_format(router, sizeof(router), &routers[i].router);
        }
        size += str_format(text + size, sizeof(text) - size, "%snetwork %u: %s%s",
                           i > 0 ? ", " : "", routers[i].network, router,
                           routers[i].busy ? " (busy)" : "");
    }
    if (count > 0) {
        tell(teller, "routers", text, NULL);
    }
}

/* What others asked of our own device object. */
static void tell_own(const struct teller *teller)
{
    struct bacnet_own_counts counts;
    char text[TEXT_MAX];
    bacnet_own_counts(teller->network->own, &counts);
    if (counts.answered + counts.refused + counts.malformed + counts.capped == 0) {
        return;
    }
    str_format(text, sizeof(text),
               "%llu answered, %llu refused, %llu unreadable, %llu over the rate",
               (unsigned long long)counts.answered, (unsigned long long)counts.refused,
               (unsigned long long)counts.malformed, (unsigned long long)counts.capped);
    tell(teller, "asked of us", text,
         counts.capped > 0 ? "somebody asks too often: see who, a tool or an attack" : NULL);
}

static void tell_counts(const struct teller *teller)
{
    struct bacnet_counts counts;
    char text[TEXT_MAX];
    size_t size = 0;
    bacnet_node_counts(teller->network->node, &counts);
    str_format(text, sizeof(text), "%llu sent, %llu received", (unsigned long long)counts.sent,
               (unsigned long long)counts.received);
    tell(teller, "frames", text,
         counts.kernel_drops > 0 ? "some came faster than they were taken and are lost" : NULL);
    str_format(text, sizeof(text), "%zu asked, %zu heard", counts.peers, counts.heard);
    tell(teller, "devices", text, NULL);
    for (unsigned i = 0; i < BACNET_DROP_COUNT; i++) {
        if (counts.dropped[i] > 0) {
            size += str_format(text + size, sizeof(text) - size, "%s%llu %s", size > 0 ? ", " : "",
                               (unsigned long long)counts.dropped[i],
                               bacnet_drop_text((enum bacnet_drop)i));
        }
    }
    if (size > 0) {
        tell(teller, "dropped", text, NULL);
    }
    if (teller->network->own != NULL) {
        tell_own(teller);
    }
    if (teller->network->unknown_events > 0) {
        str_format(text, sizeof(text), "%llu, the last of device %u",
                   (unsigned long long)teller->network->unknown_events,
                   teller->network->unknown_sender);
        tell(teller, "alarms of others", text, NULL);
    }
}

void bacnet_status(struct driver *drv, driver_status_cb cb, void *ctx)
{
    struct bacnet_network *network = NULL;
    while ((network = bacnet_network_next(drv, network)) != NULL) {
        const struct teller teller = { .network = network, .cb = cb, .ctx = ctx };
        tell_address(&teller);
        if (network->node != NULL) {
            tell_foreign(&teller);
            tell_routers(&teller);
            tell_counts(&teller);
        }
    }
}
