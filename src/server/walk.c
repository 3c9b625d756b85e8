/* SPDX-License-Identifier: Apache-2.0 */
/* The place is kept as a device's name and a number, never as a pointer, so that an apply between
 * two turns cannot hurt. */
#include "server/walk.h"

#include <string.h>

#include "base/clock.h"
#include "base/str.h"

enum {
    SLICE_US = 2000,     /* of work in one turn */
    SLICE_VISITS = 8192, /* at most, when the clock stands still */
    CLOCK_EVERY = 32,    /* visits between two looks at the clock */
    PAUSE_US = 500,      /* for the others */
};

struct slice {
    int64_t end_us;
    unsigned visits;
};

static bool used_up(struct slice *slice)
{
    slice->visits++;
    if (slice->visits >= SLICE_VISITS) {
        return true;
    }
    return slice->visits % CLOCK_EVERY == 0 && clock_mono_us() >= slice->end_us;
}

/* The device at the walk's place or the next one behind it; NULL at the end. */
static struct device *current(struct walk *walk)
{
    size_t count = 0;
    struct device *const *devices = registry_devices(walk->registry, &count);
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(devices[middle]->name, walk->device) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    bool same = low < count && strcmp(devices[low]->name, walk->device) == 0;
    if (walk->only && !same) {
        return NULL;
    }
    if (low < count && !same) {
        str_copy(walk->device, sizeof(walk->device), devices[low]->name);
        walk->next = 0;
        walk->inside = false;
    }
    return low < count ? devices[low] : NULL;
}

/* The place behind the device: the smallest name that is greater. */
static void leave(struct walk *walk)
{
    size_t size = strlen(walk->device);
    walk->device[size] = '\x01';
    walk->device[size + 1] = '\0';
    walk->next = 0;
    walk->inside = false;
}

enum progress { GO_ON, LATER, FINISHED };

static enum progress visit_points(struct walk *walk, struct device *dev, struct slice *slice)
{
    while (walk->next < dev->point_count) {
        size_t index = walk->next++;
        if (walk->by_name) {
            index = dev->by_name[index];
        }
        if (!walk->visitor->point(walk->ctx, &dev->points[index])) {
            return FINISHED;
        }
        if (used_up(slice)) {
            return LATER;
        }
    }
    return GO_ON;
}

static enum progress visit_device(struct walk *walk, struct device *dev, struct slice *slice)
{
    bool enter = true;
    if (!walk->inside && walk->visitor->device != NULL) {
        enter = walk->visitor->device(walk->ctx, dev);
    }
    walk->inside = true;
    if (enter && walk->visitor->point != NULL) {
        enum progress progress = visit_points(walk, dev, slice);
        if (progress != GO_ON) {
            return progress;
        }
    }
    leave(walk);
    if (walk->only) {
        return FINISHED;
    }
    return used_up(slice) ? LATER : GO_ON;
}

static void work(struct walk *walk)
{
    struct slice slice = { .end_us = clock_mono_us() + SLICE_US };
    enum progress progress = GO_ON;
    while (progress == GO_ON) {
        struct device *dev = current(walk);
        progress = dev != NULL ? visit_device(walk, dev, &slice) : FINISHED;
    }
    if (progress == LATER) {
        timer_start_us(&walk->timer, PAUSE_US, 0);
    } else {
        walk->visitor->done(walk->ctx);
    }
}

static void on_timer(struct timer *timer, void *ctx)
{
    struct walk *walk = ctx;
    (void)timer;
    if (walk->visitor->turned != NULL) {
        walk->visitor->turned(walk->ctx);
    }
    work(walk);
}

void walk_start(struct walk *walk, struct loop *loop, const struct registry *registry,
                const char *only, bool by_name, const struct walk_visitor *visitor, void *ctx)
{
    *walk = (struct walk){ .registry = registry, .visitor = visitor, .ctx = ctx };
    walk->by_name = by_name;
    walk->only = only != NULL;
    str_copy(walk->device, sizeof(walk->device) - 1, only != NULL ? only : "");
    timer_init(&walk->timer, loop, on_timer, walk);
    work(walk);
}

void walk_stop(struct walk *walk)
{
    timer_stop(&walk->timer);
}
