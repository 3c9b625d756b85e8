/* SPDX-License-Identifier: Apache-2.0 */
/* GET /api/v1/sinks/{sink}/aside: what a target refused for good, newest first, each with the reason. It is in SQLite,
 * which may wait for the disk: read by a job. */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "history/history.h"
#include "history/index.h"
#include "model/labels.h"
#include "model/quality.h"
#include "server/sinks.h"
#include "state/state.h"

enum { ASIDE_LIMIT = 100, ASIDE_LIMIT_MAX = 1000, TEXT_MAX = 64 * 1024 };

struct aside_list {
    struct server_request *req;
    struct state *state;
    struct history_index *index; /* NULL: there is no history */
    char sink[SINK_NAME_MAX + 1];
    uint64_t before;
    size_t limit;
    struct state_aside_count total;
    struct buf text, out;
    struct json_writer json;
    int error;
};

static void list_free(struct aside_list *list)
{
    buf_fini(&list->text);
    buf_fini(&list->out);
    busbar_free(list);
}

/* The point; of a series without one, its labels as in PromQL. */
static const char *path_of(struct aside_list *list, const struct state_aside *row)
{
    struct label labels[LABELS_MAX];
    if (row->path != NULL && row->path[0] != '\0') {
        return row->path;
    }
    buf_clear(&list->text);
    size_t count = list->index != NULL
                       ? history_index_labels(list->index, row->sample.point, labels)
                       : 0;
    if (count > 0) {
        labels_print(labels, count, &list->text);
    } else {
        (void)buf_printf(&list->text, "series %lu", (unsigned long)row->sample.point);
    }
    return buf_text(&list->text);
}

static void put_sample(struct aside_list *list, const struct state_aside *row)
{
    struct json_writer *json = &list->json;
    json_put_time(json, "time", row->sample.time_us);
    json_put_string(json, "path", path_of(list, row));
    buf_clear(&list->text);
    value_print(row->sample.type, row->sample.value, &list->text);
    json_put_string(json, "value", buf_text(&list->text));
    json_put_string(json, "quality", quality_class_word(row->sample.quality));
}

static void put_event(struct aside_list *list, const struct state_aside *row)
{
    struct json_writer *json = &list->json;
    struct bytes bytes = row->event;
    struct event_decoded decoded;
    if (event_decode(&bytes, &decoded) == 0) {
        json_put_time(json, "time", decoded.event.time_us);
        json_put_string(json, "path", decoded.event.source);
        json_put_string(json, "value", decoded.event.text);
        event_decoded_fini(&decoded);
    } else {
        json_put_time(json, "time", row->since_us);
        json_put_string(json, "path", "");
        json_put_string(json, "value", "");
    }
    json_put_string(json, "quality", "");
}

static void put_row(void *ctx, const struct state_aside *row)
{
    struct aside_list *list = ctx;
    struct json_writer *json = &list->json;
    bool event = row->event.end > row->event.start;
    json_begin_object(json);
    json_put_u64(json, "id", row->id);
    json_put_bool(json, "event", event);
    if (event) {
        put_event(list, row);
    } else {
        put_sample(list, row);
    }
    json_put_string(json, "reason", row->reason);
    json_put_time(json, "set_aside", row->since_us);
    json_end_object(json);
}

static void read_rows(void *ctx)
{
    struct aside_list *list = ctx;
    list->error = state_asides(list->state, list->sink, list->before, list->limit, put_row, list);
    if (list->error == 0) {
        list->error = state_aside_count(list->state, list->sink, NULL, &list->total);
    }
}

static void rows_read(void *ctx, int error)
{
    struct aside_list *list = ctx;
    int reason = error != 0 ? error : list->error;
    json_end_array(&list->json);
    json_put_u64(&list->json, "total", list->total.samples + list->total.events);
    json_end_object(&list->json);
    if (reason != 0) {
        server_reply_error(list->req, reason, "what is set aside cannot be read: %s",
                           err_text(reason));
    } else {
        server_reply_json(list->req, 200, &list->out);
    }
    list_free(list);
}

static void get_aside(struct server_request *req)
{
    struct server *server = server_of(req);
    struct sink_status status;
    struct err err = { 0 };
    int64_t limit = 0, before = 0;
    if (!server_sink_of(req, &status)) {
        return;
    }
    if (server->config.state == NULL) {
        server_reply_error(req, BUSBAR_EAGAIN, "there is no state");
        return;
    }
    int error = server_query_i64(req, "limit", ASIDE_LIMIT, 1, ASIDE_LIMIT_MAX, &limit, &err);
    error = error == 0 ? server_query_i64(req, "before", 0, 0, INT64_MAX, &before, &err) : error;
    if (error != 0) {
        server_reply_err(req, &err);
        return;
    }
    struct aside_list *list = busbar_alloc(sizeof(*list));
    list->req = req;
    list->state = server->config.state;
    list->index = server->config.history != NULL ? history_index(server->config.history) : NULL;
    str_copy(list->sink, sizeof(list->sink), status.name);
    list->limit = (size_t)limit;
    list->before = (uint64_t)before;
    buf_init(&list->text, TEXT_MAX);
    buf_init(&list->out, SERVER_ANSWER_MAX);
    list->json = json_writer(&list->out);
    json_begin_object(&list->json);
    json_put_array(&list->json, "rows");
    jobs_submit(server->config.loop, read_rows, rows_read, list);
}

void server_sink_aside_routes(struct server *server)
{
    static const struct server_query_param query[] = {
        { "limit", "integer", "rows in the answer, at most 1000; default 100" },
        { "before", "integer", "only rows with a smaller id: the next page" },
        { NULL, NULL, NULL },
    };
    static const struct server_route routes[] = {
        { .method = "GET",
          .path = "/api/v1/sinks/{sink}/aside",
          .handler = get_aside,
          .summary = "what the target refused for good, newest first, with the reason",
          .query = query,
          .answer = "SinkAsideList" },
    };
    server_add_routes(server, routes, sizeof(routes) / sizeof(routes[0]), NULL);
}
