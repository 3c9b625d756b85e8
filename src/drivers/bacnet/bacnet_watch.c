/* SPDX-License-Identifier: Apache-2.0 */
/* Subscriptions that are there: does the device still tell what it should, and their end when busbar stops. */
#include "drivers/bacnet/bacnet_watch.h"

#include <math.h>

#include "base/alloc.h"
#include "base/clock.h"

enum {
    SUSPECT_S = 5,  /* how long a notification may come after a poll that read its value */
    STOP_MS = 1000, /* how long cancelling may take */
};

/* ---- what comes ---- */

void bacnet_cov_seen(struct bacnet_device *device, uint32_t number)
{
    if (!device->points[number].seen) {
        device->points[number].seen = true;
        if (device->watch != NULL && device->watch->running) {
            bacnet_watch_tell_soon(device->watch);
        }
    }
}

/* They are in the order of their points. */
static struct bacnet_subscription *find_subscription(const struct bacnet_watch *watch,
                                                     uint32_t point)
{
    size_t low = 0;
    size_t high = watch->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (watch->subscriptions[middle].point < point) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < watch->count && watch->subscriptions[low].point == point
               ? &watch->subscriptions[low]
               : NULL;
}

void bacnet_cov_check(struct bacnet_device *device, uint32_t number, const struct sample *sample)
{
    struct bacnet_watch *watch = device->watch;
    struct bacnet_point *point = &device->points[number];
    if (watch == NULL || !point->watched || point->value_type == VALUE_NONE ||
        sample->type != point->value_type || sample->type == VALUE_TEXT) {
        return;
    }
    double before = 0;
    double now = 0;
    union value last = { .bits = point->value };
    float increment = bacnet_targets(device)[number].increment;
    bool same = value_equal(sample->type, sample->value, sample->type, last);
    if (!same && !isnan(increment) && value_number(sample->type, last, &before) &&
        value_number(sample->type, sample->value, &now)) {
        same = fabs(now - before) < (double)increment;
    }
    if (same) {
        return;
    }
    point->value = sample->value.bits;
    struct bacnet_subscription *subscription = find_subscription(watch, number);
    if (subscription != NULL && subscription->state == BACNET_COV_ACTIVE &&
        !subscription->suspect) {
        int64_t due_us = loop_now_us(device->loop) + SUSPECT_S * CLOCK_US_PER_S;
        subscription->suspect = true;
        if (due_us < subscription->due_us) {
            subscription->due_us = due_us;
            heap_update(&watch->due, &subscription->node);
            bacnet_watch_pump(watch);
        }
    }
}

void bacnet_cov_notified(struct bacnet_device *device, uint32_t number)
{
    struct bacnet_watch *watch = device->watch;
    struct bacnet_subscription *subscription = watch != NULL ? find_subscription(watch, number)
                                                             : NULL;
    bacnet_cov_seen(device, number);
    if (subscription != NULL && subscription->state == BACNET_COV_ACTIVE && subscription->suspect) {
        subscription->suspect = false;
        subscription->due_us = subscription->renew_us;
        heap_update(&watch->due, &subscription->node);
    }
}

/* ---- stopping ---- */

static void stop_ended(struct bacnet_watch *watch)
{
    void (*stopped)(struct bacnet_device * device) = watch->stopped;
    watch->stopped = NULL;
    timer_stop(&watch->stop_timer);
    bacnet_watch_cancel_asks(watch);
    stopped(watch->device);
}

static void on_stop_late(struct timer *timer, void *ctx)
{
    (void)timer;
    stop_ended(ctx);
}

void bacnet_watch_cancel_next(struct bacnet_cov_ask *idle)
{
    struct bacnet_watch *watch = idle->watch;
    while (watch->cancelled < watch->count) {
        struct bacnet_subscription *subscription = &watch->subscriptions[watch->cancelled++];
        if (subscription->state == BACNET_COV_ACTIVE || subscription->state == BACNET_COV_ASKED) {
            subscription->state = BACNET_COV_WAITING;
            bacnet_watch_ask(idle, subscription, true);
            return;
        }
    }
    for (size_t i = 0; i < BACNET_COV_ASKS_MAX; i++) {
        if (watch->asks[i].subscription != NULL) {
            return;
        }
    }
    stop_ended(watch);
}

bool bacnet_cov_stop(struct bacnet_device *device, void (*stopped)(struct bacnet_device *device))
{
    struct bacnet_watch *watch = device->watch;
    if (watch == NULL) {
        return false;
    }
    timer_stop(&watch->timer);
    timer_stop(&watch->tell_timer);
    timer_stop(&watch->again_timer);
    bool running = watch->running && watch->active > 0 && device->link == BACNET_LINK_UP;
    watch->running = false;
    for (size_t i = 0; i < watch->count; i++) {
        device->points[watch->subscriptions[i].point].watched = false;
        device->points[watch->subscriptions[i].point].seen = false;
    }
    bacnet_watch_cancel_asks(watch);
    while (heap_pop(&watch->due) != NULL) {
    }
    watch->active = 0;
    if (!running) {
        return false;
    }
    watch->stopped = stopped;
    watch->cancelled = 0;
    timer_init(&watch->stop_timer, device->loop, on_stop_late, watch);
    timer_start(&watch->stop_timer, STOP_MS, 0);
    for (size_t i = 0; i < BACNET_COV_ASKS_MAX && watch->stopped != NULL; i++) {
        bacnet_watch_cancel_next(&watch->asks[i]);
    }
    return true;
}

void bacnet_cov_free(struct bacnet_device *device)
{
    struct bacnet_watch *watch = device->watch;
    if (watch == NULL) {
        return;
    }
    heap_fini(&watch->due);
    busbar_free(watch->changed);
    busbar_free(watch->subscriptions);
    busbar_free(watch);
    device->watch = NULL;
}
