/* SPDX-License-Identifier: Apache-2.0 */
/* What the log has behind a record, for those that read it by cursors: how much, since when, and letting go of it. */
#include "base/err.h"
#include "history/history_private.h"

enum { RECORDS_AT_ONCE = 4096 };
#define CURSOR_BYTES_DEFAULT (UINT64_C(1) << 30)

uint64_t history_log_bytes_behind(struct history *history, uint64_t sequence)
{
    return history_log_part_after(&history->log, sequence);
}

void history_log_bounds(struct history *history, uint64_t *first, uint64_t *next)
{
    struct history_log_segment segment;
    *next = history_log_next(&history->log);
    *first = history_log_find(&history->log, 1, &segment) ? segment.first : *next;
}

void history_log_keep(struct history *history, uint64_t bytes)
{
    pthread_mutex_lock(&history->cursor_lock);
    history->cursor_bytes = bytes > 0 ? bytes : CURSOR_BYTES_DEFAULT;
    pthread_mutex_unlock(&history->cursor_lock);
}

void history_log_trim(struct history *history)
{
    pthread_mutex_lock(&history->blocks.lock);
    uint64_t mark = history->blocks.mark;
    pthread_mutex_unlock(&history->blocks.lock);
    history_log_forget(&history->log, history_cursors_done(history, mark));
}

/* The first sample behind the cursor; none: INT64_MAX. */
static int find_oldest(struct history_cursor *cursor, int64_t *oldest_us)
{
    struct history_record record = { 0 };
    int error = 0;
    while (error == 0 || error == BUSBAR_EDAMAGED) {
        error = history_cursor_next(cursor, &record);
        if (error == 0 && record.count > 0) {
            *oldest_us = record.samples[0].receive_us;
            return 0;
        }
    }
    return error == BUSBAR_EAGAIN ? 0 : error;
}

static int count_all(struct history_cursor *cursor, uint64_t *samples)
{
    int error = 0;
    while (error == 0 || error == BUSBAR_EDAMAGED) {
        error = history_cursor_count(cursor, RECORDS_AT_ONCE, samples);
    }
    return error == BUSBAR_EAGAIN ? 0 : error;
}

int history_log_behind(struct history *history, uint64_t sequence, uint64_t *samples,
                       uint64_t *bytes, int64_t *oldest_us)
{
    struct history_cursor *cursor;
    int error = history_cursor_open(history, "behind", sequence + 1, &cursor);
    if (error != 0) {
        return error;
    }
    if (bytes != NULL) {
        *bytes = history_log_bytes_behind(history, sequence);
    }
    if (oldest_us != NULL) {
        *oldest_us = INT64_MAX;
        error = find_oldest(cursor, oldest_us);
        history_cursor_back(cursor, sequence + 1);
    }
    if (samples != NULL && error == 0) {
        *samples = 0;
        error = count_all(cursor, samples);
    }
    history_cursor_close(cursor);
    return error;
}
