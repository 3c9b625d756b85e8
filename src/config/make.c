/* SPDX-License-Identifier: Apache-2.0 */
/* struct config_device -> struct device. Everything is copied into the device's own arena, names of
 * points in one block, so that the configuration can go and the device be freed in one step. */
#include <string.h>

#include "base/alloc.h"
#include "base/map.h"
#include "config/store.h"
#include "model/quality.h"

enum { CLASS_CACHE = 64, FILE_NONE = 0xffff };

/* A class and what it was made of. */
/* A pushed point that says how often it comes is stale when it did not so often. */
enum { PERIODS_UNTIL_STALE = 3 };

struct class_cache {
    const struct point_class *raw, *shared;
    /* What the address said of the point. */
    const char *units;
    const struct point_enum *enums;
    bool counter, pushed;
};

struct make {
    const struct config *config;
    const struct config_device *from;
    struct registry *registry;
    struct device *dev;
    struct err *err;
    const char **files; /* the device's names of its files */
    uint16_t *file_map; /* config's file number -> the device's, or FILE_NONE */
    struct class_cache cache[CLASS_CACHE];
};

static int no_memory(struct make *make)
{
    return err_set(make->err, BUSBAR_ENOMEM, "no memory for device '%s'", make->from->name);
}

/* ---- files ---- */

static void note_file(struct make *make, uint16_t file)
{
    if (make->file_map[file] == FILE_NONE) {
        make->file_map[file] = (uint16_t)make->dev->file_count++;
    }
}

/* By the name in a position: it is the configuration's own text. */
static void note_file_name(struct make *make, const char *name)
{
    for (size_t i = 0; i < make->config->file_count; i++) {
        if (make->config->files[i].name == name) {
            note_file(make, (uint16_t)i);
            return;
        }
    }
}

/* The list of files a device is written in; the first is where its own name stands. */
static int make_files(struct make *make)
{
    const struct config *config = make->config;
    const struct config_device_parts *parts = make->from->parts;
    struct device *dev = make->dev;
    memset(make->file_map, 0xff, config->file_count * sizeof(*make->file_map));
    dev->file_count = 0;
    note_file(make, parts->file);
    for (size_t i = 0; i < parts->set_count; i++) {
        note_file_name(make, parts->set[i].at.file);
    }
    for (size_t i = 0; i < parts->commands.count; i++) {
        note_file_name(make, parts->commands.commands[i].named.at.file);
    }
    for (size_t i = 0; i < make->from->point_count; i++) {
        const struct config_point *point = &parts->points[i];
        note_file(make, point->file);
        for (size_t k = 0; k < point->set_count; k++) {
            note_file(make, (uint16_t)point->set[k].file);
        }
    }
    const char **files = arena_alloc_array(&dev->arena, dev->file_count, sizeof(*files));
    if (files == NULL) {
        return no_memory(make);
    }
    for (size_t i = 0; i < config->file_count; i++) {
        if (make->file_map[i] != FILE_NONE) {
            char *name = arena_strdup(&dev->arena, config->files[i].name);
            if (name == NULL) {
                return no_memory(make);
            }
            files[make->file_map[i]] = name;
        }
    }
    make->files = files;
    dev->files = files;
    dev->line = (uint32_t)make->from->at.line;
    return 0;
}

/* ---- texts and settings ---- */

static const char *copy_text(struct make *make, const char *text, bool *good)
{
    const char *copy = text[0] != '\0' ? arena_strdup(&make->dev->arena, text) : "";
    *good = *good && copy != NULL;
    return copy;
}

static int make_texts(struct make *make)
{
    const struct config_device *from = make->from;
    const struct config_device_parts *parts = from->parts;
    struct device *dev = make->dev;
    bool good = true;
    dev->name = copy_text(make, from->name, &good);
    dev->title = copy_text(make, from->title, &good);
    dev->place = copy_text(make, from->place, &good);
    dev->profile = copy_text(make, from->profile, &good);
    dev->protocol = copy_text(make, from->protocol->name, &good);
    struct free_label *labels = arena_alloc_array(&dev->arena, parts->label_count, sizeof(*labels));
    if (labels == NULL) {
        return no_memory(make);
    }
    for (size_t i = 0; i < parts->label_count; i++) {
        labels[i].key = copy_text(make, parts->labels[i].key, &good);
        labels[i].value = copy_text(make, parts->labels[i].value, &good);
    }
    dev->labels = labels;
    dev->label_count = parts->label_count;
    dev->hash = from->hash;
    dev->paused = !from->enabled;
    return good ? 0 : no_memory(make);
}

/* The device's own copy of a file's name. */
static const char *file_of(struct make *make, const char *name)
{
    for (size_t i = 0; i < make->dev->file_count; i++) {
        if (strcmp(make->files[i], name) == 0) {
            return make->files[i];
        }
    }
    return make->files[0];
}

/* NULL: memory is out. */
static struct settings *copy_settings(struct make *make, const struct settings *from)
{
    struct arena *arena = &make->dev->arena;
    struct settings *settings = arena_alloc(arena, sizeof(*settings));
    struct setting *set = arena_alloc_array(arena, from->count, sizeof(*set));
    if (settings == NULL || set == NULL) {
        return NULL;
    }
    bool good = true;
    for (size_t i = 0; i < from->count; i++) {
        set[i] = from->set[i];
        set[i].at.file = file_of(make, from->set[i].at.file);
        enum option_type type = from->options[set[i].option].type;
        if (type == OPTION_TEXT || type == OPTION_SECRET) {
            set[i].value.text = copy_text(make, set[i].value.text, &good);
        }
    }
    *settings = *from;
    settings->set = set;
    settings->at.file = file_of(make, from->at.file);
    return good ? settings : NULL;
}

static int make_settings(struct make *make)
{
    struct settings settings = config_device_settings(make->from);
    make->dev->settings = copy_settings(make, &settings);
    return make->dev->settings != NULL ? 0 : no_memory(make);
}

/* ---- points ---- */

/* One block for all names: a name alone would be rounded up to 16 bytes. */
static char *names_block(struct make *make)
{
    size_t size = 1;
    for (size_t i = 0; i < make->from->point_count; i++) {
        size += strlen(make->from->parts->points[i].name) + 1;
    }
    return arena_alloc(&make->dev->arena, size);
}

static const struct point_class *class_of(struct make *make, const struct config_point *point,
                                          const struct point_facts *facts)
{
    size_t slot = (((uintptr_t)point->cls ^ (uintptr_t)facts->enums) >> 4) % CLASS_CACHE;
    struct class_cache *cache = &make->cache[slot];
    if (cache->raw != point->cls || cache->units != facts->units || cache->enums != facts->enums ||
        cache->counter != facts->counter || cache->pushed != facts->pushed) {
        struct point_class cls;
        config_effective_class(make->from->parts, point, &cls);
        config_class_take(&cls, facts);
        if (facts->pushed && cls.stale_after_us == 0) {
            cls.stale_after_us = PERIODS_UNTIL_STALE * point->cls->every_us;
        }
        *cache = (struct class_cache){ .raw = point->cls,
                                       .units = facts->units,
                                       .enums = facts->enums,
                                       .counter = facts->counter,
                                       .pushed = facts->pushed,
                                       .shared = registry_class(make->registry, &cls) };
    }
    return cache->shared;
}

static int make_point(struct make *make, size_t index, const struct settings *device)
{
    const struct config_point *from = &make->from->parts->points[index];
    struct point *pt = &make->dev->points[index];
    struct setting set[CONFIG_OPTIONS_MAX];
    struct settings settings = config_point_settings(make->config, make->from, from, set);
    const struct config_protocol *protocol = make->from->protocol;
    bool good = true;
    char *address = (char *)make->dev->addresses + index * protocol->address_bytes;
    struct point_facts facts = { .arena = &make->dev->arena };
    facts.before = index > 0 ? address - protocol->address_bytes : NULL;
    int error = protocol->resolve(make->from->setup, device, &settings, address, &facts, make->err);
    if (error != 0) {
        return error;
    }
    pt->title = copy_text(make, from->title, &good);
    pt->device = make->dev;
    pt->cls = class_of(make, from, &facts);
    if (pt->cls == NULL || !good) {
        return no_memory(make);
    }
    pt->last.quality = QUALITY_NOT_YET;
    pt->line = from->line;
    pt->file = make->file_map[from->file];
    pt->value_type = config_value_type(&facts, pt->cls);
    pt->learns = pt->value_type == VALUE_NONE;
    pt->readable = facts.readable;
    pt->pushed = facts.pushed;
    pt->writable = facts.writable && pt->cls->write.allowed;
    pt->releasable = pt->writable && facts.releasable;
    uint8_t priority = pt->cls->write.priority != 0 ? pt->cls->write.priority : facts.priority;
    pt->priority = priority & POINT_PRIORITY_BITS;
    return 0;
}

static int make_points(struct make *make)
{
    struct device *dev = make->dev;
    size_t count = make->from->point_count;
    char *names = names_block(make);
    dev->points = arena_alloc_array(&dev->arena, count, sizeof(*dev->points));
    dev->addresses = arena_alloc_array(&dev->arena, count, make->from->protocol->address_bytes);
    if (names == NULL || dev->points == NULL || dev->addresses == NULL) {
        return no_memory(make);
    }
    struct settings device = config_device_settings(make->from);
    for (size_t i = 0; i < count; i++) {
        const char *name = make->from->parts->points[i].name;
        size_t size = strlen(name) + 1;
        memcpy(names, name, size);
        dev->points[i].name = names;
        names += size;
        int error = make_point(make, i, &device);
        if (error != 0) {
            return error;
        }
        dev->point_count = i + 1; /* what device_free() may look at */
    }
    const char *duplicate;
    if (!device_index_points(dev, &duplicate)) {
        return duplicate != NULL ? err_set(make->err, BUSBAR_EEXIST, "two points '%s'", duplicate)
                                 : no_memory(make);
    }
    return 0;
}

/* ---- commands ---- */

static bool make_presets(struct make *make, const struct config_command *from,
                         struct device_command *to)
{
    struct device_preset *presets = arena_alloc_array(&make->dev->arena, from->preset_count,
                                                      sizeof(*presets));
    bool good = presets != NULL;
    for (size_t i = 0; good && i < from->preset_count; i++) {
        const struct point *pt = device_point(make->dev, from->presets[i].point);
        good = pt != NULL; /* checked when it was loaded */
        if (good) {
            presets[i].point = (uint32_t)(pt - make->dev->points);
            presets[i].value = copy_text(make, from->presets[i].value, &good);
        }
    }
    to->presets = presets;
    to->preset_count = from->preset_count;
    return good;
}

/* After the points. */
static int make_commands(struct make *make)
{
    const struct config_command_list *from = &make->from->parts->commands;
    struct device_command *commands = arena_alloc_array(&make->dev->arena, from->count,
                                                        sizeof(*commands));
    bool good = commands != NULL;
    for (size_t i = 0; good && i < from->count; i++) {
        const struct config_command *command = &from->commands[i];
        commands[i].name = copy_text(make, command->named.name, &good);
        commands[i].title = copy_text(make, command->named.title, &good);
        commands[i].confirm = command->confirm;
        commands[i].settings = NULL;
        good = good && make_presets(make, command, &commands[i]);
        if (good && command->preset_count == 0) {
            struct settings settings = config_named_settings(make->from->protocol->command_options,
                                                             &command->named);
            commands[i].settings = copy_settings(make, &settings);
            good = commands[i].settings != NULL;
        }
    }
    make->dev->commands = commands;
    make->dev->command_count = from->count;
    return good ? 0 : no_memory(make);
}

static int make_events(struct make *make)
{
    const struct config_event_list *from = &make->from->parts->events;
    struct device_event *events = arena_alloc_array(&make->dev->arena, from->count,
                                                    sizeof(*events));
    bool good = events != NULL;
    for (size_t i = 0; good && i < from->count; i++) {
        const struct config_event *event = &from->events[i];
        struct settings settings = config_named_settings(make->from->protocol->event_options,
                                                         &event->named);
        events[i].name = copy_text(make, event->named.name, &good);
        events[i].title = copy_text(make, event->named.title, &good);
        events[i].text = copy_text(make, event->text, &good);
        events[i].severity = event->severity;
        events[i].settings = copy_settings(make, &settings);
        good = good && events[i].settings != NULL;
    }
    make->dev->events = events;
    make->dev->event_count = from->count;
    return good ? 0 : no_memory(make);
}

int config_make_device(const struct config *config, const struct config_device *from,
                       struct registry *registry, struct device **out, struct err *err)
{
    *out = NULL;
    struct make *make = busbar_alloc(sizeof(*make));
    make->config = config;
    make->from = from;
    make->registry = registry;
    make->err = err;
    make->dev = device_new();
    make->file_map = busbar_alloc_array(config->file_count + 1, sizeof(*make->file_map));
    int error = make_texts(make);
    error = error == 0 ? make_files(make) : error;
    error = error == 0 ? make_settings(make) : error;
    error = error == 0 ? make_points(make) : error;
    error = error == 0 ? make_commands(make) : error;
    error = error == 0 ? make_events(make) : error;
    if (error != 0) {
        device_free(make->dev);
    } else {
        *out = make->dev;
    }
    busbar_free(make->file_map);
    busbar_free(make);
    return error;
}

void config_relocate_device(const struct config *config, const struct config_device *from,
                            struct device *dev)
{
    struct make make = { .config = config, .from = from, .dev = dev };
    make.file_map = busbar_alloc_array(config->file_count + 1, sizeof(*make.file_map));
    const char *const *old_files = dev->files;
    size_t old_count = dev->file_count;
    if (make_files(&make) != 0) {
        dev->files = old_files; /* out of memory: the old places stay */
        dev->file_count = old_count;
    } else {
        bool same_points = dev->point_count == from->point_count;
        for (size_t i = 0; same_points && i < dev->point_count; i++) {
            dev->points[i].line = from->parts->points[i].line;
            dev->points[i].file = make.file_map[from->parts->points[i].file];
        }
    }
    busbar_free(make.file_map);
}
