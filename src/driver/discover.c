/* SPDX-License-Identifier: Apache-2.0 */
/* Discoveries: a driver looks for devices on request, its finds are kept (finds.c) and told on. One
 * that takes too long is stopped: what it found until then counts. */
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/str.h"
#include "driver/host_private.h"

struct driver_discovery {
    struct list link; /* driver->discoveries */
    struct driver *drv;
    char **options; /* copies, NULL-terminated */
    struct host_discovery_events events;
    void *ctx;
    void *state; /* the driver's */
    struct timer deadline;
    bool late, stopping;
    bool calling; /* inside discover() */
    bool over;    /* told inside it: ends with `end` */
    int error;
    char *message;
    struct loop_deferred end;
};

static void stop(struct driver_discovery *discovery)
{
    if (!discovery->stopping && !discovery->over) {
        discovery->stopping = true;
        discovery->drv->ops->discover_stop(discovery->drv, discovery);
    }
}

static void end_deferred(void *ctx);

static void deadline_passed(struct timer *timer, void *ctx)
{
    (void)timer;
    struct driver_discovery *discovery = ctx;
    discovery->late = true;
    stop(discovery);
}

int host_discover(struct host *host, const char *protocol, const char *const *options,
                  int64_t timeout_us, const struct host_discovery_events *events, void *ctx,
                  struct driver_discovery **out, struct err *err)
{
    struct driver *drv = driver_find(host, protocol);
    *out = NULL;
    if (drv == NULL) {
        return err_set(err, BUSBAR_ENOENT, "there is no protocol '%s'", protocol);
    }
    if (drv->ops->discover == NULL) {
        err_set(err, BUSBAR_EUNSUPPORTED, "devices of '%s' cannot be looked for", protocol);
        return err_hint(err, "configure them by their address");
    }
    if (drv->discovery_count >= HOST_DISCOVERIES_MAX || host->stopping) {
        return err_set(err, BUSBAR_EBUSY, "%d discoveries of '%s' are running already",
                       HOST_DISCOVERIES_MAX, protocol);
    }
    int error = driver_open(host, protocol, &drv, err);
    if (error != 0) {
        return error;
    }
    struct driver_discovery *discovery = busbar_alloc(sizeof(*discovery));
    discovery->drv = drv;
    discovery->options = options_copy(options);
    discovery->events = *events;
    discovery->ctx = ctx;
    list_append(&drv->discoveries, &discovery->link);
    drv->discovery_count++;
    loop_deferred_init(&discovery->end, end_deferred, discovery);
    timeout_us = timeout_us > 0 ? timeout_us : HOST_DISCOVERY_US;
    timer_init(&discovery->deadline, host->config.loop, deadline_passed, discovery);
    timer_start_us(&discovery->deadline,
                   timeout_us < HOST_DISCOVERY_MAX_US ? timeout_us : HOST_DISCOVERY_MAX_US, 0);
    *out = discovery;
    discovery->calling = true;
    drv->ops->discover(drv, discovery);
    discovery->calling = false;
    return 0;
}

void host_discover_stop(struct driver_discovery *discovery)
{
    stop(discovery);
}

void discover_stop_all(struct driver *drv)
{
    list_each_safe(at, &drv->discoveries) {
        stop(list_entry(at, struct driver_discovery, link));
    }
}

bool discover_running(const struct host *host)
{
    list_each(at, &host->drivers) {
        if (!list_empty(&list_entry(at, struct driver, link)->discoveries)) {
            return true;
        }
    }
    return false;
}

/* ---- what the driver tells ---- */

void driver_found(struct driver *drv, struct driver_discovery *discovery,
                  const struct driver_find *find)
{
    const struct host_find *kept = finds_take(drv, find);
    if (discovery != NULL && kept != NULL && !discovery->stopping) {
        discovery->events.found(discovery->ctx, kept);
    }
}

void driver_discovery_progress(struct driver_discovery *discovery, uint64_t done, uint64_t total)
{
    if (discovery->events.progress != NULL) {
        discovery->events.progress(discovery->ctx, done, total);
    }
}

static void end(struct driver_discovery *discovery, int error, const char *message)
{
    struct driver *drv = discovery->drv;
    struct host *host = drv->host;
    timer_stop(&discovery->deadline);
    list_remove(&discovery->link);
    drv->discovery_count--;
    if (discovery->late && error == BUSBAR_ECANCELED) {
        error = 0; /* its time was over: what answers answers sooner */
    }
    discovery->events.ended(discovery->ctx, error, message != NULL ? message : "");
    options_free(discovery->options);
    busbar_free(discovery->message);
    busbar_free(discovery);
    driver_ended(drv);
    host_check_stopped(host);
}

static void end_deferred(void *ctx)
{
    struct driver_discovery *discovery = ctx;
    end(discovery, discovery->error, discovery->message);
}

void driver_discovered(struct driver_discovery *discovery, int error, const char *message)
{
    if (!discovery->calling) {
        end(discovery, error, message);
        return;
    }
    discovery->over = true;
    discovery->error = error;
    discovery->message = busbar_strdup(message);
    loop_defer(discovery->drv->host->config.loop, &discovery->end);
}

const char *driver_discovery_option(const struct driver_discovery *discovery, const char *name)
{
    return options_get(discovery->options, name);
}

void *driver_discovery_state(const struct driver_discovery *discovery)
{
    return discovery->state;
}

void driver_discovery_set_state(struct driver_discovery *discovery, void *state)
{
    discovery->state = state;
}
