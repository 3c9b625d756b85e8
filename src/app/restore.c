/* SPDX-License-Identifier: Apache-2.0 */
/* Restoring: everything that can go wrong is done before anything is moved. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/backup.h"
#include "app/tree.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/str.h"
#include "state/state.h"

enum { NAMES_MAX = 100000 };

/* Secrets may be set before the first start; the lock is ours. */
static bool may_stay(const char *name)
{
    return strcmp(name, "lock") == 0 || strcmp(name, "secrets") == 0 ||
           strcmp(name, "secrets.key") == 0 || strcmp(name, RESTORE_UNDER_WAY) == 0 ||
           str_starts(name, "replaced-");
}

static int move(const char *from_folder, const char *to_folder, const char *name, struct err *err)
{
    char from[TREE_PATH_MAX], to[TREE_PATH_MAX];
    if (!file_join(from, sizeof(from), from_folder, name) ||
        !file_join(to, sizeof(to), to_folder, name)) {
        return err_set(err, BUSBAR_ELIMIT, "the path %s/%s is too long", to_folder, name);
    }
    return rename(from, to) == 0
               ? 0
               : err_set(err, BUSBAR_EIO, "cannot move %s to %s: %s", from, to, strerror(errno));
}

/* Everything but state.db, then state.db: with it the new folder counts. */
static int move_in(const char *from, const char *data_folder, struct err *err)
{
    char **names;
    size_t count;
    int error = file_list(from, NULL, NAMES_MAX, &names, &count, err);
    if (error != 0) {
        return error;
    }
    for (size_t i = 0; i < count && error == 0; i++) {
        if (strcmp(names[i], "state.db") != 0) {
            error = move(from, data_folder, names[i], err);
        }
    }
    busbar_free(names);
    error = error == 0 ? file_sync_folder(file_ops_real(), data_folder) : error;
    return error == 0 ? move(from, data_folder, "state.db", err) : error;
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

/* The new folder aside: copied and checked. */
static int build(const char *folder, const char *built, struct backup_result *result,
                 struct err *err)
{
    char from[TREE_PATH_MAX];
    struct state *state = NULL;
    if (!file_join(from, sizeof(from), folder, "data")) {
        return err_set(err, BUSBAR_ELIMIT, "the path %s is too long", folder);
    }
    int error = tree_remove(built, err);
    error = error == 0 ? tree_copy(from, built, err) : error;
    error = error == 0 ? state_open(built, &state, err) : error;
    error = error == 0 ? state_check(state, err) : error;
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

static int put_in_place(const char *built, const char *data_folder, bool replace, char *aside,
                        size_t aside_size, struct err *err)
{
    char **names;
    size_t count;
    int error = file_list(data_folder, NULL, NAMES_MAX, &names, &count, err);
    if (error != 0) {
        return error;
    }
    if (is_used(names, count) && !replace) {
        error = err_set(err, BUSBAR_EEXIST, "%s is not empty", data_folder);
        err_hint(err, "name an empty one with --data; or --replace: what is there is kept aside");
    } else if (is_used(names, count)) {
        error = move_aside(data_folder, names, count, aside, aside_size, err);
    }
    busbar_free(names);
    return error == 0 && built != NULL ? move_in(built, data_folder, err) : error;
}

int backup_restore(const char *folder, const char *data_folder, bool replace, char *aside,
                   size_t aside_size, struct backup_result *result, struct err *err)
{
    char built[TREE_PATH_MAX];
    int lock_fd = -1;
    aside[0] = '\0';
    int error = backup_check(folder, result, err);
    error = error == 0 ? file_make_folders(file_ops_real(), data_folder, 0700, err) : error;
    error = error == 0 ? file_lock(data_folder, &lock_fd, err) : error;
    if (error != 0) {
        return error;
    }
    if (!replace) { /* refused before all the work */
        error = put_in_place(NULL, data_folder, false, aside, aside_size, err);
    }
    if (error != 0) {
        file_unlock(lock_fd);
        return error;
    }
    error = file_join(built, sizeof(built), data_folder, RESTORE_UNDER_WAY)
                ? build(folder, built, result, err)
                : err_set(err, BUSBAR_ELIMIT, "the path %s is too long", data_folder);
    error = error == 0 ? put_in_place(built, data_folder, replace, aside, aside_size, err) : error;
    error = error == 0 ? tree_remove(built, err) : error;
    error = error == 0 ? file_sync_folder(file_ops_real(), data_folder) : error;
    file_unlock(lock_fd);
    return error;
}
