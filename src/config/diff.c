/* SPDX-License-Identifier: Apache-2.0 */
/* Two configurations compared as a person would: devices by name, points by name, settings by key.
 * Equal hashes end the comparison of a device at once, so that a million unchanged points cost nothing.
 *
 * Every key of a thing is listed as text (`struct leaf`), old and new, and the lists are laid side by
 * side; so nothing that can be configured can be forgotten here without showing in one place. */
#include <string.h>

#include "base/alloc.h"
#include "base/map.h"
#include "base/str.h"
#include "config/diff_leaves.h"
#include "config/load.h"

struct work {
    struct config_diff *diff;
    const struct config *old, *new;
    struct leaves before, after;
    bool out_of_memory;
};

/* ---- the list of changes ---- */

static const char *keep(struct work *work, const char *text)
{
    const char *copy = text[0] != '\0' ? arena_strdup(&work->diff->arena, text) : "";
    work->out_of_memory = work->out_of_memory || copy == NULL;
    return copy;
}

static void add(struct work *work, char kind, const char *what, const char *old, const char *new,
                const char *note)
{
    struct config_diff *diff = work->diff;
    if (diff->total++ >= CONFIG_CHANGES_MAX) {
        return;
    }
    struct config_change *change = &diff->changes[diff->count++];
    *change = (struct config_change){
        .kind = kind, .what = keep(work, what), .old = keep(work, old), .new = keep(work, new)
    };
    if (kind == '~') {
        change->text = arena_printf(&diff->arena, "~ %s %s -> %s", what,
                                    old[0] != '\0' ? old : "(not set)",
                                    new[0] != '\0' ? new : "(not set)");
    } else {
        change->text = arena_printf(&diff->arena, "%c %s%s", kind, what, note);
    }
    work->out_of_memory = work->out_of_memory || change->text == NULL;
}

static size_t compare_leaves(struct work *work, const char *what)
{
    char path[2 * POINT_NAME_MAX + 80];
    size_t found = 0;
    for (size_t i = 0; i < work->before.count; i++) {
        const char *key = work->before.list[i].key, *old = diff_leaf_value(&work->before, i);
        const char *new = diff_leaf_find(&work->after, &work->before, i);
        if (strcmp(old, new) != 0) {
            str_format(path, sizeof(path), "%s.%s", what, key);
            add(work, '~', path, old, new, "");
            found++;
        }
    }
    for (size_t i = 0; i < work->after.count; i++) {
        const char *key = work->after.list[i].key;
        if (diff_leaf_find(&work->before, &work->after, i)[0] == '\0') {
            str_format(path, sizeof(path), "%s.%s", what, key);
            add(work, '~', path, "", diff_leaf_value(&work->after, i), "");
            found++;
        }
    }
    return found;
}

/* ---- devices ---- */

static void index_points(const struct config_device *dev, struct map *map)
{
    map_init(map);
    map_reserve(map, dev->point_count);
    for (size_t i = 0; i < dev->point_count; i++) {
        map_set(map, dev->parts->points[i].name, (void *)(uintptr_t)&dev->parts->points[i]);
    }
}

static void compare_points(struct work *work, const struct config_device *old,
                           const struct config_device *new)
{
    char path[2 * POINT_NAME_MAX + 2];
    struct map before, after;
    index_points(old, &before);
    index_points(new, &after);
    for (size_t i = 0; i < new->point_count; i++) {
        const struct config_point *point = &new->parts->points[i];
        const struct config_point *was = map_get(&before, point->name);
        str_format(path, sizeof(path), "%s/%s", new->name, point->name);
        if (was == NULL) {
            add(work, '+', path, "", "", "");
            continue;
        }
        diff_list_point(&work->before, work->old, old, was);
        diff_list_point(&work->after, work->new, new, point);
        compare_leaves(work, path);
    }
    for (size_t i = 0; i < old->point_count; i++) {
        const char *name = old->parts->points[i].name;
        if (map_get(&after, name) == NULL) {
            str_format(path, sizeof(path), "%s/%s", old->name, name);
            add(work, '-', path, "", "", " (history kept)");
        }
    }
    map_fini(&before);
    map_fini(&after);
}

/* Commands or events: things with names of their own below a device. */
struct named_work {
    struct work *work;
    const struct config_device *old, *new;
    const char *what; /* "commands" */
    size_t size;      /* bytes of an item */
    void (*list)(struct leaves *leaves, const struct config_device *dev,
                 const struct config_named *named);
};

static const struct config_named *named_item(const struct named_work *named, struct named_list list,
                                             size_t index)
{
    return (const void *)((const char *)list.items + index * named->size);
}

static void compare_named(const struct named_work *named, struct named_list old,
                          struct named_list new)
{
    char path[2 * POINT_NAME_MAX + 16];
    struct work *work = named->work;
    for (size_t i = 0; i < new.count; i++) {
        const struct config_named *is = named_item(named, new, i);
        const struct config_named *was = named_find(old.items, old.count, named->size, is->name);
        str_format(path, sizeof(path), "%s.%s.%s", named->new->name, named->what, is->name);
        if (was == NULL) {
            add(work, '+', path, "", "", "");
            continue;
        }
        named->list(&work->before, named->old, was);
        named->list(&work->after, named->new, is);
        compare_leaves(work, path);
    }
    for (size_t i = 0; i < old.count; i++) {
        const char *name = named_item(named, old, i)->name;
        if (named_find(new.items, new.count, named->size, name) == NULL) {
            str_format(path, sizeof(path), "%s.%s.%s", named->old->name, named->what, name);
            add(work, '-', path, "", "", "");
        }
    }
}

static void compare_commands(struct work *work, const struct config_device *old,
                             const struct config_device *new)
{
    struct config_command_list was = old->parts->commands, is = new->parts->commands;
    const struct named_work named = { .work = work,
                                      .old = old,
                                      .new = new,
                                      .what = "commands",
                                      .size = sizeof(*is.commands),
                                      .list = diff_list_command };
    compare_named(&named, (struct named_list){ was.commands, was.count },
                  (struct named_list){ is.commands, is.count });
}

static void compare_events(struct work *work, const struct config_device *old,
                           const struct config_device *new)
{
    struct config_event_list was = old->parts->events, is = new->parts->events;
    const struct named_work named = { .work = work,
                                      .old = old,
                                      .new = new,
                                      .what = "events",
                                      .size = sizeof(*is.events),
                                      .list = diff_list_event };
    compare_named(&named, (struct named_list){ was.events, was.count },
                  (struct named_list){ is.events, is.count });
}

static void note_count(char *note, size_t size, const struct config_device *dev, const char *tail)
{
    str_format(note, size, " (%s, %zu point%s%s)", dev->protocol->name, dev->point_count,
               dev->point_count == 1 ? "" : "s", tail);
}

static void compare_device(struct work *work, const struct config_device *old,
                           const struct config_device *new)
{
    if (old->hash == new->hash) {
        return;
    }
    work->diff->stopped[work->diff->stopped_count++] = keep(work, new->name);
    if (old->own_hash == new->own_hash) { /* it is its driver's setup */
        return;
    }
    size_t before = work->diff->total;
    diff_list_device(&work->before, old);
    diff_list_device(&work->after, new);
    compare_leaves(work, new->name);
    compare_points(work, old, new);
    compare_commands(work, old, new);
    compare_events(work, old, new);
    if (work->diff->total == before) {
        /* The order of points or commands, or the value behind a secret. */
        add(work, '~', new->name, "(order or secret)", "(order or secret)", "");
    }
}

/* Both lists are sorted by name. */
static void compare_devices(struct work *work)
{
    const struct config *old = work->old, *new = work->new;
    size_t i = 0, k = 0, old_count = old != NULL ? old->device_count : 0;
    char note[128];
    while (i < old_count || k < new->device_count) {
        int order = i == old_count           ? 1
                    : k == new->device_count ? -1
                                             : strcmp(old->devices[i].name, new->devices[k].name);
        if (order == 0) {
            compare_device(work, &old->devices[i++], &new->devices[k++]);
        } else if (order < 0) {
            note_count(note, sizeof(note), &old->devices[i], ", history kept");
            add(work, '-', old->devices[i++].name, "", "", note);
        } else {
            note_count(note, sizeof(note), &new->devices[k], "");
            add(work, '+', new->devices[k++].name, "", "", note);
        }
    }
}

/* ---- drivers ---- */

static void compare_parts(struct work *work, const char *what, const struct setup *old,
                          const struct setup *new)
{
    char path[2 * POINT_NAME_MAX + 80];
    size_t i = 0, k = 0;
    while (i < old->part_count || k < new->part_count) {
        int order = i == old->part_count   ? 1
                    : k == new->part_count ? -1
                                           : strcmp(old->parts[i].name, new->parts[k].name);
        const char *name = order <= 0 ? old->parts[i].name : new->parts[k].name;
        str_format(path, sizeof(path), "%s.%s", what, name);
        if (order != 0) {
            add(work, order < 0 ? '-' : '+', path, "", "", "");
        } else {
            diff_list_settings(&work->before, &old->parts[i].settings);
            diff_list_settings(&work->after, &new->parts[k].settings);
            compare_leaves(work, path);
        }
        i += order <= 0 ? 1 : 0;
        k += order >= 0 ? 1 : 0;
    }
}

static void compare_driver(struct work *work, const struct config_protocol *protocol,
                           const struct setup *old, const struct setup *new)
{
    char path[POINT_NAME_MAX], parts[POINT_NAME_MAX + 80];
    size_t before = work->diff->total;
    str_format(path, sizeof(path), "drivers.%s", protocol->name);
    if (old->given != new->given) {
        add(work, new->given ? '+' : '-', path, "", "", "");
        return;
    }
    diff_list_settings(&work->before, &old->settings);
    diff_list_settings(&work->after, &new->settings);
    compare_leaves(work, path);
    if (protocol->parts_key != NULL) {
        str_format(parts, sizeof(parts), "%s.%s", path, protocol->parts_key);
        compare_parts(work, parts, old, new);
    }
    uint64_t old_files = old->prepared != NULL ? old->prepared->hash : 0;
    uint64_t new_files = new->prepared != NULL ? new->prepared->hash : 0;
    if (work->diff->total == before && old->hash != new->hash) {
        const char *what = old_files != new_files ? "(its files)" : "(secret)";
        add(work, '~', path, what, what, "");
    }
}

static void compare_drivers(struct work *work)
{
    for (size_t i = 0; i < work->new->driver_count; i++) {
        const struct config_driver *new = &work->new->drivers[i];
        const struct config_driver *old = config_driver(work->old, new->protocol->name);
        if (old != NULL) {
            compare_driver(work, new->protocol, old->setup, new->setup);
        }
    }
}

/* ---- sinks ---- */

static void compare_sink(struct work *work, const struct config_sink *old,
                         const struct config_sink *new)
{
    char path[POINT_NAME_MAX + 16];
    size_t before = work->diff->total;
    str_format(path, sizeof(path), "sinks.%s", new->name);
    if (old->kind == new->kind) {
        diff_list_settings(&work->before, &old->own->settings);
        diff_list_settings(&work->after, &new->own->settings);
        compare_leaves(work, path);
        diff_list_settings(&work->before, &old->common->settings);
        diff_list_settings(&work->after, &new->common->settings);
        compare_leaves(work, path);
    } else {
        add(work, '~', path, old->kind->name, new->kind->name, "");
    }
    if (work->diff->total == before && old->hash != new->hash) {
        add(work, '~', path, "(secret)", "(secret)", "");
    }
}

/* Both lists are sorted by name. */
static void compare_sinks(struct work *work)
{
    const struct config *old = work->old, *new = work->new;
    char path[POINT_NAME_MAX + 16];
    size_t i = 0, k = 0;
    while (i < old->sink_count || k < new->sink_count) {
        int order = i == old->sink_count   ? 1
                    : k == new->sink_count ? -1
                                           : strcmp(old->sinks[i].name, new->sinks[k].name);
        if (order == 0) {
            compare_sink(work, &old->sinks[i++], &new->sinks[k++]);
            continue;
        }
        const struct config_sink *sink = order < 0 ? &old->sinks[i++] : &new->sinks[k++];
        str_format(path, sizeof(path), "sinks.%s", sink->name);
        add(work, order < 0 ? '-' : '+', path, "", "",
            order < 0 ? " (what it did not publish yet stays in history)" : "");
    }
}

/* ---- the sections ---- */

static void compare_sections(struct work *work)
{
    diff_list_sections(&work->before, work->old);
    diff_list_sections(&work->after, work->new);
    for (size_t i = 0; i < work->before.count; i++) {
        const char *key = work->before.list[i].key, *old = diff_leaf_value(&work->before, i);
        const char *new = diff_leaf_find(&work->after, &work->before, i);
        if (strcmp(old, new) != 0) {
            add(work, '~', key, old, new, "");
        }
    }
    for (size_t i = 0; i < work->after.count; i++) {
        const char *key = work->after.list[i].key;
        if (diff_leaf_find(&work->before, &work->after, i)[0] == '\0') {
            add(work, '~', key, "", diff_leaf_value(&work->after, i), "");
        }
    }
}

int config_diff(const struct config *old, const struct config *new, struct config_diff *diff)
{
    *diff = (struct config_diff){ 0 };
    arena_init(&diff->arena, 0);
    diff->changes = arena_alloc_array(&diff->arena, CONFIG_CHANGES_MAX, sizeof(*diff->changes));
    diff->stopped = arena_alloc_array(&diff->arena, new->device_count + 1, sizeof(*diff->stopped));
    struct work *work = busbar_try_alloc(sizeof(*work));
    if (diff->changes == NULL || diff->stopped == NULL || work == NULL) {
        busbar_free(work);
        config_diff_fini(diff);
        return BUSBAR_ENOMEM;
    }
    work->diff = diff;
    work->old = old;
    work->new = new;
    buf_init(&work->before.text, 1 << 20);
    buf_init(&work->after.text, 1 << 20);
    if (old != NULL) {
        compare_sections(work);
        compare_drivers(work);
        compare_sinks(work);
    }
    compare_devices(work);
    bool failed = work->out_of_memory;
    buf_fini(&work->before.text);
    buf_fini(&work->after.text);
    busbar_free(work);
    if (failed) {
        config_diff_fini(diff);
        return BUSBAR_ENOMEM;
    }
    return 0;
}

void config_diff_fini(struct config_diff *diff)
{
    arena_fini(&diff->arena);
    *diff = (struct config_diff){ 0 };
}

void config_diff_print(const struct config_diff *diff, struct buf *out)
{
    for (size_t i = 0; i < diff->count; i++) {
        buf_append_text(out, diff->changes[i].text);
        buf_append_byte(out, '\n');
    }
    if (diff->total > diff->count) {
        buf_printf(out, "... and %zu more changes\n", diff->total - diff->count);
    }
}

void config_diff_json(const struct config_diff *diff, struct json_writer *json)
{
    json_begin_array(json);
    for (size_t i = 0; i < diff->count; i++) {
        const struct config_change *change = &diff->changes[i];
        const char *kind = change->kind == '+'   ? "added"
                           : change->kind == '-' ? "removed"
                                                 : "changed";
        json_begin_object(json);
        json_put_string(json, "kind", kind);
        json_put_string(json, "what", change->what);
        json_put_string(json, "old", change->old);
        json_put_string(json, "new", change->new);
        json_put_string(json, "text", change->text);
        json_end_object(json);
    }
    json_end_array(json);
}
