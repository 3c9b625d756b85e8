/* SPDX-License-Identifier: Apache-2.0 */
/* Networks: one node (a UDP port on one of our addresses) each, shared by its devices. Those of the configuration
 * are open all the time, so that devices are heard and our own device object answers; others as
 * long as a device is on them. What cannot be opened is tried again when a device wants it.
 *
 * What comes is handed to whom it is for; a notification only when it comes from the address at which the device
 * it names was found. */
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/str.h"
#include "drivers/bacnet/bacnet_alarm.h"
#include "drivers/bacnet/bacnet_device.h"
#include "drivers/bacnet/bacnet_discover.h"
#include "drivers/bacnet/bacnet_own.h"
#include "drivers/bacnet/bacnet_time.h"
#include "drivers/bacnet/service/who_is.h"
#include "drivers/bacnet/wire/apdu.h"

static struct bacnet_network *network_of(struct list *at)
{
    return list_entry(at, struct bacnet_network, link);
}

struct bacnet_network *bacnet_network_next(struct driver *drv, const struct bacnet_network *after)
{
    struct bacnet_driver_state *state = driver_state(drv);
    struct list *at = after != NULL ? after->link.next : state->networks.next;
    while (at != &state->networks && network_of(at)->gone) {
        at = at->next;
    }
    return at != &state->networks ? network_of(at) : NULL;
}

/* ---- what the node says ---- */

static struct bacnet_device *first_device(struct bacnet_network *network, uint32_t instance)
{
    return map64_get(&network->instances, instance);
}

static void on_asked(void *ctx, struct bacnet_request *request)
{
    struct bacnet_network *network = ctx;
    switch (request->service) {
    case BACNET_CONFIRMED_COV: bacnet_cov_asked(network, request); break;
    case BACNET_CONFIRMED_EVENT: bacnet_event_asked(network, request); break;
    default: bacnet_own_asked(network->own, request); break;
    }
}

static void on_told(void *ctx, const struct bacnet_notice *notice)
{
    struct bacnet_network *network = ctx;
    switch (notice->service) {
    case BACNET_UNCONFIRMED_COV: bacnet_cov_told(network, notice); break;
    case BACNET_UNCONFIRMED_EVENT: bacnet_event_told(network, notice); break;
    case BACNET_I_HAVE: bacnet_discover_i_have(network->state->discover, network, notice); break;
    case BACNET_WHO_IS:
    case BACNET_WHO_HAS: bacnet_own_told(network->own, notice); break;
    default: break;
    }
}

static void on_heard(void *ctx, const struct bacnet_heard *heard)
{
    struct bacnet_network *network = ctx;
    struct bacnet_device *device = first_device(network, heard->i_am->instance);
    bacnet_discover_heard(network->state->discover, network, heard);
    /* another that says it is this device changes nothing */
    bool same = heard->what != BACNET_HEARD_DUPLICATE;
    for (; same && device != NULL; device = device->same) {
        bacnet_link_heard(device);
    }
}

static void on_frame(void *ctx, struct bacnet_peer *peer, bool sent, const struct endpoint *at,
                     const void *data, size_t size)
{
    (void)ctx;
    (void)at;
    struct bacnet_device *device = peer != NULL ? bacnet_peer_user(peer) : NULL;
    for (; device != NULL; device = device->same) {
        driver_frame(device->dev, sent, data, size);
    }
}

static void on_foreign(void *ctx)
{
    struct bacnet_network *network = ctx;
    if (network->node != NULL) {
        bacnet_bbmd_changed(&network->bbmd, network->node);
    }
}

static const struct bacnet_node_events node_events = {
    .asked = on_asked,
    .told = on_told,
    .heard = on_heard,
    .frame = on_frame,
    .foreign = on_foreign,
};

/* ---- opening ---- */

static void open_node(struct bacnet_network *network)
{
    const struct bacnet_network_config *config = &network->config;
    struct bacnet_node_config node = {
        .local = network->place.local,
        .broadcast = network->place.broadcast,
        .prefix = network->place.bits,
        .listens = true,
    };
    if (config->foreign) {
        node.bbmd = config->bbmd;
        node.foreign_ttl_s = (uint16_t)(config->ttl_us / 1000000);
    }
    struct err trouble = { 0 };
    int error = bacnet_node_open(network->state->loop, &node, &node_events, network, &network->node,
                                 &trouble);
    bacnet_mend_trouble(network, &trouble);
    if (error == 0) {
        network->own = bacnet_own_new(network);
        network->clock = bacnet_clock_new(network);
    }
}

static struct bacnet_network *new_network(struct bacnet_driver_state *state,
                                          const struct bacnet_network_config *config,
                                          const struct bacnet_place *place)
{
    struct bacnet_network *network = busbar_alloc(sizeof(*network));
    network->state = state;
    network->drv = state->drv;
    network->config = *config;
    network->place = *place;
    list_append(&state->networks, &network->link);
    return network;
}

static void free_network(struct bacnet_network *network)
{
    bacnet_discover_forget(network->state->discover, network);
    bacnet_clock_free(network->clock);
    bacnet_node_close(network->node);
    bacnet_own_free(network->own);
    map64_fini(&network->instances);
    list_remove(&network->link);
    busbar_free(network);
}

static struct bacnet_network *find_network(struct bacnet_driver_state *state,
                                           const struct endpoint *local)
{
    list_each(at, &state->networks) {
        if (!network_of(at)->gone && endpoint_equal(&network_of(at)->place.local, local)) {
            return network_of(at);
        }
    }
    return NULL;
}

/* The configured network that is not open; NULL: it is, or was never tried. */
static struct bacnet_network *find_closed(struct bacnet_driver_state *state,
                                          const struct setup_part *part)
{
    list_each(at, &state->networks) {
        struct bacnet_network *network = network_of(at);
        if (part != NULL && network->place.part == part && network->node == NULL &&
            !network->gone) {
            return network;
        }
    }
    return NULL;
}

/* The network at a place, made if there is none; opened if it is not. */
static struct bacnet_network *network_at(struct bacnet_driver_state *state,
                                         const struct bacnet_network_config *config,
                                         const struct bacnet_place *place)
{
    struct bacnet_network *network = find_network(state, &place->local);
    if (network == NULL) {
        network = find_closed(state, place->part);
    }
    if (network == NULL) {
        network = new_network(state, config, place);
    }
    if (place->part != NULL || network->node == NULL) {
        network->place = *place;
    }
    if (place->part != NULL) {
        network->config = *config; /* its texts are those of the setup there is now */
        network->users += !network->kept;
        network->kept = true;
    }
    if (network->node == NULL) {
        open_node(network);
    }
    return network;
}

void bacnet_networks_init(struct bacnet_driver_state *state, struct driver *drv)
{
    state->drv = drv;
    state->loop = driver_loop(drv);
    list_init(&state->networks);
    bacnet_mend_init(state);
}

static const struct setup *setup_of(const struct bacnet_driver_state *state)
{
    static const struct setup none;
    const struct setup *setup = driver_setup(state->drv);
    return setup != NULL ? setup : &none;
}

static bool same_text(const char *a, const char *b)
{
    return str_equal(a != NULL ? a : "", b != NULL ? b : "");
}

static bool same_network(const struct bacnet_network_config *a,
                         const struct bacnet_network_config *b)
{
    return same_text(a->name, b->name) && a->foreign == b->foreign &&
           endpoint_equal(&a->bbmd, &b->bbmd) && a->ttl_us == b->ttl_us && a->number == b->number &&
           a->listen == b->listen && a->time_sync == b->time_sync &&
           a->time_sync_every_us == b->time_sync_every_us;
}

/* The configured network wherever it is, or was. */
static struct bacnet_network *find_part(struct bacnet_driver_state *state,
                                        const struct setup_part *part)
{
    list_each(at, &state->networks) {
        if (!network_of(at)->gone && network_of(at)->place.part == part) {
            return network_of(at);
        }
    }
    return NULL;
}

/* Opens a configured network, or keeps the one that is the same. */
static void open_part(struct bacnet_driver_state *state, const struct setup_part *part,
                      const struct bacnet_card *cards, size_t card_count)
{
    struct bacnet_network_config config;
    struct bacnet_place place = { .part = part };
    struct err trouble = { 0 };
    if (bacnet_config_network(part, &config, NULL) != 0) {
        return; /* was checked before */
    }
    struct bacnet_network *network = find_part(state, part);
    if (bacnet_config_local(&config, part, cards, card_count, &place, &trouble) != 0) {
        if (network == NULL) {
            network = new_network(state, &config, &place);
            network->users = network->kept = true;
        }
        bacnet_mend_trouble(network, &trouble);
        return;
    }
    bool moved = network != NULL && network->node != NULL &&
                 (!endpoint_equal(&network->place.local, &place.local) ||
                  !endpoint_equal(&network->place.broadcast, &place.broadcast));
    if (moved) {
        bacnet_network_abandon(network);
    }
    network = network_at(state, &config, &place);
    if (network->node != NULL) {
        bacnet_mend_trouble(network, &trouble);
    }
}

void bacnet_network_open_parts(struct bacnet_driver_state *state, const struct setup *setup,
                               const struct bacnet_card *cards, size_t card_count)
{
    for (size_t i = 0; i < setup->part_count; i++) {
        open_part(state, &setup->parts[i], cards, card_count);
    }
}

void bacnet_network_abandon(struct bacnet_network *network)
{
    size_t at = 0;
    uint64_t key;
    void *value;
    network->gone = true;
    while (map64_next(&network->instances, &at, &key, &value)) {
        for (struct bacnet_device *device = value; device != NULL; device = device->same) {
            bacnet_link_moved(device);
        }
    }
    bool kept = network->kept;
    network->kept = false;
    network->users -= kept;
    if (network->users == 0) {
        free_network(network);
    }
}

void bacnet_networks_setup(struct bacnet_driver_state *state, const struct setup *setup)
{
    struct bacnet_card cards[BACNET_CARDS_MAX];
    size_t card_count = bacnet_cards(cards, BACNET_CARDS_MAX);
    (void)bacnet_config_setup(setup, &state->own, NULL);
    list_each_safe(at, &state->networks) {
        struct bacnet_network *network = network_of(at);
        struct bacnet_network_config config;
        struct bacnet_place place;
        const struct setup_part *part = setup_part(setup, network->config.name);
        bool keep = part != NULL && bacnet_config_network(part, &config, NULL) == 0 &&
                    bacnet_config_local(&config, part, cards, card_count, &place, NULL) == 0 &&
                    endpoint_equal(&place.local, &network->place.local) &&
                    endpoint_equal(&place.broadcast, &network->place.broadcast) &&
                    same_network(&config, &network->config);
        if (!keep) {
            free_network(network);
        } else {
            network->place.part = part;
        }
    }
    bacnet_network_open_parts(state, setup, cards, card_count);
    state->hears = setup->given && setup->part_count == 0;
    if (state->hears) {
        bacnet_network_open_cards(state->drv); /* to hear who is there */
    }
}

void bacnet_networks_close(struct bacnet_driver_state *state)
{
    bacnet_mend_stop(state);
    list_each_safe(at, &state->networks) {
        free_network(network_of(at));
    }
}

void bacnet_network_open_cards(struct driver *drv)
{
    struct bacnet_driver_state *state = driver_state(drv);
    struct bacnet_card cards[BACNET_CARDS_MAX];
    size_t count = bacnet_cards(cards, BACNET_CARDS_MAX);
    struct bacnet_network_config config;
    (void)bacnet_config_network(NULL, &config, NULL);
    for (size_t i = 0; i < count; i++) {
        struct bacnet_place place;
        struct bacnet_network_config card = config;
        card.interface = cards[i].name;
        if (cards[i].loopback ||
            bacnet_config_local(&card, NULL, &cards[i], 1, &place, NULL) != 0 ||
            find_network(state, &place.local) != NULL) {
            continue;
        }
        struct bacnet_network *network = new_network(state, &config, &place);
        network->users = network->kept = true;
        open_node(network);
    }
}

/* ---- devices ---- */

static void add_instance(struct bacnet_network *network, struct bacnet_device *device)
{
    device->same = map64_get(&network->instances, device->config.device);
    (void)map64_set(&network->instances, device->config.device, device);
}

static void remove_instance(struct bacnet_network *network, struct bacnet_device *device)
{
    uint64_t key = device->config.device;
    struct bacnet_device *at = map64_get(&network->instances, key);
    if (at == device) {
        if (device->same != NULL) {
            (void)map64_set(&network->instances, key, device->same);
        } else {
            (void)map64_remove(&network->instances, key);
        }
        return;
    }
    while (at != NULL && at->same != device) {
        at = at->same;
    }
    if (at != NULL) {
        at->same = device->same;
    }
}

/* The network that a device belongs to, made if it is none of the configured. */
static int find_or_make(struct bacnet_device *device, struct bacnet_network **out, struct err *err)
{
    struct bacnet_driver_state *state = device->state;
    struct bacnet_card cards[BACNET_CARDS_MAX];
    struct bacnet_place place;
    struct bacnet_network_config config;
    size_t count = bacnet_cards(cards, BACNET_CARDS_MAX);
    int error = bacnet_config_place(setup_of(state), &device->config, cards, count, &place, err);
    if (error != 0) {
        return error;
    }
    (void)bacnet_config_network(place.part, &config, NULL);
    *out = network_at(state, &config, &place);
    return 0;
}

int bacnet_network_join(struct bacnet_device *device, struct err *err)
{
    struct bacnet_network *network = NULL;
    if (device->network != NULL) {
        return 0;
    }
    int error = find_or_make(device, &network, err);
    if (error != 0) {
        return error;
    }
    if (network->node == NULL) {
        if (err != NULL) {
            *err = network->trouble;
        }
        error = network->trouble.code;
        if (network->users == 0) {
            free_network(network);
        }
        return error;
    }
    network->users++;
    device->network = network;
    add_instance(network, device);
    return 0;
}

void bacnet_network_leave(struct bacnet_device *device)
{
    struct bacnet_network *network = device->network;
    if (network == NULL) {
        return;
    }
    remove_instance(network, device);
    device->network = NULL;
    device->same = NULL;
    if (--network->users == 0) {
        free_network(network);
    }
}

/* ---- for the other parts ---- */

uint32_t bacnet_device_instance(const struct device *dev)
{
    return bacnet_device_of(dev)->config.device;
}

struct bacnet_network *bacnet_device_network(const struct device *dev)
{
    return bacnet_device_of(dev)->network;
}

struct bacnet_peer *bacnet_device_peer(const struct device *dev)
{
    return bacnet_device_of(dev)->peer;
}

const struct bacnet_address *bacnet_device_where(const struct device *dev)
{
    const struct bacnet_device *device = bacnet_device_of(dev);
    if (device->peer == NULL) {
        return NULL;
    }
    const struct bacnet_peer_facts *facts = bacnet_peer_facts(device->peer);
    return facts->found ? &facts->address : NULL;
}
