/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <string.h>

#include "base/alloc.h"
#include "base/crc.h"
#include "base/str.h"
#include "history/block.h"
#include "history/block_private.h"

enum { OUT_BYTES = 256 * 1024, ENTRY_BYTES_MAX = 2 * 5 + 3 * BYTES_VARINT_MAX };

struct history_block_writer {
    const struct file_ops *file;
    int fd;
    uint64_t id;
    char folder[1024];
    char path[1100]; /* of the temporary */
    uint64_t offset; /* of the next byte after what is in out */
    struct buf out;
    struct buf index; /* pages, whole ones */
    struct buf sparse;
    uint8_t page[HISTORY_BLOCK_PAGE];
    struct bytes_out page_out;
    uint32_t page_entries, page_first_series;
    uint64_t page_offset;
    uint32_t before_series, last_series;
    int64_t before_us, page_us;
    bool any;
    struct state_block row;
};

void history_block_path(const char *folder, uint64_t id, const char *suffix, char *path,
                        size_t size)
{
    str_format(path, size, "%s/%016llx%s", folder, (unsigned long long)id, suffix);
}

uint32_t history_block_check(uint64_t id, uint64_t offset, const void *data, size_t size)
{
    uint8_t place[16];
    struct bytes_out out = bytes_out_of(place, sizeof(place));
    bytes_put_u64le(&out, id);
    bytes_put_u64le(&out, offset);
    return crc32c(crc32c(0, place, sizeof(place)), data, size);
}

static void free_writer(struct history_block_writer *writer)
{
    buf_fini(&writer->out);
    buf_fini(&writer->index);
    buf_fini(&writer->sparse);
    busbar_free(writer);
}

void history_block_abandon(struct history_block_writer *writer)
{
    writer->file->close(writer->file->ctx, writer->fd);
    writer->file->unlink(writer->file->ctx, writer->path);
    free_writer(writer);
}

static int flush(struct history_block_writer *writer)
{
    int error = file_write_all(writer->file, writer->fd, writer->out.data, writer->out.size);
    buf_clear(&writer->out);
    return error;
}

static int put(struct history_block_writer *writer, const void *data, size_t size)
{
    int error = buf_append(&writer->out, data, size);
    writer->offset += size;
    return error == 0 && writer->out.size >= OUT_BYTES ? flush(writer) : error;
}

int history_block_create(const struct file_ops *file, const char *folder, uint64_t id,
                         struct history_block_writer **made)
{
    struct history_block_writer *writer = busbar_try_alloc(sizeof(*writer));
    if (writer == NULL) {
        return BUSBAR_ENOMEM;
    }
    writer->file = file;
    writer->id = id;
    writer->row.done_us = INT64_MIN;
    str_copy(writer->folder, sizeof(writer->folder), folder);
    history_block_path(folder, id, ".tmp", writer->path, sizeof(writer->path));
    buf_init(&writer->out, HISTORY_WORK_BYTES_MAX);
    buf_init(&writer->index, HISTORY_WORK_BYTES_MAX);
    buf_init(&writer->sparse, HISTORY_WORK_BYTES_MAX);
    writer->fd = file->open(file->ctx, writer->path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (writer->fd < 0) {
        int error = writer->fd;
        free_writer(writer);
        return error;
    }
    uint8_t head[HISTORY_BLOCK_HEAD];
    history_block_put_head(head, id);
    int error = put(writer, head, sizeof(head));
    if (error != 0) {
        history_block_abandon(writer);
        return error;
    }
    *made = writer;
    return 0;
}

static int end_page(struct history_block_writer *writer)
{
    size_t used = bytes_out_size(&writer->page_out);
    struct bytes_out head = bytes_out_of(writer->page + 4, HISTORY_PAGE_HEAD - 4);
    bytes_put_u16le(&head, (uint16_t)writer->page_entries);
    bytes_put_u16le(&head, (uint16_t)used);
    bytes_put_u64le(&head, writer->page_offset);
    bytes_put_i64le(&head, writer->page_us);
    memset(writer->page + HISTORY_PAGE_HEAD + used, 0,
           HISTORY_BLOCK_PAGE - HISTORY_PAGE_HEAD - used);
    uint64_t number = writer->index.size / HISTORY_BLOCK_PAGE;
    uint32_t check = history_block_check(writer->id, number, writer->page + 4,
                                         HISTORY_BLOCK_PAGE - 4);
    struct bytes_out out = bytes_out_of(writer->page, 4);
    bytes_put_u32le(&out, check);
    uint8_t sparse[8];
    out = bytes_out_of(sparse, sizeof(sparse));
    bytes_put_u32le(&out, writer->page_first_series);
    bytes_put_u32le(&out, check);
    int error = buf_append(&writer->index, writer->page, HISTORY_BLOCK_PAGE);
    writer->page_entries = 0;
    return error != 0 ? error : buf_append(&writer->sparse, sparse, sizeof(sparse));
}

static int add_entry(struct history_block_writer *writer, uint32_t series, uint64_t offset,
                     size_t size, const struct history_chunk_info *info)
{
    if (writer->page_entries > 0 && bytes_out_left(&writer->page_out) < ENTRY_BYTES_MAX) {
        int error = end_page(writer);
        if (error != 0) {
            return error;
        }
    }
    if (writer->page_entries == 0) {
        writer->page_out = bytes_out_of(writer->page + HISTORY_PAGE_HEAD,
                                        HISTORY_BLOCK_PAGE - HISTORY_PAGE_HEAD);
        writer->page_offset = offset;
        writer->page_first_series = series;
        writer->page_us = info->first_us;
        writer->before_us = info->first_us;
        writer->before_series = 0;
    }
    struct bytes_out *out = &writer->page_out;
    bytes_put_varint(out, series - writer->before_series);
    bytes_put_varint_signed(out, (int64_t)((uint64_t)info->first_us - (uint64_t)writer->before_us));
    bytes_put_varint(out, (uint64_t)info->last_us - (uint64_t)info->first_us);
    bytes_put_varint(out, size);
    bytes_put_varint(out, info->count - 1);
    writer->before_series = series;
    writer->before_us = info->last_us;
    writer->page_entries++;
    return 0;
}

int history_block_add(struct history_block_writer *writer, uint32_t series, const void *chunk,
                      size_t size, const struct history_chunk_info *info)
{
    uint64_t offset = writer->offset;
    uint32_t check = history_block_check(writer->id, offset, chunk, size);
    uint8_t bytes[4];
    struct bytes_out out = bytes_out_of(bytes, sizeof(bytes));
    bytes_put_u32le(&out, check);
    struct state_block *row = &writer->row;
    row->series += !writer->any || series != writer->last_series;
    writer->last_series = series;
    row->from_us = !writer->any || info->first_us < row->from_us ? info->first_us : row->from_us;
    row->to_us = !writer->any || info->last_us > row->to_us ? info->last_us : row->to_us;
    row->samples += info->count;
    writer->any = true;
    int error = put(writer, bytes, sizeof(bytes));
    error = error == 0 ? put(writer, chunk, size) : error;
    return error == 0 ? add_entry(writer, series, offset, size + sizeof(bytes), info) : error;
}

static int put_index(struct history_block_writer *writer)
{
    static const uint8_t zeros[HISTORY_BLOCK_PAGE];
    int error = writer->page_entries > 0 ? end_page(writer) : 0;
    size_t rest = writer->offset % HISTORY_BLOCK_PAGE;
    if (error == 0 && rest > 0) {
        error = put(writer, zeros, HISTORY_BLOCK_PAGE - rest);
    }
    struct history_block_tail tail = {
        .id = writer->id,
        .index_offset = writer->offset,
        .pages = (uint32_t)(writer->index.size / HISTORY_BLOCK_PAGE),
        .series = writer->row.series,
        .samples = writer->row.samples,
        .from_us = writer->row.from_us,
        .to_us = writer->row.to_us,
    };
    error = error == 0 ? put(writer, writer->index.data, writer->index.size) : error;
    tail.sparse_check = history_block_check(writer->id, writer->offset, writer->sparse.data,
                                            writer->sparse.size);
    error = error == 0 ? put(writer, writer->sparse.data, writer->sparse.size) : error;
    uint8_t bytes[HISTORY_BLOCK_TAIL];
    history_block_put_tail(bytes, &tail);
    error = error == 0 ? put(writer, bytes, sizeof(bytes)) : error;
    return error == 0 ? flush(writer) : error;
}

int history_block_finish(struct history_block_writer *writer, struct state_block *row)
{
    const struct file_ops *file = writer->file;
    char path[sizeof(writer->path)];
    history_block_path(writer->folder, writer->id, ".blk", path, sizeof(path));
    int error = put_index(writer);
    error = error == 0 ? file->fdatasync(file->ctx, writer->fd) : error;
    error = error == 0 ? file->rename(file->ctx, writer->path, path) : error;
    if (error != 0) {
        history_block_abandon(writer);
        return error;
    }
    error = file_sync_folder(file, writer->folder);
    if (error != 0) {
        str_copy(writer->path, sizeof(writer->path), path);
        history_block_abandon(writer);
        return error;
    }
    *row = writer->row;
    row->id = writer->id;
    row->bytes = writer->offset;
    file->close(file->ctx, writer->fd);
    free_writer(writer);
    return 0;
}
