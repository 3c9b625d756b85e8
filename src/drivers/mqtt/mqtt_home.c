/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/mqtt/mqtt_home.h"

#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/str.h"

#define PREFIX "homeassistant/"
#define SUFFIX "/config"

enum { TEXT_MAX = 1024, CONFIG_MAX = 256 * 1024, PATH_ROOM = 512 };

/* Keys as they are written in full, and shortened. */
static const char *const keys[][2] = {
    { "name", "name" },
    { "unique_id", "uniq_id" },
    { "state_topic", "stat_t" },
    { "value_template", "val_tpl" },
    { "unit_of_measurement", "unit_of_meas" },
    { "command_topic", "cmd_t" },
    { "command_template", "cmd_tpl" },
    { "payload_on", "pl_on" },
    { "payload_off", "pl_off" },
    { "state_on", "stat_on" },
    { "state_off", "stat_off" },
    { "device", "dev" },
    { "identifiers", "ids" },
    { "manufacturer", "mf" },
    { "model", "mdl" },
    { "sw_version", "sw" },
    { "components", "cmps" },
    { "platform", "p" },
    { "state_value_template", "stat_val_tpl" },
};

/* ---- members ---- */

static const struct payload_node *member(const struct payload_node *object, const char *key)
{
    if (object == NULL || object->type != PAYLOAD_OBJECT) {
        return NULL;
    }
    const struct payload_node *found = payload_node_get(object, key, strlen(key));
    for (size_t i = 0; found == NULL && i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (strcmp(keys[i][0], key) == 0) {
            found = payload_node_get(object, keys[i][1], strlen(keys[i][1]));
        }
    }
    return found;
}

/* A copy of a text; "" when it is none, or too long. Caller frees. */
static char *text_of(const struct payload_node *node)
{
    bool fine = node != NULL && node->type == PAYLOAD_TEXT && node->size <= TEXT_MAX &&
                memchr(node->value.text, '\0', node->size) == NULL;
    return fine ? busbar_strndup(node->value.text, node->size) : busbar_strdup("");
}

static char *member_text(const struct payload_node *object, const char *key)
{
    const struct payload_node *node = member(object, key);
    if (node != NULL && node->type == PAYLOAD_ARRAY && node->size > 0) {
        node = node + 1; /* identifiers: the first */
    }
    if (node != NULL && node->type == PAYLOAD_INT) {
        char number[32];
        str_format(number, sizeof(number), "%lld", (long long)node->value.i);
        return busbar_strdup(number);
    }
    return text_of(node);
}

static bool member_number(const struct payload_node *object, const char *key, double *out)
{
    const struct payload_node *node = member(object, key);
    if (node != NULL && node->type == PAYLOAD_INT) {
        *out = (double)node->value.i;
        return true;
    }
    if (node != NULL && node->type == PAYLOAD_DOUBLE) {
        *out = node->value.d;
        return true;
    }
    return false;
}

/* A topic, with ~ at its beginning or end filled in. */
static char *topic_of(const struct payload_node *object, const char *key, const char *base)
{
    char *text = member_text(object, key);
    size_t size = strlen(text);
    char filled[2 * TEXT_MAX + 1];
    if (text[0] == '~') {
        str_format(filled, sizeof(filled), "%s%s", base, text + 1);
    } else if (size > 0 && text[size - 1] == '~') {
        str_format(filled, sizeof(filled), "%.*s%s", (int)(size - 1), text, base);
    } else {
        return text;
    }
    busbar_free(text);
    return busbar_strdup(filled);
}

/* ---- templates ---- */

static const char *skip_blanks(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r')) {
        at++;
    }
    return at;
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static bool take(const char **at, const char *end, const char *text)
{
    size_t size = strlen(text);
    if ((size_t)(end - *at) < size || memcmp(*at, text, size) != 0) {
        return false;
    }
    *at += size;
    return true;
}

/* One step: .name, ['name'], ["name"], [3]. 1: there is one; 0: there is none; -1: it is not understood. */
static int take_step(const char **at, const char *end, struct buf *out)
{
    const char *from = *at;
    if (take(at, end, ".")) {
        while (*at < end && is_word(**at)) {
            (*at)++;
        }
        return *at > from + 1 ? (buf_append(out, from, (size_t)(*at - from)), 1) : -1;
    }
    if (!take(at, end, "[")) {
        return 0;
    }
    char quote = *at < end ? **at : '\0';
    bool named = quote == '\'' || quote == '"';
    const char *name = named ? *at + 1 : *at;
    const char *close = name;
    while (close < end && (named ? *close != quote : *close >= '0' && *close <= '9')) {
        close++;
    }
    *at = close + (named ? 1 : 0);
    if (close >= end || close == name || memchr(name, '\\', (size_t)(close - name)) != NULL ||
        memchr(name, '\'', (size_t)(close - name)) != NULL || !take(at, end, "]")) {
        return -1;
    }
    (void)buf_printf(out, named ? "['%.*s']" : "[%.*s]", (int)(close - name), name);
    return 1;
}

/* Filters behind it that change no value we would keep otherwise. */
static bool take_filters(const char **at, const char *end)
{
    static const char *const harmless[] = { "float", "int" };
    *at = skip_blanks(*at, end);
    while (take(at, end, "|")) {
        bool known = false;
        *at = skip_blanks(*at, end);
        for (size_t i = 0; !known && i < sizeof(harmless) / sizeof(harmless[0]); i++) {
            known = take(at, end, harmless[i]);
        }
        const char *open = *at;
        if (known && take(at, end, "(")) { /* a default */
            while (*at < end && **at != ')') {
                (*at)++;
            }
            known = take(at, end, ")") && *at - open < 16;
        }
        if (!known) {
            return false;
        }
        *at = skip_blanks(*at, end);
    }
    return true;
}

bool mqtt_home_path(const char *text, size_t size, char *to, size_t room)
{
    const char *end = text + size;
    const char *at = skip_blanks(text, end);
    struct buf path;
    int step = 1;
    buf_init(&path, room > 1 ? room - 1 : 1);
    bool fine = take(&at, end, "{{");
    at = skip_blanks(at, end);
    bool json = fine && take(&at, end, "value_json");
    fine = fine && (json || take(&at, end, "value"));
    if (json) {
        (void)buf_append_text(&path, "$");
        while (step == 1) {
            step = take_step(&at, end, &path);
        }
        fine = step == 0;
    }
    fine = fine && take_filters(&at, end) && take(&at, end, "}}") && skip_blanks(at, end) == end &&
           !path.overflow;
    if (fine) {
        fine = str_copy(to, room, buf_text(&path));
    }
    buf_fini(&path);
    return fine;
}

/* `{{ value }}` of a command becomes {value}; "" when it does more. Caller frees. */
static char *command_of(const char *text)
{
    struct buf out;
    const char *at = text;
    bool fine = true;
    buf_init(&out, TEXT_MAX);
    while (fine && *at != '\0') {
        const char *open = strstr(at, "{{");
        const char *close = open != NULL ? strstr(open, "}}") : NULL;
        fine = strstr(at, "{%") == NULL && (open == NULL) == (close == NULL);
        if (!fine || open == NULL) {
            break;
        }
        const char *word = skip_blanks(open + 2, close);
        fine = take(&word, close, "value") && take_filters(&word, close) && word == close;
        (void)buf_printf(&out, "%.*s{value}", (int)(open - at), at);
        at = close + 2;
    }
    (void)buf_append_text(&out, at);
    char *copy = busbar_strdup(fine && !out.overflow ? buf_text(&out) : "");
    buf_fini(&out);
    return copy;
}

/* ---- one thing ---- */

static void set(char **to, char *text)
{
    busbar_free(*to);
    *to = text;
}

static void read_template(const struct payload_node *object, struct mqtt_entity *out)
{
    char path[PATH_ROOM];
    char *text = member_text(object, "value_template");
    if (text[0] == '\0') {
        set(&text, member_text(object, "state_value_template"));
    }
    out->understood = text[0] == '\0' || mqtt_home_path(text, strlen(text), path, sizeof(path));
    out->path = busbar_strdup(text[0] != '\0' && out->understood ? path : "");
    busbar_free(text);
}

/* How a command is written, by what the thing is. */
static void read_command(const struct payload_node *object, const char *base,
                         struct mqtt_entity *out)
{
    char words[2 * TEXT_MAX + 32];
    out->command_topic = topic_of(object, "command_topic", base);
    out->on = member_text(object, "payload_on");
    out->off = member_text(object, "payload_off");
    bool two = strcmp(out->component, "switch") == 0 || strcmp(out->component, "light") == 0 ||
               strcmp(out->component, "fan") == 0 || strcmp(out->component, "siren") == 0;
    char *schema = member_text(object, "schema");
    char *written = member_text(object, "command_template");
    bool plain = strpbrk(out->on, "|}{\"") == NULL && strpbrk(out->off, "|}{\"") == NULL;
    if (strcmp(schema, "json") == 0) {
        out->command = busbar_strdup("{\"state\": \"{value:ON|OFF}\"}");
        set(&out->path, busbar_strdup("$.state"));
        out->understood = true;
    } else if (written[0] != '\0') {
        out->command = command_of(written);
    } else if (two && plain) {
        str_format(words, sizeof(words), "{value:%s|%s}", out->on[0] != '\0' ? out->on : "ON",
                   out->off[0] != '\0' ? out->off : "OFF");
        out->command = busbar_strdup(words);
    } else {
        out->command = busbar_strdup(two ? "" : "{value}");
    }
    busbar_free(schema);
    busbar_free(written);
    char *state_on = member_text(object, "state_on");
    char *state_off = member_text(object, "state_off");
    if (state_on[0] != '\0' && state_off[0] != '\0') { /* the state is told by other words */
        set(&out->on, busbar_strdup(state_on));
        set(&out->off, busbar_strdup(state_off));
    }
    busbar_free(state_on);
    busbar_free(state_off);
}

static void read_device(const struct payload_node *device, struct mqtt_entity *out)
{
    out->device_id = member_text(device, "identifiers");
    out->device_name = member_text(device, "name");
    out->maker = member_text(device, "manufacturer");
    out->model = member_text(device, "model");
    out->version = member_text(device, "sw_version");
}

static bool read_entity(const struct payload_node *object, const struct payload_node *device,
                        const char *component, const char *id, const char *base,
                        const char *state_topic, struct mqtt_entity *out)
{
    *out = (struct mqtt_entity){ .component = busbar_strdup(component),
                                 .id = member_text(object, "unique_id"),
                                 .name = member_text(object, "name"),
                                 .unit = member_text(object, "unit_of_measurement"),
                                 .state_topic = topic_of(object, "state_topic", base) };
    if (out->id[0] == '\0') {
        set(&out->id, busbar_strdup(id));
    }
    if (out->state_topic[0] == '\0') {
        set(&out->state_topic, busbar_strdup(state_topic));
    }
    read_device(device, out);
    read_template(object, out);
    read_command(object, base, out);
    out->has_min = member_number(object, "min", &out->min);
    out->has_max = member_number(object, "max", &out->max);
    return out->state_topic[0] != '\0' || out->command_topic[0] != '\0';
}

/* ---- announcements ---- */

bool mqtt_home_is_config(const char *topic)
{
    return str_starts(topic, PREFIX) && str_ends(topic, SUFFIX) &&
           strchr(topic + strlen(PREFIX), '/') != NULL &&
           strlen(topic) > strlen(PREFIX) + strlen(SUFFIX);
}

static size_t read_components(const struct payload_node *root, const struct payload_node *device,
                              const char *base, struct mqtt_entity *list, size_t max)
{
    const struct payload_node *all = member(root, "components");
    char *shared = topic_of(root, "state_topic", base);
    size_t count = 0;
    const struct payload_node *one = all != NULL ? all + 1 : NULL;
    size_t size = all != NULL && all->type == PAYLOAD_OBJECT ? all->size : 0;
    for (size_t i = 0; i < size && count < max; i++, one += one->next) {
        char *component = member_text(one, "platform");
        char *id = busbar_strndup(one->key, one->key_size);
        if (one->type == PAYLOAD_OBJECT &&
            read_entity(one, device, component, id, base, shared, &list[count])) {
            count++;
        } else if (one->type == PAYLOAD_OBJECT) {
            mqtt_entity_fini(&list[count]);
        }
        busbar_free(component);
        busbar_free(id);
    }
    busbar_free(shared);
    return count;
}

size_t mqtt_home_read(const char *topic, const void *payload, size_t size,
                      struct payload_tree *tree, struct mqtt_entity *list, size_t max)
{
    char component[64];
    char id[TEXT_MAX];
    if (!mqtt_home_is_config(topic) || size == 0 || size > CONFIG_MAX || max == 0 ||
        payload_tree_json(tree, payload, size, NULL) != 0) {
        return 0;
    }
    const struct payload_node *root = payload_tree_root(tree);
    const struct payload_node *device = member(root, "device");
    const char *at = topic + strlen(PREFIX);
    size_t first = strcspn(at, "/");
    const char *last = topic + strlen(topic) - strlen(SUFFIX);
    str_format(component, sizeof(component), "%.*s", (int)first, at);
    if (root->type != PAYLOAD_OBJECT || last <= at + first) {
        return 0;
    }
    while (last[-1] != '/') {
        last--;
    }
    str_format(id, sizeof(id), "%.*s", (int)strcspn(last, "/"), last);
    char *base = member_text(root, "~");
    size_t count = 0;
    if (strcmp(component, "device") == 0) {
        count = read_components(root, device, base, list, max);
    } else if (read_entity(root, device, component, id, base, "", &list[0])) {
        count = 1;
    } else {
        mqtt_entity_fini(&list[0]);
    }
    busbar_free(base);
    return count;
}

/* ---- copies ---- */

enum { TEXTS = 15 };

static void texts_of(struct mqtt_entity *entity, char **texts[TEXTS])
{
    char **all[TEXTS] = { &entity->component, &entity->id,          &entity->name,
                          &entity->device_id, &entity->device_name, &entity->maker,
                          &entity->model,     &entity->version,     &entity->state_topic,
                          &entity->path,      &entity->unit,        &entity->command_topic,
                          &entity->command,   &entity->on,          &entity->off };
    memcpy(texts, all, sizeof(all));
}

void mqtt_entity_copy(struct mqtt_entity *to, const struct mqtt_entity *from)
{
    char **texts[TEXTS];
    *to = *from;
    texts_of(to, texts);
    for (size_t i = 0; i < TEXTS; i++) {
        *texts[i] = busbar_strdup(*texts[i]);
    }
}

void mqtt_entity_fini(struct mqtt_entity *entity)
{
    char **texts[TEXTS];
    texts_of(entity, texts);
    for (size_t i = 0; i < TEXTS; i++) {
        busbar_free(*texts[i]);
        *texts[i] = NULL;
    }
}
