/* SPDX-License-Identifier: Apache-2.0 */
/* What a device has.
 *
 *   at ""                its objects: the list whole (segmented), or element by element when the device cannot;
 *                        then of each its name, description, units, value ..., several objects a request. They
 *                        stand under the device's structured views, or else under their types
 *   at analog-input:1    all properties of that object: by "all", by its property list, or by trying those that
 *                        are known; arrays element by element
 *
 * Any number of objects up to BACNET_BROWSE_OBJECTS_MAX; what was told is not kept here. */
#ifndef BUSBAR_DRIVERS_BACNET_BROWSE_H
#define BUSBAR_DRIVERS_BACNET_BROWSE_H

#include "drivers/bacnet/bacnet_device.h"
#include "drivers/bacnet/bacnet_fetch.h"

enum {
    BACNET_BROWSE_OBJECTS_MAX = 50000, /* of one device; more are counted, not told */
    BACNET_BROWSE_ITEMS = 240,         /* properties fetched in one go */
};

struct bacnet_browses;

/* ops->browse, ops->browse_stop; stop() of the device. */
void bacnet_browse_begin(struct bacnet_device *device, struct driver_browse *browse);
void bacnet_browse_end(struct bacnet_device *device, struct driver_browse *browse);
void bacnet_browse_stop_all(struct bacnet_device *device);

/* ---- for the parts of it: bacnet_browse.c, bacnet_list.c, bacnet_views.c, bacnet_properties.c ---- */

struct bacnet_look;
struct bacnet_views;
struct bacnet_properties;
struct bacnet_browsing;

/* One step: fetches some items at a time, until there are none. */
struct bacnet_browse_step {
    /* Fills in the next ones; 0 = this step is over. */
    size_t (*items)(struct bacnet_browsing *browsing, struct bacnet_fetch_item *items);
    void (*got)(struct bacnet_browsing *browsing, const struct bacnet_fetched *fetched);
    /* Those items are all told; may be NULL. */
    void (*round)(struct bacnet_browsing *browsing);
    /* The step after it; NULL = the browse is over. */
    const struct bacnet_browse_step *(*next)(struct bacnet_browsing *browsing);
};

struct bacnet_browsing {
    struct list link; /* device->browses */
    struct bacnet_device *device;
    struct driver_browse *browse;
    const struct bacnet_browse_step *step;
    struct bacnet_fetch fetch;
    struct bacnet_fetch_item items[BACNET_BROWSE_ITEMS];
    struct loop_deferred stopping;
    bool inside;                   /* of a callback, which may have it stopped: then later */
    char message[ERR_MESSAGE_MAX]; /* what to know about the result */
    int error;
    /* the list of objects */
    uint32_t *objects; /* as on the wire, ascending */
    size_t count, capacity;
    uint32_t listed;   /* how many the device says there are */
    uint32_t index;    /* next element to be read */
    bool list_refused; /* whole */
    bool more;         /* than we take */
    /* the objects one by one */
    size_t at;                            /* next to be looked at */
    size_t looking;                       /* of them, in this round */
    struct bacnet_look *looks;            /* of this round */
    struct arena arena;                   /* of its texts */
    struct bacnet_views *views;           /* structured views and trend logs */
    uint32_t group;                       /* type whose group was told last */
    struct bacnet_properties *properties; /* at an object */
};

extern const struct bacnet_browse_step bacnet_step_list;       /* bacnet_list.c */
extern const struct bacnet_browse_step bacnet_step_elements;   /* the list element by element */
extern const struct bacnet_browse_step bacnet_step_views;      /* bacnet_views.c */
extern const struct bacnet_browse_step bacnet_step_logs;       /* what trend logs log */
extern const struct bacnet_browse_step bacnet_step_objects;    /* bacnet_browse.c */
extern const struct bacnet_browse_step bacnet_step_all;        /* bacnet_properties.c */
extern const struct bacnet_browse_step bacnet_step_properties; /* one by one */

/* An object of the list was told; sorted and made unique by bacnet_list_sort(). */
void bacnet_list_add(struct bacnet_browsing *browsing, struct bacnet_object object);
void bacnet_list_sort(struct bacnet_browsing *browsing);

void bacnet_views_free(struct bacnet_views *views);
/* Tells the views as nodes, those above first. */
void bacnet_views_tell(struct bacnet_browsing *browsing);
/* The view that an object stands in; UINT32_MAX: none. */
uint32_t bacnet_views_parent(const struct bacnet_browsing *browsing, uint32_t object);
/* "trend-log:3" that logs the object's present-value; NULL: none. */
const char *bacnet_views_log(const struct bacnet_browsing *browsing, uint32_t object);

void bacnet_properties_begin(struct bacnet_browsing *browsing, struct bacnet_object object);
void bacnet_properties_free(struct bacnet_properties *properties);

#endif
