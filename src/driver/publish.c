/* SPDX-License-Identifier: Apache-2.0 */
/* From a driver's samples to the bus. One pass converts, stamps and finds out whether a quality
 * changed; a sample without value that repeats the bad quality its point already has is not
 * published again: a point that stays bad is said once. */
#include <assert.h>

#include "base/clock.h"
#include "driver/convert.h"
#include "driver/host_private.h"

enum { PREFETCH = 12 /* points ahead */, CACHE_LINE = 64 };

static void give_to_bus(struct host_device *hd, const uint32_t *points, struct sample *samples,
                        size_t count)
{
    if (count == 0) {
        return;
    }
    struct bus_batch batch = {
        .device = hd->dev,
        .points = points,
        .samples = samples,
        .count = count,
    };
    hd->host->samples += count;
    /* A store that refuses (disk full) keeps its own count; polling goes on. */
    (void)bus_publish(hd->host->config.bus, &batch, NULL, NULL);
}

/* Most samples are a good number as it came: nothing to convert, no call. */
static inline bool is_as_is(const struct point_class *cls, const struct sample *sample)
{
    return cls->as_is && sample->quality == QUALITY_GOOD &&
           (sample->type == VALUE_INT || sample->type == VALUE_BOOL);
}

/* Of a point whose type only the device knows. */
static inline void learn_type(struct point *pt, const struct sample *sample)
{
    if (pt->learns && sample->type != VALUE_NONE) {
        pt->value_type = sample->type;
    }
}

static void publish_slice(struct host_device *hd, const uint32_t *points, struct sample *samples,
                          size_t count, int64_t now_us)
{
    struct point *all = hd->dev->points;
    size_t from = 0;
    for (size_t i = 0; i < count; i++) {
        struct sample *sample = &samples[i];
        struct point *pt = &all[points[i]];
        const struct point *ahead = &all[points[i + PREFETCH < count ? i + PREFETCH : i]];
        __builtin_prefetch(ahead, 1);
        __builtin_prefetch((const char *)ahead + CACHE_LINE, 1);
        if (!is_as_is(pt->cls, sample)) {
            convert_in_point(pt, sample);
        }
        learn_type(pt, sample);
        sample->receive_us = now_us;
        sample->time_us = sample->time_us != 0 ? sample->time_us : now_us;
        if (sample->quality != pt->last.quality) {
            hd->count_dirty = true;
        } else if (sample->type == VALUE_NONE && sample->detail == pt->last.detail) {
            give_to_bus(hd, points + from, samples + from, i - from);
            from = i + 1;
        }
    }
    give_to_bus(hd, points + from, samples + from, count - from);
}

/* In slices that stay in the processor's nearest cache through all passes down to the log. */
void publish_answer(struct host_device *hd, const uint32_t *points, struct sample *samples,
                    size_t count)
{
    int64_t now_us = clock_wall_us();
    for (size_t at = 0; at < count; at += HOST_PUBLISH_SLICE) {
        size_t size = count - at < HOST_PUBLISH_SLICE ? count - at : HOST_PUBLISH_SLICE;
        publish_slice(hd, points + at, samples + at, size, now_us);
    }
}

/* A batch of bad samples on its way to the bus. */
struct bad {
    struct host_device *hd;
    int64_t now_us;
    size_t used;
    uint8_t quality;
    uint16_t detail;
    uint32_t points[HOST_BAD_BATCH];
    struct sample samples[HOST_BAD_BATCH];
};

static void bad_flush(struct bad *bad)
{
    if (bad->used > 0) {
        bad->hd->count_dirty = true;
        give_to_bus(bad->hd, bad->points, bad->samples, bad->used);
        bad->used = 0;
    }
}

static void bad_add(struct bad *bad, uint32_t point)
{
    const struct sample *last = &bad->hd->dev->points[point].last;
    if (last->quality == bad->quality && last->detail == bad->detail) {
        return;
    }
    bad->points[bad->used] = point;
    bad->samples[bad->used] = (struct sample){
        .time_us = bad->now_us,
        .receive_us = bad->now_us,
        .type = VALUE_NONE,
        .quality = bad->quality,
        .detail = bad->detail,
    };
    if (++bad->used == HOST_BAD_BATCH) {
        bad_flush(bad);
    }
}

static void bad_begin(struct bad *bad, struct host_device *hd, uint8_t quality, uint16_t detail)
{
    bad->hd = hd;
    bad->now_us = clock_wall_us();
    bad->used = 0;
    bad->quality = quality;
    bad->detail = detail;
}

void publish_bad(struct host_device *hd, const uint32_t *points, size_t count, uint8_t quality,
                 uint16_t detail)
{
    struct bad bad;
    bad_begin(&bad, hd, quality, detail);
    for (size_t i = 0; i < count; i++) {
        bad_add(&bad, points[i]);
    }
    bad_flush(&bad);
}

void publish_bad_all(struct host_device *hd, uint8_t quality, uint16_t detail)
{
    struct bad bad;
    bad_begin(&bad, hd, quality, detail);
    for (size_t i = 0; i < hd->dev->point_count; i++) {
        if (hd->dev->points[i].readable) {
            bad_add(&bad, (uint32_t)i);
        }
    }
    bad_flush(&bad);
}

/* ---- stale values ---- */

static int64_t stale_after(const struct poll *poll, const struct point_class *cls)
{
    return cls->stale_after_us > 0 && !poll->watched ? cls->stale_after_us : poll->stale_default_us;
}

/* A value is as old as the last poll that was answered, or as it came by itself: what is later. */
static void sweep_poll(struct poll *poll, int64_t age_us)
{
    struct host_device *hd = poll->hd;
    int64_t now_us = clock_wall_us();
    for (size_t i = 0; i < poll->ask.req.count; i++) {
        const uint32_t *index = &poll->ask.req.points[i];
        const struct point *pt = &hd->dev->points[*index];
        int64_t after_us = stale_after(poll, pt->cls);
        if (quality_class(pt->last.quality) != QUALITY_CLASS_BAD && age_us > after_us &&
            now_us - pt->last.receive_us > after_us) {
            publish_bad(hd, index, 1, QUALITY_STALE, 0);
        }
    }
}

void publish_stale_sweep(struct timer *timer, void *ctx)
{
    (void)timer;
    struct host *host = ctx;
    list_each(at, &host->devices) {
        struct host_device *hd = list_entry(at, struct host_device, link);
        if (!host_running(hd) || hd->breaker != BREAKER_CLOSED) {
            continue;
        }
        int64_t now_us = host_now(hd);
        pushed_sweep(hd, now_us);
        list_each(poll_at, &hd->polls) {
            struct poll *poll = list_entry(poll_at, struct poll, link);
            int64_t age_us = now_us - poll->fresh_us;
            if (age_us > poll->stale_us) {
                sweep_poll(poll, age_us);
            }
        }
    }
}

int driver_ready(const struct driver *drv)
{
    return bus_ready(drv->host->config.bus);
}

int driver_sync(struct driver *drv, driver_cb on_disk, void *ctx)
{
    return bus_sync(drv->host->config.bus, on_disk, ctx);
}

int driver_publish(struct device *dev, const uint32_t *points, struct sample *samples, size_t count,
                   driver_cb on_disk, void *ctx)
{
    struct host_device *hd = host_of(dev);
    assert(hd != NULL);
    if (hd->run == RUN_STOPPED || dev->paused) {
        return BUSBAR_ECANCELED;
    }
    int64_t now_us = clock_wall_us();
    for (size_t i = 0; i < count; i++) {
        struct point *pt = &dev->points[points[i]];
        struct sample *sample = &samples[i];
        if (!is_as_is(pt->cls, sample)) {
            convert_in_point(pt, sample);
        }
        learn_type(pt, sample);
        sample->receive_us = now_us;
        sample->time_us = sample->time_us != 0 ? sample->time_us : now_us;
        hd->count_dirty |= sample->quality != pt->last.quality;
        if (pt->pushed && !list_empty(&hd->writes)) {
            write_heard(hd, points[i], sample);
        }
    }
    struct bus_batch batch = {
        .device = dev, .points = points, .samples = samples, .count = count
    };
    hd->host->samples += count;
    breaker_answered(hd);
    if (!list_empty(&hd->ready)) {
        loop_defer(hd->host->config.loop, &hd->pump);
    }
    return bus_publish(hd->host->config.bus, &batch, on_disk, ctx);
}
