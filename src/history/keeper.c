/* SPDX-License-Identifier: Apache-2.0 */
/* The keeper: a thread that looks twice a second whether something is due, and does one thing at a
 * time. Room is made before room is taken. */
#include <time.h>

#include "base/err.h"
#include "base/log.h"
#include "history/history_private.h"
#include "history/tiers.h"

enum {
    LOOK_US = 500 * 1000,
    RETRY_US = 10 * 1000 * 1000,
    BREATH_US = 20 * 1000,  /* of work, then as long a rest when it can wait */
    SERIES_BYTES = 256,     /* head memory that a series may take beside head_bytes */
    PRESSURE_PERCENT = 110, /* of both, and */
    PRESSURE_PART = 8,      /* this part of head_bytes more: then the log waits for the keeper */
    TIDY_US = 10 * 1000 * 1000,
};

static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static uint64_t head_room(struct history *history, uint64_t *bytes)
{
    pthread_mutex_lock(&history->head.lock);
    *bytes = history->head.bytes;
    uint64_t room = history->config.head_bytes + SERIES_BYTES * history->head.series_count;
    pthread_mutex_unlock(&history->head.lock);
    return room;
}

static uint64_t mark_of(struct history *history)
{
    pthread_mutex_lock(&history->blocks.lock);
    uint64_t mark = history->blocks.mark;
    pthread_mutex_unlock(&history->blocks.lock);
    return mark;
}

static bool block_due(struct history *history)
{
    uint64_t bytes;
    uint64_t room = head_room(history, &bytes);
    uint64_t mark = mark_of(history);
    if (history_log_next(&history->log) <= mark + 1) {
        return false;
    }
    return bytes > room ||
           now_us() - atomic_load(&history->keeper.flushed_us) >= history->config.block_us ||
           history_log_bytes_after(&history->log, mark) > history->config.log_bytes;
}

int history_flush_locked(struct history *history)
{
    pthread_mutex_lock(&history->keeper.lock);
    int error = history_write_block(history);
    pthread_mutex_unlock(&history->keeper.lock);
    return error;
}

static int flush_when_due(struct history *history, bool *worked)
{
    if (!block_due(history)) {
        return 0;
    }
    int before = atomic_exchange(&history->keeper.doing, HISTORY_DOING_FLUSH);
    int64_t now = now_us();
    int error = history_flush_locked(history);
    if (error == 0) {
        atomic_store(&history->keeper.flushed_us, now);
        *worked = true;
    }
    atomic_store(&history->keeper.doing, before);
    return error;
}

int history_breathe(struct history *history)
{
    struct history_keeper *keeper = &history->keeper;
    int64_t now = now_us();
    int64_t worked_us = now - keeper->breath_us;
    if (worked_us < BREATH_US) {
        return 0;
    }
    bool worked = false;
    (void)flush_when_due(history, &worked); /* fails again, and is said, at the next step */
    if (keeper->gentle) {
        struct timespec rest = { .tv_nsec = BREATH_US * 1000 };
        nanosleep(&rest, NULL);
    }
    keeper->breath_us = now_us();
    return atomic_load(&keeper->stop) ? BUSBAR_ECANCELED : 0;
}

typedef int (*piece)(struct history *history, bool *worked);

static int do_piece(struct history *history, piece work, enum history_doing doing, bool *worked)
{
    atomic_store(&history->keeper.doing, (int)doing);
    history->keeper.breath_us = now_us();
    int error = work(history, worked);
    atomic_store(&history->keeper.doing, HISTORY_DOING_NOTHING);
    return error;
}

static int step_locked(struct history *history, bool *worked)
{
    struct history_keeper *keeper = &history->keeper;
    int64_t now = now_us();
    int error = 0;
    if (now >= keeper->tidy_us) {
        keeper->tidy_us = now + TIDY_US;
        error = do_piece(history, history_remove_old, HISTORY_DOING_REMOVE, worked);
        keeper->tidy_us = *worked ? 0 : keeper->tidy_us;
    }
    if (error == 0 && !*worked) {
        error = flush_when_due(history, worked);
    }
    if (error == 0 && !*worked) {
        error = do_piece(history, history_merge_days, HISTORY_DOING_MERGE, worked);
    }
    if (error == 0 && !*worked) {
        error = do_piece(history, history_merge_small, HISTORY_DOING_MERGE, worked);
    }
    if (error == 0 && !*worked) {
        keeper->gentle = keeper->started;
        error = do_piece(history, history_make_tiers, HISTORY_DOING_TIERS, worked);
        if (error == 0 && !*worked) {
            error = do_piece(history, history_recode, HISTORY_DOING_COLD, worked);
        }
        keeper->gentle = false;
    }
    return error;
}

static void note_error(struct history *history, int error)
{
    int before = atomic_exchange(&history->keeper.error, error);
    if (error != 0 && error != before) {
        busbar_log(LOG_LEVEL_ERROR, "history", NULL,
                   "background work failed, will be tried again: %s", err_text(error));
    }
}

int history_step(struct history *history, bool *worked)
{
    struct history_keeper *keeper = &history->keeper;
    *worked = false;
    pthread_mutex_lock(&keeper->work);
    int error = step_locked(history, worked);
    error = error == BUSBAR_ECANCELED ? 0 : error;
    note_error(history, error);
    pthread_mutex_unlock(&keeper->work);
    return error;
}

int history_flush(struct history *history)
{
    int error = history_flush_locked(history);
    note_error(history, error);
    return error;
}

void history_keeper_wait(struct history *history)
{
    struct history_keeper *keeper = &history->keeper;
    for (;;) {
        uint64_t bytes;
        uint64_t room = head_room(history, &bytes) * PRESSURE_PERCENT / 100 +
                        history->config.head_bytes / PRESSURE_PART;
        if (bytes <= room) {
            return;
        }
        pthread_mutex_lock(&keeper->wait_lock);
        bool running = keeper->started && !atomic_load(&keeper->stop);
        pthread_cond_signal(&keeper->wake);
        pthread_mutex_unlock(&keeper->wait_lock);
        if (!running) {
            return;
        }
        struct timespec pause = { .tv_nsec = 10 * 1000 * 1000 };
        nanosleep(&pause, NULL);
    }
}

static void *run(void *ctx)
{
    struct history *history = ctx;
    struct history_keeper *keeper = &history->keeper;
    pthread_mutex_lock(&keeper->wait_lock);
    while (!atomic_load(&keeper->stop)) {
        pthread_mutex_unlock(&keeper->wait_lock);
        bool worked = false;
        int error = history_step(history, &worked);
        pthread_mutex_lock(&keeper->wait_lock);
        if (worked && error == 0) {
            continue;
        }
        int64_t until_us = now_us() + (error != 0 ? RETRY_US : LOOK_US);
        struct timespec until = { .tv_sec = until_us / 1000000,
                                  .tv_nsec = until_us % 1000000 * 1000 };
        if (!atomic_load(&keeper->stop)) {
            pthread_cond_timedwait(&keeper->wake, &keeper->wait_lock, &until);
        }
    }
    pthread_mutex_unlock(&keeper->wait_lock);
    return NULL;
}

void history_keeper_init(struct history *history)
{
    struct history_keeper *keeper = &history->keeper;
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&keeper->work, NULL);
    pthread_mutex_init(&keeper->lock, NULL);
    pthread_mutex_init(&keeper->wait_lock, NULL);
    pthread_cond_init(&keeper->wake, &attributes);
    pthread_condattr_destroy(&attributes);
    atomic_store(&keeper->flushed_us, now_us());
}

int history_keeper_start(struct history *history)
{
    struct history_keeper *keeper = &history->keeper;
    pthread_mutex_lock(&keeper->wait_lock);
    keeper->started = pthread_create(&keeper->thread, NULL, run, history) == 0;
    bool started = keeper->started;
    pthread_mutex_unlock(&keeper->wait_lock);
    return started ? 0 : BUSBAR_ENOMEM;
}

void history_closing(struct history *history)
{
    if (history != NULL) {
        atomic_store(&history->keeper.stop, true);
    }
}

void history_keeper_stop(struct history *history)
{
    struct history_keeper *keeper = &history->keeper;
    pthread_mutex_lock(&keeper->wait_lock);
    bool started = keeper->started;
    atomic_store(&keeper->stop, true);
    pthread_cond_signal(&keeper->wake);
    pthread_mutex_unlock(&keeper->wait_lock);
    if (started) {
        pthread_join(keeper->thread, NULL);
    }
}

void history_keeper_fini(struct history *history)
{
    pthread_cond_destroy(&history->keeper.wake);
    pthread_mutex_destroy(&history->keeper.wait_lock);
    pthread_mutex_destroy(&history->keeper.lock);
    pthread_mutex_destroy(&history->keeper.work);
}
