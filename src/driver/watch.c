/* SPDX-License-Identifier: Apache-2.0 */
/* Watched points: the device sends them by itself, so they are polled only now and then, as a check.
 *
 * A byte a point says how often, taken when the first point of a device is watched; the polls are
 * regrouped once in a turn of the loop, however many points a driver tells one by one. What an open
 * poll asks for stays in it until it is answered. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "driver/host_private.h"

enum { WATCH_PERIODS_MAX = 255 };

struct watch {
    struct host_device *hd;
    struct loop_deferred regroup;
    bool waits; /* for an open poll that has points which go elsewhere */
    size_t period_count;
    int64_t every_us[WATCH_PERIODS_MAX];
    uint8_t of[]; /* a point: 0 = not watched, else place in every_us + 1 */
};

int64_t watch_every(const struct host_device *hd, uint32_t point)
{
    const struct watch *watch = hd->watch;
    return watch != NULL && watch->of[point] != 0 ? watch->every_us[watch->of[point] - 1] : 0;
}

int64_t host_watched(const struct point *pt)
{
    const struct host_device *hd = host_of(pt->device);
    return hd != NULL ? watch_every(hd, (uint32_t)(pt - pt->device->points)) : 0;
}

/* ---- regrouping ---- */

static bool is_elsewhere(const struct poll *poll, uint32_t point)
{
    int64_t every_us = watch_every(poll->hd, point);
    if (every_us == 0) {
        return poll->watched;
    }
    return !poll->watched || poll->period_us != every_us;
}

struct mover {
    int64_t every_us;
    uint32_t point;
    bool watched;
};

static int compare_movers(const void *left, const void *right)
{
    const struct mover *a = left, *b = right;
    if (a->watched != b->watched) {
        return a->watched ? 1 : -1;
    }
    if (a->every_us != b->every_us) {
        return a->every_us < b->every_us ? -1 : 1;
    }
    return a->point < b->point ? -1 : a->point > b->point;
}

/* The points that are in the wrong poll, out of it. */
static size_t take_movers(struct watch *watch, uint32_t *points)
{
    size_t count = 0;
    list_each_safe(at, &watch->hd->polls) {
        struct poll *poll = list_entry(at, struct poll, link);
        if (poll->state != POLL_OPEN) {
            count += poll_take_out(poll, is_elsewhere, points + count);
            continue;
        }
        for (size_t i = 0; i < poll->ask.req.count && !watch->waits; i++) {
            watch->waits = is_elsewhere(poll, poll->points[i]);
        }
    }
    return count;
}

static void put_movers(struct host_device *hd, struct mover *movers, uint32_t *points, size_t count)
{
    size_t from = 0;
    qsort(movers, count, sizeof(*movers), compare_movers);
    for (size_t i = 0; i < count; i++) {
        points[i] = movers[i].point;
    }
    for (size_t i = 1; i <= count; i++) {
        if (i == count || movers[i].every_us != movers[from].every_us ||
            movers[i].watched != movers[from].watched) {
            poll_put_in(hd, points + from, i - from, movers[from].every_us, movers[from].watched);
            from = i;
        }
    }
}

static void regroup(void *ctx)
{
    struct watch *watch = ctx;
    struct host_device *hd = watch->hd;
    uint32_t *points = busbar_alloc_array(hd->dev->point_count + 1, sizeof(*points));
    watch->waits = false;
    size_t count = take_movers(watch, points);
    struct mover *movers = busbar_alloc_array(count + 1, sizeof(*movers));
    for (size_t i = 0; i < count; i++) {
        int64_t every_us = watch_every(hd, points[i]);
        movers[i] = (struct mover){
            .every_us = every_us > 0 ? every_us : poll_own_period(&hd->dev->points[points[i]]),
            .point = points[i],
            .watched = every_us > 0,
        };
    }
    put_movers(hd, movers, points, count);
    busbar_free(movers);
    busbar_free(points);
}

void watch_poll_ended(struct host_device *hd)
{
    if (hd->watch != NULL && hd->watch->waits) {
        loop_defer(hd->host->config.loop, &hd->watch->regroup);
    }
}

/* ---- what is watched ---- */

static struct watch *watch_make(struct host_device *hd)
{
    if (hd->watch == NULL) {
        hd->watch = busbar_alloc(sizeof(*hd->watch) + hd->dev->point_count);
        hd->watch->hd = hd;
        loop_deferred_init(&hd->watch->regroup, regroup, hd->watch);
    }
    return hd->watch;
}

/* The place of a period + 1. When there are too many different ones: of the nearest that is shorter,
 * else of the first. */
static uint8_t period_of(struct watch *watch, int64_t every_us)
{
    size_t best = 0;
    for (size_t i = 0; i < watch->period_count; i++) {
        if (watch->every_us[i] == every_us) {
            return (uint8_t)(i + 1);
        }
        if (watch->every_us[i] < every_us &&
            (watch->every_us[best] > every_us || watch->every_us[i] > watch->every_us[best])) {
            best = i;
        }
    }
    if (watch->period_count < WATCH_PERIODS_MAX) {
        best = watch->period_count++;
        watch->every_us[best] = every_us;
    }
    return (uint8_t)(best + 1);
}

void driver_watched(struct device *dev, const uint32_t *points, size_t count, int64_t every_us)
{
    struct host_device *hd = host_of(dev);
    if (!host_running(hd) || (every_us <= 0 && hd->watch == NULL)) {
        return;
    }
    struct watch *watch = watch_make(hd);
    uint8_t of = every_us > 0 ? period_of(watch, every_us) : 0;
    for (size_t i = 0; i < count; i++) {
        watch->of[points[i]] = of;
    }
    loop_defer(hd->host->config.loop, &watch->regroup);
}

void watch_clear(struct host_device *hd)
{
    if (hd->watch != NULL) {
        loop_defer_cancel(&hd->watch->regroup);
        memset(hd->watch->of, 0, hd->dev->point_count);
        hd->watch->period_count = 0;
        regroup(hd->watch);
    }
}

void watch_free(struct host_device *hd)
{
    if (hd->watch != NULL) {
        loop_defer_cancel(&hd->watch->regroup);
        busbar_free(hd->watch);
        hd->watch = NULL;
    }
}
