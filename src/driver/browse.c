/* SPDX-License-Identifier: Apache-2.0 */
/* Browsing: a device tells what it has. Nothing of it is kept here, it streams to whoever asked.
 *
 * A device that is not configured (a stranger) is made for one look: without points, in no registry, so
 * nothing is polled and nothing counted; when the look is over it is removed like any other device. */
#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/str.h"
#include "driver/host_private.h"

struct driver_browse {
    struct list link; /* hd->browses */
    struct host_device *hd;
    char *at;
    struct host_browse_events events;
    void *ctx;
    void *state; /* the driver's */
    struct timer deadline;
    uint64_t nodes, dropped;
    bool late, stopping;
    bool cut;     /* the driver's setup changes */
    bool calling; /* inside browse() */
    bool over;    /* told inside it: ends with `end` */
    int error;
    char *message;
    struct loop_deferred end;
};

static void stop(struct driver_browse *browse)
{
    if (!browse->stopping && !browse->over) {
        browse->stopping = true;
        browse->hd->driver->ops->browse_stop(browse->hd->dev, browse);
    }
}

static void deadline_passed(struct timer *timer, void *ctx)
{
    (void)timer;
    struct driver_browse *browse = ctx;
    browse->late = true;
    stop(browse);
}

/* ---- the end ---- */

static void stranger_gone(void *ctx, struct device *dev)
{
    struct host *host = ctx;
    host->strangers--;
    device_free(dev);
}

void browse_remove_stranger(struct host_device *hd)
{
    host_remove(hd->host, hd->dev, stranger_gone, hd->host);
}

static void end(struct driver_browse *browse, int error, const char *message)
{
    struct host_device *hd = browse->hd;
    timer_stop(&browse->deadline);
    list_remove(&browse->link);
    if (browse->late && error == BUSBAR_ECANCELED) {
        error = BUSBAR_ETIMEOUT;
        message = "the time for this look is over; what was told until then is here";
    } else if ((browse->cut || hd->removing) && error == BUSBAR_ECANCELED) {
        message = "the configuration changed meanwhile: look again";
    }
    browse->events.ended(browse->ctx, error, message != NULL ? message : "", browse->dropped);
    busbar_free(browse->at);
    busbar_free(browse->message);
    busbar_free(browse);
    if (hd->stranger && !hd->removing) {
        browse_remove_stranger(hd);
    }
}

static void end_deferred(void *ctx)
{
    struct driver_browse *browse = ctx;
    end(browse, browse->error, browse->message);
}

void driver_browsed(struct driver_browse *browse, int error, const char *message)
{
    if (!browse->calling) {
        loop_defer_cancel(&browse->end);
        end(browse, error, message);
        return;
    }
    browse->over = true;
    browse->error = error;
    browse->message = busbar_strdup(message);
    loop_defer(browse->hd->host->config.loop, &browse->end);
}

void browse_end_all(struct host_device *hd)
{
    list_each_safe(at, &hd->browses) {
        struct driver_browse *browse = list_entry(at, struct driver_browse, link);
        if (browse->over) {
            loop_defer_cancel(&browse->end);
            end(browse, browse->error, browse->message);
        }
    }
}

void host_browse_stop(struct driver_browse *browse)
{
    stop(browse);
}

void browse_stop_strangers(struct driver *drv)
{
    list_each(at, &drv->host->devices) {
        struct host_device *hd = list_entry(at, struct host_device, link);
        if (hd->driver == drv && hd->stranger) {
            list_each_safe(browse_at, &hd->browses) {
                struct driver_browse *browse = list_entry(browse_at, struct driver_browse, link);
                browse->cut = true;
                stop(browse);
            }
        }
    }
}

/* ---- the beginning ---- */

static int check(const struct host_device *hd, const struct device *dev, struct err *err)
{
    if (hd == NULL || hd->removing) {
        return err_set(err, BUSBAR_EBUSY, "device '%s' is being set up or removed", dev->name);
    }
    if (hd->driver->ops->browse == NULL) {
        err_set(err, BUSBAR_EUNSUPPORTED, "devices of '%s' do not tell what they have",
                hd->driver->ops->name);
        return err_hint(err, "take the addresses of its points from its manual");
    }
    if (!host_running(hd)) {
        err_set(err, BUSBAR_EBUSY, "device '%s' is paused", dev->name);
        return err_hint(err, "resume it first: busbar device resume %s", dev->name);
    }
    size_t count = 0;
    list_each(at, &hd->browses) {
        count++;
    }
    return count < HOST_BROWSES_MAX
               ? 0
               : err_set(err, BUSBAR_EBUSY, "%d looks at device '%s' are running already",
                         HOST_BROWSES_MAX, dev->name);
}

int host_browse(struct host *host, struct device *dev, const char *at, int64_t timeout_us,
                const struct host_browse_events *events, void *ctx, struct driver_browse **out,
                struct err *err)
{
    struct host_device *hd = host_of(dev);
    *out = NULL;
    int error = check(hd, dev, err);
    if (error != 0) {
        return error;
    }
    struct driver_browse *browse = busbar_alloc(sizeof(*browse));
    browse->hd = hd;
    browse->at = busbar_strdup(at != NULL ? at : "");
    browse->events = *events;
    browse->ctx = ctx;
    loop_deferred_init(&browse->end, end_deferred, browse);
    timeout_us = timeout_us > 0 ? timeout_us : HOST_BROWSE_US;
    timer_init(&browse->deadline, host->config.loop, deadline_passed, browse);
    timer_start_us(&browse->deadline,
                   timeout_us < HOST_BROWSE_MAX_US ? timeout_us : HOST_BROWSE_MAX_US, 0);
    list_append(&hd->browses, &browse->link);
    *out = browse;
    browse->calling = true;
    hd->driver->ops->browse(dev, browse);
    browse->calling = false;
    return 0;
}

int host_browse_settings(struct host *host, const char *protocol, const char *settings,
                         const char *at, int64_t timeout_us,
                         const struct host_browse_events *events, void *ctx,
                         struct driver_browse **out, struct err *err)
{
    const struct host_config *config = &host->config;
    struct driver *drv = driver_find(host, protocol);
    struct device *dev = NULL;
    *out = NULL;
    if (drv == NULL) {
        return err_set(err, BUSBAR_ENOENT, "there is no protocol '%s'", protocol);
    }
    if (config->make_device == NULL || drv->ops->browse == NULL) {
        return err_set(err, BUSBAR_EUNSUPPORTED, "devices of '%s' do not tell what they have",
                       protocol);
    }
    if (host->strangers >= HOST_STRANGERS_MAX || host->stopping) {
        return err_set(err, BUSBAR_EBUSY, "%d devices are being looked at already",
                       HOST_STRANGERS_MAX);
    }
    int error = config->make_device(config->ctx, protocol, settings, &dev, err);
    if (error != 0) {
        return error;
    }
    assert(dev->point_count == 0);
    error = host_add_stranger(host, dev, err);
    if (error != 0) {
        device_free(dev);
        return error;
    }
    host->strangers++;
    error = host_browse(host, dev, at, timeout_us, events, ctx, out, err);
    if (error != 0) {
        browse_remove_stranger(host_of(dev));
    }
    return error;
}

/* ---- what the driver tells and asks ---- */

void driver_node(struct driver_browse *browse, const struct driver_node *node)
{
    if (browse->stopping) {
        return;
    }
    if (browse->nodes >= DRIVER_NODES_MAX) {
        browse->dropped++;
        return;
    }
    browse->nodes++;
    browse->events.node(browse->ctx, node);
}

void driver_browse_progress(struct driver_browse *browse, uint64_t done, uint64_t total)
{
    if (browse->events.progress != NULL) {
        browse->events.progress(browse->ctx, done, total);
    }
}

const char *driver_browse_at(const struct driver_browse *browse)
{
    return browse->at;
}

void *driver_browse_state(const struct driver_browse *browse)
{
    return browse->state;
}

void driver_browse_set_state(struct driver_browse *browse, void *state)
{
    browse->state = state;
}
