/* SPDX-License-Identifier: Apache-2.0 */
/* The catalog of history blocks. A block exists when it is in here: files are made before and
 * removed after. */
#include "base/alloc.h"
#include "state/db.h"

static int add_block(struct state *state, const struct state_block *block)
{
    sqlite3_stmt *statement = state_statement(state, STATE_BLOCK_ADD);
    if (statement != NULL) {
        const int64_t fields[] = { (int64_t)block->id,
                                   block->from_us,
                                   block->to_us,
                                   (int64_t)block->samples,
                                   (int64_t)block->bytes,
                                   (int64_t)block->sequence_first,
                                   (int64_t)block->sequence_last,
                                   block->level,
                                   block->series };
        for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
            sqlite3_bind_int64(statement, (int)i + 1, fields[i]);
        }
    }
    return state_run(state, statement);
}

static int run_with(struct state *state, enum state_statement which, uint64_t number)
{
    sqlite3_stmt *statement = state_statement(state, which);
    if (statement != NULL) {
        sqlite3_bind_int64(statement, 1, (int64_t)number);
    }
    return state_run(state, statement);
}

int state_blocks_change(struct state *state, const struct state_block *add, size_t add_count,
                        const uint64_t *remove, size_t remove_count, uint64_t mark)
{
    pthread_mutex_lock(&state->lock);
    int error = state_begin(state);
    if (error == 0) {
        for (size_t i = 0; i < remove_count && error == 0; i++) {
            error = run_with(state, STATE_BLOCK_REMOVE, remove[i]);
        }
        for (size_t i = 0; i < add_count && error == 0; i++) {
            error = add_block(state, &add[i]);
        }
        if (mark != 0 && error == 0) {
            error = run_with(state, STATE_MARK_SET, mark);
        }
        error = state_end(state, error);
    }
    pthread_mutex_unlock(&state->lock);
    return error;
}

static void get_block(sqlite3_stmt *statement, struct state_block *block)
{
    *block = (struct state_block){
        .id = (uint64_t)sqlite3_column_int64(statement, 0),
        .from_us = sqlite3_column_int64(statement, 1),
        .to_us = sqlite3_column_int64(statement, 2),
        .samples = (uint64_t)sqlite3_column_int64(statement, 3),
        .bytes = (uint64_t)sqlite3_column_int64(statement, 4),
        .sequence_first = (uint64_t)sqlite3_column_int64(statement, 5),
        .sequence_last = (uint64_t)sqlite3_column_int64(statement, 6),
        .level = (uint32_t)sqlite3_column_int64(statement, 7),
        .series = (uint32_t)sqlite3_column_int64(statement, 8),
    };
}

static int list_blocks(struct state *state, struct state_block **blocks, size_t *count)
{
    sqlite3_stmt *statement = state_statement(state, STATE_BLOCK_ALL);
    size_t capacity = 0;
    int result;
    while ((result = state_step(state, statement)) == SQLITE_ROW) {
        if (*count == capacity) {
            capacity = capacity > 0 ? 2 * capacity : 64;
            *blocks = busbar_realloc(*blocks, capacity * sizeof(**blocks));
        }
        get_block(statement, &(*blocks)[(*count)++]);
    }
    return result < 0 ? result : 0;
}

int state_blocks(struct state *state, struct state_block **blocks, size_t *count, uint64_t *mark)
{
    *blocks = NULL;
    *count = 0;
    *mark = 0;
    pthread_mutex_lock(&state->lock);
    int error = list_blocks(state, blocks, count);
    sqlite3_stmt *statement = state_statement(state, STATE_MARK_GET);
    int result = error == 0 ? state_step(state, statement) : error;
    if (result == SQLITE_ROW) {
        *mark = (uint64_t)sqlite3_column_int64(statement, 0);
        sqlite3_reset(statement);
    }
    pthread_mutex_unlock(&state->lock);
    if (result < 0) {
        busbar_free(*blocks);
        *blocks = NULL;
        *count = 0;
        return result;
    }
    return 0;
}
