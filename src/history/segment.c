/* SPDX-License-Identifier: Apache-2.0 */
#include "history/segment.h"

#include "base/crc.h"

enum { COPY_BYTES = HISTORY_SEGMENT_HEAD / 2, CHECK_AT = 60, VERSION = 1 };

static const char magic[8] = "BBSEGM1";

void history_segment_put_head(uint8_t to[HISTORY_SEGMENT_HEAD],
                              const struct history_segment_head *head)
{
    memset(to, 0, HISTORY_SEGMENT_HEAD);
    struct bytes_out out = bytes_out_of(to, COPY_BYTES);
    bytes_put_block(&out, magic, sizeof(magic));
    bytes_put_u32le(&out, VERSION);
    bytes_put_u32le(&out, head->salt);
    bytes_put_u64le(&out, head->first_sequence);
    bytes_put_i64le(&out, head->made_us);
    bytes_put_u64le(&out, head->number);
    bytes_put_u64le(&out, head->old_bytes);
    out = bytes_out_of(to + CHECK_AT, 4);
    bytes_put_u32le(&out, crc32c(0, to, CHECK_AT));
    memcpy(to + COPY_BYTES, to, COPY_BYTES);
}

static bool get_copy(const uint8_t *data, struct history_segment_head *head)
{
    struct bytes in = bytes_of(data, COPY_BYTES);
    const uint8_t *mark = bytes_get_block(&in, sizeof(magic));
    uint32_t version = bytes_get_u32le(&in);
    head->salt = bytes_get_u32le(&in);
    head->first_sequence = bytes_get_u64le(&in);
    head->made_us = bytes_get_i64le(&in);
    head->number = bytes_get_u64le(&in);
    head->old_bytes = bytes_get_u64le(&in);
    bytes_skip(&in, CHECK_AT - bytes_offset(&in));
    return bytes_get_u32le(&in) == crc32c(0, data, CHECK_AT) &&
           memcmp(mark, magic, sizeof(magic)) == 0 && version == VERSION;
}

int history_segment_get_head(const uint8_t *data, size_t size, struct history_segment_head *head)
{
    if (size < HISTORY_SEGMENT_HEAD) {
        return BUSBAR_ESHORT;
    }
    return get_copy(data, head) || get_copy(data + COPY_BYTES, head) ? 0 : BUSBAR_EDAMAGED;
}

void history_segment_open(struct history_segment_reader *reader, const uint8_t *data, size_t size,
                          const struct history_segment_head *head)
{
    *reader = (struct history_segment_reader){ .data = data,
                                               .size = size,
                                               .filled = size,
                                               .offset = HISTORY_SEGMENT_HEAD,
                                               .salt = head->salt,
                                               .next_sequence = head->first_sequence };
}

static void need(struct history_segment_reader *reader, size_t upto)
{
    if (upto > reader->filled) {
        reader->fill(reader->fill_ctx, upto);
        reader->filled = upto;
    }
}

static bool good_at(struct history_segment_reader *reader, size_t offset,
                    struct history_record_head *head)
{
    struct bytes in = bytes_of(reader->data + offset, reader->size - offset);
    if (history_record_get_head(&in, reader->salt, head) != 0 ||
        head->sequence < reader->next_sequence || head->body_bytes > bytes_left(&in)) {
        return false;
    }
    need(reader, offset + HISTORY_RECORD_HEAD + head->body_bytes);
    return history_record_body_good(head, in.at);
}

int history_segment_next(struct history_segment_reader *reader, struct history_record_head *head,
                         const uint8_t **body)
{
    for (size_t at = reader->offset; at + HISTORY_RECORD_HEAD <= reader->size; at += 8) {
        need(reader, at + HISTORY_RECORD_HEAD);
        if (history_record_may_begin(reader->data + at) && good_at(reader, at, head)) {
            size_t end = at + history_record_bytes(head);
            *body = reader->data + at + HISTORY_RECORD_HEAD;
            reader->offset = end < reader->size ? end : reader->size;
            reader->next_sequence = head->sequence + 1;
            return 0;
        }
    }
    return BUSBAR_ESHORT;
}

size_t history_segment_torn(const struct history_segment_reader *reader,
                            const struct history_segment_head *head)
{
    size_t left = reader->size > reader->offset ? reader->size - reader->offset : 0;
    struct bytes in = bytes_of(reader->data + reader->offset, left);
    struct history_record_head record;
    if (left > 0 && history_record_get_head(&in, reader->salt, &record) == 0) {
        size_t bytes = history_record_bytes(&record);
        return bytes < left ? bytes : left;
    }
    if (head->old_bytes <= reader->offset) {
        return left;
    }
    return reader->size > head->old_bytes ? reader->size - (size_t)head->old_bytes : 0;
}
