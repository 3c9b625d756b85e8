/* SPDX-License-Identifier: Apache-2.0 */
/* A file that did not change since the version before is a hard link to that version's copy, so that
 * fifty versions of a site with long CSV lists cost little more than one. */
#include "config/versions.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/crc.h"
#include "base/file.h"
#include "base/str.h"
#include "config/versions_private.h"

enum {
    COPY_BYTES = 1 << 16,
    META_BYTES_MAX = 1 << 20,
    FILE_MODE = 0640,
};

int versions_errno(struct err *err, const char *what, const char *path)
{
    int code = err_from_errno(errno);
    return err_set(err, code, "cannot %s %s: %s", what, path, err_text(code));
}

/* "<data>/config/versions" and what follows. */
int versions_path_in(char path[PATH_MAX], const char *data_folder, const char *rest,
                     struct err *err)
{
    char below[PATH_MAX];
    str_format(below, sizeof(below), "config/%s", rest);
    if (!file_join(path, PATH_MAX, data_folder, below)) {
        return err_set(err, BUSBAR_ELIMIT, "the path of the data folder is too long");
    }
    return 0;
}

int versions_join(char path[PATH_MAX], const char *folder, const char *name, struct err *err)
{
    if (!file_join(path, PATH_MAX, folder, name)) {
        return err_set(err, BUSBAR_ELIMIT, "a path is too long: %s", name);
    }
    return 0;
}

static int remove_one(const char *path, const struct stat *info, int flag, struct FTW *ftw)
{
    (void)info;
    (void)flag;
    (void)ftw;
    return remove(path);
}

void versions_remove_tree(const char *path)
{
    nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* Folders above a file: "lists/a.csv" needs "lists". */
static int make_parent(const char *path, struct err *err)
{
    char folder[PATH_MAX];
    str_copy(folder, sizeof(folder), path);
    char *slash = strrchr(folder, '/');
    if (slash == NULL || slash == folder) {
        return 0;
    }
    *slash = '\0';
    return file_make_folders(file_ops_real(), folder, VERSIONS_FOLDER_MODE, err);
}

static int copy_bytes(int from, int to, uint32_t *crc)
{
    const struct file_ops *ops = file_ops_real();
    char *buffer = busbar_alloc(COPY_BYTES);
    int error = 0;
    for (;;) {
        ssize_t got = ops->read(ops->ctx, from, buffer, COPY_BYTES);
        if (got <= 0) {
            error = (int)got;
            break;
        }
        *crc = crc32c(*crc, buffer, (size_t)got);
        error = file_write_all(ops, to, buffer, (size_t)got);
        if (error != 0) {
            break;
        }
    }
    busbar_free(buffer);
    return error;
}

/* Copies a file durably; *crc of what was copied. */
int versions_copy_file(const char *from, const char *to, uint32_t *crc, struct err *err)
{
    int error = make_parent(to, err);
    if (error != 0) {
        return error;
    }
    const struct file_ops *ops = file_ops_real();
    int in = ops->open(ops->ctx, from, O_RDONLY, 0);
    if (in < 0) {
        return err_set(err, in, "cannot read %s: %s", from, err_text(in));
    }
    int out = ops->open(ops->ctx, to, O_WRONLY | O_CREAT | O_TRUNC, FILE_MODE);
    if (out < 0) {
        ops->close(ops->ctx, in);
        return err_set(err, out, "cannot write %s: %s", to, err_text(out));
    }
    *crc = 0;
    error = copy_bytes(in, out, crc);
    error = error == 0 ? ops->fdatasync(ops->ctx, out) : error;
    ops->close(ops->ctx, in);
    int closed = ops->close(ops->ctx, out);
    error = error == 0 ? closed : error;
    return error == 0 ? 0 : err_set(err, error, "cannot write %s: %s", to, err_text(error));
}

/* ---- version.json ---- */

void versions_meta_free(struct version_meta *meta)
{
    if (meta != NULL) {
        arena_fini(&meta->arena);
        busbar_free(meta);
    }
}

static void take_files(struct version_meta *meta, const struct json_value *files)
{
    struct json_iter iter = json_iter(files);
    const struct json_value *item;
    while (meta->version.files < CONFIG_FILES_MAX && json_next(&iter, NULL, &item)) {
        const char *name = json_get_text(json_get(item, "name"), NULL);
        int64_t bytes = 0, crc = 0;
        json_get_i64(json_get(item, "bytes"), &bytes);
        json_get_i64(json_get(item, "crc"), &crc);
        if (name != NULL && name[0] != '/' && strstr(name, "..") == NULL) {
            meta->files[meta->version.files++] = (struct config_file){ .name = arena_strdup(
                                                                           &meta->arena, name),
                                                                       .bytes = (uint64_t)bytes,
                                                                       .crc = (uint32_t)crc };
        }
    }
}

/* NULL when there is no such version or its file is damaged. */
struct version_meta *versions_meta_read(const char *data_folder, uint32_t number)
{
    char rest[64], path[PATH_MAX], *text = NULL;
    size_t size = 0;
    struct json_doc *doc = NULL;
    str_format(rest, sizeof(rest), "versions/%" PRIu32 "/version.json", number);
    if (versions_path_in(path, data_folder, rest, NULL) != 0 ||
        file_read(file_ops_real(), path, META_BYTES_MAX, &text, &size, NULL) != 0) {
        return NULL;
    }
    if (json_parse(text, size, NULL, &doc, NULL) != 0) {
        busbar_free(text);
        return NULL;
    }
    struct version_meta *meta = busbar_alloc(sizeof(*meta));
    const struct json_value *root = json_root(doc);
    arena_init(&meta->arena, 0);
    meta->version.number = number;
    const char *who = json_get_text(json_get(root, "who"), NULL);
    const char *summary = json_get_text(json_get(root, "summary"), NULL);
    const char *time = json_get_text(json_get(root, "time"), NULL);
    str_copy(meta->version.who, sizeof(meta->version.who), who != NULL ? who : "");
    str_copy(meta->version.summary, sizeof(meta->version.summary), summary != NULL ? summary : "");
    if (time != NULL) {
        str_parse_time(time, &meta->version.time_us);
    }
    json_get_bool(json_get(root, "single_file"), &meta->single_file);
    take_files(meta, json_get(root, "files"));
    json_free(doc);
    busbar_free(text);
    return meta;
}

static int meta_write(const char *folder, const struct version_meta *meta, struct err *err)
{
    char path[PATH_MAX];
    struct buf out;
    buf_init(&out, META_BYTES_MAX);
    struct json_writer json = json_writer(&out);
    json_begin_object(&json);
    json_put_u64(&json, "version", meta->version.number);
    json_put_time(&json, "time", meta->version.time_us);
    json_put_string(&json, "who", meta->version.who);
    json_put_string(&json, "summary", meta->version.summary);
    json_put_bool(&json, "single_file", meta->single_file);
    json_put_array(&json, "files");
    for (size_t i = 0; i < meta->version.files; i++) {
        json_begin_object(&json);
        json_put_string(&json, "name", meta->files[i].name);
        json_put_u64(&json, "bytes", meta->files[i].bytes);
        json_put_u64(&json, "crc", meta->files[i].crc);
        json_end_object(&json);
    }
    json_end_array(&json);
    json_end_object(&json);
    int error = versions_join(path, folder, "version.json", err);
    error = error == 0 ? file_write(file_ops_real(), path, out.data, out.size, FILE_MODE, err)
                       : error;
    buf_fini(&out);
    return error;
}

/* ---- list ---- */

static int by_number(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    return left < right ? -1 : left > right;
}

/* The numbers there are, ascending; caller frees. */
static uint32_t *list_numbers(const char *data_folder, size_t *count)
{
    char path[PATH_MAX], **names = NULL;
    size_t found = 0;
    *count = 0;
    if (versions_path_in(path, data_folder, "versions", NULL) != 0 ||
        file_list(path, NULL, VERSIONS_SEEN_MAX, &names, &found, NULL) != 0) {
        return NULL;
    }
    uint32_t *numbers = busbar_alloc_array(found + 1, sizeof(*numbers));
    for (size_t i = 0; i < found; i++) {
        uint64_t number;
        if (str_parse_u64(names[i], &number) == 0 && number > 0 && number < UINT32_MAX) {
            numbers[(*count)++] = (uint32_t)number;
        }
    }
    busbar_free(names);
    qsort(numbers, *count, sizeof(*numbers), by_number);
    return numbers;
}

int versions_list(const char *data_folder, struct version **list, size_t *count, struct err *err)
{
    (void)err;
    size_t found;
    uint32_t *numbers = list_numbers(data_folder, &found);
    *list = busbar_alloc_array(found + 1, sizeof(**list));
    *count = 0;
    for (size_t i = 0; i < found; i++) {
        struct version_meta *meta = versions_meta_read(data_folder, numbers[i]);
        if (meta != NULL) {
            (*list)[(*count)++] = meta->version;
        }
        versions_meta_free(meta);
    }
    busbar_free(numbers);
    return 0;
}

int versions_none(const char *data_folder, uint32_t number, struct err *err)
{
    size_t count;
    uint32_t *numbers = list_numbers(data_folder, &count);
    err_set(err, BUSBAR_ENOENT, "there is no version %" PRIu32, number);
    if (count > 0) {
        err_hint(err, "kept are %" PRIu32 " to %" PRIu32 ": busbar config history", numbers[0],
                 numbers[count - 1]);
    } else {
        err_hint(err, "no version was kept yet: busbar config apply makes the first");
    }
    busbar_free(numbers);
    return BUSBAR_ENOENT;
}

int versions_find(const char *data_folder, uint32_t number, struct version *out, struct err *err)
{
    struct version_meta *meta = versions_meta_read(data_folder, number);
    if (meta == NULL) {
        return versions_none(data_folder, number, err);
    }
    *out = meta->version;
    versions_meta_free(meta);
    return 0;
}

int versions_path(const char *data_folder, uint32_t number, char *path, size_t size,
                  struct err *err)
{
    char rest[64], folder[PATH_MAX];
    struct version_meta *meta = versions_meta_read(data_folder, number);
    if (meta == NULL) {
        return versions_none(data_folder, number, err);
    }
    str_format(rest, sizeof(rest), "versions/%" PRIu32 "/files", number);
    int error = versions_path_in(folder, data_folder, rest, err);
    bool single = meta->single_file && meta->version.files > 0;
    if (error == 0 && !file_join(path, size, folder, single ? meta->files[0].name : "")) {
        error = err_set(err, BUSBAR_ELIMIT, "the path of the data folder is too long");
    }
    versions_meta_free(meta);
    return error;
}

/* ---- save ---- */

/* A link to the same file of the version before; false: it is not there or differs. */
static bool link_before(const char *data_folder, const struct version_meta *before,
                        const struct config_file *file, const char *to)
{
    char rest[PATH_MAX], from[PATH_MAX];
    for (size_t i = 0; before != NULL && i < before->version.files; i++) {
        const struct config_file *old = &before->files[i];
        if (strcmp(old->name, file->name) == 0 && old->crc == file->crc &&
            old->bytes == file->bytes) {
            str_format(rest, sizeof(rest), "versions/%" PRIu32 "/files/%s", before->version.number,
                       file->name);
            return versions_path_in(from, data_folder, rest, NULL) == 0 &&
                   make_parent(to, NULL) == 0 && link(from, to) == 0;
        }
    }
    return false;
}

static int save_file(const char *data_folder, const struct config *config,
                     const struct config_file *file, const struct version_meta *before,
                     const char *folder, struct err *err)
{
    char from[PATH_MAX], below[PATH_MAX], to[PATH_MAX];
    uint32_t crc = 0;
    str_format(below, sizeof(below), "files/%s", file->name);
    int error = versions_join(from, config->folder, file->name, err);
    error = error == 0 ? versions_join(to, folder, below, err) : error;
    if (error != 0 || link_before(data_folder, before, file, to)) {
        return error;
    }
    error = versions_copy_file(from, to, &crc, err);
    if (error == 0 && crc != file->crc) {
        error = err_set(err, BUSBAR_EAGAIN, "%s changed while it was being applied", file->name);
        err_hint(err, "run it again");
    }
    return error;
}

static void prune(const char *data_folder)
{
    char rest[64], path[PATH_MAX];
    size_t count;
    uint32_t *numbers = list_numbers(data_folder, &count);
    for (size_t i = 0; count > VERSIONS_KEEP && i < count - VERSIONS_KEEP; i++) {
        str_format(rest, sizeof(rest), "versions/%" PRIu32, numbers[i]);
        if (versions_path_in(path, data_folder, rest, NULL) == 0) {
            versions_remove_tree(path);
        }
    }
    busbar_free(numbers);
}

static void fill_meta(struct version_meta *meta, const struct config *config, const char *who,
                      const char *summary)
{
    meta->version.time_us = clock_wall_us();
    meta->version.files = config->file_count;
    meta->single_file = config->single_file;
    str_copy(meta->version.who, sizeof(meta->version.who), who);
    str_copy(meta->version.summary, sizeof(meta->version.summary), summary);
    memcpy(meta->files, config->files, config->file_count * sizeof(*meta->files));
}

static int save_aside(const char *data_folder, const struct config *config,
                      const struct version_meta *before, const struct version_meta *meta,
                      const char *aside, struct err *err)
{
    char files[PATH_MAX];
    int error = versions_join(files, aside, "files", err);
    error = error == 0 ? file_make_folders(file_ops_real(), files, VERSIONS_FOLDER_MODE, err)
                       : error;
    for (size_t i = 0; i < config->file_count && error == 0; i++) {
        error = save_file(data_folder, config, &config->files[i], before, aside, err);
    }
    return error == 0 ? meta_write(aside, meta, err) : error;
}

int versions_save(const char *data_folder, const struct config *config, const char *who,
                  const char *summary, uint32_t *number, struct err *err)
{
    char folder[PATH_MAX], aside[PATH_MAX], rest[64], final[PATH_MAX];
    if (config->folder[0] == '\0') {
        return err_set(err, BUSBAR_EINVAL, "this configuration is not in files");
    }
    size_t count;
    uint32_t *numbers = list_numbers(data_folder, &count);
    uint32_t newest = count > 0 ? numbers[count - 1] : 0;
    busbar_free(numbers);
    str_format(rest, sizeof(rest), "versions/%" PRIu32, newest + 1);
    int error = versions_path_in(folder, data_folder, "versions", err);
    error = error == 0 ? versions_path_in(aside, data_folder, "versions/.new", err) : error;
    error = error == 0 ? versions_path_in(final, data_folder, rest, err) : error;
    if (error != 0) {
        return error;
    }
    struct version_meta *before = newest > 0 ? versions_meta_read(data_folder, newest) : NULL;
    struct version_meta *meta = busbar_alloc(sizeof(*meta));
    fill_meta(meta, config, who, summary);
    meta->version.number = newest + 1;
    versions_remove_tree(aside);
    error = save_aside(data_folder, config, before, meta, aside, err);
    if (error == 0 && rename(aside, final) != 0) {
        error = versions_errno(err, "write", final);
    }
    if (error == 0) {
        file_sync_folder(file_ops_real(), folder);
        prune(data_folder);
        *number = newest + 1;
    } else {
        versions_remove_tree(aside);
    }
    versions_meta_free(before);
    busbar_free(meta);
    return error;
}
