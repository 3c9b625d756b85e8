/* SPDX-License-Identifier: Apache-2.0 */
#include "config/store.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

struct config *config_new(void)
{
    struct config *config = busbar_try_alloc(sizeof(*config));
    struct config_store *store = busbar_try_alloc(sizeof(*store));
    if (config == NULL || store == NULL) {
        busbar_free(config);
        busbar_free(store);
        return NULL;
    }
    arena_init(&store->arena, 0);
    class_set_init(&store->classes);
    config->store = store;
    return config;
}

void config_free(struct config *config)
{
    if (config == NULL) {
        return;
    }
    struct config_store *store = config->store;
    for (size_t i = 0; i < config->driver_count; i++) {
        prepared_drop(config->drivers[i].setup->prepared);
    }
    for (size_t i = 0; i < store->block_count; i++) {
        busbar_free(store->blocks[i]);
    }
    busbar_free(store->blocks);
    class_set_fini(&store->classes);
    arena_fini(&store->arena);
    busbar_free(store);
    busbar_free(config);
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}

static int by_device_name(const void *key, const void *element)
{
    return strcmp(key, ((const struct config_device *)element)->name);
}

const struct config_device *config_device(const struct config *config, const char *name)
{
    if (config->device_count == 0) {
        return NULL;
    }
    return bsearch(name, config->devices, config->device_count, sizeof(*config->devices),
                   by_device_name);
}

void config_effective_class(const struct config_device_parts *parts,
                            const struct config_point *point, struct point_class *out)
{
    *out = *point->cls;
    out->every_us = out->every_us != 0 ? out->every_us : parts->every_us;
    out->stale_after_us = out->stale_after_us != 0 ? out->stale_after_us : parts->stale_after_us;
    out->keep_us = out->keep_us != 0 ? out->keep_us : parts->keep_us;
}

void config_class_take(struct point_class *cls, const struct point_facts *facts)
{
    bool as_it_is = cls->scale == 1 && cls->offset == 0;
    if (as_it_is && cls->units[0] == '\0' && facts->units != NULL) {
        cls->units = facts->units;
    }
    if (as_it_is && cls->enum_count == 0 && facts->enum_count > 0) {
        cls->enums = facts->enums;
        cls->enum_count = facts->enum_count;
    }
    cls->counter = cls->counter || facts->counter;
}

struct settings config_device_settings(const struct config_device *dev)
{
    return (struct settings){
        .options = dev->protocol->device_options,
        .set = dev->parts->set,
        .count = dev->parts->set_count,
        .at = dev->parts->at,
    };
}

struct settings config_named_settings(const struct option *options,
                                      const struct config_named *named)
{
    return (struct settings){
        .options = options,
        .set = named->set,
        .count = named->set_count,
        .at = named->at,
    };
}

struct position config_point_at(const struct config *config, const struct config_point *point)
{
    return (struct position){
        .file = config->files[point->file].name,
        .line = (int)point->line,
        .column = point->column,
    };
}

struct settings config_point_settings(const struct config *config, const struct config_device *dev,
                                      const struct config_point *point, struct setting *set)
{
    for (size_t i = 0; i < point->set_count; i++) {
        const struct config_setting *from = &point->set[i];
        set[i] = (struct setting){
            .option = (uint16_t)from->option,
            .at = { .file = config->files[from->file].name,
                    .line = (int)from->line,
                    .column = (int)from->column },
            .value = from->value,
        };
    }
    return (struct settings){
        .options = dev->protocol->point_options,
        .set = set,
        .count = point->set_count,
        .at = config_point_at(config, point),
    };
}

uint8_t config_value_type(const struct point_facts *facts, const struct point_class *cls)
{
    bool scaled = cls->scale != 1 || cls->offset != 0;
    bool number = facts->value_type == VALUE_INT || facts->value_type == VALUE_NONE;
    return number && scaled ? VALUE_DOUBLE : facts->value_type;
}
