/* SPDX-License-Identifier: Apache-2.0 */
/* Learned limits of devices, and named values. */
#include "base/alloc.h"
#include "state/db.h"

static void bind_text(sqlite3_stmt *statement, int at, const char *text)
{
    if (statement != NULL && text != NULL) {
        sqlite3_bind_text(statement, at, text, -1, SQLITE_STATIC);
    }
}

static int run_locked(struct state *state, sqlite3_stmt *statement)
{
    int error = state_run(state, statement);
    pthread_mutex_unlock(&state->lock);
    return error;
}

int state_limit_set(struct state *state, const char *device, const char *name, int64_t value)
{
    pthread_mutex_lock(&state->lock);
    sqlite3_stmt *statement = state_statement(state, STATE_LIMIT_SET);
    bind_text(statement, 1, device);
    bind_text(statement, 2, name);
    if (statement != NULL) {
        sqlite3_bind_int64(statement, 3, value);
    }
    return run_locked(state, statement);
}

int state_limits_forget(struct state *state, const char *device)
{
    pthread_mutex_lock(&state->lock);
    sqlite3_stmt *statement = state_statement(state, STATE_LIMIT_FORGET);
    bind_text(statement, 1, device);
    return run_locked(state, statement);
}

int state_limits(struct state *state, const char *device, state_limit_cb cb, void *ctx)
{
    pthread_mutex_lock(&state->lock);
    sqlite3_stmt *statement = state_statement(state, STATE_LIMIT_ALL);
    bind_text(statement, 1, device);
    int result;
    while ((result = state_step(state, statement)) == SQLITE_ROW) {
        cb(ctx, (const char *)sqlite3_column_text(statement, 0),
           (const char *)sqlite3_column_text(statement, 1), sqlite3_column_int64(statement, 2));
    }
    pthread_mutex_unlock(&state->lock);
    return result < 0 ? result : 0;
}

int state_set(struct state *state, const char *key, const char *value)
{
    pthread_mutex_lock(&state->lock);
    sqlite3_stmt *statement = state_statement(state,
                                              value != NULL ? STATE_VALUE_SET : STATE_VALUE_REMOVE);
    bind_text(statement, 1, key);
    bind_text(statement, 2, value);
    return run_locked(state, statement);
}

int state_get(struct state *state, const char *key, char **value)
{
    *value = NULL;
    pthread_mutex_lock(&state->lock);
    sqlite3_stmt *statement = state_statement(state, STATE_VALUE_GET);
    bind_text(statement, 1, key);
    int result = state_step(state, statement);
    if (result == SQLITE_ROW) {
        *value = busbar_strdup((const char *)sqlite3_column_text(statement, 0));
        sqlite3_reset(statement);
    }
    pthread_mutex_unlock(&state->lock);
    return result < 0 ? result : *value == NULL ? BUSBAR_ENOENT : 0;
}
