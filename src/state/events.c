/* SPDX-License-Identifier: Apache-2.0 */
/* Events: a row has what is searched for in columns, and the event itself as the bytes of the log. A list is read a
 * window of ids at a time, the lock given back in between. */
#include <ctype.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "state/db.h"

enum {
    LIMIT_DEFAULT = 100,
    LIMIT_MAX = 10000,
    WINDOW_IDS = 20000,
    TRIM_MAX = 10000,
    SEARCH_BYTES_MAX = 256
};

static void bind_text(sqlite3_stmt *statement, int at, const char *text)
{
    text = text != NULL ? text : "";
    size_t size = str_utf8_cut(text, strlen(text), EVENT_TEXT_MAX);
    sqlite3_bind_text(statement, at, text, (int)size, SQLITE_STATIC);
}

/* ---- adding ---- */

static bool has_key(const struct event *event)
{
    return event->key != NULL && event->key[0] != '\0';
}

static bool is_acknowledgement(const struct event *event)
{
    return has_key(event) && str_equal(event->kind, STATE_EVENT_ACKNOWLEDGED);
}

/* The one before of the same source and key. */
static int pass(struct state *state, const struct event *event)
{
    sqlite3_stmt *statement = state_statement(state, STATE_EVENT_PASSED);
    if (statement != NULL) {
        bind_text(statement, 1, event->source);
        bind_text(statement, 2, event->key);
    }
    return state_run(state, statement);
}

static int settle(struct state *state, const struct event *event)
{
    sqlite3_stmt *statement = state_statement(state, STATE_EVENT_SETTLED);
    if (statement != NULL) {
        bind_text(statement, 1, event->source);
        bind_text(statement, 2, event->key);
        sqlite3_bind_int64(statement, 3, event->time_us);
        bind_text(statement, 4, "device");
        bind_text(statement, 5, event->text);
    }
    return state_run(state, statement);
}

static int insert(struct state *state, const struct event *event, struct bytes bytes, uint64_t *id)
{
    bool latest = has_key(event) && !is_acknowledgement(event);
    sqlite3_stmt *statement = state_statement(state, STATE_EVENT_ADD);
    if (statement != NULL) {
        sqlite3_bind_int64(statement, 1, event->time_us);
        sqlite3_bind_int64(statement, 2, event->receive_us);
        bind_text(statement, 3, event->source);
        bind_text(statement, 4, event->kind);
        sqlite3_bind_int(statement, 5, event->severity);
        bind_text(statement, 6, event->text);
        bind_text(statement, 7, event->key);
        sqlite3_bind_int(statement, 8, latest);
        sqlite3_bind_int(statement, 9, event->ack_wanted);
        sqlite3_bind_blob(statement, 10, bytes.start, (int)(bytes.end - bytes.start),
                          SQLITE_STATIC);
    }
    int error = state_run(state, statement);
    *id = error == 0 ? (uint64_t)sqlite3_last_insert_rowid(state->db) : 0;
    return error;
}

/* The latest of its source and key is the same; *open: and waits for an acknowledgement. */
static int is_repetition(struct state *state, const struct event *event, bool *repeated, bool *open)
{
    *repeated = false;
    if (event->once[0] == '\0') {
        return 0;
    }
    sqlite3_stmt *statement = state_statement(state, STATE_EVENT_FIND);
    if (statement != NULL) {
        bind_text(statement, 1, event->source);
        bind_text(statement, 2, event->key);
    }
    int result = state_step(state, statement);
    if (result == SQLITE_ROW) {
        const void *blob = sqlite3_column_blob(statement, 7);
        struct bytes in = bytes_of(blob, (size_t)sqlite3_column_bytes(statement, 7));
        struct event_decoded *latest = busbar_alloc(sizeof(*latest));
        if (event_decode(&in, latest) == 0) {
            *repeated = str_equal(latest->event.once, event->once) &&
                        str_equal(latest->event.kind, event->kind);
            *open = sqlite3_column_int(statement, 2) != 0;
            event_decoded_fini(latest);
        }
        busbar_free(latest);
        sqlite3_reset(statement);
    }
    if (statement != NULL) {
        sqlite3_clear_bindings(statement);
    }
    return result < 0 ? result : 0;
}

static int add_with_key(struct state *state, const struct event *event, bool *repeated)
{
    bool open = false;
    int error = is_repetition(state, event, repeated, &open);
    if (error != 0) {
        return error;
    }
    if (*repeated) { /* it was acknowledged elsewhere meanwhile */
        return open && !event->ack_wanted ? settle(state, event) : 0;
    }
    return pass(state, event);
}

/* id 0: it was left out. */
static int add(struct state *state, struct bytes bytes, struct event_decoded *decoded, uint64_t *id,
               uint64_t *lost)
{
    struct bytes in = bytes;
    bool repeated = false;
    *id = 0;
    int error = event_decode(&in, decoded);
    if (error == BUSBAR_EDAMAGED) {
        ++*lost;
        return 0;
    }
    if (error != 0) {
        return error;
    }
    const struct event *event = &decoded->event;
    if (is_acknowledgement(event)) {
        error = settle(state, event);
    } else if (has_key(event)) {
        error = add_with_key(state, event, &repeated);
    }
    if (error == 0 && !repeated) {
        error = insert(state, event, bytes, id);
    }
    event_decoded_fini(decoded);
    return error;
}

static int add_all(struct state *state, const struct bytes *events, size_t count, uint64_t *ids,
                   uint64_t *lost)
{
    struct event_decoded *decoded = busbar_alloc(sizeof(*decoded));
    int error = 0;
    for (size_t i = 0; i < count && error == 0; i++) {
        uint64_t id;
        error = add(state, events[i], decoded, &id, lost);
        if (ids != NULL) {
            ids[i] = id;
        }
    }
    busbar_free(decoded);
    return error;
}

int state_events_add(struct state *state, const struct bytes *events, size_t count, uint64_t mark,
                     uint64_t lost, uint64_t *ids)
{
    pthread_mutex_lock(&state->lock);
    int error = state_begin(state);
    if (error == 0) {
        error = add_all(state, events, count, ids, &lost);
        error = error == 0
                    ? state_counter_change(state, STATE_COUNTER_SET, "event mark", (int64_t)mark)
                    : error;
        if (error == 0 && lost > 0) {
            error = state_counter_change(state, STATE_COUNTER_ADD, "events lost", (int64_t)lost);
        }
        error = state_end(state, error);
    }
    pthread_mutex_unlock(&state->lock);
    return error;
}

int state_events_mark(struct state *state, uint64_t *mark, uint64_t *lost)
{
    int64_t marked = 0, gone = 0;
    pthread_mutex_lock(&state->lock);
    int error = state_counter_get(state, "event mark", &marked);
    error = error == 0 ? state_counter_get(state, "events lost", &gone) : error;
    pthread_mutex_unlock(&state->lock);
    if (error == 0) {
        *mark = (uint64_t)marked;
        *lost = (uint64_t)gone;
    }
    return error;
}

/* ---- reading ---- */

static const char *column(sqlite3_stmt *statement, int at)
{
    const char *text = (const char *)sqlite3_column_text(statement, at);
    return text != NULL ? text : "";
}

/* The row as an event; false: its bytes are damaged, it is left out. */
static bool give_row(sqlite3_stmt *statement, struct event_decoded *decoded, state_event_cb cb,
                     void *ctx)
{
    const void *blob = sqlite3_column_blob(statement, 7);
    int size = sqlite3_column_bytes(statement, 7);
    struct bytes in = bytes_of(blob != NULL ? blob : "", blob != NULL ? (size_t)size : 0);
    if (event_decode(&in, decoded) != 0) {
        return false;
    }
    struct state_event row = { .id = (uint64_t)sqlite3_column_int64(statement, 0),
                               .event = &decoded->event,
                               .latest = sqlite3_column_int(statement, 1) != 0,
                               .open = sqlite3_column_int(statement, 2) != 0,
                               .acked_us = sqlite3_column_int64(statement, 3),
                               .acked_by = column(statement, 4),
                               .note = column(statement, 5),
                               .result = column(statement, 6) };
    cb(ctx, &row);
    event_decoded_fini(decoded);
    return true;
}

struct search {
    const struct state_event_filter *filter;
    char text[SEARCH_BYTES_MAX]; /* lower case */
    uint64_t before, first;      /* ids: of the window that comes next; the lowest there is */
    size_t left;                 /* rows wanted */
};

static void lower(char *to, size_t size, const char *text)
{
    (void)str_copy(to, size, text);
    for (; *to != '\0'; to++) {
        *to = (char)tolower((unsigned char)*to);
    }
}

static void bind_search(sqlite3_stmt *statement, const struct search *search, uint64_t from)
{
    const struct state_event_filter *filter = search->filter;
    sqlite3_bind_int64(statement, 1, (int64_t)search->before);
    sqlite3_bind_int64(statement, 2, (int64_t)from);
    sqlite3_bind_int64(statement, 3, filter->from_us == 0 ? INT64_MIN : filter->from_us);
    sqlite3_bind_int64(statement, 4, filter->to_us == 0 ? INT64_MAX : filter->to_us);
    sqlite3_bind_int(statement, 5, filter->severity);
    const char *const texts[] = { filter->source, filter->kind,
                                  search->text[0] != '\0' ? search->text : NULL };
    for (int i = 0; i < 3; i++) {
        if (texts[i] != NULL) {
            sqlite3_bind_text(statement, 6 + i, texts[i], -1, SQLITE_STATIC);
        }
    }
    sqlite3_bind_int64(statement, 9, (int64_t)search->left);
}

/* One window, with the lock held. */
static int list_window(struct state *state, struct search *search, struct event_decoded *decoded,
                       state_event_cb cb, void *ctx)
{
    bool open = search->filter->open; /* few, and found by their own index */
    uint64_t from = open || search->before <= WINDOW_IDS ? 0 : search->before - WINDOW_IDS;
    sqlite3_stmt *statement = state_statement(state, open ? STATE_EVENT_OPEN : STATE_EVENT_LIST);
    if (statement != NULL) {
        bind_search(statement, search, from);
    }
    int result;
    while ((result = state_step(state, statement)) == SQLITE_ROW) {
        search->left -= give_row(statement, decoded, cb, ctx);
    }
    if (statement != NULL) {
        sqlite3_clear_bindings(statement);
    }
    search->before = from;
    return result < 0 ? result : 0;
}

static int ends(struct state *state, uint64_t *first, uint64_t *last)
{
    sqlite3_stmt *statement = state_statement(state, STATE_EVENT_ENDS);
    int result = state_step(state, statement);
    if (result == SQLITE_ROW) {
        *first = (uint64_t)sqlite3_column_int64(statement, 0);
        *last = (uint64_t)sqlite3_column_int64(statement, 1);
        sqlite3_reset(statement);
    }
    return result == SQLITE_ROW ? 0 : result < 0 ? result : BUSBAR_EDAMAGED;
}

int state_events(struct state *state, const struct state_event_filter *filter, state_event_cb cb,
                 void *ctx)
{
    struct search search = { .filter = filter };
    uint64_t last = 0;
    lower(search.text, sizeof(search.text), filter->text != NULL ? filter->text : "");
    search.left = filter->limit == 0 ? LIMIT_DEFAULT : filter->limit;
    search.left = search.left > LIMIT_MAX ? LIMIT_MAX : search.left;
    pthread_mutex_lock(&state->lock);
    int error = ends(state, &search.first, &last);
    pthread_mutex_unlock(&state->lock);
    search.before = filter->before != 0 && filter->before <= last ? filter->before : last + 1;
    struct event_decoded *decoded = busbar_alloc(sizeof(*decoded));
    while (error == 0 && search.left > 0 && search.before > search.first) {
        if (filter->stop != NULL && filter->stop(ctx)) {
            error = BUSBAR_ECANCELED;
            break;
        }
        pthread_mutex_lock(&state->lock);
        error = list_window(state, &search, decoded, cb, ctx);
        pthread_mutex_unlock(&state->lock);
    }
    busbar_free(decoded);
    return error;
}

/* The one row of a statement that is bound. */
static int give_one(struct state *state, sqlite3_stmt *statement, state_event_cb cb, void *ctx)
{
    int result = state_step(state, statement);
    int error = result == SQLITE_ROW ? 0 : result < 0 ? result : BUSBAR_ENOENT;
    if (result == SQLITE_ROW) {
        struct event_decoded *decoded = busbar_alloc(sizeof(*decoded));
        error = give_row(statement, decoded, cb, ctx) ? 0 : BUSBAR_EDAMAGED;
        busbar_free(decoded);
        sqlite3_reset(statement);
    }
    if (statement != NULL) {
        sqlite3_clear_bindings(statement);
    }
    return error;
}

int state_event_get(struct state *state, uint64_t id, state_event_cb cb, void *ctx)
{
    pthread_mutex_lock(&state->lock);
    sqlite3_stmt *statement = state_statement(state, STATE_EVENT_GET);
    if (statement != NULL) {
        sqlite3_bind_int64(statement, 1, (int64_t)id);
    }
    int error = give_one(state, statement, cb, ctx);
    pthread_mutex_unlock(&state->lock);
    return error;
}

int state_event_find(struct state *state, const char *source, const char *key, state_event_cb cb,
                     void *ctx)
{
    pthread_mutex_lock(&state->lock);
    sqlite3_stmt *statement = state_statement(state, STATE_EVENT_FIND);
    if (statement != NULL) {
        bind_text(statement, 1, source);
        bind_text(statement, 2, key);
    }
    int error = give_one(state, statement, cb, ctx);
    pthread_mutex_unlock(&state->lock);
    return error;
}

/* ---- acknowledging, counting, forgetting ---- */

int state_event_ack(struct state *state, const struct state_event_ack *ack)
{
    pthread_mutex_lock(&state->lock);
    sqlite3_stmt *statement = state_statement(state, STATE_EVENT_ACK);
    if (statement != NULL) {
        sqlite3_bind_int64(statement, 1, (int64_t)ack->id);
        sqlite3_bind_int(statement, 2, !ack->done);
        sqlite3_bind_int64(statement, 3, ack->time_us);
        bind_text(statement, 4, ack->who);
        bind_text(statement, 5, ack->note);
        bind_text(statement, 6, ack->result);
    }
    int error = state_run(state, statement);
    error = error == 0 && sqlite3_changes64(state->db) == 0 ? BUSBAR_ENOENT : error;
    pthread_mutex_unlock(&state->lock);
    return error;
}

int state_event_counts(struct state *state, struct state_event_counts *counts)
{
    *counts = (struct state_event_counts){ 0 };
    pthread_mutex_lock(&state->lock);
    int error = ends(state, &counts->first, &counts->last);
    if (error == 0) {
        sqlite3_stmt *statement = state_statement(state, STATE_EVENT_COUNT_OPEN);
        int result = state_step(state, statement);
        if (result == SQLITE_ROW) {
            counts->open = (uint64_t)sqlite3_column_int64(statement, 0);
            sqlite3_reset(statement);
        }
        error = result < 0 ? result : 0;
    }
    pthread_mutex_unlock(&state->lock);
    return error;
}

static int trim(struct state *state, enum state_statement which, int64_t bound, uint64_t *removed)
{
    sqlite3_stmt *statement = state_statement(state, which);
    if (statement != NULL) {
        sqlite3_bind_int64(statement, 1, bound);
        sqlite3_bind_int(statement, 2, TRIM_MAX);
    }
    int error = state_run(state, statement);
    *removed += error == 0 ? (uint64_t)sqlite3_changes64(state->db) : 0;
    return error;
}

int state_events_trim(struct state *state, int64_t before_us, uint64_t *removed)
{
    uint64_t first = 0;
    uint64_t last = 0;
    *removed = 0;
    pthread_mutex_lock(&state->lock);
    int error = trim(state, STATE_EVENT_TRIM, before_us, removed);
    error = error == 0 ? ends(state, &first, &last) : error;
    if (error == 0 && *removed == 0 && last >= STATE_EVENTS_MAX + first) {
        error = trim(state, STATE_EVENT_TRIM_IDS, (int64_t)(last - STATE_EVENTS_MAX + 1), removed);
    }
    pthread_mutex_unlock(&state->lock);
    return error;
}
