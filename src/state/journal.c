/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/str.h"
#include "state/db.h"

enum { LIMIT_DEFAULT = 100, LIMIT_MAX = 10000 };

static void bind_kept(sqlite3_stmt *statement, int at, const char *text)
{
    text = text != NULL ? text : "";
    size_t size = str_utf8_cut(text, strlen(text), STATE_JOURNAL_TEXT_MAX);
    sqlite3_bind_text(statement, at, text, (int)size, SQLITE_STATIC);
}

static int add_entry(struct state *state, struct state_entry *entry)
{
    sqlite3_stmt *statement = state_statement(state, STATE_JOURNAL_ADD);
    if (statement != NULL) {
        sqlite3_bind_int64(statement, 1, entry->time_us);
        const char *const kept[] = { entry->who,       entry->from,      entry->what,  entry->path,
                                     entry->old_value, entry->new_value, entry->result };
        for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
            bind_kept(statement, (int)i + 2, kept[i]);
        }
    }
    int error = state_run(state, statement);
    if (statement != NULL) {
        sqlite3_clear_bindings(statement);
    }
    if (error == 0) {
        entry->id = (uint64_t)sqlite3_last_insert_rowid(state->db);
    }
    return error;
}

int state_journal_add(struct state *state, struct state_entry *entries, size_t count)
{
    pthread_mutex_lock(&state->lock);
    int error = state_begin(state);
    if (error == 0) {
        for (size_t i = 0; i < count && error == 0; i++) {
            error = add_entry(state, &entries[i]);
        }
        error = state_end(state, error);
    }
    pthread_mutex_unlock(&state->lock);
    return error;
}

static const char *column(sqlite3_stmt *statement, int at)
{
    const char *text = (const char *)sqlite3_column_text(statement, at);
    return text != NULL ? text : "";
}

static void get_entry(sqlite3_stmt *statement, struct state_entry *entry)
{
    *entry = (struct state_entry){ .id = (uint64_t)sqlite3_column_int64(statement, 0),
                                   .time_us = sqlite3_column_int64(statement, 1),
                                   .who = column(statement, 2),
                                   .from = column(statement, 3),
                                   .what = column(statement, 4),
                                   .path = column(statement, 5),
                                   .old_value = column(statement, 6),
                                   .new_value = column(statement, 7),
                                   .result = column(statement, 8) };
}

static void bind_filter(sqlite3_stmt *statement, const struct state_entry_filter *filter)
{
    size_t limit = filter->limit == 0 ? LIMIT_DEFAULT : filter->limit;
    limit = limit > LIMIT_MAX ? LIMIT_MAX : limit;
    sqlite3_bind_int64(statement, 1, filter->before == 0 ? INT64_MAX : (int64_t)filter->before);
    sqlite3_bind_int64(statement, 2, filter->from_us == 0 ? INT64_MIN : filter->from_us);
    sqlite3_bind_int64(statement, 3, filter->to_us == 0 ? INT64_MAX : filter->to_us);
    const char *const texts[] = { filter->who, filter->what, filter->path };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (texts[i] != NULL) {
            sqlite3_bind_text(statement, (int)i + 4, texts[i], -1, SQLITE_STATIC);
        }
    }
    sqlite3_bind_int64(statement, 7, (int64_t)limit);
}

int state_journal(struct state *state, const struct state_entry_filter *filter, state_entry_cb cb,
                  void *ctx)
{
    pthread_mutex_lock(&state->lock);
    sqlite3_stmt *statement = state_statement(state, STATE_JOURNAL_LIST);
    if (statement != NULL) {
        bind_filter(statement, filter);
    }
    int result;
    while ((result = state_step(state, statement)) == SQLITE_ROW) {
        struct state_entry entry;
        get_entry(statement, &entry);
        cb(ctx, &entry);
    }
    if (statement != NULL) {
        sqlite3_clear_bindings(statement);
    }
    pthread_mutex_unlock(&state->lock);
    return result < 0 ? result : 0;
}

int state_journal_after(struct state *state, uint64_t id, size_t count, state_entry_cb cb,
                        void *ctx)
{
    pthread_mutex_lock(&state->lock);
    sqlite3_stmt *statement = state_statement(state, STATE_JOURNAL_AFTER);
    if (statement != NULL) {
        sqlite3_bind_int64(statement, 1, (int64_t)id);
        sqlite3_bind_int64(statement, 2, (int64_t)(count < LIMIT_MAX ? count : LIMIT_MAX));
    }
    int result;
    while ((result = state_step(state, statement)) == SQLITE_ROW) {
        struct state_entry entry;
        get_entry(statement, &entry);
        cb(ctx, &entry);
    }
    pthread_mutex_unlock(&state->lock);
    return result < 0 ? result : 0;
}

int state_journal_trim(struct state *state, int64_t before_us, uint64_t *removed)
{
    pthread_mutex_lock(&state->lock);
    sqlite3_stmt *statement = state_statement(state, STATE_JOURNAL_TRIM);
    if (statement != NULL) {
        sqlite3_bind_int64(statement, 1, before_us);
    }
    int error = state_run(state, statement);
    if (removed != NULL) {
        *removed = error == 0 ? (uint64_t)sqlite3_changes64(state->db) : 0;
    }
    pthread_mutex_unlock(&state->lock);
    return error;
}
