/* SPDX-License-Identifier: Apache-2.0 */
/* Devices for the tests of model/: points p-0, p-1 ... with ids from first_id on. */
#ifndef TESTS_UNIT_MODEL_FIXTURE_H
#define TESTS_UNIT_MODEL_FIXTURE_H

#include <assert.h>

#include "model/registry.h"

static const struct point_class fixture_class = { .units = "kW", .scale = 1 };

static inline struct device *fixture_device(const char *name, size_t points, uint32_t first_id)
{
    struct device *dev = device_new();
    const char *duplicate;
    dev->name = arena_strdup(&dev->arena, name);
    dev->points = arena_alloc_array(&dev->arena, points, sizeof(*dev->points));
    assert(dev->name != NULL && dev->points != NULL);
    dev->point_count = points;
    for (size_t i = 0; i < points; i++) {
        dev->points[i].name = arena_printf(&dev->arena, "p-%zu", i);
        dev->points[i].title = "";
        dev->points[i].device = dev;
        dev->points[i].cls = &fixture_class;
        dev->points[i].last.point = first_id + (uint32_t)i;
    }
    bool indexed = device_index_points(dev, &duplicate);
    assert(indexed);
    (void)indexed;
    return dev;
}

#endif
