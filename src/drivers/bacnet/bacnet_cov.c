/* SPDX-License-Identifier: Apache-2.0 */
/* Subscriptions to changes (COV, clauses 13.1, 13.14, 13.15), of one device:
 *
 *   waiting   -> asked -> active    the host polls it only every check_every
 *                      -> refused   polled as ever, tried again after an hour
 *   active    -> asked again at half to three quarters of its lifetime, each at its own time
 *   active    -> waiting when the device went away or was restarted
 *   active    -> asked again when a poll read another value than was notified last, and no notification came
 *                within some seconds: the device forgot it
 *
 * SubscribeCOVProperty where an increment or another property is wanted; else SubscribeCOV. A subscription is known
 * to the device by our address, the process identifier (one for all) and the object, so that one made
 * again takes the place of the one before, also after a restart of ours. */
#include <math.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/hash.h"
#include "drivers/bacnet/bacnet_watch.h"
#include "drivers/bacnet/wire/apdu.h"
#include "drivers/bacnet/wire/numbers.h"

enum {
    TELL_MS = 50,  /* the host is told of many at a time */
    REFUSED_H = 1, /* hours until a refused one is tried again */
    SILENT_S = 30, /* seconds until one that was not answered is */
    AGAIN_PAUSE_S = 10,
    PLACE_COV = 5, /* in Protocol_Services_Supported */
    PLACE_COV_PROPERTY = 38,
};

static void begin(struct bacnet_watch *watch);

static const struct bacnet_target *target_of(const struct bacnet_watch *watch,
                                             const struct bacnet_subscription *subscription)
{
    return &bacnet_targets(watch->device)[subscription->point];
}

static bool due_before(const struct heap_node *a, const struct heap_node *b)
{
    return heap_entry(a, const struct bacnet_subscription, node)->due_us <
           heap_entry(b, const struct bacnet_subscription, node)->due_us;
}

/* ---- telling the host ---- */

static void tell_some(struct bacnet_watch *watch, bool on)
{
    struct bacnet_device *device = watch->device;
    size_t count = 0;
    for (size_t i = 0; i < watch->count; i++) {
        const struct bacnet_subscription *subscription = &watch->subscriptions[i];
        struct bacnet_point *point = &device->points[subscription->point];
        /* asked for is as it was: a renewal does not end the watching */
        bool now = subscription->state == BACNET_COV_ACTIVE && point->seen;
        if (subscription->state != BACNET_COV_ASKED && now == on && point->watched != on) {
            point->watched = on;
            watch->changed[count++] = subscription->point;
        }
    }
    if (count > 0) {
        driver_watched(device->dev, watch->changed, count, on ? device->config.check_every_us : 0);
    }
}

static void on_tell(struct timer *timer, void *ctx)
{
    struct bacnet_watch *watch = ctx;
    (void)timer;
    tell_some(watch, true);
    tell_some(watch, false);
}

void bacnet_watch_tell_soon(struct bacnet_watch *watch)
{
    if (!timer_running(&watch->tell_timer)) {
        timer_start(&watch->tell_timer, TELL_MS, 0);
    }
}

static void set_state(struct bacnet_watch *watch, struct bacnet_subscription *subscription,
                      uint8_t state)
{
    uint8_t before = subscription->state;
    subscription->state = state;
    if (state == BACNET_COV_ACTIVE || state == BACNET_COV_REFUSED || state == BACNET_COV_WAITING) {
        bacnet_watch_tell_soon(watch);
    }
    watch->refused += state == BACNET_COV_REFUSED;
    watch->refused -= before == BACNET_COV_REFUSED;
}

/* ---- asking ---- */

static bool by_property(const struct bacnet_watch *watch,
                        const struct bacnet_subscription *subscription)
{
    const struct bacnet_target *target = target_of(watch, subscription);
    return target->property != BACNET_PROP_PRESENT_VALUE || target->index != BACNET_INDEX_ALL ||
           (!isnan(target->increment) && !subscription->plain);
}

static void on_answered(struct bacnet_ask *asked, const struct bacnet_answer *answer);

void bacnet_watch_ask(struct bacnet_cov_ask *ask, struct bacnet_subscription *subscription,
                      bool cancel)
{
    struct bacnet_watch *watch = ask->watch;
    struct bacnet_device *device = watch->device;
    const struct bacnet_target *target = target_of(watch, subscription);
    bool property = by_property(watch, subscription);
    struct bacnet_subscribe_cov subscribe = {
        .process = BACNET_COV_PROCESS,
        .object = bacnet_object_of(target->object),
        .cancel = cancel,
        .confirmed = device->config.cov_confirmed && !device->learnt.no_confirmed_cov &&
                     !subscription->unconfirmed,
        .lifetime_s = (uint32_t)(device->config.cov_lifetime_us / CLOCK_US_PER_S),
        .property = { .property = target->property, .index = target->index },
        .has_increment = property && !isnan(target->increment),
        .increment = isnan(target->increment) ? 0 : target->increment,
    };
    struct bytes_out out = bytes_out_of(ask->data, sizeof(ask->data));
    if (property) {
        bacnet_put_subscribe_cov_property(&out, &subscribe);
    } else {
        bacnet_put_subscribe_cov(&out, &subscribe);
    }
    ask->subscription = subscription;
    ask->ask.service = property ? BACNET_SUBSCRIBE_COV_PROPERTY : BACNET_SUBSCRIBE_COV;
    ask->ask.data = ask->data;
    ask->ask.size = bytes_out_size(&out);
    ask->ask.retries = cancel ? 0 : device->config.retries;
    ask->ask.timeout_us = device->config.timeout_us;
    ask->ask.answered = on_answered;
    bacnet_ask(device->peer, &ask->ask);
}

static struct bacnet_cov_ask *idle_ask(struct bacnet_watch *watch)
{
    for (size_t i = 0; i < BACNET_COV_ASKS_MAX; i++) {
        if (watch->asks[i].subscription == NULL) {
            return &watch->asks[i];
        }
    }
    return NULL;
}

/* Whether the device does not execute what this one needs. */
static bool unknown(const struct bacnet_watch *watch,
                    const struct bacnet_subscription *subscription)
{
    const struct bacnet_device *device = watch->device;
    bool property = by_property(watch, subscription);
    return property
               ? device->learnt.no_cov_property || !bacnet_device_knows(device, PLACE_COV_PROPERTY)
               : device->learnt.no_cov || !bacnet_device_knows(device, PLACE_COV);
}

static void put_back(struct bacnet_watch *watch, struct bacnet_subscription *subscription,
                     int64_t delay_us)
{
    subscription->due_us = loop_now_us(watch->device->loop) + delay_us;
    subscription->renew_us = subscription->due_us;
    subscription->suspect = false;
    heap_insert(&watch->due, &subscription->node);
}

static void refuse(struct bacnet_watch *watch, struct bacnet_subscription *subscription)
{
    set_state(watch, subscription, BACNET_COV_REFUSED);
    put_back(watch, subscription, REFUSED_H * INT64_C(3600) * CLOCK_US_PER_S);
    driver_limit_set(watch->device->dev, "subscriptions refused", (int64_t)watch->refused);
}

/* It cannot be asked for in any way: refused without asking. */
static bool refuse_unknown(struct bacnet_watch *watch, struct bacnet_subscription *subscription)
{
    if (!unknown(watch, subscription)) {
        return false;
    }
    const struct bacnet_target *target = target_of(watch, subscription);
    bool plain = target->property == BACNET_PROP_PRESENT_VALUE && !subscription->plain &&
                 target->index == BACNET_INDEX_ALL && !isnan(target->increment);
    if (plain) { /* the device's own increment is better than none */
        subscription->plain = true;
        return refuse_unknown(watch, subscription);
    }
    refuse(watch, subscription);
    return true;
}

static bool over_limit(const struct bacnet_watch *watch,
                       const struct bacnet_subscription *subscription)
{
    uint32_t most = watch->device->learnt.cov_most;
    return most != 0 && subscription->state != BACNET_COV_ACTIVE && watch->active >= most;
}

void bacnet_watch_pump(struct bacnet_watch *watch)
{
    int64_t now_us = loop_now_us(watch->device->loop);
    struct bacnet_cov_ask *idle;
    timer_stop(&watch->timer);
    while (watch->running && (idle = idle_ask(watch)) != NULL) {
        struct heap_node *first = heap_first(&watch->due);
        if (first == NULL) {
            return;
        }
        struct bacnet_subscription *subscription = heap_entry(first, struct bacnet_subscription,
                                                              node);
        if (subscription->due_us > now_us) {
            timer_start_at_us(&watch->timer, subscription->due_us, 0);
            return;
        }
        (void)heap_pop(&watch->due);
        if (over_limit(watch, subscription)) {
            refuse(watch, subscription);
        } else if (!refuse_unknown(watch, subscription)) {
            watch->active -= subscription->state == BACNET_COV_ACTIVE;
            set_state(watch, subscription, BACNET_COV_ASKED);
            bacnet_watch_ask(idle, subscription, false);
        }
    }
}

static void on_due(struct timer *timer, void *ctx)
{
    (void)timer;
    bacnet_watch_pump(ctx);
}

/* ---- answers ---- */

static void on_active(struct bacnet_watch *watch, struct bacnet_subscription *subscription)
{
    struct bacnet_device *device = watch->device;
    int64_t lifetime_us = device->config.cov_lifetime_us;
    int64_t spread_us = (int64_t)(hash_random(&watch->random) % (uint64_t)(lifetime_us / 4));
    set_state(watch, subscription, BACNET_COV_ACTIVE);
    watch->active++;
    if (subscription->unconfirmed) {
        bacnet_learn_flag(device, &device->learnt.no_confirmed_cov, "no confirmed COV");
    }
    put_back(watch, subscription, lifetime_us / 2 + spread_us);
}

static void on_refused(struct bacnet_watch *watch, struct bacnet_subscription *subscription,
                       const struct bacnet_answer *answer)
{
    struct bacnet_device *device = watch->device;
    bool property = by_property(watch, subscription);
    bool confirmed = device->config.cov_confirmed && !device->learnt.no_confirmed_cov &&
                     !subscription->unconfirmed;
    if (answer->outcome == BACNET_REJECTED && answer->code == BACNET_REJECT_UNRECOGNIZED_SERVICE) {
        if (property) {
            bacnet_learn_flag(device, &device->learnt.no_cov_property, "no SubscribeCOVProperty");
        } else {
            bacnet_learn_flag(device, &device->learnt.no_cov, "no SubscribeCOV");
        }
        set_state(watch, subscription, BACNET_COV_WAITING);
        put_back(watch, subscription, 0); /* in another way, or refused */
        return;
    }
    bool full = (answer->outcome == BACNET_ERRORED &&
                 answer->error_class == BACNET_CLASS_RESOURCES) ||
                (answer->outcome == BACNET_ABORTED &&
                 answer->code == BACNET_ABORT_OUT_OF_RESOURCES);
    if (full && watch->active > 0) {
        device->learnt.cov_most = (uint32_t)watch->active;
        driver_limit_set(device->dev, "subscriptions", (int64_t)watch->active);
    } else if (confirmed && watch->active == 0) {
        subscription->unconfirmed = true;
        set_state(watch, subscription, BACNET_COV_WAITING);
        put_back(watch, subscription, 0);
        return;
    }
    refuse(watch, subscription);
}

static void on_answered(struct bacnet_ask *asked, const struct bacnet_answer *answer)
{
    struct bacnet_cov_ask *ask = (struct bacnet_cov_ask *)asked;
    struct bacnet_watch *watch = ask->watch;
    struct bacnet_subscription *subscription = ask->subscription;
    ask->subscription = NULL;
    if (watch->stopped != NULL) {
        bacnet_watch_cancel_next(ask);
        return;
    }
    switch (answer->outcome) {
    case BACNET_ACKED: on_active(watch, subscription); break;
    case BACNET_ERRORED:
    case BACNET_REJECTED:
    case BACNET_ABORTED: on_refused(watch, subscription, answer); break;
    default:
        set_state(watch, subscription, BACNET_COV_WAITING);
        put_back(watch, subscription, SILENT_S * CLOCK_US_PER_S);
        break;
    }
    bacnet_watch_pump(watch);
}

/* ---- life ---- */

static void on_again(struct timer *timer, void *ctx)
{
    struct bacnet_watch *watch = ctx;
    (void)timer;
    begin(watch);
}

static bool wanted(const struct bacnet_device *device, const struct bacnet_target *target)
{
    if (!device->config.cov || device->config.force_polling ||
        (target->flags & BACNET_TARGET_COV_OFF) != 0) {
        return false;
    }
    return (target->flags & BACNET_TARGET_COV_ON) != 0 || bacnet_target_has_flags(target);
}

static struct bacnet_watch *new_watch(struct bacnet_device *device)
{
    const struct bacnet_target *targets = bacnet_targets(device);
    size_t count = 0;
    for (size_t i = 0; i < device->dev->point_count; i++) {
        count += wanted(device, &targets[i]);
    }
    if (count == 0) {
        return NULL;
    }
    struct bacnet_watch *watch = busbar_alloc(sizeof(*watch));
    watch->device = device;
    watch->random = hash_text(device->dev->name);
    watch->subscriptions = busbar_alloc_array(count, sizeof(*watch->subscriptions));
    watch->changed = busbar_alloc_array(count, sizeof(*watch->changed));
    for (size_t i = 0; i < device->dev->point_count; i++) {
        if (wanted(device, &targets[i])) {
            watch->subscriptions[watch->count++].point = (uint32_t)i;
        }
    }
    heap_init(&watch->due, due_before);
    timer_init(&watch->timer, device->loop, on_due, watch);
    timer_init(&watch->tell_timer, device->loop, on_tell, watch);
    timer_init(&watch->again_timer, device->loop, on_again, watch);
    for (size_t i = 0; i < BACNET_COV_ASKS_MAX; i++) {
        watch->asks[i].watch = watch;
    }
    return watch;
}

/* All of them are to be asked for, from now on. */
static void begin(struct bacnet_watch *watch)
{
    int64_t now_us = loop_now_us(watch->device->loop);
    while (heap_pop(&watch->due) != NULL) {
    }
    for (size_t i = 0; i < watch->count; i++) {
        struct bacnet_subscription *subscription = &watch->subscriptions[i];
        if (subscription->state == BACNET_COV_ASKED) {
            continue; /* is on its way; its answer puts it back */
        }
        subscription->state = BACNET_COV_WAITING;
        subscription->suspect = false;
        subscription->due_us = now_us;
        heap_insert(&watch->due, &subscription->node);
    }
    watch->active = watch->refused = 0;
    watch->again_us = now_us;
    timer_stop(&watch->again_timer);
    bacnet_watch_tell_soon(watch);
    bacnet_watch_pump(watch);
}

void bacnet_cov_start(struct bacnet_device *device)
{
    if (device->watch == NULL) {
        device->watch = new_watch(device);
    }
    if (device->watch != NULL) {
        device->watch->running = true;
        begin(device->watch);
    }
}

void bacnet_watch_cancel_asks(struct bacnet_watch *watch)
{
    for (size_t i = 0; i < BACNET_COV_ASKS_MAX; i++) {
        struct bacnet_cov_ask *ask = &watch->asks[i];
        if (ask->subscription != NULL) {
            bacnet_ask_cancel(&ask->ask);
            ask->subscription->state = BACNET_COV_WAITING;
            ask->subscription = NULL;
        }
    }
}

void bacnet_cov_down(struct bacnet_device *device)
{
    struct bacnet_watch *watch = device->watch;
    if (watch == NULL || !watch->running) {
        return;
    }
    watch->running = false;
    timer_stop(&watch->timer);
    timer_stop(&watch->again_timer);
    bacnet_watch_cancel_asks(watch);
    for (size_t i = 0; i < watch->count; i++) {
        watch->subscriptions[i].state = BACNET_COV_WAITING;
        device->points[watch->subscriptions[i].point].seen = false;
    }
    watch->active = 0;
    bacnet_watch_tell_soon(watch);
}

void bacnet_cov_again(struct bacnet_device *device, bool sure)
{
    struct bacnet_watch *watch = device->watch;
    if (watch == NULL || !watch->running) {
        return;
    }
    int64_t pause_us = sure ? AGAIN_PAUSE_S * CLOCK_US_PER_S : device->config.check_every_us;
    int64_t due_us = watch->again_us + pause_us;
    if (loop_now_us(device->loop) >= due_us) {
        begin(watch);
    } else if (!timer_running(&watch->again_timer) || timer_due_us(&watch->again_timer) > due_us) {
        timer_start_at_us(&watch->again_timer, due_us, 0);
    }
}
