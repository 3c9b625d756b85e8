/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files behind a thin table, so that tests can put faults under the log and the history.
 *
 * Every slot returns a result >= 0 or a BUSBAR_ code; `ctx` is the table's own. The real table retries
 * EINTR and nothing else: a short write is reported as such, a failed fsync is never repeated.
 */
#ifndef BUSBAR_BASE_FILE_H
#define BUSBAR_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

struct file_ops {
    void *ctx;
    int (*open)(void *ctx, const char *path, int flags, unsigned mode); /* fd; O_CLOEXEC is added */
    int (*close)(void *ctx, int fd);
    ssize_t (*read)(void *ctx, int fd, void *data, size_t size);
    ssize_t (*pread)(void *ctx, int fd, void *data, size_t size, int64_t offset);
    ssize_t (*write)(void *ctx, int fd, const void *data, size_t size);
    ssize_t (*pwrite)(void *ctx, int fd, const void *data, size_t size, int64_t offset);
    int (*fdatasync)(void *ctx, int fd);
    int (*fsync)(void *ctx, int fd);
    int (*ftruncate)(void *ctx, int fd, int64_t size);
    int (*fallocate)(void *ctx, int fd, int64_t size); /* reserves blocks, keeps the size */
    int64_t (*size)(void *ctx, int fd);
    int (*rename)(void *ctx, const char *from, const char *to);
    int (*unlink)(void *ctx, const char *path);
    int (*mkdir)(void *ctx, const char *path, unsigned mode);
};

/* The operating system's own. Static. */
const struct file_ops *file_ops_real(void);

/* Writes all or fails (BUSBAR_EIO, BUSBAR_ENOSPC ...); goes on after short writes. */
int file_write_all(const struct file_ops *ops, int fd, const void *data, size_t size);
int file_pwrite_all(const struct file_ops *ops, int fd, const void *data, size_t size,
                    int64_t offset);

/* Reads exactly size bytes at the offset; BUSBAR_ESHORT when the file ends before. */
int file_pread_all(const struct file_ops *ops, int fd, void *data, size_t size, int64_t offset);

/* Whole file, NUL added behind the last byte. Caller frees *data. BUSBAR_ENOENT, BUSBAR_EPERM,
 * BUSBAR_ELIMIT (over max bytes), BUSBAR_ENOMEM, BUSBAR_EIO. err names the path. */
int file_read(const struct file_ops *ops, const char *path, size_t max, char **data, size_t *size,
              struct err *err);

/* Replaces path atomically and durably: a temporary beside it, fdatasync, rename, fsync of the folder.
 * On error the old file is untouched and the temporary removed. mode e.g. 0600. */
int file_write(const struct file_ops *ops, const char *path, const void *data, size_t size,
               unsigned mode, struct err *err);

/* fsync of a folder, so that new names in it survive a power cut. */
int file_sync_folder(const struct file_ops *ops, const char *path);

/* mkdir -p; 0 also when it is there. mode for the new ones. */
int file_make_folders(const struct file_ops *ops, const char *path, unsigned mode, struct err *err);

/* Takes the exclusive lock of a data folder (file `lock` in it, flock; holds our process id).
 * *fd: keep it open, closing it (file_unlock) gives the lock back. BUSBAR_EBUSY names the process that
 * has it. */
int file_lock(const char *folder, int *fd, struct err *err);
void file_unlock(int fd);

/* Names in a folder (no "." and ".."), sorted by bytes, those ending in suffix (NULL: all), at most max
 * (BUSBAR_ELIMIT). *names is one block: caller frees it alone. */
int file_list(const char *folder, const char *suffix, size_t max, char ***names, size_t *count,
              struct err *err);

bool file_exists(const char *path);
bool file_is_folder(const char *path);

/* "a/b" from folder "a" (or "a/") and name "b", cut to size; an absolute name stays alone. False: did not fit. */
bool file_join(char *to, size_t size, const char *folder, const char *name);

/* Bytes free for us on the file system of path. */
int file_free_bytes(const char *path, uint64_t *bytes);

#endif
