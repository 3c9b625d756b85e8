/* SPDX-License-Identifier: Apache-2.0 */
/* Devices by name in a map, points by series id in pages of pointers: ids are dense, given in order by
 * state/ and never reused, so a page is nearly always full, and a removed device leaves only holes. */
#include "model/registry.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/map.h"
#include "model/class_set.h"

enum { PAGE_POINTS = 1024 };

struct registry {
    struct map by_name;
    struct point ***pages; /* id / PAGE_POINTS -> PAGE_POINTS pointers, or NULL */
    size_t page_count;
    struct device **sorted; /* made when asked for */
    bool sorted_valid;
    size_t point_count;
    struct class_set classes;
};

struct registry *registry_new(void)
{
    struct registry *reg = busbar_alloc(sizeof(*reg));
    map_init(&reg->by_name);
    class_set_init(&reg->classes);
    return reg;
}

void registry_free(struct registry *reg)
{
    if (reg == NULL) {
        return;
    }
    size_t at = 0;
    void *dev;
    while (map_next(&reg->by_name, &at, NULL, &dev)) {
        device_free(dev);
    }
    for (size_t i = 0; i < reg->page_count; i++) {
        busbar_free(reg->pages[i]);
    }
    busbar_free(reg->pages);
    busbar_free(reg->sorted);
    map_fini(&reg->by_name);
    class_set_fini(&reg->classes);
    busbar_free(reg);
}

struct point *registry_point_by_id(const struct registry *reg, uint32_t id)
{
    size_t page = id / PAGE_POINTS;
    if (page >= reg->page_count || reg->pages[page] == NULL) {
        return NULL;
    }
    return reg->pages[page][id % PAGE_POINTS];
}

static struct point **slot_of(struct registry *reg, uint32_t id)
{
    size_t page = id / PAGE_POINTS;
    if (page >= reg->page_count) {
        size_t count = reg->page_count * 2 > page + 1 ? reg->page_count * 2 : page + 1;
        reg->pages = busbar_realloc(reg->pages, count * sizeof(*reg->pages));
        memset(&reg->pages[reg->page_count], 0, (count - reg->page_count) * sizeof(*reg->pages));
        reg->page_count = count;
    }
    if (reg->pages[page] == NULL) {
        reg->pages[page] = busbar_alloc_array(PAGE_POINTS, sizeof(struct point *));
    }
    return &reg->pages[page][id % PAGE_POINTS];
}

static void forget_points(struct registry *reg, struct device *dev, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        *slot_of(reg, dev->points[i].last.point) = NULL;
    }
}

int registry_add(struct registry *reg, struct device *dev)
{
    if (map_get(&reg->by_name, dev->name) != NULL) {
        return BUSBAR_EEXIST;
    }
    if (dev->point_count > REGISTRY_POINTS_MAX - reg->point_count) {
        return BUSBAR_ELIMIT;
    }
    for (size_t i = 0; i < dev->point_count; i++) {
        struct point *pt = &dev->points[i];
        assert(pt->last.point != 0);
        struct point **slot = slot_of(reg, pt->last.point);
        if (*slot != NULL) {
            forget_points(reg, dev, i);
            return BUSBAR_EEXIST;
        }
        *slot = pt;
        pt->device = dev;
    }
    map_set(&reg->by_name, dev->name, dev);
    reg->point_count += dev->point_count;
    reg->sorted_valid = false;
    return 0;
}

struct device *registry_take(struct registry *reg, const char *name)
{
    struct device *dev = map_remove(&reg->by_name, name);
    if (dev == NULL) {
        return NULL;
    }
    forget_points(reg, dev, dev->point_count);
    reg->point_count -= dev->point_count;
    reg->sorted_valid = false;
    return dev;
}

struct device *registry_device(const struct registry *reg, const char *name)
{
    return map_get(&reg->by_name, name);
}

struct point *registry_point(const struct registry *reg, const char *path)
{
    const char *slash = strchr(path, '/');
    if (slash == NULL) {
        return NULL;
    }
    const struct device *dev = map_get_n(&reg->by_name, path, (size_t)(slash - path));
    return dev != NULL ? device_point(dev, slash + 1) : NULL;
}

size_t registry_device_count(const struct registry *reg)
{
    return reg->by_name.count;
}

size_t registry_point_count(const struct registry *reg)
{
    return reg->point_count;
}

static int by_device_name(const void *a, const void *b)
{
    return strcmp((*(struct device *const *)a)->name, (*(struct device *const *)b)->name);
}

struct device *const *registry_devices(const struct registry *reg, size_t *count)
{
    /* The order is a cache: filling it changes nothing that a caller of a const registry can see. */
    struct registry *cache = (struct registry *)(uintptr_t)reg;
    *count = reg->by_name.count;
    if (!reg->sorted_valid) {
        cache->sorted = busbar_realloc(reg->sorted, (*count + 1) * sizeof(struct device *));
        size_t at = 0, used = 0;
        void *dev;
        while (map_next(&reg->by_name, &at, NULL, &dev)) {
            cache->sorted[used++] = dev;
        }
        assert(used == *count);
        qsort(cache->sorted, used, sizeof(struct device *), by_device_name);
        cache->sorted_valid = true;
    }
    return reg->sorted;
}

const struct point_class *registry_class(struct registry *reg, const struct point_class *cls)
{
    return class_set_intern(&reg->classes, cls);
}
