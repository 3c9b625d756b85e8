/* SPDX-License-Identifier: Apache-2.0 */
/* A walk over devices and points that never holds the loop: it works some 2 ms, lets the loop turn
 * and goes on where it was. The registry may change in between: what was added before the place
 * reached is missed, what was removed is not seen, nothing is seen twice. */
#ifndef BUSBAR_SERVER_WALK_H
#define BUSBAR_SERVER_WALK_H

#include "model/registry.h"
#include "net/timer.h"

struct walk_visitor {
    /* Before the points of a device; false: skip them. NULL: true. */
    bool (*device)(void *ctx, struct device *dev);
    /* NULL: devices only. False: the walk is done. */
    bool (*point)(void *ctx, struct point *pt);
    /* The loop turned: pointers kept from before may be dead. NULL: nothing kept. */
    void (*turned)(void *ctx);
    /* Once, last; may free the walk. Not after walk_stop(). */
    void (*done)(void *ctx);
};

/* Embedded by its owner. */
struct walk {
    const struct registry *registry;
    const struct walk_visitor *visitor;
    void *ctx;
    bool by_name; /* points in the order of their names, else as configured */
    bool only;    /* one device */
    struct timer timer;
    char device[DEVICE_NAME_MAX + 2]; /* where it is, "" = before the first */
    size_t next;                      /* the next point of that device */
    bool inside;                      /* the device was told, its points are being visited */
};

/* Devices in the order of their names. only: one device's name, NULL = all. Begins at once; `done`
 * may run before this returns. */
void walk_start(struct walk *walk, struct loop *loop, const struct registry *registry,
                const char *only, bool by_name, const struct walk_visitor *visitor, void *ctx);
void walk_stop(struct walk *walk);

#endif
