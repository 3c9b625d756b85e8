/* SPDX-License-Identifier: Apache-2.0 */
/* GET /api/v1/sinks and one of them: where samples are published, how far each sink is, what its quota leaves, and how
 * it went lately. All of it comes from figures at hand; a ring of the last minutes is filled by a timer here, so that
 * a person who comes to look sees what was before. */
#include "server/sinks.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "net/timer.h"
#include "server/shape.h"

enum {
    LOG_SAMPLE_BYTES = 16, /* of log, where nothing is known yet */
    BYTES_KNOWN = 10000,   /* samples that tell how large one is */
    LATE_S = 60,           /* not connected for so long is worth a person's attention */
    NAMES_MAX = 400,
};
#define QUOTA_NEAR 0.8

struct server_sinks {
    struct server *server;
    struct sink_runs *runs;
    struct timer timer;
    struct sinks_recent recent[SINKS_MAX];
};

/* ---- what is left of the quota ---- */

static double bytes_a_sample(const struct server *server, const struct sink_status *status)
{
    const struct history_status *history = &server->gauges.history;
    if (status->waiting >= BYTES_KNOWN) {
        return (double)status->waiting_bytes / (double)status->waiting;
    }
    if (history->head_samples >= BYTES_KNOWN) {
        return (double)history->log_bytes / (double)history->head_samples;
    }
    return LOG_SAMPLE_BYTES;
}

void sink_room(const struct server *server, const struct sink_status *status,
               struct sink_room *room)
{
    double per_s = server->gauges.samples_per_s * bytes_a_sample(server, status);
    bool full = status->waiting_bytes >= status->keep_bytes;
    double aged = 0;
    *room = (struct sink_room){ .left_us = -1 };
    room->left_bytes = full ? 0 : status->keep_bytes - status->waiting_bytes;
    if (per_s > 0) {
        room->left_us = (int64_t)fmin((double)room->left_bytes / per_s * 1e6, 1e17);
    }
    if (status->keep_us > 0) {
        int64_t left_us = status->lag_us < status->keep_us ? status->keep_us - status->lag_us : 0;
        room->left_us = room->left_us < 0 || left_us < room->left_us ? left_us : room->left_us;
        aged = (double)status->lag_us / (double)status->keep_us;
    }
    if (status->keep_bytes > 0) {
        room->used = (double)status->waiting_bytes / (double)status->keep_bytes;
    }
    room->used = fmin(1, fmax(room->used, aged));
}

/* ---- what is wrong ---- */

bool sink_trouble(const struct server *server, const struct sink_status *status,
                  struct sink_trouble *trouble)
{
    struct sink_room room;
    bool down = status->phase == SINK_WAITING || status->phase == SINK_CONNECTING;
    char lag[32], share[16];
    *trouble = (struct sink_trouble){ 0 };
    sink_room(server, status, &room);
    str_format_duration(lag, sizeof(lag), status->lag_us / CLOCK_US_PER_S * CLOCK_US_PER_S);
    if (status->phase == SINK_STUCK) {
        str_format(trouble->what, sizeof(trouble->what), "sink %s is stuck", status->name);
    } else if (down && status->error.code != 0 && status->lag_us > LATE_S * CLOCK_US_PER_S) {
        str_format(trouble->what, sizeof(trouble->what), "sink %s has been waiting for %s",
                   status->name, lag);
    } else if (room.used < QUOTA_NEAR) {
        return false;
    }
    if (trouble->what[0] != '\0') {
        str_copy(trouble->why, sizeof(trouble->why), status->error.message);
        str_copy(trouble->hint, sizeof(trouble->hint), status->error.hint);
    } else {
        str_format(trouble->what, sizeof(trouble->what), "sink %s is near its quota", status->name);
        str_format(share, sizeof(share), "%.0f %%", 100 * room.used);
        str_format(trouble->why, sizeof(trouble->why),
                   "what waits takes %s of what it may (keep, keep_bytes); then the oldest is let "
                   "go unpublished",
                   share);
    }
    if (trouble->hint[0] == '\0') {
        str_format(trouble->hint, sizeof(trouble->hint), "busbar sink test %s looks closer",
                   status->name);
    }
    return true;
}

/* ---- shapes ---- */

static void put_age(struct json_writer *json, const char *key, int64_t us)
{
    json_put_double(json, key, round((double)us / 1e5) / 10);
}

static void put_error(struct json_writer *json, const struct sink_status *status)
{
    if (status->error.code == 0) {
        json_put_null(json, "error");
        return;
    }
    json_put_object(json, "error");
    json_put_string(json, "code", err_name(status->error.code));
    json_put_string(json, "message", status->error.message);
    json_put_string(json, "hint", status->error.hint);
    shape_time(json, "time", status->error_us);
    json_end_object(json);
}

static void put_quota(const struct server *server, struct json_writer *json,
                      const struct sink_status *status)
{
    struct sink_room room;
    sink_room(server, status, &room);
    json_put_object(json, "quota");
    json_put_u64(json, "keep_bytes", status->keep_bytes);
    if (status->keep_us > 0) {
        json_put_i64(json, "keep_s", status->keep_us / CLOCK_US_PER_S);
    } else {
        json_put_null(json, "keep_s");
    }
    json_put_u64(json, "left_bytes", room.left_bytes);
    if (room.left_us >= 0) {
        json_put_i64(json, "left_s", room.left_us / CLOCK_US_PER_S);
    } else {
        json_put_null(json, "left_s");
    }
    json_put_double(json, "used", round(1000 * room.used) / 1000);
    json_end_object(json);
}

static void put_counts(struct json_writer *json, const struct sink_status *status)
{
    const struct sink_counts *counts = &status->counts;
    json_put_u64(json, "published", counts->published);
    json_put_u64(json, "repeated", counts->repeated);
    json_put_u64(json, "aside", status->aside);
    json_put_u64(json, "released", counts->released);
    json_put_u64(json, "events", counts->events);
    json_put_u64(json, "events_aside", counts->events_aside);
    json_put_u64(json, "events_released", counts->events_released);
    json_put_u64(json, "waiting", status->waiting);
    json_put_u64(json, "waiting_bytes", status->waiting_bytes);
    put_age(json, "lag_s", status->lag_us);
    json_put_double(json, "samples_per_s", round(status->samples_per_second * 10) / 10);
    json_put_u64(json, "batches", status->batches);
    json_put_u64(json, "failures", status->failures);
}

static bool is_up(const struct sink_status *status)
{
    return status->phase == SINK_LIVE || status->phase == SINK_CATCHING_UP;
}

/* It would publish and cannot. */
static bool is_held(const struct sink_status *status)
{
    return !is_up(status) && status->phase != SINK_PAUSED && status->error.code != 0;
}

static void put_members(const struct server *server, struct json_writer *json,
                        const struct sink_status *status)
{
    struct sink_trouble trouble;
    json_put_string(json, "name", status->name);
    json_put_string(json, "kind", status->ops->name);
    json_put_string(json, "title", status->ops->title);
    json_put_string(json, "where", status->where);
    json_put_string(json, "points", status->points);
    json_put_bool(json, "exactly_once", (status->ops->flags & SINK_KEEPS_PLACE) != 0);
    json_put_bool(json, "sql", status->ops->sql != NULL);
    json_put_string(json, "phase", sink_phase_word(status->phase));
    json_put_bool(json, "up", is_up(status));
    shape_time(json, "since", status->since_us);
    put_counts(json, status);
    shape_time(json, "last_published", status->published_us);
    put_error(json, status);
    json_put_string(json, "why", is_held(status) ? status->error.message : "");
    shape_time(json, "next_try", status->next_try_us);
    put_quota(server, json, status);
    (void)sink_trouble(server, status, &trouble);
    json_put_string(json, "trouble", trouble.what);
}

static void put_details(struct json_writer *json, const struct sink_status *status)
{
    json_put_array(json, "details");
    for (size_t i = 0; i < status->detail_count; i++) {
        json_begin_object(json);
        json_put_string(json, "name", status->details[i].name);
        json_put_string(json, "text", status->details[i].text);
        json_end_object(json);
    }
    json_end_array(json);
}

void server_put_sinks(const struct server *server, struct json_writer *json)
{
    struct sinks *sinks = server->config.sinks;
    size_t count = sinks != NULL ? sinks_count(sinks) : 0;
    struct sink_status status;
    json_put_array(json, "sinks");
    for (size_t i = 0; i < count && sinks_status_at(sinks, i, &status); i++) {
        json_begin_object(json);
        json_put_string(json, "name", status.name);
        json_put_string(json, "kind", status.ops->name);
        json_put_string(json, "phase", sink_phase_word(status.phase));
        json_put_bool(json, "up", is_up(&status));
        put_age(json, "lag_s", status.lag_us);
        json_put_u64(json, "waiting", status.waiting);
        json_put_u64(json, "published", status.counts.published);
        json_put_u64(json, "aside", status.aside);
        json_put_u64(json, "released", status.counts.released);
        json_put_string(json, "why", is_held(&status) ? status.error.message : "");
        json_end_object(json);
    }
    json_end_array(json);
}

void server_put_sinks_of(const struct server *server, struct json_writer *json, const char *path)
{
    struct sinks *sinks = server->config.sinks;
    struct sink_status status;
    json_put_array(json, "sinks");
    for (size_t i = 0; sinks != NULL && sinks_status_at(sinks, i, &status); i++) {
        if (sinks_takes_path(sinks, status.name, path)) {
            json_string(json, status.name);
        }
    }
    json_end_array(json);
}

/* ---- how it went lately ---- */

static struct sinks_recent *recent_of(struct server_sinks *view, const char *name)
{
    for (size_t i = 0; i < SINKS_MAX; i++) {
        if (strcmp(view->recent[i].name, name) == 0) {
            return &view->recent[i];
        }
    }
    return NULL;
}

/* A place for a sink that has none: an empty one, or that of a sink that there is no more. */
static struct sinks_recent *recent_new(struct server_sinks *view, const char *name)
{
    struct sinks *sinks = view->server->config.sinks;
    struct sink_status status;
    for (size_t i = 0; i < SINKS_MAX; i++) {
        struct sinks_recent *recent = &view->recent[i];
        if (recent->name[0] == '\0' || !sinks_status(sinks, recent->name, &status)) {
            *recent = (struct sinks_recent){ 0 };
            str_copy(recent->name, sizeof(recent->name), name);
            return recent;
        }
    }
    return NULL;
}

static void remember(struct server_sinks *view, const struct sink_status *status)
{
    struct sinks_recent *recent = recent_of(view, status->name);
    recent = recent != NULL ? recent : recent_new(view, status->name);
    if (recent == NULL) {
        return;
    }
    recent->rows[recent->next].lag_s = (float)((double)status->lag_us / 1e6);
    recent->rows[recent->next].samples_per_s = (float)status->samples_per_second;
    recent->rows[recent->next].waiting = status->waiting;
    recent->next = (recent->next + 1) % SINKS_RECENT;
    recent->count += recent->count < SINKS_RECENT ? 1 : 0;
    recent->last_us = clock_wall_us();
}

static void on_tick(struct timer *timer, void *ctx)
{
    struct server_sinks *view = ctx;
    struct sinks *sinks = view->server->config.sinks;
    struct sink_status status;
    (void)timer;
    for (size_t i = 0; sinks_status_at(sinks, i, &status); i++) {
        remember(view, &status);
    }
}

enum recent_column { RECENT_LAG, RECENT_WAITING, RECENT_RATE };

static void put_column(struct json_writer *json, const struct sinks_recent *recent, const char *key,
                       enum recent_column column)
{
    size_t count = recent != NULL ? recent->count : 0;
    json_put_array(json, key);
    for (size_t i = 0; i < count; i++) {
        size_t at = (recent->next + SINKS_RECENT - count + i) % SINKS_RECENT;
        double lag_s = (double)recent->rows[at].lag_s;
        double rate = (double)recent->rows[at].samples_per_s;
        if (column == RECENT_WAITING) {
            json_u64(json, recent->rows[at].waiting);
        } else {
            json_double(json, round(10 * (column == RECENT_LAG ? lag_s : rate)) / 10);
        }
    }
    json_end_array(json);
}

static void put_recent(struct json_writer *json, const struct sinks_recent *recent)
{
    json_put_object(json, "recent");
    shape_time(json, "to", recent != NULL ? recent->last_us : 0);
    json_put_i64(json, "step_s", SINKS_RECENT_STEP_S);
    put_column(json, recent, "lag_s", RECENT_LAG);
    put_column(json, recent, "waiting", RECENT_WAITING);
    put_column(json, recent, "samples_per_s", RECENT_RATE);
    json_end_object(json);
}

/* ---- routes ---- */

void server_no_sink(struct server_request *req, struct sinks *sinks, const char *name)
{
    struct err err;
    struct sink_status status;
    struct buf names;
    buf_init(&names, NAMES_MAX);
    for (size_t i = 0; sinks != NULL && sinks_status_at(sinks, i, &status); i++) {
        (void)buf_printf(&names, "%s%s", i > 0 ? ", " : "", status.name);
    }
    err_set(&err, BUSBAR_ENOENT, "there is no sink '%.63s'", name);
    if (buf_text(&names)[0] != '\0') {
        err_hint(&err, "there is: %s", buf_text(&names));
    } else {
        err_hint(&err, "the configuration has none; write one: sinks: { plant: { postgres: "
                       "\"host=db.example.org dbname=plant\" } }");
    }
    buf_fini(&names);
    server_reply_err(req, &err);
}

bool server_sink_of(struct server_request *req, struct sink_status *status)
{
    struct sinks *sinks = server_of(req)->config.sinks;
    const char *name = server_param(req, "sink");
    if (sinks != NULL && sinks_status(sinks, name, status)) {
        return true;
    }
    server_no_sink(req, sinks, name);
    return false;
}

static void get_list(struct server_request *req)
{
    const struct server *server = server_of(req);
    struct sinks *sinks = server->config.sinks;
    struct sink_status status;
    struct buf out;
    buf_init(&out, SERVER_ANSWER_MAX);
    struct json_writer json = json_writer(&out);
    json_begin_object(&json);
    json_put_array(&json, "sinks");
    for (size_t i = 0; sinks != NULL && sinks_status_at(sinks, i, &status); i++) {
        json_begin_object(&json);
        put_members(server, &json, &status);
        json_end_object(&json);
    }
    json_end_array(&json);
    json_end_object(&json);
    server_reply_json(req, 200, &out);
}

static void get_one(struct server_request *req)
{
    struct server_sinks *view = server_ctx(req);
    struct sink_status status;
    struct buf out;
    if (!server_sink_of(req, &status)) {
        return;
    }
    buf_init(&out, SERVER_ANSWER_MAX);
    struct json_writer json = json_writer(&out);
    json_begin_object(&json);
    put_members(view->server, &json, &status);
    put_details(&json, &status);
    put_recent(&json, recent_of(view, status.name));
    json_end_object(&json);
    server_reply_json(req, 200, &out);
}

static void get_sql(struct server_request *req)
{
    struct sink_status status;
    struct buf out;
    struct err err = { 0 };
    if (!server_sink_of(req, &status)) {
        return;
    }
    buf_init(&out, SERVER_ANSWER_MAX);
    int error = sinks_sql(server_of(req)->config.sinks, status.name, &out, &err);
    if (error != 0) {
        buf_fini(&out);
        server_reply_err(req, &err);
        return;
    }
    server_reply_as(req, 200, "text/plain; charset=utf-8", &out);
}

/* ---- life ---- */

struct server_sinks *server_sinks_new(struct server *server)
{
    static const struct server_route routes[] = {
        { .method = "GET",
          .path = "/api/v1/sinks",
          .handler = get_list,
          .summary = "where samples are published, and how far each sink is",
          .answer = "SinkList" },
        { .method = "GET",
          .path = "/api/v1/sinks/{sink}",
          .handler = get_one,
          .summary = "one sink, with what it says of itself and the last minutes",
          .answer = "SinkDetail" },
        { .method = "GET",
          .path = "/api/v1/sinks/{sink}/sql",
          .handler = get_sql,
          .summary = "what a person runs at the database: role, rights, schema",
          .answer = SERVER_ANSWER_TEXT },
    };
    struct server_sinks *view = busbar_alloc(sizeof(*view));
    view->server = server;
    server_add_routes(server, routes, sizeof(routes) / sizeof(routes[0]), view);
    view->runs = sink_runs_new(server);
    server_sink_aside_routes(server);
    timer_init(&view->timer, server->config.loop, on_tick, view);
    if (server->config.sinks != NULL) {
        timer_start(&view->timer, SINKS_RECENT_STEP_S * 1000, SINKS_RECENT_STEP_S * 1000);
    }
    return view;
}

void server_sinks_free(struct server_sinks *view)
{
    timer_stop(&view->timer);
    sink_runs_free(view->runs);
    busbar_free(view);
}
