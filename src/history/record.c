/* SPDX-License-Identifier: Apache-2.0 */
#include "history/record.h"

#include "base/crc.h"
#include "base/err.h"
#include "history/batch.h"
#include "history/usual.h"

enum {
    KEEP_BYTES = 4 * 1024 * 1024,
};

void history_record_init(struct history_record_writer *writer, size_t max)
{
    *writer = (struct history_record_writer){ 0 };
    buf_init(&writer->buf, max);
}

void history_record_fini(struct history_record_writer *writer)
{
    buf_fini(&writer->buf);
}

void history_record_clear(struct history_record_writer *writer)
{
    if (writer->buf.capacity > KEEP_BYTES) {
        size_t max = writer->buf.max;
        buf_fini(&writer->buf);
        buf_init(&writer->buf, max);
    }
    buf_clear(&writer->buf);
    writer->samples = 0;
    writer->before_us = 0;
}

static int full(struct buf *buf, size_t room)
{
    buf->overflow = false; /* what is in it stays; the caller tries again with a new record */
    return buf->size + room > buf->max ? BUSBAR_ELIMIT : BUSBAR_ENOMEM;
}

static int add_head_room(struct history_record_writer *writer)
{
    uint8_t *head = buf_reserve(&writer->buf, HISTORY_RECORD_HEAD);
    if (head == NULL) {
        return full(&writer->buf, HISTORY_RECORD_HEAD);
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
    uint8_t *space = buf_reserve(&writer->buf, batch.bytes_max);
    if (space == NULL) {
        return full(&writer->buf, batch.bytes_max);
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

size_t history_record_seal(struct history_record_writer *writer, uint64_t sequence, uint32_t salt)
{
    struct buf *buf = &writer->buf;
    assert(buf->size >= HISTORY_RECORD_HEAD);
    size_t body = buf->size - HISTORY_RECORD_HEAD;
    size_t padding = (8 - body % 8) % 8;
    uint8_t *zeros = buf_reserve(buf, 8);
    if (zeros == NULL) {
        buf->overflow = false;
        return 0;
    }
    memset(zeros, 0, 8);
    struct bytes_out out = bytes_out_of(buf->data, HISTORY_RECORD_HEAD);
    bytes_put_u32le(&out, HISTORY_RECORD_MARK);
    bytes_put_u32le(&out, (uint32_t)body);
    bytes_put_u64le(&out, sequence);
    bytes_put_u32le(&out, writer->samples);
    uint32_t check = crc32c(salt, buf->data, bytes_out_size(&out));
    bytes_put_u32le(&out, check);
    bytes_put_u32le(&out, crc32c(check, buf->data + HISTORY_RECORD_HEAD, body));
    bytes_put_u32le(&out, 0);
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
    uint32_t zero = bytes_get_u32le(in);
    if (bytes_short(in)) {
        return BUSBAR_ESHORT;
    }
    bool good = mark == HISTORY_RECORD_MARK && zero == 0 &&
                crc32c(salt, start, 20) == head->head_check;
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
