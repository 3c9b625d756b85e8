/* SPDX-License-Identifier: Apache-2.0 */
#include "history/log_read.h"

#include <fcntl.h>
#include <sys/mman.h>

#include "base/err.h"

#define PIECE_BYTES ((size_t)512 * 1024)
#define PAGE_BYTES  ((size_t)4096)

/* Reads from..to. A disk that fails once may only have been busy with itself. */
static bool read_part(struct history_segment_file *from, size_t at, size_t to)
{
    int error = BUSBAR_EIO;
    for (int tries = 0; error != 0 && tries < 2; tries++) {
        error = file_pread_all(from->file, from->fd, from->data + at, to - at, (int64_t)at);
    }
    return error == 0;
}

static void read_pages(struct history_segment_file *from, size_t at, size_t to)
{
    for (size_t end; at < to; at = end) {
        end = at + PAGE_BYTES < to ? at + PAGE_BYTES : to;
        if (!read_part(from, at, end)) {
            memset(from->data + at, 0, end - at);
            from->bad += end - at;
        }
    }
}

static void fill(void *ctx, size_t upto)
{
    struct history_segment_file *from = ctx;
    while (from->filled < upto) {
        size_t at = from->filled;
        size_t to = from->size - at > PIECE_BYTES ? at + PIECE_BYTES : from->size;
        if (!read_part(from, at, to)) {
            read_pages(from, at, to);
        }
        from->filled = to;
    }
}

int history_segment_file_open(struct history_segment_file *from, const struct file_ops *file,
                              const char *path)
{
    *from = (struct history_segment_file){ .file = file };
    from->fd = file->open(file->ctx, path, O_RDONLY, 0);
    if (from->fd < 0) {
        return from->fd;
    }
    int64_t size = file->size(file->ctx, from->fd);
    if (size > 0) {
        void *data = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        from->data = data == MAP_FAILED ? NULL : data;
        from->size = data == MAP_FAILED ? 0 : (size_t)size;
        size = data == MAP_FAILED ? BUSBAR_ENOMEM : size;
    }
    if (size < 0) {
        history_segment_file_close(from);
        return (int)size;
    }
    fill(from, from->size < HISTORY_SEGMENT_HEAD ? from->size : HISTORY_SEGMENT_HEAD);
    return 0;
}

void history_segment_file_close(struct history_segment_file *from)
{
    if (from->data != NULL) {
        (void)munmap(from->data, from->size);
    }
    if (from->fd >= 0) {
        from->file->close(from->file->ctx, from->fd);
    }
}

void history_segment_file_read(struct history_segment_file *from,
                               struct history_segment_reader *reader,
                               const struct history_segment_head *head)
{
    history_segment_open(reader, from->data, from->size, head);
    reader->filled = from->filled;
    reader->fill = fill;
    reader->fill_ctx = from;
}

void history_segment_file_drop(struct history_segment_file *from, size_t offset)
{
    size_t upto = offset / PIECE_BYTES * PIECE_BYTES;
    if (upto > from->dropped) {
        (void)madvise(from->data + from->dropped, upto - from->dropped, MADV_DONTNEED);
        from->dropped = upto;
    }
}
