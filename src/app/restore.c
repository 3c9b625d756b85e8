/* SPDX-License-Identifier: Apache-2.0 */
/* Restoring: everything that can go wrong is done before anything is moved.
 *
 *   restore.tmp    the new data folder, being copied and checked; a cut here has changed nothing
 *   restore.under  there while files are moved: names the backup. A gateway does not start beside it, the next
 *                  restore puts all that is there aside and begins again */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/backup.h"
#include "app/tree.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/str.h"
#include "state/state.h"

#define BUILT "restore.tmp"
#define UNDER "restore.under"

enum { NAMES_MAX = 100000 };

static int join(char path[TREE_PATH_MAX], const char *folder, const char *name, struct err *err)
{
    return file_join(path, TREE_PATH_MAX, folder, name)
               ? 0
               : err_set(err, BUSBAR_ELIMIT, "the path %s/%s is too long", folder, name);
}

/* Secrets may be set before the first start; the lock and restore.* are ours. */
static bool may_stay(const char *name)
{
    return strcmp(name, "lock") == 0 || strcmp(name, "secrets") == 0 ||
           strcmp(name, "secrets.key") == 0 || str_starts(name, "restore.") ||
           str_starts(name, "replaced-");
}

static int move(const char *from_folder, const char *to_folder, const char *name, struct err *err)
{
    char from[TREE_PATH_MAX], to[TREE_PATH_MAX];
    int error = join(from, from_folder, name, err);
    error = error == 0 ? join(to, to_folder, name, err) : error;
    if (error != 0) {
        return error;
    }
    return rename(from, to) == 0
               ? 0
               : err_set(err, BUSBAR_EIO, "cannot move %s to %s: %s", from, to, strerror(errno));
}

static int move_in(const char *from, const char *data_folder, struct err *err)
{
    char **names;
    size_t count;
    int error = file_list(from, NULL, NAMES_MAX, &names, &count, err);
    if (error != 0) {
        return error;
    }
    for (size_t i = 0; i < count && error == 0; i++) {
        error = move(from, data_folder, names[i], err);
    }
    busbar_free(names);
    return error;
}

static int move_aside(const char *data_folder, char *const *names, size_t count, char *aside,
                      size_t aside_size, struct err *err)
{
    char stamp[40], name[64];
    str_format_time(stamp, sizeof(stamp), clock_wall_us(), 0, true);
    str_format(name, sizeof(name), "replaced-%s", stamp);
    if (!file_join(aside, aside_size, data_folder, name)) {
        return err_set(err, BUSBAR_ELIMIT, "the path %s is too long", data_folder);
    }
    int error = file_make_folders(file_ops_real(), aside, 0700, err);
    for (size_t i = 0; i < count && error == 0; i++) {
        if (!may_stay(names[i])) {
            error = move(data_folder, aside, names[i], err);
        }
    }
    return error;
}

/* Its records from now on are others than those of the original with the same numbers. */
static int begin_another_log(struct state *state, struct err *err)
{
    char reason[160];
    int error = state_log_renew(state);
    if (error != 0) {
        state_reason(state, reason, sizeof(reason));
        (void)err_set(err, error, "cannot write to the state.db that is restored: %s", reason);
    }
    return error;
}

/* The new folder aside: copied and checked. */
static int build(const char *folder, const char *built, struct backup_result *result,
                 struct err *err)
{
    char from[TREE_PATH_MAX];
    struct state *state = NULL;
    int error = join(from, folder, "data", err);
    error = error == 0 ? tree_remove(built, err) : error;
    error = error == 0 ? tree_copy(from, built, err) : error;
    error = error == 0 ? state_open(built, &state, err) : error;
    error = error == 0 ? state_check(state, err) : error;
    error = error == 0 ? begin_another_log(state, err) : error;
    if (error == 0) {
        error = history_verify(built, state, &result->findings, NULL, NULL);
        error = error == BUSBAR_EDAMAGED ? 0 : error; /* as it was in the original; counted */
    }
    state_close(state);
    if (error != 0) {
        struct err ignored = { 0 };
        (void)tree_remove(built, &ignored);
    }
    return error;
}

/* Something that must not be lost. */
static bool is_used(char *const *names, size_t count)
{
    bool used = false;
    for (size_t i = 0; i < count; i++) {
        used = used || !may_stay(names[i]);
    }
    return used;
}

static int refuse_used(const char *data_folder, struct err *err)
{
    char **names;
    size_t count;
    int error = file_list(data_folder, NULL, NAMES_MAX, &names, &count, err);
    if (error != 0) {
        return error;
    }
    if (is_used(names, count)) {
        error = err_set(err, BUSBAR_EEXIST, "%s is not empty", data_folder);
        err_hint(err, "name an empty one with --data; or --replace: what is there is kept aside");
    }
    busbar_free(names);
    return error;
}

static int put_in_place(const char *built, const char *data_folder, char *aside, size_t aside_size,
                        struct err *err)
{
    char **names;
    size_t count;
    int error = file_list(data_folder, NULL, NAMES_MAX, &names, &count, err);
    if (error != 0) {
        return error;
    }
    if (is_used(names, count)) {
        error = move_aside(data_folder, names, count, aside, aside_size, err);
    }
    busbar_free(names);
    error = error == 0 ? move_in(built, data_folder, err) : error;
    error = error == 0 ? tree_remove(built, err) : error;
    return error == 0 ? file_sync_folder(file_ops_real(), data_folder) : error;
}

static int end_restore(const char *under, const char *data_folder, struct err *err)
{
    if (unlink(under) != 0) {
        return err_set(err, BUSBAR_EIO, "cannot remove %s: %s", under, strerror(errno));
    }
    return file_sync_folder(file_ops_real(), data_folder);
}

/* The lock is ours. */
static int restore(const char *folder, const char *data_folder, bool replace, char *aside,
                   size_t aside_size, struct backup_result *result, struct err *err)
{
    char built[TREE_PATH_MAX], under[TREE_PATH_MAX], backup[PATH_MAX];
    int error = join(built, data_folder, BUILT, err);
    error = error == 0 ? join(under, data_folder, UNDER, err) : error;
    if (error == 0 && realpath(folder, backup) == NULL) {
        error = err_set(err, BUSBAR_EIO, "%s: %s", folder, strerror(errno));
    }
    if (error == 0 && !replace && !file_exists(under)) { /* refused before all the work */
        error = refuse_used(data_folder, err);
    }
    error = error == 0 ? build(folder, built, result, err) : error;
    if (error == 0) {
        error = file_write(file_ops_real(), under, backup, strlen(backup), 0600, err);
    }
    error = error == 0 ? put_in_place(built, data_folder, aside, aside_size, err) : error;
    return error == 0 ? end_restore(under, data_folder, err) : error;
}

int backup_restore(const char *folder, const char *data_folder, bool replace, char *aside,
                   size_t aside_size, struct backup_result *result, struct err *err)
{
    int lock_fd = -1;
    aside[0] = '\0';
    int error = backup_check(folder, result, err);
    error = error == 0 ? file_make_folders(file_ops_real(), data_folder, 0700, err) : error;
    error = error == 0 ? file_lock(data_folder, &lock_fd, err) : error;
    if (error != 0) {
        return error;
    }
    error = restore(folder, data_folder, replace, aside, aside_size, result, err);
    file_unlock(lock_fd);
    return error;
}

int backup_restored(const char *data_folder, struct err *err)
{
    char path[TREE_PATH_MAX];
    char *backup = NULL;
    size_t size;
    int error = join(path, data_folder, UNDER, err);
    if (error == 0 && !file_exists(path)) {
        error = join(path, data_folder, BUILT, err);
        return error == 0 ? tree_remove(path, err) : error;
    }
    error = error == 0 ? file_read(file_ops_real(), path, PATH_MAX, &backup, &size, err) : error;
    if (error == 0) {
        error = err_set(err, BUSBAR_ECONFLICT, "a restore into %s was cut while files were moved",
                        data_folder);
        err_hint(err, "run it again: busbar history restore %s --data %s", backup, data_folder);
    }
    busbar_free(backup);
    return error;
}
