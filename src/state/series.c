/* SPDX-License-Identifier: Apache-2.0 */
/* Series ids. Ids go up and are never given out twice, so a path that comes back after years finds
 * its history. New ones are given in the caller's order, but written in the order of paths, which
 * fills the tree from left to right. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "state/db.h"

enum {
    SCAN_FROM = 64, /* paths: fewer are looked up one by one */
    PATHS_AT_ONCE = 4096,
};

struct wanted {
    const char *path;
    size_t index; /* in the caller's array */
};

static int by_path(const void *a, const void *b)
{
    const struct wanted *left = a;
    const struct wanted *right = b;
    int order = strcmp(left->path, right->path);
    return order != 0 ? order : left->index < right->index ? -1 : 1;
}

static int bind_path(sqlite3_stmt *statement, const char *path)
{
    return sqlite3_bind_text(statement, 1, path, -1, SQLITE_STATIC);
}

static int look_up(struct state *state, const char *path, uint32_t *id)
{
    sqlite3_stmt *statement = state_statement(state, STATE_ID_GET);
    if (statement != NULL) {
        bind_path(statement, path);
    }
    int result = state_step(state, statement);
    *id = 0;
    if (result == SQLITE_ROW) {
        *id = (uint32_t)sqlite3_column_int64(statement, 0);
        sqlite3_reset(statement);
    }
    return result < 0 ? result : 0;
}

static int look_up_each(struct state *state, const struct wanted *wanted, size_t count,
                        uint32_t *ids)
{
    int error = 0;
    for (size_t i = 0; i < count && error == 0; i++) {
        error = look_up(state, wanted[i].path, &ids[wanted[i].index]);
    }
    return error;
}

/* One walk through the table beside the sorted paths. */
static int look_up_all(struct state *state, const struct wanted *wanted, size_t count,
                       uint32_t *ids)
{
    sqlite3_stmt *statement = state_statement(state, STATE_ID_ALL);
    size_t at = 0;
    int result;
    while ((result = state_step(state, statement)) == SQLITE_ROW && at < count) {
        const char *path = (const char *)sqlite3_column_text(statement, 0);
        if (path == NULL) {
            sqlite3_reset(statement);
            return BUSBAR_ENOMEM;
        }
        while (at < count && strcmp(wanted[at].path, path) < 0) {
            at++;
        }
        for (; at < count && strcmp(wanted[at].path, path) == 0; at++) {
            ids[wanted[at].index] = (uint32_t)sqlite3_column_int64(statement, 1);
        }
    }
    if (statement != NULL) {
        sqlite3_reset(statement);
    }
    return result < 0 ? result : 0;
}

static int last_id(struct state *state, int64_t *last)
{
    sqlite3_stmt *statement = state_statement(state, STATE_ID_COUNT);
    int result = state_step(state, statement);
    if (result == SQLITE_ROW) {
        *last = sqlite3_column_int64(statement, 0);
        sqlite3_reset(statement);
        return 0;
    }
    str_copy(state->reason, sizeof(state->reason), "the counter of series is missing");
    return result < 0 ? result : BUSBAR_EDAMAGED;
}

static int set_last_id(struct state *state, int64_t last)
{
    sqlite3_stmt *statement = state_statement(state, STATE_ID_COUNT_SET);
    if (statement != NULL) {
        sqlite3_bind_int64(statement, 1, last);
    }
    return state_run(state, statement);
}

/* The same new path twice: both get the id of the first in the caller's order. */
static int64_t give_ids(struct wanted *wanted, size_t count, uint32_t *ids, int64_t last)
{
    size_t *heads = busbar_try_alloc(count * sizeof(*heads));
    if (heads == NULL) {
        return BUSBAR_ENOMEM;
    }
    for (size_t i = 0; i < count; i++) { /* equal paths are neighbours, the lowest index first */
        bool again = i > 0 && strcmp(wanted[i].path, wanted[i - 1].path) == 0;
        heads[wanted[i].index] = again ? heads[wanted[i - 1].index] : wanted[i].index;
    }
    for (size_t i = 0; i < count; i++) {
        if (ids[i] == 0) {
            ids[i] = heads[i] < i ? ids[heads[i]] : (uint32_t)++last;
        }
    }
    busbar_free(heads);
    return last;
}

static int add_new(struct state *state, struct wanted *wanted, size_t count, uint32_t *ids,
                   int64_t first_new)
{
    sqlite3_stmt *statement = state_statement(state, STATE_ID_ADD);
    int error = statement == NULL ? BUSBAR_EDAMAGED : 0;
    for (size_t i = 0; i < count && error == 0; i++) {
        uint32_t id = ids[wanted[i].index];
        if (id < first_new || (i > 0 && id == ids[wanted[i - 1].index])) {
            continue;
        }
        bind_path(statement, wanted[i].path);
        sqlite3_bind_int64(statement, 2, id);
        error = state_run(state, statement);
    }
    return error;
}

static int find_or_add(struct state *state, struct wanted *wanted, size_t count, uint32_t *ids)
{
    int64_t last = 0;
    int error = last_id(state, &last);
    if (error == 0) {
        bool few = count < SCAN_FROM || (int64_t)count < last / 32;
        error = few ? look_up_each(state, wanted, count, ids)
                    : look_up_all(state, wanted, count, ids);
    }
    if (error != 0) {
        return error;
    }
    int64_t end = give_ids(wanted, count, ids, last);
    if (end < 0) {
        return (int)end;
    }
    if (end > STATE_SERIES_MAX) {
        str_copy(state->reason, sizeof(state->reason), "all series ids are used up");
        return BUSBAR_ELIMIT;
    }
    if (end == last) {
        return 0;
    }
    error = add_new(state, wanted, count, ids, last + 1);
    return error == 0 ? set_last_id(state, end) : error;
}

static int check_paths(struct wanted *wanted, const char *const *paths, size_t count,
                       struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        size_t size = strlen(paths[i]);
        if (size == 0 || size > STATE_PATH_MAX) {
            return err_set(err, BUSBAR_ELIMIT, "a path must have 1 to %u bytes: '%.64s'",
                           STATE_PATH_MAX, paths[i]);
        }
        wanted[i] = (struct wanted){ .path = paths[i], .index = i };
    }
    qsort(wanted, count, sizeof(*wanted), by_path);
    return 0;
}

int state_ids(struct state *state, const char *const *paths, size_t count, uint32_t *ids,
              struct err *err)
{
    if (count == 0) {
        return 0;
    }
    struct wanted *wanted = busbar_try_alloc(count * sizeof(*wanted));
    if (wanted == NULL) {
        return err_set(err, BUSBAR_ENOMEM, "out of memory for %zu paths", count);
    }
    int error = check_paths(wanted, paths, count, err);
    if (error == 0) {
        memset(ids, 0, count * sizeof(*ids));
        pthread_mutex_lock(&state->lock);
        error = state_begin(state);
        if (error == 0) {
            error = state_end(state, find_or_add(state, wanted, count, ids));
        }
        if (error != 0) {
            state_err(state, err, error, "cannot give series ids in");
        }
        pthread_mutex_unlock(&state->lock);
    }
    busbar_free(wanted);
    return error;
}

int state_ids_last(struct state *state, uint32_t *last)
{
    int64_t value = 0;
    pthread_mutex_lock(&state->lock);
    int error = last_id(state, &value);
    pthread_mutex_unlock(&state->lock);
    *last = (uint32_t)value;
    return error;
}

static int reserve(struct state *state, uint32_t last, uint32_t to)
{
    int64_t value = 0;
    int error = last_id(state, &value);
    if (error != 0) {
        return error;
    }
    return value != last ? BUSBAR_EAGAIN : set_last_id(state, to);
}

int state_ids_reserve(struct state *state, uint32_t last, uint32_t to)
{
    if (to <= last) {
        return 0;
    }
    if (to >= STATE_SERIES_MAX) {
        return BUSBAR_ELIMIT;
    }
    pthread_mutex_lock(&state->lock);
    int error = state_begin(state);
    if (error == 0) {
        error = state_end(state, reserve(state, last, to));
    }
    pthread_mutex_unlock(&state->lock);
    return error;
}

int state_id_find(struct state *state, const char *path, uint32_t *id)
{
    pthread_mutex_lock(&state->lock);
    int error = look_up(state, path, id);
    pthread_mutex_unlock(&state->lock);
    return error != 0 ? error : *id == 0 ? BUSBAR_ENOENT : 0;
}

int state_paths(struct state *state, state_path_cb cb, void *ctx)
{
    pthread_mutex_lock(&state->lock);
    sqlite3_stmt *statement = state_statement(state, STATE_ID_ALL);
    int result;
    bool more = true;
    while (more && (result = state_step(state, statement)) == SQLITE_ROW) {
        const char *path = (const char *)sqlite3_column_text(statement, 0);
        more = path != NULL && cb(ctx, (uint32_t)sqlite3_column_int64(statement, 1), path);
    }
    if (statement != NULL) {
        sqlite3_reset(statement);
    }
    pthread_mutex_unlock(&state->lock);
    return result < 0 ? result : 0;
}

/* ---- from ids to paths ---- */

struct of_ids {
    const uint32_t *ids; /* sorted */
    size_t count, seen;
    char last[STATE_PATH_MAX + 1];
    state_series_cb cb;
    void *ctx;
};

static int by_number(const void *a, const void *b)
{
    const uint32_t *left = a;
    const uint32_t *right = b;
    return (*left > *right) - (*left < *right);
}

static void give_if_wanted(void *ctx, uint32_t id, const char *text, size_t size)
{
    struct of_ids *of = ctx;
    of->seen++;
    (void)str_copy(of->last, sizeof(of->last), text);
    if (bsearch(&id, of->ids, of->count, sizeof(id), by_number) != NULL) {
        of->cb(of->ctx, id, text, size);
    }
}

int state_paths_of(struct state *state, const uint32_t *ids, size_t count, state_series_cb cb,
                   void *ctx)
{
    if (count == 0) {
        return 0;
    }
    uint32_t *sorted = busbar_try_alloc(count * sizeof(*sorted));
    if (sorted == NULL) {
        return BUSBAR_ENOMEM;
    }
    memcpy(sorted, ids, count * sizeof(*sorted));
    qsort(sorted, count, sizeof(*sorted), by_number);
    struct of_ids of = { .ids = sorted, .count = count, .cb = cb, .ctx = ctx };
    int error;
    do {
        of.seen = 0;
        error = state_paths_after(state, of.last, PATHS_AT_ONCE, give_if_wanted, &of);
    } while (error == 0 && of.seen == PATHS_AT_ONCE);
    busbar_free(sorted);
    return error;
}
