/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the log at the start. What tells loss from an unfinished end is the sequence: records are
 * numbered without a gap, and a record is written only after the one before it is on disk. So what
 * is bad with nothing good behind it was never acknowledged, and every gap is a loss. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/str.h"
#include "history/log.h"
#include "history/log_private.h"
#include "history/log_read.h"

enum { FILES_MAX = 1000000 };

int history_list_numbers(const char *folder, const char *suffix, uint64_t **numbers, size_t *count,
                         struct err *err)
{
    char **names;
    size_t names_count;
    *numbers = NULL;
    *count = 0;
    int error = file_list(folder, suffix, FILES_MAX, &names, &names_count, err);
    if (error != 0) {
        return error;
    }
    *numbers = busbar_alloc_array(names_count + 1, sizeof(**numbers));
    for (size_t i = 0; i < names_count; i++) {
        char *end;
        unsigned long long number = strtoull(names[i], &end, 16);
        if (end == names[i] + 16 && str_equal(end, suffix)) {
            (*numbers)[(*count)++] = number;
        }
    }
    busbar_free(names);
    return 0;
}

int history_log_load(const struct file_ops *file, const char *path, uint8_t **data,
                     size_t *capacity, size_t *size)
{
    int fd = file->open(file->ctx, path, O_RDONLY, 0);
    if (fd < 0) {
        return fd;
    }
    int64_t bytes = file->size(file->ctx, fd);
    int error = bytes < 0 ? (int)bytes : 0;
    if (error == 0 && (size_t)bytes + 8 > *capacity) {
        uint8_t *grown = busbar_try_realloc(*data, (size_t)bytes + 8);
        error = grown == NULL ? BUSBAR_ENOMEM : 0;
        if (grown != NULL) {
            *data = grown;
            *capacity = (size_t)bytes + 8;
        }
    }
    if (error == 0 && bytes > 0) {
        error = file_pread_all(file, fd, *data, (size_t)bytes, 0);
    }
    *size = error == 0 ? (size_t)bytes : 0;
    file->close(file->ctx, fd);
    return error;
}

struct replay {
    struct history_log *log;
    struct history_recovery *found;
    history_log_cb cb;
    void *ctx;
    uint64_t expected; /* sequence that must come next */
};

static void say(struct replay *replay, const char *path, const char *what)
{
    if (replay->found->text[0] == '\0') {
        str_format(replay->found->text, sizeof(replay->found->text), "%s: %s", path, what);
    }
}

static void lost(struct replay *replay, const char *path, uint64_t next)
{
    if (next > replay->expected) {
        uint64_t records = next - replay->expected;
        char what[96];
        str_format(what, sizeof(what), "%llu damaged or missing records, from number %llu on",
                   (unsigned long long)records, (unsigned long long)replay->expected);
        say(replay, path, what);
        replay->found->damaged_records += records;
        replay->expected = next;
    }
}

static int replay_records(struct replay *replay, const char *path,
                          struct history_segment_file *from,
                          const struct history_segment_head *head, uint64_t stop,
                          struct history_log_segment *segment, size_t *torn)
{
    struct history_segment_reader reader;
    struct history_record_head record;
    const uint8_t *body;
    history_segment_file_read(from, &reader, head);
    size_t end = reader.offset;
    while (history_segment_next(&reader, &record, &body) == 0 && record.sequence < stop) {
        end = reader.offset;
        segment->last = record.sequence;
        if (record.sequence < replay->expected) {
            continue;
        }
        lost(replay, path, record.sequence);
        replay->expected = record.sequence + 1;
        replay->found->records++;
        int error = replay->cb(replay->ctx, &record, body);
        if (error != 0) {
            return error;
        }
        history_segment_file_drop(from, end);
    }
    segment->bytes = end;
    reader.offset = end;
    *torn = history_segment_torn(&reader, head);
    return 0;
}

static void set_aside(struct replay *replay, const char *path)
{
    say(replay, path,
        "the head of this log segment is damaged; set aside with the suffix .damaged");
    history_log_set_aside(replay->log, path);
    replay->found->damaged_files++;
}

static void say_unreadable(struct replay *replay, const char *path, size_t bytes)
{
    char what[96];
    str_format(what, sizeof(what), "the disk cannot read %llu bytes of this log segment",
               (unsigned long long)bytes);
    say(replay, path, what);
    replay->found->damaged_files++;
}

static void cut(struct replay *replay, const char *path, const struct history_log_segment *segment,
                size_t torn)
{
    const struct file_ops *file = replay->log->file;
    replay->found->torn_bytes += torn;
    int fd = file->open(file->ctx, path, O_RDWR, 0);
    if (fd >= 0) { /* only tidiness: the sequence makes a torn end harmless */
        (void)file->ftruncate(file->ctx, fd, (int64_t)segment->bytes);
        (void)file->fsync(file->ctx, fd);
        file->close(file->ctx, fd);
    }
}

/* The sequence of the next segment's first record: records from it on in this one were written again. */
static uint64_t first_of(struct replay *replay, uint64_t number)
{
    char path[HISTORY_PATH_MAX];
    uint8_t bytes[HISTORY_SEGMENT_HEAD];
    struct history_segment_head head;
    const struct file_ops *file = replay->log->file;
    history_log_path(replay->log, number, path);
    int fd = file->open(file->ctx, path, O_RDONLY, 0);
    if (fd < 0) {
        return UINT64_MAX;
    }
    int error = file_pread_all(file, fd, bytes, sizeof(bytes), 0);
    file->close(file->ctx, fd);
    error = error == 0 ? history_segment_get_head(bytes, sizeof(bytes), &head) : error;
    return error == 0 ? head.first_sequence : UINT64_MAX;
}

/* A segment of which all is in blocks is there for cursors only, and not read: what a slow one holds makes no start
 * slower. Where its records end the cursor finds out. */
static int replay_file(struct replay *replay, const char *path, struct history_segment_file *from,
                       uint64_t number, uint64_t stop, bool newest)
{
    struct history_segment_head head;
    int error = history_segment_get_head(from->data, from->size, &head);
    if (error == BUSBAR_ESHORT) { /* made, and the machine stopped before its head was on disk */
        replay->log->file->unlink(replay->log->file->ctx, path);
        replay->found->orphan_files++;
        return 0;
    }
    if (error != 0) {
        set_aside(replay, path);
        return 0;
    }
    struct history_log_segment *segment = history_log_add_segment(replay->log, number,
                                                                  head.first_sequence);
    lost(replay, path, head.first_sequence);
    if (stop <= replay->expected && stop > head.first_sequence) {
        segment->last = stop - 1;
        segment->bytes = from->size;
        return 0;
    }
    size_t torn = 0;
    error = replay_records(replay, path, from, &head, stop, segment, &torn);
    segment->unreadable = from->bad > 0;
    if (from->bad > 0) {
        say_unreadable(replay, path, from->bad);
    } else if (error == 0 && newest && segment->bytes < from->size) {
        cut(replay, path, segment, torn);
    }
    return error;
}

static int replay_segment(struct replay *replay, uint64_t number, uint64_t stop, bool newest)
{
    char path[HISTORY_PATH_MAX];
    struct history_segment_file from;
    history_log_path(replay->log, number, path);
    int error = history_segment_file_open(&from, replay->log->file, path);
    if (error == 0) {
        error = replay_file(replay, path, &from, number, stop, newest);
        history_segment_file_close(&from);
    }
    return error;
}

static int replay_all(struct replay *replay, const uint64_t *numbers, size_t count, struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t stop = UINT64_MAX;
        for (size_t next = i + 1; next < count && stop == UINT64_MAX; next++) {
            stop = first_of(replay, numbers[next]);
        }
        int error = replay_segment(replay, numbers[i], stop, i + 1 == count);
        if (error != 0) {
            char path[HISTORY_PATH_MAX];
            history_log_path(replay->log, numbers[i], path);
            return err_set(err, error, "cannot read the log segment %s: %s", path, err_text(error));
        }
        replay->log->number = numbers[i];
    }
    return 0;
}

int history_log_open(struct history_log *log, const struct file_ops *file, const char *folder,
                     size_t segment_bytes, uint64_t mark, history_log_cb cb, void *ctx,
                     struct history_recovery *found, struct err *err)
{
    *log = (struct history_log){ .file = file, .segment_bytes = segment_bytes, .fd = -1 };
    if (!str_copy(log->folder, sizeof(log->folder), folder)) {
        return err_set(err, BUSBAR_ELIMIT, "the path %s is too long", folder);
    }
    uint64_t *numbers;
    size_t count;
    int error = history_list_numbers(folder, ".log", &numbers, &count, err);
    if (error != 0) {
        return error;
    }
    pthread_mutex_init(&log->lock, NULL);
    struct replay replay = {
        .log = log, .found = found, .cb = cb, .ctx = ctx, .expected = mark + 1
    };
    error = replay_all(&replay, numbers, count, err);
    error = error == 0 ? history_log_find_spares(log, err) : error;
    log->next_sequence = replay.expected;
    busbar_free(numbers);
    if (error != 0) {
        history_log_close(log);
    }
    return error;
}
