/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "config/load.h"

enum { PATH_SIZE = 4096 };
enum { OTHERS_MAX = 6 }; /* words named beside the one that is proposed */

struct position load_at(const struct load *load, uint16_t file, const struct yaml_node *node)
{
    return yaml_at(load->sources[file].name, node);
}

void *load_alloc(struct load *load, size_t size)
{
    void *memory = arena_alloc(&load->store->arena, size);
    if (memory == NULL) {
        load->out_of_memory = true;
    }
    return memory;
}

const char *load_text(struct load *load, const char *text)
{
    const char *copy = text[0] != '\0' ? arena_strdup(&load->store->arena, text) : "";
    if (copy == NULL) {
        load->out_of_memory = true;
    }
    return copy;
}

bool load_keep(struct load *load, const struct option *option, union setting_value *value)
{
    char path[PATH_SIZE];
    if (option->type != OPTION_TEXT && option->type != OPTION_SECRET) {
        return true;
    }
    const char *folder = load->env->files != NULL ? load->env->files : load->config->folder;
    bool joined = option->file && folder != NULL && folder[0] != '\0' &&
                  file_join(path, sizeof(path), folder, value->text);
    value->text = load_text(load, joined ? path : value->text);
    return value->text != NULL;
}

void load_hint(char hint[HINT_MAX], const char *word, const char *const *words)
{
    size_t count = 0;
    while (words[count] != NULL) {
        count++;
    }
    const char *nearest = str_nearest(word, words, count);
    size_t used = nearest != NULL ? str_format(hint, HINT_MAX, "did you mean '%s'?%s", nearest,
                                               count > 1 ? " Others: " : "")
                                  : str_format(hint, HINT_MAX, "it knows: ");
    const char *comma = "";
    size_t named = 0;
    for (size_t i = 0; i < count; i++) {
        if (words[i] == nearest) {
            continue;
        }
        if ((nearest != NULL && named++ == OTHERS_MAX) ||
            used + strlen(words[i]) + 8 > HINT_MAX - 60) {
            str_format(hint + used, HINT_MAX - used, "%s...", comma);
            return;
        }
        used += str_format(hint + used, HINT_MAX - used, "%s%s", comma, words[i]);
        comma = ", ";
    }
}

static const char *wanted(const struct option *option)
{
    switch (option->type) {
    case OPTION_BOOL: return "true or false";
    case OPTION_INT: return "a whole number";
    case OPTION_DOUBLE: return "a number";
    case OPTION_DURATION: return "a duration such as 500ms, 10s, 5m, 2h or 2y";
    default: return "a text";
    }
}

static void print_bound(const struct option *option, int64_t bound, char *text, size_t size)
{
    if (option->type == OPTION_DURATION) {
        str_format_duration(text, size, bound);
    } else {
        str_format(text, size, "%" PRId64, bound);
    }
}

static void tell_range(struct load *load, const struct option *option, const char *what,
                       const char *text, struct position at)
{
    char min[64], max[64];
    if (option->min == 0 && option->max == 0) {
        problems_error(load->problems, at, NULL, "'%s' is too big", what);
        return;
    }
    print_bound(option, option->min, min, sizeof(min));
    print_bound(option, option->max, max, sizeof(max));
    if (option->type == OPTION_TEXT) {
        problems_error(load->problems, at, NULL, "'%s' must have %s to %s bytes", what, min, max);
    } else {
        problems_error(load->problems, at, option->help, "'%s' is %.60s, it must be %s to %s", what,
                       text, min, max);
    }
}

static void tell_wrong(struct load *load, const struct option *option, const char *what,
                       const char *text, struct position at)
{
    char hint[HINT_MAX];
    if (option->type == OPTION_CHOICE) {
        load_hint(hint, text, option->choices);
        problems_error(load->problems, at, hint, "'%s' cannot be '%.60s'", what, text);
        return;
    }
    problems_error(load->problems, at, option->help, "'%s' wants %s, not '%.60s'", what,
                   wanted(option), text);
}

/* A secret is only named in the files. */
static bool secret_value(struct load *load, const char *what, const char *name, bool secret,
                         struct position at)
{
    char hint[HINT_MAX];
    struct err err = { 0 };
    if (!secret) {
        str_format(hint, sizeof(hint), "run: busbar secret set NAME   then write: %s: !secret NAME",
                   what);
        problems_error(load->problems, at, hint, "'%s' must not stand in the file", what);
        return false;
    }
    if (!secrets_name_valid(name, &err)) {
        problems_err(load->problems, &err, at);
        return false;
    }
    if (load->env->secrets != NULL && secrets_get(load->env->secrets, name) == NULL) {
        str_format(hint, sizeof(hint), "busbar secret set %s", name);
        problems_error(load->problems, at, hint, "secret '%s' is not set", name);
        return false;
    }
    return true;
}

bool load_value(struct load *load, const struct option *option, const char *what, const char *text,
                bool secret, struct position at, union setting_value *out)
{
    if (option->type == OPTION_SECRET) {
        out->text = text;
        return secret_value(load, what, text, secret, at);
    }
    if (secret) {
        problems_error(load->problems, at, NULL, "'%s' is not a secret", what);
        return false;
    }
    int error = option_parse(option, text, out);
    if (error == BUSBAR_ERANGE) {
        tell_range(load, option, what, text, at);
    } else if (error != 0) {
        tell_wrong(load, option, what, text, at);
    }
    return error == 0;
}

bool load_scalar(struct load *load, uint16_t file, const struct option *option,
                 const struct yaml_node *node, union setting_value *out)
{
    const char *what = node->key != NULL ? node->key->text : option->key;
    struct position at = load_at(load, file, node);
    if (node->kind != YAML_SCALAR) {
        problems_error(load->problems, at, option->help, "'%s' wants %s, not a %s", what,
                       option->type == OPTION_CHOICE ? "one word" : wanted(option),
                       node->kind == YAML_MAP ? "map" : "list");
        return false;
    }
    if (yaml_is_null(node)) {
        problems_error(load->problems, load_at(load, file, node->key != NULL ? node->key : node),
                       "give a value or take the line out", "'%s' has no value", what);
        return false;
    }
    return load_value(load, option, what, node->text, node->secret, at, out);
}

bool load_is_map(struct load *load, uint16_t file, const struct yaml_node *node, const char *what)
{
    if (node->kind == YAML_MAP || yaml_is_null(node)) {
        return true;
    }
    problems_error(load->problems, load_at(load, file, node), NULL,
                   "'%s' wants keys with values (key: value), not a %s", what,
                   node->kind == YAML_LIST ? "list" : "single value");
    return false;
}

static void tell_unknown(struct load *load, uint16_t file, const struct yaml_node *key,
                         const struct option *options, const char *other, const char *where)
{
    const char *words[CONFIG_OPTIONS_MAX + 2];
    size_t count = 0;
    while (options[count].key != NULL && count < CONFIG_OPTIONS_MAX) {
        words[count] = options[count].key;
        count++;
    }
    if (other != NULL) {
        words[count++] = other;
    }
    words[count] = NULL;
    char hint[HINT_MAX];
    load_hint(hint, key->text, words);
    problems_error(load->problems, load_at(load, file, key), hint, "unknown key '%.60s' %s",
                   key->text, where);
}

size_t load_section(struct load *load, uint16_t file, const struct yaml_node *node,
                    const struct option *options, const char *where, struct setting *set)
{
    return load_section_but(load, file, node, options, NULL, where, set);
}

size_t load_section_but(struct load *load, uint16_t file, const struct yaml_node *node,
                        const struct option *options, const char *other, const char *where,
                        struct setting *set)
{
    size_t count = 0;
    if (!load_is_map(load, file, node, node->key != NULL ? node->key->text : where)) {
        return 0;
    }
    for (const struct yaml_node *at = node->first; at != NULL; at = at->next) {
        if (str_equal(at->key->text, other)) {
            continue;
        }
        int row = option_find(options, at->key->text);
        if (row < 0) {
            tell_unknown(load, file, at->key, options, other, where);
            continue;
        }
        if (options[row].type == OPTION_PART) {
            continue;
        }
        struct setting *out = &set[count];
        if (load_scalar(load, file, &options[row], at, &out->value)) {
            out->option = (uint16_t)row;
            out->at = load_at(load, file, at);
            if (!load_keep(load, &options[row], &out->value)) {
                return count;
            }
            count++;
        }
    }
    return count;
}

size_t load_labels(struct load *load, uint16_t file, const struct yaml_node *node,
                   struct free_label *labels)
{
    size_t count = 0;
    if (!load_is_map(load, file, node, "labels")) {
        return 0;
    }
    for (const struct yaml_node *at = node->first; at != NULL; at = at->next) {
        if (at->kind != YAML_SCALAR || at->secret) {
            problems_error(load->problems, load_at(load, file, at), NULL,
                           "a label has one text as its value");
            continue;
        }
        if (count == CONFIG_LABELS_MAX) {
            problems_error(load->problems, load_at(load, file, at->key), NULL,
                           "more than %d labels", (int)CONFIG_LABELS_MAX);
            break;
        }
        struct free_label label = { .key = load_text(load, at->key->text),
                                    .value = load_text(load, yaml_is_null(at) ? "" : at->text) };
        if (label.key == NULL || label.value == NULL) {
            break;
        }
        size_t place = count++;
        for (; place > 0 && strcmp(labels[place - 1].key, label.key) > 0; place--) {
            labels[place] = labels[place - 1];
        }
        labels[place] = label;
    }
    return count;
}

static bool is_name_byte(char c, bool first)
{
    bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    return word || (!first && (c == '-' || c == '_' || c == '.'));
}

/* The name in the form that is asked for, to propose it. */
static void propose_name(const char *name, char *to, size_t size)
{
    size_t used = 0;
    for (; *name != '\0' && used + 1 < size; name++) {
        char c = *name;
        if ((unsigned char)c >= 0x80) {
            used = 0; /* half a word would be no help */
            break;
        }
        if (c >= 'A' && c <= 'Z') {
            c = (char)(c - 'A' + 'a');
        }
        if (c == '_' || !is_name_byte(c, false)) {
            c = '-';
        }
        if (c != '-' || (used > 0 && to[used - 1] != '-')) {
            to[used++] = c;
        }
    }
    while (used > 0 && to[used - 1] == '-') {
        used--;
    }
    to[used] = '\0';
}

bool load_name(struct load *load, const char *what, const char *name, struct position at)
{
    size_t size = strlen(name);
    bool good = size > 0 && size <= POINT_NAME_MAX, tidy = true;
    for (size_t i = 0; i < size && good; i++) {
        good = is_name_byte(name[i], i == 0);
        tidy = tidy && name[i] != '_' && !(name[i] >= 'A' && name[i] <= 'Z');
    }
    if (good && tidy) {
        return true;
    }
    char proposal[POINT_NAME_MAX + 1], hint[HINT_MAX];
    propose_name(name, proposal, sizeof(proposal));
    str_format(hint, sizeof(hint), "'%s'; a free text goes into 'name:'", proposal);
    const char *tip = proposal[0] != '\0' ? hint : NULL;
    if (good) {
        problems_warning(load->problems, at, tip,
                         "the name '%s' is not lower case with '-' between words", name);
    } else if (size > POINT_NAME_MAX) {
        problems_error(load->problems, at, NULL, "the name of a %s has at most %d characters", what,
                       POINT_NAME_MAX);
    } else {
        problems_error(load->problems, at, tip,
                       "'%.100s' cannot name a %s: letters, digits and '-' only", name, what);
    }
    return good;
}

/* ---- settings that are kept ---- */

static int by_option(const void *a, const void *b)
{
    return (int)((const struct setting *)a)->option - (int)((const struct setting *)b)->option;
}

void load_keep_settings(struct load *load, const struct setting *set, size_t count,
                        struct settings *out)
{
    struct setting *kept = load_alloc(load, (count + 1) * sizeof(*kept));
    if (kept != NULL) {
        memcpy(kept, set, count * sizeof(*kept));
        qsort(kept, count, sizeof(*kept), by_option);
        out->set = kept;
        out->count = count;
    }
}

void load_settings(struct load *load, uint16_t file, const struct yaml_node *node,
                   const struct option *options, const char *other, const char *where,
                   struct settings *out)
{
    static const struct option none[] = { { .key = NULL } };
    struct setting set[CONFIG_OPTIONS_MAX];
    *out = (struct settings){ .options = options, .at = load_at(load, file, node->key) };
    size_t count = load_section_but(load, file, node, options != NULL ? options : none, other,
                                    where, set);
    load_keep_settings(load, set, count, out);
}

uint64_t load_hash_settings(const struct load *load, uint64_t hash, const struct settings *settings)
{
    for (size_t i = 0; i < settings->count; i++) {
        const struct setting *set = &settings->set[i];
        hash = load_mix_setting(load, hash, &settings->options[set->option], set->option,
                                set->value);
    }
    return hash;
}
