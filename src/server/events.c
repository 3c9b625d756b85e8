/* SPDX-License-Identifier: Apache-2.0 */
/* GET /api/v1/events and /api/v1/events/{id}. The journal is in SQLite, which may wait for the disk: read in the lane of
 * queries, since a search may look at millions. */
#include "server/events.h"

#include <string.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/str.h"
#include "server/shape.h"

enum { EVENTS_LIMIT = 100, EVENTS_LIMIT_MAX = 1000, FILTER_BYTES_MAX = 16 * 1024 };

/* ---- the shape ---- */

static void put_arguments(struct json_writer *json, const struct event *event)
{
    json_put_array(json, "arguments");
    for (size_t i = 0; i < event->argument_count; i++) {
        const struct event_argument *argument = &event->arguments[i];
        json_begin_object(json);
        json_put_string(json, "name", argument->name);
        json_key(json, "value");
        shape_value(json, argument->type, argument->value);
        json_end_object(json);
    }
    json_end_array(json);
}

/* Where its acknowledgement is: "" = it wants none. */
static const char *ack_word(const struct state_event *row)
{
    bool passed = row->event->key[0] != '\0' && !row->latest;
    return !row->event->ack_wanted ? ""
           : row->open             ? "unacked"
           : row->acked_us > 0     ? "acked"
           : passed                ? "passed" /* a newer one took its place */
                                   : "acked";
}

static void put_acknowledgement(struct json_writer *json, const struct state_event *row)
{
    if (row->acked_us == 0) {
        json_put_null(json, "acknowledged");
        return;
    }
    json_put_object(json, "acknowledged");
    json_put_time(json, "time", row->acked_us);
    json_put_string(json, "by", row->acked_by);
    json_put_string(json, "note", row->note);
    json_put_string(json, "result", row->result);
    json_end_object(json);
}

void server_put_event(struct json_writer *json, const struct state_event *row)
{
    const struct event *event = row->event;
    json_put_u64(json, "id", row->id);
    json_put_time(json, "time", event->time_us);
    json_put_time(json, "received", event->receive_us);
    json_put_string(json, "source", event->source);
    json_put_string(json, "kind", event->kind);
    json_put_string(json, "severity", event_severity_word(event->severity));
    json_put_string(json, "text", event->text);
    json_put_bool(json, "latest", row->latest);
    json_put_string(json, "ack", ack_word(row));
    put_acknowledgement(json, row);
    json_put_string(json, "key", event->key);
    json_put_bool(json, "cut", event->cut);
    put_arguments(json, event);
}

/* ---- the list ---- */

struct events_list {
    struct server_request *req;
    struct state *state;
    struct state_event_filter filter;
    const atomic_bool *cancel;
    struct arena arena;
    struct buf out;
    struct json_writer json;
    int error;
};

static void list_free(struct events_list *list)
{
    arena_fini(&list->arena);
    buf_fini(&list->out);
    busbar_free(list);
}

static void put_row(void *ctx, const struct state_event *row)
{
    struct events_list *list = ctx;
    json_begin_object(&list->json);
    server_put_event(&list->json, row);
    json_end_object(&list->json);
}

static bool is_cancelled(void *ctx)
{
    const struct events_list *list = ctx;
    return atomic_load(list->cancel);
}

static void read_list(void *ctx)
{
    struct events_list *list = ctx;
    list->error = state_events(list->state, &list->filter, put_row, list);
}

static void list_read(void *ctx, int error)
{
    struct events_list *list = ctx;
    int reason = error != 0 ? error : list->error;
    json_end_array(&list->json);
    json_end_object(&list->json);
    if (reason != 0) {
        server_reply_error(list->req, reason, "the journal of events cannot be read: %s",
                           err_text(reason));
    } else {
        server_reply_json(list->req, 200, &list->out);
    }
    list_free(list);
}

static const char *keep(struct events_list *list, const char *name)
{
    const char *text = server_query(list->req, name);
    return text != NULL && text[0] != '\0' ? arena_strdup(&list->arena, text) : NULL;
}

static int parse_severity(struct events_list *list, struct err *err)
{
    const char *word = server_query(list->req, "severity");
    int severity = word != NULL && word[0] != '\0' ? event_severity_parse(word) : EVENT_INFO;
    if (severity < 0) {
        err_set(err, BUSBAR_EINVAL, "no severity '%.40s'", word);
        return err_hint(err, "info, low, medium, high or critical");
    }
    list->filter.severity = (uint8_t)severity;
    return 0;
}

static int parse_filter(struct events_list *list, struct err *err)
{
    struct state_event_filter *filter = &list->filter;
    struct server_request *req = list->req;
    int64_t limit = 0, before = 0;
    int error = server_query_i64(req, "limit", EVENTS_LIMIT, 1, EVENTS_LIMIT_MAX, &limit, err);
    error = error == 0 ? server_query_i64(req, "before", 0, 0, INT64_MAX, &before, err) : error;
    error = error == 0 ? server_query_time(req, "from", 0, &filter->from_us, err) : error;
    error = error == 0 ? server_query_time(req, "to", 0, &filter->to_us, err) : error;
    error = error == 0 ? parse_severity(list, err) : error;
    filter->limit = (size_t)limit;
    filter->before = (uint64_t)before;
    filter->source = keep(list, "source");
    filter->kind = keep(list, "kind");
    filter->text = keep(list, "text");
    filter->open = server_query_bool(req, "unacked");
    filter->stop = is_cancelled;
    return error;
}

static void get_events(struct server_request *req)
{
    struct server *server = server_of(req);
    struct err err = { 0 };
    if (server->config.state == NULL) {
        server_reply_error(req, BUSBAR_EAGAIN, "there is no journal");
        return;
    }
    struct events_list *list = busbar_alloc(sizeof(*list));
    arena_init(&list->arena, FILTER_BYTES_MAX);
    buf_init(&list->out, SERVER_ANSWER_MAX);
    list->req = req;
    list->state = server->config.state;
    list->cancel = server_cancel(req);
    list->json = json_writer(&list->out);
    json_begin_object(&list->json);
    json_put_array(&list->json, "events");
    int error = parse_filter(list, &err);
    error = error == 0 ? server_query_submit(server, read_list, list_read, list, &err) : error;
    if (error != 0) {
        list_free(list);
        server_reply_err(req, &err);
    }
}

/* ---- one ---- */

struct one_event {
    struct server_request *req;
    struct state *state;
    uint64_t id;
    struct buf out;
    int error;
};

void server_no_event(struct server_request *req, uint64_t id)
{
    struct err err;
    err_set(&err, BUSBAR_ENOENT, "no event %llu", (unsigned long long)id);
    err_hint(&err, "busbar event list shows what there is; old ones are removed "
                   "(history: events_keep)");
    server_reply_err(req, &err);
}

bool server_event_id(struct server_request *req, uint64_t *id)
{
    struct err err;
    if (str_parse_u64(server_param(req, "id"), id) == 0 && *id > 0 && *id <= INT64_MAX) {
        return true;
    }
    err_set(&err, BUSBAR_EINVAL, "'%.40s' is no number of an event", server_param(req, "id"));
    err_hint(&err, "such as 17: busbar event list shows them");
    server_reply_err(req, &err);
    return false;
}

static void put_one(void *ctx, const struct state_event *row)
{
    struct one_event *one = ctx;
    struct json_writer json = json_writer(&one->out);
    json_begin_object(&json);
    server_put_event(&json, row);
    json_end_object(&json);
}

static void read_one(void *ctx)
{
    struct one_event *one = ctx;
    one->error = state_event_get(one->state, one->id, put_one, one);
}

static void one_read(void *ctx, int error)
{
    struct one_event *one = ctx;
    int reason = error != 0 ? error : one->error;
    if (reason == BUSBAR_ENOENT) {
        server_no_event(one->req, one->id);
    } else if (reason != 0) {
        server_reply_error(one->req, reason, "the journal of events cannot be read: %s",
                           err_text(reason));
    } else {
        server_reply_json(one->req, 200, &one->out);
    }
    buf_fini(&one->out);
    busbar_free(one);
}

static void get_event(struct server_request *req)
{
    struct server *server = server_of(req);
    uint64_t id;
    if (!server_event_id(req, &id)) {
        return;
    }
    if (server->config.state == NULL) {
        server_reply_error(req, BUSBAR_EAGAIN, "there is no journal");
        return;
    }
    struct one_event *one = busbar_alloc(sizeof(*one));
    *one = (struct one_event){ .req = req, .state = server->config.state, .id = id };
    buf_init(&one->out, SERVER_ANSWER_MAX);
    jobs_submit(server->config.loop, read_one, one_read, one);
}

void server_events_routes(struct server *server)
{
    static const struct server_query_param query[] = {
        { "limit", "integer", "events in the answer, at most 1000; default 100" },
        { "before", "integer", "only events with a smaller id: the next page" },
        { "from", "string", "time of the event" },
        { "to", "string", "time, not included" },
        { "source", "string", "pattern with * and ?: a device, a device/point" },
        { "kind", "string", "one kind: alarm, fault, normal, notification ..." },
        { "severity", "string", "this one and above: info, low, medium, high, critical" },
        { "text", "string", "words in the text or the source" },
        { "unacked", "boolean", "only what waits for an acknowledgement" },
        { NULL, NULL, NULL },
    };
    static const struct server_route routes[] = {
        { .method = "GET",
          .path = "/api/v1/events",
          .handler = get_events,
          .summary = "what devices reported, the newest first",
          .query = query,
          .answer = "EventList" },
        { .method = "GET",
          .path = "/api/v1/events/{id}",
          .handler = get_event,
          .summary = "one event",
          .answer = "Event" },
    };
    server_add_routes(server, routes, sizeof(routes) / sizeof(routes[0]), NULL);
    server_acknowledge_routes(server);
}
