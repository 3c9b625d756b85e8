/* SPDX-License-Identifier: Apache-2.0 */
#include "app/gateway.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/apply.h"
#include "app/backup.h"
#include "app/events.h"
#include "app/holds.h"
#include "app/labels.h"
#include "app/sinks.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/crc.h"
#include "base/file.h"
#include "base/log.h"
#include "base/str.h"
#include "drivers/catalog.h"
#include "history/journal.h"
#include "net/jobs.h"

enum { EXIT_FAILED = 1, EXIT_PROBLEMS = 3 };

/* ---- what the modules ask of us ---- */

static void run_completed(void *ctx)
{
    struct gateway *gw = ctx;
    if (gw->history != NULL) { /* the last commit may still be told while the loop is freed */
        (void)history_completed(gw->history);
        events_committed(gw);
        if (gw->sinks != NULL) {
            sinks_committed(gw->sinks);
        }
    }
}

/* Log thread. */
static void on_commit(void *ctx)
{
    struct gateway *gw = ctx;
    (void)loop_post(gw->loop, run_completed, gw);
}

static const char *find_secret(void *ctx, const char *name)
{
    const struct gateway *gw = ctx;
    return gw->secrets != NULL ? secrets_get(gw->secrets, name) : NULL;
}

struct limit_loading {
    struct host *host;
    struct device *dev;
};

static void limit_loaded(void *ctx, const char *device, const char *name, int64_t value)
{
    struct limit_loading *loading = ctx;
    (void)device;
    host_limit_restore(loading->host, loading->dev, name, value);
}

static void load_limits(void *ctx, const char *device, struct host *host)
{
    struct gateway *gw = ctx;
    struct limit_loading loading = { .host = host, .dev = registry_device(gw->registry, device) };
    if (loading.dev != NULL) {
        (void)state_limits(gw->state, device, limit_loaded, &loading);
    }
}

struct limit_saving {
    struct state *state;
    char device[DEVICE_NAME_MAX + 1], name[64];
    int64_t value;
};

static void save_limit(void *ctx)
{
    struct limit_saving *saving = ctx;
    (void)state_limit_set(saving->state, saving->device, saving->name, saving->value);
}

static void limit_saved(void *ctx, int error)
{
    (void)error;
    busbar_free(ctx);
}

static void keep_limit(void *ctx, const char *device, const char *name, int64_t value)
{
    struct gateway *gw = ctx;
    struct limit_saving *saving = busbar_alloc(sizeof *saving);
    saving->state = gw->state;
    saving->value = value;
    str_copy(saving->device, sizeof saving->device, device);
    str_copy(saving->name, sizeof saving->name, name);
    jobs_submit(gw->loop, save_limit, limit_saved, saving);
}

static const struct setup *running_setup(void *ctx, const char *protocol)
{
    const struct gateway *gw = ctx;
    return host_setup_of(gw->host, protocol);
}

static int make_stranger(void *ctx, const char *protocol, const char *settings, struct device **out,
                         struct err *err)
{
    struct gateway *gw = ctx;
    char name[32];
    struct config_env env = protocols_env(&gw->protocols);
    env.secrets = gw->secrets;
    env.setup = running_setup;
    env.setup_ctx = gw;
    str_format(name, sizeof name, "stranger-%u", ++gw->strangers);
    return config_make_lone_device(&env, gw->registry, name, protocol, settings, out, err);
}

/* ---- opening ---- */

int gateway_say(const struct err *err)
{
    fprintf(stderr, "error: %s\n", err->message[0] != '\0' ? err->message : err_text(err->code));
    if (err->hint[0] != '\0') {
        fprintf(stderr, "hint:  %s\n", err->hint);
    }
    return EXIT_FAILED;
}

static int open_stores(struct gateway *gw, const struct config *config)
{
    struct err err = { 0 };
    if (state_open(gw->data_folder, &gw->state, &err) != 0) {
        return gateway_say(&err);
    }
    struct history_config history = {
        .folder = gw->data_folder,
        .state = gw->state,
        .wake = on_commit,
        .wake_ctx = gw,
        .commit_us = config->history.commit_us,
        .keep_us = config->history.keep_us,
        .max_bytes = config->history.max_bytes,
        .free_bytes = config->history.free_bytes,
        .tiers_keep_us = config->history.tiers_keep_us,
        .cold_us = config->history.cold_after_us,
        .cursor_bytes = sinks_log_bytes(config),
        .points_labeled_later = true,
    };
    gw->events_keep_us = config->history.events_keep_us;
    if (history_journal_from(gw->state, &history.events_from, &err) != 0 ||
        sinks_from(gw->state, config, &history.sinks_from, &err) != 0 ||
        history_open(&history, &gw->history, &err) != 0 || events_open(gw, &err) != 0) {
        return gateway_say(&err);
    }
    history_recovered(gw->history, &gw->recovery);
    if (gw->recovery.text[0] != '\0') {
        busbar_log(LOG_LEVEL_WARN, "history", NULL, "%s", gw->recovery.text);
    }
    return 0;
}

static void open_host(struct gateway *gw)
{
    uint64_t seed = (uint64_t)clock_wall_us();
    gw->registry = registry_new();
    gw->bus = bus_new(history_append, gw->history);
    bus_store_events(gw->bus, history_append_event, gw->history);
    gw->host = host_new(&(struct host_config){ .loop = gw->loop,
                                               .bus = gw->bus,
                                               .catalog = drivers_catalog(),
                                               .secret = find_secret,
                                               .limits_load = load_limits,
                                               .limits_save = keep_limit,
                                               .make_device = make_stranger,
                                               .holds = holds_store(),
                                               .trust = gw->trust,
                                               .keyring = gw->keyring,
                                               .folder = gw->data_folder,
                                               .ctx = gw,
                                               .seed = seed });
}

static void open_server(struct gateway *gw)
{
    gw->server = server_new(&(struct server_config){ .loop = gw->loop,
                                                     .registry = gw->registry,
                                                     .bus = gw->bus,
                                                     .host = gw->host,
                                                     .trust = gw->trust,
                                                     .keyring = gw->keyring,
                                                     .catalog = drivers_catalog(),
                                                     .history = gw->history,
                                                     .sinks = gw->sinks,
                                                     .state = gw->state,
                                                     .started_us = gw->started_us,
                                                     .site_id = gw->site_id,
                                                     .site_name = gw->site_name,
                                                     .site_timezone = gw->site_timezone,
                                                     .facts = gateway_facts,
                                                     .ctx = gw });
}

/* True when the newest version kept has these very files. */
static bool same_version(const struct gateway *gw, const struct config *config, uint32_t number)
{
    char folder[GATEWAY_PATH_MAX], path[GATEWAY_PATH_MAX];
    if (versions_path(gw->data_folder, number, folder, sizeof folder, NULL) != 0) {
        return false;
    }
    if (!file_is_folder(folder)) { /* a single file: its folder holds the others */
        char *slash = strrchr(folder, '/');
        if (slash != NULL) {
            *slash = '\0';
        }
    }
    for (size_t i = 0; i < config->file_count; i++) {
        char *data = NULL;
        size_t size = 0;
        const struct config_file *file = &config->files[i];
        if (!file_join(path, sizeof path, folder, file->name) ||
            file_read(file_ops_real(), path, CONFIG_CSV_BYTES_MAX, &data, &size, NULL) != 0) {
            return false;
        }
        bool same = size == file->bytes && crc32c(0, data, size) == file->crc;
        busbar_free(data);
        if (!same) {
            return false;
        }
    }
    return true;
}

static int keep_version(struct gateway *gw, const struct config *config)
{
    struct version *list = NULL;
    size_t count = 0;
    struct err err = { 0 };
    if (versions_list(gw->data_folder, &list, &count, &err) != 0) {
        return gateway_say(&err);
    }
    uint32_t newest = count > 0 ? list[count - 1].number : 0;
    bool same = count > 0 && list[count - 1].files == config->file_count &&
                same_version(gw, config, newest);
    busbar_free(list);
    if (same) {
        gw->version = newest;
        return 0;
    }
    if (versions_save(gw->data_folder, config, "start", "at the start", &gw->version, &err) != 0) {
        return gateway_say(&err);
    }
    return 0;
}

/* Loads, says every problem; NULL when it cannot be used. */
static struct config *load(struct gateway *gw)
{
    struct config *config = NULL;
    struct problems problems;
    struct buf text;
    char cache[GATEWAY_PATH_MAX];
    struct config_env env = protocols_env(&gw->protocols);
    env.secrets = gw->secrets;
    env.cache = protocols_cache(cache, sizeof cache, gw->data_folder);
    problems_init(&problems);
    buf_init(&text, 16 << 20);
    (void)config_load(gw->config_path, &env, &config, &problems);
    problems_print(&problems, &text);
    fputs(buf_text(&text), stderr);
    buf_fini(&text);
    problems_fini(&problems);
    return config;
}

static void take_places(struct gateway *gw, const struct config_server *server)
{
    const struct config_place *from[] = {
        [SERVER_PAGE] = &server->http, [SERVER_TIME_SERIES] = &server->series
    };
    for (unsigned i = 0; i < SERVER_KINDS; i++) {
        str_copy(gw->places[i].host, sizeof gw->places[i].host, from[i]->host);
        gw->places[i].port = from[i]->port;
    }
    gw->insecure = server->insecure;
}

static int open_with(struct gateway *gw, struct config *config)
{
    struct err err = { 0 };
    int rc = open_stores(gw, config);
    if (rc != 0) {
        return rc;
    }
    open_host(gw);
    gateway_sinks_new(gw);
    take_places(gw, &config->server);
    open_server(gw);
    rc = labels_policies(gw->history, &config->history);
    if (rc != 0) {
        err_set(&err, rc, "the policies of history cannot be set");
        return gateway_say(&err);
    }
    if (holds_load(gw, &err) != 0 || apply_first(gw, config, &err) != 0 ||
        gateway_sinks_open(gw, config, &err) != 0) {
        return gateway_say(&err);
    }
    labels_begin(gw);
    return keep_version(gw, config);
}

static int open_trust(struct gateway *gw, struct err *err)
{
    char folder[GATEWAY_PATH_MAX];
    if (!file_join(folder, sizeof folder, gw->data_folder, "certificates")) {
        return err_set(err, BUSBAR_ELIMIT, "the name of the data folder is too long");
    }
    return trust_open(folder, &gw->trust, err);
}

static int open_keyring(struct gateway *gw, struct err *err)
{
    char path[GATEWAY_PATH_MAX];
    if (!file_join(path, sizeof path, gw->data_folder, "connector-keys")) {
        return err_set(err, BUSBAR_ELIMIT, "the name of the data folder is too long");
    }
    return keyring_open(path, &gw->keyring, err);
}

static int open_folder(struct gateway *gw)
{
    struct err err = { 0 };
    if (file_make_folders(file_ops_real(), gw->data_folder, 0700, &err) != 0 ||
        file_lock(gw->data_folder, &gw->lock_fd, &err) != 0 ||
        backup_restored(gw->data_folder, &err) != 0 ||
        secrets_open(gw->data_folder, &gw->secrets, &err) != 0 || open_trust(gw, &err) != 0 ||
        open_keyring(gw, &err) != 0) {
        return gateway_say(&err);
    }
    return 0;
}

int gateway_open(struct gateway *gw, const struct app_options *options)
{
    memset(gw, 0, sizeof *gw);
    gw->options = options;
    gw->lock_fd = -1;
    gw->started_us = clock_wall_us();
    str_copy(gw->config_path, sizeof gw->config_path, options->config_path);
    str_copy(gw->data_folder, sizeof gw->data_folder, options->data_folder);
    (void)protocols_files(gw->config_folder, sizeof gw->config_folder, gw->config_path);
    protocols_fill(&gw->protocols);
    int rc = open_folder(gw);
    if (rc != 0) {
        return rc;
    }
    gw->loop = loop_new();
    gw->upkeep.files_loaded = gw->upkeep.files_now = gateway_files_signature(gw->config_path);
    struct config *config = load(gw);
    if (config == NULL) {
        if (file_exists(gw->config_path)) {
            fputs("not started: the configuration is wrong\n", stderr);
        } else {
            fputs("hint:  name a folder of YAML files, or one file: busbar run --config PATH\n",
                  stderr);
        }
        return EXIT_PROBLEMS;
    }
    rc = open_with(gw, config);
    config_free(config);
    return rc;
}

/* ---- closing ---- */

static void sinks_stopped(void *ctx)
{
    struct gateway *gw = ctx;
    loop_stop(gw->loop);
}

static void stopped(void *ctx)
{
    struct gateway *gw = ctx;
    if (gw->sinks == NULL) { /* it never came so far */
        loop_stop(gw->loop);
        return;
    }
    history_commit_now(gw->history); /* what came last may still be published */
    sinks_stop(gw->sinks, sinks_stopped, gw);
}

void gateway_stop(struct gateway *gw)
{
    if (gw->stopping) {
        return;
    }
    gw->stopping = true;
    busbar_log(LOG_LEVEL_INFO, "app", NULL, "stopping");
    if (gw->apply == NULL && !gw->labeling) {
        host_stop(gw->host, stopped, gw);
    } else { /* gateway_apply_ended() goes on */
        gw->stop_waits = true;
    }
}

void gateway_apply_ended(struct gateway *gw)
{
    if (gw->labeling) {
        return;
    }
    if (gw->apply != NULL) {
        apply_next(gw);
    } else if (gw->stop_waits) {
        gw->stop_waits = false;
        host_stop(gw->host, stopped, gw);
    }
}

static void free_counters(struct gateway *gw)
{
    size_t at = 0;
    void *value;
    while (map64_next(&gw->received, &at, NULL, &value)) {
        busbar_free(value);
    }
    map64_fini(&gw->received);
}

void gateway_close(struct gateway *gw)
{
    if (gw->host != NULL && !gw->stopping) { /* it never came to serve: devices run already */
        gw->stopping = true;
        host_stop(gw->host, stopped, gw);
        loop_run(gw->loop);
    }
    timer_stop(&gw->upkeep_timer);
    history_closing(gw->history);
    events_stop(gw);
    if (gw->server != NULL) {
        server_free(gw->server);
    }
    if (gw->loop != NULL) {
        jobs_drain(gw->loop);
    }
    holds_keeper_free(gw->holds);
    gw->holds = NULL;
    events_close(gw);
    sinks_free(gw->sinks);
    gw->sinks = NULL;
    history_close(gw->history);
    gw->history = NULL;
    if (gw->host != NULL) {
        host_free(gw->host);
        bus_free(gw->bus);
        registry_free(gw->registry);
    }
    free_counters(gw);
    busbar_free(gw->files);
    state_close(gw->state);
    if (gw->loop != NULL) {
        loop_free(gw->loop);
    }
    keyring_close(gw->keyring);
    trust_close(gw->trust);
    secrets_close(gw->secrets);
    if (gw->lock_fd >= 0) {
        file_unlock(gw->lock_fd);
    }
}
