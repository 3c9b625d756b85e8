/* SPDX-License-Identifier: Apache-2.0 */
/* What was learned about a device: a few named numbers, in the order they were learned. A change is
 * told to whoever keeps them over a restart. */
#include <string.h>

#include "base/alloc.h"
#include "driver/host_private.h"

static struct limit *find(const struct host_device *hd, const char *name)
{
    for (size_t i = 0; i < hd->limit_count; i++) {
        if (strcmp(hd->limits[i].name, name) == 0) {
            return &hd->limits[i];
        }
    }
    return NULL;
}

/* False: nothing changed. */
static bool keep(struct host_device *hd, const char *name, int64_t value)
{
    struct limit *limit = find(hd, name);
    if (limit == NULL) {
        if (hd->limit_count == DRIVER_LIMITS_MAX) {
            return false;
        }
        hd->limits = busbar_realloc(hd->limits, (hd->limit_count + 1) * sizeof(*hd->limits));
        limit = &hd->limits[hd->limit_count++];
        limit->name = busbar_strdup(name);
    } else if (limit->value == value) {
        return false;
    }
    limit->value = value;
    if (strcmp(name, LIMIT_POINTS_PER_POLL) == 0) {
        hd->points_max = value;
    }
    return true;
}

void limits_free(struct host_device *hd)
{
    for (size_t i = 0; i < hd->limit_count; i++) {
        busbar_free(hd->limits[i].name);
    }
    busbar_free(hd->limits);
    hd->limits = NULL;
    hd->limit_count = 0;
}

void driver_limit_set(struct device *dev, const char *name, int64_t value)
{
    struct host_device *hd = host_of(dev);
    const struct host_config *config = &hd->host->config;
    if (keep(hd, name, value) && config->limits_save != NULL && !hd->stranger) {
        config->limits_save(config->ctx, dev->name, name, value);
    }
}

bool driver_limit_get(const struct device *dev, const char *name, int64_t *value)
{
    const struct limit *limit = find(host_of(dev), name);
    if (limit == NULL) {
        return false;
    }
    *value = limit->value;
    return true;
}

void host_limit_restore(struct host *host, struct device *dev, const char *name, int64_t value)
{
    (void)host;
    (void)keep(host_of(dev), name, value);
}

void host_limits(const struct device *dev, void (*cb)(void *ctx, const char *name, int64_t value),
                 void *ctx)
{
    const struct host_device *hd = host_of(dev);
    for (size_t i = 0; i < hd->limit_count; i++) {
        cb(ctx, hd->limits[i].name, hd->limits[i].value);
    }
}
