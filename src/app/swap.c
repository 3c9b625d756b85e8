/* SPDX-License-Identifier: Apache-2.0 */
#include "app/swap.h"

#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "model/quality.h"

void swap_init(struct swap *swap, struct gateway *gw, const struct config *config)
{
    memset(swap, 0, sizeof *swap);
    swap->gw = gw;
    swap->config = config;
    swap->fresh = busbar_alloc_array(config->device_count + 1, sizeof *swap->fresh);
    swap->setups = busbar_alloc_array(config->driver_count + 1, sizeof *swap->setups);
    swap->set_up = true;
    for (size_t i = 0; i < config->driver_count && swap->error == 0; i++) {
        const struct config_driver *from = &config->drivers[i];
        const struct setup *old = host_setup_of(gw->host, from->protocol->name);
        if (old != NULL && !setup_equal(old, from->setup)) {
            swap->error = config_make_setup(from->setup, &swap->setups[i]);
            swap->set_up = false;
        }
    }
    if (swap->error != 0) {
        err_set(&swap->err, swap->error, "no memory for the setups of drivers");
    }
}

void swap_fini(struct swap *swap)
{
    for (size_t i = 0; swap->fresh != NULL && i < swap->config->device_count; i++) {
        device_free(swap->fresh[i]);
    }
    for (size_t i = 0; swap->setups != NULL && i < swap->config->driver_count; i++) {
        setup_free(swap->setups[i]);
    }
    busbar_free(swap->setups);
    for (size_t i = 0; i < swap->gone_count; i++) {
        busbar_free(swap->gone[i]);
    }
    busbar_free(swap->gone);
    busbar_free(swap->left);
    busbar_free(swap->fresh);
    memset(swap, 0, sizeof *swap);
}

static bool over_budget(int64_t began_us, int64_t budget_us)
{
    return budget_us > 0 && clock_mono_us() - began_us >= budget_us;
}

bool swap_make(struct swap *swap, int64_t budget_us)
{
    int64_t began_us = clock_mono_us();
    if (swap->error != 0) {
        return true;
    }
    while (swap->at < swap->config->device_count) {
        const struct config_device *from = &swap->config->devices[swap->at];
        const struct device *old = registry_device(swap->gw->registry, from->name);
        if (old == NULL || old->hash != from->hash) {
            swap->error = config_make_device(swap->config, from, swap->gw->registry,
                                             &swap->fresh[swap->at], &swap->err);
            if (swap->error != 0) {
                return true;
            }
        }
        swap->at++;
        if (over_budget(began_us, budget_us)) {
            break;
        }
    }
    return swap->at == swap->config->device_count;
}

int swap_ids(struct swap *swap, struct err *err)
{
    size_t count = 0;
    for (size_t i = 0; i < swap->config->device_count; i++) {
        count += swap->fresh[i] != NULL ? swap->fresh[i]->point_count : 0;
    }
    if (count == 0) {
        return 0;
    }
    struct arena arena;
    arena_init(&arena, 0);
    const char **paths = arena_alloc_array(&arena, count, sizeof *paths);
    uint32_t *ids = arena_alloc_array(&arena, count, sizeof *ids);
    int rc = paths != NULL && ids != NULL ? 0 : BUSBAR_ENOMEM;
    size_t at = 0;
    for (size_t i = 0; rc == 0 && i < swap->config->device_count; i++) {
        const struct device *dev = swap->fresh[i];
        for (size_t p = 0; dev != NULL && rc == 0 && p < dev->point_count; p++) {
            paths[at] = arena_printf(&arena, "%s/%s", dev->name, dev->points[p].name);
            rc = paths[at++] != NULL ? 0 : BUSBAR_ENOMEM;
        }
    }
    rc = rc == 0 ? state_ids(swap->gw->state, paths, count, ids, err)
                 : err_set(err, rc, "no memory for the names of %zu points", count);
    at = 0;
    for (size_t i = 0; rc == 0 && i < swap->config->device_count; i++) {
        struct device *dev = swap->fresh[i];
        for (size_t p = 0; dev != NULL && p < dev->point_count; p++) {
            dev->points[p].last.point = ids[at++];
        }
    }
    arena_fini(&arena);
    return rc;
}

/* The last stored value is shown as the last good one until the first answer. */
static void recall(struct gateway *gw, struct device *dev)
{
    for (size_t i = 0; i < dev->point_count; i++) {
        struct point *pt = &dev->points[i];
        struct sample last;
        struct text *text = NULL;
        uint64_t *received = map64_remove(&gw->received, pt->last.point);
        if (received != NULL) {
            pt->received = *received;
            busbar_free(received);
        }
        if (pt->cls->keep_us != 0 &&
            history_keep(gw->history, pt->last.point, pt->cls->keep_us) != 0) {
            busbar_log(LOG_LEVEL_WARN, "history", dev->name,
                       "too many different retention times, '%s' is kept for the default",
                       pt->name);
        }
        if (pt->last.type == VALUE_NONE &&
            history_last(gw->history, pt->last.point, &last, &text)) {
            last.point = pt->last.point;
            last.quality = QUALITY_NOT_YET;
            last.detail = 0;
            pt->last = last;
            if (last.type == VALUE_TEXT) {
                pt->last.value.text = text;
            }
        }
        pt->since_us = pt->since_us != 0 ? pt->since_us : clock_wall_us();
    }
}

static void add(struct swap *swap, size_t index)
{
    struct gateway *gw = swap->gw;
    struct device *dev = swap->fresh[index];
    const struct config_device *from = &swap->config->devices[index];
    struct host_device_settings settings = { .timeout_us = from->timeout_us,
                                             .retries = from->retries,
                                             .in_flight = from->in_flight };
    struct err err = { 0 };
    swap->fresh[index] = NULL;
    recall(gw, dev);
    dev->paused = !from->enabled;
    int rc = registry_add(gw->registry, dev);
    if (rc != 0) {
        busbar_log(LOG_LEVEL_ERROR, "app", dev->name, "cannot be added: %s", err_text(rc));
        device_free(dev);
        return;
    }
    rc = host_add(gw->host, dev, &settings, &err);
    if (rc != 0) {
        busbar_log(LOG_LEVEL_ERROR, "app", dev->name, "cannot be polled: %s", err.message);
    }
}

/* Removed devices leave their counters, so that a point that comes back still balances. */
static void keep_counters(struct gateway *gw, const struct device *dev)
{
    for (size_t i = 0; i < dev->point_count; i++) {
        if (dev->points[i].received > 0) {
            uint64_t *count = busbar_alloc(sizeof *count);
            *count = dev->points[i].received;
            busbar_free(map64_set(&gw->received, dev->points[i].last.point, count));
        }
    }
}

static void note_left(struct swap *swap, const struct point *pt)
{
    if (swap->left_count == swap->left_capacity) {
        swap->left_capacity = swap->left_capacity == 0 ? 64 : 2 * swap->left_capacity;
        swap->left = busbar_realloc(swap->left, swap->left_capacity * sizeof *swap->left);
    }
    swap->left[swap->left_count++] = pt->last.point;
}

/* Whether the driver of a device is still to get its new setup. */
static bool waits_for_setup(const struct swap *swap, const char *protocol)
{
    const struct config_driver *drivers = swap->config->drivers;
    const struct config_driver *found = config_driver(swap->config, protocol);
    return found != NULL && swap->setups[found - drivers] != NULL;
}

static void removed(void *ctx, struct device *dev)
{
    struct swap *swap = ctx;
    const struct config_device *from = config_device(swap->config, dev->name);
    registry_take(swap->gw->registry, dev->name);
    size_t index = from != NULL ? (size_t)(from - swap->config->devices) : 0;
    struct device *fresh = from != NULL ? swap->fresh[index] : NULL;
    for (size_t i = 0; i < dev->point_count; i++) {
        struct point *to = fresh != NULL ? device_point(fresh, dev->points[i].name) : NULL;
        if (to != NULL) {
            point_take_live(to, &dev->points[i]);
            dev->points[i].received = 0;
        } else {
            note_left(swap, &dev->points[i]);
        }
    }
    keep_counters(swap->gw, dev);
    device_free(dev);
    if (fresh != NULL && !waits_for_setup(swap, fresh->protocol)) {
        add(swap, index);
    }
    swap->going--;
}

void swap_begin(struct swap *swap)
{
    size_t count;
    struct device *const *devices = registry_devices(swap->gw->registry, &count);
    swap->gone = busbar_alloc_array(count + 1, sizeof *swap->gone);
    for (size_t i = 0; i < count; i++) {
        if (config_device(swap->config, devices[i]->name) == NULL ||
            waits_for_setup(swap, devices[i]->protocol)) {
            swap->gone[swap->gone_count++] = busbar_strdup(devices[i]->name);
        }
    }
    swap->at = 0;
}

static void go(struct swap *swap, struct device *dev)
{
    swap->going++;
    host_remove(swap->gw->host, dev, removed, swap);
}

static void one_set_up(void *ctx)
{
    struct swap *swap = ctx;
    swap->setting--;
}

/* The drivers whose setup changed have no devices now. */
static void set_up(struct swap *swap)
{
    for (size_t i = 0; i < swap->config->driver_count; i++) {
        struct setup *setup = swap->setups[i];
        swap->setups[i] = NULL;
        if (setup != NULL && !host_setup(swap->gw->host, swap->config->drivers[i].protocol->name,
                                         setup, one_set_up, swap)) {
            swap->setting++;
        }
    }
    swap->set_up = true;
}

/* A device of the config: it stays, is exchanged, or is new. */
static void step_device(struct swap *swap, size_t index)
{
    const struct config_device *from = &swap->config->devices[index];
    struct device *old = registry_device(swap->gw->registry, from->name);
    if (swap->fresh[index] == NULL) {
        if (old != NULL) {
            config_relocate_device(swap->config, from, old);
        }
    } else if (old != NULL) {
        go(swap, old);
    } else {
        add(swap, index);
    }
}

/* True: devices may be added. */
static bool is_set_up(struct swap *swap)
{
    if (!swap->set_up && swap->going == 0) {
        set_up(swap);
    }
    return swap->set_up && swap->setting == 0;
}

bool swap_step(struct swap *swap, int64_t budget_us)
{
    int64_t began_us = clock_mono_us();
    size_t total = swap->gone_count + swap->config->device_count;
    while (swap->at < swap->gone_count) {
        go(swap, registry_device(swap->gw->registry, swap->gone[swap->at++]));
        if (over_budget(began_us, budget_us)) {
            return false;
        }
    }
    if (!is_set_up(swap)) {
        return false;
    }
    while (swap->at < total) {
        step_device(swap, swap->at++ - swap->gone_count);
        if (over_budget(began_us, budget_us)) {
            break;
        }
    }
    return swap->at == total;
}
