/* SPDX-License-Identifier: Apache-2.0 */
/* GET /api/v1/samples/{device}/{point}: raw samples, or buckets for a chart. Reading and writing it
 * out is a job on copies; the loop only parses the question and passes the answer on. */
#include <math.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "history/archive.h"
#include "net/jobs.h"
#include "server/points.h"
#include "server/shape.h"
#include "state/state.h"

enum { SAMPLES_LIMIT = 10000, SAMPLES_LIMIT_MAX = 200000, BUCKETS_MAX = 10000, UNITS_MAX = 64 };

#define DAY_US (24 * 3600 * CLOCK_US_PER_S)

struct samples {
    struct server_request *req;
    struct history *history;
    struct state *state;
    char path[DEVICE_NAME_MAX + POINT_NAME_MAX + 2];
    char units[UNITS_MAX];
    const char *type;
    uint32_t series; /* 0: not configured any more; asked from the state by its path */
    int64_t from_us, to_us, limit, buckets;
    struct buf out;
    struct err err;
};

static void put_head(const struct samples *samples, struct json_writer *json)
{
    json_begin_object(json);
    json_put_string(json, "path", samples->path);
    json_put_string(json, "units", samples->units);
    json_put_string(json, "type", samples->type);
    json_put_time(json, "from", samples->from_us);
    json_put_time(json, "to", samples->to_us);
}

static void put_samples(struct json_writer *json, const struct history_samples *found)
{
    json_put_bool(json, "more", found->more);
    json_put_u64(json, "damaged", found->damaged);
    json_put_array(json, "samples");
    for (size_t i = 0; i < found->count; i++) {
        const struct sample *sample = &found->samples[i];
        bool bad = quality_class(sample->quality) == QUALITY_CLASS_BAD;
        json_begin_array(json);
        json_time(json, sample->time_us);
        shape_value(json, bad ? VALUE_NONE : sample->type, sample->value);
        json_string(json, quality_reason(sample->quality));
        json_end_array(json);
    }
    json_end_array(json);
}

static void read_samples(struct samples *samples, struct json_writer *json)
{
    struct history_samples found = { 0 };
    struct history_archive_ask ask = { 0 };
    int error = history_read_archived(samples->history, &ask, samples->series, samples->from_us,
                                      samples->to_us, (size_t)samples->limit, &found);
    if (error != 0) {
        err_set(&samples->err, error, "the history cannot be read: %s", err_text(error));
        return;
    }
    put_head(samples, json);
    put_samples(json, &found);
    if (ask.err.code != 0) {
        json_put_string(json, "warning", ask.err.message);
    }
    json_end_object(json);
    history_samples_free(&found);
}

static void put_bucket(struct json_writer *json, const struct history_bucket *bucket)
{
    const double values[] = { bucket->min, bucket->max,
                              bucket->count > 0 ? bucket->sum / (double)bucket->count : 0,
                              bucket->first, bucket->last };
    json_begin_array(json);
    json_i64(json, bucket->start_us / CLOCK_US_PER_MS);
    json_u64(json, bucket->count);
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        if (bucket->count > 0) {
            json_double(json, values[i]);
        } else {
            json_null(json);
        }
    }
    json_u64(json, bucket->bad);
    json_string(json, quality_reason(bucket->quality));
    json_end_array(json);
}

static void read_buckets(struct samples *samples, struct json_writer *json)
{
    struct history_buckets found = { 0 };
    int64_t span_ms = (samples->to_us - samples->from_us) / CLOCK_US_PER_MS;
    int64_t step_ms = (span_ms + samples->buckets - 1) / samples->buckets;
    step_ms = step_ms > 0 ? step_ms : 1;
    int error = history_buckets(samples->history, samples->series, samples->from_us, samples->to_us,
                                step_ms * CLOCK_US_PER_MS, &found);
    if (error != 0) {
        err_set(&samples->err, error, "the history cannot be read: %s", err_text(error));
        return;
    }
    put_head(samples, json);
    json_put_i64(json, "step_ms", step_ms);
    json_put_u64(json, "damaged", found.damaged);
    json_put_array(json, "buckets");
    for (size_t i = 0; i < found.count; i++) {
        put_bucket(json, &found.buckets[i]);
    }
    json_end_array(json);
    json_end_object(json);
    busbar_free(found.buckets);
}

static void work(void *ctx)
{
    struct samples *samples = ctx;
    struct json_writer json = json_writer(&samples->out);
    if (samples->series == 0 &&
        (samples->state == NULL ||
         state_id_find(samples->state, samples->path, &samples->series) != 0)) {
        err_set(&samples->err, BUSBAR_ENOENT, "no point '%s', and none in the history",
                samples->path);
        return;
    }
    if (samples->buckets > 0) {
        read_buckets(samples, &json);
    } else {
        read_samples(samples, &json);
    }
}

static void done(void *ctx, int error)
{
    struct samples *samples = ctx;
    if (error != 0) {
        err_set(&samples->err, error, "%s", err_text(error));
    }
    if (samples->err.code != 0) {
        server_reply_err(samples->req, &samples->err);
        buf_fini(&samples->out);
    } else {
        server_reply_json(samples->req, 200, &samples->out);
    }
    busbar_free(samples);
}

static int parse_question(struct server_request *req, struct samples *samples, struct err *err)
{
    int64_t now = clock_wall_us();
    int error = server_query_time(req, "to", now, &samples->to_us, err);
    if (error == 0) {
        error = server_query_time(req, "from", samples->to_us - DAY_US, &samples->from_us, err);
    }
    if (error == 0) {
        error = server_query_i64(req, "limit", SAMPLES_LIMIT, 1, SAMPLES_LIMIT_MAX, &samples->limit,
                                 err);
    }
    if (error == 0) {
        error = server_query_i64(req, "buckets", 0, 0, BUCKETS_MAX, &samples->buckets, err);
    }
    if (error == 0 && samples->from_us >= samples->to_us) {
        return err_set(err, BUSBAR_EINVAL, "'from' is not before 'to'");
    }
    return error;
}

static void get_samples(struct server_request *req)
{
    struct server *server = server_of(req);
    struct err err = { 0 };
    if (server->config.history == NULL) {
        server_reply_error(req, BUSBAR_EAGAIN, "there is no history");
        return;
    }
    struct samples *samples = busbar_alloc(sizeof(*samples));
    samples->req = req;
    samples->history = server->config.history;
    samples->state = server->config.state;
    samples->type = "";
    if (parse_question(req, samples, &err) != 0) {
        busbar_free(samples);
        server_reply_err(req, &err);
        return;
    }
    str_format(samples->path, sizeof(samples->path), "%s/%s", server_param(req, "device"),
               server_param(req, "point"));
    const struct point *pt = registry_point(server->config.registry, samples->path);
    if (pt != NULL) {
        samples->series = pt->last.point;
        samples->type = value_type_word(pt->value_type);
        str_copy(samples->units, sizeof(samples->units), pt->cls->units);
    }
    buf_init(&samples->out, SERVER_ANSWER_MAX);
    jobs_submit(server->config.loop, work, done, samples);
}

void server_samples_routes(struct server *server)
{
    static const struct server_query_param query[] = {
        { "from", "string", "time; default 24 hours before to" },
        { "to", "string", "time, not included; default now" },
        { "limit", "integer", "samples in the answer, at most 200000; default 10000" },
        { "buckets", "integer", "answer so many buckets instead, at most 10000" },
        { NULL, NULL, NULL },
    };
    static const struct server_route routes[] = {
        { .method = "GET",
          .path = "/api/v1/samples/{device}/{point}",
          .handler = get_samples,
          .summary = "history: raw samples, or buckets for a chart",
          .query = query,
          .answer = "Samples" },
    };
    server_add_routes(server, routes, sizeof(routes) / sizeof(routes[0]), NULL);
}
