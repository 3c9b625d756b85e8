/* SPDX-License-Identifier: Apache-2.0 */
/* Bringing a version back: what is there is kept first, then all files are written beside their
 * targets, and only when that worked are they renamed over them. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/str.h"
#include "config/versions_private.h"

struct restore {
    const struct version_meta *meta;
    char files[PATH_MAX];  /* the version's copies */
    char folder[PATH_MAX]; /* where they go */
    char backup[PATH_MAX];
    const char *single; /* name of the one YAML file, NULL = a folder */
    struct err *err;
};

/* The name a file of the version gets where it goes. */
static const char *target_name(const struct restore *restore, size_t index)
{
    return index == 0 && restore->single != NULL ? restore->single
                                                 : restore->meta->files[index].name;
}

static bool in_version(const struct restore *restore, const char *name)
{
    for (size_t i = 0; i < restore->meta->version.files; i++) {
        if (strcmp(target_name(restore, i), name) == 0) {
            return true;
        }
    }
    return false;
}

static int keep_one(struct restore *restore, const char *name)
{
    char from[PATH_MAX], to[PATH_MAX];
    uint32_t crc;
    int error = versions_join(from, restore->folder, name, restore->err);
    error = error == 0 ? versions_join(to, restore->backup, name, restore->err) : error;
    if (error != 0 || !file_exists(from)) {
        return error;
    }
    return versions_copy_file(from, to, &crc, restore->err);
}

/* Copies what is there now, before anything is touched. */
static int keep_present(struct restore *restore, char **names, size_t count)
{
    versions_remove_tree(restore->backup);
    int error = file_make_folders(file_ops_real(), restore->backup, VERSIONS_FOLDER_MODE,
                                  restore->err);
    for (size_t i = 0; i < count && error == 0; i++) {
        error = keep_one(restore, names[i]);
    }
    for (size_t i = 0; i < restore->meta->version.files && error == 0; i++) {
        error = keep_one(restore, target_name(restore, i));
    }
    return error;
}

static int stage_name(const struct restore *restore, size_t index, char target[PATH_MAX],
                      char stage[PATH_MAX])
{
    char aside[PATH_MAX];
    const char *name = target_name(restore, index);
    str_format(aside, sizeof(aside), "%s.busbar-new", name);
    int error = versions_join(target, restore->folder, name, restore->err);
    return error == 0 ? versions_join(stage, restore->folder, aside, restore->err) : error;
}

static void drop_stages(const struct restore *restore)
{
    char target[PATH_MAX], stage[PATH_MAX];
    for (size_t i = 0; i < restore->meta->version.files; i++) {
        if (stage_name(restore, i, target, stage) == 0) {
            unlink(stage);
        }
    }
}

/* All files are written beside their targets first: a full disk is found before anything changed. */
static int stage_all(struct restore *restore)
{
    char from[PATH_MAX], target[PATH_MAX], stage[PATH_MAX];
    int error = 0;
    for (size_t i = 0; i < restore->meta->version.files && error == 0; i++) {
        uint32_t crc = 0;
        const struct config_file *file = &restore->meta->files[i];
        error = stage_name(restore, i, target, stage);
        error = error == 0 ? versions_join(from, restore->files, file->name, restore->err) : error;
        error = error == 0 ? versions_copy_file(from, stage, &crc, restore->err) : error;
        if (error == 0 && crc != file->crc) {
            error = err_set(restore->err, BUSBAR_EDAMAGED, "the kept copy of %s is damaged",
                            file->name);
        }
    }
    return error;
}

static int swap_all(struct restore *restore, char **names, size_t count)
{
    char target[PATH_MAX], stage[PATH_MAX];
    for (size_t i = 0; i < restore->meta->version.files; i++) {
        int error = stage_name(restore, i, target, stage);
        if (error != 0) {
            return error;
        }
        if (rename(stage, target) != 0) {
            return versions_errno(restore->err, "write", target);
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (restore->single == NULL && names[i][0] != '.' && !in_version(restore, names[i]) &&
            versions_join(target, restore->folder, names[i], restore->err) == 0) {
            unlink(target);
        }
    }
    return file_sync_folder(file_ops_real(), restore->folder);
}

static int check_target(struct restore *restore, const char *config_path)
{
    struct err *err = restore->err;
    bool folder = file_is_folder(config_path);
    if (folder == restore->meta->single_file) {
        return err_set(err, BUSBAR_ECONFLICT, "version %" PRIu32 " is a %s, %s is a %s",
                       restore->meta->version.number, folder ? "single file" : "folder",
                       config_path, folder ? "folder" : "single file");
    }
    str_copy(restore->folder, sizeof(restore->folder), config_path);
    if (!folder) {
        const char *slash = strrchr(config_path, '/');
        restore->single = slash != NULL ? slash + 1 : config_path;
        str_copy(restore->folder, sizeof(restore->folder), slash != NULL ? config_path : ".");
        if (slash != NULL) {
            restore->folder[slash == config_path ? 1 : slash - config_path] = '\0';
        }
    }
    if (access(restore->folder, W_OK | X_OK) != 0) {
        err_set(err, BUSBAR_EPERM, "%s cannot be written by this user", restore->folder);
        err_hint(err, "copy the files yourself: cp -r %s/. %s", restore->files, restore->folder);
        return BUSBAR_EPERM;
    }
    return 0;
}

int versions_restore(const char *data_folder, uint32_t number, const char *config_path,
                     struct err *err)
{
    char rest[64], **names = NULL;
    size_t count = 0;
    struct version_meta *meta = versions_meta_read(data_folder, number);
    if (meta == NULL) {
        return versions_none(data_folder, number, err);
    }
    struct restore *restore = busbar_alloc(sizeof(*restore));
    restore->meta = meta;
    restore->err = err;
    str_format(rest, sizeof(rest), "versions/%" PRIu32 "/files", number);
    int error = versions_path_in(restore->files, data_folder, rest, err);
    error = error == 0 ? versions_path_in(restore->backup, data_folder, "before-rollback", err)
                       : error;
    error = error == 0 ? check_target(restore, config_path) : error;
    if (error == 0) {
        error = file_list(restore->folder, ".yaml", VERSIONS_SEEN_MAX, &names, &count, err);
    }
    error = error == 0 ? keep_present(restore, names, restore->single == NULL ? count : 0) : error;
    if (error == 0) {
        error = stage_all(restore);
        error = error == 0 ? swap_all(restore, names, count) : error;
        drop_stages(restore);
    }
    busbar_free(names);
    busbar_free(restore);
    versions_meta_free(meta);
    return error;
}
