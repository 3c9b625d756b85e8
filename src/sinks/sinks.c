/* SPDX-License-Identifier: Apache-2.0 */
/* All sinks of a gateway: what the configuration says, and what people ask. */
#include "sinks/sinks.h"

#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/str.h"
#include "sinks/again_private.h"

#define LOG_BYTES_LEAST (UINT64_C(1) << 30)
#define LOG_BYTES_ROOM  (UINT64_C(256) << 20) /* between what a quota allows and what history cuts */

const struct sink_ops *sink_kind(const struct sink_ops *const *catalog, const char *name)
{
    while (*catalog != NULL && !str_equal((*catalog)->name, name)) {
        catalog++;
    }
    return *catalog;
}

int sinks_check(const struct settings *common, struct err *err)
{
    struct sink_filter *filter = NULL;
    int error = sink_filter_of(NULL, common, true, &filter, err);
    sink_filter_unref(filter);
    return error;
}

uint64_t sinks_log_bytes(const struct config *config)
{
    uint64_t most = LOG_BYTES_LEAST;
    for (size_t i = 0; i < config->sink_count; i++) {
        uint64_t bytes = 0;
        const struct settings *common = &config->sinks[i].common->settings;
        (void)str_parse_bytes(settings_text(common, SINK_KEEP_BYTES), &bytes);
        bytes = bytes < UINT64_MAX / 2 ? bytes + bytes / 4 + LOG_BYTES_ROOM : bytes;
        most = bytes > most ? bytes : most;
    }
    return most;
}

void sinks_env(const struct sinks *sinks, const char *name, const struct settings *common,
               struct sink_env *env)
{
    const struct sinks_config *from = &sinks->config;
    *env = (struct sink_env){ .loop = from->loop,
                              .history = from->history,
                              .state = from->state,
                              .name = name,
                              .site = from->site[0] != '\0' ? from->site : "busbar",
                              .site_title = from->site_title,
                              .log_id = "",
                              .folder = from->folder,
                              .files = from->files,
                              .timeout_us = settings_int(common, SINK_TIMEOUT),
                              .secret = from->secret,
                              .secret_ctx = from->ctx };
}

/* ---- finding ---- */

struct sink *sinks_find(const struct sinks *sinks, const char *name, struct err *err)
{
    struct buf names;
    buf_init(&names, 1024);
    for (size_t i = 0; i < sinks->count; i++) {
        if (str_equal(sinks->all[i]->name, name)) {
            buf_fini(&names);
            return sinks->all[i];
        }
        buf_printf(&names, "%s%s", i > 0 ? ", " : "", sinks->all[i]->name);
    }
    (void)err_set(err, BUSBAR_ENOENT, "there is no sink '%.63s'", name);
    if (sinks->count > 0) {
        (void)err_hint(err, "there are: %s", buf_text(&names));
    } else {
        (void)err_hint(err, "the configuration has none below 'sinks:'");
    }
    buf_fini(&names);
    return NULL;
}

/* ---- the configuration ---- */

static void take_out(struct sinks *sinks, size_t index)
{
    memmove(&sinks->all[index], &sinks->all[index + 1],
            (sinks->count - index - 1) * sizeof(*sinks->all));
    sinks->count--;
}

static void put_in(struct sinks *sinks, struct sink *sink)
{
    size_t at = sinks->count;
    while (at > 0 && strcmp(sinks->all[at - 1]->name, sink->name) > 0) {
        sinks->all[at] = sinks->all[at - 1];
        at--;
    }
    sinks->all[at] = sink;
    sinks->count++;
}

/* Those that the configuration has not any more, or not as they are. */
static void end_others(struct sinks *sinks, const struct config *config)
{
    for (size_t i = sinks->count; i > 0; i--) {
        struct sink *sink = sinks->all[i - 1];
        const struct config_sink *now = config_sink(config, sink->name);
        if (now == NULL || now->hash != sink->hash) {
            take_out(sinks, i - 1);
            list_append(&sinks->leaving, &sink->link);
            sink_leave(sink, now == NULL);
        }
    }
}

int sinks_apply(struct sinks *sinks, const struct config *config, struct err *err)
{
    int error = 0;
    history_log_keep(sinks->config.history, sinks_log_bytes(config));
    end_others(sinks, config);
    for (size_t i = 0; i < config->sink_count; i++) {
        struct sink *sink = sinks_find(sinks, config->sinks[i].name, NULL);
        if (sink != NULL) {
            sinks_env(sinks, sink->name, &sink->common->settings, &sink->env);
            sink->env.log_id = sink->log_id;
            if (sink->target != NULL && sink->ops->changed != NULL) {
                sink->ops->changed(sink->target);
            }
            continue;
        }
        struct err why = { 0 };
        sink = sinks->count < SINKS_MAX ? sink_new(sinks, &config->sinks[i], &why) : NULL;
        if (sink == NULL) {
            error = why.code != 0 ? why.code : BUSBAR_ELIMIT;
            if (err != NULL) {
                *err = why;
            }
            continue;
        }
        put_in(sinks, sink);
        sink_begin(sink);
    }
    return error;
}

void sinks_start(struct sinks *sinks)
{
    sinks->started = true;
    for (size_t i = 0; i < sinks->count; i++) {
        if (sinks->all[i]->row_known) {
            sink_ledger_begin(sinks->all[i]);
        }
        sink_pump(sinks->all[i]);
    }
}

void sinks_changed(struct sinks *sinks)
{
    for (size_t i = 0; i < sinks->count; i++) {
        sinks->all[i]->tell_anew = true;
    }
}

void sinks_committed(struct sinks *sinks)
{
    for (size_t i = 0; sinks != NULL && i < sinks->count; i++) {
        sink_news(sinks->all[i]);
    }
}

bool sinks_is_own_log(const struct sinks *sinks, const char *log_id)
{
    for (size_t i = 0; sinks != NULL && i < sinks->count; i++) {
        const struct sink *sink = sinks->all[i];
        if (sink->row_known && str_equal(sink->log_id, log_id)) {
            return true;
        }
    }
    return false;
}

/* ---- ending ---- */

static bool all_gone(const struct sinks *sinks)
{
    for (size_t i = 0; i < sinks->count; i++) {
        if (sinks->all[i]->stand != STAND_GONE) {
            return false;
        }
    }
    return list_empty(&sinks->leaving);
}

static void say_removed(const struct sink *sink)
{
    if (sink->removed) {
        busbar_log(
            LOG_LEVEL_INFO, "sinks", sink->name,
            "removed: its place in the log is kept (record %llu), %llu samples waited and are "
            "not held for it any more",
            (unsigned long long)sink->place.sequence,
            (unsigned long long)(sink->left > 0 ? sink->left : 0));
    }
}

/* Frees those that left, and lets those of the same name begin. Not in the midst of their own calls. */
static void sweep(void *ctx)
{
    struct sinks *sinks = ctx;
    struct list *next;
    for (struct list *at = sinks->leaving.next; at != &sinks->leaving; at = next) {
        struct sink *sink = list_entry(at, struct sink, link);
        next = at->next;
        if (sink->stand == STAND_GONE && sink->working == NULL) {
            say_removed(sink);
            list_remove(&sink->link);
            sink_free(sink);
        }
    }
    for (size_t i = 0; i < sinks->count && !sinks->stopping; i++) {
        sink_begin(sinks->all[i]);
    }
    if (sinks->stopping && sinks->stopped != NULL && all_gone(sinks)) {
        void (*stopped)(void *) = sinks->stopped;
        sinks->stopped = NULL;
        stopped(sinks->stopped_ctx);
    }
}

struct sinks *sinks_new(const struct sinks_config *config)
{
    struct sinks *sinks = busbar_alloc(sizeof(*sinks));
    sinks->config = *config;
    list_init(&sinks->leaving);
    loop_deferred_init(&sinks->sweep, sweep, sinks);
    return sinks;
}

void sinks_ended(struct sinks *sinks)
{
    loop_defer(sinks->config.loop, &sinks->sweep);
}

void sinks_stop(struct sinks *sinks, void (*stopped)(void *ctx), void *ctx)
{
    sinks->stopping = true;
    sinks->stopped = stopped;
    sinks->stopped_ctx = ctx;
    for (size_t i = 0; i < sinks->count; i++) {
        sink_leave(sinks->all[i], false);
    }
    loop_defer(sinks->config.loop, &sinks->sweep);
}

void sinks_free(struct sinks *sinks)
{
    if (sinks == NULL) {
        return;
    }
    loop_defer_cancel(&sinks->sweep);
    for (size_t i = 0; i < sinks->count; i++) {
        sink_free(sinks->all[i]);
    }
    struct list *first;
    while ((first = list_shift(&sinks->leaving)) != NULL) {
        sink_free(list_entry(first, struct sink, link));
    }
    busbar_free(sinks);
}

/* ---- doing ---- */

static void work_pause(struct sink_work *work)
{
    struct sink *sink = work->sink;
    (void)state_sink_pause(sink->env.state, sink->name, sink->pausing_to);
}

static void paused(struct sink_work *work, int error)
{
    struct sink *sink = work->sink;
    (void)error;
    if (sink->pausing_to != sink->paused && !sink->leaving) {
        sink->pausing_to = sink->paused;
        sink_do(sink, work);
    }
    sink_pump(sink);
}

static int set_paused(struct sinks *sinks, const char *name, bool to, struct err *err)
{
    struct sink *sink = sinks_find(sinks, name, err);
    if (sink == NULL) {
        return BUSBAR_ENOENT;
    }
    if (!sink->enabled) {
        (void)err_set(err, BUSBAR_EINVAL, "the configuration says 'enabled: false' for the sink %s",
                      name);
        return err_hint(err, "take that out");
    }
    if (!sink->row_known || sink->leaving) {
        return err_set(err, BUSBAR_EAGAIN, "the sink %s is just starting or ending", name);
    }
    if (sink->paused == to) {
        return 0;
    }
    sink->paused = to;
    busbar_log(LOG_LEVEL_INFO, "sinks", name, to ? "paused" : "goes on");
    if (!sink->pausing.asked) {
        sink->pausing_to = to;
        sink->pausing.work = work_pause;
        sink->pausing.done = paused;
        sink_do(sink, &sink->pausing);
    }
    if (!to) {
        timer_stop(&sink->again);
        backoff_reset(&sink->backoff);
    }
    sink_pump(sink);
    return 0;
}

int sinks_pause(struct sinks *sinks, const char *name, struct err *err)
{
    return set_paused(sinks, name, true, err);
}

int sinks_resume(struct sinks *sinks, const char *name, struct err *err)
{
    return set_paused(sinks, name, false, err);
}

int sinks_retry_now(struct sinks *sinks, const char *name, struct err *err)
{
    struct sink *sink = sinks_find(sinks, name, err);
    if (sink == NULL) {
        return BUSBAR_ENOENT;
    }
    if (!sink_wanted(sink)) {
        (void)err_set(err, BUSBAR_EINVAL, "the sink %s is paused", name);
        return err_hint(err, "busbar sink resume %s", name);
    }
    timer_stop(&sink->again);
    backoff_reset(&sink->backoff);
    sink_pump(sink);
    return 0;
}

/* A test goes on when an apply ends the sink that it is of: it has settings of its own. */
struct test_run {
    char name[SINK_NAME_MAX + 1], log_id[STATE_LOG_ID_SIZE];
    struct sink_env env;
    struct setup *setup;
    sink_tested_cb tested;
    void *ctx;
};

static void on_tested(void *ctx, const struct sink_finding *findings, size_t count)
{
    struct test_run *run = ctx;
    run->tested(run->ctx, findings, count);
    setup_free(run->setup);
    busbar_free(run);
}

int sinks_test(struct sinks *sinks, const char *name, sink_tested_cb tested, void *ctx,
               struct err *err)
{
    struct sink *sink = sinks_find(sinks, name, err);
    if (sink == NULL) {
        return BUSBAR_ENOENT;
    }
    struct test_run *run = busbar_alloc(sizeof(*run));
    int error = config_make_setup(sink->own, &run->setup);
    if (error != 0) {
        busbar_free(run);
        return err_set(err, error, "no memory for a test");
    }
    run->env = sink->env;
    run->tested = tested;
    run->ctx = ctx;
    (void)str_copy(run->name, sizeof(run->name), sink->name);
    (void)str_copy(run->log_id, sizeof(run->log_id), sink->log_id);
    run->env.name = run->name;
    run->env.log_id = run->log_id;
    sink->ops->test(&run->env, &run->setup->settings, on_tested, run);
    return 0;
}

int sinks_sql(struct sinks *sinks, const char *name, struct buf *out, struct err *err)
{
    struct sink *sink = sinks_find(sinks, name, err);
    if (sink == NULL) {
        return BUSBAR_ENOENT;
    }
    if (sink->ops->sql == NULL) {
        return err_set(err, BUSBAR_EUNSUPPORTED, "there is no SQL for a sink of the kind %s",
                       sink->ops->title);
    }
    return sink->ops->sql(&sink->env, &sink->own->settings, out, err);
}

struct history_archive *sinks_archive(struct sinks *sinks, const char *name)
{
    const struct sink *sink = sinks_find(sinks, name, NULL);
    return sink != NULL && sink->ops->archive != NULL
               ? sink->ops->archive(&sink->env, &sink->own->settings)
               : NULL;
}
