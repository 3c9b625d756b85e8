/* SPDX-License-Identifier: Apache-2.0 */
/* /api/v1/admin/tsdb/delete_series and clean_tombstones. What is deleted is gone from every answer when the
 * request ends, and from the disk at the next merge, so there is nothing to clean. */
#include "base/alloc.h"
#include "server/prometheus/params.h"
#include "server/prometheus/prometheus.h"
#include "server/removal.h"
#include "state/state.h"

struct deletion {
    struct prometheus_job job;
    struct removal removal;
};

static int remove_series(struct prometheus_job *job)
{
    struct removal *removal = &((struct deletion *)job)->removal;
    struct buf which;
    const char *match;
    uint32_t *series = NULL;
    int error = prometheus_series(job, &series, &removal->count);
    buf_init(&which, STATE_JOURNAL_TEXT_MAX);
    for (size_t i = 0; (match = server_query_at(job->req, "match[]", i)) != NULL; i++) {
        (void)buf_printf(&which, "%s%s", i > 0 ? " " : "", match);
    }
    removal->match = buf_text(&which);
    removal->series = series;
    if (error == 0 && removal->count > 0) {
        error = removal_run(removal);
        if (error != 0) {
            err_set(&job->err, error, "not deleted: %s", err_text(error));
        }
    }
    buf_fini(&which);
    busbar_free(series);
    return error;
}

static void delete_series(struct server_request *req)
{
    static const int64_t first = INT64_MIN, last = INT64_MAX;
    struct deletion *deletion = busbar_alloc(sizeof(*deletion));
    struct removal *removal = &deletion->removal;
    struct err err = { 0 };
    int error = prometheus_time(req, "start", &first, &removal->from_us, &err);
    error = error != 0 ? error : prometheus_time(req, "end", &last, &removal->to_us, &err);
    if (error == 0 && removal->to_us < removal->from_us) {
        error = err_set(&err, BUSBAR_EINVAL,
                        "invalid parameter \"end\": end timestamp must not be before start time");
    }
    if (error != 0) {
        busbar_free(deletion);
        server_reply_err(req, &err);
        return;
    }
    removal->to_us += removal->to_us != INT64_MAX; /* the end belongs to it */
    removal->history = server_of(req)->config.history;
    removal->state = server_of(req)->config.state;
    removal->who = server_who(req);
    removal->from = server_from(req);
    deletion->job.empty = true;
    prometheus_submit(req, &deletion->job, remove_series);
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
