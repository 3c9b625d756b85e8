/* SPDX-License-Identifier: Apache-2.0 */
#include "app/history_routes.h"

#include <string.h>

#include "app/backup.h"
#include "app/history_compact.h"
#include "app/history_fetch.h"
#include "app/history_transfer.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "history/check.h"
#include "net/jobs.h"

enum { FINDINGS_MAX = 1000 /* that are told one by one */ };

static void put_findings(struct json_writer *json, const struct history_findings *findings)
{
    json_put_u64(json, "segments", findings->segments);
    json_put_u64(json, "records", findings->records);
    json_put_u64(json, "blocks", findings->blocks);
    json_put_u64(json, "chunks", findings->chunks);
    json_put_u64(json, "samples", findings->samples);
    json_put_u64(json, "damaged_records", findings->damaged_records);
    json_put_u64(json, "damaged_chunks", findings->damaged_chunks);
    json_put_u64(json, "damaged_files", findings->damaged_files);
    json_put_u64(json, "missing_blocks", findings->missing_blocks);
    json_put_u64(json, "orphan_files", findings->orphan_files);
    json_put_u64(json, "torn_bytes", findings->torn_bytes);
}

/* ---- verify: server-sent events while it goes on ---- */

struct verifying {
    struct state *state;
    char folder[GATEWAY_PATH_MAX];
    struct history_check *check;
    struct buf *out; /* of the piece in turn */
    size_t told;
};

static void put_finding(void *ctx, const char *text)
{
    struct verifying *verifying = ctx;
    if (verifying->told++ >= FINDINGS_MAX) {
        return;
    }
    buf_append_text(verifying->out, "event: finding\ndata: ");
    struct json_writer json = json_writer(verifying->out);
    json_begin_object(&json);
    json_put_string(&json, "text", text);
    json_end_object(&json);
    buf_append_text(verifying->out, "\n\n");
}

static void put_progress(const struct verifying *verifying)
{
    size_t done, total;
    history_check_progress(verifying->check, &done, &total);
    buf_printf(verifying->out, "event: progress\ndata: {\"done\":%zu,\"total\":%zu}\n\n", done,
               total);
}

static void end_check(struct verifying *verifying)
{
    struct history_findings findings;
    int error = history_check_close(verifying->check, &findings);
    verifying->check = NULL;
    buf_append_text(verifying->out, "event: result\ndata: ");
    struct json_writer json = json_writer(verifying->out);
    json_begin_object(&json);
    json_put_bool(&json, "good", error == 0);
    json_put_u64(&json, "findings", verifying->told);
    put_findings(&json, &findings);
    json_end_object(&json);
    buf_append_text(verifying->out, "\n\n");
}

/* One file a piece. */
static int verify_piece(void *ctx, struct buf *out, bool *last, const atomic_bool *cancel)
{
    struct verifying *verifying = ctx;
    struct err err = { 0 };
    verifying->out = out;
    if (atomic_load(cancel)) {
        return BUSBAR_ECANCELED;
    }
    if (verifying->check == NULL) {
        return history_check_open(verifying->folder, verifying->state, true, put_finding, verifying,
                                  &verifying->check, &err);
    }
    if (history_check_step(verifying->check)) {
        put_progress(verifying);
    } else {
        end_check(verifying);
        *last = true;
    }
    return 0;
}

static void verify_ended(void *ctx)
{
    struct verifying *verifying = ctx;
    struct history_findings findings;
    if (verifying->check != NULL) {
        (void)history_check_close(verifying->check, &findings);
    }
    busbar_free(verifying);
}

static void get_verify(struct server_request *req)
{
    static const struct server_maker maker = { .make = verify_piece, .end = verify_ended };
    struct gateway *gw = server_ctx(req);
    struct verifying *verifying = busbar_alloc(sizeof(*verifying));
    verifying->state = gw->state;
    str_copy(verifying->folder, sizeof(verifying->folder), gw->data_folder);
    server_reply_stream(req, 200, "text/event-stream; charset=utf-8", &maker, verifying);
}

/* ---- backup ---- */

struct backing_up {
    struct server_request *req;
    char data_folder[GATEWAY_PATH_MAX], config_path[GATEWAY_PATH_MAX], to[GATEWAY_PATH_MAX];
    struct backup_request request;
    struct backup_result result;
    int64_t began_us;
    struct buf findings; /* lines of JSON texts */
    struct json_writer json;
    int error;
    struct err err;
};

static void keep_finding(void *ctx, const char *text)
{
    struct backing_up *work = ctx;
    json_string(&work->json, text);
}

static void work_backup(void *ctx)
{
    struct backing_up *work = ctx;
    work->began_us = clock_mono_us();
    json_begin_array(&work->json);
    work->error = backup_make(&work->request, keep_finding, work, &work->result, &work->err);
    json_end_array(&work->json);
}

static void backed_up(void *ctx, int error)
{
    struct backing_up *work = ctx;
    struct buf out;
    if (error != 0) {
        server_reply_error(work->req, error, "the backup was not made");
    } else if (work->error != 0) {
        server_reply_err(work->req, &work->err);
    } else {
        buf_init(&out, SERVER_ANSWER_MAX);
        struct json_writer json = json_writer(&out);
        json_begin_object(&json);
        json_put_string(&json, "folder", work->to);
        json_put_u64(&json, "files", work->result.files);
        json_put_u64(&json, "bytes", work->result.bytes);
        json_put_double(&json, "took_ms", (double)(clock_mono_us() - work->began_us) / 1000);
        put_findings(&json, &work->result.findings);
        json_key(&json, "findings");
        json_raw(&json, buf_text(&work->findings), work->findings.size);
        json_end_object(&json);
        server_reply_json(work->req, 200, &out);
    }
    buf_fini(&work->findings);
    busbar_free(work);
}

static void post_backup(struct server_request *req)
{
    struct gateway *gw = server_ctx(req);
    const char *folder = json_get_text(json_get(server_body(req), "folder"), NULL);
    bool secrets = false;
    (void)json_get_bool(json_get(server_body(req), "secrets"), &secrets);
    if (folder == NULL || folder[0] != '/' || strlen(folder) >= GATEWAY_PATH_MAX) {
        server_reply_error(req, BUSBAR_EINVAL,
                           "'folder' must be an absolute path on the gateway's machine");
        return;
    }
    struct backing_up *work = busbar_alloc(sizeof(*work));
    work->req = req;
    str_copy(work->data_folder, sizeof(work->data_folder), gw->data_folder);
    str_copy(work->config_path, sizeof(work->config_path), gw->config_path);
    str_copy(work->to, sizeof(work->to), folder);
    buf_init(&work->findings, SERVER_ANSWER_MAX / 2);
    work->json = json_writer(&work->findings);
    work->request = (struct backup_request){ .data_folder = work->data_folder,
                                             .config_path = work->config_path,
                                             .to = work->to,
                                             .history = gw->history,
                                             .state = gw->state,
                                             .secrets = secrets };
    jobs_submit(gw->loop, work_backup, backed_up, work);
}

/* ---- routes ---- */

static const struct server_query_param export_query[] = {
    { "match", "string", "series, as in PromQL: sat{device=~\"ahu-.*\"}; all by default" },
    { "start", "string", "first time; all by default" },
    { "end", "string", "time behind the last" },
    { "format", "string", "json (lines, the default) or csv" },
    { 0 },
};

static const struct server_query_param fetch_query[] = {
    { "sink", "string", "a sink of PostgreSQL" },
    { "site", "string", "its name there; this gateway's by default" },
    { "points", "string", "patterns of paths: meter-*, pv-1/power; all series by default" },
    { "since", "string", "first time; all by default" },
    { "until", "string", "time behind the last" },
    { 0 },
};

static const struct server_query_param import_query[] = {
    { "format", "string", "json (lines, the default) or csv" },
    { "line", "integer", "number of the first line, for errors; 1 by default" },
    { 0 },
};

static const struct server_route routes[] = {
    { .method = "GET",
      .path = "/api/v1/history/verify",
      .handler = get_verify,
      .answer = SERVER_ANSWER_TEXT,
      .summary = "check every checksum, as events: progress, finding, result" },
    { .method = "POST",
      .path = "/api/v1/history/backup",
      .handler = post_backup,
      .summary = "write a consistent backup into a new folder of the gateway's machine" },
    { .method = "POST",
      .path = "/api/v1/history/compact",
      .handler = history_compact_post,
      .summary = "merge the blocks by day now; with {\"cold\": true} recode all days too" },
    { .method = "GET",
      .path = "/api/v1/history/export",
      .handler = history_transfer_export,
      .query = export_query,
      .answer = SERVER_ANSWER_TEXT,
      .summary = "samples with all they have, as JSON lines or CSV" },
    { .method = "GET",
      .path = "/api/v1/history/archive",
      .handler = history_fetch_get,
      .query = fetch_query,
      .answer = SERVER_ANSWER_TEXT,
      .summary = "what a sink keeps of a site and is not here, as JSON lines for history/import" },
    { .method = "POST",
      .path = "/api/v1/history/import",
      .handler = history_transfer_import,
      .query = import_query,
      .flags = SERVER_ROUTE_RAW | SERVER_ROUTE_CHUNKED,
      .body_max = SERVER_RAW_MAX,
      .summary = "samples as they were exported; what is there already is the same again" },
};

void history_routes_add(struct gateway *gw)
{
    server_add_routes(gw->server, routes, sizeof(routes) / sizeof(routes[0]), gw);
}
