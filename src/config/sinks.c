/* SPDX-License-Identifier: Apache-2.0 */
/* The section `sinks`: where samples are published. A sink's address stands behind the name of its kind; beside it stand
 * the kind's own keys and those that all sinks have:
 *
 *   sinks:
 *     plant: { postgres: "host=db.example.org dbname=plant", user: busbar, points: "meter-*" }
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/str.h"
#include "config/load.h"
#include "http/fetch.h"
#include "net/interfaces.h"

enum { WHERE_MAX = 128 };
#define DAY_US      (INT64_C(24) * 3600 * CLOCK_US_PER_S)
#define BYTES_LEAST (UINT64_C(16) * 1000 * 1000)

static const char *const forever[] = { "forever", NULL };
static const char *const starts[] = { "beginning", "now", NULL };

const struct option config_sink_options[SINK_ROWS + 1] = {
    [SINK_POINTS] = { .key = "points",
                      .type = OPTION_TEXT,
                      .fallback = "*",
                      .min = 1,
                      .max = 4096,
                      .help = "paths of the points that are published, such as 'meter-*/*, "
                              "pv-1/*', or none" },
    [SINK_EXCEPT] = { .key = "except",
                      .type = OPTION_TEXT,
                      .fallback = "",
                      .max = 4096,
                      .help = "paths of points that are left out" },
    [SINK_SERIES] = { .key = "series",
                      .type = OPTION_TEXT,
                      .fallback = "none",
                      .min = 1,
                      .max = 4096,
                      .help =
                          "series that came by port 9090: none, all, or such as '{job=\"x\"}'" },
    [SINK_EVENTS] = { .key = "events",
                      .type = OPTION_BOOL,
                      .fallback = "true",
                      .help = "whether events are published too, where the target takes them" },
    [SINK_BATCH] = { .key = "batch",
                     .type = OPTION_INT,
                     .fallback = "20000",
                     .min = 1,
                     .max = 100000,
                     .help = "samples that are sent together at most" },
    [SINK_BATCH_TIME] = { .key = "batch_time",
                          .type = OPTION_DURATION,
                          .fallback = "1s",
                          .max = 60 * CLOCK_US_PER_S,
                          .help = "how long a sample waits for others at most, such as 1s" },
    [SINK_KEEP] = { .key = "keep",
                    .type = OPTION_DURATION,
                    .fallback = "forever",
                    .min = 60 * CLOCK_US_PER_S,
                    .max = 3650 * DAY_US,
                    .choices = forever,
                    .help = "what waits longer is let go unpublished, such as 7d, or forever" },
    [SINK_KEEP_BYTES] = { .key = "keep_bytes",
                          .type = OPTION_TEXT,
                          .fallback = "10GB",
                          .help = "disk space for what waits, such as 10GB; above it the oldest is "
                                  "let go unpublished" },
    [SINK_START] = { .key = "start",
                     .type = OPTION_CHOICE,
                     .fallback = "beginning",
                     .choices = starts,
                     .help = "where a new sink begins: with what the log still has, or now" },
    [SINK_TIMEOUT] = { .key = "timeout",
                       .type = OPTION_DURATION,
                       .fallback = "30s",
                       .min = CLOCK_US_PER_S,
                       .max = 600 * CLOCK_US_PER_S,
                       .help = "how long the target may take to answer, such as 30s" },
    [SINK_ENABLED] = { .key = "enabled",
                       .type = OPTION_BOOL,
                       .fallback = "true",
                       .help = "false: shown, but not run" },
    [SINK_ROWS] = { .key = NULL },
};

static void tell_no_kind(struct load *load, uint16_t file, const struct yaml_node *node)
{
    char hint[HINT_MAX];
    struct buf words;
    buf_init(&words, HINT_MAX / 2);
    for (size_t i = 0; i < load->env->sink_kind_count; i++) {
        buf_printf(&words, "%s%s", i > 0 ? ", " : "", load->env->sink_kinds[i].name);
    }
    str_format(hint, sizeof(hint), "give it an address behind one of: %s",
               load->env->sink_kind_count > 0 ? buf_text(&words) : "(this program has none)");
    buf_fini(&words);
    problems_error(load->problems, load_at(load, file, node->key), hint,
                   "the sink '%.60s' does not say where it publishes to", node->key->text);
}

/* The kind whose key is there; NULL: none or more than one, told. */
static const struct config_sink_kind *find_kind(struct load *load, uint16_t file,
                                                const struct yaml_node *node)
{
    const struct config_env *env = load->env;
    const struct config_sink_kind *found = NULL;
    for (size_t i = 0; i < env->sink_kind_count; i++) {
        const struct config_sink_kind *kind = &env->sink_kinds[i];
        const struct yaml_node *address = yaml_get(node, kind->name);
        if (address != NULL && found != NULL) {
            problems_error(load->problems, load_at(load, file, address->key),
                           "make two sinks of it", "the sink '%.60s' has '%s' and '%s'",
                           node->key->text, found->name, kind->name);
            return NULL;
        }
        found = address != NULL ? kind : found;
    }
    if (found == NULL) {
        tell_no_kind(load, file, node);
    }
    return found;
}

/* Both tables as one, so that a mistyped key is compared with all. NULL: no memory. */
static struct option *all_options(struct load *load, const struct config_sink_kind *kind,
                                  size_t own)
{
    struct option *all = load_alloc(load, (own + SINK_ROWS + 1) * sizeof(*all));
    if (all != NULL) {
        memcpy(all, kind->options, own * sizeof(*all));
        memcpy(all + own, config_sink_options, sizeof(config_sink_options));
    }
    return all;
}

static struct setup *keep_setup(struct load *load, const struct option *options,
                                const struct setting *set, size_t count, struct position at)
{
    struct setup *setup = load_alloc(load, sizeof(*setup));
    if (setup != NULL) {
        setup->given = true;
        setup->settings = (struct settings){ .options = options, .at = at };
        load_keep_settings(load, set, count, &setup->settings);
        setup->hash = load_hash_settings(load, 1, &setup->settings);
    }
    return setup;
}

/* Into two setups: the kind's own rows, and those that all sinks have. */
static bool read_settings(struct load *load, uint16_t file, const struct yaml_node *node,
                          struct config_sink *sink)
{
    char where[WHERE_MAX];
    struct setting set[CONFIG_OPTIONS_MAX], own[CONFIG_OPTIONS_MAX], common[CONFIG_OPTIONS_MAX];
    size_t own_rows = option_count(sink->kind->options), own_count = 0, common_count = 0;
    struct option *options = all_options(load, sink->kind, own_rows);
    if (options == NULL) {
        return false;
    }
    str_format(where, sizeof(where), "in the sink '%.60s'", sink->name);
    size_t count = load_section(load, file, node, options, where, set);
    for (size_t i = 0; i < count; i++) {
        if (set[i].option < own_rows) {
            own[own_count++] = set[i];
        } else {
            common[common_count] = set[i];
            common[common_count++].option = (uint16_t)(set[i].option - own_rows);
        }
    }
    const struct setup *first = keep_setup(load, sink->kind->options, own, own_count, sink->at);
    const struct setup *second = keep_setup(load, config_sink_options, common, common_count,
                                            sink->at);
    sink->own = first;
    sink->common = second;
    return !load->out_of_memory;
}

static void check_bytes(struct load *load, const struct settings *common)
{
    uint64_t bytes;
    const char *text = settings_text(common, SINK_KEEP_BYTES);
    if (str_parse_bytes(text, &bytes) != 0 || bytes < BYTES_LEAST) {
        problems_error(load->problems, settings_at(common, SINK_KEEP_BYTES), NULL,
                       "'keep_bytes' wants a size of at least 16MB, such as 10GB, not '%.60s'",
                       text);
    }
}

static bool read_sink(struct load *load, uint16_t file, const struct yaml_node *node,
                      struct config_sink *sink)
{
    size_t errors = load->problems->errors;
    struct err err = { 0 };
    *sink = (struct config_sink){ .name = load_text(load, node->key->text),
                                  .at = load_at(load, file, node->key) };
    if (sink->name == NULL || !load_name(load, "sink", sink->name, sink->at) ||
        !load_is_map(load, file, node, sink->name) ||
        (sink->kind = find_kind(load, file, node)) == NULL ||
        !read_settings(load, file, node, sink)) {
        return false;
    }
    if (strlen(sink->name) > SETUP_NAME_MAX) {
        problems_error(load->problems, sink->at, NULL,
                       "the name of a sink has at most %d characters", (int)SETUP_NAME_MAX);
    }
    check_bytes(load, &sink->common->settings);
    if (load->problems->errors == errors && load->env->check_sink != NULL &&
        (load->env->check_sink(sink->kind, &sink->own->settings, &sink->common->settings, &err) !=
             0 ||
         err.message[0] != '\0')) {
        problems_err(load->problems, &err, sink->at);
    }
    sink->hash = load_mix(load_mix(hash_text(sink->kind->name), sink->own->hash),
                          sink->common->hash);
    return true;
}

void load_sinks(struct load *load, uint16_t file, const struct yaml_node *node)
{
    if (!load_is_map(load, file, node, "sinks")) {
        return;
    }
    if (load->sinks == NULL) {
        load->sinks = load_alloc(load, CONFIG_SINKS_MAX * sizeof(*load->sinks));
    }
    for (const struct yaml_node *at = node->first; at != NULL && load->sinks != NULL;
         at = at->next) {
        if (load->sink_count == CONFIG_SINKS_MAX) {
            problems_error(load->problems, load_at(load, file, at->key), NULL, "more than %d sinks",
                           (int)CONFIG_SINKS_MAX);
            return;
        }
        load->sink_count += read_sink(load, file, at, &load->sinks[load->sink_count]);
    }
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct config_sink *)a)->name, ((const struct config_sink *)b)->name);
}

const struct config_sink *config_sink(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->sink_count; i++) {
        if (strcmp(config->sinks[i].name, name) == 0) {
            return &config->sinks[i];
        }
    }
    return NULL;
}

static void check_archive(struct load *load)
{
    const struct config_history *history = &load->config->history;
    const struct config_sink *sink = config_sink(load->config, history->archive);
    if (history->archive[0] == '\0' || load->incomplete) {
        return;
    }
    if (sink == NULL) {
        problems_error(load->problems, history->archive_at, "name one that stands below 'sinks:'",
                       "there is no sink '%.60s'", history->archive);
    } else if (!sink->kind->archives) {
        problems_error(load->problems, history->archive_at,
                       "name a sink that keeps whole days: postgres",
                       "the sink '%.60s' (%s) cannot be asked for old values", history->archive,
                       sink->kind->name);
    }
}

/* ---- a sink that leads back here ---- */

static bool is_own_address(const char *host)
{
    struct interface found;
    return address_is_loopback(host) || interfaces_find(host, &found, NULL) == 0;
}

/* Whether what is sent to host:port comes to where we listen. */
static bool leads_to(const struct address *target, const struct config_place *place)
{
    bool all = strcmp(place->host, "0.0.0.0") == 0 || strcmp(place->host, "::") == 0;
    bool local = address_is_loopback(target->host) && address_is_loopback(place->host);
    return target->port == place->port && (local || strcmp(target->host, place->host) == 0 ||
                                           (all && is_own_address(target->host)));
}

/* Samples that come back by our own port for programs would be sent again and again. */
static void check_circle(struct load *load, const struct config_sink *sink)
{
    char where[ADDRESS_TEXT_MAX];
    struct address target;
    const struct config_place *places[] = { &load->config->server.series,
                                            &load->config->server.http };
    const char *url = settings_text(&sink->own->settings, 0);
    if (url == NULL || !str_starts(url, "http") ||
        http_url_check(url, where, sizeof(where), NULL) != 0 ||
        address_parse(where, 0, &target, NULL) != 0) {
        return;
    }
    for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
        if (places[i]->port != 0 && leads_to(&target, places[i])) {
            problems_error(load->problems, settings_at(&sink->own->settings, 0),
                           "what is collected can be asked there already; write the address of "
                           "another program",
                           "the sink '%s' leads back to this gateway: %s is its own port",
                           sink->name, where);
        }
    }
}

void load_check_sinks(struct load *load)
{
    struct config *config = load->config;
    if (load->sink_count > 0) {
        qsort(load->sinks, load->sink_count, sizeof(*load->sinks), by_name);
    }
    config->sinks = load->sinks;
    config->sink_count = load->sink_count;
    for (size_t i = 1; i < config->sink_count; i++) {
        const struct config_sink *one = &config->sinks[i - 1], *two = &config->sinks[i];
        if (strcmp(one->name, two->name) == 0) {
            problems_error(load->problems, two->at, "give one of them another name",
                           "the sink '%s' is also in %s:%d", two->name, one->at.file, one->at.line);
        }
    }
    for (size_t i = 0; i < config->sink_count; i++) {
        check_circle(load, &config->sinks[i]);
    }
    check_archive(load);
}
