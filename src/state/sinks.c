/* SPDX-License-Identifier: Apache-2.0 */
/* Where sinks stand: place in the log, counts, the baseline of the ledger. What is set aside is in aside.c. */
#include "state/sinks.h"

#include <string.h>

#include "base/alloc.h"
#include "base/str.h"

static void bind_name(sqlite3_stmt *statement, const char *name)
{
    if (statement != NULL) {
        sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
    }
}

/* Place and counts, in this order from the parameter or column `at` on. */
static void bind_progress(sqlite3_stmt *statement, int at, const struct state_sink_place *place,
                          const struct state_sink_counts *counts)
{
    const uint64_t numbers[] = { place->sequence,  place->taken,         counts->published,
                                 counts->repeated, counts->aside,        counts->released,
                                 counts->events,   counts->events_aside, counts->events_released,
                                 counts->lost };
    for (int i = 0; i < (int)(sizeof(numbers) / sizeof(numbers[0])); i++) {
        sqlite3_bind_int64(statement, at + i, (int64_t)numbers[i]);
    }
}

static uint64_t column_u64(sqlite3_stmt *statement, int at)
{
    return (uint64_t)sqlite3_column_int64(statement, at);
}

static void read_row(sqlite3_stmt *statement, struct state_sink *sink)
{
    const char *name = (const char *)sqlite3_column_text(statement, 0);
    const char *log_id = (const char *)sqlite3_column_text(statement, 1);
    *sink = (struct state_sink){
        .place = { column_u64(statement, 2), (uint32_t)column_u64(statement, 3) },
        .counts = { .published = column_u64(statement, 4),
                    .repeated = column_u64(statement, 5),
                    .aside = column_u64(statement, 6),
                    .released = column_u64(statement, 7),
                    .events = column_u64(statement, 8),
                    .events_aside = column_u64(statement, 9),
                    .events_released = column_u64(statement, 10),
                    .lost = column_u64(statement, 11) },
        .paused = sqlite3_column_int(statement, 12) != 0,
        .began_us = sqlite3_column_int64(statement, 13),
        .counted = sqlite3_column_int(statement, 14) != 0,
        .baseline = sqlite3_column_int64(statement, 15),
        .filter = column_u64(statement, 16),
    };
    (void)str_copy(sink->name, sizeof(sink->name), name != NULL ? name : "");
    (void)str_copy(sink->log_id, sizeof(sink->log_id), log_id != NULL ? log_id : "");
}

int state_sink_set(struct state *state, const struct state_sink *sink)
{
    pthread_mutex_lock(&state->lock);
    sqlite3_stmt *statement = state_statement(state, STATE_SINK_SET);
    bind_name(statement, sink->name);
    if (statement != NULL) {
        sqlite3_bind_text(statement, 2, sink->log_id, -1, SQLITE_STATIC);
        bind_progress(statement, 3, &sink->place, &sink->counts);
        sqlite3_bind_int(statement, 13, sink->paused);
        sqlite3_bind_int64(statement, 14, sink->began_us);
        sqlite3_bind_int(statement, 15, sink->counted);
        sqlite3_bind_int64(statement, 16, sink->baseline);
        sqlite3_bind_int64(statement, 17, (int64_t)sink->filter);
    }
    int error = state_run(state, statement);
    pthread_mutex_unlock(&state->lock);
    return error;
}

/* An UPDATE of the one row; the lock is held. */
static int change(struct state *state, sqlite3_stmt *statement)
{
    int error = state_run(state, statement);
    return error == 0 && sqlite3_changes64(state->db) == 0 ? BUSBAR_ENOENT : error;
}

int state_sink_progress(struct state *state, const char *name, const struct state_sink_place *place,
                        const struct state_sink_counts *counts)
{
    sqlite3_stmt *statement = state_statement(state, STATE_SINK_MOVE);
    bind_name(statement, name);
    if (statement != NULL) {
        bind_progress(statement, 2, place, counts);
    }
    return change(state, statement);
}

int state_sink_move(struct state *state, const char *name, const struct state_sink_place *place,
                    const struct state_sink_counts *counts)
{
    pthread_mutex_lock(&state->lock);
    int error = state_sink_progress(state, name, place, counts);
    pthread_mutex_unlock(&state->lock);
    return error;
}

int state_sink_pause(struct state *state, const char *name, bool paused)
{
    pthread_mutex_lock(&state->lock);
    sqlite3_stmt *statement = state_statement(state, STATE_SINK_PAUSE);
    bind_name(statement, name);
    if (statement != NULL) {
        sqlite3_bind_int(statement, 2, paused);
    }
    int error = change(state, statement);
    pthread_mutex_unlock(&state->lock);
    return error;
}

/* The lock is held; in a transaction. */
static int set_baseline(struct state *state, const char *name, int64_t baseline, uint64_t filter,
                        const struct state_sink_place *place,
                        const struct state_sink_counts *counts)
{
    sqlite3_stmt *statement = state_statement(state, STATE_SINK_BASE);
    bind_name(statement, name);
    if (statement != NULL) {
        sqlite3_bind_int64(statement, 2, baseline);
        sqlite3_bind_int64(statement, 3, (int64_t)filter);
    }
    int error = change(state, statement);
    if (error != 0) {
        return error;
    }
    statement = state_statement(state, STATE_SINK_MOVE_ON);
    bind_name(statement, name);
    if (statement != NULL) {
        bind_progress(statement, 2, place, counts);
    }
    return state_run(state, statement);
}

int state_sink_baseline(struct state *state, const char *name, int64_t baseline, uint64_t filter,
                        const struct state_sink_place *place,
                        const struct state_sink_counts *counts)
{
    pthread_mutex_lock(&state->lock);
    int error = state_begin(state);
    if (error == 0) {
        error = state_end(state, set_baseline(state, name, baseline, filter, place, counts));
    }
    pthread_mutex_unlock(&state->lock);
    return error;
}

int state_sink_get(struct state *state, const char *name, struct state_sink *sink)
{
    pthread_mutex_lock(&state->lock);
    sqlite3_stmt *statement = state_statement(state, STATE_SINK_GET);
    bind_name(statement, name);
    int result = state_step(state, statement);
    if (result == SQLITE_ROW) {
        read_row(statement, sink);
        sqlite3_reset(statement);
    }
    if (statement != NULL) {
        sqlite3_clear_bindings(statement);
    }
    pthread_mutex_unlock(&state->lock);
    return result == SQLITE_ROW ? 0 : result < 0 ? result : BUSBAR_ENOENT;
}

int state_sinks(struct state *state, state_sink_cb cb, void *ctx)
{
    pthread_mutex_lock(&state->lock);
    sqlite3_stmt *statement = state_statement(state, STATE_SINK_ALL);
    int result;
    while ((result = state_step(state, statement)) == SQLITE_ROW) {
        struct state_sink sink;
        read_row(statement, &sink);
        cb(ctx, &sink);
    }
    pthread_mutex_unlock(&state->lock);
    return result < 0 ? result : 0;
}

static int remove_of(struct state *state, enum state_statement which, const char *name)
{
    sqlite3_stmt *statement = state_statement(state, which);
    bind_name(statement, name);
    return state_run(state, statement);
}

int state_sink_remove(struct state *state, const char *name)
{
    pthread_mutex_lock(&state->lock);
    int error = state_begin(state);
    if (error == 0) {
        error = remove_of(state, STATE_ASIDE_REMOVE_ALL, name);
        error = error == 0 ? remove_of(state, STATE_SINK_REMOVE, name) : error;
        error = state_end(state, error);
    }
    pthread_mutex_unlock(&state->lock);
    return error;
}

/* ---- the log's id ---- */

static const char log_id_key[] = "log id";

static void make_id(char id[STATE_LOG_ID_SIZE])
{
    unsigned char bytes[(STATE_LOG_ID_SIZE - 1) / 2];
    sqlite3_randomness(sizeof(bytes), bytes);
    for (size_t i = 0; i < sizeof(bytes); i++) {
        (void)str_format(id + 2 * i, 3, "%02x", bytes[i]);
    }
}

int state_log_id(struct state *state, char id[STATE_LOG_ID_SIZE])
{
    char *known = NULL;
    int error = state_get(state, log_id_key, &known);
    if (error == 0 && strlen(known) == STATE_LOG_ID_SIZE - 1) {
        (void)str_copy(id, STATE_LOG_ID_SIZE, known);
    } else if (error == 0 || error == BUSBAR_ENOENT) {
        make_id(id);
        error = state_set(state, log_id_key, id);
    }
    busbar_free(known);
    return error;
}

/* The lock is held; in a transaction. */
static int renew(struct state *state, const char *id)
{
    sqlite3_stmt *statement = state_statement(state, STATE_VALUE_SET);
    bind_name(statement, log_id_key);
    if (statement != NULL) {
        sqlite3_bind_text(statement, 2, id, -1, SQLITE_STATIC);
    }
    int error = state_run(state, statement);
    if (error != 0) {
        return error;
    }
    statement = state_statement(state, STATE_SINK_LOG);
    bind_name(statement, id);
    return state_run(state, statement);
}

int state_log_renew(struct state *state)
{
    char id[STATE_LOG_ID_SIZE];
    make_id(id);
    pthread_mutex_lock(&state->lock);
    int error = state_begin(state);
    if (error == 0) {
        error = state_end(state, renew(state, id));
    }
    pthread_mutex_unlock(&state->lock);
    return error;
}
