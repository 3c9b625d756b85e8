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

static int write_head(struct history_log *log, int fd, uint64_t first, uint64_t old_bytes)
{
    uint8_t bytes[HISTORY_SEGMENT_HEAD];
    struct history_segment_head head = { .salt = log->salt,
                                         .first_sequence = first,
                                         .made_us = clock_wall_us(),
                                         .number = log->number,
                                         .old_bytes = old_bytes };
    history_segment_put_head(bytes, &head);
    int error = file_pwrite_all(log->file, fd, bytes, sizeof(bytes), 0);
    return error != 0 ? error : log->file->fdatasync(log->file->ctx, fd);
}

/* A new file, or a spare one that gets its new head before its new name. `made`: the name it has by now. */
static int make_file(struct history_log *log, uint64_t first, const char *path,
                     char made[HISTORY_PATH_MAX], int *fd)
{
    uint64_t old_bytes = 0;
    *fd = history_log_take_spare(log, made, &old_bytes);
    bool spare = *fd >= 0;
    if (!spare) {
        str_copy(made, HISTORY_PATH_MAX, path);
        *fd = log->file->open(log->file->ctx, path, O_RDWR | O_CREAT | O_EXCL, 0600);
    }
    if (*fd < 0) {
        return *fd;
    }
    /* Only to keep the file in one piece: without the room the writes themselves will say so. */
    (void)log->file->fallocate(log->file->ctx, *fd, (int64_t)log->segment_bytes);
    int error = write_head(log, *fd, first, old_bytes);
    if (error == 0 && spare) {
        error = log->file->rename(log->file->ctx, made, path);
    }
    if (error == 0 && spare) {
        str_copy(made, HISTORY_PATH_MAX, path);
    }
    return error != 0 ? error : file_sync_folder(log->file, log->folder);
}

static int open_segment(struct history_log *log, uint64_t first)
{
    char path[HISTORY_PATH_MAX];
    char made[HISTORY_PATH_MAX];
    int fd;
    history_log_path(log, ++log->number, path);
    log->salt = random_salt();
    int error = make_file(log, first, path, made, &fd);
    if (error != 0) {
        if (fd >= 0) {
            log->file->close(log->file->ctx, fd);
            log->file->unlink(log->file->ctx, made);
        }
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
    if (error == BUSBAR_ENOSPC && history_log_drop_spares(log)) {
        error = write_once(log, record, next);
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

void history_log_set_aside(const struct history_log *log, const char *path)
{
    char to[HISTORY_PATH_MAX + 16];
    str_format(to, sizeof(to), "%s.damaged", path);
    log->file->rename(log->file->ctx, path, to);
}

void history_log_forget(struct history_log *log, uint64_t upto)
{
    for (;;) {
        pthread_mutex_lock(&log->lock);
        bool due = log->count > 1 && log->segments[0].last <= upto;
        struct history_log_segment oldest = log->count > 0 ? log->segments[0]
                                                           : (struct history_log_segment){ 0 };
        if (due) {
            log->count--;
            memmove(log->segments, log->segments + 1, log->count * sizeof(*log->segments));
        }
        pthread_mutex_unlock(&log->lock);
        if (!due) {
            return;
        }
        char path[HISTORY_PATH_MAX];
        history_log_path(log, oldest.number, path);
        if (oldest.unreadable) {
            history_log_set_aside(log, path);
        } else if (!history_log_spare(log, &oldest)) {
            log->file->unlink(log->file->ctx, path); /* if it stays, the next start removes it */
        }
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

uint64_t history_log_part_after(struct history_log *log, uint64_t mark)
{
    uint64_t bytes = 0;
    pthread_mutex_lock(&log->lock);
    for (size_t i = log->count; i > 0 && log->segments[i - 1].last > mark; i--) {
        const struct history_log_segment *segment = &log->segments[i - 1];
        if (segment->first > mark) {
            bytes += segment->bytes;
        } else {
            double part = (double)(segment->last - mark) /
                          (double)(segment->last - segment->first + 1);
            bytes += (uint64_t)(part * (double)segment->bytes);
        }
    }
    pthread_mutex_unlock(&log->lock);
    return bytes;
}

/* The first segment that ends at this sequence or behind it: ends never go back. */
static size_t first_behind(const struct history_log *log, uint64_t sequence)
{
    size_t low = 0, high = log->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (log->segments[middle].last >= sequence) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

bool history_log_find(struct history_log *log, uint64_t sequence,
                      struct history_log_segment *segment)
{
    bool found = false;
    pthread_mutex_lock(&log->lock);
    for (size_t i = first_behind(log, sequence); i < log->count && !found; i++) {
        if (log->segments[i].last >= log->segments[i].first) {
            *segment = log->segments[i];
            found = true;
        }
    }
    pthread_mutex_unlock(&log->lock);
    return found;
}
