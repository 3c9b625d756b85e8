/* SPDX-License-Identifier: Apache-2.0 */
/* What a person does to a sink: test, pause, resume, try now; and as tasks (server/task.h), since they may take long:
 * retry and drop what is set aside, resend what history has. Each is noted in the journal. */
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "server/journal.h"
#include "server/shape.h"
#include "server/sinks.h"
#include "server/task.h"
#include "sinks/again.h"

enum { RUN_POINTS_MAX = 1024, RUN_WHAT_MAX = 1200 };

struct sink_runs {
    struct server *server;
    struct tasks tasks;
};

enum run_verb { RUN_RETRY, RUN_DROP, RUN_RESEND };
static const char *const run_words[] = { "retry", "drop", "resend" };
static const char *const run_past[] = { "sent", "dropped", "sent" };

struct sink_run {
    struct task task;
    enum run_verb verb;
    char sink[SINK_NAME_MAX + 1];
    uint64_t id; /* of retry and drop; 0: all */
    int64_t from_us, to_us;
    char points[RUN_POINTS_MAX]; /* of resend; "": the sink's own filter */
    uint64_t sent, refused;
    bool orphan; /* the server is gone */
};

static struct sink_run *run_of(struct task *task)
{
    return (struct sink_run *)(void *)task;
}

static void run_free(struct task *task)
{
    busbar_free(run_of(task));
}

/* ---- tasks ---- */

static void put_run(struct json_writer *json, const struct sink_run *run)
{
    task_put(&run->task, json);
    json_put_string(json, "sink", run->sink);
    json_put_string(json, "verb", run_words[run->verb]);
    json_put_u64(json, "sent", run->sent);
    json_put_u64(json, "refused", run->refused);
}

static void reply_run(struct server_request *req, unsigned status, const struct sink_run *run)
{
    struct buf out;
    buf_init(&out, SERVER_ANSWER_MAX);
    struct json_writer json = json_writer(&out);
    json_begin_object(&json);
    put_run(&json, run);
    json_end_object(&json);
    server_reply_json(req, status, &out);
}

static void on_progress(void *ctx, const struct sink_again *progress)
{
    struct sink_run *run = ctx;
    char words[TASK_MESSAGE_MAX];
    run->sent = progress->sent;
    run->refused = progress->refused;
    run->task.done = progress->sent + progress->refused;
    run->task.total = progress->total;
    if (!progress->done) {
        return;
    }
    if (progress->err.code != 0) {
        str_format(words, sizeof(words), "%s%s%s", progress->err.message,
                   progress->err.hint[0] != '\0' ? "; " : "", progress->err.hint);
    } else if (run->refused > 0) {
        str_format(words, sizeof(words),
                   "%s: %llu %s, %llu refused: busbar sink aside %s tells why", run->sink,
                   (unsigned long long)run->sent, run_past[run->verb],
                   (unsigned long long)run->refused, run->sink);
    } else {
        str_format(words, sizeof(words), "%s: %llu %s", run->sink, (unsigned long long)run->sent,
                   run_past[run->verb]);
    }
    task_end(&run->task, progress->err.code, words);
    if (run->orphan) {
        run_free(&run->task);
    }
}

static int begin(struct server *server, struct sink_run *run, struct err *err)
{
    struct sinks *sinks = server->config.sinks;
    switch (run->verb) {
    case RUN_RETRY: return sinks_retry(sinks, run->sink, run->id, on_progress, run, err);
    case RUN_DROP: return sinks_drop(sinks, run->sink, run->id, on_progress, run, err);
    case RUN_RESEND: break;
    }
    return sinks_resend(sinks, run->sink, run->points[0] != '\0' ? run->points : NULL, run->from_us,
                        run->to_us, on_progress, run, err);
}

static void note_begun(const struct server_request *req, const struct sink_run *run)
{
    char what[RUN_WHAT_MAX] = "all", from[STR_TIME_MAX], to[STR_TIME_MAX], verb[32];
    if (run->verb == RUN_RESEND) {
        str_format_time(from, sizeof(from), run->from_us, 0, false);
        str_format_time(to, sizeof(to), run->to_us, 0, false);
        str_format(what, sizeof(what), "%s to %s%s%s", from, to, run->points[0] != '\0' ? ", " : "",
                   run->points);
    } else if (run->id != 0) {
        str_format(what, sizeof(what), "%llu", (unsigned long long)run->id);
    }
    str_format(verb, sizeof(verb), "sink %s", run_words[run->verb]);
    journal_note(req, verb, run->sink, "", what, "begun");
}

static int read_id(const struct json_value *body, struct sink_run *run, struct err *err)
{
    const struct json_value *id = json_get(body, "id");
    if (id != NULL && json_type(id) != JSON_NULL &&
        (json_get_u64(id, &run->id) != 0 || run->id == 0)) {
        err_set(err, BUSBAR_EINVAL, "'id' must be a number of what is set aside");
        return err_hint(err, "busbar sink aside %s shows them; without it all are meant",
                        run->sink);
    }
    return 0;
}

static int read_time(const struct json_value *body, const char *name, int64_t *us, struct err *err)
{
    const char *text = json_get_text(json_get(body, name), NULL);
    if (text == NULL) {
        err_set(err, BUSBAR_EINVAL, "'%s' is missing", name);
        return err_hint(err, "{\"from\": \"2026-11-22T00:00:00Z\", \"to\": \"now\"}");
    }
    return server_parse_time(name, text, us, err);
}

static int read_span(const struct json_value *body, struct sink_run *run, struct err *err)
{
    const struct json_value *points = json_get(body, "points");
    const char *text = json_get_text(points, NULL);
    int error = read_time(body, "from", &run->from_us, err);
    if (json_get(body, "to") != NULL) {
        error = error == 0 ? read_time(body, "to", &run->to_us, err) : error;
    } else {
        run->to_us = clock_wall_us();
    }
    if (error != 0) {
        return error;
    }
    if (run->from_us >= run->to_us) {
        err_set(err, BUSBAR_EINVAL, "'from' is not before 'to'");
        return err_hint(err, "{\"from\": \"-24h\", \"to\": \"now\"}");
    }
    if (points != NULL && (text == NULL || !str_copy(run->points, sizeof(run->points), text))) {
        return err_set(err, BUSBAR_EINVAL, "'points' must be a text of at most %d characters",
                       RUN_POINTS_MAX - 1);
    }
    return 0;
}

static void post_run(struct server_request *req, enum run_verb verb)
{
    struct sink_runs *runs = server_ctx(req);
    struct sink_status status;
    struct err err = { 0 };
    if (!server_sink_of(req, &status)) {
        return;
    }
    if (tasks_room(&runs->tasks, &err) != 0) {
        server_reply_err(req, &err);
        return;
    }
    struct sink_run *run = busbar_alloc(sizeof(*run));
    run->verb = verb;
    str_copy(run->sink, sizeof(run->sink), status.name);
    int error = verb == RUN_RESEND ? read_span(server_body(req), run, &err)
                                   : read_id(server_body(req), run, &err);
    if (error != 0) {
        busbar_free(run);
        server_reply_err(req, &err);
        return;
    }
    tasks_add(&runs->tasks, &run->task);
    error = begin(runs->server, run, &err);
    if (error != 0) {
        task_end(&run->task, error, NULL);
        tasks_drop(&runs->tasks, &run->task);
        server_reply_err(req, &err);
        return;
    }
    note_begun(req, run);
    reply_run(req, 202, run);
}

static void post_retry(struct server_request *req)
{
    post_run(req, RUN_RETRY);
}

static void post_drop(struct server_request *req)
{
    post_run(req, RUN_DROP);
}

static void post_resend(struct server_request *req)
{
    post_run(req, RUN_RESEND);
}

static void get_runs(struct server_request *req)
{
    struct sink_runs *runs = server_ctx(req);
    struct buf out;
    buf_init(&out, SERVER_ANSWER_MAX);
    struct json_writer json = json_writer(&out);
    json_begin_object(&json);
    json_put_array(&json, "tasks");
    list_each(at, &runs->tasks.all) {
        json_begin_object(&json);
        put_run(&json, run_of(list_entry(at, struct task, link)));
        json_end_object(&json);
    }
    json_end_array(&json);
    json_end_object(&json);
    server_reply_json(req, 200, &out);
}

static struct sink_run *find_run(struct server_request *req)
{
    struct sink_runs *runs = server_ctx(req);
    struct err err = { 0 };
    struct task *task = tasks_find(&runs->tasks, server_param(req, "id"), &err);
    if (task == NULL) {
        server_reply_err(req, &err);
        return NULL;
    }
    return run_of(task);
}

static void get_run(struct server_request *req)
{
    struct sink_run *run = find_run(req);
    if (run != NULL) {
        reply_run(req, 200, run);
    }
}

/* Stops one that runs: what it has sent stays sent. */
static void delete_run(struct server_request *req)
{
    struct sink_runs *runs = server_ctx(req);
    struct sink_run *run = find_run(req);
    struct err err = { 0 };
    if (run == NULL) {
        return;
    }
    if (run->task.state != TASK_RUNNING) {
        tasks_drop(&runs->tasks, &run->task);
        server_reply_empty(req, 204);
        return;
    }
    if (sinks_again_stop(runs->server->config.sinks, run->sink, &err) != 0) {
        server_reply_err(req, &err);
        return;
    }
    reply_run(req, 200, run);
}

/* ---- at once ---- */

static void reply_done(struct server_request *req, const char *name, bool changed,
                       const char *message)
{
    struct buf out;
    buf_init(&out, SERVER_ANSWER_MAX);
    struct json_writer json = json_writer(&out);
    json_begin_object(&json);
    json_put_string(&json, "sink", name);
    json_put_bool(&json, "changed", changed);
    json_put_string(&json, "message", message);
    json_end_object(&json);
    server_reply_json(req, 200, &out);
}

typedef int (*switch_call)(struct sinks *sinks, const char *name, struct err *err);

static void do_switch(struct server_request *req, const char *verb, switch_call call, bool already,
                      const char *words)
{
    struct sink_status status;
    struct err err = { 0 };
    if (!server_sink_of(req, &status)) {
        return;
    }
    if (!already && call(server_of(req)->config.sinks, status.name, &err) != 0) {
        server_reply_err(req, &err);
        return;
    }
    if (!already) {
        journal_note(req, verb, status.name, sink_phase_word(status.phase), "", "done");
    }
    reply_done(req, status.name, !already, words);
}

static bool is_paused(struct server_request *req)
{
    struct sinks *sinks = server_of(req)->config.sinks;
    struct sink_status status;
    return sinks != NULL && sinks_status(sinks, server_param(req, "sink"), &status) &&
           status.phase == SINK_PAUSED;
}

static void post_pause(struct server_request *req)
{
    bool paused = is_paused(req);
    do_switch(req, "sink pause", sinks_pause, paused,
              paused ? "paused already"
                     : "paused, over restarts too; what comes waits until it is resumed");
}

static void post_resume(struct server_request *req)
{
    bool paused = is_paused(req);
    do_switch(req, "sink resume", sinks_resume, !paused,
              paused ? "publishes again" : "was not paused");
}

static void post_try(struct server_request *req)
{
    if (is_paused(req)) {
        struct err err;
        err_set(&err, BUSBAR_EBUSY, "sink '%.63s' is paused", server_param(req, "sink"));
        err_hint(&err, "busbar sink resume %.63s", server_param(req, "sink"));
        server_reply_err(req, &err);
        return;
    }
    do_switch(req, "sink try", sinks_retry_now, false, "tried now");
}

/* ---- test ---- */

struct sink_trial {
    struct server_request *req; /* NULL: answered already */
    int64_t began_us;
};

static void on_tested(void *ctx, const struct sink_finding *findings, size_t count)
{
    static const char *const verdicts[] = { "good", "warning", "bad" };
    struct sink_trial *trial = ctx;
    unsigned worst = SINK_GOOD;
    struct buf out;
    buf_init(&out, SERVER_ANSWER_MAX);
    struct json_writer json = json_writer(&out);
    json_begin_object(&json);
    json_put_array(&json, "findings");
    for (size_t i = 0; i < count; i++) {
        worst = findings[i].verdict > worst ? findings[i].verdict : worst;
        json_begin_object(&json);
        json_put_string(&json, "what", findings[i].what);
        json_put_string(&json, "verdict", verdicts[findings[i].verdict]);
        json_put_string(&json, "text", findings[i].text);
        json_put_string(&json, "hint", findings[i].hint);
        json_end_object(&json);
    }
    json_end_array(&json);
    json_put_bool(&json, "fine", worst != SINK_BAD);
    json_put_string(&json, "verdict", verdicts[worst]);
    json_put_double(&json, "took_ms", (double)(clock_mono_us() - trial->began_us) / 1000);
    json_end_object(&json);
    if (trial->req != NULL) {
        server_reply_json(trial->req, 200, &out);
    }
    buf_fini(&out);
    busbar_free(trial);
}

static void cut_trial(void *ctx)
{
    struct sink_trial *trial = ctx;
    server_reply_error(trial->req, BUSBAR_ECANCELED, "busbar is stopping");
    trial->req = NULL;
}

static void post_test(struct server_request *req)
{
    struct sink_status status;
    struct err err = { 0 };
    if (!server_sink_of(req, &status)) {
        return;
    }
    struct sink_trial *trial = busbar_alloc(sizeof(*trial));
    trial->req = req;
    trial->began_us = clock_mono_us();
    server_request_on_cut(req, cut_trial, trial);
    int error = sinks_test(server_of(req)->config.sinks, status.name, on_tested, trial, &err);
    if (error != 0) {
        server_request_on_cut(req, NULL, NULL);
        busbar_free(trial);
        server_reply_err(req, &err);
        return;
    }
    journal_note(req, "sink test", status.name, "", "", "begun");
}

/* ---- life ---- */

static const struct server_route routes[] = {
    { .method = "POST",
      .path = "/api/v1/sinks/{sink}/test",
      .handler = post_test,
      .summary = "look at all that may be wrong between here and the target; changes nothing",
      .answer = "SinkTest" },
    { .method = "POST",
      .path = "/api/v1/sinks/{sink}/pause",
      .handler = post_pause,
      .summary = "publish nothing until resumed, over restarts too; what comes waits",
      .answer = "SinkDone" },
    { .method = "POST",
      .path = "/api/v1/sinks/{sink}/resume",
      .handler = post_resume,
      .summary = "publish again",
      .answer = "SinkDone" },
    { .method = "POST",
      .path = "/api/v1/sinks/{sink}/try",
      .handler = post_try,
      .summary = "try now in place of waiting for the back-off",
      .answer = "SinkDone" },
    { .method = "POST",
      .path = "/api/v1/sinks/{sink}/retry",
      .handler = post_retry,
      .summary = "send again what is set aside, or one of it",
      .body = "SinkAsideRequest",
      .answer = "SinkTask" },
    { .method = "POST",
      .path = "/api/v1/sinks/{sink}/drop",
      .handler = post_drop,
      .summary = "forget what is set aside, or one of it; it counts as released",
      .body = "SinkAsideRequest",
      .answer = "SinkTask" },
    { .method = "POST",
      .path = "/api/v1/sinks/{sink}/resend",
      .handler = post_resend,
      .summary = "send samples of history, such as those a quota let go",
      .body = "SinkResendRequest",
      .answer = "SinkTask" },
    { .method = "GET",
      .path = "/api/v1/sink-tasks",
      .handler = get_runs,
      .summary = "retries, drops and resends that run, and the last that ended",
      .answer = "SinkTaskList" },
    { .method = "GET",
      .path = "/api/v1/sink-tasks/{id}",
      .handler = get_run,
      .summary = "one of them: how far it is, what came of it",
      .answer = "SinkTask" },
    { .method = "DELETE",
      .path = "/api/v1/sink-tasks/{id}",
      .handler = delete_run,
      .summary = "stop one that runs, forget one that has ended; what was sent stays sent" },
};

struct sink_runs *sink_runs_new(struct server *server)
{
    struct sink_runs *runs = busbar_alloc(sizeof(*runs));
    runs->server = server;
    tasks_init(&runs->tasks, server->config.loop, "sink-tasks", run_free);
    server_add_routes(server, routes, sizeof(routes) / sizeof(routes[0]), runs);
    return runs;
}

static void orphan(struct task *task)
{
    run_of(task)->orphan = true;
}

void sink_runs_free(struct sink_runs *runs)
{
    tasks_fini(&runs->tasks, orphan);
    busbar_free(runs);
}
