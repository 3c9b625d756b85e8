/* SPDX-License-Identifier: Apache-2.0 */
/* The series file `blocks/MARK.ser`: counters and last sample of every series as they were at the log
 * mark; what came later is in the log. So a restart knows all last values and the ledger without
 * looking into blocks, and retention may remove blocks without losing count. Low byte first.
 *
 *   head, 32 bytes: u64 "BBSER1\0\0" · u32 version · u32 groups · u64 mark · u32 0 · u32 check
 *   groups: u32 size · u32 check (seeded with mark and group number) · size bytes, series after series:
 *     varint series less the one before in the group, varint stored, varint repeated,
 *     u8 flags (1: has a last sample, 2: has samples in blocks)
 *     2: zigzag newest time in blocks
 *     1: u8 type, u8 quality, varint detail, zigzag time, zigzag receive time - time, then the value:
 *        BOOL u8, INT zigzag, DOUBLE u64, TEXT varint size and bytes */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "history/history_private.h"

enum {
    VERSION = 1,
    HEAD_BYTES = 32,
    GROUP_SERIES = 1024,
    ENTRY_BYTES_MAX = 96,
    HAS_LAST = 1,
    HAS_BLOCKS = 2
};

static const char magic[8] = "BBSER1";
#define FILE_BYTES_MAX ((size_t)4 * 1024 * 1024 * 1024)

static void put_value(struct bytes_out *out, const struct sample *sample)
{
    switch (sample->type) {
    case VALUE_BOOL: bytes_put_u8(out, sample->value.b); break;
    case VALUE_INT: bytes_put_varint_signed(out, sample->value.i); break;
    case VALUE_DOUBLE: bytes_put_u64le(out, sample->value.bits); break;
    case VALUE_TEXT:
        bytes_put_varint(out, sample->value.text->size);
        bytes_put_block(out, sample->value.text->bytes, sample->value.text->size);
        break;
    default: break;
    }
}

static int put_entry(struct buf *buf, const struct history_memory *memory, uint32_t before)
{
    size_t room = ENTRY_BYTES_MAX + (memory->text != NULL ? memory->text->size : 0);
    uint8_t *space = buf_reserve(buf, room);
    if (space == NULL) {
        return BUSBAR_ENOMEM;
    }
    struct bytes_out out = bytes_out_of(space, room);
    bool blocks = memory->block_last_us != INT64_MIN;
    bytes_put_varint(&out, memory->series - before);
    bytes_put_varint(&out, memory->stored);
    bytes_put_varint(&out, memory->repeated);
    bytes_put_u8(&out, (uint8_t)((memory->has_last ? HAS_LAST : 0) | (blocks ? HAS_BLOCKS : 0)));
    if (blocks) {
        bytes_put_varint_signed(&out, memory->block_last_us);
    }
    if (memory->has_last) {
        const struct sample *last = &memory->last;
        bytes_put_u8(&out, last->type);
        bytes_put_u8(&out, last->quality);
        bytes_put_varint(&out, last->detail);
        bytes_put_varint_signed(&out, last->time_us);
        bytes_put_varint_signed(&out,
                                (int64_t)((uint64_t)last->receive_us - (uint64_t)last->time_us));
        put_value(&out, last);
    }
    buf_commit(buf, bytes_out_size(&out));
    return 0;
}

/* A group of series from *series on; *series becomes the first that is not in it. */
static int put_group(struct history *history, struct buf *buf, uint64_t mark, uint32_t number,
                     uint32_t *series)
{
    size_t start = buf->size;
    uint32_t before = 0;
    static const uint8_t room[8];
    int error = buf_append(buf, room, sizeof(room));
    for (int i = 0; i < GROUP_SERIES && error == 0 && history_head_next(&history->head, series);
         i++) {
        struct history_memory memory;
        history_head_recall(&history->head, *series, &memory);
        error = put_entry(buf, &memory, before);
        busbar_free(memory.text);
        before = (*series)++;
    }
    if (error != 0) {
        return error;
    }
    size_t size = buf->size - start - sizeof(room);
    struct bytes_out out = bytes_out_of(buf->data + start, sizeof(room));
    bytes_put_u32le(&out, (uint32_t)size);
    bytes_put_u32le(&out,
                    history_block_check(mark, number, buf->data + start + sizeof(room), size));
    return 0;
}

static void put_head(uint8_t to[HEAD_BYTES], uint64_t mark, uint32_t groups)
{
    struct bytes_out out = bytes_out_of(to, HEAD_BYTES);
    bytes_put_block(&out, magic, sizeof(magic));
    bytes_put_u32le(&out, VERSION);
    bytes_put_u32le(&out, groups);
    bytes_put_u64le(&out, mark);
    bytes_put_u32le(&out, 0);
    bytes_put_u32le(&out, history_block_check(mark, UINT64_MAX, to, HEAD_BYTES - 4));
}

int history_series_save(struct history *history, uint64_t mark, uint64_t *bytes)
{
    struct buf buf;
    uint8_t head[HEAD_BYTES] = { 0 };
    uint32_t groups = 0;
    uint32_t series = 0;
    buf_init(&buf, FILE_BYTES_MAX);
    int error = buf_append(&buf, head, sizeof(head));
    for (uint32_t at = 0; error == 0 && history_head_next(&history->head, &at); at = series) {
        series = at;
        error = put_group(history, &buf, mark, groups++, &series);
    }
    if (error == 0) {
        char path[HISTORY_PATH_MAX];
        put_head(buf.data, mark, groups);
        history_block_path(history->block_folder, mark, ".ser", path, sizeof(path));
        *bytes = buf.size;
        error = file_write(history->file, path, buf.data, buf.size, 0600, NULL);
    }
    buf_fini(&buf);
    return error;
}

static void get_value(struct bytes *in, struct history_memory *memory)
{
    struct sample *last = &memory->last;
    switch (last->type) {
    case VALUE_NONE: break;
    case VALUE_BOOL: last->value.bits = bytes_get_u8(in) & 1u; break;
    case VALUE_INT: last->value.i = bytes_get_varint_signed(in); break;
    case VALUE_DOUBLE: last->value.bits = bytes_get_u64le(in); break;
    case VALUE_TEXT: {
        uint64_t size = bytes_get_varint(in);
        const uint8_t *text = bytes_get_block(in, size <= TEXT_BYTES_MAX ? (size_t)size : SIZE_MAX);
        memory->text = text != NULL ? text_new((const char *)text, (size_t)size) : NULL;
        last->value.text = memory->text;
        break;
    }
    default: bytes_fail(in);
    }
}

static bool get_entry(struct bytes *in, struct history_memory *memory, uint32_t before)
{
    *memory = (struct history_memory){ .block_last_us = INT64_MIN };
    uint64_t series = before + bytes_get_varint(in);
    memory->series = (uint32_t)series;
    memory->stored = bytes_get_varint(in);
    memory->repeated = bytes_get_varint(in);
    uint8_t flags = bytes_get_u8(in);
    if ((flags & HAS_BLOCKS) != 0) {
        memory->block_last_us = bytes_get_varint_signed(in);
    }
    memory->has_last = (flags & HAS_LAST) != 0;
    if (memory->has_last) {
        struct sample *last = &memory->last;
        last->point = memory->series;
        last->type = bytes_get_u8(in);
        last->quality = bytes_get_u8(in);
        last->detail = (uint16_t)bytes_get_varint(in);
        last->time_us = bytes_get_varint_signed(in);
        last->receive_us = (int64_t)((uint64_t)last->time_us +
                                     (uint64_t)bytes_get_varint_signed(in));
        get_value(in, memory);
    }
    return !bytes_short(in) && series <= HISTORY_SERIES_MAX;
}

/* head NULL: only checks. */
static bool get_group(struct bytes *in, struct history_head *head)
{
    uint32_t before = 0;
    while (bytes_left(in) > 0) {
        struct history_memory memory;
        if (!get_entry(in, &memory, before)) {
            busbar_free(memory.text);
            return false;
        }
        if (head != NULL) {
            history_head_remember(head, &memory);
        } else {
            busbar_free(memory.text);
        }
        before = memory.series;
    }
    return true;
}

static int get_file(struct bytes *in, uint64_t mark, struct history_head *head, const char *path,
                    struct err *err)
{
    const uint8_t *start = bytes_get_block(in, HEAD_BYTES);
    struct bytes fields = bytes_of(start, start != NULL ? HEAD_BYTES : 0);
    bytes_skip(&fields, sizeof(magic) + 4);
    uint32_t groups = bytes_get_u32le(&fields);
    uint8_t right[HEAD_BYTES];
    put_head(right, mark, groups);
    if (start == NULL || memcmp(start, right, HEAD_BYTES) != 0) {
        return err_set(err, BUSBAR_EDAMAGED, "the head of %s is damaged", path);
    }
    uint32_t damaged = 0;
    for (uint32_t number = 0; number < groups; number++) {
        uint32_t size = bytes_get_u32le(in);
        uint32_t check = bytes_get_u32le(in);
        struct bytes group = bytes_get_bytes(in, size);
        if (bytes_short(in)) {
            damaged += groups - number;
            break;
        }
        if (check != history_block_check(mark, number, group.at, size) ||
            !get_group(&group, head)) {
            damaged++;
        }
    }
    if (damaged > 0) {
        return err_set(err, BUSBAR_EDAMAGED, "%u of %u parts of %s are damaged", damaged, groups,
                       path);
    }
    return 0;
}

static int read_file(const struct file_ops *file, const char *path, uint64_t mark,
                     struct history_head *head, struct err *err)
{
    char *data;
    size_t size;
    int error = file_read(file, path, FILE_BYTES_MAX, &data, &size, err);
    if (error != 0) {
        return error;
    }
    struct bytes in = bytes_of(data, size);
    error = get_file(&in, mark, head, path, err);
    busbar_free(data);
    return error;
}

int history_series_load(struct history *history, uint64_t mark, struct err *err)
{
    char path[HISTORY_PATH_MAX];
    history_block_path(history->block_folder, mark, ".ser", path, sizeof(path));
    return read_file(history->file, path, mark, &history->head, err);
}

int history_series_verify(const struct file_ops *file, const char *path, uint64_t mark,
                          struct err *err)
{
    return read_file(file, path, mark, NULL, err);
}
