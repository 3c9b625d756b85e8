/* SPDX-License-Identifier: Apache-2.0 */
/* Two configurations compared as a person would: devices by name, points by name, settings by key.
 * Equal hashes end the comparison of a device at once, so that a million unchanged points cost nothing.
 *
 * Every key of a thing is listed as text (`struct leaf`), old and new, and the lists are laid side by
 * side; so nothing that can be configured can be forgotten here without showing in one place. */
#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/map.h"
#include "base/str.h"
#include "config/store.h"

enum { LEAVES_MAX = 2 * CONFIG_OPTIONS_MAX + 32 };

struct leaf {
    const char *key;
    size_t value; /* offset in the text */
};

/* The keys of one device or point with their values as text. */
struct leaves {
    struct leaf list[LEAVES_MAX];
    size_t count;
    struct buf text;
};

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

/* ---- keys as text ---- */

static void leaves_begin(struct leaves *leaves)
{
    leaves->count = 0;
    buf_clear(&leaves->text);
}

/* Begins a value; what is appended to leaves->text until the next call belongs to it. */
static struct buf *leaf(struct leaves *leaves, const char *key)
{
    if (leaves->count > 0) {
        buf_append_byte(&leaves->text, '\0');
    }
    if (leaves->count < LEAVES_MAX) {
        leaves->list[leaves->count++] = (struct leaf){ .key = key, .value = leaves->text.size };
    }
    return &leaves->text;
}

static void leaf_text(struct leaves *leaves, const char *key, const char *text)
{
    if (text[0] != '\0') {
        buf_append_text(leaf(leaves, key), text);
    }
}

static void leaf_double(struct leaves *leaves, const char *key, double value)
{
    char text[64];
    str_format_double(text, sizeof(text), value);
    leaf_text(leaves, key, text);
}

static void leaf_duration(struct leaves *leaves, const char *key, int64_t us)
{
    char text[64] = "forever";
    if (us != -1) {
        str_format_duration(text, sizeof(text), us);
    }
    leaf_text(leaves, key, text);
}

static void leaf_labels(struct leaves *leaves, const struct free_label *labels, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        buf_printf(i == 0 ? leaf(leaves, "labels") : &leaves->text, "%s%s=%s", i > 0 ? ", " : "",
                   labels[i].key, labels[i].value);
    }
}

static void leaf_settings(struct leaves *leaves, const struct option *options,
                          const struct setting *set, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct option *option = &options[set[i].option];
        option_print(option, set[i].value, leaf(leaves, option->key));
    }
}

static void leaf_write(struct leaves *leaves, const struct point_write *write)
{
    if (!write->allowed) {
        return;
    }
    leaf_text(leaves, "write", "true");
    if (write->has_min) {
        leaf_double(leaves, "write.min", write->min);
    }
    if (write->has_max) {
        leaf_double(leaves, "write.max", write->max);
    }
    if (write->confirm) {
        leaf_text(leaves, "write.confirm", "true");
    }
    if (write->priority != 0) {
        buf_printf(leaf(leaves, "write.priority"), "%u", write->priority);
    }
    if (write->max_time_us != 0) {
        leaf_duration(leaves, "write.max_time", write->max_time_us);
    }
}

static void list_class(struct leaves *leaves, const struct point_class *cls)
{
    leaf_text(leaves, "units", cls->units);
    for (size_t i = 0; i < cls->enum_count; i++) {
        buf_printf(i == 0 ? leaf(leaves, "enum") : &leaves->text, "%s%" PRId64 "=%s",
                   i > 0 ? "|" : "", cls->enums[i].value, cls->enums[i].name);
    }
    leaf_double(leaves, "scale", cls->scale);
    leaf_double(leaves, "offset", cls->offset);
    if (cls->has_clamp) {
        leaf_double(leaves, "clamp.min", cls->clamp_min);
        leaf_double(leaves, "clamp.max", cls->clamp_max);
    }
    leaf_double(leaves, "deadband", cls->deadband);
    leaf_text(leaves, "counter", cls->counter ? "true" : "");
    leaf_duration(leaves, "every", cls->every_us);
    if (cls->stale_after_us != 0) {
        leaf_duration(leaves, "stale_after", cls->stale_after_us);
    }
    if (cls->keep_us != 0) {
        leaf_duration(leaves, "history", cls->keep_us);
    }
    leaf_write(leaves, &cls->write);
    leaf_labels(leaves, cls->labels, cls->label_count);
}

static void list_point(struct leaves *leaves, const struct config *config,
                       const struct config_device *dev, const struct config_point *point)
{
    struct setting set[CONFIG_OPTIONS_MAX];
    struct point_class cls;
    leaves_begin(leaves);
    leaf_text(leaves, "name", point->title);
    struct settings settings = config_point_settings(config, dev, point, set);
    leaf_settings(leaves, settings.options, settings.set, settings.count);
    config_effective_class(dev->parts, point, &cls);
    list_class(leaves, &cls);
}

static void list_device(struct leaves *leaves, const struct config_device *dev)
{
    leaves_begin(leaves);
    leaf_text(leaves, "name", dev->title);
    leaf_text(leaves, "place", dev->place);
    leaf_text(leaves, "profile", dev->profile);
    leaf_text(leaves, "protocol", dev->protocol->name);
    leaf_text(leaves, "enabled", dev->enabled ? "true" : "false");
    leaf_duration(leaves, "timeout", dev->timeout_us);
    buf_printf(leaf(leaves, "retries"), "%" PRId32, dev->retries);
    buf_printf(leaf(leaves, "in_flight"), "%" PRId32, dev->in_flight);
    leaf_labels(leaves, dev->parts->labels, dev->parts->label_count);
    leaf_settings(leaves, dev->protocol->device_options, dev->parts->set, dev->parts->set_count);
}

static void list_command(struct leaves *leaves, const struct config_device *dev,
                         const struct config_command *command)
{
    leaves_begin(leaves);
    leaf_text(leaves, "name", command->title);
    leaf_text(leaves, "confirm", command->confirm ? "true" : "");
    leaf_settings(leaves, dev->protocol->command_options, command->set, command->set_count);
    for (size_t i = 0; i < command->preset_count; i++) {
        leaf_text(leaves, command->presets[i].point, command->presets[i].value);
    }
}

static const char *leaf_value(const struct leaves *leaves, size_t index)
{
    return buf_text(&leaves->text) + leaves->list[index].value;
}

/* The value of the same key as number `index` of `of` has; where a key is there twice (the host's timeout, the
 * protocol's timeout), the same one of them. "" = not set. */
static const char *find_value(const struct leaves *leaves, const struct leaves *of, size_t index)
{
    const char *key = of->list[index].key;
    size_t before = 0;
    for (size_t i = 0; i < index; i++) {
        before += strcmp(of->list[i].key, key) == 0;
    }
    for (size_t i = 0; i < leaves->count; i++) {
        if (strcmp(leaves->list[i].key, key) == 0 && before-- == 0) {
            return leaf_value(leaves, i);
        }
    }
    return "";
}

/* work->before against work->after; what: the path before the key. Returns how many differ. */
static size_t compare_leaves(struct work *work, const char *what)
{
    char path[2 * POINT_NAME_MAX + 80];
    size_t found = 0;
    for (size_t i = 0; i < work->before.count; i++) {
        const char *key = work->before.list[i].key, *old = leaf_value(&work->before, i);
        const char *new = find_value(&work->after, &work->before, i);
        if (strcmp(old, new) != 0) {
            str_format(path, sizeof(path), "%s.%s", what, key);
            add(work, '~', path, old, new, "");
            found++;
        }
    }
    for (size_t i = 0; i < work->after.count; i++) {
        const char *key = work->after.list[i].key;
        if (find_value(&work->before, &work->after, i)[0] == '\0') {
            str_format(path, sizeof(path), "%s.%s", what, key);
            add(work, '~', path, "", leaf_value(&work->after, i), "");
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
        list_point(&work->before, work->old, old, was);
        list_point(&work->after, work->new, new, point);
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

static const struct config_command *find_command(const struct config_device *dev, const char *name)
{
    const struct config_command_list *list = &dev->parts->commands;
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->commands[i].name, name) == 0) {
            return &list->commands[i];
        }
    }
    return NULL;
}

static void compare_commands(struct work *work, const struct config_device *old,
                             const struct config_device *new)
{
    char path[2 * POINT_NAME_MAX + 16];
    for (size_t i = 0; i < new->parts->commands.count; i++) {
        const struct config_command *command = &new->parts->commands.commands[i];
        const struct config_command *was = find_command(old, command->name);
        str_format(path, sizeof(path), "%s.commands.%s", new->name, command->name);
        if (was == NULL) {
            add(work, '+', path, "", "", "");
            continue;
        }
        list_command(&work->before, old, was);
        list_command(&work->after, new, command);
        compare_leaves(work, path);
    }
    for (size_t i = 0; i < old->parts->commands.count; i++) {
        const char *name = old->parts->commands.commands[i].name;
        if (find_command(new, name) == NULL) {
            str_format(path, sizeof(path), "%s.commands.%s", old->name, name);
            add(work, '-', path, "", "", "");
        }
    }
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
    list_device(&work->before, old);
    list_device(&work->after, new);
    compare_leaves(work, new->name);
    compare_points(work, old, new);
    compare_commands(work, old, new);
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

static void list_settings(struct leaves *leaves, const struct settings *settings)
{
    leaves_begin(leaves);
    leaf_settings(leaves, settings->options, settings->set, settings->count);
}

/* Both lists are sorted by name. what: "drivers.bacnet.networks" */
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
            list_settings(&work->before, &old->parts[i].settings);
            list_settings(&work->after, &new->parts[k].settings);
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
    list_settings(&work->before, &old->settings);
    list_settings(&work->after, &new->settings);
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

/* ---- the sections ---- */

static void leaf_place(struct leaves *leaves, const char *key, const struct config_place *place)
{
    if (place->port == 0) {
        leaf_text(leaves, key, "off");
        return;
    }
    bool v6 = strchr(place->host, ':') != NULL;
    buf_printf(leaf(leaves, key), "%s%s%s:%u", v6 ? "[" : "", place->host, v6 ? "]" : "",
               place->port);
}

/* Its place counts too: the first that matches is the one. */
static void leaf_policy(struct leaves *leaves, const struct config_policy *policy, size_t place)
{
    char keep[64] = "forever";
    struct buf *out = leaf(leaves, policy->path);
    buf_printf(out, "%zu. %s", place, policy->match);
    if (policy->keep_us != 0) {
        if (policy->keep_us > 0) {
            str_format_duration(keep, sizeof(keep), policy->keep_us);
        }
        buf_printf(out, " keep %s", keep);
    }
    if (policy->max_bytes > 0) {
        buf_printf(out, " max_bytes %" PRIu64, policy->max_bytes);
    }
}

static void list_history(struct leaves *leaves, const struct config_history *history)
{
    leaf_duration(leaves, "history.keep", history->keep_us);
    buf_printf(leaf(leaves, "history.max_bytes"), "%" PRIu64, history->max_bytes);
    buf_printf(leaf(leaves, "history.free_bytes"), "%" PRIu64, history->free_bytes);
    leaf_duration(leaves, "history.commit", history->commit_us);
    if (history->tiers_keep_us == CONFIG_TIERS_OFF) {
        leaf_text(leaves, "history.tiers", "off");
    } else {
        leaf_duration(leaves, "history.tiers", history->tiers_keep_us);
    }
    leaf_duration(leaves, "history.cold_after", history->cold_after_us);
    leaf_duration(leaves, "history.events_keep", history->events_keep_us);
    for (size_t i = 0; i < history->policy_count; i++) {
        leaf_policy(leaves, &history->policies[i], i + 1);
    }
}

static void list_sections(struct leaves *leaves, const struct config *config)
{
    leaves_begin(leaves);
    leaf_text(leaves, "site.id", config->site.id);
    leaf_text(leaves, "site.name", config->site.name);
    leaf_text(leaves, "site.timezone", config->site.timezone);
    leaf_place(leaves, "server.http", &config->server.http);
    leaf_place(leaves, "server.time_series", &config->server.series);
    leaf_text(leaves, "server.socket", config->server.socket);
    leaf_text(leaves, "server.insecure", config->server.insecure ? "allow" : "");
    list_history(leaves, &config->history);
}

/* As compare_leaves(), but the keys are whole paths. */
static void compare_sections(struct work *work)
{
    list_sections(&work->before, work->old);
    list_sections(&work->after, work->new);
    for (size_t i = 0; i < work->before.count; i++) {
        const char *key = work->before.list[i].key, *old = leaf_value(&work->before, i);
        const char *new = find_value(&work->after, &work->before, i);
        if (strcmp(old, new) != 0) {
            add(work, '~', key, old, new, "");
        }
    }
    for (size_t i = 0; i < work->after.count; i++) {
        const char *key = work->after.list[i].key;
        if (find_value(&work->before, &work->after, i)[0] == '\0') {
            add(work, '~', key, "", leaf_value(&work->after, i), "");
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
