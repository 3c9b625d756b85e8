/* SPDX-License-Identifier: Apache-2.0 */
#include "history/log.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/random.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "history/log_private.h"

void history_log_path(const struct history_log *log, uint64_t number, char path[HISTORY_PATH_MAX])
{
    str_format(path, HISTORY_PATH_MAX, "%s/%016llx.log", log->folder, (unsigned long long)number);
}

struct history_log_segment *history_log_add_segment(struct history_log *log, uint64_t number,
                                                    uint64_t first)
{
    if (log->count == log->capacity) {
        log->capacity = log->capacity > 0 ? 2 * log->capacity : 16;
        log->segments = busbar_realloc(log->segments, log->capacity * sizeof(*log->segments));
    }
    struct history_log_segment *segment = &log->segments[log->count++];
    *segment = (struct history_log_segment){
        .number = number, .first = first, .last = first - 1, .bytes = HISTORY_SEGMENT_HEAD
    };
    return segment;
}

void history_log_close(struct history_log *log)
{
    if (log->fd >= 0) {
        log->file->close(log->file->ctx, log->fd);
    }
    busbar_free(log->segments);
    pthread_mutex_destroy(&log->lock);
}

static uint32_t random_salt(void)
{
    uint32_t salt;
    if (getrandom(&salt, sizeof(salt), 0) != (ssize_t)sizeof(salt)) {
        salt = (uint32_t)clock_wall_us() ^ (uint32_t)clock_mono_us();
    }
    return salt;
}

static int write_head(struct history_log *log, int fd, uint64_t first)
{
    uint8_t bytes[HISTORY_SEGMENT_HEAD];
    struct history_segment_head head = { .salt = log->salt,
                                         .first_sequence = first,
                                         .made_us = clock_wall_us(),
                                         .number = log->number };
    history_segment_put_head(bytes, &head);
    int error = file_pwrite_all(log->file, fd, bytes, sizeof(bytes), 0);
    if (error == 0) {
        error = log->file->fdatasync(log->file->ctx, fd);
    }
    return error != 0 ? error : file_sync_folder(log->file, log->folder);
}

static int open_segment(struct history_log *log, uint64_t first)
{
    char path[HISTORY_PATH_MAX];
    history_log_path(log, ++log->number, path);
    int fd = log->file->open(log->file->ctx, path, O_RDWR | O_CREAT | O_EXCL, 0600);
    if (fd < 0) {
        return fd;
    }
    /* Only to keep the file in one piece: without the room the writes themselves will say so. */
    (void)log->file->fallocate(log->file->ctx, fd, (int64_t)log->segment_bytes);
    log->salt = random_salt();
    int error = write_head(log, fd, first);
    if (error != 0) {
        log->file->close(log->file->ctx, fd);
        log->file->unlink(log->file->ctx, path);
        return error;
    }
    log->fd = fd;
    log->offset = HISTORY_SEGMENT_HEAD;
    pthread_mutex_lock(&log->lock);
    history_log_add_segment(log, log->number, first);
    log->written_bytes += HISTORY_SEGMENT_HEAD;
    pthread_mutex_unlock(&log->lock);
    return 0;
}

static void close_segment(struct history_log *log)
{
    log->file->close(log->file->ctx, log->fd);
    log->fd = -1;
}

/* A segment without a record would stand in the way of the next one with the same first sequence. */
static void give_up_segment(struct history_log *log)
{
    close_segment(log);
    pthread_mutex_lock(&log->lock);
    log->failed_syncs++;
    struct history_log_segment *newest = &log->segments[log->count - 1];
    bool empty = newest->last < newest->first;
    uint64_t number = newest->number;
    log->count -= empty;
    pthread_mutex_unlock(&log->lock);
    if (empty) {
        char path[HISTORY_PATH_MAX];
        history_log_path(log, number, path);
        log->file->unlink(log->file->ctx, path);
    }
}

static int write_once(struct history_log *log, struct history_record_writer *record,
                      uint64_t sequence)
{
    int error = log->fd < 0 ? open_segment(log, sequence) : 0;
    if (error != 0) {
        return error;
    }
    size_t size = history_record_seal(record, sequence, log->salt);
    if (size == 0) {
        return BUSBAR_ENOMEM;
    }
    error = file_pwrite_all(log->file, log->fd, record->buf.data, size, log->offset);
    if (error == BUSBAR_ENOSPC) {
        return error; /* nothing behind offset counts: the same place is written again */
    }
    int64_t start_us = clock_mono_us();
    if (error == 0) {
        error = log->file->fdatasync(log->file->ctx, log->fd);
    }
    if (error != 0) {
        give_up_segment(log);
        return error;
    }
    log->offset += (int64_t)size;
    pthread_mutex_lock(&log->lock);
    struct history_log_segment *segment = &log->segments[log->count - 1];
    segment->last = sequence;
    segment->bytes = (uint64_t)log->offset;
    log->next_sequence = sequence + 1;
    log->written_bytes += size;
    log->fsync_us = clock_mono_us() - start_us;
    log->fsync_longest_us = log->fsync_us > log->fsync_longest_us ? log->fsync_us
                                                                  : log->fsync_longest_us;
    pthread_mutex_unlock(&log->lock);
    return 0;
}

int history_log_write(struct history_log *log, struct history_record_writer *record,
                      uint64_t *sequence)
{
    uint64_t next = history_log_next(log);
    bool had_segment = log->fd >= 0;
    int error = write_once(log, record, next);
    if (error != 0 && had_segment && log->fd < 0) {
        error = write_once(log, record, next); /* into a new segment, at once */
    }
    if (error != 0) {
        return error;
    }
    *sequence = next;
    if (log->offset >= (int64_t)log->segment_bytes) {
        close_segment(log);
    }
    return 0;
}

void history_log_forget(struct history_log *log, uint64_t upto)
{
    for (;;) {
        pthread_mutex_lock(&log->lock);
        bool due = log->count > 1 && log->segments[0].last <= upto;
        uint64_t number = due ? log->segments[0].number : 0;
        if (due) {
            log->count--;
            memmove(log->segments, log->segments + 1, log->count * sizeof(*log->segments));
        }
        pthread_mutex_unlock(&log->lock);
        if (!due) {
            return;
        }
        char path[HISTORY_PATH_MAX];
        history_log_path(log, number, path);
        log->file->unlink(log->file->ctx, path); /* if it stays, the next start removes it */
    }
}

uint64_t history_log_next(struct history_log *log)
{
    pthread_mutex_lock(&log->lock);
    uint64_t next = log->next_sequence;
    pthread_mutex_unlock(&log->lock);
    return next;
}

uint64_t history_log_bytes(struct history_log *log)
{
    return history_log_bytes_after(log, 0);
}

uint64_t history_log_bytes_after(struct history_log *log, uint64_t mark)
{
    uint64_t bytes = 0;
    pthread_mutex_lock(&log->lock);
    for (size_t i = 0; i < log->count; i++) {
        bytes += mark == 0 || log->segments[i].last > mark ? log->segments[i].bytes : 0;
    }
    pthread_mutex_unlock(&log->lock);
    return bytes;
}

bool history_log_find(struct history_log *log, uint64_t sequence,
                      struct history_log_segment *segment)
{
    bool found = false;
    pthread_mutex_lock(&log->lock);
    for (size_t i = 0; i < log->count && !found; i++) {
        if (log->segments[i].last >= sequence && log->segments[i].last >= log->segments[i].first) {
            *segment = log->segments[i];
            found = true;
        }
    }
    pthread_mutex_unlock(&log->lock);
    return found;
}
