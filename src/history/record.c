/* SPDX-License-Identifier: Apache-2.0 */
#include "history/record.h"

#include "base/crc.h"
#include "base/err.h"
#include "history/batch.h"
#include "history/usual.h"

enum {
    KEEP_BYTES = 4 * 1024 * 1024,
    SIZE_ROOM = 3, /* a varint up to 2 MiB; an event has EVENT_BYTES_MAX at most */
};

void history_record_init(struct history_record_writer *writer, size_t max)
{
    *writer = (struct history_record_writer){ .max = max };
    buf_init(&writer->buf, max + HISTORY_RECORD_EVENTS_MAX + 8);
    buf_init(&writer->events, HISTORY_RECORD_EVENTS_MAX);
}

void history_record_fini(struct history_record_writer *writer)
{
    buf_fini(&writer->buf);
    buf_fini(&writer->events);
}

void history_record_clear(struct history_record_writer *writer)
{
    if (writer->buf.capacity > KEEP_BYTES) {
        size_t max = writer->buf.max;
        buf_fini(&writer->buf);
        buf_init(&writer->buf, max);
    }
    buf_clear(&writer->buf);
    buf_clear(&writer->events);
    writer->event_count = 0;
    writer->samples = 0;
    writer->before_us = 0;
}

/* NULL: *error says why; what is in the buffer stays, and the caller tries again with a new record. */
static uint8_t *reserve(struct history_record_writer *writer, size_t bytes, int *error)
{
    bool room = writer->buf.size <= writer->max && bytes <= writer->max - writer->buf.size;
    uint8_t *space = room ? buf_reserve(&writer->buf, bytes) : NULL;
    writer->buf.overflow = false;
    *error = space != NULL ? 0 : room ? BUSBAR_ENOMEM : BUSBAR_ELIMIT;
    return space;
}

static int add_head_room(struct history_record_writer *writer)
{
    int error;
    uint8_t *head = reserve(writer, HISTORY_RECORD_HEAD, &error);
    if (head == NULL) {
        return error;
    }
    memset(head, 0, HISTORY_RECORD_HEAD);
    buf_commit(&writer->buf, HISTORY_RECORD_HEAD);
    return 0;
}

static int add_batch(struct history_record_writer *writer, const struct sample *samples,
                     size_t count, size_t *taken)
{
    struct history_batch batch;
    int error = history_batch_look(&batch, samples, count);
    if (error != 0) {
        return error;
    }
    uint8_t *space = reserve(writer, batch.bytes_max, &error);
    if (space == NULL) {
        return error;
    }
    struct bytes_out out = bytes_out_of(space, batch.bytes_max);
    history_batch_put(&out, &batch, samples, writer->before_us,
                      writer->buf.size - HISTORY_RECORD_HEAD);
    buf_commit(&writer->buf, bytes_out_size(&out));
    writer->before_us = samples[0].time_us;
    *taken = batch.count;
    return 0;
}

int history_record_add(struct history_record_writer *writer, const struct sample *samples,
                       size_t count)
{
    size_t size = writer->buf.size;
    int64_t before_us = writer->before_us;
    int error = size == 0 ? add_head_room(writer) : 0;
    for (size_t at = 0, taken = 0; at < count && error == 0; at += taken) {
        taken = 0;
        error = add_batch(writer, samples + at, count - at, &taken);
    }
    if (error != 0) {
        writer->buf.size = size;
        writer->before_us = before_us;
        return error;
    }
    writer->samples += (uint32_t)count;
    return 0;
}

/* Encoded where it stays, behind room for its size, which is mostly smaller than that room. */
static int put_event(struct buf *events, const struct event *event)
{
    static const uint8_t room[SIZE_ROOM];
    size_t start = events->size;
    int error = buf_append(events, room, sizeof(room));
    error = error == 0 ? event_encode(event, events) : error;
    events->overflow = false;
    if (error != 0) {
        events->size = start;
        return error;
    }
    size_t size = events->size - start - sizeof(room);
    struct bytes_out out = bytes_out_of(events->data + start, sizeof(room));
    bytes_put_varint(&out, size);
    size_t head = bytes_out_size(&out);
    memmove(events->data + start + head, events->data + start + sizeof(room), size);
    events->size = start + head + size;
    return 0;
}

int history_record_add_event(struct history_record_writer *writer, const struct event *event)
{
    int error = writer->buf.size == 0 ? add_head_room(writer) : 0;
    error = error == 0 ? put_event(&writer->events, event) : error;
    writer->event_count += error == 0 ? 1 : 0;
    return error;
}

/* Of bytes 0..19, and of the event bytes where there are some. */
static uint32_t head_check(const uint8_t *head, uint32_t salt, uint32_t event_bytes)
{
    uint32_t check = crc32c(salt, head, 20);
    return event_bytes > 0 ? crc32c(check, head + 28, 4) : check;
}

size_t history_record_seal(struct history_record_writer *writer, uint64_t sequence, uint32_t salt)
{
    struct buf *buf = &writer->buf;
    assert(buf->size >= HISTORY_RECORD_HEAD);
    size_t events = writer->events.size;
    size_t body = buf->size - HISTORY_RECORD_HEAD + events;
    size_t padding = (8 - body % 8) % 8;
    uint8_t *tail = buf_reserve(buf, events + 8);
    if (tail == NULL) {
        buf->overflow = false;
        return 0;
    }
    if (events > 0) {
        memcpy(tail, writer->events.data, events);
    }
    memset(tail + events, 0, 8);
    uint8_t *head = buf->data;
    struct bytes_out out = bytes_out_of(head + 28, 4);
    bytes_put_u32le(&out, (uint32_t)events);
    out = bytes_out_of(head, 28);
    bytes_put_u32le(&out, HISTORY_RECORD_MARK);
    bytes_put_u32le(&out, (uint32_t)body);
    bytes_put_u64le(&out, sequence);
    bytes_put_u32le(&out, writer->samples);
    uint32_t check = head_check(head, salt, (uint32_t)events);
    bytes_put_u32le(&out, check);
    bytes_put_u32le(&out, crc32c(check, head + HISTORY_RECORD_HEAD, body));
    return HISTORY_RECORD_HEAD + body + padding;
}

int history_record_get_head(struct bytes *in, uint32_t salt, struct history_record_head *head)
{
    const uint8_t *start = in->at;
    uint32_t mark = bytes_get_u32le(in);
    head->body_bytes = bytes_get_u32le(in);
    head->sequence = bytes_get_u64le(in);
    head->samples = bytes_get_u32le(in);
    head->head_check = bytes_get_u32le(in);
    head->body_check = bytes_get_u32le(in);
    head->event_bytes = bytes_get_u32le(in);
    if (bytes_short(in)) {
        return BUSBAR_ESHORT;
    }
    bool good = mark == HISTORY_RECORD_MARK && head->event_bytes <= head->body_bytes &&
                head_check(start, salt, head->event_bytes) == head->head_check;
    return good ? 0 : BUSBAR_EDAMAGED;
}

size_t history_record_bytes(const struct history_record_head *head)
{
    return HISTORY_RECORD_HEAD + ((size_t)head->body_bytes + 7) / 8 * 8;
}

bool history_record_body_good(const struct history_record_head *head, const uint8_t *body)
{
    return crc32c(head->head_check, body, head->body_bytes) == head->body_check;
}

void history_record_open(struct history_record_reader *reader, const uint8_t *body, size_t size)
{
    assert((uintptr_t)body % 8 == 0);
    *reader = (struct history_record_reader){ .in = bytes_of(body, size) };
}

int history_record_next(struct history_record_reader *reader, struct sample *samples)
{
    if (bytes_left(&reader->in) == 0 && !bytes_short(&reader->in)) {
        return 0;
    }
    int count = history_batch_get(&reader->in, samples, reader->before_us);
    if (count > 0) {
        reader->before_us = samples[0].time_us;
    } else {
        bytes_fail(&reader->in);
    }
    return count;
}

bool history_record_usual(struct history_record_reader *reader, struct history_usual *usual)
{
    struct bytes in = reader->in;
    if (!history_batch_get_usual(&in, reader->before_us, usual)) {
        return false;
    }
    reader->in = in;
    reader->before_us = usual->times[0];
    return true;
}

int history_record_next_event_bytes(struct bytes *events, struct bytes *event)
{
    if (bytes_short(events)) {
        return BUSBAR_EDAMAGED;
    }
    if (bytes_left(events) == 0) {
        return BUSBAR_ENOENT;
    }
    uint64_t size = bytes_get_varint(events);
    *event = bytes_get_bytes(events, size <= EVENT_BYTES_MAX ? (size_t)size : SIZE_MAX);
    return bytes_short(events) ? BUSBAR_EDAMAGED : 0;
}

int history_record_next_event(struct bytes *events, struct event_decoded *event)
{
    struct bytes before = *events;
    struct bytes in;
    int error = history_record_next_event_bytes(events, &in);
    error = error == 0 ? event_decode(&in, event) : error; /* damaged: the next one may be good */
    if (error == BUSBAR_ENOMEM) {
        *events = before;
    }
    return error;
}
