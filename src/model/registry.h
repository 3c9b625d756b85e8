/* SPDX-License-Identifier: Apache-2.0 */
/* The registry: every device and point by name and every point by its series id. It owns the
 * devices and the interned point classes. Loop thread only. */
#ifndef BUSBAR_MODEL_REGISTRY_H
#define BUSBAR_MODEL_REGISTRY_H

#include "model/device.h"

#define REGISTRY_POINTS_MAX 4000000u /* points in one gateway */

struct registry *registry_new(void);
void registry_free(struct registry *reg);

/* Takes the device over. All points must have a series id (last.point). BUSBAR_EEXIST: the name or
 * an id is taken; BUSBAR_ELIMIT: too many points. On error the device is still the caller's. */
int registry_add(struct registry *reg, struct device *dev);
/* Hands the device back to the caller, who frees it. */
struct device *registry_take(struct registry *reg, const char *name);

struct device *registry_device(const struct registry *reg, const char *name);
struct point *registry_point(const struct registry *reg, const char *path); /* "device/point" */
struct point *registry_point_by_id(const struct registry *reg, uint32_t id);
size_t registry_device_count(const struct registry *reg);
size_t registry_point_count(const struct registry *reg);

/* Devices in the order of their names; valid until the next add or take. */
struct device *const *registry_devices(const struct registry *reg, size_t *count);

/* The shared copy of a class (deep copy at first sight). Lives as long as the registry. NULL when
 * memory is out. */
const struct point_class *registry_class(struct registry *reg, const struct point_class *cls);

#endif
