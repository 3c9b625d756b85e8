/* SPDX-License-Identifier: Apache-2.0 */
/* See history.h. A hole waits some seconds, until the subscriptions stand again: what changes meanwhile is in the server's
 * history too. Then its points are read group by group, each group until the server has no more of it. */
#include "drivers/opcua/data/history.h"

#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "drivers/opcua/data/history_private.h"
#include "drivers/opcua/text/status.h"

enum {
    SETTLE_MS = 5000,    /* from the hole's end to the first question */
    TYPES_MS = 2000,     /* for a server to tell how its structures are built */
    PAUSE_MS = 20,       /* between two answers, at least */
    VALUES_A_MS = 20,    /* taken: 20,000 a second */
    MARK_MS = 60 * 1000, /* how often it is remembered that nothing is missing */
    MARK_BEHIND_S = 30,  /* what is younger may not be on the disk yet */
    HOLE_EARLIER_S = 10, /* a hole begins this long before the link was seen to be lost */
    DISK_MIN_MS = 5000,  /* from a refusal of the disk to the next question; doubled with each */
    DISK_MAX_MS = 5 * 60 * 1000,
};

static const int64_t second_us = 1000000;

static struct opcua_history *history_of(struct opcua_part *part)
{
    return (struct opcua_history *)((char *)part - offsetof(struct opcua_history, part));
}

/* ---- what is remembered ---- */

static void remember(struct opcua_history *history)
{
    void *ctx;
    const struct opcua_home *home = opcua_peer_home(history->peer, &ctx);
    int64_t until_us = history->hole_count > 0 ? history->holes[0].from_us
                                               : clock_wall_us() - MARK_BEHIND_S * second_us;
    if (history->up) {
        home->learned(ctx, OPCUA_HISTORY_LIMIT, until_us / second_us);
    }
}

static void mark(struct timer *timer, void *ctx)
{
    (void)timer;
    remember(ctx);
}

/* ---- what is said ---- */

static void say_event(struct opcua_history *history, const char *text)
{
    struct opcua_news *news = opcua_news_new(history->peer, NULL);
    int64_t now_us = clock_wall_us();
    news->event = (struct event){ .time_us = now_us,
                                  .receive_us = now_us,
                                  .kind = "history",
                                  .severity = EVENT_LOW,
                                  .text = arena_strdup(&news->texts, text),
                                  .key = "",
                                  .once = "" };
    opcua_news_send(news);
}

static void say_refused(struct opcua_history *history)
{
    const char *name = opcua_status_name(history->refused_why);
    const char *words = opcua_status_words(history->refused_why);
    char text[400];
    if (history->refused_new == 0) {
        return;
    }
    str_format(
        text, sizeof(text), "holes of %zu %s cannot be filled from the server's history: %s: %s",
        history->refused_new, history->refused_new == 1 ? "point" : "points",
        name != NULL ? name : "bad status", words != NULL ? words : "look into the server's log");
    history->refused_new = 0;
    say_event(history, text);
}

void history_refused(struct opcua_history *history, const struct opcua_trouble *why)
{
    char text[OPCUA_DETAIL_MAX + 80];
    str_format(text, sizeof(text), "holes cannot be filled from the server's history: %s",
               why->detail);
    say_event(history, text);
    history_release(history);
    memset(history->refused, true, history->point_count * sizeof(*history->refused));
    history->hole_count = 0;
    remember(history);
}

/* ---- what is asked ---- */

static size_t nodes_at_once(const struct opcua_history *history)
{
    const struct opcua_server_facts *facts = opcua_peer_facts(history->peer);
    size_t limit = facts != NULL ? facts->limits.nodes_per_history_read : 0;
    return limit > 0 && limit < history->most ? limit : history->most;
}

/* The next nodes of the first hole. */
static void collect(struct opcua_history *history)
{
    struct history_hole *hole = &history->holes[0];
    size_t most = nodes_at_once(history);
    history->first = hole->next;
    history->node_count = 0;
    while (history->node_count < most && hole->next < history->point_count) {
        size_t at = hole->next++;
        if (!history->refused[at]) {
            history->nodes[history->node_count++] = (struct history_node){ .at = at };
        }
    }
}

/* True: it is read once more, a little later, for the structures in it are known then. */
static bool read_again(struct opcua_history *history)
{
    bool again = history->untyped && !history->again;
    history->again = again;
    history->untyped = false;
    if (again) {
        history->holes[0].next = 0;
        timer_start(&history->step, TYPES_MS, 0);
    }
    return again;
}

static void finish_hole(struct opcua_history *history)
{
    opcua_peer_say(history->peer, false, "history: the hole is filled, %" PRIu64 " values",
                   history->filled);
    history->hole_count--;
    memmove(&history->holes[0], &history->holes[1],
            history->hole_count * sizeof(history->holes[0]));
    history->filled = 0;
    say_refused(history);
    remember(history);
}

static void step(struct timer *timer, void *ctx)
{
    struct opcua_history *history = ctx;
    (void)timer;
    history->held = false;
    if (!history->up || history->call != NULL) {
        return;
    }
    while (history->hole_count > 0 && history->node_count == 0 && history->clock_known) {
        if (history->holes[0].next == 0) {
            history->holes[0].until_us = clock_wall_us();
        }
        collect(history);
        if (history->node_count == 0 && history->storing > 0) {
            return; /* history_stored() goes on */
        }
        if (history->node_count == 0 && read_again(history)) {
            return;
        }
        if (history->node_count == 0) {
            finish_hole(history);
        }
    }
    if (history->hole_count == 0) {
        return;
    }
    if (!history->clock_known) {
        history_ask_clock(history);
    } else {
        history_ask(history);
    }
}

void history_went_on(struct opcua_history *history, size_t values)
{
    timer_start(&history->step, PAUSE_MS + (int64_t)(values / VALUES_A_MS), 0);
}

/* ---- the disk ---- */

/* The disk takes nothing now: what it refused is read again later, from the group it was of. */
static void refused_by_disk(struct opcua_history *history, size_t place)
{
    struct history_hole *first = &history->holes[0];
    opcua_call_cancel(history->call);
    history->call = NULL;
    history_release(history);
    first->next = place < first->next ? place : first->next;
    history->first = first->next;
    if (history->held) {
        return;
    }
    history->held = true;
    history->disk_ms = history->disk_ms == 0                 ? DISK_MIN_MS
                       : history->disk_ms * 2 <= DISK_MAX_MS ? history->disk_ms * 2
                                                             : DISK_MAX_MS;
    if (history->up) {
        timer_start(&history->step, history->disk_ms, 0);
    }
}

void history_stored(struct opcua_batch *batch)
{
    struct opcua_history *history = batch->owner;
    history->storing--;
    if (batch->error == 0) {
        history->filled += batch->count;
        history->disk_ms = batch->count > 0 ? 0 : history->disk_ms;
    } else if (history->hole_count > 0) {
        refused_by_disk(history, batch->place);
    }
    if (history->up && history->storing == 0 && history->call == NULL &&
        !timer_running(&history->step)) {
        timer_start(&history->step, PAUSE_MS, 0);
    }
}

/* ---- the part ---- */

/* A hole that touches or overlaps the last one, or that there is no room for, becomes part of it. */
static void add_hole(struct opcua_history *history, int64_t from_us, int64_t until_us)
{
    if (history->hole_count > 0) {
        struct history_hole *last = &history->holes[history->hole_count - 1];
        if (from_us <= last->until_us || history->hole_count == OPCUA_HISTORY_HOLES_MAX) {
            last->from_us = from_us < last->from_us ? from_us : last->from_us;
            last->until_us = until_us > last->until_us ? until_us : last->until_us;
            if (last->next > 0) { /* it is being read: from the beginning */
                opcua_call_cancel(history->call);
                history->call = NULL;
                history_release(history);
                last->next = 0;
            }
            return;
        }
    }
    history->holes[history->hole_count++] = (struct history_hole){ .from_us = from_us,
                                                                   .until_us = until_us };
}

static void hole(struct opcua_part *part, int64_t from_us, int64_t until_us)
{
    struct opcua_history *history = history_of(part);
    int64_t oldest_us = clock_wall_us() - OPCUA_HISTORY_DAYS_MAX * 86400 * second_us;
    if (from_us == 0) {
        from_us = opcua_peer_config(history->peer)->filled_until_us;
    }
    if (from_us == 0) { /* a device that is new has no hole */
        remember(history);
        return;
    }
    from_us -= HOLE_EARLIER_S * second_us;
    add_hole(history, from_us > oldest_us ? from_us : oldest_us, until_us);
    if (history->call == NULL && !history->held) {
        timer_start(&history->step, SETTLE_MS, 0);
    }
}

static void up(struct opcua_part *part, const struct opcua_server_facts *facts, bool resumed)
{
    struct opcua_history *history = history_of(part);
    (void)facts;
    history->up = true;
    if (!resumed) {
        memset(history->refused, 0, history->point_count * sizeof(*history->refused));
        history->most = OPCUA_HISTORY_NODES;
        history->each = OPCUA_HISTORY_VALUES;
    }
    timer_start(&history->mark, MARK_MS, MARK_MS);
    if (history->hole_count > 0) {
        timer_start(&history->step, SETTLE_MS, 0);
    }
}

/* The places the server kept went with the session. */
static void down(struct opcua_part *part)
{
    struct opcua_history *history = history_of(part);
    history->up = false;
    history->clock_known = false;
    history->tries = 0;
    opcua_call_cancel(history->call);
    history->call = NULL;
    history_release(history);
    if (history->hole_count > 0 && history->holes[0].next > 0) {
        history->holes[0].next = history->first;
    }
    timer_stop(&history->step);
    timer_stop(&history->mark);
}

static void stop_part(struct opcua_part *part)
{
    struct opcua_history *history = history_of(part);
    remember(history);
    down(part);
    history->hole_count = 0;
}

static void free_part(struct opcua_part *part)
{
    struct opcua_history *history = history_of(part);
    timer_stop(&history->step);
    timer_stop(&history->mark);
    busbar_free(history->points);
    busbar_free(history->refused);
    busbar_free(history);
}

void opcua_history_part(struct opcua_peer *peer)
{
    const struct opcua_peer_config *config = opcua_peer_config(peer);
    size_t count = 0;
    for (size_t i = 0; i < config->point_count; i++) {
        count += config->addresses[i].backfill;
    }
    if (count == 0) {
        return;
    }
    struct opcua_history *history = busbar_alloc(sizeof(*history));
    history->peer = peer;
    history->points = busbar_alloc_array(count, sizeof(*history->points));
    history->refused = busbar_alloc_array(count, sizeof(*history->refused));
    for (size_t i = 0; i < config->point_count; i++) {
        if (config->addresses[i].backfill) {
            history->points[history->point_count++] = (uint32_t)i;
        }
    }
    history->most = OPCUA_HISTORY_NODES;
    history->each = OPCUA_HISTORY_VALUES;
    timer_init(&history->step, opcua_peer_loop(peer), step, history);
    timer_init(&history->mark, opcua_peer_loop(peer), mark, history);
    history->part = (struct opcua_part){ .name = "history",
                                         .up = up,
                                         .down = down,
                                         .hole = hole,
                                         .stop = stop_part,
                                         .free = free_part };
    opcua_peer_add(peer, &history->part);
}
