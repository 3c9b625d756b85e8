/* SPDX-License-Identifier: Apache-2.0 */
/* Life of the host and its devices.
 *
 *     host_add -> STOPPED --start()--> STARTED --pause, remove--> STOPPING --driver_stopped()-->
 *     STOPPED
 *
 * stop() and what follows driver_stopped() run as deferred calls of the loop, so that a device may
 * be paused or removed from anywhere, even from a listener of the bus inside a driver's own call. */
#include "driver/host.h"

#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/log.h"
#include "driver/host_private.h"

enum { TIMEOUT_DEFAULT_MS = 10000 };

static void all_stopped(void *ctx)
{
    struct host *host = ctx;
    host->stopped(host->stopped_ctx);
}

struct host *host_new(const struct host_config *config)
{
    struct host *host = busbar_alloc(sizeof(*host));
    host->config = *config;
    list_init(&host->devices);
    drivers_make(host);
    pool_init(&host->pool, HOST_POOL_FREE_BYTES);
    loop_deferred_init(&host->all_stopped, all_stopped, host);
    timer_init(&host->stale, config->loop, publish_stale_sweep, host);
    timer_start(&host->stale, HOST_STALE_SWEEP_MS, HOST_STALE_SWEEP_MS);
    host->holds = holds_new(host);
    return host;
}

void host_free(struct host *host)
{
    if (host == NULL) {
        return;
    }
    assert(list_empty(&host->devices));
    timer_stop(&host->stale);
    loop_defer_cancel(&host->all_stopped);
    holds_free(host->holds);
    drivers_free(host);
    pool_fini(&host->pool);
    busbar_free(host);
}

/* ---- devices ---- */

static void begin(struct host_device *hd)
{
    assert(hd->run == RUN_STOPPED);
    watch_clear(hd);
    hd->run = RUN_STARTED;
    hd->link_told = false;
    hd->link_up = false;
    breaker_reset(hd);
    stats_link(hd, LINK_CONNECTING, 0, "");
    hd->heard = false;
    pushed_begin(hd);
    int error = hd->driver->ops->start(hd->dev);
    if (error != 0) { /* the polls will say it too, and go on trying */
        driver_link(hd->dev, false, error, NULL);
    }
    poll_begin_all(hd);
}

static void stop_now(void *ctx)
{
    struct host_device *hd = ctx;
    assert(hd->run == RUN_STOPPING);
    write_stop_all(hd);
    browse_end_all(hd);
    acknowledge_end_all(hd);
    call_end_all(hd);
    hd->driver->ops->stop(hd->dev);
}

static void end(struct host_device *hd)
{
    if (hd->run == RUN_STARTED) {
        hd->run = RUN_STOPPING;
        poll_halt_all(hd);
        breaker_reset(hd);
        loop_defer(hd->host->config.loop, &hd->stop);
    }
}

static void free_device(struct host_device *hd)
{
    struct device *dev = hd->dev;
    poll_free_all(hd);
    timer_stop(&hd->probe);
    loop_defer_cancel(&hd->stop);
    loop_defer_cancel(&hd->gone);
    loop_defer_cancel(&hd->pump);
    limits_free(hd);
    signatures_free(hd);
    ring_fini(&hd->frames);
    watch_free(hd);
    list_remove(&hd->link);
    busbar_free(dev->driver);
    dev->driver = NULL;
    dev->host = NULL;
    hd->driver->devices--;
    finds_changed(hd->driver);
    driver_ended(hd->driver);
    busbar_free(hd);
}

/* The device stopped: it is removed, goes on (resumed meanwhile) or stays paused. */
static void stopped_now(void *ctx)
{
    struct host_device *hd = ctx;
    struct host *host = hd->host;
    struct device *dev = hd->dev;
    if (hd->run != RUN_STOPPED) {
        return;
    }
    if (!hd->removing) {
        if (!dev->paused) {
            begin(hd);
        }
        return;
    }
    void (*removed)(void *, struct device *) = hd->removed;
    void *removed_ctx = hd->removed_ctx;
    poll_free_all(hd); /* before the driver's state goes: plans are the driver's */
    hd->driver->ops->remove(dev);
    stats_fold(host, hd);
    free_device(hd);
    if (removed != NULL) {
        removed(removed_ctx, dev);
    }
    host_check_stopped(host);
}

void host_check_stopped(struct host *host)
{
    if (host->stopping && list_empty(&host->devices) && !discover_running(host)) {
        loop_defer(host->config.loop, &host->all_stopped);
    }
}

static void probe_timer(struct timer *timer, void *ctx)
{
    (void)timer;
    breaker_probe_now(ctx);
}

static void pump_now(void *ctx)
{
    poll_pump(ctx);
}

static struct host_device *device_state(struct host *host, struct device *dev, struct driver *drv,
                                        const struct host_device_settings *settings)
{
    struct host_device *hd = busbar_alloc(sizeof(*hd));
    hd->host = host;
    hd->dev = dev;
    hd->driver = drv;
    hd->settings = *settings;
    hd->settings.in_flight = settings->in_flight > 0 ? settings->in_flight : 1;
    if (settings->timeout_us <= 0) {
        hd->settings.timeout_us = TIMEOUT_DEFAULT_MS * CLOCK_US_PER_MS;
    }
    hd->count_dirty = true;
    hd->answered_us = INT64_MIN;
    hd->stats.since_us = clock_wall_us();
    list_init(&hd->polls);
    list_init(&hd->ready);
    list_init(&hd->writes);
    list_init(&hd->tests);
    list_init(&hd->browses);
    list_init(&hd->acks);
    list_init(&hd->calls);
    loop_deferred_init(&hd->stop, stop_now, hd);
    loop_deferred_init(&hd->gone, stopped_now, hd);
    loop_deferred_init(&hd->pump, pump_now, hd);
    timer_init(&hd->probe, host->config.loop, probe_timer, hd);
    backoff_init(&hd->backoff, BACKOFF_MIN_MS, BACKOFF_MAX_MS,
                 hash_text(dev->name) ^ hash_u64(host->config.seed));
    list_append(&host->devices, &hd->link);
    drv->devices++;
    finds_changed(drv);
    dev->host = hd;
    dev->driver = busbar_alloc(drv->ops->device_bytes);
    return hd;
}

static int add(struct host *host, struct device *dev, const struct host_device_settings *settings,
               bool stranger, struct err *err)
{
    struct driver *drv = NULL;
    assert(dev->host == NULL && !host->stopping);
    int error = driver_open(host, dev->protocol, &drv, err);
    if (error != 0) {
        return error;
    }
    struct host_device *hd = device_state(host, dev, drv, settings);
    hd->stranger = stranger;
    if (host->config.limits_load != NULL && !stranger) {
        host->config.limits_load(host->config.ctx, dev->name, host);
    }
    error = drv->ops->add(drv, dev, err);
    if (error != 0) {
        free_device(hd);
        return error;
    }
    poll_make_all(hd);
    pushed_make(hd);
    if (dev->paused) {
        stats_link(hd, LINK_PAUSED, 0, "");
        publish_bad_all(hd, QUALITY_PAUSED, 0);
    } else {
        begin(hd);
    }
    return 0;
}

int host_add(struct host *host, struct device *dev, const struct host_device_settings *settings,
             struct err *err)
{
    return add(host, dev, settings, false, err);
}

int host_add_stranger(struct host *host, struct device *dev, struct err *err)
{
    struct host_device_settings settings = { 0 };
    return add(host, dev, &settings, true, err);
}

void host_remove(struct host *host, struct device *dev, void (*removed)(void *ctx, struct device *),
                 void *ctx)
{
    struct host_device *hd = host_of(dev);
    assert(hd != NULL && !hd->removing);
    hd->removing = true;
    hd->removed = removed;
    hd->removed_ctx = ctx;
    if (hd->run == RUN_STOPPED) {
        loop_defer(host->config.loop, &hd->gone);
    } else {
        end(hd);
    }
}

void host_pause(struct host *host, struct device *dev)
{
    struct host_device *hd = host_of(dev);
    (void)host;
    if (dev->paused || hd->removing) {
        return;
    }
    dev->paused = true;
    end(hd);
    stats_link(hd, LINK_PAUSED, 0, "");
    publish_bad_all(hd, QUALITY_PAUSED, 0);
}

void host_resume(struct host *host, struct device *dev)
{
    struct host_device *hd = host_of(dev);
    (void)host;
    if (!dev->paused || hd->removing) {
        return;
    }
    dev->paused = false;
    stats_link(hd, LINK_CONNECTING, 0, "");
    if (hd->run == RUN_STOPPED) {
        begin(hd);
    }
}

void host_stop(struct host *host, void (*stopped)(void *ctx), void *ctx)
{
    assert(!host->stopping);
    host->stopping = true;
    host->stopped = stopped;
    host->stopped_ctx = ctx;
    holds_stop(host->holds);
    list_each(at, &host->drivers) {
        discover_stop_all(list_entry(at, struct driver, link));
    }
    host_check_stopped(host);
    list_each(at, &host->devices) {
        struct host_device *hd = list_entry(at, struct host_device, link);
        if (!hd->removing && hd->stranger) {
            browse_remove_stranger(hd);
        } else if (!hd->removing) {
            host_remove(host, hd->dev, NULL, NULL);
        }
    }
}

/* ---- what drivers tell ---- */

void driver_done(struct device *dev, struct request *req, int error)
{
    (void)dev;
    struct ask *ask = (struct ask *)(void *)req; /* its first member */
    assert(ask->open && "a request is answered exactly once");
    assert(!ask->calling && "never before read() or write() returned");
    ask->open = false;
    if (ask->kind == ASK_POLL) {
        poll_done((struct poll *)(void *)ask, error);
    } else {
        write_done(ask, error);
    }
}

void driver_stopped(struct device *dev)
{
    struct host_device *hd = host_of(dev);
    assert(hd->run == RUN_STOPPING && hd->poll_open == 0 && "stop() answers all requests first");
    assert(list_empty(&hd->writes) && list_empty(&hd->tests) && "stop() ends writes and tests");
    assert(list_empty(&hd->browses) && list_empty(&hd->acks) && list_empty(&hd->calls) &&
           "stop() ends these too");
    hd->run = RUN_STOPPED;
    loop_defer(hd->host->config.loop, &hd->gone);
}
