/* SPDX-License-Identifier: Apache-2.0 */
/* Label sets of series that were sent to us: id -> canonical text, in a table of their own, filled at its
 * end. Nothing is looked up by text here: all sets are in memory (history/index.h). */
#include "state/db.h"

static int last_id(struct state *state, int64_t *last)
{
    sqlite3_stmt *statement = state_statement(state, STATE_ID_COUNT);
    int result = state_step(state, statement);
    if (result != SQLITE_ROW) {
        return result < 0 ? result : BUSBAR_EDAMAGED;
    }
    *last = sqlite3_column_int64(statement, 0);
    sqlite3_reset(statement);
    return 0;
}

static int set_last_id(struct state *state, int64_t last)
{
    sqlite3_stmt *statement = state_statement(state, STATE_ID_COUNT_SET);
    if (statement != NULL) {
        sqlite3_bind_int64(statement, 1, last);
    }
    return state_run(state, statement);
}

static int add(struct state *state, const struct state_text *texts, size_t count, uint32_t *first)
{
    int64_t last = 0;
    int error = last_id(state, &last);
    if (error != 0) {
        return error;
    }
    if (last + (int64_t)count > STATE_SERIES_MAX) {
        return BUSBAR_ELIMIT;
    }
    *first = (uint32_t)(last + 1);
    sqlite3_stmt *statement = state_statement(state, STATE_SET_ADD);
    for (size_t i = 0; i < count && error == 0; i++) {
        if (statement != NULL) {
            sqlite3_bind_int64(statement, 1, ++last);
            sqlite3_bind_text(statement, 2, texts[i].text, (int)texts[i].size, SQLITE_STATIC);
        }
        error = state_run(state, statement);
    }
    return error == 0 ? set_last_id(state, last) : error;
}

int state_label_sets_add(struct state *state, const struct state_text *texts, size_t count,
                         uint32_t *first, struct err *err)
{
    pthread_mutex_lock(&state->lock);
    int error = state_begin(state);
    if (error == 0) {
        error = state_end(state, add(state, texts, count, first));
    }
    if (error == BUSBAR_ELIMIT) {
        err_set(err, error, "all %u series ids are used up", STATE_SERIES_MAX);
    } else if (error != 0) {
        state_err(state, err, error, "cannot give series ids in");
    }
    pthread_mutex_unlock(&state->lock);
    return error;
}

static int remove_sets(struct state *state, const uint32_t *ids, size_t count)
{
    int64_t removed = 0;
    int error = 0;
    for (size_t i = 0; i < count && error == 0; i++) {
        sqlite3_stmt *statement = state_statement(state, STATE_SET_REMOVE);
        if (statement != NULL) {
            sqlite3_bind_int64(statement, 1, ids[i]);
        }
        error = state_run(state, statement);
        removed += error == 0 ? sqlite3_changes64(state->db) : 0;
    }
    return error == 0 && removed > 0
               ? state_counter_change(state, STATE_COUNTER_ADD, "label sets removed", removed)
               : error;
}

int state_label_sets_remove(struct state *state, const uint32_t *ids, size_t count)
{
    pthread_mutex_lock(&state->lock);
    int error = state_begin(state);
    if (error == 0) {
        error = state_end(state, remove_sets(state, ids, count));
    }
    pthread_mutex_unlock(&state->lock);
    return error;
}

int state_label_sets_removed(struct state *state, uint64_t *removed)
{
    int64_t count = 0;
    pthread_mutex_lock(&state->lock);
    int error = state_counter_get(state, "label sets removed", &count);
    pthread_mutex_unlock(&state->lock);
    *removed = (uint64_t)count;
    return error;
}

int state_label_sets(struct state *state, uint32_t after, size_t limit, state_series_cb cb,
                     void *ctx)
{
    pthread_mutex_lock(&state->lock);
    sqlite3_stmt *statement = state_statement(state, STATE_SET_SOME);
    if (statement != NULL) {
        sqlite3_bind_int64(statement, 1, after);
        sqlite3_bind_int64(statement, 2, (int64_t)limit);
    }
    int result;
    while ((result = state_step(state, statement)) == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(statement, 1);
        if (text != NULL) {
            cb(ctx, (uint32_t)sqlite3_column_int64(statement, 0), text,
               (size_t)sqlite3_column_bytes(statement, 1));
        }
    }
    pthread_mutex_unlock(&state->lock);
    return result < 0 ? result : 0;
}

int state_paths_after(struct state *state, const char *after, size_t limit, state_series_cb cb,
                      void *ctx)
{
    pthread_mutex_lock(&state->lock);
    sqlite3_stmt *statement = state_statement(state, STATE_ID_SOME);
    if (statement != NULL) {
        sqlite3_bind_text(statement, 1, after, -1, SQLITE_STATIC);
        sqlite3_bind_int64(statement, 2, (int64_t)limit);
    }
    int result;
    while ((result = state_step(state, statement)) == SQLITE_ROW) {
        const char *path = (const char *)sqlite3_column_text(statement, 0);
        if (path != NULL) {
            cb(ctx, (uint32_t)sqlite3_column_int64(statement, 1), path,
               (size_t)sqlite3_column_bytes(statement, 0));
        }
    }
    pthread_mutex_unlock(&state->lock);
    return result < 0 ? result : 0;
}
