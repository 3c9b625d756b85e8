/* SPDX-License-Identifier: Apache-2.0 */
/* The table of peers: by address and by instance, counted. */
#include "drivers/bacnet/node/peer.h"

#include <assert.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/hash.h"
#include "drivers/bacnet/node/node_private.h"
#include "drivers/bacnet/service/who_is.h"

enum {
    ROUTED_APDU = 480, /* what goes through most networks behind routers (MS/TP, ARCNET) */
    LOOK_MIN_MS = 5000,
    LOOK_MAX_MS = 120000,
};
static const int64_t relearn_us = 3600 *
                                  CLOCK_US_PER_S; /* what was learned from a loss is tried again */

static uint64_t instance_key(uint32_t instance)
{
    return (uint64_t)instance + 1;
}

static bool has_instance(const struct bacnet_peer *peer)
{
    return peer->config.instance < BACNET_INSTANCE_MAX;
}

/* ---- by address ---- */

struct bacnet_peer *peer_at_hash(const struct bacnet_node *node,
                                 const struct bacnet_address *address, uint64_t hash)
{
    struct bacnet_peer *peer = node->peers_at.count > 0 ? map64_get(&node->peers_at, hash) : NULL;
    while (peer != NULL && !bacnet_address_equal(&peer->facts.address, address)) {
        peer = peer->next_at;
    }
    return peer;
}

struct bacnet_peer *peer_at(const struct bacnet_node *node, const struct bacnet_address *address)
{
    return peer_at_hash(node, address, bacnet_address_hash(address));
}

void peer_heard(struct bacnet_peer *first)
{
    int64_t now_us = clock_mono_us();
    for (struct bacnet_peer *peer = first; peer != NULL; peer = peer->next_at) {
        peer->facts.heard_us = now_us;
    }
}

void peer_doubt(struct bacnet_peer *peer, int64_t asked_us)
{
    if (peer->doubted_us <= peer->facts.heard_us) {
        peer->doubted_us = asked_us;
    }
}

static void chain_out(struct bacnet_peer *peer)
{
    if (!peer->facts.found) {
        return;
    }
    struct map64 *map = &peer->node->peers_at;
    struct bacnet_peer *first = map64_get(map, peer->hash);
    if (first != peer) {
        while (first->next_at != peer) {
            first = first->next_at;
        }
        first->next_at = peer->next_at;
    } else if (peer->next_at != NULL) {
        (void)map64_set(map, peer->hash, peer->next_at);
    } else {
        (void)map64_remove(map, peer->hash);
    }
    peer->next_at = NULL;
}

static uint8_t in_flight_first(const struct bacnet_peer *peer)
{
    uint8_t first = peer->facts.address.network != 0 ? BACNET_IN_FLIGHT_ROUTED
                                                     : BACNET_IN_FLIGHT_DIRECT;
    first = peer->config.in_flight != 0 ? peer->config.in_flight : first;
    return first < BACNET_IN_FLIGHT_MAX ? first : BACNET_IN_FLIGHT_MAX;
}

/* What is known of a node that has said nothing yet. */
static void forget_limits(struct bacnet_peer *peer)
{
    struct bacnet_peer_facts *facts = &peer->facts;
    const struct bacnet_peer_config *config = &peer->config;
    bool routed = facts->address.network != 0;
    uint16_t most = routed ? ROUTED_APDU : BACNET_APDU_MAX;
    facts->max_apdu = config->max_apdu != 0 ? config->max_apdu : most;
    facts->segmentation = config->segmentation != 0 ? config->segmentation
                                                    : BACNET_SEGMENTATION_UNKNOWN;
    facts->max_segments = config->max_segments;
    peer->in_flight_first = in_flight_first(peer);
    facts->in_flight = peer->in_flight_first;
}

void peer_place(struct bacnet_peer *peer, const struct bacnet_address *address)
{
    chain_out(peer);
    peer->facts.address = *address;
    peer->facts.found = true;
    peer->facts.introduced = false;
    peer->elsewhere = false;
    peer->doubted_us = 0;
    peer->hash = bacnet_address_hash(address);
    peer->next_at = map64_set(&peer->node->peers_at, peer->hash, peer);
    forget_limits(peer);
}

/* ---- by instance ---- */

static void chain_instance(struct bacnet_peer *peer)
{
    if (has_instance(peer)) {
        peer->facts.instance = peer->config.instance;
        peer->next_of = map64_set(&peer->node->peers_of, instance_key(peer->config.instance), peer);
    }
}

static void unchain_instance(struct bacnet_peer *peer)
{
    if (!has_instance(peer)) {
        return;
    }
    struct map64 *map = &peer->node->peers_of;
    uint64_t key = instance_key(peer->config.instance);
    struct bacnet_peer *first = map64_get(map, key);
    if (first != peer) {
        while (first->next_of != peer) {
            first = first->next_of;
        }
        first->next_of = peer->next_of;
    } else if (peer->next_of != NULL) {
        (void)map64_set(map, key, peer->next_of);
    } else {
        (void)map64_remove(map, key);
    }
    peer->next_of = NULL;
}

/* ---- life ---- */

static bool same_source(const struct bacnet_address *a, const struct bacnet_address *b)
{
    return (a->network == 0 && b->network == 0) || bacnet_address_equal(a, b);
}

static struct bacnet_peer *find_same(const struct bacnet_node *node,
                                     const struct bacnet_peer_config *config)
{
    if (bacnet_address_is_broadcast(&config->address)) {
        struct bacnet_peer *peer = map64_get(&node->peers_of, instance_key(config->instance));
        while (peer != NULL &&
               (peer->config.address.ip.family != 0 || peer->config.address.network != 0 ||
                !same_source(&peer->config.source, &config->source))) {
            peer = peer->next_of;
        }
        return peer;
    }
    if (node->peers_at.count == 0) {
        return NULL;
    }
    struct bacnet_peer *peer = map64_get(&node->peers_at, bacnet_address_hash(&config->address));
    while (peer != NULL && (!bacnet_address_equal(&peer->facts.address, &config->address) ||
                            !same_source(&peer->config.source, &config->source))) {
        peer = peer->next_at;
    }
    return peer;
}

/* What a user says holds from now on. */
static void take_settings(struct bacnet_peer *peer, const struct bacnet_peer_config *config)
{
    struct bacnet_peer_config *own = &peer->config;
    struct bacnet_peer_facts *facts = &peer->facts;
    if (config->max_apdu != 0) {
        facts->max_apdu = own->max_apdu = config->max_apdu;
    }
    if (config->segmentation != 0) {
        facts->segmentation = own->segmentation = config->segmentation;
    }
    if (config->max_segments != 0) {
        facts->max_segments = own->max_segments = config->max_segments;
    }
    if (config->in_flight != 0) {
        own->in_flight = config->in_flight;
        peer->in_flight_first = in_flight_first(peer);
        facts->in_flight = peer->in_flight_first;
    }
    own->window = config->window != 0 ? config->window : own->window;
}

struct bacnet_peer *bacnet_peer_get(struct bacnet_node *node,
                                    const struct bacnet_peer_config *config)
{
    struct bacnet_peer *peer = find_same(node, config);
    if (peer != NULL) {
        peer->refs++;
        take_settings(peer, config);
        return peer;
    }
    peer = busbar_alloc(sizeof(*peer));
    peer->node = node;
    peer->refs = 1;
    peer->config = *config;
    peer->facts.instance = BACNET_INSTANCE_MAX;
    peer->invoke = (uint8_t)hash_random(&node->random);
    backoff_init(&peer->look_backoff, LOOK_MIN_MS, LOOK_MAX_MS, hash_random(&node->random));
    list_init(&peer->waiting);
    list_init(&peer->wait_link);
    list_init(&peer->look_link);
    list_append(&node->peers, &peer->link);
    chain_instance(peer);
    forget_limits(peer);
    if (!bacnet_address_is_broadcast(&config->address)) {
        peer_place(peer, &config->address);
    }
    node_hold(node);
    return peer;
}

void peer_hold(struct bacnet_peer *peer)
{
    peer->refs++;
}

void bacnet_peer_release(struct bacnet_peer *peer)
{
    if (peer == NULL || --peer->refs > 0) {
        return;
    }
    assert(list_empty(&peer->waiting));
    chain_out(peer);
    unchain_instance(peer);
    find_stop(peer);
    list_remove(&peer->wait_link);
    list_remove(&peer->link);
    struct bacnet_node *node = peer->node;
    busbar_free(peer);
    node_release(node);
}

const struct bacnet_peer_facts *bacnet_peer_facts(const struct bacnet_peer *peer)
{
    return &peer->facts;
}

struct bacnet_node *bacnet_peer_node(const struct bacnet_peer *peer)
{
    return peer->node;
}

void bacnet_peer_set_user(struct bacnet_peer *peer, void *user)
{
    peer->user = user;
}

void *bacnet_peer_user(const struct bacnet_peer *peer)
{
    return peer->user;
}

/* ---- limits ---- */

void peer_introduce(struct bacnet_peer *peer, const struct bacnet_i_am *i_am)
{
    struct bacnet_peer_facts *facts = &peer->facts;
    bool first = !facts->introduced;
    facts->introduced = true;
    facts->instance = i_am->instance;
    facts->vendor = i_am->vendor;
    if (peer->config.max_apdu == 0 && (first || i_am->max_apdu < facts->max_apdu)) {
        facts->max_apdu = i_am->max_apdu < BACNET_APDU_MAX ? i_am->max_apdu : BACNET_APDU_MAX;
        facts->max_apdu = facts->max_apdu > 50 ? facts->max_apdu : 50;
    }
    if (peer->config.segmentation == 0) {
        facts->segmentation = i_am->segmentation <= BACNET_SEGMENTED_NONE ? i_am->segmentation
                                                                          : BACNET_SEGMENTED_NONE;
    }
}

void bacnet_peer_learn_max_apdu(struct bacnet_peer *peer, uint16_t max_apdu)
{
    if (max_apdu >= 50 && max_apdu < peer->facts.max_apdu) {
        peer->facts.max_apdu = max_apdu;
    }
}

void bacnet_peer_learn_in_flight(struct bacnet_peer *peer, unsigned in_flight)
{
    if (in_flight > 0 && in_flight < peer->facts.in_flight) {
        peer->facts.in_flight = (uint8_t)in_flight;
        peer->learned_us = clock_mono_us();
    }
}

void peer_answered(struct bacnet_peer *peer)
{
    if (peer->crowded) {
        peer->crowded = false;
        bacnet_peer_learn_in_flight(peer, peer->facts.in_flight / 2);
    } else if (peer->facts.in_flight < peer->in_flight_first &&
               clock_mono_us() - peer->learned_us > relearn_us) {
        peer->facts.in_flight = peer->in_flight_first;
    }
}

void peer_lost(struct bacnet_peer *peer)
{
    peer->crowded = true;
}

static bool can_receive_segments(const struct bacnet_peer *peer)
{
    uint8_t segmentation = peer->facts.segmentation;
    return segmentation == BACNET_SEGMENTED_BOTH || segmentation == BACNET_SEGMENTED_RECEIVE ||
           segmentation == BACNET_SEGMENTATION_UNKNOWN;
}

static bool can_send_segments(const struct bacnet_peer *peer)
{
    uint8_t segmentation = peer->facts.segmentation;
    return segmentation == BACNET_SEGMENTED_BOTH || segmentation == BACNET_SEGMENTED_TRANSMIT ||
           segmentation == BACNET_SEGMENTATION_UNKNOWN;
}

unsigned peer_segments_max(const struct bacnet_peer *peer)
{
    uint8_t node = peer->node->config.segmentation;
    if (!can_receive_segments(peer) || node == BACNET_SEGMENTED_NONE ||
        node == BACNET_SEGMENTED_RECEIVE) {
        return 0;
    }
    uint8_t said = peer->facts.max_segments;
    return said != 0 && said < BACNET_SEGMENTS_MAX ? said : BACNET_SEGMENTS_MAX;
}

size_t bacnet_peer_request_max(const struct bacnet_peer *peer)
{
    unsigned segments = peer_segments_max(peer);
    return segments > 1 ? (size_t)segments * (peer->facts.max_apdu - REQUEST_SEGMENT_HEAD)
                        : (size_t)peer->facts.max_apdu - REQUEST_HEAD;
}

size_t bacnet_peer_answer_max(const struct bacnet_peer *peer)
{
    const struct bacnet_node_config *config = &peer->node->config;
    uint16_t apdu = peer->facts.max_apdu < config->max_apdu ? peer->facts.max_apdu
                                                            : config->max_apdu;
    bool segmented = can_send_segments(peer) && (config->segmentation == BACNET_SEGMENTED_BOTH ||
                                                 config->segmentation == BACNET_SEGMENTED_RECEIVE);
    return segmented ? (size_t)BACNET_SEGMENTS_MAX * (apdu - ACK_SEGMENT_HEAD)
                     : (size_t)apdu - ACK_HEAD;
}
