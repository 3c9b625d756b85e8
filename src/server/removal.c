/* SPDX-License-Identifier: Apache-2.0 */
/* Deletes, and our own way to ask for one: POST /api/v1/history/delete, where samples of all series that match
 * go, or with dry_run are only counted. Looking, counting and deleting are a job; what was done is in the journal
 * before the answer. */
#include "server/removal.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "history/history.h"
#include "history/index.h"
#include "promql/promql.h"
#include "server/core.h"
#include "state/state.h"

enum { SERIES_MAX = 4 << 20, ARENA_BYTES_MAX = 1 << 20 };

/* Of every age, without running over when one is taken from the other. */
#define EVER_FROM_US (INT64_MIN / 4)
#define EVER_TO_US   (INT64_MAX / 4)

/* POST /api/v1/history/delete */
struct removal_job {
    struct removal removal; /* points into the request, which stays valid until the answer */
    struct server_request *req;
    const atomic_bool *cancel;
    struct arena arena;
    struct label_matcher matchers[HISTORY_MATCHERS_MAX];
    size_t matcher_count;
    bool dry_run;
    uint32_t *series;
    struct err err;
};

/* ---- any delete ---- */

static bool is_whole(const struct removal *removal)
{
    return removal->from_us == INT64_MIN && removal->to_us == INT64_MAX;
}

static int delete_all(const struct removal *removal)
{
    struct history_deletion *deletions = busbar_try_alloc((removal->count + 1) *
                                                          sizeof(*deletions));
    if (deletions == NULL) {
        return BUSBAR_ENOMEM;
    }
    for (size_t i = 0; i < removal->count; i++) {
        deletions[i] = (struct history_deletion){ removal->series[i], removal->from_us,
                                                  removal->to_us };
    }
    int error = history_delete_many(removal->history, deletions, removal->count);
    if (error == 0 && is_whole(removal)) {
        error = history_forget_series(removal->history, removal->series, removal->count);
    }
    busbar_free(deletions);
    return error;
}

static void put_time(struct buf *out, const char *word, int64_t time_us)
{
    char text[STR_TIME_MAX];
    if (time_us != INT64_MIN && time_us != INT64_MAX) {
        str_format_time(text, sizeof(text), time_us, 0, true);
        (void)buf_printf(out, " %s %s", word, text);
    }
}

static void note(const struct removal *removal, int error)
{
    struct buf what, result;
    buf_init(&what, STATE_JOURNAL_TEXT_MAX);
    buf_init(&result, STATE_JOURNAL_TEXT_MAX);
    (void)buf_append_text(&what, removal->match);
    put_time(&what, "from", removal->from_us);
    put_time(&what, "to", removal->to_us);
    (void)buf_printf(&result, "%sdeleted: %zu series", error == 0 ? "" : "not ", removal->count);
    if (removal->counted) {
        (void)buf_printf(&result, ", %llu samples", (unsigned long long)removal->samples);
    }
    if (error != 0) {
        (void)buf_printf(&result, ": %s", err_text(error));
    }
    struct state_entry entry = { .time_us = clock_wall_us(),
                                 .who = removal->who,
                                 .from = removal->from,
                                 .what = "history delete",
                                 .path = buf_text(&what),
                                 .result = buf_text(&result) };
    int written = removal->state != NULL ? state_journal_add(removal->state, &entry, 1) : 0;
    if (written != 0) {
        busbar_log(LOG_LEVEL_ERROR, "server", NULL, "cannot write the journal (%s %s): %s",
                   entry.what, entry.path, err_text(written));
    }
    buf_fini(&what);
    buf_fini(&result);
}

int removal_run(const struct removal *removal)
{
    int error = delete_all(removal);
    note(removal, error);
    return error;
}

/* ---- ours: the job ---- */

/* From the heads of chunks, where a chunk lies inside as a whole. */
static int count_samples(struct removal_job *job)
{
    struct removal *removal = &job->removal;
    int64_t from_us = removal->from_us > EVER_FROM_US ? removal->from_us : EVER_FROM_US;
    int64_t to_us = removal->to_us < EVER_TO_US ? removal->to_us : EVER_TO_US;
    removal->counted = true;
    for (size_t i = 0; i < removal->count; i++) {
        struct history_buckets found = { 0 };
        if (atomic_load(job->cancel)) {
            return BUSBAR_ECANCELED;
        }
        int error = history_buckets(removal->history, removal->series[i], from_us, to_us,
                                    to_us - from_us, &found);
        if (error != 0) {
            return error;
        }
        for (size_t k = 0; k < found.count; k++) {
            const struct history_bucket *bucket = &found.buckets[k];
            removal->samples += bucket->count + bucket->bad + bucket->others;
        }
        busbar_free(found.buckets);
    }
    return 0;
}

static void work(void *ctx)
{
    struct removal_job *job = ctx;
    struct removal *removal = &job->removal;
    if (history_index_select(history_index(removal->history), job->matchers, job->matcher_count,
                             SERIES_MAX, job->cancel, &job->series, &removal->count,
                             &job->err) != 0) {
        return;
    }
    removal->series = job->series;
    int error = count_samples(job);
    if (error == 0 && !job->dry_run && removal->count > 0) {
        error = removal_run(removal);
    }
    if (error != 0) {
        err_set(&job->err, error, "not deleted: %s", err_text(error));
    }
}

/* ---- ours: the loop ---- */

static void job_free(struct removal_job *job)
{
    arena_fini(&job->arena);
    busbar_free(job->series);
    busbar_free(job);
}

static void done(void *ctx, int error)
{
    struct removal_job *job = ctx;
    if (error != 0) {
        err_set(&job->err, error, "busbar is stopping");
    }
    if (job->err.code != 0) {
        server_reply_err(job->req, &job->err);
    } else {
        struct buf out;
        buf_init(&out, 1024);
        struct json_writer json = json_writer(&out);
        json_begin_object(&json);
        json_put_u64(&json, "series", job->removal.count);
        json_put_u64(&json, "samples", job->removal.samples);
        json_put_bool(&json, "deleted", !job->dry_run && job->removal.count > 0);
        json_end_object(&json);
        server_reply_json(job->req, 200, &out);
    }
    job_free(job);
}

static int take_time(const struct json_value *body, const char *key, int64_t *time_us,
                     struct err *err)
{
    const struct json_value *value = json_get(body, key);
    if (value == NULL) {
        return 0;
    }
    const char *text = json_get_text(value, NULL);
    return text != NULL ? server_parse_time(key, text, time_us, err)
                        : err_set(err, BUSBAR_EINVAL, "'%s' must be a text", key);
}

static int parse(struct removal_job *job, const struct json_value *body, struct err *err)
{
    struct removal *removal = &job->removal;
    const struct json_value *dry_run = json_get(body, "dry_run");
    removal->match = json_get_text(json_get(body, "match"), NULL);
    if (removal->match == NULL) {
        err_set(err, BUSBAR_EINVAL, "the body does not say which series");
        return err_hint(err, "{\"match\": \"{device=\\\"meter-1\\\"}\"}");
    }
    int error = promql_matchers(removal->match, &job->arena, job->matchers, &job->matcher_count,
                                err);
    error = error == 0 ? take_time(body, "from", &removal->from_us, err) : error;
    error = error == 0 ? take_time(body, "to", &removal->to_us, err) : error;
    if (error == 0 && dry_run != NULL && json_get_bool(dry_run, &job->dry_run) != 0) {
        error = err_set(err, BUSBAR_EINVAL, "'dry_run' must be true or false");
    }
    if (error == 0 && removal->from_us >= removal->to_us) {
        error = err_set(err, BUSBAR_EINVAL, "'from' must be before 'to'");
    }
    return error;
}

static void post_delete(struct server_request *req)
{
    struct server *server = server_of(req);
    struct err err = { 0 };
    if (history_index_check(server->config.history, &err) != 0) {
        server_reply_err(req, &err);
        return;
    }
    struct removal_job *job = busbar_alloc(sizeof(*job));
    job->req = req;
    job->cancel = server_cancel(req);
    job->removal = (struct removal){ .history = server->config.history,
                                     .state = server->config.state,
                                     .who = server_who(req),
                                     .from = server_from(req),
                                     .from_us = INT64_MIN,
                                     .to_us = INT64_MAX };
    arena_init(&job->arena, ARENA_BYTES_MAX);
    if (parse(job, server_body(req), &err) != 0) {
        job_free(job);
        server_reply_err(req, &err);
        return;
    }
    if (server_query_submit(server, work, done, job, &err) != 0) {
        job_free(job);
        server_reply_err(req, &err);
    }
}

void server_removal_routes(struct server *server)
{
    static const struct server_route routes[] = {
        { .method = "POST",
          .path = "/api/v1/history/delete",
          .handler = post_delete,
          .summary = "delete the samples of all series that match, or count them",
          .body = "DeleteRequest",
          .answer = "DeleteResult" },
    };
    server_add_routes(server, routes, sizeof(routes) / sizeof(routes[0]), NULL);
}
