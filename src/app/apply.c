/* SPDX-License-Identifier: Apache-2.0 */
#include "app/apply.h"

#include <string.h>

#include "app/labels.h"
#include "app/sinks.h"
#include "app/swap.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "net/jobs.h"

enum { SLICE_US = 3000, SLICE_PAUSE_MS = 1 };

struct apply {
    struct apply *next; /* waiting behind this one */
    struct gateway *gw;
    struct apply_request request;
    char who[64], from[64];
    apply_cb cb;
    void *ctx;
    int64_t began_us;

    /* The job's: nothing else is touched there but state and files. */
    char config_path[GATEWAY_PATH_MAX], data_folder[GATEWAY_PATH_MAX];
    uint32_t running;
    struct prepared *prepared[PROTOCOLS_MAX]; /* of what is running; held */
    struct secrets *secrets;
    struct config *config, *old;
    struct problems problems;
    struct config_diff diff;
    bool diffed;
    uint64_t signature;
    uint32_t version;

    struct swap swap;
    bool swapping;
    struct timer slice;
    int error;
    struct err err;
};

/* ---- jobs ---- */

static struct prepared *running_prepared(void *ctx, const char *protocol)
{
    const struct apply *apply = ctx;
    for (size_t i = 0; i < apply->gw->protocols.count; i++) {
        if (strcmp(apply->gw->protocols.list[i].name, protocol) == 0) {
            return apply->prepared[i];
        }
    }
    return NULL;
}

/* running: what drivers made of their files, and the secrets, are what they run with, not what they would be now. */
static bool load(struct apply *apply, const char *path, bool running, struct config **out,
                 struct problems *problems)
{
    char files[GATEWAY_PATH_MAX];
    char cache[GATEWAY_PATH_MAX];
    struct config_env env = protocols_env(&apply->gw->protocols);
    env.secrets = running ? apply->gw->secrets : apply->secrets;
    env.files = protocols_files(files, sizeof files, apply->config_path);
    env.prepared = running ? running_prepared : NULL;
    env.prepared_ctx = apply;
    env.cache = protocols_cache(cache, sizeof cache, apply->data_folder);
    apply->error = config_load(path, &env, out, problems);
    return apply->error == 0;
}

/* What is running, as it was kept. */
static void load_running(struct apply *apply)
{
    char path[GATEWAY_PATH_MAX];
    struct problems ignored;
    if (versions_path(apply->data_folder, apply->running, path, sizeof path, NULL) != 0) {
        return;
    }
    problems_init(&ignored);
    if (!load(apply, path, true, &apply->old, &ignored)) {
        apply->old = NULL;
        apply->error = 0;
    }
    problems_fini(&ignored);
}

static bool wants_version(const struct apply *apply)
{
    return apply->request.mode == APPLY_ROLLBACK;
}

static bool choose_files(struct apply *apply, char *path, size_t size)
{
    if (!wants_version(apply)) {
        str_copy(path, size, apply->config_path);
        return true;
    }
    struct version version;
    apply->error = versions_find(apply->data_folder, apply->request.version, &version, &apply->err);
    if (apply->error == 0) {
        apply->error = versions_path(apply->data_folder, apply->request.version, path, size,
                                     &apply->err);
    }
    return apply->error == 0;
}

/* Puts the files of the version back, then reads them from where they live. */
static bool restore(struct apply *apply)
{
    apply->error = versions_restore(apply->data_folder, apply->request.version, apply->config_path,
                                    &apply->err);
    if (apply->error != 0) {
        return false;
    }
    config_free(apply->config);
    apply->config = NULL;
    problems_fini(&apply->problems);
    problems_init(&apply->problems);
    return load(apply, apply->config_path, false, &apply->config, &apply->problems);
}

static void work_load(void *ctx)
{
    struct apply *apply = ctx;
    char path[GATEWAY_PATH_MAX];
    apply->error = secrets_open(apply->data_folder, &apply->secrets, &apply->err);
    apply->signature = gateway_files_signature(apply->config_path);
    if (apply->error != 0 || !choose_files(apply, path, sizeof path) ||
        !load(apply, path, false, &apply->config, &apply->problems) ||
        apply->request.mode == APPLY_CHECK) {
        return;
    }
    load_running(apply);
    apply->error = config_diff(apply->old, apply->config, &apply->diff);
    apply->diffed = apply->error == 0;
    if (apply->diffed && wants_version(apply) && !apply->request.dry_run && !restore(apply)) {
        return;
    }
}

static bool policies_changed(const struct apply *apply)
{
    for (size_t i = 0; i < apply->diff.count; i++) {
        if (str_starts(apply->diff.changes[i].what, CONFIG_POLICY_PATH)) {
            return true;
        }
    }
    return false;
}

/* What queries find: the devices are not running yet, but their series are there already. */
static int give_labels(struct apply *apply)
{
    struct history *history = apply->gw->history;
    int error = policies_changed(apply) ? labels_policies(history, &apply->config->history) : 0;
    for (size_t i = 0; i < apply->config->device_count && error == 0; i++) {
        if (apply->swap.fresh[i] != NULL) {
            error = labels_give(history, apply->swap.fresh[i], NULL);
        }
    }
    return error == 0 ? 0 : err_set(&apply->err, error, "no room for the labels of points");
}

static void work_ids(void *ctx)
{
    struct apply *apply = ctx;
    char summary[256];
    apply->error = swap_ids(&apply->swap, &apply->err);
    if (apply->error != 0) {
        return;
    }
    str_format(summary, sizeof summary, "%s%zu changes%s%s",
               wants_version(apply) ? "rollback, " : "", apply->diff.total,
               apply->diff.count > 0 ? ": " : "",
               apply->diff.count > 0 ? apply->diff.changes[0].text : "");
    apply->error = versions_save(apply->data_folder, apply->config, apply->who, summary,
                                 &apply->version, &apply->err);
    apply->error = apply->error == 0 ? give_labels(apply) : apply->error;
    struct state_entry entry = { .time_us = clock_wall_us(),
                                 .who = apply->who,
                                 .from = apply->from,
                                 .what = "config apply",
                                 .path = "",
                                 .old_value = "",
                                 .new_value = summary,
                                 .result = apply->error == 0 ? "applied" : apply->err.message };
    (void)state_journal_add(apply->gw->state, &entry, 1);
}

static void work_free(void *ctx)
{
    struct apply *apply = ctx;
    config_free(apply->config);
    config_free(apply->old);
}

static void freed(void *ctx, int error)
{
    struct apply *apply = ctx;
    (void)error;
    for (size_t i = 0; i < PROTOCOLS_MAX; i++) {
        prepared_drop(apply->prepared[i]);
    }
    problems_fini(&apply->problems);
    if (apply->diffed) {
        config_diff_fini(&apply->diff);
    }
    secrets_close(apply->secrets);
    busbar_free(apply);
}

/* ---- loop ---- */

static bool needs_restart(const struct apply *apply)
{
    const struct config_diff *diff = &apply->diff;
    for (size_t i = 0; apply->diffed && i < diff->count; i++) {
        const char *what = diff->changes[i].what;
        if (str_starts(what, "server.") ||
            (str_starts(what, "history.") && !str_starts(what, CONFIG_POLICY_PATH))) {
            return true;
        }
    }
    return false;
}

static void finish(struct apply *apply, bool applied)
{
    struct gateway *gw = apply->gw;
    struct apply_result result = {
        .error = apply->error,
        .err = &apply->err,
        .problems = &apply->problems,
        .diff = apply->diffed ? &apply->diff : NULL,
        .applied = applied,
        .restart_needed = applied && needs_restart(apply),
        .version = gw->version,
        .undo = applied ? apply->running : 0,
        .took_us = clock_mono_us() - apply->began_us,
    };
    if (apply->error != 0 && apply->err.code == 0) {
        err_set(&apply->err, apply->error, "%s", err_text(apply->error));
    }
    apply->cb(apply->ctx, &result);
    if (apply->swapping) {
        swap_fini(&apply->swap);
    }
    gw->apply = apply->next;
    jobs_submit(gw->loop, work_free, freed, apply);
    gateway_apply_ended(gw);
}

static void take_facts(struct gateway *gw, const struct config *config, const char *who)
{
    busbar_free(gw->files);
    gw->files = busbar_alloc_array(config->file_count + 1, sizeof *gw->files);
    gw->file_count = config->file_count;
    for (size_t i = 0; i < config->file_count; i++) {
        str_copy(gw->files[i].name, sizeof gw->files[i].name, config->files[i].name);
        gw->files[i].bytes = config->files[i].bytes;
        gw->files[i].crc = config->files[i].crc;
    }
    gw->events_keep_us = config->history.events_keep_us;
    gw->applied_us = clock_wall_us();
    str_copy(gw->applied_by, sizeof gw->applied_by, who);
    str_copy(gw->site_id, sizeof gw->site_id, config->site.id);
    str_copy(gw->site_name, sizeof gw->site_name, config->site.name);
    str_copy(gw->site_timezone, sizeof gw->site_timezone, config->site.timezone);
}

static void swapped(struct apply *apply)
{
    struct gateway *gw = apply->gw;
    gw->version = apply->version;
    gw->upkeep.files_loaded = gw->upkeep.files_now = wants_version(apply)
                                                         ? gateway_files_signature(gw->config_path)
                                                         : apply->signature;
    take_facts(gw, apply->config, apply->who);
    server_site(gw->server, gw->site_id, gw->site_name, gw->site_timezone);
    server_changed(gw->server);
    gateway_sinks_apply(gw, apply->config);
    if (apply->swap.left_count > 0) {
        labels_leave(gw, apply->swap.left, apply->swap.left_count);
        apply->swap.left = NULL;
    }
    busbar_log(LOG_LEVEL_INFO, "config", NULL, "version %u is running, %zu change%s", gw->version,
               apply->diff.total, apply->diff.total == 1 ? "" : "s");
    finish(apply, true);
}

static void step_swap(struct timer *timer, void *ctx)
{
    struct apply *apply = ctx;
    bool all = swap_step(&apply->swap, SLICE_US);
    if (all && apply->swap.going == 0) {
        swapped(apply);
    } else {
        timer_start(timer, SLICE_PAUSE_MS, 0);
    }
}

static void ids_done(void *ctx, int error)
{
    struct apply *apply = ctx;
    apply->error = apply->error != 0 ? apply->error : error;
    if (apply->error != 0 || apply->gw->stopping) {
        finish(apply, false);
        return;
    }
    struct secrets *old = apply->gw->secrets; /* what is made from now on asks for the new ones */
    apply->gw->secrets = apply->secrets;
    apply->secrets = old;
    swap_begin(&apply->swap);
    timer_init(&apply->slice, apply->gw->loop, step_swap, apply);
    timer_start(&apply->slice, 0, 0);
}

static void step_make(struct timer *timer, void *ctx)
{
    struct apply *apply = ctx;
    if (!swap_make(&apply->swap, SLICE_US)) {
        timer_start(timer, SLICE_PAUSE_MS, 0);
        return;
    }
    if (apply->swap.error != 0) {
        apply->error = apply->swap.error;
        apply->err = apply->swap.err;
        finish(apply, false);
        return;
    }
    jobs_submit(apply->gw->loop, work_ids, ids_done, apply);
}

static void load_done(void *ctx, int error)
{
    struct apply *apply = ctx;
    apply->error = apply->error != 0 ? apply->error : error;
    bool changes = apply->request.mode == APPLY_FILES || apply->request.mode == APPLY_ROLLBACK;
    if (apply->error != 0 || !changes || apply->request.dry_run || apply->diff.total == 0 ||
        apply->gw->stopping) {
        if (apply->error == 0 && changes && apply->diff.total == 0) {
            apply->gw->upkeep.files_loaded = apply->gw->upkeep.files_now = apply->signature;
        }
        finish(apply, false);
        return;
    }
    swap_init(&apply->swap, apply->gw, apply->config);
    apply->swapping = true;
    timer_init(&apply->slice, apply->gw->loop, step_make, apply);
    timer_start(&apply->slice, 0, 0);
}

void apply_next(struct gateway *gw)
{
    gw->apply->running = gw->version;
    for (size_t i = 0; i < gw->protocols.count; i++) {
        const struct setup *setup = host_setup_of(gw->host, gw->protocols.list[i].name);
        gw->apply->prepared[i] = prepared_hold(setup != NULL ? setup->prepared : NULL);
    }
    jobs_submit(gw->loop, work_load, load_done, gw->apply);
}

int apply_begin(struct gateway *gw, const struct apply_request *request, apply_cb cb, void *ctx)
{
    struct apply **last = &gw->apply;
    unsigned waiting = 0;
    for (; *last != NULL; last = &(*last)->next) {
        waiting++;
    }
    if (waiting > APPLY_WAITING_MAX || gw->stopping) {
        return BUSBAR_EBUSY;
    }
    struct apply *apply = busbar_alloc(sizeof *apply);
    apply->gw = gw;
    apply->request = *request;
    str_copy(apply->who, sizeof apply->who, request->who);
    str_copy(apply->from, sizeof apply->from, request->from);
    str_copy(apply->config_path, sizeof apply->config_path, gw->config_path);
    str_copy(apply->data_folder, sizeof apply->data_folder, gw->data_folder);
    apply->cb = cb;
    apply->ctx = ctx;
    apply->began_us = clock_mono_us();
    problems_init(&apply->problems);
    *last = apply;
    if (gw->apply == apply && !gw->labeling) {
        apply_next(gw);
    }
    return 0;
}

int apply_first(struct gateway *gw, struct config *config, struct err *err)
{
    struct swap swap;
    swap_init(&swap, gw, config);
    take_facts(gw, config, "start");
    (void)swap_make(&swap, 0);
    int rc = swap.error;
    if (rc != 0) {
        *err = swap.err;
    } else {
        rc = swap_ids(&swap, err);
    }
    if (rc == 0) {
        swap_begin(&swap);
        (void)swap_step(&swap, 0);
    }
    swap_fini(&swap);
    return rc;
}
