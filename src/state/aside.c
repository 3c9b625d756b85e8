/* SPDX-License-Identifier: Apache-2.0 */
/* What targets of sinks refused for good, row by row, with the reason. A value is kept as its bits, as a number of SQLite
 * would lose the kinds of NaN and the sign of zero. */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "state/sinks.h"

enum { LIMIT_DEFAULT = 100, LIMIT_MAX = 10000, REASON_MAX = 1024 };

static sqlite3_stmt *of_sink(struct state *state, enum state_statement which, const char *sink)
{
    sqlite3_stmt *statement = state_statement(state, which);
    if (statement != NULL) {
        sqlite3_bind_text(statement, 1, sink, -1, SQLITE_STATIC);
    }
    return statement;
}

static void bind_number(sqlite3_stmt *statement, int at, uint64_t number)
{
    if (statement != NULL) {
        sqlite3_bind_int64(statement, at, (int64_t)number);
    }
}

static void bind_reason(sqlite3_stmt *statement, int at, const char *reason)
{
    reason = reason != NULL ? reason : "";
    size_t size = str_utf8_cut(reason, strlen(reason), REASON_MAX);
    sqlite3_bind_text(statement, at, reason, (int)size, SQLITE_STATIC);
}

static bool is_event(const struct state_aside *row)
{
    return row->event.end > row->event.start;
}

/* ---- adding ---- */

static void bind_sample(sqlite3_stmt *statement, const struct sample *sample, const char *path)
{
    bool text = sample->type == VALUE_TEXT;
    bind_number(statement, 4, sample->point);
    sqlite3_bind_text(statement, 5, path != NULL ? path : "", -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 6, sample->time_us);
    sqlite3_bind_int64(statement, 7, sample->receive_us);
    sqlite3_bind_int(statement, 8, sample->type);
    bind_number(statement, 9, text ? 0 : sample->value.bits);
    if (text) {
        const struct text *value = sample->value.text;
        sqlite3_bind_blob(statement, 10, value->size > 0 ? value->bytes : "", (int)value->size,
                          SQLITE_STATIC);
    }
    sqlite3_bind_int(statement, 11, sample->quality);
    sqlite3_bind_int(statement, 12, sample->detail);
}

static int insert(struct state *state, const char *sink, const struct state_aside *row)
{
    static const struct sample none = { 0 };
    sqlite3_stmt *statement = of_sink(state, STATE_ASIDE_ADD, sink);
    if (statement != NULL) {
        bind_number(statement, 2, row->place.sequence);
        bind_number(statement, 3, row->place.taken);
        bind_sample(statement, is_event(row) ? &none : &row->sample, row->path);
        if (is_event(row)) {
            sqlite3_bind_blob(statement, 13, row->event.start,
                              (int)(row->event.end - row->event.start), SQLITE_STATIC);
        }
        bind_reason(statement, 14, row->reason);
        sqlite3_bind_int64(statement, 15, row->since_us);
    }
    return state_run(state, statement);
}

static int count_rows(struct state *state, const char *sink, const struct state_sink_place *upto,
                      struct state_aside_count *count)
{
    sqlite3_stmt *statement = of_sink(state, STATE_ASIDE_COUNT, sink);
    bind_number(statement, 2, upto != NULL ? upto->sequence : INT64_MAX);
    bind_number(statement, 3, upto != NULL ? upto->taken : UINT32_MAX);
    int result = state_step(state, statement);
    if (result == SQLITE_ROW) {
        count->events = (uint64_t)sqlite3_column_int64(statement, 1);
        count->samples = (uint64_t)sqlite3_column_int64(statement, 0) - count->events;
        sqlite3_reset(statement);
    }
    return result == SQLITE_ROW ? 0 : result < 0 ? result : BUSBAR_EDAMAGED;
}

static int add_rows(struct state *state, const char *sink, const struct state_aside *rows,
                    size_t count, uint64_t most, struct state_sink_counts *counts)
{
    struct state_aside_count there = { 0 };
    int error = count_rows(state, sink, NULL, &there);
    uint64_t kept = there.samples + there.events;
    for (size_t i = 0; i < count && error == 0; i++) {
        if (kept < most) {
            error = insert(state, sink, &rows[i]);
            kept += error == 0 ? (uint64_t)sqlite3_changes64(state->db) : 0;
        } else if (is_event(&rows[i])) {
            counts->events_aside--;
            counts->events_released++;
        } else {
            counts->aside--;
            counts->released++;
        }
    }
    return error;
}

int state_aside_add(struct state *state, const char *sink, const struct state_aside *rows,
                    size_t count, uint64_t most, const struct state_sink_place *place,
                    struct state_sink_counts *counts)
{
    struct state_sink_counts after = *counts;
    pthread_mutex_lock(&state->lock);
    int error = state_begin(state);
    if (error == 0) {
        error = add_rows(state, sink, rows, count, most, &after);
        error = error == 0 ? state_sink_progress(state, sink, place, &after) : error;
        error = state_end(state, error);
    }
    pthread_mutex_unlock(&state->lock);
    if (error == 0) {
        *counts = after;
    }
    return error;
}

/* ---- reading ---- */

static const char *column(sqlite3_stmt *statement, int at)
{
    const char *text = (const char *)sqlite3_column_text(statement, at);
    return text != NULL ? text : "";
}

static void give_row(sqlite3_stmt *statement, state_aside_cb cb, void *ctx)
{
    const void *bytes = sqlite3_column_blob(statement, 12);
    size_t size = bytes != NULL ? (size_t)sqlite3_column_bytes(statement, 12) : 0;
    const void *text = sqlite3_column_blob(statement, 9);
    struct text *value = NULL;
    struct state_aside row = {
        .id = (uint64_t)sqlite3_column_int64(statement, 0),
        .place = { (uint64_t)sqlite3_column_int64(statement, 1),
                   (uint32_t)sqlite3_column_int64(statement, 2) },
        .sample = { .point = (uint32_t)sqlite3_column_int64(statement, 3),
                    .time_us = sqlite3_column_int64(statement, 5),
                    .receive_us = sqlite3_column_int64(statement, 6),
                    .type = (uint8_t)sqlite3_column_int(statement, 7),
                    .value.bits = (uint64_t)sqlite3_column_int64(statement, 8),
                    .quality = (uint8_t)sqlite3_column_int(statement, 10),
                    .detail = (uint16_t)sqlite3_column_int(statement, 11) },
        .path = column(statement, 4),
        .event = bytes_of(size > 0 ? bytes : "", size),
        .reason = column(statement, 13),
        .since_us = sqlite3_column_int64(statement, 14),
    };
    if (row.sample.type == VALUE_TEXT) {
        value = text_new(text != NULL ? text : "",
                         text != NULL ? (size_t)sqlite3_column_bytes(statement, 9) : 0);
        row.sample.value.text = value;
    }
    cb(ctx, &row);
    busbar_free(value);
}

static int list(struct state *state, sqlite3_stmt *statement, uint64_t bound, size_t limit,
                state_aside_cb cb, void *ctx)
{
    limit = limit == 0 ? LIMIT_DEFAULT : limit;
    bind_number(statement, 2, bound);
    bind_number(statement, 3, limit > LIMIT_MAX ? LIMIT_MAX : limit);
    int result;
    while ((result = state_step(state, statement)) == SQLITE_ROW) {
        give_row(statement, cb, ctx);
    }
    if (statement != NULL) {
        sqlite3_clear_bindings(statement);
    }
    return result < 0 ? result : 0;
}

int state_asides(struct state *state, const char *sink, uint64_t before, size_t limit,
                 state_aside_cb cb, void *ctx)
{
    pthread_mutex_lock(&state->lock);
    int error = list(state, of_sink(state, STATE_ASIDE_LIST, sink),
                     before == 0 || before > INT64_MAX ? INT64_MAX : before, limit, cb, ctx);
    pthread_mutex_unlock(&state->lock);
    return error;
}

int state_asides_after(struct state *state, const char *sink, uint64_t after, size_t limit,
                       state_aside_cb cb, void *ctx)
{
    if (after > INT64_MAX) {
        return 0;
    }
    pthread_mutex_lock(&state->lock);
    int error = list(state, of_sink(state, STATE_ASIDE_NEXT, sink), after, limit, cb, ctx);
    pthread_mutex_unlock(&state->lock);
    return error;
}

int state_aside_get(struct state *state, const char *sink, uint64_t id, state_aside_cb cb,
                    void *ctx)
{
    pthread_mutex_lock(&state->lock);
    sqlite3_stmt *statement = of_sink(state, STATE_ASIDE_GET, sink);
    bind_number(statement, 2, id);
    int result = state_step(state, statement);
    if (result == SQLITE_ROW) {
        give_row(statement, cb, ctx);
        sqlite3_reset(statement);
    }
    if (statement != NULL) {
        sqlite3_clear_bindings(statement);
    }
    pthread_mutex_unlock(&state->lock);
    return result == SQLITE_ROW ? 0 : result < 0 ? result : BUSBAR_ENOENT;
}

int state_aside_count(struct state *state, const char *sink, const struct state_sink_place *upto,
                      struct state_aside_count *count)
{
    *count = (struct state_aside_count){ 0 };
    pthread_mutex_lock(&state->lock);
    int error = count_rows(state, sink, upto, count);
    pthread_mutex_unlock(&state->lock);
    return error;
}

/* ---- removing ---- */

int state_aside_remove(struct state *state, const char *sink, const uint64_t *ids, size_t count,
                       const struct state_sink_place *place, const struct state_sink_counts *counts)
{
    pthread_mutex_lock(&state->lock);
    int error = state_begin(state);
    if (error == 0) {
        for (size_t i = 0; i < count && error == 0; i++) {
            sqlite3_stmt *statement = of_sink(state, STATE_ASIDE_REMOVE, sink);
            bind_number(statement, 2, ids[i]);
            error = state_run(state, statement);
        }
        if (error == 0 && counts != NULL) {
            error = state_sink_progress(state, sink, place, counts);
        }
        error = state_end(state, error);
    }
    pthread_mutex_unlock(&state->lock);
    return error;
}

int state_aside_again(struct state *state, const char *sink, uint64_t id, const char *reason,
                      int64_t since_us)
{
    pthread_mutex_lock(&state->lock);
    sqlite3_stmt *statement = of_sink(state, STATE_ASIDE_REASON, sink);
    bind_number(statement, 2, id);
    if (statement != NULL) {
        bind_reason(statement, 3, reason);
        sqlite3_bind_int64(statement, 4, since_us);
    }
    int error = state_run(state, statement);
    error = error == 0 && sqlite3_changes64(state->db) == 0 ? BUSBAR_ENOENT : error;
    pthread_mutex_unlock(&state->lock);
    return error;
}

/* The lock is held; in a transaction. */
static int settle(struct state *state, const char *sink, const struct state_sink_place *place)
{
    sqlite3_stmt *statement = of_sink(state, STATE_ASIDE_BEHIND, sink);
    bind_number(statement, 2, place->sequence);
    bind_number(statement, 3, place->taken);
    return state_run(state, statement);
}

int state_aside_settle(struct state *state, const char *sink, const struct state_sink_place *place,
                       struct state_aside_count *count)
{
    *count = (struct state_aside_count){ 0 };
    pthread_mutex_lock(&state->lock);
    int error = state_begin(state);
    if (error == 0) {
        error = settle(state, sink, place);
        error = error == 0 ? count_rows(state, sink, NULL, count) : error;
        error = state_end(state, error);
    }
    pthread_mutex_unlock(&state->lock);
    return error;
}
