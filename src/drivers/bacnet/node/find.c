/* SPDX-License-Identifier: Apache-2.0 */
/* Where a device is: Who-Is for those that are asked, I-Am of those that answer or just say it.
 *
 * Peers that look stand in line, the next due first; one Who-Is a tick, for one instance or, when
 * many look, for a range, so that a whole site's start floods no slow line. After LOOK_TRIES
 * without an answer their asks end, and the next search waits for longer and longer.
 *
 * A device at a new address: if the old one was heard in the last NODE_ALIVE_US there are two with
 * the same id, and nothing is changed. Else it has moved, but only after it was asked at the old
 * address and said nothing for NODE_DOUBT_US: one I-Am, which anybody can send, takes no device
 * that is only quiet. */
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "drivers/bacnet/node/node_private.h"
#include "drivers/bacnet/service/who_is.h"

enum {
    LOOK_TICK_MS = 20,
    LOOK_TRIES = 3,
    LOOK_MANY = 16,   /* looking: by ranges from here on */
    LOOK_RANGE = 100, /* instances in one Who-Is then */
    LOOK_TRIES_DOUBT = 2,
};
static const int64_t look_again_us = 1500 * CLOCK_US_PER_MS;

/* A device that was heard, with what it said. */
struct heard {
    struct bacnet_address address;
    int64_t heard_us;
    uint16_t max_apdu, vendor;
    uint8_t segmentation;
};

/* ---- looking ---- */

static void look_failed(struct bacnet_peer *peer)
{
    list_remove(&peer->look_link);
    peer->elsewhere = false;
    peer->look_not_before_us = clock_mono_us() +
                               backoff_next_ms(&peer->look_backoff) * CLOCK_US_PER_MS;
    if (!peer->facts.found) {
        peer_end_waiting(peer, BACNET_NOT_FOUND, 0);
    }
}

/* Marks those in the range as asked for; they go to the end of the line. */
static void look_asked(struct bacnet_node *node, uint32_t low, uint32_t high, int64_t now_us)
{
    struct list asked;
    list_init(&asked);
    list_each_safe(at, &node->looking) {
        struct bacnet_peer *peer = list_entry(at, struct bacnet_peer, look_link);
        if (peer->config.instance >= low && peer->config.instance <= high) {
            peer->look_tries++;
            peer_doubt(peer, now_us);
            peer->look_due_us = now_us + look_again_us;
            list_remove(at);
            list_append(&asked, at);
        }
    }
    list_move_all(&node->looking, &asked);
}

static unsigned tries_of(const struct bacnet_peer *peer)
{
    if (!peer->facts.found) {
        return LOOK_TRIES;
    }
    return peer->elsewhere ? LOOK_TRIES_DOUBT : 1;
}

/* The next tick: when the first in line is due, but a tick after this one at the earliest. */
static void look_next(struct bacnet_node *node)
{
    if (list_empty(&node->looking)) {
        return;
    }
    struct bacnet_peer *first = list_entry(node->looking.next, struct bacnet_peer, look_link);
    int64_t soonest_us = clock_mono_us() + LOOK_TICK_MS * CLOCK_US_PER_MS;
    int64_t due_us = first->look_due_us > soonest_us ? first->look_due_us : soonest_us;
    if (!timer_running(&node->look_timer) || timer_due_us(&node->look_timer) > due_us) {
        timer_start_at_us(&node->look_timer, due_us, 0);
    }
}

static void on_look(struct timer *timer, void *ctx)
{
    (void)timer;
    struct bacnet_node *node = ctx;
    int64_t now_us = clock_mono_us();
    struct bacnet_peer *first = NULL;
    size_t count = 0;
    list_each_safe(at, &node->looking) {
        struct bacnet_peer *peer = list_entry(at, struct bacnet_peer, look_link);
        if (peer->look_due_us <= now_us && peer->look_tries >= tries_of(peer)) {
            look_failed(peer);
            continue;
        }
        if (peer->look_due_us > now_us) {
            break;
        }
        first = first != NULL ? first : peer;
        count++;
    }
    if (first != NULL) {
        uint32_t low = first->config.instance;
        uint32_t high = low;
        if (count >= LOOK_MANY) {
            low -= low % LOOK_RANGE;
            high = low + LOOK_RANGE - 1 < BACNET_INSTANCE_MAX ? low + LOOK_RANGE - 1
                                                              : BACNET_INSTANCE_MAX - 1;
        }
        look_asked(node, low, high, now_us);
        (void)bacnet_who_is(node, NULL, low, high);
    }
    look_next(node);
}

static void look_start(struct bacnet_peer *peer)
{
    struct bacnet_node *node = peer->node;
    if (!list_empty(&peer->look_link) || node->closed) {
        return;
    }
    peer->look_tries = 0;
    peer->look_due_us = clock_mono_us();
    list_prepend(&node->looking, &peer->look_link);
    if (!timer_running(&node->look_timer)) {
        timer_init(&node->look_timer, node->loop, on_look, node);
        timer_start(&node->look_timer, 0, 0);
    } else {
        look_next(node);
    }
}

/* What was heard before it was asked for. */
static bool know_already(struct bacnet_peer *peer)
{
    struct heard *heard = map64_get(&peer->node->heard, (uint64_t)peer->config.instance + 1);
    if (heard == NULL) {
        return false;
    }
    struct bacnet_i_am i_am = { .instance = peer->config.instance,
                                .max_apdu = heard->max_apdu,
                                .segmentation = heard->segmentation,
                                .vendor = heard->vendor };
    peer_place(peer, &heard->address);
    peer_introduce(peer, &i_am);
    return true;
}

enum reach find_reach(struct bacnet_peer *peer)
{
    if (peer->facts.found || know_already(peer)) {
        return REACH_NOW;
    }
    if (list_empty(&peer->look_link) && clock_mono_us() < peer->look_not_before_us) {
        return REACH_NEVER;
    }
    look_start(peer);
    return REACH_LATER;
}

void find_stop(struct bacnet_peer *peer)
{
    list_remove(&peer->look_link);
    if (list_empty(&peer->node->looking) && timer_running(&peer->node->look_timer)) {
        timer_stop(&peer->node->look_timer);
    }
}

void bacnet_peer_look(struct bacnet_peer *peer)
{
    if (peer->config.instance < BACNET_INSTANCE_MAX &&
        clock_mono_us() >= peer->look_not_before_us) {
        look_start(peer);
    }
}

int bacnet_who_is(struct bacnet_node *node, const struct bacnet_address *to, uint32_t low,
                  uint32_t high)
{
    static const struct bacnet_address everywhere = { .network = BACNET_NETWORK_ALL };
    uint8_t data[BACNET_WHO_IS_MAX];
    struct bytes_out out = bytes_out_of(data, sizeof(data));
    bacnet_put_who_is(&out, &(struct bacnet_who_is){ .low = low, .high = high });
    return bacnet_tell(node, NULL, to != NULL ? to : &everywhere, BACNET_WHO_IS, data,
                       bytes_out_size(&out));
}

/* ---- hearing ---- */

/* It was asked after it was heard last, and had the time to answer. */
static bool is_gone(const struct bacnet_peer *peer, int64_t now_us)
{
    return peer->doubted_us > peer->facts.heard_us && now_us - peer->doubted_us >= NODE_DOUBT_US;
}

/* How a peer that is asked for by its instance takes the news. */
static enum bacnet_heard_what take_news(struct bacnet_peer *peer, const struct incoming *in,
                                        int64_t now_us)
{
    bool fixed = !bacnet_address_is_broadcast(&peer->config.address);
    if (!peer->facts.found) {
        peer_place(peer, &in->from);
        peer->facts.heard_us = now_us;
        return BACNET_HEARD_NEW;
    }
    if (bacnet_address_equal(&peer->facts.address, &in->from)) {
        peer->elsewhere = false;
        return BACNET_HEARD_AGAIN;
    }
    if (fixed || (peer->facts.heard_us != 0 && now_us - peer->facts.heard_us < NODE_ALIVE_US)) {
        return BACNET_HEARD_DUPLICATE;
    }
    if (!is_gone(peer, now_us)) {
        peer->elsewhere = true;
        bacnet_peer_look(peer);
        return BACNET_HEARD_ELSEWHERE;
    }
    peer_place(peer, &in->from);
    peer->facts.heard_us = now_us;
    return BACNET_HEARD_MOVED;
}

/* Remembers the device, if the node listens. */
static enum bacnet_heard_what remember(struct bacnet_node *node, const struct incoming *in,
                                       const struct bacnet_i_am *i_am, struct bacnet_address *other)
{
    int64_t now_us = clock_mono_us();
    struct heard *heard = map64_get(&node->heard, (uint64_t)i_am->instance + 1);
    if (heard == NULL) {
        if (!node->config.listens) {
            return BACNET_HEARD_NEW;
        }
        if (node->heard.count >= BACNET_HEARD_MAX) {
            node_drop(node, in, BACNET_DROP_HEARD);
            return BACNET_HEARD_NEW;
        }
        heard = busbar_alloc(sizeof(*heard));
        (void)map64_set(&node->heard, (uint64_t)i_am->instance + 1, heard);
        heard->address = in->from;
    }
    bool first = heard->heard_us == 0;
    bool same = bacnet_address_equal(&heard->address, &in->from);
    *other = heard->address;
    const struct bacnet_peer *peer = same ? NULL : peer_at(node, &heard->address);
    int64_t alive_us = peer != NULL && peer->facts.heard_us > heard->heard_us ? peer->facts.heard_us
                                                                              : heard->heard_us;
    if (!same && now_us - alive_us < NODE_ALIVE_US) {
        return BACNET_HEARD_DUPLICATE;
    }
    bool changed = first || heard->max_apdu != i_am->max_apdu || heard->vendor != i_am->vendor ||
                   heard->segmentation != i_am->segmentation;
    *heard = (struct heard){ .address = in->from,
                             .heard_us = now_us,
                             .max_apdu = i_am->max_apdu,
                             .vendor = i_am->vendor,
                             .segmentation = i_am->segmentation };
    if (!same) {
        return BACNET_HEARD_MOVED;
    }
    return changed ? BACNET_HEARD_NEW : BACNET_HEARD_AGAIN;
}

/* Peers at the address, whatever they are asked for by, hear what they take. Held ones are pumped
 * later, when nothing walks the chains. */
static void introduce_all(struct bacnet_node *node, const struct incoming *in,
                          const struct bacnet_i_am *i_am)
{
    for (struct bacnet_peer *peer = peer_at(node, &in->from); peer != NULL; peer = peer->next_at) {
        bool other = peer->config.instance < BACNET_INSTANCE_MAX &&
                     peer->config.instance != i_am->instance;
        if (bacnet_address_equal(&peer->facts.address, &in->from) && !other) {
            peer_introduce(peer, i_am);
        }
    }
}

/* The peers that are asked for by this instance take it. False: nothing unusual. */
static bool tell_peers(struct bacnet_node *node, const struct incoming *in,
                       struct bacnet_peer *first, enum bacnet_heard_what *what,
                       struct bacnet_address *other)
{
    int64_t now_us = clock_mono_us();
    bool unusual = false;
    for (struct bacnet_peer *peer = first; peer != NULL; peer = peer->next_of) {
        struct bacnet_address before = peer->facts.address;
        enum bacnet_heard_what its = take_news(peer, in, now_us);
        bool there = its != BACNET_HEARD_DUPLICATE && its != BACNET_HEARD_ELSEWHERE;
        if (!there || its == BACNET_HEARD_MOVED) {
            *other = before;
            *what = its;
            unusual = true;
        } else if (its == BACNET_HEARD_AGAIN && !node->config.listens && !unusual) {
            *what = its;
        }
        if (there) {
            backoff_reset(&peer->look_backoff);
            peer->look_not_before_us = 0;
            find_stop(peer);
        }
    }
    return unusual;
}

void find_i_am(struct bacnet_node *node, struct incoming *in, struct bytes data)
{
    struct bacnet_i_am i_am;
    if (bacnet_get_i_am(&data, &i_am) != 0) {
        node_drop(node, in, BACNET_DROP_MALFORMED);
        return;
    }
    struct bacnet_address other = { 0 };
    struct bacnet_heard heard = { .what = BACNET_HEARD_NEW, .i_am = &i_am, .from = &in->from };
    struct bacnet_peer *first = map64_get(&node->peers_of, (uint64_t)i_am.instance + 1);
    bool unusual = tell_peers(node, in, first, &heard.what, &other);
    if (!unusual || heard.what == BACNET_HEARD_MOVED) {
        struct bacnet_address known = { 0 };
        enum bacnet_heard_what what = remember(node, in, &i_am, &known);
        if (!unusual && (node->config.listens || first == NULL)) {
            heard.what = what;
            other = known;
        }
    }
    introduce_all(node, in, &i_am);
    heard.peer = first != NULL ? first : in->peer;
    heard.other = heard.what == BACNET_HEARD_NEW || heard.what == BACNET_HEARD_AGAIN ? NULL
                                                                                     : &other;
    for (struct bacnet_peer *peer = first; peer != NULL; peer = peer->next_of) {
        peer_pump(peer); /* sends; calls nobody back */
    }
    if (node->events.heard != NULL) {
        node->events.heard(node->ctx, &heard);
    }
}

void find_fini(struct bacnet_node *node)
{
    size_t at = 0;
    void *heard;
    while (map64_next(&node->heard, &at, NULL, &heard)) {
        busbar_free(heard);
    }
    map64_fini(&node->heard);
}
