/* SPDX-License-Identifier: Apache-2.0 */
/* The database behind state, private to the folder. Every public call takes the lock, prepares what
 * it needs once (statements are kept), and leaves no transaction open. */
#ifndef BUSBAR_STATE_DB_H
#define BUSBAR_STATE_DB_H

#include <pthread.h>
#include <sqlite3.h>

#include "state/state.h"

/* Every statement there is: name, text. Prepared at its first use, kept until the close. */
#define STATE_STATEMENTS(X)                                                                        \
    X(BEGIN, "BEGIN IMMEDIATE")                                                                    \
    X(COMMIT, "COMMIT")                                                                            \
    X(ROLLBACK, "ROLLBACK")                                                                        \
    X(ID_GET, "SELECT id FROM series WHERE path = ?1")                                             \
    X(ID_ALL, "SELECT path, id FROM series ORDER BY path")                                         \
    X(ID_SOME, "SELECT path, id FROM series WHERE path > ?1 ORDER BY path LIMIT ?2")               \
    X(ID_COUNT, "SELECT value FROM counter WHERE name = 'series'")                                 \
    X(ID_COUNT_SET, "UPDATE counter SET value = ?1 WHERE name = 'series'")                         \
    X(ID_ADD, "INSERT INTO series (path, id) VALUES (?1, ?2)")                                     \
    X(SET_ADD, "INSERT INTO label_set (id, labels) VALUES (?1, ?2)")                               \
    X(SET_REMOVE, "DELETE FROM label_set WHERE id = ?1")                                           \
    X(SET_SOME, "SELECT id, labels FROM label_set WHERE id > ?1 ORDER BY id LIMIT ?2")             \
    X(BLOCK_ADD, "INSERT INTO block (id, from_us, to_us, samples, bytes, sequence_first, "         \
                 "sequence_last, level, series, done_us, deletes, tiers_us) "                      \
                 "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)")                     \
    X(BLOCK_REMOVE, "DELETE FROM block WHERE id = ?1")                                             \
    X(BLOCK_ALL, "SELECT id, from_us, to_us, samples, bytes, sequence_first, sequence_last, "      \
                 "level, series, done_us, deletes, tiers_us FROM block ORDER BY id")               \
    X(COUNTER_GET, "SELECT value FROM counter WHERE name = ?1")                                    \
    X(COUNTER_SET, "UPDATE counter SET value = ?1 WHERE name = ?2")                                \
    X(COUNTER_ADD, "UPDATE counter SET value = value + ?1 WHERE name = ?2")                        \
    X(DELETION_ADD, "INSERT INTO deletion (series, from_us, to_us, sequence) "                     \
                    "VALUES (?1, ?2, ?3, ?4)")                                                     \
    X(DELETION_ALL, "SELECT id, series, from_us, to_us, sequence FROM deletion ORDER BY id")       \
    X(DELETION_LAST, "SELECT seq FROM sqlite_sequence WHERE name = 'deletion'")                    \
    X(DELETION_DONE, "DELETE FROM deletion WHERE id <= ?1")                                        \
    X(LIMIT_SET, "INSERT INTO learned (device, name, value) VALUES (?1, ?2, ?3) "                  \
                 "ON CONFLICT (device, name) DO UPDATE SET value = excluded.value")                \
    X(LIMIT_FORGET, "DELETE FROM learned WHERE device = ?1")                                       \
    X(LIMIT_ALL, "SELECT device, name, value FROM learned WHERE ?1 IS NULL OR device = ?1 "        \
                 "ORDER BY device, name")                                                          \
    X(JOURNAL_ADD,                                                                                 \
      "INSERT INTO journal (time_us, who, origin, what, path, old_value, new_value, result) "      \
      "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")                                                   \
    X(JOURNAL_LIST,                                                                                \
      "SELECT id, time_us, who, origin, what, path, old_value, new_value, result FROM journal "    \
      "WHERE id < ?1 AND time_us >= ?2 AND time_us < ?3 AND (?4 IS NULL OR who = ?4) "             \
      "AND (?5 IS NULL OR what = ?5) AND (?6 IS NULL OR path GLOB ?6) ORDER BY id DESC LIMIT ?7")  \
    X(JOURNAL_AFTER,                                                                               \
      "SELECT id, time_us, who, origin, what, path, old_value, new_value, result FROM journal "    \
      "WHERE id > ?1 ORDER BY id LIMIT ?2")                                                        \
    X(JOURNAL_TRIM, "DELETE FROM journal WHERE time_us < ?1")                                      \
    X(EVENT_ADD, "INSERT INTO event (time_us, receive_us, source, kind, severity, text, key, "     \
                 "latest, open, bytes) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)")          \
    X(EVENT_PASSED, "UPDATE event SET latest = 0, open = 0 "                                       \
                    "WHERE source = ?1 AND key = ?2 AND latest = 1")                               \
    X(EVENT_SETTLED, "UPDATE event SET open = 0, acked_us = ?3, acked_by = ?4, result = ?5 "       \
                     "WHERE source = ?1 AND key = ?2 AND latest = 1 AND open = 1")                 \
    X(EVENT_ACK, "UPDATE event SET open = open AND ?2, acked_us = ?3, acked_by = ?4, note = ?5, "  \
                 "result = ?6 WHERE id = ?1")                                                      \
    X(EVENT_GET, "SELECT id, latest, open, acked_us, acked_by, note, result, bytes FROM event "    \
                 "WHERE id = ?1")                                                                  \
    X(EVENT_FIND, "SELECT id, latest, open, acked_us, acked_by, note, result, bytes FROM event "   \
                  "WHERE source = ?1 AND key = ?2 AND latest = 1")                                 \
    X(EVENT_LIST,                                                                                  \
      "SELECT id, latest, open, acked_us, acked_by, note, result, bytes FROM event "               \
      "WHERE id < ?1 AND id >= ?2 AND time_us >= ?3 AND time_us < ?4 AND severity >= ?5 "          \
      "AND (?6 IS NULL OR source GLOB ?6) AND (?7 IS NULL OR kind = ?7) "                          \
      "AND (?8 IS NULL OR instr(lower(text), ?8) > 0 OR instr(lower(source), ?8) > 0) "            \
      "ORDER BY id DESC LIMIT ?9")                                                                 \
    X(EVENT_OPEN,                                                                                  \
      "SELECT id, latest, open, acked_us, acked_by, note, result, bytes FROM event "               \
      "WHERE open = 1 AND id < ?1 AND id >= ?2 AND time_us >= ?3 AND time_us < ?4 "                \
      "AND severity >= ?5 AND (?6 IS NULL OR source GLOB ?6) AND (?7 IS NULL OR kind = ?7) "       \
      "AND (?8 IS NULL OR instr(lower(text), ?8) > 0 OR instr(lower(source), ?8) > 0) "            \
      "ORDER BY id DESC LIMIT ?9")                                                                 \
    /* Two questions, as SQLite looks an end up only where it is asked for alone. */               \
    X(EVENT_ENDS, "SELECT ifnull((SELECT min(id) FROM event), 0), "                                \
                  "ifnull((SELECT max(id) FROM event), 0)")                                        \
    X(EVENT_COUNT_OPEN, "SELECT count(*) FROM event WHERE open = 1")                               \
    X(EVENT_TRIM, "DELETE FROM event WHERE id IN (SELECT id FROM event WHERE receive_us < ?1 "     \
                  "LIMIT ?2)")                                                                     \
    X(EVENT_TRIM_IDS, "DELETE FROM event WHERE id IN (SELECT id FROM event WHERE id < ?1 "         \
                      "LIMIT ?2)")                                                                 \
    X(HOLD_SET, "INSERT INTO hold (path, priority, value, who, origin, since_us, until_us) "       \
                "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (path, priority) DO UPDATE SET "  \
                "value = excluded.value, who = excluded.who, origin = excluded.origin, "           \
                "since_us = excluded.since_us, until_us = excluded.until_us")                      \
    X(HOLD_REMOVE, "DELETE FROM hold WHERE path = ?1 AND priority = ?2")                           \
    X(HOLD_ALL, "SELECT path, priority, value, who, origin, since_us, until_us FROM hold "         \
                "ORDER BY path, priority")                                                         \
    X(SINK_SET, "INSERT OR REPLACE INTO sink (name, log_id, sequence, taken, published, "          \
                "repeated, aside, released, events, events_aside, events_released, lost, paused, " \
                "began_us, counted, baseline, filter) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, "    \
                "?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)")                                     \
    X(SINK_MOVE, "UPDATE sink SET sequence = ?2, taken = ?3, published = ?4, repeated = ?5, "      \
                 "aside = ?6, released = ?7, events = ?8, events_aside = ?9, events_released = "   \
                 "?10, lost = ?11 WHERE name = ?1")                                                \
    X(SINK_MOVE_ON,                                                                                \
      "UPDATE sink SET sequence = ?2, taken = ?3, published = ?4, repeated = ?5, "                 \
      "aside = ?6, released = ?7, events = ?8, events_aside = ?9, events_released = "              \
      "?10, lost = ?11 WHERE name = ?1 AND (sequence, taken) < (?2, ?3)")                          \
    X(SINK_PAUSE, "UPDATE sink SET paused = ?2 WHERE name = ?1")                                   \
    X(SINK_BASE, "UPDATE sink SET counted = 1, baseline = ?2, filter = ?3 WHERE name = ?1")        \
    X(SINK_LOG, "UPDATE sink SET log_id = ?1")                                                     \
    X(SINK_GET, "SELECT name, log_id, sequence, taken, published, repeated, aside, released, "     \
                "events, events_aside, events_released, lost, paused, began_us, counted, "         \
                "baseline, filter FROM sink WHERE name = ?1")                                      \
    X(SINK_ALL, "SELECT name, log_id, sequence, taken, published, repeated, aside, released, "     \
                "events, events_aside, events_released, lost, paused, began_us, counted, "         \
                "baseline, filter FROM sink ORDER BY name")                                        \
    X(SINK_REMOVE, "DELETE FROM sink WHERE name = ?1")                                             \
    X(ASIDE_ADD, "INSERT OR IGNORE INTO aside (sink, sequence, taken, series, path, time_us, "     \
                 "receive_us, type, bits, text, quality, detail, event, reason, since_us) VALUES " \
                 "(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)")             \
    X(ASIDE_LIST, "SELECT id, sequence, taken, series, path, time_us, receive_us, type, bits, "    \
                  "text, quality, detail, event, reason, since_us FROM aside WHERE sink = ?1 AND " \
                  "id < ?2 ORDER BY id DESC LIMIT ?3")                                             \
    X(ASIDE_NEXT, "SELECT id, sequence, taken, series, path, time_us, receive_us, type, bits, "    \
                  "text, quality, detail, event, reason, since_us FROM aside WHERE sink = ?1 AND " \
                  "id > ?2 ORDER BY id LIMIT ?3")                                                  \
    X(ASIDE_GET,                                                                                   \
      "SELECT id, sequence, taken, series, path, time_us, receive_us, type, bits, text, quality, " \
      "detail, event, reason, since_us FROM aside WHERE sink = ?1 AND id = ?2")                    \
    X(ASIDE_COUNT, "SELECT count(*), count(event) FROM aside WHERE sink = ?1 AND (sequence, "      \
                   "taken) <= (?2, ?3)")                                                           \
    X(ASIDE_REMOVE, "DELETE FROM aside WHERE sink = ?1 AND id = ?2")                               \
    X(ASIDE_REMOVE_ALL, "DELETE FROM aside WHERE sink = ?1")                                       \
    X(ASIDE_REASON, "UPDATE aside SET reason = ?3, since_us = ?4 WHERE sink = ?1 AND id = ?2")     \
    X(ASIDE_BEHIND, "DELETE FROM aside WHERE sink = ?1 AND (sequence, taken) > (?2, ?3)")          \
    X(VALUE_SET, "INSERT INTO named (key, value) VALUES (?1, ?2) "                                 \
                 "ON CONFLICT (key) DO UPDATE SET value = excluded.value")                         \
    X(VALUE_REMOVE, "DELETE FROM named WHERE key = ?1")                                            \
    X(VALUE_GET, "SELECT value FROM named WHERE key = ?1")                                         \
    X(CHECK, "PRAGMA integrity_check(1)")

enum state_statement {
#define STATE_ENUM(name, text) STATE_##name,
    STATE_STATEMENTS(STATE_ENUM)
#undef STATE_ENUM
        STATE_STATEMENT_COUNT
};

struct state {
    pthread_mutex_t lock;
    sqlite3 *db;
    sqlite3_stmt *statements[STATE_STATEMENT_COUNT];
    char path[1024];
    char reason[256]; /* of the last failed call */
};

/* A statement, reset and without bindings. NULL: cannot be prepared (state->reason says why). */
sqlite3_stmt *state_statement(struct state *state, enum state_statement which);
/* One step: SQLITE_ROW or SQLITE_DONE; else a negative BUSBAR_ code. */
int state_step(struct state *state, sqlite3_stmt *statement);
/* Runs a statement that gives no rows, and lets go of what was bound to it. 0 or a code. */
int state_run(struct state *state, sqlite3_stmt *statement);
/* A counter by its name. which: STATE_COUNTER_SET or STATE_COUNTER_ADD. Each counter has a row from the schema on:
 * BUSBAR_EDAMAGED when it has none. */
int state_counter_change(struct state *state, enum state_statement which, const char *name,
                         int64_t number);
int state_counter_get(struct state *state, const char *name, int64_t *number);
int state_begin(struct state *state);
/* COMMIT when error is 0, else ROLLBACK. Returns the error, or the commit's own. */
int state_end(struct state *state, int error);
/* Keeps SQLite's words for the result code; returns our code. */
int state_failed(struct state *state, int result);
/* err from code and reason. Returns code. */
int state_err(struct state *state, struct err *err, int code, const char *doing);

#endif
