/* SPDX-License-Identifier: Apache-2.0 */
#include "app/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/crc.h"
#include "base/file.h"
#include "base/str.h"
#include "history/backup.h"

enum { READ_BYTES = 1024 * 1024 };

enum kind { NOTHING, FILE_HERE, FOLDER_HERE };

static enum kind kind_of(const char *path)
{
    struct stat st;
    if (lstat(path, &st) != 0) {
        return NOTHING;
    }
    return S_ISDIR(st.st_mode) ? FOLDER_HERE : S_ISREG(st.st_mode) ? FILE_HERE : NOTHING;
}

static int join(char path[TREE_PATH_MAX], const char *folder, const char *name, struct err *err)
{
    return file_join(path, TREE_PATH_MAX, folder, name)
               ? 0
               : err_set(err, BUSBAR_ELIMIT, "the path %s/%s is too long", folder, name);
}

static int walk(const char *folder, const char *below, unsigned depth, tree_cb cb, void *ctx,
                struct err *err)
{
    char **names;
    size_t count;
    if (depth > TREE_DEPTH_MAX) {
        return err_set(err, BUSBAR_ELIMIT, "%s: more than %d folders in one another", folder,
                       TREE_DEPTH_MAX);
    }
    int error = file_list(folder, NULL, TREE_FILES_MAX, &names, &count, err);
    if (error != 0) {
        return error;
    }
    for (size_t i = 0; i < count && error == 0; i++) {
        char path[TREE_PATH_MAX], name[TREE_PATH_MAX];
        error = join(path, folder, names[i], err);
        error = error == 0 ? join(name, below, names[i], err) : error;
        enum kind kind = error == 0 ? kind_of(path) : NOTHING;
        if (kind == FOLDER_HERE) {
            error = walk(path, name, depth + 1, cb, ctx, err);
        } else if (kind == FILE_HERE) {
            error = cb(ctx, path, name, err);
        }
    }
    busbar_free(names);
    return error;
}

int tree_walk(const char *folder, tree_cb cb, void *ctx, struct err *err)
{
    return walk(folder, "", 0, cb, ctx, err);
}

static int copy_one(void *ctx, const char *path, const char *name, struct err *err)
{
    char to[TREE_PATH_MAX], folder[TREE_PATH_MAX];
    int error = join(to, ctx, name, err);
    if (error != 0) {
        return error;
    }
    str_copy(folder, sizeof(folder), to);
    *strrchr(folder, '/') = '\0';
    error = file_make_folders(file_ops_real(), folder, 0700, err);
    return error == 0 ? history_copy_file(path, to, false, err) : error;
}

int tree_copy(const char *from, const char *to, struct err *err)
{
    char folder[TREE_PATH_MAX];
    int error = file_make_folders(file_ops_real(), to, 0700, err);
    if (error != 0 || !file_is_folder(from)) {
        return error;
    }
    str_copy(folder, sizeof(folder), to);
    return tree_walk(from, copy_one, folder, err);
}

static int remove_below(const char *folder, unsigned depth, struct err *err)
{
    char **names;
    size_t count;
    int error = depth > TREE_DEPTH_MAX ? BUSBAR_ELIMIT : 0;
    error = error == 0 ? file_list(folder, NULL, TREE_FILES_MAX, &names, &count, err) : error;
    if (error != 0) {
        return err_set(err, error, "cannot look into %s: %s", folder, err_text(error));
    }
    for (size_t i = 0; i < count && error == 0; i++) {
        char path[TREE_PATH_MAX];
        error = join(path, folder, names[i], err);
        if (error == 0 && kind_of(path) == FOLDER_HERE) {
            error = remove_below(path, depth + 1, err);
        } else if (error == 0 && unlink(path) != 0) {
            error = err_set(err, BUSBAR_EIO, "cannot remove %s: %s", path, strerror(errno));
        }
    }
    busbar_free(names);
    if (error == 0 && rmdir(folder) != 0) {
        error = err_set(err, BUSBAR_EIO, "cannot remove %s: %s", folder, strerror(errno));
    }
    return error;
}

int tree_remove(const char *folder, struct err *err)
{
    return kind_of(folder) == FOLDER_HERE ? remove_below(folder, 0, err) : 0;
}

int tree_file_check(const char *path, uint64_t *bytes, uint32_t *crc, struct err *err)
{
    const struct file_ops *file = file_ops_real();
    uint8_t *data = busbar_try_alloc(READ_BYTES);
    int fd = data == NULL ? BUSBAR_ENOMEM : file->open(file->ctx, path, O_RDONLY, 0);
    ssize_t size = fd < 0 ? fd : 1;
    *bytes = 0;
    *crc = 0;
    while (size > 0) {
        size = file->read(file->ctx, fd, data, READ_BYTES);
        if (size > 0) {
            *crc = crc32c(*crc, data, (size_t)size);
            *bytes += (uint64_t)size;
        }
    }
    if (fd >= 0) {
        file->close(file->ctx, fd);
    }
    busbar_free(data);
    return size == 0 ? 0 : err_set(err, (int)size, "cannot read %s: %s", path, err_text((int)size));
}
