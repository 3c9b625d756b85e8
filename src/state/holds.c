/* SPDX-License-Identifier: Apache-2.0 */
/* Holds: who holds which point at which priority, and until when. */
#include "state/db.h"

static void bind_text(sqlite3_stmt *statement, int at, const char *text)
{
    sqlite3_bind_text(statement, at, text != NULL ? text : "", -1, SQLITE_STATIC);
}

/* Runs it and lets go of the lock. */
static int run_locked(struct state *state, sqlite3_stmt *statement)
{
    int error = state_run(state, statement);
    pthread_mutex_unlock(&state->lock);
    return error;
}

int state_hold_set(struct state *state, const struct state_hold *hold)
{
    pthread_mutex_lock(&state->lock);
    sqlite3_stmt *statement = state_statement(state, STATE_HOLD_SET);
    if (statement != NULL) {
        bind_text(statement, 1, hold->path);
        sqlite3_bind_int(statement, 2, hold->priority);
        bind_text(statement, 3, hold->value);
        bind_text(statement, 4, hold->who);
        bind_text(statement, 5, hold->from);
        sqlite3_bind_int64(statement, 6, hold->since_us);
        sqlite3_bind_int64(statement, 7, hold->until_us);
    }
    return run_locked(state, statement);
}

int state_hold_remove(struct state *state, const char *path, uint8_t priority)
{
    pthread_mutex_lock(&state->lock);
    sqlite3_stmt *statement = state_statement(state, STATE_HOLD_REMOVE);
    if (statement != NULL) {
        bind_text(statement, 1, path);
        sqlite3_bind_int(statement, 2, priority);
    }
    return run_locked(state, statement);
}

int state_holds(struct state *state, state_hold_cb cb, void *ctx)
{
    pthread_mutex_lock(&state->lock);
    sqlite3_stmt *statement = state_statement(state, STATE_HOLD_ALL);
    int result;
    while ((result = state_step(state, statement)) == SQLITE_ROW) {
        struct state_hold hold = {
            .path = (const char *)sqlite3_column_text(statement, 0),
            .priority = (uint8_t)sqlite3_column_int(statement, 1),
            .value = (const char *)sqlite3_column_text(statement, 2),
            .who = (const char *)sqlite3_column_text(statement, 3),
            .from = (const char *)sqlite3_column_text(statement, 4),
            .since_us = sqlite3_column_int64(statement, 5),
            .until_us = sqlite3_column_int64(statement, 6),
        };
        cb(ctx, &hold);
    }
    pthread_mutex_unlock(&state->lock);
    return result < 0 ? result : 0;
}
