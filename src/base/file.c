/* SPDX-License-Identifier: Apache-2.0 */
/* The real table: one system call a slot, errno turned into our codes on the spot. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static int failed(void)
{
    return err_from_errno(errno);
}

#define RETRY(result, call) \
    do {                    \
        (result) = (call);  \
    } while ((result) < 0 && errno == EINTR)

static int real_open(void *ctx, const char *path, int flags, unsigned mode)
{
    (void)ctx;
    int fd;
    RETRY(fd, open(path, flags | O_CLOEXEC, mode));
    return fd >= 0 ? fd : failed();
}

static int real_close(void *ctx, int fd)
{
    (void)ctx;
    return close(fd) == 0 || errno == EINTR ? 0 : failed();
}

static ssize_t real_read(void *ctx, int fd, void *data, size_t size)
{
    (void)ctx;
    ssize_t got;
    RETRY(got, read(fd, data, size));
    return got >= 0 ? got : failed();
}

static ssize_t real_pread(void *ctx, int fd, void *data, size_t size, int64_t offset)
{
    (void)ctx;
    ssize_t got;
    RETRY(got, pread(fd, data, size, offset));
    return got >= 0 ? got : failed();
}

static ssize_t real_write(void *ctx, int fd, const void *data, size_t size)
{
    (void)ctx;
    ssize_t written;
    RETRY(written, write(fd, data, size));
    return written >= 0 ? written : failed();
}

static ssize_t real_pwrite(void *ctx, int fd, const void *data, size_t size, int64_t offset)
{
    (void)ctx;
    ssize_t written;
    RETRY(written, pwrite(fd, data, size, offset));
    return written >= 0 ? written : failed();
}

static int real_fdatasync(void *ctx, int fd)
{
    (void)ctx;
    return fdatasync(fd) == 0 ? 0 : failed();
}

static int real_fsync(void *ctx, int fd)
{
    (void)ctx;
    return fsync(fd) == 0 ? 0 : failed();
}

static int real_ftruncate(void *ctx, int fd, int64_t size)
{
    (void)ctx;
    int result;
    RETRY(result, ftruncate(fd, size));
    return result == 0 ? 0 : failed();
}

static int real_fallocate(void *ctx, int fd, int64_t size)
{
    (void)ctx;
    int result;
    RETRY(result, fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, size));
    return result == 0 ? 0 : failed();
}

static int64_t real_size(void *ctx, int fd)
{
    (void)ctx;
    struct stat status;
    return fstat(fd, &status) == 0 ? status.st_size : failed();
}

static int real_rename(void *ctx, const char *from, const char *to)
{
    (void)ctx;
    return rename(from, to) == 0 ? 0 : failed();
}

static int real_unlink(void *ctx, const char *path)
{
    (void)ctx;
    return unlink(path) == 0 ? 0 : failed();
}

static int real_mkdir(void *ctx, const char *path, unsigned mode)
{
    (void)ctx;
    return mkdir(path, mode) == 0 ? 0 : failed();
}

static const struct file_ops real_ops = {
    .open = real_open,
    .close = real_close,
    .read = real_read,
    .pread = real_pread,
    .write = real_write,
    .pwrite = real_pwrite,
    .fdatasync = real_fdatasync,
    .fsync = real_fsync,
    .ftruncate = real_ftruncate,
    .fallocate = real_fallocate,
    .size = real_size,
    .rename = real_rename,
    .unlink = real_unlink,
    .mkdir = real_mkdir,
};

const struct file_ops *file_ops_real(void)
{
    return &real_ops;
}

int file_write_all(const struct file_ops *ops, int fd, const void *data, size_t size)
{
    const uint8_t *at = data;
    while (size > 0) {
        ssize_t written = ops->write(ops->ctx, fd, at, size);
        if (written <= 0) {
            return written < 0 ? (int)written : BUSBAR_EIO;
        }
        at += written;
        size -= (size_t)written;
    }
    return 0;
}

int file_pwrite_all(const struct file_ops *ops, int fd, const void *data, size_t size,
                    int64_t offset)
{
    const uint8_t *at = data;
    while (size > 0) {
        ssize_t written = ops->pwrite(ops->ctx, fd, at, size, offset);
        if (written <= 0) {
            return written < 0 ? (int)written : BUSBAR_EIO;
        }
        at += written;
        offset += written;
        size -= (size_t)written;
    }
    return 0;
}

int file_pread_all(const struct file_ops *ops, int fd, void *data, size_t size, int64_t offset)
{
    uint8_t *at = data;
    while (size > 0) {
        ssize_t got = ops->pread(ops->ctx, fd, at, size, offset);
        if (got <= 0) {
            return got < 0 ? (int)got : BUSBAR_ESHORT;
        }
        at += got;
        offset += got;
        size -= (size_t)got;
    }
    return 0;
}
