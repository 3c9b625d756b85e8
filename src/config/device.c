/* SPDX-License-Identifier: Apache-2.0 */
/* Devices and profiles. A profile may leave its protocol to its heirs, so it is read when the first
 * heir asks, once for each protocol (nearly always one), and heirs share what was read. */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "config/load.h"

enum {
    DEVICE_NAME = COMMON_ROWS,
    DEVICE_PLACE,
    DEVICE_PROFILE,
    DEVICE_ENABLED,
    DEVICE_ROWS,
    DEVICE_WORDS_MAX = DEVICE_ROWS + 4 + 32 + 1
};

static const struct option own_options[] = {
    { .key = "name", .type = OPTION_TEXT, .max = 200 },
    { .key = "place", .type = OPTION_TEXT, .max = 200 },
    { .key = "profile", .type = OPTION_TEXT, .max = 128 },
    { .key = "enabled", .type = OPTION_BOOL },
};

/* Keys of versions to come: said as such, so that nobody hunts for a typing error. */
static const char *const later_keys[] = { "alarm", "alarms", "inputs", "states", "assets", NULL };

static bool in_list(const char *const *list, const char *word)
{
    while (*list != NULL && strcmp(*list, word) != 0) {
        list++;
    }
    return *list != NULL;
}

static const struct option *row_of(size_t row)
{
    return row < COMMON_ROWS ? &common_options[row] : &own_options[row - COMMON_ROWS];
}

static const struct config_protocol *protocol_find(const struct load *load, const char *name)
{
    for (size_t i = 0; i < load->env->protocol_count; i++) {
        if (strcmp(load->env->protocols[i].name, name) == 0) {
            return &load->env->protocols[i];
        }
    }
    return NULL;
}

static void protocol_words(const struct load *load, char *text, size_t size)
{
    size_t used = 0;
    for (size_t i = 0; i < load->env->protocol_count && used + 1 < size; i++) {
        used += str_format(text + used, size - used, "%s%s", i > 0 ? ", " : "",
                           load->env->protocols[i].name);
    }
}

static void tell_unknown(struct load *load, uint16_t file, const struct yaml_node *key,
                         const char *what)
{
    char text[HINT_MAX];
    struct position at = load_at(load, file, key);
    if (in_list(later_keys, key->text)) {
        problems_error(load->problems, at, "take it out until then",
                       "this version does not know '%s' in a %s yet", key->text, what);
        return;
    }
    const char *words[DEVICE_WORDS_MAX];
    size_t count = 0;
    words[count++] = "points";
    words[count++] = "labels";
    words[count++] = "commands";
    words[count++] = "events";
    for (size_t i = 0; i < load->env->protocol_count && count < 32; i++) {
        words[count++] = load->env->protocols[i].name;
    }
    for (size_t i = 0; i < DEVICE_ROWS; i++) {
        words[count++] = row_of(i)->key;
    }
    words[count] = NULL;
    load_hint(text, key->text, words);
    problems_error(load->problems, at, text, "unknown key '%.60s' in a %s", key->text, what);
}

/* The protocol a device or profile names by its key; told when it names two. */
static const struct config_protocol *named_protocol(struct load *load, uint16_t file,
                                                    const struct yaml_node *node,
                                                    const struct yaml_node **part)
{
    const struct config_protocol *found = NULL;
    *part = NULL;
    for (const struct yaml_node *at = node->first; at != NULL; at = at->next) {
        const struct config_protocol *protocol = protocol_find(load, at->key->text);
        if (protocol != NULL && found != NULL) {
            problems_error(load->problems, load_at(load, file, at->key), "make it two devices",
                           "'%s' and '%s': a device speaks one protocol", found->name,
                           protocol->name);
        } else if (protocol != NULL) {
            found = protocol;
            *part = at;
        }
    }
    return found;
}

static struct setting *read_part(struct load *load, uint16_t file, const struct yaml_node *part,
                                 const struct config_protocol *protocol, size_t *count)
{
    char where[96];
    *count = 0;
    if (part == NULL) {
        return NULL;
    }
    struct setting set[CONFIG_OPTIONS_MAX];
    str_format(where, sizeof(where), "in '%s'", protocol->name);
    size_t found = load_section(load, file, part, protocol->device_options, where, set);
    struct setting *kept = load_alloc(load, found * sizeof(*kept));
    if (kept != NULL) {
        memcpy(kept, set, found * sizeof(*kept));
        *count = found;
    }
    return kept;
}

static const struct free_label *read_labels(struct load *load, uint16_t file,
                                            const struct yaml_node *node, size_t *count)
{
    struct free_label labels[CONFIG_LABELS_MAX];
    *count = load_labels(load, file, node, labels);
    struct free_label *kept = load_alloc(load, *count * sizeof(*kept));
    if (kept == NULL) {
        *count = 0;
        return NULL;
    }
    memcpy(kept, labels, *count * sizeof(*kept));
    return kept;
}

/* The keys that are a row of the tables. False: the key is none of them. */
static bool read_row(struct load *load, uint16_t file, const struct yaml_node *node,
                     struct setting *set, size_t *count)
{
    for (size_t i = 0; i < DEVICE_ROWS; i++) {
        if (strcmp(row_of(i)->key, node->key->text) == 0) {
            struct setting *out = &set[*count];
            if (load_scalar(load, file, row_of(i), node, &out->value)) {
                out->option = (uint16_t)i;
                out->at = load_at(load, file, node);
                (*count)++;
            }
            return true;
        }
    }
    return false;
}

/* ---- profiles ---- */

void profile_note(struct load *load, uint16_t file, const struct yaml_node *profiles)
{
    if (!load_is_map(load, file, profiles, "profiles")) {
        return;
    }
    for (const struct yaml_node *at = profiles->first; at != NULL; at = at->next) {
        struct position place = load_at(load, file, at->key);
        const struct profile *other = map_get(&load->profiles, at->key->text);
        if (other != NULL) {
            problems_error(load->problems, place, NULL, "profile '%s' is also in %s:%d",
                           at->key->text, other->at.file, other->at.line);
            continue;
        }
        if (!load_name(load, "profile", at->key->text, place) ||
            !load_is_map(load, file, at, at->key->text)) {
            continue;
        }
        struct profile *profile = load_alloc(load, sizeof(*profile));
        const char *name = load_text(load, at->key->text);
        if (profile == NULL || name == NULL) {
            return;
        }
        *profile = (struct profile){ .name = name, .file = file, .at = place, .node = at };
        map_set(&load->profiles, name, profile);
    }
}

static void read_profile(struct load *load, const struct profile *profile, struct profile_use *use)
{
    struct setting set[DEVICE_ROWS] = { { 0 } };
    size_t count = 0;
    const struct yaml_node *part;
    named_protocol(load, profile->file, profile->node, &part);
    use->set = read_part(load, profile->file, part, use->protocol, &use->set_count);
    for (const struct yaml_node *at = profile->node->first; at != NULL; at = at->next) {
        const char *key = at->key->text;
        if (strcmp(key, "points") == 0) {
            points_read(load, profile->file, at, use->protocol, NULL, &use->list);
        } else if (strcmp(key, "labels") == 0) {
            use->labels = read_labels(load, profile->file, at, &use->label_count);
        } else if (strcmp(key, "commands") == 0) {
            use->commands = commands_read(load, profile->file, at, use->protocol);
        } else if (strcmp(key, "events") == 0) {
            use->events = events_read(load, profile->file, at, use->protocol);
        } else if (strcmp(key, "profile") == 0 || strcmp(key, "enabled") == 0) {
            problems_error(load->problems, load_at(load, profile->file, at->key), NULL,
                           "'%s' belongs to a device, not to a profile", key);
        } else if (!read_row(load, profile->file, at, set, &count) &&
                   protocol_find(load, key) == NULL) {
            tell_unknown(load, profile->file, at->key, "profile");
        }
    }
    common_take(&use->common, set, count);
    for (size_t i = 0; i < count; i++) {
        if (set[i].option == DEVICE_PLACE) {
            use->place = load_text(load, set[i].value.text);
        }
    }
}

static struct profile_use *profile_for(struct load *load, struct profile *profile,
                                       const struct config_protocol *protocol)
{
    for (struct profile_use *at = profile->uses; at != NULL; at = at->next) {
        if (at->protocol == protocol) {
            return at;
        }
    }
    struct profile_use *use = load_alloc(load, sizeof(*use));
    if (use == NULL) {
        return NULL;
    }
    *use = (struct profile_use){ .protocol = protocol, .next = profile->uses, .place = "" };
    profile->uses = use;
    common_init(&use->common);
    map_init(&use->by_name);
    read_profile(load, profile, use);
    map_reserve(&use->by_name, use->list.count);
    for (size_t i = 0; i < use->list.count; i++) {
        struct config_point *point = &use->list.points[i];
        const struct config_point *first = map_get(&use->by_name, point->name);
        if (first != NULL) {
            struct position at = { .file = load->sources[point->file].name,
                                   .line = (int)point->line,
                                   .column = point->column };
            problems_error(load->problems, at, NULL,
                           "point '%s' is here twice, the first is in %s:%u", point->name,
                           load->sources[first->file].name, first->line);
        } else {
            map_set(&use->by_name, point->name, point);
        }
    }
    return use;
}

/* What no device uses is checked all the same. */
static void check_unused(struct load *load, struct profile *profile)
{
    const struct yaml_node *part;
    const struct config_protocol *protocol = named_protocol(load, profile->file, profile->node,
                                                            &part);
    if (protocol == NULL && load->env->protocol_count == 1) {
        protocol = &load->env->protocols[0];
    }
    if (protocol != NULL) {
        profile_for(load, profile, protocol);
    } else {
        problems_warning(load->problems, profile->at, "name its protocol, such as 'modbus: {}'",
                         "no device uses profile '%s', its points are not checked", profile->name);
    }
}

/* ---- devices ---- */

static bool keep_device(struct load *load, struct device_build *build)
{
    if (load->device_count == load->device_capacity) {
        size_t capacity = load->device_capacity > 0 ? load->device_capacity * 2 : 64;
        struct device_build **order = busbar_try_realloc(load->order,
                                                         capacity * sizeof(struct device_build *));
        if (order == NULL) {
            load->out_of_memory = true;
            return false;
        }
        load->order = order;
        load->device_capacity = capacity;
    }
    load->order[load->device_count++] = build;
    map_set(&load->devices, build->name, build);
    return true;
}

void device_note(struct load *load, uint16_t file, const struct yaml_node *devices)
{
    if (!load_is_map(load, file, devices, "devices")) {
        return;
    }
    for (const struct yaml_node *at = devices->first; at != NULL; at = at->next) {
        struct position place = load_at(load, file, at->key);
        const struct device_build *other = map_get(&load->devices, at->key->text);
        if (other != NULL) {
            problems_error(load->problems, place, "names are unique over all files",
                           "device '%s' is also in %s:%d", at->key->text, other->at.file,
                           other->at.line);
            continue;
        }
        if (load->device_count == CONFIG_DEVICES_MAX) {
            problems_error(load->problems, place, NULL, "more than %d devices",
                           (int)CONFIG_DEVICES_MAX);
            return;
        }
        if (!load_name(load, "device", at->key->text, place) ||
            !load_is_map(load, file, at, at->key->text)) {
            continue;
        }
        struct device_build *build = load_alloc(load, sizeof(*build));
        const char *name = load_text(load, at->key->text);
        if (build == NULL || name == NULL) {
            return;
        }
        *build = (struct device_build){ .name = name,
                                        .title = "",
                                        .place = "",
                                        .file = file,
                                        .node = at,
                                        .at = place,
                                        .enabled = true };
        common_init(&build->common);
        if (!keep_device(load, build)) {
            return;
        }
    }
}

static void find_profile(struct load *load, struct device_build *build, const struct setting *set)
{
    build->profile = map_get(&load->profiles, set->value.text);
    if (build->profile != NULL || load->incomplete) {
        return;
    }
    const char **names = busbar_alloc_array(load->profiles.count + 1, sizeof(*names));
    size_t at = 0, count = 0;
    while (map_next(&load->profiles, &at, &names[count], NULL)) {
        count++;
    }
    char hint[HINT_MAX] = "there is no profile at all: profiles: { NAME: { points: ... } }";
    const char *nearest = str_nearest(set->value.text, names, count);
    if (nearest != NULL) {
        const struct profile *profile = map_get(&load->profiles, nearest);
        str_format(hint, sizeof(hint), "nearest is '%s' (%s:%d)", nearest, profile->at.file,
                   profile->at.line);
    }
    problems_error(load->problems, set->at, nearest != NULL || count == 0 ? hint : NULL,
                   "no profile '%.100s'", set->value.text);
    busbar_free(names);
}

/* False: the profile it names is not there. */
static bool take_rows(struct load *load, struct device_build *build, const struct setting *set,
                      size_t count)
{
    bool found = true;
    common_take(&build->common, set, count);
    for (size_t i = 0; i < count; i++) {
        switch (set[i].option) {
        case DEVICE_NAME: build->title = load_text(load, set[i].value.text); break;
        case DEVICE_PLACE: build->place = load_text(load, set[i].value.text); break;
        case DEVICE_PROFILE:
            find_profile(load, build, &set[i]);
            found = found && build->profile != NULL;
            break;
        case DEVICE_ENABLED: build->enabled = set[i].value.b; break;
        default: break;
        }
    }
    return found;
}

/* The protocol is what the device names, else what its profile names. */
static void find_protocol(struct load *load, struct device_build *build, bool other_told)
{
    const struct yaml_node *part, *ignored;
    build->protocol = named_protocol(load, build->file, build->node, &part);
    build->protocol_at = build->at;
    if (part != NULL) {
        build->protocol_at = load_at(load, build->file, part->key);
        size_t errors = load->problems->errors;
        build->set = read_part(load, build->file, part, build->protocol, &build->set_count);
        build->broken = load->problems->errors > errors;
    } else if (build->profile != NULL) {
        build->protocol = named_protocol(load, build->profile->file, build->profile->node,
                                         &ignored);
    }
    if (build->protocol == NULL && !other_told && !load->incomplete) {
        char words[HINT_MAX], hint[HINT_MAX + 32];
        protocol_words(load, words, sizeof(words));
        str_format(hint, sizeof(hint), "add one of: %s", words);
        problems_error(load->problems, build->at, hint, "device '%s' names no protocol",
                       build->name);
    }
}

static void read_device(struct load *load, struct device_build *build)
{
    struct setting set[DEVICE_ROWS] = { { 0 } };
    size_t count = 0;
    const struct yaml_node *points = NULL, *commands = NULL, *events = NULL;
    bool other_protocol = false;
    for (const struct yaml_node *at = build->node->first; at != NULL; at = at->next) {
        const char *key = at->key->text;
        if (strcmp(key, "points") == 0) {
            points = at;
        } else if (strcmp(key, "labels") == 0) {
            build->labels = read_labels(load, build->file, at, &build->label_count);
        } else if (strcmp(key, "commands") == 0) {
            commands = at;
        } else if (strcmp(key, "events") == 0) {
            events = at;
        } else if (!read_row(load, build->file, at, set, &count) &&
                   protocol_find(load, key) == NULL) {
            tell_unknown(load, build->file, at->key, "device");
            /* What is not known may well be the protocol: saying that it lacks would be noise. */
            other_protocol = other_protocol || at->kind == YAML_MAP;
        }
    }
    bool found = take_rows(load, build, set, count);
    find_protocol(load, build, other_protocol || !found);
    if (build->protocol == NULL) {
        return;
    }
    if (build->profile != NULL) {
        build->use = profile_for(load, build->profile, build->protocol);
    }
    if (points != NULL) {
        points_read(load, build->file, points, build->protocol,
                    build->use != NULL ? &build->use->by_name : NULL, &build->own);
    }
    if (commands != NULL) {
        build->commands = commands_read(load, build->file, commands, build->protocol);
    }
    if (events != NULL) {
        build->events = events_read(load, build->file, events, build->protocol);
    }
}

void device_read_all(struct load *load)
{
    for (size_t i = 0; i < load->device_count && !load->out_of_memory; i++) {
        read_device(load, load->order[i]);
    }
    size_t at = 0;
    void *value;
    while (!load->out_of_memory && map_next(&load->profiles, &at, NULL, &value)) {
        struct profile *profile = value;
        if (profile->uses == NULL) {
            check_unused(load, profile);
        }
    }
}

void device_build_free(struct load *load)
{
    for (size_t i = 0; i < load->device_count; i++) {
        point_list_fini(&load->order[i]->own);
    }
    size_t at = 0;
    void *value;
    while (map_next(&load->profiles, &at, NULL, &value)) {
        for (struct profile_use *use = ((struct profile *)value)->uses; use != NULL;
             use = use->next) {
            point_list_fini(&use->list);
            map_fini(&use->by_name);
        }
    }
    busbar_free(load->order);
}
