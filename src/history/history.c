/* SPDX-License-Identifier: Apache-2.0 */
#include "history/history.h"

#include <string.h>

#include "base/alloc.h"
#include "base/err.h"
#include "base/str.h"
#include "history/archive.h"
#include "history/history_private.h"

#define MIB (UINT64_C(1024) * 1024)

static const struct history_config defaults = {
    .commit_us = 10 * 1000,
    .record_bytes = 8 * MIB,
    .segment_bytes = 16 * MIB,
    .head_bytes = 18 * MIB,
    .log_bytes = 256 * MIB,
    .block_us = INT64_C(2) * 3600 * 1000000,
    .keep_us = INT64_C(2) * 365 * 86400 * 1000000,
    .tiers_keep_us = INT64_C(10) * 365 * 86400 * 1000000,
    .cold_us = INT64_C(2) * 86400 * 1000000,
    .free_bytes = 256 * MIB,
    .cursor_bytes = 1024 * MIB,
};

static void fill_in(struct history_config *config)
{
#define FILL(field) config->field = config->field != 0 ? config->field : defaults.field
    FILL(commit_us);
    FILL(record_bytes);
    FILL(segment_bytes);
    FILL(head_bytes);
    FILL(log_bytes);
    FILL(block_us);
    FILL(keep_us);
    FILL(tiers_keep_us);
    FILL(cold_us);
    FILL(free_bytes);
    FILL(cursor_bytes);
#undef FILL
    config->file = config->file != NULL ? config->file : file_ops_real();
}

static int make_folders(struct history *history, struct err *err)
{
    const char *folder = history->config.folder;
    bool fits = str_copy(history->folder, HISTORY_PATH_MAX - 64, folder) &&
                file_join(history->log_folder, HISTORY_PATH_MAX, folder, "log") &&
                file_join(history->block_folder, HISTORY_PATH_MAX, folder, "blocks");
    if (!fits) {
        return err_set(err, BUSBAR_ELIMIT, "the path of the data folder is too long");
    }
    history->config.folder = history->folder;
    int error = file_make_folders(history->file, history->log_folder, 0700, err);
    return error != 0 ? error : file_make_folders(history->file, history->block_folder, 0700, err);
}

/* Half of what history has and could have on this disk. */
static void share_of_disk(struct history *history)
{
    if (history->config.max_bytes != 0) {
        return;
    }
    uint64_t bytes = 0;
    for (size_t i = 0; i < history->blocks.count; i++) {
        bytes += history->blocks.all[i]->row.bytes;
    }
    uint64_t free_bytes = 0;
    bool known = file_free_bytes(history->folder, &free_bytes) == 0;
    history->config.max_bytes = known ? (bytes + free_bytes) / 2 : UINT64_MAX;
}

static void init_parts(struct history *history)
{
    history_blocks_init(&history->blocks);
    history_deletes_init(&history->deletes);
    history_keeps_init(&history->keeps);
    history_keeper_init(history);
    history_naming_init(history);
    pthread_mutex_init(&history->cursor_lock, NULL);
    list_init(&history->cursors);
}

static void fini_parts(struct history *history)
{
    pthread_mutex_destroy(&history->cursor_lock);
    history_keeper_fini(history);
    history_naming_fini(history);
    history_keeps_fini(&history->keeps);
    history_deletes_fini(&history->deletes);
    history_blocks_fini(&history->blocks);
    busbar_free(history);
}

/* A backup that was taken while the journal went on has a log that ends before the journal's mark, and a history that
 * never kept a journal begins with the log it has: neither is a loss. */
static int open_events(struct history *history)
{
    uint64_t from = history->config.events_from;
    uint64_t next = history_log_next(&history->log);
    struct history_log_segment first;
    if (from == 1 && history_log_find(&history->log, 1, &first)) {
        from = first.first;
    }
    return history_cursor_open(history, "journal", from < next ? from : next, &history->events);
}

static int start(struct history *history, struct err *err)
{
    share_of_disk(history);
    int error = history_appender_start(history);
    error = error == 0 ? history_naming_start(history) : error;
    if (error == 0 && !history->config.no_keeper) {
        error = history_keeper_start(history);
    }
    return error == 0 ? 0 : err_set(err, error, "cannot start a thread of the history");
}

int history_open(const struct history_config *config, struct history **opened, struct err *err)
{
    struct history *history = busbar_alloc(sizeof(*history));
    *opened = NULL;
    history->config = *config;
    fill_in(&history->config);
    history->cursor_bytes = history->config.cursor_bytes;
    history->sinks_from = config->sinks_from;
    history->file = history->config.file;
    history->state = config->state;
    init_parts(history);
    int error = make_folders(history, err);
    if (error == 0) {
        bool memory = history->naming.index != NULL;
        error = memory ? history_head_init(&history->head) : BUSBAR_ENOMEM;
        if (error != 0) {
            err_set(err, error, "out of memory");
        }
    }
    if (error != 0) {
        fini_parts(history);
        return error;
    }
    error = history_recover(history, err);
    if (error != 0) {
        history_head_fini(&history->head);
        fini_parts(history);
        return error;
    }
    if (config->events_from != 0) { /* before the keeper, who would let segments go */
        error = open_events(history);
    }
    error = error != 0 ? err_set(err, error, "out of memory") : start(history, err);
    if (error != 0) {
        history_close(history);
        return error;
    }
    *opened = history;
    return 0;
}

void history_close(struct history *history)
{
    if (history == NULL) {
        return;
    }
    history_set_archive(history, NULL);
    history_naming_stop(history);
    history_keeper_stop(history);
    history_appender_stop(history);
    history_appender_fini(history);
    history_cursor_close(history->events);
    history_log_close(&history->log);
    history_head_fini(&history->head);
    fini_parts(history);
}

void history_recovered(const struct history *history, struct history_recovery *recovery)
{
    *recovery = history->recovery;
}

static void appender_status(struct history_appender *appender, struct history_status *status)
{
    pthread_mutex_lock(&appender->lock);
    status->log_error = appender->error;
    status->waiting = appender->waiting;
    status->events_waiting = appender->events_waiting;
    status->events_committed = atomic_load(&appender->events_committed);
    status->committed = appender->committed;
    status->commits = appender->commits;
    pthread_mutex_unlock(&appender->lock);
    status->log_state = status->log_error == 0               ? HISTORY_LOG_OK
                        : status->log_error == BUSBAR_ENOSPC ? HISTORY_LOG_FULL
                                                             : HISTORY_LOG_FAILED;
}

static void log_status(struct history_log *log, struct history_status *status)
{
    pthread_mutex_lock(&log->lock);
    status->sequence = log->next_sequence - 1;
    status->fsync_us = log->fsync_us;
    status->fsync_longest_us = log->fsync_longest_us;
    status->failed_syncs = log->failed_syncs;
    status->written_bytes = log->written_bytes;
    pthread_mutex_unlock(&log->lock);
    status->log_bytes = history_log_bytes(log);
}

static void head_status(struct history_head *head, struct history_status *status)
{
    pthread_mutex_lock(&head->lock);
    status->head_bytes = head->bytes;
    status->head_samples = head->samples;
    status->series = head->series_count;
    status->totals = (struct history_counts){ .stored_start = head->stored - head->stored_before,
                                              .repeated_start = head->repeated -
                                                                head->repeated_before,
                                              .stored_all = head->stored,
                                              .repeated_all = head->repeated };
    pthread_mutex_unlock(&head->lock);
}

static void block_status(struct history_block_set *set, struct history_status *status)
{
    pthread_mutex_lock(&set->lock);
    status->mark = set->mark;
    status->blocks = set->count;
    for (size_t i = 0; i < set->count; i++) {
        bool tiers = set->all[i]->row.level == HISTORY_LEVEL_TIERS;
        status->block_bytes += set->all[i]->row.bytes;
        status->tier_bytes += tiers ? set->all[i]->row.bytes : 0;
        status->tier_blocks += tiers;
        bool log = set->all[i]->row.level == HISTORY_LEVEL_LOG;
        status->unmerged_blocks += log;
        status->unmerged_samples += log ? set->all[i]->row.samples : 0;
        status->days += !log && !tiers;
        status->cold_days += set->all[i]->row.level == HISTORY_LEVEL_COLD;
        status->block_samples += tiers ? 0 : set->all[i]->row.samples;
        if (atomic_load(&set->all[i]->met) > 0 && status->damaged_blocks++ == 0) {
            str_copy(status->damaged_path, sizeof(status->damaged_path), set->all[i]->path);
        }
    }
    pthread_mutex_unlock(&set->lock);
}

void history_status(struct history *history, struct history_status *status)
{
    *status = (struct history_status){ 0 };
    appender_status(&history->appender, status);
    log_status(&history->log, status);
    head_status(&history->head, status);
    block_status(&history->blocks, status);
    struct history_keeper *keeper = &history->keeper;
    status->written_bytes += atomic_load(&keeper->written_bytes);
    status->removed_blocks = atomic_load(&keeper->removed_blocks);
    status->removed_bytes = atomic_load(&keeper->removed_bytes);
    status->doing = history_doing_text((enum history_doing)atomic_load(&keeper->doing));
    status->merged_day = atomic_load(&keeper->merged_day);
    status->pending_deletes = history_deletes_count(&history->deletes);
    status->expired_samples = atomic_load(&keeper->expired);
    status->deleted_samples = atomic_load(&keeper->deleted);
    status->keeper_error = atomic_load(&keeper->error);
    status->damaged_chunks = atomic_load(&history->damaged_chunks);
    pthread_mutex_lock(&history->cursor_lock);
    status->cursors_released = history->cursors_released;
    pthread_mutex_unlock(&history->cursor_lock);
}
