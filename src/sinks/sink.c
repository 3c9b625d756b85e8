/* SPDX-License-Identifier: Apache-2.0 */
/* One sink: made, connected, tried again, paused, ended; and what its target tells. */
#include "sinks/sink.h"

#include <stdarg.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/str.h"
#include "sinks/again_private.h"

enum { INDEX_MS = 200, TEXT_MAX = 300 };
#define TOLD_AFTER_US (INT64_C(60) * CLOCK_US_PER_S) /* an outage is an event from then on */

/* For the journal only. */
static void note(struct sink *sink, const char *kind, uint8_t severity, const char *text)
{
    const struct sinks_config *config = &sink->sinks->config;
    if (config->event != NULL) {
        config->event(config->ctx, sink->name, kind, severity, text);
    }
}

void sink_tell(struct sink *sink, const char *kind, uint8_t severity, const char *format, ...)
{
    char text[TEXT_MAX];
    va_list args;
    struct buf out;
    buf_init(&out, TEXT_MAX - 1);
    va_start(args, format);
    buf_vprintf(&out, format, args);
    va_end(args);
    (void)str_copy(text, sizeof(text), buf_text(&out));
    buf_fini(&out);
    enum log_level level = severity >= EVENT_MEDIUM ? LOG_LEVEL_WARN : LOG_LEVEL_INFO;
    busbar_log(level, "sinks", sink->name, "%s", text);
    note(sink, kind, severity, text);
}

/* ---- phases ---- */

static enum sink_phase phase_of(const struct sink *sink)
{
    if (sink->paused || !sink->enabled) {
        return SINK_PAUSED;
    }
    if (sink->stand == STAND_NEW || !sink->sinks->started) {
        return SINK_STARTING;
    }
    if (sink->stand == STAND_ON) {
        return sink->left > (int64_t)(3 * sink->batch) ? SINK_CATCHING_UP : SINK_LIVE;
    }
    if (sink->stand == STAND_OFF && sink->failing && timer_running(&sink->again)) {
        return sink->stuck ? SINK_STUCK : SINK_WAITING;
    }
    return SINK_CONNECTING;
}

void sink_phase(struct sink *sink)
{
    enum sink_phase phase = phase_of(sink);
    if (phase != sink->phase) {
        sink->phase = phase;
        sink->since_us = clock_wall_us();
    }
}

bool sink_wanted(const struct sink *sink)
{
    return sink->enabled && !sink->paused && !sink->leaving;
}

/* ---- connecting ---- */

static void again(struct timer *timer, void *ctx)
{
    (void)timer;
    sink_pump(ctx);
}

void sink_try(struct sink *sink)
{
    if (sink->stand != STAND_OFF || sink->target == NULL || sink->making != NULL ||
        sink->settle.work.asked || !sink->sinks->started || timer_running(&sink->again) ||
        !sink_wanted(sink)) {
        return;
    }
    if (!history_index_loaded(sink->env.history)) { /* the filter looks at labels */
        timer_start(&sink->again, INDEX_MS, 0);
        return;
    }
    sink->next_try_us = 0;
    sink->stand = STAND_CONNECTING;
    sink->ops->connect(sink->target);
}

void sink_ready(struct sink *sink)
{
    sink->stand = STAND_ON;
    sink->more = true;
    sink_pump(sink);
}

void sink_connected(struct sink *sink, const struct sink_position *position)
{
    if (sink->stand != STAND_CONNECTING) {
        return;
    }
    sink->stand = STAND_SETTLING;
    sink->has_position = position != NULL && position->place.sequence > 0;
    if (sink->has_position) {
        sink->position = *position;
    }
    sink_forget(sink);
    if (!sink->quota.asked) { /* else its end settles */
        sink_settle(sink);
    }
    sink_phase(sink);
}

/* ---- failing ---- */

static void say_failure(struct sink *sink, const struct err *err)
{
    int64_t now_us = clock_mono_us();
    bool other = !sink->failing || strcmp(err->message, sink->error.message) != 0;
    if (!sink->failing) {
        sink->failing = true;
        sink->failing_since_us = now_us;
        sink->failure_told = false;
    }
    if (other) {
        busbar_log(LOG_LEVEL_WARN, "sinks", sink->name, "%s%s%s", err->message,
                   err->hint[0] != '\0' ? ": " : "", err->hint);
    }
    if (!sink->failure_told && (sink->stuck || now_us - sink->failing_since_us >= TOLD_AFTER_US)) {
        sink->failure_told = true;
        note(sink, "fault", sink->stuck ? EVENT_HIGH : EVENT_MEDIUM, err->message);
    }
}

static void works_again(struct sink *sink)
{
    if (!sink->failing) {
        return;
    }
    char time[32];
    (void)str_format_duration(time, sizeof(time),
                              (clock_mono_us() - sink->failing_since_us) / CLOCK_US_PER_S *
                                  CLOCK_US_PER_S);
    if (sink->failure_told) {
        sink_tell(sink, "normal", EVENT_INFO, "publishes again, after %s", time);
    } else {
        busbar_log(LOG_LEVEL_INFO, "sinks", sink->name, "publishes again, after %s", time);
    }
    sink->failing = sink->failure_told = false; /* the error stays, with its time: what was it? */
    sink->stuck = false;
}

void sink_failed(struct sink *sink, enum sink_failure failure, const struct err *err)
{
    if (sink->stand != STAND_CONNECTING && sink->stand != STAND_SETTLING &&
        sink->stand != STAND_ON) {
        return;
    }
    struct err copy = *err; /* it may be the target's */
    sink->ops->disconnect(sink->target);
    sink->stand = STAND_OFF;
    sink->failures++;
    sink->stuck = failure == SINK_WRONG;
    say_failure(sink, &copy);
    sink->error = copy;
    sink->error.code = copy.code != 0 ? copy.code : BUSBAR_EIO;
    sink->error_us = clock_wall_us();
    sink_forget(sink);
    uint32_t wait_ms = sink->stuck ? SINK_WRONG_MS : backoff_next_ms(&sink->backoff);
    sink->next_try_us = clock_wall_us() + wait_ms * CLOCK_US_PER_MS;
    timer_start(&sink->again, wait_ms, 0);
    sink_pump(sink);
}

void sink_break(struct sink *sink, int code, const char *what)
{
    struct err err = { 0 };
    (void)err_set(&err, code, "%s: %s", what, err_text(code));
    sink_failed(sink, SINK_AGAIN, &err);
}

/* ---- answers to a batch ---- */

void sink_sent(struct sink *sink, uint64_t repeated)
{
    struct load *load = sink->sending;
    if (load == NULL) {
        return;
    }
    sink->sending = NULL;
    backoff_reset(&sink->backoff);
    works_again(sink);
    sink_acknowledge(sink, load, repeated);
    sink_pump(sink);
}

void sink_refused(struct sink *sink, size_t index, const struct err *err)
{
    struct load *load = sink->sending;
    if (load == NULL) {
        return;
    }
    sink->sending = NULL;
    if (sink_load_count(load) == 0) { /* there is nothing in it that could be refused */
        sink_failed(sink, SINK_WRONG, err);
        return;
    }
    sink_divide(sink, load, index, err);
    sink_pump(sink);
}

void sink_position_after(const struct sink *sink, const struct sink_batch *batch,
                         struct sink_position *position)
{
    position->counts = sink->counts;
    sink_add_counts(&position->counts, batch);
    position->place = batch->origin == SINK_BATCH_LOG ? batch->to : sink->place;
}

/* ---- something new ---- */

static void company_over(struct timer *timer, void *ctx)
{
    (void)timer;
    struct sink *sink = ctx;
    sink->more = true;
    sink_pump(sink);
}

void sink_news(struct sink *sink)
{
    if (sink->stand != STAND_ON) {
        return;
    }
    if (sink->making != NULL) { /* a reader may be past it already, and say that it saw the end */
        sink->news = true;
    } else if (!sink->more && !timer_running(&sink->company)) {
        sink->news = false;
        timer_start_us(&sink->company, sink->batch_us, 0);
    }
}

/* ---- ending, pausing ---- */

static void let_go(struct sink *sink)
{
    if (sink->target != NULL && sink->stand != STAND_OFF && sink->stand != STAND_NEW) {
        sink->ops->disconnect(sink->target);
    }
    if (sink->stand != STAND_NEW) {
        sink->stand = STAND_OFF;
        sink_forget(sink);
    }
}

static void waited_enough(struct timer *timer, void *ctx)
{
    (void)timer;
    struct sink *sink = ctx;
    sink->sending = NULL;
    sink_pump(sink);
}

static void finish(struct sink *sink)
{
    if (sink->dirty && sink->row_known && !sink->save_failed) {
        sink_save_now(sink);
    }
    if (sink->working != NULL || !list_empty(&sink->works)) {
        return; /* its end comes here again */
    }
    timer_stop(&sink->looking);
    timer_stop(&sink->saving);
    if (sink->target != NULL) {
        sink->ops->close(sink->target);
        sink->target = NULL;
    }
    sink_reader_fini(&sink->reader);
    history_cursor_close(sink->counter);
    sink->counter = NULL;
    sink->stand = STAND_GONE;
    sinks_ended(sink->sinks);
}

void sink_end_step(struct sink *sink)
{
    if (sink->stand == STAND_GONE) {
        return;
    }
    timer_stop(&sink->company);
    timer_stop(&sink->again);
    sink->next_try_us = 0;
    sink_again_stop(sink);
    sink_cancel_pushes(sink);
    if (sink->sending != NULL) {
        if (!timer_running(&sink->ending)) {
            timer_start(&sink->ending, SINK_DOWN_MS, 0);
        }
        return;
    }
    timer_stop(&sink->ending);
    if (sink->stand != STAND_OFF && sink->stand != STAND_NEW) {
        let_go(sink);
    }
    if (sink->leaving && sink->making == NULL && sink->stand != STAND_NEW) {
        finish(sink);
    } else if (sink->leaving && sink->stand == STAND_NEW && !sink->begin.asked) {
        finish(sink);
    }
}

void sink_leave(struct sink *sink, bool removed)
{
    sink->leaving = true;
    sink->removed = removed;
    sink_pump(sink);
}

/* ---- life ---- */

static void read_settings(struct sink *sink)
{
    const struct settings *common = &sink->common->settings;
    sink->enabled = settings_bool(common, SINK_ENABLED);
    sink->batch = (size_t)settings_int(common, SINK_BATCH);
    sink->batch_us = settings_int(common, SINK_BATCH_TIME);
    sink->keep_us = settings_int(common, SINK_KEEP);
    (void)str_parse_bytes(settings_text(common, SINK_KEEP_BYTES), &sink->keep_bytes);
}

static void init_timers(struct sink *sink)
{
    struct loop *loop = sink->sinks->config.loop;
    timer_init(&sink->again, loop, again, sink);
    timer_init(&sink->company, loop, company_over, sink);
    timer_init(&sink->ending, loop, waited_enough, sink);
    timer_init(&sink->facts, loop, NULL, sink); /* these get theirs where they are started */
    timer_init(&sink->saving, loop, NULL, sink);
    timer_init(&sink->looking, loop, NULL, sink);
}

struct sink *sink_new(struct sinks *sinks, const struct config_sink *config, struct err *err)
{
    struct sink *sink = busbar_alloc(sizeof(*sink));
    const struct sinks_config *from = &sinks->config;
    sink->sinks = sinks;
    (void)str_copy(sink->name, sizeof(sink->name), config->name);
    sink->ops = sink_kind(from->catalog, config->kind->name);
    sink->hash = config->hash;
    list_init(&sink->works);
    list_init(&sink->queue);
    list_init(&sink->spare);
    list_init(&sink->pushes);
    init_timers(sink);
    sink->oldest_us = sink->looked_oldest_us = INT64_MAX;
    sink->aside_told_us = -SINK_ASIDE_TELL_US;
    backoff_init(&sink->backoff, 0, 0, hash_entropy());
    int error = sink->ops == NULL ? err_set(err, BUSBAR_EUNSUPPORTED, "there is no kind of sink %s",
                                            config->kind->name)
                                  : config_make_setup(config->own, &sink->own);
    error = error == 0 ? config_make_setup(config->common, &sink->common) : error;
    if (error == 0) {
        read_settings(sink);
        error = sink_filter_of(from->history, &sink->common->settings,
                               (sink->ops->flags & SINK_TAKES_EVENTS) != 0, &sink->filter, err);
    }
    if (error == 0) { /* holds all there is until the place is known */
        error = history_cursor_open(from->history, sink->name, 1, &sink->reader.cursor);
    }
    if (error != 0) {
        (void)err_prefix(err, "the sink %s", sink->name);
        sink_free(sink);
        return NULL;
    }
    sink->reader.filter = sink->filter;
    sinks_env(sinks, sink->name, &sink->common->settings, &sink->env);
    sink->env.log_id = sink->log_id;
    sink->phase = SINK_STARTING;
    sink->since_us = clock_wall_us();
    return sink;
}

static void free_loads(struct list *loads)
{
    struct list *first;
    while ((first = list_shift(loads)) != NULL) {
        sink_load_discard(list_entry(first, struct load, link));
    }
}

void sink_free(struct sink *sink)
{
    timer_stop(&sink->again);
    timer_stop(&sink->company);
    timer_stop(&sink->ending);
    if (sink->stand != STAND_GONE) {
        timer_stop(&sink->facts);
        timer_stop(&sink->looking);
        timer_stop(&sink->saving);
        if (sink->target != NULL) {
            sink->ops->close(sink->target);
        }
        sink_reader_fini(&sink->reader);
        history_cursor_close(sink->counter);
    }
    sink_again_fini(sink);
    free_loads(&sink->queue);
    free_loads(&sink->spare);
    sink_filter_unref(sink->filter);
    setup_free(sink->own);
    setup_free(sink->common);
    busbar_free(sink);
}

struct sink_filter *sink_filter_now(const struct sink *sink)
{
    return sink->filter;
}
