/* SPDX-License-Identifier: Apache-2.0 */
/* Life of the drivers. One is open while it has devices, a section in the configuration, or a
 * discovery; once open it stays so until a setup without a section comes, or the host ends.
 *
 * A new setup waits until nothing uses the old one: the configured devices are gone already, what else
 * the driver is doing is told to stop here. */
#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "driver/host_private.h"

const struct driver_ops *host_protocol(const struct driver_ops *const *catalog, const char *name)
{
    for (; *catalog != NULL; catalog++) {
        if (strcmp((*catalog)->name, name) == 0) {
            return *catalog;
        }
    }
    return NULL;
}

/* ---- open and close ---- */

static int open_now(struct driver *drv, struct err *err)
{
    if (drv->state != NULL) {
        return 0;
    }
    drv->state = busbar_alloc(drv->ops->driver_bytes);
    int error = drv->ops->open != NULL ? drv->ops->open(drv, err) : 0;
    if (error != 0) {
        busbar_free(drv->state);
        drv->state = NULL;
        return error;
    }
    if (drv->ops->setup != NULL) {
        drv->ops->setup(drv, drv->setup);
    }
    return 0;
}

static void close_now(struct driver *drv)
{
    if (drv->state == NULL) {
        return;
    }
    assert(drv->devices == 0 && list_empty(&drv->discoveries));
    if (drv->ops->close != NULL) {
        drv->ops->close(drv);
    }
    busbar_free(drv->state);
    drv->state = NULL;
}

struct driver *driver_find(const struct host *host, const char *protocol)
{
    list_each(at, &host->drivers) {
        struct driver *drv = list_entry(at, struct driver, link);
        if (strcmp(drv->ops->name, protocol) == 0) {
            return drv;
        }
    }
    return NULL;
}

int driver_open(struct host *host, const char *protocol, struct driver **out, struct err *err)
{
    struct driver *drv = driver_find(host, protocol);
    if (drv == NULL) {
        return err_set(err, BUSBAR_ENOENT, "there is no protocol '%s'", protocol);
    }
    if (drv->next != NULL) {
        return err_set(err, BUSBAR_EBUSY, "'%s' is being set up anew; try again in a moment",
                       protocol);
    }
    *out = drv;
    return open_now(drv, err);
}

/* ---- setups ---- */

/* The one that waited comes into force. */
static void take_next(struct driver *drv)
{
    struct setup *old = drv->setup;
    struct err err = { 0 };
    drv->setup = drv->next;
    drv->next = NULL;
    if (drv->state != NULL && !drv->setup->given) {
        close_now(drv);
    } else if (drv->state != NULL && drv->ops->setup != NULL) {
        drv->ops->setup(drv, drv->setup);
    } else if (drv->setup->given && open_now(drv, &err) != 0) {
        busbar_log(LOG_LEVEL_ERROR, "driver", drv->ops->name, "cannot be opened: %s", err.message);
    }
    setup_free(old);
}

static bool is_idle(const struct driver *drv)
{
    return drv->devices == 0 && list_empty(&drv->discoveries);
}

static void apply_now(void *ctx)
{
    struct driver *drv = ctx;
    void (*done)(void *) = drv->next_done;
    if (drv->next == NULL || !is_idle(drv)) {
        return;
    }
    take_next(drv);
    drv->next_done = NULL;
    if (done != NULL) {
        done(drv->next_ctx);
    }
}

void driver_ended(struct driver *drv)
{
    if (drv->next != NULL && is_idle(drv)) {
        loop_defer(drv->host->config.loop, &drv->apply);
    }
}

bool host_setup(struct host *host, const char *protocol, struct setup *setup,
                void (*done)(void *ctx), void *ctx)
{
    struct driver *drv = driver_find(host, protocol);
    assert(drv != NULL && drv->next == NULL);
    drv->next = setup != NULL ? setup : setup_new(drv->ops->setup_options);
    if (is_idle(drv)) {
        take_next(drv);
        return true;
    }
    drv->next_done = done;
    drv->next_ctx = ctx;
    discover_stop_all(drv);
    browse_stop_strangers(drv);
    return false;
}

const struct setup *host_setup_of(const struct host *host, const char *protocol)
{
    const struct driver *drv = driver_find(host, protocol);
    return drv != NULL ? drv->setup : NULL;
}

int host_driver_status(const struct host *host, const char *protocol, driver_status_cb cb,
                       void *ctx)
{
    struct driver *drv = driver_find(host, protocol);
    if (drv == NULL) {
        return BUSBAR_ENOENT;
    }
    if (drv->state != NULL && drv->ops->status != NULL) {
        drv->ops->status(drv, cb, ctx);
    }
    return 0;
}

bool host_driver_messages(const struct host *host, const char *protocol,
                          struct driver_messages *out)
{
    struct driver *drv = driver_find(host, protocol);
    if (drv == NULL || drv->state == NULL || drv->ops->messages == NULL) {
        return false;
    }
    drv->ops->messages(drv, out);
    return true;
}

/* ---- what a driver asks ---- */

void *driver_state(struct driver *drv)
{
    return drv->state;
}

struct loop *driver_loop(struct driver *drv)
{
    return drv->host->config.loop;
}

struct driver *driver_of(const struct device *dev)
{
    return host_of(dev)->driver;
}

void *driver_address(const struct device *dev, uint32_t point_index)
{
    assert(point_index < dev->point_count);
    return (char *)dev->addresses + point_index * host_of(dev)->driver->ops->address_bytes;
}

const char *driver_secret(struct driver *drv, const char *name)
{
    const struct host_config *config = &drv->host->config;
    return config->secret != NULL ? config->secret(config->ctx, name) : NULL;
}

struct trust *driver_trust(struct driver *drv)
{
    assert(drv->host->config.trust != NULL);
    return drv->host->config.trust;
}

struct keyring *driver_keyring(struct driver *drv)
{
    return drv->host->config.keyring;
}

const char *driver_name(const struct driver *drv)
{
    return drv->ops->name;
}

const char *driver_folder(const struct driver *drv)
{
    return drv->host->config.folder;
}

const struct setup *driver_setup(const struct driver *drv)
{
    return drv->setup;
}

struct device *driver_next_device(const struct driver *drv, const struct device *after)
{
    const struct list *head = &drv->host->devices;
    const struct list *at = after != NULL ? host_of(after)->link.next : head->next;
    for (; at != head; at = at->next) {
        struct host_device *hd = list_entry(at, struct host_device, link);
        if (hd->driver == drv) {
            return hd->dev;
        }
    }
    return NULL;
}

/* ---- all of them ---- */

void drivers_make(struct host *host)
{
    list_init(&host->drivers);
    for (const struct driver_ops *const *at = host->config.catalog; *at != NULL; at++) {
        struct driver *drv = busbar_alloc(sizeof(*drv));
        drv->host = host;
        drv->ops = *at;
        drv->setup = setup_new(drv->ops->setup_options);
        list_init(&drv->discoveries);
        loop_deferred_init(&drv->apply, apply_now, drv);
        list_append(&host->drivers, &drv->link);
    }
}

void drivers_free(struct host *host)
{
    list_each_safe(at, &host->drivers) {
        struct driver *drv = list_entry(at, struct driver, link);
        loop_defer_cancel(&drv->apply);
        close_now(drv);
        finds_free(drv->finds);
        setup_free(drv->setup);
        setup_free(drv->next);
        busbar_free(drv);
    }
}
