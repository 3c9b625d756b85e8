/* SPDX-License-Identifier: Apache-2.0 */
/* Cursors: the log read record by record, by its files, behind the log thread's back. A cursor reads
 * only up to the end that the log says is on disk. */
#include <fcntl.h>

#include "base/alloc.h"
#include "base/err.h"
#include "base/log.h"
#include "base/str.h"
#include "history/history_private.h"

enum { HEADS_AT_ONCE = 4096 };

struct history_cursor {
    struct list link; /* in history->cursors */
    struct history *history;
    char name[64];
    uint64_t next; /* sequence wanted next */
    uint64_t done; /* guarded by cursor_lock */
    uint64_t lost;
    int fd; /* of the segment `number`; -1: none */
    uint64_t number;
    uint32_t salt;
    uint64_t offset;
    uint8_t *data; /* the record, head and body */
    size_t capacity;
    struct sample *samples;
    size_t sample_capacity;
};

int history_cursor_open(struct history *history, const char *name, uint64_t sequence,
                        struct history_cursor **opened)
{
    struct history_cursor *cursor = busbar_try_alloc(sizeof(*cursor));
    if (cursor == NULL) {
        return BUSBAR_ENOMEM;
    }
    cursor->history = history;
    str_copy(cursor->name, sizeof(cursor->name), name);
    cursor->next = sequence > 0 ? sequence : 1;
    cursor->done = cursor->next - 1;
    cursor->fd = -1;
    pthread_mutex_lock(&history->cursor_lock);
    list_append(&history->cursors, &cursor->link);
    pthread_mutex_unlock(&history->cursor_lock);
    *opened = cursor;
    return 0;
}

static void close_segment(struct history_cursor *cursor)
{
    if (cursor->fd >= 0) {
        cursor->history->file->close(cursor->history->file->ctx, cursor->fd);
        cursor->fd = -1;
    }
}

void history_cursor_close(struct history_cursor *cursor)
{
    if (cursor == NULL) {
        return;
    }
    pthread_mutex_lock(&cursor->history->cursor_lock);
    list_remove(&cursor->link);
    pthread_mutex_unlock(&cursor->history->cursor_lock);
    close_segment(cursor);
    busbar_free(cursor->samples);
    busbar_free(cursor->data);
    busbar_free(cursor);
}

void history_cursor_done(struct history_cursor *cursor, uint64_t sequence)
{
    pthread_mutex_lock(&cursor->history->cursor_lock);
    cursor->done = sequence > cursor->done ? sequence : cursor->done;
    pthread_mutex_unlock(&cursor->history->cursor_lock);
}

uint64_t history_cursor_lost(const struct history_cursor *cursor)
{
    return cursor->lost;
}

uint64_t history_cursor_at(const struct history_cursor *cursor)
{
    return cursor->next - 1;
}

void history_cursor_back(struct history_cursor *cursor, uint64_t sequence)
{
    close_segment(cursor); /* it is opened again at its beginning, and passed up to there */
    cursor->next = sequence;
}

/* config.sinks_from stands for cursors that are not open yet. */
static uint64_t least_done(const struct history *history, uint64_t upto)
{
    uint64_t hold = upto;
    if (history->sinks_from != 0 && history->sinks_from - 1 < hold) {
        hold = history->sinks_from - 1;
    }
    list_each(at, &history->cursors) {
        const struct history_cursor *cursor = list_entry(at, struct history_cursor, link);
        hold = cursor->done < hold ? cursor->done : hold;
    }
    return hold;
}

uint64_t history_cursors_done(struct history *history, uint64_t upto)
{
    pthread_mutex_lock(&history->cursor_lock);
    uint64_t hold = least_done(history, upto);
    while (hold < upto && history_log_bytes_after(&history->log, hold) > history->cursor_bytes) {
        struct history_log_segment segment;
        if (!history_log_find(&history->log, hold + 1, &segment)) {
            break;
        }
        uint64_t end = segment.last < upto ? segment.last : upto;
        history->cursors_released += end - hold;
        hold = end;
    }
    list_each(at, &history->cursors) { /* counted once: they are done with it now */
        struct history_cursor *cursor = list_entry(at, struct history_cursor, link);
        cursor->done = cursor->done < hold ? hold : cursor->done;
    }
    pthread_mutex_unlock(&history->cursor_lock);
    return hold;
}

static int open_segment(struct history_cursor *cursor, uint64_t number)
{
    const struct file_ops *file = cursor->history->file;
    char path[HISTORY_PATH_MAX];
    uint8_t bytes[HISTORY_SEGMENT_HEAD];
    struct history_segment_head head;
    close_segment(cursor);
    history_log_path(&cursor->history->log, number, path);
    cursor->fd = file->open(file->ctx, path, O_RDONLY, 0);
    if (cursor->fd < 0) {
        return cursor->fd;
    }
    int error = file_pread_all(file, cursor->fd, bytes, sizeof(bytes), 0);
    error = error == 0 ? history_segment_get_head(bytes, sizeof(bytes), &head) : error;
    if (error != 0) {
        close_segment(cursor);
        return error;
    }
    cursor->number = number;
    cursor->salt = head.salt;
    cursor->offset = HISTORY_SEGMENT_HEAD;
    return 0;
}

static int make_room(struct history_cursor *cursor, size_t bytes)
{
    if (bytes > cursor->capacity) {
        uint8_t *data = busbar_try_realloc(cursor->data, bytes);
        if (data == NULL) {
            return BUSBAR_ENOMEM;
        }
        cursor->data = data;
        cursor->capacity = bytes;
    }
    return 0;
}

/* Whose bodies are read. */
enum bodies { BODY_ALWAYS, BODY_WITH_EVENTS, BODY_NEVER };

/* The record at the cursor's offset, into data. */
static int read_record(struct history_cursor *cursor, uint64_t end, enum bodies bodies,
                       struct history_record_head *head)
{
    const struct file_ops *file = cursor->history->file;
    int error = make_room(cursor, HISTORY_RECORD_HEAD);
    if (error == 0) {
        error = file_pread_all(file, cursor->fd, cursor->data, HISTORY_RECORD_HEAD,
                               (int64_t)cursor->offset);
    }
    if (error == 0) {
        struct bytes in = bytes_of(cursor->data, HISTORY_RECORD_HEAD);
        error = history_record_get_head(&in, cursor->salt, head);
    }
    if (error != 0) {
        return error;
    }
    if (head->body_bytes > end - cursor->offset - HISTORY_RECORD_HEAD) {
        return BUSBAR_EDAMAGED;
    }
    if (head->sequence < cursor->next || bodies == BODY_NEVER ||
        (bodies == BODY_WITH_EVENTS && head->event_bytes == 0)) {
        return 0; /* the body is of no interest */
    }
    error = make_room(cursor, HISTORY_RECORD_HEAD + (size_t)head->body_bytes);
    if (error == 0) {
        error = file_pread_all(file, cursor->fd, cursor->data + HISTORY_RECORD_HEAD,
                               head->body_bytes, (int64_t)cursor->offset + HISTORY_RECORD_HEAD);
    }
    bool good = error != 0 || history_record_body_good(head, cursor->data + HISTORY_RECORD_HEAD);
    return good ? error : BUSBAR_EDAMAGED;
}

/* After damage: moves to the next good record of the segment, or to its end. */
static int skip_damage(struct history_cursor *cursor, uint64_t end)
{
    char path[HISTORY_PATH_MAX];
    uint8_t *data = NULL;
    size_t capacity = 0;
    size_t size;
    history_log_path(&cursor->history->log, cursor->number, path);
    int error = history_log_load(cursor->history->file, path, &data, &capacity, &size);
    if (error == 0) {
        struct history_segment_reader reader = { .data = data,
                                                 .size = size < end ? size : (size_t)end,
                                                 .filled = size,
                                                 .offset = (size_t)cursor->offset,
                                                 .salt = cursor->salt,
                                                 .next_sequence = cursor->next };
        struct history_record_head head;
        const uint8_t *body;
        bool found = history_segment_next(&reader, &head, &body) == 0;
        cursor->offset = found ? (uint64_t)(body - data) - HISTORY_RECORD_HEAD : end;
    }
    busbar_free(data);
    return error;
}

static int decode(struct history_cursor *cursor, const struct history_record_head *head,
                  struct history_record *record)
{
    size_t wanted = (size_t)head->samples + HISTORY_BATCH_SAMPLES;
    if (wanted > cursor->sample_capacity) {
        struct sample *samples = busbar_try_realloc(cursor->samples, wanted * sizeof(*samples));
        if (samples == NULL) {
            return BUSBAR_ENOMEM;
        }
        cursor->samples = samples;
        cursor->sample_capacity = wanted;
    }
    struct history_record_reader reader;
    int count = 0;
    history_record_open(&reader, cursor->data + HISTORY_RECORD_HEAD,
                        history_record_batch_bytes(head));
    record->samples = cursor->samples;
    while (record->count <= head->samples &&
           (count = history_record_next(&reader, cursor->samples + record->count)) > 0) {
        record->count += (size_t)count;
    }
    return count < 0 || record->count != head->samples ? BUSBAR_EDAMAGED : 0;
}

/* Records before `sequence` will never come. */
static int lose(struct history_cursor *cursor, uint64_t sequence)
{
    cursor->lost += sequence - cursor->next;
    cursor->next = sequence;
    return BUSBAR_EDAMAGED;
}

/* The file of a segment is not there: let go this moment is fine (0), else BUSBAR_EIO. */
static int let_go(struct history_cursor *cursor, uint64_t number)
{
    struct history_log_segment segment;
    bool listed = history_log_find(&cursor->history->log, cursor->next, &segment) &&
                  segment.number == number;
    return listed ? BUSBAR_EIO : 0;
}

static struct history_record record_of(const struct history_cursor *cursor,
                                       const struct history_record_head *head)
{
    size_t at = HISTORY_RECORD_HEAD + history_record_batch_bytes(head);
    return (struct history_record){ .sequence = head->sequence,
                                    .events = head->event_bytes > 0
                                                  ? bytes_of(cursor->data + at, head->event_bytes)
                                                  : bytes_of("", 0) };
}

/* One step: 0, *head is the next record; BUSBAR_EAGAIN, BUSBAR_EDAMAGED ... as history_cursor_next(). */
static int step(struct history_cursor *cursor, enum bodies bodies, struct history_record_head *next)
{
    for (;;) {
        struct history_log_segment segment;
        if (!history_log_find(&cursor->history->log, cursor->next, &segment)) {
            return BUSBAR_EAGAIN;
        }
        int error = 0;
        if (cursor->fd < 0 || cursor->number != segment.number) {
            error = open_segment(cursor, segment.number);
        }
        if (error == BUSBAR_ENOENT && (error = let_go(cursor, segment.number)) == 0) {
            continue;
        }
        if (error == BUSBAR_EDAMAGED || (error == 0 && cursor->offset >= segment.bytes)) {
            return lose(cursor, segment.last + 1); /* its last records are damaged */
        }
        struct history_record_head head;
        error = error == 0 ? read_record(cursor, segment.bytes, bodies, &head) : error;
        if (error == BUSBAR_EDAMAGED || error == BUSBAR_ESHORT) {
            error = skip_damage(cursor, segment.bytes);
            error = error == BUSBAR_ENOENT ? let_go(cursor, segment.number) : error;
            if (error == 0) {
                continue;
            }
        }
        if (error != 0) {
            return error;
        }
        if (head.sequence > cursor->next) {
            return lose(cursor, head.sequence);
        }
        cursor->offset += history_record_bytes(&head);
        if (head.sequence == cursor->next) {
            cursor->next++;
            *next = head;
            return 0;
        }
    }
}

int history_cursor_next(struct history_cursor *cursor, struct history_record *record)
{
    struct history_record_head head;
    int error = step(cursor, BODY_ALWAYS, &head);
    if (error != 0) {
        return error;
    }
    *record = record_of(cursor, &head);
    error = decode(cursor, &head, record);
    cursor->lost += error == BUSBAR_EDAMAGED;
    if (error == BUSBAR_ENOMEM) {
        history_cursor_back(cursor, head.sequence);
    }
    return error;
}

int history_cursor_count(struct history_cursor *cursor, size_t most, uint64_t *samples)
{
    int error = 0;
    for (size_t i = 0; i < most && error == 0; i++) {
        struct history_record_head head;
        error = step(cursor, BODY_NEVER, &head);
        *samples += error == 0 ? head.samples : 0;
    }
    return error;
}

int history_cursor_next_events(struct history_cursor *cursor, struct history_record *record)
{
    struct history_record_head head = { 0 };
    int error = 0;
    for (int i = 0; i < HEADS_AT_ONCE && error == 0 && head.event_bytes == 0; i++) {
        struct history_record_head next;
        error = step(cursor, BODY_WITH_EVENTS, &next);
        head = error == 0 ? next : head;
    }
    if (head.sequence == 0) {
        return error;
    }
    *record = record_of(cursor,
                        &head); /* of an error the next call tells, or history_cursor_lost() */
    return 0;
}

int history_next_event_bytes(struct history_record *record, struct bytes *event)
{
    return history_record_next_event_bytes(&record->events, event);
}

int history_next_event(struct history_record *record, struct event_decoded *event)
{
    return history_record_next_event(&record->events, event);
}

struct history_cursor *history_events(struct history *history)
{
    return history->events;
}

void history_sinks_opened(struct history *history)
{
    pthread_mutex_lock(&history->cursor_lock);
    history->sinks_from = 0;
    pthread_mutex_unlock(&history->cursor_lock);
}
