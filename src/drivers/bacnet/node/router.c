/* SPDX-License-Identifier: Apache-2.0 */
/* Ways to remote networks (ASHRAE 135, clauses 6.5 and 6.6): learned from I-Am-Router-To-Network
 * and from the source of frames, looked for with Who-Is-Router-To-Network when somebody behind an
 * unknown one is asked, forgotten when the router rejects.
 *
 * Who waits for a network stands in its line; it is pumped when the way is there, or its asks end.
 * A search has ROUTE_TRIES; the next one waits for longer and longer. A busy router is left alone
 * until it says that it is not, for 30 s at most (clause 6.6.3.6). A network gets
 * BACNET_IN_FLIGHT_NETWORK requests at a time, whose peers take turns: a router to a slow line
 * drops what its memory cannot hold.
 *
 * Who says that it is the router of a network gets all that is asked there, so a router that brought
 * something in the last NODE_ALIVE_US is not given up for another, and what comes from its network
 * by another way is dropped. */
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/hash.h"
#include "drivers/bacnet/node/node_private.h"
#include "drivers/bacnet/wire/errors.h"

enum {
    ROUTE_TRIES = 3,
    ROUTE_TRY_MS = 1000,
    ROUTE_MIN_MS = 2000,
    ROUTE_MAX_MS = 60000,
    ROUTE_BUSY_MS = 30000,
};

static const int64_t in_use_us = 600 * CLOCK_US_PER_S; /* so long after it was used */

struct route {
    struct bacnet_node *node;
    struct bacnet_router known;
    struct list waiting; /* peers, by wait_link */
    struct timer timer;  /* the next try, or the end of being busy */
    unsigned tries;
    bool searching;
    unsigned in_flight;
    int64_t not_before_us;
    int64_t used_us;  /* by us, to ask somebody there; 0: never */
    int64_t heard_us; /* when the router last brought something from there */
    struct backoff backoff;
};

static bool is_known(const struct route *route)
{
    return route->known.router.family != 0;
}

static void route_free(struct route *route)
{
    (void)map64_remove(&route->node->routes, route->known.network);
    timer_stop(&route->timer);
    busbar_free(route);
}

/* Makes room: the way that was not used for the longest time, if that is long. False: all are in
 * use. */
static bool evict(struct bacnet_node *node)
{
    struct route *oldest = NULL;
    size_t at = 0;
    void *value;
    while (map64_next(&node->routes, &at, NULL, &value)) {
        struct route *route = value;
        if (list_empty(&route->waiting) && route->in_flight == 0 &&
            (oldest == NULL || route->used_us < oldest->used_us)) {
            oldest = route;
        }
    }
    if (oldest == NULL || (oldest->used_us != 0 && clock_mono_us() - oldest->used_us < in_use_us)) {
        return false;
    }
    route_free(oldest);
    return true;
}

static void on_timer(struct timer *timer, void *ctx);

/* The entry of a network, made when there is none; NULL: the table is full. */
static struct route *route_get(struct bacnet_node *node, uint16_t network)
{
    struct route *route = map64_get(&node->routes, network);
    if (route != NULL) {
        return route;
    }
    if (node->routes.count >= BACNET_ROUTES_MAX && !evict(node)) {
        return NULL;
    }
    route = busbar_alloc(sizeof(*route));
    route->node = node;
    route->known.network = network;
    list_init(&route->waiting);
    timer_init(&route->timer, node->loop, on_timer, route);
    backoff_init(&route->backoff, ROUTE_MIN_MS, ROUTE_MAX_MS, hash_random(&node->random));
    (void)map64_set(&node->routes, network, route);
    return route;
}

/* Lets go all that wait. Sends, and calls nobody back; who has to wait again comes back into the
 * line, so each is pumped once. */
static void pump_all(struct route *route)
{
    struct list waiting;
    list_init(&waiting);
    list_move_all(&waiting, &route->waiting);
    struct list *at;
    while ((at = list_shift(&waiting)) != NULL) {
        peer_pump(list_entry(at, struct bacnet_peer, wait_link));
    }
}

static void fail_all(struct route *route, uint8_t code)
{
    struct list *at;
    while ((at = list_shift(&route->waiting)) != NULL) {
        peer_end_waiting(list_entry(at, struct bacnet_peer, wait_link), BACNET_NO_ROUTE, code);
    }
}

/* ---- searching ---- */

static void ask_for_router(struct route *route)
{
    route->tries++;
    (void)bacnet_who_is_router(route->node, route->known.network);
    timer_start(&route->timer, ROUTE_TRY_MS, 0);
}

static void give_up(struct route *route)
{
    route->searching = false;
    route->not_before_us = clock_mono_us() + backoff_next_ms(&route->backoff) * CLOCK_US_PER_MS;
    timer_stop(&route->timer);
    fail_all(route, route->known.reject);
}

static void on_timer(struct timer *timer, void *ctx)
{
    (void)timer;
    struct route *route = ctx;
    if (is_known(route)) {
        route->known.busy = false;
        pump_all(route);
    } else if (route->searching && route->tries >= ROUTE_TRIES) {
        give_up(route);
    } else if (route->searching) {
        ask_for_router(route);
    }
}

enum reach route_reach(struct bacnet_peer *peer)
{
    struct bacnet_node *node = peer->node;
    struct bacnet_address *address = &peer->facts.address;
    if (address->network == 0) {
        return REACH_NOW;
    }
    struct route *route = route_get(node, address->network);
    if (route == NULL) {
        return REACH_NEVER;
    }
    route->used_us = clock_mono_us();
    if (is_known(route) && !route->known.busy && route->in_flight < BACNET_IN_FLIGHT_NETWORK) {
        address->ip = route->known.router;
        return REACH_NOW;
    }
    if (!is_known(route) && !route->searching) {
        /* The user said where the router is: no search. */
        if (peer->config.address.ip.family != 0 && route->known.refused == 0) {
            route->known.router = peer->config.address.ip;
            route->known.learned_us = route->heard_us = clock_mono_us();
            address->ip = route->known.router;
            return REACH_NOW;
        }
        if (clock_mono_us() < route->not_before_us) {
            return REACH_NEVER;
        }
        route->searching = true;
        route->tries = 0;
        ask_for_router(route);
    }
    list_remove(&peer->wait_link);
    list_append(&route->waiting, &peer->wait_link);
    return REACH_LATER;
}

void route_in_flight(struct bacnet_node *node, uint16_t network)
{
    struct route *route = network != 0 ? map64_get(&node->routes, network) : NULL;
    if (route != NULL) {
        route->in_flight++;
    }
}

void route_not_in_flight(struct bacnet_node *node, uint16_t network)
{
    struct route *route = network != 0 ? map64_get(&node->routes, network) : NULL;
    if (route != NULL) {
        route->in_flight--;
    }
}

void route_pump(struct bacnet_node *node, uint16_t network)
{
    struct route *route = network != 0 ? map64_get(&node->routes, network) : NULL;
    while (route != NULL && is_known(route) && !route->known.busy && !list_empty(&route->waiting) &&
           route->in_flight < BACNET_IN_FLIGHT_NETWORK) {
        peer_pump(list_entry(list_shift(&route->waiting), struct bacnet_peer, wait_link));
    }
}

const struct endpoint *route_find(const struct bacnet_node *node, uint16_t network)
{
    const struct route *route = map64_get(&node->routes, network);
    return route != NULL && is_known(route) ? &route->known.router : NULL;
}

int bacnet_who_is_router(struct bacnet_node *node, uint16_t network)
{
    struct bacnet_route_message message = { .message = BACNET_WHO_IS_ROUTER,
                                            .has_network = network != 0,
                                            .network = network };
    return node_send_route(node, NULL, &message);
}

/* ---- learning ---- */

static void learn(struct route *route, const struct endpoint *router)
{
    route->known.router = *router;
    route->known.learned_us = route->heard_us = clock_mono_us();
    route->known.busy = false;
    route->known.reject = 0;
    route->searching = false;
    route->not_before_us = 0;
    backoff_reset(&route->backoff);
    timer_stop(&route->timer);
    pump_all(route);
}

static bool is_other(const struct route *route, const struct endpoint *router)
{
    return is_known(route) && !endpoint_equal(&route->known.router, router);
}

static bool is_alive(const struct route *route)
{
    return clock_mono_us() - route->heard_us < NODE_ALIVE_US;
}

bool route_seen(struct bacnet_node *node, uint16_t network, const struct endpoint *router)
{
    struct route *route = route_get(node, network);
    if (route == NULL) {
        return true; /* nobody there is asked, so nothing hangs on the way */
    }
    if (is_other(route, router) && is_alive(route)) {
        return false;
    }
    if (!is_known(route) || is_other(route, router)) {
        learn(route, router);
    }
    route->heard_us = clock_mono_us();
    return true;
}

static void drop_message(struct bacnet_node *node, const struct incoming *in)
{
    node_drop(node, in, BACNET_DROP_NETWORK_MESSAGE);
}

static void i_am_router(struct bacnet_node *node, const struct incoming *in, struct bytes networks)
{
    uint16_t network;
    while (bacnet_get_route_network(&networks, &network)) {
        if (network == 0 || network == BACNET_NETWORK_ALL || network == node->config.serves) {
            continue;
        }
        struct route *route = route_get(node, network);
        if (route == NULL) {
            node_drop(node, in, BACNET_DROP_ROUTES);
            return;
        }
        if (is_other(route, &in->from.ip) && is_alive(route)) {
            node_drop(node, in, BACNET_DROP_ROUTER);
            continue;
        }
        route->known.refused = 0;
        learn(route, &in->from.ip);
    }
}

/* Only the router that we use may say so. */
static struct route *route_of_sender(struct bacnet_node *node, const struct incoming *in,
                                     uint16_t network)
{
    struct route *route = map64_get(&node->routes, network);
    bool its = route != NULL && is_known(route) &&
               endpoint_equal(&route->known.router, &in->from.ip);
    return its ? route : NULL;
}

/* Too long for a line on the way: the peers there get less at a time. */
static void learn_shorter(struct bacnet_node *node, uint16_t network)
{
    static const uint16_t steps[] = { 1024, 480, 206, 128, 50 };
    list_each(at, &node->peers) {
        struct bacnet_peer *peer = list_entry(at, struct bacnet_peer, link);
        if (peer->facts.address.network != network || peer->facts.open == 0) {
            continue;
        }
        size_t i = 0;
        while (i + 1 < sizeof(steps) / sizeof(steps[0]) && steps[i] >= peer->facts.max_apdu) {
            i++;
        }
        bacnet_peer_learn_max_apdu(peer, steps[i]);
    }
}

static void rejected(struct bacnet_node *node, const struct incoming *in,
                     const struct bacnet_route_message *message)
{
    struct route *route = route_of_sender(node, in, message->network);
    if (route == NULL) {
        drop_message(node, in);
        return;
    }
    route->known.refused++;
    route->known.reject = message->reason;
    switch (message->reason) {
    case BACNET_ROUTE_BUSY:
        route->known.busy = true;
        timer_start(&route->timer, ROUTE_BUSY_MS, 0);
        break;
    case BACNET_ROUTE_TOO_LONG:
        learn_shorter(node, message->network);
        asks_end_network(node, message->network, BACNET_ABORTED, BACNET_ABORT_APDU_TOO_LONG);
        break;
    case BACNET_ROUTE_UNKNOWN:
        route->known.router.family = 0;
        route->not_before_us = clock_mono_us() + backoff_next_ms(&route->backoff) * CLOCK_US_PER_MS;
        asks_end_network(node, message->network, BACNET_NO_ROUTE, message->reason);
        break;
    default: asks_end_network(node, message->network, BACNET_NO_ROUTE, message->reason); break;
    }
}

static void set_busy(struct bacnet_node *node, const struct incoming *in, struct bytes networks,
                     bool busy)
{
    uint16_t network;
    while (bacnet_get_route_network(&networks, &network)) {
        struct route *route = route_of_sender(node, in, network);
        if (route == NULL) {
            continue;
        }
        route->known.busy = busy;
        if (busy) {
            timer_start(&route->timer, ROUTE_BUSY_MS, 0);
        } else {
            timer_stop(&route->timer);
            pump_all(route);
        }
    }
}

/* We are the router of the network that we serve. */
static void answer_who_is_router(struct bacnet_node *node,
                                 const struct bacnet_route_message *message)
{
    uint16_t serves = node->config.serves;
    if (serves == 0 || (message->has_network && message->network != serves)) {
        return;
    }
    uint8_t list[2] = { (uint8_t)(serves >> 8), (uint8_t)serves };
    struct bacnet_route_message answer = { .message = BACNET_I_AM_ROUTER,
                                           .data = bytes_of(list, sizeof(list)) };
    (void)node_send_route(node, NULL, &answer);
}

void route_receive(struct bacnet_node *node, const struct incoming *in,
                   const struct bacnet_npdu *npdu)
{
    struct bytes data = npdu->data;
    struct bacnet_route_message message;
    if (bacnet_get_route_message(&data, npdu->message, &message) != 0) {
        drop_message(node, in);
        return;
    }
    switch (message.message) {
    case BACNET_WHO_IS_ROUTER: answer_who_is_router(node, &message); break;
    case BACNET_I_AM_ROUTER: i_am_router(node, in, message.data); break;
    case BACNET_REJECT_MESSAGE: rejected(node, in, &message); break;
    case BACNET_ROUTER_BUSY:
    case BACNET_ROUTER_AVAILABLE:
        set_busy(node, in, message.data, message.message == BACNET_ROUTER_BUSY);
        break;
    default: drop_message(node, in); break;
    }
}

/* ---- for people, and the end ---- */

size_t bacnet_node_routers(const struct bacnet_node *node, struct bacnet_router *routers,
                           size_t max)
{
    size_t count = 0;
    size_t at = 0;
    void *value;
    while (map64_next(&node->routes, &at, NULL, &value)) {
        if (count < max) {
            routers[count] = ((const struct route *)value)->known;
        }
        count++;
    }
    return count;
}

void routes_fini(struct bacnet_node *node)
{
    size_t at = 0;
    void *value;
    while (map64_next(&node->routes, &at, NULL, &value)) {
        struct route *route = value;
        timer_stop(&route->timer);
        busbar_free(route);
    }
    map64_fini(&node->routes);
}
