/* SPDX-License-Identifier: Apache-2.0 */
#include "model/device.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

struct device *device_new(void)
{
    struct device *dev = busbar_alloc(sizeof(*dev));
    arena_init(&dev->arena, 0);
    dev->name = dev->title = dev->place = dev->protocol = dev->profile = "";
    return dev;
}

void device_free(struct device *dev)
{
    if (dev == NULL) {
        return;
    }
    for (size_t i = 0; i < dev->point_count; i++) {
        if (dev->points[i].last.type == VALUE_TEXT) {
            busbar_free((void *)(uintptr_t)dev->points[i].last.value.text);
        }
    }
    arena_fini(&dev->arena);
    busbar_free(dev);
}

struct point *device_point(const struct device *dev, const char *name)
{
    size_t low = 0, high = dev->by_name != NULL ? dev->point_count : 0;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        struct point *pt = &dev->points[dev->by_name[middle]];
        int order = strcmp(name, pt->name);
        if (order == 0) {
            return pt;
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return NULL;
}

static int by_name(const void *a, const void *b, void *ctx)
{
    const struct device *dev = ctx;
    return strcmp(dev->points[*(const uint32_t *)a].name, dev->points[*(const uint32_t *)b].name);
}

bool device_index_points(struct device *dev, const char **duplicate)
{
    *duplicate = NULL;
    uint32_t *index = arena_alloc_array(&dev->arena, dev->point_count, sizeof(*index));
    if (index == NULL) {
        return false;
    }
    for (size_t i = 0; i < dev->point_count; i++) {
        index[i] = (uint32_t)i;
    }
    qsort_r(index, dev->point_count, sizeof(*index), by_name, dev);
    for (size_t i = 1; i < dev->point_count; i++) {
        if (strcmp(dev->points[index[i - 1]].name, dev->points[index[i]].name) == 0) {
            *duplicate = dev->points[index[i]].name;
            return false;
        }
    }
    dev->by_name = index;
    return true;
}
