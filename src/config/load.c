/* SPDX-License-Identifier: Apache-2.0 */
/* The order of a load:
 *
 *   all YAML files -> trees; the sections; names of profiles and devices
 *   each device with its profile and its own CSV files
 *   CSV files with a device column, row by row
 *   merging, addresses, duplicates, hashes
 *   the lines that the problems point at
 *
 * It goes on after an error as far as what is left makes sense, so that one run tells all. */
#include "config/load.h"

#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"

#define YEAR_US (INT64_C(365) * 24 * 3600 * CLOCK_US_PER_S)

enum { VERSION_KNOWN = 1 };

/* The keys at the top of a file. `once`: in one file only. */
struct top_row {
    const char *key;
    bool once;
    void (*read)(struct load *load, uint16_t file, const struct yaml_node *node);
};

static void read_version(struct load *load, uint16_t file, const struct yaml_node *node)
{
    int64_t version;
    if (node->kind != YAML_SCALAR || str_parse_i64(node->text, &version) != 0 ||
        version != VERSION_KNOWN) {
        problems_error(load->problems, load_at(load, file, node), "write 'version: 1'",
                       "this busbar reads configurations of version 1");
    }
}

static const struct top_row rows[] = {
    { .key = "version", .read = read_version },
    { .key = "site", .once = true, .read = load_site },
    { .key = "defaults", .once = true, .read = load_defaults },
    { .key = "server", .once = true, .read = load_server },
    { .key = "history", .once = true, .read = load_history },
    { .key = "drivers", .read = load_drivers },
    { .key = "sinks", .read = load_sinks },
    { .key = "profiles", .read = profile_note },
    { .key = "devices", .read = device_note },
    { .key = "points", .read = points_top },
};
enum { ROW_COUNT = sizeof(rows) / sizeof(rows[0]) };

static const char *const later[] = { "rules",  "assets", "notify", "users", "roles",
                                     "alarms", "states", "inputs", "plans", NULL };

/* A protocol stands below one of two keys. False: it is none. */
static bool tell_protocol(struct load *load, uint16_t file, const struct yaml_node *key)
{
    for (size_t i = 0; i < load->env->protocol_count; i++) {
        if (strcmp(load->env->protocols[i].name, key->text) == 0) {
            problems_error(load->problems, load_at(load, file, key),
                           "put it below 'drivers:', or into a device below 'devices:'",
                           "a protocol does not stand at the top of a file: '%s'", key->text);
            return true;
        }
    }
    return false;
}

static void tell_unknown(struct load *load, uint16_t file, const struct yaml_node *key)
{
    const char *words[ROW_COUNT + 1];
    for (size_t i = 0; i < ROW_COUNT; i++) {
        words[i] = rows[i].key;
    }
    words[ROW_COUNT] = NULL;
    if (tell_protocol(load, file, key)) {
        return;
    }
    for (const char *const *at = later; *at != NULL; at++) {
        if (strcmp(*at, key->text) == 0) {
            problems_error(load->problems, load_at(load, file, key), "take it out until then",
                           "this version does not know '%s' yet; it has: version, site, defaults, "
                           "server, history, drivers, sinks, profiles, devices, points",
                           key->text);
            return;
        }
    }
    char hint[HINT_MAX];
    load_hint(hint, key->text, words);
    problems_error(load->problems, load_at(load, file, key), hint,
                   "unknown key '%.60s' at the top of a file", key->text);
}

/* Where each section stood first. */
struct sections {
    struct position first[ROW_COUNT];
    bool any; /* there is a key at the top of a file */
};

static void read_top(struct load *load, uint16_t file, const struct yaml_node *root,
                     struct sections *sections)
{
    if (!load_is_map(load, file, root, "the file")) {
        return;
    }
    sections->any = sections->any || root->first != NULL;
    for (const struct yaml_node *at = root->first; at != NULL; at = at->next) {
        size_t row = 0;
        while (row < ROW_COUNT && strcmp(rows[row].key, at->key->text) != 0) {
            row++;
        }
        if (row == ROW_COUNT) {
            if (!drivers_top(load, file, at)) {
                tell_unknown(load, file, at->key);
            }
            continue;
        }
        struct position *first = &sections->first[row];
        if (rows[row].once && first->line != 0) {
            problems_error(load->problems, load_at(load, file, at->key), NULL,
                           "'%s' is also in %s:%d", rows[row].key, first->file, first->line);
            continue;
        }
        *first = load_at(load, file, at->key);
        rows[row].read(load, file, at);
    }
}

static void read_yaml(struct load *load, uint16_t file, struct sections *sections)
{
    char *text = NULL;
    size_t size = 0;
    struct yaml_node *root = NULL;
    int error = source_read(load, file, &text, &size);
    if (error == 0) {
        error = yaml_read(load->sources[file].name, text, size, CONFIG_DEPTH_MAX, &load->trees,
                          load->problems, &root);
    }
    busbar_free(text);
    load->out_of_memory = load->out_of_memory || error == BUSBAR_ENOMEM;
    load->incomplete = load->incomplete || error != 0;
    if (root != NULL) {
        read_top(load, file, root, sections);
    }
}

/* The list of files goes into the configuration. */
static void take_files(struct load *load)
{
    struct config_file *files = load_alloc(load, load->source_count * sizeof(*files));
    for (size_t i = 0; files != NULL && i < load->source_count; i++) {
        const struct source *source = &load->sources[i];
        files[i] = (struct config_file){ .name = source->name,
                                         .bytes = source->bytes,
                                         .crc = source->crc };
    }
    load->config->files = files;
    load->config->file_count = files != NULL ? load->source_count : 0;
}

static void read_all(struct load *load)
{
    struct sections sections = { 0 };
    size_t files = load->source_count; /* CSV files are added while devices are read */
    for (size_t i = 0; i < files && !load->out_of_memory; i++) {
        if (!load->sources[i].csv) {
            read_yaml(load, (uint16_t)i, &sections);
        }
    }
    if (sections.first[0].line == 0 && !load->incomplete && files > 0) {
        struct position top = { .file = load->sources[0].name, .line = 1, .column = 1 };
        const char *hint = "write 'version: 1' at the top of one file";
        if (!sections.any && load->problems->errors == 0) { /* cut off, not meant */
            problems_error(load->problems, top, hint, "the configuration is empty");
        } else {
            problems_warning(load->problems, top, hint,
                             "no file says which version of the format it is");
        }
    }
    drivers_check(load);
    load_check_sinks(load);
    drivers_prepare(load);
    device_read_all(load);
    if (!load->incomplete) {
        points_read_top(load);
    }
    take_files(load);
    if (!load->out_of_memory) {
        finish_devices(load);
    }
}

static void set_defaults(struct config *config)
{
    config->folder = "";
    config->site = (struct config_site){ .id = "", .name = "", .timezone = "" };
    config->server = (struct config_server){
        .http = { .host = "127.0.0.1", .port = CONFIG_HTTP_PORT },
        .series = { .host = "127.0.0.1", .port = CONFIG_SERIES_PORT },
        .socket = ""
    };
    config->history = (struct config_history){ .archive = "",
                                               .keep_us = 2 * YEAR_US,
                                               .max_bytes = UINT64_C(20) * 1000 * 1000 * 1000,
                                               .free_bytes = UINT64_C(256) << 20,
                                               .commit_us = 10 * CLOCK_US_PER_MS,
                                               .tiers_keep_us = 10 * YEAR_US,
                                               .cold_after_us = 2 * (YEAR_US / 365),
                                               .events_keep_us = 90 * (YEAR_US / 365) };
}

static bool begin(struct load *load, const struct config_env *env, struct problems *problems)
{
    load->env = env;
    load->problems = problems;
    load->config = config_new();
    load->sources = busbar_try_alloc(CONFIG_FILES_MAX * sizeof(*load->sources));
    arena_init(&load->trees, 0);
    map_init(&load->devices);
    map_init(&load->profiles);
    map_init(&load->warned);
    common_init(&load->defaults);
    load->csv_last = &load->csv_first;
    if (load->config == NULL || load->sources == NULL) {
        return false;
    }
    load->store = load->config->store;
    set_defaults(load->config);
    drivers_begin(load);
    return !load->out_of_memory;
}

static int finish(struct load *load, int error, struct config **out)
{
    struct problems *problems = load->problems;
    if (error == 0 && (load->out_of_memory || problems->out_of_memory)) {
        error = BUSBAR_ENOMEM;
    }
    if (error == 0 && problems->errors > 0) {
        error = BUSBAR_ECONFIG;
    }
    if (error != 0 && problems->errors == 0) {
        problems_error(problems, (struct position){ .file = "" }, NULL, "%s", err_text(error));
    }
    if (load->store != NULL) {
        source_quote_lines(load);
        device_build_free(load);
    }
    map_fini(&load->devices);
    map_fini(&load->profiles);
    map_fini(&load->warned);
    arena_fini(&load->trees);
    busbar_free(load->sources);
    if (error != 0) {
        config_free(load->config);
    } else {
        *out = load->config;
    }
    busbar_free(load);
    return error;
}

int config_load(const char *path, const struct config_env *env, struct config **out,
                struct problems *problems)
{
    *out = NULL;
    struct load *load = busbar_alloc(sizeof(*load));
    int error = begin(load, env, problems) ? source_find_all(load, path) : BUSBAR_ENOMEM;
    if (error == 0) {
        read_all(load);
    }
    return finish(load, error, out);
}

int config_load_texts(const struct config_text *texts, size_t count, const struct config_env *env,
                      struct config **out, struct problems *problems)
{
    *out = NULL;
    struct load *load = busbar_alloc(sizeof(*load));
    int error = begin(load, env, problems) ? source_take_texts(load, texts, count) : BUSBAR_ENOMEM;
    if (error == 0) {
        read_all(load);
    }
    return finish(load, error, out);
}
