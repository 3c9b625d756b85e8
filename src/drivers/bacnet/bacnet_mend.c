/* SPDX-License-Identifier: Apache-2.0 */
/* Networks that cannot be opened yet, and those whose card got another address: the cards are looked at every few
 * seconds, and what is configured is opened where it is now. The devices of a network that is gone
 * lose their link and are put on the new one when they are asked next (bacnet_link_wake()).
 *
 * Why a network is not open is said once, when it begins, and that it is open after all. */
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "drivers/bacnet/bacnet_device.h"
#include "net/port_owner.h"

enum { LOOK_MS = 5000, OWNER_S = 10 };

/* ---- words ---- */

static void host_text(const struct endpoint *at, char *to, size_t size)
{
    str_format(to, size, "%u.%u.%u.%u", at->ip[0], at->ip[1], at->ip[2], at->ip[3]);
}

static const char *name_of(const struct bacnet_network *network)
{
    const char *name = network->config.name;
    return name != NULL && name[0] != '\0' ? name : NULL;
}

static void say(const struct bacnet_network *network, const struct err *trouble)
{
    busbar_log(LOG_LEVEL_WARN, "bacnet", name_of(network), "the network is not open: %s%s%s",
               trouble->message, trouble->hint[0] != '\0' ? "; " : "", trouble->hint);
}

/* A port that is taken, with who has it; looked for again only now and then, however many devices want it. */
static void name_owner(const struct bacnet_network *network, struct err *trouble)
{
    struct bacnet_driver_state *state = network->state;
    const struct endpoint *local = &network->place.local;
    int64_t now_us = loop_now_us(state->loop);
    bool known = state->taken.words.code != 0 && endpoint_equal(&state->taken.local, local);
    char host[64];
    if (known && now_us - state->taken.looked_us < OWNER_S * CLOCK_US_PER_S) {
        *trouble = state->taken.words;
        return;
    }
    host_text(local, host, sizeof(host));
    struct port_owner owner = port_owner_udp(host, local->port);
    if (owner.pid != 0) { /* else another user's: what was said before says how to find it */
        err_set(trouble, BUSBAR_EADDRINUSE,
                "UDP port %u of %s is already in use by %s (process %d)", local->port, host,
                owner.name, owner.pid);
        (void)err_hint(trouble, "stop it, or give the network another `port`");
    }
    if (!known || !str_equal(trouble->message, state->taken.words.message)) {
        say(network, trouble);
    }
    state->taken.words = *trouble;
    state->taken.local = *local;
    state->taken.looked_us = now_us;
}

void bacnet_mend_trouble(struct bacnet_network *network, struct err *trouble)
{
    struct err *said = &network->trouble;
    bool same = trouble->code == said->code && str_equal(trouble->message, said->message);
    if (trouble->code == BUSBAR_EADDRINUSE) {
        name_owner(network, trouble);
    } else if (network->kept && trouble->code != 0 && !same) {
        say(network, trouble);
    } else if (network->kept && trouble->code == 0 && said->code != 0) {
        busbar_log(LOG_LEVEL_INFO, "bacnet", name_of(network), "the network is open now");
    }
    *said = *trouble;
}

/* ---- looking ---- */

static bool is_ours(const struct endpoint *local, const struct bacnet_card *cards, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bool same = memcmp(cards[i].ip, local->ip, 4) == 0;
        if (same || (cards[i].loopback && cards[i].ip[0] == local->ip[0])) {
            return true;
        }
    }
    return false;
}

/* Of those that are not configured: on a card that is not there any more. */
static struct bacnet_network *find_lost(const struct bacnet_driver_state *state,
                                        const struct bacnet_card *cards, size_t count)
{
    list_each(at, &state->networks) {
        struct bacnet_network *network = list_entry(at, struct bacnet_network, link);
        if (!network->gone && network->place.part == NULL &&
            !is_ours(&network->place.local, cards, count)) {
            return network;
        }
    }
    return NULL;
}

static void look(struct timer *timer, void *ctx)
{
    struct bacnet_driver_state *state = ctx;
    struct bacnet_card cards[BACNET_CARDS_MAX];
    size_t count = bacnet_cards(cards, BACNET_CARDS_MAX);
    const struct setup *setup = driver_setup(state->drv);
    struct bacnet_network *lost;
    (void)timer;
    if (count == BACNET_CARDS_MAX || setup == NULL) {
        return; /* there may be more of them than we see */
    }
    while ((lost = find_lost(state, cards, count)) != NULL) {
        bacnet_network_abandon(lost);
    }
    bacnet_network_open_parts(state, setup, cards, count);
    if (state->hears) {
        bacnet_network_open_cards(state->drv);
    }
}

void bacnet_mend_init(struct bacnet_driver_state *state)
{
    timer_init(&state->cards_timer, state->loop, look, state);
    timer_start(&state->cards_timer, LOOK_MS, LOOK_MS);
}

void bacnet_mend_stop(struct bacnet_driver_state *state)
{
    timer_stop(&state->cards_timer);
}
