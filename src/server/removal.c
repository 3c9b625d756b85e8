/* SPDX-License-Identifier: Apache-2.0 */
/* POST /api/v1/history/delete: samples of all series that match go, or with dry_run are only counted. Looking,
 * counting and deleting are a job; what was done is in the journal before the answer. */
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "history/history.h"
#include "history/index.h"
#include "net/jobs.h"
#include "promql/promql.h"
#include "server/core.h"
#include "state/state.h"

enum { SERIES_MAX = 4 << 20, ARENA_BYTES_MAX = 1 << 20 };

/* Of every age, without running over when one is taken from the other. */
#define EVER_FROM_US (INT64_MIN / 4)
#define EVER_TO_US   (INT64_MAX / 4)

struct removal {
    struct server_request *req;
    struct history *history;
    struct state *state; /* NULL: no journal */
    const atomic_bool *cancel;
    struct arena arena;
    const char *match;
    struct label_matcher matchers[HISTORY_MATCHERS_MAX];
    size_t matcher_count;
    int64_t from_us, to_us;
    bool whole; /* neither was given: the series themselves go */
    bool dry_run;
    char who[64], from[64];
    uint32_t *series;
    size_t count;
    uint64_t samples;
    struct err err;
};

/* ---- job ---- */

/* From the heads of chunks, where a chunk lies inside as a whole. */
static int count_samples(struct removal *removal)
{
    for (size_t i = 0; i < removal->count; i++) {
        struct history_buckets found = { 0 };
        if (atomic_load(removal->cancel)) {
            return BUSBAR_ECANCELED;
        }
        int error = history_buckets(removal->history, removal->series[i], removal->from_us,
                                    removal->to_us, removal->to_us - removal->from_us, &found);
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

static int delete_all(struct removal *removal)
{
    struct history_deletion *deletions = busbar_try_alloc((removal->count + 1) *
                                                          sizeof(*deletions));
    if (deletions == NULL) {
        return BUSBAR_ENOMEM;
    }
    for (size_t i = 0; i < removal->count; i++) {
        deletions[i] = (struct history_deletion){
            .series = removal->series[i],
            .from_us = removal->whole ? INT64_MIN : removal->from_us,
            .to_us = removal->whole ? INT64_MAX : removal->to_us,
        };
    }
    int error = history_delete_many(removal->history, deletions, removal->count);
    if (error == 0 && removal->whole) {
        error = history_forget_series(removal->history, removal->series, removal->count);
    }
    busbar_free(deletions);
    return error;
}

static void put_time(struct buf *out, const char *word, int64_t time_us)
{
    char text[STR_TIME_MAX];
    if (time_us != EVER_FROM_US && time_us != EVER_TO_US) {
        str_format_time(text, sizeof(text), time_us, 0, true);
        buf_printf(out, " %s %s", word, text);
    }
}

static void note(const struct removal *removal, int error)
{
    struct buf what;
    char result[160];
    buf_init(&what, STATE_JOURNAL_TEXT_MAX);
    buf_append_text(&what, removal->match);
    put_time(&what, "from", removal->from_us);
    put_time(&what, "to", removal->to_us);
    str_format(result, sizeof(result), "%s%zu series, %llu samples%s%s",
               error == 0 ? "deleted: " : "not deleted: ", removal->count,
               (unsigned long long)removal->samples, error == 0 ? "" : ": ",
               error == 0 ? "" : err_text(error));
    struct state_entry entry = { .time_us = clock_wall_us(),
                                 .who = removal->who,
                                 .from = removal->from,
                                 .what = "history delete",
                                 .path = buf_text(&what),
                                 .result = result };
    if (removal->state != NULL && state_journal_add(removal->state, &entry, 1) != 0) {
        busbar_log(LOG_LEVEL_ERROR, "server", NULL, "the journal cannot be written");
    }
    buf_fini(&what);
}

static void work(void *ctx)
{
    struct removal *removal = ctx;
    if (history_index_select(history_index(removal->history), removal->matchers,
                             removal->matcher_count, SERIES_MAX, removal->cancel, &removal->series,
                             &removal->count, &removal->err) != 0) {
        return;
    }
    int error = count_samples(removal);
    if (error == 0 && !removal->dry_run && removal->count > 0) {
        error = delete_all(removal);
        note(removal, error);
    }
    if (error != 0) {
        err_set(&removal->err, error, "not deleted: %s", err_text(error));
    }
}

/* ---- loop ---- */

static void removal_free(struct removal *removal)
{
    arena_fini(&removal->arena);
    busbar_free(removal->series);
    busbar_free(removal);
}

static void done(void *ctx, int error)
{
    struct removal *removal = ctx;
    if (error != 0) {
        err_set(&removal->err, error, "%s", err_text(error));
    }
    if (removal->err.code != 0) {
        server_reply_err(removal->req, &removal->err);
    } else {
        struct buf out;
        buf_init(&out, 1024);
        struct json_writer json = json_writer(&out);
        json_begin_object(&json);
        json_put_u64(&json, "series", removal->count);
        json_put_u64(&json, "samples", removal->samples);
        json_put_bool(&json, "deleted", !removal->dry_run && removal->count > 0);
        json_end_object(&json);
        server_reply_json(removal->req, 200, &out);
    }
    removal_free(removal);
}

static int take_time(const struct json_value *body, const char *key, int64_t *time_us, bool *whole,
                     struct err *err)
{
    const struct json_value *value = json_get(body, key);
    if (value == NULL) {
        return 0;
    }
    const char *text = json_get_text(value, NULL);
    *whole = false;
    return text != NULL ? server_parse_time(key, text, time_us, err)
                        : err_set(err, BUSBAR_EINVAL, "'%s' must be a text", key);
}

static int parse(struct removal *removal, const struct json_value *body, struct err *err)
{
    const struct json_value *dry_run = json_get(body, "dry_run");
    const char *match = json_get_text(json_get(body, "match"), NULL);
    if (match == NULL) {
        err_set(err, BUSBAR_EINVAL, "the body does not say which series");
        return err_hint(err, "{\"match\": \"{device=\\\"meter-1\\\"}\"}");
    }
    removal->match = arena_strdup(&removal->arena, match);
    if (removal->match == NULL) {
        return err_set(err, BUSBAR_ELIMIT, "'match' is too long");
    }
    int error = promql_matchers(removal->match, &removal->arena, removal->matchers,
                                &removal->matcher_count, err);
    error = error == 0 ? take_time(body, "from", &removal->from_us, &removal->whole, err) : error;
    error = error == 0 ? take_time(body, "to", &removal->to_us, &removal->whole, err) : error;
    if (error == 0 && dry_run != NULL && json_get_bool(dry_run, &removal->dry_run) != 0) {
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
    if (server->config.history == NULL) {
        server_reply_error(req, BUSBAR_EAGAIN, "there is no history");
        return;
    }
    struct removal *removal = busbar_alloc(sizeof(*removal));
    removal->req = req;
    removal->history = server->config.history;
    removal->state = server->config.state;
    removal->from_us = EVER_FROM_US;
    removal->to_us = EVER_TO_US;
    removal->whole = true;
    arena_init(&removal->arena, ARENA_BYTES_MAX);
    str_copy(removal->who, sizeof(removal->who), server_who(req));
    str_copy(removal->from, sizeof(removal->from), server_from(req));
    if (parse(removal, server_body(req), &err) != 0) {
        removal_free(removal);
        server_reply_err(req, &err);
        return;
    }
    removal->cancel = server_cancel(req);
    jobs_submit(server->config.loop, work, done, removal);
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
