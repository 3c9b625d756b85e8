/* SPDX-License-Identifier: Apache-2.0 */
/* A block file in memory. First byte even: the rest is the file. Odd: the rest is an index page and what
 * follows it are chunks, and the checks around them are right, as a program with a bug would write
 * them. Nothing but an error may come of it. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/err.h"
#include "history/block.h"
#include "history/block_private.h"
#include "history/merge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct memory_file {
    const uint8_t *data;
    size_t size;
};

static int memory_open(void *ctx, const char *path, int flags, unsigned mode)
{
    (void)ctx;
    (void)path;
    (void)flags;
    (void)mode;
    return 1000;
}

static int memory_close(void *ctx, int fd)
{
    (void)ctx;
    (void)fd;
    return 0;
}

static int64_t memory_size(void *ctx, int fd)
{
    const struct memory_file *file = ctx;
    (void)fd;
    return (int64_t)file->size;
}

static ssize_t memory_pread(void *ctx, int fd, void *to, size_t size, int64_t offset)
{
    const struct memory_file *file = ctx;
    (void)fd;
    if (offset < 0 || (uint64_t)offset >= file->size) {
        return 0;
    }
    size_t left = file->size - (size_t)offset;
    size = size < left ? size : left;
    memcpy(to, file->data + offset, size);
    return (ssize_t)size;
}

/* head, chunks, one page, sparse index, tail */
static void make_block(const uint8_t *data, size_t size, struct buf *out)
{
    uint8_t page[HISTORY_BLOCK_PAGE] = { 0 };
    uint8_t head[HISTORY_BLOCK_HEAD];
    uint8_t tail[HISTORY_BLOCK_TAIL];
    uint8_t sparse[8] = { 0 };
    size_t used = size < sizeof(page) - 4 ? size : sizeof(page) - 4;
    memcpy(page + 4, data, used);
    struct bytes_out bytes = bytes_out_of(page, 4);
    uint32_t check = history_block_check(1, 0, page + 4, sizeof(page) - 4);
    bytes_put_u32le(&bytes, check);
    history_block_put_head(head, 1);
    buf_append(out, head, sizeof(head));
    buf_append(out, data + used, size - used);
    struct history_block_tail end = { .id = 1, .index_offset = out->size, .pages = 1 };
    buf_append(out, page, sizeof(page));
    bytes = bytes_out_of(sparse + 4, 4);
    bytes_put_u32le(&bytes, check);
    end.sparse_check = history_block_check(1, out->size, sparse, sizeof(sparse));
    buf_append(out, sparse, sizeof(sparse));
    history_block_put_tail(tail, &end);
    buf_append(out, tail, sizeof(tail));
}

static void read_all(struct history_block *block)
{
    struct history_sources sources;
    struct history_merge merge;
    history_sources_init(&sources);
    for (uint32_t series = 0; series < 3; series++) {
        (void)history_block_collect(block, series, INT64_MIN, INT64_MAX, &sources);
    }
    int error = history_merge_init(&merge, &sources, INT64_MIN, INT64_MAX);
    int64_t before_us = INT64_MIN;
    for (size_t count = 1; error == 0 && count > 0;) {
        const struct sample *samples;
        error = history_merge_next(&merge, &samples, &count);
        for (size_t i = 0; i < count && error == 0; i++) {
            if (samples[i].time_us < before_us) {
                abort();
            }
            before_us = samples[i].time_us;
        }
    }
    history_merge_fini(&merge);
    history_sources_fini(&sources);
    struct history_block_walk walk;
    history_block_walk_init(&walk, block);
    while (history_block_walk_next(&walk, &error) != NULL) {
    }
    history_block_walk_fini(&walk);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf made;
    if (size < 1) {
        return 0;
    }
    buf_init(&made, 1 << 20);
    if (data[0] % 2 == 0) {
        buf_append(&made, data + 1, size - 1);
    } else {
        make_block(data + 1, size - 1, &made);
    }
    struct bytes exact = bytes_dup(made.data, made.size);
    struct memory_file memory = { .data = exact.start, .size = made.size };
    struct file_ops file = { .ctx = &memory,
                             .open = memory_open,
                             .close = memory_close,
                             .size = memory_size,
                             .pread = memory_pread };
    struct state_block row = { .id = 1 };
    struct history_block *block;
    if (history_block_open(&file, "/", &row, &block, NULL) == 0) {
        read_all(block);
        history_block_release(block);
    }
    bytes_fini(&exact);
    buf_fini(&made);
    return 0;
}
