/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>

#include "base/alloc.h"
#include "base/str.h"
#include "history/log_private.h"

static void spare_path(const struct history_log *log, uint64_t number, char path[HISTORY_PATH_MAX])
{
    str_format(path, HISTORY_PATH_MAX, "%s/%016llx.spare", log->folder, (unsigned long long)number);
}

static bool keep(struct history_log *log, uint64_t number)
{
    pthread_mutex_lock(&log->lock);
    bool room = log->spare_count < HISTORY_LOG_SPARES;
    if (room) {
        log->spares[log->spare_count++] = number;
    }
    pthread_mutex_unlock(&log->lock);
    return room;
}

static bool take(struct history_log *log, uint64_t *number)
{
    pthread_mutex_lock(&log->lock);
    bool any = log->spare_count > 0;
    if (any) {
        *number = log->spares[--log->spare_count];
    }
    pthread_mutex_unlock(&log->lock);
    return any;
}

int history_log_find_spares(struct history_log *log, struct err *err)
{
    uint64_t *numbers;
    size_t count;
    int error = history_list_numbers(log->folder, ".spare", &numbers, &count, err);
    for (size_t i = 0; i < count; i++) {
        char path[HISTORY_PATH_MAX];
        if (!keep(log, numbers[i])) {
            spare_path(log, numbers[i], path);
            log->file->unlink(log->file->ctx, path);
        }
    }
    busbar_free(numbers);
    return error;
}

bool history_log_spare(struct history_log *log, const struct history_log_segment *segment)
{
    char from[HISTORY_PATH_MAX];
    char to[HISTORY_PATH_MAX];
    pthread_mutex_lock(&log->lock);
    bool wanted = log->spare_count < HISTORY_LOG_SPARES;
    pthread_mutex_unlock(&log->lock);
    if (!wanted || segment->bytes < log->segment_bytes / 2) {
        return false;
    }
    history_log_path(log, segment->number, from);
    spare_path(log, segment->number, to);
    if (log->file->rename(log->file->ctx, from, to) != 0) {
        return false;
    }
    if (!keep(log, segment->number)) {
        log->file->unlink(log->file->ctx, to);
    }
    return true;
}

int history_log_take_spare(struct history_log *log, char path[HISTORY_PATH_MAX], uint64_t *bytes)
{
    uint64_t number;
    if (!take(log, &number)) {
        return BUSBAR_ENOENT;
    }
    spare_path(log, number, path);
    int fd = log->file->open(log->file->ctx, path, O_RDWR, 0600);
    int64_t size = fd >= 0 ? log->file->size(log->file->ctx, fd) : 0;
    if (size > 0) {
        *bytes = (uint64_t)size;
        return fd;
    }
    if (fd >= 0) {
        log->file->close(log->file->ctx, fd);
    }
    log->file->unlink(log->file->ctx, path);
    return BUSBAR_ENOENT;
}

bool history_log_drop_spares(struct history_log *log)
{
    uint64_t number;
    bool any = false;
    while (take(log, &number)) {
        char path[HISTORY_PATH_MAX];
        spare_path(log, number, path);
        log->file->unlink(log->file->ctx, path);
        any = true;
    }
    return any;
}
