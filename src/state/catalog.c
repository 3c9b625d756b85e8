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
                                   block->series,
                                   block->done_us,
                                   (int64_t)block->deletes,
                                   block->tiers_us };
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

static int change_all(struct state *state, const struct state_change *change)
{
    int error = 0;
    for (size_t i = 0; i < change->remove_count && error == 0; i++) {
        error = run_with(state, STATE_BLOCK_REMOVE, change->remove[i]);
    }
    for (size_t i = 0; i < change->add_count && error == 0; i++) {
        error = add_block(state, &change->add[i]);
    }
    const struct {
        enum state_statement which;
        const char *name;
        int64_t number;
    } counters[] = {
        { STATE_COUNTER_SET, "log mark", (int64_t)change->mark },
        { STATE_COUNTER_SET, "merged day", change->merged_day },
        { STATE_COUNTER_ADD, "samples expired", (int64_t)change->expired },
    };
    for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]) && error == 0; i++) {
        if (counters[i].number != 0) {
            error = state_counter_change(state, counters[i].which, counters[i].name,
                                         counters[i].number);
        }
    }
    if (error == 0 && change->deletes_done > 0) {
        error = run_with(state, STATE_DELETION_DONE, change->deletes_done);
    }
    return error;
}

int state_blocks_change(struct state *state, const struct state_change *change)
{
    pthread_mutex_lock(&state->lock);
    int error = state_begin(state);
    if (error == 0) {
        error = state_end(state, change_all(state, change));
    }
    pthread_mutex_unlock(&state->lock);
    return error;
}

int state_block_counts(struct state *state, struct state_block_counts *counts)
{
    int64_t expired = 0;
    int64_t deleted = 0;
    pthread_mutex_lock(&state->lock);
    int error = state_counter_get(state, "samples expired", &expired);
    error = error == 0 ? state_counter_get(state, "samples deleted", &deleted) : error;
    error = error == 0 ? state_counter_get(state, "merged day", &counts->merged_day) : error;
    pthread_mutex_unlock(&state->lock);
    counts->expired = (uint64_t)expired;
    counts->deleted = (uint64_t)deleted;
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
        .done_us = sqlite3_column_int64(statement, 9),
        .deletes = (uint64_t)sqlite3_column_int64(statement, 10),
        .tiers_us = sqlite3_column_int64(statement, 11),
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
    int64_t number = 0;
    *blocks = NULL;
    *count = 0;
    pthread_mutex_lock(&state->lock);
    int error = list_blocks(state, blocks, count);
    error = error == 0 ? state_counter_get(state, "log mark", &number) : error;
    pthread_mutex_unlock(&state->lock);
    *mark = (uint64_t)number;
    if (error != 0) {
        busbar_free(*blocks);
        *blocks = NULL;
        *count = 0;
    }
    return error;
}

/* --- deletions --- */

static int add_deletion(struct state *state, struct state_deletion *deletion)
{
    sqlite3_stmt *statement = state_statement(state, STATE_DELETION_ADD);
    if (statement != NULL) {
        sqlite3_bind_int64(statement, 1, deletion->series);
        sqlite3_bind_int64(statement, 2, deletion->from_us);
        sqlite3_bind_int64(statement, 3, deletion->to_us);
        sqlite3_bind_int64(statement, 4, (int64_t)deletion->sequence);
    }
    int error = state_run(state, statement);
    deletion->id = (uint64_t)sqlite3_last_insert_rowid(state->db);
    return error;
}

int state_deletions_add(struct state *state, struct state_deletion *deletions, size_t count,
                        uint64_t samples)
{
    pthread_mutex_lock(&state->lock);
    int error = state_begin(state);
    if (error == 0) {
        for (size_t i = 0; i < count && error == 0; i++) {
            error = add_deletion(state, &deletions[i]);
        }
        if (error == 0) {
            error = state_counter_change(state, STATE_COUNTER_ADD, "samples deleted",
                                         (int64_t)samples);
        }
        error = state_end(state, error);
    }
    pthread_mutex_unlock(&state->lock);
    return error;
}

static int list_deletions(struct state *state, struct state_deletion **deletions, size_t *count)
{
    sqlite3_stmt *statement = state_statement(state, STATE_DELETION_ALL);
    size_t capacity = 0;
    int result;
    while ((result = state_step(state, statement)) == SQLITE_ROW) {
        if (*count == capacity) {
            capacity = capacity > 0 ? 2 * capacity : 64;
            *deletions = busbar_realloc(*deletions, capacity * sizeof(**deletions));
        }
        (*deletions)[(*count)++] = (struct state_deletion){
            .id = (uint64_t)sqlite3_column_int64(statement, 0),
            .series = (uint32_t)sqlite3_column_int64(statement, 1),
            .from_us = sqlite3_column_int64(statement, 2),
            .to_us = sqlite3_column_int64(statement, 3),
            .sequence = (uint64_t)sqlite3_column_int64(statement, 4),
        };
    }
    return result < 0 ? result : 0;
}

int state_deletions(struct state *state, struct state_deletion **deletions, size_t *count,
                    uint64_t *last)
{
    *deletions = NULL;
    *count = 0;
    *last = 0;
    pthread_mutex_lock(&state->lock);
    int error = list_deletions(state, deletions, count);
    sqlite3_stmt *statement = error == 0 ? state_statement(state, STATE_DELETION_LAST) : NULL;
    int result = error == 0 ? state_step(state, statement) : error;
    if (result == SQLITE_ROW) {
        *last = (uint64_t)sqlite3_column_int64(statement, 0);
        sqlite3_reset(statement);
    }
    pthread_mutex_unlock(&state->lock);
    if (result < 0) {
        busbar_free(*deletions);
        *deletions = NULL;
        *count = 0;
        return result;
    }
    return 0;
}
