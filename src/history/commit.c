/* SPDX-License-Identifier: Apache-2.0 */
/* Group commit. The loop fills one record while the log thread writes the other: one short lock a
 * batch, nothing a sample. A commit begins commit_us after the first sample of its record, or at
 * once when asked. One that somebody waits for begins commit_us after the last one began, which may
 * be at once: commits are no more frequent for it, and a lone sender waits for the disk only. The
 * head is fed before the owner is told, so that who was told can read it. */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "base/alloc.h"
#include "base/err.h"
#include "base/log.h"
#include "history/history_private.h"

enum { RETRY_US = 50 * 1000, STOP_TRIES = 3 };

/* The real clock: a test's fake one must not stop the log. */
static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void wait_until(struct history_appender *appender, int64_t until_us)
{
    struct timespec until = { .tv_sec = until_us / 1000000, .tv_nsec = until_us % 1000000 * 1000 };
    pthread_cond_timedwait(&appender->changed, &appender->lock, &until);
}

/* --- loop --- */

static int add_completion(struct history_appender *appender, bus_stored_cb stored, void *ctx)
{
    if (appender->completion_count == appender->completion_capacity) {
        size_t capacity = appender->completion_capacity > 0 ? 2 * appender->completion_capacity
                                                            : 64;
        struct history_completion *ring = busbar_try_alloc(capacity * sizeof(*ring));
        if (ring == NULL) {
            return BUSBAR_ENOMEM;
        }
        for (size_t i = 0; i < appender->completion_count; i++) {
            ring[i] = appender->completions[(appender->completion_first + i) %
                                            appender->completion_capacity];
        }
        busbar_free(appender->completions);
        appender->completions = ring;
        appender->completion_first = 0;
        appender->completion_capacity = capacity;
    }
    size_t at = (appender->completion_first + appender->completion_count++) %
                appender->completion_capacity;
    appender->completions[at] = (struct history_completion){ .commit = appender->open_commit,
                                                             .stored = stored,
                                                             .ctx = ctx };
    return 0;
}

static int ready(const struct history_appender *appender)
{
    return appender->error != 0 ? appender->error : appender->stop ? BUSBAR_ECANCELED : 0;
}

/* The open record has got something. */
static void taken(struct history_appender *appender, bool first, bool awaited)
{
    if (first) {
        appender->open_since_us = now_us();
    }
    if (awaited && !appender->awaited) {
        appender->awaited = true;
        pthread_cond_signal(&appender->changed);
    }
}

/* The open record is full: it is not waited for company any more. */
static void hurry(struct history_appender *appender)
{
    appender->urgent = true;
    pthread_cond_signal(&appender->changed);
}

static int append_locked(struct history_appender *appender, const struct sample *samples,
                         size_t count, bus_stored_cb stored, void *ctx)
{
    if (ready(appender) != 0) {
        return ready(appender);
    }
    struct history_record_writer *record = &appender->records[appender->open];
    bool first = history_record_empty(record);
    size_t size = record->buf.size;
    int64_t before_us = record->before_us;
    int error = history_record_add(record, samples, count);
    if (error == BUSBAR_ELIMIT && !first) {
        hurry(appender);
        return BUSBAR_EBUSY;
    }
    if (error == 0 && stored != NULL) {
        error = add_completion(appender, stored, ctx);
        if (error != 0) {
            record->buf.size = size;
            record->before_us = before_us;
            record->samples -= (uint32_t)count;
        }
    }
    if (error != 0) {
        return error;
    }
    appender->waiting += count;
    taken(appender, first, stored != NULL);
    return 0;
}

/* Of the open record an eighth is left, at least. */
static int has_room(struct history_appender *appender, size_t record_bytes)
{
    pthread_mutex_lock(&appender->lock);
    const struct history_record_writer *record = &appender->records[appender->open];
    int error = ready(appender);
    if (error == 0 && record->buf.size > record_bytes - record_bytes / 8) {
        hurry(appender);
        error = BUSBAR_EBUSY;
    }
    pthread_mutex_unlock(&appender->lock);
    return error;
}

int history_append(void *ctx, const struct sample *samples, size_t count, bus_stored_cb stored,
                   void *stored_ctx)
{
    struct history *history = ctx;
    struct history_appender *appender = &history->appender;
    if (count == 0 && stored == NULL) {
        return has_room(appender, history->config.record_bytes);
    }
    pthread_mutex_lock(&appender->lock);
    int error = append_locked(appender, samples, count, stored, stored_ctx);
    if (appender->asleep) {
        pthread_cond_signal(&appender->changed);
    }
    pthread_mutex_unlock(&appender->lock);
    return error;
}

static int append_event_locked(struct history_appender *appender, const struct event *event,
                               bus_stored_cb stored, void *ctx)
{
    if (ready(appender) != 0) {
        return ready(appender);
    }
    struct history_record_writer *record = &appender->records[appender->open];
    bool first = history_record_empty(record);
    size_t size = record->events.size;
    int error = history_record_add_event(record, event);
    if (error == BUSBAR_ELIMIT) {
        hurry(appender);
        return BUSBAR_EBUSY;
    }
    if (error == 0 && stored != NULL) {
        error = add_completion(appender, stored, ctx);
        if (error != 0) {
            record->events.size = size;
            record->event_count--;
        }
    }
    if (error == 0) {
        appender->events_waiting++;
        taken(appender, first, stored != NULL);
    }
    return error;
}

int history_append_event(void *ctx, const struct event *event, bus_stored_cb stored,
                         void *stored_ctx)
{
    struct history *history = ctx;
    struct history_appender *appender = &history->appender;
    pthread_mutex_lock(&appender->lock);
    int error = append_event_locked(appender, event, stored, stored_ctx);
    if (appender->asleep) {
        pthread_cond_signal(&appender->changed);
    }
    pthread_mutex_unlock(&appender->lock);
    return error;
}

static size_t complete(struct history_appender *appender, uint64_t upto, int error)
{
    size_t ran = 0;
    while (appender->completion_count > 0) {
        struct history_completion next = appender->completions[appender->completion_first];
        if (next.commit > upto) {
            break;
        }
        appender->completion_first = (appender->completion_first + 1) %
                                     appender->completion_capacity;
        appender->completion_count--;
        next.stored(next.ctx, error);
        ran++;
    }
    return ran;
}

uint64_t history_events_committed(const struct history *history)
{
    return atomic_load(&history->appender.events_committed);
}

size_t history_completed(struct history *history)
{
    struct history_appender *appender = &history->appender;
    return complete(appender, atomic_load(&appender->done_commit), 0);
}

void history_commit_now(struct history *history)
{
    struct history_appender *appender = &history->appender;
    pthread_mutex_lock(&appender->lock);
    appender->urgent = true;
    pthread_cond_signal(&appender->changed);
    pthread_mutex_unlock(&appender->lock);
}

/* --- log thread --- */

/* Waits until there is a record to commit. False: stopping, and nothing is left. */
static bool wait_for_record(struct history *history)
{
    struct history_appender *appender = &history->appender;
    for (;;) {
        struct history_record_writer *record = &appender->records[appender->open];
        int64_t commit_us = history->config.commit_us;
        if (history_record_empty(record) && record->buf.size == 0) {
            if (appender->stop) {
                return false;
            }
            appender->urgent = false;
            appender->asleep = true;
            pthread_cond_wait(&appender->changed, &appender->lock);
            appender->asleep = false;
            continue;
        }
        int64_t since_us = appender->awaited && appender->began_us < appender->open_since_us
                               ? appender->began_us
                               : appender->open_since_us;
        int64_t due_us = since_us + (commit_us > 0 ? commit_us : 0);
        if (appender->urgent || appender->stop || commit_us < 0 || now_us() >= due_us) {
            appender->urgent = false;
            return true;
        }
        wait_until(appender, due_us);
    }
}

static void set_error(struct history_appender *appender, int error)
{
    pthread_mutex_lock(&appender->lock);
    bool changed = appender->error != error;
    appender->error = error;
    pthread_mutex_unlock(&appender->lock);
    if (changed && error != 0) {
        busbar_log(LOG_LEVEL_ERROR, "history", NULL, "cannot write the log, samples wait: %s",
                   err_text(error));
    } else if (changed) {
        busbar_log(LOG_LEVEL_INFO, "history", NULL, "the log is written again");
    }
}

/* Tries until it is on disk. False: stopping, and it cannot be. */
static bool write_record(struct history *history, struct history_record_writer *record,
                         uint64_t *sequence)
{
    struct history_appender *appender = &history->appender;
    for (int tries = 0;; tries++) {
        int error = history_log_write(&history->log, record, sequence);
        set_error(appender, error);
        if (error == 0) {
            return true;
        }
        pthread_mutex_lock(&appender->lock);
        if (!appender->stop) {
            wait_until(appender, now_us() + RETRY_US);
        }
        bool give_up = appender->stop && tries >= STOP_TRIES;
        pthread_mutex_unlock(&appender->lock);
        if (give_up) {
            return false;
        }
    }
}

static void commit(struct history *history, struct history_record_writer *record, uint64_t number)
{
    struct history_appender *appender = &history->appender;
    uint64_t sequence = 0;
    if (!history_record_empty(record)) {
        if (!write_record(history, record, &sequence)) {
            return;
        }
        size_t body = record->buf.size - HISTORY_RECORD_HEAD;
        (void)history_feed(history, sequence, record->buf.data + HISTORY_RECORD_HEAD, body);
    }
    pthread_mutex_lock(&appender->lock);
    appender->waiting -= record->samples;
    appender->committed += record->samples;
    appender->events_waiting -= record->event_count;
    atomic_fetch_add(&appender->events_committed, record->event_count);
    appender->commits += !history_record_empty(record);
    atomic_store(&appender->done_commit, number);
    pthread_mutex_unlock(&appender->lock);
    history_record_clear(record);
    if (history->config.wake != NULL) {
        history->config.wake(history->config.wake_ctx);
    }
    history_keeper_wait(history);
}

static void *run(void *ctx)
{
    struct history *history = ctx;
    struct history_appender *appender = &history->appender;
    pthread_mutex_lock(&appender->lock);
    while (wait_for_record(history)) {
        struct history_record_writer *record = &appender->records[appender->open];
        uint64_t number = appender->open_commit++;
        appender->open ^= 1;
        appender->awaited = false;
        appender->began_us = now_us();
        pthread_mutex_unlock(&appender->lock);
        commit(history, record, number);
        pthread_mutex_lock(&appender->lock);
        if (appender->stop && appender->error != 0) {
            break;
        }
    }
    pthread_mutex_unlock(&appender->lock);
    return NULL;
}

int history_appender_start(struct history *history)
{
    struct history_appender *appender = &history->appender;
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&appender->lock, NULL);
    pthread_cond_init(&appender->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    for (int i = 0; i < 2; i++) {
        history_record_init(&appender->records[i], history->config.record_bytes);
    }
    appender->open_commit = 1;
    atomic_init(&appender->done_commit, 0);
    atomic_init(&appender->events_committed, 0);
    appender->started = pthread_create(&appender->thread, NULL, run, history) == 0;
    return appender->started ? 0 : BUSBAR_ENOMEM;
}

void history_appender_stop(struct history *history)
{
    struct history_appender *appender = &history->appender;
    if (appender->started) {
        pthread_mutex_lock(&appender->lock);
        appender->stop = true;
        pthread_cond_signal(&appender->changed);
        pthread_mutex_unlock(&appender->lock);
        pthread_join(appender->thread, NULL);
        appender->started = false;
    }
    complete(appender, atomic_load(&appender->done_commit), 0);
    complete(appender, UINT64_MAX, appender->error != 0 ? appender->error : BUSBAR_ECANCELED);
}

void history_appender_fini(struct history *history)
{
    struct history_appender *appender = &history->appender;
    for (int i = 0; i < 2; i++) {
        history_record_fini(&appender->records[i]);
    }
    busbar_free(appender->completions);
    pthread_cond_destroy(&appender->changed);
    pthread_mutex_destroy(&appender->lock);
}
