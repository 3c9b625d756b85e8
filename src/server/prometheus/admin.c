/* SPDX-License-Identifier: Apache-2.0 */
/* /api/v1/admin/tsdb/delete_series and clean_tombstones. What is deleted is gone from every answer when the
 * request ends, and from the disk at the next merge, so there is nothing to clean. */
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "history/history.h"
#include "server/prometheus/params.h"
#include "server/prometheus/prometheus.h"
#include "state/state.h"

struct removal {
    struct prometheus_job job;
    struct state *state; /* NULL: no journal */
    int64_t from_us, to_us;
};

/* The whole series: it leaves the index too. */
static bool is_whole(const struct removal *removal)
{
    return removal->from_us == INT64_MIN && removal->to_us == INT64_MAX;
}

static int delete_all(struct removal *removal, const uint32_t *series, size_t count)
{
    struct history *history = removal->job.history;
    struct history_deletion *deletions = busbar_try_alloc((count + 1) * sizeof(*deletions));
    if (deletions == NULL) {
        return BUSBAR_ENOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        deletions[i] = (struct history_deletion){ series[i], removal->from_us, removal->to_us };
    }
    int error = history_delete_many(history, deletions, count);
    if (error == 0 && is_whole(removal)) {
        error = history_forget_series(history, series, count);
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

/* Who, which selectors, what became of it. */
static void note(const struct removal *removal, size_t count, int error)
{
    const struct server_request *req = removal->job.req;
    struct buf which, result;
    const char *match;
    buf_init(&which, STATE_JOURNAL_TEXT_MAX);
    buf_init(&result, STATE_JOURNAL_TEXT_MAX);
    for (size_t i = 0; (match = server_query_at(req, "match[]", i)) != NULL; i++) {
        (void)buf_printf(&which, "%s%s", i > 0 ? " " : "", match);
    }
    put_time(&which, "from", removal->from_us);
    put_time(&which, "to", removal->to_us);
    (void)buf_printf(&result, error == 0 ? "%zu series" : "%zu series not deleted: %s", count,
                     err_text(error));
    struct state_entry entry = { .time_us = clock_wall_us(),
                                 .who = server_who(req),
                                 .from = server_from(req),
                                 .what = "history delete",
                                 .path = buf_text(&which),
                                 .result = buf_text(&result) };
    if (removal->state != NULL && state_journal_add(removal->state, &entry, 1) != 0) {
        busbar_log(LOG_LEVEL_ERROR, "server", NULL, "the journal cannot be written");
    }
    buf_fini(&which);
    buf_fini(&result);
}

static int remove_series(struct prometheus_job *job)
{
    struct removal *removal = (struct removal *)job;
    uint32_t *series = NULL;
    size_t count = 0;
    int error = prometheus_series(job, &series, &count);
    if (error == 0 && count > 0) {
        error = delete_all(removal, series, count);
        note(removal, count, error);
        if (error != 0) {
            err_set(&job->err, error, "not deleted: %s", err_text(error));
        }
    }
    busbar_free(series);
    return error;
}

static void delete_series(struct server_request *req)
{
    static const int64_t first = INT64_MIN, last = INT64_MAX;
    struct removal *removal = busbar_alloc(sizeof(*removal));
    struct err err = { 0 };
    int error = prometheus_time(req, "start", &first, &removal->from_us, &err);
    error = error != 0 ? error : prometheus_time(req, "end", &last, &removal->to_us, &err);
    if (error == 0 && removal->to_us < removal->from_us) {
        error = err_set(&err, BUSBAR_EINVAL,
                        "invalid parameter \"end\": end timestamp must not be before start time");
    }
    if (error != 0) {
        busbar_free(removal);
        server_reply_err(req, &err);
        return;
    }
    removal->to_us += removal->to_us != INT64_MAX; /* the end belongs to it */
    removal->state = server_of(req)->config.state;
    removal->job.empty = true;
    prometheus_submit(req, &removal->job, remove_series);
}

static void clean_tombstones(struct server_request *req)
{
    server_reply_empty(req, 204);
}

void prometheus_admin_routes(struct server *server)
{
#define ROW(verb, where, call, text)                                             \
    {                                                                            \
        .method = (verb), .path = (where), .handler = (call), .summary = (text), \
        .on = SERVER_ON_TIME_SERIES, .flags = SERVER_ROUTE_FORM                  \
    }
    static const struct server_route routes[] = {
        ROW("POST", "/api/v1/admin/tsdb/delete_series", delete_series, "samples or series go"),
        ROW("PUT", "/api/v1/admin/tsdb/delete_series", delete_series, "samples or series go"),
        ROW("POST", "/api/v1/admin/tsdb/clean_tombstones", clean_tombstones, "nothing"),
        ROW("PUT", "/api/v1/admin/tsdb/clean_tombstones", clean_tombstones, "nothing"),
    };
#undef ROW
    server_add_routes(server, routes, sizeof(routes) / sizeof(routes[0]), NULL);
}
