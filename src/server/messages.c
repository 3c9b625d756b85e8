/* SPDX-License-Identifier: Apache-2.0 */
/* GET /api/v1/drivers/{protocol}/messages: what devices send by themselves: counts, the senders, the last refused messages
 * with the reason, and ids that no device has. */
#include <stdlib.h>

#include "base/alloc.h"
#include "driver/messages.h"
#include "server/core.h"
#include "server/shape.h"

enum { SOURCES_DEFAULT = 100, SOURCES_MAX = 10000 };

void server_put_message_counts(struct json_writer *json, const struct driver_message_counts *counts)
{
    json_put_u64(json, "messages", counts->messages);
    json_put_u64(json, "readings", counts->readings);
    json_put_u64(json, "events", counts->events);
    json_put_u64(json, "repeated", counts->repeated);
    json_put_u64(json, "refused", counts->refused);
    json_put_u64(json, "unused", counts->unused);
    json_put_u64(json, "strangers", counts->strangers);
    json_put_u64(json, "waiting", counts->waiting);
}

static void put_refusal(void *ctx, const struct driver_refusal *refusal)
{
    struct json_writer *json = ctx;
    json_begin_object(json);
    json_put_u64(json, "id", refusal->number);
    shape_time(json, "time", refusal->time_us);
    json_put_string(json, "source", refusal->source);
    json_put_string(json, "where", refusal->where);
    json_put_string(json, "why", refusal->why);
    json_put_string(json, "excerpt", refusal->excerpt);
    json_end_object(json);
}

static void put_stranger(void *ctx, const struct driver_stranger *stranger)
{
    struct json_writer *json = ctx;
    json_begin_object(json);
    json_put_string(json, "id", stranger->id);
    json_put_string(json, "came_by", stranger->route);
    json_put_u64(json, "messages", stranger->times);
    shape_time(json, "last", stranger->last_us);
    json_put_string(json, "sample", stranger->sample);
    json_end_object(json);
}

/* ---- senders, those that were heard last first ---- */

struct sources {
    struct driver_source *list;
    size_t count, capacity;
};

static void gather_source(void *ctx, const struct driver_source *source)
{
    struct sources *sources = ctx;
    if (sources->count == sources->capacity) {
        sources->capacity = sources->capacity > 0 ? 2 * sources->capacity : 64;
        sources->list = busbar_realloc(sources->list, sources->capacity * sizeof(*sources->list));
    }
    sources->list[sources->count++] = *source;
}

static int compare_sources(const void *left, const void *right)
{
    const struct driver_source *a = left, *b = right;
    return a->last_us > b->last_us ? -1 : a->last_us < b->last_us;
}

static void put_sources(struct json_writer *json, const struct driver_messages *messages,
                        size_t limit)
{
    struct sources sources = { 0 };
    messages->sources(messages->of, gather_source, &sources);
    if (sources.count > 0) {
        qsort(sources.list, sources.count, sizeof(*sources.list), compare_sources);
    }
    json_put_u64(json, "source_count", sources.count);
    json_put_array(json, "sources");
    for (size_t i = 0; i < sources.count && i < limit; i++) {
        const struct driver_source *source = &sources.list[i];
        json_begin_object(json);
        json_put_string(json, "source", source->name);
        json_put_u64(json, "messages", source->messages);
        json_put_u64(json, "refused", source->refused);
        shape_time(json, "last", source->last_us);
        shape_time(json, "last_refused", source->last_refused_us);
        json_end_object(json);
    }
    json_end_array(json);
    busbar_free(sources.list);
}

static void get_messages(struct server_request *req)
{
    const char *protocol = server_param(req, "protocol");
    const struct server_config *config = &server_of(req)->config;
    struct driver_messages messages;
    struct err err = { 0 };
    int64_t limit = 0;
    if (server_query_i64(req, "limit", SOURCES_DEFAULT, 0, SOURCES_MAX, &limit, &err) != 0) {
        server_reply_err(req, &err);
        return;
    }
    if (!host_driver_messages(config->host, protocol, &messages)) {
        err_set(&err, BUSBAR_ENOENT, "no device of protocol '%s' sends messages by itself",
                protocol);
        err_hint(&err, "GET /api/v1/drivers shows the protocols and what they count");
        server_reply_err(req, &err);
        return;
    }
    struct buf out;
    buf_init(&out, SERVER_ANSWER_MAX);
    struct json_writer json = json_writer(&out);
    json_begin_object(&json);
    json_put_string(&json, "protocol", protocol);
    server_put_message_counts(&json, &messages.counts);
    json_put_array(&json, "refusals");
    messages.refusals(messages.of, put_refusal, &json);
    json_end_array(&json);
    put_sources(&json, &messages, (size_t)limit);
    json_put_array(&json, "unknown_ids");
    messages.strangers(messages.of, put_stranger, &json);
    json_end_array(&json);
    json_end_object(&json);
    server_reply_json(req, 200, &out);
}

void server_messages_routes(struct server *server)
{
    static const struct server_query_param query[] = {
        { "limit", "integer", "so many senders, those heard last first; default 100" },
        { NULL, NULL, NULL },
    };
    static const struct server_route routes[] = {
        { .method = "GET",
          .path = "/api/v1/drivers/{protocol}/messages",
          .handler = get_messages,
          .summary = "what devices send by themselves: counts, senders, what was refused and why",
          .query = query,
          .answer = "MessageList" },
    };
    server_add_routes(server, routes, sizeof(routes) / sizeof(routes[0]), NULL);
}
