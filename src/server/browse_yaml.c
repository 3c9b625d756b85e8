/* SPDX-License-Identifier: Apache-2.0 */
/* Proposals as text to paste. The driver wrote the settings; names, and what stands in comments, came
 * from the device, so nothing but letters, digits and '-' goes into a name, and no line end into a
 * comment. */
#include <ctype.h>
#include <string.h>

#include "base/str.h"
#include "server/browse.h"

enum { COMMENT_MAX = 160, NAMES_TRIED_MAX = 10000 };

/* "RTU-9 (roof)" -> "rtu-9-roof"; "" when nothing of it can be in a name. */
static void make_name(const char *from, char *to, size_t size)
{
    size_t used = 0;
    for (; *from != '\0' && used + 1 < size; from++) {
        unsigned char c = (unsigned char)*from;
        if (c < 0x80 && isalnum(c)) {
            to[used++] = (char)tolower(c);
        } else if (used > 0 && to[used - 1] != '-') {
            to[used++] = '-';
        }
    }
    while (used > 0 && to[used - 1] == '-') {
        used--;
    }
    to[used] = '\0';
}

/* As much of a text as a comment takes, without line ends. */
static void put_comment(struct buf *out, const char *text)
{
    size_t size = str_utf8_cut(text, strlen(text), COMMENT_MAX);
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        (void)buf_append_byte(out, c < 0x20 || c == 0x7f ? ' ' : c);
    }
}

/* A JSON string is a YAML one. */
static void put_quoted(struct buf *out, const char *text)
{
    struct json_writer json = json_writer(out);
    json_string(&json, text);
}

/* ---- names ---- */

struct yaml {
    const struct browse *browse;
    const struct device *device; /* that it is pasted into; NULL: a new one */
    struct arena arena;          /* names */
    struct map names;            /* used in this text */
    struct shape shape;
    struct buf *out;
    size_t count;
};

static bool is_taken(const struct yaml *yaml, const char *name)
{
    return map_get(&yaml->names, name) != NULL ||
           (yaml->device != NULL && device_point(yaml->device, name) != NULL);
}

/* NULL: no memory, or very many of one name. */
static const char *point_name(struct yaml *yaml, const struct driver_node *node)
{
    char name[POINT_NAME_MAX + 1];
    const char *from = node->point_name != NULL && node->point_name[0] != '\0' ? node->point_name
                                                                               : node->name;
    make_name(from, name, sizeof(name) - 8);
    if (name[0] == '\0') {
        make_name(node->id, name, sizeof(name) - 8);
    }
    const char *made = arena_strdup(&yaml->arena, name[0] != '\0' ? name : "point");
    for (unsigned n = 2; made != NULL && is_taken(yaml, made); n++) {
        made = n < NAMES_TRIED_MAX ? arena_printf(&yaml->arena, "%s-%u", name, n) : NULL;
    }
    if (made != NULL) {
        map_set(&yaml->names, made, yaml);
    }
    return made;
}

static int device_name(const struct browse *browse, const char *asked, char *to, size_t size,
                       struct err *err)
{
    const struct registry *registry = browse->browses->server->config.registry;
    char made[DEVICE_NAME_MAX + 1], name[DEVICE_NAME_MAX + 1];
    if (asked != NULL) {
        make_name(asked, made, sizeof(made));
        if (strcmp(made, asked) != 0) {
            err_set(err, BUSBAR_EINVAL, "'%.100s' cannot name a device", asked);
            return err_hint(err, "lower case, digits, '-' between words%s%s",
                            made[0] != '\0' ? ": " : "", made);
        }
        str_copy(to, size, made);
        return 0;
    }
    make_name(browse->title, made, sizeof(made) - 8);
    if (made[0] == '\0') {
        str_format(made, sizeof(made), "%s-%u", browse->protocol, browse->find);
    }
    str_copy(name, sizeof(name), made);
    for (unsigned n = 2; registry_device(registry, name) != NULL; n++) {
        str_format(name, sizeof(name), "%.100s-%u", made, n);
    }
    str_copy(to, size, name);
    return 0;
}

/* ---- lines ---- */

static void put_point(struct yaml *yaml, const struct driver_node *node, const char *name)
{
    const char *value = nodes_value_text(&yaml->shape, node);
    const char *words[] = { node->name, node->description, value };
    const char *before = " # ";
    (void)buf_printf(yaml->out, "      %s: %s", name, node->point);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (words[i][0] != '\0') {
            (void)buf_append_text(yaml->out, before);
            put_comment(yaml->out, words[i]);
            before = ", ";
        }
    }
    (void)buf_append_byte(yaml->out, '\n');
    yaml->count++;
}

static bool is_chosen(const struct browse *browse, const struct browse_choice *choice,
                      const struct driver_node *node)
{
    if (node->point == NULL || browse_added_path(browse, node) != NULL) {
        return false;
    }
    return choice->all ||
           (choice->of != NULL ? map_get(choice->of, node->id) != NULL : node->proposed);
}

static int put_points(struct yaml *yaml, const struct browse_choice *choice, struct err *err)
{
    const struct nodes *nodes = &yaml->browse->nodes;
    for (size_t i = 0; i < nodes->count; i++) {
        if (!is_chosen(yaml->browse, choice, nodes->list[i])) {
            continue;
        }
        const char *name = yaml->count < BROWSE_YAML_POINTS_MAX ? point_name(yaml, nodes->list[i])
                                                                : NULL;
        if (name == NULL) {
            err_set(err, BUSBAR_ELIMIT, "one text has at most %d points", BROWSE_YAML_POINTS_MAX);
            return err_hint(err, "choose fewer, a branch after the other");
        }
        put_point(yaml, nodes->list[i], name);
    }
    return 0;
}

/* Commands are chosen one by one, or all: nothing that makes a device do something comes unasked. */
static int put_commands(struct yaml *yaml, const struct browse_choice *choice, const char *head,
                        struct err *err)
{
    const struct nodes *nodes = &yaml->browse->nodes;
    size_t count = 0;
    for (size_t i = 0; i < nodes->count; i++) {
        const struct driver_node *node = nodes->list[i];
        bool chosen = choice->all || (choice->of != NULL && map_get(choice->of, node->id) != NULL);
        if (node->command == NULL || !chosen) {
            continue;
        }
        const char *name = count < BROWSE_YAML_POINTS_MAX ? point_name(yaml, node) : NULL;
        if (name == NULL) {
            return err_set(err, BUSBAR_ELIMIT, "one text has at most %d commands",
                           BROWSE_YAML_POINTS_MAX);
        }
        (void)buf_append_text(yaml->out, count++ == 0 ? head : "");
        (void)buf_printf(yaml->out, "      %s: %s", name, node->command);
        if (node->description[0] != '\0') {
            (void)buf_append_text(yaml->out, " # ");
            put_comment(yaml->out, node->description);
        }
        (void)buf_append_byte(yaml->out, '\n');
    }
    yaml->count += count;
    return 0;
}

static int put_into_device(struct yaml *yaml, const struct browse_choice *choice, struct err *err)
{
    const struct device *dev = yaml->device;
    (void)buf_printf(yaml->out, "      # below 'points:' of %s, %s:%u\n", dev->name,
                     dev->file_count > 0 ? dev->files[0] : "", dev->line);
    int error = put_points(yaml, choice, err);
    error = error == 0 ? put_commands(yaml, choice, "      # below 'commands:' of it\n", err)
                       : error;
    if (error == 0 && yaml->count == 0) {
        (void)buf_append_text(yaml->out,
                              "      # nothing: all that was chosen are points already\n");
    }
    return error;
}

static int put_new_device(struct yaml *yaml, const struct browse_choice *choice, struct err *err)
{
    const struct browse *browse = yaml->browse;
    char name[DEVICE_NAME_MAX + 1];
    int error = device_name(browse, choice->name, name, sizeof(name), err);
    if (error != 0) {
        return error;
    }
    (void)buf_append_text(yaml->out, "# ");
    put_comment(yaml->out, browse->about[0] != '\0' ? browse->about : browse->settings);
    (void)buf_printf(yaml->out, "\ndevices:\n  %s:\n", name);
    if (browse->title[0] != '\0') {
        (void)buf_append_text(yaml->out, "    name: ");
        put_quoted(yaml->out, browse->title);
        (void)buf_append_byte(yaml->out, '\n');
    }
    (void)buf_printf(yaml->out, "    %s: %s\n    points:\n", browse->protocol, browse->settings);
    error = put_points(yaml, choice, err);
    if (error == 0 && yaml->count == 0) {
        (void)buf_append_text(yaml->out, "      {}\n");
    }
    return error == 0 ? put_commands(yaml, choice, "    commands:\n", err) : error;
}

int browse_yaml(const struct browse *browse, const struct browse_choice *choice, struct buf *out,
                struct err *err)
{
    const struct server *server = browse->browses->server;
    struct yaml yaml = { .browse = browse, .out = out };
    shape_init(&yaml.shape, server);
    arena_init(&yaml.arena, 0);
    map_init(&yaml.names);
    yaml.device = browse->device[0] != '\0'
                      ? registry_device(server->config.registry, browse->device)
                      : NULL;
    int error = 0;
    if (browse->device[0] != '\0' && yaml.device == NULL) {
        error = err_set(err, BUSBAR_ENOENT, "device '%s' is not configured any more",
                        browse->device);
    } else if (yaml.device != NULL) {
        error = put_into_device(&yaml, choice, err);
    } else {
        error = put_new_device(&yaml, choice, err);
    }
    map_fini(&yaml.names);
    arena_fini(&yaml.arena);
    shape_fini(&yaml.shape);
    return error;
}
