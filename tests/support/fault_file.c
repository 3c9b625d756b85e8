/* SPDX-License-Identifier: Apache-2.0 */
#include "support/fault_file.h"

/* The code to fail with, or 0. */
static int fails(struct fault_file *fault, enum fault_call call, enum fault_kind *kind)
{
    pthread_mutex_lock(&fault->lock);
    int error = 0;
    *kind = FAULT_NONE;
    if ((fault->calls & (unsigned)call) != 0) {
        fault->seen++;
        bool due = fault->countdown > 0 && fault->seen >= fault->countdown &&
                   (fault->for_ever || fault->seen == fault->countdown);
        if (due && fault->kind != FAULT_NONE) {
            fault->failed++;
            *kind = fault->kind;
            error = fault->kind == FAULT_ENOSPC ? BUSBAR_ENOSPC : BUSBAR_EIO;
        }
    }
    pthread_mutex_unlock(&fault->lock);
    return error;
}

static const struct file_ops *real(void)
{
    return file_ops_real();
}

static int fault_open(void *ctx, const char *path, int flags, unsigned mode)
{
    enum fault_kind kind;
    int error = fails(ctx, FAULT_OPEN, &kind);
    return error != 0 ? error : real()->open(real()->ctx, path, flags, mode);
}

static int fault_close(void *ctx, int fd)
{
    (void)ctx;
    return real()->close(real()->ctx, fd);
}

static ssize_t fault_read(void *ctx, int fd, void *data, size_t size)
{
    enum fault_kind kind;
    int error = fails(ctx, FAULT_READ, &kind);
    return error != 0 ? error : real()->read(real()->ctx, fd, data, size);
}

static ssize_t fault_pread(void *ctx, int fd, void *data, size_t size, int64_t offset)
{
    enum fault_kind kind;
    int error = fails(ctx, FAULT_READ, &kind);
    return error != 0 ? error : real()->pread(real()->ctx, fd, data, size, offset);
}

static ssize_t fault_write(void *ctx, int fd, const void *data, size_t size)
{
    enum fault_kind kind;
    int error = fails(ctx, FAULT_WRITE, &kind);
    if (kind == FAULT_SHORT && size > 1) {
        return real()->write(real()->ctx, fd, data, size / 2);
    }
    return error != 0 ? error : real()->write(real()->ctx, fd, data, size);
}

static ssize_t fault_pwrite(void *ctx, int fd, const void *data, size_t size, int64_t offset)
{
    enum fault_kind kind;
    int error = fails(ctx, FAULT_WRITE, &kind);
    if (kind == FAULT_SHORT && size > 1) {
        return real()->pwrite(real()->ctx, fd, data, size / 2, offset);
    }
    if (kind != FAULT_NONE && size > 1) { /* what is on the disk after an error is anything */
        (void)!real()->pwrite(real()->ctx, fd, data, size / 3, offset);
    }
    return error != 0 ? error : real()->pwrite(real()->ctx, fd, data, size, offset);
}

static int fault_fdatasync(void *ctx, int fd)
{
    enum fault_kind kind;
    int error = fails(ctx, FAULT_SYNC, &kind);
    return error != 0 ? error : real()->fdatasync(real()->ctx, fd);
}

static int fault_fsync(void *ctx, int fd)
{
    enum fault_kind kind;
    int error = fails(ctx, FAULT_SYNC, &kind);
    return error != 0 ? error : real()->fsync(real()->ctx, fd);
}

static int fault_ftruncate(void *ctx, int fd, int64_t size)
{
    enum fault_kind kind;
    int error = fails(ctx, FAULT_SIZE, &kind);
    return error != 0 ? error : real()->ftruncate(real()->ctx, fd, size);
}

static int fault_fallocate(void *ctx, int fd, int64_t size)
{
    enum fault_kind kind;
    int error = fails(ctx, FAULT_SIZE, &kind);
    return error != 0 ? error : real()->fallocate(real()->ctx, fd, size);
}

static int64_t fault_size(void *ctx, int fd)
{
    (void)ctx;
    return real()->size(real()->ctx, fd);
}

static int fault_rename(void *ctx, const char *from, const char *to)
{
    enum fault_kind kind;
    int error = fails(ctx, FAULT_NAME, &kind);
    return error != 0 ? error : real()->rename(real()->ctx, from, to);
}

static int fault_unlink(void *ctx, const char *path)
{
    enum fault_kind kind;
    int error = fails(ctx, FAULT_NAME, &kind);
    return error != 0 ? error : real()->unlink(real()->ctx, path);
}

static int fault_mkdir(void *ctx, const char *path, unsigned mode)
{
    enum fault_kind kind;
    int error = fails(ctx, FAULT_NAME, &kind);
    return error != 0 ? error : real()->mkdir(real()->ctx, path, mode);
}

void fault_file_init(struct fault_file *fault)
{
    *fault = (struct fault_file){
        .ops = { .ctx = fault,
                 .open = fault_open,
                 .close = fault_close,
                 .read = fault_read,
                 .pread = fault_pread,
                 .write = fault_write,
                 .pwrite = fault_pwrite,
                 .fdatasync = fault_fdatasync,
                 .fsync = fault_fsync,
                 .ftruncate = fault_ftruncate,
                 .fallocate = fault_fallocate,
                 .size = fault_size,
                 .rename = fault_rename,
                 .unlink = fault_unlink,
                 .mkdir = fault_mkdir },
    };
    pthread_mutex_init(&fault->lock, NULL);
}

void fault_file_set(struct fault_file *fault, enum fault_kind kind, unsigned calls, long nth,
                    bool for_ever)
{
    pthread_mutex_lock(&fault->lock);
    fault->kind = kind;
    fault->calls = calls;
    fault->countdown = nth;
    fault->for_ever = for_ever;
    fault->seen = 0;
    fault->failed = 0;
    pthread_mutex_unlock(&fault->lock);
}

long fault_file_failed(struct fault_file *fault)
{
    pthread_mutex_lock(&fault->lock);
    long failed = fault->failed;
    pthread_mutex_unlock(&fault->lock);
    return failed;
}

long fault_file_seen(struct fault_file *fault)
{
    pthread_mutex_lock(&fault->lock);
    long seen = fault->seen;
    pthread_mutex_unlock(&fault->lock);
    return seen;
}
