/* SPDX-License-Identifier: Apache-2.0 */
/* The section `drivers`: what a configuration says about a protocol as a whole. Its keys are names of
 * protocols; below one stand the driver's own keys and, by name, the parts that its devices share:
 *
 *   drivers:
 *     bacnet:
 *       device_id: 4194000
 *       networks:
 *         roof: { interface: eth0 }
 *
 * A driver stands once over all files. Parts that have a name of their own (connectors) may stand at the top. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/str.h"
#include "config/load.h"

enum { WHERE_MAX = 160 };

void drivers_begin(struct load *load)
{
    size_t count = load->env->protocol_count;
    struct config_driver *drivers = load_alloc(load, (count + 1) * sizeof(*drivers));
    for (size_t i = 0; drivers != NULL && i < count; i++) {
        const struct config_protocol *protocol = &load->env->protocols[i];
        struct setup *setup = load_alloc(load, sizeof(*setup));
        if (setup == NULL) {
            return;
        }
        setup->settings.options = protocol->setup_options;
        drivers[i] = (struct config_driver){ .protocol = protocol, .setup = setup };
    }
    load->drivers = drivers;
    load->driver_works = load_alloc(load, (count + 1) * sizeof(*load->driver_works));
    load->config->drivers = drivers;
    load->config->driver_count = drivers != NULL ? count : 0;
}

const struct setup *drivers_setup(const struct load *load, const struct config_protocol *protocol)
{
    const struct setup *setup = load->drivers[protocol - load->env->protocols].setup;
    if (!setup->given && load->env->setup != NULL) {
        const struct setup *base = load->env->setup(load->env->setup_ctx, protocol->name);
        return base != NULL ? base : setup;
    }
    return setup;
}

const struct config_driver *config_driver(const struct config *config, const char *protocol)
{
    for (size_t i = 0; i < config->driver_count; i++) {
        if (strcmp(config->drivers[i].protocol->name, protocol) == 0) {
            return &config->drivers[i];
        }
    }
    return NULL;
}

/* ---- reading ---- */

static bool part_name(struct load *load, uint16_t file, const struct yaml_node *key,
                      const char *parts_key)
{
    char what[WHERE_MAX];
    struct position at = load_at(load, file, key);
    str_format(what, sizeof(what), "part of '%s'", parts_key);
    if (!load_name(load, what, key->text, at)) {
        return false;
    }
    if (strlen(key->text) > SETUP_NAME_MAX) {
        problems_error(load->problems, at, NULL, "a name in '%s' has at most %d characters",
                       parts_key, (int)SETUP_NAME_MAX);
        return false;
    }
    return true;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct setup_part *)a)->name, ((const struct setup_part *)b)->name);
}

static void read_parts(struct load *load, uint16_t file, const struct yaml_node *node,
                       const struct config_protocol *protocol, struct setup *setup)
{
    char where[WHERE_MAX];
    size_t count = 0;
    if (!load_is_map(load, file, node, protocol->parts_key)) {
        return;
    }
    for (const struct yaml_node *at = node->first; at != NULL; at = at->next) {
        count++;
    }
    if (count > SETUP_PARTS_MAX) {
        problems_error(load->problems, load_at(load, file, node->key), NULL, "more than %d in '%s'",
                       (int)SETUP_PARTS_MAX, protocol->parts_key);
        return;
    }
    struct setup_part *parts = load_alloc(load, (count + 1) * sizeof(*parts));
    count = 0;
    for (const struct yaml_node *at = node->first; at != NULL && parts != NULL; at = at->next) {
        if (!part_name(load, file, at->key, protocol->parts_key)) {
            continue;
        }
        struct setup_part *part = &parts[count];
        part->name = load_text(load, at->key->text);
        if (part->name == NULL) {
            return;
        }
        str_format(where, sizeof(where), "in '%s' of '%s'", part->name, protocol->parts_key);
        load_settings(load, file, at, protocol->part_options, NULL, where, &part->settings);
        count++;
    }
    if (parts != NULL) {
        qsort(parts, count, sizeof(*parts), by_name);
        setup->parts = parts;
        setup->part_count = count;
    }
}

/* Not 0: an empty section is not the same as none. */
static uint64_t hash_setup(const struct load *load, const struct setup *setup)
{
    uint64_t hash = load_hash_settings(load, 1, &setup->settings);
    for (size_t i = 0; i < setup->part_count; i++) {
        hash = load_mix(hash, hash_text(setup->parts[i].name));
        hash = load_hash_settings(load, hash, &setup->parts[i].settings);
    }
    return hash != 0 ? hash : 1;
}

static void read_driver(struct load *load, uint16_t file, const struct yaml_node *node,
                        struct config_driver *driver)
{
    const struct config_protocol *protocol = driver->protocol;
    struct setup *setup = load_alloc(load, sizeof(*setup));
    char where[WHERE_MAX];
    driver->at = load_at(load, file, node->key);
    if (setup == NULL || !load_is_map(load, file, node, protocol->name)) {
        return;
    }
    size_t errors = load->problems->errors;
    str_format(where, sizeof(where), "in 'drivers: %s'", protocol->name);
    load_settings(load, file, node, protocol->setup_options, protocol->parts_key, where,
                  &setup->settings);
    const struct yaml_node *parts = protocol->parts_key != NULL
                                        ? yaml_get(node, protocol->parts_key)
                                        : NULL;
    if (parts != NULL) {
        read_parts(load, file, parts, protocol, setup);
    }
    if (!load->out_of_memory) {
        setup->given = true;
        driver->setup = setup;
        load->driver_works[driver - load->drivers].broken = load->problems->errors > errors;
    }
}

bool drivers_top(struct load *load, uint16_t file, const struct yaml_node *node)
{
    for (size_t i = 0; i < load->env->protocol_count; i++) {
        struct driver_work *work = &load->driver_works[i];
        const struct config_protocol *protocol = load->drivers[i].protocol;
        if (!protocol->parts_on_top || strcmp(protocol->parts_key, node->key->text) != 0) {
            continue;
        }
        if (work->top != NULL) {
            problems_error(load->problems, load_at(load, file, node->key),
                           "put all of it into one place", "'%s' is also in %s:%d",
                           protocol->parts_key, work->top_at.file, work->top_at.line);
        } else {
            work->top = node;
            work->top_file = file;
            work->top_at = load_at(load, file, node->key);
        }
        return true;
    }
    return false;
}

/* The parts at the top of a file, into the setup that the section gave, or one of their own. */
static void take_top(struct load *load, struct config_driver *driver, struct driver_work *work)
{
    size_t errors = load->problems->errors;
    const char *key = driver->protocol->parts_key;
    struct setup *setup = driver->setup;
    if (setup->part_count > 0) {
        problems_error(load->problems, work->top_at, "put all of it into one place",
                       "'%s' is also below 'drivers: %s' in %s:%d", key, driver->protocol->name,
                       driver->at.file, driver->at.line);
        return;
    }
    if (driver->at.line == 0) {
        driver->at = work->top_at;
    }
    setup->given = true;
    read_parts(load, work->top_file, work->top, driver->protocol, setup);
    work->broken = work->broken || load->problems->errors > errors;
}

void drivers_check(struct load *load)
{
    for (size_t i = 0; i < load->env->protocol_count && !load->out_of_memory; i++) {
        struct config_driver *driver = &load->drivers[i];
        const struct config_protocol *protocol = driver->protocol;
        struct driver_work *work = &load->driver_works[i];
        struct err err = { 0 };
        if (work->top != NULL) {
            take_top(load, driver, work);
        }
        if (!driver->setup->given) {
            continue;
        }
        driver->setup->hash = hash_setup(load, driver->setup);
        if (work->broken || protocol->check_setup == NULL) {
            continue;
        }
        work->refused = protocol->check_setup(driver->setup, &err) != 0;
        if (work->refused || err.message[0] != '\0') { /* else a warning */
            problems_err(load->problems, &err, driver->at);
        }
    }
}

/* ---- files that a section names ---- */

static void warn(void *ctx, const struct err *err)
{
    struct load *load = ctx;
    struct position at = { .file = load_text(load, err->file),
                           .line = err->line,
                           .column = err->column,
                           .width = err->width };
    problems_warning(load->problems, at, err->hint[0] != '\0' ? err->hint : NULL, "%s",
                     err->message);
}

void drivers_prepare(struct load *load)
{
    struct prepare how = { .folder = load->env->files != NULL ? load->env->files
                                                              : load->config->folder,
                           .cache = load->env->cache,
                           .warn = warn,
                           .ctx = load };
    for (size_t i = 0; i < load->config->driver_count; i++) {
        const struct config_protocol *protocol = load->drivers[i].protocol;
        struct setup *setup = load->drivers[i].setup;
        struct err err = { 0 };
        if (!setup->given || protocol->prepare == NULL || load->driver_works[i].refused) {
            continue;
        }
        int error = 0;
        if (load->env->prepared != NULL) {
            setup->prepared = prepared_hold(
                load->env->prepared(load->env->prepared_ctx, protocol->name));
        } else {
            error = protocol->prepare(setup, &how, &setup->prepared, &err);
        }
        if (error != 0) {
            problems_err(load->problems, &err, load->drivers[i].at);
        } else if (setup->prepared != NULL) {
            setup->hash = load_mix(setup->hash, setup->prepared->hash);
        }
    }
}

static bool has_section(const struct config_protocol *protocol)
{
    return protocol->setup_options != NULL || protocol->parts_key != NULL;
}

static void tell_unknown(struct load *load, uint16_t file, const struct yaml_node *key)
{
    char hint[HINT_MAX];
    const char **words = busbar_alloc_array(load->env->protocol_count + 1, sizeof(*words));
    size_t count = 0;
    for (size_t i = 0; i < load->env->protocol_count; i++) {
        if (has_section(&load->env->protocols[i])) {
            words[count++] = load->env->protocols[i].name;
        }
    }
    load_hint(hint, key->text, words);
    problems_error(load->problems, load_at(load, file, key), count > 0 ? hint : NULL,
                   "there is no driver '%.60s'", key->text);
    busbar_free(words);
}

void load_drivers(struct load *load, uint16_t file, const struct yaml_node *node)
{
    if (!load_is_map(load, file, node, "drivers")) {
        return;
    }
    for (const struct yaml_node *at = node->first; at != NULL; at = at->next) {
        struct config_driver *driver = NULL;
        struct position place = load_at(load, file, at->key);
        for (size_t i = 0; i < load->env->protocol_count; i++) {
            if (strcmp(load->drivers[i].protocol->name, at->key->text) == 0) {
                driver = &load->drivers[i];
            }
        }
        if (driver == NULL) {
            tell_unknown(load, file, at->key);
        } else if (!has_section(driver->protocol)) {
            problems_error(load->problems, place, "write it into the devices",
                           "'%s' has no settings of its own", driver->protocol->name);
        } else if (driver->at.line != 0) {
            problems_error(load->problems, place, "put all of it into one place",
                           "'drivers: %s' is also in %s:%d", driver->protocol->name,
                           driver->at.file, driver->at.line);
        } else {
            read_driver(load, file, at, driver);
        }
    }
}

/* ---- a copy that lives on ---- */

static const char *copy_text(struct arena *arena, const char *text, bool *good)
{
    const char *copy = text == NULL || text[0] == '\0' ? "" : arena_strdup(arena, text);
    *good = *good && copy != NULL;
    return copy;
}

static struct settings copy_settings(struct arena *arena, const struct settings *from, bool *good)
{
    struct settings copy = *from;
    struct setting *set = arena_alloc_array(arena, from->count + 1, sizeof(*set));
    copy.at.file = copy_text(arena, from->at.file, good);
    copy.set = set;
    copy.count = set != NULL ? from->count : 0;
    *good = *good && set != NULL;
    for (size_t i = 0; i < copy.count; i++) {
        enum option_type type = from->options[from->set[i].option].type;
        set[i] = from->set[i];
        set[i].at.file = copy_text(arena, from->set[i].at.file, good);
        if (type == OPTION_TEXT || type == OPTION_SECRET) {
            set[i].value.text = copy_text(arena, from->set[i].value.text, good);
        }
    }
    return copy;
}

int config_make_setup(const struct setup *from, struct setup **out)
{
    struct setup *setup = setup_new(from->settings.options);
    bool good = true;
    struct setup_part *parts = arena_alloc_array(&setup->arena, from->part_count + 1,
                                                 sizeof(*parts));
    *out = NULL;
    good = parts != NULL;
    setup->given = from->given;
    setup->hash = from->hash;
    setup->prepared = prepared_hold(from->prepared);
    setup->settings = copy_settings(&setup->arena, &from->settings, &good);
    for (size_t i = 0; i < from->part_count && good; i++) {
        parts[i].name = copy_text(&setup->arena, from->parts[i].name, &good);
        parts[i].settings = copy_settings(&setup->arena, &from->parts[i].settings, &good);
    }
    setup->parts = parts;
    setup->part_count = from->part_count;
    if (!good) {
        setup_free(setup);
        return BUSBAR_ENOMEM;
    }
    *out = setup;
    return 0;
}
