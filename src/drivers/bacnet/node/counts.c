/* SPDX-License-Identifier: Apache-2.0 */
/* What a node counts, and the ring of what it dropped last (made with the first drop). */
#include "base/alloc.h"
#include "base/clock.h"
#include "drivers/bacnet/node/node_private.h"

struct drops {
    struct bacnet_dropped last[BACNET_DROPS_KEPT];
    size_t count, at; /* at: the next to be written */
};

const char *bacnet_drop_word(enum bacnet_drop drop)
{
    static const char *const words[] = {
#define X(name, word, text) word,
        BACNET_DROPS(X)
#undef X
    };
    return words[drop];
}

const char *bacnet_drop_text(enum bacnet_drop drop)
{
    static const char *const texts[] = {
#define X(name, word, text) text,
        BACNET_DROPS(X)
#undef X
    };
    return texts[drop];
}

void counts_drop(struct bacnet_node *node, const struct endpoint *from, size_t size,
                 enum bacnet_drop drop)
{
    node->counts.dropped[drop]++;
    if (node->drops == NULL) {
        node->drops = busbar_alloc(sizeof(*node->drops));
    }
    struct drops *drops = node->drops;
    drops->last[drops->at] = (struct bacnet_dropped){
        .time_us = clock_mono_us(),
        .from = *from,
        .drop = (uint8_t)drop,
        .size = (uint16_t)(size < UINT16_MAX ? size : UINT16_MAX)
    };
    drops->at = (drops->at + 1) % BACNET_DROPS_KEPT;
    drops->count += drops->count < BACNET_DROPS_KEPT ? 1 : 0;
}

void counts_fini(struct bacnet_node *node)
{
    busbar_free(node->drops);
}

size_t bacnet_node_dropped(const struct bacnet_node *node,
                           struct bacnet_dropped dropped[BACNET_DROPS_KEPT])
{
    const struct drops *drops = node->drops;
    size_t count = drops != NULL ? drops->count : 0;
    for (size_t i = 0; i < count; i++) {
        dropped[i] = drops->last[(drops->at + BACNET_DROPS_KEPT - 1 - i) % BACNET_DROPS_KEPT];
    }
    return count;
}

void bacnet_node_counts(const struct bacnet_node *node, struct bacnet_counts *counts)
{
    *counts = node->counts;
    counts->heard = node->heard.count;
    counts->routes = node->routes.count;
    counts->requests = node->request_keys.count;
    list_each(at, &node->peers) {
        const struct bacnet_peer *peer = list_entry(at, struct bacnet_peer, link);
        counts->peers++;
        counts->open += peer->facts.open;
        counts->waiting += peer->facts.waiting;
    }
    counts->kernel_drops = datagram_lost(node->unicast) + datagram_lost(node->broadcast) +
                           datagram_lost(node->limited);
}
