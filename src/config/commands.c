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
    struct setting set[CONFIG_OPTIONS_MAX];
    struct config_preset presets[CONFIG_PRESETS_MAX];
    size_t set_count, preset_count;
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
        command->title = load_text(load, value.text);
    }
}

static void read_option(struct load *load, uint16_t file, const struct yaml_node *at,
                        const struct option *options, int row, struct draft_command *draft)
{
    struct setting *out = &draft->set[draft->set_count];
    if (!load_scalar(load, file, &options[row], at, &out->value)) {
        return;
    }
    out->option = (uint16_t)row;
    out->at = load_at(load, file, at);
    if (options[row].type == OPTION_TEXT || options[row].type == OPTION_SECRET) {
        out->value.text = load_text(load, out->value.text);
    }
    draft->set_count++;
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

static void keep_draft(struct load *load, struct draft_command *draft)
{
    struct setting *set = load_alloc(load, draft->set_count * sizeof(*set));
    struct config_preset *presets = load_alloc(load, draft->preset_count * sizeof(*presets));
    if (set == NULL || presets == NULL) {
        return;
    }
    memcpy(set, draft->set, draft->set_count * sizeof(*set));
    memcpy(presets, draft->presets, draft->preset_count * sizeof(*presets));
    draft->command->set = set;
    draft->command->set_count = draft->set_count;
    draft->command->presets = presets;
    draft->command->preset_count = draft->preset_count;
}

static void read_command(struct load *load, uint16_t file, const struct yaml_node *node,
                         const struct config_protocol *protocol, struct draft_command *draft)
{
    struct config_command *command = draft->command;
    size_t errors = load->problems->errors;
    for (const struct yaml_node *at = node->first; at != NULL; at = at->next) {
        const struct option *options = protocol->command_options;
        int row = option_find(common, at->key->text);
        int own = options != NULL ? option_find(options, at->key->text) : -1;
        if (row >= 0) {
            read_common(load, file, at, row, command);
        } else if (own >= 0) {
            read_option(load, file, at, options, own, draft);
        } else {
            read_preset(load, file, at, draft);
        }
    }
    keep_draft(load, draft);
    command->broken = load->problems->errors > errors || load->out_of_memory;
}

static size_t count_members(const struct yaml_node *node)
{
    size_t count = 0;
    for (const struct yaml_node *at = node->first; at != NULL; at = at->next) {
        count++;
    }
    return count;
}

struct config_command_list commands_read(struct load *load, uint16_t file,
                                         const struct yaml_node *node,
                                         const struct config_protocol *protocol)
{
    struct config_command_list list = { 0 };
    if (!load_is_map(load, file, node, "commands")) {
        return list;
    }
    struct config_command *commands = load_alloc(load, count_members(node) * sizeof(*commands));
    struct draft_command *draft = busbar_alloc(sizeof(*draft));
    for (const struct yaml_node *at = node->first; at != NULL && commands != NULL; at = at->next) {
        struct position place = load_at(load, file, at->key);
        const char *name = load_text(load, at->key->text);
        if (list.count == CONFIG_COMMANDS_MAX) {
            problems_error(load->problems, place, NULL, "a device has at most %d commands",
                           (int)CONFIG_COMMANDS_MAX);
            break;
        }
        if (name == NULL || !load_name(load, "command", name, place) ||
            !load_is_map(load, file, at, name)) {
            continue;
        }
        *draft = (struct draft_command){ .command = &commands[list.count++] };
        *draft->command = (struct config_command){ .name = name, .title = "", .at = place };
        read_command(load, file, at, protocol, draft);
    }
    busbar_free(draft);
    list.commands = commands;
    return list;
}

/* ---- profile and device ---- */

static const struct config_command *find(struct config_command_list list, const char *name)
{
    for (size_t i = 0; i < list.count; i++) {
        if (strcmp(list.commands[i].name, name) == 0) {
            return &list.commands[i];
        }
    }
    return NULL;
}

struct config_command_list commands_merge(struct load *load, struct config_command_list base,
                                          struct config_command_list own)
{
    struct config_command *merged;
    size_t count = 0;
    if (base.count == 0 || own.count == 0) {
        return base.count == 0 ? own : base;
    }
    merged = load_alloc(load, (base.count + own.count) * sizeof(*merged));
    if (merged == NULL) {
        return own;
    }
    for (size_t i = 0; i < base.count; i++) {
        const struct config_command *mine = find(own, base.commands[i].name);
        merged[count++] = mine != NULL ? *mine : base.commands[i];
    }
    for (size_t i = 0; i < own.count; i++) {
        if (find(base, own.commands[i].name) == NULL) {
            merged[count++] = own.commands[i];
        }
    }
    return (struct config_command_list){ .commands = merged, .count = count };
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
                   check->command->name, dev->name);
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
                       "command '%s' needs one value for '%s'", check->command->name, point->name);
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
                       "command '%s' writes '%s', which may not be written", check->command->name,
                       point->name);
        return;
    }
    check_value(check, preset, point, &facts);
}

static void check_command(const struct check *check)
{
    struct problems *problems = check->load->problems;
    const struct config_command *command = check->command;
    const struct config_protocol *protocol = check->dev->protocol;
    struct settings device = config_device_settings(check->dev);
    struct settings settings = config_command_settings(check->dev, command);
    struct err err = { 0 };
    for (size_t i = 0; i < command->preset_count; i++) {
        check_preset(check, &command->presets[i]);
    }
    if (command->broken) {
        return;
    }
    if (command->set_count > 0 && command->preset_count > 0) {
        problems_error(problems, command->at, "make it two commands",
                       "command '%s' has '%s', so it cannot also write points", command->name,
                       protocol->command_options[command->set[0].option].key);
    } else if (command->set_count == 0 && command->preset_count == 0) {
        problems_error(problems, command->at, "name points and the values to write: { fan: on }",
                       "command '%s' does nothing", command->name);
    } else if (command->set_count > 0 && protocol->check_command != NULL &&
               protocol->check_command(&device, &settings, &err) != 0) {
        problems_err(problems, &err, command->at);
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
        hash = load_mix(hash, hash_text(command->name));
        hash = load_mix(hash, hash_text(command->title));
        hash = load_mix(hash, command->confirm);
        uint64_t sum = 0; /* the order in which settings were written does not matter */
        for (size_t k = 0; k < command->set_count; k++) {
            const struct setting *set = &command->set[k];
            sum += load_mix_setting(load, 0, &dev->protocol->command_options[set->option],
                                    set->option, set->value);
        }
        hash = load_mix(hash, sum);
        for (size_t k = 0; k < command->preset_count; k++) {
            const char *value = command->presets[k].value;
            hash = load_mix(hash, hash_text(command->presets[k].point));
            hash = load_mix(hash, hash_text(value != NULL ? value : ""));
        }
    }
    return hash;
}
