/* SPDX-License-Identifier: Apache-2.0 */
#include "app/backup.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "app/tree.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/str.h"
#include "history/backup.h"
#include "state/state.h"

enum { LIST_BYTES_MAX = 256 << 20, FORMAT = 1 };

/* --- the list of files --- */

struct listing {
    struct json_writer json;
    struct backup_result *result;
};

static int list_one(void *ctx, const char *path, const char *name, struct err *err)
{
    struct listing *listing = ctx;
    uint64_t bytes;
    uint32_t crc;
    char check[16];
    int error = tree_file_check(path, &bytes, &crc, err);
    if (error != 0) {
        return error;
    }
    str_format(check, sizeof(check), "%08x", crc);
    json_begin_object(&listing->json);
    json_put_string(&listing->json, "file", name);
    json_put_u64(&listing->json, "bytes", bytes);
    json_put_string(&listing->json, "crc32c", check);
    json_end_object(&listing->json);
    listing->result->files++;
    listing->result->bytes += bytes;
    return 0;
}

static int write_list(const char *folder, struct backup_result *result, struct err *err)
{
    char path[TREE_PATH_MAX];
    struct buf out;
    buf_init(&out, LIST_BYTES_MAX);
    struct listing listing = { .json = json_writer(&out), .result = result };
    json_begin_object(&listing.json);
    json_put_i64(&listing.json, "format", FORMAT);
    json_put_string(&listing.json, "busbar", BUSBAR_VERSION);
    json_put_time(&listing.json, "made", clock_wall_us());
    json_put_array(&listing.json, "files");
    int error = tree_walk(folder, list_one, &listing, err);
    json_end_array(&listing.json);
    json_end_object(&listing.json);
    buf_append_text(&out, "\n");
    if (error == 0 && (!file_join(path, sizeof(path), folder, BACKUP_LIST) || out.overflow)) {
        error = err_set(err, BUSBAR_ELIMIT, "the list of files of %s is too long", folder);
    }
    if (error == 0) {
        error = file_write(file_ops_real(), path, out.data, out.size, 0600, err);
    }
    buf_fini(&out);
    return error;
}

static bool name_is_safe(const char *name)
{
    return name[0] != '\0' && name[0] != '/' && strstr(name, "..") == NULL;
}

static int check_one(const char *folder, const struct json_value *row, struct backup_result *result,
                     struct err *err)
{
    char path[TREE_PATH_MAX], found[16];
    const char *name = json_get_text(json_get(row, "file"), NULL);
    const char *check = json_get_text(json_get(row, "crc32c"), NULL);
    uint64_t wanted = 0, bytes;
    uint32_t crc;
    if (name == NULL || check == NULL || !name_is_safe(name) ||
        json_get_u64(json_get(row, "bytes"), &wanted) != 0 ||
        !file_join(path, sizeof(path), folder, name)) {
        return err_set(err, BUSBAR_EDAMAGED, "%s/%s: a line of it is damaged", folder, BACKUP_LIST);
    }
    if (!file_exists(path)) {
        return err_set(err, BUSBAR_EDAMAGED, "%s is missing: the backup is not whole", path);
    }
    int error = tree_file_check(path, &bytes, &crc, err);
    if (error != 0) {
        return error;
    }
    str_format(found, sizeof(found), "%08x", crc);
    if (bytes != wanted || strcmp(found, check) != 0) {
        return err_set(err, BUSBAR_EDAMAGED, "%s is damaged: %llu bytes of %llu, check %s, not %s",
                       path, (unsigned long long)bytes, (unsigned long long)wanted, found, check);
    }
    result->files++;
    result->bytes += bytes;
    return 0;
}

static int check_list(const char *folder, const struct json_value *root,
                      struct backup_result *result, struct err *err)
{
    int64_t format = 0;
    (void)json_get_i64(json_get(root, "format"), &format);
    if (format != FORMAT) {
        return err_set(err, BUSBAR_EUNSUPPORTED,
                       "%s was written by another version of busbar (format %lld)", folder,
                       (long long)format);
    }
    struct json_iter it = json_iter(json_get(root, "files"));
    const struct json_value *row;
    int error = 0;
    while (error == 0 && json_next(&it, NULL, &row)) {
        error = check_one(folder, row, result, err);
    }
    return error;
}

int backup_check(const char *folder, struct backup_result *result, struct err *err)
{
    char path[TREE_PATH_MAX];
    char *text = NULL;
    size_t size;
    struct json_doc *doc = NULL;
    struct json_limits limits = { .bytes_max = LIST_BYTES_MAX };
    *result = (struct backup_result){ 0 };
    if (!file_join(path, sizeof(path), folder, BACKUP_LIST) || !file_exists(path)) {
        err_set(err, BUSBAR_ENOENT, "%s is no backup: there is no %s in it", folder, BACKUP_LIST);
        err_hint(err, "a folder that ends in .tmp is a backup that was cut; take another one");
        return BUSBAR_ENOENT;
    }
    int error = file_read(file_ops_real(), path, LIST_BYTES_MAX, &text, &size, err);
    if (error == 0 && json_parse(text, size, &limits, &doc, NULL) != 0) {
        error = err_set(err, BUSBAR_EDAMAGED, "%s is damaged", path);
    }
    error = error == 0 ? check_list(folder, json_root(doc), result, err) : error;
    if (error == BUSBAR_EDAMAGED) {
        err_hint(err, "nothing was changed; take another backup");
    }
    json_free(doc);
    busbar_free(text);
    return error;
}

/* --- making one --- */

static int join(char path[TREE_PATH_MAX], const char *folder, const char *name, struct err *err)
{
    return file_join(path, TREE_PATH_MAX, folder, name)
               ? 0
               : err_set(err, BUSBAR_ELIMIT, "the path %s/%s is too long", folder, name);
}

static int copy_if_there(const char *from_folder, const char *name, const char *to_folder,
                         struct err *err)
{
    char from[TREE_PATH_MAX], to[TREE_PATH_MAX];
    int error = join(from, from_folder, name, err);
    error = error == 0 ? join(to, to_folder, name, err) : error;
    return error == 0 && file_exists(from) ? history_copy_file(from, to, false, err) : error;
}

/* YAML and CSV files of a folder, or the one file. */
static int copy_config(const char *config_path, const char *to, struct err *err)
{
    static const char *const suffixes[] = { ".yaml", ".csv" };
    char path[TREE_PATH_MAX];
    int error = file_make_folders(file_ops_real(), to, 0700, err);
    if (error == 0 && !file_is_folder(config_path)) {
        const char *slash = strrchr(config_path, '/');
        error = join(path, to, slash != NULL ? slash + 1 : config_path, err);
        return error == 0 ? history_copy_file(config_path, path, false, err) : error;
    }
    for (size_t s = 0; s < 2 && error == 0; s++) {
        char **names;
        size_t count;
        error = file_list(config_path, suffixes[s], TREE_FILES_MAX, &names, &count, err);
        for (size_t i = 0; error == 0 && i < count; i++) {
            error = copy_if_there(config_path, names[i], to, err);
        }
        busbar_free(error == 0 ? names : NULL);
    }
    return error;
}

/* Whom we trust. Our own key is a secret. */
static int copy_certificates(const struct backup_request *request, const char *data,
                             struct err *err)
{
    static const char *const folders[] = { "certificates/trusted", "certificates/issuers",
                                           "certificates/revoked", "certificates/own" };
    char from[TREE_PATH_MAX], to[TREE_PATH_MAX];
    int error = 0;
    for (size_t i = 0; i < (request->secrets ? 4 : 3) && error == 0; i++) {
        error = join(from, request->data_folder, folders[i], err);
        error = error == 0 ? join(to, data, folders[i], err) : error;
        if (error == 0 && file_is_folder(from)) {
            error = tree_copy(from, to, err);
        }
    }
    return error;
}

static int copy_rest(const struct backup_request *request, const char *folder, const char *data,
                     struct err *err)
{
    static const char versions[] = "config/versions";
    char from[TREE_PATH_MAX], to[TREE_PATH_MAX];
    int error = join(from, request->data_folder, versions, err);
    error = error == 0 ? join(to, data, versions, err) : error;
    error = error == 0 ? tree_copy(from, to, err) : error;
    if (error == 0 && request->config_path != NULL) {
        error = join(to, folder, "config", err);
        error = error == 0 ? copy_config(request->config_path, to, err) : error;
    }
    error = error == 0 ? copy_certificates(request, data, err) : error;
    if (error == 0 && request->secrets) {
        error = copy_if_there(request->data_folder, "secrets", data, err);
        error = error == 0 ? copy_if_there(request->data_folder, "connector-keys", data, err)
                           : error;
        error = error == 0 ? copy_if_there(request->data_folder, "secrets.key", data, err) : error;
    }
    return error;
}

static int check_copy(const char *data, history_finding_cb cb, void *ctx,
                      struct backup_result *result, struct err *err)
{
    struct state *state = NULL;
    int error = state_open(data, &state, err);
    error = error == 0 ? state_check(state, err) : error;
    if (error == 0) {
        error = history_verify(data, state, &result->findings, cb, ctx);
        if (error == BUSBAR_EDAMAGED) {
            error = 0; /* as the original is; told */
        } else if (error != 0) {
            err_set(err, error, "the copy in %s cannot be checked: %s", data, err_text(error));
        }
    }
    state_close(state);
    return error;
}

static int fill(const struct backup_request *request, const char *folder, history_finding_cb cb,
                void *ctx, struct backup_result *result, struct err *err)
{
    char data[TREE_PATH_MAX];
    int error = join(data, folder, "data", err);
    error = error == 0 ? file_make_folders(file_ops_real(), data, 0700, err) : error;
    if (error == 0) {
        error = request->history != NULL
                    ? history_backup(request->history, data, err)
                    : history_backup_folder(request->data_folder, request->state, data, err);
    }
    error = error == 0 ? copy_rest(request, folder, data, err) : error;
    error = error == 0 ? check_copy(data, cb, ctx, result, err) : error;
    return error == 0 ? write_list(folder, result, err) : error;
}

int backup_make(const struct backup_request *request, history_finding_cb cb, void *ctx,
                struct backup_result *result, struct err *err)
{
    char folder[TREE_PATH_MAX], parent[TREE_PATH_MAX];
    *result = (struct backup_result){ 0 };
    if (request->to[0] != '/' || strlen(request->to) + 32 > sizeof(folder)) {
        return err_set(err, BUSBAR_EINVAL, "the folder of a backup must be an absolute path");
    }
    if (file_exists(request->to)) {
        err_set(err, BUSBAR_EEXIST, "%s is there already", request->to);
        err_hint(err, "a backup makes its own folder: name a new one");
        return BUSBAR_EEXIST;
    }
    str_format(folder, sizeof(folder), "%s.tmp", request->to);
    int error = tree_remove(folder, err); /* what a cut backup left */
    error = error == 0 ? fill(request, folder, cb, ctx, result, err) : error;
    if (error == 0 && rename(folder, request->to) != 0) {
        error = err_set(err, BUSBAR_EIO, "cannot rename %s to %s: %s", folder, request->to,
                        strerror(errno));
    }
    if (error != 0) {
        struct err ignored = { 0 };
        (void)tree_remove(folder, &ignored);
        return error;
    }
    str_copy(parent, sizeof(parent), request->to);
    char *slash = strrchr(parent, '/');
    slash[slash == parent ? 1 : 0] = '\0';
    return file_sync_folder(file_ops_real(), parent);
}
