/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of one point. Those that every protocol shares are rows of one table; nested ones have a
 * dot in their key ("clamp.min"), which is also the name of their CSV column. The protocol's own keys
 * come from its table. A point that a profile has begins as a copy of the profile's. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "config/load.h"

#define DAY_US  (INT64_C(24) * 3600 * CLOCK_US_PER_S)
#define YEAR_US (365 * DAY_US)

enum leaf {
    LEAF_NAME,
    LEAF_ENABLED,
    LEAF_UNITS,
    LEAF_ENUM,
    LEAF_SCALE,
    LEAF_OFFSET,
    LEAF_CLAMP_MIN,
    LEAF_CLAMP_MAX,
    LEAF_DEADBAND,
    LEAF_COUNTER,
    LEAF_EVERY,
    LEAF_STALE,
    LEAF_KEEP,
    LEAF_WRITE,
    LEAF_WRITE_MIN,
    LEAF_WRITE_MAX,
    LEAF_WRITE_CONFIRM,
    LEAF_WRITE_PRIORITY,
    LEAF_WRITE_MAX_TIME,
    LEAF_COUNT
};

static const char *const forever[] = { "forever", NULL };

static const struct option leaf_options[] = {
    [LEAF_NAME] = { .key = "name", .type = OPTION_TEXT, .max = 200 },
    [LEAF_ENABLED] = { .key = "enabled", .type = OPTION_BOOL },
    [LEAF_UNITS] = { .key = "units", .type = OPTION_TEXT, .max = 32 },
    [LEAF_ENUM] = { .key = "enum", .type = OPTION_TEXT, .help = "open|closed, or 1=up|2=down" },
    [LEAF_SCALE] = { .key = "scale", .type = OPTION_DOUBLE },
    [LEAF_OFFSET] = { .key = "offset", .type = OPTION_DOUBLE },
    [LEAF_CLAMP_MIN] = { .key = "clamp.min", .type = OPTION_DOUBLE },
    [LEAF_CLAMP_MAX] = { .key = "clamp.max", .type = OPTION_DOUBLE },
    [LEAF_DEADBAND] = { .key = "deadband", .type = OPTION_DOUBLE },
    [LEAF_COUNTER] = { .key = "counter", .type = OPTION_BOOL },
    [LEAF_EVERY] = { .key = "every",
                     .type = OPTION_DURATION,
                     .min = CLOCK_US_PER_MS,
                     .max = 30 * DAY_US },
    [LEAF_STALE] = { .key = "stale_after",
                     .type = OPTION_DURATION,
                     .min = CLOCK_US_PER_MS,
                     .max = YEAR_US },
    [LEAF_KEEP] = { .key = "history",
                    .type = OPTION_DURATION,
                    .min = CLOCK_US_PER_S,
                    .max = 100 * YEAR_US,
                    .choices = forever,
                    .help = "how long values are kept, such as 2y or forever" },
    [LEAF_WRITE] = { .key = "write", .type = OPTION_BOOL, .help = "true, or { min: 16, max: 26 }" },
    [LEAF_WRITE_MIN] = { .key = "write.min", .type = OPTION_DOUBLE },
    [LEAF_WRITE_MAX] = { .key = "write.max", .type = OPTION_DOUBLE },
    [LEAF_WRITE_CONFIRM] = { .key = "write.confirm", .type = OPTION_BOOL },
    [LEAF_WRITE_PRIORITY] = { .key = "write.priority",
                              .type = OPTION_INT,
                              .min = 1,
                              .max = POINT_PRIORITIES,
                              .help = "1 goes first; what was written there can be released" },
    [LEAF_WRITE_MAX_TIME] = { .key = "write.max_time",
                              .type = OPTION_DURATION,
                              .min = CLOCK_US_PER_S,
                              .max = YEAR_US,
                              .help = "a write is released by itself after it, such as 4h" },
    [LEAF_COUNT] = { .key = NULL },
};

/* The common keys as YAML has them. */
static const char *const heads[] = { "name",    "units",    "enum",    "scale",  "offset",
                                     "clamp",   "deadband", "counter", "every",  "stale_after",
                                     "history", "write",    "labels",  "enabled" };

size_t point_words(const struct config_protocol *protocol, const char **words, size_t max)
{
    size_t count = 0;
    for (size_t i = 0; protocol->point_options[i].key != NULL && count + 1 < max; i++) {
        words[count++] = protocol->point_options[i].key;
    }
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]) && count + 1 < max; i++) {
        words[count++] = heads[i];
    }
    words[count] = NULL;
    return count;
}

void draft_begin(struct load *load, const struct config_point *base, uint16_t file,
                 struct position at, const char *name)
{
    struct draft *draft = &load->draft;
    draft->name = name;
    draft->at = at;
    draft->file = file;
    draft->scaled = false;
    draft->dropped = false;
    draft->errors = load->problems->errors;
    draft->clamp_at = draft->write_at = draft->every_at = draft->scaled_at = at;
    if (base != NULL) {
        draft->title = base->title;
        draft->cls = *base->cls;
        draft->set_count = base->set_count;
        memcpy(draft->set, base->set, base->set_count * sizeof(*base->set));
        draft->dropped = base->dropped;
        return;
    }
    draft->title = "";
    draft->cls = (struct point_class){ .units = "", .scale = 1 };
    draft->set_count = 0;
}

/* One key of the shared table: what it means. Texts are borrowed until draft_end(). */
static void take_number(struct draft *draft, enum leaf leaf, double number, struct position at)
{
    struct point_class *cls = &draft->cls;
    struct point_write *write = &cls->write;
    draft->scaled = draft->scaled || leaf <= LEAF_DEADBAND;
    draft->scaled_at = leaf <= LEAF_DEADBAND ? at : draft->scaled_at;
    switch (leaf) {
    case LEAF_SCALE: cls->scale = number; break;
    case LEAF_OFFSET: cls->offset = number; break;
    case LEAF_DEADBAND: cls->deadband = number; break;
    case LEAF_CLAMP_MIN:
        cls->clamp_max = cls->has_clamp ? cls->clamp_max : (double)INFINITY;
        cls->clamp_min = number;
        cls->has_clamp = true;
        draft->clamp_at = at;
        break;
    case LEAF_CLAMP_MAX:
        cls->clamp_min = cls->has_clamp ? cls->clamp_min : (double)-INFINITY;
        cls->clamp_max = number;
        cls->has_clamp = true;
        draft->clamp_at = at;
        break;
    case LEAF_WRITE_MIN:
        write->min = number;
        write->has_min = write->allowed = true;
        draft->write_at = at;
        break;
    default:
        write->max = number;
        write->has_max = write->allowed = true;
        draft->write_at = at;
        break;
    }
}

static void take_leaf(struct load *load, enum leaf leaf, union setting_value value,
                      struct position at)
{
    struct draft *draft = &load->draft;
    struct point_class *cls = &draft->cls;
    switch (leaf) {
    case LEAF_NAME: draft->title = load_text(load, value.text); break;
    case LEAF_ENABLED: draft->dropped = !value.b; break;
    case LEAF_UNITS: cls->units = value.text; break;
    case LEAF_COUNTER: cls->counter = value.b; break;
    case LEAF_EVERY:
        cls->every_us = value.i;
        draft->every_at = at;
        break;
    case LEAF_STALE: cls->stale_after_us = value.i; break;
    case LEAF_KEEP: cls->keep_us = value.i; break;
    case LEAF_WRITE:
        if (value.b) {
            cls->write.allowed = true;
        } else {
            cls->write = (struct point_write){ 0 };
        }
        draft->write_at = at;
        break;
    case LEAF_WRITE_CONFIRM:
        cls->write.confirm = value.b;
        cls->write.allowed = true;
        break;
    case LEAF_WRITE_PRIORITY:
        cls->write.priority = (uint8_t)value.i;
        cls->write.allowed = true;
        break;
    case LEAF_WRITE_MAX_TIME:
        cls->write.max_time_us = value.i;
        cls->write.allowed = true;
        break;
    default: take_number(draft, leaf, value.d, at); break;
    }
}

static void take_option(struct load *load, const struct option *options, int row,
                        union setting_value value, struct position at)
{
    struct draft *draft = &load->draft;
    if (!load_keep(load, &options[row], &value)) {
        return;
    }
    size_t place = 0;
    while (place < draft->set_count && draft->set[place].option != (unsigned)row) {
        place++;
    }
    if (place == CONFIG_OPTIONS_MAX) {
        return;
    }
    int column = at.column < 0 ? 0 : at.column > 4095 ? 4095 : at.column;
    draft->set[place] = (struct config_setting){
        .line = (uint32_t)at.line,
        .option = (unsigned)row & 0xffu,
        .file = draft->file & 0xfffu,
        .column = (unsigned)column & 0xfffu,
        .value = value,
    };
    draft->set_count += place == draft->set_count;
}

/* ---- enum ---- */

static void add_enum(struct load *load, const char *number, int64_t value, const char *name,
                     struct position at)
{
    struct draft *draft = &load->draft;
    struct point_class *cls = &draft->cls;
    if (number != NULL && str_parse_i64(number, &value) != 0) {
        problems_error(load->problems, at, "such as { 0: closed, 1: open }",
                       "'%.60s' is not a whole number: an enum names numbers", number);
        return;
    }
    if (name[0] == '\0' || strlen(name) > POINT_NAME_MAX) {
        problems_error(load->problems, at, NULL, "an enum's name has 1 to %d characters",
                       POINT_NAME_MAX);
        return;
    }
    if (cls->enum_count == POINT_ENUM_MAX) {
        problems_error(load->problems, at, NULL, "more than %d names in one enum", POINT_ENUM_MAX);
        return;
    }
    for (size_t i = 0; i < cls->enum_count; i++) {
        if (draft->enums[i].value == value || strcmp(draft->enums[i].name, name) == 0) {
            problems_error(load->problems, at, NULL, "'%.60s' is in this enum twice",
                           strcmp(draft->enums[i].name, name) == 0 ? name : number);
            return;
        }
    }
    size_t place = cls->enum_count++;
    for (; place > 0 && draft->enums[place - 1].value > value; place--) {
        draft->enums[place] = draft->enums[place - 1];
    }
    draft->enums[place] = (struct point_enum){ .value = value, .name = name };
}

static void begin_enum(struct draft *draft)
{
    draft->cls.enums = draft->enums;
    draft->cls.enum_count = 0;
}

static void key_enum(struct load *load, const struct yaml_node *node)
{
    uint16_t file = load->draft.file;
    if (node->kind == YAML_SCALAR) {
        problems_error(load->problems, load_at(load, file, node), NULL,
                       "'enum' wants a list [stopped, running] or a map { 1: up, 2: down }");
        return;
    }
    begin_enum(&load->draft);
    int64_t value = 0;
    for (const struct yaml_node *at = node->first; at != NULL; at = at->next, value++) {
        if (at->kind != YAML_SCALAR || at->secret) {
            problems_error(load->problems, load_at(load, file, at), NULL,
                           "a name in an enum is one word");
            continue;
        }
        const char *number = at->key != NULL ? at->key->text : NULL;
        add_enum(load, number, value, at->text,
                 load_at(load, file, at->key != NULL ? at->key : at));
    }
}

/* "stopped|running" or "1=up|2=down"; cut in place. */
static void cell_enum(struct load *load, char *text, struct position at)
{
    begin_enum(&load->draft);
    int64_t value = 0;
    for (char *next = text; next != NULL; value++) {
        char *part = next;
        next = strchr(part, '|');
        if (next != NULL) {
            *next++ = '\0';
        }
        char *equals = strchr(part, '=');
        if (equals != NULL) {
            *equals = '\0';
            add_enum(load, str_trim(part), 0, str_trim(equals + 1), at);
        } else {
            add_enum(load, NULL, value, str_trim(part), at);
        }
    }
}

/* ---- YAML ---- */

static int leaf_find(const char *prefix, const char *key)
{
    char dotted[64];
    str_format(dotted, sizeof(dotted), "%s%s%s", prefix, prefix[0] != '\0' ? "." : "", key);
    return option_find(leaf_options, dotted);
}

static void key_leaf(struct load *load, enum leaf leaf, const struct yaml_node *node)
{
    union setting_value value;
    if (load_scalar(load, load->draft.file, &leaf_options[leaf], node, &value)) {
        take_leaf(load, leaf, value, load_at(load, load->draft.file, node));
    }
}

/* clamp: { min, max } and write: { min, max, confirm ... } */
static void key_group(struct load *load, const struct yaml_node *node, const char *const *words)
{
    const char *group = node->key->text;
    uint16_t file = load->draft.file;
    if (!load_is_map(load, file, node, group)) {
        return;
    }
    for (const struct yaml_node *at = node->first; at != NULL; at = at->next) {
        int leaf = leaf_find(group, at->key->text);
        if (leaf >= 0) {
            key_leaf(load, (enum leaf)leaf, at);
            continue;
        }
        char hint[HINT_MAX];
        load_hint(hint, at->key->text, words);
        problems_error(load->problems, load_at(load, file, at->key), hint,
                       "unknown key '%.60s' in '%s'", at->key->text, group);
    }
}

static void key_write(struct load *load, const struct yaml_node *node)
{
    static const char *const words[] = { "min", "max", "confirm", "priority", "max_time", NULL };
    if (node->kind == YAML_SCALAR && !yaml_is_null(node)) {
        key_leaf(load, LEAF_WRITE, node);
        return;
    }
    load->draft.cls.write.allowed = true;
    load->draft.write_at = load_at(load, load->draft.file, node->key);
    key_group(load, node, words);
}

static void tell_unknown_key(struct load *load, const struct config_protocol *protocol,
                             const struct yaml_node *key)
{
    const char *words[CONFIG_OPTIONS_MAX + 16];
    char hint[HINT_MAX];
    point_words(protocol, words, sizeof(words) / sizeof(words[0]));
    load_hint(hint, key->text, words);
    if (strcmp(key->text, "unit") == 0) {
        str_format(hint, sizeof(hint),
                   "the engineering unit is 'units', a Modbus unit is 'unit_id'"
                   " of the device");
    }
    if (key->text[0] != '\0' && strspn(key->text, "0123456789") == strlen(key->text)) {
        str_format(hint, sizeof(hint), "a number has a point, not a comma: 0.%s", key->text);
    }
    problems_error(load->problems, load_at(load, load->draft.file, key), hint,
                   "unknown key '%.60s' in a %s point", key->text, protocol->name);
}

void draft_key(struct load *load, const struct config_protocol *protocol,
               const struct yaml_node *value)
{
    static const char *const clamp_words[] = { "min", "max", NULL };
    const char *key = value->key->text;
    struct draft *draft = &load->draft;
    int row = option_find(protocol->point_options, key);
    if (row >= 0) {
        union setting_value set;
        if (load_scalar(load, draft->file, &protocol->point_options[row], value, &set)) {
            take_option(load, protocol->point_options, row, set, load_at(load, draft->file, value));
        }
    } else if (strcmp(key, "enum") == 0) {
        key_enum(load, value);
    } else if (strcmp(key, "write") == 0) {
        key_write(load, value);
    } else if (strcmp(key, "clamp") == 0) {
        key_group(load, value, clamp_words);
    } else if (strcmp(key, "labels") == 0) {
        draft->cls.labels = draft->labels;
        draft->cls.label_count = load_labels(load, draft->file, value, draft->labels);
    } else {
        int leaf = strchr(key, '.') == NULL ? leaf_find("", key) : -1;
        if (leaf >= 0) {
            key_leaf(load, (enum leaf)leaf, value);
        } else {
            tell_unknown_key(load, protocol, value->key);
        }
    }
}

/* ---- CSV ---- */

bool point_column_find(const struct config_protocol *protocol, const char *name,
                       struct point_column *out)
{
    *out = (struct point_column){ .leaf = -1, .option = -1, .name = name };
    if (strncmp(name, "label.", 6) == 0 && name[6] != '\0') {
        out->label = name + 6;
        return true;
    }
    out->option = option_find(protocol->point_options, name);
    if (out->option < 0) {
        out->leaf = option_find(leaf_options, name);
    }
    return out->option >= 0 || out->leaf >= 0;
}

static void cell_label(struct load *load, const char *key, const char *text, struct position at)
{
    struct draft *draft = &load->draft;
    struct point_class *cls = &draft->cls;
    if (cls->labels != draft->labels) {
        cls->labels = draft->labels;
        cls->label_count = 0;
    }
    if (cls->label_count == CONFIG_LABELS_MAX) {
        problems_error(load->problems, at, NULL, "more than %d labels", (int)CONFIG_LABELS_MAX);
        return;
    }
    size_t place = cls->label_count++;
    for (; place > 0 && strcmp(draft->labels[place - 1].key, key) > 0; place--) {
        draft->labels[place] = draft->labels[place - 1];
    }
    draft->labels[place] = (struct free_label){ .key = key, .value = text };
}

void draft_cell(struct load *load, const struct config_protocol *protocol,
                const struct point_column *column, char *text, struct position at)
{
    union setting_value value;
    if (column->label != NULL) {
        cell_label(load, column->label, text, at);
    } else if (column->leaf == LEAF_ENUM) {
        cell_enum(load, text, at);
    } else if (column->leaf >= 0) {
        if (load_value(load, &leaf_options[column->leaf], column->name, text, false, at, &value)) {
            take_leaf(load, (enum leaf)column->leaf, value, at);
        }
    } else {
        const struct option *option = &protocol->point_options[column->option];
        bool secret = option->type == OPTION_SECRET && str_starts(text, "!secret ");
        if (load_value(load, option, column->name, secret ? text + 8 : text, secret, at, &value)) {
            take_option(load, protocol->point_options, column->option, value, at);
        }
    }
}

/* ---- the whole ---- */

static void check_draft(struct load *load)
{
    struct draft *draft = &load->draft;
    const struct point_class *cls = &draft->cls;
    char a[64], b[64];
    if (cls->scale == 0) {
        problems_error(load->problems, draft->scaled_at, NULL,
                       "scale 0 would make every value the same");
    }
    if (cls->deadband < 0) {
        problems_error(load->problems, draft->scaled_at, NULL, "a deadband is not negative");
    }
    if (cls->has_clamp && cls->clamp_min >= cls->clamp_max) {
        str_format_double(a, sizeof(a), cls->clamp_min);
        str_format_double(b, sizeof(b), cls->clamp_max);
        problems_error(load->problems, draft->clamp_at, NULL, "clamp: min %s is not below max %s",
                       a, b);
    }
    if (cls->write.has_min && cls->write.has_max && cls->write.min > cls->write.max) {
        str_format_double(a, sizeof(a), cls->write.min);
        str_format_double(b, sizeof(b), cls->write.max);
        problems_error(load->problems, draft->write_at, NULL, "write: min %s is above max %s", a,
                       b);
    }
    if (cls->enum_count > 0 && (cls->scale != 1 || cls->offset != 0)) {
        problems_error(load->problems, draft->scaled_at,
                       "an enum names the numbers as the device sends them",
                       "a point has an enum or a scale, not both");
    }
    if (cls->every_us > 0 && cls->stale_after_us > 0 && cls->stale_after_us < cls->every_us) {
        problems_warning(load->problems, draft->every_at, "make stale_after longer than every",
                         "this point turns stale before it is read again");
    }
}

static bool grow(struct point_list *list)
{
    size_t capacity = list->capacity > 0 ? list->capacity * 2 : 8;
    struct config_point *points = busbar_try_realloc(list->points, capacity * sizeof(*points));
    if (points == NULL) {
        return false;
    }
    list->points = points;
    list->capacity = capacity;
    return true;
}

bool draft_end(struct load *load, struct point_list *list)
{
    struct draft *draft = &load->draft;
    check_draft(load);
    const struct point_class *cls = class_set_intern(&load->store->classes, &draft->cls);
    struct config_setting *set = load_alloc(load, draft->set_count * sizeof(*set));
    const char *name = load_text(load, draft->name);
    if (cls == NULL || set == NULL || name == NULL || draft->title == NULL ||
        (list->count == list->capacity && !grow(list))) {
        load->out_of_memory = true;
        return false;
    }
    memcpy(set, draft->set, draft->set_count * sizeof(*set));
    int column = draft->at.column < 0 ? 0 : draft->at.column > UINT16_MAX ? 0 : draft->at.column;
    list->points[list->count++] = (struct config_point){
        .name = name,
        .title = draft->title,
        .cls = cls,
        .set = set,
        .line = (uint32_t)draft->at.line,
        .file = draft->file,
        .column = (uint16_t)column,
        .set_count = (uint8_t)draft->set_count,
        .dropped = draft->dropped,
        .broken = load->problems->errors > draft->errors,
    };
    return true;
}
