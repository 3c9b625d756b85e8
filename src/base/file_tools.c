/* SPDX-License-Identifier: Apache-2.0 */
/* Whole files, folders and the lock: what is made of several slots of the table. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/str.h"

static int fail(struct err *err, int code, const char *what, const char *path)
{
    return err_set(err, code, "cannot %s %s: %s", what, path, err_text(code));
}

static int too_big(struct err *err, const char *path, size_t max)
{
    return err_set(err, BUSBAR_ELIMIT, "cannot read %s: more than %zu bytes", path, max);
}

/* Reads to the end of the file, whose size may change meanwhile. */
static int read_to_end(const struct file_ops *ops, int fd, size_t max, char **data, size_t *size)
{
    int64_t expected = ops->size(ops->ctx, fd);
    if (expected < 0 || (uint64_t)expected > max) {
        return expected < 0 ? (int)expected : BUSBAR_ELIMIT;
    }
    size_t capacity = (size_t)expected + 1;
    size_t used = 0;
    char *text = busbar_try_alloc(capacity + 1);
    if (text == NULL) {
        return BUSBAR_ENOMEM;
    }
    for (;;) {
        ssize_t got = ops->read(ops->ctx, fd, text + used, capacity - used);
        if (got <= 0) {
            if (got < 0) {
                busbar_free(text);
                return (int)got;
            }
            break;
        }
        used += (size_t)got;
        if (used > max) {
            busbar_free(text);
            return BUSBAR_ELIMIT;
        }
        if (used == capacity) {
            capacity *= 2;
            char *bigger = busbar_try_realloc(text, capacity + 1);
            if (bigger == NULL) {
                busbar_free(text);
                return BUSBAR_ENOMEM;
            }
            text = bigger;
        }
    }
    text[used] = '\0';
    *data = text;
    *size = used;
    return 0;
}

int file_read(const struct file_ops *ops, const char *path, size_t max, char **data, size_t *size,
              struct err *err)
{
    int fd = ops->open(ops->ctx, path, O_RDONLY, 0);
    if (fd < 0) {
        return fail(err, fd, "open", path);
    }
    int error = read_to_end(ops, fd, max, data, size);
    (void)ops->close(ops->ctx, fd);
    if (error == BUSBAR_ELIMIT) {
        return too_big(err, path, max);
    }
    return error == 0 ? 0 : fail(err, error, "read", path);
}

/* The folder part of a path: "." when it has none. */
static bool folder_of(const char *path, char *folder, size_t size)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL) {
        return str_copy(folder, size, ".");
    }
    size_t length = slash == path ? 1 : (size_t)(slash - path);
    if (length >= size) {
        return false;
    }
    memcpy(folder, path, length);
    folder[length] = '\0';
    return true;
}

int file_sync_folder(const struct file_ops *ops, const char *path)
{
    int fd = ops->open(ops->ctx, path, O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0) {
        return fd;
    }
    int error = ops->fsync(ops->ctx, fd);
    (void)ops->close(ops->ctx, fd);
    return error;
}

static int write_temporary(const struct file_ops *ops, const char *path, const void *data,
                           size_t size, unsigned mode)
{
    int fd = ops->open(ops->ctx, path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode);
    if (fd < 0) {
        return fd;
    }
    int error = file_write_all(ops, fd, data, size);
    if (error == 0) {
        error = ops->fdatasync(ops->ctx, fd);
    }
    int close_error = ops->close(ops->ctx, fd);
    return error != 0 ? error : close_error;
}

int file_write(const struct file_ops *ops, const char *path, const void *data, size_t size,
               unsigned mode, struct err *err)
{
    char folder[PATH_MAX];
    char temporary[PATH_MAX];
    if (!folder_of(path, folder, sizeof(folder)) || strlen(path) + 5 > sizeof(temporary)) {
        return fail(err, BUSBAR_EINVAL, "write", path);
    }
    (void)str_format(temporary, sizeof(temporary), "%s.tmp", path);
    int error = write_temporary(ops, temporary, data, size, mode);
    if (error == 0) {
        error = ops->rename(ops->ctx, temporary, path);
    }
    if (error != 0) {
        (void)ops->unlink(ops->ctx, temporary);
        return fail(err, error, "write", path);
    }
    error = file_sync_folder(ops, folder);
    return error == 0 ? 0 : fail(err, error, "sync the folder of", path);
}

int file_make_folders(const struct file_ops *ops, const char *path, unsigned mode, struct err *err)
{
    char part[PATH_MAX];
    if (path[0] == '\0' || !str_copy(part, sizeof(part), path)) {
        return fail(err, BUSBAR_EINVAL, "make folder", path);
    }
    for (char *at = part + 1;; at++) {
        if (*at != '/' && *at != '\0') {
            continue;
        }
        char kept = *at;
        *at = '\0';
        int error = ops->mkdir(ops->ctx, part, mode);
        if (error != 0 && !file_is_folder(part)) {
            return error == BUSBAR_EEXIST
                       ? err_set(err, error, "cannot make folder %s: it is a file", part)
                       : fail(err, error, "make folder", part);
        }
        *at = kept;
        if (kept == '\0') {
            return 0;
        }
    }
}

static int lock_refused(int fd, const char *folder, struct err *err)
{
    char holder[24] = "";
    ssize_t got = pread(fd, holder, sizeof(holder) - 1, 0);
    holder[got > 0 ? got : 0] = '\0';
    err_set(err, BUSBAR_EBUSY, "folder %s is in use by another busbar (process %s)", folder,
            got > 0 ? str_trim(holder) : "unknown");
    (void)close(fd);
    (void)err_hint(err, "stop it first, or give this one a folder of its own");
    return BUSBAR_EBUSY;
}

int file_lock(const char *folder, int *fd, struct err *err)
{
    char path[PATH_MAX];
    if (!file_join(path, sizeof(path), folder, "lock")) {
        return fail(err, BUSBAR_EINVAL, "lock folder", folder);
    }
    int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (lock < 0) {
        return fail(err, err_from_errno(errno), "open", path);
    }
    if (flock(lock, LOCK_EX | LOCK_NB) != 0) {
        return lock_refused(lock, folder, err);
    }
    char text[24];
    size_t length = str_format(text, sizeof(text), "%ld\n", (long)getpid());
    if (ftruncate(lock, 0) != 0 || pwrite(lock, text, length, 0) != (ssize_t)length) {
        int error = err_from_errno(errno);
        (void)close(lock);
        return fail(err, error, "write", path);
    }
    *fd = lock;
    return 0;
}

void file_unlock(int fd)
{
    (void)close(fd);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The pointers and all names in one block. */
static char **join_names(char *const *names, size_t count, size_t text_bytes)
{
    size_t pointer_bytes = (count + 1) * sizeof(char *);
    char **block = busbar_try_alloc(pointer_bytes + text_bytes);
    if (block == NULL) {
        return NULL;
    }
    char *text = (char *)block + pointer_bytes;
    for (size_t i = 0; i < count; i++) {
        size_t size = strlen(names[i]) + 1;
        memcpy(text, names[i], size);
        block[i] = text;
        text += size;
    }
    return block;
}

int file_list(const char *folder, const char *suffix, size_t max, char ***names, size_t *count,
              struct err *err)
{
    DIR *dir = opendir(folder);
    if (dir == NULL) {
        return fail(err, err_from_errno(errno), "read folder", folder);
    }
    char **found = NULL;
    size_t found_count = 0;
    size_t text_bytes = 0;
    int error = 0;
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        const char *name = entry->d_name;
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
            (suffix != NULL && !str_ends(name, suffix))) {
            continue;
        }
        if (found_count == max) {
            error = err_set(err, BUSBAR_ELIMIT, "more than %zu files in folder %s", max, folder);
            break;
        }
        if ((found_count & (found_count - 1)) == 0) {
            found = busbar_realloc(found, (found_count * 2 + 1) * sizeof(*found));
        }
        text_bytes += strlen(name) + 1;
        found[found_count++] = busbar_strdup(name);
    }
    (void)closedir(dir);
    if (error == 0) {
        if (found_count > 0) {
            qsort(found, found_count, sizeof(*found), compare_names);
        }
        *names = join_names(found, found_count, text_bytes);
        *count = found_count;
        error = *names != NULL ? 0 : fail(err, BUSBAR_ENOMEM, "read folder", folder);
    }
    for (size_t i = 0; i < found_count; i++) {
        busbar_free(found[i]);
    }
    busbar_free(found);
    return error;
}

bool file_exists(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0;
}

bool file_is_folder(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

bool file_join(char *to, size_t size, const char *folder, const char *name)
{
    if (name[0] == '/' || folder[0] == '\0') {
        return str_copy(to, size, name);
    }
    size_t length = strlen(folder);
    const char *slash = folder[length - 1] == '/' ? "" : "/";
    return str_format(to, size, "%s%s%s", folder, slash, name) ==
           length + strlen(slash) + strlen(name);
}

int file_free_bytes(const char *path, uint64_t *bytes)
{
    struct statvfs status;
    if (statvfs(path, &status) != 0) {
        return err_from_errno(errno);
    }
    *bytes = (uint64_t)status.f_bavail * status.f_frsize;
    return 0;
}
