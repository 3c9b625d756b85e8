/* SPDX-License-Identifier: Apache-2.0 */
/* Events: from drivers to the bus, and their acknowledgement by a person back to the device. */
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "driver/host_private.h"

int driver_event(struct driver *drv, struct device *dev, const struct event *event,
                 driver_cb on_disk, void *ctx)
{
    struct event own = *event;
    if (dev != NULL && (host_of(dev)->run == RUN_STOPPED || dev->paused)) {
        return BUSBAR_ECANCELED;
    }
    if (own.source == NULL || own.source[0] == '\0') {
        own.source = dev != NULL ? dev->name : drv->ops->name;
    }
    own.receive_us = own.receive_us != 0 ? own.receive_us : clock_wall_us();
    own.time_us = own.time_us != 0 ? own.time_us : own.receive_us;
    own.text = own.text != NULL ? own.text : "";
    own.key = own.key != NULL ? own.key : "";
    return bus_publish_event(drv->host->config.bus, &own, on_disk, ctx);
}

/* ---- acknowledging ---- */

struct acknowledge {
    struct driver_acknowledge ack; /* first: what the driver has */
    struct list link;              /* hd->acks */
    struct host_device *hd;
    struct event_decoded event;
    char *who, *note;
    struct timer deadline;
    host_acknowledged_cb acknowledged;
    void *ctx;
    bool calling; /* inside the driver's acknowledge() */
    bool over;    /* answered inside it: ends with `end` */
    bool told;    /* nobody waits for it any more: the driver was late */
    int error;
    uint16_t detail;
    struct loop_deferred end;
};

static void free_acknowledge(struct acknowledge *self)
{
    event_decoded_fini(&self->event);
    busbar_free(self->who);
    busbar_free(self->note);
    busbar_free(self);
}

static void say(const struct acknowledge *self, int error, char *to, size_t size)
{
    const struct driver_ops *ops = self->hd->driver->ops;
    const char *words = NULL;
    switch (error) {
    case 0: str_copy(to, size, "acknowledged"); break;
    case BUSBAR_EREFUSED:
        words = self->detail != 0 && ops->explain != NULL ? ops->explain(self->detail) : NULL;
        str_format(to, size, "refused: %s",
                   words != NULL ? words : "the device answered that it will not");
        break;
    case BUSBAR_ETIMEOUT:
        str_copy(to, size,
                 "no answer in time; whether the device took it is not known: it can be "
                 "acknowledged again");
        break;
    default: str_format(to, size, "failed: %s; try again", err_text(error));
    }
}

static void tell(struct acknowledge *self)
{
    struct host_acknowledge_result result = { .error = self->error, .detail = self->detail };
    if (self->told) {
        return;
    }
    self->told = true;
    say(self, self->error, result.message, sizeof(result.message));
    busbar_log(LOG_LEVEL_INFO, "driver", self->hd->dev->name, "acknowledgement by %s: %s",
               self->who, result.message);
    self->acknowledged(self->ctx, &result);
}

static void end(void *ctx)
{
    struct acknowledge *self = ctx;
    timer_stop(&self->deadline);
    loop_defer_cancel(&self->end);
    list_remove(&self->link);
    tell(self);
    free_acknowledge(self);
}

/* The driver still has it; the person need not wait. */
static void deadline_passed(struct timer *timer, void *ctx)
{
    (void)timer;
    struct acknowledge *self = ctx;
    self->error = BUSBAR_ETIMEOUT;
    tell(self);
}

void driver_acknowledged(struct device *dev, struct driver_acknowledge *ack, int error,
                         uint16_t detail)
{
    struct acknowledge *self = (struct acknowledge *)(void *)ack;
    self->error = error;
    self->detail = detail;
    if (self->calling) {
        self->over = true;
        loop_defer(host_of(dev)->host->config.loop, &self->end);
    } else {
        end(self);
    }
}

void acknowledge_end_all(struct host_device *hd)
{
    list_each_safe(at, &hd->acks) {
        struct acknowledge *self = list_entry(at, struct acknowledge, link);
        if (self->over) {
            end(self);
        }
    }
}

/* A copy of an event by way of its bytes. */
static int copy_event(const struct event *event, struct event_decoded *out)
{
    struct buf bytes;
    buf_init(&bytes, 2 * EVENT_BYTES_MAX);
    int error = event_encode(event, &bytes);
    if (error == 0) {
        struct bytes in = bytes_of(bytes.data, bytes.size);
        error = event_decode(&in, out);
    }
    buf_fini(&bytes);
    return error;
}

int host_acknowledge(struct host *host, struct device *dev, const struct event *event,
                     const char *who, const char *note, int64_t timeout_us,
                     host_acknowledged_cb acknowledged, void *ctx, struct err *err)
{
    struct host_device *hd = host_of(dev);
    if (hd == NULL || !host_running(hd)) {
        return err_set(err, BUSBAR_EBUSY, "device '%s' is paused, or being set up or removed",
                       dev->name);
    }
    if (hd->driver->ops->acknowledge == NULL || event->key == NULL || event->key[0] == '\0') {
        return err_set(err, BUSBAR_EUNSUPPORTED,
                       "the device does not wait for an acknowledgement of this event");
    }
    struct acknowledge *self = busbar_alloc(sizeof(*self));
    int error = copy_event(event, &self->event);
    if (error != 0) {
        busbar_free(self);
        return err_set(err, error, "the event cannot be read: %s", err_text(error));
    }
    self->hd = hd;
    self->who = busbar_strdup(who != NULL ? who : "");
    self->note = busbar_strdup(note != NULL ? note : "");
    self->acknowledged = acknowledged;
    self->ctx = ctx;
    timeout_us = timeout_us > 0 ? timeout_us : HOST_ACKNOWLEDGE_MS * CLOCK_US_PER_MS;
    self->ack = (struct driver_acknowledge){ .event = &self->event.event,
                                             .who = self->who,
                                             .note = self->note,
                                             .deadline_us = host_now(hd) + timeout_us };
    loop_deferred_init(&self->end, end, self);
    timer_init(&self->deadline, host->config.loop, deadline_passed, self);
    timer_start_us(&self->deadline, timeout_us + HOST_ACKNOWLEDGE_GRACE_MS * CLOCK_US_PER_MS, 0);
    list_append(&hd->acks, &self->link);
    self->calling = true;
    hd->driver->ops->acknowledge(dev, &self->ack);
    self->calling = false;
    return 0;
}
