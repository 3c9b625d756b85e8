/* SPDX-License-Identifier: Apache-2.0 */
/* See subscribe.h: subscriptions of a device, what comes of them, and the check that they live. */
#include "drivers/opcua/data/subscribe.h"

#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/hash.h"
#include "drivers/opcua/data/subscribe_private.h"
#include "drivers/opcua/link/notification.h"
#include "drivers/opcua/text/status.h"
#include "model/quality.h"

enum {
    RETRY_MIN_MS = 5000,
    RETRY_MAX_MS = 60000,
    RETRY_SOON_MS = 500,
    DOUBT_EXTRA_MS = 2000,
    DOUBTS_MAX = 100, /* points read again in one check */
    SAY_EVERY_US = 250000,
    OVERFLOW_BITS = 0x480, /* info type "data value", bit overflow (Part 4, 7.39.1) */
};

static struct opcua_values *values_of(struct opcua_part *part)
{
    return list_entry(part, struct opcua_values, part);
}

/* ---- what was notified ---- */

uint32_t opcua_value_mark(const struct sample *sample)
{
    uint64_t bits = sample->value.bits;
    if (sample->type == VALUE_TEXT) {
        bits = hash_bytes(sample->value.text->bytes, sample->value.text->size);
    } else if (sample->type == VALUE_BOOL) {
        bits = sample->value.b;
    }
    bits = hash_u64(bits ^ (uint64_t)sample->type << 56 ^ (uint64_t)sample->quality << 48);
    return (uint32_t)(bits >> 32);
}

/* A notification being taken. */
struct taking {
    struct opcua_values *values;
    const struct values_group *group;
    const struct opcua_peer_config *config;
    struct opcua_types *types;
    struct opcua_batch *batch;
    size_t overflows, strange;
};

static void take(void *ctx, uint32_t point, const UA_DataValue *value)
{
    struct taking *taking = ctx;
    struct opcua_values *values = taking->values;
    if (point >= taking->config->point_count ||
        values->items[point].group != taking->group->number) {
        taking->strange++;
        return;
    }
    struct values_item *item = &values->items[point];
    struct sample *sample = opcua_batch_next(taking->batch, point);
    opcua_sample(value, &taking->config->addresses[point].want, taking->types,
                 &taking->batch->texts, sample);
    if (value->hasStatus && (value->status & OVERFLOW_BITS) == OVERFLOW_BITS) {
        taking->overflows++;
    }
    item->mark = opcua_value_mark(sample);
    item->doubtful = false;
    item->pending = sample->detail == OPCUA_FOUND_LOADING;
}

/* Some of what comes, in words: all of it would cost more than to take it. */
static void say(struct opcua_values *values, const struct opcua_batch *batch)
{
    int64_t now_us = loop_now_us(opcua_peer_loop(values->peer));
    if (now_us - values->said_us >= SAY_EVERY_US) {
        values->said_us = now_us;
        opcua_peer_say_values(values->peer, "Publish", batch->points, batch->samples, batch->count);
    }
}

/* What the server says that it dropped, and what nobody asked for. */
static void say_lost(const struct taking *taking)
{
    if (taking->overflows > 0) {
        opcua_peer_say(
            taking->values->peer, false,
            "Publish: the server's queue was full for %zu points, values are lost: raise "
            "`queue`",
            taking->overflows);
    }
    if (taking->strange > 0) {
        opcua_peer_say(taking->values->peer, false, "Publish: %zu values that nobody asked for",
                       taking->strange);
    }
}

static void notified(void *ctx, const UA_ExtensionObject *data, struct opcua_delivery *delivery)
{
    const struct values_group *group = ctx;
    struct opcua_values *values = group->values;
    if (!opcua_is_change(data)) {
        return;
    }
    const UA_ByteString *body = &data->content.encoded.body;
    struct taking taking = {
        .values = values,
        .group = group,
        .config = opcua_peer_config(values->peer),
        .types = opcua_peer_types(values->peer),
        .batch = opcua_batch_new(values->peer, opcua_change_count(body), delivery),
    };
    if (opcua_changes(body, take, &taking) != 0) {
        opcua_peer_say(values->peer, false, "Publish: a notification cannot be decoded to its end");
    }
    say(values, taking.batch);
    say_lost(&taking);
    opcua_batch_send(taking.batch);
}

/* ---- subscriptions ---- */

static void ready(void *ctx)
{
    struct values_group *group = ctx;
    opcua_items_pump(group->values);
}

static void lost(void *ctx, const char *why)
{
    struct values_group *group = ctx;
    struct opcua_values *values = group->values;
    size_t count = opcua_peer_config(values->peer)->point_count;
    (void)why;
    group->calls_of++; /* answers to what was asked of the old one do not count */
    group->used = 0;
    group->full = false;
    for (size_t i = 0; i < count; i++) {
        struct values_item *item = &values->items[i];
        if (item->group == group->number &&
            (item->state == ITEM_ASKED || item->state == ITEM_MONITORED)) {
            item->state = ITEM_WANTED;
            item->id = 0;
        }
    }
    values->scan = 0;
}

static void refused(void *ctx, const struct opcua_trouble *why)
{
    struct values_group *group = ctx;
    struct opcua_values *values = group->values;
    size_t count = opcua_peer_config(values->peer)->point_count;
    uint32_t *points = busbar_alloc_array(count, sizeof(*points));
    size_t used = 0;
    (void)why;
    for (size_t i = 0; i < count; i++) {
        struct values_item *item = &values->items[i];
        if (item->group == group->number && item->state != ITEM_NONE) {
            item->state = ITEM_POLLED;
            points[used++] = (uint32_t)i;
        }
    }
    opcua_values_watched(values, points, used, 0);
    if (group->number > 0) { /* those that had no place yet are polled, too */
        group->full = true;
        values->no_more_groups = true;
        opcua_items_pump(values);
    }
}

static void gap(void *ctx, int64_t from_us, int64_t until_us)
{
    struct values_group *group = ctx;
    opcua_peer_hole(group->values->peer, from_us, until_us);
}

static const struct opcua_subscription_events group_events = {
    .ready = ready, .notified = notified, .lost = lost, .refused = refused, .gap = gap
};

struct values_group *opcua_values_group(struct opcua_values *values)
{
    if (values->group_count == OPCUA_SUBSCRIPTIONS_MAX) {
        return NULL;
    }
    struct values_group *group = busbar_alloc(sizeof(*group));
    group->values = values;
    group->number = (uint8_t)values->group_count;
    values->groups[values->group_count++] = group;
    opcua_subscription_open(values->peer, &group->subscription,
                            opcua_peer_config(values->peer)->publishing_us, 0, &group_events,
                            group);
    return group;
}

void opcua_values_watched(struct opcua_values *values, uint32_t *points, size_t count,
                          int64_t every_us)
{
    void *ctx;
    const struct opcua_home *home = opcua_peer_home(values->peer, &ctx);
    if (count == 0) {
        busbar_free(points);
        return;
    }
    home->watched(ctx, points, count, every_us);
}

/* ---- trying again ---- */

static void retry(struct timer *timer, void *ctx)
{
    struct opcua_values *values = ctx;
    size_t count = opcua_peer_config(values->peer)->point_count;
    bool any = false;
    (void)timer;
    if (opcua_peer_facts(values->peer) == NULL) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        struct values_item *item = &values->items[i];
        if (item->state == ITEM_WAITING) {
            item->state = ITEM_WANTED;
            any = true;
        }
    }
    values->scan = 0;
    values->retry_ms = values->retry_ms * 2 < RETRY_MAX_MS ? values->retry_ms * 2 : RETRY_MAX_MS;
    if (any) {
        opcua_seat_look(opcua_peer_seat(values->peer)); /* namespaces may have come, too */
        opcua_items_pump(values);
    }
}

void opcua_values_retry(struct opcua_values *values)
{
    if (!timer_running(&values->retry)) {
        timer_start(&values->retry, values->retry_ms, 0);
    }
}

/* ---- the check ---- */

/* Read again: what still reads different and was not notified is not monitored, whatever the server says. */
static void doubts_read(struct opcua_access *access)
{
    struct opcua_values *values = access->home;
    const char *why = "values changed and were not told: the server has dropped what we "
                      "subscribed to";
    for (size_t i = 0; i < access->count && access->error == 0; i++) {
        struct values_item *item = &values->items[access->points[i]];
        if (item->state == ITEM_MONITORED && item->doubtful &&
            access->samples[i].quality == QUALITY_GOOD &&
            opcua_value_mark(&access->samples[i]) != item->mark) {
            item->doubtful = false;
            opcua_subscription_renew(&values->groups[item->group]->subscription, why);
        }
    }
    arena_fini(&access->texts);
    values->doubting = false;
}

static void doubt(struct timer *timer, void *ctx)
{
    struct opcua_values *values = ctx;
    size_t count = opcua_peer_config(values->peer)->point_count;
    struct opcua_access *access = &values->doubts;
    size_t used = 0;
    (void)timer;
    for (size_t i = 0; i < count && used < DOUBTS_MAX; i++) {
        if (values->items[i].doubtful && values->items[i].state == ITEM_MONITORED) {
            values->doubt_points[used++] = (uint32_t)i;
        }
    }
    if (used == 0 || values->doubting || opcua_peer_facts(values->peer) == NULL) {
        return;
    }
    *access = (struct opcua_access){ .peer = values->peer,
                                     .points = values->doubt_points,
                                     .samples = values->doubt_samples,
                                     .count = used,
                                     .inside = true,
                                     .answered = doubts_read,
                                     .home = values };
    values->doubting = true;
    opcua_access_begin(access);
}

void opcua_subscribe_seen(struct opcua_peer *peer, uint32_t point, const struct sample *sample)
{
    struct opcua_part *part = opcua_peer_part(peer, "values");
    if (part == NULL) {
        return;
    }
    struct opcua_values *values = values_of(part);
    struct values_item *item = &values->items[point];
    if (item->state == ITEM_WAITING && sample->quality == QUALITY_GOOD) {
        timer_start(&values->retry, RETRY_SOON_MS, 0); /* the node is there now */
    } else if (item->state == ITEM_MONITORED && !item->doubtful && item->mark != 0 &&
               sample->quality == QUALITY_GOOD &&
               !(opcua_peer_config(peer)->addresses[point].deadband > 0) &&
               opcua_value_mark(sample) != item->mark) {
        item->doubtful = true;
        if (!timer_running(&values->doubt)) {
            int64_t wait_ms = 2 * opcua_peer_config(peer)->publishing_us / CLOCK_US_PER_MS;
            timer_start(&values->doubt, wait_ms + values->sampling_ms + DOUBT_EXTRA_MS, 0);
        }
    }
}

/* ---- structures known now ---- */

static void pending_read(struct opcua_access *access)
{
    struct opcua_values *values = access->home;
    struct opcua_batch *batch = opcua_batch_new(values->peer, access->count, NULL);
    for (size_t i = 0; i < access->count && access->error == 0; i++) {
        struct sample *sample = opcua_batch_next(batch, access->points[i]);
        *sample = access->samples[i];
    }
    arena_fini(&batch->texts); /* never used: the batch takes over those of the read */
    batch->texts = access->texts;
    opcua_batch_send(batch);
    busbar_free(values->pending_points);
    busbar_free(values->pending_samples);
    values->pending_points = NULL;
    values->pending_samples = NULL;
}

static void typed(struct opcua_part *part)
{
    struct opcua_values *values = values_of(part);
    size_t count = opcua_peer_config(values->peer)->point_count;
    size_t used = 0;
    if (values->pending_points != NULL || opcua_peer_facts(values->peer) == NULL) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        used += values->items[i].state == ITEM_MONITORED && values->items[i].pending;
    }
    if (used == 0) {
        return;
    }
    values->pending_points = busbar_alloc_array(used, sizeof(*values->pending_points));
    values->pending_samples = busbar_alloc_array(used, sizeof(*values->pending_samples));
    used = 0;
    for (size_t i = 0; i < count; i++) {
        if (values->items[i].state == ITEM_MONITORED && values->items[i].pending) {
            values->items[i].pending = false;
            values->pending_points[used++] = (uint32_t)i;
        }
    }
    values->pendings = (struct opcua_access){ .peer = values->peer,
                                              .points = values->pending_points,
                                              .samples = values->pending_samples,
                                              .count = used,
                                              .inside = true,
                                              .answered = pending_read,
                                              .home = values };
    opcua_access_begin(&values->pendings);
}

/* ---- the part ---- */

static void up(struct opcua_part *part, const struct opcua_server_facts *facts, bool resumed)
{
    struct opcua_values *values = values_of(part);
    size_t count = opcua_peer_config(values->peer)->point_count;
    uint32_t *points = busbar_alloc_array(count, sizeof(*points));
    size_t used = 0;
    (void)facts;
    values->retry_ms = RETRY_MIN_MS;
    if (!resumed) {
        values->no_more_groups = false;
        for (size_t i = 0; i < values->group_count; i++) {
            values->groups[i]->full = false;
        }
    }
    for (size_t i = 0; i < count; i++) {
        struct values_item *item = &values->items[i];
        if (item->state == ITEM_POLLED || item->state == ITEM_WAITING) {
            item->state = ITEM_WANTED;
        }
        if (item->state != ITEM_NONE) {
            points[used++] = (uint32_t)i;
        }
    }
    values->scan = 0;
    opcua_values_watched(values, points, used, opcua_peer_config(values->peer)->check_us);
    opcua_items_pump(values);
}

static void down(struct opcua_part *part)
{
    struct opcua_values *values = values_of(part);
    size_t count = opcua_peer_config(values->peer)->point_count;
    uint32_t *points = busbar_alloc_array(count, sizeof(*points));
    size_t used = 0;
    timer_stop(&values->retry);
    timer_stop(&values->doubt);
    for (size_t i = 0; i < count; i++) {
        struct values_item *item = &values->items[i];
        item->doubtful = false;
        item->state = item->state == ITEM_ASKED ? ITEM_WANTED : item->state;
        if (item->state != ITEM_NONE) {
            points[used++] = (uint32_t)i;
        }
    }
    opcua_values_watched(values, points, used, 0);
}

static void changed(struct opcua_part *part, const struct opcua_server_facts *facts)
{
    struct opcua_values *values = values_of(part);
    (void)facts;
    values->retry_ms = RETRY_MIN_MS;
    timer_start(&values->retry, RETRY_SOON_MS, 0);
}

static void stop(struct opcua_part *part)
{
    struct opcua_values *values = values_of(part);
    timer_stop(&values->retry);
    timer_stop(&values->doubt);
    opcua_items_stop(values);
    for (size_t i = 0; i < values->group_count; i++) {
        opcua_subscription_close(&values->groups[i]->subscription);
    }
}

static void free_part(struct opcua_part *part)
{
    struct opcua_values *values = values_of(part);
    for (size_t i = 0; i < values->group_count; i++) {
        busbar_free(values->groups[i]);
    }
    busbar_free(values->items);
    busbar_free(values);
}

void opcua_subscribe_part(struct opcua_peer *peer)
{
    const struct opcua_peer_config *config = opcua_peer_config(peer);
    struct opcua_values *values = busbar_alloc(sizeof(*values));
    bool any = false;
    values->part = (struct opcua_part){ .name = "values",
                                        .up = up,
                                        .down = down,
                                        .changed = changed,
                                        .typed = typed,
                                        .stop = stop,
                                        .free = free_part };
    list_init(&values->part.link);
    values->peer = peer;
    values->most = config->items_max > 0 && config->items_max < OPCUA_ITEMS_MOST ? config->items_max
                                                                                 : OPCUA_ITEMS_MOST;
    values->items = busbar_alloc_array(config->point_count, sizeof(*values->items));
    values->retry_ms = RETRY_MIN_MS;
    list_init(&values->calls);
    timer_init(&values->retry, opcua_peer_loop(peer), retry, values);
    timer_init(&values->doubt, opcua_peer_loop(peer), doubt, values);
    for (size_t i = 0; i < config->point_count; i++) {
        const struct opcua_address *address = &config->addresses[i];
        bool polled = config->force_polling || address->poll;
        values->items[i].state = polled ? ITEM_NONE : ITEM_WANTED;
        any = any || !polled;
        int64_t sampling_ms = address->sampling_us / CLOCK_US_PER_MS;
        values->sampling_ms = sampling_ms > values->sampling_ms ? sampling_ms : values->sampling_ms;
    }
    opcua_peer_add(peer, &values->part);
    if (any) {
        (void)opcua_values_group(values);
    }
}
