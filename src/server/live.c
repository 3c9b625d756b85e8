/* SPDX-License-Identifier: Apache-2.0 */
/* GET /api/v1/live: opening a stream, finding its points, and the tick that lets it speak.
 *
 * A stream that has nothing to say suspends its connection; the tick, every 200 ms, resumes those
 * with news. A stream is freed when the connection and libmicrohttpd's answer are both gone. */
#include "server/live.h"

#include <microhttpd.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "server/health.h"
#include "server/live_private.h"
#include "server/reply.h"

/* KERNEL_BYTES: what the kernel may hold for a reader, since it is old when it arrives. */
enum { BLOCK_BYTES = 8192, KERNEL_BYTES = 64 * 1024 };

static void stream_free(struct live_stream *stream)
{
    if (stream->walking) {
        walk_stop(&stream->walk);
        shape_fini(&stream->shape);
    }
    list_remove(&stream->link);
    stream->live->stream_count--;
    stream->live->point_count -= stream->set.count;
    live_set_fini(&stream->set);
    buf_fini(&stream->out);
    busbar_free(stream->paths);
    busbar_free(stream);
}

/* ---- libmicrohttpd's side ---- */

static ssize_t read_stream(void *ctx, uint64_t position, char *to, size_t max)
{
    struct live_stream *stream = ctx;
    (void)position;
    if (stream->live->stopped || stream->req == NULL) {
        return MHD_CONTENT_READER_END_OF_STREAM;
    }
    if (http_stream_left(&stream->req->http)) {
        return MHD_CONTENT_READER_END_WITH_ERROR;
    }
    if (stream->out_sent == stream->out.size && !live_next_event(stream)) {
        http_stream_wait(&stream->req->http);
        return 0;
    }
    size_t size = stream->out.size - stream->out_sent;
    size = size < max ? size : max;
    memcpy(to, stream->out.data + stream->out_sent, size);
    stream->out_sent += size;
    return (ssize_t)size;
}

static void on_response_gone(void *ctx)
{
    struct live_stream *stream = ctx;
    stream->response_gone = true;
    if (stream->req == NULL) {
        stream_free(stream);
    }
}

static void on_connection_gone(void *ctx)
{
    struct live_stream *stream = ctx;
    stream->req = NULL;
    if (stream->response_gone) {
        stream_free(stream);
    }
}

/* The points are known: answer. */
static void open_stream(struct live_stream *stream)
{
    struct server_request *req = stream->req;
    struct MHD_Response *response = MHD_create_response_from_callback(
        MHD_SIZE_UNKNOWN, BLOCK_BYTES, read_stream, stream, on_response_gone);
    stream->open = true;
    if (response == NULL || req->http.connection == NULL) {
        stream->req = NULL;
        if (response != NULL) {
            MHD_destroy_response(response);
        } else {
            stream_free(stream);
        }
        server_reply_error(req, BUSBAR_ENOMEM, "no memory for a stream");
        return;
    }
    server_reply_headers(response, "text/event-stream", "no-store");
    stream->allowed = stream->set.queued;
    stream->health_due = stream->wants_health;
    (void)buf_append_text(&stream->out, "retry: 2000\n\n");
    server_request_on_gone(req, on_connection_gone, stream);
    http_stream_begin(&req->http, KERNEL_BYTES);
    server_reply_response(req, 200, response);
}

/* ---- finding the points ---- */

static void fail_open(struct live_stream *stream, int code, const char *message)
{
    struct server_request *req = stream->req;
    struct err err;
    err_set(&err, code, "%s", message);
    err_hint(&err, "name the points, or use a narrower pattern");
    stream_free(stream);
    server_reply_err(req, &err);
}

static bool add_point(struct live_stream *stream, const struct point *pt)
{
    struct live *live = stream->live;
    if (stream->set.count == LIVE_POINTS_MAX || live->point_count == LIVE_ALL_POINTS_MAX) {
        stream->too_many = true;
        return false;
    }
    live->point_count += live_set_add(&stream->set, pt->last.point);
    return true;
}

static bool on_point(void *ctx, struct point *pt)
{
    struct live_stream *stream = ctx;
    return !filter_point(&stream->filter, &stream->shape, pt) || add_point(stream, pt);
}

static void on_turned(void *ctx)
{
    struct live_stream *stream = ctx;
    shape_forget(&stream->shape);
}

static void on_found(void *ctx)
{
    struct live_stream *stream = ctx;
    stream->walking = false;
    shape_fini(&stream->shape);
    if (stream->open) {
        return; /* looked again after an apply */
    }
    if (stream->too_many) {
        fail_open(stream, BUSBAR_ELIMIT, "too many points for a stream");
        return;
    }
    server_request_on_cut(stream->req, NULL, NULL);
    open_stream(stream);
}

/* "a/b,c/d": unknown paths are left out. */
static void find_paths(struct live_stream *stream)
{
    for (const char *at = stream->paths; *at != '\0';) {
        char path[DEVICE_NAME_MAX + POINT_NAME_MAX + 2];
        size_t size = strcspn(at, ",");
        str_format(path, sizeof(path), "%.*s", (int)(size < sizeof(path) ? size : sizeof(path)),
                   at);
        const struct point *pt = registry_point(stream->live->server->config.registry, path);
        if (pt != NULL) {
            (void)add_point(stream, pt);
        }
        at += size + (at[size] == ',' ? 1 : 0);
    }
}

static void find_points(struct live_stream *stream)
{
    static const struct walk_visitor visitor = { .point = on_point,
                                                 .turned = on_turned,
                                                 .done = on_found };
    const struct server_config *config = &stream->live->server->config;
    stream->walking = true;
    shape_init(&stream->shape, stream->live->server);
    if (stream->paths != NULL) {
        find_paths(stream);
    }
    if (stream->paths != NULL || !stream->wants_points) {
        on_found(stream);
        return;
    }
    walk_start(&stream->walk, config->loop, config->registry, filter_only(&stream->filter), false,
               &visitor, stream);
}

static void on_cut(void *ctx)
{
    fail_open(ctx, BUSBAR_ECANCELED, "busbar is stopping");
}

static void get_live(struct server_request *req)
{
    struct live *live = server_of(req)->live;
    struct err err = { 0 };
    if (live->stream_count == SERVER_STREAMS_MAX) {
        err_set(&err, BUSBAR_ELIMIT, "there are %d live streams already", SERVER_STREAMS_MAX);
        err_hint(&err, "close a page or a watch, or wait");
        server_reply_status(req, 429, &err);
        return;
    }
    const char *paths = server_query(req, "points");
    struct live_stream *stream = busbar_alloc(sizeof(*stream));
    if (filter_parse(req, &stream->filter, &err) != 0) {
        busbar_free(stream);
        server_reply_err(req, &err);
        return;
    }
    stream->live = live;
    stream->req = req;
    stream->paths = busbar_strdup(paths);
    stream->wants_health = server_query_bool(req, "health");
    stream->wants_events = server_query_bool(req, "events");
    stream->journal_sequence = live->journal_sequence;
    stream->wants_points = paths != NULL || !stream->filter.trivial ||
                           server_query(req, "match") != NULL ||
                           server_query(req, "device") != NULL;
    stream->wants_devices = stream->wants_health || server_query(req, "device") != NULL;
    buf_init(&stream->out, LIVE_OUT_MAX);
    if (list_empty(&live->streams)) {
        live->health = health_mark(live->server);
    }
    list_append(&live->streams, &stream->link);
    live->stream_count++;
    server_request_on_cut(req, on_cut, stream);
    find_points(stream);
}

/* ---- the tick ---- */

static void on_batch(void *ctx, const struct bus_batch *batch)
{
    struct live *live = ctx;
    list_each(at, &live->streams) {
        struct live_stream *stream = list_entry(at, struct live_stream, link);
        for (size_t i = 0; i < batch->count && stream->set.count > 0; i++) {
            const struct point *pt = &batch->device->points[batch->points[i]];
            live_set_touch(&stream->set, pt->last.point);
        }
    }
}

static bool tick_stream(struct live_stream *stream, bool health_changed)
{
    struct live *live = stream->live;
    if (!stream->open || stream->req == NULL) {
        return false;
    }
    stream->allowed = stream->set.queued;
    stream->quiet_ticks++;
    if (stream->wants_health && (health_changed || live->ticks % LIVE_HEALTH_TICKS == 0)) {
        stream->health_due = true;
    }
    if (live_has_news(stream)) {
        http_stream_wake(&stream->req->http);
    }
    return stream->wants_devices;
}

static void on_tick(struct timer *timer, void *ctx)
{
    struct live *live = ctx;
    (void)timer;
    if (list_empty(&live->streams)) {
        return;
    }
    live->ticks++;
    uint64_t health = health_mark(live->server);
    bool health_changed = health != live->health;
    bool devices = false;
    live->health = health;
    list_each(at, &live->streams) {
        struct live_stream *stream = list_entry(at, struct live_stream, link);
        devices = tick_stream(stream, health_changed) || devices;
    }
    if (devices && (live->ticks % LIVE_DEVICES_TICKS == 0 || live->device_sequence == 0)) {
        live_look_at_devices(live);
    }
}

void live_changed(struct live *live)
{
    list_each(at, &live->streams) {
        struct live_stream *stream = list_entry(at, struct live_stream, link);
        if (stream->open && !stream->walking) {
            live_set_touch_all(&stream->set);
            find_points(stream);
        }
    }
}

size_t live_stream_count(const struct live *live)
{
    return live->stream_count;
}

struct live *live_new(struct server *server)
{
    struct live *live = busbar_alloc(sizeof(*live));
    live->server = server;
    list_init(&live->streams);
    list_init(&live->devices);
    list_init(&live->journal);
    map_init(&live->device_by_name);
    live->listener = bus_listen(server->config.bus, on_batch, live);
    timer_init(&live->tick, server->config.loop, on_tick, live);
    timer_start(&live->tick, LIVE_TICK_MS, LIVE_TICK_MS);
    return live;
}

void live_stop(struct live *live)
{
    live->stopped = true;
    timer_stop(&live->tick);
    list_each(at, &live->streams) {
        struct live_stream *stream = list_entry(at, struct live_stream, link);
        if (stream->req != NULL) {
            http_stream_wake(&stream->req->http);
        }
    }
}

void live_free(struct live *live)
{
    list_each_safe(at, &live->streams) {
        stream_free(list_entry(at, struct live_stream, link));
    }
    bus_unlisten(live->server->config.bus, live->listener);
    live_forget_devices(live);
    live_forget_journal(live);
    busbar_free(live);
}

void server_live_routes(struct server *server)
{
    static const struct server_query_param query[] = {
        { "points", "string", "paths with commas between them" },
        FILTER_QUERY,
        { "health", "boolean", "also health, and every device whose state changed" },
        { "events", "boolean", "also events as they come into the journal or change" },
        { NULL, NULL, NULL },
    };
    static const struct server_route routes[] = {
        { .method = "GET",
          .path = "/api/v1/live",
          .handler = get_live,
          .summary = "values as they change (server-sent events)",
          .query = query,
          .answer = "Stream" },
    };
    server_add_routes(server, routes, sizeof(routes) / sizeof(routes[0]), NULL);
}
