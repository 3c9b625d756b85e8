/* SPDX-License-Identifier: Apache-2.0 */
/* The journal is in SQLite, which may wait for the disk: written and read by jobs. */
#include "server/journal.h"

#include "base/alloc.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "net/jobs.h"
#include "server/core.h"
#include "state/state.h"

enum { JOURNAL_LIMIT = 100, JOURNAL_LIMIT_MAX = 1000, NOTE_BYTES_MAX = 64 * 1024 };

struct note {
    struct state *state; /* NULL: nothing to write to */
    struct arena arena;
    struct state_entry entry;
    int error;
    void (*done)(void *ctx);
    void *ctx;
};

static void write_note(void *ctx)
{
    struct note *note = ctx;
    if (note->state != NULL) {
        note->error = state_journal_add(note->state, &note->entry, 1);
    }
}

static void note_written(void *ctx, int error)
{
    struct note *note = ctx;
    int reason = error != 0 ? error : note->error;
    if (reason != 0) {
        busbar_log(LOG_LEVEL_ERROR, "server", NULL, "cannot write the journal (%s %s): %s",
                   note->entry.what, note->entry.path, err_text(reason));
    }
    if (note->done != NULL) {
        note->done(note->ctx);
    }
    arena_fini(&note->arena);
    busbar_free(note);
}

void journal_note_then(const struct server_request *req, const char *what, const char *path,
                       const char *old_value, const char *new_value, const char *result,
                       void (*done)(void *ctx), void *ctx)
{
    const struct server *server = server_of(req);
    struct note *note = busbar_alloc(sizeof(*note));
    arena_init(&note->arena, NOTE_BYTES_MAX);
    note->state = server->config.state;
    note->done = done;
    note->ctx = ctx;
    note->entry = (struct state_entry){
        .time_us = clock_wall_us(),
        .who = arena_strdup(&note->arena, server_who(req)),
        .from = arena_strdup(&note->arena, server_from(req)),
        .what = arena_strdup(&note->arena, what),
        .path = arena_strdup(&note->arena, path),
        .old_value = arena_strdup(&note->arena, old_value),
        .new_value = arena_strdup(&note->arena, new_value),
        .result = arena_strdup(&note->arena, result),
    };
    jobs_submit(server->config.loop, write_note, note_written, note);
}

void journal_note(const struct server_request *req, const char *what, const char *path,
                  const char *old_value, const char *new_value, const char *result)
{
    journal_note_then(req, what, path, old_value, new_value, result, NULL, NULL);
}

/* ---- reading ---- */

struct reading {
    struct server_request *req;
    struct state *state;
    struct state_entry_filter filter;
    struct arena arena;
    struct buf out;
    struct json_writer json;
    int error;
};

static void put_entry(void *ctx, const struct state_entry *entry)
{
    struct json_writer *json = ctx;
    json_begin_object(json);
    json_put_u64(json, "id", entry->id);
    json_put_time(json, "time", entry->time_us);
    json_put_string(json, "who", entry->who);
    json_put_string(json, "from", entry->from);
    json_put_string(json, "what", entry->what);
    json_put_string(json, "path", entry->path);
    json_put_string(json, "old", entry->old_value);
    json_put_string(json, "new", entry->new_value);
    json_put_string(json, "result", entry->result);
    json_end_object(json);
}

static void read_entries(void *ctx)
{
    struct reading *reading = ctx;
    reading->error = state_journal(reading->state, &reading->filter, put_entry, &reading->json);
}

static void entries_read(void *ctx, int error)
{
    struct reading *reading = ctx;
    int reason = error != 0 ? error : reading->error;
    json_end_array(&reading->json);
    json_end_object(&reading->json);
    if (reason != 0) {
        server_reply_error(reading->req, reason, "the journal cannot be read: %s",
                           err_text(reason));
        buf_fini(&reading->out);
    } else {
        server_reply_json(reading->req, 200, &reading->out);
    }
    arena_fini(&reading->arena);
    busbar_free(reading);
}

static const char *keep(struct reading *reading, const char *text)
{
    return text != NULL && text[0] != '\0' ? arena_strdup(&reading->arena, text) : NULL;
}

static int parse_filter(struct server_request *req, struct reading *reading, struct err *err)
{
    struct state_entry_filter *filter = &reading->filter;
    int64_t limit = 0, before = 0;
    int error = server_query_i64(req, "limit", JOURNAL_LIMIT, 1, JOURNAL_LIMIT_MAX, &limit, err);
    if (error == 0) {
        error = server_query_i64(req, "before", 0, 0, INT64_MAX, &before, err);
    }
    if (error == 0) {
        error = server_query_time(req, "from", 0, &filter->from_us, err);
    }
    if (error == 0) {
        error = server_query_time(req, "to", 0, &filter->to_us, err);
    }
    filter->limit = (size_t)limit;
    filter->before = (uint64_t)before;
    filter->who = keep(reading, server_query(req, "who"));
    filter->what = keep(reading, server_query(req, "what"));
    filter->path = keep(reading, server_query(req, "match"));
    return error;
}

static void get_journal(struct server_request *req)
{
    struct server *server = server_of(req);
    struct err err = { 0 };
    if (server->config.state == NULL) {
        server_reply_error(req, BUSBAR_EAGAIN, "there is no journal");
        return;
    }
    struct reading *reading = busbar_alloc(sizeof(*reading));
    arena_init(&reading->arena, NOTE_BYTES_MAX);
    reading->req = req;
    reading->state = server->config.state;
    if (parse_filter(req, reading, &err) != 0) {
        arena_fini(&reading->arena);
        busbar_free(reading);
        server_reply_err(req, &err);
        return;
    }
    buf_init(&reading->out, SERVER_ANSWER_MAX);
    reading->json = json_writer(&reading->out);
    json_begin_object(&reading->json);
    json_put_array(&reading->json, "entries");
    jobs_submit(server->config.loop, read_entries, entries_read, reading);
}

void server_journal_routes(struct server *server)
{
    static const struct server_query_param query[] = {
        { "limit", "integer", "entries in the answer, at most 1000; default 100" },
        { "before", "integer", "only entries with a smaller id: the next page" },
        { "from", "string", "time" },
        { "to", "string", "time, not included" },
        { "who", "string", "one user" },
        { "what", "string", "one kind: write, pause, config apply ..." },
        { "match", "string", "path pattern with * and ?" },
        { NULL, NULL, NULL },
    };
    static const struct server_route routes[] = {
        { .method = "GET",
          .path = "/api/v1/journal",
          .handler = get_journal,
          .summary = "writes, pauses, configuration changes, the newest first",
          .query = query,
          .answer = "Journal" },
    };
    server_add_routes(server, routes, sizeof(routes) / sizeof(routes[0]), NULL);
}
