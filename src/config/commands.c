/* SPDX-License-Identifier: Apache-2.0 */
/* What a device can be told to do:
 *
 *   commands:
 *     reset: { method: "nsu=urn:acme:press;s=Reset", confirm: true }   # the protocol's own
 *     boost: { sat-sp: 23, fan: high }                                 # presets: points and values
 *
 * A key that is none of ours and none of the protocol's names a point: which ones there are is known when
 * the device is complete, so presets are checked then. */
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/str.h"
#include "config/load.h"

static const struct option common[] = {
    { .key = "name", .type = OPTION_TEXT, .max = 200, .help = "a title for people" },
    { .key = "confirm", .type = OPTION_BOOL, .help = "ask before it is run: true or false" },
    { 0 },
};
enum { COMMON_NAME, COMMON_CONFIRM };

/* One command while its keys are read. */
struct draft_command {
    struct config_command *command;
    struct named_draft own;
    struct config_preset presets[CONFIG_PRESETS_MAX];
    size_t preset_count;
};

/* ---- reading ---- */

static void read_common(struct load *load, uint16_t file, const struct yaml_node *at, int row,
                        struct config_command *command)
{
    union setting_value value;
    if (!load_scalar(load, file, &common[row], at, &value)) {
        return;
    }
    if (row == COMMON_CONFIRM) {
        command->confirm = value.b;
    } else {
        command->named.title = load_text(load, value.text);
    }
}

static void read_preset(struct load *load, uint16_t file, const struct yaml_node *at,
                        struct draft_command *draft)
{
    struct position place = load_at(load, file, at->key);
    if (draft->preset_count == CONFIG_PRESETS_MAX) {
        problems_error(load->problems, place, NULL, "a command writes at most %d points",
                       (int)CONFIG_PRESETS_MAX);
        return;
    }
    bool scalar = at->kind == YAML_SCALAR && !yaml_is_null(at);
    draft->presets[draft->preset_count++] = (struct config_preset){
        .point = load_text(load, at->key->text),
        .value = scalar ? load_text(load, at->text) : NULL,
        .at = load_at(load, file, at),
        .key_at = place,
        .secret = at->secret,
    };
}

static void keep_draft(struct load *load, const struct draft_command *draft)
{
    struct config_command *command = draft->command;
    struct config_preset *presets = load_alloc(load, draft->preset_count * sizeof(*presets));
    if (presets != NULL) {
        memcpy(presets, draft->presets, draft->preset_count * sizeof(*presets));
        command->presets = presets;
        command->preset_count = draft->preset_count;
    }
    named_end(load, &draft->own, &command->named);
}

static void read_command(struct load *load, uint16_t file, const struct yaml_node *node,
                         const struct config_protocol *protocol, struct draft_command *draft)
{
    draft->own.errors = load->problems->errors;
    for (const struct yaml_node *at = node->first; at != NULL; at = at->next) {
        const struct option *options = protocol->command_options;
        int row = option_find(common, at->key->text);
        int own = options != NULL ? option_find(options, at->key->text) : -1;
        if (row >= 0) {
            read_common(load, file, at, row, draft->command);
        } else if (own >= 0) {
            named_option(load, file, at, options, own, &draft->own);
        } else {
            read_preset(load, file, at, draft);
        }
    }
    keep_draft(load, draft);
}

struct config_command_list commands_read(struct load *load, uint16_t file,
                                         const struct yaml_node *node,
                                         const struct config_protocol *protocol)
{
    struct config_command_list list = { 0 };
    if (!load_is_map(load, file, node, "commands")) {
        return list;
    }
    struct config_command *commands = load_alloc(load, named_count(node) * sizeof(*commands));
    struct draft_command *draft = busbar_alloc(sizeof(*draft));
    for (const struct yaml_node *at = node->first; at != NULL && commands != NULL; at = at->next) {
        if (list.count == CONFIG_COMMANDS_MAX) {
            problems_error(load->problems, load_at(load, file, at->key), NULL,
                           "a device has at most %d commands", (int)CONFIG_COMMANDS_MAX);
            break;
        }
        *draft = (struct draft_command){ .command = &commands[list.count] };
        *draft->command = (struct config_command){ 0 };
        if (named_begin(load, file, at, "command", &draft->command->named)) {
            read_command(load, file, at, protocol, draft);
            list.count++;
        }
    }
    busbar_free(draft);
    list.commands = commands;
    return list;
}

/* ---- profile and device ---- */

struct config_command_list commands_merge(struct load *load, struct config_command_list base,
                                          struct config_command_list own)
{
    struct config_command_list merged = { 0 };
    if (base.count == 0 || own.count == 0) {
        return base.count == 0 ? own : base;
    }
    merged.commands = named_merge(load, (struct named_list){ base.commands, base.count },
                                  (struct named_list){ own.commands, own.count },
                                  sizeof(*own.commands), &merged.count);
    return merged;
}

/* ---- checking ---- */

struct check {
    struct load *load;
    const struct config_device *dev;
    const struct config_command *command;
    void *address;
};

static const struct config_point *find_point(const struct config_device *dev, const char *name)
{
    for (size_t i = 0; i < dev->point_count; i++) {
        if (strcmp(dev->parts->points[i].name, name) == 0) {
            return &dev->parts->points[i];
        }
    }
    return NULL;
}

static size_t add_keys(const struct option *options, const char **words, size_t count)
{
    for (; options != NULL && options->key != NULL; options++) {
        words[count++] = options->key;
    }
    return count;
}

/* A key that is nothing: a slip in a word of the protocol, or in the name of a point. */
static void tell_no_point(const struct check *check, const struct config_preset *preset)
{
    const struct config_device *dev = check->dev;
    const char **words = busbar_alloc_array(CONFIG_OPTIONS_MAX + 3 + dev->point_count,
                                            sizeof(*words));
    char hint[HINT_MAX];
    size_t count = add_keys(dev->protocol->command_options, words, 0);
    count = add_keys(common, words, count);
    for (size_t i = 0; i < dev->point_count; i++) {
        words[count++] = dev->parts->points[i].name;
    }
    words[count] = NULL;
    load_hint(hint, preset->point, words);
    problems_error(check->load->problems, preset->key_at, hint,
                   "'%.60s' in command '%s' is no key of it and no point of '%s'", preset->point,
                   check->command->named.name, dev->name);
    busbar_free(words);
}

static bool is_number(const char *text)
{
    double number;
    return str_parse_double(text, &number) == 0;
}

/* Whether the text can be a value of the point at all; its limits are the write's own matter. */
static bool fits(const struct point_class *cls, uint8_t type, const char *value)
{
    for (size_t i = 0; i < cls->enum_count; i++) {
        if (strcmp(cls->enums[i].name, value) == 0) {
            return true;
        }
    }
    switch (type) {
    case VALUE_BOOL:
        return strcmp(value, "true") == 0 || strcmp(value, "false") == 0 || is_number(value);
    case VALUE_INT:
    case VALUE_DOUBLE: return is_number(value);
    default: return true;
    }
}

static void check_value(const struct check *check, const struct config_preset *preset,
                        const struct config_point *point, const struct point_facts *facts)
{
    struct problems *problems = check->load->problems;
    struct point_class cls = *point->cls;
    uint8_t type = config_value_type(facts, &cls);
    double number = 0;
    config_class_take(&cls, facts);
    const struct point_write *write = &point->cls->write;
    if (preset->value == NULL || preset->secret) {
        problems_error(problems, preset->at, "command: { point: value, other-point: value }",
                       "command '%s' needs one value for '%s'", check->command->named.name,
                       point->name);
    } else if (!fits(&cls, type, preset->value)) {
        problems_error(problems, preset->at, NULL, "'%.60s' is no value of '%s', which is a %s",
                       preset->value, point->name, value_type_word(type));
    } else if (str_parse_double(preset->value, &number) == 0 &&
               ((write->has_min && number < write->min) ||
                (write->has_max && number > write->max))) {
        problems_error(problems, preset->at, NULL,
                       "%s is outside of what may be written to '%s' (min and max of its 'write')",
                       preset->value, point->name);
    }
}

static void check_preset(const struct check *check, const struct config_preset *preset)
{
    struct load *load = check->load;
    const struct config_device *dev = check->dev;
    const struct config_point *point = find_point(dev, preset->point);
    struct setting set[CONFIG_OPTIONS_MAX];
    struct point_facts facts = { 0 };
    struct err err = { 0 };
    if (point == NULL && !load->incomplete) {
        tell_no_point(check, preset);
    }
    if (point == NULL || point->broken) {
        return;
    }
    struct settings device = config_device_settings(dev);
    struct settings settings = config_point_settings(load->config, dev, point, set);
    memset(check->address, 0, dev->protocol->address_bytes);
    if (dev->protocol->resolve(dev->setup, &device, &settings, check->address, &facts, &err) != 0) {
        return; /* told with the point */
    }
    if (!point->cls->write.allowed || !facts.writable) {
        problems_error(load->problems, preset->key_at, "give the point 'write: true'",
                       "command '%s' writes '%s', which may not be written",
                       check->command->named.name, point->name);
        return;
    }
    check_value(check, preset, point, &facts);
}

static void check_command(const struct check *check)
{
    struct problems *problems = check->load->problems;
    const struct config_command *command = check->command;
    const struct config_named *named = &command->named;
    const struct config_protocol *protocol = check->dev->protocol;
    struct settings device = config_device_settings(check->dev);
    struct settings settings = config_named_settings(protocol->command_options, named);
    struct err err = { 0 };
    for (size_t i = 0; i < command->preset_count; i++) {
        check_preset(check, &command->presets[i]);
    }
    if (named->broken) {
        return;
    }
    if (named->set_count > 0 && command->preset_count > 0) {
        problems_error(problems, named->at, "make it two commands",
                       "command '%s' has '%s', so it cannot also write points", named->name,
                       protocol->command_options[named->set[0].option].key);
    } else if (named->set_count == 0 && command->preset_count == 0) {
        problems_error(problems, named->at, "name points and the values to write: { fan: on }",
                       "command '%s' does nothing", named->name);
    } else if (named->set_count > 0 && protocol->check_command != NULL &&
               protocol->check_command(&device, &settings, &err) != 0) {
        problems_err(problems, &err, named->at);
    }
}

void commands_check(struct load *load, const struct config_device *dev, void *address)
{
    struct config_command_list list = dev->parts->commands;
    for (size_t i = 0; i < list.count; i++) {
        check_command(&(struct check){
            .load = load, .dev = dev, .command = &list.commands[i], .address = address });
    }
}

/* ---- hash ---- */

uint64_t commands_hash(const struct load *load, const struct config_device *dev, uint64_t hash)
{
    struct config_command_list list = dev->parts->commands;
    for (size_t i = 0; i < list.count; i++) {
        const struct config_command *command = &list.commands[i];
        hash = named_hash(load, dev->protocol->command_options, &command->named, hash);
        hash = load_mix(hash, command->confirm);
        for (size_t k = 0; k < command->preset_count; k++) {
            const char *value = command->presets[k].value;
            hash = load_mix(hash, hash_text(command->presets[k].point));
            hash = load_mix(hash, hash_text(value != NULL ? value : ""));
        }
    }
    return hash;
}
