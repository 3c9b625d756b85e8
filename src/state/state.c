/* SPDX-License-Identifier: Apache-2.0 */
#include "state/state.h"

#include <fcntl.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/str.h"
#include "state/db.h"

enum {
    APPLICATION_ID = 0x42757362, /* "Busb" */
    SCHEMA_VERSION = 6,
    BUSY_MS = 5000, /* another process (verify, sqlite3) may hold it for a moment */
};

static const char schema[] =
    "CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;"
    "INSERT INTO counter VALUES ('series', 0), ('log mark', 0);"
    "CREATE TABLE series (path TEXT PRIMARY KEY, id INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE block (id INTEGER PRIMARY KEY, from_us INTEGER NOT NULL, to_us INTEGER NOT NULL,"
    " samples INTEGER NOT NULL, bytes INTEGER NOT NULL, sequence_first INTEGER NOT NULL,"
    " sequence_last INTEGER NOT NULL, level INTEGER NOT NULL, series INTEGER NOT NULL);"
    "CREATE TABLE learned (device TEXT NOT NULL, name TEXT NOT NULL, value INTEGER NOT NULL,"
    " PRIMARY KEY (device, name)) WITHOUT ROWID;"
    "CREATE TABLE journal (id INTEGER PRIMARY KEY AUTOINCREMENT, time_us INTEGER NOT NULL,"
    " who TEXT NOT NULL, origin TEXT NOT NULL, what TEXT NOT NULL, path TEXT NOT NULL,"
    " old_value TEXT NOT NULL, new_value TEXT NOT NULL, result TEXT NOT NULL);"
    "CREATE INDEX journal_time ON journal (time_us);"
    "CREATE TABLE named (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
    "PRAGMA application_id = 1114993506;"
    "PRAGMA user_version = 1;";

/* From version i + 1 to the next; a new database goes through all of them. Each ends with its version. */
static const char *const upgrades[SCHEMA_VERSION - 1] = {
    /* 2: blocks of days, tiers, deletes. What was merged before is merged again, by days. */
    "ALTER TABLE block ADD COLUMN done_us INTEGER NOT NULL DEFAULT -9223372036854775808;"
    "ALTER TABLE block ADD COLUMN deletes INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE block ADD COLUMN tiers_us INTEGER NOT NULL DEFAULT 0;"
    "UPDATE block SET level = 0;"
    "CREATE TABLE deletion (id INTEGER PRIMARY KEY AUTOINCREMENT, series INTEGER NOT NULL,"
    " from_us INTEGER NOT NULL, to_us INTEGER NOT NULL, sequence INTEGER NOT NULL);"
    "INSERT INTO counter VALUES ('samples expired', 0), ('samples deleted', 0), ('merged day', 0);"
    "PRAGMA user_version = 2;",
    /* 3: series with labels. */
    "CREATE TABLE label_set (id INTEGER PRIMARY KEY, labels TEXT NOT NULL);"
    "PRAGMA user_version = 3;",
    /* 4: events. latest: of its source and key; open: it can be acknowledged, and is not. */
    "CREATE TABLE event (id INTEGER PRIMARY KEY AUTOINCREMENT, time_us INTEGER NOT NULL,"
    " receive_us INTEGER NOT NULL, source TEXT NOT NULL, kind TEXT NOT NULL,"
    " severity INTEGER NOT NULL, text TEXT NOT NULL, key TEXT NOT NULL, latest INTEGER NOT NULL,"
    " open INTEGER NOT NULL, acked_us INTEGER NOT NULL DEFAULT 0, acked_by TEXT NOT NULL DEFAULT "
    "'',"
    " note TEXT NOT NULL DEFAULT '', result TEXT NOT NULL DEFAULT '', bytes BLOB NOT NULL);"
    "CREATE INDEX event_received ON event (receive_us);"
    "CREATE INDEX event_open ON event (id) WHERE open = 1;"
    "CREATE INDEX event_latest ON event (source, key) WHERE latest = 1;"
    "INSERT INTO counter VALUES ('event mark', 0), ('events lost', 0);"
    "PRAGMA user_version = 4;",
    /* 5: who holds what. */
    "CREATE TABLE hold (path TEXT NOT NULL, priority INTEGER NOT NULL, value TEXT NOT NULL,"
    " who TEXT NOT NULL, origin TEXT NOT NULL, since_us INTEGER NOT NULL,"
    " until_us INTEGER NOT NULL, PRIMARY KEY (path, priority)) WITHOUT ROWID;"
    "PRAGMA user_version = 5;",
    /* 6: where sinks stand, and what their targets refused. An id of `aside` is never used again, a place only once. */
    "CREATE TABLE sink (name TEXT PRIMARY KEY, log_id TEXT NOT NULL, sequence INTEGER NOT NULL,"
    " taken INTEGER NOT NULL, published INTEGER NOT NULL, repeated INTEGER NOT NULL,"
    " aside INTEGER NOT NULL, released INTEGER NOT NULL, events INTEGER NOT NULL,"
    " events_aside INTEGER NOT NULL, events_released INTEGER NOT NULL, lost INTEGER NOT NULL,"
    " paused INTEGER NOT NULL, began_us INTEGER NOT NULL, counted INTEGER NOT NULL,"
    " baseline INTEGER NOT NULL, filter INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE aside (id INTEGER PRIMARY KEY AUTOINCREMENT, sink TEXT NOT NULL,"
    " sequence INTEGER NOT NULL, taken INTEGER NOT NULL, series INTEGER NOT NULL,"
    " path TEXT NOT NULL, time_us INTEGER NOT NULL, receive_us INTEGER NOT NULL,"
    " type INTEGER NOT NULL, bits INTEGER NOT NULL, text TEXT, quality INTEGER NOT NULL,"
    " detail INTEGER NOT NULL, event BLOB, reason TEXT NOT NULL, since_us INTEGER NOT NULL);"
    "CREATE UNIQUE INDEX aside_place ON aside (sink, sequence, taken);"
    "CREATE INDEX aside_sink ON aside (sink, id);"
    "INSERT INTO counter VALUES ('label sets removed', 0);"
    "PRAGMA user_version = 6;",
};

static const char *const texts[STATE_STATEMENT_COUNT] = {
#define STATE_TEXT(name, text) [STATE_##name] = text,
    STATE_STATEMENTS(STATE_TEXT)
#undef STATE_TEXT
};

static int code_of(int result)
{
    switch (result & 0xff) {
    case SQLITE_OK: return 0;
    case SQLITE_NOMEM: return BUSBAR_ENOMEM;
    case SQLITE_FULL: return BUSBAR_ENOSPC;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT: return BUSBAR_EDAMAGED;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return BUSBAR_EBUSY;
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_READONLY: return BUSBAR_EPERM;
    case SQLITE_TOOBIG: return BUSBAR_ELIMIT;
    case SQLITE_CONSTRAINT: return BUSBAR_EEXIST;
    case SQLITE_ERROR: return BUSBAR_EDAMAGED; /* our own statements: a table is not as it was */
    default: return BUSBAR_EIO;
    }
}

int state_failed(struct state *state, int result)
{
    str_copy(state->reason, sizeof(state->reason), sqlite3_errmsg(state->db));
    return code_of(result);
}

int state_err(struct state *state, struct err *err, int code, const char *doing)
{
    err_set(err, code, "%s %s: %s", doing, state->path, state->reason);
    if (code == BUSBAR_EDAMAGED) {
        err_hint(err, "restore it from a backup; or move it away together with the history's "
                      "folders log and blocks, and start anew");
    } else if (code == BUSBAR_ENOSPC) {
        err_hint(err, "free some space on this disk");
    } else if (code == BUSBAR_EPERM) {
        err_hint(err, "busbar must be able to write to the folder and the file");
    }
    return code;
}

void state_reason(struct state *state, char *text, size_t size)
{
    pthread_mutex_lock(&state->lock);
    str_copy(text, size, state->reason);
    pthread_mutex_unlock(&state->lock);
}

sqlite3_stmt *state_statement(struct state *state, enum state_statement which)
{
    sqlite3_stmt **statement = &state->statements[which];
    if (*statement == NULL) {
        int result = sqlite3_prepare_v3(state->db, texts[which], -1, SQLITE_PREPARE_PERSISTENT,
                                        statement, NULL);
        if (result != SQLITE_OK) {
            (void)state_failed(state, result);
            return NULL;
        }
    }
    sqlite3_reset(*statement);
    sqlite3_clear_bindings(*statement);
    return *statement;
}

int state_step(struct state *state, sqlite3_stmt *statement)
{
    if (statement == NULL) {
        return code_of(sqlite3_errcode(state->db));
    }
    int result = sqlite3_step(statement);
    if (result == SQLITE_ROW) {
        return result;
    }
    int code = result == SQLITE_DONE ? result : state_failed(state, result);
    sqlite3_reset(statement);
    return code;
}

int state_run(struct state *state, sqlite3_stmt *statement)
{
    int result = state_step(state, statement);
    if (result == SQLITE_ROW) {
        sqlite3_reset(statement);
    }
    if (statement != NULL) {
        sqlite3_clear_bindings(statement); /* they point into the caller's memory */
    }
    return result < 0 ? result : 0;
}

int state_counter_change(struct state *state, enum state_statement which, const char *name,
                         int64_t number)
{
    sqlite3_stmt *statement = state_statement(state, which);
    if (statement != NULL) {
        sqlite3_bind_int64(statement, 1, number);
        sqlite3_bind_text(statement, 2, name, -1, SQLITE_STATIC);
    }
    return state_run(state, statement);
}

int state_counter_get(struct state *state, const char *name, int64_t *number)
{
    sqlite3_stmt *statement = state_statement(state, STATE_COUNTER_GET);
    if (statement != NULL) {
        sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
    }
    int result = state_step(state, statement);
    if (result == SQLITE_ROW) {
        *number = sqlite3_column_int64(statement, 0);
        sqlite3_reset(statement);
    }
    return result == SQLITE_ROW ? 0 : result < 0 ? result : BUSBAR_EDAMAGED;
}

int state_begin(struct state *state)
{
    return state_run(state, state_statement(state, STATE_BEGIN));
}

int state_end(struct state *state, int error)
{
    if (error == 0) {
        error = state_run(state, state_statement(state, STATE_COMMIT));
    }
    if (error != 0 && sqlite3_get_autocommit(state->db) == 0) {
        char reason[sizeof(state->reason)]; /* why it failed, not how the rollback went */
        memcpy(reason, state->reason, sizeof(reason));
        (void)state_run(state, state_statement(state, STATE_ROLLBACK));
        memcpy(state->reason, reason, sizeof(reason));
    }
    return error;
}

static int execute(struct state *state, const char *text)
{
    int result = sqlite3_exec(state->db, text, NULL, NULL, NULL);
    return result == SQLITE_OK ? 0 : state_failed(state, result);
}

static int pragma_number(struct state *state, const char *text, int *value)
{
    sqlite3_stmt *statement = NULL;
    *value = 0;
    int result = sqlite3_prepare_v2(state->db, text, -1, &statement, NULL);
    if (result == SQLITE_OK) {
        result = sqlite3_step(statement);
    }
    int error = 0;
    if (result == SQLITE_ROW) {
        *value = sqlite3_column_int(statement, 0);
    } else {
        error = state_failed(state, result);
    }
    sqlite3_finalize(statement);
    return error;
}

/* One transaction: either the old version or the new one. version 0: a new database. */
static int make_schema(struct state *state, int version)
{
    int error = state_begin(state);
    if (error != 0) {
        return error;
    }
    error = version == 0 ? execute(state, schema) : 0;
    for (int i = version > 0 ? version : 1; i < SCHEMA_VERSION && error == 0; i++) {
        error = execute(state, upgrades[i - 1]);
    }
    return state_end(state, error);
}

/* An empty file is ours to fill; anything else must be ours already. */
static int check_schema(struct state *state, struct err *err)
{
    int application;
    int version;
    int pages;
    int error = pragma_number(state, "PRAGMA application_id", &application);
    error = error == 0 ? pragma_number(state, "PRAGMA user_version", &version) : error;
    error = error == 0 ? pragma_number(state, "PRAGMA page_count", &pages) : error;
    if (error != 0) {
        return state_err(state, err, error, "cannot read");
    }
    if (application == 0 && version == 0 && pages <= 1) {
        error = make_schema(state, 0);
        return error == 0 ? 0 : state_err(state, err, error, "cannot set up");
    }
    if (application != APPLICATION_ID) {
        err_set(err, BUSBAR_EDAMAGED, "%s is an SQLite database, but not busbar's", state->path);
        err_hint(err, "move it away, or choose another data folder");
        return BUSBAR_EDAMAGED;
    }
    if (version > 0 && version < SCHEMA_VERSION) {
        error = make_schema(state, version);
        return error == 0 ? 0 : state_err(state, err, error, "cannot bring up to date");
    }
    if (version != SCHEMA_VERSION) {
        err_set(err, BUSBAR_EUNSUPPORTED,
                "%s was written by another version of busbar (format %d, "
                "this one reads %d)",
                state->path, version, SCHEMA_VERSION);
        err_hint(err, "start it with that version; nothing was changed");
        return BUSBAR_EUNSUPPORTED;
    }
    return 0;
}

static int set_up(struct state *state, struct err *err)
{
    sqlite3_busy_timeout(state->db, BUSY_MS);
    sqlite3_extended_result_codes(state->db, 1);
    int error = execute(state, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                               "PRAGMA cell_size_check = ON; PRAGMA trusted_schema = OFF;"
                               "PRAGMA cache_size = -8192; PRAGMA journal_size_limit = 4194304;");
    if (error != 0) {
        return state_err(state, err, error, "cannot open");
    }
    return check_schema(state, err);
}

/* An empty file of mode 0600, if there is none: SQLite gives its other files the same mode. */
static void make_private(const char *path)
{
    const struct file_ops *file = file_ops_real();
    int fd = file->open(file->ctx, path, O_RDWR | O_CREAT | O_EXCL, 0600);
    if (fd >= 0) {
        file->close(file->ctx, fd);
    }
}

int state_open(const char *folder, struct state **opened, struct err *err)
{
    struct state *state = busbar_alloc(sizeof(*state));
    *opened = NULL;
    pthread_mutex_init(&state->lock, NULL);
    if (!file_join(state->path, sizeof(state->path), folder, "state.db")) {
        state_close(state);
        return err_set(err, BUSBAR_ELIMIT, "the path of the data folder is too long");
    }
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    make_private(state->path);
    int result = sqlite3_open_v2(state->path, &state->db, flags, NULL);
    int error = result == SQLITE_OK ? set_up(state, err) : state_failed(state, result);
    if (result != SQLITE_OK) {
        state_err(state, err, error, "cannot open");
    }
    if (error != 0) {
        state_close(state);
        return error;
    }
    *opened = state;
    return 0;
}

void state_close(struct state *state)
{
    if (state == NULL) {
        return;
    }
    for (int i = 0; i < STATE_STATEMENT_COUNT; i++) {
        sqlite3_finalize(state->statements[i]);
    }
    sqlite3_close(state->db);
    pthread_mutex_destroy(&state->lock);
    busbar_free(state);
}

int state_check(struct state *state, struct err *err)
{
    pthread_mutex_lock(&state->lock);
    sqlite3_stmt *statement = state_statement(state, STATE_CHECK);
    int result = state_step(state, statement);
    if (result == SQLITE_ROW) {
        const char *finding = (const char *)sqlite3_column_text(statement, 0);
        bool good = finding != NULL && strcmp(finding, "ok") == 0;
        str_copy(state->reason, sizeof(state->reason), good ? "" : finding);
        result = good ? 0 : BUSBAR_EDAMAGED;
        sqlite3_reset(statement);
    } else if (result == SQLITE_DONE) {
        result = BUSBAR_EIO;
    }
    if (result != 0) {
        state_err(state, err, result, "damage in");
    }
    pthread_mutex_unlock(&state->lock);
    return result;
}
