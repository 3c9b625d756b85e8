/* SPDX-License-Identifier: Apache-2.0 */
/* One pass over a batch: judge, count, take into the live value, keep for the store. As long as nothing
 * of a batch was refused the store gets the caller's own array; the scratch copy begins at the first
 * refusal and grows once to the largest batch.
 *
 * What few points need (the last stored value for a deadband, counters of refusals) sits in pages by
 * series id, made at first need, so that a million plain points pay nothing for it. */
#include "model/bus.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/list.h"
#include "model/quality.h"

#define TIME_AHEAD_MAX_US \
    (INT64_C(24) * 3600 * 1000000) /* a device's clock may be this far ahead */

enum { PAGE_EXTRAS = 256 };

struct extra {
    double stored; /* the last stored value of a point with a deadband */
    bool has_stored;
    uint8_t stored_quality;
    uint64_t refused[BUS_REFUSAL_COUNT];
};

struct bus_listener {
    struct list link;
    bus_listener_cb cb;
    void *ctx;
};

struct bus_event_listener {
    struct list link;
    bus_event_cb cb;
    void *ctx;
};

struct bus {
    bus_store_cb store;
    void *store_ctx;
    struct list listeners;
    bus_store_event_cb store_event;
    void *store_event_ctx;
    struct list event_listeners;
    struct bus_event_counts events;
    struct sample *scratch;
    size_t scratch_capacity;
    struct extra **pages; /* series id / PAGE_EXTRAS -> PAGE_EXTRAS extras, or NULL */
    size_t page_count;
    uint64_t received;
    uint64_t refused[BUS_REFUSAL_COUNT];
};

const char *bus_refusal_text(enum bus_refusal refusal)
{
    static const char *const texts[] = {
#define BUS_REFUSAL_TEXT(name, text) [BUS_REFUSAL_##name] = (text),
        BUS_REFUSALS(BUS_REFUSAL_TEXT)
#undef BUS_REFUSAL_TEXT
    };
    return refusal < BUS_REFUSAL_COUNT ? texts[refusal] : "unknown";
}

struct bus *bus_new(bus_store_cb store, void *store_ctx)
{
    struct bus *bus = busbar_alloc(sizeof(*bus));
    bus->store = store;
    bus->store_ctx = store_ctx;
    list_init(&bus->listeners);
    list_init(&bus->event_listeners);
    return bus;
}

void bus_free(struct bus *bus)
{
    if (bus == NULL) {
        return;
    }
    while (!list_empty(&bus->listeners)) {
        busbar_free(list_entry(list_shift(&bus->listeners), struct bus_listener, link));
    }
    while (!list_empty(&bus->event_listeners)) {
        busbar_free(list_entry(list_shift(&bus->event_listeners), struct bus_event_listener, link));
    }
    for (size_t i = 0; i < bus->page_count; i++) {
        busbar_free(bus->pages[i]);
    }
    busbar_free(bus->pages);
    busbar_free(bus->scratch);
    busbar_free(bus);
}

static struct extra *extra_find(const struct bus *bus, uint32_t id)
{
    size_t page = id / PAGE_EXTRAS;
    if (page >= bus->page_count || bus->pages[page] == NULL) {
        return NULL;
    }
    return &bus->pages[page][id % PAGE_EXTRAS];
}

static struct extra *extra_make(struct bus *bus, uint32_t id)
{
    size_t page = id / PAGE_EXTRAS;
    if (page >= bus->page_count) {
        size_t count = bus->page_count * 2 > page + 1 ? bus->page_count * 2 : page + 1;
        bus->pages = busbar_realloc(bus->pages, count * sizeof(*bus->pages));
        memset(&bus->pages[bus->page_count], 0, (count - bus->page_count) * sizeof(*bus->pages));
        bus->page_count = count;
    }
    if (bus->pages[page] == NULL) {
        bus->pages[page] = busbar_alloc_array(PAGE_EXTRAS, sizeof(struct extra));
    }
    return &bus->pages[page][id % PAGE_EXTRAS];
}

static void count_refusal(struct bus *bus, uint32_t id, enum bus_refusal refusal)
{
    extra_make(bus, id)->refused[refusal]++;
    bus->refused[refusal]++;
}

/* True when the change since the last stored value is too small to store. Else notes the value as
 * stored; unstore() takes that back when the store refuses. */
static bool within_deadband(struct bus *bus, const struct point *pt, const struct sample *sample)
{
    struct extra *extra = extra_make(bus, sample->point);
    double value;
    if (!value_number(sample->type, sample->value, &value)) {
        extra->has_stored = false;
        return false;
    }
    if (extra->has_stored && extra->stored_quality == sample->quality &&
        fabs(value - extra->stored) < pt->cls->deadband) {
        return true;
    }
    extra->has_stored = true;
    extra->stored = value;
    extra->stored_quality = sample->quality;
    return false;
}

/* A late sample (older by the device's clock, come after a newer one) goes to the store only. When
 * our own clock was set back, the time of receipt went back with it: that is not late. */
static bool is_late(const struct sample *last, const struct sample *sample)
{
    return sample->time_us < last->time_us && sample->receive_us >= last->receive_us &&
           sample->time_us != sample->receive_us;
}

bool bus_time_possible(int64_t time_us, int64_t receive_us)
{
    return time_us > 0 && time_us <= receive_us + TIME_AHEAD_MAX_US;
}

/* BUS_REFUSAL_COUNT: nothing against it. */
static enum bus_refusal judge(struct bus *bus, const struct point *pt, const struct sample *sample)
{
    if (!bus_time_possible(sample->time_us, sample->receive_us)) {
        return BUS_REFUSAL_TIME;
    }
    if (sample->type > VALUE_TEXT ||
        (sample->type == VALUE_TEXT && sample->value.text->size > TEXT_BYTES_MAX)) {
        return BUS_REFUSAL_VALUE;
    }
    /* what was stored around a late one is not known here: it fills a hole, and is stored as it is */
    if (pt->cls->deadband > 0 && !is_late(&pt->last, sample) && within_deadband(bus, pt, sample)) {
        return BUS_REFUSAL_DEADBAND;
    }
    return BUS_REFUSAL_COUNT;
}

static void take_live(struct point *pt, const struct sample *sample)
{
    struct sample *last = &pt->last;
    if (is_late(last, sample)) {
        return;
    }
    if (last->quality != sample->quality || pt->since_us == 0) {
        pt->since_us = sample->time_us;
    }
    if (sample->type == VALUE_NONE && quality_class(sample->quality) == QUALITY_CLASS_BAD) {
        last->receive_us =
            sample->receive_us; /* the last known value stays, marked bad, with its time */
        last->detail = sample->detail;
        last->quality = sample->quality;
        return;
    }
    if (sample->type == VALUE_TEXT) {
        struct text *own = last->type == VALUE_TEXT ? (void *)(uintptr_t)last->value.text : NULL;
        const struct text *text = sample->value.text;
        last->value.text = text_set(own, text->bytes, text->size);
    } else {
        if (last->type == VALUE_TEXT) {
            busbar_free((void *)(uintptr_t)last->value.text);
        }
        last->value = sample->value;
    }
    last->time_us = sample->time_us;
    last->receive_us = sample->receive_us;
    last->detail = sample->detail;
    last->type = sample->type;
    last->quality = sample->quality;
}

static void scratch_reserve(struct bus *bus, size_t count)
{
    if (count > bus->scratch_capacity) {
        bus->scratch = busbar_realloc(bus->scratch, count * sizeof(*bus->scratch));
        bus->scratch_capacity = count;
    }
}

/* The store took nothing: every kept sample is refused, and no deadband may lean on it. */
static void unstore(struct bus *bus, const struct sample *samples, size_t count, int error)
{
    enum bus_refusal refusal = error == BUSBAR_ENOSPC ? BUS_REFUSAL_LOG_FULL : BUS_REFUSAL_LOG_BUSY;
    for (size_t i = 0; i < count; i++) {
        count_refusal(bus, samples[i].point, refusal);
        extra_find(bus, samples[i].point)->has_stored = false;
    }
}

int bus_publish(struct bus *bus, const struct bus_batch *batch, bus_stored_cb stored,
                void *stored_ctx)
{
    struct device *dev = batch->device;
    struct sample *kept = batch->samples;
    size_t kept_count = 0;
    for (size_t i = 0; i < batch->count; i++) {
        assert(batch->points[i] < dev->point_count);
        struct point *pt = &dev->points[batch->points[i]];
        struct sample *sample = &batch->samples[i];
        sample->point = pt->last.point;
        pt->received++;
        enum bus_refusal refusal = judge(bus, pt, sample);
        if (refusal != BUS_REFUSAL_TIME && refusal != BUS_REFUSAL_VALUE) {
            take_live(pt, sample);
        }
        if (refusal != BUS_REFUSAL_COUNT) {
            count_refusal(bus, sample->point, refusal);
            if (kept == batch->samples) {
                scratch_reserve(bus, batch->count);
                kept = bus->scratch;
                memcpy(kept, batch->samples, i * sizeof(*kept));
            }
        } else {
            if (kept != batch->samples) {
                kept[kept_count] = *sample;
            }
            kept_count++;
        }
    }
    bus->received += batch->count;
    int error = 0;
    if (kept_count > 0 || stored != NULL) {
        error = bus->store(bus->store_ctx, kept, kept_count, stored, stored_ctx);
    }
    if (error != 0) {
        unstore(bus, kept, kept_count, error);
    }
    list_each_safe(at, &bus->listeners) {
        struct bus_listener *listener = list_entry(at, struct bus_listener, link);
        listener->cb(listener->ctx, batch);
    }
    return error;
}

int bus_ready(const struct bus *bus)
{
    return bus->store(bus->store_ctx, NULL, 0, NULL, NULL);
}

int bus_sync(struct bus *bus, bus_stored_cb stored, void *stored_ctx)
{
    return bus->store(bus->store_ctx, NULL, 0, stored, stored_ctx);
}

struct bus_listener *bus_listen(struct bus *bus, bus_listener_cb cb, void *ctx)
{
    struct bus_listener *listener = busbar_alloc(sizeof(*listener));
    listener->cb = cb;
    listener->ctx = ctx;
    list_append(&bus->listeners, &listener->link);
    return listener;
}

void bus_unlisten(struct bus *bus, struct bus_listener *listener)
{
    (void)bus;
    list_remove(&listener->link);
    busbar_free(listener);
}

/* ---- events ---- */

void bus_store_events(struct bus *bus, bus_store_event_cb store, void *store_ctx)
{
    bus->store_event = store;
    bus->store_event_ctx = store_ctx;
}

/* The event with our own time, and the device's as one more argument where there is room. */
static void take_own_time(struct event *event, const struct event *from,
                          struct event_argument arguments[EVENT_ARGUMENTS_MAX])
{
    size_t count = from->argument_count < EVENT_ARGUMENTS_MAX ? from->argument_count
                                                              : EVENT_ARGUMENTS_MAX - 1;
    if (count > 0) {
        memcpy(arguments, from->arguments, count * sizeof(*arguments));
    }
    arguments[count] = (struct event_argument){ .name = "device-time",
                                                .type = VALUE_INT,
                                                .value = { .i = from->time_us } };
    event->time_us = from->receive_us;
    event->arguments = arguments;
    event->argument_count = count + 1;
}

static bool has_text(const char *text)
{
    return text != NULL && text[0] != '\0';
}

static int refuse_event(struct bus *bus, enum bus_refusal refusal, int error)
{
    bus->events.refused[refusal]++;
    return error;
}

int bus_publish_event(struct bus *bus, const struct event *event, bus_stored_cb stored,
                      void *stored_ctx)
{
    struct event_argument arguments[EVENT_ARGUMENTS_MAX];
    struct event own = *event;
    bus->events.received++;
    if (!has_text(event->source) || !has_text(event->kind) || event->receive_us <= 0) {
        return refuse_event(bus, BUS_REFUSAL_VALUE, BUSBAR_EINVAL);
    }
    if (!bus_time_possible(event->time_us, event->receive_us)) {
        take_own_time(&own, event, arguments);
    }
    int error = bus->store_event != NULL
                    ? bus->store_event(bus->store_event_ctx, &own, stored, stored_ctx)
                    : BUSBAR_EBUSY;
    if (error != 0) {
        return refuse_event(bus,
                            error == BUSBAR_EINVAL   ? BUS_REFUSAL_VALUE
                            : error == BUSBAR_ENOSPC ? BUS_REFUSAL_LOG_FULL
                                                     : BUS_REFUSAL_LOG_BUSY,
                            error);
    }
    list_each_safe(at, &bus->event_listeners) {
        struct bus_event_listener *listener = list_entry(at, struct bus_event_listener, link);
        listener->cb(listener->ctx, &own);
    }
    return 0;
}

struct bus_event_listener *bus_listen_events(struct bus *bus, bus_event_cb cb, void *ctx)
{
    struct bus_event_listener *listener = busbar_alloc(sizeof(*listener));
    listener->cb = cb;
    listener->ctx = ctx;
    list_append(&bus->event_listeners, &listener->link);
    return listener;
}

void bus_unlisten_events(struct bus *bus, struct bus_event_listener *listener)
{
    (void)bus;
    list_remove(&listener->link);
    busbar_free(listener);
}

void bus_event_counts(const struct bus *bus, struct bus_event_counts *counts)
{
    *counts = bus->events;
}

uint64_t bus_refused(const struct bus *bus, uint32_t point, enum bus_refusal refusal)
{
    const struct extra *extra = extra_find(bus, point);
    return extra != NULL ? extra->refused[refusal] : 0;
}

uint64_t bus_refused_all(const struct bus *bus, enum bus_refusal refusal)
{
    return bus->refused[refusal];
}

uint64_t bus_received_all(const struct bus *bus)
{
    return bus->received;
}
